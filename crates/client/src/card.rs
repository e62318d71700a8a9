//! The card screen: four figures that are never mixed, what posted, and the plans that the person entered.

use api::accounts::{AccountEdit, CardTerms};
use domain::accounts::{Account, AccountKind, Keeping};
use domain::card::plans::{PLANS_MAX, PlanError};
use domain::card::{Apr, CardFigures, CycleSums, Plan, PlanFigures, PlanKind, figures, last_closing};
use domain::ids::{AccountId, PlanId};
use domain::money::Money;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::cache::{CacheError, CacheResult, accounts, transactions};
use crate::client::{Client, Open};
use crate::error::ClientError;
use crate::outbox::Change;

mod pay;
mod payoff;
mod plans;
mod served;

pub use pay::CardQuote;
pub use payoff::{PayoffChoices, PayoffMissing, PayoffRow, PayoffView};
pub use plans::PlanOfferView;
pub use served::{LinkCodeView, NewCard, PurchasePage, PurchaseView};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CardView {
    pub account: Account,
    pub figures: CardFigures,
    /// Charges by month, oldest first, the last 12; positive. A month whose sum is no amount is left out.
    pub spending: Vec<MonthTotal>,
    /// In the order in which they were entered.
    pub plans: Vec<PlanView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PlanView {
    pub plan: Plan,
    pub figures: PlanFigures,
    /// A cycle closed since what is left was entered: the statement says more.
    pub stale: bool,
}

/// What a person types about a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PlanEdit {
    /// Absent: a new plan.
    pub id: Option<PlanId>,
    pub name: String,
    pub kind: PlanKind,
    pub apr: Apr,
    pub amount: Money,
    #[specta(type = String)]
    pub opened_on: Date,
    pub left: Money,
    /// The day of the statement that says what is left; today when absent.
    #[specta(type = Option<String>)]
    pub left_on: Option<Date>,
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

impl crate::accounts::Accounts {
    /// Keeps what a linked card's agreement says.
    pub async fn put_terms(&self, card: AccountId, terms: CardTerms) -> Result<(), ClientError> {
        self.linked_card(card).await?;
        self.edit(card, AccountEdit { terms: Some(terms), ..AccountEdit::default() }).await
    }

    /// Keeps a plan of a linked card; answers its id.
    pub async fn put_plan(&self, card: AccountId, edit: PlanEdit) -> Result<PlanId, ClientError> {
        let open = self.0.open_now()?;
        let account = self.linked_card(card).await?;
        let id = edit.id.unwrap_or_else(|| self.0.fresh(PlanId::new));
        let plan = Plan {
            id,
            name: edit.name.trim().to_owned(),
            kind: edit.kind,
            apr: edit.apr,
            amount: edit.amount,
            opened_on: edit.opened_on,
            left: edit.left,
            left_on: edit.left_on.unwrap_or(self.0.today()),
        };
        ClientError::name(&plan.name)?;
        plan.check(account.currency).map_err(refused_plan)?;
        if account.plans.iter().all(|known| known.id != id) && account.plans.len() >= PLANS_MAX {
            return Err(ClientError::refused("too_many", "a card has at most 50 plans", "remove one that has ended"));
        }
        self.0.change(&open, Change::PutPlan { account: card, plan }).await?;
        Ok(id)
    }

    /// Removes a plan of a linked card; the purchase it was for stays.
    pub async fn remove_plan(&self, card: AccountId, plan: PlanId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let account = self.linked_card(card).await?;
        if account.plans.iter().all(|known| known.id != plan) {
            return Err(ClientError::not_found("plan"));
        }
        self.0.change(&open, Change::RemovePlan { account: card, plan }).await
    }

    async fn linked_card(&self, id: AccountId) -> Result<Account, ClientError> {
        let account = self.find(id).await?;
        if account.kind == AccountKind::Card && account.keeping == Keeping::Linked {
            return Ok(account);
        }
        let next = "choose a linked card: `billfold accounts`";
        Err(ClientError::refused("forbidden", "only a linked card has terms and plans that are entered", next))
    }
}

fn refused_plan(error: PlanError) -> ClientError {
    let code = match error {
        PlanError::Name => "too_long",
        PlanError::Amount | PlanError::Left | PlanError::Monthly => "invalid_amount",
        PlanError::LeftOn | PlanError::EndsOn => "invalid_date",
    };
    ClientError::refused(code, error.to_string(), "correct the field and try again")
}

async fn card_view(open: &Open, account: Account, today: Date) -> CacheResult<CardView> {
    let db = open.cache.readers();
    let number = number_of(open, account.id).await?;
    let figures = figures_of(open, &account, number, today).await?;
    let first = transactions::month_number(today) - (MONTHS - 1);
    let mut spending = Vec::new();
    for (month, minor) in transactions::months_out(db, number, first).await? {
        if let Ok(amount) = Money::new(minor, account.currency) {
            spending.push(MonthTotal { month: transactions::first_of_month(month)?, amount });
        }
    }
    let mut plans = Vec::with_capacity(account.plans.len());
    for plan in &account.plans {
        // A figure that is no amount is no damage: such a plan stands in the account, and not among the views.
        let figures_of_plan = match (&account.card, &account.terms) {
            (Some(served), Some(terms)) => plan.figures_served(terms, &served.asked, today),
            (_, terms) => plan.figures(terms.as_ref(), today),
        };
        let Ok(figures_of_plan) = figures_of_plan else { continue };
        plans.push(PlanView {
            figures: figures_of_plan,
            stale: plan.left.is_positive() && figures.closed_on.is_some_and(|closed_on| plan.left_on < closed_on),
            plan: plan.clone(),
        });
    }
    Ok(CardView { account, figures, spending, plans })
}

async fn number_of(open: &Open, id: AccountId) -> CacheResult<i64> {
    accounts::find_number(open.cache.readers(), id).await?.ok_or(CacheError::Damaged)
}

async fn figures_of(open: &Open, account: &Account, number: i64, today: Date) -> CacheResult<CardFigures> {
    let closing = last_closing(account, today);
    let closing = closing.map(|closing| (closing.on, account.apart_from(closing.on)));
    let raw = transactions::sums(open.cache.readers(), number, closing).await?;
    let currency = account.currency;
    let money = |minor: Option<i64>| minor.and_then(|minor| Money::new(minor, currency).ok());
    let pending_count = u32::try_from(raw.pending_count).unwrap_or(u32::MAX);
    let pending = money(raw.pending_minor).unwrap_or(Money::zero(currency));
    let sums = money(raw.apart_minor).zip(money(raw.paid_minor)).filter(|_| raw.pending_minor.is_some());
    let worked_out = sums.and_then(|(apart, paid_since_closing)| {
        let balance_above_closing = closing.map_or(apart, |(_, days)| days.difference(apart));
        let sums = CycleSums { balance_above_closing, paid_since_closing, pending, pending_count };
        figures(account, &sums, today).ok()
    });
    match worked_out {
        Some(figures) => Ok(figures),
        // A file may say what adds up to no amount. That is no damage: what would be worked out is left out.
        None => {
            let bare = Account { balance: None, available: None, issuer: None, ..account.clone() };
            let sums = CycleSums { pending, pending_count, ..CycleSums::none(currency) };
            let figures = figures(&bare, &sums, today).map_err(|_| CacheError::Damaged)?;
            Ok(CardFigures { current_balance: account.balance.map(Money::negated), ..figures })
        }
    }
}
