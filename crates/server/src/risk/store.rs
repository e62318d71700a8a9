//! Rows of risk: from where and when an account is used, what counts against it, and the decisions.

use std::collections::BTreeMap;

use domain::ids::{DecisionId, DeviceId, HolderId};
use domain::risk::rhythm::Sample;
use domain::risk::travel::Point;
use domain::risk::{RiskOccasion, RiskPoint, RiskScore, RiskVerdict, Seen, Spot};
use domain::security::SecurityEventKind;
use jiff::{SignedDuration, Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use super::places::Spotted;
use crate::db::{self, DbError, DbResult, Read, Tx, row, rows, run, write_later};

/// Sightings that are compared with, newest first.
const SEEN_MAX: i64 = 300;

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

fn named<T: serde::de::DeserializeOwned>(name: String, what: &'static str) -> DbResult<T> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(|_| DbError::Corrupt(what))
}

// ---- habits ------------------------------------------------------------------------------------------------------

#[derive(FromRow)]
struct SightingRow {
    network: String,
    country: Option<String>,
    latitude: Option<i64>,
    longitude: Option<i64>,
    first_at: i64,
    last_at: i64,
    vouched: i64,
}

impl SightingRow {
    fn read(self) -> DbResult<Seen> {
        let tenths = |value: i64| i16::try_from(value).map_err(|_| DbError::Corrupt("a place"));
        let point = match (self.latitude, self.longitude) {
            (Some(latitude), Some(longitude)) => {
                let point = Point::new(tenths(latitude)?, tenths(longitude)?);
                Some(point.ok_or(DbError::Corrupt("a place"))?)
            }
            _ => None,
        };
        let spot = Spot { network: self.network, country: self.country, point };
        Ok(Seen { spot, first_at: time(self.first_at)?, last_at: time(self.last_at)?, vouched: self.vouched != 0 })
    }
}

/// From where the account was used.
pub(super) fn seen(holder: HolderId) -> impl Read<Answer = Vec<Seen>> {
    const LIST: &str = "SELECT network, country, latitude, longitude, first_at, last_at, vouched FROM risk_sighting
                         WHERE holder_id = $1 ORDER BY last_at DESC, network LIMIT $2";
    let read = |rows: Vec<SightingRow>| rows.into_iter().map(SightingRow::read).collect();
    db::read_rows(LIST, [holder.as_uuid().into(), SEEN_MAX.into()], read)
}

/// Notes that a device was used from there.
pub(super) async fn see(
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    spotted: &Spotted,
    now: Timestamp,
) -> DbResult<()> {
    const SEE: &str = "INSERT INTO risk_sighting
            (holder_id, device_id, network, country, city, latitude, longitude, first_at, last_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        ON CONFLICT (holder_id, device_id, network) DO UPDATE SET last_at = excluded.last_at,
            country = excluded.country, city = excluded.city,
            latitude = excluded.latitude, longitude = excluded.longitude";
    let spot = &spotted.spot;
    write_later!(
        tx,
        SEE,
        holder.as_uuid(),
        device.as_uuid(),
        &spot.network,
        &spot.country,
        &spotted.city,
        spot.point.map(|point| i64::from(point.latitude_tenths())),
        spot.point.map(|point| i64::from(point.longitude_tenths())),
        now.as_microsecond(),
    )
}

/// The owner says that the device was theirs at the places of these decisions.
pub(super) async fn vouch(tx: &mut Tx, holder: HolderId, event: i64) -> DbResult<()> {
    const VOUCH: &str = "UPDATE risk_sighting SET vouched = 1 WHERE holder_id = $1 AND EXISTS
        (SELECT 1 FROM risk_decision d WHERE d.holder_id = risk_sighting.holder_id AND d.event = $2
            AND d.device_id = risk_sighting.device_id AND d.network = risk_sighting.network)";
    run!(tx, VOUCH, holder.as_uuid(), event).map(drop)
}

/// The highest score of a payment that the owner said yes to.
pub(super) fn vouched_score(holder: HolderId, subject: Uuid) -> impl Read<Answer = Option<u32>> {
    const FIND: &str = "SELECT MAX(score) FROM risk_decision WHERE holder_id = $1 AND subject_id = $2 AND mine = 1";
    db::read_row(FIND, [holder.as_uuid().into(), subject.into()], |row: Option<(Option<i64>,)>| {
        let score = row.and_then(|(score,)| score);
        score.map(|score| u32::try_from(score).map_err(|_| DbError::Corrupt("a score"))).transpose()
    })
}

pub(super) fn hours(holder: HolderId) -> impl Read<Answer = [u32; 24]> {
    const LIST: &str = "SELECT hour, uses FROM risk_hour WHERE holder_id = $1";
    db::read_rows(LIST, [holder.as_uuid().into()], |rows: Vec<(i64, i64)>| {
        let mut hours = [0; 24];
        for (hour, uses) in rows {
            let hour = usize::try_from(hour).ok().and_then(|hour| hours.get_mut(hour));
            *hour.ok_or(DbError::Corrupt("an hour"))? = u32::try_from(uses).unwrap_or(u32::MAX);
        }
        Ok(hours)
    })
}

/// Notes that the account is in use at this hour, once an hour.
pub(super) async fn use_hour(tx: &mut Tx, holder: HolderId, hour: u8, now: Timestamp) -> DbResult<()> {
    const USE: &str = "INSERT INTO risk_hour (holder_id, hour, uses, last_at) VALUES ($1, $2, 1, $3)
        ON CONFLICT (holder_id, hour) DO UPDATE SET uses = risk_hour.uses + 1, last_at = excluded.last_at
            WHERE risk_hour.last_at <= $4";
    let before = now.saturating_sub(SignedDuration::from_mins(59)).unwrap_or(now);
    write_later!(tx, USE, holder.as_uuid(), i64::from(hour), now.as_microsecond(), before.as_microsecond())
}

// ---- how somebody types ------------------------------------------------------------------------------------------

/// The samples, oldest first; none where its owner has not turned it on. One that does not read begins anew.
pub(super) async fn rhythm(tx: &mut Tx, holder: HolderId) -> DbResult<Option<Vec<Sample>>> {
    let row: Option<(String,)> = row!(tx, "SELECT samples FROM typing_rhythm WHERE holder_id = $1", holder.as_uuid())?;
    Ok(row.map(|(samples,)| serde_json::from_str(&samples).unwrap_or_default()))
}

pub(super) async fn begin_rhythm(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO typing_rhythm (holder_id, since) VALUES ($1, $2) ON CONFLICT (holder_id) DO NOTHING";
    run!(tx, PUT, holder.as_uuid(), now.as_microsecond()).map(drop)
}

pub(super) async fn forget_rhythm(tx: &mut Tx, holder: HolderId) -> DbResult<()> {
    run!(tx, "DELETE FROM typing_rhythm WHERE holder_id = $1", holder.as_uuid()).map(drop)
}

pub(super) async fn keep_rhythm(tx: &mut Tx, holder: HolderId, kept: &[Sample]) -> DbResult<()> {
    let samples = serde_json::to_string(kept).map_err(|_| DbError::Corrupt("a typing rhythm"))?;
    run!(tx, "UPDATE typing_rhythm SET samples = $2 WHERE holder_id = $1", holder.as_uuid(), samples).map(drop)
}

// ---- what counts for a while -------------------------------------------------------------------------------------

/// A holder that is not there is counted nothing, by the same statement: who measures time learns nothing.
pub(super) async fn count(tx: &mut Tx, holder: HolderId, kind: &str, now: Timestamp) -> DbResult<()> {
    const COUNT: &str = "INSERT INTO risk_count (holder_id, kind, since, times, last_at)
        SELECT holder_id, $2, $3, 1, $4 FROM holder WHERE holder_id = $1
        ON CONFLICT (holder_id, kind, since) DO UPDATE SET times = risk_count.times + 1, last_at = excluded.last_at";
    const HOUR: i64 = 3_600_000_000;
    let micros = now.as_microsecond();
    write_later!(tx, COUNT, holder.as_uuid(), kind, micros - micros.rem_euclid(HOUR), micros)
}

/// What was counted of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    /// Since the asked moment.
    pub times: u32,
    pub last_at: Timestamp,
}

/// How often each kind was counted since then, and when last at all.
pub(super) fn counted(holder: HolderId, since: Timestamp) -> impl Read<Answer = BTreeMap<String, Counted>> {
    const SUM: &str = "SELECT kind, CAST(SUM(CASE WHEN last_at > $2 THEN times ELSE 0 END) AS BIGINT), MAX(last_at)
                         FROM risk_count WHERE holder_id = $1 GROUP BY kind";
    let read = |(kind, times, last_at): (String, i64, i64)| {
        Ok((kind, Counted { times: u32::try_from(times).unwrap_or(u32::MAX), last_at: time(last_at)? }))
    };
    db::read_rows(SUM, [holder.as_uuid().into(), since.as_microsecond().into()], move |rows| {
        rows.into_iter().map(read).collect()
    })
}

// ---- the account -------------------------------------------------------------------------------------------------

/// When a device came, and whether the account had another one before it.
pub(super) fn device(holder: HolderId, device: Option<DeviceId>) -> impl Read<Answer = (Option<Timestamp>, bool)> {
    // An id sorts by its time, so what is smaller came before; the greatest stands for a device that is not there yet.
    const FIND: &str = "SELECT (SELECT d.added_at FROM device d WHERE d.holder_id = $1 AND d.device_id = $2),
                               (SELECT COUNT(*) FROM device b WHERE b.holder_id = $1 AND b.device_id < $2)";
    db::read_row(FIND, [holder.as_uuid().into(), id_or_greatest(device).into()], |row: Option<(Option<i64>, i64)>| {
        let (added_at, before) = row.ok_or(DbError::Corrupt("a device"))?;
        Ok((added_at.map(time).transpose()?, before > 0))
    })
}

fn id_or_greatest(device: Option<DeviceId>) -> Uuid {
    device.map_or(Uuid::max(), |device| device.as_uuid())
}

/// What the log says of an account and of a device of it.
#[derive(Default)]
pub(super) struct Events {
    /// When each of these kinds last happened: not with the account's beginning, and not what its owner confirmed from
    /// another device.
    pub last: BTreeMap<String, Timestamp>,
    /// Another device of the owner said that this one is theirs.
    pub device_vouched: bool,
}

pub(super) fn events(holder: HolderId, device: Option<DeviceId>) -> impl Read<Answer = Events> {
    const LAST: &str = "SELECT e.kind, MAX(e.at) FROM security_event e
        WHERE e.holder_id = $1
          AND e.kind IN ('token_reused', 'passkey_added', 'passkey_removed', 'recovery_finished')
          AND e.number > (SELECT MIN(f.number) FROM security_event f WHERE f.holder_id = $1 AND f.kind = 'device_added')
          AND NOT EXISTS (SELECT 1 FROM security_event a WHERE a.holder_id = $1 AND a.about = e.number
                AND a.kind = 'confirmed_as_mine' AND a.by_device <> COALESCE(e.device_id, e.by_device))
        GROUP BY e.kind
        UNION ALL SELECT v.kind, v.at FROM security_event v
        WHERE v.holder_id = $1 AND v.device_id = $2 AND v.kind = 'confirmed_as_mine' AND v.by_device <> $2";
    db::read_rows(LAST, [holder.as_uuid().into(), id_or_greatest(device).into()], |rows: Vec<(String, i64)>| {
        let mut events = Events::default();
        for (kind, at) in rows {
            if kind == SecurityEventKind::ConfirmedAsMine.as_str() {
                events.device_vouched = true;
            } else {
                events.last.insert(kind, time(at)?);
            }
        }
        Ok(events)
    })
}

// ---- decisions ---------------------------------------------------------------------------------------------------

/// A decision as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub id: DecisionId,
    pub at: Timestamp,
    pub last_at: Timestamp,
    pub occasion: RiskOccasion,
    pub device: Option<DeviceId>,
    pub subject: Option<Uuid>,
    pub network: Option<String>,
    pub country: Option<String>,
    pub city: Option<String>,
    pub score: RiskScore,
    /// The entry of the security log that asks about it.
    pub event: Option<i64>,
    pub mine: Option<bool>,
}

