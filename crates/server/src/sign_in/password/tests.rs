//! Sign-in by password and code, and every way it must fail alike.

use std::time::{Duration, Instant};

use api::addresses::AddressList;
use api::error::ErrorCode;
use api::risk::{RiskDecisionList, TypingRhythm};
use api::security::{CodesTo, OneTimeAddress, WaysIn};
use api::sign_in::{Me, TOKEN_PATH, TokenResponse};
use data_encoding::BASE32_NOPAD;
use domain::addresses::AddressKind;
use domain::policy::Preset;
use domain::risk::RiskReason;
use domain::security::SecurityEventKind as Kind;
use domain::ways_in::{FactorKind, PasswordState};
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::tests::{Browser, add, adding, asked_at, by_passkey, param, passkeys, prove, redeem, send, visit};
use super::name_key;
use crate::addresses::tests::{LIST, confirmed_by, log};
use crate::config::ConfigError;
use crate::db::{DbResult, one};
use crate::seals::{SealError, Seals};
use crate::testing::pairs::PairedTimes;
use crate::testing::{Answer, DeviceKey, ORIGIN, TestDevice, World, coming_from, on_each_engine};

const RHYTHM: &str = "/api/v1/risk/rhythm";
pub(in crate::sign_in) const PASSWORD: &str = "hollow reed lantern";

/// What an authenticator app holds.
pub(in crate::sign_in) struct Phone(totp_rs::Totp);

impl Phone {
    /// As typed from a page that sets one up.
    pub fn from_page(page: &str) -> Self {
        let key = page.split("<dd class=\"key\">").nth(1).expect("a key").split('<').next().expect("its end");
        let secret = BASE32_NOPAD.decode(key.replace(' ', "").as_bytes()).expect("base32");
        Self(totp_rs::Builder::new().with_secret(secret).build().expect("a key"))
    }

    pub fn code(&self, world: &World) -> String {
        self.0.generate(u64::try_from(world.now().as_second()).expect("after 1970")).to_string()
    }

    pub fn secret(&self) -> Vec<u8> {
        BASE32_NOPAD.decode(self.0.secret().to_base32().as_bytes()).expect("base32")
    }

    /// One that no window holds.
    pub fn wrong(&self, world: &World) -> String {
        self.0.generate(u64::try_from(world.now().as_second()).expect("after 1970") + 3_600).to_string()
    }
}

/// A person with a password and an authenticator app, and a device that they signed in.
pub(in crate::sign_in) struct Person {
    pub name: String,
    pub phone: Phone,
    pub device: TestDevice,
}

async fn names(browser: &Browser<'_>) -> Answer {
    browser.post("/sign-in/create/password", &json!({"name": "Ines Calloway", "account_name": "Ines"})).await
}

/// Makes an account in a browser that a sign-in opened.
async fn create(browser: &mut Browser<'_>) -> (String, Phone) {
    let next: Value = names(browser).await.ok();
    assert_eq!(next["location"], "/sign-in/create/password/choose");
    let page = browser.get("/sign-in/create/password/choose").await.text();
    let name = page.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.post("/sign-in/create/password/choose", &json!({"password": PASSWORD})).await.expect(200);
    let phone = Phone::from_page(&browser.get("/sign-in/create/password/code").await.text());
    let code = json!({"code": phone.code(browser.world)});
    let next: Value = browser.post("/sign-in/create/password/code", &code).await.ok();
    assert_eq!(next["location"], "/sign-in/confirm");
    (name, phone)
}

pub(in crate::sign_in) async fn person(world: &World) -> Person {
    let key = DeviceKey::new();
    let mut browser = Browser::new(world);
    visit(&mut browser, &key).await;
    let (name, phone) = create(&mut browser).await;
    let device = let_in(world, &browser, key).await;
    world.advance(SignedDuration::from_secs(60));
    Person { name, phone, device }
}

/// Says yes in the browser and gives the app its tokens.
pub(in crate::sign_in) async fn let_in(world: &World, browser: &Browser<'_>, key: DeviceKey) -> TestDevice {
    let code = param(&browser.confirm().await, "code").unwrap();
    let tokens: TokenResponse = send(world, &key, TOKEN_PATH, &redeem(&code)).await.ok();
    world.signed_in(key, tokens)
}

async fn show(browser: &Browser<'_>, name: &str, password: &str) -> Answer {
    browser.post("/sign-in/password", &json!({"name": name, "password": password})).await
}

async fn show_code(browser: &Browser<'_>, code: &str) -> Answer {
    browser.post("/sign-in/password/code", &json!({"code": code})).await
}

/// A browser at the sign-in page.
async fn at_the_page<'a>(world: &'a World, key: &DeviceKey) -> Browser<'a> {
    let mut browser = Browser::new(world);
    visit(&mut browser, key).await;
    browser
}

// ---- the whole way -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_new_account_with_a_password_and_a_code_signs_a_second_device_in() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        assert!(person.name.starts_with("Ines-") && person.name.len() == 10, "{}", person.name);
        let me: Me = person.device.get("/api/v1/me").await.ok();
        assert_eq!((me.name.as_str(), me.passkeys), ("Ines Calloway", 0));

        let key = DeviceKey::new();
        let mut browser = at_the_page(&world, &key).await;
        assert!(browser.get("/sign-in").await.text().contains("Use a password instead"));
        assert!(browser.get("/sign-in/password").await.text().contains("current-password"));
        // Case and width of the name do not matter; that of the password does.
        let typed = person.name.to_uppercase().replace("INES", "ＩＮＥＳ");
        let next: Value = show(&browser, &typed, PASSWORD).await.ok();
        assert_eq!(next["location"], "/sign-in/password/code");
        assert!(browser.get("/sign-in/password/code").await.text().contains("one-time-code"));
        let code = person.phone.code(&world);
        let next: Value = show_code(&browser, &format!("{} {}", &code[..3], &code[3..])).await.ok();
        assert_eq!(next["location"], "/sign-in/confirm");
        let laptop = let_in(&world, &browser, key).await;
        assert_eq!(laptop.holder, person.device.holder);
    })
    .await;
}

