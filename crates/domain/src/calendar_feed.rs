//! The calendar feed (RE7): due dates as events of other calendars. What was published before is an argument, so that an
//! event keeps its name, its sequence only grows, and a date that is no more is cancelled instead of left standing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::bills::{Bill, Occurrence, OccurrenceState};
use crate::days;
use crate::ids::BillId;

/// Due dates so far back and ahead are in the feed.
pub const BACK_DAYS: i32 = 31;
pub const AHEAD_DAYS: i32 = 400;
/// A cancelled event is said for so many days, so that every reader hears of it.
pub const CANCELLED_DAYS: i64 = 60;
/// What was published is remembered for so many days after its last change and its day: should it come back, its
/// sequence goes on from where it was.
pub const REMEMBERED_DAYS: i32 = 500;
/// At most so many due dates are published; the earliest come first.
pub const EVENTS_MAX: usize = 2_000;

/// What the person wants in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub amounts: bool,
    /// The time of day at which its alarms ring.
    pub remind_at: Time,
}

impl Contents {
    /// Nobody chose anything yet.
    pub const DEFAULT: Self = Self { amounts: false, remind_at: Time::constant(9, 0, 0, 0) };
}

/// What stands in an event, and what tells whether it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The day it falls on: another than its due date when it was moved.
    pub on: Date,
    pub summary: String,
    pub cancelled: bool,
    /// Minutes from that day's beginning: negative before it.
    pub alarms: Vec<i32>,
}

/// A due date as it belongs into the feed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub bill: BillId,
    pub due_on: Date,
    pub body: Body,
}

/// An event as it was last published. Its name is its bill and nominal due date, so that moving it changes the event
/// and makes no second one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub bill: BillId,
    pub due_on: Date,
    pub sequence: u32,
    pub changed_at: Timestamp,
    pub body: Body,
}

/// The days of which the feed tells, both included.
#[must_use]
pub fn window(today: Date) -> (Date, Date) {
    (days::shifted(today, -BACK_DAYS), days::shifted(today, AHEAD_DAYS))
}

/// How a due date stands in the feed.
#[must_use]
pub fn entry(bill: &Bill, occurrence: &Occurrence, contents: Contents) -> Entry {
    let paid = occurrence.state == OccurrenceState::Paid;
    let cancelled = occurrence.state == OccurrenceState::Skipped;
    let mark = if paid { "\u{2713} " } else { "" };
    let about = if occurrence.estimated { "~" } else { "" };
    let amount = if contents.amounts { format!(", {about}{}", occurrence.amount) } else { String::new() };
    let at = i32::from(contents.remind_at.hour()) * 60 + i32::from(contents.remind_at.minute());
    let wanted = occurrence.needs_person();
    let alarms = bill.remind_days.iter().filter(|_| wanted).map(|days| at - i32::from(*days) * 24 * 60).collect();
    let body = Body { on: occurrence.falls_on, summary: format!("{mark}{}{amount}", bill.name), cancelled, alarms };
    Entry { bill: occurrence.bill, due_on: occurrence.due_on, body }
}

/// Keeps as many entries as are published, and one more that tells that there are others; the earliest first.
pub fn earliest(entries: &mut Vec<Entry>) {
    entries.sort_by_key(|entry| (entry.body.on, entry.due_on, entry.bill));
    entries.truncate(EVENTS_MAX + 1);
}

/// What is remembered from now on, by the day it is on: every entry, each with a higher sequence when it changed; what was
/// published and is no more, cancelled; and what passed. [`Published::is_told`] says which of it a reader gets. Doing it
/// again changes nothing.
#[must_use]
pub fn publish(before: Vec<Published>, mut entries: Vec<Entry>, today: Date, now: Timestamp) -> Vec<Published> {
    let (from, _) = window(today);
    earliest(&mut entries);
    // Where there are too many, what comes later stays as it was told until its turn comes.
    let until = entries.get(EVENTS_MAX).map_or(Date::MAX, |first_left_out| first_left_out.body.on);
    entries.truncate(EVENTS_MAX);
    let mut known: BTreeMap<(BillId, Date), Published> =
        before.into_iter().map(|event| ((event.bill, event.due_on), event)).collect();
    let mut events: Vec<Published> = Vec::with_capacity(entries.len() + known.len());
    for Entry { bill, due_on, body } in entries {
        events.push(match known.remove(&(bill, due_on)) {
            Some(same) if same.body == body => same,
            Some(other) => other.changed(body, now),
            None => Published { bill, due_on, sequence: 0, changed_at: now, body },
        });
    }
    let remembered = |event: &Published| {
        let changed = days::number_of(event.changed_at.to_zoned(TimeZone::UTC).date());
        changed.max(days::number_of(event.body.on)) + REMEMBERED_DAYS >= days::number_of(today)
    };
    for event in known.into_values().filter(remembered) {
        // What passed was true, and is not cancelled.
        let is_gone = (from..until).contains(&event.body.on) && !event.body.cancelled;
        events.push(if is_gone { event.cancelled(now) } else { event });
    }
    events.sort_by_key(|event| (event.body.on, event.due_on, event.bill));
    events
}

