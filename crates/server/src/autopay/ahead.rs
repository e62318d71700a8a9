//! The payments of an autopay: made sixty days ahead, brought up to date whenever something changes and every night, and
//! worked out once more when their day comes. Terms are read here and never changed, but for stopping what may not go on.

use domain::autopay::{Autopay, AutopayOf, AutopayState, AutopayTerms};
use domain::ids::{BillerId, HolderId, PaymentId};
use domain::money::Money;
use domain::payments::{PaymentOrder, PaymentState};
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};

use super::payable::{Due, Payable, Sight};
use super::store::{self, Kept, Made};
use super::{keep, look_at, stop};
use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::jobs::{self, Job};
use crate::payments::by_itself::{self, Waiting};

const NO_DAY: DbError = DbError::Corrupt("a day");

pub(super) fn shifted(day: Date, days: i32) -> DbResult<Date> {
    day.checked_add(days.days()).map_err(|_| NO_DAY)
}

/// Makes what is due within sixty days and has no payment, brings the others to what is due now, and takes back what is
/// wanted no more. Every night again.
pub(crate) async fn look(app: &App, job: &Job) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    let holder = job.holder;
    tx.lock(holder).await?;
    let kept = store::under(&mut tx, holder, job.subject).await?;
    let payable = match &kept {
        Some(kept) => Payable::find(&mut tx, holder, kept.autopay.of).await?,
        None => None,
    };
    let (Some(mut kept), Some(payable)) = (kept, payable) else {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    };
    let on = kept.autopay.state == AutopayState::On;
    if on && payable.is_as_approved(&kept) {
        bring_up_to_date(app, &mut tx, holder, &kept, &payable).await?;
        let tomorrow = app.clock.now().to_zoned(app.settings.zone.clone()).date().tomorrow().map_err(|_| NO_DAY)?;
        let midnight = tomorrow.to_datetime(Time::midnight()).to_zoned(app.settings.zone.clone());
        jobs::later(&mut tx, job, midnight.map_err(|_| NO_DAY)?.timestamp()).await?;
    } else if on {
        stop(app, &mut tx, holder, &mut kept, AutopayState::Changed, None).await?;
    } else if kept.autopay.state == AutopayState::Failing {
        stop(app, &mut tx, holder, &mut kept, AutopayState::Failing, None).await?;
    } else {
        jobs::done(&mut tx, job).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

async fn bring_up_to_date(app: &App, tx: &mut Tx, holder: HolderId, kept: &Kept, payable: &Payable) -> DbResult<()> {
    let terms = &kept.autopay.terms;
    let sight = Sight::of(app, tx, holder, payable, terms).await?;
    for made in store::runs(tx, holder, payable.of()).await? {
        let Some(waiting) = by_itself::waiting(tx, holder, made.payment).await? else { continue };
        if waiting.is_in_hand() {
            continue;
        }
        match sight.without(tx, holder, made.due_on, made.payment).await? {
            // What its person is asked about is what would leave.
            Some(due) if waiting.is_asked() && due.amount == waiting.order().amount => {}
            Some(due) if !waiting.is_asked() && keeps_its_day(app, terms, &sight, &waiting, &due) => {
                expect(app, tx, terms, &sight, waiting, due.amount).await?;
            }
            // Of another day it is made anew.
            _ => {
                by_itself::take_back(app, tx, waiting).await?;
                store::remove_run(tx, holder, made.payment).await?;
            }
        }
    }
    make_ahead(app, tx, holder, kept, payable, &sight).await
}

/// Whether a payment stays on the day that it has: one whose day came is not moved any more.
fn keeps_its_day(app: &App, terms: &AutopayTerms, sight: &Sight<'_>, waiting: &Waiting, due: &Due) -> bool {
    let wanted = leaves_on(app, terms, sight.payee, due.falls_on, sight.today);
    waiting.is_tried() || waiting.leaves_on() <= sight.today || wanted == waiting.order().send_on
}

/// Tells what it will take, and asks in time when that is above the cap.
async fn expect(
    app: &App,
    tx: &mut Tx,
    terms: &AutopayTerms,
    sight: &Sight<'_>,
    waiting: Waiting,
    amount: Money,
) -> DbResult<()> {
    let soon = waiting.leaves_on() <= shifted(sight.today, Autopay::ASK_DAYS)?;
    if soon && !terms.covers(amount) {
        return by_itself::ask(app, tx, waiting, amount).await;
    }
    by_itself::expect(app, tx, waiting, amount).await
}

async fn make_ahead(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    kept: &Kept,
    payable: &Payable,
    sight: &Sight<'_>,
) -> DbResult<()> {
    let terms = &kept.autopay.terms;
    let (of, bill) = (payable.of(), payable.of().bill());
    let runs = store::runs(tx, holder, of).await?;
    let mut counted = runs.iter().filter(|made| made.at >= kept.set_at).count();
    let most = terms.payments.map_or(usize::MAX, usize::from);
    for due in sight.ahead(tx, holder).await? {
        if counted >= most {
            return Ok(());
        }
        if runs.iter().any(|made| made.due_on == due.on) {
            continue;
        }
        let Some(send_on) = leaves_on(app, terms, sight.payee, due.falls_on, sight.today) else { continue };
        let now = app.clock.now();
        let order = PaymentOrder {
            id: PaymentId::new(now, app.chance10()),
            biller: sight.payee,
            reference: payable.reference().map(str::to_owned),
            amount: due.amount,
            bill,
            due_on: bill.map(|_| due.on),
            send_on: Some(send_on),
            duplicate_meant: true,
            method: terms.method,
        };
        let made = by_itself::make(app, tx, holder, order, due.falls_on, kept.device).await?;
        let Some(payment) = made else { continue };
        store::add_run(tx, holder, of, &Made { due_on: due.on, payment, at: now }).await?;
        counted += 1;
        let waiting = by_itself::waiting(tx, holder, payment).await?.ok_or(DbError::Corrupt("an autopay's payment"))?;
        expect(app, tx, terms, sight, waiting, due.amount).await?;
    }
    Ok(())
}

/// The day on which a payment leaves to be there when it is wanted, or today when that is past and the due date is not;
/// none when it cannot be in time.
fn leaves_on(app: &App, terms: &AutopayTerms, payee: BillerId, falls_on: Date, today: Date) -> Option<Date> {
    let leave_by = |there_on| by_itself::leave_by(app, payee, terms.cap.currency(), there_on);
    let wanted = leave_by(terms.there_on(falls_on));
    if wanted >= today {
        return Some(wanted);
    }
    (leave_by(falls_on) >= today).then_some(today)
}

// ---- the day of a payment ----------------------------------------------------------------------------------------

/// What becomes of a payment whose day came.
pub(crate) enum AtRun {
    /// Autopay is off or stopped, or nothing is left to pay.
    Nothing,
    Pay(Money),
    /// Its amount is above the cap.
    Asks(Money),
}

/// Works out what a payment takes, as everything stands now, and notes the yes that it leaves on. The holder's row is
/// locked: whoever turned autopay off before is seen here.
pub(crate) async fn at_run(app: &App, tx: &mut Tx, holder: HolderId, order: &PaymentOrder) -> DbResult<AtRun> {
    let of = AutopayOf::of_order(order);
    let (kept, due_on) = (store::find(tx, holder, of).await?, store::due_on(tx, holder, order.id).await?);
    let payable = Payable::find(tx, holder, of).await?;
    let (Some(kept), Some(payable), Some(due_on)) = (kept, payable, due_on) else { return Ok(AtRun::Nothing) };
    let terms = &kept.autopay.terms;
    let on = kept.autopay.state == AutopayState::On && payable.is_as_approved(&kept);
    if !on || order.method != terms.method || !payable.is_paid_by(order) {
        return Ok(AtRun::Nothing);
    }
    let sight = Sight::of(app, tx, holder, &payable, terms).await?;
    match sight.without(tx, holder, due_on, order.id).await? {
        None => Ok(AtRun::Nothing),
        Some(due) if terms.covers(due.amount) => {
            store::note_yes(tx, holder, order.id, &kept).await?;
            Ok(AtRun::Pay(due.amount))
        }
        Some(due) => Ok(AtRun::Asks(due.amount)),
    }
}

/// Whether the yes to its autopay was noted for a payment of this amount.
pub(crate) async fn rests_on_yes(tx: &mut Tx, holder: HolderId, order: &PaymentOrder) -> DbResult<bool> {
    let yes = store::yes_of(tx, holder, order.id).await?;
    Ok(yes.is_some_and(|(_, cap_minor)| order.amount.minor() <= cap_minor))
}

/// A payment of an autopay came to a state: two failures in a row stop it, and its owner is told. What comes back after it
/// settled is a failure, so only what stays counts as none.
pub(crate) async fn followed(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    order: &PaymentOrder,
    state: PaymentState,
) -> DbResult<()> {
    let fails = matches!(state, PaymentState::Failed | PaymentState::Rejected | PaymentState::Returned);
    if !fails && state != PaymentState::Final {
        return Ok(());
    }
    let of = AutopayOf::of_order(order);
    let Some(mut kept) = store::find(tx, holder, of).await? else { return Ok(()) };
    let before = kept.autopay;
    kept.autopay.failures = if fails { before.failures.saturating_add(1) } else { 0 };
    if kept.autopay.failures >= Autopay::FAILURES_MOST && before.state == AutopayState::On {
        kept.autopay.state = AutopayState::Failing;
        // The look takes back the others and tells; this step belongs to a payment that is being worked on.
        look_at(app, tx, holder, of).await?;
    }
    if kept.autopay != before { keep(app, tx, holder, &kept).await } else { Ok(()) }
}
