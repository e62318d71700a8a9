//! Rows of the addresses that stand in notices, by the hash of their key.

use domain::ids::HolderId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine};

/// What an address in a message stands for.
pub struct Link {
    pub holder: HolderId,
    /// The number of the entry of the security log.
    pub event: i64,
}

pub async fn put(tx: &mut Tx, hash: &[u8; 32], holder: HolderId, event: i64, ends_at: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO notice_link (link_hash, holder_id, event, expires_at) VALUES ($1, $2, $3, $4)";
    on_engine!(tx, |db| {
        sqlx::query(PUT)
            .bind(hash.as_slice())
            .bind(holder.as_uuid())
            .bind(event)
            .bind(ends_at.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

pub async fn find(tx: &mut Tx, hash: &[u8; 32], now: Timestamp) -> DbResult<Option<Link>> {
    const FIND: &str = "SELECT holder_id, event FROM notice_link WHERE link_hash = $1 AND expires_at > $2";
    read(tx, FIND, hash, now).await
}

/// Takes it: it works once.
pub async fn take(tx: &mut Tx, hash: &[u8; 32], now: Timestamp) -> DbResult<Option<Link>> {
    const TAKE: &str = "DELETE FROM notice_link WHERE link_hash = $1 AND expires_at > $2 RETURNING holder_id, event";
    read(tx, TAKE, hash, now).await
}

async fn read(tx: &mut Tx, sql: &'static str, hash: &[u8; 32], now: Timestamp) -> DbResult<Option<Link>> {
    let row: Option<(Uuid, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(sql)
            .bind(hash.as_slice())
            .bind(now.as_microsecond())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(row.map(|(holder, event)| Link { holder: HolderId::from_uuid(holder), event }))
}

pub async fn sweep(tx: &mut Tx, now: Timestamp) -> DbResult<()> {
    const SWEEP: &str = "DELETE FROM notice_link WHERE expires_at <= $1";
    on_engine!(tx, |db| {
        sqlx::query(SWEEP).bind(now.as_microsecond()).execute(db).await.map(drop).map_err(DbError::from)
    })
}
