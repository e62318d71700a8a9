//! Deliveries and snoozes in the cache. A delivery is recorded before it is shown: once, never twice.

use domain::ids::BillId;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::{Executor, Sqlite};

use super::{CacheError, CacheResult, Tx, date_of, day_number, uuid_of};

/// Rows older than this are forgotten.
const KEPT_DAYS: i64 = 800;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub bill: BillId,
    pub due_on: Date,
    pub lead: u8,
    pub at: Timestamp,
    /// Absent: recorded, and the process ended before it could be shown.
    pub shown_at: Option<Timestamp>,
}

/// Records that a notice is about to be shown. False: it was recorded before.
pub(crate) async fn record(tx: &mut Tx, delivery: &Delivery) -> CacheResult<bool> {
    let done = sqlx::query(
        "INSERT INTO delivery (bill, due_on, lead, at, shown_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (bill, due_on, lead) DO NOTHING",
    )
    .bind(delivery.bill.as_uuid())
    .bind(day_number(delivery.due_on))
    .bind(i64::from(delivery.lead))
    .bind(delivery.at.as_millisecond())
    .bind(delivery.shown_at.map(Timestamp::as_millisecond))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn shown(tx: &mut Tx, delivery: &Delivery, at: Timestamp) -> CacheResult<()> {
    sqlx::query("UPDATE delivery SET shown_at = ?4 WHERE bill = ?1 AND due_on = ?2 AND lead = ?3")
        .bind(delivery.bill.as_uuid())
        .bind(day_number(delivery.due_on))
        .bind(i64::from(delivery.lead))
        .bind(at.as_millisecond())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Newest first.
pub(crate) async fn deliveries(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Delivery>> {
    type Row = (Vec<u8>, i64, i64, i64, Option<i64>);
    let rows: Vec<Row> =
        sqlx::query_as("SELECT bill, due_on, lead, at, shown_at FROM delivery ORDER BY at DESC").fetch_all(db).await?;
    rows.into_iter()
        .map(|(bill, due_on, lead, at, shown_at)| {
            Ok(Delivery {
                bill: BillId::from_uuid(uuid_of(&bill)?),
                due_on: date_of(due_on)?,
                lead: u8::try_from(lead).map_err(|_| CacheError::Damaged)?,
                at: instant(at)?,
                shown_at: shown_at.map(instant).transpose()?,
            })
        })
        .collect()
}

pub(crate) async fn forget_old(tx: &mut Tx, today: Date) -> CacheResult<()> {
    sqlx::query("DELETE FROM delivery WHERE due_on < ?1")
        .bind(day_number(today) - KEPT_DAYS)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn snooze(tx: &mut Tx, bill: BillId, due_on: Date, until: Timestamp) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO snooze (bill, due_on, until) VALUES (?1, ?2, ?3)
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
