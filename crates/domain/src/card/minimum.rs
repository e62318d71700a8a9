//! The minimum due and the late fee.

use super::{CardTerms, WHOLE};
use crate::card::rate::{money, rounded_up};
use crate::money::{Money, MoneyError};

/// What a minimum is worked out from, at a closing. Amounts owed are positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinimumParts {
    /// The whole balance: the minimum is never above it.
    pub balance: Money,
    /// What the floor and the share apply to: the balance without plans of equal payments.
    pub shared: Money,
    /// Interest and fees charged in this cycle, part of `shared`.
    pub charges: Money,
    /// What plans of equal payments ask for this cycle.
    pub installments: Money,
    /// What is missing of the minimum before.
    pub past_due: Money,
}

impl MinimumParts {
    /// A balance with nothing special about it.
    #[must_use]
    pub const fn plain(balance: Money) -> Self {
        let zero = Money::zero(balance.currency());
        Self { balance, shared: balance, charges: zero, installments: zero, past_due: zero }
    }
}

impl CardTerms {
    /// The larger of the floor and the share, rounded up to the minor unit, to which the cycle's interest and fees are
    /// added where the terms say so; then the installments of plans and what is past due. Never above the balance.
    /// Absent when the terms name neither floor nor share.
    pub fn minimum_due(&self, parts: &MinimumParts) -> Result<Option<Money>, MoneyError> {
        if self.minimum_floor.is_none() && self.minimum_share.is_none() {
            return Ok(None);
        }
        let currency = parts.balance.currency();
        let floor = self.minimum_floor.unwrap_or(Money::zero(currency));
        let amounts = [floor, parts.shared, parts.charges, parts.installments, parts.past_due];
        // Only amounts of one currency add and compare.
        amounts.iter().try_fold(parts.balance, |_, amount| parts.balance.plus(Money::zero(amount.currency())))?;
        let minor = |amount: Money| i128::from(amount.minor().max(0));
        let share = rounded_up(minor(parts.shared) * i128::from(self.minimum_share.unwrap_or(0)), WHOLE.into());
        let charges = if self.minimum_adds_charges { minor(parts.charges) } else { 0 };
        let of_shared = minor(floor).max(share + charges).min(minor(parts.shared));
        let due = of_shared + minor(parts.installments) + minor(parts.past_due);
        money(due.min(minor(parts.balance)), currency).map(Some)
    }

    /// The fee for a minimum that was not paid by its day: never more than the minimum that was missed
    /// (12 CFR 1026.52(b)(2)(i)(A)). Nothing when it was paid, or when the terms have no late fee.
    pub fn late_fee_of(&self, minimum_due: Money, paid_in_time: Money) -> Result<Money, MoneyError> {
        let missing = minimum_due.minus(paid_in_time)?;
        let none = Money::zero(minimum_due.currency());
        let Some(fee) = self.late_fee.filter(|_| missing.is_positive()) else {
            return Ok(none);
        };
        fee.plus(none)?;
        Ok(if fee.minor() < minimum_due.minor() { fee } else { minimum_due })
    }
}