#[derive(FromRow)]
struct DecisionRow {
    decision_id: Uuid,
    at: i64,
    last_at: i64,
    occasion: String,
    device_id: Option<Uuid>,
    subject_id: Option<Uuid>,
    network: Option<String>,
    country: Option<String>,
    city: Option<String>,
    version: i64,
    score: i64,
    verdict: String,
    points: String,
    event: Option<i64>,
    mine: Option<i64>,
}

impl DecisionRow {
    fn read(self) -> DbResult<Decision> {
        let points: Vec<RiskPoint> =
            serde_json::from_str(&self.points).map_err(|_| DbError::Corrupt("the reasons of a decision"))?;
        let number = |value: i64| u32::try_from(value).map_err(|_| DbError::Corrupt("a score"));
        let verdict: RiskVerdict = named(self.verdict, "a verdict")?;
        Ok(Decision {
            id: DecisionId::from_uuid(self.decision_id),
            at: time(self.at)?,
            last_at: time(self.last_at)?,
            occasion: named(self.occasion, "an occasion")?,
            device: self.device_id.map(DeviceId::from_uuid),
            subject: self.subject_id,
            network: self.network,
            country: self.country,
            city: self.city,
            score: RiskScore { version: number(self.version)?, score: number(self.score)?, verdict, points },
            event: self.event,
            mine: self.mine.map(|mine| mine != 0),
        })
    }
}

