//! One box over bills, payments, statements, orders and transactions.

use domain::accounts::AccountKind;
use domain::ids::{AccountId, BillId, OrderId, PaymentId, TransactionId};
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

use crate::accounts::TransactionQuery;
use crate::cache::{accounts, bills};
use crate::client::Client;
use crate::error::ClientError;
use crate::fold::Typed;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SearchView {
    /// At most 20: bills first, then payments, statements, orders and transactions; of each the newest first.
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
    Statement {
        account: AccountId,
        name: String,
        #[specta(type = String)]
        closed_on: Date,
        /// Signed as the account's balance: what a card owes is negative.
        closing: Money,
        card: bool,
    },
    Order {
        id: OrderId,
        merchant: String,
        number: String,
        total: Money,
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
/// Each kind leaves room for transactions.
const EACH_MAX: usize = 4;
/// What a statement is called, in every language of the screens: whoever types need not say in which.
const STATEMENT_WORDS: &str = "statement extracto estado de cuenta kontoauszug";
const MONTH_WORDS: [&str; 12] = [
    "january enero januar",
    "february febrero februar",
    "march marzo märz",
    "april abril",
    "may mayo mai",
    "june junio juni",
    "july julio juli",
    "august agosto",
    "september septiembre",
    "october octubre oktober",
    "november noviembre",
    "december diciembre dezember",
];

impl Client {
    pub async fn search(&self, typed: &str) -> Result<SearchView, ClientError> {
        let words = Typed::new(typed);
        if words.is_empty() {
            return Ok(SearchView { hits: Vec::new() });
        }
        let book = self.bills().book().await?;
        let bills = book.bills.iter().filter(|bill| {
            let said = [Some(bill.name.as_str()), book.payee_of(bill), bill.reference.as_deref(), bill.note.as_deref()];
            words.is_in_or_of(&said.into_iter().flatten().collect::<Vec<_>>().join("\n"), Some(bill.amount))
        });
        let bills = bills.take(EACH_MAX);
        let mut hits: Vec<SearchHit> =
            bills.map(|bill| SearchHit::Bill { id: bill.id, name: bill.name.clone(), amount: bill.amount }).collect();
        let payments = book.payments.iter().filter_map(|row| {
            let (to, amount) = (crate::payments::payee(&book, &row.order), row.order.amount);
            let text = format!("{to}\n{}", row.order.reference.as_deref().unwrap_or_default());
            let hit = SearchHit::Payment { id: row.order.id, to, amount };
            words.is_in_or_of(&text, Some(amount)).then_some(hit)
        });
        hits.extend(payments.take(EACH_MAX));
        hits.extend(self.statements_found(|text| words.is_in(text)).await?);
        let orders = self.orders_to_search().await?.into_iter().filter(|view| {
            let told = &view.order.told;
            let items: Vec<&str> = told.items.iter().map(|item| item.name.as_str()).collect();
            let text = format!("{} {} {}", view.order.merchant, told.number, items.join(" "));
            words.is_in_or_of(&text, Some(view.total))
        });
        hits.extend(orders.take(EACH_MAX).map(|view| SearchHit::Order {
            id: view.order.id,
            merchant: view.order.merchant,
            number: view.order.told.number,
            total: view.total,
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

    /// By account, closing day and month; as the server said last.
    async fn statements_found(&self, holds: impl Fn(&str) -> bool) -> Result<Vec<SearchHit>, ClientError> {
        let (all, rows) = self
            .with(async |open| {
                let db = open.cache.readers();
                Ok((accounts::all(db).await?, bills::statements(db).await?))
            })
            .await?;
        let found = rows.into_iter().filter_map(|(summary, _)| {
            let account = all.iter().find(|account| account.id == summary.account)?;
            let month = usize::try_from(summary.closed_on.month() - 1).ok().and_then(|at| MONTH_WORDS.get(at))?;
            let text = format!("{} {} {month} {STATEMENT_WORDS}", account.name, summary.closed_on);
            holds(&text).then(|| SearchHit::Statement {
                account: account.id,
                name: account.name.clone(),
                closed_on: summary.closed_on,
                closing: summary.closing,
                card: account.kind == AccountKind::Card,
            })
        });
        Ok(found.take(EACH_MAX).collect())
    }
}
