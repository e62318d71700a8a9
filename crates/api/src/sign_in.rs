//! Sign-in: OAuth 2.1 code grant with PAR (RFC 9126), PKCE S256 (RFC 7636), DPoP (RFC 9449) and the issuer in the
//! answer (RFC 9207). Tokens are opaque. Requests to `/oauth/*` are form-encoded, as the standards say.

use domain::ids::{DeviceId, HolderId};
use serde::{Deserialize, Serialize};

/// The one public client: the desktop app.
pub const CLIENT_ID: &str = "billfold-desktop";
/// Scope that every device asks for.
pub const SCOPE: &str = "account";
/// The path of the loopback listener: `http://127.0.0.1:{port}/cb`.
pub const CALLBACK_PATH: &str = "/cb";
pub const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";
pub const PAR_PATH: &str = "/oauth/par";
pub const AUTHORIZE_PATH: &str = "/oauth/authorize";
pub const TOKEN_PATH: &str = "/oauth/token";
pub const REVOKE_PATH: &str = "/oauth/revoke";
/// Header in which a server hands out the nonce for proofs, and clients find it.
pub const NONCE_HEADER: &str = "DPoP-Nonce";

/// `POST /oauth/par`, with a DPoP proof in the header, whose key becomes the device's.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PushedRequest {
    pub response_type: String,
    pub client_id: String,
    pub redirect_uri: String,
    /// `SCOPE` when left out.
    #[serde(default)]
    pub scope: String,
    pub state: String,
    pub code_challenge: String,
    pub code_challenge_method: String,
    /// Thumbprint (RFC 7638, SHA-256, base64url) of the device's key; that of the proof when left out.
    #[serde(default)]
    pub dpop_jkt: String,
    /// What the confirm page shows, 1 to 80 characters: "Desk, Debian 12". An app of others may leave it out.
    #[serde(default)]
    pub device_name: String,
    /// Two digits that the app shows too. Left out, the page says that it cannot tell which app asks.
    #[serde(default)]
    pub match_code: String,
    /// `create` opens the page for a new account, `login` or nothing the one to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The name that the page for a new account begins with; the person may change it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// Language tags parted by spaces, best first: the pages speak the first that there are words in, else the browser's
    /// own (OpenID Connect Core 3.1.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ui_locales: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PushedResponse {
    pub request_uri: String,
    pub expires_in: u32,
}

/// `POST /oauth/token`, with a DPoP proof in the header.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "grant_type", rename_all = "snake_case")]
pub enum TokenRequest {
    AuthorizationCode { code: String, redirect_uri: String, code_verifier: String, client_id: String },
    RefreshToken { refresh_token: String, client_id: String },
}

#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenResponse {
    pub access_token: String,
    /// Always `DPoP`.
    pub token_type: String,
    pub expires_in: u32,
    pub refresh_token: String,
    pub scope: String,
    pub holder: HolderId,
    pub device: DeviceId,
}

/// RFC 6749 5.2: the body of a refused `/oauth/*` request. `error` is the standard's word.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OauthError {
    pub error: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
}

/// `GET /api/v1/me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    pub holder: HolderId,
    pub name: String,
    pub device: DeviceId,
    pub device_name: String,
    pub passkeys: u32,
    /// The server's own name, as its pages show it.
    pub server_name: String,
    pub server_version: String,
    /// Payments move practice money only (the sandbox rail).
    pub practice_money: bool,
}
