//! What the matrix makes of a payment, and the person's yes to it. A yes is bound to payee, account, amount, currency
//! and day by their digest; it is given once, used once, and any change of the payment voids it.

use api::error::ErrorCode;
use api::payments::Payment;
use api::security::OneTimeAddress;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ids::{DeviceId, PasskeyId, PaymentId};
use domain::money::Money;
use domain::payments::{Approvable, PaymentEvent, PaymentState, quote};
use domain::policy::{self, Approval, Decision, Hold, PayFacts, StepUp};
use jiff::Timestamp;

use super::store::{self, ApprovedBy, Stored};
use super::{engine, holds, limits};
use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::jobs::{self, Job, Kind};
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::{self, Asked, Shown, Subject};
use crate::{billers, ledger};

/// Nobody approved it in time.
const NOT_APPROVED: &str = "not_approved";

/// What the payment would need if it were asked for now, on this device; its hold and its days are set accordingly.
pub(super) async fn weigh(
    app: &App,
    tx: &mut Tx,
    payment: &mut Stored,
    device: DeviceId,
    changed: bool,
) -> Result<Approval, ApiError> {
    let now = app.clock.now();
    let facts = facts(app, tx, payment, device, changed).await?;
    let (approval, hold) = match policy::pay(app.settings.policy, &facts, now) {
        Decision::Go { approval, hold } => (approval, hold),
        Decision::Refuse(refusal) => return Err(refusal.into()),
    };
    hold_until(app, payment, hold, now)?;
    Ok(approval)
}

fn hold_until(app: &App, payment: &mut Stored, hold: Option<Hold>, now: Timestamp) -> Result<(), ApiError> {
    payment.hold_reason = hold.map(|hold| hold.reason);
    payment.held_until = hold.map(|hold| hold.until);
    let earliest = payment.held_until.unwrap_or(now).max(now);
    let promise = quote(earliest, payment.order.send_on, &app.rail.timing());
    let promise =
        promise.map_err(|error| ApiError::invalid(ErrorCode::InvalidDate, "send_on", &error.to_string()))?;
    payment.process_on = promise.will_process_on;
    payment.cutoff_at = promise.cutoff_at;
    payment.expected_by = promise.expected_by;
    Ok(())
}

async fn facts(app: &App, tx: &mut Tx, payment: &Stored, device: DeviceId, changed: bool) -> DbResult<PayFacts> {
    let now = app.clock.now();
    let (holder, amount) = (payment.holder, payment.order.amount);
    let around = store::leaving_around(tx, payment, now).await?;
    let own = ledger::standing(tx, holder, payment.account, amount.currency()).await?.own;
    Ok(PayFacts {
        caller: step_up::caller(app, tx, holder, device).await?,
        payee: store::payee(tx, holder, payment.order.biller).await?,
        amount_minor: amount.minor(),
        day_minor: around.all_minor.saturating_add(amount.minor()),
        balance_minor: own.minor().saturating_add(around.left_minor),
        limits: limits::of(app, tx, holder, amount.currency()).await?,
        changed,
    })
}

/// Brings a payment that is being ordered, or was changed, to the state that it begins in.
pub(super) async fn enter(
    app: &App,
    tx: &mut Tx,
    payment: &mut Stored,
    approval: Approval,
    device: DeviceId,
) -> DbResult<()> {
    let now = app.clock.now();
    match approval {
        Approval::Passkey(why) => {
            payment.approval = ApprovedBy::Passkey;
            payment.approve_by = Some(now.saturating_add(policy::APPROVAL_WITHIN).unwrap_or(Timestamp::MAX));
            payment.state = PaymentState::AwaitingApproval;
            payment.reason = Some(why.as_str().to_owned());
        }
        Approval::Device(_) | Approval::None => {
            payment.approval = if approval == Approval::None { ApprovedBy::None } else { ApprovedBy::Device };
            payment.approve_by = None;
            payment.state = if payment.held_until.is_some() { PaymentState::Held } else { PaymentState::Scheduled };
            payment.reason = payment.hold_reason.map(|reason| reason.as_str().to_owned());
        }
    }
    payment.device = Some(device);
    Ok(())
}

/// What follows from the state that a payment begins in: its jobs, its approval by the device, its payee.
pub(super) async fn entered(app: &App, tx: &mut Tx, payment: &Stored, device: DeviceId) -> DbResult<()> {
    let now = app.clock.now();
    let id = payment.order.id.as_uuid();
    match payment.state {
        PaymentState::AwaitingApproval => {
            let by = payment.approve_by.ok_or(DbError::Corrupt("until when a payment waits"))?;
            return jobs::put(tx, payment.holder, Kind::Expire, id, by).await;
        }
        PaymentState::Held => {
            let until = payment.held_until.ok_or(DbError::Corrupt("until when a payment is held"))?;
            jobs::put(tx, payment.holder, Kind::Release, id, until).await?;
        }
        _ => engine::await_its_day(app, tx, payment).await?,
    }
    if payment.approval == ApprovedBy::Device {
        store::add_approval(tx, payment, &digest(payment), device, None, now).await?;
    }
    store::add_payee(tx, payment.holder, payment.order.biller, now).await
}

/// What a yes to the payment as it is now is bound to.
pub(super) fn digest(payment: &Stored) -> String {
    digest_on(payment, payment.process_on)
}

fn digest_on(payment: &Stored, day: jiff::civil::Date) -> String {
    let order = &payment.order;
    Approvable {
        payment: order.id,
        payee: order.biller,
        reference: order.reference.as_deref(),
        account: payment.account,
        amount: order.amount,
        day,
    }
    .digest()
}

