//! Pay days, and the plan that is made of them.

use client::paydays::NewIncome;
use client::plan::PayPlanView;
use domain::ids::IncomeId;
use domain::plan::PlanWishes;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn plan(core: Shared<'_>) -> Answer<PayPlanView> {
    core.touch();
    Ok(core.client.plan().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn plan_wish(core: Shared<'_>, wishes: PlanWishes) -> Answer<()> {
    core.touch();
    Ok(core.client.paydays().wish(wishes.account, wishes.keep, wishes.pace).await?)
}

/// Adds an income, or changes the one of this id.
#[tauri::command]
#[specta::specta]
pub async fn income_put(core: Shared<'_>, id: Option<IncomeId>, income: NewIncome) -> Answer<IncomeId> {
    core.touch();
    Ok(core.client.paydays().put(id, income).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn income_remove(core: Shared<'_>, id: IncomeId) -> Answer<()> {
    core.touch();
    Ok(core.client.paydays().remove(id).await?)
}

/// The next pay days of an income that is being typed.
#[tauri::command]
#[specta::specta]
pub async fn income_dates(core: Shared<'_>, income: NewIncome) -> Answer<Vec<String>> {
    core.touch();
    let days = core.client.paydays().next_days(income)?;
    Ok(days.into_iter().map(|day| day.to_string()).collect())
}
