//! The encrypted copy of the account. Only this folder opens the cache's file or sees its key.
//!
//! One connection writes and checkpoints; readers are read-only and closed first (SECURITY 3.1: the library is older
//! than the fix for a corruption that needs two writing connections). The copy is never authority: it can be rebuilt
//! from the server, and changes that the server lacks are kept beside it too (`outbox`).

pub(crate) mod accounts;
pub(crate) mod anchor;
pub(crate) mod autopay;
pub(crate) mod batches;
pub(crate) mod bills;
pub(crate) mod disputes;
pub(crate) mod methods;
pub(crate) mod orders;
pub(crate) mod outbox;
pub(crate) mod paydays;
pub(crate) mod purchases;
pub(crate) mod reminders;
pub(crate) mod rewards;
pub(crate) mod security;
pub(crate) mod suggestions;
pub(crate) mod transactions;
pub(crate) mod wallet;

use std::io::Read as _;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::AccountId;
use domain::money::Currency;
use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite, Transaction};
use tokio::sync::OnceCell;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::cache::anchor::{Anchoring, Condition, Digest};
use crate::folder::{self, FileError, Folder};
use crate::platform::Chance;
use crate::seal::SealKey;
use crate::vault::Vault;

pub(crate) type CacheResult<T> = Result<T, CacheError>;
/// A transaction that may write. Dropping it undoes it.
pub(crate) type Tx = Transaction<'static, Sqlite>;

/// Each step brings the structure from its index to the next number, in one transaction.
const MIGRATIONS: &[&str] = &[
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
    include_str!("schema-7.sql"),
    include_str!("schema-8.sql"),
    include_str!("schema-9.sql"),
    include_str!("schema-10.sql"),
    include_str!("schema-11.sql"),
    include_str!("schema-12.sql"),
    include_str!("schema-13.sql"),
    include_str!("schema-14.sql"),
    include_str!("schema-15.sql"),
    include_str!("schema-16.sql"),
    include_str!("schema-17.sql"),
    include_str!("schema-18.sql"),
    include_str!("schema-19.sql"),
];
const READERS: u32 = 3;
/// A change waits for a copy that is being fetched: that goes on as long as the server sends, and ends with the lock.
const WRITER_WITHIN: Duration = Duration::from_secs(600);
/// Closing waits no longer for whoever still holds a connection, which ends when it is given back.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// Above the working set of a screen: every page that is not in memory is decrypted again.
const PAGES_KIB: &str = "-24000";
/// More than a page of the largest list, so that a query never waits for its reader.
const ROWS_IN_FLIGHT: usize = 512;
/// What connecting leaves in the library's freed memory is the text of the key. Statements of the same shape, said to the
/// same connection, take the same places: as short as the key's own, many at once so that none of its places stays free,
/// and as long as all that is said at first. Their name means nothing to the library.
const SHORT_WASH: &str = "PRAGMA kez = \"x'0000000000000000000000000000000000000000000000000000000000000000'\";";
const SHORT_WASHES: usize = 200;
const LONG_WASH: &str = "PRAGMA kez = \"x'0000000000000000000000000000000000000000000000000000000000000000'\";
     -- ....................................................................................................
     -- ....................................................................................................
     -- ....................................................................................................
     -- ....................................................................................................";
