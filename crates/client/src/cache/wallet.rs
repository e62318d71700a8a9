//! Wallets of served cards in the cache, as the server told them.

use domain::wallet::Wallet;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};

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

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM wallet").execute(&mut **tx).await?;
    Ok(())
}
