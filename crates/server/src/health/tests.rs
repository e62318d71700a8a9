use super::*;
use crate::testing::{World, on_each_engine};
use serde_json::json;
use uuid::Uuid;

async fn asked(world: &World) -> (StatusCode, serde_json::Value) {
    let answer = world.get("/ready").await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

fn not(reason: &str) -> (StatusCode, serde_json::Value) {
    (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false, "reasons": [reason] }))
}

#[tokio::test]
async fn a_server_that_can_work_is_ready_and_one_that_stops_is_not() {
    on_each_engine(async |world| {
        assert_eq!(asked(&world).await, (StatusCode::OK, json!({ "ready": true, "reasons": [] })));
        world.app.ending.cancel();
        assert_eq!(asked(&world).await, not("stopping"));
        assert_eq!(world.get("/live").await.status, StatusCode::OK, "the process still runs");
    })
    .await;
}

#[tokio::test]
async fn work_that_nobody_takes_is_said() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        jobs::put(&mut tx, device.holder, jobs::Kind::Follow, Uuid::from_u128(1), world.now()).await.unwrap();
        tx.commit().await.unwrap();
        world.advance(WORK_LATE);
        assert_eq!(asked(&world).await.0, StatusCode::OK);
        world.advance(SignedDuration::from_secs(1));
        assert_eq!(asked(&world).await, not("work_late"));
        world.work().await;
        assert_eq!(asked(&world).await.0, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_is_said() {
    on_each_engine(async |world| {
        assert_eq!(asked(&world).await.0, StatusCode::OK);
        world.advance(-CLOCK_BEHIND);
        assert_eq!(asked(&world).await.0, StatusCode::OK, "nodes differ a little");
        world.advance(SignedDuration::from_secs(-1));
        assert_eq!(asked(&world).await, not("clock_set_back"));
        world.advance(CLOCK_BEHIND);
        assert_eq!(asked(&world).await.0, StatusCode::OK);
    })
    .await;
}

#[test]
fn a_disk_with_less_than_a_twentieth_free_is_nearly_full() {
    assert!(!is_nearly_full(5_000, 100_000));
    assert!(is_nearly_full(4_999, 100_000));
    assert!(is_nearly_full(0, u64::MAX));
    let large = 1 << 42;
    assert!(!is_nearly_full(DISK_FREE_ENOUGH, large), "2 GiB of a large disk are room for long");
    assert!(is_nearly_full(DISK_FREE_ENOUGH - 1, large));
    assert!(!is_nearly_full(0, 0), "a disk of no size says nothing");
}

#[tokio::test]
async fn what_is_done_beside_a_server_counts_days_where_it_does() {
    on_each_engine(async |world| {
        assert_eq!(zone(&world.app.db).await.unwrap(), None, "none has started");
        note_zone(&world.app).await.unwrap();
        assert_eq!(zone(&world.app.db).await.unwrap(), Some(world.app.settings.zone.clone()));
        let moved = world.with_settings(|settings| settings.zone = TimeZone::get("Europe/Berlin").unwrap());
        note_zone(&moved.app).await.unwrap();
        assert_eq!(zone(&world.app.db).await.unwrap(), Some(moved.app.settings.zone.clone()));
    })
    .await;
}
