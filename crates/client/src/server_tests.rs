//! Sign-in and sync against a small server that answers as the contract says, and fails when told. The real server is
//! met in the flow tests of the whole product.

use std::sync::{Arc, Mutex};

use api::accounts::AccountEdit;
use api::error::{ErrorCode, Problem};
use api::restore::{RefusedRecord, Restored};
use api::sync::{Change, Gone, Page, Record, SnapshotHead};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use data_encoding::BASE64URL_NOPAD;
use domain::accounts::{Account, AccountKind, Keeping, Transaction, TransactionKind, TransactionState};
use domain::bills::{Bill, Mark};
use domain::calendar::{Calendar, Roll};
use domain::card::{Apr, Excess, IssuerFigures, PlanKind};
use domain::ids::{AccountId, BillId, DeviceId, HolderId, OrderId, PurchaseId, PurchaseStepId, TransactionId};
use domain::money::Currency;
use domain::orders::{Order, OrderCharge, OrderItem, OrderState, OrderTold, Parcel, ParcelItem};
use domain::paydays::{Income, PayCycle};
use domain::payments::PaymentState;
use domain::plan::{Pace, PlanWishes};
use domain::purchases::{CardStatus, Decline, Purchase, ServedCard};
use domain::reminders::{Lead, ReminderAnswer, Turn};
use domain::time::Clock as _;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::accounts::TransactionQuery;
use crate::bills::{EditScope, MarkAs};
use crate::card::PlanEdit;
use crate::client::{Client, lock};
use crate::error::ClientError;
use crate::pages::PageQuery;
use crate::paydays::NewIncome;
use crate::payments::{PayBill, PaymentView, PaymentViewState};
use crate::platform::NoticeAction;
use crate::search::SearchHit;
use crate::sign_in::{Connect, LocalRequest, SignInStarted};
use crate::status::Phase;
use crate::testing::{World, day, monthly, usd, with_biller};
use crate::vault::{Protect, RecoveryKey};

#[derive(Default)]
pub(crate) struct Fake {
    origin: String,
    /// It is in another process.
    far: bool,
    /// Proofs must hold it, once it is set.
    nonce: String,
    pushed: Value,
    pub tokens_given: u32,
    /// Whoever signs in is somebody else from now on.
    other_person: bool,
    refused_writes: Vec<Value>,
    /// What stood behind the address of each order.
    order_queries: Vec<String>,
    /// No sign-out comes through.
    no_sign_outs: bool,
    pub revoked: bool,
    pub signed_out: bool,
    /// It answers nothing but that it cannot.
    pub down: bool,
    /// Something on the way answers in its place, and well of everything.
    maintained: bool,
    /// What is said of every request for tokens.
    token_error: Option<&'static str>,
    /// What tokens end with.
    pub salt: String,
    /// Tokens that were given back.
    pub ended: Vec<String>,
    /// The next write is done and its answer lost.
    pub lose_answer: bool,
    /// Writes are answered, and nothing of the feed.
    pub feed_down: bool,
    refuse_with: Option<ErrorCode>,
    /// The answer to the next part of an archive.
    restored: Option<Restored>,
    /// So many writes are answered before one is told to wait, each time.
    limit: Option<u32>,
    since_limit: u32,
    cut_snapshot: bool,
    pub expire_cursor: bool,
    /// Method, path, idempotency key, body.
    pub writes: Vec<(String, String, String, Value)>,
    pub feed: Vec<Record>,
    /// Records that only a newer program knows, in the feed once and in every snapshot.
    newer: Vec<Value>,
    pub snapshot: Vec<Record>,
    payment_state: Option<PaymentState>,
    /// What the next bill that is put is answered with: another device was quicker.
    kept_bill: Option<Bill>,
    /// The devices that are signed in.
    devices: Vec<DeviceId>,
    /// What the next edit of a mark is answered with.
    kept_mark: Option<Mark>,
}

pub(crate) type Shared = Arc<Mutex<Fake>>;

pub(crate) async fn start_fake() -> Shared {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fake = Shared::default();
    lock(&fake).origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    lock(&fake).nonce = "first-nonce".to_owned();
    let app = axum::Router::new().fallback(answer).with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    fake
}

async fn answer(State(fake): State<Shared>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut fake = lock(&fake);
    if fake.maintained {
        return "<html>We are back soon.</html>".into_response();
    }
    let path = uri.path().to_owned();
    if let Some(wish) = path.strip_prefix("/test/") {
        return fake.obey(wish);
    }
    let mut response = if fake.down {
        problem(ErrorCode::Unavailable)
    } else if path == api::sign_in::METADATA_PATH {
        fake.metadata()
    } else if !proof_holds(&headers, &fake.nonce) {
        if path.starts_with("/oauth") {
            (StatusCode::BAD_REQUEST, axum::Json(json!({"error": "use_dpop_nonce"}))).into_response()
        } else {
            problem(ErrorCode::UseDpopNonce)
        }
    } else if path.starts_with("/oauth") {
        fake.oauth(&path, &body)
    } else if fake.revoked {
        problem(ErrorCode::DeviceRevoked)
    } else if fake.signed_out
        || headers.get("authorization").is_none_or(|token| !token.to_str().unwrap().starts_with("DPoP access-"))
    {
        problem(ErrorCode::NotSignedIn)
    } else if method == Method::GET {
        fake.read(&path)
    } else {
        if path == "/api/v1/payments" {
            fake.order_queries.push(uri.query().unwrap_or_default().to_owned());
        }
        fake.write(&method, &path, &headers, &body)
    };
    response.headers_mut().insert("DPoP-Nonce", fake.nonce.parse().unwrap());
    response
}

fn proof_holds(headers: &HeaderMap, nonce: &str) -> bool {
    let proof = headers.get("DPoP").and_then(|proof| proof.to_str().ok()).unwrap_or_default();
    let claims = proof.split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
    let claims: Value = claims.and_then(|claims| serde_json::from_slice(&claims).ok()).unwrap_or_default();
    claims["nonce"] == nonce
}

fn problem(code: ErrorCode) -> Response {
    let status = StatusCode::from_u16(code.status()).unwrap();
    let mut response = (status, axum::Json(Problem::new(code, "refused"))).into_response();
    if code == ErrorCode::UseDpopNonce {
        response.headers_mut().insert("WWW-Authenticate", "DPoP error=\"use_dpop_nonce\"".parse().unwrap());
    }
    response
}

