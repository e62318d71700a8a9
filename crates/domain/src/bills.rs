//! Bills (BI1). A template, an occurrence and a payment are three things: the template says what recurs,
//! an occurrence is one due date of it, and payments and marks decide how that occurrence stands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::days;
use crate::ids::{AccountId, BillId, BillerId, PaymentId, TransactionId};
use crate::money::{Currency, Money, MoneyError};
use crate::payments::PaymentState;
use crate::schedule::{Schedule, ScheduleError};

mod amounts;
mod changes;
mod issued;
mod recognise;

pub use amounts::{BAND_LEAST, BAND_MOST, Band, Cost, Rise};
pub use changes::{BillDates, Pause, PriceStep};
pub use recognise::{EARLY_DAYS, LATE_DAYS, Owed, Recognised, recognised};

/// The template of a recurring or single bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Bill {
    pub id: BillId,
    /// 1 to 120 characters.
    pub name: String,
    pub amount: Money,
    /// The amount is a guess until the bill arrives; shown as "about".
    pub estimated: bool,
    pub schedule: Schedule,
    /// The biller in the directory, when the bill can be paid through the server.
    pub biller: Option<BillerId>,
    /// What the biller knows the person by, 0 to 60 characters.
    pub reference: Option<String>,
    /// The card whose payment this bill is, a linked one or one of the server.
    pub card: Option<AccountId>,
    /// Days before the due date on which a reminder is shown, largest first, at most 5, each 0 to 60.
    pub remind_days: Vec<u8>,
    /// 0 to 2,000 characters.
    pub note: Option<String>,
    /// From these due dates on, other amounts than `amount`; in order, at most 60.
    #[serde(default)]
    pub steps: Vec<PriceStep>,
    /// An amount above this is never taken for granted.
    pub cap: Option<Money>,
    /// Rules that were in force before `schedule`, each with its end; at most 24.
    #[serde(default)]
    pub earlier: Vec<Schedule>,
    /// Times without due dates, at most 24.
    #[serde(default)]
    pub pauses: Vec<Pause>,
    /// The bill arrives so many days before its due date, 0 to 60.
    pub issue_days: Option<u8>,
    /// A payment is taken without a fee for so many days after the due date, 0 to 60.
    #[serde(default)]
    pub grace_days: u8,
    /// Banking days that the person's own way of paying takes, 0 to 10.
    #[serde(default)]
    pub lead_days: u8,
    /// IANA zone in which the due dates are meant, for a bill without a biller of the directory.
    pub zone: Option<String>,
    /// The suggestion that this bill was made from: it is not made twice.
    pub origin: Option<String>,
}

/// What the person said about one occurrence, named by its bill and nominal due date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Mark {
    pub bill: BillId,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub due_on: Date,
    /// The amount of this one occurrence, when it differs from the template's.
    pub amount: Option<Money>,
    /// Paid outside Billfold; the amount said to be paid, in full or in part.
    pub paid_elsewhere: Option<Money>,
    pub skipped: bool,
    /// This one falls on another day; its name stays the nominal one.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub moved_to: Option<Date>,
    /// Payments of it that were seen in a linked account, at most 24.
    #[serde(default)]
    pub seen: Vec<Seen>,
}

/// A line of a linked account in which a payment was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Seen {
    pub transaction: TransactionId,
    /// What went to the bill, above zero.
    pub amount: Money,
}

/// How an occurrence stands, worked out and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum OccurrenceState {
    Due,
    Overdue,
    /// A payment will leave by itself.
    Scheduled,
    /// A payment left and has not settled.
    Pending,
    PartlyPaid,
    Paid,
    Skipped,
}

/// Why a bill or a mark is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    #[error("the name must have 1 to 120 characters")]
    Name,
    #[error("the amount must be above zero")]
    Amount,
    #[error("the reference must have at most 60 characters")]
    Reference,
    #[error("at most 5 reminders, each 0 to 60 days before, the largest first")]
    RemindDays,
    #[error("the note must have at most 2,000 characters")]
    Note,
    #[error("all amounts of a bill are in its currency")]
    Currency,
    #[error("price steps are in the order of their dates, at most 60")]
    Steps,
    #[error("rules of before have an end, at most 24")]
    Earlier,
    #[error("a pause ends after it begins; at most 24 are kept")]
    Pauses,
    #[error(
        "the bill arrives at most 60 days before, grace lasts at most 60 days, paying takes at most 10 banking days"
    )]
    Days,
    #[error("this time zone is not known")]
    Zone,
    #[error("at most 24 payments of one due date are recognised")]
    Seen,
    #[error("a due date moves by at most a year")]
    MovedTo,
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

