//! A copy that somebody changed, cut or put back to an earlier state: no wrong value is shown, nothing falls over, it is
//! rebuilt, and what was not sent is sent. The server beside it answers as the contract says.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::sync::Record;
use domain::bills::Bill;
use domain::ids::TransactionId;
use jiff::Timestamp;

use crate::accounts::TransactionQuery;
use crate::client::{Client, lock};
use crate::error::ClientError;
use crate::platform::{MemorySecrets, Ports, SeededChance, random};
use crate::server_tests::{Shared, bill, card, line, signed_in, start_fake};
use crate::testing::{World, copy_into, copy_of, monthly};

const BIT_FLIPS: usize = 1_000;
const TRUNCATIONS: usize = 200;
const PAGE_ROLL_BACKS: usize = 200;
const PAGE: usize = 4_096;
const LAST_SHOP: u8 = 12;
/// How many trials go without the server before one meets it.
const CONNECTS_EVERY: usize = 3;

/// A signed-in desk that was closed with unsent work, as it is before each trial.
struct Desk {
    world: World,
    fake: Shared,
    /// The folder as it was closed, and one generation before that.
    closed: tempfile::TempDir,
    before: tempfile::TempDir,
    secrets: MemorySecrets,
    tokens_given: u32,
    /// Where the trials are, each in the same folder, by the same program.
    trial: tempfile::TempDir,
    kept: Arc<MemorySecrets>,
    client: Client,
    tried: Cell<usize>,
    truth: Truth,
    chance: SeededChance,
}

/// Everything that may be shown, each value as text.
struct Truth {
    lines: BTreeSet<String>,
    bills: BTreeSet<String>,
    unsent: String,
}

fn records(count: u8, amount_note: &str) -> Vec<Record> {
    let mut records = vec![Record::Account(card())];
    for number in 0..=count {
        for day in 1..=3 {
            let mut one =
                line(number, &format!("2026-10-{day:02}"), &format!("Shop {number} on day {day} {amount_note}"));
            one.id = TransactionId::new(Timestamp::UNIX_EPOCH, [0, 0, 0, 0, 0, 0, number, day, 0, 1]);
            one.source = Some(format!("source-{number}-{day}"));
            records.push(Record::Transaction(one));
        }
    }
    records.extend((0..4).map(|number| {
        // Days of reminders are not what is tried here, and take their time.
        Record::Bill(Bill { remind_days: Vec::new(), ..bill(100 + number, &format!("Bill {number} {amount_note}")) })
    }));
    records
}

impl Desk {
    async fn new(seed: u64) -> Self {
        let (world, fake) = (World::new(), start_fake().await);
        let client = signed_in(&world, &fake).await;
        lock(&fake).snapshot = records(LAST_SHOP, "as it was");
        client.sync().now().await.unwrap();
        client.lock().await.unwrap();
        let before = copy_of(&world.data());
        // A new generation: everything has another text.
        client.unlock(None).await.unwrap();
        lock(&fake).expire_cursor = true;
        lock(&fake).snapshot = records(LAST_SHOP, "as it is");
        client.sync().now().await.unwrap();
        let unsent = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap().to_string();
        let (lines, bills) = (lines(&client).await.unwrap(), bills(&client).await.unwrap());
        assert!(lines.len() == 39 && bills.len() == 5 && lines.iter().all(|line| line.contains("as it is")));
        client.lock().await.unwrap();
        let tokens_given = lock(&fake).tokens_given;
        let (closed, trial) = (copy_of(&world.data()), copy_of(&world.data()));
        let (secrets, kept) = (world.secrets().copy(), Arc::new(world.secrets().copy()));
        let client = Client::open(trial.path(), Ports { secrets: kept.clone(), ..world.ports() }).await.unwrap().client;
        client.lock().await.unwrap();
        let truth = Truth { lines, bills, unsent };
        let chance = SeededChance::new(seed);
        Self {
            world,
            fake,
            closed,
            before,
            secrets,
            tokens_given,
            trial,
            kept,
            client,
            tried: Cell::default(),
            truth,
            chance,
        }
    }

    /// A number below `end`.
    fn below(&self, end: usize) -> usize {
        usize::try_from(u64::from_le_bytes(random(&self.chance)) % end as u64).unwrap()
    }

