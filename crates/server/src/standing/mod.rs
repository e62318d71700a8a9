//! A holder's standing: what restrains their account just now, who is told, and what it stops. Every call that moves
//! money or adds a way in asks here within its own transaction, so that a lock counts from the very next request.
//!
//! Recovery, risk and support restrain and release through `restrain` and `release`; nobody else writes these rows.

mod store;
#[cfg(test)]
mod tests;

use api::security::OneTimeAddress;
use api::sync::Record;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ids::{DeviceId, HolderId};
use domain::policy::{self, Approval, Decision, Preset};
use domain::security::{Happened, SecurityEventKind};
use domain::standing::{Restraint, RestraintLevel, RestraintReason, Standing};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::{Json, Source};
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::{self, Asked, Shown, Subject};
use crate::{feed, payments, risk, security};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find)).routes(routes!(lock, release_lock))
}

/// What restrains the account just now. It comes with the feed too.
#[utoipa::path(get, path = "/api/v1/standing", tag = "security", responses((status = 200, body = Standing)))]
async fn find(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Standing>, ApiError> {
    let mut tx = app.db.read_once().await?;
    Ok(Json(tx.ask(of(signed_in.holder, app.clock.now())).await?))
}

/// Locks the account at once, from any device: no money leaves, no way in is added. Twice is no error.
#[utoipa::path(post, path = "/api/v1/security/lock", tag = "security", responses((status = 200, body = Standing)))]
async fn lock(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Standing>, ApiError> {
    let (holder, by) = (signed_in.holder, Some(signed_in.device));
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    restrain(&app, &mut tx, holder, RestraintLevel::Locked, RestraintReason::OwnWish, None, by).await?;
    let standing = tx.ask(of(holder, app.clock.now())).await?;
    tx.commit().await?;
    Ok(Json(standing))
}

/// Releases the owner's lock: at once where nothing stronger can be asked for, else at the address for the browser.
#[utoipa::path(delete, path = "/api/v1/security/lock", tag = "security",
    responses((status = 200, body = OneTimeAddress, description = "A passkey has to be shown there"),
        (status = 204, description = "Released"), (status = 403, body = api::error::Problem)))]
