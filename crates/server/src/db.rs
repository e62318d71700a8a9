//! The server's database: SQLite by default, PostgreSQL by URL, one story for both.
//!
//! SQL is written once in the subset that both accept and runs through [`on_engine!`]. On SQLite there is one writing
//! connection; transactions that wait for it are committed together, each in its own savepoint, so that one disk sync
//! serves many (a caller is answered only after that sync). On PostgreSQL every transaction locks its holder's row
//! first. Only this file and `store.rs` files name sqlx.

mod reads;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use domain::ids::HolderId;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions, Connection, Postgres, Sqlite, Transaction};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, broadcast, oneshot};

pub(crate) use reads::{Read, read_row, read_rows};

pub type DbResult<T> = Result<T, DbError>;

/// Transactions that share one commit at most.
const GROUP_MAX: usize = 64;
const READERS: u32 = 4;
/// Feed numbers that a slow listener may be behind before it is told to read again.
const EVENTS_KEPT: usize = 1_024;
const POSTGRES_CHANNEL: &str = "billfold_feed";

const PROBE: &str = "UPDATE server_state SET probe = probe + 1";

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

#[derive(Debug, thiserror::Error)]
pub enum DbError {
    #[error("the database refused")]
    Sql(#[from] sqlx::Error),
    #[error("the database's structure could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A commit failed (disk full, I/O error): nothing is written until a write works again.
    #[error("the database cannot write")]
    Stopped,
    #[error("the database file is encrypted with another key, or this build has no encryption")]
    NotEncrypted,
    #[error("stored data does not read: {0}")]
    Corrupt(&'static str),
    /// Another transaction won; the caller may try again.
    #[error("another change came between")]
    Conflict,
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
            Self::Sql(sqlx::Error::PoolTimedOut) => "pool timed out".to_owned(),
            Self::Sql(sqlx::Error::ColumnDecode { index, .. }) => {
                format!("column {index} does not decode")
            }
            Self::Sql(sqlx::Error::RowNotFound) => "row not found".to_owned(),
            Self::Sql(_) => "sql".to_owned(),
            Self::Migrate(_) => "migrate".to_owned(),
            Self::Corrupt(what) => format!("corrupt: {what}"),
            Self::Stopped => "stopped".to_owned(),
            Self::NotEncrypted => "not encrypted".to_owned(),
            Self::Conflict => "conflict".to_owned(),
        }
    }
}

/// Where the data lives.
#[derive(Clone)]
pub enum Location {
    Sqlite {
        file: PathBuf,
        /// SQLCipher raw key; the embedded server always has one.
        key: Option<[u8; 32]>,
    },
    Postgres {
        url: String,
    },
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

#[derive(Clone)]
enum Engine {
    Sqlite { writer: Arc<Writer>, readers: SqlitePool },
    Postgres(PgPool),
}

impl Db {
    /// Opens the database, making it when it is not there, and brings its structure up to date.
    pub async fn open(location: &Location) -> DbResult<Self> {
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let engine = match location {
            Location::Sqlite { file, key } => open_sqlite(file, key.as_ref(), events.clone()).await?,
            Location::Postgres { url } => open_postgres(url, events.clone()).await?,
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
            Engine::Postgres(pool) => Inner::Postgres(pool.begin().await?),
        };
        Ok(Tx { inner, numbers: BTreeMap::new() })
    }

