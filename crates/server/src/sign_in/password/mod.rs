//! Signing in by an account name, a password and a code, and making an account that has these instead of a passkey.
//! A name that nobody has, a wrong password and one that is off are one answer, at the same cost. Changing the password of
//! an account is the business of `ways`.

pub mod hashing;
mod pages;
pub(super) mod sealing;
pub(super) mod store;
#[cfg(test)]
pub(super) mod tests;
pub(super) mod totp;
pub(super) mod ways;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use api::error::ErrorCode;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use domain::addresses::AddressValue;
use domain::ids::HolderId;
use domain::risk::rhythm::Sample;
use domain::security::{Happened, SecurityEventKind};
use domain::ways_in::{FactorKind, PasswordError, PasswordState};
use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::passkeys::{Marked, Recognised, note_failure, note_failure_of, put_holder, still_unknown};
use super::visit::{Visit, clean_name, too_often};
use super::{passkeys, store as visits};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Source};
use crate::mail::{self, Asker, CodeAnswer, CodeRequest, Purpose};
use crate::risk::{self, Mark};
use crate::{addresses, security};
use hashing::{Busy, Hashed, Typed};
pub(super) use pages::proof_form;
use totp::Authenticator;

const SIGN_IN: &str = "/sign-in";
const CODE: &str = "/sign-in/password/code";
const CREATE: &str = "/sign-in/create/password";
const CHOOSE: &str = "/sign-in/create/password/choose";
const SET_UP: &str = "/sign-in/create/password/code";
/// Characters of an account name before the digits that the server adds.
const NAME_MAX: usize = 40;
/// Account names that are drawn before one is free.
const DRAWS: usize = 16;
/// Wrong codes that may come at once after the right password; then one more each interval.
const CODES_AT_ONCE: i64 = 10;
const CODES_EVERY_MICROS: i64 = 6 * 60 * 1_000_000;
/// So many wrong ones after each other are no more than somebody's slip.
const CODES_OF_A_SLIP: i64 = 4;
/// Wrong codes that go on are told again after so long.
const REFUSALS_SAID_EVERY: SignedDuration = SignedDuration::from_hours(24);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(page, show))
        .routes(routes!(code_page, show_code))
        .routes(routes!(create_page, create))
        .routes(routes!(choose_page, choose))
        .routes(routes!(set_up_page, set_up))
        .merge(ways::routes())
}

/// How far a visit has got: what it must remember from one page to the next.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Pending {
    /// The password was right; a code is asked for.
    Code {
        holder: HolderId,
        /// When the password was set that was typed.
        of: Timestamp,
        /// How the account name was typed, where its owner wants that looked at.
        rhythm: Option<Sample>,
    },
    /// A password is to be chosen for an account with these names.
    Named { name: String, account_name: String },
    /// It has a password, and an authenticator app is being set up.
    Chosen { name: String, account_name: String, hash: String, long: bool, secret: String, keep_devices: bool },
    /// An authenticator app is being set up.
    Key { secret: String },
}

impl Pending {
    pub const fn rhythm(&self) -> Option<&Sample> {
        match self {
            Self::Code { rhythm, .. } => rhythm.as_ref(),
            Self::Named { .. } | Self::Chosen { .. } | Self::Key { .. } => None,
        }
    }
}

async fn set_pending(tx: &mut Tx, visit: &[u8; 32], pending: &Pending) -> Result<(), ApiError> {
    let pending = serde_json::to_string(pending).map_err(|_| refused())?;
    if visits::set_pending(tx, visit, &pending).await? { Ok(()) } else { Err(refused()) }
}

/// The one answer to a name, a password or a code that does not fit.
fn refused() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "this did not match")
}

impl From<Busy> for ApiError {
    fn from(_: Busy) -> Self {
        let mut error = Self::new(ErrorCode::Unavailable, "too many people are signing in just now");
        error.retry_after = Some(2);
        error
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        let invalid = |code, title| Self::invalid(code, "password", title);
        match error {
            PasswordError::TooShort { .. } => invalid(ErrorCode::PasswordTooShort, "the password is too short"),
            PasswordError::TooLong => invalid(ErrorCode::TooLong, "the password is too long"),
            PasswordError::Guessable => invalid(ErrorCode::PasswordGuessable, "the password is easily guessed"),
        }
    }
}

