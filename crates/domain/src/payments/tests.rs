//! Every way between states, and the dates that a rail can promise.

use jiff::civil::date;

use super::*;
use crate::money::{Currency, Money};

/// Every legal way; whatever is not here is illegal.
const WAYS: [(PaymentState, PaymentEvent, PaymentState); 34] = {
    use PaymentEvent as E;
    use PaymentState as S;
    [
        (S::AwaitingApproval, E::Approved, S::Scheduled),
        (S::AwaitingApproval, E::ApprovedOnHold, S::Held),
        (S::AwaitingApproval, E::Edited, S::AwaitingApproval),
        (S::AwaitingApproval, E::ApprovalExpired, S::Expired),
        (S::AwaitingApproval, E::Cancelled, S::Cancelled),
        (S::Scheduled, E::HoldPlaced, S::Held),
        (S::Scheduled, E::Edited, S::AwaitingApproval),
        (S::Scheduled, E::Cancelled, S::Cancelled),
        (S::Scheduled, E::FundsReserved, S::Reserved),
        (S::Scheduled, E::FundsMissing, S::Insufficient),
        (S::Scheduled, E::PayeeClosed, S::Failed),
        (S::Held, E::HoldReleased, S::Scheduled),
        (S::Held, E::Edited, S::AwaitingApproval),
        (S::Held, E::Cancelled, S::Cancelled),
        (S::Held, E::PayeeClosed, S::Failed),
        (S::Insufficient, E::HoldPlaced, S::Held),
        (S::Insufficient, E::Edited, S::AwaitingApproval),
        (S::Insufficient, E::Cancelled, S::Cancelled),
        (S::Insufficient, E::FundsReserved, S::Reserved),
        (S::Insufficient, E::FundsMissing, S::Insufficient),
        (S::Insufficient, E::TriesEnded, S::Failed),
        (S::Insufficient, E::PayeeClosed, S::Failed),
        (S::Reserved, E::Cancelled, S::Cancelled),
        (S::Reserved, E::HandedToRail, S::Submitting),
        (S::Submitting, E::RailAccepted, S::Submitted),
        (S::Submitting, E::RailRefused, S::Rejected),
        (S::Submitting, E::RailSilent, S::Unknown),
        (S::Unknown, E::RailAccepted, S::Submitted),
        (S::Unknown, E::RailRefused, S::Rejected),
        (S::Unknown, E::ProvenAbsent, S::Submitting),
        (S::Submitted, E::SettledByRail, S::Settled),
        (S::Submitted, E::ReturnedByRail, S::Returned),
        (S::Settled, E::ReturnedByRail, S::Returned),
        (S::Settled, E::ReturnWindowOver, S::Final),
    ]
};

/// The one way out of a terminal state.
const LATE_RETURN: (PaymentState, PaymentEvent, PaymentState) =
    (PaymentState::Final, PaymentEvent::ReturnedByRail, PaymentState::Returned);

#[test]
fn each_of_the_285_pairs_of_state_and_event_is_a_listed_way_or_refused() {
    for from in PaymentState::ALL {
        for event in PaymentEvent::ALL {
            let listed = WAYS.iter().chain([&LATE_RETURN]).find(|way| (way.0, way.1) == (from, event));
            let expected = listed.map(|way| way.2).ok_or(IllegalMove { from, event });
            assert_eq!(from.after(event), expected, "{from:?} {event:?}");
        }
    }
}

#[test]
fn nothing_leaves_a_terminal_state_but_a_late_return() {
    for state in PaymentState::ALL {
        let ways = WAYS.iter().filter(|way| way.0 == state).count();
        assert_eq!(state.is_terminal(), ways == 0, "{state:?}");
    }
}

#[test]
fn a_payment_can_be_cancelled_exactly_where_cancelling_is_legal() {
    for state in PaymentState::ALL {
        assert_eq!(state.can_cancel(), state.after(PaymentEvent::Cancelled).is_ok(), "{state:?}");
        assert!(!(state.can_cancel() && state.has_left()), "what left cannot be taken back: {state:?}");
    }
}

