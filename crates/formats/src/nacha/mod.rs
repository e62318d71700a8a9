//! ACH files as Nacha's rules lay them out: records of 94 characters in blocks of ten. Written: batches of PPD, WEB, CIE
//! and CCD entries with addenda. Read: returns and notifications of change, and the entries of such files.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};

pub use read::{BYTES_MAX, Incoming, NachaError, Received, ReceivedEntry, read};
pub use write::{WriteError, write};

const RECORD: usize = 94;
/// Records are counted in blocks of so many; the last block is filled with nines.
const BLOCK: usize = 10;
/// An amount has ten digits, in cents.
pub const AMOUNT_CENTS_MAX: u64 = 9_999_999_999;
/// The sums of a batch and of a file have twelve.
const SUM_CENTS_MAX: u64 = 999_999_999_999;
/// A trace number ends in seven digits that grow within a batch; so many entries fit.
pub const ENTRIES_MAX: usize = 1_000_000;

/// A bank by its routing number: nine digits, the last of which checks the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Routing([u8; 9]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    #[error("a routing number has nine digits, and its last digit checks the others")]
    Routing,
    #[error("an account number has 1 to 17 letters, digits, spaces or hyphens")]
    Account,
}

impl Routing {
    /// The first eight digits, which name the bank.
    #[must_use]
    pub fn bank(&self) -> String {
        self.0[..8].iter().map(|digit| char::from(b'0' + digit)).collect()
    }

    fn check_digit(digits: &[u8]) -> u8 {
        let sum: u32 =
            digits.iter().zip([3, 7, 1, 3, 7, 1, 3, 7]).map(|(digit, weight)| u32::from(*digit) * weight).sum();
        u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
    }

    fn bank_number(&self) -> u64 {
        self.0[..8].iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
    }
}

impl FromStr for Routing {
    type Err = PartyError;

    fn from_str(text: &str) -> Result<Self, PartyError> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
        let digits: [u8; 9] = digits.try_into().map_err(|_| PartyError::Routing)?;
        if text.len() != 9 || digits[8] != Self::check_digit(&digits[..8]) {
            return Err(PartyError::Routing);
        }
        Ok(Self(digits))
    }
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{digit}"))
    }
}

/// The number of an account. It is written into files and shown nowhere.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccountNumber(String);

impl FromStr for AccountNumber {
    type Err = PartyError;

    fn from_str(text: &str) -> Result<Self, PartyError> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == ' ' || c == '-';
        let fits = (1..=17).contains(&text.len()) && text.chars().all(good) && text.trim() == text;
        if fits { Ok(Self(text.to_owned())) } else { Err(PartyError::Account) }
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountNumber(…)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    Checking,
    Savings,
}

/// Where an entry goes to, or takes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub routing: Routing,
    pub account: AccountNumber,
    pub kind: AccountKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Money goes there.
    Credit,
    /// Money is taken from there.
    Debit,
}

/// The standard entry class of a batch: who agreed to its entries, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryClass {
    /// With a consumer's standing order.
    Ppd,
    /// Ordered by a consumer over the internet.
    Web,
    /// A consumer's own order to pay a biller: credits alone.
    Cie,
    /// Between companies; here, the entry that balances a file.
    Ccd,
}

impl EntryClass {
    pub const ALL: [Self; 4] = [Self::Ppd, Self::Web, Self::Cie, Self::Ccd];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ppd => "PPD",
            Self::Web => "WEB",
            Self::Cie => "CIE",
            Self::Ccd => "CCD",
        }
    }
}

/// One movement within a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub direction: Direction,
    pub party: Party,
    pub amount_cents: u64,
    /// What the receiver knows the payer by; 15 characters, in a CIE entry 22.
    pub reference: String,
    /// The person's name; 22 characters. In a CIE entry it is the payer's, of 15, and the company's where none of it can
    /// be written.
    pub name: String,
    /// Names the entry within its bank, for ever: seven digits that grow within a batch.
    pub sequence: u32,
    /// Up to 80 characters for the receiver.
    pub addendum: Option<String>,
}

/// Entries that are alike and settle on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub class: EntryClass,
    pub company_name: String,
    /// Ten characters: how the bank knows who sends this.
    pub company_id: String,
    /// What it is for, for the receiver's statement: ten characters.
    pub description: String,
    pub effective_on: Date,
    /// In the order of their sequences.
    pub entries: Vec<Entry>,
}

/// A whole file, as its sender means it. The same value gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The bank that takes the file, and starts the entries.
    pub bank: Routing,
    pub bank_name: String,
    /// Ten characters: how the bank knows the sender.
    pub origin: String,
    pub origin_name: String,
    pub made_at: DateTime,
    /// Tells files of one day apart: A to Z, then 0 to 9.
    pub modifier: char,
    /// Eight characters that are the sender's own.
    pub reference: String,
    pub batches: Vec<Batch>,
}

/// A trace number: the bank's eight digits and the entry's seven.
#[must_use]
pub fn trace(bank: Routing, sequence: u32) -> String {
    format!("{}{sequence:07}", bank.bank())
}

/// The transaction code of an entry: 22 is money to a checking account.
const fn transaction_code(direction: Direction, kind: AccountKind) -> &'static str {
    match (kind, direction) {
        (AccountKind::Checking, Direction::Credit) => "22",
        (AccountKind::Checking, Direction::Debit) => "27",
        (AccountKind::Savings, Direction::Credit) => "32",
        (AccountKind::Savings, Direction::Debit) => "37",
    }
}
