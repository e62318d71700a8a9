//! Payments.

use client::card::CardQuote;
use client::payments::{LimitsSet, LimitsView, PayBill, PayQuote, PaymentDraft, PaymentView, SendOn};
use client::readiness::ReadinessView;
use client::security::VisitStarted;
use domain::card::Share;
use domain::ids::{AccountId, BillId, PaymentId};
use domain::money::Money;
use domain::policy::Limits;

use super::bills::date;
use super::{Answer, Shared};
use crate::failure::Failure;

#[tauri::command]
#[specta::specta]
pub async fn payments(core: Shared<'_>) -> Answer<Vec<PaymentView>> {
    core.touch();
    Ok(core.client.payments().list().await?)
}

/// The payment that was being entered when it locked.
#[tauri::command]
#[specta::specta]
pub async fn payment_draft(core: Shared<'_>) -> Answer<Option<PaymentDraft>> {
    core.touch();
    Ok(core.client.payments().draft().await?)
}

/// Keeps what is being entered, or drops it.
#[tauri::command]
#[specta::specta]
pub async fn payment_draft_keep(core: Shared<'_>, draft: Option<PaymentDraft>) -> Answer<()> {
    core.touch();
    Ok(core.client.payments().keep_draft(draft).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn pay_quote(core: Shared<'_>, bill: BillId, due_on: String, send_on: Option<String>) -> Answer<PayQuote> {
    core.touch();
    let send_on = send_on.as_deref().map(date).transpose()?;
    Ok(core.client.payments().quote(bill, date(&due_on)?, send_on).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_quote(core: Shared<'_>, card: AccountId) -> Answer<CardQuote> {
    core.touch();
    Ok(core.client.payments().card_quote(card).await?)
}

/// Where a payment of so much would go among a card's balances.
#[tauri::command]
#[specta::specta]
pub async fn card_shares(core: Shared<'_>, card: AccountId, amount: Money) -> Answer<Vec<Share>> {
    core.touch();
    Ok(core.client.payments().card_shares(card, amount).await?)
}

/// Pays a bill. Works offline: the order is stored first and sent when possible.
#[tauri::command]
#[specta::specta]
pub async fn pay_bill(core: Shared<'_>, request: PayBill) -> Answer<PaymentView> {
    core.touch();
    Ok(core.client.payments().pay_bill(request).await?)
}

/// Orders anew what waited here past its day, to leave on the day that the person was shown.
#[tauri::command]
#[specta::specta]
pub async fn payment_again(core: Shared<'_>, id: PaymentId, leaves_on: String) -> Answer<PaymentView> {
    core.touch();
    Ok(core.client.payments().pay_again(id, date(&leaves_on)?).await?)
}

/// What stands between the person and paying.
#[tauri::command]
#[specta::specta]
pub async fn readiness(core: Shared<'_>) -> Answer<ReadinessView> {
    Ok(core.client.readiness().await?)
}

/// Opens the terms in the browser, where it can be opened.
#[tauri::command]
#[specta::specta]
pub async fn terms_read(core: Shared<'_>) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.read_terms().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn terms_accept(core: Shared<'_>, version: String) -> Answer<()> {
    core.touch();
    Ok(core.client.accept_terms(&version).await?)
}

/// What leaves without a passkey.
#[tauri::command]
#[specta::specta]
pub async fn limits(core: Shared<'_>) -> Answer<Vec<LimitsView>> {
    Ok(core.client.payments().limits().await?)
}

/// Sets it: at once, or after a passkey on the server's page.
#[tauri::command]
#[specta::specta]
pub async fn limits_set(core: Shared<'_>, currency: String, limits: Limits) -> Answer<LimitsSet> {
    core.touch();
    let unknown = |_| Failure::refused("unknown_currency", "this currency is not known", "choose another one");
    let currency = currency.parse().map_err(unknown)?;
    Ok(core.client.payments().set_limits(currency, limits, true).await?)
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
