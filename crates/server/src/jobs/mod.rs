//! Work that must happen later, and after a crash all the same: rows in the database, taken for a while by one node.
//! A job ends by being deleted, or goes on by a later time, in the transaction of its effect. A node that dies leaves
//! its jobs to whoever comes next, who learns from `tries` that they were begun before.

mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use domain::ids::HolderId;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::db::{DbResult, Tx};
use crate::{App, autopay, mail, methods, payments, purchases, reminders, statements, wallet};

/// After so long a taken job is given to another: longer than any rail takes to answer.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// A job that failed waits so long for each time that it was taken, and at most [`FAILED_WAIT_MAX`]: what always fails
/// goes behind what is due, however much of it there is.
const FAILED_WAIT: SignedDuration = SignedDuration::from_secs(60);
const FAILED_WAIT_MAX: SignedDuration = SignedDuration::from_hours(1);
/// On SQLite all that are taken run at once: those of many people go in one way to the writer, and those of one person
/// one after the other.
const TAKEN_AT_ONCE: i64 = 256;
/// On PostgreSQL each needs a connection, which calls need too.
const TAKEN_AT_ONCE_BY_A_NODE: i64 = 64;
const RUN_AT_ONCE_BY_A_NODE: usize = 16;
/// A carrier lets so many in at once.
const MAILS_AT_ONCE: usize = 16;
/// The table is looked at this often, also when nobody calls.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// From a call to the look that it asks for.
const CALLS_TOGETHER: Duration = Duration::from_millis(5);
/// After an error in the database.
const REST: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A payment's day came: set the money aside and hand the order to the rail.
    Process,
    /// Send an order to the rail.
    Submit,
    /// Ask the rail what became of an order that it did not answer.
    Ask,
    /// Look whether a payment settled or came back.
    Follow,
    /// Send a message.
    Mail,
    /// A hold's time is over: look whether the payment may go on.
    Release,
    /// An approval was waited for long enough.
    Expire,
    /// Look what is to be reminded by e-mail.
    Remind,
    /// A purchase was not captured in time: what is held goes back to the card's credit.
    EndHold,
    /// A payment method ends soon: tell its owner.
    MethodExpiry,
    /// A bill is paid by itself: make what is due soon, and bring what was made up to date.
    Autopay,
    /// A cycle of a card is over: make its statement.
    Close,
    /// A wallet has less than its person wants in it: reload it, or say why not.
    AutoReload,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Process,
        Self::Submit,
        Self::Ask,
        Self::Follow,
        Self::Mail,
        Self::Release,
        Self::Expire,
        Self::Remind,
        Self::EndHold,
        Self::MethodExpiry,
        Self::Autopay,
        Self::Close,
        Self::AutoReload,
    ];

    /// The stored name; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Submit => "submit",
            Self::Ask => "ask",
            Self::Follow => "follow",
            Self::Mail => "mail",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Remind => "remind",
            Self::EndHold => "end_hold",
            Self::MethodExpiry => "method_expiry",
            Self::Autopay => "autopay",
            Self::Close => "close",
            Self::AutoReload => "auto_reload",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One job that this node has taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub holder: HolderId,
    pub kind: Kind,
    pub subject: Uuid,
    /// How often it was taken, this time included.
    pub tries: i64,
}

/// Wakes the runner of this node.
#[derive(Default)]
pub struct Jobs {
    wake: Notify,
}

impl Jobs {
    /// Call after the commit of a transaction that put a job.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

pub(crate) async fn put(tx: &mut Tx, holder: HolderId, kind: Kind, subject: Uuid, due_at: Timestamp) -> DbResult<()> {
    store::put(tx, holder, kind, subject, due_at).await
}

pub(crate) async fn later(tx: &mut Tx, job: &Job, due_at: Timestamp) -> DbResult<()> {
    store::later(tx, job, due_at).await
}

pub(crate) async fn done(tx: &mut Tx, job: &Job) -> DbResult<()> {
    store::remove(tx, job.holder, job.kind, job.subject).await
}

/// As [`later`], for a job that asked somebody before its transaction: where it was put anew since, because there is more
/// to know, it stays as it was put.
pub(crate) async fn later_unless_put(tx: &mut Tx, job: &Job, due_at: Timestamp) -> DbResult<()> {
    store::later_unless_put(tx, job, due_at).await
}

/// As [`done`], and so too.
pub(crate) async fn done_unless_put(tx: &mut Tx, job: &Job) -> DbResult<()> {
    store::remove_unless_put(tx, job).await
}

pub(crate) async fn remove(tx: &mut Tx, holder: HolderId, kind: Kind, subject: Uuid) -> DbResult<()> {
    store::remove(tx, holder, kind, subject).await
}

#[cfg(test)]
pub(crate) async fn subjects(tx: &mut Tx, kind: Kind) -> DbResult<Vec<Uuid>> {
    store::subjects(tx, kind).await
}

/// Since when the oldest work waits that nobody has taken; in the future when none is due.
pub(crate) async fn waiting_since(app: &App) -> DbResult<Option<Timestamp>> {
    let mut tx = app.db.read_once().await?;
    store::next_due(&mut tx).await
}

/// Takes what is due now and runs it, and says how much that was.
pub(crate) async fn run_due(app: &App) -> DbResult<usize> {
    let now = app.clock.now();
    let leased_until = now.saturating_add(LEASE).unwrap_or(now);
    let mut tx = app.db.begin_write().await?;
    let (taken, at_once) = if app.db.has_several_nodes() {
        (TAKEN_AT_ONCE_BY_A_NODE, RUN_AT_ONCE_BY_A_NODE)
    } else {
        (TAKEN_AT_ONCE, usize::MAX)
    };
    let jobs = store::take(&mut tx, now, leased_until, taken).await?;
    tx.commit().await?;
    let count = jobs.len();
    let (mails, others): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.kind == Kind::Mail);
    tokio::join!(run_all(app, mails, at_once.min(MAILS_AT_ONCE)), run_all(app, others, at_once));
    Ok(count)
}

