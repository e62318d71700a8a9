//! Getting back into an account: the code that a person keeps on paper, how often it may be guessed, and how long a
//! recovery takes, in which anybody whom it is told can stop it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

// ---- The saved code ----------------------------------------------------------------------------------------------

/// Symbols of five bits: 125 bits in all.
const SYMBOLS: usize = 25;
const GROUP: usize = 5;
/// RFC 4648: no 0, 1, 8 and 9, which are taken for letters.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of the recovery sheet. A check symbol at its end tells a slip from a wrong code before anything is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedCode([u8; SYMBOLS]);

/// What was typed has a slip in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a saved code has 26 letters and digits, and these do not fit together")]
pub struct Slip;

impl SavedCode {
    /// A new code from 16 random bytes; three bits are left over.
    #[must_use]
    pub fn new(chance: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(chance);
        let mut symbols = [0; SYMBOLS];
        for (place, symbol) in symbols.iter_mut().enumerate() {
            let shift = 128 - 5 * (place + 1);
            *symbol = u8::try_from((bits >> shift) & 31).unwrap_or(0);
        }
        Self(symbols)
    }

    /// Reads what a person typed: any case, with or without spaces and dashes; 0, 1 and 8 for O, I and B.
    pub fn parse(typed: &str) -> Result<Self, Slip> {
        let mut read = Vec::with_capacity(SYMBOLS + 1);
        for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                '0' => 'O',
                '1' => 'I',
                '8' => 'B',
                other => other,
            };
            let symbol = ALPHABET.iter().position(|known| char::from(*known) == c).ok_or(Slip)?;
            read.push(u8::try_from(symbol).map_err(|_| Slip)?);
            if read.len() > SYMBOLS + 1 {
                return Err(Slip);
            }
        }
        let check = read.pop().ok_or(Slip)?;
        let code = Self(read.try_into().map_err(|_| Slip)?);
        if code.check() == check { Ok(code) } else { Err(Slip) }
    }

    /// For the person's eyes, once: `ABCDE-FGHIJ-KLMNO-PQRST-UVWXY-Z`.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut text = String::with_capacity(SYMBOLS + SYMBOLS / GROUP + 1);
        for (place, symbol) in self.0.iter().chain([&self.check()]).enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(*symbol)]));
        }
        text
    }

    /// What is kept of it. It is random enough to need no slow hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new_with_prefix(b"billfold saved code 1").chain_update(self.0).finalize().into()
    }

    /// A sum over the field of 32 elements, in which each place has a weight of its own: any one wrong symbol and any two
    /// exchanged ones change it.
    fn check(&self) -> u8 {
        // By Horner's rule, with a generator of the field as the weight.
        self.0.iter().fold(0, |sum, symbol| doubled(sum ^ symbol))
    }
}

/// Times x, modulo x^5 + x^2 + 1.
const fn doubled(element: u8) -> u8 {
    let shifted = element << 1;
    if shifted & 32 == 0 { shifted } else { (shifted ^ 0b10_0101) & 31 }
}

impl std::fmt::Debug for SavedCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SavedCode(…)")
    }
}

// ---- Guesses -----------------------------------------------------------------------------------------------------

/// Wrong codes in 24 hours, and in a code's whole life; then only its owner can make a new one.
pub const GUESSES_A_DAY: u32 = 5;
pub const GUESSES_IN_ALL: u32 = 50;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Seconds to wait after each wrong code of a day.
const WAITS: [i64; 4] = [30, 180, 900, 3_600];

/// The wrong codes that somebody typed for one account. They block its recovery, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    pub in_all: u32,
    /// Since `day_began`.
    pub in_day: u32,
    pub day_began: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// Whether the next guess counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayGuess {
    Yes,
    /// Not before then.
    Wait {
        until: Timestamp,
    },
    /// This code has been guessed at too often.
    Never,
}

impl Guesses {
    #[must_use]
    pub fn may(&self, now: Timestamp) -> MayGuess {
        if self.in_all >= GUESSES_IN_ALL {
            return MayGuess::Never;
        }
        let (Some(began), Some(last)) = (self.day_began, self.last) else { return MayGuess::Yes };
        let day_ends = later(began, DAY);
        if now >= day_ends || self.in_day == 0 {
            return MayGuess::Yes;
        }
        if self.in_day >= GUESSES_A_DAY {
            return MayGuess::Wait { until: day_ends };
        }
        let place = usize::try_from(self.in_day - 1).unwrap_or(0).min(WAITS.len() - 1);
        let until = later(last, SignedDuration::from_secs(WAITS[place]));
        if now < until { MayGuess::Wait { until } } else { MayGuess::Yes }
    }

