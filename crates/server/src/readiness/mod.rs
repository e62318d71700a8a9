//! What stands between a person and paying, as this server asks it, and accepting its terms. The rule is
//! `domain::readiness`; what is found here to be missing stops a payment, so that the list never says less than is asked.

mod store;
#[cfg(test)]
mod tests;

use api::error::ErrorCode;
use api::readiness::{AcceptTerms, Readiness};
use axum::extract::State;
use axum::http::StatusCode;
use domain::addresses::AddressKind;
use domain::ids::HolderId;
use domain::policy::Preset;
use domain::readiness::{self, Facts, Prerequisite};
use domain::security::{Happened, SecurityEventKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::Json;
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::has_passkey;
use crate::{addresses, mail, methods, payments, security, standing};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find)).routes(routes!(accept))
}

/// Every prerequisite of paying, and which one is missing.
#[utoipa::path(get, path = "/api/v1/payments/ready", tag = "payments", responses((status = 200, body = Readiness)))]
async fn find(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Readiness>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let facts = facts(&app, &mut tx, signed_in.holder).await?;
    Ok(Json(Readiness { items: readiness::check(&facts), terms: app.settings.terms.clone() }))
}

/// Accepts the server's terms, as they are now. Twice is no error.
#[utoipa::path(put, path = "/api/v1/terms/accepted", tag = "payments", request_body = AcceptTerms,
    responses((status = 204, description = "Accepted"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn accept(
    State(app): State<App>,
    signed_in: SignedIn,
    Json(wish): Json<AcceptTerms>,
) -> Result<StatusCode, ApiError> {
    let terms = app.settings.terms.as_ref().ok_or_else(ApiError::not_found)?;
    if terms.version != wish.version {
        return Err(ApiError::new(ErrorCode::VersionConflict, "these are not the terms any more"));
    }
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if tx.ask(store::accepted_terms(holder)).await?.as_ref() != Some(&terms.version) {
        store::accept_terms(&mut tx, holder, &terms.version, now).await?;
        let (by, name) = (Some(signed_in.device), Some(terms.version.clone()));
        let kind = SecurityEventKind::TermsAccepted;
        security::record(&mut tx, holder, Happened { at: now, kind, by, device: None, name, about: None }).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a payment for what the matrix does not ask: the terms, and an address for notices.
pub(crate) fn demand(missing: Option<Prerequisite>) -> Result<(), ApiError> {
    match missing {
        Some(what) => Err(ApiError::invalid(ErrorCode::NotReady, what.as_str(), "something is missing before paying")),
        None => Ok(()),
    }
}

/// The first of these that is missing.
pub(crate) fn missing(app: &App, holder: HolderId) -> impl Read<Answer = Option<Prerequisite>> + use<> {
    noticed(app, holder).then(|noticed| {
        let asked = [
            (Prerequisite::AcceptedTerms, noticed.terms_accepted),
            (Prerequisite::ConfirmedEmail, noticed.email_confirmed),
        ];
        Ok(asked.into_iter().find(|(_, met)| *met == Some(false)).map(|(what, _)| what))
    })
}

/// Whether the terms are accepted and notices arrive; None where this server does not ask.
struct Noticed {
    terms_accepted: Option<bool>,
    email_confirmed: Option<bool>,
}

fn noticed(app: &App, holder: HolderId) -> impl Read<Answer = Noticed> + use<> {
    let terms = app.settings.terms.as_ref().map(|terms| {
        let version = terms.version.clone();
        store::accepted_terms(holder).then(move |accepted| Ok(accepted.as_ref() == Some(&version)))
    });
    // A person alone on their own server needs no notices from it.
    let asks_email = app.settings.policy == Preset::Standard && mail::writes_to(app, AddressKind::Email);
    let email = asks_email.then(|| addresses::has_email(holder, app.clock.now()));
    (terms, email).then(|(terms_accepted, email_confirmed)| Ok(Noticed { terms_accepted, email_confirmed }))
}

async fn facts(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<Facts> {
    let reads = (noticed(app, holder), standing::of(holder, app.clock.now()));
    let (Noticed { terms_accepted, email_confirmed }, standing) = tx.ask(reads).await?;
    Ok(Facts {
        preset: app.settings.policy,
        standing,
        terms_accepted,
        email_confirmed,
        has_passkey: has_passkey(tx, holder).await?,
        available_minor: payments::most_money(app, tx, holder).await?,
        has_method: app.rails.any_draws() && methods::has_drawable(app, tx, holder).await?,
    })
}
