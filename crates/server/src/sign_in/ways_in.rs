//! The passkeys of an account, and the visit that adds a way in. One more is made in the browser, on a visit that a
//! signed-in device begins: the person first shows a way in that the account has. Naming and taking one away need no browser, since both only reduce power.

use api::addresses::AddAddress;
use api::error::ErrorCode;
use api::security::{OneTimeAddress, PasskeyList, PasskeyName};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::addresses::Language;
use domain::ids::{DeviceId, HolderId, PasskeyId};
use domain::policy::{APPROVAL_FRESH, Change};
use domain::security::{Happened, SecurityEventKind};
use domain::ways_in::{LastWayIn, Loss, WaysIn};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use webauthn_rs::prelude::{Passkey, PasskeyAuthentication, PasskeyRegistration};

use super::language::{self, Wanted};
use super::passkeys::{
    Finish, Recognised, Started, assertion, note_failure, note_use, put_ceremony, refused, registration,
    require_resident, take_ceremony, uncounted,
};
use super::password::{self, Pending};
use super::visit::{KeptVisit, VISIT_LIFE, VisitCookie, clean_name, take_address, too_often};
use super::{SignedIn, hash, new_secret, pages, sign_device_out, store};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path, Query, Source};
use crate::{addresses, recovery, risk, security, standing};

/// The address is opened at once, by the app.
const ADDRESS_LIFE: SignedDuration = SignedDuration::from_secs(120);
/// More than anybody keeps apart.
const PASSKEYS_MAX: usize = 20;
const PAGE: &str = "/sign-in/passkeys";
const DONE: &str = "/sign-in/passkeys/done";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(open))
        .routes(routes!(page))
        .routes(routes!(done))
        .routes(routes!(start_prove))
        .routes(routes!(finish_prove))
        .routes(routes!(start_add))
        .routes(routes!(finish_add))
}

pub fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, begin)).routes(routes!(rename, remove))
}

// ---- for a signed-in device --------------------------------------------------------------------------------------

/// The account's passkeys, oldest first.
#[utoipa::path(get, path = "/api/v1/security/passkeys", tag = "security", responses((status = 200, body = PasskeyList)))]
async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<PasskeyList>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let last =
        password::store::lasting_ways_in(&mut tx, &app, signed_in.holder).await?.may_lose(Loss::Passkey).is_err();
    let kept = store::passkeys_of(&mut tx, signed_in.holder).await?;
    let items = kept.into_iter().map(|kept| api::security::Passkey { last, ..kept.about });
    Ok(Json(PasskeyList { items: items.collect() }))
}

/// An address at which the person makes one more passkey: good once, for two minutes.
#[utoipa::path(post, path = "/api/v1/security/passkeys", tag = "security",
    responses((status = 201, body = OneTimeAddress), (status = 403, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn begin(State(app): State<App>, Source(source): Source, signed_in: SignedIn) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    standing::demand_new_passkey(&app, &mut tx, signed_in.holder, signed_in.device).await?;
    if !risk::allows_change(&app, &mut tx, signed_in.holder, signed_in.device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    if store::passkeys_of(&mut tx, signed_in.holder).await?.len() >= PASSKEYS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 20 passkeys"));
    }
    one_time_address(tx, &app, &signed_in, What::Passkey).await
}

/// An address at which a visit begins that adds something: good once, for two minutes.
pub(crate) async fn one_time_address(
    mut tx: Tx,
    app: &App,
    signed_in: &SignedIn,
    what: What,
) -> Result<Response, ApiError> {
    let secret = new_secret(app);
    let adding = Adding { holder: signed_in.holder, device: signed_in.device, what, language: signed_in.language };
    let body = serde_json::to_string(&adding).map_err(|_| refused())?;
    store::put_pushed(&mut tx, &hash(&secret), &body, app.clock.now() + ADDRESS_LIFE).await?;
    tx.commit().await?;
    let address = format!("{}{PAGE}/open?secret={secret}", app.settings.public_url);
    let expires_in = u32::try_from(ADDRESS_LIFE.as_secs()).unwrap_or(0);
    Ok((StatusCode::CREATED, axum::Json(OneTimeAddress { address, expires_in })).into_response())
}

/// Gives a passkey another name.
#[utoipa::path(patch, path = "/api/v1/security/passkeys/{id}", tag = "security", params(("id" = PasskeyId, Path)),
    request_body = PasskeyName, responses((status = 204, description = "Named"), (status = 404, body = api::error::Problem)))]
