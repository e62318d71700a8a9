//! Somebody from support on the line: their code, what they see, and what was done.

use client::support::{SupportCheckView, SupportOverview, SupportSightView};
use domain::ids::{SupportCheckId, SupportViewId};

use super::{Answer, Shared};

/// Who of support sees what just now, and every case.
#[tauri::command]
#[specta::specta]
pub async fn support(core: Shared<'_>) -> Answer<SupportOverview> {
    core.touch();
    Ok(core.client.support().overview().await?)
}

/// Whether the code that somebody reads out is one of support.
#[tauri::command]
#[specta::specta]
pub async fn support_check(core: Shared<'_>, code: String) -> Answer<SupportCheckView> {
    core.touch();
    Ok(core.client.support().check(&code).await?)
}

/// Lets them see it for a while, or not.
#[tauri::command]
#[specta::specta]
pub async fn support_answer(core: Shared<'_>, id: SupportCheckId, allow: bool) -> Answer<Option<SupportSightView>> {
    core.touch();
    Ok(core.client.support().answer(id, allow).await?)
}

/// Closes what they see, at once.
#[tauri::command]
#[specta::specta]
pub async fn support_end(core: Shared<'_>, id: SupportViewId) -> Answer<()> {
    core.touch();
    Ok(core.client.support().end(id).await?)
}
