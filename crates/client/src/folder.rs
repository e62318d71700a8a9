//! The data folder: which file is what, and how a file is replaced without ever being half written.
//!
//! | file | what |
//! | --- | --- |
//! | `vault.json` | how the keys are protected; no secrets, no names |
//! | `cache.db` | the encrypted copy of the account |
//! | `cache.note` | whether that copy was closed, and how often it was; sealed |
//! | `outbox.sealed`, `outbox/` | changes that the server does not have yet, readable when the cache is not |
//! | `own.sealed` | what only this device knows: settings, reminders shown, refusals |
//! | `refused/` | imported lines that the server did not take |
//! | `secrets.sealed` | device key and tokens where there is no keyring |
//! | `due.sealed` | days on which something is due, for reminders while locked |
//! | `language` | the language that the person chose for this computer; none is the system's |
//! | `damaged/` | what could not be read, moved aside; of copies, the newest two |
//! | `*.new` | a file that was being replaced when the program ended: the next start removes it |
//! | `viewer/` | statements for the person's own viewer, while it is open |
//! | `memory.only`, `wiping` | what is here is noise, or about to go: the next start tidies up |
//! | `server/` | the embedded account server's own folder |

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::addresses::Language;

/// Damaged copies that are kept. They are large, and an older one tells nothing more.
const COPIES_ASIDE_MAX: usize = 2;
/// What a file is called until it replaces another.
const BEING_WRITTEN: &str = "new";

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

    /// What only this device knows.
    pub(crate) fn own(&self) -> PathBuf {
        self.0.join("own.sealed")
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

    /// Readable while locked, like the days of the list: it says nothing of the account.
    fn language(&self) -> PathBuf {
        self.0.join("language")
    }

    /// None where the person chose none, or what stands there is no language of ours.
    pub(crate) fn chosen_language(&self) -> Option<Language> {
        let kept = read(&self.language()).ok().flatten()?;
        Language::named(std::str::from_utf8(&kept).ok()?)
    }

    /// What stands there already is not written again.
    pub(crate) fn keep_language(&self, chosen: Option<Language>) -> Result<(), FileError> {
        match chosen {
            _ if self.chosen_language() == chosen => Ok(()),
            Some(language) => replace(&self.language(), language.as_str().as_bytes()),
            None => remove(&self.language()),
        }
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
    pub(crate) fn set_cache_aside(&self, stamp: i64) -> Result<(), FileError> {
        for file in self.cache_files() {
            self.set_aside(&file, stamp)?;
        }
        self.trim_copies_aside()
    }

    /// Moves one file aside. One that is not there is passed over.
    pub(crate) fn set_aside(&self, file: &Path, stamp: i64) -> Result<(), FileError> {
        make_private_dir(&self.damaged())?;
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("file");
        match fs::rename(file, self.damaged().join(format!("{stamp}-{name}"))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => Ok(other?),
        }
    }

    /// Unsent work that was set aside stays: nobody else has it.
    fn trim_copies_aside(&self) -> Result<(), FileError> {
        let stamp_of = |path: &Path| {
            let name = path.file_name()?.to_str()?;
            name.split_once("-cache.db").and_then(|(stamp, _)| stamp.parse::<i64>().ok())
        };
        let files: Vec<PathBuf> =
            fs::read_dir(self.damaged())?.filter_map(Result::ok).map(|file| file.path()).collect();
        let mut stamps: Vec<i64> = files.iter().filter_map(|file| stamp_of(file)).collect();
        stamps.sort_unstable();
        stamps.dedup();
        let old = &stamps[..stamps.len().saturating_sub(COPIES_ASIDE_MAX)];
        for file in files.iter().filter(|file| stamp_of(file).is_some_and(|stamp| old.contains(&stamp))) {
            remove(file)?;
        }
        Ok(())
    }

    /// Removes what a program that ended left half written.
    pub(crate) fn tidy(&self) -> Result<(), FileError> {
        for file in fs::read_dir(&self.0)?.filter_map(Result::ok) {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == BEING_WRITTEN) {
                remove(&path)?;
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
        let own = [self.due(), self.outbox(), self.own(), self.cache_note(), self.damage_mark()];
        for file in own.iter().chain(&self.cache_files()) {
            note(remove(file));
        }
        for dir in [self.chunks(), self.refused(), self.damaged(), self.viewer()] {
            note(remove_dir(&dir));
        }
        note(self.tidy());
        done?;
        // Last: until here the folder still says what its files are.
        remove(&self.memory_mark())?;
        remove(&self.wipe_mark())
    }

    /// Whether a file of an account is still here.
    pub(crate) fn holds_account(&self) -> bool {
        let keys = [self.header(), self.secrets(), self.due_key()];
        let own = [self.due(), self.outbox(), self.own(), self.cache_note()];
        let folders = [self.chunks(), self.refused(), self.damaged(), self.viewer()];
        keys.iter().chain(&own).chain(&self.cache_files()).chain(&folders).any(|path| path.symlink_metadata().is_ok())
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
    // Two files never share the place at which they are written, nor do two writers of one.
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{BEING_WRITTEN}", WRITTEN.fetch_add(1, Ordering::Relaxed)));
    let beside = path.with_file_name(name);
    let written = write_private(&beside, bytes).and_then(|()| Ok(fs::rename(&beside, path)?));
    if written.is_err() {
        // A full disk is not filled further by what nobody reads.
        let _ = fs::remove_file(&beside);
    }
    written?;
    if let Some(dir) = path.parent() {
        sync_dir(dir)?;
    }
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = private_file(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// A second name for a file's content, or a copy where the file system knows no second names. Doing it again changes nothing.
pub(crate) fn keep_also(path: &Path, to: &Path) -> Result<(), FileError> {
    match fs::hard_link(path, to) {
        Ok(()) => match to.parent() {
            Some(dir) => sync_dir(dir),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => replace(to, &fs::read(path)?),
    }
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
