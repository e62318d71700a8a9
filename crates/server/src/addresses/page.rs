//! The page on which a person says yes to one more place to be written to, in a visit in which they showed a way in. The
//! address was typed in the app and is fixed from then on; the code that goes there is typed in the app again.

use std::net::IpAddr;

use api::addresses::AddAddress;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::addresses::{AddressKind, Language};
use domain::policy::Change;
use maud::html;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{put, value_of};
use crate::App;
use crate::error::ApiError;
use crate::http::{Json, Source};
use crate::sign_in::{self, AddVisit, Recognised, Wanted, What, notices, page_in, refused, to_account};
use crate::{risk, standing};

pub(crate) const PAGE: &str = "/sign-in/ways-in/address";
const DONE: &str = "/sign-in/ways-in/address/done";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(page, add)).routes(routes!(done))
}

fn wished(visit: &AddVisit) -> Option<&AddAddress> {
    match &visit.adding.what {
        What::Address(wish) => Some(wish),
        _ => None,
    }
}

/// The page that shows the address.
#[utoipa::path(get, path = "/sign-in/ways-in/address", tag = "security",
    responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn page(State(app): State<App>, visit: AddVisit) -> Result<Response, ApiError> {
    let Some(wish) = wished(&visit) else { return Ok(Redirect::to(visit.adding.what.page()).into_response()) };
    let mut tx = app.db.begin_read().await?;
    let name = sign_in::holder_name(&mut tx, visit.adding.holder).await?.ok_or_else(ApiError::not_found)?;
    let ways = sign_in::ways_in(&mut tx, &app, visit.adding.holder).await?;
    if !visit.may_add(&ways) {
        return Ok(sign_in::prove(&app, visit.language, &name, &ways));
    }
    let value = value_of(&app, wish)?;
    let words = words(visit.language);
    let kind = match wish.kind {
        AddressKind::Email => words.email,
        AddressKind::Phone => words.phone,
    };
    let body = html! {
        div { h1 id="title" { (words.title) } p.soft { (to_account(visit.language, &name)) } }
        (notices(visit.language))
        dl.facts { div { dt { (kind) } dd { (value.text()) } } }
        form data-send=(PAGE) { button.primary type="submit" { (words.add) } }
        p.small.soft { (words.note) }
    };
    Ok(page_in(&app, StatusCode::OK, visit.language, words.title, &body))
}

/// Adds the address and sends the code. The visit has done what it was for.
#[utoipa::path(post, path = "/sign-in/ways-in/address", tag = "security",
    responses((status = 200, body = Recognised), (status = 403, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn add(State(app): State<App>, Source(source): Source, visit: AddVisit) -> Result<Json<Recognised>, ApiError> {
    say_yes(&app, source, &visit).await?;
    app.jobs.wake();
    Ok(Json(Recognised { location: sign_in::address(DONE, visit.language) }))
}

async fn say_yes(app: &App, source: IpAddr, visit: &AddVisit) -> Result<(), ApiError> {
    let wish = wished(visit).ok_or_else(refused)?;
    let value = value_of(app, wish)?;
    let (holder, device) = visit.adding.of();
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::ChangeAddress, app.clock.now()).await?;
    sign_in::finish_visit(app, &mut tx, visit).await?;
    if !risk::allows_change(app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    put(&mut tx, app, holder, wish, &value, source).await?;
    Ok(tx.commit().await?)
}

/// The page at the end of it.
#[utoipa::path(get, path = "/sign-in/ways-in/address/done", tag = "security", responses((status = 200, description = "The page")))]
async fn done(State(app): State<App>, Wanted(language): Wanted) -> Response {
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.sent) } p.soft { (words.sent_about) } }
        p { (words.sent_next) }
    };
    page_in(&app, StatusCode::OK, language, words.sent, &body)
}

struct Words {
    title: &'static str,
    email: &'static str,
    phone: &'static str,
    add: &'static str,
    note: &'static str,
    sent: &'static str,
    sent_about: &'static str,
    sent_next: &'static str,
}

const fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &Words {
            title: "Add this address?",
            email: "E-mail address",
            phone: "Telephone number",
            add: "Add it and send a code there",
            note: "You are told there of what happens to your account, and it helps you back in. If it is not yours, close the page: nothing happens.",
            sent: "A code is on its way",
            sent_about: "It is good for 10 minutes. Look among unwanted mail too.",
            sent_next: "Close this page and type the code in the Billfold app: from then on the address is yours.",
        },
        Language::Es => &Words {
            title: "¿Añadir esta dirección?",
            email: "Dirección de correo",
            phone: "Número de teléfono",
            add: "Añadirla y enviar allí un código",
            note: "Allí se te avisa de lo que pasa con tu cuenta, y te ayuda a volver a entrar. Si no es tuya, cierra la página: no pasa nada.",
            sent: "Un código va de camino",
            sent_about: "Vale 10 minutos. Mira también entre el correo no deseado.",
            sent_next: "Cierra esta página y escribe el código en la aplicación Billfold: desde entonces la dirección es tuya.",
        },
        Language::De => &Words {
            title: "Diese Adresse hinzufügen?",
            email: "E-Mail-Adresse",
            phone: "Telefonnummer",
            add: "Hinzufügen und einen Code dorthin schicken",
            note: "Dort erfahren Sie, was mit Ihrem Konto geschieht, und sie hilft Ihnen wieder hinein. Wenn sie nicht Ihnen gehört, schließen Sie die Seite: nichts geschieht.",
            sent: "Ein Code ist unterwegs",
            sent_about: "Er ist 10 Minuten gültig. Sehen Sie auch in unerwünschten E-Mails nach.",
            sent_next: "Schließen Sie diese Seite und geben Sie den Code in der App Billfold ein: ab dann gehört die Adresse Ihnen.",
        },
    }
}
