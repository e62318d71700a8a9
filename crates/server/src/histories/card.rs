//! A card as the model has it: it walks from day to day in whole cents, by the words of docs/CARD.md, and shares nothing
//! with the rules. What the issuer says must be what this comes to.

use domain::ids::{DisputeId, PlanId, PurchaseId};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

/// 27.99 %, in millionths.
const RATE: i128 = 279_900;
const FLOOR: i64 = 3_000;
const LATE_FEE: i64 = 2_900;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Bought,
    GivenBack,
    Paid,
}

/// Why something moved, as far as a dispute of it has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Captured(PurchaseId, Timestamp),
    Disputed(DisputeId),
    /// It came of what was wrong, and was given back with it.
    CameOfIt,
    Other,
}

/// What was disputed and wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrong {
    pub dispute: DisputeId,
    pub purchase: PurchaseId,
    pub opened_at: Timestamp,
    pub cents: i64,
    /// When the dispute was over.
    pub over_on: Date,
}

/// What a statement charges, and what it goes by.
struct Charges {
    interest: i64,
    fee: i64,
    past_due: i64,
    free: bool,
}

/// How a purchase is paid over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deal {
    Equal { months: i64 },
    Deferred { months: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnPlan {
    Put,
    GivenBack,
    Paid,
    /// After its deadline it is a purchase like others.
    Landed,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub id: PlanId,
    pub purchase: PurchaseId,
    deal: Deal,
    opened_on: Date,
    /// What is owed more of it is positive.
    moves: Vec<(Date, OnPlan, i64)>,
}

impl Plan {
    pub fn left(&self) -> i64 {
        self.moves.iter().map(|moved| moved.2).sum()
    }

    fn left_on(&self, day: Date) -> i64 {
        self.moves.iter().filter(|moved| moved.0 <= day).map(|moved| moved.2).sum()
    }

    fn deadline(&self) -> Option<Date> {
        match self.deal {
            Deal::Equal { .. } => None,
            Deal::Deferred { months } => Some(self.opened_on.saturating_add(months.months())),
        }
    }

    /// Its deadline has not passed before this day, so that it is no purchase yet.
    fn counts_on(&self, day: Date) -> bool {
        self.deadline().is_none_or(|deadline| after(deadline) >= day)
    }

    /// What the statement of a day asks for.
    fn asks_on(&self, day: Date) -> Option<i64> {
        let Deal::Equal { months } = self.deal else { return None };
        let put = self.moves.iter().filter(|moved| moved.1 == OnPlan::Put && moved.0 <= day);
        let put: i64 = put.map(|moved| moved.2).sum();
        Some(((put + months - 1) / months).min(self.left_on(day)))
    }

    /// Its interest from the first day to the deadline, when it was not paid off by then.
    fn kept_aside(&self, deadline: Date) -> i64 {
        let mut day_cents = 0;
        let mut day = self.opened_on;
        while day <= deadline {
            day_cents += i128::from(self.left_on(day).max(0));
            day = after(day);
        }
        interest(day_cents)
    }
}

/// What a statement must say, in cents.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub opened_on: Date,
    pub closed_on: Date,
    pub opening: i64,
    /// With what landed.
    pub interest: i64,
    pub landed: i64,
    pub fee: i64,
    pub balance: i64,
    pub minimum: i64,
    pub past_due: i64,
    pub purchases: i64,
    pub free: bool,
    /// What is left of each plan, in the order of their ids.
    pub plans: Vec<(PlanId, i64)>,
}

impl Said {
    fn due_on(&self) -> Date {
        due_after(self.closed_on)
    }
}

/// One balance of a card as a payment finds it.
struct Part {
    /// Absent: purchases.
    plan: Option<usize>,
    owed: i64,
    dear: bool,
    asks: Option<i64>,
    comes_first: bool,
}

pub(super) struct Card {
    closing_day: i8,
    opened_on: Date,
    moves: Vec<(Date, What, i64)>,
    /// Of each move.
    whys: Vec<Why>,
    /// In the order in which they were disputed.
    wrong: Vec<Wrong>,
    /// Interest and late fees that were given back.
    back: (i64, i64),
    pub plans: Vec<Plan>,
    pub said: Vec<Said>,
    /// The plan that gets what is above the minimum, until it is paid off.
    wish: Option<PlanId>,
    /// The same, as the last statement saw it.
    wish_then: Option<PlanId>,
}

