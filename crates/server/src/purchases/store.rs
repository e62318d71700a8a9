//! Rows of purchases, their steps, and the merchants that make them.

use domain::ids::{AccountId, HolderId, MerchantId, PurchaseId, PurchaseStepId};
use domain::money::{Currency, Money, MoneyError};
use domain::purchases::{Decline, Progress};
use domain::rewards::PurchaseCategory;
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, write_later};

/// A purchase as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub holder: HolderId,
    pub id: PurchaseId,
    pub card: AccountId,
    pub merchant: MerchantId,
    pub merchant_name: String,
    pub description: String,
    pub category: PurchaseCategory,
    pub amount: Money,
    pub declined: Option<Decline>,
    pub progress: Progress,
    /// Of what is held: reserved in the wallet.
    pub held_by_wallet: Money,
    /// Of what was captured and refunded: what the wallet paid and got.
    pub by_wallet: Money,
    pub back_to_wallet: Money,
    pub asked_at: Timestamp,
    pub holds_until: Date,
    /// When something was captured first.
    pub captured_at: Option<Timestamp>,
    pub disputed_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct PurchaseRow {
    holder_id: Uuid,
    purchase_id: Uuid,
    card_id: Uuid,
    merchant_id: Uuid,
    merchant_name: String,
    description: String,
    category: String,
    amount_minor: i64,
    currency: String,
    declined: Option<String>,
    captured_minor: i64,
    released_minor: i64,
    refunded_minor: i64,
    wallet_held_minor: i64,
    wallet_minor: i64,
    wallet_refunded_minor: i64,
    asked_at: i64,
    holds_until: String,
    captured_at: Option<i64>,
    disputed_at: Option<i64>,
}

fn time(micros: i64) -> DbResult<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| DbError::Corrupt("a time"))
}

impl TryFrom<PurchaseRow> for Stored {
    type Error = DbError;

    fn try_from(row: PurchaseRow) -> DbResult<Self> {
        let currency: Currency = row.currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
        let wrong = |_: MoneyError| DbError::Corrupt("an amount");
        let money = |minor| Money::new(minor, currency).map_err(wrong);
        let declined = row.declined.map(|name| Decline::named(&name).ok_or(DbError::Corrupt("a reason")));
        Ok(Self {
            holder: HolderId::from_uuid(row.holder_id),
            id: PurchaseId::from_uuid(row.purchase_id),
            card: AccountId::from_uuid(row.card_id),
            merchant: MerchantId::from_uuid(row.merchant_id),
            merchant_name: row.merchant_name,
            description: row.description,
            category: PurchaseCategory::named(&row.category).ok_or(DbError::Corrupt("what was bought"))?,
            amount: money(row.amount_minor)?,
            declined: declined.transpose()?,
            progress: Progress {
                approved: money(row.amount_minor)?,
                captured: money(row.captured_minor)?,
                released: money(row.released_minor)?,
                refunded: money(row.refunded_minor)?,
            },
            held_by_wallet: money(row.wallet_held_minor)?,
            by_wallet: money(row.wallet_minor)?,
            back_to_wallet: money(row.wallet_refunded_minor)?,
            asked_at: time(row.asked_at)?,
            holds_until: row.holds_until.parse().map_err(|_| DbError::Corrupt("a day"))?,
            captured_at: row.captured_at.map(time).transpose()?,
            disputed_at: row.disputed_at.map(time).transpose()?,
        })
    }
}

/// Adds a purchase; its id is one of its person's and one of its merchant's.
pub(super) async fn add(tx: &mut Tx, purchase: &Stored) -> DbResult<()> {
    const ADD: &str = "INSERT INTO purchase (holder_id, purchase_id, card_id, merchant_id, merchant_name, description,
            amount_minor, currency, declined, asked_at, holds_until, category, wallet_held_minor)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    write_later!(
        tx,
        ADD,
        purchase.holder.as_uuid(),
        purchase.id.as_uuid(),
        purchase.card.as_uuid(),
        purchase.merchant.as_uuid(),
        &purchase.merchant_name,
        &purchase.description,
        purchase.amount.minor(),
        purchase.amount.currency().code(),
        purchase.declined.map(Decline::name),
        purchase.asked_at.as_microsecond(),
        purchase.holds_until.to_string(),
        purchase.category.name(),
        purchase.held_by_wallet.minor(),
    )
}

macro_rules! purchases {
    ($which:literal) => {
        concat!(
            "SELECT holder_id, purchase_id, card_id, merchant_id, merchant_name, description, category, amount_minor,
                currency, declined, captured_minor, released_minor, refunded_minor, wallet_held_minor, wallet_minor,
                wallet_refunded_minor, asked_at, holds_until, captured_at, disputed_at
             FROM purchase WHERE ",
            $which
        )
    };
}

fn read(row: Option<PurchaseRow>) -> DbResult<Option<Stored>> {
    row.map(Stored::try_from).transpose()
}

