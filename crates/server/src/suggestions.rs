//! Answers to suggestions: what was accepted or dismissed on one device is not asked on another. Finding recurring bills
//! is each device's own work.

use api::error::ErrorCode;
use api::suggestions::SuggestionAnswer;
use api::sync::{Gone, Record};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::{HolderId, SuggestionId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::Tx;
use crate::error::ApiError;
use crate::feed::{self, Key, Kind};
use crate::http::{Json, Path};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::SignedIn;

const ANSWERS_MAX: u64 = 5_000;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(answer, take_back))
}

const fn key(id: SuggestionId) -> Key {
    Key::new(Kind::SuggestionAnswer, id.as_uuid())
}

/// Keeps what was answered to a suggestion; the last answer received wins.
#[utoipa::path(put, path = "/api/v1/suggestions/{id}", tag = "suggestions", params(("id" = SuggestionId, Path)),
    request_body = SuggestionAnswer, responses((status = 200, body = SuggestionAnswer)))]
async fn answer(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<SuggestionId>,
    Json(answer): Json<SuggestionAnswer>,
) -> Result<Response, ApiError> {
    if answer.id != id {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "id", "the answer is to another suggestion"));
    }
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "suggestions.answer", &answer).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let before: Option<SuggestionAnswer> = feed::find(&mut once.tx, holder, key(id)).await?;
    if before.is_none() {
        demand_room(&mut once.tx, holder).await?;
    }
    if before != Some(answer) {
        feed::put(&mut once.tx, holder, app.clock.now(), &Record::SuggestionAnswer(answer)).await?;
    }
    once.answer(StatusCode::OK, &answer).await
}

/// Puts an answer of an archive back. False when this suggestion was answered here.
pub(crate) async fn restore(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    answer: SuggestionAnswer,
) -> Result<bool, ApiError> {
    let known: Option<SuggestionAnswer> = feed::find(tx, holder, key(answer.id)).await?;
    if known.is_some() {
        return Ok(false);
    }
    demand_room(tx, holder).await?;
    feed::put(tx, holder, app.clock.now(), &Record::SuggestionAnswer(answer)).await?;
    Ok(true)
}

async fn demand_room(tx: &mut Tx, holder: HolderId) -> Result<(), ApiError> {
    if feed::count(tx, holder, Kind::SuggestionAnswer).await? >= ANSWERS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 5,000 answers to suggestions"));
    }
    Ok(())
}

/// Takes an answer back: the suggestion may be made again.
#[utoipa::path(delete, path = "/api/v1/suggestions/{id}", tag = "suggestions", params(("id" = SuggestionId, Path)),
    responses((status = 204, description = "Taken back")))]
async fn take_back(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<SuggestionId>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "suggestions.take_back", &id).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let before: Option<SuggestionAnswer> = feed::find(&mut once.tx, holder, key(id)).await?;
    if before.is_some() {
        let gone = Record::Gone(Gone::SuggestionAnswer { id });
        feed::put(&mut once.tx, holder, app.clock.now(), &gone).await?;
    }
    once.answer(StatusCode::NO_CONTENT, &()).await
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::testing::on_each_engine;

    #[tokio::test]
    async fn an_answer_reaches_all_devices_and_is_taken_back() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let id = SuggestionId::new(world.now(), world.app.chance10());
            let path = format!("/api/v1/suggestions/{id}");
            let send = async |method, key: &str, body: Option<&SuggestionAnswer>| {
                device.send(method, &path, &[("idempotency-key", key)], body).await
            };
            let dismissed = SuggestionAnswer { id, accepted: false };
            send(Method::PUT, "one", Some(&dismissed)).await.expect(200);
            send(Method::PUT, "two", Some(&dismissed)).await.expect(200);
            let snapshot = device.get("/api/v1/sync/snapshot").await.text();
            assert_eq!(snapshot.matches("\"kind\":\"suggestion_answer\"").count(), 1, "{snapshot}");
            send(Method::DELETE, "three", None).await.expect(204);
            send(Method::DELETE, "four", None).await.expect(204);
            let feed = device.get("/api/v1/sync").await.text();
            assert!(feed.contains("\"what\":\"suggestion_answer\""), "{feed}");
            send(Method::PUT, "five", Some(&SuggestionAnswer { id, accepted: true })).await.expect(200);
            let other = SuggestionId::new(world.now(), world.app.chance10());
            send(Method::PUT, "six", Some(&SuggestionAnswer { id: other, accepted: true })).await.expect(400);
        })
        .await;
    }
}
