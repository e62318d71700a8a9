//! `docs/CARD.md` is the test: each of its examples is worked out, and what it says after `=>` must be what comes out.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::allocation::{Reason, Standing, allocate};
use super::closing::{CycleBook, Move, MoveKind, PartBook};
use super::cycle::{Billed, CyclePurchases};
use super::payoff::{BillNow, CardNow, Pay, ServedBill};
use super::plans::last_cycles_from;
use super::rate::DailyBalances;
use super::repayment::{MinimumOnly, Rated, repayment};
use super::*;
use crate::ids::{AccountId, PlanId, PurchaseId, PurchaseStepId};
use crate::rewards::{self, Charge, Moved, PurchaseCategory, Reward};

const DOCUMENT: &str = include_str!("../../../../docs/CARD.md");

/// One purchase of each kind of goods, and what their charges earned.
#[derive(Default)]
struct RewardsBook {
    stays_minor: BTreeMap<&'static str, i64>,
    rewards: Vec<Reward>,
}

impl RewardsBook {
    fn charge(&mut self, on: Date, what: PurchaseCategory, amount: Money) {
        let stays = self.stays_minor.entry(what.name()).or_default();
        *stays += amount.minor();
        let stays = *stays;
        let earned = rewards::earns(what, stays, &self.of(what));
        let charge = Charge {
            id: PurchaseStepId::from_uuid(uuid::Uuid::nil()),
            purchase: Some(purchase(what)),
            card: AccountId::from_uuid(uuid::Uuid::nil()),
            description: what.name().to_owned(),
            amount,
        };
        if earned > 0 {
            let earned = Money::new(earned, amount.currency()).expect("in range");
            self.rewards.push(Reward::of_charge(charge, earned, on));
        }
        let moves = rewards::cover(&self.rewards, on);
        note(self.rewards.iter_mut(), &moves);
    }

    fn refund(&mut self, on: Date, what: PurchaseCategory, amount: Money) {
        let stays = self.stays_minor.get_mut(what.name()).expect("charged before");
        *stays -= amount.minor();
        let moves = rewards::claw_back(what, *stays, &self.of(what));
        note(self.rewards.iter_mut().filter(|one| one.purchase == Some(purchase(what))), &moves);
        let moves = rewards::cover(&self.rewards, on);
        note(self.rewards.iter_mut(), &moves);
    }

    fn redeem(&mut self, on: Date, amount: Money) {
        assert!(rewards::usable(&self.rewards, on) >= amount.minor(), "more than may be used on {on}");
        let moves = rewards::redeem(&self.rewards, amount.minor(), on);
        note(self.rewards.iter_mut(), &moves);
    }

    fn of(&self, what: PurchaseCategory) -> Vec<Reward> {
        self.rewards.iter().filter(|one| one.purchase == Some(purchase(what))).cloned().collect()
    }
}

fn purchase(what: PurchaseCategory) -> PurchaseId {
    PurchaseId::from_uuid(uuid::Uuid::from_u128(what as u128))
}

fn category(name: &str) -> PurchaseCategory {
    PurchaseCategory::named(name).unwrap_or_else(|| panic!("no such goods: {name}"))
}

fn note<'a>(rewards: impl Iterator<Item = &'a mut Reward>, moves: &[Moved]) {
    for (at, reward) in rewards.enumerate() {
        for moved in moves.iter().filter(|moved| moved.at == at) {
            reward.note(moved.kind, moved.minor).expect("in range");
        }
    }
}

/// One block of the document.
struct Example<'a> {
    kind: &'a str,
    /// `name: value`, in order.
    given: Vec<(&'a str, &'a str)>,
    /// What follows `=>`.
    said: Vec<&'a str>,
}

fn examples() -> Vec<Example<'static>> {
    let mut found = Vec::new();
    let mut rest = DOCUMENT;
    while let Some((_, after)) = rest.split_once("```example ") {
        let (block, after) = after.split_once("```").expect("a block ends");
        let mut lines = block.lines();
        let kind = lines.next().expect("a kind");
        let mut example = Example { kind, given: Vec::new(), said: Vec::new() };
        for line in lines {
            match line.strip_prefix("=> ") {
                Some(said) => example.said.push(said),
                None => example.given.push(line.split_once(": ").expect("a name and a value")),
            }
        }
        found.push(example);
        rest = after;
    }
    found
}

