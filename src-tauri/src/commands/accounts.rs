//! Accounts, cards and transactions.

use api::accounts::AccountEdit;
use client::accounts::{AccountView, TransactionPage, TransactionQuery};
use client::card::CardView;
use domain::card::CardTerms;
use domain::ids::AccountId;

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
    Ok(core.client.accounts().edit(account, AccountEdit { name: Some(name), terms: None }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_terms(core: Shared<'_>, account: AccountId, terms: CardTerms) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().edit(account, AccountEdit { name: None, terms: Some(terms) }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn transactions(core: Shared<'_>, query: TransactionQuery) -> Answer<TransactionPage> {
    core.touch();
    Ok(core.client.accounts().transactions(query).await?)
}
