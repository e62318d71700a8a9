//! Rows of jobs.

use domain::ids::HolderId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine, write_later};
use crate::jobs::{Job, Kind, Queue};

/// One statement for each queue. Work is what this version knows: a row of a newer one is not touched, so that it is new to
/// whoever knows it. The first condition of each is that of an index.
macro_rules! of_each_queue {
    ($before:literal, $after:literal) => {
        [
            concat!(
                $before,
                "kind <> 'mail' AND kind IN ('process', 'submit', 'ask', 'follow', 'release', 'expire', 'remind',
                    'end_hold', 'method_expiry', 'autopay', 'close', 'auto_reload')",
                $after
            ),
            concat!($before, "kind = 'mail'", $after),
        ]
    };
}

const TAKE: [&str; 2] = of_each_queue!(
    "UPDATE job SET leased_until = $2, tries = tries + 1
        WHERE due_at <= $1 AND leased_until <= $1 AND (holder_id, kind, subject_id) IN
            (SELECT holder_id, kind, subject_id FROM job WHERE due_at <= $1 AND leased_until <= $1 AND ",
    " ORDER BY due_at LIMIT $3)
        RETURNING holder_id, kind, subject_id, tries"
);

// Two short walks along the index: most jobs are not taken.
const NEXT: [&str; 2] = of_each_queue!(
    "SELECT MIN(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) FROM
        (SELECT due_at, leased_until FROM job WHERE ",
    " ORDER BY due_at LIMIT 256) AS soon"
);

impl Queue {
    const fn choose(self, [work, mail]: [&'static str; 2]) -> &'static str {
        match self {
            Self::Work => work,
            Self::Mail => mail,
        }
    }
}

/// Puts a job, or another time for it; it counts its tries from the start again.
pub(super) async fn put(tx: &mut Tx, holder: HolderId, kind: Kind, subject: Uuid, due_at: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO job (holder_id, kind, subject_id, due_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (holder_id, kind, subject_id) DO UPDATE SET due_at = excluded.due_at, tries = 0, leased_until = 0";
    write_later!(tx, PUT, holder.as_uuid(), kind.name(), subject, due_at.as_microsecond())
}

/// Another time for a job that was tried.
pub(super) async fn later(tx: &mut Tx, job: &Job, due_at: Timestamp) -> DbResult<()> {
    const LATER: &str =
        "UPDATE job SET due_at = $4, leased_until = 0 WHERE holder_id = $1 AND kind = $2 AND subject_id = $3";
    write_later!(tx, LATER, job.holder.as_uuid(), job.kind.name(), job.subject, due_at.as_microsecond(),)
}

pub(super) async fn remove(tx: &mut Tx, holder: HolderId, kind: Kind, subject: Uuid) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM job WHERE holder_id = $1 AND kind = $2 AND subject_id = $3";
    write_later!(tx, REMOVE, holder.as_uuid(), kind.name(), subject,)
}

/// Another time for a job, unless it was put anew since it was taken: who puts it sets its tries back.
pub(super) async fn later_unless_put(tx: &mut Tx, job: &Job, due_at: Timestamp) -> DbResult<()> {
    const LATER: &str = "UPDATE job SET due_at = $4, leased_until = 0
        WHERE holder_id = $1 AND kind = $2 AND subject_id = $3 AND tries = $5";
    let (holder, kind) = (job.holder.as_uuid(), job.kind.name());
    write_later!(tx, LATER, holder, kind, job.subject, due_at.as_microsecond(), job.tries)
}

pub(super) async fn remove_unless_put(tx: &mut Tx, job: &Job) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM job WHERE holder_id = $1 AND kind = $2 AND subject_id = $3 AND tries = $4";
    write_later!(tx, REMOVE, job.holder.as_uuid(), job.kind.name(), job.subject, job.tries)
}

/// Takes jobs that are due, oldest first, until `leased_until`. A row that another node takes at the same moment is
/// passed over: the condition is looked at again under the row's lock.
pub(super) async fn take(
    tx: &mut Tx,
    queue: Queue,
    now: Timestamp,
    leased_until: Timestamp,
    limit: i64,
) -> DbResult<Vec<Job>> {
    let rows: Vec<(Uuid, String, Uuid, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(queue.choose(TAKE))
            .bind(now.as_microsecond())
            .bind(leased_until.as_microsecond())
            .bind(limit)
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })?;
    rows.into_iter()
        .map(|(holder, kind, subject, tries)| {
            let kind = Kind::named(&kind).ok_or(DbError::Corrupt("a job's kind"))?;
            Ok(Job { holder: HolderId::from_uuid(holder), kind, subject, tries })
        })
        .collect()
}

/// When the next job of a queue may be taken.
pub(super) async fn next_due(tx: &mut Tx, queue: Queue) -> DbResult<Option<Timestamp>> {
    let next: Option<i64> =
        on_engine!(tx, |db| { sqlx::query_scalar(queue.choose(NEXT)).fetch_one(db).await.map_err(DbError::from) })?;
    next.map(Timestamp::from_microsecond).transpose().map_err(|_| DbError::Corrupt("a job's time"))
}

/// A kind of which jobs are due and that this version does not know.
pub(super) async fn unknown_kind(tx: &mut Tx, now: Timestamp) -> DbResult<Option<String>> {
    const DUE: &str = "SELECT DISTINCT kind FROM job WHERE due_at <= $1";
    let due: Vec<String> = on_engine!(tx, |db| {
        sqlx::query_scalar(DUE).bind(now.as_microsecond()).fetch_all(db).await.map_err(DbError::from)
    })?;
    Ok(due.into_iter().find(|kind| Kind::named(kind).is_none()))
}

/// Gives back what this node had taken and not begun, before it stops: that take does not count as a try.
pub(super) async fn release(tx: &mut Tx, job: &Job, due_at: Timestamp) -> DbResult<()> {
    const RELEASE: &str = "UPDATE job SET due_at = $4, leased_until = 0, tries = tries - 1
        WHERE holder_id = $1 AND kind = $2 AND subject_id = $3";
    write_later!(tx, RELEASE, job.holder.as_uuid(), job.kind.name(), job.subject, due_at.as_microsecond(),)
}

/// What there are jobs of a kind for.
#[cfg(test)]
pub(super) async fn subjects(tx: &mut Tx, kind: Kind) -> DbResult<Vec<Uuid>> {
    const SUBJECTS: &str = "SELECT subject_id FROM job WHERE kind = $1";
    on_engine!(tx, |db| sqlx::query_scalar(SUBJECTS).bind(kind.name()).fetch_all(db).await.map_err(DbError::from))
}

/// How often all jobs of a kind were taken.
#[cfg(test)]
pub(super) async fn tries(tx: &mut Tx, kind: Kind) -> DbResult<i64> {
    const TRIES: &str = "SELECT CAST(SUM(tries) AS BIGINT) FROM job WHERE kind = $1";
    on_engine!(tx, |db| sqlx::query_scalar(TRIES).bind(kind.name()).fetch_one(db).await.map_err(DbError::from))
}

/// A payment, like the one that is there, on a rail that no server has: looking at it always fails.
#[cfg(test)]
pub(super) async fn add_stuck_payment(tx: &mut Tx, holder: HolderId, id: Uuid) -> DbResult<()> {
    const ADD: &str = "INSERT INTO payment (holder_id, payment_id, account_id, state, order_body, biller_id,
            amount_minor, currency, process_on, cutoff_at, expected_by, rail, rail_key, made_at)
        SELECT holder_id, $1, account_id, 'submitted', order_body, biller_id,
            amount_minor, currency, process_on, cutoff_at, expected_by, 'gone', $2, made_at
        FROM payment WHERE holder_id = $3 AND rail <> 'gone'";
    write_later!(tx, ADD, id, id.to_string(), holder.as_uuid())
}

#[cfg(test)]
pub(super) async fn remove_stuck_payments(tx: &mut Tx) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM payment WHERE rail = $1";
    write_later!(tx, REMOVE, "gone")
}

/// A job of a newer version.
#[cfg(test)]
pub(super) async fn put_unknown(tx: &mut Tx, holder: HolderId, due_at: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO job (holder_id, kind, subject_id, due_at) VALUES ($1, 'of_tomorrow', $1, $2)";
    write_later!(tx, PUT, holder.as_uuid(), due_at.as_microsecond())
}

/// How often jobs were taken that this version does not know; they go.
#[cfg(test)]
pub(super) async fn remove_unknown(tx: &mut Tx) -> DbResult<i64> {
    const REMOVE: &str = "DELETE FROM job WHERE kind = 'of_tomorrow' RETURNING tries";
    on_engine!(tx, |db| sqlx::query_scalar(REMOVE).fetch_one(db).await.map_err(DbError::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_work_is_taken() {
        for kind in Kind::ALL {
            let queue = if kind == Kind::Mail { Queue::Mail } else { Queue::Work };
            for statement in [queue.choose(TAKE), queue.choose(NEXT)] {
                assert!(statement.contains(&format!("'{}'", kind.name())), "{}", kind.name());
            }
        }
    }
}
