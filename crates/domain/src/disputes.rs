//! Disputes of charges on a served card (CA6), as 12 CFR 1026.13 has billing errors: what is in dispute is given back while
//! it is looked at, so that neither the minimum nor interest asks for it, and stays so or is charged again by the decision.
//! Nothing here knows a ledger.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::bills::text_fits;
use crate::card::CardTerms;
use crate::card::closing::cycle_of;
use crate::days;
use crate::ids::{AccountId, DisputeId, PurchaseId};
use crate::money::{Money, MoneyError};

/// A charge that its person says is wrong, as every device sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Dispute {
    pub id: DisputeId,
    pub purchase: PurchaseId,
    pub card: AccountId,
    /// As it stands on the purchase.
    pub merchant: String,
    pub description: String,
    pub reason: DisputeReason,
    /// What the person says about it, at most 500 characters.
    pub words: String,
    /// What of the charge is in dispute.
    pub amount: Money,
    /// Of it: given back. For good once it is decided for the person.
    pub credited: Money,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub opened_at: Timestamp,
    /// When whoever runs the server said that they look at it.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub acknowledged_at: Option<Timestamp>,
    /// The last day on which it may be decided.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub answer_by: Date,
    /// Absent: it is open.
    pub decided: Option<DisputeDecision>,
}

/// What is wrong with a charge (12 CFR 1026.13(a)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum DisputeReason {
    /// The person did not make it: their card is frozen too.
    NotMine,
    WrongAmount,
    ChargedTwice,
    NotReceived,
    /// What came is not what was agreed, or was sent back.
    NotAsAgreed,
    /// The merchant said that it was given back, and it was not.
    RefundMissing,
    /// As the words say.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum DisputeOutcome {
    /// For the person: what was given back stays so.
    For,
    /// Against them: it is owed again.
    Against,
    /// The person took it back: it is owed again.
    Withdrawn,
    /// The merchant gave all of it back.
    Refunded,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DisputeDecision {
    pub outcome: DisputeOutcome,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub at: Timestamp,
    /// In the words of whoever runs the server; empty where the outcome says it.
    pub why: String,
}

/// What a person wants to dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct DisputeWish {
    pub purchase: PurchaseId,
    pub reason: DisputeReason,
    #[serde(default)]
    pub words: String,
    /// What of the charge is wrong; absent: all of it.
    #[serde(default)]
    pub amount: Option<Money>,
}

/// How a purchase stands on the day on which it is disputed.
#[derive(Clone, Copy, Debug)]
pub struct DisputeFacts<'a> {
    /// Charged and not given back by the merchant.
    pub charged: Money,
    /// What was disputed of it before, the oldest first.
    pub before: &'a [Dispute],
    /// When something of it was charged last.
    pub charged_on: Option<Date>,
    pub terms: &'a CardTerms,
    pub today: Date,
}

/// Why something about a dispute is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisputeError {
    #[error("nothing of this purchase was charged")]
    NothingCharged,
    #[error("an amount is above zero and not above what was charged")]
    Amount,
    #[error("what is said about it has at most 500 characters, and at least one where no reason fits")]
    Words,
    #[error("a charge is disputed within 60 days of its statement")]
    TooLate,
    #[error("it is decided already")]
    Decided,
    #[error("all that was charged of this purchase is in dispute already")]
    Covered,
    #[error("this reason was decided against for this purchase: only another one is looked at")]
    DecidedBefore,
    #[error("a purchase is disputed at most 10 times")]
    TooMany,
    #[error("an amount is out of range")]
    Money(#[from] MoneyError),
}

impl DisputeReason {
    pub const ALL: [Self; 7] = [
        Self::NotMine,
        Self::WrongAmount,
        Self::ChargedTwice,
        Self::NotReceived,
        Self::NotAsAgreed,
        Self::RefundMissing,
        Self::Other,
    ];
}

