//! Worked examples, and the jump against a model that walks day by day.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn rule(every: Every, interval: u16, day: Option<u8>, starts_on: Date) -> Schedule {
    Schedule { day, ..Schedule::new(every, interval, starts_on) }
}

fn first(count: usize, schedule: &Schedule) -> Vec<String> {
    schedule.dates(Date::MIN, Date::MAX).take(count).map(|date| date.to_string()).collect()
}

#[test]
fn insurance_on_the_31st_of_each_quarter_clamps_and_returns_to_its_day() {
    let insurance = rule(Every::Quarter, 1, Some(31), date(2026, 11, 30));
    assert_eq!(
        first(6, &insurance),
        ["2026-11-30", "2027-02-28", "2027-05-31", "2027-08-31", "2027-11-30", "2028-02-29"]
    );
}

#[test]
fn rent_on_the_first_starts_with_the_first_first_after_its_start() {
    let rent = rule(Every::Month, 1, Some(1), date(2026, 11, 20));
    assert_eq!(first(3, &rent), ["2026-12-01", "2027-01-01", "2027-02-01"]);
}

#[test]
fn quarters_are_counted_from_the_month_of_the_first_date() {
    let tax = rule(Every::Quarter, 1, Some(15), date(2026, 11, 20));
    assert_eq!(first(3, &tax), ["2026-12-15", "2027-03-15", "2027-06-15"]);
}

#[test]
fn without_a_day_the_start_is_the_anchor() {
    let month_end = rule(Every::Month, 1, None, date(2027, 1, 31));
    assert_eq!(first(4, &month_end), ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]);
    let leap_day = rule(Every::Year, 1, None, date(2024, 2, 29));
    assert_eq!(first(5, &leap_day), ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]);
}

#[test]
fn weeks_and_days_keep_their_step() {
    assert_eq!(first(3, &rule(Every::Week, 2, None, date(2026, 12, 25))), ["2026-12-25", "2027-01-08", "2027-01-22"]);
    assert_eq!(first(3, &rule(Every::Day, 10, None, date(2028, 2, 25))), ["2028-02-25", "2028-03-06", "2028-03-16"]);
}

#[test]
fn once_is_once() {
    let once = rule(Every::Once, 1, None, date(2026, 12, 4));
    assert_eq!(first(9, &once), ["2026-12-04"]);
    assert_eq!(once.dates(date(2026, 12, 5), Date::MAX).next(), None);
    assert_eq!(once.next_on_or_after(date(2026, 12, 4)), Some(date(2026, 12, 4)));
}

#[test]
fn both_ends_of_a_window_belong_to_it() {
    let rent = rule(Every::Month, 1, Some(1), date(2026, 1, 1));
    let found: Vec<_> = rent.dates(date(2026, 3, 1), date(2026, 5, 1)).collect();
    assert_eq!(found, [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)]);
    assert_eq!(rent.dates(date(2026, 5, 2), date(2026, 5, 31)).next(), None);
    assert_eq!(rent.dates(date(2026, 5, 2), date(2026, 4, 1)).next(), None, "a window that is upside down is empty");
}

#[test]
fn nothing_falls_after_the_end() {
    let mut lease = rule(Every::Month, 1, Some(31), date(2026, 10, 1));
    lease.ends_on = Some(date(2027, 2, 28));
    assert_eq!(first(9, &lease), ["2026-10-31", "2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28"]);
    assert_eq!(lease.next_on_or_after(date(2027, 3, 1)), None);
    assert!(lease.gives(date(2026, 11, 30)) && !lease.gives(date(2026, 11, 29)));
}

#[test]
fn a_rule_that_means_nothing_is_refused() {
    let good = rule(Every::Month, 1, Some(31), date(2026, 12, 31));
    assert_eq!(good.check(), Ok(()));
    assert_eq!(Schedule { interval: 0, ..good.clone() }.check(), Err(ScheduleError::Interval));
    assert_eq!(Schedule { interval: 121, ..good.clone() }.check(), Err(ScheduleError::Interval));
    assert_eq!(Schedule { day: Some(0), ..good.clone() }.check(), Err(ScheduleError::Day));
    assert_eq!(Schedule { day: Some(32), ..good.clone() }.check(), Err(ScheduleError::Day));
    assert_eq!(Schedule { every: Every::Week, ..good.clone() }.check(), Err(ScheduleError::DayNotUsed));
    assert_eq!(Schedule { starts_on: Date::MIN, ..good.clone() }.check(), Err(ScheduleError::StartsOutOfRange));
    assert_eq!(Schedule { ends_on: Some(date(2026, 12, 30)), ..good.clone() }.check(), Err(ScheduleError::NoDates));
    // It ends on or after its start, and still before its first date.
    let short = Schedule { day: Some(1), starts_on: date(2026, 11, 20), ends_on: Some(date(2026, 11, 25)), ..good };
    assert_eq!(short.check(), Err(ScheduleError::NoDates));
}

