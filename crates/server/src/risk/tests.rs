use api::devices::{CoarsePlace, DeviceList};
use api::error::ErrorCode;
use api::risk::{RiskDecision, RiskDecisionList};
use api::security::EventAnswer;
use api::sync::{Page, Record};
use domain::risk::RiskReason as Reason;
use domain::security::{SecurityEvent, open_questions};
use jiff::SignedDuration;

use super::*;
use crate::testing::places::{HANOI, HOME, LISBON};
use crate::testing::{TestDevice, World, on_each_engine};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const ADDRESSES: &str = "/api/v1/security/addresses";
const PASSKEYS: &str = "/api/v1/security/passkeys";

/// Somebody who has used their desk from home for three days, last a moment ago.
async fn at_home(world: &World) -> TestDevice {
    world.at_source(HOME);
    let desk = world.holder().await;
    for _ in 0..3 {
        world.advance(DAY);
        desk.refresh().await.expect(200);
    }
    desk
}

async fn decisions(device: &TestDevice) -> Vec<RiskDecision> {
    device.get("/api/v1/risk/decisions").await.ok::<RiskDecisionList>().items
}

/// Back at the desk, after a while.
async fn back_home(world: &World, desk: &TestDevice) {
    world.at_source(HOME);
    desk.refresh().await.expect(200);
}

fn reasons(decision: &RiskDecision) -> Vec<Reason> {
    decision.reasons.iter().map(|point| point.reason).collect()
}

async fn log(device: &TestDevice) -> Vec<SecurityEvent> {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        Record::SecurityEvent(event) => Some(event),
        _ => None,
    });
    events.collect()
}

async fn questions(device: &TestDevice) -> Vec<SecurityEvent> {
    open_questions(&log(device).await).into_iter().cloned().collect()
}

async fn answer(device: &TestDevice, number: i64, mine: bool) -> crate::testing::Answer {
    device.post(&format!("/api/v1/security/events/{number}/answer"), &EventAnswer { mine }).await
}

#[tokio::test]
async fn ordinary_days_at_home_leave_nothing_to_say() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        world.advance(DAY * 9);
        desk.refresh().await.expect(200);
        assert_eq!(decisions(&desk).await, []);
        assert_eq!(questions(&desk).await, []);
        let list: DeviceList = desk.get("/api/v1/devices").await.ok();
        let boston = CoarsePlace { country: "US".to_owned(), city: Some("Boston".to_owned()) };
        assert_eq!(list.items[0].place, Some(boston));
        assert!(desk.get("/api/v1/risk/decisions").await.ok::<RiskDecisionList>().places_known);
    })
    .await;
}

