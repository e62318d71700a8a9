use api::error::ErrorCode;
use api::security::EventAnswer;
use api::sync::{Page, Record};
use domain::security::{SecurityEvent, SecurityEventKind as Kind, first_break, open_questions};

use crate::testing::{TestDevice, on_each_engine};

/// The log as a device has it, from the feed.
async fn log(device: &TestDevice) -> Vec<SecurityEvent> {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        Record::SecurityEvent(event) => Some(event),
        _ => None,
    });
    events.collect()
}

fn kinds(log: &[SecurityEvent]) -> Vec<Kind> {
    log.iter().map(|event| event.kind).collect()
}

fn path(number: i64) -> String {
    format!("/api/v1/security/events/{number}/answer")
}

#[tokio::test]
async fn every_way_in_is_written_down_and_each_device_holds_the_chain() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        desk.delete(&format!("/api/v1/devices/{}", laptop.device)).await.expect(204);
        desk.delete(&format!("/api/v1/devices/{}", laptop.device)).await.expect(204);
        let log = log(&desk).await;
        assert_eq!(
            kinds(&log),
            [Kind::AccountCreated, Kind::DeviceAdded, Kind::DeviceAdded, Kind::DeviceSignedOut],
            "signing out twice is one event"
        );
        assert_eq!(first_break(&log), None);
        assert_eq!((log[3].by, log[3].device), (Some(desk.device), Some(laptop.device)));
        assert_eq!(log[3].name.as_deref(), Some("Laptop"));
    })
    .await;
}

#[tokio::test]
async fn a_token_that_comes_back_is_written_down() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        let old = laptop.refresh_token();
        laptop.refresh().await.expect(200);
        laptop.get("/api/v1/me").await.expect(200);
        world.advance(jiff::SignedDuration::from_secs(1));
        let form = [("grant_type", "refresh_token"), ("refresh_token", &old), ("client_id", api::sign_in::CLIENT_ID)];
        world.oauth(&laptop.key, api::sign_in::TOKEN_PATH, &form).await.expect(400);
        let log = log(&desk).await;
        assert_eq!(kinds(&log)[3..], [Kind::TokenReused, Kind::DeviceSignedOut]);
    })
    .await;
}

#[tokio::test]
async fn a_computer_whose_sign_in_ended_without_a_word_keeps_no_question_open() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        assert_eq!(laptop.post(&path(3), &EventAnswer { mine: true }).await.code(), ErrorCode::AnswerElsewhere);
        // The laptop goes on; the desk was given away and not used any more.
        for _ in 0..2 {
            world.advance(jiff::SignedDuration::from_hours(8 * 24));
            laptop.refresh().await.expect(200);
        }
        laptop.post(&path(3), &EventAnswer { mine: true }).await.expect(204);
        assert!(open_questions(&log(&laptop).await).iter().all(|event| event.number != 3));
    })
    .await;
}

#[tokio::test]
async fn was_this_you_is_answered_once_and_a_no_signs_the_device_out() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let (laptop, stranger) = (world.device(desk.holder).await, world.device(desk.holder).await);
        let asked: Vec<i64> = open_questions(&log(&desk).await).iter().map(|event| event.number).collect();
        assert_eq!(asked, [3, 4]);
        desk.post(&path(3), &EventAnswer { mine: true }).await.expect(204);
        desk.post(&path(4), &EventAnswer { mine: false }).await.expect(204);
        laptop.get("/api/v1/me").await.expect(200);
        assert_eq!(stranger.get("/api/v1/me").await.code(), ErrorCode::DeviceRevoked);
        // A second answer changes nothing.
        desk.post(&path(3), &EventAnswer { mine: false }).await.expect(204);
        laptop.get("/api/v1/me").await.expect(200);
        let log = log(&desk).await;
        assert_eq!(kinds(&log)[4..], [Kind::ConfirmedAsMine, Kind::ReportedAsNotMine, Kind::DeviceSignedOut]);
        assert!(open_questions(&log).is_empty());
        let other = world.holder().await;
        assert_eq!(other.post(&path(4), &EventAnswer { mine: false }).await.code(), ErrorCode::NotFound);
        assert_eq!(desk.post(&path(99), &EventAnswer { mine: true }).await.code(), ErrorCode::NotFound);
    })
    .await;
}
