//! What should be reminded, and when to look again. Pure: the delivery record is an argument.
//! A lead is one reminder of one due date: so many days before, at the person's hour.

use std::collections::{HashMap, HashSet};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::bills::{Bill, Occurrence};
use crate::days;
use crate::ids::BillId;

/// Due dates older than this are no longer reminded; screens show them as overdue.
pub const LOOK_BACK_DAYS: i32 = 31;

/// Occurrences up to this many days ahead must be given, for the longest lead.
pub const LOOK_AHEAD_DAYS: i32 = Bill::REMIND_DAYS_MAX as i32 + 1;

/// Reminders missed by at least this come as one digest when there are several.
pub const DIGEST_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// More reminders at once than this come as one digest.
pub const AT_ONCE_MAX: usize = 3;

/// When reminders come.
#[derive(Clone, Debug, PartialEq)]
pub struct Preferences {
    pub remind_at: Time,
    /// The person's zone.
    pub zone: TimeZone,
}

/// One occurrence with the lead times of its bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub bill: BillId,
    /// The due date that names it.
    pub due_on: Date,
    /// The day it is due.
    pub falls_on: Date,
    /// It is due, overdue or partly paid, and something is left to pay.
    pub needs_person: bool,
    pub remind_days: Vec<u8>,
}

impl Candidate {
    #[must_use]
    pub fn new(occurrence: &Occurrence, bill: &Bill) -> Self {
        let needs_person = occurrence.needs_person();
        Self {
            bill: occurrence.bill,
            due_on: occurrence.due_on,
            falls_on: occurrence.falls_on,
            needs_person,
            remind_days: bill.remind_days.clone(),
        }
    }
}

/// Names one lead: the key of the delivery record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lead {
    pub bill: BillId,
    pub due_on: Date,
    pub days_before: u8,
}

/// The person wants to hear of one occurrence again, not before `until`. It ends when its reminder is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snooze {
    pub bill: BillId,
    pub due_on: Date,
    pub until: Timestamp,
}

/// One thing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    pub bill: BillId,
    pub due_on: Date,
    /// The lead it stands for; for a snooze, the last one before it.
    pub days_before: u8,
    /// When it should have come.
    pub at: Timestamp,
    /// From today; negative when late.
    pub days_left: i32,
    /// It answers a snooze: record it by removing the snooze.
    pub snoozed: bool,
}

/// What to do now. Record `record` as delivered, and remove the snoozes of what is shown, before showing anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One by one, the soonest due first.
    pub show: Vec<Reminder>,
    /// Together as one, the soonest due first. Empty or at least two.
    pub digest: Vec<Reminder>,
    /// The leads that this settles: those shown, and earlier ones that a later one replaces.
    pub record: Vec<Lead>,
    /// When to plan again, at the latest.
    pub next_at: Option<Timestamp>,
    /// What that will be about.
    pub next: Option<Lead>,
}

/// What is due to be shown at `now`, each lead once. `delivered` wins over every clock: what stands there is never
/// shown again.
#[must_use]
pub fn plan(
    candidates: &[Candidate],
    preferences: &Preferences,
    delivered: &HashSet<Lead>,
    snoozes: &[Snooze],
    now: Timestamp,
) -> Plan {
    let today = now.to_zoned(preferences.zone.clone()).date();
    let snoozed: HashMap<(BillId, Date), Timestamp> =
        snoozes.iter().map(|snooze| ((snooze.bill, snooze.due_on), snooze.until)).collect();
    let mut plan = Plan::default();
    let mut due = Vec::new();
    for candidate in candidates.iter().filter(|candidate| candidate.needs_person) {
        let days_left = days::number_of(candidate.falls_on) - days::number_of(today);
        if days_left < -LOOK_BACK_DAYS {
            continue;
        }
        let until = snoozed.get(&(candidate.bill, candidate.due_on)).copied();
        let leads = Leads::of(candidate, preferences, delivered, now);
        plan.look_again(leads.next.filter(|(at, _)| until.is_none_or(|until| *at > until)));
        if let Some(until) = until.filter(|until| *until > now) {
            plan.look_again(Some((until, leads.lead_at(candidate, days_left))));
            continue;
        }
        plan.record.extend(&leads.passed);
        due.extend(leads.reminder(candidate, until, days_left));
    }
    due.sort_by_key(|reminder| (reminder.days_left, reminder.bill));
    (plan.show, plan.digest) = gathered(due, now);
    plan.record.sort();
    plan
}

