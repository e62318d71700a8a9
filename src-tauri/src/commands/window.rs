//! The window itself, by its keys.

use tauri::AppHandle;

use crate::app;

/// Closes the window; the tray stays, and reminders go on.
#[tauri::command]
#[specta::specta]
pub fn window_close(app: AppHandle) {
    app::to_tray(&app);
}

/// The page listens from now on: it is told what waited for it.
#[tauri::command]
#[specta::specta]
pub fn page_listens(app: AppHandle) {
    app::page_listens(&app);
}

/// Ends the program. It locks first.
#[tauri::command]
#[specta::specta]
pub fn quit(app: AppHandle) {
    app::quit(&app);
}
