//! P15: a night on which thousands of bills pay themselves, each once, on a clock that is set and a rail within the process,
//! against a bare loop of the same payments, ten a commit. And how the time of one payment grows with how many are due.

use std::time::{Duration, Instant};

use domain::bills::Bill;
use domain::ids::{BillId, HolderId};
use domain::money::{Currency, Money};
use domain::schedule::{Every, Schedule};
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use server::testing::{TestDevice, World, on_sqlite, throw_away_folder};

use crate::pairs::verdict;
use flows::caller::chance;

/// Due payments of the figure, and those with which it grows. `BILLFOLD_BENCH_DUE=10000,100000,1000000` takes others.
const DUE: &[usize] = &[2_500, 10_000];
/// Of one person: more in an hour would be asked about.
const BILLS: usize = 8;
const NIGHTS: usize = 3;
const FIRST_DUE: Date = date(2027, 3, 28);
const GOAL: f64 = 2.0;
/// A payment among the most may take so much longer than one among the fewest.
const GROWTH: f64 = 1.3;

pub fn run() -> Result<(), String> {
    let wanted = std::env::var("BILLFOLD_BENCH_DUE").ok();
    let sizes = match &wanted {
        Some(text) => text.split(',').map(|one| one.trim().parse().map_err(|_| format!("no count: {one}"))).collect(),
        None => Ok(DUE.to_vec()),
    };
    let sizes: Vec<usize> = sizes?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut each = Vec::with_capacity(sizes.len());
    for due in &sizes {
        each.push(runtime.block_on(nights(*due))?);
    }
    if let (Some(first), Some(last)) = (each.first(), each.last())
        && each.len() > 1
    {
        let (fewest, most) = (sizes[0], sizes[sizes.len() - 1]);
        let title = format!("time of a payment among {most} / among {fewest}");
        verdict(&title, GROWTH, &mut [last.as_secs_f64() / first.as_secs_f64()]);
    }
    Ok(())
}

/// Lets months pass until so many are due each time, and says how long one payment took at best.
async fn nights(due: usize) -> Result<Duration, String> {
    // Beside the server's, so that a commit costs both the same.
    let place = throw_away_folder("billfold-bench-");
    let raw = rusqlite::Connection::open(place.path().join("raw.db")).map_err(|error| error.to_string())?;
    prepare_raw(&raw).map_err(|error| error.to_string())?;
    let people = due.div_ceil(BILLS);
    let result = std::sync::Mutex::new(Ok(Duration::ZERO));
    on_sqlite(async |world| {
        let counted = count_nights(&world, people, &raw).await;
        *result.lock().expect("nobody else has it") = counted;
    })
    .await;
    result.into_inner().expect("nobody has it any more")
}

async fn count_nights(world: &World, people: usize, raw: &rusqlite::Connection) -> Result<Duration, String> {
    let mut witness = None;
    for person in 0..people {
        let device = world.holder().await;
        for bill in 0..BILLS {
            pays_itself(world, &device, bill).await;
        }
        if person == 0 {
            witness = Some(device.holder);
        }
    }
    world.work().await;
    let witness = witness.ok_or("nobody pays anything")?;
    let count = people * BILLS;
    let mut ratios = Vec::with_capacity(NIGHTS);
    let mut fastest = Duration::MAX;
    let mut due_on = FIRST_DUE;
    for night in 0..=NIGHTS {
        // What comes before the night is not the figure.
        noon_of(world, due_on.yesterday().map_err(|error| error.to_string())?);
        world.work().await;
        let before = left(world, witness).await;
        noon_of(world, due_on);
        let began = Instant::now();
        world.work().await;
        let took = began.elapsed();
        let after = left(world, witness).await;
        if after - before != BILLS {
            return Err(format!("{} payments left of {BILLS} that were due", after - before));
        }
        due_on = due_on.saturating_add(1.month());
        let bare = pay_raw(raw, count).map_err(|error| error.to_string())?;
        if night > 0 {
            ratios.push(took.as_secs_f64() / bare.as_secs_f64());
            fastest = fastest.min(took);
        }
    }
    verdict(&format!("time of a night of {count} payments by themselves / of the bare loop"), GOAL, &mut ratios);
    println!("    {:.0} payments a second at best", count as f64 / fastest.as_secs_f64());
    Ok(fastest / u32::try_from(count).unwrap_or(u32::MAX))
}

/// Lets the clock go on to the middle of a day.
fn noon_of(world: &World, day: Date) {
    let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).expect("a time").timestamp();
    world.advance(noon.duration_since(world.now()));
}

/// A bill of one dollar on the 28th of every month, paid by itself.
async fn pays_itself(world: &World, device: &TestDevice, number: usize) {
    let id = BillId::new(world.now(), chance());
    let biller = server::billers::directory().iter().find(|biller| biller.payable).map(|biller| biller.id);
    let dollar = Money::new(100, Currency::USD).expect("an amount");
    let schedule = Schedule::new(Every::Month, 1, FIRST_DUE);
    let bill = Bill { biller, ..Bill::new(id, format!("Bill {number}"), dollar, schedule) };
    device.put(&format!("/api/v1/bills/{id}"), &bill).await.expect(200);
    let terms = json!({"amount": {"pay": "left"}, "cap": dollar, "method": null, "days_before": 0});
    device.put(&format!("/api/v1/bills/{id}/autopay"), &terms).await.expect(200);
}

/// How many payments of a person left so far.
async fn left(world: &World, holder: HolderId) -> usize {
    let device = world.device(holder).await;
    let snapshot = device.get("/api/v1/sync/snapshot").await.text();
    let records = snapshot.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let has_left = |record: &Value| {
        record["kind"] == "payment"
            && matches!(record["body"]["state"].as_str(), Some("submitted" | "settled" | "final"))
    };
    records.filter(has_left).count()
}

fn prepare_raw(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE payment (id INTEGER PRIMARY KEY, state TEXT, body TEXT);
         CREATE TABLE posting (id INTEGER PRIMARY KEY, payment INTEGER, place TEXT, amount INTEGER);
         CREATE TABLE balance (place TEXT PRIMARY KEY, amount INTEGER, number INTEGER);
         CREATE TABLE change (number INTEGER PRIMARY KEY, body TEXT);
         INSERT INTO balance VALUES ('available', 1000000000, 0), ('reserved', 0, 0);",
    )
}

fn pay_raw(db: &rusqlite::Connection, count: usize) -> rusqlite::Result<Duration> {
    const A_COMMIT: usize = 10;
    let body = "x".repeat(400);
    let began = Instant::now();
    for first in (0..count).step_by(A_COMMIT) {
        db.execute_batch("BEGIN IMMEDIATE")?;
        for _ in first..(first + A_COMMIT).min(count) {
            db.prepare_cached("INSERT INTO payment (state, body) VALUES ('submitting', ?1)")?.execute([&body])?;
            let payment = db.last_insert_rowid();
            let mut posting = db.prepare_cached("INSERT INTO posting (payment, place, amount) VALUES (?1, ?2, ?3)")?;
            posting.execute((payment, "available", -1))?;
            posting.execute((payment, "reserved", 1))?;
            let sql = "UPDATE balance SET amount = amount - 1, number = number + 1 WHERE place = 'available' RETURNING number";
            let number: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            db.prepare_cached("INSERT INTO change VALUES (?1, ?2)")?.execute((number, &body))?;
        }
        db.execute_batch("COMMIT")?;
    }
    Ok(began.elapsed())
}
