//! Due dates in other calendars.

use client::calendar_feed::CalendarFeedView;
use tauri::AppHandle;

use super::{Answer, Shared};
use crate::os::dialogs;

#[tauri::command]
#[specta::specta]
pub async fn calendar_feed(core: Shared<'_>) -> Answer<CalendarFeedView> {
    core.touch();
    Ok(core.client.calendar_feed().view().await?)
}

/// Makes an address, which is shown this once; one of before ends.
#[tauri::command]
#[specta::specta]
pub async fn calendar_feed_address(core: Shared<'_>, amounts: bool, remind_at: String) -> Answer<String> {
    core.touch();
    Ok(core.client.calendar_feed().make_address(amounts, &remind_at).await?)
}

/// Changes what stands under the address that is there.
#[tauri::command]
#[specta::specta]
pub async fn calendar_feed_change(core: Shared<'_>, amounts: bool, remind_at: String) -> Answer<()> {
    core.touch();
    Ok(core.client.calendar_feed().change(amounts, &remind_at).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn calendar_feed_end(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.calendar_feed().end().await?)
}

/// Asks where to, and writes it there; false when the person changed their mind.
#[tauri::command]
#[specta::specta]
pub async fn calendar_feed_save(app: AppHandle, core: Shared<'_>) -> Answer<bool> {
    core.touch();
    let Some(path) = dialogs::choose_save(&app, core.client.language(), dialogs::Saved::Calendar, "billfold.ics").await
    else {
        return Ok(false);
    };
    core.client.calendar_feed().save(path).await?;
    Ok(true)
}
