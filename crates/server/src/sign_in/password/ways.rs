//! The password and the authenticator apps of an account. Setting, changing and adding happen in the browser, on a visit
//! that a signed-in device begins and in which a way in was shown. Naming and removing only reduce power and need no
//! browser.

use std::net::IpAddr;
use std::sync::Arc;

use api::error::ErrorCode;
use api::security::{CodesTo, Factor, FactorName, OneTimeAddress, Password, WaysIn};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::ids::{DeviceId, FactorId, HolderId};
use domain::policy::Change;
use domain::security::{Happened, SecurityEventKind};
use domain::ways_in::{FactorKind, Loss, PasswordState, PasswordWay};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::language::{self, Wanted};
use super::super::passkeys::{Recognised, note_failure};
use super::super::visit::too_often;
use super::super::ways_in::{
    AddVisit, Adding, Removing, What, finish_visit, last_way_in, name_of, one_time_address, shut_others_out,
};
use super::super::{SignedIn, pages as common};
use super::hashing::{Hashed, Typed};
use super::totp::Authenticator;
use super::{
    CodeTaken, Pending, code_goes_to, draw_name, hashed, name_key, pages, refused, sealing, send_code, set_pending,
    store, take_code, visits,
};
use crate::App;
use crate::db::Tx;
use crate::error::ApiError;
use crate::http::{Json, Path, Query, Source};
use crate::{addresses, risk, security, standing};

pub const PASSWORD: &str = "/sign-in/ways-in/password";
pub const KEEP: &str = "/sign-in/ways-in/keep";
pub const CODE: &str = "/sign-in/ways-in/code";
const DONE: &str = "/sign-in/ways-in/done";
/// More than anybody keeps apart.
const APPS_MAX: usize = 10;
/// Characters of a holder's name that become the beginning of an account name.
const NAME_BEGINNING: usize = 30;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(prove))
        .routes(routes!(send_proof_code))
        .routes(routes!(password_page, set_password))
        .routes(routes!(code_page, finish_code))
        .routes(routes!(keep_page, keep))
        .routes(routes!(done))
}

pub fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(begin_password, remove_password))
        .routes(routes!(begin_keep, let_go))
        .routes(routes!(begin_app))
        .routes(routes!(rename, remove))
}

// ---- for a signed-in device --------------------------------------------------------------------------------------

/// The password and the second factors of the account.
#[utoipa::path(get, path = "/api/v1/security/ways-in", tag = "security", responses((status = 200, body = WaysIn)))]
async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<WaysIn>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let ways = store::ways_in(&mut tx, &app, signed_in.holder).await?;
    let lasting = store::lasting_ways_in(&mut tx, &app, signed_in.holder).await?;
    let password = store::password(&mut tx, signed_in.holder).await?.map(|kept| Password {
        name: kept.name,
        state: ways.password_state().unwrap_or(PasswordState::NeedsFactor),
        kept: kept.way.kept,
        changed_at: kept.changed_at,
        last_used_at: kept.last_used_at,
        last: lasting.may_lose(Loss::Password).is_err(),
    });
    let last = lasting.may_lose(Loss::Factor(FactorKind::Totp)).is_err();
    let apps = store::totps(&mut tx, signed_in.holder).await?.into_iter().map(|totp| Factor {
        id: totp.id,
        kind: FactorKind::Totp,
        name: totp.name,
        created_at: totp.created_at,
        last_used_at: totp.last_used_at,
        last,
    });
    let factors: Vec<Factor> = apps.collect();
    let codes_to = addresses::taking_codes(&mut tx, &app, signed_in.holder).await?;
    let codes_to =
        codes_to.iter().map(|to| CodesTo { kind: addresses::factor_of(to.kind()), to: to.text().to_owned() }).collect();
    Ok(Json(WaysIn { password, factors, codes_to }))
}

/// An address at which the person sets or changes the password: good once, for two minutes.
#[utoipa::path(post, path = "/api/v1/security/password", tag = "security",
    responses((status = 201, body = OneTimeAddress), (status = 403, body = api::error::Problem)))]
