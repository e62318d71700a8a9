use api::addresses::AddressList;
use api::security::EventAnswer;
use api::sync::{Page, Record};
use axum::body::Body;
use axum::http::Request;
use domain::addresses::Language;
use domain::policy::Preset;
use domain::security::{SecurityEvent, SecurityEventKind as Kind};
use domain::standing::{RestraintLevel, Standing};
use jiff::SignedDuration;

use super::words;
use crate::addresses::tests::{LIST, confirmed, confirmed_phone};
use crate::testing::{Answer, TestDevice, World, on_each_engine};

async fn log(device: &TestDevice) -> Vec<SecurityEvent> {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        Record::SecurityEvent(event) => Some(event),
        _ => None,
    });
    events.collect()
}

fn kinds(log: &[SecurityEvent]) -> Vec<Kind> {
    log.iter().map(|event| event.kind).collect()
}

/// The key in the newest message's address.
fn key(world: &World) -> String {
    let letters = world.mail.take();
    let text = &letters.last().expect("a message came").text;
    let rest = text.split("/sign-in/notice?key=").nth(1).unwrap_or_else(|| panic!("an address in {text}"));
    rest.split_whitespace().next().expect("a key").to_owned()
}

async fn say_no(world: &World, key: &str) -> Answer {
    let body = serde_json::json!({ "key": key }).to_string();
    let request = Request::post("/sign-in/notice").header("content-type", "application/json");
    world.call(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn every_confirmed_address_is_told_and_a_no_from_a_message_signs_the_device_out() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        world.mail.take();
        let stranger = world.device(desk.holder).await;
        world.work().await;
        let letters = world.mail.take();
        let [letter] = letters.as_slice() else { panic!("{} messages", letters.len()) };
        assert_eq!(letter.to.text(), "ines@example.org");
        assert!(letter.text.contains("“Laptop”") && letter.text.contains("2027-03-01 17:00"), "{}", letter.text);
        let rest = letter.text.split("/sign-in/notice?key=").nth(1).expect("an address");
        let key = rest.split_whitespace().next().expect("a key").to_owned();

        // Opening it does nothing: programs that look into mail open it too.
        for _ in 0..2 {
            let page = world.get(&format!("/sign-in/notice?key={key}")).await;
            page.expect(200);
            assert!(
                page.text().contains("A new device signed in") && page.text().contains("not-me"),
                "{}",
                page.text()
            );
        }
        stranger.get("/api/v1/me").await.expect(200);
        say_no(&world, &key).await.expect(200);
        stranger.get("/api/v1/me").await.expect(401);
        desk.get("/api/v1/me").await.expect(200);
        let log = log(&desk).await;
        assert_eq!(kinds(&log)[log.len() - 2..], [Kind::ReportedAsNotMine, Kind::DeviceSignedOut]);
        assert_eq!(log[log.len() - 2].by, None, "nobody was signed in for it");
        say_no(&world, &key).await.expect(404);
        world.get(&format!("/sign-in/notice?key={key}")).await.expect(400);
        world.get("/sign-in/notice").await.expect(400);
        world.get("/sign-in/notice/done?ui_locales=de").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_yes_on_the_thiefs_device_does_not_take_the_no_from_the_message() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        let thief = world.device(desk.holder).await;
        confirmed(&world, &thief, "thief@example.org").await;
        world.work().await;
        let letters = world.mail.take();
        let told: Vec<&str> =
            letters.iter().filter(|one| one.text.contains("was added")).map(|one| one.to.text()).collect();
        assert_eq!(told, ["ines@example.org"], "the old address is told, not the new one");
        let text = letters.iter().find(|one| one.text.contains("was added")).expect("it was told").text.clone();
        let key = text.split("key=").nth(1).expect("a key").split_whitespace().next().expect("a key").to_owned();
        let added = log(&desk)
            .await
            .iter()
            .find(|event| event.kind == Kind::AddressAdded && event.by == Some(thief.device))
            .expect("an entry")
            .number;
        let yes = EventAnswer { mine: true };
        desk.post(&format!("/api/v1/security/events/{added}/answer"), &yes).await.expect(204);
        say_no(&world, &key).await.expect(200);
        let list: AddressList = desk.get(LIST).await.ok();
        assert_eq!(list.items.len(), 1, "the new address is gone");
        thief.get("/api/v1/me").await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn once_nobody_can_object_a_message_takes_no_address_away() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        let laptop = world.device(desk.holder).await;
        world.work().await;
        world.mail.take();
        let second = confirmed(&world, &laptop, "other@example.org").await;
        world.work().await;
        let told = world.mail.take().into_iter().find(|letter| letter.text.contains("was added"));
        let text = told.expect("it was told").text;
        let key = text.split("key=").nth(1).expect("a key").split_whitespace().next().expect("a key").to_owned();
        world.advance(Preset::Standard.numbers().address_veto);
        for device in [&desk, &laptop] {
            device.refresh().await.expect(200);
        }
        say_no(&world, &key).await.expect(200);
        let list: AddressList = desk.get(LIST).await.ok();
        assert!(list.items.iter().any(|one| one.id == second.id), "it stays");
        laptop.get("/api/v1/me").await.expect(401);
    })
    .await;
}

