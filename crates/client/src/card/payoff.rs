//! What paying a card costs: the choices of a monthly payment, each played forward by `domain::card::payoff`, and where
//! the next payment goes. Worked out on this device from what it holds; nothing is asked of a server.

use domain::accounts::{Account, AccountKind};
use domain::card::payoff::{BillNow, CardNow, Pay, PayoffError, ServedBill};
use domain::card::{CardFigures, Grace, Payoff, StatementLeft};
use domain::ids::AccountId;
use domain::money::{Money, MoneyError};
use jiff::civil::Date;
use serde::Serialize;

use super::{figures_of, number_of};
use crate::book::shifted;
use crate::cache::{CacheError, CacheResult, accounts, transactions};
use crate::client::{Client, Open};
use crate::error::ClientError;

/// What the payoff panel shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PayoffView {
    Ready(Box<PayoffChoices>),
    /// Nothing can be worked out, for this reason.
    Missing {
        why: PayoffMissing,
    },
}

/// What is missing, in the order in which the person can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PayoffMissing {
    /// No file gave a balance yet.
    Balance,
    NothingOwed,
    /// The closing day and due rule.
    Terms,
    /// The yearly rate.
    Rate,
    /// Floor or share of the minimum.
    Minimum,
    /// The plans that were entered add up to more than the card owes.
    PlansAboveBalance,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PayoffChoices {
    pub owed: Money,
    /// Purchases bear interest already.
    pub grace_lost: bool,
    /// The ends of the slider and its step; `from` is the first whole step that pays the minimum.
    pub from: Money,
    pub to: Money,
    pub step: Money,
    /// The smallest choice with which no deferred interest lands. Absent without a plan, or when none does.
    pub safe_from: Option<Money>,
    /// What the next payment must be so that no interest is charged that can still be avoided.
    pub avoids_interest: Option<Money>,
    /// The chosen monthly payment.
    pub monthly: Money,
    pub chosen: Payoff,
    pub minimum: Payoff,
    /// Interest of the minimum less interest of the choice.
    pub saved: Money,
    /// A few choices side by side; the minimum first.
    pub rows: Vec<PayoffRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PayoffRow {
    /// Absent: only the minimum.
    pub monthly: Option<Money>,
    #[specta(type = Option<String>)]
    pub paid_off_on: Option<Date>,
    pub interest: Money,
    /// Deferred interest that lands, all plans together.
    pub landed: Money,
}

/// Interest that was charged within so many days means that purchases bear interest.
const GRACE_DAYS: i32 = 35;
/// A chart shows at most ten years.
const MONTHS_SHOWN: usize = 120;
/// Steps of the slider in whole units of the currency, for balances up to 5,000, 50,000 and above.
const STEPS: [(i64, i64); 2] = [(5_000, 5), (50_000, 25)];
const STEP_MAX: i64 = 100;
/// Choices of the slider; beyond them it would be no choice.
const CHOICES_MAX: i64 = 2_000;

impl Client {
    /// What a card costs and when it is paid off, with so much each month.
    pub async fn payoff(&self, card: AccountId, monthly: Option<Money>) -> Result<PayoffView, ClientError> {
        let today = self.today();
        let (account, figures, grace) = self.with(async |open| read(open, card, today).await).await?;
        if let Some(monthly) = monthly
            && (!monthly.is_positive() || monthly.currency() != account.currency)
        {
            return Err(ClientError::refused(
                "invalid_amount",
                "the monthly payment must be above zero, in the card's currency",
                "correct the amount",
            ));
        }
        view(&account, &figures, grace, today, monthly).map_err(|_| {
            ClientError::refused("invalid_amount", "the amounts of this card are too large", "look at its figures")
        })
    }
}

async fn read(open: &Open, id: AccountId, today: Date) -> CacheResult<(Account, CardFigures, Grace)> {
    let db = open.cache.readers();
    let account = accounts::find(db, id).await?.filter(|account| account.kind == AccountKind::Card);
    let account = account.ok_or(CacheError::NotFound("card"))?;
    let number = number_of(open, id).await?;
    let figures = figures_of(open, &account, number, today).await?;
    let grace = match statement_left(&account) {
        Some(left) => left.grace,
        // Of a linked card no statement says it.
        None if transactions::has_interest(db, number, shifted(today, -GRACE_DAYS)).await? => Grace::Lost,
        None => Grace::Kept,
    };
    Ok((account, figures, grace))
}

/// What the server says of its card's last statement.
pub(super) fn statement_left(account: &Account) -> Option<&StatementLeft> {
    account.card.as_ref().and_then(|served| served.statement_left.as_ref())
}

fn view(
    account: &Account,
    figures: &CardFigures,
    grace: Grace,
    today: Date,
    monthly: Option<Money>,
) -> Result<PayoffView, MoneyError> {
    let missing = |why| Ok(PayoffView::Missing { why });
    let Some(owed) = figures.current_balance else {
        return missing(PayoffMissing::Balance);
    };
    if !owed.is_positive() {
        return missing(PayoffMissing::NothingOwed);
    }
    let Some(terms) = &account.terms else {
        return missing(PayoffMissing::Terms);
    };
    let Some(apr) = terms.apr else {
        return missing(PayoffMissing::Rate);
    };
    let card = CardNow {
        today,
        terms,
        apr,
        plans: &account.plans,
        excess: account.excess,
        owed,
        bill: bill(account, figures, today)?,
        served: served(account),
        grace,
    };
    match choices(&card, figures, monthly) {
        Ok(choices) => Ok(PayoffView::Ready(Box::new(choices))),
        Err(PayoffError::NoMinimum) => missing(PayoffMissing::Minimum),
        Err(PayoffError::PlansAboveBalance) => missing(PayoffMissing::PlansAboveBalance),
        Err(PayoffError::Money(error)) => Err(error),
    }
}

/// The last statement's payment while its due date is still to come.
fn bill(account: &Account, figures: &CardFigures, today: Date) -> Result<Option<BillNow>, MoneyError> {
    let zero = Money::zero(account.currency);
    let (Some(due_on), Some(statement)) = (figures.due_on, figures.statement_balance) else {
        return Ok(None);
    };
    if due_on < today {
        return Ok(None);
    }
    if let Some(left) = statement_left(account) {
        let minimum_left = account.card.as_ref().and_then(|served| served.minimum_left).unwrap_or(zero);
        return Ok(Some(BillNow { due_on, minimum_left, in_full_left: left.purchases }));
    }
    let paid = figures.paid_since_closing.unwrap_or(zero);
    let on_plans = Money::sum(account.currency, account.plans.iter().map(|plan| plan.left))?;
    let asked = account.plans.iter().filter(|plan| plan.left.is_positive()).filter_map(domain::card::Plan::installment);
    let installments = Money::sum(account.currency, asked)?;
    // What was paid went to the installments first.
    let for_purchases = above_zero(paid.minus(installments)?);
    let minimum_left = above_zero(figures.minimum_due.unwrap_or(zero).minus(paid)?);
    let in_full_left = above_zero(statement.minus(on_plans)?.minus(for_purchases)?);
    Ok(Some(BillNow { due_on, minimum_left, in_full_left }))
}

fn served(account: &Account) -> Option<ServedBill<'_>> {
    let card = account.card.as_ref()?;
    let left = card.statement_left.as_ref()?;
    Some(ServedBill { in_full_left: left.in_full, asked: &card.asked })
}

