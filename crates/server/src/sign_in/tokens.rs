//! Codes and tokens: an authorization code is good for a minute and once; an access token for five minutes; a refresh
//! token is replaced at each use. All are random, kept as hashes, and bound to the device's key.

use std::cmp::Ordering;
use std::net::IpAddr;

use api::error::ErrorCode;
use api::sign_in::{CLIENT_ID, OauthError, REVOKE_PATH, SCOPE, TOKEN_PATH, TokenRequest, TokenResponse};
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::{DeviceId, HolderId};
use domain::risk::RiskOccasion;
use domain::risk::rhythm::Sample;
use domain::security::{SIGN_IN_LIFE, SecurityEventKind};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::dpop::{Expected, Proof, ProofError, is_sha256};
use super::visit::{clean_name, loopback, too_often};
use super::{check_proof, hash, new_secret, passkeys, sign_device_out, store};
use crate::App;
use crate::db::{DbError, DbResult, Tried, Tx};
use crate::error::ApiError;
use crate::http::Source;
use crate::risk::{self, Mark, Question};
use crate::security;

const CODE_LIFE: SignedDuration = SignedDuration::from_secs(60);
const ACCESS_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// A device that is not used so long signs in anew.
pub(crate) const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A device's clock may go ahead of itself by so much within a session; it may be off by any amount.
const CLOCK_DRIFT_SECONDS: i64 = 60;
/// Devices of one account that are signed in.
const DEVICES_MAX: i64 = 50;
const VERIFIER_MAX: usize = 128;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(token)).routes(routes!(revoke))
}

/// Why no token is given. All but the proof's errors look the same from outside.
#[derive(Debug)]
enum Refusal {
    Request,
    Client,
    Grant,
    /// The key's owner is told that its device was signed out, so that it removes its copy.
    DeviceRevoked,
    Proof(ProofError),
    TooOften(u32),
    Db(DbError),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Request => oauth_error("invalid_request", None),
            Self::Client => oauth_error("invalid_client", None),
            Self::Grant => oauth_error("invalid_grant", None),
            Self::DeviceRevoked => oauth_error("invalid_grant", Some(ErrorCode::DeviceRevoked.as_str())),
            Self::Proof(error) => refused_proof(error),
            Self::TooOften(wait) => too_often(wait).into_response(),
            Self::Db(error) => ApiError::from(error).into_response(),
        }
    }
}

pub(crate) fn oauth_error(error: &str, description: Option<&str>) -> Response {
    let body = OauthError { error: error.to_owned(), error_description: description.map(str::to_owned) };
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

pub(crate) fn refused_proof(error: ProofError) -> Response {
    match error {
        ProofError::Invalid => oauth_error("invalid_dpop_proof", None),
        ProofError::UseNonce => oauth_error("use_dpop_nonce", None),
        ProofError::Unsure => ApiError::from(DbError::Stopped).into_response(),
    }
}

/// What an authorization code is bound to.
pub(crate) struct Grant<'a> {
    pub redirect_uri: &'a str,
    pub code_challenge: &'a str,
    pub thumbprint: &'a str,
    pub device_name: &'a str,
    /// A passkey was shown for it: the device's payments begin a session with it.
    pub proved: bool,
    /// How the account name was typed for it, where its owner wants that looked at.
    pub rhythm: Option<&'a Sample>,
}

pub(super) async fn issue_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    grant: &Grant<'_>,
) -> Result<String, ApiError> {
    tx.lock(holder).await?;
    let devices = tx.ask(store::devices_signed_in(holder, app.clock.now())).await?;
    issue_code_beside(tx, app, holder, devices, grant).await
}

/// The same beside so many devices that are signed in; the holder's row is locked.
pub(super) async fn issue_code_beside(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    devices: i64,
    grant: &Grant<'_>,
) -> Result<String, ApiError> {
    // One that was here before is none more.
    if devices >= DEVICES_MAX && store::device_by_thumbprint(tx, holder, grant.thumbprint).await?.is_none() {
        return Err(ApiError::new(ErrorCode::TooMany, "too many devices are signed in"));
    }
    let code = new_secret(app);
    store::put_code(tx, holder, &hash(&code), grant, app.clock.now() + CODE_LIFE).await?;
    Ok(code)
}

/// An account on this computer, or another device for it, made by the program that embeds the server.
pub struct LocalGrant {
    /// None makes a new account.
    pub holder: Option<HolderId>,
    /// The new account's name; not used for one that exists.
    pub name: String,
    pub device_name: String,
    pub dpop_jkt: String,
    pub code_challenge: String,
    pub redirect_uri: String,
}

