//! How a bill changes over time: price steps, rules that were in force before, pauses. A change from one date on never
//! touches what stood before it.

use std::iter::Peekable;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Bill, BillError};
use crate::days;
use crate::money::Money;
use crate::schedule::{Dates, Schedule};

/// From this due date on, another amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PriceStep {
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub from: Date,
    pub amount: Money,
}

/// No due dates fall within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Pause {
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub from: Date,
    /// The last day of it; absent: until it is ended.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub until: Option<Date>,
}

impl Pause {
    #[must_use]
    pub fn holds(&self, date: Date) -> bool {
        self.from <= date && self.until.is_none_or(|until| date <= until)
    }
}

impl Bill {
    pub const STEPS_MAX: usize = 60;
    pub const EARLIER_MAX: usize = 24;
    pub const PAUSES_MAX: usize = 24;

    /// What is owed for a due date unless something else was said about it.
    #[must_use]
    pub fn amount_on(&self, due_on: Date) -> Money {
        self.steps.iter().rev().find(|step| step.from <= due_on).map_or(self.amount, |step| step.amount)
    }

    #[must_use]
    pub fn is_paused_on(&self, date: Date) -> bool {
        self.pauses.iter().any(|pause| pause.holds(date))
    }

    /// The due dates from `from` to `to`, both included, in order: of the rules of before and of the one in force.
    pub fn dates(&self, from: Date, to: Date) -> BillDates<'_> {
        let rules = self.earlier.iter().chain(std::iter::once(&self.schedule));
        BillDates { rules: rules.map(|rule| rule.dates(from, to).peekable()).collect(), pauses: &self.pauses }
    }

    #[must_use]
    pub fn gives(&self, date: Date) -> bool {
        self.dates(date, date).next().is_some()
    }

    /// The bill as edited for all its dates. `shown` is the amount that the person saw as the bill's.
    #[must_use]
    pub fn changed_for_all(&self, mut after: Self, shown: Money) -> Self {
        if after.amount == shown {
            after.amount = self.amount;
        } else {
            after.steps.clear();
        }
        if after.schedule != self.schedule {
            after.earlier.clear();
        }
        after
    }

    /// The bill as edited from one due date on: what stood before keeps its rule and its amount. A number of dates that was
    /// left as it is stays that of all dates, so those before are taken off it; another number counts from this date on.
    #[must_use]
    pub fn changed_from(&self, mut after: Self, due_on: Date, shown: Money) -> Self {
        if self.dates(Date::MIN, days::shifted(due_on, -1)).next().is_none() {
            return self.changed_for_all(after, shown);
        }
        if after.amount == shown {
            after.steps.clone_from(&self.steps);
        } else {
            after.steps = self.steps.iter().copied().filter(|step| step.from < due_on).collect();
            after.steps.push(PriceStep { from: due_on, amount: after.amount });
        }
        after.amount = self.amount;
        if after.schedule != self.schedule {
            after.earlier = self.rules_before(due_on);
            let begin = self.schedule.nominal_of(due_on).unwrap_or(due_on);
            after.schedule.starts_on = after.schedule.starts_on.max(begin);
            if let Some(count) = after.schedule.count.filter(|_| after.schedule.count == self.schedule.count) {
                after.schedule.count = Some(count.saturating_sub(self.schedule.count_before(due_on)).max(1));
            }
        }
        after
    }

    /// The rules that gave dates before this one, ended before it.
    fn rules_before(&self, due_on: Date) -> Vec<Schedule> {
        let rules = self.earlier.iter().chain(std::iter::once(&self.schedule));
        rules.filter_map(|rule| rule.clone().ended_before(due_on)).collect()
    }

    /// From this date on nothing is due, until a day or until it is ended. It takes the place of later pauses.
    #[must_use]
    pub fn paused(self, pause: Pause) -> Self {
        let mut bill = self.resumed(pause.from);
        bill.pauses.push(pause);
        bill
    }

    /// Due dates come again from this day on. Those that fell into the pause stay away.
    #[must_use]
    pub fn resumed(mut self, from: Date) -> Self {
        let last = days::shifted(from, -1);
        self.pauses.retain(|pause| pause.from < from);
        for pause in self.pauses.iter_mut().filter(|pause| pause.until.is_none_or(|until| until > last)) {
            pause.until = Some(last);
        }
        self
    }

    pub(super) fn check_changes(&self) -> Result<(), BillError> {
        let ordered = self.steps.windows(2).all(|pair| pair[0].from < pair[1].from);
        if !ordered || self.steps.len() > Self::STEPS_MAX {
            return Err(BillError::Steps);
        }
        if self.steps.iter().any(|step| !step.amount.is_positive()) {
            return Err(BillError::Amount);
        }
        if self.steps.iter().any(|step| step.amount.currency() != self.amount.currency()) {
            return Err(BillError::Currency);
        }
        let bounded = self.earlier.iter().all(|rule| rule.ends_on.is_some() && rule.check().is_ok());
        if !bounded || self.earlier.len() > Self::EARLIER_MAX {
            return Err(BillError::Earlier);
        }
        let whole = self.pauses.iter().all(|pause| pause.until.is_none_or(|until| pause.from <= until));
        if !whole || self.pauses.len() > Self::PAUSES_MAX {
            return Err(BillError::Pauses);
        }
        Ok(())
    }
}

/// The due dates of a bill within a window, in order, each once.
pub struct BillDates<'a> {
    rules: Vec<Peekable<Dates>>,
    pauses: &'a [Pause],
}

impl Iterator for BillDates<'_> {
    type Item = Date;

    fn next(&mut self) -> Option<Date> {
        loop {
            let date = self.rules.iter_mut().filter_map(|rule| rule.peek().copied()).min()?;
            for rule in &mut self.rules {
                while rule.next_if_eq(&date).is_some() {}
            }
            if !self.pauses.iter().any(|pause| pause.holds(date)) {
                return Some(date);
            }
        }
    }
}
