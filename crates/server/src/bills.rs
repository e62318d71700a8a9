//! Bills and what a person says about their due dates. Occurrences are worked out by whoever asks and never stored.

#[cfg(test)]
mod tests;

use api::bills::{Bill, BillEdit, Mark, MarkEdit};
use api::error::ErrorCode;
use api::sync::{Gone, Record};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::accounts::Account;
use domain::autopay::AutopayOf;
use domain::bills::BillError;
use domain::ids::{BillId, HolderId};
use jiff::civil::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::db::{DbResult, Read, Tx};
use crate::error::ApiError;
use crate::feed::{self, Key, Kind};
use crate::http::{Json, Path};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::SignedIn;
use crate::{App, autopay};

const BILLS_MAX: u64 = 2_000;
/// Due dates that something is said about: eighty monthly bills for twenty years.
const MARKS_MAX: u64 = 20_000;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, edit, remove)).routes(routes!(set_mark, edit_mark, clear_mark))
}

const fn key(id: BillId) -> Key {
    Key::new(Kind::Bill, id.as_uuid())
}

/// A bill of this holder, for the payment that pays it.
pub(crate) async fn find(tx: &mut Tx, holder: HolderId, id: BillId) -> DbResult<Option<Bill>> {
    tx.ask(found(holder, id)).await
}

pub(crate) fn found(holder: HolderId, id: BillId) -> impl Read<Answer = Option<Bill>> {
    feed::found(holder, key(id))
}

/// Makes a bill. Its id was made by the device: sending it again changes nothing, also when the bill was edited or
/// removed meanwhile. Of one suggestion there is one bill: where another device made it, that one is answered and stays.
#[utoipa::path(put, path = "/api/v1/bills/{id}", tag = "bills", params(("id" = BillId, Path)), request_body = Bill,
    responses((status = 200, body = Bill), (status = 422, body = api::error::Problem)))]
async fn create(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<BillId>,
    Json(bill): Json<Bill>,
) -> Result<Json<Bill>, ApiError> {
    if bill.id != id {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "id", "the bill has another id than the address"));
    }
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if feed::was_there(&mut tx, holder, key(id)).await? {
        let known: Option<Bill> = feed::find(&mut tx, holder, key(id)).await?;
        return Ok(Json(known.unwrap_or(bill)));
    }
    if let Some(known) = of_same_suggestion(&mut tx, holder, &bill).await? {
        return Ok(Json(known));
    }
    keep_new(&app, &mut tx, holder, &bill).await?;
    tx.commit().await?;
    Ok(Json(bill))
}

async fn of_same_suggestion(tx: &mut Tx, holder: HolderId, bill: &Bill) -> DbResult<Option<Bill>> {
    if bill.origin.is_none() {
        return Ok(None);
    }
    let all: Vec<Bill> = feed::all(tx, holder, Kind::Bill).await?;
    Ok(all.into_iter().find(|known| known.origin == bill.origin))
}

/// Puts a bill of an archive back. False when one of this id is there.
pub(crate) async fn restore(app: &App, tx: &mut Tx, holder: HolderId, bill: &Bill) -> Result<bool, ApiError> {
    if find(tx, holder, bill.id).await?.is_some() {
        return Ok(false);
    }
    keep_new(app, tx, holder, bill).await?;
    Ok(true)
}

/// Puts back what was said about a date of a bill that is there, where there is room for it. False when something is said
/// about it now.
pub(crate) async fn restore_mark(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    mark: &Mark,
    room: &mut u64,
) -> Result<bool, ApiError> {
    let missing = || ApiError::invalid(ErrorCode::InvalidRequest, "records", "a mark is of no bill");
    let bill = find(tx, holder, mark.bill).await?.ok_or_else(missing)?;
    mark.check(&bill).map_err(|error| refused(&error))?;
    let known: Option<Mark> = feed::find(tx, holder, Key::of_day(Kind::Mark, mark.bill.as_uuid(), mark.due_on)).await?;
    if known.is_some() || mark.is_blank() {
        return Ok(false);
    }
    *room = room.checked_sub(1).ok_or_else(too_many_marks)?;
    feed::put(tx, holder, app.clock.now(), &Record::Mark(mark.clone())).await?;
    autopay::changed(app, tx, holder, AutopayOf::Bill(mark.bill)).await?;
    Ok(true)
}

/// So many more due dates may something be said about: asked once for many marks.
pub(crate) async fn room_for_marks(tx: &mut Tx, holder: HolderId) -> DbResult<u64> {
    Ok(MARKS_MAX.saturating_sub(feed::count(tx, holder, Kind::Mark).await?))
}

