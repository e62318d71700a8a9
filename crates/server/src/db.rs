//! The server's database: SQLite by default, PostgreSQL by URL, one story for both.
//!
//! SQL is written once in the subset that both accept and runs through [`on_engine!`]. On SQLite there is one writing
//! connection; transactions that wait for it are committed together, each in its own savepoint, so that one disk sync
//! serves many (a caller is answered only after that sync). One that asks nothing any more runs whole, in one way to the
//! connection's thread; what opens and what commits goes with the first and the last statement of a transaction that has
//! the writer to itself. On PostgreSQL every transaction locks its holder's row first. Only this file and `store.rs` files
//! name sqlx.

mod ahead;
mod readers;
mod reads;
mod value;
#[cfg(test)]
pub(crate) mod ways;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use domain::ids::HolderId;
use futures_util::TryStreamExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Executor as _, Postgres, Sqlite, Transaction};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, broadcast, oneshot};
use zeroize::Zeroizing;

use ahead::{Look, Turns};
pub(crate) use ahead::{MaybeOvertaken, Moment, twice};
use readers::{Readers, SqliteOnce};
use reads::{EngineRow, Gathered, Statement};
pub(crate) use reads::{Read, Tried, read_row, read_rows};
pub(crate) use value::Value;

pub type DbResult<T> = Result<T, DbError>;

/// Transactions that share one commit at most. Few enough that those of one commit are answered, and ask for more, while
/// the next ones are written; enough that the disk's sync is a small part of each.
const GROUP_MAX: usize = 32;
/// Whole transactions, or looks, that go in one way to a connection's thread at most.
const ALIKE_MAX: usize = 16;
/// Connections for transactions that read.
const READERS: u32 = 4;
/// Connections that answer reads that stand alone, those that wait together. Few, so that something waits for each where
/// many ask, and so that they keep the pages that everybody asks for.
const ANSWERING: u32 = 2;
/// Texts that the writer keeps prepared: the same transaction has some of its own for whether it opens and whether it
/// commits.
const WRITER_TEXTS: usize = 256;
const KEY_BYTES: usize = 32;
/// What connecting leaves in the library's freed memory is the text of the key. Statements of the same shape, said to the
/// same connection, take the same places: as short as the key's own, many at once so that none of its places stays free,
/// and as long as all that is said at first. Their name means nothing to the library. The copy of a device is washed so too
/// (`client/src/cache/mod.rs`); the two share no database code, and each is as long as what it says itself.
const SHORT_WASH: &str = "PRAGMA kez = \"x'0000000000000000000000000000000000000000000000000000000000000000'\";";
const SHORT_WASHES: usize = 200;
const LONG_WASH: &str = "PRAGMA kez = \"x'0000000000000000000000000000000000000000000000000000000000000000'\";
     -- ....................................................................................................
     -- ....................................................................................................
     -- ....................................................................................................";
/// How often: a statement may have had several places at once.
const LONG_WASHES: usize = 4;
/// KiB, as `cache_size` takes them.
const WRITER_CACHE: &str = "-16000";
/// A reader's pages are dropped whenever somebody else committed, so that many of them only cost.
const READER_CACHE: &str = "-2000";
/// Pages of the write-ahead log (32 MiB) before they are copied into the file: what every transaction touches is then
/// copied once for many.
const CHECKPOINT_PAGES: &str = "8000";
/// Feed numbers that a slow listener may be behind before it is told to read again.
const EVENTS_KEPT: usize = 1_024;
/// Rows and ends of statements that SQLite's threads put aside before they wait for whoever reads them: more than all that
/// go together have.
const AHEAD: usize = 1_024;
const POSTGRES_CHANNEL: &str = "billfold_feed";

/// Takes the number after the one that is known. If that is not the holder's any more the row would be left without one,
/// which its column refuses: so a single statement stops all that come after it.
const TAKE_NEXT: &str =
    "UPDATE holder SET feed_number = CASE WHEN feed_number = $2 THEN feed_number + 1 END WHERE holder_id = $1";

/// The same where its outcome is seen at once. PostgreSQL writes the row of a refused statement to its log, so none is.
const TAKE_NEXT_NOW: &str = "UPDATE holder SET feed_number = feed_number + 1 WHERE holder_id = $1 AND feed_number = $2";

/// Holds while the number is the one that is known, and takes none: as [`TAKE_NEXT`] stops all that come after it.
const HOLD_NUMBER: &str =
    "UPDATE holder SET feed_number = CASE WHEN feed_number = $2 THEN feed_number END WHERE holder_id = $1";

/// Stops all that come after it when the statement before it touched no row, or more than one: of the number that is out
/// of range nobody can make a positive one.
const TOUCHED_ONE: &str = "SELECT abs(CASE changes() WHEN 1 THEN 1 ELSE -9223372036854775808 END)";

const PROBE: &str = "UPDATE server_state SET probe = probe + 1";

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("the database refused")]
    Sql(sqlx::Error),
    #[error("the database's structure could not be brought up to date")]
    Migrate(sqlx::migrate::MigrateError),
    #[error("a newer version of the server used this database; start that one, or restore the backup from before it")]
    NewerVersion,
    #[error("an older version of the server used this database last; start the server of this version first")]
    OlderVersion,
    #[error("there are no books of an account server in this database; name that of the server")]
    NoBooks,
    /// A commit failed (disk full, I/O error): nothing is written until a write works again.
    #[error("the database cannot write")]
    Stopped,
    #[error("the database file is encrypted with another key, or this build has no encryption")]
    NotEncrypted,
    #[error("stored data does not read: {0}")]
    Corrupt(&'static str),
    /// Nobody answered for as long as anybody waits for a first connection.
    #[error("no database server answers at that address; see that it runs, and that the URL is right")]
    Away,
    /// What answers speaks no TLS, or shows no certificate that this computer trusts for the name in the URL.
    #[error(
        "the database did not prove that it is the one the URL names; with `&sslrootcert=FILE` the URL says whom to trust, \
        and with `sslmode=disable` that nobody else is on the way"
    )]
    Unproven(#[source] sqlx::Error),
    /// Every connection was in use for as long as anybody waits for one: nothing was begun.
    #[error("the database is busy")]
    Busy,
    /// Another transaction won; the caller may try again.
    #[error("another change came between")]
    Conflict,
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            error if was_overtaken(&error) || was_broken_off(&error) => Self::Conflict,
            error => Self::Sql(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for DbError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::VersionMissing(_) => Self::NewerVersion,
            error => Self::Migrate(error),
        }
    }
}

