//! One box over bills, transactions, billers and payments.

use domain::ids::{AccountId, BillId, PaymentId, TransactionId};
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

use crate::accounts::TransactionQuery;
use crate::client::Client;
use crate::error::ClientError;

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

const HITS_MAX: usize = 20;
/// Bills and payments leave room for transactions.
const EACH_MAX: usize = 6;

impl Client {
    pub async fn search(&self, typed: &str) -> Result<SearchView, ClientError> {
        let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return Ok(SearchView { hits: Vec::new() });
        }
        let holds = |text: &str| {
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let book = self.bills().book().await?;
        let bills = book.bills.iter().filter(|bill| holds(&bill.name)).take(EACH_MAX);
        let mut hits: Vec<SearchHit> =
            bills.map(|bill| SearchHit::Bill { id: bill.id, name: bill.name.clone(), amount: bill.amount }).collect();
        let payments = book.payments.iter().map(|row| crate::payments::view(&book, row, &[]));
        hits.extend(payments.filter(|payment| holds(&payment.to)).take(EACH_MAX).map(|payment| SearchHit::Payment {
            id: payment.id,
            to: payment.to,
            amount: payment.amount,
        }));
        let room = u16::try_from(HITS_MAX - hits.len()).unwrap_or(1);
        let query =
            TransactionQuery { search: Some(typed.to_owned()), limit: Some(room), ..TransactionQuery::default() };
        let lines = self.accounts().transactions(query).await?.items;
        hits.extend(lines.into_iter().map(|line| SearchHit::Transaction {
            id: line.id,
            account: line.account,
            description: line.description,
            amount: line.amount,
            on: line.posted_on,
        }));
        Ok(SearchView { hits })
    }
}