fn fields(body: &[u8]) -> Value {
    let url = reqwest::Url::parse(&format!("http://x/?{}", std::str::from_utf8(body).unwrap())).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

impl Fake {
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What a test in another process wants.
    fn obey(&mut self, wish: &str) -> Response {
        match wish {
            "revoke" => self.revoked = true,
            "return" => self.revoked = false,
            _ => {}
        }
        axum::Json(self.pushed.clone()).into_response()
    }

    fn metadata(&self) -> Response {
        let at = |path: &str| format!("{}{path}", self.origin);
        axum::Json(json!({
            "issuer": self.origin,
            "authorization_endpoint": at(api::sign_in::AUTHORIZE_PATH),
            "token_endpoint": at(api::sign_in::TOKEN_PATH),
            "pushed_authorization_request_endpoint": at(api::sign_in::PAR_PATH),
        }))
        .into_response()
    }

    fn oauth(&mut self, path: &str, body: &[u8]) -> Response {
        match path {
            api::sign_in::PAR_PATH => {
                self.pushed = fields(body);
                axum::Json(json!({"request_uri": "urn:one", "expires_in": 120})).into_response()
            }
            api::sign_in::TOKEN_PATH => self.token(&fields(body)),
            _ if self.no_sign_outs => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => {
                self.ended.push(fields(body)["token"].as_str().unwrap().to_owned());
                StatusCode::OK.into_response()
            }
        }
    }

    fn token(&mut self, form: &Value) -> Response {
        use sha2::Digest as _;
        if let Some(error) = self.token_error {
            return (StatusCode::BAD_REQUEST, axum::Json(json!({"error": error}))).into_response();
        }
        let good = match form["grant_type"].as_str().unwrap() {
            "authorization_code" => {
                let verifier = form["code_verifier"].as_str().unwrap();
                let challenge = BASE64URL_NOPAD.encode(&sha2::Sha256::digest(verifier));
                form["code"] == "the-code" && self.pushed["code_challenge"] == challenge
            }
            _ => form["refresh_token"] == format!("refresh-{}{}", self.tokens_given, self.salt) && !self.signed_out,
        };
        if self.revoked {
            let body = json!({"error": "invalid_grant", "error_description": "device_revoked"});
            return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
        }
        if !good {
            return (StatusCode::BAD_REQUEST, axum::Json(json!({"error": "invalid_grant"}))).into_response();
        }
        self.tokens_given += 1;
        axum::Json(json!({
            "access_token": format!("access-{}{}", self.tokens_given, self.salt),
            "token_type": "DPoP",
            "expires_in": 300,
            "refresh_token": format!("refresh-{}{}", self.tokens_given, self.salt),
            "scope": "account",
            "holder": HolderId::new(Timestamp::UNIX_EPOCH, [1 + u8::from(self.other_person); 10]),
            "device": DeviceId::new(Timestamp::UNIX_EPOCH, [2; 10]),
        }))
        .into_response()
    }

    fn read(&mut self, path: &str) -> Response {
        match path {
            "/api/v1/me" => axum::Json(json!({
                "holder": HolderId::new(Timestamp::UNIX_EPOCH, [1; 10]), "name": "Ada",
                "device": DeviceId::new(Timestamp::UNIX_EPOCH, [2; 10]), "device_name": "Desk", "passkeys": 1,
                "server_name": "Test House", "server_version": "1", "practice_money": true,
            }))
            .into_response(),
            "/api/v1/billers" => axum::Json(domain::billers::SignedDirectory::built_in()).into_response(),
            "/api/v1/statements" => axum::Json(json!({"items": []})).into_response(),
            "/api/v1/devices" => {
                let at = Timestamp::UNIX_EPOCH;
                let device = |id: &DeviceId| api::devices::Device {
                    id: *id,
                    name: "Computer".to_owned(),
                    added_at: at,
                    last_seen_at: at,
                    this_one: false,
                    place: None,
                };
                axum::Json(json!({"items": self.devices.iter().map(device).collect::<Vec<_>>()})).into_response()
            }
            "/api/v1/sync" if self.feed_down => problem(ErrorCode::Unavailable),
            "/api/v1/sync" if self.expire_cursor => {
                self.expire_cursor = false;
                problem(ErrorCode::CursorExpired)
            }
            "/api/v1/sync" => {
                let changes: Vec<Change> = self.feed.drain(..).map(|record| Change { number: 1, record }).collect();
                let mut page = json!(Page { changes, cursor: "next/+1".to_owned(), more: false });
                let newer = self
                    .newer
                    .iter()
                    .map(|record| json!({ "number": 1, "kind": record["kind"], "body": record["body"] }));
                page["changes"].as_array_mut().unwrap().extend(newer);
                axum::Json(page).into_response()
            }
            "/api/v1/sync/snapshot" => self.snapshot(),
            _ => problem(ErrorCode::NotFound),
        }
    }

    fn snapshot(&self) -> Response {
        let head =
            SnapshotHead { cursor: "head/+0".to_owned(), records: (self.snapshot.len() + self.newer.len()) as u64 };
        let mut text = serde_json::to_string(&head).unwrap() + "\n";
        for record in &self.newer {
            text.push_str(&format!("{record}\n"));
        }
        let kept = if self.cut_snapshot { self.snapshot.len() - 1 } else { self.snapshot.len() };
        for record in &self.snapshot[..kept] {
            text.push_str(&serde_json::to_string(record).unwrap());
            text.push('\n');
        }
        text.into_response()
    }

    fn write(&mut self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Response {
        let packed = headers.get("content-encoding").is_some();
        let plain = if packed { zstd::decode_all(body).unwrap() } else { body.to_vec() };
        let value: Value = serde_json::from_slice(&plain).unwrap_or_default();
        if let Some(code) = self.refuse_with.take() {
            self.refused_writes.push(value);
            return problem(code);
        }
        if let Some(limit) = self.limit {
            self.since_limit += 1;
            if self.since_limit > limit {
                self.since_limit = 0;
                let mut response = problem(ErrorCode::RateLimited);
                response.headers_mut().insert("Retry-After", "0".parse().unwrap());
                return response;
            }
        }
        let key = headers.get("idempotency-key").map_or("", |key| key.to_str().unwrap()).to_owned();
        self.writes.push((method.to_string(), path.to_owned(), key, value.clone()));
        if std::mem::take(&mut self.lose_answer) {
            return problem(ErrorCode::Unavailable);
        }
        if path == "/api/v1/payments" {
            let state = self.payment_state.unwrap_or(PaymentState::Scheduled);
            return axum::Json(json!({
                "order": value, "state": state, "reason": null, "will_process_on": "2026-11-20",
                "cutoff_at": "2026-11-21T00:00:00Z", "expected_by": "2026-11-20", "rail": "sandbox",
                "history": [{"state": state, "at": "2026-11-20T12:00:01Z", "reason": null}],
            }))
            .into_response();
        }
        if path == "/api/v1/restore" {
            return axum::Json(self.restored.take().unwrap_or_default()).into_response();
        }
        if method == Method::PUT && path.starts_with("/api/v1/bills/") {
            return axum::Json(self.kept_bill.take().map_or(value, |kept| json!(kept))).into_response();
        }
        axum::Json(self.kept_mark.take().map_or(json!({}), |kept| json!(kept))).into_response()
    }
}

// ---- Helpers ----------------------------------------------------------------------------------------------------

/// The server of another process, as far as a browser knows it.
pub(crate) fn far_fake(origin: &str) -> Shared {
    Arc::new(Mutex::new(Fake { origin: origin.to_owned(), far: true, ..Fake::default() }))
}

/// Says something to the server of another process.
pub(crate) async fn tell_far(fake: &Shared, path: &str) {
    let at = lock(fake).origin.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&at).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    lock(fake).pushed = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
}

async fn begin(client: &Client, fake: &Shared) -> SignInStarted {
    begin_kept(client, fake, Protect::Keyring).await
}

async fn begin_kept(client: &Client, fake: &Shared, protect: Protect) -> SignInStarted {
    let url = lock(fake).origin.clone();
    let wish = Connect { url, create: false, open_browser: true, protect, device_name: "Desk, Debian 12".to_owned() };
    client.sign_in().begin(wish).await.unwrap()
}

/// What a browser, or another program, sends to the loopback port; gives the status.
async fn knock(fake: &Shared, host: Option<&str>, query: &str) -> u16 {
    let redirect = lock(fake).pushed["redirect_uri"].as_str().unwrap().to_owned();
    let at = redirect.trim_start_matches("http://").trim_end_matches("/cb").to_owned();
    let mut stream = TcpStream::connect(&at).await.unwrap();
    let host = host.unwrap_or(&at);
    stream.write_all(format!("GET /cb?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn good_query(fake: &Shared) -> String {
    let fake = lock(fake);
    let issuer: String =
        reqwest::Url::parse_with_params("http://x/", [("iss", &fake.origin)]).unwrap().query().unwrap().to_owned();
    format!("code=the-code&state={}&{issuer}", fake.pushed["state"].as_str().unwrap())
}

pub(crate) async fn signed_in(world: &World, fake: &Shared) -> Client {
    let (client, recovery) = signed_in_kept(world, fake, Protect::Keyring).await;
    assert!(recovery, "the keys were made with it");
    client
}

/// The same with the keys kept in this way, and whether a recovery key was given.
pub(crate) async fn signed_in_kept(world: &World, fake: &Shared, protect: Protect) -> (Client, bool) {
    let client = world.open().await;
    begin_kept(&client, fake, protect).await;
    if lock(fake).far {
        tell_far(fake, "/test/pushed").await;
    }
    let query = good_query(fake);
    let sign_in = client.sign_in();
    let (finished, status) = tokio::join!(sign_in.finish(), knock(fake, None, &query));
    assert_eq!(status, 200);
    let recovery = finished.unwrap().is_some();
    (client, recovery)
}

pub(crate) fn card() -> Account {
    Account {
        id: AccountId::new(Timestamp::UNIX_EPOCH, [3; 10]),
        keeping: Keeping::Linked,
        kind: AccountKind::Card,
        name: "Card".to_owned(),
        mask: None,
        currency: Currency::USD,
        source: None,
        balance: Some(usd("-10")),
        available: None,
        balance_as_of: None,
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    }
}

pub(crate) fn line(seed: u8, on: &str, description: &str) -> Transaction {
    Transaction {
        id: TransactionId::new(Timestamp::UNIX_EPOCH, [seed; 10]),
        account: card().id,
        posted_on: day(on),
        amount: usd("-1"),
        description: description.to_owned(),
        memo: None,
        kind: TransactionKind::Purchase,
        state: TransactionState::Posted,
        source: Some(format!("source-{seed}")),
    }
}

pub(crate) fn bill(seed: u8, name: &str) -> Bill {
    let new = monthly(name, "40.00", "2026-12-05");
    let id = BillId::new(Timestamp::UNIX_EPOCH, [seed; 10]);
    Bill { remind_days: vec![3, 1], ..Bill::new(id, new.name, new.amount, new.schedule) }
}

async fn names(client: &Client) -> Vec<String> {
    let page = client.accounts().transactions(TransactionQuery::default()).await.unwrap();
    page.items.into_iter().map(|line| line.description).collect()
}

fn code(result: Result<impl Sized, ClientError>) -> String {
    result.err().unwrap().code
}

// ---- Sign-in ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_browser_comes_back_once_and_strangers_are_turned_away() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = world.open().await;
    let started = begin(&client, &fake).await;
    assert_eq!(started.match_code.len(), 2);
    assert!(started.address.contains("request_uri=urn%3Aone"));
    assert!(!started.browser_opened, "none came up here: the address is shown");
    assert_eq!(lock(&fake).pushed["match_code"], started.match_code);
    let good = good_query(&fake);
    let finishing = client.clone();
    let finish = tokio::spawn(async move { finishing.sign_in().finish().await });
    assert_eq!(knock(&fake, None, &good.replace("state=", "state=x")).await, 404);
    assert_eq!(knock(&fake, None, "code=the-code").await, 404);
    assert_eq!(knock(&fake, Some("evil.example"), &good).await, 404);
    assert_eq!(knock(&fake, None, &good.replace("iss=http", "iss=https")).await, 404);
    assert_eq!(knock(&fake, None, &good).await, 200);
    finish.await.unwrap().unwrap();
    let status = client.status().await.unwrap();
    assert!(status.signed_in && status.online);
    assert_eq!((status.name.as_deref(), status.practice_money), (Some("Ada"), true));
    world.end().await;
}

#[tokio::test]
async fn keys_that_were_made_for_a_sign_in_that_never_ended_come_with_a_recovery_key_at_the_next() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = world.start().await;
    client.lock().await.unwrap();
    assert_eq!(client.closings(), 0, "nobody was signed in: screens hold nothing");
    drop(client);
    let client = signed_in(&world, &fake).await;
    client.lock().await.unwrap();
    assert_eq!(client.closings(), 1);
    drop(client);
    let (_, recovery) = signed_in_kept(&world, &fake, Protect::Keyring).await;
    assert!(!recovery, "the one that was shown stays");
    world.end().await;
}

#[tokio::test]
async fn a_sign_in_that_is_refused_or_given_up_leaves_nothing_behind() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = world.open().await;
    begin(&client, &fake).await;
    let denied = good_query(&fake).replace("code=the-code", "error=access_denied");
    let sign_in = client.sign_in();
    let (finished, _) = tokio::join!(sign_in.finish(), knock(&fake, None, &denied));
    assert_eq!(code(finished), "sign_in_cancelled");
    begin(&client, &fake).await;
    client.sign_in().cancel().await;
    assert_eq!(code(client.sign_in().finish().await), "sign_in_not_started");
    assert_eq!(client.phase(), Phase::Welcome);
    assert!(!world.data().join("vault.json").exists());
    world.end().await;
}

/// Signs in to an account that has a folder already.
async fn sign_in_again(client: &Client, fake: &Shared) -> Result<Option<RecoveryKey>, ClientError> {
    begin(client, fake).await;
    let query = good_query(fake);
    let sign_in = client.sign_in();
    tokio::join!(sign_in.finish(), knock(fake, None, &query)).0
}

#[tokio::test]
async fn who_signs_in_to_the_folder_of_somebody_else_is_signed_out_again_at_the_server() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    lock(&fake).other_person = true;
    assert_eq!(code(sign_in_again(&client, &fake).await), "already_set_up");
    assert_eq!(lock(&fake).ended, ["refresh-2"], "the session that nobody keeps, and no other");
    assert!(client.status().await.unwrap().signed_in);

    lock(&fake).no_sign_outs = true;
    assert_eq!(code(sign_in_again(&client, &fake).await), "session_left", "told, where the server could not be");
    lock(&fake).other_person = false;
    assert!(sign_in_again(&client, &fake).await.unwrap().is_none());
    assert_eq!(lock(&fake).ended.len(), 1, "the same person goes on");
    world.end().await;
}