async fn begin_password(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_write().await?;
    let device = (signed_in.holder, signed_in.device);
    if let Some(refusal) = refused_as_unusual(&app, &mut tx, device, source).await? {
        tx.commit().await?;
        return Err(refusal);
    }
    one_time_address(tx, &app, &signed_in, What::Password).await
}

/// Removes the password, unless it is the last way in.
#[utoipa::path(delete, path = "/api/v1/security/password", tag = "security", params(Removing),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn remove_password(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
    Query(removing): Query<Removing>,
) -> Result<StatusCode, ApiError> {
    let (holder, now) = (signed_in.holder, app.clock.now());
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::RemoveWayIn, now).await?;
    let ways = store::lasting_ways_in(&mut tx, &app, holder).await?;
    if ways.password.is_none() {
        return Err(ApiError::not_found());
    }
    ways.may_lose(Loss::Password).map_err(last_way_in)?;
    // Taking power away is always possible; the owner is asked about it where it is unusual.
    risk::allows_change(&app, &mut tx, holder, signed_in.device, source).await?;
    store::remove_password(&mut tx, holder).await?;
    security::record(&mut tx, holder, by(&app, &signed_in, SecurityEventKind::PasswordRemoved, None)).await?;
    shut_others_out(&mut tx, holder, Some(signed_in.device), removing.keep_devices, now).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An address at which the person says that the password stays beside two passkeys: good once, for two minutes.
#[utoipa::path(post, path = "/api/v1/security/password/kept", tag = "security",
    responses((status = 201, body = OneTimeAddress), (status = 403, body = api::error::Problem),
        (status = 404, body = api::error::Problem)))]
async fn begin_keep(State(app): State<App>, Source(source): Source, signed_in: SignedIn) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_write().await?;
    let device = (signed_in.holder, signed_in.device);
    if let Some(refusal) = refused_as_unusual(&app, &mut tx, device, source).await? {
        tx.commit().await?;
        return Err(refusal);
    }
    if store::password(&mut tx, signed_in.holder).await?.is_none() {
        return Err(ApiError::not_found());
    }
    one_time_address(tx, &app, &signed_in, What::KeptPassword).await
}

/// Lets the passkeys stand alone where there are two. Twice is no error.
#[utoipa::path(delete, path = "/api/v1/security/password/kept", tag = "security",
    responses((status = 204, description = "Noted"), (status = 404, body = api::error::Problem)))]
async fn let_go(State(app): State<App>, signed_in: SignedIn) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    standing::demand(&mut tx, signed_in.holder, Change::RemoveWayIn, app.clock.now()).await?;
    let Some(kept) = store::password(&mut tx, signed_in.holder).await? else { return Err(ApiError::not_found()) };
    if kept.way.kept {
        store::keep_password(&mut tx, signed_in.holder, false).await?;
        let happened = by(&app, &signed_in, SecurityEventKind::PasswordLetGo, None);
        security::record(&mut tx, signed_in.holder, happened).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// An address at which the person sets up one more authenticator app: good once, for two minutes.
#[utoipa::path(post, path = "/api/v1/security/factors", tag = "security",
    responses((status = 201, body = OneTimeAddress), (status = 403, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn begin_app(State(app): State<App>, Source(source): Source, signed_in: SignedIn) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_write().await?;
    let device = (signed_in.holder, signed_in.device);
    if let Some(refusal) = refused_as_unusual(&app, &mut tx, device, source).await? {
        tx.commit().await?;
        return Err(refusal);
    }
    if store::totps(&mut tx, signed_in.holder).await?.len() >= APPS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 10 authenticator apps"));
    }
    one_time_address(tx, &app, &signed_in, What::Authenticator).await
}

/// Gives a second factor another name.
#[utoipa::path(patch, path = "/api/v1/security/factors/{id}", tag = "security", params(("id" = FactorId, Path)),
    request_body = FactorName, responses((status = 204, description = "Named"), (status = 404, body = api::error::Problem)))]
