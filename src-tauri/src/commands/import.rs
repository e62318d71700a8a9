//! Files of other issuers: chosen, looked at, kept or dropped.

use client::import::{ImportOffer, ImportReport};
use client::past_imports::PastImport;
use tauri::AppHandle;

use super::{Answer, Shared};
use crate::os::dialogs;

/// The system's dialog, then what keeping the file would mean; `None` when the person changed their mind.
#[tauri::command]
#[specta::specta]
pub async fn import_choose(app: AppHandle, core: Shared<'_>) -> Answer<Option<ImportOffer>> {
    core.touch();
    let Some(path) = dialogs::choose_import(&app, core.client.language()).await else { return Ok(None) };
    Ok(Some(core.client.import().offer(&path).await?))
}

#[tauri::command]
#[specta::specta]
pub async fn import_confirm(core: Shared<'_>, token: String) -> Answer<ImportReport> {
    core.touch();
    Ok(core.client.import().confirm(&token).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn import_discard(core: Shared<'_>, token: String) -> Answer<()> {
    core.touch();
    core.client.import().discard(&token);
    Ok(())
}

/// What came of the last imports of each account, the newest first.
#[tauri::command]
#[specta::specta]
pub async fn imports(core: Shared<'_>) -> Answer<Vec<PastImport>> {
    core.touch();
    Ok(core.client.import().past().await?)
}
