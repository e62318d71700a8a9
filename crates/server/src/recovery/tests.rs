use std::time::{Duration, Instant};

use api::error::ErrorCode;
use api::recovery::{RecoveryProof, RecoveryView, SentCode};
use api::sync::{Page, Record};
use domain::addresses::{AddressKind, AddressState};
use domain::policy::Preset;
use domain::recovery::{RecoveryState, SUPPORT_WAIT, SavedCode};
use domain::security::{SecurityEvent, SecurityEventKind as Kind};
use domain::standing::{RestraintLevel, RestraintReason, Standing};
use domain::support::{SupportOperation, SupportScope};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::code::PAGE;
use super::web::START;
use crate::addresses::tests::{confirmed, confirmed_by, confirmed_phone};
use crate::db::{DbResult, run};
use crate::sign_in::tests::{Browser, PASSKEYS, by_passkey, opened, passkeys, prove, visit};
use crate::standing;
use crate::support::desk::{ask, decide, look};
use crate::support::tests::agent;
use crate::testing::pairs::PairedTimes;
use crate::testing::{Answer, DeviceKey, TestDevice, World, on_each_engine};

const RECOVERY: &str = "/api/v1/security/recovery";
const INES: &str = "ines@example.org";
const PHONE: &str = "+15550107788";
const HOURS_72: SignedDuration = SignedDuration::from_hours(72);

/// The code that its owner makes for their paper; an account without ways in has nothing to show first.
async fn saved_code(world: &World, device: &TestDevice) -> String {
    let browser = opened(world, device, &format!("{RECOVERY}/code")).await;
    let made: Value = browser.post(PAGE, &json!({})).await.ok();
    made["code"].as_str().expect("a code").to_owned()
}

/// A browser that has asked for the code by e-mail.
async fn started<'a>(world: &'a World, address: &str) -> Browser<'a> {
    let mut browser = Browser::new(world);
    let answer = start(&browser, address).await;
    answer.expect(200);
    let cookie = answer.header("set-cookie").expect("a cookie").split(';').next().expect("a cookie");
    browser.cookie = cookie.to_owned();
    browser
}

async fn start(browser: &Browser<'_>, address: &str) -> Answer {
    browser.post(START, &json!({ "address": address })).await
}

async fn codes(browser: &Browser<'_>, sent: &str, saved: &str) -> Answer {
    browser.post("/sign-in/recovery/codes", &json!({ "sent_code": sent, "saved_code": saved })).await
}

/// Both codes, typed rightly.
async fn back<'a>(world: &'a World, saved: &str) -> Browser<'a> {
    let browser = started(world, INES).await;
    world.work().await;
    codes(&browser, &world.mail.last_code(), saved).await.expect(200);
    world.work().await;
    browser
}

async fn new_passkey(browser: &mut Browser<'_>) -> Answer {
    let path = "/sign-in/recovery/passkey";
    let started = browser.post(&format!("{path}/start"), &json!({ "name": "Found key" })).await;
    if !started.status.is_success() {
        return started;
    }
    let started: Value = started.json();
    let credential = browser.register(&started).await;
    let finish = json!({"ceremony": started["ceremony"], "credential": credential});
    browser.post(&format!("{path}/finish"), &finish).await
}

async fn later(world: &World, device: &TestDevice, by: SignedDuration) {
    world.advance(by);
    device.refresh().await.expect(200);
    world.work().await;
}

async fn state(device: &TestDevice) -> RecoveryState {
    device.get(RECOVERY).await.ok::<RecoveryView>().state
}

async fn log(device: &TestDevice) -> Vec<SecurityEvent> {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        Record::SecurityEvent(event) => Some(event),
        _ => None,
    });
    events.collect()
}

async fn happened(device: &TestDevice, kind: Kind) -> usize {
    log(device).await.iter().filter(|event| event.kind == kind).count()
}

/// Another code of the right shape.
fn wrong(n: u8) -> String {
    SavedCode::new([n; 16]).expose().to_string()
}

