//! Recurring bills found in generated households that no test has seen, against their labels.

use std::time::Instant;

use domain::suggestions::households::{Household, Score, TODAY};
use domain::suggestions::suggestions;

/// The tests read households from 0 on.
const FIRST: u64 = 10_000;
const COUNT: u64 = 200;
const PRECISION: usize = 95;
const RECALL: usize = 90;

pub fn run() -> Result<(), String> {
    let homes: Vec<Household> = (FIRST..FIRST + COUNT).map(Household::new).collect();
    let lines: usize = homes.iter().map(|home| home.lines().len()).sum();
    let start = Instant::now();
    let mut all = Score::default();
    for home in &homes {
        all = all.plus(home.score(&suggestions(&home.lines(), TODAY)));
    }
    let took = start.elapsed();
    println!("  {COUNT} households, {lines} lines, {:.1} ms each", took.as_secs_f64() * 1e3 / COUNT as f64);
    println!("  {} bills found, {} missed, {} suggested that are none", all.found, all.missed, all.wrong);
    let met = |figure: usize, goal: usize| if figure >= goal { "met" } else { "NOT met" };
    println!("  precision: {} %, goal >= {PRECISION} %, {}", all.precision(), met(all.precision(), PRECISION));
    println!("  recall: {} %, goal >= {RECALL} %, {}", all.recall(), met(all.recall(), RECALL));
    Ok(())
}
