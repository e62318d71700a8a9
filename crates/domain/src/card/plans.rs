//! Payment plans of a card: equal monthly payments, and interest that is deferred until a deadline (CA4).

use jiff::Span;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::card::CardTerms;
use crate::card::closing::Asked;
use crate::card::rate::{Apr, half_up, money, rounded_up};
use crate::days;
use crate::ids::PlanId;
use crate::money::{Currency, Money, MoneyError};

/// A purchase that is paid by its own rules. For a linked card the person enters it from a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Plan {
    pub id: PlanId,
    /// 1 to 120 characters.
    pub name: String,
    pub kind: PlanKind,
    pub apr: Apr,
    /// What it began with.
    pub amount: Money,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub opened_on: Date,
    /// What was left at the end of `left_on`.
    pub left: Money,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub left_on: Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum PlanKind {
    /// So much with each month's minimum, until nothing is left.
    EqualPayments { monthly: Money },
    /// Interest accrues aside and is charged at once if anything is left after `ends_on`.
    DeferredInterest {
        /// The last day on which paying all of it avoids the interest.
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        ends_on: Date,
        /// Accrued aside up to `left_on`, as the issuer says. Absent: worked out.
        accrued: Option<Money>,
    },
}

/// What an issuer offers for a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum PlanOffer {
    /// In so many equal payments, without interest.
    EqualPayments { months: u8 },
    /// No interest if all of it is paid within so many months; otherwise from the first day on, at the card's rate.
    DeferredInterest { months: u8 },
}

impl PlanOffer {
    /// What this server's agreement offers.
    pub const ALL: [Self; 4] = [
        Self::EqualPayments { months: 6 },
        Self::EqualPayments { months: 12 },
        Self::DeferredInterest { months: 6 },
        Self::DeferredInterest { months: 12 },
    ];
    /// A purchase of less than so many whole units is not paid over time.
    const FLOOR: i64 = 50;

    /// Whether the agreement offers this for a purchase of this amount.
    #[must_use]
    pub fn is_for(self, amount: Money) -> bool {
        let unit = 10_i64.pow(amount.currency().exponent().into());
        Self::ALL.contains(&self) && amount.minor() >= Self::FLOOR * unit
    }

    /// The plan that this much of a purchase is on. `left` is what is left of it at the end of `left_on`.
    pub fn plan(
        self,
        id: PlanId,
        name: String,
        terms: &CardTerms,
        opened_on: Date,
        amount: Money,
        (left, left_on): (Money, Date),
    ) -> Result<Plan, MoneyError> {
        let (kind, apr) = match self {
            Self::EqualPayments { months } => {
                let monthly = money(rounded_up(amount.minor().into(), i128::from(months.max(1))), amount.currency())?;
                (PlanKind::EqualPayments { monthly }, Apr::ZERO)
            }
            Self::DeferredInterest { months } => {
                let ends_on = opened_on.saturating_add(Span::new().months(i64::from(months)));
                (PlanKind::DeferredInterest { ends_on, accrued: None }, terms.apr.unwrap_or(Apr::ZERO))
            }
        };
        Ok(Plan { id, name, kind, apr, amount, opened_on, left, left_on })
    }
}

/// Why a plan is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("a plan's name must have 1 to 120 characters")]
    Name,
    #[error("a plan's amounts must be above zero, in the card's currency")]
    Amount,
    #[error("what is left must be from zero to the plan's amount")]
    Left,
    #[error("what is left is of a day before the plan began")]
    LeftOn,
    #[error("the deadline must be after the day on which the plan began, within 10 years")]
    EndsOn,
    #[error("a plan pays off within 120 months")]
    Monthly,
}

/// At most so many plans stand on one card.
pub const PLANS_MAX: usize = 50;

const NAME_CHARS_MAX: usize = 120;
const MONTHS_MAX: i128 = 120;
const DAYS_MAX: i32 = 3_653;

