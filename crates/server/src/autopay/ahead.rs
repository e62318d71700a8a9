//! The payments of an autopay: made sixty days ahead, brought up to date whenever something changes and every night, and
//! worked out once more when their day comes. Terms are read here and never changed, but for stopping what may not go on.

use domain::autopay::{Autopay, AutopayOf, AutopayState, AutopayTerms};
use domain::bills::{Bill, Mark, PaymentOf};
use domain::ids::{BillId, BillerId, HolderId, PaymentId};
use domain::money::Money;
use domain::payments::{PaymentOrder, PaymentState};
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};

use super::payable::{Due, Payable, Sight, paid};
use super::store::{self, Kept, Lapsed, Made};
use super::{keep, look_at, stop};
use crate::App;
use crate::db::{DbError, DbResult, Moment, Read, Tx, twice};
use crate::jobs::{self, Job};
use crate::payments::by_itself::{self, Waiting};
use crate::{bills, feed};

const NO_DAY: DbError = DbError::Corrupt("a day");

pub(super) fn shifted(day: Date, days: i32) -> DbResult<Date> {
    day.checked_add(days.days()).map_err(|_| NO_DAY)
}

/// Makes what is due within sixty days and has no payment, brings the others to what is due now, and takes back what is
/// wanted no more. Every night again.
pub(crate) async fn look(app: &App, job: &Job) -> DbResult<()> {
    twice(|moment| look_at_one(app, job, moment)).await
}

