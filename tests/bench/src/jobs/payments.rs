//! P12: orders over HTTP, each with its own proof of possession, from 64 clients, each durable before its answer, against
//! a bare loop of one payment a commit on the same disk.

use std::sync::Arc;
use std::time::Instant;

use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;

use crate::pairs::{Work, compare};
use crate::world::server;
use flows::caller::{Caller, chance, connections, now};

const CLIENTS: usize = 64;
const EACH: usize = 24;
/// People of one client. They take turns, because who orders many times in an hour is asked whether that was them.
const PEOPLE: usize = 2 * EACH;

/// An order with its proof, made before the clock starts.
struct Prepared {
    caller: Arc<Caller>,
    proof: String,
    body: Vec<u8>,
}

/// One order of each of these people.
fn prepare(people: &[Arc<Caller>]) -> Result<Vec<Prepared>, String> {
    let biller = server::billers::directory()[0].id;
    people
        .iter()
        .map(|caller| {
            let order = PaymentOrder {
                id: PaymentId::new(now(), chance()),
                biller,
                reference: None,
                amount: Money::new(1, Currency::USD).map_err(|e| e.to_string())?,
                bill: None,
                due_on: None,
                // Later, so that the rail's work is not part of the figure.
                send_on: now()
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .date()
                    .saturating_add(jiff::Span::new().days(9))
                    .into(),
                duplicate_meant: true,
                method: None,
            };
            let body = serde_json::to_vec(&order).map_err(|e| e.to_string())?;
            Ok(Prepared { caller: Arc::clone(caller), proof: caller.proof("/api/v1/payments", true), body })
        })
        .collect()
}

async fn send(orders: Vec<Prepared>) -> Result<u64, String> {
    let mut taken = 0;
    for Prepared { caller, proof, body } in orders {
        let answer = caller
            .http
            .post(format!("{}/api/v1/payments", caller.origin))
            .header("authorization", format!("DPoP {}", caller.token))
            .header("DPoP", proof)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .map_err(|e| e.to_string())?;
        if answer.status().as_u16() != 201 {
            return Err(format!("{} {}", answer.status(), answer.text().await.unwrap_or_default()));
        }
        answer.bytes().await.map_err(|e| e.to_string())?;
        taken += 1;
    }
    Ok(taken)
}

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let callers = runtime.block_on(async {
        let http = connections()?;
        let mut callers = Vec::with_capacity(CLIENTS);
        for _ in 0..CLIENTS {
            let mut people = Vec::with_capacity(PEOPLE);
            for _ in 0..PEOPLE {
                people.push(Arc::new(Caller::sign_in(&running, http.clone()).await?));
            }
            callers.push(people);
        }
        Ok::<_, String>(callers)
    })?;
    // What a first order takes beside itself, an account, a payee, a session's first use, is not the figure.
    for people in &callers {
        runtime.block_on(send(prepare(people)?))?;
    }
    let raw = rusqlite::Connection::open(place.path().join("raw.db")).map_err(|e| e.to_string())?;
    prepare_raw(&raw).map_err(|e| e.to_string())?;
    let mut round = 0;
    compare(
        "time of the payment API / of the bare loop",
        1.0,
        Box::new(|| {
            let turn = (round % 2) * EACH..(round % 2 + 1) * EACH;
            round += 1;
            let prepared: Vec<_> =
                callers.iter().map(|people| prepare(&people[turn.clone()])).collect::<Result<_, String>>()?;
            let began = Instant::now();
            let count = runtime.block_on(async {
                let tasks: Vec<_> = prepared.into_iter().map(|orders| tokio::spawn(send(orders))).collect();
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
            let count = pay_raw(&raw, CLIENTS * EACH).map_err(|e| e.to_string())?;
            Ok((began.elapsed(), Work { count, sum: 0 }))
        }),
    )?;
    runtime.block_on(running.shutdown());
    Ok(())
}

fn prepare_raw(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE payment (id BLOB PRIMARY KEY, amount INTEGER, body TEXT) WITHOUT ROWID;
         CREATE TABLE posting (id INTEGER PRIMARY KEY, payment BLOB, place TEXT, amount INTEGER);
         CREATE TABLE balance (place TEXT PRIMARY KEY, amount INTEGER, number INTEGER);
         CREATE TABLE change (number INTEGER PRIMARY KEY, body TEXT);
         INSERT INTO balance VALUES ('available', 1000000000, 0), ('reserved', 0, 0);",
    )
}

fn pay_raw(db: &rusqlite::Connection, count: usize) -> rusqlite::Result<u64> {
    let body = "x".repeat(400);
    let mut done = 0;
    for _ in 0..count {
        let id = PaymentId::new(now(), chance()).as_uuid();
        db.execute_batch("BEGIN IMMEDIATE")?;
        db.prepare_cached("INSERT INTO payment VALUES (?1, 1, ?2)")?.execute(rusqlite::params![id.as_bytes(), body])?;
        let mut posting = db.prepare_cached("INSERT INTO posting (payment, place, amount) VALUES (?1, ?2, ?3)")?;
        posting.execute(rusqlite::params![id.as_bytes(), "available", -1])?;
        posting.execute(rusqlite::params![id.as_bytes(), "reserved", 1])?;
        let sql =
            "UPDATE balance SET amount = amount - 1, number = number + 1 WHERE place = 'available' RETURNING number";
        let number: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        db.prepare_cached("INSERT INTO change VALUES (?1, ?2)")?.execute(rusqlite::params![number, body])?;
        db.execute_batch("COMMIT")?;
        done += 1;
    }
    Ok(done)
}
