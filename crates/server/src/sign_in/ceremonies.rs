//! Passkey ceremonies that are malformed or hostile, by name, each refused; made by an authenticator of our own that signs
//! whatever it is told. The same authenticator's good ceremonies are taken, so that each row fails for its one reason.

use api::error::ErrorCode;
use axum::http::StatusCode;
use data_encoding::BASE64URL_NOPAD;
use domain::security::SecurityEventKind;
use jiff::SignedDuration;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::tests::{Browser, visit};
use crate::testing::{Answer, DeviceKey, ORIGIN, TestDevice, World, on_each_engine, on_sqlite};

// ---- an authenticator that does as it is told --------------------------------------------------------------------

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;
const AAGUID: [u8; 16] = [0; 16];

/// CBOR of a text, a number of bytes, or a map's head; all the authenticator says is shorter than 65,536.
fn cbor(major: u8, length: usize) -> Vec<u8> {
    let major = major << 5;
    match u8::try_from(length) {
        Ok(short @ 0..24) => vec![major | short],
        Ok(byte) => vec![major | 24, byte],
        Err(_) => {
            let long = u16::try_from(length).unwrap().to_be_bytes();
            vec![major | 25, long[0], long[1]]
        }
    }
}

fn bytes(of: &[u8]) -> Vec<u8> {
    [cbor(2, of.len()), of.to_vec()].concat()
}

fn text(of: &str) -> Vec<u8> {
    [cbor(3, of.len()), of.as_bytes().to_vec()].concat()
}

/// What the browser would say of the page.
struct Page {
    kind: String,
    challenge: String,
    origin: String,
    more: Value,
}

impl Page {
    fn json(&self) -> Vec<u8> {
        let mut said =
            json!({"type": self.kind, "challenge": self.challenge, "origin": self.origin, "crossOrigin": false});
        for (name, value) in self.more.as_object().into_iter().flatten() {
            said[name] = value.clone();
        }
        said.to_string().into_bytes()
    }
}

struct Forge {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    user_handle: String,
    counter: u32,
}

/// One answer to "who are you", before it is signed.
struct Assertion {
    page: Page,
    host: String,
    flags: u8,
    counter: u32,
    tail: Vec<u8>,
    id: Vec<u8>,
    user_handle: Option<String>,
    ceremony: String,
    /// Changes what was signed, or the signature, afterwards.
    spoil: Option<fn(&mut Value)>,
}

/// One new passkey, before it leaves.
struct Registration {
    page: Page,
    host: String,
    flags: u8,
    id: Vec<u8>,
    raw_id: Option<Vec<u8>>,
    algorithm: u8,
    point: Vec<u8>,
    format: &'static str,
    after_key: Vec<u8>,
    after_all: Vec<u8>,
    ceremony: String,
}