    /// Begins a transaction that sees one moment and writes nothing.
    pub async fn begin_read(&self) -> DbResult<Tx> {
        let inner = match &self.engine {
            Engine::Sqlite { readers, .. } => Inner::Sqlite(readers.begin().await?),
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
            Engine::Sqlite { readers, .. } => Inner::SqliteOnce(readers.acquire().await?),
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
            Engine::Sqlite { writer, readers } => {
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

enum Inner {
    Grouped(GroupedTx),
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
    SqliteOnce(PoolConnection<Sqlite>),
    PostgresOnce(PoolConnection<Postgres>),
}

impl Tx {
    /// What [`on_engine!`] matches on: however the transaction was begun, there is one kind of connection an engine.
    /// What was to be written later is written before.
    pub async fn connection(&mut self) -> DbResult<EngineConnection<'_>> {
        if let Inner::Grouped(tx) = &mut self.inner {
            tx.write_batch().await?;
        }
        Ok(self.connection_now())
    }

    fn connection_now(&mut self) -> EngineConnection<'_> {
        match &mut self.inner {
            Inner::Grouped(tx) => EngineConnection::Sqlite(tx.connection()),
            Inner::Sqlite(tx) => EngineConnection::Sqlite(tx),
            Inner::SqliteOnce(connection) => EngineConnection::Sqlite(connection),
            Inner::Postgres(tx) => EngineConnection::Postgres(tx),
            Inner::PostgresOnce(connection) => EngineConnection::Postgres(connection),
        }
    }

    /// What [`write_later!`] matches on: where the statement waits for the others, or the connection it runs on now.
    pub fn batch(&mut self) -> Result<&mut Batch, EngineConnection<'_>> {
        // Two looks, because one would keep the transaction borrowed in both answers.
        if !matches!(self.inner, Inner::Grouped(_)) {
            return Err(self.connection_now());
        }
        let Inner::Grouped(tx) = &mut self.inner else { unreachable!("just looked at") };
        Ok(&mut tx.batch)
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
        const TAKE: &str = "UPDATE holder SET feed_number = feed_number + 1 WHERE holder_id = $1 RETURNING feed_number";
        let taken =
            read_row(TAKE, [holder.as_uuid().into()], |taken: Option<(i64,)>| Ok(taken.map(|(number,)| number)));
        let number = self.ask(taken).await?.ok_or(DbError::Sql(sqlx::Error::RowNotFound))?;
        self.numbers.insert(holder, number);
        Ok(number)
    }

    /// Locks the holder's row without taking a number; on SQLite the one writer is lock enough.
    pub async fn lock(&mut self, holder: HolderId) -> DbResult<()> {
        if let Inner::Postgres(db) = &mut self.inner {
            sqlx::query("SELECT 1 FROM holder WHERE holder_id = $1 FOR UPDATE")
                .bind(holder.as_uuid())
                .execute(&mut **db)
                .await?;
        }
        Ok(())
    }

    /// Makes everything durable, then tells the listeners. After an error nothing of it happened.
    pub async fn commit(self) -> DbResult<()> {
        let Self { inner, numbers } = self;
        let touched = numbers.into_iter().map(|(holder, number)| Touched { holder, number });
        match inner {
            Inner::Grouped(tx) => tx.commit(touched.collect()).await?,
            // These wrote nothing.
            Inner::Sqlite(_) | Inner::SqliteOnce(_) | Inner::PostgresOnce(_) => {}
            Inner::Postgres(mut tx) => {
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
        match $tx.batch() {
            Ok(batch) => {
                batch.add($sql);
                Ok(())$(.and_then(|()| batch.bind($value)))*
            }
            Err($crate::db::EngineConnection::Sqlite(db)) => {
                sqlx::query($sql)$(.bind($value))*.execute(db).await.map(drop).map_err($crate::db::DbError::from)
            }
            Err($crate::db::EngineConnection::Postgres(db)) => {
                sqlx::query($sql)$(.bind($value))*.execute(db).await.map(drop).map_err($crate::db::DbError::from)
            }
        }
    };
}
pub(crate) use write_later;

// ---- SQLite ------------------------------------------------------------------------------------------------------

/// Statements that wait to run together.
#[derive(Default)]
pub struct Batch {
    sql: String,
    values: SqliteArguments,
    statements: usize,
}

impl Batch {
    /// Adds a statement; its `$1` is the next value that is bound.
    pub fn add(&mut self, sql: &str) {
        let before = self.values.len();
        let mut parts = sql.split('$');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            // Statements are ours: every `$` is a place for a value.
            let number: usize = number.parse().unwrap_or(0);
            self.sql.push_str(&format!("${}{rest}", before + number));
        }
        self.sql.push(';');
        self.statements += 1;
    }

    pub fn bind<'v, T: sqlx::Encode<'v, Sqlite> + sqlx::Type<Sqlite>>(&mut self, value: T) -> DbResult<()> {
        self.values.add(value).map_err(|_| DbError::Corrupt("a value to be written"))
    }
}

/// The one writing connection and the transactions that share its next commit.
struct Writer {
    group: Arc<Mutex<Group>>,
    waiting: AtomicUsize,
    wake: Notify,
    stopped: AtomicBool,
    events: broadcast::Sender<Touched>,
}

struct Group {
    /// None once the database is closed.
    connection: Option<SqliteConnection>,
    /// `BEGIN IMMEDIATE` was sent and neither `COMMIT` nor `ROLLBACK` since.
    open: bool,
    /// A savepoint stands that its owner may have given up.
    abandoned: bool,
    members: Vec<Member>,
}

/// A transaction that ended and waits for the commit.
struct Member {
    done: oneshot::Sender<DbResult<()>>,
    touched: Vec<Touched>,
}

impl Writer {
    async fn begin(self: &Arc<Self>) -> DbResult<GroupedTx> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(DbError::Stopped);
        }
        let waiting = Waiting::on(self);
        let mut group = Arc::clone(&self.group).lock_owned().await;
        drop(waiting);
        // From here to the savepoint's end the owner is this transaction; if its task ends midway, what it leaves
        // is undone by whoever comes next.
        let began = group.begin().await;
        // The savepoint goes with the first statement.
        let mut batch = Batch::default();
        batch.add("SAVEPOINT member");
        let mut tx = GroupedTx { writer: Arc::clone(self), group: Some(group), batch };
        if let Err(error) = began {
            tx.fail_all();
            return Err(error);
        }
        Ok(tx)
    }

