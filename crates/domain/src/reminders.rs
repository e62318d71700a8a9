//! What should be reminded, and when to look again. Pure: the delivery record is an argument.
//! A lead is one reminder of one due date. It comes at the person's hour: so many days before, so many days late while
//! nothing was paid, or the day before a payment leaves by itself.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bills::{Bill, Occurrence, OccurrenceState};
use crate::days;
use crate::ids::BillId;
use crate::money::{Money, MoneyError};

/// Due dates older than this are no longer reminded, unless the person put one off; screens show them as overdue.
pub const LOOK_BACK_DAYS: i32 = 31;

/// Occurrences up to this many days ahead must be given, for the longest lead.
pub const LOOK_AHEAD_DAYS: i32 = Bill::REMIND_DAYS_MAX as i32 + 1;

/// Reminders missed by at least this come as one digest when there are several.
pub const DIGEST_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// More reminders at once than this come as one digest.
pub const AT_ONCE_MAX: usize = 3;

/// So many days after the due date it is reminded again, only while it is unpaid.
pub const LATE_DAYS: [u8; 4] = [1, 3, 7, 14];

/// When reminders come.
#[derive(Clone, Debug, PartialEq)]
pub struct Preferences {
    pub remind_at: Time,
    /// The person's zone.
    pub zone: TimeZone,
    /// Nothing is shown within these hours; what would be waits for their end.
    pub quiet: Option<QuietHours>,
    /// Remind on the due day and after it, too, while it is unpaid.
    pub again_while_unpaid: bool,
}

/// A part of every day, by the clock on the wall; over midnight when it ends earlier than it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    until: Time,
}

impl QuietHours {
    /// `None` when both are the same: that would be no hour or every hour.
    #[must_use]
    pub fn new(from: Time, until: Time) -> Option<Self> {
        (from != until).then_some(Self { from, until })
    }

    /// From when until when.
    #[must_use]
    pub const fn hours(&self) -> (Time, Time) {
        (self.from, self.until)
    }

    /// The end of the quiet that holds at this moment, always later than it.
    #[must_use]
    pub fn end(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = at.to_zoned(zone.clone());
        let (time, day) = (local.time(), local.date());
        let over_midnight = self.from > self.until;
        let ends_on = match (over_midnight, time >= self.from, time < self.until) {
            (false, true, true) | (true, false, true) => day,
            (true, true, _) => days::shifted(day, 1),
            _ => return None,
        };
        let end = ends_on.to_datetime(self.until).to_zoned(zone.clone()).ok()?.timestamp();
        // In the night that has an hour twice the first end counts.
        (end > at).then_some(end)
    }
}

/// What an occurrence needs to be told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it is over, or on its way.
    Nothing,
    /// The person has to pay it.
    Person,
    /// A payment leaves by itself on that day, as was ordered at that moment.
    GoesOut { on: Date, ordered_at: Timestamp },
}

/// One occurrence with the lead times of its bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub bill: BillId,
    /// The due date that names it.
    pub due_on: Date,
    /// The day it is due.
    pub falls_on: Date,
    pub need: Need,
    pub remind_days: Vec<u8>,
}

impl Candidate {
    /// `ordered_at` is the moment at which the occurrence's payment was ordered, when there is one.
    #[must_use]
    pub fn new(occurrence: &Occurrence, bill: &Bill, ordered_at: Option<Timestamp>) -> Self {
        let need = match (occurrence.needs_person(), occurrence.state, occurrence.sends_on, ordered_at) {
            (true, ..) => Need::Person,
            (false, OccurrenceState::Scheduled, Some(on), Some(ordered_at)) => Need::GoesOut { on, ordered_at },
            _ => Need::Nothing,
        };
        Self {
            bill: occurrence.bill,
            due_on: occurrence.due_on,
            falls_on: occurrence.falls_on,
            need,
            remind_days: bill.remind_days.clone(),
        }
    }

