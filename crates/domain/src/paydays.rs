//! Pay days (PA3): when money comes in, by cycle. A pay day on a closed day goes back to the banking day before, as
//! employers pay; the rule may say otherwise.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::bills::text_fits;
use crate::calendar::{Calendar, Roll};
use crate::ids::IncomeId;
use crate::money::Money;
use crate::schedule::{Dates, Every, Nth, Schedule, ScheduleError};

/// Pay that comes again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Income {
    pub id: IncomeId,
    /// Who pays, 1 to 120 characters.
    pub name: String,
    /// What arrives at least, as a rule.
    pub amount: Money,
    pub cycle: PayCycle,
    pub calendar: Calendar,
    pub roll: Roll,
}

/// How often pay comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum PayCycle {
    /// Every week on the weekday of this day.
    Weekly {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        anchor: Date,
    },
    /// Every second week, counted from this pay day.
    TwoWeekly {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        anchor: Date,
    },
    /// On two days of each month, 1 to 31; later days clamp to the month's end.
    SemiMonthly { first: u8, second: u8 },
    /// On this day of each month, 1 to 31; later days clamp to the month's end.
    Monthly { day: u8 },
    /// On the last working day of each month.
    LastWorkingDay,
}

/// Why an income is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncomeError {
    #[error("the name must have 1 to 120 characters")]
    Name,
    #[error("the amount must be above zero")]
    Amount,
    #[error("a pay day is a day from 1 to 31, and two a month are two days")]
    Day,
    #[error("the first pay day must lie in the years 1970 to 2199")]
    AnchorOutOfRange,
}

/// Money that comes on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayDay {
    pub on: Date,
    pub income: IncomeId,
    pub amount: Money,
}

impl Income {
    pub const NAME_CHARS_MAX: usize = 120;

    pub fn check(&self) -> Result<(), IncomeError> {
        if !text_fits(&self.name, 1, Self::NAME_CHARS_MAX) {
            return Err(IncomeError::Name);
        }
        if !self.amount.is_positive() {
            return Err(IncomeError::Amount);
        }
        match self.cycle {
            PayCycle::SemiMonthly { first, second } if first >= second => Err(IncomeError::Day),
            _ => self.rules().iter().try_for_each(|rule| match rule.check() {
                Ok(()) => Ok(()),
                Err(ScheduleError::StartsOutOfRange) => Err(IncomeError::AnchorOutOfRange),
                Err(_) => Err(IncomeError::Day),
            }),
        }
    }

    /// The pay days from `from` to `to`, both included, in order, each once.
    pub fn pay_days(&self, from: Date, to: Date) -> impl Iterator<Item = PayDay> {
        let mut days: Vec<std::iter::Peekable<Dates>> =
            self.rules().iter().map(|rule| rule.dates(from, to).peekable()).collect();
        let (income, amount) = (self.id, self.amount);
        std::iter::from_fn(move || {
            let on = days.iter_mut().filter_map(|rule| rule.peek().copied()).min()?;
            for rule in &mut days {
                while rule.next_if_eq(&on).is_some() {}
            }
            Some(PayDay { on, income, amount })
        })
    }

    fn rules(&self) -> Vec<Schedule> {
        let rule = |every, interval, starts_on| Schedule {
            calendar: self.calendar,
            roll: self.roll,
            ..Schedule::new(every, interval, starts_on)
        };
        let monthly = |day| Schedule { day: Some(day), ..rule(Every::Month, 1, FIRST) };
        match self.cycle {
            PayCycle::Weekly { anchor } => vec![rule(Every::Week, 1, before(anchor, 7))],
            PayCycle::TwoWeekly { anchor } => vec![rule(Every::Week, 2, before(anchor, 14))],
            PayCycle::SemiMonthly { first, second } => vec![monthly(first), monthly(second)],
            PayCycle::Monthly { day } => vec![monthly(day)],
            PayCycle::LastWorkingDay => {
                vec![Schedule { nth: Some(Nth::WorkingDay { nth: -1 }), ..rule(Every::Month, 1, FIRST) }]
            }
        }
    }
}

/// Pay came before the day that somebody named: cycles reach back to the beginning.
const FIRST: Date = Date::constant(Schedule::FIRST_YEAR, 1, 1);

/// The same day of the cycle, as early as rules begin; a day outside the years that rules have is left as it is.
fn before(anchor: Date, step: i32) -> Date {
    let far = crate::days::number_of(anchor) - crate::days::number_of(FIRST);
    if far < 0 { anchor } else { crate::days::shifted(FIRST, far % step) }
}

