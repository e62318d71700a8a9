//! Rows of autopay: its terms with the yes that they rest on, and the one payment of each due date. The column `bill_id` is
//! from when only bills were paid by themselves: it is the id of whatever is, and the terms say what that is.

use domain::autopay::{Autopay, AutopayOf};
use domain::ids::{DeviceId, HolderId, MethodId, PaymentId};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, write_later};

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub autopay: Autopay,
    /// What was said yes to.
    pub digest: String,
    /// Where that was begun.
    pub device: DeviceId,
    /// Since when these terms count.
    pub set_at: Timestamp,
}

/// The payment that was made for a due date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub due_on: Date,
    pub payment: PaymentId,
    pub at: Timestamp,
    /// It has not left and is not over.
    pub waits: bool,
    /// Why it ended without having paid anything, where nobody took it back by hand.
    pub lapsed: Option<Lapsed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapsed {
    /// It was above the cap: nobody could be asked, or nobody answered in time.
    AboveCap,
    /// Nothing was left to pay when its day came.
    NothingDue,
}

const CORRUPT: DbError = DbError::Corrupt("an autopay");

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| CORRUPT)
}

pub(super) async fn put(tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    const PUT: &str = "INSERT INTO autopay (holder_id, bill_id, body, state, method_id, digest, device_id, set_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (holder_id, bill_id) DO UPDATE SET body = excluded.body, state = excluded.state,
            method_id = excluded.method_id, digest = excluded.digest, device_id = excluded.device_id,
            set_at = excluded.set_at";
    let body = serde_json::to_string(&kept.autopay).map_err(|_| CORRUPT)?;
    write_later!(
        tx,
        PUT,
        holder.as_uuid(),
        kept.autopay.of.as_uuid(),
        body,
        kept.autopay.state.as_str(),
        kept.autopay.terms.method.map(|method| method.as_uuid()),
        &kept.digest,
        kept.device.as_uuid(),
        kept.set_at.as_microsecond(),
    )
}

type Row = (String, String, Uuid, i64);

fn read((body, digest, device, set_at): Row) -> DbResult<Kept> {
    let autopay = serde_json::from_str(&body).map_err(|_| CORRUPT)?;
    Ok(Kept { autopay, digest, device: DeviceId::from_uuid(device), set_at: time(set_at)? })
}

