//! Plans of served cards (CA4): chosen for a purchase before the statement of its cycle closes. What is on a plan is kept
//! apart from purchases, move by move; how much is owed in all is the ledger's alone.

mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use api::accounts::Account;
use api::card::ChoosePlan;
use api::error::ErrorCode;
use api::sync::Record;
use axum::extract::State;
use domain::autopay::AutopayOf;
use domain::card::allocation::{Excess, Part, allocate};
use domain::card::closing::{Asked, Move, MoveKind, PlanBook, accrued_until, cycle_of, standings};
use domain::card::plans::PLANS_MAX;
use domain::card::{Issued, Plan, StatementLeft};
use domain::ids::{AccountId, DisputeId, HolderId, PaymentId, PlanId, PurchaseId, PurchaseStepId, StatementId};
use domain::money::{Money, MoneyError};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::{Card, Picture, account_of};
use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};
use crate::disputes::FoundWrong;
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::sign_in::SignedIn;
use crate::statements::LastBill;
use crate::{accounts, autopay, feed, ledger, purchases, statements};
use store::{Kind, Moved, Stored};

const fn out_of_range(_: MoneyError) -> DbError {
    DbError::Corrupt("a plan's amounts")
}

/// Puts a purchase on a plan: what was captured of it goes on to it now, and what is captured later with its capture.
/// Sending it again changes nothing.
#[utoipa::path(put, path = "/api/v1/cards/{id}/plans/{plan}", tag = "card",
    params(("id" = AccountId, Path), ("plan" = PlanId, Path)), request_body = ChoosePlan,
    responses((status = 200, body = Account), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
pub(super) async fn choose(
    State(app): State<App>,
    signed_in: SignedIn,
    Path((id, plan)): Path<(AccountId, PlanId)>,
    Json(wanted): Json<ChoosePlan>,
) -> Result<Json<Account>, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(super::store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if let Some(known) = tx.ask(store::find(holder, plan)).await? {
        if known.card != id || known.purchase != wanted.purchase || known.offer != wanted.offer {
            return Err(ApiError::new(ErrorCode::KeyReused, "this id came with another request"));
        }
        return Ok(Json(account_of(&mut tx, holder, id).await?));
    }
    let purchase = check(&app, &mut tx, holder, &card, &wanted).await?;
    let chosen = Stored {
        id: plan,
        card: id,
        purchase: wanted.purchase,
        name: purchase.description,
        offer: wanted.offer,
        opened_on: super::today(&app),
        left_minor: 0,
    };
    store::add(&mut tx, holder, &chosen).await?;
    // Causes of moves are our own: a merchant may call a capture as its purchase.
    let cause = Uuid::new_v5(&plan.as_uuid(), b"chosen");
    go_on(&app, &mut tx, holder, &card, plan, purchase.captured, cause).await?;
    purchases::tell(&app, &mut tx, holder, wanted.purchase).await?;
    tell(&app, &mut tx, holder, &card).await?;
    let account = account_of(&mut tx, holder, id).await?;
    tx.commit().await?;
    Ok(Json(account))
}

/// The purchase, when it may go on such a plan today.
async fn check(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    wanted: &ChoosePlan,
) -> Result<purchases::ForPlan, ApiError> {
    let found = purchases::for_plan(tx, holder, wanted.purchase).await?;
    let purchase = found.filter(|found| found.card == card.id).ok_or_else(ApiError::not_found)?;
    if tx.ask(store::of_purchase(holder, wanted.purchase)).await?.is_some() {
        return Err(ApiError::new(ErrorCode::VersionConflict, "the purchase is on a plan already"));
    }
    if purchase.is_disputed {
        return Err(ApiError::new(ErrorCode::Forbidden, "a purchase that is disputed goes on no plan"));
    }
    let first_on = cycle_of(&card.terms, super::today(app)).0;
    let captured_on = purchase.captured_at.map(|at| at.to_zoned(app.settings.zone.clone()).date());
    if captured_on.is_some_and(|day| day < first_on) {
        return Err(ApiError::new(
            ErrorCode::PlanTooLate,
            "a plan is chosen before the statement with the purchase closes",
        ));
    }
    let whole = purchase.captured.plus(purchase.held).map_err(out_of_range)?;
    if !wanted.offer.is_for(whole) {
        return Err(ApiError::invalid(ErrorCode::InvalidAmount, "offer", "this is not offered for such an amount"));
    }
    if tx.ask(store::of_card(holder, card.id, Timestamp::MAX)).await?.len() >= PLANS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "a card has at most 50 plans that are not paid off"));
    }
    Ok(purchase)
}

