//! The page on which a person makes the code for their paper. It is shown there once, with a sheet to print, and reaches
//! neither the app nor a message.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use data_encoding::BASE64;
use domain::addresses::Language;
use domain::recovery::SavedCode;
use maud::{Markup, html};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sheet::{self, Sheet};
use super::words::words;
use super::{keep_code, web};
use crate::App;
use crate::error::ApiError;
use crate::http::{Json, Source};
use crate::risk;
use crate::sign_in::{self, AddVisit, What, page_in, refused};

pub(crate) const PAGE: &str = "/sign-in/ways-in/saved-code";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page, make))
}

/// The page that makes a new saved code.
#[utoipa::path(get, path = "/sign-in/ways-in/saved-code", tag = "security",
    responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn page(State(app): State<App>, visit: AddVisit) -> Result<Response, ApiError> {
    if visit.adding.what != What::SavedCode {
        return Ok(Redirect::to(visit.adding.what.page()).into_response());
    }
    let holder = visit.adding.holder;
    let mut tx = app.db.begin_read().await?;
    let name = sign_in::holder_name(&mut tx, holder).await?.ok_or_else(ApiError::not_found)?;
    let ways = sign_in::ways_in(&mut tx, &app, holder).await?;
    let language = visit.language;
    if !visit.may_add(&ways) {
        return Ok(sign_in::prove(&app, language, &name, &ways));
    }
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.code_title) } p.soft { (words.code_about) } }
        (web::notices(language, words.bad_address))
        button.primary type="button" id="make-code" { (words.code_make) }
        (shown_here(language))
    };
    Ok(page_in(&app, StatusCode::OK, language, words.code_title, &body))
}

/// Where a page's script shows the code that was made.
pub(super) fn shown_here(language: Language) -> Markup {
    let words = words(language);
    html! {
        div.stack id="made" hidden {
            p { (words.code_once) }
            p.code-shown id="code" tabindex="-1" {}
            a.button.primary id="sheet" download=(words.sheet_file) { (words.code_sheet) }
            p.small.soft { (words.code_then) }
        }
    }
}

/// A saved code, on its only way out.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct MadeCode {
    /// In groups, as it is read.
    code: String,
    /// The sheet to print, a PDF in base64.
    sheet: String,
}

impl MadeCode {
    /// Draws a new code. It counts once its hash is kept: nobody is left without any because a sheet could not be drawn.
    pub async fn new(app: &App, language: Language) -> Result<(Self, [u8; 32]), ApiError> {
        let code = SavedCode::new(app.random());
        let hash = code.hash();
        let text = code.expose().to_string();
        let server = app.settings.server_name.clone();
        let address = format!("{}{}", app.settings.public_url, web::START);
        let made_on = app.clock.now().to_zoned(app.settings.zone.clone()).date();
        let drawn = tokio::task::spawn_blocking(move || {
            sheet::render(&Sheet { code: &code, server: &server, address: &address, made_on, language })
        });
        let pdf = drawn.await.map_err(|_| failed())?.map_err(|error| {
            tracing::error!(error = %error, "a recovery sheet could not be drawn");
            failed()
        })?;
        Ok((Self { code: text, sheet: BASE64.encode(&pdf) }, hash))
    }
}

fn failed() -> ApiError {
    ApiError::new(api::error::ErrorCode::Internal, "the recovery sheet could not be drawn")
}

/// Makes the code. The visit has done what it was for; the code before is good for nothing any more.
#[utoipa::path(post, path = "/sign-in/ways-in/saved-code", tag = "security", responses((status = 200, body = MadeCode)))]
async fn make(State(app): State<App>, Source(source): Source, visit: AddVisit) -> Result<Json<MadeCode>, ApiError> {
    let (holder, device) = visit.adding.of();
    if visit.adding.what != What::SavedCode {
        return Err(refused());
    }
    let (made, code_hash) = MadeCode::new(&app, visit.language).await?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    sign_in::finish_visit(&app, &mut tx, &visit).await?;
    if !risk::allows_change(&app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    keep_code(&mut tx, &app, holder, &code_hash, Some(device)).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(made))
}