    /// Every reminder there is for it, the earliest first, with its day.
    #[must_use]
    pub fn leads(&self, preferences: &Preferences) -> Vec<(Lead, Date)> {
        // A bill whose owner wants no reminders is left in peace.
        if self.remind_days.is_empty() {
            return Vec::new();
        }
        let mut turns: Vec<(Turn, Date)> = match self.need {
            Need::Nothing => Vec::new(),
            Need::Person => self.turns(preferences).into_iter().map(|turn| (turn, turn.day(self.falls_on))).collect(),
            Need::GoesOut { on, .. } => vec![(Turn::GoesOut, days::shifted(on, -1))],
        };
        turns.sort_by_key(|(turn, day)| (*day, *turn));
        turns.dedup();
        turns.into_iter().map(|(turn, day)| (self.lead(turn), day)).collect()
    }

    fn turns(&self, preferences: &Preferences) -> Vec<Turn> {
        let mut turns: Vec<Turn> = self.remind_days.iter().map(|days| Turn::Before(*days)).collect();
        if preferences.again_while_unpaid {
            turns.push(Turn::Before(0));
            turns.extend(LATE_DAYS.map(Turn::Late));
        }
        turns
    }

    const fn lead(&self, turn: Turn) -> Lead {
        Lead { bill: self.bill, due_on: self.due_on, falls_on: self.falls_on, turn }
    }
}

/// Which reminder of a due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Turn {
    /// So many days before the due date; zero is the day itself.
    Before(u8),
    /// So many days after it, unpaid.
    Late(u8),
    /// The day before a payment leaves by itself.
    GoesOut,
}

impl Turn {
    /// How [`Turn::GoesOut`] is kept; no number of days comes near it.
    const GOES_OUT: i16 = 1_000;

    /// A small number that a record keeps: days before, negative when late.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::Before(days) => i16::from(days),
            Self::Late(days) => -i16::from(days),
            Self::GoesOut => Self::GOES_OUT,
        }
    }

    #[must_use]
    pub fn of_number(number: i16) -> Option<Self> {
        if number == Self::GOES_OUT {
            return Some(Self::GoesOut);
        }
        let days = u8::try_from(number.unsigned_abs()).ok()?;
        Some(if number < 0 { Self::Late(days) } else { Self::Before(days) })
    }

    fn day(self, falls_on: Date) -> Date {
        match self {
            Self::Before(days) => days::shifted(falls_on, -i32::from(days)),
            Self::Late(days) => days::shifted(falls_on, i32::from(days)),
            Self::GoesOut => falls_on,
        }
    }

    /// By the days that are left.
    #[must_use]
    pub fn of_days_left(days_left: i32) -> Self {
        let days = u8::try_from(days_left.unsigned_abs()).unwrap_or(u8::MAX);
        if days_left < 0 { Self::Late(days) } else { Self::Before(days.min(Bill::REMIND_DAYS_MAX)) }
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GoesOut => f.write_str("out"),
            days => write!(f, "{}", days.number()),
        }
    }
}

impl FromStr for Turn {
    type Err = UnknownTurn;

    fn from_str(text: &str) -> Result<Self, UnknownTurn> {
        if text == "out" {
            return Ok(Self::GoesOut);
        }
        let number = text.parse().ok().filter(|number| *number != Self::GOES_OUT);
        number.and_then(Self::of_number).ok_or(UnknownTurn)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such reminder")]
pub struct UnknownTurn;

/// Names one lead: the key of the delivery record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lead {
    pub bill: BillId,
    pub due_on: Date,
    /// The day it spoke of: a date that is moved is reminded of anew.
    pub falls_on: Date,
    pub turn: Turn,
}

/// What the person answered to the reminders of one due date, on any device: they read it, or put it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReminderAnswer {
    pub bill: BillId,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    pub due_on: Date,
    /// When the person answered, by the device's clock.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    pub at: Timestamp,
    /// The latest of its reminders that was answered, in days before the due date, negative after it: that one and
    /// those before it need not come on other devices.
    pub through_days: Option<i16>,
    /// Answered, too: that a payment goes out by itself.
    pub goes_out: bool,
    /// Put off until then, on every device.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    pub snoozed_until: Option<Timestamp>,
    /// The day that those reminders spoke of, where the due date had been moved to it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    pub moved_to: Option<Date>,
}

