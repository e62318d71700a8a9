//! Recurring dates. A rule is anchored at its first date; month ends clamp and return to their anchor day.
//! What other programs say in RRULE lines is read and written by `formats::rrule`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::calendar::{CLOSED_IN_A_ROW_MAX, Calendar, Roll};
use crate::days;

/// When something recurs. On the wire: `{"every":"month","interval":1,"day":31,"starts_on":"2026-12-31","ends_on":null}`;
/// all other fields may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Schedule {
    pub every: Every,
    /// Every how many units, from 1 to 120.
    pub interval: u16,
    /// Anchor day of the month, 1 to 31, for months, quarters and years; 29 to 31 clamp to a shorter month's end
    /// and return to their day. Absent for days and weeks, and where `nth` says the day.
    pub day: Option<u8>,
    /// Of weeks: the days on which it falls, when there are several; empty: the weekday of the first date.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
    /// Of months, quarters and years: a weekday or working day instead of a day of the month.
    pub nth: Option<Nth>,
    /// The first date is the first one on or after this that the rule allows.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub starts_on: Date,
    /// Nothing falls after this date.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub ends_on: Option<Date>,
    /// It ends after so many dates, 1 to 9,999, instead of on a date.
    pub count: Option<u16>,
    /// Whose working days count for `nth` and `roll`.
    #[serde(default)]
    pub calendar: Calendar,
    /// Where a date goes that falls on a closed day. Start, end and count are meant before it goes there.
    #[serde(default)]
    pub roll: Roll,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A day that every month has, counted from its start, or from its end when negative: -1 is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Nth {
    /// 1 to 4, or -4 to -1: a fifth one would leave months out.
    Weekday { nth: i8, weekday: Weekday },
    /// 1 to 15, or -15 to -1, of the rule's calendar.
    WorkingDay { nth: i8 },
}

/// Why a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("the interval must be from 1 to 120")]
    Interval,
    #[error("the day must be from 1 to 31")]
    Day,
    #[error("only months, quarters and years have a day of the month, and only one")]
    DayNotUsed,
    #[error("only weeks have weekdays, each once")]
    Weekdays,
    #[error("a weekday is the first to fourth of its month or of its end, a working day the first to fifteenth")]
    Nth,
    #[error("a rule ends after 1 to 9,999 dates or on a date, not both")]
    Count,
    #[error("the first date must lie in the years 1970 to 2199")]
    StartsOutOfRange,
    #[error("the rule ends before its first date")]
    NoDates,
}

impl Weekday {
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    #[must_use]
    pub fn of(date: Date) -> Self {
        Self::ALL[usize::try_from(days::weekday(days::number_of(date))).unwrap_or(0)]
    }

    /// 0 is Monday, 6 is Sunday.
    const fn place(self) -> i32 {
        self as i32
    }
}

impl Nth {
    pub const WEEKDAY_MAX: u8 = 4;
    pub const WORKING_DAY_MAX: u8 = 15;

    const fn is_good(self) -> bool {
        let (nth, most) = match self {
            Self::Weekday { nth, .. } => (nth, Self::WEEKDAY_MAX),
            Self::WorkingDay { nth } => (nth, Self::WORKING_DAY_MAX),
        };
        nth != 0 && nth.unsigned_abs() <= most
    }
}

impl Schedule {
    pub const INTERVAL_MAX: u16 = 120;
    pub const COUNT_MAX: u16 = 9_999;
    pub const FIRST_YEAR: i16 = 1970;
    pub const LAST_YEAR: i16 = 2199;

    /// The rule that goes on for ever from its first date, on that date's day.
    #[must_use]
    pub const fn new(every: Every, interval: u16, starts_on: Date) -> Self {
        Self {
            every,
            interval,
            day: None,
            weekdays: Vec::new(),
            nth: None,
            starts_on,
            ends_on: None,
            count: None,
            calendar: Calendar::WeekendsOnly,
            roll: Roll::Stays,
        }
    }

    /// Refuses a rule that means nothing. `dates` never fails, so check what comes from outside.
    pub fn check(&self) -> Result<(), ScheduleError> {
        if !(1..=Self::INTERVAL_MAX).contains(&self.interval) {
            return Err(ScheduleError::Interval);
        }
        self.check_days()?;
        let counted = self.count.is_none_or(|count| (1..=Self::COUNT_MAX).contains(&count));
        if !counted || (self.count.is_some() && (self.ends_on.is_some() || self.every == Every::Once)) {
            return Err(ScheduleError::Count);
        }
        if !(Self::FIRST_YEAR..=Self::LAST_YEAR).contains(&self.starts_on.year()) {
            return Err(ScheduleError::StartsOutOfRange);
        }
        self.first().map(|_| ()).ok_or(ScheduleError::NoDates)
    }

