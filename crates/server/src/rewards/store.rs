//! Rows of rewards: what each charge earned, and what moved of it since. Moves are only added.

use domain::ids::{AccountId, HolderId, PurchaseId, PurchaseStepId};
use domain::money::{Currency, Money};
use domain::rewards::{Reward, RewardMove};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, row, write_later};

const CORRUPT: DbError = DbError::Corrupt("a reward");

#[derive(sqlx::FromRow)]
struct Row {
    step_id: Uuid,
    purchase_id: Option<Uuid>,
    card_id: Uuid,
    description: String,
    currency: String,
    charged_minor: i64,
    earned_minor: i64,
    redeemed_minor: i64,
    clawed_minor: i64,
    given_minor: i64,
    covered_minor: i64,
    lapsed_minor: i64,
    charged_on: String,
    available_on: String,
    good_through: String,
}

impl TryFrom<Row> for Reward {
    type Error = DbError;

    fn try_from(row: Row) -> DbResult<Self> {
        let currency: Currency = row.currency.parse().map_err(|_| CORRUPT)?;
        let money = |minor| Money::new(minor, currency).map_err(|_| CORRUPT);
        let day = |text: &str| text.parse().map_err(|_| CORRUPT);
        Ok(Self {
            charge: PurchaseStepId::from_uuid(row.step_id),
            purchase: row.purchase_id.map(PurchaseId::from_uuid),
            card: AccountId::from_uuid(row.card_id),
            charged: money(row.charged_minor)?,
            earned: money(row.earned_minor)?,
            redeemed: money(row.redeemed_minor)?,
            clawed_back: money(row.clawed_minor)?,
            given: money(row.given_minor)?,
            covered: money(row.covered_minor)?,
            lapsed: money(row.lapsed_minor)?,
            charged_on: day(&row.charged_on)?,
            available_on: day(&row.available_on)?,
            good_through: day(&row.good_through)?,
            description: row.description,
        })
    }
}

/// The condition after a `WHERE`, for all that is read of rewards. What is open is the condition of the index
/// `reward_open`, word by word.
macro_rules! rewards {
    ($which:literal) => {
        concat!(
            "SELECT step_id, purchase_id, card_id, description, currency, charged_minor, earned_minor, redeemed_minor,
                clawed_minor, given_minor, covered_minor, lapsed_minor, charged_on, available_on, good_through
             FROM reward WHERE holder_id = $1 AND ",
            $which
        )
    };
}

pub(super) async fn add(tx: &mut Tx, holder: HolderId, reward: &Reward, now: Timestamp) -> DbResult<()> {
    const ADD: &str = "INSERT INTO reward (holder_id, step_id, purchase_id, card_id, description, currency,
            charged_minor, earned_minor, charged_on, available_on, good_through, earned_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    write_later!(
        tx,
        ADD,
        holder.as_uuid(),
        reward.charge.as_uuid(),
        reward.purchase.map(|id| id.as_uuid()),
        reward.card.as_uuid(),
        &reward.description,
        reward.earned.currency().code(),
        reward.charged.minor(),
        reward.earned.minor(),
        reward.charged_on.to_string(),
        reward.available_on.to_string(),
        reward.good_through.to_string(),
        now.as_microsecond(),
    )
}

/// What became of a reward since.
pub(super) async fn update(tx: &mut Tx, holder: HolderId, reward: &Reward) -> DbResult<()> {
    const SET: &str = "UPDATE reward SET redeemed_minor = $3, clawed_minor = $4, given_minor = $5, covered_minor = $6,
            lapsed_minor = $7 WHERE holder_id = $1 AND step_id = $2";
    write_later!(
        tx,
        SET,
        holder.as_uuid(),
        reward.charge.as_uuid(),
        reward.redeemed.minor(),
        reward.clawed_back.minor(),
        reward.given.minor(),
        reward.covered.minor(),
        reward.lapsed.minor(),
    )
}

