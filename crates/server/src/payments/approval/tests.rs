use api::error::Problem;
use api::payments::{LimitsList, LimitsWish, Payment};
use axum::http::Method;
use domain::addresses::AddressKind;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use domain::policy::{Limits, Preset};
use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::addresses::tests::{confirmed, confirmed_by};
use crate::billers;
use crate::sign_in::tests::{Browser, asked_at, by_passkey, prove};
use crate::testing::{Answer, TestDevice, World, on_each_engine};

pub(crate) const PAYMENTS: &str = "/api/v1/payments";
pub(crate) const HOUR: SignedDuration = SignedDuration::from_hours(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

pub(crate) fn order(world: &World, minor: i64, biller: usize) -> PaymentOrder {
    PaymentOrder {
        id: PaymentId::new(world.now(), world.app.chance10()),
        biller: billers::directory()[biller].id,
        reference: Some("4471".to_owned()),
        amount: Money::new(minor, Currency::USD).unwrap(),
        bill: None,
        due_on: None,
        send_on: None,
        duplicate_meant: true,
        method: None,
    }
}

pub(crate) async fn pay(device: &TestDevice, order: &PaymentOrder) -> Payment {
    let answer = device.post(PAYMENTS, order).await;
    answer.expect(201);
    answer.json()
}

pub(crate) async fn payment(device: &TestDevice, id: PaymentId) -> Payment {
    device.refresh().await.expect(200);
    device.get(&format!("{PAYMENTS}/{id}")).await.ok()
}

/// State and reason, for short.
pub(crate) async fn stands(device: &TestDevice, id: PaymentId) -> (PaymentState, Option<String>) {
    let payment = payment(device, id).await;
    (payment.state, payment.reason)
}

pub(crate) async fn begin(device: &TestDevice, id: PaymentId) -> OneTimeAddress {
    let begun = device.post(&format!("{PAYMENTS}/{id}/approval"), &json!({})).await;
    begun.expect(201);
    begun.json()
}

pub(crate) async fn approve(world: &World, holds: &mut Browser<'_>, device: &TestDevice, id: PaymentId) {
    let (browser, shown) = asked_at(world, &begin(device, id).await.address).await;
    browser.say_yes(holds, &shown).await.expect(200);
}

pub(crate) async fn edit(device: &TestDevice, id: PaymentId, minor: i64, seen: usize) -> Answer {
    let amount = Money::new(minor, Currency::USD).unwrap();
    let body = json!({"amount": amount, "send_on": null, "seen": seen});
    device.patch(&format!("{PAYMENTS}/{id}"), &format!("{minor} {seen}"), &body).await
}

/// An account with a passkey, on a device of its own, with an address for notices.
pub(crate) async fn hosted(world: &World) -> (Browser<'_>, TestDevice) {
    let (mut holds, device) = by_passkey(world).await;
    let ines = (AddressKind::Email, "ines@example.org");
    confirmed_by(world, &device, ines, async |browser| prove(browser, &mut holds).await).await;
    (holds, device)
}

/// A hosted account that has paid its first biller before, with the browser that holds its passkey.
pub(crate) async fn settled_in(world: &World) -> (Browser<'_>, TestDevice) {
    let (mut holds, device) = hosted(world).await;
    let first = order(world, 100, 0);
    pay(&device, &first).await;
    approve(world, &mut holds, &device, first.id).await;
    world.pass(HOUR * 13, HOUR).await;
    assert_eq!(stands(&device, first.id).await.0, PaymentState::Settled);
    shows_passkey(world, &device).await;
    (holds, device)
}

/// A passkey is shown on this device, for nothing else: a money session begins.
async fn shows_passkey(world: &World, device: &TestDevice) {
    let mut tx = world.app.db.begin_write().await.unwrap();
    tx.lock(device.holder).await.unwrap();
    crate::sign_in::store::note_proof(&mut tx, device.holder, device.device, world.now()).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) fn why(reason: &str) -> Option<String> {
    Some(reason.to_owned())
}

#[tokio::test]
async fn the_first_payment_to_a_payee_needs_the_passkey_and_waits_and_the_next_leaves_at_once() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = hosted(&world).await;
        let first = order(&world, 4_000, 0);
        let asked = pay(&device, &first).await;
        assert_eq!((asked.state, asked.reason.as_deref()), (PaymentState::AwaitingApproval, Some("first_payment")));
        assert_eq!(asked.approve_by, Some(world.now().checked_add(HOUR * 24).unwrap()));
        // Noon in New York and twelve hours: it cannot leave today, and that is said before it is approved.
        assert_eq!(asked.will_process_on, date(2027, 3, 2));
        let (mut browser, shown) = asked_at(&world, &begin(&device, first.id).await.address).await;
        let page = browser.get("/sign-in/step-up").await.text();
        for fact in ["Meridian Mobile", "4471", "40.00 USD", "Practice money USD", "2027-03-02"] {
            assert!(page.contains(fact), "{fact} in {page}");
        }
        world.work().await;
        assert_eq!(stands(&device, first.id).await.0, PaymentState::AwaitingApproval, "nothing leaves by itself");
        browser.say_yes(&mut holds, &shown).await.expect(200);
        let held = payment(&device, first.id).await;
        assert_eq!((held.state, held.reason.as_deref()), (PaymentState::Held, Some("new_payee")));
        assert_eq!(held.held_until, Some(world.now().checked_add(HOUR * 12).unwrap()));
        world.pass(HOUR * 11, HOUR).await;
        assert_eq!(stands(&device, first.id).await.0, PaymentState::Held);
        world.pass(HOUR * 2, HOUR).await;
        assert_eq!(stands(&device, first.id).await, (PaymentState::Settled, None), "it went by itself");
        let idle = order(&world, 4_100, 0);
        assert_eq!(pay(&device, &idle).await.reason, why("session_over"), "nothing was paid for an hour");
        approve(&world, &mut holds, &device, idle.id).await;
        let next = order(&world, 4_100, 0);
        assert_eq!(pay(&device, &next).await.state, PaymentState::Scheduled);
        world.pass(SignedDuration::from_mins(59), SignedDuration::from_mins(59)).await;
        device.refresh().await.expect(200);
        let next = order(&world, 4_200, 0);
        assert_eq!(pay(&device, &next).await.state, PaymentState::Scheduled, "each payment keeps the session");
        world.pass(SECOND * 5, SECOND).await;
        assert_eq!(stands(&device, next.id).await.0, PaymentState::Settled);
    })
    .await;
}