/// A merchant's own purchase. Another merchant's is absent.
pub(super) fn of_merchant(merchant: MerchantId, id: PurchaseId) -> impl Read<Answer = Option<Stored>> {
    const FIND: &str = purchases!("merchant_id = $1 AND purchase_id = $2");
    db::read_row(FIND, [merchant.as_uuid().into(), id.as_uuid().into()], read)
}

pub(super) fn find(holder: HolderId, id: PurchaseId) -> impl Read<Answer = Option<Stored>> {
    const FIND: &str = purchases!("holder_id = $1 AND purchase_id = $2");
    db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], read)
}

pub(super) async fn update(tx: &mut Tx, purchase: &Stored) -> DbResult<()> {
    const UPDATE: &str = "UPDATE purchase SET captured_minor = $3, released_minor = $4, refunded_minor = $5,
            wallet_minor = $6, wallet_refunded_minor = $7, captured_at = $8, wallet_held_minor = $9
                           WHERE holder_id = $1 AND purchase_id = $2";
    let progress = &purchase.progress;
    write_later!(
        tx,
        UPDATE,
        purchase.holder.as_uuid(),
        purchase.id.as_uuid(),
        progress.captured.minor(),
        progress.released.minor(),
        progress.refunded.minor(),
        purchase.by_wallet.minor(),
        purchase.back_to_wallet.minor(),
        purchase.captured_at.map(|at| at.as_microsecond()),
        purchase.held_by_wallet.minor(),
    )
}

pub(super) async fn dispute(tx: &mut Tx, holder: HolderId, id: PurchaseId, now: Timestamp) -> DbResult<()> {
    const DISPUTE: &str = "UPDATE purchase SET disputed_at = $3 WHERE holder_id = $1 AND purchase_id = $2";
    write_later!(tx, DISPUTE, holder.as_uuid(), id.as_uuid(), now.as_microsecond())
}

/// A capture or a refund, under the id that the merchant made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub id: PurchaseStepId,
    pub purchase: PurchaseId,
    pub kind: StepKind,
    /// In the purchase's currency.
    pub amount: Money,
    /// Nothing more is captured.
    pub last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    Capture,
    Refund,
}

impl StepKind {
    /// The stored name; it never changes.
    const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
        }
    }
}

pub(super) async fn add_step(tx: &mut Tx, holder: HolderId, step: &Step, now: Timestamp) -> DbResult<()> {
    const ADD: &str = "INSERT INTO purchase_step (holder_id, step_id, purchase_id, kind, amount_minor, last, made_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    write_later!(
        tx,
        ADD,
        holder.as_uuid(),
        step.id.as_uuid(),
        step.purchase.as_uuid(),
        step.kind.name(),
        step.amount.minor(),
        i64::from(step.last),
        now.as_microsecond(),
    )
}

/// When something of a purchase was captured last.
pub(super) async fn last_capture(tx: &mut Tx, holder: HolderId, purchase: PurchaseId) -> DbResult<Option<Timestamp>> {
    const FIND: &str = "SELECT MAX(made_at) FROM purchase_step
                         WHERE holder_id = $1 AND purchase_id = $2 AND kind = 'capture'";
    let at: Option<i64> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND)
            .bind(holder.as_uuid())
            .bind(purchase.as_uuid())
            .fetch_one(db)
            .await
            .map_err(DbError::from)
    })?;
    at.map(|at| Timestamp::from_microsecond(at).map_err(|_| DbError::Corrupt("a time"))).transpose()
}

/// A capture or a refund that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepMade {
    pub kind: StepKind,
    pub amount_minor: i64,
    pub made_at: Timestamp,
}

/// A step of this purchase.
pub(crate) async fn step_of(
    tx: &mut Tx,
    holder: HolderId,
    purchase: PurchaseId,
    step: PurchaseStepId,
) -> DbResult<Option<StepMade>> {
    const FIND: &str = "SELECT kind, amount_minor, made_at FROM purchase_step
                         WHERE holder_id = $1 AND step_id = $2 AND purchase_id = $3";
    let row: Option<(String, i64, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND)
            .bind(holder.as_uuid())
            .bind(step.as_uuid())
            .bind(purchase.as_uuid())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    row.map(|(kind, amount_minor, made_at)| {
        let kind = [StepKind::Capture, StepKind::Refund].into_iter().find(|known| known.name() == kind);
        let kind = kind.ok_or(DbError::Corrupt("a step's kind"))?;
        let made_at = Timestamp::from_microsecond(made_at).map_err(|_| DbError::Corrupt("a time"))?;
        Ok(StepMade { kind, amount_minor, made_at })
    })
    .transpose()
}

/// Whether a step of this id is there: `Some(true)` when it is this very one.
pub(super) fn same_step(holder: HolderId, step: Step) -> impl Read<Answer = Option<bool>> {
    const FIND: &str = "SELECT purchase_id, kind, amount_minor, last FROM purchase_step
                         WHERE holder_id = $1 AND step_id = $2";
    let is_same = move |(purchase, kind, amount, last): (Uuid, String, i64, i64)| {
        purchase == step.purchase.as_uuid()
            && kind == step.kind.name()
            && amount == step.amount.minor()
            && last == i64::from(step.last)
    };
    db::read_row(FIND, [holder.as_uuid().into(), step.id.as_uuid().into()], move |row| Ok(row.map(is_same)))
}

