use jiff::civil::date;

use super::*;
use crate::card::DueRule;
use crate::money::Currency;

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("an amount")
}

/// Closes on the 25th.
fn terms() -> CardTerms {
    CardTerms {
        closing_day: 25,
        due: DueRule::of_served(25),
        minimum_floor: None,
        minimum_share: None,
        minimum_adds_charges: false,
        apr: None,
        late_fee: None,
    }
}

fn wish(reason: DisputeReason) -> DisputeWish {
    let purchase = PurchaseId::from_uuid(uuid::Uuid::from_u128(1));
    DisputeWish { purchase, reason, words: "As I said".to_owned(), amount: None }
}

/// 80 were charged on 3 March 2027, which is on the statement of the 25th.
fn facts(terms: &CardTerms, today: Date) -> DisputeFacts<'_> {
    DisputeFacts { charged: usd(8_000), before: &[], charged_on: Some(date(2027, 3, 3)), terms, today }
}

fn dispute(reason: DisputeReason, minor: i64) -> Dispute {
    Dispute {
        id: DisputeId::from_uuid(uuid::Uuid::from_u128(2)),
        purchase: wish(reason).purchase,
        card: AccountId::from_uuid(uuid::Uuid::from_u128(3)),
        merchant: "Quillmere".to_owned(),
        description: "Lamps".to_owned(),
        reason,
        words: String::new(),
        amount: usd(minor),
        credited: usd(minor),
        opened_at: AT,
        acknowledged_at: None,
        answer_by: date(2027, 5, 25),
        decided: None,
    }
}

#[test]
fn a_charge_is_disputed_until_sixty_days_after_its_statement() {
    let terms = terms();
    let on = |day| wish(DisputeReason::NotReceived).check(&facts(&terms, day));
    assert_eq!(on(date(2027, 3, 4)), Ok(usd(8_000)), "before the statement too");
    assert_eq!(on(date(2027, 5, 24)), Ok(usd(8_000)), "the sixtieth day");
    assert_eq!(on(date(2027, 5, 25)), Err(DisputeError::TooLate));
    let not_mine = wish(DisputeReason::NotMine).check(&facts(&terms, date(2027, 9, 1)));
    assert_eq!(not_mine, Ok(usd(8_000)), "what somebody else did may be said at any time");
}

#[test]
fn what_is_disputed_was_charged() {
    let terms = terms();
    let today = date(2027, 3, 10);
    let of = |amount| DisputeWish { amount: Some(usd(amount)), ..wish(DisputeReason::WrongAmount) };
    assert_eq!(of(1_000).check(&facts(&terms, today)), Ok(usd(1_000)));
    assert_eq!(of(8_000).check(&facts(&terms, today)), Ok(usd(8_000)));
    for wrong in [0, -1, 8_001] {
        assert_eq!(of(wrong).check(&facts(&terms, today)), Err(DisputeError::Amount));
    }
    let held = DisputeFacts { charged: usd(0), charged_on: None, ..facts(&terms, today) };
    assert_eq!(wish(DisputeReason::WrongAmount).check(&held), Err(DisputeError::NothingCharged));
    assert_eq!(wish(DisputeReason::NotMine).check(&held), Ok(usd(0)), "what is held may be charged yet");
    // A refund of what its wallet had paid went to a card whose wallet had ended.
    let below = DisputeFacts { charged: usd(-1_000), ..held };
    assert_eq!(wish(DisputeReason::NotMine).check(&below), Ok(usd(0)));
    let part = DisputeWish { amount: Some(usd(1_000)), ..wish(DisputeReason::NotMine) };
    assert_eq!(part.check(&facts(&terms, today)), Err(DisputeError::Amount), "none of it was theirs");
}

