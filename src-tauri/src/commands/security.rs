//! The security log, "Was this you?", and the ways into the account.

use client::risk::{RhythmView, RiskView};
use client::security::{PasskeyView, SecurityView, VisitStarted, WaysInView};
use domain::ids::{FactorId, PasskeyId};
use tauri::AppHandle;

use super::{Answer, Shared};
use crate::os::dialogs;

#[tauri::command]
#[specta::specta]
pub async fn security(core: Shared<'_>) -> Answer<SecurityView> {
    core.touch();
    Ok(core.client.security().log().await?)
}

/// Answers about an entry that asks; a no signs its device out.
#[tauri::command]
#[specta::specta]
pub async fn security_answer(core: Shared<'_>, number: i64, mine: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.security().answer(number, mine).await?)
}

/// Asks where to, and writes the log there as a table; false when the person changed their mind.
#[tauri::command]
#[specta::specta]
pub async fn security_save(app: AppHandle, core: Shared<'_>) -> Answer<bool> {
    core.touch();
    let Some(path) =
        dialogs::choose_save(&app, core.client.language(), dialogs::Saved::Table, "security-log.csv").await
    else {
        return Ok(false);
    };
    core.client.security().save(path).await?;
    Ok(true)
}

/// What was unusual lately, and why.
#[tauri::command]
#[specta::specta]
pub async fn risk(core: Shared<'_>) -> Answer<RiskView> {
    core.touch();
    Ok(core.client.risk().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn rhythm(core: Shared<'_>) -> Answer<RhythmView> {
    core.touch();
    Ok(core.client.rhythm().await?)
}

/// Turns it on, or off: then what was kept is forgotten.
#[tauri::command]
#[specta::specta]
pub async fn rhythm_set(core: Shared<'_>, on: bool) -> Answer<RhythmView> {
    core.touch();
    Ok(core.client.set_rhythm(on).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn passkeys(core: Shared<'_>) -> Answer<Vec<PasskeyView>> {
    core.touch();
    Ok(core.client.security().passkeys().await?)
}

/// Opens the browser on the page that makes one more passkey.
#[tauri::command]
#[specta::specta]
pub async fn passkey_add(core: Shared<'_>) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.security().add_passkey(true).await?)
}

/// The person does without a second passkey for now.
#[tauri::command]
#[specta::specta]
pub async fn second_passkey_later(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.put_second_passkey_off().await?)
}

/// Locks the account: no money leaves, no way in is added, on any device.
#[tauri::command]
#[specta::specta]
pub async fn account_lock(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.security().lock_account().await?)
}

/// Releases the account, or opens the browser where its passkey has to say so.
#[tauri::command]
#[specta::specta]
pub async fn account_release(core: Shared<'_>) -> Answer<Option<VisitStarted>> {
    core.touch();
    Ok(core.client.security().release_account(true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn passkey_rename(core: Shared<'_>, id: PasskeyId, name: String) -> Answer<()> {
    core.touch();
    Ok(core.client.security().rename_passkey(id, &name).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn passkey_remove(core: Shared<'_>, id: PasskeyId, keep_devices: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.security().remove_passkey(id, keep_devices).await?)
}

/// The password and the second factors.
#[tauri::command]
#[specta::specta]
pub async fn ways_in(core: Shared<'_>) -> Answer<WaysInView> {
    core.touch();
    Ok(core.client.security().ways_in().await?)
}

/// Opens the browser on the page that sets or changes the password.
#[tauri::command]
#[specta::specta]
pub async fn password_set(core: Shared<'_>) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.security().set_password(true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn password_remove(core: Shared<'_>, keep_devices: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.security().remove_password(keep_devices).await?)
}

/// Opens the browser on the page that keeps the password beside two passkeys.
#[tauri::command]
#[specta::specta]
pub async fn password_keep(core: Shared<'_>) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.security().keep_password(true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn password_let_go(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.security().let_password_go().await?)
}

/// Opens the browser on the page that sets up an authenticator app.
#[tauri::command]
#[specta::specta]
pub async fn authenticator_add(core: Shared<'_>) -> Answer<VisitStarted> {
    core.touch();
    Ok(core.client.security().add_authenticator(true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn factor_rename(core: Shared<'_>, id: FactorId, name: String) -> Answer<()> {
    core.touch();
    Ok(core.client.security().rename_factor(id, &name).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn factor_remove(core: Shared<'_>, id: FactorId, keep_devices: bool) -> Answer<()> {
    core.touch();
    Ok(core.client.security().remove_factor(id, keep_devices).await?)
}