impl Bill {
    pub const NAME_CHARS_MAX: usize = 120;
    pub const REFERENCE_CHARS_MAX: usize = 60;
    pub const NOTE_CHARS_MAX: usize = 2_000;
    pub const REMINDERS_MAX: usize = 5;
    pub const REMIND_DAYS_MAX: u8 = 60;
    pub const ISSUE_DAYS_MAX: u8 = 60;
    pub const GRACE_DAYS_MAX: u8 = 60;
    pub const LEAD_DAYS_MAX: u8 = 10;
    pub const ORIGIN_CHARS_MAX: usize = 64;

    /// A bill of which only the least is known.
    #[must_use]
    pub const fn new(id: BillId, name: String, amount: Money, schedule: Schedule) -> Self {
        Self {
            id,
            name,
            amount,
            estimated: false,
            schedule,
            biller: None,
            reference: None,
            card: None,
            remind_days: Vec::new(),
            note: None,
            steps: Vec::new(),
            cap: None,
            earlier: Vec::new(),
            pauses: Vec::new(),
            issue_days: None,
            grace_days: 0,
            lead_days: 0,
            zone: None,
            origin: None,
        }
    }

    pub fn check(&self) -> Result<(), BillError> {
        if !text_fits(&self.name, 1, Self::NAME_CHARS_MAX) {
            return Err(BillError::Name);
        }
        if !self.amount.is_positive() {
            return Err(BillError::Amount);
        }
        if !self.reference.as_deref().is_none_or(|text| text_fits(text, 0, Self::REFERENCE_CHARS_MAX)) {
            return Err(BillError::Reference);
        }
        let falling = self.remind_days.windows(2).all(|pair| pair[0] > pair[1]);
        let near = self.remind_days.iter().all(|days| *days <= Self::REMIND_DAYS_MAX);
        if !falling || !near || self.remind_days.len() > Self::REMINDERS_MAX {
            return Err(BillError::RemindDays);
        }
        if self.note.as_ref().is_some_and(|note| note.chars().count() > Self::NOTE_CHARS_MAX) {
            return Err(BillError::Note);
        }
        if let Some(cap) = self.cap {
            if cap.currency() != self.amount.currency() {
                return Err(BillError::Currency);
            }
            if !cap.is_positive() {
                return Err(BillError::Amount);
            }
        }
        let issued = self.issue_days.is_none_or(|days| days <= Self::ISSUE_DAYS_MAX);
        if !issued || self.grace_days > Self::GRACE_DAYS_MAX || self.lead_days > Self::LEAD_DAYS_MAX {
            return Err(BillError::Days);
        }
        if self.zone.as_deref().is_some_and(|zone| TimeZone::get(zone).is_err()) {
            return Err(BillError::Zone);
        }
        if !self.origin.as_deref().is_none_or(|origin| text_fits(origin, 1, Self::ORIGIN_CHARS_MAX)) {
            return Err(BillError::Reference);
        }
        self.check_changes()?;
        Ok(self.schedule.check()?)
    }
}

/// Days in the order a bill keeps them: the largest first, each once.
#[must_use]
pub fn sorted_remind_days(mut days: Vec<u8>) -> Vec<u8> {
    days.sort_unstable_by(|a, b| b.cmp(a));
    days.dedup();
    days
}

/// Neither blank nor too long, and on one line.
pub(crate) fn text_fits(text: &str, least: usize, most: usize) -> bool {
    let visible = text.trim().chars().count();
    visible >= least && text.chars().count() <= most && !text.chars().any(char::is_control)
}

impl Mark {
    pub const MOVED_DAYS_MAX: i32 = 366;
    pub const SEEN_MAX: usize = 24;

    #[must_use]
    pub const fn new(bill: BillId, due_on: Date) -> Self {
        Self { bill, due_on, amount: None, paid_elsewhere: None, skipped: false, moved_to: None, seen: Vec::new() }
    }

