//! How one due date stands, by worked examples; then what must hold for any payments.

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::schedule::Every;

const TODAY: Date = date(2026, 11, 20);
const RENT_DAY: Date = date(2026, 12, 1);

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect("a valid amount")
}

fn rent() -> Bill {
    let schedule = Schedule { day: Some(1), ..Schedule::new(Every::Month, 1, date(2026, 1, 1)) };
    let id = BillId::new(Timestamp::UNIX_EPOCH, [1; 10]);
    Bill { remind_days: vec![7, 1], ..Bill::new(id, "Rent".into(), usd("950"), schedule) }
}

/// The `number`-th payment ever made.
fn payment(number: i64, amount: &str, state: Option<PaymentState>) -> PaymentOf {
    let made_at = Timestamp::from_second(1_700_000_000 + number).expect("valid");
    let id = PaymentId::new(made_at, [0; 10]);
    PaymentOf { id, due_on: RENT_DAY, amount: usd(amount), state, sends_on: Some(date(2026, 11, 27)) }
}

fn at(amount: &str, state: PaymentState) -> PaymentOf {
    payment(1, amount, Some(state))
}

fn with(payments: &[PaymentOf]) -> Occurrence {
    occurrence(&rent(), RENT_DAY, None, payments, TODAY)
}

fn figures(occurrence: &Occurrence) -> (OccurrenceState, String, String, String) {
    let text = |money: Money| money.to_string().trim_end_matches(" USD").to_owned();
    (occurrence.state, text(occurrence.paid), text(occurrence.on_its_way), text(occurrence.left))
}

fn expect(occurrence: &Occurrence, state: OccurrenceState, paid: &str, on_its_way: &str, left: &str) {
    assert_eq!(figures(occurrence), (state, paid.to_owned(), on_its_way.to_owned(), left.to_owned()));
}

#[test]
fn an_untouched_date_is_due_and_after_its_day_overdue() {
    expect(&with(&[]), OccurrenceState::Due, "0.00", "0.00", "950.00");
    let on_the_day = occurrence(&rent(), RENT_DAY, None, &[], RENT_DAY);
    assert_eq!(on_the_day.state, OccurrenceState::Due, "the due date itself is in time");
    let late = occurrence(&rent(), RENT_DAY, None, &[], date(2026, 12, 2));
    assert_eq!(late.state, OccurrenceState::Overdue);
    assert!(late.needs_person() && !late.is_over());
}

#[test]
fn a_settled_payment_pays_it_and_a_final_one_too() {
    expect(&with(&[at("950", PaymentState::Settled)]), OccurrenceState::Paid, "950.00", "0.00", "0.00");
    expect(&with(&[at("950", PaymentState::Final)]), OccurrenceState::Paid, "950.00", "0.00", "0.00");
}

#[test]
fn a_payment_that_left_is_pending_and_one_that_will_leave_is_scheduled() {
    for state in [PaymentState::Submitting, PaymentState::Unknown, PaymentState::Submitted] {
        expect(&with(&[at("950", state)]), OccurrenceState::Pending, "0.00", "950.00", "0.00");
    }
    for state in [PaymentState::Scheduled, PaymentState::Held, PaymentState::Reserved] {
        expect(&with(&[at("950", state)]), OccurrenceState::Scheduled, "0.00", "950.00", "0.00");
    }
    let kept_here = with(&[payment(1, "950", None)]);
    expect(&kept_here, OccurrenceState::Scheduled, "0.00", "950.00", "0.00");
    assert!(kept_here.not_sent && !kept_here.needs_person());
    assert_eq!(kept_here.sends_on, Some(date(2026, 11, 27)));
}

#[test]
fn what_came_back_or_never_went_counts_nothing() {
    for state in [
        PaymentState::Returned,
        PaymentState::Rejected,
        PaymentState::Failed,
        PaymentState::Cancelled,
        PaymentState::Expired,
        PaymentState::AwaitingApproval,
        PaymentState::Insufficient,
    ] {
        let open = with(&[at("950", state)]);
        expect(&open, OccurrenceState::Due, "0.00", "0.00", "950.00");
        assert!(open.needs_person(), "{state:?}");
        assert!(open.payment.is_some(), "the person still sees what happened to it");
    }
}

