//! The plan on this device (PA3, HO3): worked out anew from bills, payments, pay days and one balance each time it is
//! asked for. It orders nothing: a person does that.

use domain::accounts::{Account, AccountKind, Keeping};
use domain::bills::{Band, Occurrence, PaymentOf};
use domain::calendar::Calendar;
use domain::ids::{AccountId, BillId, PaymentId};
use domain::money::{Currency, Money};
use domain::paydays::{Income, PayDay, pay_days};
use domain::plan::{self, Balance, Demand, DemandOf, Fit, Period, PlanWishes, Planned, Short, Start, Why};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::accounts::is_served;
use crate::bills::{LATE_DAYS, band_of};
use crate::book::{Book, shifted};
use crate::cache::bills::PaymentRow;
use crate::cache::{accounts, paydays};
use crate::client::Client;
use crate::error::ClientError;
use crate::paydays::{IncomeView, view};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PayPlanView {
    #[specta(type = String)]
    pub today: Date,
    pub incomes: Vec<IncomeView>,
    /// Pay days of the last month and as far as the plan looks, in order.
    pub pay_days: Vec<PayDayView>,
    pub wishes: PlanWishes,
    /// The account that the plan is for; absent when none has a balance.
    pub account: Option<PlanAccount>,
    /// Those that it could be for.
    pub accounts: Vec<PlanAccount>,
    /// Why there is no plan.
    pub missing: Option<PlanMissing>,
    pub figures: Option<PayPlanFigures>,
}

