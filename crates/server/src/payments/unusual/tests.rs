use api::error::ErrorCode;
use api::risk::{RiskDecision, RiskDecisionList};
use api::security::EventAnswer;
use api::support::Support;
use domain::payments::{PaymentOrder, PaymentState};
use domain::policy::Preset;
use domain::risk::RiskReason;
use domain::security::{SecurityEvent, open_questions};
use domain::standing::{RestraintLevel, RestraintReason, Standing};
use jiff::civil::date;
use serde_json::json;

use super::super::approval::tests::{HOUR, PAYMENTS, approve, begin, order, pay, settled_in, stands, why};
use super::*;
use crate::risk::Mark;
use crate::sign_in::tests::asked_at;
use crate::testing::places::{HANOI, HOME};
use crate::testing::{TestDevice, World, on_each_engine};

/// Counts something against the account, so often.
async fn mark(world: &World, device: &TestDevice, mark: Mark, times: usize) {
    let mut tx = world.app.db.begin_write().await.unwrap();
    for _ in 0..times {
        risk::mark(&mut tx, device.holder, mark, world.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Sixty points with a payee of this week: a hold.
async fn spoil_trust(world: &World, device: &TestDevice) {
    mark(world, device, Mark::ForeignProof, 5).await;
    mark(world, device, Mark::PasskeyCounter, 1).await;
    mark(world, device, Mark::FailedTry, 10).await;
}

/// The newest decision about a payment.
async fn newest(device: &TestDevice) -> RiskDecision {
    let list: RiskDecisionList = device.get("/api/v1/risk/decisions").await.ok();
    let about_money = |one: &RiskDecision| matches!(one.occasion, RiskOccasion::Approval | RiskOccasion::Execution);
    list.items.into_iter().find(about_money).expect("a decision")
}

async fn standing(device: &TestDevice) -> Standing {
    device.get("/api/v1/standing").await.ok()
}

fn later(order: PaymentOrder) -> PaymentOrder {
    PaymentOrder { send_on: Some(date(2027, 3, 10)), ..order }
}

#[tokio::test]
async fn an_unusual_order_needs_the_passkey_waits_a_day_and_then_leaves_by_itself() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        world.at_source(HOME);
        let (mut holds, desk) = settled_in(&world).await;
        world.pass(HOUR * 48, HOUR * 12).await;
        desk.refresh().await.expect(200);
        world.advance(HOUR);
        world.at_source(HANOI);
        let laptop = world.device(desk.holder).await;
        world.advance(jiff::SignedDuration::from_secs(1));
        let order = order(&world, 4_000, 0);
        let asked = pay(&laptop, &order).await;
        assert_eq!((asked.state, asked.reason), (PaymentState::AwaitingApproval, why("risk")));
        assert_eq!(asked.held_until, Some(world.now() + HOUR * 24), "how long it will wait is said at once");
        let decision = newest(&laptop).await;
        assert_eq!(decision.payment, Some(order.id));
        assert_eq!((decision.occasion, decision.verdict), (RiskOccasion::Approval, RiskVerdict::Hold));
        let reasons: Vec<RiskReason> = decision.reasons.iter().map(|point| point.reason).collect();
        use RiskReason as R;
        assert_eq!(reasons, [R::ImpossibleTravel, R::CountryNew, R::DeviceYoung, R::PayeeYoung]);
        let (mut browser, shown) = asked_at(&world, &begin(&laptop, order.id).await.address).await;
        let page = browser.get("/sign-in/step-up").await.text();
        assert!(page.contains("too far, too fast"), "the page says what is unusual: {page}");
        browser.say_yes(&mut holds, &shown).await.expect(200);
        assert_eq!(stands(&laptop, order.id).await, (PaymentState::Held, why("risk")));
        world.at_source(HOME);
        world.pass(HOUR * 23, HOUR).await;
        assert_eq!(stands(&desk, order.id).await.0, PaymentState::Held);
        world.pass(HOUR * 26, HOUR).await;
        assert_eq!(stands(&desk, order.id).await.0, PaymentState::Settled, "at the next banking day");
    })
    .await;
}

