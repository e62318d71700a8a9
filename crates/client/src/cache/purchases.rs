//! Purchases on served cards in the cache.

use domain::ids::{AccountId, PurchaseId};
use domain::purchases::Purchase;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};
use crate::pages::Place;

pub(crate) async fn put(tx: &mut Tx, purchase: &Purchase) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO purchase (id, card, asked_at, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    )
    .bind(purchase.id.as_uuid())
    .bind(purchase.card.as_uuid())
    .bind(purchase.asked_at.as_microsecond())
    .bind(to_body(purchase)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn find(db: impl Executor<'_, Database = Sqlite>, id: PurchaseId) -> CacheResult<Option<Purchase>> {
    let body: Option<String> =
        sqlx::query_scalar("SELECT body FROM purchase WHERE id = ?1").bind(id.as_uuid()).fetch_optional(db).await?;
    body.map(|body| from_body(&body)).transpose()
}

/// The newest of a card behind a place.
pub(crate) async fn newest(
    db: impl Executor<'_, Database = Sqlite>,
    card: AccountId,
    behind: Place,
    limit: i64,
) -> CacheResult<Vec<Purchase>> {
    let sql = "SELECT body FROM purchase WHERE card = ?1 AND (asked_at, id) < (?2, ?3)
                ORDER BY asked_at DESC, id DESC LIMIT ?4";
    let bodies: Vec<String> =
        sqlx::query_scalar(sql).bind(card.as_uuid()).bind(behind.at).bind(behind.id).bind(limit).fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

pub(crate) fn place(purchase: &Purchase) -> Place {
    Place { at: purchase.asked_at.as_microsecond(), id: purchase.id.as_uuid() }
}

/// Those of a card of which something is held, the newest first.
pub(crate) async fn held(db: impl Executor<'_, Database = Sqlite>, card: AccountId) -> CacheResult<Vec<Purchase>> {
    let sql = "SELECT body FROM purchase WHERE card = ?1 AND json_extract(body, '$.held.minor') > 0
                ORDER BY asked_at DESC, id DESC";
    let bodies: Vec<String> = sqlx::query_scalar(sql).bind(card.as_uuid()).fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM purchase").execute(&mut **tx).await?;
    Ok(())
}
