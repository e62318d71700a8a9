//! Stored answers.

use domain::ids::HolderId;
use jiff::Timestamp;

use crate::db::{DbError, DbResult, Tx, on_engine};

/// Fingerprint, status and body of the answer that was given.
pub async fn find(tx: &mut Tx, holder: HolderId, route: &str, key: &str) -> DbResult<Option<(Vec<u8>, i64, String)>> {
    const FIND: &str =
        "SELECT fingerprint, status, reply FROM idempotency WHERE holder_id = $1 AND route = $2 AND key = $3";
    on_engine!(tx, |db| {
        sqlx::query_as(FIND)
            .bind(holder.as_uuid())
            .bind(route)
            .bind(key)
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })
}

#[expect(clippy::too_many_arguments, reason = "one argument a column")]
pub async fn put(
    tx: &mut Tx,
    holder: HolderId,
    route: &str,
    key: &str,
    fingerprint: &[u8; 32],
    status: u16,
    reply: &str,
    now: i64,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO idempotency (holder_id, route, key, fingerprint, status, reply, created_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on_engine!(tx, |db| {
        sqlx::query(PUT)
            .bind(holder.as_uuid())
            .bind(route)
            .bind(key)
            .bind(fingerprint.as_slice())
            .bind(i64::from(status))
            .bind(reply)
            .bind(now)
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

pub async fn sweep(tx: &mut Tx, before: Timestamp) -> DbResult<()> {
    on_engine!(tx, |db| {
        sqlx::query("DELETE FROM idempotency WHERE created_at < $1")
            .bind(before.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}
