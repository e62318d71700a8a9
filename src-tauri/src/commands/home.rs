//! The first screen.

use client::home::HomeView;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn home(core: Shared<'_>) -> Answer<HomeView> {
    core.touch();
    Ok(core.client.home().await?)
}
