//! Files of rails against other people's programs: an ACH file is read by one, which works out every count, hash and sum
//! anew and must write the same bytes, and held by another against the rules that hold for every class of entries; orders
//! of credit transfers and what banks answer to them are held against the published schemas. Nobody publishes a free
//! validator of what holds for CIE alone, the order of its name and number and that it takes credits only; that is held by
//! `formats`.

use std::path::{Path, PathBuf};
use std::process::Command;

use domain::money::{Currency, Money};
use formats::{iso20022, nacha};
use jiff::civil::date;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/rails");

/// Where the environment is, and where files for it are put. None, and it says so, without Python.
fn python() -> Option<(PathBuf, PathBuf)> {
    let target = std::env::current_exe().expect("a path");
    let home = target.ancestors().nth(3).expect("the target folder").join("interop-rails");
    let program = home.join("bin/python");
    let turn = std::fs::File::create(home.with_extension("lock")).expect("a file");
    turn.lock().expect("a turn");
    let wanted = std::fs::read_to_string(Path::new(FOLDER).join("requirements.txt")).expect("a list");
    let marker = home.join("installed.txt");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Some((program, home));
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&home).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: python3 with venv not found");
        return None;
    }
    let mut install = Command::new(home.join("bin/pip"));
    // Each is named in the list; what else they would bring serves what is not asked of them here.
    install
        .args(["install", "--quiet", "--no-deps", "--ignore-requires-python", "--requirement"])
        .arg(Path::new(FOLDER).join("requirements.txt"));
    assert!(install.status().expect("pip starts").success(), "the readers are installed from the package index");
    std::fs::write(marker, wanted).expect("a file");
    Some((program, home))
}

/// What they say of a file; none where there is no Python.
fn verdict(kind: &str, name: &str, text: &str) -> Option<String> {
    let (program, home) = python()?;
    let file = home.join(name);
    std::fs::write(&file, text).expect("a file");
    let asked = Command::new(program).arg(Path::new(FOLDER).join("check.py")).arg(kind).arg(&file).output();
    let answer = asked.expect("the reader starts");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    Some(String::from_utf8(answer.stdout).expect("text").trim().to_owned())
}

fn party(account: &str, kind: nacha::AccountKind) -> nacha::Party {
    let (routing, account) = ("987654320".parse().expect("a bank"), account.parse().expect("an account"));
    nacha::Party { routing, account, kind }
}

fn entry(direction: nacha::Direction, sequence: u32, amount_cents: u64) -> nacha::Entry {
    let kind = if sequence.is_multiple_of(2) { nacha::AccountKind::Savings } else { nacha::AccountKind::Checking };
    nacha::Entry {
        direction,
        party: party(&format!("00{sequence}123456"), kind),
        amount_cents,
        reference: format!("No. {sequence}"),
        name: "Zoë Calloway-Đorđević".to_owned(),
        sequence,
        addendum: sequence.is_multiple_of(3).then(|| "RFB 4471".to_owned()),
    }
}

fn batch(class: nacha::EntryClass, entries: Vec<nacha::Entry>) -> nacha::Batch {
    nacha::Batch {
        class,
        company_name: "Billfold Test".to_owned(),
        company_id: "1234567890".to_owned(),
        description: "BILL PMT".to_owned(),
        effective_on: date(2027, 3, 2),
        entries,
    }
}

fn ach_file(batches: Vec<nacha::Batch>) -> String {
    let file = nacha::Outgoing {
        bank: "123456780".parse().expect("a bank"),
        bank_name: "First Invented Bank".to_owned(),
        origin: "987654320".to_owned(),
        origin_name: "Billfold Test".to_owned(),
        made_at: date(2027, 3, 1).at(16, 30, 0, 0),
        modifier: 'C',
        reference: "00000007".to_owned(),
        batches,
    };
    nacha::write(&file).expect("writes")
}

