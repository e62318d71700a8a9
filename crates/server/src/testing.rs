//! The frozen world of the server's tests: a clock that moves when told, seeded chance, a router called in process, and
//! every test run on SQLite and on a throw-away PostgreSQL.

pub mod pairs;
pub mod places;
mod postgres;
pub mod reach;
pub mod seeds;
mod statement;

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use api::error::{ErrorCode, Problem};
use api::purchases::MerchantToken;
use api::sign_in::{CLIENT_ID, TOKEN_PATH, TokenResponse};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use data_encoding::BASE64URL_NOPAD;
use domain::ids::{DeviceId, HolderId, MerchantId};
use domain::policy::Preset;
use domain::time::{Clock, ManualClock};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

pub use postgres::{Cluster, durable_postgres, postgres};
pub use statement::SampleStatement;

use crate::config::Settings;
use crate::db::{Db, Location};
use crate::health::Health;
use crate::limits::{Limits, Throttle};
use crate::mail::carriers::Carriers;
pub use crate::mail::carriers::captured::Captured;
use crate::payments::rails::sandbox::Practice;
use crate::purchases::merchants;
use crate::risk::places::Places;
use crate::seals::Seals;
use crate::sign_in::dpop::thumbprint;
use crate::sign_in::{Cost, LocalGrant, grant_local};
use crate::{App, Chance, router};

pub const ORIGIN: &str = "http://localhost:8470";
/// Feed numbers that a new account has used: it was made, and its first device was let in.
pub const BEGUN: i64 = 2;
pub const REDIRECT: &str = "http://127.0.0.1:49152/cb";
/// In a world whose clock stands still, everything is asked for at once.
const UNTHROTTLED: Throttle = Throttle {
    calls_per_second: 1_000_000,
    calls_at_once: 1_000_000,
    payments_per_minute: 1_000_000,
    payments_per_day: 1_000_000,
    merchant_calls_per_second: 1_000_000,
    tokens_per_second: 20,
};
const AT_ONCE: usize = 8;
/// Of the ids and secrets of a world that is not played by seeds.
const USUAL_SEED: u64 = 7;
/// So many bytes must be free in memory before databases are put there.
const IN_MEMORY_ROOM: u64 = 2 * 1024 * 1024 * 1024;
/// Set by `cargo xtask bench`: databases that are thrown away lie on the disk, as those of people.
const ON_DISK: &str = "BILLFOLD_ON_DISK";
/// Answers larger than this are a bug in a test.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Runs a test once on each engine. Without PostgreSQL it says so.
pub async fn on_each_engine(test: impl AsyncFn(World)) {
    on_sqlite(&test).await;
    match postgres() {
        Some(cluster) => {
            let url = cluster.new_database();
            let location = Location::Postgres { url: url.clone() };
            run(World::at("PostgreSQL", location, None, USUAL_SEED).await, &test).await;
            cluster.drop_database(&url);
        }
        None => eprintln!("SKIPPED on PostgreSQL: initdb not found"),
    }
}

/// Does all of it, as much at once as a server has connections, so that on a busy machine nobody waits for one in vain.
pub async fn some_at_once<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures_util::stream::iter(all).buffered(AT_ONCE).collect().await
}

/// What whoever runs the tests said of them.
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// For what only SQLite does.
pub async fn on_sqlite(test: impl AsyncFn(World)) {
    let (location, folder) = sqlite_in_a_folder();
    run(World::at("SQLite", location, Some(folder), USUAL_SEED).await, test).await;
}

/// Plays a history for each seed on each engine, in a world of its own, which is audited and thrown away after it.
pub fn on_each_engine_by_seed(seeds: Range<u64>, history: impl AsyncFn(&World, u64) + Sync) {
    if seeds::is_meant("sqlite") {
        let began = std::time::Instant::now();
        seeds::play(seeds.clone(), async |seed| {
            let (location, folder) = sqlite_in_a_folder();
            play(World::at("SQLite", location, Some(folder), seed).await, seed, &history).await;
        });
        tell_played("SQLite", &seeds, began);
    }
    if seeds::is_meant("postgres") {
        let Some(cluster) = postgres() else {
            eprintln!("SKIPPED on PostgreSQL: initdb not found");
            return;
        };
        let began = std::time::Instant::now();
        seeds::play(seeds.clone(), async |seed| {
            let url = cluster.new_database();
            let location = Location::Postgres { url: url.clone() };
            play(World::at("PostgreSQL", location, None, seed).await, seed, &history).await;
            cluster.drop_database(&url);
        });
        tell_played("PostgreSQL", &seeds, began);
    }
}

