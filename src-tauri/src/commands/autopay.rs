//! Autopay.

use client::autopay::{AutopaySetView, AutopayView};
use domain::autopay::{AutopayOf, AutopayTerms};

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
pub async fn autopay_set(core: Shared<'_>, of: AutopayOf, terms: AutopayTerms) -> Answer<AutopaySetView> {
    core.touch();
    Ok(core.client.autopays().set(of, terms, true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn autopay_pause(core: Shared<'_>, of: AutopayOf, paused: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.autopays().pause(of, paused).await?)
}

/// What has not left is taken back.
#[tauri::command]
#[specta::specta]
pub async fn autopay_off(core: Shared<'_>, of: AutopayOf) -> Answer<()> {
    core.touch();
    Ok(core.client.autopays().off(of).await?)
}
