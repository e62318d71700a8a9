//! What a server is told when it starts, and the only place that reads the environment or the system's clock.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use api::readiness::Terms;
use domain::money::Currency;
use domain::policy::Preset;
use domain::time::Clock;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use webauthn_rs::prelude::Url;

use crate::Chance;
use crate::audit::heads::HeadsError;
use crate::db::{DbError, FileKey, Location};
use crate::limits::Throttle;
use crate::mail::carriers::{MailSettings, TextGateway};
use crate::payments::rails::sandbox::Practice;
use crate::payments::rails::settings::{RailSettings, RailSettingsError};
use crate::proxies::Network;
use crate::risk::places::{Places, PlacesError};
use crate::seals::{SealError, Seals};
use crate::sign_in::Cost;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the public URL must be https://NAME or http://localhost:PORT, without a path")]
    PublicUrl,
    #[error("listening beyond this machine needs an https public URL")]
    ListensInTheOpen,
    // An error of the system stands in the words, and not as a cause beside them: it would be said twice.
    #[error("the data folder cannot be used: {0}; name another one with --data")]
    Folder(std::io::Error),
    #[error("{0} is no folder; name one with --data")]
    NotAFolder(String),
    #[error("another account server serves this data folder; end it first, or name another folder")]
    InUse,
    #[error("a server runs on this database; end every node of it first")]
    Served,
    #[error("there is no database in {0}; name the folder of the server's --data")]
    NoDatabase(String),
    #[error("cannot listen there: {0}; name another address with --listen, or end what has this one")]
    Listen(std::io::Error),
    #[error("the sender of e-mail is an address, with a name or without: Billfold <accounts@example.org>")]
    MailFrom,
    #[error("the mail server is smtps://HOST, smtp://HOST or smtp://localhost:PORT, without a name or password in it")]
    MailServer,
    #[error("the gateway for text messages is https://…, or http://localhost:PORT/…")]
    TextGateway,
    #[error("a file with a secret cannot be used: {0}")]
    SecretFile(std::io::Error),
    #[error("passwords cannot be hashed at this cost")]
    PasswordCost,
    #[error("the database does not open")]
    Database(#[from] DbError),
    #[error(transparent)]
    Seals(#[from] SealError),
    #[error(transparent)]
    Rails(#[from] RailSettingsError),
    #[error(
        "accounts in {0} hold practice money, which never goes over a real rail: keep the practice rail for {0}, or begin \
         with an empty database"
    )]
    PracticeMoney(Currency),
    #[error(
        "payments are open on the rail {0}, which is not configured: start with the --rails that has it, and take it out when \
         they are over"
    )]
    RailMissing(String),
    #[error("the database of places does not open")]
    Places(#[from] PlacesError),
    #[error(transparent)]
    Heads(#[from] HeadsError),
}

/// Everything that starting a server needs.
pub struct Config {
    pub location: Location,
    pub listen: SocketAddr,
    /// None: `http://localhost:PORT` with the port that was bound.
    pub public_url: Option<PublicUrl>,
    pub server_name: String,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    /// The embedded server makes accounts in process; a server for others never does.
    pub local_accounts: bool,
    pub trusted_proxies: Vec<Network>,
    /// Where the days of payments and statements are meant.
    pub zone: TimeZone,
    pub practice: Practice,
    /// The rails that move real money; none: the practice rail alone.
    pub rails: Arc<RailSettings>,
    /// A file that says where networks are, of the MaxMind format; none: no place is known.
    pub places: Option<PathBuf>,
    /// None: no e-mail leaves, so no address can be confirmed.
    pub mail: Option<MailSettings>,
    /// None: no text messages leave.
    pub texts: Option<TextGateway>,
    /// What needs a passkey, and what waits.
    pub policy: Preset,
    /// The back office of support is there.
    pub support: bool,
    /// What one signed-in device may ask for.
    pub throttle: Throttle,
    /// What people accept before they pay; none: nothing is asked.
    pub terms: Option<Terms>,
    pub seal_keys: SealKeys,
    /// A file beside the database that the heads of the security logs are noted in.
    pub audit_head: Option<PathBuf>,
    /// Names below the public URL's are reached over TLS alone, too.
    pub hsts_subdomains: bool,
}

impl Config {
    #[must_use]
    pub fn new(location: Location, listen: SocketAddr) -> Self {
        Self {
            location,
            listen,
            public_url: None,
            server_name: "Billfold".to_owned(),
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance),
            local_accounts: false,
            trusted_proxies: Vec::new(),
            zone: TimeZone::system(),
            practice: Practice::default(),
            rails: Arc::default(),
            places: None,
            mail: None,
            texts: None,
            policy: Preset::Standard,
            support: false,
            throttle: Throttle::default(),
            terms: None,
            seal_keys: SealKeys::Usual,
            audit_head: None,
            hsts_subdomains: false,
        }
    }

    /// The settings that handlers see, once the port is known.
    pub fn settings(&self, bound: SocketAddr) -> Result<Settings, ConfigError> {
        let public_url = match &self.public_url {
            Some(url) => url.clone(),
            None => format!("http://localhost:{}", bound.port()).parse()?,
        };
        if !bound.ip().is_loopback() && public_url.is_localhost() {
            return Err(ConfigError::ListensInTheOpen);
        }
        Ok(Settings {
            public_url,
            server_name: self.server_name.clone(),
            local_accounts: self.local_accounts,
            trusted_proxies: self.trusted_proxies.clone(),
            zone: self.zone.clone(),
            practice: self.practice.clone(),
            rails: Arc::clone(&self.rails),
            support: self.support,
            places: Arc::new(self.places.as_deref().map(Places::open).transpose()?.unwrap_or_default()),
            mail: self.mail.clone(),
            texts: self.texts.clone(),
            policy: self.policy,
            throttle: self.throttle,
            terms: self.terms.clone(),
            seals: self.seals()?,
            audit_head: self.audit_head.clone(),
            hsts_subdomains: self.hsts_subdomains,
            failed_ceremony_delay: Duration::from_secs(1),
            password_cost: Cost::USUAL,
        })
    }

    /// The keys that seal.
    fn seals(&self) -> Result<Seals, SealError> {
        match (&self.seal_keys, &self.location) {
            (SealKeys::Without, _) => Ok(Seals::default()),
            (SealKeys::File(file), _) => Seals::open(file, self.chance.as_ref()),
            (SealKeys::Usual, Location::Sqlite { key: Some(key), .. }) => Seals::derived(key.bytes()),
            (SealKeys::Usual, Location::Sqlite { file, key: None }) => {
                Seals::open(&Seals::beside(file), self.chance.as_ref())
            }
            // Nodes share a database and not a folder.
            (SealKeys::Usual, Location::Postgres { .. }) => Err(SealError::NotSaid),
        }
    }
}

