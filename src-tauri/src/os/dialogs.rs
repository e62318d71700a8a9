//! The system's own file dialogs, in the person's language.

use std::path::PathBuf;

use client::platform::Language;
use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt, FilePath};
use tokio::sync::oneshot;

/// Asks for a file to import; `None` when the person changed their mind.
pub async fn choose_import(app: &AppHandle, language: Language) -> Option<PathBuf> {
    let (title, known, all) = match language {
        Language::En => ("Import a file", "Bank and card exports, archives", "All files"),
        Language::Es => ("Importar un archivo", "Archivos de banco, de tarjeta y .zip", "Todos los archivos"),
        Language::De => ("Datei importieren", "Dateien von Banken und Karten, Archive", "Alle Dateien"),
    };
    let (sender, receiver) = oneshot::channel();
    app.dialog()
        .file()
        .set_title(title)
        .add_filter(known, &["ofx", "qfx", "zip", "OFX", "QFX", "ZIP"])
        .add_filter(all, &["*"])
        .pick_file(move |chosen| drop(sender.send(chosen)));
    receiver.await.ok().flatten().and_then(path)
}

/// What is written where the person says.
#[derive(Clone, Copy, Debug)]
pub enum Saved {
    Statement,
    Table,
    Calendar,
    Archive,
}

impl Saved {
    const fn title(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::En, Self::Statement) => "Save the statement",
            (Language::En, Self::Table) => "Save the table",
            (Language::En, Self::Calendar) => "Save the due dates",
            (Language::En, Self::Archive) => "Save everything",
            (Language::Es, Self::Statement) => "Guardar el extracto",
            (Language::Es, Self::Table) => "Guardar la tabla",
            (Language::Es, Self::Calendar) => "Guardar los vencimientos",
            (Language::Es, Self::Archive) => "Guardar todo",
            (Language::De, Self::Statement) => "Auszug speichern",
            (Language::De, Self::Table) => "Tabelle speichern",
            (Language::De, Self::Calendar) => "Fälligkeiten speichern",
            (Language::De, Self::Archive) => "Alles speichern",
        }
    }

    /// The kind of file, which has one name everywhere, and its ending.
    const fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Statement => ("PDF", "pdf"),
            Self::Table => ("CSV", "csv"),
            Self::Calendar => ("iCalendar", "ics"),
            Self::Archive => ("ZIP", "zip"),
        }
    }
}

/// Asks where it goes; `None` when the person changed their mind.
pub async fn choose_save(app: &AppHandle, language: Language, what: Saved, name: &str) -> Option<PathBuf> {
    let (kind, ending) = what.kind();
    let (sender, receiver) = oneshot::channel();
    app.dialog()
        .file()
        .set_title(what.title(language))
        .set_file_name(name)
        .add_filter(kind, &[ending])
        .save_file(move |chosen| drop(sender.send(chosen)));
    receiver.await.ok().flatten().and_then(path)
}

/// Asks for the folder of all statements; `None` when the person changed their mind.
pub async fn choose_folder(app: &AppHandle, language: Language) -> Option<PathBuf> {
    let title = match language {
        Language::En => "Save all statements",
        Language::Es => "Guardar todos los extractos",
        Language::De => "Alle Auszüge speichern",
    };
    let (sender, receiver) = oneshot::channel();
    app.dialog().file().set_title(title).pick_folder(move |chosen| drop(sender.send(chosen)));
    receiver.await.ok().flatten().and_then(path)
}

fn path(chosen: FilePath) -> Option<PathBuf> {
    chosen.into_path().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialog_says_what_is_saved_in_each_language() {
        for what in [Saved::Statement, Saved::Table, Saved::Calendar, Saved::Archive] {
            let mut titles = Language::ALL.map(|language| what.title(language)).to_vec();
            titles.sort_unstable();
            titles.dedup();
            assert_eq!(titles.len(), Language::ALL.len(), "{what:?}");
        }
    }
}