#[tokio::test]
async fn a_no_to_a_changed_way_in_locks_the_account_too() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        desk.post("/api/v1/security/lock", &serde_json::json!({})).await.expect(200);
        world.work().await;
        world.mail.take();
        let thief = world.device(desk.holder).await;
        world.work().await;
        world.mail.take();
        // The embedded server's numbers let any device release; on a server for others only an older one does.
        thief.delete("/api/v1/security/lock").await.expect(204);
        world.work().await;
        let key = key(&world);
        say_no(&world, &key).await.expect(200);
        thief.get("/api/v1/me").await.expect(401);
        let standing: Standing = desk.get("/api/v1/standing").await.ok();
        assert_eq!(standing.restraint.map(|restraint| restraint.level), Some(RestraintLevel::Locked));
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_removed_is_told_and_keeps_itself() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let desk = world.holder().await;
        let address = confirmed(&world, &desk, "ines@example.org").await;
        let phone = confirmed_phone(&world, &desk, "+15550107788").await;
        world.work().await;
        world.mail.take();
        world.texts.take();
        let thief = world.device(desk.holder).await;
        world.work().await;
        world.mail.take();
        assert!(world.texts.take().is_empty(), "a telephone is told of what is grave alone");
        thief.delete(&format!("{LIST}/{}", address.id)).await.expect(204);
        world.work().await;
        let text = world.texts.take().pop().expect("a text message").text;
        assert!(text.contains("i•••@example.org") && text.contains("/sign-in/notice?key="), "{text}");
        say_no(&world, &key(&world)).await.expect(200);
        let list: AddressList = desk.get(LIST).await.ok();
        let states: Vec<_> = list.items.iter().map(|one| (one.id, one.state)).collect();
        assert_eq!(states.len(), 2);
        assert!(states.iter().all(|(id, _)| [address.id, phone.id].contains(id)));
    })
    .await;
}

#[tokio::test]
async fn a_message_says_no_for_seven_days() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        world.device(desk.holder).await;
        world.work().await;
        let key = key(&world);
        world.advance(SignedDuration::from_hours(7 * 24));
        world.get(&format!("/sign-in/notice?key={key}")).await.expect(400);
        say_no(&world, &key).await.expect(404);
        super::sweep(&world.app).await.expect("it is swept");
    })
    .await;
}

#[test]
fn what_is_told_is_told_in_every_language_with_its_name() {
    let told = [
        Kind::DeviceAdded,
        Kind::TokenReused,
        Kind::PasskeyAdded,
        Kind::PasskeyRemoved,
        Kind::RiskNoticed,
        Kind::AddressAdded,
        Kind::AddressRemoved,
        Kind::AddressChangeStopped,
        Kind::CalendarFeedMade,
        Kind::PasskeyCopied,
        Kind::PasswordSet,
        Kind::PasswordChanged,
        Kind::PasswordRemoved,
        Kind::PasswordKept,
        Kind::FactorAdded,
        Kind::FactorRemoved,
        Kind::FactorRefused,
        Kind::SupportAllowed,
        Kind::SupportDid,
        Kind::AccountLocked,
        Kind::AccountRestricted,
        Kind::AccountSuspended,
        Kind::AccountReleased,
        Kind::RecoveryCodeMade,
        Kind::RecoveryStarted,
        Kind::RecoveryStopped,
        Kind::RecoveryFinished,
        Kind::RecoveryBlocked,
        Kind::SignInDeclined,
    ];
    for kind in told {
        let telling = words::of(kind).expect("it is told");
        let english = telling.what(Language::En);
        for language in [Language::Es, Language::De] {
            let what = telling.what(language);
            assert_eq!(what.contains("{name}"), english.contains("{name}"), "{kind:?}");
            assert_ne!(what, english, "{kind:?}");
        }
    }
    for kind in [Kind::SignedIn, Kind::PasskeyRenamed, Kind::ConfirmedAsMine, Kind::RhythmTurnedOff] {
        assert!(words::of(kind).is_none(), "{kind:?} would be noise");
    }
    for language in Language::ALL {
        let frame = words::frame(language);
        assert!(frame.subject.contains("{server}") && frame.when.contains("{at}") && frame.not_mine.contains("{undo}"));
    }
}

#[tokio::test]
async fn a_no_to_raised_limits_makes_them_the_usual_ones_again() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        let laptop = world.device(desk.holder).await;
        world.work().await;
        world.mail.take();
        let limits = "/api/v1/payments/limits/USD";
        laptop.put(limits, &serde_json::json!({"payment_minor": 900_000, "day_minor": 900_000})).await.expect(200);
        world.work().await;
        say_no(&world, &key(&world)).await.expect(200);
        let list: api::payments::LimitsList = desk.get("/api/v1/payments/limits").await.ok();
        assert_eq!((list.items[0].limits, list.items[0].next), (list.items[0].usual, None));
        laptop.get("/api/v1/me").await.expect(401);
    })
    .await;
}
