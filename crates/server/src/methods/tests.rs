use api::methods::MethodReplaced;
use api::payments::Payment;
use api::security::OneTimeAddress;
use axum::http::Method as Verb;
use domain::methods::MethodKind;
use domain::money::{Currency, Money};
use domain::payments::{PaymentOrder, PaymentState};
use domain::policy::Preset;
use jiff::civil::date;
use serde_json::{Value, json};

use super::*;
use crate::payments::approval::tests::{HOUR, PAYMENTS, approve, hosted, order, pay, settled_in, stands, why};
use crate::sign_in::tests::Browser;
use crate::testing::{Answer, ORIGIN, TestDevice, World, on_each_engine};

const METHODS: &str = "/api/v1/methods";
const NUMBER: &str = "/sign-in/step-up/number";
const HERON: &str = "9990 0000 4403 4471";
const OSPREY: &str = "9991-0000-0000-3113";
const DECLINING: &str = "9990000000010002";

fn card(number: &str, expiry: &str) -> Value {
    json!({"number": number, "expiry": expiry})
}

fn fresh(world: &World) -> MethodId {
    MethodId::new(world.now(), world.app.chance10())
}

async fn begin(device: &TestDevice, id: MethodId, kind: MethodKind) -> Answer {
    device.post(METHODS, &json!({"id": id, "kind": kind})).await
}

/// A browser on the page where the number of a new method is typed.
async fn typing<'a>(world: &'a World, device: &TestDevice, id: MethodId, kind: MethodKind) -> Browser<'a> {
    let begun = begin(device, id, kind).await;
    begun.expect(201);
    let address: OneTimeAddress = begun.json();
    let mut browser = Browser::new(world);
    browser.get(address.address.strip_prefix(ORIGIN).unwrap()).await.expect(303);
    assert!(browser.get("/sign-in/step-up").await.text().contains("name=\"number\""));
    assert_eq!(browser.shown().await, None, "there is nothing to say yes to before it is typed");
    browser
}

/// Adds a card on a server of one's own, where the device is all there is to ask.
pub(crate) async fn add_card(world: &World, device: &TestDevice, number: &str, expiry: &str) -> MethodId {
    let id = fresh(world);
    let browser = typing(world, device, id, MethodKind::Card).await;
    let next: Value = browser.post(NUMBER, &card(number, expiry)).await.ok();
    assert_eq!(next["location"], "/sign-in/step-up/done?ui_locales=en");
    id
}

/// Lets days pass with the work of each, on a device that is in use.
async fn days(world: &World, device: &TestDevice, days: i64) {
    for _ in 0..days {
        world.pass(HOUR * 24, HOUR * 12).await;
        device.refresh().await.expect(200);
    }
}

async fn methods(device: &TestDevice) -> Vec<Method> {
    let snapshot = device.get("/api/v1/sync/snapshot").await.text();
    let records = snapshot.lines().filter_map(|line| serde_json::from_str::<Record>(line).ok());
    records.filter_map(|record| if let Record::Method(method) = record { Some(method) } else { None }).collect()
}

fn drawn(world: &World, method: MethodId, minor: i64) -> PaymentOrder {
    PaymentOrder { method: Some(method), ..order(world, minor, 0) }
}

async fn send(device: &TestDevice, verb: Verb, path: &str, key: &str, body: &Value) -> Answer {
    device.send(verb, path, &[("idempotency-key", key)], Some(body)).await
}

#[tokio::test]
async fn a_number_is_exchanged_and_only_its_last_four_are_anywhere() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let id = add_card(&world, &device, HERON, "8/29").await;
        let all = methods(&device).await;
        assert_eq!(all.len(), 1);
        let method = &all[0];
        assert_eq!((method.id, method.name().as_str()), (id, "Heron ··4471"));
        assert_eq!(method.usable_from, method.added_at, "nothing waits on a server of one's own");
        let account = fresh(&world);
        let browser = typing(&world, &device, account, MethodKind::BankAccount).await;
        let typed = json!({"number": "0012 3456 78", "routing": "999 000 001"});
        browser.post(NUMBER, &typed).await.expect(200);
        let snapshot = device.get("/api/v1/sync/snapshot").await.text();
        assert!(snapshot.contains("method_added") && snapshot.contains("5678"), "{snapshot}");
        for secret in ["9990000044034471", "0012345678", "practice-", "44034471"] {
            assert!(!snapshot.contains(secret), "{secret} in {snapshot}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_number_a_real_one_or_there_already_is_refused_by_name() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        add_card(&world, &device, HERON, "08/2029").await;
        let browser = typing(&world, &device, fresh(&world), MethodKind::Card).await;
        let refused = async |body: Value| browser.post(NUMBER, &body).await.code();
        assert_eq!(refused(card("9990 0000 4403 4472", "08/2029")).await, ErrorCode::InvalidNumber);
        assert_eq!(refused(card(OSPREY, "02/2027")).await, ErrorCode::InvalidDate);
        assert_eq!(refused(card("1234567890129", "08/2029")).await, ErrorCode::InvalidNumber);
        // A good check digit, and not a number of practice.
        assert_eq!(refused(card("9992000000000001", "08/2029")).await, ErrorCode::PracticeNumbersOnly);
        assert_eq!(refused(card(HERON, "09/2030")).await, ErrorCode::MethodKnown, "a new expiry is the same card");
        assert_eq!(methods(&device).await.len(), 1);
        // Another person may have the same one.
        add_card(&world, &world.holder().await, HERON, "08/2029").await;
    })
    .await;
}