#[tokio::test]
async fn a_page_out_of_turn_leads_to_the_right_one_and_a_step_out_of_turn_is_refused() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let mut browser = at_the_page(&world, &DeviceKey::new()).await;
        for (page, instead) in [
            ("/sign-in/password/code", "/sign-in"),
            ("/sign-in/create/password/choose", "/sign-in/create/password"),
            ("/sign-in/create/password/code", "/sign-in/create/password"),
        ] {
            let answer = browser.get(page).await;
            assert_eq!(answer.expect(303).header("location"), Some(instead), "{page}");
        }
        let code = person.phone.code(&world);
        assert_eq!(show_code(&browser, &code).await.code(), ErrorCode::Forbidden);
        let set_up = browser.post("/sign-in/create/password/code", &json!({ "code": code })).await;
        assert_eq!(set_up.code(), ErrorCode::Forbidden);
        let choose = browser.post("/sign-in/create/password/choose", &json!({"password": PASSWORD})).await;
        assert_eq!(choose.code(), ErrorCode::Forbidden);
        // The right password alone lets nobody in.
        show(&browser, &person.name, PASSWORD).await.expect(200);
        browser.post("/sign-in/confirm", &json!({"yes": true})).await.expect(403);
        show_code(&browser, &code).await.expect(200);
        for page in ["/sign-in/password", "/sign-in/password/code", "/sign-in/create/password"] {
            assert_eq!(browser.get(page).await.expect(303).header("location"), Some("/sign-in/confirm"), "{page}");
        }
        assert_eq!(show(&browser, &person.name, PASSWORD).await.code(), ErrorCode::Forbidden, "one visit, one person");
    })
    .await;
}

// ---- a new account -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_name_that_is_in_use_is_taken_like_any_other_and_nobody_learns_of_it() {
    on_each_engine(async |world| {
        let first = person(&world).await;
        let second = person(&world).await;
        assert_ne!(first.name, second.name);
        let mut answers = Vec::new();
        for wish in ["Ines", "Nobody yet"] {
            let browser = at_the_page(&world, &DeviceKey::new()).await;
            let names = json!({"name": "Ines Calloway", "account_name": wish});
            let answer = browser.post("/sign-in/create/password", &names).await;
            answers.push((answer.status, answer.text()));
        }
        assert_eq!(answers[0], answers[1]);
    })
    .await;
}

#[tokio::test]
async fn a_password_that_is_none_is_refused_with_a_reason_and_the_visit_goes_on() {
    on_each_engine(async |world| {
        let browser = at_the_page(&world, &DeviceKey::new()).await;
        names(&browser).await.expect(200);
        for (password, code) in [
            ("kurz", ErrorCode::PasswordTooShort),
            ("password1", ErrorCode::PasswordGuessable),
            ("ines calloway", ErrorCode::PasswordGuessable),
            ("test server", ErrorCode::PasswordGuessable),
            (&*"é".repeat(257), ErrorCode::TooLong),
            (&*"x".repeat(100_000), ErrorCode::TooLong),
        ] {
            let answer = browser.post("/sign-in/create/password/choose", &json!({ "password": password })).await;
            assert_eq!(answer.code(), code, "{password:.20}");
        }
        browser.post("/sign-in/create/password/choose", &json!({"password": PASSWORD})).await.expect(200);
        for (name, account) in [("", "ines"), ("Ines", ""), ("Ines", &*"x".repeat(41)), ("In\u{202e}es", "ines")] {
            let names = json!({"name": name, "account_name": account});
            let answer = browser.post("/sign-in/create/password", &names).await;
            assert_eq!(answer.code(), ErrorCode::InvalidRequest, "{name} {account:.20}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_account_exists_once_its_authenticator_app_has_shown_a_code() {
    on_each_engine(async |world| {
        let mut browser = at_the_page(&world, &DeviceKey::new()).await;
        names(&browser).await.expect(200);
        browser.post("/sign-in/create/password/choose", &json!({"password": PASSWORD})).await.expect(200);
        let page = browser.get("/sign-in/create/password/code").await;
        assert!(page.header("content-security-policy").unwrap().contains("style-src 'self'"));
        let phone = Phone::from_page(&page.text());
        let wrong = browser.post("/sign-in/create/password/code", &json!({"code": phone.wrong(&world)})).await;
        assert_eq!(wrong.code(), ErrorCode::Forbidden);
        browser.post("/sign-in/confirm", &json!({"yes": true})).await.expect(403);
        // The key stays the one that was scanned.
        let code = json!({"code": phone.code(&world)});
        browser.post("/sign-in/create/password/code", &code).await.expect(200);
        browser.post("/sign-in/create/password/code", &code).await.expect(403);
    })
    .await;
}

#[test]
fn names_are_compared_without_case_width_or_the_spelling_of_accents() {
    for (one, other) in [
        ("Ines-48271", "ines-48271"),
        ("INÊS", "ine\u{302}s"),
        ("straße", "STRASSE"),
        ("ＡＢＣ", "abc"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        (" Ines  Calloway ", "ines-calloway"),
    ] {
        assert_eq!(name_key(one), name_key(other), "{one} and {other}");
    }
    assert_ne!(name_key("ines"), name_key("inés"));
}

// ---- codes -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_code_counts_once_and_so_does_none_before_it() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let code = person.phone.code(&world);
        let first = at_the_page(&world, &DeviceKey::new()).await;
        show(&first, &person.name, PASSWORD).await.expect(200);
        show_code(&first, &code).await.expect(200);
        let second = at_the_page(&world, &DeviceKey::new()).await;
        show(&second, &person.name, PASSWORD).await.expect(200);
        assert_eq!(show_code(&second, &code).await.code(), ErrorCode::Forbidden);
        world.advance(SignedDuration::from_secs(30));
        show_code(&second, &person.phone.code(&world)).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_failed_try_is_counted_once() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let key = DeviceKey::new();
        let browser = at_the_page(&world, &key).await;
        show(&browser, "Nobody 1234", PASSWORD).await.expect(403);
        show(&browser, &person.name, "not the password").await.expect(403);
        show(&browser, &person.name, PASSWORD).await.expect(200);
        show_code(&browser, &person.phone.wrong(&world)).await.expect(403);
        assert_eq!(failed_tries(&world, &person).await.expect("a sum"), Some(2), "a password and a code");
        show_code(&browser, &person.phone.code(&world)).await.expect(200);
        let_in(&world, &browser, key).await;
        let tries = failed_tries(&world, &person).await.expect("a sum");
        assert_eq!(tries, Some(3), "and the one that was nobody's, once somebody got in");
    })
    .await;
}

/// How many are counted at the account.
async fn failed_tries(world: &World, person: &Person) -> DbResult<Option<i64>> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(times), 0) AS BIGINT) FROM risk_count
                        WHERE holder_id = $1 AND kind = 'failed_try'";
    let mut tx = world.app.db.begin_read().await?;
    one!(tx, SUM, person.device.holder.as_uuid())
}

