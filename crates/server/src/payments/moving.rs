//! Payments that have not left move from one method to another. Their states stay; what was approved stays approved, by the
//! yes to the move.

use domain::ids::{DeviceId, HolderId, MethodId, PasskeyId, PaymentId};
use domain::ledger::Funds;
use domain::methods::Method;
use domain::money::Money;
use domain::payments::PaymentState;
use domain::policy::HoldReason;
use jiff::civil::Date;

use super::store::{self, ApprovedBy, Stored};
use super::{approval, engine, holds};
use crate::App;
use crate::db::{DbError, DbResult, Tx};

/// What moves, as it is shown and approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moving {
    pub id: PaymentId,
    pub amount: Money,
    pub day: Date,
}

pub(crate) async fn from(tx: &mut Tx, holder: HolderId, old: MethodId) -> DbResult<Vec<Moving>> {
    let payments = payments_from(tx, holder, old).await?;
    Ok(payments.iter().map(|one| Moving { id: one.order.id, amount: one.order.amount, day: one.process_on }).collect())
}

async fn payments_from(tx: &mut Tx, holder: HolderId, old: MethodId) -> DbResult<Vec<Stored>> {
    let mut payments = Vec::new();
    for id in store::not_left_from(tx, holder, Funds::Method(old).ledger()).await? {
        payments.push(store::find(tx, holder, id).await?.ok_or(DbError::Corrupt("a payment that was listed"))?);
    }
    Ok(payments)
}

/// Moves them all; the holder's row is locked. Says how many moved.
pub(crate) async fn carry_over(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    old: MethodId,
    with: &Method,
    device: DeviceId,
    by: Option<PasskeyId>,
) -> DbResult<usize> {
    let now = app.clock.now();
    let payments = payments_from(tx, holder, old).await?;
    let count = payments.len();
    for mut payment in payments {
        payment.order.method = Some(with.id);
        payment.account = Funds::Method(with.id).ledger();
        let waits = payment.state == PaymentState::AwaitingApproval;
        if with.usable_from > now && payment.held_until.is_none_or(|until| until < with.usable_from) {
            payment.held_until = Some(with.usable_from);
            payment.hold_reason = Some(HoldReason::NewMethod);
        }
        store::update(tx, &payment, payment.state).await?;
        store::void_approval(tx, &payment, now).await?;
        if matches!(payment.approval, ApprovedBy::Device | ApprovedBy::Passkey) && !waits {
            store::add_approval(tx, &payment, &approval::digest(&payment), device, by, now).await?;
        }
        if !waits {
            holds::look(app, tx, &mut payment).await?;
        }
        engine::tell(app, tx, &payment).await?;
    }
    Ok(count)
}