    /// It says nothing, so nothing need be kept.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        let says_nothing = self.amount.is_none() && self.paid_elsewhere.is_none() && !self.skipped;
        says_nothing && self.moved_to.is_none() && self.seen.is_empty()
    }

    /// With a payment that was made elsewhere, beside what was said before.
    pub fn with_paid_elsewhere(self, amount: Money) -> Result<Self, MoneyError> {
        let paid = self.paid_elsewhere.map_or(Ok(amount), |before| before.plus(amount))?;
        Ok(Self { paid_elsewhere: Some(paid), ..self })
    }

    pub fn check(&self, bill: &Bill) -> Result<(), BillError> {
        let mut paid = self.seen.iter().map(|seen| seen.amount).chain(self.paid_elsewhere);
        if self.amount.into_iter().chain(paid.clone()).any(|amount| amount.currency() != bill.amount.currency()) {
            return Err(BillError::Currency);
        }
        if self.seen.len() > Self::SEEN_MAX {
            return Err(BillError::Seen);
        }
        // One occurrence may cost nothing, but nobody pays nothing.
        let wrong = self.amount.is_some_and(Money::is_negative) || paid.any(|paid| !paid.is_positive());
        if wrong {
            return Err(BillError::Amount);
        }
        let far = self.moved_to.map_or(0, |to| days::number_of(to) - days::number_of(self.due_on));
        if far.abs() > Self::MOVED_DAYS_MAX { Err(BillError::MovedTo) } else { Ok(()) }
    }
}

/// What a payment means for the occurrence it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentOf {
    pub id: PaymentId,
    /// The occurrence, by its nominal due date.
    pub due_on: Date,
    pub amount: Money,
    /// `None`: kept on this device, the server has not answered yet. A refused order is no payment: leave it out.
    pub state: Option<PaymentState>,
    /// The day it leaves or left.
    pub sends_on: Option<Date>,
}

/// How one due date stands. All amounts are in the bill's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    pub bill: BillId,
    /// The due date that names it, as the rule gives it.
    pub due_on: Date,
    /// The day it is due: `due_on` unless this one was moved.
    pub falls_on: Date,
    /// The day the bill arrives, where the template says so.
    pub issued_on: Option<Date>,
    /// The last day on which paying it costs no fee.
    pub grace_until: Date,
    /// Owed for this date in all.
    pub amount: Money,
    /// Settled, or said to be paid elsewhere; above `amount` when paid twice.
    pub paid: Money,
    /// Scheduled or left, and not settled.
    pub on_its_way: Money,
    /// Covered by neither; never below zero.
    pub left: Money,
    pub state: OccurrenceState,
    pub estimated: bool,
    /// More is owed than the template's cap.
    pub over_cap: bool,
    /// The newest payment that counts, otherwise the newest of all.
    pub payment: Option<PaymentId>,
    /// The day that payment leaves.
    pub sends_on: Option<Date>,
    /// That payment is kept here and was not sent yet.
    pub not_sent: bool,
    /// The rule no longer gives this date; it is shown because money went to it.
    pub off_schedule: bool,
}

impl Occurrence {
    /// Whether the person must still do something about it.
    #[must_use]
    pub const fn needs_person(&self) -> bool {
        let open = matches!(self.state, OccurrenceState::Due | OccurrenceState::Overdue | OccurrenceState::PartlyPaid);
        open && self.left.is_positive()
    }

    /// Paid or skipped: nothing will happen to it any more by itself.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, OccurrenceState::Paid | OccurrenceState::Skipped)
    }
}

/// The first day that a biller has not closed: its own civil day, or the next one once its cut-off has passed. What
/// falls due before it is late. The clock of a person who travels does not come into it.
#[must_use]
pub fn open_day(now: Timestamp, zone: &TimeZone, cutoff: Option<Time>) -> Date {
    let there = now.to_zoned(zone.clone());
    let closed = cutoff.is_some_and(|cutoff| there.time() >= cutoff);
    days::shifted(there.date(), i32::from(closed))
}

/// One due date of a bill, by its nominal date. `mark` and `payments` are those of this date; payments of other dates are
/// passed over. `open` is the first day that its biller has not closed. Amounts in another currency than the bill's count
/// nothing: there is no exchange.
#[must_use]
pub fn occurrence(bill: &Bill, due_on: Date, mark: Option<&Mark>, payments: &[PaymentOf], open: Date) -> Occurrence {
    let of_date = payments.iter().filter(|payment| payment.due_on == due_on);
    stands(bill, due_on, mark, of_date, open, Given::ByRule)
}

