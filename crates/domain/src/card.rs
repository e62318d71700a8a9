//! Figures of a card: statement balance, current balance, minimum due and pending, always kept apart (CA1). Its
//! arithmetic is in the modules below, and `docs/CARD.md` shows each rule by examples that are its tests.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::accounts::{Account, Transaction, TransactionKind, TransactionState};
use crate::days;
use crate::money::{Currency, Money, MoneyError};

pub mod allocation;
pub mod closing;
pub mod cycle;
pub mod minimum;
pub mod payoff;
pub mod plans;
pub mod rate;
pub mod repayment;

pub use allocation::{Excess, Part, Reason, Share};
pub use closing::{Asked, CardBill, Issued, StatementLeft};
pub use cycle::Grace;
use minimum::MinimumParts;
pub use payoff::Payoff;
pub use plans::{Plan, PlanFigures, PlanKind, PlanOffer};
pub use rate::Apr;

/// What the person set for a linked card, so that its dates and minimum can be worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CardTerms {
    /// Day of the month on which a cycle closes, 1 to 31; clamps to a shorter month's end.
    pub closing_day: u8,
    pub due: DueRule,
    /// The minimum is at least this, never above the balance.
    pub minimum_floor: Option<Money>,
    /// Share of the statement balance that the minimum is at least, in millionths (20,000 = 2 %).
    pub minimum_share: Option<u32>,
    /// Interest and fees of the cycle come on top of the share.
    #[serde(default)]
    pub minimum_adds_charges: bool,
    /// Yearly rate on purchases.
    #[serde(default)]
    pub apr: Option<Apr>,
    /// Charged when the minimum is not paid by its day.
    #[serde(default)]
    pub late_fee: Option<Money>,
}

/// When the payment of a closed cycle is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum DueRule {
    /// So many days after the closing date, 1 to 60.
    DaysAfterClosing(u8),
    /// The next such day of a month after the closing date, 1 to 31; clamps.
    DayOfMonth(u8),
}

impl DueRule {
    /// When the payments of a card of the server are due that closes on a day from 1 to 28: the same day of every month
    /// (12 CFR 1026.7(b)(11)(i)(A)), from 22 to 28 days after each closing, so before the next one.
    #[must_use]
    pub const fn of_served(closing_day: u8) -> Self {
        Self::DayOfMonth(match closing_day {
            ..=3 => closing_day + 25,
            4..=6 => closing_day - 3,
            7.. => closing_day - 6,
        })
    }
}

/// What the issuer's file said itself (OFX CCCLOSING and its kin). Amounts owed are positive here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct IssuerFigures {
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub closed_on: Date,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub due_on: Option<Date>,
    pub statement_balance: Option<Money>,
    pub minimum_due: Option<Money>,
    pub credit_limit: Option<Money>,
}

/// The figures of one card on one day. What is owed is positive, a credit is negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CardFigures {
    /// All that has posted. Absent when no file has given a balance yet.
    pub current_balance: Option<Money>,
    /// Owed at the last closing. Absent when the closing day is not known.
    pub statement_balance: Option<Money>,
    pub minimum_due: Option<Money>,
    /// Not posted yet, in no balance.
    pub pending: Money,
    pub pending_count: u32,
    /// Paid since the last closing, at most what was owed.
    pub paid_since_closing: Option<Money>,
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    pub closed_on: Option<Date>,
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    pub next_closing_on: Option<Date>,
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    pub due_on: Option<Date>,
    /// The statement balance and minimum are the issuer's own, not worked out here.
    pub from_issuer: bool,
    /// "Credit you have not used": never a balance.
    pub unused_credit: Option<Money>,
    pub credit_limit: Option<Money>,
}

/// Why terms are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    #[error("the closing day must be from 1 to 31")]
    ClosingDay,
    #[error("the due date must be 1 to 60 days after closing, or a day from 1 to 31")]
    Due,
    #[error("the least minimum must be zero or more, in the card's currency")]
    MinimumFloor,
    #[error("the minimum can be at most the whole balance")]
    MinimumShare,
    #[error("the late fee must be zero or more, in the card's currency")]
    LateFee,
}

/// One in `CardTerms::minimum_share`.
const WHOLE: u32 = 1_000_000;

impl CardTerms {
    pub fn check(&self, currency: Currency) -> Result<(), TermsError> {
        if !(1..=31).contains(&self.closing_day) {
            return Err(TermsError::ClosingDay);
        }
        let due_fits = match self.due {
            DueRule::DaysAfterClosing(days) => (1..=60).contains(&days),
            DueRule::DayOfMonth(day) => (1..=31).contains(&day),
        };
        if !due_fits {
            return Err(TermsError::Due);
        }
        if self.minimum_floor.is_some_and(|floor| floor.is_negative() || floor.currency() != currency) {
            return Err(TermsError::MinimumFloor);
        }
        if self.minimum_share.is_some_and(|share| share > WHOLE) {
            return Err(TermsError::MinimumShare);
        }
        if self.late_fee.is_some_and(|fee| fee.is_negative() || fee.currency() != currency) {
            return Err(TermsError::LateFee);
        }
        Ok(())
    }

