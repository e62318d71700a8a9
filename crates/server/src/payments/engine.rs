//! How a payment goes from one state to the next. Every step is one transaction: state, step, postings, jobs and feed.
//! The rail is called between transactions, never within one, and a key that may have reached it is only asked about.

use api::payments::{Payment, PaymentStep};
use api::sync::Record;
use domain::accounts::{Account, Transaction, TransactionKind, TransactionState};
use domain::ids::{AccountId, HolderId, PaymentId, TransactionId};
use domain::ledger::{Entry, Funds};
use domain::methods::{Method, Undrawable};
use domain::money::Money;
use domain::payments::{PaymentEvent, PaymentState, RailTiming};
use domain::policy::StepUp;
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::by_itself::Goes;
use super::rail::{Answer, Rail, RailOrder};
use super::rails::book;
use super::store::{self, ApprovedBy, RailRecord, Stored};
use super::{approval, by_itself, closed_cards, holds, unusual};
use crate::App;
use crate::db::{DbError, DbResult, Moment, Read, Tx, twice};
use crate::jobs::{self, Job, Kind};
use crate::ledger::Standings;
use crate::{accounts, autopay, billers, card, feed, ledger, methods};

/// Two reads that find nothing, so far apart, prove that the rail never saw an order.
const ABSENT_READS: i64 = 2;
/// Between two questions after an order that was not answered.
const ASK_WAITS: &[i64] = &[2, 4, 8, 15, 30, 60, 120, 300, 900];
/// Between two looks at an order that was taken, from the moment the rail named.
const FOLLOW_WAITS: &[i64] = &[1, 2, 5, 10, 30, 60, 300, 900, 3_600];
/// Between two looks at a payment that settled: a return is seen soon in practice and within a day always.
const SETTLED_WAITS: &[i64] = &[5, 10, 15, 60, 600, 3_600, 21_600];
const FINAL_WAIT: SignedDuration = SignedDuration::from_hours(24);
/// Banking days after settling in which a credit may come back (then it is final; later returns are still taken).
const RETURN_WINDOW_DAYS: u16 = 2;
/// So long after settling the rail is asked about late returns.
const LATE_RETURNS: SignedDuration = SignedDuration::from_hours(60 * 24);
/// The payment's reason while the money is not there.
const NO_FUNDS: &str = "insufficient_funds";

fn wait(waits: &[i64], tries: i64) -> SignedDuration {
    let at = usize::try_from(tries.max(1) - 1).unwrap_or(0).min(waits.len() - 1);
    SignedDuration::from_secs(waits[at])
}