/// A batch of each class; those that may, balance themselves.
fn of_every_class() -> String {
    let mut sequence = 0;
    let mut next = |direction, cents| {
        sequence += 1;
        entry(direction, sequence, cents)
    };
    let one = |(place, class): (usize, nacha::EntryClass)| {
        let mut entries: Vec<nacha::Entry> =
            (1..=place as u64 * 7 + 5).map(|cents| next(nacha::Direction::Credit, cents * 101)).collect();
        if class != nacha::EntryClass::Cie {
            let sum = entries.iter().map(|entry| entry.amount_cents).sum();
            entries.push(next(nacha::Direction::Debit, sum));
        }
        batch(class, entries)
    };
    ach_file(nacha::EntryClass::ALL.into_iter().enumerate().map(one).collect())
}

/// As the rail writes it: people's own orders, and what takes their sum.
fn of_consumers() -> String {
    let plain = |direction, number, cents| nacha::Entry { addendum: None, ..entry(direction, number, cents) };
    let orders: Vec<nacha::Entry> =
        (1..=25).map(|number| plain(nacha::Direction::Credit, number, u64::from(number) * 1_001)).collect();
    let sum = orders.iter().map(|entry| entry.amount_cents).sum();
    let balancing = vec![plain(nacha::Direction::Debit, 26, sum)];
    ach_file(vec![batch(nacha::EntryClass::Cie, orders), batch(nacha::EntryClass::Ccd, balancing)])
}

#[test]
fn an_outside_reader_works_out_the_same_ach_file() {
    let text = of_every_class();
    let Some(said) = verdict("nacha", "good.ach", &text) else { return };
    assert_eq!(said, "ok");
    // It would notice: another amount, and so another sum.
    let wrong = text.replacen("0000000101", "0000000102", 1);
    assert_ne!(wrong, text);
    assert_ne!(verdict("nacha", "wrong.ach", &wrong).as_deref(), Some("ok"));
}

#[test]
fn the_rules_of_others_hold_for_what_consumers_order() {
    let text = of_consumers();
    let Some(said) = verdict("nacha", "consumers.ach", &text) else { return };
    assert_eq!(said, "ok");
    let wrong = [
        // A batch of debits alone, which it is not.
        ("class", text.replace("5220Billfold", "5225Billfold").replacen("\n8220", "\n8225", 1)),
        ("bank", text.replacen("98765432000", "98765432100", 1)),
        ("trace", text.replacen("123456780000002", "123456780000001", 1)),
        ("sum", text.replacen("0000001001", "0000001002", 1)),
        ("block", format!("{}\n", text.trim_end().rsplit_once('\n').expect("lines").0)),
    ];
    for (what, wrong) in wrong {
        assert_ne!(wrong, text, "{what}");
        assert_ne!(verdict("nacha", "wrong-consumers.ach", &wrong).as_deref(), Some("ok"), "it would notice: {what}");
    }
}

fn message() -> iso20022::Outgoing {
    let party = |name: &str, bic: Option<&str>| iso20022::Party {
        name: name.to_owned(),
        iban: "DE89370400440532013000".parse().expect("an account"),
        bic: bic.map(|bic| bic.parse().expect("a bank")),
    };
    let order = |number: i64| iso20022::Order {
        end_to_end: format!("{number:032x}"),
        amount: Money::new(number * 12_345_678, Currency::EUR).expect("an amount"),
        payee: party("Łódź & Söhne <Strom>", (number % 2 == 0).then_some("INVEDEFF")),
        payer: "Zoë Calloway-Đorđević".to_owned(),
        remittance: (number % 3 > 0).then(|| "Kundennummer 4471 / März".to_owned()),
    };
    iso20022::Outgoing {
        message: "iso20022-20270301-000001".to_owned(),
        made_at: date(2027, 3, 1).at(15, 30, 0, 0),
        sender: "Billfold Test".to_owned(),
        debtor: party("Billfold Test", Some("INVEDEFFXXX")),
        execute_on: date(2027, 3, 2),
        service_level: Some("SEPA".to_owned()),
        orders: (1..40).map(order).collect(),
    }
}

