//! Autopay (PA1, PA6): the due dates of a bill, or of a card of the server, are paid by themselves, up to a cap. The rule says
//! how much and when; what is above the cap waits for its person. Off is off: nothing that has not left leaves.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::bills::{Bill, Occurrence};
use crate::days;
use crate::ids::{AccountId, BillId, BillerId, MethodId};
use crate::money::{Currency, Money, MoneyError};
use crate::payments::PaymentOrder;

/// What is paid by itself. Stored and sent as a field of its own name, `bill` or `card`, beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum AutopayOf {
    Bill(BillId),
    /// A card that the server issues.
    Card(AccountId),
}

/// What the person lets happen by itself, for one bill or card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AutopayTerms {
    pub amount: AutopayAmount,
    /// A payment above this waits for its approval.
    pub cap: Money,
    /// A payment above this leaves, and its person is warned before; absent: no warning.
    #[serde(default)]
    pub warn_above: Option<Money>,
    /// What it is drawn from; absent: the balance that the server keeps.
    pub method: Option<MethodId>,
    /// It is there so many days before the due date, 0 to 30.
    pub days_before: u8,
    /// Nothing due after this day is paid by itself.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub ends_on: Option<Date>,
    /// It ends after so many payments, 1 to 999.
    pub payments: Option<u16>,
}

/// How much is paid, worked out when the payment leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "pay", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum AutopayAmount {
    /// What is left to pay of the due date.
    Left,
    /// This amount, and never more than is left. Of a card: its minimum where that is more, and never more than is owed.
    Fixed { amount: Money },
    /// Of a card: what is left of the minimum that its last statement asks for.
    Minimum,
    /// Of a card: what is left of the balance of its last statement.
    Statement,
    /// Of a card: all that is owed on that day.
    Current,
}

/// An autopay as every device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Autopay {
    #[serde(flatten)]
    pub of: AutopayOf,
    pub terms: AutopayTerms,
    pub state: AutopayState,
    /// Payments that failed in a row.
    pub failures: u8,
}

/// The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum AutopayState {
    On,
    /// Its person paused it; nothing leaves until they go on.
    Paused,
    /// Two payments in a row failed.
    Failing,
    /// The bill is paid to another payee or under another reference than was approved.
    Changed,
}

/// What a card's last statement asks for, and what is owed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardOwes {
    pub due_on: Date,
    pub minimum: Money,
    pub balance: Money,
    /// All that is owed on this day.
    pub owed: Money,
    /// Paid and given back since the statement closed, and what leaves for the card otherwise in time.
    pub credited: Money,
    /// Of that: what is under way, and not taken off `owed` yet.
    pub coming: Money,
}

/// Why terms are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AutopayError {
    #[error("the bill has no payee that takes payments here")]
    NotPayable,
    #[error("amounts are above zero and in the currency of what is paid, and none is above the cap")]
    Amount,
    #[error("a bill pays what is left or an amount; a card its minimum, its statement, all that is owed or an amount")]
    Choice,
    #[error("it leaves at most 30 days before")]
    Days,
    #[error("it ends after 1 to 999 payments or on a day, not both")]
    End,
}

impl Autopay {
    /// Payments are made so many days ahead, so that they are seen, planned for and taken back.
    pub const AHEAD_DAYS: i32 = 60;
    /// So many failures in a row pause it.
    pub const FAILURES_MOST: u8 = 2;
    /// So many days before it leaves, a payment above the cap is asked about.
    pub const ASK_DAYS: i32 = 3;
}

impl AutopayOf {
    /// What a payment that leaves by itself pays: its bill, or else the card that is its payee.
    #[must_use]
    pub const fn of_order(order: &PaymentOrder) -> Self {
        match order.bill {
            Some(bill) => Self::Bill(bill),
            None => Self::Card(AccountId::from_uuid(order.biller.as_uuid())),
        }
    }

    /// Whom a card is paid to: itself, by the id of its account.
    #[must_use]
    pub const fn payee_of_card(card: AccountId) -> BillerId {
        BillerId::from_uuid(card.as_uuid())
    }

    /// The id of whichever it is.
    #[must_use]
    pub const fn as_uuid(self) -> uuid::Uuid {
        match self {
            Self::Bill(id) => id.as_uuid(),
            Self::Card(id) => id.as_uuid(),
        }
    }

    #[must_use]
    pub const fn bill(self) -> Option<BillId> {
        match self {
            Self::Bill(id) => Some(id),
            Self::Card(_) => None,
        }
    }

    #[must_use]
    pub const fn card(self) -> Option<AccountId> {
        match self {
            Self::Bill(_) => None,
            Self::Card(id) => Some(id),
        }
    }
}

impl AutopayState {
    pub const ALL: [Self; 4] = [Self::On, Self::Paused, Self::Failing, Self::Changed];

    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Paused => "paused",
            Self::Failing => "failing",
            Self::Changed => "changed",
        }
    }
}

impl AutopayTerms {
    pub const DAYS_BEFORE_MAX: u8 = 30;
    pub const PAYMENTS_MAX: u16 = 999;

    /// Whether a bill can be paid on these terms.
    pub fn check(&self, bill: &Bill) -> Result<(), AutopayError> {
        if bill.biller.is_none() {
            return Err(AutopayError::NotPayable);
        }
        match self.amount {
            AutopayAmount::Left | AutopayAmount::Fixed { .. } => self.check_numbers(bill.amount.currency()),
            AutopayAmount::Minimum | AutopayAmount::Statement | AutopayAmount::Current => Err(AutopayError::Choice),
        }
    }

