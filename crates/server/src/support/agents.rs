//! How people of support sign in: each makes a passkey of their own at an address that whoever runs the server gives
//! them, good once. A session is a cookie of this browser that ends when it rests, and after a shift. Agents are no
//! holders: nothing here touches an account.

use api::error::ErrorCode;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use domain::ids::SupportAgentId;
use domain::support::{SESSION_IDLE, SESSION_LIFE, agent_name, is_good};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use webauthn_rs::prelude::{DiscoverableAuthentication, Passkey, PasskeyRegistration};

use super::store::{self, Agent};
use super::{deny_unless_open, pages};
use crate::App;
use crate::error::ApiError;
use crate::http::{Json, Query, Source};
use crate::sign_in::{assertion, cookie, hash, new_secret, registration, require_resident, same_origin, too_often};

/// An invitation waits so long.
const INVITATION_LIFE: SignedDuration = SignedDuration::from_hours(24);
const CHALLENGE_LIFE: SignedDuration = SignedDuration::from_mins(5);
pub(super) const SIGN_IN: &str = "/support/sign-in";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_in_page))
        .routes(routes!(invited_page))
        .routes(routes!(start_sign_in))
        .routes(routes!(finish_sign_in))
        .routes(routes!(start_add))
        .routes(routes!(finish_add))
        .routes(routes!(sign_out))
}

/// What a new agent is given, once: an address for their browser, and a code for the command line.
pub struct Invitation {
    pub name: String,
    pub address: String,
    pub code: String,
}

/// Makes an agent. Whoever may do this holds the database anyway.
pub async fn invite(app: &App, name: &str) -> Result<Invitation, ApiError> {
    let wrong = || ApiError::invalid(ErrorCode::InvalidRequest, "name", "a name has 1 to 40 letters and digits");
    let name = agent_name(name).ok_or_else(wrong)?.to_owned();
    let now = app.clock.now();
    let agent = Agent { id: SupportAgentId::new(now, app.chance10()), name };
    let (secret, code) = (new_secret(app), new_secret(app));
    let mut tx = app.db.begin_write().await?;
    match store::add_agent(&mut tx, &agent, &app.random(), &hash(&code), now).await {
        Err(error) if error.is_duplicate() => {
            return Err(ApiError::invalid(ErrorCode::InvalidRequest, "name", "somebody has or had that name"));
        }
        other => other?,
    }
    store::invite(&mut tx, agent.id, &hash(&secret), now + INVITATION_LIFE).await?;
    tx.commit().await?;
    let address = format!("{}/support/invited?secret={secret}", app.settings.public_url);
    Ok(Invitation { name: agent.name, address, code })
}

/// Takes an agent's ways in. What they did stays written.
pub async fn remove(app: &App, name: &str) -> Result<(), ApiError> {
    let mut tx = app.db.begin_write().await?;
    if !store::remove_agent(&mut tx, name, app.clock.now()).await? {
        return Err(ApiError::new(ErrorCode::NotFound, "there is no agent of that name"));
    }
    Ok(tx.commit().await?)
}

pub async fn names(app: &App) -> Result<Vec<String>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    Ok(store::agents(&mut tx).await?.into_iter().map(|agent| agent.name).collect())
}

/// The agent whose code for the command line this is.
pub async fn by_code(app: &App, code: &str) -> Result<Agent, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let agent = store::agent_by_code(&mut tx, &hash(code.trim())).await?;
    agent.ok_or_else(|| ApiError::new(ErrorCode::Forbidden, "this is no agent's code"))
}

// ---- the session -------------------------------------------------------------------------------------------------

/// An agent who is signed in to the back office.
pub(super) struct OnDuty {
    pub agent: Agent,
    session: [u8; 32],
}

impl FromRequestParts<App> for OnDuty {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let failed = |error| ApiError::from(error).into_response();
        deny_unless_open(app).map_err(IntoResponse::into_response)?;
        let nobody = || Redirect::to(SIGN_IN).into_response();
        // A form of another page must not act with this browser's cookie.
        if parts.method != axum::http::Method::GET && !same_origin(app, &parts.headers) {
            return Err(nobody());
        }
        let session = hash(cookie(&parts.headers, cookie_name(app)).ok_or_else(nobody)?);
        let now = app.clock.now();
        let mut tx = app.db.begin_write().await.map_err(failed)?;
        let known = store::session(&mut tx, &session).await.map_err(failed)?;
        let Some((agent, began_at, last_at)) = known else { return Err(nobody()) };
        if !is_good(began_at, SESSION_LIFE, now) || !is_good(last_at, SESSION_IDLE, now) {
            store::end_session(&mut tx, &session).await.map_err(failed)?;
            tx.commit().await.map_err(failed)?;
            return Err(nobody());
        }
        store::use_session(&mut tx, &session, now).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(Self { agent, session })
    }
}

