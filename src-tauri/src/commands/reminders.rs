//! Reminders: what came, what comes, and the system's timer.

use client::email_reminders::EmailRemindersView;
use client::reminders::{ReminderTestView, RemindersView};
use domain::ids::BillId;

use super::bills::date;
use super::{Answer, Shared};

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

/// Takes the whole way of a reminder now; the answer to its notice is told by the change of `reminders`.
#[tauri::command]
#[specta::specta]
pub async fn reminder_test(core: Shared<'_>) -> Answer<ReminderTestView> {
    core.touch();
    Ok(core.client.reminders().test().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn reminder_snooze(core: Shared<'_>, bill: BillId, due_on: String) -> Answer<()> {
    core.touch();
    Ok(core.client.reminders().snooze(bill, date(&due_on)?).await?)
}

/// Whether reminders come by e-mail from the server.
#[tauri::command]
#[specta::specta]
pub async fn email_reminders(core: Shared<'_>) -> Answer<EmailRemindersView> {
    core.touch();
    Ok(core.client.email_reminders().view().await?)
}

/// Switches them on or changes them.
#[tauri::command]
#[specta::specta]
pub async fn email_reminders_set(core: Shared<'_>, details: bool, remind_at: String) -> Answer<EmailRemindersView> {
    core.touch();
    Ok(core.client.email_reminders().set(details, &remind_at).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn email_reminders_end(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.email_reminders().end().await?)
}
