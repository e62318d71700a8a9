//! Statements in the person's own PDF viewer, by way of private files that go with the lock.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
        let mut number = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        let folder = self.folder.join(number.to_string());
        let mut maker = fs::DirBuilder::new();
        maker.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
        maker.create(&folder)?;
        let path = folder.join(plain(name));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(bytes)?;
        Ok(path)
    }

    pub fn clear(&self) {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(kind = ?error.kind(), "files for the viewer stay");
            }
            _ => {}
        }
    }
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
    let mut child = command.arg(path).stdin(std::process::Stdio::null()).spawn()?;
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
}
