//! Where a person can be written to: adding an address on the server's page (`page`), confirming it by a code, taking it
//! away. While there is another confirmed address, a change can be objected to for some days; by then nobody gets in by a new address, and an old one
//! is still told of everything. Sending is `mail`'s.

pub(crate) mod page;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::net::IpAddr;

use api::addresses::{AddAddress, Address, AddressList, TypedCode};
use api::error::ErrorCode;
use api::security::OneTimeAddress;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::addresses::{AddressKind, AddressValue, usable_at};
use domain::ids::{AddressId, DeviceId, HolderId};
use domain::policy::Change;
use domain::security::{Happened, SecurityEvent, SecurityEventKind};
use domain::ways_in::{FactorKind, Loss};
use jiff::{SignedDuration, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::mail::{self, Asker, CodeAnswer, CodeRequest, Purpose};
use crate::sign_in::{self, SignedIn, What};
use crate::{risk, security, standing};
use store::Kept;

/// More than anybody reads.
const ADDRESSES_MAX: usize = 10;
/// Accounts that one address is looked for in: a household's, not a crowd's.
const OWNERS_MAX: u32 = 20;
/// An address that nobody confirms by then is forgotten.
const UNCONFIRMED_KEPT: SignedDuration = SignedDuration::from_hours(24);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(remove))
        .routes(routes!(send_code))
        .routes(routes!(confirm))
}

/// The person's addresses, oldest first.
#[utoipa::path(get, path = "/api/v1/security/addresses", tag = "security", responses((status = 200, body = AddressList)))]
async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<AddressList>, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin_read().await?;
    let kept = tx.ask(store::list(signed_in.holder)).await?;
    Ok(Json(AddressList {
        items: kept.iter().filter(|kept| has_not_left(kept, now)).map(|kept| view(kept, now)).collect(),
        sends_email: mail::writes_to(&app, AddressKind::Email),
        sends_texts: mail::writes_to(&app, AddressKind::Phone),
    }))
}

/// The same, for whoever takes everything out.
pub(crate) async fn all(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<Vec<Address>> {
    let kept = tx.ask(store::list(holder)).await?;
    Ok(kept.iter().filter(|kept| has_not_left(kept, now)).map(|kept| view(kept, now)).collect())
}

/// Begins to add an address: good once, for two minutes, at the server's page its owner shows a way in and says yes. An
/// account that has none adds it at once. A code is sent there then, and the address counts once that is typed.
#[utoipa::path(post, path = "/api/v1/security/addresses", tag = "security", request_body = AddAddress,
    responses((status = 201, body = Address), (status = 202, body = OneTimeAddress),
        (status = 403, body = api::error::Problem), (status = 409, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn add(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
    Json(wish): Json<AddAddress>,
) -> Result<Response, ApiError> {
    let value = value_of(&app, &wish)?;
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::ChangeAddress, now).await?;
    let kept = tx.ask(store::list(holder)).await?;
    if let Some(same) = kept.iter().find(|kept| kept.id == wish.id) {
        // The answer to the first time was lost.
        return if same.value == value { Ok(created(same, now)) } else { Err(known()) };
    }
    may_add(&kept, &value, now)?;
    if !risk::allows_change(&app, &mut tx, holder, signed_in.device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    if sign_in::ways_in(&mut tx, &app, holder).await?.count() > 0 {
        let mut begun = sign_in::one_time_address(tx, &app, &signed_in, What::Address(wish)).await?;
        *begun.status_mut() = StatusCode::ACCEPTED;
        return Ok(begun);
    }
    let added = put(&mut tx, &app, holder, &wish, &value, source).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(created(&added, now))
}

/// The address as it is kept. One of a kind that this server does not write to cannot be confirmed.
fn value_of(app: &App, wish: &AddAddress) -> Result<AddressValue, ApiError> {
    let value = AddressValue::parse(wish.kind, &wish.value)
        .map_err(|error| ApiError::invalid(ErrorCode::InvalidAddress, "value", &error.to_string()))?;
    if mail::writes_to(app, wish.kind) {
        Ok(value)
    } else {
        Err(ApiError::new(ErrorCode::NotSentHere, "this server sends no such messages"))
    }
}

fn may_add(kept: &[Kept], value: &AddressValue, now: Timestamp) -> Result<(), ApiError> {
    let is_same = |kept: &&Kept| kept.value.folded() == value.folded();
    if kept.iter().filter(is_same).any(|same| same.times.confirmed_at.is_some() && has_not_left(same, now)) {
        return Err(known());
    }
    let others = kept.iter().filter(|kept| has_not_left(kept, now) && !is_same(kept));
    if others.count() >= ADDRESSES_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "a person has at most 10 addresses"));
    }
    Ok(())
}

