//! Who is calling: OAuth 2.1 with pushed requests, PKCE and DPoP, passkeys on the server's own pages, and the
//! `SignedIn` extractor that every other feature asks for. Nothing here moves money.

#[cfg(test)]
mod ceremonies;
pub mod dpop;
mod language;
#[cfg(test)]
mod negatives;
pub mod nonces;
mod pages;
mod passkeys;
mod password;
#[cfg(test)]
mod speaking;
pub(crate) mod step_up;
pub(crate) mod store;
mod strict;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod visit;
mod ways_in;
mod words;

use api::error::ErrorCode;
use api::sign_in::{AUTHORIZE_PATH, Me, PAR_PATH, REVOKE_PATH, SCOPE, TOKEN_PATH};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use domain::addresses::Language;
use domain::ids::{DeviceId, HolderId};
use domain::security::SecurityEventKind;
use futures_util::future::join;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

use crate::config::{ConfigError, Settings};
use crate::db::{Db, DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::http::Json;
use crate::risk;
use crate::security;
use crate::{App, Chance};
use dpop::{Expected, ProofError};
pub(crate) use language::{Wanted, address};
use nonces::Nonces;
pub(crate) use pages::{ended, notices, notices_saying, page_in, prove, to_account};
pub(crate) use passkeys::{
    Finish, Recognised, Started, assertion, note_failure, refused, registration, require_resident,
};
pub use password::hashing::Cost;
use password::hashing::Hashing;
pub(crate) use password::store::{lasting_ways_in, ways_in};
pub(crate) use store::{is_signed_in, seen_since};
pub use tokens::{LocalGrant, grant_local};
pub(crate) use tokens::{oauth_error, refused_proof};
pub(crate) use visit::{KeptVisit, VISIT_LIFE, VisitCookie, cookie, same_origin, take_address, too_often};
pub(crate) use ways_in::{
    AddVisit, NewPasskey, What, finish_visit, last_way_in, name_of, one_time_address, passkey_challenge,
    shut_others_out,
};

/// What sign-in keeps beside the database's rows: the relying party, the nonces with the proofs that used them, and the
/// queue for passwords.
pub struct Identity {
    pub(crate) passkeys: Webauthn,
    pub(crate) nonces: Nonces,
    pub(crate) passwords: Hashing,
}

impl Identity {
    pub async fn open(db: &Db, settings: &Settings, now: Timestamp, chance: &dyn Chance) -> Result<Self, ConfigError> {
        let passkeys = WebauthnBuilder::new(settings.public_url.host(), settings.public_url.url())
            .and_then(|builder| builder.rp_name(&settings.server_name).build())
            .map_err(|_| ConfigError::PublicUrl)?;
        let passwords = Hashing::new(settings.password_cost, chance)?;
        password::sealing::bring_up(db, &settings.seals, chance).await?;
        Ok(Self { passkeys, nonces: Nonces::open(db, now, chance).await?, passwords })
    }
}

/// Pages and OAuth: answered to anyone.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(metadata))
        .merge(visit::routes())
        .merge(passkeys::routes())
        .merge(password::routes())
        .merge(tokens::routes())
        .merge(pages::routes())
        .merge(ways_in::routes())
        .merge(step_up::routes())
}

pub fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(me)).merge(ways_in::api_routes()).merge(password::ways::api_routes())
}

/// Where things are (RFC 8414).
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "sign_in",
    responses((status = 200, description = "Authorization server metadata", body = serde_json::Value)))]
async fn metadata(State(app): State<App>) -> axum::Json<serde_json::Value> {
    let origin = app.settings.public_url.origin();
    axum::Json(serde_json::json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}{AUTHORIZE_PATH}"),
        "token_endpoint": format!("{origin}{TOKEN_PATH}"),
        "pushed_authorization_request_endpoint": format!("{origin}{PAR_PATH}"),
        "revocation_endpoint": format!("{origin}{REVOKE_PATH}"),
        "require_pushed_authorization_requests": true,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
        "ui_locales_supported": Language::ALL.map(Language::as_str),
        "prompt_values_supported": ["login", "create"],
        "scopes_supported": [SCOPE],
    }))
}

/// Who is signed in, on which device.
#[utoipa::path(get, path = "/api/v1/me", tag = "sign_in", responses((status = 200, body = Me)))]
async fn me(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Me>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let about = store::about(&mut tx, signed_in.holder, signed_in.device).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(Me {
        holder: signed_in.holder,
        name: about.name,
        device: signed_in.device,
        device_name: about.device_name,
        passkeys: u32::try_from(about.passkeys).unwrap_or(u32::MAX),
        server_name: app.settings.server_name.clone(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        practice_money: app.rails.all_of_files().next().is_none(),
    }))
}