/// An account name as names are compared: without regard to case, width or accents' spelling.
pub(super) fn name_key(name: &str) -> String {
    let same = ComposingNormalizerBorrowed::new_nfkc();
    let plain = name.split_whitespace().collect::<Vec<_>>().join("-");
    let folded = CaseMapper::new().fold_string(&same.normalize(&plain)).into_owned();
    same.normalize(&folded).into_owned()
}

/// The name and the digits that make it one that nobody can try out.
pub(super) async fn draw_name(tx: &mut Tx, app: &App, wish: &str) -> Result<String, ApiError> {
    let plain = wish.split_whitespace().collect::<Vec<_>>().join("-");
    for _ in 0..DRAWS {
        let digits = u32::from_be_bytes(app.random()) % 90_000 + 10_000;
        let name = format!("{plain}-{digits}");
        if !store::name_is_taken(tx, &name_key(&name)).await? {
            return Ok(name);
        }
    }
    Err(ApiError::new(ErrorCode::Unavailable, "no name is free just now"))
}

fn wish_of(typed: &str) -> Result<String, ApiError> {
    let wrong =
        || ApiError::invalid(ErrorCode::InvalidRequest, "account_name", "an account name has 1 to 40 characters");
    clean_name(typed).filter(|name| name.chars().count() <= NAME_MAX).ok_or_else(wrong)
}

// ---- signing in --------------------------------------------------------------------------------------------------

/// The page to sign in with a password.
#[utoipa::path(get, path = "/sign-in/password", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn page(State(app): State<App>, visit: Visit) -> Response {
    if visit.holder.is_some() {
        return Redirect::to("/sign-in/confirm").into_response();
    }
    pages::password(&app, visit.language, &visit.request.device_name)
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Shown {
    /// The account's name.
    name: String,
    password: String,
    /// Milliseconds between the keys of the name, where the page measured them: looked at only for who wants that.
    #[serde(default)]
    rhythm: Vec<u16>,
}

/// Takes a name and a password; a code comes next.
#[utoipa::path(post, path = "/sign-in/password", tag = "sign_in", request_body = Shown, responses((status = 200, body = Recognised)))]
async fn show(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(shown): Json<Shown>,
) -> Result<Json<Recognised>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let (error, whose) = match check(&app, source, &visit, shown).await {
        Ok(Checked::Fits) => return Ok(Json(Recognised { location: CODE.to_owned() })),
        Ok(Checked::Wrong(whose)) => (refused(), whose),
        Err(error) => (error, None),
    };
    // It is counted against an account, or in the same words against nobody: the clock tells nothing.
    Err(note_failure_of(&app, source, &visit.hash, visit.failures, error, Marked::Now(whose)).await?)
}

enum Checked {
    Fits,
    /// Whose account it would have been.
    Wrong(Option<HolderId>),
}

async fn check(app: &App, source: IpAddr, visit: &Visit, shown: Shown) -> Result<Checked, ApiError> {
    still_unknown(visit)?;
    let typed = Arc::new(Typed::new(shown.password).ok_or_else(refused)?);
    let mut tx = app.db.read_once().await?;
    let kept = store::password_of_name(&mut tx, &name_key(&shown.name)).await?;
    drop(tx);
    let hash = kept.as_ref().map(|kept| kept.hash.as_str());
    let fits = app.identity.passwords.fits(Arc::clone(&typed), hash).await?;
    let kept = match kept {
        Some(kept) if fits => kept,
        other => return Ok(Checked::Wrong(other.map(|kept| kept.holder))),
    };
    let raised = app.identity.passwords.raise(typed, &kept.hash, app.chance.as_ref()).await?;
    let mut tx = app.db.begin_write().await?;
    let ways = store::ways_in(&mut tx, app, kept.holder).await?;
    if ways.password_state() != Some(PasswordState::On) {
        return Err(refused());
    }
    if !ways.factors.contains(&FactorKind::Totp) {
        send_code(&mut tx, app, kept.holder, &visit.hash, source).await?;
    }
    if let Some(raised) = raised {
        store::raise_password(&mut tx, kept.holder, &kept.hash, &raised).await?;
    }
    let rhythm = risk::rhythm::wanted(&mut tx, kept.holder, &shown.rhythm).await?;
    set_pending(&mut tx, &visit.hash, &Pending::Code { holder: kept.holder, of: kept.changed_at, rhythm }).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Checked::Fits)
}

