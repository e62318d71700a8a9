mod card;

use api::autopay::AutopaySet;
use api::methods::MethodReplaced;
use api::payments::Payment;
use api::sync::Record;
use axum::http::Method as Verb;
use domain::bills::{Bill, Mark};
use domain::money::{Currency, Money};
use domain::payments::PaymentState;
use domain::policy::Preset;
use jiff::SignedDuration;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::*;
use crate::feed::tests::rent;
use crate::jobs::Job;
use crate::methods::tests::add_card;
use crate::payments::approval::tests::{approve, hosted, order, pay, why};
use crate::sign_in::tests::{Browser, asked_at};
use crate::testing::{Answer, TestDevice, World, on_each_engine};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const HERON: &str = "9990 0000 4403 4471";
const OSPREY: &str = "9991-0000-0000-3113";
const DECLINING: &str = "9990000000010002";

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).unwrap()
}

/// Up to a thousand dollars, whatever is left, on the due date.
fn terms() -> AutopayTerms {
    AutopayTerms {
        amount: AutopayAmount::Left,
        cap: usd(100_000),
        warn_above: None,
        method: None,
        days_before: 0,
        ends_on: None,
        payments: None,
    }
}

/// 950 dollars on the first of each month, the first of them today.
async fn payable(world: &World, device: &TestDevice) -> Bill {
    let bill = Bill { biller: Some(billers::directory()[0].id), reference: Some("4471".to_owned()), ..rent(world) };
    device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
    bill
}

async fn put(device: &TestDevice, bill: &Bill, terms: &AutopayTerms) -> Answer {
    device.put(&format!("/api/v1/bills/{}/autopay", bill.id), terms).await
}

/// Turns it on where the device is all there is to ask, with the work of that.
async fn set(world: &World, device: &TestDevice, bill: &Bill, terms: &AutopayTerms) {
    let answer: AutopaySet = put(device, bill, terms).await.ok();
    assert!(answer.set.is_some(), "it is on at once");
    world.work().await;
}

async fn send(device: &TestDevice, verb: Verb, path: &str, key: &str, body: &Value) -> Answer {
    device.send(verb, path, &[("idempotency-key", key)], Some(body)).await
}

async fn off(device: &TestDevice, bill: &Bill) -> Answer {
    let key = format!("off {}", bill.id);
    send(device, Verb::DELETE, &format!("/api/v1/bills/{}/autopay", bill.id), &key, &json!({})).await
}

async fn pause(device: &TestDevice, bill: &Bill, key: &str, paused: bool) -> Answer {
    let path = format!("/api/v1/bills/{}/autopay/pause", bill.id);
    send(device, Verb::POST, &path, key, &json!({"paused": paused})).await
}

async fn mark(world: &World, device: &TestDevice, mark: Mark) {
    let path = format!("/api/v1/bills/{}/occurrences/{}", mark.bill, mark.due_on);
    let key = format!("{mark:?}").chars().filter(char::is_ascii_alphanumeric).rev().take(60).collect::<String>();
    send(device, Verb::PUT, &path, &key, &serde_json::to_value(&mark).unwrap()).await.expect(200);
    world.work().await;
}

