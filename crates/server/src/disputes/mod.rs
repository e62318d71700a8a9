//! Disputes of charges (CA6), as 12 CFR 1026.13 has billing errors: opened by the person, given back at once for as long as
//! they are open, and decided by whoever runs the server. Each step is one transaction: the dispute, its ledger entry, the
//! line that the person sees, and what is left of a plan. What a merchant captures or refunds meanwhile is its neighbour's.

mod store;
#[cfg(test)]
mod tests;

use api::disputes::{Dispute, DisputeOutcome, DisputeReason, DisputeWish};
use api::error::ErrorCode;
use api::sync::Record;
use axum::extract::State;
use axum::http::StatusCode;
use domain::accounts::TransactionKind;
use domain::disputes::{self as rules, DisputeError, DisputeFacts};
use domain::ids::{DeviceId, DisputeId, HolderId, PurchaseId, PurchaseStepId};
use domain::ledger::{Entry, LedgerError};
use domain::money::{Money, MoneyError};
use domain::security::{Happened, SecurityEventKind};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::card::{self, Line};
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::sign_in::SignedIn;
use crate::{feed, ledger, purchases, security, statements};
pub(crate) use store::found_wrong;

/// A dispute that is over and of which something was wrong: all of it where it was decided for its person, else what the
/// merchant gave back while it was open.
pub(crate) struct FoundWrong {
    pub dispute: Dispute,
    pub wrong: Money,
    /// When it was over.
    pub at: Timestamp,
    /// When something of its purchase was charged first.
    pub charged_at: Timestamp,
}

impl FoundWrong {
    /// It was about all of its purchase, also about what was charged then, after it was opened.
    pub fn covers_later(&self, at: Timestamp) -> bool {
        let dispute = &self.dispute;
        dispute.covers_all() || (dispute.reason == DisputeReason::NotMine && at <= self.at)
    }
}

/// What the lines of a card say about disputes.
pub(crate) const CREDITED: &str = "Provisional credit";
pub(crate) const REFUNDED: &str = "Provisional credit, refunded by the merchant";
pub(crate) const RESTORED: &str = "Charged again after a dispute";
pub(crate) const INTEREST_CREDITED: &str = "Interest given back after a dispute";
pub(crate) const LATE_FEE_CREDITED: &str = "Late fee given back after a dispute";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(open)).routes(routes!(not_mine)).routes(routes!(withdraw))
}

/// Disputes a charge: it is given back until it is decided. What was not the person's freezes its card too. Sending it again
/// changes nothing.
#[utoipa::path(put, path = "/api/v1/disputes/{id}", tag = "card", params(("id" = DisputeId, Path)),
    request_body = DisputeWish,
    responses((status = 200, body = Dispute), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn open(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<DisputeId>,
    Json(wish): Json<DisputeWish>,
) -> Result<Json<Dispute>, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if let Some(known) = store::find(&mut tx, holder, id).await? {
        let same = known.purchase == wish.purchase
            && known.reason == wish.reason
            && known.words == wish.words.trim()
            && wish.amount.is_none_or(|amount| amount == known.amount);
        let reused = || ApiError::new(ErrorCode::KeyReused, "this id came with another request");
        return if same { Ok(Json(known)) } else { Err(reused()) };
    }
    let dispute = open_for(&app, &mut tx, (holder, signed_in.device), id, wish).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(dispute))
}