    /// Lets somebody spoil the closed folder, then does what a person does: looks, works on, and every few times connects.
    /// True when the copy was set aside.
    async fn try_with(&self, what: &str, spoil: impl FnOnce(&Path)) -> bool {
        self.put_back();
        spoil(self.trial.path());
        self.client.unlock(None).await.unwrap_or_else(|error| panic!("{what}: {}", error.code));
        let client = self.client.clone();
        if !self.look(what, &client).await {
            // What turned out damaged is built anew meanwhile; a second look shows nothing wrong either.
            self.look(what, &client).await;
        }
        if let Some(open) = client.opened() {
            client.is_built_anew(&open).await;
        }
        self.tried.set(self.tried.get() + 1);
        if self.tried.get() % CONNECTS_EVERY == 1 {
            client.sync().now().await.unwrap_or_else(|error| panic!("{what}: {}", error.code));
            let (lines, mut bills) = (lines(&client).await.unwrap(), bills(&client).await.unwrap());
            assert_eq!(lines, self.truth.lines, "{what}: all is back");
            bills.extend(self.truth.bills.iter().filter(|text| text.contains(&self.truth.unsent)).cloned());
            assert_eq!(bills, self.truth.bills, "{what}: all is back");
            let sent = lock(&self.fake).writes.iter().any(|(_, path, ..)| path.ends_with(&self.truth.unsent));
            assert!(sent, "{what}: the unsent bill is sent");
        }
        client.lock().await.unwrap();
        self.trial.path().join("damaged").exists()
    }

    /// Everything as it was when the desk was closed: files, keyring and server.
    fn put_back(&self) {
        for entry in std::fs::read_dir(self.trial.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
        }
        copy_into(self.closed.path(), self.trial.path());
        self.kept.become_like(&self.secrets);
        let mut fake = lock(&self.fake);
        fake.tokens_given = self.tokens_given;
        fake.writes.clear();
    }

    /// Every value on screen is a true one; a refusal to show is one too. True when all of it was shown.
    async fn look(&self, what: &str, client: &Client) -> bool {
        let mut all = true;
        if let Some(shown) = shown_of(what, lines(client).await, &mut all) {
            assert!(shown.is_empty() || shown == self.truth.lines, "{what}: lines that are not so");
        }
        if let Some(shown) = shown_of(what, bills(client).await, &mut all) {
            assert!(shown.is_subset(&self.truth.bills), "{what}: bills that are not so");
            assert!(shown.len() <= 1 || shown == self.truth.bills, "{what}: some bills of all");
            assert!(shown.iter().any(|text| text.contains(&self.truth.unsent)), "{what}: unsent work is shown");
        }
        if let Some(accounts) = shown_of(what, client.accounts().list().await, &mut all) {
            for row in accounts {
                assert_eq!((row.account.clone(), row.transactions), (card(), self.truth.lines.len() as i64), "{what}");
            }
        }
        shown_of(what, client.home().await, &mut all);
        if let Some(status) = shown_of(what, client.status().await, &mut all) {
            assert_eq!(status.waiting, 1, "{what}: it waits");
        }
        all
    }
}

fn shown_of<T>(what: &str, read: Result<T, ClientError>, all: &mut bool) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(error) => {
            *all = false;
            assert!(["cache_damaged", "locked"].contains(&error.code.as_str()), "{what}: {}", error.code);
            None
        }
    }
}

async fn lines(client: &Client) -> Result<BTreeSet<String>, ClientError> {
    let query = TransactionQuery { limit: Some(500), ..TransactionQuery::default() };
    let page = client.accounts().transactions(query).await?;
    Ok(page.items.iter().map(|line| serde_json::to_string(line).unwrap()).collect())
}

async fn bills(client: &Client) -> Result<BTreeSet<String>, ClientError> {
    let view = client.bills().view().await?;
    Ok(view.bills.iter().map(|bill| serde_json::to_string(bill).unwrap()).collect())
}