async fn records(device: &TestDevice) -> Vec<Record> {
    device.refresh().await.expect(200);
    let snapshot = device.get("/api/v1/sync/snapshot").await.text();
    snapshot.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Due date, state and amount of each payment that is not cancelled, by due date.
async fn payments(device: &TestDevice) -> Vec<(Date, PaymentState, i64)> {
    let mut all: Vec<_> = all_payments(device).await;
    all.retain(|payment| payment.state != PaymentState::Cancelled);
    all.iter().map(|one| (one.order.due_on.unwrap(), one.state, one.order.amount.minor())).collect()
}

async fn all_payments(device: &TestDevice) -> Vec<Payment> {
    let of_bill = |record| match record {
        Record::Payment(payment) => Some(payment).filter(|payment: &Payment| payment.order.bill.is_some()),
        _ => None,
    };
    let mut all: Vec<Payment> = records(device).await.into_iter().filter_map(of_bill).collect();
    all.sort_by_key(|payment| (payment.order.due_on, payment.id()));
    all
}

/// The one that has not left.
async fn waiting(device: &TestDevice) -> Payment {
    let mut all = all_payments(device).await;
    all.retain(|payment| payment.state == PaymentState::Scheduled);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

async fn state(device: &TestDevice) -> Option<AutopayState> {
    records(device).await.into_iter().find_map(|record| match record {
        Record::Autopay(autopay) => Some(autopay.state),
        _ => None,
    })
}

async fn happened(device: &TestDevice, kind: SecurityEventKind) -> usize {
    let all = records(device).await;
    all.iter().filter(|record| matches!(record, Record::SecurityEvent(event) if event.kind == kind)).count()
}

/// Lets days pass with the work of each, on a device that is in use.
async fn days(world: &World, device: &TestDevice, days: i64) {
    for _ in 0..days {
        world.pass(HOUR * 24, HOUR * 12).await;
        device.refresh().await.expect(200);
    }
}

const MARCH: Date = date(2027, 3, 1);
const APRIL: Date = date(2027, 4, 1);
const MAY: Date = date(2027, 5, 1);

use PaymentState as S;

#[tokio::test]
async fn what_is_due_within_sixty_days_is_ordered_ahead_and_leaves_on_its_day_once() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &terms()).await;
        assert_eq!(payments(&device).await, [(MARCH, S::Submitted, 95_000), (APRIL, S::Scheduled, 95_000)]);
        assert!(all_payments(&device).await.iter().all(|payment| payment.autopay));
        // The same terms once more, and many more nights, make nothing twice.
        set(&world, &device, &bill, &terms()).await;
        days(&world, &device, 33).await;
        let june = date(2027, 6, 1);
        let paid = |day| (day, S::Final, 95_000);
        let now = payments(&device).await;
        assert_eq!(now.len(), 4, "{now:?}");
        assert_eq!((now[0], now[2].0, now[3].0), (paid(MARCH), MAY, june), "{now:?}");
        assert!(now[1].1.counts_as_paid() && now[2].1 == S::Scheduled, "{now:?}");
        assert_eq!(happened(&device, SecurityEventKind::AutopaySet).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_it_takes_is_worked_out_when_its_day_comes() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &terms()).await;
        // A part was paid by other means: the rest is expected at once, and taken on the day.
        mark(&world, &device, Mark { paid_elsewhere: Some(usd(20_000)), ..Mark::new(bill.id, APRIL) }).await;
        assert_eq!(payments(&device).await[1], (APRIL, S::Scheduled, 75_000));
        // By hand: what is left is left for autopay, and when nothing is it stays away.
        let by_hand = |minor| domain::payments::PaymentOrder {
            bill: Some(bill.id),
            due_on: Some(APRIL),
            send_on: Some(date(2027, 3, 20)),
            ..order(&world, minor, 0)
        };
        pay(&device, &by_hand(70_000)).await;
        world.work().await;
        let of_april = |all: Vec<(Date, S, i64)>| all.into_iter().filter(|one| one.0 == APRIL).collect::<Vec<_>>();
        let mut april = of_april(payments(&device).await);
        april.sort_by_key(|one| one.2);
        assert_eq!(april, [(APRIL, S::Scheduled, 5_000), (APRIL, S::Scheduled, 70_000)]);
        pay(&device, &by_hand(5_000)).await;
        world.work().await;
        days(&world, &device, 33).await;
        let april = of_april(payments(&device).await);
        assert_eq!(april.len(), 2, "{april:?}");
        assert_eq!(april.iter().map(|one| one.2).sum::<i64>(), 75_000, "what was left, and no cent more");
    })
    .await;
}

/// One that its person orders for a due date.
fn by_hand(world: &World, bill: &Bill, due_on: Date, minor: i64) -> domain::payments::PaymentOrder {
    domain::payments::PaymentOrder { bill: Some(bill.id), due_on: Some(due_on), ..order(world, minor, 0) }
}

