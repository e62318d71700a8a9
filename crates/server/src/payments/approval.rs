//! What the risk rules and the matrix make of a payment, and the person's yes to it. A yes is bound to payee, account, amount, currency
//! and day by their digest; it is given once, used once, and any change of the payment voids it.

use std::net::IpAddr;

use api::error::ErrorCode;
use api::security::OneTimeAddress;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ids::{DeviceId, HolderId, PasskeyId, PaymentId};
use domain::money::Money;
use domain::payments::{Approvable, PaymentEvent, PaymentOrder, PaymentState, quote};
use domain::policy::{self, Approval, Caller, Decision, Hold, Limits, PayFacts, Refusal, StepUp};
use domain::risk::{RiskOccasion, RiskVerdict};
use jiff::Timestamp;
use jiff::civil::Date;

use super::store::{self, ApprovedBy, Stored};
use super::{engine, holds, limits, unusual};
use crate::App;
use crate::autopay;
use crate::db::{DbError, DbResult, Moment, Read, Tx, twice};
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::jobs::{self, Job, Kind};
use crate::risk::{self, Looked};
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::words::{because, unlike};
use crate::sign_in::step_up::{self, Asked, Outcome, Shown, Subject};

/// Nobody approved it in time.
const NOT_APPROVED: &str = "not_approved";

/// What came of asking for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decided {
    Needs(Approval),
    /// It is refused, and what that did to the account is to be committed.
    Stopped(Refusal),
}

/// Who asks for a payment: the device, and where the request came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub device: DeviceId,
    pub source: IpAddr,
}

/// Lets the matrix decide about what was weighed; the payment's hold and its days are set accordingly. The risk rules'
/// answer is kept, and what it says for the whole account is done already: after `Lock` nothing of it leaves.
pub(super) async fn decide(
    app: &App,
    tx: &mut Tx,
    payment: &mut Stored,
    weighed: Weighed,
    asking: Asking,
) -> Result<Decided, ApiError> {
    let Weighed { looked, mut facts } = weighed;
    facts.caller.risk = risk::keep(app, tx, payment.holder, &looked, Some(asking.device), None).await?;
    if facts.caller.risk == RiskVerdict::Lock {
        return Ok(Decided::Stopped(Refusal::RiskTooHigh));
    }
    Ok(Decided::Needs(settle(app, payment, &facts)?))
}

/// A payment as the risk rules see it, and what the matrix asks about it.
pub(super) struct Weighed {
    looked: Looked,
    facts: PayFacts,
}

impl Weighed {
    /// Nothing more is asked about it.
    pub(super) fn is_usual(&self) -> bool {
        self.looked.score.verdict == RiskVerdict::Allow
    }
}

/// What is asked about an order, as it was read.
pub(super) struct About {
    known: unusual::Known,
    caller: Caller,
    limits: Limits,
}

/// Reads it, for an order that would leave on that day. `asking` is none for what leaves by itself, of the other device.
pub(super) fn about(
    app: &App,
    holder: HolderId,
    order: &PaymentOrder,
    day: Date,
    caller: DeviceId,
    asking: Option<DeviceId>,
) -> impl Read<Answer = About> + use<> {
    let reads = (
        unusual::known(app, holder, order, day, asking),
        step_up::caller(app, holder, caller),
        limits::of(app, holder, order.amount.currency()),
    );
    reads.then(|(known, caller, limits)| Ok(About { known, caller, limits }))
}

impl About {
    fn facts(&self, payment: &Stored, changed: bool) -> DbResult<PayFacts> {
        let leaving = self.known.leaving(payment)?;
        Ok(PayFacts {
            currency: payment.order.amount.currency(),
            caller: self.caller,
            payee: self.known.payee,
            amount_minor: payment.order.amount.minor(),
            day_minor: leaving.day_minor,
            balance_minor: leaving.balance_minor,
            limits: self.limits,
            changed,
            method_from: self.known.method.map(|method| method.usable_from),
        })
    }