/// Where the keys are that seal what the server must read again, as those of authenticator apps.
#[derive(Clone, Debug, Default)]
pub enum SealKeys {
    /// Made from the key of an encrypted database, else a file beside the database of SQLite, made when it is not there.
    #[default]
    Usual,
    /// This file, made when it is not there.
    File(PathBuf),
    /// Nowhere: for work that reads nothing sealed.
    Without,
}

/// What handlers may know of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    pub public_url: PublicUrl,
    pub server_name: String,
    pub local_accounts: bool,
    pub trusted_proxies: Vec<Network>,
    /// Where the days of payments and statements are meant.
    pub zone: TimeZone,
    /// How the practice bank behaves.
    pub practice: Practice,
    pub rails: Arc<RailSettings>,
    /// The back office of support is there.
    pub support: bool,
    /// Where networks are.
    pub places: Arc<Places>,
    pub mail: Option<MailSettings>,
    pub texts: Option<TextGateway>,
    /// What needs a passkey, and what waits.
    pub policy: Preset,
    pub throttle: Throttle,
    /// What people accept before they pay.
    pub terms: Option<Terms>,
    /// What seals the keys of authenticator apps.
    pub seals: Seals,
    /// Where the heads of the security logs are noted.
    pub audit_head: Option<PathBuf>,
    /// Browsers are told that names below this server's are reached over TLS alone, too.
    pub hsts_subdomains: bool,
    /// How long a refused passkey waits for its answer.
    pub failed_ceremony_delay: Duration,
    /// How dear the hash of a password is.
    pub password_cost: Cost,
}

