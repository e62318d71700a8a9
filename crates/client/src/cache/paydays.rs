//! Incomes in the cache, and what is wanted of the plan.

use domain::ids::IncomeId;
use domain::paydays::Income;
use domain::plan::PlanWishes;
use sqlx::{Executor, Sqlite};

use super::{CacheResult, Tx, from_body, state, to_body};

pub(crate) async fn put(tx: &mut Tx, income: &Income) -> CacheResult<()> {
    sqlx::query("INSERT INTO income (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body")
        .bind(income.id.as_uuid())
        .bind(to_body(income)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn remove(tx: &mut Tx, id: IncomeId) -> CacheResult<()> {
    sqlx::query("DELETE FROM income WHERE id = ?1").bind(id.as_uuid()).execute(&mut **tx).await?;
    Ok(())
}

/// In the order in which they were made.
pub(crate) async fn all(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Income>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM income ORDER BY id").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

pub(crate) async fn wish(tx: &mut Tx, wishes: PlanWishes) -> CacheResult<()> {
    state::put(&mut **tx, state::PLAN_WISHES, &wishes).await
}

pub(crate) async fn wishes(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<PlanWishes> {
    Ok(state::find(db, state::PLAN_WISHES).await?.unwrap_or_default())
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM income").execute(&mut **tx).await?;
    state::remove(&mut **tx, state::PLAN_WISHES).await
}
