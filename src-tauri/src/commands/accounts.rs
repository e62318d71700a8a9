//! Accounts, cards and transactions.

use api::accounts::AccountEdit;
use client::accounts::{AccountView, TransactionPage, TransactionQuery};
use client::card::{CardView, PayoffView, PlanEdit};
use domain::card::{CardTerms, Excess};
use domain::ids::{AccountId, PlanId};
use domain::money::Money;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn accounts(core: Shared<'_>) -> Answer<Vec<AccountView>> {
    core.touch();
    Ok(core.client.accounts().list().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn cards(core: Shared<'_>) -> Answer<Vec<CardView>> {
    core.touch();
    Ok(core.client.cards().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn account_rename(core: Shared<'_>, account: AccountId, name: String) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().edit(account, AccountEdit { name: Some(name), ..AccountEdit::default() }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_terms(core: Shared<'_>, account: AccountId, terms: CardTerms) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().edit(account, AccountEdit { terms: Some(terms), ..AccountEdit::default() }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_plan(core: Shared<'_>, account: AccountId, plan: PlanEdit) -> Answer<PlanId> {
    core.touch();
    Ok(core.client.accounts().put_plan(account, plan).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_plan_remove(core: Shared<'_>, account: AccountId, plan: PlanId) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().remove_plan(account, plan).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_excess(core: Shared<'_>, account: AccountId, excess: Excess) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().edit(account, AccountEdit { excess: Some(excess), ..AccountEdit::default() }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_payoff(core: Shared<'_>, account: AccountId, monthly: Option<Money>) -> Answer<PayoffView> {
    core.touch();
    Ok(core.client.payoff(account, monthly).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn transactions(core: Shared<'_>, query: TransactionQuery) -> Answer<TransactionPage> {
    core.touch();
    Ok(core.client.accounts().transactions(query).await?)
}
