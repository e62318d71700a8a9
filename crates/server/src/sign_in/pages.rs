//! The server's own pages: sign in, create an account, confirm, and one page for everything that ended. Text nodes only;
//! style and script are files of this origin, nothing else loads.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use data_encoding::BASE64URL_NOPAD;
use domain::addresses::Language;
use domain::ways_in::WaysIn;
use maud::{DOCTYPE, Markup, html};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::Passkey;

use super::step_up::Shown;
use super::store;
use super::visit::Visit;
use crate::App;
use crate::error::ApiError;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
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

/// A page of this server in its own language.
pub(crate) fn page(app: &App, status: StatusCode, title: &str, body: &Markup) -> Response {
    page_in(app, status, Language::En, title, body)
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
                footer { "Account server " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    (status, headers, whole).into_response()
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
pub(crate) fn notices() -> Markup {
    html! {
        p.notice id="notice" role="alert" hidden {}
        noscript { p.notice { "This page needs JavaScript: a browser offers passkeys through it." } }
    }
}

/// The one page for a request that is unknown, too old, used or refused.
pub(crate) fn ended(app: &App) -> Response {
    let body = html! {
        div { h1 id="title" { "This sign-in has ended" } p.soft { "It was finished, took too long, or did not start in the app." } }
        p { "Go back to the Billfold app and start again. Nothing was let in." }
    };
    page(app, StatusCode::BAD_REQUEST, "Ended", &body)
}

/// The page to sign in with a passkey.
#[utoipa::path(get, path = "/sign-in", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn sign_in(State(app): State<App>, visit: Visit) -> Response {
    if visit.holder.is_some() {
        return Redirect::to("/sign-in/confirm").into_response();
    }
    let body = html! {
        div { h1 id="title" { "Sign in" } p.soft { "for the Billfold app on “" (visit.request.device_name) "”" } }
        (notices())
        button.primary type="button" id="passkey" { "Sign in with a passkey" }
        div.field {
            label for="name" { "Saved passkeys" }
            input id="name" type="text" autocomplete="username webauthn" placeholder="Pick a saved passkey" aria-describedby="name-help";
            p.help id="name-help" { "Your browser offers the passkeys saved for this server." }
        }
        p.or { span { "or" } }
        a.button href="/sign-in/password" { "Use a password instead" }
        p.small.between { a href="/sign-in/create" { "Create a new account" } a href="/sign-in/recovery" { "I cannot get in" } }
    };
    page(&app, StatusCode::OK, "Sign in", &body)
}

/// The page to make an account with its first passkey.
#[utoipa::path(get, path = "/sign-in/create", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn create(State(app): State<App>, visit: Visit) -> Response {
    if visit.holder.is_some() {
        return Redirect::to("/sign-in/confirm").into_response();
    }
    let body = html! {
        div { h1 id="title" { "Create your account" } p.soft { "for the Billfold app on “" (visit.request.device_name) "”" } }
        (notices())
        form id="create" {
            div.field {
                label for="name" { "Your name" }
                input id="name" type="text" autocomplete="name" maxlength="80" required value=[visit.request.login_hint] aria-describedby="name-help";
                p.help id="name-help" { "Shown in the app and on these pages." }
            }
            button.primary type="submit" { "Create with a passkey" }
        }
        p.small.soft { "A passkey is a key that this device or your phone keeps and unlocks by fingerprint, face or PIN. There is no password to remember or to steal." }
        p.small.between { a href="/sign-in" { "I have an account" } a href="/sign-in/create/password" { "Use a password instead" } }
    };
    page(&app, StatusCode::OK, "Create your account", &body)
}

