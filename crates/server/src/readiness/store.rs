//! Which version of the server's terms a holder accepted.

use domain::ids::HolderId;
use jiff::Timestamp;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine};

pub(super) fn accepted_terms(holder: HolderId) -> impl Read<Answer = Option<String>> {
    const FIND: &str = "SELECT terms_accepted FROM holder WHERE holder_id = $1";
    db::read_row(FIND, [holder.as_uuid().into()], |row: Option<(Option<String>,)>| {
        Ok(row.and_then(|(version,)| version))
    })
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
