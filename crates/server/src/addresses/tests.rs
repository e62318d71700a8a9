use api::addresses::{AddAddress, Address, AddressList, TypedCode};
use api::error::ErrorCode;
use api::security::{EventAnswer, OneTimeAddress};
use api::sync::{Page, Record};
use domain::addresses::{AddressKind, AddressState, Language};
use domain::ids::AddressId;
use domain::policy::Preset;
use domain::security::{SecurityEvent, SecurityEventKind as Kind, open_questions};
use domain::standing::{RestraintLevel, RestraintReason};
use jiff::SignedDuration;
use serde_json::json;

use super::page::PAGE;
use crate::sign_in::tests::{Browser, PASSKEYS, by_passkey, opened, prove};
use crate::standing;
use crate::testing::{Answer, ORIGIN, TestDevice, World, on_each_engine};

pub(crate) const LIST: &str = "/api/v1/security/addresses";

fn wish(world: &World, kind: AddressKind, value: &str) -> AddAddress {
    let id = AddressId::new(world.now(), world.app.chance10());
    AddAddress { id, kind, value: value.to_owned(), language: Language::En }
}

async fn confirm(device: &TestDevice, id: AddressId, code: &str) -> Answer {
    device.post(&format!("{LIST}/{id}/confirm"), &TypedCode { code: code.to_owned() }).await
}

/// An address that its owner has confirmed, on an account with no way in to show for it.
pub(crate) async fn confirmed(world: &World, device: &TestDevice, value: &str) -> Address {
    let wish = wish(world, AddressKind::Email, value);
    device.post(LIST, &wish).await.expect(201);
    world.work().await;
    confirm(device, wish.id, &world.mail.last_code()).await.ok()
}

/// A browser at the page that asks about an address, where the account has a way in to show for it.
async fn asked<'a>(world: &'a World, device: &TestDevice, wish: &AddAddress) -> Browser<'a> {
    let answer = device.post(LIST, wish).await;
    answer.expect(202);
    let begun: OneTimeAddress = answer.json();
    let mut browser = Browser::new(world);
    browser.get(begun.address.strip_prefix(ORIGIN).expect("ours")).await.expect(303);
    browser
}

/// An address that its owner has confirmed, after they showed a way in: by `prove`.
pub(crate) async fn confirmed_by(
    world: &World,
    device: &TestDevice,
    (kind, value): (AddressKind, &str),
    prove: impl AsyncFnOnce(&Browser<'_>) -> Answer,
) -> Address {
    let wish = wish(world, kind, value);
    let browser = asked(world, device, &wish).await;
    prove(&browser).await.expect(200);
    browser.post(PAGE, &json!({})).await.expect(200);
    world.work().await;
    let sent = if kind == AddressKind::Email { &world.mail } else { &world.texts };
    confirm(device, wish.id, &sent.last_code()).await.ok()
}

/// Lets time pass, and signs the device's calls anew.
async fn later(world: &World, device: &TestDevice, by: SignedDuration) {
    world.advance(by);
    device.refresh().await.expect(200);
}

/// A telephone number that its owner has confirmed.
pub(crate) async fn confirmed_phone(world: &World, device: &TestDevice, value: &str) -> Address {
    let wish = wish(world, AddressKind::Phone, value);
    device.post(LIST, &wish).await.expect(201);
    world.work().await;
    confirm(device, wish.id, &world.texts.last_code()).await.ok()
}

async fn list(device: &TestDevice) -> Vec<Address> {
    device.get(LIST).await.ok::<AddressList>().items
}

pub(crate) async fn log(device: &TestDevice) -> Vec<SecurityEvent> {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let events = page.changes.into_iter().filter_map(|change| match change.record {
        Record::SecurityEvent(event) => Some(event),
        _ => None,
    });
    events.collect()
}

async fn no(device: &TestDevice, number: i64) {
    device.post(&format!("/api/v1/security/events/{number}/answer"), &EventAnswer { mine: false }).await.expect(204);
}

#[tokio::test]
async fn an_address_counts_once_its_code_is_typed() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let wish = wish(&world, AddressKind::Email, "Ines@Example.org");
        let wish = AddAddress { language: Language::Es, ..wish };
        let added: Address = device.post(LIST, &wish).await.expect(201).json();
        assert_eq!((added.state, added.value.as_str()), (AddressState::Unconfirmed, "Ines@example.org"));
        world.work().await;
        let letter = world.mail.take().pop().unwrap();
        assert!(letter.subject.contains("tu código"), "{}", letter.subject);
        assert_eq!(confirm(&device, wish.id, "1").await.code(), ErrorCode::WrongCode);
        // A lost answer: nothing is sent twice.
        device.post(LIST, &wish).await.expect(201);
        world.work().await;
        assert!(world.mail.take().is_empty());
        let digits: String = letter.subject.chars().filter(char::is_ascii_digit).collect();
        let done: Address = confirm(&device, wish.id, &digits).await.ok();
        assert_eq!(done.state, AddressState::Confirmed, "there is no other address to ask");
        assert_eq!(confirm(&device, wish.id, &digits).await.ok::<Address>(), done, "the same again is no error");
        assert_eq!(list(&device).await, [done]);
        let log = log(&device).await;
        let last = log.last().unwrap();
        assert_eq!((last.kind, last.name.as_deref()), (Kind::AddressAdded, Some("I•••@example.org")));
    })
    .await;
}