fn after(day: Date) -> Date {
    day.saturating_add(1.day())
}

/// Six days before the day of the next closing; where that would be in the month of this one, three days before it, or 25
/// days after the closing.
fn due_after(closed_on: Date) -> Date {
    match closed_on.day() {
        1..=3 => closed_on.saturating_add(25.days()),
        4..=6 => closed_on.saturating_add(1.month()).saturating_sub(3.days()),
        _ => closed_on.saturating_add(1.month()).saturating_sub(6.days()),
    }
}

/// A year has 365 days; halves go up.
fn interest(day_cents: i128) -> i64 {
    i64::try_from((day_cents * RATE * 2 + 365_000_000) / 730_000_000).expect("small")
}

impl Card {
    pub fn new(closing_day: i8, opened_on: Date) -> Self {
        Self {
            closing_day,
            opened_on,
            moves: Vec::new(),
            whys: Vec::new(),
            wrong: Vec::new(),
            back: (0, 0),
            plans: Vec::new(),
            said: Vec::new(),
            wish: None,
            wish_then: None,
        }
    }

    fn moved(&mut self, on: Date, what: What, cents: i64, why: Why) {
        self.moves.push((on, what, cents));
        self.whys.push(why);
    }

    pub fn owed(&self) -> i64 {
        let charged: i64 = self.said.iter().map(|said| said.interest + said.fee).sum();
        self.moves.iter().map(|moved| moved.2).sum::<i64>() + charged
    }

    fn on_plans(&self) -> i64 {
        self.plans.iter().map(Plan::left).sum()
    }

    fn plan_of(&mut self, purchase: PurchaseId) -> Option<&mut Plan> {
        self.plans.iter_mut().find(|plan| plan.purchase == purchase)
    }

    // ---- What happens --------------------------------------------------------------------------------------------

    pub fn captured(&mut self, (on, at): (Date, Timestamp), purchase: PurchaseId, cents: i64) {
        self.moved(on, What::Bought, cents, Why::Captured(purchase, at));
        self.put_on_plan(on, purchase, cents);
    }

    /// What is charged beside purchases: a reload of the wallet.
    pub fn charged(&mut self, on: Date, cents: i64) {
        self.moved(on, What::Bought, cents, Why::Other);
    }

    /// Something is disputed, and given back until it is decided.
    pub fn disputed(&mut self, on: Date, dispute: DisputeId, cents: i64) {
        self.moved(on, What::GivenBack, -cents, Why::Disputed(dispute));
    }

    /// A refund took the place of what was given back.
    pub fn refund_took_its_place(&mut self, on: Date, cents: i64) {
        self.moved(on, What::GivenBack, cents, Why::Other);
    }

    /// What was given back is owed again. Taken back in the cycle in which it was opened, it is as if it had never been.
    pub fn owed_again(&mut self, on: Date, cents: i64, taken_back_from: Option<Date>) {
        let never_was = taken_back_from.is_some_and(|opened_on| self.cycle_of(opened_on) == self.cycle_of(on));
        self.moved(on, if never_was { What::GivenBack } else { What::Bought }, cents, Why::Other);
    }

    /// A dispute is over: what statements charged because of what was wrong goes back too.
    pub fn found_wrong(&mut self, wrong: Wrong) {
        self.wrong.push(wrong);
        self.wrong.sort_by_key(|one| (one.opened_at, one.dispute));
        let sums = |said: &[Said]| -> (i64, i64) {
            (said.iter().map(|said| said.interest).sum(), said.iter().map(|said| said.fee).sum())
        };
        let (was, fair) = (sums(&self.said), sums(&self.without_what_was_wrong().said));
        let over = |was: i64, fair: i64, back: i64| (was - fair - back).max(0);
        let (interest, fees) = (over(was.0, fair.0, self.back.0), over(was.1, fair.1, self.back.1));
        self.back = (self.back.0 + interest, self.back.1 + fees);
        for cents in [interest, fees].into_iter().filter(|cents| *cents > 0) {
            self.moved(wrong.over_on, What::GivenBack, -cents, Why::CameOfIt);
        }
    }

