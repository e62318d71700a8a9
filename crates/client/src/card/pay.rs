//! Paying a card of the server: what may be chosen, and what it means. The payment itself is one like any other.

use domain::accounts::Account;
use domain::card::CardFigures;
use domain::ids::{AccountId, BillerId};
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

use super::payoff::statement_left;
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
        let (minimum, statement) = left(&view.account, figures);
        Ok(CardQuote {
            card,
            payee: BillerId::from_uuid(card.as_uuid()),
            minimum,
            statement,
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

/// What is left of the minimum and of the statement. The server says it, with what was given back and not only what was
/// paid; of a copy from before it did, no more is left than is owed.
fn left(account: &Account, figures: &CardFigures) -> (Option<Money>, Option<Money>) {
    let unpaid = |of: Option<Money>| of?.minus(figures.paid_since_closing?).ok();
    let minimum = account.card.as_ref().and_then(|served| served.minimum_left);
    let statement = match statement_left(account) {
        Some(left) => Some(left.balance),
        None => unpaid(figures.statement_balance)
            .and_then(|left| figures.current_balance.map_or(Some(left), |owed| left.lesser(owed).ok())),
    };
    let positive = |amount: Option<Money>| amount.filter(|amount| amount.is_positive());
    (positive(minimum.or_else(|| unpaid(figures.minimum_due))), positive(statement))
}

#[cfg(test)]
mod tests {
    use domain::card::{Grace, StatementLeft};
    use domain::money::Currency;
    use jiff::civil::date;

    use super::*;
    use crate::server_tests::store_card;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect("an amount")
    }

    /// 385 on the statement, 30 at least, of which 280 were given back and 105 are owed.
    #[test]
    fn what_was_given_back_is_left_of_neither_minimum_nor_statement() {
        let mut account = store_card();
        let figures = CardFigures {
            current_balance: Some(usd("105")),
            statement_balance: Some(usd("385")),
            minimum_due: Some(usd("30")),
            pending: usd("0"),
            pending_count: 0,
            paid_since_closing: Some(usd("0")),
            closed_on: Some(date(2026, 11, 7)),
            next_closing_on: Some(date(2026, 12, 7)),
            due_on: Some(date(2026, 12, 2)),
            from_issuer: true,
            unused_credit: None,
            credit_limit: None,
        };
        let zero = usd("0");
        let served = account.card.as_mut().expect("served");
        served.minimum_left = Some(zero);
        assert_eq!(left(&account, &figures), (None, Some(usd("105"))), "an older server says less");
        let said = StatementLeft {
            balance: usd("5"),
            purchases: zero,
            in_full: usd("5"),
            grace: Grace::Kept,
            in_time_until: None,
        };
        account.card.as_mut().expect("served").statement_left = Some(said);
        assert_eq!(left(&account, &figures), (None, Some(usd("5"))), "100 were bought since");
    }
}
