use api::autopay::{AutopayAmount, AutopayTerms};
use api::sync::Record;
use domain::card::PlanOffer;
use domain::card::closing::MoveKind;
use domain::ids::PlanId;
use domain::purchases::CardStatus;
use domain::statements::StatementSummary;
use jiff::SignedDuration;
use jiff::civil::{Date, date};
use serde_json::json;

use super::*;
use crate::addresses::tests::confirmed;
use crate::purchases::tests::{Shop, usd};
use crate::statements::{Opened, pay};
use crate::testing::seeds::{self, Dice};
use crate::testing::{Answer, World, on_each_engine, on_each_engine_by_seed};

/// Goods of 80 dollars, charged.
async fn charged(shop: &Shop<'_>) -> PurchaseId {
    let id = shop.new_id();
    shop.ask(id, 8_000).await.expect(200);
    shop.capture(id, shop.new_step(), 8_000, true).await.expect(200);
    id
}

fn wish(purchase: PurchaseId, reason: DisputeReason) -> DisputeWish {
    DisputeWish { purchase, reason, words: "It never came".to_owned(), amount: None }
}

async fn put(world: &World, shop: &Shop<'_>, wish: &DisputeWish) -> (DisputeId, Answer) {
    let id = DisputeId::new(world.now(), world.app.chance10());
    (id, shop.device.put(&format!("/api/v1/disputes/{id}"), wish).await)
}

async fn opened(world: &World, shop: &Shop<'_>, wish: &DisputeWish) -> Dispute {
    let (_, answer) = put(world, shop, wish).await;
    answer.ok()
}

/// As the devices see it.
async fn seen(shop: &Shop<'_>, id: DisputeId) -> Option<Dispute> {
    shop.device.refresh().await.expect(200);
    let snapshot = shop.device.get("/api/v1/sync/snapshot").await.text();
    let of = |record| match record {
        Record::Dispute(dispute) => Some(dispute).filter(|dispute: &Dispute| dispute.id == id),
        _ => None,
    };
    snapshot.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(of)
}

