//! Whole promises of the core, offline.

use std::sync::Arc;
use std::time::Duration;

use domain::bills::OccurrenceState;
use domain::ids::BillerId;
use domain::methods::Expiry;
use domain::money::{Currency, Money};
use domain::schedule::{Every, Schedule};
use zeroize::Zeroizing;

use crate::accounts::TransactionQuery;
use crate::bills::{MarkAs, NewBill};
use crate::import::ImportVerdict;
use crate::lock::LockReason;
use crate::payments::{PayBill, PaymentViewState};
use crate::platform::{Language, NoSecrets, NoticeAction, NotifierError, SecretKind, SecretStoreError};
use crate::reminders::{TestAnswer, TestStep, TimerState, WhySilent};
use crate::settings::{Quiet, Settings};
use crate::status::{Phase, Place, Protection};
use crate::testing::{World, bytes_below, day, holds, monthly, usd, with_balance, with_biller, with_method};
use crate::vault::Protect;

const OFX: &str = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\nCHARSET:1252\n\
COMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n";

/// One line: day, amount, id, name; an empty id leaves it out.
pub(crate) type Line<'a> = (&'a str, &'a str, &'a str, &'a str);

pub(crate) fn ofx(lines: &[Line<'_>]) -> Vec<u8> {
    let mut text = format!(
        "{OFX}<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20261120<LANGUAGE>ENG\
         <FI><ORG>Cobalt<FID>77</FI></SONRS></SIGNONMSGSRSV1><CREDITCARDMSGSRSV1><CCSTMTTRNRS><TRNUID>1<STATUS><CODE>0\
         <SEVERITY>INFO</STATUS><CCSTMTRS><CURDEF>USD<CCACCTFROM><ACCTID>4111222233334444</CCACCTFROM><BANKTRANLIST>\
         <DTSTART>20261001<DTEND>20261120"
    );
    for (on, amount, id, name) in lines {
        text.push_str(&format!("<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>{on}<TRNAMT>{amount}"));
        if !id.is_empty() {
            text.push_str(&format!("<FITID>{id}"));
        }
        text.push_str(&format!("<NAME>{name}</STMTTRN>\n"));
    }
    text.push_str(
        "</BANKTRANLIST><LEDGERBAL><BALAMT>-120.00<DTASOF>20261120</LEDGERBAL></CCSTMTRS></CCSTMTTRNRS>\
         </CREDITCARDMSGSRSV1></OFX>",
    );
    text.into_bytes()
}

/// A card's export with two lines.
pub(crate) fn sample() -> Vec<u8> {
    ofx(&[("20261101", "-5.00", "a", "Shop"), ("20261102", "-6.00", "b", "Mill")])
}

#[tokio::test]
async fn nothing_readable_stands_on_the_disk() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Canarybill", "950.00", "2026-12-01")).await.unwrap();
    client.import().import(ofx(&[("20261101", "-5.00", "a", "Canaryshop")]), None).await.unwrap();
    client.lock().await.unwrap();
    let all = bytes_below(&world.data());
    for canary in ["Canarybill", "Canaryshop", "canaryshop", "SQLite format 3", "4111222233334444"] {
        assert!(!holds(&all, canary), "{canary} is readable");
    }
    world.end().await;
}

#[tokio::test]
async fn a_bill_keeps_its_anchor_day_and_waits_for_the_server() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Insurance", "120.00", "2026-12-31")).await.unwrap();
    let dates: Vec<String> = client.bills().due(130).await.unwrap().iter().map(|due| due.due_on.to_string()).collect();
    assert_eq!(dates, ["2026-12-31", "2027-01-31", "2027-02-28"]);
    assert_eq!(client.status().await.unwrap().waiting, 1);
    let client = world.restart(client).await;
    assert_eq!(client.phase(), Phase::Ready);
    assert_eq!(client.status().await.unwrap().waiting, 1, "kept over a restart");
    world.end().await;
}

#[tokio::test]
async fn marks_decide_how_an_occurrence_stands_and_are_taken_back() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let first = day("2026-12-01");
    let state = async || {
        let view = client.bills().view().await.unwrap();
        view.occurrences.iter().find(|one| one.due_on == first).map(|one| (one.state, one.left))
    };
    assert_eq!(state().await, Some((OccurrenceState::Due, usd("950"))));
    client.bills().mark(bill, first, MarkAs::Paid { amount: Some(usd("400")) }).await.unwrap();
    assert_eq!(state().await.unwrap().1, usd("550"));
    client.bills().mark(bill, first, MarkAs::Paid { amount: None }).await.unwrap();
    assert_eq!(state().await.unwrap(), (OccurrenceState::Paid, usd("0")), "the rest is added to what was said");
    client.bills().mark(bill, first, MarkAs::Unmarked).await.unwrap();
    assert_eq!(state().await, Some((OccurrenceState::Due, usd("950"))));
    let refused = client.bills().mark(bill, day("2026-12-02"), MarkAs::Skipped).await;
    assert_eq!(refused.unwrap_err().code, "not_found");
    world.end().await;
}

#[tokio::test]
async fn a_payment_that_is_being_entered_outlives_a_lock_and_not_its_order() {
    use crate::payments::{DraftOf, PaymentDraft};
    let world = World::new();
    let client = world.start().await;
    let biller = with_biller(&client).await;
    let bill = crate::bills::NewBill { biller: Some(biller), ..monthly("Phone", "40.00", "2026-12-01") };
    let bill = client.bills().add(bill).await.unwrap();
    let due_on = day("2026-12-01");
    let draft = PaymentDraft {
        of: DraftOf::Bill { bill, due_on },
        path: "/bills".to_owned(),
        how: Some("other".to_owned()),
        typed: "12.34".to_owned(),
        day: None,
        source: None,
    };
    client.payments().keep_draft(Some(draft.clone())).await.unwrap();
    client.lock().await.unwrap();
    assert_eq!(client.payments().draft().await.err().unwrap().code, "locked");
    client.unlock(None).await.unwrap();
    assert!(client.payments().draft().await.unwrap().as_ref() == Some(&draft));
    let other = PaymentDraft { of: DraftOf::Bill { bill, due_on: day("2027-01-01") }, ..draft.clone() };
    for (kept, stays) in [(other, true), (draft.clone(), false)] {
        client.payments().keep_draft(Some(kept)).await.unwrap();
        let order = PayBill {
            bill: Some(bill),
            due_on: Some(due_on),
            biller: None,
            amount: usd("12.34"),
            send_on: None,
            duplicate_meant: true,
            method: None,
        };
        client.payments().pay_bill(order).await.unwrap();
        assert_eq!(client.payments().draft().await.unwrap().is_some(), stays);
    }
    let long = PaymentDraft { typed: "1".repeat(1_000), ..draft };
    assert_eq!(client.payments().keep_draft(Some(long)).await.unwrap_err().code, "too_long");
    world.end().await;
}

#[tokio::test]
async fn a_recovery_key_counts_as_noted_only_when_the_person_says_so() {
    let world = World::new();
    let client = world.start().await;
    let unnoted = async || client.status().await.unwrap().recovery_key_unnoted;
    assert!(unnoted().await, "the first one");
    client.lock().await.unwrap();
    client.unlock(None).await.unwrap();
    assert!(unnoted().await, "a lock took it off the screen");
    client.recovery_key_noted().await.unwrap();
    assert!(!unnoted().await);
    client.new_recovery_key(None).await.unwrap();
    assert!(unnoted().await, "each new one anew");
    world.end().await;
}