fn change(file: PathBuf, work: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(&file).unwrap();
    work(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

/// Two halves, so that two cores have something to do.
async fn flip_bits(seed: u64) {
    let desk = Desk::new(seed).await;
    let mut rebuilt = 0;
    for number in 0..BIT_FLIPS / 2 {
        // Most in the copy itself, some in what stands beside it.
        let name = ["cache.db", "cache.db", "cache.db", "cache.note", "outbox.sealed"][number % 5];
        let bit = desk.below(8 * std::fs::metadata(desk.closed.path().join(name)).unwrap().len() as usize);
        let flip = |bytes: &mut Vec<u8>| bytes[bit / 8] ^= 1 << (bit % 8);
        let what = format!("bit {bit} of {name}");
        rebuilt += usize::from(desk.try_with(&what, |folder| change(folder.join(name), flip)).await);
    }
    assert!(rebuilt > BIT_FLIPS / 2 / 10, "{rebuilt} were rebuilt: the flips are seen");
    desk.world.end().await;
}

#[tokio::test]
async fn five_hundred_flipped_bits_show_nothing_wrong_and_lose_nothing() {
    flip_bits(1).await;
}

#[tokio::test]
async fn another_five_hundred_flipped_bits_show_nothing_wrong_and_lose_nothing() {
    flip_bits(6).await;
}

#[tokio::test]
async fn two_hundred_truncations_show_nothing_wrong_and_lose_nothing() {
    let desk = Desk::new(2).await;
    let length = std::fs::metadata(desk.closed.path().join("cache.db")).unwrap().len() as usize;
    for number in 0..TRUNCATIONS {
        // Anywhere, at a page's edge, and down to nothing.
        let to = match number % 4 {
            0 => desk.below(length / PAGE) * PAGE,
            1 => desk.below(100),
            _ => desk.below(length),
        };
        let what = format!("cut to {to} of {length}");
        let rebuilt = desk.try_with(&what, |folder| change(folder.join("cache.db"), |bytes| bytes.truncate(to))).await;
        assert!(rebuilt, "{what}");
    }
    desk.world.end().await;
}

#[tokio::test]
async fn two_hundred_pages_put_back_to_an_earlier_state_are_seen_and_rebuilt() {
    let desk = Desk::new(3).await;
    let old = std::fs::read(desk.before.path().join("cache.db")).unwrap();
    let new = std::fs::read(desk.closed.path().join("cache.db")).unwrap();
    let differ: Vec<usize> = (0..old.len().min(new.len()) / PAGE)
        .filter(|page| old[page * PAGE..][..PAGE] != new[page * PAGE..][..PAGE])
        .collect();
    assert!(differ.len() > 10, "{} pages of {} differ", differ.len(), new.len() / PAGE);
    for _ in 0..PAGE_ROLL_BACKS {
        let pages: BTreeSet<usize> = (0..=desk.below(3)).map(|_| differ[desk.below(differ.len())]).collect();
        let put_back = |bytes: &mut Vec<u8>| {
            for page in &pages {
                bytes[page * PAGE..][..PAGE].copy_from_slice(&old[page * PAGE..][..PAGE]);
            }
        };
        let what = format!("pages {pages:?} put back");
        assert!(desk.try_with(&what, |folder| change(folder.join("cache.db"), put_back)).await, "{what}");
    }
    desk.world.end().await;
}

#[tokio::test]
async fn a_copy_put_back_as_a_whole_is_seen_with_and_without_its_note() {
    let desk = Desk::new(4).await;
    let put_back = |names: &'static [&'static str]| {
        let before = desk.before.path().to_path_buf();
        move |folder: &Path| {
            for name in names {
                std::fs::copy(before.join(name), folder.join(name)).unwrap();
            }
        }
    };
    assert!(desk.try_with("the file", put_back(&["cache.db"])).await);
    assert!(desk.try_with("the file and its note", put_back(&["cache.db", "cache.note"])).await);
    let no_note = |folder: &Path| std::fs::remove_file(folder.join("cache.note")).unwrap();
    assert!(!desk.try_with("the note is gone", no_note).await, "the file is the one that was closed");
    assert!(
        desk.try_with("the file, and no note", |folder| {
            put_back(&["cache.db"])(folder);
            no_note(folder);
        })
        .await
    );
    let journal = |folder: &Path| std::fs::write(folder.join("cache.db-journal"), b"an old one").unwrap();
    assert!(desk.try_with("a journal to be played back", journal).await);
    assert!(!desk.try_with("nothing at all", |_| ()).await, "an honest copy is opened as it is");
    desk.world.end().await;
}

#[tokio::test]
async fn a_program_that_ended_without_closing_is_read_on_and_fetched_anew() {
    let desk = Desk::new(5).await;
    let client = desk.world.open().await;
    client.bills().add(monthly("Power", "94.17", "2026-12-03")).await.unwrap();
    // As the power goes: the log is not moved in, the note says open.
    let ended = copy_of(&desk.world.data());
    let secrets = Arc::new(desk.world.secrets().copy());
    let again = || Ports { secrets: secrets.clone(), ..desk.world.ports() };
    let opened = Client::open(ended.path(), again()).await.unwrap().client;
    assert_eq!(opened.bills().view().await.unwrap().bills.len(), 6, "readable without the server");
    assert!(!ended.path().join("damaged").exists());
    lock(&desk.fake).tokens_given = desk.tokens_given;
    lock(&desk.fake).snapshot = records(LAST_SHOP, "as the server says");
    opened.sync().now().await.unwrap();
    assert!(lines(&opened).await.unwrap().iter().all(|line| line.contains("as the server says")), "fetched anew");
    opened.lock().await.unwrap();
    // The same end, but the file is one from before the last closing.
    let older = copy_of(&desk.world.data());
    std::fs::copy(desk.before.path().join("cache.db"), older.path().join("cache.db")).unwrap();
    std::fs::remove_file(older.path().join("cache.db-wal")).unwrap();
    let secrets = Arc::new(desk.world.secrets().copy());
    let opened = Client::open(older.path(), Ports { secrets, ..desk.world.ports() }).await.unwrap().client;
    assert!(older.path().join("damaged").exists(), "it does not follow what was closed last");
    assert!(lines(&opened).await.unwrap().is_empty());
    assert_eq!(opened.status().await.unwrap().waiting, 2);
    opened.lock().await.unwrap();
    client.lock().await.unwrap();
    desk.world.end().await;
}
