//! Passkeys: making one with a new account, and recognising somebody by one. A challenge is kept on the server for five
//! minutes, belongs to one visit and is taken once. Every refusal is the same answer.

use std::net::IpAddr;

use api::error::ErrorCode;
use axum::extract::State;
use domain::ids::HolderId;
use domain::security::{Happened, SecurityEventKind};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, CreationChallengeResponse, DiscoverableAuthentication, Passkey, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential,
};
use webauthn_rs_proto::ResidentKeyRequirement;

use super::store::KeptPasskey;
use super::visit::{Visit, clean_name, too_often};
use super::{hash, new_secret, store, strict};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Source};
use crate::risk::{self, Mark};
use crate::security;

const CHALLENGE_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Refused passkeys, and challenges, that one visit may have; then the app starts anew.
const FAILURES_MAX: i64 = 5;
const CEREMONIES_MAX: i64 = 20;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(start_sign_in))
        .routes(routes!(finish_sign_in))
        .routes(routes!(start_create))
        .routes(routes!(finish_create))
}

/// A challenge and the options for the browser's passkey call.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Started {
    ceremony: String,
    options: serde_json::Value,
}

#[derive(Deserialize, utoipa::ToSchema)]
pub(crate) struct Finish {
    pub ceremony: String,
    /// What the browser's `toJSON()` gave.
    pub credential: serde_json::Value,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Recognised {
    /// The page to go to.
    pub location: String,
}

impl Recognised {
    pub fn confirm() -> Json<Self> {
        Json(Self { location: "/sign-in/confirm".to_owned() })
    }
}

/// The one answer to everything that goes wrong in a ceremony.
pub(crate) fn refused() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "the passkey was not accepted")
}

/// Begins to recognise somebody.
#[utoipa::path(post, path = "/sign-in/passkey/start", tag = "sign_in", responses((status = 200, body = Started)))]
async fn start_sign_in(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
) -> Result<Json<Started>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let (mut options, state) = app.identity.passkeys.start_discoverable_authentication().map_err(|_| refused())?;
    // The page decides: autofill waits quietly, the button asks at once.
    options.mediation = None;
    still_unknown(&visit)?;
    put_ceremony(&app, &visit.hash, visit.ceremonies, "sign_in", &state, &options).await
}

/// A visit recognises one person, once.
pub(super) fn still_unknown(visit: &Visit) -> Result<(), ApiError> {
    if visit.holder.is_some() { Err(refused()) } else { Ok(()) }
}

/// Hands out a challenge within a visit that had so many.
pub(crate) async fn put_ceremony(
    app: &App,
    visit: &[u8; 32],
    before: i64,
    kind: &'static str,
    state: &impl Serialize,
    options: &impl Serialize,
) -> Result<Json<Started>, ApiError> {
    if before >= CEREMONIES_MAX {
        return Err(refused());
    }
    let ceremony = new_secret(app);
    let state = serde_json::to_string(state).map_err(|_| refused())?;
    let options = serde_json::to_value(options).map_err(|_| refused())?;
    let ends_at = app.clock.now() + CHALLENGE_LIFE;
    let mut tx = app.db.begin_write().await?;
    store::put_ceremony(&mut tx, &hash(&ceremony), visit, kind, &state, ends_at).await?;
    tx.commit().await?;
    Ok(Json(Started { ceremony, options }))
}

/// Takes the challenge: whatever comes of it, it is gone.
pub(crate) async fn take_ceremony<T: for<'de> Deserialize<'de>>(
    app: &App,
    visit: &[u8; 32],
    kind: &'static str,
    ceremony: &str,
) -> Result<T, ApiError> {
    let mut tx = app.db.begin_write().await?;
    let state = tx.ask(store::take_ceremony(&hash(ceremony), visit, kind, app.clock.now())).await?;
    tx.commit().await?;
    state.and_then(|state| serde_json::from_str(&state).ok()).ok_or_else(refused)
}

