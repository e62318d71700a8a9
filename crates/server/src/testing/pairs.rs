//! Whether two things take equally long, judged so that a busy machine does not decide it: each is timed in turn with the
//! other, the two times of a pair are compared with one another, and what counts is where the middle of all those
//! differences surely lies.

use std::time::Duration;

/// Half the width of the interval, in standard deviations of a rank: the middle lies outside once in a thousand times.
const DEVIATIONS: f64 = 3.3;

/// The differences of pairs of times.
#[derive(Default)]
pub struct PairedTimes(Vec<i64>);

impl PairedTimes {
    pub fn note(&mut self, one: Duration, other: Duration) {
        let micros = |time: Duration| i64::try_from(time.as_micros()).expect("a short time");
        self.0.push(micros(one) - micros(other));
    }

    /// How far the two are apart at least, in microseconds; nothing while it may be chance. The interval of the middle
    /// is by ranks, so it asks nothing of how the times are spread.
    pub fn surely_apart_micros(&self) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "few pairs"
        )]
        let reach = (DEVIATIONS * (sorted.len() as f64).sqrt() / 2.0).ceil() as usize;
        let middle = sorted.len() / 2;
        let low = sorted.get(middle.saturating_sub(reach)).copied().unwrap_or(0);
        let high = sorted.get((middle + reach).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0);
        if low <= 0 && high >= 0 { 0 } else { low.unsigned_abs().min(high.unsigned_abs()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chance as _;
    use crate::testing::SeededChance;

    /// A thousand pairs on a machine that now and then takes its time, where one side takes so much longer.
    fn pairs(seed: u64, longer: Duration, noise_micros: u64) -> PairedTimes {
        let chance = SeededChance::new(seed);
        let time = || {
            let mut bytes = [0; 8];
            chance.fill(&mut bytes);
            let drawn = u64::from_be_bytes(bytes);
            // One in eight waits for its turn.
            let wait = if drawn % 8 == 0 { 10 * noise_micros } else { noise_micros };
            Duration::from_micros(3_000 + (drawn >> 16) % wait)
        };
        let mut pairs = PairedTimes::default();
        for _ in 0..1_000 {
            pairs.note(time() + longer, time());
        }
        pairs
    }

    #[test]
    fn what_is_equal_is_not_apart_however_busy_the_machine() {
        for seed in 0..50 {
            for noise in [50, 5_000, 50_000] {
                assert!(pairs(seed, Duration::ZERO, noise).surely_apart_micros() < 2_000, "{seed} {noise}");
            }
        }
    }

    #[test]
    fn what_takes_three_milliseconds_longer_is_found() {
        for seed in 0..50 {
            for noise in [50, 1_000, 3_000] {
                assert!(pairs(seed, Duration::from_millis(3), noise).surely_apart_micros() > 2_000, "{seed} {noise}");
            }
        }
    }
}
