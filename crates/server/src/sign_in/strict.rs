//! What the passkey library leaves open and the standard does not: a ceremony within a page of another site, bytes after
//! the end of what is signed, an id that is not the new key's. Looked at before the library sees the ceremony; it
//! checks everything else.

use ciborium::Value as Cbor;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// The host's hash, the flags and the counter.
const HEAD: usize = 37;
const FLAGS: usize = 32;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;
const AAGUID: usize = 16;
/// The longest id that the standard allows.
const ID_MAX: usize = 1_023;

/// Whether a browser's answer to "who are you" is in the form that the standard says.
pub fn is_assertion(credential: &Value) -> bool {
    assertion(credential).is_some()
}

fn assertion(credential: &Value) -> Option<()> {
    own_page(credential)?;
    let data = bytes(credential.pointer("/response/authenticatorData")?)?;
    let (flags, rest) = (*data.get(FLAGS)?, data.get(HEAD..)?);
    // Nothing new is made here.
    if flags & ATTESTED != 0 {
        return None;
    }
    extensions_alone(flags, rest)
}

/// Whether a browser's new passkey is in the form that the standard says.
pub fn is_registration(credential: &Value) -> bool {
    registration(credential).is_some()
}

fn registration(credential: &Value) -> Option<()> {
    let id = own_page(credential)?;
    let object = bytes(credential.pointer("/response/attestationObject")?)?;
    let mut rest = object.as_slice();
    let object: Cbor = ciborium::from_reader(&mut rest).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let named = |(key, _): &&(Cbor, Cbor)| key.as_text() == Some("authData");
    let data = object.as_map()?.iter().find(named)?.1.as_bytes()?;
    let (flags, rest) = (*data.get(FLAGS)?, data.get(HEAD + AAGUID..)?);
    let (length, rest) = rest.split_at_checked(2)?;
    let (attested, mut rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(length.try_into().ok()?)))?;
    let _key: Cbor = ciborium::from_reader(&mut rest).ok()?;
    let is_good = flags & ATTESTED != 0 && !attested.is_empty() && attested.len() <= ID_MAX && attested == id;
    if is_good { extensions_alone(flags, rest) } else { None }
}

/// What is signed ends here, or with one map of extensions where the flags say so.
fn extensions_alone(flags: u8, mut rest: &[u8]) -> Option<()> {
    if flags & EXTENDED != 0 {
        let extensions: Cbor = ciborium::from_reader(&mut rest).ok()?;
        extensions.as_map()?;
    }
    rest.is_empty().then_some(())
}

/// A public key used on a page that stands by itself; the answer is its id.
fn own_page(credential: &Value) -> Option<Vec<u8>> {
    let is_key = credential["type"] == "public-key" && credential["id"] == credential["rawId"];
    let said: Value = serde_json::from_slice(&bytes(credential.pointer("/response/clientDataJSON")?)?).ok()?;
    let alone = matches!(said.get("crossOrigin"), None | Some(Value::Bool(false))) && said.get("topOrigin").is_none();
    if is_key && alone { bytes(&credential["rawId"]) } else { None }
}

fn bytes(text: &Value) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_str()?.as_bytes()).ok()
}