async fn run_all(app: &App, jobs: Vec<Job>, at_once: usize) {
    let run = async |job: Job| {
        if app.ending.is_cancelled() {
            give_back(app, &job).await;
            return;
        }
        if let Err(error) = run_one(app, &job).await {
            tracing::error!(job = job.kind.name(), kind = error.kind(), "a job failed and will be tried again");
            put_off(app, &job).await;
        }
    };
    futures_util::stream::iter(jobs).for_each_concurrent(at_once, run).await;
}

/// Does what a job says. An error leaves it to be tried again.
async fn run_one(app: &App, job: &Job) -> DbResult<()> {
    match job.kind {
        Kind::Process => payments::process(app, job).await,
        Kind::Submit => payments::submit(app, job).await,
        Kind::Ask => payments::ask(app, job).await,
        Kind::Follow => payments::follow(app, job).await,
        Kind::Mail => mail::run(app, job).await,
        Kind::Release => payments::release(app, job).await,
        Kind::Expire => payments::expire(app, job).await,
        Kind::Remind => reminders::email::run(app, job).await,
        Kind::EndHold => purchases::end_hold(app, job).await,
        Kind::MethodExpiry => methods::tell_expiry(app, job).await,
        Kind::Autopay => autopay::look(app, job).await,
        Kind::Close => statements::close(app, job).await,
        Kind::AutoReload => wallet::auto_reload::look(app, job).await,
    }
}

/// Puts a job that failed off, without counting its tries anew. Where somebody put it meanwhile, it stays as it was put.
async fn put_off(app: &App, job: &Job) {
    let tries = i32::try_from(job.tries).unwrap_or(i32::MAX);
    let wait = FAILED_WAIT.saturating_mul(tries).min(FAILED_WAIT_MAX);
    let due_at = app.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
    let Ok(mut tx) = app.db.begin_whole().await else { return };
    if later_unless_put(&mut tx, job, due_at).await.is_ok() {
        // When this fails, it is tried again when its lease ends.
        let _ = tx.commit().await;
    }
}

async fn give_back(app: &App, job: &Job) {
    let Ok(mut tx) = app.db.begin_write().await else { return };
    if store::release(&mut tx, job, app.clock.now()).await.is_ok() {
        // When this fails, the lease ends by itself.
        let _ = tx.commit().await;
    }
}

/// Runs jobs as they come due, until the server ends.
pub(crate) async fn run(app: App) {
    while !app.ending.is_cancelled() {
        let rest = match run_or_rest(&app).await {
            Ok(None) => continue,
            Ok(Some(rest)) => rest,
            Err(error) => {
                tracing::error!(kind = error.kind(), "jobs wait for the database");
                REST
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            // One look serves all who call at about the same time.
            () = app.jobs.wake.notified() => tokio::time::sleep(CALLS_TOGETHER).await,
            () = app.ending.cancelled() => {}
        }
    }
}

/// Runs what is due, or says how long nothing is.
async fn run_or_rest(app: &App) -> DbResult<Option<Duration>> {
    // Most looks find nothing, and a look must not keep the writer busy.
    let Some(next) = waiting_since(app).await? else { return Ok(Some(LOOK_EVERY)) };
    let wait = Duration::try_from(next.duration_since(app.clock.now())).unwrap_or(Duration::ZERO);
    // Another node may have been quicker; then the next look says until when.
    if wait.is_zero() && run_due(app).await? > 0 { Ok(None) } else { Ok(Some(wait.min(LOOK_EVERY))) }
}