impl Forge {
    fn new(id: &[u8]) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
        Self { pair, id: id.to_vec(), user_handle: String::new(), counter: 7 }
    }

    fn page(started: &Value, kind: &str) -> Page {
        Page {
            kind: kind.to_owned(),
            challenge: started["options"]["publicKey"]["challenge"].as_str().unwrap().to_owned(),
            origin: ORIGIN.to_owned(),
            more: json!({}),
        }
    }

    fn registration(&self, started: &Value) -> Registration {
        Registration {
            page: Self::page(started, "webauthn.create"),
            host: "localhost".to_owned(),
            flags: PRESENT | VERIFIED | ATTESTED,
            id: self.id.clone(),
            raw_id: None,
            // -7: ES256.
            algorithm: 0x26,
            point: self.pair.public_key().as_ref().to_vec(),
            format: "none",
            after_key: Vec::new(),
            after_all: Vec::new(),
            ceremony: started["ceremony"].as_str().unwrap().to_owned(),
        }
    }

    fn assertion(&self, started: &Value) -> Assertion {
        Assertion {
            page: Self::page(started, "webauthn.get"),
            host: "localhost".to_owned(),
            flags: PRESENT | VERIFIED,
            counter: self.counter + 1,
            tail: Vec::new(),
            id: self.id.clone(),
            user_handle: Some(self.user_handle.clone()),
            ceremony: started["ceremony"].as_str().unwrap().to_owned(),
            spoil: None,
        }
    }

    fn sign(&self, assertion: &Assertion) -> Value {
        let said = assertion.page.json();
        let counter = assertion.counter.to_be_bytes();
        let data = [&Sha256::digest(&assertion.host)[..], &[assertion.flags], &counter, &assertion.tail].concat();
        let signed = [&data[..], &Sha256::digest(&said)].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        let text = |of: &[u8]| BASE64URL_NOPAD.encode(of);
        let mut finish = json!({"ceremony": assertion.ceremony, "credential": {
            "id": text(&assertion.id), "rawId": text(&assertion.id), "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": text(&said), "authenticatorData": text(&data), "signature": text(signature.as_ref()),
                "userHandle": assertion.user_handle,
            },
        }});
        if let Some(spoil) = assertion.spoil {
            spoil(&mut finish);
        }
        finish
    }

    fn make(&self, new: &Registration) -> Value {
        let length = u16::try_from(new.id.len()).unwrap().to_be_bytes();
        let (x, y) = (&new.point[1..33], &new.point[33..65]);
        // A COSE key: 1 kty 2, 3 alg, -1 crv 1, -2 x, -3 y.
        let key =
            [&[0xa5, 0x01, 0x02, 0x03, new.algorithm, 0x20, 0x01, 0x21][..], &bytes(x), &[0x22], &bytes(y)].concat();
        let head = [&Sha256::digest(&new.host)[..], &[new.flags], &self.counter.to_be_bytes()].concat();
        let data = [&head[..], &AAGUID, &length, &new.id, &key, &new.after_key].concat();
        let object = [
            &cbor(5, 3)[..],
            &text("fmt"),
            &text(new.format),
            &text("attStmt"),
            &cbor(5, 0),
            &text("authData"),
            &bytes(&data),
            &new.after_all,
        ]
        .concat();
        let raw_id = BASE64URL_NOPAD.encode(new.raw_id.as_ref().unwrap_or(&new.id));
        json!({"ceremony": new.ceremony, "credential": {
            "id": raw_id, "rawId": raw_id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(&new.page.json()),
                "attestationObject": BASE64URL_NOPAD.encode(&object),
            },
        }})
    }
}

// ---- the two ceremonies ------------------------------------------------------------------------------------------

async fn begin_create(browser: &Browser<'_>) -> Value {
    browser.post("/sign-in/create/start", &json!({"name": "Ines Calloway"})).await.ok()
}

async fn finish_create(browser: &Browser<'_>, body: &Value) -> Answer {
    browser.post("/sign-in/create/finish", body).await
}

async fn finish_sign_in(browser: &Browser<'_>, body: &Value) -> Answer {
    browser.post("/sign-in/passkey/finish", body).await
}

async fn fresh(world: &World) -> Browser<'_> {
    // Each row is its own: limits by source are not what is tried here.
    world.advance(SignedDuration::from_mins(1));
    let mut browser = Browser::new(world);
    visit(&mut browser, &DeviceKey::new()).await;
    browser
}

/// A new account whose passkey this is.
async fn owner(world: &World, id: &[u8]) -> Forge {
    let browser = fresh(world).await;
    let started = begin_create(&browser).await;
    let mut forge = Forge::new(id);
    finish_create(&browser, &forge.make(&forge.registration(&started))).await.expect(200);
    forge.user_handle = started["options"]["publicKey"]["user"]["id"].as_str().unwrap().to_owned();
    forge
}

/// What a row may borrow of others.
struct Others {
    /// Of another account.
    handle: String,
    id: Vec<u8>,
    /// Handed out in another visit, and still good there.
    elsewhere: Value,
    /// Used a moment ago.
    used: Value,
}

type Change = fn(&mut Assertion, &Others);

