//! What happens to the ways into an account is told to every confirmed address, with an address of this server at which
//! "that was not me" is said in one step and without signing in. Saying so only ever takes power away, so hearing of the
//! event is enough for it. Opening the address does nothing by itself: programs that look into mail open it too.

mod store;
#[cfg(test)]
mod tests;
mod words;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::addresses::{AddressKind, Language};
use domain::ids::HolderId;
use domain::security::SecurityEvent;
use jiff::SignedDuration;
use maud::html;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Query, Source};
use crate::mail::{self, Said};
use crate::sign_in::{Wanted, address, hash, new_secret, notices_saying, page_in, too_often};
use crate::{addresses, security};

/// The address in a message works so long.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, say_no)).routes(routes!(done))
}

/// Tells every confirmed address of an entry, in the transaction that writes it.
pub(crate) async fn put(tx: &mut Tx, holder: HolderId, event: &SecurityEvent) -> DbResult<()> {
    let Some(telling) = words::of(event.kind) else { return Ok(()) };
    for to in addresses::told(tx, holder, event.at).await? {
        if to.kind() == AddressKind::Email || telling.grave {
            mail::put_notice(tx, holder, &to, event).await?;
        }
    }
    Ok(())
}

/// A notice as it leaves.
pub(crate) async fn said(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    language: Language,
    kind: AddressKind,
    number: i64,
) -> DbResult<Option<Said>> {
    let Some(event) = security::event(tx, holder, number).await? else { return Ok(None) };
    let Some(telling) = words::of(event.kind) else { return Ok(None) };
    let frame = words::frame(language);
    let subject = frame.subject.replace("{server}", &app.settings.server_name);
    let what = what(telling.what(language), &event);
    let link = match telling.undo(language) {
        Some(_) => {
            let secret = new_secret(app);
            store::put(tx, &hash(&secret), holder, number, app.clock.now() + LINK_LIFE).await?;
            Some(format!("{}/sign-in/notice?key={secret}", app.settings.public_url))
        }
        None => None,
    };
    let (text, subject) = match (kind, link, telling.undo(language)) {
        (AddressKind::Phone, Some(link), _) => (format!("{subject}. {what} {}: {link}", frame.button), String::new()),
        (AddressKind::Phone, None, _) => (format!("{subject}. {what}"), String::new()),
        (AddressKind::Email, Some(link), Some(undo)) => {
            let not_mine = frame.not_mine.replace("{undo}", undo);
            (
                format!(
                    "{what}\n{}\n\n{}\n\n{not_mine}\n\n    {link}\n\n{}\n",
                    when(frame, &event),
                    frame.mine,
                    frame.good_for
                ),
                subject,
            )
        }
        (AddressKind::Email, _, _) => {
            (format!("{what}\n{}\n\n{}\n{}\n", when(frame, &event), frame.mine, frame.look), subject)
        }
    };
    Ok(Some(Said { subject, text }))
}

fn what(words: &str, event: &SecurityEvent) -> String {
    words.replace("{name}", event.name.as_deref().unwrap_or_default())
}

fn when(frame: &words::Frame, event: &SecurityEvent) -> String {
    frame.when.replace("{at}", &event.at.strftime("%Y-%m-%d %H:%M").to_string())
}

// ---- the page ----------------------------------------------------------------------------------------------------

#[derive(Deserialize, utoipa::IntoParams)]
struct Opened {
    key: String,
}

/// What a message tells, and the button that says no to it.
#[utoipa::path(get, path = "/sign-in/notice", tag = "security", params(Opened),
    responses((status = 200, description = "The page"), (status = 400, description = "Used or too old"),
        (status = 429, description = "Too often")))]
async fn show(
    State(app): State<App>,
    Source(source): Source,
    Wanted(browser): Wanted,
    query: Result<Query<Opened>, ApiError>,
) -> Result<Response, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let Ok(Query(opened)) = query else { return Ok(over(&app, browser)) };
    let mut tx = app.db.begin_read().await?;
    let Some(link) = store::find(&mut tx, &hash(&opened.key), app.clock.now()).await? else {
        return Ok(over(&app, browser));
    };
    let language = mail::language(&mut tx, link.holder).await?;
    let event = security::event(&mut tx, link.holder, link.event).await?;
    let telling = event.as_ref().and_then(|event| words::of(event.kind));
    let (Some(event), Some(telling)) = (event, telling) else { return Ok(over(&app, language)) };
    let frame = words::frame(language);
    let body = html! {
        div { h1 id="title" { (frame.title) } p.soft { (what(telling.what(language), &event)) } p.soft { (when(frame, &event)) } }
        (notices_saying(language, |said| said.refused = frame.over))
        button.primary type="button" id="not-me" data-key=(opened.key) { (frame.button) }
        @if let Some(undo) = telling.undo(language) { p.small.soft { (undo) } }
        p.small.soft { (frame.mine) }
    };
    Ok(page_in(&app, StatusCode::OK, language, frame.title, &body))
}

fn over(app: &App, language: Language) -> Response {
    let frame = words::frame(language);
    let body = html! { div { h1 id="title" { (frame.over) } p.soft { (frame.over_about) } } };
    page_in(app, StatusCode::BAD_REQUEST, language, frame.over, &body)
}

#[derive(Deserialize, utoipa::ToSchema)]
struct SayNo {
    /// What the address in the message held.
    key: String,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Next {
    /// The page to go to.
    location: String,
}

/// Says that what a message told of was not the person's, once.
#[utoipa::path(post, path = "/sign-in/notice", tag = "security", request_body = SayNo,
    responses((status = 200, body = Next), (status = 404, body = api::error::Problem),
        (status = 429, body = api::error::Problem)))]
async fn say_no(
    State(app): State<App>,
    Source(source): Source,
    Json(said): Json<SayNo>,
) -> Result<Json<Next>, ApiError> {
    let now = app.clock.now();
    app.limits.start.take(source, now).map_err(too_often)?;
    let mut tx = app.db.begin_write().await?;
    let link = store::take(&mut tx, &hash(&said.key), now).await?.ok_or_else(ApiError::not_found)?;
    tx.lock(link.holder).await?;
    let language = mail::language(&mut tx, link.holder).await?;
    let event = security::event(&mut tx, link.holder, link.event).await?.ok_or_else(ApiError::not_found)?;
    security::deny(&mut tx, &app, link.holder, &event, None).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(Next { location: address("/sign-in/notice/done", language) }))
}

/// The page after it.
#[utoipa::path(get, path = "/sign-in/notice/done", tag = "security",
    responses((status = 200, description = "The page")))]
async fn done(State(app): State<App>, Wanted(language): Wanted) -> Response {
    let frame = words::frame(language);
    let body = html! { div { h1 id="title" { (frame.done) } p.soft { (frame.done_about) } } };
    page_in(&app, StatusCode::OK, language, frame.done, &body).into_response()
}

/// Removes addresses that are too old.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, app.clock.now()).await?;
    tx.commit().await
}
