//! Automatic reload (WA2): a wallet that has less than its person wants in it is reloaded from its card, on one yes to its
//! terms. A job looks once, moves money in one transaction or says why not, and what it says is looked at again a day later
//! at the earliest. Whether to reload is `domain::wallet::auto_reload`; what a reload moves is its neighbour's.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use api::error::ErrorCode;
use api::wallet::AutoReloadSet;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{AccountId, DeviceId, HolderId, TransactionId};
use domain::money::Money;
use domain::policy::{self, Approval, Change, Decision};
use domain::purchases::{AskFacts, CardStatus};
use domain::security::{Happened, SecurityEventKind};
use domain::wallet::auto_reload::{
    AutoReload, AutoReloadError, AutoReloadFacts, AutoReloadStep, AutoReloadTerms, AutoReloadWaits, ReloadedBecause,
    TRY_AGAIN_HOURS,
};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{put_by, store, tell};
use crate::App;
use crate::card::{self, Card};
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::jobs::{self, Job, Kind};
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::{self, Asked, Outcome, Shown, Subject};
use crate::{ledger, risk, security, standing};
use store::KeptAutoReload;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(set, off))
}

/// Lets a wallet be reloaded by itself on these terms: at once where nothing stronger can be asked, else at the address that
/// is answered, with a passkey. Until the yes everything stays as it was; the same terms again change nothing.
#[utoipa::path(put, path = "/api/v1/cards/{id}/wallet/auto-reload", tag = "card", params(("id" = AccountId, Path)),
    request_body = AutoReloadTerms,
    responses((status = 200, body = AutoReloadSet), (status = 403, body = api::error::Problem),
        (status = 404, body = api::error::Problem), (status = 409, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn set(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(id): Path<AccountId>,
    Json(terms): Json<AutoReloadTerms>,
) -> Result<Json<AutoReloadSet>, ApiError> {
    let (holder, device) = (signed_in.holder, signed_in.device);
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let approval = weigh(&app, &mut tx, holder, device).await?;
    let card = wished(&mut tx, holder, id, &terms).await?;
    if let Some(known) = store::auto_reload(&mut tx, holder, id, card.limit.currency()).await?
        && known.auto_reload.terms == terms
    {
        return Ok(Json(AutoReloadSet { set: Some(known.auto_reload), approve_at: None }));
    }
    if !risk::allows_change(&app, &mut tx, holder, device, source).await? {
        tx.commit().await?;
        return Err(risk::unusual());
    }
    if matches!(approval, Approval::Passkey(_)) {
        tx.commit().await?;
        let address = step_up::begin(&app, &signed_in, source, Subject::AutoReload { card: id, terms }).await?;
        return Ok(Json(AutoReloadSet { set: None, approve_at: Some(address) }));
    }
    let set = begin(&app, &mut tx, holder, device, &card, terms).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(AutoReloadSet { set: Some(set), approve_at: None }))
}

/// Turns it off: no reload happens by itself from the answer on. Twice is no error.
#[utoipa::path(delete, path = "/api/v1/cards/{id}/wallet/auto-reload", tag = "card", params(("id" = AccountId, Path)),
    responses((status = 204, description = "Off"), (status = 404, body = api::error::Problem)))]