/// At most so many occurrences of one bill are worked out at once: a daily bill for more than a century.
pub const OCCURRENCES_MAX: usize = 40_000;

/// The occurrences of a bill that fall from `from` to `to`, both included, by the day they fall on. Dates that the rule no
/// longer gives are among them when money went to them. `marks` and `payments` may hold other dates, and marks those of
/// other bills. `open` is the first day that its biller has not closed.
#[must_use]
pub fn occurrences(
    bill: &Bill,
    marks: &[Mark],
    payments: &[PaymentOf],
    from: Date,
    to: Date,
    open: Date,
) -> Vec<Occurrence> {
    let mut known = Known::new();
    let inside = |date: Date| (from..=to).contains(&date);
    let mine = || marks.iter().filter(|mark| mark.bill == bill.id);
    let lands = |mark: &Mark| inside(mark.moved_to.unwrap_or(mark.due_on));
    for mark in mine().filter(|mark| inside(mark.due_on) || lands(mark)) {
        known.entry(mark.due_on).or_default().0 = Some(mark);
    }
    let moved_in: Vec<Date> =
        mine().filter(|mark| lands(mark) && !inside(mark.due_on)).map(|mark| mark.due_on).collect();
    for payment in payments.iter().filter(|payment| inside(payment.due_on) || moved_in.contains(&payment.due_on)) {
        known.entry(payment.due_on).or_default().1.push(payment);
    }
    let moved_here = moved_in.into_iter().filter(|due_on| bill.gives(*due_on));
    let mut found: Vec<Occurrence> = bill
        .dates(from, to)
        .take(OCCURRENCES_MAX)
        .chain(moved_here)
        .map(|due_on| {
            let (mark, payments) = known.remove(&due_on).unwrap_or_default();
            stands(bill, due_on, mark, payments, open, Given::ByRule)
        })
        .collect();
    let strays =
        known.into_iter().map(|(due_on, (mark, payments))| stands(bill, due_on, mark, payments, open, Given::Before));
    found.extend(strays.filter(|stray| stray.paid.is_positive() || stray.on_its_way.is_positive()));
    found.retain(|occurrence| inside(occurrence.falls_on));
    found.sort_by_key(|occurrence| (occurrence.falls_on, occurrence.due_on));
    found
}

/// The occurrence of this name, if the rule gives it or money went to it.
#[must_use]
pub fn occurrence_named(
    bill: &Bill,
    marks: &[Mark],
    payments: &[PaymentOf],
    due_on: Date,
    open: Date,
) -> Option<Occurrence> {
    let mark = marks.iter().find(|mark| mark.bill == bill.id && mark.due_on == due_on);
    let of_date = || payments.iter().filter(|payment| payment.due_on == due_on);
    if bill.gives(due_on) {
        return Some(stands(bill, due_on, mark, of_date(), open, Given::ByRule));
    }
    let stray = stands(bill, due_on, mark, of_date(), open, Given::Before);
    (stray.paid.is_positive() || stray.on_its_way.is_positive()).then_some(stray)
}

/// What is known of each date, by its name.
type Known<'a> = BTreeMap<Date, (Option<&'a Mark>, Vec<&'a PaymentOf>)>;

/// Whether the rule gives a date, or gave it before it was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    ByRule,
    Before,
}

/// Money by how far it got, in minor units; wide, so that no sum of payments overflows.
#[derive(Default)]
struct Covered {
    paid: i128,
    left_us: i128,
    leaving: i128,
    newest: Option<PaymentOf>,
    newest_counting: Option<PaymentOf>,
}

