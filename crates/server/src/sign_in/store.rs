//! Rows of sign-in. Times are microseconds since 1970; secrets arrive here as hashes.

use domain::ids::{DeviceId, HolderId, PasskeyId};
use domain::risk::rhythm::Sample;
use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::tokens::{Grant, REFRESH_LIFE};
use super::visit::VISIT_LIFE;
use crate::db::{self, DbError, DbResult, Read, Tx, Value, on_engine, one, row, run, write_later};

pub(super) fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

// ---- before anybody is known -------------------------------------------------------------------------------------

pub async fn put_pushed(tx: &mut Tx, hash: &[u8; 32], body: &str, ends_at: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO pushed_request (request_hash, body, expires_at) VALUES ($1, $2, $3)";
    write_later!(tx, PUT, hash.to_vec(), body, ends_at.as_microsecond())
}

/// Takes a pushed request; one that is too old is removed and not given.
pub async fn take_pushed(tx: &mut Tx, hash: &[u8; 32], now: Timestamp) -> DbResult<Option<String>> {
    const TAKE: &str = "DELETE FROM pushed_request WHERE request_hash = $1 RETURNING body, expires_at";
    tx.ask(taken(TAKE, [hash.to_vec().into()], now)).await
}

/// What was taken, unless it was too old.
fn taken<const N: usize>(sql: &'static str, values: [Value; N], now: Timestamp) -> impl Read<Answer = Option<String>> {
    db::read_row(sql, values, move |row: Option<(String, i64)>| {
        Ok(row.and_then(|(body, ends_at)| (ends_at > now.as_microsecond()).then_some(body)))
    })
}

pub async fn put_visit(tx: &mut Tx, hash: &[u8; 32], body: &str, ends_at: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO sign_in_visit (visit_hash, body, expires_at) VALUES ($1, $2, $3)";
    write_later!(tx, PUT, hash.to_vec(), body, ends_at.as_microsecond())
}

pub struct VisitRow {
    pub body: String,
    pub holder: Option<HolderId>,
    pub failures: i64,
    /// Those of them that were marked at an account when they happened.
    pub marked: i64,
    pub ceremonies: i64,
    /// How far somebody has got who is not recognised yet.
    pub pending: Option<String>,
    /// Who visits was recognised by a passkey.
    pub proved: bool,
}

pub fn visit(hash: &[u8; 32], now: Timestamp) -> impl Read<Answer = Option<VisitRow>> + use<> {
    const FIND: &str = "SELECT body, holder_id, failures, marked, ceremonies, pending, proved FROM sign_in_visit
                         WHERE visit_hash = $1 AND expires_at > $2";
    type Row = (String, Option<Uuid>, i64, i64, i64, Option<String>, i64);
    db::read_row(FIND, [hash.to_vec().into(), now.as_microsecond().into()], |row: Option<Row>| {
        Ok(row.map(|(body, holder, failures, marked, ceremonies, pending, proved)| VisitRow {
            body,
            holder: holder.map(HolderId::from_uuid),
            failures,
            marked,
            ceremonies,
            pending,
            proved: proved != 0,
        }))
    })
}

/// Keeps how far a visit has got; false when it ended.
pub async fn set_pending(tx: &mut Tx, hash: &[u8; 32], pending: &str) -> DbResult<bool> {
    const SET: &str = "UPDATE sign_in_visit SET pending = $2 WHERE visit_hash = $1";
    Ok(run!(tx, SET, hash.as_slice(), pending)? == 1)
}

/// Says who visits, once.
pub async fn recognise_visit(tx: &mut Tx, hash: &[u8; 32], holder: HolderId) -> DbResult<bool> {
    const SET: &str = "UPDATE sign_in_visit SET holder_id = $2 WHERE visit_hash = $1 AND holder_id IS NULL";
    Ok(run!(tx, SET, hash.as_slice(), holder.as_uuid())? == 1)
}

/// The same for a visit that adds something: what was proven is good until then, and the visit lives no longer.
pub async fn recognise_adding(tx: &mut Tx, hash: &[u8; 32], holder: HolderId, until: Timestamp) -> DbResult<bool> {
    const SET: &str = "UPDATE sign_in_visit
                          SET holder_id = $2, expires_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END
                        WHERE visit_hash = $1 AND holder_id IS NULL";
    Ok(run!(tx, SET, hash.as_slice(), holder.as_uuid(), until.as_microsecond())? == 1)
}

/// Says who visits, by a passkey that was just shown.
pub async fn recognise_visit_by_passkey(tx: &mut Tx, hash: &[u8; 32], holder: HolderId) -> DbResult<bool> {
    tx.ask(was_there(RECOGNISE, [hash.to_vec().into(), holder.as_uuid().into()])).await
}

