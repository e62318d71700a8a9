//! Rows of served cards, of the codes their people make and of what merchants got for them.

use domain::card::CardTerms;
use domain::ids::{AccountId, HolderId, MerchantId};
use domain::money::{Currency, Money};
use domain::purchases::{CardStatus, LinkedMerchant};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, rows, write_later};

/// A card as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub id: AccountId,
    pub status: CardStatus,
    pub status_at: Timestamp,
    pub limit: Money,
    pub terms: CardTerms,
    pub opened_on: Date,
    /// Each charge uses the rewards that may be used by then.
    pub rewards_at_checkout: bool,
    /// Each charge is paid from the wallet first.
    pub wallet_at_checkout: bool,
}

type CardRow = (String, i64, i64, String, String, String, i64, i64);

fn card_of(
    id: AccountId,
    (status, status_at, limit, currency, terms, opened_on, rewards, wallet): CardRow,
) -> DbResult<Card> {
    let currency = currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
    Ok(Card {
        id,
        status: CardStatus::named(&status).ok_or(DbError::Corrupt("a card's status"))?,
        status_at: Timestamp::from_microsecond(status_at).map_err(|_| DbError::Corrupt("a time"))?,
        limit: Money::new(limit, currency).map_err(|_| DbError::Corrupt("an amount"))?,
        terms: serde_json::from_str(&terms).map_err(|_| DbError::Corrupt("a card's terms"))?,
        opened_on: opened_on.parse().map_err(|_| DbError::Corrupt("a day"))?,
        rewards_at_checkout: rewards == 1,
        wallet_at_checkout: wallet == 1,
    })
}

pub(super) async fn add(tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<()> {
    const ADD: &str = "INSERT INTO card
        (holder_id, card_id, status, status_at, limit_minor, currency, terms, opened_on)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let terms = serde_json::to_string(&card.terms).map_err(|_| DbError::Corrupt("a card's terms"))?;
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(holder.as_uuid())
            .bind(card.id.as_uuid())
            .bind(card.status.name())
            .bind(card.status_at.as_microsecond())
            .bind(card.limit.minor())
            .bind(card.limit.currency().code())
            .bind(terms)
            .bind(card.opened_on.to_string())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

/// A card of this holder. Another holder's card is absent, not forbidden.
pub(crate) fn find(holder: HolderId, id: AccountId) -> impl Read<Answer = Option<Card>> {
    const FIND: &str = "SELECT status, status_at, limit_minor, currency, terms, opened_on, rewards_at_checkout,
                              wallet_at_checkout FROM card
                         WHERE holder_id = $1 AND card_id = $2";
    db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], move |row: Option<CardRow>| {
        row.map(|row| card_of(id, row)).transpose()
    })
}

/// The cards of a holder that are not lost or closed.
pub(super) async fn count(tx: &mut Tx, holder: HolderId) -> DbResult<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM card WHERE holder_id = $1 AND status IN ('active', 'frozen')";
    on_engine!(tx, |db| sqlx::query_scalar(COUNT).bind(holder.as_uuid()).fetch_one(db).await.map_err(DbError::from))
}

/// The lost cards of a holder in a currency that no other card is in the place of.
pub(super) async fn not_replaced(tx: &mut Tx, holder: HolderId, currency: Currency) -> DbResult<Vec<AccountId>> {
    const LIST: &str = "SELECT card_id FROM card WHERE holder_id = $1 AND currency = $2 AND status = 'lost'
                           AND replaced_by IS NULL ORDER BY status_at, card_id";
    let rows: Vec<(Uuid,)> = rows!(tx, LIST, holder.as_uuid(), currency.code())?;
    Ok(rows.into_iter().map(|(id,)| AccountId::from_uuid(id)).collect())
}

pub(super) async fn set_replaced(tx: &mut Tx, holder: HolderId, lost: AccountId, by: AccountId) -> DbResult<()> {
    const SET: &str = "UPDATE card SET replaced_by = $3 WHERE holder_id = $1 AND card_id = $2";
    write_later!(tx, SET, holder.as_uuid(), lost.as_uuid(), by.as_uuid())
}

/// So many are looked at in one sweep.
const OVER_MAX: i64 = 100;