    fn check_days(&self) -> Result<(), ScheduleError> {
        let in_month = self.every.is_in_month();
        if (self.day.is_some() || self.nth.is_some()) && !in_month || self.day.is_some() && self.nth.is_some() {
            return Err(ScheduleError::DayNotUsed);
        }
        if self.day.is_some_and(|day| !(1..=31).contains(&day)) {
            return Err(ScheduleError::Day);
        }
        if self.nth.is_some_and(|nth| !nth.is_good()) {
            return Err(ScheduleError::Nth);
        }
        let twice = (1..self.weekdays.len()).any(|at| self.weekdays[..at].contains(&self.weekdays[at]));
        if twice || !self.weekdays.is_empty() && self.every != Every::Week {
            return Err(ScheduleError::Weekdays);
        }
        Ok(())
    }

    /// The dates from `from` to `to`, both included, in order, each once. Jumps to the window: the cost is that of the
    /// dates given.
    pub fn dates(&self, from: Date, to: Date) -> Dates {
        // Whatever may roll into the window from beside it is tried too.
        let beside = if self.roll == Roll::Stays { 0 } else { CLOSED_IN_A_ROW_MAX };
        let last = days::shifted(to, beside).min(self.ends_on.unwrap_or(Date::MAX));
        let rolling = (self.roll != Roll::Stays).then(|| Rolling {
            calendar: self.calendar,
            roll: self.roll,
            after: before(from),
            to,
            apart: false,
        });
        let Some(steps) = self.steps() else {
            return Dates { steps: Steps::Once(Date::MIN), index: 1, end: 0, rolling };
        };
        let index = steps.index_on_or_after(days::shifted(from, -beside));
        let end = last.tomorrow().map_or(i32::MAX, |after| steps.index_on_or_after(after));
        let mut dates = Dates { steps, index, end: end.min(self.count.map_or(i32::MAX, i32::from)), rolling };
        if steps.are_apart() {
            dates.trim();
        }
        dates
    }

    #[must_use]
    pub fn next_on_or_after(&self, date: Date) -> Option<Date> {
        self.dates(date, Date::MAX).next()
    }

    /// The first date of all. It may lie before `starts_on` when it goes back to a banking day.
    #[must_use]
    pub fn first(&self) -> Option<Date> {
        self.dates(Date::MIN, Date::MAX).next()
    }

    /// Does the rule give this very date?
    #[must_use]
    pub fn gives(&self, date: Date) -> bool {
        self.dates(date, date).next().is_some()
    }

    /// The dates of this rule before that day and no others; `None` when there are none.
    #[must_use]
    pub fn ended_before(mut self, date: Date) -> Option<Self> {
        let steps = self.steps()?;
        let next = self.index_reaching(steps, date);
        let last = steps.date(if next > 0 { next - 1 } else { return None })?;
        self.ends_on = Some(self.ends_on.map_or(last, |end| end.min(last)));
        self.count = None;
        self.first().is_some().then_some(self)
    }

    /// How many of its dates come before this day.
    #[must_use]
    pub fn count_before(&self, date: Date) -> u16 {
        let count = self.steps().map_or(0, |steps| self.index_reaching(steps, date));
        u16::try_from(count.max(0)).unwrap_or(u16::MAX)
    }

    /// The date as the rule has it before it goes to a banking day.
    #[must_use]
    pub fn nominal_of(&self, date: Date) -> Option<Date> {
        let steps = self.steps()?;
        let nominal = steps.date(self.index_reaching(steps, date))?;
        (self.calendar.rolled(nominal, self.roll) == date).then_some(nominal)
    }

    /// The index of the first date that is on or after this day once it went to a banking day.
    fn index_reaching(&self, steps: Steps, date: Date) -> i32 {
        let end = self.count.map_or(i32::MAX, i32::from);
        let mut index = steps.index_on_or_after(days::shifted(date, -CLOSED_IN_A_ROW_MAX)).min(end);
        let is_before = |nominal| self.calendar.rolled(nominal, self.roll) < date;
        while index < end && steps.date(index).is_some_and(is_before) {
            index += 1;
        }
        index
    }

    /// The same dates, with the start on the first of them: what a rule on an nth day is said by.
    #[must_use]
    pub fn anchored(mut self) -> Self {
        if let (Some(_), Some(first)) = (self.nth, self.steps().and_then(|steps| steps.date(0))) {
            self.starts_on = first;
        }
        self
    }

