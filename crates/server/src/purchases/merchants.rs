//! Who sells: merchants with a client id and secret, tokens for five minutes that are bound to the merchant's key
//! (RFC 6749 4.4, RFC 9449), and the `Merchant` extractor that purchases ask for.

use api::error::ErrorCode;
use api::purchases::{MerchantToken, MerchantTokenRequest, TOKEN_PATH};
use api::sign_in::OauthError;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use domain::ids::MerchantId;
use jiff::SignedDuration;
use subtle::ConstantTimeEq as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
pub use super::store::Listed;
use crate::db::DbError;
use crate::error::ApiError;
use crate::http::Source;
use crate::sign_in::dpop::{Expected, ProofError};
use crate::sign_in::{
    access_token, check_proof, hash, invalid_proof, new_secret, not_signed_in, oauth_error, refused_proof, too_often,
};
use crate::{App, card};

const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(5);
const NAME_CHARS_MAX: usize = 60;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(token))
}

/// What a new merchant signs in with. The secret is shown this once.
pub struct NewMerchant {
    pub client_id: String,
    pub client_secret: String,
}

/// Adds a merchant; for whoever runs the server.
pub async fn add(app: &App, name: &str) -> Result<NewMerchant, ApiError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(ApiError::invalid(ErrorCode::TooLong, "name", "a name has 1 to 60 characters"));
    }
    let id = MerchantId::new(app.clock.now(), app.chance10());
    let secret = new_secret(app);
    let mut tx = app.db.begin_write().await?;
    store::add_merchant(&mut tx, id, name, &hash(&secret), app.clock.now()).await?;
    tx.commit().await?;
    Ok(NewMerchant { client_id: id.to_string(), client_secret: secret })
}

/// Who sells here, oldest first.
pub async fn list(app: &App) -> Result<Vec<Listed>, ApiError> {
    Ok(store::merchants(&mut app.db.read_once().await?).await?)
}

/// Ends a merchant: it asks no card any more. What it was granted before ends by itself.
pub async fn end(app: &App, id: MerchantId) -> Result<(), ApiError> {
    let mut tx = app.db.begin_write().await?;
    if !store::end_merchant(&mut tx, id, app.clock.now()).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(card::end_all_of(app, id).await?)
}

/// Gives a merchant a token, bound to the key of its proof.
#[utoipa::path(post, path = "/merchant/v1/token", tag = "merchant",
    request_body(content = MerchantTokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = MerchantToken), (status = 400, body = OauthError),
        (status = 429, body = api::error::Problem)))]
async fn token(
    State(app): State<App>,
    Source(source): Source,
    headers: HeaderMap,
    form: Result<Form<MerchantTokenRequest>, FormRejection>,
) -> Result<axum::Json<MerchantToken>, Response> {
    app.limits.merchant_tokens.take(source, app.clock.now()).map_err(|wait| too_often(wait).into_response())?;
    let Form(request) = form.map_err(|_| oauth_error("invalid_request", None))?;
    let url = format!("{}{TOKEN_PATH}", app.settings.public_url);
    let expected = Expected { method: "POST", url: &url, access_token: None };
    let proof = check_proof(&app, &headers, &expected).await.map_err(refused_proof)?;
    if request.grant_type != "client_credentials" {
        return Err(oauth_error("unsupported_grant_type", None));
    }
    let failed = |error| ApiError::from(error).into_response();
    let refused = || oauth_error("invalid_client", None);
    let merchant: MerchantId = request.client_id.parse().map_err(|_| refused())?;
    let mut tx = app.db.begin_write().await.map_err(failed)?;
    let kept = store::secret_of(&mut tx, merchant).await.map_err(failed)?;
    // A merchant that is not there takes as long as a wrong secret.
    let kept = kept.unwrap_or_else(|| vec![0; 32]);
    let good: bool = hash(&request.client_secret).as_slice().ct_eq(&kept).into();
    if !good {
        return Err(refused());
    }
    let secret = new_secret(&app);
    let ends_at = app.clock.now() + TOKEN_LIFE;
    store::add_merchant_token(&mut tx, &hash(&secret), merchant, &proof.thumbprint, ends_at).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(axum::Json(MerchantToken {
        access_token: secret,
        token_type: "DPoP".to_owned(),
        expires_in: u32::try_from(TOKEN_LIFE.as_secs()).unwrap_or(0),
    }))
}

/// A merchant with a good token and a proof by the key that it is bound to.
#[derive(Clone, Debug)]
pub struct Merchant {
    pub id: MerchantId,
    pub name: String,
}

impl FromRequestParts<App> for Merchant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = access_token(&parts.headers).ok_or_else(not_signed_in)?.to_owned();
        let url = format!("{}{}", app.settings.public_url, parts.uri.path());
        let expected = Expected { method: parts.method.as_str(), url: &url, access_token: Some(&token) };
        let proof = check_proof(app, &parts.headers, &expected).await.map_err(|error| match error {
            ProofError::Invalid => invalid_proof(),
            ProofError::UseNonce => ApiError::new(ErrorCode::UseDpopNonce, "make the proof with this answer's nonce"),
            ProofError::Unsure => DbError::Stopped.into(),
        })?;
        let found = app.db.read_once().await?.ask(store::merchant_of_token(&hash(&token))).await?;
        let (id, name, thumbprint, ends_at) = found.ok_or_else(not_signed_in)?;
        if thumbprint != proof.thumbprint {
            return Err(invalid_proof());
        }
        let now = app.clock.now();
        if ends_at <= now {
            return Err(not_signed_in());
        }
        app.limits.merchant_calls.take_key(id.as_uuid().as_u128(), now).map_err(too_often)?;
        Ok(Self { id, name })
    }
}
