//! The closing of a served card's cycles: one job a card makes each statement once, in order, books what it charges in the
//! same transaction, and waits for the next. A server that was away for months makes all that it missed.

use api::sync::Record;
use domain::accounts::{Transaction, TransactionKind, TransactionState};
use domain::card::allocation::{Excess, Part};
use domain::card::closing::{
    CardBill, Closed, CycleBook, Issued, Move, MoveKind, PartBook, PlanBook, YearToDate, next_cycle,
};
use domain::card::{Grace, IssuerFigures};
use domain::ids::{AccountId, DisputeId, HolderId, PlanId, StatementId, TransactionId};
use domain::ledger::Entry;
use domain::money::{Currency, Money, MoneyError};
use domain::statements::{Cycle, Known, StatementSummary, summary};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::store::{self, Last, Made, Moved};
use super::without::Without;
use crate::App;
use crate::card::{self, Card, Picture};
use crate::db::{DbError, DbResult, Moment, Tx, twice};
use crate::jobs::{self, Job, Kind};
use crate::rewards::{self, ClosingCycle};
use crate::{disputes, feed, ledger};

/// So long after its last day a cycle is closed: clocks of several nodes may differ, and by then none books into it.
const CLOSES_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Waits for the end of a new card's first cycle.
pub(crate) async fn await_closing(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<()> {
    let cycle = OpenCycle::after(app, card, None)?;
    jobs::put(tx, holder, Kind::Close, card.id.as_uuid(), cycle.closes_at()).await
}

/// A card's cycle may be over: its statement is made, and the job waits for the next.
pub(crate) async fn close(app: &App, job: &Job) -> DbResult<()> {
    twice(|moment| close_at(app, job, moment)).await
}

async fn close_at(app: &App, job: &Job, moment: Moment) -> DbResult<()> {
    let (holder, card) = (job.holder, AccountId::from_uuid(job.subject));
    let reads = (card::picture(holder, card), store::last(holder, card));
    let (mut tx, (picture, last)) = app.db.begin_at(moment, holder, reads).await?;
    let Some(picture) = picture else {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    };
    let cycle = OpenCycle::after(app, &picture.card, last)?;
    let now = app.clock.now();
    if now < cycle.closes_at() {
        // The agreement may be another one than the devices know.
        if picture.account.terms.as_ref() != Some(&picture.card.terms) {
            feed::put(&mut tx, holder, now, &Record::Account(picture.record(now)?)).await?;
        }
        jobs::later(&mut tx, job, cycle.closes_at()).await?;
        return tx.commit().await;
    }
    let next = issue(app, &mut tx, holder, picture, &cycle).await?;
    jobs::later(&mut tx, job, next.closes_at()).await?;
    tx.commit().await
}

/// The cycle whose statement is next, and the statement before it.
pub(super) struct OpenCycle {
    first_on: Date,
    closed_on: Date,
    due_on: Date,
    /// Its moments: from the first on, until before the last.
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    last: Option<(StatementSummary, Box<Issued>)>,
}

impl OpenCycle {
    fn after(app: &App, card: &Card, last: Option<Last>) -> DbResult<Self> {
        // Whatever came before the first statement is on it. After that a cycle begins where the one before it ended, also
        // where the days of the server are another zone's by now: nothing is on two statements, or on none.
        let from = last.as_ref().map_or(Timestamp::UNIX_EPOCH, |last| last.closed_at);
        let last = match last {
            Some(Last { mut summary, .. }) => {
                let issued = summary.issued.take().ok_or(DbError::Corrupt("a statement's figures"))?;
                Some((summary, issued))
            }
            None => None,
        };
        let closed_before = last.as_ref().map(|(summary, _)| summary.closed_on);
        let (first_on, closed_on) = next_cycle(&card.terms, card.opened_on, closed_before);
        let after = closed_on.tomorrow().map_err(|_| DbError::Corrupt("a day"))?;
        let until = after.to_datetime(Time::midnight()).to_zoned(app.settings.zone.clone());
        Ok(Self {
            first_on,
            closed_on,
            due_on: card.terms.due_after(closed_on),
            from,
            until: until.map_err(|_| DbError::Corrupt("a day"))?.timestamp(),
            last,
        })
    }

    /// A cycle as it was closed, which began then.
    pub(super) fn closed(statement: &Last, from: Timestamp) -> Self {
        let closed_on = statement.summary.closed_on;
        Self {
            first_on: statement.summary.opened_on,
            closed_on,
            due_on: statement.summary.due_on.unwrap_or(closed_on),
            from,
            until: statement.closed_at,
            last: None,
        }
    }

    /// What moved in it, on plans too, so that it can be closed.
    pub(super) fn book<'a>(
        &self,
        app: &App,
        card: &'a Card,
        moved: &[&Moved],
        plans: &[PlanBook],
        (opening, billed): (Money, Option<(CardBill, Grace)>),
        excess: Excess,
    ) -> DbResult<CycleBook<'a>> {
        let moves = moved.iter().map(|moved| Move {
            on: self.day(app, moved.at),
            amount: moved.amount,
            kind: kind_of(moved, self.from),
        });
        let book = CycleBook {
            terms: &card.terms,
            excess,
            first_on: self.first_on,
            closed_on: self.closed_on,
            made_on: app.clock.now().to_zoned(app.settings.zone.clone()).date(),
            billed,
            purchases: PartBook { plan: None, opening, moves: moves.collect() },
            plans: Vec::new(),
            landed: Vec::new(),
        };
        book.part(plans).map_err(out_of_range)
    }

    /// The books of plans in it.
    pub(super) fn plans(
        &self,
        app: &App,
        card: &Card,
        moved: &[&Moved],
        plans: &card::plans::Plans,
    ) -> DbResult<Vec<PlanBook>> {
        let undone: Vec<DisputeId> = moved.iter().filter_map(|moved| moved.undoes(self.from)).collect();
        plans.books(card, (self.from, &undone), &|at| self.day(app, at))
    }

    /// The day of a moment, on the side of the closing before on which the moment is.
    fn day(&self, app: &App, at: Timestamp) -> Date {
        let day = at.to_zoned(app.settings.zone.clone()).date();
        if at < self.from { day.min(self.first_on.yesterday().unwrap_or(day)) } else { day.max(self.first_on) }
    }

    fn closes_at(&self) -> Timestamp {
        self.until.saturating_add(CLOSES_AFTER).unwrap_or(Timestamp::MAX)
    }

    fn opening(&self, card: &Card) -> Money {
        self.last.as_ref().map_or(Money::zero(card.limit.currency()), |(summary, _)| summary.closing.negated())
    }

    /// What rewards have to know of it.
    fn of_rewards(&self, card: &Card, statement: StatementId) -> ClosingCycle {
        let before = self.last.as_ref().and_then(|(_, issued)| issued.rewards);
        let opening = before.map_or(Money::zero(card.limit.currency()), |rewards| rewards.closing);
        ClosingCycle { statement, closed_on: self.closed_on, opening }
    }

    /// What the statement before it asks for; `moved` since then.
    fn bill(self, currency: Currency, moved: &[Moved]) -> DbResult<Option<LastBill>> {
        let Self { from: closed_at, last: Some((_, issued)), .. } = self else { return Ok(None) };
        let credits = moved.iter().filter(|moved| moved.at >= closed_at);
        let credits = credits.filter(|moved| matches!(kind_of(moved, closed_at), MoveKind::Payment | MoveKind::Refund));
        let credited = Money::sum(currency, credits.map(|moved| moved.amount.negated())).map_err(out_of_range)?;
        let undone = moved.iter().filter(|moved| moved.at >= closed_at).filter_map(|moved| moved.undoes(closed_at));
        let undone = undone.collect();
        Ok(Some(LastBill { issued, closed_at, credited, undone }))
    }
}

