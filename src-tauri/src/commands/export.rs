//! Everything out, to a file that the person chooses.

use client::export::{ExportView, Fetched};
use tauri::AppHandle;

use super::{Answer, Shared};
use crate::os::dialogs;

/// Takes everything out, or opens the browser where a passkey has to be shown first.
#[tauri::command]
#[specta::specta]
pub async fn export_everything(app: AppHandle, core: Shared<'_>) -> Answer<ExportView> {
    core.touch();
    let export = core.client.export();
    let archive = match export.fetch(true).await? {
        Fetched::InBrowser(visit) => return Ok(ExportView { saved: false, visit: Some(visit) }),
        Fetched::Archive(archive) => archive,
    };
    let Some(path) = dialogs::choose_save(&app, core.client.language(), dialogs::Saved::Archive, "billfold.zip").await
    else {
        return Ok(ExportView { saved: false, visit: None });
    };
    export.save(archive, path).await?;
    Ok(ExportView { saved: true, visit: None })
}