const ASSERTIONS: &[(&str, Change)] = &[
    ("another port", |it, _| it.page.origin = "http://localhost:8471".to_owned()),
    ("a name that looks alike", |it, _| it.page.origin = "http://loca1host:8470".to_owned()),
    ("a name that ends alike", |it, _| it.page.origin = "http://notlocalhost:8470".to_owned()),
    ("a name that begins alike", |it, _| it.page.origin = "http://localhost:8470.evil.example".to_owned()),
    ("a name below ours", |it, _| it.page.origin = "http://login.localhost:8470".to_owned()),
    ("our name after an at sign", |it, _| it.page.origin = "http://localhost:8470@evil.example".to_owned()),
    ("another scheme", |it, _| it.page.origin = "https://localhost:8470".to_owned()),
    ("no origin", |it, _| it.page.origin = "null".to_owned()),
    ("within a page of another site", |it, _| it.page.more = json!({"crossOrigin": true})),
    ("the type of a new passkey", |it, _| it.page.kind = "webauthn.create".to_owned()),
    ("the type of a payment", |it, _| it.page.kind = "payment.get".to_owned()),
    ("no type", |it, _| it.page.kind = String::new()),
    ("a challenge that was used", |it, with| {
        it.page.challenge = with.used["options"]["publicKey"]["challenge"].as_str().unwrap().to_owned();
    }),
    ("a ceremony that was used", |it, with| {
        it.page.challenge = with.used["options"]["publicKey"]["challenge"].as_str().unwrap().to_owned();
        it.ceremony = with.used["ceremony"].as_str().unwrap().to_owned();
    }),
    ("a challenge of another visit", |it, with| {
        it.page.challenge = with.elsewhere["options"]["publicKey"]["challenge"].as_str().unwrap().to_owned();
    }),
    ("a ceremony of another visit", |it, with| {
        it.page.challenge = with.elsewhere["options"]["publicKey"]["challenge"].as_str().unwrap().to_owned();
        it.ceremony = with.elsewhere["ceremony"].as_str().unwrap().to_owned();
    }),
    ("a challenge of its own", |it, _| it.page.challenge = BASE64URL_NOPAD.encode(&[7; 32])),
    ("half a challenge", |it, _| it.page.challenge.truncate(20)),
    ("no challenge", |it, _| it.page.challenge.clear()),
    ("a ceremony of its own", |it, _| it.ceremony = BASE64URL_NOPAD.encode(&[7; 32])),
    ("another host's hash", |it, _| it.host = "evil.example".to_owned()),
    ("the hash of a name below ours", |it, _| it.host = "login.localhost".to_owned()),
    ("nobody present", |it, _| it.flags = VERIFIED),
    ("nobody verified", |it, _| it.flags = PRESENT),
    ("no flags", |it, _| it.flags = 0),
    ("a backup of what has none", |it, _| it.flags |= BACKED_UP),
    ("a key that may be backed up and could not before", |it, _| it.flags |= ELIGIBLE | BACKED_UP),
    ("extensions that are not there", |it, _| it.flags |= EXTENDED),
    ("a new key that is not there", |it, _| it.flags |= ATTESTED),
    ("bytes after the end", |it, _| it.tail = vec![0; 7]),
    ("CBOR after the end", |it, _| it.tail = vec![0xa0]),
    ("another account's handle", |it, with| it.user_handle = Some(with.handle.clone())),
    ("no handle", |it, _| it.user_handle = None),
    ("a handle that is none", |it, _| it.user_handle = Some("AA".to_owned())),
    ("another account's passkey, by its own key", |it, with| it.id = with.id.clone()),
    ("another account's passkey and handle, by its own key", |it, with| {
        it.id = with.id.clone();
        it.user_handle = Some(with.handle.clone());
    }),
    ("a passkey that nobody has", |it, _| it.id = vec![9; 32]),
    ("a signature of something else", |it, _| it.spoil = Some(|finish| flip(finish, "signature", 20))),
    ("no signature", |it, _| it.spoil = Some(|finish| finish["credential"]["response"]["signature"] = "".into())),
    ("data cut short", |it, _| {
        it.spoil = Some(|finish| {
            finish["credential"]["response"]["authenticatorData"] = BASE64URL_NOPAD.encode(&[0; 36]).into();
        });
    }),
    ("a counter that was changed on its way", |it, _| {
        it.spoil = Some(|finish| flip(finish, "authenticatorData", 36));
    }),
    ("what the page said, changed on its way", |it, _| {
        it.spoil = Some(|finish| flip(finish, "clientDataJSON", 30));
    }),
    ("what the page said, in no JSON", |it, _| {
        it.spoil = Some(|finish| finish["credential"]["response"]["clientDataJSON"] = "Z2FyYmFnZQ".into());
    }),
    ("a credential of another kind", |it, _| {
        it.spoil = Some(|finish| finish["credential"]["type"] = "password".into());
    }),
    ("an id that is not the key's", |it, _| {
        it.spoil = Some(|finish| finish["credential"]["id"] = BASE64URL_NOPAD.encode(&[3; 32]).into());
    }),
    ("no credential", |it, _| it.spoil = Some(|finish| finish["credential"] = json!({}))),
];

