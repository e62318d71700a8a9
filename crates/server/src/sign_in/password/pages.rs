//! The pages of passwords and codes. Each asks one thing; the script sends a form's fields to the address it names.

use axum::http::StatusCode;
use axum::response::Response;
use domain::addresses::Language;
use domain::ways_in::{FactorKind, PASSWORD_LEAST, PASSWORD_MOST, WaysIn};
use maud::{Markup, html};

use super::super::pages::{self, for_account, notices, page_in, to_recovery, your_name};
use super::NAME_MAX;
use super::totp::Authenticator;
use super::words::words;
use crate::App;

pub fn password(app: &App, language: Language, device: &str) -> Response {
    let words = words(language);
    let common = super::super::words::words(language);
    let body = html! {
        div { h1 id="title" { (words.title) } p.soft { (words.about.replace("{device}", device)) } }
        (notices(language))
        form data-send="/sign-in/password" data-refused=(words.mismatch) {
            div.field {
                label for="name" { (words.account) }
                input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="80" required data-rhythm;
            }
            (password_field(language, words.password, "current-password", None))
            button.primary type="submit" { (words.go_on) }
        }
        p.small.between { a href="/sign-in" { (words.by_passkey) } a href="/sign-in/create" { (common.to_create) } a href=(to_recovery(language)) { (common.to_recovery) } }
    };
    page_in(app, StatusCode::OK, language, words.title, &body)
}

/// A field for a password, which may be looked at.
fn password_field(language: Language, label: &str, autocomplete: &str, help: Option<&str>) -> Markup {
    let described = if help.is_some() { "password-help caps" } else { "caps" };
    let script = super::super::words::script_words(language);
    html! {
        div.field {
            label for="password" { (label) }
            div.with-button {
                input id="password" name="password" type="password" autocomplete=(autocomplete) autocapitalize="none" spellcheck="false" maxlength=(PASSWORD_MOST) required aria-describedby=(described);
                button type="button" data-shows="password" aria-label=(script.show_password) { (script.show) }
            }
            @if let Some(help) = help { p.help id="password-help" { (help) } }
            p.help.caps id="caps" role="status" hidden { (words(language).caps) }
        }
    }
}

/// Where the digits come from that a field asks for.
#[derive(Clone, Copy)]
enum Digits {
    App,
    Message,
}

fn code_field(language: Language, digits: Digits) -> Markup {
    let words = words(language);
    let help = match digits {
        Digits::App => words.six_digits,
        Digits::Message => words.eight_digits,
    };
    html! {
        div.field {
            label for="code" { (words.code) }
            input.code id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" spellcheck="false" maxlength="12" required aria-describedby="code-help";
            p.help id="code-help" { (help) }
        }
    }
}

/// The code beside the password; `sent_to` is where it went, when no authenticator app shows it.
pub fn code(app: &App, language: Language, sent_to: Option<&str>) -> Response {
    let words = words(language);
    let (about, wrong, digits) = match sent_to {
        Some(to) => (words.code_sent.replace("{address}", to), words.wrong_sent, Digits::Message),
        None => (words.code_shown.to_owned(), words.wrong_code, Digits::App),
    };
    let body = html! {
        div { h1 id="title" { (words.code_title) } p.soft { (about) } }
        (notices(language))
        form data-send="/sign-in/password/code" data-refused=(wrong) {
            (code_field(language, digits))
            button.primary type="submit" { (words.go_on) }
        }
        p.small { a href="/sign-in" { (words.by_passkey) } }
    };
    page_in(app, StatusCode::OK, language, words.code_title, &body)
}

pub fn create(app: &App, language: Language, device: &str, name: Option<&str>) -> Response {
    let words = words(language);
    let common = super::super::words::words(language);
    let body = html! {
        div { h1 id="title" { (common.create) } p.soft { (words.create_about.replace("{device}", device)) } }
        (notices(language))
        form data-send="/sign-in/create/password" {
            (your_name(language, name))
            div.field {
                label for="account" { (words.account) }
                input id="account" name="account_name" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength=(NAME_MAX) required aria-describedby="account-help";
                p.help id="account-help" { (words.account_help) }
            }
            button.primary type="submit" { (words.go_on) }
        }
        p.small.between { a href="/sign-in" { (common.to_sign_in) } a href="/sign-in/create" { (words.by_passkey) } }
    };
    page_in(app, StatusCode::OK, language, common.create, &body)
}

