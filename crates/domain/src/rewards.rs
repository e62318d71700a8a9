//! Rewards (WA3): what a charge on a card of this server earns, when that may be used, and what is left of it. A point is
//! worth one minor unit of the card's currency. This is the one reviewed place of the rates. Nothing here knows a ledger.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::days;
use crate::ids::{AccountId, PurchaseId, PurchaseStepId};
use crate::money::{Currency, Money, MoneyError};

/// What was bought, as the merchant says it. It decides the rate alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum PurchaseCategory {
    Groceries,
    Fuel,
    Travel,
    #[default]
    Other,
}

impl PurchaseCategory {
    pub const ALL: [Self; 4] = [Self::Groceries, Self::Fuel, Self::Travel, Self::Other];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Groceries => "groceries",
            Self::Fuel => "fuel",
            Self::Travel => "travel",
            Self::Other => "other",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    /// Points for each hundred minor units that were charged and not refunded.
    #[must_use]
    pub const fn points_per_hundred(self) -> i64 {
        match self {
            Self::Groceries => 3,
            Self::Fuel | Self::Travel => 2,
            Self::Other => 1,
        }
    }
}

/// A reward is pending for so many days after its charge: what is returned by then has earned nothing.
pub const PENDING_DAYS: i32 = 30;
/// It may be used until so many days after its charge.
pub const GOOD_DAYS: i32 = 2 * 365;
/// So many days before it expires its owner hears of it.
pub const NOTICE_DAYS: i32 = 31;

/// What one charge earned, and what became of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Reward {
    /// The charge that earned it.
    pub charge: PurchaseStepId,
    /// The purchase that was charged; none when a wallet was reloaded.
    pub purchase: Option<PurchaseId>,
    pub card: AccountId,
    /// As it stands on the statement.
    pub description: String,
    pub charged: Money,
    pub earned: Money,
    /// Lowered what is owed on the card.
    pub redeemed: Money,
    /// Taken back because the charge was refunded; more than is left when it was used before.
    pub clawed_back: Money,
    /// Gone to what other rewards of the card owe.
    pub given: Money,
    /// What others gave, because more of this one was taken back than was left.
    pub covered: Money,
    /// What was left when it expired.
    pub lapsed: Money,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub charged_on: Date,
    /// From this day on it may be used.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub available_on: Date,
    /// The last day on which it may.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub good_through: Date,
}

/// How a reward stands on a day; worked out and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RewardState {
    Pending,
    Available,
    /// Nothing of it is left: used, or taken back.
    Spent,
    /// Used before its charge was refunded: rewards to come pay that first.
    Owes,
    Expired,
}

/// What becomes of a reward once it is earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RewardMove {
    Redeemed,
    ClawedBack,
    Given,
    Covered,
    Lapsed,
}

impl RewardMove {
    pub const ALL: [Self; 5] = [Self::Redeemed, Self::ClawedBack, Self::Given, Self::Covered, Self::Lapsed];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redeemed => "redeemed",
            Self::ClawedBack => "clawed_back",
            Self::Given => "given",
            Self::Covered => "covered",
            Self::Lapsed => "lapsed",
        }
    }
}

/// So much of one of several rewards moves; `at` is its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub at: usize,
    pub kind: RewardMove,
    /// Above zero.
    pub minor: i64,
}

impl Reward {
    /// What a charge of this day earned: above zero, and nothing became of it yet.
    #[must_use]
    pub fn of_charge(charge: Charge, earned: Money, charged_on: Date) -> Self {
        let nothing = Money::zero(earned.currency());
        Self {
            charge: charge.id,
            purchase: charge.purchase,
            card: charge.card,
            description: charge.description,
            charged: charge.amount,
            earned,
            redeemed: nothing,
            clawed_back: nothing,
            given: nothing,
            covered: nothing,
            lapsed: nothing,
            charged_on,
            available_on: days::shifted(charged_on, PENDING_DAYS),
            good_through: days::shifted(charged_on, GOOD_DAYS),
        }
    }

    /// What is left of it in minor units; below zero when more was taken back than was left.
    #[must_use]
    pub fn left_minor(&self) -> i64 {
        let gone = [self.redeemed, self.clawed_back, self.given, self.lapsed];
        let came = self.earned.minor().saturating_add(self.covered.minor());
        gone.iter().fold(came, |left, part| left.saturating_sub(part.minor()))
    }

