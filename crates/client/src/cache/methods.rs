//! Payment methods in the cache, as the server told them.

use domain::ids::MethodId;
use domain::methods::Method;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, to_body};

pub(crate) async fn put(tx: &mut Tx, method: &Method) -> CacheResult<()> {
    sqlx::query("INSERT INTO method (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body")
        .bind(method.id.as_uuid())
        .bind(to_body(method)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn remove(tx: &mut Tx, id: MethodId) -> CacheResult<()> {
    sqlx::query("DELETE FROM method WHERE id = ?1").bind(id.as_uuid()).execute(&mut **tx).await?;
    Ok(())
}

/// In the order in which they were added.
pub(crate) async fn all(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Method>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM method ORDER BY id").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM method").execute(&mut **tx).await?;
    Ok(())
}