pub(super) const fn out_of_range(_: MoneyError) -> DbError {
    DbError::Corrupt("a statement's amounts")
}

/// Makes the statement of a cycle that is over, books what it charges, tells the devices, and answers the next cycle. All
/// that it reads is read before the first thing that it writes.
async fn issue(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    mut picture: Picture,
    cycle: &OpenCycle,
) -> DbResult<OpenCycle> {
    let card = &picture.card.clone();
    let currency = card.limit.currency();
    let now = app.clock.now();
    let reads = (
        store::moved(holder, card.id, currency, (cycle.from, far_ahead(now))),
        card::plans::since(holder, card, cycle.from),
        rewards::at_closing(holder, card.id, (cycle.from, cycle.until)),
        disputes::found_wrong(holder, card.id),
    );
    let (all, mut plans, earned, wrong) = tx.ask(reads).await?;
    let opening = cycle.opening(card);
    ledger_agrees(picture.there.owed, opening, &all)?;
    let moved: Vec<&Moved> = all.iter().filter(|moved| moved.at < cycle.until).collect();
    let books = cycle.plans(app, card, &moved, &plans)?;
    let billed = cycle.last.as_ref().map(|(_, issued)| (issued.bill, issued.grace));
    let book = cycle.book(app, card, &moved, &books, (opening, billed), picture.account.excess)?;
    // What was found to be wrong, and what came of it, was charged or billed until then: this cycle charges nothing for it.
    let closed = if wrong.iter().any(|one| one.at >= cycle.from) {
        let without = Without::read(app, tx, holder, card, &wrong).await?;
        book.close_within(&without.book(app, card, cycle)?)
    } else {
        book.close()
    };
    let closed = closed.map_err(out_of_range)?;
    let id = StatementId::new(now, app.chance10());
    let charged = charges(app, card, cycle, id, &closed, &books);
    for entry in entries(card, id, &closed)? {
        ledger::book(app, tx, holder, &entry).await?;
        picture.there.count(card.id, &entry)?;
    }
    card::plans::land(app, tx, holder, (id, cycle.closed_on), (&mut plans, &books)).await?;
    let mut lines: Vec<Transaction> =
        moved.iter().map(|moved| line_of(card, moved, kind_of(moved, cycle.from), cycle.day(app, moved.at))).collect();
    lines.extend(charged.iter().cloned());
    let mut statement = statement_of(card, cycle, closed, &lines, opening).map_err(out_of_range)?;
    if let Some(issued) = &mut statement.issued {
        issued.rewards = rewards::close(app, tx, holder, &cycle.of_rewards(card, id), earned).await?;
    }
    let number = statement.issued.as_ref().map_or(0, |issued| issued.number);
    let made = Made { id, number, summary: &statement, lines: &lines, closed_at: cycle.until, made_at: now };
    store::add(tx, holder, &made).await?;
    for line in charged {
        feed::put(tx, holder, now, &Record::Transaction(line)).await?;
    }
    feed::put(tx, holder, now, &Record::Statement(statement.clone())).await?;
    picture.account.issuer = figures(&statement);
    let last = || Some(Last { summary: statement.clone(), closed_at: cycle.until });
    let bill = OpenCycle::after(app, card, last())?.bill(currency, &all)?;
    card::plans::tell_closed(app, tx, holder, picture, &plans, bill).await?;
    OpenCycle::after(app, card, last())
}

