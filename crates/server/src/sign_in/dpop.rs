//! Proofs of possession (RFC 9449): each request is signed by the device's key over a nonce of ours, and no proof
//! counts twice. Only ES256. The client's clock is not asked: the nonce says that a proof is fresh.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::App;

const PROOF_BYTES_MAX: usize = 4_096;
const JTI_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the proof is missing, wrong or used")]
    Invalid,
    #[error("the proof needs the current nonce")]
    UseNonce,
    /// It is not taken, and nothing is wrong with it.
    #[error("whether the proof was used cannot be looked up now")]
    Unsure,
}

/// What a good proof tells: which key signed (RFC 7638 thumbprint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub thumbprint: String,
    /// Seconds, by the clock of whoever made it, which may be off: to be compared with proofs by the same key alone.
    pub made_at: i64,
}

/// What a proof must be about.
pub struct Expected<'a> {
    pub method: &'a str,
    /// Origin and path, without query.
    pub url: &'a str,
    pub access_token: Option<&'a str>,
}

/// A proof that is well formed, about what it must be about and with a nonce of ours; whose it is nobody looked at yet.
pub struct FreshProof<'a>(ReadProof<'a>);

/// Looks at all of a proof that costs next to nothing.
pub fn look<'a>(app: &App, proof: &'a str, expected: &Expected<'_>) -> Result<FreshProof<'a>, ProofError> {
    let read = ReadProof::from(proof)?;
    read.fits(expected)?;
    let nonce = read.claims.nonce.as_deref().ok_or(ProofError::UseNonce)?;
    if app.identity.nonces.knows(nonce, app.clock.now(), app.chance.as_ref()) {
        Ok(FreshProof(read))
    } else {
        Err(ProofError::UseNonce)
    }
}

impl FreshProof<'_> {
    /// Checks the signature, and uses the proof up.
    pub async fn check(self, app: &App) -> Result<Proof, ProofError> {
        let thumbprint = self.0.verify()?;
        let claims = &self.0.claims;
        let mut hasher = Sha256::new();
        hasher.update(&thumbprint);
        hasher.update([0]);
        hasher.update(&claims.jti);
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize()[..16]);
        let nonce = claims.nonce.as_deref().ok_or(ProofError::UseNonce)?;
        app.identity.nonces.use_up(nonce, id, app.clock.now(), app.chance.as_ref()).await?;
        Ok(Proof { thumbprint, made_at: claims.iat })
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
    iat: i64,
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
