//! Closings of cards' cycles: interest, late fee, statement, lines and records of each, one commit a card, against a bare
//! loop of the same statements in the same place.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::json;
use server::testing::{World, on_sqlite, throw_away_folder};
use uuid::Uuid;

use crate::pairs::verdict;

/// Cards that close on the same night.
const CARDS: usize = 64;
/// Months that are counted, after one warm-up.
const MONTHS: usize = 5;
/// Each owes this from the first month on, and pays nothing: every closing charges interest and a late fee.
const BOUGHT_MINOR: i64 = 40_000;
const GOAL: f64 = 2.0;

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    // Beside the server's, so that a commit costs both the same.
    let place = throw_away_folder("billfold-bench-");
    let raw = rusqlite::Connection::open(place.path().join("raw.db")).map_err(|error| error.to_string())?;
    prepare_raw(&raw).map_err(|error| error.to_string())?;
    runtime.block_on(on_sqlite(async |world| {
        buy(&world).await;
        // The cycle in which they bought: no interest yet.
        close(&world).await;
        let mut ratios = Vec::with_capacity(MONTHS);
        let mut fastest = Duration::MAX;
        for month in 0..=MONTHS {
            let took = close(&world).await;
            let bare = close_raw(&raw, month).expect("the bare loop runs");
            if month > 0 {
                ratios.push(took.as_secs_f64() / bare.as_secs_f64());
                fastest = fastest.min(took);
            }
        }
        verdict("time of a night of closings / of the bare loop", GOAL, &mut ratios);
        println!("    {:.0} closings a second at best", CARDS as f64 / fastest.as_secs_f64());
    }));
    Ok(())
}

/// A card of each person, on which a merchant captured something.
async fn buy(world: &World) {
    let merchant = world.merchant("Quillmere").await;
    for at in 0..CARDS {
        let device = world.holder().await;
        let card = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + at as u128);
        let wanted = json!({"name": "Store card", "limit": {"minor": 1_000_000, "currency": "USD"}, "closing_day": 25});
        device.put(&format!("/api/v1/cards/{card}"), &wanted).await.expect(200);
        let code: serde_json::Value = device.post(&format!("/api/v1/cards/{card}/codes"), &()).await.expect(201).json();
        let linked = merchant.post("/merchant/v1/cards", &json!({"code": code["code"]})).await;
        let token: serde_json::Value = linked.ok();
        let purchase = Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0000 + at as u128);
        let amount = json!({"minor": BOUGHT_MINOR, "currency": "USD"});
        let asked = json!({"card_token": token["card_token"], "amount": amount, "description": "Lamps"});
        merchant.put(&format!("/merchant/v1/purchases/{purchase}"), &asked).await.expect(200);
        let step = Uuid::from_u128(0x0190_0000_0000_7000_a000_0000_0000_0000 + at as u128);
        let captured = json!({"amount": amount, "last": true});
        merchant.put(&format!("/merchant/v1/purchases/{purchase}/captures/{step}"), &captured).await.expect(200);
    }
}

/// Lets a month pass and times the work of the night.
async fn close(world: &World) -> Duration {
    world.advance(SignedDuration::from_hours(31 * 24));
    let began = Instant::now();
    world.work().await;
    began.elapsed()
}

fn prepare_raw(db: &rusqlite::Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE statement (card INTEGER, number INTEGER, figures TEXT, lines TEXT, PRIMARY KEY (card, number))
            WITHOUT ROWID;
         CREATE TABLE entry (id INTEGER PRIMARY KEY, cause TEXT, card INTEGER);
         CREATE TABLE posting (entry INTEGER, position INTEGER, place TEXT, amount INTEGER, PRIMARY KEY (entry, position))
            WITHOUT ROWID;
         CREATE TABLE balance (card INTEGER, place TEXT, amount INTEGER, PRIMARY KEY (card, place)) WITHOUT ROWID;
         CREATE TABLE record (card INTEGER, kind INTEGER, item INTEGER, body TEXT, PRIMARY KEY (card, kind, item))
            WITHOUT ROWID;
         CREATE TABLE job (card INTEGER PRIMARY KEY, due INTEGER);",
    )
}

/// What a closing reads and writes, and nothing else.
fn close_raw(db: &rusqlite::Connection, month: usize) -> rusqlite::Result<Duration> {
    let figures = "x".repeat(1_500);
    let line = "x".repeat(350);
    let month = i64::try_from(month).unwrap_or(0);
    let began = Instant::now();
    for card in 0..i64::try_from(CARDS).unwrap_or(0) {
        db.execute_batch("BEGIN IMMEDIATE")?;
        db.prepare_cached("SELECT figures FROM statement WHERE card = ?1 ORDER BY number DESC LIMIT 1")?
            .query_map([card], |row| row.get::<_, String>(0))?
            .for_each(drop);
        for (position, cause) in [(0, "interest"), (1, "late_fee")] {
            let entry = (month * 1_000 + card) * 2 + position;
            db.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3)")?.execute((entry, cause, card))?;
            for (side, place, amount) in [(0, "outside", -950), (1, "owed", 950)] {
                db.prepare_cached("INSERT INTO posting VALUES (?1, ?2, ?3, ?4)")?
                    .execute((entry, side, place, amount))?;
                db.prepare_cached(
                    "INSERT INTO balance VALUES (?1, ?2, ?3)
                     ON CONFLICT (card, place) DO UPDATE SET amount = amount + excluded.amount",
                )?
                .execute((card, place, amount))?;
            }
            db.prepare_cached("INSERT INTO record VALUES (?1, 4, ?2, ?3)")?.execute((card, entry, &line))?;
        }
        db.prepare_cached("INSERT INTO statement VALUES (?1, ?2, ?3, ?4)")?.execute((card, month, &figures, &line))?;
        db.prepare_cached("INSERT INTO record VALUES (?1, 12, ?2, ?3)")?.execute((card, month, &figures))?;
        db.prepare_cached("INSERT OR REPLACE INTO record VALUES (?1, 0, 0, ?2)")?.execute((card, &figures))?;
        db.prepare_cached("INSERT OR REPLACE INTO job VALUES (?1, ?2)")?.execute((card, month))?;
        db.execute_batch("COMMIT")?;
    }
    Ok(began.elapsed())
}
