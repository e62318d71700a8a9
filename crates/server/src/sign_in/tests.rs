//! Sign-in as a browser and an app see it, and every way it must fail.

use api::devices::DeviceList;
use api::error::ErrorCode;
use api::sign_in::{CLIENT_ID, Me, OauthError, PAR_PATH, PushedResponse, REVOKE_PATH, TOKEN_PATH, TokenResponse};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use data_encoding::BASE64URL_NOPAD;
use domain::ids::DeviceId;
use domain::policy::Preset;
use jiff::SignedDuration;
use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey as SoftPasskey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use passkey::types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use webauthn_rs::prelude::Url;

use crate::db::ways;
use crate::sign_in::{LocalGrant, grant_local};
use crate::testing::places::{HANOI, HOME};
use crate::testing::reach::Reach;
use crate::testing::{Answer, DeviceKey, ORIGIN, REDIRECT, TestDevice, World, on_each_engine, on_sqlite};

pub(crate) const VERIFIER: &str = "another-verifier-of-at-least-forty-three-chars";
pub(crate) const ME: &str = "/api/v1/me";

// ---- a browser with passkeys -------------------------------------------------------------------------------------

struct Agreeing;

#[async_trait::async_trait]
impl UserValidationMethod for Agreeing {
    type PasskeyItem = SoftPasskey;

    async fn check_user<'a>(&self, _: UiHint<'a, SoftPasskey>, _: bool, _: bool) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence: true, verification: true })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

pub(crate) struct Browser<'a> {
    pub(crate) world: &'a World,
    pub(crate) cookie: String,
    pub(crate) passkey: Option<SoftPasskey>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self { world, cookie: String::new(), passkey: None }
    }

    fn authenticator(&self) -> Authenticator<Option<SoftPasskey>, Agreeing, RustCryptoBackend> {
        Authenticator::new(Aaguid::new_empty(), self.passkey.clone(), Agreeing, RustCryptoBackend)
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header("cookie", &self.cookie).body(Body::empty()).unwrap();
        let answer = self.world.call(request).await;
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        answer
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_from(ORIGIN, path, body).await
    }

    pub async fn post_from(&self, origin: &str, path: &str, body: &Value) -> Answer {
        let request = Request::post(path).header("cookie", &self.cookie).header("origin", origin);
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
        self.world.call(request).await
    }

    pub async fn create(&mut self, name: &str) -> Answer {
        let started: Value = self.post("/sign-in/create/start", &json!({ "name": name })).await.ok();
        let credential = self.register(&started).await;
        self.post("/sign-in/create/finish", &json!({"ceremony": started["ceremony"], "credential": credential})).await
    }

    pub async fn register(&mut self, started: &Value) -> Value {
        let options: CredentialCreationOptions = serde_json::from_value(started["options"].clone()).unwrap();
        let origin: Url = ORIGIN.parse().unwrap();
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = client.register(&origin, options, DefaultClientData).await.unwrap();
        self.passkey = client.authenticator().store().clone();
        serde_json::to_value(made).unwrap()
    }

    pub async fn start(&self) -> Value {
        self.post("/sign-in/passkey/start", &json!({})).await.ok()
    }

    pub(crate) async fn assert(&mut self, started: &Value) -> Value {
        self.assert_at(ORIGIN, started).await
    }

    /// On a page of another origin, which a proxy of somebody else's would be.
    pub async fn assert_at(&mut self, origin: &str, started: &Value) -> Value {
        let mut options = started["options"].clone();
        // This store reads an empty list as "none fits"; a browser reads it as "any".
        options["publicKey"].as_object_mut().unwrap().remove("allowCredentials");
        let options: CredentialRequestOptions = serde_json::from_value(options).unwrap();
        let origin: Url = origin.parse().unwrap();
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = client.authenticate(&origin, options, DefaultClientData).await.unwrap();
        self.passkey = client.authenticator().store().clone();
        json!({"ceremony": started["ceremony"], "credential": serde_json::to_value(made).unwrap()})
    }

    pub async fn sign_in(&mut self) -> Answer {
        let started = self.start().await;
        let finish = self.assert(&started).await;
        self.post("/sign-in/passkey/finish", &finish).await
    }

    /// Says yes; the answer is what arrives at the app's listener.
    pub async fn confirm(&self) -> Url {
        let next: Value = self.post("/sign-in/confirm", &json!({"yes": true})).await.ok();
        next["location"].as_str().unwrap().parse().unwrap()
    }
}

pub(crate) fn param(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) type Form = Vec<(&'static str, String)>;

pub(crate) fn pushed(key: &DeviceKey) -> Form {
    vec![
        ("response_type", "code".to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("scope", "account".to_owned()),
        ("state", "the-app's-state".to_owned()),
        ("code_challenge", BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER))),
        ("code_challenge_method", "S256".to_owned()),
        ("dpop_jkt", key.thumbprint()),
        ("device_name", "Desk <b>, Debian 12".to_owned()),
        ("match_code", "47".to_owned()),
    ]
}

pub(crate) fn with(mut form: Form, name: &'static str, value: &str) -> Form {
    form.retain(|(key, _)| *key != name);
    form.push((name, value.to_owned()));
    form
}

pub(crate) async fn send(world: &World, key: &DeviceKey, path: &str, form: &Form) -> Answer {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    world.oauth(key, path, &form).await
}

pub(crate) async fn authorize_path(world: &World, key: &DeviceKey) -> String {
    let answer: PushedResponse = send(world, key, PAR_PATH, &pushed(key)).await.ok();
    format!("/oauth/authorize?client_id={CLIENT_ID}&request_uri={}", answer.request_uri)
}

/// A browser at the page that the app's request opened.
pub(crate) async fn visit(browser: &mut Browser<'_>, key: &DeviceKey) {
    let path = authorize_path(browser.world, key).await;
    browser.get(&path).await.expect(303);
}

pub(crate) fn redeem(code: &str) -> Form {
    vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("code_verifier", VERIFIER.to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
    ]
}

pub(crate) fn refresh_form(token: &str) -> Form {
    vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", token.to_owned()),
        ("client_id", CLIENT_ID.to_owned()),
    ]
}

/// A code for a new account, as the app's listener gets it.
pub(crate) async fn new_code(world: &World, key: &DeviceKey) -> String {
    let mut browser = Browser::new(world);
    visit(&mut browser, key).await;
    browser.create("Ines Calloway").await.expect(200);
    param(&browser.confirm().await, "code").unwrap()
}

#[track_caller]
pub(crate) fn expect_error(answer: &Answer, error: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    assert_eq!(answer.json::<OauthError>().error, error);
}

pub(crate) fn ath(token: &str) -> Value {
    BASE64URL_NOPAD.encode(&Sha256::digest(token)).into()
}

pub(crate) async fn call_me(world: &World, scheme: &str, token: &str, proofs: &[String]) -> Answer {
    let mut request = Request::get(ME).header("authorization", format!("{scheme} {token}"));
    for proof in proofs {
        request = request.header("DPoP", proof);
    }
    world.call(request.body(Body::empty()).unwrap()).await
}

