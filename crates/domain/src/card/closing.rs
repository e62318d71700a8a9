//! The closing of a served card's cycle: interest by balance, the late fee, the minimum, and what the next payment must
//! be. Pure: the server brings what the ledger moved and books what comes out.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::card::CardTerms;
use crate::card::allocation::{Excess, Part, Standing, allocate};
use crate::card::cycle::{Billed, CyclePurchases, Grace};
use crate::card::minimum::MinimumParts;
use crate::card::plans::{Plan, PlanKind, last_cycles_from};
use crate::card::rate::{Apr, DailyBalances};
use crate::card::repayment::{Rated, Repayment, repayment};
use crate::days;
use crate::ids::PlanId;
use crate::money::{Money, MoneyError};
use crate::rewards::RewardsOfCycle;

/// What a statement asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CardBill {
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub closed_on: Date,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub due_on: Date,
    /// All that is owed; below zero when the person is in credit.
    pub balance: Money,
    pub minimum: Money,
    /// Of the minimum: what was missing of the one before.
    pub past_due: Money,
    /// Of the balance: purchases, interest and fees, without what is on plans. Never below zero.
    pub purchases: Money,
    /// What avoids interest on purchases: the smallest payment of which enough goes to them. It is never less than the
    /// minimum.
    pub in_full: Money,
    /// Until when a payment counts as in time, where the statement was made too late for its due date. Absent: the due date.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub in_time_until: Option<Date>,
}

impl CardBill {
    /// For so many days after a statement was made no payment of it is late (12 CFR 1026.5(b)(2)(ii)(A)(2) and (B)(1)(ii)).
    pub const IN_TIME_DAYS: i32 = 21;

    /// The last day on which a payment is in time.
    #[must_use]
    pub fn last_day_in_time(&self) -> Date {
        self.in_time_until.unwrap_or(self.due_on)
    }
}

/// What a plan of equal payments still asks for before the next closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Asked {
    pub plan: PlanId,
    pub amount: Money,
}

/// What is left of the last statement of a card of this server, each never below zero and never more than is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct StatementLeft {
    /// Of its balance, with everything taken off that was paid or given back since.
    pub balance: Money,
    /// Of its purchases, interest and fees: they bear interest unless so much goes to them by the due date.
    pub purchases: Money,
    /// Of what avoids interest on purchases, as the statement says it.
    pub in_full: Money,
    /// How the statement found it.
    pub grace: Grace,
    /// Until when a payment of it counts as in time, where that is after its due date.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub in_time_until: Option<Date>,
}

/// What moves a balance of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveKind {
    /// A merchant captured something.
    Purchase,
    /// A merchant, or the issuer, gave something back.
    Refund,
    /// The person paid; owed again when the payment came back.
    Payment,
    /// Between purchases and a plan: nothing more or less is owed.
    Planned,
    /// Deferred interest whose deadline has passed.
    Landed,
}

/// What moved a balance on a day. What is owed more is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub on: Date,
    pub amount: Money,
    pub kind: MoveKind,
}

/// One balance of the card over the cycle.
#[derive(Clone, Debug)]
pub struct PartBook {
    /// Absent: purchases, interest and fees.
    pub plan: Option<Plan>,
    pub opening: Money,
    pub moves: Vec<Move>,
}

impl PartBook {
    #[must_use]
    pub fn part(&self) -> Part {
        self.plan.as_ref().map_or(Part::Purchases, |plan| Part::Plan(plan.id))
    }

    /// What is owed of it after the last move.
    pub fn closing(&self) -> Result<Money, MoneyError> {
        self.moves.iter().try_fold(self.opening, |owed, moved| owed.plus(moved.amount))
    }

    fn sum(&self, kind: MoveKind) -> Result<Money, MoneyError> {
        let of_kind = self.moves.iter().filter(|moved| moved.kind == kind);
        Money::sum(self.opening.currency(), of_kind.map(|moved| moved.amount))
    }
}

/// A plan, and all that moved on it since it began, in any order: what was planned, and what was paid or given back.
#[derive(Clone, Debug)]
pub struct PlanBook {
    pub plan: Plan,
    pub moves: Vec<Move>,
}

/// A cycle of which the last day is over.
#[derive(Clone, Debug)]
pub struct CycleBook<'a> {
    pub terms: &'a CardTerms,
    /// Where the person wants what is above the minimum to go.
    pub excess: Excess,
    pub first_on: Date,
    pub closed_on: Date,
    /// When its statement is made: the day after it closed, or later where the server was away.
    pub made_on: Date,
    /// The statement before, and whether grace was kept until it.
    pub billed: Option<(CardBill, Grace)>,
    pub purchases: PartBook,
    pub plans: Vec<PartBook>,
    /// Moved to purchases already.
    pub landed: Vec<LandedInterest>,
}

/// Interest of one balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Interest {
    pub part: Part,
    pub apr: Apr,
    /// The average daily balance on which it is charged.
    pub average: Money,
    pub amount: Money,
}

