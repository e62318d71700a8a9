//! Recurrence rules of iCalendar (RFC 5545, 3.3.10), for the rules that both sides can say. The first date stands beside
//! the line, as DTSTART does. A rule that would mean other dates here than there is refused by name, never bent.

use std::fmt::Write as _;

use domain::calendar::{Calendar, Roll};
use domain::schedule::{Every, Nth, Schedule, ScheduleError, Weekday};
use jiff::civil::Date;

/// A longer line is no rule that a person meant.
pub const CHARS_MAX: usize = 500;

/// Why a rule cannot be said as a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    #[error("a rule that moves dates off closed days has no RRULE")]
    Rolled,
    #[error("working days that leave out holidays have no RRULE")]
    Holidays,
    #[error("a single date has no RRULE")]
    Once,
    #[error("the rule gives no date")]
    NoDates,
}

/// Why a line is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RruleError {
    #[error("this is not an RRULE")]
    NotARule,
    #[error("{0} is not among the rules that Billfold has")]
    Unknown(String),
    #[error("this rule leaves out the months that lack its day; here such a day falls on the month's end")]
    LeavesOutMonths,
    #[error("this rule falls on several days of a month; add a bill for each")]
    SeveralDays,
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

/// The line of a rule, without `RRULE:`, and its first date.
pub fn write(schedule: &Schedule) -> Result<(String, Date), Unsayable> {
    if schedule.roll != Roll::Stays {
        return Err(Unsayable::Rolled);
    }
    let first = schedule.first().ok_or(Unsayable::NoDates)?;
    let interval = u32::from(schedule.interval);
    let (frequency, interval) = match schedule.every {
        Every::Once => return Err(Unsayable::Once),
        Every::Day => ("DAILY", interval),
        Every::Week => ("WEEKLY", interval),
        Every::Month => ("MONTHLY", interval),
        Every::Quarter => ("MONTHLY", 3 * interval),
        Every::Year => ("YEARLY", interval),
    };
    let mut line = format!("FREQ={frequency}");
    let mut part = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(line, ";{name}={value}");
    };
    if interval != 1 {
        part("INTERVAL", &interval.to_string());
    }
    if schedule.every == Every::Week && !schedule.weekdays.is_empty() {
        let days = Weekday::ALL.into_iter().filter(|day| schedule.weekdays.contains(day)).map(code);
        part("BYDAY", &days.collect::<Vec<_>>().join(","));
    }
    if schedule.every == Every::Year {
        part("BYMONTH", &first.month().to_string());
    }
    if schedule.every.is_in_month() {
        match (schedule.nth, schedule.calendar) {
            (Some(Nth::Weekday { nth, weekday }), _) => part("BYDAY", &format!("{nth}{}", code(weekday))),
            (Some(Nth::WorkingDay { nth }), Calendar::EveryDay) => part("BYMONTHDAY", &nth.to_string()),
            (Some(Nth::WorkingDay { nth }), Calendar::WeekendsOnly) => {
                part("BYDAY", WORKING_DAYS);
                part("BYSETPOS", &nth.to_string());
            }
            (Some(Nth::WorkingDay { .. }), _) => return Err(Unsayable::Holidays),
            (None, _) => match schedule.day.unwrap_or_else(|| schedule.starts_on.day().unsigned_abs()) {
                31.. => part("BYMONTHDAY", "-1"),
                // The last of these days that the month has: it clamps, and returns to its day.
                day @ 29..=30 => {
                    part("BYMONTHDAY", if day == 29 { "28,29" } else { "28,29,30" });
                    part("BYSETPOS", "-1");
                }
                day => part("BYMONTHDAY", &day.to_string()),
            },
        }
    }
    match (schedule.count, schedule.ends_on) {
        (Some(count), _) => part("COUNT", &count.to_string()),
        (None, Some(end)) => part("UNTIL", &end.strftime("%Y%m%d").to_string()),
        (None, None) => {}
    }
    Ok((line, first))
}