fn flip(finish: &mut Value, field: &str, at: usize) {
    let place = &mut finish["credential"]["response"][field];
    let mut bytes = BASE64URL_NOPAD.decode(place.as_str().unwrap().as_bytes()).unwrap();
    bytes[at] ^= 0x01;
    *place = BASE64URL_NOPAD.encode(&bytes).into();
}

type NewChange = fn(&mut Registration, &Others);

const REGISTRATIONS: &[(&str, NewChange)] = &[
    ("another origin", |it, _| it.page.origin = "http://localhost:8471".to_owned()),
    ("a name below ours", |it, _| it.page.origin = "http://login.localhost:8470".to_owned()),
    ("within a page of another site", |it, _| it.page.more = json!({"crossOrigin": true})),
    ("the type of a sign-in", |it, _| it.page.kind = "webauthn.get".to_owned()),
    ("a challenge of its own", |it, _| it.page.challenge = BASE64URL_NOPAD.encode(&[7; 32])),
    ("another host's hash", |it, _| it.host = "evil.example".to_owned()),
    ("nobody present", |it, _| it.flags = VERIFIED | ATTESTED),
    ("nobody verified", |it, _| it.flags = PRESENT | ATTESTED),
    ("no new key", |it, _| it.flags = PRESENT | VERIFIED),
    ("a backup of what can have none", |it, _| it.flags |= BACKED_UP),
    ("extensions that are not there", |it, _| it.flags |= EXTENDED),
    // 0 is reserved: there is no algorithm "none".
    ("no algorithm", |it, _| it.algorithm = 0x00),
    ("an algorithm with a shared secret", |it, _| it.algorithm = 0x05),
    ("a point that is on no curve", |it, _| it.point[40] ^= 0x01),
    ("bytes after the key", |it, _| it.after_key = vec![0; 5]),
    ("CBOR after the key", |it, _| it.after_key = vec![0xa0]),
    ("CBOR after all of it", |it, _| it.after_all = vec![0xa0]),
    ("a passkey that another account has", |it, with| it.id = with.id.clone()),
    ("no id", |it, _| it.id = Vec::new()),
    ("an id of another key", |it, _| it.raw_id = Some(vec![3; 32])),
    ("an attestation that says nothing it claims", |it, _| it.format = "packed"),
    ("an attestation that nobody knows", |it, _| it.format = "made-up"),
];

