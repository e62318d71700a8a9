//! Purchases on a served card: authorised, captured as goods leave, voided, refunded (CA5). What is held and what is
//! captured never goes beyond what was approved. Nothing here knows a merchant's protocol or a ledger.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::card::{Asked, StatementLeft};
use crate::ids::{AccountId, MerchantId, PlanId, PurchaseId};
use crate::money::{Money, MoneyError};
use crate::standing::{RestraintLevel, Standing};

/// A purchase as its person sees it: approved or declined, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Purchase {
    pub id: PurchaseId,
    pub card: AccountId,
    /// As the merchant was called when it asked.
    pub merchant: String,
    /// As the merchant said it; it stands on the statement.
    pub description: String,
    pub amount: Money,
    /// Why it was declined; absent when it was approved.
    pub declined: Option<Decline>,
    /// Approved, and neither captured nor given back: it lessens the credit, as far as the wallet does not have it.
    pub held: Money,
    /// Of that: reserved in the wallet.
    #[serde(default)]
    pub held_by_wallet: Option<Money>,
    pub captured: Money,
    /// Of that: paid by the wallet, so that the card's own lines are so much less.
    #[serde(default)]
    pub captured_by_wallet: Option<Money>,
    /// Of what was captured.
    pub refunded: Money,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub asked_at: Timestamp,
    /// The last day on which it is held.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub holds_until: Date,
    /// When something of it was captured first: it is on the statement of that cycle.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub captured_at: Option<Timestamp>,
    /// While something of it is in dispute: since when.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub disputed_at: Option<Timestamp>,
    /// What of it may still be disputed: charged to the card, not refunded, and neither in dispute nor decided for its person.
    #[serde(default)]
    pub disputable: Option<Money>,
    /// The same of what the wallet paid: it is given back on the card.
    #[serde(default)]
    pub disputable_of_wallet: Option<Money>,
    /// The plan that its person chose for it.
    #[serde(default)]
    pub plan: Option<PlanId>,
}

/// A merchant that may ask a card to pay, because its person said so with a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LinkedMerchant {
    pub id: MerchantId,
    pub name: String,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub since: Timestamp,
}

/// What a card of this server has and a linked one has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ServedCard {
    pub status: CardStatus,
    /// Since when.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub status_at: Timestamp,
    pub limit: Money,
    /// Each charge uses the rewards that may be used by then.
    #[serde(default)]
    pub rewards_at_checkout: bool,
    /// By name.
    #[serde(default)]
    pub merchants: Vec<LinkedMerchant>,
    /// What is left of the last statement's minimum.
    #[serde(default)]
    pub minimum_left: Option<Money>,
    /// Of it: what is left of the installments of plans.
    #[serde(default)]
    pub asked: Vec<Asked>,
    /// Absent before the first statement, and in what an older server told.
    #[serde(default)]
    pub statement_left: Option<StatementLeft>,
}

/// Whether a served card takes purchases (CA2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum CardStatus {
    Active,
    /// New purchases are declined; payments, refunds and what was approved before go on. It can be taken back.
    Frozen,
    /// As frozen, for good: what merchants hold has ended, and another card is opened.
    Lost,
    /// As lost, by the issuer. What is owed is still paid.
    Closed,
}

impl CardStatus {
    pub const ALL: [Self; 4] = [Self::Active, Self::Frozen, Self::Lost, Self::Closed];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Lost => "lost",
            Self::Closed => "closed",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether one may follow the other. What is lost stays lost, and what is closed stays closed.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Active | Self::Frozen => true,
            Self::Lost => matches!(next, Self::Lost | Self::Closed),
            Self::Closed => matches!(next, Self::Closed),
        }
    }

    /// Whether it can be active again some day.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Lost | Self::Closed)
    }

    /// Whether so much may be paid to a card on which that is owed, in the card's currency. To a card that is over what is
    /// owed is still paid and nothing beyond it, for nobody could spend that there.
    #[must_use]
    pub const fn takes_payment(self, owed: Money, amount: Money) -> bool {
        !self.is_over() || amount.minor() <= owed.minor()
    }
}

/// Why a purchase is declined. The person sees it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Decline {
    Frozen,
    Lost,
    Closed,
    /// The account is restricted: nothing new for now.
    Restricted,
    /// The account is locked: no money leaves.
    Locked,
    /// The person ended what this merchant held.
    Unlinked,
    /// The card is kept in another currency.
    Currency,
    /// More than the credit that is left.
    OverLimit,
}

impl Decline {
    pub const ALL: [Self; 8] = [
        Self::Frozen,
        Self::Lost,
        Self::Closed,
        Self::Restricted,
        Self::Locked,
        Self::Unlinked,
        Self::Currency,
        Self::OverLimit,
    ];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Lost => "lost",
            Self::Closed => "closed",
            Self::Restricted => "restricted",
            Self::Locked => "locked",
            Self::Unlinked => "unlinked",
            Self::Currency => "currency",
            Self::OverLimit => "over_limit",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decline| decline.name() == name)
    }
}