/// The rule of a line, with or without `RRULE:`, whose first date is on or after `starts_on`.
pub fn read(line: &str, starts_on: Date) -> Result<Schedule, RruleError> {
    if line.len() > CHARS_MAX {
        return Err(RruleError::NotARule);
    }
    let upper = line.trim().to_ascii_uppercase();
    let parts = Parts::of(upper.strip_prefix("RRULE:").unwrap_or(&upper))?;
    let interval = parts.interval.unwrap_or(1);
    let mut schedule = Schedule::new(parts.every, interval, starts_on);
    schedule.count = parts.count;
    schedule.ends_on = parts.until;
    match parts.every {
        Every::Day if parts.names_days() => return Err(unknown("a daily rule on some days")),
        Every::Week if !parts.month_days.is_empty() || parts.set_place.is_some() || parts.month.is_some() => {
            return Err(unknown("a weekly rule on days of the month"));
        }
        Every::Week => {
            if parts.days.iter().any(|(nth, _)| nth.is_some()) {
                return Err(unknown("a weekly rule on an nth weekday"));
            }
            schedule.weekdays = parts.days.iter().map(|(_, day)| *day).collect();
            let across = interval > 1 && schedule.weekdays.len() > 1;
            if across && parts.week_start != Weekday::Monday {
                return Err(unknown("WKST of another day than Monday"));
            }
        }
        Every::Month | Every::Year => on_day(&parts, &mut schedule)?,
        Every::Day | Every::Once | Every::Quarter => {}
    }
    if schedule.every == Every::Year && parts.month.is_some_and(|month| month != starts_on.month()) {
        return Err(unknown("BYMONTH of another month than the first date's"));
    }
    schedule.check()?;
    Ok(schedule)
}

fn on_day(parts: &Parts, schedule: &mut Schedule) -> Result<(), RruleError> {
    if parts.every == Every::Month && parts.month.is_some() {
        return Err(unknown("BYMONTH in a monthly rule"));
    }
    if parts.every == Every::Year && parts.names_days() && parts.month.is_none() {
        return Err(unknown("days of the year without BYMONTH"));
    }
    match (parts.days.as_slice(), parts.month_days.as_slice(), parts.set_place) {
        ([], [], None) if schedule.starts_on.day() > 28 => Err(RruleError::LeavesOutMonths),
        ([], [], None) => Ok(()),
        ([], [-1], None | Some(-1 | 1)) => {
            schedule.day = Some(31);
            Ok(())
        }
        ([], [day @ 1..=28], None | Some(-1 | 1)) => {
            schedule.day = Some(day.unsigned_abs());
            Ok(())
        }
        ([], [28, 29], Some(-1)) => {
            schedule.day = Some(29);
            Ok(())
        }
        ([], [28, 29, 30], Some(-1)) => {
            schedule.day = Some(30);
            Ok(())
        }
        ([], [28, 29, 30, 31], Some(-1)) => {
            schedule.day = Some(31);
            Ok(())
        }
        ([], [29..=31], _) => Err(RruleError::LeavesOutMonths),
        ([], [nth], None) => {
            schedule.nth = Some(Nth::WorkingDay { nth: *nth });
            schedule.calendar = Calendar::EveryDay;
            Ok(())
        }
        ([], _, None) => Err(RruleError::SeveralDays),
        ([(Some(nth), weekday)], [], None) => nth_weekday(schedule, *nth, *weekday),
        ([(None, weekday)], [], Some(nth)) => nth_weekday(schedule, nth, *weekday),
        (days, [], Some(nth)) if is_every_working_day(days) => {
            schedule.nth = Some(Nth::WorkingDay { nth });
            Ok(())
        }
        ([_, ..], [], None) => Err(RruleError::SeveralDays),
        _ => Err(unknown("this choice of days")),
    }
}

fn nth_weekday(schedule: &mut Schedule, nth: i8, weekday: Weekday) -> Result<(), RruleError> {
    if matches!(nth, 5 | -5) {
        return Err(RruleError::LeavesOutMonths);
    }
    schedule.nth = Some(Nth::Weekday { nth, weekday });
    Ok(())
}

/// The parts of a line that mean something here.
struct Parts {
    every: Every,
    interval: Option<u16>,
    count: Option<u16>,
    until: Option<Date>,
    days: Vec<(Option<i8>, Weekday)>,
    month_days: Vec<i8>,
    month: Option<i8>,
    set_place: Option<i8>,
    week_start: Weekday,
}