#[tokio::test]
async fn a_saved_code_is_made_after_a_way_in_was_shown_and_another_replaces_it() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let mut browser = opened(&world, &device, &format!("{RECOVERY}/code")).await;
        assert!(browser.get(PAGE).await.text().contains("show that it is you"));
        browser.post(PAGE, &json!({})).await.expect(403);
        prove(&browser, &mut holds).await.expect(200);
        assert!(browser.get(PAGE).await.text().contains("make-code"));
        let made: Value = browser.post(PAGE, &json!({})).await.ok();
        let first = SavedCode::parse(made["code"].as_str().expect("a code")).expect("it reads");
        let sheet = data_encoding::BASE64.decode(made["sheet"].as_str().expect("a sheet").as_bytes()).expect("base64");
        assert!(sheet.starts_with(b"%PDF-"));
        browser.post(PAGE, &json!({})).await.expect(400);
        let view: RecoveryView = device.get(RECOVERY).await.ok();
        assert_eq!((view.code_made_at, view.code_spent), (Some(world.now()), false));
        world.advance(SignedDuration::from_secs(60));
        let browser = opened(&world, &device, &format!("{RECOVERY}/code")).await;
        prove(&browser, &mut holds).await.expect(200);
        let made: Value = browser.post(PAGE, &json!({})).await.ok();
        assert_ne!(made["code"].as_str(), Some(first.expose().as_str()));
        let mut tx = world.app.db.begin_read().await.expect("a transaction");
        assert_eq!(super::store::code_owner(&mut tx, &first.hash()).await.expect("a look"), None, "the first is gone");
        assert_eq!(happened(&device, Kind::RecoveryCodeMade).await, 2);
    })
    .await;
}

#[tokio::test]
async fn with_both_codes_a_person_waits_is_told_and_makes_a_new_passkey() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = by_passkey(&world).await;
        confirmed_by(&world, &device, (AddressKind::Email, INES), async |browser| prove(browser, &mut holds).await)
            .await;
        // The page of a new code wants a passkey; here its owner has made one before.
        let saved = kept_code(&world, &device).await;
        world.work().await;
        world.mail.take();
        let mut browser = back(&world, &saved).await;
        let ready_at = world.now() + HOURS_72;
        assert_eq!(state(&device).await, RecoveryState::Waiting { ready_at });
        assert!(browser.get("/sign-in/recovery/state").await.text().contains("2027-03-04 17:00"));
        new_passkey(&mut browser).await.expect(403);
        let told = world.mail.take().into_iter().find(|letter| letter.text.contains("getting back into"));
        assert!(told.expect("a notice").text.contains("/sign-in/notice?key="));

        later(&world, &device, HOURS_72 - SignedDuration::from_secs(60)).await;
        assert!(world.mail.take().is_empty());
        later(&world, &device, SignedDuration::from_secs(60)).await;
        let letters = world.mail.take();
        assert!(letters.iter().any(|letter| letter.text.contains("The wait is over") && letter.text.contains(START)));
        let ends_at = ready_at + SignedDuration::from_hours(24);
        assert_eq!(state(&device).await, RecoveryState::Ready { ends_at });
        let mut browser = back(&world, &saved).await;
        assert!(browser.get("/sign-in/recovery/state").await.text().contains("recovery/passkey"));
        let made: Value = new_passkey(&mut browser).await.ok();
        assert_eq!(device.get("/api/v1/me").await.code(), ErrorCode::DeviceRevoked, "older devices are signed out");
        new_passkey(&mut browser).await.expect(400);

        // The new passkey lets in, the account is careful for a while, and another code has taken the place of the old.
        let key = DeviceKey::new();
        visit(&mut browser, &key).await;
        browser.sign_in().await.expect(200);
        let device = world.device(device.holder).await;
        assert!(passkeys(&device).await.iter().any(|passkey| passkey.name == "Found key"));
        let restraint = device.get("/api/v1/standing").await.ok::<Standing>().restraint.expect("a restraint");
        assert_eq!((restraint.level, restraint.reason), (RestraintLevel::Restricted, RestraintReason::Recovery));
        assert_eq!(restraint.until, Some(world.now() + HOURS_72));
        assert_eq!(device.post(PASSKEYS, &json!({})).await.code(), ErrorCode::AccountRestricted, "nothing new");
        assert_eq!(state(&device).await, RecoveryState::None);
        world.work().await;
        world.advance(SignedDuration::from_secs(3_600));
        let browser = started(&world, INES).await;
        world.work().await;
        let emailed = world.mail.last_code();
        codes(&browser, &emailed, &saved).await.expect(403);
        world.advance(SignedDuration::from_secs(31));
        codes(&browser, &emailed, made["code"].as_str().expect("a code")).await.expect(200);
    })
    .await;
}