#[test]
fn several_weekdays_fall_in_each_week_that_counts() {
    let mut bins = rule(Every::Week, 2, None, date(2026, 11, 26));
    bins.weekdays = vec![Weekday::Friday, Weekday::Monday];
    let first_week_has_a_friday_left = ["2026-11-27", "2026-12-07", "2026-12-11", "2026-12-21", "2026-12-25"];
    assert_eq!(first(5, &bins), first_week_has_a_friday_left);
    bins.weekdays = vec![Weekday::Tuesday, Weekday::Monday];
    let counted_from_the_next_week = ["2026-11-30", "2026-12-01", "2026-12-14", "2026-12-15"];
    assert_eq!(first(4, &bins), counted_from_the_next_week);
}

#[test]
fn the_nth_and_the_last_weekday_of_a_month() {
    let mut club = rule(Every::Month, 1, None, date(2026, 11, 26));
    club.nth = Some(Nth::Weekday { nth: -1, weekday: Weekday::Friday });
    assert_eq!(first(4, &club), ["2026-11-27", "2026-12-25", "2027-01-29", "2027-02-26"]);
    club.nth = Some(Nth::Weekday { nth: 2, weekday: Weekday::Tuesday });
    assert_eq!(first(3, &club), ["2026-12-08", "2027-01-12", "2027-02-09"]);
    club.nth = Some(Nth::Weekday { nth: -2, weekday: Weekday::Sunday });
    assert_eq!(first(2, &club), ["2026-12-20", "2027-01-24"]);
    let memorial = Schedule {
        nth: Some(Nth::Weekday { nth: -1, weekday: Weekday::Monday }),
        ..rule(Every::Year, 1, None, date(2026, 5, 1))
    };
    assert_eq!(first(3, &memorial), ["2026-05-25", "2027-05-31", "2028-05-29"]);
}

#[test]
fn the_nth_and_the_last_working_day_are_those_of_the_calendar() {
    let mut pay = rule(Every::Month, 1, None, date(2026, 10, 1));
    pay.nth = Some(Nth::WorkingDay { nth: -1 });
    pay.calendar = Calendar::FederalReserve;
    assert_eq!(first(4, &pay), ["2026-10-30", "2026-11-30", "2026-12-31", "2027-01-29"]);
    pay.nth = Some(Nth::WorkingDay { nth: 1 });
    assert_eq!(first(4, &pay), ["2026-10-01", "2026-11-02", "2026-12-01", "2027-01-04"], "2 January is a Saturday");
    pay.calendar = Calendar::EnglandWales;
    pay.nth = Some(Nth::WorkingDay { nth: -3 });
    assert_eq!(first(3, &pay)[2], "2026-12-29", "31, 30, 29");
}

#[test]
fn a_date_on_a_closed_day_rolls_and_comes_once() {
    let mut rent = rule(Every::Month, 1, Some(31), date(2026, 10, 1));
    rent.calendar = Calendar::FederalReserve;
    rent.roll = Roll::Following;
    assert_eq!(first(3, &rent), ["2026-11-02", "2026-11-30", "2026-12-31"]);
    rent.roll = Roll::ModifiedFollowing;
    assert_eq!(first(3, &rent), ["2026-10-30", "2026-11-30", "2026-12-31"]);
    // Saturday and Sunday come together on Monday, which is one date.
    let mut daily = rule(Every::Day, 1, None, date(2026, 11, 27));
    daily.roll = Roll::Following;
    assert_eq!(first(3, &daily), ["2026-11-27", "2026-11-30", "2026-12-01"]);
    assert_eq!(daily.next_on_or_after(date(2026, 11, 28)), Some(date(2026, 11, 30)));
    assert_eq!(daily.dates(date(2026, 11, 28), date(2026, 11, 29)).next(), None);
    assert!(daily.gives(date(2026, 11, 30)));
}

