//! The plan of a pay period (PA3, HO3): which payment leaves on which day, so that each goes after a pay day and before its
//! pay-by date, and what is safe to spend until the next pay day. The due date never moves; the day of sending does.
//!
//! Paying later never lowers the balance of any day. So the day closest to pay-by is the best that can be had for every
//! running balance, and where even that runs out of money no plan exists. Between two pay days the balance only falls, so
//! sending everything of a period right after its pay day keeps the same lowest balance: of all best plans the one that is
//! done soonest after pay.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::bills::{Occurrence, PaymentOf};
use crate::calendar::Calendar;
use crate::days;
use crate::ids::{AccountId, BillId, IncomeId, PaymentId};
use crate::money::Money;
use crate::paydays::PayDay;
use crate::payments::PaymentState;

/// What has to be paid. All amounts of a plan are in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    pub of: DemandOf,
    /// The day it is due.
    pub falls_on: Date,
    pub amount: Money,
    /// The last day on which it can leave and be there in time.
    pub pay_by: Date,
    pub timing: DemandTiming,
}

/// What a demand is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DemandOf {
    /// What is left of an occurrence, by its name.
    Occurrence { bill: BillId, due_on: Date },
    /// A payment that was ordered and has not left.
    Payment(PaymentId),
}

/// Who says when it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemandTiming {
    /// The plan.
    Open,
    /// It was ordered already, and leaves on this day.
    Ordered(Date),
}

/// Where a plan begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub today: Date,
    /// What is there now and not promised yet.
    pub balance: Money,
    /// The balance must not go below this.
    pub keep: Money,
    /// The first day on which a payment can still leave.
    pub first_send: Date,
    /// The days on which payments leave.
    pub calendar: Calendar,
    /// How far the plan looks, included.
    pub until: Date,
}

/// What the person wants of the plan. There is one of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PlanWishes {
    /// The account that pay comes into and bills are paid from; absent: the one that payments here leave from.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// The balance shall not go below this; absent: below zero.
    #[serde(default)]
    pub keep: Option<Money>,
    #[serde(default)]
    pub pace: Pace,
}

/// Why wishes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishesError {
    #[error("what is kept back is not below zero")]
    Keep,
}

impl PlanWishes {
    pub fn check(&self) -> Result<(), WishesError> {
        if self.keep.is_some_and(Money::is_negative) { Err(WishesError::Keep) } else { Ok(()) }
    }
}

/// When in its pay period a payment leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Pace {
    /// Right after the pay day.
    #[default]
    AfterPay,
    /// On the last day that is in time.
    AtTheLast,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// By the day they leave.
    pub payments: Vec<Planned>,
    /// Each pay period, from today on.
    pub periods: Vec<Period>,
    /// The lowest running balance, and the first day it has.
    pub lowest: Balance,
    pub fit: Fit,
    /// What may be spent until the next pay day.
    pub safe: Safe,
}

/// A balance at the end of a day, in minor units; it may be below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub on: Date,
    pub minor: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub demand: Demand,
    pub leaves_on: Date,
    pub why: Why,
}

/// Why a payment leaves on its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Why {
    /// It was ordered for that day.
    Ordered,
    /// The last pay before pay-by has come: it is the first banking day on or after it.
    AfterPay {
        #[cfg_attr(feature = "bindings", specta(type = String))]
        pay_day: Date,
        income: IncomeId,
    },
    /// No pay comes before it must leave: from what is there.
    NoPayBefore,
    /// The last day that is in time, as asked.
    AtTheLast,
    /// Pay-by has passed: as soon as can be, and late.
    TooLate,
}

/// Whether the money lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// No plan fits: even when everything leaves on the last day that is in time, the money runs short.
    Short(Short),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The first day on which it is missing.
    pub on: Date,
    /// How much is missing at the worst, in minor units above zero.
    pub by_minor: i64,
    /// The next pay after that day.
    pub next_pay_on: Option<Date>,
    /// Open payments that leave until then, each of which alone would make it fit if it could wait for the next pay, the
    /// smallest first.
    pub would_help: Vec<DemandOf>,
}

/// From one pay day to the day before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Date,
    /// Included.
    pub until: Date,
    /// The pay that begins it; none for the first.
    pub pay: Vec<PayDay>,
    /// In minor units, as all sums of a plan.
    pub opening: i64,
    pub income: i64,
    /// What payments take in it.
    pub takes: i64,
    pub closing: i64,
    /// How many payments.
    pub count: usize,
}