/// Deferred interest that was charged because its plan was not paid off by its deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct LandedInterest {
    pub plan: PlanId,
    /// As the plan was called; it stands among the plans of a statement no more.
    pub name: String,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub on: Date,
    pub amount: Money,
}

/// What a cycle moved, each above zero unless payments came back. `opening + purchases − credits − payments + interest
/// + fees = closing` always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct CycleTotals {
    pub purchases: Money,
    pub credits: Money,
    pub payments: Money,
    /// With deferred interest that was charged.
    pub interest: Money,
    pub fees: Money,
}

/// What was charged since the year began, up to a closing (12 CFR 1026.7(b)(6)(iii)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct YearToDate {
    pub interest: Money,
    pub fees: Money,
}

/// What the closing comes to. Interest and the fee are still to be booked; `bill` has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// One of purchases, and one of each plan that bears interest.
    pub interest: Vec<Interest>,
    pub landed: Vec<LandedInterest>,
    pub late_fee: Money,
    pub totals: CycleTotals,
    pub bill: CardBill,
    pub grace: Grace,
    /// Plans of which something is left, as they stand at the closing.
    pub plans: Vec<Plan>,
    pub repayment: Option<Repayment>,
}

/// What an issuer's statement says beside its lines. Once made it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Issued {
    /// 1 is the card's first statement, and none is left out.
    pub number: u32,
    pub totals: CycleTotals,
    pub interest: Vec<Interest>,
    pub landed: Vec<LandedInterest>,
    pub bill: CardBill,
    pub grace: Grace,
    pub plans: Vec<Plan>,
    pub repayment: Option<Repayment>,
    pub year: YearToDate,
    pub limit: Money,
    /// What a late payment would cost.
    pub late_fee: Option<Money>,
    /// Where the card's charges earned some, or had.
    #[serde(default)]
    pub rewards: Option<RewardsOfCycle>,
}

/// What a closing charges, and what it goes by.
struct Charges {
    /// Of purchases first, then of each plan that bears interest.
    interest: Vec<Interest>,
    grace: Grace,
    late_fee: Money,
    /// Missing of the minimum before.
    past_due: Money,
}

impl Charges {
    /// Of each the lesser, and grace where either keeps it.
    fn within(mut self, fair: &Self) -> Result<Self, MoneyError> {
        for charged in &mut self.interest {
            let zero = Money::zero(charged.amount.currency());
            let other = fair.interest.iter().find(|other| other.part == charged.part).copied();
            let other = other.unwrap_or(Interest { average: zero, amount: zero, ..*charged });
            if other.amount.minor() < charged.amount.minor() {
                *charged = other;
            }
        }
        let grace = if fair.grace == Grace::Kept { Grace::Kept } else { self.grace };
        let (late_fee, past_due) = (self.late_fee.lesser(fair.late_fee)?, self.past_due.lesser(fair.past_due)?);
        Ok(Self { grace, late_fee, past_due, ..self })
    }
}

