use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use api::sync::Record;
use axum::http::Method;
use domain::accounts::{Transaction, TransactionState};
use domain::card::closing::MoveKind;
use domain::money::{Currency, Money};
use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::addresses::tests::{confirmed, log};
use crate::feed::tests::{card, import, line, rent};
use crate::sign_in::tests::{Browser, by_passkey};
use crate::statements::Opened;
use crate::testing::{Answer, ORIGIN, TestDevice, World, on_each_engine};

use super::*;

const PATH: &str = "/api/v1/export";
const NO_BODY: Option<&()> = None;

async fn asked(device: &TestDevice) -> Answer {
    device.send(Method::POST, PATH, &[], NO_BODY).await
}

fn names(answer: &Answer) -> BTreeSet<String> {
    let zip = ZipArchive::new(Cursor::new(answer.body.clone())).expect("an archive");
    zip.file_names().map(str::to_owned).collect()
}

fn file(answer: &Answer, name: &str) -> String {
    let mut zip = ZipArchive::new(Cursor::new(answer.body.clone())).expect("an archive");
    let mut text = String::new();
    zip.by_name(name).expect("a file").read_to_string(&mut text).expect("text");
    text
}

/// One of most things.
async fn filled(world: &World, device: &TestDevice) -> Account {
    let balance = Money::new(-31_500, Currency::USD).expect("in range");
    let account = Account { name: "Sea card".to_owned(), mask: None, balance: Some(balance), ..card(world) };
    let at = |n: usize, minor: i64, day: i8| Transaction {
        posted_on: date(2027, 1, day),
        amount: Money::new(minor, Currency::USD).expect("in range"),
        ..line(world, &account, n)
    };
    let pending = Transaction { state: TransactionState::Pending, ..at(3, -999, 20) };
    import(device, world, &account, vec![at(1, -12_005, 5), at(2, 2_000, 9), pending]).await;
    let bill = rent(world);
    device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
    account
}

#[tokio::test]
async fn everything_stands_in_the_archive_and_the_log_and_the_addresses_hear_of_it() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        confirmed(&world, &device, "ines@example.org").await;
        let account = filled(&world, &device).await;
        world.work().await;
        world.mail.take();
        let answer = asked(&device).await;
        answer.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/zip"));
        let names = names(&answer);
        for name in [
            "README.txt",
            "records.json",
            "accounts.csv",
            "transactions.csv",
            "bills.csv",
            "payments.csv",
            "security.csv",
        ] {
            assert!(names.contains(name), "{name} of {names:?}");
        }
        assert!(
            names.iter().any(|name| name.starts_with("statements/01 Sea card/2027-") && name.ends_with(".pdf")),
            "{names:?}"
        );
        let records: Value = serde_json::from_str(&file(&answer, "records.json")).expect("json");
        assert_eq!((&records["format"], &records["version"]), (&json!("billfold-export"), &json!(1)));
        let kept = records["records"].as_array().expect("a list").clone();
        let there = device.get("/api/v1/sync/snapshot").await.text();
        let live = there.lines().skip(1).filter(|line| !line.is_empty()).count();
        assert_eq!(kept.len(), live, "every record of the feed, and each reads as one");
        for record in kept {
            serde_json::from_value::<Record>(record).expect("a record of the API");
        }
        assert_eq!(records["addresses"][0]["value"], "ines@example.org");
        assert!(file(&answer, "transactions.csv").contains("\"120.05\",\"USD\""), "what went has its own column");
        let journal = file(&answer, "journal.hledger");
        assert!(journal.contains("\"USD\" 20.00 = \"USD\" -315.00"), "{journal}");
        assert!(!journal.contains("9.99"), "a pending line may still come to nothing");
        assert!(file(&answer, "accounts.csv").contains(&account.id.to_string()));
        let last = log(&device).await.pop().expect("an entry");
        assert_eq!((last.kind, last.by), (SecurityEventKind::Exported, Some(device.device)));
        world.work().await;
        let letters = world.mail.take();
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("taken out as an archive"), "{}", letters[0].text);
        // As the app asks for it: what is packed already is not packed on its way.
        let again = device.send(Method::POST, PATH, &[("accept-encoding", "zstd")], NO_BODY).await;
        again.expect(200);
        assert_eq!(again.header("content-encoding"), None);
        assert!(self::names(&again).contains("records.json"));
    })
    .await;
}