#[tokio::test]
async fn a_damaged_cache_is_rebuilt_and_unsent_work_is_kept() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let file = ofx(&[("20261101", "-5.00", "a", "Shop"), ("20261102", "-6.00", "b", "Mill")]);
    client.import().import(file, None).await.unwrap();
    client.lock().await.unwrap();
    let cache = world.data().join("cache.db");
    let length = std::fs::metadata(&cache).unwrap().len();
    std::fs::write(&cache, vec![7; usize::try_from(length).unwrap()]).unwrap();
    let opened = world.try_open().await.unwrap();
    assert_eq!(opened.trouble, None);
    let client = opened.client;
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1);
    let page = client.accounts().transactions(TransactionQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert_eq!(client.status().await.unwrap().waiting, 2);
    assert!(world.data().join("damaged").read_dir().unwrap().count() > 0, "the old file is kept aside");
    world.end().await;
}

#[tokio::test]
async fn a_page_that_is_damaged_later_is_found_and_rebuilt() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.lock().await.unwrap();
    let cache = world.data().join("cache.db");
    let mut bytes = std::fs::read(&cache).unwrap();
    // The first page still opens; everything else is noise.
    bytes[4096..].fill(9);
    std::fs::write(&cache, bytes).unwrap();
    let client = world.open().await;
    if client.bills().view().await.is_err() {
        client.lock().await.unwrap();
        client.unlock(None).await.unwrap();
    }
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn the_same_file_again_adds_nothing_and_twins_are_both_kept() {
    let world = World::new();
    let client = world.start().await;
    let file = ofx(&[
        ("20261101", "-5.00", "", "Coffee"),
        ("20261101", "-5.00", "", "Coffee"),
        ("20261102", "-7.50", "1", "Mill"),
        ("20261103", "-7.50", "1", "Mill"),
    ]);
    let preview = client.import().preview(file.clone()).await.unwrap();
    assert_eq!((preview.new, preview.preview), (4, true));
    assert!(client.accounts().list().await.unwrap().is_empty(), "a preview keeps nothing");
    let first = client.import().import(file.clone(), None).await.unwrap();
    assert_eq!((first.new, first.known, first.rejected.len()), (4, 0, 0));
    let again = client.import().import(file, None).await.unwrap();
    assert_eq!((again.new, again.known), (0, 4));
    assert_eq!(client.status().await.unwrap().waiting, 1, "nothing more to send");
    let accounts = client.accounts().list().await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].transactions, 4);
    assert_eq!(accounts[0].account.mask.as_deref(), Some("4444"));
    assert_eq!(accounts[0].account.balance, Some(usd("-120")));
    world.end().await;
}

#[tokio::test]
async fn an_overlapping_file_adds_only_what_is_new() {
    let world = World::new();
    let client = world.start().await;
    client
        .import()
        .import(ofx(&[("20261101", "-5.00", "a", "A"), ("20261102", "-6.00", "b", "B")]), None)
        .await
        .unwrap();
    let second = ofx(&[("20261102", "-6.00", "b", "B"), ("20261015", "-7.00", "c", "C")]);
    let report = client.import().import(second, None).await.unwrap();
    assert_eq!((report.new, report.known), (1, 1));
    let verdict_of = |name: &str| report.lines.iter().find(|line| line.description == name).unwrap().verdict;
    assert_eq!((verdict_of("B"), verdict_of("C")), (ImportVerdict::Known, ImportVerdict::New));
    let page = client.accounts().transactions(TransactionQuery::default()).await.unwrap();
    let names: Vec<&str> = page.items.iter().map(|line| line.description.as_str()).collect();
    assert_eq!(names, ["B", "A", "C"], "newest first, whenever it was imported");
    world.end().await;
}

#[tokio::test]
async fn transactions_come_by_page_by_word_and_by_day() {
    let world = World::new();
    let client = world.start().await;
    let lines: Vec<(String, String)> =
        (0..120).map(|n| (format!("202610{:02}", n % 30 + 1), format!("Café {} Quartz{n}", n % 3))).collect();
    let file: Vec<Line<'_>> = lines.iter().map(|(on, name)| (on.as_str(), "-1.00", "", name.as_str())).collect();
    client.import().import(ofx(&file), None).await.unwrap();
    let ask = async |query: TransactionQuery| client.accounts().transactions(query).await.unwrap();
    let first = ask(TransactionQuery::default()).await;
    assert_eq!(first.items.len(), 50);
    assert!(first.items.is_sorted_by_key(|line| std::cmp::Reverse(line.posted_on)));
    let rest = ask(TransactionQuery { after: first.next, limit: Some(500), ..TransactionQuery::default() }).await;
    assert_eq!((rest.items.len(), rest.next), (70, None));
    let found = ask(TransactionQuery { search: Some("cafe quartz11".to_owned()), ..TransactionQuery::default() }).await;
    assert_eq!(found.items.len(), 11, "without its accent, and the last word may be a beginning: 11, 110 to 119");
    let none = ask(TransactionQuery { search: Some("\" OR *".to_owned()), ..TransactionQuery::default() }).await;
    assert!(none.items.is_empty(), "operators are plain words");
    for typed in ["kestrel", "cafe kestrel", "zzzzzz", "k"] {
        let none = ask(TransactionQuery { search: Some(typed.to_owned()), ..TransactionQuery::default() }).await;
        assert!(none.items.is_empty(), "a word that no line has is no error: {typed}");
    }
    let days = TransactionQuery {
        since: Some(day("2026-10-05")),
        until: Some(day("2026-10-06")),
        ..TransactionQuery::default()
    };
    assert_eq!(ask(days).await.items.len(), 8);
    let card = client.accounts().list().await.unwrap()[0].account.id;
    let months = client.accounts().months(card, day("2026-01-01")).await.unwrap();
    assert_eq!((months.len(), months[0].amount), (1, usd("120")));
    world.end().await;
}

#[tokio::test]
async fn one_number_in_two_currencies_is_two_accounts() {
    let world = World::new();
    let client = world.start().await;
    client.import().import(sample(), None).await.unwrap();
    let euros = String::from_utf8(sample()).unwrap().replace("<CURDEF>USD", "<CURDEF>EUR");
    for _ in 0..2 {
        client.import().import(euros.clone().into_bytes(), None).await.unwrap();
        let mut currencies: Vec<String> =
            client.accounts().list().await.unwrap().iter().map(|row| row.account.currency.to_string()).collect();
        currencies.sort();
        assert_eq!(currencies, ["EUR", "USD"]);
    }
    world.end().await;
}

#[tokio::test]
async fn the_real_samples_import_once_and_again_add_nothing() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ofx");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: the OFX samples are not beside the repository");
        return;
    };
    for file in files.filter_map(Result::ok).filter(|file| file.path().extension().is_some_and(|end| end == "ofx")) {
        let world = World::new();
        let client = world.start().await;
        let Ok(first) = client.import().file(&file.path(), None, false).await else { continue };
        let again = client.import().file(&file.path(), None, false).await.unwrap();
        assert_eq!((again.new, again.replaced), (0, 0), "{}", file.path().display());
        assert_eq!(again.known, first.new + first.known, "{}", file.path().display());
        world.end().await;
    }
}