#[tokio::test]
async fn who_knows_the_password_and_not_the_code_is_slowed_and_told_of() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        for _ in 0..2 {
            let mut thief = at_the_page(&world, &DeviceKey::new()).await;
            show(&thief, &person.name, PASSWORD).await.expect(200);
            for _ in 0..5 {
                assert_eq!(show_code(&thief, &person.phone.wrong(&world)).await.code(), ErrorCode::Forbidden);
            }
            thief.get("/sign-in/password/code").await.expect(400);
        }
        let mut thief = at_the_page(&world, &DeviceKey::new()).await;
        show(&thief, &person.name, PASSWORD).await.expect(200);
        let waits = show_code(&thief, &person.phone.code(&world)).await;
        assert_eq!((waits.code(), waits.header("retry-after")), (ErrorCode::RateLimited, Some("361")));
        thief.get("/sign-in/password/code").await.expect(200);
        let log = person.device.get("/api/v1/sync").await.text();
        assert_eq!(log.matches("factor_refused").count(), 2, "once a visit");
        // It is the password that waits, and only so long.
        world.advance(SignedDuration::from_mins(7));
        person.device.refresh().await.expect(200);
        show_code(&thief, &person.phone.code(&world)).await.expect(200);
    })
    .await;
}

// ---- alike -------------------------------------------------------------------------------------------------------

/// What a stranger sees of an answer: all but the names of this request.
fn seen(answer: &Answer) -> (u16, Vec<String>, Value) {
    let of_each = ["x-request-id", "date"];
    let headers = answer.headers.iter().filter(|(name, _)| !of_each.contains(&name.as_str()));
    let mut headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    headers.sort();
    let mut body: Value = answer.json();
    if !answer.status.is_success() {
        assert!(body["request_id"].is_string());
        body["request_id"] = Value::Null;
    }
    (answer.status.as_u16(), headers, body)
}

#[tokio::test]
async fn a_name_that_nobody_has_and_a_wrong_password_are_answered_alike() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let browser = at_the_page(&world, &DeviceKey::new()).await;
        let wrong = show(&browser, &person.name, "hollow reed lanterns").await;
        let nobody = show(&browser, "Ines-00000", PASSWORD).await;
        let long = show(&browser, &person.name, &"x".repeat(5_000)).await;
        assert_eq!(seen(&wrong), seen(&nobody));
        assert_eq!(seen(&wrong), seen(&long));
        assert_eq!(wrong.body.len(), nobody.body.len());
        assert_eq!(wrong.code(), ErrorCode::Forbidden);
    })
    .await;
}

/// Pairs of probes, and how far apart the middles of their two sides may be.
const PAIRS: usize = 1_000;
const APART_MICROS: u64 = 2_000;

#[tokio::test]
async fn a_thousand_paired_probes_tell_nobody_whether_an_account_exists() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let mut times = PairedTimes::default();
        let mut browser = at_the_page(&world, &DeviceKey::new()).await;
        for pair in 0..world.of_many(PAIRS) {
            // A visit takes five refusals, and one source so many visits: neither is what is measured.
            if pair % 2 == 0 {
                world.advance(SignedDuration::from_secs(20));
                browser = at_the_page(&world, &DeviceKey::new()).await;
            }
            let mut took = [Duration::ZERO; 2];
            let sides = [(person.name.as_str(), 0), ("Ines-00000", 1)];
            for (name, side) in if pair % 4 < 2 { sides } else { [sides[1], sides[0]] } {
                let began = Instant::now();
                let answer = show(&browser, name, "not the password").await;
                took[side] = began.elapsed();
                assert_eq!(answer.code(), ErrorCode::Forbidden);
            }
            times.note(took[0], took[1]);
        }
        let apart = times.surely_apart_micros();
        assert!(apart < APART_MICROS, "{apart} µs apart");
    })
    .await;
}