/// What the last statement of a card asks for, and what was done about it since.
pub(crate) struct LastBill {
    pub issued: Box<Issued>,
    /// The first moment that is not of its cycle any more.
    pub closed_at: Timestamp,
    /// Paid and given back since then.
    pub credited: Money,
    /// Disputes that were opened and taken back since then.
    pub undone: Vec<DisputeId>,
}

/// By the newest statement of a card.
pub(crate) async fn last_bill(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    last: Option<Last>,
) -> DbResult<Option<LastBill>> {
    if last.is_none() {
        return Ok(None);
    }
    let currency = card.limit.currency();
    let open = OpenCycle::after(app, card, last)?;
    let between = (open.from, far_ahead(app.clock.now()));
    let moved = tx.ask(store::moved(holder, card.id, currency, between)).await?;
    open.bill(currency, &moved)
}

/// What is owed now must be what the statement counts, and what moved since its cycle ended: a statement that is wrong
/// would be wrong for ever.
fn ledger_agrees(owed: Money, opening: Money, all: &[Moved]) -> DbResult<()> {
    let counted = Money::sum(owed.currency(), all.iter().map(|moved| moved.amount))
        .and_then(|sum| sum.plus(opening))
        .map_err(out_of_range)?;
    if counted == owed { Ok(()) } else { Err(DbError::Corrupt("a card's balance at its closing")) }
}

