//! Requests to the account server: proofs of possession (DPoP, RFC 9449), tokens kept fresh, refusals as decisions.
//! Nothing of a request or answer is logged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::error::{ErrorCode, Problem};
use api::sign_in::{CLIENT_ID, METADATA_PATH, NONCE_HEADER, OauthError, TokenRequest, TokenResponse};
use data_encoding::BASE64URL_NOPAD;
use domain::ids::MutationId;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Response, StatusCode, Url, header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::client::{Changed, Client, Open, lock};
use crate::error::{Class, ClientError};
use crate::platform::{Chance, Secret, SecretKind, Spoken, random};
use crate::seal::without_traces;
use crate::status::Place;
use crate::vault::VaultError;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Without a byte for so long, a server is gone. Event streams send a sign of life more often.
const SILENCE_MAX: Duration = Duration::from_secs(45);
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A token is renewed so long before its end.
const RENEW_EARLY: SignedDuration = SignedDuration::from_secs(30);
const PROTOCOL_HEADER: &str = "Billfold-Protocol";
/// RFC 6749 5.2: the grant is invalid, ended or revoked.
const INVALID_GRANT: &str = "invalid_grant";

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("the server could not be reached")]
    Unreachable,
    /// There was no connection: nothing of the request left.
    #[error("the server could not be reached")]
    NoConnection,
    #[error("the server's certificate is not trusted")]
    Certificate,
    /// The server answered, and cannot just now.
    #[error("the server is busy or failed")]
    Busy { retry_after: Option<u32> },
    /// It is there, and wants a moment before the next request: too many came, or the same is being worked on.
    #[error("the server asks to wait a moment")]
    Wait { retry_after: Option<u32> },
    #[error("the server refused: {}", .0.code.as_str())]
    Refused(Box<Problem>),
    #[error("not signed in")]
    NotSignedIn,
    /// The server signed this device out; its copy must go.
    #[error("this device was signed out")]
    Revoked,
    #[error("what answered is not an account server of Billfold")]
    NotAServer,
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("Billfold was locked meanwhile")]
    Locked,
}

impl From<reqwest::Error> for CallError {
    fn from(error: reqwest::Error) -> Self {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(inner) = cause {
            if inner.to_string().contains("certificate") {
                return Self::Certificate;
            }
            cause = inner.source();
        }
        match error {
            error if error.is_decode() => Self::NotAServer,
            error if error.is_connect() => Self::NoConnection,
            _ => Self::Unreachable,
        }
    }
}

impl From<CallError> for ClientError {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        let make = |class, code, next| Self::new(class, code, message.clone(), next);
        match error {
            CallError::Unreachable | CallError::NoConnection => make(
                Class::Unreachable,
                "server_unreachable",
                "check the connection, then repeat it; what waits to be sent is kept",
            ),
            CallError::Certificate => make(
                Class::Unreachable,
                "certificate_refused",
                "check the address and this computer's clock; ask whoever runs the server",
            ),
            CallError::Busy { .. } => {
                make(Class::Unreachable, "server_failed", "try again later; what waits to be sent is kept")
            }
            CallError::Wait { .. } => make(
                Class::Unreachable,
                ErrorCode::RateLimited.as_str(),
                "try again in a moment; what you changed is kept",
            ),
            CallError::NotAServer => make(Class::Unreachable, "wrong_server", "check the server's address"),
            CallError::NotSignedIn => make(Class::NotOpen, "not_signed_in", "sign in"),
            CallError::Revoked => {
                make(Class::NotOpen, "device_revoked", "sign in again; the copy on this computer was removed")
            }
            CallError::Refused(problem) => Self::refused(problem.code.as_str(), problem.title, way_out(problem.code)),
            CallError::Vault(error) => error.into(),
            CallError::Locked => Self::locked(),
        }
    }
}

