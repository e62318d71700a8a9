use domain::accounts::{AccountKind, TransactionKind};
use domain::billers::OwnBiller;
use domain::bills::OccurrenceState;
use domain::calendar::{Calendar, Roll};
use domain::card::Excess;
use domain::ids::{PaymentId, TransactionId};
use domain::money::Currency;
use domain::paydays::{Income, PayCycle};
use domain::payments::{PaymentOrder, PaymentState};
use domain::purchases::{CardStatus, ServedCard};
use domain::reminders::{Lead, Turn};
use domain::schedule::{Every, Schedule};
use domain::suggestions::SuggestionAnswer;

use super::*;
use crate::accounts::TransactionQuery;
use crate::archive::tests::archive_of;
use crate::testing::{World, day, monthly, usd};

fn made() -> Timestamp {
    "2026-10-01T09:00:00Z".parse().unwrap()
}

fn card(chance: u8) -> Account {
    Account {
        id: AccountId::new(made(), [chance; 10]),
        keeping: Keeping::Linked,
        kind: AccountKind::Card,
        name: "Sea card".to_owned(),
        mask: Some("4417".to_owned()),
        currency: Currency::USD,
        source: Some("of the sea".to_owned()),
        balance: Some(usd("-120.05")),
        available: None,
        balance_as_of: Some(made()),
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    }
}

fn line(of: &Account, chance: u8, source: &str) -> Transaction {
    Transaction {
        id: TransactionId::new(made(), [chance; 10]),
        account: of.id,
        posted_on: day("2026-10-05"),
        amount: usd("-12.05"),
        description: format!("Corner shop {source}"),
        memo: None,
        kind: TransactionKind::Purchase,
        state: TransactionState::Posted,
        source: Some(source.to_owned()),
    }
}

fn rent() -> Bill {
    let schedule = Schedule::new(Every::Month, 1, day("2026-09-01"));
    Bill { remind_days: vec![3], ..Bill::new(BillId::new(made(), [3; 10]), "Rent".to_owned(), usd("950"), schedule) }
}

fn payment(of: &Bill, due_on: &str, amount: &str, state: PaymentState, chance: u8) -> Record {
    let order = PaymentOrder {
        id: PaymentId::new(made(), [chance; 10]),
        biller: BillerId::new(made(), [9; 10]),
        reference: None,
        amount: usd(amount),
        bill: Some(of.id),
        due_on: Some(day(due_on)),
        send_on: None,
        duplicate_meant: false,
        method: None,
    };
    Record::Payment(Payment {
        order,
        state,
        reason: None,
        will_process_on: day(due_on),
        cutoff_at: made(),
        expected_by: day(due_on),
        rail: "sandbox".to_owned(),
        approve_by: None,
        held_until: None,
        autopay: false,
        history: Vec::new(),
    })
}

/// One of each that comes back, in the order of an archive.
fn one_of_each() -> Vec<Record> {
    let (card, rent) = (card(1), rent());
    let biller = OwnBiller {
        id: BillerId::new(made(), [4; 10]),
        name: "Window cleaner".to_owned(),
        category: String::new(),
        accepts: Vec::new(),
        how_to_pay: "In cash".to_owned(),
    };
    let income = Income {
        id: IncomeId::new(made(), [5; 10]),
        name: "Pay".to_owned(),
        amount: usd("2000"),
        cycle: PayCycle::Monthly { day: 31 },
        calendar: Calendar::FederalReserve,
        roll: Roll::Preceding,
    };
    let lead = Lead { bill: rent.id, due_on: day("2026-12-01"), falls_on: day("2026-12-01"), turn: Turn::Before(3) };
    vec![
        Record::Account(card.clone()),
        Record::Bill(Bill { biller: Some(biller.id), card: Some(card.id), ..rent.clone() }),
        Record::Mark(Mark { skipped: true, ..Mark::new(rent.id, day("2026-09-01")) }),
        Record::Transaction(line(&card, 1, "a")),
        Record::Transaction(line(&card, 2, "b")),
        Record::ReminderAnswer(ReminderAnswer::to(&lead, made(), None)),
        Record::Income(income),
        Record::PlanWishes(PlanWishes { account: Some(card.id), keep: Some(usd("100")), ..PlanWishes::default() }),
        Record::SuggestionAnswer(SuggestionAnswer { id: SuggestionId::from_uuid(rent.id.as_uuid()), accepted: true }),
        Record::OwnBiller(biller),
    ]
}

