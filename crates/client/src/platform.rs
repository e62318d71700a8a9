//! What an operating system gives, as ports: secrets, notifications, the browser, time and chance.
//! The shell supplies the bodies; the memory bodies here are for tests and for hosts that keep nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use domain::addresses::Language;
use domain::time::Clock;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

/// Everything the core needs from where it runs.
#[derive(Clone)]
pub struct Ports {
    pub secrets: Arc<dyn SecretStore>,
    pub notifier: Arc<dyn Notifier>,
    pub browser: Arc<dyn Browser>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    pub zone: Arc<dyn Zone>,
    /// The language of notices, of the tray and the system's dialogs, and of the server's pages that the app opens.
    pub language: Spoken,
}

/// The language that the person chose, else the system's. Whoever holds it speaks another one as soon as that is chosen.
#[derive(Clone, Debug)]
pub struct Spoken(Arc<Choice>);

#[derive(Debug)]
struct Choice {
    of_system: Language,
    chosen: RwLock<Option<Language>>,
}

impl Spoken {
    #[must_use]
    pub fn now(&self) -> Language {
        self.0.chosen.read().unwrap_or_else(PoisonError::into_inner).unwrap_or(self.0.of_system)
    }

    /// `None` is the system's own.
    pub fn choose(&self, chosen: Option<Language>) {
        *self.0.chosen.write().unwrap_or_else(PoisonError::into_inner) = chosen;
    }
}

impl From<Language> for Spoken {
    fn from(of_system: Language) -> Self {
        Self(Arc::new(Choice { of_system, chosen: RwLock::new(None) }))
    }
}

/// Bytes that are wiped when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// 256 bits that nobody knows.
    #[must_use]
    pub fn random(chance: &dyn Chance) -> Self {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        chance.fill(&mut bytes);
        Self(bytes)
    }

    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// One secret of one data folder. Two folders on one computer never share an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName {
    /// The folder's own number, from its header.
    pub vault: Uuid,
    pub kind: SecretKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// What the key that wraps the cache's key is made from.
    Vault,
    /// The device's ES256 key (PKCS #8).
    Device,
    RefreshToken,
    /// The key of the embedded server's database.
    Server,
    /// The key of the list of due days that is readable while locked.
    DueList,
    /// What the copy was when it was last closed: not secret, but out of reach of who writes its files.
    Anchor,
}

impl SecretKind {
    pub const ALL: &[Self] =
        &[Self::Vault, Self::Device, Self::RefreshToken, Self::Server, Self::DueList, Self::Anchor];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Device => "device",
            Self::RefreshToken => "refresh-token",
            Self::Server => "server",
            Self::DueList => "due-list",
            Self::Anchor => "anchor",
        }
    }
}

impl fmt::Display for SecretName {
    /// The entry's name in a keyring: `{vault}/{kind}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vault, self.kind.as_str())
    }
}

/// Where this device keeps secrets. The shell uses the system keyring, tests use memory.
/// Calls may wait for the person to unlock the keyring, so make them off the async threads.
pub trait SecretStore: Send + Sync {
    /// `None` only when the store was read and holds no such entry.
    fn find(&self, name: SecretName) -> Result<Option<Secret>, SecretStoreError>;
    fn put(&self, name: SecretName, value: &Secret) -> Result<(), SecretStoreError>;
    /// Removing what is not there succeeds.
    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError>;
    /// Which keyring answers, in the system's own words: "the key is gone" is another trouble than "another keyring
    /// answers now".
    fn kind(&self) -> Result<String, SecretStoreError>;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretStoreError {
    /// This computer has no keyring that answers.
    #[error("no keyring answers: {why}")]
    Absent { why: String },
    /// There is not even a bus on which one could answer: no desktop session, or a broken one.
    #[error("this session has no bus: {why}")]
    NoBus { why: String },
    /// There is one, and the person did not unlock it.
    #[error("the keyring is locked")]
    Locked,
    #[error("the keyring refused: {why}")]
    Refused { why: String },
}

/// Random bytes. Seeded in tests, the system's in the product.
pub trait Chance: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// A fixed number of random bytes.
pub fn random<const N: usize>(chance: &dyn Chance) -> [u8; N] {
    let mut bytes = [0; N];
    chance.fill(&mut bytes);
    bytes
}

/// The zone the person is in, asked each time: it changes when they travel.
pub trait Zone: Send + Sync {
    fn zone(&self) -> TimeZone;
}

/// Opens an address in the person's own browser.
pub trait Browser: Send + Sync {
    /// False when none came up; the address is then shown to be opened by hand.
    fn open(&self, address: &str) -> bool;
}

/// A reminder on the desktop. Words were chosen already; the body only shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Names it for `withdraw` and for the action that comes back.
    pub id: String,
    pub title: String,
    pub body: String,
    pub actions: Vec<NoticeAction>,
    /// Something is late or not covered: it may break through "do not disturb".
    pub urgent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum NoticeAction {
    Pay,
    Snooze,
    MarkPaid,
    /// A click on the notice itself.
    Open,
}

impl NoticeAction {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pay => "pay",
            Self::Snooze => "snooze",
            Self::MarkPaid => "mark_paid",
            Self::Open => "open",
        }
    }
}

/// Shows notices. What the person chose comes back through `Client::reminders().act`.
pub trait Notifier: Send + Sync {
    fn show(&self, notice: &Notice) -> Result<(), NotifierError>;
    /// Withdrawing what is gone succeeds.
    fn withdraw(&self, id: &str);
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no notification could be shown: {why}")]
pub struct NotifierError {
    pub why: String,
}

/// The system's clock: the one place that reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct SystemZone;

impl Zone for SystemZone {
    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }
}