#[tokio::test]
async fn what_is_disputed_is_owed_no_more_until_it_is_decided() {
    for (for_person, owed) in [(true, 0), (false, 8_000)] {
        on_each_engine(async |world| {
            let shop = Shop::new(&world, 100_000).await;
            let purchase = charged(&shop).await;
            let wanted = wish(purchase, DisputeReason::NotReceived);
            let (id, answer) = put(&world, &shop, &wanted).await;
            let dispute: Dispute = answer.ok();
            assert_eq!((dispute.amount, dispute.credited, dispute.state()), (usd(8_000), usd(8_000), "open"));
            assert_eq!(shop.figures().await, (0, 100_000));
            let again: Dispute = shop.device.put(&format!("/api/v1/disputes/{id}"), &wanted).await.ok();
            assert_eq!(again, dispute, "the same request is no other");
            let other = wish(purchase, DisputeReason::ChargedTwice);
            let reused = shop.device.put(&format!("/api/v1/disputes/{id}"), &other).await;
            assert_eq!(reused.code(), ErrorCode::KeyReused);
            assert_eq!(
                put(&world, &shop, &other).await.1.code(),
                ErrorCode::VersionConflict,
                "all of it is in dispute already"
            );
            assert_eq!(shop.account().await.card.expect("served").status, CardStatus::Active, "nobody else used it");
            // Whoever runs the server sees it, says so, and decides with a reason.
            for _ in 0..2 {
                assert_eq!(acknowledge(&world.app, id).await.expect("open").state(), "acknowledged");
            }
            assert_eq!(
                decide(&world.app, id, for_person, " ").await.expect_err("a reason").code(),
                ErrorCode::InvalidRequest
            );
            decide(&world.app, id, for_person, "The carrier answered").await.expect("open");
            let told = seen(&shop, id).await.expect("told").decided.expect("decided");
            assert_eq!(told.why, "The carrier answered");
            assert_eq!(shop.figures().await.0, owed);
            let twice = decide(&world.app, id, !for_person, "Again").await;
            assert_eq!(twice.expect_err("decided").code(), ErrorCode::NotFound, "it waits no more");
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_decision_leaves_with_the_person_earns_nothing_and_is_not_refunded_as_well() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let purchase = charged(&shop).await;
        let kept = async || {
            let rewards = shop.rewards().await;
            rewards.iter().map(|reward| reward.earned.minor() - reward.clawed_back.minor()).sum::<i64>()
        };
        assert_eq!(kept().await, 80);
        let dispute = opened(&world, &shop, &part(purchase, DisputeReason::WrongAmount, 3_000)).await;
        assert_eq!(kept().await, 80, "nothing is decided");
        decide(&world.app, dispute.id, true, "The price was another").await.expect("open");
        assert_eq!(kept().await, 50);
        let refund = shop.refund(purchase, shop.new_step(), 5_001).await;
        assert_eq!(refund.code(), ErrorCode::InvalidAmount);
        shop.refund(purchase, shop.new_step(), 5_000).await.expect(200);
        assert_eq!((kept().await, shop.figures().await.0), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_part_of_a_charge_is_disputed_and_no_more_than_was_charged() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let purchase = charged(&shop).await;
        let part = |minor| DisputeWish { amount: Some(usd(minor)), ..wish(purchase, DisputeReason::WrongAmount) };
        assert_eq!(put(&world, &shop, &part(8_001)).await.1.code(), ErrorCode::InvalidAmount);
        assert_eq!(put(&world, &shop, &part(0)).await.1.code(), ErrorCode::InvalidAmount);
        let dispute = opened(&world, &shop, &part(1_000)).await;
        let again = format!("/api/v1/disputes/{}", dispute.id);
        shop.device.put(&again, &part(1_000)).await.expect(200);
        assert_eq!(shop.device.put(&again, &part(2_000)).await.code(), ErrorCode::KeyReused);
        assert_eq!(shop.figures().await.0, 7_000);
        let path = format!("/api/v1/disputes/{}/withdraw", dispute.id);
        for _ in 0..2 {
            let back: Dispute = shop.device.post(&path, &json!({})).await.ok();
            assert_eq!(back.state(), "withdrawn");
        }
        assert_eq!(shop.figures().await.0, 8_000, "it is owed again, once");
        let held = shop.new_id();
        shop.ask(held, 500).await.expect(200);
        let not_charged = put(&world, &shop, &wish(held, DisputeReason::NotReceived)).await.1;
        assert_eq!(not_charged.code(), ErrorCode::InvalidRequest);
        let stranger = world.holder().await;
        stranger.put(&format!("/api/v1/disputes/{}", dispute.id), &part(1)).await.expect(404);
        stranger.post(&path, &json!({})).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn what_a_merchant_gives_back_meanwhile_is_not_given_back_twice() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let purchase = charged(&shop).await;
        let dispute = opened(&world, &shop, &wish(purchase, DisputeReason::NotReceived)).await;
        shop.refund(purchase, shop.new_step(), 3_000).await.expect(200);
        assert_eq!(shop.figures().await.0, 0);
        shop.refund(purchase, shop.new_step(), 5_000).await.expect(200);
        assert_eq!(shop.figures().await.0, 0, "in all what was charged, and no cent more");
        assert_eq!(seen(&shop, dispute.id).await.expect("told").state(), "refunded");
        // After a decision for the person the merchant has nothing more to give.
        let purchase = charged(&shop).await;
        let part = DisputeWish { amount: Some(usd(6_000)), ..wish(purchase, DisputeReason::NotAsAgreed) };
        let dispute = opened(&world, &shop, &part).await;
        decide(&world.app, dispute.id, true, "Sent back").await.expect("open");
        assert_eq!(shop.refund(purchase, shop.new_step(), 2_001).await.code(), ErrorCode::InvalidAmount);
        shop.refund(purchase, shop.new_step(), 2_000).await.expect(200);
        assert_eq!(shop.figures().await.0, 0);
    })
    .await;
}

#[tokio::test]
async fn a_charge_is_disputed_within_sixty_days_of_its_statement_unless_somebody_else_made_it() {
    on_each_engine(async |world| {
        let opened_card = Opened::new(&world).await;
        opened_card.moves(MoveKind::Purchase, 8_000).await;
        let shop = &opened_card.shop;
        let purchase = shop.purchases().await[0].id;
        // Of the statement of 25 March: the sixtieth day after it is 24 May.
        opened_card.at_noon_of(date(2027, 5, 25));
        world.work().await;
        let device = world.device(shop.device.holder).await;
        let id = DisputeId::new(world.now(), world.app.chance10());
        let path = format!("/api/v1/disputes/{id}");
        let late = device.put(&path, &wish(purchase, DisputeReason::NotReceived)).await;
        assert_eq!(late.code(), ErrorCode::DisputeTooLate);
        let dispute: Dispute = device.put(&path, &wish(purchase, DisputeReason::NotMine)).await.ok();
        assert_eq!(dispute.credited, usd(8_000));
        let account = opened_card.account().await;
        assert_eq!(account.card.expect("served").status, CardStatus::Frozen);
    })
    .await;
}

#[tokio::test]
async fn neither_the_minimum_nor_interest_asks_for_what_is_in_dispute() {
    on_each_engine(async |world| {
        let opened_card = Opened::new(&world).await;
        opened_card.moves(MoveKind::Purchase, 40_000).await;
        let shop = &opened_card.shop;
        let purchase = shop.purchases().await[0].id;
        let autopay = AutopayTerms {
            amount: AutopayAmount::Statement,
            cap: usd(100_000),
            warn_above: None,
            method: None,
            days_before: 0,
            ends_on: None,
            payments: None,
        };
        shop.device.put(&format!("/api/v1/cards/{}/autopay", shop.card), &autopay).await.expect(200);
        // The statement asks for 400 by 19 April; then the charge is disputed.
        for _ in 0..26 {
            world.pass(SignedDuration::from_hours(24), SignedDuration::from_hours(24)).await;
            shop.device.refresh().await.expect(200);
        }
        let dispute = opened(&world, shop, &wish(purchase, DisputeReason::NotReceived)).await;
        world.work().await;
        let account = opened_card.account().await;
        assert_eq!(account.card.expect("served").minimum_left, Some(usd(0)));
        opened_card.at_noon_of(date(2027, 4, 28));
        world.work().await;
        let second = opened_card.statements().await[1].clone();
        let issued = second.issued.expect("its figures");
        assert_eq!((second.closing, issued.totals.interest, issued.totals.fees), (usd(0), usd(0), usd(0)));
        assert_eq!(issued.totals.credits, usd(40_000), "the statement says what was given back");
        // Decided against the person, it is owed again from that day, and on the next statement.
        decide(&world.app, dispute.id, false, "It was signed for").await.expect("open");
        opened_card.at_noon_of(date(2027, 5, 28));
        world.work().await;
        let third = opened_card.statements().await[2].clone();
        let issued = third.issued.expect("its figures");
        assert_eq!((third.closing.negated(), issued.totals.interest), (usd(40_000), usd(0)));
    })
    .await;
}

#[tokio::test]
async fn what_is_disputed_is_on_its_plan_no_more_and_goes_back_to_it_when_it_is_owed_again() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let purchase = shop.new_id();
        shop.ask(purchase, 60_000).await.expect(200);
        shop.capture(purchase, shop.new_step(), 60_000, true).await.expect(200);
        let plan = PlanId::new(world.now(), world.app.chance10());
        let path = format!("/api/v1/cards/{}/plans/{plan}", shop.card);
        let offer = PlanOffer::EqualPayments { months: 6 };
        shop.device.put(&path, &json!({"purchase": purchase, "offer": offer})).await.expect(200);
        let left = async || {
            let plans = shop.account().await.plans;
            plans.iter().map(|plan| plan.left.minor()).sum::<i64>()
        };
        assert_eq!(left().await, 60_000);
        let dispute = opened(&world, &shop, &wish(purchase, DisputeReason::NotAsAgreed)).await;
        assert_eq!((left().await, shop.figures().await.0), (0, 0));
        decide(&world.app, dispute.id, false, "It is as the order says").await.expect("open");
        assert_eq!((left().await, shop.figures().await.0), (60_000, 60_000));
        let plans = shop.account().await.plans;
        assert_eq!(plans[0].installment(), Some(usd(10_000)), "as it was chosen");
    })
    .await;
}

