//! Payments that autopay makes: ordered ahead on the yes to its terms, and looked at once more when their day
//! comes. What they take and whether they leave is decided by `autopay`; here they are made, changed and taken back.

use api::payments::PaymentStep;
use domain::bills::PaymentOf;
use domain::ids::{BillId, BillerId, DeviceId, HolderId, PaymentId};
use domain::ledger::Funds;
use domain::money::{Currency, Money};
use domain::payments::{PaymentEvent, PaymentOrder, PaymentState, quote};
use domain::policy::StepUp;
use jiff::Timestamp;
use jiff::civil::Date;

use super::store::{self, ApprovedBy, Ordered, Stored};
use super::{approval, engine, rails};
use crate::App;
use crate::autopay::{self, AboutRun, AtRun};
use crate::db::{DbError, DbResult, Read, Tx};
use crate::error::ApiError;
use crate::jobs::{self, Job};
use crate::sign_in::step_up;

/// Nothing is left to pay of its due date.
const NOTHING_DUE: &str = "nothing_due";
/// More is to be paid than may leave by itself, and nobody can be asked.
const ABOVE_CAP: &str = "above_cap";

/// Orders a payment that leaves by itself and is there in time; none when that cannot be just now. `device` is where the
/// autopay was set.
pub(crate) async fn make(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    order: PaymentOrder,
    there_by: Date,
    device: DeviceId,
) -> DbResult<Option<Waiting>> {
    let now = app.clock.now();
    let rail = app.rails.for_order(&order);
    let promise = quote(now, order.send_on, &rail.timing()).ok();
    let Some(promise) = promise.filter(|promise| promise.expected_by <= there_by) else { return Ok(None) };
    let fits = rails::check(app, tx, holder, &order, rail, promise.will_process_on).await;
    if !may(fits)? {
        return Ok(None);
    }
    let account = match order.method {
        Some(method) => Funds::Method(method).ledger(),
        None => super::practice_account(app, tx, holder, order.amount.currency()).await?,
    };
    let mut payment = Stored::new(holder, order, account, &promise, rail.name(), now);
    // What the matrix holds is held; what it would ask was said by the yes to the autopay.
    let held = approval::hold_alone(app, tx, &mut payment, device).await;
    if !may(held)? {
        return Ok(None);
    }
    payment.approval = ApprovedBy::Autopay;
    payment.state = if payment.held_until.is_some() { PaymentState::Held } else { PaymentState::Scheduled };
    payment.reason = payment.hold_reason.map(|reason| reason.as_str().to_owned());
    payment.history.push(PaymentStep { state: payment.state, at: now, reason: payment.reason.clone() });
    store::add(tx, &payment).await?;
    store::add_step(tx, &payment, None, 0).await?;
    approval::entered(app, tx, &payment).await?;
    engine::tell(app, tx, &payment).await?;
    Ok(Some(Waiting(payment)))
}

/// Whether a check lets it be; a server that fails is another matter.
fn may(checked: Result<(), ApiError>) -> DbResult<bool> {
    match checked {
        Ok(()) => Ok(true),
        Err(error) if error.problem.status < 500 => Ok(false),
        Err(_) => Err(DbError::Conflict),
    }
}

/// A payment that an autopay made and that has not left.
pub(crate) struct Waiting(Stored);

impl Waiting {
    pub fn order(&self) -> &PaymentOrder {
        &self.0.order
    }

    /// Its person said yes to it alone, or changed it: its amount is theirs.
    pub fn is_in_hand(&self) -> bool {
        self.0.approval != ApprovedBy::Autopay && !self.is_asked()
    }

    /// Its person is being asked, because it is above the cap.
    pub fn is_asked(&self) -> bool {
        self.0.state == PaymentState::AwaitingApproval && self.0.reason.as_deref() == Some(StepUp::AboveCap.as_str())
    }

    /// Its day came and the money was not there.
    pub fn is_tried(&self) -> bool {
        self.0.state == PaymentState::Insufficient
    }

    pub fn leaves_on(&self) -> Date {
        self.0.process_on
    }
}

/// A payment that has not left; none when it is over or under way.
pub(crate) async fn waiting(tx: &mut Tx, holder: HolderId, id: PaymentId) -> DbResult<Option<Waiting>> {
    tx.ask(found_waiting(holder, id)).await
}

pub(crate) fn found_waiting(holder: HolderId, id: PaymentId) -> impl Read<Answer = Option<Waiting>> {
    store::found(holder, id).then(|found| Ok(found.filter(|payment| waits(payment.state)).map(Waiting)))
}

/// Whether a payment that came so far has not left.
const fn waits(state: PaymentState) -> bool {
    use PaymentState as S;
    matches!(state, S::AwaitingApproval | S::Scheduled | S::Held | S::Insufficient)
}

/// Takes it back. Nothing has left.
pub(crate) async fn take_back(app: &App, tx: &mut Tx, waiting: Waiting) -> DbResult<()> {
    cancel(app, tx, waiting.0, None).await
}

async fn cancel(app: &App, tx: &mut Tx, mut payment: Stored, reason: Option<&str>) -> DbResult<()> {
    engine::step(app, tx, &mut payment, PaymentEvent::Cancelled, reason).await?;
    engine::end_jobs(tx, &payment).await?;
    engine::tell(app, tx, &payment).await
}

