//! Which days are banking days, by calendar. Rules are computed for any year; the years in daily use stand in a
//! table of bits made at compile time. One-off decrees are listed by date.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::days;

/// Whose banking days count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Calendar {
    /// Federal Reserve Banks: the 11 holidays; one on a Sunday closes the Monday, one on a Saturday leaves the
    /// Friday open.
    FederalReserve,
    /// The euro's TARGET system, by its rule since 2002.
    Target2,
    /// Bank holidays of England and Wales with their decrees since 1995, each moved to the next free weekday.
    EnglandWales,
    #[default]
    WeekendsOnly,
    /// Open every day: the sandbox.
    EveryDay,
}

/// Where a date goes that falls on a closed day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Roll {
    /// Nowhere: the date stands.
    #[default]
    Stays,
    /// To the banking day before.
    Preceding,
    /// To the banking day after.
    Following,
    /// To the banking day after, but when that lies in the next month, to the one before.
    ModifiedFollowing,
}

impl Calendar {
    pub const ALL: [Self; 5] =
        [Self::FederalReserve, Self::Target2, Self::EnglandWales, Self::WeekendsOnly, Self::EveryDay];

    #[must_use]
    pub fn is_banking_day(self, date: Date) -> bool {
        self.open_days(date) >> date.day() & 1 == 1
    }

