//! Rows of rails that work by files: orders, batches, files that came in, and what waits for a person.

use domain::ids::{BillerId, HolderId, PaymentId};
use domain::money::{Currency, Money};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::OF_STATUS;
use crate::db::{self, DbError, DbResult, Read, Turn, Tx, on_engine, rows};

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

fn money(minor: i64, currency: &str) -> DbResult<Money> {
    let currency: Currency = currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
    Money::new(minor, currency).map_err(|_| DbError::Corrupt("an amount"))
}

// ---- The turn ----------------------------------------------------------------------------------------------------

/// Takes the turn to work on a rail, until then; false while another node has it.
pub(super) async fn take_turn(tx: &mut Tx, rail: &str, now: Timestamp, until: Timestamp) -> DbResult<bool> {
    const ADD: &str = "INSERT INTO rail_book (rail, next_batch, next_sequence, leased_until) VALUES ($1, 1, 1, 0)
                       ON CONFLICT (rail) DO NOTHING";
    const TAKE: &str = "UPDATE rail_book SET leased_until = $3 WHERE rail = $1 AND leased_until <= $2";
    on_engine!(tx, |db| sqlx::query(ADD).bind(rail).execute(db).await.map(drop).map_err(DbError::from))?;
    let taken = on_engine!(tx, |db| {
        sqlx::query(TAKE)
            .bind(rail)
            .bind(now.as_microsecond())
            .bind(until.as_microsecond())
            .execute(db)
            .await
            .map(|done| done.rows_affected())
            .map_err(DbError::from)
    })?;
    Ok(taken == 1)
}

/// Ends the turn that was taken until then; where it was too long and is another node's by now, that one keeps it.
pub(super) async fn end_turn(tx: &mut Tx, rail: &str, until: Timestamp) -> DbResult<()> {
    const END: &str = "UPDATE rail_book SET leased_until = 0 WHERE rail = $1 AND leased_until = $2";
    on_engine!(tx, |db| {
        sqlx::query(END).bind(rail).bind(until.as_microsecond()).execute(db).await.map(drop).map_err(DbError::from)
    })
}

/// The id of the folder that the rail works in, once it has one.
pub(super) async fn folder_id(tx: &mut Tx, rail: &str) -> DbResult<Option<String>> {
    const FIND: &str = "SELECT folder_id FROM rail_book WHERE rail = $1";
    let found: Option<Option<String>> =
        on_engine!(tx, |db| { sqlx::query_scalar(FIND).bind(rail).fetch_optional(db).await.map_err(DbError::from) })?;
    Ok(found.flatten())
}

/// Notes which folder is the rail's, once.
pub(super) async fn note_folder(tx: &mut Tx, rail: &str, id: &str) -> DbResult<()> {
    const NOTE: &str = "UPDATE rail_book SET folder_id = $2 WHERE rail = $1 AND folder_id IS NULL";
    on_engine!(tx, |db| sqlx::query(NOTE).bind(rail).bind(id).execute(db).await.map(drop).map_err(DbError::from))
}

// ---- Orders ------------------------------------------------------------------------------------------------------

/// An order as its rail keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::payments::rails) struct Kept {
    pub key: String,
    pub biller: BillerId,
    pub amount: Money,
    pub payer_name: String,
    pub payer_reference: Option<String>,
    /// From then on a file takes it along.
    pub leaves_at: Timestamp,
    pub sequence: Option<u32>,
    /// What the bank's answers call it.
    pub trace: Option<String>,
    pub accepted: bool,
    pub refused: Option<String>,
    pub settled: Option<String>,
    pub returned: Option<(String, String)>,
    /// The file that carries it.
    pub batch: Option<KeptBatch>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::payments::rails) struct KeptBatch {
    pub number: i64,
    pub handed_at: Option<Timestamp>,
    pub effective_on: Date,
}

impl Kept {
    /// The bank carried it out, or sent its money back.
    pub fn has_moved(&self) -> bool {
        self.settled.is_some() || self.returned.is_some() && !self.is_taken_back()
    }

    /// The bank refused it: at once, or after it had said yes.
    pub fn was_refused(&self) -> bool {
        self.refused.is_some() || self.is_taken_back()
    }

