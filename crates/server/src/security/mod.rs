//! What happened to the ways into an account: a log that only grows, kept as a chain of hashes and told to every device,
//! so that no hand on the database changes it unseen. And the question "Was this you?" with its answer.

mod store;
#[cfg(test)]
mod tests;

use api::error::ErrorCode;
use api::security::EventAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{DeviceId, HolderId};
use domain::security::{
    Happened, SecurityEvent, SecurityEventKind, first_break, may_answer_beside, may_take_back, open_questions,
};
use domain::standing::{RestraintLevel, RestraintReason};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::feed;
use crate::http::{Json, Path};
use crate::risk;
use crate::sign_in::{SignedIn, sign_device_out};
use crate::{App, addresses, autopay, calendar_feed, devices, methods, notices, payments, recovery, standing, wallet};
pub(crate) use store::{last, last_of_device, last_of_kind};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(answer))
}

/// Writes an entry in the transaction that does the thing; the holder's row is locked.
pub(crate) async fn record(tx: &mut Tx, holder: HolderId, happened: Happened) -> DbResult<()> {
    append(tx, holder, happened).await.map(drop)
}

/// As `record`, and says which number the entry got.
pub(crate) async fn append(tx: &mut Tx, holder: HolderId, happened: Happened) -> DbResult<i64> {
    // The number that the feed gives to it is taken on the same way.
    let (_, last) = tx.number_and(holder, last(holder)).await?;
    append_after(tx, holder, last.as_ref(), happened).await
}

/// The same after the entry that was read as the last one on the way that took the feed's number.
pub(crate) async fn append_after(
    tx: &mut Tx,
    holder: HolderId,
    last: Option<&SecurityEvent>,
    happened: Happened,
) -> DbResult<i64> {
    let event = SecurityEvent::after(last, happened);
    store::add(tx, holder, &event).await?;
    notices::put(tx, holder, &event).await?;
    let (at, number) = (event.at, event.number);
    feed::put(tx, holder, at, &api::sync::Record::SecurityEvent(event)).await?;
    Ok(number)
}

/// The newest entries, newest first.
pub(crate) async fn newest(tx: &mut Tx, holder: HolderId, count: usize) -> DbResult<Vec<SecurityEvent>> {
    let log = store::log(tx, holder).await?;
    Ok(log.into_iter().rev().take(count).collect())
}

/// Something that happened to a device.
pub(crate) fn to_device(
    kind: SecurityEventKind,
    at: Timestamp,
    by: Option<DeviceId>,
    device: DeviceId,
    name: &str,
) -> Happened {
    Happened { at, kind, by, device: Some(device), name: Some(name.to_owned()), about: None }
}

/// The kinds of entry at which a holder's chain breaks first; empty when all hold.
pub(crate) async fn breaks(tx: &mut Tx) -> DbResult<Vec<String>> {
    let mut broken = Vec::new();
    // One log at a time: all of them are more than fits.
    let mut whose = None;
    while let Some(holder) = store::next_log(tx, whose).await? {
        let log = store::log(tx, holder).await?;
        broken.extend(first_break(&log).map(|number| format!("entry {number}")));
        whose = Some(holder);
    }
    Ok(broken)
}

