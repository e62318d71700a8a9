//! Wallets.

use client::pages::PageQuery;
use client::wallet::{AutoReloadSetView, WalletMovePage, WalletView};
use domain::ids::{AccountId, TransactionId};
use domain::money::Money;
use domain::wallet::auto_reload::AutoReloadTerms;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn wallets(core: Shared<'_>) -> Answer<Vec<WalletView>> {
    core.touch();
    Ok(core.client.wallets().list().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn wallet_moves(core: Shared<'_>, card: AccountId, query: PageQuery) -> Answer<WalletMovePage> {
    core.touch();
    Ok(core.client.wallets().moves(card, query).await?)
}

/// The id is of the dialog: pressed again in it, nothing is charged twice.
#[tauri::command]
#[specta::specta]
pub async fn wallet_reload(core: Shared<'_>, card: AccountId, amount: Money, id: TransactionId) -> Answer<()> {
    core.touch();
    Ok(core.client.wallets().reload(card, amount, Some(id)).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn wallet_at_checkout(core: Shared<'_>, card: AccountId, on: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.wallets().set_at_checkout(card, on).await?)
}

/// Where a passkey approves, the browser shows the terms.
#[tauri::command]
#[specta::specta]
pub async fn wallet_auto_reload(
    core: Shared<'_>,
    card: AccountId,
    terms: AutoReloadTerms,
) -> Answer<AutoReloadSetView> {
    core.touch();
    Ok(core.client.wallets().set_auto_reload(card, terms, true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn wallet_auto_reload_off(core: Shared<'_>, card: AccountId) -> Answer<()> {
    core.touch();
    Ok(core.client.wallets().end_auto_reload(card).await?)
}