impl<'a> Example<'a> {
    fn find(&self, name: &str) -> Option<&'a str> {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    fn text(&self, name: &str) -> &'a str {
        self.find(name).unwrap_or_else(|| panic!("the example of {} names no {name}", self.kind))
    }

    fn date(&self, name: &str) -> Date {
        date_of(self.text(name))
    }

    fn usd(&self, name: &str) -> Money {
        usd(self.text(name))
    }

    fn usd_or_none(&self, name: &str) -> Money {
        self.find(name).map_or(Money::zero(Currency::USD), usd)
    }

    fn grace(&self) -> Grace {
        match self.text("grace") {
            "kept" => Grace::Kept,
            "lost" => Grace::Lost,
            other => panic!("no such grace: {other}"),
        }
    }

    fn terms(&self) -> CardTerms {
        let number = |name| self.find(name).map(|text| text.parse().expect("a small number"));
        let closing_day = number("closing day").unwrap_or(25);
        CardTerms {
            closing_day,
            due: match (number("due"), number("due after")) {
                (Some(day), _) => DueRule::DayOfMonth(day),
                (None, Some(days)) => DueRule::DaysAfterClosing(days),
                (None, None) => DueRule::of_served(closing_day),
            },
            minimum_floor: self.find("floor").map(usd),
            minimum_share: self.find("share").map(|text| apr(text).millionths()),
            minimum_adds_charges: self.find("adds charges") == Some("yes"),
            apr: self.find("apr").map(apr),
            late_fee: self.find("fee").map(usd),
        }
    }

    /// Lines that begin with a day.
    fn days(&self) -> impl Iterator<Item = (Date, &'a str)> {
        self.given.iter().filter_map(|(name, value)| Some((name.parse().ok()?, *value)))
    }

    fn work_out(&self) -> Vec<String> {
        match self.kind {
            "interest" => self.interest(),
            "cycle" => self.cycle(),
            "minimum" => self.minimum(),
            "late fee" => {
                let fee = self.terms().late_fee_of(self.usd("minimum"), self.usd("paid")).expect("in range");
                vec![format!("fee: {}", plain(fee))]
            }
            "allocation" => self.allocation(),
            "last cycles" => vec![format!("from: {}", last_cycles_from(&self.terms(), self.date("ends")))],
            "plan" => self.plan(),
            "disclosure" => self.disclosure(),
            "closing" => self.closing(),
            "payoff" => self.payoff(),
            "rewards" => self.rewards(),
            other => panic!("no such kind of example: {other}"),
        }
    }

    fn interest(&self) -> Vec<String> {
        let movements = self.days().map(|(on, amount)| (on, usd(amount)));
        let balances = DailyBalances::over(self.date("from"), self.date("to"), self.usd("opening"), movements);
        let balances = balances.expect("in range");
        let interest = balances.interest(apr(self.text("apr"))).expect("in range");
        let average = balances.average().expect("in range");
        vec![format!("average: {}", plain(average)), format!("interest: {}", plain(interest))]
    }

    fn cycle(&self) -> Vec<String> {
        let of = |what: &str| -> Vec<(Date, Money)> {
            self.days().filter_map(|(on, line)| Some((on, usd(line.strip_prefix(what)?.trim())))).collect()
        };
        let (charges, credits) = (of("charge"), of("paid"));
        let billed = Billed { in_time_until: self.date("due"), in_full: self.usd("in full"), grace: self.grace() };
        let purchases = CyclePurchases {
            first_on: self.date("from"),
            closed_on: self.date("to"),
            apr: apr(self.text("apr")),
            opening: self.usd("opening"),
            billed: Some(billed),
            charges: &charges,
            credits: &credits,
        };
        let closed = purchases.close().expect("in range");
        let grace = if closed.grace == Grace::Kept { "kept" } else { "lost" };
        vec![
            format!("average: {}", plain(closed.average)),
            format!("interest: {}", plain(closed.interest)),
            format!("grace: {grace}"),
        ]
    }

    fn minimum(&self) -> Vec<String> {
        let balance = self.usd("balance");
        let parts = MinimumParts {
            balance,
            shared: self.find("shared").map_or(balance, usd),
            charges: self.usd_or_none("charges"),
            installments: self.usd_or_none("installments"),
            past_due: self.usd_or_none("past due"),
        };
        let minimum = self.terms().minimum_due(&parts).expect("in range").expect("a rule");
        vec![format!("minimum: {}", plain(minimum))]
    }

