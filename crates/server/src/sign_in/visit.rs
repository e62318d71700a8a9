//! One visit of a browser: the app pushes its request, the browser opens it, somebody is recognised by a passkey,
//! looks at the device's name and the two digits, and says yes or no. A cookie ties the visit to one browser; there is
//! no lasting browser session.

use std::net::IpAddr;

use api::error::ErrorCode;
use api::sign_in::{CALLBACK_PATH, CLIENT_ID, OauthError, PushedRequest, PushedResponse, SCOPE};
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, extract::FromRequestParts, http::request::Parts};
use domain::addresses::Language;
use domain::ids::HolderId;
use domain::security::{Happened, SecurityEventKind};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::Url;

use super::dpop::{self, Expected};
use super::language::{self, Wanted};
use super::password::Pending;
use super::store::VisitRow;
use super::tokens::{self, Grant, oauth_error, refused_proof};
use super::{check_proof, hash, new_secret, pages, store};
use crate::App;
use crate::db::Tx;
use crate::error::ApiError;
use crate::http::{Json, Query, Source};
use crate::risk::{self, Mark};
use crate::security;

const PUSHED_LIFE: SignedDuration = SignedDuration::from_secs(120);
pub(crate) const VISIT_LIFE: SignedDuration = SignedDuration::from_mins(10);
const REQUEST_URI: &str = "urn:ietf:params:oauth:request_uri:";
const STATE_MAX: usize = 512;
const NAME_MAX: usize = 80;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(push)).routes(routes!(authorize)).routes(routes!(answer))
}

/// Takes an app's request for sign-in (RFC 9126); the proof's key becomes the device's.
#[utoipa::path(post, path = "/oauth/par", tag = "sign_in",
    request_body(content = PushedRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, body = PushedResponse), (status = 400, body = OauthError), (status = 429, description = "Too often")))]
async fn push(
    State(app): State<App>,
    Source(source): Source,
    headers: HeaderMap,
    form: Result<Form<PushedRequest>, FormRejection>,
) -> Result<Response, Response> {
    let now = app.clock.now();
    app.limits.start.take(source, now).map_err(|wait| too_often(wait).into_response())?;
    let Form(mut request) = form.map_err(|_| oauth_error("invalid_request", None))?;
    let language = request.ui_locales.take().and_then(|locales| language::of_locales(&locales));
    let url = format!("{}{}", app.settings.public_url, api::sign_in::PAR_PATH);
    let expected = Expected { method: "POST", url: &url, access_token: None };
    let proof = check_proof(&app, &headers, &expected).await.map_err(refused_proof)?;
    fill_in(&mut request, &proof.thumbprint);
    check_request(&mut request).map_err(|error| oauth_error(error, None))?;
    if request.dpop_jkt != proof.thumbprint {
        return Err(oauth_error("invalid_dpop_proof", None));
    }
    let secret = new_secret(&app);
    let pushed = Pushed { request, language, asked_at: now, near: near(&app, source) };
    let body = serde_json::to_string(&pushed).map_err(|_| oauth_error("server_error", None))?;
    let failed = |error| ApiError::from(error).into_response();
    let mut tx = app.db.begin_write().await.map_err(failed)?;
    store::put_pushed(&mut tx, &hash(&secret), &body, now + PUSHED_LIFE).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    let request_uri = format!("{REQUEST_URI}{secret}");
    let expires_in = u32::try_from(PUSHED_LIFE.as_secs()).unwrap_or(0);
    Ok((StatusCode::CREATED, axum::Json(PushedResponse { request_uri, expires_in })).into_response())
}

/// What an app asked for, when, and from where.
#[derive(Serialize, Deserialize)]
struct Pushed {
    #[serde(flatten)]
    request: PushedRequest,
    /// What the app speaks; none of an app that named none that we have words in.
    #[serde(default)]
    language: Option<Language>,
    asked_at: Timestamp,
    /// A town or a country; none where nothing is known of its network, or it is this machine.
    near: Option<String>,
}