#[test]
fn where_no_reason_fits_the_person_says_it() {
    let terms = terms();
    let said = |reason, words: &str| {
        DisputeWish { words: words.to_owned(), ..wish(reason) }.check(&facts(&terms, date(2027, 3, 10)))
    };
    assert_eq!(said(DisputeReason::Other, ""), Err(DisputeError::Words));
    assert_eq!(said(DisputeReason::Other, "It is a gift card"), Ok(usd(8_000)));
    assert_eq!(said(DisputeReason::ChargedTwice, ""), Ok(usd(8_000)));
    assert_eq!(said(DisputeReason::ChargedTwice, &"a".repeat(501)), Err(DisputeError::Words));
}

#[test]
fn it_is_decided_within_two_complete_cycles_and_ninety_days() {
    let by = |day| Dispute::answer_by(&terms(), day);
    // The cycle that runs is not complete: 26 March to 25 April, and to 25 May.
    assert_eq!(by(date(2027, 3, 10)), date(2027, 5, 25));
    assert_eq!(by(date(2027, 3, 25)), date(2027, 5, 25));
    // Of 26 March the two end on 25 June, which is later than ninety days.
    assert_eq!(by(date(2027, 3, 26)), date(2027, 6, 24));
}

#[test]
fn a_decision_for_the_person_keeps_what_was_given_back_and_every_other_charges_it_again() {
    for (outcome, again, left) in [
        (DisputeOutcome::For, None, 8_000),
        (DisputeOutcome::Against, Some(usd(8_000)), 0),
        (DisputeOutcome::Withdrawn, Some(usd(8_000)), 0),
    ] {
        let mut one = dispute(DisputeReason::NotReceived, 8_000);
        assert_eq!(one.decide(outcome, "We asked", AT), Ok(again));
        assert_eq!((one.is_open(), one.credited), (false, usd(left)));
        assert_eq!(one.decide(DisputeOutcome::For, "", AT), Err(DisputeError::Decided), "once");
        assert_eq!(one.acknowledge(AT), Err(DisputeError::Decided));
    }
}

#[test]
fn what_a_merchant_gives_back_takes_the_place_of_what_was_given_back() {
    let mut one = dispute(DisputeReason::NotReceived, 8_000);
    assert_eq!(one.refunded(usd(3_000), usd(0), AT), Ok(Some(usd(3_000))));
    assert_eq!((one.is_open(), one.credited), (true, usd(5_000)));
    assert_eq!(one.refunded(usd(6_000), usd(0), AT), Ok(Some(usd(5_000))), "no more than is left of it");
    assert_eq!((one.state(), one.credited), ("refunded", usd(0)));
    assert_eq!(one.refunded(usd(1), usd(0), AT), Ok(None));
    // What is not the person's stays so for what may still be charged.
    let mut not_mine = dispute(DisputeReason::NotMine, 8_000);
    assert_eq!(not_mine.refunded(usd(8_000), usd(1), AT), Ok(Some(usd(8_000))));
    assert!(not_mine.is_open() && not_mine.charged(usd(1)) == Ok(Some(usd(1))));
    not_mine.decide(DisputeOutcome::For, "", AT).expect("open");
    assert_eq!(not_mine.charged(usd(500)), Ok(Some(usd(500))), "also after the decision");
    assert_eq!(not_mine.credited, usd(501));
    // What the decision left with the person is not given back once more.
    let mut won = dispute(DisputeReason::NotReceived, 8_000);
    won.decide(DisputeOutcome::For, "", AT).expect("open");
    assert_eq!(refundable(usd(10_000), &[won]), Ok(usd(2_000)));
    assert_eq!(refundable(usd(10_000), &[dispute(DisputeReason::NotReceived, 8_000)]), Ok(usd(10_000)));
}