impl ReminderAnswer {
    /// No reminder comes earlier or later than so many days from the due date.
    const DAYS_MAX: i16 = 366;

    /// The answer to one reminder.
    #[must_use]
    pub fn to(lead: &Lead, at: Timestamp, snoozed_until: Option<Timestamp>) -> Self {
        let goes_out = lead.turn == Turn::GoesOut;
        let through_days = (!goes_out).then_some(lead.turn.number());
        let moved_to = Some(lead.falls_on).filter(|falls_on| *falls_on != lead.due_on);
        Self { bill: lead.bill, due_on: lead.due_on, at, through_days, goes_out, snoozed_until, moved_to }
    }

    /// Whether that reminder is answered by it.
    #[must_use]
    pub fn settles(&self, lead: &Lead) -> bool {
        let speaks_of = self.moved_to.unwrap_or(self.due_on);
        if (self.bill, self.due_on, speaks_of) != (lead.bill, lead.due_on, lead.falls_on) {
            return false;
        }
        match lead.turn {
            Turn::GoesOut => self.goes_out,
            // The larger number is the earlier day.
            days => self.through_days.is_some_and(|through| days.number() >= through),
        }
    }

    /// Both answers to one due date, in whatever order they came: the newer one says whether it is put off, and of two days
    /// that the date fell on, which.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let newest = |one: &Self| (one.at, one.snoozed_until, one.moved_to);
        if self.moved_to != other.moved_to {
            return if newest(&other) > newest(&self) { other } else { self };
        }
        let through_days = match (self.through_days, other.through_days) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let newer = if newest(&other) > newest(&self) { other } else { self };
        Self { through_days, goes_out: self.goes_out || other.goes_out, ..newer }
    }

    /// Whether such reminders are.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.through_days.is_none_or(|days| (-Self::DAYS_MAX..=Self::DAYS_MAX).contains(&days))
    }
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
    pub falls_on: Date,
    /// The lead it stands for; for a snooze, the last one before it.
    pub turn: Turn,
    /// When it should have come.
    pub at: Timestamp,
    /// From today; negative when late.
    pub days_left: i32,
    /// It answers a snooze: record it anew, and remove the snooze.
    pub snoozed: bool,
}

impl Reminder {
    #[must_use]
    pub const fn lead(&self) -> Lead {
        Lead { bill: self.bill, due_on: self.due_on, falls_on: self.falls_on, turn: self.turn }
    }
}

/// What to do now. Record `record` and the leads of snoozed reminders as delivered, and remove the snoozes of what is
/// shown, before showing anything.
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
    /// How many wait for the end of the quiet hours.
    pub held: usize,
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
    let quiet_until = preferences.quiet.and_then(|quiet| quiet.end(now, &preferences.zone));
    let snoozed: HashMap<(BillId, Date), Timestamp> =
        snoozes.iter().map(|snooze| ((snooze.bill, snooze.due_on), snooze.until)).collect();
    let mut plan = Plan::default();
    let mut due = Vec::new();
    for candidate in candidates {
        let days_left = days::number_of(candidate.falls_on) - days::number_of(today);
        // A snooze speaks of a date that the person has to pay, however long ago it was.
        let until = snoozed.get(&(candidate.bill, candidate.due_on)).copied();
        let until = until.filter(|_| candidate.need == Need::Person).map(|until| preferences.after_quiet(until));
        if candidate.need == Need::Nothing || (days_left < -LOOK_BACK_DAYS && until.is_none()) {
            continue;
        }
        let leads = Leads::of(candidate, preferences, delivered, now, today);
        plan.look_again(leads.next.filter(|(at, _)| until.is_none_or(|until| *at > until)));
        if let Some(until) = until.filter(|until| *until > now) {
            plan.look_again(Some((until, leads.lead_at(candidate, days_left))));
            continue;
        }
        let reminder = leads.reminder(candidate, until, days_left);
        if let (Some(reminder), Some(quiet_until)) = (reminder, quiet_until) {
            plan.held += 1;
            plan.look_again(Some((quiet_until, reminder.lead())));
            continue;
        }
        plan.record.extend(&leads.passed);
        due.extend(reminder);
    }
    due.sort_by_key(|reminder| (reminder.days_left, reminder.bill));
    (plan.show, plan.digest) = gathered(due, now);
    plan.record.sort();
    plan
}