async fn rename(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<PasskeyId>,
    Json(wish): Json<PasskeyName>,
) -> Result<StatusCode, ApiError> {
    let name = name_of(&wish.name)?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    standing::demand(&mut tx, signed_in.holder, Change::RenameWayIn, app.clock.now()).await?;
    if !store::name_passkey(&mut tx, signed_in.holder, id, &name).await? {
        return Err(ApiError::not_found());
    }
    let kind = SecurityEventKind::PasskeyRenamed;
    security::record(&mut tx, signed_in.holder, about_passkey(&app, kind, Some(signed_in.device), &name)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct Removing {
    /// Leaves the account's other devices signed in; they are signed out unless told.
    #[serde(default)]
    pub keep_devices: bool,
}

pub(crate) fn last_way_in(_: LastWayIn) -> ApiError {
    ApiError::new(ErrorCode::LastWayIn, "this is the last way in: add another one first")
}

/// Ends what was begun with a way in that was removed or changed, for it may have been in other hands: every visit, and
/// unless they are to stay every device but the one that asks.
pub(crate) async fn shut_others_out(
    tx: &mut Tx,
    holder: HolderId,
    but: Option<DeviceId>,
    keep_devices: bool,
    now: jiff::Timestamp,
) -> Result<(), ApiError> {
    store::end_visits_of(tx, holder).await?;
    if keep_devices {
        return Ok(());
    }
    for device in store::devices_of(tx, holder).await? {
        if Some(device) != but {
            sign_device_out(tx, holder, device, now, but).await?;
        }
    }
    Ok(())
}

/// Removes a passkey, but never the last way in.
#[utoipa::path(delete, path = "/api/v1/security/passkeys/{id}", tag = "security",
    params(("id" = PasskeyId, Path), Removing),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn remove(
    State(app): State<App>,
    Source(source): Source,
    signed_in: SignedIn,
    Path(id): Path<PasskeyId>,
    Query(removing): Query<Removing>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    standing::demand(&mut tx, holder, Change::RemoveWayIn, app.clock.now()).await?;
    let kept = store::passkeys_of(&mut tx, holder).await?;
    let Some(passkey) = kept.iter().find(|kept| kept.about.id == id) else { return Err(ApiError::not_found()) };
    password::store::lasting_ways_in(&mut tx, &app, holder).await?.may_lose(Loss::Passkey).map_err(last_way_in)?;
    // Taking power away is always possible; the owner is asked about it where it is unusual.
    risk::allows_change(&app, &mut tx, holder, signed_in.device, source).await?;
    store::remove_passkey(&mut tx, holder, id).await?;
    let kind = SecurityEventKind::PasskeyRemoved;
    security::record(&mut tx, holder, about_passkey(&app, kind, Some(signed_in.device), &passkey.about.name)).await?;
    store::forget_proofs(&mut tx, holder).await?;
    shut_others_out(&mut tx, holder, Some(signed_in.device), removing.keep_devices, app.clock.now()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn name_of(typed: &str) -> Result<String, ApiError> {
    let wrong = || ApiError::invalid(ErrorCode::InvalidRequest, "name", "a name has 1 to 80 characters");
    clean_name(typed).ok_or_else(wrong)
}

fn about_passkey(app: &App, kind: SecurityEventKind, by: Option<DeviceId>, name: &str) -> Happened {
    Happened { at: app.clock.now(), kind, by, device: None, name: Some(name.to_owned()), about: None }
}

// ---- the visit ---------------------------------------------------------------------------------------------------

/// What a visit adds to an account.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    #[default]
    Passkey,
    /// A new password, or another one.
    Password,
    /// The password stays a way in beside two passkeys.
    KeptPassword,
    Authenticator,
    /// A new code for the person's paper.
    SavedCode,
    /// One more place to write to, as it was typed in the app.
    Address(AddAddress),
}

impl What {
    /// Where a visit for it begins, and begins again after a proof.
    pub const fn page(&self) -> &'static str {
        match self {
            Self::Passkey => PAGE,
            Self::Password => password::ways::PASSWORD,
            Self::KeptPassword => password::ways::KEEP,
            Self::Authenticator => password::ways::CODE,
            Self::SavedCode => recovery::code::PAGE,
            Self::Address(_) => addresses::page::PAGE,
        }
    }
}

/// What a visit is for. It is no sign-in: nothing at its end lets a device in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Adding {
    pub holder: HolderId,
    pub device: DeviceId,
    #[serde(default)]
    pub what: What,
    /// What the app speaks; none of an app that did not say.
    #[serde(default)]
    pub language: Option<Language>,
}

impl Adding {
    /// Whose account it is for, and the device that began it.
    pub const fn of(&self) -> (HolderId, DeviceId) {
        (self.holder, self.device)
    }
}

/// A visit that adds a way in, by its own cookie.
pub(crate) struct AddVisit {
    pub hash: [u8; 32],
    pub adding: Adding,
    /// Of its pages.
    pub language: Language,
    /// The person has shown a way in that the account has.
    pub proven: bool,
    pub failures: i64,
    pub ceremonies: i64,
    pub(super) pending: Option<Pending>,
}

impl AddVisit {
    /// Whether something may be added: who adds to an account with ways in has shown one.
    pub fn may_add(&self, ways: &WaysIn) -> bool {
        ways.count() == 0 || self.proven
    }

    /// The person has shown a way in just now, and adds something while that is fresh; false when the visit is over.
    pub(super) async fn note_proof(&self, tx: &mut Tx, app: &App) -> DbResult<bool> {
        let until = app.clock.now() + APPROVAL_FRESH;
        store::recognise_adding(tx, &self.hash, self.adding.holder, until).await
    }
}

impl FromRequestParts<App> for AddVisit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let KeptVisit { hash, body: adding, holder, failures, ceremonies, pending, .. } =
            KeptVisit::<Adding>::of(parts, app, &VisitCookie::ADDING).await?;
        let proven = holder.is_some_and(|holder| holder == adding.holder);
        let language = adding.language.unwrap_or_else(|| language::of_request(parts));
        Ok(Self { hash, adding, language, proven, failures, ceremonies, pending })
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
struct Open {
    secret: String,
}

/// Opens the address in the browser, once.
#[utoipa::path(get, path = "/sign-in/passkeys/open", tag = "security", params(Open),
    responses((status = 303, description = "To the page"), (status = 400, description = "Used or too old")))]
