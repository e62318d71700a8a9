//! Back in (IM4): takes what an archive of everything holds that can come back, in parts. Each feature says what it takes and
//! what is there already; nothing here moves money, and what an archive says of payments is history.

#[cfg(test)]
mod tests;

use api::error::ErrorCode;
use api::restore::{PART_MAX, RefusedRecord, RestorePart, Restored};
use api::sync::Record;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::HolderId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::billers::own;
use crate::db::Tx;
use crate::error::ApiError;
use crate::http::Json;
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::SignedIn;
use crate::{App, bills, paydays, reminders, suggestions};

/// Bytes of a part, unpacked: bills with a long history are the largest records.
const PART_BYTES_MAX: usize = 8 * 1024 * 1024;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(restore)).layer(DefaultBodyLimit::max(PART_BYTES_MAX))
}

/// Takes a part of what an archive holds. What is there already, by id, stays as it is; what was removed since comes back.
/// With `each`, what is refused is named in the answer and the rest is taken; otherwise all of the part is taken or nothing.
#[utoipa::path(post, path = "/api/v1/restore", tag = "export", request_body = RestorePart,
    responses((status = 200, body = Restored), (status = 422, body = api::error::Problem)))]
async fn restore(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Json(part): Json<RestorePart>,
) -> Result<Response, ApiError> {
    if part.records.len() > PART_MAX {
        return Err(ApiError::invalid(ErrorCode::TooMany, "records", "at most 500 records in one part"));
    }
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "restore", &part).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let mut restored = Restored::default();
    let mut room = bills::room_for_marks(&mut once.tx, signed_in.holder).await?;
    for (at, record) in (0..).zip(&part.records) {
        match take(&app, &mut once.tx, signed_in.holder, record, &mut room).await {
            Ok(true) => restored.new = restored.new.saturating_add(1),
            Ok(false) => restored.known = restored.known.saturating_add(1),
            // A record is looked at before anything of it is written, so what was taken stands.
            Err(refusal) if part.each && refusal.problem.status < 500 => {
                restored.refused.push(RefusedRecord { at, code: refusal.code().as_str().to_owned() });
            }
            Err(error) => return Err(error),
        }
    }
    let answer = once.answer(StatusCode::OK, &restored).await?;
    app.jobs.wake();
    Ok(answer)
}

/// False when it is there already. `room` is for so many more marks.
async fn take(app: &App, tx: &mut Tx, holder: HolderId, record: &Record, room: &mut u64) -> Result<bool, ApiError> {
    match record {
        Record::OwnBiller(biller) => own::restore(app, tx, holder, biller).await,
        Record::Bill(bill) => bills::restore(app, tx, holder, bill).await,
        Record::Mark(mark) => bills::restore_mark(app, tx, holder, mark, room).await,
        Record::ReminderAnswer(answer) => reminders::restore(app, tx, holder, *answer).await,
        Record::Income(income) => paydays::restore(app, tx, holder, income).await,
        Record::PlanWishes(wishes) => paydays::restore_wishes(app, tx, holder, *wishes).await,
        Record::SuggestionAnswer(answer) => suggestions::restore(app, tx, holder, *answer).await,
        // Lines come by the import; what the server says or does by itself is not said to it.
        Record::Account(_)
        | Record::Transaction(_)
        | Record::Payment(_)
        | Record::SecurityEvent(_)
        | Record::Standing(_)
        | Record::Purchase(_)
        | Record::Order(_)
        | Record::Method(_)
        | Record::Autopay(_)
        | Record::Statement(_)
        | Record::Reward(_)
        | Record::Wallet(_)
        | Record::WalletMove(_)
        | Record::Dispute(_)
        | Record::Gone(_) => {
            Err(ApiError::invalid(ErrorCode::InvalidRequest, "records", "records of this kind are not put back"))
        }
    }
}