/// Sends the code that goes with a password where there is no authenticator app: by e-mail, else as a text message. Where
/// it went, mostly covered; none when there is nowhere.
pub(super) async fn send_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    visit: &[u8; 32],
    source: IpAddr,
) -> DbResult<Option<String>> {
    let all = addresses::taking_codes(tx, app, holder).await?;
    let Some(to) = all.first() else { return Ok(None) };
    let (purpose, by) = (Purpose::SignIn, Asker::Proven);
    mail::send_code(tx, app, &CodeRequest { holder, to, purpose, by, bound_to: visit, source }).await?;
    Ok(Some(to.covered()))
}

/// Where the code goes that this account is asked for; none where an authenticator app shows it.
pub(super) async fn code_goes_to(tx: &mut Tx, app: &App, holder: HolderId) -> DbResult<Option<String>> {
    if !store::totps(tx, holder).await?.is_empty() {
        return Ok(None);
    }
    Ok(addresses::taking_codes(tx, app, holder).await?.first().map(AddressValue::covered))
}

/// The page that asks for the code.
#[utoipa::path(get, path = "/sign-in/password/code", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn code_page(State(app): State<App>, visit: Visit) -> Result<Response, ApiError> {
    Ok(match (visit.holder, visit.pending) {
        (Some(_), _) => Redirect::to("/sign-in/confirm").into_response(),
        (None, Some(Pending::Code { holder, .. })) => {
            let mut tx = app.db.begin_read().await?;
            let sent_to = code_goes_to(&mut tx, &app, holder).await?;
            pages::code(&app, visit.language, sent_to.as_deref())
        }
        (None, _) => Redirect::to(SIGN_IN).into_response(),
    })
}

#[derive(Deserialize, utoipa::ToSchema)]
struct ShownCode {
    /// Six digits; spaces do not matter.
    code: String,
}

/// Recognises somebody by the code beside their password.
#[utoipa::path(post, path = "/sign-in/password/code", tag = "sign_in", request_body = ShownCode, responses((status = 200, body = Recognised)))]
async fn show_code(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(shown): Json<ShownCode>,
) -> Result<Json<Recognised>, ApiError> {
    let (error, marked) = match recognise(&app, &visit, &shown.code).await {
        Ok(true) => return Ok(Recognised::confirm()),
        Ok(false) => (refused(), Marked::Already),
        Err(error) => (error, Marked::AtNobody),
    };
    Err(note_failure_of(&app, source, &visit.hash, visit.failures, error, marked).await?)
}

/// False where the code is wrong, which is marked at the account then.
async fn recognise(app: &App, visit: &Visit, code: &str) -> Result<bool, ApiError> {
    still_unknown(visit)?;
    let Some(Pending::Code { holder, of, .. }) = visit.pending else { return Err(refused()) };
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    // What was true at the password must be true now.
    let same = store::password(&mut tx, holder).await?.filter(|kept| kept.changed_at == of);
    let Some(same) = same else { return Err(refused()) };
    if store::ways_in(&mut tx, app, holder).await?.password_state() != Some(PasswordState::On) {
        return Err(refused());
    }
    match take_code(&mut tx, app, holder, &visit.hash, code).await? {
        CodeTaken::Fits => {
            if !visits::recognise_visit(&mut tx, &visit.hash, holder).await? {
                return Err(refused());
            }
            tx.commit().await?;
            Ok(true)
        }
        CodeTaken::Wrong => {
            // Whoever got here knows the password. Once in a visit is enough to say so.
            let now = app.clock.now();
            let kind = SecurityEventKind::FactorRefused;
            if passkeys::is_last_failure(visit.failures)
                || goes_on_unsaid(&mut tx, holder, same.codes_until, now).await?
            {
                security::record(&mut tx, holder, event(kind, now)).await?;
            }
            tx.commit().await?;
            Ok(false)
        }
        CodeTaken::TooOften(wait) => Err(too_often(wait)),
    }
}

/// Whether codes go on being wrong, over several visits with a few each, and the log has not said so for a day. `until`
/// is when the wrong ones so far are over, zero where somebody got in since.
async fn goes_on_unsaid(tx: &mut Tx, holder: HolderId, until: i64, now: Timestamp) -> DbResult<bool> {
    let ahead = until - now.as_microsecond();
    if until == 0 || (0 < ahead && ahead <= CODES_EVERY_MICROS * CODES_OF_A_SLIP) {
        return Ok(false);
    }
    let said = tx.ask(security::last_of_kind(holder, SecurityEventKind::FactorRefused)).await?;
    Ok(said.is_none_or(|said| now.duration_since(said.at) >= REFUSALS_SAID_EVERY))
}

