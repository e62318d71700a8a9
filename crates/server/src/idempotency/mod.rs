//! A change that is sent again is done once: the answer is stored in the transaction of its effect and given again. While this
//! node still works at the first one, the second is told so; on another node it waits for the holder's row and gets that
//! answer. Payments need none of this, their id is their key.
//!
//! ```ignore
//! let mut once = match idempotency::begin(&app, &signed_in, &key, "bills.edit", &request).await? {
//!     Begun::Again(answer) => return Ok(answer),
//!     Begun::First(once) => once,
//! };
//! let bill = store::edit(&mut once.tx, …).await?;
//! once.answer(StatusCode::OK, &bill).await
//! ```

mod store;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use api::error::ErrorCode;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::ids::HolderId;
use jiff::SignedDuration;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::sign_in::SignedIn;

/// Longer than a device may stay offline.
const KEPT: SignedDuration = SignedDuration::from_hours(45 * 24);
const KEY_MAX: usize = 100;

/// The `Idempotency-Key` header.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let missing = || ApiError::new(ErrorCode::IdempotencyKeyMissing, "this request needs an Idempotency-Key");
        let key = parts.headers.get("idempotency-key").ok_or_else(missing)?;
        let key = key.to_str().map_err(|_| missing())?.trim();
        if key.is_empty() {
            return Err(missing());
        }
        if key.len() > KEY_MAX {
            return Err(ApiError::new(ErrorCode::InvalidRequest, "the Idempotency-Key is too long"));
        }
        Ok(Self(key.to_owned()))
    }
}

pub enum Begun {
    /// It was answered before: give this again.
    Again(Response),
    First(Once),
}

/// Keys of requests that are being worked on here.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Mutex<HashSet<Place>>>);

type Place = (HolderId, &'static str, String);

/// A request's place among them, until it has its answer or is given up.
struct Taken {
    of: UnderWay,
    place: Place,
}

impl UnderWay {
    /// None while another request has that place.
    fn take(&self, place: Place) -> Option<Taken> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone());
        fresh.then(|| Taken { of: self.clone(), place })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.of.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

/// A change that is made for the first time.
pub struct Once {
    pub tx: Tx,
    /// Given back once the answer is stored.
    _taken: Taken,
    holder: HolderId,
    route: &'static str,
    key: IdempotencyKey,
    fingerprint: [u8; 32],
    now: i64,
}

/// Begins a writing transaction with the holder's row locked. `route` names what is done, `request` is everything the
/// effect depends on: path parameters and body.
pub async fn begin(
    app: &App,
    signed_in: &SignedIn,
    key: &IdempotencyKey,
    route: &'static str,
    request: &impl Serialize,
) -> Result<Begun, ApiError> {
    let text = serde_json::to_vec(request)
        .map_err(|_| ApiError::new(ErrorCode::Internal, "the request does not serialise"))?;
    let fingerprint: [u8; 32] = Sha256::digest(&text).into();
    let place = (signed_in.holder, route, key.0.clone());
    let taken = app.under_way.take(place).ok_or_else(in_progress)?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    if let Some((before, status, reply)) = store::find(&mut tx, signed_in.holder, route, &key.0).await? {
        if before != fingerprint {
            return Err(ApiError::new(ErrorCode::KeyReused, "this Idempotency-Key came with another request"));
        }
        return Ok(Begun::Again(replay(status, reply)));
    }
    let now = app.clock.now().as_microsecond();
    Ok(Begun::First(Once { tx, _taken: taken, holder: signed_in.holder, route, key: key.clone(), fingerprint, now }))
}

fn in_progress() -> ApiError {
    let mut error = ApiError::new(ErrorCode::InProgress, "the same request is being worked on");
    error.retry_after = Some(1);
    error
}

impl Once {
    /// Stores the answer beside the effect, commits both and answers.
    pub async fn answer(mut self, status: StatusCode, body: &impl Serialize) -> Result<Response, ApiError> {
        let reply = serde_json::to_string(body)
            .map_err(|_| ApiError::new(ErrorCode::Internal, "the answer does not serialise"))?;
        store::put(
            &mut self.tx,
            self.holder,
            self.route,
            &self.key.0,
            &self.fingerprint,
            status.as_u16(),
            &reply,
            self.now,
        )
        .await?;
        self.tx.commit().await?;
        Ok(replay(i64::from(status.as_u16()), reply))
    }
}

fn replay(status: i64, reply: String) -> Response {
    let status =
        u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    if status == StatusCode::NO_CONTENT {
        return status.into_response();
    }
    (status, [(header::CONTENT_TYPE, "application/json")], reply).into_response()
}

/// Forgets answers that nobody will ask for again.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let before = app.clock.now().saturating_sub(KEPT).map_err(|_| DbError::Corrupt("the clock"))?;
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, before).await?;
    tx.commit().await
}
