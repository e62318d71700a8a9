//! Autopay (PA1, PA6): the due dates of a bill, or of a card of this server, are paid by themselves on one yes to its terms.
//! Payments of a bill are made sixty days ahead, one of a card when its statement closes, as scheduled ones that anybody sees
//! and takes back; what they take is worked out when their day comes. One due date has at most one of them, and turning autopay off or pausing it takes back each that has not left, in the same transaction.

mod ahead;
mod payable;
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
use domain::autopay::{Autopay, AutopayAmount, AutopayError, AutopayOf, AutopayState, AutopayTerms};
use domain::ids::{AccountId, BillId, BillerId, DeviceId, HolderId, MethodId};
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
use crate::{billers, card, feed, methods, readiness, risk, security};
pub(crate) use ahead::{AboutRun, AtRun, about_run, at_run, followed, look};
use payable::Payable;
use store::{Kept, Lapsed};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(set, off))
        .routes(routes!(pause))
        .routes(routes!(set_card, card_off))
        .routes(routes!(pause_card))
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
    set_terms(&app, &signed_in, source, AutopayOf::Bill(bill), terms).await
}

/// Lets a card of this server be paid by itself on these terms, as a bill is.
#[utoipa::path(put, path = "/api/v1/cards/{id}/autopay", tag = "autopay", params(("id" = AccountId, Path)),
    request_body = AutopayTerms,
    responses((status = 200, body = AutopaySet), (status = 403, body = api::error::Problem),
        (status = 404, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn set_card(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(card): Path<AccountId>,
    Json(terms): Json<AutopayTerms>,
) -> Result<Response, ApiError> {
    set_terms(&app, &signed_in, source, AutopayOf::Card(card), terms).await
}

async fn set_terms(
    app: &App,
    signed_in: &SignedIn,
    source: IpAddr,
    of: AutopayOf,
    terms: AutopayTerms,
) -> Result<Response, ApiError> {
    let (holder, device) = (signed_in.holder, signed_in.device);
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let approval = weigh(app, &mut tx, holder, device).await?;
    let kept = wished(app, &mut tx, holder, device, of, terms).await?;
    if let Some(known) = store::find(&mut tx, holder, of).await?
        && known.digest == kept.digest
        && known.autopay.state == AutopayState::On
    {
        return Ok(Json(AutopaySet { set: Some(known.autopay), approve_at: None }).into_response());
    }
    if !risk::allows_change(app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    let answer = if matches!(approval, Approval::Passkey(_)) {
        tx.commit().await?;
        let address = step_up::begin(app, signed_in, source, Subject::Autopay { of, terms }).await?;
        AutopaySet { set: None, approve_at: Some(address) }
    } else {
        begin(app, &mut tx, holder, &kept).await?;
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
    turn_off(&app, &signed_in, &idempotency, AutopayOf::Bill(bill)).await
}

/// Turns it off for a card: its payment that has not left is taken back.
#[utoipa::path(delete, path = "/api/v1/cards/{id}/autopay", tag = "autopay", params(("id" = AccountId, Path)),
    responses((status = 204, description = "Off"), (status = 404, body = api::error::Problem)))]
async fn card_off(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(card): Path<AccountId>,
) -> Result<Response, ApiError> {
    turn_off(&app, &signed_in, &idempotency, AutopayOf::Card(card)).await
}

async fn turn_off(
    app: &App,
    signed_in: &SignedIn,
    idempotency: &IdempotencyKey,
    of: AutopayOf,
) -> Result<Response, ApiError> {
    let mut once = match idempotency::begin(app, signed_in, idempotency, "autopay.off", &of).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    store::find(&mut once.tx, signed_in.holder, of).await?.ok_or_else(ApiError::not_found)?;
    end(app, &mut once.tx, signed_in.holder, of, Some(signed_in.device)).await?;
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
    pause_or_go_on(&app, &signed_in, &idempotency, AutopayOf::Bill(bill), wish).await
}

/// Pauses the autopay of a card, or lets it go on with the same terms.
#[utoipa::path(post, path = "/api/v1/cards/{id}/autopay/pause", tag = "autopay", params(("id" = AccountId, Path)),
    request_body = AutopayPause,
    responses((status = 200, body = Autopay), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn pause_card(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(card): Path<AccountId>,
    Json(wish): Json<AutopayPause>,
) -> Result<Response, ApiError> {
    pause_or_go_on(&app, &signed_in, &idempotency, AutopayOf::Card(card), wish).await
}

async fn pause_or_go_on(
    app: &App,
    signed_in: &SignedIn,
    idempotency: &IdempotencyKey,
    of: AutopayOf,
    wish: AutopayPause,
) -> Result<Response, ApiError> {
    let (holder, by) = (signed_in.holder, Some(signed_in.device));
    let mut once = match idempotency::begin(app, signed_in, idempotency, "autopay.pause", &(of, &wish)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let mut kept = store::find(&mut once.tx, holder, of).await?.ok_or_else(ApiError::not_found)?;
    match (wish.paused, kept.autopay.state) {
        (true, AutopayState::Paused | AutopayState::Changed) | (false, AutopayState::On) => {}
        (true, AutopayState::On | AutopayState::Failing) => {
            stop(app, &mut once.tx, holder, &mut kept, AutopayState::Paused, by).await?;
        }
        (false, AutopayState::Changed) => {
            return Err(ApiError::new(ErrorCode::VersionConflict, "the bill pays otherwise now: set autopay anew"));
        }
        (false, AutopayState::Paused | AutopayState::Failing) => {
            kept.autopay.state = AutopayState::On;
            kept.autopay.failures = 0;
            keep(app, &mut once.tx, holder, &kept).await?;
            note(app, &mut once.tx, holder, of, SecurityEventKind::AutopayResumed, by).await?;
            look_at(app, &mut once.tx, holder, of).await?;
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
    of: AutopayOf,
    terms: AutopayTerms,
) -> Result<Kept, ApiError> {
    let payable = Payable::find(tx, holder, of).await?.ok_or_else(ApiError::not_found)?;
    payable.check(&terms).map_err(|error| {
        let (code, field) = match error {
            AutopayError::NotPayable => (ErrorCode::NotPayable, "biller"),
            AutopayError::Amount => (ErrorCode::InvalidAmount, "cap"),
            AutopayError::Choice => (ErrorCode::InvalidRequest, "amount"),
            AutopayError::Days => (ErrorCode::InvalidRequest, "days_before"),
            AutopayError::End => (ErrorCode::InvalidRequest, "payments"),
        };
        ApiError::invalid(code, field, &error.to_string())
    })?;
    if tx.ask(store::under(holder, of.as_uuid())).await?.is_some_and(|kept| kept.autopay.of != of) {
        return Err(ApiError::invalid(ErrorCode::KeyReused, "id", "another thing is paid by itself under this id"));
    }
    if terms.ends_on.is_some_and(|end| end < card::today(app)) {
        return Err(ApiError::invalid(ErrorCode::InvalidDate, "ends_on", "that day has passed: nothing would be paid"));
    }
    let currency = payable.currency();
    let not_payable = || ApiError::invalid(ErrorCode::NotPayable, "biller", "this biller takes no such payments here");
    let payee = payee_of(&payable).ok_or_else(not_payable)?;
    let rail = app.rails.for_payee(payee, currency);
    rail.takes(payee, terms.cap).map_err(|_| not_payable())?;
    if let Some(method) = terms.method {
        let wrong = |title: &str| ApiError::invalid(ErrorCode::MethodNotDrawable, "method", title);
        if !rail.draws() {
            return Err(wrong("payments of this server leave from its own accounts alone"));
        }
        let today = by_itself::today(app, payee, currency, app.clock.now());
        methods::drawable(tx, holder, method, today).await?.map_err(|error| wrong(&error.to_string()))?;
    }
    readiness::demand(tx.ask(readiness::missing(app, holder)).await?)?;
    let digest = payable.digest(&terms).ok_or_else(not_payable)?;
    let autopay = Autopay { of, terms, state: AutopayState::On, failures: 0 };
    Ok(Kept { autopay, digest, device, set_at: app.clock.now() })
}

/// Who is paid, if that is somebody who takes payments here.
fn payee_of(payable: &Payable) -> Option<BillerId> {
    let payee = payable.payee()?;
    match payable {
        Payable::Bill(_) => billers::find(payee).filter(|biller| biller.payable).map(|biller| biller.id),
        Payable::Card { .. } => Some(payee),
    }
}

async fn keep(app: &App, tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    store::put(tx, holder, kept).await?;
    feed::put(tx, holder, app.clock.now(), &Record::Autopay(kept.autopay)).await
}

/// The terms count from now on; what was made on others is made anew.
async fn begin(app: &App, tx: &mut Tx, holder: HolderId, kept: &Kept) -> DbResult<()> {
    take_all_back(app, tx, holder, kept.autopay.of).await?;
    // What was above the old cap may be below this one.
    let runs = store::runs(tx, holder, kept.autopay.of).await?;
    for made in runs.iter().filter(|made| made.lapsed == Some(Lapsed::AboveCap)) {
        store::remove_run(tx, holder, made.payment).await?;
    }
    keep(app, tx, holder, kept).await?;
    note(app, tx, holder, kept.autopay.of, SecurityEventKind::AutopaySet, Some(kept.device)).await?;
    look_at(app, tx, holder, kept.autopay.of).await
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
    let of = kept.autopay.of;
    take_all_back(app, tx, holder, of).await?;
    kept.autopay.state = state;
    keep(app, tx, holder, kept).await?;
    jobs::remove(tx, holder, Kind::Autopay, of.as_uuid()).await?;
    note(app, tx, holder, of, SecurityEventKind::AutopayPaused, by).await
}

async fn end(app: &App, tx: &mut Tx, holder: HolderId, of: AutopayOf, by: Option<DeviceId>) -> DbResult<()> {
    take_all_back(app, tx, holder, of).await?;
    note(app, tx, holder, of, SecurityEventKind::AutopayEnded, by).await?;
    store::remove(tx, holder, of).await?;
    jobs::remove(tx, holder, Kind::Autopay, of.as_uuid()).await?;
    feed::put(tx, holder, app.clock.now(), &Record::Gone(Gone::Autopay { of })).await
}

/// Whatever it made and has not left, whoever approved it since: off is off.
async fn take_all_back(app: &App, tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<()> {
    for made in store::runs(tx, holder, of).await? {
        if let Some(waiting) = by_itself::waiting(tx, holder, made.payment).await? {
            by_itself::take_back(app, tx, waiting).await?;
            store::remove_run(tx, holder, made.payment).await?;
        }
    }
    Ok(())
}

/// The log names the bill or card as its owner does.
async fn note(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    of: AutopayOf,
    kind: SecurityEventKind,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let name = Payable::find(tx, holder, of).await?.map(|payable| payable.name().to_owned());
    let happened = Happened { at: app.clock.now(), kind, by, device: None, name, about: None };
    security::record(tx, holder, happened).await
}

/// Puts the look that brings the payments of an autopay to what its terms, and its bill or card, say now.
async fn look_at(app: &App, tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<()> {
    jobs::put(tx, holder, Kind::Autopay, of.as_uuid(), app.clock.now()).await
}

// ---- what else changes it ----------------------------------------------------------------------------------------

/// A bill, what was said about a due date, what a card owes, or a payment of them changed. Wake the jobs after the commit.
pub(crate) async fn changed(app: &App, tx: &mut Tx, holder: HolderId, of: AutopayOf) -> DbResult<()> {
    store::look_if_any(tx, holder, of, app.clock.now()).await
}

/// A bill goes, and with it what it would have paid. Call before the bill is gone.
pub(crate) async fn bill_removed(app: &App, tx: &mut Tx, holder: HolderId, bill: BillId, by: DeviceId) -> DbResult<()> {
    let of = AutopayOf::Bill(bill);
    match store::find(tx, holder, of).await? {
        Some(_) => end(app, tx, holder, of, Some(by)).await,
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
            end(app, tx, holder, kept.autopay.of, None).await?;
        }
    }
    Ok(())
}

/// What is paid from a method.
pub(crate) async fn drawing_from(tx: &mut Tx, holder: HolderId, method: MethodId) -> DbResult<Vec<AutopayOf>> {
    let all = store::drawing_from(tx, holder, method).await?;
    Ok(all.into_iter().map(|kept| kept.autopay.of).collect())
}

/// Whatever is paid from one method is paid from another; the yes to that is the yes to the changed terms. The payments move
/// by themselves. Says how many autopays there are.
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
        let payable = Payable::find(tx, holder, kept.autopay.of).await?;
        let good = payable.filter(|payable| payable.is_as_approved(&kept));
        kept.autopay.terms.method = Some(with.id);
        if let Some(digest) = good.and_then(|payable| payable.digest(&kept.autopay.terms)) {
            kept.digest = digest;
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
    of: AutopayOf,
    terms: AutopayTerms,
) -> Result<Shown, ApiError> {
    weigh(app, tx, asked.holder, asked.device).await?;
    let kept = wished(app, tx, asked.holder, asked.device, of, terms).await?;
    let payable = Payable::find(tx, asked.holder, of).await?.ok_or_else(ApiError::not_found)?;
    let words = asked.words();
    let name = payable.name().to_owned();
    let (question, mut facts) = match &payable {
        Payable::Bill(bill) => {
            let payee = bill.biller.and_then(billers::find).map_or("", |biller| biller.name.as_str());
            (&words.autopay_bill, vec![(words.bill, name), (words.to, payee.to_owned())])
        }
        Payable::Card { .. } => (&words.autopay_card, vec![(words.card, name)]),
    };
    if let Some(reference) = payable.reference() {
        facts.push((words.reference, reference.to_owned()));
    }
    let each = match (terms.amount, of) {
        (AutopayAmount::Left, _) => words.what_is_left.to_owned(),
        (AutopayAmount::Minimum, _) => words.minimum_left.to_owned(),
        (AutopayAmount::Statement, _) => words.statement_left.to_owned(),
        (AutopayAmount::Current, _) => words.all_owed.to_owned(),
        (AutopayAmount::Fixed { amount }, AutopayOf::Bill(_)) => {
            words.fixed_for_bill.replace("{amount}", &amount.to_string())
        }
        (AutopayAmount::Fixed { amount }, AutopayOf::Card(_)) => {
            words.fixed_for_card.replace("{amount}", &amount.to_string())
        }
    };
    facts.push((words.each_time, each));
    facts.push((words.asks_above, terms.cap.to_string()));
    if let Some(above) = terms.warn_above {
        facts.push((words.warns_above, above.to_string()));
    }
    let from = match terms.method {
        Some(id) => methods::find(tx, asked.holder, id).await?.map(|method| method.name()).unwrap_or_default(),
        None => words.balance_here.to_owned(),
    };
    facts.push((words.from, from));
    facts.push((words.is_there, words.days_before(terms.days_before)));
    let ends = match (terms.ends_on, terms.payments) {
        (Some(day), _) => words.with_what_is_due.replace("{day}", &day.to_string()),
        (None, Some(1)) => words.after_one.to_owned(),
        (None, Some(count)) => words.after_some.replace("{count}", &count.to_string()),
        (None, None) => words.turned_off.to_owned(),
    };
    facts.push((words.ends, ends));
    Ok(Shown::new(question, facts, kept.digest))
}

pub(crate) async fn approved(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    of: AutopayOf,
    terms: AutopayTerms,
) -> Result<Outcome, ApiError> {
    if !risk::allows_change(app, tx, asked.holder, asked.device, source).await? {
        return Ok(Outcome::Refused(risk::unusual()));
    }
    let kept = wished(app, tx, asked.holder, asked.device, of, terms).await?;
    begin(app, tx, asked.holder, &kept).await?;
    Ok(Outcome::Done)
}