fn part(purchase: PurchaseId, reason: DisputeReason, minor: i64) -> DisputeWish {
    DisputeWish { amount: Some(usd(minor)), ..wish(purchase, reason) }
}

async fn withdraw(shop: &Shop<'_>, id: DisputeId) {
    shop.device.post(&format!("/api/v1/disputes/{id}/withdraw"), &json!({})).await.expect(200);
}

#[tokio::test]
async fn parts_of_a_charge_are_disputed_apart_and_again_once_taken_back() {
    on_each_engine(async |world| {
        use DisputeReason::{NotAsAgreed, NotMine, NotReceived, WrongAmount};
        let shop = Shop::new(&world, 100_000).await;
        let purchase = charged(&shop).await;
        let left = async || shop.purchases().await[0].disputable;
        assert_eq!(left().await, Some(usd(8_000)));
        let price = opened(&world, &shop, &part(purchase, WrongAmount, 2_000)).await;
        world.advance(SignedDuration::from_secs(1));
        let parcel = opened(&world, &shop, &part(purchase, NotReceived, 5_000)).await;
        assert_eq!((shop.figures().await.0, left().await), (1_000, Some(usd(1_000))));
        let more = put(&world, &shop, &part(purchase, NotAsAgreed, 1_001)).await.1;
        assert_eq!(more.code(), ErrorCode::InvalidAmount, "never more than was charged");
        // Taken back, it is said again; decided against, it is not.
        withdraw(&shop, parcel.id).await;
        assert_eq!((shop.figures().await.0, left().await), (6_000, Some(usd(6_000))));
        let again = opened(&world, &shop, &part(purchase, NotReceived, 4_000)).await;
        decide(&world.app, again.id, false, "It was signed for").await.expect("open");
        let refused = put(&world, &shop, &part(purchase, NotReceived, 1)).await.1;
        assert_eq!(refused.code(), ErrorCode::ReasonDecided);
        decide(&world.app, price.id, true, "The price was another").await.expect("open");
        assert_eq!((shop.figures().await.0, left().await), (6_000, Some(usd(6_000))), "the 20 stay theirs");
        assert_eq!(shop.purchases().await[0].disputed_at, None, "nothing is in dispute now");
        // What is left was somebody else's: all of it, and nothing beside it.
        let rest = opened(&world, &shop, &wish(purchase, NotMine)).await;
        assert_eq!((rest.amount, shop.figures().await.0), (usd(6_000), 0));
        let beside = put(&world, &shop, &part(purchase, NotAsAgreed, 1)).await.1;
        assert_eq!(beside.code(), ErrorCode::VersionConflict);
        assert_eq!(shop.refund(purchase, shop.new_step(), 6_001).await.code(), ErrorCode::InvalidAmount);
        shop.refund(purchase, shop.new_step(), 6_000).await.expect(200);
        assert_eq!((shop.figures().await.0, left().await), (0, Some(usd(0))));
        assert_eq!(seen(&shop, rest.id).await.expect("told").state(), "refunded");
    })
    .await;
}

#[tokio::test]
async fn one_refund_ends_the_credits_of_several_disputes_the_oldest_first() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let purchase = charged(&shop).await;
        let first = opened(&world, &shop, &part(purchase, DisputeReason::WrongAmount, 3_000)).await;
        world.advance(SignedDuration::from_secs(1));
        let second = opened(&world, &shop, &part(purchase, DisputeReason::NotReceived, 4_000)).await;
        shop.refund(purchase, shop.new_step(), 5_000).await.expect(200);
        assert_eq!(shop.figures().await.0, 1_000);
        assert_eq!(seen(&shop, first.id).await.expect("told").state(), "refunded");
        assert_eq!(seen(&shop, second.id).await.expect("told").credited, usd(2_000));
        withdraw(&shop, second.id).await;
        assert_eq!(shop.figures().await.0, 3_000, "what was charged less what came back");
    })
    .await;
}

