//! Rows of reminders by e-mail: who wants them, and which were put into a message.

use domain::ids::{BillId, HolderId};
use domain::reminders::{Lead, Turn};
use jiff::civil::{Date, Time};
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine, run};

/// What the person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub details: bool,
    pub remind_at: Time,
    pub zone: String,
}

pub async fn find(tx: &mut Tx, holder: HolderId) -> DbResult<Option<Kept>> {
    const FIND: &str = "SELECT details, remind_at, zone FROM email_reminders WHERE holder_id = $1";
    let row: Option<(i64, String, String)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(holder.as_uuid()).fetch_optional(db).await.map_err(DbError::from)
    })?;
    let Some((details, remind_at, zone)) = row else { return Ok(None) };
    let remind_at = remind_at.parse().map_err(|_| DbError::Corrupt("a time of day"))?;
    Ok(Some(Kept { details: details != 0, remind_at, zone }))
}

pub async fn put(tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    const PUT: &str = "INSERT INTO email_reminders (holder_id, details, remind_at, zone) VALUES ($1, $2, $3, $4)
        ON CONFLICT (holder_id) DO UPDATE SET details = excluded.details, remind_at = excluded.remind_at,
            zone = excluded.zone";
    let (details, at) = (i64::from(kept.details), kept.remind_at.to_string());
    run!(tx, PUT, holder.as_uuid(), details, at.as_str(), kept.zone.as_str()).map(drop)
}

pub async fn remove(tx: &mut Tx, holder: HolderId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM email_reminders WHERE holder_id = $1";
    run!(tx, REMOVE, holder.as_uuid()).map(drop)
}

/// Records that a reminder is said by a message, or by none since a later one stands for it. What stands there of the same
/// day stays.
pub async fn record(tx: &mut Tx, holder: HolderId, lead: &Lead, message: Option<Uuid>) -> DbResult<()> {
    const RECORD: &str = "INSERT INTO email_reminder (holder_id, bill_id, due_on, turn, message_id, moved_to)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (holder_id, bill_id, due_on, turn)
        DO UPDATE SET message_id = excluded.message_id, moved_to = excluded.moved_to
        WHERE COALESCE(email_reminder.moved_to, '') <> COALESCE(excluded.moved_to, '')";
    let (due_on, turn) = (lead.due_on.to_string(), i64::from(lead.turn.number()));
    let moved_to = Some(lead.falls_on).filter(|falls_on| *falls_on != lead.due_on).map(|day| day.to_string());
    run!(tx, RECORD, holder.as_uuid(), lead.bill.as_uuid(), due_on.as_str(), turn, message, moved_to.as_deref())
        .map(drop)
}

type LeadRow = (Uuid, String, i64, Option<String>);

fn lead((bill, due_on, turn, moved_to): LeadRow) -> DbResult<Lead> {
    let day = |text: &str| text.parse().map_err(|_| DbError::Corrupt("a day"));
    let turn = i16::try_from(turn).ok().and_then(Turn::of_number);
    Ok(Lead {
        bill: BillId::from_uuid(bill),
        due_on: day(&due_on)?,
        falls_on: day(moved_to.as_deref().unwrap_or(&due_on))?,
        turn: turn.ok_or(DbError::Corrupt("a reminder"))?,
    })
}

/// Every reminder that was recorded.
pub async fn recorded(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Lead>> {
    const ALL: &str = "SELECT bill_id, due_on, turn, moved_to FROM email_reminder WHERE holder_id = $1";
    let rows: Vec<LeadRow> =
        on_engine!(tx, |db| { sqlx::query_as(ALL).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from) })?;
    rows.into_iter().map(lead).collect()
}

/// What a message is about.
pub async fn of_message(tx: &mut Tx, holder: HolderId, message: Uuid) -> DbResult<Vec<Lead>> {
    const OF: &str = "SELECT bill_id, due_on, turn, moved_to FROM email_reminder WHERE holder_id = $1 AND message_id = $2 ORDER BY due_on, bill_id";
    let rows: Vec<LeadRow> = on_engine!(tx, |db| {
        sqlx::query_as(OF).bind(holder.as_uuid()).bind(message).fetch_all(db).await.map_err(DbError::from)
    })?;
    rows.into_iter().map(lead).collect()
}

/// Forgets due dates that are too old to be reminded, so that the table does not grow for ever.
pub async fn forget_before(tx: &mut Tx, holder: HolderId, day: Date) -> DbResult<()> {
    const FORGET: &str = "DELETE FROM email_reminder WHERE holder_id = $1 AND due_on < $2";
    let day = day.to_string();
    run!(tx, FORGET, holder.as_uuid(), day.as_str()).map(drop)
}
