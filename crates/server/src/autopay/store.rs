//! Rows of autopay: its terms with the yes that they rest on, and the one payment of each due date. The column `bill_id` is
//! from when only bills were paid by themselves: it is the id of whatever is, and the terms say what that is.

use domain::autopay::{Autopay, AutopayOf};
use domain::ids::{DeviceId, HolderId, MethodId, PaymentId};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine, write_later};

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
    on_engine!(tx, |db| {
        sqlx::query(PUT)
            .bind(holder.as_uuid())
            .bind(kept.autopay.of.as_uuid())
            .bind(body)
            .bind(kept.autopay.state.as_str())
            .bind(kept.autopay.terms.method.map(|method| method.as_uuid()))
            .bind(&kept.digest)
            .bind(kept.device.as_uuid())
            .bind(kept.set_at.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

type Row = (String, String, Uuid, i64);

fn read((body, digest, device, set_at): Row) -> DbResult<Kept> {
    let autopay = serde_json::from_str(&body).map_err(|_| CORRUPT)?;
    Ok(Kept { autopay, digest, device: DeviceId::from_uuid(device), set_at: time(set_at)? })
}

pub(super) async fn find(tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<Option<Kept>> {
    Ok(under(tx, holder, of.as_uuid()).await?.filter(|kept| kept.autopay.of == of))
}

/// Whatever is paid by itself under an id.
pub(super) async fn under(tx: &mut Tx, holder: HolderId, id: Uuid) -> DbResult<Option<Kept>> {
    const FIND: &str = "SELECT body, digest, device_id, set_at FROM autopay WHERE holder_id = $1 AND bill_id = $2";
    let row: Option<Row> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(holder.as_uuid()).bind(id).fetch_optional(db).await.map_err(DbError::from)
    })?;
    row.map(read).transpose()
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
    const LIST: &str = "SELECT due_on, payment_id, made_at FROM autopay_run
                         WHERE holder_id = $1 AND bill_id = $2 ORDER BY due_on";
    let rows: Vec<(String, Uuid, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(holder.as_uuid()).bind(of.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    let read = |(due_on, id, at): (String, Uuid, i64)| {
        let due_on = due_on.parse().map_err(|_| CORRUPT)?;
        Ok(Made { due_on, payment: PaymentId::from_uuid(id), at: time(at)? })
    };
    rows.into_iter().map(read).collect()
}

/// The due date that a payment was made for.
pub(super) async fn due_on(tx: &mut Tx, holder: HolderId, payment: PaymentId) -> DbResult<Option<Date>> {
    const FIND: &str = "SELECT due_on FROM autopay_run WHERE holder_id = $1 AND payment_id = $2";
    let found: Option<String> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND)
            .bind(holder.as_uuid())
            .bind(payment.as_uuid())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    found.map(|day| day.parse().map_err(|_| CORRUPT)).transpose()
}

/// Adds the one payment of a due date; the table refuses a second one.
pub(super) async fn add_run(tx: &mut Tx, holder: HolderId, of: AutopayOf, made: &Made) -> DbResult<()> {
    const ADD: &str = "INSERT INTO autopay_run (holder_id, bill_id, due_on, payment_id, made_at)
        VALUES ($1, $2, $3, $4, $5)";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(holder.as_uuid())
            .bind(of.as_uuid())
            .bind(made.due_on.to_string())
            .bind(made.payment.as_uuid())
            .bind(made.at.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// Forgets the payment of a due date that was taken back: another may be made for it.
pub(super) async fn remove_run(tx: &mut Tx, holder: HolderId, payment: PaymentId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM autopay_run WHERE holder_id = $1 AND payment_id = $2";
    write_later!(tx, REMOVE, holder.as_uuid(), payment.as_uuid(),)
}

/// Notes the yes that a payment leaves on; what was noted before is of another day.
pub(super) async fn note_yes(tx: &mut Tx, holder: HolderId, payment: PaymentId, kept: &Kept) -> DbResult<()> {
    const NOTE: &str = "UPDATE autopay_run SET digest = $3, cap_minor = $4 WHERE holder_id = $1 AND payment_id = $2";
    write_later!(tx, NOTE, holder.as_uuid(), payment.as_uuid(), &kept.digest, kept.autopay.terms.cap.minor(),)
}

/// The digest and the cap of the yes that a payment leaves on.
pub(super) async fn yes_of(tx: &mut Tx, holder: HolderId, payment: PaymentId) -> DbResult<Option<(String, i64)>> {
    const FIND: &str = "SELECT digest, cap_minor FROM autopay_run WHERE holder_id = $1 AND payment_id = $2";
    let row: Option<(Option<String>, Option<i64>)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND)
            .bind(holder.as_uuid())
            .bind(payment.as_uuid())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(row.and_then(|(digest, cap)| digest.zip(cap)))
}