pub(super) enum CodeTaken {
    Fits,
    Wrong,
    /// Seconds until the next may come.
    TooOften(u32),
}

/// Takes a code of the account's authenticator apps, or where it has none the one that was sent for this visit: each once.
/// Wrong ones are few, since only who knows the password may try any; passkeys go on letting their owner in.
pub(super) async fn take_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    visit: &[u8; 32],
    code: &str,
) -> Result<CodeTaken, ApiError> {
    let now = app.clock.now();
    let until = store::password(tx, holder).await?.map_or(0, |kept| kept.codes_until);
    let begun = until.max(now.as_microsecond());
    let wait = begun - now.as_microsecond() - CODES_EVERY_MICROS * (CODES_AT_ONCE - 1);
    if wait > 0 {
        return Ok(CodeTaken::TooOften(u32::try_from(wait / 1_000_000 + 1).unwrap_or(u32::MAX)));
    }
    let totps = store::totps(tx, holder).await?;
    if totps.is_empty()
        && mail::check_newest_code(tx, app, holder, Purpose::SignIn, visit, code).await? == CodeAnswer::Right
    {
        store::note_password_use(tx, holder, now).await?;
        return Ok(CodeTaken::Fits);
    }
    for totp in totps {
        let secret = sealing::unseal(app, holder, &totp)?;
        let step = Authenticator::checking(&secret).and_then(|key| key.step_of(code, now));
        if let Some(step) = step
            && store::use_totp(tx, holder, totp.id, step, now).await?
        {
            store::note_password_use(tx, holder, now).await?;
            return Ok(CodeTaken::Fits);
        }
    }
    store::set_codes_until(tx, holder, begun + CODES_EVERY_MICROS).await?;
    risk::mark(tx, holder, Mark::FailedTry, now).await?;
    Ok(CodeTaken::Wrong)
}

// ---- a new account -----------------------------------------------------------------------------------------------

/// The page that names a new account with a password.
#[utoipa::path(get, path = "/sign-in/create/password", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn create_page(State(app): State<App>, visit: Visit) -> Response {
    if visit.holder.is_some() {
        return Redirect::to("/sign-in/confirm").into_response();
    }
    pages::create(&app, visit.language, &visit.request.device_name, visit.request.login_hint.as_deref())
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Names {
    /// How the account's pages name its owner, 1 to 80 characters.
    name: String,
    /// What its owner types to sign in, 1 to 40 characters; the server adds digits.
    account_name: String,
}

/// Names a new account.
#[utoipa::path(post, path = "/sign-in/create/password", tag = "sign_in", request_body = Names, responses((status = 200, body = Recognised)))]
async fn create(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(names): Json<Names>,
) -> Result<Json<Recognised>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    still_unknown(&visit)?;
    let wrong = || ApiError::invalid(ErrorCode::InvalidRequest, "name", "a name has 1 to 80 characters");
    let name = clean_name(&names.name).ok_or_else(wrong)?;
    let wish = wish_of(&names.account_name)?;
    let mut tx = app.db.begin_write().await?;
    let account_name = draw_name(&mut tx, &app, &wish).await?;
    set_pending(&mut tx, &visit.hash, &Pending::Named { name, account_name }).await?;
    tx.commit().await?;
    Ok(Json(Recognised { location: CHOOSE.to_owned() }))
}

/// The page that asks for a new account's password.
#[utoipa::path(get, path = "/sign-in/create/password/choose", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn choose_page(State(app): State<App>, visit: Visit) -> Response {
    match (visit.holder, visit.pending) {
        (Some(_), _) => Redirect::to("/sign-in/confirm").into_response(),
        (None, Some(Pending::Named { account_name, .. } | Pending::Chosen { account_name, .. })) => {
            pages::choose(&app, visit.language, &account_name, CHOOSE)
        }
        (None, _) => Redirect::to(CREATE).into_response(),
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Chosen {
    /// 8 to 256 characters of any kind.
    password: String,
}

/// Takes a new account's password.
#[utoipa::path(post, path = "/sign-in/create/password/choose", tag = "sign_in", request_body = Chosen, responses((status = 200, body = Recognised)))]
async fn choose(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(chosen): Json<Chosen>,
) -> Result<Json<Recognised>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    still_unknown(&visit)?;
    let (Some(Pending::Named { name, account_name }) | Some(Pending::Chosen { name, account_name, .. })) =
        visit.pending
    else {
        return Err(refused());
    };
    let Hashed { hash, long } = hashed(&app, chosen.password, &[&name, &account_name]).await?;
    let secret = sealing::new_key(&app, &visit.hash)?;
    let mut tx = app.db.begin_write().await?;
    let chosen = Pending::Chosen { name, account_name, hash, long, secret, keep_devices: false };
    set_pending(&mut tx, &visit.hash, &chosen).await?;
    tx.commit().await?;
    Ok(Json(Recognised { location: SET_UP.to_owned() }))
}

