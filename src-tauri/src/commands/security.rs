//! The security log, and "Was this you?".

use client::security::SecurityView;
use tauri::AppHandle;

use super::{Answer, Shared};
use crate::os::dialogs;

#[tauri::command]
#[specta::specta]
pub async fn security(core: Shared<'_>) -> Answer<SecurityView> {
    core.touch();
    Ok(core.client.security().log().await?)
}

/// Answers about an entry that asks; a no signs its device out.
#[tauri::command]
#[specta::specta]
pub async fn security_answer(core: Shared<'_>, number: i64, mine: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.security().answer(number, mine).await?)
}

/// Asks where to, and writes the log there as a table; false when the person changed their mind.
#[tauri::command]
#[specta::specta]
pub async fn security_save(app: AppHandle, core: Shared<'_>) -> Answer<bool> {
    core.touch();
    let Some(path) = dialogs::choose_save(&app, dialogs::Saved::Table, "security-log.csv").await else {
        return Ok(false);
    };
    core.client.security().save(path).await?;
    Ok(true)
}
