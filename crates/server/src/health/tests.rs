use std::sync::Arc;

use super::*;
use crate::testing::{World, on_each_engine, some_at_once};
use domain::time::ManualClock;
use serde_json::json;
use uuid::Uuid;

/// A look of its own.
async fn asked(world: &World) -> (StatusCode, serde_json::Value) {
    *world.app.health.last.lock().await = None;
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

#[tokio::test]
async fn a_clock_that_stays_where_it_was_set_back_to_is_followed() {
    on_each_engine(async |world| {
        assert_eq!(asked(&world).await.0, StatusCode::OK);
        world.advance(SignedDuration::from_hours(-1));
        assert_eq!(asked(&world).await, not("clock_set_back"));
        world.advance(FOLLOWED_AFTER - SignedDuration::from_secs(1));
        assert_eq!(asked(&world).await, not("clock_set_back"));
        world.advance(SignedDuration::from_secs(1));
        assert_eq!(asked(&world).await.0, StatusCode::OK);
        world.advance(-CLOCK_BEHIND);
        assert_eq!(asked(&world).await.0, StatusCode::OK, "from here on by this clock");
        world.advance(SignedDuration::from_secs(-1));
        assert_eq!(asked(&world).await, not("clock_set_back"));
    })
    .await;
}

#[tokio::test]
async fn a_node_whose_clock_is_ahead_makes_no_other_one_wait() {
    on_each_engine(async |world| {
        let ahead = ManualClock::at(world.now() + CLOCK_BEHIND + SignedDuration::from_secs(1));
        let ahead = App { clock: Arc::new(ahead), ..world.app.clone() };
        let found = (look(&ahead).await, look(&world.app).await);
        if world.engine == "PostgreSQL" {
            assert_eq!(found, (vec![Unready::ClockAhead], vec![]), "the database says which is wrong");
        } else {
            // There is no other clock; it is as when this one was set back.
            assert_eq!(found, (vec![], vec![Unready::ClockSetBack]));
        }
        let behind = ManualClock::at(world.now() - CLOCK_BEHIND - SignedDuration::from_secs(1));
        let behind = App { clock: Arc::new(behind), ..world.app.clone() };
        assert_eq!(look(&behind).await, [Unready::ClockSetBack]);
    })
    .await;
}

#[tokio::test]
async fn the_clock_of_postgresql_is_asked_for() {
    on_each_engine(async |world| {
        if world.engine == "PostgreSQL" {
            let mut tx = world.app.db.begin_write().await.unwrap();
            let (first, second) =
                (store::database_time(&mut tx).await.unwrap(), store::database_time(&mut tx).await.unwrap());
            assert!(first <= second && first > "2026-01-01T00:00:00Z".parse().unwrap());
        }
    })
    .await;
}

#[tokio::test]
async fn all_who_ask_at_once_are_told_what_one_look_found() {
    on_each_engine(async |world| {
        let probes = async || store::probes(&mut world.app.db.read_once().await.unwrap()).await.unwrap();
        let before = probes().await;
        let answers = some_at_once((0..8).map(|_| world.get("/ready"))).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
        assert_eq!(probes().await - before, 1, "written once");
    })
    .await;
}

#[tokio::test]
async fn a_server_of_which_a_part_has_ended_is_not_ready() {
    on_each_engine(async |world| {
        assert_eq!(asked(&world).await.0, StatusCode::OK);
        world.app.health.note_part_ended();
        assert_eq!(asked(&world).await, not("part_ended"));
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