async fn rename(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<FactorId>,
    Json(wish): Json<FactorName>,
) -> Result<StatusCode, ApiError> {
    let name = name_of(&wish.name)?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    standing::demand(&mut tx, signed_in.holder, Change::RenameWayIn, app.clock.now()).await?;
    if !store::name_totp(&mut tx, signed_in.holder, id, &name).await? {
        return Err(ApiError::not_found());
    }
    let happened = by(&app, &signed_in, SecurityEventKind::FactorRenamed, Some(&name));
    security::record(&mut tx, signed_in.holder, happened).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a second factor, unless nobody could sign in without it.
#[utoipa::path(delete, path = "/api/v1/security/factors/{id}", tag = "security",
    params(("id" = FactorId, Path), Removing),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn remove(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
    Path(id): Path<FactorId>,
    Query(removing): Query<Removing>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::RemoveWayIn, app.clock.now()).await?;
    let apps = store::totps(&mut tx, holder).await?;
    let Some(totp) = apps.iter().find(|totp| totp.id == id) else { return Err(ApiError::not_found()) };
    let ways = store::lasting_ways_in(&mut tx, &app, holder).await?;
    ways.may_lose(Loss::Factor(FactorKind::Totp)).map_err(last_way_in)?;
    risk::allows_change(&app, &mut tx, holder, signed_in.device, source).await?;
    store::remove_totp(&mut tx, holder, id).await?;
    let happened = by(&app, &signed_in, SecurityEventKind::FactorRemoved, Some(&totp.name));
    security::record(&mut tx, holder, happened).await?;
    shut_others_out(&mut tx, holder, Some(signed_in.device), removing.keep_devices, app.clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The refusal of a change that is too unusual for the account; the caller commits it.
async fn refused_as_unusual(
    app: &App,
    tx: &mut Tx,
    (holder, device): (HolderId, DeviceId),
    source: IpAddr,
) -> Result<Option<ApiError>, ApiError> {
    tx.lock(holder).await?;
    standing::demand(tx, holder, Change::AddWayIn, app.clock.now()).await?;
    let allowed = risk::allows_change(app, tx, holder, device, source).await?;
    Ok((!allowed).then(risk::unusual))
}

fn by(app: &App, signed_in: &SignedIn, kind: SecurityEventKind, name: Option<&str>) -> Happened {
    Happened { by: Some(signed_in.device), name: name.map(str::to_owned), ..super::event(kind, app.clock.now()) }
}

// ---- the visit ---------------------------------------------------------------------------------------------------

/// What a visit begins with, in the transaction that begins it: names and keys that its pages show.
pub async fn begin(tx: &mut Tx, app: &App, visit: &[u8; 32], adding: &Adding) -> Result<(), ApiError> {
    let pending = match adding.what {
        What::Passkey | What::KeptPassword | What::SavedCode | What::Address(_) => return Ok(()),
        What::Authenticator => Pending::Key { secret: sealing::new_key(app, visit)? },
        What::Password => {
            let name = visits::holder_name(tx, adding.holder).await?.ok_or_else(refused)?;
            let account_name = match store::password(tx, adding.holder).await? {
                Some(kept) => kept.name,
                None => draw_name(tx, app, &name.chars().take(NAME_BEGINNING).collect::<String>()).await?,
            };
            Pending::Named { name, account_name }
        }
    };
    set_pending(tx, visit, &pending).await
}

/// What a page needs to know of the account that the visit is for.
struct Account {
    name: String,
    ways: domain::ways_in::WaysIn,
}

async fn account(app: &App, holder: HolderId) -> Result<Account, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let name = visits::holder_name(&mut tx, holder).await?.ok_or_else(ApiError::not_found)?;
    Ok(Account { name, ways: store::ways_in(&mut tx, app, holder).await? })
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Proof {
    password: String,
    code: String,
}

/// Shows the account's password and a code, where it has no passkey to show.
#[utoipa::path(post, path = "/sign-in/ways-in/prove", tag = "security", request_body = Proof,
    responses((status = 200, body = Recognised)))]
