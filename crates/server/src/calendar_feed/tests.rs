use api::accounts::Account;
use api::calendar_feed::{CALENDAR_PATH, CalendarFeed, CalendarFeedState, FILE_ENDING, SetCalendarFeed};
use api::card::OpenCard;
use api::error::ErrorCode;
use api::security::EventAnswer;
use api::sync::Record;
use axum::http::Method;
use data_encoding::HEXLOWER;
use domain::bills::{Bill, Mark};
use domain::card::IssuerFigures;
use domain::ids::{AccountId, BillId};
use domain::money::Money;
use domain::security::SecurityEventKind as Kind;
use jiff::SignedDuration;
use jiff::civil::{Date, Time, date};
use serde_json::json;

use crate::addresses::tests::{confirmed, log};
use crate::feed;
use crate::feed::tests::rent;
use crate::purchases::tests::usd;
use crate::sign_in::hash;
use crate::testing::{Answer, TestDevice, World, on_each_engine};

const CALENDAR: &str = "/api/v1/calendar";
const DUE_ON: Date = date(2027, 3, 1);

fn wish(secret: Option<&str>) -> SetCalendarFeed {
    SetCalendarFeed {
        amounts: false,
        remind_at: Time::constant(9, 0, 0, 0),
        secret_hash: secret.map(|secret| HEXLOWER.encode(&hash(secret))),
    }
}

async fn set(device: &TestDevice, key: &str, wish: &SetCalendarFeed) -> Answer {
    device.send(Method::PUT, CALENDAR, &[("idempotency-key", key)], Some(wish)).await
}

async fn read(world: &World, secret: &str) -> Answer {
    world.get(&format!("{CALENDAR_PATH}{secret}{FILE_ENDING}")).await
}

async fn text(world: &World, secret: &str) -> String {
    read(world, secret).await.expect(200).text()
}

/// A holder with rent due on the first of each month, and an address.
async fn subscribed(world: &World, secret: &str) -> (TestDevice, Bill) {
    let device = world.holder().await;
    let bill = rent(world);
    device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
    subscribe(&device, secret).await;
    (device, bill)
}

/// An address of the holder's calendar.
pub(crate) async fn subscribe(device: &TestDevice, secret: &str) {
    set(device, "on", &wish(Some(secret))).await.expect(200);
}

async fn mark(device: &TestDevice, key: &str, mark: &Mark) {
    let path = format!("/api/v1/bills/{}/occurrences/{}", mark.bill, mark.due_on);
    device.send(Method::PUT, &path, &[("idempotency-key", key)], Some(mark)).await.expect(200);
}

/// The lines of the event with this name, unfolded.
fn event(text: &str, bill: BillId, due_on: Date) -> Vec<String> {
    let uid = format!("UID:{bill}-{due_on}@billfold");
    let whole = text.replace("\r\n ", "");
    let of_uid = |event: &&str| event.lines().any(|line| line == uid);
    let mut found = whole.split("BEGIN:VEVENT\r\n").filter(of_uid);
    let lines = found.next().unwrap_or_else(|| panic!("no {uid} in {text}")).lines().map(str::to_owned).collect();
    assert_eq!(found.next(), None, "twice in one text");
    lines
}

#[track_caller]
fn assert_says(event: &[String], wanted: &[&str]) {
    for line in wanted {
        assert!(event.iter().any(|said| said == line), "no {line} in {event:?}");
    }
}

