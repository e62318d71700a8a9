//! Yearly rates as whole millionths, and the interest they make of a balance. Nothing here is a float, and an amount is
//! rounded once: where interest is charged.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::days;
use crate::money::{Currency, Money, MoneyError};

/// A yearly rate in millionths: 279,900 is 27.99 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(value_type = u32, maximum = 1_000_000))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[cfg_attr(feature = "bindings", specta(transparent))]
pub struct Apr(u32);

/// Why a number is no yearly rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a yearly rate is from 0 to 100 %")]
pub struct RateError;

/// One whole in millionths.
const WHOLE: i128 = 1_000_000;

/// Days by which a yearly rate is divided, leap year or not (12 CFR 1026 Appendix M1 (b)(4): "one year is 365 days").
pub const YEAR_DAYS: i128 = 365;

impl Apr {
    pub const ZERO: Self = Self(0);

    pub const fn new(millionths: u32) -> Result<Self, RateError> {
        if millionths > 1_000_000 { Err(RateError) } else { Ok(Self(millionths)) }
    }

    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Interest of a balance that stood so many days, given as minor units times days: `balance-days × rate ÷ 365`,
    /// rounded half up to the minor unit.
    #[must_use]
    pub(crate) fn of_balance_days(self, minor_days: i128) -> i128 {
        half_up(minor_days * i128::from(self.0), WHOLE * YEAR_DAYS)
    }
}

impl TryFrom<u32> for Apr {
    type Error = RateError;

    fn try_from(millionths: u32) -> Result<Self, RateError> {
        Self::new(millionths)
    }
}

impl From<Apr> for u32 {
    fn from(rate: Apr) -> Self {
        rate.0
    }
}

/// `27.99 %`, with as many decimals as it has. For people, the window formats by CLDR instead.
impl fmt::Display for Apr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(f, "{percent} %");
        }
        let decimals = format!("{rest:04}");
        write!(f, "{percent}.{} %", decimals.trim_end_matches('0'))
    }
}

/// The quotient rounded to the nearest, halves away from zero. `by` is above zero.
pub(crate) const fn half_up(amount: i128, by: i128) -> i128 {
    let twice = 2 * amount;
    if amount >= 0 { (twice + by) / (2 * by) } else { (twice - by) / (2 * by) }
}

/// The quotient rounded up. `by` is above zero.
pub(crate) const fn rounded_up(amount: i128, by: i128) -> i128 {
    amount.div_euclid(by) + (amount.rem_euclid(by) > 0) as i128
}

pub(crate) fn money(minor: i128, currency: Currency) -> Result<Money, MoneyError> {
    Money::new(i64::try_from(minor).map_err(|_| MoneyError::OutOfRange)?, currency)
}

/// What stood on a balance over the days of a cycle: the sum of the balances at the end of each day. A day on which the
/// person is in credit counts as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyBalances {
    minor_days: i128,
    days: i32,
    currency: Currency,
}

impl DailyBalances {
    /// The days from `first_on` to `last_on`, both included. A movement counts from its day on; what is owed more is
    /// positive, and movements outside these days are not of this cycle.
    pub fn over(
        first_on: Date,
        last_on: Date,
        opening: Money,
        movements: impl IntoIterator<Item = (Date, Money)>,
    ) -> Result<Self, MoneyError> {
        let currency = opening.currency();
        let mut within: Vec<(Date, Money)> =
            movements.into_iter().filter(|(on, _)| (first_on..=last_on).contains(on)).collect();
        within.sort_by_key(|(on, _)| *on);
        let mut minor_days = 0;
        let mut owed = opening;
        let mut since = days::number_of(first_on);
        let end = days::number_of(last_on) + 1;
        for (on, amount) in within {
            let number = days::number_of(on);
            minor_days += standing(owed, number - since);
            owed = owed.plus(amount)?;
            since = number;
        }
        minor_days += standing(owed, end - since);
        Ok(Self { minor_days, days: (end - days::number_of(first_on)).max(0), currency })
    }

    /// The average daily balance, rounded half up. Interest is not worked out from it but from the sum itself.
    pub fn average(&self) -> Result<Money, MoneyError> {
        if self.days == 0 {
            return Ok(Money::zero(self.currency));
        }
        money(half_up(self.minor_days, self.days.into()), self.currency)
    }

    /// Average daily balance × daily rate × days, which is the sum of the daily balances × yearly rate ÷ 365
    /// (12 CFR 1026.14(b): the yearly rate is the periodic rate times the periods of a year). Rounded once, half up.
    pub fn interest(&self, apr: Apr) -> Result<Money, MoneyError> {
        money(apr.of_balance_days(self.minor_days), self.currency)
    }
}

fn standing(owed: Money, days: i32) -> i128 {
    i128::from(owed.minor().max(0)) * i128::from(days.max(0))
}