#[test]
fn every_state_is_reached_from_a_first_one() {
    let mut reached = PaymentState::FIRST.to_vec();
    while let Some(way) = WAYS.iter().chain([&LATE_RETURN]).find(|w| reached.contains(&w.0) && !reached.contains(&w.2))
    {
        reached.push(way.2);
    }
    assert_eq!(reached.len(), PaymentState::ALL.len());
}

#[test]
fn after_a_silence_the_rail_never_gets_a_second_order_unless_it_proved_it_had_none() {
    let into_submitting: Vec<_> =
        WAYS.iter().filter(|way| way.2 == PaymentState::Submitting).map(|way| way.1).collect();
    assert_eq!(into_submitting, [PaymentEvent::HandedToRail, PaymentEvent::ProvenAbsent]);
}

#[test]
fn an_order_is_checked_before_it_is_stored() {
    let good = order("40");
    assert_eq!(good.check(), Ok(()));
    assert_eq!(order("0").check(), Err(OrderError::Amount));
    assert_eq!(order("-40").check(), Err(OrderError::Amount));
    assert_eq!(PaymentOrder { reference: Some("r".repeat(61)), ..good.clone() }.check(), Err(OrderError::Reference));
    assert_eq!(PaymentOrder { reference: Some("a\nb".into()), ..good.clone() }.check(), Err(OrderError::Reference));
    assert_eq!(PaymentOrder { due_on: None, ..good.clone() }.check(), Err(OrderError::BillWithoutDate));
    assert_eq!(PaymentOrder { bill: None, ..good.clone() }.check(), Err(OrderError::BillWithoutDate));
    assert_eq!(PaymentOrder { bill: None, due_on: None, ..good }.check(), Ok(()));
}

fn order(amount: &str) -> PaymentOrder {
    PaymentOrder {
        id: PaymentId::new(Timestamp::UNIX_EPOCH, [1; 10]),
        biller: BillerId::new(Timestamp::UNIX_EPOCH, [2; 10]),
        reference: Some("invoice 7".into()),
        amount: Money::parse(amount, Currency::USD).expect("valid"),
        bill: Some(BillId::new(Timestamp::UNIX_EPOCH, [3; 10])),
        due_on: Some(date(2026, 12, 4)),
        send_on: None,
        duplicate_meant: false,
        method: None,
    }
}

fn ach() -> RailTiming {
    RailTiming::united_states().expect("the zone is known")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a valid instant")
}

#[track_caller]
fn promised(now: &str, send_on: Option<Date>, leaves: &str, cutoff: &str, arrives: &str) {
    let quote = quote(at(now), send_on, &ach()).expect("a quote");
    let said = (quote.will_process_on.to_string(), quote.cutoff_at.to_string(), quote.expected_by.to_string());
    assert_eq!(said, (leaves.to_owned(), cutoff.to_owned(), arrives.to_owned()));
}

#[test]
fn before_the_cutoff_it_leaves_today_and_from_the_cutoff_on_the_next_banking_day() {
    // Friday; New York is five hours behind.
    promised("2026-11-20T20:59:59Z", None, "2026-11-20", "2026-11-20T21:00:00Z", "2026-11-23");
    promised("2026-11-20T21:00:00Z", None, "2026-11-23", "2026-11-23T21:00:00Z", "2026-11-24");
}

#[test]
fn a_holiday_and_a_weekend_are_stepped_over() {
    promised("2026-11-26T12:00:00Z", None, "2026-11-27", "2026-11-27T21:00:00Z", "2026-11-30");
    // Saturday, 4 July 2026: the Friday is open.
    promised("2026-07-03T12:00:00Z", None, "2026-07-03", "2026-07-03T20:00:00Z", "2026-07-06");
}

#[test]
fn a_wished_day_is_kept_and_a_closed_one_becomes_the_banking_day_before() {
    promised("2026-11-20T12:00:00Z", Some(date(2026, 12, 2)), "2026-12-02", "2026-12-02T21:00:00Z", "2026-12-03");
    promised("2026-11-20T12:00:00Z", Some(date(2026, 11, 29)), "2026-11-27", "2026-11-27T21:00:00Z", "2026-11-30");
    promised("2026-11-20T12:00:00Z", Some(date(2026, 11, 26)), "2026-11-25", "2026-11-25T21:00:00Z", "2026-11-27");
}