/// A saved code as its owner made it before they lost their passkeys.
async fn kept_code(world: &World, device: &TestDevice) -> String {
    let code = SavedCode::new(world.app.random());
    let mut tx = world.app.db.begin_write().await.expect("a transaction");
    tx.lock(device.holder).await.expect("a lock");
    super::keep_code(&mut tx, &world.app, device.holder, &code.hash(), Some(device.device)).await.expect("it is kept");
    tx.commit().await.expect("a commit");
    code.expose().to_string()
}

#[tokio::test]
async fn a_veto_from_a_message_or_a_device_stops_it_and_none_begins_for_seven_days() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        let saved = kept_code(&world, &device).await;
        world.work().await;
        for by_message in [true, false] {
            world.mail.take();
            let mut browser = back(&world, &saved).await;
            if by_message {
                let told = world.mail.take().into_iter().find(|letter| letter.text.contains("getting back into"));
                let text = told.expect("a notice").text;
                let key =
                    text.split("key=").nth(1).expect("a key").split_whitespace().next().expect("a key").to_owned();
                browser.post("/sign-in/notice", &json!({ "key": key })).await.expect(200);
            } else {
                device.delete(RECOVERY).await.expect(204);
                device.delete(RECOVERY).await.expect(204);
            }
            let until = world.now() + SignedDuration::from_hours(7 * 24);
            assert_eq!(state(&device).await, RecoveryState::Stopped { until });
            assert!(browser.get("/sign-in/recovery/state").await.text().contains("stopped"));
            later(&world, &device, HOURS_72).await;
            assert!(!world.mail.take().iter().any(|letter| letter.text.contains("The wait is over")));
            let mut browser = back(&world, &saved).await;
            new_passkey(&mut browser).await.expect(403);
            assert_eq!(state(&device).await, RecoveryState::Stopped { until }, "none began");
            later(&world, &device, SignedDuration::from_hours(4 * 24)).await;
        }
        assert_eq!(happened(&device, Kind::RecoveryStopped).await, 2);
        assert_eq!(happened(&device, Kind::RecoveryFinished).await, 0);
        assert_eq!(device.get("/api/v1/standing").await.ok::<Standing>().restraint, None);
    })
    .await;
}

#[tokio::test]
async fn a_text_message_stands_where_the_code_by_e_mail_does() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed_phone(&world, &device, PHONE).await;
        let saved = kept_code(&world, &device).await;
        world.work().await;
        world.texts.take();
        // However it is typed it is the same number.
        let browser = started(&world, "+1 (555) 010-7788").await;
        world.work().await;
        assert!(world.mail.take().is_empty(), "it goes to the telephone alone");
        codes(&browser, &world.texts.last_code(), &saved).await.expect(200);
        world.work().await;
        assert!(matches!(state(&device).await, RecoveryState::Waiting { .. }));
        let told = world.texts.take();
        assert!(told.iter().any(|text| text.text.contains("/sign-in/notice?key=")), "it may be stopped from there");

        later(&world, &device, HOURS_72).await;
        let ready: Vec<String> = world.texts.take().into_iter().map(|text| text.text).collect();
        assert!(ready.iter().any(|text| text.contains("until 2027-03-05 17:00") && text.contains(START)), "{ready:?}");
        let mut browser = started(&world, PHONE).await;
        world.work().await;
        codes(&browser, &world.texts.last_code(), &saved).await.expect(200);
        new_passkey(&mut browser).await.expect(200);
        assert_eq!(device.get("/api/v1/me").await.code(), ErrorCode::DeviceRevoked);
    })
    .await;
}