fn too_many_marks() -> ApiError {
    ApiError::new(ErrorCode::TooMany, "an account says something about at most 20,000 due dates")
}

/// Refuses what was put in this transaction when it is too much.
async fn demand_room_for_marks(tx: &mut Tx, holder: HolderId) -> Result<(), ApiError> {
    if feed::count(tx, holder, Kind::Mark).await? > MARKS_MAX {
        return Err(too_many_marks());
    }
    Ok(())
}

async fn keep_new(app: &App, tx: &mut Tx, holder: HolderId, bill: &Bill) -> Result<(), ApiError> {
    check(tx, holder, bill).await?;
    if feed::count(tx, holder, Kind::Bill).await? >= BILLS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 2,000 bills"));
    }
    feed::put(tx, holder, app.clock.now(), &Record::Bill(bill.clone())).await?;
    if bill.biller.and_then(crate::billers::find).is_some() {
        // Who has a biller will want to pay: the account that payments leave from is there from now on.
        crate::payments::practice_account(app, tx, holder, bill.amount.currency()).await?;
    }
    Ok(())
}

/// Changes the fields that are given. One that another device changed meanwhile is refused, and the others with it; without
/// `instead_of` the last one received wins, field by field.
#[utoipa::path(patch, path = "/api/v1/bills/{id}", tag = "bills", params(("id" = BillId, Path)),
    request_body = BillEdit, responses((status = 200, body = Bill), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn edit(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<BillId>,
    Json(edit): Json<BillEdit>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "bills.edit", &(id, &edit)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let found = find(&mut once.tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    let meanwhile = edit.changed_meanwhile(&found);
    if let Some(first) = meanwhile.first() {
        let title = format!("changed meanwhile: {}", meanwhile.join(", "));
        return Err(ApiError::invalid(ErrorCode::ChangedMeanwhile, first, &title));
    }
    let bill = edit.applied_to(found);
    check(&mut once.tx, holder, &bill).await?;
    feed::put(&mut once.tx, holder, app.clock.now(), &Record::Bill(bill.clone())).await?;
    if bill.biller.and_then(crate::billers::find).is_some() {
        crate::payments::practice_account(&app, &mut once.tx, holder, bill.amount.currency()).await?;
    }
    autopay::changed(&app, &mut once.tx, holder, AutopayOf::Bill(id)).await?;
    let answer = once.answer(StatusCode::OK, &bill).await?;
    app.jobs.wake();
    Ok(answer)
}

/// Removes a bill and what was said about its dates. Its payments stay.
#[utoipa::path(delete, path = "/api/v1/bills/{id}", tag = "bills", params(("id" = BillId, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem)))]
async fn remove(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<BillId>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "bills.remove", &id).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    find(&mut once.tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    let now = app.clock.now();
    let marks: Vec<Mark> = feed::all_of(&mut once.tx, holder, Kind::Mark, id.as_uuid()).await?;
    for mark in marks {
        let gone = Record::Gone(Gone::Mark { bill: id, due_on: mark.due_on });
        feed::put(&mut once.tx, holder, now, &gone).await?;
    }
    crate::reminders::forget(&mut once.tx, holder, now, id).await?;
    autopay::bill_removed(&app, &mut once.tx, holder, id, signed_in.device).await?;
    feed::put(&mut once.tx, holder, now, &Record::Gone(Gone::Bill { id })).await?;
    once.answer(StatusCode::NO_CONTENT, &()).await
}

/// Says how one due date stands: paid elsewhere, skipped, or of another amount.
#[utoipa::path(put, path = "/api/v1/bills/{id}/occurrences/{due_on}", tag = "bills",
    params(("id" = BillId, Path), ("due_on" = String, Path)), request_body = Mark,
    responses((status = 200, body = Mark), (status = 404, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn set_mark(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path((id, due_on)): Path<(BillId, Date)>,
    Json(mark): Json<Mark>,
) -> Result<Response, ApiError> {
    if mark.bill != id || mark.due_on != due_on {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "due_on", "the mark is of another date"));
    }
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "marks.set", &mark).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let bill = find(&mut once.tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    put_mark(&app, &mut once.tx, holder, &bill, &mark).await?;
    let answer = once.answer(StatusCode::OK, &mark).await?;
    app.jobs.wake();
    Ok(answer)
}

/// Changes what is given of what is said about one due date; what other devices said of the rest stays.
#[utoipa::path(patch, path = "/api/v1/bills/{id}/occurrences/{due_on}", tag = "bills",
    params(("id" = BillId, Path), ("due_on" = String, Path)), request_body = MarkEdit,
    responses((status = 200, body = Mark), (status = 404, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn edit_mark(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path((id, due_on)): Path<(BillId, Date)>,
    Json(edit): Json<MarkEdit>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "marks.edit", &(id, due_on, &edit)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let bill = find(&mut once.tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    let known: Option<Mark> = feed::find(&mut once.tx, holder, Key::of_day(Kind::Mark, id.as_uuid(), due_on)).await?;
    let mark = edit.applied_to(known.unwrap_or_else(|| Mark::new(id, due_on)));
    put_mark(&app, &mut once.tx, holder, &bill, &mark).await?;
    let answer = once.answer(StatusCode::OK, &mark).await?;
    app.jobs.wake();
    Ok(answer)
}

async fn put_mark(app: &App, tx: &mut Tx, holder: HolderId, bill: &Bill, mark: &Mark) -> Result<(), ApiError> {
    mark.check(bill).map_err(|error| refused(&error))?;
    let record = if mark.is_blank() {
        Record::Gone(Gone::Mark { bill: mark.bill, due_on: mark.due_on })
    } else {
        Record::Mark(mark.clone())
    };
    feed::put(tx, holder, app.clock.now(), &record).await?;
    demand_room_for_marks(tx, holder).await?;
    Ok(autopay::changed(app, tx, holder, AutopayOf::Bill(mark.bill)).await?)
}

/// Takes back what was said about one due date.
#[utoipa::path(delete, path = "/api/v1/bills/{id}/occurrences/{due_on}", tag = "bills",
    params(("id" = BillId, Path), ("due_on" = String, Path)),
    responses((status = 204, description = "Taken back")))]
async fn clear_mark(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path((id, due_on)): Path<(BillId, Date)>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "marks.clear", &(id, due_on)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let mark: Option<Mark> = feed::find(&mut once.tx, holder, Key::of_day(Kind::Mark, id.as_uuid(), due_on)).await?;
    if mark.is_some() {
        feed::put(&mut once.tx, holder, app.clock.now(), &Record::Gone(Gone::Mark { bill: id, due_on })).await?;
        autopay::changed(&app, &mut once.tx, holder, AutopayOf::Bill(id)).await?;
    }
    let answer = once.answer(StatusCode::NO_CONTENT, &()).await?;
    app.jobs.wake();
    Ok(answer)
}

async fn check(tx: &mut Tx, holder: HolderId, bill: &Bill) -> Result<(), ApiError> {
    bill.check().map_err(|error| refused(&error))?;
    if let Some(id) = bill.biller
        && crate::billers::find(id).is_none()
        && !crate::billers::own::was_there(tx, holder, id).await?
    {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "biller", "there is no such biller"));
    }
    if let Some(id) = bill.card {
        let card: Option<Account> = feed::find(tx, holder, crate::accounts::key(id)).await?;
        if card.is_none() {
            return Err(ApiError::invalid(ErrorCode::InvalidRequest, "card", "there is no such card"));
        }
    }
    Ok(())
}

fn refused(error: &BillError) -> ApiError {
    let (code, field) = match error {
        BillError::Name => (ErrorCode::TooLong, "name"),
        BillError::Amount => (ErrorCode::InvalidAmount, "amount"),
        BillError::Reference => (ErrorCode::TooLong, "reference"),
        BillError::RemindDays => (ErrorCode::InvalidRequest, "remind_days"),
        BillError::Note => (ErrorCode::TooLong, "note"),
        BillError::Currency => (ErrorCode::UnknownCurrency, "amount"),
        BillError::Steps => (ErrorCode::InvalidRequest, "steps"),
        BillError::Earlier => (ErrorCode::InvalidRequest, "earlier"),
        BillError::Pauses => (ErrorCode::InvalidRequest, "pauses"),
        BillError::Days => (ErrorCode::InvalidRequest, "grace_days"),
        BillError::Zone => (ErrorCode::InvalidRequest, "zone"),
        BillError::Seen => (ErrorCode::TooMany, "seen"),
        BillError::MovedTo => (ErrorCode::InvalidDate, "moved_to"),
        BillError::Schedule(_) => (ErrorCode::InvalidDate, "schedule"),
    };
    ApiError::invalid(code, field, &error.to_string())
}