#[test]
fn a_wish_that_has_passed_leaves_as_soon_as_possible() {
    promised("2026-11-20T12:00:00Z", Some(date(2026, 1, 1)), "2026-11-20", "2026-11-20T21:00:00Z", "2026-11-23");
    // Saturday wished on a Saturday: the Friday before is over.
    promised("2026-11-21T12:00:00Z", Some(date(2026, 11, 21)), "2026-11-23", "2026-11-23T21:00:00Z", "2026-11-24");
}

#[test]
fn the_cutoff_follows_the_clock_of_its_place_through_the_year() {
    promised("2026-10-30T12:00:00Z", None, "2026-10-30", "2026-10-30T20:00:00Z", "2026-11-02");
    promised("2026-11-02T12:00:00Z", None, "2026-11-02", "2026-11-02T21:00:00Z", "2026-11-03");
}

#[test]
fn the_sandbox_is_open_every_day_to_its_last_second() {
    let sandbox = RailTiming::sandbox(TimeZone::UTC);
    let christmas = quote(at("2026-12-25T23:59:59Z"), None, &sandbox).expect("a quote");
    assert_eq!(christmas.will_process_on, date(2026, 12, 25));
    assert_eq!(christmas.cutoff_at, at("2026-12-26T00:00:00Z"));
    assert_eq!(christmas.expected_by, date(2026, 12, 25));
}

#[test]
fn a_day_more_than_366_days_ahead_is_refused() {
    let now = at("2026-11-20T12:00:00Z");
    assert!(quote(now, Some(date(2027, 11, 21)), &ach()).is_ok());
    assert_eq!(quote(now, Some(date(2027, 11, 22)), &ach()), Err(QuoteError::TooFarAhead));
    assert_eq!(quote(now, Some(Date::MAX), &ach()), Err(QuoteError::TooFarAhead));
}

#[test]
fn to_be_there_on_a_monday_it_leaves_on_the_friday() {
    assert_eq!(ach().leave_by(date(2026, 11, 30)), date(2026, 11, 27));
    assert_eq!(
        ach().leave_by(date(2026, 11, 29)),
        date(2026, 11, 25),
        "a closed due date is met on the banking day before"
    );
    assert_eq!(RailTiming::sandbox(TimeZone::UTC).leave_by(date(2026, 11, 29)), date(2026, 11, 29));
}

#[test]
fn an_approval_is_bound_to_everything_that_its_page_shows() {
    let uuid = |byte| uuid::Uuid::from_bytes([byte; 16]);
    let usd = |minor| Money::new(minor, Currency::USD).expect("an amount");
    let shown = Approvable {
        payment: PaymentId::from_uuid(uuid(1)),
        payee: BillerId::from_uuid(uuid(2)),
        reference: Some("4471"),
        account: AccountId::from_uuid(uuid(3)),
        amount: usd(4_000),
        day: date(2027, 3, 1),
    };
    let others = [
        Approvable { payment: PaymentId::from_uuid(uuid(9)), ..shown },
        Approvable { payee: BillerId::from_uuid(uuid(9)), ..shown },
        Approvable { reference: Some("4472"), ..shown },
        Approvable { reference: Some(""), ..shown },
        Approvable { reference: None, ..shown },
        Approvable { account: AccountId::from_uuid(uuid(9)), ..shown },
        Approvable { amount: usd(4_001), ..shown },
        Approvable { amount: Money::new(4_000, Currency::EUR).expect("an amount"), ..shown },
        Approvable { day: date(2027, 3, 2), ..shown },
    ];
    let mut digests: Vec<String> = others.iter().map(Approvable::digest).collect();
    digests.push(shown.digest());
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), others.len() + 1);
    assert_eq!(shown.digest(), Approvable { ..shown }.digest());
}
