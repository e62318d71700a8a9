use api::error::ErrorCode;
use api::payments::{Payment, PaymentState};
use api::sync::Page;
use axum::body::Body;
use axum::http::Method;
use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use futures_util::StreamExt as _;
use jiff::SignedDuration;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::*;
use crate::billers;
use crate::sign_in::tests::{Browser, by_passkey};
use crate::testing::reach::Reach;
use crate::testing::{ORIGIN, TestDevice, World, on_each_engine};

const LOCK: &str = "/api/v1/security/lock";
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const NO_BODY: Option<&()> = None;

fn order(world: &World, minor: i64, biller: usize, send_on: Option<Date>) -> PaymentOrder {
    PaymentOrder {
        id: PaymentId::new(world.now(), world.app.chance10()),
        biller: billers::directory()[biller].id,
        reference: None,
        amount: Money::new(minor, Currency::USD).unwrap(),
        bill: None,
        due_on: None,
        send_on,
        duplicate_meant: true,
        method: None,
    }
}

async fn pay(device: &TestDevice, order: &PaymentOrder) {
    device.post("/api/v1/payments", order).await.expect(201);
}

async fn payment(device: &TestDevice, id: PaymentId) -> Payment {
    device.refresh().await.expect(200);
    device.get(&format!("/api/v1/payments/{id}")).await.ok()
}

/// What the feed says last.
async fn told(device: &TestDevice) -> Standing {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let mut told = page.changes.into_iter().rev().filter_map(|change| match change.record {
        Record::Standing(standing) => Some(standing),
        _ => None,
    });
    told.next().unwrap_or_default()
}

async fn restrict(world: &World, device: &TestDevice, reason: RestraintReason, until: Option<Timestamp>) {
    let mut tx = world.app.db.begin_write().await.unwrap();
    tx.lock(device.holder).await.unwrap();
    let level = RestraintLevel::Restricted;
    restrain(&world.app, &mut tx, device.holder, level, reason, until, None).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_lock_counts_from_the_next_request_and_wakes_every_open_stream_each_time() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        let mut reach = Reach::default();
        for turn in 0..100 {
            let request = laptop.request(&Method::GET, "/api/v1/events", &[], Body::empty());
            let mut stream = world.open(request).await.into_body().into_data_stream();
            stream.next().await.expect("a beginning").expect("a part");
            desk.post(LOCK, &json!({})).await.expect(200);
            let refused = laptop.post("/api/v1/payments", &order(&world, 100, 0, None)).await;
            assert_eq!(refused.code(), ErrorCode::AccountLocked, "turn {turn}");
            reach.wait_for(stream.next()).await.expect("a number").expect("a part");
            assert!(told(&laptop).await.stops_all_money(), "turn {turn}");
            desk.send(Method::DELETE, LOCK, &[], NO_BODY).await.expect(204);
            pay(&laptop, &order(&world, 100, 0, None)).await;
            world.work().await;
            assert_eq!(told(&laptop).await, Standing::GOOD);
        }
        reach.assert_soon();
    })
    .await;
}