fn counted(report: &ImportReport) -> Vec<(&'static str, u32, u32)> {
    let archive = report.archive.as_ref().expect("an archive");
    archive.parts.iter().map(|part| (part.what.as_str(), part.new, part.known)).collect()
}

async fn import(client: &Client, records: &[Record]) -> ImportReport {
    client.import().import(archive_of(records), None).await.unwrap()
}

async fn lines_of(client: &Client) -> usize {
    client.accounts().transactions(TransactionQuery::default()).await.unwrap().items.len()
}

#[tokio::test]
async fn an_empty_account_gets_all_of_it_and_the_same_again_adds_nothing() {
    let world = World::new();
    let client = world.start().await;
    let archive = archive::with_own(
        archive_of(&one_of_each()),
        &Settings { remind_at: "18:30".to_owned(), start_hidden_at_sign_in: true, ..Settings::default() },
        &[],
    )
    .unwrap();
    let preview = client.import().preview(archive.clone()).await.unwrap();
    assert_eq!((preview.new, client.status().await.unwrap().waiting), (11, 0), "a preview keeps nothing");
    let report = client.import().import(archive.clone(), None).await.unwrap();
    assert_eq!(ImportReport { preview: false, ..preview }, report, "it says before what it does");
    let all = [
        ("accounts", 1, 0),
        ("lines", 2, 0),
        ("billers", 1, 0),
        ("bills", 1, 0),
        ("marks", 1, 0),
        ("reminders", 1, 0),
        ("incomes", 1, 0),
        ("plan", 1, 0),
        ("suggestions", 1, 0),
        ("settings", 1, 0),
    ];
    assert_eq!(counted(&report), all);
    assert_eq!(client.accounts().list().await.unwrap()[0].account, card(1));
    assert_eq!(lines_of(&client).await, 2);
    let bills = client.bills().view().await.unwrap().bills;
    let kept = &bills[0];
    assert_eq!((kept.bill.name.as_str(), kept.biller_name.as_deref()), ("Rent", Some("Window cleaner")));
    assert_eq!(kept.bill.card, Some(card(1).id));
    let settings = client.settings().await.unwrap();
    assert_eq!((settings.remind_at.as_str(), settings.start_hidden_at_sign_in), ("18:30", false));
    assert_eq!(client.paydays().wishes().await.unwrap().account, Some(card(1).id));
    let waiting = client.status().await.unwrap().waiting;
    assert_eq!(waiting, 2, "one chunk of lines and one part of the rest");
    let again = client.import().import(archive, None).await.unwrap();
    assert_eq!((again.new, again.known), (0, 11), "{again:?}");
    assert_eq!((lines_of(&client).await, client.status().await.unwrap().waiting), (2, waiting));
    world.end().await;
}

#[tokio::test]
async fn what_was_paid_there_is_marked_paid_here_and_never_ordered() {
    let world = World::new();
    let client = world.start().await;
    let rent = rent();
    let records = [
        Record::Bill(rent.clone()),
        Record::Mark(Mark { paid_elsewhere: Some(usd("50")), ..Mark::new(rent.id, day("2026-10-01")) }),
        payment(&rent, "2026-10-01", "900", PaymentState::Final, 1),
        payment(&rent, "2026-11-01", "950", PaymentState::Settled, 2),
        payment(&rent, "2026-12-01", "950", PaymentState::Scheduled, 3),
        payment(&rent, "2026-09-01", "950", PaymentState::Returned, 4),
    ];
    let report = import(&client, &records).await;
    let archive = report.archive.clone().unwrap();
    assert_eq!((archive.history, archive.under_way), (4, 1));
    assert_eq!(counted(&report), [("bills", 1, 0), ("marks", 2, 0)]);
    let states: Vec<_> = client.bills().view().await.unwrap().occurrences;
    let state = |due_on: &str| states.iter().find(|one| one.due_on == day(due_on)).map(|one| one.state);
    assert_eq!(state("2026-11-01"), Some(OccurrenceState::Paid));
    assert_ne!(state("2026-10-01"), Some(OccurrenceState::Overdue), "a part by hand and the rest by Billfold");
    assert_eq!(state("2026-12-01"), Some(OccurrenceState::Due), "it may still come to nothing there");
    assert_eq!(state("2026-09-01"), Some(OccurrenceState::Overdue), "what came back paid nothing");
    assert!(client.payments().list().await.unwrap().is_empty(), "no payment is made of it");
    world.end().await;
}