// ---- the whole way -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_new_account_and_then_a_second_device_by_the_same_passkey() {
    on_each_engine(async |world| {
        let first = DeviceKey::new();
        let mut browser = Browser::new(&world);
        visit(&mut browser, &first).await;
        assert!(browser.get("/sign-in").await.text().contains("Sign in with a passkey"));
        let recognised: Value = browser.create("Ines Calloway").await.ok();
        assert_eq!(recognised["location"], "/sign-in/confirm");
        let page = browser.get("/sign-in/confirm").await;
        assert!(page.text().contains("Ines Calloway") && page.text().contains("<b>47</b>"));
        assert!(page.text().contains("Desk &lt;b&gt;, Debian 12 (new)"), "names are text, never markup");
        assert!(
            page.text().contains("<dt>Asked</dt><dd>2027-03-01 12:00 EST</dd>") && !page.text().contains("<dt>Near")
        );
        assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));

        let back = browser.confirm().await;
        assert!(back.as_str().starts_with("http://127.0.0.1:49152/cb?"));
        assert_eq!(param(&back, "state").as_deref(), Some("the-app's-state"));
        assert_eq!(param(&back, "iss").as_deref(), Some(ORIGIN));
        let code = param(&back, "code").unwrap();
        let tokens: TokenResponse = send(&world, &first, TOKEN_PATH, &redeem(&code)).await.ok();

        let second = DeviceKey::new();
        visit(&mut browser, &second).await;
        browser.sign_in().await.expect(200);
        let code = param(&browser.confirm().await, "code").unwrap();
        let again: TokenResponse = send(&world, &second, TOKEN_PATH, &redeem(&code)).await.ok();
        assert_eq!(again.holder, tokens.holder, "the passkey names its owner");
        assert_ne!(again.device, tokens.device);

        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&again.access_token);
        let me: Me = call_me(&world, "DPoP", &again.access_token, &[second.proof(&claims)]).await.ok();
        assert_eq!((me.name.as_str(), me.passkeys, me.device), ("Ines Calloway", 1, again.device));
    })
    .await;
}

#[tokio::test]
async fn the_metadata_names_every_endpoint_under_the_issuer() {
    on_sqlite(async |world| {
        let metadata: Value = world.get("/.well-known/oauth-authorization-server").await.ok();
        assert_eq!(metadata["issuer"], ORIGIN);
        for name in ["authorization", "token", "pushed_authorization_request", "revocation"] {
            let url = metadata[format!("{name}_endpoint")].as_str().unwrap();
            assert!(url.starts_with(ORIGIN), "{url}");
        }
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    })
    .await;
}

#[tokio::test]
async fn saying_no_lets_nothing_in_and_tells_the_app() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let mut browser = Browser::new(&world);
        visit(&mut browser, &key).await;
        browser.create("Ines Calloway").await.expect(200);
        let next: Value = browser.post("/sign-in/confirm", &json!({"yes": false})).await.ok();
        let back: Url = next["location"].as_str().unwrap().parse().unwrap();
        assert_eq!(param(&back, "error").as_deref(), Some("access_denied"));
        assert_eq!(param(&back, "code"), None);
        browser.post("/sign-in/confirm", &json!({"yes": true})).await.expect(400);
    })
    .await;
}

// ---- the pushed request and the visit ----------------------------------------------------------------------------

#[tokio::test]
async fn a_pushed_request_that_is_not_the_apps_own_is_refused() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let other = DeviceKey::new().thumbprint();
        let cases: [(&str, &str, &str); 12] = [
            ("client_id", "someone-else", "invalid_client"),
            ("response_type", "token", "unsupported_response_type"),
            ("scope", "account admin", "invalid_scope"),
            ("redirect_uri", "https://evil.example/cb", "invalid_request"),
            ("redirect_uri", "http://localhost:49152/cb", "invalid_request"),
            ("redirect_uri", "http://127.0.0.1:49152/other", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("code_challenge", "short", "invalid_request"),
            ("state", "", "invalid_request"),
            ("match_code", "4x", "invalid_request"),
            ("device_name", "  ", "invalid_request"),
            ("dpop_jkt", &other, "invalid_dpop_proof"),
        ];
        for (name, value, error) in cases {
            expect_error(&send(&world, &key, PAR_PATH, &with(pushed(&key), name, value)).await, error);
        }
        let form = pushed(&key);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        expect_error(&world.post_form(PAR_PATH, &form, None).await, "invalid_dpop_proof");
        let mut claims = world.claims("POST", PAR_PATH);
        claims.as_object_mut().unwrap().remove("nonce");
        let answer = world.post_form(PAR_PATH, &form, Some(&key.proof(&claims))).await;
        expect_error(&answer, "use_dpop_nonce");
        assert!(answer.header("dpop-nonce").is_some(), "the answer brings the nonce");
    })
    .await;
}

#[tokio::test]
async fn a_pushed_request_opens_once_and_for_two_minutes() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let mut browser = Browser::new(&world);
        let path = authorize_path(&world, &key).await;
        browser.get(&path).await.expect(303);
        let again = browser.get(&path).await;
        again.expect(400);
        assert_eq!(again.header("location"), None, "nothing is redirected on a bad request");
        let late = authorize_path(&world, &key).await;
        world.advance(SignedDuration::from_secs(121));
        browser.get(&late).await.expect(400);
        let other = authorize_path(&world, &key).await.replace(CLIENT_ID, "someone-else");
        browser.get(&other).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_visit_needs_its_cookie_its_origin_and_ends_after_ten_minutes() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let mut browser = Browser::new(&world);
        visit(&mut browser, &key).await;
        world.get("/sign-in").await.expect(400);
        browser.post_from("https://evil.example", "/sign-in/passkey/start", &json!({})).await.expect(400);
        browser.post("/sign-in/passkey/start", &json!({})).await.expect(200);
        browser.post("/sign-in/confirm", &json!({"yes": true})).await.expect(403);
        world.advance(SignedDuration::from_mins(11));
        browser.get("/sign-in").await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_challenge_is_good_once_for_five_minutes_in_its_own_visit() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let mut browser = Browser::new(&world);
        visit(&mut browser, &key).await;
        browser.create("Ines Calloway").await.expect(200);

        visit(&mut browser, &key).await;
        let started = browser.start().await;
        let finish = browser.assert(&started).await;
        let own = std::mem::take(&mut browser.cookie);
        visit(&mut browser, &key).await;
        browser.post("/sign-in/passkey/finish", &finish).await.expect(403);
        browser.cookie = own;
        world.advance(SignedDuration::from_secs(301));
        browser.post("/sign-in/passkey/finish", &finish).await.expect(403);

        let started = browser.start().await;
        let finish = browser.assert(&started).await;
        browser.post("/sign-in/passkey/finish", &finish).await.expect(200);
        browser.post("/sign-in/passkey/finish", &finish).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn five_refused_passkeys_end_the_visit_and_lock_nobody() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let mut browser = Browser::new(&world);
        visit(&mut browser, &key).await;
        browser.create("Ines Calloway").await.expect(200);
        visit(&mut browser, &key).await;
        let started = browser.start().await;
        let mut spoilt = browser.assert(&started).await;
        spoilt["credential"]["response"]["userHandle"] = "AAAAAAAAAAAAAAAAAAAAAA".into();
        let first = browser.post("/sign-in/passkey/finish", &spoilt).await;
        for _ in 0..4 {
            let next = browser.post("/sign-in/passkey/finish", &spoilt).await;
            assert_eq!(next.json::<Value>()["title"], first.json::<Value>()["title"], "one body for every refusal");
        }
        browser.get("/sign-in").await.expect(400);
        visit(&mut browser, &key).await;
        browser.sign_in().await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn one_source_that_asks_too_often_waits() {
    on_sqlite(async |world| {
        let key = DeviceKey::new();
        for _ in 0..20 {
            send(&world, &key, PAR_PATH, &pushed(&key)).await.expect(201);
        }
        let answer = send(&world, &key, PAR_PATH, &pushed(&key)).await;
        answer.expect(429);
        assert_eq!(answer.header("retry-after"), Some("4"));
        world.advance(SignedDuration::from_secs(3));
        send(&world, &key, PAR_PATH, &pushed(&key)).await.expect(201);
    })
    .await;
}

