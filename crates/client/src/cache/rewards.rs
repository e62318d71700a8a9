//! Rewards of served cards in the cache, as the server told them.

use domain::rewards::Reward;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};

pub(crate) async fn put(tx: &mut Tx, reward: &Reward) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO reward (charge, charged_on, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (charge) DO UPDATE SET body = excluded.body",
    )
    .bind(reward.charge.as_uuid())
    .bind(reward.charged_on.to_string())
    .bind(to_body(reward)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The newest charge first.
pub(crate) async fn all(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Reward>> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM reward ORDER BY charged_on DESC, charge DESC").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM reward").execute(&mut **tx).await?;
    Ok(())
}