    /// Its return is the bank's no after a yes: no money moved on the account.
    fn is_taken_back(&self) -> bool {
        self.returned.as_ref().is_some_and(|(trace, _)| trace.starts_with(OF_STATUS))
    }
}

#[derive(sqlx::FromRow)]
struct OrderRow {
    rail_key: String,
    biller_id: Uuid,
    amount_minor: i64,
    currency: String,
    payer_name: String,
    payer_reference: Option<String>,
    leaves_at: i64,
    sequence: Option<i64>,
    trace: Option<String>,
    accepted_at: Option<i64>,
    refused_code: Option<String>,
    settled_trace: Option<String>,
    returned_trace: Option<String>,
    returned_code: Option<String>,
    batch: Option<i64>,
    handed_at: Option<i64>,
    effective_on: Option<String>,
}

macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "SELECT o.rail_key, o.biller_id, o.amount_minor, o.currency, o.payer_name, o.payer_reference, o.leaves_at,
                o.sequence, o.trace, o.accepted_at, o.refused_code, o.settled_trace, o.returned_trace, o.returned_code,
                o.batch, b.handed_at, b.effective_on
             FROM rail_order o LEFT JOIN rail_batch b ON b.rail = o.rail AND b.batch = o.batch ",
            $rest
        )
    };
}

impl TryFrom<OrderRow> for Kept {
    type Error = DbError;

    fn try_from(row: OrderRow) -> DbResult<Self> {
        let batch = match (row.batch, row.effective_on) {
            (Some(number), Some(on)) => Some(KeptBatch {
                number,
                handed_at: row.handed_at.map(time).transpose()?,
                effective_on: on.parse().map_err(|_| DbError::Corrupt("a day"))?,
            }),
            _ => None,
        };
        let sequence = row.sequence.map(u32::try_from).transpose().map_err(|_| DbError::Corrupt("a sequence"))?;
        Ok(Self {
            key: row.rail_key,
            biller: BillerId::from_uuid(row.biller_id),
            amount: money(row.amount_minor, &row.currency)?,
            payer_name: row.payer_name,
            payer_reference: row.payer_reference,
            leaves_at: time(row.leaves_at)?,
            sequence,
            trace: row.trace,
            accepted: row.accepted_at.is_some(),
            refused: row.refused_code,
            settled: row.settled_trace,
            returned: row.returned_trace.zip(row.returned_code),
            batch,
        })
    }
}

/// A new order; nothing happens when it is there already.
pub(super) async fn add_order(tx: &mut Tx, rail: &str, order: &Kept, now: Timestamp) -> DbResult<()> {
    const ADD: &str = "INSERT INTO rail_order
            (rail, rail_key, biller_id, amount_minor, currency, payer_name, payer_reference, received_at, leaves_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (rail, rail_key) DO NOTHING";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(rail)
            .bind(&order.key)
            .bind(order.biller.as_uuid())
            .bind(order.amount.minor())
            .bind(order.amount.currency().code())
            .bind(&order.payer_name)
            .bind(&order.payer_reference)
            .bind(now.as_microsecond())
            .bind(order.leaves_at.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

pub(super) async fn find_order(tx: &mut Tx, rail: &str, key: &str) -> DbResult<Option<Kept>> {
    const FIND: &str = orders!("WHERE o.rail = $1 AND o.rail_key = $2");
    let row: Option<OrderRow> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(rail).bind(key).fetch_optional(db).await.map_err(DbError::from)
    })?;
    row.map(Kept::try_from).transpose()
}

/// The newest order that a bank's answers call so: trace numbers begin anew after ten million.
pub(super) async fn find_traced(tx: &mut Tx, rail: &str, trace: &str) -> DbResult<Option<Kept>> {
    const FIND: &str = orders!("WHERE o.rail = $1 AND o.trace = $2 ORDER BY o.batch DESC LIMIT 1");
    let row: Option<OrderRow> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(rail).bind(trace).fetch_optional(db).await.map_err(DbError::from)
    })?;
    row.map(Kept::try_from).transpose()
}