    /// Scores it.
    pub(super) fn weigh(self, app: &App, payment: &Stored, asking: Asking, changed: bool) -> DbResult<Weighed> {
        let facts = self.facts(payment, changed)?;
        let (device, source) = (Some(asking.device), Some(asking.source));
        let looked = unusual::judge(app, payment, self.known, RiskOccasion::Approval, device, source)?;
        let caller = Caller { risk: looked.score.verdict, ..facts.caller };
        Ok(Weighed { looked, facts: PayFacts { caller, ..facts } })
    }
}

/// Reads all that is asked about a payment, and scores it. Nothing is written.
pub(super) async fn weigh(
    app: &App,
    tx: &mut Tx,
    payment: &Stored,
    asking: Asking,
    changed: bool,
) -> DbResult<Weighed> {
    let device = asking.device;
    let about = about(app, payment.holder, &payment.order, payment.process_on, device, Some(device));
    tx.ask(about).await?.weigh(app, payment, asking, changed)
}

/// Holds a payment that leaves by itself for whatever the matrix would hold it for. What the matrix would ask about it was
/// answered by the yes to its autopay, and the risk rules are asked when its day comes.
pub(super) async fn hold_alone(app: &App, tx: &mut Tx, payment: &mut Stored, device: DeviceId) -> Result<(), ApiError> {
    let about = about(app, payment.holder, &payment.order, payment.process_on, device, None);
    let facts = tx.ask(about).await?.facts(payment, false)?;
    settle(app, payment, &facts).map(drop)
}