fn tell_played(engine: &str, seeds: &Range<u64>, began: std::time::Instant) {
    eprintln!("on {engine} seeds {} to {}, {:.1} s", seeds.start, seeds.end, began.elapsed().as_secs_f64());
}

/// A server of a seed on SQLite, for tests that play more than a server. It is to be finished.
pub async fn sqlite_world(seed: u64) -> World {
    let (location, folder) = sqlite_in_a_folder();
    World::at("SQLite", location, Some(folder), seed).await
}

async fn play(world: World, seed: u64, history: &impl AsyncFn(&World, u64)) {
    history(&world, seed).await;
    world.finish().await;
}

/// A database with every migration done, in a folder of its own.
fn sqlite_in_a_folder() -> (Location, tempfile::TempDir) {
    static MIGRATED: OnceLock<Vec<u8>> = OnceLock::new();
    let folder = throw_away_folder("billfold-sqlite-");
    let file = folder.path().join("server.sqlite");
    let migrated = MIGRATED.get_or_init(|| {
        let place = throw_away_folder("billfold-sqlite-");
        let first = place.path().join("migrated.sqlite");
        migrate(Location::Sqlite { file: first.clone(), key: None });
        std::fs::read(first).expect("a database")
    });
    std::fs::write(&file, migrated).expect("a database");
    (Location::Sqlite { file, key: None }, folder)
}

/// Opens a database for its migrations. In a thread of its own, since this may be called from within a test's runtime.
fn migrate(location: Location) {
    let migrate = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            Db::open(&location).await.expect("the migrations run").close().await;
        });
    };
    std::thread::spawn(migrate).join().expect("the database is made");
}

/// For a database that is thrown away. Where there is room it lies in memory, for which a sync costs nothing; what a
/// sync is worth is tried with the real program and a real disk, and what it costs is measured there ([`ON_DISK`]).
pub fn throw_away_folder(prefix: &str) -> tempfile::TempDir {
    let in_memory = std::path::Path::new("/dev/shm");
    let has_room = fs4::available_space(in_memory).is_ok_and(|bytes| bytes > IN_MEMORY_ROOM);
    let mut folder = tempfile::Builder::new();
    folder.prefix(prefix);
    if has_room && told(ON_DISK).is_none() { folder.tempdir_in(in_memory) } else { folder.tempdir() }.expect("a folder")
}

async fn run(world: World, test: impl AsyncFn(World)) {
    eprintln!("on {}", world.engine);
    let ending = world.share();
    test(world).await;
    ending.finish().await;
}

tokio::task_local! {
    static FROM: IpAddr;
}

/// Makes these calls come from there, whatever others come from meanwhile.
pub async fn coming_from<T>(address: [u8; 4], calls: impl Future<Output = T>) -> T {
    FROM.scope(address.into(), calls).await
}

/// One server in one frozen world.
pub struct World {
    pub engine: &'static str,
    pub app: App,
    pub clock: Arc<ManualClock>,
    /// Where requests come from; this machine unless told.
    source: Arc<Mutex<Option<IpAddr>>>,
    /// What was sent by e-mail, and as text messages.
    pub mail: Arc<Captured>,
    pub texts: Arc<Captured>,
    router: Router,
    /// Where its books are.
    location: Location,
    /// Removed when the world ends.
    _folder: Option<Arc<tempfile::TempDir>>,
}

impl World {
    async fn at(engine: &'static str, location: Location, folder: Option<tempfile::TempDir>, seed: u64) -> Self {
        // A Monday at noon in New York.
        let start: Timestamp = "2027-03-01T17:00:00Z".parse().expect("a time");
        Self::start(engine, location, folder.map(Arc::new), seed, Arc::new(ManualClock::at(start))).await
    }

