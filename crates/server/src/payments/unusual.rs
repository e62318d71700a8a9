//! How unusual it is to let a payment go: the risk rules are asked when it is ordered, changed or approved, and once
//! more when its money is about to be set aside. Without an answer nothing leaves.

use std::net::IpAddr;

use domain::ids::DeviceId;
use domain::payments::PaymentState;
use domain::policy::{HoldReason, Preset, StepUp};
use domain::risk::{Movement, RiskOccasion, RiskVerdict, busiest_hour};
use jiff::{SignedDuration, Timestamp};

use super::store::{self, ApprovedBy, Stored};
use super::{approval, holds};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::ledger;
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

pub(super) async fn leaving(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<Leaving> {
    let amount = payment.order.amount;
    let around = store::leaving_around(tx, payment, app.clock.now()).await?;
    let own = ledger::standing(tx, payment.holder, payment.account, amount.currency()).await?.own;
    Ok(Leaving {
        day_minor: around.all_minor.saturating_add(amount.minor()),
        balance_minor: own.minor().saturating_add(around.left_minor),
    })
}

/// Works out the score. Nothing is written.
pub(super) async fn look(
    app: &App,
    tx: &mut Tx,
    payment: &Stored,
    occasion: RiskOccasion,
    device: Option<DeviceId>,
    source: Option<IpAddr>,
) -> DbResult<Looked> {
    let movement = Some(movement(app, tx, payment).await?);
    let question =
        Question { occasion, device, source, subject: Some(payment.order.id.as_uuid()), movement, rhythm: None };
    risk::look(app, tx, payment.holder, question).await
}

/// Asks before a payment is ordered, changed or approved, and keeps the answer. What it says for the whole account is
/// done already: after `Lock` nothing of it leaves.
pub(super) async fn ask(
    app: &App,
    tx: &mut Tx,
    payment: &Stored,
    device: DeviceId,
    source: IpAddr,
) -> DbResult<RiskVerdict> {
    let looked = look(app, tx, payment, RiskOccasion::Approval, Some(device), Some(source)).await?;
    risk::keep(app, tx, payment.holder, &looked, Some(device), None).await
}

/// Asks once more before the money is set aside; false when it stays, for now.
pub(super) async fn may_leave(app: &App, tx: &mut Tx, payment: &mut Stored) -> DbResult<bool> {
    let looked = look(app, tx, payment, RiskOccasion::Execution, payment.device, None).await?;
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

async fn movement(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<Movement> {
    let now = app.clock.now();
    let amount = payment.order.amount;
    let earlier = store::earlier_orders(tx, payment, EARLIER_MAX).await?;
    let after = |at: Timestamp, ago| at.saturating_add(ago).unwrap_or(Timestamp::MAX) > now;
    let in_hour = earlier.iter().filter(|order| after(order.made_at, HOUR)).count();
    let before_today: Vec<Timestamp> =
        earlier.iter().map(|order| order.made_at).filter(|made_at| !after(*made_at, DAY)).collect();
    let leaving = leaving(app, tx, payment).await?;
    let known = leaving.balance_minor >= app.settings.policy.numbers().share_from_minor;
    Ok(Movement {
        amount_minor: amount.minor(),
        payee_since: store::payee(tx, payment.holder, payment.order.biller).await?.added_at,
        // An account of this server is opened by the server, not added by a person.
        method_since: None,
        past_minor: earlier.iter().filter(|order| order.left).map(|order| order.amount_minor).collect(),
        ordered_in_hour: u32::try_from(in_hour).unwrap_or(u32::MAX).saturating_add(1),
        busiest_hour: busiest_hour(&before_today),
        leaving_per_mille: known.then(|| per_mille(leaving)),
    })
}

fn per_mille(leaving: Leaving) -> u32 {
    let share = i128::from(leaving.day_minor) * 1_000 / i128::from(leaving.balance_minor.max(1));
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