fn after(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The first moment of a day where the rail is.
fn day_begins(day: Date, timing: &RailTiming) -> DbResult<Timestamp> {
    let begins = day.to_datetime(Time::midnight()).to_zoned(timing.zone.clone());
    begins.map(|zoned| zoned.timestamp()).map_err(|_| DbError::Corrupt("a day"))
}

/// When the payment's rail takes orders.
pub(super) fn timing(app: &App, payment: &Stored) -> DbResult<RailTiming> {
    Ok(app.rails.named(&payment.rail)?.timing())
}

/// The card of this server that a payment pays.
pub(super) fn card_of(payment: &Stored) -> Option<AccountId> {
    (payment.rail == book::NAME).then(|| AccountId::from_uuid(payment.order.biller.as_uuid()))
}

/// How people call whom a payment pays.
pub(super) async fn payee_name(tx: &mut Tx, payment: &Stored) -> DbResult<String> {
    let card = match card_of(payment) {
        Some(card) => feed::find(tx, payment.holder, accounts::key(card)).await?,
        None => None,
    };
    name_of(payment, card)
}

/// `card` is the record of the card that it pays.
fn name_of(payment: &Stored, card: Option<Account>) -> DbResult<String> {
    if card_of(payment).is_some() {
        return Ok(card.ok_or(DbError::Corrupt("a card's record"))?.name);
    }
    billers::find(payment.order.biller).map(|biller| biller.name.clone()).ok_or(DbError::Corrupt("a payment's payee"))
}

/// As it is on the wire.
pub(super) fn view(payment: &Stored) -> Payment {
    Payment {
        order: payment.order.clone(),
        state: payment.state,
        reason: payment.reason.clone(),
        will_process_on: payment.process_on,
        cutoff_at: payment.cutoff_at,
        expected_by: payment.expected_by,
        rail: payment.rail.clone(),
        approve_by: payment.approve_by,
        held_until: payment.held_until,
        autopay: payment.approval == ApprovedBy::Autopay,
        history: payment.history.clone(),
    }
}

/// Takes a legal step: the state, its row in the history and what it books, which it answers.
pub(super) async fn step(
    app: &App,
    tx: &mut Tx,
    payment: &mut Stored,
    event: PaymentEvent,
    reason: Option<&str>,
) -> DbResult<Option<Entry>> {
    let from = payment.state;
    let to = from.after(event).map_err(|_| DbError::Corrupt("a payment's step"))?;
    let (id, amount) = (payment.order.id, payment.order.amount);
    let entry = Entry::of_payment(from, event, id, payment.funds(), card_of(payment), amount)
        .map_err(|_| DbError::Corrupt("a payment's entry"))?;
    if let Some(entry) = &entry {
        ledger::book(app, tx, payment.holder, entry).await?;
    }
    payment.state = to;
    payment.reason = reason.map(str::to_owned);
    payment.history.push(PaymentStep { state: to, at: app.clock.now(), reason: payment.reason.clone() });
    store::update(tx, payment, from).await?;
    store::add_step(tx, payment, Some(from), payment.history.len() - 1).await?;
    if payment.approval == ApprovedBy::Autopay {
        autopay::followed(app, tx, payment.holder, &payment.order, to).await?;
    } else if moves_nothing_after_all(to) {
        super::paid_by_hand(app, tx, payment).await?;
    }
    Ok(entry)
}

/// A payment ended so without its person, and what it was for is not paid. One that found no money is not among them: it is
/// tried again, and what would be paid in its place would be paid twice.
const fn moves_nothing_after_all(state: PaymentState) -> bool {
    use PaymentState as S;
    matches!(state, S::Failed | S::Rejected | S::Expired | S::Returned)
}

/// The account that a payment leaves from, as it stands with what was booked since it was read.
struct Source {
    /// None when the money is not kept here.
    account: Option<(AccountId, Account)>,
    standings: Standings,
}

fn source(payment: &Stored) -> impl Read<Answer = Source> + use<> {
    let holder = payment.holder;
    let id = match payment.funds() {
        Funds::Balance(account) => Some(account),
        Funds::Method(_) => None,
    };
    let account = id.map(|id| feed::found(holder, accounts::key(id)));
    (account, ledger::standings(holder, payment.order.amount.currency())).then(move |(account, standings)| {
        let account = match (id, account) {
            (Some(id), Some(account)) => Some((id, account.ok_or(DbError::Corrupt("a served account"))?)),
            _ => None,
        };
        Ok(Source { account, standings })
    })
}

impl Source {
    /// Takes a step, and counts what it books.
    async fn step(
        &mut self,
        app: &App,
        tx: &mut Tx,
        payment: &mut Stored,
        event: PaymentEvent,
        reason: Option<&str>,
    ) -> DbResult<()> {
        match step(app, tx, payment, event, reason).await? {
            Some(entry) => self.standings.count(&entry),
            None => Ok(()),
        }
    }

    /// Tells the devices how the payment stands now, and the balances of an account kept here, which changed with it.
    async fn tell_moved(self, app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<()> {
        if let Some((id, account)) = self.account {
            let standing = self.standings.of(id)?;
            super::tell_account(app, tx, payment.holder, account, standing).await?;
        }
        tell(app, tx, payment).await
    }
}

/// Puts the job of the day on which it leaves.
pub(super) async fn await_its_day(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<()> {
    let rail = app.rails.named(&payment.rail)?;
    let begins = rail.hands_over_at(payment.cutoff_at, day_begins(payment.process_on, &rail.timing())?);
    let begins = begins.max(app.clock.now());
    jobs::put(tx, payment.holder, Kind::Process, payment.order.id.as_uuid(), begins).await
}

/// Ends what waits to happen to a payment that will not leave just now.
pub(super) async fn end_jobs(tx: &mut Tx, payment: &Stored) -> DbResult<()> {
    for kind in [Kind::Process, Kind::Release, Kind::Expire] {
        jobs::remove(tx, payment.holder, kind, payment.order.id.as_uuid()).await?;
    }
    Ok(())
}

/// Tells the devices how the payment, and the account it leaves from, stand now.
pub(super) async fn tell(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<()> {
    feed::put(tx, payment.holder, app.clock.now(), &Record::Payment(view(payment))).await
}

/// A line on the statement of the account that paid. What is drawn from a method stands on another bank's statement.
/// `card` is the record of the card that it pays.
async fn add_line(
    app: &App,
    tx: &mut Tx,
    payment: &Stored,
    card: Option<Account>,
    amount: Money,
    what: &str,
) -> DbResult<()> {
    let Funds::Balance(account) = payment.funds() else { return Ok(()) };
    let now = app.clock.now();
    let payee = name_of(payment, card)?;
    let returned = amount.is_positive();
    let line = Transaction {
        id: TransactionId::new(now, app.chance10()),
        account,
        posted_on: now.to_zoned(timing(app, payment)?.zone).date(),
        amount,
        description: if returned { format!("Returned: {payee}") } else { payee },
        memo: payment.order.reference.clone(),
        kind: if returned { TransactionKind::Credit } else { TransactionKind::Payment },
        state: TransactionState::Posted,
        source: Some(format!("{what}:{}", payment.order.id)),
    };
    feed::put(tx, payment.holder, now, &Record::Transaction(line)).await
}

/// What a card owes changed with a payment: its line, and its record.
async fn tell_card(app: &App, tx: &mut Tx, payment: &Stored, amount: Money, what: &str) -> DbResult<()> {
    let Some(id) = card_of(payment) else { return Ok(()) };
    let returned = amount.is_negative();
    let line = card::Line {
        account: id,
        kind: if returned { TransactionKind::Debit } else { TransactionKind::Payment },
        amount,
        description: if returned { "Payment that came back" } else { "Payment, thank you" },
        memo: None,
        source: format!("{what}:{}", payment.order.id),
    };
    card::add_line(app, tx, payment.holder, line).await?;
    let order = payment.order.id;
    if returned {
        card::plans::paid_back(app, tx, payment.holder, id, order).await
    } else {
        card::plans::paid(app, tx, payment.holder, id, order, amount).await
    }
}

/// The rail has something new about a payment: looks at it now.
pub(super) async fn wake(tx: &mut Tx, holder: HolderId, id: PaymentId, now: Timestamp) -> DbResult<()> {
    let Some(payment) = store::find(tx, holder, id).await? else { return Ok(()) };
    let kind = match payment.state {
        PaymentState::Submitting => Kind::Submit,
        PaymentState::Unknown => Kind::Ask,
        PaymentState::Submitted | PaymentState::Settled | PaymentState::Final => Kind::Follow,
        _ => return Ok(()),
    };
    jobs::put(tx, holder, kind, id.as_uuid(), now).await
}

// ---- Jobs --------------------------------------------------------------------------------------------------------

/// Begins a transaction on the job's payment; `None` when the payment is in none of these states any more, and then
/// the job is over.
pub(super) async fn begin(
    app: &App,
    job: &Job,
    moment: Moment,
    states: &[PaymentState],
) -> DbResult<Option<(Tx, Stored)>> {
    let read = store::found(job.holder, PaymentId::from_uuid(job.subject));
    let (mut tx, payment) = app.db.begin_at(moment, job.holder, read).await?;
    match payment.filter(|payment| states.contains(&payment.state)) {
        Some(payment) => Ok(Some((tx, payment))),
        None => {
            jobs::done(&mut tx, job).await?;
            tx.commit().await?;
            Ok(None)
        }
    }
}

/// Where the rail knows the job's payment by which key, while it is in one of these states; read without keeping the
/// writer busy, for most looks at a rail find nothing new. `None` when the job is over.
async fn at_the_rail(app: &App, job: &Job, states: &[PaymentState]) -> DbResult<Option<store::AtRail>> {
    let payment = PaymentId::from_uuid(job.subject);
    let found = app.db.read_once().await?.ask(store::at_rail(job.holder, payment)).await?;
    match found.filter(|found| states.contains(&found.state)) {
        Some(found) => Ok(Some(found)),
        // It ends in the transaction that finds the same; else it is tried again.
        None => begin(app, job, Moment::Within, states).await.map(|_| None),
    }
}

/// The day came: sets the money aside and writes the order for the rail in the same transaction.
pub(crate) async fn process(app: &App, job: &Job) -> DbResult<()> {
    twice(|moment| process_at(app, job, moment)).await
}

async fn process_at(app: &App, job: &Job, moment: Moment) -> DbResult<()> {
    let states = [PaymentState::Scheduled, PaymentState::Insufficient];
    let Some((mut tx, mut payment)) = begin(app, job, moment, &states).await? else { return Ok(()) };
    let now = app.clock.now();
    let reads = (
        holds::holding(app, &payment),
        by_itself::about_run(app, &payment)?,
        source(&payment),
        payment.order.method.map(|method| methods::found(payment.holder, method)),
        unusual::known(app, payment.holder, &payment.order, payment.process_on, payment.device),
        payment.needs_approval().then(|| store::live_approval(&payment)),
    );
    let (holding, about, mut source, method, known, live) = tx.ask(reads).await?;
    // A restraint held it in its own transaction; money is never let go on that alone.
    if holds::hold_or_not(app, &mut tx, &mut payment, holding).await? {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    }
    let ordered = payment.order.amount;
    // What it takes is worked out now, and so is whether it leaves at all.
    let Goes::On { yes } = by_itself::goes_on(app, &mut tx, job, &mut payment, about).await? else {
        tx.commit().await?;
        app.jobs.wake();
        return Ok(());
    };
    // What a restraint lets through was another amount.
    if payment.order.amount != ordered && holds::look(app, &mut tx, &mut payment).await? {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    }
    if closed_cards::stops(app, &mut tx, &mut payment).await? {
        tx.commit().await?;
        app.jobs.wake();
        return Ok(());
    }
    if let Some(reason) = missing(app, &payment, &source, method.flatten().as_ref())? {
        return without_funds(app, job, tx, payment, reason).await;
    }
    if !unusual::may_leave(app, &mut tx, &mut payment, known).await? {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    }
    if !approval::use_up(app, &mut tx, &payment, yes, live.flatten()).await? {
        tracing::error!("a payment is not what was approved: it waits for a new approval");
        approval::ask_anew(app, &mut tx, &mut payment, StepUp::Changed).await?;
        return tx.commit().await;
    }
    holds::promise_if_late(app, &mut payment)?;
    source.step(app, &mut tx, &mut payment, PaymentEvent::FundsReserved, None).await?;
    source.step(app, &mut tx, &mut payment, PaymentEvent::HandedToRail, None).await?;
    jobs::done(&mut tx, job).await?;
    jobs::put(&mut tx, job.holder, Kind::Submit, job.subject, now).await?;
    source.tell_moved(app, &mut tx, &payment).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Why there is nothing to take the money from today, when there is nothing.
fn missing(app: &App, payment: &Stored, source: &Source, method: Option<&Method>) -> DbResult<Option<&'static str>> {
    match payment.funds() {
        Funds::Balance(account) => {
            let available = source.standings.of(account)?.available;
            Ok((available.minor() < payment.order.amount.minor()).then_some(NO_FUNDS))
        }
        Funds::Method(_) => {
            let today = app.clock.now().to_zoned(timing(app, payment)?.zone).date();
            let drawable = method.map_or(Err(Undrawable::Removed), |method| method.drawable(today));
            Ok(drawable.err().map(Undrawable::as_str))
        }
    }
}

/// A hold's time is over.
pub(crate) async fn release(app: &App, job: &Job) -> DbResult<()> {
    twice(|moment| release_at(app, job, moment)).await
}

async fn release_at(app: &App, job: &Job, moment: Moment) -> DbResult<()> {
    let Some((mut tx, mut payment)) = begin(app, job, moment, &[PaymentState::Held]).await? else { return Ok(()) };
    let holding = tx.ask(holds::holding(app, &payment)).await?;
    jobs::done(&mut tx, job).await?;
    holds::hold_or_not(app, &mut tx, &mut payment, holding).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Tried again at the day's last run and when the orders of the next banking day are handed over, then given up.
async fn without_funds(app: &App, job: &Job, mut tx: Tx, mut payment: Stored, reason: &str) -> DbResult<()> {
    let now = app.clock.now();
    let rail = app.rails.named(&payment.rail)?;
    let last_run = rail.last_run_at(payment.cutoff_at);
    let last_try = day_after_tried_at(rail, payment.process_on)?;
    if now >= last_try {
        step(app, &mut tx, &mut payment, PaymentEvent::FundsMissing, Some(reason)).await?;
        step(app, &mut tx, &mut payment, PaymentEvent::TriesEnded, Some(reason)).await?;
        jobs::done(&mut tx, job).await?;
    } else {
        if payment.state != PaymentState::Insufficient {
            step(app, &mut tx, &mut payment, PaymentEvent::FundsMissing, Some(reason)).await?;
        }
        jobs::later(&mut tx, job, if now < last_run { last_run } else { last_try }).await?;
    }
    tell(app, &mut tx, &payment).await?;
    tx.commit().await
}

/// When a rail takes the orders of the banking day after a day.
fn day_after_tried_at(rail: &dyn Rail, day: Date) -> DbResult<Timestamp> {
    let timing = rail.timing();
    let next = timing.calendar.next_banking_day(day);
    let cutoff_at = timing.cutoff_at(next).map_err(|_| DbError::Corrupt("a day"))?;
    Ok(rail.hands_over_at(cutoff_at, day_begins(next, &timing)?))
}

/// Hands the order over. An order whose handing over was begun before is only asked about.
pub(crate) async fn submit(app: &App, job: &Job) -> DbResult<()> {
    let mut tx = app.db.read_once().await?;
    let reads = (store::found(job.holder, PaymentId::from_uuid(job.subject)), store::holder_name(job.holder));
    let (payment, payer_name) = tx.ask(reads).await?;
    let Some(payment) = payment.filter(|payment| payment.state == PaymentState::Submitting) else {
        // It ends in the transaction that finds the same; else it is tried again.
        return begin(app, job, Moment::Within, &[PaymentState::Submitting]).await.map(drop);
    };
    let drawn_by = match payment.order.method {
        Some(method) => {
            let token = tx.ask(methods::token(job.holder, method)).await?;
            Some(token.ok_or(DbError::Corrupt("the method of a payment that is under way"))?)
        }
        None => None,
    };
    drop(tx);
    let answer = if job.tries > 1 {
        Answer::Silent
    } else {
        let order = RailOrder {
            key: payment.rail_key.clone(),
            biller: payment.order.biller,
            payer_name,
            amount: payment.order.amount,
            payer_reference: payment.order.reference.clone(),
            drawn_by,
        };
        app.rails.named(&payment.rail)?.submit(order).await
    };
    // The rail is not asked again, whoever came between.
    twice(|moment| submitted(app, job, moment, &answer)).await
}

async fn submitted(app: &App, job: &Job, moment: Moment, answer: &Answer) -> DbResult<()> {
    let begun = begin(app, job, moment, &[PaymentState::Submitting]).await?;
    let Some((mut tx, mut payment)) = begun else { return Ok(()) };
    let moving = tx.ask(moving(&payment)).await?;
    jobs::done(&mut tx, job).await?;
    if let Answer::Queued { look_at } = answer {
        // Handing it over again asks how it stands.
        jobs::put(&mut tx, job.holder, Kind::Submit, job.subject, *look_at).await?;
    } else if matches!(answer, Answer::Silent | Answer::Absent) {
        step(app, &mut tx, &mut payment, PaymentEvent::RailSilent, None).await?;
        let first = app.rails.named(&payment.rail)?.visible_after().max(wait(ASK_WAITS, 1));
        jobs::put(&mut tx, job.holder, Kind::Ask, job.subject, after(app.clock.now(), first)).await?;
        tell(app, &mut tx, &payment).await?;
    } else {
        taken_or_refused(app, &mut tx, &mut payment, moving, answer).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// The account that it leaves from, and the record of the card that it pays.
type Moving = (Source, Option<Option<Account>>);

fn moving(payment: &Stored) -> impl Read<Answer = Moving> + use<> {
    (source(payment), card_of(payment).map(|card| feed::found(payment.holder, accounts::key(card))))
}

/// The rail said at once, or when asked, what it did with the order.
async fn taken_or_refused(
    app: &App,
    tx: &mut Tx,
    payment: &mut Stored,
    (mut source, card): Moving,
    answer: &Answer,
) -> DbResult<()> {
    let now = app.clock.now();
    let (reference, look_at) = match answer {
        Answer::Refused { code } => {
            source.step(app, tx, payment, PaymentEvent::RailRefused, Some(code)).await?;
            return source.tell_moved(app, tx, payment).await;
        }
        Answer::Accepted { reference, look_at } => (reference, (*look_at).max(now)),
        // It went further before anybody asked: the steps between are taken one by one.
        Answer::Settled { reference, .. } | Answer::Returned { reference, .. } => (reference, now),
        Answer::Queued { .. } | Answer::Absent | Answer::Silent => return Err(DbError::Corrupt("an answer of a rail")),
    };
    payment.rail_reference = Some(reference.clone());
    payment.absent_reads = 0;
    source.step(app, tx, payment, PaymentEvent::RailAccepted, None).await?;
    add_line(app, tx, payment, card.flatten(), payment.order.amount.negated(), "payment").await?;
    store::establish_payee(tx, payment.holder, payment.order.biller, now).await?;
    let subject = payment.order.id.as_uuid();
    jobs::put(tx, payment.holder, Kind::Follow, subject, look_at).await?;
    source.tell_moved(app, tx, payment).await
}

/// Asks about an order that was not answered. Only when the rail has twice said that it never saw the key, the same
/// order goes again under the same key.
pub(crate) async fn ask(app: &App, job: &Job) -> DbResult<()> {
    let Some(at) = at_the_rail(app, job, &[PaymentState::Unknown]).await? else { return Ok(()) };
    let answer = app.rails.named(&at.rail)?.look(at.key).await;
    twice(|moment| asked(app, job, moment, &answer)).await
}

async fn asked(app: &App, job: &Job, moment: Moment, answer: &Answer) -> DbResult<()> {
    let begun = begin(app, job, moment, &[PaymentState::Unknown]).await?;
    let Some((mut tx, mut payment)) = begun else { return Ok(()) };
    let moving = tx.ask(moving(&payment)).await?;
    let now = app.clock.now();
    match answer {
        Answer::Silent => jobs::later_unless_put(&mut tx, job, after(now, wait(ASK_WAITS, job.tries))).await?,
        Answer::Queued { look_at } => jobs::later_unless_put(&mut tx, job, *look_at).await?,
        Answer::Absent if payment.absent_reads + 1 < ABSENT_READS => {
            payment.absent_reads += 1;
            store::update(&mut tx, &payment, payment.state).await?;
            let apart = app.rails.named(&payment.rail)?.visible_after().max(wait(ASK_WAITS, job.tries));
            jobs::later_unless_put(&mut tx, job, after(now, apart)).await?;
        }
        Answer::Absent => {
            payment.absent_reads = 0;
            step(app, &mut tx, &mut payment, PaymentEvent::ProvenAbsent, None).await?;
            jobs::done(&mut tx, job).await?;
            jobs::put(&mut tx, job.holder, Kind::Submit, job.subject, now).await?;
            tell(app, &mut tx, &payment).await?;
        }
        found => {
            jobs::done(&mut tx, job).await?;
            taken_or_refused(app, &mut tx, &mut payment, moving, found).await?;
        }
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Looks whether the money arrived or came back.
pub(crate) async fn follow(app: &App, job: &Job) -> DbResult<()> {
    let states = [PaymentState::Submitted, PaymentState::Settled, PaymentState::Final];
    let Some(at) = at_the_rail(app, job, &states).await? else { return Ok(()) };
    let answer = app.rails.named(&at.rail)?.look(at.key).await;
    twice(|moment| followed(app, job, moment, &answer)).await
}

async fn followed(app: &App, job: &Job, moment: Moment, answer: &Answer) -> DbResult<()> {
    let states = [PaymentState::Submitted, PaymentState::Settled, PaymentState::Final];
    let Some((mut tx, mut payment)) = begin(app, job, moment, &states).await? else { return Ok(()) };
    let before = payment.state;
    match answer {
        Answer::Settled { trace, amount, .. } if before == PaymentState::Submitted => {
            settled(app, &mut tx, &mut payment, trace, *amount).await?;
        }
        Answer::Returned { trace, amount, code, .. } => {
            returned(app, &mut tx, &mut payment, trace, *amount, code).await?;
        }
        // Nothing new; a rail that is silent or forgets is asked again.
        _ => {}
    }
    if payment.state == PaymentState::Settled && window_is_over(app, &payment)? {
        step(app, &mut tx, &mut payment, PaymentEvent::ReturnWindowOver, None).await?;
        tell(app, &mut tx, &payment).await?;
    }
    if payment.state == before {
        go_on(app, &mut tx, job, &payment).await?;
    } else if payment.state.is_terminal() && !is_watched(app, &payment)? {
        jobs::done(&mut tx, job).await?;
    } else {
        // A new stage: its waits begin from the start.
        let first = if payment.state == PaymentState::Final { FINAL_WAIT } else { wait(SETTLED_WAITS, 1) };
        jobs::put(&mut tx, job.holder, job.kind, job.subject, after(app.clock.now(), first)).await?;
    }
    tx.commit().await
}

async fn go_on(app: &App, tx: &mut Tx, job: &Job, payment: &Stored) -> DbResult<()> {
    let now = app.clock.now();
    let next = match payment.state {
        PaymentState::Submitted => after(now, wait(FOLLOW_WAITS, job.tries)),
        PaymentState::Settled => after(now, wait(SETTLED_WAITS, job.tries)),
        _ if is_watched(app, payment)? => after(now, FINAL_WAIT),
        _ => return jobs::done_unless_put(tx, job).await,
    };
    jobs::later_unless_put(tx, job, next).await
}

/// Whether the money of a payment that is final may still come back.
fn is_watched(app: &App, payment: &Stored) -> DbResult<bool> {
    let is_recent = |at| app.clock.now().duration_since(at) <= LATE_RETURNS;
    let may_return = app.rails.named(&payment.rail)?.may_return_late();
    Ok(payment.state == PaymentState::Final && may_return && payment.settled_at.is_some_and(is_recent))
}

fn window_is_over(app: &App, payment: &Stored) -> DbResult<bool> {
    let timing = timing(app, payment)?;
    let Some(settled_at) = payment.settled_at else { return Ok(false) };
    let settled_on = settled_at.to_zoned(timing.zone.clone()).date();
    let today = app.clock.now().to_zoned(timing.zone.clone()).date();
    Ok(today > timing.calendar.add_banking_days(settled_on, RETURN_WINDOW_DAYS))
}

async fn settled(app: &App, tx: &mut Tx, payment: &mut Stored, trace: &str, amount: Money) -> DbResult<()> {
    let now = app.clock.now();
    let matched = amount == payment.order.amount;
    let record = RailRecord { trace, kind: "settled", amount, code: None, matched };
    let (known, mut source) = tx.ask((store::is_noted(&payment.rail, trace), source(payment))).await?;
    store::note_record(tx, payment, &record, now).await?;
    if !matched {
        // Another amount than ordered is for a person to look at: the payment waits.
        if !known {
            tracing::error!("a rail settled another amount than was ordered");
        }
        return Ok(());
    }
    payment.settled_at = Some(now);
    source.step(app, tx, payment, PaymentEvent::SettledByRail, None).await?;
    tell_card(app, tx, payment, amount, "payment").await?;
    source.tell_moved(app, tx, payment).await
}

async fn returned(
    app: &App,
    tx: &mut Tx,
    payment: &mut Stored,
    trace: &str,
    amount: Money,
    code: &str,
) -> DbResult<()> {
    let now = app.clock.now();
    let matched = amount == payment.order.amount;
    let record = RailRecord { trace, kind: "returned", amount, code: Some(code), matched };
    let (known, (mut source, card)) = tx.ask((store::is_noted(&payment.rail, trace), moving(payment))).await?;
    store::note_record(tx, payment, &record, now).await?;
    if known || !matched {
        return Ok(());
    }
    let reached = matches!(payment.state, PaymentState::Settled | PaymentState::Final);
    source.step(app, tx, payment, PaymentEvent::ReturnedByRail, Some(code)).await?;
    add_line(app, tx, payment, card.flatten(), amount, "return").await?;
    if reached {
        tell_card(app, tx, payment, amount.negated(), "return").await?;
    }
    if let Some(rail) = app.rails.of_files(&payment.rail) {
        rail.returned(tx, payment, code).await?;
        holds::look_at_all(app, tx, payment.holder).await?;
    }
    source.tell_moved(app, tx, payment).await
}