async fn release_lock(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    match may_release(&app, &mut tx, signed_in.holder, signed_in.device).await? {
        Approval::Passkey(_) => {
            drop(tx);
            let address = step_up::begin(&app, &signed_in, source, Subject::ReleaseLock).await?;
            Ok(Json(address).into_response())
        }
        Approval::Device(_) | Approval::None => {
            release_what_the_owner_may(&app, &mut tx, signed_in.holder, signed_in.device).await?;
            tx.commit().await?;
            app.jobs.wake();
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    }
}

async fn may_release(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> Result<Approval, ApiError> {
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, policy::Change::ReleaseLock, &caller, app.clock.now()) {
        Decision::Go { approval, .. } => Ok(approval),
        Decision::Refuse(refusal) => Err(refusal.into()),
    }
}

/// On a server for others that is the owner's own lock alone: the policy let nothing stricter come so far.
async fn release_what_the_owner_may(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<()> {
    for restraint in tx.ask(store::open(holder)).await? {
        if restraint.reason == RestraintReason::OwnWish || app.settings.policy == Preset::Personal {
            if restraint.reason == RestraintReason::Risk {
                // Whoever owns the server has said that it was them.
                risk::confirm_all(tx, holder).await?;
            }
            release(app, tx, holder, restraint.reason, Some(device)).await?;
        }
    }
    Ok(())
}

/// What the page shows before the lock is released.
pub(crate) async fn shown(app: &App, tx: &mut Tx, asked: &Asked) -> Result<Shown, ApiError> {
    may_release(app, tx, asked.holder, asked.device).await?;
    let restraint = tx.ask(of(asked.holder, app.clock.now())).await?.restraint;
    let restraint = restraint.ok_or_else(ApiError::not_found)?;
    let words = asked.words();
    let since = restraint.since.to_zoned(app.settings.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let digest = format!("release {} {}", restraint.reason.as_str(), restraint.since);
    Ok(Shown::new(&words.release, vec![(words.locked_since, since)], digest))
}

pub(crate) async fn released(app: &App, tx: &mut Tx, asked: &Asked) -> Result<(), ApiError> {
    Ok(release_what_the_owner_may(app, tx, asked.holder, asked.device).await?)
}

pub(crate) fn of(holder: HolderId, now: Timestamp) -> impl Read<Answer = Standing> {
    store::open(holder).then(move |open| Ok(Standing::of(&open, now)))
}

/// Refuses a change of the account's protection while the account is restrained. The holder's row is locked, so that
/// no lock comes between the question and the effect.
pub(crate) async fn demand(
    tx: &mut Tx,
    holder: HolderId,
    change: policy::Change,
    now: Timestamp,
) -> Result<(), ApiError> {
    let standing = tx.ask(of(holder, now)).await?;
    policy::stopped(change, &standing).map_or(Ok(()), |refusal| Err(refusal.into()))
}

/// The same for a new passkey: the first one of an account that its owner locked is its way back.
pub(crate) async fn demand_new_passkey(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
) -> Result<(), ApiError> {
    let now = app.clock.now();
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    if policy::needs_first_passkey_to_release(app.settings.policy, &caller, now) {
        return Ok(());
    }
    demand(tx, holder, policy::Change::AddWayIn, now).await
}

/// Restrains an account, within the transaction of what calls for it; the holder's row is locked. A restraint of the
/// same reason becomes stricter or longer, never the other way. Payments that may not leave any more are held, with a
/// notice to every device, and none is cancelled.
pub(crate) async fn restrain(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    level: RestraintLevel,
    reason: RestraintReason,
    until: Option<Timestamp>,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let now = app.clock.now();
    let known =
        tx.ask(store::open(holder)).await?.into_iter().find(|known| known.reason == reason && known.holds_at(now));
    let wanted = Restraint { level, reason, since: now, until };
    let wanted = match known {
        Some(known) => Restraint { level: known.level.max(level), until: longer(known.until, until), ..wanted },
        None => wanted,
    };
    if known.is_some_and(|known| (known.level, known.until) == (wanted.level, wanted.until)) {
        return Ok(());
    }
    store::lift(tx, holder, reason, now).await?;
    store::add(tx, holder, &wanted).await?;
    let kind = match wanted.level {
        RestraintLevel::Restricted => SecurityEventKind::AccountRestricted,
        RestraintLevel::Locked => SecurityEventKind::AccountLocked,
        RestraintLevel::Suspended => SecurityEventKind::AccountSuspended,
    };
    tell(tx, holder, kind, reason, now, by).await?;
    payments::look_at_all(app, tx, holder).await
}

/// Lifts the restraint of a reason; false when there is none. Payments that it held go on, unless something else
/// holds them.
pub(crate) async fn release(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    reason: RestraintReason,
    by: Option<DeviceId>,
) -> DbResult<bool> {
    let now = app.clock.now();
    let held = tx.ask(store::open(holder)).await?.iter().any(|known| known.reason == reason && known.holds_at(now));
    store::lift(tx, holder, reason, now).await?;
    if held {
        tell(tx, holder, SecurityEventKind::AccountReleased, reason, now, by).await?;
        payments::look_at_all(app, tx, holder).await?;
    }
    Ok(held)
}

/// The absent end is the latest.
fn longer(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.zip(other).map(|(one, other)| one.max(other))
}

async fn tell(
    tx: &mut Tx,
    holder: HolderId,
    kind: SecurityEventKind,
    reason: RestraintReason,
    now: Timestamp,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let name = Some(reason.as_str().to_owned());
    security::record(tx, holder, Happened { at: now, kind, by, device: None, name, about: None }).await?;
    let standing = tx.ask(of(holder, now)).await?;
    feed::put(tx, holder, now, &Record::Standing(standing)).await
}