#[tokio::test]
async fn what_its_person_changes_or_what_comes_back_is_paid_the_same_day() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        let later = domain::payments::PaymentOrder {
            send_on: Some(date(2027, 3, 20)),
            ..by_hand(&world, &bill, APRIL, 95_000)
        };
        let comes_back = domain::payments::PaymentOrder {
            reference: Some("practice:return".to_owned()),
            ..by_hand(&world, &bill, MARCH, 95_000)
        };
        pay(&device, &later).await;
        pay(&device, &comes_back).await;
        world.work().await;
        set(&world, &device, &bill, &terms()).await;
        let of = async |due_on: Date| {
            let mut all = payments(&device).await;
            all.retain(|one| one.0 == due_on);
            all.sort_by_key(|one| one.2);
            all.into_iter().map(|(_, state, minor)| (state, minor)).collect::<Vec<_>>()
        };
        assert_eq!(of(APRIL).await, [(S::Scheduled, 95_000)]);
        assert_eq!(of(MARCH).await, [(S::Submitted, 95_000)]);
        let edit = json!({"amount": usd(40_000), "send_on": "2027-03-20", "seen": 1});
        device.patch(&format!("/api/v1/payments/{}", later.id), "less", &edit).await.expect(200);
        world.work().await;
        assert_eq!(of(APRIL).await, [(S::Scheduled, 40_000), (S::Scheduled, 55_000)]);
        world.pass(HOUR / 60, HOUR / 3_600).await;
        let march = of(MARCH).await;
        assert_eq!(march.len(), 2, "{march:?}");
        assert!(march.contains(&(S::Returned, 95_000)) && march.iter().any(|one| one.0 != S::Returned), "{march:?}");
    })
    .await;
}

#[tokio::test]
async fn a_due_date_that_was_paid_stays_so_when_its_bill_gets_another_payee() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        pay(&device, &by_hand(&world, &bill, MARCH, 95_000)).await;
        pay(&device, &by_hand(&world, &bill, APRIL, 95_000)).await;
        world.pass(HOUR / 60, HOUR / 3_600).await;
        let other = billers::directory().iter().filter(|biller| biller.payable).nth(1).unwrap().id;
        device.patch(&format!("/api/v1/bills/{}", bill.id), "payee", &json!({"biller": other})).await.expect(200);
        set(&world, &device, &bill, &terms()).await;
        let all = payments(&device).await;
        assert_eq!(all.len(), 2, "nothing is left to pay: {all:?}");
        assert!(all.iter().all(|one| one.1.counts_as_paid()), "{all:?}");
        let again = domain::payments::PaymentOrder {
            biller: other,
            duplicate_meant: false,
            ..by_hand(&world, &bill, APRIL, 95_000)
        };
        assert_eq!(device.post("/api/v1/payments", &again).await.code(), ErrorCode::PossibleDuplicate);
    })
    .await;
}

#[tokio::test]
async fn one_due_date_is_skipped_moved_or_taken_back_and_the_others_go_on() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &terms()).await;
        mark(&world, &device, Mark { skipped: true, ..Mark::new(bill.id, APRIL) }).await;
        assert_eq!(payments(&device).await.len(), 1, "a skipped date takes nothing");
        mark(&world, &device, Mark { moved_to: Some(date(2027, 4, 9)), ..Mark::new(bill.id, APRIL) }).await;
        let moved = waiting(&device).await;
        assert_eq!((moved.order.due_on, moved.will_process_on), (Some(APRIL), date(2027, 4, 9)), "by its new day");
        let path = format!("/api/v1/payments/{}/cancel", moved.id());
        device.post(&path, &json!({})).await.expect(200);
        days(&world, &device, 45).await;
        let left = payments(&device).await;
        let dates: Vec<Date> = left.iter().map(|one| one.0).collect();
        assert_eq!(dates, [MARCH, MAY, date(2027, 6, 1)], "what its person took back stays back: {left:?}");
    })
    .await;
}

