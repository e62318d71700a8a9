//! Purchases over HTTP, each with its own proof of possession, on 64 cards at once, each durable before its answer,
//! against a bare loop of the same statements, one purchase a commit, on the same disk.

use std::sync::Arc;
use std::time::Instant;

use domain::ids::{AccountId, PurchaseId};
use serde_json::{Value, json};

use crate::pairs::{Work, compare};
use crate::world::server;
use flows::caller::{Caller, chance, connections, now};

const CARDS: usize = 64;
const EACH: usize = 24;

/// A person with a card that the merchant is linked to: the token it got.
async fn linked(running: &server::Running, http: &reqwest::Client, merchant: &Caller) -> Result<String, String> {
    let person = Caller::sign_in(running, http.clone()).await?;
    let card = AccountId::new(now(), chance());
    let limit = json!({"minor": 10_000_000, "currency": "USD"});
    let wanted = json!({"name": "Store card", "limit": limit, "closing_day": 25});
    person.call("PUT", &format!("/api/v1/cards/{card}"), &wanted).await?;
    let code = person.call("POST", &format!("/api/v1/cards/{card}/codes"), &json!({})).await?;
    let token = merchant.call("POST", "/merchant/v1/cards", &json!({"code": code["code"]})).await?;
    Ok(token["card_token"].as_str().unwrap_or_default().to_owned())
}

/// Purchases with their proofs, made before the clock starts.
fn prepare(merchant: &Caller, token: &str) -> Result<Vec<(String, String, Vec<u8>)>, String> {
    (0..EACH)
        .map(|_| {
            let path = format!("/merchant/v1/purchases/{}", PurchaseId::new(now(), chance()));
            let amount = json!({"minor": 1, "currency": "USD"});
            let body = json!({"card_token": token, "amount": amount, "description": "Lamps"});
            let proof = merchant.proof_of("PUT", &path, true);
            Ok((path, proof, serde_json::to_vec(&body).map_err(|e| e.to_string())?))
        })
        .collect()
}

async fn buy(merchant: &Caller, purchases: Vec<(String, String, Vec<u8>)>) -> Result<u64, String> {
    let mut approved = 0;
    for (path, proof, body) in purchases {
        let state = merchant.send("PUT", &path, proof, body).await?;
        approved += u64::from(state["approved"] == Value::Bool(true));
    }
    Ok(approved)
}

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let (merchant, tokens) = runtime.block_on(async {
        let http = connections()?;
        let merchant = Caller::merchant(&running, http.clone(), "Quillmere").await?;
        let mut tokens = Vec::with_capacity(CARDS);
        for _ in 0..CARDS {
            tokens.push(linked(&running, &http, &merchant).await?);
        }
        Ok::<_, String>((Arc::new(merchant), tokens))
    })?;
    let raw = rusqlite::Connection::open(place.path().join("raw.db")).map_err(|e| e.to_string())?;
    prepare_raw(&raw).map_err(|e| e.to_string())?;
    compare(
        "time of the purchase API / of the bare loop",
        1.0,
        Box::new(|| {
            let prepared: Vec<_> =
                tokens.iter().map(|token| prepare(&merchant, token)).collect::<Result<_, String>>()?;
            let began = Instant::now();
            let count = runtime.block_on(async {
                let buy = |purchases| {
                    let merchant = Arc::clone(&merchant);
                    tokio::spawn(async move { buy(&merchant, purchases).await })
                };
                let tasks: Vec<_> = prepared.into_iter().map(buy).collect();
                let mut count = 0;
                for task in tasks {
                    count += task.await.map_err(|e| e.to_string())??;
                }
                Ok::<u64, String>(count)
            })?;
            Ok((began.elapsed(), Work { count, sum: 0 }))
        }),
        Box::new(|| {
            let began = Instant::now();
            let count = buy_raw(&raw, CARDS * EACH).map_err(|e| e.to_string())?;
            Ok((began.elapsed(), Work { count, sum: 0 }))
        }),
    )?;
    let report = runtime.block_on(server::audit::run(&running.app.db)).map_err(|e| e.to_string())?;
    runtime.block_on(running.shutdown());
    if report.faults.is_empty() { Ok(()) } else { Err(report.faults.join("; ")) }
}

fn prepare_raw(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE purchase (id BLOB PRIMARY KEY, amount INTEGER, body TEXT) WITHOUT ROWID;
         CREATE TABLE posting (id INTEGER PRIMARY KEY, purchase BLOB, place TEXT, amount INTEGER);
         CREATE TABLE balance (place TEXT PRIMARY KEY, amount INTEGER, number INTEGER);
         CREATE TABLE job (purchase BLOB PRIMARY KEY, due INTEGER) WITHOUT ROWID;
         CREATE TABLE record (kind INTEGER, id BLOB, number INTEGER, body TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
         INSERT INTO balance VALUES ('held', 0, 0), ('outside', 0, 0);",
    )
}

fn buy_raw(db: &rusqlite::Connection, count: usize) -> rusqlite::Result<u64> {
    let body = "x".repeat(400);
    let card = [7_u8; 16];
    let mut done = 0;
    for _ in 0..count {
        let id = *PurchaseId::new(now(), chance()).as_uuid().as_bytes();
        db.execute_batch("BEGIN IMMEDIATE")?;
        db.prepare_cached("INSERT INTO purchase VALUES (?1, 1, ?2)")?.execute(rusqlite::params![id, body])?;
        let mut posting = db.prepare_cached("INSERT INTO posting (purchase, place, amount) VALUES (?1, ?2, ?3)")?;
        posting.execute(rusqlite::params![id, "outside", -1])?;
        posting.execute(rusqlite::params![id, "held", 1])?;
        db.prepare_cached("UPDATE balance SET amount = amount - 1 WHERE place = 'outside'")?.execute([])?;
        let sql = "UPDATE balance SET amount = amount + 1, number = number + 1 WHERE place = 'held' RETURNING number";
        let number: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        db.prepare_cached("INSERT INTO job VALUES (?1, 1)")?.execute(rusqlite::params![id])?;
        let sql = "INSERT INTO record VALUES (?1, ?2, ?3, ?4) ON CONFLICT (kind, id) DO UPDATE SET
                     number = excluded.number, body = excluded.body";
        let mut record = db.prepare_cached(sql)?;
        for (kind, id) in [(0, card), (4, id), (11, id)] {
            record.execute(rusqlite::params![kind, id, number, body])?;
        }
        db.execute_batch("COMMIT")?;
        done += 1;
    }
    Ok(done)
}
