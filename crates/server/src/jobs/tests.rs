use std::collections::BTreeMap;

use domain::bills::Bill;
use domain::ids::BillId;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::billers;
use crate::db::ways;
use crate::feed::tests::rent;
use crate::payments::approval::tests::order;
use crate::purchases::tests::Shop;
use crate::testing::{World, on_each_engine, on_sqlite};

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
            let jobs = store::take(&mut tx, Queue::Work, now, until, TAKEN_AT_ONCE).await.unwrap();
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
async fn what_is_put_while_a_job_asks_is_not_overwritten_by_its_answer() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let (subject, now) = (Uuid::from_u128(7), world.now());
        let mut tx = world.app.db.begin_write().await.unwrap();
        put(&mut tx, device.holder, Kind::Follow, subject, now).await.unwrap();
        let taken = store::take(&mut tx, Queue::Work, now, now + LEASE, TAKEN_AT_ONCE).await.unwrap().remove(0);
        // There is more to know, while the job has an answer of before.
        put(&mut tx, device.holder, Kind::Follow, subject, now).await.unwrap();
        later_unless_put(&mut tx, &taken, now + LEASE).await.unwrap();
        done_unless_put(&mut tx, &taken).await.unwrap();
        let again = store::take(&mut tx, Queue::Work, now, now + LEASE, TAKEN_AT_ONCE).await.unwrap();
        assert_eq!(again.len(), 1, "it is looked at again, and now");
        later_unless_put(&mut tx, &again[0], now).await.unwrap();
        let again = store::take(&mut tx, Queue::Work, now, now + LEASE, TAKEN_AT_ONCE).await.unwrap();
        assert_eq!(again.len(), 1, "where nobody put it, it goes as it says");
        done_unless_put(&mut tx, &again[0]).await.unwrap();
        assert!(subjects(&mut tx, Kind::Follow).await.unwrap().is_empty());
        tx.commit().await.unwrap();
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
        let next = store::next_due(&mut tx, Queue::Work).await.unwrap().unwrap();
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
        let taken = store::take(&mut tx, Queue::Work, now, until, TAKEN_AT_ONCE).await.unwrap();
        tx.commit().await.unwrap();
        give_back(&world.app, &taken[0]).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        let again = store::take(&mut tx, Queue::Work, now, until, TAKEN_AT_ONCE).await.unwrap();
        // A second try is only asked about, which would hold up an order that never left.
        assert_eq!((again.len(), again[0].tries), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn jobs_that_always_fail_keep_no_others_waiting_and_are_tried_ever_more_seldom() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let later = PaymentOrder { send_on: Some(date(2027, 3, 9)), ..order(&world, 1_000, 0) };
        device.post("/api/v1/payments", &later).await.expect(201);
        world.work().await;
        // More than are taken or looked at in one go.
        let many = TAKEN_AT_ONCE + 1;
        let mut tx = world.app.db.begin_write().await.unwrap();
        for payment in (1..=many.unsigned_abs()).map(|number| Uuid::from_u128(number.into())) {
            store::add_stuck_payment(&mut tx, device.holder, payment).await.unwrap();
            put(&mut tx, device.holder, Kind::Follow, payment, world.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let all_due = async || while run_or_rest(&world.app, Queue::Work).await.unwrap().is_none() {};
        all_due().await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        put(&mut tx, device.holder, Kind::Ask, Uuid::from_u128(7), world.now()).await.unwrap();
        tx.commit().await.unwrap();
        all_due().await;
        let mut tx = world.app.db.begin_read().await.unwrap();
        assert!(subjects(&mut tx, Kind::Ask).await.unwrap().is_empty(), "the younger one had its turn");
        drop(tx);
        for (minutes, expected) in [(0, 1), (1, 2), (1, 2), (1, 3), (2, 3), (1, 4)] {
            world.advance(SignedDuration::from_mins(minutes));
            all_due().await;
            let mut tx = world.app.db.begin_read().await.unwrap();
            assert_eq!(store::tries(&mut tx, Kind::Follow).await.unwrap(), many * expected);
        }
        let mut tx = world.app.db.begin_write().await.unwrap();
        store::remove_stuck_payments(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn mail_that_waits_for_its_carrier_holds_up_no_other_work() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let now = world.now();
        let mails = MAILS_AT_ONCE * 2;
        let mut tx = world.app.db.begin_write().await.unwrap();
        for subject in 1..=mails.unsigned_abs() {
            put(&mut tx, device.holder, Kind::Mail, Uuid::from_u128(subject.into()), now).await.unwrap();
        }
        put(&mut tx, device.holder, Kind::Ask, Uuid::from_u128(7), now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(run_due_of(&world.app, Queue::Work).await.unwrap(), 1, "though it is younger than all mail");
        assert_eq!(waiting_since(&world.app).await.unwrap(), None, "mail makes no server late");
        let taken = run_due_of(&world.app, Queue::Mail).await.unwrap();
        assert_eq!(i64::try_from(taken).unwrap(), MAILS_AT_ONCE, "none waits for its turn with a lease");
    })
    .await;
}

#[tokio::test]
async fn a_job_of_a_newer_version_is_left_as_it_is_and_stops_no_other() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let now = world.now();
        let mut tx = world.app.db.begin_write().await.unwrap();
        store::put_unknown(&mut tx, device.holder, now).await.unwrap();
        put(&mut tx, device.holder, Kind::Ask, Uuid::from_u128(7), now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(run_due(&world.app).await.unwrap(), 1);
        assert_eq!(run_due(&world.app).await.unwrap(), 0);
        sweep(&world.app).await.unwrap();
        let mut tx = world.app.db.begin_write().await.unwrap();
        assert_eq!(store::unknown_kind(&mut tx, now).await.unwrap().as_deref(), Some("of_tomorrow"));
        assert_eq!(store::remove_unknown(&mut tx).await.unwrap(), 0, "to whoever knows it, it is new");
        tx.commit().await.unwrap();
    })
    .await;
}

