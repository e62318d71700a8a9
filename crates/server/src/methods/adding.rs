//! Adding a method: begun on a signed-in device, the number typed on the server's page, and said yes to with a passkey on
//! what is left of it. Between typing and the yes there is a token and no method.

use std::net::IpAddr;

use api::error::ErrorCode;
use api::methods::AddMethod;
use api::security::OneTimeAddress;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::addresses::Language;
use domain::ids::{DeviceId, HolderId, MethodId};
use domain::methods::{Method, MethodKind, NumberError, TypedNumber};
use domain::policy::{self, Approval, Decision, Hold};
use domain::security::SecurityEventKind;
use jiff::SignedDuration;
use maud::html;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::store::{self, Kept};
use super::tokeniser::TokeniserError;
use super::words::words;
use crate::App;
use crate::db::Tx;
use crate::error::ApiError;
use crate::http::{Json, Source};
use crate::sign_in::step_up::{self, Asked, Outcome, Recognised, Shown, StepUpVisit, Subject};
use crate::sign_in::{SignedIn, notices, page_in, to_account, too_often};
use crate::{feed, risk};

/// What was typed and not said yes to is forgotten after so long: longer than the page lives.
const TYPED_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// An address at which the number of a new method is typed: good once, for two minutes.
#[utoipa::path(post, path = "/api/v1/methods", tag = "methods", request_body = AddMethod,
    responses((status = 201, body = OneTimeAddress), (status = 403, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
pub(super) async fn begin(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Json(wish): Json<AddMethod>,
) -> Result<Response, ApiError> {
    let (holder, device) = (signed_in.holder, signed_in.device);
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    store::forget_typed(&mut tx, holder, app.clock.now() - TYPED_LIFE).await?;
    weigh(&app, &mut tx, holder, device).await?;
    if store::is_known(&mut tx, holder, wish.id).await? {
        return Err(ApiError::new(ErrorCode::KeyReused, "this id is that of another payment method"));
    }
    room_for_one(&mut tx, holder).await?;
    let allowed = risk::allows_change(&app, &mut tx, holder, device, source).await?;
    tx.commit().await?;
    if !allowed {
        return Err(risk::unusual());
    }
    let subject = Subject::AddMethod { id: wish.id, kind: wish.kind };
    let address = step_up::begin(&app, &signed_in, source, subject).await?;
    Ok((StatusCode::CREATED, Json(address)).into_response())
}

async fn room_for_one(tx: &mut Tx, holder: HolderId) -> Result<(), ApiError> {
    if store::all(tx, holder).await?.len() >= Method::MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 20 payment methods"));
    }
    Ok(())
}

async fn weigh(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
) -> Result<(Approval, Option<Hold>), ApiError> {
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, policy::Change::AddMethod, &caller, app.clock.now()) {
        Decision::Go { approval, hold } => Ok((approval, hold)),
        Decision::Refuse(refusal) => Err(refusal.into()),
    }
}

// ---- the page ----------------------------------------------------------------------------------------------------

/// The kind of method whose number this visit has yet to type.
pub(crate) async fn wants_number(tx: &mut Tx, asked: &Asked) -> Result<Option<MethodKind>, ApiError> {
    let Subject::AddMethod { id, kind } = asked.subject else { return Ok(None) };
    Ok(store::typed(tx, asked.holder, id).await?.is_none().then_some(kind))
}

/// The form for a number. What is typed goes to this server and nowhere else.
pub(crate) fn number_page(app: &App, language: Language, holder: &str, kind: MethodKind) -> Response {
    let words = words(language);
    let title = match kind {
        MethodKind::Card => words.add_card,
        MethodKind::BankAccount => words.add_bank_account,
    };
    let body = html! {
        div { h1 id="title" { (title) } p.soft { (to_account(language, holder)) } }
        (notices(language))
        form data-send="/sign-in/step-up/number" {
            @match kind {
                MethodKind::Card => {
                    div.field {
                        label for="number" { (words.card_number) }
                        input id="number" name="number" type="text" inputmode="numeric" autocomplete="cc-number" spellcheck="false" maxlength="40" required aria-describedby="number-help";
                        p.help id="number-help" { (words.card_number_help) }
                    }
                    div.field {
                        label for="expiry" { (words.expires) }
                        input id="expiry" name="expiry" type="text" inputmode="numeric" autocomplete="cc-exp" spellcheck="false" maxlength="9" placeholder="08/2029" required;
                    }
                }
                MethodKind::BankAccount => {
                    div.field {
                        label for="routing" { (words.routing) }
                        input id="routing" name="routing" type="text" inputmode="numeric" autocomplete="off" spellcheck="false" maxlength="20" required aria-describedby="routing-help";
                        p.help id="routing-help" { (words.routing_help) }
                    }
                    div.field {
                        label for="number" { (words.account_number) }
                        input id="number" name="number" type="text" inputmode="numeric" autocomplete="off" spellcheck="false" maxlength="40" required;
                    }
                }
            }
            button.primary type="submit" { (words.go_on) }
        }
        p.small.soft { (words.note) }
    };
    page_in(app, StatusCode::OK, language, title, &body)
}

#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Number {
    #[schema(value_type = String)]
    number: Zeroizing<String>,
    /// Of cards.
    #[serde(default)]
    expiry: String,
    /// Of bank accounts.
    #[serde(default)]
    routing: String,
}

