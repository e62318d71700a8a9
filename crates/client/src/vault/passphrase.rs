//! Passphrases: which are strong enough, and how a key is stretched from one (Argon2id), slower as computers get faster.

use argon2::{Algorithm, Argon2, Params, Version};
use domain::time::Clock;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::VaultError;
use crate::seal::{SealKey, without_traces};

/// Alone on guard, a passphrase has at least so many characters.
const ALONE_CHARS_MIN: usize = 12;
/// And an attacker needs at least 10^8 guesses in the estimator's reckoning: with a second for each, three years.
const ALONE_GUESSES_LOG10_MIN: f64 = 8.0;
/// On top of the keyring's secret it may be a PIN: without the keyring no guess can be tried at all.
const ON_TOP_CHARS_MIN: usize = 6;
const ON_TOP_GUESSES_LOG10_MIN: f64 = 4.0;
/// Longer ones are no safer, and weighing them takes time.
const BYTES_MAX: usize = 1_024;
/// A stretch should take about this long here, and is made slower only when it takes less than half of it.
const STRETCH_TARGET: SignedDuration = SignedDuration::from_secs(1);
/// More than this would lock people of small computers out.
const MEMORY_TUNED_MAX_KIB: u32 = 256 * 1024;
const PASSES_TUNED_MAX: u32 = 12;
/// Parameters beyond these are not ours and would only exhaust the computer.
const MEMORY_MAX_KIB: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 20;

/// What stands guard beside the passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    Alone,
    OnTopOfKeyring,
}