pub(super) async fn put_decision(tx: &mut Tx, holder: HolderId, decision: &Decision) -> DbResult<()> {
    const PUT: &str = "INSERT INTO risk_decision
            (holder_id, decision_id, at, last_at, occasion, device_id, subject_id, network, country, city, version,
             score, verdict, points, event)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let points =
        serde_json::to_string(&decision.score.points).map_err(|_| DbError::Corrupt("the reasons of a decision"))?;
    write_later!(
        tx,
        PUT,
        holder.as_uuid(),
        decision.id.as_uuid(),
        decision.at.as_microsecond(),
        decision.last_at.as_microsecond(),
        decision.occasion.as_str(),
        decision.device.map(|id| id.as_uuid()),
        decision.subject,
        &decision.network,
        &decision.country,
        &decision.city,
        i64::from(decision.score.version),
        i64::from(decision.score.score),
        decision.score.verdict.as_str(),
        points,
        decision.event,
    )
}

/// The same again.
pub(super) async fn repeat(tx: &mut Tx, holder: HolderId, id: DecisionId, now: Timestamp) -> DbResult<()> {
    const AGAIN: &str = "UPDATE risk_decision SET times = times + 1, last_at = $3
                          WHERE holder_id = $1 AND decision_id = $2";
    write_later!(tx, AGAIN, holder.as_uuid(), id.as_uuid(), now.as_microsecond())
}

