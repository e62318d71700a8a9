//! How unusual it is to let a payment go: the risk rules are asked when it is ordered, changed or approved, and once
//! more when its money is about to be set aside. Without an answer nothing leaves.

use std::net::IpAddr;

use domain::ids::{DeviceId, HolderId};
use domain::payments::{PaymentOrder, PaymentState};
use domain::policy::{HoldReason, Payee, Preset, StepUp, usual};
use domain::risk::{Movement, RiskOccasion, RiskVerdict, busiest_hour};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::store::{self, ApprovedBy, Around, EarlierOrder, Stored};
use super::{approval, holds};
use crate::App;
use crate::db::{DbResult, Read, Tx};
use crate::ledger::{self, Standings};
use crate::methods::{self, Times};
use crate::risk::{self, Looked, Question};
use crate::sign_in::step_up;

/// Habits are read from so many orders before this one.
const EARLIER_MAX: i64 = 500;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What leaves within a day of a payment, itself included, and the person's own before any of that left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    pub day_minor: i64,
    pub balance_minor: i64,
}

/// What is known when a payment is asked for.
pub(super) struct Known {
    pub payee: Payee,
    /// Of the method it is drawn from.
    pub method: Option<Times>,
    around: Around,
    standings: Standings,
    earlier: Vec<EarlierOrder>,
    risk: risk::Known,
}

impl Known {
    /// For one account and that day.
    pub(super) fn leaving(&self, payment: &Stored) -> DbResult<Leaving> {
        // Of what stands behind a method nothing is known, so no share of it is looked at.
        let balance_minor = if payment.order.method.is_some() {
            0
        } else {
            let own = self.standings.of(payment.account)?.own.minor();
            own.saturating_add(self.around.left_minor(payment.account))
        };
        let day_minor = self.around.all_minor().saturating_add(payment.order.amount.minor());
        Ok(Leaving { day_minor, balance_minor })
    }
}

/// Reads it, for an order that would leave on that day and the device that asks.
pub(super) fn known(
    app: &App,
    holder: HolderId,
    order: &PaymentOrder,
    day: Date,
    device: Option<DeviceId>,
) -> impl Read<Answer = Known> + use<> {
    let reads = (
        store::leaving_around(holder, order, day, app.clock.now()),
        ledger::standings(holder, order.amount.currency()),
        store::payee(holder, order.biller),
        store::earlier_orders(holder, order, EARLIER_MAX),
        risk::known(app, holder, device, Some(order.id.as_uuid())),
        order.method.map(|method| methods::times(holder, method)),
    );
    reads.then(|(around, standings, payee, earlier, risk, method)| {
        Ok(Known { payee, method: method.flatten(), around, standings, earlier, risk })
    })
}

/// The score of what is known. Nothing is written.
pub(super) fn judge(
    app: &App,
    payment: &Stored,
    known: Known,
    occasion: RiskOccasion,
    device: Option<DeviceId>,
    source: Option<IpAddr>,
) -> DbResult<Looked> {
    let movement = Some(movement(app, payment, &known)?);
    let subject = Some(payment.order.id.as_uuid());
    let question = Question { occasion, device, source, subject, movement, rhythm: None };
    risk::judge(app, question, known.risk)
}

/// Reads and judges.
pub(super) async fn look(
    app: &App,
    tx: &mut Tx,
    payment: &Stored,
    occasion: RiskOccasion,
    device: Option<DeviceId>,
    source: Option<IpAddr>,
) -> DbResult<Looked> {
    let known = tx.ask(known(app, payment.holder, &payment.order, payment.process_on, device)).await?;
    judge(app, payment, known, occasion, device, source)
}

/// Asks once more before the money is set aside, by what was read of the device that it was ordered on; false when it
/// stays, for now.
pub(super) async fn may_leave(app: &App, tx: &mut Tx, payment: &mut Stored, known: Known) -> DbResult<bool> {
    let looked = judge(app, payment, known, RiskOccasion::Execution, payment.device, None)?;
    let verdict = risk::keep(app, tx, payment.holder, &looked, payment.device, None).await?;
    let wait = app.settings.policy.numbers().risk_hold;
    match verdict {
        // The lock has held it, with everything else of the account.
        RiskVerdict::Lock => Ok(false),
        RiskVerdict::Hold if wait > SignedDuration::ZERO && !was_held(payment) => {
            let now = app.clock.now();
            payment.hold_reason = Some(HoldReason::Risk);
            payment.held_until = Some(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
            holds::look(app, tx, payment).await.map(|held| !held)
        }
        RiskVerdict::Hold | RiskVerdict::StepUp => {
            let asks = needs_passkey(app, tx, payment).await?;
            if asks {
                approval::ask_anew(app, tx, payment, StepUp::Risk).await?;
            }
            Ok(!asks)
        }
        RiskVerdict::Allow => Ok(true),
    }
}

/// Whether nobody has said yes by passkey yet, and somebody could: on a server of one's own, an account without a
/// passkey has nothing stronger to say it with than the device that ordered.
async fn needs_passkey(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<bool> {
    if payment.approval == ApprovedBy::Passkey {
        return Ok(false);
    }
    Ok(app.settings.policy == Preset::Standard || step_up::has_passkey(tx, payment.holder).await?)
}

/// It waited for that once, since it was ordered or approved last.
fn was_held(payment: &Stored) -> bool {
    let since = payment.history.iter().rev().take_while(|step| step.state != PaymentState::AwaitingApproval);
    let risk = Some(HoldReason::Risk.as_str());
    since.into_iter().any(|step| step.state == PaymentState::Held && step.reason.as_deref() == risk)
}

fn movement(app: &App, payment: &Stored, known: &Known) -> DbResult<Movement> {
    let now = app.clock.now();
    let leaving = known.leaving(payment)?;
    let Known { payee, method, earlier, .. } = known;
    let after = |at: Timestamp, ago| at.saturating_add(ago).unwrap_or(Timestamp::MAX) > now;
    let in_hour = earlier.iter().filter(|order| after(order.made_at, HOUR)).count();
    let before_today: Vec<Timestamp> =
        earlier.iter().map(|order| order.made_at).filter(|made_at| !after(*made_at, DAY)).collect();
    let share_counts = leaving.balance_minor >= usual::share_from_minor(payment.order.amount.currency());
    Ok(Movement {
        amount_minor: payment.order.amount.minor(),
        payee_since: payee.added_at,
        // An account of this server is opened by the server, not added by a person.
        method_since: method.map(|method| method.added_at),
        past_minor: earlier.iter().filter(|order| order.left).map(|order| order.amount_minor).collect(),
        ordered_in_hour: u32::try_from(in_hour).unwrap_or(u32::MAX).saturating_add(1),
        busiest_hour: busiest_hour(&before_today),
        leaving_per_mille: share_counts.then(|| per_mille(leaving)),
    })
}

fn per_mille(leaving: Leaving) -> u32 {
    let share = i128::from(leaving.day_minor) * 1_000 / i128::from(leaving.balance_minor.max(1));
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
