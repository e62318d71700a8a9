//! Wallets.

use client::wallet::WalletView;
use domain::ids::AccountId;
use domain::money::Money;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn wallets(core: Shared<'_>) -> Answer<Vec<WalletView>> {
    core.touch();
    Ok(core.client.wallets().list().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn wallet_reload(core: Shared<'_>, card: AccountId, amount: Money) -> Answer<()> {
    core.touch();
    Ok(core.client.wallets().reload(card, amount).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn wallet_at_checkout(core: Shared<'_>, card: AccountId, on: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.wallets().set_at_checkout(card, on).await?)
}