#[tokio::test]
async fn a_device_and_a_text_message_begin_it_and_a_number_that_may_be_objected_to_does_not() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        assert_eq!(device.post(&format!("{RECOVERY}/text"), &json!({})).await.code(), ErrorCode::NotSentHere);
        let phone = confirmed_phone(&world, &device, PHONE).await;
        assert!(matches!(phone.state, AddressState::Waiting { .. }), "the e-mail address may object first: {phone:?}");
        assert_eq!(device.post(&format!("{RECOVERY}/text"), &json!({})).await.code(), ErrorCode::NotSentHere);
        let (saved, _) = (kept_code(&world, &device).await, world.texts.take());
        let browser = started(&world, PHONE).await;
        world.work().await;
        assert!(
            !world.texts.take().iter().any(|text| text.text.contains("is your code")),
            "nor from a stranger's page"
        );
        codes(&browser, "00000000", &saved).await.expect(403);
        later(&world, &device, HOURS_72).await;
        let view: RecoveryView = device.get(RECOVERY).await.ok();
        assert_eq!((view.email.as_deref(), view.phone.as_deref()), (Some("i•••@example.org"), Some("••• 788")));
        let sent: SentCode = device.post(&format!("{RECOVERY}/text"), &json!({})).await.ok();
        assert_eq!((sent.kind, sent.to.as_str()), (AddressKind::Phone, "••• 788"));
        world.work().await;
        let proof = RecoveryProof::Sent { id: sent.id, code: world.texts.last_code() };
        let view: RecoveryView = device.post(RECOVERY, &proof).await.ok();
        assert!(view.begun_here && view.state.runs());
    })
    .await;
}

#[tokio::test]
async fn a_stranger_at_the_page_keeps_no_code_from_the_owners_device() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        world.work().await;
        world.mail.take();
        for _ in 0..5 {
            started(&world, INES).await;
            world.work().await;
            world.advance(SignedDuration::from_secs(60));
        }
        assert_eq!(world.mail.take().len(), 3);
        device.refresh().await.expect(200);
        let sent: SentCode = device.post(&format!("{RECOVERY}/email"), &json!({})).await.ok();
        world.work().await;
        let proof = RecoveryProof::Sent { id: sent.id, code: world.mail.last_code() };
        device.post(RECOVERY, &proof).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn two_codes_that_were_sent_are_one_proof_and_not_two() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed_phone(&world, &device, PHONE).await;
        later(&world, &device, SignedDuration::from_secs(3_600)).await;
        kept_code(&world, &device).await;
        let browser = started(&world, PHONE).await;
        world.work().await;
        let sent = world.texts.last_code();
        assert_eq!(codes(&browser, &sent, &sent).await.code(), ErrorCode::InvalidCode, "digits are no code of a sheet");
        // The code of another address, or one that was sent for something else, is none here.
        let other: SentCode = device.post(&format!("{RECOVERY}/text"), &json!({})).await.ok();
        world.work().await;
        let proof = RecoveryProof::Sent { id: other.id, code: sent };
        assert_eq!(device.post(RECOVERY, &proof).await.code(), ErrorCode::WrongCode);
        assert_eq!(state(&device).await, RecoveryState::None);
    })
    .await;
}

