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
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::Json;
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::has_passkey;
use crate::{addresses, mail, payments, security, standing};

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
    if store::accepted_terms(&mut tx, holder).await?.as_ref() != Some(&terms.version) {
        store::accept_terms(&mut tx, holder, &terms.version, now).await?;
        let (by, name) = (Some(signed_in.device), Some(terms.version.clone()));
        let kind = SecurityEventKind::TermsAccepted;
        security::record(&mut tx, holder, Happened { at: now, kind, by, device: None, name, about: None }).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a payment for what the matrix does not ask: the terms, and an address for notices.
pub(crate) async fn demand(app: &App, tx: &mut Tx, holder: HolderId) -> Result<(), ApiError> {
    let checked = readiness::check(&facts(app, tx, holder).await?);
    let ours = |what: &Prerequisite| matches!(what, Prerequisite::AcceptedTerms | Prerequisite::ConfirmedEmail);
    match readiness::blocking(&checked).into_iter().find(ours) {
        Some(what) => Err(ApiError::invalid(ErrorCode::NotReady, what.as_str(), "something is missing before paying")),
        None => Ok(()),
    }
}

async fn facts(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<Facts> {
    let now = app.clock.now();
    let preset = app.settings.policy;
    let terms_accepted = match &app.settings.terms {
        Some(terms) => Some(store::accepted_terms(tx, holder).await?.as_ref() == Some(&terms.version)),
        None => None,
    };
    // A person alone on their own server needs no notices from it.
    let asks_email = preset == Preset::Standard && mail::writes_to(app, AddressKind::Email);
    let email_confirmed = if asks_email { Some(addresses::has_email(tx, holder, now).await?) } else { None };
    Ok(Facts {
        preset,
        standing: standing::of(tx, holder, now).await?,
        terms_accepted,
        email_confirmed,
        has_passkey: has_passkey(tx, holder).await?,
        available_minor: payments::most_money(tx, holder).await?,
    })
}