/// What a person can do about a refusal.
pub(crate) const fn way_out(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::UpgradeRequired => "update Billfold",
        ErrorCode::PayeeStopped => "pay another way, or ask support of your account server",
        ErrorCode::DayPassed => "pay it anew, if it is still to be paid",
        ErrorCode::CameBack => "choose a later banking day, or pay another way",
        ErrorCode::PossibleDuplicate => "if it is meant once more, say so: `--again`; or else leave it",
        ErrorCode::AnswerElsewhere => "answer it on another device of the account",
        ErrorCode::Unusual => "answer \"Was this you?\" on another device, or wait a day",
        ErrorCode::ChangedMeanwhile => "look at what stands there now; say yours again only if it is meant",
        ErrorCode::LastWayIn => "add another way in first",
        ErrorCode::AccountLocked => "release your account: `billfold security release`",
        ErrorCode::AccountRestricted => "wait until the restriction ends; known payees can be paid",
        ErrorCode::AccountSuspended | ErrorCode::SupportNeeded => "ask support of your account server",
        ErrorCode::DeviceTooNew => "use a device that you had longer, or wait",
        ErrorCode::PasskeyTooNew => "wait until the new passkey is older",
        ErrorCode::NotReady => "see what is missing: `billfold ready`",
        ErrorCode::PasskeyNeeded => "add a passkey: `billfold security add-passkey`",
        ErrorCode::InsufficientFunds => "choose a smaller amount or a later day",
        ErrorCode::InvalidAmount => "choose another amount, above zero",
        ErrorCode::UnknownCurrency => "choose the currency that belongs there",
        ErrorCode::InvalidDate => "choose another day",
        ErrorCode::NotPayable => "pay it where you usually do, and mark it paid here",
        ErrorCode::DisputeTooLate => "ask the merchant, or support of your account server",
        ErrorCode::ReasonDecided => "choose another reason, or ask support of your account server",
        ErrorCode::PlanTooLate => "pay it as the statement says",
        ErrorCode::CardOver => "open another card: `billfold card open`",
        ErrorCode::CardDeclined => "if it is frozen, use it again: `billfold card unfreeze`",
        ErrorCode::OverLimit => "choose a smaller amount, or pay some of the card first",
        ErrorCode::RewardsShort => "see what may be used: `billfold rewards`",
        ErrorCode::WalletFull => "choose a smaller amount, or spend some of the wallet first",
        ErrorCode::AccountClosed => "pay at most what is owed: `billfold card list`",
        ErrorCode::MethodNotDrawable => "choose another method or an earlier day: `billfold methods`",
        _ => "look at it again and correct it",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    const fn on_wire(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Post => reqwest::Method::POST,
            Self::Put => reqwest::Method::PUT,
            Self::Patch => reqwest::Method::PATCH,
            Self::Delete => reqwest::Method::DELETE,
        }
    }
}

/// The connections, and the last nonce of each server.
pub(crate) struct Http {
    /// For this computer: never through a proxy. Made when they are wanted.
    near: Mutex<Option<reqwest::Client>>,
    far: Mutex<Option<reqwest::Client>>,
    nonces: Mutex<HashMap<String, String>>,
    /// Which the server's pages speak that a request begins.
    language: Spoken,
}

/// What a request carries beside its address.
#[derive(Default)]
pub(crate) struct Sending {
    pub body: Option<Vec<u8>>,
    pub content_type: Option<&'static str>,
    /// The body is packed with zstd.
    pub packed: bool,
    pub idempotency: Option<MutationId>,
}

impl Sending {
    pub fn json<T: Serialize>(value: &T) -> Result<Self, CallError> {
        let body = serde_json::to_vec(value).map_err(|_| CallError::NotAServer)?;
        Ok(Self { body: Some(body), content_type: Some("application/json"), ..Self::default() })
    }

    fn form<T: Serialize>(value: &T) -> Result<Self, CallError> {
        let body = Zeroizing::new(form_of(value)?);
        Ok(Self {
            body: Some(body.as_bytes().to_vec()),
            content_type: Some("application/x-www-form-urlencoded"),
            ..Self::default()
        })
    }
}

fn form_of<T: Serialize>(value: &T) -> Result<String, CallError> {
    let value = serde_json::to_value(value).map_err(|_| CallError::NotAServer)?;
    let mut url = Url::parse("http://localhost/").map_err(|_| CallError::NotAServer)?;
    for (name, value) in value.as_object().into_iter().flatten() {
        if let Some(text) = value.as_str() {
            url.query_pairs_mut().append_pair(name, text);
        }
    }
    Ok(url.query().unwrap_or_default().to_owned())
}

/// Access for this moment. The refresh token is with the other secrets.
pub(crate) struct Tokens {
    pub access: Zeroizing<String>,
    ends_at: Timestamp,
    key: Arc<DeviceKey>,
}

/// The device's ES256 key: its thumbprint is the device.
pub(crate) struct DeviceKey {
    /// In a place of its own, like every key.
    pair: Box<EcdsaKeyPair>,
    pkcs8: Secret,
}