/// Refuses what is short or easily guessed, before anything is kept.
pub(super) fn weigh(passphrase: &str, guard: Guard) -> Result<(), VaultError> {
    let (chars, guesses) = match guard {
        Guard::Alone => (ALONE_CHARS_MIN, ALONE_GUESSES_LOG10_MIN),
        Guard::OnTopOfKeyring => (ON_TOP_CHARS_MIN, ON_TOP_GUESSES_LOG10_MIN),
    };
    if passphrase.chars().count() < chars {
        return Err(match guard {
            Guard::Alone => VaultError::PassphraseTooShort,
            Guard::OnTopOfKeyring => VaultError::PinTooShort,
        });
    }
    if passphrase.len() > BYTES_MAX {
        return Err(VaultError::PassphraseTooLong);
    }
    if zxcvbn::zxcvbn(passphrase, &["billfold"]).guesses_log10() < guesses {
        return Err(VaultError::PassphraseGuessable);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArgonParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl ArgonParams {
    /// The least that is used; what a header holds below it is raised at the next opening.
    pub const FLOOR: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    /// What to use from now on, when these took so long: memory first, then passes, up towards the target. Never less
    /// than before. A time of nothing says nothing.
    #[must_use]
    pub fn raised(self, took: SignedDuration) -> Self {
        let mut next = Self {
            memory_kib: self.memory_kib.max(Self::FLOOR.memory_kib),
            passes: self.passes.max(Self::FLOOR.passes),
            lanes: self.lanes.max(Self::FLOOR.lanes),
        };
        if next != self || !took.is_positive() {
            return next;
        }
        let mut times = u32::try_from(STRETCH_TARGET.as_micros() / took.as_micros().max(1)).unwrap_or(u32::MAX);
        while times >= 2 && next.memory_kib * 2 <= MEMORY_TUNED_MAX_KIB {
            next.memory_kib *= 2;
            times /= 2;
        }
        if times >= 2 {
            next.passes = next.passes.max(next.passes.saturating_mul(times).min(PASSES_TUNED_MAX));
        }
        next
    }
}

/// The key that a passphrase gives with this salt.
pub(super) fn stretch(passphrase: &str, salt: &[u8], params: ArgonParams) -> Result<SealKey, VaultError> {
    if params.memory_kib > MEMORY_MAX_KIB || params.passes > PASSES_MAX {
        return Err(VaultError::Damaged);
    }
    let mut stretched = SealKey::blank();
    let chosen =
        Params::new(params.memory_kib, params.passes, params.lanes, Some(32)).map_err(|_| VaultError::Damaged)?;
    without_traces(|| {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, chosen)
            .hash_password_into(passphrase.as_bytes(), salt, stretched.as_mut_slice())
            .map_err(|_| VaultError::Damaged)?;
        Ok(stretched)
    })
}

/// The same, and the parameters to use from now on by how long it took.
pub(super) fn stretch_timed(
    passphrase: &str,
    salt: &[u8],
    params: ArgonParams,
    clock: &dyn Clock,
) -> Result<(SealKey, ArgonParams), VaultError> {
    let began = clock.now();
    let key = stretch(passphrase, salt, params)?;
    Ok((key, params.raised(clock.now().duration_since(began))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_alone_must_be_long_and_hard_to_guess() {
        for good in ["quiet harbour 17", "seven quiet otters by the mill", "zW7#kq!mT2vb"] {
            assert!(weigh(good, Guard::Alone).is_ok(), "{good}");
        }
        assert!(matches!(weigh("eleven chrs", Guard::Alone), Err(VaultError::PassphraseTooShort)));
        for easy in ["aaaaaaaaaaaaaaaaaaaa", "password1234", "123456789012", "qwertyuiop123", "billfoldbillfold"] {
            assert!(matches!(weigh(easy, Guard::Alone), Err(VaultError::PassphraseGuessable)), "{easy}");
        }
        let long = "quiet harbour ".repeat(100);
        assert!(matches!(weigh(&long, Guard::Alone), Err(VaultError::PassphraseTooLong)));
    }

    #[test]
    fn on_top_of_the_keyring_a_pin_will_do_but_not_any_pin() {
        for good in ["492716", "mosswillow", "80 31 57"] {
            assert!(weigh(good, Guard::OnTopOfKeyring).is_ok(), "{good}");
        }
        assert!(matches!(weigh("49271", Guard::OnTopOfKeyring), Err(VaultError::PinTooShort)));
        for easy in ["123456", "111111", "654321", "abcdef", "password"] {
            assert!(matches!(weigh(easy, Guard::OnTopOfKeyring), Err(VaultError::PassphraseGuessable)), "{easy}");
        }
    }

    #[test]
    fn stretching_gets_slower_with_the_computer_and_never_faster() {
        let millis = SignedDuration::from_millis;
        let with = |memory_mib: u32, passes| ArgonParams { memory_kib: memory_mib * 1024, passes, lanes: 4 };
        let table = [
            // Slow enough, or not measured.
            (with(64, 3), millis(501), with(64, 3)),
            (with(64, 3), millis(4_000), with(64, 3)),
            (with(64, 3), millis(0), with(64, 3)),
            (with(64, 3), millis(-10), with(64, 3)),
            // Memory first, then passes.
            (with(64, 3), millis(500), with(128, 3)),
            (with(64, 3), millis(240), with(256, 3)),
            (with(64, 3), millis(120), with(256, 6)),
            (with(64, 3), millis(1), with(256, 12)),
            (with(256, 12), millis(1), with(256, 12)),
            // What is below the floor is raised to it whatever it took.
            (with(19, 2), millis(4_000), with(64, 3)),
            // What somebody set higher stays.
            (with(512, 3), millis(900), with(512, 3)),
        ];
        for (before, took, after) in table {
            assert_eq!(before.raised(took), after, "{before:?} took {took:?}");
        }
    }

    #[test]
    fn parameters_that_are_not_ours_are_refused_before_they_are_tried() {
        let hostile = ArgonParams { memory_kib: u32::MAX, passes: 1, lanes: 1 };
        assert!(matches!(stretch("a", b"sixteen bytes ok", hostile), Err(VaultError::Damaged)));
    }
}
