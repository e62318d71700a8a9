//! Bills, their due dates, and the directory of billers.

use client::billers::{BillerView, NewBiller};
use client::bills::{BillsView, EditScope, MarkAs, NewBill, Undone};
use domain::bills::Bill;
use domain::ids::{BillId, BillerId, MutationId};
use domain::schedule::Schedule;
use jiff::civil::Date;

use super::{Answer, CommandError, Shared};
use crate::failure::Failure;

#[tauri::command]
#[specta::specta]
pub async fn bills(core: Shared<'_>) -> Answer<BillsView> {
    core.touch();
    Ok(core.client.bills().view().await?)
}

/// The next dates of a rule that is being typed.
#[tauri::command]
#[specta::specta]
pub async fn schedule_dates(core: Shared<'_>, schedule: Schedule) -> Answer<Vec<String>> {
    core.touch();
    let dates = core.client.bills().next_dates(&schedule)?;
    Ok(dates.into_iter().map(|date| date.to_string()).collect())
}

#[tauri::command]
#[specta::specta]
pub async fn bill_add(core: Shared<'_>, bill: NewBill) -> Answer<BillId> {
    core.touch();
    Ok(core.client.bills().add(bill).await?)
}

/// For all dates or from one on; only what differs from `before`, the bill as it was shown, is sent, so that another
/// device's edit of another field stays.
#[tauri::command]
#[specta::specta]
pub async fn bill_edit(core: Shared<'_>, before: Bill, bill: Bill, scope: EditScope) -> Answer<()> {
    core.touch();
    Ok(core.client.bills().edit_whole(before, bill, scope).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn bill_pause(core: Shared<'_>, id: BillId, from: String, until: Option<String>) -> Answer<()> {
    core.touch();
    let until = until.as_deref().map(date).transpose()?;
    Ok(core.client.bills().pause(id, date(&from)?, until).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn bill_resume(core: Shared<'_>, id: BillId) -> Answer<()> {
    core.touch();
    Ok(core.client.bills().resume(id).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn bill_remove(core: Shared<'_>, id: BillId) -> Answer<()> {
    core.touch();
    Ok(core.client.bills().remove(id).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn occurrence_mark(core: Shared<'_>, bill: BillId, due_on: String, mark: MarkAs) -> Answer<MutationId> {
    core.touch();
    Ok(core.client.bills().mark(bill, date(&due_on)?, mark).await?)
}

/// Takes back what was said about one due date: one thing by its id, else the last one.
#[tauri::command]
#[specta::specta]
pub async fn occurrence_undo(
    core: Shared<'_>,
    bill: BillId,
    due_on: String,
    change: Option<MutationId>,
) -> Answer<Undone> {
    core.touch();
    Ok(core.client.bills().undo(bill, date(&due_on)?, change).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn billers(core: Shared<'_>, search: String) -> Answer<Vec<BillerView>> {
    core.touch();
    Ok(core.client.billers().search(&search).await?)
}

/// Adds a biller of the person's own, or changes the one of this id.
#[tauri::command]
#[specta::specta]
pub async fn biller_put(core: Shared<'_>, id: Option<BillerId>, biller: NewBiller) -> Answer<BillerId> {
    core.touch();
    Ok(core.client.billers().put(id, biller).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn biller_remove(core: Shared<'_>, id: BillerId) -> Answer<()> {
    core.touch();
    Ok(core.client.billers().remove(id).await?)
}

pub(super) fn date(text: &str) -> Result<Date, CommandError> {
    text.parse().map_err(|_| Failure::refused("invalid_date", "this is not a date", "choose a day").into())
}
