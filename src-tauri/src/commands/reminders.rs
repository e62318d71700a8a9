//! Reminders: what came, what comes, and the system's timer.

use client::platform::{Notice, NoticeAction};
use client::reminders::RemindersView;
use domain::ids::BillId;

use super::bills::date;
use super::{Answer, Shared};
use crate::failure::Failure;

#[tauri::command]
#[specta::specta]
pub async fn reminders(core: Shared<'_>) -> Answer<RemindersView> {
    core.touch();
    Ok(core.client.reminders().view(core.timer_state().await).await?)
}

/// Switches the system's own timer, which reminds while the app is closed.
#[tauri::command]
#[specta::specta]
pub async fn reminders_timer(core: Shared<'_>, on: bool) -> Answer<()> {
    core.touch();
    Ok(core.set_timer(on).await?)
}

/// Shows a notice now, so that the person sees whether they come through.
#[tauri::command]
#[specta::specta]
pub async fn reminder_test(core: Shared<'_>) -> Answer<()> {
    core.touch();
    let notice = Notice {
        id: "test".to_owned(),
        title: "Reminders look like this".to_owned(),
        body: "Nothing is due because of it.".to_owned(),
        actions: vec![NoticeAction::Open],
        urgent: false,
    };
    let shown = core.show_notice(notice).await;
    Ok(shown.map_err(|error| Failure::system(error.to_string()))?)
}

#[tauri::command]
#[specta::specta]
pub async fn reminder_snooze(core: Shared<'_>, bill: BillId, due_on: String) -> Answer<()> {
    core.touch();
    Ok(core.client.reminders().snooze(bill, date(&due_on)?).await?)
}
