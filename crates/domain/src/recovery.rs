//! Getting back into an account: the code that a person keeps on paper, how often somebody may guess at it, and how far
//! a recovery has come. The waits are the policy's numbers; who proved what is not known here.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// 125 bits; one more symbol finds slips.
const SYMBOLS: usize = 25;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const GROUP: usize = 5;

/// Wrong codes in a day, and in a code's life.
pub const GUESSES_A_DAY: u32 = 5;
pub const GUESSES_IN_ALL: u32 = 50;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// After the first wrong one; each further one makes it four times as long.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// Once the wait is over, a recovery is finished within so long or it is over.
pub const FINISH_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// A recovery that people of support began waits so long: there was no code to prove anything. No policy shortens it.
pub const SUPPORT_WAIT: SignedDuration = SignedDuration::from_hours(7 * 24);

// ---- the saved code ----------------------------------------------------------------------------------------------

/// 25 base32 symbols (RFC 4648) and one that checks them. It is on paper and in nobody's memory: the server keeps a hash.
#[derive(Clone)]
pub struct SavedCode(Zeroizing<String>);

/// What was typed is no code: a symbol is missing, too many, or another one. No guess is counted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code has 26 letters and digits, and these do not fit together")]
pub struct Slip;

impl SavedCode {
    #[must_use]
    pub fn new(chance: [u8; 16]) -> Self {
        let mut bits = u128::from_be_bytes(chance);
        let mut symbols = Zeroizing::new(Vec::with_capacity(SYMBOLS));
        for _ in 0..SYMBOLS {
            let [lowest, ..] = bits.to_le_bytes();
            symbols.push(lowest & 31);
            bits >>= 5;
        }
        let check = times_x(symbols.iter().fold(0, |sum, symbol| times_x(sum) ^ symbol));
        let all = symbols.iter().chain([&check]).filter_map(|symbol| ALPHABET.get(usize::from(*symbol)));
        Self(Zeroizing::new(all.map(|letter| char::from(*letter)).collect()))
    }

    /// Reads what a person typed: any case, with or without spaces and dashes; 0, 1 and 8 for O, I and B.
    pub fn parse(typed: &str) -> Result<Self, Slip> {
        let text: Zeroizing<String> = Zeroizing::new(
            typed
                .chars()
                .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '.'))
                .take(SYMBOLS + 2)
                .map(|c| match c.to_ascii_uppercase() {
                    '0' => 'O',
                    '1' => 'I',
                    '8' => 'B',
                    other => other,
                })
                .collect(),
        );
        let value = |c: char| ALPHABET.iter().position(|letter| char::from(*letter) == c);
        let mut sum = 0;
        for c in text.chars() {
            let symbol = value(c).and_then(|at| u8::try_from(at).ok()).ok_or(Slip)?;
            sum = times_x(sum) ^ symbol;
        }
        if text.len() == SYMBOLS + 1 && sum == 0 { Ok(Self(text)) } else { Err(Slip) }
    }

    /// For the person's eyes, once: `ABCDE-FGHIJ-…-X`.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let groups: Vec<&str> =
            (0..self.0.len()).step_by(GROUP).filter_map(|at| self.0.get(at..self.0.len().min(at + GROUP))).collect();
        Zeroizing::new(groups.join("-"))
    }

    /// What is stored of it. 125 bits need no slow hash and no salt.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new_with_prefix(b"billfold saved code 1").chain_update(self.0.as_bytes()).finalize().into()
    }
}

impl std::fmt::Debug for SavedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SavedCode(…)")
    }
}

/// Times x in the field of 32 elements (x⁵ + x² + 1): a check by its powers finds every wrong symbol and every two that
/// were exchanged, wherever they stand.
const fn times_x(value: u8) -> u8 {
    let shifted = value << 1;
    if shifted & 0b10_0000 == 0 { shifted } else { shifted ^ 0b10_0101 }
}

// ---- guessing ----------------------------------------------------------------------------------------------------