pub(super) async fn find(tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<Option<Kept>> {
    tx.ask(found(holder, of)).await
}

pub(super) fn found(holder: HolderId, of: AutopayOf) -> impl Read<Answer = Option<Kept>> {
    under(holder, of.as_uuid()).then(move |kept| Ok(kept.filter(|kept| kept.autopay.of == of)))
}

/// Whatever is paid by itself under an id.
pub(super) fn under(holder: HolderId, id: Uuid) -> impl Read<Answer = Option<Kept>> {
    const FIND: &str = "SELECT body, digest, device_id, set_at FROM autopay WHERE holder_id = $1 AND bill_id = $2";
    db::read_row(FIND, [holder.as_uuid().into(), id.into()], |row: Option<Row>| row.map(read).transpose())
}

/// All of a person: as many as bills and cards at most.
pub(super) async fn all(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Kept>> {
    const LIST: &str = "SELECT body, digest, device_id, set_at FROM autopay WHERE holder_id = $1 ORDER BY bill_id";
    let rows: Vec<Row> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    rows.into_iter().map(read).collect()
}

/// Those that draw from a method.
pub(super) async fn drawing_from(tx: &mut Tx, holder: HolderId, method: MethodId) -> DbResult<Vec<Kept>> {
    const LIST: &str = "SELECT body, digest, device_id, set_at FROM autopay
                         WHERE holder_id = $1 AND method_id = $2 ORDER BY bill_id";
    let rows: Vec<Row> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(holder.as_uuid()).bind(method.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    rows.into_iter().map(read).collect()
}

pub(super) async fn remove(tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM autopay WHERE holder_id = $1 AND bill_id = $2";
    write_later!(tx, REMOVE, holder.as_uuid(), of.as_uuid(),)
}

/// Puts a job that looks at the autopay of a bill or card, when it has one.
pub(super) async fn look_if_any(tx: &mut Tx, holder: HolderId, of: AutopayOf, now: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO job (holder_id, kind, subject_id, due_at)
        SELECT holder_id, CAST('autopay' AS TEXT), bill_id, CAST($3 AS BIGINT) FROM autopay
         WHERE holder_id = $1 AND bill_id = $2
        ON CONFLICT (holder_id, kind, subject_id) DO UPDATE SET due_at = excluded.due_at, tries = 0, leased_until = 0";
    write_later!(tx, PUT, holder.as_uuid(), of.as_uuid(), now.as_microsecond(),)
}

// ---- the payments ------------------------------------------------------------------------------------------------

/// The payments that were made for due dates, by date.
pub(super) async fn runs(tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<Vec<Made>> {
    tx.ask(made(holder, of.as_uuid())).await
}

pub(super) fn made(holder: HolderId, of: Uuid) -> impl Read<Answer = Vec<Made>> {
    const LIST: &str = "SELECT r.due_on, r.payment_id, r.made_at,
            CASE WHEN p.state IN ('awaiting_approval', 'scheduled', 'held', 'insufficient') THEN 1 ELSE 0 END,
            CASE WHEN p.state = 'cancelled' AND p.reason = 'nothing_due' THEN 2
                WHEN (p.state = 'cancelled' AND p.reason = 'above_cap') OR (p.state = 'expired' AND 'above_cap' =
                (SELECT s.reason FROM payment_step s WHERE s.holder_id = p.holder_id AND s.payment_id = p.payment_id
                  AND s.to_state = 'awaiting_approval' ORDER BY s.position DESC LIMIT 1)) THEN 1 ELSE 0 END
        FROM autopay_run r JOIN payment p ON p.holder_id = r.holder_id AND p.payment_id = r.payment_id
        WHERE r.holder_id = $1 AND r.bill_id = $2 ORDER BY r.due_on";
    let read = |(due_on, id, at, waits, lapsed): (String, Uuid, i64, i32, i32)| {
        let due_on = due_on.parse().map_err(|_| CORRUPT)?;
        let lapsed = match lapsed {
            0 => None,
            1 => Some(Lapsed::AboveCap),
            _ => Some(Lapsed::NothingDue),
        };
        Ok(Made { due_on, payment: PaymentId::from_uuid(id), at: time(at)?, waits: waits != 0, lapsed })
    };
    db::read_rows(LIST, [holder.as_uuid().into(), of.into()], move |rows| rows.into_iter().map(read).collect())
}

/// The due date that a payment was made for.
pub(super) fn due_on(holder: HolderId, payment: PaymentId) -> impl Read<Answer = Option<Date>> {
    const FIND: &str = "SELECT due_on FROM autopay_run WHERE holder_id = $1 AND payment_id = $2";
    db::read_row(FIND, [holder.as_uuid().into(), payment.as_uuid().into()], |found: Option<(String,)>| {
        found.map(|(day,)| day.parse().map_err(|_| CORRUPT)).transpose()
    })
}

/// Adds the one payment of a due date; the table refuses a second one.
pub(super) async fn add_run(tx: &mut Tx, holder: HolderId, of: AutopayOf, made: &Made) -> DbResult<()> {
    const ADD: &str = "INSERT INTO autopay_run (holder_id, bill_id, due_on, payment_id, made_at)
        VALUES ($1, $2, $3, $4, $5)";
    write_later!(
        tx,
        ADD,
        holder.as_uuid(),
        of.as_uuid(),
        made.due_on.to_string(),
        made.payment.as_uuid(),
        made.at.as_microsecond(),
    )
}

/// Forgets the payment of a due date that the server took back: another may be made for it.
pub(super) async fn remove_run(tx: &mut Tx, holder: HolderId, payment: PaymentId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM autopay_run WHERE holder_id = $1 AND payment_id = $2";
    write_later!(tx, REMOVE, holder.as_uuid(), payment.as_uuid(),)
}

/// Notes the yes that a payment leaves on; what was noted before is of another day.
pub(super) async fn note_yes(tx: &mut Tx, holder: HolderId, payment: PaymentId, kept: &Kept) -> DbResult<()> {
    const NOTE: &str = "UPDATE autopay_run SET digest = $3, cap_minor = $4 WHERE holder_id = $1 AND payment_id = $2";
    write_later!(tx, NOTE, holder.as_uuid(), payment.as_uuid(), &kept.digest, kept.autopay.terms.cap.minor(),)
}
