//! P14: what every signed-in call pays before its handler: the proof of possession read, checked and used up, and the
//! token looked up in the database, in the process; against two bare verifications of the same kind of signature.

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use axum::http::Request;
use axum::http::request::Parts;
use flows::caller::{Caller, chance, connections};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::signature::{Signature, UnparsedPublicKey};
use server::sign_in::SignedIn;

use crate::pairs::{Work, compare, timed};
use crate::world::server;

const CALLS: usize = if cfg!(debug_assertions) { 50 } else { 2_000 };
const PATH: &str = "/api/v1/payments";
/// As long as what a proof signs.
const MESSAGE_BYTES: usize = 420;

/// A call's head with its own proof, made before the clock starts.
fn head(caller: &Caller) -> Result<Parts, String> {
    let request = Request::post(PATH)
        .header("authorization", format!("DPoP {}", caller.token))
        .header("DPoP", caller.proof(PATH, true))
        .body(Body::empty())
        .map_err(|e| e.to_string())?;
    Ok(request.into_parts().0)
}

/// A message and its signature.
type Signed = ([u8; MESSAGE_BYTES], Signature);

fn signed(pair: &EcdsaKeyPair, random: &SystemRandom) -> Result<Signed, String> {
    let message = chance();
    Ok((message, pair.sign(random, &message).map_err(|e| e.to_string())?))
}

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let caller = runtime.block_on(async { Caller::sign_in(&running, connections()?).await })?;
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|e| e.to_string())?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|e| e.to_string())?;
    let bare: Vec<Signed> = (0..2 * CALLS).map(|_| signed(&pair, &random)).collect::<Result<_, String>>()?;
    compare(
        "proof and token of a call / two bare verifications",
        1.3,
        Box::new(|| {
            let mut heads: Vec<Parts> = (0..CALLS).map(|_| head(&caller)).collect::<Result<_, String>>()?;
            timed(|| {
                let mut count = 0;
                runtime.block_on(async {
                    for parts in &mut heads {
                        let signed_in = SignedIn::from_request_parts(parts, &running.app).await;
                        signed_in.map_err(|refused| refused.problem.title)?;
                        count += 1;
                    }
                    Ok::<(), String>(())
                })?;
                Ok(Work { count, sum: 0 })
            })
        }),
        Box::new(|| {
            timed(|| {
                let mut count = 0;
                for two in bare.chunks(2) {
                    for (message, signature) in two {
                        // A proof brings its own key, so the key is read anew each time.
                        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
                        key.verify(message, signature.as_ref()).map_err(|_| "a good signature was refused")?;
                    }
                    count += 1;
                }
                Ok(Work { count, sum: 0 })
            })
        }),
    )?;
    runtime.block_on(running.shutdown());
    Ok(())
}