// ---- Merchants ---------------------------------------------------------------------------------------------------

pub(super) async fn add_merchant(
    tx: &mut Tx,
    id: MerchantId,
    name: &str,
    secret_hash: &[u8; 32],
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO merchant (merchant_id, name, secret_hash, made_at) VALUES ($1, $2, $3, $4)";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(id.as_uuid())
            .bind(name)
            .bind(secret_hash.as_slice())
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// The hash of a merchant's secret, unless it has ended.
pub(super) async fn secret_of(tx: &mut Tx, id: MerchantId) -> DbResult<Option<Vec<u8>>> {
    const FIND: &str = "SELECT secret_hash FROM merchant WHERE merchant_id = $1 AND ended_at IS NULL";
    on_engine!(tx, |db| { sqlx::query_scalar(FIND).bind(id.as_uuid()).fetch_optional(db).await.map_err(DbError::from) })
}

pub(super) async fn add_merchant_token(
    tx: &mut Tx,
    hash: &[u8; 32],
    merchant: MerchantId,
    thumbprint: &str,
    ends_at: Timestamp,
) -> DbResult<()> {
    const ADD: &str =
        "INSERT INTO merchant_token (token_hash, merchant_id, thumbprint, ends_at) VALUES ($1, $2, $3, $4)";
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(hash.as_slice())
            .bind(merchant.as_uuid())
            .bind(thumbprint)
            .bind(ends_at.as_microsecond())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// Whose token this is, with the merchant's name, the key it is bound to, and its end.
pub(super) fn merchant_of_token(
    hash: &[u8; 32],
) -> impl Read<Answer = Option<(MerchantId, String, String, Timestamp)>> + use<> {
    const FIND: &str = "SELECT t.merchant_id, m.name, t.thumbprint, t.ends_at FROM merchant_token t
                          JOIN merchant m ON m.merchant_id = t.merchant_id WHERE t.token_hash = $1 AND m.ended_at IS NULL";
    db::read_row(FIND, [hash.to_vec().into()], |row: Option<(Uuid, String, String, i64)>| {
        row.map(|(merchant, name, thumbprint, ends_at)| {
            let ends_at = Timestamp::from_microsecond(ends_at).map_err(|_| DbError::Corrupt("a time"))?;
            Ok((MerchantId::from_uuid(merchant), name, thumbprint, ends_at))
        })
        .transpose()
    })
}

/// Removes tokens that have ended.
pub(super) async fn sweep(tx: &mut Tx, now: Timestamp) -> DbResult<()> {
    const SWEEP: &str = "DELETE FROM merchant_token WHERE ends_at <= $1";
    on_engine!(tx, |db| {
        sqlx::query(SWEEP).bind(now.as_microsecond()).execute(db).await.map(drop).map_err(DbError::from)
    })
}

/// Who sells here, oldest first: id, name, when it was added and ended, and how many cards it may ask.
pub(super) async fn merchants(tx: &mut Tx) -> DbResult<Vec<Listed>> {
    const LIST: &str = "SELECT m.merchant_id, m.name, m.made_at, m.ended_at, CAST((SELECT COUNT(*) FROM card_link l
          WHERE l.merchant_id = m.merchant_id AND l.ended_at IS NULL) AS BIGINT)
        FROM merchant m ORDER BY m.made_at, m.merchant_id";
    let rows: Vec<(Uuid, String, i64, Option<i64>, i64)> =
        on_engine!(tx, |db| sqlx::query_as(LIST).fetch_all(db).await.map_err(DbError::from))?;
    let time = |at| Timestamp::from_microsecond(at).map_err(|_| DbError::Corrupt("a time"));
    rows.into_iter()
        .map(|(id, name, made_at, ended_at, cards)| {
            let id = MerchantId::from_uuid(id);
            Ok(Listed { id, name, made_at: time(made_at)?, ended_at: ended_at.map(time).transpose()?, cards })
        })
        .collect()
}

/// A merchant, as whoever runs the server sees it.
pub struct Listed {
    pub id: MerchantId,
    pub name: String,
    pub made_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// How many cards it may ask.
    pub cards: i64,
}

/// Ends a merchant and its tokens; false when there is none of that id.
pub(super) async fn end_merchant(tx: &mut Tx, id: MerchantId, now: Timestamp) -> DbResult<bool> {
    const END: &str = "UPDATE merchant SET ended_at = COALESCE(ended_at, $2) WHERE merchant_id = $1";
    const END_TOKENS: &str = "DELETE FROM merchant_token WHERE merchant_id = $1";
    let known = on_engine!(tx, |db| {
        sqlx::query(END)
            .bind(id.as_uuid())
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(DbError::from)
    })?;
    write_later!(tx, END_TOKENS, id.as_uuid())?;
    Ok(known)
}