async fn prove(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
    Json(proof): Json<Proof>,
) -> Result<Json<Recognised>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    match check_proof(&app, &visit, proof).await {
        Ok(()) => Ok(Json(Recognised { location: visit.adding.what.page().to_owned() })),
        Err(error) => Err(note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

#[derive(Serialize, utoipa::ToSchema)]
struct SentTo {
    /// Where the code goes, mostly covered.
    to: String,
}

/// Sends the code that the proof asks for, where no authenticator app shows one. Beyond the limits none, and the same answer.
#[utoipa::path(post, path = "/sign-in/ways-in/send-code", tag = "security",
    responses((status = 200, body = SentTo), (status = 403, body = api::error::Problem)))]
async fn send_proof_code(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
) -> Result<Json<SentTo>, ApiError> {
    let holder = visit.adding.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    code_goes_to(&mut tx, &app, holder).await?.ok_or_else(refused)?;
    let to = send_code(&mut tx, &app, holder, &visit.hash, source).await?.ok_or_else(refused)?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(SentTo { to }))
}

async fn check_proof(app: &App, visit: &AddVisit, proof: Proof) -> Result<(), ApiError> {
    let holder = visit.adding.holder;
    let mut tx = app.db.begin_read().await?;
    let kept = store::password(&mut tx, holder).await?;
    drop(tx);
    let typed = Arc::new(Typed::new(proof.password).ok_or_else(refused)?);
    let fits = app.identity.passwords.fits(typed, kept.as_ref().map(|kept| kept.hash.as_str())).await?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let ways = store::ways_in(&mut tx, app, holder).await?;
    // A passkey is the better proof, so where there is one it is asked for.
    if !fits || ways.passkeys > 0 || ways.password_state() != Some(PasswordState::On) {
        return Err(refused());
    }
    match take_code(&mut tx, app, holder, &visit.hash, &proof.code).await? {
        CodeTaken::Fits => {
            if !visit.note_proof(&mut tx, app).await? {
                return Err(refused());
            }
            Ok(tx.commit().await?)
        }
        CodeTaken::Wrong => {
            tx.commit().await?;
            Err(refused())
        }
        CodeTaken::TooOften(wait) => Err(too_often(wait)),
    }
}

/// The page that asks for a new password.
#[utoipa::path(get, path = "/sign-in/ways-in/password", tag = "security",
    responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn password_page(State(app): State<App>, visit: AddVisit) -> Result<Response, ApiError> {
    if visit.adding.what != What::Password {
        return Ok(Redirect::to(visit.adding.what.page()).into_response());
    }
    let Account { name, ways } = account(&app, visit.adding.holder).await?;
    if !visit.may_add(&ways) {
        return Ok(common::prove(&app, visit.language, &name, &ways));
    }
    let (Some(Pending::Named { account_name, .. }) | Some(Pending::Chosen { account_name, .. })) = &visit.pending
    else {
        return Err(refused());
    };
    Ok(pages::change(&app, visit.language, account_name, ways.password.is_some(), PASSWORD))
}

#[derive(Deserialize, utoipa::ToSchema)]
struct NewPassword {
    /// 8 to 256 characters of any kind.
    password: String,
    /// Leaves the account's other devices signed in when a password is changed.
    #[serde(default)]
    keep_devices: bool,
}

/// Takes the new password. Where no second factor goes with it, an authenticator app is set up before it counts.
#[utoipa::path(post, path = "/sign-in/ways-in/password", tag = "security", request_body = NewPassword,
    responses((status = 200, body = Recognised)))]