#[tokio::test]
async fn what_is_far_too_unusual_locks_the_account_opens_a_case_and_holds_everything() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        world.at_source(HOME);
        let (mut holds, desk) = settled_in(&world).await;
        let waiting = later(order(&world, 4_100, 0));
        pay(&desk, &waiting).await;
        world.pass(HOUR * 48, HOUR * 12).await;
        desk.refresh().await.expect(200);
        let open = order(&world, 60_000, 0);
        assert_eq!(pay(&desk, &open).await.state, PaymentState::AwaitingApproval);
        let (browser, shown) = asked_at(&world, &begin(&desk, open.id).await.address).await;
        spoil_trust(&world, &desk).await;
        world.at_source(HANOI);
        // The order, the page and the yes are each looked at.
        let order = order(&world, 4_000, 0);
        assert_eq!(desk.post(PAYMENTS, &order).await.code(), ErrorCode::AccountLocked);
        let restraint = standing(&desk).await.restraint.expect("a restraint");
        assert_eq!((restraint.level, restraint.reason), (RestraintLevel::Locked, RestraintReason::Risk));
        desk.get(&format!("{PAYMENTS}/{}", order.id)).await.expect(404);
        assert_eq!(stands(&desk, waiting.id).await, (PaymentState::Held, why("account_locked")));
        let refused = browser.say_yes(&mut holds, &shown).await;
        assert_eq!(refused.code(), ErrorCode::AccountLocked);
        assert_eq!(stands(&desk, open.id).await.0, PaymentState::AwaitingApproval);
        let support: Support = desk.get("/api/v1/support").await.ok();
        assert_eq!(support.cases.len(), 1, "somebody looks at it");
        // Reading goes on, and so does taking back.
        desk.post(&format!("{PAYMENTS}/{}/cancel", waiting.id), &json!({})).await.expect(200);
        world.pass(HOUR * 24 * 9, HOUR * 24).await;
    })
    .await;
}

#[tokio::test]
async fn a_yes_in_circumstances_that_lock_the_account_counts_for_nothing() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        world.at_source(HOME);
        let (mut holds, desk) = settled_in(&world).await;
        world.pass(HOUR * 48, HOUR * 12).await;
        desk.refresh().await.expect(200);
        let order = order(&world, 60_000, 0);
        pay(&desk, &order).await;
        let (browser, shown) = asked_at(&world, &begin(&desk, order.id).await.address).await;
        let begun = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await;
        let finish = holds.assert(&begun.ok()).await;
        spoil_trust(&world, &desk).await;
        world.at_source(HANOI);
        let refused = browser.post("/sign-in/step-up/finish", &finish).await;
        assert_eq!(refused.code(), ErrorCode::AccountLocked);
        assert_eq!(stands(&desk, order.id).await.0, PaymentState::AwaitingApproval);
        let begun = desk.post(&format!("{PAYMENTS}/{}/approval", order.id), &json!({})).await;
        assert_eq!(begun.code(), ErrorCode::AccountLocked);
        assert_eq!(standing(&desk).await.restraint.map(|restraint| restraint.level), Some(RestraintLevel::Locked));
    })
    .await;
}

#[tokio::test]
async fn what_became_unusual_since_it_was_ordered_is_asked_about_before_it_leaves() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, desk) = settled_in(&world).await;
        let small = PaymentOrder { send_on: Some(date(2027, 3, 4)), ..order(&world, 4_100, 0) };
        assert_eq!(pay(&desk, &small).await.state, PaymentState::Scheduled);
        world.pass(HOUR * 36, HOUR * 6).await;
        mark(&world, &desk, Mark::ForeignProof, 5).await;
        world.pass(HOUR * 12, HOUR * 4).await;
        assert_eq!(stands(&desk, small.id).await, (PaymentState::AwaitingApproval, why("risk")));
        assert_eq!(newest(&desk).await.occasion, RiskOccasion::Execution);
        approve(&world, &mut holds, &desk, small.id).await;
        world.pass(HOUR * 2, HOUR).await;
        assert_eq!(stands(&desk, small.id).await.0, PaymentState::Settled, "with a yes it goes, as unusual as before");
    })
    .await;
}

#[tokio::test]
async fn what_is_held_before_it_leaves_is_held_once() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, desk) = settled_in(&world).await;
        let large = PaymentOrder { send_on: Some(date(2027, 3, 3)), ..order(&world, 60_000, 0) };
        pay(&desk, &large).await;
        approve(&world, &mut holds, &desk, large.id).await;
        assert_eq!(stands(&desk, large.id).await.0, PaymentState::Scheduled);
        for _ in 0..2 {
            spoil_trust(&world, &desk).await;
            world.pass(HOUR * 12, HOUR * 2).await;
        }
        let held = stands(&desk, large.id).await;
        assert_eq!(held, (PaymentState::Held, why("risk")));
        for _ in 0..3 {
            spoil_trust(&world, &desk).await;
            world.pass(HOUR * 12, HOUR * 2).await;
        }
        assert_eq!(stands(&desk, large.id).await.0, PaymentState::Settled, "a day later it went, as it was approved");
    })
    .await;
}

