//! ISO 20022 messages between a company and its bank: credit transfer orders written (pain.001.001.09), their status
//! (pain.002) and statements (camt.053) read. Of a reader's message only what names an order and says what became of it.

mod read;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::fmt;
use std::str::FromStr;

use domain::money::Money;
use jiff::civil::{Date, DateTime};

pub use read::{Booking, Incoming, IsoError, OrderState, Received, read};
pub use tree::{BYTES_MAX, ELEMENTS_MAX};
pub use write::{WriteError, write};

/// A message's and an order's own names have at most so many characters.
pub const ID_CHARS_MAX: usize = 35;
/// One message holds at most so many orders.
pub const ORDERS_MAX: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    #[error("the account number is no IBAN: a letter or digit in it is wrong or missing")]
    Iban,
    #[error("the bank's code is no BIC: eight or eleven letters and digits")]
    Bic,
}

/// An account by its international number. It is written into files and shown nowhere.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Iban(String);

impl FromStr for Iban {
    type Err = PartyError;

    fn from_str(text: &str) -> Result<Self, PartyError> {
        let text: String = text.chars().filter(|c| *c != ' ').collect();
        let shape = (15..=34).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && text.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
            && text.bytes().skip(2).take(2).all(|byte| byte.is_ascii_digit());
        if !shape {
            return Err(PartyError::Iban);
        }
        // The country and the check digits go to the end, letters count from 10: the whole is 1 modulo 97.
        let turned = text[4..].bytes().chain(text[..4].bytes());
        let rest = turned.fold(0_u32, |rest, byte| match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
        });
        if rest == 1 { Ok(Self(text)) } else { Err(PartyError::Iban) }
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iban(…)")
    }
}

/// A bank by its identifier code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bic(String);

impl FromStr for Bic {
    type Err = PartyError;

    fn from_str(text: &str) -> Result<Self, PartyError> {
        let all = |part: &str, good: fn(&u8) -> bool| part.bytes().all(|byte| good(&byte));
        let upper = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let fits = text.is_ascii()
            && (text.len() == 8 || text.len() == 11)
            && all(text, upper)
            && all(&text[4..6], u8::is_ascii_uppercase);
        if fits { Ok(Self(text.to_owned())) } else { Err(PartyError::Bic) }
    }
}

/// A name with its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub name: String,
    pub iban: Iban,
    /// Not needed within the euro area.
    pub bic: Option<Bic>,
}

/// One transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Goes with the money from end to end, and names the order in every answer.
    pub end_to_end: String,
    pub amount: Money,
    pub payee: Party,
    /// On whose behalf; left out where none of it can be written.
    pub payer: String,
    /// What the payee knows the payer by; up to 140 characters.
    pub remittance: Option<String>,
}

/// A message of orders that leave one account on one day. The same value gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub message: String,
    pub made_at: DateTime,
    pub sender: String,
    pub debtor: Party,
    pub execute_on: Date,
    /// `SEPA`, where the scheme's rules are meant.
    pub service_level: Option<String>,
    pub orders: Vec<Order>,
}
