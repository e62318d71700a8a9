//! Rewards.

use client::rewards::RewardsView;
use domain::ids::{AccountId, TransactionId};
use domain::money::Money;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn rewards(core: Shared<'_>) -> Answer<Vec<RewardsView>> {
    core.touch();
    Ok(core.client.rewards().list().await?)
}

/// The id is of the dialog: pressed again in it, nothing is used twice.
#[tauri::command]
#[specta::specta]
pub async fn rewards_use(core: Shared<'_>, card: AccountId, amount: Money, id: TransactionId) -> Answer<()> {
    core.touch();
    Ok(core.client.rewards().use_now(card, amount, Some(id)).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn rewards_at_checkout(core: Shared<'_>, card: AccountId, on: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.rewards().set_at_checkout(card, on).await?)
}