/// What was guessed at a saved code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    pub in_all: u32,
    /// Since `day_began`.
    pub in_day: u32,
    pub day_began: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// Whether another guess counts now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayGuess {
    Yes,
    Wait {
        until: Timestamp,
    },
    /// The code is good for nothing any more; its owner makes a new one.
    Never,
}

impl Guesses {
    #[must_use]
    pub fn may(&self, now: Timestamp) -> MayGuess {
        if self.are_spent() {
            return MayGuess::Never;
        }
        let (Some(began), Some(last)) = (self.day_began, self.last) else { return MayGuess::Yes };
        let day_ends = later(began, DAY);
        let until = if self.in_day >= GUESSES_A_DAY { day_ends } else { later(last, wait_after(self.in_day)) };
        if now < until && now < day_ends { MayGuess::Wait { until } } else { MayGuess::Yes }
    }

    /// One more that was wrong.
    #[must_use]
    pub fn with_wrong(self, now: Timestamp) -> Self {
        let same_day = self.day_began.is_some_and(|began| now < later(began, DAY));
        let (in_day, day_began) = if same_day { (self.in_day, self.day_began) } else { (0, Some(now)) };
        Self { in_all: self.in_all.saturating_add(1), in_day: in_day.saturating_add(1), day_began, last: Some(now) }
    }

    /// No more are let through today, or ever.
    #[must_use]
    pub const fn are_used_up(&self) -> bool {
        self.in_day >= GUESSES_A_DAY || self.are_spent()
    }

    #[must_use]
    pub const fn are_spent(&self) -> bool {
        self.in_all >= GUESSES_IN_ALL
    }
}

/// 30 seconds, 2 minutes, 8 minutes, 32 minutes.
fn wait_after(wrong: u32) -> SignedDuration {
    let times = 4_i32.saturating_pow(wrong.saturating_sub(1));
    FIRST_WAIT.checked_mul(times).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

// ---- the recovery ------------------------------------------------------------------------------------------------

/// How far a recovery has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RecoveryState {
    /// None runs.
    #[default]
    None,
    /// Everybody was told, and each of them may stop it.
    Waiting {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        ready_at: Timestamp,
    },
    /// A new way in can be made until then.
    Ready {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        ends_at: Timestamp,
    },
    /// Somebody said that it was not the owner. None begins until then.
    Stopped {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        until: Timestamp,
    },
}

impl RecoveryState {
    /// Whether it can still be stopped.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Ready { .. })
    }
}

/// A recovery, by its times: begun, and then stopped, finished, or over by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub begun_at: Timestamp,
    pub ready_at: Timestamp,
    pub stopped_until: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

impl Recovery {
    #[must_use]
    pub fn begun(now: Timestamp, wait: SignedDuration) -> Self {
        Self { begun_at: now, ready_at: later(now, wait), stopped_until: None, finished_at: None }
    }

    #[must_use]
    pub fn stopped(self, now: Timestamp, rest: SignedDuration) -> Self {
        Self { stopped_until: Some(later(now, rest)), ..self }
    }

    #[must_use]
    pub fn state(&self, now: Timestamp) -> RecoveryState {
        let ends_at = later(self.ready_at, FINISH_WITHIN);
        match self.stopped_until {
            _ if self.finished_at.is_some() => RecoveryState::None,
            Some(until) if now < until => RecoveryState::Stopped { until },
            Some(_) => RecoveryState::None,
            None if now < self.ready_at => RecoveryState::Waiting { ready_at: self.ready_at },
            None if now < ends_at => RecoveryState::Ready { ends_at },
            None => RecoveryState::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
    }

    fn code(seed: u8) -> SavedCode {
        let byte = |at| seed.wrapping_mul(37).wrapping_add(u8::try_from(at).expect("16 bytes")).wrapping_mul(73);
        SavedCode::new(std::array::from_fn(byte))
    }

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        for seed in 0..50 {
            let code = code(seed);
            let text = code.expose();
            assert_eq!((text.len(), text.matches('-').count()), (31, 5), "{}", *text);
            let typed = [
                text.to_lowercase(),
                text.replace('-', " "),
                text.replace('-', ""),
                text.replace('O', "0").replace('I', "1").replace('B', "8"),
            ];
            for typed in typed {
                assert_eq!(SavedCode::parse(&typed).expect("it reads").hash(), code.hash(), "{typed}");
            }
        }
        assert_ne!(code(1).hash(), code(2).hash());
        assert_eq!(format!("{:?}", code(1)), "SavedCode(…)");
    }