    /// `None` when no date can follow from the rule at all.
    fn steps(&self) -> Option<Steps> {
        let interval = i32::from(self.interval.clamp(1, Self::INTERVAL_MAX));
        let first = days::number_of(self.starts_on);
        match self.every {
            Every::Once => Some(Steps::Once(self.starts_on)),
            Every::Day => Some(Steps::Days { first, step: interval }),
            Every::Week if self.weekdays.is_empty() => Some(Steps::Days { first, step: 7 * interval }),
            Every::Week => Some(Steps::Weeks(Weeks::new(first, interval, &self.weekdays))),
            Every::Month => self.months(interval),
            Every::Quarter => self.months(3 * interval),
            Every::Year => self.months(12 * interval),
        }
    }

    /// Months are counted from the month of the first date, which may be the one after `starts_on`.
    fn months(&self, step: i32) -> Option<Steps> {
        let on = match self.nth {
            None => OnDay::Day(self.day.unwrap_or_else(|| self.starts_on.day().unsigned_abs()).clamp(1, 31)),
            Some(Nth::Weekday { nth, weekday }) => OnDay::Weekday { nth: within(nth, Nth::WEEKDAY_MAX), weekday },
            Some(Nth::WorkingDay { nth }) => {
                OnDay::WorkingDay { nth: within(nth, Nth::WORKING_DAY_MAX), calendar: self.calendar }
            }
        };
        let month = days::month_of(self.starts_on);
        let passed = on.date(month)? < self.starts_on;
        Some(Steps::Months { first: month + i32::from(passed), step, on })
    }
}

impl Every {
    /// It falls on a day of the month.
    #[must_use]
    pub const fn is_in_month(self) -> bool {
        matches!(self, Self::Month | Self::Quarter | Self::Year)
    }
}

/// A count from either end that every month has; zero, which `check` refuses, is the first.
fn within(nth: i8, most: u8) -> i8 {
    let most = most.cast_signed();
    if nth == 0 { 1 } else { nth.clamp(-most, most) }
}

/// The day before, if there is one.
fn before(date: Date) -> Option<Date> {
    date.yesterday().ok()
}

/// The dates of a rule within a window, in order.
#[derive(Clone, Debug)]
pub struct Dates {
    steps: Steps,
    index: i32,
    /// The index after the last.
    end: i32,
    rolling: Option<Rolling>,
}

impl Dates {
    /// Of dates that stay apart only those at the window's ends may roll out of it.
    fn trim(&mut self) {
        let Some(rolling) = &mut self.rolling else { return };
        let rolled = |index| self.steps.rolled(index, rolling.calendar, rolling.roll);
        let is_early = |index| rolled(index).zip(rolling.after).is_some_and(|(date, after)| date <= after);
        let is_late = |index| rolled(index).is_some_and(|date| date > rolling.to);
        while self.index < self.end && is_early(self.index) {
            self.index += 1;
        }
        while self.index < self.end && is_late(self.end - 1) {
            self.end -= 1;
        }
        rolling.apart = true;
    }
}

impl Iterator for Dates {
    type Item = Date;

    #[inline]
    fn next(&mut self) -> Option<Date> {
        while self.index < self.end {
            let index = self.index;
            let Some(rolling) = &mut self.rolling else {
                let date = self.steps.date(index)?;
                self.index += 1;
                return Some(date);
            };
            let date = self.steps.rolled(index, rolling.calendar, rolling.roll)?;
            self.index += 1;
            if rolling.apart {
                return Some(date);
            }
            if date > rolling.to {
                return None;
            }
            // Two dates that go to one day are one.
            if rolling.after.is_none_or(|after| date > after) {
                rolling.after = Some(date);
                return Some(date);
            }
        }
        None
    }
}

impl std::iter::FusedIterator for Dates {}

/// Rolled dates follow one another as the nominal ones do.
#[derive(Clone, Copy, Debug)]
struct Rolling {
    calendar: Calendar,
    roll: Roll,
    /// Only dates after this are given.
    after: Option<Date>,
    to: Date,
    apart: bool,
}

/// A rule in whole numbers: the date of any index is one multiplication away.
#[derive(Clone, Copy, Debug)]
enum Steps {
    Once(Date),
    Days { first: i32, step: i32 },
    Weeks(Weeks),
    Months { first: i32, step: i32, on: OnDay },
}