#[test]
fn parts_of_a_charge_are_disputed_apart_and_never_more_than_was_charged() {
    let terms = terms();
    let mut before = vec![dispute(DisputeReason::WrongAmount, 3_000)];
    let check = |before: &[Dispute], reason, minor: Option<i64>| {
        let facts = DisputeFacts { before, ..facts(&terms, date(2027, 3, 10)) };
        DisputeWish { amount: minor.map(usd), ..wish(reason) }.check(&facts)
    };
    assert_eq!(check(&before, DisputeReason::NotReceived, Some(5_001)), Err(DisputeError::Amount));
    assert_eq!(check(&before, DisputeReason::NotReceived, None), Ok(usd(5_000)), "all that is left");
    assert_eq!(check(&before, DisputeReason::WrongAmount, Some(1)), Ok(usd(1)), "another part for the same reason");
    assert_eq!(check(&before, DisputeReason::NotMine, None), Ok(usd(5_000)));
    // What was decided for the person is theirs; what was taken back may be said again.
    before[0].decide(DisputeOutcome::For, "", AT).expect("open");
    assert_eq!(check(&before, DisputeReason::NotReceived, None), Ok(usd(5_000)));
    let mut back = dispute(DisputeReason::NotReceived, 5_000);
    back.decide(DisputeOutcome::Withdrawn, "", AT).expect("open");
    before.push(back);
    assert_eq!(check(&before, DisputeReason::NotReceived, None), Ok(usd(5_000)));
    // What was decided against them is not looked at once more; another reason is.
    let mut lost = dispute(DisputeReason::NotReceived, 5_000);
    lost.decide(DisputeOutcome::Against, "It was signed for", AT).expect("open");
    before.push(lost);
    assert_eq!(check(&before, DisputeReason::NotReceived, None), Err(DisputeError::DecidedBefore));
    assert_eq!(check(&before, DisputeReason::NotAsAgreed, None), Ok(usd(5_000)));
    before.push(dispute(DisputeReason::NotMine, 5_000));
    assert_eq!(check(&before, DisputeReason::NotAsAgreed, Some(1)), Err(DisputeError::Covered));
    let many = vec![dispute(DisputeReason::WrongAmount, 0); Dispute::OF_A_PURCHASE_MAX];
    assert_eq!(check(&many, DisputeReason::NotAsAgreed, None), Err(DisputeError::TooMany));
    let all = [dispute(DisputeReason::WrongAmount, 8_000)];
    assert_eq!(check(&all, DisputeReason::NotReceived, None), Err(DisputeError::Covered));
}

#[test]
fn a_refund_takes_the_place_of_the_oldest_credit_first() {
    let mut all = [dispute(DisputeReason::WrongAmount, 3_000), dispute(DisputeReason::NotReceived, 4_000)];
    assert_eq!(refunded(&mut all, usd(5_000), usd(0), AT), Ok(Some(usd(5_000))));
    assert_eq!((all[0].state(), all[1].credited), ("refunded", usd(2_000)));
    assert_eq!(refunded(&mut all, usd(5_000), usd(0), AT), Ok(Some(usd(2_000))), "no more than is left of it");
    assert_eq!(refunded(&mut all, usd(1), usd(0), AT), Ok(None));
}

#[test]
fn what_is_charged_later_on_what_was_not_the_persons_is_given_back_too() {
    let mut one = dispute(DisputeReason::NotMine, 0);
    assert_eq!(one.charged(usd(5_000)), Ok(Some(usd(5_000))));
    assert_eq!((one.amount, one.credited), (usd(5_000), usd(5_000)));
    assert_eq!(
        dispute(DisputeReason::NotReceived, 10).charged(usd(5_000)),
        Ok(None),
        "of the charge that was named alone"
    );
    one.decide(DisputeOutcome::Against, "", AT).expect("open");
    assert_eq!(one.charged(usd(1)), Ok(None));
}

#[test]
fn it_is_acknowledged_once() {
    let mut one = dispute(DisputeReason::NotReceived, 8_000);
    assert_eq!(one.state(), "open");
    assert_eq!((one.acknowledge(AT), one.acknowledge(AT)), (Ok(true), Ok(false)));
    assert_eq!(one.state(), "acknowledged");
}
