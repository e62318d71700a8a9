//! Automatic reload of a wallet (WA2): its person says once below what it is reloaded, with how much, and how much a month at
//! most. This is the one reviewed place of those limits and of what stops a reload. Nothing here knows a ledger or a clock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BALANCE_MOST, RELOAD_LEAST, RELOAD_MOST};
use crate::money::{Currency, Money, MoneyError};
use crate::purchases::{AskFacts, Decline, decide};

/// In a month a wallet is reloaded by itself with so many whole units at most, whatever its person says.
pub const MONTH_MOST: i64 = 2_000;
/// What the card does not take is tried again after so many hours, and never before.
pub const TRY_AGAIN_HOURS: i64 = 24;

/// What the person lets happen by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AutoReloadTerms {
    /// The wallet is reloaded when there is less than this in it.
    pub below: Money,
    /// With so much, charged to the wallet's card.
    pub amount: Money,
    /// In one calendar month no more than this.
    pub month_most: Money,
}

/// The automatic reload of a wallet, as every device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AutoReload {
    pub terms: AutoReloadTerms,
    /// It was to be reloaded, and was not.
    pub waits: Option<AutoReloadWaits>,
}

/// Why a wallet was not reloaded when it was to be, and when that is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AutoReloadWaits {
    /// Why the card does not take it; absent: the month's most is reached.
    pub declined: Option<Decline>,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub until: Timestamp,
}

/// Why a wallet was reloaded by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ReloadedBecause {
    /// There was so much to spend,
    pub had: Money,
    /// which is less than this.
    pub below: Money,
}

/// What terms may say, in a wallet's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AutoReloadLimits {
    /// A reload is of so much at least,
    pub least: Money,
    /// and of so much at most.
    pub most: Money,
    /// And so much in a month.
    pub month_most: Money,
}

impl AutoReloadLimits {
    pub fn of(currency: Currency) -> Result<Self, MoneyError> {
        let unit = 10_i64.pow(currency.exponent().into());
        let money = |units: i64| Money::new(units * unit, currency);
        Ok(Self { least: money(RELOAD_LEAST)?, most: money(RELOAD_MOST)?, month_most: money(MONTH_MOST)? })
    }
}

/// Why terms are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AutoReloadError {
    #[error("a reload is in the card's currency")]
    Currency,
    #[error("a reload by itself is of 5 to 500, and not less than the wallet is kept above")]
    Amount,
    #[error("a wallet is kept above an amount that is above zero")]
    Below,
    #[error("a reload must not fill the wallet above 1,000")]
    Full,
    #[error("the most of a month is at least one reload, and not above 2,000")]
    Month,
}

/// What stands on the day on which a wallet is looked at.
#[derive(Clone, Copy, Debug)]
pub struct AutoReloadFacts {
    /// What may be spent from it.
    pub there: Money,
    /// Beside it: reserved for purchases that are not captured.
    pub reserved: Money,
    /// Reloaded by itself in this calendar month.
    pub of_month: Money,
    /// What the card says to a reload of the terms' amount.
    pub ask: AskFacts,
}

/// What is to be done with a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoReloadStep {
    /// There is enough in it.
    Enough,
    Reload,
    /// The month's most would be passed: look when the next month begins.
    MonthIsOver,
    /// The card does not take it: look later.
    Declined(Decline),
    /// With what is reserved it would be filled above its most: look later.
    Full,
}

impl AutoReloadTerms {
    /// A reload brings a wallet at once to what it is kept above, so that one is always enough, and never fills it too much.
    pub fn check(&self, currency: Currency) -> Result<(), AutoReloadError> {
        if [self.below, self.amount, self.month_most].iter().any(|amount| amount.currency() != currency) {
            return Err(AutoReloadError::Currency);
        }
        let unit = 10_i64.pow(currency.exponent().into());
        if !self.below.is_positive() {
            return Err(AutoReloadError::Below);
        }
        let in_limits = (RELOAD_LEAST * unit..=RELOAD_MOST * unit).contains(&self.amount.minor());
        if !in_limits || self.amount.minor() < self.below.minor() {
            return Err(AutoReloadError::Amount);
        }
        if self.below.plus(self.amount).map_or(true, |most| most.minor() > BALANCE_MOST * unit) {
            return Err(AutoReloadError::Full);
        }
        if !(self.amount.minor()..=MONTH_MOST * unit).contains(&self.month_most.minor()) {
            return Err(AutoReloadError::Month);
        }
        Ok(())
    }