#[tokio::test]
async fn files_that_are_no_export_are_refused_with_the_next_step() {
    let world = World::new();
    let client = world.start().await;
    for (bytes, code) in [
        (&b""[..], "file_empty"),
        (b"%PDF-1.7 nothing", "not_a_known_format"),
        (b"OFXHEADER:100\n\n<OFX>", "file_damaged"),
    ] {
        let error = client.import().import(bytes.to_vec(), None).await.unwrap_err();
        assert_eq!(error.code, code);
        assert!(!error.next.is_empty());
    }
    assert_eq!(client.import().confirm("none").await.unwrap_err().code, "token_unknown");
    world.end().await;
}

#[tokio::test]
async fn a_payment_made_offline_waits_and_can_be_taken_back() {
    let world = World::new();
    let client = world.start().await;
    let biller = with_biller(&client).await;
    let mut bill = monthly("Phone", "40.00", "2026-12-05");
    bill.biller = Some(biller);
    let bill = client.bills().add(bill).await.unwrap();
    let order = PayBill {
        bill: Some(bill),
        due_on: None,
        biller: None,
        amount: usd("40"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    let payment = client.payments().pay_bill(order).await.unwrap();
    assert_eq!((payment.state, payment.due_on), (PaymentViewState::NotSent, Some(day("2026-12-05"))));
    assert_eq!(payment.to, "Northfold Phone");
    let home = client.home().await.unwrap();
    assert_eq!(home.pending.len(), 1);
    let stands = client.bills().view().await.unwrap().occurrences[0].clone();
    assert_eq!((stands.state, stands.not_sent), (OccurrenceState::Scheduled, true));
    let cancelled = client.payments().cancel(payment.id).await.unwrap();
    assert_eq!(cancelled.state, PaymentViewState::Cancelled);
    assert_eq!(client.status().await.unwrap().waiting, 1, "only the bill is left to be sent");
    let again = client.payments().cancel(payment.id).await.unwrap_err();
    assert_eq!(again.code, "too_late");
    assert!(again.next.contains("no money moved"), "what never left is not asked back: {}", again.next);
    world.end().await;
}

#[tokio::test]
async fn the_search_box_finds_without_accents_and_by_what_stands_in_a_bill() {
    let world = World::new();
    let client = world.start().await;
    let mut phone = monthly("Teléfono", "40.00", "2026-12-05");
    phone.biller = Some(with_biller(&client).await);
    phone.reference = Some("K-7714".to_owned());
    phone.note = Some("Vertrag über zwölf Monate".to_owned());
    client.bills().add(phone).await.unwrap();
    for typed in ["telefono", "TELÉFONO", "tele\u{301}fono", "northfold", "k-7714", "zwolf", "telefono 40,00"] {
        assert_eq!(client.search(typed).await.unwrap().hits.len(), 1, "{typed}");
    }
    assert!(client.search("telefono 41").await.unwrap().hits.is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_change_is_kept_also_while_its_second_copy_cannot_be_written() {
    let world = World::new();
    let client = world.start().await;
    let list = world.data().join("outbox.sealed");
    std::fs::create_dir(&list).unwrap();
    let mut heard = client.events();
    client.bills().add(monthly("Rent", "900.00", "2026-12-01")).await.unwrap();
    assert_eq!(client.status().await.unwrap().waiting, 1, "it was kept, and is said to be");
    assert!(heard.try_recv().is_ok(), "screens read again");
    let file = client.import().import(sample(), None).await.unwrap();
    assert!(file.new > 0);
    std::fs::remove_dir(&list).unwrap();
    // There is no server here: the sync ends there, after it wrote what was left.
    client.sync().now().await.unwrap_err();
    assert!(list.is_file(), "the next sync writes it");
    world.end().await;
}

#[tokio::test]
async fn what_is_late_needs_the_person_until_its_payment_was_sent() {
    let world = World::new();
    let client = world.start().await;
    let mut bill = monthly("Phone", "40.00", "2026-11-17");
    bill.biller = Some(with_biller(&client).await);
    let bill = client.bills().add(bill).await.unwrap();
    let order = PayBill {
        bill: Some(bill),
        due_on: Some(day("2026-11-17")),
        biller: None,
        amount: usd("40"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    client.payments().pay_bill(order).await.unwrap();
    let home = client.home().await.unwrap();
    let needs: Vec<_> = home.needs_you.iter().map(|one| (one.due_on, one.not_sent)).collect();
    assert_eq!(needs, [(day("2026-11-17"), true)]);
    assert_eq!((home.needs_you_total, home.on_their_way), (vec![usd("40")], 0), "it is still owed");
    let status = client.status().await.unwrap();
    assert_eq!((status.needs_you, status.overdue), (1, 1));
    assert!(client.tray().await.late);
    world.end().await;
}

#[tokio::test]
async fn keys_that_nobody_was_shown_the_recovery_key_of_do_not_stand_in_the_way() {
    let world = World::new();
    let client = world.open().await;
    let phrase = || Protect::Passphrase(Zeroizing::new("correct horse battery staple".to_owned()));
    let first = client.create(phrase(), Place::ThisComputer).await.unwrap();
    assert!(client.is_unfinished().unwrap(), "the program ends before anybody signed in");
    let client = world.restart(client).await;
    assert_eq!((client.phase(), client.is_unfinished().unwrap()), (Phase::Locked, true));
    let second = client.create(phrase(), Place::ThisComputer).await.unwrap();
    assert_ne!(first.expose(), second.expose());
    assert_eq!(client.phase(), Phase::Ready);
    world.end().await;
}

#[tokio::test]
async fn an_account_whose_making_failed_is_taken_back_and_can_be_made_again() {
    let world = World::new();
    let client = world.open().await;
    let in_the_way = world.data().join("cache.note");
    std::fs::create_dir(&in_the_way).unwrap();
    client.create(Protect::Keyring, Place::ThisComputer).await.unwrap_err();
    assert!(!world.data().join("vault.json").exists(), "no key is left of it");
    std::fs::remove_dir(&in_the_way).unwrap();
    client.create(Protect::Keyring, Place::ThisComputer).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let client = world.restart(client).await;
    let bills = client.bills().view().await.unwrap().bills;
    assert_eq!(bills.len(), 1, "the deletion that was begun does not go on over the new account");
    world.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_of_the_data_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    // A folder that stood there before, open to everybody.
    std::fs::create_dir(world.data()).unwrap();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let files = std::fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap());
    let files: Vec<_> = files.filter(|entry| entry.file_type().unwrap().is_file()).collect();
    assert!(files.iter().any(|entry| entry.file_name() == "cache.db-wal"), "the copy is open");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is readable by others", file.path().display());
    }
    world.end().await;
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_by_name_before_it_waits_to_be_sent() {
    let world = World::new();
    let client = world.start().await;
    let biller = with_biller(&client).await;
    let bill = NewBill { biller: Some(biller), ..monthly("Phone", "40.00", "2026-12-05") };
    let bill = client.bills().add(bill).await.unwrap();
    let method = with_method(&client, Expiry { year: 2026, month: 11 }).await;
    let good = PayBill {
        bill: None,
        due_on: None,
        biller: Some(biller),
        amount: usd("40"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    let nobody = BillerId::from_uuid(bill.as_uuid());
    let euros = Money::parse("40", Currency::EUR).unwrap();
    let gone = client.bills().add(monthly("Gym", "20.00", "2026-12-05")).await.unwrap();
    client.bills().remove(gone).await.unwrap();
    let of_bill = PayBill { bill: Some(bill), biller: None, ..good.clone() };
    let drawn = PayBill { method: Some(method), ..good.clone() };
    let cases = [
        ("negative", PayBill { amount: usd("-40"), ..good.clone() }, "invalid_amount"),
        ("zero", PayBill { amount: usd("0"), ..good.clone() }, "invalid_amount"),
        ("foreign currency", PayBill { amount: euros, ..of_bill.clone() }, "unknown_currency"),
        ("past date", PayBill { send_on: Some(day("2026-11-19")), ..good.clone() }, "invalid_date"),
        ("far date", PayBill { send_on: Some(day("2029-11-19")), ..good.clone() }, "invalid_date"),
        ("expired method", PayBill { send_on: Some(day("2026-12-01")), ..drawn.clone() }, "method_not_drawable"),
        ("unknown payee", PayBill { biller: Some(nobody), ..good.clone() }, "not_payable"),
        ("removed bill", PayBill { bill: Some(gone), ..of_bill.clone() }, "not_found"),
    ];
    let waiting = client.status().await.unwrap().waiting;
    for (kind, order, code) in cases {
        let refusal = client.payments().pay_bill(order).await.unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.class.exit_code()), (code, 1), "{kind}");
        assert!(!refusal.next.is_empty(), "{kind}: it says what to do");
    }
    assert!(client.payments().list().await.unwrap().is_empty(), "nothing half-done is shown");
    assert_eq!(client.status().await.unwrap().waiting, waiting, "and nothing waits to be sent");
    for order in [good, of_bill, PayBill { send_on: Some(day("2026-11-30")), ..drawn }] {
        assert_eq!(client.payments().pay_bill(order).await.unwrap().state, PaymentViewState::NotSent);
    }
    world.end().await;
}

#[tokio::test]
async fn what_has_no_payable_biller_cannot_be_paid_from_here() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let order = PayBill {
        bill: Some(bill),
        due_on: Some(day("2026-12-01")),
        biller: None,
        amount: usd("950"),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    assert_eq!(client.payments().pay_bill(order).await.unwrap_err().code, "not_payable");
    assert!(client.payments().quote(bill, day("2026-12-01"), None).await.unwrap().not_payable.is_some());
    world.end().await;
}

#[tokio::test]
async fn a_reminder_comes_once_and_goes_when_it_is_settled() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "three days before is the 28th");
    world.at("2026-11-28T09:00:00Z");
    assert_eq!(client.reminders().run_once(true).await.unwrap().len(), 1, "a dry run says it");
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!(shown.len(), 1, "and records nothing");
    assert_eq!(shown[0].title, "950.00 USD for Rent, due in 3 days");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    let client = world.restart(client).await;
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "not after a restart either");
    world.at("2026-11-30T10:00:00Z");
    let second = client.reminders().run_once(false).await.unwrap();
    assert_eq!((second.len(), client.reminders().standing()), (1, 1));
    client.bills().mark(bill, day("2026-12-01"), MarkAs::Paid { amount: None }).await.unwrap();
    assert_eq!(client.reminders().standing(), 0);
    assert!(world.notifier.withdrawn().contains(&second[0].id));
    world.end().await;
}

#[tokio::test]
async fn a_locked_billfold_reminds_without_names_and_once() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Secretrent", "950.00", "2026-12-01")).await.unwrap();
    client.reminders().run_once(false).await.unwrap();
    client.lock().await.unwrap();
    world.at("2026-11-30T09:30:00Z");
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!(shown.len(), 1);
    assert!(!format!("{shown:?}").contains("Secretrent"));
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    client.unlock(None).await.unwrap();
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "shown while locked counts");
    world.end().await;
}