    /// One more was wrong.
    #[must_use]
    pub fn with_wrong(&self, now: Timestamp) -> Self {
        let same_day = self.day_began.is_some_and(|began| now < later(began, DAY));
        let (in_day, began) = if same_day { (self.in_day, self.day_began) } else { (0, Some(now)) };
        Self {
            in_all: self.in_all.saturating_add(1),
            in_day: in_day.saturating_add(1),
            day_began: began,
            last: Some(now),
        }
    }

    /// Whether the owner is to hear of the last one: the day's or the code's are used up.
    #[must_use]
    pub const fn are_used_up(&self) -> bool {
        self.in_day >= GUESSES_A_DAY || self.in_all >= GUESSES_IN_ALL
    }
}

// ---- The recovery ------------------------------------------------------------------------------------------------

/// Once the wait is over it is finished within so long, or not at all.
pub const FINISH_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A recovery that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub begun_at: Timestamp,
    pub ready_at: Timestamp,
    /// Somebody stopped it, and until then no other begins.
    pub stopped_until: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RecoveryState {
    /// Nothing is under way.
    None,
    /// Everybody was told, and can stop it.
    Waiting {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        ready_at: Timestamp,
    },
    /// It can be finished, and still be stopped.
    Ready {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        ends_at: Timestamp,
    },
    /// It was stopped; another may begin then.
    Stopped {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        until: Timestamp,
    },
}

impl Recovery {
    #[must_use]
    pub fn begun(now: Timestamp, wait: SignedDuration) -> Self {
        Self { begun_at: now, ready_at: later(now, wait), stopped_until: None, finished_at: None }
    }

    #[must_use]
    pub fn state(&self, now: Timestamp) -> RecoveryState {
        let ends_at = later(self.ready_at, FINISH_WITHIN);
        match (self.finished_at, self.stopped_until) {
            (Some(_), _) => RecoveryState::None,
            (None, Some(until)) if now < until => RecoveryState::Stopped { until },
            (None, Some(_)) => RecoveryState::None,
            (None, None) if now < self.ready_at => RecoveryState::Waiting { ready_at: self.ready_at },
            (None, None) if now < ends_at => RecoveryState::Ready { ends_at },
            (None, None) => RecoveryState::None,
        }
    }

    /// Somebody who was told says no.
    #[must_use]
    pub fn stopped(self, now: Timestamp, rest: SignedDuration) -> Self {
        Self { stopped_until: Some(later(now, rest)), ..self }
    }
}