/// Recognises somebody by the passkey's signature.
#[utoipa::path(post, path = "/sign-in/passkey/finish", tag = "sign_in", request_body = Finish, responses((status = 200, body = Recognised)))]
async fn finish_sign_in(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(request): Json<Finish>,
) -> Result<Json<Recognised>, ApiError> {
    // A task of its own: who stops waiting has had its try all the same.
    let trying = app.clone();
    let tried = tokio::spawn(async move { recognise(&trying, &visit, request).await });
    let recognised = tried.await.map_err(|_| ApiError::new(ErrorCode::Internal, "the sign-in was broken off"))??;
    if recognised { Ok(Recognised::confirm()) } else { Err(answer_late(&app, source, refused()).await) }
}

/// One transaction: the challenge is gone, and a refusal is counted, with whatever comes of it.
async fn recognise(app: &App, visit: &Visit, request: Finish) -> Result<bool, ApiError> {
    let credential = assertion(request.credential).ok();
    let credential_id = credential.as_ref().map(|said| said.raw_id.clone()).unwrap_or_default();
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    if tx.is_postgres()
        && let Some(kept) = tx.ask(store::passkey(&credential_id)).await?
    {
        // Locked before it is read; on SQLite the one writer is lock enough.
        tx.lock(kept.holder).await?;
    }
    let taken = store::take_ceremony(&hash(&request.ceremony), &visit.hash, "sign_in", now);
    let asked = (taken, store::passkey(&credential_id), store::visit(&visit.hash, now));
    let (state, kept, still) = tx.ask(asked).await?;
    let failures = still.as_ref().map_or(visit.failures, |still| still.failures);
    let unknown = still.is_some_and(|still| still.holder.is_none());
    let (mut recognised, mut marked) = (false, false);
    if let (true, Some(state), Some(credential), Some(kept)) = (unknown, state, credential, kept) {
        match verified(app, &state, &credential, &kept) {
            Ok(result) => {
                note_use(&mut tx, app, &kept, &result).await?;
                recognised = store::recognise_unknown_visit(&mut tx, &visit.hash, kept.holder).await?;
            }
            Err(Some(whose)) => {
                risk::mark(&mut tx, whose, Mark::FailedTry, now).await?;
                marked = true;
            }
            Err(None) => {}
        }
    }
    if !recognised {
        put_failure(&mut tx, &visit.hash, failures, marked).await?;
    }
    tx.commit().await?;
    Ok(recognised)
}

/// Whether this passkey signed this challenge; else whose account somebody tried to get into by it.
fn verified(
    app: &App,
    state: &str,
    credential: &PublicKeyCredential,
    kept: &KeptPasskey,
) -> Result<AuthenticationResult, Option<HolderId>> {
    let passkeys = &app.identity.passkeys;
    let state: DiscoverableAuthentication = serde_json::from_str(state).map_err(|_| None)?;
    let (user, _) = passkeys.identify_discoverable_authentication(credential).map_err(|_| None)?;
    // The signature does not cover the user handle, so it must name the credential's owner.
    if kept.user_handle != user.as_bytes() {
        return Err(None);
    }
    let passkey = uncounted(&kept.body).map_err(|_| None)?;
    let result = passkeys.finish_discoverable_authentication_v2(credential, state, &passkey);
    result.ok().filter(AuthenticationResult::user_verified).ok_or(Some(kept.holder))
}

/// What a browser's passkey call said to "who are you".
pub(crate) fn assertion(said: serde_json::Value) -> Result<PublicKeyCredential, ApiError> {
    if strict::is_assertion(&said) { serde_json::from_value(said).map_err(|_| refused()) } else { Err(refused()) }
}

/// What it said when a new passkey was made.
pub(crate) fn registration(said: serde_json::Value) -> Result<RegisterPublicKeyCredential, ApiError> {
    if strict::is_registration(&said) { serde_json::from_value(said).map_err(|_| refused()) } else { Err(refused()) }
}