async fn set_password(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
    Json(new): Json<NewPassword>,
) -> Result<Json<Recognised>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let Account { ways, .. } = account(&app, visit.adding.holder).await?;
    if visit.adding.what != What::Password || !visit.may_add(&ways) {
        return Err(refused());
    }
    let (Some(Pending::Named { name, account_name }) | Some(Pending::Chosen { name, account_name, .. })) =
        visit.pending.clone()
    else {
        return Err(refused());
    };
    let Hashed { hash, long } = hashed(&app, new.password, &[&name, &account_name]).await?;
    let way = PasswordWay { long, kept: false };
    let mut tx = app.db.begin_write().await?;
    tx.lock(visit.adding.holder).await?;
    let location = if ways.factors.iter().any(|factor| way.goes_with(*factor)) {
        let chosen = NewWay { account_name: &account_name, hash: &hash, long, keep_devices: new.keep_devices };
        finish_visit(&app, &mut tx, &visit).await?;
        if let Some(refusal) = refused_as_unusual(&app, &mut tx, visit.adding.of(), source).await? {
            tx.commit().await?;
            return Err(refusal);
        }
        put_password(&mut tx, &app, &visit.adding, &chosen).await?;
        done_page(&visit)
    } else {
        let (keep_devices, secret) = (new.keep_devices, sealing::new_key(&app, &visit.hash)?);
        let chosen = Pending::Chosen { name, account_name, hash, long, secret, keep_devices };
        set_pending(&mut tx, &visit.hash, &chosen).await?;
        CODE.to_owned()
    };
    tx.commit().await?;
    Ok(Json(Recognised { location }))
}

struct NewWay<'a> {
    account_name: &'a str,
    hash: &'a str,
    long: bool,
    keep_devices: bool,
}

async fn put_password(tx: &mut Tx, app: &App, adding: &Adding, new: &NewWay<'_>) -> Result<(), ApiError> {
    let (holder, now) = (adding.holder, app.clock.now());
    let kind = if store::change_password(tx, holder, new.hash, new.long, now).await? {
        shut_others_out(tx, holder, Some(adding.device), new.keep_devices, now).await?;
        SecurityEventKind::PasswordChanged
    } else {
        let names = (new.account_name, name_key(new.account_name));
        match store::put_password(tx, holder, (names.0, &names.1), new.hash, new.long, now).await {
            // Somebody drew the same digits meanwhile: the person begins again and gets others.
            Err(error) if error.is_duplicate() => return Err(refused()),
            other => other?,
        }
        SecurityEventKind::PasswordSet
    };
    let happened = Happened { by: Some(adding.device), ..super::event(kind, now) };
    Ok(security::record(tx, holder, happened).await?)
}

/// The page that sets up an authenticator app.
#[utoipa::path(get, path = "/sign-in/ways-in/code", tag = "security",
    responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn code_page(State(app): State<App>, visit: AddVisit) -> Result<Response, ApiError> {
    let Account { name, ways } = account(&app, visit.adding.holder).await?;
    let (Some(Pending::Key { secret }) | Some(Pending::Chosen { secret, .. })) = &visit.pending else {
        return Ok(Redirect::to(visit.adding.what.page()).into_response());
    };
    if !visit.may_add(&ways) {
        return Ok(common::prove(&app, visit.language, &name, &ways));
    }
    let secret = sealing::key_of(&app, &visit.hash, secret)?;
    let key = Authenticator::new(&secret, &name, &app.settings.server_name).ok_or_else(refused)?;
    pages::set_up(&app, visit.language, &key, true, CODE).ok_or_else(refused)
}

#[derive(Deserialize, utoipa::ToSchema)]
struct NewApp {
    /// Six digits; spaces do not matter.
    code: String,
    /// How its owner calls it, 1 to 80 characters.
    name: String,
}

/// Keeps the authenticator app, and the password that waited for it. The visit has done what it was for.
#[utoipa::path(post, path = "/sign-in/ways-in/code", tag = "security", request_body = NewApp,
    responses((status = 200, body = Recognised)))]