    async fn start(
        engine: &'static str,
        location: Location,
        folder: Option<Arc<tempfile::TempDir>>,
        seed: u64,
        clock: Arc<ManualClock>,
    ) -> Self {
        let db = Db::open(&location).await.expect("the database opens");
        let chance = Arc::new(SeededChance::new(seed));
        let settings = Settings {
            public_url: ORIGIN.parse().expect("a public URL"),
            server_name: "Test server".to_owned(),
            local_accounts: true,
            trusted_proxies: Vec::new(),
            zone: jiff::tz::TimeZone::get("America/New_York").expect("a zone"),
            practice: Practice::default(),
            rails: Arc::default(),
            support: true,
            places: Arc::new(Places::read(places::database()).expect("a database of places")),
            mail: None,
            texts: None,
            policy: Preset::Personal,
            throttle: UNTHROTTLED,
            terms: None,
            seals: Seals::of(&[[0x5e; 32]]).expect("a key"),
            audit_head: None,
            hsts_subdomains: false,
            failed_ceremony_delay: Duration::ZERO,
            password_cost: Cost::CHEAP,
        };
        let mut app = App::new(db, Arc::clone(&clock) as Arc<dyn Clock>, chance, settings).await.expect("an app");
        let (mail, texts) = (Arc::new(Captured::default()), Arc::new(Captured::default()));
        app.health = Arc::new(Health::by_clock(Arc::clone(&clock) as _));
        app.carriers = Carriers { email: Some(Arc::clone(&mail) as _), texts: Some(Arc::clone(&texts) as _) };
        let router = router(app.clone());
        let source = Arc::new(Mutex::new(None));
        Self { engine, app, clock, source, mail, texts, router, location, _folder: folder }
    }

    /// Another server on the same books, by the same clock: a second node, or the first after a restart, with nothing
    /// in memory. Its dice are never those of this one. It is stopped by whoever made it.
    pub async fn again(&self, seed: u64) -> Self {
        let (location, clock) = (self.location.clone(), Arc::clone(&self.clock));
        Self::start(self.engine, location, self._folder.clone(), !seed, clock).await
    }

    /// Where its books are, for what is done beside it.
    pub fn location(&self) -> Location {
        self.location.clone()
    }

    /// It ends, as when its program ends.
    pub async fn stop(&self) {
        self.app.ending.cancel();
        self.app.db.close().await;
    }

    fn share(&self) -> Self {
        Self {
            engine: self.engine,
            app: self.app.clone(),
            clock: Arc::clone(&self.clock),
            source: Arc::clone(&self.source),
            mail: Arc::clone(&self.mail),
            texts: Arc::clone(&self.texts),
            router: self.router.clone(),
            location: self.location.clone(),
            _folder: self._folder.clone(),
        }
    }

    /// The same world under another policy.
    #[must_use]
    pub fn under(&self, policy: Preset) -> Self {
        let mut world = self.share();
        world.app.settings = Arc::new(Settings { policy, ..(*world.app.settings).clone() });
        world.router = router(world.app.clone());
        world
    }

    /// The same server, told otherwise.
    pub fn with_settings(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = (*self.app.settings).clone();
        change(&mut settings);
        let app = App { settings: Arc::new(settings), ..self.app.clone() };
        Self { router: router(app.clone()), app, ..self.share() }
    }

    /// The same world where devices may ask for so much alone.
    #[must_use]
    pub fn throttled(&self, throttle: Throttle) -> Self {
        let mut world = self.share();
        world.app.limits = Arc::new(Limits::new(throttle));
        world.router = router(world.app.clone());
        world
    }

    /// So many on SQLite, and in a soak on both engines; else a fifth of them on the other one. For what is alike on both
    /// but for its statements, which the first of many run as well as the last.
    #[must_use]
    pub fn of_many(&self, whole: usize) -> usize {
        if self.engine == "SQLite" || seeds::is_soak() { whole } else { whole.div_ceil(5) }
    }

    /// The same world, where money moves so.
    pub fn with_rails(&self, rails: impl FnOnce(&App) -> crate::payments::rails::Rails) -> Self {
        let app = App { rails: rails(&self.app), ..self.app.clone() };
        Self { router: router(app.clone()), app, ..self.share() }
    }

    /// Does all the work that is due now, and what follows from it at once.
    pub async fn work(&self) {
        crate::payments::rails::turn(&self.app).await;
        while crate::jobs::run_due(&self.app).await.expect("jobs run") > 0 {}
    }

    /// Lets time pass in small steps, with the work of each.
    pub async fn pass(&self, total: SignedDuration, step: SignedDuration) {
        let end = self.now().checked_add(total).expect("a time");
        while self.now() < end {
            self.advance(step);
            self.work().await;
        }
    }

    /// What every test must leave behind: no work undone, and books that agree.
    pub async fn finish(self) {
        self.work().await;
        let report = crate::audit::run(&self.app.db).await.expect("the audit runs");
        assert!(report.faults.is_empty(), "the audit found: {:?}", report.faults);
        self.stop().await;
    }

    /// What answers in this world.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// From now on requests come from there.
    pub fn at_source(&self, address: [u8; 4]) {
        *self.source.lock().expect("no test panicked here") = Some(address.into());
    }

