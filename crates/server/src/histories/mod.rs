//! Random histories against small models of another making: people buy, put by in their wallets, put on plans or dispute
//! what they bought, pay their bills and their cards, let bills be paid by themselves, freeze, lock and wait, all of them at
//! once and each by dice of their own. After every step of everybody, each person must stand as the models say, to the last
//! cent of interest, and every question of the audit must be answered well.

mod card;
mod person;
mod rent;
mod wallet;

use std::collections::HashMap;

use jiff::SignedDuration;

use crate::testing::seeds::{Dice, seeds};
use crate::testing::{TestMerchant, World, on_each_engine_by_seed, some_at_once};
use person::Person;

/// So many histories share one world: its clock moves for all of them, and nothing else of one touches another.
const PEOPLE: u64 = 50;
const STEPS: usize = 16;
/// With the people of each: 60 histories in every run of the tests, 10,040 in a soak, on each engine.
const WORLDS: (u64, u64) = (2, 232);
/// One world of so many takes a year, so that deadlines of plans pass in it; the others take weeks.
const SLOW_ONE_OF: u64 = 6;
const SLOW_PEOPLE: u64 = 10;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How far the clock goes after a step; mostly not at all.
const PAUSES: [SignedDuration; 10] = [
    SignedDuration::ZERO,
    SignedDuration::ZERO,
    SignedDuration::ZERO,
    SignedDuration::ZERO,
    SECOND,
    SignedDuration::from_secs(3),
    SignedDuration::from_mins(2),
    HOUR,
    DAY,
    SignedDuration::from_hours(24 * 9),
];
const LONG_PAUSES: [SignedDuration; 6] = [
    SignedDuration::ZERO,
    DAY,
    SignedDuration::from_hours(24 * 9),
    SignedDuration::from_hours(24 * 20),
    SignedDuration::from_hours(24 * 31),
    SignedDuration::from_hours(24 * 50),
];
/// People look in at least this often: a session that is not renewed ends after two weeks.
const LOOK_IN: SignedDuration = SignedDuration::from_hours(24 * 10);
/// For so long a token of before is still good.
const SHORT: SignedDuration = SignedDuration::from_mins(2);
/// What is under way after the last step has come to its end by then, and every card has closed a cycle.
const LAST: SignedDuration = SignedDuration::from_hours(24 * 32);

#[test]
fn after_every_step_of_many_histories_each_person_stands_as_a_small_model_says() {
    on_each_engine_by_seed(seeds(WORLDS.0, WORLDS.1), play);
}

async fn play(world: &World, seed: u64) {
    let numbers = Numbers::listen(world);
    let merchant = world.merchant("Quillmere").await;
    let mut people = Vec::new();
    let is_slow = seed % SLOW_ONE_OF == 1;
    for number in 0..if is_slow { SLOW_PEOPLE } else { PEOPLE } {
        people.push(Person::new(world, &merchant, number, Dice::new(seed * PEOPLE + number)).await);
    }
    let mut clock = Dice::new(!seed);
    let pauses = if is_slow { &LONG_PAUSES[..] } else { &PAUSES[..] };
    for step in 0..STEPS {
        some_at_once(people.iter_mut().map(|person| person.step(step))).await;
        // What was ordered to leave now leaves before time passes: a closing is never at the same moment.
        world.work().await;
        wait(world, &merchant, &mut people, *clock.pick(pauses)).await;
        some_at_once(people.iter_mut().map(Person::look)).await;
        audit(world, seed, step).await;
    }
    wait(world, &merchant, &mut people, LAST).await;
    let mut paid = 0;
    for person in &mut people {
        person.look().await;
        paid += person.ended();
    }
    assert!(paid > 5, "money moved in this world: {paid} payments arrived");
    let shared: usize = people.iter().map(Person::shared).sum();
    // Not in each of them: whether it comes to that is chance.
    assert!(shared > 0 || seed > 0, "card and wallet shared a purchase in the first world");
    let disputed: usize = people.iter().map(Person::disputes).sum();
    assert!(disputed > 0 || seed > 0, "something was disputed in the first world");
    let closed: usize = people.iter().map(Person::statements).sum();
    assert!(closed >= people.len(), "cycles closed in this world: {closed} statements");
    numbers.have_no_gap().await;
}

/// The numbers of the feed, as listeners are told them: of each person one after the other.
struct Numbers {
    heard: tokio::task::JoinHandle<usize>,
    world_is_over: tokio_util::sync::CancellationToken,
}

impl Numbers {
    fn listen(world: &World) -> Self {
        let (mut events, over) = (world.app.db.events(), tokio_util::sync::CancellationToken::new());
        let world_is_over = over.clone();
        let heard = tokio::spawn(async move {
            let (mut last, mut count) = (HashMap::new(), 0);
            loop {
                let touched = tokio::select! {
                    biased;
                    touched = events.recv() => touched.expect("no number is missed"),
                    () = over.cancelled() => return count,
                };
                if let Some(before) = last.insert(touched.holder, touched.number) {
                    assert_eq!(touched.number, before + 1, "the numbers of a person have no gap and no repeat");
                }
                count += 1;
            }
        });
        Self { heard, world_is_over }
    }

    async fn have_no_gap(self) {
        self.world_is_over.cancel();
        let count = self.heard.await.expect("no gap");
        assert!(count > STEPS * 10, "{count} numbers were heard");
    }
}

/// Time passes, a day at most at once, so that each day's work is done on its day; now and then everybody looks in.
async fn wait(world: &World, merchant: &TestMerchant, people: &mut [Person<'_>], pause: SignedDuration) {
    let mut left = pause;
    while left > SignedDuration::ZERO {
        let leg = left.min(LOOK_IN);
        if leg <= DAY {
            world.advance(leg);
            world.work().await;
        } else {
            world.pass(leg, DAY).await;
        }
        if leg >= SHORT {
            merchant.sign_in().await;
            some_at_once(people.iter_mut().map(Person::look_in)).await;
        }
        left -= leg;
    }
}

async fn audit(world: &World, seed: u64, step: usize) {
    let report = crate::audit::run(&world.app.db).await.expect("the audit runs");
    assert!(report.faults.is_empty(), "seed {seed}, step {step}: {:?}", report.faults);
}