/// What is owed on a card and is on no plan; below zero when more was paid.
pub(crate) async fn owed_apart(tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<Money> {
    let standing = ledger::card_standing(holder, card.id, card.limit.currency());
    let (standing, plans) = tx.ask((standing, store::of_card(holder, card.id, Timestamp::MAX))).await?;
    let on_plans = Money::new(plans.iter().map(|plan| plan.left_minor).sum(), card.limit.currency());
    on_plans.and_then(|on_plans| standing.owed.minus(on_plans)).map_err(out_of_range)
}

/// So much of a purchase goes on to its plan; never more than purchases owe, for who paid ahead has paid it.
async fn go_on(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    plan: PlanId,
    amount: Money,
    cause: Uuid,
) -> DbResult<()> {
    let minor = amount.minor().min(owed_apart(tx, holder, card).await?.minor());
    if minor <= 0 {
        return Ok(());
    }
    let amount = Money::new(minor, amount.currency()).map_err(out_of_range)?;
    let moved = Moved { plan, kind: Kind::Planned, amount, at: app.clock.now(), cause };
    store::add_move(tx, holder, card.id, &moved).await
}

/// Something of a purchase was captured and booked: it goes on to the purchase's plan.
pub(crate) async fn captured(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    purchase: PurchaseId,
    step: PurchaseStepId,
    amount: Money,
) -> DbResult<()> {
    let Some(plan) = tx.ask(store::of_purchase(holder, purchase)).await? else { return Ok(()) };
    let card = tx.ask(super::store::find(holder, plan.card)).await?.ok_or(DbError::Corrupt("a plan's card"))?;
    go_on(app, tx, holder, &card, plan.id, amount, Uuid::new_v5(&step.as_uuid(), b"captured")).await?;
    tell(app, tx, holder, &card).await
}

/// A merchant gave something back, and it is booked: what is left of the purchase's plan first, purchases then, and what
/// they do not owe goes to other plans.
pub(crate) async fn refunded(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    (card, purchase): (AccountId, PurchaseId),
    step: PurchaseStepId,
    amount: Money,
) -> DbResult<()> {
    if let Some(plan) = tx.ask(store::of_purchase(holder, purchase)).await? {
        let minor = amount.minor().min(plan.left_minor);
        if minor > 0 {
            let amount = Money::new(-minor, amount.currency()).map_err(out_of_range)?;
            let moved = Moved { plan: plan.id, kind: Kind::Refund, amount, at: app.clock.now(), cause: step.as_uuid() };
            store::add_move(tx, holder, card, &moved).await?;
        }
    }
    let card = tx.ask(super::store::find(holder, card)).await?.ok_or(DbError::Corrupt("a purchase's card"))?;
    credited(app, tx, holder, &card, step.as_uuid()).await
}

/// Something that is no payment was given back to a card, and it is booked: what purchases do not owe goes to plans.
pub(crate) async fn credited(app: &App, tx: &mut Tx, holder: HolderId, card: &Card, cause: Uuid) -> DbResult<()> {
    lower(app, tx, holder, card, (Kind::Refund, beside(cause))).await?;
    tell(app, tx, holder, card).await
}

/// What one cause does to plans beside that of its purchase.
fn beside(cause: Uuid) -> Uuid {
    Uuid::new_v5(&cause, b"credit")
}

/// Nobody is in credit on purchases while they owe on plans: what is too much there is given to plans as a payment is.
async fn lower(app: &App, tx: &mut Tx, holder: HolderId, card: &Card, (kind, cause): (Kind, Uuid)) -> DbResult<()> {
    let credit = owed_apart(tx, holder, card).await?.negated();
    if credit.is_positive() { give(app, tx, holder, card, credit, (kind, cause)).await } else { Ok(()) }
}

/// Some of a purchase is in dispute and was given back: what is left of the purchase's plan first, purchases then, and what
/// they do not owe goes to other plans.
pub(crate) async fn disputed(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    (card, purchase): (AccountId, PurchaseId),
    dispute: DisputeId,
    amount: Money,
) -> DbResult<()> {
    if let Some(plan) = tx.ask(store::of_purchase(holder, purchase)).await? {
        let minor = amount.minor().min(plan.left_minor);
        if minor > 0 {
            // It is on the plan no more, so that the plan asks for nothing of it; a decision may put it there again.
            let amount = Money::new(-minor, amount.currency()).map_err(out_of_range)?;
            let moved =
                Moved { plan: plan.id, kind: Kind::Planned, amount, at: app.clock.now(), cause: dispute.as_uuid() };
            store::add_move(tx, holder, card, &moved).await?;
        }
    }
    let card = tx.ask(super::store::find(holder, card)).await?.ok_or(DbError::Corrupt("a purchase's card"))?;
    lower(app, tx, holder, &card, (Kind::Planned, beside(dispute.as_uuid()))).await?;
    tell(app, tx, holder, &card).await
}

/// A dispute was decided against its person, or taken back, and what it gave back is owed again: it goes on to the plans that
/// it was on, unless they have ended. What a merchant gave back meanwhile is on none: the purchase's own plan lost it first,
/// purchases then.
pub(crate) async fn restored(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    (dispute, disputed): (DisputeId, Money),
    amount: Money,
) -> DbResult<()> {
    let card = tx.ask(super::store::find(holder, card)).await?.ok_or(DbError::Corrupt("a purchase's card"))?;
    let taken = |cause| store::planned_by(holder, cause);
    let (own, others) = tx.ask((taken(dispute.as_uuid()), taken(beside(dispute.as_uuid())))).await?;
    let sum = |taken: &[(Stored, i64)]| taken.iter().map(|(_, minor)| minor.saturating_neg()).sum::<i64>();
    let of_purchases = disputed.minor().saturating_sub(sum(&own)).saturating_sub(sum(&others));
    let mut refunded = disputed.minor().saturating_sub(amount.minor());
    let mut left = amount.minor();
    for (of, cause) in [(own, dispute.as_uuid()), (others, beside(dispute.as_uuid()))] {
        for (plan, minor) in of {
            let taken = minor.saturating_neg();
            let back = taken.saturating_sub(refunded).max(0).min(left);
            refunded = refunded.saturating_sub(taken).max(0);
            left -= back;
            if !has_ended(&card, &plan, super::today(app))? {
                let back = Money::new(back, amount.currency()).map_err(out_of_range)?;
                go_on(app, tx, holder, &card, plan.id, back, way_back(cause)).await?;
            }
        }
        refunded = refunded.saturating_sub(of_purchases).max(0);
    }
    tell(app, tx, holder, &card).await
}

/// A cause moves once: the way back has an id that follows from the way there.
fn way_back(cause: Uuid) -> Uuid {
    Uuid::new_v5(&cause, b"restored")
}

/// What puts back on plans what disputes took off them.
fn ways_back(disputes: &[DisputeId]) -> Vec<Uuid> {
    let both = |id: &DisputeId| [way_back(id.as_uuid()), way_back(beside(id.as_uuid()))];
    disputes.iter().flat_map(both).collect()
}

/// Whether the deadline of a plan has passed.
fn has_ended(card: &Card, plan: &Stored, today: Date) -> DbResult<bool> {
    let zero = Money::zero(card.limit.currency());
    let left = (zero, plan.opened_on);
    let plan = plan.offer.plan(plan.id, plan.name.clone(), &card.terms, plan.opened_on, zero, left);
    Ok(plan.map_err(out_of_range)?.deadline().is_some_and(|ends_on| ends_on < today))
}

/// A payment to the card was booked: plans get what 12 CFR 1026.53 and the person give them of it.
pub(crate) async fn paid(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    payment: PaymentId,
    amount: Money,
) -> DbResult<()> {
    let card = tx.ask(super::store::find(holder, card)).await?.ok_or(DbError::Corrupt("a payment's card"))?;
    give(app, tx, holder, &card, amount, (Kind::Payment, payment.as_uuid())).await?;
    tell(app, tx, holder, &card).await
}

/// Plans get their part of an amount that is booked, as it found the card.
async fn give(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    amount: Money,
    (kind, cause): (Kind, Uuid),
) -> DbResult<()> {
    let now = Now::read(app, tx, holder, card).await?;
    if now.plans.is_empty() {
        return Ok(());
    }
    let owed = tx.ask(ledger::card_standing(holder, card.id, amount.currency())).await?.owed;
    let before = owed.plus(amount).map_err(out_of_range)?;
    let minimum_left = now.minimum_left_before(amount).map_err(out_of_range)?;
    let standings = standings(&card.terms, before, &now.plans, &now.asked, super::today(app));
    let shares = allocate(amount, minimum_left, now.excess, &standings).map_err(out_of_range)?;
    for plan in &now.plans {
        let to_plan = shares.iter().filter(|share| share.to == Part::Plan(plan.id)).map(|share| share.amount);
        let given = Money::sum(amount.currency(), to_plan).map_err(out_of_range)?;
        if given.is_positive() {
            let moved = Moved { plan: plan.id, kind, amount: given.negated(), at: app.clock.now(), cause };
            store::add_move(tx, holder, card.id, &moved).await?;
        }
    }
    Ok(())
}

/// A payment to the card came back: what it paid of plans is left of them again, unless they have ended.
pub(crate) async fn paid_back(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    payment: PaymentId,
) -> DbResult<()> {
    let id = card;
    let card = tx.ask(super::store::find(holder, id)).await?.ok_or(DbError::Corrupt("a payment's card"))?;
    for (plan, minor) in store::paid_by(tx, holder, payment.as_uuid()).await? {
        let amount = Money::new(-minor, card.limit.currency()).map_err(out_of_range)?;
        let moved = Moved { plan, kind: Kind::Returned, amount, at: app.clock.now(), cause: payment.as_uuid() };
        store::add_move(tx, holder, id, &moved).await?;
    }
    tell(app, tx, holder, &card).await
}

// ---- At a closing ------------------------------------------------------------------------------------------------

/// Plans of a card, and all that ever moved on them.
pub(crate) struct Plans {
    stored: Vec<Stored>,
    moved: Vec<Moved>,
}

/// Those of which something is left, or moved since then.
pub(crate) fn since(holder: HolderId, card: &Card, from: Timestamp) -> impl Read<Answer = Plans> + use<> {
    let reads = (store::of_card(holder, card.id, from), store::moves(holder, card.id, card.limit.currency(), from));
    reads.then(|(stored, moved)| Ok(Plans { stored, moved }))
}

/// Those of which something is left.
fn open(holder: HolderId, card: &Card) -> impl Read<Answer = Plans> + use<> {
    since(holder, card, Timestamp::MAX)
}

impl Plans {
    /// The books of those that count in a cycle that began then, in which these disputes were opened and taken back.
    pub(crate) fn books(
        &self,
        card: &Card,
        (from, undone): (Timestamp, &[DisputeId]),
        day: &dyn Fn(Timestamp) -> Date,
    ) -> DbResult<Vec<PlanBook>> {
        let undone = ways_back(undone);
        let is_undone = |moved: &Moved| moved.at >= from && undone.contains(&moved.cause);
        let book = |plan| book_of(card, plan, &self.moved, day, &is_undone).map_err(out_of_range);
        self.stored.iter().map(book).collect()
    }

    /// As they were at a moment.
    pub(crate) fn until(&self, until: Timestamp) -> Self {
        let moved = self.moved.iter().filter(|moved| moved.at < until).copied().collect();
        Self { stored: self.stored.clone(), moved }
    }

    /// As they would be without what was disputed and wrong: it never went on to its plan, and so did what was paid of it,
    /// for nobody pays more of a plan than is on it.
    pub(crate) fn without(&self, found: &[FoundWrong]) -> DbResult<Self> {
        let of_dispute = |one: &FoundWrong| [one.dispute.id.as_uuid(), beside(one.dispute.id.as_uuid())];
        // Where only a part was wrong the rest was taken off and put on again.
        let whole = found.iter().filter(|one| one.wrong == one.dispute.amount);
        let whole: Vec<Uuid> = whole.flat_map(of_dispute).collect();
        let credited: Vec<Uuid> = found.iter().map(|one| beside(one.dispute.id.as_uuid())).collect();
        let is_gone = |one: &Moved| {
            let came_of_it = one.kind == Kind::Refund && credited.contains(&one.cause);
            one.kind == Kind::Landed || whole.contains(&one.cause) || came_of_it
        };
        let mut wrong: BTreeMap<PlanId, i64> = BTreeMap::new();
        for plan in &self.stored {
            let of_plan = found.iter().filter(|one| one.dispute.purchase == plan.purchase);
            wrong.insert(plan.id, of_plan.map(|one| one.wrong.minor()).sum());
        }
        let mut left: BTreeMap<PlanId, i64> = BTreeMap::new();
        let mut paid: BTreeMap<(PlanId, Uuid), i64> = BTreeMap::new();
        let mut moved = Vec::new();
        for one in self.moved.iter().filter(|one| !is_gone(one)) {
            let of_plan = left.entry(one.plan).or_default();
            let minor = one.amount.minor();
            let minor = match one.kind {
                Kind::Planned if minor > 0 => {
                    let wrong = wrong.entry(one.plan).or_default();
                    let off = minor.min(*wrong);
                    *wrong -= off;
                    minor - off
                }
                // As much as it gave the plan.
                Kind::Returned => minor.min(paid.get(&(one.plan, one.cause)).copied().unwrap_or_default()),
                _ => minor.max(-*of_plan),
            };
            if one.kind == Kind::Payment {
                paid.insert((one.plan, one.cause), -minor);
            }
            *of_plan += minor;
            if minor != 0 {
                let amount = Money::new(minor, one.amount.currency()).map_err(out_of_range)?;
                moved.push(Moved { amount, ..*one });
            }
        }
        Ok(Self { stored: self.stored.clone(), moved })
    }

    /// The same, where what moved in which cycle does not count.
    fn books_of_all(&self, app: &App, card: &Card) -> DbResult<Vec<PlanBook>> {
        self.books(card, (Timestamp::UNIX_EPOCH, &[]), &|at| at.to_zoned(app.settings.zone.clone()).date())
    }
}

/// What a plan is, and what moved on it until it ended.
fn book_of(
    card: &Card,
    stored: &Stored,
    moved: &[Moved],
    day: &dyn Fn(Timestamp) -> Date,
    is_undone: &dyn Fn(&Moved) -> bool,
) -> Result<PlanBook, MoneyError> {
    // A zone that was changed since may put its first move before it.
    let day = |at: Timestamp| day(at).max(stored.opened_on);
    let currency = card.limit.currency();
    let of_plan = moved.iter().filter(|moved| moved.plan == stored.id);
    let planned = of_plan.clone().filter(|moved| moved.kind == Kind::Planned).map(|moved| moved.amount);
    let amount = Money::sum(currency, planned)?;
    let left = Money::new(stored.left_minor, currency)?;
    let last_on = of_plan.clone().next_back().map_or(stored.opened_on, |moved| day(moved.at));
    let moves = of_plan.filter_map(|moved| {
        let kind = match moved.kind {
            // What a dispute took off a plan is a part of what it gave back, and so is what undoes that.
            Kind::Planned if moved.amount.is_negative() || is_undone(moved) => MoveKind::Refund,
            Kind::Planned => MoveKind::Planned,
            Kind::Refund => MoveKind::Refund,
            Kind::Payment | Kind::Returned => MoveKind::Payment,
            Kind::Landed => return None,
        };
        Some(Move { on: day(moved.at), amount: moved.amount, kind })
    });
    let moves = moves.collect();
    let left = (left, last_on);
    let plan = stored.offer.plan(stored.id, stored.name.clone(), &card.terms, stored.opened_on, amount, left)?;
    Ok(PlanBook { plan, moves })
}

/// The deadline of some plans is in a cycle that closes: what is left of them goes on as purchases. Those that are open
/// from then on stay among the plans.
pub(crate) async fn land(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    (statement, closed_on): (StatementId, Date),
    (plans, books): (&mut Plans, &[PlanBook]),
) -> DbResult<()> {
    // The last day on which it could be paid off is the one before it lands.
    let lands = |plan: &&PlanBook| plan.plan.deadline().is_some_and(|ends_on| ends_on < closed_on);
    for book in books.iter().filter(lands).filter(|book| book.plan.left.is_positive()) {
        let amount = book.plan.left.negated();
        let moved =
            Moved { plan: book.plan.id, kind: Kind::Landed, amount, at: app.clock.now(), cause: statement.as_uuid() };
        for stored in plans.stored.iter_mut().filter(|stored| stored.id == moved.plan) {
            stored.left_minor = stored.left_minor.saturating_add(amount.minor());
            store::add_move(tx, holder, stored.card, &moved).await?;
        }
        plans.moved.push(moved);
    }
    plans.stored.retain(|stored| stored.left_minor > 0);
    Ok(())
}

// ---- What devices are told ---------------------------------------------------------------------------------------

/// How a card's plans and minimum stand now.
struct Now {
    plans: Vec<Plan>,
    excess: Excess,
    /// Of the last statement; absent before the first.
    minimum: Option<Money>,
    /// Paid and given back since it closed.
    credited: Money,
    asked: Vec<Asked>,
    /// Before it is held against what is owed.
    statement_left: Option<StatementLeft>,
}

impl Now {
    async fn read(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<Self> {
        let account = feed::found::<Account>(holder, accounts::key(card.id));
        let since_closing = store::moves_since_closing(holder, card.id, card.limit.currency());
        let reads = (open(holder, card), account, statements::last(holder, card.id), since_closing);
        let (plans, account, last, moved) = tx.ask(reads).await?;
        let last = statements::last_bill(app, tx, holder, card, last).await?;
        Self::of(app, card, (&plans, &moved), account.map_or(Excess::ByRate, |account| account.excess), last)
    }

    /// By plans of which something is left, and at least what moved on any since the last statement closed.
    fn of(
        app: &App,
        card: &Card,
        (open, moved): (&Plans, &[Moved]),
        excess: Excess,
        last: Option<LastBill>,
    ) -> DbResult<Self> {
        let today = super::today(app);
        let accrued =
            |book: &PlanBook| Ok(Plan { left_on: today, ..accrued_until(book, today).map_err(out_of_range)? });
        let plans = open.books_of_all(app, card)?.iter().map(accrued).collect::<DbResult<Vec<_>>>()?;
        let Some(last) = last else {
            let credited = Money::zero(card.limit.currency());
            return Ok(Self { plans, excess, minimum: None, credited, asked: Vec::new(), statement_left: None });
        };
        let asked = asked(&last.issued, &plans, &open.moved, last.closed_at).map_err(out_of_range)?;
        let statement_left = Some(statement_left(&last, moved).map_err(out_of_range)?);
        let (minimum, credited) = (Some(last.issued.bill.minimum), last.credited);
        Ok(Self { plans, excess, minimum, credited, asked, statement_left })
    }

    fn minimum_left(&self) -> Result<Option<Money>, MoneyError> {
        let Some(minimum) = self.minimum else { return Ok(None) };
        let left = minimum.minus(self.credited)?;
        Ok(Some(if left.is_negative() { Money::zero(left.currency()) } else { left }))
    }

    /// As it was before this payment, which is among what was credited already.
    fn minimum_left_before(&self, payment: Money) -> Result<Money, MoneyError> {
        let before = Self { credited: self.credited.minus(payment)?, plans: Vec::new(), asked: Vec::new(), ..*self };
        Ok(before.minimum_left()?.unwrap_or(Money::zero(payment.currency())))
    }

    /// What is left of the last statement, where so much is owed in all.
    fn statement_left(&self, owed: Money) -> Result<Option<StatementLeft>, MoneyError> {
        let Some(left) = self.statement_left else { return Ok(None) };
        let on_plans = Money::sum(owed.currency(), self.plans.iter().map(|plan| plan.left))?;
        let zero = Money::zero(owed.currency());
        let within = |left: Money, owed: Money| left.lesser(owed)?.greater(zero);
        Ok(Some(StatementLeft {
            balance: within(left.balance, owed)?,
            purchases: within(left.purchases, owed.minus(on_plans)?)?,
            in_full: within(left.in_full, owed)?,
            ..left
        }))
    }
}

/// What is left of the installments that the last statement asks for. A plan that is not among those of which something
/// is left was paid off since.
fn asked(issued: &Issued, plans: &[Plan], moved: &[Moved], closed_at: Timestamp) -> Result<Vec<Asked>, MoneyError> {
    let mut left = Vec::new();
    let is_open = |asks: &Asked| plans.iter().any(|plan| plan.id == asks.plan);
    for asks in issued.plans.iter().filter_map(Asked::in_full).filter(is_open) {
        let since = moved.iter().filter(|moved| moved.plan == asks.plan && moved.at >= closed_at);
        let paid = since.filter(|moved| moved.kind != Kind::Planned).map(|moved| moved.amount);
        let amount = asks.amount.plus(Money::sum(asks.amount.currency(), paid)?)?;
        if amount.is_positive() {
            left.push(Asked { plan: asks.plan, amount });
        }
    }
    Ok(left)
}

/// What a statement asks for less what was paid and given back since; `moved` on plans since then. What plans got of that
/// pays for no purchase.
fn statement_left(last: &LastBill, moved: &[Moved]) -> Result<StatementLeft, MoneyError> {
    let bill = &last.issued.bill;
    let undone = ways_back(&last.undone);
    let is_credit = |moved: &&Moved| match moved.kind {
        Kind::Payment | Kind::Returned | Kind::Refund => true,
        Kind::Planned => moved.amount.is_negative() || undone.contains(&moved.cause),
        Kind::Landed => false,
    };
    let to_plans = moved.iter().filter(|moved| moved.at >= last.closed_at).filter(is_credit);
    let to_plans = Money::sum(bill.balance.currency(), to_plans.map(|moved| moved.amount.negated()))?;
    Ok(StatementLeft {
        balance: bill.balance.minus(last.credited)?,
        purchases: bill.purchases.minus(last.credited.minus(to_plans)?)?,
        in_full: bill.in_full.minus(last.credited)?,
        grace: last.issued.grace,
        in_time_until: bill.in_time_until,
    })
}

/// Brings the card's record up to its plans and its last statement too.
pub(crate) async fn tell(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<()> {
    let now = Now::read(app, tx, holder, card).await?;
    let picture = tx.ask(super::picture(holder, card.id)).await?.ok_or(DbError::Corrupt("a card"))?;
    told(app, tx, holder, picture, now).await
}

/// The same at a closing, by what was seen there and done since.
pub(crate) async fn tell_closed(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    picture: Picture,
    open: &Plans,
    last: Option<LastBill>,
) -> DbResult<()> {
    let now = Now::of(app, &picture.card, (open, &open.moved), picture.account.excess, last)?;
    told(app, tx, holder, picture, now).await
}

async fn told(app: &App, tx: &mut Tx, holder: HolderId, picture: Picture, now: Now) -> DbResult<()> {
    let card = picture.card.id;
    let mut account = picture.record(app.clock.now())?;
    let minimum_left = now.minimum_left().map_err(out_of_range)?;
    let statement_left = now.statement_left(picture.there.owed).map_err(out_of_range)?;
    if let Some(served) = &mut account.card {
        served.minimum_left = minimum_left;
        served.statement_left = statement_left;
        served.asked = now.asked;
    }
    // A wish for a plan that is paid off has come true.
    if let Excess::Plan(id) = account.excess
        && now.plans.iter().all(|plan| plan.id != id)
    {
        account.excess = Excess::ByRate;
    }
    account.plans = now.plans;
    feed::put(tx, holder, app.clock.now(), &Record::Account(account)).await?;
    autopay::changed(app, tx, holder, AutopayOf::Card(card)).await
}

/// The same of a card that is there.
pub(crate) async fn tell_of(app: &App, tx: &mut Tx, holder: HolderId, card: AccountId) -> DbResult<()> {
    let card = tx.ask(super::store::find(holder, card)).await?.ok_or(DbError::Corrupt("a card"))?;
    tell(app, tx, holder, &card).await
}

/// The plan that a purchase is on, for its record.
pub(crate) fn of_purchase(holder: HolderId, purchase: PurchaseId) -> impl Read<Answer = Option<PlanId>> {
    store::of_purchase(holder, purchase).then(|plan| Ok(plan.map(|plan| plan.id)))
}
