//! Civil dates as plain day and month counts, so that rules jump to a date instead of walking to it.
//! Proleptic Gregorian, as `jiff` has it.

use jiff::civil::Date;

/// Days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
pub(crate) const fn number(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

pub(crate) fn number_of(date: Date) -> i32 {
    number(i32::from(date.year()), i32::from(date.month()), i32::from(date.day()))
}

/// The date of a day number; `None` beyond the years -9999 to 9999.
pub(crate) fn date_of(number: i32) -> Option<Date> {
    let shifted = number.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    date(year, month, day)
}

/// The date so many days later, or earlier when negative; stays at the first or last date there is.
pub(crate) fn shifted(date: Date, days: i32) -> Date {
    let end = if days < 0 { Date::MIN } else { Date::MAX };
    number_of(date).checked_add(days).and_then(date_of).unwrap_or(end)
}

/// Months since January of year 0.
pub(crate) fn month_of(date: Date) -> i32 {
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

/// The day of that month, or the month's last day when it is shorter.
#[inline]
pub(crate) fn clamped(month: i32, day: u8) -> Option<Date> {
    let (year, month) = split(month);
    date(year, month, clamped_day(year, month, day).cast_signed())
}

/// The year and the month of the year, 1 to 12.
#[inline]
pub(crate) const fn split(month: i32) -> (i32, i32) {
    let year = month.div_euclid(12);
    (year, month - 12 * year + 1)
}

#[inline]
pub(crate) fn clamped_day(year: i32, month: i32, day: u8) -> u32 {
    // Every month is as long as the shortest.
    if day <= 28 { u32::from(day) } else { u32::from(day).min(month_length(year, month).cast_unsigned()) }
}

pub(crate) const fn month_length(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 0 is Monday, 6 is Sunday.
pub(crate) const fn weekday(number: i32) -> i32 {
    (number + 3).rem_euclid(7)
}

#[inline]
pub(crate) fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_goes_there_and_back_as_the_time_library_counts() {
        let mut day = Date::constant(1850, 1, 1);
        while day.year() < 2251 {
            let number = number_of(day);
            assert_eq!(date_of(number), Some(day));
            assert_eq!(weekday(number), i32::from(day.weekday().to_monday_zero_offset()), "{day}");
            assert_eq!(month_length(day.year().into(), day.month().into()), i32::from(day.days_in_month()), "{day}");
            day = day.tomorrow().expect("within range");
        }
        assert_eq!(number(1970, 1, 1), 0);
    }

    #[test]
    fn the_ends_of_time_are_ends_and_not_panics() {
        assert_eq!(date_of(i32::MAX), None);
        assert_eq!(date_of(number_of(Date::MAX)), Some(Date::MAX));
        assert_eq!(date_of(number_of(Date::MIN)), Some(Date::MIN));
        assert_eq!(shifted(Date::MAX, 1), Date::MAX);
        assert_eq!(shifted(Date::MIN, -1), Date::MIN);
    }
}
