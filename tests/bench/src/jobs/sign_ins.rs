//! How many sign-ins by passkey and refreshes one node gives in a second, in the process: every request of a sign-in from the
//! pushed one to the tokens, each as a browser or app sends it; against the same number of bare ES256 verifications and the
//! statements that they have to make, bare, on a copy of the same tables and committed as often.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
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
use rusqlite::{Connection, Params, params};
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
    let raw = copy(running.app.db.file().ok_or("no file")?, &place.path().join("raw.db")).map_err(|e| e.to_string())?;
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

/// Copies what the server keeps: the same tables, keys and indexes, and the person with the passkey.
fn copy(from: &Path, to: &Path) -> rusqlite::Result<Connection> {
    let kept = Connection::open(from)?;
    kept.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    let raw = Connection::open(to)?;
    raw.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    raw.set_prepared_statement_cache_capacity(100);
    Ok(raw)
}

type Id = [u8; 16];
type Hash = [u8; 32];

struct Bare<'a> {
    db: &'a Connection,
    key: Vec<u8>,
    message: [u8; 420],
    signature: Vec<u8>,
    holder: Id,
    device: Id,
    thumbprint: String,
    credential: Vec<u8>,
    passkey: String,
    family: Id,
    decision: Id,
    /// The pair of tokens that is good now.
    pair: Cell<(Id, Hash)>,
}

const NETWORK: &str = "10.0.0.0/24";
const LATER: i64 = i64::MAX;