impl Parts {
    fn of(line: &str) -> Result<Self, RruleError> {
        let mut parts = Self {
            every: Every::Once,
            interval: None,
            count: None,
            until: None,
            days: Vec::new(),
            month_days: Vec::new(),
            month: None,
            set_place: None,
            week_start: Weekday::Monday,
        };
        let mut seen = Vec::new();
        for part in line.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(RruleError::NotARule)?;
            if seen.contains(&name) {
                return Err(RruleError::NotARule);
            }
            seen.push(name);
            parts.take(name, value)?;
        }
        if parts.every == Every::Once { Err(RruleError::NotARule) } else { Ok(parts) }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), RruleError> {
        match name {
            "FREQ" => {
                self.every = match value {
                    "DAILY" => Every::Day,
                    "WEEKLY" => Every::Week,
                    "MONTHLY" => Every::Month,
                    "YEARLY" => Every::Year,
                    _ => return Err(unknown(&format!("FREQ={value}"))),
                }
            }
            "INTERVAL" => self.interval = Some(number(value)?),
            "COUNT" => self.count = Some(number(value)?),
            // A moment means its day: bills have no hour.
            "UNTIL" => {
                self.until =
                    Some(Date::strptime("%Y%m%d", value.get(..8).unwrap_or("")).map_err(|_| RruleError::NotARule)?)
            }
            "BYDAY" => self.days = value.split(',').map(nth_day).collect::<Result<_, _>>()?,
            "BYMONTHDAY" => self.month_days = value.split(',').map(number).collect::<Result<_, _>>()?,
            "BYMONTH" => self.month = Some(number(value)?),
            "BYSETPOS" => self.set_place = Some(number(value)?),
            "WKST" => self.week_start = weekday(value)?,
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    const fn names_days(&self) -> bool {
        !self.days.is_empty() || !self.month_days.is_empty() || self.set_place.is_some()
    }
}

const WORKING_DAYS: &str = "MO,TU,WE,TH,FR";

fn is_every_working_day(days: &[(Option<i8>, Weekday)]) -> bool {
    let monday_to_friday = &Weekday::ALL[..5];
    days.len() == 5 && monday_to_friday.iter().all(|day| days.contains(&(None, *day)))
}

const fn code(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    }
}

fn weekday(text: &str) -> Result<Weekday, RruleError> {
    Weekday::ALL.into_iter().find(|day| code(*day) == text).ok_or(RruleError::NotARule)
}

/// `FR`, `2TU` or `-1FR`.
fn nth_day(text: &str) -> Result<(Option<i8>, Weekday), RruleError> {
    let at = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at)).ok_or(RruleError::NotARule)?;
    let (nth, day) = text.split_at(at);
    let nth = if nth.is_empty() { None } else { Some(number(nth)?) };
    Ok((nth, weekday(day)?))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, RruleError> {
    text.parse().map_err(|_| RruleError::NotARule)
}

