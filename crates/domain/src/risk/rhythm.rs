//! How somebody types: the times between keys, never the keys. Kept and compared only where its owner turned it on.

use serde::{Deserialize, Serialize};

/// Samples that are kept; older ones go.
pub const SAMPLES_MAX: usize = 20;
/// Before so many samples nothing is usual yet.
pub const SAMPLES_MIN: usize = 6;
/// Times in one sample. A shorter text says too little, a longer one is cut.
pub const TIMES_MIN: usize = 6;
pub const TIMES_MAX: usize = 128;
/// A pause longer than this is a pause and no rhythm.
const TIME_MAX_MS: u16 = 2_000;
/// Nobody is steadier than this, in milliseconds.
const SPREAD_MIN: u64 = 12;

/// The times between the keys of one text, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sample(Vec<u16>);

impl Sample {
    /// None when it is too short to say anything.
    #[must_use]
    pub fn new(times_ms: &[u16]) -> Option<Self> {
        if times_ms.len() < TIMES_MIN {
            return None;
        }
        Some(Self(times_ms.iter().take(TIMES_MAX).map(|time| (*time).min(TIME_MAX_MS)).collect()))
    }

    /// Only samples of the same text, that is of the same number of keys, are compared.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// A sample is never empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Adds a sample to those that are kept. Another length is another text: what was usual before is forgotten.
pub fn keep(kept: &mut Vec<Sample>, sample: Sample) {
    kept.retain(|known| known.len() == sample.len());
    kept.push(sample);
    if kept.len() > SAMPLES_MAX {
        kept.drain(..kept.len() - SAMPLES_MAX);
    }
}

/// How many times the usual spread this sample is away from the usual times, on average, in thousandths. None while too
/// little is known.
#[must_use]
pub fn distance(kept: &[Sample], sample: &Sample) -> Option<u32> {
    let alike: Vec<&Sample> = kept.iter().filter(|known| known.len() == sample.len()).collect();
    if alike.len() < SAMPLES_MIN {
        return None;
    }
    let places = u64::try_from(sample.len()).ok()?;
    let mut sum = 0_u64;
    for (place, time) in sample.0.iter().enumerate() {
        let mut times: Vec<u16> = alike.iter().filter_map(|known| known.0.get(place).copied()).collect();
        times.sort_unstable();
        let usual = times[times.len() / 2];
        let count = u64::try_from(times.len()).ok()?;
        let spread = times.iter().map(|time| u64::from(time.abs_diff(usual))).sum::<u64>() / count;
        sum += u64::from(time.abs_diff(usual)) * 1_000 / spread.max(SPREAD_MIN);
    }
    u32::try_from(sum / places).ok()
}

#[cfg(test)]
mod tests {
    use super::super::weights::RHYTHM_UNLIKE;
    use super::*;

    const USUAL: [u16; 10] = [110, 95, 180, 130, 90, 240, 120, 105, 160, 140];

    /// The same hand on another day: each time off by a few per cent, differently in each sample.
    fn again(day: u16) -> Sample {
        let wobble = |(place, time): (u16, u16)| time + (place * 7 + day * 11) % 23;
        let places = 0_u16..;
        Sample::new(&places.zip(USUAL).map(wobble).collect::<Vec<_>>()).expect("long enough")
    }

    fn kept() -> Vec<Sample> {
        let mut kept = Vec::new();
        for day in 0..12 {
            keep(&mut kept, again(day));
        }
        kept
    }

    #[test]
    fn the_same_hand_is_like_itself_and_another_is_not() {
        let own = distance(&kept(), &again(40)).expect("enough is known");
        assert!(own < RHYTHM_UNLIKE, "{own}");
        let hasty = USUAL.map(|time| time / 2);
        let other = distance(&kept(), &Sample::new(&hasty).expect("long enough")).expect("enough is known");
        assert!(other > RHYTHM_UNLIKE, "{other}");
        let pasted = distance(&kept(), &Sample::new(&[1; 10]).expect("long enough")).expect("enough is known");
        assert!(pasted > RHYTHM_UNLIKE, "{pasted}");
    }

    #[test]
    fn little_knowledge_says_nothing_and_a_new_text_begins_anew() {
        let mut kept = kept();
        assert_eq!(distance(&kept[..SAMPLES_MIN - 1], &again(3)), None);
        assert_eq!(Sample::new(&[100; TIMES_MIN - 1]), None);
        let longer = Sample::new(&[100; 14]).expect("long enough");
        assert_eq!(distance(&kept, &longer), None, "another text");
        keep(&mut kept, longer);
        assert_eq!(kept.len(), 1);
    }

    #[test]
    fn no_more_is_kept_than_its_limit() {
        let mut kept = Vec::new();
        for day in 0..100 {
            keep(&mut kept, again(day));
        }
        assert_eq!(kept.len(), SAMPLES_MAX);
        assert_eq!(kept.last(), Some(&again(99)));
        assert_eq!(Sample::new(&vec![u16::MAX; 4_000]).map(|sample| sample.len()), Some(TIMES_MAX));
    }
}