#[tokio::test]
async fn a_device_and_one_code_begin_it_and_that_device_alone_ends_it() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        let other = world.device(device.holder).await;
        confirmed(&world, &device, INES).await;
        world.work().await;
        let sent: SentCode = device.post(&format!("{RECOVERY}/email"), &json!({})).await.ok();
        assert_eq!(sent.to, "i•••@example.org");
        world.work().await;
        let proof = RecoveryProof::Sent { id: sent.id, code: world.mail.last_code() };
        // It was sent for the device that asked.
        assert_eq!(other.post(RECOVERY, &proof).await.code(), ErrorCode::CodeOver);
        let view: RecoveryView = device.post(RECOVERY, &proof).await.ok();
        assert!(view.begun_here && view.state.runs());
        assert!(!other.get(RECOVERY).await.ok::<RecoveryView>().begun_here);
        let passkey = format!("{RECOVERY}/passkey");
        device.post(&passkey, &json!({})).await.expect(403);
        world.advance(HOURS_72);
        for device in [&device, &other] {
            device.refresh().await.expect(200);
        }
        other.post(&passkey, &json!({})).await.expect(403);
        let mut browser = opened(&world, &device, &passkey).await;
        new_passkey(&mut browser).await.expect(200);
        device.get("/api/v1/me").await.expect(200);
        assert_eq!(other.get("/api/v1/me").await.code(), ErrorCode::DeviceRevoked);
        let last: Vec<Kind> = log(&device).await.iter().rev().take(5).map(|event| event.kind).collect();
        for kind in [Kind::RecoveryFinished, Kind::RecoveryCodeMade, Kind::AccountRestricted, Kind::PasskeyAdded] {
            assert!(last.contains(&kind), "{last:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn on_its_owners_own_server_nothing_waits_and_everybody_is_told() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let saved = kept_code(&world, &device).await;
        crate::calendar_feed::tests::subscribe(&device, "an address that a thief may have").await;
        let view: RecoveryView = device.post(RECOVERY, &RecoveryProof::Saved { code: saved }).await.ok();
        assert!(matches!(view.state, RecoveryState::Ready { .. }) && view.begun_here);
        let mut browser = opened(&world, &device, &format!("{RECOVERY}/passkey")).await;
        new_passkey(&mut browser).await.expect(200);
        assert_eq!(device.get("/api/v1/standing").await.ok::<Standing>().restraint, None);
        assert_eq!(happened(&device, Kind::RecoveryStarted).await, 1);
        assert_eq!(happened(&device, Kind::CalendarFeedEnded).await, 1, "what others read ends as well");
        assert_eq!(passkeys(&device).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn five_wrong_codes_stop_recovery_for_a_day_and_nothing_else() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let saved = kept_code(&world, &device).await;
        let guess = async |code: String| device.post(RECOVERY, &RecoveryProof::Saved { code }).await;
        assert_eq!(guess("ABCDE".to_owned()).await.code(), ErrorCode::InvalidCode, "a slip is no guess");
        for (n, wait) in (1..).zip([30, 120, 480, 1_920]) {
            assert_eq!(guess(wrong(n)).await.code(), ErrorCode::WrongCode);
            let early = guess(saved.clone()).await;
            assert_eq!(
                (early.code(), early.header("retry-after")),
                (ErrorCode::RateLimited, Some(wait.to_string()).as_deref())
            );
            world.advance(SignedDuration::from_secs(wait));
            device.refresh().await.expect(200);
        }
        assert_eq!(happened(&device, Kind::RecoveryBlocked).await, 0);
        assert_eq!(guess(wrong(5)).await.code(), ErrorCode::WrongCode);
        assert_eq!(happened(&device, Kind::RecoveryBlocked).await, 1, "its owner is told");
        assert_eq!(guess(saved.clone()).await.code(), ErrorCode::RateLimited);
        device.get("/api/v1/me").await.expect(200);
        world.advance(SignedDuration::from_hours(24));
        device.refresh().await.expect(200);
        guess(saved).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_no_to_a_code_that_its_owner_did_not_make_takes_it_away() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        let thief = world.device(desk.holder).await;
        let code = saved_code(&world, &thief).await;
        let made = log(&desk).await.into_iter().find(|event| event.kind == Kind::RecoveryCodeMade).expect("an entry");
        let answer = format!("/api/v1/security/events/{}/answer", made.number);
        thief.post(&answer, &json!({ "mine": true })).await.expect(409);
        desk.post(&answer, &json!({ "mine": false })).await.expect(204);
        thief.get("/api/v1/me").await.expect(401);
        let proof = RecoveryProof::Saved { code };
        assert_eq!(desk.post(RECOVERY, &proof).await.code(), ErrorCode::WrongCode);
    })
    .await;
}

#[tokio::test]
async fn who_has_one_code_and_no_other_is_looked_at_by_two_people_and_waits_a_week() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        world.work().await;
        world.mail.take();
        let mut browser = started(&world, INES).await;
        world.work().await;
        let next: Value = codes(&browser, &world.mail.last_code(), "").await.ok();
        let page = next["location"].as_str().expect("an address").to_owned();
        let number: i64 = page.split_once("case=").expect("a number").1.parse().expect("digits");
        assert!(browser.get(&page).await.text().contains(&number.to_string()));
        // Half a proof opens nothing.
        browser.get("/sign-in/recovery/state").await.expect(303);
        new_passkey(&mut browser).await.expect(403);
        assert_eq!(state(&device).await, RecoveryState::None);

        let (rowan, alder) = (agent(&world, "Rowan").await, agent(&world, "Alder").await);
        let refused = look(&world.app, &rowan, number, SupportScope::Account).await;
        assert!(refused.is_err(), "support sees nothing of it");
        let asked =
            ask(&world.app, &rowan, number, SupportOperation::StartRecovery, None).await.expect("it is asked for");
        assert!(decide(&world.app, &rowan, asked, true).await.is_err(), "two people");
        decide(&world.app, &alder, asked, true).await.expect("it begins");
        let week = SignedDuration::from_hours(7 * 24);
        assert_eq!(state(&device).await, RecoveryState::Waiting { ready_at: world.now() + week });
        later(&world, &device, week).await;
        world.mail.take();
        let mut browser = started(&world, INES).await;
        world.work().await;
        codes(&browser, &world.mail.last_code(), "").await.expect(200);
        new_passkey(&mut browser).await.expect(200);
        assert_eq!(device.get("/api/v1/me").await.code(), ErrorCode::DeviceRevoked);
    })
    .await;
}