fn cookie_name(app: &App) -> &'static str {
    if app.settings.public_url.is_localhost() { "billfold-support" } else { "__Host-billfold-support" }
}

/// Ends with the browser at the latest; no other site's link carries it.
fn set_cookie(app: &App, secret: &str) -> String {
    let secure = if app.settings.public_url.is_localhost() { "" } else { "; Secure" };
    format!("{}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}", cookie_name(app))
}

/// Ends the session of this browser.
#[utoipa::path(post, path = "/support/sign-out", tag = "support", responses((status = 303, description = "To the sign-in page")))]
async fn sign_out(State(app): State<App>, on_duty: OnDuty) -> Result<Redirect, ApiError> {
    let mut tx = app.db.begin_write().await?;
    store::end_session(&mut tx, &on_duty.session).await?;
    tx.commit().await?;
    Ok(Redirect::to(SIGN_IN))
}

// ---- passkeys ----------------------------------------------------------------------------------------------------

/// The page to sign in to the back office.
#[utoipa::path(get, path = "/support/sign-in", tag = "support", responses((status = 200, description = "The page"), (status = 404, body = api::error::Problem)))]
async fn sign_in_page(State(app): State<App>) -> Result<Response, ApiError> {
    deny_unless_open(&app)?;
    Ok(pages::sign_in(&app))
}

#[derive(Deserialize, utoipa::IntoParams)]
struct Invited {
    secret: String,
}

/// The page at which a new agent makes their passkey.
#[utoipa::path(get, path = "/support/invited", tag = "support", params(Invited),
    responses((status = 200, description = "The page"), (status = 403, body = api::error::Problem), (status = 404, body = api::error::Problem)))]
async fn invited_page(State(app): State<App>, Query(query): Query<Invited>) -> Result<Response, ApiError> {
    deny_unless_open(&app)?;
    let mut tx = app.db.begin_read().await?;
    let agent = store::invited(&mut tx, &hash(&query.secret), app.clock.now()).await?.ok_or_else(refused)?;
    let (agent, _) = store::agent_with_handle(&mut tx, agent).await?.ok_or_else(refused)?;
    Ok(pages::invited(&app, &agent.name, &query.secret))
}

/// The one answer to everything that goes wrong.
fn refused() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "this was not accepted")
}

#[derive(Serialize, utoipa::ToSchema)]
struct SupportStarted {
    ceremony: String,
    options: serde_json::Value,
}

#[derive(Deserialize, utoipa::ToSchema)]
struct SupportFinish {
    ceremony: String,
    credential: serde_json::Value,
}

#[derive(Serialize, utoipa::ToSchema)]
struct SupportNext {
    location: String,
}

async fn put_ceremony(
    app: &App,
    agent: Option<SupportAgentId>,
    state: &impl Serialize,
    options: &impl Serialize,
) -> Result<Json<SupportStarted>, ApiError> {
    let ceremony = new_secret(app);
    let state = serde_json::to_string(state).map_err(|_| refused())?;
    let options = serde_json::to_value(options).map_err(|_| refused())?;
    let mut tx = app.db.begin_write().await?;
    store::put_ceremony(&mut tx, &hash(&ceremony), agent, &state, app.clock.now() + CHALLENGE_LIFE).await?;
    tx.commit().await?;
    Ok(Json(SupportStarted { ceremony, options }))
}

async fn take_ceremony<T: for<'de> Deserialize<'de>>(
    app: &App,
    agent: Option<SupportAgentId>,
    ceremony: &str,
) -> Result<T, ApiError> {
    let mut tx = app.db.begin_write().await?;
    let state = store::take_ceremony(&mut tx, &hash(ceremony), agent, app.clock.now()).await?;
    tx.commit().await?;
    state.and_then(|state| serde_json::from_str(&state).ok()).ok_or_else(refused)
}

/// Begins to recognise an agent.
#[utoipa::path(post, path = "/support/passkey/start", tag = "support",
    responses((status = 200, body = SupportStarted), (status = 404, body = api::error::Problem), (status = 429, body = api::error::Problem)))]
async fn start_sign_in(State(app): State<App>, Source(source): Source) -> Result<Json<SupportStarted>, ApiError> {
    deny_unless_open(&app)?;
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let (mut options, state) = app.identity.passkeys.start_discoverable_authentication().map_err(|_| refused())?;
    options.mediation = None;
    put_ceremony(&app, None, &state, &options).await
}

/// Recognises an agent and begins their session.
#[utoipa::path(post, path = "/support/passkey/finish", tag = "support", request_body = SupportFinish,
    responses((status = 200, body = SupportNext), (status = 403, body = api::error::Problem), (status = 404, body = api::error::Problem)))]
