//! Rows of payment methods. What is here of a number is its last four, its token and its fingerprint.

use domain::ids::{HolderId, MethodId, PaymentId};
use domain::methods::{Expiry, Method, MethodKind};
use jiff::Timestamp;
use uuid::Uuid;

use super::tokeniser::Tokenised;
use crate::db::{self, DbError, DbResult, Read, Tx, on_engine};

/// A method that was typed or is live, with what no device is told.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub method: Method,
    pub fingerprint: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    method_id: Uuid,
    kind: String,
    brand: String,
    last_four: String,
    expiry_year: Option<i64>,
    expiry_month: Option<i64>,
    fingerprint: Vec<u8>,
    is_default: i64,
    frozen: i64,
    typed_at: i64,
    added_at: Option<i64>,
    usable_from: Option<i64>,
}

const CORRUPT: DbError = DbError::Corrupt("a payment method");

impl TryFrom<Row> for Kept {
    type Error = DbError;

    fn try_from(row: Row) -> DbResult<Self> {
        let time = |micros| Timestamp::from_microsecond(micros).map_err(|_| CORRUPT);
        let expiry = match (row.expiry_year, row.expiry_month) {
            (Some(year), Some(month)) => Some(Expiry {
                year: i16::try_from(year).map_err(|_| CORRUPT)?,
                month: i8::try_from(month).map_err(|_| CORRUPT)?,
            }),
            _ => None,
        };
        let method = Method {
            id: MethodId::from_uuid(row.method_id),
            kind: MethodKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind).ok_or(CORRUPT)?,
            brand: row.brand,
            last_four: row.last_four,
            expiry,
            is_default: row.is_default == 1,
            frozen: row.frozen == 1,
            added_at: time(row.added_at.unwrap_or(row.typed_at))?,
            usable_from: time(row.usable_from.unwrap_or(row.typed_at))?,
        };
        Ok(Self { method, fingerprint: row.fingerprint })
    }
}

