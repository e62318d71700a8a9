//! The server's own pages: sign in, create an account, confirm, and one page for everything that ended. Text nodes only;
//! style and script are files of this origin, nothing else loads.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use data_encoding::BASE64URL_NOPAD;
use domain::addresses::Language;
use domain::ways_in::WaysIn;
use maud::{DOCTYPE, Markup, html};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::Passkey;

use super::step_up::{self, Shown};
use super::visit::Visit;
use super::words::{ScriptWords, script_words, words};
use super::{language, store, tokens};
use crate::App;
use crate::error::ApiError;
use crate::page_policy::{self, Forms};

const ICON: &str = include_str!("../../../../icons/billfold.svg");
const STYLE: &str = concat!(include_str!("assets/tokens.css"), include_str!("assets/sign-in.css"));
const SCRIPT: &str = include_str!("assets/sign-in.js");

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_in))
        .routes(routes!(create))
        .routes(routes!(confirm))
        .routes(routes!(icon))
        .routes(routes!(style))
        .routes(routes!(script))
}

/// The pages' picture.
#[utoipa::path(get, path = "/sign-in/assets/billfold.svg", tag = "sign_in", responses((status = 200, description = "A file")))]
async fn icon() -> Response {
    asset("image/svg+xml", ICON)
}

/// The pages' style.
#[utoipa::path(get, path = "/sign-in/assets/sign-in.css", tag = "sign_in", responses((status = 200, description = "A file")))]
async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// The pages' script.
#[utoipa::path(get, path = "/sign-in/assets/sign-in.js", tag = "sign_in", responses((status = 200, description = "A file")))]
async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

fn asset(kind: &'static str, body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

/// A page of this server, in that language.
pub(crate) fn page_in(app: &App, status: StatusCode, language: Language, title: &str, body: &Markup) -> Response {
    let name = &app.settings.server_name;
    let whole = html! {
        (DOCTYPE)
        html lang=(language.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) ": " (name) }
                link rel="icon" type="image/svg+xml" href="/sign-in/assets/billfold.svg";
                link rel="stylesheet" href="/sign-in/assets/sign-in.css";
                script type="module" src="/sign-in/assets/sign-in.js" {}
            }
            body {
                header {
                    span.brand { (mark()) span { (name) } }
                    span.host { (app.settings.public_url.origin().split_once("://").map_or("", |(_, host)| host)) }
                }
                main id="main" { section.card aria-labelledby="title" { (body) } }
                footer { (words(language).server) " " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    (status, page_policy::headers(Forms::Nowhere), whole).into_response()
}

fn mark() -> Markup {
    html! {
        svg viewBox="0 0 28 28" width="28" height="28" aria-hidden="true" {
            path class="bill" d="M6.4 12V6.2L19.8 3.6a1.4 1.4 0 0 1 1.7 1.4V12" {}
            path class="wallet" d="M2 11.2A3.2 3.2 0 0 1 5.2 8h16.4a3.6 3.6 0 0 1 3.6 3.6v9.2a3.6 3.6 0 0 1-3.6 3.6H5.6A3.6 3.6 0 0 1 2 20.8Z" {}
            path class="tab" d="M26.2 13.2h-6a3 3 0 0 0 0 6h6Z" {}
            circle class="dot" cx="20.4" cy="16.2" r="1.3" {}
        }
    }
}

/// Where the script says what went wrong, and what somebody without script reads.
pub(crate) fn notices(language: Language) -> Markup {
    notices_saying(language, |_| ())
}

/// The same on a page that says some of it in words of its own.
pub(crate) fn notices_saying(language: Language, own: impl FnOnce(&mut ScriptWords)) -> Markup {
    let mut said = script_words(language);
    own(&mut said);
    html! {
        p.notice id="notice" role="alert" hidden data-words=(serde_json::json!(said)) {}
        noscript { p.notice { (words(language).needs_script) } }
    }
}

/// The one page for a request that is unknown, too old, used or refused.
pub(crate) fn ended(app: &App, language: Language) -> Response {
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.ended) } p.soft { (words.ended_about) } }
        p { (words.ended_next) }
    };
    page_in(app, StatusCode::BAD_REQUEST, language, words.ended, &body)
}

