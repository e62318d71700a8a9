//! The closing of a served card's cycles: one job a card makes each statement once, in order, books what it charges in the
//! same transaction, and waits for the next. A server that was away for months makes all that it missed.

use api::sync::Record;
use domain::accounts::{Account, Transaction, TransactionKind, TransactionState};
use domain::card::IssuerFigures;
use domain::card::allocation::Part;
use domain::card::closing::{Closed, CycleBook, Issued, Move, MoveKind, PartBook, PlanBook, YearToDate, next_cycle};
use domain::ids::{AccountId, HolderId, PlanId, StatementId, TransactionId};
use domain::ledger::Entry;
use domain::money::{Money, MoneyError};
use domain::statements::{Cycle, Known, StatementSummary, summary};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::store::{self, Made, Moved};
use crate::App;
use crate::card::{self, Card};
use crate::db::{DbError, DbResult, Tx};
use crate::jobs::{self, Job, Kind};
use crate::rewards::{self, ClosingCycle};
use crate::{accounts, disputes, feed, ledger};

/// So long after its last day a cycle is closed: clocks of several nodes may differ, and by then none books into it.
const CLOSES_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Waits for the end of a new card's first cycle.
pub(crate) async fn await_closing(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<()> {
    let cycle = OpenCycle::after(app, card, None)?;
    jobs::put(tx, holder, Kind::Close, card.id.as_uuid(), cycle.closes_at()).await
}

/// A card's cycle may be over: its statement is made, and the job waits for the next.
pub(crate) async fn close(app: &App, job: &Job) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(job.holder).await?;
    let Some(card) = card::store::find(&mut tx, job.holder, AccountId::from_uuid(job.subject)).await? else {
        jobs::done(&mut tx, job).await?;
        return tx.commit().await;
    };
    let last = store::last(&mut tx, job.holder, card.id).await?;
    let cycle = OpenCycle::after(app, &card, last)?;
    if app.clock.now() < cycle.closes_at() {
        jobs::later(&mut tx, job, cycle.closes_at()).await?;
        return tx.commit().await;
    }
    let made = issue(app, &mut tx, job.holder, &card, &cycle).await?;
    let next = OpenCycle::after(app, &card, Some(made))?;
    jobs::later(&mut tx, job, next.closes_at()).await?;
    tx.commit().await
}

/// The cycle whose statement is next, and the statement before it.
struct OpenCycle {
    first_on: Date,
    closed_on: Date,
    due_on: Date,
    /// Its moments: from the first on, until before the last.
    from: Timestamp,
    until: Timestamp,
    last: Option<(StatementSummary, Box<Issued>)>,
}

impl OpenCycle {
    fn after(app: &App, card: &Card, last: Option<StatementSummary>) -> DbResult<Self> {
        let last = match last {
            Some(StatementSummary { issued: None, .. }) => return Err(DbError::Corrupt("a statement's figures")),
            Some(mut summary) => summary.issued.take().map(|issued| (summary, issued)),
            None => None,
        };
        let closed_before = last.as_ref().map(|(summary, _)| summary.closed_on);
        let (first_on, closed_on) = next_cycle(&card.terms, card.opened_on, closed_before);
        let begins = |day: Date| {
            let begins = day.to_datetime(Time::midnight()).to_zoned(app.settings.zone.clone());
            begins.map(|zoned| zoned.timestamp()).map_err(|_| DbError::Corrupt("a day"))
        };
        Ok(Self {
            first_on,
            closed_on,
            due_on: card.terms.due_after(closed_on),
            // Whatever came before the first statement is on it.
            from: if last.is_some() { begins(first_on)? } else { Timestamp::UNIX_EPOCH },
            until: begins(closed_on.tomorrow().map_err(|_| DbError::Corrupt("a day"))?)?,
            last,
        })
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
        ClosingCycle { statement, closed_on: self.closed_on, from: self.from, until: self.until, opening }
    }
}

const fn out_of_range(_: MoneyError) -> DbError {
    DbError::Corrupt("a statement's amounts")
}

/// Makes the statement of a cycle that is over, books what it charges, and tells the devices.
async fn issue(app: &App, tx: &mut Tx, holder: HolderId, card: &Card, cycle: &OpenCycle) -> DbResult<StatementSummary> {
    let currency = card.limit.currency();
    let all = store::moved(tx, holder, card.id, currency, cycle.from, far_ahead(app.clock.now())).await?;
    let opening = cycle.opening(card);
    ledger_agrees(tx, holder, card, opening, &all).await?;
    let moved: Vec<Moved> = all.into_iter().filter(|moved| moved.at < cycle.until).collect();
    let zone = &app.settings.zone;
    let moves = moved.iter().map(|moved| Move {
        on: moved.at.to_zoned(zone.clone()).date(),
        amount: moved.amount,
        kind: kind_of(moved),
    });
    let plans = card::plans::books(app, tx, holder, card, cycle.from).await?;
    let account = account_of(tx, holder, card).await?;
    let book = CycleBook {
        terms: &card.terms,
        excess: account.excess,
        first_on: cycle.first_on,
        closed_on: cycle.closed_on,
        billed: cycle.last.as_ref().map(|(_, issued)| (issued.bill, issued.grace)),
        purchases: PartBook { plan: None, opening, moves: moves.collect() },
        plans: Vec::new(),
        landed: Vec::new(),
    };
    let closed = book.part(&plans).and_then(|book| book.close()).map_err(out_of_range)?;
    let now = app.clock.now();
    let id = StatementId::new(now, app.chance10());
    let charged = charges(app, card, cycle, id, &closed, &plans);
    book_charges(app, tx, holder, card, id, &closed).await?;
    card::plans::land(app, tx, holder, card, id, cycle.closed_on, &plans).await?;
    let mut lines: Vec<Transaction> = moved.iter().map(|moved| line_of(app, card, moved)).collect();
    lines.extend(charged.iter().cloned());
    let mut statement = statement_of(card, cycle, closed, &lines, opening).map_err(out_of_range)?;
    if let Some(issued) = &mut statement.issued {
        issued.rewards = rewards::close(app, tx, holder, card, &cycle.of_rewards(card, id)).await?;
    }
    let number = statement.issued.as_ref().map_or(0, |issued| issued.number);
    let made = Made { id, number, summary: &statement, lines: &lines, closed_at: cycle.until, made_at: now };
    store::add(tx, holder, &made).await?;
    for line in charged {
        feed::put(tx, holder, now, &Record::Transaction(line)).await?;
    }
    feed::put(tx, holder, now, &Record::Statement(statement.clone())).await?;
    tell_card(app, tx, holder, card, &statement).await?;
    Ok(statement)
}

