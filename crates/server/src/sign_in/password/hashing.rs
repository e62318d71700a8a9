//! Passwords as they are kept: Argon2id in PHC strings, worked out behind a queue that is bounded, since each takes
//! memory and time. A name that nobody has costs what one costs that somebody has.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use domain::ways_in::{PASSWORD_MOST, PasswordError, password_length};
use icu_normalizer::ComposingNormalizerBorrowed;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use crate::Chance;
use crate::config::ConfigError;

/// Hashes that are worked out at the same time; each takes the memory of `Cost`.
const AT_ONCE: usize = 4;
/// Those that wait beside them. Who comes then is told to come back.
const WAITING_MAX: usize = 32;
/// Bytes of a request that may hold a password: the longest in the longest encoding, twice.
const TYPED_MAX: usize = PASSWORD_MOST * 8;

/// How dear one hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Cost {
    /// The floor that OWASP names for one pass: 46 MiB.
    pub const USUAL: Self = Self { memory_kib: 47_104, passes: 1, lanes: 1 };
    /// For worlds of tests, where thousands are worked out.
    pub const CHEAP: Self = Self { memory_kib: 64, passes: 1, lanes: 1 };
}

/// A password as it was typed, in the one spelling that counts: NFKC, so that it is the same on every keyboard.
pub struct Typed(Zeroizing<String>);

impl Typed {
    /// None for what is longer than any password may be.
    pub fn new(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        if text.len() > TYPED_MAX {
            return None;
        }
        let same = ComposingNormalizerBorrowed::new_nfkc().normalize(&text).into_owned();
        Some(Self(Zeroizing::new(same)))
    }

    /// Whether this may be a new password, and whether it is a long one. `known` is what anybody would try for this
    /// person: their names and the server's.
    fn judge(&self, known: &[String]) -> Result<bool, PasswordError> {
        let long = password_length(&self.0)?;
        let words: Vec<&str> = known.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).collect();
        let all: Vec<&str> = known.iter().map(String::as_str).chain(words).filter(|word| word.len() > 2).collect();
        // Its dictionaries are the list of common passwords, too.
        if zxcvbn(&self.0, &all).score() < Score::Three { Err(PasswordError::Guessable) } else { Ok(long) }
    }
}

/// A new password's hash.
pub struct Hashed {
    pub hash: String,
    pub long: bool,
}

/// Too many are worked out already.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

pub struct Hashing {
    argon: Argon2<'static>,
    /// What is checked where there is nobody.
    nobody: Arc<str>,
    line: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Hashing {
    pub fn new(cost: Cost, chance: &dyn Chance) -> Result<Self, ConfigError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(Params::DEFAULT_OUTPUT_LEN));
        let params = params.map_err(|_| ConfigError::PasswordCost)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut password = [0; 32];
        chance.fill(&mut password);
        let nobody = hash(&argon, &password, &salt(chance)).ok_or(ConfigError::PasswordCost)?;
        Ok(Self {
            argon,
            nobody: nobody.into(),
            line: Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX)),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Whether the password is the one of this hash. Without a hash the work is the same, and the answer no.
    pub async fn fits(&self, typed: Arc<Typed>, kept: Option<&str>) -> Result<bool, Busy> {
        let (argon, exists) = (self.argon.clone(), kept.is_some());
        let kept = kept.map_or_else(|| self.nobody.to_string(), str::to_owned);
        let same = self.work(move || {
            let kept = PasswordHash::new(&kept).ok()?;
            argon.verify_password(typed.0.as_bytes(), &kept).ok()
        });
        Ok(same.await?.is_some() && exists)
    }

    /// A new password's hash, unless it may be none.
    pub async fn take(
        &self,
        typed: Arc<Typed>,
        known: Vec<String>,
        chance: &dyn Chance,
    ) -> Result<Result<Hashed, PasswordError>, Busy> {
        let (argon, salt) = (self.argon.clone(), salt(chance));
        self.work(move || {
            let long = typed.judge(&known)?;
            let hash = hash(&argon, typed.0.as_bytes(), &salt).ok_or(PasswordError::TooLong)?;
            Ok(Hashed { hash, long })
        })
        .await
    }

    /// The same password's hash at today's cost, when it was made at another.
    pub async fn raise(&self, typed: Arc<Typed>, kept: &str, chance: &dyn Chance) -> Result<Option<String>, Busy> {
        let params = PasswordHash::new(kept).ok().and_then(|kept| Params::try_from(&kept).ok());
        let today = self.argon.params();
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        if params.is_some_and(|params| cost(&params) == cost(today)) {
            return Ok(None);
        }
        let (argon, salt) = (self.argon.clone(), salt(chance));
        self.work(move || hash(&argon, typed.0.as_bytes(), &salt)).await
    }