/// The same for a visit that was read as nobody's in this transaction: on SQLite, whose one writer this is, it still is.
pub async fn recognise_unknown_visit(tx: &mut Tx, hash: &[u8; 32], holder: HolderId) -> DbResult<bool> {
    if tx.is_postgres() {
        return recognise_visit_by_passkey(tx, hash, holder).await;
    }
    write_later!(tx, RECOGNISE, hash.to_vec(), holder.as_uuid())?;
    Ok(true)
}

const RECOGNISE: &str = "UPDATE sign_in_visit SET holder_id = $2, proved = 1
                          WHERE visit_hash = $1 AND holder_id IS NULL RETURNING expires_at";

/// Whether there was what the statement changes; it returns a time of each.
fn was_there<const N: usize>(sql: &'static str, values: [Value; N]) -> impl Read<Answer = bool> {
    db::read_rows(sql, values, |rows: Vec<(i64,)>| Ok(!rows.is_empty()))
}

pub async fn note_failure(tx: &mut Tx, hash: &[u8; 32], marked: bool) -> DbResult<()> {
    const NOTE: &str = "UPDATE sign_in_visit SET failures = failures + 1, marked = marked + $2 WHERE visit_hash = $1";
    write_later!(tx, NOTE, hash.to_vec(), i64::from(marked))
}