fn near(app: &App, source: IpAddr) -> Option<String> {
    let spotted = app.settings.places.spot(source)?;
    match (spotted.city, spotted.spot.country) {
        (Some(city), Some(country)) => Some(format!("{city}, {country}")),
        (city, country) => city.or(country),
    }
}

/// What the standards let a client leave out.
fn fill_in(request: &mut PushedRequest, thumbprint: &str) {
    let gaps = [
        (&mut request.scope, SCOPE),
        (&mut request.dpop_jkt, thumbprint),
        (&mut request.device_name, "An app without a name"),
    ];
    for (field, usual) in gaps {
        if field.is_empty() {
            usual.clone_into(field);
        }
    }
}

/// The error is the standard's word for what is wrong.
fn check_request(request: &mut PushedRequest) -> Result<(), &'static str> {
    if request.client_id != CLIENT_ID {
        return Err("invalid_client");
    }
    if request.response_type != "code" {
        return Err("unsupported_response_type");
    }
    if request.scope != SCOPE {
        return Err("invalid_scope");
    }
    request.device_name = clean_name(&request.device_name).ok_or("invalid_request")?;
    // Only a beginning for the person's own typing: a name that is none is left out.
    request.login_hint = request.login_hint.take().and_then(|hint| clean_name(&hint));
    let digits =
        matches!(request.match_code.len(), 0 | 2) && request.match_code.bytes().all(|byte| byte.is_ascii_digit());
    let good = loopback(&request.redirect_uri)
        && request.code_challenge_method == "S256"
        && dpop::is_sha256(&request.code_challenge)
        && dpop::is_sha256(&request.dpop_jkt)
        && !request.state.is_empty()
        && request.state.len() <= STATE_MAX
        && digits
        && matches!(request.prompt.as_deref(), None | Some("login" | "create"));
    if good { Ok(()) } else { Err("invalid_request") }
}

/// The app's own listener on this machine, on any port (RFC 8252 7.3); the name `localhost` is not it (8.3).
pub(super) fn loopback(uri: &str) -> bool {
    let Ok(url) = uri.parse::<Url>() else { return false };
    url.scheme() == "http"
        && matches!(url.host_str(), Some("127.0.0.1" | "[::1]"))
        && url.port().is_some()
        && url.path() == CALLBACK_PATH
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        // What was checked is what is used: no second spelling of the same address.
        && url.as_str() == uri
}

/// A name as a person would type it, or nothing when it is empty, too long or holds control characters.
pub(crate) fn clean_name(name: &str) -> Option<String> {
    let name = name.trim();
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let good = !name.is_empty() && name.chars().count() <= NAME_MAX && !name.chars().any(hidden);
    good.then(|| name.to_owned())
}

pub(crate) fn too_often(wait: u32) -> ApiError {
    let mut error = ApiError::new(ErrorCode::RateLimited, "too often; wait");
    error.retry_after = Some(wait);
    error
}

#[derive(Deserialize, utoipa::IntoParams)]
struct Authorize {
    client_id: String,
    request_uri: String,
}

/// Opens a pushed request in the browser, once.
#[utoipa::path(get, path = "/oauth/authorize", tag = "sign_in", params(Authorize),
    responses((status = 303, description = "To the page"), (status = 400, description = "The request is unknown or too old")))]
async fn authorize(
    State(app): State<App>,
    Wanted(language): Wanted,
    query: Result<Query<Authorize>, ApiError>,
) -> Result<Response, Response> {
    let ended = || pages::ended(&app, language);
    let Query(query) = query.map_err(|_| ended())?;
    let secret = query.request_uri.strip_prefix(REQUEST_URI).ok_or_else(ended)?;
    if query.client_id != CLIENT_ID {
        return Err(ended());
    }
    let now = app.clock.now();
    let failed = |error| ApiError::from(error).into_response();
    let tx = app.db.begin_write().await.map_err(failed)?;
    let (mut tx, body, Pushed { request, .. }) = take_address::<Pushed>(&app, tx, secret, language).await?;
    let cookie = new_secret(&app);
    store::put_visit(&mut tx, &hash(&cookie), &body, now + VISIT_LIFE).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    let page = if request.prompt.as_deref() == Some("create") { "/sign-in/create" } else { "/sign-in" };
    let cookie = VisitCookie::SIGN_IN.set(&app, &cookie);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(page)).into_response())
}

