//! Rows of statements, and of what the ledger moved on a card.

use domain::accounts::Transaction;
use domain::ids::{AccountId, DisputeId, EntryId, HolderId, PurchaseId, StatementId};
use domain::money::{Currency, Money};
use domain::statements::StatementSummary;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, write_later};

/// A list never holds more of one person: ten years of five cards.
const LISTED_MAX: i64 = 600;

/// A statement as it is made.
pub(super) struct Made<'a> {
    pub id: StatementId,
    pub number: u32,
    pub summary: &'a StatementSummary,
    pub lines: &'a [Transaction],
    /// The first moment that is not of its cycle any more.
    pub closed_at: Timestamp,
    pub made_at: Timestamp,
}

fn text_of(value: &impl Serialize) -> DbResult<String> {
    serde_json::to_string(value).map_err(|_| DbError::Corrupt("a statement that does not serialise"))
}

fn read<T: DeserializeOwned>(text: &str) -> DbResult<T> {
    serde_json::from_str(text).map_err(|_| DbError::Corrupt("a statement"))
}

/// Adds a statement; the table refuses a second one of the same cycle.
pub(super) async fn add(tx: &mut Tx, holder: HolderId, made: &Made<'_>) -> DbResult<()> {
    const ADD: &str = "INSERT INTO statement (holder_id, card_id, number, statement_id, first_on, closed_on, closed_at,
            opening_minor, closing_minor, currency, figures, lines, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let (figures, lines) = (text_of(made.summary)?, text_of(&made.lines)?);
    let summary = made.summary;
    write_later!(
        tx,
        ADD,
        holder.as_uuid(),
        summary.account.as_uuid(),
        i64::from(made.number),
        made.id.as_uuid(),
        summary.opened_on.to_string(),
        summary.closed_on.to_string(),
        made.closed_at.as_microsecond(),
        summary.opening.negated().minor(),
        summary.closing.negated().minor(),
        summary.closing.currency().code(),
        figures,
        lines,
        made.made_at.as_microsecond(),
    )
}

/// The newest statement of a card.
pub(crate) struct Last {
    pub summary: StatementSummary,
    /// The first moment that is not of its cycle any more, by the days that counted when it was made.
    pub closed_at: Timestamp,
}

type LastRow = (String, i64);

fn last_of((figures, closed_at): LastRow) -> DbResult<Last> {
    let closed_at = Timestamp::from_microsecond(closed_at).map_err(|_| DbError::Corrupt("a time"))?;
    Ok(Last { summary: read(&figures)?, closed_at })
}

pub(crate) fn last(holder: HolderId, card: AccountId) -> impl Read<Answer = Option<Last>> {
    const LAST: &str =
        "SELECT figures, closed_at FROM statement WHERE holder_id = $1 AND card_id = $2 ORDER BY number DESC LIMIT 1";
    db::read_row(LAST, [holder.as_uuid().into(), card.as_uuid().into()], |row| row.map(last_of).transpose())
}

/// Those of a card, oldest first: the one before a moment, and those that closed after it.
pub(super) fn since(holder: HolderId, card: AccountId, at: Timestamp) -> impl Read<Answer = Vec<Last>> + use<> {
    const LIST: &str = "SELECT figures, closed_at FROM statement WHERE holder_id = $1 AND card_id = $2
          AND number >= COALESCE((SELECT MAX(number) FROM statement
                WHERE holder_id = $1 AND card_id = $2 AND closed_at <= $3), 0)
        ORDER BY number LIMIT $4";
    let values = [holder.as_uuid().into(), card.as_uuid().into(), at.as_microsecond().into(), LISTED_MAX.into()];
    db::read_rows(LIST, values, |rows: Vec<LastRow>| rows.into_iter().map(last_of).collect())
}

/// What the statements of a holder say, newest first.
pub(super) async fn list(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<StatementSummary>> {
    const LIST: &str = "SELECT figures FROM statement WHERE holder_id = $1 ORDER BY closed_on DESC, card_id LIMIT $2";
    let rows: Vec<String> = on_engine!(tx, |db| {
        sqlx::query_scalar(LIST).bind(holder.as_uuid()).bind(LISTED_MAX).fetch_all(db).await.map_err(DbError::from)
    })?;
    rows.iter().map(|figures| read(figures)).collect()
}

/// The statement of a cycle, with its lines.
pub(super) async fn find(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    closed_on: Date,
) -> DbResult<Option<(StatementSummary, Vec<Transaction>)>> {
    const FIND: &str = "SELECT figures, lines FROM statement WHERE holder_id = $1 AND card_id = $2 AND closed_on = $3";
    let row: Option<(String, String)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND)
            .bind(holder.as_uuid())
            .bind(card.as_uuid())
            .bind(closed_on.to_string())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    row.map(|(figures, lines)| Ok((read(&figures)?, read(&lines)?))).transpose()
}

