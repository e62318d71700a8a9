//! How many sign-ins by passkey and refreshes one node gives in a second, in the process: every request of a sign-in from the
//! pushed one to the tokens, each as a browser or app sends it; against the same number of bare ES256 verifications and the
//! same writes as bare statements, committed as often.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use api::sign_in::{CLIENT_ID, PAR_PATH, SCOPE, TOKEN_PATH};
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, header};
use axum::{Router, response::Response};
use data_encoding::BASE64URL_NOPAD;
use flows::caller::{Caller, chance, connections};
use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use reqwest::Url;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use crate::pairs::{Work, compare};
use crate::world::server;

/// In each round.
const SIGN_INS: usize = if cfg!(debug_assertions) { 4 } else { 60 };
const REFRESHES: usize = if cfg!(debug_assertions) { 10 } else { 300 };
/// Proofs of the app, and the passkey's own.
const VERIFIED_AT_SIGN_IN: usize = 3;
/// Networks that the browser comes from in turn: what one may ask for is not what is measured.
const NETWORKS: usize = 64;
const REDIRECT: &str = "http://127.0.0.1:49152/cb";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";
const ANSWER_MAX: usize = 1 << 20;
const GOAL: f64 = 2.0;

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let caller = runtime.block_on(async { Caller::sign_in(&running, connections()?).await })?;
    let mut person = Person {
        router: server::router(running.app.clone()),
        origin: running.public_url.origin().to_owned(),
        caller,
        passkey: None,
        refresh: String::new(),
        visits: 0,
    };
    runtime.block_on(person.make_account())?;
    let raw = rusqlite::Connection::open(place.path().join("raw.db")).map_err(|e| e.to_string())?;
    prepare_raw(&raw).map_err(|e| e.to_string())?;
    let bare = Bare::new(&raw)?;
    {
        let person = &mut person;
        compare(
            "time of a sign-in by passkey / of bare verifications and statements",
            GOAL,
            Box::new(|| {
                let mut took = Duration::ZERO;
                for _ in 0..SIGN_INS {
                    took += runtime.block_on(person.sign_in())?;
                }
                Ok((took, work(SIGN_INS)))
            }),
            Box::new(|| bare.timed(SIGN_INS, |bare| bare.sign_in())),
        )?;
    }
    let person = &mut person;
    compare(
        "time of a refresh / of a bare verification and statements",
        GOAL,
        Box::new(|| {
            let mut took = Duration::ZERO;
            for _ in 0..REFRESHES {
                took += runtime.block_on(person.refresh())?;
            }
            Ok((took, work(REFRESHES)))
        }),
        Box::new(|| bare.timed(REFRESHES, |bare| bare.refresh())),
    )?;
    runtime.block_on(running.shutdown());
    Ok(())
}

fn work(count: usize) -> Work {
    Work { count: count as u64, sum: 0 }
}

// ---- a person with a passkey -------------------------------------------------------------------------------------

struct Agreeing;

#[async_trait::async_trait]
impl UserValidationMethod for Agreeing {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(&self, _: UiHint<'a, Passkey>, _: bool, _: bool) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence: true, verification: true })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

struct Person {
    router: Router,
    origin: String,
    /// The app's key, which makes its proofs.
    caller: Caller,
    passkey: Option<Passkey>,
    refresh: String,
    visits: usize,
}

/// What the server took for its part of it.
struct Clock(Duration);

impl Person {
    async fn call(&self, clock: &mut Clock, request: Request<Body>) -> Result<Response, String> {
        let mut request = request;
        let network = self.visits % NETWORKS;
        let from = [10, 0, u8::try_from(network).map_err(|e| e.to_string())?, 1];
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((from, 40_000))));
        let began = Instant::now();
        let answer = self.router.clone().oneshot(request).await.map_err(|e| e.to_string())?;
        clock.0 += began.elapsed();
        if answer.status().is_success() || answer.status().is_redirection() {
            return Ok(answer);
        }
        let status = answer.status();
        Err(format!("{status}: {}", json_of(answer).await?))
    }