impl Plan {
    pub fn check(&self, currency: Currency) -> Result<(), PlanError> {
        let name = self.name.chars().count();
        if self.name.trim().is_empty() || name > NAME_CHARS_MAX || self.name.chars().any(char::is_control) {
            return Err(PlanError::Name);
        }
        let is_ours = |amount: &Money| amount.currency() == currency;
        if !self.amount.is_positive() || !is_ours(&self.amount) {
            return Err(PlanError::Amount);
        }
        if self.left.is_negative() || !is_ours(&self.left) || self.left.minor() > self.amount.minor() {
            return Err(PlanError::Left);
        }
        if self.left_on < self.opened_on {
            return Err(PlanError::LeftOn);
        }
        match &self.kind {
            PlanKind::EqualPayments { monthly } => {
                if !monthly.is_positive() || !is_ours(monthly) {
                    return Err(PlanError::Amount);
                }
                let months = rounded_up(self.amount.minor().into(), monthly.minor().into());
                if months > MONTHS_MAX { Err(PlanError::Monthly) } else { Ok(()) }
            }
            PlanKind::DeferredInterest { ends_on, accrued } => {
                if accrued.is_some_and(|amount| amount.is_negative() || !is_ours(&amount)) {
                    return Err(PlanError::Amount);
                }
                let days = days::number_of(*ends_on) - days::number_of(self.opened_on);
                if (1..=DAYS_MAX).contains(&days) { Ok(()) } else { Err(PlanError::EndsOn) }
            }
        }
    }

    /// The rate that counts for the order of payments: zero while interest is deferred (official comment 53(a)-1).
    #[must_use]
    pub fn allocation_apr(&self, on: Date) -> Apr {
        match self.kind {
            PlanKind::DeferredInterest { ends_on, .. } if on <= ends_on => Apr::ZERO,
            _ => self.apr,
        }
    }

    #[must_use]
    pub const fn deadline(&self) -> Option<Date> {
        match self.kind {
            PlanKind::DeferredInterest { ends_on, .. } => Some(ends_on),
            PlanKind::EqualPayments { .. } => None,
        }
    }

    /// What the plan asks for with one payment; `None` when it is not one of equal payments.
    #[must_use]
    pub fn installment(&self) -> Option<Money> {
        match self.kind {
            PlanKind::EqualPayments { monthly } => {
                Some(if monthly.minor() < self.left.minor() { monthly } else { self.left })
            }
            PlanKind::DeferredInterest { .. } => None,
        }
    }

    /// Interest kept aside at the end of `left_on`, in millionths of a minor unit times 365, so that nothing is rounded
    /// before it lands. Where the issuer does not say, what was paid so far is taken to have been paid evenly.
    pub(crate) fn accrued_exact(&self) -> i128 {
        let PlanKind::DeferredInterest { accrued, .. } = self.kind else {
            return 0;
        };
        if let Some(said) = accrued {
            return i128::from(said.minor()) * EXACT;
        }
        let days = i128::from(days::number_of(self.left_on) - days::number_of(self.opened_on));
        let twice_average = i128::from(self.amount.minor()) + i128::from(self.left.minor());
        twice_average * days * i128::from(self.apr.millionths()) / 2
    }

    /// How the plan stands on `today`, for people.
    pub fn figures(&self, terms: Option<&CardTerms>, today: Date) -> Result<PlanFigures, MoneyError> {
        let currency = self.amount.currency();
        let paid = self.amount.minus(self.left)?;
        let months = |amount: Money, monthly: Money| {
            u32::try_from(rounded_up(amount.minor().into(), monthly.minor().max(1).into())).unwrap_or(u32::MAX)
        };
        // Payments are rounded up, so that the last one is what is left for it.
        let last = |each: Money, payments: u32| {
            let others = i128::from(each.minor()) * i128::from(payments.max(1) - 1);
            money((i128::from(self.left.minor()) - others).max(0), currency)
        };
        match self.kind {
            PlanKind::EqualPayments { monthly } => Ok(PlanFigures {
                paid,
                days_left: None,
                payments_left: months(self.left, monthly),
                payments: Some(months(self.amount, monthly)),
                each: self.installment().unwrap_or(Money::zero(currency)),
                last: last(monthly, months(self.left, monthly))?,
                last_on: terms.and_then(|terms| last_due(terms, today, months(self.left, monthly))),
                accrued: Money::zero(currency),
                at_risk: Money::zero(currency),
                ended: self.left.is_zero(),
                is_estimate: false,
            }),
            PlanKind::DeferredInterest { ends_on, accrued } => {
                let dues = terms.map_or_else(Vec::new, |terms| dues_between(terms, today, ends_on));
                let payments_left = u32::try_from(dues.len()).unwrap_or(u32::MAX);
                // With no due date before the deadline there is one payment: all of it, by that day.
                let each = rounded_up(self.left.minor().into(), i128::from(payments_left.max(1)));
                let until = |day: Date| {
                    let days = i128::from((days::number_of(day) - days::number_of(self.left_on)).max(0));
                    let since = i128::from(self.left.minor()) * days * i128::from(self.apr.millionths());
                    money(half_up(self.accrued_exact() + since, EXACT), currency)
                };
                let ended = self.left.is_zero() || today > ends_on;
                Ok(PlanFigures {
                    paid,
                    days_left: Some((days::number_of(ends_on) - days::number_of(today)).max(0).unsigned_abs()),
                    payments_left,
                    payments: None,
                    each: money(each, currency)?,
                    last: last(money(each, currency)?, payments_left)?,
                    last_on: dues.last().copied().or(Some(ends_on)),
                    accrued: until(if today < ends_on { today } else { ends_on })?,
                    at_risk: if self.left.is_zero() { Money::zero(currency) } else { until(ends_on)? },
                    ended,
                    is_estimate: accrued.is_none(),
                })
            }
        }
    }
}

