//! The system's own file dialogs.

use std::path::PathBuf;

use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt, FilePath};
use tokio::sync::oneshot;

/// Asks for a file to import; `None` when the person changed their mind.
pub async fn choose_import(app: &AppHandle) -> Option<PathBuf> {
    let (sender, receiver) = oneshot::channel();
    app.dialog()
        .file()
        .set_title("Import a file")
        .add_filter("Bank and card exports, archives", &["ofx", "qfx", "zip", "OFX", "QFX", "ZIP"])
        .add_filter("All files", &["*"])
        .pick_file(move |chosen| drop(sender.send(chosen)));
    receiver.await.ok().flatten().and_then(path)
}

/// What is written where the person says.
#[derive(Clone, Copy)]
pub enum Saved {
    Statement,
    Table,
    Calendar,
    Archive,
}

/// Asks where it goes; `None` when the person changed their mind.
pub async fn choose_save(app: &AppHandle, what: Saved, name: &str) -> Option<PathBuf> {
    let (title, kind, ending) = match what {
        Saved::Statement => ("Save the statement", "PDF", "pdf"),
        Saved::Table => ("Save the table", "CSV", "csv"),
        Saved::Calendar => ("Save the due dates", "iCalendar", "ics"),
        Saved::Archive => ("Save everything", "ZIP", "zip"),
    };
    let (sender, receiver) = oneshot::channel();
    app.dialog()
        .file()
        .set_title(title)
        .set_file_name(name)
        .add_filter(kind, &[ending])
        .save_file(move |chosen| drop(sender.send(chosen)));
    receiver.await.ok().flatten().and_then(path)
}

/// Asks for a folder; `None` when the person changed their mind.
pub async fn choose_folder(app: &AppHandle, title: &str) -> Option<PathBuf> {
    let (sender, receiver) = oneshot::channel();
    app.dialog().file().set_title(title).pick_folder(move |chosen| drop(sender.send(chosen)));
    receiver.await.ok().flatten().and_then(path)
}

fn path(chosen: FilePath) -> Option<PathBuf> {
    chosen.into_path().ok()
}