/// What the payment would need if it were asked for now.
fn settle(app: &App, payment: &mut Stored, facts: &PayFacts) -> Result<Approval, ApiError> {
    let now = app.clock.now();
    let (approval, hold) = match policy::pay(app.settings.policy, facts, now) {
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
    let promise = quote(earliest, payment.order.send_on, &engine::timing(app, payment)?);
    let promise = promise.map_err(|error| ApiError::invalid(ErrorCode::InvalidDate, "send_on", &error.to_string()))?;
    payment.process_on = promise.will_process_on;
    payment.cutoff_at = promise.cutoff_at;
    payment.expected_by = promise.expected_by;
    Ok(())
}

/// Brings a payment that is being ordered, or was changed, to the state that it begins in.
pub(super) fn enter(app: &App, payment: &mut Stored, approval: Approval, device: DeviceId) {
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
}

/// What follows from the state that a payment begins in: its jobs, its approval by the device, its payee.
pub(super) async fn entered(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<()> {
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
        let device = payment.device.ok_or(DbError::Corrupt("the device that a payment was ordered on"))?;
        store::add_approval(tx, payment, &digest(payment), device, None, now).await?;
    }
    if let Some(device) = payment.device.filter(|_| app.settings.policy.numbers().session.is_some()) {
        step_up::note_money(tx, payment.holder, device, now).await?;
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
/// for exactly this payment and not for a later day. `yes` is the cap of the autopay's yes that was noted for it, `live`
/// its own approval, as they were read in this transaction.
pub(super) async fn use_up(
    app: &App,
    tx: &mut Tx,
    payment: &Stored,
    yes: Option<Money>,
    live: Option<store::LiveApproval>,
) -> DbResult<bool> {
    match payment.approval {
        ApprovedBy::None => return Ok(true),
        ApprovedBy::Autopay => {
            let amount = payment.order.amount;
            return Ok(yes.is_some_and(|cap| cap.currency() == amount.currency() && amount.minor() <= cap.minor()));
        }
        ApprovedBy::Device | ApprovedBy::Passkey => {}
    }
    let Some(approval) = live else { return Ok(false) };
    if approval.used || approval.day > payment.process_on || approval.digest != digest_on(payment, approval.day) {
        return Ok(false);
    }
    store::use_approval(tx, payment, app.clock.now()).await?;
    Ok(true)
}

/// The order was changed: its approval is void, and what the change needs is decided anew.
pub(super) async fn change(app: &App, tx: &mut Tx, payment: &mut Stored, asking: Asking) -> Result<Decided, ApiError> {
    let was_approved = payment.approval == ApprovedBy::Passkey && payment.state != PaymentState::AwaitingApproval;
    let weighed = weigh(app, tx, payment, asking, was_approved).await?;
    let decided = decide(app, tx, payment, weighed, asking).await?;
    let Decided::Needs(approval) = decided else { return Ok(decided) };
    store::void_approval(tx, payment, app.clock.now()).await?;
    engine::end_jobs(tx, payment).await?;
    let mut entering = payment.clone();
    enter(app, &mut entering, approval, asking.device);
    payment.approval = entering.approval;
    payment.approve_by = entering.approve_by;
    payment.device = entering.device;
    let waits = entering.state == PaymentState::AwaitingApproval;
    let why = if waits { entering.reason.as_deref() } else { None };
    engine::step(app, tx, payment, PaymentEvent::Edited, why).await?;
    if !waits {
        let held = entering.state == PaymentState::Held;
        let event = if held { PaymentEvent::ApprovedOnHold } else { PaymentEvent::Approved };
        engine::step(app, tx, payment, event, entering.reason.as_deref()).await?;
    }
    entered(app, tx, payment).await?;
    if !waits {
        holds::look(app, tx, payment).await?;
    }
    engine::tell(app, tx, payment).await?;
    Ok(decided)
}

/// A payment that was let go is asked about anew, for this reason. Nothing has left.
pub(super) async fn ask_anew(app: &App, tx: &mut Tx, payment: &mut Stored, why: StepUp) -> DbResult<()> {
    ask_until(app, tx, payment, why, app.clock.now()).await
}

/// As `ask_anew`; the yes is waited for until that moment, and no shorter than for any other.
pub(super) async fn ask_until(
    app: &App,
    tx: &mut Tx,
    payment: &mut Stored,
    why: StepUp,
    until: Timestamp,
) -> DbResult<()> {
    let now = app.clock.now();
    store::void_approval(tx, payment, now).await?;
    payment.approval = ApprovedBy::Passkey;
    payment.approve_by = Some(now.saturating_add(policy::APPROVAL_WITHIN).unwrap_or(Timestamp::MAX).max(until));
    engine::step(app, tx, payment, PaymentEvent::Edited, Some(why.as_str())).await?;
    engine::end_jobs(tx, payment).await?;
    entered(app, tx, payment).await?;
    engine::tell(app, tx, payment).await
}

/// A device was not its owner's: what was ordered or approved on it and has not left waits for a yes on another one.
pub(crate) async fn distrust(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<()> {
    for mut payment in store::not_left(tx, holder).await? {
        if payment.device == Some(device) {
            ask_anew(app, tx, &mut payment, StepUp::Risk).await?;
        }
    }
    autopay::distrust(app, tx, holder, device).await
}

/// Nobody approved it in time: it has expired, and every device is told.
pub(crate) async fn expire(app: &App, job: &Job) -> DbResult<()> {
    twice(|moment| expire_at(app, job, moment)).await
}

async fn expire_at(app: &App, job: &Job, moment: Moment) -> DbResult<()> {
    let found = engine::begin(app, job, moment, &[PaymentState::AwaitingApproval]).await?;
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

/// The states of payments whose money was set aside on an approval of something else, for the audit.
pub(crate) async fn unfounded(tx: &mut Tx) -> DbResult<Vec<String>> {
    let used = store::used_approvals(tx).await?;
    let wrong = used.iter().filter(|(payment, digest, day)| *digest != digest_on(payment, *day));
    Ok(wrong.map(|(payment, ..)| format!("{:?}", payment.state)).collect())
}

// ---- the browser's page ------------------------------------------------------------------------------------------

/// An address at which the person approves a payment that waits for it: good once, for two minutes.
#[utoipa::path(post, path = "/api/v1/payments/{id}/approval", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 201, body = OneTimeAddress), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
pub(super) async fn begin(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(id): Path<PaymentId>,
) -> Result<Response, ApiError> {
    stop_if_too_unusual(&app, &signed_in, source, id).await?;
    let address = step_up::begin(&app, &signed_in, source, Subject::Payment { id }).await?;
    Ok((StatusCode::CREATED, Json(address)).into_response())
}

/// Whoever asks for the page in circumstances that lock the account finds it locked.
async fn stop_if_too_unusual(app: &App, signed_in: &SignedIn, source: IpAddr, id: PaymentId) -> Result<(), ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    let payment = store::find(&mut tx, signed_in.holder, id).await?.ok_or_else(ApiError::not_found)?;
    let device = Some(signed_in.device);
    let looked = unusual::look(app, &mut tx, &payment, RiskOccasion::Approval, device, Some(source)).await?;
    if looked.score.verdict < RiskVerdict::Lock {
        return Ok(());
    }
    risk::keep(app, &mut tx, signed_in.holder, &looked, device, None).await?;
    tx.commit().await?;
    Err(Refusal::RiskTooHigh.into())
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
pub(crate) async fn shown(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    id: PaymentId,
) -> Result<Shown, ApiError> {
    let mut payment = waiting(tx, asked, id, app.clock.now()).await?;
    let asking = Asking { device: asked.device, source };
    let Weighed { looked, facts: about } = weigh(app, tx, &payment, asking, false).await?;
    settle(app, &mut payment, &about)?;
    let payee = engine::payee_name(tx, &payment).await?;
    let account = super::source_name(tx, &payment).await?;
    let words = asked.words();
    let mut facts = vec![(words.to, payee)];
    if let Some(reference) = &payment.order.reference {
        facts.push((words.reference, reference.clone()));
    }
    facts.push((words.amount, payment.order.amount.to_string()));
    facts.push((words.from, account));
    facts.push((words.leaves_on, payment.process_on.to_string()));
    if let Some(until) = payment.held_until {
        let until = until.to_zoned(app.settings.zone.clone());
        facts.push((words.held_until, until.strftime("%Y-%m-%d %H:%M %Z").to_string()));
    }
    let asks = payment.reason.as_deref();
    if let Some(why) = StepUp::ALL.into_iter().find(|why| Some(why.as_str()) == asks) {
        facts.push((words.asked_because, because(asked.language(), why).to_owned()));
    }
    if looked.score.verdict > RiskVerdict::Allow {
        let points = looked.score.points.iter();
        let unusual: Vec<&str> = points.map(|point| unlike(asked.language(), point.reason)).collect();
        facts.push((words.unusual, unusual.join(", ")));
    }
    Ok(Shown::new(&words.payment, facts, digest(&payment)))
}

/// The person's yes, in its transaction.
pub(crate) async fn approved(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    id: PaymentId,
    passkey: PasskeyId,
) -> Result<Outcome, ApiError> {
    let now = app.clock.now();
    let mut payment = waiting(tx, asked, id, now).await?;
    let asking = Asking { device: asked.device, source };
    let weighed = weigh(app, tx, &payment, asking, false).await?;
    if let Decided::Stopped(refusal) = decide(app, tx, &mut payment, weighed, asking).await? {
        return Ok(Outcome::Refused(refusal.into()));
    }
    payment.approve_by = None;
    payment.device = Some(asked.device);
    store::add_approval(tx, &payment, &digest(&payment), asked.device, Some(passkey), now).await?;
    let event = if payment.held_until.is_some() { PaymentEvent::ApprovedOnHold } else { PaymentEvent::Approved };
    let reason = payment.hold_reason.map(policy::HoldReason::as_str);
    engine::step(app, tx, &mut payment, event, reason).await?;
    engine::end_jobs(tx, &payment).await?;
    entered(app, tx, &payment).await?;
    // A restriction that came after the order may hold it all the same.
    holds::look(app, tx, &mut payment).await?;
    engine::tell(app, tx, &payment).await?;
    Ok(Outcome::Done)
}

#[cfg(test)]
pub(crate) mod tests;