async fn called(world: &World, device: &TestDevice, name: &str) -> DbResult<()> {
    const SET: &str = "UPDATE holder SET name = $2 WHERE holder_id = $1";
    let mut tx = world.app.db.begin_write().await?;
    run!(tx, SET, device.holder.as_uuid(), name)?;
    tx.commit().await
}

#[tokio::test]
async fn of_several_accounts_with_one_address_the_name_says_which_one_is_looked_at() {
    on_each_engine(async |world| {
        let (first, second) = (world.holder().await, world.holder().await);
        for device in [&first, &second] {
            confirmed(&world, device, INES).await;
        }
        called(&world, &second, "Amadou Diallo").await.expect("another name");
        world.work().await;
        let typed = async |name: &str| {
            // So many codes go to one address in an hour.
            world.advance(SignedDuration::from_secs(3_600));
            let browser = started(&world, INES).await;
            world.work().await;
            let sent = world.mail.last_code();
            let typed = json!({ "sent_code": sent, "saved_code": "", "name": name });
            browser.post("/sign-in/recovery/codes", &typed).await
        };
        let cases = async |device: &TestDevice| device.get("/api/v1/support").await.ok::<Value>()["cases"].clone();
        for name in ["", "Somebody Else"] {
            typed(name).await.expect(403);
        }
        let next: Value = typed(" amadou diallo ").await.ok();
        for device in [&first, &second] {
            device.refresh().await.expect(200);
        }
        assert_eq!(cases(&first).await, json!([]));
        let number = cases(&second).await[0]["number"].clone();
        assert!(next["location"].as_str().expect("an address").ends_with(&format!("case={number}")));
    })
    .await;
}

#[tokio::test]
async fn a_locked_account_gets_no_new_way_in_by_recovery() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let saved = kept_code(&world, &device).await;
        device.post("/api/v1/security/lock", &json!({})).await.expect(200);
        device.post(RECOVERY, &RecoveryProof::Saved { code: saved }).await.expect(200);
        let refused = device.post(&format!("{RECOVERY}/passkey"), &json!({})).await;
        assert_eq!(refused.code(), ErrorCode::AccountLocked);
    })
    .await;
}

async fn restrain(world: &World, device: &TestDevice, level: RestraintLevel, reason: RestraintReason) {
    let mut tx = world.app.db.begin_write().await.expect("a transaction");
    tx.lock(device.holder).await.expect("a lock");
    let until = (level == RestraintLevel::Restricted).then(|| world.now() + SignedDuration::from_hours(24));
    standing::restrain(&world.app, &mut tx, device.holder, level, reason, until, None).await.expect("a restraint");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_hold_of_the_risk_rules_takes_nobodys_way_back() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        let saved = kept_code(&world, &device).await;
        world.work().await;
        back(&world, &saved).await;
        later(&world, &device, HOURS_72).await;
        restrain(&world, &device, RestraintLevel::Restricted, RestraintReason::Risk).await;
        let mut browser = back(&world, &saved).await;
        assert!(browser.get("/sign-in/recovery/state").await.text().contains("recovery/passkey"));
        new_passkey(&mut browser).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn what_support_began_gives_a_locked_account_back_and_leaves_it_locked() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        for reason in [RestraintReason::OwnWish, RestraintReason::Risk] {
            restrain(&world, &device, RestraintLevel::Locked, reason).await;
        }
        world.work().await;
        let number = lost_case(&world).await;
        begun_by_two(&world, number).await;
        later(&world, &device, SUPPORT_WAIT).await;
        world.mail.take();
        let mut browser = started(&world, INES).await;
        world.work().await;
        codes(&browser, &world.mail.last_code(), "").await.expect(200);
        new_passkey(&mut browser).await.expect(200);
        let standing = world.device(device.holder).await.get("/api/v1/standing").await.ok::<Standing>();
        assert!(standing.stops_all_money(), "the lock stays: {standing:?}");
    })
    .await;
}