fn unknown(what: &str) -> RruleError {
    RruleError::Unknown(what.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn monthly(day: u8) -> Schedule {
        Schedule { day: Some(day), ..Schedule::new(Every::Month, 1, date(2026, 1, 1)) }
    }

    fn line(schedule: &Schedule) -> String {
        write(schedule).expect("can be said").0
    }

    #[test]
    fn rules_are_said_as_other_calendars_understand_them() {
        assert_eq!(line(&monthly(15)), "FREQ=MONTHLY;BYMONTHDAY=15");
        assert_eq!(line(&monthly(29)), "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1");
        assert_eq!(line(&monthly(30)), "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1");
        assert_eq!(line(&monthly(31)), "FREQ=MONTHLY;BYMONTHDAY=-1");
        let quarter = Schedule { every: Every::Quarter, interval: 2, count: Some(8), ..monthly(1) };
        assert_eq!(line(&quarter), "FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=1;COUNT=8");
        let leap = Schedule::new(Every::Year, 1, date(2024, 2, 29));
        assert_eq!(line(&leap), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1");
        let friday = Nth::Weekday { nth: -1, weekday: Weekday::Friday };
        let last_friday = Schedule { day: None, nth: Some(friday), ends_on: Some(date(2027, 3, 31)), ..monthly(1) };
        assert_eq!(line(&last_friday), "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20270331");
        let working = Schedule { day: None, nth: Some(Nth::WorkingDay { nth: -1 }), ..monthly(1) };
        assert_eq!(line(&working), "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1");
        let weekdays = vec![Weekday::Friday, Weekday::Monday];
        let bins = Schedule { weekdays, ..Schedule::new(Every::Week, 2, date(2026, 11, 26)) };
        assert_eq!(write(&bins), Ok(("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR".to_owned(), date(2026, 11, 27))));
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_name() {
        let rolled = Schedule { roll: Roll::Preceding, ..monthly(1) };
        assert_eq!(write(&rolled), Err(Unsayable::Rolled));
        let nth = Some(Nth::WorkingDay { nth: -1 });
        let bank = Schedule { day: None, nth, calendar: Calendar::FederalReserve, ..monthly(1) };
        assert_eq!(write(&bank), Err(Unsayable::Holidays));
        assert_eq!(write(&Schedule::new(Every::Once, 1, date(2026, 1, 1))), Err(Unsayable::Once));
    }

    #[test]
    fn lines_of_other_programs_are_read() {
        let start = date(2026, 11, 27);
        let read = |line| read(line, start).expect(line);
        assert_eq!(read("RRULE:FREQ=WEEKLY"), Schedule::new(Every::Week, 1, start));
        assert_eq!(read("freq=daily;interval=10"), Schedule::new(Every::Day, 10, start));
        let last = Some(Nth::Weekday { nth: -1, weekday: Weekday::Friday });
        for line in ["FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1"] {
            assert_eq!(read(line).nth, last);
        }
        assert_eq!(read("FREQ=MONTHLY;BYMONTHDAY=-1").day, Some(31));
        assert_eq!(read("FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1").day, Some(31));
        assert_eq!(read("FREQ=YEARLY;UNTIL=20301231T235959Z").ends_on, Some(date(2030, 12, 31)));
        assert_eq!(read("FREQ=WEEKLY;WKST=SU;BYDAY=FR").weekdays, [Weekday::Friday]);
    }

    #[test]
    fn a_line_that_would_mean_other_dates_is_refused() {
        let start = date(2026, 11, 27);
        for (line, error) in [
            ("FREQ=MONTHLY;BYMONTHDAY=31", RruleError::LeavesOutMonths),
            ("FREQ=MONTHLY;BYDAY=5FR", RruleError::LeavesOutMonths),
            ("FREQ=MONTHLY;BYMONTHDAY=1,15", RruleError::SeveralDays),
            ("FREQ=MONTHLY;BYDAY=MO,FR", RruleError::SeveralDays),
            ("FREQ=HOURLY", unknown("FREQ=HOURLY")),
            ("FREQ=DAILY;BYDAY=MO", unknown("a daily rule on some days")),
            ("FREQ=YEARLY;BYYEARDAY=100", unknown("BYYEARDAY")),
            ("FREQ=YEARLY;BYDAY=20MO", unknown("days of the year without BYMONTH")),
            ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,MO", unknown("WKST of another day than Monday")),
            ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1", unknown("BYMONTH of another month than the first date's")),
            ("FREQ=MONTHLY;COUNT=3;UNTIL=20301231", RruleError::Schedule(ScheduleError::Count)),
            ("FREQ=DAILY;INTERVAL=0", RruleError::Schedule(ScheduleError::Interval)),
            ("FREQ=MONTHLY;FREQ=DAILY", RruleError::NotARule),
            ("INTERVAL=2", RruleError::NotARule),
            ("FREQ=WEEKLY;BYDAY=é", RruleError::NotARule),
            ("", RruleError::NotARule),
        ] {
            assert_eq!(read(line, start), Err(error), "{line}");
        }
        let on_the_last = read("FREQ=MONTHLY", date(2026, 10, 31));
        assert_eq!(on_the_last, Err(RruleError::LeavesOutMonths), "there it leaves out November");
        assert_eq!(read(&"A".repeat(501), start), Err(RruleError::NotARule));
    }

    fn sayable() -> impl Strategy<Value = Schedule> {
        let every = prop::sample::select(vec![Every::Day, Every::Week, Every::Month, Every::Quarter, Every::Year]);
        let nth = prop_oneof![
            (1..=4_i8, 0..7_usize).prop_map(|(nth, at)| Nth::Weekday { nth, weekday: Weekday::ALL[at] }),
            (-15..=-1_i8).prop_map(|nth| Nth::WorkingDay { nth }),
        ];
        let weekdays = prop::sample::subsequence(Weekday::ALL.to_vec(), 0..=7);
        let on = (prop::option::of(1..=31_u8), prop::option::of(nth), weekdays);
        let start = (2000..2100_i16, 1..=12_i8, 1..=28_i8).prop_map(|(year, month, day)| date(year, month, day));
        (every, 1..=40_u16, on, start, prop::option::of(1..=500_u16)).prop_map(
            |(every, interval, (day, nth, weekdays), starts_on, count)| {
                let nth = nth.filter(|_| every.is_in_month());
                let day = day.filter(|_| every.is_in_month() && nth.is_none());
                let weekdays = if every == Every::Week { weekdays } else { Vec::new() };
                Schedule { day, nth, weekdays, count, ..Schedule::new(every, interval, starts_on) }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(1_000) })]

        #[test]
        fn a_rule_that_was_said_reads_back_to_the_same_dates(schedule in sayable()) {
            let (line, first) = write(&schedule).expect("can be said");
            let back = read(&line, first).expect("reads");
            let dates = |schedule: &Schedule| schedule.dates(Date::MIN, date(2200, 1, 1)).take(60).collect::<Vec<_>>();
            prop_assert_eq!(dates(&back), dates(&schedule), "{}", line);
        }

        #[test]
        fn no_line_makes_it_panic(line in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY);)?[A-Z=;,0-9é-]{0,40}") {
            let _ = read(&line, date(2026, 11, 27));
        }
    }
}