#[tokio::test]
async fn what_is_drawn_from_a_method_leaves_the_balance_here_alone() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        pay(&device, &order(&world, 1_000, 0)).await;
        world.pass(HOUR, HOUR / 4).await;
        device.refresh().await.expect(200);
        let balance = async || {
            let snapshot = device.get("/api/v1/sync/snapshot").await.text();
            let accounts = snapshot.lines().filter(|line| line.contains("\"kind\":\"account\""));
            accounts.map(str::to_owned).collect::<Vec<_>>()
        };
        let before = balance().await;
        let good = add_card(&world, &device, HERON, "08/2029").await;
        let bad = add_card(&world, &device, DECLINING, "08/2029").await;
        let (leaves, declined) = (drawn(&world, good, 4_000), drawn(&world, bad, 4_100));
        pay(&device, &leaves).await;
        pay(&device, &declined).await;
        // More than the practice money: nothing here says how much stands behind a method.
        let large = drawn(&world, good, 5_000_000);
        pay(&device, &large).await;
        world.pass(HOUR, HOUR / 4).await;
        device.refresh().await.expect(200);
        assert_eq!(stands(&device, leaves.id).await.0, PaymentState::Settled);
        assert_eq!(stands(&device, large.id).await.0, PaymentState::Settled);
        assert_eq!(stands(&device, declined.id).await, (PaymentState::Rejected, why("declined")));
        assert_eq!(balance().await, before);
    })
    .await;
}

#[tokio::test]
async fn one_method_pays_in_every_currency() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let heron = add_card(&world, &device, HERON, "08/2029").await;
        let in_currency =
            |minor, currency| PaymentOrder { amount: Money::new(minor, currency).unwrap(), ..drawn(&world, heron, 0) };
        let orders = [(4_000, Currency::USD), (3_000, Currency::EUR), (2_000, Currency::USD), (1_000, Currency::EUR)];
        for (minor, currency) in orders {
            let order = in_currency(minor, currency);
            pay(&device, &order).await;
            world.pass(HOUR, HOUR / 4).await;
            assert_eq!(stands(&device, order.id).await.0, PaymentState::Settled, "{minor} {currency}");
        }
    })
    .await;
}

#[tokio::test]
async fn where_a_passkey_is_asked_it_says_yes_to_what_is_left_of_the_number() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = hosted(&world).await;
        let id = fresh(&world);
        let mut browser = typing(&world, &device, id, MethodKind::Card).await;
        let next: Value = browser.post(NUMBER, &card(HERON, "08/2029")).await.ok();
        assert_eq!(next["location"], "/sign-in/step-up");
        assert_eq!(methods(&device).await, [], "typed is not added");
        let first = browser.shown().await.expect("a button");
        assert!(browser.get("/sign-in/step-up").await.text().contains("Heron ··4471"));
        // Another number under the same button: the yes is to the first one alone.
        browser.post(NUMBER, &card(OSPREY, "08/2029")).await.expect(200);
        assert_eq!(browser.say_yes(&mut holds, &first).await.code(), ErrorCode::VersionConflict);
        browser.post(NUMBER, &card(HERON, "08/2029")).await.expect(200);
        let shown = browser.shown().await.expect("a button");
        assert_eq!(shown, first);
        browser.say_yes(&mut holds, &shown).await.expect(200);
        assert_eq!(browser.post(NUMBER, &card(OSPREY, "08/2029")).await.status.as_u16(), 400, "the visit is over");
        let method = methods(&device).await.remove(0);
        assert_eq!(method.usable_from, world.now() + HOUR * 24);
        world.work().await;
        let told = world.mail.take();
        assert!(told.iter().any(|letter| letter.text.contains("Heron ··4471")), "its owner is told");
    })
    .await;
}