    /// The card as it would stand after as many statements, had it never been charged what was wrong. What the wallet paid
    /// of it the card was never charged: that it was given back there stays. Who disputes has no plans here.
    fn without_what_was_wrong(&self) -> Self {
        let mut fair = Self::new(self.closing_day, self.opened_on);
        fair.moves.clone_from(&self.moves);
        fair.whys.clone_from(&self.whys);
        for wrong in &self.wrong {
            let (mut left, mut taken_out) = (wrong.cents, 0);
            for (moved, why) in fair.moves.iter_mut().zip(&self.whys) {
                if matches!(why, Why::Captured(of, at) if *of == wrong.purchase && *at <= wrong.opened_at) {
                    let out = left.min(moved.2);
                    moved.2 -= out;
                    left -= out;
                    taken_out += out;
                }
            }
            for (moved, why) in fair.moves.iter_mut().zip(&self.whys) {
                if *why == Why::Disputed(wrong.dispute) {
                    moved.2 += taken_out;
                }
            }
        }
        for (moved, _) in fair.moves.iter_mut().zip(&self.whys).filter(|(_, why)| **why == Why::CameOfIt) {
            moved.2 = 0;
        }
        while fair.said.len() < self.said.len() {
            let (first, last) = fair.next_cycle();
            let said = fair.statement(first, last);
            fair.said.push(said);
        }
        fair
    }

    pub fn given_back(&mut self, on: Date, purchase: PurchaseId, cents: i64) {
        self.moved(on, What::GivenBack, -cents, Why::Other);
        if let Some(plan) = self.plan_of(purchase) {
            let of_plan = cents.min(plan.left());
            if of_plan > 0 {
                plan.moves.push((on, OnPlan::GivenBack, -of_plan));
            }
        }
        // What purchases do not owe goes to other plans, as if it were paid.
        let credit = self.on_plans() - self.owed();
        if credit > 0 {
            let minimum = self.minimum_left_without(credit).unwrap_or(0);
            self.give(on, OnPlan::GivenBack, credit, (self.owed() + credit, minimum));
        }
        self.wish_comes_true();
    }

    /// So much of its purchase was captured and not given back until now.
    pub fn planned(&mut self, on: Date, id: PlanId, purchase: PurchaseId, deal: Deal, cents: i64) {
        self.plans.push(Plan { id, purchase, deal, opened_on: on, moves: Vec::new() });
        self.put_on_plan(on, purchase, cents);
    }

    /// Who paid ahead has paid it: never more goes on a plan than is owed beside plans.
    fn put_on_plan(&mut self, on: Date, purchase: PurchaseId, cents: i64) {
        let most = cents.min(self.owed() - self.on_plans());
        if let Some(plan) = self.plan_of(purchase).filter(|_| most > 0) {
            plan.moves.push((on, OnPlan::Put, most));
        }
    }

    pub fn paid(&mut self, on: Date, cents: i64) {
        let found = (self.owed(), self.minimum_left().unwrap_or(0));
        self.moved(on, What::Paid, -cents, Why::Other);
        self.give(on, OnPlan::Paid, cents, found);
        self.wish_comes_true();
    }

    /// Plans get their part of what found so much owed, and of the minimum.
    fn give(&mut self, on: Date, what: OnPlan, cents: i64, (owed, minimum): (i64, i64)) {
        let asked: Vec<(PlanId, i64)> = self.asked();
        let asks = |plan: &Plan| {
            let asked = asked.iter().find(|asked| asked.0 == plan.id).map_or(0, |asked| asked.1);
            matches!(plan.deal, Deal::Equal { .. }).then_some(asked)
        };
        let parts = self.parts(owed, on, self.wish, Plan::left, asks);
        let given = split(cents, minimum, &parts);
        for (part, given) in parts.iter().zip(given) {
            if let Some(at) = part.plan.filter(|_| given > 0) {
                self.plans[at].moves.push((on, what, -given));
            }
        }
    }

    pub const fn wishes(&mut self, plan: Option<PlanId>) {
        self.wish = plan;
    }

    pub const fn wish(&self) -> Option<PlanId> {
        self.wish
    }

    fn wish_comes_true(&mut self) {
        let is_open = |id| self.plans.iter().any(|plan| plan.id == id && plan.left() > 0);
        self.wish = self.wish.filter(|id| is_open(*id));
    }

