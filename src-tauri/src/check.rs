//! `billfold check`: one line each for what Billfold stands on.

use client::billers::DirectoryRefused;
use client::platform::SystemClock;
use client::status::{Phase, Place, Protection};
use client::vault::VaultError;
use domain::calendar::Calendar;
use domain::time::Clock;
use serde::Serialize;

use crate::core::Core;
use crate::failure::Failure;
use crate::os;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CheckLine {
    pub name: String,
    pub good: bool,
    pub found: Found,
    /// The same in English, for the command line.
    pub about: String,
    /// What to do about it, where it is not good and that is known; said on the command line alone.
    #[serde(skip)]
    #[specta(skip)]
    pub next: Option<String>,
}

/// What a line found, with its values. The window has words of its own for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Found {
    Version { version: String },
    Program { name: String },
    Silent,
    NoneYet,
    NotAsked,
    Server { url: Option<String>, asked: bool },
    ServerRefused { url: Option<String>, code: String, message: String },
    CopyLocked,
    Copy { accounts: u32 },
    Clock { at: String },
    Holidays { until: Option<String> },
    Billers { billers: u32, version: u32 },
    BillersRefused { why: DirectoryRefused, version: u32 },
    Refused { code: Option<String>, message: String },
}

impl Found {
    fn refused(failure: Failure) -> Self {
        Self::Refused { code: Some(failure.code), message: failure.message }
    }

    fn words(&self, good: bool) -> String {
        let place = |url: &Option<String>| url.clone().unwrap_or_else(|| "on this computer".to_owned());
        match self {
            Self::Version { version } => format!("Billfold {version}"),
            Self::Program { name } => name.clone(),
            Self::Silent => "it did not answer".to_owned(),
            Self::NoneYet => "none yet".to_owned(),
            Self::NotAsked => "not asked while locked".to_owned(),
            Self::Server { url, asked: true } => format!("{}, answers", place(url)),
            Self::Server { url, asked: false } => format!("{}, not asked while locked", place(url)),
            Self::ServerRefused { url, message, .. } => format!("{}: {message}", place(url)),
            Self::CopyLocked => "encrypted, locked".to_owned(),
            Self::Copy { accounts: 1 } => "encrypted, 1 account".to_owned(),
            Self::Copy { accounts } => format!("encrypted, {accounts} accounts"),
            Self::Clock { at } if good => at.clone(),
            Self::Clock { at } => format!("it says {at}"),
            Self::Holidays { until } => {
                let until = until.as_ref().map_or_else(|| "for ever".to_owned(), |end| format!("until {end}"));
                if good { format!("known {until}") } else { format!("known {until}: update Billfold before then") }
            }
            Self::Billers { billers, version } => format!("{billers} billers, version {version}, signed"),
            Self::BillersRefused { why, version } => format!("{}; version {version} stays", why.as_str()),
            Self::Refused { message, .. } => message.clone(),
        }
    }
}

fn line(name: &str, found: Result<Found, Found>) -> CheckLine {
    let good = found.is_ok();
    let found = found.unwrap_or_else(|wrong| wrong);
    CheckLine { name: name.to_owned(), good, about: found.words(good), found, next: None }
}

impl CheckLine {
    fn or_do(mut self, next: &str) -> Self {
        self.next = (!self.good).then(|| next.to_owned());
        self
    }
}

const WITHOUT_KEYRING: &str = "start the system's keyring, or protect the account by a passphrase";
const WITH_PASSPHRASE: &str = "nothing to do: a passphrase protects the account, and no keyring is needed";
const WITHOUT_NOTIFIER: &str = "start Billfold in a desktop session to be reminded; `billfold due` says what is due";