#[tokio::test]
async fn off_is_off_whoever_comes_first() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        // Noon: set for today, and turned off before any work was done on it.
        put(&device, &bill, &terms()).await.expect(200);
        off(&device, &bill).await.expect(204);
        world.work().await;
        assert_eq!(payments(&device).await, []);
        assert_eq!(off(&device, &bill).await.status.as_u16(), 204, "the same request is no other");
        // The day comes and the order to stop with it: one of the two wins, and nothing is in between.
        for round in 0..8 {
            let bill = payable(&world, &device).await;
            put(&device, &bill, &terms()).await.expect(200);
            let work = async { world.work().await };
            let stop = async {
                for _ in 0..round {
                    tokio::task::yield_now().await;
                }
                off(&device, &bill).await.expect(204);
            };
            futures_util::future::join(work, stop).await;
            world.work().await;
            let mine = all_payments(&device).await.into_iter().filter(|one| one.order.bill == Some(bill.id));
            for payment in mine {
                let left = payment.history.iter().any(|step| step.state == S::Reserved);
                assert!(left || payment.state == S::Cancelled, "{:?}", payment.history);
                assert!(!left || payment.order.due_on == Some(MARCH), "only today's could leave");
            }
        }
        assert_eq!(state(&device).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_pause_takes_back_what_has_not_left_and_going_on_makes_it_anew() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &terms()).await;
        pause(&device, &bill, "1", true).await.expect(200);
        assert_eq!(payments(&device).await.len(), 1, "what left has left");
        assert_eq!(state(&device).await, Some(AutopayState::Paused));
        days(&world, &device, 20).await;
        assert_eq!(payments(&device).await.len(), 1);
        pause(&device, &bill, "2", false).await.expect(200);
        world.work().await;
        assert_eq!(payments(&device).await[1], (APRIL, S::Scheduled, 95_000));
        assert_eq!(happened(&device, SecurityEventKind::AutopayResumed).await, 1);
    })
    .await;
}

#[tokio::test]
async fn it_ends_with_its_last_day_or_after_so_many() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bills = [payable(&world, &device).await, payable(&world, &device).await];
        set(&world, &device, &bills[0], &AutopayTerms { payments: Some(2), ..terms() }).await;
        set(&world, &device, &bills[1], &AutopayTerms { ends_on: Some(APRIL), ..terms() }).await;
        days(&world, &device, 75).await;
        for bill in &bills {
            let all = all_payments(&device).await;
            let dates: Vec<_> = all.iter().filter(|one| one.order.bill == Some(bill.id)).collect();
            assert_eq!(dates.len(), 2, "{dates:?}");
        }
        // Counted from the new yes on.
        set(&world, &device, &bills[0], &AutopayTerms { payments: Some(1), ..terms() }).await;
        let all = all_payments(&device).await;
        assert_eq!(all.iter().filter(|one| one.order.bill == Some(bills[0].id)).count(), 3);
    })
    .await;
}

#[tokio::test]
async fn above_the_cap_nothing_leaves_by_itself() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        // Nobody has a passkey here: it is taken back in time, and its person told why.
        set(&world, &device, &bill, &AutopayTerms { cap: usd(90_000), ..terms() }).await;
        let all = all_payments(&device).await;
        assert_eq!((all[0].state, all[0].reason.clone()), (S::Cancelled, why("above_cap")));
        assert_eq!((all[1].state, all[1].order.amount), (S::Scheduled, usd(95_000)), "there is time to change it");
        days(&world, &device, 33).await;
        let april = all_payments(&device).await.into_iter().find(|one| one.order.due_on == Some(APRIL)).unwrap();
        assert_eq!((april.state, april.reason), (S::Cancelled, why("above_cap")));
        assert!(april.history.last().unwrap().at < world.now(), "before its day");
        assert_eq!(payments(&device).await.iter().filter(|one| one.1.counts_as_paid()).count(), 0);
    })
    .await;
}

