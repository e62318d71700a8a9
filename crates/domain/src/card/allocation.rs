//! Where a payment goes among the balances of one card (12 CFR 1026.53).

use serde::{Deserialize, Serialize};

use crate::card::rate::Apr;
use crate::ids::PlanId;
use crate::money::{Money, MoneyError};

/// One balance of a card that has its own rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Part {
    /// Purchases, interest and fees.
    Purchases,
    Plan(PlanId),
}

/// Where the person wants what is above the minimum to go. Issuers may follow such a wish (12 CFR 1026.53(b)(1)(ii)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Excess {
    /// To the highest rate first, as the law has it without a wish.
    #[default]
    ByRate,
    /// First to this plan, the rest by rate.
    Plan(PlanId),
}

/// A balance as a payment finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub part: Part,
    /// What is owed, positive.
    pub owed: Money,
    /// The rate that counts for the order: zero while interest is deferred.
    pub apr: Apr,
    /// A plan of equal payments: what it still asks for in this cycle. The rest of the minimum is not for it.
    pub installment: Option<Money>,
    /// The plan's interest is deferred and this is one of its last two cycles.
    pub last_cycles: bool,
}

/// Why an amount went where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Reason {
    /// Part of the minimum: the installment of a plan.
    Installment,
    /// Part of the minimum: the lowest rate first, as issuers do (Appendix M1 (b)(4) assumes the same).
    Minimum,
    /// Above the minimum: interest is deferred and the deadline is within two cycles.
    LastCycles,
    /// Above the minimum: the person wants it there.
    Wish,
    /// Above the minimum: the highest rate first.
    HighestRate,
    /// Nothing was owed any more: a credit that stays on the card.
    Credit,
}

/// Some of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Share {
    pub to: Part,
    pub amount: Money,
    pub reason: Reason,
}

/// Splits a payment: up to `minimum_left` it is the minimum, all above it is the person's. The shares sum to the payment.
///
/// Order of the minimum: the installments of plans, then the lowest rate. Order above it: with no wish, a plan in its
/// last two cycles, then the highest rate; with a wish, that plan, then the highest rate. Balances of one rate keep the
/// order in which they are given.
pub fn allocate(
    payment: Money,
    minimum_left: Money,
    excess: Excess,
    standings: &[Standing],
) -> Result<Vec<Share>, MoneyError> {
    let zero = Money::zero(payment.currency());
    let mut split = Split { left: Vec::with_capacity(standings.len()), shares: Vec::new() };
    for standing in standings {
        // Only amounts of one currency compare.
        standing.owed.plus(zero)?.plus(standing.installment.map_or(zero, |asked| Money::zero(asked.currency())))?;
        split.left.push(standing.owed.minor().max(0));
    }
    let of_minimum = payment.minor().clamp(0, minimum_left.plus(zero)?.minor().max(0));
    let mut minimum = of_minimum;
    for (at, standing) in standings.iter().enumerate() {
        let asked = standing.installment.map_or(0, |asked| asked.minor().max(0));
        minimum -= split.give(at, standing.part, minimum.min(asked), Reason::Installment);
    }
    for at in by_rate(standings, false).into_iter().filter(|at| standings[*at].installment.is_none()) {
        minimum -= split.give(at, standings[at].part, minimum, Reason::Minimum);
    }
    let mut above = payment.minor().max(0) - of_minimum + minimum;
    match excess {
        Excess::Plan(id) => {
            for at in (0..standings.len()).filter(|at| standings[*at].part == Part::Plan(id)) {
                above -= split.give(at, standings[at].part, above, Reason::Wish);
            }
        }
        Excess::ByRate => {
            for at in (0..standings.len()).filter(|at| standings[*at].last_cycles) {
                above -= split.give(at, standings[at].part, above, Reason::LastCycles);
            }
        }
    }
    for at in by_rate(standings, true) {
        above -= split.give(at, standings[at].part, above, Reason::HighestRate);
    }
    if above > 0 {
        split.shares.push((Part::Purchases, above, Reason::Credit));
    }
    split
        .shares
        .into_iter()
        .map(|(to, minor, reason)| Ok(Share { to, amount: Money::new(minor, payment.currency())?, reason }))
        .collect()
}

/// Positions in the order of their rate; the sort keeps the order of equals.
fn by_rate(standings: &[Standing], highest_first: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..standings.len()).collect();
    order.sort_by(|a, b| {
        let ascending = standings[*a].apr.cmp(&standings[*b].apr);
        if highest_first { ascending.reverse() } else { ascending }
    });
    order
}

struct Split {
    left: Vec<i64>,
    shares: Vec<(Part, i64, Reason)>,
}

impl Split {
    /// Gives at most `amount`, and answers what was taken.
    fn give(&mut self, at: usize, part: Part, amount: i64, reason: Reason) -> i64 {
        let given = amount.min(self.left[at]).max(0);
        if given > 0 {
            self.left[at] -= given;
            self.shares.push((part, given, reason));
        }
        given
    }
}