    /// The last closing date before `date`. A cycle is open to the end of its closing day.
    #[must_use]
    pub fn closing_before(&self, date: Date) -> Date {
        let month = days::month_of(date);
        let this = self.closing_in(month);
        if this < date { this } else { self.closing_in(month - 1) }
    }

    /// The first closing date on or after `date`.
    #[must_use]
    pub fn closing_on_or_after(&self, date: Date) -> Date {
        let month = days::month_of(date);
        let this = self.closing_in(month);
        if this >= date { this } else { self.closing_in(month + 1) }
    }

    /// When the payment of the cycle that closed on this date is due.
    #[must_use]
    pub fn due_after(&self, closed_on: Date) -> Date {
        match self.due {
            DueRule::DaysAfterClosing(count) => days::shifted(closed_on, count.into()),
            DueRule::DayOfMonth(day) => {
                let month = days::month_of(closed_on);
                let this = day_in(month, day);
                if this > closed_on { this } else { day_in(month + 1, day) }
            }
        }
    }

    /// The minimum of a statement balance with nothing special about it. Absent when the terms name none.
    pub fn minimum_of(&self, owed: Money) -> Result<Option<Money>, MoneyError> {
        self.minimum_due(&MinimumParts::plain(owed))
    }

    fn closing_in(&self, month: i32) -> Date {
        day_in(month, self.closing_day)
    }
}

fn day_in(month: i32, day: u8) -> Date {
    days::clamped(month, day.clamp(1, 31)).unwrap_or(Date::MAX)
}

/// The issuer may close this much before or after the day the person set: weekends and short months.
pub const CLOSING_DRIFT_DAYS: i32 = 4;

/// A cycle is at most this long; older issuer figures are of another cycle.
const CYCLE_DAYS_MAX: i32 = 31 + CLOSING_DRIFT_DAYS;

/// The last closing of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    pub on: Date,
    /// The issuer's figures are of this closing.
    pub by_issuer: bool,
}

/// The last closing before `today`, so that the caller knows from which date to sum. By the issuer when its figures
/// are of the last cycle, otherwise by the closing day that the person set; absent when neither is known.
#[must_use]
pub fn last_closing(account: &Account, today: Date) -> Option<Closing> {
    let issuer = account.issuer.as_ref().map(|issuer| issuer.closed_on).filter(|closed_on| *closed_on < today);
    let by_terms = account.terms.as_ref().map(|terms| terms.closing_before(today));
    let on = match (issuer, by_terms) {
        (Some(said), Some(reckoned)) => {
            let behind = days::number_of(reckoned) - days::number_of(said);
            return Some(if behind <= CLOSING_DRIFT_DAYS {
                Closing { on: said, by_issuer: true }
            } else {
                Closing { on: reckoned, by_issuer: false }
            });
        }
        (Some(said), None) => said,
        (None, Some(reckoned)) => {
            return Some(Closing { on: reckoned, by_issuer: false });
        }
        (None, None) => return None,
    };
    let age = days::number_of(today) - days::number_of(on);
    (age <= CYCLE_DAYS_MAX).then_some(Closing { on, by_issuer: true })
}

/// Sums over a card's transactions, signed as they are (a charge is negative). A store can work them out without
/// loading a row:
///
/// - `balance_above_closing`: `SUM(amount)` of posted ones on the days of [`Account::apart_from`] the closing, as its
///   `difference`
/// - `paid_since_closing`: `SUM(amount)` of posted ones with `posted_on > closing`, of kind payment and above zero
/// - `pending`, `pending_count`: `SUM(amount)` and `COUNT(*)` of pending ones
///
/// Without a known closing the first two are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleSums {
    pub balance_above_closing: Money,
    pub paid_since_closing: Money,
    pub pending: Money,
    pub pending_count: u32,
}

impl CycleSums {
    #[must_use]
    pub const fn none(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { balance_above_closing: zero, paid_since_closing: zero, pending: zero, pending_count: 0 }
    }