#[tokio::test]
async fn a_sign_in_that_is_begun_anew_ends_the_wait_of_the_one_before() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = world.open().await;
    begin(&client, &fake).await;
    let waiting = client.clone();
    let first = tokio::spawn(async move { waiting.sign_in().finish().await });
    while lock(&client.0.cancelling).is_none() {
        tokio::task::yield_now().await;
    }
    begin(&client, &fake).await;
    assert_eq!(code(first.await.unwrap()), "sign_in_replaced");
    let query = good_query(&fake);
    let sign_in = client.sign_in();
    let (finished, status) = tokio::join!(sign_in.finish(), knock(&fake, None, &query));
    assert_eq!(status, 200);
    assert!(finished.unwrap().is_some());
    world.end().await;
}

#[tokio::test]
async fn plain_http_is_for_this_computer_alone() {
    let world = World::new();
    let client = world.open().await;
    for url in [
        "http://bank.example",
        "ftp://bank.example",
        "https://bank.example/path",
        "https://a:b@bank.example",
        "nonsense",
    ] {
        let wish = Connect {
            url: url.to_owned(),
            create: false,
            open_browser: false,
            protect: Protect::Keyring,
            device_name: String::new(),
        };
        assert_eq!(code(client.sign_in().begin(wish).await), "insecure_address", "{url}");
    }
    world.end().await;
}

#[tokio::test]
async fn the_session_lasts_over_a_restart_and_only_one_caller_renews_it() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let client = world.restart(client).await;
    assert!(client.status().await.unwrap().signed_in);
    let before = lock(&fake).tokens_given;
    let calls = (0..5).map(|_| client.devices());
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(lock(&fake).tokens_given, before + 1);
    world.at("2026-11-20T12:10:00Z");
    client.sync().now().await.unwrap();
    assert_eq!(lock(&fake).tokens_given, before + 2, "an old token is renewed first");
    world.end().await;
}

#[tokio::test]
async fn a_device_that_was_signed_out_elsewhere_loses_its_copy() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    lock(&fake).revoked = true;
    assert_eq!(code(client.sync().now().await), "device_revoked");
    assert_eq!(client.phase(), Phase::Welcome);
    for file in ["vault.json", "cache.db", "outbox.sealed"] {
        assert!(!world.data().join(file).exists(), "{file} is gone");
    }
    world.end().await;
}

/// Signs the account of this computer in at the server that stands for the one of this program.
async fn sign_in_here(client: &Client, fake: &Shared) {
    let grant = async |asked: LocalRequest| {
        lock(fake).pushed = json!({ "code_challenge": asked.code_challenge });
        Ok::<String, ClientError>("the-code".to_owned())
    };
    client.sign_in().local("Desk", grant).await.unwrap();
}

#[tokio::test]
async fn an_account_of_this_computer_is_never_removed_because_its_own_server_ended_the_session() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = world.start().await;
    client.server_started(&lock(&fake).origin.clone());
    sign_in_here(&client, &fake).await;
    let key = client.server_key().await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    lock(&fake).revoked = true;
    // With the tokens in hand, and then while it asks for others.
    for _ in 0..2 {
        assert_eq!(code(client.sync().now().await), "not_signed_in");
        let status = client.status().await.unwrap();
        assert_eq!((client.phase(), status.signed_in, status.waiting), (Phase::Ready, false, 1));
        lock(&fake).revoked = false;
        sign_in_here(&client, &fake).await;
        lock(&fake).revoked = true;
        world.later(600);
    }
    lock(&fake).revoked = false;
    sign_in_here(&client, &fake).await;
    client.sync().now().await.unwrap();
    assert_eq!(client.status().await.unwrap().waiting, 0, "what waited is sent");
    assert_eq!(client.server_key().await.unwrap(), key, "the key of all its data is there");
    world.end().await;
}

#[tokio::test]
async fn an_ended_session_keeps_the_copy_readable_and_asks_to_sign_in() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    lock(&fake).signed_out = true;
    assert_eq!(code(client.sync().now().await), "not_signed_in");
    let status = client.status().await.unwrap();
    assert_eq!((status.signed_in, status.waiting), (false, 1));
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn signing_out_sends_what_waits_and_removes_the_copy() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.sign_out(false).await.unwrap();
    assert_eq!(lock(&fake).writes.len(), 1);
    assert_eq!(client.phase(), Phase::Welcome);
    assert!(!world.data().join("vault.json").exists());
    world.end().await;
}

// ---- Sync -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn changes_are_sent_in_order_and_a_lost_answer_is_asked_again_under_the_same_key() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.bills().remove(bill).await.unwrap();
    lock(&fake).lose_answer = true;
    assert_eq!(code(client.sync().now().await), "server_failed");
    assert_eq!(client.status().await.unwrap().waiting, 2, "nothing is dropped");
    client.sync().now().await.unwrap();
    assert_eq!(client.status().await.unwrap().waiting, 0);
    let writes = lock(&fake).writes.clone();
    let kinds: Vec<&str> = writes.iter().map(|write| write.0.as_str()).collect();
    assert_eq!(kinds, ["PUT", "PUT", "DELETE"]);
    assert_eq!(writes[0].2, writes[1].2, "the same change has the same key");
    assert_ne!(writes[1].2, writes[2].2);
    assert!(!world.data().join("outbox.sealed").exists());
    world.end().await;
}

#[tokio::test]
async fn purchases_of_a_served_card_are_in_the_copy_and_change_with_the_feed() {
    let (world, fake) = (World::new(), start_fake().await);
    let asked = |number: u8, description: &str, declined| Purchase {
        id: PurchaseId::new(Timestamp::from_second(i64::from(number)).unwrap(), [number; 10]),
        card: card().id,
        merchant: "Quillmere".to_owned(),
        description: description.to_owned(),
        amount: usd("12"),
        declined,
        held: if declined.is_none() { usd("12") } else { usd("0") },
        captured: usd("0"),
        captured_by_wallet: None,
        refunded: usd("0"),
        asked_at: Timestamp::from_second(i64::from(number)).unwrap(),
        holds_until: day("2026-12-20"),
        captured_at: None,
        disputed_at: None,
        disputable: None,
        disputable_of_wallet: None,
        held_by_wallet: None,
        plan: None,
    };
    let served = ServedCard {
        status: CardStatus::Active,
        status_at: Timestamp::UNIX_EPOCH,
        limit: usd("500"),
        rewards_at_checkout: false,
        merchants: Vec::new(),
        minimum_left: None,
        asked: Vec::new(),
        statement_left: None,
    };
    let account = Account { keeping: Keeping::Served, card: Some(served), ..card() };
    lock(&fake).snapshot = vec![Record::Account(account), Record::Purchase(asked(1, "Lamps", Some(Decline::Frozen)))];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let second = asked(2, "Chairs", None);
    let posted = Purchase { held: usd("0"), captured: usd("12"), ..second.clone() };
    for record in [second, posted.clone()] {
        lock(&fake).feed.push(Record::Purchase(record));
        client.sync().now().await.unwrap();
    }
    let accounts = client.accounts();
    let page = async |after| {
        let query = PageQuery { limit: Some(1), after };
        accounts.purchases(card().id, query).await.unwrap()
    };
    let first = page(None).await;
    let second = page(first.next).await;
    assert_eq!(second.next, None, "there are no more");
    let shown = [first.items, second.items].concat();
    let stands: Vec<_> = shown
        .iter()
        .map(|one| &one.purchase)
        .map(|one| (one.description.as_str(), one.declined, one.captured))
        .collect();
    assert_eq!(stands, [("Chairs", None, usd("12")), ("Lamps", Some(Decline::Frozen), usd("0"))], "newest first");
    assert_eq!(accounts.purchase(posted.id).await.unwrap(), posted);
    assert_eq!(accounts.held_purchases(card().id).await.unwrap(), [], "nothing is held any more");
    let held = Purchase { held: usd("12"), ..asked(3, "Rug", None) };
    lock(&fake).feed.push(Record::Purchase(held.clone()));
    client.sync().now().await.unwrap();
    assert_eq!(accounts.held_purchases(card().id).await.unwrap()[0].purchase, held);
    assert!(shown.iter().all(|one| !one.plan_offered), "too little is bought for a plan");
    let figures = &client.cards().await.unwrap()[0].figures;
    assert_eq!(figures.credit_limit, Some(usd("500")), "the limit is the server's");
    // A freeze is the server's to say.
    lock(&fake).refuse_with = Some(ErrorCode::TooLate);
    assert_eq!(code(accounts.set_card_status(card().id, CardStatus::Frozen, false).await), "too_late");
    let status = client.cards().await.unwrap()[0].account.card.as_ref().map(|served| served.status);
    assert_eq!(status, Some(CardStatus::Active));
    world.end().await;
}

/// A card of the server whose statement asks for 385 by 2 December.
pub(crate) fn store_card() -> Account {
    let issuer = IssuerFigures {
        closed_on: day("2026-11-07"),
        due_on: Some(day("2026-12-02")),
        statement_balance: Some(usd("385")),
        minimum_due: Some(usd("30")),
        credit_limit: Some(usd("4000")),
    };
    let served = ServedCard {
        status: CardStatus::Active,
        status_at: Timestamp::UNIX_EPOCH,
        limit: usd("4000"),
        merchants: Vec::new(),
        minimum_left: Some(usd("30")),
        asked: Vec::new(),
        statement_left: None,
        rewards_at_checkout: false,
    };
    Account {
        id: AccountId::new(Timestamp::UNIX_EPOCH, [9; 10]),
        keeping: Keeping::Served,
        name: "Store card".to_owned(),
        issuer: Some(issuer),
        card: Some(served),
        ..card()
    }
}