/// Makes a code that is redeemed at the ordinary token endpoint. Works on an embedded server only: whoever calls it is
/// in the same process and holds the database's key.
pub async fn grant_local(app: &App, grant: LocalGrant) -> Result<String, ApiError> {
    if !app.settings.local_accounts {
        return Err(ApiError::new(ErrorCode::Forbidden, "this server makes no local accounts"));
    }
    let invalid = |field| ApiError::invalid(ErrorCode::InvalidRequest, field, "this does not fit");
    let device_name = clean_name(&grant.device_name).ok_or_else(|| invalid("device_name"))?;
    if !loopback(&grant.redirect_uri) {
        return Err(invalid("redirect_uri"));
    }
    if !is_sha256(&grant.code_challenge) || !is_sha256(&grant.dpop_jkt) {
        return Err(invalid("code_challenge"));
    }
    let mut tx = app.db.begin_write().await?;
    let holder = match grant.holder {
        Some(holder) if store::holder_exists(&mut tx, holder).await? => holder,
        Some(_) => return Err(ApiError::not_found()),
        None => {
            let name = clean_name(&grant.name).ok_or_else(|| invalid("name"))?;
            let holder = app.new_holder_id();
            let user_handle = uuid::Builder::from_random_bytes(app.random()).into_uuid();
            passkeys::put_holder(&mut tx, app, holder, user_handle, &name).await?;
            holder
        }
    };
    let bound = Grant {
        redirect_uri: &grant.redirect_uri,
        code_challenge: &grant.code_challenge,
        thumbprint: &grant.dpop_jkt,
        device_name: &device_name,
        proved: false,
        rhythm: None,
    };
    let code = issue_code(&mut tx, app, holder, &bound).await?;
    tx.commit().await?;
    Ok(code)
}

/// Gives tokens for a code or a refresh token (RFC 6749, 9449).
#[utoipa::path(post, path = "/oauth/token", tag = "sign_in",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenResponse), (status = 400, body = OauthError),
        (status = 429, body = api::error::Problem), (status = 503, body = api::error::Problem)))]