#[tokio::test]
async fn above_the_cap_its_person_is_asked_before_its_day_and_the_yes_is_to_that_amount() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = hosted(&world).await;
        let bill = payable(&world, &device).await;
        let answer: AutopaySet = put(&device, &bill, &AutopayTerms { cap: usd(90_000), ..terms() }).await.ok();
        let address = answer.approve_at.expect("a passkey is asked for").address;
        assert_eq!(state(&device).await, None, "until the yes everything is as it was");
        let (mut browser, shown) = asked_at(&world, &address).await;
        let page = browser.get("/sign-in/step-up").await.text();
        for fact in ["Rent", "Meridian Mobile", "4471", "900.00 USD", "the balance kept here"] {
            assert!(page.contains(fact), "{fact} in {page}");
        }
        browser.say_yes(&mut holds, &shown).await.expect(200);
        world.work().await;
        days(&world, &device, 29).await;
        let all = all_payments(&device).await;
        let april = all.iter().find(|one| one.order.due_on == Some(APRIL)).unwrap();
        assert_eq!((april.state, april.reason.clone()), (S::AwaitingApproval, why("above_cap")));
        assert_eq!(april.approve_by, Some(april.cutoff_at), "as long as it can still leave on its day");
        // The bill is of another amount by now: nobody says yes to what would not leave.
        mark(&world, &device, Mark { amount: Some(usd(91_000)), ..Mark::new(bill.id, APRIL) }).await;
        let of_april = async || {
            let all = all_payments(&device).await.into_iter().filter(|one| one.order.due_on == Some(APRIL));
            all.filter(|one| one.state != S::Cancelled).collect::<Vec<_>>()
        };
        let april = of_april().await;
        assert_eq!((april.len(), april[0].state, april[0].order.amount), (1, S::AwaitingApproval, usd(91_000)));
        approve(&world, &mut holds, &device, april[0].id()).await;
        days(&world, &device, 5).await;
        let april = of_april().await;
        assert!(april.len() == 1 && april[0].state.counts_as_paid(), "{april:?}");
        assert_eq!(april[0].order.amount, usd(91_000));
    })
    .await;
}

/// Turns it on by passkey, with the work of that.
async fn set_by_passkey(
    world: &World,
    holds: &mut Browser<'_>,
    device: &TestDevice,
    bill: &Bill,
    terms: &AutopayTerms,
) {
    let answer: AutopaySet = put(device, bill, terms).await.ok();
    let (browser, shown) = asked_at(world, &answer.approve_at.expect("a passkey is asked for").address).await;
    browser.say_yes(holds, &shown).await.expect(200);
    world.work().await;
}

#[tokio::test]
async fn what_lapsed_above_the_cap_is_made_anew_once_the_cap_is_raised_or_less_is_due() {
    for is_raised in [true, false] {
        on_each_engine(async |world| {
            let world = world.under(Preset::Standard);
            let (mut holds, device) = hosted(&world).await;
            let bill = payable(&world, &device).await;
            let low = AutopayTerms { cap: usd(90_000), days_before: 10, ..terms() };
            set_by_passkey(&world, &mut holds, &device, &bill, &low).await;
            let of_april = async || {
                let all = all_payments(&device).await.into_iter().filter(|one| one.order.due_on == Some(APRIL));
                all.map(|one| (one.state, one.reason, one.order.amount)).collect::<Vec<_>>()
            };
            // Nobody said yes to it on its day, which was ten days before.
            days(&world, &device, 25).await;
            assert_eq!(of_april().await, [(S::Expired, why("not_approved"), usd(95_000))]);
            let due = if is_raised {
                let raised = AutopayTerms { cap: usd(95_000), ..low };
                set_by_passkey(&world, &mut holds, &device, &bill, &raised).await;
                usd(95_000)
            } else {
                mark(&world, &device, Mark { amount: Some(usd(89_000)), ..Mark::new(bill.id, APRIL) }).await;
                usd(89_000)
            };
            let made = of_april().await.into_iter().filter(|one| !matches!(one.0, S::Cancelled | S::Expired));
            let amounts: Vec<Money> = made.map(|one| one.2).collect();
            assert_eq!(amounts, [due], "there is still time for it");
        })
        .await;
    }
}