/// Uses the approval of a payment whose money is about to be set aside; false when it needs one and has none that is
/// for exactly this payment and not for a later day.
pub(super) async fn use_up(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<bool> {
    if payment.approval == ApprovedBy::None {
        return Ok(true);
    }
    let Some(approval) = store::live_approval(tx, payment).await? else { return Ok(false) };
    if approval.used || approval.day > payment.process_on || approval.digest != digest_on(payment, approval.day) {
        return Ok(false);
    }
    store::use_approval(tx, payment, app.clock.now()).await
}

/// A payment whose approval does not hold is asked about anew. Nothing has left.
pub(super) async fn ask_anew(app: &App, tx: &mut Tx, payment: &mut Stored) -> DbResult<()> {
    let now = app.clock.now();
    tracing::error!("a payment is not what was approved: it waits for a new approval");
    store::void_approval(tx, payment, now).await?;
    payment.approval = ApprovedBy::Passkey;
    payment.approve_by = Some(now.saturating_add(policy::APPROVAL_WITHIN).unwrap_or(Timestamp::MAX));
    engine::step(app, tx, payment, PaymentEvent::Edited, Some(StepUp::Changed.as_str())).await?;
    engine::end_jobs(tx, payment).await?;
    let device = payment.device.ok_or(DbError::Corrupt("a payment's device"))?;
    entered(app, tx, payment, device).await?;
    engine::tell(app, tx, payment).await
}

/// Nobody approved it in time: it has expired, and every device is told.
pub(super) async fn expire(app: &App, job: &Job) -> DbResult<()> {
    let found = engine::begin(app, job, &[PaymentState::AwaitingApproval]).await?;
    let Some((mut tx, mut payment)) = found else { return Ok(()) };
    jobs::done(&mut tx, job).await?;
    if payment.approve_by.is_some_and(|by| by > app.clock.now()) {
        let by = payment.approve_by.unwrap_or(Timestamp::MAX);
        jobs::put(&mut tx, job.holder, Kind::Expire, job.subject, by).await?;
        return tx.commit().await;
    }
    engine::step(app, &mut tx, &mut payment, PaymentEvent::ApprovalExpired, Some(NOT_APPROVED)).await?;
    engine::tell(app, &mut tx, &payment).await?;
    tx.commit().await
}

// ---- the browser's page ------------------------------------------------------------------------------------------

/// An address at which the person approves a payment that waits for it: good once, for two minutes.
#[utoipa::path(post, path = "/api/v1/payments/{id}/approval", tag = "payments", params(("id" = PaymentId, axum::extract::Path)),
    responses((status = 201, body = OneTimeAddress), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
pub(super) async fn begin(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<PaymentId>,
) -> Result<Response, ApiError> {
    let address = step_up::begin(&app, &signed_in, Subject::Payment { id }).await?;
    Ok((StatusCode::CREATED, Json(address)).into_response())
}

async fn waiting(tx: &mut Tx, asked: &Asked, id: PaymentId, now: Timestamp) -> Result<Stored, ApiError> {
    let payment = store::find(tx, asked.holder, id).await?.ok_or_else(ApiError::not_found)?;
    let waits = payment.state == PaymentState::AwaitingApproval && payment.approve_by.is_some_and(|by| by > now);
    if !waits {
        return Err(ApiError::new(ErrorCode::VersionConflict, "this payment waits for no approval"));
    }
    Ok(payment)
}

/// The payment as it would leave if it were approved now.
pub(crate) async fn shown(app: &App, tx: &mut Tx, asked: &Asked, id: PaymentId) -> Result<Shown, ApiError> {
    let mut payment = waiting(tx, asked, id, app.clock.now()).await?;
    weigh(app, tx, &mut payment, asked.device, false).await?;
    let payee = billers::find(payment.order.biller).ok_or(DbError::Corrupt("a payment's payee"))?;
    let account = super::account_name(tx, &payment).await?;
    let mut facts = vec![("To", payee.name.clone())];
    if let Some(reference) = &payment.order.reference {
        facts.push(("Reference", reference.clone()));
    }
    facts.push(("Amount", said(payment.order.amount)));
    facts.push(("From", account));
    facts.push(("Leaves on", payment.process_on.to_string()));
    if let Some(until) = payment.held_until {
        let until = until.to_zoned(app.settings.zone.clone());
        facts.push(("Held until", until.strftime("%Y-%m-%d %H:%M %Z").to_string()));
    }
    Ok(Shown {
        title: "Approve this payment?",
        facts,
        note: "Your passkey approves exactly this. Any change asks again.",
        button: "Approve with a passkey",
        digest: digest(&payment),
    })
}

fn said(amount: Money) -> String {
    amount.to_string()
}

/// The person's yes, in its transaction.
pub(crate) async fn approved(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    id: PaymentId,
    passkey: PasskeyId,
) -> Result<Payment, ApiError> {
    let now = app.clock.now();
    let mut payment = waiting(tx, asked, id, now).await?;
    weigh(app, tx, &mut payment, asked.device, false).await?;
    payment.approve_by = None;
    payment.device = Some(asked.device);
    store::add_approval(tx, &payment, &digest(&payment), asked.device, Some(passkey), now).await?;
    let event = if payment.held_until.is_some() { PaymentEvent::ApprovedOnHold } else { PaymentEvent::Approved };
    let reason = payment.hold_reason.map(policy::HoldReason::as_str);
    engine::step(app, tx, &mut payment, event, reason).await?;
    engine::end_jobs(tx, &payment).await?;
    entered(app, tx, &payment, asked.device).await?;
    // A restriction that came after the order may hold it all the same.
    holds::look(app, tx, &mut payment).await?;
    engine::tell(app, tx, &payment).await?;
    Ok(engine::view(&payment))
}