#[tokio::test]
async fn what_a_card_of_the_server_asks_for_is_due_as_a_bill_is() {
    let (world, fake) = (World::new(), start_fake().await);
    let (store, due) = (store_card(), day("2026-12-02"));
    let id = BillId::from_uuid(store.id.as_uuid());
    lock(&fake).snapshot = vec![Record::Account(store.clone())];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    world.at("2026-11-29T15:00:00Z");
    let home = client.home().await.unwrap();
    let asked = &home.needs_you[0];
    assert_eq!((asked.bill, asked.due_on, asked.left, asked.card), (id, due, usd("30"), Some(store.id)));
    assert!(asked.issued && !asked.payable && !home.has_bills);
    assert_eq!(home.timeline.iter().map(|day| day.items.len()).sum::<usize>(), 1);
    assert_eq!(client.bills().view().await.unwrap().cards.len(), 1);
    assert_eq!(client.status().await.unwrap().needs_you, 1);
    // Its reminder pays nothing by one press: how much is the person's choice.
    let told = client.reminders().run_once(false).await.unwrap();
    assert_eq!(told[0].body, "Due on Wed, Dec 2. That is the minimum due.");
    assert_eq!(told[0].actions, [NoticeAction::Open, NoticeAction::Pay, NoticeAction::Snooze]);
    let acted = client.reminders().act(&told[0].id, NoticeAction::Pay).await.unwrap();
    assert_eq!(acted, crate::reminders::Acted::Asks { bill: id, due_on: due });
    assert!(client.payments().list().await.unwrap().is_empty());
    // Paid: it asks for nothing any more.
    let served = ServedCard { minimum_left: Some(usd("0")), ..store.card.clone().unwrap() };
    lock(&fake).feed.push(Record::Account(Account { card: Some(served), ..store.clone() }));
    client.sync().now().await.unwrap();
    assert!(client.home().await.unwrap().needs_you.is_empty());
    // A bill of the person's stands for it: it does not count twice.
    let own = Bill { card: Some(store.id), ..bill(3, "Store card") };
    lock(&fake).feed.extend([Record::Account(store), Record::Bill(own.clone())]);
    client.sync().now().await.unwrap();
    let due = client.bills().due(30).await.unwrap();
    assert!(due.iter().all(|one| one.bill == own.id && one.card.is_some() && !one.issued), "{due:?}");
    world.end().await;
}

#[tokio::test]
async fn orders_come_newest_first_with_their_state_and_what_was_charged() {
    let (world, fake) = (World::new(), start_fake().await);
    let told = |revision: u32, second: i64, number: &str| OrderTold {
        revision,
        purchase: PurchaseId::new(Timestamp::UNIX_EPOCH, [1; 10]),
        number: number.to_owned(),
        placed_at: Timestamp::from_second(second).unwrap(),
        address: Vec::new(),
        items: vec![OrderItem { name: "Lamp".to_owned(), quantity: 1, amount: usd("12") }],
        shipping: usd("3"),
        tax: usd("0"),
        discount: usd("0"),
        cancelled: false,
        shipments: Vec::new(),
        returns: Vec::new(),
    };
    let order = |id: u8, told: OrderTold, charges: Vec<OrderCharge>| Order {
        id: OrderId::new(Timestamp::UNIX_EPOCH, [id; 10]),
        card: card().id,
        merchant: "Quillmere".to_owned(),
        told,
        charges,
    };
    lock(&fake).snapshot = vec![
        Record::Account(card()),
        Record::Order(order(1, told(1, 10, "Q-1"), Vec::new())),
        Record::Order(order(2, told(1, 20, "Q-2"), Vec::new())),
    ];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let step = PurchaseStepId::new(Timestamp::UNIX_EPOCH, [7; 10]);
    let parcel = Parcel {
        contents: vec![ParcelItem { item: 0, quantity: 1 }],
        on: day("2026-11-20"),
        arrived_on: None,
        carrier: None,
        tracking: None,
        step: Some(step),
    };
    let sent = OrderTold { shipments: vec![parcel], ..told(2, 10, "Q-1") };
    let charge = OrderCharge { step, amount: usd("15"), by_wallet: Some(usd("6")), on: day("2026-11-20") };
    lock(&fake).feed.push(Record::Order(order(1, sent, vec![charge])));
    client.sync().now().await.unwrap();
    let page = async |after| client.orders(PageQuery { limit: Some(1), after }).await.unwrap();
    let first = page(None).await;
    let second = page(first.next).await;
    assert_eq!(second.next, None, "there are no more");
    let shown = [first.items, second.items].concat();
    assert_eq!(client.order(shown[1].order.id).await.unwrap(), shown[1], "one alone, however old");
    let stands: Vec<_> =
        shown.iter().map(|one| (one.order.told.number.as_str(), one.state, one.total, one.charged)).collect();
    let expected =
        [("Q-2", OrderState::Placed, usd("15"), usd("0")), ("Q-1", OrderState::Shipped, usd("15"), usd("15"))];
    assert_eq!(stands, expected);
    assert_eq!(shown[1].charged_by_wallet, usd("6"), "the card's line says the rest");
    assert_eq!(client.home().await.unwrap().orders, shown);
    let numbers = async |typed: &str| {
        let hits = client.search(typed).await.unwrap().hits;
        let orders = hits.into_iter().filter_map(|hit| match hit {
            SearchHit::Order { number, .. } => Some(number),
            _ => None,
        });
        orders.collect::<Vec<_>>()
    };
    assert_eq!(numbers("quill lamp").await, ["Q-2", "Q-1"], "by merchant and by what was bought");
    assert_eq!(numbers("q-1").await, ["Q-1"]);
    assert!(numbers("sofa").await.is_empty());
    world.end().await;
}

#[tokio::test]
async fn plans_of_a_card_are_shown_at_once_and_sent_in_order() {
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).snapshot = vec![Record::Account(card())];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let edit = PlanEdit {
        id: None,
        name: " Sofa ".to_owned(),
        kind: PlanKind::EqualPayments { monthly: usd("2") },
        apr: Apr::ZERO,
        amount: usd("12"),
        opened_on: day("2026-10-01"),
        left: usd("8"),
        left_on: None,
    };
    let accounts = client.accounts();
    assert_eq!(
        code(accounts.put_plan(card().id, PlanEdit { left: usd("13"), ..edit.clone() }).await),
        "invalid_amount"
    );
    let plan = accounts.put_plan(card().id, edit).await.unwrap();
    let wish = AccountEdit { excess: Some(Excess::Plan(plan)), ..AccountEdit::default() };
    accounts.edit(card().id, wish).await.unwrap();
    let shown = &client.cards().await.unwrap()[0];
    assert_eq!((shown.plans[0].plan.name.as_str(), shown.plans[0].figures.payments_left), ("Sofa", 4));
    assert_eq!(shown.account.excess, Excess::Plan(plan));
    accounts.remove_plan(card().id, plan).await.unwrap();
    let shown = &client.cards().await.unwrap()[0];
    assert_eq!((shown.plans.len(), shown.account.excess), (0, Excess::ByRate));
    assert_eq!(code(accounts.remove_plan(card().id, plan).await), "not_found");

    client.sync().now().await.unwrap();
    let account = card().id;
    let of_plan = format!("/api/v1/accounts/{account}/plans/{plan}");
    let writes = lock(&fake).writes.clone();
    let sent: Vec<(&str, &str)> = writes.iter().map(|write| (write.0.as_str(), write.1.as_str())).collect();
    let of_account = format!("/api/v1/accounts/{account}");
    assert_eq!(sent, [("PUT", of_plan.as_str()), ("PATCH", of_account.as_str()), ("DELETE", of_plan.as_str())]);
    world.end().await;
}

#[tokio::test]
async fn a_payment_goes_out_once_and_follows_the_server() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let mut phone = monthly("Phone", "40.00", "2026-12-05");
    phone.biller = Some(with_biller(&client).await);
    let bill = client.bills().add(phone).await.unwrap();
    let order = PayBill {
        bill: Some(bill),
        due_on: None,
        biller: None,
        amount: usd("40"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    let payment = client.payments().pay_bill(order).await.unwrap();
    assert!(payment.can_cancel);
    client.sync().now().await.unwrap();
    let sent = client.payments().find(payment.id).await.unwrap();
    assert_eq!((sent.state, sent.practice), (PaymentViewState::Scheduled, true));
    let writes: Vec<_> = lock(&fake).writes.iter().filter(|write| write.1 == "/api/v1/payments").cloned().collect();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].3["id"], payment.id.to_string());
    world.end().await;
}