    async fn form(&self, clock: &mut Clock, path: &str, fields: &[(&str, &str)]) -> Result<Value, String> {
        let request = Request::post(path)
            .header("DPoP", self.caller.proof(path, false))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(serde_urlencoded::to_string(fields).map_err(|e| e.to_string())?))
            .map_err(|e| e.to_string())?;
        json_of(self.call(clock, request).await?).await
    }

    async fn post(&self, clock: &mut Clock, cookie: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = Request::post(path)
            .header(header::COOKIE, cookie)
            .header(header::ORIGIN, &self.origin)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .map_err(|e| e.to_string())?;
        json_of(self.call(clock, request).await?).await
    }

    /// A browser at the page that the app's request opened: its cookie.
    async fn visit(&mut self, clock: &mut Clock) -> Result<String, String> {
        self.visits += 1;
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER));
        let key = self.caller.thumbprint();
        let fields = [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT),
            ("scope", SCOPE),
            ("state", "state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("dpop_jkt", key.as_str()),
            ("device_name", "Desk"),
            ("match_code", "47"),
        ];
        let pushed = self.form(clock, PAR_PATH, &fields).await?;
        let request = text(&pushed, "request_uri")?;
        let path = format!("/oauth/authorize?client_id={CLIENT_ID}&request_uri={request}");
        let opened = self.call(clock, Request::get(path).body(Body::empty()).map_err(|e| e.to_string())?).await?;
        let cookie = opened.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        Ok(cookie.ok_or("no cookie")?.to_owned())
    }

    /// Says yes and redeems what comes.
    async fn confirm(&mut self, clock: &mut Clock, cookie: &str) -> Result<(), String> {
        let next = self.post(clock, cookie, "/sign-in/confirm", &json!({"yes": true})).await?;
        let back: Url = text(&next, "location")?.parse().map_err(|_| "no address")?;
        let code = back.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
        let code = code.ok_or("no code")?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let tokens = self.form(clock, TOKEN_PATH, &fields).await?;
        self.refresh = text(&tokens, "refresh_token")?;
        Ok(())
    }

    async fn make_account(&mut self) -> Result<(), String> {
        let clock = &mut Clock(Duration::ZERO);
        let cookie = self.visit(clock).await?;
        let begun = self.post(clock, &cookie, "/sign-in/create/start", &json!({"name": "Ines Calloway"})).await?;
        let options = serde_json::from_value(begun["options"].clone()).map_err(|e| e.to_string())?;
        let origin: Url = self.origin.parse().map_err(|_| "no origin")?;
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = client.register(&origin, options, DefaultClientData).await.map_err(|e| format!("{e:?}"))?;
        self.passkey.clone_from(client.authenticator().store());
        let finish = json!({"ceremony": begun["ceremony"], "credential": made});
        self.post(clock, &cookie, "/sign-in/create/finish", &finish).await?;
        self.confirm(clock, &cookie).await
    }

    fn authenticator(&self) -> Authenticator<Option<Passkey>, Agreeing, RustCryptoBackend> {
        Authenticator::new(Aaguid::new_empty(), self.passkey.clone(), Agreeing, RustCryptoBackend)
    }

    /// What the server took for it; what the passkey took to sign does not count.
    async fn sign_in(&mut self) -> Result<Duration, String> {
        let clock = &mut Clock(Duration::ZERO);
        let cookie = self.visit(clock).await?;
        let begun = self.post(clock, &cookie, "/sign-in/passkey/start", &json!({})).await?;
        let mut options = begun["options"].clone();
        // This store reads an empty list as "none fits"; a browser reads it as "any".
        options["publicKey"].as_object_mut().ok_or("no options")?.remove("allowCredentials");
        let options = serde_json::from_value(options).map_err(|e| e.to_string())?;
        let origin: Url = self.origin.parse().map_err(|_| "no origin")?;
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = client.authenticate(&origin, options, DefaultClientData).await.map_err(|e| format!("{e:?}"))?;
        self.passkey.clone_from(client.authenticator().store());
        let finish = json!({"ceremony": begun["ceremony"], "credential": made});
        self.post(clock, &cookie, "/sign-in/passkey/finish", &finish).await?;
        self.confirm(clock, &cookie).await?;
        Ok(clock.0)
    }

    async fn refresh(&mut self) -> Result<Duration, String> {
        let clock = &mut Clock(Duration::ZERO);
        let token = std::mem::take(&mut self.refresh);
        let fields = [("grant_type", "refresh_token"), ("client_id", CLIENT_ID), ("refresh_token", token.as_str())];
        let tokens = self.form(clock, TOKEN_PATH, &fields).await?;
        self.refresh = text(&tokens, "refresh_token")?;
        Ok(clock.0)
    }
}

async fn json_of(answer: Response) -> Result<Value, String> {
    let bytes = to_bytes(answer.into_body(), ANSWER_MAX).await.map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| e.to_string())
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {value}"))
}