impl RecoveryState {
    /// It runs: it can be stopped.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Ready { .. })
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("a time")
    }

    const HOUR: i64 = 3_600;

    /// Bytes that look random and are the same each time.
    fn chance(seed: u8) -> [u8; 16] {
        let mut bytes = [0; 16];
        let mut state = u32::from(seed).wrapping_mul(2_654_435_761).wrapping_add(1);
        for byte in &mut bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_be_bytes()[0];
        }
        bytes
    }

    #[test]
    fn a_saved_code_reads_back_however_it_was_written_down() {
        for seed in 0..64 {
            let code = SavedCode::new(chance(seed));
            let text = code.expose();
            assert_eq!(text.len(), 31, "{text}");
            assert_eq!(SavedCode::parse(&text), Ok(code.clone()));
            assert_eq!(SavedCode::parse(&text.to_lowercase().replace('-', " ")), Ok(code.clone()));
            let by_hand = text.replace('O', "0").replace('I', "1").replace('B', "8");
            assert_eq!(SavedCode::parse(&by_hand), Ok(code));
        }
        assert_eq!(SavedCode::new([255; 16]).expose(), "77777-77777-77777-77777-77777-G");
        for bad in ["", "-", "ABCDE", "!", &"A".repeat(200)] {
            assert_eq!(SavedCode::parse(bad), Err(Slip), "{bad}");
        }
        let code = SavedCode::new(chance(1));
        assert_eq!(format!("{code:?}"), "SavedCode(…)");
        assert_ne!(code.hash(), SavedCode::new(chance(2)).hash());
    }

    #[test]
    fn every_single_slip_and_every_exchange_is_seen() {
        let text: Vec<char> = SavedCode::new(chance(3)).expose().chars().filter(|c| *c != '-').collect();
        let read = |chars: &[char]| SavedCode::parse(&chars.iter().collect::<String>());
        for place in 0..text.len() {
            for symbol in ALPHABET.iter().map(|symbol| char::from(*symbol)).filter(|symbol| *symbol != text[place]) {
                let mut slip = text.clone();
                slip[place] = symbol;
                assert_eq!(read(&slip), Err(Slip), "{symbol} at {place}");
            }
            for other in place + 1..text.len() {
                let mut slip = text.clone();
                slip.swap(place, other);
                assert_eq!(read(&slip).is_err(), text[place] != text[other], "{place} and {other} exchanged");
            }
        }
    }

    #[test]
    fn guesses_wait_longer_each_time_and_end_for_the_day_after_five() {
        let mut guesses = Guesses::default();
        let mut now = 0;
        let mut waited = Vec::new();
        for _ in 0..4 {
            assert_eq!(guesses.may(at(now)), MayGuess::Yes);
            guesses = guesses.with_wrong(at(now));
            let MayGuess::Wait { until } = guesses.may(at(now)) else { panic!("no wait") };
            waited.push(until.duration_since(at(now)).as_secs());
            assert!(!guesses.are_used_up());
            assert_ne!(guesses.may(at(now + waited[waited.len() - 1] - 1)), MayGuess::Yes);
            now += waited[waited.len() - 1];
        }
        assert_eq!(waited, [30, 180, 900, 3_600]);
        guesses = guesses.with_wrong(at(now));
        assert!(guesses.are_used_up());
        assert_eq!(guesses.may(at(now)), MayGuess::Wait { until: at(24 * HOUR) });
        assert_eq!(guesses.may(at(24 * HOUR)), MayGuess::Yes, "the next day");
        let next = guesses.with_wrong(at(24 * HOUR));
        assert_eq!((next.in_day, next.in_all), (1, 6));
    }

    #[test]
    fn a_code_that_was_guessed_at_fifty_times_is_spent() {
        let mut guesses = Guesses::default();
        for n in 0..i64::from(GUESSES_IN_ALL) {
            assert_eq!(guesses.may(at(n * 25 * HOUR)), MayGuess::Yes);
            guesses = guesses.with_wrong(at(n * 25 * HOUR));
        }
        assert_eq!(guesses.may(at(1_000_000 * HOUR)), MayGuess::Never);
    }

    #[test]
    fn a_recovery_waits_is_ready_for_a_day_and_can_be_stopped_throughout() {
        let wait = SignedDuration::from_hours(72);
        let recovery = Recovery::begun(at(0), wait);
        let ready = at(72 * HOUR);
        assert_eq!(recovery.state(at(0)), RecoveryState::Waiting { ready_at: ready });
        assert_eq!(recovery.state(at(72 * HOUR - 1)), RecoveryState::Waiting { ready_at: ready });
        assert_eq!(recovery.state(ready), RecoveryState::Ready { ends_at: at(96 * HOUR) });
        assert_eq!(recovery.state(at(96 * HOUR)), RecoveryState::None, "too late");
        let rest = SignedDuration::from_hours(7 * 24);
        let stopped = recovery.stopped(at(80 * HOUR), rest);
        let until = at((80 + 7 * 24) * HOUR);
        assert_eq!(stopped.state(at(81 * HOUR)), RecoveryState::Stopped { until });
        assert_eq!(stopped.state(until), RecoveryState::None);
        let finished = Recovery { finished_at: Some(at(73 * HOUR)), ..recovery };
        assert_eq!(finished.state(at(74 * HOUR)), RecoveryState::None);
        assert_eq!(
            Recovery::begun(at(0), SignedDuration::ZERO).state(at(0)),
            RecoveryState::Ready { ends_at: at(24 * HOUR) },
            "where nothing waits it can be finished at once"
        );
        assert!(recovery.state(at(0)).runs() && !stopped.state(at(81 * HOUR)).runs());
    }
}