/// The credit that is left: the limit less what is owed and what is held. Being in credit adds to it; interest beyond
/// the limit takes it below zero.
pub fn credit_left(limit: Money, owed: Money, held: Money) -> Result<Money, MoneyError> {
    limit.minus(owed)?.minus(held)
}

/// What a new purchase is decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskFacts {
    pub status: CardStatus,
    pub standing: Standing,
    /// The merchant may still ask.
    pub is_linked: bool,
    pub credit_left: Money,
    /// What the card has of it; zero where its wallet pays all, which needs no credit.
    pub amount: Money,
}

/// Decides on a new purchase. Of several reasons the one is named that its person can do most about.
pub fn decide(facts: &AskFacts) -> Result<(), Decline> {
    match facts.status {
        CardStatus::Frozen => return Err(Decline::Frozen),
        CardStatus::Lost => return Err(Decline::Lost),
        CardStatus::Closed => return Err(Decline::Closed),
        CardStatus::Active => {}
    }
    match facts.standing.level() {
        Some(RestraintLevel::Restricted) => return Err(Decline::Restricted),
        Some(RestraintLevel::Locked | RestraintLevel::Suspended) => return Err(Decline::Locked),
        None => {}
    }
    if !facts.is_linked {
        return Err(Decline::Unlinked);
    }
    if facts.amount.currency() != facts.credit_left.currency() {
        return Err(Decline::Currency);
    }
    let is_over = facts.amount.is_positive() && facts.amount.minor() > facts.credit_left.minor();
    if is_over { Err(Decline::OverLimit) } else { Ok(()) }
}

/// How far an approved purchase has come. `approved = held + captured + released` always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub approved: Money,
    pub captured: Money,
    /// Given back to the credit: voided, expired, or left over by the last capture.
    pub released: Money,
    /// Of what was captured.
    pub refunded: Money,
}

/// Why a step of a purchase is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseError {
    #[error("the amount must be above zero, in the purchase's currency")]
    Amount,
    #[error("more than what is still held")]
    AboveHeld,
    #[error("nothing is held any more")]
    NothingHeld,
    #[error("more than what was captured and not refunded")]
    AboveCaptured,
}

/// The last day on which an approved amount is held: 30 days, as goods that are made to order take.
pub const HOLD_DAYS: i32 = 30;

impl Progress {
    #[must_use]
    pub const fn approved(amount: Money) -> Self {
        let zero = Money::zero(amount.currency());
        Self { approved: amount, captured: zero, released: zero, refunded: zero }
    }

    pub fn held(&self) -> Result<Money, MoneyError> {
        self.approved.minus(self.captured)?.minus(self.released)
    }

    /// What the merchant may still refund.
    pub fn refundable(&self) -> Result<Money, MoneyError> {
        self.captured.minus(self.refunded)
    }

    /// Takes some of what is held; with the last capture the rest is given back. Answers the progress and that rest.
    pub fn capture(mut self, amount: Money, last: bool) -> Result<(Self, Money), PurchaseError> {
        let held = self.held().map_err(|_| PurchaseError::Amount)?;
        self.check(amount)?;
        if !held.is_positive() {
            return Err(PurchaseError::NothingHeld);
        }
        let rest = held.minus(amount).map_err(|_| PurchaseError::Amount)?;
        if rest.is_negative() {
            return Err(PurchaseError::AboveHeld);
        }
        self.captured = self.captured.plus(amount).map_err(|_| PurchaseError::Amount)?;
        let rest = if last { rest } else { Money::zero(amount.currency()) };
        self.released = self.released.plus(rest).map_err(|_| PurchaseError::Amount)?;
        Ok((self, rest))
    }

    /// Gives back all that is held: a void, or the end of the hold. Answers the progress and how much that was.
    pub fn release(mut self) -> Result<(Self, Money), PurchaseError> {
        let held = self.held().map_err(|_| PurchaseError::Amount)?;
        if !held.is_positive() {
            return Err(PurchaseError::NothingHeld);
        }
        self.released = self.released.plus(held).map_err(|_| PurchaseError::Amount)?;
        Ok((self, held))
    }

    pub fn refund(mut self, amount: Money) -> Result<Self, PurchaseError> {
        self.check(amount)?;
        let left = self.refundable().map_err(|_| PurchaseError::Amount)?;
        if amount.minor() > left.minor() {
            return Err(PurchaseError::AboveCaptured);
        }
        self.refunded = self.refunded.plus(amount).map_err(|_| PurchaseError::Amount)?;
        Ok(self)
    }

