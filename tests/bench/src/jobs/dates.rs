//! P17 and planning: due dates of a thousand rules over ten years against the same dates by bare integers, and a plan of
//! five thousand occurrences against sorting them and adding them up.

use domain::calendar::{Calendar, Roll};
use domain::ids::{BillId, IncomeId};
use domain::money::{Currency, Money};
use domain::paydays::PayDay;
use domain::plan::{Demand, DemandOf, DemandTiming, Pace, Start, plan};
use domain::schedule::{Every, Schedule};
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};

use crate::pairs::{Work, compare, timed};

const RULES: usize = 1_000;
const FROM: Date = date(2026, 1, 1);
const TO: Date = date(2035, 12, 31);
const OCCURRENCES: usize = 5_000;

pub fn run() -> Result<(), String> {
    let rules: Vec<Schedule> = (0..RULES)
        .map(|at| Schedule {
            day: Some(1 + u8::try_from(at % 31).unwrap_or(0)),
            calendar: Calendar::FederalReserve,
            roll: if at % 2 == 0 { Roll::Preceding } else { Roll::Following },
            ..Schedule::new(Every::Month, 1, date(2025, 12, 1))
        })
        .collect();
    let closed = closed_days();
    compare(
        "1,000 rules over 10 years / the same by integers",
        3.0,
        Box::new(|| {
            timed(|| {
                let mut work = Work { count: 0, sum: 0 };
                for rule in &rules {
                    for day in rule.dates(FROM, TO) {
                        add(&mut work, i32::from(day.year()), i32::from(day.month()), i32::from(day.day()));
                    }
                }
                Ok(work)
            })
        }),
        Box::new(|| timed(|| Ok(by_integers(&closed)))),
    )?;
    planning()
}

fn add(work: &mut Work, year: i32, month: i32, day: i32) {
    work.count += 1;
    work.sum += i64::from(year * 10_000 + month * 100 + day);
}

/// One bit a day of each month from December 2025 to January 2036, set when the banks are closed.
fn closed_days() -> Vec<u32> {
    let mut months = Vec::new();
    for month in 0..=121 {
        let (year, month) = (2025 + (11 + month) / 12, (11 + month) % 12 + 1);
        let day = |day| Date::new(i16::try_from(year).unwrap_or(0), i8::try_from(month).unwrap_or(1), day).ok();
        let closed = (1..=31).filter_map(day).filter(|day| !Calendar::FederalReserve.is_banking_day(*day));
        months.push(closed.fold(0, |bits, day| bits | 1 << day.day()));
    }
    months
}

const fn length(year: i32, month: i32) -> i32 {
    match month {
        2 => 28 + (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) as i32,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The limit: clamp and step over closed days, with nothing but numbers. What rolls out of the years does not count.
fn by_integers(closed: &[u32]) -> Work {
    let mut work = Work { count: 0, sum: 0 };
    for rule in 0..RULES {
        let wanted = 1 + i32::try_from(rule % 31).unwrap_or(0);
        let step = if rule % 2 == 0 { -1 } else { 1 };
        for at in 0..=121_usize {
            let month = i32::try_from(at).unwrap_or(0);
            let (mut year, mut month) = (2025 + (11 + month) / 12, (11 + month) % 12 + 1);
            let mut day = wanted.min(length(year, month));
            let mut place = at;
            while closed.get(place).is_some_and(|bits| bits >> day & 1 == 1) {
                day += step;
                if day == 0 {
                    (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
                    place = place.wrapping_sub(1);
                    day = length(year, month);
                } else if day > length(year, month) {
                    (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                    place += 1;
                    day = 1;
                }
            }
            if (2026..=2035).contains(&year) {
                add(&mut work, year, month, day);
            }
        }
    }
    work
}

fn planning() -> Result<(), String> {
    let money = |minor| Money::new(minor, Currency::USD).map_err(|error| error.to_string());
    let day = |far: usize| FROM.saturating_add(i64::try_from(far).unwrap_or(0).days());
    let pay: Vec<PayDay> = (1..26)
        .map(|turn| {
            let income = IncomeId::new(Timestamp::UNIX_EPOCH, [1; 10]);
            Ok(PayDay { on: day(14 * turn), income, amount: money(900_000)? })
        })
        .collect::<Result<_, String>>()?;
    let demands: Vec<Demand> = (0..OCCURRENCES)
        .map(|at| {
            let falls_on = day(at * 7_919 % 360);
            let of = DemandOf::Occurrence { bill: BillId::new(Timestamp::UNIX_EPOCH, [2; 10]), due_on: falls_on };
            let amount = money(1_000 + i64::try_from(at * 37 % 5_000).unwrap_or(0))?;
            Ok(Demand { of, falls_on, amount, pay_by: falls_on, timing: DemandTiming::Open })
        })
        .collect::<Result<_, String>>()?;
    let start = Start {
        today: FROM,
        balance: money(2_000_000)?,
        keep: money(0)?,
        first_send: FROM,
        calendar: Calendar::FederalReserve,
        until: day(365),
    };
    compare(
        "a plan of 5,000 occurrences / sorting and adding them up",
        10.0,
        Box::new(|| {
            timed(|| {
                let made = plan(&start, &pay, &demands, Pace::AfterPay);
                let sum = made.payments.iter().map(|one| one.demand.amount.minor()).sum();
                Ok(Work { count: made.payments.len() as u64, sum })
            })
        }),
        Box::new(|| {
            timed(|| {
                let mut sorted: Vec<(Date, i64)> =
                    demands.iter().map(|one| (one.falls_on, one.amount.minor())).collect();
                sorted.sort_unstable();
                Ok(Work { count: sorted.len() as u64, sum: sorted.iter().map(|(_, minor)| minor).sum() })
            })
        }),
    )
}
