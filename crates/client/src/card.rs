//! The card screen: four figures that are never mixed, and what posted.

use domain::accounts::Account;
use domain::card::CardFigures;
use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

use domain::accounts::AccountKind;
use domain::card::{CycleSums, figures, last_closing};

use crate::book::shifted;
use crate::cache::{CacheError, CacheResult, accounts, transactions};
use crate::client::{Client, Open};
use crate::error::ClientError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CardView {
    pub account: Account,
    pub figures: CardFigures,
    /// Charges by month, oldest first, the last 12; positive.
    pub spending: Vec<MonthTotal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct MonthTotal {
    /// First day of the month.
    #[specta(type = String)]
    pub month: Date,
    pub amount: Money,
}

/// Months of spending on the card screen.
const MONTHS: i64 = 12;

impl Client {
    /// Every card, by name.
    pub async fn cards(&self) -> Result<Vec<CardView>, ClientError> {
        let today = self.today();
        self.with(async |open| {
            let mut cards = accounts::all(open.cache.readers()).await?;
            cards.retain(|account| account.kind == AccountKind::Card);
            cards.sort_by_cached_key(|account| (account.name.to_lowercase(), account.id));
            let mut views = Vec::with_capacity(cards.len());
            for account in cards {
                views.push(card_view(open, account, today).await?);
            }
            Ok(views)
        })
        .await
    }
}

async fn card_view(open: &Open, account: Account, today: Date) -> CacheResult<CardView> {
    let db = open.cache.readers();
    let wrong = |_| CacheError::Damaged;
    let number = accounts::find_number(db, account.id).await?.ok_or(CacheError::Damaged)?;
    let closing = last_closing(&account, today);
    let raw = transactions::sums(db, number, closing.map(|closing| shifted(closing.on, 1))).await?;
    let money = |minor| Money::new(minor, account.currency).map_err(wrong);
    let sums = CycleSums {
        posted_after_closing: money(raw.posted_minor)?,
        paid_since_closing: money(raw.paid_minor)?,
        pending: money(raw.pending_minor)?,
        pending_count: u32::try_from(raw.pending_count).unwrap_or(u32::MAX),
    };
    let figures = figures(&account, &sums, today).map_err(wrong)?;
    let first = transactions::month_number(today) - (MONTHS - 1);
    let mut spending = Vec::new();
    for (month, minor) in transactions::months_out(db, number, first).await? {
        spending.push(MonthTotal { month: transactions::first_of_month(month)?, amount: money(minor)? });
    }
    Ok(CardView { account, figures, spending })
}
