//! Rows of codes and of messages that are still to be sent.

use domain::addresses::{AddressKind, AddressValue, Language};
use domain::ids::{CodeId, HolderId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, on_engine, run};

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

// ---- codes -------------------------------------------------------------------------------------------------------

/// A code that was asked for.
pub struct CodeRow<'a> {
    pub id: CodeId,
    pub purpose: &'static str,
    pub bound_to: &'a [u8],
    pub expires_at: Timestamp,
}

pub async fn put_code(tx: &mut Tx, holder: HolderId, code: &CodeRow<'_>) -> DbResult<()> {
    const PUT: &str = "INSERT INTO mail_code (holder_id, code_id, purpose, bound_to, expires_at)
                       VALUES ($1, $2, $3, $4, $5)";
    let ends_at = code.expires_at.as_microsecond();
    run!(tx, PUT, holder.as_uuid(), code.id.as_uuid(), code.purpose, code.bound_to, ends_at).map(drop)
}

/// Who tries a code, and for what: only so is it found.
pub struct Asked<'a> {
    pub purpose: &'static str,
    pub bound_to: &'a [u8],
    pub now: Timestamp,
    pub tries_max: i64,
}

pub struct KeptCode {
    /// None until it is sent.
    pub hash: Option<[u8; 32]>,
    /// This one included.
    pub tries: i64,
}

/// Counts one more try of a code that is good, and locks its row; none when it is over, for something else or tried up.
pub async fn take_try(tx: &mut Tx, holder: HolderId, code: CodeId, asked: &Asked<'_>) -> DbResult<Option<KeptCode>> {
    const TAKE: &str = "UPDATE mail_code SET tries = tries + 1
                         WHERE holder_id = $1 AND code_id = $2 AND purpose = $3 AND bound_to = $4
                           AND expires_at > $5 AND tries < $6
                         RETURNING code_hash, tries";
    let row: Option<(Option<Vec<u8>>, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(TAKE)
            .bind(holder.as_uuid())
            .bind(code.as_uuid())
            .bind(asked.purpose)
            .bind(asked.bound_to)
            .bind(asked.now.as_microsecond())
            .bind(asked.tries_max)
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    let Some((hash, tries)) = row else { return Ok(None) };
    let hash = hash.map(<[u8; 32]>::try_from).transpose().map_err(|_| DbError::Corrupt("a code"))?;
    Ok(Some(KeptCode { hash, tries }))
}

/// A try that was right is none of the few.
pub async fn give_try_back(tx: &mut Tx, holder: HolderId, code: CodeId) -> DbResult<()> {
    const SET: &str = "UPDATE mail_code SET tries = tries - 1 WHERE holder_id = $1 AND code_id = $2";
    run!(tx, SET, holder.as_uuid(), code.as_uuid()).map(drop)
}

/// The code that was asked for last, for this purpose and visit; ids are made in order.
pub async fn newest_code(tx: &mut Tx, holder: HolderId, purpose: &str, bound_to: &[u8]) -> DbResult<Option<CodeId>> {
    const FIND: &str = "SELECT code_id FROM mail_code WHERE holder_id = $1 AND purpose = $2 AND bound_to = $3
                         ORDER BY code_id DESC LIMIT 1";
    let code: Option<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND)
            .bind(holder.as_uuid())
            .bind(purpose)
            .bind(bound_to)
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(code.map(CodeId::from_uuid))
}

/// The code that leaves now, in place of one that may have left before; false when nobody waits for it any more.
pub async fn set_code(
    tx: &mut Tx,
    holder: HolderId,
    code: CodeId,
    hash: &[u8; 32],
    expires_at: Timestamp,
) -> DbResult<bool> {
    const SET: &str = "UPDATE mail_code SET code_hash = $3, expires_at = $4 WHERE holder_id = $1 AND code_id = $2";
    let ends_at = expires_at.as_microsecond();
    Ok(run!(tx, SET, holder.as_uuid(), code.as_uuid(), hash.as_slice(), ends_at)? == 1)
}

pub async fn remove_code(tx: &mut Tx, holder: HolderId, code: CodeId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM mail_code WHERE holder_id = $1 AND code_id = $2";
    run!(tx, REMOVE, holder.as_uuid(), code.as_uuid()).map(drop)
}

pub async fn sweep(tx: &mut Tx, now: Timestamp) -> DbResult<()> {
    run!(tx, "DELETE FROM mail_code WHERE expires_at < $1", now.as_microsecond()).map(drop)
}

// ---- messages ----------------------------------------------------------------------------------------------------

pub async fn put_message(
    tx: &mut Tx,
    holder: HolderId,
    id: Uuid,
    to: &AddressValue,
    matter: &str,
    now: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO mail_message (holder_id, message_id, kind, address, matter, made_at)
                       VALUES ($1, $2, $3, $4, $5, $6)";
    run!(tx, PUT, holder.as_uuid(), id, to.kind().as_str(), to.text(), matter, now.as_microsecond()).map(drop)
}

pub struct Message {
    pub to: AddressValue,
    pub matter: String,
    pub made_at: Timestamp,
}

pub async fn message(tx: &mut Tx, holder: HolderId, id: Uuid) -> DbResult<Option<Message>> {
    const FIND: &str =
        "SELECT kind, address, matter, made_at FROM mail_message WHERE holder_id = $1 AND message_id = $2";
    let row: Option<(String, String, String, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND).bind(holder.as_uuid()).bind(id).fetch_optional(db).await.map_err(DbError::from)
    })?;
    let Some((kind, address, matter, made_at)) = row else { return Ok(None) };
    Ok(Some(Message { to: read_address(&kind, &address)?, matter, made_at: time(made_at)? }))
}

/// An address as it was stored.
pub fn read_address(kind: &str, address: &str) -> DbResult<AddressValue> {
    let kind = match kind {
        "email" => AddressKind::Email,
        "phone" => AddressKind::Phone,
        _ => return Err(DbError::Corrupt("a kind of address")),
    };
    AddressValue::parse(kind, address).map_err(|_| DbError::Corrupt("an address"))
}

pub async fn remove_message(tx: &mut Tx, holder: HolderId, id: Uuid) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM mail_message WHERE holder_id = $1 AND message_id = $2";
    run!(tx, REMOVE, holder.as_uuid(), id).map(drop)
}

// ---- the language ------------------------------------------------------------------------------------------------

pub async fn put_language(tx: &mut Tx, holder: HolderId, language: Language) -> DbResult<()> {
    run!(tx, "UPDATE holder SET language = $2 WHERE holder_id = $1", holder.as_uuid(), language.as_str()).map(drop)
}

pub async fn language(tx: &mut Tx, holder: HolderId) -> DbResult<Language> {
    let name: Option<String> = on_engine!(tx, |db| {
        sqlx::query_scalar("SELECT language FROM holder WHERE holder_id = $1")
            .bind(holder.as_uuid())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(name.as_deref().and_then(Language::named).unwrap_or_default())
}
