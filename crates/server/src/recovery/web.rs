//! The pages on which somebody gets back in who is signed in nowhere. Until both codes are right, every answer is the same
//! for every address: what it says, how long it is, and what it costs to make.

use api::error::ErrorCode;
use api::security::OneTimeAddress;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::addresses::{AddressKind, AddressValue, Language};
use domain::ids::{CodeId, DeviceId, HolderId};
use domain::recovery::{RecoveryState, SavedCode};
use jiff::SignedDuration;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::code::{MadeCode, shown_here};
use super::words::{moment, words};
use super::{Guess, begin, demand_ready, finish, guess, state, store};
use crate::db::Tx;
use crate::error::ApiError;
use crate::http::{Json, Query, Source};
use crate::mail::{self, Asker, CodeAnswer, CodeRequest, Purpose};
use crate::sign_in::store as visits;
use crate::sign_in::{
    self, Finish, KeptVisit, NewPasskey, SignedIn, Started, VISIT_LIFE, VisitCookie, Wanted, page_in, refused,
    take_address, too_often,
};
use crate::{App, addresses, support};

pub(super) const START: &str = "/sign-in/recovery";
const CODES: &str = "/sign-in/recovery/codes";
const STATE: &str = "/sign-in/recovery/state";
const HELP: &str = "/sign-in/recovery/help";
const PASSKEY: &str = "/sign-in/recovery/passkey";
/// The address is opened at once, by the app.
const ADDRESS_LIFE: SignedDuration = SignedDuration::from_secs(120);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(start_page, start))
        .routes(routes!(codes_page, prove))
        .routes(routes!(state_page))
        .routes(routes!(help_page))
        .routes(routes!(open))
        .routes(routes!(start_passkey))
        .routes(routes!(finish_passkey))
}

/// What a visit of this kind remembers.
#[derive(Serialize, Deserialize)]
struct Asked {
    /// The address or number that was typed, folded; none for a visit that a device began.
    to: Option<(AddressKind, String)>,
    /// The code that went there, where an account has it.
    code: Option<(HolderId, CodeId)>,
    /// The device that began it, whose owner it is for.
    device: Option<(HolderId, DeviceId)>,
    language: Language,
}

/// Named, so that no visit of another kind reads as this one.
#[derive(Serialize, Deserialize)]
struct Body {
    recovery: Asked,
}

/// A visit that wants back in, by its own cookie.
struct Back {
    hash: [u8; 32],
    asked: Asked,
    /// Who has proven enough.
    holder: Option<HolderId>,
    failures: i64,
    ceremonies: i64,
}

impl Back {
    fn device(&self) -> Option<DeviceId> {
        self.asked.device.map(|(_, device)| device)
    }
}

impl FromRequestParts<App> for Back {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let KeptVisit { hash, body, holder, failures, ceremonies, .. } =
            KeptVisit::<Body>::of(parts, app, &VisitCookie::RECOVERY).await?;
        Ok(Self { hash, asked: body.recovery, holder, failures, ceremonies })
    }
}

async fn put_visit(tx: &mut Tx, app: &App, hash: &[u8; 32], asked: Asked) -> Result<(), ApiError> {
    let body = serde_json::to_string(&Body { recovery: asked }).map_err(|_| refused())?;
    Ok(visits::put_visit(tx, hash, &body, app.clock.now() + VISIT_LIFE).await?)
}

/// What the script says when something is refused, in the words of the page.
pub(super) fn notices(language: Language, bad_address: &'static str) -> Markup {
    let words = words(language);
    sign_in::notices_saying(language, |said| {
        said.refused = words.refused;
        said.codes.invalid_code = Some(words.slip);
        said.codes.invalid_address = Some(bad_address);
    })
}

