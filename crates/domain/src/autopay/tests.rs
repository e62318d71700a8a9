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
    let said = terms().digest(bill.id, payee, Some("4471"));
    assert_eq!(said.len(), 64);
    assert_eq!(terms().digest(bill.id, payee, Some("4471")), said);
    let method = Some(MethodId::from_uuid(uuid::Uuid::from_u128(3)));
    let others = [
        AutopayTerms { amount: AutopayAmount::Fixed { amount: usd(1) }, ..terms() },
        AutopayTerms { cap: usd(12_001), ..terms() },
        AutopayTerms { warn_above: None, ..terms() },
        AutopayTerms { method, ..terms() },
        AutopayTerms { days_before: 3, ..terms() },
        AutopayTerms { ends_on: Some(date(2027, 9, 30)), ..terms() },
        AutopayTerms { payments: Some(3), ..terms() },
    ];
    let mut digests: Vec<String> = others.iter().map(|other| other.digest(bill.id, payee, Some("4471"))).collect();
    digests.push(terms().digest(bill.id, payee, None));
    digests.push(terms().digest(bill.id, payee, Some("4472")));
    digests.push(terms().digest(bill.id, BillerId::from_uuid(uuid::Uuid::from_u128(9)), Some("4471")));
    digests.push(terms().digest(BillId::from_uuid(uuid::Uuid::from_u128(9)), payee, Some("4471")));
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
