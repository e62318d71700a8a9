//! Statements of closed cycles: opening balance plus lines is the closing balance, to the cent (ST1).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::accounts::{Account, AccountKind, Transaction, TransactionState};
use crate::card::{CardTerms, Issued};
use crate::days;
use crate::ids::AccountId;
use crate::money::{Money, MoneyError};
pub use coverage::{Coverage, Covered, SPANS_MAX, covered_by_lines, merged};

mod coverage;

/// One closed cycle of an account. `opening + Σ lines = closing` always holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StatementSummary {
    pub account: AccountId,
    /// First day of the cycle.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub opened_on: Date,
    /// Last day of the cycle; it names the cycle: `2026-10-25`.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub closed_on: Date,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub due_on: Option<Date>,
    /// Signed as the account's balance: what a card owes is negative.
    pub opening: Money,
    pub closing: Money,
    pub lines: u32,
    /// The imported files cover the whole cycle.
    pub complete: bool,
    /// What this server, as the card's issuer, says beside the lines. Absent where a statement is worked out from lines.
    #[serde(default)]
    pub issued: Option<Box<Issued>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub summary: StatementSummary,
    /// In posting order.
    pub lines: Vec<Transaction>,
}

/// At most so many cycles are listed.
pub const CYCLES_MAX: usize = 12;

/// At most so many lines stand on one statement; more is refused, never cut off.
pub const LINES_MAX: usize = 50_000;

/// One closed cycle: first and last day, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    pub opened_on: Date,
    /// Names the cycle.
    pub closed_on: Date,
    pub due_on: Option<Date>,
    /// What is known covers the whole cycle.
    pub complete: bool,
}

/// The cycles that closed before `today`, newest first, at most `CYCLES_MAX`. They begin with the one in which what is
/// known ends, so an old import shows its own months, and none lies before what is known. A card with terms closes on
/// its closing day, every other account with the calendar month.
#[must_use]
pub fn closed_cycles(account: &Account, coverage: &Coverage, today: Date) -> Vec<Cycle> {
    let closings = Closings::of(account);
    let mut closed_on = closings.on_or_after(coverage.extent.last_on);
    if closed_on >= today {
        closed_on = closings.before(today);
    }
    let mut cycles = Vec::new();
    while cycles.len() < CYCLES_MAX && closed_on >= coverage.extent.first_on {
        let cycle = closings.cycle(closed_on, coverage);
        closed_on = days::shifted(cycle.opened_on, -1);
        cycles.push(cycle);
    }
    cycles
}

/// The closed cycle of that name, however old; `None` when no cycle closes on that date or it is still open.
#[must_use]
pub fn cycle_closed_on(account: &Account, closed_on: Date, coverage: &Coverage, today: Date) -> Option<Cycle> {
    let closings = Closings::of(account);
    let closes = closed_on < today && closings.on_or_after(closed_on) == closed_on;
    closes.then(|| closings.cycle(closed_on, coverage))
}

/// When the cycle that is open today closes.
#[must_use]
pub fn next_closing_on(account: &Account, today: Date) -> Date {
    Closings::of(account).on_or_after(today)
}

/// On which days the cycles of an account close.
enum Closings<'a> {
    ByTerms(&'a CardTerms),
    MonthEnds,
}

impl<'a> Closings<'a> {
    fn of(account: &'a Account) -> Self {
        let terms = account.terms.as_ref().filter(|_| account.kind == AccountKind::Card);
        terms.map_or(Self::MonthEnds, Self::ByTerms)
    }

    fn before(&self, date: Date) -> Date {
        match self {
            Self::ByTerms(terms) => terms.closing_before(date),
            Self::MonthEnds => days::clamped(days::month_of(date) - 1, 31).unwrap_or(Date::MIN),
        }
    }

    fn on_or_after(&self, date: Date) -> Date {
        match self {
            Self::ByTerms(terms) => terms.closing_on_or_after(date),
            Self::MonthEnds => days::clamped(days::month_of(date), 31).unwrap_or(Date::MAX),
        }
    }