    /// Whether a card in this currency can be paid on these terms.
    pub fn check_card(&self, currency: Currency) -> Result<(), AutopayError> {
        match self.amount {
            AutopayAmount::Left => Err(AutopayError::Choice),
            AutopayAmount::Fixed { .. }
            | AutopayAmount::Minimum
            | AutopayAmount::Statement
            | AutopayAmount::Current => self.check_numbers(currency),
        }
    }

    fn check_numbers(&self, currency: Currency) -> Result<(), AutopayError> {
        let good = |amount: Money| amount.is_positive() && amount.currency() == currency;
        if !good(self.cap) {
            return Err(AutopayError::Amount);
        }
        let fixed = match self.amount {
            AutopayAmount::Fixed { amount } => Some(amount),
            _ => None,
        };
        if fixed.into_iter().chain(self.warn_above).any(|amount| !good(amount) || !self.covers(amount)) {
            return Err(AutopayError::Amount);
        }
        if self.days_before > Self::DAYS_BEFORE_MAX {
            return Err(AutopayError::Days);
        }
        let counted = self.payments.is_none_or(|count| (1..=Self::PAYMENTS_MAX).contains(&count));
        if !counted || (self.payments.is_some() && self.ends_on.is_some()) {
            return Err(AutopayError::End);
        }
        Ok(())
    }

    fn is_over(&self, due_on: Date) -> bool {
        self.ends_on.is_some_and(|end| due_on > end)
    }

    /// What is paid for a due date as it stands without the payment itself; none when nothing is to be paid.
    #[must_use]
    pub fn due(&self, occurrence: &Occurrence) -> Option<Money> {
        if occurrence.off_schedule || self.is_over(occurrence.due_on) {
            return None;
        }
        let left = occurrence.left;
        let amount = match self.amount {
            AutopayAmount::Fixed { amount } if amount.minor() < left.minor() => amount,
            _ => left,
        };
        amount.is_positive().then_some(amount)
    }

    /// What is paid of a card for its last statement's due date; none when nothing is to be paid. It is never more than is
    /// owed once everything that is under way has come.
    pub fn due_of_card(&self, owes: &CardOwes) -> Result<Option<Money>, MoneyError> {
        if self.is_over(owes.due_on) {
            return Ok(None);
        }
        let owed = owes.owed.minus(owes.coming)?;
        let minimum = owes.minimum.minus(owes.credited)?;
        let wanted = match self.amount {
            AutopayAmount::Left | AutopayAmount::Current => owed,
            AutopayAmount::Minimum => minimum,
            AutopayAmount::Statement => owes.balance.minus(owes.credited)?,
            AutopayAmount::Fixed { amount } => amount.greater(minimum)?,
        };
        let amount = wanted.lesser(owed)?;
        Ok(amount.is_positive().then_some(amount))
    }

    /// Whether an amount leaves without being asked about.
    #[must_use]
    pub fn covers(&self, amount: Money) -> bool {
        amount.currency() == self.cap.currency() && amount.minor() <= self.cap.minor()
    }

    /// Whether an amount leaves with a warning before.
    #[must_use]
    pub fn warns_of(&self, amount: Money) -> bool {
        self.covers(amount) && self.warn_above.is_some_and(|above| amount.minor() > above.minor())
    }

    /// The day it should be there.
    #[must_use]
    pub fn there_on(&self, falls_on: Date) -> Date {
        days::shifted(falls_on, -i32::from(self.days_before))
    }

    /// What the person's yes is bound to: the bill or card, whom it pays and how, and every term. SHA-256 as 64 hexadecimal
    /// digits; every field with its length before it.
    #[must_use]
    pub fn digest(&self, of: AutopayOf, payee: BillerId, reference: Option<&str>) -> String {
        let amount = match self.amount {
            AutopayAmount::Left => vec![0],
            AutopayAmount::Fixed { amount } => [&[1], amount.minor().to_be_bytes().as_slice()].concat(),
            AutopayAmount::Minimum => vec![2],
            AutopayAmount::Statement => vec![3],
            AutopayAmount::Current => vec![4],
        };
        let optional = |value: Option<Vec<u8>>| value.map_or_else(|| vec![0], |bytes| [vec![1], bytes].concat());
        let fields = [
            of.as_uuid().as_bytes().to_vec(),
            payee.as_uuid().as_bytes().to_vec(),
            optional(reference.map(|text| text.as_bytes().to_vec())),
            amount,
            self.cap.minor().to_be_bytes().to_vec(),
            self.cap.currency().code().as_bytes().to_vec(),
            optional(self.warn_above.map(|above| above.minor().to_be_bytes().to_vec())),
            optional(self.method.map(|method| method.as_uuid().as_bytes().to_vec())),
            vec![self.days_before],
            optional(self.ends_on.map(|day| day.to_string().into_bytes())),
            optional(self.payments.map(|count| count.to_be_bytes().to_vec())),
        ];
        let mut hash = Sha256::new_with_prefix(match of {
            AutopayOf::Bill(_) => b"billfold autopay 1".as_slice(),
            AutopayOf::Card(_) => b"billfold card autopay 1".as_slice(),
        });
        for field in fields {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests;