/// What one entry of the ledger did to what a card owes.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub entry: EntryId,
    pub cause: String,
    /// What made it: by its cause a step of a purchase, a payment, or a dispute.
    pub subject: Uuid,
    pub purchase: Option<PurchaseId>,
    /// What is owed more is positive.
    pub amount: Money,
    pub at: Timestamp,
    /// It is what a dispute that its person took back gave back before: which, and when it was opened.
    withdrawn: Option<(DisputeId, Timestamp)>,
    /// Of a purchase: who sold, and what.
    pub merchant: Option<String>,
    pub about: Option<String>,
}

#[derive(sqlx::FromRow)]
struct MovedRow {
    entry_id: Uuid,
    cause: String,
    subject_id: Uuid,
    purchase_id: Option<Uuid>,
    amount_minor: i64,
    made_at: i64,
    merchant_name: Option<String>,
    description: Option<String>,
    dispute_id: Option<Uuid>,
    state: Option<String>,
    opened_at: Option<i64>,
}

impl MovedRow {
    fn withdrawn(&self) -> DbResult<Option<(DisputeId, Timestamp)>> {
        match (self.dispute_id, self.opened_at, self.state.as_deref()) {
            (Some(id), Some(opened_at), Some("withdrawn")) if self.cause == "dispute_restored" => {
                let opened_at = Timestamp::from_microsecond(opened_at).map_err(|_| DbError::Corrupt("a time"))?;
                Ok(Some((DisputeId::from_uuid(id), opened_at)))
            }
            _ => Ok(None),
        }
    }
}

impl Moved {
    /// The dispute that was opened and taken back in a cycle that began then, whose credit this ends as if it had never been.
    pub(super) fn undoes(&self, from: Timestamp) -> Option<DisputeId> {
        self.withdrawn.filter(|(_, opened_at)| *opened_at >= from).map(|(dispute, _)| dispute)
    }
}

/// What moved on a card from one moment until before another, in order, without what statements charged themselves.
/// Entry ids begin with their time, so the rows between are read along the key.
pub(super) fn moved(
    holder: HolderId,
    card: AccountId,
    currency: Currency,
    (from, until): (Timestamp, Timestamp),
) -> impl Read<Answer = Vec<Moved>> + use<> {
    const MOVED: &str =
        "SELECT e.entry_id, e.cause, e.subject_id, u.purchase_id, p.amount_minor, e.made_at, u.merchant_name,
            u.description, d.dispute_id, d.state, d.opened_at
        FROM ledger_posting p
        JOIN ledger_entry e ON e.holder_id = p.holder_id AND e.entry_id = p.entry_id
        LEFT JOIN purchase_step s ON s.holder_id = e.holder_id AND s.step_id = e.subject_id
        LEFT JOIN dispute d ON d.holder_id = e.holder_id AND d.dispute_id = e.subject_id
            AND e.cause IN ('dispute_credited', 'dispute_restored', 'interest_credited', 'late_fee_credited')
        LEFT JOIN purchase u ON u.holder_id = e.holder_id AND u.purchase_id = COALESCE(s.purchase_id, d.purchase_id)
        WHERE p.holder_id = $1 AND p.entry_id >= $3 AND p.entry_id < $4 AND p.account_id = $2 AND p.place = 'owed'
          AND e.made_at >= $5 AND e.made_at < $6 AND e.cause NOT IN ('interest', 'late_fee')
        ORDER BY p.entry_id, p.position";
    // An id holds whole milliseconds: the one after the last is taken with it, and the times decide.
    let (first, last) = (EntryId::new(from, [0; 10]), EntryId::new(until, [255; 10]));
    let read = move |row: MovedRow| {
        Ok(Moved {
            withdrawn: row.withdrawn()?,
            entry: EntryId::from_uuid(row.entry_id),
            cause: row.cause,
            subject: row.subject_id,
            purchase: row.purchase_id.map(PurchaseId::from_uuid),
            amount: Money::new(row.amount_minor, currency).map_err(|_| DbError::Corrupt("an amount"))?,
            at: Timestamp::from_microsecond(row.made_at).map_err(|_| DbError::Corrupt("a time"))?,
            merchant: row.merchant_name,
            about: row.description,
        })
    };
    let values = [
        holder.as_uuid().into(),
        card.as_uuid().into(),
        first.as_uuid().into(),
        last.as_uuid().into(),
        from.as_microsecond().into(),
        until.as_microsecond().into(),
    ];
    db::read_rows(MOVED, values, move |rows| rows.into_iter().map(read).collect())
}

/// Tries to change what must not change.
#[cfg(test)]
pub(super) async fn try_to(tx: &mut Tx, statement: &'static str) -> DbResult<()> {
    on_engine!(tx, |db| sqlx::query(statement).execute(db).await.map(drop).map_err(DbError::from))
}