#[tokio::test]
async fn whoever_has_the_address_reads_the_due_dates_and_twice_the_same() {
    on_each_engine(async |world| {
        let (device, bill) = subscribed(&world, "one").await;
        let first = read(&world, "one").await;
        assert_eq!(first.header("content-type"), Some("text/calendar; charset=utf-8"));
        assert_eq!(first.header("cache-control"), Some("no-store"));
        assert_says(
            &event(&first.text(), bill.id, DUE_ON),
            &["SEQUENCE:0", "DTSTART;VALUE=DATE:20270301", "SUMMARY:Rent", "STATUS:CONFIRMED", "TRIGGER:-P6DT15H"],
        );
        assert!(!first.text().contains("950"), "no amount was asked for: {}", first.text());
        world.advance(SignedDuration::from_mins(10));
        assert_eq!(text(&world, "one").await, first.text());
        device.refresh().await.expect(200);
        assert_eq!(device.get(&format!("{CALENDAR}/file")).await.expect(200).text(), first.text(), "as a file, too");
        let state: CalendarFeedState = device.get(CALENDAR).await.ok();
        let feed = state.feed.expect("it is on");
        assert_eq!(feed.read_at, Some(world.now()));
        let other = SetCalendarFeed { amounts: true, ..wish(None) };
        let changed: CalendarFeed = set(&device, "amounts", &other).await.ok();
        assert_eq!((changed.amounts, changed.made_at), (true, feed.made_at));
        let said = event(&text(&world, "one").await, bill.id, DUE_ON);
        assert_says(&said, &["SEQUENCE:1", "SUMMARY:Rent\\, 950.00 USD"]);
    })
    .await;
}

#[tokio::test]
async fn what_a_card_of_this_server_asks_for_stands_in_it() {
    on_each_engine(async |world| {
        let (device, rent) = subscribed(&world, "one").await;
        let card = asks_for_thirty(&world, &device).await;
        let asked = BillId::from_uuid(card.id.as_uuid());
        let text = text(&world, "one").await;
        assert_says(&event(&text, asked, DUE_ON), &["SUMMARY:Store card", "STATUS:CONFIRMED"]);
        assert_says(&event(&text, rent.id, DUE_ON), &["SUMMARY:Rent"]);
    })
    .await;
}

/// A card whose statement asks for 30.00, as its closing tells the devices.
async fn asks_for_thirty(world: &World, device: &TestDevice) -> Account {
    let wish = OpenCard { name: "Store card".to_owned(), limit: usd(400_000), closing_day: 25 };
    let id = AccountId::new(world.now(), [7; 10]);
    let mut card: Account = device.put(&format!("/api/v1/cards/{id}"), &wish).await.ok();
    card.issuer = Some(IssuerFigures {
        closed_on: date(2027, 2, 25),
        due_on: Some(DUE_ON),
        statement_balance: Some(usd(40_000)),
        minimum_due: Some(usd(3_000)),
        credit_limit: None,
    });
    card.card.as_mut().expect("a card of the server").minimum_left = Some(usd(3_000));
    let mut tx = world.app.db.begin_write().await.expect("a transaction");
    tx.lock(device.holder).await.expect("its turn");
    feed::put(&mut tx, device.holder, world.now(), &Record::Account(card.clone())).await.expect("it is put");
    tx.commit().await.expect("it is kept");
    card
}

#[tokio::test]
async fn a_moved_skipped_paid_renamed_or_removed_bill_keeps_its_events_and_raises_their_sequence() {
    on_each_engine(async |world| {
        let (device, bill) = subscribed(&world, "one").await;
        let (april, may) = (date(2027, 4, 1), date(2027, 5, 1));
        text(&world, "one").await;
        mark(&device, "moved", &Mark { moved_to: Some(date(2027, 3, 4)), ..Mark::new(bill.id, DUE_ON) }).await;
        mark(&device, "skipped", &Mark { skipped: true, ..Mark::new(bill.id, april) }).await;
        mark(&device, "paid", &Mark { paid_elsewhere: Some(bill.amount), ..Mark::new(bill.id, may) }).await;
        let said = text(&world, "one").await;
        assert_says(&event(&said, bill.id, DUE_ON), &["SEQUENCE:1", "DTSTART;VALUE=DATE:20270304", "STATUS:CONFIRMED"]);
        assert_says(&event(&said, bill.id, april), &["SEQUENCE:1", "STATUS:CANCELLED"]);
        let paid = event(&said, bill.id, may);
        assert_says(&paid, &["SEQUENCE:1", "SUMMARY:\u{2713} Rent", "STATUS:CONFIRMED"]);
        assert!(!paid.iter().any(|line| line.contains("VALARM")), "what is paid rings no more: {paid:?}");
        let path = format!("/api/v1/bills/{}", bill.id);
        device.patch(&path, "renamed", &json!({"name": "Flat"})).await.expect(200);
        let said = text(&world, "one").await;
        assert_says(&event(&said, bill.id, DUE_ON), &["SEQUENCE:2", "SUMMARY:Flat"]);
        device.send(Method::DELETE, &path, &[("idempotency-key", "gone")], None::<&()>).await.expect(204);
        let said = text(&world, "one").await;
        assert_says(&event(&said, bill.id, DUE_ON), &["SEQUENCE:3", "STATUS:CANCELLED", "DTSTART;VALUE=DATE:20270304"]);
        assert!(!said.contains("STATUS:CONFIRMED") && !said.contains("VALARM"), "{said}");
        world.advance(SignedDuration::from_hours(24 * 61));
        assert!(!text(&world, "one").await.contains("VEVENT"), "said long enough");
    })
    .await;
}