#[tokio::test]
async fn what_support_begins_takes_the_place_of_what_a_device_or_a_code_began() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        let saved = kept_code(&world, &device).await;
        let view: RecoveryView = device.post(RECOVERY, &RecoveryProof::Saved { code: saved }).await.ok();
        assert!(view.begun_here && view.state.runs());
        world.work().await;
        let number = lost_case(&world).await;
        begun_by_two(&world, number).await;
        let view: RecoveryView = device.get(RECOVERY).await.ok();
        assert_eq!(view.state, RecoveryState::Waiting { ready_at: world.now() + SUPPORT_WAIT });
        assert!(!view.begun_here, "the device finishes nothing any more");
        assert_eq!(happened(&device, Kind::RecoveryStarted).await, 2, "everybody is told anew");
        later(&world, &device, HOURS_72).await;
        assert!(!world.mail.take().iter().any(|letter| letter.text.contains("The wait is over")));
        device.post(&format!("{RECOVERY}/passkey"), &json!({})).await.expect(403);
        later(&world, &device, SUPPORT_WAIT - HOURS_72).await;
        world.mail.take();
        let mut browser = started(&world, INES).await;
        world.work().await;
        codes(&browser, &world.mail.last_code(), "").await.expect(200);
        new_passkey(&mut browser).await.expect(200);
    })
    .await;
}

/// The case of somebody who has the code that is sent and no other.
async fn lost_case(world: &World) -> i64 {
    world.mail.take();
    let browser = started(world, INES).await;
    world.work().await;
    let next: Value = codes(&browser, &world.mail.last_code(), "").await.ok();
    let page = next["location"].as_str().expect("an address").to_owned();
    page.split_once("case=").expect("a number").1.parse().expect("digits")
}

/// Two people of support begin a recovery under the case.
async fn begun_by_two(world: &World, number: i64) {
    let (rowan, alder) = (agent(world, "Rowan").await, agent(world, "Alder").await);
    let asked = ask(&world.app, &rowan, number, SupportOperation::StartRecovery, None).await.expect("it is asked for");
    decide(&world.app, &alder, asked, true).await.expect("it begins");
}

#[tokio::test]
async fn a_wrong_code_counts_at_one_account_of_an_address_while_another_waits() {
    on_each_engine(async |world| {
        let (first, second) = (world.holder().await, world.holder().await);
        for device in [&first, &second] {
            confirmed(&world, device, INES).await;
            kept_code(&world, device).await;
        }
        first.post(RECOVERY, &RecoveryProof::Saved { code: wrong(1) }).await.expect(422);
        let browser = started(&world, INES).await;
        world.work().await;
        codes(&browser, &world.mail.last_code(), &wrong(2)).await.expect(429);
        let early = second.post(RECOVERY, &RecoveryProof::Saved { code: wrong(3) }).await;
        assert_eq!(early.code(), ErrorCode::RateLimited, "it was counted there");
    })
    .await;
}

#[tokio::test]
async fn the_code_goes_to_the_address_as_it_was_confirmed() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        world.work().await;
        world.mail.take();
        started(&world, "INES@Example.org").await;
        world.work().await;
        let letter = world.mail.take().pop().expect("a letter");
        assert_eq!(letter.to.text(), INES);
    })
    .await;
}

/// What an answer shows, without what is drawn by chance.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| {
            let value = value.to_str().unwrap_or_default();
            // A cookie's secret is as long for everybody.
            let value = if name == "set-cookie" { value.len().to_string() } else { value.to_owned() };
            (name.to_string(), value)
        })
        .collect();
    headers.sort();
    let mut text: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
    if let Some(body) = text.as_object_mut() {
        body.remove("request_id");
    }
    (answer.status.as_u16(), headers, text.to_string())
}