impl DisputeOutcome {
    /// Whether what was given back stays so.
    #[must_use]
    pub const fn keeps_credit(self) -> bool {
        matches!(self, Self::For | Self::Refunded)
    }
}

impl DisputeWish {
    /// What is in dispute. Unauthorised use may be said at any time and is all of the charge, also what is charged later
    /// (12 CFR 1026.12(b)); every other error within 60 days of the statement (12 CFR 1026.13(b)(1)).
    pub fn check(&self, facts: &DisputeFacts<'_>) -> Result<Money, DisputeError> {
        let least = usize::from(self.reason == DisputeReason::Other);
        if !text_fits(&self.words, least, Dispute::WORDS_CHARS_MAX) {
            return Err(DisputeError::Words);
        }
        if facts.before.len() >= Dispute::OF_A_PURCHASE_MAX {
            return Err(DisputeError::TooMany);
        }
        // What was looked at is not looked at once more (12 CFR 1026.13(h)).
        if facts.before.iter().any(|one| one.reason == self.reason && one.state() == "against") {
            return Err(DisputeError::DecidedBefore);
        }
        if facts.before.iter().any(Dispute::covers_all) {
            return Err(DisputeError::Covered);
        }
        let left = disputable(facts.charged, facts.before)?;
        if self.reason == DisputeReason::NotMine {
            return if self.amount.is_none() { Ok(left) } else { Err(DisputeError::Amount) };
        }
        let Some(charged_on) = facts.charged_on.filter(|_| facts.charged.is_positive()) else {
            return Err(DisputeError::NothingCharged);
        };
        if facts.today > days::shifted(cycle_of(facts.terms, charged_on).1, Dispute::SAID_WITHIN_DAYS) {
            return Err(DisputeError::TooLate);
        }
        if !left.is_positive() {
            return Err(DisputeError::Covered);
        }
        let amount = self.amount.unwrap_or(left);
        if !amount.is_positive() || left.minus(amount)?.is_negative() {
            return Err(DisputeError::Amount);
        }
        Ok(amount)
    }
}

// ---- All disputes of one purchase --------------------------------------------------------------------------------

/// What may still be disputed of a charge: all of it but what disputes gave back and is not owed again. Nothing, where more
/// went back to a card than it was charged, as a refund does whose wallet has ended.
pub fn disputable(charged: Money, disputes: &[Dispute]) -> Result<Money, MoneyError> {
    let left = disputes.iter().try_fold(charged, |left, one| left.minus(one.credited))?;
    Ok(if left.is_negative() { Money::zero(left.currency()) } else { left })
}

/// What a merchant may still give back of a charge: what decisions left with the person they have already.
pub fn refundable(charged: Money, disputes: &[Dispute]) -> Result<Money, MoneyError> {
    disputes.iter().filter(|one| !one.is_open()).try_fold(charged, |left, one| left.minus(one.credited))
}

/// The merchant gave something of the purchase back: it takes the place of what open disputes gave back, the oldest first.
/// Says how much of that ends; which disputes changed is seen of them. While something of the purchase is `held`, the
/// merchant may charge more of it.
pub fn refunded(
    disputes: &mut [Dispute],
    amount: Money,
    held: Money,
    at: Timestamp,
) -> Result<Option<Money>, MoneyError> {
    let mut left = amount;
    for one in disputes {
        if let Some(ends) = one.refunded(left, held, at)? {
            left = left.minus(ends)?;
            if left.is_zero() {
                break;
            }
        }
    }
    let ends = amount.minus(left)?;
    Ok(ends.is_positive().then_some(ends))
}

