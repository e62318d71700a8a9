//! Autopay (PA1, PA6): a bill's due dates are paid by themselves on one yes to its terms. Payments are made sixty days ahead
//! as scheduled ones that anybody sees and takes back; what they take is worked out when their day comes. One due date has at
//! most one of them, and turning autopay off or pausing it takes back each that has not left, in the same transaction.

mod ahead;
mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use api::autopay::{AutopayPause, AutopaySet};
use api::error::ErrorCode;
use api::sync::{Gone, Record};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::autopay::{Autopay, AutopayAmount, AutopayError, AutopayState, AutopayTerms};
use domain::bills::Bill;
use domain::ids::{BillId, DeviceId, HolderId, MethodId};
use domain::methods::Method;
use domain::policy::{self, Approval, Decision};
use domain::security::{Happened, SecurityEventKind};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::jobs::{self, Kind};
use crate::payments::by_itself;
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::{self, Asked, Outcome, Shown, Subject};
use crate::{billers, bills, feed, methods, readiness, risk, security};
pub(crate) use ahead::{AtRun, at_run, followed, look, rests_on_yes};
use store::Kept;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(set, off)).routes(routes!(pause))
}

/// Lets a bill be paid by itself on these terms: at once where nothing stronger can be asked, else at the address that is
/// answered, with a passkey. Until the yes everything stays as it was.
#[utoipa::path(put, path = "/api/v1/bills/{id}/autopay", tag = "autopay", params(("id" = BillId, Path)),
    request_body = AutopayTerms,
    responses((status = 200, body = AutopaySet), (status = 403, body = api::error::Problem),
        (status = 404, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn set(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(bill): Path<BillId>,
    Json(terms): Json<AutopayTerms>,
) -> Result<Response, ApiError> {
    let (holder, device) = (signed_in.holder, signed_in.device);
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let approval = weigh(&app, &mut tx, holder, device).await?;
    let kept = wished(&app, &mut tx, holder, device, bill, terms).await?;
    if let Some(known) = store::find(&mut tx, holder, bill).await?
        && known.digest == kept.digest
        && known.autopay.state == AutopayState::On
    {
        return Ok(Json(AutopaySet { set: Some(known.autopay), approve_at: None }).into_response());
    }
    if !risk::allows_change(&app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    let answer = if matches!(approval, Approval::Passkey(_)) {
        tx.commit().await?;
        let address = step_up::begin(&app, &signed_in, source, Subject::Autopay { bill, terms }).await?;
        AutopaySet { set: None, approve_at: Some(address) }
    } else {
        begin(&app, &mut tx, holder, &kept).await?;
        tx.commit().await?;
        app.jobs.wake();
        AutopaySet { set: Some(kept.autopay), approve_at: None }
    };
    Ok((StatusCode::OK, Json(answer)).into_response())
}

/// Turns it off: each of its payments that has not left is taken back.
#[utoipa::path(delete, path = "/api/v1/bills/{id}/autopay", tag = "autopay", params(("id" = BillId, Path)),
    responses((status = 204, description = "Off"), (status = 404, body = api::error::Problem)))]
async fn off(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(bill): Path<BillId>,
) -> Result<Response, ApiError> {
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "autopay.off", &bill).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    store::find(&mut once.tx, signed_in.holder, bill).await?.ok_or_else(ApiError::not_found)?;
    end(&app, &mut once.tx, signed_in.holder, bill, Some(signed_in.device)).await?;
    once.answer(StatusCode::NO_CONTENT, &()).await
}

