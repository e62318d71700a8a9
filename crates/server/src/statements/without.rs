//! A served card as it would stand had never been charged what was disputed and wrong: its closed cycles
//! are played again without that, by the rules of every closing. 12 CFR 1026.13(e)(1): with the error goes what interest
//! and late fees came of it. What a payment gave to purchases and plans stays as it was.

use domain::card::Excess;
use domain::card::closing::{CardBill, CycleBook, Issued};
use domain::card::cycle::Grace;
use domain::ids::{HolderId, PurchaseId};
use domain::money::{Money, MoneyError};
use jiff::Timestamp;

use super::closing::{OpenCycle, far_ahead, out_of_range};
use super::store::{self, Moved};
use crate::App;
use crate::card::Card;
use crate::card::plans::{self, Plans};
use crate::db::{DbResult, Tx};
use crate::disputes::FoundWrong;

/// Interest and late fees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charged {
    pub interest: Money,
    pub late_fees: Money,
}

impl Charged {
    fn plus(self, interest: Money, late_fees: Money) -> Result<Self, MoneyError> {
        Ok(Self { interest: self.interest.plus(interest)?, late_fees: self.late_fees.plus(late_fees)? })
    }
}

/// What statements charged, and is not given back yet, that they would not have charged without what was wrong.
pub(crate) async fn overcharged(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    wrong: &[FoundWrong],
) -> DbResult<Charged> {
    Without::read(app, tx, holder, card, wrong).await?.overcharged().map_err(out_of_range)
}

pub(super) struct Without {
    moved: Vec<Moved>,
    plans: Plans,
    /// What the first cycle that is not closed yet begins with, and what the statement before it would have asked for.
    opening: Money,
    billed: Option<(CardBill, Grace)>,
    /// Since the first of it was charged: what statements charged, what of that was given back, and what they would have
    /// charged.
    charged: Charged,
    given_back: Charged,
    fair: Charged,
}

impl Without {
    pub(super) async fn read(
        app: &App,
        tx: &mut Tx,
        holder: HolderId,
        card: &Card,
        wrong: &[FoundWrong],
    ) -> DbResult<Self> {
        let now = app.clock.now();
        let first = wrong.iter().map(|one| one.charged_at).min().unwrap_or(now);
        let mut statements = tx.ask(store::since(holder, card.id, first)).await?;
        let rest = statements.split_off(usize::from(statements.first().is_some_and(|one| one.closed_at <= first)));
        let before = statements.first();
        let from = before.map_or(Timestamp::UNIX_EPOCH, |before| before.closed_at);
        let currency = card.limit.currency();
        let reads = (store::moved(holder, card.id, currency, (from, far_ahead(now))), plans::since(holder, card, from));
        let (moved, plans) = tx.ask(reads).await?;
        let zero = Money::zero(currency);
        let none = Charged { interest: zero, late_fees: zero };
        let issued = before.and_then(|before| before.summary.issued.as_deref());
        let mut without = Self {
            given_back: given_back(&moved, none).map_err(out_of_range)?,
            moved: without(moved, wrong).map_err(out_of_range)?,
            plans: plans.without(wrong)?,
            opening: before.map_or(zero, |before| before.summary.closing.negated()),
            billed: issued.map(|issued| (issued.bill, issued.grace)),
            charged: none,
            fair: none,
        };
        let mut from = from;
        for statement in &rest {
            let closed = OpenCycle::closed(statement, from);
            let issued = statement.summary.issued.as_deref();
            without.close(app, card, &closed, issued)?;
            if let Some(issued) = issued {
                let totals = &issued.totals;
                without.charged = without.charged.plus(totals.interest, totals.fees).map_err(out_of_range)?;
            }
            from = statement.closed_at;
        }
        Ok(without)
    }

