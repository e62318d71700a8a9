//! P6: the functions that the first screens call, at a million lines, against bare prepared statements on an encrypted
//! database of the same rows and the same size of page cache, plus one empty `SELECT 1` through a pool as the product's.

use std::time::{Duration, Instant};

use client::accounts::TransactionQuery;
use jiff::civil::date;
use rusqlite::Connection;
use sqlx::SqlitePool;

use crate::data;
use crate::jobs::MILLION;
use crate::jobs::import::{load, open};
use crate::jobs::parse::scan;
use crate::pairs::{Work, compare, median};
use crate::world::Device;

/// Calls of one step; the step's time is that of all.
const CALLS: u32 = 50;
const SINGLE_CALLS: usize = 1_000;

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let file = data::ofx_sgml(MILLION);
    let device = runtime.block_on(Device::new())?;
    let began = Instant::now();
    runtime.block_on(device.import(&file, 0))?;
    println!("  loaded {MILLION} lines in {:.1} s", began.elapsed().as_secs_f64());
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let path = folder.path().join("limit.db");
    load(&scan(&file), &path).map_err(|e| e.to_string())?;
    let db = open(&path).map_err(|e| e.to_string())?;
    db.execute_batch(
        "CREATE TABLE m AS SELECT posted_on / 100 AS month, SUM(amount) AS amount, COUNT(*) AS lines FROM t GROUP BY 1;
         CREATE UNIQUE INDEX m_month ON m (month);",
    )
    .map_err(|e| e.to_string())?;
    let pool = runtime.block_on(SqlitePool::connect("sqlite::memory:")).map_err(|e| e.to_string())?;
    let bare = |sql: &str, words: &[&str]| {
        let one: i64 = runtime.block_on(sqlx::query_scalar("SELECT 1").fetch_one(&pool)).map_err(|e| e.to_string())?;
        self::bare(&db, sql, words).map(|count| count + u64::from(one != 1))
    };
    let accounts = device.client.accounts();
    let card = runtime.block_on(accounts.list()).map_err(|e| e.to_string())?[0].account.id;
    let page = |search: Option<&str>, since, until| TransactionQuery {
        account: None,
        search: search.map(str::to_owned),
        since,
        until,
        limit: Some(50),
        after: None,
    };
    let count = |query: TransactionQuery| {
        let found = runtime.block_on(accounts.transactions(query)).map_err(|e| e.to_string())?;
        Ok::<u64, String>(found.items.len() as u64)
    };
    let (since, until) = (Some(date(2025, 6, 1)), Some(date(2025, 6, 30)));
    pair("newest 50", &|| count(page(None, None, None)), &|| {
        bare("SELECT id, posted_on, amount, name, memo FROM t ORDER BY posted_on DESC, id DESC LIMIT 50", &[])
    })?;
    pair("30 days, first 50", &|| count(page(None, since, until)), &|| {
        let sql = "SELECT id, posted_on, amount, name, memo FROM t WHERE posted_on BETWEEN 20250601 AND 20250630
                   ORDER BY posted_on DESC, id DESC LIMIT 50";
        bare(sql, &[])
    })?;
    pair("a word, newest 50", &|| count(page(Some("quartz"), None, None)), &|| {
        let sql = "SELECT t.id, posted_on, amount, t.name, t.memo FROM f JOIN t ON t.id = f.rowid
                   WHERE f MATCH ?1 ORDER BY f.rowid DESC LIMIT 50";
        bare(sql, &["quartz"])
    })?;
    let months = || {
        let found = runtime.block_on(accounts.months(card, date(2024, 1, 1))).map_err(|e| e.to_string())?;
        Ok::<u64, String>(found.len() as u64)
    };
    pair("month totals", &months, &|| bare("SELECT month, amount, lines FROM m ORDER BY month", &[]))?;
    runtime.block_on(pool.close());
    runtime.block_on(device.end())
}

type Ask<'a> = &'a dyn Fn() -> Result<u64, String>;

fn pair(title: &str, product: Ask<'_>, limit: Ask<'_>) -> Result<(), String> {
    let many = |ask: Ask<'_>| -> Result<(Duration, Work), String> {
        let began = Instant::now();
        let mut count = 0;
        for _ in 0..CALLS {
            count = ask()?;
        }
        Ok((began.elapsed(), Work { count, sum: 0 }))
    };
    compare(title, 2.0, Box::new(|| many(product)), Box::new(|| many(limit)))?;
    let mut singles = Vec::with_capacity(SINGLE_CALLS);
    for _ in 0..SINGLE_CALLS {
        let began = Instant::now();
        product()?;
        singles.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let middle = median(&mut singles);
    let p99 = singles[SINGLE_CALLS * 99 / 100];
    println!("    one call: median {middle:.2} ms, p99 {p99:.2} ms of 16.7 ms");
    Ok(())
}

fn bare(db: &Connection, sql: &str, words: &[&str]) -> Result<u64, String> {
    let mut statement = db.prepare_cached(sql).map_err(|e| e.to_string())?;
    let mut rows = statement.query(rusqlite::params_from_iter(words)).map_err(|e| e.to_string())?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(|e| e.to_string())? {
        let first: i64 = row.get(0).map_err(|e| e.to_string())?;
        count += u64::from(first != i64::MIN);
    }
    Ok(count)
}