/// Says whether an event that asks for it was the person's. "Not mine" signs the event's device out.
#[utoipa::path(post, path = "/api/v1/security/events/{number}/answer", tag = "security", request_body = EventAnswer,
    params(("number" = i64, Path)),
    responses((status = 204, description = "Noted"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn answer(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(number): Path<i64>,
    Json(answer): Json<EventAnswer>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let log = store::log(&mut tx, holder).await?;
    let Some(event) = log.iter().find(|event| event.number == number) else { return Err(ApiError::not_found()) };
    let there = devices::signed_in(&mut tx, holder, app.clock.now()).await?;
    let there: Vec<DeviceId> = there.into_iter().map(|device| device.id).collect();
    // Answered before, or nothing to answer: the same again is no error. Whoever said yes may not have been the owner.
    let open = open_questions(&log).iter().any(|open| open.number == number);
    if !open && (answer.mine || !may_take_back(&log, event, signed_in.device, &there)) {
        return Ok(StatusCode::NO_CONTENT);
    }
    if !may_answer_beside(&log, event, signed_in.device, &there) {
        return Err(ApiError::new(ErrorCode::AnswerElsewhere, "another device of the account is asked about this one"));
    }
    if answer.mine {
        let now = app.clock.now();
        let happened = reply(SecurityEventKind::ConfirmedAsMine, event, now, Some(signed_in.device));
        record(&mut tx, holder, happened).await?;
        risk::answered(&mut tx, holder, number, true).await?;
    } else {
        deny(&mut tx, &app, holder, event, Some(signed_in.device)).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// What a person says about an entry.
fn reply(kind: SecurityEventKind, event: &SecurityEvent, at: Timestamp, by: Option<DeviceId>) -> Happened {
    Happened { at, kind, by, device: event.device, name: event.name.clone(), about: Some(event.number) }
}

/// One entry of a holder's log.
pub(crate) async fn event(tx: &mut Tx, holder: HolderId, number: i64) -> DbResult<Option<SecurityEvent>> {
    store::find(tx, holder, number).await
}

/// Notes that an event was not the person's, and takes back what it gave. Nothing here gives anybody power, so it needs no
/// more than hearing of the event; the holder's row is locked.
pub(crate) async fn deny(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    event: &SecurityEvent,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let now = app.clock.now();
    record(tx, holder, reply(SecurityEventKind::ReportedAsNotMine, event, now, by)).await?;
    risk::answered(tx, holder, event.number, false).await?;
    undo(tx, app, holder, event, now, by).await
}

/// Takes back what an event that was not the person's gave: the device that came or did it is signed out, a changed
/// address is as before, an address of the calendar ends, and where a way in was changed the account is locked: a stranger's may stand among them.
async fn undo(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    event: &SecurityEvent,
    now: Timestamp,
    by: Option<DeviceId>,
) -> DbResult<()> {
    if matches!(event.kind, SecurityEventKind::AddressAdded | SecurityEventKind::AddressRemoved) {
        addresses::stop_change(tx, app, holder, event, by).await?;
    }
    if let (SecurityEventKind::LimitsRaised, Some(currency)) = (event.kind, event.name.as_deref()) {
        payments::take_raise_back(app, tx, holder, currency).await?;
    }
    if event.kind == SecurityEventKind::MethodAdded {
        methods::freeze_added(app, tx, holder, event.at).await?;
    }
    if event.kind == SecurityEventKind::AutopaySet {
        autopay::end_set_at(app, tx, holder, event.at).await?;
    }
    if event.kind == SecurityEventKind::AutoReloadSet {
        wallet::auto_reload::end_set_at(app, tx, holder, event.at).await?;
    }
    if event.kind == SecurityEventKind::RecoveryStarted {
        recovery::stop_told(tx, app, holder, event, by).await?;
    }
    if event.kind == SecurityEventKind::RecoveryCodeMade {
        recovery::forget_code(tx, holder, event.at).await?;
    }
    if event.kind == SecurityEventKind::CalendarFeedMade {
        calendar_feed::end(tx, holder, now, by).await?;
    }
    if let Some(device) = event.device.or(event.by)
        && Some(device) != by
    {
        sign_device_out(tx, holder, device, now, by).await?;
        payments::distrust(app, tx, holder, device).await?;
        wallet::auto_reload::distrust(app, tx, holder, device).await?;
    }
    if event.kind.changes_ways_in() {
        standing::restrain(app, tx, holder, RestraintLevel::Locked, RestraintReason::OwnWish, None, by).await?;
    }
    Ok(())
}
