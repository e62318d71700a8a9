//! Rows of the nonces' key and of used proofs. The tables are PostgreSQL's alone: a server on SQLite is one node.

use jiff::Timestamp;

use super::ProofId;
use crate::db::{DbError, DbResult, Tx, on_engine};

pub(super) struct KeyRow {
    pub id: [u8; 16],
    pub secret: [u8; 32],
}

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Used {
    First,
    Again,
    /// The key that its nonce was made with is gone.
    KeyLost,
}

/// The key that is there, or this one when there is none yet.
pub(super) async fn key(tx: &mut Tx, new: &KeyRow) -> DbResult<KeyRow> {
    const ADD: &str = "INSERT INTO proof_key (only_row, key_id, secret) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
    const FIND: &str = "SELECT key_id, secret FROM proof_key WHERE only_row = 1";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(new.id.as_slice())
            .bind(new.secret.as_slice())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })?;
    let (id, secret): (Vec<u8>, Vec<u8>) =
        on_engine!(tx, |db| sqlx::query_as(FIND).fetch_one(db).await.map_err(DbError::from))?;
    let corrupt = |_| DbError::Corrupt("the key of the nonces");
    Ok(KeyRow { id: id.try_into().map_err(corrupt)?, secret: secret.try_into().map_err(corrupt)? })
}

/// Remembers a proof; one statement, since every request of every node makes it.
pub(super) async fn use_up(tx: &mut Tx, key: &[u8; 16], proof: ProofId, ends_at: Timestamp) -> DbResult<Used> {
    const USE: &str = "WITH known AS (SELECT 1 FROM proof_key WHERE key_id = $1),
            used AS (INSERT INTO used_proof (proof_id, ends_at) SELECT $2, $3 FROM known
                     ON CONFLICT DO NOTHING RETURNING 1)
        SELECT EXISTS (SELECT 1 FROM known), EXISTS (SELECT 1 FROM used)";
    let (known, used): (bool, bool) = on_engine!(tx, |db| {
        sqlx::query_as(USE)
            .bind(key.as_slice())
            .bind(proof.as_slice())
            .bind(ends_at.as_microsecond())
            .fetch_one(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(match (known, used) {
        (false, _) => Used::KeyLost,
        (true, true) => Used::First,
        (true, false) => Used::Again,
    })
}

pub(super) async fn sweep(tx: &mut Tx, now: Timestamp) -> DbResult<()> {
    const SWEEP: &str = "DELETE FROM used_proof WHERE ends_at <= $1";
    on_engine!(tx, |db| {
        sqlx::query(SWEEP).bind(now.as_microsecond()).execute(db).await.map(drop).map_err(DbError::from)
    })
}

/// What a crash of the database does to these tables.
#[cfg(test)]
pub(super) async fn forget_all(tx: &mut Tx) -> DbResult<()> {
    on_engine!(tx, |db| {
        sqlx::raw_sql("DELETE FROM proof_key; DELETE FROM used_proof;")
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}
