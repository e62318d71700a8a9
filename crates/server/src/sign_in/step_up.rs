//! A yes by passkey to exactly one thing. A signed-in device begins it, the browser shows what it is about on the
//! server's own page, and the passkey answers for what was shown: anything else by then, and the yes counts for nothing.
//! What the thing is, and what follows from the yes, belongs to the feature that it is of.

pub(crate) mod words;

use std::net::IpAddr;

use api::error::ErrorCode;
use api::security::OneTimeAddress;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use domain::addresses::Language;
use domain::autopay::{AutopayOf, AutopayTerms};
use domain::ids::{AccountId, DeviceId, HolderId, MethodId, PasskeyId, PaymentId};
use domain::methods::MethodKind;
use domain::money::Currency;
use domain::policy;
use domain::risk::RiskVerdict;
use domain::wallet::auto_reload::AutoReloadTerms;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use webauthn_rs::prelude::{Passkey, PasskeyAuthentication};

use super::language::{self, Wanted};
pub(crate) use super::passkeys::Recognised;
use super::passkeys::{
    Finish, Started, assertion, note_failure, note_use, put_ceremony, refused, take_ceremony, uncounted,
};
use super::visit::{KeptVisit, VisitCookie, take_address, too_often};
use super::{SignedIn, hash, new_secret, pages, store};
use crate::db::{DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::{Json, Query, Source};
use crate::payments::{approval, limits};
use crate::wallet::auto_reload;
use crate::{App, autopay, card, export, methods, standing};

/// The address is opened at once, by the app.
const ADDRESS_LIFE: SignedDuration = SignedDuration::from_secs(120);
const PAGE: &str = "/sign-in/step-up";
const DONE: &str = "/sign-in/step-up/done";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(open))
        .routes(routes!(page))
        .routes(routes!(done))
        .routes(routes!(start))
        .routes(routes!(finish))
}

/// What somebody is asked to say yes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Subject {
    /// The owner's lock of the account ends.
    ReleaseLock,
    /// A payment that waits for its approval.
    Payment { id: PaymentId },
    /// Higher limits of what leaves without a passkey.
    Limits { currency: Currency, limits: policy::Limits },
    /// A frozen card is used again.
    UnfreezeCard { card: AccountId },
    /// The code that was made for a card last counts.
    LinkMerchant { card: AccountId },
    /// A payment method, whose number is typed on the page first.
    AddMethod { id: MethodId, kind: MethodKind },
    /// Everything that leaves from one method leaves from another.
    ReplaceMethod { old: MethodId, with: MethodId },
    /// Everything leaves, as an archive, in the next minutes.
    Export,
    /// A bill or card is paid by itself on these terms.
    Autopay {
        #[serde(flatten)]
        of: AutopayOf,
        terms: AutopayTerms,
    },
    /// A card's wallet is reloaded by itself on these terms.
    AutoReload { card: AccountId, terms: AutoReloadTerms },
}

/// What the page shows. `digest` stands for all of it: the yes is bound to that.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub title: &'static str,
    pub facts: Vec<(&'static str, String)>,
    /// What pressing the button means.
    pub note: &'static str,
    pub button: &'static str,
    pub digest: String,
}

impl Shown {
    pub fn new(question: &words::Question, facts: Vec<(&'static str, String)>, digest: String) -> Self {
        let words::Question { title, note, button } = *question;
        Self { title, facts, note, button, digest }
    }
}

/// Who is asked, and on which device it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub holder: HolderId,
    pub device: DeviceId,
    pub subject: Subject,
    /// What the page speaks: the app's own language, else the browser's.
    #[serde(default)]
    pub language: Option<Language>,
}

impl Asked {
    /// The words of its page.
    pub fn words(&self) -> &'static words::Words {
        words::words(self.language())
    }

    pub fn language(&self) -> Language {
        self.language.unwrap_or_default()
    }
}

/// What came of a yes.
pub(crate) enum Outcome {
    Done,
    /// It counts for nothing; what was noted about it stays.
    Refused(ApiError),
}

async fn shown(app: &App, tx: &mut Tx, asked: &Asked, source: IpAddr) -> Result<Shown, ApiError> {
    match asked.subject {
        Subject::ReleaseLock => standing::shown(app, tx, asked).await,
        Subject::Payment { id } => approval::shown(app, tx, asked, source, id).await,
        Subject::Limits { currency, limits } => limits::shown(app, tx, asked, currency, limits).await,
        Subject::UnfreezeCard { card } => card::unfreeze_shown(app, tx, asked, card).await,
        Subject::LinkMerchant { card } => card::link_shown(app, tx, asked, card).await,
        Subject::AddMethod { id, .. } => methods::shown_adding(app, tx, asked, id).await,
        Subject::ReplaceMethod { old, with } => methods::shown_replacing(app, tx, asked, old, with).await,
        Subject::Export => export::shown(app, tx, asked).await,
        Subject::Autopay { of, terms } => autopay::shown(app, tx, asked, of, terms).await,
        Subject::AutoReload { card, terms } => auto_reload::shown(app, tx, asked, card, terms).await,
    }
}

