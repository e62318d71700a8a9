//! Races for one payment: of two that want it at the same moment one wins, the other is told, and its money moves once.
//! Who wins is decided by dice, and both sides do.

use std::sync::atomic::{AtomicU64, Ordering};

use api::payments::Payment;
use domain::ids::PaymentId;
use domain::payments::{PaymentOrder, PaymentState};
use futures_util::future::join_all;
use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::json;

use super::approval::tests::{PAYMENTS, begin, edit, order, pay, payment};
use crate::sign_in::tests::{asked_at, by_passkey};
use crate::testing::seeds::{Dice, seeds};
use crate::testing::{TestDevice, World, on_each_engine_by_seed, some_at_once};

/// Of one kind in one world.
const RACES: u64 = 25;
/// So many at the same moment: more would only wait for the server's connections.
const AT_ONCE: u64 = 5;
/// With the races of each world and four kinds: 200 races in every run of the tests, 10,000 in a soak, on each engine.
const WORLDS: (u64, u64) = (2, 100);
/// One who begins late begins after so many other pieces of work at most.
const LATE_MAX: u64 = 1_500;
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// What a practice account opens with, in cents.
const OPENING: i64 = 1_000_000;

/// Who won how often.
#[derive(Default)]
struct Score([AtomicU64; 2]);

impl Score {
    fn add(&self, first_won: bool) {
        self.0[usize::from(!first_won)].fetch_add(1, Ordering::SeqCst);
    }

    /// In a race that one side always wins nobody raced.
    fn tell(&self, of: [&str; 2]) {
        let [first, second] = [0, 1].map(|at| self.0[at].load(Ordering::SeqCst));
        eprintln!("{first} races for {}, {second} for {}", of[0], of[1]);
        assert!(first + second <= RACES * 2 || (first > 0 && second > 0), "each wins now and then");
    }
}

/// Begins after others had their turn so often.
async fn late<T>(turns: u64, what: impl Future<Output = T>) -> T {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    what.await
}

async fn find(device: &TestDevice, id: PaymentId) -> Payment {
    device.get(&format!("{PAYMENTS}/{id}")).await.ok()
}

async fn left(device: &TestDevice) -> i64 {
    let accounts: api::accounts::AccountList = device.get("/api/v1/accounts").await.ok();
    accounts.items[0].available.expect("a balance").minor()
}

#[test]
fn of_a_cancel_and_the_day_of_a_payment_one_wins_and_the_other_is_told() {
    let score = Score::default();
    on_each_engine_by_seed(seeds(WORLDS.0, WORLDS.1), async |world, seed| {
        let mut dice = Dice::new(seed);
        let device = world.holder().await;
        let mut gone = 0;
        for round in 0..RACES / AT_ONCE {
            let mut orders = Vec::new();
            for number in 1..=AT_ONCE {
                let minor = i64::try_from(round * AT_ONCE + number).expect("small");
                orders.push(pay(&device, &order(world, minor, 0)).await.order);
            }
            let cancels = orders.iter().map(|order| {
                let (turns, path) = (dice.roll(LATE_MAX), format!("{PAYMENTS}/{}/cancel", order.id));
                let device = &device;
                late(turns, async move { device.post(&path, &json!({})).await })
            });
            let ((), cancels) = tokio::join!(world.work(), join_all(cancels));
            world.pass(SECOND * 5, SECOND).await;
            for (order, cancel) in orders.iter().zip(cancels) {
                let cancelled = cancel.status.is_success();
                let expected = if cancelled { PaymentState::Cancelled } else { PaymentState::Settled };
                assert_eq!(find(&device, order.id).await.state, expected, "{}", cancel.text());
                if !cancelled {
                    cancel.expect(409);
                    gone += order.amount.minor();
                }
                score.add(cancelled);
            }
        }
        assert_eq!(left(&device).await, OPENING - gone);
    });
    score.tell(["the cancel", "the day"]);
}

#[test]
fn of_an_approval_and_an_edit_one_finds_the_payment_as_it_was_shown() {
    let score = Score::default();
    on_each_engine_by_seed(seeds(WORLDS.0, WORLDS.1), async |world, seed| {
        let mut dice = Dice::new(seed);
        let (mut holds, device) = by_passkey(world).await;
        for turn in 0..i64::try_from(RACES).expect("small") {
            // No more pages than one network may open.
            world.advance(SECOND * 4);
            let order = PaymentOrder { send_on: Some(date(2027, 3, 20)), ..order(world, 4_000 + turn, 0) };
            pay(&device, &order).await;
            let (browser, shown) = asked_at(world, &begin(&device, order.id).await.address).await;
            let begun = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await;
            let finish = holds.assert(&begun.ok()).await;
            let (yes, edited) = tokio::join!(
                late(dice.roll(LATE_MAX), browser.post("/sign-in/step-up/finish", &finish)),
                late(dice.roll(LATE_MAX), edit(&device, order.id, 9_000 + turn, 1)),
            );
            let end = payment(&device, order.id).await;
            let (yes, edited) = (yes.status.is_success(), edited.status.is_success());
            assert!(yes != edited, "one of the two found the payment as it had seen it: {yes} {edited}");
            let expected = if yes { PaymentState::Scheduled } else { PaymentState::AwaitingApproval };
            assert_eq!((end.state, end.order.amount.minor()), (expected, if yes { 4_000 } else { 9_000 } + turn));
            device.post(&format!("{PAYMENTS}/{}/cancel", order.id), &json!({})).await.expect(200);
            score.add(yes);
        }
    });
    score.tell(["the approval", "the edit"]);
}

