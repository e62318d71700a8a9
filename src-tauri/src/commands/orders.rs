//! Orders at merchants.

use client::orders::OrderView;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn orders(core: Shared<'_>) -> Answer<Vec<OrderView>> {
    core.touch();
    Ok(core.client.orders().await?)
}
