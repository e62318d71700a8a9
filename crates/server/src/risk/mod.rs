//! Asks the score of `domain::risk` with what this server knows, keeps each decision with its reasons, and asks the
//! owner about what is unusual. Money and the ways in are not let through without a score; reading never waits for one.
//! What follows from a verdict for money is decided where money is.

pub mod places;
pub(crate) mod rhythm;
mod store;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use store::spoil;

use std::collections::BTreeMap;
use std::net::IpAddr;

use api::devices::CoarsePlace;
use api::error::ErrorCode;
use api::risk::{RiskDecision, RiskDecisionList};
use axum::extract::State;
use domain::ids::{DecisionId, DeviceId, HolderId, PaymentId};
use domain::risk::rhythm::Sample;
use domain::risk::{Circumstances, Movement, RiskOccasion, RiskScore, RiskVerdict, Seen, score};
use domain::security::{Happened, SecurityEventKind};
use domain::standing::{RestraintLevel, RestraintReason};
use jiff::{SignedDuration, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::Json;
use crate::sign_in::SignedIn;
use crate::{security, standing, support};
use places::Spotted;
use store::{Counted, Decision, Events};

/// Decisions that a person is shown.
const LISTED: i64 = 50;
/// Habits and decisions that are older are forgotten.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Counts that are older say nothing any more.
const COUNTED: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Failures and foreign proofs are added up over so long.
const ADDED_UP: SignedDuration = SignedDuration::from_hours(24);
/// The owner is not asked twice about one device within so long, unless it gets worse.
const ASKED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(decisions)).merge(rhythm::routes())
}

/// What is about to happen.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub occasion: RiskOccasion,
    /// None: a device that the account does not know yet.
    pub device: Option<DeviceId>,
    /// None: nobody asked from anywhere, a job does its work.
    pub source: Option<IpAddr>,
    /// The payment that it is about.
    pub subject: Option<Uuid>,
    pub movement: Option<Movement>,
    /// How the account name was typed, where its owner wants that looked at.
    pub rhythm: Option<Sample>,
}

impl Question {
    pub fn new(occasion: RiskOccasion, device: Option<DeviceId>, source: Option<IpAddr>) -> Self {
        Self { occasion, device, source, subject: None, movement: None, rhythm: None }
    }
}

/// A score, and what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    question: Question,
    spotted: Option<Spotted>,
    hour: u8,
    /// What was said of the device's refresh before this one.
    last_refresh: Option<Decision>,
    pub score: RiskScore,
}

/// What is counted against an account for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Somebody was refused who tried to get into this account.
    FailedTry,
    /// A good token came with a proof by another key than its own.
    ForeignProof,
    /// A passkey's counter went back.
    PasskeyCounter,
}

impl Mark {
    const fn name(self) -> &'static str {
        match self {
            Self::FailedTry => "failed_try",
            Self::ForeignProof => "foreign_proof",
            Self::PasskeyCounter => "passkey_counter",
        }
    }
}

/// Counts something against an account.
pub(crate) async fn mark(tx: &mut Tx, holder: HolderId, mark: Mark, now: Timestamp) -> DbResult<()> {
    store::count(tx, holder, mark.name(), now).await
}

/// What this server knows of an account when a score is asked.
pub(crate) struct Known {
    counted: BTreeMap<String, Counted>,
    events: Events,
    device_since: Option<Timestamp>,
    has_other_devices: bool,
    seen: Vec<Seen>,
    hours: [u32; 24],
    /// The highest score of the subject that the owner said yes to.
    vouched: Option<u32>,
    /// How unlike the usual something was typed.
    rhythm: Option<u32>,
}

/// Reads it, for a device and for what it is about.
pub(crate) fn known(
    app: &App,
    holder: HolderId,
    device: Option<DeviceId>,
    subject: Option<Uuid>,
) -> impl Read<Answer = Known> + use<> {
    let now = app.clock.now();
    let since = now.saturating_sub(ADDED_UP).unwrap_or(now);
    let reads = (
        store::counted(holder, since),
        store::events(holder, device),
        store::device(holder, device),
        store::seen(holder),
        store::hours(holder),
        subject.map(|subject| store::vouched_score(holder, subject)),
    );
    reads.then(|(counted, events, (device_since, has_other_devices), seen, hours, vouched)| {
        let vouched = vouched.flatten();
        Ok(Known { counted, events, device_since, has_other_devices, seen, hours, vouched, rhythm: None })
    })
}

