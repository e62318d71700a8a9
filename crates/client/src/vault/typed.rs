//! What a person types into a window to open or to protect the copy, sealed on its way. A window system keeps copies of
//! what passes through it that nobody here can wipe: so it carries noise, sealed to a key that serves once and is forgotten
//! with what it opened. Both sides make a key of their own (ECDH on P-256); the window's is gone with its web view.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::rand::SystemRandom;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::seal::{BrokenSeal, derive, without_traces};

/// A window asks for a key when it has something to say, and for no more than a form has fields.
const WAITING_MAX: usize = 8;
/// A key seals one text, so that it needs no other.
const NONCE: [u8; 12] = [0; 12];
const PURPOSE: &[u8] = b"billfold typed";

/// A text that was typed, sealed to the key of that name. All three are in base64.
#[derive(Debug, Deserialize, specta::Type)]
pub struct Typed {
    key: String,
    /// The window's own key.
    by: String,
    sealed: String,
}

/// The keys that were asked for and have opened nothing yet, the oldest first.
#[derive(Default)]
pub struct TypedKeys(Mutex<VecDeque<TypedKey>>);

struct TypedKey {
    /// In a place of its own, like every key.
    private: Box<EphemeralPrivateKey>,
    public: String,
}

impl TypedKeys {
    /// Makes the key for one text.
    pub fn make(&self) -> Result<String, BrokenSeal> {
        let key = TypedKey::make()?;
        let public = key.public.clone();
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push_back(key);
        if keys.len() > WAITING_MAX {
            keys.pop_front();
        }
        Ok(public)
    }

    /// Opens a text with the key that it was sealed to, which opens nothing else after it.
    pub fn open(&self, typed: &Typed) -> Result<Zeroizing<String>, BrokenSeal> {
        let key = {
            let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = keys.iter().position(|key| key.public == typed.key).ok_or(BrokenSeal)?;
            keys.remove(at).ok_or(BrokenSeal)?
        };
        key.open(typed)
    }

    /// Forgets all of them: nobody types any more.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl TypedKey {
    fn make() -> Result<Self, BrokenSeal> {
        let made = without_traces(|| EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map(Box::new));
        let private = made.map_err(|_| BrokenSeal)?;
        let public = private.compute_public_key().map_err(|_| BrokenSeal)?;
        Ok(Self { private, public: BASE64.encode(public.as_ref()) })
    }

    fn open(self, typed: &Typed) -> Result<Zeroizing<String>, BrokenSeal> {
        let by = BASE64.decode(typed.by.as_bytes()).map_err(|_| BrokenSeal)?;
        let mut text = Zeroizing::new(BASE64.decode(typed.sealed.as_bytes()).map_err(|_| BrokenSeal)?);
        let length = without_traces(|| {
            let theirs = UnparsedPublicKey::new(&ECDH_P256, &by);
            let key = agree_ephemeral(*self.private, &theirs, |shared| derive(shared, typed.key.as_bytes(), PURPOSE));
            let key = key.and_then(|key| UnboundKey::new(&AES_256_GCM, key.as_slice())).map_err(|_| BrokenSeal)?;
            let nonce = Nonce::assume_unique_for_key(NONCE);
            let opened = LessSafeKey::new(key).open_in_place(nonce, Aad::empty(), &mut text);
            opened.map(|plain| plain.len()).map_err(|_| BrokenSeal)
        })?;
        let plain = text.get(..length).and_then(|plain| std::str::from_utf8(plain).ok()).ok_or(BrokenSeal)?;
        Ok(Zeroizing::new(plain.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a window does.
    fn seal(text: &str, key: &str) -> Typed {
        let random = SystemRandom::new();
        let mine = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
        let by = BASE64.encode(mine.compute_public_key().unwrap().as_ref());
        let theirs = BASE64.decode(key.as_bytes()).unwrap();
        let theirs = UnparsedPublicKey::new(&ECDH_P256, &theirs);
        let shared = agree_ephemeral(mine, &theirs, |shared| derive(shared, key.as_bytes(), PURPOSE)).unwrap();
        let mut sealed = text.as_bytes().to_vec();
        let key_of = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, shared.as_slice()).unwrap());
        let nonce = Nonce::assume_unique_for_key(NONCE);
        key_of.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).unwrap();
        Typed { key: key.to_owned(), by, sealed: BASE64.encode(&sealed) }
    }

    #[test]
    fn a_key_opens_what_was_sealed_to_it_and_once() {
        let keys = TypedKeys::default();
        let typed = seal("quiet harbour 17", &keys.make().unwrap());
        assert_eq!(keys.open(&typed).unwrap().as_str(), "quiet harbour 17");
        assert_eq!(keys.open(&typed), Err(BrokenSeal), "what is kept of it opens nothing later");
        let other = keys.make().unwrap();
        let mut taken = seal("quiet harbour 17", &keys.make().unwrap());
        taken.key = other;
        assert_eq!(keys.open(&taken), Err(BrokenSeal), "another key does not open it");
    }

    #[test]
    fn a_window_that_asks_again_and_again_leaves_no_heap_of_keys() {
        let keys = TypedKeys::default();
        let first = seal("quiet harbour 17", &keys.make().unwrap());
        for _ in 0..WAITING_MAX {
            keys.make().unwrap();
        }
        assert_eq!(keys.open(&first), Err(BrokenSeal));
        assert_eq!(keys.0.lock().unwrap().len(), WAITING_MAX);
        keys.forget();
        assert_eq!(keys.0.lock().unwrap().len(), 0);
    }
}
