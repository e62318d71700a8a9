//! Rows of the calendar's address, and of what was published.

use std::collections::{HashMap, HashSet};

use domain::calendar_feed::{Body, Contents, Published};
use domain::ids::{BillId, HolderId};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine, write_later};

/// The address of a holder's calendar, without its secret.
#[derive(Clone)]
pub struct Kept {
    pub secret_hash: [u8; 32],
    pub contents: Contents,
    pub made_at: Timestamp,
    pub read_at: Option<Timestamp>,
}

type Row = (Vec<u8>, i64, String, i64, Option<i64>);

pub async fn find(tx: &mut Tx, holder: HolderId) -> DbResult<Option<Kept>> {
    const FIND: &str =
        "SELECT secret_hash, amounts, remind_at, made_at, read_at FROM calendar_feed WHERE holder_id = $1";
    let row: Option<Row> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(holder.as_uuid()).fetch_optional(db).await.map_err(DbError::from)
    })?;
    let Some((hash, amounts, remind_at, made_at, read_at)) = row else { return Ok(None) };
    Ok(Some(Kept {
        secret_hash: hash.try_into().map_err(|_| DbError::Corrupt("a hash"))?,
        contents: Contents {
            amounts: amounts != 0,
            remind_at: remind_at.parse().map_err(|_| DbError::Corrupt("a time of day"))?,
        },
        made_at: time(made_at)?,
        read_at: read_at.map(time).transpose()?,
    }))
}

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

/// Whose calendar an address is.
pub async fn holder_of(tx: &mut Tx, secret_hash: &[u8; 32]) -> DbResult<Option<HolderId>> {
    const FIND: &str = "SELECT holder_id FROM calendar_feed WHERE secret_hash = $1";
    let holder: Option<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND).bind(secret_hash.as_slice()).fetch_optional(db).await.map_err(DbError::from)
    })?;
    Ok(holder.map(HolderId::from_uuid))
}

pub async fn put(tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    const PUT: &str = "INSERT INTO calendar_feed (holder_id, secret_hash, amounts, remind_at, made_at, read_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (holder_id) DO UPDATE SET secret_hash = excluded.secret_hash, amounts = excluded.amounts,
            remind_at = excluded.remind_at, made_at = excluded.made_at, read_at = excluded.read_at";
    on_engine!(tx, |db| {
        sqlx::query(PUT)
            .bind(holder.as_uuid())
            .bind(kept.secret_hash.as_slice())
            .bind(i64::from(kept.contents.amounts))
            .bind(kept.contents.remind_at.to_string())
            .bind(kept.made_at.as_microsecond())
            .bind(kept.read_at.map(Timestamp::as_microsecond))
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

pub async fn note_read(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<()> {
    const NOTE: &str = "UPDATE calendar_feed SET read_at = $2 WHERE holder_id = $1";
    write_later!(tx, NOTE, holder.as_uuid(), now.as_microsecond())
}

/// Whether there was one.
pub async fn remove(tx: &mut Tx, holder: HolderId) -> DbResult<bool> {
    const REMOVE: &str = "DELETE FROM calendar_feed WHERE holder_id = $1";
    on_engine!(tx, |db| {
        let done = sqlx::query(REMOVE).bind(holder.as_uuid()).execute(db).await;
        done.map(|done| done.rows_affected() > 0).map_err(DbError::from)
    })
}

// ---- what was published ------------------------------------------------------------------------------------------

/// All that is remembered of a holder's due dates.
pub async fn published(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Published>> {
    const ALL: &str = "SELECT bill_id, due_on, sequence, changed_at, body FROM calendar_event WHERE holder_id = $1";
    let rows: Vec<(Uuid, String, i64, i64, String)> =
        on_engine!(tx, |db| { sqlx::query_as(ALL).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from) })?;
    rows.into_iter()
        .map(|(bill, due_on, sequence, changed_at, body)| {
            Ok(Published {
                bill: BillId::from_uuid(bill),
                due_on: due_on.parse().map_err(|_| DbError::Corrupt("a day"))?,
                sequence: u32::try_from(sequence).map_err(|_| DbError::Corrupt("a sequence"))?,
                changed_at: time(changed_at)?,
                body: serde_json::from_str(&body).map_err(|_| DbError::Corrupt("an event"))?,
            })
        })
        .collect()
}

/// Writes what changed between the two, and forgets what is no longer among them.
pub async fn remember(tx: &mut Tx, holder: HolderId, before: &[Published], after: &[Published]) -> DbResult<()> {
    const PUT: &str = "INSERT INTO calendar_event (holder_id, bill_id, due_on, sequence, changed_at, body)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (holder_id, bill_id, due_on) DO UPDATE SET
            sequence = excluded.sequence, changed_at = excluded.changed_at, body = excluded.body";
    const FORGET: &str = "DELETE FROM calendar_event WHERE holder_id = $1 AND bill_id = $2 AND due_on = $3";
    let key = |event: &Published| (event.bill, event.due_on);
    let known: HashMap<(BillId, Date), &Published> = before.iter().map(|event| (key(event), event)).collect();
    for event in after.iter().filter(|event| known.get(&key(event)) != Some(event)) {
        let Published { bill, due_on, sequence, changed_at, body } = event;
        let (due_on, body) = (due_on.to_string(), text(body)?);
        let (sequence, changed_at) = (i64::from(*sequence), changed_at.as_microsecond());
        write_later!(tx, PUT, holder.as_uuid(), bill.as_uuid(), due_on, sequence, changed_at, body)?;
    }
    let stays: HashSet<(BillId, Date)> = after.iter().map(key).collect();
    for event in before.iter().filter(|event| !stays.contains(&key(event))) {
        write_later!(tx, FORGET, holder.as_uuid(), event.bill.as_uuid(), event.due_on.to_string())?;
    }
    Ok(())
}

fn text(body: &Body) -> DbResult<String> {
    serde_json::to_string(body).map_err(|_| DbError::Corrupt("an event that does not serialise"))
}