    /// The books of a cycle, of which the ones before it are closed.
    pub(super) fn book<'a>(&self, app: &App, card: &'a Card, cycle: &OpenCycle) -> DbResult<CycleBook<'a>> {
        let moved: Vec<&Moved> = self.within(cycle).collect();
        let plans = cycle.plans(app, card, &moved, &self.plans.until(cycle.until))?;
        // Where payments would go changes nothing of what is charged.
        cycle.book(app, card, &moved, &plans, (self.opening, self.billed), Excess::ByRate)
    }

    fn within(&self, cycle: &OpenCycle) -> impl Iterator<Item = &Moved> {
        self.moved.iter().filter(|moved| (cycle.from..cycle.until).contains(&moved.at))
    }

    fn close(&mut self, app: &App, card: &Card, cycle: &OpenCycle, issued: Option<&Issued>) -> DbResult<()> {
        let closed = self.book(app, card, cycle)?.close().map_err(out_of_range)?;
        let (interest, late_fee) = (closed.totals.interest, closed.late_fee);
        let moved = self.within(cycle).map(|moved| moved.amount).chain([interest, late_fee]);
        self.opening = Money::sum(self.opening.currency(), moved)
            .and_then(|moved| self.opening.plus(moved))
            .map_err(out_of_range)?;
        // By when it was to be paid, the statement that was made says.
        let bill = issued.map_or(closed.bill, |issued| CardBill {
            due_on: issued.bill.due_on,
            in_time_until: issued.bill.in_time_until,
            ..closed.bill
        });
        self.billed = Some((bill, closed.grace));
        self.fair = self.fair.plus(interest, late_fee).map_err(out_of_range)?;
        Ok(())
    }

    fn overcharged(&self) -> Result<Charged, MoneyError> {
        let over = |charged: Money, fair: Money, back: Money| {
            charged.minus(fair)?.minus(back)?.greater(Money::zero(charged.currency()))
        };
        Ok(Charged {
            interest: over(self.charged.interest, self.fair.interest, self.given_back.interest)?,
            late_fees: over(self.charged.late_fees, self.fair.late_fees, self.given_back.late_fees)?,
        })
    }
}

fn given_back(moved: &[Moved], none: Charged) -> Result<Charged, MoneyError> {
    moved.iter().try_fold(none, |sum, moved| {
        let (zero, back) = (Money::zero(moved.amount.currency()), moved.amount.negated());
        match moved.cause.as_str() {
            "interest_credited" => sum.plus(back, zero),
            "late_fee_credited" => sum.plus(zero, back),
            _ => Ok(sum),
        }
    })
}

/// A dispute, and what is still to be left out for it.
struct Left<'a> {
    of: &'a FoundWrong,
    /// Of what was charged.
    wrong: Money,
    /// Of what it gave back: as much as was left out of what the card was charged.
    credit: Money,
}

impl Left<'_> {
    /// Whether it was about what was charged of a purchase then.
    fn is_about(&self, purchase: Option<PurchaseId>, at: Timestamp) -> bool {
        let dispute = &self.of.dispute;
        purchase == Some(dispute.purchase) && (at <= dispute.opened_at || self.of.covers_later(at))
    }

    /// Whether this gave back what was in dispute.
    fn gave_back(&self, moved: &Moved) -> bool {
        let dispute = &self.of.dispute;
        match moved.cause.as_str() {
            "dispute_credited" => dispute.id.as_uuid() == moved.subject,
            "dispute_captured" => {
                let is_later = moved.at >= dispute.opened_at && self.of.covers_later(moved.at);
                is_later && moved.purchase == Some(dispute.purchase)
            }
            _ => false,
        }
    }
}

/// What moved, without what was wrong, what was given back for it, and what came of that. Of a purchase that was charged in
/// parts, the oldest are what was wrong. What the wallet paid was never owed on the card: that it was given back there
/// stays. A merchant's refund meanwhile ended as much of the credit at the same moment: both stay.
fn without(mut all: Vec<Moved>, wrong: &[FoundWrong]) -> Result<Vec<Moved>, MoneyError> {
    let left = wrong.iter().map(|of| Left { of, wrong: of.wrong, credit: Money::zero(of.wrong.currency()) });
    let mut left: Vec<Left<'_>> = left.collect();
    // A charge comes before what gave it back at the same moment.
    all.sort_by_key(|moved| (moved.at, moved.amount.is_negative()));
    let mut kept = Vec::new();
    for mut moved in all {
        match moved.cause.as_str() {
            "interest_credited" | "late_fee_credited" => continue,
            "captured" => {
                let (purchase, at) = (moved.purchase, moved.at);
                for one in left.iter_mut().filter(|one| one.is_about(purchase, at)) {
                    let off = moved.amount.lesser(one.wrong)?;
                    moved.amount = moved.amount.minus(off)?;
                    one.wrong = one.wrong.minus(off)?;
                    one.credit = one.credit.plus(off)?;
                }
            }
            _ => {
                if let Some(one) = left.iter_mut().find(|one| one.gave_back(&moved)) {
                    let off = moved.amount.negated().lesser(one.credit)?;
                    moved.amount = moved.amount.plus(off)?;
                    one.credit = one.credit.minus(off)?;
                }
            }
        }
        if !moved.amount.is_zero() {
            kept.push(moved);
        }
    }
    Ok(kept)
}