#[tokio::test]
async fn a_lock_holds_what_was_scheduled_and_a_release_lets_it_go_on() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let soon = order(&world, 4_000, 0, Some(date(2027, 3, 3)));
        let later = order(&world, 5_000, 1, Some(date(2027, 3, 20)));
        let gone = order(&world, 6_000, 2, None);
        for order in [&soon, &later, &gone] {
            pay(&device, order).await;
        }
        world.work().await;
        device.post(LOCK, &json!({})).await.expect(200);
        let held = payment(&device, soon.id).await;
        assert_eq!((held.state, held.reason.as_deref()), (PaymentState::Held, Some("account_locked")));
        assert_eq!(payment(&device, gone.id).await.state, PaymentState::Submitted, "what left has left");
        world.pass(HOUR * 24 * 4, HOUR * 6).await;
        assert_eq!(payment(&device, soon.id).await.state, PaymentState::Held, "its day passes without it");
        device.post(LOCK, &json!({})).await.expect(200);
        device.send(Method::DELETE, LOCK, &[], NO_BODY).await.expect(204);
        let released = payment(&device, soon.id).await;
        assert_eq!((released.state, released.reason), (PaymentState::Scheduled, None));
        assert_eq!(released.will_process_on, date(2027, 3, 5), "the new day is told at once");
        assert_eq!(payment(&device, later.id).await.will_process_on, date(2027, 3, 20), "a day ahead stays");
        world.pass(HOUR * 2, HOUR).await;
        assert_eq!(payment(&device, soon.id).await.state, PaymentState::Settled);
        // A held payment is taken back like any other.
        device.post(LOCK, &json!({})).await.expect(200);
        let path = format!("/api/v1/payments/{}/cancel", later.id);
        assert_eq!(device.post(&path, &json!({})).await.ok::<Payment>().state, PaymentState::Cancelled);
        device.send(Method::DELETE, LOCK, &[], NO_BODY).await.expect(204);
        assert_eq!(payment(&device, later.id).await.state, PaymentState::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn a_restriction_lets_known_payees_within_the_limits_be_paid_and_nothing_new() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        pay(&device, &order(&world, 1_000, 0, None)).await;
        world.work().await;
        let known = order(&world, 4_000, 0, Some(date(2027, 3, 2)));
        let new = order(&world, 4_000, 1, Some(date(2027, 3, 2)));
        let large = order(&world, 50_001, 0, Some(date(2027, 3, 2)));
        for order in [&known, &new, &large] {
            pay(&device, order).await;
        }
        let until = world.now().checked_add(HOUR * 72).unwrap();
        restrict(&world, &device, RestraintReason::Recovery, Some(until)).await;
        assert_eq!(payment(&device, known.id).await.state, PaymentState::Scheduled);
        for order in [&new, &large] {
            let held = payment(&device, order.id).await;
            assert_eq!((held.state, held.reason.as_deref()), (PaymentState::Held, Some("account_restricted")));
            assert_eq!(held.will_process_on, date(2027, 3, 4), "the end of the restriction is known");
        }
        let refused = device.post("/api/v1/payments", &order(&world, 1_000, 2, None)).await;
        assert_eq!(refused.code(), ErrorCode::AccountRestricted);
        assert_eq!(refused.json::<api::error::Problem>().until, Some(until));
        pay(&device, &order(&world, 1_000, 0, None)).await;
        world.pass(HOUR * 24, HOUR * 6).await;
        assert_eq!(payment(&device, known.id).await.state, PaymentState::Settled);
        assert_eq!(payment(&device, new.id).await.state, PaymentState::Held);
        world.pass(HOUR * 50, HOUR).await;
        for order in [&new, &large] {
            assert_eq!(payment(&device, order.id).await.state, PaymentState::Settled, "it went by itself");
        }
        pay(&device, &order(&world, 1_000, 2, None)).await;
    })
    .await;
}

#[tokio::test]
async fn restraints_add_up_and_each_is_lifted_by_itself() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let until = world.now().checked_add(HOUR).unwrap();
        restrict(&world, &device, RestraintReason::Recovery, Some(until)).await;
        restrict(&world, &device, RestraintReason::Recovery, Some(until.checked_sub(HOUR / 2).unwrap())).await;
        let standing: Standing = device.get("/api/v1/standing").await.ok();
        assert_eq!(standing.restraint.unwrap().until, Some(until), "never shorter");
        device.post(LOCK, &json!({})).await.expect(200);
        device.post(LOCK, &json!({})).await.expect(200);
        assert_eq!(told(&device).await.level(), Some(RestraintLevel::Locked));
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(device.holder).await.unwrap();
        assert!(release(&world.app, &mut tx, device.holder, RestraintReason::OwnWish, None).await.unwrap());
        assert!(!release(&world.app, &mut tx, device.holder, RestraintReason::OwnWish, None).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(told(&device).await.level(), Some(RestraintLevel::Restricted), "the other stands");
        world.advance(HOUR);
        device.refresh().await.expect(200);
        assert_eq!(device.get("/api/v1/standing").await.ok::<Standing>(), Standing::GOOD);
        assert_eq!(told(&device).await.at(world.now()), Standing::GOOD, "devices see its end by themselves");
        let page: Page = device.get("/api/v1/sync").await.ok();
        let kinds: Vec<_> = page
            .changes
            .into_iter()
            .filter_map(|change| match change.record {
                Record::SecurityEvent(event) => Some((event.kind, event.name.unwrap_or_default())),
                _ => None,
            })
            .collect();
        let expected = [
            (SecurityEventKind::AccountRestricted, "recovery"),
            (SecurityEventKind::AccountLocked, "own_wish"),
            (SecurityEventKind::AccountReleased, "own_wish"),
        ];
        assert_eq!(kinds[kinds.len() - 3..], expected.map(|(kind, name)| (kind, name.to_owned())));
    })
    .await;
}