/// What the last statement of a card asks for, and what was done about it since.
pub(crate) struct LastBill {
    pub issued: Box<Issued>,
    /// The first moment that is not of its cycle any more.
    pub closed_at: Timestamp,
    /// Paid and given back since then.
    pub credited: Money,
}

pub(crate) async fn last_bill(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<Option<LastBill>> {
    let currency = card.limit.currency();
    let last = store::last(tx, holder, card.id).await?;
    let open = OpenCycle::after(app, card, last)?;
    let OpenCycle { from: closed_at, last: Some((_, issued)), .. } = open else { return Ok(None) };
    let moved = store::moved(tx, holder, card.id, currency, closed_at, far_ahead(app.clock.now())).await?;
    let credits = moved.iter().filter(|moved| matches!(kind_of(moved), MoveKind::Payment | MoveKind::Refund));
    let credited = Money::sum(currency, credits.map(|moved| moved.amount.negated())).map_err(out_of_range)?;
    Ok(Some(LastBill { issued, closed_at, credited }))
}

/// What is owed now must be what the statement counts, and what moved since its cycle ended: a statement that is wrong
/// would be wrong for ever.
async fn ledger_agrees(tx: &mut Tx, holder: HolderId, card: &Card, opening: Money, all: &[Moved]) -> DbResult<()> {
    let currency = card.limit.currency();
    let counted = Money::sum(currency, all.iter().map(|moved| moved.amount))
        .and_then(|sum| sum.plus(opening))
        .map_err(out_of_range)?;
    if counted != ledger::card_standing(tx, holder, card.id, currency).await?.owed {
        return Err(DbError::Corrupt("a card's balance at its closing"));
    }
    Ok(())
}

/// Another node's clock may be ahead of ours.
fn far_ahead(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX)
}

fn kind_of(moved: &Moved) -> MoveKind {
    match moved.cause.as_str() {
        "settled" | "returned" => MoveKind::Payment,
        // A refund took its place at the same moment.
        "dispute_refunded" => MoveKind::Refund,
        _ if moved.amount.is_negative() => MoveKind::Refund,
        _ => MoveKind::Purchase,
    }
}

/// A line of the statement, signed as on the account.
fn line_of(app: &App, card: &Card, moved: &Moved) -> Transaction {
    let (kind, words) = match kind_of(moved) {
        MoveKind::Payment if moved.amount.is_negative() => (TransactionKind::Payment, "Payment, thank you"),
        MoveKind::Payment => (TransactionKind::Debit, "Payment that came back"),
        MoveKind::Purchase if moved.cause == "reloaded" => (TransactionKind::Purchase, "Wallet reload"),
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
        posted_on: moved.at.to_zoned(app.settings.zone.clone()).date(),
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

async fn book_charges(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    id: StatementId,
    closed: &Closed,
) -> DbResult<()> {
    // With deferred interest that lands.
    let interest = closed.totals.interest;
    let corrupt = |_| DbError::Corrupt("a statement's entry");
    if interest.is_positive() {
        let entry = Entry::interest(id, card.id, interest).map_err(corrupt)?;
        ledger::book(app, tx, holder, &entry).await?;
    }
    if closed.late_fee.is_positive() {
        let entry = Entry::late_fee(id, card.id, closed.late_fee).map_err(corrupt)?;
        ledger::book(app, tx, holder, &entry).await?;
    }
    Ok(())
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

/// The card's record says what its statement asks for.
async fn tell_card(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    statement: &StatementSummary,
) -> DbResult<()> {
    let mut account = account_of(tx, holder, card).await?;
    account.issuer = statement.issued.as_ref().map(|issued| IssuerFigures {
        closed_on: issued.bill.closed_on,
        due_on: Some(issued.bill.due_on),
        statement_balance: Some(issued.bill.balance),
        minimum_due: Some(issued.bill.minimum),
        credit_limit: Some(issued.limit),
    });
    feed::put(tx, holder, app.clock.now(), &Record::Account(account)).await?;
    card::plans::tell(app, tx, holder, card).await
}

async fn account_of(tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<Account> {
    let account: Option<Account> = feed::find(tx, holder, accounts::key(card.id)).await?;
    account.ok_or(DbError::Corrupt("a card's record"))
}

#[cfg(test)]
pub(super) mod tests;
