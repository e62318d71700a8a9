//! Bills and cards that are paid by themselves, in the cache, as the server told them. The column `bill` is the id of either.

use domain::autopay::{Autopay, AutopayOf};
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};

pub(crate) async fn put(tx: &mut Tx, autopay: &Autopay) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO autopay (bill, body) VALUES (?1, ?2) ON CONFLICT (bill) DO UPDATE SET body = excluded.body",
    )
    .bind(autopay.of.as_uuid())
    .bind(to_body(autopay)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn remove(tx: &mut Tx, of: AutopayOf) -> CacheResult<()> {
    sqlx::query("DELETE FROM autopay WHERE bill = ?1").bind(of.as_uuid()).execute(&mut **tx).await?;
    Ok(())
}

/// In the order in which what they pay was made.
pub(crate) async fn all(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Autopay>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM autopay ORDER BY bill").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM autopay").execute(&mut **tx).await?;
    Ok(())
}
