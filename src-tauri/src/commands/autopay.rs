//! Autopay.

use client::autopay::{AutopaySetView, AutopayView};
use domain::autopay::AutopayTerms;
use domain::ids::BillId;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn autopays(core: Shared<'_>) -> Answer<Vec<AutopayView>> {
    core.touch();
    Ok(core.client.autopays().list().await?)
}

/// Where a passkey approves, the browser shows the terms.
#[tauri::command]
#[specta::specta]
pub async fn autopay_set(core: Shared<'_>, bill: BillId, terms: AutopayTerms) -> Answer<AutopaySetView> {
    core.touch();
    Ok(core.client.autopays().set(bill, terms, true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn autopay_pause(core: Shared<'_>, bill: BillId, paused: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.autopays().pause(bill, paused).await?)
}

/// What has not left is taken back.
#[tauri::command]
#[specta::specta]
pub async fn autopay_off(core: Shared<'_>, bill: BillId) -> Answer<()> {
    core.touch();
    Ok(core.client.autopays().off(bill).await?)
}