/// What follows from the yes, in its transaction; the holder's row is locked.
async fn carry_out(app: &App, tx: &mut Tx, asked: &Asked, source: IpAddr, by: PasskeyId) -> Result<Outcome, ApiError> {
    match asked.subject {
        Subject::ReleaseLock => standing::released(app, tx, asked).await.map(|()| Outcome::Done),
        Subject::Payment { id } => approval::approved(app, tx, asked, source, id, by).await,
        Subject::Limits { currency, limits } => limits::raised(app, tx, asked, source, currency, limits).await,
        Subject::UnfreezeCard { card } => card::unfrozen(app, tx, asked, card).await.map(|()| Outcome::Done),
        Subject::LinkMerchant { card } => card::link_approved(app, tx, asked, card).await.map(|()| Outcome::Done),
        Subject::AddMethod { id, .. } => methods::added(app, tx, asked, source, id).await,
        Subject::ReplaceMethod { old, with } => methods::replaced(app, tx, asked, source, (old, with), by).await,
        // That the passkey was shown is noted, and the device asks again.
        Subject::Export => Ok(Outcome::Done),
        Subject::Autopay { of, terms } => autopay::approved(app, tx, asked, source, of, terms).await,
        Subject::AutoReload { card, terms } => auto_reload::approved(app, tx, asked, source, card, terms).await,
    }
}

/// Begins it: the address is good once, for two minutes.
pub(crate) async fn begin(
    app: &App,
    signed_in: &SignedIn,
    source: IpAddr,
    subject: Subject,
) -> Result<OneTimeAddress, ApiError> {
    let SignedIn { holder, device, language, .. } = *signed_in;
    let asked = Asked { holder, device, subject, language };
    let secret = new_secret(app);
    let body = serde_json::to_string(&Body { step_up: asked }).map_err(|_| refused())?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(asked.holder).await?;
    shown(app, &mut tx, &asked, source).await?;
    store::put_pushed(&mut tx, &hash(&secret), &body, app.clock.now() + ADDRESS_LIFE).await?;
    tx.commit().await?;
    let address = format!("{}{PAGE}/open?secret={secret}", app.settings.public_url);
    Ok(OneTimeAddress { address, expires_in: u32::try_from(ADDRESS_LIFE.as_secs()).unwrap_or(0) })
}

/// What the matrix needs to know of who asks. Risk is not asked here.
pub(crate) fn caller(app: &App, holder: HolderId, device: DeviceId) -> impl Read<Answer = policy::Caller> + use<> {
    let reads = (store::caller_facts(holder, device), standing::of(holder, app.clock.now()));
    reads.then(|(facts, standing)| {
        Ok(policy::Caller {
            has_passkey: facts.has_passkey,
            device_since: facts.device_since,
            passkey_since: facts.passkey_since,
            proved_at: facts.proved_at,
            money_at: facts.money_at,
            standing,
            risk: RiskVerdict::Allow,
        })
    })
}

/// This device let money go: the session that its passkey began goes on.
pub(crate) async fn note_money(tx: &mut Tx, holder: HolderId, device: DeviceId, now: Timestamp) -> DbResult<()> {
    store::note_money(tx, holder, device, now).await
}

pub(crate) async fn has_passkey(tx: &mut Tx, holder: HolderId) -> DbResult<bool> {
    Ok(!store::passkeys_of(tx, holder).await?.is_empty())
}

// ---- the visit ---------------------------------------------------------------------------------------------------

/// Named, so that no visit of another kind reads as this one.
#[derive(Serialize, Deserialize)]
struct Body {
    step_up: Asked,
}

/// A visit that asks for a yes, by its own cookie.
pub(crate) struct StepUpVisit {
    hash: [u8; 32],
    pub asked: Asked,
    failures: i64,
    ceremonies: i64,
}

impl StepUpVisit {
    /// The visit has done what it was for.
    pub async fn end(&self, tx: &mut Tx) -> Result<(), ApiError> {
        if store::end_visit(tx, &self.hash).await? { Ok(()) } else { Err(refused()) }
    }
}

impl Recognised {
    /// To the page that asks for the yes.
    pub fn next() -> Self {
        Self { location: PAGE.to_owned() }
    }

    pub fn done(language: Language) -> Self {
        Self { location: language::address(DONE, language) }
    }
}

impl FromRequestParts<App> for StepUpVisit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let KeptVisit { hash, body, failures, ceremonies, .. } =
            KeptVisit::<Body>::of(parts, app, &VisitCookie::STEP_UP).await?;
        let mut asked = body.step_up;
        asked.language.get_or_insert_with(|| language::of_request(parts));
        Ok(Self { hash, asked, failures, ceremonies })
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
struct Open {
    secret: String,
}

/// Opens the address in the browser, once.
#[utoipa::path(get, path = "/sign-in/step-up/open", tag = "security", params(Open),
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
    let (mut tx, body, _) = take_address::<Body>(&app, tx, &query.secret, language).await?;
    let secret = new_secret(&app);
    store::put_visit(&mut tx, &hash(&secret), &body, now + policy::APPROVAL_FRESH).await.map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    let cookie = VisitCookie::STEP_UP.set(&app, &secret);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(PAGE)).into_response())
}