#[tokio::test]
async fn who_has_a_way_in_shows_it_before_an_address_is_added() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let first = wish(&world, AddressKind::Email, "ines@example.org");
        let mut browser = asked(&world, &device, &first).await;
        assert!(list(&device).await.is_empty(), "nothing is added before a yes");
        let page = browser.get(PAGE).await.expect(200).text();
        assert!(page.contains("show that it is you") && !page.contains("ines@example.org"), "{page}");
        assert_eq!(browser.post(PAGE, &json!({})).await.code(), ErrorCode::Forbidden, "first the passkey");
        world.work().await;
        assert!(world.mail.take().is_empty(), "and nothing is sent");
        prove(&browser, &mut holds).await.expect(200);
        assert!(browser.get(PAGE).await.text().contains("ines@example.org"));
        browser.post(PAGE, &json!({})).await.expect(200);
        assert_eq!(browser.post(PAGE, &json!({})).await.status.as_u16(), 400, "the visit is over");
        world.work().await;
        let done: Address = confirm(&device, first.id, &world.mail.last_code()).await.ok();
        assert_eq!(done.state, AddressState::Confirmed);
        // What is there already is said before anybody goes to a browser.
        let again = wish(&world, AddressKind::Email, "INES@example.org");
        assert_eq!(device.post(LIST, &again).await.code(), ErrorCode::AddressKnown);
    })
    .await;
}

#[tokio::test]
async fn a_visit_for_something_else_adds_no_address_and_no_visit_outlives_a_lock_or_its_device() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let mut other = opened(&world, &device, PASSKEYS).await;
        prove(&other, &mut holds).await.expect(200);
        other.get(PAGE).await.expect(303);
        assert_eq!(other.post(PAGE, &json!({})).await.code(), ErrorCode::Forbidden);

        let wish_one = wish(&world, AddressKind::Email, "ines@example.org");
        let browser = asked(&world, &device, &wish_one).await;
        prove(&browser, &mut holds).await.expect(200);
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(device.holder).await.unwrap();
        let (level, reason) = (RestraintLevel::Locked, RestraintReason::OwnWish);
        standing::restrain(&world.app, &mut tx, device.holder, level, reason, None, None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(browser.post(PAGE, &json!({})).await.code(), ErrorCode::AccountLocked);
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(device.holder).await.unwrap();
        standing::release(&world.app, &mut tx, device.holder, reason, None).await.unwrap();
        tx.commit().await.unwrap();

        let laptop = world.device(device.holder).await;
        let browser = asked(&world, &laptop, &wish(&world, AddressKind::Email, "other@example.org")).await;
        prove(&browser, &mut holds).await.expect(200);
        device.delete(&format!("/api/v1/devices/{}", laptop.device)).await.expect(204);
        assert_eq!(browser.post(PAGE, &json!({})).await.code(), ErrorCode::Forbidden, "the device is signed out");
        assert!(list(&device).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn text_messages_go_to_telephones() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let wish = wish(&world, AddressKind::Phone, "+1 555 010 7788");
        device.post(LIST, &wish).await.expect(201);
        world.work().await;
        assert!(world.mail.take().is_empty());
        let done: Address = confirm(&device, wish.id, &world.texts.last_code()).await.ok();
        assert_eq!((done.value.as_str(), done.state), ("+15550107788", AddressState::Confirmed));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_address_or_there_already_is_refused_with_its_reason() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirmed(&world, &device, "ines@example.org").await;
        let post = async |value: &str| device.post(LIST, &wish(&world, AddressKind::Email, value)).await;
        assert_eq!(post("no address").await.code(), ErrorCode::InvalidAddress);
        assert_eq!(post("INES@example.org").await.code(), ErrorCode::AddressKnown);
        for n in 0..9 {
            post(&format!("name{n}@example.org")).await.expect(201);
        }
        assert_eq!(post("one.more@example.org").await.code(), ErrorCode::TooMany);
        // One that was not confirmed yet is begun anew.
        post("name3@example.org").await.expect(201);
        assert_eq!(list(&device).await.len(), 10);
        later(&world, &device, SignedDuration::from_hours(25)).await;
        super::sweep(&world.app).await.unwrap();
        assert_eq!(list(&device).await.len(), 1, "what nobody confirms is forgotten");
        // Another person may have the same address: nothing tells that it is known.
        let other = world.holder().await;
        confirmed(&world, &other, "ines@example.org").await;
        world.mail.take();
    })
    .await;
}