#[tokio::test]
async fn hostile_and_malformed_ceremonies_are_refused_one_by_one() {
    const { assert!(ASSERTIONS.len() + REGISTRATIONS.len() >= 40) };
    on_each_engine(async |world| {
        let mut mine = owner(&world, &[1; 32]).await;
        let theirs = owner(&world, &[2; 32]).await;
        let mut taken: Vec<&str> = Vec::new();
        for (name, change) in ASSERTIONS {
            let used_browser = fresh(&world).await;
            let elsewhere = used_browser.start().await;
            let browser = fresh(&world).await;
            let used = browser.start().await;
            finish_sign_in(&browser, &mine.sign(&Assertion { flags: 0, ..mine.assertion(&used) })).await.expect(403);
            let others = Others { handle: theirs.user_handle.clone(), id: theirs.id.clone(), elsewhere, used };
            let mut assertion = mine.assertion(&browser.start().await);
            change(&mut assertion, &others);
            let answer = finish_sign_in(&browser, &mine.sign(&assertion)).await;
            if answer.status != StatusCode::FORBIDDEN {
                taken.push(*name);
                continue;
            }
            browser.post("/sign-in/confirm", &json!({"yes": true})).await.expect(403);
            // What the row changed is what was wrong with it.
            let good = mine.assertion(&browser.start().await);
            finish_sign_in(&browser, &mine.sign(&good)).await.expect(200);
            mine.counter = good.counter;
        }
        for (name, change) in REGISTRATIONS {
            let browser = fresh(&world).await;
            let elsewhere = browser.start().await;
            let others = Others {
                handle: theirs.user_handle.clone(),
                id: theirs.id.clone(),
                used: elsewhere.clone(),
                elsewhere,
            };
            let forge = Forge::new(name.as_bytes());
            let mut registration = forge.registration(&begin_create(&browser).await);
            change(&mut registration, &others);
            let answer = finish_create(&browser, &forge.make(&registration)).await;
            if answer.status != StatusCode::FORBIDDEN {
                taken.push(*name);
                continue;
            }
            browser.post("/sign-in/confirm", &json!({"yes": true})).await.expect(403);
            let good = forge.registration(&begin_create(&browser).await);
            finish_create(&browser, &forge.make(&good)).await.expect(200);
        }
        assert!(taken.is_empty(), "taken, or refused as something else: {taken:?}");
    })
    .await;
}

#[tokio::test]
async fn a_challenge_that_is_too_old_is_none_in_either_ceremony() {
    on_sqlite(async |world| {
        let mine = owner(&world, &[1; 32]).await;
        let browser = fresh(&world).await;
        let (started, created) = (browser.start().await, begin_create(&browser).await);
        world.advance(SignedDuration::from_secs(300));
        let late = finish_sign_in(&browser, &mine.sign(&mine.assertion(&started))).await;
        assert_eq!(late.code(), ErrorCode::Forbidden);
        let forge = Forge::new(&[5; 32]);
        let late = finish_create(&browser, &forge.make(&forge.registration(&created))).await;
        assert_eq!(late.code(), ErrorCode::Forbidden);
    })
    .await;
}

// ---- counters ----------------------------------------------------------------------------------------------------

async fn kinds(device: &TestDevice) -> Vec<SecurityEventKind> {
    let page: api::sync::Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        api::sync::Record::SecurityEvent(event) => Some(event.kind),
        _ => None,
    });
    events.collect()
}

/// Signs in with this counter; the answer is a device that was let in.
async fn by_counter(world: &World, forge: &Forge, counter: u32) -> TestDevice {
    world.advance(SignedDuration::from_mins(1));
    let key = DeviceKey::new();
    let mut browser = Browser::new(world);
    visit(&mut browser, &key).await;
    let assertion = Assertion { counter, ..forge.assertion(&browser.start().await) };
    finish_sign_in(&browser, &forge.sign(&assertion)).await.expect(200);
    super::password::tests::let_in(world, &browser, key).await
}

#[tokio::test]
async fn a_counter_that_goes_back_lets_its_person_in_and_says_that_the_passkey_may_be_copied() {
    on_each_engine(async |world| {
        let mine = owner(&world, &[1; 32]).await;
        let count = async |device: &TestDevice| {
            kinds(device).await.iter().filter(|kind| **kind == SecurityEventKind::PasskeyCopied).count()
        };
        // Made at 7: forward is as it should be; the same, less, and none are not.
        for (counter, signals) in [(8, 0), (30, 0), (30, 1), (9, 2), (0, 3), (31, 3)] {
            let device = by_counter(&world, &mine, counter).await;
            assert_eq!(count(&device).await, signals, "after {counter}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_passkey_that_never_counts_says_nothing_by_it() {
    on_sqlite(async |world| {
        let browser = fresh(&world).await;
        let started = begin_create(&browser).await;
        let mut forge = Forge { counter: 0, ..Forge::new(&[1; 32]) };
        finish_create(&browser, &forge.make(&forge.registration(&started))).await.expect(200);
        forge.user_handle = started["options"]["publicKey"]["user"]["id"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            let device = by_counter(&world, &forge, 0).await;
            assert!(!kinds(&device).await.contains(&SecurityEventKind::PasskeyCopied));
        }
    })
    .await;
}
