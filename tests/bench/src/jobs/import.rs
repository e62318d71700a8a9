//! P3 and P4: the product's import into a fresh encrypted cache, and the same file again, against the scan of `parse`
//! plus a bare SQLCipher bulk insert of the same rows with three indexes and a full-text index.

use std::path::Path;

use crate::data;
use crate::jobs::LARGE;
use crate::jobs::parse::{Scanned, scan};
use crate::pairs::{Work, compare, timed};
use crate::world::Device;

pub fn run() -> Result<(), String> {
    let file = data::ofx_sgml(LARGE);
    let sum = data::lines(LARGE).map(|line| line.amount_minor).sum();
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    compare(
        "first import / scan and bare bulk with full text",
        1.5,
        Box::new(|| {
            let device = runtime.block_on(Device::new())?;
            timed(|| runtime.block_on(device.import(&file, sum)))
        }),
        Box::new(|| {
            let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
            timed(|| limit(&file, &folder.path().join("limit.db")))
        }),
    )?;
    let device = runtime.block_on(Device::new())?;
    runtime.block_on(device.import(&file, sum))?;
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let path = folder.path().join("limit.db");
    limit(&file, &path)?;
    compare(
        "same file again / scan and conflict check",
        3.0,
        Box::new(|| timed(|| runtime.block_on(device.import(&file, sum)))),
        Box::new(|| timed(|| again(&file, &path))),
    )?;
    runtime.block_on(device.end())
}

fn limit(file: &[u8], path: &Path) -> Result<Work, String> {
    let records = scan(file);
    let work = Work { count: records.len() as u64, sum: records.iter().map(|r| r.amount_minor).sum() };
    load(&records, path).map_err(|e| e.to_string())?;
    Ok(work)
}

pub(super) fn load(records: &[Scanned], path: &Path) -> rusqlite::Result<()> {
    let mut db = open(path)?;
    db.execute_batch(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, posted_on INTEGER, amount INTEGER, name TEXT, memo TEXT, source TEXT);
         CREATE VIRTUAL TABLE f USING fts5 (name, memo, content='t', content_rowid='id',
           tokenize='unicode61 remove_diacritics 2', prefix='2 3');",
    )?;
    let tx = db.transaction()?;
    {
        let mut insert = tx.prepare("INSERT INTO t (posted_on, amount, name, memo, source) VALUES (?1,?2,?3,?4,?5)")?;
        for r in records {
            insert.execute(rusqlite::params![r.date, r.amount_minor, r.name, r.memo, r.fitid])?;
        }
    }
    tx.execute_batch(
        "CREATE UNIQUE INDEX t_source ON t (source);
         CREATE INDEX t_day ON t (posted_on, id);
         CREATE INDEX t_amount ON t (amount, posted_on);
         INSERT INTO f (f) VALUES ('rebuild');",
    )?;
    tx.commit()
}

fn again(file: &[u8], path: &Path) -> Result<Work, String> {
    let records = scan(file);
    let added = insert_again(&records, path).map_err(|e| e.to_string())?;
    // Nothing new: what the product must report too.
    Ok(Work { count: added, sum: 0 })
}

fn insert_again(records: &[Scanned], path: &Path) -> rusqlite::Result<u64> {
    let mut db = open(path)?;
    let tx = db.transaction()?;
    let mut added = 0;
    {
        let mut insert = tx.prepare(
            "INSERT INTO t (posted_on, amount, name, memo, source) VALUES (?1,?2,?3,?4,?5) ON CONFLICT DO NOTHING",
        )?;
        for r in records {
            added += insert.execute(rusqlite::params![r.date, r.amount_minor, r.name, r.memo, r.fitid])? as u64;
        }
    }
    tx.commit()?;
    Ok(added)
}

pub(super) fn open(path: &Path) -> rusqlite::Result<rusqlite::Connection> {
    let db = rusqlite::Connection::open(path)?;
    db.execute_batch(
        "PRAGMA key = \"x'2dd29ca851e7b56e4697b0e1f08507293d761a05ce4d1b628663f411a8086d99'\";
         PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -64000; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(db)
}