/// Until the next pay day: what may be spent without any bill of the plan missing its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Safe {
    /// The last day before the next pay.
    pub until: Date,
    pub opening: i64,
    pub takes: i64,
    /// Left in this period but needed in a later one.
    pub held_back: i64,
    /// Kept as the person said.
    pub keep: i64,
    /// Opening less takes, held back and kept. Below zero: that much is missing.
    pub left: i64,
}

impl Demand {
    /// What is left of an occurrence that needs the person.
    #[must_use]
    pub fn open(occurrence: &Occurrence, pay_by: Date) -> Option<Self> {
        let of = DemandOf::Occurrence { bill: occurrence.bill, due_on: occurrence.due_on };
        let (falls_on, amount) = (occurrence.falls_on, occurrence.left);
        occurrence.needs_person().then_some(Self { of, falls_on, amount, pay_by, timing: DemandTiming::Open })
    }

    /// A payment that was ordered and that no balance has been reduced by. One without a day leaves as soon as can be.
    #[must_use]
    pub fn ordered(payment: &PaymentOf, falls_on: Date, today: Date) -> Option<Self> {
        let waits = matches!(payment.state, None | Some(PaymentState::Scheduled | PaymentState::Held));
        let leaves_on = payment.sends_on.unwrap_or(today);
        let (of, timing) = (DemandOf::Payment(payment.id), DemandTiming::Ordered(leaves_on));
        waits.then_some(Self { of, falls_on, amount: payment.amount, pay_by: leaves_on, timing })
    }

    fn must_leave_by(&self, start: &Start) -> Date {
        match self.timing {
            DemandTiming::Ordered(on) => on.max(start.today),
            DemandTiming::Open => start.calendar.on_or_before(self.pay_by).max(start.first_send),
        }
    }
}

/// The best plan there is. Demands that must leave after `start.until` are left out.
#[must_use]
pub fn plan(start: &Start, pay: &[PayDay], demands: &[Demand], pace: Pace) -> Plan {
    let pay: Vec<PayDay> = pay.iter().copied().filter(|pay| pay.on > start.today && pay.on <= start.until).collect();
    let mut payments: Vec<Planned> = demands
        .iter()
        .filter(|demand| demand.must_leave_by(start) <= start.until)
        .map(|demand| placed(demand, start, &pay, pace))
        .collect();
    payments.sort_by_key(|planned| (planned.leaves_on, planned.demand.falls_on, planned.demand.of));
    let periods = periods(start, &pay, &payments);
    let lowest = lowest(start, &pay, &payments);
    let fit = fit(start, &pay, &payments);
    let safe = safe(start, &periods);
    Plan { payments, periods, lowest, fit, safe }
}

/// Of a plan's periods. Between two pay days the balance only falls, so that the end of a period is its lowest.
fn safe(start: &Start, periods: &[Period]) -> Safe {
    let (until, takes, closing) = periods
        .first()
        .map_or((start.until, 0, start.balance.minor()), |first| (first.until, first.takes, first.closing));
    let least = periods.iter().map(|period| period.closing).min().unwrap_or(closing);
    Safe {
        until,
        opening: start.balance.minor(),
        takes,
        held_back: closing.saturating_sub(least),
        keep: start.keep.minor(),
        left: least.saturating_sub(start.keep.minor()),
    }
}

fn placed(demand: &Demand, start: &Start, pay: &[PayDay], pace: Pace) -> Planned {
    let last = demand.must_leave_by(start);
    let (leaves_on, why) = match (demand.timing, pace) {
        (DemandTiming::Ordered(_), _) => (last, Why::Ordered),
        (DemandTiming::Open, _) if demand.pay_by < start.first_send => (last, Why::TooLate),
        (DemandTiming::Open, Pace::AtTheLast) => (last, Why::AtTheLast),
        (DemandTiming::Open, Pace::AfterPay) => {
            // The last pay from which it can still leave in time.
            let sends = |pay: &PayDay| start.calendar.on_or_after(pay.on).max(start.first_send);
            match pay.iter().rev().find(|pay| pay.on <= last && sends(pay) <= last) {
                Some(pay) => (sends(pay), Why::AfterPay { pay_day: pay.on, income: pay.income }),
                None => (start.first_send, Why::NoPayBefore),
            }
        }
    };
    Planned { demand: *demand, leaves_on, why }
}