#[tokio::test]
async fn an_address_that_nobody_has_is_answered_alike_at_every_step() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirmed(&world, &device, INES).await;
        let saved = kept_code(&world, &device).await;
        confirmed_phone(&world, &device, PHONE).await;
        world.advance(HOURS_72);
        for (there, nowhere) in [(INES, "nobody@example.org"), (PHONE, "+15550109999")] {
            world.advance(SignedDuration::from_mins(10));
            alike_at_every_step(&world, [there, nowhere], &saved).await;
        }
        assert_eq!(start(&Browser::new(&world), "no address").await.code(), ErrorCode::InvalidAddress);
        assert_eq!(start(&Browser::new(&world), "+15").await.code(), ErrorCode::InvalidAddress);
    })
    .await;
}

async fn alike_at_every_step(world: &World, addresses: [&str; 2], saved: &str) {
    let mut steps: [Vec<_>; 2] = [Vec::new(), Vec::new()];
    for (address, steps) in addresses.into_iter().zip(&mut steps) {
        let begun = start(&Browser::new(world), address).await;
        steps.push(seen(&begun));
        let mut browser = started(world, address).await;
        steps.push((
            browser.get("/sign-in/recovery/codes").await.status.as_u16(),
            vec![],
            browser.get("/sign-in/recovery/codes").await.text(),
        ));
        steps.push(seen(&codes(&browser, "00000000", saved).await));
        steps.push(seen(&codes(&browser, "00000000", "").await));
        steps.push(seen(&codes(&browser, "00000000", "slip").await));
    }
    let [there, nowhere] = steps;
    assert_eq!(there, nowhere);
}

/// Pairs of probes, and how far apart the middles of their two sides may be.
const PAIRS: usize = 1_000;
const APART_MICROS: u64 = 2_000;

#[tokio::test]
async fn a_thousand_paired_probes_tell_nobody_who_can_get_back_in() {
    probed_in_pairs(async |world, device| drop(confirmed(world, device, INES).await), [INES, "nobody@example.org"])
        .await;
}

#[tokio::test]
async fn a_thousand_paired_probes_tell_nobody_whose_telephone_it_is() {
    probed_in_pairs(async |world, device| drop(confirmed_phone(world, device, PHONE).await), [PHONE, "+15550109999"])
        .await;
}

/// The first address is an account's, the second nobody's.
async fn probed_in_pairs(confirm: impl AsyncFn(&World, &TestDevice), addresses: [&str; 2]) {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirm(&world, &device).await;
        let saved = kept_code(&world, &device).await;
        let (mut asked, mut typed) = (PairedTimes::default(), PairedTimes::default());
        for pair in 0..world.of_many(PAIRS) {
            world.advance(SignedDuration::from_secs(20));
            let mut took = [[Duration::ZERO; 2]; 2];
            let sides = [(addresses[0], 0), (addresses[1], 1)];
            for (address, side) in if pair % 2 == 0 { sides } else { [sides[1], sides[0]] } {
                let began = Instant::now();
                let browser = started(&world, address).await;
                took[side][0] = began.elapsed();
                let began = Instant::now();
                codes(&browser, "00000000", &saved).await.expect(403);
                took[side][1] = began.elapsed();
            }
            asked.note(took[0][0], took[1][0]);
            typed.note(took[0][1], took[1][1]);
        }
        let (asked, typed) = (asked.surely_apart_micros(), typed.surely_apart_micros());
        assert!(asked < APART_MICROS && typed < APART_MICROS, "{asked} and {typed} µs apart");
    })
    .await;
}

#[tokio::test]
async fn a_visit_of_another_kind_or_another_page_gets_nowhere() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let mut adding = opened(&world, &device, PASSKEYS).await;
        adding.get(PAGE).await.expect(303);
        adding.post(PAGE, &json!({})).await.expect(403);
        let browser = started(&world, INES).await;
        let elsewhere = browser.post_from("https://example.org", "/sign-in/recovery/codes", &json!({})).await;
        elsewhere.expect(400);
        browser.post_from("https://example.org", START, &json!({ "address": INES })).await.expect(400);
        let mut browser = browser;
        browser.cookie = browser.cookie.replace("billfold-recovery", "billfold-adding");
        browser.get(PAGE).await.expect(400);
    })
    .await;
}