/// Where it begins; the same for everybody.
#[utoipa::path(get, path = "/sign-in/recovery", tag = "security", responses((status = 200, description = "The page")))]
async fn start_page(State(app): State<App>, Wanted(language): Wanted) -> Response {
    let words = words(language);
    let texts = mail::writes_to(&app, AddressKind::Phone);
    let bad_address = if texts { words.bad_address_or_phone } else { words.bad_address };
    let body = html! {
        div { h1 id="title" { (words.title) } p.soft { (words.about) } }
        (notices(language, bad_address))
        form data-send=(sign_in::address(START, language)) {
            div.field {
                @if texts {
                    label for="address" { (words.address_or_phone) }
                    input id="address" name="address" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" required aria-describedby="address-help";
                    p.help id="address-help" { (words.address_or_phone_help) }
                } @else {
                    label for="address" { (words.address) }
                    input id="address" name="address" type="email" autocomplete="email" spellcheck="false" maxlength="254" required aria-describedby="address-help";
                    p.help id="address-help" { (words.address_help) }
                }
            }
            button.primary type="submit" { (words.next) }
        }
        p.small.soft { (words.with_device) }
    };
    page_in(&app, StatusCode::OK, language, words.title, &body)
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Start {
    /// An e-mail address, or where the server sends text messages a telephone number with + and the country; whether an
    /// account has it is not told.
    address: String,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Next {
    /// The page to go to.
    location: String,
}

/// Begins a visit. If an account has this address, a code goes there.
#[utoipa::path(post, path = "/sign-in/recovery", tag = "security", request_body = Start,
    responses((status = 200, body = Next), (status = 403, body = api::error::Problem),
        (status = 422, body = api::error::Problem), (status = 429, body = api::error::Problem)))]
async fn start(
    State(app): State<App>,
    Source(source): Source,
    Wanted(language): Wanted,
    headers: HeaderMap,
    start: Result<Json<Start>, ApiError>,
) -> Result<Response, Response> {
    if !sign_in::same_origin(&app, &headers) {
        return Err(sign_in::ended(&app, language));
    }
    let Json(start) = start.map_err(IntoResponse::into_response)?;
    begin_visit(&app, source, language, start).await.map_err(IntoResponse::into_response)
}

async fn begin_visit(
    app: &App,
    source: std::net::IpAddr,
    language: Language,
    start: Start,
) -> Result<Response, ApiError> {
    let now = app.clock.now();
    app.limits.start.take(source, now).map_err(too_often)?;
    let to = AddressValue::parse(kind_of(app, &start.address), &start.address)
        .map_err(|error| ApiError::invalid(ErrorCode::InvalidAddress, "address", &error.to_string()))?;
    let secret = sign_in::new_secret(app);
    let hash = sign_in::hash(&secret);
    let mut tx = app.db.begin_write().await?;
    let owners = addresses::owners(&mut tx, to.kind(), &to.folded(), now).await?;
    let code = match owners.first() {
        Some((holder, to)) => {
            // To the spelling that was confirmed: what was typed may be another mailbox.
            let by = Asker::Anybody;
            let request = CodeRequest { holder: *holder, to, purpose: Purpose::Recover, by, bound_to: &hash, source };
            Some((*holder, mail::send_code(&mut tx, app, &request).await?))
        }
        None => None,
    };
    let asked = Asked { to: Some((to.kind(), to.folded())), code, device: None, language };
    put_visit(&mut tx, app, &hash, asked).await?;
    tx.commit().await?;
    app.jobs.wake();
    let cookie = VisitCookie::RECOVERY.set(app, &secret);
    Ok(([(header::SET_COOKIE, cookie)], axum::Json(Next { location: CODES.to_owned() })).into_response())
}

/// What was typed: a number begins with + and no address does. A server that sends no text messages knows no numbers.
fn kind_of(app: &App, typed: &str) -> AddressKind {
    let is_phone = typed.trim_start().starts_with('+') && mail::writes_to(app, AddressKind::Phone);
    if is_phone { AddressKind::Phone } else { AddressKind::Email }
}

/// Where both codes are typed.
#[utoipa::path(get, path = "/sign-in/recovery/codes", tag = "security",
    responses((status = 200, description = "The page"), (status = 303, description = "To the start")))]
async fn codes_page(State(app): State<App>, visit: Back) -> Response {
    if visit.holder.is_some() {
        return Redirect::to(STATE).into_response();
    }
    let language = visit.asked.language;
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.codes_title) } p.soft { (words.codes_about) } }
        (notices(language, words.bad_address))
        form data-send=(CODES) {
            div.field {
                label for="sent-code" { (words.sent_code) }
                input id="sent-code" name="sent_code" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="20" required aria-describedby="sent-code-help";
                p.help id="sent-code-help" { (words.sent_code_help) }
            }
            div.field {
                label for="saved-code" { (words.saved_code) }
                input id="saved-code" name="saved_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="60" aria-describedby="saved-code-help";
                p.help id="saved-code-help" { (words.saved_code_help) }
            }
            div.field {
                label for="name" { (words.whose) }
                input id="name" name="name" type="text" autocomplete="name" maxlength="80" aria-describedby="name-help";
                p.help id="name-help" { (words.whose_help) }
            }
            button.primary type="submit" { (words.prove) }
        }
        p.small { a href=(sign_in::address(START, language)) { (words.back) } }
    };
    page_in(&app, StatusCode::OK, language, words.codes_title, &body)
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Codes {
    sent_code: String,
    saved_code: String,
    /// Which account it is, where several have the address and no saved code says so.
    #[serde(default)]
    name: String,
}