async fn look_at_one(app: &App, job: &Job, moment: Moment) -> DbResult<()> {
    let (holder, id) = (job.holder, job.subject);
    // A card has no bill of its id, and no marks.
    let of_bill = (bills::found(holder, BillId::from_uuid(id)), feed::each_of(holder, feed::Kind::Mark, id));
    let reads = (store::under(holder, id), of_bill, store::made(holder, id));
    let (mut tx, (kept, (bill, marks), runs)) = app.db.begin_at(moment, holder, reads).await?;
    let payable = match kept.as_ref().map(|kept| kept.autopay.of) {
        Some(AutopayOf::Bill(_)) => bill.map(Payable::of_bill),
        Some(of) => Payable::find(&mut tx, holder, of).await?,
        None => None,
    };
    let (Some(mut kept), Some(payable)) = (kept, payable) else {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    };
    let on = kept.autopay.state == AutopayState::On;
    if on && payable.is_as_approved(&kept) {
        bring_up_to_date(app, &mut tx, holder, &kept, &payable, (marks, runs)).await?;
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

async fn bring_up_to_date(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    kept: &Kept,
    payable: &Payable,
    (marks, runs): (Vec<Mark>, Vec<Made>),
) -> DbResult<()> {
    let terms = &kept.autopay.terms;
    let waiting = runs.iter().filter(|made| made.waits);
    let waiting: Vec<_> = waiting.map(|made| by_itself::found_waiting(holder, made.payment)).collect();
    let (paid, waiting) = tx.ask((paid_for(app, holder, payable)?, waiting)).await?;
    let mut sight = Sight::of(app, payable, terms, marks, paid.unwrap_or_default())?;
    let mut are_as_read = true;
    for waiting in waiting.into_iter().flatten().filter(|waiting| !waiting.is_in_hand()) {
        let made = runs.iter().find(|made| made.payment == waiting.order().id);
        let made = made.ok_or(DbError::Corrupt("an autopay's payment"))?;
        match sight.without(tx, holder, made.due_on, made.payment).await? {
            // What its person is asked about is what would leave.
            Some(due) if waiting.is_asked() && due.amount == waiting.order().amount => {}
            Some(due) if !waiting.is_asked() && keeps_its_day(app, terms, &sight, &waiting, &due) => {
                are_as_read &= !expect(app, tx, terms, &sight, waiting, due.amount).await?;
            }
            // Of another day it is made anew.
            _ => {
                by_itself::take_back(app, tx, waiting).await?;
                store::remove_run(tx, holder, made.payment).await?;
                are_as_read = false;
            }
        }
    }
    for (made, lapsed) in runs.iter().filter_map(|made| Some((made, made.lapsed?))) {
        // It was above the cap and is not any more, or something is due again: it is made anew.
        let due = sight.without(tx, holder, made.due_on, made.payment).await?;
        if due.is_some_and(|due| lapsed == Lapsed::NothingDue || terms.covers(due.amount)) {
            store::remove_run(tx, holder, made.payment).await?;
            are_as_read = false;
        }
    }
    let runs = if are_as_read {
        runs
    } else {
        let (paid, runs) =
            tx.ask((paid_for(app, holder, payable)?, store::made(holder, payable.of().as_uuid()))).await?;
        sight.paid = paid.unwrap_or_default();
        runs
    };
    make_ahead(app, tx, holder, kept, payable, &sight, &runs).await
}

/// What leaves or left for a bill.
fn paid_for(
    app: &App,
    holder: HolderId,
    payable: &Payable,
) -> DbResult<Option<impl Read<Answer = Vec<PaymentOf>> + use<>>> {
    let of = payable.of().bill().zip(payable.payee());
    of.map(|(bill, payee)| paid(app, holder, bill, payee, payable.currency())).transpose()
}

/// Whether a payment stays on the day that it has: one whose day came is not moved any more.
fn keeps_its_day(app: &App, terms: &AutopayTerms, sight: &Sight<'_>, waiting: &Waiting, due: &Due) -> bool {
    let wanted = leaves_on(app, terms, sight.payee, due.falls_on, sight.today);
    waiting.is_tried() || waiting.leaves_on() <= sight.today || wanted == waiting.order().send_on
}

/// Tells what it will take, and asks in time when that is above the cap; false when nothing changes.
async fn expect(
    app: &App,
    tx: &mut Tx,
    terms: &AutopayTerms,
    sight: &Sight<'_>,
    waiting: Waiting,
    amount: Money,
) -> DbResult<bool> {
    let soon = waiting.leaves_on() <= shifted(sight.today, Autopay::ASK_DAYS)?;
    if soon && !terms.covers(amount) {
        by_itself::ask(app, tx, waiting, amount).await?;
        return Ok(true);
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
    runs: &[Made],
) -> DbResult<()> {
    let terms = &kept.autopay.terms;
    let (of, bill) = (payable.of(), payable.of().bill());
    // What lapsed paid for nothing.
    let mut counted = runs.iter().filter(|made| made.at >= kept.set_at && made.lapsed.is_none()).count();
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
        let Some(waiting) = made else { continue };
        let payment = waiting.order().id;
        store::add_run(tx, holder, of, &Made { due_on: due.on, payment, at: now, waits: true, lapsed: None }).await?;
        counted += 1;
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
    /// On a yes to so much at most.
    Pay { amount: Money, cap: Money },
    /// Its amount is above the cap.
    Asks(Money),
}

/// What is read of the autopay of a payment whose day came.
pub(crate) struct AboutRun {
    kept: Option<Kept>,
    due_on: Option<Date>,
    /// The bill, what was said about its due dates, and what is paid for it.
    of_bill: Option<(Option<Bill>, Vec<Mark>, Vec<PaymentOf>)>,
}

pub(crate) fn about_run(
    app: &App,
    holder: HolderId,
    order: &PaymentOrder,
) -> DbResult<impl Read<Answer = AboutRun> + use<>> {
    let of = AutopayOf::of_order(order);
    let of_bill = match of.bill() {
        Some(bill) => Some((
            bills::found(holder, bill),
            feed::each_of(holder, feed::Kind::Mark, bill.as_uuid()),
            paid(app, holder, bill, order.biller, order.amount.currency())?,
        )),
        None => None,
    };
    let reads = (store::found(holder, of), store::due_on(holder, order.id), of_bill);
    Ok(reads.then(|(kept, due_on, of_bill)| Ok(AboutRun { kept, due_on, of_bill })))
}

/// Works out what a payment takes, as everything stands now, and notes the yes that it leaves on. The holder's row is
/// locked: whoever turned autopay off before is seen here.
pub(crate) async fn at_run(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    order: &PaymentOrder,
    about: AboutRun,
) -> DbResult<AtRun> {
    let AboutRun { kept, due_on, of_bill } = about;
    let (payable, marks, paid) = match of_bill {
        Some((bill, marks, paid)) => (bill.map(Payable::of_bill), marks, paid),
        None => (Payable::find(tx, holder, AutopayOf::of_order(order)).await?, Vec::new(), Vec::new()),
    };
    let (Some(kept), Some(payable), Some(due_on)) = (kept, payable, due_on) else { return Ok(AtRun::Nothing) };
    let terms = &kept.autopay.terms;
    let on = kept.autopay.state == AutopayState::On && payable.is_as_approved(&kept);
    if !on || order.method != terms.method || !payable.is_paid_by(order) {
        return Ok(AtRun::Nothing);
    }
    let sight = Sight::of(app, &payable, terms, marks, paid)?;
    match sight.without(tx, holder, due_on, order.id).await? {
        None => Ok(AtRun::Nothing),
        Some(due) if terms.covers(due.amount) => {
            store::note_yes(tx, holder, order.id, &kept).await?;
            Ok(AtRun::Pay { amount: due.amount, cap: terms.cap })
        }
        Some(due) => Ok(AtRun::Asks(due.amount)),
    }
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