#[tokio::test]
async fn what_comes_of_a_dispute_is_in_the_log_and_is_sent() {
    on_each_engine(async |world| {
        use SecurityEventKind as Event;
        let shop = Shop::new(&world, 100_000).await;
        confirmed(&world, &shop.device, "ines@example.org").await;
        world.work().await;
        world.mail.take();
        let purchase = charged(&shop).await;
        let mut told = Vec::new();
        for (reason, outcome) in [
            (DisputeReason::WrongAmount, DisputeOutcome::For),
            (DisputeReason::NotReceived, DisputeOutcome::Against),
            (DisputeReason::NotAsAgreed, DisputeOutcome::Withdrawn),
            (DisputeReason::ChargedTwice, DisputeOutcome::Refunded),
        ] {
            let dispute = opened(&world, &shop, &part(purchase, reason, 1_000)).await;
            match outcome {
                DisputeOutcome::For => drop(decide(&world.app, dispute.id, true, "So it is").await.expect("open")),
                DisputeOutcome::Against => {
                    drop(decide(&world.app, dispute.id, false, "It is not").await.expect("open"))
                }
                DisputeOutcome::Withdrawn => withdraw(&shop, dispute.id).await,
                DisputeOutcome::Refunded => {
                    shop.refund(purchase, shop.new_step(), 1_000).await.expect(200);
                }
            }
            told.extend([Event::DisputeOpened, happened(outcome)]);
            world.work().await;
        }
        let mut tx = world.app.db.begin_read().await.unwrap();
        let log = security::newest(&mut tx, shop.device.holder, 8).await.unwrap();
        drop(tx);
        assert_eq!(log.iter().rev().map(|event| event.kind).collect::<Vec<_>>(), told);
        assert!(log.iter().all(|event| event.name.as_deref() == Some("Quillmere")));
        let sent: Vec<String> = world.mail.take().into_iter().map(|letter| letter.text).collect();
        assert_eq!(sent.len(), 8, "each is sent");
        for words in ["is disputed", "decided for you", "decided against you", "was taken back", "gave all of it back"]
        {
            assert!(sent.iter().any(|text| text.contains(words) && text.contains("Quillmere")), "{words}: {sent:?}");
        }
        assert!(sent.iter().all(|text| !text.contains("10.00")), "no amounts");
    })
    .await;
}

/// A purchase of so much that is charged and on a plan of twelve equal payments.
async fn on_a_plan(world: &World, shop: &Shop<'_>, minor: i64) -> PurchaseId {
    let purchase = shop.new_id();
    shop.ask(purchase, minor).await.expect(200);
    shop.capture(purchase, shop.new_step(), minor, true).await.expect(200);
    let plan = PlanId::new(world.now(), world.app.chance10());
    let path = format!("/api/v1/cards/{}/plans/{plan}", shop.card);
    let offer = PlanOffer::EqualPayments { months: 12 };
    shop.device.put(&path, &json!({"purchase": purchase, "offer": offer})).await.expect(200);
    purchase
}

/// What is left of the plans of a card, with what they began with, and what is owed on it.
async fn on_plans(shop: &Shop<'_>) -> (Vec<(i64, i64)>, i64) {
    let plans = shop.account().await.plans;
    (plans.iter().map(|plan| (plan.left.minor(), plan.amount.minor())).collect(), shop.figures().await.0)
}

#[tokio::test]
async fn what_a_merchant_gave_back_meanwhile_goes_back_on_no_plan() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let sofa = on_a_plan(&world, &shop, 60_000).await;
        pay(&world, shop.card, shop.device.holder, 35_000).await;
        for _ in 0..10 {
            charged(&shop).await;
        }
        assert_eq!(on_plans(&shop).await, (vec![(25_000, 60_000)], 105_000));
        let dispute = opened(&world, &shop, &wish(sofa, DisputeReason::NotAsAgreed)).await;
        assert_eq!(on_plans(&shop).await, (vec![], 45_000));
        shop.refund(sofa, shop.new_step(), 30_000).await.expect(200);
        assert_eq!(on_plans(&shop).await, (vec![], 45_000));
        withdraw(&shop, dispute.id).await;
        // 350 were paid and 300 given back of 600: nothing is left of it.
        assert_eq!(on_plans(&shop).await, (vec![], 75_000));
    })
    .await;
}

#[tokio::test]
async fn what_a_dispute_gives_back_of_a_paid_charge_lowers_other_plans_until_it_is_owed_again() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let lamp = charged(&shop).await;
        on_a_plan(&world, &shop, 60_000).await;
        pay(&world, shop.card, shop.device.holder, 8_000).await;
        assert_eq!(on_plans(&shop).await, (vec![(60_000, 60_000)], 60_000));
        let dispute = opened(&world, &shop, &part(lamp, DisputeReason::NotReceived, 6_000)).await;
        assert_eq!(on_plans(&shop).await.0[0].0, 54_000);
        shop.refund(lamp, shop.new_step(), 1_000).await.expect(200);
        assert_eq!(on_plans(&shop).await.0[0].0, 54_000);
        decide(&world.app, dispute.id, false, "It was signed for").await.expect("open");
        assert_eq!(on_plans(&shop).await, (vec![(59_000, 59_000)], 59_000), "but for what the merchant gave back");
    })
    .await;
}