#[tokio::test]
async fn what_is_said_outside_the_window_is_in_the_chosen_language_at_once_and_at_each_start() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.reminders().run_once(false).await.unwrap();
    assert_eq!(client.tray().await.commands.lock, "Lock", "the system's");
    let mut told = client.events();
    client.set_language(Some(Language::De)).await.unwrap();
    assert!(told.try_recv().is_ok(), "the tray is drawn anew");
    assert_eq!(client.tray().await.commands.lock, "Sperren");

    // As `billfold remind` starts, and before anybody opened it.
    let client = world.restart(client).await;
    client.lock().await.unwrap();
    assert_eq!(client.tray().await.head, "Billfold ist gesperrt");
    world.at("2026-11-30T09:30:00Z");
    let shown = client.reminders().run_once(false).await.unwrap();
    assert!(shown[0].title.starts_with("1 Zahlung"), "{}", shown[0].title);

    client.set_language(None).await.unwrap();
    assert_eq!(client.tray().await.head, "Billfold is locked");
    assert_eq!(world.restart(client).await.language(), Language::En);
    world.end().await;
}

#[tokio::test]
async fn a_lock_waits_neither_for_who_has_the_turn_nor_for_who_holds_the_copy() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let stuck = client.stuck().await;
    let lock = tokio::time::timeout(Duration::from_secs(30), client.lock()).await;
    lock.expect("it is bounded").unwrap();
    assert_eq!(client.phase(), Phase::Locked);
    assert_eq!(client.bills().view().await.err().unwrap().code, "locked");
    drop(stuck);
    client.unlock(None).await.unwrap();
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1, "nothing that was kept is lost");
    world.end().await;
}

#[tokio::test]
async fn a_language_that_nobody_speaks_any_more_is_the_systems() {
    let world = World::new();
    let client = world.start().await;
    std::fs::write(world.data().join("language"), [0xff, 0xfe]).unwrap();
    assert_eq!(world.restart(client).await.language(), Language::En);
    world.end().await;
}

#[tokio::test]
async fn while_locked_two_missed_leads_of_one_bill_are_one_payment() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.reminders().run_once(false).await.unwrap();
    client.lock().await.unwrap();
    world.at("2026-11-30T09:30:00Z");
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!(shown[0].title, "1 payment is due tomorrow", "three days and one day before were both missed");
    world.end().await;
}

#[tokio::test]
async fn quiet_hours_hold_reminders_back_open_and_locked() {
    let world = World::new();
    let client = world.start().await;
    let quiet = Some(crate::settings::Quiet { from: "20:00".to_owned(), until: "10:30".to_owned() });
    let settings = client.settings().await.unwrap();
    client.set_settings(Settings { quiet, ..settings }).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    world.at("2026-11-28T09:30:00Z");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    let next = client.reminders().view(TimerState::Off).await.unwrap().next.unwrap();
    assert_eq!(next.at, "2026-11-28T10:30:00Z".parse().unwrap(), "the page says when it comes");
    world.at("2026-11-28T10:30:00Z");
    assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1);
    client.lock().await.unwrap();
    world.at("2026-11-30T23:00:00Z");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "night, and locked");
    world.at("2026-12-01T10:30:00Z");
    assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn quiet_hours_that_say_nothing_are_refused() {
    let world = World::new();
    let client = world.start().await;
    let settings = client.settings().await.unwrap();
    for (from, until) in [("22:00", "22:00"), ("25:00", "07:00"), ("22:00", "")] {
        let quiet = Some(crate::settings::Quiet { from: from.to_owned(), until: until.to_owned() });
        let refused = client.set_settings(Settings { quiet, ..settings.clone() }).await.unwrap_err();
        assert_eq!(refused.code, "invalid_request", "{from} {until}");
    }
    world.end().await;
}