/// The page that shows what is asked.
#[utoipa::path(get, path = "/sign-in/step-up", tag = "security",
    responses((status = 200, description = "The page"), (status = 400, description = "No visit, or nothing to say yes to")))]
async fn page(State(app): State<App>, Source(source): Source, visit: StepUpVisit) -> Result<Response, ApiError> {
    let mut tx = app.db.begin_write().await?;
    let name = store::holder_name(&mut tx, visit.asked.holder).await?.ok_or_else(ApiError::not_found)?;
    // What was to be approved may have been cancelled or approved elsewhere meanwhile.
    match shown(&app, &mut tx, &visit.asked, source).await {
        Ok(shown) => match methods::wants_number(&mut tx, &visit.asked).await? {
            Some(kind) => Ok(methods::number_page(&app, visit.asked.language(), &name, kind)),
            None => Ok(pages::step_up(&app, visit.asked.language(), &name, &shown)),
        },
        Err(error) if error.problem.status < 500 => Ok(pages::ended(&app, visit.asked.language())),
        Err(error) => Err(error),
    }
}

/// The page at the end of it.
#[utoipa::path(get, path = "/sign-in/step-up/done", tag = "security", responses((status = 200, description = "The page")))]
async fn done(State(app): State<App>, Wanted(language): Wanted) -> Response {
    pages::stepped_up(&app, language)
}

#[derive(Deserialize, utoipa::ToSchema)]
struct Start {
    /// What the page showed, by its digest.
    shown: String,
}

/// The challenge's state with what it is bound to.
#[derive(Serialize, Deserialize)]
struct Proving {
    state: PasskeyAuthentication,
    digest: String,
}

/// Begins the yes to what the page showed.
#[utoipa::path(post, path = "/sign-in/step-up/start", tag = "security", request_body = Start,
    responses((status = 200, body = Started), (status = 409, body = api::error::Problem)))]
async fn start(
    State(app): State<App>,
    Source(source): Source,
    visit: StepUpVisit,
    Json(request): Json<Start>,
) -> Result<Json<Started>, ApiError> {
    app.limits.start.take(source, app.clock.now()).map_err(too_often)?;
    let mut tx = app.db.begin_write().await?;
    let shown = shown(&app, &mut tx, &visit.asked, source).await?;
    if shown.digest != request.shown {
        return Err(changed());
    }
    let kept = store::passkeys_of(&mut tx, visit.asked.holder).await?;
    drop(tx);
    let passkeys: Vec<Passkey> = kept.iter().filter_map(|kept| uncounted(&kept.body).ok()).collect();
    let (options, state) = app.identity.passkeys.start_passkey_authentication(&passkeys).map_err(|_| refused())?;
    let proving = Proving { state, digest: shown.digest };
    put_ceremony(&app, &visit.hash, visit.ceremonies, "step_up", &proving, &options).await
}

fn changed() -> ApiError {
    ApiError::new(ErrorCode::VersionConflict, "it is not what the page showed any more")
}

/// Takes the yes. The visit has done what it was for.
#[utoipa::path(post, path = "/sign-in/step-up/finish", tag = "security", request_body = Finish,
    responses((status = 200, body = Recognised), (status = 409, body = api::error::Problem)))]
async fn finish(
    State(app): State<App>,
    Source(source): Source,
    visit: StepUpVisit,
    Json(request): Json<Finish>,
) -> Result<Json<Recognised>, ApiError> {
    match take(&app, &visit, source, request).await {
        Ok(()) => Ok(Json(Recognised::done(visit.asked.language()))),
        Err(error) => Err(note_failure(&app, source, &visit.hash, visit.failures, error).await?),
    }
}

async fn take(app: &App, visit: &StepUpVisit, source: IpAddr, request: Finish) -> Result<(), ApiError> {
    let asked = &visit.asked;
    let proving: Proving = take_ceremony(app, &visit.hash, "step_up", &request.ceremony).await?;
    let credential = assertion(request.credential)?;
    let passkeys = &app.identity.passkeys;
    let result = passkeys.finish_passkey_authentication(&credential, &proving.state).map_err(|_| refused())?;
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    tx.lock(asked.holder).await?;
    let kept = tx.ask(store::passkey(result.cred_id())).await?.filter(|kept| kept.holder == asked.holder);
    let kept = kept.ok_or_else(refused)?;
    note_use(&mut tx, app, &kept, &result).await?;
    // What was true when it began must be true now: the device is signed in, and the thing is as it was shown.
    let signed_in = store::devices_of(&mut tx, asked.holder).await?.contains(&asked.device);
    if !signed_in || !store::end_visit(&mut tx, &visit.hash).await? {
        return Err(refused());
    }
    if shown(app, &mut tx, asked, source).await?.digest != proving.digest {
        return Err(changed());
    }
    store::note_proof(&mut tx, asked.holder, asked.device, now).await?;
    let outcome = carry_out(app, &mut tx, asked, source, kept.id).await?;
    tx.commit().await?;
    app.jobs.wake();
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Refused(error) => Err(error),
    }
}