#[tokio::test]
async fn what_is_here_stays_as_it_is_and_nothing_comes_twice_under_another_id() {
    let world = World::new();
    let client = world.start().await;
    // The same card was imported here from its issuer's file, under an id of this account.
    let own = card(7);
    let pending = Transaction { state: TransactionState::Pending, ..line(&own, 8, "c") };
    let first = [Record::Account(own.clone()), Record::Transaction(line(&own, 7, "a")), Record::Transaction(pending)];
    assert_eq!(import(&client, &first).await.new, 3, "a pending line of an account that comes");
    client.bills().add(monthly("Phone", "40", "2026-11-01")).await.unwrap();
    let settings = Settings { lock_after_minutes: 2, ..Settings::default() };
    client.set_settings(settings.clone()).await.unwrap();
    let other = Settings { lock_after_minutes: 15, ..Settings::default() };
    let stale = Transaction { state: TransactionState::Pending, ..line(&card(1), 9, "d") };
    let records = [one_of_each(), vec![Record::Transaction(stale)]].concat();
    let archive = archive::with_own(archive_of(&records), &other, &[]).unwrap();
    let report = client.import().import(archive, None).await.unwrap();
    let parts = counted(&report);
    assert!(parts.contains(&("accounts", 0, 1)) && parts.contains(&("lines", 1, 2)), "{parts:?}");
    assert!(parts.contains(&("settings", 0, 1)), "{parts:?}");
    assert_eq!(client.settings().await.unwrap(), settings, "a lock is not loosened by a file");
    let accounts = client.accounts().list().await.unwrap();
    assert_eq!(accounts.iter().map(|view| (view.account.id, view.transactions)).collect::<Vec<_>>(), [(own.id, 3)]);
    let bills = client.bills().view().await.unwrap().bills;
    let rent = bills.iter().find(|view| view.bill.name == "Rent").unwrap();
    assert_eq!(rent.bill.card, Some(own.id), "it names the card by its id here");
    assert_eq!(client.paydays().wishes().await.unwrap().account, Some(own.id));
    // What is said here of a bill counts, whatever the archive says.
    let again = Record::Mark(Mark { skipped: true, ..Mark::new(rent.bill.id, day("2026-12-01")) });
    let report = import(&client, &[Record::Bill(rent.bill.clone()), again]).await;
    assert_eq!(counted(&report), [("bills", 0, 1), ("marks", 0, 1)]);
    world.end().await;
}

#[tokio::test]
async fn a_card_of_another_server_comes_as_an_issuers_and_its_practice_money_stays_there() {
    let world = World::new();
    let client = world.start().await;
    let served = Account { keeping: Keeping::Served, source: None, ..card(1) };
    let card: Account = Account {
        card: Some(ServedCard {
            status: CardStatus::Active,
            status_at: made(),
            limit: usd("1000"),
            merchants: Vec::new(),
            minimum_left: None,
            asked: Vec::new(),
            statement_left: None,
            rewards_at_checkout: false,
        }),
        ..served.clone()
    };
    let practice = Account { id: AccountId::new(made(), [2; 10]), kind: AccountKind::Checking, ..served };
    let stranger = Bill { biller: Some(BillerId::new(made(), [9; 10])), ..rent() };
    let records = [
        Record::Account(card.clone()),
        Record::Account(practice.clone()),
        Record::Transaction(Transaction { source: None, ..line(&card, 1, "a") }),
        Record::Transaction(Transaction { source: None, ..line(&practice, 2, "b") }),
        Record::Bill(stranger),
    ];
    let report = import(&client, &records).await;
    let archive = report.archive.clone().unwrap();
    assert_eq!((archive.history, archive.without_biller), (2, 1));
    assert_eq!(counted(&report), [("accounts", 1, 0), ("lines", 1, 0), ("bills", 1, 0)]);
    let kept = client.accounts().list().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].account.keeping, kept[0].account.card.is_none()), (Keeping::Linked, true));
    assert_eq!(import(&client, &records).await.new, 0, "and the same again adds nothing");
    world.end().await;
}