/// A kept passkey whose counter says nothing: the library would refuse one that went back, and for us that is a sign
/// and no refusal.
pub(super) fn uncounted(body: &str) -> Result<Passkey, ApiError> {
    let mut kept: serde_json::Value = serde_json::from_str(body).map_err(|_| refused())?;
    *kept.pointer_mut(COUNTER).ok_or_else(refused)? = 0.into();
    serde_json::from_value(kept).map_err(|_| refused())
}

/// Where a passkey's counter stands in what is kept of it.
const COUNTER: &str = "/cred/counter";

/// Writes down that a passkey was used, which was read in this transaction. A counter that did not go forward says that
/// there may be two of a key that can be in one place only: its owner is told.
pub(super) async fn note_use(
    tx: &mut Tx,
    app: &App,
    kept: &KeptPasskey,
    result: &AuthenticationResult,
) -> Result<(), ApiError> {
    if !result.user_verified() {
        return Err(refused());
    }
    let mut passkey: Passkey = serde_json::from_str(&kept.body).map_err(|_| refused())?;
    let body: serde_json::Value = serde_json::from_str(&kept.body).map_err(|_| refused())?;
    let before = body.pointer(COUNTER).and_then(serde_json::Value::as_u64).ok_or_else(refused)?;
    let counts = before > 0 || result.counter() > 0;
    if counts && u64::from(result.counter()) <= before && !result.backup_eligible() {
        let kind = SecurityEventKind::PasskeyCopied;
        let name = Some(kept.name.clone());
        let happened = Happened { at: app.clock.now(), kind, by: None, device: None, name, about: None };
        security::record(tx, kept.holder, happened).await?;
        risk::mark(tx, kept.holder, Mark::PasskeyCounter, app.clock.now()).await?;
    }
    passkey.update_credential(result);
    let body = serde_json::to_string(&passkey).map_err(|_| refused())?;
    Ok(store::note_passkey_use(tx, kept.holder, kept.id, &body, app.clock.now()).await?)
}

/// Whether one more refusal ends a visit that had so many.
pub(super) const fn is_last_failure(failures: i64) -> bool {
    failures + 1 >= FAILURES_MAX
}

/// Counts a refusal against the visit and its source, and answers late.
pub(crate) async fn note_failure(
    app: &App,
    source: IpAddr,
    visit: &[u8; 32],
    failures: i64,
    error: ApiError,
) -> Result<ApiError, ApiError> {
    note_failure_of(app, source, visit, failures, error, Marked::AtNobody).await
}

/// At whom a refusal is marked, beside its visit.
pub(super) enum Marked {
    AtNobody,
    /// At an account, where it was found.
    Already,
    /// Now, at the account that somebody tried to get into; for one that is not there it takes as long.
    Now(Option<HolderId>),
}