    fn allocation(&self) -> Vec<String> {
        let plans = self.given.iter().filter(|(_, value)| value.contains(" at "));
        let standings: Vec<Standing> = plans
            .map(|(name, value)| {
                let (owed, rest) = value.split_once(" at ").expect("a rate");
                let mut words = rest.split(", ");
                let apr = apr(words.next().expect("a rate"));
                let words: Vec<&str> = words.collect();
                let installment = words.iter().find_map(|word| word.strip_prefix("installment ")).map(usd);
                let last_cycles = words.contains(&"last cycles");
                Standing { part: part(name), owed: usd(owed), apr, installment, last_cycles }
            })
            .collect();
        let names: Vec<&str> = self.given.iter().map(|(name, _)| *name).collect();
        let shares = allocate(self.usd("payment"), self.usd("minimum"), self.wish(), &standings).expect("in range");
        let name = |to: Part| *names.iter().find(|name| part(name) == to).expect("a name");
        shares
            .into_iter()
            .map(|share| format!("{}: {} {}", name(share.to), plain(share.amount), reason(share.reason)))
            .collect()
    }

    fn wish(&self) -> Excess {
        self.find("wish").map_or(Excess::ByRate, |name| match part(name) {
            Part::Plan(id) => Excess::Plan(id),
            Part::Purchases => panic!("a wish names a plan"),
        })
    }

    fn plan(&self) -> Vec<String> {
        let kind = match self.find("monthly") {
            Some(monthly) => PlanKind::EqualPayments { monthly: usd(monthly) },
            None => PlanKind::DeferredInterest { ends_on: self.date("ends"), accrued: self.find("accrued").map(usd) },
        };
        let plan = Plan {
            id: plan_id("plan"),
            name: "Plan".into(),
            kind,
            apr: apr(self.text("apr")),
            amount: self.usd("amount"),
            opened_on: self.date("opened"),
            left: self.usd("left"),
            left_on: self.date("left on"),
        };
        assert_eq!(plan.check(Currency::USD), Ok(()));
        let figures = plan.figures(Some(&self.terms()), self.date("today")).expect("in range");
        let last_on = figures.last_on.expect("a last day");
        match figures.payments {
            Some(all) => vec![
                format!("each: {}", plain(figures.each)),
                format!("payments left: {} of {all}", figures.payments_left),
                format!("last: {last_on}"),
            ],
            None => vec![
                format!("days left: {}", figures.days_left.expect("a deadline")),
                format!("payments left: {}", figures.payments_left),
                format!("each: {}", plain(figures.each)),
                format!("last: {last_on}"),
                format!("accrued: {}", plain(figures.accrued)),
                format!("at risk: {}", plain(figures.at_risk)),
            ],
        }
    }

    fn disclosure(&self) -> Vec<String> {
        let balances = self.given.iter().filter(|(name, _)| *name == "balance").map(|(_, value)| {
            let (owed, rest) = value.split_once(" at ").expect("a rate");
            let (now, then) = rest.split_once(", ").map_or((rest, None), |(now, then)| (now, Some(then)));
            let then = then.map(|then| {
                let (rate, months) = then.split_once(" after ").expect("months");
                (months.parse().expect("a number"), apr(rate))
            });
            Rated { owed: usd(owed), apr: apr(now), then, installment: None }
        });
        let balances: Vec<Rated> = balances.collect();
        let told =
            repayment(&self.terms(), &balances, None, Currency::USD).expect("in range").expect("something is owed");
        let minimum = match told.minimum {
            MinimumOnly::PaysOff { months, total } => format!("minimum only: {months} months, {}", plain(total)),
            MinimumOnly::Never => "minimum only: never".to_owned(),
        };
        let fixed = told.in_36_months.map(|fixed| {
            let [monthly, total, saved] = [fixed.monthly, fixed.total, fixed.saved].map(plain);
            format!("in 36 months: {monthly}, {total}, saves {saved}")
        });
        std::iter::once(minimum).chain(fixed).collect()
    }