impl Steps {
    #[inline]
    fn date(&self, index: i32) -> Option<Date> {
        match *self {
            Self::Once(date) => (index == 0).then_some(date),
            Self::Days { first, step } => days::date_of(index.checked_mul(step)?.checked_add(first)?),
            Self::Weeks(weeks) => weeks.date(index),
            Self::Months { first, step, on } => on.date(index.checked_mul(step)?.checked_add(first)?),
        }
    }

    /// No two of its dates can go to one banking day or past one another.
    const fn are_apart(&self) -> bool {
        matches!(self, Self::Once(_) | Self::Months { on: OnDay::Day(_), .. })
    }

    /// The date of that index once it went to a banking day.
    #[inline]
    fn rolled(&self, index: i32, calendar: Calendar, roll: Roll) -> Option<Date> {
        match *self {
            Self::Months { first, step, on: OnDay::Day(day) } => {
                calendar.rolled_in(index.checked_mul(step)?.checked_add(first)?, day, roll)
            }
            _ => Some(calendar.rolled(self.date(index)?, roll)),
        }
    }

    fn index_on_or_after(self, from: Date) -> i32 {
        match self {
            Self::Once(date) => i32::from(date < from),
            Self::Days { first, step } => ceiling(days::number_of(from) - first, step),
            Self::Weeks(weeks) => weeks.index_on_or_after(days::number_of(from)),
            Self::Months { first, step, .. } => {
                // The month's own date may already have passed; then it is the next one.
                let index = ceiling(days::month_of(from) - first, step);
                index + i32::from(self.date(index).is_some_and(|date| date < from))
            }
        }
    }
}

/// Several weekdays: places are counted from the first day of the first week, which `skipped` of them have passed.
#[derive(Clone, Copy, Debug)]
struct Weeks {
    monday: i32,
    step: i32,
    days: [i32; 7],
    count: i32,
    skipped: i32,
}

impl Weeks {
    /// Weeks begin on Monday, as in RFC 5545 where nothing else is said, and are counted from that of the first date,
    /// which may be the one after the start.
    fn new(first: i32, interval: i32, weekdays: &[Weekday]) -> Self {
        let mut days = [0; 7];
        let mut count = 0;
        for weekday in Weekday::ALL.into_iter().filter(|weekday| weekdays.contains(weekday)) {
            days[count] = weekday.place();
            count += 1;
        }
        let start = days::weekday(first);
        let passed = days[..count].iter().filter(|day| **day < start).count();
        let over = passed == count;
        Self {
            monday: first - start + if over { 7 } else { 0 },
            step: 7 * interval,
            days,
            count: i32::try_from(count).unwrap_or(1),
            skipped: if over { 0 } else { i32::try_from(passed).unwrap_or(0) },
        }
    }

    fn date(self, index: i32) -> Option<Date> {
        let place = index.checked_add(self.skipped)?;
        let day = self.days[usize::try_from(place % self.count).unwrap_or(0)];
        days::date_of((place / self.count).checked_mul(self.step)?.checked_add(self.monday)?.checked_add(day)?)
    }

    fn index_on_or_after(self, from: i32) -> i32 {
        let far = (from - self.monday).max(0);
        let week = far / self.step;
        let into = far % self.step;
        let passed = self.days.iter().take(usize::try_from(self.count).unwrap_or(0)).filter(|day| **day < into).count();
        (week * self.count + i32::try_from(passed).unwrap_or(0) - self.skipped).max(0)
    }
}

/// Which day of its month.
#[derive(Clone, Copy, Debug)]
enum OnDay {
    Day(u8),
    Weekday { nth: i8, weekday: Weekday },
    WorkingDay { nth: i8, calendar: Calendar },
}

impl OnDay {
    #[inline]
    fn date(self, month: i32) -> Option<Date> {
        match self {
            Self::Day(day) => days::clamped(month, day),
            Self::Weekday { nth, weekday } => {
                let edge = days::clamped(month, if nth > 0 { 1 } else { 31 })?;
                let far = weekday.place() - days::weekday(days::number_of(edge));
                let (step, weeks) =
                    if nth > 0 { (far.rem_euclid(7), nth - 1) } else { (-(-far).rem_euclid(7), nth + 1) };
                days::date_of(days::number_of(edge) + step + 7 * i32::from(weeks))
            }
            Self::WorkingDay { nth, calendar } => calendar.nth_banking_day(days::clamped(month, 1)?, nth),
        }
    }
}

/// How many whole steps reach at least that far, none for what lies before.
const fn ceiling(far: i32, step: i32) -> i32 {
    if far <= 0 { 0 } else { (far + step - 1) / step }
}

#[cfg(test)]
mod tests;
