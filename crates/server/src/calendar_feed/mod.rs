//! Due dates for other calendars: an address that is a secret, and the same text as a file. What was published of each
//! due date is remembered here and nowhere else, so that every reader sees one sequence. Which dates there are is worked
//! out from bills, marks and payments; who knows an address reads names, and nothing but this text.

mod store;
#[cfg(test)]
pub(crate) mod tests;

use api::calendar_feed::{CalendarFeed, CalendarFeedState, FILE_ENDING, SetCalendarFeed};
use api::error::ErrorCode;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER_PERMISSIVE;
use domain::addresses::Language;
use domain::calendar_feed::{Contents, Entry, Published, earliest, entry, publish, window};
use domain::ids::{DeviceId, HolderId};
use domain::security::{Happened, SecurityEventKind};
use formats::icalendar::{Calendar, Event, write};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::due_dates::Owed;
use crate::error::ApiError;
use crate::http::{Json, Path, Source, nothing_here};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::{SignedIn, hash, too_often};
use crate::{mail, security};
use store::Kept;

/// Readers are told to look again after so many hours.
const REFRESH_HOURS: u32 = 6;
/// Due dates that are held at once while the earliest are chosen.
const ENTRIES_AT_ONCE: usize = 10_000;
const ICALENDAR: &str = "text/calendar; charset=utf-8";

pub fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, set, remove)).routes(routes!(file))
}

/// For whoever has an address.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(subscribed))
}

/// Whether there is an address, and when it was read last. The address itself is nowhere on the server.
#[utoipa::path(get, path = "/api/v1/calendar", tag = "calendar", responses((status = 200, body = CalendarFeedState)))]
async fn show(State(app): State<App>, signed_in: SignedIn) -> Result<Json<CalendarFeedState>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let kept = store::find(&mut tx, signed_in.holder).await?;
    Ok(Json(CalendarFeedState { feed: kept.as_ref().map(view) }))
}

/// Makes an address, makes another one, or changes what stands there.
#[utoipa::path(put, path = "/api/v1/calendar", tag = "calendar", request_body = SetCalendarFeed,
    responses((status = 200, body = CalendarFeed), (status = 400, body = api::error::Problem)))]
async fn set(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Json(wish): Json<SetCalendarFeed>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "calendar.set", &wish).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let wrong = |title| ApiError::invalid(ErrorCode::InvalidRequest, "secret_hash", title);
    let new_hash = match &wish.secret_hash {
        None => None,
        Some(text) => Some(read_hash(text).ok_or_else(|| wrong("the hash has 64 hexadecimal digits"))?),
    };
    let before = store::find(&mut once.tx, holder).await?;
    let contents = Contents { amounts: wish.amounts, remind_at: wish.remind_at };
    let now = app.clock.now();
    let kept = match (before, new_hash) {
        (None, None) => return Err(wrong("there is no address yet: a new one needs its hash")),
        (Some(before), new) if new.is_none_or(|new| new == before.secret_hash) => Kept { contents, ..before },
        (_, Some(secret_hash)) => {
            if store::holder_of(&mut once.tx, &secret_hash).await?.is_some() {
                return Err(wrong("this secret is used already: make another one"));
            }
            let made = happened(SecurityEventKind::CalendarFeedMade, now, Some(signed_in.device));
            security::record(&mut once.tx, holder, made).await?;
            Kept { secret_hash, contents, made_at: now, read_at: None }
        }
        (Some(before), None) => Kept { contents, ..before },
    };
    store::put(&mut once.tx, holder, &kept).await?;
    let answer = once.answer(StatusCode::OK, &view(&kept)).await?;
    app.jobs.wake();
    Ok(answer)
}

/// Ends the address. What was published stays remembered for the next one.
#[utoipa::path(delete, path = "/api/v1/calendar", tag = "calendar",
    responses((status = 204, description = "There is no address any more")))]
async fn remove(State(app): State<App>, signed_in: SignedIn) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    end(&mut tx, signed_in.holder, app.clock.now(), Some(signed_in.device)).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// The calendar as a file, with an address or without one.
#[utoipa::path(get, path = "/api/v1/calendar/file", tag = "calendar",
    responses((status = 200, content_type = "text/calendar", body = String)))]
async fn file(State(app): State<App>, signed_in: SignedIn) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let kept = store::find(&mut tx, holder).await?;
    let contents = kept.map_or(Contents::DEFAULT, |kept| kept.contents);
    let text = published_text(&mut tx, &app, holder, contents).await?;
    tx.commit().await?;
    Ok(icalendar(text))
}