/// Keeps an address that may be added, and sends the code there. The holder's row is locked.
async fn put(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    wish: &AddAddress,
    value: &AddressValue,
    source: IpAddr,
) -> Result<Kept, ApiError> {
    let now = app.clock.now();
    let kept = tx.ask(store::list(holder)).await?;
    may_add(&kept, value, now)?;
    for before in kept.iter().filter(|kept| kept.value.folded() == value.folded()) {
        store::remove(tx, holder, before.id).await?;
    }
    store::add(tx, holder, wish.id, value, now).await?;
    mail::write_in(tx, holder, wish.language).await?;
    ask_for_code(tx, app, holder, wish.id, value, source).await?;
    find(tx, holder, wish.id).await?.ok_or_else(ApiError::not_found)
}

fn created(kept: &Kept, now: Timestamp) -> Response {
    (StatusCode::CREATED, axum::Json(view(kept, now))).into_response()
}

fn known() -> ApiError {
    ApiError::invalid(ErrorCode::AddressKnown, "value", "this address is in the list already")
}

async fn ask_for_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    id: AddressId,
    to: &AddressValue,
    source: IpAddr,
) -> DbResult<()> {
    let uuid = id.as_uuid();
    let (purpose, by) = (Purpose::ConfirmAddress, Asker::Proven);
    let request = CodeRequest { holder, to, purpose, by, bound_to: uuid.as_bytes(), source };
    let code = mail::send_code(tx, app, &request).await?;
    store::set_code(tx, holder, id, code).await
}

/// Sends another code, within the limits. The answer is the same beyond them.
#[utoipa::path(post, path = "/api/v1/security/addresses/{id}/code", tag = "security", params(("id" = AddressId, Path)),
    responses((status = 204, description = "On its way, unless too many were asked for"),
        (status = 404, body = api::error::Problem)))]
