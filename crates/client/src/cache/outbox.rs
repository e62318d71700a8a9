//! Rows of the outbox: changes that the server does not have yet, in their order.

use sqlx::{Executor, Sqlite};

use super::{CacheError, CacheResult, Tx, from_body, to_body};
use crate::outbox::Entry;

/// Changes that may wait at once.
const WAITING_MAX: i64 = 10_000;

/// An entry with its place in the queue.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub number: i64,
    pub entry: Entry,
    /// A request was begun at least once.
    pub tried: bool,
}

pub(crate) async fn add(tx: &mut Tx, entry: &Entry) -> CacheResult<()> {
    if count(&mut **tx).await? >= WAITING_MAX {
        return Err(CacheError::TooMany);
    }
    sqlx::query("INSERT INTO outbox (body) VALUES (?1)").bind(to_body(entry)?).execute(&mut **tx).await?;
    Ok(())
}

/// In order.
pub(crate) async fn all(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Waiting>> {
    let rows: Vec<(i64, String, bool)> =
        sqlx::query_as("SELECT number, body, tried <> 0 FROM outbox ORDER BY number").fetch_all(db).await?;
    rows.into_iter().map(|(number, body, tried)| Ok(Waiting { number, entry: from_body(&body)?, tried })).collect()
}

pub(crate) async fn first(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Option<Waiting>> {
    let row: Option<(i64, String, bool)> =
        sqlx::query_as("SELECT number, body, tried <> 0 FROM outbox ORDER BY number LIMIT 1")
            .fetch_optional(db)
            .await?;
    row.map(|(number, body, tried)| Ok(Waiting { number, entry: from_body(&body)?, tried })).transpose()
}

pub(crate) async fn count(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(db).await?)
}

/// The same change with something in it named otherwise; its place stays.
pub(crate) async fn replace(tx: &mut Tx, number: i64, entry: &Entry) -> CacheResult<()> {
    sqlx::query("UPDATE outbox SET body = ?2 WHERE number = ?1")
        .bind(number)
        .bind(to_body(entry)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn mark_tried(tx: &mut Tx, number: i64) -> CacheResult<()> {
    sqlx::query("UPDATE outbox SET tried = 1 WHERE number = ?1").bind(number).execute(&mut **tx).await?;
    Ok(())
}

pub(crate) async fn mark_untried(tx: &mut Tx, number: i64) -> CacheResult<()> {
    sqlx::query("UPDATE outbox SET tried = 0 WHERE number = ?1").bind(number).execute(&mut **tx).await?;
    Ok(())
}

pub(crate) async fn remove(tx: &mut Tx, number: i64) -> CacheResult<()> {
    sqlx::query("DELETE FROM outbox WHERE number = ?1").bind(number).execute(&mut **tx).await?;
    Ok(())
}

pub(crate) async fn mark_all_tried(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("UPDATE outbox SET tried = 1").execute(&mut **tx).await?;
    Ok(())
}