    #[must_use]
    pub fn state(&self, today: Date) -> RewardState {
        match self.left_minor() {
            ..0 => RewardState::Owes,
            _ if self.lapsed.is_positive() => RewardState::Expired,
            0 => RewardState::Spent,
            _ if today < self.available_on => RewardState::Pending,
            _ if today > self.good_through => RewardState::Expired,
            _ => RewardState::Available,
        }
    }

    /// It expires within the notice.
    #[must_use]
    pub fn expires_soon(&self, today: Date) -> bool {
        self.state(today) == RewardState::Available && self.good_through <= days::shifted(today, NOTICE_DAYS)
    }

    /// Notes what became of some of it.
    pub fn note(&mut self, kind: RewardMove, minor: i64) -> Result<(), MoneyError> {
        let sum = match kind {
            RewardMove::Redeemed => &mut self.redeemed,
            RewardMove::ClawedBack => &mut self.clawed_back,
            RewardMove::Given => &mut self.given,
            RewardMove::Covered => &mut self.covered,
            RewardMove::Lapsed => &mut self.lapsed,
        };
        *sum = sum.plus(Money::new(minor, sum.currency())?)?;
        Ok(())
    }

    /// Something is left of it that has not expired.
    fn lives(&self, today: Date) -> bool {
        matches!(self.state(today), RewardState::Pending | RewardState::Available)
    }
}

/// What earns: a charge that posted.
#[derive(Clone, Debug)]
pub struct Charge {
    pub id: PurchaseStepId,
    pub purchase: Option<PurchaseId>,
    pub card: AccountId,
    pub description: String,
    pub amount: Money,
}

/// What charges of so much earn together, in minor units: whole points, rounded down.
#[must_use]
pub const fn points(category: PurchaseCategory, charged_minor: i64) -> i64 {
    if charged_minor <= 0 { 0 } else { charged_minor.saturating_mul(category.points_per_hundred()) / 100 }
}

/// What the next charge of a purchase earns when so much of it stays charged. All charges of a purchase earn together, so
/// that no point is lost between two parcels.
#[must_use]
pub fn earns(category: PurchaseCategory, stays_charged_minor: i64, rewards: &[Reward]) -> i64 {
    points(category, stays_charged_minor).saturating_sub(kept(rewards)).max(0)
}

/// What a refund takes back when so much of a purchase stays charged after it: from what is left first, and then from
/// what was used already, which is owed. What has expired is not taken back again.
#[must_use]
pub fn claw_back(category: PurchaseCategory, stays_charged_minor: i64, rewards: &[Reward]) -> Vec<Moved> {
    let mut to_take = (kept(rewards) - points(category, stays_charged_minor)).max(0);
    let mut parts = vec![0; rewards.len()];
    for past_what_is_left in [false, true] {
        for (reward, part) in rewards.iter().zip(&mut parts) {
            let whole = reward.earned.minor() - reward.clawed_back.minor() - reward.lapsed.minor();
            let most = if past_what_is_left { whole } else { reward.left_minor().clamp(0, whole) };
            let more = (most - *part).min(to_take).max(0);
            *part += more;
            to_take -= more;
        }
    }
    moves_of(RewardMove::ClawedBack, parts)
}

/// Pays what some rewards of a card owe from what others have left, pending or not; what expires first before the rest.
/// Afterwards none owes while another has something left.
#[must_use]
pub fn cover(rewards: &[Reward], today: Date) -> Vec<Moved> {
    let mut given = vec![0; rewards.len()];
    let mut covered = vec![0; rewards.len()];
    let order = by_expiry(rewards);
    for debtor in 0..rewards.len() {
        let mut owes = -rewards[debtor].left_minor();
        for giver in order.iter().copied().filter(|at| rewards[*at].lives(today)) {
            let part = owes.min(rewards[giver].left_minor() - given[giver]).max(0);
            owes -= part;
            given[giver] += part;
            covered[debtor] += part;
        }
    }
    let mut moves = moves_of(RewardMove::Given, given);
    moves.extend(moves_of(RewardMove::Covered, covered));
    moves
}

/// What may be used on a day, in minor units.
#[must_use]
pub fn usable(rewards: &[Reward], today: Date) -> i64 {
    rewards.iter().filter(|one| one.state(today) == RewardState::Available).map(Reward::left_minor).sum()
}

