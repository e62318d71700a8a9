//! Everything out (IM4): the server's archive of all that it holds of the person, and how this device is set. This device asks
//! and keeps the file where the person says; what has not been sent from here yet is sent first.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::client::{Client, blocking, lock};
use crate::error::ClientError;
use crate::folder::{self, FileError};
use crate::http::{Method, Sending};
use crate::security::VisitStarted;

const EXPORT: &str = "/api/v1/export";
/// A larger archive is not one of ours.
const ARCHIVE_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Everything, readable, until it is where the person says. A lock takes it away.
pub struct Archive(Arc<Bytes>);

/// The client knows of it, too, and empties it.
pub(crate) type Bytes = Mutex<Option<Vec<u8>>>;

/// What came of asking.
pub enum Fetched {
    Archive(Archive),
    /// First a passkey is shown there; then it is asked for again, within five minutes.
    InBrowser(VisitStarted),
}

/// What came of it, for the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ExportView {
    /// The file is where the person said.
    pub saved: bool,
    pub visit: Option<VisitStarted>,
}

/// Everything out.
#[derive(Clone)]
pub struct Export(Client);

impl Client {
    #[must_use]
    pub fn export(&self) -> Export {
        Export(self.clone())
    }
}

impl Export {
    pub async fn fetch(&self, open_browser: bool) -> Result<Fetched, ClientError> {
        self.0.sync().now().await?;
        let answer = self.0.call(Method::Post, EXPORT, Sending::default()).await?;
        if answer.goes_on() {
            let begun = answer.json().await?;
            return self.0.security().in_browser(begun, open_browser).await.map(Fetched::InBrowser);
        }
        Ok(Fetched::Archive(self.hold(answer.bytes_within(ARCHIVE_BYTES_MAX).await?)?))
    }

    /// Writes it as a whole, for this user of the computer alone; the answer is its size in bytes.
    pub async fn save(&self, archive: Archive, to: PathBuf) -> Result<usize, ClientError> {
        let archive = lock(&archive.0).take().ok_or_else(ClientError::locked)?;
        let archive = self.0.archive_with_own(archive).await?;
        let bytes = archive.len();
        let written = blocking(move || folder::replace(&to, &archive)).await?;
        written.map_err(|FileError(error)| ClientError::not_written(error))?;
        Ok(bytes)
    }

    fn hold(&self, bytes: Vec<u8>) -> Result<Archive, ClientError> {
        let held: Arc<Bytes> = Arc::new(Mutex::new(Some(bytes)));
        let mut archives = lock(&self.0.0.archives);
        // A lock closes first and empties then: what comes after that is not held any more.
        self.0.open_now()?;
        archives.retain(|held| held.strong_count() > 0);
        archives.push(Arc::downgrade(&held));
        Ok(Archive(held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn an_archive_that_waits_for_its_place_goes_with_the_lock() {
        let world = World::new();
        let client = world.start().await;
        let export = client.export();
        let (waits, to) = (export.hold(b"PK".to_vec()).unwrap(), world.data().join("billfold.zip"));
        client.lock().await.unwrap();
        assert!(lock(&waits.0).is_none(), "nothing of it is in memory while the dialog is open");
        assert!(export.hold(b"PK".to_vec()).is_err(), "what arrives after the lock is not held");
        client.unlock(None).await.unwrap();
        assert_eq!(export.save(waits, to.clone()).await.unwrap_err().code, "locked");
        assert!(!to.exists());
        drop(export.hold(b"PK".to_vec()).unwrap());
        let kept = export.hold(b"PK".to_vec()).unwrap();
        assert_eq!(lock(&client.0.archives).len(), 1, "what was saved or given up is not counted on");
        drop(kept);
        world.end().await;
    }
}