#[tokio::test]
async fn on_the_server_of_one_person_the_passkey_is_asked_for_and_nothing_waits() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let first = order(&world, 4_000, 0);
        assert_eq!(pay(&device, &first).await.state, PaymentState::AwaitingApproval);
        approve(&world, &mut holds, &device, first.id).await;
        world.pass(SECOND * 5, SECOND).await;
        assert_eq!(stands(&device, first.id).await.0, PaymentState::Settled);
        // Without a passkey there is nothing stronger to ask: the device itself approves.
        let alone = world.holder().await;
        let first = order(&world, 900_000, 0);
        assert_eq!(pay(&alone, &first).await.state, PaymentState::Scheduled);
        let path = format!("{PAYMENTS}/{}/approval", first.id);
        assert_eq!(alone.post(&path, &json!({})).await.code(), ErrorCode::VersionConflict);
    })
    .await;
}

#[tokio::test]
async fn limits_and_a_large_share_ask_for_the_passkey() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = settled_in(&world).await;
        let asks = async |minor| {
            let order = order(&world, minor, 0);
            let payment = pay(&device, &order).await;
            device.post(&format!("{PAYMENTS}/{}/cancel", order.id), &json!({})).await.expect(200);
            (payment.state, payment.reason)
        };
        assert_eq!(asks(50_000).await, (PaymentState::Scheduled, None));
        assert_eq!(asks(50_001).await, (PaymentState::AwaitingApproval, why("above_limit")));
        let large = order(&world, 600_000, 0);
        let payment = pay(&device, &large).await;
        assert_eq!((payment.state, payment.reason), (PaymentState::AwaitingApproval, why("large_share")));
        approve(&world, &mut holds, &device, large.id).await;
        assert_eq!(stands(&device, large.id).await, (PaymentState::Held, why("large_share")));
        // What is held counts to the sum of its day, and a cancelled one does not.
        assert_eq!(asks(100).await, (PaymentState::AwaitingApproval, why("large_share")));
        device.post(&format!("{PAYMENTS}/{}/cancel", large.id), &json!({})).await.expect(200);
        for _ in 0..2 {
            assert_eq!(pay(&device, &order(&world, 49_900, 0)).await.state, PaymentState::Scheduled);
        }
        assert_eq!(asks(200).await, (PaymentState::AwaitingApproval, why("above_day_limit")));
        assert_eq!(asks(100).await, (PaymentState::Scheduled, None), "the first payment of 1.00 counts too");
        // A day after the last passkey on this device even a small one asks, once those of the days before are far.
        world.pass(HOUR * 48, HOUR * 8).await;
        device.refresh().await.expect(200);
        assert_eq!(asks(200).await, (PaymentState::AwaitingApproval, why("session_over")));
    })
    .await;
}

