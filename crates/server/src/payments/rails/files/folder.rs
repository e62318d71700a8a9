//! The folders of a rail: `outbox` and `inbox` are shared with whatever carries files to and from the bank; `staging`,
//! `sent`, `taken` and `refused` are the server's own. A file appears in the outbox whole, by one rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// More files than this are left for the next turn.
const FILES_AT_ONCE: usize = 256;

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("the rail's folder {} cannot be used", .0.display())]
    Io(PathBuf, #[source] io::Error),
    #[error("the rail's folder was not worked on to the end")]
    Cut,
}

/// Holds the id of the folder. One that is not mounted, or another one of its name, has none or another.
const MARKER: &str = "rail.id";
/// What was to leave; where it is gone, the folder is not what it was.
const STAGING: &str = "staging";
/// An entry for each file that left, made before it does.
const SENT: &str = "sent";
/// The other parts: each may be made anew.
const PARTS: [&str; 4] = ["outbox", "inbox", "taken", "refused"];

/// What became of a file that was to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandedOver {
    Now,
    /// It had left already.
    Before,
    /// Another file of its name is in the way.
    Blocked,
    /// The folder is not there, or is another one: nothing is known of the file.
    Away,
}

/// A file that came in.
pub(super) enum Content {
    Whole(Vec<u8>),
    /// It is larger than any that is read.
    TooLarge,
    /// Whoever brought it took it away again.
    Gone,
}

