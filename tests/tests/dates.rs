//! Every day of three years, in six zones, by rules of every kind, against python-dateutil: no due date is missed, doubled
//! or shifted. What Billfold means differently from RFC 5545 is listed here one by one, and each difference is shown.
//!
//! 1. A day that a month lacks is its last day (`BYMONTHDAY=31` leaves the month out), and the next long month has its
//!    own day again. The oracle says it as the last of the days 28 to 31.
//! 2. Months and weeks are counted from the month or week of the first date. RFC 5545 counts from that of `DTSTART`, also
//!    when its day has passed there: every second month on the 5th from 10 January is February, April, … here, and March,
//!    May, … there; every second Monday from a Wednesday begins the Monday after here, and a week later there.
//! 3. A date on a closed day may go to a banking day; two dates that go to one day are one. RFC 5545 has no such words.
//! 4. A working day counts the banks' holidays; RFC 5545 knows weekdays alone.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::bills::open_day;
use domain::calendar::{Calendar, Roll};
use domain::schedule::{Every, Nth, Schedule, Weekday};
use jiff::civil::{Date, Time, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/dates");
const FROM: Date = date(2025, 1, 1);
const TO: Date = date(2027, 12, 31);
/// Both hemispheres, half hours, no summer time, and the far side of the date line.
const ZONES: [&str; 6] = [
    "America/New_York",
    "Europe/London",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "Pacific/Honolulu",
    "Australia/Lord_Howe",
];
const STARTS: [Date; 5] =
    [date(2024, 1, 31), date(2024, 2, 29), date(2025, 1, 10), date(2025, 6, 1), date(2025, 12, 31)];
const ROLLS: [Roll; 3] = [Roll::Preceding, Roll::Following, Roll::ModifiedFollowing];

/// Python with the oracle in an environment of its own, below the target folder. None, and it says so, without Python.
fn python() -> Option<PathBuf> {
    let target = std::env::current_exe().expect("a path");
    let home = target.ancestors().nth(3).expect("the target folder").join("interop-dates");
    let program = home.join("bin/python");
    let turn = std::fs::File::create(home.with_extension("lock")).expect("a file");
    turn.lock().expect("a turn");
    let wanted = std::fs::read_to_string(Path::new(FOLDER).join("requirements.txt")).expect("a list");
    let marker = home.join("installed.txt");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Some(program);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&home).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: python3 with venv not found");
        return None;
    }
    let mut install = Command::new(home.join("bin/pip"));
    install.args(["install", "--quiet", "--requirement"]).arg(Path::new(FOLDER).join("requirements.txt"));
    assert!(install.status().expect("pip starts").success(), "the oracle is installed from the package index");
    std::fs::write(marker, wanted).expect("a file");
    Some(program)
}