#[tokio::test]
async fn what_its_owner_said_yes_to_is_not_held_again() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, desk) = settled_in(&world).await;
        spoil_trust(&world, &desk).await;
        let order = order(&world, 4_000, 0);
        assert_eq!(pay(&desk, &order).await.reason, why("risk"));
        let decision = newest(&desk).await;
        assert_eq!(decision.verdict, RiskVerdict::Hold);
        let path = format!("/api/v1/security/events/{}/answer", decision.event.expect("a question"));
        desk.post(&path, &EventAnswer { mine: true }).await.expect(204);
        approve(&world, &mut holds, &desk, order.id).await;
        assert_eq!(stands(&desk, order.id).await.0, PaymentState::Scheduled);
    })
    .await;
}

#[tokio::test]
async fn what_was_ordered_on_a_device_that_was_not_its_owners_does_not_leave() {
    on_each_engine(async |world| {
        let (mut holds, desk) = settled_in(&world).await;
        let laptop = world.device(desk.holder).await;
        let theirs = PaymentOrder { send_on: Some(date(2027, 3, 4)), ..order(&world, 4_100, 0) };
        let ours = PaymentOrder { send_on: Some(date(2027, 3, 4)), ..order(&world, 4_200, 0) };
        assert_eq!(pay(&laptop, &theirs).await.state, PaymentState::Scheduled);
        assert_eq!(pay(&desk, &ours).await.state, PaymentState::Scheduled);
        let page: api::sync::Page = desk.get("/api/v1/sync").await.ok();
        let log: Vec<SecurityEvent> = page
            .changes
            .into_iter()
            .filter_map(|change| match change.record {
                api::sync::Record::SecurityEvent(event) => Some(event),
                _ => None,
            })
            .collect();
        let asked = open_questions(&log)
            .into_iter()
            .find(|event| event.device == Some(laptop.device))
            .expect("a question")
            .number;
        let path = format!("/api/v1/security/events/{asked}/answer");
        desk.post(&path, &EventAnswer { mine: false }).await.expect(204);
        assert_eq!(stands(&desk, theirs.id).await, (PaymentState::AwaitingApproval, why("risk")));
        assert_eq!(stands(&desk, ours.id).await.0, PaymentState::Scheduled);
        // It was the owner's order after all.
        approve(&world, &mut holds, &desk, theirs.id).await;
        assert_eq!(stands(&desk, theirs.id).await.0, PaymentState::Scheduled);
    })
    .await;
}

#[tokio::test]
async fn without_a_score_nothing_is_ordered_and_nothing_leaves() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (_, desk) = settled_in(&world).await;
        let waiting = PaymentOrder { send_on: Some(date(2027, 3, 3)), ..order(&world, 4_100, 0) };
        pay(&desk, &waiting).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        const SPOIL: &str = "INSERT INTO risk_sighting
                (holder_id, device_id, network, latitude, longitude, first_at, last_at)
            SELECT holder_id, device_id, 'spoiled', 9999, 0, 0, 0 FROM device";
        risk::spoil(&mut tx, SPOIL).await.unwrap();
        tx.commit().await.unwrap();
        let next = order(&world, 100, 0);
        assert_eq!(desk.post(PAYMENTS, &next).await.code(), ErrorCode::Internal);
        desk.get(&format!("{PAYMENTS}/{}", next.id)).await.expect(404);
        world.pass(HOUR * 48, HOUR * 6).await;
        assert_eq!(stands(&desk, waiting.id).await.0, PaymentState::Scheduled);
        let mut tx = world.app.db.begin_write().await.unwrap();
        risk::spoil(&mut tx, "DELETE FROM risk_sighting WHERE network = 'spoiled'").await.unwrap();
        tx.commit().await.unwrap();
        world.pass(HOUR * 6, HOUR).await;
        assert_eq!(stands(&desk, waiting.id).await.0, PaymentState::Settled);
    })
    .await;
}