/// A caller with a good access token and a proof by the key that it is bound to.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub holder: HolderId,
    pub device: DeviceId,
    /// The access token's end: an open stream closes then, and the device comes back with a newer one.
    pub ends_at: Timestamp,
    /// What the device speaks, for the pages that it opens; none where it did not say.
    pub language: Option<Language>,
    family: Uuid,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = access_token(&parts.headers).ok_or_else(not_signed_in)?.to_owned();
        let url = format!("{}{}", app.settings.public_url, parts.uri.path());
        let expected = Expected { method: parts.method.as_str(), url: &url, access_token: Some(&token) };
        let refused = |error| match error {
            ProofError::Invalid => invalid_proof(),
            ProofError::UseNonce => ApiError::new(ErrorCode::UseDpopNonce, "make the proof with this answer's nonce"),
            ProofError::Unsure => DbError::Stopped.into(),
        };
        let fresh = one_proof(&parts.headers).and_then(|proof| dpop::look(app, proof, &expected)).map_err(refused)?;
        let now = app.clock.now();
        let session = async { app.db.read_once().await?.ask(store::session(&hash(&token))).await };
        // The database is asked first, and looks while the signature is checked here; what it says counts only after that.
        let (session, proof) = join(session, fresh.check(app)).await;
        let proof = proof.map_err(refused)?;
        let session = session?.ok_or_else(not_signed_in)?;
        if session.thumbprint != proof.thumbprint {
            // Somebody has the token without its key.
            let mut tx = app.db.begin_write().await?;
            risk::mark(&mut tx, session.holder, risk::Mark::ForeignProof, now).await?;
            tx.commit().await?;
            return Err(invalid_proof());
        }
        if session.device_revoked {
            return Err(ApiError::new(ErrorCode::DeviceRevoked, "this device was signed out"));
        }
        if session.revoked || session.ends_at <= now {
            return Err(not_signed_in());
        }
        app.limits.calls.take_for(session.device, now).map_err(too_often)?;
        if session.first_use {
            let mut tx = app.db.begin_write().await?;
            store::note_use(&mut tx, &session, now).await?;
            tx.commit().await?;
        }
        let language = language::of_caller(&parts.headers);
        let store::Session { holder, device, ends_at, family, .. } = session;
        Ok(Self { holder, device, ends_at, language, family })
    }
}

/// Whether an open stream may go on: asked again and again while it is open.
pub async fn still_signed_in(app: &App, signed_in: &SignedIn) -> DbResult<bool> {
    Ok(signed_in.ends_at > app.clock.now() && session_lives(app, signed_in).await?)
}

/// Whether nobody signed the device out since; an answer may take longer than its access token holds.
pub(crate) async fn session_lives(app: &App, signed_in: &SignedIn) -> DbResult<bool> {
    app.db.read_once().await?.ask(store::family_lives(signed_in.holder, signed_in.family)).await
}

/// How the account's owner is called.
pub(crate) async fn holder_name(tx: &mut Tx, holder: HolderId) -> DbResult<Option<String>> {
    store::holder_name(tx, holder).await
}

/// The account's passkeys, oldest first.
pub(crate) async fn passkeys_of(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<api::security::Passkey>> {
    Ok(store::passkeys_of(tx, holder).await?.into_iter().map(|kept| kept.about).collect())
}

/// How a device is called.
pub(crate) async fn device_name(tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<Option<String>> {
    store::device_name(tx, holder, device).await
}

/// Signs a device out: its tokens end at once, and the log says so. Once is enough.
pub(crate) async fn sign_device_out(
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    now: Timestamp,
    by: Option<DeviceId>,
) -> DbResult<()> {
    if store::revoke_device(tx, holder, device, now).await? {
        let name = store::device_name(tx, holder, device).await?.unwrap_or_default();
        let happened = security::to_device(SecurityEventKind::DeviceSignedOut, now, by, device, &name);
        security::record(tx, holder, happened).await?;
    }
    Ok(())
}

/// Removes what has expired: requests, visits, codes, tokens.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, app.clock.now()).await?;
    tx.commit().await?;
    app.identity.nonces.sweep(app.clock.now()).await
}

pub(crate) fn not_signed_in() -> ApiError {
    ApiError::new(ErrorCode::NotSignedIn, "there is no session for this request")
}

pub(crate) fn invalid_proof() -> ApiError {
    ApiError::new(ErrorCode::InvalidProof, "the proof of possession is missing, wrong or used")
}

pub(crate) fn access_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("DPoP").then(|| token.trim())
}

/// The one proof of the request; several are as bad as none.
fn one_proof(headers: &HeaderMap) -> Result<&str, ProofError> {
    let mut proofs = headers.get_all("dpop").iter();
    let (Some(proof), None) = (proofs.next(), proofs.next()) else { return Err(ProofError::Invalid) };
    proof.to_str().map_err(|_| ProofError::Invalid)
}

pub(crate) async fn check_proof(
    app: &App,
    headers: &HeaderMap,
    expected: &Expected<'_>,
) -> Result<dpop::Proof, ProofError> {
    dpop::look(app, one_proof(headers)?, expected)?.check(app).await
}

/// A new secret of 256 bits, as the text that leaves the server.
pub(crate) fn new_secret(app: &App) -> String {
    data_encoding::BASE64URL_NOPAD.encode(&app.random::<32>())
}

/// What is stored of a secret.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
