//! The row of the server itself: the latest moment that was written, and where its days are meant.

use jiff::Timestamp;

use crate::db::{DbError, DbResult, Tx, on_engine, one, run};

pub(super) async fn note(tx: &mut Tx, now: Timestamp) -> DbResult<Timestamp> {
    const NOTE: &str = "UPDATE server_state SET seen_at = CASE WHEN seen_at < $1 THEN $1 ELSE seen_at END
        RETURNING seen_at";
    let latest: i64 = on_engine!(tx, |db| {
        sqlx::query_scalar(NOTE).bind(now.as_microsecond()).fetch_one(db).await.map_err(DbError::from)
    })?;
    Timestamp::from_microsecond(latest).map_err(|_| DbError::Corrupt("the latest moment"))
}

pub(super) async fn note_zone(tx: &mut Tx, zone: Option<&str>) -> DbResult<()> {
    run!(tx, "UPDATE server_state SET zone = $1", zone).map(drop)
}

pub(super) async fn zone(tx: &mut Tx) -> DbResult<Option<String>> {
    let zone: Option<Option<String>> = one!(tx, "SELECT zone FROM server_state")?;
    Ok(zone.flatten())
}
