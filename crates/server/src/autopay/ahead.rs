//! The payments of an autopay: made sixty days ahead, brought up to date whenever something changes and every night, and
//! worked out once more when their day comes. Terms are read here and never changed, but for stopping what may not go on.

use domain::autopay::{Autopay, AutopayState, AutopayTerms};
use domain::bills::{Bill, Mark, Occurrence, occurrence_named, occurrences};
use domain::ids::{BillId, BillerId, HolderId, PaymentId};
use domain::money::{Currency, Money};
use domain::payments::{PaymentOrder, PaymentState};
use jiff::ToSpan as _;
use jiff::civil::{Date, Time};

use super::store::{self, Kept, Made};
use super::{is_as_approved, keep, look_at, stop};
use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::jobs::{self, Job};
use crate::payments::by_itself::{self, Waiting};
use crate::{bills, feed};

/// What was paid for due dates of now was ordered at most so many days ago.
const PAID_BEFORE_DAYS: i32 = PaymentOrder::SEND_DAYS_AHEAD_MAX;
const NO_DAY: DbError = DbError::Corrupt("a day");

/// A bill with all that was said about its due dates, as it stands on a day.
struct Sight<'a> {
    bill: &'a Bill,
    biller: BillerId,
    marks: Vec<Mark>,
    today: Date,
}

impl<'a> Sight<'a> {
    async fn of(app: &App, tx: &mut Tx, holder: HolderId, bill: &'a Bill) -> DbResult<Self> {
        let biller = bill.biller.ok_or(DbError::Corrupt("an autopay without a payee"))?;
        let marks = feed::all_of(tx, holder, feed::Kind::Mark, bill.id.as_uuid()).await?;
        let today = by_itself::today(app, bill.amount.currency(), app.clock.now());
        Ok(Self { bill, biller, marks, today })
    }

    /// A due date as it stands without one of its payments.
    async fn without(
        &self,
        tx: &mut Tx,
        holder: HolderId,
        due_on: Date,
        payment: PaymentId,
    ) -> DbResult<Option<Occurrence>> {
        let since = shifted(self.today, -PAID_BEFORE_DAYS)?;
        let others = by_itself::of_bill(tx, holder, self.biller, self.bill.id, since, Some(payment)).await?;
        Ok(occurrence_named(self.bill, &self.marks, &others, due_on, self.today))
    }