#[derive(Clone, Debug)]
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn inside(&self, folder: &str) -> PathBuf {
        self.root.join(folder)
    }

    /// Begins to use the folder: gives the id that it has, or else this one. Only one that nothing was handed over from
    /// may be made; `None` when it should be there and is not.
    pub async fn begin(&self, id: String, may_make: bool) -> Result<Option<String>, FolderError> {
        let root = self.root.clone();
        blocking(self.root.clone(), move || {
            if let Some(standing) = marker(&root)? {
                return Ok(Some(standing));
            }
            if !may_make && !root.join(STAGING).try_exists()? {
                return Ok(None);
            }
            let mut maker = maker();
            maker.recursive(true);
            PARTS.iter().chain([&STAGING, &SENT]).try_for_each(|part| maker.create(root.join(part)))?;
            let (part, whole) = (root.join(format!("{MARKER}.part")), root.join(MARKER));
            let mut file = File::create(&part)?;
            file.write_all(id.as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &whole)?;
            sync(&root)?;
            Ok(Some(id))
        })
        .await
    }

    /// Whether this is the folder of that id, with what was to leave. Makes what else is missing in it, and never the
    /// folder itself: what is not in a new one would seem to have left.
    pub async fn prepare(&self, id: &str) -> Result<bool, FolderError> {
        let (root, id) = (self.root.clone(), id.to_owned());
        blocking(self.root.clone(), move || {
            if !is_of(&root, &id)? {
                return Ok(false);
            }
            let maker = maker();
            for part in PARTS.map(|part| root.join(part)) {
                match maker.create(&part) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            Ok(true)
        })
        .await
    }

    /// Whether this is the folder of that id.
    pub async fn is_of(&self, id: &str) -> Result<bool, FolderError> {
        let (root, id) = (self.root.clone(), id.to_owned());
        blocking(self.root.clone(), move || is_of(&root, &id)).await
    }

    /// Writes a file in full beside the outbox, and makes sure of it.
    pub async fn stage(&self, name: &str, bytes: Vec<u8>) -> Result<(), FolderError> {
        let staging = self.inside("staging");
        let (part, whole) = (staging.join(format!("{name}.part")), staging.join(name));
        blocking(self.root.clone(), move || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
            let mut file = options.open(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&part, &whole)?;
            sync(&staging)
        })
        .await
    }

    /// Puts a staged file of the folder of that id into the outbox.
    pub async fn hand_over(&self, id: &str, name: &str) -> Result<HandedOver, FolderError> {
        let (staging, outbox) = (self.inside("staging"), self.inside("outbox"));
        let (from, to) = (staging.join(name), outbox.join(name));
        let (root, id) = (self.root.clone(), id.to_owned());
        blocking(self.root.clone(), move || {
            if !from.try_exists()? {
                if !is_of(&root, &id)? {
                    return Ok(HandedOver::Away);
                }
                // The rename may not have been made sure of before a crash.
                sync(&outbox)?;
                return Ok(HandedOver::Before);
            }
            if to.try_exists()? {
                return Ok(HandedOver::Blocked);
            }
            fs::rename(&from, &to)?;
            sync(&outbox)?;
            sync(&staging)?;
            Ok(HandedOver::Now)
        })
        .await
    }

    /// Whether a file stands beside the outbox.
    pub async fn is_staged(&self, name: &str) -> Result<bool, FolderError> {
        let path = self.inside(STAGING).join(name);
        blocking(self.root.clone(), move || path.try_exists()).await
    }

    /// Writes down that a batch leaves, and makes sure of it; what stands there stays.
    pub async fn note_sent(&self, number: i64, bytes: Vec<u8>) -> Result<(), FolderError> {
        let folder = self.inside(SENT);
        let (part, whole) = (folder.join(format!("{number:06}.part")), entry(&folder, number));
        blocking(self.root.clone(), move || {
            if whole.try_exists()? {
                return sync(&folder);
            }
            let mut file = File::create(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&part, &whole)?;
            sync(&folder)
        })
        .await
    }

    /// What was written down of a batch that left.
    pub async fn sent(&self, number: i64) -> Result<Option<Vec<u8>>, FolderError> {
        let path = entry(&self.inside(SENT), number);
        blocking(self.root.clone(), move || match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// The number of the newest batch that left; 0 when none did.
    pub async fn last_sent(&self) -> Result<i64, FolderError> {
        let folder = self.inside(SENT);
        blocking(self.root.clone(), move || {
            let mut last = 0;
            for found in fs::read_dir(&folder)? {
                let name = found?.file_name();
                let number = name.to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok());
                last = last.max(number.unwrap_or(0));
            }
            Ok(last)
        })
        .await
    }

    /// The names of the files in the inbox that are whole, in their order.
    pub async fn waiting(&self) -> Result<Vec<String>, FolderError> {
        let inbox = self.inside("inbox");
        blocking(self.root.clone(), move || {
            let mut names = Vec::new();
            for entry in fs::read_dir(&inbox)? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                // What begins with a point or ends so is still being written.
                let partial = [".part", ".tmp", ".filepart"].iter().any(|end| name.ends_with(end));
                if !name.starts_with('.') && !partial && entry.file_type()?.is_file() {
                    names.push(name);
                }
            }
            names.sort();
            names.truncate(FILES_AT_ONCE);
            Ok(names)
        })
        .await
    }

    /// A file in the inbox.
    pub async fn read(&self, name: &str, bytes_max: u64) -> Result<Content, FolderError> {
        let path = self.inside("inbox").join(name);
        let read = move || {
            if fs::metadata(&path)?.len() > bytes_max {
                return Ok(Content::TooLarge);
            }
            fs::read(&path).map(Content::Whole)
        };
        blocking(self.root.clone(), move || match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Content::Gone),
            read => read,
        })
        .await
    }

    /// Moves a file that was dealt with out of the inbox. One of the same name that is kept already stays, too.
    pub async fn put_away(&self, name: &str, into: &'static str, digest: &str) -> Result<(), FolderError> {
        let (inbox, kept) = (self.inside("inbox"), self.inside(into));
        let from = inbox.join(name);
        let to = kept.join(format!("{}-{name}", digest.get(..12).unwrap_or_default()));
        blocking(self.root.clone(), move || match fs::rename(&from, &to) {
            // It was moved before a crash.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.and_then(|()| sync(&inbox)).and_then(|()| sync(&kept)),
        })
        .await
    }
}

fn entry(sent: &Path, number: i64) -> PathBuf {
    sent.join(format!("{number:06}.json"))
}

/// Only the owner may enter what the server makes.
fn maker() -> fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "other systems have no modes"))]
    let mut maker = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker
}

/// The id of a folder, if it has one.
fn marker(root: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(root.join(MARKER)) {
        Ok(id) => Ok(Some(id.trim().to_owned()).filter(|id| !id.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_of(root: &Path, id: &str) -> io::Result<bool> {
    Ok(marker(root)?.as_deref() == Some(id) && root.join(STAGING).try_exists()? && root.join(SENT).try_exists()?)
}

/// A rename is sure when its folder is.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Files are worked on off the async threads.
async fn blocking<T: Send + 'static>(
    root: PathBuf,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FolderError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| FolderError::Cut)?;
    done.map_err(|error| FolderError::Io(root, error))
}