async fn send_code(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
    Path(id): Path<AddressId>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let kept = find(&mut tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    if kept.times.confirmed_at.is_none() {
        ask_for_code(&mut tx, &app, holder, id, &kept.value, source).await?;
        tx.commit().await?;
        app.jobs.wake();
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the code: the address is the person's.
#[utoipa::path(post, path = "/api/v1/security/addresses/{id}/confirm", tag = "security",
    params(("id" = AddressId, Path)), request_body = TypedCode,
    responses((status = 200, body = Address), (status = 404, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn confirm(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<AddressId>,
    Json(typed): Json<TypedCode>,
) -> Result<Json<Address>, ApiError> {
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::ChangeAddress, now).await?;
    let kept = find(&mut tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    // Confirmed before: the same again is no error.
    if kept.times.confirmed_at.is_some() {
        return Ok(Json(view(&kept, now)));
    }
    let over = || ApiError::new(ErrorCode::CodeOver, "this code is no longer good: ask for a new one");
    let code = kept.code.ok_or_else(over)?;
    let uuid = id.as_uuid();
    let answer =
        mail::check_code(&mut tx, &app, holder, code, Purpose::ConfirmAddress, uuid.as_bytes(), &typed.code).await?;
    match answer {
        CodeAnswer::Right => {}
        CodeAnswer::Wrong => {
            tx.commit().await?;
            return Err(ApiError::invalid(ErrorCode::WrongCode, "code", "this is not the code"));
        }
        CodeAnswer::Over => {
            tx.commit().await?;
            return Err(over());
        }
    }
    let others = tx.ask(store::list(holder)).await?;
    let others_are_told = others.iter().any(|other| other.id != id && other.times.is_told(now));
    let event = SecurityEventKind::AddressAdded;
    let number = security::append(&mut tx, holder, about(event, now, Some(signed_in.device), &kept)).await?;
    let usable_at = usable_at(now, others_are_told, app.settings.policy.numbers().address_veto);
    store::confirm(&mut tx, holder, id, now, usable_at, number).await?;
    let confirmed = find(&mut tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(view(&confirmed, now)))
}

/// Removes an address. It hears of it, and for a while can object.
#[utoipa::path(delete, path = "/api/v1/security/addresses/{id}", tag = "security", params(("id" = AddressId, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn remove(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
    Path(id): Path<AddressId>,
) -> Result<StatusCode, ApiError> {
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::ChangeAddress, now).await?;
    let kept = find(&mut tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    if kept.times.confirmed_at.is_none() {
        store::remove(&mut tx, holder, id).await?;
    } else if kept.times.leaves_at.is_none() {
        let factor = factor_of(kept.value.kind());
        if kept.times.lets_back_in(now) {
            let ways = sign_in::lasting_ways_in(&mut tx, &app, holder).await?;
            ways.may_lose(Loss::Factor(factor)).map_err(sign_in::last_way_in)?;
        }
        // Taking power away is always possible; the owner is asked about it where it is unusual.
        risk::allows_change(&app, &mut tx, holder, signed_in.device, source).await?;
        let event = SecurityEventKind::AddressRemoved;
        let number = security::append(&mut tx, holder, about(event, now, Some(signed_in.device), &kept)).await?;
        let leaves_at = now.saturating_add(app.settings.policy.numbers().address_veto).unwrap_or(Timestamp::MAX);
        store::leave(&mut tx, holder, id, leaves_at, number).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody whom a change was told to says that it was not theirs: the new address goes, the old one stays. Once nobody can
/// object any more a message alone takes no address away, and a device none without which nobody would get in.
pub(crate) async fn stop_change(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    event: &SecurityEvent,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let now = app.clock.now();
    let kept = tx.ask(store::list(holder)).await?;
    let added = kept.iter().find(|kept| kept.added_event == Some(event.number));
    let left = kept.iter().find(|kept| kept.left_event == Some(event.number) && has_not_left(kept, now));
    let Some(address) = added.or(left) else { return Ok(()) };
    if added.is_some() {
        if !may_be_stopped(tx, app, holder, address, by).await? {
            return Ok(());
        }
        store::remove(tx, holder, address.id).await?;
    } else {
        store::stay(tx, holder, address.id).await?;
    }
    let kind = SecurityEventKind::AddressChangeStopped;
    security::append(tx, holder, about(kind, now, by, address)).await.map(drop)
}

/// Whether a no takes this new address away, said on a device or in a message.
async fn may_be_stopped(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    added: &Kept,
    by: Option<DeviceId>,
) -> DbResult<bool> {
    let now = app.clock.now();
    let Some(usable_at) = added.times.usable_at.filter(|usable_at| *usable_at <= now) else { return Ok(true) };
    let waited = added.times.confirmed_at.is_some_and(|confirmed_at| usable_at > confirmed_at);
    if by.is_none() && waited {
        return Ok(false);
    }
    if added.times.leaves_at.is_some() {
        return Ok(true);
    }
    let ways = sign_in::lasting_ways_in(tx, app, holder).await?;
    Ok(ways.may_lose(Loss::Factor(factor_of(added.value.kind()))).is_ok())
}

/// Where the person is told of what happens.
pub(crate) async fn told(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<Vec<AddressValue>> {
    let kept = tx.ask(store::list(holder)).await?;
    Ok(kept.into_iter().filter(|kept| kept.times.is_told(now)).map(|kept| kept.value).collect())
}

/// The address of that kind that a code to get back in goes to: the oldest that nobody objected to.
pub(crate) async fn let_back_in(
    tx: &mut Tx,
    holder: HolderId,
    kind: AddressKind,
    now: Timestamp,
) -> DbResult<Option<AddressValue>> {
    let kept = tx.ask(store::list(holder)).await?;
    let mut good = kept.into_iter().filter(|kept| kept.value.kind() == kind && kept.times.lets_back_in(now));
    Ok(good.next().map(|kept| kept.value))
}

/// Where codes beside a password can go, by e-mail before text messages: confirmed, and nobody objected while they could.
pub(crate) async fn taking_codes(tx: &mut Tx, app: &App, holder: HolderId) -> DbResult<Vec<AddressValue>> {
    codes_go_to(tx, app, holder, |_| true).await
}

/// The same without those that are leaving.
pub(crate) async fn keeping_codes(tx: &mut Tx, app: &App, holder: HolderId) -> DbResult<Vec<AddressValue>> {
    codes_go_to(tx, app, holder, |kept| kept.times.leaves_at.is_none()).await
}

async fn codes_go_to(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    which: impl Fn(&Kept) -> bool,
) -> DbResult<Vec<AddressValue>> {
    let now = app.clock.now();
    let kept = tx.ask(store::list(holder)).await?;
    let takes = |kept: &Kept| kept.times.lets_back_in(now) && mail::writes_to(app, kept.value.kind());
    let good = kept.into_iter().filter(|kept| takes(kept) && which(kept));
    let mut good: Vec<AddressValue> = good.map(|kept| kept.value).collect();
    good.sort_by_key(|to| to.kind() == AddressKind::Phone);
    Ok(good)
}

/// What a code is called that goes there.
pub(crate) const fn factor_of(kind: AddressKind) -> FactorKind {
    match kind {
        AddressKind::Email => FactorKind::Email,
        AddressKind::Phone => FactorKind::Text,
    }
}

/// The accounts that this address or number helps back into, each with the spelling that was confirmed; the same one may
/// be several people's.
pub(crate) async fn owners(
    tx: &mut Tx,
    kind: AddressKind,
    folded: &str,
    now: Timestamp,
) -> DbResult<Vec<(HolderId, AddressValue)>> {
    let kept = store::by_address(tx, kind, folded, OWNERS_MAX).await?;
    let good = kept.into_iter().filter(|(_, kept)| kept.times.lets_back_in(now));
    Ok(good.map(|(holder, kept)| (holder, kept.value)).collect())
}

/// Whether an e-mail address was confirmed that is still the person's.
pub(crate) fn has_email(holder: HolderId, now: Timestamp) -> impl Read<Answer = bool> {
    let confirmed = move |kept: &Kept| {
        kept.value.kind() == AddressKind::Email && kept.times.confirmed_at.is_some() && has_not_left(kept, now)
    };
    store::list(holder).then(move |kept| Ok(kept.iter().any(confirmed)))
}

/// Removes addresses that have left, and those that nobody confirmed.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, now, now.saturating_sub(UNCONFIRMED_KEPT).unwrap_or(now)).await?;
    tx.commit().await
}

fn about(kind: SecurityEventKind, at: Timestamp, by: Option<DeviceId>, kept: &Kept) -> Happened {
    Happened { at, kind, by, device: None, name: Some(kept.value.covered()), about: None }
}

async fn find(tx: &mut Tx, holder: HolderId, id: AddressId) -> DbResult<Option<Kept>> {
    Ok(tx.ask(store::list(holder)).await?.into_iter().find(|kept| kept.id == id))
}

fn has_not_left(kept: &Kept, now: Timestamp) -> bool {
    kept.times.leaves_at.is_none_or(|leaves_at| leaves_at > now)
}

fn view(kept: &Kept, now: Timestamp) -> Address {
    Address {
        id: kept.id,
        kind: kept.value.kind(),
        value: kept.value.text().to_owned(),
        state: kept.times.state(now),
        added_at: kept.added_at,
    }
}