#[tokio::test]
async fn an_unpaid_bill_is_reminded_again_and_urgently_until_it_is_paid() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let mut titles = Vec::new();
    for day in 28..=30 {
        world.at(&format!("2026-11-{day}T09:00:00Z"));
        titles.extend(client.reminders().run_once(false).await.unwrap());
    }
    for day in 1..=4 {
        world.at(&format!("2026-12-0{day}T09:00:00Z"));
        titles.extend(client.reminders().run_once(false).await.unwrap());
    }
    let said: Vec<(&str, bool)> = titles.iter().map(|notice| (notice.title.as_str(), notice.urgent)).collect();
    let rent = |when: &'static str| format!("950.00 USD for Rent, {when}");
    let (soon, tomorrow, today) = (rent("due in 3 days"), rent("due tomorrow"), rent("due today"));
    let (one, three) = (rent("1 day late"), rent("3 days late"));
    let due = [(soon.as_str(), false), (&tomorrow, false), (&today, false), (&one, true), (&three, true)];
    assert_eq!(said, due);
    client.bills().mark(bill, day("2026-12-01"), MarkAs::Paid { amount: None }).await.unwrap();
    world.at("2026-12-08T09:00:00Z");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "a week late, and paid");
    world.end().await;
}

#[tokio::test]
async fn a_date_that_was_moved_is_reminded_put_off_and_listed_by_the_day_it_falls_on() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let (nominal, to) = (day("2026-12-01"), day("2026-12-20"));
    client.bills().mark(bill, nominal, MarkAs::Moved { to }).await.unwrap();
    world.at("2026-12-02T09:00:00Z");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "not late: it falls on the twentieth");
    let next = client.reminders().view(TimerState::Off).await.unwrap().next.unwrap();
    assert_eq!((next.due_on, next.falls_on, next.at), (nominal, to, "2026-12-17T09:00:00Z".parse().unwrap()));
    client.lock().await.unwrap();
    world.at("2026-12-17T09:00:00Z");
    let locked = client.reminders().run_once(true).await.unwrap();
    assert_eq!(locked[0].title, "1 payment is due in 3 days");
    client.unlock(None).await.unwrap();
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!(shown[0].body, "Due on Sun, Dec 20.");
    client.reminders().snooze(bill, nominal).await.unwrap();
    world.at("2026-12-18T09:00:00Z");
    let again = client.reminders().run_once(false).await.unwrap();
    assert_eq!(again[0].title, "950.00 USD for Rent, due in 2 days");
    world.end().await;
}

#[tokio::test]
async fn a_payment_that_goes_out_by_itself_is_told_with_whether_the_balance_bears_it() {
    let world = World::new();
    let client = world.start().await;
    let biller = with_biller(&client).await;
    with_balance(&client, "100.00").await;
    let mut phone = monthly("Phone", "60.00", "2026-12-01");
    phone.biller = Some(biller);
    let bill = client.bills().add(phone).await.unwrap();
    let order = PayBill {
        bill: Some(bill),
        due_on: Some(day("2026-12-01")),
        biller: None,
        amount: usd("60.00"),
        send_on: Some(day("2026-11-27")),
        duplicate_meant: false,
        method: None,
    };
    client.payments().pay_bill(order.clone()).await.unwrap();
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    world.at("2026-11-26T09:00:00Z");
    let told = client.reminders().run_once(true).await.unwrap();
    assert_eq!(told[0].title, "60.00 USD goes out by itself tomorrow");
    assert_eq!(told[0].body, "Phone, from Checking. The balance bears it.");
    assert_eq!(told[0].actions, [NoticeAction::Open], "nothing is left to be paid");
    let again = PayBill { amount: usd("41.00"), biller: Some(biller), bill: None, due_on: None, ..order };
    client.payments().pay_bill(again).await.unwrap();
    let told = client.reminders().run_once(false).await.unwrap();
    assert!(told[0].body.contains("1.00 USD short") && told[0].urgent, "{told:?}");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "told once");
    world.end().await;
}

#[tokio::test]
async fn what_was_read_is_kept_for_other_devices_also_when_it_was_locked_meanwhile() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    world.at("2026-11-28T09:00:00Z");
    let shown = client.reminders().run_once(false).await.unwrap();
    client.lock().await.unwrap();
    client.reminders().seen(&shown[0].id).await.unwrap();
    client.unlock(None).await.unwrap();
    client.reminders().run_once(false).await.unwrap();
    let open = client.opened().unwrap();
    let answers = crate::cache::reminders::answers(open.cache.readers(), day("2026-11-01")).await.unwrap();
    let said: Vec<_> = answers.iter().map(|answer| (answer.bill, answer.due_on, answer.through_days)).collect();
    assert_eq!(said, [(bill, day("2026-12-01"), Some(3))]);
    drop(open);
    world.end().await;
}

#[tokio::test]
async fn what_nobody_could_show_is_named_once_somebody_can() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    world.at("2026-11-28T09:00:00Z");
    let nobody = || Some(NotifierError { why: "nobody shows notices here".to_owned() });
    world.notifier.fail_with(nobody());
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    world.notifier.fail_with(None);
    let named = client.reminders().run_once(false).await.unwrap();
    assert_eq!((named.len(), named[0].title.as_str()), (1, "1 payment is due"));
    client.reminders().snooze(bill, day("2026-12-01")).await.unwrap();
    world.at("2026-11-29T09:00:00Z");
    world.notifier.fail_with(nobody());
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    world.notifier.fail_with(None);
    assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1, "what was put off is not lost either");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    world.end().await;
}

