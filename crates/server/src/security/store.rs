//! Rows of the security log.

use domain::ids::{DeviceId, HolderId};
use domain::security::{SecurityEvent, SecurityEventKind};
use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, write_later};

#[derive(FromRow)]
struct EventRow {
    number: i64,
    at: i64,
    kind: String,
    by_device: Option<Uuid>,
    device_id: Option<Uuid>,
    name: Option<String>,
    about: Option<i64>,
    hash: String,
}

impl EventRow {
    fn read(self) -> DbResult<SecurityEvent> {
        let kind: Result<SecurityEventKind, _> = serde_json::from_value(serde_json::Value::String(self.kind));
        Ok(SecurityEvent {
            number: self.number,
            at: Timestamp::from_microsecond(self.at).map_err(|_| DbError::Corrupt("a time"))?,
            kind: kind.map_err(|_| DbError::Corrupt("a kind of security event"))?,
            by: self.by_device.map(DeviceId::from_uuid),
            device: self.device_id.map(DeviceId::from_uuid),
            name: self.name,
            about: self.about,
            hash: self.hash,
        })
    }
}

pub(super) async fn add(tx: &mut Tx, holder: HolderId, event: &SecurityEvent) -> DbResult<()> {
    const ADD: &str = "INSERT INTO security_event
        (holder_id, number, at, kind, by_device, device_id, name, about, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    write_later!(
        tx,
        ADD,
        holder.as_uuid(),
        event.number,
        event.at.as_microsecond(),
        event.kind.as_str(),
        event.by.map(|id| id.as_uuid()),
        event.device.map(|id| id.as_uuid()),
        &event.name,
        event.about,
        &event.hash,
    )
}

/// The newest entry.
pub(crate) fn last(holder: HolderId) -> impl Read<Answer = Option<SecurityEvent>> {
    const LAST: &str = "SELECT * FROM security_event WHERE holder_id = $1 ORDER BY number DESC LIMIT 1";
    db::read_row(LAST, [holder.as_uuid().into()], |row: Option<EventRow>| row.map(EventRow::read).transpose())
}

pub(super) async fn find(tx: &mut Tx, holder: HolderId, number: i64) -> DbResult<Option<SecurityEvent>> {
    const FIND: &str = "SELECT * FROM security_event WHERE holder_id = $1 AND number = $2";
    let row: Option<EventRow> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(holder.as_uuid()).bind(number).fetch_optional(db).await.map_err(DbError::from)
    })?;
    row.map(EventRow::read).transpose()
}

/// The last entry of this kind.
pub(crate) fn last_of_kind(holder: HolderId, kind: SecurityEventKind) -> impl Read<Answer = Option<SecurityEvent>> {
    const LAST: &str = "SELECT * FROM security_event WHERE holder_id = $1 AND kind = $2 ORDER BY number DESC LIMIT 1";
    let values = [holder.as_uuid().into(), kind.as_str().into()];
    db::read_row(LAST, values, |row: Option<EventRow>| row.map(EventRow::read).transpose())
}

/// The entry of this kind that told of a device last.
pub(crate) fn last_of_device(
    holder: HolderId,
    kind: SecurityEventKind,
    device: DeviceId,
) -> impl Read<Answer = Option<SecurityEvent>> {
    const LAST: &str = "SELECT * FROM security_event WHERE holder_id = $1 AND kind = $2 AND device_id = $3
                         ORDER BY number DESC LIMIT 1";
    let values = [holder.as_uuid().into(), kind.as_str().into(), device.as_uuid().into()];
    db::read_row(LAST, values, |row: Option<EventRow>| row.map(EventRow::read).transpose())
}

/// A holder's whole log, oldest first.
pub(super) async fn log(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<SecurityEvent>> {
    const LOG: &str = "SELECT * FROM security_event WHERE holder_id = $1 ORDER BY number";
    let rows: Vec<EventRow> =
        on_engine!(tx, |db| sqlx::query_as(LOG).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from))?;
    rows.into_iter().map(EventRow::read).collect()
}

/// Whose log comes after this one's, for the audit.
pub(super) async fn next_log(tx: &mut Tx, after: Option<HolderId>) -> DbResult<Option<HolderId>> {
    const NEXT: &str = "SELECT holder_id FROM security_event WHERE holder_id > $1 ORDER BY holder_id LIMIT 1";
    let after = after.map_or(Uuid::nil(), |holder| holder.as_uuid());
    let found: Option<Uuid> =
        on_engine!(tx, |db| { sqlx::query_scalar(NEXT).bind(after).fetch_optional(db).await.map_err(DbError::from) })?;
    Ok(found.map(HolderId::from_uuid))
}
