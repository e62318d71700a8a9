//! A statement that looks like any other, for measuring how it is drawn.

use domain::accounts::{Account, AccountKind, Keeping, Transaction, TransactionKind, TransactionState};
use domain::card::Excess;
use domain::ids::{AccountId, TransactionId};
use domain::money::{Currency, Money};
use domain::statements::{Statement, StatementSummary};
use jiff::Timestamp;
use jiff::civil::date;

use crate::statements::Drawable;

pub struct SampleStatement(Drawable);

impl SampleStatement {
    /// Of March 2027, with so many lines.
    pub fn new(lines: usize) -> Self {
        let id = AccountId::new(Timestamp::UNIX_EPOCH, [7; 10]);
        let usd = |minor| Money::new(minor, Currency::USD).expect("an amount");
        let line = |number: usize| Transaction {
            id: TransactionId::from_uuid(uuid::Uuid::from_u128(number as u128)),
            account: id,
            posted_on: date(2027, 3, 2),
            amount: usd(-1_240),
            description: format!("Quillmere Market {number}"),
            memo: None,
            kind: TransactionKind::Purchase,
            state: TransactionState::Posted,
            source: None,
        };
        let account = Account {
            id,
            keeping: Keeping::Served,
            kind: AccountKind::Card,
            name: "Store card".to_owned(),
            mask: Some("4417".to_owned()),
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
        let count = u32::try_from(lines).unwrap_or(u32::MAX);
        let summary = StatementSummary {
            account: id,
            opened_on: date(2027, 3, 1),
            closed_on: date(2027, 3, 25),
            due_on: Some(date(2027, 4, 19)),
            opening: usd(0),
            closing: usd(-1_240 * i64::from(count)),
            lines: count,
            complete: true,
            issued: None,
        };
        Self(Drawable { account, statement: Statement { summary, lines: (0..lines).map(line).collect() } })
    }

    /// What stands on its lines: day, description and amount.
    pub fn words(&self) -> Vec<[String; 3]> {
        let words = |line: &Transaction| {
            let day = line.posted_on.strftime("%-d %b %Y").to_string();
            [day, line.description.clone(), line.amount.negated().to_string()]
        };
        self.0.statement.lines.iter().map(words).collect()
    }

    /// The bytes of its PDF.
    pub fn draw(&self) -> Result<Vec<u8>, String> {
        self.0.draw("Billfold").map_err(|error| error.to_string())
    }
}
