//! Sending and fetching by hand, and what Billfold stands on.

use domain::ids::MutationId;

use super::{Answer, Shared};
use crate::check::{self, CheckLine};

#[tauri::command]
#[specta::specta]
pub async fn sync_now(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.sync().await?)
}

/// What the server did not take was read.
#[tauri::command]
#[specta::specta]
pub async fn refusals_seen(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.sync().refusals_seen().await?)
}

/// Queues what was refused once more.
#[tauri::command]
#[specta::specta]
pub async fn refusal_put_back(core: Shared<'_>, id: MutationId) -> Answer<()> {
    core.touch();
    Ok(core.client.sync().put_back(id).await?)
}

/// Lets what was refused go; lines of an import leave this computer.
#[tauri::command]
#[specta::specta]
pub async fn refusal_let_go(core: Shared<'_>, id: MutationId) -> Answer<()> {
    core.touch();
    Ok(core.client.sync().let_go(id).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn check(core: Shared<'_>) -> Answer<Vec<CheckLine>> {
    core.touch();
    Ok(check::lines(&core).await)
}