#[tokio::test]
async fn any_change_voids_the_approval_and_the_page_that_showed_it() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let order = PaymentOrder { send_on: Some(date(2027, 3, 20)), ..order(&world, 4_000, 0) };
        pay(&device, &order).await;
        // Changed while the page is open: the yes to the old words counts for nothing.
        let (mut browser, shown) = asked_at(&world, &begin(&device, order.id).await.address).await;
        let body = json!({"amount": order.amount, "send_on": "2027-03-21", "seen": 1});
        device.patch(&format!("{PAYMENTS}/{}", order.id), "day", &body).await.expect(200);
        assert_eq!(browser.say_yes(&mut holds, &shown).await.code(), ErrorCode::VersionConflict);
        assert_eq!(stands(&device, order.id).await.0, PaymentState::AwaitingApproval);
        // The same page, read again, shows it as it is now.
        let shown = browser.shown().await.unwrap();
        browser.say_yes(&mut holds, &shown).await.expect(200);
        assert_eq!(stands(&device, order.id).await.0, PaymentState::Scheduled);
        // Changed between the challenge and the answer.
        edit(&device, order.id, 4_100, 2).await.expect(409);
        let history = payment(&device, order.id).await.history.len();
        let changed: Payment = edit(&device, order.id, 4_100, history).await.ok();
        assert_eq!((changed.state, changed.reason), (PaymentState::AwaitingApproval, why("changed")));
        let (browser, shown) = asked_at(&world, &begin(&device, order.id).await.address).await;
        let begun = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await;
        let finish = holds.assert(&begun.ok()).await;
        edit(&device, order.id, 999_900, history + 1).await.expect(200);
        assert_eq!(browser.post("/sign-in/step-up/finish", &finish).await.code(), ErrorCode::VersionConflict);
        assert_eq!(stands(&device, order.id).await.0, PaymentState::AwaitingApproval);
        // The same edit again is answered as before, and a change of currency is none.
        edit(&device, order.id, 999_900, history + 1).await.expect(200);
        let euro = json!({"amount": Money::new(1, Currency::EUR).unwrap(), "send_on": null, "seen": history + 2});
        let refused = device.patch(&format!("{PAYMENTS}/{}", order.id), "euro", &euro).await;
        assert_eq!(refused.code(), ErrorCode::UnknownCurrency);
    })
    .await;
}

#[tokio::test]
async fn an_approval_is_given_once_by_its_own_account_and_within_five_minutes() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let (mut stranger, other) = by_passkey(&world).await;
        let order = order(&world, 4_000, 0);
        pay(&device, &order).await;
        let path = format!("{PAYMENTS}/{}/approval", order.id);
        other.post(&path, &json!({})).await.expect(404);
        let (browser, shown) = asked_at(&world, &begin(&device, order.id).await.address).await;
        assert_eq!(browser.say_yes(&mut stranger, &shown).await.code(), ErrorCode::Forbidden);
        let (late, shown_late) = asked_at(&world, &begin(&device, order.id).await.address).await;
        browser.say_yes(&mut holds, &shown).await.expect(200);
        // A second page for the same payment finds nothing to approve, and the first one is over.
        assert_eq!(late.say_yes(&mut holds, &shown_late).await.code(), ErrorCode::VersionConflict);
        browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await.expect(400);
        let (order, mut slow) = (super::tests::order(&world, 4_200, 0), Browser::new(&world));
        let order = PaymentOrder { biller: billers::directory()[1].id, ..order };
        pay(&device, &order).await;
        let begun = begin(&device, order.id).await;
        slow.get(begun.address.strip_prefix(crate::testing::ORIGIN).unwrap()).await.expect(303);
        assert!(slow.shown().await.is_some());
        world.advance(SignedDuration::from_mins(5));
        assert!(slow.shown().await.is_none(), "five minutes are over");
    })
    .await;
}