#[tokio::test]
async fn an_imported_payment_settles_its_due_date_once_and_its_reminder_goes() {
    let world = World::new();
    let client = world.start().await;
    let rent = client.bills().add(monthly("Alder Court Rent", "950.00", "2026-11-21")).await.unwrap();
    client.bills().add(monthly("Cobalt Power", "40.00", "2026-11-21")).await.unwrap();
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!(shown.len(), 2);
    let file = ofx(&[
        ("20261118", "-950.00", "a", "ALDER COURT RENT 0042"),
        ("20261118", "-41.00", "b", "COBALT POWER"),
        ("20260301", "-950.00", "c", "ALDER COURT RENT 0041"),
    ]);
    let told = client.import().preview(file.clone()).await.unwrap();
    assert_eq!(told.settles.len(), 1);
    assert_eq!(client.reminders().standing(), 2, "a preview keeps nothing");
    let report = client.import().import(file.clone(), None).await.unwrap();
    let settles: Vec<_> = report.settles.iter().map(|one| (one.bill, one.due_on, one.posted_on, one.amount)).collect();
    assert_eq!(settles, [(rent, day("2026-11-21"), day("2026-11-18"), usd("950.00"))]);
    let due = client.bills().due(7).await.unwrap();
    assert!(due.iter().all(|one| one.name == "Cobalt Power"), "{due:?}");
    assert_eq!(client.reminders().standing(), 1);
    assert!(world.notifier.withdrawn().iter().any(|id| id.starts_with(&rent.to_string())));
    // What the person takes back is not done again by the same file.
    client.bills().mark(rent, day("2026-11-21"), MarkAs::Unmarked).await.unwrap();
    assert!(client.import().import(file, None).await.unwrap().settles.is_empty());
    assert_eq!(client.bills().due(7).await.unwrap().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn a_test_takes_the_whole_way_and_says_where_it_stopped() {
    let world = World::new();
    let client = world.start().await;
    let reminders = client.reminders();
    client
        .set_settings(Settings {
            quiet: Some(Quiet { from: "08:00".into(), until: "20:00".into() }),
            ..Settings::default()
        })
        .await
        .unwrap();
    let test = reminders.test().await.unwrap();
    assert_eq!((test.reached, &test.stopped, test.answer), (Some(TestStep::Shown), &None, None), "asked for: now");
    let shown = world.notifier.shown();
    assert_eq!((shown.len(), shown[0].actions.len()), (1, 4));
    reminders.act(&shown[0].id, NoticeAction::MarkPaid).await.unwrap();
    let outcome = reminders.test_outcome(Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(outcome.reached, Some(TestStep::Answered));
    assert_eq!(outcome.answer, Some(TestAnswer::Button { action: NoticeAction::MarkPaid }));
    let view = reminders.view(TimerState::Off).await.unwrap();
    assert_eq!((view.delivered.len(), view.test.as_ref()), (0, Some(&outcome)), "no bill's reminder");
    assert!(client.payments().list().await.unwrap().is_empty());
    assert!(reminders.run_once(false).await.unwrap().is_empty(), "nothing of it comes again");
    world.notifier.fail_with(Some(NotifierError { why: "nobody shows notices here".to_owned() }));
    let stopped = reminders.test().await.unwrap();
    assert_eq!(stopped.reached, Some(TestStep::Recorded));
    assert_eq!(
        stopped.stopped.as_ref().map(|stop| (stop.step, stop.why.as_str())),
        Some((TestStep::Shown, "nobody shows notices here"))
    );
    assert_eq!(reminders.view(TimerState::Off).await.unwrap().test, Some(stopped), "it stays until the next one");
    world.end().await;
}

#[tokio::test]
async fn the_proof_names_what_comes_and_why_none_comes_for_every_other_bill() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.bills().add(monthly("Water", "20.00", "2026-11-28")).await.unwrap();
    let silent = NewBill { remind_days: Vec::new(), ..monthly("Gas", "30.00", "2026-12-01") };
    client.bills().add(silent).await.unwrap();
    let paused = client.bills().add(monthly("Gym", "30.00", "2026-12-01")).await.unwrap();
    client.bills().pause(paused, day("2026-11-20"), None).await.unwrap();
    client.bills().add(monthly("Loan", "30.00", "2028-12-01")).await.unwrap();
    let once = NewBill {
        schedule: Schedule::new(Every::Once, 1, day("2026-11-25")),
        ..monthly("Deposit", "5.00", "2026-11-25")
    };
    let over = client.bills().add(once).await.unwrap();
    client.bills().mark(over, day("2026-11-25"), MarkAs::Paid { amount: None }).await.unwrap();
    let view = client.reminders().view(TimerState::Off).await.unwrap();
    let coming: Vec<_> = view.coming.iter().map(|one| (one.name.as_str(), one.falls_on)).collect();
    assert_eq!(coming[..2], [("Water", day("2026-11-28")), ("Rent", day("2026-12-01"))]);
    assert!(coming.iter().all(|(name, _)| ["Water", "Rent"].contains(name)), "{coming:?}");
    assert_eq!(view.next.as_ref().map(|next| next.at), Some("2026-11-25T09:00:00Z".parse().unwrap()));
    let silent: Vec<_> = view.silent.iter().map(|one| (one.name.as_str(), one.why)).collect();
    let expected = [
        ("Deposit", WhySilent::Settled),
        ("Gas", WhySilent::NoReminders),
        ("Gym", WhySilent::Paused),
        ("Loan", WhySilent::FarOff),
    ];
    assert_eq!(silent, expected);
    // Within the quiet hours what is due waits, and that is said.
    world.at("2026-11-25T09:30:00Z");
    let quiet = Some(Quiet { from: "09:15".into(), until: "11:00".into() });
    client.set_settings(Settings { quiet, ..Settings::default() }).await.unwrap();
    let view = client.reminders().view(TimerState::Off).await.unwrap();
    assert_eq!((view.held, view.next.map(|next| next.at)), (1, Some("2026-11-25T11:00:00Z".parse().unwrap())));
    world.end().await;
}

#[tokio::test]
async fn a_clock_that_was_years_ahead_for_an_hour_repeats_nothing() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    world.at("2026-11-28T09:00:00Z");
    assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1);
    world.at("2035-11-28T09:00:00Z");
    client.reminders().run_once(false).await.unwrap();
    world.at("2026-11-28T10:00:00Z");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    world.end().await;
}

#[tokio::test]
async fn the_buttons_of_a_reminder_do_what_they_say() {
    let world = World::new();
    let client = world.start().await;
    let biller = with_biller(&client).await;
    let mut phone = monthly("Phone", "40.00", "2026-11-21");
    phone.biller = Some(biller);
    client.bills().add(phone).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-11-21")).await.unwrap();
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!(shown.len(), 2);
    let of = |name: &str| shown.iter().find(|notice| notice.title.contains(name)).unwrap().clone();
    assert!(of("Phone").actions.contains(&NoticeAction::Pay));
    assert!(!of("Rent").actions.contains(&NoticeAction::Pay), "nobody takes that payment here");
    client.reminders().act(&of("Phone").id, NoticeAction::Pay).await.unwrap();
    client.reminders().act(&of("Phone").id, NoticeAction::Pay).await.unwrap();
    assert_eq!(client.payments().list().await.unwrap().len(), 1, "pressed twice, paid once");
    client.reminders().act(&of("Rent").id, NoticeAction::Snooze).await.unwrap();
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    world.at("2026-11-21T09:00:00Z");
    let again = client.reminders().run_once(false).await.unwrap();
    assert_eq!(again.len(), 1, "the snooze is over");
    client.reminders().act(&again[0].id, NoticeAction::MarkPaid).await.unwrap();
    assert!(client.bills().due(1).await.unwrap().iter().all(|due| due.name == "Phone"));
    world.end().await;
}