impl DbError {
    /// A row with that key is there already.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// What a log may say: the kind and the engine's code, never the text, which may quote data.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Sql(sqlx::Error::Database(inner)) => {
                format!("sql {}", inner.code().as_deref().unwrap_or("without a code"))
            }
            Self::Sql(sqlx::Error::ColumnDecode { index, .. }) => {
                format!("column {index} does not decode")
            }
            Self::Sql(sqlx::Error::RowNotFound) => "row not found".to_owned(),
            Self::Sql(_) => "sql".to_owned(),
            Self::Migrate(_) => "migrate".to_owned(),
            Self::NewerVersion => "newer version".to_owned(),
            Self::OlderVersion => "older version".to_owned(),
            Self::NoBooks => "no books".to_owned(),
            Self::Corrupt(what) => format!("corrupt: {what}"),
            Self::Stopped => "stopped".to_owned(),
            Self::Away => "away".to_owned(),
            Self::Unproven(_) => "unproven".to_owned(),
            Self::Busy => "busy".to_owned(),
            Self::NotEncrypted => "not encrypted".to_owned(),
            Self::Conflict => "conflict".to_owned(),
        }
    }
}

/// What transactions of several holders do one after the other.
#[derive(Clone, Copy, Debug)]
#[repr(i64)]
pub enum Turn {
    /// The next number of a case of support.
    CaseNumber = 1,
    /// The next number of an entry of a rail's exception queue.
    RailException = 2,
}

/// Where the data lives.
#[derive(Clone)]
pub enum Location {
    Sqlite {
        file: PathBuf,
        /// SQLCipher raw key; the embedded server always has one.
        key: Option<FileKey>,
    },
    Postgres {
        url: String,
    },
}

/// The raw key of a database file, in a place of its own that is wiped when it goes. Handing it on moves none of its bytes.
#[derive(Clone)]
pub struct FileKey(Arc<Zeroizing<[u8; KEY_BYTES]>>);

impl FileKey {
    /// `None`: that is no key by its length.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut key = Arc::new(Zeroizing::new([0; KEY_BYTES]));
        (bytes.len() == KEY_BYTES).then(|| Arc::get_mut(&mut key).map(|place| place.copy_from_slice(bytes)))??;
        Some(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

/// A holder's feed reached a new number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    pub holder: HolderId,
    pub number: i64,
}

#[derive(Clone)]
pub struct Db {
    engine: Engine,
    /// The database's file, where there is one.
    file: Option<Arc<Path>>,
    events: broadcast::Sender<Touched>,
}

/// What opening does with a database's structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Structure {
    /// Made, or brought up to this version.
    BroughtUp,
    /// There, and of this version, or it is refused.
    Standing,
}

/// The migrations that were done.
const DONE_MIGRATIONS: &str = "SELECT version FROM _sqlx_migrations";

/// Refuses a database that is not of this version.
fn demand_this_version(done: &[i64], migrations: &sqlx::migrate::Migrator) -> DbResult<()> {
    let known: BTreeSet<i64> = migrations.iter().map(|migration| migration.version).collect();
    if done.iter().any(|version| !known.contains(version)) {
        return Err(DbError::NewerVersion);
    }
    if done.len() < known.len() { Err(DbError::OlderVersion) } else { Ok(()) }
}

#[derive(Clone)]
enum Engine {
    Sqlite { writer: Arc<Writer>, readers: Arc<Readers>, turns: Arc<Turns> },
    Postgres(PgPool),
}

impl Db {
    /// Opens the database, making it when it is not there, and brings its structure up to date.
    pub async fn open(location: &Location) -> DbResult<Self> {
        Self::open_with(location, Structure::BroughtUp).await
    }

    /// Opens the database of a server that there is, and leaves its structure alone: what is done beside a running server
    /// may be of another version.
    pub async fn open_standing(location: &Location) -> DbResult<Self> {
        Self::open_with(location, Structure::Standing).await
    }

    async fn open_with(location: &Location, structure: Structure) -> DbResult<Self> {
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let engine = match location {
            Location::Sqlite { file, key } => open_sqlite(file, key.as_ref(), structure, events.clone()).await?,
            Location::Postgres { url } => open_postgres(url, structure, events.clone()).await?,
        };
        let file = match location {
            Location::Sqlite { file, .. } => Some(Arc::from(file.as_path())),
            Location::Postgres { .. } => None,
        };
        Ok(Self { engine, file, events })
    }