#[tokio::test]
async fn a_thousand_paired_registrations_tell_nobody_whether_a_name_is_in_use() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let mut times = PairedTimes::default();
        for pair in 0..world.of_many(PAIRS) {
            world.advance(SignedDuration::from_secs(20));
            let mut took = [Duration::ZERO; 2];
            let mut answers = [None, None];
            let sides = [(person.name.as_str(), 0), ("Otto-71093", 1)];
            for (wish, side) in if pair % 2 == 0 { sides } else { [sides[1], sides[0]] } {
                let browser = at_the_page(&world, &DeviceKey::new()).await;
                let names = json!({"name": "Ines Calloway", "account_name": wish});
                let began = Instant::now();
                let answer = browser.post("/sign-in/create/password", &names).await;
                took[side] = began.elapsed();
                answers[side] = Some(seen(&answer));
            }
            times.note(took[0], took[1]);
            assert!(answers[0].is_some() && answers[0] == answers[1], "the same status, headers and words");
        }
        let apart = times.surely_apart_micros();
        assert!(apart < APART_MICROS, "{apart} µs apart");
    })
    .await;
}

// ---- keys at rest ----

#[tokio::test]
async fn an_authenticators_key_is_sealed_and_one_of_before_is_sealed_when_the_server_starts() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let holder = person.device.holder;
        let kept = async || {
            let mut tx = world.app.db.begin_read().await.unwrap();
            super::store::totps(&mut tx, holder).await.unwrap().remove(0).secret
        };
        let secret = person.phone.secret();
        let first = kept().await;
        assert!(!first.bytes.windows(8).any(|part| part == &secret[..8]), "the key does not stand in its row");

        let mut tx = world.app.db.begin_write().await.unwrap();
        super::store::lay_open(&mut tx, holder, &secret).await.unwrap();
        tx.commit().await.unwrap();
        let bring_up =
            async |seals: &Seals| super::sealing::bring_up(&world.app.db, seals, world.app.chance.as_ref()).await;
        bring_up(&world.app.settings.seals).await.unwrap();
        assert_eq!(kept().await.key, first.key);
        sign_in_with(&world, &person).await;

        // A new key is put before the one of now: what that sealed is sealed anew, and its line may go.
        let both = Seals::of(&[[0x21; 32], [0x5e; 32]]).unwrap();
        bring_up(&both).await.unwrap();
        bring_up(&both).await.unwrap();
        let newest = Seals::of(&[[0x21; 32]]).unwrap();
        assert_eq!(Some(kept().await.key), newest.newest());
        world.advance(SignedDuration::from_secs(60));
        sign_in_with(&world.with_settings(|settings| settings.seals = newest.clone()), &person).await;

        // Without the key nobody could sign in by a code: the server says so and does not start.
        let lost = bring_up(&Seals::of(&[[0x77; 32]]).unwrap()).await;
        assert!(matches!(lost, Err(ConfigError::Seals(SealError::UnknownKey))), "{lost:?}");
    })
    .await;
}

/// Signs one more device in by password and code.
async fn sign_in_with(world: &World, person: &Person) {
    let browser = at_the_page(world, &DeviceKey::new()).await;
    show(&browser, &person.name, PASSWORD).await.expect(200);
    show_code(&browser, &person.phone.code(world)).await.expect(200);
}

// ---- how somebody types ----

/// Signs one more device in by somebody who types the name in these times.
async fn typed(world: &World, person: &Person, rhythm: &[u16]) -> TestDevice {
    world.advance(SignedDuration::from_secs(60));
    let key = DeviceKey::new();
    let browser = at_the_page(world, &key).await;
    let shown = json!({"name": person.name, "password": PASSWORD, "rhythm": rhythm});
    browser.post("/sign-in/password", &shown).await.expect(200);
    show_code(&browser, &person.phone.code(world)).await.expect(200);
    let_in(world, &browser, key).await
}

/// The same hand, a little otherwise each time.
fn usual(day: u16) -> Vec<u16> {
    let times: [u16; 9] = [110, 95, 180, 130, 90, 240, 120, 105, 160];
    times.iter().zip(0_u16..).map(|(time, place)| time + (place * 7 + day * 11) % 23).collect()
}

async fn rhythm(device: &TestDevice) -> TypingRhythm {
    device.refresh().await.expect(200);
    device.get(RHYTHM).await.ok()
}

async fn unlike(device: &TestDevice) -> usize {
    device.refresh().await.expect(200);
    let decisions = device.get("/api/v1/risk/decisions").await.ok::<RiskDecisionList>().items;
    let all = decisions.iter().flat_map(|decision| decision.reasons.iter());
    all.filter(|point| point.reason == RiskReason::RhythmUnlike).count()
}

#[tokio::test]
async fn how_somebody_types_is_looked_at_only_where_they_turned_it_on_and_off_forgets_it() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let desk = &person.device;
        typed(&world, &person, &usual(0)).await;
        let off = rhythm(desk).await;
        assert_eq!((off.on, off.known), (false, 0), "nothing is kept of who did not ask for it");
        for _ in 0..2 {
            desk.put(RHYTHM, &json!({"on": true})).await.expect(200);
        }
        for day in 1..=7 {
            typed(&world, &person, &usual(day)).await;
        }
        assert_eq!(rhythm(desk).await, TypingRhythm { on: true, known: 7, needed: 6 });
        assert_eq!(unlike(desk).await, 0);
        // Pasted or filled in by the browser: there is no rhythm, and that says nothing.
        typed(&world, &person, &[]).await;
        assert_eq!((unlike(desk).await, rhythm(desk).await.known), (0, 7));
        // Another hand: it is said, and does not become usual.
        let hasty: Vec<u16> = usual(8).iter().map(|time| time / 3).collect();
        typed(&world, &person, &hasty).await;
        assert_eq!((unlike(desk).await, rhythm(desk).await.known), (1, 7));
        desk.put(RHYTHM, &json!({"on": false})).await.expect(200);
        typed(&world, &person, &hasty).await;
        assert_eq!((unlike(desk).await, rhythm(desk).await), (1, TypingRhythm { on: false, known: 0, needed: 6 }));
        let log = desk.get("/api/v1/sync").await.text();
        assert_eq!((log.matches("rhythm_turned_on").count(), log.matches("rhythm_turned_off").count()), (1, 1));
    })
    .await;
}