/// Works out the score. Nothing is written.
pub(crate) async fn look(app: &App, tx: &mut Tx, holder: HolderId, question: Question) -> DbResult<Looked> {
    let refreshing = question.device.filter(|_| question.occasion == RiskOccasion::Refresh);
    let last_refresh = refreshing.map(|device| store::last_refresh(holder, device));
    let known = known(app, holder, question.device, question.subject);
    let (known, last_refresh) = tx.ask((known, last_refresh)).await?;
    let looked = judge_typed(app, tx, holder, question, known).await?;
    Ok(Looked { last_refresh: last_refresh.flatten(), ..looked })
}

/// The score of what is known and of how something was typed.
async fn judge_typed(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    question: Question,
    mut known: Known,
) -> DbResult<Looked> {
    known.rhythm = rhythm::unlike(tx, holder, question.rhythm.as_ref()).await?;
    judge(app, question, known)
}

/// The score of what is known.
pub(crate) fn judge(app: &App, question: Question, known: Known) -> DbResult<Looked> {
    let now = app.clock.now();
    let spotted = question.source.and_then(|source| app.settings.places.spot(source));
    let zoned = now.to_zoned(app.settings.zone.clone());
    let hour = u8::try_from(zoned.hour()).map_err(|_| DbError::Corrupt("the hour"))?;
    let counted = |mark: Mark| known.counted.get(mark.name());
    let times = |mark: Mark| counted(mark).map_or(0, |counted| counted.times);
    let last = |kinds: &[SecurityEventKind]| {
        kinds.iter().filter_map(|kind| known.events.last.get(kind.as_str())).max().copied()
    };
    let circumstances = Circumstances {
        occasion: question.occasion,
        now,
        hour,
        device_since: known.device_since,
        has_other_devices: known.has_other_devices,
        device_vouched: known.events.device_vouched,
        spot: spotted.as_ref().map(|spotted| spotted.spot.clone()),
        seen: known.seen,
        hours: known.hours,
        failed_tries: times(Mark::FailedTry),
        foreign_proofs: times(Mark::ForeignProof),
        passkey_counter_at: counted(Mark::PasskeyCounter).map(|counted| counted.last_at),
        token_reused_at: last(&[SecurityEventKind::TokenReused]),
        passkey_changed_at: last(&[SecurityEventKind::PasskeyAdded, SecurityEventKind::PasskeyRemoved]),
        recovered_at: last(&[SecurityEventKind::RecoveryFinished]),
        rhythm: known.rhythm,
        movement: question.movement.clone(),
    };
    let mut score = score(&circumstances);
    // What the owner said yes to is not stopped again, unless it got worse.
    if known.vouched.is_some_and(|vouched| vouched >= score.score) {
        score.verdict = score.verdict.min(RiskVerdict::StepUp);
    }
    Ok(Looked { question, spotted, hour, last_refresh: None, score })
}

/// The score where nothing is stopped without one: what is stored and does not read is written to the log, and the way in
/// stays open. A database that does not answer stops everything anyway.
pub(crate) async fn look_if_possible(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    question: Question,
) -> DbResult<Option<Looked>> {
    or_none(look(app, tx, holder, question).await)
}

/// The same of what was read beside other things.
pub(crate) async fn judge_if_possible(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    question: Question,
    known: DbResult<Known>,
) -> DbResult<Option<Looked>> {
    let looked = match known {
        Ok(known) => judge_typed(app, tx, holder, question, known).await,
        Err(error) => Err(error),
    };
    or_none(looked)
}

