//! Support, from both sides. A person proves whoever calls by typing the code that they read out, lets them see something
//! for a quarter of an hour, and sees everything that was done. People of support work in `desk`, sign in by `agents`,
//! and have a page; all of that is there only where whoever runs the server opens it.

pub mod agents;
pub mod desk;
mod pages;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use api::error::ErrorCode;
use api::support::{Support, SupportAnswer, SupportCheck, SupportCode, SupportView};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ids::{HolderId, SupportCheckId, SupportViewId};
use domain::security::SecurityEventKind;
use domain::support::{CODE_DIGITS, CODE_LIFE, SESSION_LIFE, SupportCaseKind, TRIES_IN_HOUR, VIEW_LIFE, is_good};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::sign_in::{SignedIn, hash, too_often};
pub use store::Agent;

/// For a signed-in device.
pub fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(shown))
        .routes(routes!(try_code))
        .routes(routes!(answer))
        .routes(routes!(end_view))
}

/// For people of support.
pub fn routes() -> OpenApiRouter<App> {
    agents::routes().merge(pages::routes())
}

/// The back office is not there unless whoever runs the server opens it.
fn deny_unless_open(app: &App) -> Result<(), ApiError> {
    if app.settings.support {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::NotFound, "there is nothing at this address"))
}

/// A case for an account that the risk rules locked: somebody looks at it, and its owner can call.
pub(crate) async fn open_risk_case(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<()> {
    desk::case_for(app, tx, holder, SupportCaseKind::Risk, app.clock.now()).await.map(drop)
}

/// A case for somebody who has lost every way in but an address; its number is what they call with.
pub(crate) async fn open_lost_case(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<i64> {
    let case = desk::case_for(app, tx, holder, SupportCaseKind::LostWaysIn, app.clock.now()).await?;
    Ok(case.number)
}

/// Removes what has expired: codes, invitations, challenges, sessions.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let now = app.clock.now();
    let before = |life| now.saturating_sub(life).map_err(|_| DbError::Corrupt("the clock"));
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, now, before(CODE_LIFE)?, before(SESSION_LIFE)?).await?;
    tx.commit().await
}

/// Who of support sees what just now, and every case with what was asked and decided.
#[utoipa::path(get, path = "/api/v1/support", tag = "support", responses((status = 200, body = Support)))]
async fn shown(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Support>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let views = store::views_of(&mut tx, signed_in.holder, app.clock.now()).await?;
    let mut cases = Vec::new();
    for case in store::cases_of(&mut tx, signed_in.holder).await? {
        let requests = store::requests_of(&mut tx, &case).await?;
        cases.push(case.shown(requests.into_iter().map(store::Request::shown).collect()));
    }
    Ok(Json(Support { views, cases }))
}

/// Whether a code that somebody reads out is one of support. Nothing is shown to anybody by asking.
#[utoipa::path(post, path = "/api/v1/support/checks", tag = "support", request_body = SupportCode,
    responses((status = 200, body = SupportCheck), (status = 404, body = api::error::Problem, description = "Nobody of support gave this code"),
        (status = 429, body = api::error::Problem)))]
async fn try_code(
    State(app): State<App>,
    signed_in: SignedIn,
    Json(typed): Json<SupportCode>,
) -> Result<Json<SupportCheck>, ApiError> {
    let holder = signed_in.holder;
    let code: String = typed.code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != CODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "code", "a code of support has 8 digits"));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if store::count_try(&mut tx, holder, now).await? > TRIES_IN_HOUR {
        tx.commit().await?;
        return Err(too_often(3_600));
    }
    let check = store::check_by_code(&mut tx, &hash(&code)).await?;
    let good = check.filter(|check| !check.answered && is_good(check.made_at, CODE_LIFE, now));
    let Some(check) = good else {
        tx.commit().await?;
        return Err(ApiError::new(ErrorCode::NotFound, "nobody of support gave this code"));
    };
    // The first account in which it is typed has it: a code that somebody passes on proves nothing elsewhere.
    let bound = store::bind_check(&mut tx, check.id, holder).await?;
    tx.commit().await?;
    if !bound {
        return Err(ApiError::new(ErrorCode::NotFound, "nobody of support gave this code"));
    }
    let minutes = u32::try_from(VIEW_LIFE.as_mins()).unwrap_or(0);
    Ok(Json(SupportCheck { id: check.id, agent: check.agent.name, scope: check.scope, minutes }))
}

/// Lets them see it for a quarter of an hour, or not.
#[utoipa::path(post, path = "/api/v1/support/checks/{id}/answer", tag = "support", request_body = SupportAnswer,
    params(("id" = SupportCheckId, Path)),
    responses((status = 200, body = SupportView), (status = 204, description = "Nothing is shown"),
        (status = 404, body = api::error::Problem)))]
async fn answer(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<SupportCheckId>,
    Json(answer): Json<SupportAnswer>,
) -> Result<Response, ApiError> {
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let check = store::check(&mut tx, id).await?.filter(|check| check.holder == Some(holder));
    let check = check.filter(|check| is_good(check.made_at, CODE_LIFE, now)).ok_or_else(ApiError::not_found)?;
    if !store::answer_check(&mut tx, id).await? {
        return Err(ApiError::not_found());
    }
    if !answer.allow {
        tx.commit().await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let case = desk::case_for(&app, &mut tx, holder, SupportCaseKind::Call, now).await?;
    let view = SupportView {
        id: SupportViewId::new(now, app.chance10()),
        agent: check.agent.name,
        scope: check.scope,
        began_at: now,
        ends_at: now + VIEW_LIFE,
    };
    store::add_view(&mut tx, &case, view.id, check.agent.id, view.scope, now, view.ends_at).await?;
    let said = format!("{}/{}", view.agent, view.scope.as_str());
    desk::write_down(&mut tx, holder, SecurityEventKind::SupportAllowed, now, said).await?;
    tx.commit().await?;
    Ok(Json(view).into_response())
}

/// Closes a view early. Closing what is closed is no error.
#[utoipa::path(delete, path = "/api/v1/support/views/{id}", tag = "support", params(("id" = SupportViewId, Path)),
    responses((status = 204, description = "Nobody sees it any more")))]
async fn end_view(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<SupportViewId>,
) -> Result<StatusCode, ApiError> {
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if let Some((agent, scope)) = store::end_view(&mut tx, holder, id, now).await? {
        let said = format!("{agent}/{}", scope.as_str());
        desk::write_down(&mut tx, holder, SecurityEventKind::SupportEnded, now, said).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