    /// What is to be done now.
    #[must_use]
    pub fn step(&self, facts: &AutoReloadFacts) -> AutoReloadStep {
        if facts.there.minor() >= self.below.minor() {
            return AutoReloadStep::Enough;
        }
        // Why the card takes nothing is said before that the month is over: its person can do more about it.
        if let Err(declined) = decide(&AskFacts { amount: self.amount, ..facts.ask }) {
            return AutoReloadStep::Declined(declined);
        }
        let with_it = facts.of_month.plus(self.amount);
        if with_it.map_or(true, |sum| sum.minor() > self.month_most.minor()) {
            return AutoReloadStep::MonthIsOver;
        }
        let filled = facts.there.plus(facts.reserved).and_then(|there| there.plus(self.amount));
        let unit = 10_i64.pow(self.amount.currency().exponent().into());
        if filled.map_or(true, |filled| filled.minor() > BALANCE_MOST * unit) {
            return AutoReloadStep::Full;
        }
        AutoReloadStep::Reload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purchases::CardStatus;
    use crate::standing::{Restraint, RestraintLevel, RestraintReason, Standing};

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).expect("in range")
    }

    fn terms(below: i64, amount: i64, month_most: i64) -> AutoReloadTerms {
        AutoReloadTerms { below: usd(below), amount: usd(amount), month_most: usd(month_most) }
    }

    fn facts(there: i64, of_month: i64, left: i64) -> AutoReloadFacts {
        let ask = AskFacts {
            status: CardStatus::Active,
            standing: Standing::GOOD,
            is_linked: true,
            credit_left: usd(left),
            amount: usd(0),
        };
        AutoReloadFacts { there: usd(there), reserved: usd(0), of_month: usd(of_month), ask }
    }

    #[test]
    fn terms_keep_to_the_limits_of_a_wallet_and_one_reload_is_always_enough() {
        let check = |below, amount, most| terms(below, amount, most).check(Currency::USD);
        assert_eq!(check(2_000, 5_000, 20_000), Ok(()));
        assert_eq!(check(500, 500, 500), Ok(()), "once a month");
        assert_eq!(check(0, 5_000, 20_000), Err(AutoReloadError::Below));
        assert_eq!(check(-1, 5_000, 20_000), Err(AutoReloadError::Below));
        assert_eq!(check(100, 499, 20_000), Err(AutoReloadError::Amount));
        assert_eq!(check(100, 50_001, 200_000), Err(AutoReloadError::Amount));
        assert_eq!(check(5_001, 5_000, 20_000), Err(AutoReloadError::Amount), "it would still be below");
        assert_eq!(check(50_000, 50_000, 200_000), Ok(()), "never above 1,000");
        assert_eq!(check(2_000, 5_000, 4_999), Err(AutoReloadError::Month));
        assert_eq!(check(2_000, 5_000, 200_001), Err(AutoReloadError::Month));
        let wrong = terms(2_000, 5_000, 20_000).check(Currency::EUR);
        assert_eq!(wrong, Err(AutoReloadError::Currency));
        let mixed = AutoReloadTerms {
            below: Money::new(2_000, Currency::EUR).expect("in range"),
            ..terms(2_000, 5_000, 20_000)
        };
        assert_eq!(mixed.check(Currency::USD), Err(AutoReloadError::Currency));
    }

    #[test]
    fn a_wallet_is_reloaded_only_below_its_mark_within_the_month_and_where_the_card_takes_it() {
        let terms = terms(2_000, 5_000, 10_000);
        assert_eq!(terms.step(&facts(2_000, 0, 90_000)), AutoReloadStep::Enough);
        assert_eq!(terms.step(&facts(1_999, 0, 90_000)), AutoReloadStep::Reload);
        assert_eq!(terms.step(&facts(0, 5_000, 5_000)), AutoReloadStep::Reload, "to the last cent of both");
        assert_eq!(terms.step(&facts(0, 5_001, 90_000)), AutoReloadStep::MonthIsOver);
        assert_eq!(terms.step(&facts(0, 0, 4_999)), AutoReloadStep::Declined(Decline::OverLimit));
        let reserved = |minor| AutoReloadFacts { reserved: usd(minor), ..facts(1_000, 0, 90_000) };
        assert_eq!(terms.step(&reserved(94_000)), AutoReloadStep::Reload, "to its most");
        assert_eq!(terms.step(&reserved(94_001)), AutoReloadStep::Full, "what is reserved may come back");
        let frozen = facts(0, 10_000, 0);
        let frozen = AutoReloadFacts { ask: AskFacts { status: CardStatus::Frozen, ..frozen.ask }, ..frozen };
        assert_eq!(terms.step(&frozen), AutoReloadStep::Declined(Decline::Frozen), "of several what helps most");
        for (level, why) in
            [(RestraintLevel::Restricted, Decline::Restricted), (RestraintLevel::Locked, Decline::Locked)]
        {
            let (reason, since) = (RestraintReason::OwnWish, Timestamp::UNIX_EPOCH);
            let standing = Standing { restraint: Some(Restraint { level, reason, since, until: None }) };
            let facts = facts(0, 0, 90_000);
            let held = AutoReloadFacts { ask: AskFacts { standing, ..facts.ask }, ..facts };
            assert_eq!(terms.step(&held), AutoReloadStep::Declined(why));
        }
    }
}
