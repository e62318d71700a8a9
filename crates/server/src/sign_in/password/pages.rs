//! The pages of passwords and codes. Each asks one thing; the script sends a form's fields to the address it names.

use axum::http::StatusCode;
use axum::response::Response;
use domain::ways_in::{FactorKind, PASSWORD_LEAST, PASSWORD_MOST, WaysIn};
use maud::{Markup, html};

use super::super::pages::{notices, page};
use super::NAME_MAX;
use super::totp::Authenticator;
use crate::App;

/// What usually is wrong, without telling which part was.
const MISMATCH: &str = "That did not match. Often it is Caps Lock or the keyboard’s language.";
const WRONG_CODE: &str =
    "That code did not match. Wait for the next one; a code counts once, and the phone’s clock must be right.";
const WRONG_SENT: &str = "That code did not match. The newest message counts; begin again for another one.";

pub fn password(app: &App, device: &str) -> Response {
    let body = html! {
        div { h1 id="title" { "Sign in with a password" } p.soft { "for the Billfold app on “" (device) "”. A code follows." } }
        (notices())
        form data-send="/sign-in/password" data-refused=(MISMATCH) {
            div.field {
                label for="name" { "Account name" }
                input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="80" required data-rhythm;
            }
            (password_field("Password", "current-password", None))
            button.primary type="submit" { "Continue" }
        }
        p.small.between { a href="/sign-in" { "Use a passkey" } a href="/sign-in/create" { "Create a new account" } a href="/sign-in/recovery" { "I cannot get in" } }
    };
    page(app, StatusCode::OK, "Sign in with a password", &body)
}

/// A field for a password, which may be looked at.
fn password_field(label: &str, autocomplete: &str, help: Option<&str>) -> Markup {
    let described = if help.is_some() { "password-help caps" } else { "caps" };
    html! {
        div.field {
            label for="password" { (label) }
            div.with-button {
                input id="password" name="password" type="password" autocomplete=(autocomplete) autocapitalize="none" spellcheck="false" maxlength=(PASSWORD_MOST) required aria-describedby=(described);
                button type="button" data-shows="password" aria-label="Show password" { "Show" }
            }
            @if let Some(help) = help { p.help id="password-help" { (help) } }
            p.help.caps id="caps" role="status" hidden { "Caps Lock is on." }
        }
    }
}

/// Where the digits come from that a field asks for.
#[derive(Clone, Copy)]
enum Digits {
    App,
    Message,
}

fn code_field(digits: Digits) -> Markup {
    let help = match digits {
        Digits::App => "6 digits from your authenticator app.",
        Digits::Message => "8 digits from the newest message.",
    };
    html! {
        div.field {
            label for="code" { "Code" }
            input.code id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" spellcheck="false" maxlength="12" required aria-describedby="code-help";
            p.help id="code-help" { (help) }
        }
    }
}

/// The code beside the password; `sent_to` is where it went, when no authenticator app shows it.
pub fn code(app: &App, sent_to: Option<&str>) -> Response {
    let body = html! {
        div {
            h1 id="title" { "Enter the code" }
            @match sent_to {
                Some(to) => p.soft { "It is on its way to " (to) ", and good for 10 minutes." }
                None => p.soft { "Your authenticator app shows a new one every 30 seconds." }
            }
        }
        (notices())
        form data-send="/sign-in/password/code" data-refused=(if sent_to.is_some() { WRONG_SENT } else { WRONG_CODE }) {
            (code_field(if sent_to.is_some() { Digits::Message } else { Digits::App }))
            button.primary type="submit" { "Continue" }
        }
        p.small { a href="/sign-in" { "Use a passkey" } }
    };
    page(app, StatusCode::OK, "Enter the code", &body)
}

pub fn create(app: &App, device: &str, name: Option<&str>) -> Response {
    let body = html! {
        div { h1 id="title" { "Create your account" } p.soft { "for the Billfold app on “" (device) "”, with a password and an authenticator app." } }
        (notices())
        form data-send="/sign-in/create/password" {
            div.field {
                label for="name" { "Your name" }
                input id="name" name="name" type="text" autocomplete="name" maxlength="80" required value=[name] aria-describedby="name-help";
                p.help id="name-help" { "Shown in the app and on these pages." }
            }
            div.field {
                label for="account" { "Account name" }
                input id="account" name="account_name" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength=(NAME_MAX) required aria-describedby="account-help";
                p.help id="account-help" { "What you type to sign in. The server adds five digits, so that nobody can find out whether a name is in use." }
            }
            button.primary type="submit" { "Continue" }
        }
        p.small.between { a href="/sign-in" { "I have an account" } a href="/sign-in/create" { "Use a passkey" } }
    };
    page(app, StatusCode::OK, "Create your account", &body)
}