async fn open(
    State(app): State<App>,
    Wanted(language): Wanted,
    query: Result<Query<Open>, ApiError>,
) -> Result<Response, Response> {
    let Query(query) = query.map_err(|_| pages::ended(&app, language))?;
    let failed = |error| ApiError::from(error).into_response();
    let now = app.clock.now();
    let tx = app.db.begin_write().await.map_err(failed)?;
    let (mut tx, body, adding) = take_address::<Adding>(&app, tx, &query.secret, language).await?;
    let secret = new_secret(&app);
    let visit = hash(&secret);
    store::put_visit(&mut tx, &visit, &body, now + VISIT_LIFE).await.map_err(failed)?;
    password::ways::begin(&mut tx, &app, &visit, &adding).await.map_err(IntoResponse::into_response)?;
    tx.commit().await.map_err(failed)?;
    let cookie = VisitCookie::ADDING.set(&app, &secret);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(adding.what.page())).into_response())
}

/// The page that makes one more passkey.
#[utoipa::path(get, path = "/sign-in/passkeys", tag = "security",
    responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn page(State(app): State<App>, visit: AddVisit) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let name = store::holder_name(&mut tx, visit.adding.holder).await?.ok_or_else(ApiError::not_found)?;
    let ways = password::store::ways_in(&mut tx, &app, visit.adding.holder).await?;
    Ok(match (&visit.adding.what, visit.may_add(&ways)) {
        (What::Passkey, true) => pages::add_passkey(&app, visit.language, &name),
        (What::Passkey, false) => pages::prove(&app, visit.language, &name, &ways),
        (other, _) => Redirect::to(other.page()).into_response(),
    })
}