#[test]
fn a_part_that_is_paid_or_on_its_way_leaves_the_rest() {
    expect(&with(&[at("400", PaymentState::Settled)]), OccurrenceState::PartlyPaid, "400.00", "0.00", "550.00");
    expect(&with(&[at("400", PaymentState::Submitted)]), OccurrenceState::PartlyPaid, "0.00", "400.00", "550.00");
    let two = [payment(1, "400", Some(PaymentState::Settled)), payment(2, "500", Some(PaymentState::Scheduled))];
    expect(&with(&two), OccurrenceState::PartlyPaid, "400.00", "500.00", "50.00");
}

#[test]
fn a_part_after_the_due_date_is_overdue() {
    let late = occurrence(&rent(), RENT_DAY, None, &[at("400", PaymentState::Settled)], date(2026, 12, 2));
    expect(&late, OccurrenceState::Overdue, "400.00", "0.00", "550.00");
}

#[test]
fn a_payment_that_covers_it_quiets_it_even_after_the_due_date() {
    let late = occurrence(&rent(), RENT_DAY, None, &[at("950", PaymentState::Submitted)], date(2026, 12, 2));
    assert_eq!(late.state, OccurrenceState::Pending);
    assert!(!late.needs_person());
}

#[test]
fn paying_half_now_and_half_later_is_scheduled_until_the_second_leaves() {
    let mut halves =
        [payment(1, "475", Some(PaymentState::Submitted)), payment(2, "475", Some(PaymentState::Scheduled))];
    expect(&with(&halves), OccurrenceState::Scheduled, "0.00", "950.00", "0.00");
    halves[1].state = Some(PaymentState::Submitted);
    expect(&with(&halves), OccurrenceState::Pending, "0.00", "950.00", "0.00");
}

#[test]
fn paying_twice_never_leaves_less_than_nothing() {
    let twice = [payment(1, "950", Some(PaymentState::Settled)), payment(2, "950", Some(PaymentState::Submitted))];
    expect(&with(&twice), OccurrenceState::Paid, "950.00", "950.00", "0.00");
    let both = twice.map(|payment| PaymentOf { state: Some(PaymentState::Settled), ..payment });
    expect(&with(&both), OccurrenceState::Paid, "1900.00", "0.00", "0.00");
}

#[test]
fn a_return_opens_it_again() {
    let mut sent = at("950", PaymentState::Settled);
    assert!(with(&[sent]).is_over());
    sent.state = Some(PaymentState::Returned);
    expect(&with(&[sent]), OccurrenceState::Due, "0.00", "0.00", "950.00");
}

#[test]
fn paid_elsewhere_counts_in_full_or_in_part() {
    let mut mark = Mark::new(rent().id, RENT_DAY);
    assert!(mark.is_blank());
    mark.paid_elsewhere = Some(usd("300"));
    let part = occurrence(&rent(), RENT_DAY, Some(&mark), &[at("650", PaymentState::Scheduled)], TODAY);
    expect(&part, OccurrenceState::Scheduled, "300.00", "650.00", "0.00");
    mark.paid_elsewhere = Some(usd("950"));
    assert_eq!(occurrence(&rent(), RENT_DAY, Some(&mark), &[], TODAY).state, OccurrenceState::Paid);
}

#[test]
fn this_once_another_amount_is_owed() {
    let about = Bill { estimated: true, ..rent() };
    assert!(occurrence(&about, RENT_DAY, None, &[], TODAY).estimated);
    let mark = Mark { amount: Some(usd("1000")), ..Mark::new(about.id, RENT_DAY) };
    let known = occurrence(&about, RENT_DAY, Some(&mark), &[at("950", PaymentState::Settled)], TODAY);
    expect(&known, OccurrenceState::PartlyPaid, "950.00", "0.00", "50.00");
    assert!(!known.estimated, "an amount the person gave is no guess");
    let free = Mark { amount: Some(usd("0")), ..Mark::new(about.id, RENT_DAY) };
    assert_eq!(occurrence(&about, RENT_DAY, Some(&free), &[], TODAY).state, OccurrenceState::Paid);
}

#[test]
fn a_skipped_date_asks_for_nothing_and_hides_no_money() {
    let skip = Mark { skipped: true, ..Mark::new(rent().id, RENT_DAY) };
    let stands = |payments: &[PaymentOf]| occurrence(&rent(), RENT_DAY, Some(&skip), payments, date(2026, 12, 9));
    expect(&stands(&[]), OccurrenceState::Skipped, "0.00", "0.00", "0.00");
    assert!(stands(&[]).is_over());
    assert_eq!(stands(&[at("400", PaymentState::Submitted)]).state, OccurrenceState::Pending);
    assert_eq!(stands(&[at("400", PaymentState::Scheduled)]).state, OccurrenceState::Scheduled);
    assert_eq!(stands(&[at("950", PaymentState::Settled)]).state, OccurrenceState::Paid);
    expect(&stands(&[at("400", PaymentState::Settled)]), OccurrenceState::Skipped, "400.00", "0.00", "0.00");
}

