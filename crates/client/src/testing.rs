//! The frozen world of this crate's tests: a folder of their own, a clock that is moved by hand, seeded chance, secrets
//! in memory, and notices that are kept instead of shown.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use domain::money::{Currency, Money};
use domain::schedule::{Every, Schedule};
use domain::time::ManualClock;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::bills::NewBill;
use crate::cache::bills as stored;
use crate::client::{Client, OpenOutcome, lock};
use crate::error::ClientError;
use crate::platform::{Language, MemoryNotifier, MemorySecrets, NoBrowser, Ports, SecretStore, SeededChance, Zone};
use crate::status::Place;
use crate::vault::Protect;

pub(crate) struct World {
    dir: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    memory: Arc<MemorySecrets>,
    pub secrets: Arc<dyn SecretStore>,
    pub notifier: Arc<MemoryNotifier>,
    pub browser: Arc<NoBrowser>,
    pub zone: Arc<MovingZone>,
    opened: Mutex<Vec<Client>>,
}

/// Where the person is; a person travels.
pub(crate) struct MovingZone(Mutex<TimeZone>);

impl MovingZone {
    pub fn to(&self, name: &str) {
        *lock(&self.0) = TimeZone::get(name).unwrap();
    }
}

impl Zone for MovingZone {
    fn zone(&self) -> TimeZone {
        lock(&self.0).clone()
    }
}

impl World {
    /// 2026-11-20, 12:00 UTC.
    pub fn new() -> Self {
        let memory = Arc::new(MemorySecrets::default());
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().unwrap())),
            secrets: memory.clone(),
            memory,
            notifier: Arc::new(MemoryNotifier::default()),
            browser: Arc::new(NoBrowser::default()),
            zone: Arc::new(MovingZone(Mutex::new(TimeZone::UTC))),
            opened: Mutex::default(),
        }
    }

    /// One whose secrets are kept elsewhere.
    pub fn with_secrets(secrets: Arc<dyn SecretStore>) -> Self {
        Self { secrets, ..Self::new() }
    }

    /// What every test ends with. A process that ends with an open copy ends under the feet of that copy's threads, since
    /// SQLCipher clears up at exit.
    pub async fn end(self) {
        let opened = std::mem::take(&mut *lock(&self.opened));
        for client in opened {
            client.lock().await.unwrap();
        }
    }

    pub fn ports(&self) -> Ports {
        Ports {
            secrets: self.secrets.clone(),
            notifier: self.notifier.clone(),
            browser: self.browser.clone(),
            clock: self.clock.clone(),
            chance: Arc::new(SeededChance::new(self.clock_seed())),
            zone: self.zone.clone(),
            language: Language::En.into(),
        }
    }

    /// Another start draws other numbers, as in the real world.
    fn clock_seed(&self) -> u64 {
        use domain::time::Clock as _;
        let files = std::fs::read_dir(self.dir.path()).map_or(0, Iterator::count);
        self.clock.now().as_second().unsigned_abs() + files as u64
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The keyring itself, to be told how to fail.
    pub fn secrets(&self) -> &MemorySecrets {
        &self.memory
    }

    /// Somebody deleted the entry with a keyring tool.
    pub fn forget_keyring(&self) {
        self.memory.forget(crate::platform::SecretKind::Vault);
    }

    pub fn at(&self, instant: &str) {
        self.clock.set(instant.parse::<Timestamp>().unwrap());
    }

    pub fn later(&self, seconds: i64) {
        use domain::time::Clock as _;
        self.clock.set(self.clock.now().checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap());
    }

    pub async fn open(&self) -> Client {
        self.try_open().await.unwrap().client
    }

    pub async fn try_open(&self) -> Result<OpenOutcome, ClientError> {
        let outcome = Client::open(self.data(), self.ports()).await?;
        lock(&self.opened).push(outcome.client.clone());
        Ok(outcome)
    }

    /// A new account of this computer, whose server is not running.
    pub async fn start(&self) -> Client {
        let client = self.open().await;
        client.create(Protect::Keyring, Place::ThisComputer).await.unwrap();
        client
    }

    /// The program ends and starts again.
    pub async fn restart(&self, client: Client) -> Client {
        client.lock().await.unwrap();
        drop(client);
        self.open().await
    }
}

pub(crate) fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap()
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn monthly(name: &str, amount: &str, starts_on: &str) -> NewBill {
    let starts_on = day(starts_on);
    let schedule = Schedule::new(Every::Month, 1, starts_on);
    NewBill { remind_days: vec![3, 1], ..NewBill::new(name.to_owned(), usd(amount), schedule) }
}

/// A payable biller, as a sync would have brought it.
pub(crate) async fn with_biller(client: &Client) -> domain::ids::BillerId {
    let biller = domain::billers::Biller {
        id: domain::ids::BillerId::new("2026-01-01T00:00:00Z".parse().unwrap(), [1; 10]),
        name: "Northfold Phone".to_owned(),
        category: "phone".to_owned(),
        payable: true,
        accepts: vec![domain::billers::Accepts::BankTransfer],
        zone: "UTC".to_owned(),
        cutoff: Some(jiff::civil::Time::constant(17, 0, 0, 0)),
        calendar: domain::calendar::Calendar::EveryDay,
    };
    let open = client.opened().unwrap();
    let mut tx = open.cache.begin().await.unwrap();
    stored::replace_billers(&mut tx, u32::MAX, std::slice::from_ref(&biller)).await.unwrap();
    tx.commit().await.unwrap();
    biller.id
}

/// A payment method that is good through this month, as a sync would have brought it.
pub(crate) async fn with_method(client: &Client, expiry: domain::methods::Expiry) -> domain::ids::MethodId {
    let added_at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let method = domain::methods::Method {
        id: domain::ids::MethodId::new(added_at, [3; 10]),
        kind: domain::methods::MethodKind::Card,
        brand: "Heron".to_owned(),
        last_four: "4471".to_owned(),
        expiry: Some(expiry),
        is_default: false,
        frozen: false,
        added_at,
        usable_from: added_at,
    };
    let open = client.opened().unwrap();
    let mut tx = open.cache.begin().await.unwrap();
    crate::cache::methods::put(&mut tx, &method).await.unwrap();
    tx.commit().await.unwrap();
    method.id
}

/// An account that the server keeps, with this balance, as a sync would have brought it.
pub(crate) async fn with_balance(client: &Client, balance: &str) {
    let account = domain::accounts::Account {
        id: domain::ids::AccountId::new("2026-01-01T00:00:00Z".parse().unwrap(), [2; 10]),
        name: "Checking".to_owned(),
        kind: domain::accounts::AccountKind::Checking,
        keeping: domain::accounts::Keeping::Served,
        currency: Currency::USD,
        mask: None,
        source: None,
        balance: Some(usd(balance)),
        available: None,
        balance_as_of: None,
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: domain::card::Excess::default(),
        card: None,
        covered: Vec::new(),
    };
    let open = client.opened().unwrap();
    let mut tx = open.cache.begin().await.unwrap();
    crate::cache::accounts::put(&mut tx, &account).await.unwrap();
    tx.commit().await.unwrap();
}

/// The folder as it is at this moment. In memory where that is to be had: hundreds of copies are made, and none of them
/// has to outlive the power.
pub(crate) fn copy_of(folder: &Path) -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    let to = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() }.unwrap();
    copy_into(folder, to.path());
    to
}

pub(crate) fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy_into(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Every byte that stands in a folder.
pub(crate) fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_below(&path));
        } else {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

pub(crate) fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