#[test]
fn a_date_may_roll_to_before_its_start_and_past_its_end() {
    let mut lease = rule(Every::Month, 1, Some(1), date(2026, 11, 1));
    lease.ends_on = Some(date(2027, 5, 1));
    lease.roll = Roll::Preceding;
    assert_eq!(first(1, &lease), ["2026-10-30"], "1 November is a Sunday");
    assert_eq!(lease.first(), lease.next_on_or_after(date(2026, 1, 1)));
    assert_eq!(lease.check(), Ok(()));
    lease.roll = Roll::Following;
    assert_eq!(first(99, &lease).last().map(String::as_str), Some("2027-05-03"), "1 May is a Saturday");
}

#[test]
fn a_count_ends_the_rule() {
    let loan = Schedule { count: Some(3), ..rule(Every::Month, 1, Some(31), date(2026, 12, 1)) };
    assert_eq!(first(9, &loan), ["2026-12-31", "2027-01-31", "2027-02-28"]);
    assert_eq!(loan.next_on_or_after(date(2027, 3, 1)), None);
    let mut twice = rule(Every::Week, 1, None, date(2026, 11, 25));
    twice.weekdays = vec![Weekday::Monday, Weekday::Thursday];
    twice.count = Some(4);
    assert_eq!(first(9, &twice), ["2026-11-26", "2026-11-30", "2026-12-03", "2026-12-07"]);
}

#[test]
fn days_that_do_not_go_together_are_refused() {
    let month = rule(Every::Month, 1, None, date(2026, 12, 31));
    let week = rule(Every::Week, 1, None, date(2026, 12, 31));
    let last_friday = Some(Nth::Weekday { nth: -1, weekday: Weekday::Friday });
    let cases = [
        (Schedule { nth: last_friday, day: Some(1), ..month.clone() }, ScheduleError::DayNotUsed),
        (Schedule { nth: last_friday, ..week.clone() }, ScheduleError::DayNotUsed),
        (
            Schedule { nth: Some(Nth::Weekday { nth: 5, weekday: Weekday::Friday }), ..month.clone() },
            ScheduleError::Nth,
        ),
        (
            Schedule { nth: Some(Nth::Weekday { nth: i8::MIN, weekday: Weekday::Friday }), ..month.clone() },
            ScheduleError::Nth,
        ),
        (Schedule { nth: Some(Nth::WorkingDay { nth: 0 }), ..month.clone() }, ScheduleError::Nth),
        (Schedule { nth: Some(Nth::WorkingDay { nth: -16 }), ..month.clone() }, ScheduleError::Nth),
        (Schedule { weekdays: vec![Weekday::Friday], ..month.clone() }, ScheduleError::Weekdays),
        (Schedule { weekdays: vec![Weekday::Friday; 2], ..week.clone() }, ScheduleError::Weekdays),
        (Schedule { count: Some(0), ..month.clone() }, ScheduleError::Count),
        (Schedule { count: Some(10_000), ..month.clone() }, ScheduleError::Count),
        (Schedule { count: Some(2), ends_on: Some(date(2027, 12, 31)), ..month.clone() }, ScheduleError::Count),
        (Schedule { count: Some(1), ..rule(Every::Once, 1, None, date(2026, 12, 31)) }, ScheduleError::Count),
    ];
    for (refused, error) in cases {
        assert_eq!(refused.check(), Err(error), "{refused:?}");
    }
    for good in [
        Schedule { nth: last_friday, count: Some(9_999), ..month.clone() },
        Schedule { nth: Some(Nth::WorkingDay { nth: -15 }), calendar: Calendar::Target2, ..month },
        Schedule { weekdays: vec![Weekday::Sunday, Weekday::Monday], ..week },
    ] {
        assert_eq!(good.check(), Ok(()), "{good:?}");
    }
}

