//! Deliveries and snoozes in the cache. A delivery is recorded before it is shown: once, never twice.

use domain::ids::BillId;
use domain::reminders::{ReminderAnswer, Turn};
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::{Executor, Sqlite};

use super::{CacheError, CacheResult, Tx, date_of, day_number, from_body, to_body, uuid_of};

/// The newest due dates so many are kept. Counted, not dated: a clock that was wrong for an hour forgets nothing.
const KEPT: i64 = 20_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub bill: BillId,
    pub due_on: Date,
    /// The day it spoke of.
    pub falls_on: Date,
    pub turn: Turn,
    pub at: Timestamp,
    /// Absent: recorded, and the process ended before it could be shown.
    pub shown_at: Option<Timestamp>,
}

/// Records that a notice is about to be shown. False: it was recorded before, of the same day.
pub(crate) async fn record(tx: &mut Tx, delivery: &Delivery) -> CacheResult<bool> {
    let done = sqlx::query(
        "INSERT INTO delivery (bill, due_on, lead, at, shown_at, falls_on) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (bill, due_on, lead)
         DO UPDATE SET at = excluded.at, shown_at = excluded.shown_at, falls_on = excluded.falls_on
         WHERE COALESCE(delivery.falls_on, delivery.due_on) <> excluded.falls_on",
    )
    .bind(delivery.bill.as_uuid())
    .bind(day_number(delivery.due_on))
    .bind(delivery.turn.number())
    .bind(delivery.at.as_millisecond())
    .bind(delivery.shown_at.map(Timestamp::as_millisecond))
    .bind(day_number(delivery.falls_on))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records that what was put off is about to be shown: from here on it is a delivery like any other.
pub(crate) async fn record_again(tx: &mut Tx, delivery: &Delivery) -> CacheResult<()> {
    record(tx, delivery).await?;
    sqlx::query("UPDATE delivery SET at = ?4, shown_at = NULL WHERE bill = ?1 AND due_on = ?2 AND lead = ?3")
        .bind(delivery.bill.as_uuid())
        .bind(day_number(delivery.due_on))
        .bind(delivery.turn.number())
        .bind(delivery.at.as_millisecond())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn shown(tx: &mut Tx, delivery: &Delivery, at: Timestamp) -> CacheResult<()> {
    sqlx::query("UPDATE delivery SET shown_at = ?4 WHERE bill = ?1 AND due_on = ?2 AND lead = ?3")
        .bind(delivery.bill.as_uuid())
        .bind(day_number(delivery.due_on))
        .bind(delivery.turn.number())
        .bind(at.as_millisecond())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Newest first.
pub(crate) async fn deliveries(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Delivery>> {
    type Row = (Vec<u8>, i64, i64, i16, i64, Option<i64>);
    const ALL: &str =
        "SELECT bill, due_on, COALESCE(falls_on, due_on), lead, at, shown_at FROM delivery ORDER BY at DESC";
    let rows: Vec<Row> = sqlx::query_as(ALL).fetch_all(db).await?;
    rows.into_iter()
        .map(|(bill, due_on, falls_on, lead, at, shown_at)| {
            Ok(Delivery {
                bill: BillId::from_uuid(uuid_of(&bill)?),
                due_on: date_of(due_on)?,
                falls_on: date_of(falls_on)?,
                turn: Turn::of_number(lead).ok_or(CacheError::Damaged)?,
                at: instant(at)?,
                shown_at: shown_at.map(instant).transpose()?,
            })
        })
        .collect()
}

/// Forgets what stands of one bill: a test's is none.
pub(crate) async fn forget_bill(tx: &mut Tx, bill: BillId) -> CacheResult<()> {
    sqlx::query("DELETE FROM delivery WHERE bill = ?1").bind(bill.as_uuid()).execute(&mut **tx).await?;
    Ok(())
}

pub(crate) async fn forget_old(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query(
        "DELETE FROM delivery WHERE due_on < (SELECT due_on FROM delivery ORDER BY due_on DESC LIMIT 1 OFFSET ?1)",
    )
    .bind(KEPT)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps an answer together with what was answered before. What is put off anew, this device shows again; what was read
/// elsewhere, it no longer does.
pub(crate) async fn answered(tx: &mut Tx, answer: &ReminderAnswer) -> CacheResult<()> {
    let before = find_answer(tx, answer.bill, answer.due_on).await?;
    let both = before.map_or(*answer, |before| before.with(*answer));
    if before == Some(both) {
        return Ok(());
    }
    match both.snoozed_until {
        Some(until) if before.and_then(|before| before.snoozed_until) != Some(until) => {
            snooze(tx, answer.bill, answer.due_on, until).await?;
        }
        Some(_) => {}
        None => end_snooze(tx, answer.bill, answer.due_on).await?,
    }
    sqlx::query(
        "INSERT INTO reminder_answer (bill, due_on, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (bill, due_on) DO UPDATE SET body = excluded.body",
    )
    .bind(answer.bill.as_uuid())
    .bind(day_number(answer.due_on))
    .bind(to_body(&both)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn find_answer(tx: &mut Tx, bill: BillId, due_on: Date) -> CacheResult<Option<ReminderAnswer>> {
    let body: Option<String> = sqlx::query_scalar("SELECT body FROM reminder_answer WHERE bill = ?1 AND due_on = ?2")
        .bind(bill.as_uuid())
        .bind(day_number(due_on))
        .fetch_optional(&mut **tx)
        .await?;
    body.map(|body| from_body(&body)).transpose()
}

pub(crate) async fn forget_answer(tx: &mut Tx, bill: BillId, due_on: Date) -> CacheResult<()> {
    end_snooze(tx, bill, due_on).await?;
    sqlx::query("DELETE FROM reminder_answer WHERE bill = ?1 AND due_on = ?2")
        .bind(bill.as_uuid())
        .bind(day_number(due_on))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Of due dates from that day on.
pub(crate) async fn answers(db: impl Executor<'_, Database = Sqlite>, from: Date) -> CacheResult<Vec<ReminderAnswer>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM reminder_answer WHERE due_on >= ?1")
        .bind(day_number(from))
        .fetch_all(db)
        .await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// One whose end was shown already, as in a copy that is built anew, is over.
async fn snooze(tx: &mut Tx, bill: BillId, due_on: Date, until: Timestamp) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO snooze (bill, due_on, until)
         SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE bill = ?1 AND due_on = ?2 AND at >= ?3)
         ON CONFLICT (bill, due_on) DO UPDATE SET until = excluded.until",
    )
    .bind(bill.as_uuid())
    .bind(day_number(due_on))
    .bind(until.as_millisecond())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn end_snooze(tx: &mut Tx, bill: BillId, due_on: Date) -> CacheResult<()> {
    sqlx::query("DELETE FROM snooze WHERE bill = ?1 AND due_on = ?2")
        .bind(bill.as_uuid())
        .bind(day_number(due_on))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn snoozes(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<(BillId, Date, Timestamp)>> {
    let rows: Vec<(Vec<u8>, i64, i64)> = sqlx::query_as("SELECT bill, due_on, until FROM snooze").fetch_all(db).await?;
    rows.into_iter()
        .map(|(bill, due_on, until)| Ok((BillId::from_uuid(uuid_of(&bill)?), date_of(due_on)?, instant(until)?)))
        .collect()
}

fn instant(millis: i64) -> CacheResult<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|_| CacheError::Damaged)
}
