//! One box over bills, transactions, billers and payments.

use domain::ids::{AccountId, BillId, PaymentId, TransactionId};
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SearchView {
    /// At most 20: bills first, then payments, then transactions, newest first.
    pub hits: Vec<SearchHit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SearchHit {
    Bill {
        id: BillId,
        name: String,
        amount: Money,
    },
    Payment {
        id: PaymentId,
        to: String,
        amount: Money,
    },
    Transaction {
        id: TransactionId,
        account: AccountId,
        description: String,
        amount: Money,
        #[specta(type = String)]
        on: Date,
    },
}