// ---- codes that are sent ----

/// A person whose authenticator app is gone and whose confirmed address takes its place.
async fn by_message(world: &World) -> Person {
    let person = person(world).await;
    let ines = (AddressKind::Email, "ines@example.org");
    confirmed_by(world, &person.device, ines, async |browser| prove_by_password(browser, &person).await).await;
    let app = ways(&person.device).await.factors.remove(0);
    person.device.delete(&format!("{FACTORS}/{}", app.id)).await.expect(204);
    world.work().await;
    world.mail.take();
    person
}

#[tokio::test]
async fn where_there_is_no_app_the_code_comes_by_message_for_one_visit_and_once() {
    on_each_engine(async |world| {
        let person = by_message(&world).await;
        let now = ways(&person.device).await;
        assert_eq!(now.password.expect("a password").state, PasswordState::On, "the address takes the app's place");
        assert_eq!(now.codes_to, [CodesTo { kind: FactorKind::Email, to: "ines@example.org".to_owned() }]);
        let key = DeviceKey::new();
        let mut browser = at_the_page(&world, &key).await;
        let other = at_the_page(&world, &DeviceKey::new()).await;
        show(&browser, &person.name, PASSWORD).await.expect(200);
        world.work().await;
        let code = world.mail.last_code();
        assert!(browser.get("/sign-in/password/code").await.text().contains("i•••@example.org"));
        show(&other, &person.name, PASSWORD).await.expect(200);
        show_code(&other, &code).await.expect(403);
        show_code(&browser, "00000000").await.expect(403);
        show_code(&browser, &code).await.expect(200);
        let device = let_in(&world, &browser, key).await;
        device.get("/api/v1/me").await.expect(200);
        let again = at_the_page(&world, &DeviceKey::new()).await;
        show(&again, &person.name, PASSWORD).await.expect(200);
        show_code(&again, &code).await.expect(403);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_sends_nothing_and_the_last_way_for_codes_stays() {
    on_each_engine(async |world| {
        let person = by_message(&world).await;
        let browser = at_the_page(&world, &DeviceKey::new()).await;
        show(&browser, &person.name, "not the password").await.expect(403);
        world.work().await;
        assert!(world.mail.take().is_empty());
        let list: AddressList = person.device.get(LIST).await.ok();
        let only = format!("{LIST}/{}", list.items[0].id);
        assert_eq!(person.device.delete(&only).await.code(), ErrorCode::LastWayIn);
        // A second one makes the first free to go.
        let phone = (AddressKind::Phone, "+15550107788");
        confirmed_by(&world, &person.device, phone, async |browser| prove_by_message(browser).await).await;
        person.device.delete(&only).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn a_no_to_an_address_does_not_take_the_last_way_in() {
    on_each_engine(async |world| {
        let person = by_message(&world).await;
        let log = log(&person.device).await;
        let added = log.iter().find(|event| event.kind == Kind::AddressAdded).expect("an entry").number;
        let answer = format!("/api/v1/security/events/{added}/answer");
        person.device.post(&answer, &json!({ "mine": false })).await.expect(204);
        let list: AddressList = person.device.get(LIST).await.ok();
        assert_eq!(list.items.len(), 1, "codes beside the password go nowhere else");
    })
    .await;
}

#[tokio::test]
async fn a_sent_code_is_the_proof_before_a_way_in_is_added_too() {
    on_each_engine(async |world| {
        let person = by_message(&world).await;
        let (mut browser, _) = adding(&world, &person.device).await;
        assert!(browser.get("/sign-in/passkeys").await.text().contains("send-code"));
        let prove = async |browser: &Browser<'_>, code: &str| {
            browser.post("/sign-in/ways-in/prove", &json!({"password": PASSWORD, "code": code})).await
        };
        prove(&browser, "00000000").await.expect(403);
        let sent: Value = browser.post("/sign-in/ways-in/send-code", &json!({})).await.ok();
        assert_eq!(sent["to"], "i•••@example.org");
        world.work().await;
        prove(&browser, &world.mail.last_code()).await.expect(200);
        add(&mut browser, "First passkey").await.expect(200);
        assert_eq!(passkeys(&person.device).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_short_password_goes_with_no_code_that_is_sent() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let ines = (AddressKind::Email, "ines@example.org");
        confirmed_by(&world, &person.device, ines, async |browser| prove_by_password(browser, &person).await).await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(person.device.holder).await.unwrap();
        let kept = super::store::password(&mut tx, person.device.holder).await.unwrap().unwrap();
        super::store::change_password(&mut tx, person.device.holder, &kept.hash, false, world.now()).await.unwrap();
        tx.commit().await.unwrap();
        let app = ways(&person.device).await.factors.remove(0);
        let refused = person.device.delete(&format!("{FACTORS}/{}", app.id)).await;
        assert_eq!(refused.code(), ErrorCode::LastWayIn);
    })
    .await;
}

#[tokio::test]
async fn who_has_no_passkey_makes_one_under_their_own_lock_and_releases_it() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let person = person(&world).await;
        let (device, lock) = (&person.device, "/api/v1/security/lock");
        device.post(lock, &json!({})).await.expect(200);
        assert_eq!(device.delete(lock).await.code(), ErrorCode::PasskeyNeeded, "which says what to do");
        assert_eq!(device.post(FACTORS, &json!({})).await.code(), ErrorCode::AccountLocked);
        let laptop = world.device(device.holder).await;
        let refused = laptop.post("/api/v1/security/passkeys", &json!({})).await;
        assert_eq!(refused.code(), ErrorCode::AccountLocked, "not from a device that came just now");
        let (mut browser, _) = begin(&world, device, "/api/v1/security/passkeys").await;
        prove_by_password(&browser, &person).await.expect(200);
        add(&mut browser, "Desk keyring").await.expect(200);
        let again = device.post("/api/v1/security/passkeys", &json!({})).await;
        assert_eq!(again.code(), ErrorCode::AccountLocked, "one is enough");
        let address: OneTimeAddress = device.delete(lock).await.ok();
        let (page, shown) = asked_at(&world, &address.address).await;
        page.say_yes(&mut browser, &shown).await.expect(200);
        device.post(FACTORS, &json!({})).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_leaving_keeps_nobody_in() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let person = person(&world).await;
        let ines = (AddressKind::Email, "ines@example.org");
        confirmed_by(&world, &person.device, ines, async |browser| prove_by_password(browser, &person).await).await;
        let app = ways(&person.device).await.factors.remove(0);
        assert!(!app.last, "a code by e-mail goes with a long password");
        let list: Value = person.device.get("/api/v1/security/addresses").await.ok();
        let address = list["items"][0]["id"].as_str().expect("an id").to_owned();
        person.device.delete(&format!("/api/v1/security/addresses/{address}")).await.expect(204);
        assert!(ways(&person.device).await.factors[0].last);
        let refused = person.device.delete(&format!("{FACTORS}/{}", app.id)).await;
        assert_eq!(refused.code(), ErrorCode::LastWayIn);
    })
    .await;
}

#[tokio::test]
async fn few_wrong_codes_in_each_of_many_visits_are_told_of_once_a_day() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let refusals = async || person.device.get("/api/v1/sync").await.text().matches("factor_refused").count();
        let tries = async |wrong: usize| {
            let thief = at_the_page(&world, &DeviceKey::new()).await;
            show(&thief, &person.name, PASSWORD).await.expect(200);
            for _ in 0..wrong {
                assert_eq!(show_code(&thief, &person.phone.wrong(&world)).await.code(), ErrorCode::Forbidden);
            }
        };
        tries(4).await;
        assert_eq!(refusals().await, 0, "a slip");
        tries(4).await;
        assert_eq!(refusals().await, 1);
        for hours in [1, 2] {
            world.advance(SignedDuration::from_hours(hours));
            person.device.refresh().await.expect(200);
            tries(1).await;
        }
        assert_eq!(refusals().await, 1, "it was said");
        world.advance(SignedDuration::from_hours(24));
        person.device.refresh().await.expect(200);
        tries(1).await;
        assert_eq!(refusals().await, 2);
    })
    .await;
}