    fn opened_on(&self, closed_on: Date) -> Date {
        days::shifted(self.before(closed_on), 1)
    }

    fn cycle(&self, closed_on: Date, coverage: &Coverage) -> Cycle {
        let opened_on = self.opened_on(closed_on);
        let due_on = match self {
            Self::ByTerms(terms) => Some(terms.due_after(closed_on)),
            Self::MonthEnds => None,
        };
        let complete = coverage.holds(opened_on, closed_on);
        Cycle { opened_on, closed_on, due_on, complete }
    }
}

/// The balance from which a statement is worked out. Signed as the account's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The balance before the cycle's first line: a served account's ledger.
    Opening(Money),
    /// The balance after the cycle's last line.
    Closing(Money),
    /// The balance of another day, and by how much it is above the closing: an imported account.
    Elsewhen { balance: Money, above: Money },
}

impl Known {
    /// What a cycle is worked out from where nobody issued its statement: the issuer's own word on its closing, the balance,
    /// carried there from its own day, or, where no file gave one, nothing before the first line. `before` is what posted
    /// before the cycle, `apart` what posted on the days of [`Account::apart_from`] its closing; each is absent where it is no
    /// amount, and nothing is known where that one is needed.
    #[must_use]
    pub fn of(account: &Account, cycle: &Cycle, before: Option<Money>, apart: Option<Money>) -> Option<Self> {
        let issuer = account.issuer.as_ref().filter(|issuer| issuer.closed_on == cycle.closed_on);
        if account.kind == AccountKind::Card
            && let Some(owed) = issuer.and_then(|issuer| issuer.statement_balance)
        {
            return Some(Self::Closing(owed.negated()));
        }
        let Some(balance) = account.balance else { return before.map(Self::Opening) };
        let above = account.apart_from(cycle.closed_on).difference(apart?);
        Some(Self::Elsewhen { balance, above })
    }
}

/// Why there is no statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    #[error("a line is not of this account, not posted, or not in this cycle")]
    StrayLine,
    #[error("the cycle has more than 50,000 lines")]
    TooManyLines,
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A statement's head from sums alone, for lists: `moved` is the sum of its lines, `lines` their number.
pub fn summary(
    account: AccountId,
    cycle: &Cycle,
    known: Known,
    moved: Money,
    lines: u32,
) -> Result<StatementSummary, MoneyError> {
    let (opening, closing) = match known {
        Known::Opening(opening) => (opening, opening.plus(moved)?),
        Known::Closing(closing) => (closing.minus(moved)?, closing),
        Known::Elsewhen { balance, above } => {
            let closing = balance.minus(above)?;
            (closing.minus(moved)?, closing)
        }
    };
    let Cycle { opened_on, closed_on, due_on, complete } = *cycle;
    Ok(StatementSummary { account, opened_on, closed_on, due_on, opening, closing, lines, complete, issued: None })
}

/// A statement of one cycle from its posted lines, in any order: opening plus lines is the closing, exactly.
pub fn build(
    account: AccountId,
    cycle: &Cycle,
    known: Known,
    mut lines: Vec<Transaction>,
) -> Result<Statement, StatementError> {
    if lines.len() > LINES_MAX {
        return Err(StatementError::TooManyLines);
    }
    let days = cycle.opened_on..=cycle.closed_on;
    let fits = |line: &Transaction| {
        line.account == account && line.state == TransactionState::Posted && days.contains(&line.posted_on)
    };
    if !lines.iter().all(fits) {
        return Err(StatementError::StrayLine);
    }
    lines.sort_by_key(|line| (line.posted_on, line.id));
    let currency = match known {
        Known::Opening(money) | Known::Closing(money) | Known::Elsewhen { balance: money, .. } => money.currency(),
    };
    let moved = Money::sum(currency, lines.iter().map(|line| line.amount))?;
    let count = u32::try_from(lines.len()).map_err(|_| StatementError::TooManyLines)?;
    let summary = summary(account, cycle, known, moved, count)?;
    Ok(Statement { summary, lines })
}

#[cfg(test)]
mod tests;
