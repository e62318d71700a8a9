use jiff::civil::date;

use super::*;
use crate::bills::{Mark, occurrence};
use crate::money::Currency;
use crate::schedule::{Every, Schedule};

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("an amount")
}

fn terms() -> AutopayTerms {
    AutopayTerms {
        amount: AutopayAmount::Left,
        cap: usd(12_000),
        warn_above: Some(usd(10_000)),
        method: None,
        days_before: 2,
        ends_on: None,
        payments: None,
    }
}

fn bill() -> Bill {
    let starts_on = date(2027, 3, 31);
    let schedule = Schedule::new(Every::Month, 1, starts_on);
    let id = BillId::from_uuid(uuid::Uuid::from_u128(1));
    Bill {
        biller: Some(BillerId::from_uuid(uuid::Uuid::from_u128(2))),
        ..Bill::new(id, "Power".to_owned(), usd(9_417), schedule)
    }
}

fn stands(mark: Option<&Mark>) -> Occurrence {
    let bill = bill();
    occurrence(&bill, date(2027, 3, 31), mark, &[], date(2027, 3, 1))
}

#[test]
fn what_is_left_is_paid_and_a_fixed_amount_never_above_it() {
    assert_eq!(terms().due(&stands(None)), Some(usd(9_417)));
    let fixed = |minor| AutopayTerms { amount: AutopayAmount::Fixed { amount: usd(minor) }, ..terms() };
    assert_eq!(fixed(5_000).due(&stands(None)), Some(usd(5_000)));
    assert_eq!(fixed(11_000).due(&stands(None)), Some(usd(9_417)), "no more than is owed");
    let part = Mark { paid_elsewhere: Some(usd(9_000)), ..Mark::new(bill().id, date(2027, 3, 31)) };
    assert_eq!(terms().due(&stands(Some(&part))), Some(usd(417)));
    assert_eq!(fixed(5_000).due(&stands(Some(&part))), Some(usd(417)));
}

#[test]
fn a_skipped_date_a_paid_one_and_one_behind_the_end_take_nothing() {
    let on = date(2027, 3, 31);
    let skipped = Mark { skipped: true, ..Mark::new(bill().id, on) };
    assert_eq!(terms().due(&stands(Some(&skipped))), None);
    let paid = Mark { paid_elsewhere: Some(usd(9_417)), ..Mark::new(bill().id, on) };
    assert_eq!(terms().due(&stands(Some(&paid))), None);
    let ends = |day| AutopayTerms { ends_on: Some(day), ..terms() };
    assert_eq!(ends(on).due(&stands(None)), Some(usd(9_417)), "its last day is one of them");
    assert_eq!(ends(date(2027, 3, 30)).due(&stands(None)), None);
}

fn card() -> AccountId {
    AccountId::from_uuid(uuid::Uuid::from_u128(1))
}

/// A statement of 300 that asks for 40; 380 are owed since.
fn owes() -> CardOwes {
    CardOwes {
        due_on: date(2027, 3, 31),
        minimum: usd(4_000),
        balance: usd(30_000),
        owed: usd(38_000),
        credited: usd(0),
        coming: usd(0),
    }
}

fn of_card(amount: AutopayAmount, owes: &CardOwes) -> Option<i64> {
    let terms = AutopayTerms { amount, ..terms() };
    terms.due_of_card(owes).expect("amounts of one currency").map(Money::minor)
}

const MINIMUM: AutopayAmount = AutopayAmount::Minimum;
const STATEMENT: AutopayAmount = AutopayAmount::Statement;
const CURRENT: AutopayAmount = AutopayAmount::Current;

fn fixed(minor: i64) -> AutopayAmount {
    AutopayAmount::Fixed { amount: usd(minor) }
}

#[test]
fn a_card_is_paid_its_minimum_its_statement_all_that_is_owed_or_an_amount() {
    let each = |owes| [MINIMUM, STATEMENT, CURRENT, fixed(5_000)].map(|amount| of_card(amount, &owes));
    assert_eq!(each(owes()), [Some(4_000), Some(30_000), Some(38_000), Some(5_000)]);
    // 10 were paid or given back since.
    let credited = CardOwes { credited: usd(1_000), owed: usd(37_000), ..owes() };
    assert_eq!(each(credited), [Some(3_000), Some(29_000), Some(37_000), Some(5_000)]);
    // 100 are on their way.
    let coming = CardOwes { credited: usd(10_000), coming: usd(10_000), ..owes() };
    assert_eq!(each(coming), [None, Some(20_000), Some(28_000), Some(5_000)]);
    let nothing = CardOwes { owed: usd(0), credited: usd(38_000), ..owes() };
    assert_eq!(each(nothing), [None; 4]);
}

#[test]
fn of_a_card_no_more_is_paid_than_is_owed_and_an_amount_is_never_below_the_minimum() {
    // Most of the statement was given back: what is owed is less than it asked for.
    let low = CardOwes { owed: usd(2_500), ..owes() };
    for amount in [MINIMUM, STATEMENT, CURRENT, fixed(5_000)] {
        assert_eq!(of_card(amount, &low), Some(2_500), "{amount:?}");
    }
    assert_eq!(of_card(fixed(1_000), &owes()), Some(4_000), "what is below the minimum would be late");
    assert_eq!(of_card(CURRENT, &CardOwes { owed: usd(-500), ..owes() }), None, "a credit is left alone");
}

#[test]
fn what_a_card_asks_for_after_the_last_day_is_left_to_its_person() {
    let until = |day| AutopayTerms { amount: STATEMENT, ends_on: Some(day), ..terms() };
    assert_eq!(until(date(2027, 3, 31)).due_of_card(&owes()), Ok(Some(usd(30_000))));
    assert_eq!(until(date(2027, 3, 30)).due_of_card(&owes()), Ok(None));
}

