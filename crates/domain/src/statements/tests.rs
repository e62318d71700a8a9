//! Opening plus lines is closing, to the cent, from whichever balance is known.

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::accounts::{Keeping, TransactionKind};
use crate::card::{DueRule, Excess};
use crate::ids::TransactionId;
use crate::money::Currency;

const TODAY: Date = date(2026, 11, 20);

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect("a valid amount")
}

fn account(kind: AccountKind, closing_day: Option<u8>) -> Account {
    let due = DueRule::DayOfMonth(20);
    Account {
        id: AccountId::new(Timestamp::UNIX_EPOCH, [1; 10]),
        keeping: Keeping::Linked,
        kind,
        name: "An account".into(),
        mask: None,
        currency: Currency::USD,
        source: None,
        balance: None,
        available: None,
        balance_as_of: None,
        terms: closing_day.map(|closing_day| CardTerms {
            closing_day,
            due,
            minimum_floor: None,
            minimum_share: None,
            minimum_adds_charges: false,
            apr: None,
            late_fee: None,
        }),
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    }
}

fn card() -> Account {
    account(AccountKind::Card, Some(25))
}

fn span(first_on: Date, last_on: Date) -> Covered {
    Covered { first_on, last_on }
}

/// By the days of the first and the last line alone.
fn lines_within(first_on: Date, last_on: Date) -> Coverage {
    Coverage::of(&card(), Some(span(first_on, last_on))).expect("some days")
}

/// Each cycle of an account with these spans, newest first: what is said of it, with so many lines.
fn said(spans: &[Covered], lines_of: impl Fn(&Cycle) -> u32) -> Vec<(Date, &'static str)> {
    let account = Account { covered: spans.to_vec(), ..account(AccountKind::Checking, None) };
    let coverage = Coverage::of(&account, None).expect("some days");
    let say = |cycle: &Cycle| match (coverage.lacks(cycle, lines_of(cycle)), cycle.complete) {
        (true, _) => "gap",
        (false, true) => "whole",
        (false, false) => "not whole",
    };
    closed_cycles(&account, &coverage, TODAY).iter().map(|cycle| (cycle.closed_on, say(cycle))).collect()
}

fn line(number: u8, posted_on: Date, amount: &str) -> Transaction {
    Transaction {
        id: TransactionId::new(Timestamp::UNIX_EPOCH, [number; 10]),
        account: card().id,
        posted_on,
        amount: usd(amount),
        description: String::new(),
        memo: None,
        kind: TransactionKind::Purchase,
        state: TransactionState::Posted,
        source: None,
    }
}

fn names(cycles: &[Cycle]) -> Vec<String> {
    cycles.iter().map(|cycle| format!("{}..{}", cycle.opened_on, cycle.closed_on)).collect()
}

#[test]
fn the_cycles_of_a_card_close_on_its_closing_day() {
    let cycles = closed_cycles(&card(), &lines_within(date(2026, 9, 10), TODAY), TODAY);
    assert_eq!(names(&cycles), ["2026-09-26..2026-10-25", "2026-08-26..2026-09-25"]);
    assert_eq!(cycles.iter().map(|cycle| cycle.complete).collect::<Vec<_>>(), [true, false]);
    assert_eq!(cycles[0].due_on, Some(date(2026, 11, 20)));
}

#[test]
fn an_account_without_a_closing_day_has_calendar_months() {
    for account in [account(AccountKind::Checking, None), account(AccountKind::Card, None)] {
        let cycles = closed_cycles(&account, &lines_within(date(2026, 9, 1), TODAY), TODAY);
        assert_eq!(names(&cycles), ["2026-10-01..2026-10-31", "2026-09-01..2026-09-30"]);
        assert!(cycles.iter().all(|cycle| cycle.complete && cycle.due_on.is_none()));
    }
}