#[tokio::test]
async fn a_name_cannot_write_into_the_calendar() {
    on_each_engine(async |world| {
        let (device, bill) = subscribed(&world, "one").await;
        let name = "Rent\\n;ATTACH:http://example.org, \u{2028}BEGIN:VALARM \u{1f3e0}";
        let path = format!("/api/v1/bills/{}", bill.id);
        device.patch(&path, "hostile", &json!({"name": name})).await.expect(200);
        let said = event(&text(&world, "one").await, bill.id, DUE_ON);
        assert_says(&said, &["SUMMARY:Rent\\\\n\\;ATTACH:http://example.org\\, BEGIN:VALARM \u{1f3e0}"]);
        assert!(!said.iter().any(|line| line.starts_with("ATTACH")), "{said:?}");
    })
    .await;
}

#[tokio::test]
async fn another_secret_and_an_address_that_ended_are_not_there() {
    on_each_engine(async |world| {
        let (device, bill) = subscribed(&world, "one").await;
        let (other, _) = subscribed(&world, "two").await;
        assert!(!text(&world, "two").await.contains(&bill.id.to_string()), "each reads their own");
        assert_eq!(set(&other, "taken", &wish(Some("one"))).await.code(), ErrorCode::InvalidRequest);
        let nothing = world.get("/calendar").await;
        set(&device, "anew", &wish(Some("three"))).await.expect(200);
        text(&world, "three").await;
        device.delete(CALENDAR).await.expect(204);
        device.delete(CALENDAR).await.expect(204);
        for gone in ["one", "three", "never", &HEXLOWER.encode(&hash("two")), ""] {
            let answer = read(&world, gone).await;
            answer.expect(404);
            let without_request = |answer: &Answer| {
                let mut problem: serde_json::Value = answer.json();
                problem.as_object_mut().expect("an object").remove("request_id");
                problem
            };
            assert_eq!(without_request(&answer), without_request(&nothing), "as any address that leads nowhere");
        }
        world.get("/calendar/two").await.expect(404);
        text(&world, "two").await;
        let kinds: Vec<Kind> = log(&device).await.into_iter().map(|event| event.kind).collect();
        let ends = [Kind::CalendarFeedMade, Kind::CalendarFeedMade, Kind::CalendarFeedEnded];
        assert!(kinds.ends_with(&ends), "each address is in the log, and its end once: {kinds:?}");
        assert_eq!(device.get(CALENDAR).await.ok::<CalendarFeedState>().feed, None);
    })
    .await;
}

#[tokio::test]
async fn the_sequence_goes_on_under_the_next_address() {
    on_each_engine(async |world| {
        let (device, bill) = subscribed(&world, "one").await;
        text(&world, "one").await;
        let path = format!("/api/v1/bills/{}", bill.id);
        device.patch(&path, "renamed", &json!({"name": "Flat"})).await.expect(200);
        text(&world, "one").await;
        device.delete(CALENDAR).await.expect(204);
        set(&device, "again", &wish(Some("two"))).await.expect(200);
        assert_says(&event(&text(&world, "two").await, bill.id, DUE_ON), &["SEQUENCE:1", "SUMMARY:Flat"]);
    })
    .await;
}