#[tokio::test]
async fn a_payment_that_waited_past_its_day_is_not_sent_before_another_yes() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let mut phone = monthly("Phone", "40.00", "2026-12-05");
    phone.biller = Some(with_biller(&client).await);
    let bill = client.bills().add(phone).await.unwrap();
    client.sync().now().await.unwrap();
    let order = PayBill {
        bill: Some(bill),
        due_on: None,
        biller: None,
        amount: usd("25"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    let payment = client.payments().pay_bill(order.clone()).await.unwrap();
    let other = PayBill { amount: usd("5"), ..order };
    let given_up = client.payments().pay_bill(other).await.unwrap();
    world.at("2026-12-11T12:00:00Z");
    client.sync().now().await.unwrap();
    let ordered = || {
        let writes = lock(&fake).writes.clone();
        writes.into_iter().filter(|write| write.1 == "/api/v1/payments").map(|write| write.3).collect::<Vec<_>>()
    };
    assert_eq!(ordered().len(), 0, "nobody agreed to this day");
    let stands = client.payments().find(payment.id).await.unwrap();
    assert_eq!((stands.state, stands.reason.as_deref()), (PaymentViewState::Refused, Some("day_passed")));
    let again = stands.again.expect("one press makes it anew");
    assert_eq!(again.sends_on, day("2026-12-11"));
    assert!(client.home().await.unwrap().changed.iter().any(|one| one.id == payment.id), "and Home says so");
    assert_eq!(client.payments().cancel(given_up.id).await.unwrap().state, PaymentViewState::Cancelled);
    let on_another_day = client.payments().pay_again(payment.id, day("2026-12-10")).await;
    assert_eq!(code(on_another_day), "day_passed");
    let anew = client.payments().pay_again(payment.id, again.sends_on).await.unwrap();
    assert_eq!((anew.amount, anew.due_on), (stands.amount, stands.due_on));
    assert!(client.payments().pay_again(payment.id, again.sends_on).await.is_err(), "once");
    client.sync().now().await.unwrap();
    let ordered = ordered();
    assert_eq!(ordered.len(), 1);
    assert_eq!(ordered[0]["id"], anew.id.to_string());
    world.end().await;
}

/// A payment that was sent once, whose answer did not come, days after its cut-off.
async fn days_after_a_lost_answer(world: &World, fake: &Shared) -> (Client, PaymentView) {
    let client = signed_in(world, fake).await;
    client.sync().now().await.unwrap();
    let order = PayBill {
        bill: None,
        due_on: None,
        biller: Some(with_biller(&client).await),
        amount: usd("40"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    let payment = client.payments().pay_bill(order).await.unwrap();
    lock(fake).lose_answer = true;
    client.sync().now().await.unwrap_err();
    world.at("2026-11-29T12:00:00Z");
    (client, payment)
}

#[tokio::test]
async fn a_payment_that_was_begun_goes_under_its_id_however_late() {
    let (world, fake) = (World::new(), start_fake().await);
    let (client, payment) = days_after_a_lost_answer(&world, &fake).await;
    client.sync().now().await.unwrap();
    let sent = client.payments().find(payment.id).await.unwrap();
    assert_eq!(sent.state, PaymentViewState::Scheduled, "the server may have had it: it is asked under the same id");
    let writes = lock(&fake).writes.clone();
    let ordered: Vec<_> = writes.iter().filter(|write| write.1 == "/api/v1/payments").map(|write| &write.3).collect();
    assert_eq!((ordered.len(), &ordered[0]["id"]), (2, &ordered[1]["id"]));
    let queries = lock(&fake).order_queries.clone();
    assert!(queries[0].is_empty() && queries[1].starts_with("before=2026-"), "{queries:?}");
    world.end().await;
}

#[tokio::test]
async fn a_payment_that_was_begun_and_never_came_is_asked_about_anew_once_its_day_has_passed() {
    let (world, fake) = (World::new(), start_fake().await);
    let (client, payment) = days_after_a_lost_answer(&world, &fake).await;
    lock(&fake).refuse_with = Some(ErrorCode::DayPassed);
    client.sync().now().await.unwrap();
    let stands = client.payments().find(payment.id).await.unwrap();
    assert_eq!((stands.state, stands.reason.as_deref()), (PaymentViewState::Refused, Some("day_passed")));
    assert_eq!(stands.again.map(|again| again.sends_on), Some(day("2026-11-29")), "one press makes it anew");
    assert_eq!(client.status().await.unwrap().waiting, 0);
    world.end().await;
}

#[tokio::test]
async fn a_long_queue_goes_through_the_servers_limit_in_one_round_and_is_not_offline() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    for at in 0..10 {
        client.bills().add(monthly(&format!("Bill {at}"), "9.00", "2026-12-05")).await.unwrap();
    }
    lock(&fake).limit = Some(3);
    let before = lock(&fake).writes.len();
    client.sync().now().await.unwrap();
    assert_eq!(client.status().await.unwrap().waiting, 0);
    assert_eq!(lock(&fake).writes.len() - before, 10, "each once");
    lock(&fake).limit = Some(0);
    client.bills().add(monthly("One more", "9.00", "2026-12-05")).await.unwrap();
    assert_eq!(code(client.sync().now().await), "rate_limited", "not for ever");
    assert!(client.status().await.unwrap().online, "it answered");
    world.end().await;
}

#[tokio::test]
async fn a_refused_payment_says_why_and_pays_nothing() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let biller = with_biller(&client).await;
    let order = PayBill {
        bill: None,
        due_on: None,
        biller: Some(biller),
        amount: usd("40"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    let payment = client.payments().pay_bill(order).await.unwrap();
    lock(&fake).refuse_with = Some(ErrorCode::InsufficientFunds);
    client.sync().now().await.unwrap();
    let refused = client.payments().find(payment.id).await.unwrap();
    assert_eq!((refused.state, refused.reason.as_deref()), (PaymentViewState::Refused, Some("insufficient_funds")));
    assert!(!refused.can_cancel);
    assert_eq!(client.status().await.unwrap().waiting, 0);
    world.end().await;
}

#[tokio::test]
async fn a_refused_edit_gives_way_to_the_server_and_is_told() {
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).snapshot = vec![Record::Bill(bill(5, "Phone"))];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let edit = api::bills::BillEdit { name: Some("Mobile".to_owned()), ..Default::default() };
    client.bills().edit(bill(5, "").id, edit).await.unwrap();
    lock(&fake).refuse_with = Some(ErrorCode::VersionConflict);
    client.sync().now().await.unwrap();
    assert_eq!(client.bills().view().await.unwrap().bills[0].bill.name, "Phone");
    let told = client.sync().refusals().await.unwrap();
    assert_eq!((told.len(), told[0].what.as_str(), told[0].code.as_str()), (1, "edit_bill", "version_conflict"));
    assert_eq!(told[0].name.as_deref(), Some("Phone"), "what it was about");
    assert_eq!((told[0].typed[0].field.as_str(), told[0].typed[0].text.as_deref()), ("name", Some("Mobile")));
    client.sync().put_back(told[0].id.unwrap()).await.unwrap();
    assert_eq!(client.bills().view().await.unwrap().bills[0].bill.name, "Mobile");
    client.sync().now().await.unwrap();
    assert!(client.sync().refusals().await.unwrap().is_empty());
    assert_eq!(lock(&fake).writes.last().unwrap().3["name"], "Mobile", "it is sent once more");
    assert_eq!(code(client.sync().put_back(told[0].id.unwrap()).await), "not_found", "once");
    world.end().await;
}

#[tokio::test]
async fn what_was_typed_over_another_devices_edit_is_kept_beside_it_and_put_back_over_it() {
    let (world, fake) = (World::new(), start_fake().await);
    let phone = bill(5, "Phone");
    lock(&fake).snapshot = vec![Record::Bill(phone.clone())];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let other = Bill { name: "Telephone".to_owned(), estimated: true, ..phone.clone() };
    // A form was open on the bill as it was; what another device changed meanwhile was read behind it.
    lock(&fake).feed.push(Record::Bill(other.clone()));
    client.sync().now().await.unwrap();
    let typed = Bill { name: "Mobile".to_owned(), note: Some("by post".to_owned()), ..phone.clone() };
    client.bills().edit_whole(phone.clone(), typed, EditScope::All).await.unwrap();
    let again = api::bills::BillEdit { name: Some("Cell".to_owned()), ..Default::default() };
    client.bills().edit(phone.id, again).await.unwrap();
    lock(&fake).refuse_with = Some(ErrorCode::ChangedMeanwhile);
    lock(&fake).snapshot = vec![Record::Bill(other.clone())];
    client.sync().now().await.unwrap();
    let first = lock(&fake).refused_writes.pop().expect("the first is refused");
    let second = lock(&fake).writes.last().expect("the second is sent").3.clone();
    assert_eq!((&first["name"], &first["note"]), (&json!("Mobile"), &json!("by post")));
    assert!(first.get("estimated").is_none(), "what another device changed is not changed back: {first}");
    assert_eq!(first["instead_of"], json!(phone), "the bill as the person saw it");
    assert_eq!(second["instead_of"]["name"], "Mobile", "a second edit rests on the first");

    let told = client.sync().refusals().await.unwrap();
    assert_eq!((told.len(), told[0].code.as_str()), (1, "changed_meanwhile"));
    let said = |fields: &[crate::refusals::TypedField]| -> Vec<(String, Option<String>)> {
        fields.iter().map(|field| (field.field.clone(), field.text.clone())).collect()
    };
    let pair = |field: &str, text: Option<&str>| (field.to_owned(), text.map(str::to_owned));
    assert_eq!(said(&told[0].typed), [pair("name", Some("Mobile")), pair("note", Some("by post"))]);
    assert_eq!(said(&told[0].stands), [pair("name", Some("Telephone")), pair("note", None)]);
    client.sync().put_back(told[0].id.unwrap()).await.unwrap();
    client.sync().now().await.unwrap();
    let back = lock(&fake).writes.last().unwrap().3.clone();
    assert_eq!((&back["name"], &back["instead_of"]), (&json!("Mobile"), &json!(other)));
    world.end().await;
}

#[tokio::test]
async fn a_record_of_an_archive_that_is_refused_is_named_and_can_be_put_back_alone() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let (phone, water) = (bill(5, "Phone"), bill(7, "Water"));
    let part = vec![Record::Bill(phone.clone()), Record::Bill(water.clone())];
    let open = client.open_now().unwrap();
    client.change(&open, crate::outbox::Change::Restore { records: part }).await.unwrap();
    let refused = vec![RefusedRecord { at: 1, code: "too_many".to_owned() }];
    lock(&fake).restored = Some(Restored { new: 1, known: 0, refused });
    lock(&fake).snapshot = vec![Record::Bill(phone)];
    client.sync().now().await.unwrap();
    assert_eq!(lock(&fake).writes.last().unwrap().3["each"], true);
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1, "what the server took");
    let told = client.sync().refusals().await.unwrap();
    assert_eq!((told.len(), told[0].what.as_str(), told[0].code.as_str()), (1, "restore", "too_many"));
    assert_eq!((told[0].name.as_deref(), told[0].can_put_back), (Some("Water"), true));
    client.sync().put_back(told[0].id.unwrap()).await.unwrap();
    client.sync().now().await.unwrap();
    let back = lock(&fake).writes.last().unwrap().3["records"].clone();
    assert_eq!(back, json!([Record::Bill(water)]));
    assert!(client.sync().refusals().await.unwrap().is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_bill_that_another_device_made_of_the_same_suggestion_takes_the_place_of_this_one() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let mut found = monthly("Phone", "12.00", "2026-12-01");
    found.biller = Some(with_biller(&client).await);
    let own = client.bills().add_found(found, "a suggestion".to_owned()).await.unwrap();
    let due_on = day("2026-12-01");
    client.bills().mark(own, day("2027-01-01"), MarkAs::Skipped).await.unwrap();
    let order = PayBill {
        bill: Some(own),
        due_on: Some(due_on),
        biller: None,
        amount: usd("12"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    client.payments().pay_bill(order).await.unwrap();
    lock(&fake).kept_bill = Some(bill(5, "Phone"));
    lock(&fake).snapshot = vec![Record::Bill(bill(5, "Phone"))];
    client.sync().now().await.unwrap();
    let bills = client.bills().view().await.unwrap().bills;
    assert_eq!(bills.iter().map(|view| view.bill.id).collect::<Vec<_>>(), [bill(5, "").id], "{own} is not there");
    assert!(client.sync().refusals().await.unwrap().is_empty());
    // What was done with it meanwhile is done with the one that stays.
    let stays = bill(5, "").id;
    let writes = lock(&fake).writes.clone();
    let marked = format!("/api/v1/bills/{stays}/occurrences/2027-01-01");
    assert!(writes.iter().any(|(_, path, ..)| *path == marked), "{writes:?}");
    let ordered = writes.iter().find(|(_, path, ..)| path == "/api/v1/payments").unwrap();
    assert_eq!(ordered.3["bill"], stays.to_string());
    world.end().await;
}

#[tokio::test]
async fn what_a_newer_server_tells_keeps_nothing_else_from_being_read() {
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).snapshot = vec![Record::Bill(bill(5, "Phone"))];
    lock(&fake).newer = vec![json!({ "kind": "horoscope", "body": { "sign": "heron" } })];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    lock(&fake).feed = vec![Record::Bill(bill(6, "Power"))];
    client.sync().now().await.unwrap();
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 2, "from the snapshot and from the feed");
    // The next version reads everything once more.
    lock(&fake).snapshot.push(Record::Bill(bill(7, "Water")));
    let open = client.opened().unwrap();
    let mut tx = open.cache.begin().await.unwrap();
    let of_before = json!({ "version": "0.0.1", "count": 1, "entries": [] });
    crate::cache::state::put(&mut *tx, crate::cache::state::UNREAD, &of_before).await.unwrap();
    tx.commit().await.unwrap();
    drop(open);
    client.sync().now().await.unwrap();
    let names: Vec<_> = client.bills().view().await.unwrap().bills.into_iter().map(|view| view.bill.name).collect();
    assert_eq!(names, ["Phone", "Water"], "as the server has it");
    world.end().await;
}

#[tokio::test]
async fn a_snapshot_fills_an_empty_device_and_the_feed_keeps_it_in_step() {
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).snapshot = vec![
        // A line may come before its account.
        Record::Transaction(line(1, "2026-11-01", "Quartz")),
        Record::Account(card()),
        Record::Transaction(line(2, "2026-11-03", "Basalt")),
        Record::Bill(bill(5, "Phone")),
    ];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    assert_eq!(names(&client).await, ["Basalt", "Quartz"]);
    assert_eq!(client.cards().await.unwrap()[0].figures.current_balance, Some(usd("10")));
    let mut moved = line(1, "2026-11-05", "Quartz Mill");
    moved.state = TransactionState::Posted;
    lock(&fake).feed = vec![
        Record::Transaction(moved),
        Record::Transaction(line(3, "2026-11-04", "Slate")),
        Record::Gone(Gone::Transaction { id: line(2, "2026-11-03", "").id }),
        Record::Gone(Gone::Bill { id: bill(5, "").id }),
    ];
    client.sync().now().await.unwrap();
    assert_eq!(names(&client).await, ["Quartz Mill", "Slate"]);
    assert!(client.bills().view().await.unwrap().bills.is_empty());
    let list = client.accounts().list().await.unwrap();
    assert_eq!(list[0].transactions, 2, "counts follow");
    let found = client.search("quartz").await.unwrap();
    assert_eq!(found.hits.len(), 1, "the words of the line that changed are found once");
    world.end().await;
}

