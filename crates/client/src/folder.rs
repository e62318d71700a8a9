//! The data folder: which file is what, and how a file is replaced without ever being half written.
//!
//! | file | what |
//! | --- | --- |
//! | `vault.json` | how the keys are protected; no secrets, no names |
//! | `cache.db` | the encrypted copy of the account |
//! | `cache.note` | whether that copy was closed, and how often it was; sealed |
//! | `outbox.sealed`, `outbox/` | changes that the server does not have yet, readable when the cache is not |
//! | `refused/` | imported lines that the server did not take |
//! | `secrets.sealed` | device key and tokens where there is no keyring |
//! | `due.sealed` | days on which something is due, for reminders while locked |
//! | `damaged/` | what could not be read, moved aside |
//! | `viewer/` | statements for the person's own viewer, while it is open |
//! | `memory.only`, `wiping` | what is here is noise, or about to go: the next start tidies up |
//! | `server/` | the embedded account server's own folder |

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file could not be read or written; the kind of the inner error decides what to say.
#[derive(Debug, thiserror::Error)]
#[error("a file of the data folder could not be read or written")]
pub struct FileError(#[from] pub io::Error);

#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is not there, readable by its owner alone.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let folder = Self(path.into());
        make_private_dir(&folder.0)?;
        Ok(folder)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    #[must_use]
    pub fn header(&self) -> PathBuf {
        self.0.join("vault.json")
    }

    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.0.join("cache.db")
    }

    #[must_use]
    pub fn outbox(&self) -> PathBuf {
        self.0.join("outbox.sealed")
    }

    #[must_use]
    pub fn chunks(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// Imported lines that the server did not take.
    #[must_use]
    pub fn refused(&self) -> PathBuf {
        self.0.join("refused")
    }

    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.0.join("secrets.sealed")
    }

    #[must_use]
    pub fn due(&self) -> PathBuf {
        self.0.join("due.sealed")
    }

    #[must_use]
    pub fn due_key(&self) -> PathBuf {
        self.0.join("due.key")
    }

    /// Stands there when a page of the cache did not read: the next opening rebuilds it.
    pub(crate) fn damage_mark(&self) -> PathBuf {
        self.0.join("cache.damaged")
    }

    /// Stands there from the first key of an account on whose keys are in memory alone: what it leaves behind is noise.
    pub(crate) fn memory_mark(&self) -> PathBuf {
        self.0.join("memory.only")
    }

    /// Stands there while an account is deleted: a deletion that was cut short goes on at the next start.
    pub(crate) fn wipe_mark(&self) -> PathBuf {
        self.0.join("wiping")
    }

    /// Statements as they were handed to the person's own viewer, readable while Billfold is open.
    #[must_use]
    pub fn viewer(&self) -> PathBuf {
        self.0.join("viewer")
    }

    #[must_use]
    pub fn damaged(&self) -> PathBuf {
        self.0.join("damaged")
    }

    /// Where the embedded server keeps its own data.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.0.join("server")
    }

    /// The cache and what SQLite keeps beside it.
    pub(crate) fn cache_files(&self) -> [PathBuf; 4] {
        let [log, journal] = self.cache_logs();
        [self.cache(), log, journal, self.0.join("cache.db-shm")]
    }

    /// What SQLite would play back into the cache when it opens it.
    pub(crate) fn cache_logs(&self) -> [PathBuf; 2] {
        [self.0.join("cache.db-wal"), self.0.join("cache.db-journal")]
    }

    pub(crate) fn cache_note(&self) -> PathBuf {
        self.0.join("cache.note")
    }

    /// Moves the cache's files aside, so that nothing that might be of use is lost.
    pub(crate) fn set_cache_aside(&self, stamp: &str) -> Result<(), FileError> {
        make_private_dir(&self.damaged())?;
        for file in self.cache_files() {
            let name = file.file_name().and_then(|n| n.to_str()).unwrap_or("cache");
            match fs::rename(&file, self.damaged().join(format!("{stamp}-{name}"))) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Deletes everything of this account on this computer, keys first. One file that does not go keeps no other.
    pub(crate) fn wipe(&self) -> Result<(), FileError> {
        let mut done = Ok(());
        let mut note = |result: Result<(), FileError>| {
            if done.is_ok() {
                done = result;
            }
        };
        for keys in [self.header(), self.secrets(), self.due_key()] {
            note(shred(&keys));
        }
        let own = [self.due(), self.outbox(), self.cache_note(), self.damage_mark()];
        for file in own.iter().chain(&self.cache_files()) {
            note(remove(file));
        }
        for dir in [self.chunks(), self.refused(), self.damaged(), self.viewer()] {
            note(remove_dir(&dir));
        }
        done?;
        // Last: until here the folder still says what its files are.
        remove(&self.memory_mark())?;
        remove(&self.wipe_mark())
    }

    /// Whether a file of an account is still here.
    pub(crate) fn holds_account(&self) -> bool {
        let own = [self.header(), self.secrets(), self.due_key(), self.due(), self.outbox(), self.cache_note()];
        let folders = [self.chunks(), self.refused(), self.damaged(), self.viewer()];
        own.iter().chain(&self.cache_files()).chain(&folders).any(|path| path.symlink_metadata().is_ok())
    }

    /// An embedded server's data that never got an account.
    pub(crate) fn wipe_server(&self) -> Result<(), FileError> {
        remove_dir(&self.server())
    }
}

/// The file's bytes; `None` when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Replaces a file as a whole: after a crash the old or the new content stands there, never a mixture.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let beside = path.with_extension("new");
    let mut file = private_file(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    if let Some(dir) = path.parent() {
        sync_dir(dir)?;
    }
    Ok(())
}

/// Removing what is not there succeeds.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => Ok(other?),
    }
}

/// Writes over what wraps a key before it goes: where the disk writes in place, nothing of it is left.
fn shred(path: &Path) -> Result<(), FileError> {
    if let Ok(mut file) = OpenOptions::new().write(true).open(path) {
        let length = file.metadata().map_or(0, |file| file.len());
        let blank = vec![0; usize::try_from(length).unwrap_or_default()];
        if let Err(error) = file.write_all(&blank).and_then(|()| file.sync_all()) {
            tracing::info!(kind = ?error.kind(), "a file of keys goes without being written over");
        }
    }
    remove(path)
}

fn remove_dir(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => Ok(other?),
    }
}

pub(crate) fn make_private_dir(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    Ok(())
}

fn private_file(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?)
}

/// Makes an empty file for this user alone, unless there is one: what another library opens it for keeps that.
pub(crate) fn make_private_file(path: &Path) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    Ok(())
}

/// A rename is durable once its folder is; other systems than Unix cannot sync a folder.
fn sync_dir(dir: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}
