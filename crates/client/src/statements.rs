//! Statements of closed cycles; PDFs come from the server and are kept in the cache once opened.

use domain::statements::StatementSummary;
use jiff::civil::Date;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct StatementsView {
    pub accounts: Vec<AccountStatements>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AccountStatements {
    pub account: domain::ids::AccountId,
    pub name: String,
    /// Newest first, at most the last 12 cycles.
    pub statements: Vec<StatementRow>,
    /// Closing dates of cycles among the last 12 with no lines at all.
    #[specta(type = Vec<String>)]
    pub gaps: Vec<Date>,
    /// When the next cycle closes.
    #[specta(type = Option<String>)]
    pub next_closing_on: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct StatementRow {
    pub summary: StatementSummary,
    /// The PDF is on this computer.
    pub kept: bool,
}
