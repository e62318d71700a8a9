//! Random histories against a small model of another making: people buy, pay, freeze, lock and wait, all of them at once
//! and each by dice of their own. After every step of everybody, each person must stand as the model says, and every
//! question of the audit must be answered well.

mod person;

use std::collections::HashMap;

use jiff::SignedDuration;

use crate::testing::seeds::{Dice, seeds};
use crate::testing::{World, on_each_engine_by_seed, some_at_once};
use person::Person;

/// So many histories share one world: its clock moves for all of them, and nothing else of one touches another.
const PEOPLE: u64 = 50;
const STEPS: usize = 12;
/// With the people of each: 300 histories in every run of the tests, 10,000 in a soak, on each engine.
const WORLDS: (u64, u64) = (6, 200);

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
/// What is under way after the last step has come to its end by then.
const LAST: SignedDuration = SignedDuration::from_hours(24 * 9);

#[test]
fn after_every_step_of_many_histories_each_person_stands_as_a_small_model_says() {
    on_each_engine_by_seed(seeds(WORLDS.0, WORLDS.1), play);
}

async fn play(world: &World, seed: u64) {
    let numbers = Numbers::listen(world);
    let merchant = world.merchant("Quillmere").await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(Person::new(world, &merchant, number, Dice::new(seed * PEOPLE + number)).await);
    }
    let mut clock = Dice::new(!seed);
    for step in 0..STEPS {
        some_at_once(people.iter_mut().map(|person| person.step(step))).await;
        let pause = *clock.pick(&PAUSES);
        wait(world, pause).await;
        if pause >= SignedDuration::from_mins(2) {
            merchant.sign_in().await;
        }
        some_at_once(people.iter_mut().map(|person| person.look(pause))).await;
        audit(world, seed, step).await;
    }
    wait(world, LAST).await;
    merchant.sign_in().await;
    let mut paid = 0;
    for person in &mut people {
        person.look(LAST).await;
        paid += person.ended();
    }
    assert!(paid > 5, "money moved in this world: {paid} payments arrived");
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

/// Time passes, a day at most at once, with the work of each.
async fn wait(world: &World, pause: SignedDuration) {
    if pause <= DAY {
        world.advance(pause);
        world.work().await;
    } else {
        world.pass(pause, HOUR * 12).await;
    }
}

async fn audit(world: &World, seed: u64, step: usize) {
    let report = crate::audit::run(&world.app.db).await.expect("the audit runs");
    assert!(report.faults.is_empty(), "seed {seed}, step {step}: {:?}", report.faults);
}