#[tokio::test]
async fn a_passphrase_unlocks_and_wrong_ones_have_to_wait() {
    let mut world = World::new();
    world.secrets = Arc::new(NoSecrets);
    let client = world.open().await;
    let refused = client.create(Protect::Keyring, Place::ThisComputer).await.unwrap_err();
    assert_eq!(refused.code, "keyring_absent");
    assert_eq!(client.phase(), Phase::Welcome);
    let phrase = || Zeroizing::new("quiet harbour 17".to_owned());
    client.create(Protect::Passphrase(phrase()), Place::ThisComputer).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let client = world.restart(client).await;
    assert_eq!(client.phase(), Phase::Locked);
    let status = client.status().await.unwrap();
    assert_eq!((status.locked, status.protected_by), (true, Some(Protection::Passphrase)));
    assert_eq!(client.bills().view().await.unwrap_err().code, "locked");
    for _ in 0..4 {
        let wrong = client.unlock(Some(Zeroizing::new("quiet harbour 18".to_owned()))).await;
        assert_eq!(wrong.unwrap_err().code, "wrong_passphrase");
    }
    assert_eq!(client.unlock(Some(phrase())).await.unwrap_err().code, "too_many_tries");
    world.at("2026-11-20T12:01:00Z");
    client.unlock(Some(phrase())).await.unwrap();
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_lock_keeps_its_reason_until_it_is_opened() {
    let world = World::new();
    let client = world.start().await;
    assert_eq!(client.locked_because(), None);
    let idle = LockReason::Idle { minutes: 5 };
    client.lock_for(idle).await.unwrap();
    client.lock_for(LockReason::ScreenLocked).await.unwrap();
    assert_eq!(client.status().await.unwrap().locked_because, Some(idle), "it was locked already");
    client.unlock(None).await.unwrap();
    assert_eq!(client.locked_because(), None);
    world.secrets().fail_with(Some(SecretStoreError::Locked));
    let client = world.restart(client).await;
    assert_eq!(client.locked_because(), Some(LockReason::Started));
    world.secrets().fail_with(None);
    world.end().await;
}

#[tokio::test]
async fn a_pin_goes_on_top_of_the_keyring_and_off_again_only_for_who_knows_it() {
    let world = World::new();
    let client = world.start().await;
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    let pin = |digits: &str| Zeroizing::new(digits.to_owned());
    let refused = client.protect(None, Protect::KeyringAndPassphrase(pin("123456"))).await.unwrap_err();
    assert_eq!(refused.code, "passphrase_guessable");
    client.protect(None, Protect::KeyringAndPassphrase(pin("492716"))).await.unwrap();
    assert_eq!(client.status().await.unwrap().protected_by, Some(Protection::KeyringAndPassphrase));
    let client = world.restart(client).await;
    let status = client.status().await.unwrap();
    assert_eq!((status.phase, status.trouble), (Phase::Locked, None), "a PIN that is needed is no trouble");
    assert_eq!(client.unlock(None).await.unwrap_err().code, "passphrase_needed");
    client.unlock(Some(pin("492716"))).await.unwrap();
    assert_eq!(client.protect(None, Protect::Keyring).await.unwrap_err().code, "passphrase_needed");
    for _ in 0..4 {
        let wrong = client.protect(Some(pin("492717")), Protect::Keyring).await.unwrap_err();
        assert_eq!(wrong.code, "wrong_passphrase");
    }
    let waits = client.protect(Some(pin("492716")), Protect::Keyring).await.unwrap_err();
    assert_eq!(waits.code, "too_many_tries", "an open window is no way around the wait");
    world.at("2026-11-20T12:01:00Z");
    client.protect(Some(pin("492716")), Protect::Keyring).await.unwrap();
    let client = world.restart(client).await;
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn a_new_recovery_key_is_for_who_knows_the_passphrase_and_ends_the_one_before() {
    let world = World::new();
    let client = world.open().await;
    let pin = |digits: &str| Zeroizing::new(digits.to_owned());
    let first = client.create(Protect::KeyringAndPassphrase(pin("492716")), Place::ThisComputer).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    assert_eq!(client.new_recovery_key(None).await.err().unwrap().code, "passphrase_needed");
    assert_eq!(client.new_recovery_key(Some(pin("492717"))).await.err().unwrap().code, "wrong_passphrase");
    let second = client.new_recovery_key(Some(pin("492716"))).await.unwrap();
    client.lock().await.unwrap();
    assert_eq!(client.repair(first, Protect::Keyring).await.unwrap_err().code, "wrong_recovery_key");
    client.repair(second, Protect::Keyring).await.unwrap();
    assert_eq!(client.bills().view().await.unwrap().bills.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn the_wait_grows_to_thirty_seconds_and_nothing_is_wiped_by_count() {
    let world = World::new();
    let client = world.start().await;
    let pin = |digits: &str| Zeroizing::new(digits.to_owned());
    client.protect(None, Protect::KeyringAndPassphrase(pin("492716"))).await.unwrap();
    client.lock().await.unwrap();
    let refusal = async || client.unlock(Some(pin("492717"))).await.unwrap_err().code;
    for _ in 0..3 {
        assert_eq!(refusal().await, "wrong_passphrase");
    }
    for wait in [2, 4, 8, 16, 30, 30, 30] {
        assert_eq!(refusal().await, "wrong_passphrase");
        world.later(wait - 1);
        assert_eq!(refusal().await, "too_many_tries", "{wait} s");
        world.later(1);
    }
    client.unlock(Some(pin("492716"))).await.unwrap();
    world.end().await;
}

#[tokio::test]
async fn what_the_keyring_lost_is_said_until_it_is_repaired() {
    let world = World::new();
    let client = world.open().await;
    let recovery = client.create(Protect::Keyring, Place::ThisComputer).await.unwrap();
    client.lock().await.unwrap();
    world.secrets().replace(SecretKind::Vault, &[7; 32]);
    let client = world.open().await;
    assert_eq!(client.status().await.unwrap().trouble.as_deref(), Some("keyring_item_replaced"));
    world.secrets().fail_with(Some(SecretStoreError::NoBus { why: "none".to_owned() }));
    assert_eq!(client.unlock(None).await.unwrap_err().code, "keyring_no_bus");
    assert_eq!(client.status().await.unwrap().trouble.as_deref(), Some("keyring_no_bus"), "as it is now");
    world.secrets().fail_with(None);
    client.repair(recovery, Protect::Keyring).await.unwrap();
    assert_eq!(client.status().await.unwrap().trouble, None);
    world.end().await;
}

#[tokio::test]
async fn an_account_of_this_computer_is_never_signed_out_into_nothing() {
    let world = World::new();
    let client = world.start().await;
    assert_eq!(client.sign_out(false).await.unwrap_err().code, "lives_here");
    assert_eq!(client.phase(), Phase::Ready);
    world.end().await;
}

#[tokio::test]
async fn where_nothing_may_be_kept_nothing_is() {
    let world = World::new();
    let client = world.open().await;
    client.create(Protect::Memory, Place::ThisComputer).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    assert_eq!(client.status().await.unwrap().protected_by, Some(Protection::Memory));
    client.lock().await.unwrap();
    assert_eq!(client.phase(), Phase::Welcome, "there is nothing to unlock");
    assert_eq!(std::fs::read_dir(world.data()).unwrap().count(), 0);
    world.end().await;
}

#[tokio::test]
async fn the_recovery_key_brings_back_everything_the_keyring_lost() {
    let world = World::new();
    let client = world.open().await;
    let recovery = client.create(Protect::Keyring, Place::ThisComputer).await.unwrap();
    client.bills().add(monthly("Rent", "950.00", "2026-12-01")).await.unwrap();
    client.lock().await.unwrap();
    world.forget_keyring();
    let opened = world.try_open().await.unwrap();
    assert_eq!(opened.trouble.unwrap().code, "keyring_item_missing");
    assert_eq!(opened.phase, Phase::Locked);
    opened.client.repair(recovery, Protect::Keyring).await.unwrap();
    assert_eq!(opened.client.bills().view().await.unwrap().bills.len(), 1);
    let client = world.restart(opened.client).await;
    assert_eq!(client.phase(), Phase::Ready);
    world.end().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_plainly() {
    let world = World::new();
    std::fs::write(world.data(), b"a file where the folder should be").unwrap();
    let error = world.try_open().await.err().unwrap();
    assert!(["file_failed", "read_only"].contains(&error.code.as_str()), "{}", error.code);
    world.end().await;
}

#[tokio::test]
async fn lines_that_add_up_to_no_amount_are_shown_and_damage_nothing() {
    let world = World::new();
    let client = world.start().await;
    let huge: Vec<String> = (0..2_100).map(|number| format!("h{number}")).collect();
    let lines: Vec<Line<'_>> = huge.iter().map(|id| ("20261101", "-90071992547409.91", id.as_str(), "Much")).collect();
    for part in [&lines[..1], &lines[..2], &lines] {
        client.import().import(ofx(part), None).await.unwrap();
        let cards = client.cards().await.unwrap();
        assert_eq!(cards[0].figures.current_balance, Some(usd("120")), "what the file says stands");
        client.home().await.unwrap();
        client.accounts().months(cards[0].account.id, day("2026-01-01")).await.unwrap();
        client.statements().view().await.unwrap();
        let one = part.len() == 1;
        assert_eq!(cards[0].spending.len(), usize::from(one), "a sum that is no amount is left out");
    }
    assert!(!world.data().join("damaged").exists());
    world.end().await;
}

#[tokio::test]
async fn what_was_put_off_comes_while_locked_once_and_with_every_other_reminder_of_it() {
    // The day itself is reminded of at the moment at which the snooze ends; and a snooze of which nothing else is left.
    for (due, days) in [("2026-12-01", vec![1]), ("2026-12-10", vec![10])] {
        let world = World::new();
        let client = world.start().await;
        let new = crate::bills::NewBill { remind_days: days, ..monthly("Rent", "950.00", due) };
        let bill = client.bills().add(new).await.unwrap();
        world.at("2026-11-30T10:00:00Z");
        assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1);
        client.reminders().snooze(bill, day(due)).await.unwrap();
        client.reminders().run_once(false).await.unwrap();
        client.lock().await.unwrap();
        assert!(client.reminders().run_once(false).await.unwrap().is_empty());
        world.at("2026-12-01T09:00:00Z");
        assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1, "{due}: it comes");
        assert!(client.reminders().run_once(false).await.unwrap().is_empty());
        client.unlock(None).await.unwrap();
        assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "{due}: and not again");
        assert_eq!(client.reminders().standing(), 1);
        client.bills().mark(bill, day(due), MarkAs::Paid { amount: None }).await.unwrap();
        assert_eq!(client.reminders().standing(), 0, "{due}: what was shown while locked goes when it is settled");
        world.end().await;
    }
}

#[tokio::test]
async fn a_date_long_overdue_that_was_put_off_comes_again() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "950.00", "2026-09-01")).await.unwrap();
    client.reminders().run_once(false).await.unwrap();
    client.reminders().snooze(bill, day("2026-09-01")).await.unwrap();
    world.at("2026-11-21T09:00:00Z");
    let shown = client.reminders().run_once(false).await.unwrap();
    assert!(shown.iter().any(|notice| notice.title.contains("81 days late")), "{shown:?}");
    world.end().await;
}