    /// The first day of the cycle that a day is in.
    pub fn cycle_of(&self, day: Date) -> Date {
        let this_month = self.closing_in_month_of(day);
        after(if this_month < day { this_month } else { this_month.saturating_sub(1.month()) })
    }

    /// The last day of the cycle that a day is in.
    pub fn end_of_cycle(&self, day: Date) -> Date {
        let this_month = self.closing_in_month_of(day);
        if this_month >= day { this_month } else { this_month.saturating_add(1.month()) }
    }

    // ---- What is asked for ---------------------------------------------------------------------------------------

    /// Of the last statement.
    pub fn minimum_left(&self) -> Option<i64> {
        self.minimum_left_without(0)
    }

    /// Before so much of what was paid or given back since.
    fn minimum_left_without(&self, cents: i64) -> Option<i64> {
        let last = self.said.last()?;
        let since = self.moves.iter().filter(|moved| moved.0 > last.closed_on && moved.1 != What::Bought);
        Some((last.minimum + since.map(|moved| moved.2).sum::<i64>() + cents).max(0))
    }

    /// What is left of the installments that the last statement asks for, by plan.
    pub fn asked(&self) -> Vec<(PlanId, i64)> {
        let Some(last) = self.said.last() else { return Vec::new() };
        let of_plan = |(id, _): &(PlanId, i64)| {
            let plan = self.plans.iter().find(|plan| plan.id == *id)?;
            let since = plan.moves.iter().filter(|moved| moved.0 > last.closed_on && moved.1 != OnPlan::Put);
            let asks = plan.asks_on(last.closed_on)? + since.map(|moved| moved.2).sum::<i64>();
            Some((*id, asks)).filter(|asked| asked.1 > 0)
        };
        last.plans.iter().filter_map(of_plan).collect()
    }

    fn parts(
        &self,
        owed: i64,
        on: Date,
        wish: Option<PlanId>,
        left: impl Fn(&Plan) -> i64,
        asks: impl Fn(&Plan) -> Option<i64>,
    ) -> Vec<Part> {
        let mut plans: Vec<(usize, &Plan)> = self.plans.iter().enumerate().filter(|(_, plan)| left(plan) > 0).collect();
        plans.sort_by_key(|(_, plan)| (plan.deadline().unwrap_or(Date::MAX), plan.opened_on, plan.id));
        let on_plans: i64 = self.plans.iter().map(&left).sum();
        let purchases = Part { plan: None, owed: (owed - on_plans).max(0), dear: true, asks: None, comes_first: false };
        let mut parts = vec![purchases];
        for (at, plan) in plans {
            let deadline = plan.deadline();
            parts.push(Part {
                plan: Some(at),
                owed: left(plan),
                dear: deadline.is_some_and(|deadline| on > deadline),
                asks: asks(plan),
                comes_first: match wish {
                    Some(wish) => plan.id == wish,
                    None => deadline.is_some_and(|deadline| on >= self.last_two_cycles_from(deadline)),
                },
            });
        }
        parts
    }

    /// The cycle of the deadline and the one before it; but when the payment of the cycle before is due only after the
    /// deadline, the two before it.
    fn last_two_cycles_from(&self, deadline: Date) -> Date {
        let closings = |back: i64| self.closing_in_month_of(deadline.saturating_sub(back.months()).first_of_month());
        let before: Vec<Date> = (0..4).map(closings).filter(|closing| *closing < deadline).collect();
        let is_due_by_then = due_after(before[0]) <= deadline;
        after(before[if is_due_by_then { 1 } else { 2 }])
    }

    fn closing_in_month_of(&self, day: Date) -> Date {
        day.with().day(self.closing_day).build().expect("every month has that day")
    }

    // ---- Closings ------------------------------------------------------------------------------------------------

    /// Makes every statement whose last day has passed, as far as that is so.
    pub fn close(&mut self, has_passed: impl Fn(Date) -> bool) {
        loop {
            let (first, last) = self.next_cycle();
            if !has_passed(last) {
                return;
            }
            let said = self.statement(first, last);
            self.said.push(said);
            self.wish_then = self.wish;
            for plan in &mut self.plans {
                let left = plan.left();
                if left > 0 && plan.deadline().is_some_and(|deadline| deadline < last) {
                    plan.moves.push((after(last), OnPlan::Landed, -left));
                }
            }
            self.wish_comes_true();
        }
    }

