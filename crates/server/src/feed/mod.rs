//! The change feed: what devices keep a copy of, page by page, as a snapshot, and as a sign that there is something new.
//! Features write records here and nowhere else, in the transaction of their effect.

mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::convert::Infallible;
use std::time::Duration;

use api::error::ErrorCode;
use api::sync::{PAGE_MAX, Page, Record, SnapshotHead};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use domain::ids::HolderId;
use futures_util::Stream;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::sync::broadcast;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::db::{DbError, DbResult, Touched, Tx};
use crate::error::ApiError;
use crate::http::Query;
use crate::sign_in::{SignedIn, still_signed_in};
use crate::transfer::{BreakOff, Parts, Places};
use store::Place;
pub(crate) use store::{
    DaySum, Key, Kind, add_lines, all, all_of, count, day_sums, each_of, find, found, posted_lines, tell_gone,
    was_there,
};

/// A device that was away for longer takes a snapshot.
const TOMBSTONES_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
const SNAPSHOT_ROWS: i64 = 2_000;
/// Snapshots that one process makes at once: each keeps a connection of the database, and others need some too.
const SNAPSHOTS_AT_ONCE: usize = 2;
/// A stream shows a sign of life, and looks whether its session still holds, this often.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(snapshot)).routes(routes!(events))
}

/// The places of one server where snapshots are made.
pub(crate) fn places() -> Places {
    Places::new(SNAPSHOTS_AT_ONCE)
}

/// Writes a record under this transaction's feed number.
pub(crate) async fn put(tx: &mut Tx, holder: HolderId, now: Timestamp, record: &Record) -> DbResult<()> {
    let number = tx.number(holder).await?;
    store::put(tx, holder, number, now, record).await
}

/// Forgets old tombstones.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let before = app.clock.now().saturating_sub(TOMBSTONES_KEPT).map_err(|_| DbError::Corrupt("the clock"))?;
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, before).await?;
    tx.commit().await
}

// ---- The cursor --------------------------------------------------------------------------------------------------

fn write_cursor(epoch: i64, place: &Place) -> String {
    let text = format!("{epoch}.{}.{}.{}.{}", place.number, place.kind, place.id.simple(), place.day);
    BASE64URL_NOPAD.encode(text.as_bytes())
}

fn read_cursor(text: &str) -> Option<(i64, Place)> {
    let text = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
    let mut parts = text.splitn(5, '.');
    let epoch = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    let kind = parts.next()?.parse().ok()?;
    let id = Uuid::try_parse(parts.next()?).ok()?;
    let day = parts.next()?;
    (day.is_empty() || day.parse::<Date>().is_ok()).then(|| (epoch, Place { number, kind, id, day: day.to_owned() }))
}

// ---- Pages -------------------------------------------------------------------------------------------------------

#[derive(Deserialize, utoipa::IntoParams)]
struct From {
    /// Where the last page ended; absent: from the start.
    cursor: Option<String>,
}

/// What changed after the cursor, at most 500 records.
#[utoipa::path(get, path = "/api/v1/sync", tag = "sync", params(From),
    responses((status = 200, body = Page), (status = 410, body = api::error::Problem)))]
async fn page(State(app): State<App>, signed_in: SignedIn, Query(from): Query<From>) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let head = store::head(&mut tx, signed_in.holder).await?;
    let from = match from.cursor {
        None => Place::START,
        Some(text) => place_of(&text, &head)?,
    };
    let mut lines = store::page(&mut tx, signed_in.holder, &from, PAGE_MAX + 1).await?;
    drop(tx);
    let more = lines.len() > PAGE_MAX;
    lines.truncate(PAGE_MAX);
    let end = lines.last().map_or(&from, |line| &line.place);
    let mut body = String::with_capacity(64 + lines.len() * 400);
    body.push_str("{\"changes\":[");
    for (at, line) in lines.iter().enumerate() {
        body.push_str(if at == 0 { "{\"number\":" } else { ",{\"number\":" });
        body.push_str(&line.place.number.to_string());
        body.push(',');
        line.push_to(&mut body);
    }
    let cursor = write_cursor(head.epoch, end);
    body.push_str(&format!("],\"cursor\":\"{cursor}\",\"more\":{more}}}"));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn place_of(text: &str, head: &store::Head) -> Result<Place, ApiError> {
    let (epoch, place) = read_cursor(text).ok_or_else(|| {
        ApiError::invalid(ErrorCode::InvalidRequest, "cursor", "the cursor is not one of this server")
    })?;
    // From before a restore, from a future that the restore undid, or older than the tombstones.
    if epoch != head.epoch || place.number > head.number || place.number < head.floor {
        return Err(ApiError::new(ErrorCode::CursorExpired, "the cursor is too old: take a snapshot"));
    }
    Ok(place)
}