#[tokio::test]
async fn the_statements_of_a_card_of_this_server_are_in_it_as_they_were_made() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        opened.at_noon_of(date(2027, 3, 26));
        world.work().await;
        assert_eq!(opened.statements().await.len(), 1);
        let device = world.device(opened.shop.device.holder).await;
        let answer = asked(&device).await;
        answer.expect(200);
        let there = names(&answer);
        let pdf = there.iter().find(|name| name.ends_with("/2027-03-25.pdf"));
        let pdf = pdf.unwrap_or_else(|| panic!("the statement of the card, in {there:?}"));
        let mut zip = ZipArchive::new(Cursor::new(answer.body.clone())).expect("an archive");
        let mut kept = Vec::new();
        zip.by_name(pdf).expect("a file").read_to_end(&mut kept).expect("bytes");
        let original = device.get(&format!("/api/v1/statements/{}/2027-03-25.pdf", opened.shop.card)).await;
        original.expect(200);
        assert!(kept == original.body, "byte for byte the original");
        let records: Value = serde_json::from_str(&file(&answer, "records.json")).expect("json");
        let records = records["records"].as_array().expect("a list");
        assert_eq!(records.iter().filter(|record| record["kind"] == "statement").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_payment_to_a_card_names_the_card() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        let (device, payment) =
            crate::statements::pay(&world, opened.shop.card, opened.shop.device.holder, 1_000).await;
        let accounts: api::accounts::AccountList = device.get("/api/v1/accounts").await.ok();
        let card = accounts.items.into_iter().find(|one| one.id == opened.shop.card).expect("the card");
        let answer = asked(&device).await;
        answer.expect(200);
        let table = file(&answer, "payments.csv");
        assert!(table.contains(&format!("\"{payment}\",\"{}\",\"10.00\"", card.name)), "{table}");
    })
    .await;
}

/// Says yes on the page that the address leads to.
async fn said_yes(world: &World, holds: &mut Browser<'_>, begun: &OneTimeAddress) {
    let mut browser = Browser::new(world);
    let address = begun.address.strip_prefix(ORIGIN).expect("of this server");
    browser.get(address).await.expect(303);
    let page = browser.get("/sign-in/step-up").await.text();
    assert!(page.contains("Take everything out?"), "{page}");
    let shown =
        page.split_once("data-shown=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a digest").0.to_owned();
    let started: Value = browser.post("/sign-in/step-up/start", &json!({ "shown": shown })).await.ok();
    let finish = holds.assert(&started).await;
    browser.post("/sign-in/step-up/finish", &finish).await.expect(200);
}

#[tokio::test]
async fn it_leaves_only_within_five_minutes_of_a_passkey_and_to_that_device() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let laptop = world.device(device.holder).await;
        world.advance(APPROVAL_FRESH + SignedDuration::from_secs(1));
        device.refresh().await.expect(200);
        let begun: OneTimeAddress = asked(&device).await.expect(202).json();
        said_yes(&world, &mut holds, &begun).await;
        asked(&device).await.expect(200);
        laptop.refresh().await.expect(200);
        asked(&laptop).await.expect(202);
        world.advance(APPROVAL_FRESH + SignedDuration::from_secs(1));
        device.refresh().await.expect(200);
        asked(&device).await.expect(202);
        let taken = log(&device).await.into_iter().filter(|event| event.kind == SecurityEventKind::Exported).count();
        assert_eq!(taken, 1, "asking is not taking");
    })
    .await;
}
