//! A device that makes its proofs of possession itself: ahead of time where their cost must not count, or elsewhere.

use data_encoding::BASE64URL_NOPAD;
use domain::ids::HolderId;
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use server::Running;
use server::purchases::merchants;
use server::sign_in::{LocalGrant, grant_local};
use sha2::{Digest as _, Sha256};

/// A signed-in device that makes its proofs itself.
pub struct Caller {
    pub holder: HolderId,
    pub token: String,
    pub http: reqwest::Client,
    pub origin: String,
    /// PKCS #8: for a program that makes the proofs instead.
    pub key: Vec<u8>,
    pair: EcdsaKeyPair,
    nonce: String,
}

pub fn chance<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("random bytes");
    bytes
}

#[expect(clippy::disallowed_methods, reason = "real programs live in real time")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Connections to a server on this computer.
pub fn connections() -> Result<reqwest::Client, String> {
    crate::name_cryptography();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().map_err(|e| e.to_string())
}

impl Caller {
    /// The first device of a new account.
    pub async fn sign_in(running: &Running, http: reqwest::Client) -> Result<Self, String> {
        Self::sign_in_to(running, http, None).await
    }

    /// Another device of an account, or the first of a new one.
    pub async fn sign_in_to(
        running: &Running,
        http: reqwest::Client,
        account: Option<HolderId>,
    ) -> Result<Self, String> {
        let mut caller = Self::new(running, http)?;
        let jkt = caller.thumbprint();
        let verifier = BASE64URL_NOPAD.encode(&chance::<32>());
        let redirect_uri = "http://127.0.0.1:1/cb";
        let grant = LocalGrant {
            holder: account,
            name: "Ines Calloway".to_owned(),
            device_name: "Desk".to_owned(),
            dpop_jkt: jkt,
            code_challenge: BASE64URL_NOPAD.encode(&Sha256::digest(&verifier)),
            redirect_uri: redirect_uri.to_owned(),
        };
        let code = grant_local(&running.app, grant).await.map_err(|e| e.problem.title)?;
        let form = format!(
            "grant_type=authorization_code&client_id=billfold-desktop&code={code}&code_verifier={verifier}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb"
        );
        let body = caller.take_token("/oauth/token", &form).await?;
        let holder = body["holder"].as_str().unwrap_or_default();
        caller.holder = holder.parse().map_err(|_| "the answer names no holder")?;
        Ok(caller)
    }

    /// A merchant that is signed in, with a key of its own.
    pub async fn merchant(running: &Running, http: reqwest::Client, name: &str) -> Result<Self, String> {
        let made = merchants::add(&running.app, name).await.map_err(|e| e.problem.title)?;
        let mut caller = Self::new(running, http)?;
        let (id, secret) = (made.client_id, made.client_secret);
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        caller.take_token("/merchant/v1/token", &form).await?;
        Ok(caller)
    }

    fn new(running: &Running, http: reqwest::Client) -> Result<Self, String> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|e| e.to_string())?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|e| e.to_string())?;
        let key = document.as_ref().to_vec();
        let origin = running.public_url.origin().to_owned();
        let holder = HolderId::from_uuid(uuid::Uuid::nil());
        Ok(Self { holder, token: String::new(), http, origin, key, pair, nonce: String::new() })
    }

    /// Asks for a token with a form; what came with it. The first answer only gives the nonce.
    async fn take_token(&mut self, path: &str, form: &str) -> Result<Value, String> {
        for _ in 0..2 {
            let answer = self
                .http
                .post(format!("{}{path}", self.origin))
                .header("DPoP", self.proof(path, false))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.to_owned())
                .send()
                .await
                .map_err(|e| e.to_string())?;
            if let Some(nonce) = answer.headers().get("dpop-nonce").and_then(|value| value.to_str().ok()) {
                self.nonce = nonce.to_owned();
            }
            let body: Value = answer.json().await.map_err(|e| e.to_string())?;
            if let Some(token) = body["access_token"].as_str() {
                self.token = token.to_owned();
                return Ok(body);
            }
        }
        Err("no token was given".to_owned())
    }

    /// A call with a proof of its own; what a success answers.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let proof = self.proof_of(method, path, true);
        self.send(method, path, proof, serde_json::to_vec(body).map_err(|e| e.to_string())?).await
    }

    /// A call with a proof that was made before.
    pub async fn send(&self, method: &str, path: &str, proof: String, body: Vec<u8>) -> Result<Value, String> {
        let method: reqwest::Method = method.parse().map_err(|_| "no method".to_owned())?;
        let request = self.http.request(method, format!("{}{path}", self.origin));
        let request = request.header("authorization", format!("DPoP {}", self.token)).header("DPoP", proof);
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| e.to_string())?;
        if !status.is_success() {
            return Err(format!("{status} {text}"));
        }
        serde_json::from_str(&text).map_err(|e| e.to_string())
    }

    fn point(&self) -> (String, String) {
        let point = self.pair.public_key().as_ref();
        (BASE64URL_NOPAD.encode(&point[1..33]), BASE64URL_NOPAD.encode(&point[33..65]))
    }

    /// The key by its thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let (x, y) = self.point();
        let key = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        BASE64URL_NOPAD.encode(&Sha256::digest(key))
    }

    pub fn proof(&self, path: &str, with_token: bool) -> String {
        self.proof_of("POST", path, with_token)
    }

    pub fn proof_of(&self, method: &str, path: &str, with_token: bool) -> String {
        let (x, y) = self.point();
        let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}});
        let mut claims = json!({
            "jti": BASE64URL_NOPAD.encode(&chance::<16>()), "htm": method, "htu": format!("{}{path}", self.origin),
            "iat": now().as_second(),
        });
        if !self.nonce.is_empty() {
            claims["nonce"] = self.nonce.clone().into();
        }
        if with_token {
            claims["ath"] = BASE64URL_NOPAD.encode(&Sha256::digest(&self.token)).into();
        }
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&head), part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}
