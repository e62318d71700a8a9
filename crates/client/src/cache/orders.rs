//! Orders in the cache.

use domain::orders::Order;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};

pub(crate) async fn put(tx: &mut Tx, order: &Order) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO merchant_order (id, placed_at, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET placed_at = excluded.placed_at, body = excluded.body",
    )
    .bind(order.id.as_uuid())
    .bind(order.told.placed_at.as_microsecond())
    .bind(to_body(order)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn newest(db: impl Executor<'_, Database = Sqlite>, limit: i64) -> CacheResult<Vec<Order>> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM merchant_order ORDER BY placed_at DESC, id DESC LIMIT ?1")
            .bind(limit)
            .fetch_all(db)
            .await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM merchant_order").execute(&mut **tx).await?;
    Ok(())
}
