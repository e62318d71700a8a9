//! Pay days on this device: incomes, and what is wanted of the plan. Works offline; changes wait in the outbox.

use domain::calendar::{Calendar, Roll};
use domain::ids::{AccountId, IncomeId};
use domain::money::Money;
use domain::paydays::{Income, IncomeError, PayCycle};
use domain::plan::{Pace, PlanWishes, WishesError};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::cache::{accounts, paydays};
use crate::client::Client;
use crate::error::ClientError;
use crate::outbox::Change;

/// What a person types about an income.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct NewIncome {
    pub name: String,
    pub amount: Money,
    pub cycle: PayCycle,
    pub calendar: Calendar,
    pub roll: Roll,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct IncomeView {
    pub income: Income,
    /// The next ones, today included.
    #[specta(type = Vec<String>)]
    pub next: Vec<Date>,
}

const INCOMES_MAX: usize = 50;
/// So many pay days of an income are shown.
const NEXT_DAYS: usize = 4;

/// Pay days of this device's account.
#[derive(Clone)]
pub struct Paydays(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn paydays(&self) -> Paydays {
        Paydays(self.clone())
    }
}

impl Paydays {
    /// In the order in which they were made.
    pub async fn list(&self) -> Result<Vec<IncomeView>, ClientError> {
        let all = self.0.with(async |open| paydays::all(open.cache.readers()).await).await?;
        let today = self.0.today();
        Ok(all.into_iter().map(|income| view(income, today)).collect())
    }

    /// The next pay days of an income that is being typed.
    pub fn next_days(&self, new: NewIncome) -> Result<Vec<Date>, ClientError> {
        let income = new.of(self.0.fresh(IncomeId::new));
        income.check()?;
        Ok(view(income, self.0.today()).next)
    }

    /// Adds an income, or changes the one of this id.
    pub async fn put(&self, id: Option<IncomeId>, new: NewIncome) -> Result<IncomeId, ClientError> {
        let open = self.0.open_now()?;
        let known = self.list().await?;
        match id {
            Some(id) if !known.iter().any(|one| one.income.id == id) => return Err(ClientError::not_found("income")),
            None if known.len() >= INCOMES_MAX => {
                return Err(ClientError::refused("too_many", "there are 50 incomes already", "remove one first"));
            }
            _ => {}
        }
        let income = new.of(id.unwrap_or_else(|| self.0.fresh(IncomeId::new)));
        ClientError::name(&income.name)?;
        income.check()?;
        let id = income.id;
        self.0.change(&open, Change::PutIncome { income }).await?;
        Ok(id)
    }

    pub async fn remove(&self, id: IncomeId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        if !self.list().await?.iter().any(|one| one.income.id == id) {
            return Err(ClientError::not_found("income"));
        }
        self.0.change(&open, Change::RemoveIncome { income: id }).await
    }

    pub async fn wishes(&self) -> Result<PlanWishes, ClientError> {
        self.0.with(async |open| paydays::wishes(open.cache.readers()).await).await
    }

    /// Says from which account bills are paid, what is kept in it, and when in a pay period payments leave.
    pub async fn wish(&self, account: Option<AccountId>, keep: Option<Money>, pace: Pace) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let wishes = PlanWishes { account, keep: keep.filter(|keep| !keep.is_zero()), pace };
        wishes.check()?;
        if let Some(id) = account {
            let known = self.0.with(async |open| accounts::find(open.cache.readers(), id).await).await?;
            let known = known.ok_or_else(|| ClientError::not_found("account"))?;
            if wishes.keep.is_some_and(|keep| keep.currency() != known.currency) {
                return Err(crate::bills::amount_refused());
            }
        }
        self.0.change(&open, Change::WishPlan { wishes }).await
    }
}

impl NewIncome {
    fn of(self, id: IncomeId) -> Income {
        let Self { name, amount, cycle, calendar, roll } = self;
        Income { id, name: name.trim().to_owned(), amount, cycle, calendar, roll }
    }
}

pub(crate) fn view(income: Income, today: Date) -> IncomeView {
    let next = income.pay_days(today, Date::MAX).take(NEXT_DAYS).map(|pay| pay.on).collect();
    IncomeView { income, next }
}

impl From<IncomeError> for ClientError {
    fn from(error: IncomeError) -> Self {
        let code = match error {
            IncomeError::Name => "too_long",
            IncomeError::Amount => "invalid_amount",
            IncomeError::Day | IncomeError::AnchorOutOfRange => "invalid_date",
        };
        Self::refused(code, error.to_string(), "correct the field and try again")
    }
}

impl From<WishesError> for ClientError {
    fn from(error: WishesError) -> Self {
        Self::refused("invalid_amount", error.to_string(), "correct the amount")
    }
}
