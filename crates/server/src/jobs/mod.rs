//! Work that must happen later, and after a crash all the same: rows in the database, taken for a while by one node.
//! A job ends by being deleted, or goes on by a later time, in the transaction of its effect. A node that dies leaves
//! its jobs to whoever comes next, who learns from `tries` that they were begun before.

mod store;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use domain::ids::HolderId;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
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
/// A carrier lets so many in at once. No more are taken: each waits for the carrier as long as it lasts, and the lease of one
/// that only waits for its turn would end.
const MAILS_AT_ONCE: i64 = 16;
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

/// Jobs that wait for each other. Mail has a queue of its own: a carrier that does not answer holds up no payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Work,
    Mail,
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
    work: Notify,
    mail: Notify,
}

impl Jobs {
    /// Call after the commit of a transaction that put a job.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
        self.mail.notify_one();
    }

    async fn woken(&self, queue: Queue) {
        match queue {
            Queue::Work => self.work.notified().await,
            Queue::Mail => self.mail.notified().await,
        }
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

/// Since when the oldest work waits that nobody has taken; in the future when none is due. Mail waits for others.
pub(crate) async fn waiting_since(app: &App) -> DbResult<Option<Timestamp>> {
    next_due(app, Queue::Work).await
}

async fn next_due(app: &App, queue: Queue) -> DbResult<Option<Timestamp>> {
    let mut tx = app.db.read_once().await?;
    store::next_due(&mut tx, queue).await
}

/// Says which work is due that this version does not know: a newer one put it, and does it.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let mut tx = app.db.read_once().await?;
    if let Some(kind) = store::unknown_kind(&mut tx, app.clock.now()).await? {
        tracing::warn!(kind, "work is due of a kind that this version does not know, and is left to a newer one");
    }
    Ok(())
}

/// Takes what is due now of all queues and runs it, and says how much that was.
#[cfg(any(test, feature = "testing"))]
pub(crate) async fn run_due(app: &App) -> DbResult<usize> {
    let (work, mail) = tokio::join!(run_due_of(app, Queue::Work), run_due_of(app, Queue::Mail));
    Ok(work? + mail?)
}

async fn run_due_of(app: &App, queue: Queue) -> DbResult<usize> {
    let now = app.clock.now();
    let leased_until = now.saturating_add(LEASE).unwrap_or(now);
    let mut tx = app.db.begin_write().await?;
    let (most, at_once) = match queue {
        Queue::Mail => (MAILS_AT_ONCE, usize::MAX),
        Queue::Work if app.db.has_several_nodes() => (TAKEN_AT_ONCE_BY_A_NODE, RUN_AT_ONCE_BY_A_NODE),
        Queue::Work => (TAKEN_AT_ONCE, usize::MAX),
    };
    let jobs = store::take(&mut tx, queue, now, leased_until, most).await?;
    tx.commit().await?;
    let count = jobs.len();
    run_all(app, jobs, at_once).await;
    Ok(count)
}

async fn run_all(app: &App, jobs: Vec<Job>, at_once: usize) {
    let run = async |job: Job| {
        if app.ending.is_cancelled() {
            give_back(app, &job).await;
            return;
        }
        // What panicked left its transaction undone, and is tried again like what failed; the others go on.
        match AssertUnwindSafe(run_one(app, &job)).catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::error!(job = job.kind.name(), kind = error.kind(), "a job failed and will be tried again");
            }
            Err(_) => tracing::error!(job = job.kind.name(), "a job panicked and will be tried again"),
        }
        put_off(app, &job).await;
    };
    futures_util::stream::iter(jobs).for_each_concurrent(at_once, run).await;
}

/// Does what a job says. An error leaves it to be tried again. Each kind's work stands in memory of its own: together they
/// are more than a thread's stack holds.
fn run_one<'a>(app: &'a App, job: &'a Job) -> BoxFuture<'a, DbResult<()>> {
    match job.kind {
        Kind::Process => payments::process(app, job).boxed(),
        Kind::Submit => payments::submit(app, job).boxed(),
        Kind::Ask => payments::ask(app, job).boxed(),
        Kind::Follow => payments::follow(app, job).boxed(),
        Kind::Mail => mail::run(app, job).boxed(),
        Kind::Release => payments::release(app, job).boxed(),
        Kind::Expire => payments::expire(app, job).boxed(),
        Kind::Remind => reminders::email::run(app, job).boxed(),
        Kind::EndHold => purchases::end_hold(app, job).boxed(),
        Kind::MethodExpiry => methods::tell_expiry(app, job).boxed(),
        Kind::Autopay => autopay::look(app, job).boxed(),
        Kind::Close => statements::close(app, job).boxed(),
        Kind::AutoReload => wallet::auto_reload::look(app, job).boxed(),
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

/// Runs the jobs of a queue as they come due, until the server ends.
pub(crate) async fn run(app: App, queue: Queue) {
    while !app.ending.is_cancelled() {
        let rest = match run_or_rest(&app, queue).await {
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
            () = app.jobs.woken(queue) => tokio::time::sleep(CALLS_TOGETHER).await,
            () = app.ending.cancelled() => {}
        }
    }
}

/// Runs what is due, or says how long nothing is.
async fn run_or_rest(app: &App, queue: Queue) -> DbResult<Option<Duration>> {
    // Most looks find nothing, and a look must not keep the writer busy.
    let Some(next) = next_due(app, queue).await? else { return Ok(Some(LOOK_EVERY)) };
    let wait = Duration::try_from(next.duration_since(app.clock.now())).unwrap_or(Duration::ZERO);
    // Another node may have been quicker; then the next look says until when.
    if wait.is_zero() && run_due_of(app, queue).await? > 0 { Ok(None) } else { Ok(Some(wait.min(LOOK_EVERY))) }
}