/// Takes both codes. When they are right the recovery begins, or goes on where it stands.
#[utoipa::path(post, path = "/sign-in/recovery/codes", tag = "security", request_body = Codes,
    responses((status = 200, body = Next), (status = 403, body = api::error::Problem),
        (status = 422, body = api::error::Problem), (status = 429, body = api::error::Problem)))]
async fn prove(
    State(app): State<App>,
    Source(source): Source,
    visit: Back,
    Json(typed): Json<Codes>,
) -> Result<Json<Next>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    // Whether it has a slip depends on what was typed alone.
    let saved = match typed.saved_code.trim() {
        "" => None,
        code => Some(
            SavedCode::parse(code)
                .map_err(|slip| ApiError::invalid(ErrorCode::InvalidCode, "saved_code", &slip.to_string()))?,
        ),
    };
    match check(&app, &visit, &typed, saved.as_ref()).await {
        Ok(Proven::Enough) => Ok(Json(Next { location: STATE.to_owned() })),
        Ok(Proven::Half { case }) => {
            Ok(Json(Next { location: format!("{}&case={case}", sign_in::address(HELP, visit.asked.language)) }))
        }
        Err(error) => Err(sign_in::note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

/// How far somebody got.
enum Proven {
    Enough,
    /// The code that was sent was right and there is no other: support looks at the case of that number.
    Half {
        case: i64,
    },
}

/// Both are asked for before anything is said. Only who holds the address counts against an account: nobody else can use
/// up its guesses.
async fn check(app: &App, visit: &Back, typed: &Codes, saved: Option<&SavedCode>) -> Result<Proven, ApiError> {
    let (Some((kind, folded)), None) = (&visit.asked.to, visit.holder) else { return Err(refused()) };
    let mut tx = app.db.begin_write().await?;
    let sent = match visit.asked.code {
        Some((holder, code)) => {
            mail::try_code(&mut tx, app, holder, code, Purpose::Recover, &visit.hash, &typed.sent_code).await?
        }
        None => CodeAnswer::Wrong,
    };
    if sent != CodeAnswer::Right {
        tx.commit().await?;
        return Err(refused());
    }
    let owners = addresses::owners(&mut tx, *kind, folded, app.clock.now()).await?;
    let owners: Vec<HolderId> = owners.into_iter().map(|(holder, _)| holder).collect();
    let (found, meant) = match saved {
        Some(saved) => (guess(&mut tx, app, &owners, saved).await?, None),
        None => match meant(&mut tx, owners, &typed.name).await? {
            Some(holder) => (begun_by_support(&mut tx, app, holder).await?, Some(holder)),
            None => (Guess::Wrong, None),
        },
    };
    if let (Guess::Wrong, Some(holder), Some((sent_for, code))) = (&found, meant, visit.asked.code) {
        mail::use_code(&mut tx, sent_for, code).await?;
        tx.lock(holder).await?;
        let case = support::open_lost_case(app, &mut tx, holder).await?;
        tx.commit().await?;
        return Ok(Proven::Half { case });
    }
    match found {
        Guess::Right(holder) => {
            if let Some((sent_for, code)) = visit.asked.code {
                mail::use_code(&mut tx, sent_for, code).await?;
            }
            if !visits::recognise_visit(&mut tx, &visit.hash, holder).await? {
                return Err(refused());
            }
            tx.lock(holder).await?;
            begin(&mut tx, app, holder, None).await?;
            tx.commit().await?;
            app.jobs.wake();
            Ok(Proven::Enough)
        }
        Guess::Wrong => {
            tx.commit().await?;
            Err(refused())
        }
        Guess::Wait(seconds) => {
            // A wrong one may have been counted at another account.
            tx.commit().await?;
            Err(too_often(seconds))
        }
    }
}

/// Where two people of support looked at who it is, the code that was sent is enough to go on with what they began.
async fn begun_by_support(tx: &mut Tx, app: &App, holder: HolderId) -> Result<Guess, ApiError> {
    let now = app.clock.now();
    let kept = store::find(tx, holder).await?;
    let runs = kept.is_some_and(|kept| kept.by_support && kept.recovery.state(now).runs());
    Ok(if runs { Guess::Right(holder) } else { Guess::Wrong })
}

/// Whose way in is meant: where an address is several people's, the name says which.
async fn meant(tx: &mut Tx, owners: Vec<HolderId>, name: &str) -> Result<Option<HolderId>, ApiError> {
    if let [holder] = owners[..] {
        return Ok(Some(holder));
    }
    let typed = name.trim().to_lowercase();
    for holder in owners {
        if sign_in::holder_name(tx, holder).await?.is_some_and(|name| name.to_lowercase() == typed) {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

/// How far the recovery has come.
#[utoipa::path(get, path = "/sign-in/recovery/state", tag = "security",
    responses((status = 200, description = "The page"), (status = 303, description = "To the codes")))]
async fn state_page(State(app): State<App>, visit: Back) -> Result<Response, ApiError> {
    let Some(holder) = visit.holder else { return Ok(Redirect::to(CODES).into_response()) };
    let mut tx = app.db.begin_read().await?;
    let state = state(&mut tx, &app, holder).await?;
    let language = visit.asked.language;
    let words = words(language);
    let (title, body) = match state {
        RecoveryState::Waiting { ready_at } => {
            let told = words.waiting.replace("{when}", &moment(ready_at));
            (words.waiting_title, html! { p { (told) } p { (words.waiting_next) } })
        }
        RecoveryState::Ready { ends_at } => match demand_ready(&mut tx, &app, holder, visit.device()).await {
            Ok(_) => (words.ready_title, ready(language, &moment(ends_at))),
            // What stops it now is a lock; begun elsewhere it would not have come so far.
            Err(_) => (words.locked_title, html! { p { (words.locked) } }),
        },
        RecoveryState::Stopped { until } => {
            (words.stopped_title, html! { p { (words.stopped.replace("{when}", &moment(until))) } })
        }
        RecoveryState::None => return Ok(Redirect::to(START).into_response()),
    };
    let body = html! { div { h1 id="title" { (title) } } (body) };
    Ok(page_in(&app, StatusCode::OK, language, title, &body))
}

fn ready(language: Language, until: &str) -> Markup {
    let words = words(language);
    html! {
        p { (words.ready.replace("{when}", until)) }
        (notices(language, words.bad_address))
        form id="create" data-path=(PASSKEY) {
            div.field {
                label for="name" { (words.passkey_name) }
                input id="name" type="text" autocomplete="off" maxlength="80" required value=(words.passkey_called) aria-describedby="name-help";
                p.help id="name-help" { (words.passkey_name_help) }
            }
            button.primary type="submit" { (words.make_passkey) }
        }
        p id="after" hidden { (words.back_in) }
        (shown_here(language))
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
struct Helped {
    /// The number that support calls the case by.
    case: i64,
}

/// What to do with one code and no other. The number is nobody's secret: it opens nothing.
#[utoipa::path(get, path = "/sign-in/recovery/help", tag = "security", params(Helped),
    responses((status = 200, description = "The page")))]
async fn help_page(State(app): State<App>, Wanted(language): Wanted, Query(helped): Query<Helped>) -> Response {
    let words = words(language);
    let body = html! {
        div { h1 id="title" { (words.help_title) } p.soft { (words.help_about) } }
        p.code-shown { (helped.case) }
        p { (words.help_next) }
    };
    page_in(&app, StatusCode::OK, language, words.help_title, &body)
}

// ---- the end of it -----------------------------------------------------------------------------------------------

/// An address at which the device's owner makes the new passkey: good once, for two minutes.
pub(super) async fn one_time_address(mut tx: Tx, app: &App, signed_in: &SignedIn) -> Result<Response, ApiError> {
    let secret = sign_in::new_secret(app);
    let device = Some((signed_in.holder, signed_in.device));
    let language = match signed_in.language {
        Some(language) => language,
        None => mail::language(&mut tx, signed_in.holder).await?,
    };
    let asked = Asked { to: None, code: None, device, language };
    let body = serde_json::to_string(&Body { recovery: asked }).map_err(|_| refused())?;
    visits::put_pushed(&mut tx, &sign_in::hash(&secret), &body, app.clock.now() + ADDRESS_LIFE).await?;
    tx.commit().await?;
    let address = format!("{}{START}/open?secret={secret}", app.settings.public_url);
    let expires_in = u32::try_from(ADDRESS_LIFE.as_secs()).unwrap_or(0);
    Ok((StatusCode::CREATED, axum::Json(OneTimeAddress { address, expires_in })).into_response())
}

#[derive(Deserialize, utoipa::IntoParams)]
struct Open {
    secret: String,
}

/// Opens the address in the browser, once.
#[utoipa::path(get, path = "/sign-in/recovery/open", tag = "security", params(Open),
    responses((status = 303, description = "To the page"), (status = 400, description = "Used or too old")))]
async fn open(
    State(app): State<App>,
    Wanted(language): Wanted,
    query: Result<Query<Open>, ApiError>,
) -> Result<Response, Response> {
    let Query(query) = query.map_err(|_| sign_in::ended(&app, language))?;
    let failed = |error: ApiError| error.into_response();
    let tx = app.db.begin_write().await.map_err(|error| failed(error.into()))?;
    let (mut tx, _, Body { recovery: asked }) = take_address(&app, tx, &query.secret, language).await?;
    let Some((holder, _)) = asked.device else {
        tx.commit().await.map_err(|error| failed(error.into()))?;
        return Err(sign_in::ended(&app, language));
    };
    let secret = sign_in::new_secret(&app);
    let hash = sign_in::hash(&secret);
    put_visit(&mut tx, &app, &hash, asked).await.map_err(failed)?;
    visits::recognise_visit(&mut tx, &hash, holder).await.map_err(|error| failed(error.into()))?;
    tx.commit().await.map_err(|error| failed(error.into()))?;
    let cookie = VisitCookie::RECOVERY.set(&app, &secret);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(STATE)).into_response())
}

