//! Orders at merchants.

use client::orders::{OrderPage, OrderView};
use client::pages::PageQuery;
use domain::ids::OrderId;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn orders(core: Shared<'_>, query: PageQuery) -> Answer<OrderPage> {
    core.touch();
    Ok(core.client.orders(query).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn order(core: Shared<'_>, id: OrderId) -> Answer<OrderView> {
    core.touch();
    Ok(core.client.order(id).await?)
}