// ---- codes -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_code_that_comes_twice_revokes_what_it_gave() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let code = new_code(&world, &key).await;
        let tokens: TokenResponse = send(&world, &key, TOKEN_PATH, &redeem(&code)).await.ok();
        expect_error(&send(&world, &key, TOKEN_PATH, &redeem(&code)).await, "invalid_grant");
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&tokens.access_token);
        let answer = call_me(&world, "DPoP", &tokens.access_token, &[key.proof(&claims)]).await;
        assert_eq!(answer.code(), ErrorCode::NotSignedIn);
        expect_error(&send(&world, &key, TOKEN_PATH, &refresh_form(&tokens.refresh_token)).await, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_code_is_too_old_after_a_minute() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let code = new_code(&world, &key).await;
        world.advance(SignedDuration::from_secs(60));
        expect_error(&send(&world, &key, TOKEN_PATH, &redeem(&code)).await, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_token_request_without_a_good_proof_is_refused() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let code = new_code(&world, &key).await;
        let form = redeem(&code);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        expect_error(&world.post_form(TOKEN_PATH, &form, None).await, "invalid_dpop_proof");
        let elsewhere = key.proof(&world.claims("POST", PAR_PATH));
        expect_error(&world.post_form(TOKEN_PATH, &form, Some(&elsewhere)).await, "invalid_dpop_proof");
    })
    .await;
}

// ---- proofs ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_call_needs_a_fresh_proof_of_exactly_this_call_by_the_tokens_key() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let token = device.access_token();
        let good = || {
            let mut claims = world.claims("GET", ME);
            claims["ath"] = ath(&token);
            claims
        };
        let spoilt = |name: &str, value: Value| {
            let mut claims = good();
            claims[name] = value;
            device.key.proof(&claims)
        };
        let cases = [
            ("another method", spoilt("htm", "POST".into())),
            ("another address", spoilt("htu", format!("{ORIGIN}/api/v1/devices").into())),
            ("another server", spoilt("htu", format!("https://evil.example{ME}").into())),
            ("another token", spoilt("ath", ath("another"))),
            ("no token", spoilt("ath", Value::Null)),
            ("no id", spoilt("jti", "".into())),
            ("another key", DeviceKey::new().proof(&good())),
            ("nonsense", "a.b.c".to_owned()),
        ];
        for (what, proof) in cases {
            let answer = call_me(&world, "DPoP", &token, &[proof]).await;
            assert_eq!(answer.code(), ErrorCode::InvalidProof, "{what}");
        }
        let stale = call_me(&world, "DPoP", &token, &[spoilt("nonce", "yesterday's".into())]).await;
        assert_eq!(stale.code(), ErrorCode::UseDpopNonce);
        assert!(stale.header("dpop-nonce").is_some());
        assert!(stale.header("www-authenticate").unwrap().contains("use_dpop_nonce"));

        let proof = device.key.proof(&good());
        call_me(&world, "DPoP", &token, std::slice::from_ref(&proof)).await.expect(200);
        let replayed = call_me(&world, "DPoP", &token, std::slice::from_ref(&proof)).await;
        assert_eq!(replayed.code(), ErrorCode::InvalidProof);
        let two = [device.key.proof(&good()), device.key.proof(&good())];
        assert_eq!(call_me(&world, "DPoP", &token, &two).await.code(), ErrorCode::InvalidProof);
        assert_eq!(call_me(&world, "DPoP", &token, &[]).await.code(), ErrorCode::InvalidProof);
        let bearer = call_me(&world, "Bearer", &token, &[device.key.proof(&good())]).await;
        assert_eq!(bearer.code(), ErrorCode::NotSignedIn);
        let mut unknown = world.claims("GET", ME);
        unknown["ath"] = ath("unknown");
        let answer = call_me(&world, "DPoP", "unknown", &[device.key.proof(&unknown)]).await;
        assert_eq!(answer.code(), ErrorCode::NotSignedIn);
    })
    .await;
}

