use axum::http::Method;
use domain::bills::Mark;
use domain::reminders::{Lead, Turn};
use jiff::SignedDuration;
use jiff::civil::Time;

use super::*;
use crate::addresses::tests::confirmed;
use crate::feed::tests::rent;
use crate::testing::{TestDevice, World, on_each_engine};

const PATH: &str = "/api/v1/reminders/email";
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn wish(details: bool) -> SetEmailReminders {
    SetEmailReminders { details, remind_at: Time::constant(9, 0, 0, 0), zone: "UTC".to_owned() }
}

async fn switch_on(device: &TestDevice, details: bool) -> EmailRemindersState {
    let key = format!("on {details}");
    device.send(Method::PUT, PATH, &[("idempotency-key", &key)], Some(&wish(details))).await.ok()
}

/// A bill that is due so many days after today, and reminds three days before.
async fn bill(world: &World, device: &TestDevice, days: i32) -> (Bill, Date) {
    let due_on = shifted(world.now().to_zoned(TimeZone::UTC).date(), days);
    let mut bill = Bill { remind_days: vec![3], ..rent(world) };
    bill.schedule.starts_on = due_on;
    bill.schedule = bill.schedule.anchored();
    device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
    (bill, due_on)
}

async fn a_day_later(world: &World, device: &TestDevice) -> Vec<String> {
    world.advance(DAY);
    world.work().await;
    device.refresh().await.expect(200);
    world.mail.take().into_iter().map(|letter| format!("{}\n{}", letter.subject, letter.text)).collect()
}

#[tokio::test]
async fn who_asks_for_it_is_written_to_once_for_each_reminder_and_nobody_else_is() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirmed(&world, &device, "ines@example.org").await;
        let (bill, _) = bill(&world, &device, 4).await;
        world.mail.take();
        assert!(a_day_later(&world, &device).await.is_empty(), "nobody asked for it yet");
        let state = switch_on(&device, false).await;
        assert!(state.sends_email && state.to.is_some_and(|to| to.ends_with("@example.org")));
        let letters = a_day_later(&world, &device).await;
        assert_eq!(letters.len(), 1, "three days before");
        assert!(letters[0].starts_with("1 payment needs you"), "{letters:?}");
        let tells = [bill.name.as_str(), "USD"].iter().any(|word| letters[0].contains(word));
        assert!(!tells, "without names or amounts: {letters:?}");
        assert!(a_day_later(&world, &device).await.is_empty(), "once");
        switch_on(&device, true).await;
        let letters = a_day_later(&world, &device).await;
        assert!(
            letters[0].contains(&bill.name) && letters[0].contains("USD"),
            "on the day, and as chosen: {letters:?}"
        );
        device.delete(PATH).await.expect(204);
        assert!(a_day_later(&world, &device).await.is_empty(), "switched off");
    })
    .await;
}

#[tokio::test]
async fn what_was_paid_or_answered_is_not_written_of() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirmed(&world, &device, "ines@example.org").await;
        switch_on(&device, false).await;
        let (paid, paid_on) = bill(&world, &device, 3).await;
        let (answered, answered_on) = bill(&world, &device, 3).await;
        world.mail.take();
        let mark = Mark { skipped: true, ..Mark::new(paid.id, paid_on) };
        let path = format!("/api/v1/bills/{}/occurrences/{paid_on}", paid.id);
        device.send(Method::PUT, &path, &[("idempotency-key", "paid")], Some(&mark)).await.expect(200);
        let lead = Lead { bill: answered.id, due_on: answered_on, falls_on: answered_on, turn: Turn::Before(3) };
        let answer = ReminderAnswer::to(&lead, world.now(), None);
        let path = format!("/api/v1/bills/{}/occurrences/{answered_on}/reminder", answered.id);
        device.send(Method::PUT, &path, &[("idempotency-key", "one")], Some(&answer)).await.expect(200);
        assert!(a_day_later(&world, &device).await.is_empty());
        device.delete(PATH).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_lost_its_sense_on_the_way_is_not_sent() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirmed(&world, &device, "ines@example.org").await;
        switch_on(&device, true).await;
        let (bill, due_on) = bill(&world, &device, 3).await;
        let mut tx = world.app.db.begin_write().await.expect("a transaction");
        let message = Uuid::from_u128(7);
        let lead = Lead { bill: bill.id, due_on, falls_on: due_on, turn: Turn::Before(3) };
        store::record(&mut tx, device.holder, &lead, Some(message)).await.expect("a row");
        let before = said(&mut tx, &world.app, device.holder, Language::De, message).await.expect("words");
        assert!(before.is_some_and(|said| said.text.contains("fällig am")), "it is still to be paid");
        tx.commit().await.expect("committed");
        let mark = Mark { skipped: true, ..Mark::new(bill.id, due_on) };
        let path = format!("/api/v1/bills/{}/occurrences/{due_on}", bill.id);
        device.send(Method::PUT, &path, &[("idempotency-key", "paid")], Some(&mark)).await.expect(200);
        let mut tx = world.app.db.begin_write().await.expect("a transaction");
        let after = said(&mut tx, &world.app, device.holder, Language::De, message).await.expect("words");
        assert!(after.is_none(), "settled on the way");
        drop(tx);
        device.delete(PATH).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_zone_that_is_none_and_a_server_that_sends_nothing_are_said() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let wrong = SetEmailReminders { zone: "Nowhere/At_All".to_owned(), ..wish(true) };
        device.send(Method::PUT, PATH, &[("idempotency-key", "one")], Some(&wrong)).await.expect(400);
        let state: EmailRemindersState = device.get(PATH).await.ok();
        assert_eq!((state.reminders, state.to), (None, None), "nothing was kept, and there is no address");
    })
    .await;
}
