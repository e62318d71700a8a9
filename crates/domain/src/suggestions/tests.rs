//! Single rhythms and look-alikes by hand, then two hundred generated households against their labels.

use jiff::Timestamp;
use jiff::civil::date;

use super::households::{Household, Score, TODAY};
use super::*;

struct Book(Vec<(TransactionId, Date, Money, String)>);

impl Book {
    fn of(lines: &[(Date, i64)], text: &str) -> Self {
        let mut book = Self(Vec::new());
        book.and(lines, text);
        book
    }

    fn and(&mut self, lines: &[(Date, i64)], text: &str) {
        for (on, minor) in lines {
            let number = u8::try_from(self.0.len()).expect("few");
            let id = TransactionId::new(Timestamp::UNIX_EPOCH, [number; 10]);
            let amount = Money::new(-minor, Currency::USD).expect("in range");
            self.0.push((id, *on, amount, format!("{text} {number}")));
        }
    }

    fn suggestions(&self, today: Date) -> Vec<Suggestion> {
        let account = AccountId::new(Timestamp::UNIX_EPOCH, [0; 10]);
        let lines: Vec<Line<'_>> = self
            .0
            .iter()
            .map(|(id, on, amount, text)| Line { id: *id, account, on: *on, amount: *amount, description: text })
            .collect();
        suggestions(&lines, today)
    }
}

fn monthly(day: i8, amounts: &[i64]) -> Vec<(Date, i64)> {
    let first = 11 - i8::try_from(amounts.len()).expect("few") + 1;
    amounts
        .iter()
        .enumerate()
        .map(|(at, minor)| (date(2026, first + i8::try_from(at).expect("few"), day), *minor))
        .collect()
}

#[test]
fn a_subscription_with_a_price_rise_is_one_suggestion_with_its_lines() {
    let found = Book::of(&monthly(8, &[1_199, 1_199, 1_199, 1_399]), "PAPERKITE TV").suggestions(TODAY);
    assert_eq!(found.len(), 1);
    let tv = &found[0];
    assert_eq!(
        (tv.payee.as_str(), tv.cadence, tv.varies, tv.amount.minor()),
        ("Paperkite Tv", Cadence::Monthly, false, 1_399)
    );
    assert_eq!((tv.schedule.day, tv.schedule.starts_on), (Some(8), date(2026, 12, 8)));
    assert_eq!((tv.evidence.len(), tv.evidence[0].on, tv.missed), (4, date(2026, 11, 8), 0));
    assert!((Suggestion::LEAST..100).contains(&tv.confidence));
    assert_eq!(tv.schedule.check(), Ok(()));
}

#[test]
fn what_varies_is_estimated_by_its_middle_and_a_skipped_month_lowers_how_sure_it_is() {
    let amounts = [7_100, 8_300, 7_700, 6_900, 8_000, 7_400];
    let lines: Vec<_> = monthly(10, &amounts);
    let whole = Book::of(&lines, "COBALT RIDGE POWER").suggestions(TODAY);
    assert_eq!((whole[0].varies, whole[0].amount.minor()), (true, 7_400));
    let gap: Vec<_> = lines.iter().copied().filter(|(on, _)| on.month() != 8).collect();
    let gap = Book::of(&gap, "COBALT RIDGE POWER").suggestions(TODAY);
    assert_eq!((gap[0].missed, gap[0].confidence < whole[0].confidence), (1, true));
}

#[test]
fn a_bill_of_the_last_day_clamps_and_returns() {
    let ends = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)];
    let found = Book::of(&ends.map(|on| (on, 95_000)), "ALDER COURT").suggestions(date(2026, 5, 3));
    assert_eq!((found[0].schedule.day, found[0].schedule.starts_on), (Some(31), date(2026, 5, 31)));
}

#[test]
fn every_cadence_is_told_apart() {
    let every = |days: i32, count: i32| -> Vec<(Date, i64)> {
        (0..count).rev().map(|at| (days::shifted(date(2026, 11, 9), -days * at), 5_000)).collect()
    };
    for (lines, cadence) in [
        (every(7, 9), Cadence::Weekly),
        (every(14, 8), Cadence::TwoWeekly),
        (every(28, 9), Cadence::FourWeekly),
        (monthly(9, &[5_000; 7]), Cadence::Monthly),
        ([2, 5, 8, 11].map(|month| (date(2026, month, 9), 5_000)).to_vec(), Cadence::Quarterly),
        ([2024, 2025, 2026].map(|year| (date(year, 11, 9), 5_000)).to_vec(), Cadence::Yearly),
    ] {
        let found = Book::of(&lines, "BIRCHGATE").suggestions(TODAY);
        assert_eq!(found.iter().map(|one| one.cadence).collect::<Vec<_>>(), [cadence]);
    }
}

#[test]
fn what_ended_what_is_cash_and_what_is_shopping_is_not_suggested() {
    let ended = Book::of(&monthly(8, &[1_199; 6]), "PAPERKITE TV");
    assert!(ended.suggestions(date(2027, 3, 1)).is_empty());
    assert!(Book::of(&monthly(8, &[6_000; 6]), "ATM WITHDRAWAL").suggestions(TODAY).is_empty());
    let shop: Vec<_> =
        (0..40).map(|at| (days::shifted(date(2026, 6, 1), at * 4), 1_000 + i64::from(at * 37 % 900))).collect();
    assert!(Book::of(&shop, "WINDROW MARKET").suggestions(TODAY).is_empty());
}

#[test]
fn two_bills_of_one_payee_are_two_and_keep_their_names_when_lines_are_added() {
    let mut book = Book::of(&monthly(2, &[2_000; 6]), "HALCYON TELEPHONE");
    book.and(&monthly(11, &[4_300; 6]), "HALCYON TELEPHONE");
    let found = book.suggestions(TODAY);
    assert_eq!(found.len(), 2);
    assert_ne!(found[0].id, found[1].id);
    book.and(&[(date(2026, 12, 2), 2_000), (date(2026, 12, 11), 4_300)], "HALCYON TELEPHONE");
    let later = book.suggestions(date(2026, 12, 12));
    let ids = |all: &[Suggestion]| {
        let mut ids: Vec<_> = all.iter().map(|one| (one.amount.minor(), one.id)).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&later), ids(&found), "the same bill has the same name");
}

#[test]
fn two_hundred_households_are_read_as_well_as_is_promised() {
    let mut all = Score::default();
    for number in 0..200 {
        let home = Household::new(number);
        all = all.plus(home.score(&suggestions(&home.lines(), TODAY)));
    }
    assert!(all.found + all.missed > 1_500, "there is enough to find: {all:?}");
    println!("{all:?}: precision {} %, recall {} %", all.precision(), all.recall());
    assert!(all.precision() >= 95, "{all:?}");
    assert!(all.recall() >= 90, "{all:?}");
}
