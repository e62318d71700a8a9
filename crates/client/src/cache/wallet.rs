//! Wallets of served cards in the cache, as the server told them.

use domain::ids::AccountId;
use domain::wallet::{Wallet, WalletMoved};
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};
use crate::pages::Place;

pub(crate) async fn put(tx: &mut Tx, wallet: &Wallet) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO wallet (card, body) VALUES (?1, ?2) ON CONFLICT (card) DO UPDATE SET body = excluded.body",
    )
    .bind(wallet.card.as_uuid())
    .bind(to_body(wallet)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn all(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Wallet>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM wallet ORDER BY card").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// It never changes once it is told.
pub(crate) async fn put_move(tx: &mut Tx, moved: &WalletMoved) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO wallet_move (id, card, moved_at, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    )
    .bind(moved.what.id.as_uuid())
    .bind(moved.card.as_uuid())
    .bind(moved.at.as_microsecond())
    .bind(to_body(moved)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The newest moves of a card's wallet behind a place.
pub(crate) async fn newest_moves(
    db: impl Executor<'_, Database = Sqlite>,
    card: AccountId,
    behind: Place,
    limit: i64,
) -> CacheResult<Vec<WalletMoved>> {
    let sql = "SELECT body FROM wallet_move WHERE card = ?1 AND (moved_at, id) < (?2, ?3)
                ORDER BY moved_at DESC, id DESC LIMIT ?4";
    let bodies: Vec<String> =
        sqlx::query_scalar(sql).bind(card.as_uuid()).bind(behind.at).bind(behind.id).bind(limit).fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

pub(crate) fn place(moved: &WalletMoved) -> Place {
    Place { at: moved.at.as_microsecond(), id: moved.what.id.as_uuid() }
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM wallet").execute(&mut **tx).await?;
    sqlx::query("DELETE FROM wallet_move").execute(&mut **tx).await?;
    Ok(())
}