    /// A request without a session.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, ANSWER_MAX).await.expect("the body is whole");
        Answer { status: parts.status, headers: parts.headers, body: body.to_vec() }
    }

    /// The whole response, for streams.
    pub async fn open(&self, mut request: Request<Body>) -> axum::response::Response {
        let source = *self.source.lock().expect("no test panicked here");
        let source = FROM.try_with(|from| *from).ok().or(source);
        if let Some(address) = source {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 40_000))));
        }
        self.router.clone().oneshot(request).await.expect("the router answers")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// A new account with one device, signed in.
    pub async fn holder(&self) -> TestDevice {
        self.grant(None, "Desk").await
    }

    /// Another device of the same account.
    pub async fn device(&self, holder: HolderId) -> TestDevice {
        self.grant(Some(holder), "Laptop").await
    }

    async fn grant(&self, holder: Option<HolderId>, device_name: &str) -> TestDevice {
        let key = DeviceKey::new();
        let verifier = "a-verifier-of-at-least-forty-three-characters-0";
        let grant = LocalGrant {
            holder,
            name: "Ines Calloway".to_owned(),
            device_name: device_name.to_owned(),
            dpop_jkt: key.thumbprint(),
            code_challenge: BASE64URL_NOPAD.encode(&Sha256::digest(verifier)),
            redirect_uri: REDIRECT.to_owned(),
        };
        let code = grant_local(&self.app, grant).await.expect("a code");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
            ("client_id", CLIENT_ID),
        ];
        let tokens: TokenResponse = self.oauth(&key, TOKEN_PATH, &form).await.ok();
        self.signed_in(key, tokens)
    }

    /// A device that got these tokens for its key.
    pub fn signed_in(&self, key: DeviceKey, tokens: TokenResponse) -> TestDevice {
        TestDevice {
            world: self.share(),
            holder: tokens.holder,
            device: tokens.device,
            key,
            access: Mutex::new(tokens.access_token),
            refresh: Mutex::new(tokens.refresh_token),
        }
    }

    /// A form to an OAuth endpoint with a good proof by this key.
    pub async fn oauth(&self, key: &DeviceKey, path: &str, form: &[(&str, &str)]) -> Answer {
        let proof = key.proof(&self.claims("POST", path));
        self.post_form(path, form, Some(&proof)).await
    }

    pub async fn post_form(&self, path: &str, form: &[(&str, &str)], proof: Option<&str>) -> Answer {
        let mut body = String::new();
        for (name, value) in form {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(name);
            body.push('=');
            for byte in value.bytes() {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    body.push(char::from(byte));
                } else {
                    body.push_str(&format!("%{byte:02X}"));
                }
            }
        }
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(proof) = proof {
            request = request.header("DPoP", proof);
        }
        self.call(request.body(Body::from(body)).expect("a request")).await
    }

    /// The claims of a good proof, to be signed as they are or spoilt first.
    pub fn claims(&self, method: &str, path: &str) -> serde_json::Value {
        let path = path.split('?').next().unwrap_or_default();
        serde_json::json!({
            "jti": BASE64URL_NOPAD.encode(&self.app.random::<12>()),
            "htm": method,
            "htu": format!("{ORIGIN}{path}"),
            "iat": self.now().as_second(),
            "nonce": self.app.identity.nonces.current(self.now(), self.app.chance.as_ref()),
        })
    }
}

/// A device's ES256 key.
pub struct DeviceKey {
    pair: EcdsaKeyPair,
}

impl Default for DeviceKey {
    fn default() -> Self {
        Self::new()
    }
}

impl DeviceKey {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self { pair: EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key") }
    }

    fn coordinates(&self) -> (String, String) {
        let point = self.pair.public_key().as_ref();
        (BASE64URL_NOPAD.encode(&point[1..33]), BASE64URL_NOPAD.encode(&point[33..65]))
    }

    pub fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        thumbprint(&x, &y)
    }

    pub fn jwk(&self) -> serde_json::Value {
        let (x, y) = self.coordinates();
        serde_json::json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    }

    pub fn proof(&self, claims: &serde_json::Value) -> String {
        self.sign(&serde_json::json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()}), claims)
    }

    pub fn sign(&self, header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let part = |value: &serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}

/// A device that is signed in; it makes its proofs itself.
pub struct TestDevice {
    pub holder: HolderId,
    pub device: DeviceId,
    pub key: DeviceKey,
    world: World,
    access: Mutex<String>,
    refresh: Mutex<String>,
}

