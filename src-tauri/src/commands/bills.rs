//! Bills, their due dates, and the directory of billers.

use api::bills::BillEdit;
use client::bills::{BillsView, MarkAs, NewBill};
use domain::billers::Biller;
use domain::bills::Bill;
use domain::ids::BillId;
use jiff::civil::Date;

use super::{Answer, CommandError, Shared};
use crate::failure::Failure;

#[tauri::command]
#[specta::specta]
pub async fn bills(core: Shared<'_>) -> Answer<BillsView> {
    core.touch();
    Ok(core.client.bills().view().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn bill_add(core: Shared<'_>, bill: NewBill) -> Answer<BillId> {
    core.touch();
    Ok(core.client.bills().add(bill).await?)
}

/// Only what differs is sent, so that another device's edit of another field stays.
#[tauri::command]
#[specta::specta]
pub async fn bill_edit(core: Shared<'_>, bill: Bill) -> Answer<()> {
    core.touch();
    let before = core.client.bills().find(bill.id).await?;
    let id = bill.id;
    Ok(core.client.bills().edit(id, difference(&before, bill)).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn bill_remove(core: Shared<'_>, id: BillId) -> Answer<()> {
    core.touch();
    Ok(core.client.bills().remove(id).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn occurrence_mark(core: Shared<'_>, bill: BillId, due_on: String, mark: MarkAs) -> Answer<()> {
    core.touch();
    Ok(core.client.bills().mark(bill, date(&due_on)?, mark).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn billers(core: Shared<'_>, search: String) -> Answer<Vec<Biller>> {
    core.touch();
    Ok(core.client.billers().search(&search).await?)
}

pub(super) fn date(text: &str) -> Result<Date, CommandError> {
    text.parse().map_err(|_| Failure::refused("invalid_date", "this is not a date", "choose a day").into())
}

fn difference(before: &Bill, after: Bill) -> BillEdit {
    fn changed<T: PartialEq>(before: &T, after: T) -> Option<T> {
        (*before != after).then_some(after)
    }
    BillEdit {
        name: changed(&before.name, after.name),
        amount: changed(&before.amount, after.amount),
        estimated: changed(&before.estimated, after.estimated),
        schedule: changed(&before.schedule, after.schedule),
        biller: changed(&before.biller, after.biller),
        reference: changed(&before.reference, after.reference),
        card: changed(&before.card, after.card),
        remind_days: changed(&before.remind_days, after.remind_days),
        note: changed(&before.note, after.note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_sends_what_differs_and_clears_what_was_emptied() {
        let before: Bill = serde_json::from_value(serde_json::json!({
            "id": "01890000-0000-7000-8000-000000000000", "name": "Rent",
            "amount": { "minor": 95000, "currency": "USD" }, "estimated": false,
            "schedule": { "every": "month", "interval": 1, "day": 1, "starts_on": "2026-01-01", "ends_on": null },
            "biller": null, "reference": null, "card": null, "remind_days": [3, 1], "note": "by post",
        }))
        .unwrap();
        assert_eq!(difference(&before, before.clone()), BillEdit::default());
        let after = Bill { note: None, name: "Home".to_owned(), ..before.clone() };
        let wanted = BillEdit { note: Some(None), name: Some("Home".to_owned()), ..BillEdit::default() };
        assert_eq!(difference(&before, after), wanted);
    }
}