/// What a file told in confidence. It is shown nowhere.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads it from a file, without the line's end.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(ConfigError::SecretFile)?;
        Ok(Self(text.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The one origin of this server: https, or http on localhost. Its host is the relying party of every passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    origin: String,
}

impl PublicUrl {
    /// `https://accounts.example.org`, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    #[must_use]
    pub fn host(&self) -> &str {
        self.url.domain().unwrap_or("localhost")
    }

    #[must_use]
    pub fn is_localhost(&self) -> bool {
        self.url.scheme() == "http"
    }
}

impl FromStr for PublicUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let url: Url = text.parse().map_err(|_| ConfigError::PublicUrl)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nameless = url.username().is_empty() && url.password().is_none();
        let good = match url.scheme() {
            "https" => url.domain().is_some(),
            "http" => url.domain() == Some("localhost"),
            _ => false,
        };
        if !(bare && nameless && good) {
            return Err(ConfigError::PublicUrl);
        }
        let origin = url.origin().ascii_serialization();
        Ok(Self { url, origin })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Makes the folder, readable by its owner alone, and names the database within it.
pub fn data_folder(folder: &Path, key: Option<FileKey>) -> Result<Location, ConfigError> {
    if folder.exists() && !folder.is_dir() {
        return Err(ConfigError::NotAFolder(folder.display().to_string()));
    }
    let mut maker = std::fs::DirBuilder::new();
    maker.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker.create(folder).map_err(ConfigError::Folder)?;
    Ok(Location::Sqlite { file: database_file(folder), key })
}

/// The database of a folder that a server made, for commands that look at one: a mistyped folder is not a new database.
pub fn standing_data_folder(folder: &Path) -> Result<Location, ConfigError> {
    let file = database_file(folder);
    if !file.is_file() {
        return Err(ConfigError::NoDatabase(folder.display().to_string()));
    }
    Ok(Location::Sqlite { file, key: None })
}

/// A database file is served by one process at a time: what was used once is remembered in that process alone
/// ([`Db::has_several_nodes`](crate::db::Db::has_several_nodes)). Held until the file is dropped.
pub(crate) fn claim(location: &Location) -> Result<Option<File>, ConfigError> {
    let Location::Sqlite { file, .. } = location else { return Ok(None) };
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(file.with_extension("lock")).map_err(ConfigError::Folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Err(ConfigError::InUse),
        Err(TryLockError::Error(error)) => Err(ConfigError::Folder(error)),
    }
}

fn database_file(folder: &Path) -> PathBuf {
    folder.join("server.sqlite")
}

/// The machine's clock, to the microsecond that both databases keep. While it is set back a little it stands still: what is
/// booked after a cycle was closed is not of that cycle. What is set back by more was wrong before, and is followed.
pub struct SystemClock;

/// Time servers step a clock by seconds.
const SET_BACK_A_LITTLE: i64 = 10 * 60 * 1_000_000;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        static NEWEST: AtomicI64 = AtomicI64::new(i64::MIN);
        let now = Timestamp::now();
        Timestamp::from_microsecond(not_back(&NEWEST, now.as_microsecond())).unwrap_or(now)
    }
}

/// The newest microsecond that was told so far, where this one is a little before it.
fn not_back(newest: &AtomicI64, now: i64) -> i64 {
    let told = newest.fetch_max(now, Ordering::SeqCst);
    if told <= now {
        return now;
    }
    if told.saturating_sub(now) <= SET_BACK_A_LITTLE {
        return told;
    }
    newest.store(now, Ordering::SeqCst);
    now
}