impl CycleBook<'_> {
    /// Parts what moved on the whole card: each plan has its own book, and purchases what is left. What a plan took
    /// from a purchase, or from a payment, purchases did not have. A plan of which something is left after its deadline
    /// goes on as purchases from the next day on, with its interest.
    pub fn part(mut self, plans: &[PlanBook]) -> Result<Self, MoneyError> {
        for book in plans {
            self.part_one(book)?;
        }
        Ok(self)
    }

    fn part_one(&mut self, book: &PlanBook) -> Result<(), MoneyError> {
        let lands_on = book.plan.deadline().map(|ends_on| days::shifted(ends_on, 1));
        if lands_on.is_some_and(|lands_on| lands_on < self.first_on) {
            return Ok(());
        }
        let zero = Money::zero(book.plan.amount.currency());
        let counts = |moved: &&Move| moved.on <= self.closed_on && lands_on.is_none_or(|lands_on| moved.on < lands_on);
        let (before, mut moves): (Vec<Move>, Vec<Move>) =
            book.moves.iter().filter(counts).partition(|moved| moved.on < self.first_on);
        let opening = Money::sum(zero.currency(), before.iter().map(|moved| moved.amount))?;
        let left = moves.iter().try_fold(opening, |left, moved| left.plus(moved.amount))?;
        self.purchases.opening = self.purchases.opening.minus(opening)?;
        if let Some(lands_on) = lands_on.filter(|lands_on| *lands_on <= self.closed_on && left.is_positive()) {
            moves.push(Move { on: lands_on, amount: left.negated(), kind: MoveKind::Planned });
            let until = days::shifted(lands_on, -1);
            let all: Vec<Move> = book.moves.iter().filter(|moved| moved.on <= until).copied().collect();
            let amount = deferred_interest(&book.plan, &all, until)?;
            if amount.is_positive() {
                self.purchases.moves.push(Move { on: lands_on, amount, kind: MoveKind::Landed });
                self.landed.push(LandedInterest {
                    plan: book.plan.id,
                    name: book.plan.name.clone(),
                    on: until,
                    amount,
                });
            }
        }
        self.purchases.moves.extend(moves.iter().map(|moved| Move { amount: moved.amount.negated(), ..*moved }));
        if !opening.is_zero() || !moves.is_empty() {
            self.plans.push(PartBook { plan: Some(accrued_until(book, self.closed_on)?), opening, moves });
        }
        Ok(())
    }

    pub fn close(&self) -> Result<Closed, MoneyError> {
        self.close_with(self.charges()?)
    }

    /// Closes it, and charges nothing that the same cycle would not have charged without what never should have been on
    /// the card.
    pub fn close_within(mut self, without: &Self) -> Result<Closed, MoneyError> {
        let zero = Money::zero(self.purchases.opening.currency());
        self.purchases.moves.retain(|moved| moved.kind != MoveKind::Landed);
        for landed in &mut self.landed {
            let fair = without.landed.iter().find(|other| other.plan == landed.plan).map_or(zero, |other| other.amount);
            landed.amount = landed.amount.lesser(fair)?;
            let on = days::shifted(landed.on, 1);
            self.purchases.moves.push(Move { on, amount: landed.amount, kind: MoveKind::Landed });
        }
        self.landed.retain(|landed| landed.amount.is_positive());
        let charges = self.charges()?.within(&without.charges()?)?;
        self.close_with(charges)
    }

    fn charges(&self) -> Result<Charges, MoneyError> {
        let (of_purchases, grace) = self.purchase_interest()?;
        let mut interest = vec![of_purchases];
        for book in &self.plans {
            interest.extend(self.plan_interest(book)?);
        }
        let zero = Money::zero(self.purchases.opening.currency());
        // A refund counts for the minimum as a payment does: who gave the goods back is not late.
        let (late_fee, past_due) = match self.billed {
            // Of one whose time is not over nothing is late yet: this statement takes its place.
            Some((bill, _)) if bill.last_day_in_time() <= self.closed_on => (
                self.terms.late_fee_of(bill.minimum, self.credited(bill.last_day_in_time())?)?,
                above_zero(bill.minimum.minus(self.credited(self.closed_on)?)?),
            ),
            _ => (zero, zero),
        };
        Ok(Charges { interest, grace, late_fee, past_due })
    }

    fn close_with(&self, Charges { interest, grace, late_fee, past_due }: Charges) -> Result<Closed, MoneyError> {
        let currency = self.purchases.opening.currency();
        let of_purchases = interest.iter().filter(|charged| charged.part == Part::Purchases);
        let of_purchases = Money::sum(currency, of_purchases.map(|charged| charged.amount))?;
        let on_purchases = self.purchases.closing()?.plus(of_purchases)?.plus(late_fee)?;
        let mut plans = Vec::new();
        for book in &self.plans {
            plans.extend(self.plan_at_closing(book, &interest)?);
        }
        let charged = Money::sum(currency, interest.iter().map(|charged| charged.amount))?;
        let bill = self.bill(&plans, on_purchases, charged.plus(late_fee)?, past_due)?;
        let rated = self.rated(&plans, on_purchases);
        let repayment = repayment(self.terms, &rated, Some(bill.minimum), currency)?;
        let totals = CycleTotals {
            purchases: self.sum(MoveKind::Purchase)?,
            credits: self.sum(MoveKind::Refund)?.negated(),
            payments: self.sum(MoveKind::Payment)?.negated(),
            interest: charged.plus(self.sum(MoveKind::Landed)?)?,
            fees: late_fee,
        };
        let landed = self.landed.clone();
        Ok(Closed { interest, landed, late_fee, totals, bill, grace, plans, repayment })
    }

    fn books(&self) -> impl Iterator<Item = &PartBook> {
        std::iter::once(&self.purchases).chain(&self.plans)
    }

    fn sum(&self, kind: MoveKind) -> Result<Money, MoneyError> {
        self.books().try_fold(Money::zero(self.purchases.opening.currency()), |sum, book| sum.plus(book.sum(kind)?))
    }

    fn purchase_interest(&self) -> Result<(Interest, Grace), MoneyError> {
        let apr = self.terms.apr.unwrap_or(Apr::ZERO);
        let is_credit = |moved: &&Move| matches!(moved.kind, MoveKind::Refund | MoveKind::Payment);
        let of_this = &self.purchases.moves;
        // What went on to a plan takes a purchase of this cycle off again: it pays for nothing.
        let charges: Vec<(Date, Money)> =
            of_this.iter().filter(|moved| !is_credit(moved)).map(|moved| (moved.on, moved.amount)).collect();
        let credits: Vec<(Date, Money)> =
            of_this.iter().filter(is_credit).map(|moved| (moved.on, moved.amount.negated())).collect();
        let billed = self.billed.map(|(bill, grace)| Billed {
            in_time_until: bill.last_day_in_time(),
            in_full: bill.purchases,
            grace,
        });
        let cycle = CyclePurchases {
            first_on: self.first_on,
            closed_on: self.closed_on,
            apr,
            opening: self.purchases.opening,
            billed,
            charges: &charges,
            credits: &credits,
        };
        let closed = cycle.close()?;
        let interest = Interest { part: Part::Purchases, apr, average: closed.average, amount: closed.interest };
        Ok((interest, closed.grace))
    }

    /// A plan of equal payments with a rate bears interest; deferred interest is kept aside until its deadline.
    fn plan_interest(&self, book: &PartBook) -> Result<Option<Interest>, MoneyError> {
        let Some(plan) = book.plan.as_ref().filter(|plan| plan.deadline().is_none() && !plan.apr.is_zero()) else {
            return Ok(None);
        };
        let moves = book.moves.iter().map(|moved| (moved.on, moved.amount));
        let balances = DailyBalances::over(self.first_on, self.closed_on, book.opening, moves)?;
        let (average, amount) = (balances.average()?, balances.interest(plan.apr)?);
        Ok(Some(Interest { part: book.part(), apr: plan.apr, average, amount }))
    }

    /// What was paid or given back on all balances up to a day.
    fn credited(&self, day: Date) -> Result<Money, MoneyError> {
        let credits = self
            .books()
            .flat_map(|book| &book.moves)
            .filter(|moved| matches!(moved.kind, MoveKind::Refund | MoveKind::Payment) && moved.on <= day);
        Money::sum(self.purchases.opening.currency(), credits.map(|moved| moved.amount.negated()))
    }

    fn plan_at_closing(&self, book: &PartBook, interest: &[Interest]) -> Result<Option<Plan>, MoneyError> {
        let Some(plan) = &book.plan else { return Ok(None) };
        let charged = interest.iter().filter(|charged| charged.part == book.part()).map(|charged| charged.amount);
        let left = charged.into_iter().try_fold(book.closing()?, Money::plus)?;
        Ok(left.is_positive().then(|| Plan { left, left_on: self.closed_on, ..plan.clone() }))
    }

    fn bill(
        &self,
        plans: &[Plan],
        on_purchases: Money,
        charges: Money,
        past_due: Money,
    ) -> Result<CardBill, MoneyError> {
        let currency = on_purchases.currency();
        let mut balance = on_purchases;
        let mut shared = on_purchases;
        let mut installments = Money::zero(currency);
        for plan in plans {
            balance = balance.plus(plan.left)?;
            match plan.installment() {
                Some(asked) => installments = installments.plus(asked)?,
                None => shared = shared.plus(plan.left)?,
            }
        }
        let parts = MinimumParts { balance, shared, charges, installments, past_due };
        let minimum = self.terms.minimum_due(&parts)?.unwrap_or(Money::zero(currency));
        let due_on = self.terms.due_after(self.closed_on);
        Ok(CardBill {
            closed_on: self.closed_on,
            due_on,
            balance,
            minimum,
            past_due: if past_due.minor() < minimum.minor() { past_due } else { minimum },
            purchases: above_zero(on_purchases),
            in_full: self.in_full(plans, on_purchases, balance, minimum, due_on)?,
            in_time_until: Some(days::shifted(self.made_on, CardBill::IN_TIME_DAYS)).filter(|until| *until > due_on),
        })
    }

    /// Looked for between the minimum and the whole balance: a larger payment never gives purchases less.
    fn in_full(
        &self,
        plans: &[Plan],
        on_purchases: Money,
        balance: Money,
        minimum: Money,
        due_on: Date,
    ) -> Result<Money, MoneyError> {
        if !on_purchases.is_positive() {
            return Ok(minimum);
        }
        let asked: Vec<Asked> = plans.iter().filter_map(Asked::in_full).collect();
        let standings = standings(self.terms, balance, plans, &asked, due_on);
        let is_enough = |minor: i64| -> Result<bool, MoneyError> {
            let payment = Money::new(minor, balance.currency())?;
            let shares = allocate(payment, minimum, self.excess, &standings)?;
            let to_purchases = shares.iter().filter(|share| share.to == Part::Purchases);
            let given = Money::sum(balance.currency(), to_purchases.map(|share| share.amount))?;
            Ok(given.minor() >= on_purchases.minor())
        };
        let (mut low, mut high) = (minimum.minor(), balance.minor());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_enough(middle)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Money::new(low, balance.currency())
    }

    fn rated(&self, plans: &[Plan], on_purchases: Money) -> Vec<Rated> {
        let apr = self.terms.apr.unwrap_or(Apr::ZERO);
        let purchases = Rated { owed: on_purchases, apr, then: None, installment: None };
        let of_plans = plans.iter().map(|plan| {
            let installment = match plan.kind {
                PlanKind::EqualPayments { monthly } => Some(monthly),
                PlanKind::DeferredInterest { .. } => None,
            };
            Rated { owed: plan.left, apr: plan.apr, then: None, installment }
        });
        std::iter::once(purchases).chain(of_plans).filter(|balance| balance.owed.is_positive()).collect()
    }
}