#[tokio::test]
async fn what_nobody_approves_within_a_day_has_expired_and_moves_nothing() {
    on_each_engine(async |world| {
        let (_, device) = by_passkey(&world).await;
        let order = order(&world, 4_000, 0);
        pay(&device, &order).await;
        world.pass(HOUR * 23, HOUR).await;
        assert_eq!(stands(&device, order.id).await.0, PaymentState::AwaitingApproval);
        world.pass(HOUR * 2, HOUR).await;
        assert_eq!(stands(&device, order.id).await, (PaymentState::Expired, why("not_approved")));
        let path = format!("{PAYMENTS}/{}/approval", order.id);
        assert_eq!(device.post(&path, &json!({})).await.code(), ErrorCode::VersionConflict);
        assert_eq!(edit(&device, order.id, 100, 2).await.code(), ErrorCode::TooLate);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_what_was_approved_does_not_leave() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let order = PaymentOrder { send_on: Some(date(2027, 3, 2)), ..order(&world, 4_000, 0) };
        pay(&device, &order).await;
        approve(&world, &mut holds, &device, order.id).await;
        // A hand on the database pays another biller.
        let mut tx = world.app.db.begin_write().await.unwrap();
        let mut payment = store::find(&mut tx, device.holder, order.id).await.unwrap().unwrap();
        payment.order.biller = billers::directory()[2].id;
        store::update(&mut tx, &payment, PaymentState::Scheduled).await.unwrap();
        tx.commit().await.unwrap();
        world.pass(HOUR * 24, HOUR * 6).await;
        assert_eq!(stands(&device, order.id).await, (PaymentState::AwaitingApproval, why("changed")));
        device.post(&format!("{PAYMENTS}/{}/cancel", order.id), &json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_approval_an_edit_and_a_cancel_at_once_end_in_one_story() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let mut ends = Vec::new();
        for turn in 0..20 {
            // No more pages than one network may open.
            world.advance(SECOND * 4);
            let order = PaymentOrder { send_on: Some(date(2027, 3, 20)), ..order(&world, 4_000 + turn, 0) };
            pay(&device, &order).await;
            let (browser, shown) = asked_at(&world, &begin(&device, order.id).await.address).await;
            let begun = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await;
            let finish = holds.assert(&begun.ok()).await;
            let cancel = format!("{PAYMENTS}/{}/cancel", order.id);
            let (yes, edited, cancelled) = tokio::join!(
                browser.post("/sign-in/step-up/finish", &finish),
                edit(&device, order.id, 9_000 + turn, 1),
                async { if turn % 2 == 0 { Some(device.post(&cancel, &json!({})).await) } else { None } },
            );
            let end = payment(&device, order.id).await;
            let (yes, edited) = (yes.status.is_success(), edited.status.is_success());
            if cancelled.is_some() {
                assert_eq!(end.state, PaymentState::Cancelled, "a cancel that comes in time always counts");
            } else {
                assert!(yes != edited, "one of the two found the payment as it had seen it: {yes} {edited}");
                let expected = if yes { PaymentState::Scheduled } else { PaymentState::AwaitingApproval };
                assert_eq!((end.state, end.order.amount.minor()), (expected, if yes { 4_000 } else { 9_000 } + turn));
                device.post(&cancel, &json!({})).await.expect(200);
            }
            ends.push((yes, edited));
        }
        assert_eq!(ends.len(), 20);
    })
    .await;
}

#[tokio::test]
async fn a_new_device_pays_known_payees_and_no_new_one() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = settled_in(&world).await;
        let laptop = world.device(device.holder).await;
        let refused = laptop.post(PAYMENTS, &order(&world, 100, 1)).await;
        assert_eq!(refused.code(), ErrorCode::DeviceTooNew);
        let until = refused.json::<Problem>().until;
        assert_eq!(until, Some(world.now().checked_add(HOUR * 12).unwrap()), "it says from when");
        // A known payee asks for the passkey, which this device has not shown yet.
        let known = order(&world, 100, 0);
        assert_eq!(pay(&laptop, &known).await.reason, why("session_over"));
        approve(&world, &mut holds, &laptop, known.id).await;
        assert_eq!(stands(&laptop, known.id).await.0, PaymentState::Scheduled);
        assert_eq!(pay(&laptop, &order(&world, 200, 0)).await.state, PaymentState::Scheduled, "from now on it has");
    })
    .await;
}