/// One move of one reward. The table refuses the same twice.
pub(super) async fn add_move(
    tx: &mut Tx,
    holder: HolderId,
    reward: &Reward,
    (kind, minor): (RewardMove, i64),
    cause: Uuid,
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO reward_move (holder_id, step_id, kind, cause_id, card_id, amount_minor, moved_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    write_later!(
        tx,
        ADD,
        holder.as_uuid(),
        reward.charge.as_uuid(),
        kind.name(),
        cause,
        reward.card.as_uuid(),
        minor,
        now.as_microsecond(),
    )
}

/// What a purchase earned, the newest charge first.
pub(super) fn of_purchase(holder: HolderId, purchase: PurchaseId) -> impl Read<Answer = Vec<Reward>> {
    const LIST: &str = rewards!("purchase_id = $2 ORDER BY charged_on DESC, step_id DESC");
    db::read_rows(LIST, [holder.as_uuid().into(), purchase.as_uuid().into()], read)
}

/// What the reloads of a card's wallet earned, the newest first; also what went to another card since.
pub(super) fn of_reloads(holder: HolderId, card: AccountId) -> impl Read<Answer = Vec<Reward>> {
    const LIST: &str = rewards!(
        "((card_id = $2 AND first_card_id IS NULL) OR first_card_id = $2) AND purchase_id IS NULL
         ORDER BY charged_on DESC, step_id DESC"
    );
    db::read_rows(LIST, [holder.as_uuid().into(), card.as_uuid().into()], read)
}

pub(super) async fn is_known(tx: &mut Tx, holder: HolderId, charge: Uuid) -> DbResult<bool> {
    const FIND: &str = "SELECT step_id FROM reward WHERE holder_id = $1 AND step_id = $2";
    let found: Option<(Uuid,)> = row!(tx, FIND, holder.as_uuid(), charge)?;
    Ok(found.is_some())
}

/// What may count for a card: all of which something is left, or owed. What expires first comes first.
pub(super) fn open_of_card(holder: HolderId, card: AccountId) -> impl Read<Answer = Vec<Reward>> {
    const LIST: &str = rewards!(
        "card_id = $2 AND earned_minor + covered_minor <> redeemed_minor + clawed_minor + given_minor + lapsed_minor
         ORDER BY good_through, step_id"
    );
    db::read_rows(LIST, [holder.as_uuid().into(), card.as_uuid().into()], read)
}

fn read(rows: Vec<Row>) -> DbResult<Vec<Reward>> {
    rows.into_iter().map(Reward::try_from).collect()
}

/// What counts for the rewards of a card.
pub(super) struct CardRule {
    /// It uses what it may at each charge.
    pub at_checkout: bool,
    /// Some of them owe.
    pub owes: bool,
    /// It was lost, and this card is in its place.
    pub replaced_by: Option<AccountId>,
}

pub(super) fn rule(holder: HolderId, card: AccountId) -> impl Read<Answer = CardRule> {
    const FIND: &str = "SELECT c.rewards_at_checkout, CAST((SELECT COUNT(*) FROM reward
          WHERE reward.holder_id = c.holder_id AND reward.card_id = c.card_id
            AND earned_minor + covered_minor <> redeemed_minor + clawed_minor + given_minor + lapsed_minor
            AND earned_minor + covered_minor < redeemed_minor + clawed_minor + given_minor + lapsed_minor) AS BIGINT),
          c.replaced_by
         FROM card c WHERE c.holder_id = $1 AND c.card_id = $2";
    db::read_row(FIND, [holder.as_uuid().into(), card.as_uuid().into()], |row: Option<(i64, i64, Option<Uuid>)>| {
        let (at_checkout, owing, replaced_by) = row.ok_or(DbError::Corrupt("a reward's card"))?;
        let replaced_by = replaced_by.map(AccountId::from_uuid);
        Ok(CardRule { at_checkout: at_checkout == 1, owes: owing > 0, replaced_by })
    })
}

