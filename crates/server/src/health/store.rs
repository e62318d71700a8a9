//! The row of the server itself: the latest moment that was written, and where its days are meant.

use jiff::Timestamp;

use crate::db::{DbError, DbResult, Tx, on_engine, one, run};

pub(super) async fn note(tx: &mut Tx, now: Timestamp) -> DbResult<Timestamp> {
    // With the count nothing is written that stands there already.
    const NOTE: &str =
        "UPDATE server_state SET probe = probe + 1, seen_at = CASE WHEN seen_at < $1 THEN $1 ELSE seen_at END
        RETURNING seen_at";
    let latest: i64 = on_engine!(tx, |db| {
        sqlx::query_scalar(NOTE).bind(now.as_microsecond()).fetch_one(db).await.map_err(DbError::from)
    })?;
    Timestamp::from_microsecond(latest).map_err(|_| DbError::Corrupt("the latest moment"))
}

/// What is newer than this moment was written by a clock that was wrong.
pub(super) async fn follow(tx: &mut Tx, now: Timestamp) -> DbResult<()> {
    run!(tx, "UPDATE server_state SET seen_at = $1", now.as_microsecond()).map(drop)
}

/// What the clock of PostgreSQL says.
pub(super) async fn database_time(tx: &mut Tx) -> DbResult<Timestamp> {
    const NOW: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
    let now: i64 = on_engine!(tx, |db| sqlx::query_scalar(NOW).fetch_one(db).await.map_err(DbError::from))?;
    Timestamp::from_microsecond(now).map_err(|_| DbError::Corrupt("the database's time"))
}

/// How often it was written.
#[cfg(test)]
pub(super) async fn probes(tx: &mut Tx) -> DbResult<i64> {
    const PROBES: &str = "SELECT probe FROM server_state";
    on_engine!(tx, |db| sqlx::query_scalar(PROBES).fetch_one(db).await.map_err(DbError::from))
}

pub(super) async fn note_zone(tx: &mut Tx, zone: Option<&str>) -> DbResult<()> {
    run!(tx, "UPDATE server_state SET zone = $1", zone).map(drop)
}

pub(super) async fn zone(tx: &mut Tx) -> DbResult<Option<String>> {
    let zone: Option<Option<String>> = one!(tx, "SELECT zone FROM server_state")?;
    Ok(zone.flatten())
}