/// The deferred interest of a plan that was not paid off, exactly: what stood on each day from the first move to the
/// deadline, at the plan's rate, rounded once. `moves` are all of the plan's, up to its deadline.
pub fn deferred_interest(plan: &Plan, moves: &[Move], until: Date) -> Result<Money, MoneyError> {
    let zero = Money::zero(plan.amount.currency());
    let last_on = plan.deadline().map_or(until, |ends_on| ends_on.min(until));
    let moves = moves.iter().map(|moved| (moved.on, moved.amount));
    DailyBalances::over(plan.opened_on, last_on, zero, moves)?.interest(plan.apr)
}

impl Asked {
    /// All that a plan asks for with one statement; `None` when it is not one of equal payments.
    #[must_use]
    pub fn in_full(plan: &Plan) -> Option<Self> {
        plan.installment().map(|amount| Self { plan: plan.id, amount })
    }
}

/// The balances of a card as a payment of this day finds them: purchases first, then plans by their deadline and age. A
/// plan of equal payments that is not among those that ask for something has nothing of the minimum.
#[must_use]
pub fn standings(terms: &CardTerms, owed: Money, plans: &[Plan], asked: &[Asked], on: Date) -> Vec<Standing> {
    let on_plans: i64 = plans.iter().map(|plan| plan.left.minor()).sum();
    let on_purchases = Money::new(owed.minor().saturating_sub(on_plans).max(0), owed.currency());
    let purchases = Standing {
        part: Part::Purchases,
        owed: on_purchases.unwrap_or(Money::zero(owed.currency())),
        apr: terms.apr.unwrap_or(Apr::ZERO),
        installment: None,
        last_cycles: false,
    };
    let mut open: Vec<&Plan> = plans.iter().filter(|plan| plan.left.is_positive()).collect();
    open.sort_by_key(|plan| (plan.deadline().unwrap_or(Date::MAX), plan.opened_on));
    let of_plans = open.into_iter().map(|plan| Standing {
        part: Part::Plan(plan.id),
        owed: plan.left,
        apr: plan.allocation_apr(on),
        installment: plan.installment().map(|installment| {
            let asks = asked.iter().find(|asked| asked.plan == plan.id).map(|asked| asked.amount);
            asks.unwrap_or(Money::zero(installment.currency()))
        }),
        last_cycles: plan.deadline().is_some_and(|ends_on| on >= last_cycles_from(terms, ends_on)),
    });
    std::iter::once(purchases).chain(of_plans).collect()
}