impl<'a> Bare<'a> {
    fn new(db: &'a Connection) -> Result<Self, String> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|e| e.to_string())?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|e| e.to_string())?;
        let message = chance();
        let signature = pair.sign(&random, &message).map_err(|e| e.to_string())?;
        const OWNER: &str = "SELECT p.holder_id, d.device_id, d.thumbprint, p.credential_id, p.body, t.family_id,
                                    t.pair_id, t.refresh_hash,
                                    (SELECT r.decision_id FROM risk_decision r WHERE r.holder_id = p.holder_id)
            FROM passkey p JOIN device d ON d.holder_id = p.holder_id
            JOIN token_family f ON f.holder_id = d.holder_id AND f.device_id = d.device_id
            JOIN token_pair t ON t.holder_id = f.holder_id AND t.family_id = f.family_id";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                db,
                key: pair.public_key().as_ref().to_vec(),
                message,
                signature: signature.as_ref().to_vec(),
                holder: row.get(0)?,
                device: row.get(1)?,
                thumbprint: row.get(2)?,
                credential: row.get(3)?,
                passkey: row.get(4)?,
                family: row.get(5)?,
                pair: Cell::new((row.get(6)?, row.get(7)?)),
                decision: row.get(8)?,
            })
        };
        db.query_row(OWNER, [], read).map_err(|e| e.to_string())
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

    /// Runs one statement to its end; how many rows it gave.
    fn run(&self, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(values)?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    fn commit(&self, statements: impl FnOnce() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        self.run("BEGIN IMMEDIATE", [])?;
        statements()?;
        self.run("COMMIT", []).map(drop)
    }

    fn sign_in(&self) -> rusqlite::Result<()> {
        const VISIT: &str = "SELECT body, holder_id, failures, ceremonies, pending, proved FROM sign_in_visit
                              WHERE visit_hash = ?1 AND expires_at > ?2";
        for _ in 0..VERIFIED_AT_SIGN_IN {
            self.verify();
        }
        let (request, visit, ceremony, code): (Hash, Hash, Hash, Hash) = (chance(), chance(), chance(), chance());
        self.commit(|| {
            const PUSH: &str = "INSERT INTO pushed_request (request_hash, body, expires_at)
                                VALUES (?1, hex(randomblob(250)), ?2)";
            self.run(PUSH, params![request, LATER]).map(drop)
        })?;
        self.commit(|| {
            const TAKE: &str = "DELETE FROM pushed_request WHERE request_hash = ?1 RETURNING body, expires_at";
            const OPEN: &str = "INSERT INTO sign_in_visit (visit_hash, body, expires_at)
                                VALUES (?1, hex(randomblob(250)), ?2)";
            self.run(TAKE, params![request])?;
            self.run(OPEN, params![visit, LATER]).map(drop)
        })?;
        self.commit(|| {
            const COUNT: &str = "UPDATE sign_in_visit SET ceremonies = ceremonies + 1 WHERE visit_hash = ?1";
            const PUT: &str = "INSERT INTO sign_in_ceremony (ceremony_hash, visit_hash, kind, state, expires_at)
                               VALUES (?1, ?2, 'sign_in', hex(randomblob(150)), ?3)";
            self.run(VISIT, params![visit, 0])?;
            self.run(COUNT, params![visit])?;
            self.run(PUT, params![ceremony, visit, LATER]).map(drop)
        })?;
        self.commit(|| {
            const TAKE: &str = "DELETE FROM sign_in_ceremony WHERE ceremony_hash = ?1 AND visit_hash = ?2
                                RETURNING state, expires_at";
            const PASSKEY: &str = "SELECT p.holder_id, p.passkey_id, p.name, h.user_handle, p.body FROM passkey p
                                     JOIN holder h ON h.holder_id = p.holder_id WHERE p.credential_id = ?1";
            const USE: &str = "UPDATE passkey SET body = ?2, last_used_at = ?3 WHERE credential_id = ?1";
            const RECOGNISE: &str = "UPDATE sign_in_visit SET holder_id = ?2, proved = 1 WHERE visit_hash = ?1";
            self.run(VISIT, params![visit, 0])?;
            self.run(TAKE, params![ceremony, visit])?;
            self.run(PASSKEY, params![self.credential])?;
            self.run(USE, params![self.credential, self.passkey, 1])?;
            self.run(RECOGNISE, params![visit, self.holder]).map(drop)
        })?;
        self.commit(|| {
            const CODE: &str = "INSERT INTO authorization_code (holder_id, code_hash, redirect_uri, code_challenge,
                    thumbprint, device_name, expires_at, proved) VALUES (?1, ?2, ?3, ?4, ?5, 'Desk', ?6, 1)";
            self.run(VISIT, params![visit, 0])?;
            self.run("DELETE FROM sign_in_visit WHERE visit_hash = ?1 RETURNING expires_at", params![visit])?;
            let devices = "SELECT COUNT(*) FROM device WHERE holder_id = ?1 AND revoked_at IS NULL";
            self.run(devices, params![self.holder])?;
            self.run(CODE, params![self.holder, code, REDIRECT, VERIFIER, self.thumbprint, LATER]).map(drop)
        })?;
        self.commit(|| {
            self.redeem(&code)?;
            self.put_pair(chance()).map(drop)
        })
    }

    /// What stands for a code: a device that is seen again, an entry of the log that its feed tells, and a decision.
    fn redeem(&self, code: &Hash) -> rusqlite::Result<()> {
        const CODE: &str = "SELECT * FROM authorization_code c
              LEFT JOIN device d ON d.holder_id = c.holder_id AND d.thumbprint = c.thumbprint WHERE c.code_hash = ?1";
        const DEVICE: &str = "UPDATE device SET name = 'Desk', last_seen_at = ?3, proved_at = ?3, revoked_at = NULL
                               WHERE holder_id = ?1 AND device_id = ?2";
        const NUMBER: &str =
            "UPDATE holder SET feed_number = feed_number + 1 WHERE holder_id = ?1 RETURNING feed_number";
        const LAST: &str = "SELECT * FROM security_event WHERE holder_id = ?1 ORDER BY number DESC LIMIT 1";
        const EVENT: &str = "INSERT INTO security_event (holder_id, number, at, kind, by_device, device_id, name, hash)
            SELECT ?1, MAX(number) + 1, ?2, 'signed_in', ?3, ?3, 'Desk', hex(randomblob(32)) FROM security_event
             WHERE holder_id = ?1";
        const RECORD: &str = "INSERT INTO record (holder_id, kind, item_id, item_day, number, changed_at, gone, body)
                              VALUES (?1, 5, ?2, '', 1, ?3, 0, hex(randomblob(150)))";
        const DECISION: &str = "INSERT INTO risk_decision (holder_id, decision_id, at, last_at, occasion, device_id,
                network, version, score, verdict, points) VALUES (?1, ?2, ?3, ?3, 'sign_in', ?4, ?5, 1, 0, 'allow', '[]')";
        const FAMILY: &str =
            "INSERT INTO token_family (holder_id, family_id, device_id, ends_at) VALUES (?1, ?2, ?3, ?4)";
        const USE: &str = "UPDATE authorization_code SET family_id = ?3 WHERE holder_id = ?1 AND code_hash = ?2";
        let (holder, device, family) = (self.holder, self.device, chance::<16>());
        self.run(CODE, params![code])?;
        self.know()?;
        self.run(DEVICE, params![holder, device, 1])?;
        self.run(NUMBER, params![holder])?;
        self.run(LAST, params![holder])?;
        self.run(EVENT, params![holder, 1, device])?;
        self.run(RECORD, params![holder, chance::<16>(), 1])?;
        self.learn()?;
        self.run(DECISION, params![holder, chance::<16>(), 1, device, NETWORK])?;
        self.run(FAMILY, params![holder, family, device, LATER])?;
        self.run(USE, params![holder, code, family]).map(drop)
    }

    /// What a score is made of.
    fn know(&self) -> rusqlite::Result<()> {
        const COUNTED: &str = "SELECT kind, SUM(CASE WHEN last_at > ?2 THEN times ELSE 0 END), MAX(last_at)
                                 FROM risk_count WHERE holder_id = ?1 GROUP BY kind";
        const EVENTS: &str = "SELECT e.kind, MAX(e.at) FROM security_event e
            WHERE e.holder_id = ?1
              AND e.kind IN ('token_reused', 'passkey_added', 'passkey_removed', 'recovery_finished')
              AND e.number > (SELECT MIN(f.number) FROM security_event f WHERE f.holder_id = ?1 AND f.kind = 'device_added')
              AND NOT EXISTS (SELECT 1 FROM security_event a WHERE a.holder_id = ?1 AND a.about = e.number
                    AND a.kind = 'confirmed_as_mine' AND a.by_device <> COALESCE(e.device_id, e.by_device))
            GROUP BY e.kind
            UNION ALL SELECT v.kind, v.at FROM security_event v
            WHERE v.holder_id = ?1 AND v.device_id = ?2 AND v.kind = 'confirmed_as_mine' AND v.by_device <> ?2";
        const DEVICE: &str = "SELECT (SELECT d.added_at FROM device d WHERE d.holder_id = ?1 AND d.device_id = ?2),
                                     (SELECT COUNT(*) FROM device b WHERE b.holder_id = ?1 AND b.device_id < ?2)";
        const SEEN: &str = "SELECT network, country, latitude, longitude, first_at, last_at, vouched FROM risk_sighting
                             WHERE holder_id = ?1 ORDER BY last_at DESC, network LIMIT 300";
        self.run(COUNTED, params![self.holder, 0])?;
        self.run(EVENTS, params![self.holder, self.device])?;
        self.run(DEVICE, params![self.holder, self.device])?;
        self.run(SEEN, params![self.holder])?;
        self.run("SELECT hour, uses FROM risk_hour WHERE holder_id = ?1", params![self.holder]).map(drop)
    }

    /// From where and when the account is used.
    fn learn(&self) -> rusqlite::Result<()> {
        const SEE: &str = "INSERT INTO risk_sighting (holder_id, device_id, network, first_at, last_at)
            VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (holder_id, device_id, network) DO UPDATE SET last_at = excluded.last_at";
        const USE_HOUR: &str = "INSERT INTO risk_hour (holder_id, hour, uses, last_at) VALUES (?1, 1, 1, ?2)
            ON CONFLICT (holder_id, hour) DO UPDATE SET uses = uses + 1 WHERE last_at < 0";
        self.run(SEE, params![self.holder, self.device, NETWORK, 1])?;
        self.run(USE_HOUR, params![self.holder, 1]).map(drop)
    }

    fn put_pair(&self, pair: Id) -> rusqlite::Result<(Id, Hash)> {
        const PUT: &str = "INSERT INTO token_pair (holder_id, pair_id, family_id, access_hash, refresh_hash,
                access_ends_at, refresh_ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
        let refresh: Hash = chance();
        self.run(PUT, params![self.holder, pair, self.family, chance::<32>(), refresh, LATER])?;
        Ok((pair, refresh))
    }

    fn refresh(&self) -> rusqlite::Result<()> {
        const FIND: &str = "SELECT * FROM token_pair p
              JOIN token_family f ON f.holder_id = p.holder_id AND f.family_id = p.family_id
              JOIN device d ON d.holder_id = f.holder_id AND d.device_id = f.device_id WHERE p.refresh_hash = ?1";
        const LAST: &str =
            "SELECT * FROM risk_decision WHERE holder_id = ?1 AND device_id = ?2 AND occasion = 'refresh'
                             ORDER BY at DESC, decision_id DESC LIMIT 1";
        const USE: &str = "UPDATE token_pair SET refresh_used_at = ?3, successor_id = ?4, refresh_proof_at = ?3
                            WHERE holder_id = ?1 AND pair_id = ?2";
        const SEE: &str = "UPDATE device SET last_seen_at = ?3 WHERE holder_id = ?1 AND device_id = ?2";
        const AGAIN: &str = "UPDATE risk_decision SET times = times + 1, last_at = ?3
                              WHERE holder_id = ?1 AND decision_id = ?2";
        self.verify();
        let (pair, hash) = self.pair.get();
        self.commit(|| {
            self.run(FIND, params![hash])?;
            self.know()?;
            self.run(LAST, params![self.holder, self.device])?;
            let next = self.put_pair(chance())?;
            self.run(USE, params![self.holder, pair, 1, next.0])?;
            self.run(SEE, params![self.holder, self.device, 1])?;
            self.learn()?;
            self.run(AGAIN, params![self.holder, self.decision, 1])?;
            self.pair.set(next);
            Ok(())
        })
    }
}
