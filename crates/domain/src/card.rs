//! Figures of a card: statement balance, current balance, minimum due and pending, always kept apart (CA1).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::money::Money;

/// What the person set for a linked card, so that its dates and minimum can be worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CardTerms {
    /// Day of the month on which a cycle closes, 1 to 31; clamps to a shorter month's end.
    pub closing_day: u8,
    pub due: DueRule,
    /// The minimum is at least this, never above the balance.
    pub minimum_floor: Option<Money>,
    /// Share of the statement balance that the minimum is at least, in millionths (20,000 = 2 %).
    pub minimum_share: Option<u32>,
}

/// When the payment of a closed cycle is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum DueRule {
    /// So many days after the closing date, 1 to 60.
    DaysAfterClosing(u8),
    /// The next such day of a month after the closing date, 1 to 31; clamps.
    DayOfMonth(u8),
}

/// What the issuer's file said itself (OFX CCCLOSING and its kin). Amounts owed are positive here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct IssuerFigures {
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub closed_on: Date,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub due_on: Option<Date>,
    pub statement_balance: Option<Money>,
    pub minimum_due: Option<Money>,
    pub credit_limit: Option<Money>,
}

/// The figures of one card on one day. What is owed is positive, a credit is negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CardFigures {
    /// All that has posted. Absent when no file has given a balance yet.
    pub current_balance: Option<Money>,
    /// Owed at the last closing. Absent when the closing day is not known.
    pub statement_balance: Option<Money>,
    pub minimum_due: Option<Money>,
    /// Not posted yet, in no balance.
    pub pending: Money,
    pub pending_count: u32,
    /// Paid since the last closing, at most what was owed.
    pub paid_since_closing: Option<Money>,
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    pub closed_on: Option<Date>,
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    pub next_closing_on: Option<Date>,
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    pub due_on: Option<Date>,
    /// The statement balance and minimum are the issuer's own, not worked out here.
    pub from_issuer: bool,
    /// "Credit you have not used": never a balance.
    pub unused_credit: Option<Money>,
    pub credit_limit: Option<Money>,
}
