//! One box over everything.

use client::search::SearchView;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn search(core: Shared<'_>, text: String) -> Answer<SearchView> {
    core.touch();
    Ok(core.client.search(&text).await?)
}