#[tokio::test]
async fn the_security_log_is_kept_and_a_changed_entry_is_said() {
    use domain::security::{Happened, SecurityEvent, SecurityEventKind as Kind};
    let entry = |before: Option<&SecurityEvent>, kind, name: &str| {
        let at = "2026-11-20T11:00:00Z".parse().unwrap();
        let name = Some(name.to_owned());
        SecurityEvent::after(before, Happened { at, kind, by: None, device: None, name, about: None })
    };
    let first = entry(None, Kind::AccountCreated, "");
    let desk = entry(Some(&first), Kind::DeviceAdded, "Desk");
    let laptop = entry(Some(&desk), Kind::DeviceAdded, "=Laptop");
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    lock(&fake).feed = [&first, &desk, &laptop].map(|event| Record::SecurityEvent(event.clone())).to_vec();
    client.sync().now().await.unwrap();
    let view = client.security().log().await.unwrap();
    assert_eq!(view.events.iter().map(|event| event.number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((view.questions, view.broken_at), (vec![laptop.clone()], None));
    // The server tells an entry anew, differently: what this device saw first stands, and it says so.
    lock(&fake).feed = vec![Record::SecurityEvent(entry(Some(&first), Kind::DeviceAdded, "Somebody else's"))];
    client.sync().now().await.unwrap();
    let view = client.security().log().await.unwrap();
    assert_eq!((view.events[1].name.as_deref(), view.broken_at), (Some("Desk"), Some(2)));
    let file = world.data().with_file_name("log.csv");
    assert_eq!(client.security().save(file.clone()).await.unwrap(), 3);
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.lines().count() == 4 && text.contains("\"'=Laptop\"") && text.contains(&laptop.hash), "{text}");
    world.end().await;
}

#[tokio::test]
async fn a_question_is_shown_as_soon_as_no_other_device_is_there_to_answer_it() {
    use domain::security::{Happened, SecurityEvent, SecurityEventKind as Kind};
    let entry = |before: Option<&SecurityEvent>, kind, device| {
        let at = "2026-11-20T11:00:00Z".parse().unwrap();
        SecurityEvent::after(before, Happened { at, kind, by: None, device, name: None, about: None })
    };
    let [here, desk] = [2, 3].map(|byte| DeviceId::new(Timestamp::UNIX_EPOCH, [byte; 10]));
    let begun = entry(None, Kind::AccountCreated, None);
    let first = entry(Some(&begun), Kind::DeviceAdded, Some(desk));
    let asked = entry(Some(&first), Kind::DeviceAdded, Some(here));
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let questions = async || client.security().log().await.unwrap().questions;
    lock(&fake).feed = [&begun, &first, &asked].map(|event| Record::SecurityEvent(event.clone())).to_vec();
    lock(&fake).devices = vec![desk, here];
    client.sync().now().await.unwrap();
    client.devices().await.unwrap();
    assert!(questions().await.is_empty(), "the desk can be asked");
    // The desk's sign-in ends without a word: the log says nothing of it.
    lock(&fake).devices = vec![here];
    world.at("2026-11-20T13:30:00Z");
    client.sync().now().await.unwrap();
    assert_eq!(questions().await, std::slice::from_ref(&asked));
    world.end().await;
}

#[tokio::test]
async fn a_reminder_that_was_read_or_put_off_on_another_device_goes_here_too() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let bill = bill(1, "Power");
    lock(&fake).feed = vec![Record::Bill(bill.clone())];
    client.sync().now().await.unwrap();
    world.at("2026-12-02T09:00:00Z");
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!((shown.len(), client.reminders().standing()), (1, 1));
    let lead = |turn| Lead { bill: bill.id, due_on: day("2026-12-05"), falls_on: day("2026-12-05"), turn };
    let read = ReminderAnswer::to(&lead(Turn::Before(3)), world.clock.now(), None);
    lock(&fake).feed = vec![Record::ReminderAnswer(read)];
    client.sync().now().await.unwrap();
    assert_eq!(client.reminders().standing(), 0, "taken back");
    assert_eq!(world.notifier.withdrawn(), [shown[0].id.clone()]);
    world.at("2026-12-04T07:00:00Z");
    let until = Some("2026-12-04T12:00:00Z".parse().unwrap());
    let put_off = ReminderAnswer::to(&lead(Turn::Before(1)), world.clock.now(), until);
    lock(&fake).feed = vec![Record::ReminderAnswer(put_off)];
    client.sync().now().await.unwrap();
    world.at("2026-12-04T09:00:00Z");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "put off on the other device");
    world.at("2026-12-04T12:00:00Z");
    assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1, "until then");
    client.sync().now().await.unwrap();
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "the same answer again changes nothing");
    world.end().await;
}

#[tokio::test]
async fn pay_days_and_wishes_go_out_in_order_and_come_from_other_devices() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let new = NewIncome {
        name: "Brook Lane School".to_owned(),
        amount: usd("420"),
        cycle: PayCycle::LastWorkingDay,
        calendar: Calendar::FederalReserve,
        roll: Roll::Preceding,
    };
    let id = client.paydays().put(None, new).await.unwrap();
    client.paydays().wish(None, Some(usd("50")), Pace::AtTheLast).await.unwrap();
    client.paydays().remove(id).await.unwrap();
    client.sync().now().await.unwrap();
    let writes = lock(&fake).writes.clone();
    let sent: Vec<_> = writes.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    let at = format!("/api/v1/incomes/{id}");
    assert_eq!(sent, [format!("PUT {at}"), "PUT /api/v1/plan".to_owned(), format!("DELETE {at}")]);
    assert_eq!(writes[0].3["cycle"], json!({"kind": "last_working_day"}));
    assert_eq!((&writes[1].3["pace"], &writes[1].3["keep"]["minor"]), (&json!("at_the_last"), &json!(5_000)));

    let income: Income = serde_json::from_value(writes[0].3.clone()).unwrap();
    let wishes = PlanWishes { keep: None, ..client.paydays().wishes().await.unwrap() };
    lock(&fake).feed = vec![Record::Income(income.clone()), Record::PlanWishes(wishes)];
    client.sync().now().await.unwrap();
    assert_eq!(client.paydays().list().await.unwrap()[0].income, income);
    assert_eq!(client.paydays().wishes().await.unwrap(), wishes);
    lock(&fake).feed = vec![Record::Gone(Gone::Income { id })];
    client.sync().now().await.unwrap();
    assert!(client.paydays().list().await.unwrap().is_empty());
    lock(&fake).snapshot = vec![Record::Income(income)];
    lock(&fake).expire_cursor = true;
    client.sync().now().await.unwrap();
    assert_eq!(client.paydays().list().await.unwrap().len(), 1, "a snapshot brings it");
    assert_eq!(client.paydays().wishes().await.unwrap(), PlanWishes::default(), "and takes what it does not have");
    world.end().await;
}

#[tokio::test]
async fn closing_a_reminder_tells_the_server() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    lock(&fake).feed = vec![Record::Bill(bill(1, "Power"))];
    client.sync().now().await.unwrap();
    world.at("2026-12-02T09:00:00Z");
    let shown = client.reminders().run_once(false).await.unwrap();
    client.reminders().seen(&shown[0].id).await.unwrap();
    client.sync().now().await.unwrap();
    let writes = lock(&fake).writes.clone();
    let (method, path, key, body) = writes.last().unwrap();
    assert_eq!(method, "PUT");
    assert!(path.ends_with("/occurrences/2026-12-05/reminder") && !key.is_empty(), "{path}");
    assert_eq!((&body["through_days"], &body["snoozed_until"]), (&json!(3), &Value::Null));
    world.end().await;
}

#[tokio::test]
async fn a_mark_says_what_is_new_of_it_and_keeps_what_another_device_said() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let power = bill(1, "Power");
    lock(&fake).feed = vec![Record::Bill(power.clone())];
    client.sync().now().await.unwrap();
    let due_on: Date = "2026-12-05".parse().unwrap();
    let to: Date = "2026-12-07".parse().unwrap();
    client.bills().mark(power.id, due_on, MarkAs::Moved { to }).await.unwrap();
    // Meanwhile another device has marked it paid.
    let paid = Mark { paid_elsewhere: Some(power.amount), ..Mark::new(power.id, due_on) };
    lock(&fake).feed.push(Record::Mark(paid));
    client.sync().now().await.unwrap();
    let writes = lock(&fake).writes.clone();
    let (method, path, key, body) = writes.last().unwrap();
    assert_eq!((method.as_str(), body), ("PATCH", &json!({"moved_to": "2026-12-07"})));
    assert!(path.ends_with("/occurrences/2026-12-05") && !key.is_empty(), "{path}");
    client.bills().mark(power.id, due_on, MarkAs::Unmarked).await.unwrap();
    client.sync().now().await.unwrap();
    let (_, _, _, body) = lock(&fake).writes.last().unwrap().clone();
    assert_eq!(body.get("paid_elsewhere"), Some(&Value::Null), "what is known of it is taken back: {body}");
    assert!(body.get("amount").is_none());
    world.end().await;
}