    fn next_cycle(&self) -> (Date, Date) {
        let first = self.said.last().map_or(self.opened_on, |said| after(said.closed_on));
        (first, self.end_of_cycle(first))
    }

    fn charges(&self, first: Date, last: Date) -> Charges {
        let days = || std::iter::successors(Some(first), |day| Some(after(*day))).take_while(|day| *day <= last);
        let before = self.said.last();
        let opening = before.map_or(0, |said| said.balance);
        let moves = self.purchases_alone(first, last);
        let on_plans_before: i64 =
            self.plans.iter().filter(|plan| plan.counts_on(first)).map(|plan| plan.left_on(eve(first))).sum();
        let opening_alone = opening - on_plans_before;
        let (mut day_cents, mut fee, mut past_due, mut free) = (0, 0, 0, true);
        if let Some(before) = before {
            let due_on = before.due_on();
            let credits = |until: Date| -> i64 {
                let those = moves.iter().filter(|moved| moved.is_credit && moved.on <= until);
                those.map(|moved| -moved.cents).sum()
            };
            let in_time = credits(due_on);
            let whole = in_time >= before.purchases;
            let mut standing = match (before.free, whole) {
                (true, true) => 0,
                (true, false) => opening_alone - in_time,
                (false, _) => opening_alone,
            };
            for day in days() {
                for moved in moves.iter().filter(|moved| moved.on == day) {
                    let counts = match (before.free, whole) {
                        (true, true) => false,
                        (true, false) => !moved.is_credit || day > due_on,
                        (false, true) => moved.is_credit,
                        (false, false) => true,
                    };
                    standing += if counts { moved.cents } else { 0 };
                }
                day_cents += i128::from(standing.max(0));
            }
            free = whole;
            fee = if self.credited(first, due_on) < before.minimum { before.minimum.min(LATE_FEE) } else { 0 };
            past_due = (before.minimum - self.credited(first, last)).max(0);
        }
        Charges { interest: interest(day_cents), fee, past_due, free }
    }

    fn statement(&self, first: Date, last: Date) -> Said {
        let Charges { interest: mut charged, mut fee, mut past_due, mut free } = self.charges(first, last);
        // A statement charges nothing for what was found to be wrong in its cycle.
        if self.wrong.iter().any(|wrong| (first..=last).contains(&wrong.over_on)) {
            let fair = self.without_what_was_wrong().charges(first, last);
            (charged, fee) = (charged.min(fair.interest), fee.min(fair.fee));
            (past_due, free) = (past_due.min(fair.past_due), free || fair.free);
        }
        let opening = self.said.last().map_or(0, |said| said.balance);
        let moves = self.purchases_alone(first, last);
        let on_plans_before: i64 =
            self.plans.iter().filter(|plan| plan.counts_on(first)).map(|plan| plan.left_on(eve(first))).sum();
        let opening_alone = opening - on_plans_before;
        let landed = self.landing(first, last).map(|(plan, deadline)| plan.kept_aside(deadline)).sum();
        let alone = opening_alone + moves.iter().map(|moved| moved.cents).sum::<i64>() + charged + fee;
        let mut plans: Vec<(PlanId, i64)> = Vec::new();
        let (mut deferred, mut installments) = (0, 0);
        for plan in self.plans.iter().filter(|plan| plan.counts_on(after(last))) {
            let left = plan.left_on(last);
            if left > 0 {
                plans.push((plan.id, left));
                match plan.asks_on(last) {
                    Some(asks) => installments += asks,
                    None => deferred += left,
                }
            }
        }
        plans.sort_unstable();
        let balance = alone + plans.iter().map(|plan| plan.1).sum::<i64>();
        let shared = (alone + deferred).max(0);
        let share = (shared + 99) / 100 + charged + fee;
        let minimum = (share.max(FLOOR).min(shared) + installments + past_due).min(balance.max(0));
        Said {
            opened_on: first,
            closed_on: last,
            opening,
            interest: charged + landed,
            landed,
            fee,
            balance,
            minimum,
            past_due: past_due.min(minimum),
            purchases: alone.max(0),
            free,
            plans,
        }
    }