async fn off(State(app): State<App>, signed_in: SignedIn, Path(id): Path<AccountId>) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(card::store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if end(&app, &mut tx, holder, &card, Some(signed_in.device)).await? {
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl From<AutoReloadError> for ApiError {
    fn from(error: AutoReloadError) -> Self {
        let field = match error {
            AutoReloadError::Below => "below",
            AutoReloadError::Currency | AutoReloadError::Amount | AutoReloadError::Full => "amount",
            AutoReloadError::Month => "month_most",
        };
        Self::invalid(ErrorCode::InvalidAmount, field, &error.to_string())
    }
}

async fn weigh(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> Result<Approval, ApiError> {
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, Change::SetAutoReload, &caller, app.clock.now()) {
        Decision::Go { approval, .. } => Ok(approval),
        Decision::Refuse(refusal) => Err(refusal.into()),
    }
}

/// The card whose wallet can be reloaded on these terms.
async fn wished(tx: &mut Tx, holder: HolderId, id: AccountId, terms: &AutoReloadTerms) -> Result<Card, ApiError> {
    let card = tx.ask(card::store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    terms.check(card.limit.currency())?;
    if card.status.is_over() {
        return Err(ApiError::new(ErrorCode::CardOver, "a card that is lost or closed stays so: open another"));
    }
    Ok(card)
}

/// The terms count from now on; what is below them is looked at at once.
async fn begin(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    device: DeviceId,
    card: &Card,
    terms: AutoReloadTerms,
) -> DbResult<AutoReload> {
    let kept = KeptAutoReload { auto_reload: AutoReload { terms, waits: None }, device, set_at: app.clock.now() };
    store::put_auto_reload(tx, holder, card.id, &kept).await?;
    note(app, tx, holder, card.id, SecurityEventKind::AutoReloadSet, Some(device)).await?;
    tell(app, tx, holder, card).await?;
    Ok(kept.auto_reload)
}

/// Nothing is reloaded by itself any more; false when nothing was.
async fn end(app: &App, tx: &mut Tx, holder: HolderId, card: &Card, by: Option<DeviceId>) -> DbResult<bool> {
    if !store::remove_auto_reload(tx, holder, card.id).await? {
        return Ok(false);
    }
    jobs::remove(tx, holder, Kind::AutoReload, card.id.as_uuid()).await?;
    note(app, tx, holder, card.id, SecurityEventKind::AutoReloadEnded, by).await?;
    tell(app, tx, holder, card).await?;
    Ok(true)
}

/// The log names the card as its owner does.
async fn note(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    kind: SecurityEventKind,
    by: Option<DeviceId>,
) -> DbResult<()> {
    let name = Some(card::name_of(tx, holder, card).await?);
    security::record(tx, holder, Happened { at: app.clock.now(), kind, by, device: None, name, about: None }).await
}

// ---- the look ----------------------------------------------------------------------------------------------------

/// A wallet has so much to spend: where that is less than its person wants in it, a look is put, unless one waits already.
/// Where it is not, nothing is to be reloaded, and what was said of a reload that did not happen is over. Answers how it
/// stands. Wake the jobs after the commit.
pub(super) async fn watch(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    kept: &KeptAutoReload,
    there: Money,
) -> DbResult<AutoReload> {
    let AutoReload { terms, waits } = kept.auto_reload;
    if there.minor() < terms.below.minor() {
        if waits.is_none() {
            jobs::put(tx, holder, Kind::AutoReload, card.as_uuid(), app.clock.now()).await?;
        }
        return Ok(kept.auto_reload);
    }
    if waits.is_some() {
        store::set_waits(tx, holder, card, None).await?;
        jobs::remove(tx, holder, Kind::AutoReload, card.as_uuid()).await?;
    }
    Ok(AutoReload { terms, waits: None })
}

/// Reloads a wallet once where it has too little, or says why it does not and looks again later.
pub(crate) async fn look(app: &App, job: &Job) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(job.holder).await?;
    let next = look_at(app, &mut tx, job.holder, AccountId::from_uuid(job.subject)).await?;
    match next {
        Some(next) => jobs::later(&mut tx, job, next).await?,
        None => jobs::done(&mut tx, job).await?,
    }
    tx.commit().await
}

/// Answers when to look again.
async fn look_at(app: &App, tx: &mut Tx, holder: HolderId, id: AccountId) -> DbResult<Option<Timestamp>> {
    let Some(card) = tx.ask(card::store::find(holder, id)).await? else { return Ok(None) };
    let Some(kept) = store::auto_reload(tx, holder, id, card.limit.currency()).await? else { return Ok(None) };
    let (terms, waited) = (kept.auto_reload.terms, kept.auto_reload.waits);
    let (now, today) = (app.clock.now(), card::today(app));
    let standing_there = tx.ask(ledger::card_standing(holder, id, card.limit.currency())).await?;
    let facts = AutoReloadFacts {
        there: standing_there.wallet,
        reserved: standing_there.wallet_held,
        of_month: store::reloaded_since(tx, holder, id, today.first_of_month(), card.limit.currency()).await?,
        ask: AskFacts {
            status: card.status,
            standing: tx.ask(standing::of(holder, now)).await?,
            is_linked: true,
            credit_left: card::left(tx, holder, &card).await?,
            amount: terms.amount,
        },
    };
    let in_a_day = now.saturating_add(SignedDuration::from_hours(TRY_AGAIN_HOURS)).unwrap_or(Timestamp::MAX);
    let (waits, next) = match terms.step(&facts) {
        AutoReloadStep::Enough => (None, None),
        AutoReloadStep::Reload => {
            let because = ReloadedBecause { had: facts.there, below: terms.below };
            // It waits no more before it is told, so that what is told is how it stands.
            store::set_waits(tx, holder, id, None).await?;
            let move_id = TransactionId::new(now, app.chance10());
            put_by(app, tx, holder, &card, (move_id, terms.amount), Some(because)).await?;
            note(app, tx, holder, id, SecurityEventKind::AutoReloaded, None).await?;
            return Ok(None);
        }
        AutoReloadStep::MonthIsOver => {
            let until = next_month(app, today)?;
            (Some(AutoReloadWaits { declined: None, until }), Some(until))
        }
        AutoReloadStep::Declined(declined) => {
            (Some(AutoReloadWaits { declined: Some(declined), until: in_a_day }), Some(in_a_day))
        }
        // Its person has nothing to do about it: what moves in the wallet is looked at anew.
        AutoReloadStep::Full => (None, Some(in_a_day)),
    };
    if waits == waited {
        return Ok(next);
    }
    store::set_waits(tx, holder, id, waits).await?;
    // Told once for each reason, and not each day anew.
    if let Some(waits) = waits
        && waited.is_none_or(|before| before.declined != waits.declined)
    {
        note(app, tx, holder, id, SecurityEventKind::AutoReloadWaits, None).await?;
    }
    tell(app, tx, holder, &card).await?;
    Ok(next)
}

/// The first moment of the next month, where the server's days are counted.
fn next_month(app: &App, today: Date) -> DbResult<Timestamp> {
    let first = today.last_of_month().tomorrow().map_err(|_| DbError::Corrupt("a day"))?;
    let midnight = first.to_zoned(app.settings.zone.clone()).map_err(|_| DbError::Corrupt("a day"))?;
    Ok(midnight.timestamp())
}

// ---- what else changes it ----------------------------------------------------------------------------------------

/// A card has another status: what is over ends, and a card that is used again is looked at at once.
pub(crate) async fn card_changed(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    status: CardStatus,
) -> DbResult<()> {
    if status.is_over() {
        end(app, tx, holder, card, None).await?;
    } else if status == CardStatus::Active
        && store::auto_reload(tx, holder, card.id, card.limit.currency())
            .await?
            .is_some_and(|kept| kept.auto_reload.waits.is_some())
    {
        store::set_waits(tx, holder, card.id, None).await?;
        tell(app, tx, holder, card).await?;
    }
    Ok(())
}

/// A device was not its owner's: what was said yes to on it ends.
pub(crate) async fn distrust(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> DbResult<()> {
    end_where(app, tx, holder, |kept| kept.device == device).await
}

/// What was set then was not set by its owner.
pub(crate) async fn end_set_at(app: &App, tx: &mut Tx, holder: HolderId, at: Timestamp) -> DbResult<()> {
    end_where(app, tx, holder, |kept| kept.set_at == at).await
}

async fn end_where(app: &App, tx: &mut Tx, holder: HolderId, ends: impl Fn(&KeptAutoReload) -> bool) -> DbResult<()> {
    for id in store::auto_reloads(tx, holder).await? {
        let card = tx.ask(card::store::find(holder, id)).await?.ok_or(DbError::Corrupt("a wallet's card"))?;
        let kept = store::auto_reload(tx, holder, id, card.limit.currency()).await?;
        if kept.is_some_and(|kept| ends(&kept)) {
            end(app, tx, holder, &card, None).await?;
        }
    }
    Ok(())
}

// ---- the yes -----------------------------------------------------------------------------------------------------

/// What the page shows: everything that the yes is bound to.
pub(crate) async fn shown(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    id: AccountId,
    terms: AutoReloadTerms,
) -> Result<Shown, ApiError> {
    weigh(app, tx, asked.holder, asked.device).await?;
    wished(tx, asked.holder, id, &terms).await?;
    let name = card::name_of(tx, asked.holder, id).await?;
    let AutoReloadTerms { below, amount, month_most } = terms;
    let words = asked.words();
    let facts = vec![
        (words.charged_to, name),
        (words.reloaded_below, below.to_string()),
        (words.each_time, amount.to_string()),
        (words.month_most, month_most.to_string()),
        (words.ends, words.turned_off.to_owned()),
    ];
    Ok(Shown::new(&words.auto_reload, facts, format!("auto reload {id} {below} {amount} {month_most}")))
}

pub(crate) async fn approved(
    app: &App,
    tx: &mut Tx,
    asked: &Asked,
    source: IpAddr,
    id: AccountId,
    terms: AutoReloadTerms,
) -> Result<Outcome, ApiError> {
    if !risk::allows_change(app, tx, asked.holder, asked.device, source).await? {
        return Ok(Outcome::Refused(risk::unusual()));
    }
    let card = wished(tx, asked.holder, id, &terms).await?;
    begin(app, tx, asked.holder, asked.device, &card, terms).await?;
    Ok(Outcome::Done)
}