// ---- no victims --------------------------------------------------------------------------------------------------

const ADDRESSES: usize = 100;
const ROUNDS: usize = 20;
const TRIES: usize = 5;
const AT_A_TIME: usize = 30;

#[tokio::test]
async fn after_ten_thousand_failed_tries_from_a_hundred_addresses_the_person_signs_in_at_once() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let mut tried = 0;
        let rounds = world.of_many(ROUNDS);
        for _ in 0..rounds {
            let round = stream::iter(0..ADDRESSES).map(|address| {
                let (world, name) = (&world, &person.name);
                let network = u8::try_from(address).expect("a hundred");
                async move {
                    let guesses = async {
                        let browser = at_the_page(world, &DeviceKey::new()).await;
                        for guess in 0..TRIES {
                            let answer = show(&browser, name, &format!("guess number {guess}")).await;
                            assert_eq!(answer.code(), ErrorCode::Forbidden, "the guess is looked at, not turned away");
                        }
                        TRIES
                    };
                    coming_from([198, 51, network, 7], guesses).await
                }
            });
            // As many at a time as the queue for passwords takes; who comes beyond that is told to come back.
            tried += round.buffer_unordered(AT_A_TIME).fold(0, async |sum, tries| sum + tries).await;
            world.advance(SignedDuration::from_secs(20));
        }
        assert_eq!(tried, rounds * 500);
        let key = DeviceKey::new();
        let browser = at_the_page(&world, &key).await;
        show(&browser, &person.name, PASSWORD).await.expect(200);
        show_code(&browser, &person.phone.code(&world)).await.expect(200);
        let_in(&world, &browser, key).await.get("/api/v1/me").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn one_address_that_guesses_waits_and_others_do_not() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let turned_away = coming_from([198, 51, 100, 7], async {
            for _ in 0..10 {
                let browser = at_the_page(&world, &DeviceKey::new()).await;
                for _ in 0..TRIES {
                    if show(&browser, &person.name, "guess").await.code() == ErrorCode::RateLimited {
                        return true;
                    }
                }
            }
            false
        });
        assert!(turned_away.await);
        let browser = at_the_page(&world, &DeviceKey::new()).await;
        coming_from([203, 0, 113, 9], show(&browser, &person.name, PASSWORD)).await.expect(200);
    })
    .await;
}

// ---- the ways in of an account -----------------------------------------------------------------------------------

const WAYS_IN: &str = "/api/v1/security/ways-in";
const SET: &str = "/api/v1/security/password";
const KEPT: &str = "/api/v1/security/password/kept";
const FACTORS: &str = "/api/v1/security/factors";
const OTHER: &str = "seven quiet bridges";

async fn ways(device: &TestDevice) -> WaysIn {
    device.get(WAYS_IN).await.ok()
}

async fn kinds(device: &TestDevice) -> Vec<Kind> {
    let page: api::sync::Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        api::sync::Record::SecurityEvent(event) => Some(event.kind),
        _ => None,
    });
    events.collect()
}

