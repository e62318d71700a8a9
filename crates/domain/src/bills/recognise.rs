//! Which lines of linked accounts pay which due dates (RE3). A line pays one due date at most; what could be meant for
//! somebody else is left to the person.

use jiff::civil::Date;

use super::{Band, Bill, Occurrence, Seen};
use crate::accounts::{Transaction, TransactionKind, TransactionState};
use crate::days;
use crate::ids::{AccountId, BillId};
use crate::money::Money;
use crate::suggestions::payee_key;

/// A payment seen so many days before the due date may be for it.
pub const EARLY_DAYS: i32 = 15;
/// And so many days after it.
pub const LATE_DAYS: i32 = 20;
/// An estimated bill may cost so much more or less than it did, in percent.
const BEYOND_BAND_PERCENT: i128 = 25;

/// A due date that nothing covers yet, and by what a payment of it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub bill: BillId,
    pub due_on: Date,
    pub falls_on: Date,
    /// What is left of it.
    pub left: Money,
    /// From the least to the most that a payment of it may be, in minor units.
    range: (i128, i128),
    /// What a line of its payee has in common with its name or its biller's.
    payees: Vec<String>,
    /// The card whose payment it is: what comes in there pays it.
    card: Option<AccountId>,
}

/// A line that pays a due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    pub bill: BillId,
    pub due_on: Date,
    pub posted_on: Date,
    pub seen: Seen,
}

impl Owed {
    /// Of an occurrence that the person still has to pay; `band` is what it cost before, when that is known.
    #[must_use]
    pub fn of(bill: &Bill, occurrence: &Occurrence, payee: Option<&str>, band: Option<&Band>) -> Option<Self> {
        let left = i128::from(occurrence.left.minor());
        let range = match (occurrence.estimated, band) {
            (false, _) => (left, left),
            (true, Some(band)) => {
                wider(i128::from(band.low.minor()).min(left), i128::from(band.high.minor()).max(left))
            }
            (true, None) => wider(left, left),
        };
        let names = [Some(bill.name.as_str()), payee];
        occurrence.needs_person().then(|| Self {
            bill: bill.id,
            due_on: occurrence.due_on,
            falls_on: occurrence.falls_on,
            left: occurrence.left,
            range,
            payees: names.into_iter().flatten().filter_map(payee_key).collect(),
            card: bill.card,
        })
    }

    /// How many days the line lies from the due date, when it may be its payment.
    fn fits(&self, line: &Transaction, payee: Option<&str>) -> Option<u32> {
        let after = days::number_of(line.posted_on) - days::number_of(self.falls_on);
        let minor = i128::from(line.amount.minor());
        let meant = match self.card {
            // A card is paid with any amount: the minimum, a part, all of it.
            Some(card) => line.account == card && minor > 0 && line.kind == TransactionKind::Payment,
            None => {
                let known = payee.is_some_and(|payee| self.payees.iter().any(|own| own == payee));
                known && (self.range.0..=self.range.1).contains(&-minor)
            }
        };
        let near = (-EARLY_DAYS..=LATE_DAYS).contains(&after);
        (meant && near && line.amount.currency() == self.left.currency()).then_some(after.unsigned_abs())
    }
}

fn wider(low: i128, high: i128) -> (i128, i128) {
    (low * (100 - BEYOND_BAND_PERCENT) / 100, high * (100 + BEYOND_BAND_PERCENT) / 100)
}