    /// Where the data lies on this computer's disk; `None` when another program keeps it.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether other processes may serve the same accounts at the same time.
    #[must_use]
    pub const fn has_several_nodes(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Begins a transaction that may write. Dropping it undoes it.
    pub async fn begin_write(&self) -> DbResult<Tx> {
        let inner = match &self.engine {
            Engine::Sqlite { writer, .. } => Inner::Grouped(writer.begin().await?),
            Engine::Postgres(pool) => Inner::Postgres(begin_postgres(pool).await?),
        };
        Ok(Tx { inner, numbers: BTreeMap::new() })
    }

    /// Begins a transaction that only writes, and asks nothing: on SQLite all of it goes in one way to the connection.
    pub async fn begin_whole(&self) -> DbResult<Tx> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => {
                let planned = PlannedTx { writer: Arc::clone(writer), batch: Batch::of_member(), look: None };
                Ok(Tx { inner: Inner::Planned(planned), numbers: BTreeMap::new() })
            }
            Engine::Postgres(_) => self.begin_write().await,
        }
    }

    /// Begins a transaction for what was decided at this number of the holder's feed. It has the next number, and when
    /// another took that one meanwhile its first statement that is waited for, or its commit, is a [`DbError::Conflict`]
    /// and nothing happened. Where it only writes, all of it goes in one way to the connection.
    pub async fn begin_write_after(&self, holder: HolderId, number: i64) -> DbResult<Tx> {
        let next = number.checked_add(1).ok_or(DbError::Corrupt("a feed number"))?;
        let inner = match &self.engine {
            Engine::Sqlite { writer, .. } => {
                let mut batch = Batch::of_member();
                batch.add(TAKE_NEXT);
                batch.bind(holder.as_uuid());
                batch.bind(number);
                Inner::Planned(PlannedTx { writer: Arc::clone(writer), batch, look: None })
            }
            Engine::Postgres(pool) => {
                let mut tx = begin_postgres(pool).await?;
                let taken = sqlx::query(TAKE_NEXT_NOW).bind(holder.as_uuid()).bind(number).execute(&mut *tx).await?;
                if taken.rows_affected() == 0 {
                    return Err(DbError::Conflict);
                }
                Inner::Postgres(tx)
            }
        };
        Ok(Tx { inner, numbers: BTreeMap::from([(holder, next)]) })
    }

    /// Begins a transaction that sees one moment and writes nothing.
    pub async fn begin_read(&self) -> DbResult<Tx> {
        let inner = match &self.engine {
            Engine::Sqlite { readers, .. } => Inner::Sqlite(readers.pool.begin().await?),
            Engine::Postgres(pool) => {
                Inner::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        };
        Ok(Tx { inner, numbers: BTreeMap::new() })
    }

    /// For one reading statement: no transaction stands around it. What needs two statements to agree uses
    /// `begin_read`, or asks for the feed's number first and again in the transaction that writes.
    pub async fn read_once(&self) -> DbResult<Tx> {
        let inner = match &self.engine {
            Engine::Sqlite { readers, .. } => Inner::SqliteOnce(SqliteOnce::new(readers)),
            Engine::Postgres(pool) => Inner::PostgresOnce(pool.acquire().await?),
        };
        Ok(Tx { inner, numbers: BTreeMap::new() })
    }

    /// Feed numbers of every holder as they are committed, by this node or another.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Touched> {
        self.events.subscribe()
    }

    /// Whether a write reaches the disk: what readiness asks. A success lets writing go on after it had stopped.
    pub async fn can_write(&self) -> bool {
        match &self.engine {
            Engine::Sqlite { writer, .. } => writer.probe().await,
            Engine::Postgres(pool) => sqlx::query(PROBE).execute(pool).await.is_ok(),
        }
    }

    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction on either engine. Run statements through [`on_engine!`], those whose answer nobody needs through
/// [`write_later!`], and reads of which several are needed through [`Tx::ask`].
pub struct Tx {
    inner: Inner,
    numbers: BTreeMap<HolderId, i64>,
}

pub enum EngineConnection<'tx> {
    Sqlite(&'tx mut SqliteConnection),
    Postgres(&'tx mut PgConnection),
}

/// Where a statement goes whose answer nobody needs.
pub enum Place<'tx> {
    Batch(&'tx mut Batch),
    Connection(EngineConnection<'tx>),
}

enum Inner {
    Planned(PlannedTx),
    Grouped(GroupedTx),
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
    SqliteOnce(SqliteOnce),
    PostgresOnce(PoolConnection<Postgres>),
}

impl Tx {
    /// What [`on_engine!`] matches on: however the transaction was begun, there is one kind of connection an engine.
    /// What was to be written later is written before.
    pub async fn connection(&mut self) -> DbResult<EngineConnection<'_>> {
        self.begin_now().await?;
        #[cfg(test)]
        ways::count(1);
        match &mut self.inner {
            Inner::Planned(_) => Err(DbError::Corrupt("a transaction that has not begun")),
            Inner::Grouped(tx) => Ok(EngineConnection::Sqlite(tx.connection().await?)),
            Inner::Sqlite(tx) => Ok(EngineConnection::Sqlite(tx)),
            Inner::SqliteOnce(once) => Ok(EngineConnection::Sqlite(once.connection().await?)),
            Inner::Postgres(tx) => Ok(EngineConnection::Postgres(tx)),
            Inner::PostgresOnce(connection) => Ok(EngineConnection::Postgres(connection)),
        }
    }

    /// From here on nothing of others comes between. A transaction that was only planned begins: it may find a
    /// [`DbError::Conflict`] then, which everybody who asks something of it would find as well.
    async fn begin_now(&mut self) -> DbResult<()> {
        if let Inner::Planned(planned) = &mut self.inner {
            let mut tx = planned.writer.begin().await?;
            tx.batch = std::mem::take(&mut planned.batch);
            tx.turn = planned.look.take().map(|look| look.turn);
            self.inner = Inner::Grouped(tx);
        }
        Ok(())
    }

    /// What [`write_later!`] matches on: where the statement waits for the others, or the connection it runs on now.
    pub fn place(&mut self) -> DbResult<Place<'_>> {
        Ok(match &mut self.inner {
            Inner::Planned(tx) => {
                if let Some(look) = &mut tx.look {
                    look.has_written = true;
                }
                Place::Batch(&mut tx.batch)
            }
            Inner::Grouped(tx) => Place::Batch(&mut tx.batch),
            Inner::Sqlite(tx) => Place::Connection(EngineConnection::Sqlite(tx)),
            Inner::Postgres(tx) => Place::Connection(EngineConnection::Postgres(tx)),
            Inner::SqliteOnce(_) | Inner::PostgresOnce(_) => return Err(DbError::Corrupt("a write while reading")),
        })
    }

    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }

    /// The feed number of this transaction for that holder: taken once, under the holder's row lock, so that the
    /// numbers of a holder have no gap and no repeat. Call it before anything else is decided about the holder.
    pub async fn number(&mut self, holder: HolderId) -> DbResult<i64> {
        if let Some(number) = self.numbers.get(&holder) {
            return Ok(*number);
        }
        self.number_and(holder, ()).await.map(|(number, ())| number)
    }

    /// The same, and reads something on the same way.
    pub(crate) async fn number_and<R: Read>(&mut self, holder: HolderId, read: R) -> DbResult<(i64, R::Answer)> {
        const TAKE: &str = "UPDATE holder SET feed_number = feed_number + 1 WHERE holder_id = $1 RETURNING feed_number";
        if let Some(number) = self.numbers.get(&holder) {
            let number = *number;
            return Ok((number, self.ask(read).await?));
        }
        if let Inner::Planned(planned) = &mut self.inner
            && let Some(number) = planned.take_next(holder)
        {
            self.numbers.insert(holder, number);
            return Ok((number, self.ask(read).await?));
        }
        let taken =
            read_row(TAKE, [holder.as_uuid().into()], |taken: Option<(i64,)>| Ok(taken.map(|(number,)| number)));
        let (number, answer) = self.ask((taken, read)).await?;
        let number = number.ok_or(DbError::Sql(sqlx::Error::RowNotFound))?;
        self.numbers.insert(holder, number);
        Ok((number, answer))
    }

    /// Locks the holder's row without taking a number; on SQLite the one writer is lock enough.
    pub async fn lock(&mut self, holder: HolderId) -> DbResult<()> {
        if let Inner::Postgres(db) = &mut self.inner {
            #[cfg(test)]
            ways::count(1);
            sqlx::query("SELECT 1 FROM holder WHERE holder_id = $1 FOR UPDATE")
                .bind(holder.as_uuid())
                .execute(&mut **db)
                .await?;
        }
        Ok(())
    }

    /// On PostgreSQL waits until no other transaction has this turn, and keeps it until this one ends; on SQLite the one
    /// writer is turn enough.
    pub async fn take_turn(&mut self, turn: Turn) -> DbResult<()> {
        if let Inner::Postgres(db) = &mut self.inner {
            #[cfg(test)]
            ways::count(1);
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(turn as i64).execute(&mut **db).await?;
        }
        Ok(())
    }

    /// Makes everything durable, then tells the listeners. After an error nothing of it happened.
    pub async fn commit(self) -> DbResult<()> {
        let Self { inner, numbers } = self;
        let touched = numbers.into_iter().map(|(holder, number)| Touched { holder, number });
        match inner {
            Inner::Planned(tx) => tx.commit(touched.collect()).await?,
            Inner::Grouped(tx) => tx.commit(touched.collect()).await?,
            // These wrote nothing.
            Inner::Sqlite(_) | Inner::SqliteOnce(_) | Inner::PostgresOnce(_) => {}
            Inner::Postgres(mut tx) => {
                #[cfg(test)]
                ways::count(1 + touched.len());
                for Touched { holder, number } in touched {
                    sqlx::query("SELECT pg_notify($1, $2)")
                        .bind(POSTGRES_CHANNEL)
                        .bind(format!("{holder}:{number}"))
                        .execute(&mut *tx)
                        .await?;
                }
                // The listener of this node hears it too, from the database.
                tx.commit().await?;
            }
        }
        Ok(())
    }
}