#[test]
fn an_unchecked_rule_and_the_ends_of_time_give_no_panic() {
    for every in [Every::Once, Every::Day, Every::Week, Every::Month, Every::Quarter, Every::Year] {
        for starts_on in [Date::MIN, date(0, 1, 1), Date::MAX] {
            for (interval, day) in [(0, Some(0)), (u16::MAX, Some(255)), (1, None)] {
                for roll in [Roll::Stays, Roll::Preceding, Roll::Following, Roll::ModifiedFollowing] {
                    let odd = Schedule { roll, ..rule(every, interval, day, starts_on) };
                    let nth = Some(Nth::Weekday { nth: i8::MIN, weekday: Weekday::Sunday });
                    let weekdays = vec![Weekday::Sunday; 9];
                    let working = Some(Nth::WorkingDay { nth: 127 });
                    for odd in [
                        Schedule { nth, ..odd.clone() },
                        Schedule { nth: working, ..odd.clone() },
                        Schedule { weekdays, count: Some(0), ..odd.clone() },
                        odd,
                    ] {
                        assert!(odd.dates(Date::MIN, Date::MAX).take(5).count() <= 5);
                        assert!(odd.dates(Date::MAX, Date::MAX).count() <= 1);
                    }
                }
            }
        }
    }
}

#[test]
fn the_wire_shape_is_stable() {
    let text = r#"{"every":"month","interval":1,"day":31,"starts_on":"2026-12-31","ends_on":null}"#;
    let schedule: Schedule = serde_json::from_str(text).expect("a rule from before weekdays were there reads");
    assert_eq!(schedule, rule(Every::Month, 1, Some(31), date(2026, 12, 31)));
    let text = r#"{"every":"month","interval":1,"day":null,"weekdays":[],"nth":{"of":"weekday","nth":-1,"weekday":"friday"},"starts_on":"2026-12-31","ends_on":null,"count":12,"calendar":"federal_reserve","roll":"modified_following"}"#;
    let schedule: Schedule = serde_json::from_str(text).expect("reads");
    assert_eq!(serde_json::to_string(&schedule).expect("writes"), text);
}

/// Walks from the start, a day at a time, and takes what fits: slow, and plainly right.
fn walked(schedule: &Schedule, from: Date, to: Date) -> Vec<Date> {
    let anchor = schedule.day.map_or(schedule.starts_on.day(), |day| day.try_into().expect("small"));
    let weekday = |day: Date| Weekday::of(day);
    let fits = |day: Date| match schedule.nth {
        _ if !schedule.every.is_in_month() => schedule.weekdays.is_empty() || schedule.weekdays.contains(&weekday(day)),
        None => day.day() == anchor || (day.day() == day.days_in_month() && anchor > day.day()),
        Some(Nth::Weekday { nth, weekday: wanted }) => {
            let place = if nth > 0 { (day.day() - 1) / 7 } else { (day.days_in_month() - day.day()) / 7 };
            weekday(day) == wanted && place + 1 == nth.abs()
        }
        Some(Nth::WorkingDay { nth }) => {
            let open = |other: i8| schedule.calendar.is_banking_day(date(day.year(), day.month(), other));
            let others = if nth > 0 { 1..=day.day() } else { day.day()..=day.days_in_month() };
            open(day.day()) && others.filter(|other| open(*other)).count() == usize::from(nth.unsigned_abs())
        }
    };
    let interval = usize::from(schedule.interval);
    let each = match schedule.every {
        Every::Once => usize::MAX / 1_000,
        Every::Day | Every::Month => interval,
        Every::Quarter => 3 * interval,
        Every::Week if schedule.weekdays.is_empty() => 7 * interval,
        Every::Week => 1,
        Every::Year => 12 * interval,
    };
    let mut first_week = None;
    let end = schedule.ends_on.unwrap_or(days::shifted(to, 40));
    let mut nominal: Vec<Date> = std::iter::successors(Some(schedule.starts_on), |day| day.tomorrow().ok())
        .take_while(|day| *day <= end)
        .filter(|day| fits(*day))
        .step_by(each)
        .filter(|day| {
            let monday = days::number_of(*day) - days::weekday(days::number_of(*day));
            let weeks = (monday - *first_week.get_or_insert(monday)) / 7;
            schedule.weekdays.is_empty() || weeks % i32::from(schedule.interval) == 0
        })
        .take(schedule.count.map_or(usize::MAX, usize::from))
        .map(|day| schedule.calendar.rolled(day, schedule.roll))
        .filter(|day| (from..=to).contains(day))
        .collect();
    nominal.dedup();
    nominal
}

prop_compose! {
    fn any_day()(far in 0..16_000) -> Date {
        days::shifted(date(1999, 1, 1), far)
    }
}

