//! Bills, marks, payments, billers and statements in the cache.

use domain::billers::{Biller, Directory, OwnBiller};
use domain::bills::{Bill, Mark, PaymentOf};
use domain::ids::{AccountId, BillId, BillerId, PaymentId};
use domain::payments::PaymentOrder;
use domain::statements::StatementSummary;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::{Executor, Row as _, Sqlite, SqliteConnection};

use super::{CacheError, CacheResult, Tx, day_number, from_body, state, to_body, uuid_of};

// ---- Bills ------------------------------------------------------------------------------------------------------

pub(crate) async fn put_bill(tx: &mut Tx, bill: &Bill) -> CacheResult<()> {
    sqlx::query("INSERT INTO bill (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body")
        .bind(bill.id.as_uuid())
        .bind(to_body(bill)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn remove_bill(tx: &mut Tx, id: BillId) -> CacheResult<()> {
    for sql in [
        "DELETE FROM bill WHERE id = ?1",
        "DELETE FROM mark WHERE bill = ?1",
        "DELETE FROM snooze WHERE bill = ?1",
        "DELETE FROM reminder_answer WHERE bill = ?1",
    ] {
        sqlx::query(sql).bind(id.as_uuid()).execute(&mut **tx).await?;
    }
    Ok(())
}

pub(crate) async fn find_bill(db: impl Executor<'_, Database = Sqlite>, id: BillId) -> CacheResult<Option<Bill>> {
    let body: Option<String> =
        sqlx::query_scalar("SELECT body FROM bill WHERE id = ?1").bind(id.as_uuid()).fetch_optional(db).await?;
    body.map(|body| from_body(&body)).transpose()
}

pub(crate) async fn all_bills(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Bill>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM bill").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

// ---- Marks ------------------------------------------------------------------------------------------------------

/// A mark that says nothing is not kept.
pub(crate) async fn put_mark(tx: &mut Tx, mark: &Mark) -> CacheResult<()> {
    if mark.is_blank() {
        return remove_mark(tx, mark.bill, mark.due_on).await;
    }
    sqlx::query(
        "INSERT INTO mark (bill, due_on, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (bill, due_on) DO UPDATE SET body = excluded.body",
    )
    .bind(mark.bill.as_uuid())
    .bind(day_number(mark.due_on))
    .bind(to_body(mark)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn remove_mark(tx: &mut Tx, bill: BillId, due_on: Date) -> CacheResult<()> {
    sqlx::query("DELETE FROM mark WHERE bill = ?1 AND due_on = ?2")
        .bind(bill.as_uuid())
        .bind(day_number(due_on))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn find_mark(
    db: impl Executor<'_, Database = Sqlite>,
    bill: BillId,
    due_on: Date,
) -> CacheResult<Option<Mark>> {
    let body: Option<String> = sqlx::query_scalar("SELECT body FROM mark WHERE bill = ?1 AND due_on = ?2")
        .bind(bill.as_uuid())
        .bind(day_number(due_on))
        .fetch_optional(db)
        .await?;
    body.map(|body| from_body(&body)).transpose()
}

pub(crate) async fn all_marks(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Mark>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM mark").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

// ---- Payments ---------------------------------------------------------------------------------------------------

/// A payment as this device knows it.
#[derive(Clone, Debug)]
pub(crate) struct PaymentRow {
    pub order: PaymentOrder,
    pub made_at: Timestamp,
    /// What the server says; absent until it has answered.
    pub answer: Option<api::payments::Payment>,
    /// Why the server did not take the order; [`TAKEN_BACK`] or [`DAY_PASSED`] when it was never asked.
    pub refused: Option<String>,
}

/// Refusal of an order that the person took back before it left this device.
pub(crate) const TAKEN_BACK: &str = "cancelled";
/// The same of one that waited here until the day that was agreed had passed.
pub(crate) const DAY_PASSED: &str = "day_passed";

impl PaymentRow {
    /// What it means for its occurrence; `None` for orders that came to nothing, or pay no bill.
    pub fn means(&self) -> Option<(BillId, PaymentOf)> {
        Some((self.order.bill?, self.of_date(self.order.due_on?)?))
    }

    /// What it means for this card of the server, which it pays itself and not a bill.
    pub fn means_for_card(&self, payee: BillerId) -> Option<PaymentOf> {
        let pays = self.order.biller == payee && self.order.bill.is_none();
        pays.then(|| self.of_date(self.order.due_on.unwrap_or_default())).flatten()
    }

    fn of_date(&self, due_on: Date) -> Option<PaymentOf> {
        self.refused.is_none().then(|| PaymentOf {
            id: self.order.id,
            due_on,
            amount: self.order.amount,
            state: self.answer.as_ref().map(|answer| answer.state),
            sends_on: self.answer.as_ref().map_or(self.order.send_on, |answer| Some(answer.will_process_on)),
        })
    }
}

pub(crate) async fn put_order(tx: &mut Tx, order: &PaymentOrder, made_at: Timestamp) -> CacheResult<()> {
    insert_payment(tx, order, made_at, None).await
}

/// The server's word: it replaces whatever was thought here.
pub(crate) async fn put_payment(tx: &mut Tx, payment: &api::payments::Payment) -> CacheResult<()> {
    let made_at = payment.history.first().map_or(payment.cutoff_at, |step| step.at);
    insert_payment(tx, &payment.order, made_at, Some(payment)).await
}

async fn insert_payment(
    tx: &mut Tx,
    order: &PaymentOrder,
    made_at: Timestamp,
    answer: Option<&api::payments::Payment>,
) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO payment (id, made_at, bill, due_on, orders, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET body = coalesce(excluded.body, body),
            orders = CASE WHEN excluded.body IS NULL THEN orders ELSE excluded.orders END,
            refused = CASE WHEN excluded.body IS NULL THEN refused END",
    )
    .bind(order.id.as_uuid())
    .bind(made_at.as_millisecond())
    .bind(order.bill.map(|bill| bill.as_uuid()))
    .bind(order.due_on.map(day_number))
    .bind(to_body(order)?)
    .bind(answer.map(to_body).transpose()?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn refuse_payment(tx: &mut Tx, id: PaymentId, reason: &str) -> CacheResult<()> {
    sqlx::query("UPDATE payment SET refused = ?2 WHERE id = ?1 AND body IS NULL")
        .bind(id.as_uuid())
        .bind(reason)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Orders that the server has not answered pay another bill, which is the same one there.
pub(crate) async fn move_orders(tx: &mut Tx, from: BillId, to: BillId) -> CacheResult<()> {
    let rows = sqlx::query("SELECT orders, made_at, body, refused FROM payment WHERE bill = ?1 AND body IS NULL")
        .bind(from.as_uuid())
        .fetch_all(&mut **tx)
        .await?;
    for row in &rows {
        let order = PaymentOrder { bill: Some(to), ..payment_of(row)?.order };
        sqlx::query("UPDATE payment SET bill = ?2, orders = ?3 WHERE id = ?1 AND body IS NULL")
            .bind(order.id.as_uuid())
            .bind(to.as_uuid())
            .bind(to_body(&order)?)
            .execute(&mut **tx)
            .await?;
    }
    sqlx::query("UPDATE OR REPLACE snooze SET bill = ?2 WHERE bill = ?1")
        .bind(from.as_uuid())
        .bind(to.as_uuid())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Removes an order that waited past its day, for the one that takes its place; `false` if there is none such.
pub(crate) async fn remove_passed(tx: &mut Tx, id: PaymentId) -> CacheResult<bool> {
    let done = sqlx::query("DELETE FROM payment WHERE id = ?1 AND body IS NULL AND refused = ?2")
        .bind(id.as_uuid())
        .bind(DAY_PASSED)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

const PAYMENTS: &str = "SELECT orders, made_at, body, refused FROM payment ORDER BY made_at DESC, id DESC LIMIT ?1";
const PAYMENT: &str = "SELECT orders, made_at, body, refused FROM payment WHERE id = ?1";

/// Newest first.
pub(crate) async fn payments(db: impl Executor<'_, Database = Sqlite>, limit: i64) -> CacheResult<Vec<PaymentRow>> {
    let rows = sqlx::query(PAYMENTS).bind(limit).fetch_all(db).await?;
    rows.iter().map(payment_of).collect()
}

pub(crate) async fn find_payment(
    db: impl Executor<'_, Database = Sqlite>,
    id: PaymentId,
) -> CacheResult<Option<PaymentRow>> {
    let row = sqlx::query(PAYMENT).bind(id.as_uuid()).fetch_optional(db).await?;
    row.as_ref().map(payment_of).transpose()
}

fn payment_of(row: &sqlx::sqlite::SqliteRow) -> CacheResult<PaymentRow> {
    let body: Option<String> = row.try_get(2)?;
    Ok(PaymentRow {
        order: from_body(row.try_get(0)?)?,
        made_at: Timestamp::from_millisecond(row.try_get(1)?).map_err(|_| CacheError::Damaged)?,
        answer: body.map(|body| from_body(&body)).transpose()?,
        refused: row.try_get(3)?,
    })
}

// ---- Billers ----------------------------------------------------------------------------------------------------

/// The directory of that version, in place of the one before.
pub(crate) async fn replace_billers(tx: &mut Tx, version: u32, billers: &[Biller]) -> CacheResult<()> {
    state::put(&mut **tx, state::BILLERS_VERSION, &version).await?;
    sqlx::query("DELETE FROM biller").execute(&mut **tx).await?;
    for biller in billers {
        sqlx::query("INSERT OR REPLACE INTO biller (id, body) VALUES (?1, ?2)")
            .bind(biller.id.as_uuid())
            .bind(to_body(biller)?)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The version of the directory that is kept, when it is newer than the one of this build.
pub(crate) async fn billers_version(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Option<u32>> {
    let kept: Option<u32> = state::find(db, state::BILLERS_VERSION).await?;
    Ok(kept.filter(|version| *version > Directory::built_in().version))
}

/// The newest directory that is here: the one that a server brought, or the one of this build.
pub(crate) async fn all_billers(db: &mut SqliteConnection) -> CacheResult<Vec<Biller>> {
    if billers_version(&mut *db).await?.is_none() {
        return Ok(Directory::built_in().billers.clone());
    }
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM biller").fetch_all(&mut *db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

pub(crate) async fn put_own_biller(tx: &mut Tx, biller: &OwnBiller) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO own_biller (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    )
    .bind(biller.id.as_uuid())
    .bind(to_body(biller)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The biller alone, as the server says it: its bills come by themselves.
pub(crate) async fn remove_own_biller(tx: &mut Tx, id: BillerId) -> CacheResult<()> {
    sqlx::query("DELETE FROM own_biller WHERE id = ?1").bind(id.as_uuid()).execute(&mut **tx).await?;
    Ok(())
}

/// The biller, and what its bills say of it.
pub(crate) async fn end_own_biller(tx: &mut Tx, id: BillerId) -> CacheResult<()> {
    let bills = all_bills(&mut **tx).await?;
    for bill in bills.into_iter().filter(|bill| bill.biller == Some(id)) {
        put_bill(tx, &Bill { biller: None, ..bill }).await?;
    }
    remove_own_biller(tx, id).await
}

/// In the order in which they were made.
pub(crate) async fn own_billers(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<OwnBiller>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM own_biller ORDER BY id").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

// ---- Statements -------------------------------------------------------------------------------------------------

/// The list as the server has it now; PDFs that were opened stay while their figures are the same.
pub(crate) async fn replace_statements(tx: &mut Tx, summaries: &[StatementSummary]) -> CacheResult<()> {
    let mut kept = Vec::with_capacity(summaries.len());
    for summary in summaries {
        put_statement(tx, summary).await?;
        kept.push((summary.account, day_number(summary.closed_on)));
    }
    let there: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT account, closed_on FROM statement").fetch_all(&mut **tx).await?;
    for (account, closed_on) in there {
        let id = AccountId::from_uuid(uuid_of(&account)?);
        if !kept.contains(&(id, closed_on)) {
            sqlx::query("DELETE FROM statement WHERE account = ?1 AND closed_on = ?2")
                .bind(account)
                .bind(closed_on)
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// One statement; a PDF that was opened stays while its figures are the same.
pub(crate) async fn put_statement(tx: &mut Tx, summary: &StatementSummary) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO statement (account, closed_on, summary) VALUES (?1, ?2, ?3)
         ON CONFLICT (account, closed_on) DO UPDATE SET
            pdf = CASE WHEN summary = excluded.summary THEN pdf END, summary = excluded.summary",
    )
    .bind(summary.account.as_uuid())
    .bind(day_number(summary.closed_on))
    .bind(to_body(summary)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Newest first, each with whether its PDF is here.
pub(crate) async fn statements(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<(StatementSummary, bool)>> {
    let rows: Vec<(String, bool)> =
        sqlx::query_as("SELECT summary, pdf IS NOT NULL FROM statement ORDER BY closed_on DESC").fetch_all(db).await?;
    rows.into_iter().map(|(summary, kept)| Ok((from_body(&summary)?, kept))).collect()
}

pub(crate) async fn find_pdf(
    db: impl Executor<'_, Database = Sqlite>,
    account: AccountId,
    closed_on: Date,
) -> CacheResult<Option<Vec<u8>>> {
    let pdf: Option<Option<Vec<u8>>> =
        sqlx::query_scalar("SELECT pdf FROM statement WHERE account = ?1 AND closed_on = ?2")
            .bind(account.as_uuid())
            .bind(day_number(closed_on))
            .fetch_optional(db)
            .await?;
    Ok(pdf.flatten())
}

pub(crate) async fn keep_pdf(tx: &mut Tx, account: AccountId, closed_on: Date, pdf: &[u8]) -> CacheResult<()> {
    sqlx::query("UPDATE statement SET pdf = ?3 WHERE account = ?1 AND closed_on = ?2")
        .bind(account.as_uuid())
        .bind(day_number(closed_on))
        .bind(pdf)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Empties all that the server sends in a snapshot, but for transactions and what waits here.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    for sql in [
        "DELETE FROM bill",
        "DELETE FROM mark",
        "DELETE FROM own_biller",
        "DELETE FROM payment WHERE body IS NOT NULL",
        "UPDATE account SET body = NULL",
    ] {
        sqlx::query(sql).execute(&mut **tx).await?;
    }
    Ok(())
}