#[tokio::test]
async fn a_new_method_pays_after_its_wait() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = settled_in(&world).await;
        let id = fresh(&world);
        let mut browser = typing(&world, &device, id, MethodKind::Card).await;
        browser.post(NUMBER, &card(HERON, "08/2029")).await.expect(200);
        let shown = browser.shown().await.expect("a button");
        browser.say_yes(&mut holds, &shown).await.expect(200);
        let order = drawn(&world, id, 4_000);
        let ordered = pay(&device, &order).await;
        if ordered.state == PaymentState::AwaitingApproval {
            approve(&world, &mut holds, &device, order.id).await;
        }
        let (state, reason) = stands(&device, order.id).await;
        assert_eq!((state, reason), (PaymentState::Held, why("new_method")));
        world.pass(HOUR * 23, HOUR).await;
        assert_eq!(stands(&device, order.id).await.0, PaymentState::Held);
        world.pass(HOUR * 3, HOUR).await;
        assert_eq!(stands(&device, order.id).await.0, PaymentState::Settled);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_drawn_from_what_is_expired_unknown_or_somebody_elses() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let short = add_card(&world, &device, HERON, "03/2027").await;
        let refused = async |order: &PaymentOrder| device.post(PAYMENTS, order).await.code();
        let after = PaymentOrder { send_on: Some(date(2027, 4, 1)), ..drawn(&world, short, 4_000) };
        assert_eq!(refused(&after).await, ErrorCode::MethodNotDrawable);
        assert_eq!(refused(&drawn(&world, fresh(&world), 4_000)).await, ErrorCode::MethodNotDrawable);
        let theirs = add_card(&world, &world.holder().await, OSPREY, "08/2029").await;
        assert_eq!(refused(&drawn(&world, theirs, 4_000)).await, ErrorCode::MethodNotDrawable);
        let last_day = PaymentOrder { send_on: Some(date(2027, 3, 31)), ..drawn(&world, short, 4_000) };
        pay(&device, &last_day).await;
    })
    .await;
}

/// The number of the entry that says that a method was added.
async fn added_event(device: &TestDevice) -> i64 {
    let snapshot = device.get("/api/v1/sync/snapshot").await.text();
    let records = snapshot.lines().filter_map(|line| serde_json::from_str::<Record>(line).ok());
    let mut event = records.filter_map(|record| match record {
        Record::SecurityEvent(event) if event.kind == SecurityEventKind::MethodAdded => Some(event.number),
        _ => None,
    });
    event.next_back().expect("an entry")
}

#[tokio::test]
async fn a_method_that_was_not_its_owners_is_frozen_and_what_would_leave_from_it_fails() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        let id = add_card(&world, &laptop, HERON, "08/2029").await;
        let order = PaymentOrder { send_on: Some(date(2027, 3, 3)), ..drawn(&world, id, 4_000) };
        pay(&desk, &order).await;
        let path = format!("/api/v1/security/events/{}/answer", added_event(&desk).await);
        desk.post(&path, &json!({"mine": false})).await.expect(204);
        assert!(methods(&desk).await[0].frozen);
        let again = desk.post(PAYMENTS, &drawn(&world, id, 4_200)).await;
        assert_eq!(again.code(), ErrorCode::MethodNotDrawable);
        days(&world, &desk, 5).await;
        assert_eq!(stands(&desk, order.id).await, (PaymentState::Failed, why("method_frozen")));
    })
    .await;
}

#[tokio::test]
async fn a_method_in_use_is_replaced_everywhere_in_one_step_and_then_gone() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let old = add_card(&world, &device, HERON, "03/2027").await;
        let with = add_card(&world, &device, OSPREY, "08/2029").await;
        let path = format!("{METHODS}/{old}");
        send(&device, Verb::PATCH, &path, "default", &json!({"is_default": true})).await.expect(200);
        let later = |minor| PaymentOrder { send_on: Some(date(2027, 3, 20)), ..drawn(&world, old, minor) };
        let orders = [later(4_000), later(4_100)];
        for order in &orders {
            pay(&device, order).await;
        }
        assert_eq!(send(&device, Verb::DELETE, &path, "remove", &json!({})).await.code(), ErrorCode::MethodInUse);
        let itself = device.post(&format!("{path}/replace"), &json!({"with": old})).await;
        assert_eq!(itself.code(), ErrorCode::InvalidRequest);
        let answer: MethodReplaced = device.post(&format!("{path}/replace"), &json!({"with": with})).await.ok();
        let done = answer.done.expect("done at once");
        assert_eq!((done.payments, done.removed), (2, true));
        let left = methods(&device).await;
        assert_eq!(left.iter().map(|one| (one.id, one.is_default)).collect::<Vec<_>>(), [(with, true)]);
        for order in &orders {
            let payment: Payment = device.get(&format!("{PAYMENTS}/{}", order.id)).await.ok();
            assert_eq!((payment.state, payment.order.method), (PaymentState::Scheduled, Some(with)));
        }
        days(&world, &device, 20).await;
        for order in &orders {
            assert!(stands(&device, order.id).await.0.counts_as_paid());
        }
    })
    .await;
}