    /// The name of the holiday on this date, in its country's words; also when it falls on a weekend.
    #[must_use]
    pub fn holiday_name(self, date: Date) -> Option<&'static str> {
        let (month, day) = (i32::from(date.month()), i32::from(date.day()));
        let year = self.year(i32::from(date.year()));
        year.holidays().iter().find(|h| h.month == month && h.day == day).map(|h| h.name)
    }

    /// The first banking day on or after this date.
    #[must_use]
    #[inline]
    pub fn on_or_after(self, date: Date) -> Date {
        let open = self.open_days(date) >> date.day();
        if open == 0 {
            return self.first_open(date, 1);
        }
        in_month(date, date.day().unsigned_abs() + low_byte(open.trailing_zeros()))
    }

    /// The last banking day on or before this date.
    #[must_use]
    #[inline]
    pub fn on_or_before(self, date: Date) -> Date {
        let open = self.open_days(date) & (u32::MAX >> (31 - date.day()));
        open.checked_ilog2().map_or_else(|| self.first_open(date, -1), |day| in_month(date, low_byte(day)))
    }

    /// The first banking day after this date.
    #[must_use]
    pub fn next_banking_day(self, date: Date) -> Date {
        self.on_or_after(days::shifted(date, 1))
    }

    /// The last banking day before this date.
    #[must_use]
    pub fn previous_banking_day(self, date: Date) -> Date {
        self.on_or_before(days::shifted(date, -1))
    }

    /// So many banking days after this date; with 0, the first banking day on or after it.
    #[must_use]
    pub fn add_banking_days(self, date: Date, count: u16) -> Date {
        (0..count).fold(self.on_or_after(date), |day, _| self.next_banking_day(day))
    }

    /// So many banking days before this date; with 0, the last banking day on or before it.
    #[must_use]
    pub fn subtract_banking_days(self, date: Date, count: u16) -> Date {
        (0..count).fold(self.on_or_before(date), |day, _| self.previous_banking_day(day))
    }

    /// A date on a closed day, moved as the convention says.
    #[must_use]
    #[inline]
    pub fn rolled(self, date: Date, roll: Roll) -> Date {
        match roll {
            Roll::Stays => date,
            Roll::Preceding => self.on_or_before(date),
            Roll::Following => self.on_or_after(date),
            Roll::ModifiedFollowing => {
                let after = self.on_or_after(date);
                if after.month() == date.month() { after } else { self.on_or_before(date) }
            }
        }
    }

    /// A month's day, or its last day when it is shorter, moved as the convention says. What [`Self::rolled`] says of that
    /// date, by one look at the month's open days.
    #[inline]
    pub(crate) fn rolled_in(self, month: i32, day: u8, roll: Roll) -> Option<Date> {
        let (year, of_year) = days::split(month);
        if !YEARS.contains(&year) {
            return None;
        }
        let day = days::clamped_day(year, of_year, day);
        let open = self.open_in(year, of_year);
        let (before, after) = (open & (u32::MAX >> (31 - day)), open >> day << day);
        let found = match roll {
            Roll::Stays => Some(day),
            Roll::Preceding => before.checked_ilog2(),
            Roll::Following => (after != 0).then(|| after.trailing_zeros()),
            Roll::ModifiedFollowing => (after != 0).then(|| after.trailing_zeros()).or_else(|| before.checked_ilog2()),
        };
        match found {
            Some(day) => days::date(year, of_year, day.cast_signed()),
            None => Some(self.rolled(days::clamped(month, low_byte(day))?, roll)),
        }
    }

    /// The n-th banking day of a date's month, from its end when negative: -1 is the last. `None` when it has fewer.
    #[must_use]
    pub fn nth_banking_day(self, month: Date, nth: i8) -> Option<Date> {
        let mut open = self.open_days(month);
        for _ in 1..nth.unsigned_abs() {
            open &= if nth > 0 { open.wrapping_sub(1) } else { !(1 << open.checked_ilog2()?) };
        }
        let day = if nth > 0 { open.checked_ilog2().map(|_| open.trailing_zeros()) } else { open.checked_ilog2() };
        Date::new(month.year(), month.month(), i8::try_from(day?).ok()?).ok()
    }

    /// The last day up to which the list of this calendar was published when this was built; beyond it a decree may add
    /// a day. `None`: its days follow from a rule alone.
    #[must_use]
    pub const fn published_to(self) -> Option<Date> {
        match self {
            Self::FederalReserve => Some(Date::constant(2030, 12, 31)),
            Self::EnglandWales => Some(Date::constant(2028, 12, 31)),
            Self::Target2 | Self::WeekendsOnly | Self::EveryDay => None,
        }
    }

    /// The calendars whose published lists end within a year of this day: a newer Billfold is needed before they do.
    pub fn ending_soon(today: Date) -> impl Iterator<Item = Self> {
        let soon = days::shifted(today, LIST_WARNING_DAYS);
        Self::ALL.into_iter().filter(move |calendar| calendar.published_to().is_some_and(|end| end <= soon))
    }

    /// The search where a date's own month has no more open day on that side.
    #[cold]
    fn first_open(self, date: Date, step: i32) -> Date {
        (1..CLOSED_IN_A_ROW_MAX)
            .map(|far| days::shifted(date, far * step))
            .find(|day| self.is_banking_day(*day))
            .unwrap_or(date)
    }

    /// One bit a day of the date's month, set when it is open; no others are.
    #[inline]
    fn open_days(self, date: Date) -> u32 {
        self.open_in(i32::from(date.year()), i32::from(date.month()))
    }

    /// The same by year and month.
    #[inline]
    fn open_in(self, year: i32, month: i32) -> u32 {
        let month = usize::from(low_byte(month.cast_unsigned()));
        match usize::try_from(year - TABLE_FIRST_YEAR) {
            Ok(row) if row < TABLE_YEARS => OPEN[self as usize][row][month],
            _ => self.year(year).open(self, year)[month],
        }
    }

    const fn year(self, year: i32) -> Year {
        match self {
            Self::FederalReserve => federal_reserve(year),
            Self::Target2 => target2(year),
            Self::EnglandWales => england_wales(year),
            Self::WeekendsOnly | Self::EveryDay => Year::new(year),
        }
    }
}

/// No calendar here closes longer than this; beyond it a search would be a bug, not a holiday.
pub(crate) const CLOSED_IN_A_ROW_MAX: i32 = 10;

const LIST_WARNING_DAYS: i32 = 366;

/// Those that a date can have, as `jiff` has them.
const YEARS: std::ops::RangeInclusive<i32> = -9_999..=9_999;

const TABLE_FIRST_YEAR: i32 = 2000;
const TABLE_YEARS: usize = 100;

/// By month, January at 1.
type OpenDays = [u32; 13];

