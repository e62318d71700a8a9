//! Sealing: XChaCha20-Poly1305 with a random nonce in front, bound to a purpose; keys derived by HKDF-SHA256. What works
//! with a key leaves no copy of it on the stack.

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::platform::{Chance, random};

const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 24;
/// More than any work with a key takes of the stack.
const STACK_BYTES: usize = 32 * 1024;

/// A key in a place of its own, wiped when it goes. Handing it on moves none of its bytes: what is moved stays behind.
#[cfg_attr(test, derive(PartialEq, Eq))]
pub(crate) struct SealKey(Box<[u8; KEY_LEN]>);

impl SealKey {
    pub fn random(chance: &dyn Chance) -> Self {
        let mut key = Self::blank();
        chance.fill(key.as_mut_slice());
        key
    }

    /// `None`: that is no key by its length.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::blank();
        (bytes.len() == KEY_LEN).then(|| key.0.copy_from_slice(bytes))?;
        Some(key)
    }

    /// To be written by what makes it.
    pub fn blank() -> Self {
        Self(Box::new([0; KEY_LEN]))
    }

    pub fn as_slice(&self) -> &[u8] {
        self.0.as_slice()
    }

    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.0.as_mut_slice()
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl Clone for SealKey {
    fn clone(&self) -> Self {
        let mut key = Self::blank();
        key.0.copy_from_slice(self.as_slice());
        key
    }
}

impl Drop for SealKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The bytes were not sealed with this key for this purpose, or were changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the seal does not hold")]
pub struct BrokenSeal;

pub(crate) fn seal(key: &SealKey, purpose: &[u8], plain: &[u8], chance: &dyn Chance) -> Result<Vec<u8>, BrokenSeal> {
    let nonce: [u8; NONCE_LEN] = random(chance);
    let payload = Payload { msg: plain, aad: purpose };
    let sealed = without_traces(|| cipher(key)?.encrypt(&XNonce::from(nonce), payload).map_err(|_| BrokenSeal))?;
    let mut out = Vec::with_capacity(NONCE_LEN + sealed.len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

pub(crate) fn unseal(key: &SealKey, purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BrokenSeal> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(BrokenSeal)?;
    let payload = Payload { msg: body, aad: purpose };
    let plain = without_traces(|| cipher(key)?.decrypt(&XNonce::from(*nonce), payload).map_err(|_| BrokenSeal))?;
    Ok(Zeroizing::new(plain))
}

/// A key for one purpose from a longer-lived one.
pub(crate) fn derive(from: &[u8], salt: &[u8], purpose: &[u8]) -> SealKey {
    without_traces(|| {
        let mut key = SealKey::blank();
        Hkdf::<Sha256>::new(Some(salt), from)
            .expand(purpose, key.as_mut_slice())
            .expect("32 bytes are within HKDF's range");
        key
    })
}

/// Does work with a key, and then writes over the stack that it used. What it gives holds its secrets elsewhere.
pub(crate) fn without_traces<T>(work: impl FnOnce() -> T) -> T {
    let done = on_its_own_stack(work);
    write_over_the_stack();
    done
}

#[inline(never)]
fn on_its_own_stack<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn write_over_the_stack() {
    let mut blank = [0_u8; STACK_BYTES];
    // Read by nobody that the compiler knows of: it may not leave the writing out.
    std::hint::black_box(&mut blank);
}

fn cipher(key: &SealKey) -> Result<XChaCha20Poly1305, BrokenSeal> {
    XChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|_| BrokenSeal)
}