/// The cookie of one kind of visit. The prefix that binds it to one host works on https alone.
pub(crate) struct VisitCookie {
    here: &'static str,
    hosted: &'static str,
}

impl VisitCookie {
    pub const SIGN_IN: Self = Self { here: "billfold-visit", hosted: "__Host-billfold-visit" };
    pub const ADDING: Self = Self { here: "billfold-adding", hosted: "__Host-billfold-adding" };
    pub const STEP_UP: Self = Self { here: "billfold-step-up", hosted: "__Host-billfold-step-up" };
    pub const RECOVERY: Self = Self { here: "billfold-recovery", hosted: "__Host-billfold-recovery" };

    fn name(&self, app: &App) -> &'static str {
        if app.settings.public_url.is_localhost() { self.here } else { self.hosted }
    }

    /// The header that ties a visit to this browser for its time.
    pub fn set(&self, app: &App, secret: &str) -> String {
        let secure = if app.settings.public_url.is_localhost() { "" } else { "; Secure" };
        let (name, life) = (self.name(app), VISIT_LIFE.as_secs());
        format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={life}{secure}")
    }
}

/// A visit of some kind, as its row keeps it.
pub(crate) struct KeptVisit<T> {
    pub hash: [u8; 32],
    /// What it is for.
    pub body: T,
    pub holder: Option<HolderId>,
    pub failures: i64,
    /// Those of them that were marked at an account when they happened.
    pub marked: i64,
    pub ceremonies: i64,
    pub(super) pending: Option<Pending>,
    /// Who visits was recognised by a passkey.
    pub proved: bool,
}

impl<T: DeserializeOwned> KeptVisit<T> {
    /// The visit that this browser's cookie names. A body of another kind does not read as this one, and what comes from
    /// another site's page is no visit.
    pub async fn of(parts: &Parts, app: &App, named: &VisitCookie) -> Result<Self, Response> {
        let none = || pages::ended(app, language::of_request(parts));
        if parts.method != axum::http::Method::GET && !same_origin(app, &parts.headers) {
            return Err(none());
        }
        let secret = cookie(&parts.headers, named.name(app)).ok_or_else(none)?;
        let hash = hash(secret);
        let failed = |error| ApiError::from(error).into_response();
        let mut tx = app.db.read_once().await.map_err(failed)?;
        let row = tx.ask(store::visit(&hash, app.clock.now())).await.map_err(failed)?.ok_or_else(none)?;
        let body = serde_json::from_str(&row.body).map_err(|_| none())?;
        let pending = row.pending.as_deref().map(serde_json::from_str).transpose().map_err(|_| none())?;
        let VisitRow { holder, failures, marked, ceremonies, proved, .. } = row;
        Ok(Self { hash, body, holder, failures, marked, ceremonies, pending, proved })
    }
}

/// Takes what an address stands for that is good once: it is gone for good, also when it was too old.
pub(crate) async fn take_address<T: DeserializeOwned>(
    app: &App,
    mut tx: Tx,
    secret: &str,
    language: Language,
) -> Result<(Tx, String, T), Response> {
    let failed = |error| ApiError::from(error).into_response();
    let body = store::take_pushed(&mut tx, &hash(secret), app.clock.now()).await.map_err(failed)?;
    let read = body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    match body.zip(read) {
        Some((body, read)) => Ok((tx, body, read)),
        None => {
            tx.commit().await.map_err(failed)?;
            Err(pages::ended(app, language))
        }
    }
}