    fn check(&self, amount: Money) -> Result<(), PurchaseError> {
        if amount.is_positive() && amount.currency() == self.approved.currency() {
            return Ok(());
        }
        Err(PurchaseError::Amount)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;
    use crate::standing::{Restraint, RestraintReason};

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).expect("in range")
    }

    fn asks(status: CardStatus, amount: Money) -> AskFacts {
        AskFacts { status, standing: Standing::GOOD, is_linked: true, credit_left: usd(100), amount }
    }

    fn restrained(level: RestraintLevel) -> Standing {
        let (reason, since) = (RestraintReason::OwnWish, Timestamp::UNIX_EPOCH);
        Standing { restraint: Some(Restraint { level, reason, since, until: None }) }
    }

    #[test]
    fn a_card_that_is_not_active_declines_whatever_is_left() {
        assert_eq!(decide(&asks(CardStatus::Frozen, usd(1))), Err(Decline::Frozen));
        assert_eq!(decide(&asks(CardStatus::Lost, usd(1))), Err(Decline::Lost));
        assert_eq!(decide(&asks(CardStatus::Closed, usd(1))), Err(Decline::Closed));
        assert_eq!(decide(&asks(CardStatus::Active, usd(100))), Ok(()));
        assert_eq!(decide(&asks(CardStatus::Active, usd(101))), Err(Decline::OverLimit));
        let euro = Money::new(1, Currency::EUR).expect("in range");
        assert_eq!(decide(&asks(CardStatus::Active, euro)), Err(Decline::Currency));
        // What the wallet pays alone needs no credit, and a card that is in use all the same.
        let by_wallet = AskFacts { credit_left: usd(-5), ..asks(CardStatus::Active, usd(0)) };
        assert_eq!(decide(&by_wallet), Ok(()));
        assert_eq!(decide(&AskFacts { status: CardStatus::Frozen, ..by_wallet }), Err(Decline::Frozen));
    }

    #[test]
    fn a_restrained_account_and_an_ended_link_decline() {
        let of = |level| decide(&AskFacts { standing: restrained(level), ..asks(CardStatus::Active, usd(1)) });
        assert_eq!(of(RestraintLevel::Restricted), Err(Decline::Restricted));
        assert_eq!(of(RestraintLevel::Locked), Err(Decline::Locked));
        assert_eq!(of(RestraintLevel::Suspended), Err(Decline::Locked));
        let unlinked = AskFacts { is_linked: false, ..asks(CardStatus::Active, usd(1)) };
        assert_eq!(decide(&unlinked), Err(Decline::Unlinked));
    }

    #[test]
    fn what_is_lost_or_closed_stays_so() {
        for status in CardStatus::ALL {
            assert_eq!(CardStatus::named(status.name()), Some(status));
            assert!(status.may_become(status), "{status:?}");
            assert!(status.may_become(CardStatus::Closed), "{status:?}");
            assert_eq!(status.may_become(CardStatus::Active), !status.is_over(), "{status:?}");
            assert_eq!(status.may_become(CardStatus::Frozen), !status.is_over(), "{status:?}");
        }
        assert!(!CardStatus::Closed.may_become(CardStatus::Lost));
        for decline in Decline::ALL {
            assert_eq!(Decline::named(decline.name()), Some(decline));
        }
    }

    #[test]
    fn goods_that_leave_in_two_parcels_are_captured_twice_and_the_rest_is_given_back() {
        let (first, rest) = Progress::approved(usd(6_490)).capture(usd(4_000), false).expect("held");
        assert_eq!((first.held(), rest), (Ok(usd(2_490)), usd(0)));
        let (second, rest) = first.capture(usd(2_000), true).expect("held");
        assert_eq!((second.held(), rest), (Ok(usd(0)), usd(490)));
        assert_eq!(second.capture(usd(1), false), Err(PurchaseError::NothingHeld));
        assert_eq!(second.release(), Err(PurchaseError::NothingHeld));
        assert_eq!(second.refund(usd(6_001)), Err(PurchaseError::AboveCaptured));
        assert_eq!(second.refund(usd(6_000)).and_then(|done| done.refund(usd(1))), Err(PurchaseError::AboveCaptured));
    }

    #[test]
    fn no_step_takes_nothing_or_less() {
        for wrong in [usd(0), usd(-1), Money::new(1, Currency::EUR).expect("in range")] {
            let approved = Progress::approved(usd(10));
            assert_eq!(approved.capture(wrong, false), Err(PurchaseError::Amount));
            assert_eq!(approved.refund(wrong), Err(PurchaseError::Amount));
        }
        assert_eq!(Progress::approved(usd(10)).capture(usd(11), true), Err(PurchaseError::AboveHeld));
    }

    proptest! {
        #[test]
        fn approved_is_held_captured_and_released_after_any_steps(
            approved in 1_i64..100_000, steps in prop::collection::vec((0_u8..3, 1_i64..50_000, any::<bool>()), 0..20),
        ) {
            let mut progress = Progress::approved(usd(approved));
            for (what, amount, last) in steps {
                let next = match what {
                    0 => progress.capture(usd(amount), last).map(|(next, _)| next),
                    1 => progress.release().map(|(next, _)| next),
                    _ => progress.refund(usd(amount)),
                };
                progress = next.unwrap_or(progress);
                let held = progress.held().expect("in range").minor();
                prop_assert!(held >= 0);
                prop_assert_eq!(held + progress.captured.minor() + progress.released.minor(), approved);
                prop_assert!((0..=progress.captured.minor()).contains(&progress.refunded.minor()));
            }
        }
    }
}