#[test]
fn a_cycle_closes_when_its_last_day_is_over() {
    let known = lines_within(date(2026, 10, 26), date(2026, 11, 26));
    assert_eq!(closed_cycles(&card(), &known, date(2026, 11, 25)), []);
    let known_to_today = lines_within(date(2026, 10, 26), date(2026, 11, 25));
    assert_eq!(closed_cycles(&card(), &known_to_today, date(2026, 11, 25)), [], "today is its last day");
    assert_eq!(names(&closed_cycles(&card(), &known, date(2026, 11, 26))), ["2026-10-26..2026-11-25"]);
    assert_eq!(next_closing_on(&card(), date(2026, 11, 25)), date(2026, 11, 25));
    assert_eq!(next_closing_on(&account(AccountKind::Savings, None), TODAY), date(2026, 11, 30));
}

#[test]
fn at_most_twelve_cycles_are_listed() {
    let cycles = closed_cycles(&card(), &lines_within(date(2020, 1, 1), TODAY), TODAY);
    assert_eq!(cycles.len(), CYCLES_MAX);
    assert_eq!(cycles[11].closed_on, date(2025, 11, 25));
    let pairs = cycles.windows(2).all(|pair| pair[0].opened_on == days::shifted(pair[1].closed_on, 1));
    assert!(pairs, "each begins the day after the one before it");
}