    /// Commits what waits, after those who already queue for the connection had their turn.
    async fn settle(&self) {
        let mut group = self.group.lock().await;
        group.settle(self).await;
    }

    /// Writes one row and commits it; when that works, writing goes on.
    async fn probe(self: &Arc<Self>) -> bool {
        let writer = Arc::clone(self);
        // A task of its own, as every commit: who asks may stop waiting.
        let probe = tokio::spawn(async move {
            let mut group = writer.group.lock().await;
            group.settle(&writer).await;
            let probed = group.run(PROBE).await.is_ok();
            writer.stopped.store(!probed, Ordering::SeqCst);
            probed
        });
        probe.await.unwrap_or(false)
    }

    async fn close(&self) {
        let mut group = self.group.lock().await;
        group.settle(self).await;
        self.stopped.store(true, Ordering::SeqCst);
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
        let connection = self.connection.as_mut().ok_or(DbError::Stopped)?;
        sqlx::query(sql).execute(connection).await?;
        Ok(())
    }

    async fn begin(&mut self) -> DbResult<()> {
        self.undo_abandoned().await?;
        if !self.open {
            // Before the statement: should this task end while it runs, the next one must know.
            self.open = true;
            self.run("BEGIN IMMEDIATE").await.inspect_err(|_| self.open = false)?;
        }
        self.abandoned = true;
        Ok(())
    }

    async fn undo_abandoned(&mut self) -> DbResult<()> {
        if self.abandoned && self.open {
            match self.run("ROLLBACK TO member").await {
                Ok(()) => self.run("RELEASE member").await?,
                // It never began, or its owner stopped waiting while its last statement ran: then it ended, and stands
                // with the others.
                Err(DbError::Sql(error)) if is_no_savepoint(&error) => {}
                Err(error) => return Err(error),
            }
        }
        self.abandoned = false;
        Ok(())
    }

    async fn settle(&mut self, writer: &Writer) {
        if !self.open {
            return;
        }
        let committed = match self.undo_abandoned().await {
            Ok(()) => self.run("COMMIT").await,
            Err(error) => Err(error),
        };
        if let Err(error) = &committed {
            writer.stopped.store(true, Ordering::SeqCst);
            tracing::error!(kind = error.kind(), "a commit failed: writing stops until a write works again");
            self.roll_back().await;
        }
        self.open = false;
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
        self.open = false;
        self.abandoned = false;
    }