/// The machine's random numbers.
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        // Without random numbers no secret can be made: nothing sensible is left to do.
        getrandom::fill(bytes).expect("the system gives random numbers");
    }
}

/// Logs to standard error; `BILLFOLD_LOG` chooses how much (`info` unless told).
pub fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BILLFOLD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_a_little_stands_still_and_one_that_was_wrong_is_followed() {
        const SECOND: i64 = 1_000_000;
        let newest = AtomicI64::new(i64::MIN);
        let told = [0, 100, 70, 99, 101, 5_000, 1_000].map(|at| not_back(&newest, at * SECOND) / SECOND);
        assert_eq!(told, [0, 100, 100, 100, 101, 5_000, 1_000]);
        assert_eq!(not_back(&newest, 1_001 * SECOND), 1_001 * SECOND, "and goes on from there");
    }

    #[test]
    fn a_database_file_is_served_by_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let location = data_folder(folder.path(), None).unwrap();
        let first = claim(&location).unwrap();
        assert!(matches!(claim(&location), Err(ConfigError::InUse)));
        drop(first);
        assert!(claim(&location).unwrap().is_some(), "whoever comes next finds it free");
        let shared = Location::Postgres { url: "postgres://localhost/billfold".to_owned() };
        assert!(claim(&shared).unwrap().is_none(), "several nodes serve one PostgreSQL");
    }

    #[test]
    fn why_a_server_does_not_start_is_said_once_with_what_to_do() {
        use std::error::Error as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = data_folder(&file, None).err().unwrap();
        assert!(refused.to_string().contains("is no folder; name one with --data"), "{refused}");
        for error in [refused, ConfigError::Listen(std::io::ErrorKind::AddrInUse.into())] {
            assert!(error.source().is_none(), "{error}");
        }
    }

    #[tokio::test]
    async fn a_folder_without_books_is_not_looked_at_and_a_new_database_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let refused = standing_data_folder(&folder.path().join("mistyped"));
        assert!(matches!(refused, Err(ConfigError::NoDatabase(_))));
        assert!(!folder.path().join("mistyped").exists(), "nothing is made of it");
        let location = data_folder(folder.path(), None).unwrap();
        crate::db::Db::open(&location).await.unwrap().close().await;
        assert!(standing_data_folder(folder.path()).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = database_file(folder.path()).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "names and amounts lie there in plain text");
        }
    }

    #[test]
    fn a_public_url_is_https_or_localhost_and_nothing_else() {
        for good in ["https://accounts.example.org", "https://accounts.example.org:8443/", "http://localhost:8470"] {
            assert!(good.parse::<PublicUrl>().is_ok(), "{good}");
        }
        for bad in [
            "http://accounts.example.org",
            "http://127.0.0.1:8470",
            "https://192.0.2.1",
            "https://accounts.example.org/path",
            "https://me@accounts.example.org",
            "ftp://localhost",
            "localhost",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn listening_beyond_this_machine_needs_https() {
        let location = Location::Sqlite { file: "server.sqlite".into(), key: FileKey::read(&[7; 32]) };
        let open: SocketAddr = "0.0.0.0:8470".parse().unwrap();
        let mut config = Config::new(location, open);
        assert!(matches!(config.settings(open), Err(ConfigError::ListensInTheOpen)));
        config.public_url = Some("https://accounts.example.org".parse().unwrap());
        assert!(config.settings(open).is_ok());
    }

    #[test]
    fn nodes_are_told_where_the_keys_are_that_seal() {
        let here: SocketAddr = "127.0.0.1:8470".parse().unwrap();
        let mut config = Config::new(Location::Postgres { url: String::new() }, here);
        assert!(matches!(config.settings(here), Err(ConfigError::Seals(SealError::NotSaid))));
        let folder = tempfile::tempdir().unwrap();
        config.seal_keys = SealKeys::File(folder.path().join("keys"));
        let first = config.settings(here).unwrap().seals.newest();
        assert!(first.is_some() && config.settings(here).unwrap().seals.newest() == first);
    }
}
