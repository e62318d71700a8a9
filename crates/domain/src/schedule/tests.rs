//! Worked examples, and the jump against a model that walks day by day.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn rule(every: Every, interval: u16, day: Option<u8>, starts_on: Date) -> Schedule {
    Schedule { every, interval, day, starts_on, ends_on: None }
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
fn an_unchecked_rule_and_the_ends_of_time_give_no_panic() {
    for every in [Every::Once, Every::Day, Every::Week, Every::Month, Every::Quarter, Every::Year] {
        for starts_on in [Date::MIN, date(0, 1, 1), Date::MAX] {
            for (interval, day) in [(0, Some(0)), (u16::MAX, Some(255)), (1, None)] {
                let odd = rule(every, interval, day, starts_on);
                assert!(odd.dates(Date::MIN, Date::MAX).take(5).count() <= 5);
                assert!(odd.dates(Date::MAX, Date::MAX).count() <= 1);
            }
        }
    }
}

#[test]
fn the_wire_shape_is_stable() {
    let text = r#"{"every":"month","interval":1,"day":31,"starts_on":"2026-12-31","ends_on":null}"#;
    let schedule: Schedule = serde_json::from_str(text).expect("reads");
    assert_eq!(serde_json::to_string(&schedule).expect("writes"), text);
}

/// Walks from the start, a day at a time, and takes what fits: slow, and plainly right.
fn walked(schedule: &Schedule, from: Date, to: Date) -> Vec<Date> {
    let anchor = schedule.day.map_or(schedule.starts_on.day(), |day| day.try_into().expect("small"));
    let in_month = matches!(schedule.every, Every::Month | Every::Quarter | Every::Year);
    let fits = |day: Date| !in_month || day.day() == anchor || (day.day() == day.days_in_month() && anchor > day.day());
    let each = usize::from(schedule.interval)
        * match schedule.every {
            Every::Once => usize::MAX / 1_000,
            Every::Day | Every::Month => 1,
            Every::Quarter => 3,
            Every::Week => 7,
            Every::Year => 12,
        };
    let end = schedule.ends_on.map_or(to, |end| end.min(to));
    std::iter::successors(Some(schedule.starts_on), |day| day.tomorrow().ok())
        .take_while(|day| *day <= end)
        .filter(|day| fits(*day))
        .step_by(each)
        .filter(|day| *day >= from)
        .collect()
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
    (every, interval, prop::option::of(1..=31_u8), any_day(), prop::option::of(any_day())).prop_map(
        |(every, interval, day, starts_on, ends_on)| {
            let day = day.filter(|_| matches!(every, Every::Month | Every::Quarter | Every::Year));
            Schedule { every, interval, day, starts_on, ends_on }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(300) })]

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
    fn the_next_date_is_the_first_of_the_rest(schedule in any_rule(), day in any_day()) {
        let next = schedule.next_on_or_after(day);
        prop_assert_eq!(next, schedule.dates(day, Date::MAX).next());
        if let Some(next) = next {
            prop_assert!(next >= day && next >= schedule.starts_on);
            prop_assert!(schedule.gives(next));
        }
    }
}
