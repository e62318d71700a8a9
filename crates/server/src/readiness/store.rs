//! Which version of the server's terms a holder accepted.

use domain::ids::HolderId;
use jiff::Timestamp;

use crate::db::{DbError, DbResult, Tx, on_engine};

pub(super) async fn accepted_terms(tx: &mut Tx, holder: HolderId) -> DbResult<Option<String>> {
    const FIND: &str = "SELECT terms_accepted FROM holder WHERE holder_id = $1";
    let row: Option<Option<String>> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND).bind(holder.as_uuid()).fetch_optional(db).await.map_err(DbError::from)
    })?;
    Ok(row.flatten())
}

pub(super) async fn accept_terms(tx: &mut Tx, holder: HolderId, version: &str, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE holder SET terms_accepted = $2, terms_accepted_at = $3 WHERE holder_id = $1";
    on_engine!(tx, |db| {
        sqlx::query(SET)
            .bind(holder.as_uuid())
            .bind(version)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}