impl Published {
    /// The event's name for ever: the same in a file and in a feed, on every device.
    #[must_use]
    pub fn uid(&self) -> String {
        format!("{}-{}@billfold", self.bill, self.due_on)
    }

    /// Whether a reader gets it: past days fall out, and what was cancelled is not said for ever.
    #[must_use]
    pub fn is_told(&self, today: Date, now: Timestamp) -> bool {
        let said_days = now.duration_since(self.changed_at).as_hours() / 24;
        self.body.on >= window(today).0 && !(self.body.cancelled && said_days > CANCELLED_DAYS)
    }

    fn changed(self, body: Body, now: Timestamp) -> Self {
        Self { sequence: self.sequence.saturating_add(1), changed_at: now.max(self.changed_at), body, ..self }
    }

    fn cancelled(self, now: Timestamp) -> Self {
        let body = Body { cancelled: true, alarms: Vec::new(), ..self.body.clone() };
        self.changed(body, now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::date;

    use super::*;
    use crate::bills::{Mark, occurrence};
    use crate::money::{Currency, Money};
    use crate::schedule::{Every, Schedule};

    fn bill(number: u8) -> BillId {
        BillId::new(Timestamp::UNIX_EPOCH, [number; 10])
    }

    const TODAY: Date = date(2026, 11, 20);

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("an instant")
    }

    fn later(days: i64) -> (Date, Timestamp) {
        let at = now() + SignedDuration::from_hours(24 * days);
        (at.to_zoned(TimeZone::UTC).date(), at)
    }

    fn due(on: Date, summary: &str) -> Entry {
        let body = Body { on, summary: summary.to_owned(), cancelled: false, alarms: vec![540] };
        Entry { bill: bill(1), due_on: on, body }
    }

    fn rent(day: i8) -> Entry {
        due(date(2026, 12, day), "Rent")
    }

    /// What a reader gets: day, sequence and whether it is cancelled.
    fn told(events: &[Published], (today, now): (Date, Timestamp)) -> Vec<(Date, u32, bool)> {
        let told = events.iter().filter(|event| event.is_told(today, now));
        told.map(|event| (event.body.on, event.sequence, event.body.cancelled)).collect()
    }

    const fn in_december(day: i8, sequence: u32, cancelled: bool) -> (Date, u32, bool) {
        (date(2026, 12, day), sequence, cancelled)
    }

    #[test]
    fn publishing_again_changes_nothing() {
        let first = publish(Vec::new(), vec![rent(1), rent(15)], TODAY, now());
        let (_, at) = later(0);
        let again = publish(first.clone(), vec![rent(15), rent(1)], TODAY, at + SignedDuration::from_hours(5));
        assert_eq!(first, again);
        assert_eq!(first[0].uid(), format!("{}-2026-12-01@billfold", bill(1)));
    }

    #[test]
    fn a_change_raises_the_sequence_and_keeps_the_name() {
        let first = publish(Vec::new(), vec![rent(1)], TODAY, now());
        let at = now() + SignedDuration::from_hours(5);
        let renamed = publish(first.clone(), vec![due(date(2026, 12, 1), "Flat")], TODAY, at);
        assert_eq!((renamed[0].uid(), renamed[0].sequence, renamed[0].changed_at), (first[0].uid(), 1, at));
        let clock_set_back = now() - SignedDuration::from_hours(99);
        let back = publish(renamed, vec![rent(1)], TODAY, clock_set_back);
        assert_eq!((back[0].sequence, back[0].changed_at), (2, at), "never earlier than it was");
    }

    #[test]
    fn a_date_that_was_moved_is_the_same_event_on_another_day() {
        let first = publish(Vec::new(), vec![rent(1)], TODAY, now());
        let mut moved = rent(1);
        moved.body.on = date(2026, 12, 4);
        let second = publish(first.clone(), vec![moved], TODAY, now());
        assert_eq!(told(&second, (TODAY, now())), [in_december(4, 1, false)]);
        assert_eq!(second[0].uid(), first[0].uid());
    }

    #[test]
    fn a_date_that_is_no_more_is_cancelled_for_a_while_and_comes_back_when_it_does() {
        let first = publish(Vec::new(), vec![rent(1), rent(15)], TODAY, now());
        let moved = publish(first, vec![rent(2)], TODAY, now());
        let here = (TODAY, now());
        assert_eq!(told(&moved, here), [in_december(1, 1, true), in_december(2, 0, false), in_december(15, 1, true)]);
        assert_eq!(publish(moved.clone(), vec![rent(2)], TODAY, now()), moved, "said once");
        let back = publish(moved, vec![rent(1)], TODAY, now());
        assert_eq!(told(&back, here), [in_december(1, 2, false), in_december(2, 1, true), in_december(15, 1, true)]);
    }

    #[test]
    fn what_was_cancelled_long_ago_is_no_longer_said_and_goes_on_counting_when_it_comes_back() {
        let far = || due(date(2027, 8, 1), "Rent");
        let first = publish(Vec::new(), vec![far()], TODAY, now());
        let gone = publish(first, Vec::new(), TODAY, now());
        let (day, at) = later(CANCELLED_DAYS + 1);
        let quiet = publish(gone, Vec::new(), day, at);
        assert_eq!(told(&quiet, (day, at)), []);
        let back = publish(quiet, vec![far()], day, at);
        assert_eq!(told(&back, (day, at)), [(date(2027, 8, 1), 2, false)]);
    }

    #[test]
    fn dates_that_passed_fall_out_without_being_cancelled_and_are_forgotten_in_the_end() {
        let first = publish(Vec::new(), vec![rent(1)], TODAY, now());
        let (day, at) = later(60);
        let passed = publish(first, Vec::new(), day, at);
        assert_eq!(told(&passed, (day, at)), []);
        assert_eq!((passed[0].sequence, passed[0].body.cancelled), (0, false));
        let (day, at) = later(600);
        assert_eq!(publish(passed, Vec::new(), day, at), []);
    }

    #[test]
    fn too_many_dates_leave_the_later_ones_out_and_cancel_none() {
        let many = |from: usize| -> Vec<Entry> {
            let day = |at: usize| days::shifted(TODAY, i32::try_from(at / 8).expect("few"));
            let daily = |at: usize| Entry { bill: bill(u8::try_from(at % 8).expect("few")), ..due(day(at), "Daily") };
            (from..EVENTS_MAX + 2).map(daily).collect()
        };
        // The last two came first, and many came before them later.
        let first = publish(Vec::new(), many(EVENTS_MAX), TODAY, now());
        let all = publish(first, many(0), TODAY, now());
        assert_eq!(all.len(), EVENTS_MAX + 2);
        assert!(all.iter().all(|event| !event.body.cancelled && event.sequence == 0));
    }

    #[test]
    fn an_entry_says_what_was_chosen_and_rings_while_somebody_must_pay() {
        let dollars = Money::new(120_050, Currency::USD).expect("an amount");
        let due_on = date(2026, 12, 1);
        let schedule = Schedule::new(Every::Once, 1, due_on);
        let rent = Bill { remind_days: vec![3, 0], ..Bill::new(bill(1), "Rent".to_owned(), dollars, schedule) };
        let plain = Contents { remind_at: Time::constant(8, 30, 0, 0), ..Contents::DEFAULT };
        let stands = |mark: Mark| entry(&rent, &occurrence(&rent, due_on, Some(&mark), &[], TODAY), plain).body;
        let mark = Mark::new(rent.id, due_on);
        let open = stands(mark.clone());
        assert_eq!((open.summary.as_str(), open.alarms, open.on), ("Rent", vec![510 - 3 * 1_440, 510], due_on));
        let paid = stands(Mark { paid_elsewhere: Some(dollars), ..mark.clone() });
        assert_eq!((paid.summary.as_str(), paid.alarms.len(), paid.cancelled), ("\u{2713} Rent", 0, false));
        assert!(stands(Mark { skipped: true, ..mark.clone() }).cancelled);
        let moved = Mark { moved_to: Some(date(2026, 12, 3)), ..mark.clone() };
        assert_eq!(stands(moved).on, date(2026, 12, 3));
        let told = entry(&rent, &occurrence(&rent, due_on, None, &[], TODAY), Contents { amounts: true, ..plain });
        assert!(
            told.body.summary.starts_with("Rent, ") && told.body.summary.contains("1200.50"),
            "{}",
            told.body.summary
        );
    }
}
