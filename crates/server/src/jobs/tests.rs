use super::*;
use crate::testing::on_each_engine;

#[tokio::test]
async fn a_taken_job_is_left_alone_until_its_lease_ends() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let subject = Uuid::from_u128(7);
        let now = world.now();
        let mut tx = world.app.db.begin_write().await.unwrap();
        put(&mut tx, device.holder, Kind::Ask, subject, now).await.unwrap();
        tx.commit().await.unwrap();
        let take = async || {
            let now = world.now();
            let mut tx = world.app.db.begin_write().await.unwrap();
            let until = now.checked_add(LEASE).unwrap();
            let jobs = store::take(&mut tx, now, until, TAKEN_AT_ONCE).await.unwrap();
            tx.commit().await.unwrap();
            jobs
        };
        let both = tokio::join!(take(), take());
        assert_eq!(both.0.len() + both.1.len(), 1, "one of two takes it");
        assert!(take().await.is_empty());
        world.advance(LEASE);
        let again = take().await;
        assert_eq!((again.len(), again[0].tries), (1, 2), "who comes next learns that it was begun");
        let mut tx = world.app.db.begin_write().await.unwrap();
        done(&mut tx, &again[0]).await.unwrap();
        tx.commit().await.unwrap();
        world.advance(LEASE);
        assert!(take().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn jobs_come_in_the_order_of_their_time_and_never_early() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let now = world.now();
        let mut tx = world.app.db.begin_write().await.unwrap();
        for (subject, seconds) in [(1_u128, 20), (2, 10), (3, 30)] {
            let due_at = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
            put(&mut tx, device.holder, Kind::Ask, Uuid::from_u128(subject), due_at).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(run_due(&world.app).await.unwrap(), 0);
        let mut tx = world.app.db.begin_read().await.unwrap();
        let next = store::next_due(&mut tx).await.unwrap().unwrap();
        assert_eq!(next.duration_since(now), SignedDuration::from_secs(10));
        drop(tx);
        world.advance(SignedDuration::from_secs(20));
        // Their payments are not there: each is over at once.
        assert_eq!(run_due(&world.app).await.unwrap(), 2);
        world.advance(SignedDuration::from_secs(20));
        assert_eq!(run_due(&world.app).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_job_given_back_unbegun_is_new_to_who_comes_next() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let now = world.now();
        let mut tx = world.app.db.begin_write().await.unwrap();
        put(&mut tx, device.holder, Kind::Submit, Uuid::from_u128(7), now).await.unwrap();
        let until = now.checked_add(LEASE).unwrap();
        let taken = store::take(&mut tx, now, until, TAKEN_AT_ONCE).await.unwrap();
        tx.commit().await.unwrap();
        give_back(&world.app, &taken[0]).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        let again = store::take(&mut tx, now, until, TAKEN_AT_ONCE).await.unwrap();
        // A second try is only asked about, which would hold up an order that never left.
        assert_eq!((again.len(), again[0].tries), (1, 1));
    })
    .await;
}
