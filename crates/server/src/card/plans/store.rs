//! Rows of plans, and of what moved on them. Moves are only ever added; what is left of a plan goes with them.

use domain::card::PlanOffer;
use domain::ids::{AccountId, HolderId, PlanId, PurchaseId};
use domain::money::{Currency, Money};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, write_later};

/// A plan as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub id: PlanId,
    pub card: AccountId,
    pub purchase: PurchaseId,
    pub name: String,
    pub offer: PlanOffer,
    pub opened_on: Date,
    pub left_minor: i64,
}

/// What moved on a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Some of its purchase went on to it.
    Planned,
    /// The merchant gave something back.
    Refund,
    Payment,
    /// A payment came back.
    Returned,
    /// Its deadline passed: what was left goes on as purchases.
    Landed,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Planned, Self::Refund, Self::Payment, Self::Returned, Self::Landed];

    const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Refund => "refund",
            Self::Payment => "payment",
            Self::Returned => "returned",
            Self::Landed => "landed",
        }
    }
}

/// More of a plan or less, and what made it so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    pub plan: PlanId,
    pub kind: Kind,
    pub amount: Money,
    pub at: Timestamp,
    /// What moved it. Once for each plan and kind.
    pub cause: Uuid,
}

const EQUAL_PAYMENTS: &str = "equal_payments";
const DEFERRED_INTEREST: &str = "deferred_interest";

const fn stored_offer(offer: PlanOffer) -> (&'static str, u8) {
    match offer {
        PlanOffer::EqualPayments { months } => (EQUAL_PAYMENTS, months),
        PlanOffer::DeferredInterest { months } => (DEFERRED_INTEREST, months),
    }
}

#[derive(sqlx::FromRow)]
struct PlanRow {
    plan_id: Uuid,
    card_id: Uuid,
    purchase_id: Uuid,
    name: String,
    offer: String,
    months: i64,
    opened_on: String,
    left_minor: i64,
}

#[derive(sqlx::FromRow)]
struct PlannedRow {
    #[sqlx(flatten)]
    plan: PlanRow,
    amount_minor: i64,
}

impl TryFrom<PlanRow> for Stored {
    type Error = DbError;

    fn try_from(row: PlanRow) -> DbResult<Self> {
        let months = u8::try_from(row.months).map_err(|_| DbError::Corrupt("a plan's months"))?;
        let offer = match row.offer.as_str() {
            EQUAL_PAYMENTS => PlanOffer::EqualPayments { months },
            DEFERRED_INTEREST => PlanOffer::DeferredInterest { months },
            _ => return Err(DbError::Corrupt("a plan's offer")),
        };
        Ok(Self {
            id: PlanId::from_uuid(row.plan_id),
            card: AccountId::from_uuid(row.card_id),
            purchase: PurchaseId::from_uuid(row.purchase_id),
            name: row.name,
            offer,
            opened_on: row.opened_on.parse().map_err(|_| DbError::Corrupt("a day"))?,
            left_minor: row.left_minor,
        })
    }
}

macro_rules! plans {
    ($which:literal) => {
        concat!(
            "SELECT plan_id, card_id, purchase_id, name, offer, months, opened_on, left_minor FROM card_plan WHERE ",
            $which
        )
    };
}

pub(super) async fn add(tx: &mut Tx, holder: HolderId, plan: &Stored) -> DbResult<()> {
    const ADD: &str = "INSERT INTO card_plan (holder_id, plan_id, card_id, purchase_id, name, offer, months, opened_on)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (offer, months) = stored_offer(plan.offer);
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(holder.as_uuid())
            .bind(plan.id.as_uuid())
            .bind(plan.card.as_uuid())
            .bind(plan.purchase.as_uuid())
            .bind(&plan.name)
            .bind(offer)
            .bind(i64::from(months))
            .bind(plan.opened_on.to_string())
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

pub(super) fn find(holder: HolderId, id: PlanId) -> impl Read<Answer = Option<Stored>> {
    const FIND: &str = plans!("holder_id = $1 AND plan_id = $2");
    db::read_row(FIND, [holder.as_uuid().into(), id.as_uuid().into()], |row: Option<PlanRow>| {
        row.map(Stored::try_from).transpose()
    })
}

/// The plan that a purchase is on.
pub(super) fn of_purchase(holder: HolderId, purchase: PurchaseId) -> impl Read<Answer = Option<Stored>> {
    const FIND: &str = plans!("holder_id = $1 AND purchase_id = $2");
    db::read_row(FIND, [holder.as_uuid().into(), purchase.as_uuid().into()], |row: Option<PlanRow>| {
        row.map(Stored::try_from).transpose()
    })
}

/// The plans of a card of which something is left, or moved since then.
macro_rules! of_card {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "holder_id = $1 AND card_id = $2 AND (left_minor > 0 OR plan_id IN
                (SELECT plan_id FROM card_plan_move WHERE holder_id = $1 AND card_id = $2 AND moved_at >= $3))",
            $after
        )
    };
}

