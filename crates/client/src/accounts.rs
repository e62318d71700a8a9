//! Accounts and transactions on this device.

use domain::accounts::{Account, TransactionKind, TransactionState};
use domain::ids::{AccountId, TransactionId};
use domain::money::Money;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct TransactionView {
    pub id: TransactionId,
    pub account: AccountId,
    #[specta(type = String)]
    pub posted_on: Date,
    pub amount: Money,
    pub description: String,
    pub memo: Option<String>,
    pub kind: TransactionKind,
    pub state: TransactionState,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct TransactionQuery {
    pub account: Option<AccountId>,
    /// Words that description or memo must hold; the last may be the beginning of a word.
    pub search: Option<String>,
    #[specta(type = Option<String>)]
    pub since: Option<Date>,
    #[specta(type = Option<String>)]
    pub until: Option<Date>,
    /// 1 to 500; 50 when absent.
    pub limit: Option<u16>,
    /// Where the page before ended.
    pub after: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct TransactionPage {
    /// Newest first.
    pub items: Vec<TransactionView>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AccountView {
    pub account: Account,
    #[specta(type = f64)]
    pub transactions: i64,
    #[specta(type = Option<String>)]
    pub first_on: Option<Date>,
    #[specta(type = Option<String>)]
    pub last_on: Option<Date>,
}
