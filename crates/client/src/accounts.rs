//! Accounts and transactions on this device.

use domain::accounts::{Account, TransactionKind, TransactionState};
use domain::ids::{AccountId, TransactionId};
use domain::money::Money;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use api::accounts::AccountEdit;
use domain::accounts::Keeping;

use crate::cache::transactions::{self, Window};
use crate::cache::{CacheError, accounts};
use crate::card::MonthTotal;
use crate::client::{Client, Open};
use crate::error::ClientError;
use crate::outbox::Change;
use crate::pages;

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
    pub transactions: i64,
    #[specta(type = Option<String>)]
    pub first_on: Option<Date>,
    #[specta(type = Option<String>)]
    pub last_on: Option<Date>,
}

const NAME_CHARS_MAX: usize = 120;

/// Accounts and their transactions.
#[derive(Clone)]
pub struct Accounts(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts(self.clone())
    }
}

impl Accounts {
    /// Cards first, then by name.
    pub async fn list(&self) -> Result<Vec<AccountView>, ClientError> {
        let (all, mut extents) = self
            .0
            .with(async |open| {
                let all = accounts::all(open.cache.readers()).await?;
                Ok((all, accounts::extents(open.cache.readers()).await?))
            })
            .await?;
        let mut views: Vec<AccountView> = all
            .into_iter()
            .map(|account| {
                let extent = extents.remove(&account.id);
                AccountView {
                    transactions: extent.as_ref().map_or(0, |extent| extent.lines),
                    first_on: extent.as_ref().and_then(|extent| extent.first_on),
                    last_on: extent.as_ref().and_then(|extent| extent.last_on),
                    account,
                }
            })
            .collect();
        views.sort_by_cached_key(|view| {
            let account = &view.account;
            (account.kind != domain::accounts::AccountKind::Card, account.name.to_lowercase(), account.id)
        });
        Ok(views)
    }

    pub async fn find(&self, id: AccountId) -> Result<Account, ClientError> {
        let found = self.0.with(async |open| accounts::find(open.cache.readers(), id).await).await?;
        found.ok_or_else(|| ClientError::not_found("account"))
    }

    /// Renames an account, or sets a card's closing day and due rule.
    pub async fn edit(&self, id: AccountId, edit: AccountEdit) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let account = self.find(id).await?;
        if let Some(name) = &edit.name {
            check_name(name)?;
        }
        if let Some(terms) = &edit.terms {
            let wrong = |error: domain::card::TermsError| {
                ClientError::refused("invalid_request", error.to_string(), "correct the field and try again")
            };
            terms.check(account.currency).map_err(wrong)?;
        }
        self.0.change(&open, Change::EditAccount { account: id, edit }).await
    }

    /// Newest first, by pages.
    pub async fn transactions(&self, query: TransactionQuery) -> Result<TransactionPage, ClientError> {
        let limit = pages::limit(query.limit);
        let open = self.0.open_now()?;
        let Some(window) = window(&open, &query, limit).await? else {
            return Ok(TransactionPage { items: Vec::new(), next: None });
        };
        let result = transactions::page(open.cache.readers(), &open.names(), &window).await;
        self.0.watch(&result);
        let (lines, next) = pages::cut(result?, limit, |(seq, _)| seq.to_string());
        Ok(TransactionPage { items: lines.into_iter().map(|(_, view)| view).collect(), next })
    }

    /// Money that left an account by month, oldest first, from the first day of the month of `since`. A month whose sum is
    /// no amount is left out.
    pub async fn months(&self, id: AccountId, since: Date) -> Result<Vec<MonthTotal>, ClientError> {
        self.0
            .with(async |open| {
                let names = open.names();
                let Some((number, (_, currency))) = names.iter().find(|(_, (known, _))| *known == id) else {
                    return Err(CacheError::NotFound("account"));
                };
                let first = transactions::month_number(since);
                let months = transactions::months_out(open.cache.readers(), *number, first).await?;
                months
                    .into_iter()
                    .filter_map(|(month, minor)| Some((month, Money::new(minor, *currency).ok()?)))
                    .map(|(month, amount)| Ok(MonthTotal { month: transactions::first_of_month(month)?, amount }))
                    .collect()
            })
            .await
    }
}

/// The bounds of a page; `None` when nothing can be in it.
async fn window(open: &Open, query: &TransactionQuery, limit: u16) -> Result<Option<Window>, ClientError> {
    let account = match query.account {
        None => None,
        Some(id) => {
            let names = open.names();
            let known = names.iter().find(|(_, (known, _))| *known == id);
            Some(*known.ok_or_else(|| ClientError::not_found("account"))?.0)
        }
    };
    let words = match query.search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        None => None,
        Some(typed) => match transactions::words_of(typed) {
            Some(words) => Some(words),
            None => return Ok(None),
        },
    };
    let mut below = match query.until {
        Some(until) => transactions::first_seq_of(until.tomorrow().unwrap_or(Date::MAX)),
        None => i64::MAX,
    };
    if let Some(after) = &query.after {
        below = below.min(after.parse().map_err(|_| pages::foreign_mark())?);
    }
    let from = query.since.map_or(i64::MIN, transactions::first_seq_of);
    Ok(Some(Window { account, words, from, below, limit: pages::rows_for(limit) }))
}

fn check_name(name: &str) -> Result<(), ClientError> {
    let fits = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    Err(ClientError::refused("too_long", "the name must have 1 to 120 characters", "correct the name"))
}

/// Whether this server holds its ledger.
pub(crate) fn is_served(account: &Account) -> bool {
    account.keeping == Keeping::Served
}
