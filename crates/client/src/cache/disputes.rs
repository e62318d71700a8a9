//! Disputes of charges in the cache, as the server told them.

use domain::disputes::Dispute;
use domain::ids::AccountId;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};

pub(crate) async fn put(tx: &mut Tx, dispute: &Dispute) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO dispute (id, card, opened_at, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    )
    .bind(dispute.id.as_uuid())
    .bind(dispute.card.as_uuid())
    .bind(dispute.opened_at.as_microsecond())
    .bind(to_body(dispute)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The newest of a card.
pub(crate) async fn newest(
    db: impl Executor<'_, Database = Sqlite>,
    card: AccountId,
    limit: i64,
) -> CacheResult<Vec<Dispute>> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM dispute WHERE card = ?1 ORDER BY opened_at DESC, id DESC LIMIT ?2")
            .bind(card.as_uuid())
            .bind(limit)
            .fetch_all(db)
            .await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM dispute").execute(&mut **tx).await?;
    Ok(())
}