/// The orders of a batch, as its file lists them.
pub(super) async fn batch_orders(tx: &mut Tx, rail: &str, batch: i64) -> DbResult<Vec<Kept>> {
    const LIST: &str = orders!("WHERE o.rail = $1 AND o.batch = $2 ORDER BY o.sequence");
    let rows: Vec<OrderRow> = rows!(tx, LIST, rail, batch)?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// The orders of a file, as it lists them; none when no file of that name was made.
pub(super) async fn file_orders(tx: &mut Tx, rail: &str, file_name: &str) -> DbResult<Vec<Kept>> {
    const LIST: &str = orders!("WHERE b.rail = $1 AND b.file_name = $2 ORDER BY o.sequence");
    let rows: Vec<OrderRow> = rows!(tx, LIST, rail, file_name)?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// The orders that the next file takes along, in a fixed order.
pub(super) async fn due_orders(tx: &mut Tx, rail: &str, now: Timestamp, limit: i64) -> DbResult<Vec<String>> {
    const DUE: &str = "SELECT rail_key FROM rail_order
        WHERE rail = $1 AND batch IS NULL AND refused_code IS NULL AND leaves_at <= $2
        ORDER BY leaves_at, received_at, rail_key LIMIT $3";
    on_engine!(tx, |db| {
        sqlx::query_scalar(DUE)
            .bind(rail)
            .bind(now.as_microsecond())
            .bind(limit)
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })
}

/// What the bank says of an order; each is written once and never taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Accepted,
    Refused { code: &'a str },
    Settled { trace: &'a str },
    Returned { trace: &'a str, code: &'a str },
}

pub(super) async fn note(tx: &mut Tx, rail: &str, key: &str, said: Said<'_>, now: Timestamp) -> DbResult<()> {
    const ACCEPTED: &str = "UPDATE rail_order SET accepted_at = COALESCE(accepted_at, $3)
                             WHERE rail = $1 AND rail_key = $2";
    const REFUSED: &str = "UPDATE rail_order SET refused_code = $4
                            WHERE rail = $1 AND rail_key = $2 AND refused_code IS NULL AND $3 > 0";
    const SETTLED: &str = "UPDATE rail_order SET settled_trace = $4, settled_at = $3,
            accepted_at = COALESCE(accepted_at, $3)
        WHERE rail = $1 AND rail_key = $2 AND settled_trace IS NULL";
    const RETURNED: &str = "UPDATE rail_order SET returned_trace = $4, returned_at = $3, returned_code = $5,
            accepted_at = COALESCE(accepted_at, $3)
        WHERE rail = $1 AND rail_key = $2 AND returned_trace IS NULL";
    let (sql, first, second) = match said {
        Said::Accepted => (ACCEPTED, None, None),
        Said::Refused { code } => (REFUSED, Some(code), None),
        Said::Settled { trace } => (SETTLED, Some(trace), None),
        Said::Returned { trace, code } => (RETURNED, Some(trace), Some(code)),
    };
    on_engine!(tx, |db| {
        let mut query = sqlx::query(sql).bind(rail).bind(key).bind(now.as_microsecond());
        for text in [first, second].into_iter().flatten() {
            query = query.bind(text);
        }
        query.execute(db).await.map(drop).map_err(DbError::from)
    })
}

// ---- Batches -----------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchState {
    /// Its orders are chosen.
    Closed,
    /// Its file stands beside the outbox.
    Staged,
    /// Its file was put into the outbox.
    Handed,
    /// Its file cannot be made; a person has to look.
    Stuck,
}

impl BatchState {
    const ALL: [Self; 4] = [Self::Closed, Self::Staged, Self::Handed, Self::Stuck];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Staged => "staged",
            Self::Handed => "handed",
            Self::Stuck => "stuck",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub number: i64,
    pub state: BatchState,
    pub file_name: String,
    pub made_at: Timestamp,
    /// How many files of this rail were made that day before it.
    pub of_day: i64,
    pub effective_on: Date,
    pub orders: i64,
}

type BatchRow = (i64, String, String, i64, i64, String, i64);

fn batch(row: BatchRow) -> DbResult<Batch> {
    let (number, state, file_name, made_at, of_day, effective_on, orders) = row;
    let state = BatchState::ALL.into_iter().find(|known| known.name() == state);
    Ok(Batch {
        number,
        state: state.ok_or(DbError::Corrupt("a batch's state"))?,
        file_name,
        made_at: time(made_at)?,
        of_day,
        effective_on: effective_on.parse().map_err(|_| DbError::Corrupt("a day"))?,
        orders,
    })
}

/// The batches whose files were not handed over, oldest first.
pub(super) async fn open_batches(tx: &mut Tx, rail: &str) -> DbResult<Vec<Batch>> {
    const LIST: &str = "SELECT batch, state, file_name, made_at, of_day, effective_on, orders FROM rail_batch
                         WHERE rail = $1 AND state IN ('closed', 'staged') ORDER BY batch";
    let rows: Vec<BatchRow> =
        on_engine!(tx, |db| sqlx::query_as(LIST).bind(rail).fetch_all(db).await.map_err(DbError::from))?;
    rows.into_iter().map(batch).collect()
}

pub(super) async fn last_batches(tx: &mut Tx, rail: &str, limit: i64) -> DbResult<Vec<Batch>> {
    const LIST: &str = "SELECT batch, state, file_name, made_at, of_day, effective_on, orders FROM rail_batch
                         WHERE rail = $1 ORDER BY batch DESC LIMIT $2";
    let rows: Vec<BatchRow> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(rail).bind(limit).fetch_all(db).await.map_err(DbError::from)
    })?;
    rows.into_iter().map(batch).collect()
}