// ---- releasing with a passkey ------------------------------------------------------------------------------------

/// A browser at the page that asks for the release.
async fn asked<'a>(world: &'a World, device: &TestDevice) -> Browser<'a> {
    let begun: OneTimeAddress = device.send(Method::DELETE, LOCK, &[], NO_BODY).await.ok();
    let mut browser = Browser::new(world);
    browser.get(begun.address.strip_prefix(ORIGIN).unwrap()).await.expect(303);
    browser
}

/// What the page's button stands for.
async fn shown_on(browser: &mut Browser<'_>) -> String {
    let page = browser.get("/sign-in/step-up").await;
    page.expect(200);
    let text = page.text();
    let (_, rest) = text.split_once("data-shown=\"").expect("a button");
    rest.split('"').next().expect("its value").to_owned()
}

#[tokio::test]
async fn a_lock_of_a_hosted_account_is_released_by_its_passkey_alone() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = by_passkey(&world).await;
        device.post(LOCK, &json!({})).await.expect(200);
        let mut browser = asked(&world, &device).await;
        let shown = shown_on(&mut browser).await;
        let wrong = browser.post("/sign-in/step-up/start", &json!({"shown": "something else"})).await;
        assert_eq!(wrong.code(), ErrorCode::VersionConflict);
        let (mut stranger, _) = by_passkey(&world).await;
        let started: Value = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await.ok();
        let finish = stranger.assert(&started).await;
        assert_eq!(browser.post("/sign-in/step-up/finish", &finish).await.code(), ErrorCode::Forbidden);
        let started: Value = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await.ok();
        let finish = holds.assert(&started).await;
        browser.post("/sign-in/step-up/finish", &finish).await.expect(200);
        browser.get("/sign-in/step-up/done").await.expect(200);
        assert_eq!(told(&device).await, Standing::GOOD);
        browser.post("/sign-in/step-up/finish", &finish).await.expect(400);
        device.send(Method::DELETE, LOCK, &[], NO_BODY).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_release_dies_with_the_lock_that_it_was_shown_for_and_with_its_device() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = by_passkey(&world).await;
        device.post(LOCK, &json!({})).await.expect(200);
        let mut browser = asked(&world, &device).await;
        let shown = shown_on(&mut browser).await;
        let started: Value = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await.ok();
        let finish = holds.assert(&started).await;
        device.delete(&format!("/api/v1/devices/{}", device.device)).await.expect(204);
        assert_eq!(browser.post("/sign-in/step-up/finish", &finish).await.code(), ErrorCode::Forbidden);
        // After five minutes nothing of it is left.
        world.advance(SignedDuration::from_mins(5));
        browser.get("/sign-in/step-up").await.expect(400);
        let mut tx = world.app.db.begin_read().await.unwrap();
        assert!(tx.ask(of(device.holder, world.now())).await.unwrap().stops_all_money());
    })
    .await;
}

#[tokio::test]
async fn a_device_of_less_than_a_week_and_a_lock_that_is_not_the_owners_release_nothing() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (_, device) = by_passkey(&world).await;
        world.advance(SignedDuration::from_secs(1));
        let laptop = world.device(device.holder).await;
        laptop.post(LOCK, &json!({})).await.expect(200);
        let refused = laptop.send(Method::DELETE, LOCK, &[], NO_BODY).await;
        // The first device of the account would do; one that came after it has to be a week old.
        assert_eq!(refused.code(), ErrorCode::DeviceTooNew);
        world.advance(HOUR * 24 * 7);
        laptop.refresh().await.expect(200);
        laptop.send(Method::DELETE, LOCK, &[], NO_BODY).await.expect(200);
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(device.holder).await.unwrap();
        let (level, reason) = (RestraintLevel::Locked, RestraintReason::Risk);
        restrain(&world.app, &mut tx, device.holder, level, reason, None, None).await.unwrap();
        release(&world.app, &mut tx, device.holder, RestraintReason::OwnWish, None).await.unwrap();
        tx.commit().await.unwrap();
        let refused = laptop.send(Method::DELETE, LOCK, &[], NO_BODY).await;
        assert_eq!(refused.code(), ErrorCode::SupportNeeded);
    })
    .await;
}
