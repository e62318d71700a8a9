//! Closing a cycle: which purchases bear interest, how much, and whether the next ones do.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::card::rate::{Apr, DailyBalances};
use crate::money::{Money, MoneyError};

/// Whether purchases are free of interest until their statement is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Grace {
    /// Every statement so far was paid in full by its day.
    Kept,
    /// One was not: purchases bear interest from the day they post, until a statement is paid in full again.
    Lost,
}

/// The statement before, of which the payment falls due in this cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billed {
    /// The last day on which a payment is in time: mostly the due date.
    pub in_time_until: Date,
    /// What avoids interest on purchases: the statement balance without what plans do not ask for yet.
    pub in_full: Money,
    pub grace: Grace,
}

/// The purchases of one cycle, without plans.
#[derive(Clone, Copy, Debug)]
pub struct CyclePurchases<'a> {
    pub first_on: Date,
    pub closed_on: Date,
    pub apr: Apr,
    /// Owed at the end of the cycle before: purchases, and interest and fees that posted.
    pub opening: Money,
    pub billed: Option<Billed>,
    /// Purchases and fees of this cycle, positive, with the day they posted.
    pub charges: &'a [(Date, Money)],
    /// Payments and credits that went to purchases, positive, with the day they count.
    pub credits: &'a [(Date, Money)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseInterest {
    /// The balance on which interest was charged, averaged over the cycle's days.
    pub average: Money,
    pub interest: Money,
    /// For the statement that closes now.
    pub grace: Grace,
}

impl CyclePurchases<'_> {
    /// Interest on purchases of this cycle. Days of the cycle before are never charged again
    /// (12 CFR 1026.54(a)(1)(i)). By how the statement before stood and was paid:
    ///
    /// | grace | paid in full by its day | interest on |
    /// | --- | --- | --- |
    /// | kept | yes | nothing |
    /// | kept | no | what was not paid by that day (54(a)(1)(ii)), and new purchases from their day on |
    /// | lost | yes | what is owed from before, until it is paid; new purchases bear none |
    /// | lost | no | every day's balance with new purchases |
    pub fn close(&self) -> Result<PurchaseInterest, MoneyError> {
        let zero = Money::zero(self.opening.currency());
        let Some(billed) = self.billed else {
            // The first cycle: nothing was due yet.
            return Ok(PurchaseInterest { average: zero, interest: zero, grace: Grace::Kept });
        };
        let until = billed.in_time_until;
        let in_time = self.credits.iter().filter(|(on, _)| *on <= until);
        let in_time = Money::sum(zero.currency(), in_time.map(|(_, amount)| *amount))?;
        // What may still be paid in time is not missed.
        let in_full = in_time.minor() >= billed.in_full.minor() || until > self.closed_on;
        let negated = |(on, amount): &(Date, Money)| (*on, amount.negated());
        let balances = match (billed.grace, in_full) {
            (Grace::Kept, true) => DailyBalances::over(self.first_on, self.closed_on, zero, [])?,
            (Grace::Kept, false) => {
                let unpaid = self.opening.minus(in_time)?;
                let late = self.credits.iter().filter(|(on, _)| *on > until).map(negated);
                let movements = self.charges.iter().copied().chain(late);
                DailyBalances::over(self.first_on, self.closed_on, unpaid, movements)?
            }
            (Grace::Lost, true) => {
                let movements = self.credits.iter().map(negated);
                DailyBalances::over(self.first_on, self.closed_on, self.opening, movements)?
            }
            (Grace::Lost, false) => {
                let movements = self.charges.iter().copied().chain(self.credits.iter().map(negated));
                DailyBalances::over(self.first_on, self.closed_on, self.opening, movements)?
            }
        };
        let grace = if in_full { Grace::Kept } else { Grace::Lost };
        Ok(PurchaseInterest { average: balances.average()?, interest: balances.interest(self.apr)?, grace })
    }
}
