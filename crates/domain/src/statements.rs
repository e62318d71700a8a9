//! Statements of closed cycles: opening balance plus lines is the closing balance, to the cent (ST1).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::accounts::Transaction;
use crate::ids::AccountId;
use crate::money::Money;

/// One closed cycle of an account. `opening + Σ lines = closing` always holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StatementSummary {
    pub account: AccountId,
    /// First day of the cycle.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub opened_on: Date,
    /// Last day of the cycle; it names the cycle: `2026-10-25`.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub closed_on: Date,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub due_on: Option<Date>,
    /// Signed as the account's balance: what a card owes is negative.
    pub opening: Money,
    pub closing: Money,
    pub lines: u32,
    /// The imported files cover the whole cycle.
    pub complete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub summary: StatementSummary,
    /// In posting order.
    pub lines: Vec<Transaction>,
}