/// Money in and out by day, in minor units.
fn changes(pay: &[PayDay], payments: &[Planned]) -> BTreeMap<Date, i64> {
    let mut changes = BTreeMap::new();
    for pay in pay {
        let change: &mut i64 = changes.entry(pay.on).or_default();
        *change = change.saturating_add(pay.amount.minor());
    }
    for planned in payments {
        let change = changes.entry(planned.leaves_on).or_default();
        *change = change.saturating_sub(planned.demand.amount.minor());
    }
    changes
}

/// The balance at the end of each day on which it changes, today first.
#[must_use]
pub fn balances(start: &Start, pay: &[PayDay], payments: &[Planned]) -> Vec<Balance> {
    let mut minor = start.balance.minor();
    let mut changes = changes(pay, payments);
    changes.entry(start.today).or_default();
    changes
        .into_iter()
        .map(|(on, change)| {
            minor = minor.saturating_add(change);
            Balance { on, minor }
        })
        .collect()
}

fn lowest(start: &Start, pay: &[PayDay], payments: &[Planned]) -> Balance {
    let all = balances(start, pay, payments);
    let lowest = all.into_iter().min_by_key(|balance| (balance.minor, balance.on));
    lowest.unwrap_or(Balance { on: start.today, minor: start.balance.minor() })
}

fn fit(start: &Start, pay: &[PayDay], payments: &[Planned]) -> Fit {
    let at_the_last: Vec<Planned> =
        payments.iter().map(|planned| Planned { leaves_on: planned.demand.must_leave_by(start), ..*planned }).collect();
    let all = balances(start, pay, &at_the_last);
    let keep = start.keep.minor();
    let Some(first) = all.iter().find(|balance| balance.minor < keep) else { return Fit::Fits };
    let worst = all.iter().map(|balance| balance.minor).min().unwrap_or(first.minor);
    let next_pay_on = pay.iter().map(|pay| pay.on).find(|on| *on > first.on);
    let by_minor = keep.saturating_sub(worst);
    // A balance holds until the next change of it. One that waits lifts every balance from its day to the pay: it helps
    // when by then, and ever after, enough is there without it.
    let last_short = all.iter().rposition(|balance| balance.minor < keep);
    let healed_on = last_short.and_then(|at| all.get(at + 1)).map(|balance| balance.on);
    let waits_long_enough =
        healed_on.zip(next_pay_on).is_some_and(|(healed_on, pay)| healed_on <= start.calendar.on_or_after(pay));
    let helps = |planned: &&Planned| {
        let open = planned.demand.timing == DemandTiming::Open && planned.leaves_on <= first.on;
        open && waits_long_enough && planned.demand.amount.minor() >= by_minor
    };
    let mut helpers: Vec<&Planned> = at_the_last.iter().filter(helps).collect();
    helpers.sort_by_key(|planned| (planned.demand.amount.minor(), planned.demand.falls_on));
    let would_help = helpers.into_iter().map(|planned| planned.demand.of).collect();
    Fit::Short(Short { on: first.on, by_minor, next_pay_on, would_help })
}

fn periods(start: &Start, pay: &[PayDay], payments: &[Planned]) -> Vec<Period> {
    let mut begins = vec![start.today];
    begins.extend(pay.iter().map(|pay| pay.on));
    begins.dedup();
    let mut opening = start.balance.minor();
    let mut periods = Vec::with_capacity(begins.len());
    // Both are in the order of their days: each is gone through once.
    let (mut payments, mut pay) = (payments, pay);
    for (at, from) in begins.iter().copied().enumerate() {
        let until = begins.get(at + 1).map_or(start.until, |next| days::shifted(*next, -1));
        let come;
        (come, pay) = pay.split_at(pay.partition_point(|pay| pay.on <= from));
        let leave;
        (leave, payments) = payments.split_at(payments.partition_point(|planned| planned.leaves_on <= until));
        let income = total(come.iter().map(|pay| pay.amount));
        let takes = total(leave.iter().map(|planned| planned.demand.amount));
        let closing = opening.saturating_add(income).saturating_sub(takes);
        periods.push(Period { from, until, pay: come.to_vec(), opening, income, takes, closing, count: leave.len() });
        opening = closing;
    }
    periods
}

/// Beyond what a number holds a sum stands at its end; single amounts are far below.
fn total(amounts: impl Iterator<Item = Money>) -> i64 {
    amounts.fold(0, |sum: i64, amount| sum.saturating_add(amount.minor()))
}

#[cfg(test)]
mod tests;