/// The page to sign in with a passkey.
#[utoipa::path(get, path = "/sign-in", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn sign_in(State(app): State<App>, visit: Visit) -> Response {
    if visit.holder.is_some() {
        return Redirect::to("/sign-in/confirm").into_response();
    }
    let words = words(visit.language);
    let body = html! {
        div { h1 id="title" { (words.sign_in) } p.soft { (words.for_app.replace("{device}", &visit.request.device_name)) } }
        (notices(visit.language))
        button.primary type="button" id="passkey" { (words.by_passkey) }
        div.field {
            label for="name" { (words.saved) }
            input id="name" type="text" autocomplete="username webauthn" placeholder=(words.saved_pick) aria-describedby="name-help";
            p.help id="name-help" { (words.saved_help) }
        }
        p.or { span { (words.or) } }
        a.button href="/sign-in/password" { (words.by_password) }
        p.small.between { a href="/sign-in/create" { (words.to_create) } a href=(to_recovery(visit.language)) { (words.to_recovery) } }
    };
    page_in(&app, StatusCode::OK, visit.language, words.sign_in, &body)
}

/// Recovery is a visit of its own, so the address takes the language along.
pub(super) fn to_recovery(language: Language) -> String {
    language::address("/sign-in/recovery", language)
}

/// The page to make an account with its first passkey.
#[utoipa::path(get, path = "/sign-in/create", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn create(State(app): State<App>, visit: Visit) -> Response {
    if visit.holder.is_some() {
        return Redirect::to("/sign-in/confirm").into_response();
    }
    let words = words(visit.language);
    let body = html! {
        div { h1 id="title" { (words.create) } p.soft { (words.for_app.replace("{device}", &visit.request.device_name)) } }
        (notices(visit.language))
        form id="create" {
            (your_name(visit.language, visit.request.login_hint.as_deref()))
            button.primary type="submit" { (words.create_by_passkey) }
        }
        p.small.soft { (words.what_a_passkey_is) }
        p.small.between { a href="/sign-in" { (words.to_sign_in) } a href="/sign-in/create/password" { (words.by_password) } }
    };
    page_in(&app, StatusCode::OK, visit.language, words.create, &body)
}

/// How a new account's owner is called.
pub(super) fn your_name(language: Language, name: Option<&str>) -> Markup {
    let words = words(language);
    html! {
        div.field {
            label for="name" { (words.your_name) }
            input id="name" name="name" type="text" autocomplete="name" maxlength="80" required value=[name] aria-describedby="name-help";
            p.help id="name-help" { (words.your_name_help) }
        }
    }
}

/// The page that makes one more passkey.
pub(super) fn add_passkey(app: &App, language: Language, holder: &str) -> Response {
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.add) } p.soft { (to_account(language, holder)) } }
        (notices(language))
        form id="add" {
            div.field {
                label for="name" { (words.name) }
                input id="name" type="text" autocomplete="off" maxlength="80" required value=(words.another) aria-describedby="name-help";
                p.help id="name-help" { (words.name_help) }
            }
            button.primary type="submit" { (words.make) }
        }
        p.small.soft { (words.add_why) }
    };
    page_in(app, StatusCode::OK, language, words.add, &body)
}

/// Whose account something is added to.
pub(crate) fn to_account(language: Language, holder: &str) -> String {
    words(language).to_account.replace("{name}", holder)
}

/// Whose account something is for.
pub(super) fn for_account(language: Language, holder: &str) -> String {
    words(language).for_account.replace("{name}", holder)
}

/// Before anything is added to an account, a way in that it has is shown: a passkey where there is one.
pub(crate) fn prove(app: &App, language: Language, holder: &str, ways: &WaysIn) -> Response {
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.prove) } p.soft { (for_account(language, holder)) } }
        (notices(language))
        @if ways.passkeys > 0 {
            button.primary type="button" id="prove" { (words.prove_by_passkey) }
        } @else {
            (super::password::proof_form(language, ways))
        }
        p.small.soft { (words.prove_why) }
    };
    page_in(app, StatusCode::OK, language, words.prove, &body)
}

