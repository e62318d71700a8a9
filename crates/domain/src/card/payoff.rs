//! When a card is paid off, and what it costs, if so much is paid each month and nothing new is bought (CA3).

use jiff::civil::Date;
use serde::Serialize;

use crate::card::CardTerms;
use crate::card::allocation::{Excess, Part, Share, Standing, allocate};
use crate::card::closing::Asked;
use crate::card::cycle::{Billed, CyclePurchases, Grace};
use crate::card::minimum::MinimumParts;
use crate::card::plans::{EXACT, Plan, PlanKind, last_cycles_from};
use crate::card::rate::{Apr, DailyBalances, half_up, money};
use crate::days;
use crate::ids::PlanId;
use crate::money::{Currency, Money, MoneyError};

/// A card as it stands today.
#[derive(Clone, Copy, Debug)]
pub struct CardNow<'a> {
    pub today: Date,
    pub terms: &'a CardTerms,
    pub apr: Apr,
    pub plans: &'a [Plan],
    pub excess: Excess,
    /// The current balance, with plans.
    pub owed: Money,
    /// The statement whose payment is still to come.
    pub bill: Option<BillNow>,
    /// What the server says of that statement where the card is its own. Absent: it is worked out from the plans.
    pub served: Option<ServedBill<'a>>,
    pub grace: Grace,
}

/// The last statement's payment, less what was paid since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillNow {
    pub due_on: Date,
    pub minimum_left: Money,
    /// What has to go to purchases to avoid interest on them.
    pub in_full_left: Money,
}

/// What is left of the last statement of a card of the server.
#[derive(Clone, Copy, Debug)]
pub struct ServedBill<'a> {
    /// Of the payment that avoids interest on purchases.
    pub in_full_left: Money,
    /// Of the installments that it asks for.
    pub asked: &'a [Asked],
}

