use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const BANK: &str = "123456780";
const OTHER_BANK: &str = "987654320";

fn routing(text: &str) -> Routing {
    text.parse().expect("a routing number")
}

fn party(account: &str) -> Party {
    let account = account.parse().expect("an account number");
    Party { routing: routing(OTHER_BANK), account, kind: AccountKind::Checking }
}

fn entry(sequence: u32, amount_cents: u64) -> Entry {
    Entry {
        direction: Direction::Credit,
        party: party("000123456"),
        amount_cents,
        reference: "4471-22".to_owned(),
        name: "Ines Calloway".to_owned(),
        sequence,
        addendum: None,
    }
}

fn batch(class: EntryClass, entries: Vec<Entry>) -> Batch {
    Batch {
        class,
        company_name: "Billfold Test".to_owned(),
        company_id: "1234567890".to_owned(),
        description: "BILL PMT".to_owned(),
        effective_on: date(2027, 3, 2),
        entries,
    }
}

fn file(batches: Vec<Batch>) -> Outgoing {
    Outgoing {
        bank: routing(BANK),
        bank_name: "First Invented Bank".to_owned(),
        origin: "1234567890".to_owned(),
        origin_name: "Billfold Test".to_owned(),
        made_at: date(2027, 3, 1).at(16, 30, 0, 0),
        modifier: 'A',
        reference: "BATCH1".to_owned(),
        batches,
    }
}

fn balancing(sequence: u32, amount_cents: u64) -> Entry {
    Entry { direction: Direction::Debit, name: "Billfold Test".to_owned(), ..entry(sequence, amount_cents) }
}

#[test]
fn a_file_of_one_entry_is_laid_out_as_the_rules_say() {
    let mut only = entry(1, 4_000);
    only.addendum = Some("RFB*4471-22".to_owned());
    let text = write(&file(vec![batch(EntryClass::Ppd, vec![only])])).expect("writes");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 10);
    assert!(lines.iter().all(|line| line.len() == RECORD));
    let expected = [
        "101 12345678012345678902703011630A094101First Invented Bank    Billfold Test          BATCH1  ",
        "5220Billfold Test                       1234567890PPDBILL PMT        270302   1123456780000001",
        "622987654320000123456        00000040004471-22        Ines Calloway           1123456780000001",
        "705RFB*4471-22                                                                     00010000001",
        "822000000200987654320000000000000000000040001234567890                         123456780000001",
        "9000001000001000000020098765432000000000000000000004000                                       ",
    ];
    assert_eq!(lines[..6], expected);
    assert!(lines[6..].iter().all(|line| *line == "9".repeat(RECORD)));
}

#[test]
fn the_fields_of_a_cie_entry_are_the_other_way_round_and_it_takes_credits_alone() {
    let text = write(&file(vec![batch(EntryClass::Cie, vec![entry(1, 4_000)])])).expect("writes");
    let line = text.lines().nth(2).expect("an entry");
    assert_eq!(&line[39..54], "Ines Calloway  ");
    assert_eq!(&line[54..76], "4471-22               ");
    let mixed = batch(EntryClass::Cie, vec![entry(1, 4_000), balancing(2, 4_000)]);
    assert_eq!(write(&file(vec![mixed])), Err(WriteError::CreditsOnly));
    let web = write(&file(vec![batch(EntryClass::Web, vec![entry(1, 4_000)])])).expect("writes");
    assert_eq!(&web.lines().nth(2).expect("an entry")[76..78], "S ", "a single payment");
}

#[test]
fn a_payer_whose_name_cannot_be_written_pays_in_the_companys() {
    let nameless = Entry { name: "_".to_owned(), ..entry(1, 4_000) };
    let text = write(&file(vec![batch(EntryClass::Cie, vec![nameless, entry(2, 100)])])).expect("writes");
    let name = |line| &text.lines().nth(line).expect("an entry")[39..54];
    assert_eq!((name(2), name(3)), ("Billfold Test  ", "Ines Calloway  "));
}

#[test]
fn a_batch_that_balances_itself_is_a_mixed_one() {
    let entries = vec![entry(1, 4_000), entry(2, 100), balancing(3, 4_100)];
    let text = write(&file(vec![batch(EntryClass::Ppd, entries)])).expect("writes");
    assert!(text.contains("\n5200"), "{text}");
    assert!(text.contains("\n8200000003"), "{text}");
    assert!(text.contains("000000004100000000004100"), "debits equal credits");
}