impl Plan {
    fn look_again(&mut self, at: Option<(Timestamp, Lead)>) {
        let Some((at, lead)) = at else { return };
        if self.next_at.is_none_or(|next| at < next) {
            self.next_at = Some(at);
            self.next = Some(lead);
        }
    }
}

/// How the undelivered leads of one occurrence stand.
struct Leads {
    /// Missed or replaced by now; none was delivered.
    passed: Vec<Lead>,
    /// The latest of them, unless a later lead was delivered already.
    latest: Option<(Timestamp, Lead)>,
    /// The first still to come.
    next: Option<(Timestamp, Lead)>,
}

impl Leads {
    fn of(candidate: &Candidate, preferences: &Preferences, delivered: &HashSet<Lead>, now: Timestamp) -> Self {
        let lead = |days_before: u8| Lead { bill: candidate.bill, due_on: candidate.due_on, days_before };
        let told = candidate.remind_days.iter().copied().filter(|days| delivered.contains(&lead(*days))).min();
        let mut leads = Self { passed: Vec::new(), latest: None, next: None };
        let mut days_before = candidate.remind_days.clone();
        days_before.sort_unstable_by(|a, b| b.cmp(a));
        days_before.dedup();
        for days_before in days_before {
            let lead = lead(days_before);
            let Some(at) = instant(preferences, candidate.falls_on, days_before).filter(|_| !delivered.contains(&lead))
            else {
                continue;
            };
            let replaced = told.is_some_and(|told| told < days_before);
            if replaced {
                leads.passed.push(lead);
            } else if at <= now {
                leads.passed.push(lead);
                leads.latest = Some((at, lead));
            } else if leads.next.is_none() {
                leads.next = Some((at, lead));
            }
        }
        leads
    }

    fn reminder(&self, candidate: &Candidate, snoozed_until: Option<Timestamp>, days_left: i32) -> Option<Reminder> {
        let (at, days_before, snoozed) = match (snoozed_until, self.latest) {
            (Some(until), _) => (until, self.lead_at(candidate, days_left).days_before, true),
            (None, Some((at, lead))) => (at, lead.days_before, false),
            (None, None) => return None,
        };
        Some(Reminder { bill: candidate.bill, due_on: candidate.due_on, days_before, at, days_left, snoozed })
    }

    /// The lead that a snooze stands for: the latest missed one, otherwise by the days that are left.
    fn lead_at(&self, candidate: &Candidate, days_left: i32) -> Lead {
        let days_before = u8::try_from(days_left.clamp(0, i32::from(Bill::REMIND_DAYS_MAX))).unwrap_or(0);
        let by_days = Lead { bill: candidate.bill, due_on: candidate.due_on, days_before };
        self.latest.map_or(by_days, |(_, lead)| lead)
    }
}

/// The instant of a lead. A time that a clock change skips moves forward; one that it doubles is the first.
fn instant(preferences: &Preferences, falls_on: Date, days_before: u8) -> Option<Timestamp> {
    let day = days::shifted(falls_on, -i32::from(days_before));
    let at = day.to_datetime(preferences.remind_at).to_zoned(preferences.zone.clone()).ok()?;
    Some(at.timestamp())
}

/// Parts what is due into single reminders and one digest.
fn gathered(due: Vec<Reminder>, now: Timestamp) -> (Vec<Reminder>, Vec<Reminder>) {
    if due.len() > AT_ONCE_MAX {
        return (Vec::new(), due);
    }
    let (old, fresh): (Vec<_>, Vec<_>) =
        due.iter().partition(|reminder| now.duration_since(reminder.at) >= DIGEST_AFTER);
    if old.len() < 2 { (due, Vec::new()) } else { (fresh, old) }
}

#[cfg(test)]
mod tests;