/// Another node's clock may be ahead of ours.
pub(super) fn far_ahead(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX)
}

/// What a move is to a cycle that began then.
fn kind_of(moved: &Moved, from: Timestamp) -> MoveKind {
    match moved.cause.as_str() {
        "settled" | "returned" => MoveKind::Payment,
        // A refund took its place at the same moment.
        "dispute_refunded" => MoveKind::Refund,
        // The credit is taken away again as if it had never been.
        _ if moved.undoes(from).is_some() => MoveKind::Refund,
        _ if moved.amount.is_negative() => MoveKind::Refund,
        _ => MoveKind::Purchase,
    }
}

/// A line of the statement, signed as on the account.
fn line_of(card: &Card, moved: &Moved, kind: MoveKind, posted_on: Date) -> Transaction {
    let (kind, words) = match kind {
        MoveKind::Payment if moved.amount.is_negative() => (TransactionKind::Payment, "Payment, thank you"),
        MoveKind::Payment => (TransactionKind::Debit, "Payment that came back"),
        MoveKind::Purchase if moved.cause == "reloaded" => (TransactionKind::Purchase, "Wallet reload"),
        MoveKind::Purchase if moved.cause == "credit_moved" => (TransactionKind::Transfer, card::credit::OUT_LINE),
        MoveKind::Refund if moved.cause == "credit_moved" => (TransactionKind::Transfer, card::credit::IN_LINE),
        MoveKind::Refund if moved.cause == "wallet_given_back" => (TransactionKind::Credit, "Wallet given back"),
        MoveKind::Refund if moved.cause == "rewarded" => (TransactionKind::Credit, "Rewards used"),
        MoveKind::Refund => (TransactionKind::Refund, "Refund"),
        _ => (TransactionKind::Purchase, "Purchase"),
    };
    // The merchant did nothing here: it is said beside what was done.
    let (kind, description, memo) = match disputed(&moved.cause) {
        Some((kind, words)) => (kind, words.to_owned(), moved.merchant.clone()),
        None => (kind, moved.merchant.clone().unwrap_or_else(|| words.to_owned()), moved.about.clone()),
    };
    Transaction {
        id: TransactionId::from_uuid(moved.entry.as_uuid()),
        account: card.id,
        posted_on,
        amount: moved.amount.negated(),
        description,
        memo: memo.filter(|memo| !memo.is_empty()),
        kind,
        state: TransactionState::Posted,
        source: None,
    }
}

/// What a line says that a dispute made.
fn disputed(cause: &str) -> Option<(TransactionKind, &'static str)> {
    match cause {
        "dispute_credited" | "dispute_captured" => Some((TransactionKind::Credit, disputes::CREDITED)),
        "dispute_refunded" => Some((TransactionKind::Debit, disputes::REFUNDED)),
        "dispute_restored" => Some((TransactionKind::Debit, disputes::RESTORED)),
        "interest_credited" => Some((TransactionKind::Credit, disputes::INTEREST_CREDITED)),
        "late_fee_credited" => Some((TransactionKind::Credit, disputes::LATE_FEE_CREDITED)),
        _ => None,
    }
}