async fn finish_code(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
    Json(new): Json<NewApp>,
) -> Result<Json<Recognised>, ApiError> {
    let name = name_of(&new.name)?;
    match add_app(&app, source, &visit, &name, &new.code).await {
        Ok(()) => Ok(Json(Recognised { location: done_page(&visit) })),
        Err(error) => Err(note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

async fn add_app(app: &App, source: IpAddr, visit: &AddVisit, name: &str, code: &str) -> Result<(), ApiError> {
    let (Some(Pending::Key { secret }) | Some(Pending::Chosen { secret, .. })) = &visit.pending else {
        return Err(refused());
    };
    let (holder, now) = (visit.adding.holder, app.clock.now());
    let secret = sealing::key_of(app, &visit.hash, secret)?;
    let step = Authenticator::checking(&secret).and_then(|key| key.step_of(code, now)).ok_or_else(refused)?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    finish_visit(app, &mut tx, visit).await?;
    if let Some(refusal) = refused_as_unusual(app, &mut tx, visit.adding.of(), source).await? {
        tx.commit().await?;
        return Err(refusal);
    }
    if let Some(Pending::Chosen { account_name, hash, long, keep_devices, .. }) = &visit.pending {
        let chosen = NewWay { account_name, hash, long: *long, keep_devices: *keep_devices };
        put_password(&mut tx, app, &visit.adding, &chosen).await?;
    }
    let factor = app.new_factor_id();
    let sealed = sealing::seal(app, holder, factor, &secret)?;
    store::put_totp(&mut tx, holder, factor, name, &sealed, step, now).await?;
    let kind = SecurityEventKind::FactorAdded;
    let happened = Happened { by: Some(visit.adding.device), name: Some(name.to_owned()), ..super::event(kind, now) };
    security::record(&mut tx, holder, happened).await?;
    Ok(tx.commit().await?)
}

/// The page that asks whether the password stays beside two passkeys.
#[utoipa::path(get, path = "/sign-in/ways-in/keep", tag = "security",
    responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn keep_page(State(app): State<App>, visit: AddVisit) -> Result<Response, ApiError> {
    if visit.adding.what != What::KeptPassword {
        return Ok(Redirect::to(visit.adding.what.page()).into_response());
    }
    let Account { name, ways } = account(&app, visit.adding.holder).await?;
    let language = visit.language;
    Ok(if visit.may_add(&ways) {
        pages::keep(&app, language, &name, KEEP)
    } else {
        common::prove(&app, language, &name, &ways)
    })
}

/// Keeps the password a way in beside two passkeys. The visit has done what it was for.
#[utoipa::path(post, path = "/sign-in/ways-in/keep", tag = "security", responses((status = 200, body = Recognised)))]
async fn keep(State(app): State<App>, Source(source): Source, visit: AddVisit) -> Result<Json<Recognised>, ApiError> {
    let holder = visit.adding.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if visit.adding.what != What::KeptPassword {
        return Err(refused());
    }
    finish_visit(&app, &mut tx, &visit).await?;
    if let Some(refusal) = refused_as_unusual(&app, &mut tx, visit.adding.of(), source).await? {
        tx.commit().await?;
        return Err(refusal);
    }
    let Some(kept) = store::password(&mut tx, holder).await? else { return Err(refused()) };
    if !kept.way.kept {
        store::keep_password(&mut tx, holder, true).await?;
        let happened = super::event(SecurityEventKind::PasswordKept, app.clock.now());
        security::record(&mut tx, holder, Happened { by: Some(visit.adding.device), ..happened }).await?;
    }
    tx.commit().await?;
    Ok(Json(Recognised { location: done_page(&visit) }))
}

/// Where the page at the end of it is.
fn done_page(visit: &AddVisit) -> String {
    language::address(DONE, visit.language)
}

/// The page at the end of it.
#[utoipa::path(get, path = "/sign-in/ways-in/done", tag = "security", responses((status = 200, description = "The page")))]
async fn done(State(app): State<App>, Wanted(language): Wanted) -> Response {
    pages::done(&app, language)
}