// ---- Snapshot ----------------------------------------------------------------------------------------------------

/// Everything of one moment: a `SnapshotHead`, then one `Record` a line.
#[utoipa::path(get, path = "/api/v1/sync/snapshot", tag = "sync",
    responses((status = 200, content_type = "application/x-ndjson", body = SnapshotHead)))]
async fn snapshot(State(app): State<App>, signed_in: SignedIn) -> Result<Response, ApiError> {
    let place = app.snapshots.take(signed_in.holder).await?;
    let mut tx = app.db.begin_read().await?;
    let head = store::head(&mut tx, signed_in.holder).await?;
    let records = store::count_all(&mut tx, signed_in.holder).await?;
    let cursor = write_cursor(head.epoch, &Place::after(head.number));
    let first = serde_json::to_string(&SnapshotHead { cursor, records })
        .map_err(|_| ApiError::new(ErrorCode::Internal, "the head does not serialise"))?;
    let (parts, body) = Parts::new(&app, &signed_in);
    tokio::spawn(async move {
        let sent = send_snapshot(tx, signed_in.holder, first, &parts).await;
        drop(place);
        match sent {
            Ok(()) => parts.end(),
            Err(Unsent::Db(error)) => tracing::error!(kind = error.kind(), "a snapshot broke off"),
            Err(Unsent::BreakOff(why)) => tracing::info!(%why, "a snapshot broke off"),
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// Why a snapshot is not whole.
enum Unsent {
    Db(DbError),
    BreakOff(BreakOff),
}

impl std::convert::From<DbError> for Unsent {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

async fn send_snapshot(mut tx: Tx, holder: HolderId, first: String, parts: &Parts) -> Result<(), Unsent> {
    let mut from = Place::START;
    let mut text = first;
    loop {
        text.push('\n');
        parts.send(Bytes::from(text)).await.map_err(Unsent::BreakOff)?;
        let Some(part) = store::snapshot_part(&mut tx, holder, &from, SNAPSHOT_ROWS).await? else { return Ok(()) };
        (text, from) = (part.text, part.last);
    }
}

// ---- Events ------------------------------------------------------------------------------------------------------

/// The account's newest number, at once and after each commit: a server-sent event stream.
#[utoipa::path(get, path = "/api/v1/events", tag = "sync",
    responses((status = 200, content_type = "text/event-stream", description = "`event: number`, data the number")))]
async fn events(State(app): State<App>, signed_in: SignedIn) -> Result<Response, ApiError> {
    // Listening begins before the number is read: nothing falls between.
    let heard = app.db.events();
    let number = newest(&app, signed_in.holder).await?;
    let watch = Watch { app, signed_in, heard, next: Some(number) };
    let keep_alive = KeepAlive::new().interval(ALIVE_EVERY);
    let mut response = Sse::new(watch.stream()).keep_alive(keep_alive).into_response();
    response.headers_mut().insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(response)
}

async fn newest(app: &App, holder: HolderId) -> DbResult<i64> {
    let mut tx = app.db.begin_read().await?;
    Ok(store::head(&mut tx, holder).await?.number)
}

struct Watch {
    app: App,
    signed_in: SignedIn,
    heard: broadcast::Receiver<Touched>,
    next: Option<i64>,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures_util::stream::unfold(self, async |mut watch| {
            let number = match watch.next.take() {
                Some(number) => number,
                None => watch.wait().await?,
            };
            Some((Ok(Event::default().event("number").data(number.to_string())), watch))
        })
    }

    /// The next number of this holder; `None` when the stream must end. What is asked of the database stands in memory of
    /// its own while it is asked: a stream that only waits keeps no room for it.
    async fn wait(&mut self) -> Option<i64> {
        loop {
            let heard = tokio::select! {
                heard = self.heard.recv() => heard,
                () = self.app.ending.cancelled() => return None,
                () = tokio::time::sleep(ALIVE_EVERY) => {
                    if Box::pin(still_signed_in(&self.app, &self.signed_in)).await.unwrap_or(false) {
                        continue;
                    }
                    return None;
                }
            };
            let number = match heard {
                Ok(touched) if touched.holder == self.signed_in.holder => touched.number,
                Ok(_) => continue,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    Box::pin(newest(&self.app, self.signed_in.holder)).await.ok()?
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            return Box::pin(still_signed_in(&self.app, &self.signed_in)).await.unwrap_or(false).then_some(number);
        }
    }
}