/// Those plans, oldest first.
pub(super) fn of_card(holder: HolderId, card: AccountId, since: Timestamp) -> impl Read<Answer = Vec<Stored>> + use<> {
    const LIST: &str = of_card!(
        "SELECT plan_id, card_id, purchase_id, name, offer, months, opened_on, left_minor FROM card_plan WHERE ",
        " ORDER BY opened_on, plan_id"
    );
    let values = [holder.as_uuid().into(), card.as_uuid().into(), since.as_microsecond().into()];
    db::read_rows(LIST, values, |rows: Vec<PlanRow>| rows.into_iter().map(Stored::try_from).collect())
}

/// All that ever moved on those plans, in order.
pub(super) fn moves(
    holder: HolderId,
    card: AccountId,
    currency: Currency,
    since: Timestamp,
) -> impl Read<Answer = Vec<Moved>> + use<> {
    const LIST: &str = of_card!(
        "SELECT plan_id, kind, amount_minor, moved_at, cause_id FROM card_plan_move WHERE holder_id = $1 AND plan_id IN
            (SELECT plan_id FROM card_plan WHERE ",
        ") ORDER BY moved_at, plan_id"
    );
    let values = [holder.as_uuid().into(), card.as_uuid().into(), since.as_microsecond().into()];
    db::read_rows(LIST, values, move |rows: Vec<MoveRow>| rows.into_iter().map(|row| moved(row, currency)).collect())
}

/// What moved on the plans of a card since its last statement closed, also on those that are paid off by now; nothing
/// before the first.
pub(super) fn moves_since_closing(
    holder: HolderId,
    card: AccountId,
    currency: Currency,
) -> impl Read<Answer = Vec<Moved>> + use<> {
    const LIST: &str = "SELECT plan_id, kind, amount_minor, moved_at, cause_id FROM card_plan_move
        WHERE holder_id = $1 AND card_id = $2 AND moved_at >=
            (SELECT MAX(closed_at) FROM statement WHERE holder_id = $1 AND card_id = $2)
        ORDER BY moved_at, plan_id";
    let values = [holder.as_uuid().into(), card.as_uuid().into()];
    db::read_rows(LIST, values, move |rows: Vec<MoveRow>| rows.into_iter().map(|row| moved(row, currency)).collect())
}

type MoveRow = (Uuid, String, i64, i64, Uuid);

fn moved((plan, kind, minor, at, cause): MoveRow, currency: Currency) -> DbResult<Moved> {
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
    Ok(Moved {
        plan: PlanId::from_uuid(plan),
        kind: kind.ok_or(DbError::Corrupt("a plan's move"))?,
        amount: Money::new(minor, currency).map_err(|_| DbError::Corrupt("an amount"))?,
        at: Timestamp::from_microsecond(at).map_err(|_| DbError::Corrupt("a time"))?,
        cause,
    })
}

/// What a payment paid of plans that have not ended since: the plan, and how much less is left of it.
pub(super) async fn paid_by(tx: &mut Tx, holder: HolderId, payment: Uuid) -> DbResult<Vec<(PlanId, i64)>> {
    const LIST: &str = "SELECT m.plan_id, m.amount_minor FROM card_plan_move m
        WHERE m.holder_id = $1 AND m.cause_id = $2 AND m.kind = 'payment' AND NOT EXISTS
            (SELECT 1 FROM card_plan_move l WHERE l.holder_id = m.holder_id AND l.plan_id = m.plan_id AND l.kind = 'landed')";
    let rows: Vec<(Uuid, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(LIST).bind(holder.as_uuid()).bind(payment).fetch_all(db).await.map_err(DbError::from)
    })?;
    Ok(rows.into_iter().map(|(plan, minor)| (PlanId::from_uuid(plan), minor)).collect())
}

/// What one cause put on plans: the plan, and how much; below zero what it took off.
pub(super) fn planned_by(holder: HolderId, cause: Uuid) -> impl Read<Answer = Vec<(Stored, i64)>> {
    const LIST: &str =
        "SELECT c.plan_id, c.card_id, c.purchase_id, c.name, c.offer, c.months, c.opened_on, c.left_minor,
            m.amount_minor
        FROM card_plan_move m JOIN card_plan c ON c.holder_id = m.holder_id AND c.plan_id = m.plan_id
        WHERE m.holder_id = $1 AND m.kind = 'planned' AND m.cause_id = $2 ORDER BY c.opened_on, c.plan_id";
    db::read_rows(LIST, [holder.as_uuid().into(), cause.into()], |rows: Vec<PlannedRow>| {
        rows.into_iter().map(|row| Ok((row.plan.try_into()?, row.amount_minor))).collect()
    })
}

/// Adds a move; the table refuses a second one of the same cause, and one that would leave less than nothing.
pub(super) async fn add_move(tx: &mut Tx, holder: HolderId, card: AccountId, moved: &Moved) -> DbResult<()> {
    const ADD: &str = "INSERT INTO card_plan_move (holder_id, plan_id, kind, cause_id, card_id, amount_minor, moved_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    const LEAVE: &str = "UPDATE card_plan SET left_minor = left_minor + $3 WHERE holder_id = $1 AND plan_id = $2";
    write_later!(
        tx,
        ADD,
        holder.as_uuid(),
        moved.plan.as_uuid(),
        moved.kind.name(),
        moved.cause,
        card.as_uuid(),
        moved.amount.minor(),
        moved.at.as_microsecond(),
    )?;
    write_later!(tx, LEAVE, holder.as_uuid(), moved.plan.as_uuid(), moved.amount.minor())
}