    /// Runs beside the async threads, in turn.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let waiting = Arc::clone(&self.line).try_acquire_owned().map_err(|_| Busy)?;
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((place, waiting));
            done
        });
        done.await.map_err(|_| Busy)
    }
}

fn salt(chance: &dyn Chance) -> [u8; 16] {
    let mut salt = [0; 16];
    chance.fill(&mut salt);
    salt
}

fn hash(argon: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Option<String> {
    argon.hash_password_with_salt(password, salt).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededChance;

    fn typed(text: &str) -> Arc<Typed> {
        Arc::new(Typed::new(text.to_owned()).unwrap())
    }

    async fn taken(hashing: &Hashing, text: &str) -> Result<Hashed, PasswordError> {
        let known = vec!["Ines Calloway".to_owned(), "ines-48271".to_owned(), "Tern Harbor Bank".to_owned()];
        hashing.take(typed(text), known, &SeededChance::new(1)).await.unwrap()
    }

    #[tokio::test]
    async fn what_anybody_would_try_is_refused_and_what_it_is_made_of_does_not_matter() {
        let hashing = Hashing::new(Cost::CHEAP, &SeededChance::new(1)).unwrap();
        for guessable in [
            "password",
            "12345678",
            "iloveyou2",
            "qwertyuiop",
            "P@ssw0rd!",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcdefghijkl",
            "InesCalloway",
            "calloway1",
            "ines-48271",
            "ternharbor",
            "19870412",
        ] {
            assert_eq!(taken(&hashing, guessable).await.err(), Some(PasswordError::Guessable), "{guessable}");
        }
        for (good, long) in [
            ("vglk3wq9t", false),
            ("hollow reed lantern", true),
            ("       drei graue gänse", true),
            ("雨が降る前に帰る猫", false),
            ("🐟🪵🌂🧵🦩🪆🥁🛶🪁", false),
        ] {
            assert_eq!(taken(&hashing, good).await.map(|hashed| hashed.long), Ok(long), "{good}");
        }
        assert_eq!(taken(&hashing, "kurz").await.err(), Some(PasswordError::TooShort { least: 8 }));
        let longest: String = (0..256_u32).filter_map(|at| char::from_u32(0x4e00 + at * 37)).collect();
        assert!(taken(&hashing, &longest).await.is_ok());
        assert!(Typed::new("x".repeat(TYPED_MAX + 1)).is_none());
    }

    #[tokio::test]
    async fn one_password_fits_however_its_accents_are_typed() {
        let hashing = Hashing::new(Cost::CHEAP, &SeededChance::new(1)).unwrap();
        let composed = taken(&hashing, "drei graue g\u{e4}nse").await.unwrap();
        assert!(hashing.fits(typed("drei graue ga\u{308}nse"), Some(&composed.hash)).await.unwrap());
        assert!(!hashing.fits(typed("drei graue Gänse"), Some(&composed.hash)).await.unwrap());
        assert!(composed.hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    }

    #[tokio::test]
    async fn a_hash_that_was_cheaper_is_made_anew() {
        let chance = SeededChance::new(1);
        let (old, new) = (
            Hashing::new(Cost::CHEAP, &chance).unwrap(),
            Hashing::new(Cost { memory_kib: 128, ..Cost::CHEAP }, &chance).unwrap(),
        );
        let hashed = taken(&old, "hollow reed lantern").await.unwrap();
        assert!(new.fits(typed("hollow reed lantern"), Some(&hashed.hash)).await.unwrap());
        assert_eq!(old.raise(typed("hollow reed lantern"), &hashed.hash, &chance).await.unwrap(), None);
        let raised = new.raise(typed("hollow reed lantern"), &hashed.hash, &chance).await.unwrap().unwrap();
        assert!(raised.starts_with("$argon2id$v=19$m=128,t=1,p=1$"));
        assert!(new.fits(typed("hollow reed lantern"), Some(&raised)).await.unwrap());
    }

    #[tokio::test]
    async fn who_comes_when_the_queue_is_full_is_sent_away_and_the_others_are_served() {
        let hashing = Arc::new(Hashing::new(Cost::CHEAP, &SeededChance::new(1)).unwrap());
        // Nobody gets a place until all have come: the threads that hash are as quick as they like.
        let places = Arc::clone(&hashing.places).acquire_many_owned(AT_ONCE as u32).await.unwrap();
        let all = (0..AT_ONCE + WAITING_MAX + 10).map(|_| hashing.fits(typed("hollow reed lantern"), None));
        let all = futures_util::future::join_all(all);
        let (answers, ()) = tokio::join!(biased; all, async { drop(places) });
        let busy = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(busy, 10);
        assert!(answers.into_iter().flatten().all(|fits| !fits), "nobody's password fits nobody");
        assert!(hashing.fits(typed("hollow reed lantern"), None).await.is_ok(), "the queue is empty again");
    }
}