#[tokio::test]
async fn what_was_not_the_persons_stays_so_for_what_is_charged_after_the_decision_or_a_refund() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        for is_decided in [true, false] {
            let id = shop.new_id();
            shop.set(CardStatus::Active).await.expect(204);
            shop.ask(id, 10_000).await.expect(200);
            shop.capture(id, shop.new_step(), 6_000, false).await.expect(200);
            let dispute = opened(&world, &shop, &wish(id, DisputeReason::NotMine)).await;
            if is_decided {
                decide(&world.app, dispute.id, true, "It was stolen").await.expect("open");
            } else {
                shop.refund(id, shop.new_step(), 6_000).await.expect(200);
            }
            shop.capture(id, shop.new_step(), 1_000, false).await.expect(200);
            assert_eq!(shop.figures().await.0, 0);
            shop.device.post(&format!("/api/v1/purchases/{id}/dispute"), &json!({})).await.expect(204);
            shop.capture(id, shop.new_step(), 3_000, true).await.expect(200);
            assert_eq!(shop.figures().await.0, 0);
            let rewards = shop.rewards().await;
            assert_eq!(
                rewards.iter().map(|one| one.earned.minor() - one.clawed_back.minor()).sum::<i64>(),
                40 * i64::from(!is_decided)
            );
            if !is_decided {
                shop.refund(id, shop.new_step(), 4_000).await.expect(200);
                assert_eq!(seen(&shop, dispute.id).await.expect("told").state(), "refunded", "nothing is held");
                assert_eq!(shop.figures().await.0, 0);
            }
        }
    })
    .await;
}

/// What the second statement of a card says whose first asks for purchases of 400 and an installment of 600 on a plan: the
/// interest, the fee, and what is past due. Nothing is paid.
async fn second_statement(
    on: &str,
    disputed_on: Option<Date>,
    whole_of: impl Fn(PurchaseId, PurchaseId) -> PurchaseId,
    withdrawn_on: Option<Date>,
) -> Vec<(i64, i64, i64, i64)> {
    let said = std::sync::Mutex::new(Vec::new());
    on_each_engine(async |world| {
        let opened_card = Opened::new(&world).await;
        let shop = &opened_card.shop;
        opened_card.moves(MoveKind::Purchase, 40_000).await;
        let lamps = shop.purchases().await[0].id;
        let sofa = on_a_plan(&world, shop, 60_000).await;
        opened_card.at_noon_of(date(2027, 3, 28));
        world.work().await;
        let mut open = None;
        if let Some(day) = disputed_on {
            opened_card.at_noon_of(day);
            let device = world.device(shop.device.holder).await;
            let id = DisputeId::new(world.now(), world.app.chance10());
            let wish = wish(whole_of(lamps, sofa), DisputeReason::NotReceived);
            device.put(&format!("/api/v1/disputes/{id}"), &wish).await.expect(200);
            open = Some(id);
        }
        if let Some((day, id)) = withdrawn_on.zip(open) {
            opened_card.at_noon_of(day);
            let device = world.device(shop.device.holder).await;
            device.post(&format!("/api/v1/disputes/{id}/withdraw"), &json!({})).await.expect(200);
            let asked = opened_card.account().await.card.expect("served").minimum_left;
            assert_eq!(asked, Some(usd(8_000)), "{on}: it is asked for again at once");
        }
        opened_card.at_noon_of(date(2027, 4, 27));
        world.work().await;
        let second = opened_card.statements().await[1].clone();
        let issued = second.issued.expect("its figures");
        let left = issued.plans.first().map_or(0, |plan| plan.left.minor());
        let (totals, bill) = (issued.totals, issued.bill);
        said.lock().unwrap().push((totals.interest.minor(), totals.fees.minor(), bill.past_due.minor(), left));
    })
    .await;
    said.into_inner().unwrap()
}

#[tokio::test]
async fn what_was_on_a_plan_and_is_disputed_pays_for_no_purchase() {
    // 400.00 over 31 days at 27.99 % are 9.51, whatever is said of the 600.00 that are on the plan.
    let plan = second_statement("the plan", Some(date(2027, 4, 2)), |_, sofa| sofa, None).await;
    assert!(plan.iter().all(|said| *said == (951, 0, 0, 0)), "{plan:?}");
}

#[tokio::test]
async fn a_dispute_that_is_taken_back_in_its_cycle_moves_no_due_date() {
    let never = second_statement("never", None, |lamps, _| lamps, None).await;
    assert!(never.iter().all(|said| *said == (951, 2_900, 8_000, 60_000)), "{never:?}");
    let pick: [fn(PurchaseId, PurchaseId) -> PurchaseId; 2] = [|lamps, _| lamps, |_, sofa| sofa];
    for whole_of in pick {
        let back = second_statement("in time", Some(date(2027, 4, 2)), whole_of, Some(date(2027, 4, 10))).await;
        assert_eq!(back, never, "as if it had never been disputed");
        // By its day nobody had to pay it: there is no fee, and what is missing is asked for.
        let late = second_statement("late", Some(date(2027, 4, 2)), whole_of, Some(date(2027, 4, 21))).await;
        assert!(late.iter().all(|said| (said.1, said.2, said.3) == (0, 8_000, 60_000)), "{late:?}");
    }
}