/// A password and a code, where they prove that the account's own person adds something to it.
pub fn proof_form(ways: &WaysIn) -> Markup {
    html! {
        @if !ways.factors.contains(&FactorKind::Totp) {
            button type="button" id="send-code" data-path="/sign-in/ways-in/send-code" data-sent="A code is on its way to {to}." { "Send me a code" }
        }
        form data-send="/sign-in/ways-in/prove" data-refused=(MISMATCH) {
            (password_field("Password", "current-password", None))
            (code_field(if ways.factors.contains(&FactorKind::Totp) { Digits::App } else { Digits::Message }))
            button.primary type="submit" { "Continue" }
        }
    }
}

/// A new account's password; the account's name stands beside it so that a password manager keeps both.
pub fn choose(app: &App, account_name: &str, send: &str) -> Response {
    choosing(app, "Choose a password", account_name, send, false)
}

/// Another password, or the first of an account that has none.
pub fn change(app: &App, account_name: &str, changes: bool, send: &str) -> Response {
    choosing(app, if changes { "Change the password" } else { "Choose a password" }, account_name, send, changes)
}

fn choosing(app: &App, title: &str, account_name: &str, send: &str, changes: bool) -> Response {
    let help = format!(
        "At least {PASSWORD_LEAST} characters of any kind. A few unusual words are good; a name, a date or a row of keys is not."
    );
    let body = html! {
        div { h1 id="title" { (title) } p.soft { "You sign in with this name and the password. Keep both, best in a password manager." } }
        (notices())
        form data-send=(send) {
            div.field {
                label for="account" { "Account name" }
                input id="account" type="text" autocomplete="username" readonly value=(account_name);
            }
            (password_field("New password", "new-password", Some(&help)))
            @if changes {
                label.check { input type="checkbox" name="keep_devices"; span { "Keep my other devices signed in" } }
                p.help { "Leave this off when somebody may know the old password: then everything but the computer that you began on is signed out." }
            }
            button.primary type="submit" { "Continue" }
        }
    };
    page(app, StatusCode::OK, title, &body)
}

/// Whether the password stays beside two passkeys.
pub fn keep(app: &App, holder: &str, send: &str) -> Response {
    let body = html! {
        div { h1 id="title" { "Keep the password?" } p.soft { "for the account of " (holder) } }
        (notices())
        p { "Two passkeys let you in, and nobody can trick you into giving them away. A password can be given away. Keep it only if you need it where no passkey works." }
        form data-send=(send) { button.primary type="submit" { "Keep the password" } }
    };
    page(app, StatusCode::OK, "Keep the password?", &body)
}

pub fn done(app: &App) -> Response {
    let body = html! {
        div { h1 id="title" { "That is done" } p.soft { "It counts from now on." } }
        p { "Close this page and go back to the Billfold app." }
    };
    page(app, StatusCode::OK, "Done", &body)
}

/// A new authenticator app; its owner may call it otherwise where there may be several.
pub fn set_up(app: &App, key: &Authenticator, name: Option<&str>, send: &str) -> Option<Response> {
    let address = key.address()?;
    let body = html! {
        div { h1 id="title" { "Set up an authenticator app" } p.soft { "It shows the codes that go with your password. Scan the square, or type the key." } }
        (notices())
        (key.picture("QR code for the authenticator app")?)
        dl.facts.stacked { div { dt { "Key" } dd.key { (key.key()) } } }
        p.small { a href=(address) { "Open in an app on this device" } }
        form data-send=(send) data-refused=(WRONG_CODE) {
            (code_field(Digits::App))
            @if let Some(name) = name {
                div.field {
                    label for="name" { "Name" }
                    input id="name" name="name" type="text" autocomplete="off" maxlength="80" required value=(name) aria-describedby="name-help";
                    p.help id="name-help" { "So that you know it again in the list: where it is kept." }
                }
            }
            button.primary type="submit" { "Finish" }
        }
    };
    Some(page(app, StatusCode::OK, "Set up an authenticator app", &body))
}