/// Takes the number that was typed, for its token. Where a passkey approves, the page asks for it next.
#[utoipa::path(post, path = "/sign-in/step-up/number", tag = "security", request_body = Number,
    responses((status = 200, body = Recognised), (status = 409, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
pub(super) async fn number(
    State(app): State<App>,
    Source(source): Source,
    visit: StepUpVisit,
    Json(typed): Json<Number>,
) -> Result<Json<Recognised>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let asked = visit.asked;
    let Subject::AddMethod { id, kind } = asked.subject else {
        return Err(ApiError::new(ErrorCode::InvalidRequest, "this visit adds no payment method"));
    };
    let today = super::today(&app);
    let typed = match kind {
        MethodKind::Card => TypedNumber::card(&typed.number, &typed.expiry, today),
        MethodKind::BankAccount => TypedNumber::bank_account(&typed.number, &typed.routing),
    };
    let typed = typed.map_err(refused)?;
    let (last_four, expiry) = (typed.last_four().to_owned(), typed.expiry());
    let tokenised = app.tokeniser.exchange(typed).await.map_err(|error| match error {
        TokeniserError::PracticeOnly => {
            ApiError::invalid(ErrorCode::PracticeNumbersOnly, "number", "practice takes practice numbers alone")
        }
        TokeniserError::Silent => ApiError::new(ErrorCode::Unavailable, "numbers cannot be exchanged just now"),
    })?;
    let now = app.clock.now();
    let method = Method {
        id,
        kind,
        brand: tokenised.brand.clone(),
        last_four,
        expiry,
        is_default: false,
        frozen: false,
        added_at: now,
        usable_from: now,
    };
    let mut tx = app.db.begin_write().await?;
    tx.lock(asked.holder).await?;
    let (approval, _) = weigh(&app, &mut tx, asked.holder, asked.device).await?;
    unknown(&mut tx, asked.holder, &tokenised.fingerprint).await?;
    store::put_typed(&mut tx, asked.holder, &method, &tokenised).await?;
    if matches!(approval, Approval::Passkey(_)) {
        tx.commit().await?;
        return Ok(Json(Recognised::next()));
    }
    // Nothing stronger than the device can be asked: it is added as soon as its number is known.
    let outcome = added(&app, &mut tx, &asked, source, id).await?;
    visit.end(&mut tx).await?;
    tx.commit().await?;
    match outcome {
        Outcome::Done => Ok(Json(Recognised::done(asked.language()))),
        Outcome::Refused(error) => Err(error),
    }
}

fn refused(error: NumberError) -> ApiError {
    let (code, field) = match error {
        NumberError::Card | NumberError::Account => (ErrorCode::InvalidNumber, "number"),
        NumberError::Routing => (ErrorCode::InvalidNumber, "routing"),
        NumberError::Expiry | NumberError::Expired => (ErrorCode::InvalidDate, "expiry"),
    };
    ApiError::invalid(code, field, &error.to_string())
}

async fn unknown(tx: &mut Tx, holder: HolderId, fingerprint: &[u8]) -> Result<(), ApiError> {
    if store::all(tx, holder).await?.iter().any(|kept| kept.fingerprint == fingerprint) {
        return Err(ApiError::new(ErrorCode::MethodKnown, "this payment method is there already"));
    }
    Ok(())
}

// ---- the yes -----------------------------------------------------------------------------------------------------

/// What the page shows before a method is added. Before the number is typed there is nothing to say yes to.
pub(crate) async fn shown_adding(app: &App, tx: &mut Tx, asked: &Asked, id: MethodId) -> Result<Shown, ApiError> {
    let (_, hold) = weigh(app, tx, asked.holder, asked.device).await?;
    let typed = store::typed(tx, asked.holder, id).await?;
    let digest = digest(id, typed.as_ref());
    let words = asked.words();
    let mut facts = Vec::new();
    if let Some(Kept { method, .. }) = typed {
        facts.push((words.method, method.name()));
        if let Some(expiry) = method.expiry {
            facts.push((words.expires, expiry.to_string()));
        }
        let from = hold.map_or_else(
            || words.at_once.to_owned(),
            |hold| hold.until.to_zoned(app.settings.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        );
        facts.push((words.pays_from, from));
    }
    Ok(Shown::new(&words.add_method, facts, digest))
}

fn digest(id: MethodId, typed: Option<&Kept>) -> String {
    let mut hash = Sha256::new_with_prefix(b"billfold method 1");
    hash.update(id.as_uuid().as_bytes());
    if let Some(kept) = typed {
        hash.update(&kept.fingerprint);
        hash.update(format!("{:?}", kept.method.expiry));
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

/// What was typed becomes a method.
pub(crate) async fn added(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    id: MethodId,
) -> Result<Outcome, ApiError> {
    let (holder, now) = (asked.holder, app.clock.now());
    if !risk::allows_change(app, tx, holder, asked.device, source).await? {
        return Ok(Outcome::Refused(risk::unusual()));
    }
    let (_, hold) = weigh(app, tx, holder, asked.device).await?;
    room_for_one(tx, holder).await?;
    let typed = store::typed(tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    unknown(tx, holder, &typed.fingerprint).await?;
    let usable_from = hold.map_or(now, |hold| hold.until);
    let method = Method { added_at: now, usable_from, ..typed.method };
    if !store::enliven(tx, holder, &method).await? {
        return Err(ApiError::not_found());
    }
    super::watch_expiry(app, tx, holder, &method).await?;
    super::note(tx, holder, SecurityEventKind::MethodAdded, &method, now, Some(asked.device)).await?;
    feed::put(tx, holder, now, &api::sync::Record::Method(method)).await?;
    Ok(Outcome::Done)
}