impl DeviceKey {
    pub fn make() -> Result<Self, VaultError> {
        let made = without_traces(|| {
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            document.map(|document| Secret::new(document.as_ref().to_vec()))
        });
        Self::read(made.map_err(|_| VaultError::Damaged)?)
    }

    pub fn read(pkcs8: Secret) -> Result<Self, VaultError> {
        let pair = without_traces(|| {
            let random = SystemRandom::new();
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose(), &random).map(Box::new)
        });
        Ok(Self { pair: pair.map_err(|_| VaultError::Damaged)?, pkcs8 })
    }

    pub const fn secret(&self) -> &Secret {
        &self.pkcs8
    }

    /// RFC 7638, SHA-256, base64url.
    pub fn thumbprint(&self) -> String {
        let (x, y) = self.point();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        BASE64URL_NOPAD.encode(&Sha256::digest(canonical))
    }

    fn point(&self) -> (String, String) {
        // An uncompressed point: 4, then both coordinates.
        let point = self.pair.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
        (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y))
    }

    fn proof(&self, claims: &Claims<'_>) -> Result<String, VaultError> {
        let (x, y) = self.point();
        let head =
            format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#);
        let claims = serde_json::to_vec(claims).map_err(|_| VaultError::Damaged)?;
        let signed = format!("{}.{}", BASE64URL_NOPAD.encode(head.as_bytes()), BASE64URL_NOPAD.encode(&claims));
        let signature = without_traces(|| self.pair.sign(&SystemRandom::new(), signed.as_bytes()));
        let signature = signature.map_err(|_| VaultError::Damaged)?;
        Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref())))
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
}

/// Who makes the proof of a request, when, and for which token.
pub(crate) struct Prover<'a> {
    pub key: &'a DeviceKey,
    pub now: Timestamp,
    pub chance: &'a dyn Chance,
    pub access: Option<&'a str>,
}

impl Http {
    pub fn new(language: Spoken) -> Self {
        Self { near: Mutex::default(), far: Mutex::default(), nonces: Mutex::default(), language }
    }

    /// Closes every connection: what they wrote last, tokens among it, stands in their memory until then.
    pub fn hang_up(&self) {
        *lock(&self.near) = None;
        *lock(&self.far) = None;
    }

    fn client(&self, url: &Url) -> Result<reqwest::Client, CallError> {
        let near = url.scheme() == "http";
        let mut kept = lock(if near { &self.near } else { &self.far });
        if let Some(client) = &*kept {
            return Ok(client.clone());
        }
        let made = connections(near).map_err(|_| CallError::Unreachable)?;
        *kept = Some(made.clone());
        Ok(made)
    }

    /// Sends with a proof; when the server wants its nonce in it, once more.
    pub async fn prove_and_send(
        &self,
        method: Method,
        url: &str,
        sending: &Sending,
        prover: &Prover<'_>,
    ) -> Result<Response, CallError> {
        let url = Url::parse(url).map_err(|_| CallError::NotAServer)?;
        let origin = url.origin().ascii_serialization();
        let mut again = true;
        loop {
            let nonce = lock(&self.nonces).get(&origin).cloned();
            let proof = prove(method, &url, prover, nonce.clone())?;
            let request = self.request(method, &url, sending)?.header("DPoP", proof);
            let request = match prover.access {
                Some(token) => request.header(header::AUTHORIZATION, format!("DPoP {token}")),
                None => request,
            };
            let response = request.send().await?;
            let given = response.headers().get(NONCE_HEADER).and_then(|value| value.to_str().ok());
            if let Some(given) = given {
                lock(&self.nonces).insert(origin.clone(), given.to_owned());
            }
            let fresh = given.is_some() && given != nonce.as_deref();
            let refused = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST);
            if !(again && fresh && refused && wants_nonce(&response)) {
                return Ok(response);
            }
            again = false;
        }
    }

    /// Without sign-in: the server's metadata.
    pub async fn metadata(&self, origin: &str) -> Result<Metadata, CallError> {
        let url = Url::parse(&format!("{origin}{METADATA_PATH}")).map_err(|_| CallError::NotAServer)?;
        let response = self.request(Method::Get, &url, &Sending::default())?.send().await?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let metadata: Metadata = read_json(response).await?;
        let ours = |address: &str| address.starts_with(&format!("{origin}/"));
        let all = [
            &metadata.pushed_authorization_request_endpoint,
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
        ];
        // A mixed-up or hostile document never leads to another host (RFC 8414 3.3).
        if metadata.issuer.trim_end_matches('/') != origin || !all.into_iter().all(|address| ours(address)) {
            return Err(CallError::NotAServer);
        }
        Ok(metadata)
    }

    fn request(&self, method: Method, url: &Url, sending: &Sending) -> Result<reqwest::RequestBuilder, CallError> {
        let mut request = self
            .client(url)?
            .request(method.on_wire(), url.clone())
            .header(PROTOCOL_HEADER, api::PROTOCOL.to_string())
            .header(header::ACCEPT_LANGUAGE, self.language.now().as_str());
        if let Some(kind) = sending.content_type {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if sending.packed {
            request = request.header(header::CONTENT_ENCODING, "zstd");
        }
        if let Some(id) = sending.idempotency {
            request = request.header("Idempotency-Key", id.to_string());
        }
        Ok(match &sending.body {
            Some(body) => request.body(body.clone()),
            None => request,
        })
    }
}