/// The lines of what the statement charges itself; they are of its last day.
fn charges(
    app: &App,
    card: &Card,
    cycle: &OpenCycle,
    id: StatementId,
    closed: &Closed,
    plans: &[PlanBook],
) -> Vec<Transaction> {
    let name_of = |id: PlanId| {
        let named = plans.iter().find(|book| book.plan.id == id);
        named.map_or_else(|| "a plan".to_owned(), |book| book.plan.name.clone())
    };
    let line = |amount: Money, kind, description: String, source: String| Transaction {
        id: TransactionId::new(app.clock.now(), app.chance10()),
        account: card.id,
        posted_on: cycle.closed_on,
        amount: amount.negated(),
        description,
        memo: None,
        kind,
        state: TransactionState::Posted,
        source: Some(source),
    };
    let interest = closed.interest.iter().filter(|charged| charged.amount.is_positive()).map(|charged| {
        let of = match charged.part {
            Part::Purchases => "purchases".to_owned(),
            Part::Plan(id) => name_of(id),
        };
        let source = match charged.part {
            Part::Purchases => format!("interest:{id}"),
            Part::Plan(plan) => format!("interest:{id}:{plan}"),
        };
        line(charged.amount, TransactionKind::Interest, format!("Interest on {of}"), source)
    });
    let fee = closed
        .late_fee
        .is_positive()
        .then(|| line(closed.late_fee, TransactionKind::Fee, "Late fee".to_owned(), format!("late_fee:{id}")));
    let landed = closed.landed.iter().map(|landed| {
        let words = format!("Deferred interest on {}", name_of(landed.plan));
        line(landed.amount, TransactionKind::Interest, words, format!("landed:{id}:{}", landed.plan))
    });
    interest.chain(landed).chain(fee).collect()
}

/// What the statement books: interest, deferred interest that lands with it, and a late fee.
fn entries(card: &Card, id: StatementId, closed: &Closed) -> DbResult<Vec<Entry>> {
    let interest = closed.totals.interest;
    let interest = interest.is_positive().then(|| Entry::interest(id, card.id, interest));
    let late_fee = closed.late_fee.is_positive().then(|| Entry::late_fee(id, card.id, closed.late_fee));
    let entries = interest.into_iter().chain(late_fee);
    entries.map(|entry| entry.map_err(|_| DbError::Corrupt("a statement's entry"))).collect()
}

fn statement_of(
    card: &Card,
    open: &OpenCycle,
    closed: Closed,
    lines: &[Transaction],
    opening: Money,
) -> Result<StatementSummary, MoneyError> {
    let cycle =
        Cycle { opened_on: open.first_on, closed_on: open.closed_on, due_on: Some(open.due_on), complete: true };
    let moved = Money::sum(opening.currency(), lines.iter().map(|line| line.amount))?;
    let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    let mut statement = summary(card.id, &cycle, Known::Opening(opening.negated()), moved, count)?;
    let before = open.last.as_ref().map(|(_, issued)| issued);
    let this = YearToDate { interest: closed.totals.interest, fees: closed.totals.fees };
    let of_year = before.filter(|before| before.bill.closed_on.year() == open.closed_on.year());
    let year = match of_year {
        Some(before) => {
            YearToDate { interest: before.year.interest.plus(this.interest)?, fees: before.year.fees.plus(this.fees)? }
        }
        None => this,
    };
    statement.issued = Some(Box::new(Issued {
        number: before.map_or(1, |before| before.number.saturating_add(1)),
        totals: closed.totals,
        interest: closed.interest,
        landed: closed.landed,
        bill: closed.bill,
        grace: closed.grace,
        plans: closed.plans,
        repayment: closed.repayment,
        year,
        limit: card.limit,
        late_fee: card.terms.late_fee,
        rewards: None,
    }));
    Ok(statement)
}

/// What the card's record says that its statement asks for.
fn figures(statement: &StatementSummary) -> Option<IssuerFigures> {
    statement.issued.as_ref().map(|issued| IssuerFigures {
        closed_on: issued.bill.closed_on,
        due_on: Some(issued.bill.due_on),
        statement_balance: Some(issued.bill.balance),
        minimum_due: Some(issued.bill.minimum),
        credit_limit: Some(issued.limit),
    })
}

#[cfg(test)]
pub(super) mod tests;
