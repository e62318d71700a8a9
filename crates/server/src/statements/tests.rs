use std::io::Write as _;
use std::process::Command;

use domain::accounts::{AccountKind, Transaction, TransactionKind, TransactionState};
use domain::card::{CardTerms, DueRule, Excess};
use domain::ids::TransactionId;
use domain::money::Currency;
use jiff::civil::date;

use super::*;
use crate::feed::tests::{card, import, line};
use crate::testing::on_each_engine;

fn terms() -> CardTerms {
    CardTerms {
        closing_day: 25,
        due: DueRule::DaysAfterClosing(21),
        minimum_floor: None,
        minimum_share: None,
        minimum_adds_charges: false,
        apr: None,
        late_fee: None,
    }
}

#[tokio::test]
async fn opening_and_lines_are_the_closing_in_the_list_and_on_paper() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = Account { terms: Some(terms()), ..card(&world) };
        let lines: Vec<Transaction> = (0..120).map(|at| line(&world, &card, at)).collect();
        import(&device, &world, &card, lines.clone()).await;
        let list: StatementList = device.get("/api/v1/statements").await.ok();
        let closed: Vec<String> = list.items.iter().map(|summary| summary.closed_on.to_string()).collect();
        assert_eq!(closed, ["2027-02-25", "2027-01-25"]);
        let mut later = Money::new(-10_000, Currency::USD).unwrap();
        for summary in &list.items {
            let within = lines.iter().filter(|line| (summary.opened_on..=summary.closed_on).contains(&line.posted_on));
            let moved = Money::sum(Currency::USD, within.clone().map(|line| line.amount)).unwrap();
            assert_eq!(summary.opening.plus(moved).unwrap(), summary.closing);
            assert_eq!(summary.closing, later, "one statement ends where the next begins");
            assert_eq!(summary.lines as usize, within.count());
            later = summary.opening;
        }
        let path = format!("/api/v1/statements/{}/2027-01-25.pdf", card.id);
        let pdf = device.get(&path).await;
        assert_eq!(pdf.header("content-type"), Some("application/pdf"));
        let text = pdftotext(&pdf.body);
        assert!(text.contains("Statement") && text.contains("25 Jan 2027"), "{text}");
        let summary = &list.items[1];
        assert!(
            text.contains(&format!("{}", summary.closing.negated()).replace("-", "").split_once(' ').unwrap().0[..1])
        );
        assert_eq!(text.matches("Corner shop").count(), summary.lines as usize, "every line is on it");
        for missing in ["2027-01-24.pdf", "2027-03-25.pdf", "2027-01-25", "x.pdf", "..%2f..%2fetc.pdf"] {
            device.get(&format!("/api/v1/statements/{}/{missing}", card.id)).await.expect(404);
        }
        let stranger = world.holder().await;
        stranger.get(&path).await.expect(404);
    })
    .await;
}

pub(crate) fn pdftotext(pdf: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pdf).unwrap();
    let out = Command::new("pdftotext").args(["-layout"]).arg(file.path()).arg("-").output().expect("pdftotext runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn pdf_facts(pdf: &[u8]) -> (String, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pdf).unwrap();
    let run = |program: &str| {
        let out = Command::new(program).arg(file.path()).output().expect("poppler runs");
        String::from_utf8(out.stdout).unwrap()
    };
    (run("pdfinfo"), run("pdffonts"))
}

fn statement_of(descriptions: &[&str]) -> (Account, domain::statements::Statement) {
    let account = Account {
        id: AccountId::from_uuid(uuid::Uuid::nil()),
        keeping: Keeping::Linked,
        kind: AccountKind::Checking,
        name: "Everyday – نقود 現金".to_owned(),
        mask: Some("1111".to_owned()),
        currency: Currency::USD,
        source: None,
        balance: None,
        available: None,
        balance_as_of: None,
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    };
    let lines = descriptions.iter().enumerate().map(|(at, text)| Transaction {
        id: TransactionId::from_uuid(uuid::Uuid::from_u128(at as u128)),
        account: account.id,
        posted_on: date(2027, 1, 1 + i8::try_from(at % 31).unwrap()),
        amount: Money::new(-1_234_567, Currency::USD).unwrap(),
        description: (*text).to_owned(),
        memo: None,
        kind: TransactionKind::Purchase,
        state: TransactionState::Posted,
        source: None,
    });
    let cycle = Cycle { opened_on: date(2027, 1, 1), closed_on: date(2027, 1, 31), due_on: None, complete: false };
    let known = Known::Opening(Money::zero(Currency::USD));
    let statement = rules::build(account.id, &cycle, known, lines.collect()).unwrap();
    (account, statement)
}

#[test]
fn the_paper_is_tagged_embeds_its_fonts_and_bears_any_text() {
    let long = "A very long description ".repeat(30);
    let descriptions =
        ["", "   ", "東京の店", "متجر", "Line\nbreak\u{7}", "\u{e000}private", "emoji 🧾", long.as_str(), "plain"];
    let (account, statement) = statement_of(&descriptions);
    let sheet = pdf::Sheet { account: &account, statement: &statement, by: "Test server", practice: true };
    let pdf = pdf::render(&sheet).unwrap();
    let (info, fonts) = pdf_facts(&pdf);
    assert!(info.contains("Tagged:          yes") && info.contains("Pages:           1"), "{info}");
    let rows: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.contains("yes yes yes")), "embedded, subset: {fonts}");
    let text = pdftotext(&pdf);
    assert!(text.contains("−12,345.67 USD") && text.contains("Practice money"), "{text}");
}