async fn finish_sign_in(
    State(app): State<App>,
    Source(source): Source,
    Json(request): Json<SupportFinish>,
) -> Result<Response, ApiError> {
    deny_unless_open(&app)?;
    let recognised = recognise(&app, request).await;
    let Ok(secret) = recognised else {
        tokio::time::sleep(app.settings.failed_ceremony_delay).await;
        app.limits.refused.take(source, app.clock.now()).map_err(too_often)?;
        return Err(refused());
    };
    let next = SupportNext { location: "/support".to_owned() };
    Ok(([(header::SET_COOKIE, set_cookie(&app, &secret))], Json(next)).into_response())
}

async fn recognise(app: &App, request: SupportFinish) -> Result<String, ApiError> {
    let state: DiscoverableAuthentication = take_ceremony(app, None, &request.ceremony).await?;
    let credential = assertion(request.credential).map_err(|_| refused())?;
    let passkeys = &app.identity.passkeys;
    let (user, id) = passkeys.identify_discoverable_authentication(&credential).map_err(|_| refused())?;
    let mut tx = app.db.begin_write().await?;
    let kept = store::passkey(&mut tx, id).await?.ok_or_else(refused)?;
    // The signature does not cover the user handle, so it must name the credential's owner.
    if kept.user_handle != user.as_bytes() {
        return Err(refused());
    }
    let mut passkey: Passkey = serde_json::from_str(&kept.body).map_err(|_| refused())?;
    let result = passkeys.finish_discoverable_authentication_v2(&credential, state, &passkey).map_err(|_| refused())?;
    if !result.user_verified() {
        return Err(refused());
    }
    passkey.update_credential(&result);
    let body = serde_json::to_string(&passkey).map_err(|_| refused())?;
    store::update_passkey(&mut tx, id, &body).await?;
    let secret = new_secret(app);
    store::begin_session(&mut tx, &hash(&secret), kept.agent.id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(secret)
}

#[derive(Deserialize, utoipa::ToSchema)]
struct SupportInvited {
    secret: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
struct SupportAdded {
    secret: String,
    ceremony: String,
    credential: serde_json::Value,
}

/// Begins to make a new agent's passkey.
#[utoipa::path(post, path = "/support/passkey/add/start", tag = "support", request_body = SupportInvited,
    responses((status = 200, body = SupportStarted), (status = 403, body = api::error::Problem), (status = 404, body = api::error::Problem)))]
async fn start_add(
    State(app): State<App>,
    Source(source): Source,
    Json(request): Json<SupportInvited>,
) -> Result<Json<SupportStarted>, ApiError> {
    deny_unless_open(&app)?;
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let mut tx = app.db.begin_read().await?;
    let agent = store::invited(&mut tx, &hash(&request.secret), app.clock.now()).await?.ok_or_else(refused)?;
    let (agent, handle) = store::agent_with_handle(&mut tx, agent).await?.ok_or_else(refused)?;
    drop(tx);
    let handle = Uuid::from_slice(&handle).map_err(|_| refused())?;
    let shown = format!("{} (support)", agent.name);
    let started = app.identity.passkeys.start_passkey_registration(handle, &shown, &shown, None);
    let (mut options, state) = started.map_err(|_| refused())?;
    require_resident(&mut options);
    put_ceremony(&app, Some(agent.id), &state, &options).await
}

/// Keeps the passkey; the invitation is used up.
#[utoipa::path(post, path = "/support/passkey/add/finish", tag = "support", request_body = SupportAdded,
    responses((status = 200, body = SupportNext), (status = 403, body = api::error::Problem), (status = 404, body = api::error::Problem)))]
async fn finish_add(State(app): State<App>, Json(request): Json<SupportAdded>) -> Result<Json<SupportNext>, ApiError> {
    deny_unless_open(&app)?;
    let (now, secret) = (app.clock.now(), hash(&request.secret));
    let mut tx = app.db.begin_read().await?;
    let agent = store::invited(&mut tx, &secret, now).await?.ok_or_else(refused)?;
    drop(tx);
    let state: PasskeyRegistration = take_ceremony(&app, Some(agent), &request.ceremony).await?;
    let credential = registration(request.credential).map_err(|_| refused())?;
    let passkey = app.identity.passkeys.finish_passkey_registration(&credential, &state).map_err(|_| refused())?;
    let body = serde_json::to_string(&passkey).map_err(|_| refused())?;
    let mut tx = app.db.begin_write().await?;
    if !store::use_invitation(&mut tx, &secret).await? {
        return Err(refused());
    }
    match store::add_passkey(&mut tx, agent, passkey.cred_id(), &body, now).await {
        Err(error) if error.is_duplicate() => return Err(refused()),
        other => other?,
    }
    tx.commit().await?;
    Ok(Json(SupportNext { location: SIGN_IN.to_owned() }))
}