impl Plan {
    /// The same of a plan of the server, whose last statement still asks for `asked`. One that is not among those, because
    /// it is newer or its installment is paid, is next asked for by the statement of the cycle that is open.
    pub fn figures_served(&self, terms: &CardTerms, asked: &[Asked], today: Date) -> Result<PlanFigures, MoneyError> {
        let mut figures = self.figures(Some(terms), today)?;
        let is_asked = asked.iter().any(|asked| asked.plan == self.id);
        if self.deadline().is_none() && !is_asked {
            let next_due_on = terms.due_after(terms.closing_on_or_after(today));
            figures.last_on = last_due(terms, next_due_on, figures.payments_left);
        }
        Ok(figures)
    }
}

/// One minor unit of interest, in the unit of `Plan::accrued_exact`.
pub(crate) const EXACT: i128 = 1_000_000 * 365;

/// How a plan stands on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PlanFigures {
    pub paid: Money,
    /// Until the deadline of deferred interest.
    pub days_left: Option<u32>,
    /// Due dates from today on: to the end of a plan of equal payments, to the deadline of deferred interest.
    pub payments_left: u32,
    /// All payments of a plan of equal payments.
    pub payments: Option<u32>,
    /// What to pay with each of them: the installment, or what avoids the deferred interest.
    pub each: Money,
    /// What the last of them comes to: as much as each, or less.
    pub last: Money,
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub last_on: Option<Date>,
    /// Interest kept aside so far.
    pub accrued: Money,
    /// Interest that is charged at once if anything is left after the deadline and nothing is paid until then.
    pub at_risk: Money,
    pub ended: bool,
    /// The interest is worked out as if payments so far had come evenly.
    pub is_estimate: bool,
}

/// The due dates from `from` to `until`, both included; at most those of 10 years.
pub(crate) fn dues_between(terms: &CardTerms, from: Date, until: Date) -> Vec<Date> {
    dues_from(terms, from).take_while(|due_on| *due_on <= until).collect()
}

fn last_due(terms: &CardTerms, from: Date, count: u32) -> Option<Date> {
    let before = usize::try_from(count.checked_sub(1)?).ok()?;
    dues_from(terms, from).nth(before)
}

/// Due dates on or after a day, in order.
fn dues_from(terms: &CardTerms, from: Date) -> impl Iterator<Item = Date> {
    // A payment can be due up to two closings after its own: 60 days.
    let first = terms.closing_before(days::shifted(from, -DUE_DAYS_MAX));
    let closings =
        std::iter::successors(Some(first), |closed_on| Some(terms.closing_on_or_after(days::shifted(*closed_on, 1))));
    closings.take(DUES_MAX).map(|closed_on| terms.due_after(closed_on)).skip_while(move |due_on| *due_on < from)
}

const DUE_DAYS_MAX: i32 = 62;
const DUES_MAX: usize = 124;

/// The first day of the two cycles before a deadline, in which everything above the minimum goes to that plan
/// (12 CFR 1026.53(b)(1)(i)). The cycle in which the deadline lies counts as one of them only when its payment is due
/// by then (official comment 53(b)-2).
#[must_use]
pub fn last_cycles_from(terms: &CardTerms, ends_on: Date) -> Date {
    let before = terms.closing_before(ends_on);
    let counts = terms.due_after(before) <= ends_on;
    let back = if counts { 1 } else { 2 };
    let first_closing = (0..back).fold(before, |closed_on, _| terms.closing_before(closed_on));
    days::shifted(first_closing, 1)
}