/// The visit that the browser's cookie names.
pub(super) struct Visit {
    pub hash: [u8; 32],
    pub request: PushedRequest,
    /// Of its pages.
    pub language: Language,
    pub asked_at: Timestamp,
    /// Where the app asked from.
    pub near: Option<String>,
    pub holder: Option<HolderId>,
    pub failures: i64,
    /// Those of them that were marked at an account when they happened.
    pub marked: i64,
    pub ceremonies: i64,
    pub pending: Option<Pending>,
    /// Who visits was recognised by a passkey.
    pub proved: bool,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let KeptVisit { hash, body, holder, failures, marked, ceremonies, pending, proved } =
            KeptVisit::of(parts, app, &VisitCookie::SIGN_IN).await?;
        let Pushed { request, language, asked_at, near } = body;
        let language = language.unwrap_or_else(|| language::of_request(parts));
        Ok(Self { hash, request, language, asked_at, near, holder, failures, marked, ceremonies, pending, proved })
    }
}

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Browsers name the page that a request with a body comes from.
pub(crate) fn same_origin(app: &App, headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin == app.settings.public_url.origin())
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Answer {
    yes: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Next {
    /// Where the page goes now.
    location: String,
}

/// What the person said on the confirm page. The page goes to the app's listener by itself: a form's redirect would
/// need that address in the page's security policy.
#[utoipa::path(post, path = "/sign-in/confirm", tag = "sign_in", request_body = Answer, responses((status = 200, body = Next)))]
async fn answer(State(app): State<App>, visit: Visit, Json(answer): Json<Answer>) -> Result<Json<Next>, ApiError> {
    let holder = visit.holder.ok_or_else(|| ApiError::new(ErrorCode::Forbidden, "nobody is recognised yet"))?;
    let request = &visit.request;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let (ended, devices) =
        tx.ask((store::visit_ended(&visit.hash), store::devices_signed_in(holder, app.clock.now()))).await?;
    if !ended {
        return Err(ApiError::new(ErrorCode::Forbidden, "this was answered already"));
    }
    let mut location: Url =
        request.redirect_uri.parse().map_err(|_| ApiError::new(ErrorCode::Internal, "the redirect does not read"))?;
    let outcome = if answer.yes {
        let now = app.clock.now();
        // Whoever got in is marked with what no account was marked with yet.
        for _ in visit.marked..visit.failures {
            risk::mark(&mut tx, holder, Mark::FailedTry, now).await?;
        }
        let grant = Grant {
            redirect_uri: &request.redirect_uri,
            code_challenge: &request.code_challenge,
            thumbprint: &request.dpop_jkt,
            device_name: &request.device_name,
            proved: visit.proved,
            rhythm: visit.pending.as_ref().and_then(Pending::rhythm),
        };
        ("code", tokens::issue_code_beside(&mut tx, &app, holder, devices, &grant).await?)
    } else {
        // Somebody recognised did not want this app: every device hears of it.
        let (at, name) = (app.clock.now(), Some(request.device_name.clone()));
        let kind = SecurityEventKind::SignInDeclined;
        security::record(&mut tx, holder, Happened { at, kind, by: None, device: None, name, about: None }).await?;
        ("error", "access_denied".to_owned())
    };
    tx.commit().await?;
    app.jobs.wake();
    location
        .query_pairs_mut()
        .append_pair(outcome.0, &outcome.1)
        .append_pair("state", &request.state)
        .append_pair("iss", app.settings.public_url.origin());
    Ok(Json(Next { location: location.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apps_own_listener_is_a_redirect() {
        assert!(loopback("http://127.0.0.1:49152/cb"));
        assert!(loopback("http://[::1]:49152/cb"));
        for bad in [
            "http://localhost:49152/cb",
            "https://127.0.0.1:49152/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:49152/",
            "http://127.0.0.1:49152/cb?x=1",
            "http://127.0.0.1:49152/cb#x",
            "http://me@127.0.0.1:49152/cb",
            "http://127.0.0.1.example.org:49152/cb",
            "http://127.1:49152/cb",
            "http://0x7f000001:49152/cb",
            "http://127.0.0.2:49152/cb",
            "custom:/cb",
            "",
        ] {
            assert!(!loopback(bad), "{bad}");
        }
    }

    #[test]
    fn a_name_hides_nothing() {
        assert_eq!(clean_name("  Desk, Debian 12 "), Some("Desk, Debian 12".to_owned()));
        for bad in ["", "   ", "a\u{202e}b", "a\nb", &"x".repeat(81)] {
            assert_eq!(clean_name(bad), None, "{bad:?}");
        }
    }
}