/// How often: a statement may have had several places at once.
const LONG_WASHES: usize = 4;
const PLAIN_HEAD: &[u8; 16] = b"SQLite format 3\0";
const DAY_SECONDS: i64 = 86_400;
/// Days are counted from this one. An instant does not reach as far as a date does.
const FIRST_DAY: Date = Date::constant(1970, 1, 1);

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("the disk is full; nothing was changed")]
    DiskFull,
    #[error("the data folder cannot be written")]
    ReadOnly,
    /// This build would have written plain text.
    #[error("this build cannot encrypt the copy on disk")]
    NotEncrypted,
    #[error("the copy on this computer is damaged")]
    Damaged,
    #[error("the copy on this computer is from a newer Billfold")]
    Newer,
    #[error("too many changes wait for the server")]
    TooMany,
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("the copy was closed")]
    Closed,
    #[error("the copy on this computer refused")]
    Sql(#[source] sqlx::Error),
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<sqlx::Error> for CacheError {
    fn from(error: sqlx::Error) -> Self {
        let code = match &error {
            sqlx::Error::PoolClosed => return Self::Closed,
            sqlx::Error::Database(inner) => inner.code().and_then(|code| code.parse::<i32>().ok()),
            _ => None,
        };
        // Extended result codes; the low byte is the primary one (sqlite.org/rescode.html).
        match code.map(|code| (code, code & 0xff)) {
            // Full, and the log's index could not grow: IOERR_SHMSIZE, IOERR_SHMMAP.
            Some((4_874 | 5_386, _) | (_, 13)) => Self::DiskFull,
            Some((_, 3 | 8 | 14)) => Self::ReadOnly,
            // What was read is not what was written: a page fails its check, or the file ends too early.
            // "Out of memory" is what SQLCipher says of a connection that met such a page before.
            Some((7 | 10 | 266 | 522 | 8_202 | 8_458, _) | (_, 11 | 26)) => Self::Damaged,
            _ => Self::Sql(error),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Cache {
    writer: SqlitePool,
    readers: SqlitePool,
    chain_key: SealKey,
    /// Absent where the keys are in memory alone: such a copy is never opened again.
    anchoring: Option<Anchoring>,
    /// The note says that it is open: made before the first change.
    noted: Arc<OnceCell<()>>,
    chance: Arc<dyn Chance>,
}

/// What a closed copy was, to be kept where its files are not.
pub(crate) struct Closed {
    pub anchoring: Anchoring,
    pub books: Digest,
    pub head: Option<Digest>,
}

impl Cache {
    /// Opens the copy, making it when it is not there, and brings its structure up to date.
    ///
    /// While its pages are still read (`Condition::Large`), nothing is moved from the log into the file.
    pub async fn open(
        folder: &Folder,
        vault: &Mutex<Vault>,
        anchoring: Option<Anchoring>,
        condition: Condition,
        chance: Arc<dyn Chance>,
    ) -> CacheResult<Self> {
        refuse_plain_file(folder)?;
        let (hex, chain_key) = {
            let vault = vault.lock().unwrap_or_else(PoisonError::into_inner);
            (Zeroizing::new(data_encoding::HEXLOWER.encode(vault.cache_key().as_slice())), vault.chain_key())
        };
        let noted = Arc::new(OnceCell::new());
        if condition == Condition::Fresh {
            note_open(&noted, anchoring.as_ref(), &chance).await?;
        }
        let options = SqliteConnectOptions::new()
            .filename(folder.cache())
            .pragma("key", format!("\"x'{}'\"", hex.as_str()))
            .pragma("cache_size", PAGES_KIB)
            .pragma("temp_store", "MEMORY")
            .busy_timeout(Duration::from_secs(10))
            .row_buffer_size(ROWS_IN_FLIGHT)
            .disable_statement_logging();
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON");
        let writing = match condition {
            Condition::Large(_) => writing.pragma("wal_autocheckpoint", "0"),
            _ => writing,
        };
        folder::make_private_file(&folder.cache())?;
        let writer = pool(1).acquire_timeout(WRITER_WITHIN).connect_with(writing).await?;
        let opened = async {
            if done_of(&writer).await? < MIGRATIONS.len() {
                note_open(&noted, anchoring.as_ref(), &chance).await?;
            }
            prepare(&writer).await
        };
        if let Err(error) = opened.await {
            writer.close().await;
            return Err(error);
        }
        refuse_plain_file(folder)?;
        let readers = pool(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers, chain_key, anchoring, noted, chance })
    }

    pub async fn begin(&self) -> CacheResult<Tx> {
        note_open(&self.noted, self.anchoring.as_ref(), &self.chance).await?;
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    pub const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Several reads of one moment.
    pub async fn begin_read(&self) -> CacheResult<Tx> {
        Ok(self.readers.begin().await?)
    }

    /// Adds what was just applied to the chain, in the same transaction.
    pub async fn chain(&self, tx: &mut Tx, cursor: &str, content: &Digest) -> CacheResult<()> {
        batches::add(tx, &self.chain_key, cursor, content).await
    }

    /// Whether what was closed last agrees with what is here.
    pub async fn agrees(&self, condition: Condition) -> CacheResult<bool> {
        let mut tx = self.begin_read().await?;
        match condition {
            Condition::Fresh | Condition::Whole => Ok(true),
            Condition::Large(anchor) => Ok(anchor.holds_books(&batches::books(&mut tx).await?.0)),
            Condition::Unsure(anchor) => {
                let head = anchor.and_then(|anchor| anchor.head);
                Ok(batches::follow(&mut *tx, &self.chain_key, head.as_ref()).await? && self.is_sound().await)
            }
            Condition::RolledBack => Ok(false),
        }
    }

    /// From now on the log is moved into the file as usual.
    pub async fn checkpoint_again(&self) -> CacheResult<()> {
        sqlx::raw_sql("PRAGMA wal_autocheckpoint = 1000").execute(&self.writer).await?;
        Ok(())
    }

    /// Closes it; what it was then is to be kept if anything was changed.
    pub async fn close(&self) -> Option<Closed> {
        let closed = match &self.anchoring {
            Some(anchoring) if self.noted.initialized() => {
                let books = tokio::time::timeout(CLOSE_WITHIN, self.books()).await.ok().and_then(Result::ok);
                books.map(|(books, head)| Closed { anchoring: anchoring.clone(), books, head })
            }
            _ => None,
        };
        let read = tokio::time::timeout(CLOSE_WITHIN, self.readers.close()).await;
        let written = tokio::time::timeout(CLOSE_WITHIN, self.writer.close()).await;
        if read.is_err() || written.is_err() {
            tracing::warn!("the copy is closed when whoever still uses it has ended");
            // It may be another one by then.
            return None;
        }
        closed
    }

    async fn books(&self) -> CacheResult<(Digest, Option<Digest>)> {
        // The writer's own view, after whatever it was doing.
        let mut tx = self.writer.begin().await?;
        batches::books(&mut tx).await
    }

    /// Reads every page; true when all of them are as they were written.
    pub async fn is_sound(&self) -> bool {
        let answer: Result<String, _> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&self.readers).await;
        answer.is_ok_and(|word| word == "ok")
    }

    /// The version of the encrypting library, for `check`.
    pub async fn cipher_version(&self) -> CacheResult<String> {
        Ok(sqlx::query_scalar("PRAGMA cipher_version").fetch_one(&self.readers).await?)
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        // A connection to a file does not go away by itself.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // In one breath: each keeps its place until the last is said.
                let washes = SHORT_WASH.repeat(SHORT_WASHES);
                sqlx::raw_sql(sqlx::AssertSqlSafe(washes)).execute(&mut *connection).await?;
                for _ in 0..LONG_WASHES {
                    sqlx::raw_sql(LONG_WASH).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
}

/// Once, before the first change.
async fn note_open(noted: &OnceCell<()>, anchoring: Option<&Anchoring>, chance: &Arc<dyn Chance>) -> CacheResult<()> {
    let Some(anchoring) = anchoring else { return Ok(()) };
    let work = || async {
        let (anchoring, chance) = (anchoring.clone(), Arc::clone(chance));
        let written = tokio::task::spawn_blocking(move || anchoring.begin_writing(chance.as_ref())).await;
        written.map_err(|_| CacheError::Closed)?
    };
    noted.get_or_try_init(work).await?;
    Ok(())
}

/// How many steps of its structure the file has.
async fn done_of(writer: &SqlitePool) -> CacheResult<usize> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(writer).await?;
    usize::try_from(version).map_err(|_| CacheError::Damaged)
}

/// Checks that the file is really encrypted, then migrates it.
async fn prepare(writer: &SqlitePool) -> CacheResult<()> {
    let cipher: Option<String> = sqlx::query_scalar("PRAGMA cipher_version").fetch_optional(writer).await?;
    if cipher.is_none() {
        return Err(CacheError::NotEncrypted);
    }
    let done = done_of(writer).await?;
    if done > MIGRATIONS.len() {
        return Err(CacheError::Newer);
    }
    for (index, step) in MIGRATIONS.iter().enumerate().skip(done) {
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(*step).execute(&mut *tx).await?;
        let number = format!("PRAGMA user_version = {}", index + 1);
        sqlx::raw_sql(sqlx::AssertSqlSafe(number)).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn refuse_plain_file(folder: &Folder) -> CacheResult<()> {
    let mut head = [0; PLAIN_HEAD.len()];
    match std::fs::File::open(folder.cache()).and_then(|mut file| file.read_exact(&mut head)) {
        Ok(()) if head == *PLAIN_HEAD => Err(CacheError::NotEncrypted),
        _ => Ok(()),
    }
}

// ---- Values as they are stored ----------------------------------------------------------------------------------

pub(crate) fn day_number(date: Date) -> i64 {
    date.duration_since(FIRST_DAY).as_secs().div_euclid(DAY_SECONDS)
}

pub(crate) fn date_of(day: i64) -> CacheResult<Date> {
    let days = jiff::Span::new().try_days(day).map_err(|_| CacheError::Damaged)?;
    FIRST_DAY.checked_add(days).map_err(|_| CacheError::Damaged)
}

pub(crate) fn to_body<T: Serialize>(value: &T) -> CacheResult<String> {
    serde_json::to_string(value).map_err(|_| CacheError::Damaged)
}

pub(crate) fn from_body<T: DeserializeOwned>(text: &str) -> CacheResult<T> {
    serde_json::from_str(text).map_err(|_| CacheError::Damaged)
}

pub(crate) fn uuid_of(bytes: &[u8]) -> CacheResult<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| CacheError::Damaged)
}

pub(crate) fn account_id_of(bytes: &[u8]) -> CacheResult<AccountId> {
    Ok(AccountId::from_uuid(uuid_of(bytes)?))
}

pub(crate) fn currency_of(code: &str) -> CacheResult<Currency> {
    Currency::from_str(code).map_err(|_| CacheError::Damaged)
}

// ---- Small values by name ---------------------------------------------------------------------------------------

pub(crate) mod state {
    //! `state`: settings, the sync cursor, who is signed in.

    use super::{CacheResult, from_body, to_body};
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use sqlx::{Executor, Sqlite};

    pub(crate) const SETTINGS: &str = "settings";
    pub(crate) const CURSOR: &str = "cursor";
    pub(crate) const SYNCED_AT: &str = "synced_at";
    pub(crate) const ME: &str = "me";
    pub(crate) const STANDING: &str = "standing";
    pub(crate) const LEASE: &str = "lease";
    pub(crate) const PLAN_WISHES: &str = "plan_wishes";
    /// When the person put a second passkey off.
    pub(crate) const SECOND_PASSKEY: &str = "second_passkey";
    pub(crate) const BILLERS_VERSION: &str = "billers_version";
    /// Why the directory that the server has was not taken.
    pub(crate) const BILLERS_REFUSED: &str = "billers_refused";
    /// How far the last test of a reminder came.
    pub(crate) const REMINDER_TEST: &str = "reminder_test";
    pub(crate) const NEXT_LINE: &str = "next_line";
    /// The devices that the server said are signed in.
    pub(crate) const DEVICES: &str = "devices";
    /// What the server did not take.
    pub(crate) const REFUSALS: &str = "refusals";
    /// Whether a recovery key was made that the person never said to have noted.
    pub(crate) const RECOVERY_UNNOTED: &str = "recovery_unnoted";
    /// What the server told and this version does not know.
    pub(crate) const UNREAD: &str = "unread";
    /// What was sent and has no answer yet.
    pub(crate) const UNANSWERED: &str = "unanswered";
    /// What came of the last imports.
    pub(crate) const IMPORTS: &str = "imports";
    /// What no server can bring back.
    pub(crate) const OF_THIS_DEVICE: [&str; 7] =
        [SETTINGS, SECOND_PASSKEY, REMINDER_TEST, REFUSALS, RECOVERY_UNNOTED, UNANSWERED, IMPORTS];

    pub(crate) async fn find<T: DeserializeOwned>(
        db: impl Executor<'_, Database = Sqlite>,
        name: &str,
    ) -> CacheResult<Option<T>> {
        let text: Option<String> =
            sqlx::query_scalar("SELECT value FROM state WHERE name = ?1").bind(name).fetch_optional(db).await?;
        text.map(|text| from_body(&text)).transpose()
    }

    pub(crate) async fn put<T: Serialize>(
        db: impl Executor<'_, Database = Sqlite>,
        name: &str,
        value: &T,
    ) -> CacheResult<()> {
        sqlx::query(
            "INSERT INTO state (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(to_body(value)?)
        .execute(db)
        .await?;
        Ok(())
    }

    /// Values of these names as they are stored, by name.
    pub(crate) async fn texts(
        db: impl Executor<'_, Database = Sqlite>,
        names: &[&str],
    ) -> CacheResult<Vec<(String, String)>> {
        let sql = "SELECT name, value FROM state WHERE name IN (SELECT value FROM json_each(?1)) ORDER BY name";
        Ok(sqlx::query_as(sql).bind(to_body(&names)?).fetch_all(db).await?)
    }

    /// Puts one back as it was stored, unless there is a newer one.
    pub(crate) async fn put_back(db: impl Executor<'_, Database = Sqlite>, name: &str, text: &str) -> CacheResult<()> {
        let sql = "INSERT INTO state (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
        sqlx::query(sql).bind(name).bind(text).execute(db).await?;
        Ok(())
    }

    pub(crate) async fn remove(db: impl Executor<'_, Database = Sqlite>, name: &str) -> CacheResult<()> {
        sqlx::query("DELETE FROM state WHERE name = ?1").bind(name).execute(db).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_there_is_has_its_own_number() {
        let ends = [Date::MIN, FIRST_DAY, Date::constant(9999, 12, 30), Date::MAX];
        let numbers = ends.map(day_number);
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert_eq!((numbers[1], numbers[3] - numbers[2]), (0, 1));
        assert_eq!(numbers.map(|number| date_of(number).unwrap()), ends);
    }
}