/// Expands one body for each engine; `$db` is `&mut` the engine's connection.
macro_rules! on_engine {
    ($tx:expr, |$db:ident| $body:expr) => {
        match $tx.connection().await? {
            $crate::db::EngineConnection::Sqlite($db) => $body,
            $crate::db::EngineConnection::Postgres($db) => $body,
        }
    };
}
pub(crate) use on_engine;

/// Runs one statement with these values; the answer is how many rows it touched.
macro_rules! run {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::on_engine!($tx, |db| {
            sqlx::query($sql)$(.bind($value))*.execute(db).await
                .map(|done| done.rows_affected()).map_err($crate::db::DbError::from)
        })
    };
}
pub(crate) use run;

/// Reads at most one row of one column.
macro_rules! one {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::on_engine!($tx, |db| {
            sqlx::query_scalar($sql)$(.bind($value))*.fetch_optional(db).await.map_err($crate::db::DbError::from)
        })
    };
}
pub(crate) use one;

/// Reads at most one row.
macro_rules! row {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::on_engine!($tx, |db| {
            sqlx::query_as($sql)$(.bind($value))*.fetch_optional(db).await.map_err($crate::db::DbError::from)
        })
    };
}
pub(crate) use row;

/// Reads all rows.
macro_rules! rows {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $crate::db::on_engine!($tx, |db| {
            sqlx::query_as($sql)$(.bind($value))*.fetch_all(db).await.map_err($crate::db::DbError::from)
        })
    };
}
pub(crate) use rows;

/// Writes something that nobody has to wait for: on SQLite it runs, in its order, with the next statement that is
/// waited for or with the commit, which saves a way to the connection's thread and back. An error comes from there.
macro_rules! write_later {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        match $tx.place()? {
            $crate::db::Place::Batch(batch) => {
                batch.add($sql);
                $(batch.bind($value);)*
                Ok(())
            }
            $crate::db::Place::Connection($crate::db::EngineConnection::Sqlite(db)) => {
                sqlx::query($sql)$(.bind($value))*.execute(db).await.map(drop).map_err($crate::db::DbError::from)
            }
            $crate::db::Place::Connection($crate::db::EngineConnection::Postgres(db)) => {
                sqlx::query($sql)$(.bind($value))*.execute(db).await.map(drop).map_err($crate::db::DbError::from)
            }
        }
    };
}
pub(crate) use write_later;

/// As [`write_later!`], for a change of one row that must be there as it was read: when it is not, the transaction is a
/// [`DbError::Conflict`] and nothing of it happened.
macro_rules! write_one_later {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        match $tx.place()? {
            $crate::db::Place::Batch(batch) => {
                batch.add_one($sql);
                $(batch.bind($value);)*
                Ok(())
            }
            $crate::db::Place::Connection(_) => {
                // PostgreSQL writes the row of a refused statement to its log, so none is.
                match $crate::db::run!($tx, $sql $(, $value)*)? {
                    1 => Ok(()),
                    _ => Err($crate::db::DbError::Conflict),
                }
            }
        }
    };
}
pub(crate) use write_one_later;

// ---- SQLite ------------------------------------------------------------------------------------------------------

/// Statements that run together, in one way to the connection's thread.
#[derive(Default)]
pub struct Batch {
    statements: Vec<&'static str>,
    values: Vec<Value>,
    /// How many values there were when each statement was added: its `$1` is the next one.
    offsets: Vec<usize>,
}

impl Batch {
    /// What a transaction of the group begins with: its savepoint goes with its first statement.
    fn of_member() -> Self {
        let mut batch = Self::default();
        batch.add("SAVEPOINT member");
        batch
    }

    /// Adds a statement; its `$1` is the next value that is bound.
    pub fn add(&mut self, sql: &'static str) {
        self.statements.push(sql);
        self.offsets.push(self.values.len());
    }

    /// Adds a statement that must touch one row; its `$1` is the next value that is bound.
    pub fn add_one(&mut self, sql: &'static str) {
        self.add(sql);
        // It has no values, so what is bound next is the other's.
        self.statements.push(TOUCHED_ONE);
        self.offsets.push(self.values.len());
    }

    /// Another statement with the same values, where the first one is still to run.
    fn instead_of(&mut self, known: &'static str, other: &'static str) {
        for sql in self.statements.iter_mut().filter(|sql| **sql == known) {
            *sql = other;
        }
    }

