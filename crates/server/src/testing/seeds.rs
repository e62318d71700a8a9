//! How many random histories a test plays, on how many threads, and how one of them is played again. A history is all
//! that follows from its seed, so that a seed which fails once fails always.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Set by `cargo xtask soak`: the whole figures, where every run of the tests has as many as fit.
const SOAK: &str = "BILLFOLD_SOAK";
/// The one seed that is to be played again, or a part of them all, as `200..400`.
const SEED: &str = "BILLFOLD_SEED";
/// The one engine that is to be played on, `sqlite` or `postgres`, where both would be.
const ENGINE: &str = "BILLFOLD_ENGINE";
const ENGINES: [&str; 2] = ["sqlite", "postgres"];
const LANES_MAX: usize = 8;
/// A soak says how far it is after so many.
const TOLD_EVERY: u64 = 100;

/// So many in every run of the tests, and so many in a soak.
#[must_use]
pub fn how_many(in_tests: u64, in_soak: u64) -> u64 {
    if is_soak() { in_soak } else { in_tests }
}

/// Whether the whole figures are played.
#[must_use]
pub fn is_soak() -> bool {
    super::told(SOAK).is_some()
}

/// The seeds of a test; those alone that `BILLFOLD_SEED` names.
#[must_use]
pub fn seeds(in_tests: u64, in_soak: u64) -> Range<u64> {
    match super::told(SEED) {
        Some(named) => read(&named).expect("BILLFOLD_SEED is a number, or two as 200..400"),
        None => 0..how_many(in_tests, in_soak),
    }
}

fn read(named: &str) -> Option<Range<u64>> {
    match named.split_once("..") {
        Some((start, end)) => Some(start.parse().ok()?..end.parse().ok()?),
        None => named.parse().ok().and_then(|seed: u64| Some(seed..seed.checked_add(1)?)),
    }
}

/// Whether seeds are to be played on this engine.
pub(super) fn is_meant(engine: &str) -> bool {
    let named = super::told(ENGINE);
    let is_known = named.as_deref().is_none_or(|named| ENGINES.contains(&named));
    assert!(is_known, "{ENGINE} is one of {ENGINES:?}");
    named.is_none_or(|named| named == engine)
}

/// Plays a history for each seed, as many at once as there are processors. The first that fails says its seed, and no
/// other is begun.
pub fn play(seeds: Range<u64>, history: impl AsyncFn(u64) + Sync) {
    let lanes = std::thread::available_parallelism().map_or(1, usize::from).min(LANES_MAX);
    let (next, failed, history) = (AtomicU64::new(seeds.start), AtomicBool::new(false), &history);
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                while !failed.load(Ordering::SeqCst) {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    if (seed - seeds.start).is_multiple_of(TOLD_EVERY) && seed > seeds.start {
                        eprintln!("seed {seed}, up to {}", seeds.end);
                    }
                    let _playing = Playing { seed, failed: &failed };
                    runtime.block_on(history(seed));
                }
            });
        }
    });
}

struct Playing<'a> {
    seed: u64,
    failed: &'a AtomicBool,
}

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failed.store(true, Ordering::SeqCst);
            eprintln!("seed {0} failed: {SEED}={0} before the same test plays it again", self.seed);
        }
    }
}

/// Random numbers of one seed.
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to `below`, which is above zero.
    pub const fn roll(&mut self, below: u64) -> u64 {
        self.draw() % below
    }

    /// Whether something happens that happens so often of a hundred times.
    pub const fn happens(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    /// An amount of 1 up to `most`.
    pub fn amount(&mut self, most: i64) -> i64 {
        i64::try_from(self.roll(u64::try_from(most.max(1)).unwrap_or(1))).unwrap_or(0) + 1
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.roll(from.len() as u64)).unwrap_or(0)]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn each_seed_is_played_once_and_dice_roll_the_same_again() {
        let played = Mutex::new(Vec::new());
        play(3..40, async |seed| {
            let rolls: Vec<u64> = {
                let mut dice = Dice::new(seed);
                (0..5).map(|_| dice.roll(1_000_000)).collect()
            };
            let mut again = Dice::new(seed);
            assert!(rolls.iter().all(|roll| *roll == again.roll(1_000_000)));
            played.lock().unwrap().push(seed);
        });
        let mut played = played.into_inner().unwrap();
        played.sort_unstable();
        assert_eq!(played, (3..40).collect::<Vec<_>>());
    }

    #[test]
    fn one_seed_is_named_or_a_part_of_them() {
        assert_eq!(read("7"), Some(7..8));
        assert_eq!(read("200..400"), Some(200..400));
        assert_eq!([read(""), read("many"), read("3.."), read("18446744073709551615")], [None, None, None, None]);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_history_that_fails_fails_its_test() {
        play(0..4, async |seed| assert!(seed != 2, "this one fails"));
    }
}