/// The page that makes one more passkey.
pub(super) fn add_passkey(app: &App, holder: &str) -> Response {
    let body = html! {
        div { h1 id="title" { "Add a passkey" } p.soft { "to the account of " (holder) } }
        (notices())
        form id="add" {
            div.field {
                label for="name" { "Name" }
                input id="name" type="text" autocomplete="off" maxlength="80" required value="Another passkey" aria-describedby="name-help";
                p.help id="name-help" { "So that you know it again in the list: where it is kept." }
            }
            button.primary type="submit" { "Make the passkey" }
        }
        p.small.soft { "A second passkey lets you in when the first one is lost." }
    };
    page(app, StatusCode::OK, "Add a passkey", &body)
}

/// Before anything is added to an account, a way in that it has is shown: a passkey where there is one.
pub(crate) fn prove(app: &App, holder: &str, ways: &WaysIn) -> Response {
    let body = html! {
        div { h1 id="title" { "First, show that it is you" } p.soft { "for the account of " (holder) } }
        (notices())
        @if ways.passkeys > 0 {
            button.primary type="button" id="prove" { "Show a passkey you have" }
        } @else {
            (super::password::proof_form(ways))
        }
        p.small.soft { "Only you may add a way into your account, so one that it has comes first." }
    };
    page(app, StatusCode::OK, "Show that it is you", &body)
}

pub(super) fn passkey_added(app: &App) -> Response {
    let body = html! {
        div { h1 id="title" { "The passkey is added" } p.soft { "It lets you in from now on." } }
        p { "Close this page and go back to the Billfold app." }
    };
    page(app, StatusCode::OK, "The passkey is added", &body)
}

/// The page that asks for a yes to one thing, as it is now.
pub(super) fn step_up(app: &App, holder: &str, shown: &Shown) -> Response {
    let body = html! {
        div { h1 id="title" { (shown.title) } p.soft { "Asked by the Billfold app of " (holder) } }
        (notices())
        dl.facts { @for (name, value) in &shown.facts { div { dt { (name) } dd { (value) } } } }
        button.primary type="button" id="step-up" data-shown=(shown.digest) { (shown.button) }
        p.small.soft { (shown.note) " If you did not start this, close the page: nothing happens." }
    };
    page(app, StatusCode::OK, shown.title, &body)
}

pub(super) fn stepped_up(app: &App) -> Response {
    let body = html! {
        div { h1 id="title" { "Done" } p.soft { "What you said yes to is carried out." } }
        p { "Close this page and go back to the Billfold app." }
    };
    page(app, StatusCode::OK, "Done", &body)
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
    let is_new = store::device_by_thumbprint(&mut tx, holder, &visit.request.dpop_jkt).await?.is_none();
    let asked = visit.asked_at.to_zoned(app.settings.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let wait = app.settings.policy.numbers().new_device_wait.as_hours();
    let accepted = accepted(&app, &owner.user_handle, &store::passkeys_of(&mut tx, holder).await?);
    let body = html! {
        (accepted)
        div { h1 id="title" { "Let this app in?" } p.soft { "Signed in as " (name) "." } }
        (notices())
        @if visit.request.match_code.is_empty() {
            p.notice { "This app shows no number to compare. Let it in only if you started it yourself, a moment ago." }
        } @else {
            div.match { p.small.soft { "The Billfold window must show" } b { (visit.request.match_code) } }
        }
        dl.facts { div { dt { "App" } dd { @if visit.request.match_code.is_empty() { "Another app" } @else { "Billfold" } } } div { dt { "Device" } dd { (visit.request.device_name) @if is_new { " (new)" } } } @if let Some(near) = &visit.near { div { dt { "Near" } dd { (near) } } } div { dt { "Asked" } dd { (asked) } } }
        div.stack {
            @if visit.request.match_code.is_empty() {
                button.primary type="button" id="no" { "Do not let it in" }
                button type="button" id="yes" { "I started it, let it in" }
            } @else {
                button.primary type="button" id="yes" { "Same number, let it in" }
                button type="button" id="no" { "Different, or not me" }
            }
        }
        @if is_new && wait > 0 { p.small.soft { "A new device can read at once. New payees and higher limits wait " (wait) " hours." } }
    };
    Ok(page(&app, StatusCode::OK, "Let this app in?", &body))
}