#[test]
fn what_cannot_be_written_is_an_error_and_never_a_wrong_file() {
    let written = |change: &dyn Fn(&mut Outgoing)| {
        let mut file = file(vec![batch(EntryClass::Ppd, vec![entry(1, 1), entry(2, 1)])]);
        change(&mut file);
        write(&file)
    };
    assert!(written(&|_| ()).is_ok());
    let amount = |cents| move |file: &mut Outgoing| file.batches[0].entries[0].amount_cents = cents;
    assert!(written(&amount(AMOUNT_CENTS_MAX)).is_ok());
    assert_eq!(written(&amount(AMOUNT_CENTS_MAX + 1)), Err(WriteError::Amount));
    assert_eq!(written(&amount(0)), Err(WriteError::Amount));
    assert_eq!(written(&|file| file.batches[0].entries[1].sequence = 1), Err(WriteError::Order));
    assert_eq!(written(&|file| file.batches[0].entries[1].sequence = 10_000_000), Err(WriteError::Order));
    assert_eq!(written(&|file| file.batches[0].entries.clear()), Err(WriteError::Empty));
    assert_eq!(written(&|file| file.batches.clear()), Err(WriteError::Empty));
    assert_eq!(written(&|file| file.modifier = 'a'), Err(WriteError::Modifier));
    assert_eq!(written(&|file| file.batches[0].entries[0].name = "\u{1}".to_owned()), Err(WriteError::Nameless));
    let full = |file: &mut Outgoing| {
        file.batches[0].entries = (1..=101).map(|sequence| entry(sequence, AMOUNT_CENTS_MAX)).collect();
    };
    assert_eq!(written(&full), Err(WriteError::Sum), "twelve digits");
}

#[test]
fn names_of_any_writing_become_letters_that_the_network_carries() {
    let mut foreign = entry(1, 4_000);
    foreign.name = "Zoë Ångström-Đorđević".to_owned();
    foreign.reference = "№ 12/ß\u{202e}".to_owned();
    let text = write(&file(vec![batch(EntryClass::Ppd, vec![foreign])])).expect("writes");
    assert!(text.is_ascii());
    assert!(text.lines().all(|line| line.len() == RECORD), "{text}");
    assert!(text.contains("Zoe Angstrom-Dordevic "), "{text}");
}

#[test]
fn routing_numbers_are_checked_and_account_numbers_are_never_shown() {
    assert!("123456780".parse::<Routing>().is_ok());
    for wrong in ["123456789", "12345678", "1234567800", "12345678x", " 123456780", ""] {
        assert_eq!(wrong.parse::<Routing>(), Err(PartyError::Routing), "{wrong}");
    }
    for wrong in ["", "123456789012345678", "12_3", " 12", "12é"] {
        assert_eq!(wrong.parse::<AccountNumber>(), Err(PartyError::Account), "{wrong}");
    }
    assert!(!format!("{:?}", party("000123456")).contains("123456,"));
    assert!(!format!("{:?}", entry(1, 1)).contains("000123456"));
}

// ---- Files that come back ----------------------------------------------------------------------------------------

/// A bank's file, made field by field and not by the writer.
pub(crate) struct BankFile {
    lines: Vec<String>,
    hash: u64,
    records: u64,
    credits: u64,
}

impl BankFile {
    fn new() -> Self {
        let header = format!("101 {:>9}{:>10}2703040800A094101{:<23}{:<23}{:8}", BANK, BANK, "Billfold", "Bank", "");
        let batch = format!(
            "5220{:<16}{:20}{:<10}PPD{:<10}{:6}270304   1{}0000001",
            "Billfold", "", "1234567890", "RETURN", "", "98765432"
        );
        Self { lines: vec![header, batch], hash: 0, records: 0, credits: 0 }
    }

    fn answer(mut self, kind: &str, code: &str, cents: u64, original: &str, number: u32) -> Self {
        let trace = format!("98765432{number:07}");
        self.lines
            .push(format!("62112345678{}{:<17}{cents:010}{:15}{:<22}  1{trace}", "0", "12345", "", "Ines Calloway"));
        self.lines.push(format!("7{kind}{code}{original:<15}{:6}{:<8}{:44}{trace}", "", "98765432", ""));
        self.hash += 12_345_678;
        self.records += 2;
        self.credits += cents;
        self
    }

    fn end(mut self) -> String {
        let (records, hash, credits) = (self.records, self.hash % 10_000_000_000, self.credits);
        self.lines.push(format!(
            "8220{records:06}{hash:010}{:012}{credits:012}{:<10}{:25}{}0000001",
            0, "1234567890", "", "98765432"
        ));
        let blocks = (self.lines.len() + 1).div_ceil(10);
        self.lines.push(format!("9000001{blocks:06}{records:08}{hash:010}{:012}{credits:012}{:39}", 0, ""));
        while !self.lines.len().is_multiple_of(10) {
            self.lines.push("9".repeat(94));
        }
        self.lines.join("\r\n")
    }
}

fn returns() -> String {
    BankFile::new()
        .answer("99", "R03", 4_000, "123456780000001", 1)
        .answer("98", "C01", 0, "123456780000002", 2)
        .answer("99", "R01", 250, "123456780000003", 3)
        .end()
}