fn connections(near: bool) -> reqwest::Result<reqwest::Client> {
    // Another part of the program may have installed it already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(SILENCE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("billfold/", env!("CARGO_PKG_VERSION")))
    };
    if near {
        return builder().no_proxy().tls_certs_only([]).build();
    }
    // A system without any certificates still says that the server's cannot be trusted.
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub pushed_authorization_request_endpoint: String,
}

fn prove(method: Method, url: &Url, prover: &Prover<'_>, nonce: Option<String>) -> Result<String, CallError> {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    let claims = Claims {
        jti: BASE64URL_NOPAD.encode(&random::<16>(prover.chance)),
        htm: method.as_str(),
        htu: bare.as_str(),
        iat: prover.now.as_second(),
        ath: prover.access.map(|token| BASE64URL_NOPAD.encode(&Sha256::digest(token))),
        nonce,
    };
    Ok(prover.key.proof(&claims)?)
}

/// On the API the challenge says it (RFC 9449 9); on `/oauth/*` the body does, which is not read twice: a new nonce with
/// a refusal is reason enough to try once more.
fn wants_nonce(response: &Response) -> bool {
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    challenge.is_none_or(|text| text.contains("use_dpop_nonce"))
}

/// An address that may hold an account: https, or http on this computer; nothing but an origin.
pub(crate) fn check_origin(text: &str) -> Result<(), ClientError> {
    let wrong =
        |message: &str| ClientError::refused("insecure_address", message, "give the server's address as https://host");
    let url = Url::parse(text).map_err(|_| wrong("this is not an address"))?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && here) {
        return Err(wrong("a server that is not on this computer must have an https address"));
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("the address of a server is no more than its host"));
    }
    Ok(())
}

/// A good answer of the API.
pub(crate) struct Answer {
    response: Response,
    /// Whose keys asked for it: reading ends when they go.
    open: Arc<Open>,
}

impl Answer {
    /// There is nothing to read: it is done.
    pub fn is_empty(&self) -> bool {
        self.response.status() == StatusCode::NO_CONTENT
    }

    /// It goes on elsewhere: the answer says where.
    pub fn goes_on(&self) -> bool {
        self.response.status() == StatusCode::ACCEPTED
    }