/// Of which card a use took how much; none when there was none of that id.
pub(super) async fn used(tx: &mut Tx, holder: HolderId, id: Uuid) -> DbResult<Option<(AccountId, i64)>> {
    const SUM: &str = "SELECT card_id, CAST(SUM(amount_minor) AS BIGINT) FROM reward_move
         WHERE holder_id = $1 AND cause_id = $2 AND kind = 'redeemed' GROUP BY card_id";
    let found: Option<(Uuid, i64)> = row!(tx, SUM, holder.as_uuid(), id)?;
    Ok(found.map(|(card, minor)| (AccountId::from_uuid(card), minor)))
}

/// What charges earned on a card from one moment until before another.
pub(super) fn earned_between(
    holder: HolderId,
    card: AccountId,
    (from, until): (Timestamp, Timestamp),
) -> impl Read<Answer = i64> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(earned_minor), 0) AS BIGINT) FROM reward
         WHERE holder_id = $1 AND ((card_id = $2 AND first_card_id IS NULL) OR first_card_id = $2)
           AND earned_at >= $3 AND earned_at < $4";
    let values =
        [holder.as_uuid().into(), card.as_uuid().into(), from.as_microsecond().into(), until.as_microsecond().into()];
    db::read_row(SUM, values, sum)
}

/// A reward goes to another card than the one it is of.
pub(super) async fn set_card(tx: &mut Tx, holder: HolderId, reward: &Reward, to: AccountId) -> DbResult<()> {
    const SET: &str = "UPDATE reward SET first_card_id = COALESCE(first_card_id, card_id), card_id = $3
        WHERE holder_id = $1 AND step_id = $2";
    write_later!(tx, SET, holder.as_uuid(), reward.charge.as_uuid(), to.as_uuid())
}

/// So much was left of what went from one card to another, once for its cause.
pub(super) async fn add_transfer(
    tx: &mut Tx,
    holder: HolderId,
    (from, to): (AccountId, AccountId),
    minor: i64,
    cause: Uuid,
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str =
        "INSERT INTO reward_transfer (holder_id, from_card_id, to_card_id, cause_id, amount_minor, moved_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let (holder, from, to) = (holder.as_uuid(), from.as_uuid(), to.as_uuid());
    write_later!(tx, ADD, holder, from, to, cause, minor, now.as_microsecond())
}

/// What came to a card from others, less what went to others, from one moment until before another.
pub(super) fn transferred_between(
    holder: HolderId,
    card: AccountId,
    (from, until): (Timestamp, Timestamp),
) -> impl Read<Answer = i64> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(CASE WHEN to_card_id = $2 THEN amount_minor ELSE -amount_minor END), 0)
            AS BIGINT) FROM reward_transfer
         WHERE holder_id = $1 AND (to_card_id = $2 OR from_card_id = $2) AND moved_at >= $3 AND moved_at < $4";
    let values =
        [holder.as_uuid().into(), card.as_uuid().into(), from.as_microsecond().into(), until.as_microsecond().into()];
    db::read_row(SUM, values, sum)
}

/// What moved in one way on a card from one moment until before another.
pub(super) fn moved_between(
    holder: HolderId,
    card: AccountId,
    kind: RewardMove,
    (from, until): (Timestamp, Timestamp),
) -> impl Read<Answer = i64> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM reward_move
         WHERE holder_id = $1 AND card_id = $2 AND kind = $3 AND moved_at >= $4 AND moved_at < $5";
    let values = [
        holder.as_uuid().into(),
        card.as_uuid().into(),
        kind.name().into(),
        from.as_microsecond().into(),
        until.as_microsecond().into(),
    ];
    db::read_row(SUM, values, sum)
}

fn sum(row: Option<(i64,)>) -> DbResult<i64> {
    row.map(|(sum,)| sum).ok_or(CORRUPT)
}

/// Whether a card uses what it may at each charge.
pub(super) async fn set_at_checkout(tx: &mut Tx, holder: HolderId, card: AccountId, on: bool) -> DbResult<()> {
    const SET: &str = "UPDATE card SET rewards_at_checkout = $3 WHERE holder_id = $1 AND card_id = $2";
    write_later!(tx, SET, holder.as_uuid(), card.as_uuid(), i64::from(on))
}