#[test]
fn returns_and_changes_are_read_with_what_they_answer() {
    let read = read(returns().as_bytes()).expect("reads");
    assert_eq!(read.made_on, date(2027, 3, 4));
    assert!(read.rejected.is_empty(), "{:?}", read.rejected);
    let Received::Returned { entry, code, original } = &read.received[0] else { panic!("a return") };
    assert_eq!((code.as_str(), original.as_str()), ("R03", "123456780000001"));
    assert_eq!((entry.line, entry.amount_cents, entry.direction), (3, 4_000, Direction::Credit));
    assert_eq!(entry.trace, "987654320000001");
    let Received::Changed { code, original, .. } = &read.received[1] else { panic!("a change") };
    assert_eq!((code.as_str(), original.as_str()), ("C01", "123456780000002"));
    assert!(matches!(&read.received[2], Received::Returned { code, .. } if code == "R01"));
}

#[test]
fn records_without_line_ends_and_lines_without_their_spaces_read_alike() {
    let usual = read(returns().as_bytes()).expect("reads");
    let stream = returns().replace("\r\n", "");
    assert_eq!(read(stream.as_bytes()), Ok(usual.clone()));
    let trimmed: String = returns().lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(read(trimmed.as_bytes()), Ok(usual));
}

#[test]
fn a_file_that_lacks_something_is_refused_and_told_by_its_line() {
    let good = returns();
    assert_eq!(read(b" \r\n"), Err(NachaError::Empty));
    assert_eq!(read(b"date,amount\n2027-03-01,40\n"), Err(NachaError::NotNacha));
    let cut: Vec<&str> = good.lines().take(6).collect();
    assert_eq!(read(cut.join("\n").as_bytes()), Err(NachaError::Truncated));
    // The file's own sums: one cent more, another hash, another count.
    let control = good.lines().nth(9).expect("the control record");
    assert!(control.starts_with('9'));
    for (from, to) in [("000000004250", "000000004251"), ("0037037034", "0037037035"), ("00000006", "00000007")] {
        let wrong = good.replace(control, &control.replace(from, to));
        assert_ne!(wrong, good);
        assert_eq!(read(wrong.as_bytes()), Err(NachaError::Control { line: 10 }), "{from}");
    }
    // The batch's hash, and the file's alike: the batch is refused, line by line.
    let wrong = good.replace("0037037034", "0037037035");
    let incoming = read(wrong.as_bytes()).expect("the file itself reads");
    assert!(incoming.received.is_empty());
    assert_eq!(incoming.rejected.iter().map(|rejected| rejected.line).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_record_that_does_not_read_leaves_the_others() {
    let bad_code = returns().replace("799R03", "799X03");
    let incoming = read(bad_code.as_bytes()).expect("reads");
    assert_eq!(incoming.received.len(), 2);
    assert_eq!(incoming.rejected.len(), 1);
    assert_eq!(incoming.rejected[0].line, 4);
    // A foreign letter where the rules have none: its sums are unknown, so its batch goes.
    let foreign = returns().replacen("Ines Calloway", "Inés Calloway", 1);
    let incoming = read(foreign.as_bytes()).expect("reads");
    assert!(incoming.received.is_empty());
    assert_eq!(incoming.rejected.first().map(|rejected| rejected.line), Some(3));
}

#[test]
fn what_is_written_reads_back() {
    let credits = batch(EntryClass::Cie, vec![entry(1, 4_000), entry(5, 1)]);
    let balance = batch(EntryClass::Ccd, vec![balancing(6, 4_001)]);
    let text = write(&file(vec![credits, balance])).expect("writes");
    let incoming = read(text.as_bytes()).expect("reads");
    assert!(incoming.rejected.is_empty(), "{:?}", incoming.rejected);
    let traces: Vec<&str> = incoming.received.iter().map(|received| received.entry().trace.as_str()).collect();
    assert_eq!(traces, [trace(routing(BANK), 1), trace(routing(BANK), 5), trace(routing(BANK), 6)]);
    assert!(incoming.received.iter().all(|received| matches!(received, Received::Entry(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_damaged_file_never_gives_another_amount(at in 0_usize..950, byte in 0x20_u8..0x7f) {
        let mut bytes = returns().into_bytes();
        let at = at.min(bytes.len() - 1);
        bytes[at] = byte;
        if let Ok(incoming) = read(&bytes) {
            let sum: u64 = incoming.received.iter().map(|received| received.entry().amount_cents).sum();
            prop_assert!(incoming.rejected.is_empty() <= (sum == 4_250), "an amount changed unnoticed");
        }
    }

    #[test]
    fn any_names_and_amounts_fill_their_records(name in "\\PC{1,40}", reference in "\\PC{0,60}", cents in 1..=AMOUNT_CENTS_MAX) {
        let mut one = entry(1, cents);
        (one.name, one.reference) = (name, reference);
        match write(&file(vec![batch(EntryClass::Cie, vec![one])])) {
            Ok(text) => {
                prop_assert!(text.is_ascii() && text.lines().all(|line| line.len() == RECORD));
                let incoming = read(text.as_bytes()).expect("reads");
                prop_assert_eq!(incoming.received[0].entry().amount_cents, cents);
            }
            Err(error) => prop_assert_eq!(error, WriteError::Nameless),
        }
    }
}
