//! Each reminder once: missed, replaced, snoozed, gathered, and under clocks that jump.

use jiff::civil::date;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn bill(number: u8) -> BillId {
    BillId::new(Timestamp::UNIX_EPOCH, [number; 10])
}

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").expect("known")
}

/// At nine in New York: 14:00 UTC in winter.
fn at_nine() -> Preferences {
    Preferences { remind_at: Time::constant(9, 0, 0, 0), zone: new_york(), quiet: None, again_while_unpaid: false }
}

fn open(number: u8, due_on: Date, remind_days: &[u8]) -> Candidate {
    let remind_days = remind_days.to_vec();
    Candidate { bill: bill(number), due_on, falls_on: due_on, need: Need::Person, remind_days }
}

fn lead(number: u8, due_on: Date, days_before: u8) -> Lead {
    Lead { bill: bill(number), due_on, falls_on: due_on, turn: Turn::Before(days_before) }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

fn plan_at(now: &str, candidates: &[Candidate], delivered: &[Lead]) -> Plan {
    plan(candidates, &at_nine(), &delivered.iter().copied().collect(), &[], at(now))
}

const RENT: Date = date(2026, 12, 1);

#[test]
fn a_reminder_comes_at_its_hour_and_not_before() {
    let rent = [open(1, RENT, &[7, 1])];
    let early = plan_at("2026-11-24T13:59:59Z", &rent, &[]);
    assert_eq!((early.show.len(), early.next_at), (0, Some(at("2026-11-24T14:00:00Z"))));
    assert_eq!(early.next, Some(lead(1, RENT, 7)));
    let due = plan_at("2026-11-24T14:00:00Z", &rent, &[]);
    assert_eq!(due.show.len(), 1);
    let shown = due.show[0];
    assert_eq!((shown.turn, shown.days_left, shown.at), (Turn::Before(7), 7, at("2026-11-24T14:00:00Z")));
    assert_eq!(due.record, [lead(1, RENT, 7)]);
    assert_eq!(due.next_at, Some(at("2026-11-30T14:00:00Z")));
}

#[test]
fn what_was_delivered_is_never_shown_again() {
    let rent = [open(1, RENT, &[7, 1])];
    let again = plan_at("2026-11-24T14:00:01Z", &rent, &[lead(1, RENT, 7)]);
    assert_eq!((again.show.len(), again.record.len()), (0, 0));
    let clock_set_back = plan_at("2026-11-20T14:00:00Z", &rent, &[lead(1, RENT, 7)]);
    assert_eq!(clock_set_back.next, Some(lead(1, RENT, 1)), "the delivered one is not waited for either");
}

#[test]
fn only_the_latest_missed_lead_is_shown_and_the_earlier_ones_are_settled_with_it() {
    let rent = [open(1, RENT, &[14, 7, 1])];
    let woken = plan_at("2026-11-30T20:00:00Z", &rent, &[]);
    assert_eq!(woken.show.iter().map(|shown| shown.turn).collect::<Vec<_>>(), [Turn::Before(1)]);
    assert_eq!(woken.record, [lead(1, RENT, 1), lead(1, RENT, 7), lead(1, RENT, 14)]);
    assert_eq!(woken.next_at, None);
}

#[test]
fn a_date_that_was_moved_is_reminded_by_the_day_it_falls_on() {
    let moved = [Candidate { falls_on: date(2026, 12, 5), ..open(1, RENT, &[3]) }];
    assert_eq!(plan_at("2026-11-28T14:00:00Z", &moved, &[]).show, []);
    let told = plan_at("2026-12-02T14:00:00Z", &moved, &[]);
    let spoken_of = Lead { falls_on: date(2026, 12, 5), ..lead(1, RENT, 3) };
    assert_eq!(told.record, [spoken_of], "its name stays");
    assert_eq!(told.show[0].days_left, 3);
}

#[test]
fn a_lead_added_after_a_later_one_was_delivered_stays_silent() {
    let rent = [open(1, RENT, &[14, 7])];
    let plan = plan_at("2026-11-25T20:00:00Z", &rent, &[lead(1, RENT, 7)]);
    assert_eq!((plan.show.len(), plan.record), (0, vec![lead(1, RENT, 14)]));
}

#[test]
fn what_does_not_need_the_person_is_not_reminded() {
    let paid = [Candidate { need: Need::Nothing, ..open(1, RENT, &[7]) }];
    assert_eq!(plan_at("2026-11-25T20:00:00Z", &paid, &[]), Plan::default());
    assert_eq!(plan_at("2026-11-25T20:00:00Z", &[open(1, RENT, &[])], &[]), Plan::default());
}

#[test]
fn a_reminder_missed_past_the_due_date_still_comes_and_an_old_one_does_not() {
    let rent = [open(1, RENT, &[7, 1])];
    let late = plan_at("2026-12-05T15:00:00Z", &rent, &[]);
    assert_eq!(late.show.iter().map(|shown| shown.days_left).collect::<Vec<_>>(), [-4]);
    assert_eq!(plan_at("2027-01-02T15:00:00Z", &rent, &[]), Plan::default());
    assert_eq!(plan_at("2027-01-01T15:00:00Z", &rent, &[]).show.len(), 1, "the 31st day after is the last");
}

#[test]
fn several_that_were_missed_come_as_one_digest() {
    let two_old = [open(1, RENT, &[7]), open(2, date(2026, 12, 2), &[7]), open(3, date(2026, 12, 4), &[7])];
    let plan = plan_at("2026-11-27T14:00:00Z", &two_old, &[]);
    assert_eq!(plan.digest.iter().map(|shown| shown.bill).collect::<Vec<_>>(), [bill(1), bill(2)]);
    assert_eq!(plan.show.iter().map(|shown| shown.bill).collect::<Vec<_>>(), [bill(3)], "one is fresh");
    assert_eq!(plan.record.len(), 3);
}

#[test]
fn one_that_was_missed_comes_alone() {
    let plan = plan_at("2026-11-28T20:00:00Z", &[open(1, RENT, &[7])], &[]);
    assert_eq!((plan.show.len(), plan.digest.len()), (1, 0));
}

#[test]
fn more_than_three_at_once_come_as_one_digest() {
    let four: Vec<_> = (1..=4).map(|number| open(number, RENT, &[7])).collect();
    let plan = plan_at("2026-11-24T14:00:00Z", &four, &[]);
    assert_eq!((plan.show.len(), plan.digest.len()), (0, 4));
    assert_eq!(plan_at("2026-11-24T14:00:00Z", &four[..3], &[]).show.len(), 3);
}

#[test]
fn a_snooze_holds_back_and_then_reminds() {
    let rent = [open(1, RENT, &[7, 1])];
    let delivered: HashSet<_> = [lead(1, RENT, 7)].into();
    let snooze = |until: &str| [Snooze { bill: bill(1), due_on: RENT, until: at(until) }];
    let later = snooze("2026-11-25T14:00:00Z");
    let waiting = plan(&rent, &at_nine(), &delivered, &later, at("2026-11-24T15:00:00Z"));
    assert_eq!((waiting.show.len(), waiting.next_at), (0, Some(at("2026-11-25T14:00:00Z"))));
    let over = plan(&rent, &at_nine(), &delivered, &later, at("2026-11-25T14:00:00Z"));
    assert_eq!(over.show.len(), 1);
    assert!(over.show[0].snoozed);
    assert_eq!((over.show[0].at, over.show[0].days_left), (at("2026-11-25T14:00:00Z"), 6));
    assert_eq!(over.record, [], "the snooze itself is the record");
}

#[test]
fn what_was_put_off_is_reminded_of_however_long_ago_it_was_due() {
    let old = date(2026, 9, 1);
    let long_ago = [open(1, old, &[7, 1])];
    let snooze = [Snooze { bill: bill(1), due_on: old, until: at("2026-11-25T14:00:00Z") }];
    let now = at("2026-11-25T14:00:00Z");
    assert_eq!(plan(&long_ago, &at_nine(), &HashSet::new(), &[], now), Plan::default(), "it is left in peace");
    assert_eq!(plan(&long_ago, &at_nine(), &HashSet::new(), &snooze, now).show.len(), 1);
}

#[test]
fn a_lead_within_a_snooze_waits_for_its_end_and_comes_once_with_it() {
    let rent = [open(1, RENT, &[7, 1])];
    let delivered: HashSet<_> = [lead(1, RENT, 7)].into();
    let snooze = [Snooze { bill: bill(1), due_on: RENT, until: at("2026-12-01T14:00:00Z") }];
    let before = plan(&rent, &at_nine(), &delivered, &snooze, at("2026-11-29T20:00:00Z"));
    assert_eq!(before.next_at, Some(at("2026-12-01T14:00:00Z")), "nothing to wake up for within the snooze");
    let waiting = plan(&rent, &at_nine(), &delivered, &snooze, at("2026-11-30T20:00:00Z"));
    assert_eq!((waiting.show.len(), waiting.next_at), (0, Some(at("2026-12-01T14:00:00Z"))));
    let over = plan(&rent, &at_nine(), &delivered, &snooze, at("2026-12-01T14:00:00Z"));
    assert_eq!((over.show.len(), over.record), (1, vec![lead(1, RENT, 1)]));
}

#[test]
fn a_snoozed_bill_that_was_paid_meanwhile_stays_silent() {
    let paid = [Candidate { need: Need::Nothing, ..open(1, RENT, &[7]) }];
    let snooze = [Snooze { bill: bill(1), due_on: RENT, until: at("2026-11-25T14:00:00Z") }];
    let plan = plan(&paid, &at_nine(), &HashSet::new(), &snooze, at("2026-11-26T14:00:00Z"));
    assert_eq!(plan, Plan::default());
}

#[test]
fn an_hour_that_the_clock_skips_moves_forward_and_one_that_it_doubles_is_the_first() {
    let at_night = |hour, minute| Preferences { remind_at: Time::constant(hour, minute, 0, 0), ..at_nine() };
    let skipped = [open(1, date(2027, 3, 14), &[0])];
    let spring = plan(&skipped, &at_night(2, 30), &HashSet::new(), &[], at("2027-03-13T12:00:00Z"));
    assert_eq!(spring.next_at, Some(at("2027-03-14T07:30:00Z")), "03:30 summer time");
    let doubled = [open(1, date(2026, 11, 1), &[0])];
    let autumn = plan(&doubled, &at_night(1, 30), &HashSet::new(), &[], at("2026-10-31T12:00:00Z"));
    assert_eq!(autumn.next_at, Some(at("2026-11-01T05:30:00Z")), "the summer time one");
    let after_the_first: HashSet<_> = [lead(1, date(2026, 11, 1), 0)].into();
    let second = plan(&doubled, &at_night(1, 30), &after_the_first, &[], at("2026-11-01T06:30:00Z"));
    assert_eq!(second.show.len(), 0, "the second 01:30 is not another reminder");
}

#[test]
fn another_time_zone_moves_the_hour_and_repeats_nothing() {
    let rent = [open(1, RENT, &[7, 1])];
    let tokyo = Preferences { zone: TimeZone::get("Asia/Tokyo").expect("known"), ..at_nine() };
    let delivered: HashSet<_> = [lead(1, RENT, 7)].into();
    let there = plan(&rent, &tokyo, &delivered, &[], at("2026-11-24T15:00:00Z"));
    assert_eq!((there.show.len(), there.next_at), (0, Some(at("2026-11-30T00:00:00Z"))));
}

#[test]
fn the_end_of_time_is_no_panic() {
    let ends = [open(1, Date::MAX, &[60, 0]), open(2, Date::MIN, &[60, 0])];
    assert_eq!(plan_at("2026-11-24T15:00:00Z", &ends, &[]).show.len(), 0);
}

// ---- while it is unpaid -------------------------------------------------------------------------------------------

#[test]
fn what_stays_unpaid_is_reminded_on_the_day_and_after_it_and_never_once_it_is_paid() {
    let again = Preferences { again_while_unpaid: true, ..at_nine() };
    let rent = [open(1, RENT, &[3])];
    let mut delivered = HashSet::new();
    let mut told = Vec::new();
    for day in 0..60 {
        let now = at("2026-11-20T14:00:00Z") + SignedDuration::from_hours(24 * day);
        let plan = plan(&rent, &again, &delivered, &[], now);
        told.extend(plan.show.iter().map(|shown| (shown.turn, shown.days_left)));
        delivered.extend(plan.record);
    }
    let turns = [Turn::Before(3), Turn::Before(0), Turn::Late(1), Turn::Late(3), Turn::Late(7), Turn::Late(14)];
    assert_eq!(told, turns.map(|turn| (turn, i32::from(turn.number()))));
    let paid = [Candidate { need: Need::Nothing, ..open(1, RENT, &[3]) }];
    assert_eq!(plan(&paid, &again, &HashSet::new(), &[], at("2026-12-02T15:00:00Z")), Plan::default());
    let without = [open(1, RENT, &[])];
    let plan = plan(&without, &again, &HashSet::new(), &[], at("2026-12-02T15:00:00Z"));
    assert_eq!(plan, Plan::default(), "whoever wants no reminder gets none when it is late either");
}

#[test]
fn a_turn_is_kept_as_a_number_and_named_in_a_notice() {
    for turn in [Turn::Before(0), Turn::Before(60), Turn::Late(1), Turn::Late(14), Turn::GoesOut] {
        assert_eq!(Turn::of_number(turn.number()), Some(turn));
        assert_eq!(turn.to_string().parse(), Ok(turn));
    }
    for wrong in ["", "x", "1000", "-1000", "256", "3.5"] {
        assert_eq!(wrong.parse::<Turn>(), Err(UnknownTurn), "{wrong}");
    }
}

#[test]
fn an_answer_settles_its_reminder_and_those_before_it() {
    let nine = at("2026-11-28T14:00:00Z");
    let of = |turn| Lead { turn, ..lead(1, RENT, 0) };
    let three = ReminderAnswer::to(&of(Turn::Before(3)), nine, None);
    let settled = |answer: &ReminderAnswer, turn| answer.settles(&of(turn));
    assert!(settled(&three, Turn::Before(7)) && settled(&three, Turn::Before(3)));
    assert!([Turn::Before(1), Turn::Late(1), Turn::GoesOut].into_iter().all(|turn| !settled(&three, turn)));
    assert!(!three.settles(&lead(2, RENT, 3)), "of another bill");
    let out = ReminderAnswer::to(&of(Turn::GoesOut), nine, None);
    assert!(settled(&out, Turn::GoesOut) && !settled(&out, Turn::Before(7)));
    assert!(three.is_sound() && !ReminderAnswer { through_days: Some(i16::MIN), ..three }.is_sound());
}

#[test]
fn answers_of_several_devices_add_up_in_whatever_order_they_come() {
    let (nine, ten) = (at("2026-11-28T14:00:00Z"), at("2026-11-28T15:00:00Z"));
    let until = Some(at("2026-11-29T14:00:00Z"));
    let out = ReminderAnswer::to(&Lead { turn: Turn::GoesOut, ..lead(1, RENT, 0) }, nine, None);
    let read = ReminderAnswer::to(&lead(1, RENT, 7), nine, None);
    let put_off = ReminderAnswer::to(&lead(1, RENT, 3), ten, until);
    for both in [read.with(put_off).with(out), out.with(put_off).with(read), put_off.with(read.with(out))] {
        assert_eq!(both, ReminderAnswer { goes_out: true, ..put_off }, "an older answer takes nothing back");
    }
    let read_after = ReminderAnswer { at: at("2026-11-28T16:00:00Z"), ..read };
    assert_eq!(put_off.with(read_after).snoozed_until, None, "read after it was put off: it is not put off any more");
    assert_eq!(put_off.with(put_off), put_off);
}

#[test]
fn a_date_that_is_moved_is_reminded_of_anew() {
    let moved_to = date(2026, 12, 20);
    let before = lead(1, RENT, 3);
    let moved = Candidate { falls_on: moved_to, ..open(1, RENT, &[3]) };
    let told = plan_at("2026-12-17T15:00:00Z", std::slice::from_ref(&moved), &[before]);
    assert_eq!(told.show.len(), 1, "what was said of the day it fell on is not said of its new one");
    let anew = Lead { falls_on: moved_to, ..before };
    assert_eq!(plan_at("2026-12-17T15:00:00Z", &[moved], &[before, anew]).show.len(), 0, "once");
    let (nine, ten) = (at("2026-11-28T14:00:00Z"), at("2026-11-28T15:00:00Z"));
    let (read, read_anew) = (ReminderAnswer::to(&before, ten, None), ReminderAnswer::to(&anew, nine, None));
    assert!(!read.settles(&anew) && read_anew.settles(&anew));
    assert_eq!(
        [read.with(read_anew), read_anew.with(read)],
        [read, read],
        "the newer one is about the day it falls on"
    );
}

// ---- what goes out by itself --------------------------------------------------------------------------------------

fn goes_out(number: u8, on: Date, ordered_at: &str) -> Candidate {
    Candidate { need: Need::GoesOut { on, ordered_at: at(ordered_at) }, ..open(number, RENT, &[7, 1]) }
}

#[test]
fn a_payment_that_leaves_by_itself_is_told_once_the_day_before() {
    let scheduled = [goes_out(1, date(2026, 11, 27), "2026-11-12T08:00:00Z")];
    let before = plan_at("2026-11-25T15:00:00Z", &scheduled, &[]);
    assert_eq!((before.show.len(), before.next_at), (0, Some(at("2026-11-26T14:00:00Z"))));
    let told = plan_at("2026-11-26T14:00:00Z", &scheduled, &[]);
    let out = Lead { bill: bill(1), due_on: RENT, falls_on: RENT, turn: Turn::GoesOut };
    assert_eq!((told.show[0].turn, told.record), (Turn::GoesOut, vec![out]));
    assert_eq!(plan_at("2026-11-26T15:00:00Z", &scheduled, &[out]), Plan::default());
    let slept = plan_at("2026-11-27T10:00:00Z", &scheduled, &[]);
    assert_eq!(slept.show.len(), 1, "on its day it is still news");
    assert_eq!(plan_at("2026-11-28T15:00:00Z", &scheduled, &[]).show.len(), 0, "the day after it is not");
}

#[test]
fn whoever_ordered_a_payment_a_moment_ago_is_not_told_of_it() {
    let just_now = [goes_out(1, date(2026, 11, 27), "2026-11-26T14:30:00Z")];
    assert_eq!(plan_at("2026-11-26T15:00:00Z", &just_now, &[]).show.len(), 0);
}

#[test]
fn a_balance_bears_what_leaves_it_or_says_what_is_short() {
    let usd = |minor| Money::new(minor, crate::money::Currency::USD).expect("in range");
    assert_eq!(bears(usd(10_000), [usd(4_000), usd(6_000)]), Ok(Bears::Yes { left: usd(0) }));
    assert_eq!(bears(usd(10_000), [usd(4_000), usd(6_001)]), Ok(Bears::No { short_by: usd(1) }));
    assert!(bears(usd(1), [Money::zero("EUR".parse().expect("known"))]).is_err());
}

// ---- quiet hours --------------------------------------------------------------------------------------------------

fn quiet(from: (i8, i8), until: (i8, i8)) -> Preferences {
    let time = |(hour, minute)| Time::constant(hour, minute, 0, 0);
    Preferences { quiet: QuietHours::new(time(from), time(until)), ..at_nine() }
}

#[test]
fn nothing_is_shown_in_quiet_hours_and_it_comes_at_their_end() {
    let late_riser = quiet((21, 0), (10, 30));
    let rent = [open(1, RENT, &[7])];
    let early = plan(&rent, &late_riser, &HashSet::new(), &[], at("2026-11-24T14:00:00Z"));
    let end = Some(at("2026-11-24T15:30:00Z"));
    assert_eq!((early.show.len(), early.record.len(), early.next_at), (0, 0, end), "nine o'clock is quiet");
    let woken = plan(&rent, &late_riser, &HashSet::new(), &[], at("2026-11-25T03:00:00Z"));
    let next_morning = Some(at("2026-11-25T15:30:00Z"));
    assert_eq!((woken.show.len(), woken.held, woken.next_at), (0, 1, next_morning), "missed by day, found at night");
    assert_eq!(plan(&rent, &late_riser, &HashSet::new(), &[], at("2026-11-25T15:30:00Z")).show.len(), 1);
}

#[test]
fn a_snooze_that_ends_in_quiet_hours_ends_with_them() {
    let night = quiet((21, 0), (7, 0));
    let rent = [open(1, RENT, &[7])];
    let snooze = [Snooze { bill: bill(1), due_on: RENT, until: at("2026-11-26T05:00:00Z") }];
    let delivered: HashSet<_> = [lead(1, RENT, 7)].into();
    let waiting = plan(&rent, &night, &delivered, &snooze, at("2026-11-26T06:00:00Z"));
    assert_eq!((waiting.show.len(), waiting.next_at), (0, Some(at("2026-11-26T12:00:00Z"))));
    assert_eq!(plan(&rent, &night, &delivered, &snooze, at("2026-11-26T12:00:00Z")).show.len(), 1);
}

#[test]
fn quiet_hours_end_on_the_nights_on_which_the_clock_changes() {
    let zone = new_york();
    let ends = |from, until, now: &str| quiet(from, until).quiet.and_then(|quiet| quiet.end(at(now), &zone));
    assert_eq!(ends((22, 0), (2, 30), "2027-03-14T06:30:00Z"), Some(at("2027-03-14T07:30:00Z")), "02:30 is skipped");
    assert_eq!(ends((22, 0), (1, 30), "2026-11-01T05:10:00Z"), Some(at("2026-11-01T05:30:00Z")), "the first 01:30");
    assert_eq!(ends((22, 0), (1, 30), "2026-11-01T06:10:00Z"), None, "not the second");
    assert_eq!(ends((13, 0), (15, 0), "2026-11-24T19:59:00Z"), Some(at("2026-11-24T20:00:00Z")), "by day");
    assert_eq!(ends((13, 0), (15, 0), "2026-11-24T20:00:00Z"), None);
    assert_eq!(QuietHours::new(Time::midnight(), Time::midnight()), None);
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(200) })]

    #[test]
    fn whenever_the_app_runs_and_however_the_clock_jumps_each_lead_is_told_at_most_once_and_each_date_at_least_once(
        dates in prop::collection::vec((1..6_u8, 0..50_i32, prop::collection::vec(0..=60_u8, 1..5)), 1..8),
        hours in prop::collection::vec(0..(24 * 110_i64), 0..25),
    ) {
        let start = date(2026, 9, 1);
        let mut candidates: Vec<Candidate> = Vec::new();
        for (number, far, remind_days) in dates {
            let due_on = days::shifted(start, 61 + far);
            if !candidates.iter().any(|known| (known.bill, known.due_on) == (bill(number), due_on)) {
                candidates.push(open(number, due_on, &remind_days));
            }
        }
        let mut delivered = HashSet::new();
        let mut told: HashMap<(BillId, Date), u32> = HashMap::new();
        let begins = at("2026-09-01T00:00:00Z");
        // The clock goes where it likes, and at the end it stands after every due date.
        for hour in hours.into_iter().chain([24 * 112]) {
            let now = begins + SignedDuration::from_hours(hour);
            let plan = plan(&candidates, &at_nine(), &delivered, &[], now);
            for shown in plan.show.iter().chain(&plan.digest) {
                let key = shown.lead();
                prop_assert!(!delivered.contains(&key), "told twice");
                prop_assert!(plan.record.contains(&key), "told and not recorded");
                prop_assert!(shown.at <= now);
                *told.entry((shown.bill, shown.due_on)).or_default() += 1;
            }
            prop_assert!(plan.next_at.is_none_or(|next| next > now));
            prop_assert_ne!(plan.digest.len(), 1);
            delivered.extend(plan.record);
        }
        for candidate in &candidates {
            let count = told.get(&(candidate.bill, candidate.due_on)).copied().unwrap_or(0);
            let leads: HashSet<_> = candidate.remind_days.iter().collect();
            prop_assert!(count as usize <= leads.len());
            // The last run is on day 112; due dates before its look-back are no longer told.
            if days::number_of(candidate.due_on) - days::number_of(start) > 112 - LOOK_BACK_DAYS {
                prop_assert!(count >= 1, "{:?} was never told", candidate);
            }
        }
    }
}
