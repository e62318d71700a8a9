//! Payments.

use client::payments::{PayBill, PayQuote, PaymentView, SendOn};
use client::security::VisitStarted;
use domain::ids::{BillId, PaymentId};
use domain::money::Money;

use super::bills::date;
use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn payments(core: Shared<'_>) -> Answer<Vec<PaymentView>> {
    core.touch();
    Ok(core.client.payments().list().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn pay_quote(core: Shared<'_>, bill: BillId, due_on: String) -> Answer<PayQuote> {
    core.touch();
    Ok(core.client.payments().quote(bill, date(&due_on)?).await?)
}

/// Pays a bill. Works offline: the order is stored first and sent when possible.
#[tauri::command]
#[specta::specta]
pub async fn pay_bill(core: Shared<'_>, request: PayBill) -> Answer<PaymentView> {
    core.touch();
    Ok(core.client.payments().pay_bill(request).await?)
}

/// Opens the browser on the page where a payment is approved with a passkey.
#[tauri::command]
#[specta::specta]
pub async fn payment_approve(core: Shared<'_>, id: PaymentId) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.payments().approve(id, true).await?)
}

/// Changes a payment that has not left; what was approved is asked for anew.
#[tauri::command]
#[specta::specta]
pub async fn payment_edit(
    core: Shared<'_>,
    id: PaymentId,
    amount: Option<Money>,
    send_on: SendOn,
) -> Answer<PaymentView> {
    core.touch();
    Ok(core.client.payments().edit(id, amount, send_on).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn payment_cancel(core: Shared<'_>, id: PaymentId) -> Answer<PaymentView> {
    core.touch();
    Ok(core.client.payments().cancel(id).await?)
}