/// Uses an amount of what may be used, what expires first before the rest; never more than `usable`.
#[must_use]
pub fn redeem(rewards: &[Reward], wanted_minor: i64, today: Date) -> Vec<Moved> {
    let mut wanted = wanted_minor;
    let mut parts = vec![0; rewards.len()];
    for at in by_expiry(rewards) {
        if rewards[at].state(today) == RewardState::Available {
            parts[at] = rewards[at].left_minor().min(wanted).max(0);
            wanted -= parts[at];
        }
    }
    moves_of(RewardMove::Redeemed, parts)
}

/// What ends with a day: of all whose last day it was, or an earlier one, what is left.
#[must_use]
pub fn lapse(rewards: &[Reward], day: Date) -> Vec<Moved> {
    let left = |one: &Reward| if one.good_through <= day { one.left_minor().max(0) } else { 0 };
    moves_of(RewardMove::Lapsed, rewards.iter().map(left).collect())
}

/// Earned and not taken back.
fn kept(rewards: &[Reward]) -> i64 {
    rewards.iter().map(|one| one.earned.minor() - one.clawed_back.minor()).sum()
}

fn by_expiry(rewards: &[Reward]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rewards.len()).collect();
    order.sort_by_key(|at| (rewards[*at].good_through, *at));
    order
}

fn moves_of(kind: RewardMove, parts: Vec<i64>) -> Vec<Moved> {
    let moved = parts.into_iter().enumerate().filter(|(_, minor)| *minor > 0);
    moved.map(|(at, minor)| Moved { at, kind, minor }).collect()
}

/// All rewards of a card, by how they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub pending: Money,
    pub available: Money,
    /// Of what is available: it expires within the notice.
    pub expiring: Money,
    /// The first day after which some of that is gone.
    pub expires_after: Option<Date>,
    /// Used before its charge was refunded; the next rewards pay it first.
    pub owed: Money,
}

/// The sums of a card's rewards on a day.
pub fn totals(rewards: &[Reward], currency: Currency, today: Date) -> Result<Totals, MoneyError> {
    let sum = |counts: &dyn Fn(&Reward) -> bool| {
        let left = rewards.iter().filter(|one| counts(one)).map(Reward::left_minor);
        Money::new(left.fold(0, i64::saturating_add), currency)
    };
    let soon = rewards.iter().filter(|one| one.expires_soon(today));
    Ok(Totals {
        pending: sum(&|one| one.state(today) == RewardState::Pending)?,
        available: sum(&|one| one.state(today) == RewardState::Available)?,
        expiring: sum(&|one| one.expires_soon(today))?,
        expires_after: soon.map(|one| one.good_through).min(),
        owed: sum(&|one| one.state(today) == RewardState::Owes)?.negated(),
    })
}

/// What a statement says of rewards. `opening + earned − redeemed − clawed_back − lapsed + transferred = closing` always
/// holds; below zero the card's rewards owe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct RewardsOfCycle {
    pub opening: Money,
    pub earned: Money,
    pub redeemed: Money,
    pub clawed_back: Money,
    pub lapsed: Money,
    /// Came from a card that was lost; below zero where it went to the one in its place, or where what came owed.
    #[serde(default)]
    pub transferred: Option<Money>,
    pub closing: Money,
    /// Of what is there: it expires within the notice, unless it is used.
    pub expiring: Money,
    /// The first day after which some of that is gone.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub expires_after: Option<Date>,
}

impl RewardsOfCycle {
    /// Of a cycle in which so much moved.
    pub fn of(
        opening: Money,
        earned: Money,
        [redeemed, clawed_back, lapsed]: [Money; 3],
        transferred: Money,
    ) -> Result<Self, MoneyError> {
        let closing = opening.plus(earned)?.minus(redeemed)?.minus(clawed_back)?.minus(lapsed)?.plus(transferred)?;
        Ok(Self {
            opening,
            earned,
            redeemed,
            clawed_back,
            lapsed,
            transferred: (!transferred.is_zero()).then_some(transferred),
            closing,
            expiring: Money::zero(opening.currency()),
            expires_after: None,
        })
    }

    /// Nothing was there and nothing came: a statement has nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let sums = [self.opening, self.earned, self.redeemed, self.clawed_back, self.lapsed];
        sums.iter().all(|sum| sum.is_zero()) && self.transferred.is_none()
    }
}

#[cfg(test)]
mod tests;
