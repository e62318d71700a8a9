//! How many due dates need the person, at the program's icon in the dock or taskbar, where the system shows such a number.

use tauri::{AppHandle, Manager};

/// Shows the number, or removes it at zero. Only a program with a window has an icon there.
pub fn show(app: &AppHandle, count: u32, late: bool) {
    for window in app.webview_windows().values() {
        let shown = at_icon(window, count, late);
        if let Err(error) = shown {
            tracing::debug!(%error, "no number at the icon");
        }
    }
}

#[cfg(not(windows))]
fn at_icon(window: &tauri::WebviewWindow, count: u32, _late: bool) -> tauri::Result<()> {
    window.set_badge_count((count > 0).then(|| i64::from(count)))
}

/// Here an icon has a small picture instead of a number: only what is late is worth one.
#[cfg(windows)]
fn at_icon(window: &tauri::WebviewWindow, count: u32, late: bool) -> tauri::Result<()> {
    let picture = if late && count > 0 { Some(crate::tray::icon(true)?) } else { None };
    window.set_overlay_icon(picture)
}
