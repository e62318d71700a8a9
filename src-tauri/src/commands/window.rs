//! The window itself, by its keys.

use tauri::{AppHandle, WebviewWindow};

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
pub fn page_listens(app: AppHandle, window: WebviewWindow) {
    app::page_listens(window.label(), &app);
}

/// It heard one of what is said once: how a sign-in ended, where to go, a dropped file. In the order in which it is told.
#[tauri::command]
#[specta::specta]
pub fn page_heard(app: AppHandle, window: WebviewWindow) {
    app::page_heard(window.label(), &app);
}

/// Ends the program. It locks first.
#[tauri::command]
#[specta::specta]
pub fn quit(app: AppHandle) {
    app::quit(&app);
}
