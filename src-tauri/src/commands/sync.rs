//! Sending and fetching by hand, and what Billfold stands on.

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

#[tauri::command]
#[specta::specta]
pub async fn check(core: Shared<'_>) -> Answer<Vec<CheckLine>> {
    core.touch();
    Ok(check::lines(&core).await)
}
