//! Rows of saved codes and of recoveries.

use domain::ids::{DeviceId, HolderId};
use domain::recovery::{Guesses, Recovery};
use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, row, run};

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

fn times(micros: Option<i64>) -> DbResult<Option<Timestamp>> {
    micros.map(time).transpose()
}

// ---- the saved code ----------------------------------------------------------------------------------------------

pub struct KeptCode {
    pub made_at: Timestamp,
    pub guesses: Guesses,
}

#[derive(FromRow)]
struct CodeRow {
    made_at: i64,
    wrong_in_all: i64,
    wrong_in_day: i64,
    day_began_at: Option<i64>,
    last_wrong_at: Option<i64>,
}

/// Keeps a new code in place of the one before, with nothing guessed at it.
pub async fn put_code(tx: &mut Tx, holder: HolderId, hash: &[u8; 32], now: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO saved_code (holder_id, code_hash, made_at) VALUES ($1, $2, $3)
        ON CONFLICT (holder_id) DO UPDATE SET code_hash = excluded.code_hash, made_at = excluded.made_at,
            wrong_in_all = 0, wrong_in_day = 0, day_began_at = NULL, last_wrong_at = NULL";
    run!(tx, PUT, holder.as_uuid(), hash.as_slice(), now.as_microsecond()).map(drop)
}

/// Removes the code that was made then.
pub async fn remove_code(tx: &mut Tx, holder: HolderId, made_at: Timestamp) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM saved_code WHERE holder_id = $1 AND made_at = $2";
    run!(tx, REMOVE, holder.as_uuid(), made_at.as_microsecond()).map(drop)
}

pub async fn code(tx: &mut Tx, holder: HolderId) -> DbResult<Option<KeptCode>> {
    const FIND: &str = "SELECT made_at, wrong_in_all, wrong_in_day, day_began_at, last_wrong_at
                          FROM saved_code WHERE holder_id = $1";
    let row: Option<CodeRow> = row!(tx, FIND, holder.as_uuid())?;
    let Some(row) = row else { return Ok(None) };
    let count = |count: i64| u32::try_from(count).map_err(|_| DbError::Corrupt("a count"));
    let guesses = Guesses {
        in_all: count(row.wrong_in_all)?,
        in_day: count(row.wrong_in_day)?,
        day_began: times(row.day_began_at)?,
        last: times(row.last_wrong_at)?,
    };
    Ok(Some(KeptCode { made_at: time(row.made_at)?, guesses }))
}

/// Whose code this is.
pub async fn code_owner(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<Option<HolderId>> {
    let row: Option<(Uuid,)> = row!(tx, "SELECT holder_id FROM saved_code WHERE code_hash = $1", hash.as_slice())?;
    Ok(row.map(|(holder,)| HolderId::from_uuid(holder)))
}

pub async fn put_guesses(tx: &mut Tx, holder: HolderId, guesses: &Guesses) -> DbResult<()> {
    const SET: &str =
        "UPDATE saved_code SET wrong_in_all = $2, wrong_in_day = $3, day_began_at = $4, last_wrong_at = $5
                        WHERE holder_id = $1";
    let micros = |time: Option<Timestamp>| time.map(|time| time.as_microsecond());
    run!(
        tx,
        SET,
        holder.as_uuid(),
        i64::from(guesses.in_all),
        i64::from(guesses.in_day),
        micros(guesses.day_began),
        micros(guesses.last),
    )
    .map(drop)
}

// ---- recoveries --------------------------------------------------------------------------------------------------

/// The newest recovery of an account.
pub struct Kept {
    pub recovery: Recovery,
    /// The device that began it, where one did: it alone finishes it.
    pub device: Option<DeviceId>,
    /// The entry of the security log that told of it.
    pub event: i64,
    /// Two people of support began it: there was no saved code to prove.
    pub by_support: bool,
}

#[derive(FromRow)]
struct RecoveryRow {
    begun_at: i64,
    ready_at: i64,
    stopped_until: Option<i64>,
    finished_at: Option<i64>,
    device_id: Option<Uuid>,
    event: i64,
    by_support: i64,
}

pub async fn put(tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    const PUT: &str = "INSERT INTO recovery
        (holder_id, begun_at, ready_at, stopped_until, finished_at, device_id, event, by_support)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (holder_id) DO UPDATE SET begun_at = excluded.begun_at, ready_at = excluded.ready_at,
            stopped_until = excluded.stopped_until, finished_at = excluded.finished_at,
            device_id = excluded.device_id, event = excluded.event, by_support = excluded.by_support";
    let Kept { recovery, device, event, by_support } = kept;
    run!(
        tx,
        PUT,
        holder.as_uuid(),
        recovery.begun_at.as_microsecond(),
        recovery.ready_at.as_microsecond(),
        recovery.stopped_until.map(|until| until.as_microsecond()),
        recovery.finished_at.map(|at| at.as_microsecond()),
        device.map(|device| device.as_uuid()),
        *event,
        i64::from(*by_support),
    )
    .map(drop)
}

pub async fn find(tx: &mut Tx, holder: HolderId) -> DbResult<Option<Kept>> {
    const FIND: &str = "SELECT begun_at, ready_at, stopped_until, finished_at, device_id, event, by_support
                          FROM recovery WHERE holder_id = $1";
    let row: Option<RecoveryRow> = row!(tx, FIND, holder.as_uuid())?;
    let Some(row) = row else { return Ok(None) };
    let recovery = Recovery {
        begun_at: time(row.begun_at)?,
        ready_at: time(row.ready_at)?,
        stopped_until: times(row.stopped_until)?,
        finished_at: times(row.finished_at)?,
    };
    Ok(Some(Kept {
        recovery,
        device: row.device_id.map(DeviceId::from_uuid),
        event: row.event,
        by_support: row.by_support == 1,
    }))
}