    #[test]
    fn every_wrong_symbol_and_every_exchange_of_two_is_a_slip() {
        let whole: Vec<char> = code(7).expose().chars().filter(|c| *c != '-').collect();
        let read = |symbols: &[char]| SavedCode::parse(&symbols.iter().collect::<String>()).is_ok();
        assert!(read(&whole));
        for at in 0..whole.len() {
            for letter in ALPHABET {
                let mut other = whole.clone();
                other[at] = char::from(*letter);
                assert_eq!(read(&other), other == whole, "{at} {letter}");
            }
            for with in at + 1..whole.len() {
                let mut other = whole.clone();
                other.swap(at, with);
                assert_eq!(read(&other), other == whole, "{at} {with}");
            }
            let mut shorter = whole.clone();
            shorter.remove(at);
            assert!(!read(&shorter));
        }
        for none in ["", "é", "AAAAA", &"A".repeat(400), &format!("{}A", code(7).expose().as_str())] {
            assert_eq!(SavedCode::parse(none).err(), Some(Slip), "{none}");
        }
    }

    #[test]
    fn five_wrong_codes_a_day_are_let_through_with_longer_and_longer_waits() {
        let mut guesses = Guesses::default();
        let mut now = at(0);
        for wait in [30, 120, 480, 1_920] {
            assert_eq!(guesses.may(now), MayGuess::Yes);
            guesses = guesses.with_wrong(now);
            let until = now + SignedDuration::from_secs(wait);
            assert_eq!(guesses.may(now), MayGuess::Wait { until });
            assert!(!guesses.are_used_up());
            now = until;
        }
        guesses = guesses.with_wrong(now);
        assert!(guesses.are_used_up() && !guesses.are_spent());
        assert_eq!(guesses.may(now), MayGuess::Wait { until: at(86_400) }, "the day is over for guessing");
        assert_eq!(guesses.may(at(86_400)), MayGuess::Yes);
        assert_eq!(guesses.with_wrong(at(86_400)).in_day, 1, "another day");
    }

    #[test]
    fn fifty_wrong_codes_make_a_code_useless_for_ever() {
        let mut guesses = Guesses::default();
        for n in 0..50 {
            assert_ne!(guesses.may(at(n * 86_400)), MayGuess::Never, "{n}");
            guesses = guesses.with_wrong(at(n * 86_400));
        }
        assert_eq!(guesses.may(at(1_000 * 86_400)), MayGuess::Never);
    }

    #[test]
    fn a_recovery_waits_is_ready_for_a_day_and_is_over() {
        let hours = SignedDuration::from_hours;
        let recovery = Recovery::begun(at(0), hours(72));
        let day = 86_400;
        assert_eq!(recovery.state(at(3 * day - 1)), RecoveryState::Waiting { ready_at: at(3 * day) });
        assert_eq!(recovery.state(at(3 * day)), RecoveryState::Ready { ends_at: at(4 * day) });
        assert_eq!(recovery.state(at(4 * day)), RecoveryState::None);
        let stopped = recovery.stopped(at(day), hours(168));
        assert_eq!(stopped.state(at(3 * day)), RecoveryState::Stopped { until: at(8 * day) });
        assert_eq!(stopped.state(at(8 * day)), RecoveryState::None);
        let finished = Recovery { finished_at: Some(at(3 * day)), ..recovery };
        assert_eq!(finished.state(at(3 * day)), RecoveryState::None);
        assert_eq!(
            Recovery::begun(at(0), SignedDuration::ZERO).state(at(0)),
            RecoveryState::Ready { ends_at: at(day) }
        );
    }
}
