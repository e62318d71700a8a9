//! What the person chose for this device.

use client::platform::Language;
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

/// The language that the window speaks, for all that speaks outside it; none is the system's. A page says it as it begins.
#[tauri::command]
#[specta::specta]
pub async fn language_set(core: Shared<'_>, language: Option<Language>) -> Answer<()> {
    Ok(core.client.set_language(language).await?)
}

/// Starting hidden when the person signs in to the computer.
#[tauri::command]
#[specta::specta]
pub async fn autostart(core: Shared<'_>, on: bool) -> Answer<()> {
    core.touch();
    Ok(core.set_autostart(on).await?)
}
