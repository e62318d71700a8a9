//! Sealing: XChaCha20-Poly1305 with a random nonce in front, bound to a purpose; keys derived by HKDF-SHA256.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::platform::{Chance, random};

pub(crate) type SealKey = Zeroizing<[u8; 32]>;

const NONCE_LEN: usize = 24;

/// The bytes were not sealed with this key for this purpose, or were changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the seal does not hold")]
pub struct BrokenSeal;

pub(crate) fn seal(key: &SealKey, purpose: &[u8], plain: &[u8], chance: &dyn Chance) -> Result<Vec<u8>, BrokenSeal> {
    let nonce: [u8; NONCE_LEN] = random(chance);
    let cipher = XChaCha20Poly1305::new(&Key::from(**key));
    let payload = Payload { msg: plain, aad: purpose };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| BrokenSeal)?;
    let mut out = Vec::with_capacity(NONCE_LEN + sealed.len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(out)
}

pub(crate) fn unseal(key: &SealKey, purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BrokenSeal> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(BrokenSeal)?;
    let cipher = XChaCha20Poly1305::new(&Key::from(**key));
    let payload = Payload { msg: body, aad: purpose };
    let plain = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| BrokenSeal)?;
    Ok(Zeroizing::new(plain))
}

/// A key for one purpose from a longer-lived one.
pub(crate) fn derive(from: &[u8], salt: &[u8], purpose: &[u8]) -> SealKey {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), from)
        .expand(purpose, key.as_mut_slice())
        .expect("32 bytes are within HKDF's range");
    key
}