// ---- the same, bare ----------------------------------------------------------------------------------------------

struct Bare<'a> {
    db: &'a rusqlite::Connection,
    key: Vec<u8>,
    message: [u8; 420],
    signature: Vec<u8>,
}

impl<'a> Bare<'a> {
    fn new(db: &'a rusqlite::Connection) -> Result<Self, String> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|e| e.to_string())?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|e| e.to_string())?;
        let message = chance();
        let signature = pair.sign(&random, &message).map_err(|e| e.to_string())?;
        Ok(Self { db, key: pair.public_key().as_ref().to_vec(), message, signature: signature.as_ref().to_vec() })
    }

    fn timed(&self, count: usize, one: impl Fn(&Self) -> rusqlite::Result<()>) -> Result<(Duration, Work), String> {
        let began = Instant::now();
        for _ in 0..count {
            one(self).map_err(|e| e.to_string())?;
        }
        Ok((began.elapsed(), work(count)))
    }

    fn verify(&self) {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.key);
        assert!(key.verify(&self.message, &self.signature).is_ok(), "a good signature is taken");
    }

    fn commit(&self, statements: &[&str]) -> rusqlite::Result<()> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        for sql in statements {
            let mut statement = self.db.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
        }
        self.db.execute_batch("COMMIT")
    }

    fn sign_in(&self) -> rusqlite::Result<()> {
        for _ in 0..VERIFIED_AT_SIGN_IN {
            self.verify();
        }
        let commits: [&[&str]; 6] = [
            &["INSERT INTO pushed (body) VALUES (hex(randomblob(400)))"],
            &["DELETE FROM pushed RETURNING body", "INSERT INTO visit (body) VALUES (hex(randomblob(400)))"],
            &[
                "SELECT body FROM visit",
                "UPDATE visit SET count = count + 1",
                "INSERT INTO ceremony (body) VALUES (hex(randomblob(300)))",
            ],
            &[
                "SELECT body FROM visit",
                "DELETE FROM ceremony RETURNING body",
                "UPDATE passkey SET used = used + 1",
                "UPDATE visit SET count = count + 1",
            ],
            &["DELETE FROM visit RETURNING body", "INSERT INTO code (body) VALUES (hex(randomblob(200)))"],
            &[
                "SELECT body FROM code ORDER BY id DESC LIMIT 1",
                "UPDATE device SET used = used + 1",
                "INSERT INTO event (body) VALUES (hex(randomblob(150)))",
                "INSERT INTO record (body) VALUES (hex(randomblob(150)))",
                "INSERT INTO family (body) VALUES (hex(randomblob(30)))",
                "INSERT INTO pair (access, refresh) VALUES (randomblob(32), randomblob(32))",
            ],
        ];
        commits.iter().try_for_each(|statements| self.commit(statements))
    }

    fn refresh(&self) -> rusqlite::Result<()> {
        self.verify();
        self.commit(&[
            "SELECT id FROM pair ORDER BY id DESC LIMIT 1",
            "UPDATE pair SET used = 1 WHERE id = (SELECT MAX(id) FROM pair)",
            "INSERT INTO pair (access, refresh) VALUES (randomblob(32), randomblob(32))",
            "UPDATE device SET used = used + 1",
        ])
    }
}

fn prepare_raw(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE pushed (id INTEGER PRIMARY KEY, body TEXT);
         CREATE TABLE visit (id INTEGER PRIMARY KEY, body TEXT, count INTEGER DEFAULT 0);
         CREATE TABLE ceremony (id INTEGER PRIMARY KEY, body TEXT);
         CREATE TABLE code (id INTEGER PRIMARY KEY, body TEXT);
         CREATE TABLE event (id INTEGER PRIMARY KEY, body TEXT);
         CREATE TABLE record (id INTEGER PRIMARY KEY, body TEXT);
         CREATE TABLE family (id INTEGER PRIMARY KEY, body TEXT);
         CREATE TABLE pair (id INTEGER PRIMARY KEY, access BLOB UNIQUE, refresh BLOB UNIQUE, used INTEGER);
         CREATE TABLE passkey (id INTEGER PRIMARY KEY, used INTEGER);
         CREATE TABLE device (id INTEGER PRIMARY KEY, used INTEGER);
         INSERT INTO passkey VALUES (1, 0); INSERT INTO device VALUES (1, 0);
         INSERT INTO pair (access, refresh) VALUES (randomblob(32), randomblob(32));",
    )
}
