//! Rows of devices, read for their owner.

use api::devices::Device;
use domain::ids::{DeviceId, HolderId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine};
use crate::sign_in::{is_signed_in, seen_since};

pub async fn list(tx: &mut Tx, holder: HolderId, this: Option<DeviceId>, now: Timestamp) -> DbResult<Vec<Device>> {
    const LIST: &str = concat!(
        "SELECT device_id, name, added_at, last_seen_at FROM device WHERE holder_id = $1 AND ",
        is_signed_in!(),
        " ORDER BY added_at DESC, device_id DESC"
    );
    let rows: Vec<(Uuid, String, i64, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(LIST)
            .bind(holder.as_uuid())
            .bind(seen_since(now).as_microsecond())
            .bind(now.as_microsecond())
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })?;
    rows.into_iter().map(|row| device(row, this)).collect()
}

fn device((id, name, added_at, last_seen_at): (Uuid, String, i64, i64), this: Option<DeviceId>) -> DbResult<Device> {
    let time = |micros| Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"));
    let id = DeviceId::from_uuid(id);
    let (added_at, last_seen_at) = (time(added_at)?, time(last_seen_at)?);
    Ok(Device { id, name, added_at, last_seen_at, this_one: this == Some(id), place: None })
}

pub async fn exists(tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<bool> {
    const FIND: &str = "SELECT device_id FROM device WHERE holder_id = $1 AND device_id = $2";
    let found: Option<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND)
            .bind(holder.as_uuid())
            .bind(device.as_uuid())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(found.is_some())
}
