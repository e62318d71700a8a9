//! P12 and P13: orders over HTTP, each with its own proof of possession, from 64 clients, each durable before its answer, against
//! a bare loop of one payment a commit on the same disk.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use server::Running;
use server::db::Location;
use server::testing::postgres;

use crate::pairs::{Work, compare, verdict};
use crate::world::{server, server_on};
use flows::caller::{Caller, chance, connections, now};

const CLIENTS: usize = 64;
const EACH: usize = 24;
/// People of one client. They take turns, because who orders many times in an hour is asked whether that was them.
const PEOPLE: usize = 2 * EACH;
const PATH: &str = "/api/v1/payments";

/// An order with its proof, made before the clock starts.
type Prepared = Request<Full<Bytes>>;
type Connection = SendRequest<Full<Bytes>>;

/// Those who order by one connection. It is as bare as a generator of calls can be: both cores are shared with it.
type People = Vec<Caller>;

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

async fn connect(origin: &str) -> Result<Connection, String> {
    let stream = TcpStream::connect(authority(origin)).await.map_err(|e| e.to_string())?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends them one after another; how long each took.
async fn send(mut connection: Connection, orders: Vec<Prepared>) -> Result<Vec<Duration>, String> {
    let mut times = Vec::with_capacity(orders.len());
    for order in orders {
        let began = Instant::now();
        connection.ready().await.map_err(|e| e.to_string())?;
        let answer = connection.send_request(order).await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        if status != StatusCode::CREATED {
            return Err(format!("{status} {}", String::from_utf8_lossy(&body)));
        }
        times.push(began.elapsed());
    }
    Ok(times)
}

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let clients = runtime.block_on(sign_in(&running))?;
    let raw = rusqlite::Connection::open(place.path().join("raw.db")).map_err(|e| e.to_string())?;
    prepare_raw(&raw).map_err(|e| e.to_string())?;
    let mut round = 0;
    compare(
        "time of the payment API / of the bare loop",
        1.0,
        Box::new(|| {
            round += 1;
            let (took, times) = pay(&runtime, &clients, round)?;
            Ok((took, Work { count: count(&times), sum: 0 }))
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

/// P13: the same on PostgreSQL, against pgbench in the same cluster, which keeps nothing for longer than it must: neither of
/// the two waits for the disk.
pub fn run_on_postgres() -> Result<(), String> {
    let Some(cluster) = postgres() else {
        println!("  SKIPPED: PostgreSQL is not here");
        return Ok(());
    };
    if !cluster.has_bench() {
        println!("  SKIPPED: pgbench is not here");
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let url = cluster.new_database();
    let running = runtime.block_on(server_on(Location::Postgres { url }, place.path()))?;
    let clients = runtime.block_on(sign_in(&running))?;
    let raw = cluster.new_database();
    cluster.run_script(&raw, RAW_TABLES);
    let mut round = 0;
    let (slowest, average) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    compare(
        "time of the payment API / of pgbench",
        // At least 0.35 of its rate.
        1.0 / 0.35,
        Box::new(|| {
            round += 1;
            let (took, mut times) = pay(&runtime, &clients, round)?;
            let count = count(&times);
            times.sort_unstable();
            slowest.borrow_mut().push(times[times.len() * 99 / 100].as_secs_f64());
            Ok((took, Work { count, sum: 0 }))
        }),
        Box::new(|| {
            let a_connection = CLIENTS * EACH / CONNECTIONS;
            let began = Instant::now();
            cluster.bench(&raw, RAW_PAYMENT, CONNECTIONS, a_connection);
            let took = began.elapsed();
            average.borrow_mut().push(took.as_secs_f64() * CONNECTIONS as f64 / (CLIENTS * EACH) as f64);
            Ok((took, Work { count: (a_connection * CONNECTIONS) as u64, sum: 0 }))
        }),
    )?;
    let mut ratios: Vec<f64> =
        slowest.borrow().iter().zip(average.borrow().iter()).map(|(one, two)| one / two).collect();
    verdict("99th of a hundred answers / a payment of pgbench", 10.0, &mut ratios);
    runtime.block_on(running.shutdown());
    Ok(())
}

const CONNECTIONS: usize = 8;

/// Under names of their own: a new database of the cluster has the server's tables.
const RAW_TABLES: &str = "CREATE TABLE raw_payment (id BIGSERIAL PRIMARY KEY, body TEXT);
    CREATE TABLE raw_posting (id BIGSERIAL PRIMARY KEY, payment BIGINT, place TEXT, amount BIGINT);
    CREATE TABLE raw_balance (holder BIGINT, place TEXT, amount BIGINT, number BIGINT, PRIMARY KEY (holder, place));
    CREATE TABLE raw_change (holder BIGINT, number BIGINT, body TEXT, PRIMARY KEY (holder, number));
    INSERT INTO raw_balance SELECT holder, place, 1000000000, 0
      FROM generate_series(1, 3072) AS holder, (VALUES ('available'), ('reserved')) AS places (place);";

/// What a payment writes, as one statement.
const RAW_PAYMENT: &str = r"\set holder random(1, 3072)
    WITH made AS (INSERT INTO raw_payment (body) VALUES (repeat('x', 400)) RETURNING id),
      taken AS (UPDATE raw_balance SET amount = amount - 1, number = number + 1
                 WHERE holder = :holder AND place = 'available' RETURNING number),
      given AS (UPDATE raw_balance SET amount = amount + 1 WHERE holder = :holder AND place = 'reserved'),
      posted AS (INSERT INTO raw_posting (payment, place, amount)
        SELECT id, place, amount FROM made, (VALUES ('available', -1), ('reserved', 1)) AS sides (place, amount))
    INSERT INTO raw_change SELECT :holder, number, repeat('x', 400) FROM taken;";

/// So many people of so many clients, each after a first order: what that takes beside itself, an account, a payee, a
/// session's first use, is not the figure.
async fn sign_in(running: &Running) -> Result<Vec<People>, String> {
    let http = connections()?;
    let mut clients = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let mut people = Vec::with_capacity(PEOPLE);
        for _ in 0..PEOPLE {
            people.push(Caller::sign_in(running, http.clone()).await?);
        }
        send(connect(running.public_url.origin()).await?, prepare(&people)?).await?;
        clients.push(people);
    }
    Ok(clients)
}

/// One order of half of the people, and how long each took. Connections are there before the clock starts: the server ends
/// those that say nothing for long.
fn pay(
    runtime: &tokio::runtime::Runtime,
    clients: &[People],
    round: usize,
) -> Result<(Duration, Vec<Duration>), String> {
    let turn = (round % 2) * EACH..(round % 2 + 1) * EACH;
    let mut prepared = Vec::with_capacity(clients.len());
    for people in clients {
        let orders = prepare(&people[turn.clone()])?;
        prepared.push((runtime.block_on(connect(&people[0].origin))?, orders));
    }
    let began = Instant::now();
    let times = runtime.block_on(async {
        let tasks: Vec<_> =
            prepared.into_iter().map(|(connection, orders)| tokio::spawn(send(connection, orders))).collect();
        let mut times = Vec::with_capacity(CLIENTS * EACH);
        for task in tasks {
            times.extend(task.await.map_err(|e| e.to_string())??);
        }
        Ok::<_, String>(times)
    })?;
    Ok((began.elapsed(), times))
}

fn count(times: &[Duration]) -> u64 {
    times.len() as u64
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