async fn token(
    State(app): State<App>,
    Source(source): Source,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<axum::Json<TokenResponse>, Response> {
    grant_tokens(&app, source, &headers, form).await.map(axum::Json).map_err(IntoResponse::into_response)
}

async fn grant_tokens(
    app: &App,
    source: IpAddr,
    headers: &HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<TokenResponse, Refusal> {
    app.limits.tokens.take(source, app.clock.now()).map_err(Refusal::TooOften)?;
    let Form(request) = form.map_err(|_| Refusal::Request)?;
    let url = format!("{}{TOKEN_PATH}", app.settings.public_url);
    let expected = Expected { method: "POST", url: &url, access_token: None };
    let proof = check_proof(app, headers, &expected).await.map_err(Refusal::Proof)?;
    let client = match &request {
        TokenRequest::AuthorizationCode { client_id, .. } | TokenRequest::RefreshToken { client_id, .. } => client_id,
    };
    if client != CLIENT_ID {
        return Err(Refusal::Client);
    }
    let mut tx = app.db.begin_write().await?;
    let outcome = match &request {
        TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier, .. } => {
            redeem(&mut tx, app, &proof, source, code, redirect_uri, code_verifier).await
        }
        TokenRequest::RefreshToken { refresh_token, .. } => refresh(&mut tx, app, &proof, source, refresh_token).await,
    };
    match outcome {
        Ok(answer) => {
            tx.commit().await?;
            Ok(answer)
        }
        // A refusal may have revoked something, and that has to stand.
        Err(refusal @ (Refusal::Grant | Refusal::DeviceRevoked)) => {
            tx.commit().await?;
            Err(refusal)
        }
        Err(other) => Err(other),
    }
}

async fn redeem(
    tx: &mut Tx,
    app: &App,
    proof: &Proof,
    source: IpAddr,
    code: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Result<TokenResponse, Refusal> {
    let now = app.clock.now();
    let code_hash = hash(code);
    if tx.is_postgres() {
        // Locked before it is read; on SQLite the one writer is lock enough.
        let holder = store::code_owner(tx, &code_hash).await?.ok_or(Refusal::Grant)?;
        tx.lock(holder).await?;
    }
    let kept = tx.ask(store::code(&code_hash)).await?.ok_or(Refusal::Grant)?;
    let holder = kept.holder;
    if let Some(family) = kept.family {
        tracing::warn!("an authorization code came twice: what it gave is revoked");
        if store::revoke_family(tx, holder, family, now).await?
            && let Some((device, name)) = store::device_of_family(tx, holder, family).await?
        {
            note(tx, holder, SecurityEventKind::TokenReused, now, device, &name).await?;
        }
        return Err(Refusal::Grant);
    }
    let challenge = data_encoding::BASE64URL_NOPAD.encode(&Sha256::digest(verifier));
    let proven: bool = challenge.as_bytes().ct_eq(kept.code_challenge.as_bytes()).into();
    let fits = proven
        && (43..=VERIFIER_MAX).contains(&verifier.len())
        && kept.redirect_uri == redirect_uri
        && kept.thumbprint == proof.thumbprint
        && kept.expires_at > now;
    if !fits {
        store::spoil_code(tx, holder, &code_hash).await?;
        return Err(Refusal::Grant);
    }
    let put_out = match kept.known.filter(|_| kept.known_revoked) {
        Some(device) => was_put_out(tx, holder, device).await?,
        None => false,
    };
    let known = kept.known.filter(|_| !put_out);
    let question = Question { rhythm: kept.rhythm, ..Question::new(RiskOccasion::SignIn, known, Some(source)) };
    // The entry of the log that follows either way begins on the same way.
    let read = (security::last(holder), Tried(risk::known(app, holder, known, None)));
    let (_, (last, about)) = tx.number_and(holder, read).await?;
    let looked = risk::judge_if_possible(app, tx, holder, question, about).await?;
    let (device, asked) = match known {
        Some(device) => {
            store::sign_device_in(tx, holder, device, &kept.device_name, now).await?;
            let signed_in =
                security::to_device(SecurityEventKind::SignedIn, now, Some(device), device, &kept.device_name);
            security::append_after(tx, holder, last.as_ref(), signed_in).await?;
            (device, None)
        }
        None => {
            let device = match kept.known {
                Some(device) => {
                    store::take_device_back(tx, holder, device, &kept.device_name, now).await?;
                    device
                }
                None => {
                    let device = app.new_device_id();
                    store::put_device(tx, holder, device, &kept.device_name, &kept.thumbprint, now).await?;
                    device
                }
            };
            let added =
                security::to_device(SecurityEventKind::DeviceAdded, now, Some(device), device, &kept.device_name);
            (device, Some(security::append_after(tx, holder, last.as_ref(), added).await?))
        }
    };
    if let Some(looked) = &looked {
        risk::keep(app, tx, holder, looked, Some(device), asked).await?;
    }
    if kept.proved {
        store::note_proof(tx, holder, device, now).await?;
    }
    let family = new_uuid(app);
    let ends_at = now + SIGN_IN_LIFE;
    let clock_ahead = proof.made_at.saturating_sub(now.as_second());
    store::put_family(tx, holder, family, device, ends_at, clock_ahead).await?;
    store::use_code(tx, holder, &code_hash, family).await?;
    let pair = put_pair(tx, app, holder, family, ends_at).await?;
    Ok(pair.response(holder, device))
}

/// Whether a device was signed out by somebody else than itself: whoever comes back with its key is asked about anew.
pub(super) async fn was_put_out(tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<bool> {
    let last = security::last_of_device(holder, SecurityEventKind::DeviceSignedOut, device);
    Ok(tx.ask(last).await?.is_some_and(|event| event.by != Some(device)))
}

async fn note(
    tx: &mut Tx,
    holder: HolderId,
    kind: SecurityEventKind,
    now: Timestamp,
    device: DeviceId,
    name: &str,
) -> DbResult<i64> {
    security::append(tx, holder, security::to_device(kind, now, Some(device), device, name)).await
}

async fn refresh(tx: &mut Tx, app: &App, proof: &Proof, source: IpAddr, token: &str) -> Result<TokenResponse, Refusal> {
    let now = app.clock.now();
    let token_hash = hash(token);
    if tx.is_postgres() {
        // Locked before it is read; on SQLite the one writer is lock enough.
        let holder = store::refresh_owner(tx, &token_hash).await?.ok_or(Refusal::Grant)?;
        tx.lock(holder).await?;
    }
    let kept = tx.ask(store::refresh_token(&token_hash)).await?.ok_or(Refusal::Grant)?;
    let holder = kept.holder;
    let same_key = kept.thumbprint == proof.thumbprint;
    if !same_key {
        // Somebody has the token without its key.
        risk::mark(tx, holder, Mark::ForeignProof, now).await?;
    }
    if kept.device_revoked && same_key {
        return Err(Refusal::DeviceRevoked);
    }
    if kept.revoked || kept.refresh_ends_at <= now || kept.family_ends_at <= now {
        return Err(Refusal::Grant);
    }
    // A proof that is dated ahead would make each later one look as if it had been under way for long.
    let latest = now.as_second().saturating_add(kept.clock_ahead).saturating_add(CLOCK_DRIFT_SECONDS);
    let made_at = proof.made_at.min(latest);
    if kept.refresh_used {
        let successor = match kept.successor {
            Some(successor) if same_key => store::unused_pair(tx, holder, successor).await?,
            _ => None,
        };
        let last = kept.last_proof_at.filter(|_| same_key);
        match (last.map(|last| made_at.cmp(&last)), successor) {
            // The device made this request before another one that it has had an answer to: it was under way for long,
            // and nobody waits for it any more. Whoever has a copy of the device asks later, not before. Proofs count
            // whole seconds: one of the same second is a repetition for as long as what was answered is not used.
            (Some(Ordering::Less), _) | (Some(Ordering::Equal), None) => return Err(Refusal::Grant),
            // The answer was lost on its way: the tokens it held were never seen.
            (_, Some(successor)) => store::revoke_pair(tx, holder, successor, now).await?,
            (_, None) => {
                tracing::warn!("a refresh token came again after its successor was used: the device is signed out");
                let name = store::device_name(tx, holder, kept.device).await?.unwrap_or_default();
                note(tx, holder, SecurityEventKind::TokenReused, now, kept.device, &name).await?;
                sign_device_out(tx, holder, kept.device, now, None).await?;
                return Err(if same_key { Refusal::DeviceRevoked } else { Refusal::Grant });
            }
        }
    } else if !same_key {
        return Err(Refusal::Grant);
    }
    let pair = put_pair(tx, app, holder, kept.family, kept.family_ends_at).await?;
    store::use_refresh(tx, holder, kept.pair, pair.id, made_at, now).await?;
    store::see_device(tx, holder, kept.device, now).await?;
    let question = Question::new(RiskOccasion::Refresh, Some(kept.device), Some(source));
    if let Some(looked) = &risk::look_if_possible(app, tx, holder, question).await? {
        risk::keep(app, tx, holder, looked, Some(kept.device), None).await?;
    }
    Ok(pair.response(holder, kept.device))
}

/// The tokens as they leave; only their hashes stay.
struct NewPair {
    id: Uuid,
    access: String,
    refresh: String,
}

impl NewPair {
    fn response(self, holder: HolderId, device: DeviceId) -> TokenResponse {
        TokenResponse {
            access_token: self.access,
            token_type: "DPoP".to_owned(),
            expires_in: u32::try_from(ACCESS_LIFE.as_secs()).unwrap_or(0),
            refresh_token: self.refresh,
            scope: SCOPE.to_owned(),
            holder,
            device,
        }
    }
}

async fn put_pair(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    family: Uuid,
    family_ends_at: Timestamp,
) -> DbResult<NewPair> {
    let now = app.clock.now();
    let pair = NewPair { id: new_uuid(app), access: new_secret(app), refresh: new_secret(app) };
    let row = store::PairRow {
        id: pair.id,
        family,
        access_hash: hash(&pair.access),
        refresh_hash: hash(&pair.refresh),
        access_ends_at: (now + ACCESS_LIFE).min(family_ends_at),
        refresh_ends_at: (now + REFRESH_LIFE).min(family_ends_at),
    };
    store::put_pair(tx, holder, &row).await?;
    Ok(pair)
}

fn new_uuid(app: &App) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(
        u64::try_from(app.clock.now().as_millisecond()).unwrap_or(0),
        &app.chance10(),
    )
    .into_uuid()
}

/// RFC 7009. The answer is the same whether there was such a token or not.
#[derive(Deserialize, utoipa::ToSchema)]
struct Revoke {
    token: String,
    client_id: String,
}

/// Signs out the device whose access or refresh token this is; only its key may ask.
#[utoipa::path(post, path = "/oauth/revoke", tag = "sign_in",
    request_body(content = Revoke, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Ended, or there was none"), (status = 400, body = OauthError),
        (status = 429, body = api::error::Problem), (status = 503, body = api::error::Problem)))]