pub(super) fn passkey_added(app: &App, language: Language) -> Response {
    let words = words(language);
    done(app, language, words.added, words.added_about)
}

/// The page at the end of what was done: from there the person goes back to the app.
pub(super) fn done(app: &App, language: Language, title: &str, about: &str) -> Response {
    let body = html! {
        div { h1 id="title" { (title) } p.soft { (about) } }
        p { (words(language).close) }
    };
    page_in(app, StatusCode::OK, language, title, &body)
}

/// The page that asks for a yes to one thing, as it is now.
pub(super) fn step_up(app: &App, language: Language, holder: &str, shown: &Shown) -> Response {
    let words = step_up::words::words(language);
    let body = html! {
        div { h1 id="title" { (shown.title) } p.soft { (words.asked_by.replace("{name}", holder)) } }
        (notices(language))
        dl.facts { @for (name, value) in &shown.facts { div { dt { (name) } dd { (value) } } } }
        button.primary type="button" id="step-up" data-shown=(shown.digest) { (shown.button) }
        p.small.soft { (shown.note) " " (words.not_you) }
    };
    page_in(app, StatusCode::OK, language, shown.title, &body)
}

pub(super) fn stepped_up(app: &App, language: Language) -> Response {
    let words = step_up::words::words(language);
    done(app, language, words.done, words.done_about)
}

/// What the script tells the browser: which passkeys are still taken, so that its list does not offer one that is gone.
fn accepted(app: &App, user_handle: &[u8], kept: &[store::OwnPasskey]) -> Markup {
    let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let ids = kept.iter().filter_map(|kept| serde_json::from_str::<Passkey>(&kept.body).ok());
    let ids: Vec<String> = ids.map(|passkey| text(passkey.cred_id())).collect();
    html! {
        span id="accepted" hidden data-rp=(app.settings.public_url.host()) data-user=(text(user_handle)) data-ids=(ids.join(" ")) {}
    }
}

/// The page that asks whether this device is let in.
#[utoipa::path(get, path = "/sign-in/confirm", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn confirm(State(app): State<App>, visit: Visit) -> Result<Response, ApiError> {
    let Some(holder) = visit.holder else { return Ok(Redirect::to("/sign-in").into_response()) };
    let mut tx = app.db.begin_read().await?;
    let owner = store::owner(&mut tx, holder).await?.ok_or_else(ApiError::not_found)?;
    let name = &owner.name;
    let is_new = match store::device_by_thumbprint(&mut tx, holder, &visit.request.dpop_jkt).await? {
        Some((device, true)) => tokens::was_put_out(&mut tx, holder, device).await?,
        known => known.is_none(),
    };
    let asked = visit.asked_at.to_zoned(app.settings.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let wait = app.settings.policy.numbers().new_device_wait.as_hours();
    let accepted = accepted(&app, &owner.user_handle, &store::passkeys_of(&mut tx, holder).await?);
    let words = words(visit.language);
    let numbered = !visit.request.match_code.is_empty();
    let body = html! {
        (accepted)
        div { h1 id="title" { (words.confirm) } p.soft { (words.signed_in_as.replace("{name}", name)) } }
        (notices(visit.language))
        @if numbered {
            div.match { p.small.soft { (words.must_show) } b { (visit.request.match_code) } }
        } @else {
            p.notice { (words.no_number) }
        }
        dl.facts {
            div { dt { (words.app) } dd { @if numbered { "Billfold" } @else { (words.another_app) } } }
            div { dt { (words.device) } dd { (visit.request.device_name) @if is_new { " (" (words.new) ")" } } }
            @if let Some(near) = &visit.near { div { dt { (words.near) } dd { (near) } } }
            div { dt { (words.asked) } dd { (asked) } }
        }
        div.stack {
            @if numbered {
                button.primary type="button" id="yes" { (words.same_number) }
                button type="button" id="no" { (words.other_number) }
            } @else {
                button.primary type="button" id="no" { (words.keep_out) }
                button type="button" id="yes" { (words.let_in) }
            }
        }
        @if is_new && wait > 0 { p.small.soft { (words.new_waits.replace("{hours}", &wait.to_string())) } }
    };
    Ok(page_in(&app, StatusCode::OK, visit.language, words.confirm, &body))
}