/// The last decision about a device's refresh. One that does not read is as none: what it said is said anew.
pub(super) fn last_refresh(holder: HolderId, device: DeviceId) -> impl Read<Answer = Option<Decision>> {
    // By its name, as in the condition of the index.
    const LAST: &str = "SELECT * FROM risk_decision WHERE holder_id = $1 AND device_id = $2 AND occasion = 'refresh'
                         ORDER BY at DESC, decision_id DESC LIMIT 1";
    db::read_row(LAST, [holder.as_uuid().into(), device.as_uuid().into()], |row: Option<DecisionRow>| {
        Ok(row.and_then(|row| row.read().ok()))
    })
}

/// The newest decision about that device that is asked about and was not answered, if it is newer than that.
pub(super) async fn open_question(
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    since: Timestamp,
) -> DbResult<Option<Decision>> {
    const FIND: &str = "SELECT * FROM risk_decision WHERE holder_id = $1 AND device_id = $2 AND event IS NOT NULL
                         AND mine IS NULL AND last_at > $3 ORDER BY at DESC, decision_id DESC LIMIT 1";
    let row: Option<DecisionRow> = row!(tx, FIND, holder.as_uuid(), device.as_uuid(), since.as_microsecond())?;
    row.map(DecisionRow::read).transpose()
}

/// The entries of the log that ask about a decision and were not answered.
pub(super) async fn open_questions(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<i64>> {
    const LIST: &str = "SELECT DISTINCT event FROM risk_decision
                         WHERE holder_id = $1 AND event IS NOT NULL AND mine IS NULL ORDER BY event";
    let rows: Vec<(i64,)> = rows!(tx, LIST, holder.as_uuid())?;
    Ok(rows.into_iter().map(|(event,)| event).collect())
}

/// Decisions that had something to say, newest first.
pub(super) async fn list(tx: &mut Tx, holder: HolderId, limit: i64) -> DbResult<Vec<Decision>> {
    const LIST: &str = "SELECT * FROM risk_decision WHERE holder_id = $1 AND score > 0
                         ORDER BY at DESC, decision_id DESC LIMIT $2";
    let rows: Vec<DecisionRow> = rows!(tx, LIST, holder.as_uuid(), limit)?;
    rows.into_iter().map(DecisionRow::read).collect()
}

/// What the owner said about the decisions that an entry asks about.
pub(super) async fn answer(tx: &mut Tx, holder: HolderId, event: i64, mine: bool) -> DbResult<()> {
    const SET: &str = "UPDATE risk_decision SET mine = $3 WHERE holder_id = $1 AND event = $2 AND mine IS NULL";
    run!(tx, SET, holder.as_uuid(), event, i64::from(mine)).map(drop)
}

/// The place at which each device was last seen: country and city.
pub(super) async fn last_places(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<(DeviceId, String, Option<String>)>> {
    const LIST: &str = "SELECT s.device_id, s.country, s.city FROM risk_sighting s
        WHERE s.holder_id = $1 AND s.country IS NOT NULL AND s.last_at =
            (SELECT MAX(l.last_at) FROM risk_sighting l WHERE l.holder_id = s.holder_id AND l.device_id = s.device_id)";
    let rows: Vec<(Uuid, String, Option<String>)> = rows!(tx, LIST, holder.as_uuid())?;
    Ok(rows.into_iter().map(|(device, country, city)| (DeviceId::from_uuid(device), country, city)).collect())
}

pub(super) async fn sweep(tx: &mut Tx, old: Timestamp, counted: Timestamp) -> DbResult<()> {
    run!(tx, "DELETE FROM risk_sighting WHERE last_at < $1", old.as_microsecond())?;
    run!(tx, "DELETE FROM risk_decision WHERE last_at < $1", old.as_microsecond())?;
    run!(tx, "DELETE FROM risk_count WHERE since < $1", counted.as_microsecond()).map(drop)
}

#[cfg(test)]
pub(crate) async fn spoil(tx: &mut Tx, statement: &'static str) -> DbResult<()> {
    run!(tx, statement).map(drop)
}