#[derive(Deserialize, utoipa::ToSchema)]
struct NewName {
    /// How the new passkey is called, 1 to 80 characters.
    name: String,
}

/// Begins to make the new passkey, once the wait is over.
#[utoipa::path(post, path = "/sign-in/recovery/passkey/start", tag = "security", request_body = NewName,
    responses((status = 200, body = Started), (status = 403, body = api::error::Problem)))]
async fn start_passkey(
    State(app): State<App>,
    Source(source): Source,
    visit: Back,
    Json(wish): Json<NewName>,
) -> Result<Json<Started>, ApiError> {
    let name = sign_in::name_of(&wish.name)?;
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let holder = visit.holder.ok_or_else(refused)?;
    let mut tx = app.db.begin_read().await?;
    demand_ready(&mut tx, &app, holder, visit.device()).await?;
    drop(tx);
    sign_in::passkey_challenge(&app, &visit.hash, visit.ceremonies, holder, name).await
}

/// Keeps the new passkey and ends the recovery. The visit has done what it was for.
#[utoipa::path(post, path = "/sign-in/recovery/passkey/finish", tag = "security", request_body = Finish,
    responses((status = 200, body = MadeCode), (status = 403, body = api::error::Problem)))]
async fn finish_passkey(
    State(app): State<App>,
    Source(source): Source,
    visit: Back,
    Json(request): Json<Finish>,
) -> Result<Json<MadeCode>, ApiError> {
    match keep_passkey(&app, &visit, request).await {
        Ok(made) => Ok(Json(made)),
        Err(error) => Err(sign_in::note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

async fn keep_passkey(app: &App, visit: &Back, request: Finish) -> Result<MadeCode, ApiError> {
    let holder = visit.holder.ok_or_else(refused)?;
    let new = NewPasskey::made(app, &visit.hash, request).await?;
    let (made, code_hash) = MadeCode::new(app, visit.asked.language).await?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let still_there = match visit.device() {
        Some(device) => visits::devices_of(&mut tx, holder).await?.contains(&device),
        None => true,
    };
    if !still_there || !visits::end_visit(&mut tx, &visit.hash).await? {
        return Err(refused());
    }
    finish(&mut tx, app, holder, visit.device(), &code_hash).await?;
    new.keep(&mut tx, app, holder, visit.device()).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(made)
}
