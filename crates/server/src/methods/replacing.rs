//! Replacing a method everywhere in one step: everything that has not left moves to another method, and the yes to the
//! replacement is the yes to each payment that moved. What is under way stays with the old one.

use std::net::IpAddr;

use api::error::ErrorCode;
use api::methods::{MethodReplaced, ReplaceMethod, Replaced};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ids::{DeviceId, HolderId, MethodId, PasskeyId};
use domain::methods::Method;
use domain::policy::{self, Approval, Decision};
use domain::security::SecurityEventKind;
use sha2::{Digest as _, Sha256};

use super::store;
use crate::App;
use crate::db::Tx;
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::payments::moving::{self, Moving};
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::{self, Asked, Outcome, Shown, Subject};
use crate::{autopay, risk};

/// Moves everything that has not left from one method to another: at once where nothing stronger can be asked, else at
/// the address that is answered, with a passkey.
#[utoipa::path(post, path = "/api/v1/methods/{id}/replace", tag = "methods", params(("id" = MethodId, Path)),
    request_body = ReplaceMethod,
    responses((status = 200, body = MethodReplaced), (status = 403, body = api::error::Problem),
        (status = 404, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
pub(super) async fn replace(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(old): Path<MethodId>,
    Json(wish): Json<ReplaceMethod>,
) -> Result<Response, ApiError> {
    let (holder, device) = (signed_in.holder, signed_in.device);
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let approval = weigh(&app, &mut tx, holder, device).await?;
    both(&app, &mut tx, holder, old, wish.with).await?;
    if !risk::allows_change(&app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    let answer = if matches!(approval, Approval::Passkey(_)) {
        tx.commit().await?;
        let subject = Subject::ReplaceMethod { old, with: wish.with };
        let address = step_up::begin(&app, &signed_in, source, subject).await?;
        MethodReplaced { done: None, approve_at: Some(address) }
    } else {
        let done = carry_out(&app, &mut tx, holder, device, None, old, wish.with).await?;
        tx.commit().await?;
        app.jobs.wake();
        MethodReplaced { done: Some(done), approve_at: None }
    };
    Ok((StatusCode::OK, Json(answer)).into_response())
}

async fn weigh(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> Result<Approval, ApiError> {
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, policy::Change::ReplaceMethod, &caller, app.clock.now()) {
        Decision::Go { approval, .. } => Ok(approval),
        Decision::Refuse(refusal) => Err(refusal.into()),
    }
}

/// The two methods, when one can stand in for the other.
async fn both(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    old: MethodId,
    with: MethodId,
) -> Result<(Method, Method), ApiError> {
    let old = store::find(tx, holder, old).await?.ok_or_else(ApiError::not_found)?;
    let with = store::find(tx, holder, with).await?.ok_or_else(ApiError::not_found)?;
    if old.id == with.id {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "with", "a method is replaced with another one"));
    }
    with.drawable(super::today(app))
        .map_err(|error| ApiError::invalid(ErrorCode::MethodNotDrawable, "with", &error.to_string()))?;
    Ok((old, with))
}

/// What the page shows: both methods, and what moves.
pub(crate) async fn shown_replacing(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    old: MethodId,
    with: MethodId,
) -> Result<Shown, ApiError> {
    weigh(app, tx, asked.holder, asked.device).await?;
    let (old, with) = both(app, tx, asked.holder, old, with).await?;
    let moving = moving::from(tx, asked.holder, old.id).await?;
    let mut hash = Sha256::new_with_prefix(b"billfold replacement 1");
    hash.update(old.id.as_uuid().as_bytes());
    hash.update(with.id.as_uuid().as_bytes());
    let autopays = autopay::drawing_from(tx, asked.holder, old.id).await?;
    for one in &autopays {
        hash.update(one.as_uuid().as_bytes());
    }
    hash.update(autopays.len().to_be_bytes());
    for Moving { id, amount, day } in &moving {
        hash.update(id.as_uuid().as_bytes());
        hash.update(amount.minor().to_be_bytes());
        hash.update(amount.currency().code());
        hash.update(day.to_string());
    }
    let words = asked.words();
    let facts = vec![
        (words.instead_of, old.name()),
        (words.from_now_on, with.name()),
        (words.payments_moved, moving.len().to_string()),
        (words.autopays_moved, autopays.len().to_string()),
    ];
    Ok(Shown::new(&words.replace_method, facts, data_encoding::HEXLOWER.encode(&hash.finalize())))
}

pub(crate) async fn replaced(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    (old, with): (MethodId, MethodId),
    by: PasskeyId,
) -> Result<Outcome, ApiError> {
    if !risk::allows_change(app, tx, asked.holder, asked.device, source).await? {
        return Ok(Outcome::Refused(risk::unusual()));
    }
    carry_out(app, tx, asked.holder, asked.device, Some(by), old, with).await?;
    Ok(Outcome::Done)
}

async fn carry_out(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    by: Option<PasskeyId>,
    old: MethodId,
    with: MethodId,
) -> Result<Replaced, ApiError> {
    let (old, mut with) = both(app, tx, holder, old, with).await?;
    let payments = moving::carry_over(app, tx, holder, old.id, &with, device, by).await?;
    let autopays = autopay::carry_over(app, tx, holder, old.id, &with, device).await?;
    if old.is_default {
        super::make_default(app, tx, holder, &mut with).await?;
    }
    super::note(tx, holder, SecurityEventKind::MethodReplaced, &with, app.clock.now(), Some(device)).await?;
    let old = store::find(tx, holder, old.id).await?.ok_or_else(ApiError::not_found)?;
    let removed = super::remove_unneeded(app, tx, holder, &old, Some(device)).await?;
    let count = |many| u32::try_from(many).unwrap_or(u32::MAX);
    Ok(Replaced { payments: count(payments), autopays: count(autopays), removed })
}