/// The calendar for whoever has its address. Any other address is not there, as is one that ended.
#[utoipa::path(get, path = "/calendar/{file}", tag = "calendar",
    params(("file" = String, Path, description = "The secret and `.ics`")),
    responses((status = 200, content_type = "text/calendar", body = String), (status = 404, body = api::error::Problem),
        (status = 429, body = api::error::Problem)))]
async fn subscribed(
    State(app): State<App>,
    Source(source): Source,
    Path(file): Path<String>,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let secret_hash = hash(file.strip_suffix(FILE_ENDING).unwrap_or_default());
    // Who guesses takes no place among those who write.
    let mut tx = app.db.begin_read().await?;
    let holder = store::holder_of(&mut tx, &secret_hash).await?;
    drop(tx);
    let Some(holder) = holder else {
        app.limits.calendar_missed.take(source, now).map_err(too_often)?;
        return Err(nothing_here());
    };
    app.limits.calendar_read.take_key(holder.as_uuid().as_u128(), now).map_err(too_often)?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    // It may have ended meanwhile.
    let kept = store::find(&mut tx, holder).await?.filter(|kept| kept.secret_hash == secret_hash);
    let contents = kept.ok_or_else(nothing_here)?.contents;
    let text = published_text(&mut tx, &app, holder, contents).await?;
    store::note_read(&mut tx, holder, now).await?;
    tx.commit().await?;
    Ok(icalendar(text))
}

/// Ends a holder's address, in the transaction of whatever is the reason; the holder's row is locked.
pub(crate) async fn end(tx: &mut Tx, holder: HolderId, now: Timestamp, by: Option<DeviceId>) -> DbResult<()> {
    if store::remove(tx, holder).await? {
        security::record(tx, holder, happened(SecurityEventKind::CalendarFeedEnded, now, by)).await?;
    }
    Ok(())
}

const fn happened(kind: SecurityEventKind, at: Timestamp, by: Option<DeviceId>) -> Happened {
    Happened { at, kind, by, device: None, name: None, about: None }
}

fn read_hash(text: &str) -> Option<[u8; 32]> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

const fn view(kept: &Kept) -> CalendarFeed {
    let Contents { amounts, remind_at } = kept.contents;
    CalendarFeed { amounts, remind_at, made_at: kept.made_at, read_at: kept.read_at }
}

fn icalendar(text: String) -> Response {
    ([(header::CONTENT_TYPE, ICALENDAR), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

// ---- what is published -------------------------------------------------------------------------------------------

/// Works out what stands in the calendar now, remembers it and writes it down; the holder's row is locked.
async fn published_text(tx: &mut Tx, app: &App, holder: HolderId, contents: Contents) -> DbResult<String> {
    let now = app.clock.now();
    let today = now.to_zoned(app.settings.zone.clone()).date();
    let entries = entries(tx, holder, contents, now, today, &app.settings.zone).await?;
    let before = store::published(tx, holder).await?;
    let after = publish(before.clone(), entries, today, now);
    store::remember(tx, holder, &before, &after).await?;
    let language = mail::language(tx, holder).await?;
    let told = after.iter().filter(|event| event.is_told(today, now));
    Ok(write(&Calendar {
        name: name(language).to_owned(),
        refresh_hours: REFRESH_HOURS,
        events: told.map(event).collect(),
    }))
}

const fn name(language: Language) -> &'static str {
    match language {
        Language::En => "Billfold: due dates",
        Language::Es => "Billfold: vencimientos",
        Language::De => "Billfold: Fälligkeiten",
    }
}

fn event(published: &Published) -> Event {
    Event {
        uid: published.uid(),
        sequence: published.sequence,
        changed_at: published.changed_at,
        on: published.body.on,
        summary: published.body.summary.clone(),
        description: None,
        cancelled: published.body.cancelled,
        alarms: published.body.alarms.clone(),
    }
}

/// The due dates of every bill and card, as devices work them out.
async fn entries(
    tx: &mut Tx,
    holder: HolderId,
    contents: Contents,
    now: Timestamp,
    today: Date,
    home: &TimeZone,
) -> DbResult<Vec<Entry>> {
    let (from, to) = window(today);
    let mut entries = Vec::new();
    for owed in Owed::all(tx, holder).await? {
        let dates = owed.dates(from, to, now, home);
        entries.extend(dates.iter().map(|occurrence| entry(&owed.bill, occurrence, contents)));
        if entries.len() > ENTRIES_AT_ONCE {
            earliest(&mut entries);
        }
    }
    Ok(entries)
}