impl ServedBill<'_> {
    fn asks_of(&self, plan: &Plan) -> Money {
        let asked = self.asked.iter().find(|asked| asked.plan == plan.id).map(|asked| asked.amount);
        asked.unwrap_or(Money::zero(plan.left.currency()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pay {
    /// What each statement asks for and no more.
    Minimum,
    /// So much, or the minimum where that is more, until nothing is owed.
    Monthly(Money),
}

/// What becomes of a card that is paid so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Payoff {
    /// The day of the last payment. Absent: not within 50 years.
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub paid_off_on: Option<Date>,
    /// All interest from now on, deferred interest that lands included.
    pub interest: Money,
    /// Deferred interest that is charged at its deadline.
    pub landed: Vec<Landed>,
    /// What is owed at the end of each cycle, from the one that is open; the last is zero when it is paid off.
    pub months: Vec<MonthOwed>,
    /// The next payment and where it goes.
    pub next: Option<NextPayment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Landed {
    pub plan: PlanId,
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub on: Date,
    pub interest: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct MonthOwed {
    /// The day on which the cycle closes.
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub on: Date,
    pub owed: Money,
    pub paid: Money,
    pub interest: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NextPayment {
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub on: Date,
    pub amount: Money,
    pub shares: Vec<Share>,
}

/// Why nothing is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayoffError {
    #[error("the terms name no minimum")]
    NoMinimum,
    #[error("what is left on the plans is more than the card owes")]
    PlansAboveBalance,
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A card that is not paid off in 50 years never is.
const CYCLES_MAX: usize = 600;

impl CardNow<'_> {
    /// Plays the card forward, cycle by cycle, by the rules of this module's neighbours. A payment comes on its due
    /// date, or at the cycle's end where it would be due later.
    pub fn play(&self, pay: Pay) -> Result<Payoff, PayoffError> {
        let mut play = Play::begin(self)?;
        let mut bill = self.bill;
        let mut first_on = days::shifted(self.terms.closing_before(self.today), 1);
        for _ in 0..CYCLES_MAX {
            let closed_on = self.terms.closing_on_or_after(first_on.max(self.today));
            bill = play.cycle(first_on, closed_on, bill, pay)?;
            if play.owed()? == 0 {
                break;
            }
            first_on = days::shifted(closed_on, 1);
        }
        play.end()
    }

    /// What avoids every interest that can still be avoided with the next payment: the purchases of the statement, the
    /// installments, and each deferred plan's part; all of a plan that is paid before purchases are. `None` when nothing
    /// is due or interest already runs.
    pub fn avoids_interest(&self) -> Result<Option<Money>, MoneyError> {
        let Some(bill) = self.bill.filter(|_| self.grace == Grace::Kept) else {
            return Ok(None);
        };
        let mut amount = bill.in_full_left;
        for plan in self.plans.iter().filter(|plan| plan.left.is_positive()) {
            let figures = plan.figures(Some(self.terms), self.today)?;
            if !(figures.ended && plan.deadline().is_some()) {
                let each = match self.served.filter(|_| plan.deadline().is_none()) {
                    // The statement may be older than the plan, or its installment paid.
                    Some(served) => served.asks_of(plan),
                    None => figures.each,
                };
                // Nothing above the minimum reaches purchases before such a plan is paid off.
                amount = amount.plus(if self.comes_first(plan, bill.due_on) { plan.left } else { each })?;
            }
        }
        if let Some(served) = self.served {
            amount = amount.greater(served.in_full_left)?;
        }
        Ok(Some(amount.lesser(self.owed)?))
    }

    /// What a payment on that day leaves above the minimum goes to this plan, by the person's wish or near its deadline.
    fn comes_first(&self, plan: &Plan, on: Date) -> bool {
        let near = plan.deadline().is_some_and(|ends_on| on >= last_cycles_from(self.terms, ends_on));
        near || self.excess == Excess::Plan(plan.id)
    }
}

struct Play<'a> {
    card: &'a CardNow<'a>,
    currency: Currency,
    /// Minor units owed, without plans.
    purchases: i128,
    plans: Vec<PlanNow<'a>>,
    grace: Grace,
    interest: i128,
    paid_off_on: Option<Date>,
    landed: Vec<Landed>,
    months: Vec<MonthOwed>,
    next: Option<NextPayment>,
}

struct PlanNow<'a> {
    plan: &'a Plan,
    left: i128,
    /// Interest kept aside, in the unit of `Plan::accrued_exact`, up to `accrued_on`.
    accrued: i128,
    accrued_on: Date,
}

/// What a cycle did to purchases.
#[derive(Default)]
struct Moves {
    charges: Vec<(Date, Money)>,
    credits: Vec<(Date, Money)>,
    plan_credits: Vec<(usize, Date, Money)>,
    paid: i128,
}

impl<'a> Play<'a> {
    fn begin(card: &'a CardNow<'a>) -> Result<Self, PayoffError> {
        let currency = card.owed.currency();
        let plans: Vec<PlanNow<'a>> = card
            .plans
            .iter()
            .filter(|plan| plan.left.is_positive())
            .map(|plan| PlanNow {
                plan,
                left: plan.left.minor().into(),
                accrued: plan.accrued_exact(),
                accrued_on: plan.left_on,
            })
            .collect();
        let on_plans: i128 = plans.iter().map(|plan| plan.left).sum();
        let owed = i128::from(card.owed.minor());
        if on_plans > owed.max(0) {
            return Err(PayoffError::PlansAboveBalance);
        }
        Ok(Self {
            card,
            currency,
            purchases: owed - on_plans,
            plans,
            grace: card.grace,
            interest: 0,
            paid_off_on: None,
            landed: Vec::new(),
            months: Vec::new(),
            next: None,
        })
    }

    fn owed(&self) -> Result<i128, MoneyError> {
        Ok(self.purchases.max(0) + self.plans.iter().map(|plan| plan.left).sum::<i128>())
    }

    /// Plays one cycle and answers what its statement asks for.
    fn cycle(
        &mut self,
        first_on: Date,
        closed_on: Date,
        bill: Option<BillNow>,
        pay: Pay,
    ) -> Result<Option<BillNow>, PayoffError> {
        let opening = self.purchases;
        let at_opening: Vec<i128> = self.plans.iter().map(|plan| plan.left).collect();
        let mut moves = Moves::default();
        let paid_on = bill.map(|bill| bill.due_on.min(closed_on));
        if let (Some(bill), Some(on)) = (bill, paid_on) {
            self.land_before(on, &mut moves)?;
            self.pay(bill, on, pay, &mut moves)?;
        }
        self.land_before(days::shifted(closed_on, 1), &mut moves)?;
        let opening = money(opening, self.currency)?;
        let billed = Billed {
            in_time_until: paid_on.unwrap_or(closed_on),
            // Where no payment falls in the cycle, the grace period stands as it did.
            in_full: match (bill, self.grace) {
                (Some(bill), _) => bill.in_full_left,
                (None, Grace::Kept) => Money::zero(self.currency),
                (None, Grace::Lost) => opening,
            },
            grace: self.grace,
        };
        let purchases = CyclePurchases {
            first_on,
            closed_on,
            apr: self.card.apr,
            opening,
            billed: Some(billed),
            charges: &moves.charges,
            credits: &moves.credits,
        };
        let closed = purchases.close()?;
        self.grace = closed.grace;
        let mut charged = i128::from(closed.interest.minor());
        self.purchases += charged;
        charged += self.plan_interest(first_on, closed_on, &at_opening, &moves)?;
        let landed: i128 =
            self.landed.iter().filter(|landed| landed.on >= first_on).map(|it| i128::from(it.interest.minor())).sum();
        self.interest += charged + landed;
        self.months.push(MonthOwed {
            on: closed_on,
            owed: money(self.owed()?, self.currency)?,
            paid: money(moves.paid, self.currency)?,
            interest: money(charged + landed, self.currency)?,
        });
        self.statement(closed_on, charged, pay)
    }

    fn pay(&mut self, bill: BillNow, on: Date, pay: Pay, moves: &mut Moves) -> Result<(), PayoffError> {
        let minimum = i128::from(bill.minimum_left.minor().max(0));
        let wanted = match pay {
            Pay::Minimum => minimum,
            Pay::Monthly(amount) => minimum.max(amount.minor().into()),
        };
        let amount = money(wanted.min(self.owed()?), self.currency)?;
        let shares = allocate(amount, bill.minimum_left, self.card.excess, &self.standings(on)?)?;
        for share in &shares {
            let minor = i128::from(share.amount.minor());
            match share.to {
                Part::Purchases => {
                    self.purchases -= minor;
                    moves.credits.push((on, share.amount));
                }
                Part::Plan(id) => {
                    if let Some(at) = self.plans.iter().position(|plan| plan.plan.id == id) {
                        // The day of a payment counts with what is left after it, as everywhere.
                        self.plans[at].accrue(days::shifted(on, -1));
                        self.plans[at].left -= minor;
                        moves.plan_credits.push((at, on, share.amount));
                    }
                }
            }
        }
        moves.paid += i128::from(amount.minor());
        if self.owed()? == 0 && amount.is_positive() {
            self.paid_off_on = Some(on);
        }
        if self.next.is_none() {
            self.next = Some(NextPayment { on, amount, shares });
        }
        Ok(())
    }

    fn standings(&self, on: Date) -> Result<Vec<Standing>, MoneyError> {
        let purchases = Standing {
            part: Part::Purchases,
            owed: money(self.purchases.max(0), self.currency)?,
            apr: self.card.apr,
            installment: None,
            last_cycles: false,
        };
        let mut standings = vec![purchases];
        let mut plans: Vec<&PlanNow> = self.plans.iter().filter(|plan| plan.left > 0).collect();
        // The nearest deadline first, then the oldest plan.
        plans.sort_by_key(|plan| (plan.plan.deadline().unwrap_or(Date::MAX), plan.plan.opened_on));
        for plan in plans {
            let deadline = plan.plan.deadline();
            standings.push(Standing {
                part: Part::Plan(plan.plan.id),
                owed: money(plan.left, self.currency)?,
                apr: plan.plan.allocation_apr(on),
                installment: self.asked_now(plan)?,
                last_cycles: deadline.is_some_and(|ends_on| on >= last_cycles_from(self.card.terms, ends_on)),
            });
        }
        Ok(standings)
    }

    /// What the next payment finds asked for of a plan: of a card of the server, what its last statement still does.
    fn asked_now(&self, plan: &PlanNow) -> Result<Option<Money>, MoneyError> {
        let installment = plan.installment(self.currency)?;
        match self.card.served.filter(|_| self.next.is_none() && self.card.bill.is_some()) {
            Some(served) => installment.map(|most| served.asks_of(plan.plan).lesser(most)).transpose(),
            None => Ok(installment),
        }
    }

    /// Charges the deferred interest of plans whose deadline is before `day`; what is left of them goes on as purchases.
    fn land_before(&mut self, day: Date, moves: &mut Moves) -> Result<(), MoneyError> {
        for plan in &mut self.plans {
            let Some(ends_on) = plan.plan.deadline().filter(|ends_on| *ends_on < day && plan.left > 0) else {
                continue;
            };
            plan.accrue(ends_on);
            let interest = half_up(plan.accrued, EXACT);
            let on = days::shifted(ends_on, 1).max(self.card.today);
            let charge = interest + plan.left;
            self.landed.push(Landed { plan: plan.plan.id, on, interest: money(interest, self.currency)? });
            moves.charges.push((on, money(charge, self.currency)?));
            self.purchases += charge;
            plan.left = 0;
        }
        Ok(())
    }

    /// Interest of plans of equal payments that have a rate.
    fn plan_interest(
        &mut self,
        first_on: Date,
        closed_on: Date,
        at_opening: &[i128],
        moves: &Moves,
    ) -> Result<i128, MoneyError> {
        let mut sum = 0;
        for (at, plan) in self.plans.iter_mut().enumerate() {
            if plan.plan.apr.is_zero() || plan.plan.deadline().is_some() {
                continue;
            }
            let credits = moves.plan_credits.iter().filter(|credit| credit.0 == at);
            let credits = credits.map(|(_, on, amount)| (*on, amount.negated()));
            let opening = money(at_opening[at], self.currency)?;
            let interest = DailyBalances::over(first_on, closed_on, opening, credits)?.interest(plan.plan.apr)?;
            plan.left += i128::from(interest.minor());
            sum += i128::from(interest.minor());
        }
        Ok(sum)
    }

    fn statement(&self, closed_on: Date, charged: i128, pay: Pay) -> Result<Option<BillNow>, PayoffError> {
        let deferred: i128 =
            self.plans.iter().filter(|plan| plan.plan.deadline().is_some()).map(|plan| plan.left).sum();
        let mut installments = 0;
        for plan in &self.plans {
            installments += plan.installment(self.currency)?.map_or(0, |asked| i128::from(asked.minor()));
        }
        let purchases = self.purchases.max(0);
        let parts = MinimumParts {
            balance: money(self.owed()?, self.currency)?,
            shared: money(purchases + deferred, self.currency)?,
            charges: money(charged, self.currency)?,
            installments: money(installments, self.currency)?,
            past_due: Money::zero(self.currency),
        };
        let minimum_left = match (self.card.terms.minimum_due(&parts)?, pay) {
            (Some(minimum), _) => minimum,
            (None, Pay::Minimum) => return Err(PayoffError::NoMinimum),
            (None, Pay::Monthly(_)) => parts.installments,
        };
        let in_full_left = money(purchases, self.currency)?;
        Ok(Some(BillNow { due_on: self.card.terms.due_after(closed_on), minimum_left, in_full_left }))
    }

    fn end(self) -> Result<Payoff, PayoffError> {
        let done = self.owed()? == 0;
        Ok(Payoff {
            paid_off_on: self.paid_off_on.filter(|_| done),
            interest: money(self.interest, self.currency)?,
            landed: self.landed,
            months: self.months,
            next: self.next,
        })
    }
}

impl PlanNow<'_> {
    /// Keeps interest aside up to the end of this day, at what was left until now.
    fn accrue(&mut self, on: Date) {
        let days = i128::from((days::number_of(on) - days::number_of(self.accrued_on)).max(0));
        if self.plan.deadline().is_some() {
            self.accrued += self.left * days * i128::from(self.plan.apr.millionths());
        }
        self.accrued_on = self.accrued_on.max(on);
    }

    fn installment(&self, currency: Currency) -> Result<Option<Money>, MoneyError> {
        match self.plan.kind {
            PlanKind::EqualPayments { monthly } => {
                money(i128::from(monthly.minor()).min(self.left), currency).map(Some)
            }
            PlanKind::DeferredInterest { .. } => Ok(None),
        }
    }
}