#[test]
fn the_newest_payment_that_counts_is_the_one_shown() {
    let settled = payment(1, "950", Some(PaymentState::Settled));
    let cancelled = payment(2, "950", Some(PaymentState::Cancelled));
    assert_eq!(with(&[cancelled, settled]).payment, Some(settled.id));
    let rejected = payment(3, "950", Some(PaymentState::Rejected));
    assert_eq!(with(&[rejected, cancelled]).payment, Some(rejected.id));
}

#[test]
fn payments_of_other_dates_and_other_currencies_are_passed_over() {
    let mut other = at("950", PaymentState::Settled);
    other.due_on = date(2027, 1, 1);
    expect(&with(&[other]), OccurrenceState::Due, "0.00", "0.00", "950.00");
    let mut euros = at("950", PaymentState::Settled);
    euros.amount = Money::parse("950", Currency::EUR).expect("valid");
    expect(&with(&[euros]), OccurrenceState::Due, "0.00", "0.00", "950.00");
}

#[test]
fn a_window_gives_each_date_of_the_rule_with_what_is_known_of_it() {
    let paid = at("950", PaymentState::Settled);
    let skip = Mark { skipped: true, ..Mark::new(rent().id, date(2027, 1, 1)) };
    let stranger = Mark { skipped: true, ..Mark::new(BillId::new(Timestamp::UNIX_EPOCH, [9; 10]), date(2027, 2, 1)) };
    let found = occurrences(&rent(), &[skip, stranger], &[paid], date(2026, 11, 1), date(2027, 2, 1), TODAY);
    let states: Vec<_> = found.iter().map(|found| (found.due_on.to_string(), found.state)).collect();
    let expected = [
        ("2026-11-01".to_owned(), OccurrenceState::Overdue),
        ("2026-12-01".to_owned(), OccurrenceState::Paid),
        ("2027-01-01".to_owned(), OccurrenceState::Skipped),
        ("2027-02-01".to_owned(), OccurrenceState::Due),
    ];
    assert_eq!(states, expected);
}

#[test]
fn a_date_that_the_rule_no_longer_gives_stays_while_money_went_to_it() {
    let mut moved = rent();
    moved.schedule.day = Some(5);
    let to_old_date = [at("400", PaymentState::Settled)];
    let found = occurrences(&moved, &[], &to_old_date, date(2026, 12, 1), date(2026, 12, 31), TODAY);
    assert_eq!(found.iter().map(|found| found.due_on.day()).collect::<Vec<_>>(), [1, 5]);
    assert!(found[0].off_schedule && !found[1].off_schedule);
    expect(&found[0], OccurrenceState::Paid, "400.00", "0.00", "0.00");
    expect(&found[1], OccurrenceState::Due, "0.00", "0.00", "950.00");

    let elsewhere = Mark { paid_elsewhere: Some(usd("950")), ..Mark::new(moved.id, RENT_DAY) };
    let found = occurrences(&moved, &[elsewhere], &[], date(2026, 12, 1), date(2026, 12, 31), TODAY);
    assert_eq!(found.len(), 2);
}

#[test]
fn a_dropped_date_without_money_is_gone() {
    let mut moved = rent();
    moved.schedule.day = Some(5);
    let skip = Mark { skipped: true, ..Mark::new(moved.id, RENT_DAY) };
    let cancelled = at("950", PaymentState::Cancelled);
    let found = occurrences(&moved, &[skip], &[cancelled], date(2026, 12, 1), date(2026, 12, 31), TODAY);
    assert_eq!(found.iter().map(|found| found.due_on.day()).collect::<Vec<_>>(), [5]);
}