#[test]
fn every_page_holds_as_many_lines_as_were_counted() {
    for count in [0, 1, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 80, 200, 1_000] {
        let (account, statement) = statement_of(&vec!["Corner shop"; count]);
        let sheet = pdf::Sheet { account: &account, statement: &statement, by: "Test server", practice: false };
        let pdf = pdf::render(&sheet).unwrap();
        assert_eq!(pdftotext(&pdf).matches("Corner shop").count(), count);
    }
}

#[tokio::test]
async fn a_balance_is_carried_from_its_own_day() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let usd = |minor| Money::new(minor, Currency::USD).unwrap();
        let as_of = Some("2027-01-31T00:00:00Z".parse().unwrap());
        let card = Account { balance: Some(usd(100_000)), balance_as_of: as_of, ..card(&world) };
        let at =
            |number, posted_on, minor| Transaction { posted_on, amount: usd(minor), ..line(&world, &card, number) };
        let lines = vec![at(1, date(2027, 1, 31), -5_000), at(2, date(2027, 2, 10), -20_000)];
        import(&device, &world, &card, lines).await;
        let list: StatementList = device.get("/api/v1/statements").await.ok();
        let said: Vec<_> = list.items.iter().map(|one| (one.closed_on, one.opening, one.closing)).collect();
        let (january, february) = (date(2027, 1, 31), date(2027, 2, 28));
        assert_eq!(said, [(february, usd(100_000), usd(80_000)), (january, usd(105_000), usd(100_000))]);
        let pdf = device.get(&format!("/api/v1/statements/{}/{february}.pdf", card.id)).await;
        assert!(pdftotext(&pdf.body).contains("800.00"), "on paper too");
    })
    .await;
}

#[tokio::test]
async fn cycles_are_whole_quiet_or_not_complete_by_what_files_cover() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let span = |first_on, last_on| Covered { first_on, last_on };
        let files = vec![span(date(2026, 10, 1), date(2027, 1, 10)), span(date(2027, 1, 20), date(2027, 2, 28))];
        let card = Account { covered: files, ..card(&world) };
        let at = |number, posted_on| Transaction { posted_on, ..line(&world, &card, number) };
        let days = [date(2026, 10, 9), date(2026, 12, 3), date(2027, 1, 5), date(2027, 1, 25), date(2027, 2, 3)];
        import(&device, &world, &card, days.into_iter().enumerate().map(|(number, on)| at(number, on)).collect()).await;
        let list: StatementList = device.get("/api/v1/statements").await.ok();
        let said: Vec<_> = list.items.iter().map(|one| (one.closed_on, one.lines, one.complete)).collect();
        let expected = [
            (date(2027, 2, 28), 1, true),
            (date(2027, 1, 31), 2, false),
            (date(2026, 12, 31), 1, true),
            (date(2026, 11, 30), 0, true),
            (date(2026, 10, 31), 1, true),
        ];
        assert_eq!(said, expected);
        assert_eq!(list.items[3].opening, list.items[3].closing, "nothing moved in November");
        let part = "do not cover";
        for (closed_on, noted) in [(date(2027, 1, 31), true), (date(2026, 11, 30), false)] {
            let pdf = device.get(&format!("/api/v1/statements/{}/{closed_on}.pdf", card.id)).await;
            assert_eq!(pdftotext(&pdf.body).contains(part), noted, "{closed_on}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cycle_that_adds_up_to_no_amount_is_left_out_and_the_others_stay() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = card(&world);
        let most = Money::new(-Money::MINOR_MAX, Currency::USD).unwrap();
        // Together more than the database's own range.
        let huge = |number| Transaction { posted_on: date(2027, 1, 5), amount: most, ..line(&world, &card, number) };
        let good = Transaction { posted_on: date(2027, 2, 5), ..line(&world, &card, 1_100) };
        import(&device, &world, &card, (0..1_100).map(huge).chain([good]).collect()).await;
        let list: StatementList = device.get("/api/v1/statements").await.ok();
        let closed: Vec<Date> = list.items.iter().map(|summary| summary.closed_on).collect();
        assert_eq!(closed, [date(2027, 2, 28)]);
        let archive = device.post("/api/v1/export", &()).await;
        archive.expect(200);
        zip::ZipArchive::new(std::io::Cursor::new(archive.body)).expect("it came to its end");
    })
    .await;
}

#[test]
fn more_lines_than_fit_make_no_statement() {
    let (account, _) = statement_of(&[]);
    let listed = |lines| {
        let sums = vec![DaySum { day: date(2027, 1, 5), minor: -1, lines }];
        Days { account: &account, sums }.listed(date(2027, 3, 1)).count()
    };
    assert_eq!((listed(50_000), listed(50_001)), (1, 0));
}