#[tokio::test]
async fn a_hosted_account_without_a_passkey_is_told_to_add_one() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, "ines@example.org").await;
        assert_eq!(device.post(PAYMENTS, &order(&world, 100, 0)).await.code(), ErrorCode::PasskeyNeeded);
    })
    .await;
}

// ---- limits ------------------------------------------------------------------------------------------------------

const LIMITS: &str = "/api/v1/payments/limits/USD";

async fn limits_now(device: &TestDevice) -> Limits {
    device.refresh().await.expect(200);
    device.get("/api/v1/payments/limits").await.ok::<LimitsList>().items[0].limits
}

#[tokio::test]
async fn the_usual_limits_are_those_of_the_currency_and_what_was_set_stays() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (_holds, device) = settled_in(&world).await;
        let own = Limits { payment_minor: 70_000, day_minor: 70_000 };
        let wish: LimitsWish = device.put("/api/v1/payments/limits/KRW", &own).await.ok();
        let set = wish.set.expect("lower than what leaves in won anyhow, so it counts at once");
        assert_eq!((set.limits, set.usual), (own, Limits { payment_minor: 500_000, day_minor: 1_000_000 }));
        let wish: LimitsWish = device.put("/api/v1/payments/limits/JPY", &own).await.ok();
        assert!(wish.set.is_none() && wish.approve_at.is_some(), "as many yen are more than leaves anyhow");
    })
    .await;
}

#[tokio::test]
async fn limits_are_lowered_at_once_and_raised_by_passkey_after_their_time() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = settled_in(&world).await;
        let low = Limits { payment_minor: 1_000, day_minor: 2_000 };
        let wish: LimitsWish = device.put(LIMITS, &low).await.ok();
        assert_eq!(wish.set.map(|set| set.limits), Some(low));
        let asked = pay(&device, &order(&world, 1_001, 0)).await;
        assert_eq!(asked.reason, why("above_limit"));
        let high = Limits { payment_minor: 80_000, day_minor: 500_000 };
        let wish: LimitsWish = device.put(LIMITS, &high).await.ok();
        assert_eq!(wish.set, None, "nothing is raised before the passkey said so");
        let (mut browser, shown) = asked_at(&world, &wish.approve_at.unwrap().address).await;
        assert!(browser.get("/sign-in/step-up").await.text().contains("800.00 USD"));
        browser.say_yes(&mut holds, &shown).await.expect(200);
        assert_eq!(limits_now(&device).await, low, "not before its time");
        let list: LimitsList = device.get("/api/v1/payments/limits").await.ok();
        assert_eq!(list.items[0].next.map(|next| next.limits), Some(high));
        world.advance(HOUR * 12);
        assert_eq!(limits_now(&device).await, high);
        approve_fresh(&world, &mut holds, &device).await;
        assert_eq!(pay(&device, &order(&world, 80_000, 0)).await.state, PaymentState::Scheduled);
        for bad in [json!({"payment_minor": -1, "day_minor": 1}), json!({"payment_minor": 1, "day_minor": i64::MAX})] {
            assert_eq!(device.put(LIMITS, &bad).await.code(), ErrorCode::InvalidAmount);
        }
        assert_eq!(device.put("/api/v1/payments/limits/QQQ", &low).await.code(), ErrorCode::UnknownCurrency);
        // Lowering takes back a raise that waits.
        device.put(LIMITS, &low).await.expect(200);
        assert_eq!(limits_now(&device).await, low);
    })
    .await;
}

/// Shows the passkey once more, so that the session is no reason to ask.
async fn approve_fresh(world: &World, holds: &mut Browser<'_>, device: &TestDevice) {
    let large = order(world, 80_001, 0);
    pay(device, &large).await;
    approve(world, holds, device, large.id).await;
    let cancel = format!("{PAYMENTS}/{}/cancel", large.id);
    device.send(Method::POST, &cancel, &[], None::<&()>).await.expect(200);
}

#[tokio::test]
async fn without_a_passkey_the_owner_of_the_server_raises_limits_at_once() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let high = Limits { payment_minor: 700_000, day_minor: 700_000 };
        let wish: LimitsWish = device.put(LIMITS, &high).await.ok();
        assert_eq!(wish.set.map(|set| set.limits), Some(high));
    })
    .await;
}