    /// What was paid and given back in a cycle up to a day, whatever it went to.
    fn credited(&self, first: Date, until: Date) -> i64 {
        let credits = self.moves.iter().filter(|moved| moved.1 != What::Bought && (first..=until).contains(&moved.0));
        credits.map(|moved| -moved.2).sum()
    }

    /// Plans whose deadline passes in a cycle while something is left of them, with the deadline.
    fn landing(&self, first: Date, last: Date) -> impl Iterator<Item = (&Plan, Date)> {
        let deadlines = self.plans.iter().filter_map(|plan| Some((plan, plan.deadline()?)));
        deadlines
            .filter(move |(plan, deadline)| (first..=last).contains(&after(*deadline)) && plan.left_on(*deadline) > 0)
    }

    /// What moved purchases, without what moved plans.
    fn purchases_alone(&self, first: Date, last: Date) -> Vec<Alone> {
        let of_cycle = |on: Date| (first..=last).contains(&on);
        let mut alone: Vec<Alone> = Vec::new();
        for (on, what, cents) in self.moves.iter().filter(|moved| of_cycle(moved.0)) {
            alone.push(Alone { on: *on, is_credit: *what != What::Bought, cents: *cents });
        }
        for plan in self.plans.iter().filter(|plan| plan.counts_on(first)) {
            let counts = |on: Date| of_cycle(on) && plan.deadline().is_none_or(|deadline| on <= deadline);
            for (on, what, cents) in plan.moves.iter().filter(|moved| counts(moved.0)) {
                let is_credit = matches!(what, OnPlan::Paid | OnPlan::GivenBack);
                alone.push(Alone { on: *on, is_credit, cents: -cents });
            }
        }
        for (plan, deadline) in self.landing(first, last) {
            let cents = plan.left_on(deadline) + plan.kept_aside(deadline);
            alone.push(Alone { on: after(deadline), is_credit: false, cents });
        }
        alone
    }

    /// Whether a payment of the last statement is the smallest that avoids interest on purchases.
    pub fn is_smallest_in_full(&self, in_full: i64) -> bool {
        let Some(last) = self.said.last() else { return false };
        let on_purchases = last.balance - last.plans.iter().map(|plan| plan.1).sum::<i64>();
        if on_purchases <= 0 {
            return in_full == last.minimum;
        }
        let left = |plan: &Plan| last.plans.iter().find(|said| said.0 == plan.id).map_or(0, |said| said.1);
        let parts = self.parts(last.balance, last.due_on(), self.wish_then, left, |plan| plan.asks_on(last.closed_on));
        let is_enough = |cents: i64| split(cents, last.minimum, &parts)[0] >= on_purchases;
        is_enough(in_full) && (in_full == last.minimum || !is_enough(in_full - 1))
    }
}

fn eve(day: Date) -> Date {
    day.saturating_sub(1.day())
}

/// What moved purchases: what is owed more is positive.
struct Alone {
    on: Date,
    is_credit: bool,
    cents: i64,
}

/// What each part gets of a payment. The minimum goes to installments and then to the lowest rate; what is above it to the
/// plan that is wished or to those whose deadline is near, and then to the highest rate.
fn split(cents: i64, minimum_left: i64, parts: &[Part]) -> Vec<i64> {
    let mut given = vec![0; parts.len()];
    let mut give = |at: usize, most: i64| {
        let now = most.min(parts[at].owed - given[at]).max(0);
        given[at] += now;
        now
    };
    let of_rate = |dear: bool| (0..parts.len()).filter(move |at| parts[*at].dear == dear);
    let of_minimum = cents.min(minimum_left);
    let mut rest = of_minimum;
    for (at, part) in parts.iter().enumerate() {
        rest -= give(at, rest.min(part.asks.unwrap_or(0)));
    }
    for at in of_rate(false).chain(of_rate(true)).filter(|at| parts[*at].asks.is_none()) {
        rest -= give(at, rest);
    }
    rest += cents - of_minimum;
    for at in (0..parts.len()).filter(|at| parts[*at].comes_first) {
        rest -= give(at, rest);
    }
    for at in of_rate(true).chain(of_rate(false)) {
        rest -= give(at, rest);
    }
    // Nothing is owed any more: the rest stays on purchases, as a credit.
    given[0] += rest;
    given
}
