//! Rows of passwords and authenticator apps. Hashes and keys leave here only for a comparison.

use domain::addresses::AddressValue;
use domain::ids::{FactorId, HolderId};
use domain::ways_in::{FactorKind, PasswordWay, WaysIn};
use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::super::store::time;
use crate::App;
use crate::addresses;
use crate::db::{DbError, DbResult, Tx, one, row, rows, run};
use crate::seals::{KeyId, Sealed};

// ---- passwords ---------------------------------------------------------------------------------------------------

#[derive(FromRow)]
struct PasswordRow {
    holder_id: Uuid,
    name: String,
    hash: String,
    long: i64,
    kept: i64,
    changed_at: i64,
    last_used_at: Option<i64>,
    codes_until: i64,
}

/// A password as it is kept.
pub struct KeptPassword {
    pub holder: HolderId,
    /// The account's name at sign-in.
    pub name: String,
    pub hash: String,
    pub way: PasswordWay,
    pub changed_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// Microseconds since 1970.
    pub codes_until: i64,
}

impl PasswordRow {
    fn read(self) -> DbResult<KeptPassword> {
        Ok(KeptPassword {
            holder: HolderId::from_uuid(self.holder_id),
            name: self.name,
            hash: self.hash,
            way: PasswordWay { long: self.long == 1, kept: self.kept == 1 },
            changed_at: time(self.changed_at)?,
            last_used_at: self.last_used_at.map(time).transpose()?,
            codes_until: self.codes_until,
        })
    }
}

pub async fn password(tx: &mut Tx, holder: HolderId) -> DbResult<Option<KeptPassword>> {
    const FIND: &str = "SELECT * FROM password WHERE holder_id = $1";
    let row: Option<PasswordRow> = row!(tx, FIND, holder.as_uuid())?;
    row.map(PasswordRow::read).transpose()
}

/// Whose account is called so.
pub async fn password_of_name(tx: &mut Tx, name_key: &str) -> DbResult<Option<KeptPassword>> {
    let row: Option<PasswordRow> = row!(tx, "SELECT * FROM password WHERE name_key = $1", name_key)?;
    row.map(PasswordRow::read).transpose()
}

pub async fn name_is_taken(tx: &mut Tx, name_key: &str) -> DbResult<bool> {
    let found: Option<Uuid> = one!(tx, "SELECT holder_id FROM password WHERE name_key = $1", name_key)?;
    Ok(found.is_some())
}

/// A password that an account did not have.
pub async fn put_password(
    tx: &mut Tx,
    holder: HolderId,
    (name, name_key): (&str, &str),
    hash: &str,
    long: bool,
    now: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO password (holder_id, name, name_key, hash, long, changed_at)
                       VALUES ($1, $2, $3, $4, $5, $6)";
    let now = now.as_microsecond();
    run!(tx, PUT, holder.as_uuid(), name, name_key, hash, i64::from(long), now).map(drop)
}

/// Another password; false when there is none to change.
pub async fn change_password(tx: &mut Tx, holder: HolderId, hash: &str, long: bool, now: Timestamp) -> DbResult<bool> {
    const SET: &str = "UPDATE password SET hash = $2, long = $3, changed_at = $4, codes_until = 0 WHERE holder_id = $1";
    Ok(run!(tx, SET, holder.as_uuid(), hash, i64::from(long), now.as_microsecond())? == 1)
}

pub async fn keep_password(tx: &mut Tx, holder: HolderId, kept: bool) -> DbResult<()> {
    run!(tx, "UPDATE password SET kept = $2 WHERE holder_id = $1", holder.as_uuid(), i64::from(kept)).map(drop)
}

pub async fn remove_password(tx: &mut Tx, holder: HolderId) -> DbResult<()> {
    run!(tx, "DELETE FROM password WHERE holder_id = $1", holder.as_uuid()).map(drop)
}