/// One zone for ever: tests, and reports that name their zone.
#[derive(Clone, Debug)]
pub struct FixedZone(pub TimeZone);

impl Zone for FixedZone {
    fn zone(&self) -> TimeZone {
        self.0.clone()
    }
}

/// The system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system always gives random numbers");
    }
}

/// The same numbers each run: the frozen world of tests. Not for secrets.
#[derive(Debug)]
pub struct SeededChance(Mutex<u64>);

impl SeededChance {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64 (Steele, Lea, Flood 2014).
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Secrets in memory: for tests, and for hosts that keep nothing. It can be told to fail as keyrings do.
#[derive(Debug, Default)]
pub struct MemorySecrets {
    entries: Mutex<BTreeMap<SecretName, Vec<u8>>>,
    failure: Mutex<Option<SecretStoreError>>,
    kind: Mutex<Option<String>>,
}

impl MemorySecrets {
    /// From now on every call fails like this, until told otherwise.
    pub fn fail_with(&self, failure: Option<SecretStoreError>) {
        *lock(&self.failure) = failure;
    }

    /// What a person does with a keyring tool.
    pub fn forget(&self, kind: SecretKind) {
        lock(&self.entries).retain(|name, _| name.kind != kind);
    }

    /// What another program does that thinks the entry its own.
    pub fn replace(&self, kind: SecretKind, value: &[u8]) {
        for (_, kept) in lock(&self.entries).iter_mut().filter(|(name, _)| name.kind == kind) {
            value.clone_into(kept);
        }
    }

    /// Another one that holds the same.
    #[cfg(test)]
    pub(crate) fn copy(&self) -> Self {
        Self { entries: Mutex::new(lock(&self.entries).clone()), ..Self::default() }
    }

    /// Holds what the other one holds, and nothing else.
    #[cfg(test)]
    pub(crate) fn become_like(&self, other: &Self) {
        let entries = lock(&other.entries).clone();
        *lock(&self.entries) = entries;
    }

    /// From now on it is another keyring.
    pub fn goes_by(&self, kind: &str) {
        *lock(&self.kind) = Some(kind.to_owned());
    }

    #[must_use]
    pub fn fails(&self) -> bool {
        lock(&self.failure).is_some()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        lock(&self.entries).is_empty()
    }

    fn check(&self) -> Result<(), SecretStoreError> {
        lock(&self.failure).clone().map_or(Ok(()), Err)
    }
}

impl SecretStore for MemorySecrets {
    fn find(&self, name: SecretName) -> Result<Option<Secret>, SecretStoreError> {
        self.check()?;
        Ok(lock(&self.entries).get(&name).cloned().map(Secret::new))
    }

    fn put(&self, name: SecretName, value: &Secret) -> Result<(), SecretStoreError> {
        self.check()?;
        lock(&self.entries).insert(name, value.expose().to_vec());
        Ok(())
    }

    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError> {
        self.check()?;
        if let Some(mut gone) = lock(&self.entries).remove(&name) {
            gone.zeroize();
        }
        Ok(())
    }

    fn kind(&self) -> Result<String, SecretStoreError> {
        self.check()?;
        Ok(lock(&self.kind).clone().unwrap_or_else(|| "memory".to_owned()))
    }
}

/// A keyring for hosts that have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl SecretStore for NoSecrets {
    fn find(&self, _: SecretName) -> Result<Option<Secret>, SecretStoreError> {
        Err(no_keyring())
    }

    fn put(&self, _: SecretName, _: &Secret) -> Result<(), SecretStoreError> {
        Err(no_keyring())
    }

    fn remove(&self, _: SecretName) -> Result<(), SecretStoreError> {
        Ok(())
    }

    fn kind(&self) -> Result<String, SecretStoreError> {
        Err(no_keyring())
    }
}

fn no_keyring() -> SecretStoreError {
    SecretStoreError::Absent { why: "this system has none".to_owned() }
}

/// Keeps what it was asked to show: tests, and `billfold remind --dry-run`.
#[derive(Debug, Default)]
pub struct MemoryNotifier {
    shown: Mutex<Vec<Notice>>,
    withdrawn: Mutex<Vec<String>>,
    failure: Mutex<Option<NotifierError>>,
}

impl MemoryNotifier {
    /// From now on nothing can be shown, for this reason, until told otherwise.
    pub fn fail_with(&self, failure: Option<NotifierError>) {
        *lock(&self.failure) = failure;
    }

    #[must_use]
    pub fn shown(&self) -> Vec<Notice> {
        lock(&self.shown).clone()
    }

    #[must_use]
    pub fn withdrawn(&self) -> Vec<String> {
        lock(&self.withdrawn).clone()
    }
}

impl Notifier for MemoryNotifier {
    fn show(&self, notice: &Notice) -> Result<(), NotifierError> {
        if let Some(failure) = lock(&self.failure).clone() {
            return Err(failure);
        }
        lock(&self.shown).push(notice.clone());
        Ok(())
    }

    fn withdraw(&self, id: &str) {
        lock(&self.withdrawn).push(id.to_owned());
    }
}

/// Opens nothing and remembers the address: tests, and `--no-browser`.
#[derive(Debug, Default)]
pub struct NoBrowser {
    addresses: Mutex<Vec<String>>,
}

impl NoBrowser {
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        lock(&self.addresses).clone()
    }
}

impl Browser for NoBrowser {
    fn open(&self, address: &str) -> bool {
        lock(&self.addresses).push(address.to_owned());
        false
    }
}

/// A panic elsewhere does not make these values wrong.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
