//! The security log in the cache.

use domain::security::SecurityEvent;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, state, to_body};

/// The number of an entry that the server told twice, differently.
const CHANGED: &str = "security_changed";

pub(crate) async fn put(tx: &mut Tx, event: &SecurityEvent) -> CacheResult<()> {
    let body = to_body(event)?;
    let kept: Option<String> = sqlx::query_scalar("SELECT body FROM security_event WHERE number = ?1")
        .bind(event.number)
        .fetch_optional(&mut **tx)
        .await?;
    match kept {
        Some(kept) if kept != body => state::put(&mut **tx, CHANGED, &event.number).await,
        Some(_) => Ok(()),
        None => {
            sqlx::query("INSERT INTO security_event (number, body) VALUES (?1, ?2)")
                .bind(event.number)
                .bind(body)
                .execute(&mut **tx)
                .await?;
            Ok(())
        }
    }
}

/// The whole log, oldest first.
pub(crate) async fn log(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<SecurityEvent>> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM security_event ORDER BY number").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

pub(crate) async fn changed(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Option<i64>> {
    state::find(db, CHANGED).await
}