#[test]
fn two_servers_that_both_find_a_payment_due_let_it_go_once() {
    let score = Score::default();
    on_each_engine_by_seed(seeds(WORLDS.0, WORLDS.1), async |world, seed| {
        let mut dice = Dice::new(seed);
        let other = world.again(0).await;
        let device = world.holder().await;
        let mut orders = Vec::new();
        for minor in 1..=RACES {
            orders.push(pay(&device, &order(world, i64::try_from(minor).expect("small"), 0)).await.order);
        }
        let (here, there) = tokio::join!(
            late(dice.roll(LATE_MAX), crate::jobs::run_due(&world.app)),
            late(dice.roll(LATE_MAX), crate::jobs::run_due(&other.app)),
        );
        let (here, there) = (here.expect("jobs run"), there.expect("jobs run"));
        score.add(here >= there);
        for _ in 0..8 {
            world.advance(SECOND);
            tokio::join!(world.work(), other.work());
        }
        for order in &orders {
            let payment = find(&device, order.id).await;
            let times = |state| payment.history.iter().filter(|step| step.state == state).count();
            assert_eq!((payment.state, times(PaymentState::Reserved)), (PaymentState::Settled, 1));
            assert_eq!((times(PaymentState::Submitted), times(PaymentState::Settled)), (1, 1));
        }
        let gone: i64 = orders.iter().map(|order| order.amount.minor()).sum();
        assert_eq!(left(&device).await, OPENING - gone);
        other.stop().await;
    });
    score.tell(["this server", "the other"]);
}

#[test]
fn of_two_devices_that_change_one_payment_one_is_told_that_it_changed_meanwhile() {
    let score = Score::default();
    on_each_engine_by_seed(seeds(WORLDS.0, WORLDS.1), async |world, seed| {
        let mut dice = Dice::new(seed);
        let desk = world.holder().await;
        let laptop = world.device(desk.holder).await;
        for turn in 0..i64::try_from(RACES).expect("small") {
            let order = PaymentOrder { send_on: Some(date(2027, 3, 20)), ..order(world, 4_000 + turn, 0) };
            let seen = pay(&desk, &order).await.history.len();
            let (one, two) = tokio::join!(
                late(dice.roll(LATE_MAX), edit(&desk, order.id, 5_000 + turn, seen)),
                late(dice.roll(LATE_MAX), edit(&laptop, order.id, 6_000 + turn, seen)),
            );
            let first_won = one.status.is_success();
            let (won, lost, minor) = if first_won { (one, two, 5_000) } else { (two, one, 6_000) };
            won.expect(200);
            lost.expect(409);
            let end = find(&laptop, order.id).await;
            assert_eq!(end.order.amount.minor(), minor + turn);
            assert_eq!(find(&desk, order.id).await, end, "both see the same");
            score.add(first_won);
            // Both take it back: twice is no error.
            let path = format!("{PAYMENTS}/{}/cancel", order.id);
            let body = json!({});
            let (one, two) = tokio::join!(desk.post(&path, &body), laptop.post(&path, &body));
            one.expect(200);
            two.expect(200);
        }
        assert_eq!(left(&desk).await, OPENING);
    });
    score.tell(["the desk", "the laptop"]);
}

// ---- Sent again and again ----------------------------------------------------------------------------------------

const PEOPLE: usize = 5;
const PAYMENTS_EACH: i64 = 10;
const SENDS: usize = 6;

#[test]
fn payments_that_are_sent_again_and_again_across_restarts_move_their_money_once_each() {
    // 100 payments in every run of the tests, 1,000 in a soak, on each engine.
    on_each_engine_by_seed(seeds(2, 20), resend);
}

async fn resend(world: &World, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut devices = Vec::new();
    let mut orders = Vec::new();
    for person in 0..PEOPLE {
        devices.push(world.holder().await);
        orders.extend((1..=PAYMENTS_EACH).map(|minor| (person, order(world, minor, 0))));
    }
    let mut server = world.again(0).await;
    for send in 0..SENDS {
        devices = devices.into_iter().map(|device| device.at(&server)).collect();
        for at in (1..orders.len()).rev() {
            orders.swap(at, usize::try_from(dice.roll(at as u64 + 1)).expect("small"));
        }
        let all = some_at_once(orders.iter().map(|(person, order)| devices[*person].post(PAYMENTS, order)));
        if send < SENDS - 1 && send % 2 == 0 {
            // The server ends in the middle: nobody hears of what is not answered yet.
            tokio::select! {
                biased;
                () = late(dice.roll(LATE_MAX), async {}) => {}
                _ = all => {}
            }
        } else {
            let work = late(dice.roll(LATE_MAX), server.work());
            let (answers, ()) = tokio::join!(all, work);
            for ((_, order), answer) in orders.iter().zip(answers) {
                assert_eq!(answer.ok::<Payment>().order, *order);
            }
        }
        server.stop().await;
        server = world.again(1 + send as u64).await;
    }
    devices = devices.into_iter().map(|device| device.at(&server)).collect();
    for (person, order) in &orders {
        // Two at once, and something else under the same id.
        let other = PaymentOrder { amount: order.amount.plus(order.amount).expect("small"), ..order.clone() };
        let device = &devices[*person];
        let (one, two, changed) =
            tokio::join!(device.post(PAYMENTS, order), device.post(PAYMENTS, order), device.post(PAYMENTS, &other));
        one.expect(200);
        two.expect(200);
        changed.expect(422);
    }
    for _ in 0..8 {
        world.advance(SECOND);
        server.work().await;
    }
    for (person, order) in &orders {
        assert_eq!(find(&devices[*person], order.id).await.state, PaymentState::Settled);
    }
    for device in &devices {
        assert_eq!(left(device).await, OPENING - PAYMENTS_EACH * (PAYMENTS_EACH + 1) / 2, "each left once");
    }
    server.stop().await;
}