    pub async fn json<T: DeserializeOwned>(self) -> Result<T, CallError> {
        let bytes = self.bytes_within(ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map_err(|_| CallError::NotAServer)
    }

    pub async fn bytes_within(self, max: usize) -> Result<Vec<u8>, CallError> {
        tokio::select! {
            biased;
            () = self.open.until_closed() => Err(CallError::Locked),
            bytes = read_within(self.response, max) => bytes,
        }
    }

    /// To be read by whoever sees to the lock.
    pub fn into_response(self) -> Response {
        self.response
    }
}

async fn read_json<T: DeserializeOwned>(response: Response) -> Result<T, CallError> {
    let bytes = read_within(response, ANSWER_BYTES_MAX).await?;
    serde_json::from_slice(&bytes).map_err(|_| CallError::NotAServer)
}

async fn read_within(response: Response, max: usize) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(part) = stream.next().await {
        let part = part?;
        if bytes.len() + part.len() > max {
            return Err(CallError::NotAServer);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// What an answer that is not good means.
async fn refusal(response: Response) -> CallError {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let problem: Result<Problem, _> = read_json(response).await;
    if status == StatusCode::TOO_MANY_REQUESTS {
        return CallError::Wait { retry_after };
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return CallError::Busy { retry_after };
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        // An older server, which cannot have judged what it does not know: it waits for one that can.
        return CallError::NotAServer;
    }
    match problem {
        Ok(problem) => match problem.code {
            ErrorCode::NotSignedIn | ErrorCode::InvalidProof | ErrorCode::UseDpopNonce => CallError::NotSignedIn,
            ErrorCode::DeviceRevoked => CallError::Revoked,
            ErrorCode::InProgress => CallError::Wait { retry_after },
            _ => CallError::Refused(Box::new(problem)),
        },
        Err(_) => CallError::NotAServer,
    }
}

impl Client {
    /// A request of the signed-in device.
    pub(crate) async fn call(&self, method: Method, path: &str, sending: Sending) -> Result<Answer, CallError> {
        let open = self.open_now().map_err(|_| CallError::Locked)?;
        let result = self.try_call(&open, method, path, &sending).await;
        let reached = !matches!(
            result,
            Err(CallError::Unreachable
                | CallError::NoConnection
                | CallError::Certificate
                | CallError::Busy { .. }
                | CallError::NotAServer,)
        );
        self.set_online(reached);
        if !matches!(result, Err(CallError::Revoked)) {
            return result;
        }
        if *open.vault().header().place() == Place::ThisComputer {
            // That server is this program's own, and the key of all its data is here: there is no other computer from which
            // somebody could have wanted this, and nothing that a removed copy could be read from again.
            tracing::warn!("the server on this computer ended the session: it is begun anew");
            *open.tokens.lock().await = None;
            self.session_is_over(&open).await?;
            return Err(CallError::NotSignedIn);
        }
        tracing::warn!("the server signed this device out: its copy is removed");
        if let Err(error) = self.wipe().await {
            tracing::error!(code = error.code, "the copy could not be removed");
        }
        result
    }

    /// Only a new sign-in helps. The copy stays readable, and what waits is kept.
    async fn session_is_over(&self, open: &Arc<Open>) -> Result<(), CallError> {
        self.drop_secret(open, SecretKind::RefreshToken).await?;
        self.tell(Changed::Status);
        Ok(())
    }

    /// The same for a copy that is not shown yet; the caller sees to what a refusal means. A lock waits for no answer.
    pub(crate) async fn try_call(
        &self,
        open: &Arc<Open>,
        method: Method,
        path: &str,
        sending: &Sending,
    ) -> Result<Answer, CallError> {
        tokio::select! {
            biased;
            () = open.until_closed() => Err(CallError::Locked),
            answer = self.call_with_token(open, method, path, sending) => answer,
        }
    }

    async fn call_with_token(
        &self,
        open: &Arc<Open>,
        method: Method,
        path: &str,
        sending: &Sending,
    ) -> Result<Answer, CallError> {
        let origin = self.origin(open).ok_or(CallError::Unreachable)?;
        let url = format!("{origin}{path}");
        let mut renewed = false;
        loop {
            let (access, key) = self.access(open, &origin).await?;
            let prover = Prover {
                key: &key,
                now: self.now(),
                chance: self.0.ports.chance.as_ref(),
                access: Some(access.as_str()),
            };
            let response = self.0.http.prove_and_send(method, &url, sending, &prover).await?;
            if response.status().is_success() {
                // A page that something on the way puts in a server's place says well of everything, too.
                let ours = response.headers().contains_key(NONCE_HEADER);
                return if ours { Ok(Answer { response, open: Arc::clone(open) }) } else { Err(CallError::NotAServer) };
            }
            match refusal(response).await {
                // The token may have ended early (a restored server, a clock that jumped): once more with a new one.
                CallError::NotSignedIn if !renewed => {
                    renewed = true;
                    *open.tokens.lock().await = None;
                }
                other => return Err(other),
            }
        }
    }

    pub(crate) fn set_online(&self, online: bool) {
        if self.0.online.swap(online, std::sync::atomic::Ordering::SeqCst) != online {
            self.tell(Changed::Status);
        }
    }

    /// A good access token. Only one caller renews; the others wait and use what it got.
    async fn access(&self, open: &Arc<Open>, origin: &str) -> Result<(Zeroizing<String>, Arc<DeviceKey>), CallError> {
        let mut held = open.tokens.lock().await;
        let now = self.now();
        if let Some(tokens) = held.as_ref()
            && now.checked_add(RENEW_EARLY).is_ok_and(|soon| soon < tokens.ends_at)
        {
            return Ok((tokens.access.clone(), Arc::clone(&tokens.key)));
        }
        let key = self.secret(open, SecretKind::Device).await?.ok_or(CallError::NotSignedIn)?;
        let refresh = self.secret(open, SecretKind::RefreshToken).await?.ok_or(CallError::NotSignedIn)?;
        let key = Arc::new(DeviceKey::read(key)?);
        let refresh_token = String::from_utf8(refresh.expose().to_vec()).map_err(|_| VaultError::Damaged)?;
        let request = TokenRequest::RefreshToken { refresh_token, client_id: CLIENT_ID.to_owned() };
        let url = format!("{origin}{}", api::sign_in::TOKEN_PATH);
        match self.ask_for_tokens(&url, &request, &key).await {
            Ok(response) => {
                let refresh = Secret::new(response.refresh_token.into_bytes());
                self.keep_secret(open, SecretKind::RefreshToken, refresh).await?;
                let tokens = Tokens {
                    access: Zeroizing::new(response.access_token),
                    ends_at: ends_at(now, response.expires_in),
                    key,
                };
                let given = (tokens.access.clone(), Arc::clone(&tokens.key));
                *held = Some(tokens);
                Ok(given)
            }
            Err(CallError::NotSignedIn) => {
                self.session_is_over(open).await?;
                Err(CallError::NotSignedIn)
            }
            Err(other) => Err(other),
        }
    }

    pub(crate) async fn ask_for_tokens(
        &self,
        url: &str,
        request: &TokenRequest,
        key: &DeviceKey,
    ) -> Result<TokenResponse, CallError> {
        let prover = Prover { key, now: self.now(), chance: self.0.ports.chance.as_ref(), access: None };
        let sending = Sending::form(request)?;
        let response = self.0.http.prove_and_send(Method::Post, url, &sending, &prover).await?;
        let status = response.status();
        if status.is_success() {
            return read_json(response).await;
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(CallError::Busy { retry_after: None });
        }
        let error: OauthError = read_json(response).await?;
        let revoked = ErrorCode::DeviceRevoked.as_str();
        if error.error_description.as_deref() == Some(revoked) {
            return Err(CallError::Revoked);
        }
        tracing::info!(error = error.error, "the server gave no tokens");
        // Only of the grant itself is it said that it is no good. Whatever else is wrong, the token is kept for later.
        if error.error == INVALID_GRANT {
            Err(CallError::NotSignedIn)
        } else {
            Err(CallError::Busy { retry_after: None })
        }
    }

    /// Pushes a form with a proof, as PAR wants it.
    pub(crate) async fn push<T: Serialize, A: DeserializeOwned>(
        &self,
        url: &str,
        form: &T,
        key: &DeviceKey,
    ) -> Result<A, CallError> {
        read_json(self.tell_server(url, form, key).await?).await
    }

    /// The same where nothing is answered but that it is done.
    pub(crate) async fn tell_server<T: Serialize>(
        &self,
        url: &str,
        form: &T,
        key: &DeviceKey,
    ) -> Result<Response, CallError> {
        let prover = Prover { key, now: self.now(), chance: self.0.ports.chance.as_ref(), access: None };
        let response = self.0.http.prove_and_send(Method::Post, url, &Sending::form(form)?, &prover).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(CallError::Busy { retry_after: None });
        }
        Err(CallError::NotAServer)
    }

    /// Keeps what a redeemed code gave.
    pub(crate) async fn keep_tokens(
        &self,
        open: &Arc<Open>,
        response: TokenResponse,
        key: DeviceKey,
    ) -> Result<(), ClientError> {
        let tokens = Tokens {
            access: Zeroizing::new(response.access_token),
            ends_at: ends_at(self.now(), response.expires_in),
            key: Arc::new(key),
        };
        let device = tokens.key.secret().clone();
        let refresh = Secret::new(response.refresh_token.into_bytes());
        self.keep_secret(open, SecretKind::Device, device).await?;
        self.keep_secret(open, SecretKind::RefreshToken, refresh).await?;
        *open.tokens.lock().await = Some(tokens);
        Ok(())
    }
}

fn ends_at(now: Timestamp, seconds: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(now)
}
