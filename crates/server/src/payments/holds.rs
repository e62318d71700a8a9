//! What holds a payment that has not left, and what lets it go on: the matrix's own hold until its time, and
//! restraints of the account. A held payment is never cancelled, and its new day is told as soon as it is known.

use domain::ids::HolderId;
use domain::payments::{PaymentEvent, PaymentOrder, PaymentState, quote};
use domain::policy::{self, HoldReason};
use domain::standing::Standing;
use jiff::{SignedDuration, Timestamp};

use super::store::{self, Stored};
use super::{engine, limits, rails};
use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};
use crate::jobs::{self, Kind};
use crate::standing;

/// A payment to a payee who is stopped is looked at this often.
const STOPS_LOOKED_AT: SignedDuration = SignedDuration::from_hours(1);

/// A payee whom a payment has reached before, and an amount that needs no passkey.
fn is_known_and_small(app: &App, holder: HolderId, order: &PaymentOrder) -> impl Read<Answer = bool> + use<> {
    let reads = (store::payee(holder, order.biller), limits::of(app, holder, order.amount.currency()));
    let amount_minor = order.amount.minor();
    reads.then(move |(payee, limits)| Ok(payee.established && amount_minor <= limits.payment_minor))
}

/// What may hold a payment, beside its own hold.
pub(super) struct Holding {
    standing: Standing,
    small: bool,
    stopped: bool,
}

pub(super) fn holding(app: &App, payment: &Stored) -> impl Read<Answer = Holding> + use<> {
    let reads = (
        standing::of(payment.holder, app.clock.now()),
        is_known_and_small(app, payment.holder, &payment.order),
        rails::is_stopped(app, payment),
    );
    reads.then(|(standing, small, stopped)| Ok(Holding { standing, small, stopped }))
}

/// Looks at every payment that has not left, after the account was restrained or released.
pub(crate) async fn look_at_all(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<()> {
    for mut payment in store::not_left(tx, holder).await? {
        look(app, tx, &mut payment).await?;
    }
    Ok(())
}

/// Holds a payment or lets it go on, as things are now; says whether it is held.
pub(super) async fn look(app: &App, tx: &mut Tx, payment: &mut Stored) -> DbResult<bool> {
    let holding = tx.ask(holding(app, payment)).await?;
    hold_or_not(app, tx, payment, holding).await
}

/// The same, by what was read.
pub(super) async fn hold_or_not(app: &App, tx: &mut Tx, payment: &mut Stored, holding: Holding) -> DbResult<bool> {
    let now = app.clock.now();
    let Holding { standing, small, stopped: is_stopped } = holding;
    let restrained = policy::payment_held(&standing, small);
    let stopped = is_stopped.then_some(HoldReason::PayeeStopped);
    let own = payment.hold_reason.filter(|_| payment.held_until.is_some_and(|until| until > now));
    match (restrained.or(stopped).or(own), payment.state) {
        (Some(reason), PaymentState::Held) => {
            if payment.reason.as_deref() != Some(reason.as_str()) {
                payment.reason = Some(reason.as_str().to_owned());
                promise(app, payment, next_look(payment, &standing, now))?;
                store::update(tx, payment, PaymentState::Held).await?;
                engine::tell(app, tx, payment).await?;
            }
            look_again(tx, payment, next_look(payment, &standing, now), is_stopped.then_some(now)).await?;
        }
        (Some(reason), _) => {
            promise(app, payment, next_look(payment, &standing, now))?;
            engine::step(app, tx, payment, PaymentEvent::HoldPlaced, Some(reason.as_str())).await?;
            engine::end_jobs(tx, payment).await?;
            look_again(tx, payment, next_look(payment, &standing, now), is_stopped.then_some(now)).await?;
            engine::tell(app, tx, payment).await?;
        }
        (None, PaymentState::Held) => go_on(app, tx, payment, now).await?,
        (None, _) => {}
    }
    Ok(payment.state == PaymentState::Held)
}

/// When something that holds it ends by itself: the matrix's hold or the restraint, whichever comes first and is ahead.
fn next_look(payment: &Stored, standing: &Standing, now: Timestamp) -> Option<Timestamp> {
    let restraint = standing.restraint.and_then(|restraint| restraint.until);
    [payment.held_until, restraint].into_iter().flatten().filter(|at| *at > now).min()
}

/// A stop ends when an operator says so, which has all that it holds looked at. What was held at that very moment is not
/// among them, and is found by a look of its own.
async fn look_again(
    tx: &mut Tx,
    payment: &Stored,
    next: Option<Timestamp>,
    stopped_at: Option<Timestamp>,
) -> DbResult<()> {
    let of_stop = stopped_at.map(|at| at.saturating_add(STOPS_LOOKED_AT).unwrap_or(at));
    match [next, of_stop].into_iter().flatten().min() {
        Some(at) => jobs::put(tx, payment.holder, Kind::Release, payment.order.id.as_uuid(), at).await,
        None => Ok(()),
    }
}

/// Looks at every payment that is held on a rail, at once: what held some of them has ended.
pub(crate) async fn release_held(tx: &mut Tx, rail: &str, now: Timestamp) -> DbResult<()> {
    for (holder, payment) in store::held_on(tx, rail).await? {
        jobs::put(tx, holder, Kind::Release, payment.as_uuid(), now).await?;
    }
    Ok(())
}

/// What can be promised when it leaves at this moment at the earliest. A lock without an end promises nothing new.
fn promise(app: &App, payment: &mut Stored, earliest: Option<Timestamp>) -> DbResult<()> {
    let Some(earliest) = earliest else { return Ok(()) };
    let promise = quote(earliest, Some(payment.process_on), &engine::timing(app, payment)?);
    let promise = promise.map_err(|_| DbError::Corrupt("a payment's day"))?;
    payment.process_on = promise.will_process_on;
    payment.cutoff_at = promise.cutoff_at;
    payment.expected_by = promise.expected_by;
    Ok(())
}

/// Where the day that was promised is over for its rail, as after hours without the server, it goes with a later one: its
/// days are told anew.
pub(super) fn promise_if_late(app: &App, payment: &mut Stored) -> DbResult<()> {
    let now = app.clock.now();
    let rail = app.rails.named(&payment.rail)?;
    if now < rail.takes_until(payment.cutoff_at) {
        return Ok(());
    }
    let timing = rail.timing();
    let cutoff_at = timing.cutoff_at(now.to_zoned(timing.zone.clone()).date());
    let cutoff_at = cutoff_at.map_err(|_| DbError::Corrupt("a payment's day"))?;
    // As long as a day's orders are taken it goes with them, after their cut-off too.
    let in_time = cutoff_at.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(cutoff_at);
    promise(app, payment, Some(if now < rail.takes_until(cutoff_at) { now.min(in_time) } else { now }))
}

async fn go_on(app: &App, tx: &mut Tx, payment: &mut Stored, now: Timestamp) -> DbResult<()> {
    payment.held_until = None;
    payment.hold_reason = None;
    promise(app, payment, Some(now))?;
    engine::step(app, tx, payment, PaymentEvent::HoldReleased, None).await?;
    engine::end_jobs(tx, payment).await?;
    engine::await_its_day(app, tx, payment).await?;
    engine::tell(app, tx, payment).await
}
