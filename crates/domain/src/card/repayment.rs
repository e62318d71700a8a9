//! The repayment disclosure of a statement: what only the minimum costs, and what pays the balance off in 36 months
//! (12 CFR 1026.7(b)(12), worked out as Appendix M1 says and as the sample program of Appendix M2 does).

use serde::{Deserialize, Serialize};

use super::{CardTerms, WHOLE};
use crate::card::rate::{Apr, half_up, money};
use crate::money::{Currency, Money, MoneyError};

/// A balance with its rate, on the closing date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rated {
    pub owed: Money,
    /// For deferred interest, the rate at which it accrues: Appendix M1 (b)(2) assumes that it will be charged.
    pub apr: Apr,
    /// A rate that ends: after so many months it is the other one.
    pub then: Option<(u32, Apr)>,
    /// A plan of equal payments, with its own formula of the minimum.
    pub installment: Option<Money>,
}

/// What the statement says. Whole amounts are rounded to the currency's unit, as the rule asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Repayment {
    pub minimum: MinimumOnly,
    /// Absent where the rule asks for none: only the minimum is told as three years or less, or is more than this payment.
    pub in_36_months: Option<In36Months>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum MinimumOnly {
    /// So many months, and all payments together.
    PaysOff { months: u32, total: Money },
    /// The minimum does not even pay the interest (12 CFR 1026.7(b)(12)(ii)).
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct In36Months {
    pub monthly: Money,
    pub total: Money,
    /// Against only the minimum.
    pub saved: Money,
}

/// From this many months on the time is told in whole years, rounded to the nearest (7(b)(12)(i)(B)).
pub const TOLD_IN_YEARS_FROM: u32 = 24;

/// The years that are told of so many months.
#[must_use]
pub const fn years_told(months: u32) -> u32 {
    (months + 6) / 12
}

/// A balance that is not paid off in 200 years never is.
const MONTHS_MAX: u32 = 2_400;
const MONTHS: u32 = 36;
/// Balances of the estimate are in millionths of a minor unit: only payments are rounded.
const FINE: i128 = 1_000_000;
/// Months of a year: every month is the twelfth part of 365 days (Appendix M1 (b)(4)).
const YEAR_MONTHS: i128 = 12;

/// The disclosure for these balances; `None` when nothing is owed or the terms name no minimum. `minimum_due` is what the
/// statement asks for, with the cycle's charges and what is past due; absent: what the terms make of these balances alone.
pub fn repayment(
    terms: &CardTerms,
    balances: &[Rated],
    minimum_due: Option<Money>,
    currency: Currency,
) -> Result<Option<Repayment>, MoneyError> {
    let owed = Money::sum(currency, balances.iter().map(|balance| balance.owed))?;
    let Some(first_minimum) = first_minimum(terms, balances, currency)?.filter(|_| owed.is_positive()) else {
        return Ok(None);
    };
    let Some((months, total)) = minimum_only(terms, balances) else {
        return Ok(Some(Repayment { minimum: MinimumOnly::Never, in_36_months: in_36(balances, currency, None)? }));
    };
    let minimum = MinimumOnly::PaysOff { months, total: whole(total, currency)? };
    // What is told as three years is no other choice than three years (7(b)(12)(i)(F)(2)(i)).
    let is_no_longer = years_told(months) <= years_told(MONTHS);
    let in_36_months = if is_no_longer { None } else { in_36(balances, currency, Some(total))? };
    // A payment below the minimum is no choice (7(b)(12)(i)(F)(2)(ii)).
    let least = minimum_due.unwrap_or(first_minimum);
    let in_36_months = in_36_months.filter(|fixed| fixed.monthly.minor() >= least.minor());
    Ok(Some(Repayment { minimum, in_36_months }))
}

fn first_minimum(terms: &CardTerms, balances: &[Rated], currency: Currency) -> Result<Option<Money>, MoneyError> {
    let shared = Money::sum(currency, shared(balances).map(|balance| balance.owed))?;
    let installments = Money::sum(currency, balances.iter().filter_map(|balance| balance.installment))?;
    terms.minimum_of(shared)?.map(|minimum| minimum.plus(installments)).transpose()
}

fn shared(balances: &[Rated]) -> impl Iterator<Item = &Rated> {
    balances.iter().filter(|balance| balance.installment.is_none())
}

/// Months until everything is paid with only the minimum, and all payments in minor units. Each formula of the minimum
/// is worked out for its own balances, and the longest time counts (Appendix M1 (b)(1)).
fn minimum_only(terms: &CardTerms, balances: &[Rated]) -> Option<(u32, i128)> {
    let mut lowest_first: Vec<&Rated> = shared(balances).collect();
    lowest_first.sort_by_key(|balance| balance.apr);
    let (mut months, mut total) = paid_by(&lowest_first, |owed, interest| {
        let share = half_up(owed * i128::from(terms.minimum_share.unwrap_or(0)), FINE * i128::from(WHOLE));
        let charges = if terms.minimum_adds_charges { half_up(interest, FINE) } else { 0 };
        i128::from(terms.minimum_floor.map_or(0, Money::minor)).max(share + charges)
    })?;
    for balance in balances {
        let Some(installment) = balance.installment else { continue };
        let (of_plan, paid) = paid_by(&[balance], |_, _| installment.minor().into())?;
        months = months.max(of_plan);
        total += paid;
    }
    Some((months, total))
}

/// Pays balances off month by month: a month's interest is of what was owed at its beginning, and the payment comes at
/// its end, to the lowest rate first (Appendix M1 (b)(4)). `None` when that never ends.
fn paid_by(lowest_first: &[&Rated], payment: impl Fn(i128, i128) -> i128) -> Option<(u32, i128)> {
    let mut left: Vec<i128> =
        lowest_first.iter().map(|balance| i128::from(balance.owed.minor().max(0)) * FINE).collect();
    let (mut months, mut total) = (0, 0);
    while left.iter().any(|owed| *owed > 0) {
        months += 1;
        let owed: i128 = left.iter().sum();
        let mut charged = 0;
        for (at, balance) in lowest_first.iter().enumerate() {
            let apr = balance.then.filter(|(until, _)| months > *until).map_or(balance.apr, |(_, then)| then);
            let interest = half_up(left[at] * i128::from(apr.millionths()), i128::from(WHOLE) * YEAR_MONTHS);
            left[at] += interest;
            charged += interest;
        }
        let asked = payment(owed, charged) * FINE;
        // What is less than half a minor unit cannot be paid.
        let mut paid = asked.min(half_up(owed + charged, FINE) * FINE);
        if paid <= 0 || months > MONTHS_MAX {
            return None;
        }
        total += paid / FINE;
        for owed in &mut left {
            let given = paid.min(*owed);
            *owed -= given;
            paid -= given;
        }
        if left.iter().sum::<i128>() < FINE / 2 {
            break;
        }
    }
    Some((months, total))
}

/// The level payment that pays the balance off in 36 months, at the rates weighted by their balances; a rate that ends
/// counts for its months only (Appendix M1 (d), Appendix M2).
fn in_36(balances: &[Rated], currency: Currency, only_minimum: Option<i128>) -> Result<Option<In36Months>, MoneyError> {
    let owed: i128 = balances.iter().map(|balance| i128::from(balance.owed.minor().max(0))).sum();
    if owed == 0 {
        return Ok(None);
    }
    let weighted: i128 = balances
        .iter()
        .map(|balance| {
            let (until, then) = balance.then.unwrap_or((MONTHS, balance.apr));
            let until = i128::from(until.min(MONTHS));
            let rates = until * i128::from(balance.apr.millionths())
                + (i128::from(MONTHS) - until) * i128::from(then.millionths());
            i128::from(balance.owed.minor().max(0)) * rates
        })
        .sum();
    // One month's rate, in parts of `UNIT`.
    let rate = half_up(weighted * (UNIT / i128::from(WHOLE)), owed * i128::from(MONTHS) * YEAR_MONTHS);
    let discount = half_up(UNIT * UNIT, UNIT + rate);
    let mut factor = 0;
    let mut now = UNIT;
    for _ in 0..MONTHS {
        now = half_up(now * discount, UNIT);
        factor += now;
    }
    let monthly = half_up(owed * UNIT, factor);
    let total = monthly * i128::from(MONTHS);
    let saved = only_minimum.map_or(0, |minimum| (minimum - total).max(0));
    Ok(Some(In36Months {
        monthly: money(monthly, currency)?,
        total: whole(total, currency)?,
        saved: whole(saved, currency)?,
    }))
}

/// One, for rates and annuities. Its square and an amount times it stay within 127 bits.
const UNIT: i128 = 1_000_000_000_000_000;

/// Rounded to the currency's unit: to the dollar.
fn whole(minor: i128, currency: Currency) -> Result<Money, MoneyError> {
    let unit = 10_i128.pow(currency.exponent().into());
    money(half_up(minor, unit) * unit, currency)
}