async fn revoke(
    State(app): State<App>,
    Source(source): Source,
    headers: HeaderMap,
    form: Result<Form<Revoke>, FormRejection>,
) -> Result<StatusCode, Response> {
    end_tokens(&app, source, &headers, form).await.map(|()| StatusCode::OK).map_err(IntoResponse::into_response)
}

async fn end_tokens(
    app: &App,
    source: IpAddr,
    headers: &HeaderMap,
    form: Result<Form<Revoke>, FormRejection>,
) -> Result<(), Refusal> {
    app.limits.tokens.take(source, app.clock.now()).map_err(Refusal::TooOften)?;
    let Form(request) = form.map_err(|_| Refusal::Request)?;
    let url = format!("{}{REVOKE_PATH}", app.settings.public_url);
    let expected = Expected { method: "POST", url: &url, access_token: None };
    let proof = check_proof(app, headers, &expected).await.map_err(Refusal::Proof)?;
    if request.client_id != CLIENT_ID {
        return Err(Refusal::Client);
    }
    let mut tx = app.db.begin_write().await?;
    if let Some((holder, device, thumbprint)) = store::device_of_token(&mut tx, &hash(&request.token)).await?
        && thumbprint == proof.thumbprint
    {
        tx.lock(holder).await?;
        sign_device_out(&mut tx, holder, device, app.clock.now(), Some(device)).await?;
        tx.commit().await?;
    }
    Ok(())
}
