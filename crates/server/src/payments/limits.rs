//! What leaves without a passkey: the usual limits of the currency, or the owner's own. Lowering counts at once; raising needs a yes
//! by passkey and its time.

use std::net::IpAddr;

use api::error::ErrorCode;
use api::payments::{LimitsList, LimitsOf, LimitsWish, NextLimits};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::ids::{DeviceId, HolderId};
use domain::money::{Currency, Money};
use domain::policy::{self, Approval, Decision, Hold, Limits, usual};
use domain::security::{Happened, SecurityEventKind};
use sha2::{Digest as _, Sha256};

use super::store::{self, OwnLimits};
use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::{self, Asked, Outcome, Shown, Subject};
use crate::{risk, security};

/// The limits that count now.
pub(super) fn of(app: &App, holder: HolderId, currency: Currency) -> impl Read<Answer = Limits> + use<> {
    let now = app.clock.now();
    own(holder, currency).then(move |own| Ok(own.at(now)))
}

fn own(holder: HolderId, currency: Currency) -> impl Read<Answer = OwnLimits> + use<> {
    let usual = OwnLimits { now: usual::limits(currency), next: None };
    store::own_limits(holder, currency).then(move |own| Ok(own.unwrap_or(usual)))
}

/// What leaves without a passkey in each currency that the person pays in.
#[utoipa::path(get, path = "/api/v1/payments/limits", tag = "payments", responses((status = 200, body = LimitsList)))]
pub(super) async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<LimitsList>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let mut items = Vec::new();
    for currency in store::currencies(&mut tx, signed_in.holder).await? {
        items.push(view(&app, currency, &tx.ask(own(signed_in.holder, currency)).await?));
    }
    Ok(Json(LimitsList { items }))
}

fn view(app: &App, currency: Currency, own: &OwnLimits) -> LimitsOf {
    let now = app.clock.now();
    let next = own.next.filter(|(_, from)| *from > now).map(|(limits, from)| NextLimits { limits, from });
    LimitsOf { currency, limits: own.at(now), usual: usual::limits(currency), next }
}

/// Sets the owner's own limits. Lower ones count at once; higher ones need a passkey, shown at the address that is
/// answered, and count after their time.
#[utoipa::path(put, path = "/api/v1/payments/limits/{currency}", tag = "payments",
    params(("currency" = String, Path)), request_body = Limits,
    responses((status = 200, body = LimitsWish), (status = 403, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
pub(super) async fn set(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(currency): Path<String>,
    Json(wish): Json<Limits>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::invalid(ErrorCode::UnknownCurrency, "currency", "this currency is not known");
    let currency: Currency = currency.parse().map_err(|_| unknown())?;
    let range = 0..=Money::MINOR_MAX;
    if !range.contains(&wish.payment_minor) || !range.contains(&wish.day_minor) {
        return Err(ApiError::invalid(ErrorCode::InvalidAmount, "payment_minor", "a limit is zero or more"));
    }
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    let (approval, _) = weigh(&app, &mut tx, signed_in.holder, signed_in.device, currency, wish).await?;
    if wish.is_raised_from(&tx.ask(of(&app, signed_in.holder, currency)).await?)
        && !risk::allows_change(&app, &mut tx, signed_in.holder, signed_in.device, source).await?
    {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    if matches!(approval, Approval::Passkey(_)) {
        tx.commit().await?;
        let address = step_up::begin(&app, &signed_in, source, Subject::Limits { currency, limits: wish }).await?;
        return Ok((StatusCode::OK, Json(LimitsWish { set: None, approve_at: Some(address) })).into_response());
    }
    let own = put(&app, &mut tx, signed_in.holder, signed_in.device, currency, wish).await?;
    tx.commit().await?;
    let set = Some(view(&app, currency, &own));
    Ok((StatusCode::OK, Json(LimitsWish { set, approve_at: None })).into_response())
}

async fn weigh(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    currency: Currency,
    wish: Limits,
) -> Result<(Approval, Option<Hold>), ApiError> {
    let before = tx.ask(of(app, holder, currency)).await?;
    let change = if wish.is_raised_from(&before) { policy::Change::RaiseLimit } else { policy::Change::LowerLimit };
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, change, &caller, app.clock.now()) {
        Decision::Go { approval, hold } => Ok((approval, hold)),
        Decision::Refuse(refusal) => Err(refusal.into()),
    }
}

/// Keeps the wish: at once, or from the end of its hold.
async fn put(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    currency: Currency,
    wish: Limits,
) -> Result<OwnLimits, ApiError> {
    let now = app.clock.now();
    let (_, hold) = weigh(app, tx, holder, device, currency, wish).await?;
    let before = tx.ask(of(app, holder, currency)).await?;
    let own = match hold {
        // What is lower of a raise that waits counts at once all the same.
        Some(hold) => OwnLimits {
            now: Limits {
                payment_minor: before.payment_minor.min(wish.payment_minor),
                day_minor: before.day_minor.min(wish.day_minor),
            },
            next: Some((wish, hold.until)),
        },
        None => OwnLimits { now: wish, next: None },
    };
    store::put_own_limits(tx, holder, currency, &own).await?;
    let raised = wish.is_raised_from(&before);
    let kind = if raised { SecurityEventKind::LimitsRaised } else { SecurityEventKind::LimitsLowered };
    let name = Some(currency.code().to_owned());
    let happened = Happened { at: now, kind, by: Some(device), device: None, name, about: None };
    security::record(tx, holder, happened).await?;
    Ok(own)
}

/// A raise was not its owner's: whatever is above the usual is the usual again, and none waits.
pub(crate) async fn take_raise_back(app: &App, tx: &mut Tx, holder: HolderId, currency: &str) -> DbResult<()> {
    let currency: Currency = currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
    let usual = usual::limits(currency);
    let before = tx.ask(of(app, holder, currency)).await?;
    let now = Limits {
        payment_minor: before.payment_minor.min(usual.payment_minor),
        day_minor: before.day_minor.min(usual.day_minor),
    };
    store::put_own_limits(tx, holder, currency, &OwnLimits { now, next: None }).await
}

/// What the page shows before limits are raised.
pub(crate) async fn shown(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    currency: Currency,
    wish: Limits,
) -> Result<Shown, ApiError> {
    let (_, hold) = weigh(app, tx, asked.holder, asked.device, currency, wish).await?;
    let before = tx.ask(of(app, asked.holder, currency)).await?;
    let words = asked.words();
    let said =
        |minor| Money::new(minor, currency).map_or_else(|_| words.any_amount.to_owned(), |money| money.to_string());
    let from = hold.map_or_else(
        || words.at_once.to_owned(),
        |hold| hold.until.to_zoned(app.settings.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
    );
    let about = format!("{currency} {before:?} {wish:?}");
    let facts = vec![
        (words.payment_now, said(before.payment_minor)),
        (words.payment_then, said(wish.payment_minor)),
        (words.day_now, said(before.day_minor)),
        (words.day_then, said(wish.day_minor)),
        (words.counts, from),
    ];
    Ok(Shown::new(&words.limits, facts, data_encoding::HEXLOWER.encode(&Sha256::digest(about))))
}

pub(crate) async fn raised(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    currency: Currency,
    wish: Limits,
) -> Result<Outcome, ApiError> {
    if !risk::allows_change(app, tx, asked.holder, asked.device, source).await? {
        return Ok(Outcome::Refused(risk::unusual()));
    }
    put(app, tx, asked.holder, asked.device, currency, wish).await?;
    Ok(Outcome::Done)
}