#[tokio::test]
async fn what_found_nothing_due_on_its_day_is_made_anew_when_something_is_due_again() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &terms()).await;
        days(&world, &device, 30).await;
        let of_april = async || {
            let all = all_payments(&device).await.into_iter().filter(|one| one.order.due_on == Some(APRIL));
            all.map(|one| (one.state, one.reason, one.order.amount)).collect::<Vec<_>>()
        };
        let april = all_payments(&device).await.into_iter().find(|one| one.order.due_on == Some(APRIL)).unwrap();
        assert_eq!(april.state, S::Scheduled);
        // It is said to be paid at the very moment at which it would leave.
        let paid = Mark { paid_elsewhere: Some(usd(95_000)), ..Mark::new(bill.id, APRIL) };
        let path = format!("/api/v1/bills/{}/occurrences/{APRIL}", bill.id);
        send(&device, Verb::PUT, &path, "paid", &serde_json::to_value(&paid).unwrap()).await.expect(200);
        let job = Job { holder: device.holder, kind: Kind::Process, subject: april.id().as_uuid(), tries: 1 };
        crate::payments::process(&world.app, &job).await.unwrap();
        let lapsed = (S::Cancelled, why("nothing_due"), usd(95_000));
        assert_eq!(of_april().await, std::slice::from_ref(&lapsed));
        world.work().await;
        assert_eq!(of_april().await, std::slice::from_ref(&lapsed), "nothing is due");
        // That was a slip: it is due after all.
        mark(&world, &device, Mark::new(bill.id, APRIL)).await;
        assert_eq!(of_april().await, [lapsed, (S::Scheduled, None, usd(95_000))], "there is still time for it");
        days(&world, &device, 2).await;
        let paid: Vec<_> = payments(&device).await.into_iter().filter(|one| one.0 == APRIL).collect();
        assert!(paid.len() == 1 && paid[0].1.counts_as_paid(), "once: {paid:?}");
    })
    .await;
}

#[tokio::test]
async fn the_yes_is_to_what_was_shown() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = hosted(&world).await;
        let bill = payable(&world, &device).await;
        let answer: AutopaySet = put(&device, &bill, &terms()).await.ok();
        let (mut browser, shown) = asked_at(&world, &answer.approve_at.unwrap().address).await;
        // The bill is paid under another reference by now.
        let path = format!("/api/v1/bills/{}", bill.id);
        device.patch(&path, "other", &json!({"reference": "9999"})).await.expect(200);
        assert_eq!(browser.say_yes(&mut holds, &shown).await.code(), ErrorCode::VersionConflict);
        assert_eq!(state(&device).await, None);
        let shown = browser.shown().await.expect("a button");
        browser.say_yes(&mut holds, &shown).await.expect(200);
        assert_eq!(state(&device).await, Some(AutopayState::On));
        world.work().await;
        assert!(world.mail.take().iter().any(|letter| letter.text.contains("paid by itself")), "its owner is told");
    })
    .await;
}

#[tokio::test]
async fn another_payee_or_reference_than_was_approved_stops_it() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &terms()).await;
        let path = format!("/api/v1/bills/{}", bill.id);
        device.patch(&path, "1", &json!({"name": "Flat"})).await.expect(200);
        world.work().await;
        assert_eq!(state(&device).await, Some(AutopayState::On), "a name is no term");
        device.patch(&path, "2", &json!({"reference": "9999"})).await.expect(200);
        world.work().await;
        assert_eq!(state(&device).await, Some(AutopayState::Changed));
        assert_eq!(payments(&device).await.len(), 1, "what has not left is taken back");
        assert_eq!(pause(&device, &bill, "on", false).await.code(), ErrorCode::VersionConflict);
        set(&world, &device, &bill, &terms()).await;
        assert_eq!(state(&device).await, Some(AutopayState::On));
        let april = waiting(&device).await;
        assert_eq!(april.order.reference.as_deref(), Some("9999"));
        device.send(Verb::DELETE, &path, &[("idempotency-key", "gone")], None::<&Value>).await.expect(204);
        assert_eq!(state(&device).await, None, "it goes with its bill");
        assert_eq!(payments(&device).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_failures_in_a_row_stop_it_and_tell() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = add_card(&world, &device, DECLINING, "08/2029").await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &AutopayTerms { method: Some(card), ..terms() }).await;
        assert_eq!(payments(&device).await[0].1, S::Rejected);
        assert_eq!(state(&device).await, Some(AutopayState::On), "one may be chance");
        days(&world, &device, 32).await;
        assert_eq!(payments(&device).await[1].1, S::Rejected);
        assert_eq!(state(&device).await, Some(AutopayState::Failing));
        assert_eq!(happened(&device, SecurityEventKind::AutopayPaused).await, 1);
        assert_eq!(payments(&device).await.len(), 2, "the next ones are taken back");
        pause(&device, &bill, "on", false).await.expect(200);
        world.work().await;
        assert_eq!(payments(&device).await[2], (MAY, S::Scheduled, 95_000));
    })
    .await;
}