/// What the oracle says of all this.
fn asked(rules: &[Schedule], hours: i64, begin: Timestamp) -> Option<Value> {
    let question = json!({
        "from": FROM, "to": TO, "rules": rules,
        "zones": {"names": ZONES, "from": begin.as_second(), "hours": hours},
    });
    let mut oracle = Command::new(python()?)
        .arg(Path::new(FOLDER).join("oracle.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
    let mut input = oracle.stdin.take().expect("its input");
    let text = question.to_string();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = oracle.wait_with_output().expect("it ends");
    writer.join().expect("written").expect("written");
    assert!(output.status.success(), "the oracle failed");
    Some(serde_json::from_slice(&output.stdout).expect("an answer"))
}

fn dates_of(answer: &Value) -> Vec<Date> {
    answer.as_array().expect("a list").iter().map(|day| day.as_str().expect("a day").parse().expect("a day")).collect()
}

fn in_month(every: Every, interval: u16, starts_on: Date, day: Option<u8>, nth: Option<Nth>) -> Schedule {
    Schedule { day, nth, ..Schedule::new(every, interval, starts_on) }
}

/// Rules of every kind that `Schedule` can say.
fn rules() -> Vec<Schedule> {
    use Weekday as W;
    let mut rules = Vec::new();
    for starts_on in STARTS {
        rules.push(Schedule::new(Every::Once, 1, starts_on));
        rules.extend([1, 2, 7, 10, 45, 120].map(|interval| Schedule::new(Every::Day, interval, starts_on)));
        for interval in [1, 2, 3, 4, 9] {
            let sets: [&[W]; 5] =
                [&[], &[W::Monday], &[W::Thursday, W::Monday], &[W::Sunday], &[W::Tuesday, W::Saturday, W::Sunday]];
            let weekly = |weekdays: &[W]| Schedule {
                weekdays: weekdays.to_vec(),
                ..Schedule::new(Every::Week, interval, starts_on)
            };
            rules.extend(sets.map(weekly));
        }
        for (every, interval) in [
            (Every::Month, 1),
            (Every::Month, 2),
            (Every::Month, 5),
            (Every::Quarter, 1),
            (Every::Quarter, 2),
            (Every::Year, 1),
        ] {
            rules.extend([1, 5, 15, 28, 29, 30, 31].map(|day| in_month(every, interval, starts_on, Some(day), None)));
            for nth in [1_i8, 2, 3, 4, -1, -2, -3, -4] {
                let weekday = W::ALL[usize::from(nth.unsigned_abs()) % 7];
                rules.push(in_month(every, interval, starts_on, None, Some(Nth::Weekday { nth, weekday })));
            }
            for (at, nth) in [1, 2, 10, 15, -1, -2, -15].into_iter().enumerate() {
                let rule = in_month(every, interval, starts_on, None, Some(Nth::WorkingDay { nth }));
                rules.push(Schedule { calendar: Calendar::ALL[at % Calendar::ALL.len()], ..rule });
            }
        }
    }
    let plain = rules.clone();
    for (at, rule) in plain.iter().enumerate() {
        let (roll, calendar) = (ROLLS[at % 3], Calendar::ALL[at / 3 % Calendar::ALL.len()]);
        rules.push(Schedule { roll, calendar, ..rule.clone() });
        if rule.every != Every::Once {
            let count = Some(1 + u16::try_from(at % 40).expect("small"));
            rules.push(Schedule { count, ..rule.clone() });
            let ends_on = Some(date(2026, 8, 31)).filter(|end| *end >= rule.starts_on);
            rules.push(Schedule { ends_on, roll: ROLLS[(at + 1) % 3], ..rule.clone() });
        }
    }
    rules.retain(|rule| rule.check().is_ok());
    rules
}

#[test]
fn every_day_of_three_years_is_as_the_oracle_says() {
    let rules = rules();
    assert!(rules.len() > 2_000, "{} rules", rules.len());
    let Some(answer) = asked(&rules, 0, Timestamp::UNIX_EPOCH) else { return };
    let mut due = 0;
    let (mut shorter_months, mut begins_later) = (0, 0);
    for (rule, (says, plain)) in rules.iter().zip(lists(&answer["dates"]).zip(lists(&answer["plain"]))) {
        let expected = dates_of(says);
        let ours: Vec<Date> = rule.dates(FROM, TO).collect();
        assert_eq!(ours, expected, "{rule:?}");
        due += ours.len();
        each_day(rule, &expected);
        // The first two differences are real: dateutil's plain words leave these dates out, or begin later.
        let differs = !plain.is_null() && rule.roll == Roll::Stays && rule.count.is_none() && rule.ends_on.is_none();
        if differs && dates_of(plain) != expected {
            let first = rule.first().expect("a first date");
            let later = match rule.every {
                Every::Week => {
                    rule.interval > 1 && first.iso_week_date().week() != rule.starts_on.iso_week_date().week()
                }
                every => (rule.interval > 1 || every != Every::Month) && first.month() != rule.starts_on.month(),
            };
            let clamps = rule.day.is_some_and(|day| day > 28);
            assert!(clamps || later, "{rule:?}: not intended");
            shorter_months += usize::from(clamps);
            begins_later += usize::from(later);
        }
    }
    assert!(due > 50_000, "{due} due dates");
    assert!(shorter_months > 50 && begins_later > 20, "the differences are there: {shorter_months} and {begins_later}");
}

fn lists(answer: &Value) -> std::slice::Iter<'_, Value> {
    answer.as_array().expect("a list").iter()
}

/// Asked day by day, as a calendar asks: the same days, each once.
fn each_day(rule: &Schedule, expected: &[Date]) {
    let expected: BTreeSet<Date> = expected.iter().copied().collect();
    let mut day = FROM;
    while day <= TO {
        assert_eq!(rule.gives(day), expected.contains(&day), "{day}: {rule:?}");
        day = day.tomorrow().expect("within range");
    }
}

#[test]
fn every_hour_of_three_years_closes_a_billers_day_where_the_biller_is() {
    let begin = FROM.to_zoned(TimeZone::UTC).expect("an instant").timestamp();
    let days = i64::from(FROM.until(TO).expect("a span").get_days()) + 1;
    let hours = days * 24;
    let Some(answer) = asked(&[], hours, begin) else { return };
    let cutoff = Time::constant(17, 0, 0, 0);
    for name in ZONES {
        let zone = TimeZone::get(name).expect("a zone");
        let said = answer["zones"][name].as_array().expect("a list");
        assert_eq!(i64::try_from(said.len()), Ok(hours));
        for (at, there) in (0_i64..).zip(said) {
            let now = begin.checked_add(at.hours()).expect("within range");
            let civil: Date = there[0].as_str().expect("a day").parse().expect("a day");
            assert_eq!(open_day(now, &zone, None), civil, "{name} {now}");
            let closed = there[1].as_u64().expect("an hour") >= 17;
            let open = if closed { civil.tomorrow().expect("within range") } else { civil };
            assert_eq!(open_day(now, &zone, Some(cutoff)), open, "{name} {now} with a cut-off");
        }
    }
}

#[test]
fn the_lists_of_holidays_reach_two_years_ahead_and_warn_a_year_before_they_end() {
    // The day on which this was written: whoever renews the lists moves it on.
    let written = date(2026, 11, 26);
    let two_years = written.checked_add(2.years()).expect("within range");
    for calendar in Calendar::ALL {
        let Some(end) = calendar.published_to() else { continue };
        assert!(end >= two_years, "{calendar:?} ends {end}");
        let warns = |day| Calendar::ending_soon(day).any(|soon| soon == calendar);
        assert!(!warns(end.checked_sub(13.months()).expect("within range")), "{calendar:?}: too early");
        assert!(warns(end.checked_sub(11.months()).expect("within range")), "{calendar:?}: a year before");
        assert!(warns(end), "{calendar:?}: until the end");
    }
}