/// The same password at another cost.
pub async fn raise_password(tx: &mut Tx, holder: HolderId, before: &str, hash: &str) -> DbResult<()> {
    const SET: &str = "UPDATE password SET hash = $3 WHERE holder_id = $1 AND hash = $2";
    run!(tx, SET, holder.as_uuid(), before, hash).map(drop)
}

/// It let somebody in: wrong codes before are forgotten.
pub async fn note_password_use(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<()> {
    const SET: &str = "UPDATE password SET last_used_at = $2, codes_until = 0 WHERE holder_id = $1";
    run!(tx, SET, holder.as_uuid(), now.as_microsecond()).map(drop)
}

/// A code beside the password was wrong.
pub async fn set_codes_until(tx: &mut Tx, holder: HolderId, until: i64) -> DbResult<()> {
    const SET: &str = "UPDATE password SET codes_until = $2 WHERE holder_id = $1";
    run!(tx, SET, holder.as_uuid(), until).map(drop)
}

// ---- authenticator apps ------------------------------------------------------------------------------------------

#[derive(FromRow)]
struct TotpRow {
    factor_id: Uuid,
    name: String,
    secret: Vec<u8>,
    sealed_by: Option<i64>,
    created_at: i64,
    last_used_at: Option<i64>,
}

/// An authenticator app of an account; its key is sealed.
pub struct KeptTotp {
    pub id: FactorId,
    pub name: String,
    pub secret: Sealed,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

impl TotpRow {
    fn read(self) -> DbResult<KeptTotp> {
        Ok(KeptTotp {
            id: FactorId::from_uuid(self.factor_id),
            name: self.name,
            // A row of before keys were sealed was sealed when this server started.
            secret: Sealed {
                key: KeyId(self.sealed_by.ok_or(DbError::Corrupt("an authenticator's key that is not sealed"))?),
                bytes: self.secret,
            },
            created_at: time(self.created_at)?,
            last_used_at: self.last_used_at.map(time).transpose()?,
        })
    }
}

/// A holder's authenticator apps, oldest first.
pub async fn totps(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<KeptTotp>> {
    const LIST: &str = "SELECT factor_id, name, secret, sealed_by, created_at, last_used_at FROM totp
                         WHERE holder_id = $1 ORDER BY created_at, factor_id";
    let rows: Vec<TotpRow> = rows!(tx, LIST, holder.as_uuid())?;
    rows.into_iter().map(TotpRow::read).collect()
}

/// A new one, whose code of this step was just shown.
pub async fn put_totp(
    tx: &mut Tx,
    holder: HolderId,
    id: FactorId,
    name: &str,
    secret: &Sealed,
    step: i64,
    now: Timestamp,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO totp (holder_id, factor_id, name, secret, sealed_by, step, created_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (by, secret) = (secret.key.0, secret.bytes.as_slice());
    run!(tx, PUT, holder.as_uuid(), id.as_uuid(), name, secret, by, step, now.as_microsecond()).map(drop)
}

/// An authenticator's key that is not sealed by the newest key: sealed by an older one, or not at all.
pub struct OldTotp {
    pub holder: HolderId,
    pub id: FactorId,
    pub secret: Vec<u8>,
    pub sealed_by: Option<KeyId>,
}

/// Some of them.
pub async fn old_totps(tx: &mut Tx, newest: KeyId, most: i64) -> DbResult<Vec<OldTotp>> {
    const LIST: &str = "SELECT holder_id, factor_id, secret, sealed_by FROM totp
                         WHERE sealed_by IS NULL OR sealed_by <> $1 ORDER BY holder_id, factor_id LIMIT $2";
    type Row = (Uuid, Uuid, Vec<u8>, Option<i64>);
    let rows: Vec<Row> = rows!(tx, LIST, newest.0, most)?;
    let read = |(holder, id, secret, by): Row| OldTotp {
        holder: HolderId::from_uuid(holder),
        id: FactorId::from_uuid(id),
        secret,
        sealed_by: by.map(KeyId),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The same key, sealed anew; false when somebody else did so meanwhile.
pub async fn reseal_totp(tx: &mut Tx, old: &OldTotp, sealed: &Sealed) -> DbResult<bool> {
    const SET: &str = "UPDATE totp SET secret = $3, sealed_by = $4
                        WHERE holder_id = $1 AND factor_id = $2 AND secret = $5";
    let (holder, id) = (old.holder.as_uuid(), old.id.as_uuid());
    Ok(run!(tx, SET, holder, id, sealed.bytes.as_slice(), sealed.key.0, old.secret.as_slice())? == 1)
}

/// The key stands as it was before keys were sealed.
#[cfg(test)]
pub async fn lay_open(tx: &mut Tx, holder: HolderId, secret: &[u8]) -> DbResult<()> {
    const SET: &str = "UPDATE totp SET secret = $2, sealed_by = NULL WHERE holder_id = $1";
    run!(tx, SET, holder.as_uuid(), secret).map(drop)
}

/// Uses the code of a step. False when it, or a later one, was used before.
pub async fn use_totp(tx: &mut Tx, holder: HolderId, id: FactorId, step: i64, now: Timestamp) -> DbResult<bool> {
    const USE: &str =
        "UPDATE totp SET step = $3, last_used_at = $4 WHERE holder_id = $1 AND factor_id = $2 AND step < $3";
    Ok(run!(tx, USE, holder.as_uuid(), id.as_uuid(), step, now.as_microsecond())? == 1)
}

/// False when there is no such app.
pub async fn name_totp(tx: &mut Tx, holder: HolderId, id: FactorId, name: &str) -> DbResult<bool> {
    const SET: &str = "UPDATE totp SET name = $3 WHERE holder_id = $1 AND factor_id = $2";
    Ok(run!(tx, SET, holder.as_uuid(), id.as_uuid(), name)? == 1)
}

pub async fn remove_totp(tx: &mut Tx, holder: HolderId, id: FactorId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM totp WHERE holder_id = $1 AND factor_id = $2";
    run!(tx, REMOVE, holder.as_uuid(), id.as_uuid()).map(drop)
}

// ---- all of it ---------------------------------------------------------------------------------------------------

/// What an account has to let its person in. A confirmed address counts as a factor where this server writes to it.
pub async fn ways_in(tx: &mut Tx, app: &App, holder: HolderId) -> DbResult<WaysIn> {
    let addresses = addresses::taking_codes(tx, app, holder).await?;
    ways_with(tx, holder, &addresses).await
}

/// The same without addresses that are leaving: what is left once they are gone.
pub async fn lasting_ways_in(tx: &mut Tx, app: &App, holder: HolderId) -> DbResult<WaysIn> {
    let addresses = addresses::keeping_codes(tx, app, holder).await?;
    ways_with(tx, holder, &addresses).await
}

async fn ways_with(tx: &mut Tx, holder: HolderId, addresses: &[AddressValue]) -> DbResult<WaysIn> {
    const PASSKEYS: &str = "SELECT COUNT(*) FROM passkey WHERE holder_id = $1";
    const TOTPS: &str = "SELECT COUNT(*) FROM totp WHERE holder_id = $1";
    let passkeys: Option<i64> = one!(tx, PASSKEYS, holder.as_uuid())?;
    let totps: Option<i64> = one!(tx, TOTPS, holder.as_uuid())?;
    let count = |rows: Option<i64>| usize::try_from(rows.unwrap_or(0)).unwrap_or(0);
    let mut factors = vec![FactorKind::Totp; count(totps)];
    factors.extend(addresses.iter().map(|to| addresses::factor_of(to.kind())));
    Ok(WaysIn { passkeys: count(passkeys), password: password(tx, holder).await?.map(|kept| kept.way), factors })
}