impl Covered {
    fn of<'a>(currency: Currency, mark: Option<&Mark>, payments: impl IntoIterator<Item = &'a PaymentOf>) -> Self {
        let mut sums = Self::default();
        let seen = mark.into_iter().flat_map(|mark| mark.seen.iter().map(|seen| seen.amount));
        let elsewhere = seen.chain(mark.and_then(|mark| mark.paid_elsewhere));
        sums.paid += elsewhere
            .filter(|paid| paid.currency() == currency)
            .map(|paid| i128::from(paid.minor().max(0)))
            .sum::<i128>();
        for payment in payments {
            sums.add(currency, payment);
        }
        sums
    }

    fn add(&mut self, currency: Currency, payment: &PaymentOf) {
        newer(&mut self.newest, payment);
        if payment.amount.currency() != currency {
            return;
        }
        let amount = i128::from(payment.amount.minor().max(0));
        match payment.state {
            Some(state) if state.counts_as_paid() => self.paid += amount,
            Some(state) if state.has_left() => self.left_us += amount,
            Some(state) if !state.leaves_by_itself() => return,
            Some(_) | None => self.leaving += amount,
        }
        newer(&mut self.newest_counting, payment);
    }
}

/// Ids are made in the order of time, so the larger one is the newer payment.
fn newer(kept: &mut Option<PaymentOf>, payment: &PaymentOf) {
    if kept.is_none_or(|kept| kept.id <= payment.id) {
        *kept = Some(*payment);
    }
}

fn stands<'a>(
    bill: &Bill,
    due_on: Date,
    mark: Option<&Mark>,
    payments: impl IntoIterator<Item = &'a PaymentOf>,
    open: Date,
    given: Given,
) -> Occurrence {
    let currency = bill.amount.currency();
    let covered = Covered::of(currency, mark, payments);
    let on_its_way = covered.left_us + covered.leaving;
    let marked = mark.and_then(|mark| mark.amount).filter(|amount| amount.currency() == currency);
    let owed = match (marked, given) {
        (Some(amount), _) => i128::from(amount.minor().max(0)),
        (None, Given::ByRule) => i128::from(bill.amount_on(due_on).minor().max(0)),
        // Nothing is owed for a date that the rule dropped beyond what went to it.
        (None, Given::Before) => covered.paid + on_its_way,
    };
    let skipped = mark.is_some_and(|mark| mark.skipped);
    let left = if skipped { 0 } else { (owed - covered.paid - on_its_way).max(0) };
    let payment = covered.newest_counting.or(covered.newest);
    let falls_on = mark.and_then(|mark| mark.moved_to).unwrap_or(due_on);
    Occurrence {
        bill: bill.id,
        due_on,
        falls_on,
        issued_on: bill.issue_days.map(|before| days::shifted(falls_on, -i32::from(before))),
        grace_until: days::shifted(falls_on, i32::from(bill.grace_days)),
        amount: money(owed, currency),
        paid: money(covered.paid, currency),
        on_its_way: money(on_its_way, currency),
        left: money(left, currency),
        state: state(&covered, owed, skipped, falls_on < open),
        estimated: bill.estimated && marked.is_none(),
        over_cap: bill.cap.is_some_and(|cap| owed > i128::from(cap.minor())),
        payment: payment.map(|payment| payment.id),
        sends_on: payment.and_then(|payment| payment.sends_on),
        not_sent: payment.is_some_and(|payment| payment.state.is_none()),
        off_schedule: given == Given::Before,
    }
}

fn state(covered: &Covered, owed: i128, skipped: bool, late: bool) -> OccurrenceState {
    let Covered { paid, left_us, leaving, .. } = *covered;
    if paid >= owed && (paid > 0 || !skipped) {
        return OccurrenceState::Paid;
    }
    // Money on its way to a skipped date is never hidden.
    let wanted = if skipped { paid + left_us + leaving } else { owed };
    if left_us > 0 && paid + left_us >= wanted {
        return OccurrenceState::Pending;
    }
    if left_us + leaving > 0 && paid + left_us + leaving >= wanted {
        return OccurrenceState::Scheduled;
    }
    match (skipped, late, paid + left_us + leaving > 0) {
        (true, _, _) => OccurrenceState::Skipped,
        (false, true, _) => OccurrenceState::Overdue,
        (false, false, true) => OccurrenceState::PartlyPaid,
        (false, false, false) => OccurrenceState::Due,
    }
}

/// A sum beyond what money can be stands at the largest there is; single amounts are far below.
fn money(minor: i128, currency: Currency) -> Money {
    let minor = i64::try_from(minor.clamp(0, i128::from(Money::MINOR_MAX))).unwrap_or(Money::MINOR_MAX);
    Money::new(minor, currency).unwrap_or(Money::zero(currency))
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