/// A password and a code, where they prove that the account's own person adds something to it.
pub fn proof_form(language: Language, ways: &WaysIn) -> Markup {
    let words = words(language);
    let digits = if ways.factors.contains(&FactorKind::Totp) { Digits::App } else { Digits::Message };
    html! {
        @if matches!(digits, Digits::Message) {
            button type="button" id="send-code" data-path="/sign-in/ways-in/send-code" data-sent=(words.sent) { (words.send) }
        }
        form data-send="/sign-in/ways-in/prove" data-refused=(words.mismatch) {
            (password_field(language, words.password, "current-password", None))
            (code_field(language, digits))
            button.primary type="submit" { (words.go_on) }
        }
    }
}

/// A new account's password; the account's name stands beside it so that a password manager keeps both.
pub fn choose(app: &App, language: Language, account_name: &str, send: &str) -> Response {
    choosing(app, language, account_name, send, false)
}

/// Another password, or the first of an account that has none.
pub fn change(app: &App, language: Language, account_name: &str, changes: bool, send: &str) -> Response {
    choosing(app, language, account_name, send, changes)
}

fn choosing(app: &App, language: Language, account_name: &str, send: &str, changes: bool) -> Response {
    let words = words(language);
    let title = if changes { words.change } else { words.choose };
    let help = words.new_password_help.replace("{least}", &PASSWORD_LEAST.to_string());
    let body = html! {
        div { h1 id="title" { (title) } p.soft { (words.choose_about) } }
        (notices(language))
        form data-send=(send) {
            div.field {
                label for="account" { (words.account) }
                input id="account" type="text" autocomplete="username" readonly value=(account_name);
            }
            (password_field(language, words.new_password, "new-password", Some(&help)))
            @if changes {
                label.check { input type="checkbox" name="keep_devices"; span { (words.keep_devices) } }
                p.help { (words.keep_devices_help) }
            }
            button.primary type="submit" { (words.go_on) }
        }
    };
    page_in(app, StatusCode::OK, language, title, &body)
}

/// Whether the password stays beside two passkeys.
pub fn keep(app: &App, language: Language, holder: &str, send: &str) -> Response {
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.keep_title) } p.soft { (for_account(language, holder)) } }
        (notices(language))
        p { (words.keep_about) }
        form data-send=(send) { button.primary type="submit" { (words.keep) } }
    };
    page_in(app, StatusCode::OK, language, words.keep_title, &body)
}

pub fn done(app: &App, language: Language) -> Response {
    let words = words(language);
    pages::done(app, language, words.done, words.done_about)
}

/// A new authenticator app; its owner may call it otherwise where there may be several.
pub fn set_up(app: &App, language: Language, key: &Authenticator, named: bool, send: &str) -> Option<Response> {
    let address = key.address()?;
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.set_up) } p.soft { (words.set_up_about) } }
        (notices(language))
        (key.picture(words.picture)?)
        dl.facts.stacked { div { dt { (words.key) } dd.key { (key.key()) } } }
        p.small { a href=(address) { (words.open_app) } }
        form data-send=(send) data-refused=(words.wrong_code) {
            (code_field(language, Digits::App))
            @if named {
                div.field {
                    label for="name" { (super::super::words::words(language).name) }
                    input id="name" name="name" type="text" autocomplete="off" maxlength="80" required value=(words.first_app) aria-describedby="name-help";
                    p.help id="name-help" { (words.app_help) }
                }
            }
            button.primary type="submit" { (words.finish) }
        }
    };
    Some(page_in(app, StatusCode::OK, language, words.set_up, &body))
}