#[tokio::test]
async fn a_word_that_was_not_sent_is_taken_back_here_and_the_server_never_hears_of_it() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let power = bill(1, "Power");
    lock(&fake).feed = vec![Record::Bill(power.clone())];
    client.sync().now().await.unwrap();
    let sent = lock(&fake).writes.len();
    let due_on: Date = "2026-12-05".parse().unwrap();
    let paid = client.bills().mark(power.id, due_on, MarkAs::Paid { amount: None }).await.unwrap();
    assert!(client.bills().undo(power.id, due_on, Some(paid)).await.unwrap().whole);
    assert_eq!(client.status().await.unwrap().waiting, 0);
    client.sync().now().await.unwrap();
    assert_eq!(lock(&fake).writes.len(), sent);
    world.end().await;
}

#[tokio::test]
async fn an_undo_leaves_what_another_device_said_meanwhile_and_says_so() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    let power = bill(1, "Power");
    lock(&fake).feed = vec![Record::Bill(power.clone())];
    client.sync().now().await.unwrap();
    let due_on: Date = "2026-12-05".parse().unwrap();
    let mark = Mark::new(power.id, due_on);
    let part = domain::money::Money::new(100, power.amount.currency()).unwrap();
    let other = Mark { paid_elsewhere: Some(part), ..mark.clone() };
    let pay = async || client.bills().mark(power.id, due_on, MarkAs::Paid { amount: None }).await.unwrap();

    // It is sent with what it takes back, so that the server can tell.
    let paid = pay().await;
    client.sync().now().await.unwrap();
    assert!(client.bills().undo(power.id, due_on, Some(paid)).await.unwrap().whole);
    lock(&fake).kept_mark = Some(mark.clone());
    client.sync().now().await.unwrap();
    let (_, _, _, body) = lock(&fake).writes.last().unwrap().clone();
    assert_eq!((&body["paid_elsewhere"], &body["skipped"]), (&Value::Null, &Value::Null), "{body}");
    assert_eq!(body["instead_of"]["paid_elsewhere"], json!(power.amount));
    assert!(client.sync().refusals().await.unwrap().is_empty());

    // The server knows of another word that this device did not hear yet.
    let paid = pay().await;
    client.sync().now().await.unwrap();
    client.bills().undo(power.id, due_on, Some(paid)).await.unwrap();
    lock(&fake).kept_mark = Some(other.clone());
    lock(&fake).snapshot = vec![Record::Bill(power.clone()), Record::Mark(other.clone())];
    client.sync().now().await.unwrap();
    let told = client.sync().refusals().await.unwrap();
    assert_eq!((told[0].what.as_str(), told[0].code.as_str()), ("edit_mark", "version_conflict"));
    let book = client.bills().book().await.unwrap();
    assert_eq!(book.marks_of(power.id), std::slice::from_ref(&other));

    // This device heard of it.
    let paid = pay().await;
    client.sync().now().await.unwrap();
    let more = domain::money::Money::new(200, power.amount.currency()).unwrap();
    lock(&fake).feed.push(Record::Mark(Mark { paid_elsewhere: Some(more), ..mark }));
    client.sync().now().await.unwrap();
    let sent = lock(&fake).writes.len();
    assert!(!client.bills().undo(power.id, due_on, Some(paid)).await.unwrap().whole);
    client.sync().now().await.unwrap();
    assert_eq!(lock(&fake).writes.len(), sent, "nothing of it is left to take back");
    world.end().await;
}

#[tokio::test]
async fn a_snapshot_that_breaks_off_changes_nothing() {
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).snapshot = vec![Record::Account(card()), Record::Transaction(line(1, "2026-11-01", "Quartz"))];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    lock(&fake).expire_cursor = true;
    lock(&fake).cut_snapshot = true;
    assert_eq!(code(client.sync().now().await), "server_unreachable");
    assert_eq!(names(&client).await, ["Quartz"], "the copy of before stands");
    world.end().await;
}

#[tokio::test]
async fn an_expired_cursor_rebuilds_the_copy_and_keeps_what_waits() {
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).snapshot = vec![Record::Account(card()), Record::Transaction(line(1, "2026-11-01", "Quartz"))];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    lock(&fake).expire_cursor = true;
    lock(&fake).snapshot.push(Record::Transaction(line(2, "2026-11-02", "Basalt")));
    client.sync().now().await.unwrap();
    assert_eq!(names(&client).await, ["Basalt", "Quartz"]);
    world.end().await;
}

#[tokio::test]
async fn another_device_that_imported_the_same_lines_first_wins() {
    let (world, fake) = (World::new(), start_fake().await);
    lock(&fake).snapshot = vec![Record::Account(card()), Record::Transaction(line(1, "2026-11-01", "Quartz"))];
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let mut theirs = line(9, "2026-11-01", "Quartz");
    theirs.source = line(1, "2026-11-01", "").source;
    lock(&fake).feed = vec![Record::Transaction(theirs.clone())];
    client.sync().now().await.unwrap();
    let page = client.accounts().transactions(TransactionQuery::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|line| line.id).collect::<Vec<_>>(), [theirs.id]);
    world.end().await;
}

#[tokio::test]
async fn an_import_is_sent_in_one_packed_chunk_and_its_file_goes() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    client.import().import(crate::tests::sample(), None).await.unwrap();
    client.sync().now().await.unwrap();
    let writes = lock(&fake).writes.clone();
    assert_eq!((writes.len(), writes[0].1.as_str()), (1, "/api/v1/import"));
    assert_eq!(writes[0].3["transactions"].as_array().unwrap().len(), 2);
    assert_eq!(writes[0].3["accounts"].as_array().unwrap().len(), 1);
    assert!(!serde_json::to_string(&writes[0].3).unwrap().contains("4111222233334444"), "the number stays nowhere");
    assert_eq!(world.data().join("outbox").read_dir().unwrap().count(), 0);
    world.end().await;
}

#[tokio::test]
async fn a_file_that_two_devices_import_makes_one_account() {
    let fake = start_fake().await;
    let mut made = Vec::new();
    for _ in 0..2 {
        let world = World::new();
        let client = signed_in(&world, &fake).await;
        client.import().import(crate::tests::sample(), None).await.unwrap();
        made.push(client.accounts().list().await.unwrap()[0].account.id);
        world.end().await;
    }
    assert_eq!(made[0], made[1], "without a word between them");
}

#[tokio::test]
async fn a_payment_that_two_devices_read_in_one_file_is_one_payment() {
    let fake = start_fake().await;
    let shop = bill(4, "Shop");
    let due_on = day("2026-12-05");
    lock(&fake).snapshot = vec![Record::Bill(shop.clone())];
    let mut mark = Mark::new(shop.id, due_on);
    for minute in 0..2 {
        let world = World::new();
        world.later(60 * minute);
        let client = signed_in(&world, &fake).await;
        client.sync().now().await.unwrap();
        let file = crate::tests::ofx(&[("20261120", "-40.00", "p", "SHOP 0042"), ("20261119", "-1.00", "q", "Mill")]);
        assert_eq!(client.import().import(file, None).await.unwrap().settles.len(), 1);
        client.sync().now().await.unwrap();
        let (_, path, _, body) = lock(&fake).writes.last().unwrap().clone();
        assert!(path.ends_with("/occurrences/2026-12-05"), "{path}");
        let edit: api::bills::MarkEdit = serde_json::from_value(body).unwrap();
        mark = edit.applied_to(mark);
        world.end().await;
    }
    assert_eq!(mark.seen.len(), 1, "{mark:?}");
}

#[tokio::test]
async fn a_hold_that_posts_on_one_device_is_the_same_on_the_other() {
    let fake = start_fake().await;
    let text = |lines: &[crate::tests::Line<'_>]| String::from_utf8(crate::tests::ofx(lines)).unwrap();
    let hold = text(&[("20261118", "-5.00", "a", "Harbour Books")]);
    let hold = hold.replace("BANKTRANLIST>", "BANKTRANLISTP>").replace("STMTTRN>", "STMTTRNP>");
    let posted = text(&[("20261119", "-5.00", "b", "Harbour Books")]);
    let mut held = Vec::new();
    for minute in 0..2 {
        let world = World::new();
        world.later(60 * minute);
        let client = signed_in(&world, &fake).await;
        client.import().import(hold.clone().into_bytes(), None).await.unwrap();
        held.push(client.accounts().transactions(TransactionQuery::default()).await.unwrap().items[0].clone());
        if held.len() == 2 {
            client.import().import(posted.clone().into_bytes(), None).await.unwrap();
            client.sync().now().await.unwrap();
        }
        world.end().await;
    }
    assert_eq!(held[0].state, TransactionState::Pending);
    let (_, _, _, chunk) = lock(&fake).writes.last().unwrap().clone();
    let chunk: api::import::ImportChunk = serde_json::from_value(chunk).unwrap();
    assert_eq!(chunk.replaced, [held[0].id], "what the other device sent goes");
    assert_ne!(chunk.transactions[0].id, held[0].id);
}

#[tokio::test]
async fn another_device_says_of_cycles_what_the_one_with_the_file_says() {
    let fake = start_fake().await;
    let said = async |client: &Client| {
        let view = client.statements().view().await.unwrap().accounts.remove(0);
        let rows =
            view.statements.into_iter().map(|row| (row.summary.closed_on, row.summary.lines, row.summary.complete));
        (rows.collect::<Vec<_>>(), view.gaps)
    };
    let world = World::new();
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    // The file is of October and November until the 20th; its first line is of the 5th.
    client.import().import(crate::tests::ofx(&[("20261005", "-5.00", "a", "Shop")]), None).await.unwrap();
    client.sync().now().await.unwrap();
    let expected = (vec![(day("2026-10-31"), 1, true)], Vec::new());
    assert_eq!(said(&client).await, expected);
    world.end().await;
    let (_, _, _, chunk) = lock(&fake).writes.iter().rfind(|write| write.1 == "/api/v1/import").unwrap().clone();
    let chunk: api::import::ImportChunk = serde_json::from_value(chunk).unwrap();
    assert_eq!(chunk.accounts[0].covered.len(), 1);
    let accounts = chunk.accounts.into_iter().map(Record::Account);
    lock(&fake).snapshot = accounts.chain(chunk.transactions.into_iter().map(Record::Transaction)).collect();
    let world = World::new();
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    assert_eq!(said(&client).await, expected);
    world.end().await;
}

#[tokio::test]
async fn lines_of_an_account_that_was_removed_come_again_with_their_file() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let ids = async || {
        let page = client.accounts().transactions(TransactionQuery::default()).await.unwrap();
        page.items.iter().map(|line| line.id).collect::<Vec<_>>()
    };
    let report = client.import().import(crate::tests::sample(), None).await.unwrap();
    let first = ids().await;
    client.sync().now().await.unwrap();
    lock(&fake).feed = vec![Record::Gone(Gone::Account { id: report.accounts[0] })];
    client.sync().now().await.unwrap();
    assert!(ids().await.is_empty());
    let again = client.import().import(crate::tests::sample(), None).await.unwrap();
    assert_eq!((again.new, again.known), (2, 0));
    assert_eq!(ids().await, first, "they are the same lines");
    world.end().await;
}