/// Each posted line with the due date that it pays: the nearest of those that it fits, of two equally near the earlier.
/// A due date is settled by the first line that covers it; a card's may take several.
#[must_use]
pub fn recognised(mut owed: Vec<Owed>, lines: &[Transaction]) -> Vec<Recognised> {
    let mut lines: Vec<&Transaction> = lines.iter().filter(|line| line.state == TransactionState::Posted).collect();
    lines.sort_by_key(|line| (line.posted_on, line.id));
    let mut found = Vec::new();
    for line in lines {
        let payee = payee_key(&line.description);
        let fits = |(place, one): (usize, &Owed)| Some((one.fits(line, payee.as_deref())?, one.falls_on, place));
        let Some((_, _, place)) = owed.iter().enumerate().filter_map(fits).min() else { continue };
        let one = &mut owed[place];
        let amount = if line.amount.is_negative() { line.amount.negated() } else { line.amount };
        found.push(Recognised {
            bill: one.bill,
            due_on: one.due_on,
            posted_on: line.posted_on,
            seen: Seen { transaction: line.id, amount },
        });
        match one.left.minus(amount) {
            Ok(left) if one.card.is_some() && left.is_positive() => one.left = left,
            _ => drop(owed.swap_remove(place)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::bills::{Mark, occurrence, occurrences};
    use crate::ids::TransactionId;
    use crate::money::Currency;
    use crate::schedule::{Every, Schedule};

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).unwrap()
    }

    fn bill(name: &str, minor: i64) -> Bill {
        let schedule = Schedule { day: Some(16), ..Schedule::new(Every::Month, 1, date(2026, 9, 16)) };
        Bill::new(BillId::new(Timestamp::UNIX_EPOCH, [1; 10]), name.to_owned(), usd(minor), schedule)
    }

    fn line(number: u8, on: Date, minor: i64, description: &str) -> Transaction {
        Transaction {
            id: TransactionId::new(Timestamp::UNIX_EPOCH, [number; 10]),
            account: AccountId::new(Timestamp::UNIX_EPOCH, [9; 10]),
            posted_on: on,
            amount: usd(minor),
            description: description.to_owned(),
            memo: None,
            kind: TransactionKind::Debit,
            state: TransactionState::Posted,
            source: None,
        }
    }

    fn owed(bill: &Bill, band: Option<&Band>) -> Vec<Owed> {
        let all = occurrences(bill, &[], &[], date(2026, 10, 1), date(2026, 12, 31), date(2026, 11, 20));
        all.iter().filter_map(|one| Owed::of(bill, one, None, band)).collect()
    }

    fn dates(found: &[Recognised]) -> Vec<Date> {
        found.iter().map(|one| one.due_on).collect()
    }

    #[test]
    fn a_line_of_the_payee_pays_the_nearest_date_and_settles_it() {
        let power = bill("Cobalt Ridge Power", 9_417);
        let lines = [
            line(1, date(2026, 11, 14), -9_417, "POS DEBIT COBALT RIDGE POWER #0042"),
            line(2, date(2026, 10, 18), -9_417, "Cobalt Ridge Power Autopay"),
        ];
        let found = recognised(owed(&power, None), &lines);
        assert_eq!(dates(&found), [date(2026, 10, 16), date(2026, 11, 16)]);
        let mark = Mark { seen: vec![found[1].seen], ..Mark::new(power.id, date(2026, 11, 16)) };
        assert_eq!(mark.check(&power), Ok(()));
        let after = occurrence(&power, date(2026, 11, 16), Some(&mark), &[], date(2026, 11, 20));
        assert!(after.is_over(), "{after:?}");
    }

    #[test]
    fn another_payee_amount_currency_direction_or_time_pays_nothing() {
        let power = bill("Cobalt Ridge Power", 9_417);
        let eur = Money::new(-9_417, Currency::EUR).unwrap();
        let pending = TransactionState::Pending;
        let lines = [
            line(1, date(2026, 11, 14), -9_417, "COBALT RIDGE MARKET"),
            line(2, date(2026, 11, 14), -9_418, "COBALT RIDGE POWER"),
            Transaction { amount: eur, ..line(3, date(2026, 11, 14), 0, "COBALT RIDGE POWER") },
            line(4, date(2026, 11, 14), 9_417, "COBALT RIDGE POWER"),
            line(5, date(2026, 9, 2), -9_417, "COBALT RIDGE POWER"),
            Transaction { state: pending, ..line(6, date(2026, 11, 14), -9_417, "COBALT RIDGE POWER") },
        ];
        assert_eq!(recognised(owed(&power, None), &lines), []);
    }

    #[test]
    fn an_estimate_is_met_within_its_band_and_a_little_beyond() {
        let power = Bill { estimated: true, ..bill("Cobalt Ridge Power", 9_000) };
        let band = Band { low: usd(8_000), usual: usd(9_000), high: usd(10_000), count: 5 };
        for (minor, pays) in [(-12_500, 1), (-12_501, 0), (-6_000, 1), (-5_999, 0)] {
            let found =
                recognised(owed(&power, Some(&band)), &[line(1, date(2026, 11, 14), minor, "Cobalt Ridge Power")]);
            assert_eq!(found.len(), pays, "{minor}");
        }
    }

    #[test]
    fn one_date_takes_one_line_and_a_card_as_many_as_it_needs() {
        let power = bill("Cobalt Ridge Power", 9_417);
        let twice = [1, 2].map(|number| line(number, date(2026, 12, 16), -9_417, "Cobalt Ridge Power"));
        assert_eq!(dates(&recognised(owed(&power, None), &twice)), [date(2026, 12, 16)]);
        let account = AccountId::new(Timestamp::UNIX_EPOCH, [9; 10]);
        let card = Bill { card: Some(account), ..bill("Quillmere Card", 8_000) };
        let paid = |number, minor| Transaction {
            kind: TransactionKind::Payment,
            ..line(number, date(2026, 11, 10), minor, "Payment, thank you")
        };
        let mut all = owed(&card, None);
        all.retain(|one| one.due_on == date(2026, 11, 16));
        let found = recognised(all, &[paid(1, 3_000), paid(2, 5_000), paid(3, 100)]);
        assert_eq!(dates(&found), [date(2026, 11, 16); 2]);
    }
}