/// The plan with the interest that was kept aside until a day, or until its deadline.
pub fn accrued_until(book: &PlanBook, day: Date) -> Result<Plan, MoneyError> {
    let mut plan = book.plan.clone();
    if let PlanKind::DeferredInterest { ends_on, .. } = plan.kind {
        let until = day.min(ends_on);
        let moves: Vec<Move> = book.moves.iter().filter(|moved| moved.on <= until).copied().collect();
        let accrued = Some(deferred_interest(&plan, &moves, until)?);
        plan.kind = PlanKind::DeferredInterest { ends_on, accrued };
    }
    Ok(plan)
}

/// The first and the last day of the cycle that a day is in.
#[must_use]
pub fn cycle_of(terms: &CardTerms, day: Date) -> (Date, Date) {
    (days::shifted(terms.closing_before(day), 1), terms.closing_on_or_after(day))
}

/// The first and the last day of the cycle that follows a closing, or of a card's first one.
#[must_use]
pub fn next_cycle(terms: &CardTerms, opened_on: Date, closed_on: Option<Date>) -> (Date, Date) {
    let first_on = closed_on.map_or(opened_on, |closed_on| days::shifted(closed_on, 1));
    (first_on, terms.closing_on_or_after(first_on))
}

fn above_zero(amount: Money) -> Money {
    if amount.is_negative() { Money::zero(amount.currency()) } else { amount }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::card::{DueRule, PlanOffer};
    use crate::ids::PlanId;
    use crate::money::Currency;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect("an amount")
    }

    fn terms() -> CardTerms {
        CardTerms {
            closing_day: 25,
            due: DueRule::of_served(25),
            minimum_floor: Some(usd("30")),
            minimum_share: Some(10_000),
            minimum_adds_charges: true,
            apr: Apr::new(279_900).ok(),
            late_fee: Some(usd("29")),
        }
    }

    fn moved(on: Date, amount: &str, kind: MoveKind) -> Move {
        Move { on, amount: usd(amount), kind }
    }

    fn book<'a>(terms: &'a CardTerms, opening: &str, moves: Vec<Move>) -> CycleBook<'a> {
        CycleBook {
            terms,
            excess: Excess::ByRate,
            first_on: date(2026, 10, 26),
            closed_on: date(2026, 11, 25),
            made_on: date(2026, 11, 26),
            billed: None,
            purchases: PartBook { plan: None, opening: usd(opening), moves },
            plans: Vec::new(),
            landed: Vec::new(),
        }
    }

    fn bill(minimum: &str, in_full: &str) -> CardBill {
        CardBill {
            closed_on: date(2026, 10, 25),
            due_on: date(2026, 11, 19),
            balance: usd(in_full),
            minimum: usd(minimum),
            past_due: usd("0"),
            purchases: usd(in_full),
            in_full: usd(in_full),
            in_time_until: None,
        }
    }

    #[test]
    fn a_first_cycle_asks_for_its_purchases_and_charges_nothing() {
        let terms = terms();
        let closed =
            book(&terms, "0", vec![moved(date(2026, 11, 2), "88.75", MoveKind::Purchase)]).close().expect("in range");
        assert_eq!((closed.interest[0].amount, closed.late_fee), (usd("0"), usd("0")));
        assert_eq!(closed.bill.balance, usd("88.75"));
        assert_eq!(closed.bill.minimum, usd("30"));
        assert_eq!(closed.bill.due_on, date(2026, 12, 19));
        assert_eq!(closed.grace, Grace::Kept);
    }

    #[test]
    fn who_misses_the_minimum_pays_the_fee_interest_and_what_is_past_due() {
        let terms = terms();
        let mut cycle = book(&terms, "400", vec![moved(date(2026, 11, 22), "-10", MoveKind::Payment)]);
        cycle.billed = Some((bill("30", "400"), Grace::Kept));
        let closed = cycle.close().expect("in range");
        // 400 for 27 days and 390 for 4: 12,360 balance-days at 27.99 % are 9.48.
        assert_eq!(closed.interest[0].amount, usd("9.48"));
        assert_eq!(closed.late_fee, usd("29"));
        assert_eq!(closed.bill.balance, usd("428.48"));
        // 1 % of 428.48 rounded up, with 9.48 and 29, and the 20 that are missing.
        assert_eq!(closed.bill.minimum, usd("62.77"));
        assert_eq!((closed.bill.past_due, closed.grace), (usd("20"), Grace::Lost));
    }

    #[test]
    fn what_arrives_within_three_weeks_of_a_late_statement_is_in_time() {
        let terms = terms();
        let paid_on = |on: Date| {
            let mut cycle = book(&terms, "400", vec![moved(on, "-400", MoveKind::Payment)]);
            // Made on 2 November: 12 days late for its due date.
            let late = CardBill { in_time_until: Some(date(2026, 11, 23)), ..bill("30", "400") };
            cycle.billed = Some((late, Grace::Kept));
            let closed = cycle.close().expect("in range");
            (closed.interest[0].amount, closed.late_fee, closed.bill.past_due, closed.grace)
        };
        assert_eq!(paid_on(date(2026, 11, 23)), (usd("0"), usd("0"), usd("0"), Grace::Kept));
        let (interest, fee, _, grace) = paid_on(date(2026, 11, 24));
        assert!(interest.is_positive() && fee == usd("29") && grace == Grace::Lost);
    }

    #[test]
    fn of_a_statement_whose_time_is_not_over_at_the_next_closing_nothing_is_late() {
        let terms = terms();
        let mut cycle = book(&terms, "400", vec![moved(date(2026, 11, 10), "88.75", MoveKind::Purchase)]);
        let late = CardBill { in_time_until: Some(date(2026, 11, 26)), ..bill("30", "400") };
        cycle.billed = Some((late, Grace::Kept));
        let closed = cycle.close().expect("in range");
        assert_eq!((closed.interest[0].amount, closed.late_fee, closed.grace), (usd("0"), usd("0"), Grace::Kept));
        assert_eq!((closed.bill.minimum, closed.bill.past_due), (usd("30"), usd("0")), "it is asked for once");
        // Grace was lost before: what stood then bears interest, and nothing new does.
        cycle.billed = Some((late, Grace::Lost));
        let closed = cycle.close().expect("in range");
        assert_eq!((closed.interest[0].average, closed.late_fee, closed.grace), (usd("400"), usd("0"), Grace::Kept));
    }

    #[test]
    fn a_statement_that_is_made_late_says_until_when_a_payment_is_in_time() {
        let terms = terms();
        let made =
            |made_on: Date| CycleBook { made_on, ..book(&terms, "400", Vec::new()) }.close().expect("in range").bill;
        for (made_on, until) in [(26, None), (28, None), (29, Some(date(2026, 12, 20)))] {
            let bill = made(date(2026, 11, made_on));
            assert_eq!((bill.due_on, bill.in_time_until), (date(2026, 12, 19), until), "made on the {made_on}th");
        }
    }

    #[test]
    fn what_should_not_have_been_on_the_card_charges_nothing() {
        let terms = terms();
        let bought = moved(date(2026, 11, 2), "100", MoveKind::Purchase);
        let mut cycle = book(&terms, "400", vec![bought, moved(date(2026, 11, 22), "-400", MoveKind::Refund)]);
        cycle.billed = Some((bill("30", "400"), Grace::Kept));
        let alone = cycle.close().expect("in range");
        assert_eq!((alone.late_fee, alone.grace), (usd("29"), Grace::Lost));
        let mut without = book(&terms, "0", vec![bought]);
        without.billed = Some((bill("0", "0"), Grace::Kept));
        let closed = cycle.close_within(&without).expect("in range");
        assert_eq!((closed.interest[0].amount, closed.late_fee, closed.grace), (usd("0"), usd("0"), Grace::Kept));
        assert_eq!(
            (closed.totals.credits, closed.bill.balance),
            (usd("400"), usd("100")),
            "what moved is told as it is"
        );
        assert_eq!(closed.bill.past_due, usd("0"));
    }

    #[test]
    fn who_gave_the_goods_back_is_not_late() {
        let terms = terms();
        let mut cycle = book(&terms, "400", vec![moved(date(2026, 11, 1), "-400", MoveKind::Refund)]);
        cycle.billed = Some((bill("30", "400"), Grace::Kept));
        let closed = cycle.close().expect("in range");
        assert_eq!((closed.late_fee, closed.totals.payments), (usd("0"), usd("0")));
        assert_eq!((closed.interest[0].amount, closed.bill.minimum), (usd("0"), usd("0")));
    }

    #[test]
    fn installments_are_asked_for_and_deferred_interest_is_not_charged_here() {
        let terms = terms();
        let plan = |kind, apr: u32, at: u8| Plan {
            id: PlanId::new(Timestamp::UNIX_EPOCH, [at; 10]),
            name: "Plan".into(),
            kind,
            apr: Apr::new(apr).expect("a rate"),
            amount: usd("600"),
            opened_on: date(2026, 5, 20),
            left: usd("350"),
            left_on: date(2026, 10, 25),
        };
        let sofa = plan(PlanKind::EqualPayments { monthly: usd("50") }, 99_900, 1);
        let ends_on = date(2027, 1, 20);
        let fridge = plan(PlanKind::DeferredInterest { ends_on, accrued: None }, 279_900, 2);
        let mut cycle = book(&terms, "0", Vec::new());
        cycle.plans = vec![
            PartBook {
                plan: Some(sofa.clone()),
                opening: usd("350"),
                moves: vec![moved(date(2026, 11, 19), "-50", MoveKind::Payment)],
            },
            PartBook { plan: Some(fridge), opening: usd("540"), moves: Vec::new() },
        ];
        let closed = cycle.close().expect("in range");
        let charged: Vec<(Part, Money)> = closed.interest.iter().map(|it| (it.part, it.amount)).collect();
        // 350 for 24 days and 300 for 7: 10,500 balance-days at 9.99 % are 2.87.
        assert_eq!(charged, [(Part::Purchases, usd("0")), (Part::Plan(sofa.id), usd("2.87"))]);
        assert_eq!(closed.bill.balance, usd("842.87"));
        assert_eq!(closed.bill.minimum, usd("80"), "30 of the deferred balance, and the installment");
        assert_eq!(closed.bill.in_full, usd("80"));
        assert_eq!(closed.bill.purchases, usd("0"));
    }

    #[test]
    fn who_is_in_credit_is_asked_for_nothing() {
        let terms = terms();
        let mut cycle = book(&terms, "-20", Vec::new());
        cycle.billed = Some((bill("0", "0"), Grace::Kept));
        let closed = cycle.close().expect("in range");
        assert_eq!((closed.bill.balance, closed.bill.minimum, closed.late_fee), (usd("-20"), usd("0"), usd("0")));
        assert_eq!((closed.bill.in_full, closed.repayment), (usd("0"), None));
    }

    fn plan_of(offer: PlanOffer, amount: &str, opened_on: Date) -> Plan {
        let id = PlanId::new(Timestamp::UNIX_EPOCH, [7; 10]);
        let left = (usd(amount), opened_on);
        offer.plan(id, "Sofa".into(), &terms(), opened_on, usd(amount), left).expect("in range")
    }

    #[test]
    fn what_a_plan_took_from_a_purchase_and_from_a_payment_purchases_did_not_have() {
        let terms = terms();
        let planned = moved(date(2026, 11, 3), "600", MoveKind::Planned);
        let whole = vec![
            moved(date(2026, 11, 2), "700", MoveKind::Purchase),
            moved(date(2026, 11, 20), "-150", MoveKind::Payment),
        ];
        let plan = plan_of(PlanOffer::EqualPayments { months: 12 }, "600", date(2026, 11, 3));
        let moves = vec![planned, moved(date(2026, 11, 20), "-50", MoveKind::Payment)];
        let cycle = book(&terms, "0", whole).part(&[PlanBook { plan: plan.clone(), moves }]).expect("in range");
        assert_eq!(cycle.purchases.closing(), Ok(usd("0")), "100 bought, 100 paid");
        let closed = cycle.close().expect("in range");
        assert_eq!((closed.totals.purchases, closed.totals.payments), (usd("700"), usd("150")));
        assert_eq!(closed.bill.balance, usd("550"));
        assert_eq!((closed.bill.minimum, closed.bill.in_full), (usd("50"), usd("50")));
        assert_eq!(closed.plans, [Plan { left: usd("550"), left_on: date(2026, 11, 25), ..plan }]);
    }

    #[test]
    fn what_avoids_interest_is_what_leaves_nothing_of_purchases() {
        let terms = terms();
        let whole = vec![moved(date(2026, 11, 2), "700", MoveKind::Purchase)];
        let part = |offer| {
            let plan = plan_of(offer, "600", date(2026, 11, 2));
            let moves = vec![moved(date(2026, 11, 2), "600", MoveKind::Planned)];
            let cycle = book(&terms, "0", whole.clone()).part(&[PlanBook { plan, moves }]).expect("in range");
            cycle.close().expect("in range").bill
        };
        let equal = part(PlanOffer::EqualPayments { months: 12 });
        // The installment of 50, 30 of purchases, and the 70 that are left of them.
        assert_eq!((equal.minimum, equal.purchases, equal.in_full), (usd("80"), usd("100"), usd("150")));
        let deferred = part(PlanOffer::DeferredInterest { months: 12 });
        // The minimum goes to the lowest rate first, which is the deferred one.
        assert_eq!((deferred.minimum, deferred.in_full), (usd("30"), usd("130")));
        let wish = Excess::Plan(PlanId::new(Timestamp::UNIX_EPOCH, [7; 10]));
        let wished = CycleBook { excess: wish, ..book(&terms, "0", whole.clone()) };
        let plan = plan_of(PlanOffer::DeferredInterest { months: 12 }, "600", date(2026, 11, 2));
        let moves = vec![moved(date(2026, 11, 2), "600", MoveKind::Planned)];
        let bill = wished.part(&[PlanBook { plan, moves }]).expect("in range").close().expect("in range").bill;
        assert_eq!(bill.in_full, usd("700"), "the person wants the plan paid first");
    }

    #[test]
    fn a_plan_that_was_not_paid_off_goes_on_as_purchases_with_its_interest() {
        let terms = terms();
        let opened_on = date(2026, 5, 10);
        let plan = plan_of(PlanOffer::DeferredInterest { months: 6 }, "600", opened_on);
        let moves = vec![
            moved(opened_on, "600", MoveKind::Planned),
            moved(date(2026, 8, 10), "-200", MoveKind::Payment),
            // After the deadline it pays for what goes on.
            moved(date(2026, 11, 18), "-100", MoveKind::Payment),
        ];
        let mut cycle = book(&terms, "400", vec![moved(date(2026, 11, 18), "-100", MoveKind::Payment)]);
        cycle.billed = Some((CardBill { purchases: usd("0"), ..bill("30", "400") }, Grace::Kept));
        let closed =
            cycle.part(&[PlanBook { plan: plan.clone(), moves }]).expect("in range").close().expect("in range");
        // 600 for 92 days and 400 for 93, from 10 May to 10 November: 92,400 balance-days at 27.99 % are 70.86.
        let interest =
            LandedInterest { plan: plan.id, name: "Sofa".into(), on: date(2026, 11, 10), amount: usd("70.86") };
        assert_eq!(closed.landed, [interest]);
        assert_eq!(closed.totals.interest, usd("70.86"));
        assert_eq!((closed.bill.balance, closed.bill.purchases), (usd("370.86"), usd("370.86")));
        assert!(closed.plans.is_empty());
        assert_eq!((closed.late_fee, closed.grace), (usd("0"), Grace::Kept));
    }

    #[test]
    fn a_plan_that_was_paid_off_by_its_last_day_costs_nothing() {
        let terms = terms();
        let opened_on = date(2026, 5, 10);
        let plan = plan_of(PlanOffer::DeferredInterest { months: 6 }, "600", opened_on);
        let moves =
            vec![moved(opened_on, "600", MoveKind::Planned), moved(date(2026, 11, 10), "-600", MoveKind::Payment)];
        let mut cycle = book(&terms, "600", vec![moved(date(2026, 11, 10), "-600", MoveKind::Payment)]);
        cycle.billed = Some((CardBill { purchases: usd("0"), ..bill("30", "600") }, Grace::Kept));
        let closed = cycle.part(&[PlanBook { plan, moves }]).expect("in range").close().expect("in range");
        assert_eq!((closed.bill.balance, closed.totals.interest, closed.landed.len()), (usd("0"), usd("0"), 0));
    }
}