/// A browser on the visit that this address begins, and where it is led first.
async fn begin<'a>(world: &'a World, device: &TestDevice, path: &str) -> (Browser<'a>, String) {
    let begun: OneTimeAddress = device.post(path, &json!({})).await.ok();
    let mut browser = Browser::new(world);
    let answer = browser.get(begun.address.strip_prefix(ORIGIN).unwrap()).await;
    let page = answer.expect(303).header("location").unwrap().to_owned();
    (browser, page)
}

async fn prove_by_password(browser: &Browser<'_>, person: &Person) -> Answer {
    let proof = json!({"password": PASSWORD, "code": person.phone.code(browser.world)});
    browser.post("/sign-in/ways-in/prove", &proof).await
}

/// The password, and the code that is sent where there is no app.
async fn prove_by_message(browser: &Browser<'_>) -> Answer {
    browser.post("/sign-in/ways-in/send-code", &json!({})).await.expect(200);
    browser.world.work().await;
    let proof = json!({"password": PASSWORD, "code": browser.world.mail.last_code()});
    browser.post("/sign-in/ways-in/prove", &proof).await
}

async fn finish_app(browser: &mut Browser<'_>, name: &str) -> Phone {
    let phone = Phone::from_page(&browser.get("/sign-in/ways-in/code").await.text());
    let new = json!({"name": name, "code": phone.code(browser.world)});
    let next: Value = browser.post("/sign-in/ways-in/code", &new).await.ok();
    assert_eq!(next["location"], "/sign-in/ways-in/done?ui_locales=en");
    phone
}

/// Gives an account that has none a password and an authenticator app. Where the account has a passkey, it is shown.
async fn set_password(world: &World, device: &TestDevice, holds: Option<&mut Browser<'_>>) -> (String, Phone) {
    let (mut browser, page) = begin(world, device, SET).await;
    if let Some(holds) = holds {
        assert!(browser.get(&page).await.text().contains("Show a passkey you have"));
        prove(&browser, holds).await.expect(200);
    }
    let text = browser.get(&page).await.text();
    let name = text.split("readonly value=\"").nth(1).expect("a name").split('"').next().expect("its end").to_owned();
    let next: Value = browser.post(&page, &json!({"password": PASSWORD})).await.ok();
    assert_eq!(next["location"], "/sign-in/ways-in/code");
    (name, finish_app(&mut browser, "Phone").await)
}

#[tokio::test]
async fn an_account_with_a_passkey_gets_a_password_and_signs_in_by_it() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        assert_eq!(ways(&device).await, WaysIn { password: None, factors: Vec::new(), codes_to: Vec::new() });
        let (name, phone) = set_password(&world, &device, Some(&mut holds)).await;
        assert!(name.starts_with("Ines-Calloway-"), "{name}");
        let both = ways(&device).await;
        let password = both.password.unwrap();
        assert_eq!((password.name, password.state, password.last), (name.clone(), PasswordState::On, false));
        assert_eq!((both.factors[0].name.as_str(), both.factors[0].last), ("Phone", false));
        assert_eq!(kinds(&device).await[3..], [Kind::PasswordSet, Kind::FactorAdded]);
        world.advance(SignedDuration::from_secs(60));
        let key = DeviceKey::new();
        let browser = at_the_page(&world, &key).await;
        show(&browser, &name, PASSWORD).await.expect(200);
        show_code(&browser, &phone.code(&world)).await.expect(200);
        assert_eq!(let_in(&world, &browser, key).await.holder, device.holder);
    })
    .await;
}

#[tokio::test]
async fn a_second_passkey_turns_the_password_off_until_its_owner_keeps_it() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let (name, phone) = set_password(&world, &device, Some(&mut holds)).await;
        let (mut browser, _) = adding(&world, &device).await;
        prove(&browser, &mut holds).await.expect(200);
        add(&mut browser, "Blue security key").await.expect(200);
        world.advance(SignedDuration::from_secs(60));
        assert_eq!(ways(&device).await.password.unwrap().state, PasswordState::OffBesidePasskeys);
        // The right password is answered like a wrong one.
        let guessing = at_the_page(&world, &DeviceKey::new()).await;
        let wrong = show(&guessing, &name, OTHER).await;
        let off = show(&guessing, &name, PASSWORD).await;
        assert_eq!(seen(&off), seen(&wrong));

        let (mut browser, page) = begin(&world, &device, KEPT).await;
        assert_eq!(page, "/sign-in/ways-in/keep");
        assert_eq!(browser.post(&page, &json!({})).await.code(), ErrorCode::Forbidden, "first a passkey is shown");
        prove(&browser, &mut holds).await.expect(200);
        assert!(browser.get(&page).await.text().contains("Keep the password?"));
        browser.post(&page, &json!({})).await.expect(200);
        assert_eq!(ways(&device).await.password.unwrap().state, PasswordState::On);
        let browser = at_the_page(&world, &DeviceKey::new()).await;
        show(&browser, &name, PASSWORD).await.expect(200);
        // Let go between the password and the code: the code comes too late.
        device.delete(KEPT).await.expect(204);
        device.delete(KEPT).await.expect(204);
        assert_eq!(show_code(&browser, &phone.code(&world)).await.code(), ErrorCode::Forbidden);
        let kinds = kinds(&device).await;
        assert_eq!(kinds[kinds.len() - 2..], [Kind::PasswordKept, Kind::PasswordLetGo]);
    })
    .await;
}