/// The pay days of several incomes, in order; those of one day one after another.
#[must_use]
pub fn pay_days(incomes: &[Income], from: Date, to: Date) -> Vec<PayDay> {
    let mut all: Vec<PayDay> = incomes.iter().flat_map(|income| income.pay_days(from, to)).collect();
    all.sort_by_key(|pay| (pay.on, pay.income));
    all
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::money::Currency;

    fn income(cycle: PayCycle) -> Income {
        Income {
            id: IncomeId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            name: "Tern Harbor Clinic".into(),
            amount: Money::parse("1486", Currency::USD).expect("valid"),
            cycle,
            calendar: Calendar::FederalReserve,
            roll: Roll::Preceding,
        }
    }

    fn days(cycle: PayCycle, from: Date, to: Date) -> Vec<String> {
        income(cycle).pay_days(from, to).map(|pay| pay.on.to_string()).collect()
    }

    #[test]
    fn two_weekly_pay_is_counted_from_its_anchor_in_both_directions() {
        let cycle = PayCycle::TwoWeekly { anchor: date(2026, 11, 20) };
        let expected = ["2026-10-23", "2026-11-06", "2026-11-20", "2026-12-04", "2026-12-18", "2026-12-31"];
        assert_eq!(days(cycle, date(2026, 10, 20), date(2027, 1, 1)), expected, "1 January is closed: the day before");
    }

    #[test]
    fn weekly_pay_comes_on_its_weekday_and_before_a_holiday() {
        let cycle = PayCycle::Weekly { anchor: date(2026, 12, 24) };
        assert_eq!(days(cycle, date(2026, 11, 15), date(2026, 12, 4)), ["2026-11-19", "2026-11-25", "2026-12-03"]);
    }

    #[test]
    fn pay_twice_a_month_clamps_and_goes_back_from_weekends() {
        let cycle = PayCycle::SemiMonthly { first: 15, second: 31 };
        let expected = ["2026-10-15", "2026-10-30", "2026-11-13", "2026-11-30", "2026-12-15", "2026-12-31"];
        assert_eq!(days(cycle, date(2026, 10, 1), date(2026, 12, 31)), expected);
        // In February both days clamp to the 28th, which is one pay day.
        let late = PayCycle::SemiMonthly { first: 29, second: 31 };
        assert_eq!(days(late, date(2027, 2, 1), date(2027, 2, 28)), ["2027-02-26"]);
    }

    #[test]
    fn monthly_pay_and_the_last_working_day() {
        let monthly = PayCycle::Monthly { day: 25 };
        assert_eq!(days(monthly, date(2026, 10, 1), date(2026, 12, 31)), ["2026-10-23", "2026-11-25", "2026-12-24"]);
        let last = PayCycle::LastWorkingDay;
        assert_eq!(days(last, date(2026, 10, 1), date(2026, 12, 31)), ["2026-10-30", "2026-11-30", "2026-12-31"]);
    }

    #[test]
    fn an_income_is_checked() {
        let good = income(PayCycle::Monthly { day: 31 });
        assert_eq!(good.check(), Ok(()));
        assert_eq!(Income { name: " ".into(), ..good.clone() }.check(), Err(IncomeError::Name));
        let nothing = Money::zero(Currency::USD);
        assert_eq!(Income { amount: nothing, ..good.clone() }.check(), Err(IncomeError::Amount));
        for (cycle, error) in [
            (PayCycle::Monthly { day: 0 }, IncomeError::Day),
            (PayCycle::Monthly { day: 32 }, IncomeError::Day),
            (PayCycle::SemiMonthly { first: 15, second: 15 }, IncomeError::Day),
            (PayCycle::SemiMonthly { first: 15, second: 1 }, IncomeError::Day),
            (PayCycle::Weekly { anchor: date(1969, 12, 31) }, IncomeError::AnchorOutOfRange),
            (PayCycle::TwoWeekly { anchor: Date::MIN }, IncomeError::AnchorOutOfRange),
        ] {
            assert_eq!(Income { cycle, ..good.clone() }.check(), Err(error), "{cycle:?}");
        }
    }

    #[test]
    fn several_incomes_come_in_order() {
        let clinic = income(PayCycle::TwoWeekly { anchor: date(2026, 11, 20) });
        let id = IncomeId::new(Timestamp::UNIX_EPOCH, [2; 10]);
        let school = Income { id, cycle: PayCycle::LastWorkingDay, ..clinic.clone() };
        let all = pay_days(&[school.clone(), clinic.clone()], date(2026, 11, 1), date(2026, 12, 5));
        let names: Vec<_> = all.iter().map(|pay| (pay.on.to_string(), pay.income == school.id)).collect();
        let expected = [("2026-11-06", false), ("2026-11-20", false), ("2026-11-30", true), ("2026-12-04", false)];
        assert_eq!(names, expected.map(|(on, school)| (on.to_owned(), school)));
    }
}