#[test]
fn a_credit_transfer_order_fits_the_published_schema() {
    let plain = message();
    let mut without = plain.clone();
    (without.service_level, without.debtor.bic) = (None, None);
    for (name, message) in [("sepa.xml", plain), ("without.xml", without)] {
        let text = iso20022::write(&message).expect("writes");
        let Some(said) = verdict("pain001", name, &text) else { return };
        assert_eq!(said, "ok", "{name}");
        let wrong = text.replacen("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>ZZZ</PmtMtd>", 1);
        assert_ne!(verdict("pain001", "wrong.xml", &wrong).as_deref(), Some("ok"), "it would notice");
    }
}

/// What a bank answers, as the reader of the rail gets it.
fn sample(name: &str) -> String {
    std::fs::read_to_string(Path::new(FOLDER).join("samples").join(name)).expect("a sample")
}

#[test]
fn a_status_report_that_fits_the_published_schemas_says_what_became_of_each_order() {
    let text = sample("pain.002.001.10.xml");
    let incoming = iso20022::read(text.as_bytes()).expect("reads");
    assert!(incoming.rejected.is_empty(), "{:?}", incoming.rejected);
    let said: Vec<(&str, iso20022::OrderState, Option<&str>)> = incoming
        .received
        .iter()
        .map(|received| match received {
            iso20022::Received::Order { end_to_end, state, code, .. } => (end_to_end.as_str(), *state, code.as_deref()),
            iso20022::Received::Message { message, state, code, .. } => (message.as_str(), *state, code.as_deref()),
            iso20022::Received::Booked(booking) => panic!("{booking:?}"),
        })
        .collect();
    use iso20022::OrderState as S;
    let expected = [
        ("a1", S::Refused, Some("AC01")),
        ("a2", S::Pending, None),
        ("a3", S::Accepted, None),
        ("BF-20270301-1", S::Accepted, None),
    ];
    assert_eq!(said, expected);
    let Some(verdict_of) = verdict("pain002", "status.xml", &text) else { return };
    assert_eq!(verdict_of, "ok");
    let wrong = [
        text.replacen("<TxSts>PDNG", "<TxSts>PENDING", 1),
        text.replacen("<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>", "", 1),
    ];
    for wrong in wrong {
        assert_ne!(wrong, text);
        assert_ne!(verdict("pain002", "wrong-status.xml", &wrong).as_deref(), Some("ok"), "it would notice");
    }
}

#[test]
fn a_statement_that_fits_the_published_schema_says_what_was_booked_and_what_came_back() {
    let text = sample("camt.053.001.08.xml");
    let incoming = iso20022::read(text.as_bytes()).expect("reads");
    assert!(incoming.rejected.is_empty(), "{:?}", incoming.rejected);
    let booked = incoming.received.iter().map(|received| {
        let iso20022::Received::Booked(booking) = received else { panic!("{received:?}") };
        let (order, message) = (booking.end_to_end.as_deref(), booking.message.as_deref());
        (order, message, booking.amount.minor(), booking.is_return, booking.code.as_deref())
    });
    let booked: Vec<_> = booked.collect();
    let expected = [
        (Some("a1"), None, 4_120, false, None),
        (Some("a2"), None, 3_000, false, None),
        (Some("a3"), None, 1_000, false, None),
        (None, Some("BF-20270301-1"), 2_995, false, None),
        (Some("a4"), None, 120, true, Some("AC04")),
    ];
    assert_eq!(booked, expected, "and nothing of what is only announced");
    let Some(verdict_of) = verdict("camt053", "statement.xml", &text) else { return };
    assert_eq!(verdict_of, "ok");
    let wrong = [
        text.replacen("<CdtDbtInd>DBIT", "<CdtDbtInd>OUT", 1),
        text.replacen("<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>", "", 1),
    ];
    for wrong in wrong {
        assert_ne!(wrong, text);
        assert_ne!(verdict("camt053", "wrong-statement.xml", &wrong).as_deref(), Some("ok"), "it would notice");
    }
}