static OPEN: [[OpenDays; TABLE_YEARS]; 5] = [
    table(Calendar::FederalReserve),
    table(Calendar::Target2),
    table(Calendar::EnglandWales),
    table(Calendar::WeekendsOnly),
    table(Calendar::EveryDay),
];

/// Another day of a date's month.
#[inline]
fn in_month(date: Date, day: u8) -> Date {
    if date.day().unsigned_abs() == day {
        return date;
    }
    Date::new(date.year(), date.month(), day.cast_signed()).unwrap_or(date)
}

/// Of a count of bits, which is 32 at most.
#[inline]
const fn low_byte(bits: u32) -> u8 {
    bits.to_le_bytes()[0]
}

const fn table(calendar: Calendar) -> [OpenDays; TABLE_YEARS] {
    let mut years = [[0; 13]; TABLE_YEARS];
    let mut row = 0;
    while row < TABLE_YEARS {
        let year = TABLE_FIRST_YEAR + row as i32;
        years[row] = calendar.year(year).open(calendar, year);
        row += 1;
    }
    years
}

#[derive(Clone, Copy)]
struct Holiday {
    month: i32,
    day: i32,
    name: &'static str,
}

/// The holidays of one year, in no order.
struct Year {
    year: i32,
    holidays: [Holiday; Self::HOLIDAYS_MAX],
    count: usize,
}

impl Year {
    const HOLIDAYS_MAX: usize = 18;

    const fn new(year: i32) -> Self {
        Self { year, holidays: [Holiday { month: 0, day: 0, name: "" }; Self::HOLIDAYS_MAX], count: 0 }
    }

    fn holidays(&self) -> &[Holiday] {
        &self.holidays[..self.count]
    }

    const fn and(mut self, month: i32, day: i32, name: &'static str) -> Self {
        self.holidays[self.count] = Holiday { month, day, name };
        self.count += 1;
        self
    }

    /// A fixed date; on a Sunday the Monday closes as well, under the second name.
    const fn fixed_or_monday(self, month: i32, day: i32, name: &'static str, observed: &'static str) -> Self {
        let sunday = days::weekday(days::number(self.year, month, day)) == SUNDAY;
        let year = self.and(month, day, name);
        // No holiday so treated stands on the last day of a month.
        if sunday { year.and(month, day + 1, observed) } else { year }
    }

    /// The n-th such weekday of a month, counted from 1.
    const fn nth(self, month: i32, nth: i32, weekday: i32, name: &'static str) -> Self {
        let first = days::weekday(days::number(self.year, month, 1));
        let day = 1 + (weekday - first).rem_euclid(7) + 7 * (nth - 1);
        self.and(month, day, name)
    }

    const fn last_monday(self, month: i32, name: &'static str) -> Self {
        let length = days::month_length(self.year, month);
        let last = days::weekday(days::number(self.year, month, length));
        self.and(month, length - last, name)
    }

    /// So many days from Easter Sunday.
    const fn easter(self, offset: i32, name: &'static str) -> Self {
        let (month, day) = easter_sunday(self.year);
        match (month, day + offset) {
            (4, before) if before < 1 => self.and(3, 31 + before, name),
            (3, after) if after > 31 => self.and(4, after - 31, name),
            (month, day) => self.and(month, day, name),
        }
    }

    const fn open(&self, calendar: Calendar, year: i32) -> OpenDays {
        let mut months = [0; 13];
        let all_open = matches!(calendar, Calendar::EveryDay);
        let mut month = 1;
        while month <= 12 {
            let first = days::weekday(days::number(year, month, 1));
            let mut day = 1;
            while day <= days::month_length(year, month) {
                if all_open || (first + day - 1) % 7 < SATURDAY {
                    months[month as usize] |= 1 << day;
                }
                day += 1;
            }
            month += 1;
        }
        let mut at = 0;
        while at < self.count {
            let holiday = self.holidays[at];
            months[holiday.month as usize] &= !(1 << holiday.day);
            at += 1;
        }
        months
    }
}

const MONDAY: i32 = 0;
const THURSDAY: i32 = 3;
const SATURDAY: i32 = 5;
const SUNDAY: i32 = 6;

