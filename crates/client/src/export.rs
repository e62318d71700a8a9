//! Everything out (IM4): the server's archive of all that it holds of the person, and how this device is set. This device asks
//! and keeps the file where the person says; what has not been sent from here yet is sent first.

use std::path::PathBuf;

use serde::Serialize;

use crate::client::{Client, blocking};
use crate::error::ClientError;
use crate::folder::{self, FileError};
use crate::http::{Method, Sending};
use crate::security::VisitStarted;

const EXPORT: &str = "/api/v1/export";
/// A larger archive is not one of ours.
const ARCHIVE_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    Archive(Vec<u8>),
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
        Ok(Fetched::Archive(answer.bytes_within(ARCHIVE_BYTES_MAX).await?))
    }

    /// Writes it as a whole, for this user of the computer alone; the answer is its size in bytes.
    pub async fn save(&self, archive: Vec<u8>, to: PathBuf) -> Result<usize, ClientError> {
        let archive = self.0.archive_with_settings(archive).await?;
        let bytes = archive.len();
        let written = blocking(move || folder::replace(&to, &archive)).await?;
        written.map_err(|FileError(error)| ClientError::not_written(error))?;
        Ok(bytes)
    }
}
