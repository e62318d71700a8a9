//! Holidays against the lists that the Federal Reserve, the ECB and gov.uk published.

use jiff::civil::{Date, date};

use super::*;

const ALL: [Calendar; 5] = Calendar::ALL;

/// The closed weekdays of a year as month and day.
fn closed_weekdays(calendar: Calendar, year: i16) -> Vec<(i8, i8)> {
    days_of(year)
        .filter(|day| Calendar::WeekendsOnly.is_banking_day(*day) && !calendar.is_banking_day(*day))
        .map(|day| (day.month(), day.day()))
        .collect()
}

fn days_of(year: i16) -> impl Iterator<Item = Date> {
    let first = date(year, 1, 1);
    (0..i32::from(first.days_in_year())).map(move |far| days::shifted(first, far))
}

#[test]
fn the_federal_reserve_closes_on_its_published_days() {
    let ordinary = [(1, 1), (1, 19), (2, 16), (5, 25), (6, 19), (9, 7), (10, 12), (11, 11), (11, 26), (12, 25)];
    assert_eq!(closed_weekdays(Calendar::FederalReserve, 2026), ordinary, "4 July is a Saturday: no day off");
    let sunday_fourth = [(1, 1), (1, 18), (2, 15), (5, 31), (7, 5), (9, 6), (10, 11), (11, 11), (11, 25)];
    assert_eq!(closed_weekdays(Calendar::FederalReserve, 2027), sunday_fourth);
    let before_juneteenth = [(1, 1), (1, 18), (2, 15), (5, 31), (7, 5), (9, 6), (10, 11), (11, 11), (11, 25)];
    assert_eq!(closed_weekdays(Calendar::FederalReserve, 2021), before_juneteenth);
}

#[test]
fn a_federal_holiday_on_a_saturday_leaves_the_friday_open_and_one_on_a_sunday_closes_the_monday() {
    let fed = Calendar::FederalReserve;
    assert!(fed.is_banking_day(date(2026, 7, 3)), "Friday before Saturday, 4 July 2026");
    assert!(!fed.is_banking_day(date(2027, 7, 5)), "Monday after Sunday, 4 July 2027");
    assert!(fed.is_banking_day(date(2021, 12, 31)), "Friday before Saturday, 1 January 2022");
    assert!(!fed.is_banking_day(date(2023, 1, 2)), "Monday after Sunday, 1 January 2023");
}

#[test]
fn all_eleven_federal_holidays_have_their_names() {
    let names: Vec<_> = days_of(2026).filter_map(|day| Calendar::FederalReserve.holiday_name(day)).collect();
    let expected = [
        "New Year’s Day",
        "Martin Luther King Jr. Day",
        "Washington’s Birthday",
        "Memorial Day",
        "Juneteenth",
        "Independence Day",
        "Labor Day",
        "Columbus Day",
        "Veterans Day",
        "Thanksgiving Day",
        "Christmas Day",
    ];
    assert_eq!(names, expected);
    assert_eq!(Calendar::FederalReserve.holiday_name(date(2027, 7, 5)), Some("Independence Day (observed)"));
    assert_eq!(Calendar::FederalReserve.holiday_name(date(2026, 7, 6)), None);
    assert_eq!(Calendar::EveryDay.holiday_name(date(2026, 12, 25)), None);
}

#[test]
fn target_closes_on_six_days_and_moves_none() {
    assert_eq!(closed_weekdays(Calendar::Target2, 2025), [(1, 1), (4, 18), (4, 21), (5, 1), (12, 25), (12, 26)]);
    assert_eq!(closed_weekdays(Calendar::Target2, 2026), [(1, 1), (4, 3), (4, 6), (5, 1), (12, 25)]);
    assert!(Calendar::Target2.is_banking_day(date(2027, 12, 27)), "Christmas on a Saturday gives no day");
}

#[test]
fn england_and_wales_substitute_weekdays_and_follow_proclamations() {
    let uk = |year| closed_weekdays(Calendar::EnglandWales, year);
    assert_eq!(uk(2026), [(1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25), (12, 28)]);
    assert_eq!(uk(2027), [(1, 1), (3, 26), (3, 29), (5, 3), (5, 31), (8, 30), (12, 27), (12, 28)]);
    let mourning = [(1, 3), (4, 15), (4, 18), (5, 2), (6, 2), (6, 3), (8, 29), (9, 19), (12, 26), (12, 27)];
    assert_eq!(uk(2022), mourning);
    assert_eq!(uk(2020), [(1, 1), (4, 10), (4, 13), (5, 8), (5, 25), (8, 31), (12, 25), (12, 28)]);
    assert_eq!(uk(2023), [(1, 2), (4, 7), (4, 10), (5, 1), (5, 8), (5, 29), (8, 28), (12, 25), (12, 26)]);
}

#[test]
fn easter_is_where_the_church_has_it() {
    for (year, month, day) in [(1961, 4, 2), (2008, 3, 23), (2011, 4, 24), (2024, 3, 31), (2026, 4, 5), (2038, 4, 25)] {
        assert_eq!(easter_sunday(year), (month, day), "{year}");
    }
}