impl TestDevice {
    /// The same device, asking this server.
    pub fn at(self, world: &World) -> Self {
        Self { world: world.share(), ..self }
    }

    pub fn access_token(&self) -> String {
        self.access.lock().expect("no test panicked here").clone()
    }

    pub fn refresh_token(&self) -> String {
        self.refresh.lock().expect("no test panicked here").clone()
    }

    /// A signed request; streams go through `World::open` with it.
    pub fn request(&self, method: &Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
        let token = self.access_token();
        let mut claims = self.world.claims(method.as_str(), path);
        claims["ath"] = BASE64URL_NOPAD.encode(&Sha256::digest(&token)).into();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("DPoP {token}"))
            .header("DPoP", self.key.proof(&claims));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).expect("a request")
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&impl Serialize>,
    ) -> Answer {
        let mut all = headers.to_vec();
        let body = match body {
            Some(body) => {
                all.push(("content-type", "application/json"));
                Body::from(serde_json::to_vec(body).expect("serialises"))
            }
            None => Body::empty(),
        };
        self.world.call(self.request(&method, path, &all, body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None::<&()>).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None::<&()>).await
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send(Method::PUT, path, &[], Some(body)).await
    }

    /// With an `Idempotency-Key`.
    pub async fn patch(&self, path: &str, key: &str, body: &impl Serialize) -> Answer {
        self.send(Method::PATCH, path, &[("idempotency-key", key)], Some(body)).await
    }

    /// New tokens for the refresh token in hand.
    pub async fn refresh(&self) -> Answer {
        let token = self.refresh_token();
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", CLIENT_ID)];
        let answer = self.world.oauth(&self.key, TOKEN_PATH, &form).await;
        if answer.status == StatusCode::OK {
            let tokens: TokenResponse = answer.json();
            *self.access.lock().expect("no test panicked here") = tokens.access_token;
            *self.refresh.lock().expect("no test panicked here") = tokens.refresh_token;
        }
        answer
    }
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self.json()
    }

    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// The refusal's code.
    #[track_caller]
    pub fn code(&self) -> ErrorCode {
        self.json::<Problem>().code
    }
}

/// Random bytes that are the same in every run.
pub struct SeededChance {
    state: AtomicU64,
}

impl SeededChance {
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// SplitMix64.
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

// ---- Merchants ---------------------------------------------------------------------------------------------------

/// A merchant that is signed in; it makes its proofs itself.
pub struct TestMerchant {
    pub id: MerchantId,
    pub client_secret: String,
    world: World,
    key: DeviceKey,
    access: Mutex<String>,
}

impl World {
    /// A new merchant.
    pub async fn merchant(&self, name: &str) -> TestMerchant {
        let made = merchants::add(&self.app, name).await.expect("a good name");
        let id = made.client_id.parse().expect("an id");
        let client_secret = made.client_secret;
        let merchant =
            TestMerchant { id, client_secret, world: self.share(), key: DeviceKey::new(), access: Mutex::default() };
        merchant.sign_in().await;
        merchant
    }
}

impl TestMerchant {
    /// Takes a new token; the one before may have ended.
    pub async fn sign_in(&self) {
        let token: MerchantToken = self.ask_token().await.ok();
        *self.access.lock().expect("no test panicked here") = token.access_token;
    }

    pub async fn ask_token(&self) -> Answer {
        let id = self.id.to_string();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", self.client_secret.as_str()),
        ];
        self.world.oauth(&self.key, api::purchases::TOKEN_PATH, &form).await
    }

    /// The same token in the hands of somebody with another key.
    pub fn with_key(&self, key: DeviceKey) -> Self {
        let access = self.access.lock().expect("no test panicked here").clone();
        let client_secret = self.client_secret.clone();
        Self { id: self.id, client_secret, world: self.world.share(), key, access: Mutex::new(access) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&Method::GET, path, &()).await
    }

    pub async fn put(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send(&Method::PUT, path, body).await
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.send(&Method::POST, path, body).await
    }

    pub async fn send(&self, method: &Method, path: &str, body: &impl Serialize) -> Answer {
        let token = self.access.lock().expect("no test panicked here").clone();
        let mut claims = self.world.claims(method.as_str(), path);
        claims["ath"] = BASE64URL_NOPAD.encode(&Sha256::digest(&token)).into();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("DPoP {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("DPoP", self.key.proof(&claims))
            .body(Body::from(serde_json::to_vec(body).expect("serialises")));
        self.world.call(request.expect("a request")).await
    }
}