#[tokio::test]
async fn a_proof_in_another_form_is_refused() {
    on_sqlite(async |world| {
        let device = world.holder().await;
        let token = device.access_token();
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&token);
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": device.key.jwk()});
        for (name, value) in [
            ("typ", json!("JWT")),
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("RS256")),
            ("crit", json!(["exp"])),
            ("jwk", json!({"kty": "EC", "crv": "P-256"})),
        ] {
            let mut spoilt = header.clone();
            spoilt[name] = value;
            let answer = call_me(&world, "DPoP", &token, &[device.key.sign(&spoilt, &claims)]).await;
            assert_eq!(answer.code(), ErrorCode::InvalidProof, "{name}");
        }
        let mut private = header.clone();
        private["jwk"]["d"] = "c2VjcmV0".into();
        let answer = call_me(&world, "DPoP", &token, &[device.key.sign(&private, &claims)]).await;
        assert_eq!(answer.code(), ErrorCode::InvalidProof, "a private key in a proof");
        let signed = device.key.sign(&header, &claims);
        let unsigned = signed.rsplit_once('.').unwrap().0.to_owned() + ".";
        assert_eq!(call_me(&world, "DPoP", &token, &[unsigned]).await.code(), ErrorCode::InvalidProof);
        call_me(&world, "DPoP", &token, &[signed]).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn the_nonce_before_this_one_still_counts_and_the_one_before_that_does_not() {
    on_sqlite(async |world| {
        let device = world.holder().await;
        let claims = world.claims("GET", ME);
        let with_nonce = |token: &str| {
            let mut claims = claims.clone();
            claims["ath"] = ath(token);
            claims["jti"] = BASE64URL_NOPAD.encode(&world.app.random::<12>()).into();
            device.key.proof(&claims)
        };
        // Proofs carry no time of their own that counts: only the nonce does.
        world.advance(SignedDuration::from_secs(299));
        device.refresh().await.expect(200);
        world.advance(SignedDuration::from_secs(2));
        let token = device.access_token();
        call_me(&world, "DPoP", &token, &[with_nonce(&token)]).await.expect(200);
        world.advance(SignedDuration::from_mins(5));
        device.refresh().await.expect(200);
        let token = device.access_token();
        let answer = call_me(&world, "DPoP", &token, &[with_nonce(&token)]).await;
        assert_eq!(answer.code(), ErrorCode::UseDpopNonce);
    })
    .await;
}

// ---- sessions ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_access_token_ends_after_five_minutes_and_a_refresh_gives_the_next() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        device.get(ME).await.expect(200);
        world.advance(SignedDuration::from_mins(5));
        assert_eq!(device.get(ME).await.code(), ErrorCode::NotSignedIn);
        let before = device.refresh_token();
        device.refresh().await.expect(200);
        assert_ne!(device.refresh_token(), before, "each use replaces it");
        device.get(ME).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_answered_again() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let form = refresh_form(&device.refresh_token());
        let lost: TokenResponse = send(&world, &device.key, TOKEN_PATH, &form).await.ok();
        let again: TokenResponse = send(&world, &device.key, TOKEN_PATH, &form).await.ok();
        assert_ne!(lost.access_token, again.access_token);
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&lost.access_token);
        let answer = call_me(&world, "DPoP", &lost.access_token, &[device.key.proof(&claims)]).await;
        assert_eq!(answer.code(), ErrorCode::NotSignedIn, "what nobody received is void");
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&again.access_token);
        call_me(&world, "DPoP", &again.access_token, &[device.key.proof(&claims)]).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_old_refresh_token_after_its_successor_was_used_signs_the_device_out() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let old = refresh_form(&device.refresh_token());
        device.refresh().await.expect(200);
        device.get(ME).await.expect(200);
        // Within the second of the device's own request a copy gets and learns nothing; its next one is found.
        let answer = send(&world, &device.key, TOKEN_PATH, &old).await;
        expect_error(&answer, "invalid_grant");
        assert_eq!(answer.json::<OauthError>().error_description, None);
        device.get(ME).await.expect(200);
        world.advance(SignedDuration::from_secs(1));
        let answer = send(&world, &device.key, TOKEN_PATH, &old).await;
        expect_error(&answer, "invalid_grant");
        assert_eq!(answer.json::<OauthError>().error_description.as_deref(), Some("device_revoked"));
        assert_eq!(device.get(ME).await.code(), ErrorCode::DeviceRevoked);
        expect_error(&device.refresh().await, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_request_for_tokens_that_arrives_after_its_repetition_was_answered_is_refused_and_no_more() {
    on_each_engine(async |world| {
        // Repeated seconds later, and at once; then it arrives, also within that second.
        for (repeated_after, arrives_after) in [(10, 0), (0, 30), (0, 0)] {
            let device = world.holder().await;
            let old = device.refresh_token();
            let late = device.key.proof(&world.claims("POST", TOKEN_PATH));
            world.advance(SignedDuration::from_secs(repeated_after));
            device.refresh().await.expect(200);
            device.get(ME).await.expect(200);
            world.advance(SignedDuration::from_secs(arrives_after));
            let old = [("grant_type", "refresh_token"), ("refresh_token", old.as_str()), ("client_id", CLIENT_ID)];
            let answer = world.post_form(TOKEN_PATH, &old, Some(&late)).await;
            expect_error(&answer, "invalid_grant");
            assert_eq!(answer.json::<OauthError>().error_description, None);
            device.get(ME).await.expect(200);
            device.refresh().await.expect(200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_proof_that_is_dated_ahead_hides_no_copy_and_a_clock_that_is_off_costs_nothing() {
    on_each_engine(async |world| {
        const YEAR: i64 = 365 * 86_400;
        let asks = async |device: &TestDevice, token: &str, ahead: i64| {
            let mut claims = world.claims("POST", TOKEN_PATH);
            claims["iat"] = (world.now().as_second() + ahead).into();
            let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", CLIENT_ID)];
            world.post_form(TOKEN_PATH, &form, Some(&device.key.proof(&claims))).await
        };
        let owner = world.holder().await;
        let old = owner.refresh_token();
        let stolen: TokenResponse = asks(&owner, &old, 70 * YEAR).await.ok();
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&stolen.access_token);
        call_me(&world, "DPoP", &stolen.access_token, &[owner.key.proof(&claims)]).await.expect(200);
        world.advance(SignedDuration::from_mins(2));
        let found = asks(&owner, &old, 0).await;
        assert_eq!(found.json::<OauthError>().error_description.as_deref(), Some("device_revoked"));
        // A clock that was ahead from the start: what was under way for long is told from a copy.
        let key = DeviceKey::new();
        let code = new_code(&world, &key).await;
        let mut claims = world.claims("POST", TOKEN_PATH);
        claims["iat"] = (world.now().as_second() + YEAR).into();
        let form = redeem(&code);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let tokens: TokenResponse = world.post_form(TOKEN_PATH, &form, Some(&key.proof(&claims))).await.ok();
        let ahead = world.signed_in(key, tokens);
        let old = ahead.refresh_token();
        let mut late = world.claims("POST", TOKEN_PATH);
        late["iat"] = (world.now().as_second() + YEAR).into();
        let late = ahead.key.proof(&late);
        world.advance(SignedDuration::from_secs(10));
        let next: TokenResponse = asks(&ahead, &old, YEAR).await.ok();
        let used: TokenResponse = asks(&ahead, &next.refresh_token, YEAR).await.ok();
        let form = [("grant_type", "refresh_token"), ("refresh_token", old.as_str()), ("client_id", CLIENT_ID)];
        let refused = world.post_form(TOKEN_PATH, &form, Some(&late)).await;
        assert_eq!(refused.json::<OauthError>().error_description, None);
        asks(&ahead, &used.refresh_token, YEAR).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_used_refresh_token_with_another_key_signs_the_device_out() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let thief = DeviceKey::new();
        expect_error(&send(&world, &thief, TOKEN_PATH, &refresh_form(&device.refresh_token())).await, "invalid_grant");
        let old = refresh_form(&device.refresh_token());
        device.refresh().await.expect(200);
        let answer = send(&world, &thief, TOKEN_PATH, &old).await;
        expect_error(&answer, "invalid_grant");
        assert_eq!(answer.json::<OauthError>().error_description, None, "another key learns nothing");
        assert_eq!(device.get(ME).await.code(), ErrorCode::DeviceRevoked);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_idle_after_fourteen_days_and_whatever_happens_after_ninety() {
    on_each_engine(async |world| {
        let idle = world.holder().await;
        world.advance(SignedDuration::from_hours(14 * 24));
        expect_error(&idle.refresh().await, "invalid_grant");
        let busy = world.holder().await;
        for _ in 0..6 {
            world.advance(SignedDuration::from_hours(13 * 24));
            busy.refresh().await.expect(200);
        }
        world.advance(SignedDuration::from_hours(12 * 24));
        expect_error(&busy.refresh().await, "invalid_grant");
        crate::sign_in::sweep(&world.app).await.unwrap();
        expect_error(&busy.refresh().await, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn one_device_signs_another_out_at_once() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        let list: DeviceList = desk.get("/api/v1/devices").await.ok();
        assert_eq!(list.items.len(), 2);
        assert!(list.items.iter().all(|device| device.this_one == (device.id == desk.device)));
        desk.delete(&format!("/api/v1/devices/{}", laptop.device)).await.expect(204);
        assert_eq!(laptop.get(ME).await.code(), ErrorCode::DeviceRevoked);
        let answer = laptop.refresh().await;
        assert_eq!(answer.json::<OauthError>().error_description.as_deref(), Some("device_revoked"));
        let list: DeviceList = desk.get("/api/v1/devices").await.ok();
        assert_eq!(list.items.len(), 1);
        desk.get(ME).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_device_that_was_signed_out_hears_of_it_however_late_it_comes() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let lost = world.device(desk.holder).await;
        lost.refresh().await.expect(200);
        let forgotten = world.device(desk.holder).await;
        desk.delete(&format!("/api/v1/devices/{}", lost.device)).await.expect(204);
        world.advance(SignedDuration::from_hours(400 * 24));
        crate::sign_in::sweep(&world.app).await.unwrap();
        let answer = lost.refresh().await;
        assert_eq!(answer.json::<OauthError>().error_description.as_deref(), Some("device_revoked"));
        let answer = forgotten.refresh().await;
        assert_eq!(answer.json::<OauthError>().error_description, None, "what only ended is not signed out");
    })
    .await;
}

#[tokio::test]
async fn another_accounts_device_is_not_there() {
    on_each_engine(async |world| {
        let mine = world.holder().await;
        let theirs = world.holder().await;
        let answer = mine.delete(&format!("/api/v1/devices/{}", theirs.device)).await;
        assert_eq!(answer.code(), ErrorCode::NotFound);
        let nobody = DeviceId::new(world.now(), [1; 10]);
        assert_eq!(mine.delete(&format!("/api/v1/devices/{nobody}")).await.code(), ErrorCode::NotFound);
        assert_eq!(mine.delete("/api/v1/devices/nonsense").await.code(), ErrorCode::NotFound);
        theirs.get(ME).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_the_devices_tokens_and_only_its_key_may() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let form = vec![("token", device.refresh_token()), ("client_id", CLIENT_ID.to_owned())];
        send(&world, &DeviceKey::new(), REVOKE_PATH, &form).await.expect(200);
        device.get(ME).await.expect(200);
        send(&world, &device.key, REVOKE_PATH, &form).await.expect(200);
        assert_eq!(device.get(ME).await.code(), ErrorCode::DeviceRevoked);
        send(
            &world,
            &device.key,
            REVOKE_PATH,
            &vec![("token", "unknown".to_owned()), ("client_id", CLIENT_ID.to_owned())],
        )
        .await
        .expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_a_write() {
    on_sqlite(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        desk.get(ME).await.expect(200);
        let path = format!("/api/v1/devices/{}", laptop.device);
        let request = desk.request(&Method::DELETE, &path, &[], Body::empty());
        {
            // Begun, then given up: as when the connection breaks.
            let mut call = Box::pin(world.call(request));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        for _ in 0..1_000 {
            let list: DeviceList = desk.get("/api/v1/devices").await.ok();
            if list.items.len() == 1 {
                return;
            }
        }
        panic!("the write was lost");
    })
    .await;
}

#[tokio::test]
async fn an_answer_names_its_request_and_a_refusal_is_problem_details() {
    on_sqlite(async |world| {
        let answer = world.get("/api/v1/nothing-here").await;
        answer.expect(404);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem: api::error::Problem = answer.json();
        assert_eq!(problem.request_id.as_deref(), answer.header("x-request-id"));
        let wrong = world.call(Request::put("/live").body(Body::empty()).unwrap()).await;
        wrong.expect(405);
        let elsewhere = Request::get("/live").header("host", "evil.example").body(Body::empty()).unwrap();
        world.call(elsewhere).await.expect(421);
        world.get("/live").await.expect(200);
        world.get("/ready").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn the_page_for_a_new_account_begins_with_the_name_from_the_app_and_never_with_markup() {
    on_each_engine(async |world| {
        for (hint, expected) in [
            ("Ines <i>Calloway", Some("value=\"Ines &lt;i&gt;Calloway\"")),
            ("\u{202e}", None),
            (&"x".repeat(500), None),
        ] {
            let key = DeviceKey::new();
            let form = with(with(pushed(&key), "login_hint", hint), "prompt", "create");
            let answer: PushedResponse = send(&world, &key, PAR_PATH, &form).await.ok();
            let mut browser = Browser::new(&world);
            let path = format!("/oauth/authorize?client_id={CLIENT_ID}&request_uri={}", answer.request_uri);
            browser.get(&path).await.expect(303);
            let page = browser.get("/sign-in/create").await.text();
            match expected {
                Some(value) => assert!(page.contains(value), "{page}"),
                None => assert!(!page.contains("value="), "{page}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_passkey_used_on_a_page_of_another_origin_is_refused() {
    on_each_engine(async |world| {
        let mut browser = Browser::new(&world);
        visit(&mut browser, &DeviceKey::new()).await;
        browser.create("Ines Calloway").await.expect(200);
        for origin in ["http://localhost:8471", "http://login.localhost:8470", "https://localhost:8470"] {
            let mut again = Browser { world: &world, cookie: String::new(), passkey: browser.passkey.clone() };
            visit(&mut again, &DeviceKey::new()).await;
            let started = again.start().await;
            let finish = again.assert_at(origin, &started).await;
            let answer = again.post("/sign-in/passkey/finish", &finish).await;
            assert_eq!(answer.code(), ErrorCode::Forbidden, "{origin}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_changed_on_its_way_is_refused() {
    on_each_engine(async |world| {
        let mut browser = Browser::new(&world);
        visit(&mut browser, &DeviceKey::new()).await;
        browser.create("Ines Calloway").await.expect(200);
        // Where the host's hash, the flags, the counter, the client's data and the signature stand.
        let places = [
            ("authenticatorData", 0),
            ("authenticatorData", 32),
            ("authenticatorData", 36),
            ("clientDataJSON", 20),
            ("signature", 12),
        ];
        for (field, at) in places {
            let mut again = Browser { world: &world, cookie: String::new(), passkey: browser.passkey.clone() };
            visit(&mut again, &DeviceKey::new()).await;
            let started = again.start().await;
            let mut finish = again.assert(&started).await;
            let text = finish["credential"]["response"][field].as_str().unwrap();
            let mut bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
            bytes[at] ^= 0x04;
            finish["credential"]["response"][field] = BASE64URL_NOPAD.encode(&bytes).into();
            let answer = again.post("/sign-in/passkey/finish", &finish).await;
            assert_eq!(answer.code(), ErrorCode::Forbidden, "{field} at {at}");
        }
    })
    .await;
}

/// What a sign-in costs is for the most part how often it waits for a connection's thread: who adds a way says so here.
#[tokio::test]
async fn a_sign_in_and_a_refresh_wait_for_the_database_so_often_and_no_more() {
    on_sqlite(async |world| {
        let key = DeviceKey::new();
        let mut browser = Browser::new(&world);
        visit(&mut browser, &key).await;
        browser.create("Ines Calloway").await.expect(200);
        let code = param(&browser.confirm().await, "code").unwrap();
        send(&world, &key, TOKEN_PATH, &redeem(&code)).await.expect(200);

        let mut before = ways::so_far();
        let mut since = || {
            let now = ways::so_far();
            now - std::mem::replace(&mut before, now)
        };
        let path = authorize_path(&world, &key).await;
        let pushed = since();
        browser.get(&path).await.expect(303);
        let opened = since();
        let started = browser.start().await;
        let begun = since();
        let finish = browser.assert(&started).await;
        browser.post("/sign-in/passkey/finish", &finish).await.expect(200);
        let recognised = since();
        let code = param(&browser.confirm().await, "code").unwrap();
        let confirmed = since();
        let tokens: TokenResponse = send(&world, &key, TOKEN_PATH, &redeem(&code)).await.ok();
        let redeemed = since();
        assert_eq!([pushed, opened, begun, recognised, confirmed, redeemed], [1, 2, 2, 3, 3, 3]);
        send(&world, &key, TOKEN_PATH, &refresh_form(&tokens.refresh_token)).await.expect(200);
        assert_eq!(since(), 3);
    })
    .await;
}

// ---- ways in -----------------------------------------------------------------------------------------------------

pub(crate) const PASSKEYS: &str = "/api/v1/security/passkeys";

/// A device that signed in by a passkey of a new account, and the browser that holds it.
pub(crate) async fn by_passkey(world: &World) -> (Browser<'_>, TestDevice) {
    let key = DeviceKey::new();
    let mut browser = Browser::new(world);
    visit(&mut browser, &key).await;
    browser.create("Ines Calloway").await.expect(200);
    let code = param(&browser.confirm().await, "code").unwrap();
    let tokens: TokenResponse = send(world, &key, TOKEN_PATH, &redeem(&code)).await.ok();
    (browser, world.signed_in(key, tokens))
}

pub(crate) async fn passkeys(device: &TestDevice) -> Vec<api::security::Passkey> {
    device.get(PASSKEYS).await.ok::<api::security::PasskeyList>().items
}

/// A browser at an address that a device was given.
pub(crate) async fn opened<'a>(world: &'a World, device: &TestDevice, path: &str) -> Browser<'a> {
    let begun: api::security::OneTimeAddress = device.post(path, &json!({})).await.ok();
    let mut browser = Browser::new(world);
    browser.get(begun.address.strip_prefix(ORIGIN).expect("ours")).await.expect(303);
    browser
}

/// A browser at the page that adds a passkey.
pub(crate) async fn adding<'a>(world: &'a World, device: &TestDevice) -> (Browser<'a>, String) {
    let begun: api::security::OneTimeAddress = device.post(PASSKEYS, &json!({})).await.ok();
    let path = begun.address.strip_prefix(ORIGIN).unwrap().to_owned();
    let mut browser = Browser::new(world);
    browser.get(&path).await.expect(303);
    (browser, path)
}

pub(crate) async fn prove(browser: &Browser<'_>, holds: &mut Browser<'_>) -> Answer {
    let started: Value = browser.post("/sign-in/passkeys/prove/start", &json!({})).await.ok();
    let finish = holds.assert(&started).await;
    browser.post("/sign-in/passkeys/prove/finish", &finish).await
}

pub(crate) async fn add(browser: &mut Browser<'_>, name: &str) -> Answer {
    let started: Value = browser.post("/sign-in/passkeys/add/start", &json!({ "name": name })).await.ok();
    let credential = browser.register(&started).await;
    let finish = json!({"ceremony": started["ceremony"], "credential": credential});
    browser.post("/sign-in/passkeys/add/finish", &finish).await
}

#[tokio::test]
async fn a_way_in_that_was_shown_is_good_for_five_minutes() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let (mut browser, _) = adding(&world, &device).await;
        world.advance(SignedDuration::from_mins(1));
        prove(&browser, &mut holds).await.expect(200);
        world.advance(SignedDuration::from_secs(299));
        browser.get("/sign-in/passkeys").await.expect(200);
        world.advance(SignedDuration::from_secs(1));
        browser.get("/sign-in/passkeys").await.expect(400);
        browser.post("/sign-in/passkeys/add/start", &json!({ "name": "Late" })).await.expect(400);
        device.refresh().await.expect(200);
        // A proof at the end of a visit makes it no longer.
        let (mut browser, _) = adding(&world, &device).await;
        world.advance(SignedDuration::from_mins(9));
        prove(&browser, &mut holds).await.expect(200);
        world.advance(SignedDuration::from_mins(1));
        browser.get("/sign-in/passkeys").await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_second_passkey_is_added_by_who_shows_the_first_and_then_signs_in() {
    on_each_engine(async |world| {
        let (mut first, device) = by_passkey(&world).await;
        world.advance(SignedDuration::from_secs(1));
        let (mut browser, _) = adding(&world, &device).await;
        let page = browser.get("/sign-in/passkeys").await;
        assert!(page.text().contains("Show a passkey you have") && page.text().contains("Ines Calloway"));
        let early = browser.post("/sign-in/passkeys/add/start", &json!({"name": "Key"})).await;
        assert_eq!(early.code(), ErrorCode::Forbidden, "first the passkey that is there");
        prove(&browser, &mut first).await.expect(200);
        add(&mut browser, "Blue security key").await.expect(200);
        browser.get("/sign-in/passkeys/done").await.expect(200);
        let names: Vec<String> = passkeys(&device).await.into_iter().map(|passkey| passkey.name).collect();
        assert_eq!(names, ["Passkey", "Blue security key"]);
        // The visit is over, and its browser is not signed in by it.
        browser.get("/sign-in/passkeys").await.expect(400);
        let mut again = Browser { world: &world, cookie: String::new(), passkey: browser.passkey.clone() };
        visit(&mut again, &DeviceKey::new()).await;
        again.sign_in().await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_visit_that_adds_a_passkey_lets_no_device_in_and_serves_one_browser_once() {
    on_each_engine(async |world| {
        let (mut first, device) = by_passkey(&world).await;
        let (browser, path) = adding(&world, &device).await;
        Browser::new(&world).get(&path).await.expect(400);
        prove(&browser, &mut first).await.expect(200);
        // Its cookie is no visit of a sign-in, under either name.
        let secret = browser.cookie.split_once('=').unwrap().1;
        for name in ["billfold-visit", "billfold-adding"] {
            let mut other = Browser::new(&world);
            other.cookie = format!("{name}={secret}");
            other.get("/sign-in/confirm").await.expect(400);
            other.post("/sign-in/confirm", &json!({"yes": true})).await.expect(400);
        }
        // And the visit of a sign-in adds nothing.
        let mut sign_in = Browser::new(&world);
        visit(&mut sign_in, &DeviceKey::new()).await;
        sign_in.cookie = sign_in.cookie.replace("billfold-visit", "billfold-adding");
        sign_in.get("/sign-in/passkeys").await.expect(400);
        // From another site's page nothing is taken.
        let wish = json!({"name": "Key"});
        browser.post_from("https://example.org", "/sign-in/passkeys/add/start", &wish).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn only_a_passkey_of_this_account_is_a_proof_and_a_signed_out_device_adds_nothing() {
    on_each_engine(async |world| {
        let (mut first, device) = by_passkey(&world).await;
        let (mut stranger, _) = by_passkey(&world).await;
        let (mut browser, _) = adding(&world, &device).await;
        assert_eq!(prove(&browser, &mut stranger).await.code(), ErrorCode::Forbidden);
        prove(&browser, &mut first).await.expect(200);
        let started: Value = browser.post("/sign-in/passkeys/add/start", &json!({"name": "Key"})).await.ok();
        let credential = browser.register(&started).await;
        device.delete(&format!("/api/v1/devices/{}", device.device)).await.expect(204);
        let finish = json!({"ceremony": started["ceremony"], "credential": credential});
        let late = browser.post("/sign-in/passkeys/add/finish", &finish).await;
        assert_eq!(late.code(), ErrorCode::Forbidden);
    })
    .await;
}

#[tokio::test]
async fn passkeys_are_named_and_taken_away_but_never_the_last() {
    on_each_engine(async |world| {
        let (mut first, device) = by_passkey(&world).await;
        let only = passkeys(&device).await.remove(0);
        assert_eq!(device.delete(&format!("{PASSKEYS}/{}", only.id)).await.code(), ErrorCode::LastWayIn);
        let (mut browser, _) = adding(&world, &device).await;
        prove(&browser, &mut first).await.expect(200);
        world.advance(SignedDuration::from_secs(1));
        add(&mut browser, "Phone").await.expect(200);
        let rename = json!({"name": "Desk keyring"});
        device.patch(&format!("{PASSKEYS}/{}", only.id), "n", &rename).await.expect(204);
        assert_eq!(passkeys(&device).await[0].name, "Desk keyring");
        let blank = device.patch(&format!("{PASSKEYS}/{}", only.id), "b", &json!({"name": "  "})).await;
        assert_eq!(blank.code(), ErrorCode::InvalidRequest);
        let stranger = world.holder().await;
        assert_eq!(stranger.delete(&format!("{PASSKEYS}/{}", only.id)).await.code(), ErrorCode::NotFound);
        let renamed = stranger.patch(&format!("{PASSKEYS}/{}", only.id), "s", &rename).await;
        assert_eq!(renamed.code(), ErrorCode::NotFound);
        // What is lost lets nobody in: its passkey ends, and so do the account's other devices.
        let laptop = world.device(device.holder).await;
        device.delete(&format!("{PASSKEYS}/{}", only.id)).await.expect(204);
        assert_eq!(laptop.get(ME).await.code(), ErrorCode::DeviceRevoked);
        device.get(ME).await.expect(200);
        visit(&mut first, &DeviceKey::new()).await;
        assert_eq!(first.sign_in().await.code(), ErrorCode::Forbidden);
    })
    .await;
}

#[tokio::test]
async fn what_began_with_a_passkey_lets_nobody_in_once_it_is_taken_away() {
    on_each_engine(async |world| {
        for keeps in [false, true] {
            let (mut stolen, device) = by_passkey(&world).await;
            let (mut browser, _) = adding(&world, &device).await;
            prove(&browser, &mut stolen).await.expect(200);
            world.advance(SignedDuration::from_secs(1));
            add(&mut browser, "Phone").await.expect(200);
            // Whoever holds the other one is recognised, and with a second app has its code already.
            let (recognised, redeems) = (DeviceKey::new(), DeviceKey::new());
            visit(&mut stolen, &redeems).await;
            stolen.sign_in().await.expect(200);
            let code = param(&stolen.confirm().await, "code").unwrap();
            visit(&mut stolen, &recognised).await;
            stolen.sign_in().await.expect(200);
            let gone = passkeys(&device).await.remove(0).id;
            device.delete(&format!("{PASSKEYS}/{gone}?keep_devices={keeps}")).await.expect(204);
            stolen.post("/sign-in/confirm", &json!({"yes": true})).await.expect(400);
            expect_error(&send(&world, &redeems, TOKEN_PATH, &redeem(&code)).await, "invalid_grant");
            device.get(ME).await.expect(200);
        }
    })
    .await;
}

/// Tokens for a device with this key, of somebody whose browser holds the passkey.
async fn signed_in_again(browser: &mut Browser<'_>, key: &DeviceKey) -> TokenResponse {
    visit(browser, key).await;
    browser.sign_in().await.expect(200);
    let code = param(&browser.confirm().await, "code").unwrap();
    send(browser.world, key, TOKEN_PATH, &redeem(&code)).await.ok()
}

#[tokio::test]
async fn a_device_that_signs_in_anew_ends_its_session_of_before() {
    on_each_engine(async |world| {
        let (mut browser, device) = by_passkey(&world).await;
        let copied = refresh_form(&device.refresh_token());
        let tokens = signed_in_again(&mut browser, &device.key).await;
        assert_eq!(tokens.device, device.device);
        assert_eq!(device.get(ME).await.code(), ErrorCode::NotSignedIn);
        expect_error(&send(&world, &device.key, TOKEN_PATH, &copied).await, "invalid_grant");
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&tokens.access_token);
        call_me(&world, "DPoP", &tokens.access_token, &[device.key.proof(&claims)]).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_device_that_another_signed_out_comes_back_as_one_that_nobody_knows() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut browser, desk) = by_passkey(&world).await;
        let key = DeviceKey::new();
        let lost = signed_in_again(&mut browser, &key).await;
        world.advance(SignedDuration::from_hours(100));
        desk.refresh().await.expect(200);
        desk.delete(&format!("/api/v1/devices/{}", lost.device)).await.expect(204);
        let path = authorize_path(&world, &key).await;
        browser.get(&path).await.expect(303);
        browser.sign_in().await.expect(200);
        assert!(browser.get("/sign-in/confirm").await.text().contains("(new)"));
        let code = param(&browser.confirm().await, "code").unwrap();
        let back: TokenResponse = send(&world, &key, TOKEN_PATH, &redeem(&code)).await.ok();
        assert_eq!(back.device, lost.device, "its rows are its own");
        let devices = desk.get("/api/v1/devices").await.ok::<DeviceList>().items;
        let found = devices.iter().find(|device| device.id == back.device).expect("it is there");
        assert_eq!(found.added_at, world.now(), "what waits for a new device waits for it");
        let log = desk.get("/api/v1/sync").await.text();
        assert_eq!(log.matches("device_added").count(), 3, "its owner is asked again");
    })
    .await;
}

#[tokio::test]
async fn a_passkey_is_new_for_its_time_also_when_the_older_one_is_gone() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut first, device) = by_passkey(&world).await;
        world.advance(SignedDuration::from_hours(48));
        device.refresh().await.expect(200);
        let (mut browser, _) = adding(&world, &device).await;
        prove(&browser, &mut first).await.expect(200);
        add(&mut browser, "Phone").await.expect(200);
        let old = passkeys(&device).await.remove(0).id;
        device.delete(&format!("{PASSKEYS}/{old}")).await.expect(204);
        let raised = json!({"payment_minor": 90_000, "day_minor": 200_000});
        let refused = device.put("/api/v1/payments/limits/USD", &raised).await;
        assert_eq!(refused.code(), ErrorCode::PasskeyTooNew, "{}", refused.text());
    })
    .await;
}

#[tokio::test]
async fn an_account_of_this_computer_gets_its_first_passkey_without_showing_one() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let (mut browser, _) = adding(&world, &device).await;
        assert!(browser.get("/sign-in/passkeys").await.text().contains("Make the passkey"));
        add(&mut browser, "This computer").await.expect(200);
        assert_eq!(passkeys(&device).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_page_that_asks_names_place_and_time_of_the_app_and_whether_the_device_is_new() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut browser, device) = by_passkey(&world).await;
        world.at_source(HANOI);
        let thief = DeviceKey::new();
        let path = authorize_path(&world, &thief).await;
        // The person's own browser opens it at home, a moment later.
        world.at_source(HOME);
        world.advance(SignedDuration::from_secs(60));
        browser.get(&path).await.expect(303);
        browser.sign_in().await.expect(200);
        let page = browser.get("/sign-in/confirm").await.text();
        for fact in ["(new)", "<dd>Hanoi, VN</dd>", "12:00 EST", "New payees and higher limits wait 12 hours."] {
            assert!(page.contains(fact), "{fact} in {page}");
        }
        // A no lets nothing in, and every device hears of it.
        let no: Value = browser.post("/sign-in/confirm", &json!({"yes": false})).await.ok();
        assert!(no["location"].as_str().unwrap().contains("error=access_denied"), "{no}");
        device.refresh().await.expect(200);
        assert!(device.get("/api/v1/sync").await.text().contains("sign_in_declined"));
        // The same device again is no new one.
        device.delete(&format!("/api/v1/devices/{}", device.device)).await.expect(204);
        let path = authorize_path(&world, &device.key).await;
        browser.get(&path).await.expect(303);
        browser.sign_in().await.expect(200);
        let page = browser.get("/sign-in/confirm").await.text();
        assert!(!page.contains("(new)") && !page.contains("higher limits wait"), "{page}");
    })
    .await;
}

// ---- a yes by passkey ---------------------------------------------------------------------------------------------

/// A browser at the page of this address, and what the page's button stands for.
pub(crate) async fn asked_at<'a>(world: &'a World, address: &str) -> (Browser<'a>, String) {
    let mut browser = Browser::new(world);
    browser.get(address.strip_prefix(ORIGIN).unwrap()).await.expect(303);
    let shown = browser.shown().await.expect("a button");
    (browser, shown)
}

impl Browser<'_> {
    /// What the button of the page stands for; none when there is nothing to say yes to.
    pub(crate) async fn shown(&mut self) -> Option<String> {
        let text = self.get("/sign-in/step-up").await.text();
        let (_, rest) = text.split_once("data-shown=\"")?;
        rest.split('"').next().map(str::to_owned)
    }

    /// Says yes to what was shown, with a passkey of this or another browser.
    pub(crate) async fn say_yes(&self, holds: &mut Browser<'_>, shown: &str) -> Answer {
        let begun = self.post("/sign-in/step-up/start", &json!({ "shown": shown })).await;
        if begun.status != StatusCode::OK {
            return begun;
        }
        let finish = holds.assert(&begun.json()).await;
        self.post("/sign-in/step-up/finish", &finish).await
    }
}

// ---- a thousand at once ------------------------------------------------------------------------------------------

const AT_ONCE: usize = 1_000;

/// How many of these access tokens are good, for the device with this key.
async fn good(world: &World, key: &DeviceKey, answers: &[Answer]) -> usize {
    let mut good = 0;
    for answer in answers.iter().filter(|answer| answer.status == StatusCode::OK) {
        let token = answer.json::<TokenResponse>().access_token;
        let mut claims = world.claims("GET", ME);
        claims["ath"] = ath(&token);
        good += usize::from(call_me(world, "DPoP", &token, &[key.proof(&claims)]).await.status == StatusCode::OK);
    }
    good
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once_redeem_a_code_once_and_what_it_gave_is_taken_back() {
    on_each_engine(async |world| {
        let key = DeviceKey::new();
        let form = redeem(&new_code(&world, &key).await);
        let answers = futures_util::future::join_all((0..AT_ONCE).map(|_| send(&world, &key, TOKEN_PATH, &form))).await;
        let given = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert_eq!(given, 1);
        // A busy machine lets some wait too long.
        let answered = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE];
        for refused in answers.iter().filter(|answer| !answered.contains(&answer.status)) {
            expect_error(refused, "invalid_grant");
        }
        assert_eq!(good(&world, &key, &answers).await, 0, "a code that came twice gives nothing that lasts");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once_refresh_and_one_session_goes_on() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let form = refresh_form(&device.refresh_token());
        let calls = (0..AT_ONCE).map(|_| send(&world, &device.key, TOKEN_PATH, &form));
        let answers = futures_util::future::join_all(calls).await;
        // Each may be the one whose answer was lost; what the others got is void. On a busy machine the last one may really
        // have been lost, since nobody waits for ever: then the token is asked for once more, as an app does.
        let lost = answers.iter().filter(|answer| answer.status != StatusCode::OK).count();
        let mut going_on = good(&world, &device.key, &answers).await;
        if going_on == 0 && lost > 0 {
            going_on = good(&world, &device.key, &[send(&world, &device.key, TOKEN_PATH, &form).await]).await;
        }
        assert_eq!(going_on, 1, "{lost} answers did not come");
        expect_error(&send(&world, &device.key, TOKEN_PATH, &form).await, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_is_made_up_for_every_time() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        for _ in 0..100 {
            // The server answered, and nobody heard it.
            let form = refresh_form(&device.refresh_token());
            send(&world, &device.key, TOKEN_PATH, &form).await.expect(200);
            device.refresh().await.expect(200);
            device.get(ME).await.expect(200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_sign_out_ends_the_next_call_and_the_open_stream_each_time() {
    use futures_util::StreamExt as _;
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let mut reach = Reach::default();
        for _ in 0..100 {
            let laptop = world.device(desk.holder).await;
            let request = laptop.request(&Method::GET, "/api/v1/events", &[], Body::empty());
            let mut stream = world.open(request).await.into_body().into_data_stream();
            stream.next().await.expect("a beginning").expect("a part");
            desk.delete(&format!("/api/v1/devices/{}", laptop.device)).await.expect(204);
            assert_eq!(laptop.get(ME).await.code(), ErrorCode::DeviceRevoked);
            // The sign-out is a change of the account, which wakes the stream; it finds its session ended.
            let end = async { while stream.next().await.is_some_and(|part| part.is_ok()) {} };
            reach.wait_for(end).await;
        }
        reach.assert_soon();
    })
    .await;
}

#[tokio::test]
async fn a_device_whose_tokens_ended_is_no_device_that_is_signed_in() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let mut others = Vec::new();
        for _ in 1..50 {
            others.push(world.device(desk.holder).await);
        }
        let grant = |key: &DeviceKey| LocalGrant {
            holder: Some(desk.holder),
            name: String::new(),
            device_name: "Tower".to_owned(),
            dpop_jkt: key.thumbprint(),
            code_challenge: BASE64URL_NOPAD.encode(&Sha256::digest("x")),
            redirect_uri: "http://127.0.0.1:50000/cb".to_owned(),
        };
        let full = grant_local(&world.app, grant(&DeviceKey::new())).await;
        assert_eq!(full.expect_err("fifty are signed in").code(), ErrorCode::TooMany);
        grant_local(&world.app, grant(&others[0].key)).await.expect("one of them is none more");
        for _ in 0..3 {
            world.advance(SignedDuration::from_hours(5 * 24));
            desk.refresh().await.expect(200);
        }
        let list: DeviceList = desk.get("/api/v1/devices").await.ok();
        assert_eq!(list.items.iter().map(|item| item.id).collect::<Vec<_>>(), [desk.device]);
        grant_local(&world.app, grant(&DeviceKey::new())).await.expect("there is room again");
        // It asks its person to sign in, and removes nothing.
        assert_eq!(others[1].refresh().await.json::<Value>(), json!({"error": "invalid_grant"}));
    })
    .await;
}

/// A credential that is taken away takes what it may have let in with it, whatever is open just then.
#[tokio::test]
async fn a_passkey_that_is_taken_away_ends_the_others_calls_and_streams_each_time() {
    use futures_util::StreamExt as _;
    on_each_engine(async |world| {
        let (mut first, desk) = by_passkey(&world).await;
        let mut reach = Reach::default();
        for turn in 0..100 {
            // Beginning a visit is limited by the minute.
            world.advance(SignedDuration::from_mins(1));
            desk.refresh().await.expect(200);
            let (mut browser, _) = adding(&world, &desk).await;
            prove(&browser, &mut first).await.expect(200);
            add(&mut browser, "Borrowed key").await.expect(200);
            let borrowed = passkeys(&desk).await.pop().expect("the newest");
            let laptop = world.device(desk.holder).await;
            let request = laptop.request(&Method::GET, "/api/v1/events", &[], Body::empty());
            let mut stream = world.open(request).await.into_body().into_data_stream();
            stream.next().await.expect("a beginning").expect("a part");
            desk.delete(&format!("{PASSKEYS}/{}", borrowed.id)).await.expect(204);
            assert_eq!(laptop.get(ME).await.code(), ErrorCode::DeviceRevoked, "turn {turn}");
            let end = async { while stream.next().await.is_some_and(|part| part.is_ok()) {} };
            reach.wait_for(end).await;
        }
        reach.assert_soon();
    })
    .await;
}