#[tokio::test]
async fn a_new_device_from_far_away_is_asked_about_with_its_reasons_and_a_yes_makes_it_usual() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        world.advance(HOUR * 9);
        world.at_source(LISBON);
        let laptop = world.device(desk.holder).await;
        back_home(&world, &desk).await;
        let [decision] = &decisions(&desk).await[..] else { panic!("one decision") };
        assert_eq!(reasons(decision), [Reason::CountryNew, Reason::DeviceNew]);
        assert_eq!((decision.score, decision.verdict), (44, RiskVerdict::StepUp));
        assert_eq!((decision.occasion, decision.device), (RiskOccasion::SignIn, Some(laptop.device)));
        assert_eq!(decision.version, domain::risk::weights::VERSION);
        let lisbon = CoarsePlace { country: "PT".to_owned(), city: Some("Lisbon".to_owned()) };
        assert_eq!(decision.place, Some(lisbon));
        // The entry for the new device asks anyway: there is no second question.
        let [question] = &questions(&desk).await[..] else { panic!("one question") };
        assert_eq!((question.kind, decision.event), (SecurityEventKind::DeviceAdded, Some(question.number)));
        // Whoever got in does not answer for the owner.
        assert_eq!(answer(&laptop, question.number, true).await.code(), ErrorCode::AnswerElsewhere);
        answer(&desk, question.number, true).await.expect(204);
        world.at_source(LISBON);
        laptop.refresh().await.expect(200);
        let [decision] = &decisions(&desk).await[..] else { panic!("nothing more is unusual") };
        assert_eq!(decision.mine, Some(true));
        laptop.post(PASSKEYS, &()).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_copied_device_is_asked_about_once_and_reading_goes_on() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        let laptop = world.device(desk.holder).await;
        answer(&desk, questions(&desk).await[0].number, true).await.expect(204);
        world.advance(SignedDuration::from_mins(30));
        world.at_source(HANOI);
        for _ in 0..4 {
            laptop.refresh().await.expect(200);
            world.advance(SignedDuration::from_mins(4));
        }
        laptop.get("/api/v1/sync").await.expect(200);
        back_home(&world, &desk).await;
        let all = decisions(&desk).await;
        assert_eq!(all.len(), 2, "the same again is the same decision: {all:?}");
        assert_eq!(reasons(&all[0]), [Reason::ImpossibleTravel, Reason::CountryNew]);
        assert!(all[0].last_at > all[0].at);
        let [question] = &questions(&desk).await[..] else { panic!("one question") };
        assert_eq!((question.kind, question.device), (SecurityEventKind::RiskNoticed, Some(laptop.device)));
        assert_eq!(question.name.as_deref(), Some("Laptop"));
        answer(&desk, question.number, false).await.expect(204);
        assert_eq!(laptop.get("/api/v1/me").await.code(), ErrorCode::DeviceRevoked);
        assert_eq!(decisions(&desk).await[0].mine, Some(false));
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_ways_in_that_is_too_unusual_waits_for_its_owner() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        world.advance(HOUR);
        world.at_source(HANOI);
        let laptop = world.device(desk.holder).await;
        world.advance(SignedDuration::from_secs(1));
        assert_eq!(laptop.post(PASSKEYS, &()).await.code(), ErrorCode::Unusual);
        let theirs = serde_json::json!({"id": desk.device, "kind": "email", "value": "thief@example.org"});
        assert_eq!(laptop.post(ADDRESSES, &theirs).await.code(), ErrorCode::Unusual);
        back_home(&world, &desk).await;
        let [address, change, sign_in] = &decisions(&desk).await[..] else { panic!("three decisions") };
        assert_eq!((address.occasion, address.event), (RiskOccasion::SecurityChange, sign_in.event));
        assert_eq!(change.occasion, RiskOccasion::SecurityChange);
        assert_eq!(reasons(change), [Reason::ImpossibleTravel, Reason::CountryNew, Reason::DeviceYoung]);
        assert_eq!((change.verdict, sign_in.verdict), (RiskVerdict::Hold, RiskVerdict::Hold));
        assert_eq!(change.event, sign_in.event, "one question for both");
        // Reading and taking power away go on.
        laptop.get("/api/v1/sync").await.expect(200);
        answer(&desk, change.event.expect("a question"), true).await.expect(204);
        world.at_source(HANOI);
        laptop.post(PASSKEYS, &()).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_token_without_its_key_counts_against_the_next_sign_in() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        let thief = crate::testing::DeviceKey::new();
        let mut claims = world.claims("GET", "/api/v1/me");
        let hash = <sha2::Sha256 as sha2::Digest>::digest(desk.access_token());
        claims["ath"] = data_encoding::BASE64URL_NOPAD.encode(&hash).into();
        let request = axum::http::Request::get("/api/v1/me")
            .header("authorization", format!("DPoP {}", desk.access_token()))
            .header("DPoP", thief.proof(&claims));
        let answer = world.call(request.body(axum::body::Body::empty()).expect("a request")).await;
        assert_eq!(answer.code(), ErrorCode::InvalidProof);
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &desk.refresh_token()),
            ("client_id", api::sign_in::CLIENT_ID),
        ];
        world.oauth(&thief, api::sign_in::TOKEN_PATH, &form).await.expect(400);
        world.device(desk.holder).await;
        assert_eq!(reasons(&decisions(&desk).await[0]), [Reason::DeviceNew, Reason::ForeignProof]);
        world.advance(DAY * 2);
        desk.refresh().await.expect(200);
        assert_eq!(decisions(&desk).await.len(), 1, "a day later it is forgotten");
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_failures_ask_nothing_and_stop_nobody() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        for _ in 0..world.of_many(10_000) {
            mark(&mut tx, desk.holder, Mark::FailedTry, world.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        desk.refresh().await.expect(200);
        desk.post(PASSKEYS, &()).await.expect(201);
        let all = decisions(&desk).await;
        assert!(all.iter().all(|decision| reasons(decision) == [Reason::ManyFailedTries]));
        assert!(all.iter().all(|decision| decision.verdict == RiskVerdict::Allow && decision.event.is_none()));
        assert_eq!(questions(&desk).await, []);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_read_stops_changes_and_never_reading() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        store::spoil(&mut tx, "UPDATE risk_sighting SET latitude = 9999, longitude = 0").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(desk.post(PASSKEYS, &()).await.code(), ErrorCode::Internal, "no score, no change");
        desk.get("/api/v1/sync").await.expect(200);
        desk.refresh().await.expect(200);
        desk.get("/api/v1/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn old_habits_and_decisions_are_forgotten() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        world.advance(HOUR * 9);
        world.at_source(LISBON);
        let laptop = world.device(desk.holder).await;
        assert_eq!(decisions(&laptop).await.len(), 1);
        world.advance(DAY * 401);
        sweep(&world.app).await.unwrap();
        let mut tx = world.app.db.begin_read().await.unwrap();
        assert_eq!(tx.ask(store::seen(desk.holder)).await.unwrap(), []);
        assert!(store::list(&mut tx, desk.holder, LISTED).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_account_that_was_got_back_is_looked_at_harder_for_a_while() {
    on_each_engine(async |world| {
        let desk = at_home(&world).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        let (at, by) = (world.now(), Some(desk.device));
        let kind = SecurityEventKind::RecoveryFinished;
        let happened = Happened { at, kind, by, device: None, name: None, about: None };
        security::record(&mut tx, desk.holder, happened).await.unwrap();
        tx.commit().await.unwrap();
        let reasons = async || {
            let mut tx = world.app.db.begin_read().await.unwrap();
            let question = Question::new(RiskOccasion::Refresh, Some(desk.device), None);
            let looked = look(&world.app, &mut tx, desk.holder, question).await.unwrap();
            looked.score.points.iter().map(|point| point.reason).collect::<Vec<_>>()
        };
        assert_eq!(reasons().await, [Reason::Recovered]);
        world.advance(DAY * 60);
        assert_eq!(reasons().await, []);
    })
    .await;
}