/// The digest of a batch's file, once it was written.
pub(super) async fn digest_of(tx: &mut Tx, rail: &str, batch: i64) -> DbResult<Option<String>> {
    const FIND: &str = "SELECT digest FROM rail_batch WHERE rail = $1 AND batch = $2";
    let found: Option<Option<String>> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND).bind(rail).bind(batch).fetch_optional(db).await.map_err(DbError::from)
    })?;
    Ok(found.flatten())
}

/// How many files were made since then.
pub(super) async fn made_since(tx: &mut Tx, rail: &str, since: Timestamp) -> DbResult<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM rail_batch WHERE rail = $1 AND made_at >= $2";
    on_engine!(tx, |db| {
        sqlx::query_scalar(COUNT).bind(rail).bind(since.as_microsecond()).fetch_one(db).await.map_err(DbError::from)
    })
}

/// The numbers that the next batch and its first order get.
pub(super) async fn next_numbers(tx: &mut Tx, rail: &str) -> DbResult<(i64, i64)> {
    const FIND: &str = "SELECT next_batch, next_sequence FROM rail_book WHERE rail = $1";
    on_engine!(tx, |db| sqlx::query_as(FIND).bind(rail).fetch_one(db).await.map_err(DbError::from))
}

pub(super) async fn add_batch(tx: &mut Tx, rail: &str, batch: &Batch, next_sequence: i64) -> DbResult<()> {
    const ADD: &str = "INSERT INTO rail_batch (rail, batch, state, file_name, made_at, of_day, effective_on, orders)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    const NEXT: &str = "UPDATE rail_book SET next_batch = $2, next_sequence = $3 WHERE rail = $1";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(rail)
            .bind(batch.number)
            .bind(batch.state.name())
            .bind(&batch.file_name)
            .bind(batch.made_at.as_microsecond())
            .bind(batch.of_day)
            .bind(batch.effective_on.to_string())
            .bind(batch.orders)
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })?;
    on_engine!(tx, |db| {
        sqlx::query(NEXT)
            .bind(rail)
            .bind(batch.number + 1)
            .bind(next_sequence)
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// Gives an order its place in a batch, once.
pub(super) async fn place(tx: &mut Tx, rail: &str, key: &str, batch: i64, sequence: u32, trace: &str) -> DbResult<()> {
    const PLACE: &str = "UPDATE rail_order SET batch = $3, sequence = $4, trace = $5
                          WHERE rail = $1 AND rail_key = $2 AND batch IS NULL";
    let placed = on_engine!(tx, |db| {
        sqlx::query(PLACE)
            .bind(rail)
            .bind(key)
            .bind(batch)
            .bind(i64::from(sequence))
            .bind(trace)
            .execute(db)
            .await
            .map(|done| done.rows_affected())
            .map_err(DbError::from)
    })?;
    if placed == 1 { Ok(()) } else { Err(DbError::Conflict) }
}

/// Takes a batch a step on; false when it is not in that state any more.
pub(super) async fn step_batch(
    tx: &mut Tx,
    rail: &str,
    batch: i64,
    (from, to): (BatchState, BatchState),
    digest: Option<&str>,
    now: Timestamp,
) -> DbResult<bool> {
    const STEP: &str = "UPDATE rail_batch SET state = $4, digest = COALESCE($5, digest),
            handed_at = CASE WHEN $4 = 'handed' THEN $6 ELSE handed_at END
        WHERE rail = $1 AND batch = $2 AND state = $3";
    let taken = on_engine!(tx, |db| {
        sqlx::query(STEP)
            .bind(rail)
            .bind(batch)
            .bind(from.name())
            .bind(to.name())
            .bind(digest)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(|done| done.rows_affected())
            .map_err(DbError::from)
    })?;
    Ok(taken == 1)
}

/// Orders whose file was handed over before then and that the bank has not answered at all.
pub(super) async fn unanswered(tx: &mut Tx, rail: &str, handed_before: Timestamp, limit: i64) -> DbResult<Vec<String>> {
    const LIST: &str = "SELECT o.rail_key FROM rail_order o JOIN rail_batch b ON b.rail = o.rail AND b.batch = o.batch
        WHERE o.rail = $1 AND b.handed_at < $2 AND o.settled_trace IS NULL AND o.refused_code IS NULL
          AND o.returned_trace IS NULL
          AND NOT EXISTS (SELECT 1 FROM rail_exception e WHERE e.rail = o.rail AND e.about = 'silent ' || o.rail_key)
        ORDER BY o.batch, o.sequence LIMIT $3";
    on_engine!(tx, |db| {
        sqlx::query_scalar(LIST)
            .bind(rail)
            .bind(handed_before.as_microsecond())
            .bind(limit)
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })
}

// ---- Files that came in ------------------------------------------------------------------------------------------

/// Notes a file; false when the same bytes were taken in before, to their end.
pub(super) async fn begin_file(tx: &mut Tx, rail: &str, digest: &str, name: &str, now: Timestamp) -> DbResult<bool> {
    const ADD: &str = "INSERT INTO rail_file (rail, digest, name, seen_at, records, exceptions)
        VALUES ($1, $2, $3, $4, 0, 0) ON CONFLICT (rail, digest) DO NOTHING";
    const TAKEN: &str = "SELECT COUNT(*) FROM rail_file WHERE rail = $1 AND digest = $2 AND taken_at IS NOT NULL";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(rail)
            .bind(digest)
            .bind(name)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })?;
    let taken: i64 = on_engine!(tx, |db| {
        sqlx::query_scalar(TAKEN).bind(rail).bind(digest).fetch_one(db).await.map_err(DbError::from)
    })?;
    Ok(taken == 0)
}

