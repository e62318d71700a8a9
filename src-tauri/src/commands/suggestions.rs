//! Recurring bills that were found in transactions.

use client::suggestions::SuggestionView;
use domain::ids::{BillId, SuggestionId};

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn suggestions(core: Shared<'_>) -> Answer<Vec<SuggestionView>> {
    core.touch();
    Ok(core.client.suggestions().list().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn suggestion_accept(core: Shared<'_>, id: SuggestionId) -> Answer<BillId> {
    core.touch();
    Ok(core.client.suggestions().accept(id).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn suggestion_dismiss(core: Shared<'_>, id: SuggestionId) -> Answer<()> {
    core.touch();
    Ok(core.client.suggestions().dismiss(id).await?)
}

/// Takes a dismissal back.
#[tauri::command]
#[specta::specta]
pub async fn suggestion_restore(core: Shared<'_>, id: SuggestionId) -> Answer<()> {
    core.touch();
    Ok(core.client.suggestions().restore(id).await?)
}