/// The hash of a new password, which must be none that anybody would try for this person.
pub(super) async fn hashed(app: &App, password: String, names: &[&str]) -> Result<Hashed, ApiError> {
    let typed = Typed::new(password).ok_or(PasswordError::TooLong)?;
    let server = [app.settings.server_name.as_str(), app.settings.public_url.host(), "Billfold"];
    let known = names.iter().copied().chain(server).map(str::to_owned).collect();
    Ok(app.identity.passwords.take(Arc::new(typed), known, app.chance.as_ref()).await??)
}

/// The page that sets up a new account's authenticator app.
#[utoipa::path(get, path = "/sign-in/create/password/code", tag = "sign_in", responses((status = 200, description = "The page"), (status = 400, description = "No visit")))]
async fn set_up_page(State(app): State<App>, visit: Visit) -> Result<Response, ApiError> {
    match (visit.holder, visit.pending) {
        (Some(_), _) => Ok(Redirect::to("/sign-in/confirm").into_response()),
        (None, Some(Pending::Chosen { account_name, secret, .. })) => {
            let secret = sealing::key_of(&app, &visit.hash, &secret)?;
            let key = Authenticator::new(&secret, &account_name, &app.settings.server_name).ok_or_else(refused)?;
            pages::set_up(&app, visit.language, &key, false, SET_UP).ok_or_else(refused)
        }
        (None, _) => Ok(Redirect::to(CREATE).into_response()),
    }
}

/// Makes the account: it exists once its authenticator app has shown a code.
#[utoipa::path(post, path = "/sign-in/create/password/code", tag = "sign_in", request_body = ShownCode, responses((status = 200, body = Recognised)))]
async fn set_up(
    State(app): State<App>,
    Source(source): Source,
    visit: Visit,
    Json(shown): Json<ShownCode>,
) -> Result<Json<Recognised>, ApiError> {
    // On a server of this machine alone, the source is the person themselves.
    if !app.settings.public_url.is_localhost() {
        app.limits.registration.take(source, app.clock.now()).map_err(too_often)?;
    }
    match make(&app, &visit, &shown.code).await {
        Ok(()) => Ok(Recognised::confirm()),
        Err(error) => Err(note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

async fn make(app: &App, visit: &Visit, code: &str) -> Result<(), ApiError> {
    still_unknown(visit)?;
    let Some(Pending::Chosen { name, account_name, hash, long, secret, .. }) = &visit.pending else {
        return Err(refused());
    };
    let now = app.clock.now();
    let secret = sealing::key_of(app, &visit.hash, secret)?;
    let step = Authenticator::checking(&secret).and_then(|key| key.step_of(code, now)).ok_or_else(refused)?;
    let holder = app.new_holder_id();
    let user_handle = uuid::Builder::from_random_bytes(app.random()).into_uuid();
    let mut tx = app.db.begin_write().await?;
    put_holder(&mut tx, app, holder, user_handle, name).await?;
    match store::put_password(&mut tx, holder, (account_name, &name_key(account_name)), hash, *long, now).await {
        // Somebody drew the same digits meanwhile: the person begins again and gets others.
        Err(error) if error.is_duplicate() => return Err(refused()),
        other => other?,
    }
    security::record(&mut tx, holder, event(SecurityEventKind::PasswordSet, now)).await?;
    let factor = app.new_factor_id();
    let sealed = sealing::seal(app, holder, factor, &secret)?;
    let called = words::words(visit.language).first_app;
    store::put_totp(&mut tx, holder, factor, called, &sealed, step, now).await?;
    let added = Happened { name: Some(called.to_owned()), ..event(SecurityEventKind::FactorAdded, now) };
    security::record(&mut tx, holder, added).await?;
    if !visits::recognise_visit(&mut tx, &visit.hash, holder).await? {
        return Err(refused());
    }
    Ok(tx.commit().await?)
}

/// An entry of the security log where no device is signed in yet.
fn event(kind: SecurityEventKind, at: Timestamp) -> Happened {
    Happened { at, kind, by: None, device: None, name: None, about: None }
}