#[test]
fn a_bill_is_checked_field_by_field() {
    assert_eq!(rent().check(), Ok(()));
    let longest =
        Bill { name: "é".repeat(120), reference: Some("r".repeat(60)), note: Some("n\n".repeat(1_000)), ..rent() };
    assert_eq!(longest.check(), Ok(()));
    for name in [String::new(), "  ".into(), "n".repeat(121), "two\nlines".into()] {
        assert_eq!(Bill { name, ..rent() }.check(), Err(BillError::Name));
    }
    assert_eq!(Bill { amount: usd("0"), ..rent() }.check(), Err(BillError::Amount));
    assert_eq!(Bill { amount: usd("-1"), ..rent() }.check(), Err(BillError::Amount));
    assert_eq!(Bill { reference: Some("r".repeat(61)), ..rent() }.check(), Err(BillError::Reference));
    assert_eq!(Bill { note: Some("n".repeat(2_001)), ..rent() }.check(), Err(BillError::Note));
    for remind_days in [vec![1, 7], vec![7, 7], vec![61], vec![6, 5, 4, 3, 2, 1]] {
        assert_eq!(Bill { remind_days, ..rent() }.check(), Err(BillError::RemindDays));
    }
    assert_eq!(sorted_remind_days(vec![1, 7, 3, 7]), [7, 3, 1]);
    let mut never = rent();
    never.schedule.interval = 0;
    assert_eq!(never.check(), Err(BillError::Schedule(ScheduleError::Interval)));
}

#[test]
fn a_mark_is_checked_against_its_bill() {
    let blank = Mark::new(rent().id, RENT_DAY);
    assert_eq!(blank.check(&rent()), Ok(()));
    let euros = Money::parse("1", Currency::EUR).expect("valid");
    assert_eq!(Mark { amount: Some(euros), ..blank.clone() }.check(&rent()), Err(BillError::Currency));
    assert_eq!(Mark { amount: Some(usd("-1")), ..blank.clone() }.check(&rent()), Err(BillError::Amount));
    assert_eq!(Mark { paid_elsewhere: Some(usd("0")), ..blank }.check(&rent()), Err(BillError::Amount));
}

fn any_payments() -> impl Strategy<Value = Vec<PaymentOf>> {
    let state = prop::option::of(prop::sample::select(PaymentState::ALL.to_vec()));
    let amount = prop_oneof![1..200_000_i64, Just(Money::MINOR_MAX)];
    prop::collection::vec((1..50_i64, amount, state), 0..6).prop_map(|rows| {
        let of = |(number, minor, state): (i64, i64, Option<PaymentState>)| PaymentOf {
            amount: Money::new(minor, Currency::USD).expect("in range"),
            ..payment(number, "1", state)
        };
        rows.into_iter().map(of).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(300) })]

    #[test]
    fn whatever_was_paid_the_figures_and_the_state_agree(
        payments in any_payments(),
        skipped in any::<bool>(),
        late in any::<bool>(),
    ) {
        let mark = Mark { skipped, ..Mark::new(rent().id, RENT_DAY) };
        let today = if late { date(2026, 12, 9) } else { TODAY };
        let one = occurrence(&rent(), RENT_DAY, Some(&mark), &payments, today);
        let covered = i128::from(one.paid.minor()) + i128::from(one.on_its_way.minor());
        prop_assert!(!one.left.is_negative());
        let expected_left = if skipped { 0 } else { (95_000 - covered).max(0) };
        prop_assert_eq!(i128::from(one.left.minor()), expected_left);
        let quiet = matches!(
            one.state,
            OccurrenceState::Paid | OccurrenceState::Pending | OccurrenceState::Scheduled | OccurrenceState::Skipped
        );
        prop_assert_eq!(quiet, one.left.is_zero(), "{:?}", one);
        prop_assert_eq!(one.needs_person(), one.left.is_positive());
        if one.state == OccurrenceState::Paid {
            prop_assert!(one.paid.minor() >= one.amount.minor());
        }
        let backwards: Vec<_> = payments.iter().rev().copied().collect();
        let again = occurrence(&rent(), RENT_DAY, Some(&mark), &backwards, today);
        prop_assert_eq!((again.state, again.left, again.paid), (one.state, one.left, one.paid));
    }
}

#[test]
fn a_number_of_dates_stays_that_of_all_when_a_bill_is_changed_from_one_on() {
    let schedule = Schedule { count: Some(12), ..rent().schedule };
    let bill = Bill { schedule, ..rent() };
    let moved = |from: Date, count| {
        let mut after = bill.clone();
        (after.schedule.day, after.schedule.count) = (Some(15), count);
        let after = bill.changed_from(after, from, bill.amount);
        after.check().expect("a bill");
        after.dates(Date::MIN, date(2030, 1, 1)).collect::<Vec<_>>()
    };
    let july = date(2026, 7, 1);
    let kept = moved(july, Some(12));
    assert_eq!((kept.len(), kept[5], kept[6]), (12, date(2026, 6, 1), date(2026, 7, 15)));
    assert_eq!(moved(july, Some(3)).len(), 6 + 3, "another number counts from there");
    assert_eq!(moved(date(2026, 12, 1), Some(12)).last(), Some(&date(2026, 12, 15)));
}