#[test]
fn a_bill_and_a_card_are_each_paid_in_their_own_ways() {
    let of = |amount| AutopayTerms { amount, ..terms() };
    for amount in [MINIMUM, STATEMENT, CURRENT] {
        assert_eq!(of(amount).check(&bill()), Err(AutopayError::Choice));
        assert_eq!(of(amount).check_card(Currency::USD), Ok(()));
    }
    assert_eq!(of(AutopayAmount::Left).check_card(Currency::USD), Err(AutopayError::Choice));
    assert_eq!(of(fixed(1_000)).check_card(Currency::USD), Ok(()));
    assert_eq!(of(fixed(12_001)).check_card(Currency::USD), Err(AutopayError::Amount));
    assert_eq!(of(MINIMUM).check_card(Currency::EUR), Err(AutopayError::Amount), "a card is paid in its own currency");
}

#[test]
fn what_is_paid_is_a_field_of_its_own_name() {
    let autopay = |of| Autopay { of, terms: terms(), state: AutopayState::On, failures: 0 };
    for (of, name) in [(AutopayOf::Bill(bill().id), "bill"), (AutopayOf::Card(card()), "card")] {
        let sent = serde_json::to_value(autopay(of)).expect("JSON");
        assert_eq!(sent[name], of.as_uuid().to_string());
        assert_eq!(serde_json::from_value::<Autopay>(sent).expect("an autopay"), autopay(of));
    }
}

#[test]
fn above_the_warning_it_leaves_and_above_the_cap_it_does_not() {
    let of = |minor| (terms().covers(usd(minor)), terms().warns_of(usd(minor)));
    assert_eq!(of(10_000), (true, false));
    assert_eq!(of(10_001), (true, true));
    assert_eq!(of(12_000), (true, true));
    assert_eq!(of(12_001), (false, false), "what does not leave is asked about, not warned of");
    let euros = Money::new(1, Currency::EUR).expect("an amount");
    assert!(!terms().covers(euros), "another currency is never covered");
}

#[test]
fn terms_that_cannot_be_are_refused_by_name() {
    let refused = |terms: AutopayTerms| terms.check(&bill()).err();
    assert_eq!(refused(terms()), None);
    let elsewhere = Bill { biller: None, ..bill() };
    assert_eq!(terms().check(&elsewhere), Err(AutopayError::NotPayable));
    assert_eq!(refused(AutopayTerms { cap: usd(0), ..terms() }), Some(AutopayError::Amount));
    assert_eq!(refused(AutopayTerms { warn_above: Some(usd(12_001)), ..terms() }), Some(AutopayError::Amount));
    assert_eq!(refused(AutopayTerms { warn_above: Some(usd(0)), ..terms() }), Some(AutopayError::Amount));
    let above = AutopayAmount::Fixed { amount: usd(12_001) };
    assert_eq!(refused(AutopayTerms { amount: above, ..terms() }), Some(AutopayError::Amount));
    let euros = Money::new(12_000, Currency::EUR).expect("an amount");
    assert_eq!(refused(AutopayTerms { cap: euros, ..terms() }), Some(AutopayError::Amount));
    assert_eq!(refused(AutopayTerms { days_before: 31, ..terms() }), Some(AutopayError::Days));
    for payments in [0, 1_000] {
        assert_eq!(refused(AutopayTerms { payments: Some(payments), ..terms() }), Some(AutopayError::End));
    }
    let both = AutopayTerms { payments: Some(3), ends_on: Some(date(2027, 9, 30)), ..terms() };
    assert_eq!(refused(both), Some(AutopayError::End));
}

#[test]
fn whatever_is_changed_needs_another_yes() {
    let bill = bill();
    let payee = bill.biller.expect("a payee");
    let of = AutopayOf::Bill(bill.id);
    let said = terms().digest(of, payee, Some("4471"));
    assert_eq!(said.len(), 64);
    assert_eq!(terms().digest(of, payee, Some("4471")), said);
    let method = Some(MethodId::from_uuid(uuid::Uuid::from_u128(3)));
    let others = [
        AutopayTerms { amount: AutopayAmount::Fixed { amount: usd(1) }, ..terms() },
        AutopayTerms { amount: AutopayAmount::Minimum, ..terms() },
        AutopayTerms { amount: AutopayAmount::Statement, ..terms() },
        AutopayTerms { amount: AutopayAmount::Current, ..terms() },
        AutopayTerms { cap: usd(12_001), ..terms() },
        AutopayTerms { warn_above: None, ..terms() },
        AutopayTerms { method, ..terms() },
        AutopayTerms { days_before: 3, ..terms() },
        AutopayTerms { ends_on: Some(date(2027, 9, 30)), ..terms() },
        AutopayTerms { payments: Some(3), ..terms() },
    ];
    let mut digests: Vec<String> = others.iter().map(|other| other.digest(of, payee, Some("4471"))).collect();
    digests.push(terms().digest(of, payee, None));
    digests.push(terms().digest(of, payee, Some("4472")));
    digests.push(terms().digest(of, BillerId::from_uuid(uuid::Uuid::from_u128(9)), Some("4471")));
    let another = AutopayOf::Bill(BillId::from_uuid(uuid::Uuid::from_u128(9)));
    digests.push(terms().digest(another, payee, Some("4471")));
    // A card under the id of the bill is another thing.
    digests.push(terms().digest(AutopayOf::Card(card()), payee, Some("4471")));
    digests.push(said);
    digests.sort_unstable();
    let count = digests.len();
    digests.dedup();
    assert_eq!(digests.len(), count, "each of them has its own");
}

#[test]
fn states_are_stored_as_they_are_on_the_wire() {
    for state in AutopayState::ALL {
        assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
    }
}