#[tokio::test]
async fn the_yes_to_a_replacement_is_the_yes_to_what_moves_as_it_was_shown() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = settled_in(&world).await;
        let mut ids = Vec::new();
        for number in [HERON, OSPREY] {
            let id = fresh(&world);
            let mut browser = typing(&world, &device, id, MethodKind::Card).await;
            browser.post(NUMBER, &card(number, "08/2029")).await.expect(200);
            let shown = browser.shown().await.expect("a button");
            browser.say_yes(&mut holds, &shown).await.expect(200);
            ids.push(id);
        }
        let (old, with) = (ids[0], ids[1]);
        // Above the limit, so that it leaves on a yes alone.
        let ordered = PaymentOrder { send_on: Some(date(2027, 3, 20)), ..drawn(&world, old, 70_000) };
        pay(&device, &ordered).await;
        approve(&world, &mut holds, &device, ordered.id).await;
        let path = format!("{METHODS}/{old}/replace");
        let begun = async || {
            let answer: MethodReplaced = device.post(&path, &json!({"with": with})).await.ok();
            answer.approve_at.expect("an address").address
        };
        let (mut browser, shown) = crate::sign_in::tests::asked_at(&world, &begun().await).await;
        // One more by now: the yes would move what was not shown.
        let more = PaymentOrder { send_on: Some(date(2027, 3, 21)), ..drawn(&world, old, 4_000) };
        pay(&device, &more).await;
        assert_eq!(browser.say_yes(&mut holds, &shown).await.code(), ErrorCode::VersionConflict);
        let shown = browser.shown().await.expect("a button");
        browser.say_yes(&mut holds, &shown).await.expect(200);
        assert_eq!(methods(&device).await.len(), 1);
        let waits = stands(&device, more.id).await.0 == PaymentState::AwaitingApproval;
        if waits {
            approve(&world, &mut holds, &device, more.id).await;
        }
        days(&world, &device, 21).await;
        // The audit at the end holds what was set aside against what was approved.
        for id in [ordered.id, more.id] {
            assert!(stands(&device, id).await.0.counts_as_paid(), "{:?}", stands(&device, id).await);
        }
    })
    .await;
}

#[tokio::test]
async fn an_expiry_is_told_once_a_month_before() {
    on_each_engine(async |world| {
        let (_, device) = hosted(&world).await;
        let expiring = async || device.get("/api/v1/sync/snapshot").await.text().matches("method_expiring").count();
        let id = fresh(&world);
        // The account has a passkey, and its browser is another one than this.
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(device.holder).await.unwrap();
        let last = Some(domain::methods::Expiry { year: 2027, month: 4 });
        let typed = Method {
            id,
            kind: MethodKind::Card,
            brand: "Heron".to_owned(),
            last_four: "4471".to_owned(),
            expiry: last,
            is_default: false,
            frozen: false,
            added_at: world.now(),
            usable_from: world.now(),
        };
        let tokenised = tokeniser::Tokenised {
            brand: "Heron".to_owned(),
            token: "practice-x".to_owned(),
            fingerprint: vec![1; 32],
        };
        store::put_typed(&mut tx, device.holder, &typed, &tokenised).await.unwrap();
        assert!(store::enliven(&mut tx, device.holder, &typed).await.unwrap());
        assert!(!store::enliven(&mut tx, device.holder, &typed).await.unwrap(), "once");
        watch_expiry(&world.app, &mut tx, device.holder, &typed).await.unwrap();
        feed::put(&mut tx, device.holder, world.now(), &Record::Method(typed)).await.unwrap();
        tx.commit().await.unwrap();
        days(&world, &device, 29).await;
        assert_eq!(expiring().await, 0);
        days(&world, &device, 40).await;
        assert_eq!(expiring().await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_leaves_from_every_source_counts_towards_the_same_day() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = settled_in(&world).await;
        let id = fresh(&world);
        let mut browser = typing(&world, &device, id, MethodKind::Card).await;
        browser.post(NUMBER, &card(HERON, "08/2029")).await.expect(200);
        let shown = browser.shown().await.expect("a button");
        browser.say_yes(&mut holds, &shown).await.expect(200);
        days(&world, &device, 2).await;
        // The passkey is shown again, so that only the sums are asked about.
        let small = order(&world, 100, 0);
        pay(&device, &small).await;
        approve(&world, &mut holds, &device, small.id).await;
        let mut asked = Vec::new();
        for (minor, method) in [(45_000, None), (45_000, Some(id)), (45_000, Some(id))] {
            let one = PaymentOrder { method, ..order(&world, minor + i64::try_from(asked.len()).unwrap(), 0) };
            asked.push(pay(&device, &one).await.reason.unwrap_or_default());
        }
        assert_eq!(asked, ["", "", "above_day_limit"]);
    })
    .await;
}
