//! Parts that we did not write meet ours: a certified OAuth client signs in from the server's metadata alone, a parser of
//! iCalendar reads the calendar feed, and hledger proves the journal of an archive.

use std::path::Path;
use std::process::Command;

use api::import::ImportChunk;
use domain::accounts::{Account, AccountKind, Keeping, Transaction, TransactionKind, TransactionState};
use domain::bills::Bill;
use domain::card::Excess;
use domain::ids::{AccountId, BillId, MutationId, TransactionId};
use domain::money::{Currency, Money};
use domain::schedule::{Every, Schedule};
use flows::browser::Browser;
use flows::process::Program;
use flows::python;
use flows::server::{Engine, Server};
use jiff::civil::date;
use serde_json::{Value, json};
use server::testing::on_each_engine;
use sha2::{Digest as _, Sha256};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/oauth");

/// Installs what its lock file names, from the package index.
fn install() {
    if Path::new(FOLDER).join("node_modules/.package-lock.json").exists() {
        return;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(FOLDER);
    assert!(npm.status().expect("npm starts").success(), "the client is installed from the package index");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_others_signs_in_from_the_metadata_alone() {
    install();
    let Some(server) = Server::start(Engine::Sqlite, &[]) else { return };
    let browser = Browser::start().await;
    let mut command = Command::new("node");
    command.arg("client.mjs").arg(server.url()).current_dir(FOLDER);
    let mut client = Program::start(&mut command);
    browser.go(&client.wait_for("/oauth/authorize")).await;
    browser.element("#name").await.send_keys("Ines Calloway").await.expect("a field");
    browser.click("#create button").await;
    // It shows no two digits, so the page cannot vouch for it and says so.
    browser.wait_for("shows no number to compare").await;
    browser.click("#yes").await;
    client.wait_end();
    let said = client.said();
    assert!(said.contains(r#"{"name":"Ines Calloway","device":"An app without a name","type":"dpop"}"#), "{said}");
    browser.quit().await;
}

const CALENDAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/calendar");

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_of_others_has_each_due_date_once_and_as_it_was_said_last() {
    let Some(programs) = python::environment(CALENDAR) else { return };
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = |name: &str, number: u8| {
            let amount = Money::new(95_000, Currency::USD).expect("an amount");
            let schedule = Schedule::new(Every::Month, 1, date(2027, 3, 1));
            let id = BillId::new(world.now(), [number; 10]);
            Bill { remind_days: vec![3], ..Bill::new(id, name.to_owned(), amount, schedule) }
        };
        let hostile = "Water; gas, \\n \u{2028}BEGIN:VEVENT \u{1f4a7}".repeat(3);
        let (rent, water, gym) = (bill("Rent", 1), bill(&hostile, 2), bill("Gym", 3));
        for bill in [&rent, &water, &gym] {
            device.put(&format!("/api/v1/bills/{}", bill.id), bill).await.expect(200);
        }
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest("a-secret"));
        let change = async |method: &str, path: &str, key: &str, body: Value| {
            let answer =
                device.send(method.parse().expect("a method"), path, &[("idempotency-key", key)], Some(&body)).await;
            assert!(answer.status.is_success(), "{}", answer.text());
        };
        let wish = json!({"amounts": false, "remind_at": "09:00:00", "secret_hash": hash});
        change("PUT", "/api/v1/calendar", "on", wish).await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut files = Vec::new();
        let mut keep = async || {
            let text = world.get("/calendar/a-secret.ics").await.expect(200).text();
            files.push(folder.path().join(format!("{}.ics", files.len())));
            std::fs::write(files.last().expect("one"), &text).expect("a file");
            text
        };
        assert_eq!(keep().await, keep().await, "twice the same");
        let mark = |due_on: &str, what: &str, value: Value| {
            let mut mark = json!({"bill": rent.id, "due_on": due_on, "skipped": false});
            mark[what] = value;
            (format!("/api/v1/bills/{}/occurrences/{due_on}", rent.id), mark)
        };
        let (path, moved) = mark("2027-03-01", "moved_to", "2027-03-04".into());
        change("PUT", &path, "moved", moved).await;
        let (path, skipped) = mark("2027-04-01", "skipped", true.into());
        change("PUT", &path, "skipped", skipped).await;
        change("DELETE", &format!("/api/v1/bills/{}", gym.id), "removed", json!({})).await;
        keep().await;
        change("PATCH", &format!("/api/v1/bills/{}", rent.id), "renamed", json!({"name": "Flat"})).await;
        keep().await;
        // A reader that comes late with what it had read before gets nothing old back.
        files.push(files[2].clone());
        let mut reader = Command::new(programs.join("python"));
        let output = reader.arg(format!("{CALENDAR}/subscribe.py")).args(&files).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let kept: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let event = |bill: &Bill, due_on: &str| kept[format!("{}-{due_on}@billfold", bill.id)].clone();
        let said = |sequence: u32, on: &str, summary: &str, status: &str, alarms: Value| {
            json!({"sequence": sequence, "on": on, "summary": summary, "status": status, "alarms": alarms})
        };
        let alarms = json!([9 * 60 - 3 * 24 * 60]);
        let none = json!([]);
        assert_eq!(event(&rent, "2027-03-01"), said(2, "2027-03-04", "Flat", "CONFIRMED", alarms.clone()));
        assert_eq!(event(&rent, "2027-04-01"), said(2, "2027-04-01", "Flat", "CANCELLED", none.clone()));
        assert_eq!(event(&rent, "2027-05-01"), said(1, "2027-05-01", "Flat", "CONFIRMED", alarms.clone()));
        assert_eq!(event(&gym, "2027-03-01"), said(1, "2027-03-01", "Gym", "CANCELLED", none));
        // What no line of the format can hold is left out of a name, and nothing else.
        let held = hostile.replace('\u{2028}', "");
        assert_eq!(event(&water, "2027-03-01"), said(0, "2027-03-01", &held, "CONFIRMED", alarms));
        let all = kept.as_object().expect("events").len();
        assert_eq!(all % 3, 0, "as many of each bill");
        assert!((36..=45).contains(&all), "{all} in thirteen months, each once");
    })
    .await;
}

/// As many as an import takes at once, so that two make the ten thousand.
const LINES: u32 = 10_000;

fn account(at: jiff::Timestamp, balance: Money) -> Account {
    Account {
        id: AccountId::new(at, [1; 10]),
        keeping: Keeping::Linked,
        kind: AccountKind::Card,
        name: "Sea  card; blue: \u{201c}Zażółć\u{201d}".to_owned(),
        mask: Some("1111".to_owned()),
        currency: balance.currency(),
        source: Some("fingerprint".to_owned()),
        balance: Some(balance),
        available: None,
        balance_as_of: Some(at),
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    }
}

fn line(at: jiff::Timestamp, account: &Account, number: u32, minor: i64) -> Transaction {
    let mut chance = [0; 10];
    chance[..4].copy_from_slice(&number.to_be_bytes());
    let about =
        ["Corner shop", "; no comment", "* (done) ! 2026-01-01", "two  spaces | = 12.00 USD @ 3", "Bäckerei 東京"];
    let kinds = [TransactionKind::Purchase, TransactionKind::Fee, TransactionKind::Interest, TransactionKind::Payment];
    Transaction {
        id: TransactionId::new(at, chance),
        account: account.id,
        posted_on: date(2024, 1, 1).saturating_add(jiff::Span::new().days(i64::from(number / 10))),
        amount: Money::new(minor, account.currency).expect("an amount"),
        description: about[number as usize % about.len()].to_owned(),
        memo: None,
        kind: kinds[number as usize % kinds.len()],
        state: TransactionState::Posted,
        source: Some(format!("file:{number}")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_of_ten_thousand_lines_balances_to_the_cent_in_hledger() {
    if Command::new("hledger").arg("--version").output().is_err() {
        eprintln!("skipped: hledger is not installed; `apt-get install hledger`");
        return;
    }
    on_each_engine(async |world| {
        let device = world.holder().await;
        let balance = Money::new(-123_456_789, Currency::USD).expect("an amount");
        let card = account(world.now(), balance);
        let mut moved = 0;
        // Any spread of amounts does; a prime apart, no two neighbours are alike.
        let lines: Vec<Transaction> = (0..LINES)
            .map(|number| {
                let minor = i64::from(number) * 7_919 % 250_007 - 180_000;
                moved += minor;
                line(world.now(), &card, number, minor)
            })
            .collect();
        for (number, part) in lines.chunks(5_000).enumerate() {
            let chunk = ImportChunk {
                id: MutationId::new(world.now(), [u8::try_from(number).expect("few"); 10]),
                accounts: vec![card.clone()],
                transactions: part.to_vec(),
                replaced: Vec::new(),
            };
            device.post("/api/v1/import", &chunk).await.expect(200);
        }
        let archive = device.post("/api/v1/export", &json!({})).await;
        archive.expect(200);
        let folder = tempfile::tempdir().expect("a folder");
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive.body)).expect("an archive");
        zip.extract(folder.path()).expect("files");
        let hledger = |words: &[&str]| {
            let journal = folder.path().join("journal.hledger");
            let mut command = Command::new("hledger");
            let output = command.env("LANG", "C.UTF-8").arg("-f").arg(journal).args(words).output().expect("it starts");
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("text")
        };
        // Every entry balances, and the last one's assertion of the balance holds.
        hledger(&["check"]);
        let balances = hledger(&["balance", "--flat", "-N", "-O", "csv", "Liabilities"]);
        assert!(balances.trim_end().ends_with("\"USD -1234567.89\""), "{balances}");
        assert_eq!(balances.lines().count(), 2, "a head and one account: {balances}");
        let whole = hledger(&["balance", "-N", "-O", "csv", "--depth", "0"]);
        assert!(whole.contains("\"0\"") || whole.trim_end().lines().count() <= 1, "all sides sum to nothing: {whole}");
        let entries = hledger(&["stats"]);
        assert!(entries.contains(&format!(": {} ", LINES + 1)), "the opening and each line: {entries}");
        // A cent taken away is seen: the proof can fail.
        let journal = folder.path().join("journal.hledger");
        let text = std::fs::read_to_string(&journal).expect("a journal");
        let opening = format!("\"USD\" {}", decimal(balance.minor() - moved));
        assert!(text.contains(&opening), "{opening}");
        let less = text.replacen(&opening, &format!("\"USD\" {}", decimal(balance.minor() - moved + 1)), 1);
        let other = format!("\"USD\" {}", decimal(moved - balance.minor()));
        let less = less.replacen(&other, &format!("\"USD\" {}", decimal(moved - balance.minor() - 1)), 1);
        std::fs::write(&journal, less).expect("a journal");
        let refused = Command::new("hledger").env("LANG", "C.UTF-8").arg("-f").arg(&journal).arg("check").output();
        assert!(!refused.expect("it starts").status.success(), "an assertion that is a cent off is refused");
    })
    .await;
}

fn decimal(minor: i64) -> String {
    format!("{}{}.{:02}", if minor < 0 { "-" } else { "" }, minor.abs() / 100, minor.abs() % 100)
}