fn choices(card: &CardNow, figures: &CardFigures, monthly: Option<Money>) -> Result<PayoffChoices, PayoffError> {
    let range = Range::of(card, figures)?;
    let safe_from = range.safe_from(card)?;
    let monthly = match monthly {
        Some(monthly) => monthly,
        None => safe_from.unwrap_or(range.at(range.count / 3)?),
    };
    let minimum = card.play(Pay::Minimum)?;
    let chosen = card.play(Pay::Monthly(monthly))?;
    let saved = above_zero(minimum.interest.minus(chosen.interest)?);
    let mut amounts = vec![range.at(range.count / 8)?, monthly, range.to()?];
    amounts.extend(safe_from);
    amounts.sort_by_key(|amount| amount.minor());
    amounts.dedup();
    let mut rows = vec![row(None, &minimum)?];
    for amount in amounts {
        rows.push(row(Some(amount), &card.play(Pay::Monthly(amount))?)?);
    }
    Ok(PayoffChoices {
        owed: card.owed,
        grace_lost: card.grace == Grace::Lost,
        from: range.from,
        to: range.to()?,
        step: range.step,
        safe_from,
        avoids_interest: card.avoids_interest()?,
        monthly,
        chosen: shown(chosen),
        minimum: shown(minimum),
        saved,
        rows,
    })
}

