//! Fair comparison on a noisy machine: pairs in turn, and the median of their ratios.

use std::time::{Duration, Instant};

/// Counted pairs after one warm-up.
const PAIRS: usize = 5;

/// What a step did, so that both sides can be checked to have done the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    pub count: u64,
    /// Sum of the amounts in minor units.
    pub sum: i64,
}

pub type Step<'a> = Box<dyn FnMut() -> Result<(Duration, Work), String> + 'a>;

/// Times a closure that says what it did.
pub fn timed(step: impl FnOnce() -> Result<Work, String>) -> Result<(Duration, Work), String> {
    let start = Instant::now();
    let work = step()?;
    Ok((start.elapsed(), work))
}

/// Runs product and limit in turn and prints `product / limit` against its goal.
pub fn compare(title: &str, goal: f64, mut product: Step<'_>, mut limit: Step<'_>) -> Result<(), String> {
    let mut ratios = Vec::with_capacity(PAIRS);
    let mut product_times = Vec::with_capacity(PAIRS);
    let mut limit_times = Vec::with_capacity(PAIRS);
    for round in 0..=PAIRS {
        let (product_time, product_work) = product()?;
        let (limit_time, limit_work) = limit()?;
        if product_work != limit_work {
            return Err(format!("{title}: unequal work, {product_work:?} against {limit_work:?}"));
        }
        if round > 0 {
            ratios.push(product_time.as_secs_f64() / limit_time.as_secs_f64());
            product_times.push(product_time.as_secs_f64() * 1e3);
            limit_times.push(limit_time.as_secs_f64() * 1e3);
        }
    }
    verdict(title, goal, &mut ratios);
    println!("    medians {:.1} ms and {:.1} ms", median(&mut product_times), median(&mut limit_times));
    Ok(())
}

/// Prints the median of ratios, with the smallest and largest, against its goal.
pub fn verdict(title: &str, goal: f64, ratios: &mut [f64]) {
    let ratio = median(ratios);
    println!(
        "  {title}: {ratio:.2} x ({:.2}-{:.2}), goal <= {goal} x, {}",
        ratios.first().copied().unwrap_or(0.0),
        ratios.last().copied().unwrap_or(0.0),
        if ratio <= goal { "met" } else { "NOT met" },
    );
}

/// The middle value; sorts on the way.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