/// What a plan cannot be made without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PlanMissing {
    PayDays,
    /// No account has a balance in the currency of the pay.
    Balance,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PlanAccount {
    pub id: AccountId,
    pub name: String,
    pub mask: Option<String>,
    pub keeping: Keeping,
    pub balance: Money,
    /// Taken out of the balance already, but not booked; never below zero.
    pub on_its_way: Money,
    #[specta(type = Option<String>)]
    pub as_of: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PayPlanFigures {
    /// The last day that it looks at.
    #[specta(type = String)]
    pub until: Date,
    pub safe: SafeView,
    pub periods: Vec<PeriodView>,
    /// By the day they leave.
    pub payments: Vec<PlannedView>,
    /// At the end of each day on which it changes, today first.
    pub balances: Vec<BalanceView>,
    pub lowest: BalanceView,
    /// No plan fits, and how it falls short.
    pub short: Option<ShortView>,
    /// Due dates in other currencies: no plan counts them.
    pub other_currencies: u32,
}

/// What may be spent until the next pay day, with its sum: the balance less all the others is what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SafeView {
    /// The last day before the next pay.
    #[specta(type = String)]
    pub until: Date,
    /// The next pay day within the plan.
    #[specta(type = Option<String>)]
    pub pay_on: Option<Date>,
    pub balance: Money,
    pub on_its_way: Money,
    /// What payments until then take.
    pub takes: Money,
    pub count: u32,
    /// Left until then, and needed in a later period.
    pub held_back: Money,
    pub keep: Money,
    /// Below zero: that much is missing.
    pub left: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PeriodView {
    #[specta(type = String)]
    pub from: Date,
    #[specta(type = String)]
    pub until: Date,
    /// The pay that begins it; none for the first.
    pub pay: Vec<PayDayView>,
    pub opening: Money,
    pub income: Money,
    pub takes: Money,
    pub closing: Money,
    pub count: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PayDayView {
    #[specta(type = String)]
    pub on: Date,
    pub name: String,
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PlannedView {
    pub bill: Option<BillId>,
    /// The due date that names the occurrence.
    #[specta(type = Option<String>)]
    pub due_on: Option<Date>,
    /// It was ordered already.
    pub payment: Option<PaymentId>,
    pub name: String,
    pub amount: Money,
    pub estimated: bool,
    /// What is expected, where the plan reckons with more: the most that it did cost.
    pub usually: Option<Money>,
    pub payable: bool,
    #[specta(type = String)]
    pub falls_on: Date,
    #[specta(type = String)]
    pub pay_by: Date,
    #[specta(type = String)]
    pub leaves_on: Date,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BalanceView {
    #[specta(type = String)]
    pub on: Date,
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ShortView {
    /// The first day on which money is missing, even when everything leaves on the last day that is in time.
    #[specta(type = String)]
    pub on: Date,
    /// At the worst.
    pub by: Money,
    #[specta(type = Option<String>)]
    pub next_pay_on: Option<Date>,
    /// The smallest bills each of which would do if it could wait for that pay.
    pub would_help: Vec<String>,
}

/// How far a plan looks: as far as the list of bills.
const PLAN_DAYS: i32 = 60;
/// Pay days behind us that a calendar shows.
const PAY_DAYS_BACK: i32 = 31;
/// A payment may have to leave this long before its due date.
const LEAD_DAYS_MAX: i32 = 30;
const HELPERS_MAX: usize = 3;

impl Client {
    /// Which payment leaves when, and what is safe to spend until the next pay day.
    pub async fn plan(&self) -> Result<PayPlanView, ClientError> {
        let book = self.bills().book().await?;
        let (incomes, wishes, all) = self
            .with(async |open| {
                let db = open.cache.readers();
                Ok((paydays::all(db).await?, paydays::wishes(db).await?, accounts::all(db).await?))
            })
            .await?;
        let (today, until) = (book.today, shifted(book.today, PLAN_DAYS));
        let able = able_accounts(&all, book.practice);
        let account = chosen(&able, &wishes, &incomes);
        let missing = match (&account, incomes.is_empty()) {
            (_, true) => Some(PlanMissing::PayDays),
            (None, false) => Some(PlanMissing::Balance),
            (Some(_), false) => None,
        };
        let figures = match &account {
            Some(account) if missing.is_none() => Some(self.figures(&book, account, &incomes, &wishes, until)?),
            _ => None,
        };
        let seen = pay_days(&incomes, shifted(today, -PAY_DAYS_BACK), until);
        Ok(PayPlanView {
            today,
            pay_days: seen.iter().map(|pay| pay_day(pay, &incomes)).collect(),
            incomes: incomes.into_iter().map(|income| view(income, today)).collect(),
            wishes,
            account: account.map(account_view),
            accounts: able.into_iter().map(account_view).collect(),
            missing,
            figures,
        })
    }

    fn figures(
        &self,
        book: &Book,
        account: &Account,
        incomes: &[Income],
        wishes: &PlanWishes,
        until: Date,
    ) -> Result<PayPlanFigures, ClientError> {
        let (today, currency) = (book.today, account.currency);
        let mine: Vec<Income> = incomes.iter().filter(|one| one.amount.currency() == currency).cloned().collect();
        let (first_send, calendar) = self.sending(book, account, &mine)?;
        let shown = account_view(account);
        let keep = wishes.keep.filter(|keep| keep.currency() == currency).unwrap_or(Money::zero(currency));
        let balance = shown.balance.minus(shown.on_its_way).unwrap_or(shown.balance);
        let start = Start { today, balance, keep, first_send, calendar, until };
        let pay = pay_days(&mine, today, until);
        let demands = Demands::of(book, currency, until);
        let made = plan::plan(&start, &pay, &demands.found, wishes.pace);
        let names = |one: &Planned| demands.view(book, one);
        let payments: Vec<PlannedView> = made.payments.iter().map(names).collect();
        let words = Words { currency, incomes: &mine };
        let pay_after = pay.iter().filter(|pay| pay.on > today).copied().collect::<Vec<_>>();
        Ok(PayPlanFigures {
            until,
            safe: words.safe(&made, keep, &shown),
            periods: made.periods.iter().map(|period| words.period(period)).collect(),
            balances: plan::balances(&start, &pay_after, &made.payments)
                .into_iter()
                .map(|balance| words.balance(balance))
                .collect(),
            lowest: words.balance(made.lowest),
            short: match &made.fit {
                Fit::Fits => None,
                Fit::Short(short) => Some(words.short(short, &payments)),
            },
            payments,
            other_currencies: demands.other_currencies,
        })
    }

    /// The first day on which a payment from this account can leave, and the days on which payments do.
    fn sending(&self, book: &Book, account: &Account, incomes: &[Income]) -> Result<(Date, Calendar), ClientError> {
        let calendar = match incomes.first() {
            _ if is_served(account) && book.practice => Calendar::EveryDay,
            Some(income) => income.calendar,
            None => Calendar::WeekendsOnly,
        };
        if is_served(account) {
            let promise = self.payments().promise(book.practice, None)?;
            return Ok((promise.will_process_on.max(book.today), calendar));
        }
        Ok((calendar.on_or_after(book.today), calendar))
    }
}

/// Accounts that bills can be paid from and that have a balance. Where payments only practise, a linked account comes
/// first, otherwise the one that they leave from.
fn able_accounts(all: &[Account], practice: bool) -> Vec<&Account> {
    let holds_money = |account: &&Account| !matches!(account.kind, AccountKind::Card | AccountKind::Loan);
    let mut able: Vec<&Account> = all.iter().filter(holds_money).filter(|account| account.balance.is_some()).collect();
    able.sort_by_cached_key(|account| {
        (account.kind != AccountKind::Checking, is_served(account) == practice, account.name.to_lowercase(), account.id)
    });
    able
}

/// The account that was asked for, or the first that pay comes into by its currency.
fn chosen<'a>(able: &[&'a Account], wishes: &PlanWishes, incomes: &[Income]) -> Option<&'a Account> {
    let asked = able.iter().find(|account| Some(account.id) == wishes.account);
    let paid_in = |account: &&&Account| incomes.iter().any(|income| income.amount.currency() == account.currency);
    asked.or_else(|| able.iter().find(paid_in)).copied()
}

fn account_view(account: &Account) -> PlanAccount {
    let none = Money::zero(account.currency);
    let balance = account.balance.unwrap_or(none);
    // What may be drawn beyond the balance is no money of the person's.
    let on_its_way = account.available.and_then(|available| balance.minus(available).ok());
    PlanAccount {
        id: account.id,
        name: account.name.clone(),
        mask: account.mask.clone(),
        keeping: account.keeping,
        balance,
        on_its_way: on_its_way.filter(|taken| taken.is_positive()).unwrap_or(none),
        as_of: account.balance_as_of,
    }
}

fn pay_day(pay: &PayDay, incomes: &[Income]) -> PayDayView {
    let name = incomes.iter().find(|income| income.id == pay.income).map(|income| income.name.clone());
    PayDayView { on: pay.on, name: name.unwrap_or_default(), amount: pay.amount }
}

/// What has to be paid, in one currency.
struct Demands {
    found: Vec<Demand>,
    other_currencies: u32,
}

impl Demands {
    fn of(book: &Book, currency: Currency, until: Date) -> Self {
        let mut all = Self { found: Vec::new(), other_currencies: 0 };
        let (from, to) = (shifted(book.today, -LATE_DAYS), shifted(until, LEAD_DAYS_MAX));
        for bill in book.all() {
            let band = band_of(book, bill);
            for occurrence in book.occurrences(bill, from, to) {
                let Some(mut demand) = Demand::open(&occurrence, book.pay_by(bill, occurrence.falls_on)) else {
                    continue;
                };
                demand.amount = at_most(&occurrence, band.as_ref());
                if demand.amount.currency() == currency {
                    all.found.push(demand);
                } else if demand.pay_by <= until {
                    all.other_currencies += 1;
                }
            }
        }
        let ordered = book.payments.iter().filter(|row| row.order.amount.currency() == currency);
        all.found.extend(ordered.filter_map(|row| ordered_demand(book, row)));
        all
    }

    fn view(&self, book: &Book, planned: &Planned) -> PlannedView {
        let Planned { demand, leaves_on, why } = *planned;
        let row = match demand.of {
            DemandOf::Payment(id) => book.payments.iter().find(|row| row.order.id == id),
            DemandOf::Occurrence { .. } => None,
        };
        let (bill, due_on) = match (demand.of, row) {
            (DemandOf::Occurrence { bill, due_on }, _) => (Some(bill), Some(due_on)),
            (DemandOf::Payment(_), row) => (row.and_then(|row| row.order.bill), row.and_then(|row| row.order.due_on)),
        };
        let known = bill.and_then(|id| book.bill_or_card(id));
        let payee = || row.and_then(|row| book.payee(row.order.biller)).map(str::to_owned);
        PlannedView {
            bill,
            due_on,
            payment: row.map(|row| row.order.id),
            name: known.map(|bill| bill.name.clone()).or_else(payee).unwrap_or_default(),
            amount: demand.amount,
            usually: known
                .filter(|_| row.is_none())
                .zip(due_on)
                .and_then(|(bill, due_on)| book.occurrence(bill, due_on))
                .map(|occurrence| occurrence.left)
                .filter(|left| *left != demand.amount),
            estimated: row.is_none() && known.is_some_and(|bill| bill.estimated),
            payable: known.is_some_and(|bill| book.payable(bill)),
            falls_on: demand.falls_on,
            pay_by: demand.pay_by,
            leaves_on,
            why,
        }
    }
}

/// What is left of a due date, reckoned with the most that an estimated bill did cost: a plan that fits must not fail when
/// the bill arrives.
fn at_most(occurrence: &Occurrence, band: Option<&Band>) -> Money {
    let high = band.filter(|_| occurrence.estimated).map(|band| band.high);
    let covered = occurrence.paid.plus(occurrence.on_its_way);
    let most = high.zip(covered.ok()).and_then(|(high, covered)| high.minus(covered).ok());
    most.filter(|most| most.minor() > occurrence.left.minor()).unwrap_or(occurrence.left)
}

/// An order that has not left; one of no bill is due on the day it leaves.
fn ordered_demand(book: &Book, row: &PaymentRow) -> Option<Demand> {
    let order = &row.order;
    let bill = order.bill.and_then(|id| book.bill(id)).zip(order.due_on);
    let due = bill.and_then(|(bill, due_on)| book.occurrence(bill, due_on)).map(|occurrence| occurrence.falls_on);
    let payment = match row.means() {
        Some((_, payment)) => payment,
        None if row.refused.is_some() => return None,
        None => PaymentOf {
            id: order.id,
            due_on: order.due_on.unwrap_or(book.today),
            amount: order.amount,
            state: row.answer.as_ref().map(|answer| answer.state),
            sends_on: row.answer.as_ref().map_or(order.send_on, |answer| Some(answer.will_process_on)),
        },
    };
    let falls_on = due.or(payment.sends_on).unwrap_or(book.today);
    Demand::ordered(&payment, falls_on, book.today)
}

/// Figures of a plan as money of its currency, and incomes by their names.
struct Words<'a> {
    currency: Currency,
    incomes: &'a [Income],
}

impl Words<'_> {
    /// Beyond what money can be, a sum stands at its end.
    fn money(&self, minor: i64) -> Money {
        let minor = minor.clamp(-Money::MINOR_MAX, Money::MINOR_MAX);
        Money::new(minor, self.currency).unwrap_or(Money::zero(self.currency))
    }

    fn balance(&self, balance: Balance) -> BalanceView {
        BalanceView { on: balance.on, amount: self.money(balance.minor) }
    }

    fn period(&self, period: &Period) -> PeriodView {
        PeriodView {
            from: period.from,
            until: period.until,
            pay: period.pay.iter().map(|pay| pay_day(pay, self.incomes)).collect(),
            opening: self.money(period.opening),
            income: self.money(period.income),
            takes: self.money(period.takes),
            closing: self.money(period.closing),
            count: u32::try_from(period.count).unwrap_or(u32::MAX),
        }
    }

    fn safe(&self, made: &plan::Plan, keep: Money, account: &PlanAccount) -> SafeView {
        let safe = made.safe;
        let first = made.periods.first();
        SafeView {
            until: safe.until,
            pay_on: made.periods.get(1).map(|period| period.from),
            balance: account.balance,
            on_its_way: account.on_its_way,
            takes: self.money(safe.takes),
            count: first.map_or(0, |period| u32::try_from(period.count).unwrap_or(u32::MAX)),
            held_back: self.money(safe.held_back),
            keep,
            left: self.money(safe.left),
        }
    }

    fn short(&self, short: &Short, payments: &[PlannedView]) -> ShortView {
        let named = |of: &DemandOf| {
            let found = payments.iter().find(|one| match *of {
                DemandOf::Occurrence { bill, due_on } => {
                    one.payment.is_none() && one.bill == Some(bill) && one.due_on == Some(due_on)
                }
                DemandOf::Payment(id) => one.payment == Some(id),
            });
            found.map(|one| one.name.clone())
        };
        ShortView {
            on: short.on,
            by: self.money(short.by_minor),
            next_pay_on: short.next_pay_on,
            would_help: short.would_help.iter().filter_map(named).take(HELPERS_MAX).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
