//! Statements in the person's own PDF viewer, by way of private files that go with the lock.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files that stay behind at once, since a viewer held them open.
const FOLDERS_MAX: u32 = 1000;

/// Files written for the viewer; removed on lock and quit.
#[derive(Debug)]
pub struct Viewer {
    folder: PathBuf,
    open: Mutex<u64>,
}

impl Viewer {
    /// `folder` lies within the data folder, so that its files are as private as the rest.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        let viewer = Self { folder, open: Mutex::default() };
        // What a crash left behind.
        viewer.clear();
        viewer
    }

    pub fn show(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.write(name, bytes)?;
        open_file(&path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.make_folder()?.join(plain(name));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(bytes)?;
        Ok(path)
    }

    /// One for each file, with a name that none has which could not be removed.
    fn make_folder(&self) -> io::Result<PathBuf> {
        let mut maker = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
        maker.recursive(true).create(&self.folder)?;
        maker.recursive(false);
        let mut number = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..FOLDERS_MAX {
            *number += 1;
            let folder = self.folder.join(number.to_string());
            match maker.create(&folder) {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub fn clear(&self) {
        if let Err(error) = remove_each(&self.folder, |folder| fs::remove_dir_all(folder)) {
            tracing::warn!(kind = ?error.kind(), "files for the viewer stay");
        }
    }
}

/// Removes what is within one by one, and then the folder. On Windows a file that a viewer holds open stays until it is
/// closed; it keeps no other from going.
fn remove_each(folder: &Path, remove: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let within = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        within => within?,
    };
    let mut all = Ok(());
    for entry in within {
        all = remove(&entry?.path()).and(all);
    }
    all?;
    fs::remove_dir(folder)
}

/// A name that is a file name on every system.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '.' | ' ') { c } else { '_' }).take(100).collect()
}

fn open_file(path: &Path) -> io::Result<()> {
    #[cfg(all(unix, not(target_os = "macos")))]
    let mut command = std::process::Command::new("xdg-open");
    #[cfg(target_os = "macos")]
    let mut command = std::process::Command::new("open");
    #[cfg(windows)]
    let mut command = std::process::Command::new("explorer");
    #[cfg(unix)]
    command.arg(path);
    // It reads its line in a way of its own: without quotes a comma would end the path.
    #[cfg(windows)]
    std::os::windows::process::CommandExt::raw_arg(&mut command, format!("\"{}\"", path.display()));
    let mut child = command.stdin(std::process::Stdio::null()).spawn()?;
    // Reaped off to the side: some viewers stay in the foreground.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_the_viewer_is_private_and_goes_with_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let viewer = Viewer::new(dir.path().join("view"));
        let path = viewer.write("Card / 2026-11.pdf", b"%PDF").unwrap();
        assert_eq!(path.file_name().unwrap(), "Card _ 2026-11.pdf");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        viewer.clear();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_a_viewer_holds_open_keeps_no_other_and_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let viewer = Viewer::new(dir.path().join("view"));
        let paths: Vec<_> = (0..3).map(|_| viewer.write("Card.pdf", b"%PDF").unwrap()).collect();
        let held = paths[1].parent().unwrap();
        let remove = |folder: &Path| {
            if folder == held { Err(io::ErrorKind::PermissionDenied.into()) } else { fs::remove_dir_all(folder) }
        };
        assert!(remove_each(&viewer.folder, remove).is_err(), "it is said");
        assert_eq!(paths.iter().map(|path| path.exists()).collect::<Vec<_>>(), [false, true, false]);
        let next = Viewer { folder: viewer.folder.clone(), open: Mutex::default() };
        for _ in 0..3 {
            next.write("Card.pdf", b"%PDF").unwrap();
        }
        viewer.clear();
        assert!(!viewer.folder.exists());
    }
}