/// Tells what it is now expected to take; false when that is what it was.
pub(crate) async fn expect(app: &App, tx: &mut Tx, waiting: Waiting, amount: Money) -> DbResult<bool> {
    let mut payment = waiting.0;
    if payment.order.amount == amount {
        return Ok(false);
    }
    payment.order.amount = amount;
    store::update(tx, &payment, payment.state).await?;
    engine::tell(app, tx, &payment).await?;
    Ok(true)
}

/// Asks for a yes to this amount, as long as it can still leave on its day. Where nobody can be asked it is taken back,
/// so that its person hears of it in time.
pub(crate) async fn ask(app: &App, tx: &mut Tx, waiting: Waiting, amount: Money) -> DbResult<()> {
    let mut payment = waiting.0;
    payment.order.amount = amount;
    store::update(tx, &payment, payment.state).await?;
    ask_or_take_back(app, tx, payment).await
}

async fn ask_or_take_back(app: &App, tx: &mut Tx, mut payment: Stored) -> DbResult<()> {
    if !step_up::has_passkey(tx, payment.holder).await? {
        return cancel(app, tx, payment, Some(ABOVE_CAP)).await;
    }
    let cutoff = payment.cutoff_at;
    approval::ask_until(app, tx, &mut payment, StepUp::AboveCap, cutoff).await
}

/// What the payments of a bill that leave or left since a day mean for its due dates. Whom they went to is no part of that:
/// a date that was paid stays so when the bill gets another payee.
pub(crate) fn of_bill(holder: HolderId, bill: BillId, since: Date) -> impl Read<Answer = Vec<PaymentOf>> + use<> {
    store::of_bill(holder, bill, since).then(move |all| Ok(means(bill, all)))
}

/// The same of those that a person ordered: what pays itself is brought to what these leave of a due date.
pub(super) fn by_hand_of_bill(
    holder: HolderId,
    bill: BillId,
    since: Date,
) -> impl Read<Answer = Vec<PaymentOf>> + use<> {
    store::of_bill(holder, bill, since).then(move |mut all| {
        all.retain(|one| one.approval != ApprovedBy::Autopay);
        Ok(means(bill, all))
    })
}

fn means(bill: BillId, all: Vec<Ordered>) -> Vec<PaymentOf> {
    let of_bill = all.into_iter().filter_map(|Ordered { order, state, process_on, .. }| {
        let due_on = order.due_on.filter(|_| order.bill == Some(bill))?;
        let (state, sends_on) = (Some(state), Some(process_on));
        Some(PaymentOf { id: order.id, due_on, amount: order.amount, state, sends_on })
    });
    of_bill.collect()
}

/// The day of a payment came.
pub(super) enum Goes {
    /// It goes on, with the amount that is due now; of an autopay, on a yes to so much at most.
    On { yes: Option<Money> },
    /// It is taken back, or its person is asked.
    NotNow,
}

/// Says whether a payment goes on whose day came. `about` was read for one that an autopay made.
pub(super) async fn goes_on(
    app: &App,
    tx: &mut Tx,
    job: &Job,
    payment: &mut Stored,
    about: Option<AboutRun>,
) -> DbResult<Goes> {
    if payment.approval != ApprovedBy::Autopay {
        return Ok(Goes::On { yes: None });
    }
    let about = about.ok_or(DbError::Corrupt("an autopay's payment"))?;
    match autopay::at_run(app, tx, payment.holder, &payment.order, about).await? {
        AtRun::Nothing => {
            cancel(app, tx, payment.clone(), Some(NOTHING_DUE)).await?;
            Ok(Goes::NotNow)
        }
        AtRun::Asks(amount) => {
            jobs::done(tx, job).await?;
            payment.order.amount = amount;
            store::update(tx, payment, payment.state).await?;
            ask_or_take_back(app, tx, payment.clone()).await?;
            Ok(Goes::NotNow)
        }
        AtRun::Pay { amount, cap } => {
            if payment.order.amount != amount {
                payment.order.amount = amount;
                store::update(tx, payment, payment.state).await?;
            }
            Ok(Goes::On { yes: Some(cap) })
        }
    }
}

/// What is read of a payment's autopay, when it was made by one.
pub(super) fn about_run(app: &App, payment: &Stored) -> DbResult<Option<impl Read<Answer = AboutRun> + use<>>> {
    let by_itself = payment.approval == ApprovedBy::Autopay;
    by_itself.then(|| autopay::about_run(app, payment.holder, &payment.order)).transpose()
}

/// What of the payments to a card has not come yet and leaves within some days, one of them left out. One that waits for
/// its person, or found no money, is not relied on.
pub(crate) async fn to_card(
    tx: &mut Tx,
    holder: HolderId,
    payee: BillerId,
    (first, last): (Date, Date),
    without: Option<PaymentId>,
) -> DbResult<Vec<Money>> {
    let all = tx.ask(store::to_payee(holder, payee, first)).await?;
    let coming = all.into_iter().filter(|one| {
        let comes = one.state.has_left() || (one.state.leaves_by_itself() && one.process_on <= last);
        comes && without != Some(one.order.id)
    });
    Ok(coming.map(|one| one.order.amount).collect())
}

/// The last day on which a payment to a payee leaves to be there on another one.
pub(crate) fn leave_by(app: &App, payee: BillerId, currency: Currency, there_on: Date) -> Date {
    app.rails.for_payee(payee, currency).timing().leave_by(there_on)
}

/// What the rail of a payee calls today.
pub(crate) fn today(app: &App, payee: BillerId, currency: Currency, now: Timestamp) -> Date {
    now.to_zoned(app.rails.for_payee(payee, currency).timing().zone).date()
}