impl Dispute {
    pub const WORDS_CHARS_MAX: usize = 500;
    /// One purchase is disputed so often at most: its parts, and again what was taken back.
    pub const OF_A_PURCHASE_MAX: usize = 10;
    /// After the statement with the charge.
    pub const SAID_WITHIN_DAYS: i32 = 60;
    /// It is acknowledged within so many days (12 CFR 1026.13(c)(1)).
    pub const ACKNOWLEDGED_WITHIN_DAYS: i32 = 30;
    /// It is decided within two complete cycles and never later than this (12 CFR 1026.13(c)(2)).
    pub const DECIDED_WITHIN_DAYS: i32 = 90;

    /// The last day on which a dispute that is opened on a day may be decided.
    #[must_use]
    pub fn answer_by(terms: &CardTerms, opened_on: Date) -> Date {
        let after = |day: Date| cycle_of(terms, days::shifted(day, 1)).1;
        let second = after(after(cycle_of(terms, opened_on).1));
        second.min(days::shifted(opened_on, Self::DECIDED_WITHIN_DAYS))
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.decided.is_none()
    }

    /// It is about all of its purchase, also about what is charged later: while it is open, and for good once it is decided
    /// for the person.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        let holds = |decided: &DisputeDecision| decided.outcome == DisputeOutcome::For;
        self.reason == DisputeReason::NotMine && self.decided.as_ref().is_none_or(holds)
    }

    /// Something more of the purchase was charged: what of that is given back at once.
    pub fn charged(&mut self, amount: Money) -> Result<Option<Money>, MoneyError> {
        if !self.covers_all() {
            return Ok(None);
        }
        self.amount = self.amount.plus(amount)?;
        self.credited = self.credited.plus(amount)?;
        Ok(Some(amount))
    }

    /// The merchant gave something of the purchase back: so much of what was given back ends, for nobody gets it twice. When
    /// nothing is left of that, the dispute is over, unless it is about what may still be charged of what is `held`.
    pub fn refunded(&mut self, amount: Money, held: Money, at: Timestamp) -> Result<Option<Money>, MoneyError> {
        if !self.is_open() || !self.credited.is_positive() {
            return Ok(None);
        }
        let ends = amount.lesser(self.credited)?;
        self.credited = self.credited.minus(ends)?;
        if self.credited.is_zero() && !(self.covers_all() && held.is_positive()) {
            self.decided = Some(DisputeDecision { outcome: DisputeOutcome::Refunded, at, why: String::new() });
        }
        Ok(Some(ends))
    }

    /// Says that it is looked at; false when that was said before.
    pub fn acknowledge(&mut self, at: Timestamp) -> Result<bool, DisputeError> {
        if !self.is_open() {
            return Err(DisputeError::Decided);
        }
        if self.acknowledged_at.is_some() {
            return Ok(false);
        }
        self.acknowledged_at = Some(at);
        Ok(true)
    }

    /// Decides it, and says what is owed again by that.
    pub fn decide(&mut self, outcome: DisputeOutcome, why: &str, at: Timestamp) -> Result<Option<Money>, DisputeError> {
        if !self.is_open() {
            return Err(DisputeError::Decided);
        }
        if !text_fits(why, 0, Self::WORDS_CHARS_MAX) {
            return Err(DisputeError::Words);
        }
        self.decided = Some(DisputeDecision { outcome, at, why: why.to_owned() });
        if outcome.keeps_credit() {
            return Ok(None);
        }
        let again = self.credited;
        self.credited = Money::zero(again.currency());
        Ok(again.is_positive().then_some(again))
    }

    /// The stored name of how far it has come.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match &self.decided {
            None if self.acknowledged_at.is_none() => "open",
            None => "acknowledged",
            Some(DisputeDecision { outcome: DisputeOutcome::For, .. }) => "for",
            Some(DisputeDecision { outcome: DisputeOutcome::Against, .. }) => "against",
            Some(DisputeDecision { outcome: DisputeOutcome::Withdrawn, .. }) => "withdrawn",
            Some(DisputeDecision { outcome: DisputeOutcome::Refunded, .. }) => "refunded",
        }
    }
}

#[cfg(test)]
mod tests;
