//! Whether a person wants to be known by how they type, too. Off unless its owner turns it on; turning it off forgets all. What
//! is kept are the times between the keys of the account name, which is no secret; never a key, and nothing of a password.

use api::risk::{SetTypingRhythm, TypingRhythm};
use axum::extract::State;
use domain::ids::HolderId;
use domain::risk::RiskReason;
use domain::risk::rhythm::{SAMPLES_MIN, Sample, distance, keep};
use domain::security::{Happened, SecurityEventKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Looked, store};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::Json;
use crate::security;
use crate::sign_in::SignedIn;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, set))
}

/// Whether the typing rhythm is looked at.
#[utoipa::path(get, path = "/api/v1/risk/rhythm", tag = "risk", responses((status = 200, body = TypingRhythm)))]
async fn get(State(app): State<App>, signed_in: SignedIn) -> Result<Json<TypingRhythm>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    Ok(Json(view(store::rhythm(&mut tx, signed_in.holder).await?.as_deref())))
}

/// Turns it on, or off and forgets what was kept. Twice is no error.
#[utoipa::path(put, path = "/api/v1/risk/rhythm", tag = "risk", request_body = SetTypingRhythm,
    responses((status = 200, body = TypingRhythm)))]
async fn set(
    State(app): State<App>,
    signed_in: SignedIn,
    Json(wish): Json<SetTypingRhythm>,
) -> Result<Json<TypingRhythm>, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let now = app.clock.now();
    let was_on = store::rhythm(&mut tx, holder).await?.is_some();
    let kind = if wish.on {
        store::begin_rhythm(&mut tx, holder, now).await?;
        SecurityEventKind::RhythmTurnedOn
    } else {
        store::forget_rhythm(&mut tx, holder).await?;
        SecurityEventKind::RhythmTurnedOff
    };
    if was_on != wish.on {
        let by = Some(signed_in.device);
        let happened = Happened { at: now, kind, by, device: None, name: None, about: None };
        security::record(&mut tx, holder, happened).await?;
    }
    let kept = store::rhythm(&mut tx, holder).await?;
    tx.commit().await?;
    Ok(Json(view(kept.as_deref())))
}

fn view(kept: Option<&[Sample]>) -> TypingRhythm {
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    TypingRhythm { on: kept.is_some(), known: kept.map_or(0, |kept| count(kept.len())), needed: count(SAMPLES_MIN) }
}

/// The times that a page measured, where this person wants them looked at.
pub(crate) async fn wanted(tx: &mut Tx, holder: HolderId, times_ms: &[u16]) -> DbResult<Option<Sample>> {
    let Some(sample) = Sample::new(times_ms) else { return Ok(None) };
    Ok(store::rhythm(tx, holder).await?.map(|_| sample))
}

/// How unlike the usual this was typed; none where it is off, or too little is known.
pub(super) async fn unlike(tx: &mut Tx, holder: HolderId, sample: Option<&Sample>) -> DbResult<Option<u32>> {
    let Some(sample) = sample else { return Ok(None) };
    let kept = store::rhythm(tx, holder).await?;
    Ok(kept.and_then(|kept| distance(&kept, sample)))
}

/// Keeps how it was typed by somebody who got in, unless it was unlike the owner: a thief does not become usual.
pub(super) async fn learn(tx: &mut Tx, holder: HolderId, looked: &Looked) -> DbResult<()> {
    let Some(sample) = &looked.question.rhythm else { return Ok(()) };
    if looked.score.points.iter().any(|point| point.reason == RiskReason::RhythmUnlike) {
        return Ok(());
    }
    let Some(mut kept) = store::rhythm(tx, holder).await? else { return Ok(()) };
    keep(&mut kept, sample.clone());
    store::keep_rhythm(tx, holder, &kept).await
}
