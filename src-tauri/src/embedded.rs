//! The account server inside the app, for accounts on this computer. The only file that names `server`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use client::vault::VaultError;
use client::{Client, ClientError};
use domain::ids::HolderId;
use domain::policy::Preset;
use server::config::{Config, ConfigError, data_folder};
use server::db::FileKey;
use server::sign_in::LocalGrant;
use server::{Running, Server};
use tokio::sync::Mutex;

/// Whoever locks or quits waits no longer for its end.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Runs while an account on this computer is unlocked.
#[derive(Default)]
pub struct Embedded(Arc<Mutex<Option<Running>>>);

#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the account server on this computer did not start: {0}")]
    Start(#[from] ConfigError),
    #[error("the account server on this computer refused: {0}")]
    Refused(String),
    #[error("the files of the account server on this computer could not be removed: {0}")]
    Files(#[source] std::io::Error),
    #[error("the account server on this computer is not running")]
    NotRunning,
    #[error("the database of the account on this computer is gone")]
    DatabaseGone,
}

/// What is asked of the server when an account is made without a browser.
#[derive(Clone, Debug)]
pub struct LocalAccount {
    /// The account that is signed in to again; `None` makes one of this name.
    pub holder: Option<HolderId>,
    pub name: String,
    pub device_name: String,
    pub dpop_jkt: String,
    pub code_challenge: String,
    pub redirect_uri: String,
}

impl Embedded {
    /// Starts the server unless it runs, on the port of the last time when that is free. Passkeys of this computer
    /// belong to `localhost`, with any port.
    pub async fn start(&self, client: &Client) -> Result<(), EmbeddedError> {
        let mut running = self.0.lock().await;
        if running.is_some() {
            return Ok(());
        }
        let folder = client.data_dir().join("server");
        let key =
            FileKey::read(client.server_key().await?.expose()).ok_or_else(|| ClientError::from(VaultError::Damaged))?;
        // An account lives in it: another, empty one would take in all that is done from now on.
        if !client.is_unfinished()? && !has_database(&folder) {
            return Err(EmbeddedError::DatabaseGone);
        }
        let started = match start_on(&folder, &key, kept_port(&folder)).await {
            // Another program took the port meanwhile.
            Err(EmbeddedError::Start(ConfigError::Listen(_))) => start_on(&folder, &key, 0).await,
            other => other,
        }?;
        keep_port(&folder, started.addr.port());
        client.server_started(started.public_url.origin());
        *running = Some(started);
        Ok(())
    }

    /// Ends it: begun requests are answered, the database is closed. What takes longer, as one that is only just starting,
    /// ends by itself; another one starts after that.
    pub async fn stop(&self, client: &Client) {
        let (slot, client) = (Arc::clone(&self.0), client.clone());
        let stopping = tokio::spawn(async move {
            let mut slot = slot.lock().await;
            if let Some(running) = slot.take() {
                client.server_stopped();
                running.shutdown().await;
            }
        });
        if tokio::time::timeout(STOP_WITHIN, stopping).await.is_err() {
            tracing::warn!("the account server on this computer takes long to end");
        }
    }

    /// Removes the stopped server's files, whose key is gone.
    pub fn erase(&self, client: &Client) -> Result<(), EmbeddedError> {
        match std::fs::remove_dir_all(client.data_dir().join("server")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EmbeddedError::Files(error)),
            _ => Ok(()),
        }
    }

    /// Makes an account, or lets its own computer in again, and gives a one-time code, which the client redeems as any
    /// other.
    pub async fn let_in(&self, account: LocalAccount) -> Result<String, EmbeddedError> {
        let app = self.0.lock().await.as_ref().map(|running| running.app.clone()).ok_or(EmbeddedError::NotRunning)?;
        let grant = LocalGrant {
            holder: account.holder,
            name: account.name,
            device_name: account.device_name,
            dpop_jkt: account.dpop_jkt,
            code_challenge: account.code_challenge,
            redirect_uri: account.redirect_uri,
        };
        let code = off_to_the_side(move || async move { server::sign_in::grant_local(&app, grant).await }).await?;
        code.map_err(|error| EmbeddedError::Refused(error.problem.title))
    }
}

/// Whether there is one with something in it.
fn has_database(folder: &Path) -> bool {
    std::fs::metadata(folder.join("server.sqlite")).is_ok_and(|file| file.len() > 0)
}

async fn start_on(folder: &Path, key: &FileKey, port: u16) -> Result<Running, EmbeddedError> {
    let location = data_folder(folder, Some(key.clone()))?;
    let mut config = Config::new(location, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    config.local_accounts = true;
    config.policy = Preset::Personal;
    config.server_name = "This computer".to_owned();
    Ok(off_to_the_side(move || Server::start(config)).await??)
}

/// Runs what the server does in process on a thread that may wait: its futures stay on one thread, ours move.
async fn off_to_the_side<F: Future>(work: impl FnOnce() -> F + Send + 'static) -> Result<F::Output, EmbeddedError>
where
    F::Output: Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work())).await.map_err(|_| EmbeddedError::NotRunning)
}

fn port_file(folder: &Path) -> PathBuf {
    folder.join("port")
}

/// Any free port when none is kept.
fn kept_port(folder: &Path) -> u16 {
    std::fs::read_to_string(port_file(folder)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn keep_port(folder: &Path, port: u16) {
    if let Err(error) = std::fs::write(port_file(folder), port.to_string()) {
        tracing::warn!(kind = ?error.kind(), "the port is not kept for the next start");
    }
}
