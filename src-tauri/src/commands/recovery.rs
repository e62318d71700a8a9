//! Getting back in from this computer, and the code for the person's paper.

use client::recovery::{ProvenBy, RecoveryView, SentCode};
use client::security::VisitStarted;
use domain::addresses::AddressKind;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn recovery(core: Shared<'_>) -> Answer<RecoveryView> {
    core.touch();
    Ok(core.client.recovery().find().await?)
}

/// Sends the code that stands beside this computer.
#[tauri::command]
#[specta::specta]
pub async fn recovery_send_code(core: Shared<'_>, kind: AddressKind) -> Answer<SentCode> {
    core.touch();
    Ok(core.client.recovery().send_code(kind).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn recovery_start(core: Shared<'_>, proof: ProvenBy) -> Answer<RecoveryView> {
    core.touch();
    Ok(core.client.recovery().start(proof).await?)
}

/// Stops the recovery that runs, wherever it began.
#[tauri::command]
#[specta::specta]
pub async fn recovery_stop(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.recovery().stop().await?)
}

/// Opens the browser on the page that makes the new passkey.
#[tauri::command]
#[specta::specta]
pub async fn recovery_finish(core: Shared<'_>) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.recovery().finish(true).await?)
}

/// Opens the browser on the page that makes a new saved code.
#[tauri::command]
#[specta::specta]
pub async fn recovery_code(core: Shared<'_>) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.recovery().new_code(true).await?)
}