/// Pauses it, or lets it go on with the same terms. A pause takes back what has not left.
#[utoipa::path(post, path = "/api/v1/bills/{id}/autopay/pause", tag = "autopay", params(("id" = BillId, Path)),
    request_body = AutopayPause,
    responses((status = 200, body = Autopay), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn pause(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(bill): Path<BillId>,
    Json(wish): Json<AutopayPause>,
) -> Result<Response, ApiError> {
    let (holder, by) = (signed_in.holder, Some(signed_in.device));
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "autopay.pause", &(bill, &wish)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let mut kept = store::find(&mut once.tx, holder, bill).await?.ok_or_else(ApiError::not_found)?;
    match (wish.paused, kept.autopay.state) {
        (true, AutopayState::Paused | AutopayState::Changed) | (false, AutopayState::On) => {}
        (true, AutopayState::On | AutopayState::Failing) => {
            stop(&app, &mut once.tx, holder, &mut kept, AutopayState::Paused, by).await?;
        }
        (false, AutopayState::Changed) => {
            return Err(ApiError::new(ErrorCode::VersionConflict, "the bill pays otherwise now: set autopay anew"));
        }
        (false, AutopayState::Paused | AutopayState::Failing) => {
            kept.autopay.state = AutopayState::On;
            kept.autopay.failures = 0;
            keep(&app, &mut once.tx, holder, &kept).await?;
            note(&app, &mut once.tx, holder, bill, SecurityEventKind::AutopayResumed, by).await?;
            look_at(&app, &mut once.tx, holder, bill).await?;
        }
    }
    let answer = once.answer(StatusCode::OK, &kept.autopay).await?;
    app.jobs.wake();
    Ok(answer)
}

async fn weigh(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> Result<Approval, ApiError> {
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, policy::Change::SetAutopay, &caller, app.clock.now()) {
        Decision::Go { approval, .. } => Ok(approval),
        Decision::Refuse(refusal) => Err(refusal.into()),
    }
}

/// What would be kept if the terms were said yes to now.
async fn wished(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    bill: BillId,
    terms: AutopayTerms,
) -> Result<Kept, ApiError> {
    let bill = bills::find(tx, holder, bill).await?.ok_or_else(ApiError::not_found)?;
    terms.check(&bill).map_err(|error| {
        let (code, field) = match error {
            AutopayError::NotPayable => (ErrorCode::NotPayable, "biller"),
            AutopayError::Amount => (ErrorCode::InvalidAmount, "cap"),
            AutopayError::Days => (ErrorCode::InvalidRequest, "days_before"),
            AutopayError::End => (ErrorCode::InvalidRequest, "payments"),
        };
        ApiError::invalid(code, field, &error.to_string())
    })?;
    let rail = app.rails.of(terms.cap.currency());
    let biller = bill.biller.and_then(billers::find).filter(|biller| biller.payable);
    let biller = biller.filter(|biller| rail.takes(biller.id, terms.cap).is_ok());
    let not_payable = || ApiError::invalid(ErrorCode::NotPayable, "biller", "this biller takes no such payments here");
    let biller = biller.ok_or_else(not_payable)?;
    if let Some(method) = terms.method {
        let wrong = |title: &str| ApiError::invalid(ErrorCode::MethodNotDrawable, "method", title);
        if !rail.draws() {
            return Err(wrong("payments of this server leave from its own accounts alone"));
        }
        let today = by_itself::today(app, terms.cap.currency(), app.clock.now());
        methods::drawable(tx, holder, method, today).await?.map_err(|error| wrong(&error.to_string()))?;
    }
    readiness::demand(tx.ask(readiness::missing(app, holder)).await?)?;
    let digest = terms.digest(bill.id, biller.id, bill.reference.as_deref());
    let autopay = Autopay { bill: bill.id, terms, state: AutopayState::On, failures: 0 };
    Ok(Kept { autopay, digest, device, set_at: app.clock.now() })
}

/// Whether the bill is paid to whom and as was said yes to.
fn is_as_approved(kept: &Kept, bill: &Bill) -> bool {
    let terms = &kept.autopay.terms;
    let digest = |payee| terms.digest(bill.id, payee, bill.reference.as_deref());
    terms.check(bill).is_ok() && bill.biller.map(digest).as_ref() == Some(&kept.digest)
}

async fn keep(app: &App, tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    store::put(tx, holder, kept).await?;
    feed::put(tx, holder, app.clock.now(), &Record::Autopay(kept.autopay)).await
}

/// The terms count from now on; what was made on others is made anew.
async fn begin(app: &App, tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    take_all_back(app, tx, holder, kept.autopay.bill).await?;
    keep(app, tx, holder, kept).await?;
    note(app, tx, holder, kept.autopay.bill, SecurityEventKind::AutopaySet, Some(kept.device)).await?;
    look_at(app, tx, holder, kept.autopay.bill).await
}

/// Nothing of it leaves any more until its person says so.
async fn stop(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    kept: &mut Kept,
    state: AutopayState,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let bill = kept.autopay.bill;
    take_all_back(app, tx, holder, bill).await?;
    kept.autopay.state = state;
    keep(app, tx, holder, kept).await?;
    jobs::remove(tx, holder, Kind::Autopay, bill.as_uuid()).await?;
    note(app, tx, holder, bill, SecurityEventKind::AutopayPaused, by).await
}

async fn end(app: &App, tx: &mut Tx, holder: HolderId, bill: BillId, by: Option<DeviceId>) -> DbResult<()> {
    take_all_back(app, tx, holder, bill).await?;
    note(app, tx, holder, bill, SecurityEventKind::AutopayEnded, by).await?;
    store::remove(tx, holder, bill).await?;
    jobs::remove(tx, holder, Kind::Autopay, bill.as_uuid()).await?;
    feed::put(tx, holder, app.clock.now(), &Record::Gone(Gone::Autopay { bill })).await
}

/// Whatever it made and has not left, whoever approved it since: off is off.
async fn take_all_back(app: &App, tx: &mut Tx, holder: HolderId, bill: BillId) -> DbResult<()> {
    for made in store::runs(tx, holder, bill).await? {
        if let Some(waiting) = by_itself::waiting(tx, holder, made.payment).await? {
            by_itself::take_back(app, tx, waiting).await?;
            store::remove_run(tx, holder, made.payment).await?;
        }
    }
    Ok(())
}

/// The log names the bill as its owner does.
async fn note(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    bill: BillId,
    kind: SecurityEventKind,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let name = bills::find(tx, holder, bill).await?.map(|bill| bill.name);
    let happened = Happened { at: app.clock.now(), kind, by, device: None, name, about: None };
    security::record(tx, holder, happened).await
}

/// Puts the look that brings the payments of a bill to what its autopay, bill and marks say now.
async fn look_at(app: &App, tx: &mut Tx, holder: HolderId, bill: BillId) -> DbResult<()> {
    jobs::put(tx, holder, Kind::Autopay, bill.as_uuid(), app.clock.now()).await
}

// ---- what else changes it ----------------------------------------------------------------------------------------

/// A bill, what was said about a due date or a payment of it changed. Wake the jobs after the commit.
pub(crate) async fn bill_changed(app: &App, tx: &mut Tx, holder: HolderId, bill: BillId) -> DbResult<()> {
    store::look_if_any(tx, holder, bill, app.clock.now()).await
}

/// A bill goes, and with it what it would have paid. Call before the bill is gone.
pub(crate) async fn bill_removed(app: &App, tx: &mut Tx, holder: HolderId, bill: BillId, by: DeviceId) -> DbResult<()> {
    match store::find(tx, holder, bill).await? {
        Some(_) => end(app, tx, holder, bill, Some(by)).await,
        None => Ok(()),
    }
}

/// A device was not its owner's: what was said yes to on it needs another yes.
pub(crate) async fn distrust(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<()> {
    for mut kept in store::all(tx, holder).await? {
        if kept.device == device && kept.autopay.state != AutopayState::Changed {
            stop(app, tx, holder, &mut kept, AutopayState::Changed, None).await?;
        }
    }
    Ok(())
}

/// What was set then was not set by its owner.
pub(crate) async fn end_set_at(app: &App, tx: &mut Tx, holder: HolderId, at: Timestamp) -> DbResult<()> {
    for kept in store::all(tx, holder).await? {
        if kept.set_at == at {
            end(app, tx, holder, kept.autopay.bill, None).await?;
        }
    }
    Ok(())
}

/// The bills that are paid from a method.
pub(crate) async fn drawing_from(tx: &mut Tx, holder: HolderId, method: MethodId) -> DbResult<Vec<BillId>> {
    let all = store::drawing_from(tx, holder, method).await?;
    Ok(all.into_iter().map(|kept| kept.autopay.bill).collect())
}

/// Every bill that is paid from one method is paid from another; the yes to that is the yes to the changed terms. Their
/// payments move by themselves. Says how many bills there are.
pub(crate) async fn carry_over(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    old: MethodId,
    with: &Method,
    device: DeviceId,
) -> DbResult<usize> {
    let all = store::drawing_from(tx, holder, old).await?;
    let count = all.len();
    for mut kept in all {
        let bill = bills::find(tx, holder, kept.autopay.bill).await?;
        let good = bill.as_ref().filter(|bill| is_as_approved(&kept, bill));
        kept.autopay.terms.method = Some(with.id);
        if let Some((bill, payee)) = good.and_then(|bill| Some((bill, bill.biller?))) {
            kept.digest = kept.autopay.terms.digest(bill.id, payee, bill.reference.as_deref());
            kept.device = device;
        }
        keep(app, tx, holder, &kept).await?;
    }
    Ok(count)
}

// ---- the yes -----------------------------------------------------------------------------------------------------

/// What the page shows: everything that the yes is bound to.
pub(crate) async fn shown(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    bill: BillId,
    terms: AutopayTerms,
) -> Result<Shown, ApiError> {
    weigh(app, tx, asked.holder, asked.device).await?;
    let kept = wished(app, tx, asked.holder, asked.device, bill, terms).await?;
    let bill = bills::find(tx, asked.holder, bill).await?.ok_or_else(ApiError::not_found)?;
    let payee = bill.biller.and_then(billers::find).map_or("", |biller| biller.name.as_str());
    let mut facts = vec![("Bill", bill.name.clone()), ("To", payee.to_owned())];
    if let Some(reference) = &bill.reference {
        facts.push(("Reference", reference.clone()));
    }
    facts.push(match terms.amount {
        AutopayAmount::Left => ("Each time", "what is left to pay".to_owned()),
        AutopayAmount::Fixed { amount } => ("Each time", format!("{amount}, and never more than is left")),
    });
    facts.push(("Asks above", terms.cap.to_string()));
    if let Some(above) = terms.warn_above {
        facts.push(("Warns above", above.to_string()));
    }
    let from = match terms.method {
        Some(id) => methods::find(tx, asked.holder, id).await?.map(|method| method.name()).unwrap_or_default(),
        None => "the balance kept here".to_owned(),
    };
    facts.push(("From", from));
    facts.push(match terms.days_before {
        0 => ("Is there", "on the due date".to_owned()),
        1 => ("Is there", "1 day before it is due".to_owned()),
        days => ("Is there", format!("{days} days before it is due")),
    });
    facts.push(match (terms.ends_on, terms.payments) {
        (Some(day), _) => ("Ends", format!("with what is due on {day}")),
        (None, Some(1)) => ("Ends", "after 1 payment".to_owned()),
        (None, Some(count)) => ("Ends", format!("after {count} payments")),
        (None, None) => ("Ends", "when you turn it off".to_owned()),
    });
    Ok(Shown {
        title: "Pay this bill automatically?",
        facts,
        note: "Payments within these terms leave by themselves. Any change of them asks again.",
        button: "Approve with a passkey",
        digest: kept.digest,
    })
}

pub(crate) async fn approved(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    bill: BillId,
    terms: AutopayTerms,
) -> Result<Outcome, ApiError> {
    if !risk::allows_change(app, tx, asked.holder, asked.device, source).await? {
        return Ok(Outcome::Refused(risk::unusual()));
    }
    let kept = wished(app, tx, asked.holder, asked.device, bill, terms).await?;
    begin(app, tx, asked.holder, &kept).await?;
    Ok(Outcome::Done)
}