#[tokio::test]
async fn asking_for_more_codes_is_answered_alike_and_the_newest_code_is_the_one() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let wish = wish(&world, AddressKind::Email, "ines@example.org");
        device.post(LIST, &wish).await.expect(201);
        world.work().await;
        let first = world.mail.last_code();
        let again = format!("{LIST}/{}/code", wish.id);
        device.post(&again, &()).await.expect(204);
        world.work().await;
        let second = world.mail.last_code();
        assert_ne!(first, second);
        assert_eq!(confirm(&device, wish.id, &first).await.code(), ErrorCode::WrongCode);
        confirm(&device, wish.id, &second).await.expect(200);
        device.post(&again, &()).await.expect(204);
        world.work().await;
        assert!(world.mail.take().is_empty(), "a confirmed address needs no code");
    })
    .await;
}

#[tokio::test]
async fn a_second_address_waits_three_days_in_which_a_no_takes_it_away_again() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        let thief = world.device(desk.holder).await;
        let new = confirmed(&world, &thief, "other@example.org").await;
        assert_eq!(
            new.state,
            AddressState::Waiting { usable_at: world.now() + Preset::Standard.numbers().address_veto }
        );
        let question = open_questions(&log(&desk).await).last().copied().cloned().unwrap();
        assert_eq!(question.kind, Kind::AddressAdded);
        no(&desk, question.number).await;
        assert_eq!(list(&desk).await.len(), 1);
        assert_eq!(thief.get(LIST).await.code(), ErrorCode::DeviceRevoked, "who did it is signed out");
        let kinds: Vec<Kind> = log(&desk).await.iter().map(|event| event.kind).collect();
        assert_eq!(
            kinds[kinds.len() - 3..],
            [Kind::ReportedAsNotMine, Kind::AddressChangeStopped, Kind::DeviceSignedOut]
        );

        let new = confirmed(&world, &desk, "mine@example.org").await;
        later(&world, &desk, Preset::Standard.numbers().address_veto).await;
        assert_eq!(list(&desk).await.iter().find(|kept| kept.id == new.id).unwrap().state, AddressState::Confirmed);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_taken_away_can_object_for_three_days() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let desk = world.holder().await;
        let address = confirmed(&world, &desk, "ines@example.org").await;
        let path = format!("{LIST}/{}", address.id);
        let thief = world.device(desk.holder).await;
        thief.delete(&path).await.expect(204);
        thief.delete(&path).await.expect(204);
        let leaves_at = world.now() + Preset::Standard.numbers().address_veto;
        assert_eq!(list(&desk).await[0].state, AddressState::Leaving { leaves_at });
        let question = open_questions(&log(&desk).await).last().copied().cloned().unwrap();
        assert_eq!(question.kind, Kind::AddressRemoved);
        no(&desk, question.number).await;
        assert_eq!(list(&desk).await[0].state, AddressState::Confirmed, "it stays");

        desk.delete(&path).await.expect(204);
        later(&world, &desk, Preset::Standard.numbers().address_veto).await;
        assert!(list(&desk).await.is_empty());
        super::sweep(&world.app).await.unwrap();
        confirmed(&world, &desk, "ines@example.org").await;
        assert_eq!(
            desk.delete(&format!("{LIST}/{}", AddressId::new(world.now(), [1; 10]))).await.code(),
            ErrorCode::NotFound
        );
    })
    .await;
}