pub async fn lines(core: &Core) -> Vec<CheckLine> {
    let by = core.client.status().await.ok().and_then(|status| status.protected_by);
    let keyring_next = if by == Some(Protection::Passphrase) { WITH_PASSPHRASE } else { WITHOUT_KEYRING };
    vec![
        version(),
        line("keyring", keyring().await).or_do(keyring_next),
        line("server", server(core).await),
        line("cache", cache(core).await),
        line("clock", clock()),
        line("holidays", holidays()),
        line("billers", billers(core).await),
        line("notifier", notifier().await).or_do(WITHOUT_NOTIFIER),
    ]
}

/// Where the data folder cannot be used, the line `folder` stands for all that would be in it.
pub async fn lines_without_folder(failure: Failure) -> Vec<CheckLine> {
    let next = failure.next.clone();
    vec![
        version(),
        line("keyring", keyring().await).or_do(WITHOUT_KEYRING),
        line("folder", Err(Found::refused(failure))).or_do(&next),
        line("clock", clock()),
        line("holidays", holidays()),
        line("notifier", notifier().await).or_do(WITHOUT_NOTIFIER),
    ]
}

fn version() -> CheckLine {
    line("version", Ok(Found::Version { version: env!("CARGO_PKG_VERSION").to_owned() }))
}

async fn keyring() -> Result<Found, Found> {
    let asked = tokio::task::spawn_blocking(|| os::keyring::SystemKeyring.about()).await;
    match asked.map_err(|_| Found::Silent)? {
        Ok(name) => Ok(Found::Program { name }),
        Err(error) => Err(Found::refused(VaultError::from(error).into())),
    }
}

async fn notifier() -> Result<Found, Found> {
    let asked = tokio::task::spawn_blocking(os::notify::about).await;
    match asked.map_err(|_| Found::Silent)? {
        Ok(name) => Ok(Found::Program { name }),
        Err(message) => Err(Found::Refused { code: None, message }),
    }
}

async fn server(core: &Core) -> Result<Found, Found> {
    let url = match core.client.place() {
        Ok(Some(Place::ThisComputer)) => None,
        Ok(Some(Place::Server { url, .. })) => Some(url),
        Ok(None) => return Ok(Found::NoneYet),
        Err(error) => return Err(Found::refused(error.into())),
    };
    if core.client.phase() != Phase::Ready {
        return Ok(Found::Server { url, asked: false });
    }
    match core.sync().await {
        Ok(()) => Ok(Found::Server { url, asked: true }),
        Err(Failure { code, message, .. }) => Err(Found::ServerRefused { url, code, message }),
    }
}

async fn cache(core: &Core) -> Result<Found, Found> {
    match core.client.phase() {
        Phase::Welcome => Ok(Found::NoneYet),
        Phase::Locked => Ok(Found::CopyLocked),
        Phase::Ready => {
            let accounts = core.client.accounts().list().await.map_err(|error| Found::refused(error.into()))?;
            Ok(Found::Copy { accounts: u32::try_from(accounts.len()).unwrap_or(u32::MAX) })
        }
    }
}

async fn billers(core: &Core) -> Result<Found, Found> {
    if core.client.phase() != Phase::Ready {
        return Ok(Found::NotAsked);
    }
    let directory = core.client.billers().directory().await.map_err(|error| Found::refused(error.into()))?;
    match directory.refused {
        None => Ok(Found::Billers { billers: directory.billers, version: directory.version }),
        Some(why) => Err(Found::BillersRefused { why, version: directory.version }),
    }
}

/// Lists of holidays are published some years ahead; beyond them a decree may add a day that this build does not know.
fn holidays() -> Result<Found, Found> {
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::system()).date();
    let ends = Calendar::ALL.into_iter().filter_map(Calendar::published_to).min();
    let found = Found::Holidays { until: ends.map(|end| end.to_string()) };
    if Calendar::ending_soon(today).next().is_some() { Err(found) } else { Ok(found) }
}

fn clock() -> Result<Found, Found> {
    let now = SystemClock.now();
    let year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
    let found = Found::Clock { at: now.to_string() };
    if (2025..2200).contains(&year) { Ok(found) } else { Err(found) }
}
