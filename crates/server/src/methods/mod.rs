//! Payment methods (WA1): what payments are drawn from beside the balance that this server keeps. A number is typed on the
//! server's own page, goes straight to the tokeniser, and is never stored, logged or answered.

mod adding;
mod replacing;
mod store;
#[cfg(test)]
pub(crate) mod tests;
pub mod tokeniser;
mod words;

use api::error::ErrorCode;
use api::methods::MethodEdit;
use api::sync::{Gone, Record};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::{DeviceId, HolderId, MethodId};
use domain::methods::{Method, Undrawable};
use domain::security::{Happened, SecurityEventKind};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::jobs::{self, Job, Kind};
use crate::sign_in::SignedIn;
use crate::{autopay, feed, security};

pub(crate) use adding::{added, number_page, shown_adding, wants_number};
pub(crate) use replacing::{replaced, shown_replacing};
pub(crate) use store::{Times, times};

/// An expiry is told in the morning, not at midnight.
const TOLD_AT: Time = Time::constant(9, 0, 0, 0);

pub fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(adding::begin))
        .routes(routes!(edit, remove))
        .routes(routes!(replacing::replace))
}

/// The server's own page on which a number is typed.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(adding::number))
}

/// Makes a method the one that is offered first, or not.
#[utoipa::path(patch, path = "/api/v1/methods/{id}", tag = "methods", params(("id" = MethodId, Path)),
    request_body = MethodEdit,
    responses((status = 200, body = Method), (status = 404, body = api::error::Problem)))]
async fn edit(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<MethodId>,
    Json(edit): Json<MethodEdit>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "methods.edit", &(id, &edit)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let mut method = store::find(&mut once.tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    if edit.is_default {
        make_default(&app, &mut once.tx, holder, &mut method).await?;
    } else if method.is_default {
        method.is_default = false;
        change(&app, &mut once.tx, holder, &method).await?;
    }
    once.answer(StatusCode::OK, &method).await
}

/// Removes a method from which nothing leaves any more.
#[utoipa::path(delete, path = "/api/v1/methods/{id}", tag = "methods", params(("id" = MethodId, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn remove(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<MethodId>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "methods.remove", &id).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let method = store::find(&mut once.tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    if !remove_unneeded(&app, &mut once.tx, holder, &method, Some(signed_in.device)).await? {
        return Err(ApiError::new(
            ErrorCode::MethodInUse,
            "payments leave from this method, or a bill is paid from it by itself",
        ));
    }
    once.answer(StatusCode::NO_CONTENT, &()).await
}

async fn make_default(app: &App, tx: &mut Tx, holder: HolderId, method: &mut Method) -> DbResult<()> {
    if method.is_default {
        return Ok(());
    }
    for other in store::all(tx, holder).await?.into_iter().map(|kept| kept.method).filter(|other| other.is_default) {
        change(app, tx, holder, &Method { is_default: false, ..other }).await?;
    }
    method.is_default = true;
    change(app, tx, holder, method).await
}

async fn change(app: &App, tx: &mut Tx, holder: HolderId, method: &Method) -> DbResult<()> {
    store::set_flags(tx, holder, method).await?;
    feed::put(tx, holder, app.clock.now(), &Record::Method(method.clone())).await
}

/// Removes a method with its token, unless a payment still needs it or a bill is paid from it by itself.
async fn remove_unneeded(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    method: &Method,
    by: Option<DeviceId>,
) -> DbResult<bool> {
    let needed = !store::needed_by(tx, holder, method.id).await?.is_empty();
    if needed || !autopay::drawing_from(tx, holder, method.id).await?.is_empty() {
        return Ok(false);
    }
    let now = app.clock.now();
    store::remove(tx, holder, method.id).await?;
    jobs::remove(tx, holder, Kind::MethodExpiry, method.id.as_uuid()).await?;
    note(tx, holder, SecurityEventKind::MethodRemoved, method, now, by).await?;
    feed::put(tx, holder, now, &Record::Gone(Gone::Method { id: method.id })).await?;
    Ok(true)
}

async fn note(
    tx: &mut Tx,
    holder: HolderId,
    kind: SecurityEventKind,
    method: &Method,
    at: Timestamp,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let happened = Happened { at, kind, by, device: None, name: Some(method.name()), about: None };
    security::record(tx, holder, happened).await
}

// ---- what payments ask -------------------------------------------------------------------------------------------

/// A method as it is now; none when it was removed.
pub(crate) async fn find(tx: &mut Tx, holder: HolderId, id: MethodId) -> DbResult<Option<Method>> {
    tx.ask(found(holder, id)).await
}

pub(crate) fn found(holder: HolderId, id: MethodId) -> impl Read<Answer = Option<Method>> {
    store::found(holder, id)
}

/// Whether something can be drawn from a method on a day.
pub(crate) async fn drawable(
    tx: &mut Tx,
    holder: HolderId,
    id: MethodId,
    on: Date,
) -> DbResult<Result<(), Undrawable>> {
    let method = tx.ask(found(holder, id)).await?;
    Ok(method.map_or(Err(Undrawable::Removed), |method| method.drawable(on)))
}

/// What a rail draws by.
pub(crate) fn token(holder: HolderId, id: MethodId) -> impl Read<Answer = Option<String>> {
    store::token(holder, id)
}

/// Whether there is one from which something can be drawn today.
pub(crate) async fn has_drawable(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<bool> {
    let (now, today) = (app.clock.now(), today(app));
    let all = store::all(tx, holder).await?;
    Ok(all.iter().any(|kept| kept.method.usable_from <= now && kept.method.drawable(today).is_ok()))
}

fn today(app: &App) -> Date {
    app.clock.now().to_zoned(app.settings.zone.clone()).date()
}

/// A method that was added then was not added by its owner: nothing leaves from it any more.
pub(crate) async fn freeze_added(app: &App, tx: &mut Tx, holder: HolderId, added_at: Timestamp) -> DbResult<()> {
    for kept in store::all(tx, holder).await? {
        if kept.method.added_at == added_at {
            change(app, tx, holder, &Method { frozen: true, is_default: false, ..kept.method }).await?;
        }
    }
    Ok(())
}

// ---- expiry ------------------------------------------------------------------------------------------------------

/// Puts the job that tells of its end in time. One that ends sooner is known to whoever just typed it.
async fn watch_expiry(app: &App, tx: &mut Tx, holder: HolderId, method: &Method) -> DbResult<()> {
    let Some(last) = method.expiry.and_then(domain::methods::Expiry::last_day) else { return Ok(()) };
    let ahead = SignedDuration::from_hours(24 * i64::from(Method::SOON_DAYS));
    let told_on = last.checked_sub(ahead).map_err(|_| DbError::Corrupt("an expiry"))?;
    let told_at = told_on.to_datetime(TOLD_AT).to_zoned(app.settings.zone.clone());
    let told_at = told_at.map_err(|_| DbError::Corrupt("an expiry"))?.timestamp();
    if told_at <= app.clock.now() {
        return Ok(());
    }
    jobs::put(tx, holder, Kind::MethodExpiry, method.id.as_uuid(), told_at).await
}

/// Tells that a method ends soon, once.
pub(crate) async fn tell_expiry(app: &App, job: &Job) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(job.holder).await?;
    jobs::done(&mut tx, job).await?;
    if let Some(method) = store::find(&mut tx, job.holder, MethodId::from_uuid(job.subject)).await? {
        note(&mut tx, job.holder, SecurityEventKind::MethodExpiring, &method, app.clock.now(), None).await?;
    }
    tx.commit().await
}