pub(super) async fn end_file(
    tx: &mut Tx,
    rail: &str,
    digest: &str,
    records: i64,
    exceptions: i64,
    now: Timestamp,
) -> DbResult<()> {
    const END: &str = "UPDATE rail_file SET taken_at = $5, records = $3, exceptions = $4
                        WHERE rail = $1 AND digest = $2 AND taken_at IS NULL";
    on_engine!(tx, |db| {
        sqlx::query(END)
            .bind(rail)
            .bind(digest)
            .bind(records)
            .bind(exceptions)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

// ---- The exception queue -----------------------------------------------------------------------------------------

/// Something for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Raised<'a> {
    /// The same for the same thing, however often it is seen.
    pub about: String,
    pub kind: &'static str,
    pub file_name: Option<&'a str>,
    pub line: Option<u32>,
    pub code: Option<&'a str>,
    pub key: Option<&'a str>,
    pub amount: Option<Money>,
    /// What is wrong and what to do, without names and numbers.
    pub words: &'a str,
}

/// Puts it into the queue and gives its number; `None` when it is there already. Two at once wait for each other: all
/// holders that they lock are locked before.
pub(super) async fn raise(
    tx: &mut Tx,
    rail: &str,
    raised: &Raised<'_>,
    now: Timestamp,
    due_on: Date,
) -> DbResult<Option<i64>> {
    const RAISE: &str = "INSERT INTO rail_exception
            (rail, number, about, kind, file_name, line, code, rail_key, amount_minor, currency, words, raised_at, due_on)
        VALUES ($1, (SELECT COALESCE(MAX(e.number), 0) + 1 FROM rail_exception e WHERE e.rail = $1),
            $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (rail, about) DO NOTHING RETURNING number";
    let currency = raised.amount.map(Money::currency);
    tx.take_turn(Turn::RailException).await?;
    on_engine!(tx, |db| {
        sqlx::query_scalar(RAISE)
            .bind(rail)
            .bind(&raised.about)
            .bind(raised.kind)
            .bind(raised.file_name)
            .bind(raised.line.map(i64::from))
            .bind(raised.code)
            .bind(raised.key)
            .bind(raised.amount.map(Money::minor))
            .bind(currency.as_ref().map(Currency::code))
            .bind(raised.words)
            .bind(now.as_microsecond())
            .bind(due_on.to_string())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })
}

/// One entry of the queue, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub rail: String,
    pub number: i64,
    pub kind: String,
    pub file_name: Option<String>,
    pub line: Option<i64>,
    pub code: Option<String>,
    pub amount: Option<Money>,
    pub words: String,
    pub raised_at: Timestamp,
    /// It is answered, or somebody's, by then.
    pub due_on: Date,
    /// The payment that it is about.
    pub payment: Option<PaymentId>,
}

#[derive(sqlx::FromRow)]
struct ExceptionRow {
    rail: String,
    number: i64,
    kind: String,
    file_name: Option<String>,
    line: Option<i64>,
    code: Option<String>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    words: String,
    raised_at: i64,
    due_on: String,
    payment_id: Option<Uuid>,
}

/// What nobody has resolved, oldest first.
pub(super) async fn open_exceptions(tx: &mut Tx, limit: i64) -> DbResult<Vec<Exception>> {
    const LIST: &str = "SELECT e.rail, e.number, e.kind, e.file_name, e.line, e.code, e.amount_minor, e.currency,
            e.words, e.raised_at, e.due_on, p.payment_id
        FROM rail_exception e LEFT JOIN payment p ON p.rail_key = e.rail_key
        WHERE e.resolved_at IS NULL ORDER BY e.raised_at, e.rail, e.number LIMIT $1";
    let rows: Vec<ExceptionRow> =
        on_engine!(tx, |db| sqlx::query_as(LIST).bind(limit).fetch_all(db).await.map_err(DbError::from))?;
    let read = |row: ExceptionRow| {
        let amount = row.amount_minor.zip(row.currency).map(|(minor, currency)| money(minor, &currency));
        Ok(Exception {
            rail: row.rail,
            number: row.number,
            kind: row.kind,
            file_name: row.file_name,
            line: row.line,
            code: row.code,
            amount: amount.transpose()?,
            words: row.words,
            raised_at: time(row.raised_at)?,
            due_on: row.due_on.parse().map_err(|_| DbError::Corrupt("a day"))?,
            payment: row.payment_id.map(PaymentId::from_uuid),
        })
    };
    rows.into_iter().map(read).collect()
}

/// Somebody says what was done; false when there is no such open entry.
pub(super) async fn resolve(tx: &mut Tx, rail: &str, number: i64, note: &str, now: Timestamp) -> DbResult<bool> {
    const RESOLVE: &str = "UPDATE rail_exception SET resolved_at = $3, note = $4
                            WHERE rail = $1 AND number = $2 AND resolved_at IS NULL";
    // A file that could not be made is tried again.
    const AGAIN: &str = "UPDATE rail_batch SET state = 'closed' WHERE rail = $1 AND state = 'stuck' AND file_name IN
        (SELECT e.file_name FROM rail_exception e WHERE e.rail = $1 AND e.number = $2 AND e.kind = 'file_stuck')";
    const LIFT: &str = "UPDATE rail_stop SET lifted_at = $3 WHERE rail = $1 AND exception = $2 AND lifted_at IS NULL";
    let resolved = on_engine!(tx, |db| {
        sqlx::query(RESOLVE)
            .bind(rail)
            .bind(number)
            .bind(now.as_microsecond())
            .bind(note)
            .execute(db)
            .await
            .map(|done| done.rows_affected())
            .map_err(DbError::from)
    })?;
    on_engine!(tx, |db| {
        sqlx::query(LIFT)
            .bind(rail)
            .bind(number)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })?;
    on_engine!(tx, |db| {
        sqlx::query(AGAIN).bind(rail).bind(number).execute(db).await.map(drop).map_err(DbError::from)
    })?;
    Ok(resolved == 1)
}

// ---- Payees that nothing goes to ---------------------------------------------------------------------------------

/// An id of zeros: for every account.
fn everyone() -> Uuid {
    Uuid::nil()
}

/// From now on nothing goes to this payee: of one account, or of all.
pub(super) async fn stop(
    tx: &mut Tx,
    rail: &str,
    biller: BillerId,
    holder: Option<HolderId>,
    (class, code): (&str, &str),
    exception: i64,
    now: Timestamp,
) -> DbResult<()> {
    const STOP: &str = "INSERT INTO rail_stop (rail, biller_id, holder_id, class, code, exception, since)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    on_engine!(tx, |db| {
        sqlx::query(STOP)
            .bind(rail)
            .bind(biller.as_uuid())
            .bind(holder.map_or_else(everyone, |holder| holder.as_uuid()))
            .bind(class)
            .bind(code)
            .bind(exception)
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// Whether nothing goes to this payee on this rail.
pub(super) fn is_stopped(rail: &str, holder: HolderId, biller: BillerId) -> impl Read<Answer = bool> + use<> {
    const COUNT: &str = "SELECT COUNT(*) FROM rail_stop
        WHERE rail = $1 AND biller_id = $2 AND holder_id IN ($3, $4) AND lifted_at IS NULL";
    let values = [rail.into(), biller.as_uuid().into(), holder.as_uuid().into(), everyone().into()];
    db::read_row(COUNT, values, |stops: Option<(i64,)>| Ok(stops.is_some_and(|(stops,)| stops > 0)))
}

// ---- What is counted ---------------------------------------------------------------------------------------------

/// How many orders left since then, and how many of them came back with which code.
pub(super) async fn returns_since(tx: &mut Tx, rail: &str, since: Timestamp) -> DbResult<(i64, Vec<(String, i64)>)> {
    const SENT: &str = "SELECT COUNT(*) FROM rail_order o JOIN rail_batch b ON b.rail = o.rail AND b.batch = o.batch
                         WHERE o.rail = $1 AND b.handed_at >= $2";
    const BACK: &str = "SELECT returned_code, COUNT(*) FROM rail_order
        WHERE rail = $1 AND returned_at >= $2 AND returned_code IS NOT NULL GROUP BY returned_code ORDER BY returned_code";
    let since = since.as_microsecond();
    let sent: i64 = on_engine!(tx, |db| {
        sqlx::query_scalar(SENT).bind(rail).bind(since).fetch_one(db).await.map_err(DbError::from)
    })?;
    let back = on_engine!(tx, |db| {
        sqlx::query_as(BACK).bind(rail).bind(since).fetch_all(db).await.map_err(DbError::from)
    })?;
    Ok((sent, back))
}

/// How many orders wait for a file, and how many entries of the queue are open and how many of those are overdue.
pub(super) async fn counts(tx: &mut Tx, rail: &str, today: Date) -> DbResult<(i64, i64, i64)> {
    const COUNTS: &str = "SELECT
        (SELECT COUNT(*) FROM rail_order WHERE rail = $1 AND batch IS NULL AND refused_code IS NULL),
        (SELECT COUNT(*) FROM rail_exception WHERE rail = $1 AND resolved_at IS NULL),
        (SELECT COUNT(*) FROM rail_exception WHERE rail = $1 AND resolved_at IS NULL AND due_on < $2)";
    on_engine!(tx, |db| {
        sqlx::query_as(COUNTS).bind(rail).bind(today.to_string()).fetch_one(db).await.map_err(DbError::from)
    })
}

// ---- Payments ----------------------------------------------------------------------------------------------------

/// The payment that a rail knows by this key.
pub(super) async fn payment_of(tx: &mut Tx, key: &str) -> DbResult<Option<(HolderId, PaymentId)>> {
    const FIND: &str = "SELECT holder_id, payment_id FROM payment WHERE rail_key = $1";
    let row: Option<(Uuid, Uuid)> =
        on_engine!(tx, |db| sqlx::query_as(FIND).bind(key).fetch_optional(db).await.map_err(DbError::from))?;
    Ok(row.map(|(holder, payment)| (HolderId::from_uuid(holder), PaymentId::from_uuid(payment))))
}