/// What comes next of each due date, soonest first, as if nobody answered meanwhile. What waits for the end of the quiet
/// hours or of a snooze comes then; what is due to be shown now is the plan's.
#[must_use]
pub fn coming(
    candidates: &[Candidate],
    preferences: &Preferences,
    delivered: &HashSet<Lead>,
    snoozes: &[Snooze],
    now: Timestamp,
) -> Vec<(Timestamp, Lead)> {
    let mut found: Vec<(Timestamp, Lead)> = candidates
        .iter()
        .filter_map(|candidate| {
            let alone = plan(std::slice::from_ref(candidate), preferences, delivered, snoozes, now);
            alone.next_at.zip(alone.next)
        })
        .collect();
    found.sort_unstable();
    found
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

impl Preferences {
    /// The person's hour of that day, after the quiet hours. A time that a clock change skips moves forward; one that
    /// it doubles is the first.
    #[must_use]
    pub fn moment(&self, day: Date) -> Option<Timestamp> {
        let at = day.to_datetime(self.remind_at).to_zoned(self.zone.clone()).ok()?;
        Some(self.after_quiet(at.timestamp()))
    }

    /// That moment, or the end of the quiet hours that it falls into.
    #[must_use]
    pub fn after_quiet(&self, at: Timestamp) -> Timestamp {
        self.quiet.and_then(|quiet| quiet.end(at, &self.zone)).unwrap_or(at)
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
    fn of(
        candidate: &Candidate,
        preferences: &Preferences,
        delivered: &HashSet<Lead>,
        now: Timestamp,
        today: Date,
    ) -> Self {
        let mut leads = Self { passed: Vec::new(), latest: None, next: None };
        let all = candidate.leads(preferences);
        let told = all.iter().rposition(|(lead, _)| delivered.contains(lead));
        for (place, (lead, day)) in all.into_iter().enumerate() {
            let Some(at) = preferences.moment(day).filter(|_| !delivered.contains(&lead)) else {
                continue;
            };
            if told.is_some_and(|told| place < told) || candidate.is_news_no_more(at, today) {
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
        let (at, turn, snoozed) = match (snoozed_until, self.latest) {
            (Some(until), _) => (until, self.lead_at(candidate, days_left).turn, true),
            (None, Some((at, lead))) => (at, lead.turn, false),
            (None, None) => return None,
        };
        let Candidate { bill, due_on, falls_on, .. } = *candidate;
        Some(Reminder { bill, due_on, falls_on, turn, at, days_left, snoozed })
    }

    /// The lead that a snooze stands for: the latest missed one, otherwise by the days that are left.
    fn lead_at(&self, candidate: &Candidate, days_left: i32) -> Lead {
        self.latest.map_or(candidate.lead(Turn::of_days_left(days_left)), |(_, lead)| lead)
    }
}

impl Candidate {
    /// A payment was ordered after its reminder would have come, or its day is over: whoever ordered it knows, and the
    /// payment itself shows what became of it.
    fn is_news_no_more(&self, at: Timestamp, today: Date) -> bool {
        matches!(self.need, Need::GoesOut { on, ordered_at } if ordered_at >= at || on < today)
    }
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

/// Whether a balance bears what leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bears {
    Yes { left: Money },
    No { short_by: Money },
}

/// Whether `available` bears all of `leaving`, the payment in question among them. All in one currency.
pub fn bears(available: Money, leaving: impl IntoIterator<Item = Money>) -> Result<Bears, MoneyError> {
    let left = available.minus(Money::sum(available.currency(), leaving)?)?;
    Ok(if left.is_negative() { Bears::No { short_by: left.negated() } } else { Bears::Yes { left } })
}

#[cfg(test)]
mod months;
#[cfg(test)]
mod tests;