    pub fn bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
    }

    /// Has this run before all of it; it has no values.
    fn begin_with(&mut self, sql: &'static str) {
        self.statements.insert(0, sql);
        self.offsets.insert(0, 0);
    }

    /// Adds all of another one.
    fn append(&mut self, other: &Self) {
        let before = self.values.len();
        self.statements.extend(&other.statements);
        self.offsets.extend(other.offsets.iter().map(|offset| before + offset));
        self.values.extend(other.values.iter().cloned());
    }

    /// One text, its values numbered through. Statements are ours: every `$` is a place for a value.
    fn text(&self) -> String {
        let mut text = String::with_capacity(self.statements.iter().map(|sql| sql.len() + 16).sum());
        for (sql, offset) in self.statements.iter().zip(&self.offsets) {
            let mut parts = sql.split('$');
            text.push_str(parts.next().unwrap_or_default());
            for part in parts {
                let digits = part.bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = part.split_at(digits);
                let number: usize = number.parse().unwrap_or(0);
                text.push('$');
                text.push_str(&(offset + number).to_string());
                text.push_str(rest);
            }
            text.push(';');
        }
        text
    }

    /// Runs all of it, and has `take` see each row and each statement's end. Where one fails none after it runs.
    async fn run(
        self,
        connection: &mut SqliteConnection,
        mut take: impl FnMut(Either<SqliteQueryResult, SqliteRow>),
    ) -> DbResult<()> {
        #[cfg(test)]
        ways::count(1);
        let text = self.text();
        let mut values = SqliteArguments::default();
        for value in self.values {
            value.bind_to(&mut values)?;
        }
        // Put together from statements of this program alone.
        let mut steps = connection.fetch_many(sqlx::query_with(AssertSqlSafe(text), values));
        while let Some(step) = steps.try_next().await? {
            take(step);
        }
        Ok(())
    }
}

/// The one writing connection and the transactions that share its next commit.
struct Writer {
    group: Arc<Mutex<Group>>,
    waiting: AtomicUsize,
    /// Whole transactions that wait to be run; none is added once writing has stopped.
    planned: std::sync::Mutex<VecDeque<Planned>>,
    wake: Notify,
    stopped: AtomicBool,
    events: broadcast::Sender<Touched>,
}

struct Group {
    /// None once the database is closed.
    connection: Option<SqliteConnection>,
    shared: Shared,
    /// A savepoint stands that its owner may have given up.
    abandoned: bool,
    members: Vec<Member>,
}

/// How far the transaction is that the members share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shared {
    None,
    /// `BEGIN IMMEDIATE` was sent, and whoever sent it stopped waiting before it was seen to end.
    Sent,
    Open,
}

/// A transaction that ended and waits for the commit.
struct Member {
    done: oneshot::Sender<DbResult<()>>,
    touched: Vec<Touched>,
}

/// A transaction that nothing of has run yet, from its savepoint to the savepoint's release.
struct Planned {
    batch: Batch,
    member: Member,
}

impl Writer {
    async fn begin(self: &Arc<Self>) -> DbResult<GroupedTx> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(DbError::Stopped);
        }
        let waiting = Waiting::on(self);
        let mut group = Arc::clone(&self.group).lock_owned().await;
        drop(waiting);
        let began = group.undo_abandoned().await;
        // From here to the savepoint's end the owner is this transaction; if its task ends midway, what it leaves
        // is undone by whoever comes next.
        group.abandoned = true;
        let mut tx = GroupedTx { writer: Arc::clone(self), group: Some(group), batch: Batch::of_member(), turn: None };
        if let Err(error) = began {
            tx.fail_all();
            return Err(error);
        }
        Ok(tx)
    }

    /// Runs and commits what waits, after those who already queue for the connection had their turn.
    async fn settle(&self) {
        loop {
            let mut group = self.group.lock().await;
            group.run_planned(self).await;
            group.settle(self).await;
            if self.planned().is_empty() {
                return;
            }
        }
    }

    fn planned(&self) -> std::sync::MutexGuard<'_, VecDeque<Planned>> {
        // Whoever held it did nothing but add or take, which cannot leave it half done.
        self.planned.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn plan(&self, planned: Planned) -> DbResult<()> {
        let mut waiting = self.planned();
        if self.stopped.load(Ordering::SeqCst) {
            return Err(DbError::Stopped);
        }
        waiting.push_back(planned);
        drop(waiting);
        self.wake.notify_one();
        Ok(())
    }

    /// The oldest of those that wait and the ones after it that run the same statements: together they have one text, and
    /// since they are a power of two there are few such texts, whose statements stay prepared.
    fn take_alike(&self, room: usize) -> VecDeque<Planned> {
        let mut waiting = self.planned();
        let Some(first) = waiting.front() else { return VecDeque::new() };
        let same = |planned: &&Planned| planned.batch.statements == first.batch.statements;
        let alike = waiting.iter().take(ALIKE_MAX.min(room)).take_while(same).count();
        waiting.drain(..1 << alike.ilog2()).collect()
    }

    /// What was taken and not run is the oldest again.
    fn give_back(&self, mut taken: VecDeque<Planned>) {
        let mut waiting = self.planned();
        taken.append(&mut waiting);
        *waiting = taken;
    }

    /// Writing stops: what waits is told that it did not happen.
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        for planned in std::mem::take(&mut *self.planned()) {
            planned.member.tell(Err(DbError::Stopped));
        }
    }

    /// Writes one row and commits it; when that works, writing goes on.
    async fn probe(self: &Arc<Self>) -> bool {
        let writer = Arc::clone(self);
        // A task of its own, as every commit: who asks may stop waiting.
        let probe = tokio::spawn(async move {
            let mut group = writer.group.lock().await;
            group.settle(&writer).await;
            let probed = group.run(PROBE).await.is_ok();
            if probed {
                writer.stopped.store(false, Ordering::SeqCst);
            } else {
                writer.stop();
            }
            probed
        });
        probe.await.unwrap_or(false)
    }

    async fn close(&self) {
        let mut group = self.group.lock().await;
        group.run_planned(self).await;
        group.settle(self).await;
        self.stop();
        if let Some(connection) = group.connection.take()
            && connection.close().await.is_err()
        {
            tracing::warn!("the database file did not close cleanly");
        }
        self.wake.notify_one();
    }
}

struct Waiting<'a>(&'a Writer);