/// The page at the end of it.
#[utoipa::path(get, path = "/sign-in/passkeys/done", tag = "security", responses((status = 200, description = "The page")))]
async fn done(State(app): State<App>, Wanted(language): Wanted) -> Response {
    pages::passkey_added(&app, language)
}

/// Begins to show a passkey that the account has.
#[utoipa::path(post, path = "/sign-in/passkeys/prove/start", tag = "security", responses((status = 200, body = Started)))]
async fn start_prove(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
) -> Result<Json<Started>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let mut tx = app.db.read_once().await?;
    let kept = store::passkeys_of(&mut tx, visit.adding.holder).await?;
    drop(tx);
    let passkeys: Vec<Passkey> = kept.iter().filter_map(|kept| uncounted(&kept.body).ok()).collect();
    let (options, state) = app.identity.passkeys.start_passkey_authentication(&passkeys).map_err(|_| refused())?;
    put_ceremony(&app, &visit.hash, visit.ceremonies, "prove", &state, &options).await
}

/// Takes the proof.
#[utoipa::path(post, path = "/sign-in/passkeys/prove/finish", tag = "security", request_body = Finish,
    responses((status = 200, body = Recognised)))]
async fn finish_prove(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
    Json(request): Json<Finish>,
) -> Result<Json<Recognised>, ApiError> {
    match prove(&app, &visit, request).await {
        Ok(()) => Ok(Json(Recognised { location: visit.adding.what.page().to_owned() })),
        Err(error) => Err(note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

async fn prove(app: &App, visit: &AddVisit, request: Finish) -> Result<(), ApiError> {
    let holder = visit.adding.holder;
    let state: PasskeyAuthentication = take_ceremony(app, &visit.hash, "prove", &request.ceremony).await?;
    let credential = assertion(request.credential)?;
    let result = app.identity.passkeys.finish_passkey_authentication(&credential, &state).map_err(|_| refused())?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let kept = tx.ask(store::passkey(result.cred_id())).await?.filter(|kept| kept.holder == holder);
    note_use(&mut tx, app, &kept.ok_or_else(refused)?, &result).await?;
    if !visit.note_proof(&mut tx, app).await? {
        return Err(refused());
    }
    Ok(tx.commit().await?)
}

/// A passkey in the making.
#[derive(Serialize, Deserialize)]
struct Making {
    name: String,
    state: PasskeyRegistration,
}

/// Hands out the challenge for one more passkey of an account, within a visit that had so many.
pub(crate) async fn passkey_challenge(
    app: &App,
    visit: &[u8; 32],
    before: i64,
    holder: HolderId,
    name: String,
) -> Result<Json<Started>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let owner = store::owner(&mut tx, holder).await?.ok_or_else(refused)?;
    let kept = store::passkeys_of(&mut tx, holder).await?;
    drop(tx);
    let user_handle = Uuid::from_slice(&owner.user_handle).map_err(|_| refused())?;
    let known = kept.iter().filter_map(|kept| serde_json::from_str::<Passkey>(&kept.body).ok());
    let exclude = known.map(|passkey| passkey.cred_id().clone()).collect();
    let started =
        app.identity.passkeys.start_passkey_registration(user_handle, &owner.name, &owner.name, Some(exclude));
    let (mut options, state) = started.map_err(|_| refused())?;
    require_resident(&mut options);
    put_ceremony(app, visit, before, "add", &Making { name, state }, &options).await
}

/// A passkey that a browser made, before it is kept.
pub(crate) struct NewPasskey {
    name: String,
    passkey: Passkey,
}

impl NewPasskey {
    /// Takes what the browser made of the challenge.
    pub(crate) async fn made(app: &App, visit: &[u8; 32], request: Finish) -> Result<Self, ApiError> {
        let making: Making = take_ceremony(app, visit, "add", &request.ceremony).await?;
        let credential = registration(request.credential)?;
        let passkeys = &app.identity.passkeys;
        let passkey = passkeys.finish_passkey_registration(&credential, &making.state).map_err(|_| refused())?;
        Ok(Self { name: making.name, passkey })
    }

    /// Keeps it, in the transaction that checked that it may be; the holder's row is locked.
    pub(crate) async fn keep(
        self,
        tx: &mut Tx,
        app: &App,
        holder: HolderId,
        by: Option<DeviceId>,
    ) -> Result<(), ApiError> {
        let body = serde_json::to_string(&self.passkey).map_err(|_| refused())?;
        let id = app.new_passkey_id();
        match store::put_passkey(tx, holder, id, self.passkey.cred_id(), &body, app.clock.now()).await {
            Err(error) if error.is_duplicate() => return Err(refused()),
            other => other?,
        }
        store::name_passkey(tx, holder, id, &self.name).await?;
        let kind = SecurityEventKind::PasskeyAdded;
        Ok(security::record(tx, holder, about_passkey(app, kind, by, &self.name)).await?)
    }
}

/// Begins to make the new passkey.
#[utoipa::path(post, path = "/sign-in/passkeys/add/start", tag = "security", request_body = PasskeyName,
    responses((status = 200, body = Started)))]
