//! Getting back into an account when every way in is lost: a code on paper and a code that is sent, by e-mail or as a text
//! message, or one of them and a device that is still signed in. Then everybody is told and may stop it while it waits; at its end stands one new
//! passkey, every other device is signed out, and for a while nothing new is allowed. Nothing here tells a stranger whether
//! an account exists, and nothing blocks any other way in.

pub(crate) mod code;
mod device;
mod sheet;
mod store;
#[cfg(test)]
mod tests;
mod web;
mod words;

use api::error::ErrorCode;
use domain::addresses::{AddressKind, Language};
use domain::ids::{DeviceId, HolderId};
use domain::policy;
use domain::recovery::{MayGuess, Recovery, RecoveryState, SUPPORT_WAIT, SavedCode};
use domain::security::{Happened, SecurityEvent, SecurityEventKind};
use domain::standing::{RestraintLevel, RestraintReason};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::mail::{self, Said};
use crate::{addresses, calendar_feed, security, sign_in, standing};
use store::Kept;

/// Pages: answered to anyone.
pub fn routes() -> OpenApiRouter<App> {
    web::routes().merge(code::routes())
}

pub fn api_routes() -> OpenApiRouter<App> {
    device::routes()
}

// ---- the saved code ----------------------------------------------------------------------------------------------

/// A new code for the person's paper, in place of the one before; the holder's row is locked.
async fn keep_code(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    code_hash: &[u8; 32],
    by: Option<DeviceId>,
) -> DbResult<()> {
    let now = app.clock.now();
    store::put_code(tx, holder, code_hash, now).await?;
    security::record(tx, holder, about(SecurityEventKind::RecoveryCodeMade, now, by)).await
}

/// The code that was made then is good for nothing: its owner did not make it.
pub(crate) async fn forget_code(tx: &mut Tx, holder: HolderId, made_at: Timestamp) -> DbResult<()> {
    store::remove_code(tx, holder, made_at).await
}

/// What a typed code is worth for accounts that have been proven otherwise.
enum Guess {
    Right(HolderId),
    Wrong,
    /// So many seconds, before the next counts.
    Wait(u32),
}

/// Looks whether the code is of one of these accounts. A wrong one is counted at each of them: commit whatever it is.
async fn guess(tx: &mut Tx, app: &App, accounts: &[HolderId], code: &SavedCode) -> DbResult<Guess> {
    let now = app.clock.now();
    let owner = store::code_owner(tx, &code.hash()).await?.filter(|owner| accounts.contains(owner));
    let mut answer = Guess::Wrong;
    // Locks are taken in one order, whoever takes them.
    let mut accounts = accounts.to_vec();
    accounts.sort_unstable();
    for holder in accounts {
        tx.lock(holder).await?;
        let Some(kept) = store::code(tx, holder).await? else { continue };
        match kept.guesses.may(now) {
            MayGuess::Never => {}
            MayGuess::Wait { until } => answer = Guess::Wait(seconds_until(until, now)),
            MayGuess::Yes if owner == Some(holder) => return Ok(Guess::Right(holder)),
            MayGuess::Yes if owner.is_some() => {}
            MayGuess::Yes => {
                let guesses = kept.guesses.with_wrong(now);
                store::put_guesses(tx, holder, &guesses).await?;
                if guesses.are_used_up() {
                    security::record(tx, holder, about(SecurityEventKind::RecoveryBlocked, now, None)).await?;
                }
            }
        }
    }
    Ok(answer)
}

fn seconds_until(until: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(until.duration_since(now).as_secs().max(1)).unwrap_or(u32::MAX)
}

// ---- the recovery ------------------------------------------------------------------------------------------------

pub(crate) async fn state(tx: &mut Tx, app: &App, holder: HolderId) -> DbResult<RecoveryState> {
    let kept = store::find(tx, holder).await?;
    Ok(kept.map_or(RecoveryState::None, |kept| kept.recovery.state(app.clock.now())))
}

/// Begins a recovery, or gives the state of the one that runs or was stopped a short while ago; the holder's row is locked.
async fn begin(tx: &mut Tx, app: &App, holder: HolderId, device: Option<DeviceId>) -> DbResult<RecoveryState> {
    let wait = app.settings.policy.numbers().recovery_wait;
    put(tx, app, holder, Recovery::begun(app.clock.now(), wait), device, false).await
}