/// What the third statement of a card says that was charged 400.00 in March, of which so much is disputed after the
/// statement of April and decided for its person: what is owed after the decision, and the lines that gave something back.
async fn after_a_decision(
    world: &World,
    disputed: Option<i64>,
    paid: Option<i64>,
) -> (i64, Vec<(String, i64)>, StatementSummary) {
    let opened_card = Opened::new(world).await;
    opened_card.moves(MoveKind::Purchase, 40_000).await;
    let shop = &opened_card.shop;
    let purchase = shop.purchases().await[0].id;
    for day in [date(2027, 3, 28), date(2027, 4, 10)] {
        opened_card.at_noon_of(day);
        world.work().await;
    }
    if let Some(minor) = paid {
        opened_card.moves(MoveKind::Payment, minor).await;
    }
    opened_card.at_noon_of(date(2027, 4, 28));
    world.work().await;
    let device = world.device(shop.device.holder).await;
    let id = DisputeId::new(world.now(), world.app.chance10());
    let wish = DisputeWish { amount: disputed.map(usd), ..wish(purchase, DisputeReason::NotReceived) };
    device.put(&format!("/api/v1/disputes/{id}"), &wish).await.expect(200);
    opened_card.at_noon_of(date(2027, 5, 3));
    decide(&world.app, id, true, "The carrier lost it").await.expect("open");
    assert_eq!(decide(&world.app, id, true, "Again").await.expect_err("decided").code(), ErrorCode::NotFound);
    let owed = opened_card.account().await.balance.expect("known").negated().minor();
    opened_card.moves(MoveKind::Purchase, 20_000).await;
    opened_card.at_noon_of(date(2027, 5, 28));
    world.work().await;
    let third = opened_card.statements().await[2].clone();
    let mut tx = world.app.db.begin_read().await.unwrap();
    let lines = feed::posted_lines(&mut tx, shop.device.holder, shop.card.as_uuid(), third.opened_on, third.closed_on);
    let lines = lines.await.unwrap();
    let back = lines.into_iter().filter(|line| line.description.contains("given back after a dispute"));
    let mut back: Vec<(String, i64)> = back.map(|line| (line.description, line.amount.minor())).collect();
    back.sort();
    (owed, back, third)
}

#[tokio::test]
async fn what_came_of_a_wrong_charge_is_given_back_with_it() {
    on_each_engine(async |world| {
        // Nothing was paid of 400.00: 9.51 of interest and a late fee of 29.00 came of it.
        let (owed, back, third) = after_a_decision(&world, None, None).await;
        let [fee, interest] = [(LATE_FEE_CREDITED, 2_900), (INTEREST_CREDITED, 951)];
        assert_eq!(back, [interest, fee].map(|(words, minor)| (words.to_owned(), minor)));
        assert_eq!(owed, 0);
        let issued = third.issued.expect("its figures");
        assert_eq!((third.opening, third.closing), (usd(-43_851), usd(-20_000)));
        assert_eq!(issued.totals.credits, usd(43_851));
        assert_eq!(
            (issued.totals.interest, issued.totals.fees),
            (usd(0), usd(0)),
            "nor does anything come of it later"
        );
        assert_eq!(issued.grace, domain::card::Grace::Kept);
    })
    .await;
}

#[tokio::test]
async fn of_a_part_that_was_wrong_only_what_came_of_that_part_is_given_back() {
    on_each_engine(async |world| {
        // 250.00 of the 400.00 were owed all along: 5.94 of the 9.51, and the fee too.
        let (owed, back, _) = after_a_decision(&world, Some(15_000), None).await;
        assert_eq!(back, [(INTEREST_CREDITED.to_owned(), 357)]);
        assert_eq!(owed, 25_000 + 594 + 2_900);
    })
    .await;
}

#[tokio::test]
async fn who_paid_all_but_a_wrong_charge_bears_no_interest_for_it() {
    on_each_engine(async |world| {
        // 250.00 were paid in time: what was left is the wrong part, with its 3.57 and without a fee.
        let (owed, back, third) = after_a_decision(&world, Some(15_000), Some(25_000)).await;
        assert_eq!(back, [(INTEREST_CREDITED.to_owned(), 357)]);
        assert_eq!(owed, 0);
        let issued = third.issued.expect("its figures");
        assert_eq!((third.closing, issued.totals.interest), (usd(-20_000), usd(0)));
    })
    .await;
}

#[tokio::test]
async fn what_came_of_what_a_merchant_gave_back_while_it_was_disputed_is_given_back() {
    // 400.00 of March bore 9.51 and a fee of 29.00. Whether they are disputed, what the merchant gives back, how the rest
    // ends, what is owed then, and what was given back of interest and late fee.
    let cases = [
        (true, 40_000, None, 0, (951, 2_900)),
        (true, 15_000, Some("against"), 25_000 + 594 + 2_900, (357, 0)),
        (true, 15_000, Some("withdrawn"), 25_000 + 594 + 2_900, (357, 0)),
        (true, 15_000, Some("for"), 0, (951, 2_900)),
        (false, 40_000, None, 3_851, (0, 0)),
    ];
    for (disputed, refunded, ends, owed, expected) in cases {
        on_each_engine(async |world| {
            let told = format!("{refunded} refunded, {ends:?}");
            let opened_card = Opened::new(&world).await;
            opened_card.moves(MoveKind::Purchase, 40_000).await;
            let shop = &opened_card.shop;
            let purchase = shop.purchases().await[0].id;
            for day in [date(2027, 3, 28), date(2027, 4, 28)] {
                opened_card.at_noon_of(day);
                world.work().await;
            }
            let device = world.device(shop.device.holder).await;
            let id = DisputeId::new(world.now(), world.app.chance10());
            if disputed {
                let wish = wish(purchase, DisputeReason::NotReceived);
                device.put(&format!("/api/v1/disputes/{id}"), &wish).await.expect(200);
            }
            opened_card.moves(MoveKind::Refund, refunded).await;
            match ends {
                Some("withdrawn") => {
                    device.post(&format!("/api/v1/disputes/{id}/withdraw"), &json!({})).await.expect(200);
                }
                Some(outcome) => {
                    decide(&world.app, id, outcome == "for", "So it is").await.expect("open");
                }
                None => {}
            }
            let left = opened_card.account().await.balance.expect("known").negated().minor();
            assert_eq!(left, owed, "{told}");
            let mut tx = world.app.db.begin_read().await.unwrap();
            let (first, last) = (date(2027, 4, 1), date(2027, 4, 30));
            let lines =
                feed::posted_lines(&mut tx, shop.device.holder, shop.card.as_uuid(), first, last).await.unwrap();
            let back = |words: &str| -> i64 {
                lines.iter().filter(|line| line.description == words).map(|line| line.amount.minor()).sum()
            };
            assert_eq!((back(INTEREST_CREDITED), back(LATE_FEE_CREDITED)), expected, "{told}");
        })
        .await;
    }
}

