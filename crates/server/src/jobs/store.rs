//! Rows of jobs.

use domain::ids::HolderId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine, write_later};
use crate::jobs::{Job, Kind};

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
pub(super) async fn take(tx: &mut Tx, now: Timestamp, leased_until: Timestamp, limit: i64) -> DbResult<Vec<Job>> {
    const TAKE: &str = "UPDATE job SET leased_until = $2, tries = tries + 1
        WHERE due_at <= $1 AND leased_until <= $1 AND (holder_id, kind, subject_id) IN
            (SELECT holder_id, kind, subject_id FROM job WHERE due_at <= $1 AND leased_until <= $1
             ORDER BY due_at LIMIT $3)
        RETURNING holder_id, kind, subject_id, tries";
    let rows: Vec<(Uuid, String, Uuid, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(TAKE)
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

/// When the next job may be taken.
pub(super) async fn next_due(tx: &mut Tx) -> DbResult<Option<Timestamp>> {
    // Two short walks along the index: most jobs are not taken.
    const NEXT: &str = "SELECT MIN(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) FROM
        (SELECT due_at, leased_until FROM job ORDER BY due_at LIMIT 256) AS soon";
    let next: Option<i64> = on_engine!(tx, |db| sqlx::query_scalar(NEXT).fetch_one(db).await.map_err(DbError::from))?;
    next.map(Timestamp::from_microsecond).transpose().map_err(|_| DbError::Corrupt("a job's time"))
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