/// "That was not me": all of the purchase is disputed and its card frozen, both at once. Twice is no error.
#[utoipa::path(post, path = "/api/v1/purchases/{id}/dispute", tag = "card", params(("id" = PurchaseId, Path)),
    responses((status = 204, description = "It is so"), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn not_mine(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(purchase): Path<PurchaseId>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if !store::of_purchase(&mut tx, holder, purchase).await?.iter().any(Dispute::covers_all) {
        let id = DisputeId::new(app.clock.now(), app.chance10());
        let wish = DisputeWish { purchase, reason: DisputeReason::NotMine, words: String::new(), amount: None };
        open_for(&app, &mut tx, (holder, signed_in.device), id, wish).await?;
        tx.commit().await?;
        app.jobs.wake();
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a dispute back: what it gave back is owed again. Twice is no error.
#[utoipa::path(post, path = "/api/v1/disputes/{id}/withdraw", tag = "card", params(("id" = DisputeId, Path)),
    responses((status = 200, body = Dispute), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn withdraw(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<DisputeId>,
) -> Result<Json<Dispute>, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let known = store::find(&mut tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    if known.decided.as_ref().is_some_and(|decided| decided.outcome == DisputeOutcome::Withdrawn) {
        return Ok(Json(known));
    }
    let by = Some(signed_in.device);
    let dispute = become_decided(&app, &mut tx, (holder, by), known, DisputeOutcome::Withdrawn, "").await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(dispute))
}

/// Opens a dispute; the holder's row is locked.
async fn open_for(
    app: &App,
    tx: &mut Tx,
    (holder, by): (HolderId, DeviceId),
    id: DisputeId,
    wish: DisputeWish,
) -> Result<Dispute, ApiError> {
    let purchase = purchases::for_dispute(tx, holder, wish.purchase).await?.ok_or_else(ApiError::not_found)?;
    let card = tx.ask(card::store::find(holder, purchase.card)).await?.ok_or(DbError::Corrupt("a purchase's card"))?;
    let today = card::today(app);
    let day = |at: Timestamp| at.to_zoned(app.settings.zone.clone()).date();
    let facts = DisputeFacts {
        charged: purchase.charged,
        before: &store::of_purchase(tx, holder, wish.purchase).await?,
        charged_on: purchase.charged_at.map(day),
        terms: &card.terms,
        today,
    };
    let amount = wish.check(&facts).map_err(refused)?;
    let now = app.clock.now();
    let dispute = Dispute {
        id,
        purchase: wish.purchase,
        card: card.id,
        merchant: purchase.merchant,
        description: purchase.description,
        reason: wish.reason,
        words: wish.words.trim().to_owned(),
        amount,
        credited: amount,
        opened_at: now,
        acknowledged_at: None,
        answer_by: Dispute::answer_by(&card.terms, today),
        decided: None,
    };
    store::add(tx, holder, &dispute).await?;
    if amount.is_positive() {
        let entry = Entry::dispute_credited(id, card.id, amount);
        let line = (CREDITED, TransactionKind::Credit, format!("dispute:{id}"));
        book(app, tx, holder, &dispute, entry, amount, line).await?;
        card::plans::disputed(app, tx, holder, (card.id, dispute.purchase), id, amount).await?;
    }
    purchases::disputed(app, tx, holder, dispute.purchase).await?;
    tell(app, tx, holder, &dispute).await?;
    note(app, tx, (holder, Some(by)), &dispute, SecurityEventKind::DisputeOpened).await?;
    if dispute.reason == DisputeReason::NotMine {
        card::freeze(app, tx, holder, card.id).await?;
    }
    Ok(dispute)
}

/// Decides an open dispute; the holder's row is locked.
async fn become_decided(
    app: &App,
    tx: &mut Tx,
    (holder, by): (HolderId, Option<DeviceId>),
    mut dispute: Dispute,
    outcome: DisputeOutcome,
    why: &str,
) -> Result<Dispute, ApiError> {
    let again = dispute.decide(outcome, why, app.clock.now()).map_err(refused)?;
    store::update(tx, holder, &dispute).await?;
    if let Some(amount) = again {
        let id = dispute.id;
        let entry = Entry::dispute_restored(id, dispute.card, amount);
        let line = (RESTORED, TransactionKind::Debit, format!("dispute_restored:{id}"));
        book(app, tx, holder, &dispute, entry, amount.negated(), line).await?;
        card::plans::restored(app, tx, holder, dispute.card, (id, dispute.amount), amount).await?;
    }
    if outcome == DisputeOutcome::For {
        purchases::given_up(app, tx, holder, &dispute).await?;
    }
    give_charges_back(app, tx, holder, &dispute).await?;
    purchases::tell(app, tx, holder, dispute.purchase).await?;
    tell(app, tx, holder, &dispute).await?;
    note(app, tx, (holder, by), &dispute, happened(outcome)).await?;
    Ok(dispute)
}

/// A dispute is over: what statements charged of interest and late fees because of what was wrong is owed no more
/// (12 CFR 1026.13(e)(1)).
async fn give_charges_back(app: &App, tx: &mut Tx, holder: HolderId, dispute: &Dispute) -> DbResult<()> {
    let (id, card) = (dispute.id, dispute.card);
    let reads = (card::store::find(holder, card), found_wrong(holder, card));
    let (found, wrong) = tx.ask(reads).await?;
    if wrong.iter().all(|one| one.dispute.id != id) {
        return Ok(());
    }
    let found = found.ok_or(DbError::Corrupt("a disputed card"))?;
    let over = statements::overcharged(app, tx, holder, &found, &wrong).await?;
    if over.interest.is_positive() {
        let entry = Entry::interest_credited(id, card, over.interest);
        let line = (INTEREST_CREDITED, TransactionKind::Credit, format!("dispute_interest:{id}"));
        book(app, tx, holder, dispute, entry, over.interest, line).await?;
    }
    if over.late_fees.is_positive() {
        let entry = Entry::late_fee_credited(id, card, over.late_fees);
        let line = (LATE_FEE_CREDITED, TransactionKind::Credit, format!("dispute_late_fee:{id}"));
        book(app, tx, holder, dispute, entry, over.late_fees, line).await?;
    }
    if over.interest.is_positive() || over.late_fees.is_positive() {
        card::plans::credited(app, tx, holder, &found, id.as_uuid()).await?;
    }
    Ok(())
}

const fn happened(outcome: DisputeOutcome) -> SecurityEventKind {
    match outcome {
        DisputeOutcome::For => SecurityEventKind::DisputeDecidedFor,
        DisputeOutcome::Against => SecurityEventKind::DisputeDecidedAgainst,
        DisputeOutcome::Withdrawn => SecurityEventKind::DisputeWithdrawn,
        DisputeOutcome::Refunded => SecurityEventKind::DisputeRefunded,
    }
}

/// Writes what came of a dispute into its person's log, from where it is told as other events of weight are.
async fn note(
    app: &App,
    tx: &mut Tx,
    (holder, by): (HolderId, Option<DeviceId>),
    dispute: &Dispute,
    kind: SecurityEventKind,
) -> DbResult<()> {
    let name = Some(dispute.merchant.clone());
    security::record(tx, holder, Happened { at: app.clock.now(), kind, by, device: None, name, about: None }).await
}

async fn tell(app: &App, tx: &mut Tx, holder: HolderId, dispute: &Dispute) -> DbResult<()> {
    feed::put(tx, holder, app.clock.now(), &Record::Dispute(dispute.clone())).await
}

/// Books an entry of a dispute, with its line on the card: what it says, of what kind, and its source.
async fn book(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    dispute: &Dispute,
    entry: Result<Entry, LedgerError>,
    shown: Money,
    (description, kind, source): (&str, TransactionKind, String),
) -> DbResult<()> {
    let entry = entry.map_err(|_| DbError::Corrupt("a dispute's entry"))?;
    ledger::book(app, tx, holder, &entry).await?;
    let memo = Some(dispute.merchant.as_str());
    card::add_line(app, tx, holder, Line { account: dispute.card, kind, amount: shown, description, memo, source })
        .await
}

const fn out_of_range(_: MoneyError) -> DbError {
    DbError::Corrupt("a dispute's amounts")
}

fn refused(error: DisputeError) -> ApiError {
    let (code, field) = match error {
        DisputeError::NothingCharged => (ErrorCode::InvalidRequest, "purchase"),
        DisputeError::Amount | DisputeError::Money(_) => (ErrorCode::InvalidAmount, "amount"),
        DisputeError::Words => (ErrorCode::TooLong, "words"),
        DisputeError::TooLate => (ErrorCode::DisputeTooLate, "purchase"),
        DisputeError::DecidedBefore => (ErrorCode::ReasonDecided, "reason"),
        DisputeError::Decided | DisputeError::Covered => {
            return ApiError::new(ErrorCode::VersionConflict, &error.to_string());
        }
        DisputeError::TooMany => return ApiError::new(ErrorCode::TooMany, &error.to_string()),
    };
    ApiError::invalid(code, field, &error.to_string())
}

// ---- What a merchant does meanwhile ------------------------------------------------------------------------------

/// Something of a purchase was captured and booked. What is not the person's is given back at once; says whether it was.
pub(crate) async fn captured(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    purchase: PurchaseId,
    step: PurchaseStepId,
    amount: Money,
) -> DbResult<bool> {
    let found = store::of_purchase(tx, holder, purchase).await?.into_iter().find(Dispute::covers_all);
    let Some(mut dispute) = found else { return Ok(false) };
    let Some(amount) = dispute.charged(amount).map_err(out_of_range)? else { return Ok(false) };
    store::update(tx, holder, &dispute).await?;
    let entry = Entry::dispute_captured(step, dispute.card, amount);
    let line = (CREDITED, TransactionKind::Credit, format!("dispute:{step}"));
    book(app, tx, holder, &dispute, entry, amount, line).await?;
    card::plans::tell_of(app, tx, holder, dispute.card).await?;
    tell(app, tx, holder, &dispute).await?;
    Ok(true)
}

/// How a purchase stands with what was disputed of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DisputesOf {
    /// What a merchant may still give back of what the card paid: below zero where more is the person's already.
    pub refundable: Money,
    /// What may still be disputed of what the card paid.
    pub disputable: Money,
    /// And of what its wallet paid.
    pub disputable_of_wallet: Money,
    /// What open disputes gave back.
    pub given_back: Money,
    /// Something of it is in dispute.
    pub is_open: bool,
}

/// What open disputes of a card gave back until they are decided.
pub(crate) async fn until_decided(tx: &mut Tx, holder: HolderId, card: &card::Card) -> DbResult<Money> {
    let minor = store::until_decided(tx, holder, card.id).await?;
    Money::new(minor, card.limit.currency()).map_err(out_of_range)
}

/// Of so much that a purchase was charged to the card and to its wallet.
pub(crate) async fn of_purchase(
    tx: &mut Tx,
    holder: HolderId,
    purchase: PurchaseId,
    charged: (Money, Money),
) -> DbResult<DisputesOf> {
    let all = store::of_purchase(tx, holder, purchase).await?;
    disputes_of(charged, &all).map_err(out_of_range)
}

/// The same of a purchase that was never disputed.
pub(crate) fn of_none(charged: (Money, Money)) -> DbResult<DisputesOf> {
    disputes_of(charged, &[]).map_err(out_of_range)
}

fn disputes_of((by_card, by_wallet): (Money, Money), all: &[Dispute]) -> Result<DisputesOf, MoneyError> {
    let disputable = rules::disputable(by_card, all)?;
    let given_back = all.iter().filter(|one| one.is_open()).map(|one| one.credited);
    Ok(DisputesOf {
        refundable: rules::refundable(by_card, all)?,
        disputable,
        disputable_of_wallet: rules::disputable(by_card.plus(by_wallet)?, all)?.minus(disputable)?,
        given_back: Money::sum(by_card.currency(), given_back)?,
        is_open: all.iter().any(Dispute::is_open),
    })
}

/// A merchant gave something of a purchase back, and it is booked: it takes the place of what disputes gave back. Says how
/// much of it that was. So much of the purchase is still held.
pub(crate) async fn refunded(
    app: &App,
    tx: &mut Tx,
    (holder, purchase): (HolderId, PurchaseId),
    step: PurchaseStepId,
    amount: Money,
    held: Money,
) -> DbResult<Option<Money>> {
    let before = store::of_purchase(tx, holder, purchase).await?;
    let mut all = before.clone();
    let ends = rules::refunded(&mut all, amount, held, app.clock.now()).map_err(out_of_range)?;
    let Some(ends) = ends else { return Ok(None) };
    let changed: Vec<&Dispute> =
        all.iter().zip(&before).filter(|(now, then)| now != then).map(|(now, _)| now).collect();
    let first = changed.first().ok_or(DbError::Corrupt("a refunded dispute"))?;
    let entry = Entry::dispute_refunded(step, first.card, ends);
    let line = (REFUNDED, TransactionKind::Debit, format!("dispute:{step}"));
    book(app, tx, holder, first, entry, ends.negated(), line).await?;
    for dispute in changed {
        store::update(tx, holder, dispute).await?;
        tell(app, tx, holder, dispute).await?;
        if !dispute.is_open() {
            note(app, tx, (holder, None), dispute, SecurityEventKind::DisputeRefunded).await?;
            give_charges_back(app, tx, holder, dispute).await?;
        }
    }
    Ok(Some(ends))
}

// ---- Whoever runs the server -------------------------------------------------------------------------------------

/// Those that wait for a decision, oldest first, with whose they are.
pub async fn waiting(app: &App) -> Result<Vec<(HolderId, Dispute)>, ApiError> {
    Ok(store::open(&mut app.db.read_once().await?).await?)
}

/// Says that a dispute is looked at. Twice is no error.
pub async fn acknowledge(app: &App, id: DisputeId) -> Result<Dispute, ApiError> {
    let (mut tx, holder, mut dispute) = begin(app, id).await?;
    if dispute.acknowledge(app.clock.now()).map_err(refused)? {
        store::update(&mut tx, holder, &dispute).await?;
        tell(app, &mut tx, holder, &dispute).await?;
        tx.commit().await?;
    }
    Ok(dispute)
}

/// Decides a dispute, for the person or against them. The reason is told to them.
pub async fn decide(app: &App, id: DisputeId, for_person: bool, why: &str) -> Result<Dispute, ApiError> {
    if why.trim().is_empty() {
        return Err(ApiError::invalid(
            ErrorCode::InvalidRequest,
            "why",
            "a decision has a reason, which the person reads",
        ));
    }
    let (mut tx, holder, dispute) = begin(app, id).await?;
    let outcome = if for_person { DisputeOutcome::For } else { DisputeOutcome::Against };
    let dispute = become_decided(app, &mut tx, (holder, None), dispute, outcome, why.trim()).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(dispute)
}

/// A dispute that waits for a decision, with its holder locked.
async fn begin(app: &App, id: DisputeId) -> Result<(Tx, HolderId, Dispute), ApiError> {
    let mut tx = app.db.begin_write().await?;
    let holder = store::holder_of(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    tx.lock(holder).await?;
    // Read again under the lock: another step may have come between.
    let dispute = store::find(&mut tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    Ok((tx, holder, dispute))
}