/// Ends a visit; false when it had ended.
pub async fn end_visit(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<bool> {
    tx.ask(visit_ended(hash)).await
}

/// Ends the visits in which somebody was recognised as this person, and the codes that nobody redeemed: they were begun
/// with what the account had then. The holder's row is locked.
pub async fn end_visits_of(tx: &mut Tx, holder: HolderId) -> DbResult<()> {
    const CODES: &str = "UPDATE authorization_code SET expires_at = 0 WHERE holder_id = $1 AND family_id IS NULL";
    run!(tx, "DELETE FROM sign_in_visit WHERE holder_id = $1", holder.as_uuid())?;
    run!(tx, CODES, holder.as_uuid()).map(drop)
}

/// The same beside what else is asked.
pub fn visit_ended(hash: &[u8; 32]) -> impl Read<Answer = bool> + use<> {
    was_there("DELETE FROM sign_in_visit WHERE visit_hash = $1 RETURNING expires_at", [hash.to_vec().into()])
}

pub async fn put_ceremony(
    tx: &mut Tx,
    hash: &[u8; 32],
    visit: &[u8; 32],
    kind: &str,
    state: &str,
    ends_at: Timestamp,
) -> DbResult<()> {
    const COUNT: &str = "UPDATE sign_in_visit SET ceremonies = ceremonies + 1 WHERE visit_hash = $1";
    const PUT: &str = "INSERT INTO sign_in_ceremony (ceremony_hash, visit_hash, kind, state, expires_at)
                       VALUES ($1, $2, $3, $4, $5)";
    write_later!(tx, COUNT, visit.to_vec())?;
    write_later!(tx, PUT, hash.to_vec(), visit.to_vec(), kind, state, ends_at.as_microsecond())
}

pub fn take_ceremony(
    hash: &[u8; 32],
    visit: &[u8; 32],
    kind: &'static str,
    now: Timestamp,
) -> impl Read<Answer = Option<String>> + use<> {
    const TAKE: &str = "DELETE FROM sign_in_ceremony WHERE ceremony_hash = $1 AND visit_hash = $2 AND kind = $3
                        RETURNING state, expires_at";
    taken(TAKE, [hash.to_vec().into(), visit.to_vec().into(), kind.into()], now)
}

// ---- holders and passkeys ----------------------------------------------------------------------------------------

pub async fn put_holder(tx: &mut Tx, holder: HolderId, handle: &[u8; 16], name: &str, now: Timestamp) -> DbResult<()> {
    const PUT: &str = "INSERT INTO holder (holder_id, user_handle, name, created_at) VALUES ($1, $2, $3, $4)";
    run!(tx, PUT, holder.as_uuid(), handle.as_slice(), name, now.as_microsecond()).map(drop)
}

pub async fn holder_exists(tx: &mut Tx, holder: HolderId) -> DbResult<bool> {
    let found: Option<Uuid> = one!(tx, "SELECT holder_id FROM holder WHERE holder_id = $1", holder.as_uuid())?;
    Ok(found.is_some())
}

pub async fn holder_name(tx: &mut Tx, holder: HolderId) -> DbResult<Option<String>> {
    one!(tx, "SELECT name FROM holder WHERE holder_id = $1", holder.as_uuid())
}

pub async fn put_passkey(
    tx: &mut Tx,
    holder: HolderId,
    id: PasskeyId,
    credential: &[u8],
    body: &str,
    now: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO passkey (holder_id, passkey_id, credential_id, body, created_at)
                       VALUES ($1, $2, $3, $4, $5)";
    run!(tx, PUT, holder.as_uuid(), id.as_uuid(), credential, body, now.as_microsecond()).map(drop)
}

/// A passkey with what its owner sees of it.
pub struct OwnPasskey {
    pub about: api::security::Passkey,
    pub body: String,
}

/// A holder's passkeys, oldest first.
pub async fn passkeys_of(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<OwnPasskey>> {
    const LIST: &str = "SELECT passkey_id, name, created_at, last_used_at, body FROM passkey
                         WHERE holder_id = $1 ORDER BY created_at, passkey_id";
    type Row = (Uuid, String, i64, Option<i64>, String);
    let rows: Vec<Row> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    let read = |(id, name, created_at, last_used_at, body): Row| {
        let kept: serde_json::Value = serde_json::from_str(&body).map_err(|_| DbError::Corrupt("a passkey"))?;
        let about = api::security::Passkey {
            id: PasskeyId::from_uuid(id),
            name,
            created_at: time(created_at)?,
            last_used_at: last_used_at.map(time).transpose()?,
            synced: kept.pointer("/cred/backup_state").and_then(serde_json::Value::as_bool).unwrap_or(false),
            last: false,
        };
        Ok(OwnPasskey { about, body })
    };
    rows.into_iter().map(read).collect()
}

/// False when there is no such passkey.
pub async fn name_passkey(tx: &mut Tx, holder: HolderId, id: PasskeyId, name: &str) -> DbResult<bool> {
    const SET: &str = "UPDATE passkey SET name = $3 WHERE holder_id = $1 AND passkey_id = $2";
    Ok(run!(tx, SET, holder.as_uuid(), id.as_uuid(), name)? == 1)
}

pub async fn remove_passkey(tx: &mut Tx, holder: HolderId, id: PasskeyId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM passkey WHERE holder_id = $1 AND passkey_id = $2";
    run!(tx, REMOVE, holder.as_uuid(), id.as_uuid()).map(drop)
}

#[derive(FromRow)]
pub struct Owner {
    pub name: String,
    pub user_handle: Vec<u8>,
}

pub async fn owner(tx: &mut Tx, holder: HolderId) -> DbResult<Option<Owner>> {
    row!(tx, "SELECT name, user_handle FROM holder WHERE holder_id = $1", holder.as_uuid())
}

pub struct KeptPasskey {
    pub holder: HolderId,
    pub id: PasskeyId,
    pub name: String,
    pub user_handle: Vec<u8>,
    pub body: String,
}

pub fn passkey(credential: &[u8]) -> impl Read<Answer = Option<KeptPasskey>> + use<> {
    const FIND: &str = "SELECT p.holder_id, p.passkey_id, p.name, h.user_handle, p.body
                          FROM passkey p JOIN holder h ON h.holder_id = p.holder_id WHERE p.credential_id = $1";
    type Row = (Uuid, Uuid, String, Vec<u8>, String);
    db::read_row(FIND, [credential.to_vec().into()], |row: Option<Row>| {
        Ok(row.map(|(holder, id, name, user_handle, body)| KeptPasskey {
            holder: HolderId::from_uuid(holder),
            id: PasskeyId::from_uuid(id),
            name,
            user_handle,
            body,
        }))
    })
}

pub async fn note_passkey_use(
    tx: &mut Tx,
    holder: HolderId,
    id: PasskeyId,
    body: &str,
    now: Timestamp,
) -> DbResult<()> {
    const SET: &str = "UPDATE passkey SET body = $3, last_used_at = $4 WHERE holder_id = $1 AND passkey_id = $2";
    write_later!(tx, SET, holder.as_uuid(), id.as_uuid(), body, now.as_microsecond())
}

#[derive(FromRow)]
pub struct About {
    pub name: String,
    pub device_name: String,
    pub passkeys: i64,
}

pub async fn about(tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<Option<About>> {
    const FIND: &str = "SELECT h.name, d.name AS device_name,
                               (SELECT COUNT(*) FROM passkey p WHERE p.holder_id = h.holder_id) AS passkeys
                          FROM holder h JOIN device d ON d.holder_id = h.holder_id
                         WHERE h.holder_id = $1 AND d.device_id = $2";
    row!(tx, FIND, holder.as_uuid(), device.as_uuid())
}

// ---- devices -----------------------------------------------------------------------------------------------------

/// Of a device: nobody signed it out, it used its tokens since `$2`, and some of them are good beyond `$3`.
macro_rules! is_signed_in {
    () => {
        "device.revoked_at IS NULL AND device.last_seen_at > $2 AND EXISTS (SELECT 1 FROM token_family f
            WHERE f.holder_id = device.holder_id AND f.device_id = device.device_id AND f.revoked_at IS NULL
              AND f.ends_at > $3)"
    };
}
pub(crate) use is_signed_in;

/// When whoever is still signed in was seen at the latest.
pub(crate) fn seen_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(REFRESH_LIFE).unwrap_or(Timestamp::MIN)
}

pub fn devices_signed_in(holder: HolderId, now: Timestamp) -> impl Read<Answer = i64> {
    const COUNT: &str = concat!("SELECT COUNT(*) FROM device WHERE holder_id = $1 AND ", is_signed_in!());
    let values = [holder.as_uuid().into(), seen_since(now).as_microsecond().into(), now.as_microsecond().into()];
    db::read_row(COUNT, values, |row: Option<(i64,)>| Ok(row.map_or(0, |(count,)| count)))
}

/// The devices that nobody signed out.
pub async fn devices_of(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<DeviceId>> {
    const LIST: &str = "SELECT device_id FROM device WHERE holder_id = $1 AND revoked_at IS NULL ORDER BY device_id";
    let ids: Vec<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(LIST).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    Ok(ids.into_iter().map(DeviceId::from_uuid).collect())
}

/// The device with this key, and whether it was signed out.
pub async fn device_by_thumbprint(
    tx: &mut Tx,
    holder: HolderId,
    thumbprint: &str,
) -> DbResult<Option<(DeviceId, bool)>> {
    const FIND: &str = "SELECT device_id, revoked_at FROM device WHERE holder_id = $1 AND thumbprint = $2";
    let found: Option<(Uuid, Option<i64>)> = row!(tx, FIND, holder.as_uuid(), thumbprint)?;
    Ok(found.map(|(device, revoked_at)| (DeviceId::from_uuid(device), revoked_at.is_some())))
}

pub async fn put_device(
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    name: &str,
    thumbprint: &str,
    now: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO device (holder_id, device_id, name, thumbprint, added_at, last_seen_at)
                       VALUES ($1, $2, $3, $4, $5, $5)";
    write_later!(tx, PUT, holder.as_uuid(), device.as_uuid(), name, thumbprint, now.as_microsecond())
}

/// A known key signs in anew, also after its device was signed out. Its older tokens end: a device has one session.
pub async fn sign_device_in(
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    name: &str,
    now: Timestamp,
) -> DbResult<()> {
    const SET: &str = "UPDATE device SET name = $3, last_seen_at = $4, revoked_at = NULL
                        WHERE holder_id = $1 AND device_id = $2";
    write_later!(tx, END_FAMILIES, holder.as_uuid(), device.as_uuid(), now.as_microsecond())?;
    write_later!(tx, SET, holder.as_uuid(), device.as_uuid(), name, now.as_microsecond())
}

/// A key that somebody else signed out comes back: its device begins anew, as one that nobody knew.
pub async fn take_device_back(
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    name: &str,
    now: Timestamp,
) -> DbResult<()> {
    const SET: &str = "UPDATE device SET added_at = $3 WHERE holder_id = $1 AND device_id = $2";
    write_later!(tx, SET, holder.as_uuid(), device.as_uuid(), now.as_microsecond())?;
    sign_device_in(tx, holder, device, name, now).await
}

const END_FAMILIES: &str =
    "UPDATE token_family SET revoked_at = $3 WHERE holder_id = $1 AND device_id = $2 AND revoked_at IS NULL";

pub async fn see_device(tx: &mut Tx, holder: HolderId, device: DeviceId, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE device SET last_seen_at = $3 WHERE holder_id = $1 AND device_id = $2";
    write_later!(tx, SET, holder.as_uuid(), device.as_uuid(), now.as_microsecond())
}

pub async fn device_name(tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<Option<String>> {
    const FIND: &str = "SELECT name FROM device WHERE holder_id = $1 AND device_id = $2";
    one!(tx, FIND, holder.as_uuid(), device.as_uuid())
}

/// What the matrix asks about who acts. The device and the passkey that an account began with count as old.
pub struct CallerFacts {
    pub has_passkey: bool,
    pub device_since: Option<Timestamp>,
    pub passkey_since: Option<Timestamp>,
    pub proved_at: Option<Timestamp>,
    pub money_at: Option<Timestamp>,
}

pub fn caller_facts(holder: HolderId, device: DeviceId) -> impl Read<Answer = CallerFacts> {
    const FIND: &str = "SELECT d.added_at, d.proved_at, d.money_at,
            (SELECT COUNT(*) FROM device o WHERE o.holder_id = d.holder_id
                AND (o.added_at < d.added_at OR (o.added_at = d.added_at AND o.device_id < d.device_id))),
            (SELECT COUNT(*) FROM passkey p WHERE p.holder_id = d.holder_id),
            (SELECT MAX(p.created_at) FROM passkey p WHERE p.holder_id = d.holder_id), h.created_at
        FROM device d JOIN holder h ON h.holder_id = d.holder_id WHERE d.holder_id = $1 AND d.device_id = $2";
    type Row = (i64, Option<i64>, Option<i64>, i64, i64, Option<i64>, i64);
    db::read_row(FIND, [holder.as_uuid().into(), device.as_uuid().into()], |row: Option<Row>| {
        let (added_at, proved_at, money_at, before, passkeys, newest, begun_at) =
            row.ok_or(DbError::Corrupt("a device"))?;
        let newest = newest.map(time).transpose()?;
        let first_visit_ended = time(begun_at)?.saturating_add(VISIT_LIFE).unwrap_or(Timestamp::MAX);
        Ok(CallerFacts {
            has_passkey: passkeys > 0,
            device_since: Some(added_at).filter(|_| before > 0).map(time).transpose()?,
            passkey_since: newest.filter(|newest| *newest > first_visit_ended),
            proved_at: proved_at.map(time).transpose()?,
            money_at: money_at.map(time).transpose()?,
        })
    })
}

/// A passkey was shown on this device.
pub async fn note_proof(tx: &mut Tx, holder: HolderId, device: DeviceId, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE device SET proved_at = $3 WHERE holder_id = $1 AND device_id = $2";
    write_later!(tx, SET, holder.as_uuid(), device.as_uuid(), now.as_microsecond())
}

/// A passkey went: what was shown on any device may have been that one.
pub async fn forget_proofs(tx: &mut Tx, holder: HolderId) -> DbResult<()> {
    const SET: &str = "UPDATE device SET proved_at = NULL, money_at = NULL WHERE holder_id = $1";
    run!(tx, SET, holder.as_uuid()).map(drop)
}

/// This device let money go in the session that its passkey began.
pub async fn note_money(tx: &mut Tx, holder: HolderId, device: DeviceId, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE device SET money_at = $3 WHERE holder_id = $1 AND device_id = $2";
    write_later!(tx, SET, holder.as_uuid(), device.as_uuid(), now.as_microsecond())
}

/// Signs a device out: every token of it ends. False when there is none, or it was signed out before.
pub async fn revoke_device(tx: &mut Tx, holder: HolderId, device: DeviceId, now: Timestamp) -> DbResult<bool> {
    const DEVICE: &str = "UPDATE device SET revoked_at = $3, proved_at = NULL, money_at = NULL
                           WHERE holder_id = $1 AND device_id = $2 AND revoked_at IS NULL";
    run!(tx, END_FAMILIES, holder.as_uuid(), device.as_uuid(), now.as_microsecond())?;
    Ok(run!(tx, DEVICE, holder.as_uuid(), device.as_uuid(), now.as_microsecond())? == 1)
}

// ---- codes and tokens --------------------------------------------------------------------------------------------

pub async fn put_code(
    tx: &mut Tx,
    holder: HolderId,
    hash: &[u8; 32],
    grant: &Grant<'_>,
    ends_at: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO authorization_code
                         (holder_id, code_hash, redirect_uri, code_challenge, thumbprint, device_name, expires_at,
                          proved, rhythm)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let rhythm = grant.rhythm.map(serde_json::to_string).transpose();
    write_later!(
        tx,
        PUT,
        holder.as_uuid(),
        hash.to_vec(),
        grant.redirect_uri,
        grant.code_challenge,
        grant.thumbprint,
        grant.device_name,
        ends_at.as_microsecond(),
        i64::from(grant.proved),
        rhythm.map_err(|_| DbError::Corrupt("a typing rhythm"))?,
    )
}

pub async fn code_owner(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<Option<HolderId>> {
    let found: Option<Uuid> =
        one!(tx, "SELECT holder_id FROM authorization_code WHERE code_hash = $1", hash.as_slice())?;
    Ok(found.map(HolderId::from_uuid))
}

/// Ends a code that came with something that does not fit: whoever has it is not who it was for.
pub async fn spoil_code(tx: &mut Tx, holder: HolderId, hash: &[u8; 32]) -> DbResult<()> {
    const SET: &str = "UPDATE authorization_code SET expires_at = 0 WHERE holder_id = $1 AND code_hash = $2";
    run!(tx, SET, holder.as_uuid(), hash.as_slice()).map(drop)
}

pub struct Code {
    pub holder: HolderId,
    /// The device that the code is bound to, where the account knows it.
    pub known: Option<DeviceId>,
    /// It was signed out since.
    pub known_revoked: bool,
    pub redirect_uri: String,
    pub code_challenge: String,
    pub thumbprint: String,
    pub device_name: String,
    pub expires_at: Timestamp,
    /// A passkey was shown for it.
    pub proved: bool,
    /// How the account name was typed for it, where its owner wants that looked at.
    pub rhythm: Option<Sample>,
    /// Set once it was redeemed.
    pub family: Option<Uuid>,
}

#[derive(FromRow)]
struct CodeRow {
    holder_id: Uuid,
    known: Option<Uuid>,
    known_revoked_at: Option<i64>,
    redirect_uri: String,
    code_challenge: String,
    thumbprint: String,
    device_name: String,
    expires_at: i64,
    proved: i64,
    rhythm: Option<String>,
    family_id: Option<Uuid>,
}

pub fn code(hash: &[u8; 32]) -> impl Read<Answer = Option<Code>> + use<> {
    const FIND: &str = "SELECT c.holder_id, d.device_id AS known, d.revoked_at AS known_revoked_at, c.redirect_uri, c.code_challenge, c.thumbprint,
                               c.device_name, c.expires_at, c.proved, c.rhythm, c.family_id
                          FROM authorization_code c
                          LEFT JOIN device d ON d.holder_id = c.holder_id AND d.thumbprint = c.thumbprint
                         WHERE c.code_hash = $1";
    db::read_row(FIND, [hash.to_vec().into()], |row: Option<CodeRow>| {
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Code {
            holder: HolderId::from_uuid(row.holder_id),
            known: row.known.map(DeviceId::from_uuid),
            known_revoked: row.known_revoked_at.is_some(),
            redirect_uri: row.redirect_uri,
            code_challenge: row.code_challenge,
            thumbprint: row.thumbprint,
            device_name: row.device_name,
            expires_at: time(row.expires_at)?,
            proved: row.proved != 0,
            rhythm: row.rhythm.and_then(|rhythm| serde_json::from_str(&rhythm).ok()),
            family: row.family_id,
        }))
    })
}

pub async fn use_code(tx: &mut Tx, holder: HolderId, hash: &[u8; 32], family: Uuid) -> DbResult<()> {
    const SET: &str = "UPDATE authorization_code SET family_id = $3 WHERE holder_id = $1 AND code_hash = $2";
    write_later!(tx, SET, holder.as_uuid(), hash.to_vec(), family)
}

/// A session begins, on a device whose clock is so many seconds ahead of the server's.
pub async fn put_family(
    tx: &mut Tx,
    holder: HolderId,
    family: Uuid,
    device: DeviceId,
    ends_at: Timestamp,
    clock_ahead: i64,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO token_family (holder_id, family_id, device_id, ends_at, clock_ahead)
                       VALUES ($1, $2, $3, $4, $5)";
    write_later!(tx, PUT, holder.as_uuid(), family, device.as_uuid(), ends_at.as_microsecond(), clock_ahead)
}

/// False when it was revoked before.
pub async fn revoke_family(tx: &mut Tx, holder: HolderId, family: Uuid, now: Timestamp) -> DbResult<bool> {
    const SET: &str =
        "UPDATE token_family SET revoked_at = $3 WHERE holder_id = $1 AND family_id = $2 AND revoked_at IS NULL";
    Ok(run!(tx, SET, holder.as_uuid(), family, now.as_microsecond())? == 1)
}

/// The device that a family of tokens belongs to, and how it is called.
pub async fn device_of_family(tx: &mut Tx, holder: HolderId, family: Uuid) -> DbResult<Option<(DeviceId, String)>> {
    const FIND: &str = "SELECT d.device_id, d.name FROM token_family f
                          JOIN device d ON d.holder_id = f.holder_id AND d.device_id = f.device_id
                         WHERE f.holder_id = $1 AND f.family_id = $2";
    let row: Option<(Uuid, String)> = row!(tx, FIND, holder.as_uuid(), family)?;
    Ok(row.map(|(device, name)| (DeviceId::from_uuid(device), name)))
}

pub fn family_lives(holder: HolderId, family: Uuid) -> impl Read<Answer = bool> {
    const FIND: &str = "SELECT family_id FROM token_family
                         WHERE holder_id = $1 AND family_id = $2 AND revoked_at IS NULL";
    db::read_row(FIND, [holder.as_uuid().into(), family.into()], |found: Option<(Uuid,)>| Ok(found.is_some()))
}

pub struct PairRow {
    pub id: Uuid,
    pub family: Uuid,
    pub access_hash: [u8; 32],
    pub refresh_hash: [u8; 32],
    pub access_ends_at: Timestamp,
    pub refresh_ends_at: Timestamp,
}

pub async fn put_pair(tx: &mut Tx, holder: HolderId, pair: &PairRow) -> DbResult<()> {
    const PUT: &str = "INSERT INTO token_pair
                         (holder_id, pair_id, family_id, access_hash, refresh_hash, access_ends_at, refresh_ends_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    write_later!(
        tx,
        PUT,
        holder.as_uuid(),
        pair.id,
        pair.family,
        pair.access_hash.to_vec(),
        pair.refresh_hash.to_vec(),
        pair.access_ends_at.as_microsecond(),
        pair.refresh_ends_at.as_microsecond(),
    )
}

/// What an access token stands for.
pub struct Session {
    pub holder: HolderId,
    pub device: DeviceId,
    pub family: Uuid,
    pub pair: Uuid,
    pub thumbprint: String,
    pub ends_at: Timestamp,
    pub first_use: bool,
    pub revoked: bool,
    pub device_revoked: bool,
}

#[derive(FromRow)]
struct SessionRow {
    holder_id: Uuid,
    device_id: Uuid,
    family_id: Uuid,
    pair_id: Uuid,
    thumbprint: String,
    access_ends_at: i64,
    access_used_at: Option<i64>,
    revoked_at: Option<i64>,
    device_revoked_at: Option<i64>,
}

/// One statement, since every call makes it.
pub fn session(access_hash: &[u8; 32]) -> impl Read<Answer = Option<Session>> {
    const FIND: &str = "SELECT p.holder_id, f.device_id, p.family_id, p.pair_id, d.thumbprint, p.access_ends_at,
                               p.access_used_at, COALESCE(p.revoked_at, f.revoked_at) AS revoked_at,
                               d.revoked_at AS device_revoked_at
                          FROM token_pair p
                          JOIN token_family f ON f.holder_id = p.holder_id AND f.family_id = p.family_id
                          JOIN device d ON d.holder_id = f.holder_id AND d.device_id = f.device_id
                         WHERE p.access_hash = $1";
    db::read_row(FIND, [access_hash.to_vec().into()], |row: Option<SessionRow>| {
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Session {
            holder: HolderId::from_uuid(row.holder_id),
            device: DeviceId::from_uuid(row.device_id),
            family: row.family_id,
            pair: row.pair_id,
            thumbprint: row.thumbprint,
            ends_at: time(row.access_ends_at)?,
            first_use: row.access_used_at.is_none(),
            revoked: row.revoked_at.is_some(),
            device_revoked: row.device_revoked_at.is_some(),
        }))
    })
}

/// Notes the first use of an access token: from then on its pair has been seen by the device.
pub async fn note_use(tx: &mut Tx, session: &Session, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE token_pair SET access_used_at = $3
                        WHERE holder_id = $1 AND pair_id = $2 AND access_used_at IS NULL";
    write_later!(tx, SET, session.holder.as_uuid(), session.pair, now.as_microsecond())?;
    see_device(tx, session.holder, session.device, now).await
}

pub async fn refresh_owner(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<Option<HolderId>> {
    let found: Option<Uuid> = one!(tx, "SELECT holder_id FROM token_pair WHERE refresh_hash = $1", hash.as_slice())?;
    Ok(found.map(HolderId::from_uuid))
}

pub struct RefreshToken {
    pub holder: HolderId,
    pub pair: Uuid,
    pub family: Uuid,
    pub device: DeviceId,
    pub thumbprint: String,
    pub refresh_ends_at: Timestamp,
    pub family_ends_at: Timestamp,
    /// Seconds that the device's clock was ahead when the session began.
    pub clock_ahead: i64,
    pub refresh_used: bool,
    /// When the proof was made that it was used with last: whole seconds, by the device's own clock.
    pub last_proof_at: Option<i64>,
    pub successor: Option<Uuid>,
    pub revoked: bool,
    pub device_revoked: bool,
}

#[derive(FromRow)]
struct RefreshRow {
    holder_id: Uuid,
    pair_id: Uuid,
    family_id: Uuid,
    device_id: Uuid,
    thumbprint: String,
    refresh_ends_at: i64,
    family_ends_at: i64,
    clock_ahead: i64,
    refresh_used_at: Option<i64>,
    refresh_proof_at: Option<i64>,
    successor_id: Option<Uuid>,
    revoked_at: Option<i64>,
    device_revoked_at: Option<i64>,
}

pub fn refresh_token(hash: &[u8; 32]) -> impl Read<Answer = Option<RefreshToken>> + use<> {
    const FIND: &str = "SELECT p.holder_id, p.pair_id, p.family_id, f.device_id, d.thumbprint, p.refresh_ends_at,
                               f.ends_at AS family_ends_at, f.clock_ahead, p.refresh_used_at, p.refresh_proof_at, p.successor_id,
                               COALESCE(p.revoked_at, f.revoked_at) AS revoked_at, d.revoked_at AS device_revoked_at
                          FROM token_pair p
                          JOIN token_family f ON f.holder_id = p.holder_id AND f.family_id = p.family_id
                          JOIN device d ON d.holder_id = f.holder_id AND d.device_id = f.device_id
                         WHERE p.refresh_hash = $1";
    db::read_row(FIND, [hash.to_vec().into()], |row: Option<RefreshRow>| {
        let Some(row) = row else { return Ok(None) };
        Ok(Some(RefreshToken {
            holder: HolderId::from_uuid(row.holder_id),
            pair: row.pair_id,
            family: row.family_id,
            device: DeviceId::from_uuid(row.device_id),
            thumbprint: row.thumbprint,
            refresh_ends_at: time(row.refresh_ends_at)?,
            family_ends_at: time(row.family_ends_at)?,
            clock_ahead: row.clock_ahead,
            refresh_used: row.refresh_used_at.is_some(),
            last_proof_at: row.refresh_proof_at,
            successor: row.successor_id,
            revoked: row.revoked_at.is_some(),
            device_revoked: row.device_revoked_at.is_some(),
        }))
    })
}

pub async fn use_refresh(
    tx: &mut Tx,
    holder: HolderId,
    pair: Uuid,
    successor: Uuid,
    proof_at: i64,
    now: Timestamp,
) -> DbResult<()> {
    const SET: &str = "UPDATE token_pair SET refresh_used_at = $3, successor_id = $4, refresh_proof_at = $5
                        WHERE holder_id = $1 AND pair_id = $2";
    write_later!(tx, SET, holder.as_uuid(), pair, now.as_microsecond(), successor, proof_at)
}

/// This pair, if neither of its tokens was ever used.
pub async fn unused_pair(tx: &mut Tx, holder: HolderId, pair: Uuid) -> DbResult<Option<Uuid>> {
    const FIND: &str = "SELECT pair_id FROM token_pair WHERE holder_id = $1 AND pair_id = $2
                         AND access_used_at IS NULL AND refresh_used_at IS NULL AND revoked_at IS NULL";
    one!(tx, FIND, holder.as_uuid(), pair)
}

pub async fn revoke_pair(tx: &mut Tx, holder: HolderId, pair: Uuid, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE token_pair SET revoked_at = $3 WHERE holder_id = $1 AND pair_id = $2";
    run!(tx, SET, holder.as_uuid(), pair, now.as_microsecond()).map(drop)
}

/// Whose access or refresh token this is.
pub async fn device_of_token(tx: &mut Tx, hash: &[u8; 32]) -> DbResult<Option<(HolderId, DeviceId, String)>> {
    const FIND: &str = "SELECT d.holder_id, d.device_id, d.thumbprint
                          FROM token_pair p
                          JOIN token_family f ON f.holder_id = p.holder_id AND f.family_id = p.family_id
                          JOIN device d ON d.holder_id = f.holder_id AND d.device_id = f.device_id
                         WHERE p.refresh_hash = $1 OR p.access_hash = $1";
    let row: Option<(Uuid, Uuid, String)> = row!(tx, FIND, hash.as_slice())?;
    Ok(row.map(|(holder, device, thumbprint)| (HolderId::from_uuid(holder), DeviceId::from_uuid(device), thumbprint)))
}

/// Removes what ended. Tokens stay as long as their family, so that a late reuse is still recognised; the last ones of a
/// device that was signed out stay, so that it hears of it whenever it comes, and deletes its copy.
pub async fn sweep(tx: &mut Tx, now: Timestamp) -> DbResult<()> {
    const PAIRS: &str = "DELETE FROM token_pair WHERE EXISTS (SELECT 1 FROM token_family f
                          JOIN device d ON d.holder_id = f.holder_id AND d.device_id = f.device_id
                          WHERE f.holder_id = token_pair.holder_id AND f.family_id = token_pair.family_id
                            AND f.ends_at < $1 AND (d.revoked_at IS NULL OR token_pair.successor_id IS NOT NULL))";
    const FAMILIES: &str = "DELETE FROM token_family WHERE ends_at < $1 AND NOT EXISTS (SELECT 1 FROM token_pair p
                             WHERE p.holder_id = token_family.holder_id AND p.family_id = token_family.family_id)";
    let now = now.as_microsecond();
    run!(tx, "DELETE FROM pushed_request WHERE expires_at < $1", now)?;
    run!(tx, "DELETE FROM sign_in_visit WHERE expires_at < $1", now)?;
    // A code that comes again within the hour still ends what it gave.
    run!(tx, "DELETE FROM authorization_code WHERE expires_at < $1", now - 3_600_000_000)?;
    run!(tx, PAIRS, now)?;
    run!(tx, FAMILIES, now).map(drop)
}