fn or_none(looked: DbResult<Looked>) -> DbResult<Option<Looked>> {
    match looked {
        Ok(looked) => Ok(Some(looked)),
        Err(DbError::Corrupt(what)) => {
            tracing::error!(what, "the risk could not be scored; reading goes on");
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// Scores a change of the ways in, keeps the decision, and says whether it may be made. The holder's row is locked; the
/// caller commits, also when it refuses. A passkey that was just shown is all that a step-up would ask for.
pub(crate) async fn allows_change(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    source: IpAddr,
) -> DbResult<bool> {
    let question = Question::new(RiskOccasion::SecurityChange, Some(device), Some(source));
    let looked = look(app, tx, holder, question).await?;
    Ok(keep(app, tx, holder, &looked, Some(device), None).await? < RiskVerdict::Hold)
}

pub(crate) fn unusual() -> ApiError {
    ApiError::new(ErrorCode::Unusual, "this is too unusual for the account; its owner is asked about it")
}

/// Keeps a decision and what it teaches about habits, and asks the owner about it where it says more than nothing. The
/// holder's row is locked. `asked` is the entry of the log that asks anyway, as one for a new device does.
pub(crate) async fn keep(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    looked: &Looked,
    device: Option<DeviceId>,
    asked: Option<i64>,
) -> DbResult<RiskVerdict> {
    let now = app.clock.now();
    let verdict = looked.score.verdict;
    if let (Some(device), Some(spotted)) = (device, &looked.spotted) {
        store::see(tx, holder, device, spotted, now).await?;
    }
    rhythm::learn(tx, holder, looked).await?;
    if looked.question.source.is_some() {
        store::use_hour(tx, holder, looked.hour, now).await?;
    }
    if let Some(last) = &looked.last_refresh
        && last.score == looked.score
        && within(last.at, now) < ASKED_WITHIN
    {
        store::repeat(tx, holder, last.id, now).await?;
        return Ok(verdict);
    }
    let event = match (asked, verdict) {
        (_, RiskVerdict::Allow) => None,
        (Some(event), _) => Some(event),
        (None, _) => Some(ask(app, tx, holder, looked, device).await?),
    };
    let spot = looked.spotted.as_ref();
    let decision = Decision {
        id: DecisionId::new(now, app.chance10()),
        at: now,
        last_at: now,
        occasion: looked.question.occasion,
        device,
        subject: looked.question.subject,
        network: spot.map(|spotted| spotted.spot.network.clone()),
        country: spot.and_then(|spotted| spotted.spot.country.clone()),
        city: spot.and_then(|spotted| spotted.city.clone()),
        score: looked.score.clone(),
        event,
        mine: None,
    };
    store::put_decision(tx, holder, &decision).await?;
    restrain(app, tx, holder, &looked.question, verdict, device).await?;
    Ok(verdict)
}

/// What follows for the whole account: nothing new is paid for a day, or nothing at all until somebody has looked at it.
/// A payment is held or refused by its own decision.
async fn restrain(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    question: &Question,
    verdict: RiskVerdict,
    device: Option<DeviceId>,
) -> DbResult<()> {
    let hold = app.settings.policy.numbers().risk_hold;
    match verdict {
        RiskVerdict::Lock => {
            support::open_risk_case(app, tx, holder).await?;
            let (level, reason) = (RestraintLevel::Locked, RestraintReason::Risk);
            standing::restrain(app, tx, holder, level, reason, None, device).await
        }
        RiskVerdict::Hold if question.movement.is_none() && hold > SignedDuration::ZERO => {
            let until = Some(app.clock.now().saturating_add(hold).unwrap_or(Timestamp::MAX));
            let (level, reason) = (RestraintLevel::Restricted, RestraintReason::Risk);
            standing::restrain(app, tx, holder, level, reason, until, device).await
        }
        RiskVerdict::Hold | RiskVerdict::StepUp | RiskVerdict::Allow => Ok(()),
    }
}

/// The entry of the log that asks about it: one that stands already, or a new one.
async fn ask(app: &App, tx: &mut Tx, holder: HolderId, looked: &Looked, device: Option<DeviceId>) -> DbResult<i64> {
    let now = app.clock.now();
    if let Some(device) = device {
        let since = now.saturating_sub(ASKED_WITHIN).unwrap_or(now);
        let open = readable(store::open_question(tx, holder, device, since).await)?;
        let open = open.filter(|open| open.score.verdict >= looked.score.verdict);
        if let Some(event) = open.and_then(|open| open.event) {
            return Ok(event);
        }
    }
    let name = match device {
        Some(device) => crate::sign_in::device_name(tx, holder, device).await?,
        None => None,
    };
    let kind = SecurityEventKind::RiskNoticed;
    security::append(tx, holder, Happened { at: now, kind, by: device, device, name, about: None }).await
}

/// What the owner said about an entry of the log, and with which device.
pub(crate) async fn answered(tx: &mut Tx, holder: HolderId, event: i64, mine: bool) -> DbResult<()> {
    store::answer(tx, holder, event, mine).await?;
    if mine { store::vouch(tx, holder, event).await } else { Ok(()) }
}

/// Notes that all that was asked about and not answered was the owner's; how much that was.
pub(crate) async fn confirm_all(tx: &mut Tx, holder: HolderId) -> DbResult<usize> {
    let open = store::open_questions(tx, holder).await?;
    for event in &open {
        answered(tx, holder, *event, true).await?;
    }
    Ok(open.len())
}

/// What was unusual lately, newest first, as lines for people of support: when and what, and the reasons' codes.
pub(crate) async fn newest(tx: &mut Tx, holder: HolderId, count: usize) -> DbResult<Vec<(String, String)>> {
    let kept = store::list(tx, holder, LISTED).await?;
    let line = |decision: Decision| {
        let Decision { at, occasion, score, .. } = decision;
        let reasons: Vec<String> = score.points.iter().map(|point| point.reason.as_str().replace('_', " ")).collect();
        (
            format!("{at} {}", occasion.as_str().replace('_', " ")),
            format!("{}: {}", score.verdict.as_str().replace('_', " "), reasons.join(", ")),
        )
    };
    Ok(kept.into_iter().take(count).map(line).collect())
}

/// The coarse place at which each device was last seen.
pub(crate) async fn last_places(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<(DeviceId, CoarsePlace)>> {
    let places = store::last_places(tx, holder).await?;
    Ok(places.into_iter().map(|(device, country, city)| (device, CoarsePlace { country, city })).collect())
}

/// Forgets what is old.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let now = app.clock.now();
    let before = |age| now.saturating_sub(age).map_err(|_| DbError::Corrupt("the clock"));
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, before(KEPT)?, before(COUNTED)?).await?;
    tx.commit().await
}

/// A row that does not read stops nobody: what it said is said anew.
fn readable<T>(row: DbResult<Option<T>>) -> DbResult<Option<T>> {
    match row {
        Err(DbError::Corrupt(_)) => Ok(None),
        other => other,
    }
}

fn within(from: Timestamp, to: Timestamp) -> SignedDuration {
    to.duration_since(from)
}

/// What was unusual lately and why, newest first.
#[utoipa::path(get, path = "/api/v1/risk/decisions", tag = "risk", responses((status = 200, body = RiskDecisionList)))]
async fn decisions(State(app): State<App>, signed_in: SignedIn) -> Result<Json<RiskDecisionList>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let kept = store::list(&mut tx, signed_in.holder, LISTED).await?;
    let items = kept.into_iter().map(shown).collect();
    Ok(Json(RiskDecisionList { items, places_known: app.settings.places.are_known() }))
}

fn shown(kept: Decision) -> RiskDecision {
    let place = kept.country.map(|country| CoarsePlace { country, city: kept.city });
    RiskDecision {
        id: kept.id,
        at: kept.at,
        last_at: kept.last_at,
        occasion: kept.occasion,
        device: kept.device,
        payment: kept.subject.map(PaymentId::from_uuid),
        place,
        version: kept.score.version,
        score: kept.score.score,
        verdict: kept.score.verdict,
        reasons: kept.score.points,
        event: kept.event,
        mine: kept.mine,
    }
}
