//! A bill that is paid by itself, as the model has it: each due date that came while that was on was paid once, and those
//! of the next sixty days wait for their day.

use std::collections::BTreeSet;

use domain::bills::Bill;
use jiff::ToSpan as _;
use jiff::civil::Date;

const AHEAD_DAYS: i64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Off,
    On,
    Paused,
}

pub(super) struct Rent {
    pub bill: Bill,
    pub standing: Standing,
    /// Due dates that were paid.
    left: BTreeSet<Date>,
    looked_on: Date,
}

impl Rent {
    pub const fn new(bill: Bill, today: Date) -> Self {
        Self { bill, standing: Standing::Off, left: BTreeSet::new(), looked_on: today }
    }

    fn is_due(&self, day: Date) -> bool {
        let first = self.bill.schedule.starts_on;
        day >= first && day.day() == first.day()
    }

    fn due_dates(&self, after: Date, until: Date) -> Vec<Date> {
        let days = std::iter::successors(Some(after), |day| Some(day.saturating_add(1.day()))).skip(1);
        days.take_while(|day| *day <= until).filter(|day| self.is_due(*day)).collect()
    }

    /// What falls due today is still in time.
    pub fn goes_on(&mut self, today: Date) {
        self.standing = Standing::On;
        if self.is_due(today) {
            self.left.insert(today);
        }
    }

    pub fn time_passed(&mut self, today: Date) {
        if self.standing == Standing::On {
            let came = self.due_dates(self.looked_on, today);
            self.left.extend(came);
        }
        self.looked_on = today;
    }

    /// Due dates that were paid.
    pub const fn paid(&self) -> &BTreeSet<Date> {
        &self.left
    }

    /// Due dates whose payments wait for their day.
    pub fn waiting(&self, today: Date) -> BTreeSet<Date> {
        if self.standing != Standing::On {
            return BTreeSet::new();
        }
        self.due_dates(today, today.saturating_add(AHEAD_DAYS.days())).into_iter().collect()
    }
}