/// Begins one for somebody without their saved code, once two people of support have looked at who it is. They begin it and
/// nothing more: it waits longer, everybody is told, and the person goes on with a code that is sent. One that runs already and
/// was begun otherwise ends with it.
pub(crate) async fn begin_for_support(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<RecoveryState> {
    put(tx, app, holder, Recovery::begun(app.clock.now(), SUPPORT_WAIT), None, true).await
}

async fn put(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    recovery: Recovery,
    device: Option<DeviceId>,
    by_support: bool,
) -> DbResult<RecoveryState> {
    let now = app.clock.now();
    if let Some(before) = store::find(tx, holder).await? {
        let state = before.recovery.state(now);
        // Whoever support helps can finish none that was begun by a code or a device: theirs takes its place.
        let gives_way = by_support && !before.by_support && state.runs();
        if state != RecoveryState::None && !gives_way {
            return Ok(state);
        }
    }
    let event = security::append(tx, holder, about(SecurityEventKind::RecoveryStarted, now, device)).await?;
    store::put(tx, holder, &Kept { recovery, device, event, by_support }).await?;
    if recovery.ready_at > now {
        for to in addresses::told(tx, holder, now).await? {
            mail::put_ready(tx, holder, &to, event, recovery.ready_at).await?;
        }
    }
    Ok(recovery.state(now))
}

/// What is written when the wait is over; nothing when the recovery that the entry told of does not run any more.
pub(crate) async fn said(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    language: Language,
    kind: AddressKind,
    event: i64,
) -> DbResult<Option<Said>> {
    let kept = store::find(tx, holder).await?.filter(|kept| kept.event == event);
    let state = kept.map_or(RecoveryState::None, |kept| kept.recovery.state(app.clock.now()));
    let RecoveryState::Ready { ends_at } = state else { return Ok(None) };
    let words = words::words(language);
    let address = format!("{}{}", app.settings.public_url, web::START);
    let server = &app.settings.server_name;
    let (subject, text) = match kind {
        AddressKind::Email => (words.ready_subject.replace("{server}", server), words.ready_mail),
        AddressKind::Phone => (String::new(), words.ready_text),
    };
    let text = text.replace("{when}", &words::moment(ends_at)).replace("{address}", &address);
    Ok(Some(Said { subject, text: text.replace("{server}", server) }))
}

/// Stops the recovery that runs: whoever was told of it may. False when none runs.
async fn stop(tx: &mut Tx, app: &App, holder: HolderId, by: Option<DeviceId>) -> DbResult<bool> {
    let now = app.clock.now();
    let Some(kept) = store::find(tx, holder).await? else { return Ok(false) };
    if !kept.recovery.state(now).runs() {
        return Ok(false);
    }
    let recovery = kept.recovery.stopped(now, app.settings.policy.numbers().recovery_veto_rest);
    store::put(tx, holder, &Kept { recovery, ..kept }).await?;
    security::record(tx, holder, about(SecurityEventKind::RecoveryStopped, now, by)).await?;
    Ok(true)
}

/// Stops the recovery that this entry of the log told of.
pub(crate) async fn stop_told(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    event: &SecurityEvent,
    by: Option<DeviceId>,
) -> DbResult<()> {
    if store::find(tx, holder).await?.is_some_and(|kept| kept.event == event.number) {
        stop(tx, app, holder, by).await?;
    }
    Ok(())
}

/// Whether the recovery can be finished by whoever asks: the device that began it, or who has shown both codes. A lock of
/// the account stops it, unless support began it; a restriction does not, for it would outlast the time to finish.
async fn demand_ready(tx: &mut Tx, app: &App, holder: HolderId, device: Option<DeviceId>) -> Result<Kept, ApiError> {
    let now = app.clock.now();
    let kept = store::find(tx, holder).await?.ok_or_else(not_ready)?;
    let begun_elsewhere = device.is_some() && kept.device != device;
    if begun_elsewhere || !matches!(kept.recovery.state(now), RecoveryState::Ready { .. }) {
        return Err(not_ready());
    }
    let standing = tx.ask(standing::of(holder, now)).await?;
    policy::stops_recovery(&standing, kept.by_support).map_or(Ok(kept), |refusal| Err(refusal.into()))
}

/// Ends the recovery in the transaction that keeps the new passkey: other devices are signed out and the calendar's address
/// ends, another saved code takes the place of the one that was used, and for a while nothing new is allowed. The holder's row is locked.
async fn finish(
    tx: &mut Tx,
    app: &App,
    holder: HolderId,
    device: Option<DeviceId>,
    code_hash: &[u8; 32],
) -> Result<(), ApiError> {
    let now = app.clock.now();
    let kept = demand_ready(tx, app, holder, device).await?;
    let recovery = Recovery { finished_at: Some(now), ..kept.recovery };
    store::put(tx, holder, &Kept { recovery, ..kept }).await?;
    sign_in::shut_others_out(tx, holder, device, false, now).await?;
    calendar_feed::end(tx, holder, now, device).await?;
    security::record(tx, holder, about(SecurityEventKind::RecoveryFinished, now, device)).await?;
    keep_code(tx, app, holder, code_hash, device).await?;
    let restricted = app.settings.policy.numbers().recovery_restricted;
    if !restricted.is_zero() {
        let until = now.saturating_add(restricted).unwrap_or(Timestamp::MAX);
        let (level, reason) = (RestraintLevel::Restricted, RestraintReason::Recovery);
        standing::restrain(app, tx, holder, level, reason, Some(until), device).await?;
    }
    Ok(())
}

fn not_ready() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "no recovery can be finished here now")
}

fn about(kind: SecurityEventKind, at: Timestamp, by: Option<DeviceId>) -> Happened {
    Happened { at, kind, by, device: None, name: None, about: None }
}