/// Federal Reserve Banks' holiday schedule, financial services. Juneteenth since 2022.
const fn federal_reserve(year: i32) -> Year {
    let dates = Year::new(year)
        .fixed_or_monday(1, 1, "New Year’s Day", "New Year’s Day (observed)")
        .nth(1, 3, MONDAY, "Martin Luther King Jr. Day")
        .nth(2, 3, MONDAY, "Washington’s Birthday")
        .last_monday(5, "Memorial Day")
        .fixed_or_monday(7, 4, "Independence Day", "Independence Day (observed)")
        .nth(9, 1, MONDAY, "Labor Day")
        .nth(10, 2, MONDAY, "Columbus Day")
        .fixed_or_monday(11, 11, "Veterans Day", "Veterans Day (observed)")
        .nth(11, 4, THURSDAY, "Thanksgiving Day")
        .fixed_or_monday(12, 25, "Christmas Day", "Christmas Day (observed)");
    if year < 2022 {
        return dates;
    }
    dates.fixed_or_monday(6, 19, "Juneteenth", "Juneteenth (observed)")
}

const fn target2(year: i32) -> Year {
    Year::new(year)
        .and(1, 1, "New Year’s Day")
        .easter(-2, "Good Friday")
        .easter(1, "Easter Monday")
        .and(5, 1, "Labour Day")
        .and(12, 25, "Christmas Day")
        .and(12, 26, "Christmas Holiday")
}

/// Banking and Financial Dealings Act 1971, with substitute days and the proclamations since 1995.
const fn england_wales(year: i32) -> Year {
    let dates = Year::new(year).and(1, 1, "New Year’s Day").easter(-2, "Good Friday").easter(1, "Easter Monday");
    let dates = match days::weekday(days::number(year, 1, 1)) {
        SATURDAY => dates.and(1, 3, "New Year’s Day (substitute)"),
        SUNDAY => dates.and(1, 2, "New Year’s Day (substitute)"),
        _ => dates,
    };
    let dates = match year {
        1995 | 2020 => dates.and(5, 8, "Early May bank holiday (VE Day)"),
        _ => dates.nth(5, 1, MONDAY, "Early May bank holiday"),
    };
    let dates = match year {
        2002 => dates.and(6, 4, "Spring bank holiday").and(6, 3, "Golden Jubilee"),
        2012 => dates.and(6, 4, "Spring bank holiday").and(6, 5, "Diamond Jubilee"),
        2022 => dates.and(6, 2, "Spring bank holiday").and(6, 3, "Platinum Jubilee"),
        _ => dates.last_monday(5, "Spring bank holiday"),
    };
    let dates = dates.last_monday(8, "Summer bank holiday").and(12, 25, "Christmas Day").and(12, 26, "Boxing Day");
    let dates = match days::weekday(days::number(year, 12, 25)) {
        4 => dates.and(12, 28, "Boxing Day (substitute)"),
        SATURDAY => dates.and(12, 27, "Christmas Day (substitute)").and(12, 28, "Boxing Day (substitute)"),
        SUNDAY => dates.and(12, 27, "Christmas Day (substitute)"),
        _ => dates,
    };
    match year {
        1999 => dates.and(12, 31, "Millennium"),
        2011 => dates.and(4, 29, "Royal wedding"),
        2022 => dates.and(9, 19, "State funeral of Queen Elizabeth II"),
        2023 => dates.and(5, 8, "Coronation of King Charles III"),
        _ => dates,
    }
}

/// Month and day of Easter Sunday (anonymous Gregorian algorithm).
const fn easter_sunday(year: i32) -> (i32, i32) {
    let golden = year.rem_euclid(19);
    let (century, rest) = (year.div_euclid(100), year.rem_euclid(100));
    let correction = (century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 19 * golden + 15).rem_euclid(30);
    let to_sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - correction - rest % 4).rem_euclid(7);
    let late = (golden + 11 * correction + 22 * to_sunday) / 451;
    let days = correction + to_sunday - 7 * late + 114;
    (days / 31, days % 31 + 1)
}

#[cfg(test)]
mod tests;