#[test]
fn an_old_import_shows_the_months_it_has() {
    let cycles = closed_cycles(&card(), &lines_within(date(2015, 3, 1), date(2015, 5, 1)), TODAY);
    assert_eq!(names(&cycles), ["2015-04-26..2015-05-25", "2015-03-26..2015-04-25", "2015-02-26..2015-03-25"]);
    assert_eq!(cycles.iter().map(|cycle| cycle.complete).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn a_cycle_is_found_by_its_name() {
    let known = lines_within(date(2026, 1, 1), TODAY);
    let found = cycle_closed_on(&card(), date(2026, 10, 25), &known, TODAY);
    assert_eq!(found, closed_cycles(&card(), &known, TODAY).first().copied());
    assert_eq!(cycle_closed_on(&card(), date(2026, 10, 24), &known, TODAY), None);
    assert_eq!(cycle_closed_on(&card(), date(2026, 11, 25), &known, TODAY), None, "still open");
    let old = cycle_closed_on(&card(), date(2019, 10, 25), &known, TODAY).expect("any age");
    assert!(!old.complete);
}

#[test]
fn a_hole_between_two_files_is_said_of_both_months_though_both_have_lines() {
    let files = [span(date(2026, 7, 1), date(2026, 8, 10)), span(date(2026, 9, 20), date(2026, 10, 31))];
    let expected = [
        (date(2026, 10, 31), "whole"),
        (date(2026, 9, 30), "not whole"),
        (date(2026, 8, 31), "not whole"),
        (date(2026, 7, 31), "whole"),
    ];
    assert_eq!(said(&files, |_| 3), expected);
}

#[test]
fn a_month_without_lines_that_a_file_covers_is_no_gap_and_one_that_none_covers_is() {
    let files = [span(date(2026, 6, 1), date(2026, 7, 31)), span(date(2026, 9, 1), date(2026, 10, 31))];
    let quiet = |cycle: &Cycle| u32::from(![7, 8].contains(&cycle.closed_on.month()));
    let expected = [
        (date(2026, 10, 31), "whole"),
        (date(2026, 9, 30), "whole"),
        (date(2026, 8, 31), "gap"),
        (date(2026, 7, 31), "whole"),
        (date(2026, 6, 30), "whole"),
    ];
    assert_eq!(said(&files, quiet), expected);
    let half = [span(date(2026, 9, 1), date(2026, 10, 15))];
    assert_eq!(said(&half, |_| 0), [(date(2026, 10, 31), "gap"), (date(2026, 9, 30), "whole")]);
}

#[test]
fn the_first_month_is_whole_where_its_file_begins_with_it() {
    let account = Account { covered: vec![span(date(2026, 9, 1), TODAY)], ..account(AccountKind::Checking, None) };
    let lines = Some(span(date(2026, 9, 4), date(2026, 11, 2)));
    let known = Coverage::of(&account, lines).expect("some days");
    assert!(closed_cycles(&account, &known, TODAY).iter().all(|cycle| cycle.complete));
    // Nothing but the lines is known of an account that was imported before.
    let before = Account { covered: Vec::new(), ..account };
    let known = Coverage::of(&before, lines).expect("some days");
    let cycles = closed_cycles(&before, &known, TODAY);
    assert_eq!(cycles.iter().map(|cycle| cycle.complete).collect::<Vec<_>>(), [true, false]);
    assert!(known.lacks(&cycles[0], 0), "without lines nothing says that a month was quiet");
    assert_eq!(Coverage::of(&before, None), None);
}

#[test]
fn lines_beside_what_files_cover_are_listed_and_not_whole() {
    let account =
        Account { covered: vec![span(date(2026, 10, 1), date(2026, 10, 31))], ..account(AccountKind::Checking, None) };
    let known = Coverage::of(&account, Some(span(date(2026, 8, 5), date(2026, 10, 5)))).expect("some days");
    let cycles = closed_cycles(&account, &known, TODAY);
    assert_eq!(cycles.iter().map(|cycle| cycle.complete).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn spans_that_overlap_or_adjoin_are_one() {
    let days = |first, last| span(date(2026, 3, first), date(2026, 3, last));
    let all = [days(20, 25), days(1, 5), days(6, 8), days(7, 7), days(30, 29), days(24, 27)];
    assert_eq!(merged(all), [days(1, 8), days(20, 27)]);
    let far = span(date(2026, 1, 1), Date::MAX);
    assert_eq!(merged([far, days(1, 2)]), [far]);
    let many =
        (0..150).map(|at| Covered { first_on: days::shifted(TODAY, at * 3), last_on: days::shifted(TODAY, at * 3) });
    let kept = merged(many);
    assert_eq!((kept.len(), kept[0].first_on), (SPANS_MAX, days::shifted(TODAY, 150)), "the newest stay");
}

#[test]
fn what_lines_alone_say_is_kept_without_the_cycles_that_have_none() {
    let days = [date(2026, 10, 3), date(2026, 1, 9), date(2026, 2, 27), date(2026, 6, 15), date(2026, 6, 15)];
    let checking = account(AccountKind::Checking, None);
    let expected = [
        span(date(2026, 1, 9), date(2026, 2, 28)),
        span(date(2026, 6, 1), date(2026, 6, 30)),
        span(date(2026, 10, 1), date(2026, 10, 3)),
    ];
    assert_eq!(covered_by_lines(&checking, days), expected);
    // A file beside them fills no month that was missing.
    let spans = merged(expected.into_iter().chain([span(date(2026, 10, 1), TODAY)]));
    let lines_of = |cycle: &Cycle| u32::from([1, 2, 6, 10].contains(&cycle.closed_on.month()));
    let gaps: Vec<i8> =
        said(&spans, lines_of).iter().filter(|(_, say)| *say == "gap").map(|(on, _)| on.month()).collect();
    assert_eq!(gaps, [9, 8, 7, 5, 4, 3]);
    assert_eq!(covered_by_lines(&checking, []), []);
}

fn october() -> Cycle {
    closed_cycles(&card(), &lines_within(date(2026, 1, 1), TODAY), TODAY)[0]
}

#[test]
fn the_same_statement_comes_from_the_opening_the_closing_and_the_balance_of_another_day() {
    let lines = vec![
        line(3, date(2026, 10, 25), "-12.34"),
        line(1, date(2026, 9, 26), "-100"),
        line(2, date(2026, 9, 26), "40.05"),
    ];
    let later = Known::Elsewhen { balance: usd("-200"), above: usd("-27.71") };
    for known in [Known::Opening(usd("-100")), Known::Closing(usd("-172.29")), later] {
        let statement = build(card().id, &october(), known, lines.clone()).expect("fits");
        assert_eq!(statement.summary.opening, usd("-100"));
        assert_eq!(statement.summary.closing, usd("-172.29"));
        assert_eq!(statement.summary.lines, 3);
        let order: Vec<_> = statement.lines.iter().map(|line| line.amount).collect();
        assert_eq!(order, [usd("-100"), usd("40.05"), usd("-12.34")], "in posting order");
        let head = summary(card().id, &october(), known, usd("-72.29"), 3).expect("in range");
        assert_eq!(head, statement.summary, "sums alone give the same head");
    }
}

/// What is known of a month's closing, from the balance of a day and the lines that lie between.
fn closing_of(account: &Account, closed_on: Date, lines: &[Transaction]) -> Money {
    let known = lines_within(date(2026, 9, 1), TODAY);
    let cycle = cycle_closed_on(account, closed_on, &known, date(2027, 1, 10)).expect("a month");
    let apart = account.apart_from(closed_on);
    let between = lines.iter().filter(|line| apart.holds(line.posted_on)).map(|line| line.amount);
    let between = Money::sum(Currency::USD, between).expect("in range");
    let known = Known::of(account, &cycle, None, Some(between)).expect("a balance");
    summary(account.id, &cycle, known, usd("0"), 0).expect("in range").closing
}

#[test]
fn a_balance_is_carried_from_its_own_day_back_and_on() {
    let lines = [
        line(1, date(2026, 10, 30), "-1"),
        line(2, date(2026, 10, 31), "-10"),
        line(3, date(2026, 11, 1), "-100"),
        line(4, date(2026, 11, 30), "-1000"),
    ];
    let as_of = |moment: &str| Account {
        balance: Some(usd("5000")),
        balance_as_of: Some(moment.parse().expect("a moment")),
        ..account(AccountKind::Checking, None)
    };
    let closings = |account: &Account| {
        [date(2026, 9, 30), date(2026, 10, 31), date(2026, 11, 30)].map(|on| closing_of(account, on, &lines))
    };
    let of_october = [usd("5011"), usd("5000"), usd("3900")];
    assert_eq!(closings(&as_of("2026-10-31T00:00:00Z")), of_october);
    assert_eq!(closings(&as_of("2026-10-30T00:00:00Z")), [usd("5001"), usd("4990"), usd("3890")]);
    // A moment is no day: it is the latest that it can be.
    assert_eq!(closings(&as_of("2026-10-30T15:00:00Z")), of_october);
    let now = [usd("6111"), usd("6100"), usd("5000")];
    assert_eq!(closings(&as_of("2026-12-02T00:00:00Z")), now);
    assert_eq!(closings(&Account { balance_as_of: None, ..as_of("2026-10-31T00:00:00Z") }), now);
    let served = Account { keeping: Keeping::Served, ..as_of("2026-10-31T00:00:00Z") };
    assert_eq!(closings(&served), now, "what is kept here holds every line");
}

#[test]
fn a_cycle_without_lines_closes_as_it_opened() {
    let statement = build(card().id, &october(), Known::Opening(usd("-5")), vec![]).expect("fits");
    assert_eq!((statement.summary.opening, statement.summary.closing), (usd("-5"), usd("-5")));
}

#[test]
fn a_line_that_does_not_belong_is_refused() {
    let build_with = |line| build(card().id, &october(), Known::Opening(usd("0")), vec![line]);
    let good = line(1, date(2026, 10, 25), "-1");
    assert!(build_with(good.clone()).is_ok());
    let stray = Err(StatementError::StrayLine);
    assert_eq!(build_with(line(1, date(2026, 10, 26), "-1")), stray);
    assert_eq!(build_with(line(1, date(2026, 9, 25), "-1")), stray);
    assert_eq!(build_with(Transaction { state: TransactionState::Pending, ..good.clone() }), stray);
    let other = AccountId::new(Timestamp::UNIX_EPOCH, [9; 10]);
    assert_eq!(build_with(Transaction { account: other, ..good.clone() }), stray);
    let euros = Money::parse("1", Currency::EUR).expect("valid");
    assert!(matches!(build_with(Transaction { amount: euros, ..good }), Err(StatementError::Money(_))));
}
