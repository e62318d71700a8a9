//! P12: orders over HTTP, each with its own proof of possession, from 64 clients, each durable before its answer, against
//! a bare loop of one payment a commit on the same disk.

use std::time::Instant;

use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::pairs::{Work, compare};
use crate::world::server;
use flows::caller::{Caller, chance, connections, now};

const CLIENTS: usize = 64;
const EACH: usize = 24;
/// People of one client. They take turns, because who orders many times in an hour is asked whether that was them.
const PEOPLE: usize = 2 * EACH;
const PATH: &str = "/api/v1/payments";

/// An order with its proof, made before the clock starts.
type Prepared = Request<Full<Bytes>>;

/// One connection and those who order by it. It is as bare as a generator of calls can be: both cores are shared with it.
struct Client {
    connection: SendRequest<Full<Bytes>>,
    people: Vec<Caller>,
}

/// One order of each of these people.
fn prepare(people: &[Caller]) -> Result<Vec<Prepared>, String> {
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
            Request::post(PATH)
                .header("host", authority(&caller.origin))
                .header("authorization", format!("DPoP {}", caller.token))
                .header("DPoP", caller.proof(PATH, true))
                .header("content-type", "application/json")
                .body(Full::from(body))
                .map_err(|e| e.to_string())
        })
        .collect()
}

fn authority(origin: &str) -> &str {
    origin.trim_start_matches("http://")
}

async fn connect(origin: &str) -> Result<SendRequest<Full<Bytes>>, String> {
    let stream = TcpStream::connect(authority(origin)).await.map_err(|e| e.to_string())?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends them one after another, and gives the connection back with how many were taken.
async fn send(
    mut connection: SendRequest<Full<Bytes>>,
    orders: Vec<Prepared>,
) -> Result<(SendRequest<Full<Bytes>>, u64), String> {
    let mut taken = 0;
    for order in orders {
        connection.ready().await.map_err(|e| e.to_string())?;
        let answer = connection.send_request(order).await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        if status != StatusCode::CREATED {
            return Err(format!("{status} {}", String::from_utf8_lossy(&body)));
        }
        taken += 1;
    }
    Ok((connection, taken))
}

/// All clients at once, each with what was prepared for it.
async fn send_all(clients: Vec<Client>, prepared: Vec<Vec<Prepared>>) -> Result<(Vec<Client>, u64), String> {
    let mut tasks = Vec::with_capacity(clients.len());
    let mut people = Vec::with_capacity(clients.len());
    for (client, orders) in clients.into_iter().zip(prepared) {
        tasks.push(tokio::spawn(send(client.connection, orders)));
        people.push(client.people);
    }
    let mut count = 0;
    let mut clients = Vec::with_capacity(tasks.len());
    for (task, people) in tasks.into_iter().zip(people) {
        let (connection, taken) = task.await.map_err(|e| e.to_string())??;
        clients.push(Client { connection, people });
        count += taken;
    }
    Ok((clients, count))
}

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let mut clients = runtime.block_on(async {
        let http = connections()?;
        let mut clients = Vec::with_capacity(CLIENTS);
        for _ in 0..CLIENTS {
            let mut people = Vec::with_capacity(PEOPLE);
            for _ in 0..PEOPLE {
                people.push(Caller::sign_in(&running, http.clone()).await?);
            }
            clients.push(Client { connection: connect(running.public_url.origin()).await?, people });
        }
        Ok::<_, String>(clients)
    })?;
    // What a first order takes beside itself, an account, a payee, a session's first use, is not the figure.
    let firsts: Vec<_> = clients.iter().map(|client| prepare(&client.people)).collect::<Result<_, String>>()?;
    clients = runtime.block_on(send_all(clients, firsts))?.0;
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
                clients.iter().map(|client| prepare(&client.people[turn.clone()])).collect::<Result<_, String>>()?;
            let all = std::mem::take(&mut clients);
            let began = Instant::now();
            let (all, count) = runtime.block_on(send_all(all, prepared))?;
            clients = all;
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