/// The amounts of the slider: whole steps from the minimum on.
struct Range {
    from: Money,
    step: Money,
    count: i64,
}

impl Range {
    fn of(card: &CardNow, figures: &CardFigures) -> Result<Self, PayoffError> {
        let currency = card.owed.currency();
        let unit = 10_i64.pow(currency.exponent().into());
        let owed = card.owed.minor();
        let step = STEPS.iter().find(|(most, _)| owed <= most * unit).map_or(STEP_MAX, |(_, step)| *step) * unit;
        // A card that does not say its minimum is not paid by less than a step.
        let said = figures.minimum_due.map_or(0, Money::minor);
        let least = if said > 0 { said.min(owed) } else { step };
        let up = |minor: i64| minor.checked_add(step - 1).ok_or(MoneyError::OutOfRange).map(|more| more / step * step);
        let from = up(least)?;
        // Up to a third of the balance, and never less than a few steps.
        let to = up(owed / 3)?.max(from + 4 * step);
        let count = ((to - from) / step).min(CHOICES_MAX);
        Ok(Self { from: Money::new(from, currency)?, step: Money::new(step, currency)?, count })
    }

    fn at(&self, index: i64) -> Result<Money, MoneyError> {
        let minor = index.checked_mul(self.step.minor()).and_then(|more| more.checked_add(self.from.minor()));
        Money::new(minor.ok_or(MoneyError::OutOfRange)?, self.from.currency())
    }

    fn to(&self) -> Result<Money, MoneyError> {
        self.at(self.count)
    }