/// The same, and against an account that somebody tried to get into.
pub(super) async fn note_failure_of(
    app: &App,
    source: IpAddr,
    visit: &[u8; 32],
    failures: i64,
    error: ApiError,
    marked: Marked,
) -> Result<ApiError, ApiError> {
    if error.code() != ErrorCode::Forbidden {
        return Ok(error);
    }
    let mut tx = app.db.begin_write().await?;
    let at_account = matches!(marked, Marked::Already | Marked::Now(Some(_)));
    put_failure(&mut tx, visit, failures, at_account).await?;
    if let Marked::Now(whose) = marked {
        let whose = whose.unwrap_or_else(|| HolderId::from_uuid(Uuid::nil()));
        risk::mark(&mut tx, whose, Mark::FailedTry, app.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(answer_late(app, source, error).await)
}

/// Counts a refusal against a visit that had so many.
async fn put_failure(tx: &mut Tx, visit: &[u8; 32], failures: i64, marked: bool) -> DbResult<()> {
    if is_last_failure(failures) {
        store::end_visit(tx, visit).await.map(drop)
    } else {
        store::note_failure(tx, visit, marked).await
    }
}

/// A refusal that was counted is answered late, and counts against its source as well.
async fn answer_late(app: &App, source: IpAddr, refusal: ApiError) -> ApiError {
    tokio::time::sleep(app.settings.failed_ceremony_delay).await;
    match app.limits.refused.take(source, app.clock.now()) {
        Ok(()) => refusal,
        Err(wait) => too_often(wait),
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Create {
    /// How the account's pages name its owner, 1 to 80 characters.
    name: String,
}

/// An account in the making: it exists once its passkey does.
#[derive(Serialize, Deserialize)]
struct Making {
    name: String,
    user_handle: Uuid,
    state: PasskeyRegistration,
}

/// Begins a new account.
#[utoipa::path(post, path = "/sign-in/create/start", tag = "sign_in", request_body = Create, responses((status = 200, body = Started)))]
async fn start_create(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(request): Json<Create>,
) -> Result<Json<Started>, ApiError> {
    let name = clean_name(&request.name)
        .ok_or_else(|| ApiError::invalid(ErrorCode::InvalidRequest, "name", "a name has 1 to 80 characters"))?;
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let user_handle = uuid::Builder::from_random_bytes(app.random()).into_uuid();
    let (mut options, state) =
        app.identity.passkeys.start_passkey_registration(user_handle, &name, &name, None).map_err(|_| refused())?;
    require_resident(&mut options);
    still_unknown(&visit)?;
    put_ceremony(&app, &visit.hash, visit.ceremonies, "create", &Making { name, user_handle, state }, &options).await
}

/// Without this a browser makes a key that cannot sign in by itself.
pub(crate) fn require_resident(options: &mut CreationChallengeResponse) {
    if let Some(selection) = &mut options.public_key.authenticator_selection {
        selection.resident_key = Some(ResidentKeyRequirement::Required);
        selection.require_resident_key = true;
    }
}

/// Makes the account with its first passkey.
#[utoipa::path(post, path = "/sign-in/create/finish", tag = "sign_in", request_body = Finish, responses((status = 200, body = Recognised)))]
async fn finish_create(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(request): Json<Finish>,
) -> Result<Json<Recognised>, ApiError> {
    let now = app.clock.now();
    // On a server of this machine alone, the source is the person themselves.
    if !app.settings.public_url.is_localhost() {
        app.limits.registration.take(source, now).map_err(too_often)?;
    }
    match create(&app, &visit, request).await {
        Ok(()) => Ok(Recognised::confirm()),
        Err(error) => Err(note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

async fn create(app: &App, visit: &Visit, request: Finish) -> Result<(), ApiError> {
    let making: Making = take_ceremony(app, &visit.hash, "create", &request.ceremony).await?;
    let credential = registration(request.credential)?;
    let passkey =
        app.identity.passkeys.finish_passkey_registration(&credential, &making.state).map_err(|_| refused())?;
    let body = serde_json::to_string(&passkey).map_err(|_| refused())?;
    let holder = app.new_holder_id();
    let mut tx = app.db.begin_write().await?;
    put_holder(&mut tx, app, holder, making.user_handle, &making.name).await?;
    let put =
        store::put_passkey(&mut tx, holder, app.new_passkey_id(), passkey.cred_id(), &body, app.clock.now()).await;
    match put {
        // The same credential twice: somebody replays another's.
        Err(error) if error.is_duplicate() => return Err(refused()),
        other => other?,
    }
    let kind = SecurityEventKind::PasskeyAdded;
    let happened = Happened { at: app.clock.now(), kind, by: None, device: None, name: None, about: None };
    security::record(&mut tx, holder, happened).await?;
    if !store::recognise_visit_by_passkey(&mut tx, &visit.hash, holder).await? {
        return Err(refused());
    }
    Ok(tx.commit().await?)
}

pub(super) async fn put_holder(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    user_handle: Uuid,
    name: &str,
) -> Result<(), ApiError> {
    let now = app.clock.now();
    store::put_holder(tx, holder, user_handle.as_bytes(), name, now).await?;
    let kind = SecurityEventKind::AccountCreated;
    let happened = Happened { at: now, kind, by: None, device: None, name: None, about: None };
    Ok(security::record(tx, holder, happened).await?)
}
