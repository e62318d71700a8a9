//! Paying a card of the server: what may be chosen, and what it means. The payment itself is one like any other.

use domain::ids::{AccountId, BillerId};
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

use crate::accounts::is_served;
use crate::cache::accounts;
use crate::error::ClientError;
use crate::payments::Payments;

/// What paying a card would mean, before the person confirms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CardQuote {
    pub card: AccountId,
    /// Whom the order names.
    pub payee: BillerId,
    pub to: String,
    /// What is left to pay of the minimum, of the statement, and of all that is owed. Absent: nothing is.
    pub minimum: Option<Money>,
    pub statement: Option<Money>,
    pub current: Option<Money>,
    #[specta(type = Option<String>)]
    pub due_on: Option<Date>,
    #[specta(type = String)]
    pub sends_on: Date,
    #[specta(type = String)]
    pub expected_by: Date,
    /// The money that it leaves from.
    pub from: Option<String>,
    pub available: Option<Money>,
}

impl Payments {
    pub async fn card_quote(&self, card: AccountId) -> Result<CardQuote, ClientError> {
        let views = self.0.cards().await?;
        let view = views.into_iter().find(|view| view.account.id == card && view.account.card.is_some());
        let view = view.ok_or_else(|| ClientError::not_found("card of this server"))?;
        let all = self.0.with(async |open| accounts::all(open.cache.readers()).await).await?;
        let pays = |account: &domain::accounts::Account| {
            is_served(account) && account.card.is_none() && account.currency == view.account.currency
        };
        let from = all.into_iter().find(pays);
        let promise = self.promise(true, None)?;
        let figures = &view.figures;
        let left = |of: Option<Money>| -> Option<Money> {
            let left = of?.minus(figures.paid_since_closing?).ok()?;
            left.is_positive().then_some(left)
        };
        Ok(CardQuote {
            card,
            payee: BillerId::from_uuid(card.as_uuid()),
            minimum: left(figures.minimum_due),
            statement: left(figures.statement_balance),
            current: figures.current_balance.filter(|owed| owed.is_positive()),
            due_on: figures.due_on,
            sends_on: promise.will_process_on,
            expected_by: promise.expected_by,
            available: from.as_ref().and_then(|account| account.available.or(account.balance)),
            from: from.map(|account| account.label()),
            to: view.account.name,
        })
    }
}