#[tokio::test]
async fn a_date_that_is_moved_after_its_reminder_is_reminded_of_on_its_new_day() {
    let world = World::new();
    let client = world.start().await;
    let new = crate::bills::NewBill { remind_days: vec![3], ..monthly("Rent", "950.00", "2026-11-21") };
    let bill = client.bills().add(new).await.unwrap();
    let shown = client.reminders().run_once(false).await.unwrap();
    assert_eq!(shown.len(), 1);
    client.bills().mark(bill, day("2026-11-21"), MarkAs::Moved { to: day("2026-12-04") }).await.unwrap();
    assert_eq!(client.reminders().standing(), 0, "what it said is so no more");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    world.at("2026-12-01T15:00:00Z");
    let anew = client.reminders().run_once(false).await.unwrap();
    assert!(anew.iter().any(|notice| notice.title.contains("Rent")), "{anew:?}");
    assert!(client.reminders().run_once(false).await.unwrap().is_empty(), "once");
    world.end().await;
}

#[tokio::test]
async fn paid_of_a_skipped_date_that_was_part_paid_is_all_of_it() {
    let world = World::new();
    let client = world.start().await;
    let bill = client.bills().add(monthly("Rent", "100.00", "2026-11-21")).await.unwrap();
    for mark in [MarkAs::Paid { amount: Some(usd("40")) }, MarkAs::Skipped, MarkAs::Paid { amount: None }] {
        client.bills().mark(bill, day("2026-11-21"), mark).await.unwrap();
    }
    let due = client.bills().due(30).await.unwrap();
    assert!(due.iter().all(|one| one.due_on != day("2026-11-21")), "{due:?}");
    world.end().await;
}

#[tokio::test]
async fn a_lock_takes_names_off_the_desktop_and_keeps_what_is_pressed_meanwhile() {
    let world = World::new();
    let client = world.start().await;
    let rent = client.bills().add(monthly("Secretrent", "950.00", "2026-11-21")).await.unwrap();
    client.bills().add(monthly("Power", "94.17", "2026-11-22")).await.unwrap();
    let shown = client.reminders().run_once(false).await.unwrap();
    client.lock().await.unwrap();
    let gone = world.notifier.withdrawn();
    assert!(shown.iter().all(|notice| gone.contains(&notice.id)));
    let stays = world.notifier.shown().last().unwrap().clone();
    assert!(!format!("{stays:?}").contains("Secretrent") && stays.title.starts_with('2'), "{stays:?}");
    assert_eq!(client.reminders().standing(), 1);
    let of = |name: &str| shown.iter().find(|notice| notice.title.contains(name)).unwrap().id.clone();
    client.reminders().act(&of("Secretrent"), NoticeAction::MarkPaid).await.unwrap();
    client.reminders().act(&of("Power"), NoticeAction::Snooze).await.unwrap();
    assert_eq!(client.reminders().act(&of("Power"), NoticeAction::Pay).await.unwrap_err().code, "locked");
    client.unlock(None).await.unwrap();
    assert!(client.reminders().run_once(false).await.unwrap().is_empty());
    let due = client.bills().due(7).await.unwrap();
    assert!(due.iter().all(|one| one.bill != rent), "it was marked paid");
    world.at("2026-11-21T09:00:00Z");
    assert_eq!(client.reminders().run_once(false).await.unwrap().len(), 1, "and the other one was put off");
    world.end().await;
}

#[tokio::test]
async fn a_notice_pays_what_it_said_and_nothing_else() {
    let world = World::new();
    let client = world.start().await;
    let biller = with_biller(&client).await;
    let phone = crate::bills::NewBill { biller: Some(biller), ..monthly("Phone", "40.00", "2026-11-21") };
    let bill = client.bills().add(phone).await.unwrap();
    let shown = client.reminders().run_once(false).await.unwrap();
    let edit = api::bills::BillEdit { amount: Some(usd("400")), ..Default::default() };
    client.bills().edit(bill, edit).await.unwrap();
    let acted = client.reminders().act(&shown[0].id, NoticeAction::Pay).await.unwrap();
    assert_eq!(acted, crate::reminders::Acted::Asks { bill, due_on: day("2026-11-21") });
    let opened = client.reminders().act(&shown[0].id, NoticeAction::Open).await.unwrap();
    assert_eq!(opened, crate::reminders::Acted::Shows { about: Some((bill, day("2026-11-21"))) });
    assert!(client.payments().list().await.unwrap().is_empty());
    world.end().await;
}