// ---- ways to the database ----------------------------------------------------------------------------------------

/// A bill of one dollar on the first of each month, the first of them today, that is paid by itself.
async fn pays_itself(world: &World) {
    let device = world.holder().await;
    let id = BillId::new(world.now(), world.app.chance10());
    let dollar = Money::new(100, Currency::USD).unwrap();
    let biller = billers::directory().iter().find(|biller| biller.payable).map(|biller| biller.id);
    let bill = Bill { id, biller, amount: dollar, ..rent(world) };
    device.put(&format!("/api/v1/bills/{id}"), &bill).await.expect(200);
    let terms = json!({"amount": {"pay": "left"}, "cap": dollar, "method": null, "days_before": 0});
    device.put(&format!("/api/v1/bills/{id}/autopay"), &terms).await.expect(200);
}

/// Does all that is due, one kind after the other, and counts its jobs and the ways that they took.
async fn count_ways(world: &World, counted: &mut BTreeMap<&'static str, (usize, usize)>) {
    loop {
        let (app, now) = (&world.app, world.now());
        let mut tx = app.db.begin_write().await.unwrap();
        let mut jobs = store::take(&mut tx, Queue::Work, now, now + LEASE, TAKEN_AT_ONCE).await.unwrap();
        if jobs.is_empty() {
            jobs = store::take(&mut tx, Queue::Mail, now, now + LEASE, TAKEN_AT_ONCE).await.unwrap();
        }
        tx.commit().await.unwrap();
        let Some(kind) = jobs.first().map(|job| job.kind) else { return };
        let others: Vec<Job> = jobs.extract_if(.., |job| job.kind != kind).collect();
        let mut tx = app.db.begin_write().await.unwrap();
        for job in &others {
            store::release(&mut tx, job, now).await.unwrap();
        }
        tx.commit().await.unwrap();
        let (count, before) = (jobs.len(), ways::so_far());
        run_all(app, jobs, usize::MAX).await;
        let (all, taken) = counted.entry(kind.name()).or_default();
        *all += count;
        *taken += ways::so_far() - before;
    }
}

/// Two months: the ways of a job of each kind, in hundredths.
async fn ways_of_two_months(world: &World) -> BTreeMap<&'static str, usize> {
    let mut counted = BTreeMap::new();
    for _ in 0..65 {
        count_ways(world, &mut counted).await;
        world.advance(SignedDuration::from_hours(24));
    }
    eprintln!("{counted:?}");
    counted.into_iter().map(|(kind, (jobs, ways))| (kind, ways * 100 / jobs)).collect()
}

/// No job takes more than so many, in hundredths.
fn at_most(taken: &BTreeMap<&'static str, usize>, most: &[(Kind, usize)]) {
    for (kind, most) in most {
        let taken = taken[kind.name()];
        assert!(taken <= *most, "{}: {taken} hundredths of a way", kind.name());
    }
}

#[tokio::test]
async fn the_jobs_of_a_night_take_few_ways_to_the_database() {
    use Kind::{Autopay, Follow, Process, Submit};
    on_sqlite(async |world| {
        pays_itself(&world).await;
        let alone = ways_of_two_months(&world).await;
        at_most(&alone, &[(Process, 400), (Submit, 800), (Follow, 520), (Autopay, 430)]);
    })
    .await;
    on_sqlite(async |world| {
        for _ in 0..16 {
            pays_itself(&world).await;
        }
        let among_others = ways_of_two_months(&world).await;
        at_most(&among_others, &[(Process, 50), (Submit, 300), (Follow, 200), (Autopay, 70)]);
    })
    .await;
}

#[tokio::test]
async fn a_closing_takes_few_ways_to_the_database() {
    on_sqlite(async |world| {
        for _ in 0..16 {
            let shop = Shop::new(&world, 100_000).await;
            let id = shop.new_id();
            shop.ask(id, 40_000).await.expect(200);
            shop.capture(id, shop.new_step(), 40_000, true).await.expect(200);
        }
        // Interest and a late fee in the second month.
        let taken = ways_of_two_months(&world).await;
        at_most(&taken, &[(Kind::Close, 150)]);
    })
    .await;
}