async fn start_add(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
    Json(wish): Json<PasskeyName>,
) -> Result<Json<Started>, ApiError> {
    let name = name_of(&wish.name)?;
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let holder = visit.adding.holder;
    let mut tx = app.db.begin_read().await?;
    let ways = password::store::ways_in(&mut tx, &app, holder).await?;
    drop(tx);
    if visit.adding.what != What::Passkey || !visit.may_add(&ways) {
        return Err(refused());
    }
    passkey_challenge(&app, &visit.hash, visit.ceremonies, holder, name).await
}

/// Keeps the new passkey. The visit has done what it was for.
#[utoipa::path(post, path = "/sign-in/passkeys/add/finish", tag = "security", request_body = Finish,
    responses((status = 200, body = Recognised)))]
async fn finish_add(
    State(app): State<App>,
    Source(source): Source,
    visit: AddVisit,
    Json(request): Json<Finish>,
) -> Result<Json<Recognised>, ApiError> {
    match add(&app, source, &visit, request).await {
        Ok(()) => Ok(Json(Recognised { location: language::address(DONE, visit.language) })),
        Err(error) => Err(note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

/// Ends a visit whose work is done in this transaction. What was true when it began must be true now: the device is
/// signed in, somebody showed a way in, and the account is not locked.
pub(crate) async fn finish_visit(app: &App, tx: &mut Tx, visit: &AddVisit) -> Result<(), ApiError> {
    let Adding { holder, device, ref what, .. } = visit.adding;
    if *what == What::Passkey {
        standing::demand_new_passkey(app, tx, holder, device).await?;
    } else {
        standing::demand(tx, holder, Change::AddWayIn, app.clock.now()).await?;
    }
    let signed_in = store::devices_of(tx, visit.adding.holder).await?.contains(&visit.adding.device);
    let ways = password::store::ways_in(tx, app, visit.adding.holder).await?;
    if signed_in && visit.may_add(&ways) && store::end_visit(tx, &visit.hash).await? { Ok(()) } else { Err(refused()) }
}

async fn add(app: &App, source: std::net::IpAddr, visit: &AddVisit, request: Finish) -> Result<(), ApiError> {
    let Adding { holder, device, .. } = visit.adding;
    let new = NewPasskey::made(app, &visit.hash, request).await?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    finish_visit(app, &mut tx, visit).await?;
    if !risk::allows_change(app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    new.keep(&mut tx, app, holder, Some(device)).await?;
    Ok(tx.commit().await?)
}
