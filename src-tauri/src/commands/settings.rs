//! What the person chose for this device.

use client::settings::Settings;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn settings(core: Shared<'_>) -> Answer<Settings> {
    core.touch();
    Ok(core.client.settings().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn settings_set(core: Shared<'_>, settings: Settings) -> Answer<()> {
    core.touch();
    Ok(core.client.set_settings(settings).await?)
}

/// Starting hidden when the person signs in to the computer.
#[tauri::command]
#[specta::specta]
pub async fn autostart(core: Shared<'_>, on: bool) -> Answer<()> {
    core.touch();
    Ok(core.set_autostart(on).await?)
}