#[tokio::test]
async fn a_line_that_is_gone_elsewhere_does_not_come_back_with_its_file() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    client.import().import(crate::tests::sample(), None).await.unwrap();
    let id = client.accounts().transactions(TransactionQuery::default()).await.unwrap().items[0].id;
    lock(&fake).feed = vec![Record::Gone(Gone::Transaction { id })];
    client.sync().now().await.unwrap();
    assert_eq!(names(&client).await, ["Shop"]);
    let again = client.import().import(crate::tests::sample(), None).await.unwrap();
    assert_eq!((again.new, again.known), (0, 2));
    world.end().await;
}

#[tokio::test]
async fn an_import_that_the_server_does_not_take_stays_on_this_device() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    client.import().import(crate::tests::sample(), None).await.unwrap();
    lock(&fake).refuse_with = Some(ErrorCode::NotFound);
    assert_eq!(code(client.sync().now().await), "wrong_server", "a server that lacks the address judges nothing");
    assert_eq!(client.status().await.unwrap().waiting, 1);
    lock(&fake).refuse_with = Some(ErrorCode::TooMany);
    client.sync().now().await.unwrap();
    assert_eq!(client.status().await.unwrap().refused[0].code, "too_many", "the person is told");
    client.sync().refusals_seen().await.unwrap();
    let refused = client.status().await.unwrap().refused;
    assert_eq!((refused[0].lines, refused[0].can_put_back), (Some(2), true), "it is still to be decided");
    lock(&fake).expire_cursor = true;
    client.sync().now().await.unwrap();
    assert_eq!(names(&client).await.len(), 2, "also when everything is read again");
    assert_eq!(world.data().join("refused").read_dir().unwrap().count(), 1);
    lock(&fake).refuse_with = Some(ErrorCode::TooMany);
    client.sync().put_back(refused[0].id.unwrap()).await.unwrap();
    client.sync().now().await.unwrap();
    let again = client.status().await.unwrap().refused;
    assert_eq!(again.len(), 1, "it was sent and refused once more");
    client.sync().put_back(again[0].id.unwrap()).await.unwrap();
    client.sync().now().await.unwrap();
    assert!(lock(&fake).writes.iter().any(|write| write.1 == "/api/v1/import"));
    assert!(client.status().await.unwrap().refused.is_empty());
    assert_eq!(world.data().join("refused").read_dir().unwrap().count(), 0);
    world.end().await;
}

#[tokio::test]
async fn lines_that_were_refused_leave_only_when_that_is_said() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    client.import().import(crate::tests::sample(), None).await.unwrap();
    lock(&fake).refuse_with = Some(ErrorCode::TooMany);
    client.sync().now().await.unwrap();
    let refused = client.status().await.unwrap().refused;
    client.sync().let_go(refused[0].id.unwrap()).await.unwrap();
    client.sync().now().await.unwrap();
    assert!(names(&client).await.is_empty());
    assert!(client.status().await.unwrap().refused.is_empty());
    world.end().await;
}

#[tokio::test]
async fn an_import_whose_file_does_not_read_is_said_and_keeps_back_nothing_else() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    let spoil = |folder: &str| {
        let file = world.data().join(folder).read_dir().unwrap().next().unwrap().unwrap().path();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[40] ^= 1;
        std::fs::write(file, bytes).unwrap();
    };
    client.import().import(crate::tests::sample(), None).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    spoil("outbox");
    client.sync().now().await.unwrap();
    let told = client.sync().refusals().await.unwrap();
    assert_eq!((told[0].what.as_str(), told[0].code.as_str()), ("import", "unsent_damaged"));
    assert_eq!(client.status().await.unwrap().waiting, 0);
    assert!(lock(&fake).writes.iter().any(|write| write.1.starts_with("/api/v1/bills/")), "the bill was sent");
    assert_eq!(names(&client).await.len(), 2, "the lines are shown here");
    assert!(world.data().join("damaged").read_dir().unwrap().count() > 0, "and nothing was deleted");
    // The same when the copy is built anew at the next start.
    let more = crate::tests::ofx(&[("20261103", "-7.00", "c", "Quay")]);
    client.import().import(more, None).await.unwrap();
    client.bills().add(monthly("Power", "94.17", "2026-12-03")).await.unwrap();
    client.lock().await.unwrap();
    spoil("outbox");
    std::fs::write(world.data().join("cache.damaged"), b"").unwrap();
    client.unlock(None).await.unwrap();
    assert_eq!(client.status().await.unwrap().waiting, 1, "the bill still waits");
    assert_eq!(client.sync().refusals().await.unwrap().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn a_list_of_unsent_work_that_does_not_read_never_keeps_the_copy_closed() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.import().import(crate::tests::sample(), None).await.unwrap();
    client.lock().await.unwrap();
    std::fs::write(world.data().join("outbox.sealed"), b"no list").unwrap();
    std::fs::write(world.data().join("cache.damaged"), b"").unwrap();
    client.unlock(None).await.unwrap();
    let told = client.sync().refusals().await.unwrap();
    assert_eq!((told[0].what.as_str(), told[0].code.as_str()), ("outbox", "unsent_damaged"));
    assert_eq!(world.data().join("refused").read_dir().unwrap().count(), 1, "the lines are kept");
    world.end().await;
}

#[tokio::test]
async fn what_only_this_device_knows_outlives_its_copy() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    lock(&fake).snapshot = vec![Record::Bill(bill(5, "Phone"))];
    client.sync().now().await.unwrap();
    let settings = crate::settings::Settings { details_in_notifications: false, ..client.settings().await.unwrap() };
    client.set_settings(settings.clone()).await.unwrap();
    world.at("2026-12-04T10:00:00Z");
    assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1);
    client.reminders().snooze(bill(5, "").id, day("2026-12-05")).await.unwrap();
    lock(&fake).refuse_with = Some(ErrorCode::TooMany);
    client.sync().now().await.unwrap();
    world.at("2026-12-05T10:00:00Z");
    for seconds in 0..4 {
        world.later(seconds);
        client.doubt();
        assert!(client.is_built_anew(&client.opened().unwrap()).await || client.opened().is_some());
        lock(&fake).expire_cursor = true;
        client.sync().now().await.unwrap();
        assert_eq!(client.settings().await.unwrap(), settings);
        assert_eq!(client.sync().refusals().await.unwrap().len(), 1);
        let shown = client.reminders().run_once(false).await.unwrap().len();
        assert_eq!(shown, usize::from(seconds == 0), "the day itself is reminded of once");
    }
    let aside = world.data().join("damaged").read_dir().unwrap();
    let copies = aside.filter(|file| file.as_ref().unwrap().path().to_str().unwrap().ends_with("cache.db")).count();
    assert_eq!(copies, 2, "older damaged copies are not kept");
    world.end().await;
}

#[tokio::test]
async fn a_page_in_the_servers_place_and_a_program_that_is_too_old_lose_nothing() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.sync().now().await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    lock(&fake).maintained = true;
    assert_eq!(code(client.sync().now().await), "wrong_server");
    assert_eq!(client.status().await.unwrap().waiting, 1);
    lock(&fake).maintained = false;
    lock(&fake).refuse_with = Some(ErrorCode::UpgradeRequired);
    assert_eq!(code(client.sync().now().await), "upgrade_required");
    assert_eq!(client.status().await.unwrap().waiting, 1);
    client.sync().now().await.unwrap();
    assert_eq!((client.status().await.unwrap().waiting, lock(&fake).writes.len()), (0, 1));
    world.end().await;
}

#[tokio::test]
async fn only_a_grant_that_is_no_good_ends_the_session() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.lock().await.unwrap();
    client.unlock(None).await.unwrap();
    lock(&fake).token_error = Some("server_error");
    assert_eq!(code(client.sync().now().await), "server_failed");
    assert!(client.status().await.unwrap().signed_in);
    lock(&fake).token_error = None;
    client.sync().now().await.unwrap();
    world.end().await;
}

#[tokio::test]
async fn a_lock_waits_for_no_server() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.lock().await.unwrap();
    client.unlock(None).await.unwrap();
    // It takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", silent.local_addr().unwrap().port());
    let place = crate::status::Place::Server { url, name: "Silent".to_owned() };
    let opened = client.opened().unwrap();
    opened.vault().settle(place, None).unwrap();
    let keys = Arc::downgrade(&opened);
    drop(opened);
    let syncing = client.clone();
    let sync = tokio::spawn(async move { syncing.sync().now().await });
    let (_connection, _) = silent.accept().await.unwrap();
    let locked = tokio::time::timeout(std::time::Duration::from_secs(20), client.lock()).await;
    locked.expect("the lock does not wait for the answer").unwrap();
    assert_eq!(code(sync.await.unwrap()), "locked");
    assert!(keys.upgrade().is_none(), "nobody holds the keys any more");
    world.end().await;
}

#[tokio::test]
async fn what_was_not_sent_is_given_up_only_when_that_is_said() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    lock(&fake).down = true;
    assert_eq!(code(client.sign_out(false).await), "changes_waiting");
    client.sign_out(true).await.unwrap();
    assert_eq!(client.phase(), Phase::Welcome);
    world.end().await;
}

#[tokio::test]
async fn without_a_server_everything_is_kept_and_said() {
    let (world, fake) = (World::new(), start_fake().await);
    let client = signed_in(&world, &fake).await;
    client.lock().await.unwrap();
    client.unlock(None).await.unwrap();
    // The data folder points at a port where nothing listens any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let place = crate::status::Place::Server { url: format!("http://localhost:{gone}"), name: "Gone".to_owned() };
    client.opened().unwrap().vault().settle(place, None).unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let error = client.sync().now().await.unwrap_err();
    assert_eq!((error.code.as_str(), error.class.exit_code()), ("server_unreachable", 4));
    let status = client.status().await.unwrap();
    assert_eq!((status.online, status.waiting), (false, 1));
    world.end().await;
}