#[tokio::test]
async fn the_days_that_an_archive_covers_are_added_to_those_that_are_known_here() {
    let world = World::new();
    let client = world.start().await;
    let span = |first, last| Covered { first_on: day(first), last_on: day(last) };
    let of = |covered: &[Covered]| Record::Account(Account { covered: covered.to_vec(), ..card(1) });
    let known = async || client.accounts().list().await.unwrap().remove(0).account.covered;
    let september = span("2026-09-01", "2026-09-30");
    import(&client, &[of(&[september])]).await;
    assert_eq!(known().await, [september]);
    let october = [of(&[span("2026-10-01", "2026-10-31")])];
    import(&client, &october).await;
    let both = span("2026-09-01", "2026-10-31");
    assert_eq!(known().await, [both]);
    let waiting = client.status().await.unwrap().waiting;
    import(&client, &october).await;
    assert_eq!(client.status().await.unwrap().waiting, waiting, "the same again adds nothing");
    // One that was made before spans were kept is known by its lines.
    let older = Transaction { posted_on: day("2026-07-05"), ..line(&card(1), 1, "a") };
    import(&client, &[of(&[]), Record::Transaction(older)]).await;
    assert_eq!(known().await, [span("2026-07-05", "2026-07-05"), both]);
    world.end().await;
}

#[test]
fn parts_are_as_small_as_the_server_wants_them_and_lose_nothing_of_their_order() {
    let bill = |at: usize, note: usize| {
        let mut chance = [0; 10];
        chance[..8].copy_from_slice(&at.to_be_bytes());
        Record::Bill(Bill { id: BillId::new(made(), chance), note: Some("n".repeat(note)), ..rent() })
    };
    let small: Vec<Record> = (0..1_201).map(|at| bill(at, 1)).collect();
    let parts = parts_of(small.clone()).unwrap();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 201]);
    assert_eq!(parts.concat(), small);
    let large: Vec<Record> = (0..5).map(|at| bill(at, 400_000)).collect();
    let parts = parts_of(large.clone()).unwrap();
    assert_eq!((parts.iter().map(Vec::len).collect::<Vec<_>>(), parts.concat()), (vec![2, 2, 1], large));
    assert!(parts_of(Vec::new()).unwrap().is_empty());
}

#[tokio::test]
async fn an_archive_goes_into_no_single_account_and_a_wrong_one_changes_nothing() {
    let world = World::new();
    let client = world.start().await;
    import(&client, &[Record::Account(card(1))]).await;
    let before = client.status().await.unwrap().waiting;
    let code = async |bytes: Vec<u8>, into| client.import().import(bytes, into).await.unwrap_err().code;
    let whole = archive_of(&one_of_each());
    assert_eq!(code(whole.clone(), Some(card(1).id)).await, "invalid_request");
    assert_eq!(code(whole[..whole.len() / 2].to_vec(), None).await, "file_damaged");
    assert_eq!(code(crate::archive::tests::packed(&[("photo.jpg", b"x")]), None).await, "not_a_known_format");
    let nameless = Record::Bill(Bill { name: String::new(), ..rent() });
    assert_eq!(code(archive_of(&[nameless]), None).await, "file_damaged");
    assert_eq!(client.status().await.unwrap().waiting, before);
    assert!(client.bills().view().await.unwrap().bills.is_empty());
    world.end().await;
}
