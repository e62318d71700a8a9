//! The product's parts as the app puts them together, in folders of their own: a client, and the server in the process.

use std::path::Path;
use std::sync::Arc;

use client::Client;
use client::platform::{
    FixedZone, Language, MemoryNotifier, MemorySecrets, NoBrowser, Ports, SystemChance, SystemClock,
};
use client::sign_in::LocalRequest;
use client::status::Place;
use client::vault::Protect;
use domain::ids::HolderId;
use jiff::tz::TimeZone;
use server::config::{Config, SealKeys, data_folder};
use server::db::Location;
use server::sign_in::{LocalGrant, grant_local};
use server::{Running, Server};
use tempfile::TempDir;

use crate::pairs::Work;

fn ports() -> Ports {
    Ports {
        secrets: Arc::new(MemorySecrets::default()),
        notifier: Arc::new(MemoryNotifier::default()),
        browser: Arc::new(NoBrowser::default()),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        zone: Arc::new(FixedZone(TimeZone::UTC)),
        language: Language::En.into(),
    }
}

/// A device with an encrypted cache, without a server until it is given one.
pub struct Device {
    pub client: Client,
    /// Removed with the device.
    _folder: TempDir,
}

impl Device {
    pub async fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let client = Client::open(folder.path(), ports()).await.map_err(|e| e.to_string())?.client;
        client.create(Protect::Keyring, Place::ThisComputer).await.map_err(|e| e.to_string())?;
        Ok(Self { client, _folder: folder })
    }

    /// Imports a file; the sum is left out where nothing is new.
    pub async fn import(&self, file: &[u8], sum: i64) -> Result<Work, String> {
        let report = self.client.import().import(file.to_vec(), None).await.map_err(|e| e.to_string())?;
        Ok(Work { count: u64::from(report.new), sum: if report.new == 0 { 0 } else { sum } })
    }

    /// Signs in at a server of this process.
    pub async fn sign_in(&self, server: &Running, holder: HolderId) -> Result<(), String> {
        self.client.server_started(server.public_url.origin());
        let app = server.app.clone();
        let grant = async |request: LocalRequest| {
            let grant = LocalGrant {
                holder: Some(holder),
                name: "Ines Calloway".to_owned(),
                device_name: request.device_name,
                dpop_jkt: request.dpop_jkt,
                code_challenge: request.code_challenge,
                redirect_uri: request.redirect_uri,
            };
            grant_local(&app, grant).await.map_err(|e| Refused(e.problem.title))
        };
        self.client.sign_in().local("Bench", grant).await.map_err(|e: Refused| e.0)
    }

    /// Closes the copy before the process ends: the library below it clears up then.
    pub async fn end(&self) -> Result<(), String> {
        self.client.lock().await.map_err(|e| e.to_string())
    }

    pub async fn sync(&self) -> Result<(), String> {
        self.client.sync().now().await.map_err(|e| e.to_string())
    }
}

/// Why a sign-in came to nothing, in words.
struct Refused(String);

impl From<client::ClientError> for Refused {
    fn from(error: client::ClientError) -> Self {
        Self(error.to_string())
    }
}

/// A server on SQLite, not encrypted, as one that is hosted.
pub async fn server(folder: &Path) -> Result<Running, String> {
    server_on(data_folder(folder, None).map_err(|e| e.to_string())?, folder).await
}

/// A server whose data is there; the folder is for what it keeps beside that.
pub async fn server_on(location: Location, folder: &Path) -> Result<Running, String> {
    let on_postgres = matches!(location, Location::Postgres { .. });
    let mut config = Config::new(location, ([127, 0, 0, 1], 0).into());
    if on_postgres {
        config.seal_keys = SealKeys::File(folder.join("seal.keys"));
    }
    config.local_accounts = true;
    config.policy = domain::policy::Preset::Personal;
    // What is measured is the server and not its patience.
    config.throttle = server::limits::Throttle {
        calls_per_second: 1_000_000,
        calls_at_once: 1_000_000,
        payments_per_minute: 1_000_000,
        payments_per_day: 1_000_000,
        merchant_calls_per_second: 1_000_000,
        tokens_per_second: 1_000_000,
    };
    Server::start(config).await.map_err(|e| e.to_string())
}