#[tokio::test]
async fn who_has_only_a_password_shows_it_to_add_a_passkey() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let (mut browser, page) = begin(&world, &person.device, "/api/v1/security/passkeys").await;
        assert!(browser.get(&page).await.text().contains("current-password"));
        let early = browser.post("/sign-in/passkeys/add/start", &json!({"name": "Key"})).await;
        assert_eq!(early.code(), ErrorCode::Forbidden);
        for (password, code) in
            [(OTHER.to_owned(), person.phone.code(&world)), (PASSWORD.to_owned(), person.phone.wrong(&world))]
        {
            let answer = browser.post("/sign-in/ways-in/prove", &json!({"password": password, "code": code})).await;
            assert_eq!(answer.code(), ErrorCode::Forbidden);
        }
        prove_by_password(&browser, &person).await.expect(200);
        add(&mut browser, "Desk keyring").await.expect(200);
        // From now on the passkey is the proof.
        world.advance(SignedDuration::from_secs(60));
        let (browser, _) = begin(&world, &person.device, FACTORS).await;
        assert_eq!(prove_by_password(&browser, &person).await.code(), ErrorCode::Forbidden);
    })
    .await;
}

#[tokio::test]
async fn a_changed_password_replaces_the_old_one_and_signs_the_others_out() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        for (keeps, new, old) in [(true, OTHER, PASSWORD), (false, PASSWORD, OTHER)] {
            let laptop = world.device(person.device.holder).await;
            let (mut browser, page) = begin(&world, &person.device, SET).await;
            let proof = json!({"password": old, "code": person.phone.code(&world)});
            browser.post("/sign-in/ways-in/prove", &proof).await.expect(200);
            let text = browser.get(&page).await.text();
            assert!(text.contains("Change the password") && text.contains(&person.name));
            let next: Value = browser.post(&page, &json!({"password": new, "keep_devices": keeps})).await.ok();
            assert_eq!(next["location"], "/sign-in/ways-in/done?ui_locales=en", "the authenticator app is there");
            assert!(browser.get("/sign-in/ways-in/done").await.text().contains("That is done"));
            browser.get(&page).await.expect(400);
            assert_eq!(laptop.get("/api/v1/me").await.status.as_u16(), if keeps { 200 } else { 401 });
            person.device.get("/api/v1/me").await.expect(200);
            world.advance(SignedDuration::from_secs(60));
            let browser = at_the_page(&world, &DeviceKey::new()).await;
            assert_eq!(show(&browser, &person.name, old).await.code(), ErrorCode::Forbidden);
            show(&browser, &person.name, new).await.expect(200);
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_way_in_stays_and_the_others_go() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let device = &person.device;
        let app = ways(device).await.factors.remove(0);
        assert!(app.last && ways(device).await.password.unwrap().last);
        assert_eq!(device.delete(SET).await.code(), ErrorCode::LastWayIn);
        let path = format!("{FACTORS}/{}", app.id);
        assert_eq!(device.delete(&path).await.code(), ErrorCode::LastWayIn);
        // A second app lets the first one go.
        let (mut browser, page) = begin(&world, device, FACTORS).await;
        assert_eq!(page, "/sign-in/ways-in/code");
        prove_by_password(&browser, &person).await.expect(200);
        let tablet = finish_app(&mut browser, "Tablet").await;
        device.patch(&path, "n", &json!({"name": "Old phone"})).await.expect(204);
        let names: Vec<String> = ways(device).await.factors.into_iter().map(|factor| factor.name).collect();
        assert_eq!(names, ["Old phone", "Tablet"]);
        device.delete(&path).await.expect(204);
        assert_eq!(device.delete(&path).await.code(), ErrorCode::NotFound);
        world.advance(SignedDuration::from_secs(60));
        let browser = at_the_page(&world, &DeviceKey::new()).await;
        show(&browser, &person.name, PASSWORD).await.expect(200);
        assert_eq!(show_code(&browser, &person.phone.code(&world)).await.code(), ErrorCode::Forbidden);
        show_code(&browser, &tablet.code(&world)).await.expect(200);
        // With a passkey the password may go, and with the password the passkey may.
        let (mut browser, _) = begin(&world, device, "/api/v1/security/passkeys").await;
        world.advance(SignedDuration::from_secs(60));
        device.refresh().await.expect(200);
        let proof = json!({"password": PASSWORD, "code": tablet.code(&world)});
        browser.post("/sign-in/ways-in/prove", &proof).await.expect(200);
        add(&mut browser, "Desk keyring").await.expect(200);
        let key = passkeys(device).await.remove(0);
        assert!(!key.last && !ways(device).await.password.unwrap().last);
        device.delete(SET).await.expect(204);
        assert_eq!(device.delete(SET).await.code(), ErrorCode::NotFound);
        assert!(passkeys(device).await[0].last);
        assert_eq!(device.delete(&format!("/api/v1/security/passkeys/{}", key.id)).await.code(), ErrorCode::LastWayIn);
    })
    .await;
}

#[tokio::test]
async fn a_visit_for_one_thing_does_nothing_else_and_a_signed_out_device_changes_nothing() {
    on_each_engine(async |world| {
        let person = person(&world).await;
        let (mut browser, page) = begin(&world, &person.device, SET).await;
        prove_by_password(&browser, &person).await.expect(200);
        assert_eq!(browser.post("/sign-in/ways-in/keep", &json!({})).await.code(), ErrorCode::Forbidden);
        let start = browser.post("/sign-in/passkeys/add/start", &json!({"name": "Key"})).await;
        assert_eq!(start.code(), ErrorCode::Forbidden);
        for elsewhere in ["/sign-in/passkeys", "/sign-in/ways-in/keep", "/sign-in/ways-in/code"] {
            assert_eq!(browser.get(elsewhere).await.expect(303).header("location"), Some(page.as_str()), "{elsewhere}");
        }
        let device = &person.device;
        device.delete(&format!("/api/v1/devices/{}", device.device)).await.expect(204);
        let late = browser.post(&page, &json!({"password": OTHER})).await;
        assert_eq!(late.code(), ErrorCode::Forbidden);
        world.advance(SignedDuration::from_secs(60));
        let browser = at_the_page(&world, &DeviceKey::new()).await;
        show(&browser, &person.name, PASSWORD).await.expect(200);
    })
    .await;
}