    fn tell(&mut self, durable: bool) {
        for member in self.members.drain(..) {
            // A member that stopped waiting has lost only the answer.
            let _ = member.done.send(if durable { Ok(()) } else { Err(DbError::Stopped) });
        }
    }
}

/// "no such savepoint" has no code of its own.
fn is_no_savepoint(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.message().starts_with("no such savepoint"))
}

/// One transaction within the group: its own savepoint.
pub struct GroupedTx {
    writer: Arc<Writer>,
    group: Option<OwnedMutexGuard<Group>>,
    batch: Batch,
}

impl GroupedTx {
    pub fn connection(&mut self) -> &mut SqliteConnection {
        // Closing needs the guard as well.
        self.group_now().connection.as_mut().expect("a live transaction holds its connection")
    }

    fn group_now(&mut self) -> &mut Group {
        // Only `commit`, `fail_all` and `drop` take the guard, and nothing of the transaction runs after them.
        self.group.as_mut().expect("a live transaction holds its group")
    }

    /// Runs what waits.
    async fn write_batch(&mut self) -> DbResult<()> {
        if self.batch.sql.is_empty() {
            return Ok(());
        }
        let Batch { sql, values, .. } = std::mem::take(&mut self.batch);
        // Put together from statements of this program alone.
        sqlx::query_with(AssertSqlSafe(sql), values).execute(self.connection()).await?;
        Ok(())
    }

    async fn commit(mut self, touched: Vec<Touched>) -> DbResult<()> {
        let (done, answer) = oneshot::channel();
        // Before its last statement: should this task end while that runs, the listeners hear of it all the same.
        self.group_now().members.push(Member { done, touched });
        self.batch.add("RELEASE member");
        if let Err(error) = self.write_batch().await {
            // The savepoint is left for whoever comes next to undo.
            self.group_now().members.pop();
            return Err(error);
        }
        let Some(mut group) = self.group.take() else {
            return Err(DbError::Stopped);
        };
        group.abandoned = false;
        if self.writer.waiting.load(Ordering::SeqCst) == 0 || group.members.len() >= GROUP_MAX {
            // A task of its own: one who stops waiting must not stop a commit that others wait for.
            let writer = Arc::clone(&self.writer);
            tokio::spawn(async move { group.settle(&writer).await });
        } else {
            self.writer.wake.notify_one();
            drop(group);
        }
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

async fn open_sqlite(file: &Path, key: Option<&[u8; 32]>, events: broadcast::Sender<Touched>) -> DbResult<Engine> {
    let mut options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::from_secs(10));
    if let Some(key) = key {
        let hex = data_encoding::HEXLOWER.encode(key);
        options = options.pragma("key", format!("\"x'{hex}'\""));
    }
    let options = options
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "MEMORY")
        .foreign_keys(true)
        .disable_statement_logging();
    let mut connection = options
        .clone()
        .create_if_missing(true)
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
    }
    SQLITE_MIGRATIONS.run(&mut connection).await?;
    // A file of this process: no connection to it is ever lost, so none is tried before it is used.
    let pool = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
    let readers = pool.connect_with(options.read_only(true)).await?;
    let group = Group { connection: Some(connection), open: false, abandoned: false, members: Vec::new() };
    let writer = Arc::new(Writer {
        group: Arc::new(Mutex::new(group)),
        waiting: AtomicUsize::new(0),
        wake: Notify::new(),
        stopped: AtomicBool::new(false),
        events,
    });
    tokio::spawn(commit_when_woken(Arc::downgrade(&writer)));
    Ok(Engine::Sqlite { writer, readers })
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

async fn open_postgres(url: &str, events: broadcast::Sender<Touched>) -> DbResult<Engine> {
    let options: sqlx::postgres::PgConnectOptions = url.parse()?;
    let options = options.disable_statement_logging();
    let pool =
        PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(10)).connect_with(options).await?;
    POSTGRES_MIGRATIONS.run(&pool).await?;
    tokio::spawn(listen(pool.clone(), events));
    Ok(Engine::Postgres(pool))
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