#[tokio::test]
async fn a_wish_sent_twice_makes_one_address_and_one_without_a_secret_none() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        assert_eq!(set(&device, "none", &wish(None)).await.code(), ErrorCode::InvalidRequest);
        let short = SetCalendarFeed { secret_hash: Some("5a".to_owned()), ..wish(None) };
        assert_eq!(set(&device, "short", &short).await.code(), ErrorCode::InvalidRequest);
        let bare = device.send(Method::PUT, CALENDAR, &[], Some(&wish(Some("one")))).await;
        assert_eq!(bare.code(), ErrorCode::IdempotencyKeyMissing);
        let first: CalendarFeed = set(&device, "on", &wish(Some("one"))).await.ok();
        let again: CalendarFeed = set(&device, "on", &wish(Some("one"))).await.ok();
        // The answer was lost, and the device begins anew with the same secret.
        let anew: CalendarFeed = set(&device, "other", &wish(Some("one"))).await.ok();
        assert_eq!((&first, &first), (&again, &anew));
        let made = log(&device).await.into_iter().filter(|event| event.kind == Kind::CalendarFeedMade);
        assert_eq!(made.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_owner_hears_of_an_address_and_a_no_ends_it() {
    on_each_engine(async |world| {
        let desk = world.holder().await;
        confirmed(&world, &desk, "ines@example.org").await;
        let thief = world.device(desk.holder).await;
        world.work().await;
        world.mail.take();
        set(&thief, "on", &wish(Some("stolen"))).await.expect(200);
        world.work().await;
        let letter = world.mail.take().pop().expect("a message");
        assert!(letter.text.contains("due dates"), "{}", letter.text);
        text(&world, "stolen").await;
        let made = log(&desk).await.into_iter().rfind(|event| event.kind == Kind::CalendarFeedMade).expect("a line");
        let path = format!("/api/v1/security/events/{}/answer", made.number);
        desk.post(&path, &EventAnswer { mine: false }).await.expect(204);
        read(&world, "stolen").await.expect(404);
        assert_eq!(thief.get(CALENDAR).await.code(), ErrorCode::DeviceRevoked);
    })
    .await;
}

#[tokio::test]
async fn guesses_and_greedy_readers_are_slowed_each_by_themselves() {
    on_each_engine(async |world| {
        subscribed(&world, "one").await;
        subscribed(&world, "two").await;
        for guess in 0..20 {
            read(&world, &guess.to_string()).await.expect(404);
        }
        assert_eq!(read(&world, "more").await.code(), ErrorCode::RateLimited);
        for _ in 0..30 {
            text(&world, "one").await;
        }
        assert_eq!(read(&world, "one").await.code(), ErrorCode::RateLimited);
        text(&world, "two").await;
    })
    .await;
}

#[tokio::test]
async fn many_bills_are_cut_to_the_earliest_dates() {
    on_each_engine(async |world| {
        let (device, bill) = subscribed(&world, "one").await;
        let daily = |from: Date| Bill {
            schedule: domain::schedule::Schedule::new(domain::schedule::Every::Day, 1, from),
            amount: Money::new(100, bill.amount.currency()).expect("an amount"),
            ..rent(&world)
        };
        for _ in 0..6 {
            let bill = daily(DUE_ON);
            device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
        }
        let said = text(&world, "one").await;
        let events = said.matches("BEGIN:VEVENT").count();
        assert_eq!(events, domain::calendar_feed::EVENTS_MAX);
        assert!(said.contains("DTSTART;VALUE=DATE:20270301") && !said.contains("DTSTART;VALUE=DATE:20280301"));
        assert_eq!(text(&world, "one").await, said);
    })
    .await;
}