    /// Every due date that payments are made for.
    async fn ahead(&self, tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Occurrence>> {
        let since = shifted(self.today, -PAID_BEFORE_DAYS)?;
        let payments = by_itself::of_bill(tx, holder, self.biller, self.bill.id, since, None).await?;
        let until = shifted(self.today, Autopay::AHEAD_DAYS)?;
        Ok(occurrences(self.bill, &self.marks, &payments, self.today, until, self.today))
    }
}

fn shifted(day: Date, days: i32) -> DbResult<Date> {
    day.checked_add(days.days()).map_err(|_| NO_DAY)
}

/// Makes what is due within sixty days and has no payment, brings the others to what is due now, and takes back what is
/// wanted no more. Every night again.
pub(crate) async fn look(app: &App, job: &Job) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    let holder = job.holder;
    tx.lock(holder).await?;
    let id = BillId::from_uuid(job.subject);
    let (kept, bill) = (store::find(&mut tx, holder, id).await?, bills::find(&mut tx, holder, id).await?);
    let (Some(mut kept), Some(bill)) = (kept, bill) else {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    };
    let on = kept.autopay.state == AutopayState::On;
    if on && is_as_approved(&kept, &bill) {
        bring_up_to_date(app, &mut tx, holder, &kept, &bill).await?;
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

async fn bring_up_to_date(app: &App, tx: &mut Tx, holder: HolderId, kept: &Kept, bill: &Bill) -> DbResult<()> {
    let terms = &kept.autopay.terms;
    let sight = Sight::of(app, tx, holder, bill).await?;
    for made in store::runs(tx, holder, bill.id).await? {
        let Some(waiting) = by_itself::waiting(tx, holder, made.payment).await? else { continue };
        if waiting.is_in_hand() {
            continue;
        }
        let stands = sight.without(tx, holder, made.due_on, made.payment).await?;
        match stands.and_then(|stands| Some((terms.due(&stands)?, stands))) {
            // What its person is asked about is what would leave.
            Some((amount, _)) if waiting.is_asked() && amount == waiting.order().amount => {}
            Some((amount, stands)) if !waiting.is_asked() && keeps_its_day(app, terms, &sight, &waiting, &stands) => {
                expect(app, tx, terms, &sight, waiting, amount).await?;
            }
            // Of another day it is made anew.
            _ => {
                by_itself::take_back(app, tx, waiting).await?;
                store::remove_run(tx, holder, made.payment).await?;
            }
        }
    }
    make_ahead(app, tx, holder, kept, &sight).await
}

/// Whether a payment stays on the day that it has: one whose day came is not moved any more.
fn keeps_its_day(app: &App, terms: &AutopayTerms, sight: &Sight<'_>, waiting: &Waiting, stands: &Occurrence) -> bool {
    let wanted = leaves_on(app, terms, stands, sight.today);
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

async fn make_ahead(app: &App, tx: &mut Tx, holder: HolderId, kept: &Kept, sight: &Sight<'_>) -> DbResult<()> {
    let (bill, terms) = (sight.bill, &kept.autopay.terms);
    let runs = store::runs(tx, holder, bill.id).await?;
    let mut counted = runs.iter().filter(|made| made.at >= kept.set_at).count();
    let most = terms.payments.map_or(usize::MAX, usize::from);
    for stands in sight.ahead(tx, holder).await? {
        if counted >= most {
            return Ok(());
        }
        if runs.iter().any(|made| made.due_on == stands.due_on) {
            continue;
        }
        let due = terms.due(&stands).zip(leaves_on(app, terms, &stands, sight.today));
        let Some((amount, send_on)) = due else { continue };
        let now = app.clock.now();
        let order = PaymentOrder {
            id: PaymentId::new(now, app.chance10()),
            biller: sight.biller,
            reference: bill.reference.clone(),
            amount,
            bill: Some(bill.id),
            due_on: Some(stands.due_on),
            send_on: Some(send_on),
            duplicate_meant: true,
            method: terms.method,
        };
        let made = by_itself::make(app, tx, holder, order, stands.falls_on, kept.device).await?;
        let Some(payment) = made else { continue };
        store::add_run(tx, holder, bill.id, &Made { due_on: stands.due_on, payment, at: now }).await?;
        counted += 1;
        let waiting = by_itself::waiting(tx, holder, payment).await?.ok_or(DbError::Corrupt("an autopay's payment"))?;
        expect(app, tx, terms, sight, waiting, amount).await?;
    }
    Ok(())
}

/// The day on which a payment leaves to be there when it is wanted, or today when that is past and the due date is not;
/// none when it cannot be in time.
fn leaves_on(app: &App, terms: &AutopayTerms, stands: &Occurrence, today: Date) -> Option<Date> {
    let currency: Currency = terms.cap.currency();
    let wanted = by_itself::leave_by(app, currency, terms.there_on(stands.falls_on));
    if wanted >= today {
        return Some(wanted);
    }
    (by_itself::leave_by(app, currency, stands.falls_on) >= today).then_some(today)
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
    let (Some(id), Some(due_on)) = (order.bill, order.due_on) else { return Ok(AtRun::Nothing) };
    let (kept, bill) = (store::find(tx, holder, id).await?, bills::find(tx, holder, id).await?);
    let (Some(kept), Some(bill)) = (kept, bill) else { return Ok(AtRun::Nothing) };
    let terms = &kept.autopay.terms;
    let on = kept.autopay.state == AutopayState::On && is_as_approved(&kept, &bill);
    let same = order.method == terms.method && bill.biller == Some(order.biller) && order.reference == bill.reference;
    if !on || !same {
        return Ok(AtRun::Nothing);
    }
    let stands = Sight::of(app, tx, holder, &bill).await?.without(tx, holder, due_on, order.id).await?;
    match stands.and_then(|stands| terms.due(&stands)) {
        None => Ok(AtRun::Nothing),
        Some(amount) if terms.covers(amount) => {
            store::note_yes(tx, holder, order.id, &kept).await?;
            Ok(AtRun::Pay(amount))
        }
        Some(amount) => Ok(AtRun::Asks(amount)),
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
    bill: Option<BillId>,
    state: PaymentState,
) -> DbResult<()> {
    let fails = matches!(state, PaymentState::Failed | PaymentState::Rejected | PaymentState::Returned);
    let Some(bill) = bill.filter(|_| fails || state == PaymentState::Final) else { return Ok(()) };
    let Some(mut kept) = store::find(tx, holder, bill).await? else { return Ok(()) };
    let before = kept.autopay;
    kept.autopay.failures = if fails { before.failures.saturating_add(1) } else { 0 };
    if kept.autopay.failures >= Autopay::FAILURES_MOST && before.state == AutopayState::On {
        kept.autopay.state = AutopayState::Failing;
        // The look takes back the others and tells; this step belongs to a payment that is being worked on.
        look_at(app, tx, holder, bill).await?;
    }
    if kept.autopay != before { keep(app, tx, holder, &kept).await } else { Ok(()) }
}
