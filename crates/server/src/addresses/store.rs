//! Rows of addresses.

use domain::addresses::{AddressKind, AddressTimes, AddressValue};
use domain::ids::{AddressId, CodeId, HolderId};
use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, run};
use crate::mail::read_address;

/// An address with all that is known of it.
#[derive(Clone)]
pub struct Kept {
    pub id: AddressId,
    pub value: AddressValue,
    pub added_at: Timestamp,
    pub times: AddressTimes,
    /// The entry of the security log that told of its coming, and of its going.
    pub added_event: Option<i64>,
    pub left_event: Option<i64>,
    /// The code that was sent there last.
    pub code: Option<CodeId>,
}

#[derive(FromRow)]
struct Row {
    holder_id: Uuid,
    address_id: Uuid,
    kind: String,
    value: String,
    added_at: i64,
    confirmed_at: Option<i64>,
    usable_at: Option<i64>,
    leaves_at: Option<i64>,
    added_event: Option<i64>,
    left_event: Option<i64>,
    code_id: Option<Uuid>,
}

impl Row {
    fn read(self) -> DbResult<Kept> {
        let time = |micros| Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"));
        Ok(Kept {
            id: AddressId::from_uuid(self.address_id),
            value: read_address(&self.kind, &self.value)?,
            added_at: time(self.added_at)?,
            times: AddressTimes {
                confirmed_at: self.confirmed_at.map(time).transpose()?,
                usable_at: self.usable_at.map(time).transpose()?,
                leaves_at: self.leaves_at.map(time).transpose()?,
            },
            added_event: self.added_event,
            left_event: self.left_event,
            code: self.code_id.map(CodeId::from_uuid),
        })
    }
}

/// A holder's addresses, oldest first.
pub fn list(holder: HolderId) -> impl Read<Answer = Vec<Kept>> {
    const LIST: &str = "SELECT * FROM address WHERE holder_id = $1 ORDER BY added_at, address_id";
    db::read_rows(LIST, [holder.as_uuid().into()], |rows: Vec<Row>| rows.into_iter().map(Row::read).collect())
}

/// Whose confirmed address this is, the oldest first, with what is kept of it.
pub async fn by_address(tx: &mut Tx, kind: AddressKind, folded: &str, most: u32) -> DbResult<Vec<(HolderId, Kept)>> {
    const FIND: &str = "SELECT * FROM address WHERE folded = $1 AND kind = $2 AND confirmed_at IS NOT NULL
                         ORDER BY confirmed_at, holder_id LIMIT $3";
    let rows: Vec<Row> = on_engine!(tx, |db| {
        sqlx::query_as(FIND)
            .bind(folded)
            .bind(kind.as_str())
            .bind(i64::from(most))
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })?;
    rows.into_iter()
        .map(|row| {
            let holder = HolderId::from_uuid(row.holder_id);
            row.read().map(|kept| (holder, kept))
        })
        .collect()
}

pub async fn add(tx: &mut Tx, holder: HolderId, id: AddressId, value: &AddressValue, now: Timestamp) -> DbResult<()> {
    const ADD: &str = "INSERT INTO address (holder_id, address_id, kind, value, folded, added_at)
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let (kind, folded) = (value.kind().as_str(), value.folded());
    run!(tx, ADD, holder.as_uuid(), id.as_uuid(), kind, value.text(), folded, now.as_microsecond()).map(drop)
}

pub async fn set_code(tx: &mut Tx, holder: HolderId, id: AddressId, code: CodeId) -> DbResult<()> {
    const SET: &str = "UPDATE address SET code_id = $3 WHERE holder_id = $1 AND address_id = $2";
    run!(tx, SET, holder.as_uuid(), id.as_uuid(), code.as_uuid()).map(drop)
}

pub async fn confirm(
    tx: &mut Tx,
    holder: HolderId,
    id: AddressId,
    now: Timestamp,
    usable_at: Timestamp,
    event: i64,
) -> DbResult<()> {
    const SET: &str = "UPDATE address SET confirmed_at = $3, usable_at = $4, added_event = $5, code_id = NULL
                        WHERE holder_id = $1 AND address_id = $2";
    let (now, usable_at) = (now.as_microsecond(), usable_at.as_microsecond());
    run!(tx, SET, holder.as_uuid(), id.as_uuid(), now, usable_at, event).map(drop)
}

pub async fn leave(tx: &mut Tx, holder: HolderId, id: AddressId, leaves_at: Timestamp, event: i64) -> DbResult<()> {
    const SET: &str = "UPDATE address SET leaves_at = $3, left_event = $4 WHERE holder_id = $1 AND address_id = $2";
    run!(tx, SET, holder.as_uuid(), id.as_uuid(), leaves_at.as_microsecond(), event).map(drop)
}

/// An address that was removed stays after all.
pub async fn stay(tx: &mut Tx, holder: HolderId, id: AddressId) -> DbResult<()> {
    const SET: &str = "UPDATE address SET leaves_at = NULL, left_event = NULL WHERE holder_id = $1 AND address_id = $2";
    run!(tx, SET, holder.as_uuid(), id.as_uuid()).map(drop)
}

pub async fn remove(tx: &mut Tx, holder: HolderId, id: AddressId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM address WHERE holder_id = $1 AND address_id = $2";
    run!(tx, REMOVE, holder.as_uuid(), id.as_uuid()).map(drop)
}

/// Removes addresses that have left, and those that nobody confirmed.
pub async fn sweep(tx: &mut Tx, now: Timestamp, unconfirmed_before: Timestamp) -> DbResult<()> {
    run!(tx, "DELETE FROM address WHERE leaves_at <= $1", now.as_microsecond())?;
    const UNCONFIRMED: &str = "DELETE FROM address WHERE confirmed_at IS NULL AND added_at < $1";
    run!(tx, UNCONFIRMED, unconfirmed_before.as_microsecond()).map(drop)
}