fn any_rule() -> impl Strategy<Value = Schedule> {
    let every = prop_oneof![
        Just(Every::Once),
        Just(Every::Day),
        Just(Every::Week),
        Just(Every::Month),
        Just(Every::Quarter),
        Just(Every::Year)
    ];
    let interval = prop_oneof![3 => 1..=4_u16, 1 => 1..=120_u16];
    let weekday = (0..7_usize).prop_map(|at| Weekday::ALL[at]);
    let from_either_end = |most: i8| (1..=most, any::<bool>()).prop_map(|(nth, last)| if last { -nth } else { nth });
    let nth = prop_oneof![
        (from_either_end(4), weekday).prop_map(|(nth, weekday)| Nth::Weekday { nth, weekday }),
        from_either_end(15).prop_map(|nth| Nth::WorkingDay { nth }),
    ];
    let on =
        (prop::option::of(1..=31_u8), prop::option::of(nth), prop::sample::subsequence(Weekday::ALL.to_vec(), 0..=7));
    let end = (prop::option::of(any_day()), prop::option::weighted(0.2, 1..=40_u16));
    let roll = (
        prop::sample::select(Calendar::ALL.to_vec()),
        prop::sample::select(vec![Roll::Stays, Roll::Preceding, Roll::Following, Roll::ModifiedFollowing]),
    );
    (every, interval, on, any_day(), end, roll).prop_map(
        |(every, interval, (day, nth, weekdays), starts_on, (ends_on, count), (calendar, roll))| {
            let nth = nth.filter(|_| every.is_in_month());
            let day = day.filter(|_| every.is_in_month() && nth.is_none());
            let weekdays = if every == Every::Week { weekdays } else { Vec::new() };
            let count = count.filter(|_| ends_on.is_none() && every != Every::Once);
            Schedule { every, interval, day, weekdays, nth, starts_on, ends_on, count, calendar, roll }
        },
    )
}

#[test]
fn a_rule_is_ended_before_any_of_its_dates() {
    let mut rent = rule(Every::Month, 1, Some(14), date(2026, 10, 1));
    rent.roll = Roll::Following;
    let monday = date(2026, 11, 16);
    assert_eq!(rent.nominal_of(monday), Some(date(2026, 11, 14)));
    assert_eq!(rent.nominal_of(date(2026, 11, 14)), None);
    let ended = rent.clone().ended_before(monday).expect("October");
    assert_eq!(first(9, &ended), ["2026-10-14"]);
    assert_eq!(rent.clone().ended_before(date(2026, 10, 14)), None);
    rent.count = Some(2);
    assert_eq!(first(9, &rent.clone().ended_before(date(2030, 1, 1)).expect("both")), first(9, &rent));
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn a_jump_into_any_window_finds_what_walking_there_finds(
        schedule in any_rule(),
        from in any_day(),
        length in 0..1_500,
    ) {
        let to = days::shifted(from, length);
        let jumped: Vec<_> = schedule.dates(from, to).collect();
        prop_assert_eq!(jumped, walked(&schedule, from, to));
    }

    #[test]
    fn what_ends_before_a_day_has_all_dates_before_it_and_no_other(schedule in any_rule(), day in any_day()) {
        let before: Vec<_> = schedule.dates(Date::MIN, days::shifted(day, -1)).collect();
        let ended = schedule.clone().ended_before(day).map(|ended| ended.dates(Date::MIN, Date::MAX).collect::<Vec<_>>());
        prop_assert_eq!(ended.unwrap_or_default(), before);
        if schedule.gives(day) {
            let nominal = schedule.nominal_of(day).expect("the rule gives it");
            prop_assert_eq!(schedule.calendar.rolled(nominal, schedule.roll), day);
        }
    }

    #[test]
    fn the_next_date_is_the_first_of_the_rest(schedule in any_rule(), day in any_day()) {
        let next = schedule.next_on_or_after(day);
        prop_assert_eq!(next, schedule.dates(day, Date::MAX).next());
        if let Some(next) = next {
            prop_assert!(next >= day && schedule.gives(next));
            prop_assert!(schedule.roll != Roll::Stays || next >= schedule.starts_on);
            prop_assert_eq!(schedule.clone().anchored().next_on_or_after(day), Some(next));
        }
    }
}