/// Cards that were over before a moment and are in credit by more than disputes may still take back, the oldest first.
pub(super) async fn over_in_credit(tx: &mut Tx, before: Timestamp) -> DbResult<Vec<(HolderId, AccountId)>> {
    const LIST: &str = "SELECT c.holder_id, c.card_id FROM card c JOIN place_balance b ON b.holder_id = c.holder_id
            AND b.account_id = c.card_id AND b.place = 'owed' AND b.currency = c.currency
        WHERE c.status IN ('lost', 'closed') AND c.status_at <= $1 AND b.amount_minor + COALESCE(
            (SELECT SUM(d.credited_minor) FROM dispute d JOIN purchase p ON p.holder_id = d.holder_id
                AND p.purchase_id = d.purchase_id WHERE p.holder_id = c.holder_id AND p.card_id = c.card_id
                AND d.state IN ('open', 'acknowledged')), 0) < 0
        ORDER BY c.status_at, c.card_id LIMIT $2";
    let rows: Vec<(Uuid, Uuid)> = rows!(tx, LIST, before.as_microsecond(), OVER_MAX)?;
    Ok(rows.into_iter().map(|(holder, card)| (HolderId::from_uuid(holder), AccountId::from_uuid(card))).collect())
}

pub(super) async fn set_status(
    tx: &mut Tx,
    holder: HolderId,
    id: AccountId,
    status: CardStatus,
    now: Timestamp,
) -> DbResult<()> {
    const SET: &str = "UPDATE card SET status = $3, status_at = $4 WHERE holder_id = $1 AND card_id = $2";
    write_later!(tx, SET, holder.as_uuid(), id.as_uuid(), status.name(), now.as_microsecond())
}

/// More people than that of one name are told apart by their ids alone.
const NAMED_MAX: i64 = 50;

pub(super) async fn people_named(tx: &mut Tx, name: &str) -> DbResult<Vec<HolderId>> {
    const FIND: &str = "SELECT holder_id FROM holder WHERE name = $1 ORDER BY created_at, holder_id LIMIT $2";
    let ids: Vec<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND).bind(name).bind(NAMED_MAX).fetch_all(db).await.map_err(DbError::from)
    })?;
    Ok(ids.into_iter().map(HolderId::from_uuid).collect())
}

// ---- Codes -------------------------------------------------------------------------------------------------------

/// Keeps a code in the place of the card's last one.
pub(super) async fn put_code(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    hash: &[u8; 32],
    ends_at: Timestamp,
    approved: bool,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO card_code (holder_id, card_id, code_hash, ends_at, approved)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (holder_id, card_id) DO UPDATE SET
            code_hash = excluded.code_hash, ends_at = excluded.ends_at, approved = excluded.approved";
    write_later!(
        tx,
        PUT,
        holder.as_uuid(),
        card.as_uuid(),
        hash.to_vec(),
        ends_at.as_microsecond(),
        i64::from(approved),
    )
}

/// The hash of a card's code while it is good, approved or not.
pub(super) async fn code_of(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    now: Timestamp,
) -> DbResult<Option<Vec<u8>>> {
    const FIND: &str = "SELECT code_hash FROM card_code WHERE holder_id = $1 AND card_id = $2 AND ends_at > $3";
    on_engine!(tx, |db| {
        sqlx::query_scalar(FIND)
            .bind(holder.as_uuid())
            .bind(card.as_uuid())
            .bind(now.as_microsecond())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })
}

pub(super) async fn approve_code(tx: &mut Tx, holder: HolderId, card: AccountId) -> DbResult<()> {
    const APPROVE: &str = "UPDATE card_code SET approved = 1 WHERE holder_id = $1 AND card_id = $2";
    write_later!(tx, APPROVE, holder.as_uuid(), card.as_uuid())
}

