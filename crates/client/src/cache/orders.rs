//! Orders in the cache.

use domain::ids::OrderId;
use domain::orders::Order;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};
use crate::pages::Place;

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

pub(crate) async fn find(db: impl Executor<'_, Database = Sqlite>, id: OrderId) -> CacheResult<Option<Order>> {
    let body: Option<String> = sqlx::query_scalar("SELECT body FROM merchant_order WHERE id = ?1")
        .bind(id.as_uuid())
        .fetch_optional(db)
        .await?;
    body.map(|body| from_body(&body)).transpose()
}

/// The newest behind a place.
pub(crate) async fn newest(
    db: impl Executor<'_, Database = Sqlite>,
    behind: Place,
    limit: i64,
) -> CacheResult<Vec<Order>> {
    let sql = "SELECT body FROM merchant_order WHERE (placed_at, id) < (?1, ?2)
                ORDER BY placed_at DESC, id DESC LIMIT ?3";
    let bodies: Vec<String> = sqlx::query_scalar(sql).bind(behind.at).bind(behind.id).bind(limit).fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

pub(crate) fn place(order: &Order) -> Place {
    Place { at: order.told.placed_at.as_microsecond(), id: order.id.as_uuid() }
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM merchant_order").execute(&mut **tx).await?;
    Ok(())
}