    /// By halving: who pays more each month is never later with a plan.
    fn safe_from(&self, card: &CardNow) -> Result<Option<Money>, PayoffError> {
        if !card.plans.iter().any(|plan| plan.left.is_positive() && plan.deadline().is_some()) {
            return Ok(None);
        }
        let lands =
            |index| -> Result<bool, PayoffError> { Ok(!card.play(Pay::Monthly(self.at(index)?))?.landed.is_empty()) };
        let (mut low, mut high) = (0, self.count);
        if lands(high)? {
            return Ok(None);
        }
        while low < high {
            let middle = (low + high) / 2;
            if lands(middle)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(Some(self.at(low)?))
    }
}

fn row(monthly: Option<Money>, payoff: &Payoff) -> Result<PayoffRow, MoneyError> {
    let landed = Money::sum(payoff.interest.currency(), payoff.landed.iter().map(|landed| landed.interest))?;
    Ok(PayoffRow { monthly, paid_off_on: payoff.paid_off_on, interest: payoff.interest, landed })
}

fn shown(mut payoff: Payoff) -> Payoff {
    payoff.months.truncate(MONTHS_SHOWN);
    payoff
}

fn above_zero(amount: Money) -> Money {
    if amount.is_negative() { Money::zero(amount.currency()) } else { amount }
}

#[cfg(test)]
mod tests {
    use domain::accounts::Keeping;
    use domain::card::{Apr, Asked, CardTerms, DueRule, Excess, Part, Plan, PlanKind};
    use domain::ids::PlanId;
    use domain::money::Currency;
    use domain::purchases::ServedCard;
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 11, 12);

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect("an amount")
    }

    fn plan(at: u8, kind: PlanKind, apr: u32, amount: &str, left: &str) -> Plan {
        Plan {
            id: PlanId::new(Timestamp::UNIX_EPOCH, [at; 10]),
            name: format!("Plan {at}"),
            kind,
            apr: Apr::new(apr).expect("a rate"),
            amount: usd(amount),
            opened_on: date(2026, 1, 20),
            left: usd(left),
            left_on: TODAY,
        }
    }

    /// The card of `docs/CARD.md`: 1,463.24 owed, of it 540.00 with deferred interest and 350.00 in equal payments.
    fn account() -> Account {
        let ends_on = date(2027, 1, 20);
        let fridge = PlanKind::DeferredInterest { ends_on, accrued: Some(usd("167.95")) };
        Account {
            id: AccountId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            keeping: Keeping::Linked,
            kind: AccountKind::Card,
            name: "Card".to_owned(),
            mask: None,
            currency: Currency::USD,
            source: None,
            balance: Some(usd("-1463.24")),
            available: None,
            balance_as_of: None,
            terms: Some(CardTerms {
                closing_day: 25,
                due: DueRule::DayOfMonth(19),
                minimum_floor: Some(usd("30")),
                minimum_share: Some(10_000),
                minimum_adds_charges: true,
                apr: Apr::new(279_900).ok(),
                late_fee: None,
            }),
            issuer: None,
            plans: vec![
                plan(1, fridge, 279_900, "899", "540"),
                plan(2, PlanKind::EqualPayments { monthly: usd("50") }, 0, "600", "350"),
            ],
            excess: Excess::Plan(PlanId::new(Timestamp::UNIX_EPOCH, [1; 10])),
            card: None,
            covered: Vec::new(),
        }
    }

    fn figures() -> CardFigures {
        CardFigures {
            current_balance: Some(usd("1463.24")),
            statement_balance: Some(usd("1284.60")),
            minimum_due: Some(usd("80")),
            pending: usd("0"),
            pending_count: 0,
            paid_since_closing: Some(usd("0")),
            closed_on: Some(date(2026, 10, 25)),
            next_closing_on: Some(date(2026, 11, 25)),
            due_on: Some(date(2026, 11, 19)),
            from_issuer: true,
            unused_credit: None,
            credit_limit: None,
        }
    }

    fn ready(account: &Account, figures: &CardFigures, monthly: Option<&str>) -> PayoffChoices {
        match view(account, figures, Grace::Kept, TODAY, monthly.map(usd)).expect("in range") {
            PayoffView::Ready(choices) => *choices,
            PayoffView::Missing { why } => panic!("missing: {why:?}"),
        }
    }

    #[test]
    fn the_choices_are_those_of_the_document() {
        let found = ready(&account(), &figures(), Some("300"));
        assert_eq!((found.from, found.step, found.to), (usd("80"), usd("5"), usd("490")));
        assert_eq!(found.safe_from, Some(usd("230")));
        assert_eq!(found.avoids_interest, Some(usd("984.60")), "the wished plan is paid before purchases");
        assert_eq!(found.chosen.interest, usd("51.12"));
        assert_eq!(found.minimum.interest, usd("1731.99"));
        assert_eq!(found.saved, usd("1680.87"));
        let amounts: Vec<Option<Money>> = found.rows.iter().map(|row| row.monthly).collect();
        assert_eq!(amounts, [None, Some("130"), Some("230"), Some("300"), Some("490")].map(|it| it.map(usd)));
        assert_eq!(found.rows[0].landed, usd("194.27"));
    }

    #[test]
    fn the_first_choice_is_the_smallest_that_keeps_deferred_interest_away() {
        assert_eq!(ready(&account(), &figures(), None).monthly, usd("230"));
    }

    #[test]
    fn a_payment_made_since_the_closing_is_asked_for_no_more() {
        let paid = CardFigures { paid_since_closing: Some(usd("80")), ..figures() };
        let bill = bill(&account(), &paid, TODAY).expect("in range").expect("due");
        assert_eq!(bill.minimum_left, usd("0"));
        assert_eq!(bill.in_full_left, usd("364.60"), "50 went to the installment, 30 to purchases");
    }

    #[test]
    fn what_is_missing_is_named_in_the_order_in_which_it_can_be_mended() {
        let why = |account: &Account, figures: &CardFigures| match view(account, figures, Grace::Kept, TODAY, None)
            .expect("in range")
        {
            PayoffView::Missing { why } => why,
            PayoffView::Ready(_) => panic!("nothing is missing"),
        };
        let all = account();
        let terms = all.terms.clone().expect("set");
        let with = |terms| Account { terms, ..all.clone() };
        assert_eq!(why(&all, &CardFigures { current_balance: None, ..figures() }), PayoffMissing::Balance);
        assert_eq!(
            why(&all, &CardFigures { current_balance: Some(usd("-3")), ..figures() }),
            PayoffMissing::NothingOwed
        );
        assert_eq!(why(&with(None), &figures()), PayoffMissing::Terms);
        assert_eq!(why(&with(Some(CardTerms { apr: None, ..terms.clone() })), &figures()), PayoffMissing::Rate);
        let no_minimum = CardTerms { minimum_floor: None, minimum_share: None, ..terms };
        assert_eq!(why(&with(Some(no_minimum)), &figures()), PayoffMissing::Minimum);
        let small = CardFigures { current_balance: Some(usd("800")), ..figures() };
        assert_eq!(why(&all, &small), PayoffMissing::PlansAboveBalance);
    }

    #[test]
    fn a_small_balance_has_choices_too() {
        let bare = Account { plans: Vec::new(), excess: Excess::ByRate, ..account() };
        let small = CardFigures { current_balance: Some(usd("12.40")), minimum_due: None, ..figures() };
        let found = ready(&bare, &small, None);
        assert_eq!((found.from, found.to), (usd("5"), usd("25")));
        assert_eq!(found.safe_from, None);
    }

    /// 600 on a plan of 50 a month, and what else a statement of the server says of it.
    fn served(owed: &str, minimum: &str, purchases: &str, in_full: &str, asked: &[Asked]) -> Account {
        let sofa = plan(2, PlanKind::EqualPayments { monthly: usd("50") }, 0, "600", "550");
        let mut account = Account { plans: vec![sofa], excess: Excess::ByRate, balance: Some(usd(owed)), ..account() };
        let left = StatementLeft {
            balance: usd("0"),
            purchases: usd(purchases),
            in_full: usd(in_full),
            grace: Grace::Kept,
            in_time_until: None,
        };
        let card = crate::server_tests::store_card().card.expect("served");
        let minimum_left = Some(usd(minimum));
        account.card = Some(ServedCard { minimum_left, asked: asked.to_vec(), statement_left: Some(left), ..card });
        account
    }

    #[test]
    fn of_a_card_of_the_server_only_what_its_statement_still_asks_for_avoids_interest() {
        let avoids = |account: &Account, owed: &str| {
            let figures = CardFigures { current_balance: Some(usd(owed)), ..figures() };
            ready(account, &figures, None).avoids_interest
        };
        let newer = served("-950", "30", "400", "400", &[]);
        assert_eq!(avoids(&newer, "950"), Some(usd("400")), "the plan is newer than the statement");
        let paid = served("-550", "0", "0", "0", &[]);
        assert_eq!(avoids(&paid, "550"), Some(usd("0")), "all of it is paid");
        let asked = Asked { plan: newer.plans[0].id, amount: usd("20") };
        assert_eq!(avoids(&served("-650", "50", "100", "120", &[asked]), "650"), Some(usd("120")));
        // A payment of so much keeps the grace: nothing of it goes to a plan that is not asked for.
        let figures = CardFigures { current_balance: Some(usd("950")), ..figures() };
        let next = ready(&newer, &figures, Some("400")).chosen.next.expect("a payment");
        assert!(next.shares.iter().all(|share| share.to == Part::Purchases), "{next:?}");
    }
}