    /// `charge`, `refund` and `paid` move purchases; `paid sofa` a plan.
    fn closing(&self) -> Vec<String> {
        let terms = self.terms();
        let (first_on, closed_on) = (self.date("from"), self.date("to"));
        let moves_of = |wanted: &str| -> Vec<Move> {
            let words = self.days().filter_map(|(on, line)| {
                let (what, amount) = line.rsplit_once(' ').expect("an amount");
                let (what, of) = what.split_once(' ').unwrap_or((what, ""));
                let (kind, amount) = match what {
                    "charge" => (MoveKind::Purchase, usd(amount)),
                    "refund" => (MoveKind::Refund, usd(amount).negated()),
                    "paid" => (MoveKind::Payment, usd(amount).negated()),
                    other => panic!("no such move: {other}"),
                };
                (of == wanted).then_some(Move { on, amount, kind })
            });
            words.collect()
        };
        let plans = self.given.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("plan ")?;
            let plan = plan_of(name, value, first_on);
            Some(PartBook { opening: plan.left, moves: moves_of(name), plan: Some(plan) })
        });
        let billed = self.find("grace").map(|_| {
            let bill = CardBill {
                closed_on: days::shifted(first_on, -1),
                due_on: self.date("due on"),
                balance: self.usd("in full"),
                minimum: self.usd("minimum before"),
                past_due: usd("0"),
                purchases: self.usd("in full"),
                in_full: self.usd("in full"),
                in_time_until: self.find("in time until").map(|_| self.date("in time until")),
            };
            (bill, self.grace())
        });
        let cycle = CycleBook {
            terms: &terms,
            excess: super::Excess::ByRate,
            first_on,
            closed_on,
            made_on: days::shifted(closed_on, 1),
            billed,
            purchases: PartBook { plan: None, opening: self.usd("opening"), moves: moves_of("") },
            plans: plans.collect(),
            landed: Vec::new(),
        };
        let closed = cycle.close().expect("in range");
        let names: Vec<&str> = self.given.iter().filter_map(|(name, _)| name.strip_prefix("plan ")).collect();
        let mut found = Vec::new();
        for charged in &closed.interest {
            let of = names.iter().find(|name| part(name) == charged.part).unwrap_or(&"purchases");
            found.push(format!("interest on {of}: {} of {}", plain(charged.amount), plain(charged.average)));
        }
        found.push(format!("late fee: {}", plain(closed.late_fee)));
        found.push(format!("balance: {}", plain(closed.bill.balance)));
        let past_due = if closed.bill.past_due.is_zero() {
            String::new()
        } else {
            format!(", of it past due {}", plain(closed.bill.past_due))
        };
        found.push(format!("minimum: {}{past_due}", plain(closed.bill.minimum)));
        found.push(format!("due: {}", closed.bill.due_on));
        found.push(format!("in full: {}", plain(closed.bill.in_full)));
        found
    }

    /// `charge WHAT`, `refund WHAT` and `use`, one purchase of each kind of goods; how rewards stand on the last day.
    fn rewards(&self) -> Vec<String> {
        let mut book = RewardsBook::default();
        for (on, line) in self.days() {
            let mut words = line.rsplit(' ');
            let amount = usd(words.next().expect("an amount"));
            let words: Vec<&str> = words.collect();
            match words.as_slice() {
                [what, "charge"] => book.charge(on, category(what), amount),
                [what, "refund"] => book.refund(on, category(what), amount),
                ["use"] => book.redeem(on, amount),
                other => panic!("no such move: {other:?}"),
            }
        }
        let totals = rewards::totals(&book.rewards, Currency::USD, self.date("today")).expect("in range");
        let mut found = vec![
            format!("pending: {}", plain(totals.pending)),
            format!("available: {}", plain(totals.available)),
            format!("owed: {}", plain(totals.owed)),
        ];
        if let Some(day) = totals.expires_after {
            found.push(format!("expiring: {} after {day}", plain(totals.expiring)));
        }
        found
    }

    fn payoff(&self) -> Vec<String> {
        let terms = self.terms();
        let today = self.date("today");
        let plans: Vec<Plan> = self
            .given
            .iter()
            .filter_map(|(name, value)| Some(plan_of(name.strip_prefix("plan ")?, value, today)))
            .collect();
        let bill = words_of(self.text("bill"));
        let served = self.given.iter().find(|(name, _)| *name == "served").map(|(_, value)| {
            let words = words_of(value);
            let of_plans = words.iter().filter(|(name, _)| !name.is_empty());
            let asked = of_plans.map(|(name, amount)| Asked { plan: plan_id(name), amount: usd(amount) });
            (usd(words[""]), asked.collect::<Vec<_>>())
        });
        let card = CardNow {
            today,
            terms: &terms,
            apr: terms.apr.expect("a rate"),
            plans: &plans,
            excess: self.wish(),
            owed: self.usd("owed"),
            bill: Some(BillNow {
                due_on: date_of(bill[""]),
                minimum_left: usd(bill["minimum"]),
                in_full_left: usd(bill["in full"]),
            }),
            served: served.as_ref().map(|(in_full_left, asked)| ServedBill { in_full_left: *in_full_left, asked }),
            grace: self.grace(),
        };
        let mut found = Vec::new();
        for said in &self.said {
            let (name, _) = said.split_once(": ").expect("a name");
            if name == "avoids interest" {
                let amount = card.avoids_interest().expect("in range").expect("a bill");
                found.push(format!("avoids interest: {}", plain(amount)));
                continue;
            }
            let pay = if name == "minimum" { Pay::Minimum } else { Pay::Monthly(usd(name)) };
            let payoff = card.play(pay).expect("in range");
            let on = payoff.paid_off_on.map_or("never".to_owned(), |on| on.to_string());
            let lands: String = payoff.landed.iter().map(|it| format!(", lands {}", plain(it.interest))).collect();
            found.push(format!("{name}: paid off {on}, interest {}{lands}", plain(payoff.interest)));
        }
        found
    }
}