/// Whose card a code is for, when it counts.
pub(super) async fn card_of_code(
    tx: &mut Tx,
    hash: &[u8; 32],
    now: Timestamp,
) -> DbResult<Option<(HolderId, AccountId)>> {
    const FIND: &str =
        "SELECT holder_id, card_id FROM card_code WHERE code_hash = $1 AND ends_at > $2 AND approved = 1";
    let row: Option<(Uuid, Uuid)> = on_engine!(tx, |db| {
        sqlx::query_as(FIND)
            .bind(hash.as_slice())
            .bind(now.as_microsecond())
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(row.map(|(holder, card)| (HolderId::from_uuid(holder), AccountId::from_uuid(card))))
}

pub(super) async fn remove_code(tx: &mut Tx, holder: HolderId, card: AccountId) -> DbResult<()> {
    const REMOVE: &str = "DELETE FROM card_code WHERE holder_id = $1 AND card_id = $2";
    write_later!(tx, REMOVE, holder.as_uuid(), card.as_uuid())
}

// ---- Links -------------------------------------------------------------------------------------------------------

pub(super) async fn add_link(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    merchant: MerchantId,
    hash: &[u8; 32],
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO card_link (token_hash, holder_id, card_id, merchant_id, made_at)
                       VALUES ($1, $2, $3, $4, $5)";
    write_later!(tx, ADD, hash.to_vec(), holder.as_uuid(), card.as_uuid(), merchant.as_uuid(), now.as_microsecond(),)
}

/// The merchants that may ask a card, by name.
pub(super) fn links(holder: HolderId, card: AccountId) -> impl Read<Answer = Vec<LinkedMerchant>> {
    const LIST: &str = "SELECT l.merchant_id, m.name, l.made_at FROM card_link l
          JOIN merchant m ON m.merchant_id = l.merchant_id
         WHERE l.holder_id = $1 AND l.card_id = $2 AND l.ended_at IS NULL ORDER BY m.name, l.merchant_id";
    let read = |(id, name, since): (Uuid, String, i64)| {
        let since = Timestamp::from_microsecond(since).map_err(|_| DbError::Corrupt("a time"))?;
        Ok(LinkedMerchant { id: MerchantId::from_uuid(id), name, since })
    };
    db::read_rows(LIST, [holder.as_uuid().into(), card.as_uuid().into()], move |rows| {
        rows.into_iter().map(read).collect()
    })
}

/// Ends what a merchant holds for a card; false when it holds nothing.
pub(super) async fn end_link(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    merchant: MerchantId,
    now: Timestamp,
) -> DbResult<bool> {
    const END: &str = "UPDATE card_link SET ended_at = $4
        WHERE holder_id = $1 AND card_id = $2 AND merchant_id = $3 AND ended_at IS NULL";
    on_engine!(tx, |db| {
        sqlx::query(END)
            .bind(holder.as_uuid())
            .bind(card.as_uuid())
            .bind(merchant.as_uuid())
            .bind(now.as_microsecond())
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(DbError::from)
    })
}

pub(super) async fn end_links(tx: &mut Tx, holder: HolderId, card: AccountId, now: Timestamp) -> DbResult<()> {
    const END: &str = "UPDATE card_link SET ended_at = $3 WHERE holder_id = $1 AND card_id = $2 AND ended_at IS NULL";
    write_later!(tx, END, holder.as_uuid(), card.as_uuid(), now.as_microsecond())
}

/// The cards that a merchant may ask, always in one order: their rows are locked one after the other.
pub(super) async fn cards_of(tx: &mut Tx, merchant: MerchantId) -> DbResult<Vec<(HolderId, AccountId)>> {
    const LIST: &str = "SELECT holder_id, card_id FROM card_link WHERE merchant_id = $1 AND ended_at IS NULL
                         ORDER BY holder_id, card_id";
    let rows: Vec<(Uuid, Uuid)> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(merchant.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    let ids = |(holder, card)| (HolderId::from_uuid(holder), AccountId::from_uuid(card));
    Ok(rows.into_iter().map(ids).collect())
}

/// What a merchant's token stands for; one that has ended too, so that the person sees who still asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub holder: HolderId,
    pub card: AccountId,
    pub is_open: bool,
}

/// A merchant's token. In another merchant's hands it is none.
pub(crate) fn link(hash: &[u8; 32], merchant: MerchantId) -> impl Read<Answer = Option<Link>> + use<> {
    const FIND: &str = "SELECT holder_id, card_id, ended_at FROM card_link WHERE token_hash = $1 AND merchant_id = $2";
    db::read_row(FIND, [hash.to_vec().into(), merchant.as_uuid().into()], |row: Option<(Uuid, Uuid, Option<i64>)>| {
        Ok(row.map(|(holder, card, ended_at)| Link {
            holder: HolderId::from_uuid(holder),
            card: AccountId::from_uuid(card),
            is_open: ended_at.is_none(),
        }))
    })
}