/// What is owed after a purchase of 400.00 was charged in March, of which the wallet paid 300.00 by a reload of that day, and
/// all of it was disputed on 28 April and decided for its person in June; and what was given back then. Nothing was paid.
async fn after_a_decision_on_what_a_wallet_paid(world: &World, refunded: i64) -> (i64, Vec<(String, i64)>) {
    let opened_card = Opened::new(world).await;
    let shop = &opened_card.shop;
    let reload = json!({"id": PlanId::new(world.now(), world.app.chance10()), "amount": usd(30_000)});
    shop.device.post(&format!("/api/v1/cards/{}/wallet", shop.card), &reload).await.expect(204);
    let first = json!({"on": true});
    shop.device.put(&format!("/api/v1/cards/{}/wallet/checkout", shop.card), &first).await.expect(204);
    opened_card.moves(MoveKind::Purchase, 40_000).await;
    let purchase = shop.purchases().await[0].id;
    for day in [date(2027, 3, 26), date(2027, 4, 26), date(2027, 4, 28)] {
        opened_card.at_noon_of(day);
        world.work().await;
    }
    let device = world.device(shop.device.holder).await;
    let id = DisputeId::new(world.now(), world.app.chance10());
    let wish = wish(purchase, DisputeReason::NotReceived);
    device.put(&format!("/api/v1/disputes/{id}"), &wish).await.expect(200);
    if refunded > 0 {
        opened_card.moves(MoveKind::Refund, refunded).await;
    }
    for day in [date(2027, 5, 26), date(2027, 6, 3)] {
        opened_card.at_noon_of(day);
        world.work().await;
    }
    decide(&world.app, id, true, "The carrier lost it").await.expect("open");
    let mut tx = world.app.db.begin_read().await.unwrap();
    let (first, last) = (date(2027, 6, 1), date(2027, 6, 30));
    let lines = feed::posted_lines(&mut tx, shop.device.holder, shop.card.as_uuid(), first, last).await.unwrap();
    let back = lines.into_iter().filter(|line| line.description.contains("given back after a dispute"));
    let back = back.map(|line| (line.description, line.amount.minor())).collect();
    (opened_card.account().await.balance.expect("known").negated().minor(), back)
}

#[tokio::test]
async fn what_came_of_a_wrong_charge_that_a_wallet_paid_in_part_is_given_back_with_it() {
    // 400.00 bore 9.51 in April, and 438.51 for two days and then 38.51 bore 1.50 in May. Without the 100.00 that the card
    // paid, the reload bears 7.13; 336.13 for two days and then 36.13 bear 1.29. The minimum was missed anyway.
    for refunded in [0, 5_000] {
        on_each_engine(async |world| {
            let (owed, back) = after_a_decision_on_what_a_wallet_paid(&world, refunded).await;
            assert_eq!(back, [(INTEREST_CREDITED.to_owned(), 951 + 150 - 713 - 129)], "{refunded} refunded");
            assert_eq!(owed, 713 + 2_900 + 129, "{refunded} refunded");
        })
        .await;
    }
}

#[tokio::test]
async fn what_came_of_two_wrong_parts_is_given_back_once() {
    on_each_engine(async |world| {
        let opened_card = Opened::new(&world).await;
        opened_card.moves(MoveKind::Purchase, 40_000).await;
        let shop = &opened_card.shop;
        let purchase = shop.purchases().await[0].id;
        for day in [date(2027, 3, 28), date(2027, 4, 28)] {
            opened_card.at_noon_of(day);
            world.work().await;
        }
        let device = world.device(shop.device.holder).await;
        let mut owed = Vec::new();
        for (reason, minor) in [(DisputeReason::NotReceived, 15_000), (DisputeReason::WrongAmount, 25_000)] {
            world.advance(SignedDuration::from_secs(1));
            let id = DisputeId::new(world.now(), world.app.chance10());
            device.put(&format!("/api/v1/disputes/{id}"), &part(purchase, reason, minor)).await.expect(200);
            decide(&world.app, id, true, "So it is").await.expect("open");
            owed.push(opened_card.account().await.balance.expect("known").negated().minor());
        }
        assert_eq!(owed, [25_000 + 594 + 2_900, 0]);
    })
    .await;
}

