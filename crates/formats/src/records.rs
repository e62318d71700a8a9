//! What every reader gives: statements of accounts with their lines, and what was refused, line by line.

use std::fmt;

use domain::accounts::{AccountKind, TransactionKind};
use domain::card::IssuerFigures;
use domain::money::{Currency, Money};
use jiff::civil::Date;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// "OFX 1.02 (SGML)".
    pub label: String,
    pub statements: Vec<ImportedStatement>,
    /// Lines that could not be taken; all others were.
    pub rejected: Vec<Rejected>,
    /// What was odd and taken all the same.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedStatement {
    pub account: ImportedAccount,
    /// As the issuer gives it: what a card owes is negative.
    pub ledger_balance: Option<Balance>,
    pub available: Option<Balance>,
    /// The issuer's own figures of the last closed cycle.
    pub issuer: Option<IssuerFigures>,
    pub starts_on: Option<Date>,
    pub ends_on: Option<Date>,
    /// In the order of the file.
    pub transactions: Vec<ImportedTransaction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub amount: Money,
    pub as_of: Option<Date>,
}

/// Whose statement it is. The number is for a fingerprint only; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedAccount {
    pub kind: AccountKind,
    pub currency: Currency,
    pub issuer: Option<String>,
    pub bank: Option<String>,
    pub branch: Option<String>,
    pub number: String,
}

impl ImportedAccount {
    /// The last four letters or digits of the number.
    #[must_use]
    pub fn mask(&self) -> Option<String> {
        let visible: Vec<char> = self.number.chars().filter(|c| c.is_alphanumeric()).collect();
        let tail: String = visible.iter().skip(visible.len().saturating_sub(4)).collect();
        (!tail.is_empty()).then_some(tail)
    }
}

impl fmt::Debug for ImportedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedAccount")
            .field("kind", &self.kind)
            .field("currency", &self.currency)
            .field("number", &format_args!("··{}", self.mask().unwrap_or_default()))
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedTransaction {
    /// Where it begins in the file, counted from 1.
    pub line: u32,
    /// The civil date as the file wrote it.
    pub posted_on: Date,
    /// Money in is positive.
    pub amount: Money,
    pub kind: TransactionKind,
    pub description: String,
    /// What the description does not say already.
    pub memo: Option<String>,
    /// The issuer's own id of the line. Some issuers use one twice.
    pub issuer_id: Option<String>,
    pub check_number: Option<String>,
    pub pending: bool,
    /// The issuer's id of an earlier line that this one corrects.
    pub corrects: Option<Correction>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    Replaces(String),
    Deletes(String),
}

impl Correction {
    /// The issuer's id of the line that it corrects.
    #[must_use]
    pub fn id(&self) -> &str {
        let (Self::Replaces(id) | Self::Deletes(id)) = self;
        id
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Counted from 1.
    pub line: u32,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Taken where a file names no currency; without it such a statement is refused.
    pub default_currency: Option<Currency>,
}

/// Why a whole file is refused. A file that is partly good gives its good part instead. Each message says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the file is empty; export it again from the bank's or card issuer's site")]
    Empty,
    #[error("the file is in no format that can be read here; export it as OFX or QFX (\"Quicken\", \"Money\")")]
    UnknownFormat,
    #[error("the file is larger than {limit_mib} MiB; export a shorter period")]
    TooLarge { limit_mib: u32 },
    #[error("the file holds more than {limit} transactions; export a shorter period")]
    TooMany { limit: u32 },
    #[error("the file ends before its first statement does; download it again")]
    Truncated,
    #[error(
        "the issuer put an error message into the file instead of a statement (code {code}); export it again later"
    )]
    IssuerError { code: u32, message: Option<String> },
    #[error("the file names the currency {code:?}, which is not known here")]
    UnknownCurrency { code: String },
    #[error("the file does not say in which currency its amounts are; say it when importing")]
    NoCurrency,
}