#[tokio::test]
async fn a_method_is_replaced_in_what_was_made_and_in_what_will_be() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let old = add_card(&world, &device, HERON, "03/2027").await;
        let with = add_card(&world, &device, OSPREY, "08/2029").await;
        let bill = payable(&world, &device).await;
        set(&world, &device, &bill, &AutopayTerms { method: Some(old), ..terms() }).await;
        let path = format!("/api/v1/methods/{old}");
        days(&world, &device, 1).await;
        let refused = send(&device, Verb::DELETE, &path, "remove", &json!({})).await;
        assert_eq!(refused.code(), ErrorCode::MethodInUse);
        let answer: MethodReplaced = device.post(&format!("{path}/replace"), &json!({"with": with})).await.ok();
        let done = answer.done.expect("done at once");
        assert_eq!((done.payments, done.autopays, done.removed), (2, 1, true), "April, May and all that follow");
        days(&world, &device, 62).await;
        let all = all_payments(&device).await;
        let from: Vec<_> = all.iter().map(|one| (one.order.due_on.unwrap(), one.order.method)).collect();
        assert_eq!(from[..3], [(MARCH, Some(old)), (APRIL, Some(with)), (MAY, Some(with))], "{from:?}");
        assert!(all[1].state.counts_as_paid() && all[2].state.counts_as_paid());
        assert_eq!(state(&device).await, Some(AutopayState::On));
    })
    .await;
}

#[tokio::test]
async fn terms_that_cannot_be_are_refused_by_name() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = payable(&world, &device).await;
        let refused = async |terms: AutopayTerms| put(&device, &bill, &terms).await.code();
        assert_eq!(refused(AutopayTerms { cap: usd(0), ..terms() }).await, ErrorCode::InvalidAmount);
        let euros = Money::new(100, Currency::EUR).unwrap();
        assert_eq!(refused(AutopayTerms { cap: euros, ..terms() }).await, ErrorCode::InvalidAmount);
        assert_eq!(refused(AutopayTerms { days_before: 31, ..terms() }).await, ErrorCode::InvalidRequest);
        let over = Some(date(2027, 2, 28));
        assert_eq!(refused(AutopayTerms { ends_on: over, ..terms() }).await, ErrorCode::InvalidDate);
        let unknown = MethodId::new(world.now(), world.app.chance10());
        assert_eq!(refused(AutopayTerms { method: Some(unknown), ..terms() }).await, ErrorCode::MethodNotDrawable);
        let elsewhere = rent(&world);
        device.put(&format!("/api/v1/bills/{}", elsewhere.id), &elsewhere).await.expect(200);
        assert_eq!(put(&device, &elsewhere, &terms()).await.code(), ErrorCode::NotPayable);
        assert_eq!(put(&device, &rent(&world), &terms()).await.code(), ErrorCode::NotFound);
        assert_eq!(pause(&device, &bill, "none", true).await.code(), ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_device_that_was_not_its_owners_leaves_nothing_that_pays_by_itself() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        let bill = payable(&world, &desk).await;
        set(&world, &laptop, &bill, &terms()).await;
        let added = records(&desk).await.into_iter().find_map(|record| match record {
            Record::SecurityEvent(event) if event.device == Some(laptop.device) => Some(event.number),
            _ => None,
        });
        let path = format!("/api/v1/security/events/{}/answer", added.expect("an entry"));
        desk.post(&path, &json!({"mine": false})).await.expect(204);
        world.work().await;
        assert_eq!(state(&desk).await, Some(AutopayState::Changed), "it needs another yes");
        assert_eq!(payments(&desk).await.iter().filter(|one| one.1 == S::Scheduled).count(), 0);
    })
    .await;
}
