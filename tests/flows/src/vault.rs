//! The keys and tokens in a data folder that a passphrase protects, as whoever has folder and passphrase can work them
//! out. Written from the format of the files alone.

use std::collections::BTreeMap;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64;
use ring::hkdf::{HKDF_SHA256, Salt};
use serde_json::Value;

const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 24;
/// What is derived from the data key.
const DERIVED: [&str; 4] = ["billfold batches", "billfold cache note", "billfold outbox", "billfold secrets"];

/// Everything that opens something, by its name.
pub fn secrets_of(data: &Path, passphrase: &str) -> BTreeMap<String, Vec<u8>> {
    let header = std::fs::read(data.join("vault.json")).expect("a header");
    let header: Value = serde_json::from_slice(&header).expect("a header");
    let text = |name: &str| header[name].as_str().expect("a text").to_owned();
    let bytes = |name: &str| BASE64.decode(text(name).as_bytes()).expect("bytes");
    let number = |name: &str| u32::try_from(header["argon2"][name].as_u64().expect("a number")).expect("a number");
    let id = text("id");
    let salt = bytes("salt");
    let params =
        Params::new(number("memory_kib"), number("passes"), number("lanes"), Some(KEY_LEN)).expect("parameters");
    let mut stretched = [0; KEY_LEN];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.as_bytes(), &salt, &mut stretched).expect("a key");
    let wrapping = derive(&stretched, &salt, "billfold passphrase");
    let data_key = unseal(&wrapping, &format!("billfold vault {id} data key"), &bytes("wrapped"));

    let mut secrets = BTreeMap::new();
    let id_bytes = uuid::Uuid::parse_str(&id).expect("an id").into_bytes();
    for of in DERIVED {
        secrets.insert(of.to_owned(), derive(&data_key, &id_bytes, of));
    }
    let sealed = std::fs::read(data.join("secrets.sealed")).expect("secrets");
    let kept = unseal(&secrets["billfold secrets"], &format!("billfold vault {id} secrets"), &sealed);
    let kept: BTreeMap<String, Vec<u8>> = serde_json::from_slice(&kept).expect("secrets");
    secrets.extend(kept);
    secrets.insert("stretched passphrase".to_owned(), stretched.to_vec());
    secrets.insert("wrapping key".to_owned(), wrapping);
    secrets.insert("data key".to_owned(), data_key);
    secrets
}

fn derive(from: &[u8], salt: &[u8], purpose: &str) -> Vec<u8> {
    let mut key = [0; KEY_LEN];
    let purpose = [purpose.as_bytes()];
    let extracted = Salt::new(HKDF_SHA256, salt).extract(from);
    extracted.expand(&purpose, HKDF_SHA256).and_then(|made| made.fill(&mut key)).expect("a key");
    key.to_vec()
}

fn unseal(key: &[u8], purpose: &str, sealed: &[u8]) -> Vec<u8> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().expect("a nonce");
    let payload = Payload { msg: body, aad: purpose.as_bytes() };
    let cipher = XChaCha20Poly1305::new_from_slice(key).expect("a key");
    cipher.decrypt(&XNonce::from(*nonce), payload).expect("the seal holds")
}