    pub fn of<'a>(
        account: &Account,
        closed_on: Option<Date>,
        transactions: impl IntoIterator<Item = &'a Transaction>,
    ) -> Result<Self, MoneyError> {
        let mut sums = Self::none(account.currency);
        for transaction in transactions {
            sums.add(account, closed_on, transaction)?;
        }
        Ok(sums)
    }

    fn add(&mut self, account: &Account, closed_on: Option<Date>, transaction: &Transaction) -> Result<(), MoneyError> {
        if transaction.state == TransactionState::Pending {
            self.pending = self.pending.plus(transaction.amount)?;
            self.pending_count = self.pending_count.saturating_add(1);
            return Ok(());
        }
        let Some(closed_on) = closed_on else { return Ok(()) };
        let apart = account.apart_from(closed_on);
        if apart.holds(transaction.posted_on) {
            self.balance_above_closing = self.balance_above_closing.plus(apart.difference(transaction.amount))?;
        }
        let is_payment = transaction.kind == TransactionKind::Payment && transaction.amount.is_positive();
        if is_payment && transaction.posted_on > closed_on {
            self.paid_since_closing = self.paid_since_closing.plus(transaction.amount)?;
        }
        Ok(())
    }
}

/// The figures of a card, as far as its files tell: `account.balance_as_of` says how far. `sums` must be those of
/// `last_closing(account, today)`.
pub fn figures(account: &Account, sums: &CycleSums, today: Date) -> Result<CardFigures, MoneyError> {
    let closing = last_closing(account, today);
    let terms = account.terms.as_ref();
    let issuer = account.issuer.as_ref();
    let of_cycle = issuer.filter(|_| closing.is_some_and(|closing| closing.by_issuer));
    let current_balance = account.balance.map(Money::negated);
    let said_balance = of_cycle.and_then(|issuer| issuer.statement_balance);
    let statement_balance = match (said_balance, closing, current_balance) {
        (Some(said), ..) => Some(said),
        // What the balance has beyond the closing is taken out again; signs are flipped, so it is added.
        (None, Some(_), Some(owed)) => Some(owed.plus(sums.balance_above_closing)?),
        _ => None,
    };
    let minimum_due = match (of_cycle.and_then(|issuer| issuer.minimum_due), statement_balance, terms) {
        (Some(said), ..) => Some(said),
        (None, Some(owed), Some(terms)) => terms.minimum_of(owed)?,
        _ => None,
    };
    let pending = sums.pending.negated();
    let served = account.card.as_ref().map(|served| served.limit);
    let credit_limit = served.or_else(|| issuer.and_then(|issuer| issuer.credit_limit));
    Ok(CardFigures {
        current_balance,
        statement_balance,
        minimum_due,
        pending,
        pending_count: sums.pending_count,
        paid_since_closing: paid(statement_balance, sums)?,
        closed_on: closing.map(|closing| closing.on),
        next_closing_on: terms.map(|terms| next_closing(terms, closing, today)),
        due_on: due_on(of_cycle, terms, closing),
        from_issuer: of_cycle.is_some_and(|issuer| issuer.statement_balance.is_some() || issuer.minimum_due.is_some()),
        unused_credit: unused_credit(account.available, credit_limit, current_balance, pending)?,
        credit_limit,
    })
}

fn paid(statement_balance: Option<Money>, sums: &CycleSums) -> Result<Option<Money>, MoneyError> {
    let Some(owed) = statement_balance else {
        return Ok(None);
    };
    // Only amounts of one currency compare.
    owed.plus(sums.paid_since_closing)?;
    let paid = sums.paid_since_closing.minor().clamp(0, owed.minor().max(0));
    Money::new(paid, owed.currency()).map(Some)
}

fn next_closing(terms: &CardTerms, closing: Option<Closing>, today: Date) -> Date {
    // An issuer that closed shortly before the set day has closed that cycle.
    let past = closing.map_or(today, |closing| days::shifted(closing.on, CLOSING_DRIFT_DAYS + 1));
    terms.closing_on_or_after(past.max(today))
}

fn due_on(of_cycle: Option<&IssuerFigures>, terms: Option<&CardTerms>, closing: Option<Closing>) -> Option<Date> {
    let said = of_cycle.and_then(|issuer| issuer.due_on);
    said.or_else(|| Some(terms?.due_after(closing?.on)))
}

/// The issuer's own word, otherwise the limit less what is owed and what is pending; never below zero. A pending
/// refund is not counted on.
fn unused_credit(
    available: Option<Money>,
    limit: Option<Money>,
    owed: Option<Money>,
    pending: Money,
) -> Result<Option<Money>, MoneyError> {
    let left = match (available, limit, owed) {
        (Some(available), ..) => available,
        (None, Some(limit), Some(owed)) => {
            let left = limit.minus(owed)?;
            if pending.is_positive() { left.minus(pending)? } else { left }
        }
        _ => return Ok(None),
    };
    Ok(Some(if left.is_negative() { Money::zero(left.currency()) } else { left }))
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
