//! Statements of closed cycles.

use client::statements::{SavedStatements, StatementsView};
use domain::ids::AccountId;
use tauri::AppHandle;

use super::bills::date;
use super::{Answer, Shared};
use crate::failure::Failure;
use crate::os::dialogs;

#[tauri::command]
#[specta::specta]
pub async fn statements(core: Shared<'_>) -> Answer<StatementsView> {
    core.touch();
    Ok(core.client.statements().view().await?)
}

/// Shows the PDF in the person's own viewer.
#[tauri::command]
#[specta::specta]
pub async fn statement_open(core: Shared<'_>, account: AccountId, closed_on: String) -> Answer<()> {
    core.touch();
    let pdf = core.client.statements().pdf(account, date(&closed_on)?).await?;
    let shown = core.viewer.show(&file_name(&closed_on), &pdf);
    Ok(shown.map_err(|_| Failure::system("no viewer for PDF files could be opened"))?)
}

/// Asks where to, and writes it there; false when the person changed their mind.
#[tauri::command]
#[specta::specta]
pub async fn statement_save(app: AppHandle, core: Shared<'_>, account: AccountId, closed_on: String) -> Answer<bool> {
    core.touch();
    let cycle = date(&closed_on)?;
    let Some(path) =
        dialogs::choose_save(&app, core.client.language(), dialogs::Saved::Statement, &file_name(&closed_on)).await
    else {
        return Ok(false);
    };
    core.client.statements().save_pdf(account, cycle, path).await?;
    Ok(true)
}

/// Asks for a folder and writes every statement of the account there; nothing when the person changed their mind.
#[tauri::command]
#[specta::specta]
pub async fn statements_save_all(
    app: AppHandle,
    core: Shared<'_>,
    account: AccountId,
) -> Answer<Option<SavedStatements>> {
    core.touch();
    let Some(folder) = dialogs::choose_folder(&app, core.client.language()).await else {
        return Ok(None);
    };
    Ok(Some(core.client.statements().save_all(account, folder).await?))
}

fn file_name(closed_on: &str) -> String {
    format!("statement-{closed_on}.pdf")
}