/// Keeps what is left of a number that its person has not said yes to; typing again replaces it.
pub(super) async fn put_typed(tx: &mut Tx, holder: HolderId, method: &Method, tokenised: &Tokenised) -> DbResult<()> {
    const PUT: &str = "INSERT INTO method (holder_id, method_id, state, kind, brand, last_four, expiry_year,
            expiry_month, token, fingerprint, typed_at)
        VALUES ($1, $2, 'typed', $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (holder_id, method_id) DO UPDATE SET brand = excluded.brand, last_four = excluded.last_four,
            expiry_year = excluded.expiry_year, expiry_month = excluded.expiry_month, token = excluded.token,
            fingerprint = excluded.fingerprint, typed_at = excluded.typed_at
        WHERE method.state = 'typed'";
    on_engine!(tx, |db| {
        sqlx::query(PUT)
            .bind(holder.as_uuid())
            .bind(method.id.as_uuid())
            .bind(method.kind.as_str())
            .bind(&method.brand)
            .bind(&method.last_four)
            .bind(method.expiry.map(|expiry| i64::from(expiry.year)))
            .bind(method.expiry.map(|expiry| i64::from(expiry.month)))
            .bind(&tokenised.token)
            .bind(tokenised.fingerprint.as_slice())
            .bind(method.added_at.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// Removes what was typed before then and never said yes to.
pub(super) async fn forget_typed(tx: &mut Tx, holder: HolderId, before: Timestamp) -> DbResult<()> {
    const FORGET: &str = "DELETE FROM method WHERE holder_id = $1 AND state = 'typed' AND typed_at < $2";
    on_engine!(tx, |db| {
        sqlx::query(FORGET)
            .bind(holder.as_uuid())
            .bind(before.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

async fn one(tx: &mut Tx, holder: HolderId, id: MethodId, sql: &'static str) -> DbResult<Option<Kept>> {
    let row: Option<Row> = on_engine!(tx, |db| {
        sqlx::query_as(sql).bind(holder.as_uuid()).bind(id.as_uuid()).fetch_optional(db).await.map_err(DbError::from)
    })?;
    row.map(Kept::try_from).transpose()
}

pub(super) async fn typed(tx: &mut Tx, holder: HolderId, id: MethodId) -> DbResult<Option<Kept>> {
    const FIND: &str = "SELECT method_id, kind, brand, last_four, expiry_year, expiry_month, fingerprint, is_default,
            frozen, typed_at, added_at, usable_from
        FROM method WHERE holder_id = $1 AND method_id = $2 AND state = 'typed'";
    one(tx, holder, id, FIND).await
}

pub(super) async fn find(tx: &mut Tx, holder: HolderId, id: MethodId) -> DbResult<Option<Method>> {
    tx.ask(found(holder, id)).await
}

pub(super) fn found(holder: HolderId, id: MethodId) -> impl Read<Answer = Option<Method>> {
    const FIND: &str = "SELECT method_id, kind, brand, last_four, expiry_year, expiry_month, fingerprint, is_default,
            frozen, typed_at, added_at, usable_from
        FROM method WHERE holder_id = $1 AND method_id = $2 AND state = 'live'";
    db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], |row: Option<Row>| {
        Ok(row.map(Kept::try_from).transpose()?.map(|kept| kept.method))
    })
}

/// All live methods, in the order in which they were made.
pub(super) async fn all(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Kept>> {
    const LIST: &str = "SELECT method_id, kind, brand, last_four, expiry_year, expiry_month, fingerprint, is_default,
            frozen, typed_at, added_at, usable_from
        FROM method WHERE holder_id = $1 AND state = 'live' ORDER BY method_id";
    let rows: Vec<Row> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(holder.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    rows.into_iter().map(Kept::try_from).collect()
}

/// The id is taken, by a method of whatever state.
pub(super) async fn is_known(tx: &mut Tx, holder: HolderId, id: MethodId) -> DbResult<bool> {
    const KNOWN: &str = "SELECT COUNT(*) FROM method WHERE holder_id = $1 AND method_id = $2";
    let count: i64 = on_engine!(tx, |db| {
        sqlx::query_scalar(KNOWN).bind(holder.as_uuid()).bind(id.as_uuid()).fetch_one(db).await.map_err(DbError::from)
    })?;
    Ok(count > 0)
}

/// What was typed is a method from now on; false when nothing was typed, or it is one already.
pub(super) async fn enliven(tx: &mut Tx, holder: HolderId, method: &Method) -> DbResult<bool> {
    const ENLIVEN: &str = "UPDATE method SET state = 'live', added_at = $3, usable_from = $4
                            WHERE holder_id = $1 AND method_id = $2 AND state = 'typed'";
    let done = on_engine!(tx, |db| {
        sqlx::query(ENLIVEN)
            .bind(holder.as_uuid())
            .bind(method.id.as_uuid())
            .bind(method.added_at.as_microsecond())
            .bind(method.usable_from.as_microsecond())
            .execute(db)
            .await
            .map(|done| done.rows_affected())
            .map_err(DbError::from)
    })?;
    Ok(done == 1)
}

pub(super) async fn set_flags(tx: &mut Tx, holder: HolderId, method: &Method) -> DbResult<()> {
    const SET: &str = "UPDATE method SET is_default = $3, frozen = $4 WHERE holder_id = $1 AND method_id = $2";
    on_engine!(tx, |db| {
        sqlx::query(SET)
            .bind(holder.as_uuid())
            .bind(method.id.as_uuid())
            .bind(i64::from(method.is_default))
            .bind(i64::from(method.frozen))
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// Removes a method with its token.
pub(super) async fn remove(tx: &mut Tx, holder: HolderId, id: MethodId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM method WHERE holder_id = $1 AND method_id = $2";
    on_engine!(tx, |db| {
        sqlx::query(REMOVE).bind(holder.as_uuid()).bind(id.as_uuid()).execute(db).await.map(drop).map_err(DbError::from)
    })
}

/// Since when a method is there, and from when it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub added_at: Timestamp,
    pub usable_from: Timestamp,
}

pub(crate) fn times(holder: HolderId, id: MethodId) -> impl Read<Answer = Option<Times>> + use<> {
    const FIND: &str = "SELECT COALESCE(added_at, typed_at), COALESCE(usable_from, typed_at) FROM method
                         WHERE holder_id = $1 AND method_id = $2 AND state = 'live'";
    let values = [holder.as_uuid().into(), id.as_uuid().into()];
    db::read_row(FIND, values, |row: Option<(i64, i64)>| {
        let time = |micros| Timestamp::from_microsecond(micros).map_err(|_| CORRUPT);
        row.map(|(added, usable)| Ok(Times { added_at: time(added)?, usable_from: time(usable)? })).transpose()
    })
}

/// What a rail draws by.
pub(super) fn token(holder: HolderId, id: MethodId) -> impl Read<Answer = Option<String>> {
    const FIND: &str = "SELECT token FROM method WHERE holder_id = $1 AND method_id = $2 AND state = 'live'";
    db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], |row: Option<(String,)>| {
        Ok(row.map(|(token,)| token))
    })
}

/// The payments that a method is still needed for: those that have not left, and those whose handing over may be under
/// way.
pub(super) async fn needed_by(tx: &mut Tx, holder: HolderId, id: MethodId) -> DbResult<Vec<PaymentId>> {
    const LIST: &str = "SELECT payment_id FROM payment WHERE holder_id = $1 AND account_id = $2 AND state IN
            ('awaiting_approval', 'scheduled', 'held', 'insufficient', 'reserved', 'submitting', 'unknown')
        ORDER BY payment_id";
    let ids: Vec<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(LIST).bind(holder.as_uuid()).bind(id.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    Ok(ids.into_iter().map(PaymentId::from_uuid).collect())
}

// ---- the practice tokeniser's own --------------------------------------------------------------------------------

pub(super) async fn sandbox_key(tx: &mut Tx) -> DbResult<Option<Vec<u8>>> {
    const FIND: &str = "SELECT key FROM sandbox_key";
    on_engine!(tx, |db| sqlx::query_scalar(FIND).fetch_optional(db).await.map_err(DbError::from))
}

/// Keeps the key unless there is one, and gives the one that is kept.
pub(super) async fn keep_sandbox_key(tx: &mut Tx, fresh: &[u8]) -> DbResult<Vec<u8>> {
    const KEEP: &str = "INSERT INTO sandbox_key (single, key) VALUES (1, $1) ON CONFLICT (single) DO NOTHING";
    on_engine!(tx, |db| sqlx::query(KEEP).bind(fresh).execute(db).await.map(drop).map_err(DbError::from))?;
    sandbox_key(tx).await?.ok_or(DbError::Corrupt("the practice tokeniser's key"))
}
