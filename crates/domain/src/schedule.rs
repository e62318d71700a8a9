//! Recurring dates. A rule is anchored at its first date; month ends clamp and return to their anchor day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::days;

/// When something recurs. On the wire: `{"every":"month","interval":1,"day":31,"starts_on":"2026-12-31","ends_on":null}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Schedule {
    pub every: Every,
    /// Every how many units, from 1 to 120.
    pub interval: u16,
    /// Anchor day of the month, 1 to 31, for months, quarters and years; 29 to 31 clamp to a shorter month's end
    /// and return to their day. Absent for days and weeks.
    pub day: Option<u8>,
    /// The first date is the first one on or after this that the rule allows.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub starts_on: Date,
    /// Nothing falls after this date.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub ends_on: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Every {
    Once,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// Why a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("the interval must be from 1 to 120")]
    Interval,
    #[error("the day must be from 1 to 31")]
    Day,
    #[error("only months, quarters and years have a day of the month")]
    DayNotUsed,
    #[error("the first date must lie in the years 1970 to 2199")]
    StartsOutOfRange,
    #[error("the rule ends before its first date")]
    NoDates,
}

impl Schedule {
    pub const INTERVAL_MAX: u16 = 120;
    pub const FIRST_YEAR: i16 = 1970;
    pub const LAST_YEAR: i16 = 2199;

    /// Refuses a rule that means nothing. `dates` never fails, so check what comes from outside.
    pub fn check(&self) -> Result<(), ScheduleError> {
        if !(1..=Self::INTERVAL_MAX).contains(&self.interval) {
            return Err(ScheduleError::Interval);
        }
        match (self.every, self.day) {
            (Every::Once | Every::Day | Every::Week, Some(_)) => {
                return Err(ScheduleError::DayNotUsed);
            }
            (_, Some(day)) if !(1..=31).contains(&day) => return Err(ScheduleError::Day),
            _ => {}
        }
        if !(Self::FIRST_YEAR..=Self::LAST_YEAR).contains(&self.starts_on.year()) {
            return Err(ScheduleError::StartsOutOfRange);
        }
        self.first().map(|_| ()).ok_or(ScheduleError::NoDates)
    }

    /// The dates from `from` to `to`, both included, in order. Jumps to the window: the cost is that of the dates given.
    pub fn dates(&self, from: Date, to: Date) -> Dates {
        let last = self.ends_on.map_or(to, |end| end.min(to));
        let steps = self.steps();
        let index = steps.map_or(0, |steps| steps.index_on_or_after(from));
        Dates { steps, index, last }
    }

    #[must_use]
    pub fn next_on_or_after(&self, date: Date) -> Option<Date> {
        self.dates(date, Date::MAX).next()
    }

    /// The first date of all.
    #[must_use]
    pub fn first(&self) -> Option<Date> {
        self.next_on_or_after(self.starts_on)
    }

    /// Does the rule give this very date?
    #[must_use]
    pub fn gives(&self, date: Date) -> bool {
        self.dates(date, date).next().is_some()
    }

    /// `None` when no date can follow from the rule at all.
    fn steps(&self) -> Option<Steps> {
        let interval = i32::from(self.interval.clamp(1, Self::INTERVAL_MAX));
        let first = days::number_of(self.starts_on);
        match self.every {
            Every::Once => Some(Steps::Once(self.starts_on)),
            Every::Day => Some(Steps::Days { first, step: interval }),
            Every::Week => Some(Steps::Days { first, step: 7 * interval }),
            Every::Month => self.months(interval),
            Every::Quarter => self.months(3 * interval),
            Every::Year => self.months(12 * interval),
        }
    }

    /// Months are counted from the month of the first date, which may be the one after `starts_on`.
    fn months(&self, step: i32) -> Option<Steps> {
        let day = self.day.unwrap_or_else(|| self.starts_on.day().unsigned_abs()).clamp(1, 31);
        let month = days::month_of(self.starts_on);
        let passed = days::clamped(month, day)? < self.starts_on;
        Some(Steps::Months { first: month + i32::from(passed), step, day })
    }
}

/// The dates of a rule within a window, in order.
#[derive(Clone, Debug)]
pub struct Dates {
    steps: Option<Steps>,
    index: i32,
    last: Date,
}

impl Iterator for Dates {
    type Item = Date;

    fn next(&mut self) -> Option<Date> {
        let date = self.steps?.date(self.index)?;
        if date > self.last {
            return None;
        }
        self.index += 1;
        Some(date)
    }
}

impl std::iter::FusedIterator for Dates {}

/// A rule in whole numbers: the date of any index is one multiplication away.
#[derive(Clone, Copy, Debug)]
enum Steps {
    Once(Date),
    Days { first: i32, step: i32 },
    Months { first: i32, step: i32, day: u8 },
}

impl Steps {
    fn date(self, index: i32) -> Option<Date> {
        match self {
            Self::Once(date) => (index == 0).then_some(date),
            Self::Days { first, step } => days::date_of(index.checked_mul(step)?.checked_add(first)?),
            Self::Months { first, step, day } => days::clamped(index.checked_mul(step)?.checked_add(first)?, day),
        }
    }

    fn index_on_or_after(self, from: Date) -> i32 {
        match self {
            Self::Once(date) => i32::from(date < from),
            Self::Days { first, step } => ceiling(days::number_of(from) - first, step),
            Self::Months { first, step, .. } => {
                // The month's own date may already have passed; then it is the next one.
                let index = ceiling(days::month_of(from) - first, step);
                index + i32::from(self.date(index).is_some_and(|date| date < from))
            }
        }
    }
}

/// How many whole steps reach at least that far, none for what lies before.
const fn ceiling(far: i32, step: i32) -> i32 {
    if far <= 0 { 0 } else { (far + step - 1) / step }
}

#[cfg(test)]
mod tests;