impl<'a> Waiting<'a> {
    fn on(writer: &'a Writer) -> Self {
        writer.waiting.fetch_add(1, Ordering::SeqCst);
        Self(writer)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Group {
    async fn run(&mut self, sql: &'static str) -> DbResult<()> {
        #[cfg(test)]
        ways::count(1);
        let connection = self.connection.as_mut().ok_or(DbError::Stopped)?;
        sqlx::query(sql).execute(connection).await?;
        Ok(())
    }

    /// Runs statements of a member. The first of all that run opens what is shared, on the same way. `take` sees the rows
    /// and ends of the member's own.
    async fn run_batch(
        &mut self,
        mut batch: Batch,
        mut take: impl FnMut(Either<SqliteQueryResult, SqliteRow>),
    ) -> DbResult<()> {
        let connection = self.connection.as_mut().ok_or(DbError::Stopped)?;
        if self.shared == Shared::Open {
            return batch.run(connection, take).await;
        }
        batch.begin_with("BEGIN IMMEDIATE");
        // Before it runs: should this task end meanwhile, the next one must know.
        self.shared = Shared::Sent;
        let mut opened = false;
        let ran = batch
            .run(connection, |step| {
                if opened {
                    take(step);
                }
                opened = true;
            })
            .await;
        self.shared = if opened { Shared::Open } else { Shared::None };
        ran
    }

    async fn undo_abandoned(&mut self) -> DbResult<()> {
        if self.shared == Shared::Sent {
            // Whoever sent it saw nothing of it end, so no other member is in it.
            self.roll_back().await;
            self.tell(false);
        }
        if self.abandoned && self.shared == Shared::Open {
            match self.run("ROLLBACK TO member").await {
                Ok(()) => self.run("RELEASE member").await?,
                // After an error of the disk SQLite may have undone all of them by itself: then another can begin, and
                // nobody's stands.
                Err(DbError::Sql(error)) if is_no_savepoint(&error) && self.run("BEGIN").await.is_ok() => {
                    self.roll_back().await;
                    self.tell(false);
                }
                // It never began, or its owner stopped waiting while its last statement ran: then it ended, and stands
                // with the others.
                Err(DbError::Sql(error)) if is_no_savepoint(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.abandoned = false;
        Ok(())
    }

    /// Whether whoever ends now is not followed by another that would share the commit.
    fn is_last(&self, writer: &Writer) -> bool {
        writer.waiting.load(Ordering::SeqCst) == 0 || self.members.len() + 1 >= GROUP_MAX
    }

    /// Runs what is left of a transaction. The last one of a commit takes that along, on the same way.
    async fn end(&mut self, writer: &Writer, mut batch: Batch, member: Member) {
        batch.add("RELEASE member");
        let of_member = batch.statements.len();
        let commits = self.is_last(writer);
        if commits {
            batch.add("COMMIT");
        }
        let mut ended = 0;
        let ran = self.run_batch(batch, |step| ended += usize::from(step.is_left())).await;
        if ended < of_member {
            // The savepoint is left for whoever comes next to undo.
            member.tell(ran.and(Err(DbError::Stopped)));
            writer.wake.notify_one();
            return;
        }
        self.abandoned = false;
        self.members.push(member);
        if commits {
            self.ended(writer, ran).await;
        } else {
            writer.wake.notify_one();
        }
    }

    /// Runs the whole transactions that wait, as many as share one commit. One that fails leaves the others.
    async fn run_planned(&mut self, writer: &Writer) {
        while self.members.len() < GROUP_MAX {
            let mut alike = writer.take_alike(GROUP_MAX - self.members.len());
            let Some(first) = alike.front() else { return };
            let statements = first.batch.statements.len();
            let mut batch = Batch::default();
            for planned in &alike {
                batch.append(&planned.batch);
            }
            let mut ended = 0;
            let ran = self.run_whole(batch, &mut ended).await;
            let done = ended / statements;
            self.members.extend(alike.drain(..done).map(|planned| planned.member));
            if let (Err(error), Some(failed)) = (ran, alike.pop_front()) {
                failed.member.tell(Err(error));
                writer.give_back(alike);
            }
        }
    }

    /// `ended` counts the statements.
    async fn run_whole(&mut self, batch: Batch, ended: &mut usize) -> DbResult<()> {
        self.undo_abandoned().await?;
        self.abandoned = true;
        self.run_batch(batch, |step| *ended += usize::from(step.is_left())).await?;
        self.abandoned = false;
        Ok(())
    }

    async fn settle(&mut self, writer: &Writer) {
        let undone = self.undo_abandoned().await;
        if self.shared == Shared::None {
            return;
        }
        let committed = match undone {
            Ok(()) => self.run("COMMIT").await,
            Err(error) => Err(error),
        };
        self.ended(writer, committed).await;
    }

    /// What is shared was committed, or could not be: all members hear of it.
    async fn ended(&mut self, writer: &Writer, committed: DbResult<()>) {
        if let Err(error) = &committed {
            writer.stop();
            tracing::error!(kind = error.kind(), "a commit failed: writing stops until a write works again");
            self.roll_back().await;
        }
        self.shared = Shared::None;
        self.abandoned = false;
        if committed.is_ok() {
            for touched in self.members.iter().flat_map(|member| &member.touched) {
                // Nobody listening is no error.
                let _ = writer.events.send(*touched);
            }
        }
        self.tell(committed.is_ok());
    }

    async fn roll_back(&mut self) {
        // SQLite may have rolled back by itself already; then this fails and nothing is left to do.
        let _ = self.run("ROLLBACK").await;
        self.shared = Shared::None;
        self.abandoned = false;
    }

    fn tell(&mut self, durable: bool) {
        for member in self.members.drain(..) {
            member.tell(if durable { Ok(()) } else { Err(DbError::Stopped) });
        }
    }
}

impl Member {
    fn tell(self, how: DbResult<()>) {
        // A member that stopped waiting has lost only the answer.
        let _ = self.done.send(how);
    }
}

/// "no such savepoint" has no code of its own.
fn is_no_savepoint(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.message().starts_with("no such savepoint"))
}

/// The holder's number is not the one that was known ([`TAKE_NEXT`], [`HOLD_NUMBER`]), or a row is not as it was read
/// ([`TOUCHED_ONE`]).
fn was_overtaken(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    let other_number =
        error.kind() == sqlx::error::ErrorKind::NotNullViolation && error.message().contains("feed_number");
    // No other statement of ours calculates so far: amounts end below 2^53.
    other_number || error.message() == "integer overflow"
}

/// PostgreSQL ended it for another transaction's sake: two waited for each other, or both read what the other wrote.
fn was_broken_off(error: &sqlx::Error) -> bool {
    const DEADLOCK: &str = "40P01";
    const SERIALIZATION: &str = "40001";
    matches!(error, sqlx::Error::Database(error) if matches!(error.code().as_deref(), Some(DEADLOCK | SERIALIZATION)))
}

/// A transaction of which nothing has run: what it will write.
pub struct PlannedTx {
    writer: Arc<Writer>,
    batch: Batch,
    /// Where what it decides is read.
    look: Option<Box<Look>>,
}

impl PlannedTx {
    async fn commit(mut self, touched: Vec<Touched>) -> DbResult<()> {
        if self.look.as_ref().is_some_and(|look| !look.has_written) && touched.is_empty() {
            return Ok(());
        }
        self.batch.add("RELEASE member");
        let (done, answer) = oneshot::channel();
        self.writer.plan(Planned { batch: self.batch, member: Member { done, touched } })?;
        answer.await.unwrap_or(Err(DbError::Stopped))
    }
}

/// One transaction within the group: its own savepoint.
pub struct GroupedTx {
    writer: Arc<Writer>,
    group: Option<OwnedMutexGuard<Group>>,
    batch: Batch,
    /// Of its holder, when it looked ahead before.
    turn: Option<OwnedMutexGuard<()>>,
}

impl GroupedTx {
    /// The connection, after what waits.
    async fn connection(&mut self) -> DbResult<&mut SqliteConnection> {
        let batch = std::mem::take(&mut self.batch);
        let group = self.group_now();
        if !batch.statements.is_empty() {
            group.run_batch(batch, drop).await?;
        }
        group.connection.as_mut().ok_or(DbError::Stopped)
    }

    fn group_now(&mut self) -> &mut Group {
        // Only `commit`, `fail_all` and `drop` take the guard, and nothing of the transaction runs after them.
        self.group.as_mut().expect("a live transaction holds its group")
    }

    /// Runs what waits, then the reads; answers the rows of the reads.
    async fn ask(&mut self, asked: Vec<Statement>) -> DbResult<Vec<Vec<EngineRow>>> {
        let (batch, mut gathered) = Gathered::of(std::mem::take(&mut self.batch), asked);
        self.group_now().run_batch(batch, |step| gathered.take(step)).await?;
        Ok(gathered.of_reads())
    }

    async fn commit(mut self, touched: Vec<Touched>) -> DbResult<()> {
        let Some(mut group) = self.group.take() else { return Err(DbError::Stopped) };
        let _turn = self.turn.take();
        let (done, answer) = oneshot::channel();
        let (writer, batch) = (Arc::clone(&self.writer), std::mem::take(&mut self.batch));
        // A task of its own: one who stops waiting must not stop a commit that others wait for.
        tokio::spawn(async move { group.end(&writer, batch, Member { done, touched }).await });
        answer.await.unwrap_or(Err(DbError::Stopped))
    }

    fn fail_all(&mut self) {
        if let Some(mut group) = self.group.take() {
            tokio::spawn(async move {
                group.roll_back().await;
                group.tell(false);
            });
        }
    }
}

impl Drop for GroupedTx {
    fn drop(&mut self) {
        // Not committed: the savepoint stays marked as abandoned, and the committer undoes it.
        if self.group.take().is_some() {
            self.writer.wake.notify_one();
        }
    }
}

/// SQLITE_NOTADB: what a wrong key looks like.
fn not_a_database(error: sqlx::Error) -> DbError {
    match &error {
        sqlx::Error::Database(inner) if inner.code().as_deref() == Some("26") => DbError::NotEncrypted,
        _ => DbError::Sql(error),
    }
}

/// A new database is its owner's alone, whatever folder it is in; SQLite's other files take after it. One that is there
/// keeps what its owner gave it.
fn make_private(file: &Path) -> DbResult<()> {
    let mut options = std::fs::File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop).map_err(|error| DbError::Sql(sqlx::Error::Io(error)))
}

async fn open_sqlite(
    file: &Path,
    key: Option<&FileKey>,
    structure: Structure,
    events: broadcast::Sender<Touched>,
) -> DbResult<Engine> {
    let mut options =
        SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(10)).row_buffer_size(AHEAD);
    if let Some(key) = key {
        let hex = Zeroizing::new(data_encoding::HEXLOWER.encode(key.bytes()));
        options = options.pragma("key", format!("\"x'{}'\"", hex.as_str()));
    }
    let options = options
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("temp_store", "MEMORY")
        .foreign_keys(true)
        .disable_statement_logging();
    if structure == Structure::BroughtUp {
        make_private(file)?;
    }
    let mut connection = options
        .clone()
        .create_if_missing(structure == Structure::BroughtUp)
        .statement_cache_capacity(WRITER_TEXTS)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .map_err(not_a_database)?;
    if key.is_some() {
        // Plain SQLite ignores the key in silence.
        let cipher: Option<String> =
            sqlx::query_scalar("PRAGMA cipher_version").fetch_optional(&mut connection).await?;
        if cipher.is_none() {
            return Err(DbError::NotEncrypted);
        }
        wash(&mut connection).await?;
    }
    match structure {
        Structure::BroughtUp => SQLITE_MIGRATIONS.run(&mut connection).await?,
        Structure::Standing => {
            const HAS_BOOKS: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
            let tables: i64 = sqlx::query_scalar(HAS_BOOKS).fetch_one(&mut connection).await.map_err(not_a_database)?;
            if tables == 0 {
                return Err(DbError::NoBooks);
            }
            let done: Vec<i64> = sqlx::query_scalar(DONE_MIGRATIONS).fetch_all(&mut connection).await?;
            demand_this_version(&done, &SQLITE_MIGRATIONS)?;
        }
    }
    // A file of this process: no connection to it is ever lost, so none is tried before it is used.
    let has_key = key.is_some();
    let pool = |most| {
        SqlitePoolOptions::new().max_connections(most).test_before_acquire(false).after_connect(move |connection, _| {
            Box::pin(async move {
                if has_key {
                    wash(connection).await?;
                }
                Ok(())
            })
        })
    };
    let options = options.pragma("cache_size", READER_CACHE).read_only(true);
    let answering = pool(ANSWERING).connect_with(options.clone()).await?;
    let readers = Readers::new(pool(READERS).connect_with(options).await?, answering);
    let group = Group { connection: Some(connection), shared: Shared::None, abandoned: false, members: Vec::new() };
    let writer = Arc::new(Writer {
        group: Arc::new(Mutex::new(group)),
        waiting: AtomicUsize::new(0),
        planned: std::sync::Mutex::default(),
        wake: Notify::new(),
        stopped: AtomicBool::new(false),
        events,
    });
    tokio::spawn(commit_when_woken(Arc::downgrade(&writer)));
    Ok(Engine::Sqlite { writer, readers, turns: Arc::default() })
}

/// Writes over what connecting left of the key's text.
async fn wash(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    // In one breath: each keeps its place until the last is said.
    sqlx::raw_sql(AssertSqlSafe(SHORT_WASH.repeat(SHORT_WASHES))).execute(&mut *connection).await?;
    for _ in 0..LONG_WASHES {
        sqlx::raw_sql(LONG_WASH).execute(&mut *connection).await?;
    }
    Ok(())
}

/// How often a stopped database is asked whether it writes again, and an open one whether it is still there.
const COMMITTER_IDLE: Duration = Duration::from_secs(1);

async fn commit_when_woken(writer: std::sync::Weak<Writer>) {
    while let Some(writer) = writer.upgrade() {
        let woken = tokio::time::timeout(COMMITTER_IDLE, writer.wake.notified()).await.is_ok();
        if writer.group.lock().await.connection.is_none() {
            return;
        }
        if woken {
            writer.settle().await;
        } else if writer.stopped.load(Ordering::SeqCst) && writer.probe().await {
            tracing::info!("writing works again");
        }
    }
}

// ---- PostgreSQL --------------------------------------------------------------------------------------------------

/// Connections of one node.
const CONNECTIONS: u32 = 8;
/// Whoever gets none within so long is told to come again.
const CONNECTION_WITHIN: Duration = Duration::from_secs(10);

async fn begin_postgres(pool: &PgPool) -> DbResult<Transaction<'static, Postgres>> {
    #[cfg(test)]
    ways::count(1);
    Ok(pool.begin().await?)
}

/// Over a network the database proves who it is and nobody else reads along. Whoever wants another way says it: in the URL
/// (`sslmode`), or by the `PGSSLMODE` that sqlx reads. A password may stand in the file of `PGPASSFILE` instead of the
/// URL, as libpq reads it.
fn reached_safely(url: &str) -> DbResult<PgConnectOptions> {
    let options: PgConnectOptions = url.parse()?;
    let is_said = ["sslmode=", "ssl-mode="].iter().any(|how| url.contains(how));
    let is_near = options.get_socket().is_some() || is_this_computer(options.get_host());
    Ok(match options.get_ssl_mode() {
        _ if is_near => options,
        PgSslMode::Prefer if !is_said => options.ssl_mode(PgSslMode::VerifyFull),
        PgSslMode::VerifyFull => options,
        _ => {
            tracing::warn!("the database on another machine need not prove who it is: say sslmode=verify-full");
            options
        }
    })
}

/// A folder is that of a socket.
fn is_this_computer(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.starts_with('/') || host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn open_postgres(url: &str, structure: Structure, events: broadcast::Sender<Touched>) -> DbResult<Engine> {
    let options = reached_safely(url)?.disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(CONNECTION_WITHIN)
        .connect_with(options)
        .await
        .map_err(no_first_connection)?;
    match structure {
        Structure::BroughtUp => POSTGRES_MIGRATIONS.run(&pool).await?,
        Structure::Standing => {
            const HAS_BOOKS: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
            if !sqlx::query_scalar::<_, bool>(HAS_BOOKS).fetch_one(&pool).await? {
                return Err(DbError::NoBooks);
            }
            let done: Vec<i64> = sqlx::query_scalar(DONE_MIGRATIONS).fetch_all(&pool).await?;
            demand_this_version(&done, &POSTGRES_MIGRATIONS)?;
        }
    }
    tokio::spawn(listen(pool.clone(), events));
    Ok(Engine::Postgres(pool))
}

/// Whether nodes listen on a database that several may share.
pub(crate) async fn is_served(location: &Location) -> DbResult<bool> {
    const NODES: &str = "SELECT COUNT(*) FROM pg_stat_activity
                          WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN %'";
    let Location::Postgres { url } = location else { return Ok(false) };
    let options = reached_safely(url)?.disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await.map_err(no_first_connection)?;
    let nodes: i64 = sqlx::query_scalar(NODES).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(nodes > 0)
}

/// Copies a SQLite database as it is at one moment into an empty file; others read and write it meanwhile.
pub(crate) async fn copy_into(location: &Location, to: &Path) -> DbResult<()> {
    let Location::Sqlite { file, key: None } = location else { return Err(DbError::NotEncrypted) };
    let to = to.to_str().ok_or(DbError::Corrupt("a file's name, which is not UTF-8"))?;
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(10));
    let mut connection = options.disable_statement_logging().connect().await.map_err(not_a_database)?;
    sqlx::query("VACUUM INTO $1").bind(to).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Nobody else has a connection yet: the pool waited for the database itself.
fn no_first_connection(error: sqlx::Error) -> DbError {
    match error {
        sqlx::Error::PoolTimedOut => DbError::Away,
        error @ sqlx::Error::Tls(_) => DbError::Unproven(error),
        error => error.into(),
    }
}

async fn listen(pool: PgPool, events: broadcast::Sender<Touched>) {
    while !pool.is_closed() {
        let Ok(mut listener) = sqlx::postgres::PgListener::connect_with(&pool).await else {
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        };
        // The listener keeps a connection of its own and reconnects by itself.
        listener.ignore_pool_close_event(false);
        if listener.listen(POSTGRES_CHANNEL).await.is_err() {
            continue;
        }
        while let Ok(message) = listener.recv().await {
            if let Some(touched) = read_notice(message.payload()) {
                let _ = events.send(touched);
            }
        }
    }
}

fn read_notice(text: &str) -> Option<Touched> {
    let (holder, number) = text.split_once(':')?;
    Some(Touched { holder: holder.parse().ok()?, number: number.parse().ok()? })
}

#[cfg(test)]
mod tests;