#[tokio::test]
async fn deferred_interest_that_a_wrong_charge_landed_is_given_back() {
    on_each_engine(async |world| {
        let opened_card = Opened::new(&world).await;
        let shop = &opened_card.shop;
        let purchase = shop.new_id();
        shop.ask(purchase, 60_000).await.expect(200);
        shop.capture(purchase, shop.new_step(), 60_000, true).await.expect(200);
        let plan = PlanId::new(world.now(), world.app.chance10());
        let path = format!("/api/v1/cards/{}/plans/{plan}", shop.card);
        let offer = PlanOffer::DeferredInterest { months: 6 };
        shop.device.put(&path, &json!({"purchase": purchase, "offer": offer})).await.expect(200);
        for month in 3..=9 {
            opened_card.at_noon_of(date(2027, month, 28));
            world.work().await;
        }
        let charged = |statement: &StatementSummary| statement.issued.as_ref().expect("its figures").totals.interest;
        let before: i64 = opened_card.statements().await.iter().map(|one| charged(one).minor()).sum();
        assert!(before > 8_000, "half a year of 600.00 at 27.99 %: {before}");
        let device = world.device(shop.device.holder).await;
        let id = DisputeId::new(world.now(), world.app.chance10());
        device.put(&format!("/api/v1/disputes/{id}"), &wish(purchase, DisputeReason::NotMine)).await.expect(200);
        decide(&world.app, id, true, "It was stolen").await.expect("open");
        assert_eq!(opened_card.account().await.balance, Some(usd(0)));
    })
    .await;
}

// ---- Random histories --------------------------------------------------------------------------------------------

const STEPS: usize = 40;

/// What the model knows of a purchase, in cents.
#[derive(Default)]
struct Charge {
    id: Option<PurchaseId>,
    charged: i64,
    refunded: i64,
    /// What decisions left with the person.
    kept: i64,
    /// Each open dispute with what it gave back, the oldest first.
    open: Vec<(DisputeId, i64)>,
    /// Reasons that were decided against.
    lost: Vec<DisputeReason>,
    said: usize,
}

impl Charge {
    fn left(&self) -> i64 {
        self.charged - self.refunded - self.kept - self.open.iter().map(|one| one.1).sum::<i64>()
    }
}

#[test]
fn random_disputes_of_parts_agree_with_a_model() {
    on_each_engine_by_seed(seeds::seeds(3, 400), async |world, seed| {
        let shop = Shop::new(world, 9_000_000).await;
        let mut dice = Dice::new(seed);
        let reasons = [DisputeReason::WrongAmount, DisputeReason::NotReceived, DisputeReason::NotAsAgreed];
        let mut charges: Vec<Charge> = Vec::new();
        for step in 0..STEPS {
            world.advance(SignedDuration::from_secs(2));
            if charges.is_empty() || dice.roll(8) == 0 {
                charges.push(Charge { id: Some(charged(&shop).await), charged: 8_000, ..Charge::default() });
                continue;
            }
            let at = usize::try_from(dice.roll(charges.len() as u64)).expect("small");
            let one = &mut charges[at];
            let purchase = one.id.expect("charged");
            match dice.roll(6) {
                0..=2 => {
                    let reason = reasons[usize::try_from(dice.roll(3)).expect("small")];
                    let amount = dice.amount(4_000);
                    let fits = one.said < 10 && !one.lost.contains(&reason) && (1..=one.left()).contains(&amount);
                    let (id, answer) = put(world, &shop, &part(purchase, reason, amount)).await;
                    assert_eq!(answer.status.is_success(), fits, "seed {seed}, {step}: {}", answer.text());
                    if fits {
                        one.open.push((id, amount));
                        one.said += 1;
                    }
                }
                3 if !one.open.is_empty() => {
                    let (id, credited) =
                        one.open.remove(usize::try_from(dice.roll(one.open.len() as u64)).expect("small"));
                    match dice.roll(3) {
                        0 => {
                            decide(&world.app, id, true, "So it is").await.expect("open");
                            one.kept += credited;
                        }
                        1 => {
                            let decided = decide(&world.app, id, false, "It is not").await.expect("open");
                            one.lost.push(decided.reason);
                        }
                        _ => withdraw(&shop, id).await,
                    }
                }
                _ => {
                    let amount = dice.amount(5_000);
                    let fits = amount <= one.charged - one.refunded - one.kept;
                    let answer = shop.refund(purchase, shop.new_step(), amount).await;
                    assert_eq!(answer.status.is_success(), fits, "seed {seed}, {step}: {}", answer.text());
                    if fits {
                        one.refunded += amount;
                        let mut rest = amount;
                        for open in &mut one.open {
                            let ends = rest.min(open.1);
                            open.1 -= ends;
                            rest -= ends;
                        }
                        one.open.retain(|open| open.1 > 0);
                    }
                }
            }
            let owed: i64 = charges.iter().map(Charge::left).sum();
            assert_eq!(shop.figures().await.0, owed, "seed {seed}, {step}");
            let report = crate::audit::run(&world.app.db).await.expect("the audit runs");
            assert!(report.faults.is_empty(), "seed {seed}, step {step}: {:?}", report.faults);
        }
    });
}

#[tokio::test]
async fn of_a_decision_and_a_withdrawal_at_once_one_comes_first() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        for _ in 0..10 {
            let purchase = charged(&shop).await;
            let before = shop.figures().await.0;
            let dispute = opened(&world, &shop, &wish(purchase, DisputeReason::NotReceived)).await;
            let path = format!("/api/v1/disputes/{}/withdraw", dispute.id);
            let body = json!({});
            let (decided, withdrawn) = tokio::join!(
                decide(&world.app, dispute.id, true, "The merchant agreed"),
                shop.device.post(&path, &body)
            );
            assert!(decided.is_ok() != withdrawn.status.is_success(), "one of the two");
            let stays = if decided.is_ok() { before - 8_000 } else { before };
            assert_eq!(shop.figures().await.0, stays);
        }
    })
    .await;
}
