//! Proofs of possession (RFC 9449): each request is signed by the device's key over a nonce of ours, and no proof
//! counts twice. Only ES256. The client's clock is not asked: the nonce says that a proof is fresh.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::{App, Chance};

/// A nonce is handed out for so long, and is good for as long again.
const NONCE_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Proofs remembered for one nonce; then a new nonce begins early, which forgets safely.
const PROOFS_MAX: usize = 500_000;
const PROOF_BYTES_MAX: usize = 4_096;
const JTI_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the proof is missing, wrong or used")]
    Invalid,
    #[error("the proof needs the current nonce")]
    UseNonce,
}

/// What a good proof tells: which key signed (RFC 7638 thumbprint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub thumbprint: String,
}

/// What a proof must be about.
pub struct Expected<'a> {
    pub method: &'a str,
    /// Origin and path, without query.
    pub url: &'a str,
    pub access_token: Option<&'a str>,
}

/// The nonces that are good now, with the proofs that used them. Both are lost on a restart, together: what was
/// signed before cannot be replayed after.
pub struct Proofs {
    generations: Mutex<Generations>,
}

struct Generations {
    current: Generation,
    previous: Generation,
}

struct Generation {
    nonce: String,
    ends_at: Timestamp,
    seen: HashSet<[u8; 16]>,
}

impl Generation {
    fn begin(now: Timestamp, chance: &dyn Chance) -> Self {
        let mut bytes = [0; 18];
        chance.fill(&mut bytes);
        let ends_at = now.saturating_add(NONCE_LIFE).unwrap_or(Timestamp::MAX);
        Self { nonce: BASE64URL_NOPAD.encode(&bytes), ends_at, seen: HashSet::new() }
    }
}

impl Generations {
    fn turn(&mut self, now: Timestamp, chance: &dyn Chance) {
        if now < self.current.ends_at && self.current.seen.len() < PROOFS_MAX {
            return;
        }
        self.previous = std::mem::replace(&mut self.current, Generation::begin(now, chance));
        if self.previous.ends_at.saturating_add(NONCE_LIFE).is_ok_and(|end| end <= now) {
            // Nobody asked for a while: that nonce is too old as well.
            self.previous = Generation::begin(now, chance);
        }
    }
}

impl Proofs {
    pub fn new(now: Timestamp, chance: &dyn Chance) -> Self {
        let generations =
            Generations { current: Generation::begin(now, chance), previous: Generation::begin(now, chance) };
        Self { generations: Mutex::new(generations) }
    }

    /// The nonce that the next proof should carry.
    pub fn nonce(&self, app: &App) -> String {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.turn(app.clock.now(), app.chance.as_ref());
        generations.current.nonce.clone()
    }

    /// Checks a proof and uses it up.
    pub fn check(&self, app: &App, proof: &str, expected: &Expected<'_>) -> Result<Proof, ProofError> {
        let read = ReadProof::from(proof)?;
        read.fits(expected)?;
        let nonce = read.claims.nonce.as_deref().ok_or(ProofError::UseNonce)?;
        if !self.knows(app, nonce) {
            return Err(ProofError::UseNonce);
        }
        let thumbprint = read.verify()?;
        let mut hasher = Sha256::new();
        hasher.update(&thumbprint);
        hasher.update([0]);
        hasher.update(&read.claims.jti);
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize()[..16]);
        self.use_up(nonce, id)?;
        Ok(Proof { thumbprint })
    }

    fn knows(&self, app: &App, nonce: &str) -> bool {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.turn(app.clock.now(), app.chance.as_ref());
        generations.current.nonce == nonce || generations.previous.nonce == nonce
    }

    fn use_up(&self, nonce: &str, id: [u8; 16]) -> Result<(), ProofError> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let Generations { current, previous } = &mut *generations;
        let Some(generation) = [current, previous].into_iter().find(|generation| generation.nonce == nonce) else {
            return Err(ProofError::UseNonce);
        };
        if generation.seen.len() >= PROOFS_MAX {
            return Err(ProofError::UseNonce);
        }
        if generation.seen.insert(id) { Ok(()) } else { Err(ProofError::Invalid) }
    }
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
    /// Extensions that must be understood: we understand none.
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    // A private or shared key in a proof is a leak, never a key to trust.
    d: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    #[serde(rename = "iat")]
    _iat: i64,
    ath: Option<String>,
    nonce: Option<String>,
}

struct ReadProof<'a> {
    signed: &'a [u8],
    signature: Vec<u8>,
    jwk: Jwk,
    claims: Claims,
}

impl<'a> ReadProof<'a> {
    fn from(proof: &'a str) -> Result<Self, ProofError> {
        if proof.len() > PROOF_BYTES_MAX {
            return Err(ProofError::Invalid);
        }
        let (signed, signature) = proof.rsplit_once('.').ok_or(ProofError::Invalid)?;
        let (header, claims) = signed.split_once('.').ok_or(ProofError::Invalid)?;
        let header: Header = read_part(header)?;
        let claims: Claims = read_part(claims)?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| ProofError::Invalid)?;
        let known = header.typ == "dpop+jwt" && header.alg == "ES256" && header.crit.is_none();
        let jwk = header.jwk;
        let public = jwk.kty == "EC" && jwk.crv == "P-256" && jwk.d.is_none() && jwk.k.is_none();
        if !known || !public || claims.jti.is_empty() || claims.jti.len() > JTI_MAX {
            return Err(ProofError::Invalid);
        }
        Ok(Self { signed: signed.as_bytes(), signature, jwk, claims })
    }

    fn fits(&self, expected: &Expected<'_>) -> Result<(), ProofError> {
        let url = self.claims.htu.split(['?', '#']).next().unwrap_or_default();
        let about = self.claims.htm == expected.method && url == expected.url;
        let token = match (expected.access_token, &self.claims.ath) {
            (None, _) => true,
            (Some(token), Some(ath)) => *ath == BASE64URL_NOPAD.encode(&Sha256::digest(token)),
            (Some(_), None) => false,
        };
        if about && token { Ok(()) } else { Err(ProofError::Invalid) }
    }

    /// Checks the signature; the answer is the key's thumbprint.
    fn verify(&self) -> Result<String, ProofError> {
        let mut point = [4; 65];
        for (text, place) in [(&self.jwk.x, 1..33), (&self.jwk.y, 33..65)] {
            let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| ProofError::Invalid)?;
            if bytes.len() != 32 {
                return Err(ProofError::Invalid);
            }
            point[place].copy_from_slice(&bytes);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(self.signed, &self.signature)
            .map_err(|_| ProofError::Invalid)?;
        Ok(thumbprint(&self.jwk.x, &self.jwk.y))
    }
}

fn read_part<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, ProofError> {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| ProofError::Invalid)?;
    serde_json::from_slice(&bytes).map_err(|_| ProofError::Invalid)
}

/// RFC 7638 for a P-256 key, from its coordinates in base64url.
#[must_use]
pub fn thumbprint(x: &str, y: &str) -> String {
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    BASE64URL_NOPAD.encode(&Sha256::digest(text))
}

/// Whether a text has the form of a SHA-256 thumbprint or challenge.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    BASE64URL_NOPAD.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == 32)
}