/// `540.00 of 899.00 since 2026-01-20 at 27.99 %, ends 2027-01-20, accrued 167.95`
fn plan_of(name: &str, value: &str, today: Date) -> Plan {
    let words = words_of(value);
    let (left, rest) = words[""].split_once(" of ").expect("an amount");
    let (amount, rest) = rest.split_once(" since ").expect("a day");
    let (since, rate) = rest.split_once(" at ").expect("a rate");
    let kind = match words.get("monthly") {
        Some(monthly) => PlanKind::EqualPayments { monthly: usd(monthly) },
        None => PlanKind::DeferredInterest {
            ends_on: date_of(words["ends"]),
            accrued: words.get("accrued").map(|amount| usd(amount)),
        },
    };
    Plan {
        id: plan_id(name),
        name: name.to_owned(),
        kind,
        apr: apr(rate),
        amount: usd(amount),
        opened_on: date_of(since),
        left: usd(left),
        left_on: today,
    }
}

/// `first, name value, longer name value`: the value is the last word, and the first part has no name.
fn words_of(text: &str) -> BTreeMap<&str, &str> {
    let mut parts = text.split(", ");
    let first = parts.next().expect("a first part");
    let named = parts.map(|part| part.rsplit_once(' ').expect("a name and a value"));
    std::iter::once(("", first)).chain(named).collect()
}

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect("an amount")
}

fn plain(amount: Money) -> String {
    amount.to_string().trim_end_matches(" USD").to_owned()
}

fn apr(text: &str) -> Apr {
    let percent = text.strip_suffix(" %").expect("a rate in percent");
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, ""));
    Apr::new(format!("{whole}{decimals:0<4}").parse().expect("a number")).expect("at most 100 %")
}

fn date_of(text: &str) -> Date {
    text.parse().expect("a date")
}

fn plan_id(name: &str) -> PlanId {
    let mut chance = [0; 10];
    for (at, byte) in name.bytes().take(10).enumerate() {
        chance[at] = byte;
    }
    PlanId::new(Timestamp::UNIX_EPOCH, chance)
}

fn part(name: &str) -> Part {
    if name == "purchases" { Part::Purchases } else { Part::Plan(plan_id(name)) }
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Installment => "installment",
        Reason::Minimum => "minimum",
        Reason::LastCycles => "last cycles",
        Reason::Wish => "wish",
        Reason::HighestRate => "highest rate",
        Reason::Credit => "credit",
    }
}

#[test]
fn the_document_says_what_the_rules_do() {
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for (at, example) in examples().iter().enumerate() {
        assert!(!example.said.is_empty(), "example {at}, {}, says nothing", example.kind);
        assert_eq!(example.work_out(), example.said, "example {at}, {}", example.kind);
        *kinds.entry(example.kind).or_default() += 1;
    }
    let seen = [
        "interest",
        "cycle",
        "minimum",
        "late fee",
        "allocation",
        "last cycles",
        "plan",
        "disclosure",
        "closing",
        "payoff",
        "rewards",
    ];
    for kind in seen {
        assert!(kinds.get(kind).copied().unwrap_or(0) >= 2, "the document shows {kind} at least twice");
    }
}