#[test]
fn the_table_says_what_the_rules_say() {
    for calendar in ALL {
        for day in (1990..2110).flat_map(days_of) {
            let ruled = calendar.year(day.year().into()).open(calendar, day.year().into());
            let open = ruled[usize::from(day.month().unsigned_abs())] >> day.day() & 1 == 1;
            assert_eq!(calendar.is_banking_day(day), open, "{calendar:?} {day}");
        }
    }
}

#[test]
fn the_next_and_the_previous_banking_day_step_over_a_long_closure() {
    let uk = Calendar::EnglandWales;
    assert_eq!(uk.next_banking_day(date(2027, 12, 24)), date(2027, 12, 29));
    assert_eq!(uk.previous_banking_day(date(2027, 12, 29)), date(2027, 12, 24));
    assert_eq!(Calendar::FederalReserve.next_banking_day(date(2026, 11, 25)), date(2026, 11, 27));
    assert_eq!(Calendar::EveryDay.next_banking_day(date(2026, 12, 24)), date(2026, 12, 25));
    assert_eq!(uk.on_or_after(date(2027, 12, 29)), date(2027, 12, 29));
    assert_eq!(uk.on_or_before(date(2027, 12, 28)), date(2027, 12, 24));
}

#[test]
fn banking_days_are_added_and_taken_away() {
    let fed = Calendar::FederalReserve;
    assert_eq!(fed.add_banking_days(date(2026, 11, 25), 2), date(2026, 11, 30), "Thanksgiving and a weekend between");
    assert_eq!(fed.add_banking_days(date(2026, 11, 26), 0), date(2026, 11, 27));
    assert_eq!(fed.subtract_banking_days(date(2026, 11, 30), 2), date(2026, 11, 25));
    assert_eq!(fed.subtract_banking_days(date(2026, 11, 26), 0), date(2026, 11, 25));
}

#[test]
fn far_years_and_the_end_of_time_have_answers() {
    for calendar in ALL {
        for year in [-9999, -1, 0, 1, 1582, 9999] {
            assert!(days_of(year).take(300).any(|day| calendar.is_banking_day(day)), "{calendar:?} {year}");
        }
        assert!(calendar.next_banking_day(Date::MAX) <= Date::MAX);
        assert!(calendar.previous_banking_day(Date::MIN) >= Date::MIN);
    }
}

#[test]
fn a_closed_date_moves_as_the_convention_says() {
    let fed = Calendar::FederalReserve;
    let saturday = date(2026, 10, 31);
    assert_eq!(fed.rolled(saturday, Roll::Stays), saturday);
    assert_eq!(fed.rolled(saturday, Roll::Preceding), date(2026, 10, 30));
    assert_eq!(fed.rolled(saturday, Roll::Following), date(2026, 11, 2));
    assert_eq!(fed.rolled(saturday, Roll::ModifiedFollowing), date(2026, 10, 30), "not into November");
    assert_eq!(fed.rolled(date(2026, 11, 26), Roll::ModifiedFollowing), date(2026, 11, 27));
    for roll in [Roll::Stays, Roll::Preceding, Roll::Following, Roll::ModifiedFollowing] {
        assert_eq!(fed.rolled(date(2026, 11, 25), roll), date(2026, 11, 25), "an open day stays");
    }
}

#[test]
fn banking_days_of_a_month_are_counted_from_both_ends() {
    for calendar in ALL {
        for month in (2025..2029).flat_map(|year| (1..=12).map(move |month| date(year, month, 1))) {
            let open: Vec<Date> = (0..i32::from(month.days_in_month()))
                .map(|far| days::shifted(month, far))
                .filter(|day| calendar.is_banking_day(*day))
                .collect();
            for nth in 1..=32_i8 {
                let at = usize::try_from(nth - 1).expect("not negative");
                assert_eq!(calendar.nth_banking_day(month, nth), open.get(at).copied(), "{calendar:?} {month} {nth}");
                let from_end = open.iter().rev().nth(at).copied();
                assert_eq!(calendar.nth_banking_day(month, -nth), from_end, "{calendar:?} {month} {nth} from the end");
            }
        }
    }
}

#[test]
fn the_alarm_comes_a_year_before_a_published_list_ends() {
    let ending = |today| Calendar::ending_soon(today).collect::<Vec<_>>();
    assert_eq!(ending(date(2026, 11, 26)), []);
    assert_eq!(ending(date(2027, 12, 31)), [Calendar::EnglandWales]);
    assert_eq!(ending(date(2027, 12, 30)), []);
    assert_eq!(ending(date(2030, 1, 1)), [Calendar::FederalReserve, Calendar::EnglandWales]);
}

#[test]
fn the_lists_reach_two_years_ahead() {
    let uk = |year| closed_weekdays(Calendar::EnglandWales, year);
    assert_eq!(uk(2028), [(1, 3), (4, 14), (4, 17), (5, 1), (5, 29), (8, 28), (12, 25), (12, 26)]);
    let fed = |year| closed_weekdays(Calendar::FederalReserve, year);
    let plain = [(1, 17), (2, 21), (5, 29), (6, 19), (7, 4), (9, 4), (10, 9), (11, 23), (12, 25)];
    assert_eq!(fed(2028), plain, "1 January and 11 November are Saturdays");
    let all = [(1, 1), (1, 15), (2, 19), (5, 28), (6, 19), (7, 4), (9, 3), (10, 8), (11, 12), (11, 22), (12, 25)];
    assert_eq!(fed(2029), all, "11 November is a Sunday");
}
