//! Getting back in from a device that is still signed in: it stands for one of the two codes. The device that began a
//! recovery finishes it; any device stops it.

use std::net::IpAddr;

use api::error::ErrorCode;
use api::recovery::{RecoveryProof, RecoveryView, SentCode};
use api::security::OneTimeAddress;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::addresses::AddressKind;
use domain::policy::Change;
use domain::recovery::SavedCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Guess, begin, demand_ready, guess, state, stop, store, web};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Source};
use crate::mail::{self, Asker, CodeAnswer, CodeRequest, Purpose};
use crate::sign_in::{self, SignedIn, What, too_often};
use crate::standing;
use crate::{addresses, risk};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(find, start, stop_it))
        .routes(routes!(send_code))
        .routes(routes!(text_code))
        .routes(routes!(new_way_in))
        .routes(routes!(new_code))
}

/// Whether there is a saved code, and how far a recovery has come.
#[utoipa::path(get, path = "/api/v1/security/recovery", tag = "security", responses((status = 200, body = RecoveryView)))]
async fn find(State(app): State<App>, signed_in: SignedIn) -> Result<Json<RecoveryView>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    Ok(Json(view(&mut tx, &app, &signed_in).await?))
}

async fn view(tx: &mut Tx, app: &App, signed_in: &SignedIn) -> DbResult<RecoveryView> {
    let code = store::code(tx, signed_in.holder).await?;
    let kept = store::find(tx, signed_in.holder).await?;
    let now = app.clock.now();
    let email = addresses::let_back_in(tx, signed_in.holder, AddressKind::Email, now).await?;
    let phone = addresses::let_back_in(tx, signed_in.holder, AddressKind::Phone, now).await?;
    Ok(RecoveryView {
        state: state(tx, app, signed_in.holder).await?,
        begun_here: kept.is_some_and(|kept| kept.device == Some(signed_in.device)),
        code_made_at: code.as_ref().map(|code| code.made_at),
        code_spent: code.is_some_and(|code| code.guesses.are_spent()),
        email: email.map(|email| email.covered()),
        phone: phone.map(|phone| phone.covered()),
    })
}

/// Sends a code to an e-mail address of the person, for the device that asks. The answer is the same when too many were sent.
#[utoipa::path(post, path = "/api/v1/security/recovery/email", tag = "security",
    responses((status = 200, body = SentCode), (status = 409, body = api::error::Problem)))]
async fn send_code(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
) -> Result<Json<SentCode>, ApiError> {
    send(&app, source, &signed_in, AddressKind::Email).await
}

/// Sends a code to a telephone of the person, for the device that asks. The answer is the same when too many were sent.
#[utoipa::path(post, path = "/api/v1/security/recovery/text", tag = "security",
    responses((status = 200, body = SentCode), (status = 409, body = api::error::Problem)))]
async fn text_code(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
) -> Result<Json<SentCode>, ApiError> {
    send(&app, source, &signed_in, AddressKind::Phone).await
}

async fn send(app: &App, source: IpAddr, signed_in: &SignedIn, kind: AddressKind) -> Result<Json<SentCode>, ApiError> {
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let to = addresses::let_back_in(&mut tx, holder, kind, now).await?;
    let to = to.ok_or_else(|| ApiError::new(ErrorCode::NotSentHere, "no such address can be used for this yet"))?;
    let device = signed_in.device.as_uuid();
    let (purpose, by) = (Purpose::Recover, Asker::Proven);
    let request = CodeRequest { holder, to: &to, purpose, by, bound_to: device.as_bytes(), source };
    let id = mail::send_code(&mut tx, app, &request).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(SentCode { id, kind, to: to.covered() }))
}

/// Begins a recovery from this device, by one of the two codes.
#[utoipa::path(post, path = "/api/v1/security/recovery", tag = "security", request_body = RecoveryProof,
    responses((status = 200, body = RecoveryView), (status = 422, body = api::error::Problem),
        (status = 429, body = api::error::Problem)))]
async fn start(
    State(app): State<App>,
    signed_in: SignedIn,
    Json(proof): Json<RecoveryProof>,
) -> Result<Json<RecoveryView>, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let refusal = match proof {
        RecoveryProof::Saved { code } => saved(&mut tx, &app, &signed_in, &code).await?,
        RecoveryProof::Sent { id, code } => {
            let device = signed_in.device.as_uuid();
            let purpose = Purpose::Recover;
            match mail::check_code(&mut tx, &app, holder, id, purpose, device.as_bytes(), &code).await? {
                CodeAnswer::Right => None,
                CodeAnswer::Wrong => Some(ApiError::invalid(ErrorCode::WrongCode, "code", "this is not the code")),
                CodeAnswer::Over => Some(ApiError::new(ErrorCode::CodeOver, "this code is no longer good")),
            }
        }
    };
    if let Some(refusal) = refusal {
        tx.commit().await?;
        return Err(refusal);
    }
    begin(&mut tx, &app, holder, Some(signed_in.device)).await?;
    let view = view(&mut tx, &app, &signed_in).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(view))
}

async fn saved(tx: &mut Tx, app: &App, signed_in: &SignedIn, typed: &str) -> Result<Option<ApiError>, ApiError> {
    let Ok(code) = SavedCode::parse(typed) else {
        return Err(ApiError::invalid(ErrorCode::InvalidCode, "code", "the code has a slip in it"));
    };
    Ok(match guess(tx, app, &[signed_in.holder], &code).await? {
        Guess::Right(_) => None,
        Guess::Wrong => Some(ApiError::invalid(ErrorCode::WrongCode, "code", "this is not the code")),
        Guess::Wait(seconds) => Some(too_often(seconds)),
    })
}

/// Stops the recovery that runs, from any device. When none runs it is no error.
#[utoipa::path(delete, path = "/api/v1/security/recovery", tag = "security",
    responses((status = 204, description = "None runs any more")))]
async fn stop_it(State(app): State<App>, signed_in: SignedIn) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    stop(&mut tx, &app, signed_in.holder, Some(signed_in.device)).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// The address at which the new passkey is made, once the wait is over; only for the device that began.
#[utoipa::path(post, path = "/api/v1/security/recovery/passkey", tag = "security",
    responses((status = 201, body = OneTimeAddress), (status = 403, body = api::error::Problem)))]
async fn new_way_in(State(app): State<App>, signed_in: SignedIn) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    demand_ready(&mut tx, &app, signed_in.holder, Some(signed_in.device)).await?;
    web::one_time_address(tx, &app, &signed_in).await
}

/// An address at which the person makes a new code for their paper, after showing a way in that they have.
#[utoipa::path(post, path = "/api/v1/security/recovery/code", tag = "security",
    responses((status = 201, body = OneTimeAddress), (status = 403, body = api::error::Problem)))]
async fn new_code(State(app): State<App>, Source(source): Source, signed_in: SignedIn) -> Result<Response, ApiError> {
    let (holder, device) = (signed_in.holder, signed_in.device);
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::NewRecoveryCode, app.clock.now()).await?;
    if !risk::allows_change(&app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    sign_in::one_time_address(tx, &app, &signed_in, What::SavedCode).await
}
