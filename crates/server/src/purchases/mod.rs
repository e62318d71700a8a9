//! Purchases by merchants: authorised, captured, voided, refunded. Each step is one transaction: the purchase, its
//! ledger entry, the card's record and the lines that the person sees. Ids come from the merchant, so a call that is
//! sent again is done once.

pub mod merchants;
mod store;
#[cfg(test)]
pub(crate) mod tests;

use api::disputes::Dispute;
use api::error::ErrorCode;
use api::purchases::{Authorize, Capture, CardToken, LinkCard, PurchaseState, Refund};
use api::sync::{Gone, Record};
use axum::extract::State;
use domain::accounts::{Transaction, TransactionKind, TransactionState};
use domain::ids::{AccountId, HolderId, PlanId, PurchaseId, PurchaseStepId, TransactionId};
use domain::ledger::Entry;
use domain::money::{Currency, Money, MoneyError};
use domain::purchases::{AskFacts, HOLD_DAYS, Progress, Purchase, PurchaseError, credit_left, decide};
use domain::wallet::Split;
use jiff::civil::Time;
use jiff::{Span, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::card::{self, Line, Picture};
use crate::db::{DbError, DbResult, Moment, Read, Tx, twice};
use crate::disputes::DisputesOf;
use crate::error::{ApiError, Untaken};
use crate::http::{Json, Path};
use crate::jobs::{self, Job, Kind};
use crate::rewards::{self, Charged};
use crate::sign_in::hash;
use crate::wallet::{self, Paid};
use crate::{disputes, feed, ledger, standing};
use merchants::Merchant;
use store::{Step, Stored};
pub(crate) use store::{StepKind, step_of};

const DESCRIPTION_CHARS_MAX: usize = 120;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(merchants::routes())
        .routes(routes!(link_card))
        .routes(routes!(find, authorize))
        .routes(routes!(capture))
        .routes(routes!(void))
        .routes(routes!(refund))
}

/// Exchanges a person's code for a token of their card. A token that the merchant has for it already ends.
#[utoipa::path(post, path = "/merchant/v1/cards", tag = "merchant", request_body = LinkCard,
    responses((status = 200, body = CardToken), (status = 422, body = api::error::Problem)))]
async fn link_card(
    State(app): State<App>,
    merchant: Merchant,
    Json(wanted): Json<LinkCard>,
) -> Result<Json<CardToken>, ApiError> {
    Ok(Json(CardToken { card_token: card::exchange(&app, merchant.id, &wanted.code).await? }))
}

/// How a purchase stands.
#[utoipa::path(get, path = "/merchant/v1/purchases/{id}", tag = "merchant", params(("id" = PurchaseId, Path)),
    responses((status = 200, body = PurchaseState), (status = 404, body = api::error::Problem)))]
async fn find(
    State(app): State<App>,
    merchant: Merchant,
    Path(id): Path<PurchaseId>,
) -> Result<Json<PurchaseState>, ApiError> {
    let mut tx = app.db.read_once().await?;
    let found = tx.ask(store::of_merchant(merchant.id, id)).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(state(&found)?))
}

/// Asks a card for an amount: it is held, or declined with a reason. Sent again, the first answer is given again.
#[utoipa::path(put, path = "/merchant/v1/purchases/{id}", tag = "merchant", params(("id" = PurchaseId, Path)),
    request_body = Authorize,
    responses((status = 200, body = PurchaseState), (status = 404, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn authorize(
    State(app): State<App>,
    merchant: Merchant,
    Path(id): Path<PurchaseId>,
    Json(wanted): Json<Authorize>,
) -> Result<Json<PurchaseState>, ApiError> {
    let description = wanted.description.trim();
    let chars = description.chars().count();
    if !(1..=DESCRIPTION_CHARS_MAX).contains(&chars) || description.chars().any(char::is_control) {
        return Err(ApiError::invalid(ErrorCode::TooLong, "description", "a description has 1 to 120 characters"));
    }
    if !wanted.amount.is_positive() {
        return Err(ApiError::invalid(ErrorCode::InvalidAmount, "amount", "an amount is above zero"));
    }
    let asked = AskedOf { merchant: &merchant, id, token: hash(&wanted.card_token), description, wanted: &wanted };
    let purchase = twice(|moment| ask_card(&app, &asked, moment)).await?;
    app.jobs.wake();
    Ok(Json(state(&purchase)?))
}

/// What a merchant asks a card for.
struct AskedOf<'a> {
    merchant: &'a Merchant,
    id: PurchaseId,
    /// The hash of the card's token.
    token: [u8; 32],
    description: &'a str,
    wanted: &'a Authorize,
}

impl AskedOf<'_> {
    /// Whether a purchase of this id is what was asked for.
    fn is(&self, known: &Stored, card: AccountId) -> bool {
        let same = known.amount == self.wanted.amount && known.description == self.description;
        same && known.card == card && known.category == self.wanted.category && known.merchant == self.merchant.id
    }
}

/// Holds what a card is asked for, or declines it: by how it stands with its person's feed, where a freeze, an ended link and
/// every other purchase have a number.
async fn ask_card(app: &App, asked: &AskedOf<'_>, moment: Moment) -> Result<Stored, Untaken> {
    let AskedOf { merchant, id, wanted, .. } = *asked;
    let no_card = || ApiError::invalid(ErrorCode::NotFound, "card_token", "no card has this token");
    let link = card::store::link(&asked.token, merchant.id);
    let card::store::Link { holder, card, .. } = app.db.read_once().await?.ask(link).await?.ok_or_else(no_card)?;
    let now = app.clock.now();
    let reads = (
        card::store::link(&asked.token, merchant.id),
        store::of_merchant(merchant.id, id),
        store::find(holder, id),
        standing::of(holder, now),
        card::picture(holder, card),
    );
    let (mut tx, (link, known, of_holder, standing, picture)) = app.db.begin_at(moment, holder, reads).await?;
    let link = link.ok_or_else(no_card)?;
    if let Some(known) = known.or(of_holder) {
        return if asked.is(&known, card) { Ok(known) } else { Err(reused().into()) };
    }
    let mut picture = picture.ok_or(DbError::Corrupt("a token's card"))?;
    let there = picture.there;
    let split = wallet::reserves(&picture.card, &there, wanted.amount)?;
    let facts = AskFacts {
        status: picture.card.status,
        standing,
        is_linked: link.is_open,
        credit_left: credit_left(picture.card.limit, there.owed, there.held).map_err(out_of_range)?,
        amount: split.card,
    };
    let declined = decide(&facts).err();
    let nothing = Money::zero(wanted.amount.currency());
    let purchase = Stored {
        holder,
        id,
        card,
        merchant: merchant.id,
        merchant_name: merchant.name.clone(),
        description: asked.description.to_owned(),
        category: wanted.category,
        amount: wanted.amount,
        declined,
        progress: Progress::approved(wanted.amount),
        held_by_wallet: if declined.is_none() { split.wallet } else { nothing },
        by_wallet: nothing,
        back_to_wallet: nothing,
        asked_at: now,
        holds_until: card::today(app).saturating_add(Span::new().days(HOLD_DAYS)),
        captured_at: None,
        disputed_at: None,
    };
    // Taken before what is written later, which then runs with the commit.
    tx.number(holder).await?;
    store::add(&mut tx, &purchase).await.map_err(of_another)?;
    // A purchase that is new is on no plan.
    show(app, &mut tx, &purchase, None).await?;
    if purchase.declined.is_none() {
        let entry = Entry::authorized(id, card, split).map_err(|_| DbError::Corrupt("a hold"))?;
        ledger::book(app, &mut tx, holder, &entry).await?;
        jobs::put(&mut tx, holder, Kind::EndHold, id.as_uuid(), end_of_hold(app, &purchase)?).await?;
        picture.there.count(card, &entry)?;
        feed::put(&mut tx, holder, now, &Record::Account(picture.record(now)?)).await?;
        wallet::held(app, &mut tx, holder, &picture.card, split.wallet).await?;
    }
    tx.commit().await.map_err(of_another)?;
    Ok(purchase)
}

/// A merchant asked two people's cards under one id at the same moment: whoever comes second looks again, and finds it.
fn of_another(error: DbError) -> DbError {
    if error.is_duplicate() { DbError::Conflict } else { error }
}

/// The first moment after the last day of a hold.
fn end_of_hold(app: &App, purchase: &Stored) -> DbResult<Timestamp> {
    let after = purchase.holds_until.tomorrow().unwrap_or(purchase.holds_until);
    let midnight = after.to_datetime(Time::midnight()).to_zoned(app.settings.zone.clone());
    midnight.map(|midnight| midnight.timestamp()).map_err(|_| DbError::Corrupt("a day"))
}

/// Takes some of what is held: it posts. With the last capture the rest is given back.
#[utoipa::path(put, path = "/merchant/v1/purchases/{id}/captures/{step}", tag = "merchant",
    params(("id" = PurchaseId, Path), ("step" = PurchaseStepId, Path)), request_body = Capture,
    responses((status = 200, body = PurchaseState), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn capture(
    State(app): State<App>,
    merchant: Merchant,
    Path((id, step)): Path<(PurchaseId, PurchaseStepId)>,
    Json(wanted): Json<Capture>,
) -> Result<Json<PurchaseState>, ApiError> {
    let Capture { amount, last } = wanted;
    make_step(&app, &merchant, Step { id: step, purchase: id, kind: StepKind::Capture, amount, last }).await
}

/// Gives back all that is held. Voiding twice is no error.
#[utoipa::path(post, path = "/merchant/v1/purchases/{id}/void", tag = "merchant", params(("id" = PurchaseId, Path)),
    responses((status = 200, body = PurchaseState), (status = 404, body = api::error::Problem)))]
async fn void(
    State(app): State<App>,
    merchant: Merchant,
    Path(id): Path<PurchaseId>,
) -> Result<Json<PurchaseState>, ApiError> {
    let purchase = twice(|moment| void_at(&app, &merchant, id, moment)).await?;
    app.jobs.wake();
    Ok(Json(state(&purchase)?))
}

/// Pays some of what was captured back to the card.
#[utoipa::path(put, path = "/merchant/v1/purchases/{id}/refunds/{step}", tag = "merchant",
    params(("id" = PurchaseId, Path), ("step" = PurchaseStepId, Path)), request_body = Refund,
    responses((status = 200, body = PurchaseState), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn refund(
    State(app): State<App>,
    merchant: Merchant,
    Path((id, step)): Path<(PurchaseId, PurchaseStepId)>,
    Json(wanted): Json<Refund>,
) -> Result<Json<PurchaseState>, ApiError> {
    let Refund { amount } = wanted;
    make_step(&app, &merchant, Step { id: step, purchase: id, kind: StepKind::Refund, amount, last: false }).await
}

// ---- What the steps share ----------------------------------------------------------------------------------------

/// A purchase and its card, as they stand with their person's feed.
struct Seen {
    purchase: Stored,
    picture: Picture,
    plan: Option<PlanId>,
}

fn seen(holder: HolderId, card: AccountId, id: PurchaseId) -> impl Read<Answer = Option<Seen>> {
    let reads = (store::find(holder, id), card::picture(holder, card), card::plans::of_purchase(holder, id));
    reads.then(|(purchase, picture, plan)| {
        let Some(purchase) = purchase else { return Ok(None) };
        let picture = picture.ok_or(DbError::Corrupt("a purchase's card"))?;
        Ok(Some(Seen { purchase, picture, plan }))
    })
}

/// Begins something about a merchant's purchase that was approved, and reads more about it on the same way.
async fn begin<R: Read>(
    app: &App,
    merchant: &Merchant,
    id: PurchaseId,
    moment: Moment,
    more: impl FnOnce(&Stored) -> R,
) -> Result<(Tx, Seen, R::Answer), ApiError> {
    let found = app.db.read_once().await?.ask(store::of_merchant(merchant.id, id)).await?;
    let found = found.ok_or_else(ApiError::not_found)?;
    // Read again: another call may come between.
    let reads = (seen(found.holder, found.card, id), more(&found));
    let (tx, (seen, more)) = app.db.begin_at(moment, found.holder, reads).await?;
    let seen = seen.ok_or_else(ApiError::not_found)?;
    if seen.purchase.declined.is_some() {
        return Err(ApiError::new(ErrorCode::CardDeclined, "this purchase was declined"));
    }
    Ok((tx, seen, more))
}

async fn void_at(app: &App, merchant: &Merchant, id: PurchaseId, moment: Moment) -> Result<Stored, Untaken> {
    let (mut tx, mut seen, ()) = begin(app, merchant, id, moment, |_| ()).await?;
    if release(app, &mut tx, &mut seen).await? {
        tx.commit().await?;
    }
    Ok(seen.purchase)
}

/// Makes a capture or a refund, once under its id: the purchase's progress, the entry, the line, and what is told.
async fn make_step(app: &App, merchant: &Merchant, step: Step) -> Result<Json<PurchaseState>, ApiError> {
    let purchase = twice(|moment| step_at(app, merchant, step, moment)).await?;
    // What the wallet paid may have left too little in it.
    app.jobs.wake();
    Ok(Json(state(&purchase)?))
}

async fn step_at(app: &App, merchant: &Merchant, step: Step, moment: Moment) -> Result<Stored, Untaken> {
    let more = |found: &Stored| {
        let (holder, card, id) = (found.holder, found.card, found.id);
        (store::same_step(holder, step), rewards::before_charge(holder, card, id))
    };
    let (mut tx, mut seen, (same, before)) = begin(app, merchant, step.purchase, moment, more).await?;
    let purchase = &mut seen.purchase;
    let (id, card, amount) = (step.id, purchase.card, step.amount);
    if amount.currency() != purchase.amount.currency() {
        // Steps are told apart by their cents: another currency is none that was made before.
        return Err(refused(PurchaseError::Amount).into());
    }
    match same {
        None => {}
        Some(true) => return Ok(seen.purchase),
        Some(false) => return Err(reused().into()),
    }
    let nothing = Money::zero(amount.currency());
    let progress = purchase.progress;
    let made = match step.kind {
        StepKind::Capture => {
            purchase.captured_at.get_or_insert(app.clock.now());
            progress.capture(amount, step.last)
        }
        StepKind::Refund => progress.refund(amount).map(|progress| (progress, nothing)),
    };
    let (progress, rest) = made.map_err(refused)?;
    let mut paid = purchase.paid().map_err(out_of_range)?;
    if matches!(step.kind, StepKind::Refund) {
        // What a dispute left with the person is not given back once more.
        let disputed = disputed_of(&mut tx, purchase, &paid).await?;
        (paid.by_card, paid.given_back) = (disputed.refundable, disputed.given_back);
        if amount.minor() > paid.by_card.plus(paid.by_wallet).map_err(out_of_range)?.minor() {
            return Err(refused(PurchaseError::AboveCaptured).into());
        }
    }
    let split = wallet::split(&seen.picture.card, step.kind, amount, &paid)?;
    purchase.progress = progress;
    let (entry, kind, shown) = match step.kind {
        StepKind::Capture => {
            purchase.by_wallet = purchase.by_wallet.plus(split.wallet).map_err(out_of_range)?;
            purchase.held_by_wallet = purchase.held_by_wallet.minus(split.wallet).map_err(out_of_range)?;
            (Entry::captured(id, card, split), TransactionKind::Purchase, split.card.negated())
        }
        StepKind::Refund => {
            purchase.back_to_wallet = purchase.back_to_wallet.plus(split.wallet).map_err(out_of_range)?;
            (Entry::refunded(id, card, split), TransactionKind::Refund, split.card)
        }
    };
    store::add_step(&mut tx, purchase.holder, &step, app.clock.now()).await?;
    let entry = entry.map_err(|_| DbError::Corrupt("a step's entry"))?;
    ledger::book(app, &mut tx, purchase.holder, &entry).await?;
    seen.picture.there.count(card, &entry)?;
    if rest.is_positive() {
        give_back(app, &mut tx, &mut seen, rest).await?;
    }
    add_line(app, &mut tx, &seen.purchase, id, kind, shown).await?;
    settle(app, &mut tx, &seen).await?;
    let Seen { purchase, picture, .. } = seen;
    let (holder, described) = (purchase.holder, purchase.description.as_str());
    wallet::stepped(app, &mut tx, holder, &picture.card, (step.kind, id), split.wallet, described).await?;
    if seen.plan.is_some() || purchase.disputed_at.is_some() || matches!(step.kind, StepKind::Refund) {
        plan_and_dispute(app, &mut tx, &purchase, (step.kind, id), split).await?;
    }
    let charged = charged(&mut tx, &purchase, id, split.card).await?;
    match step.kind {
        StepKind::Capture if purchase.disputed_at.is_none() => {
            rewards::charged(app, &mut tx, &charged, &before).await?;
        }
        StepKind::Capture => {
            // The dispute may have changed what it earned.
            let before = tx.ask(rewards::before_charge(holder, card, purchase.id)).await?;
            rewards::charged(app, &mut tx, &charged, &before).await?;
        }
        StepKind::Refund => rewards::refunded(app, &mut tx, &charged).await?,
    }
    if charged.stays.is_negative() {
        let cause = Uuid::new_v5(&id.as_uuid(), b"wallet");
        wallet::given_up(app, &mut tx, holder, &picture.card, cause).await?;
    }
    tx.commit().await?;
    Ok(purchase)
}

/// The card's line of a step; none where the wallet had all of it.
async fn add_line(
    app: &App,
    tx: &mut Tx,
    purchase: &Stored,
    step: PurchaseStepId,
    kind: TransactionKind,
    amount: Money,
) -> DbResult<()> {
    if amount.is_zero() {
        return Ok(());
    }
    let line = Line {
        account: purchase.card,
        kind,
        amount,
        description: &purchase.description,
        memo: Some(&purchase.merchant_name),
        source: step.to_string(),
    };
    card::add_line(app, tx, purchase.holder, line).await
}

/// What a step that was booked means for the purchase's plan, which is about the card's part of it, and for its dispute, which
/// is about all of it.
async fn plan_and_dispute(
    app: &App,
    tx: &mut Tx,
    purchase: &Stored,
    (kind, step): (StepKind, PurchaseStepId),
    of: Split,
) -> DbResult<()> {
    let (holder, id, amount) = (purchase.holder, purchase.id, of.card);
    match kind {
        StepKind::Capture => {
            let whole = of.card.plus(of.wallet).map_err(out_of_range)?;
            // What is given back at once goes on to no plan.
            if purchase.disputed_at.is_some() && disputes::captured(app, tx, holder, id, step, whole).await? {
                return tell(app, tx, holder, id).await;
            }
            if amount.is_positive() {
                card::plans::captured(app, tx, holder, id, step, amount).await?;
            }
        }
        // The card has no less of it than disputes gave back.
        StepKind::Refund if amount.is_zero() => {}
        StepKind::Refund => {
            let ended = match purchase.disputed_at {
                Some(_) => disputes::refunded(app, tx, (holder, id), step, amount, held(purchase)?).await?,
                None => None,
            };
            if ended.is_some() {
                tell(app, tx, holder, id).await?;
            }
            let rest = ended.map_or(Ok(amount), |ended| amount.minus(ended));
            let rest = rest.map_err(|_| DbError::Corrupt("a refund"))?;
            card::plans::refunded(app, tx, holder, (purchase.card, id), step, rest).await?;
        }
    }
    Ok(())
}

/// What a dispute has to know of the purchase that it is about.
pub(crate) struct ForDispute {
    pub card: AccountId,
    pub merchant: String,
    pub description: String,
    /// Captured and not given back, by the card and its wallet.
    pub charged: Money,
    /// When something was captured last.
    pub charged_at: Option<Timestamp>,
}

/// A purchase of this holder, declined ones too: somebody may have tried their card.
pub(crate) async fn for_dispute(tx: &mut Tx, holder: HolderId, id: PurchaseId) -> DbResult<Option<ForDispute>> {
    let Some(purchase) = tx.ask(store::find(holder, id)).await? else { return Ok(None) };
    Ok(Some(ForDispute {
        charged: purchase.progress.refundable().map_err(|_| DbError::Corrupt("a purchase's amounts"))?,
        card: purchase.card,
        merchant: purchase.merchant_name,
        description: purchase.description,
        charged_at: store::last_capture(tx, holder, id).await?,
    }))
}

/// Its person disputes a purchase, and the devices are told.
pub(crate) async fn disputed(app: &App, tx: &mut Tx, holder: HolderId, id: PurchaseId) -> DbResult<()> {
    store::dispute(tx, holder, id, app.clock.now()).await?;
    tell(app, tx, holder, id).await
}

/// What an order has to know of the purchase that pays it.
pub(crate) struct PaidBy {
    pub holder: HolderId,
    pub card: AccountId,
    pub currency: Currency,
    pub merchant_name: String,
}

/// A merchant's purchase that was approved, in a transaction that has its holder locked.
pub(crate) async fn paid_by(app: &App, merchant: &Merchant, id: PurchaseId) -> Result<(Tx, PaidBy), ApiError> {
    let (tx, seen, ()) = begin(app, merchant, id, Moment::Within, |_| ()).await?;
    let Stored { holder, card, amount, merchant_name, .. } = seen.purchase;
    Ok((tx, PaidBy { holder, card, currency: amount.currency(), merchant_name }))
}

/// What a plan has to know of the purchase that goes on to it.
pub(crate) struct ForPlan {
    pub card: AccountId,
    pub description: String,
    /// Captured and given back by nobody, without what the wallet paid.
    pub captured: Money,
    /// On the card; what the wallet reserved goes on no plan.
    pub held: Money,
    /// When something was captured first.
    pub captured_at: Option<Timestamp>,
    pub is_disputed: bool,
}

/// A purchase of this holder that was approved.
pub(crate) async fn for_plan(tx: &mut Tx, holder: HolderId, id: PurchaseId) -> DbResult<Option<ForPlan>> {
    let Some(purchase) = tx.ask(store::find(holder, id)).await?.filter(|found| found.declined.is_none()) else {
        return Ok(None);
    };
    let disputed = disputed_of(tx, &purchase, &purchase.paid().map_err(out_of_range)?).await?;
    Ok(Some(ForPlan {
        captured: disputed.refundable.greater(Money::zero(purchase.amount.currency())).map_err(out_of_range)?,
        held: held_by_card(&purchase)?,
        captured_at: purchase.captured_at,
        is_disputed: disputed.is_open,
        card: purchase.card,
        description: purchase.description,
    }))
}

/// Tells devices how a purchase stands.
pub(crate) async fn tell(app: &App, tx: &mut Tx, holder: HolderId, id: PurchaseId) -> DbResult<()> {
    let purchase = tx.ask(store::find(holder, id)).await?.ok_or(DbError::Corrupt("a purchase"))?;
    let plan = tx.ask(card::plans::of_purchase(holder, id)).await?;
    let record = Record::Purchase(told(tx, &purchase, plan).await?);
    feed::put(tx, holder, app.clock.now(), &record).await
}

/// A purchase as devices are told of it.
async fn told(tx: &mut Tx, purchase: &Stored, plan: Option<PlanId>) -> DbResult<Purchase> {
    let disputed = disputed_of(tx, purchase, &purchase.paid().map_err(out_of_range)?).await?;
    let disputed_at = purchase.disputed_at.filter(|_| disputed.is_open);
    let (disputable, disputable_of_wallet) = (Some(disputed.disputable), Some(disputed.disputable_of_wallet));
    Ok(Purchase { plan, disputed_at, disputable, disputable_of_wallet, ..view(purchase)? })
}

/// What was disputed of a purchase; most never were, and then there is nothing to read.
async fn disputed_of(tx: &mut Tx, purchase: &Stored, paid: &Paid) -> DbResult<DisputesOf> {
    let charged = (paid.by_card, paid.by_wallet);
    if purchase.disputed_at.is_none() {
        return disputes::of_none(charged);
    }
    disputes::of_purchase(tx, purchase.holder, purchase.id, charged).await
}

/// Gives back what is held; false when nothing is.
async fn release(app: &App, tx: &mut Tx, seen: &mut Seen) -> DbResult<bool> {
    match seen.purchase.progress.release() {
        Ok((progress, held)) => {
            seen.purchase.progress = progress;
            give_back(app, tx, seen, held).await?;
            settle(app, tx, seen).await?;
            Ok(true)
        }
        Err(PurchaseError::NothingHeld) => Ok(false),
        Err(_) => Err(DbError::Corrupt("a purchase's amounts")),
    }
}

/// Nothing of a purchase is held any more: so much was, on the card and in its wallet.
async fn give_back(app: &App, tx: &mut Tx, seen: &mut Seen, rest: Money) -> DbResult<()> {
    let Seen { purchase, picture, .. } = seen;
    let (holder, reserved) = (purchase.holder, purchase.held_by_wallet);
    let of = Split { card: rest.minus(reserved).map_err(out_of_range)?, wallet: reserved };
    purchase.held_by_wallet = Money::zero(rest.currency());
    let entry = Entry::hold_released(purchase.id, purchase.card, of).map_err(|_| DbError::Corrupt("a release"))?;
    ledger::book(app, tx, holder, &entry).await?;
    picture.there.count(purchase.card, &entry)?;
    if of.wallet.is_zero() {
        return Ok(());
    }
    wallet::held(app, tx, holder, &picture.card, of.wallet).await?;
    // What the wallet of a card that is over got back has lowered what is owed.
    *picture = tx.ask(card::picture(holder, purchase.card)).await?.ok_or(DbError::Corrupt("a purchase's card"))?;
    Ok(())
}

/// After a step: the purchase's row, its job while something is held, and what the person sees.
async fn settle(app: &App, tx: &mut Tx, seen: &Seen) -> DbResult<()> {
    let Seen { purchase, picture, plan } = seen;
    store::update(tx, purchase).await?;
    if !held(purchase)?.is_positive() {
        jobs::remove(tx, purchase.holder, Kind::EndHold, purchase.id.as_uuid()).await?;
    }
    show(app, tx, purchase, *plan).await?;
    let now = app.clock.now();
    feed::put(tx, purchase.holder, now, &Record::Account(picture.record(now)?)).await
}

/// What devices are told: the purchase, and the pending line of what is held.
async fn show(app: &App, tx: &mut Tx, purchase: &Stored, plan: Option<PlanId>) -> DbResult<()> {
    let now = app.clock.now();
    let record = Record::Purchase(told(tx, purchase, plan).await?);
    feed::put(tx, purchase.holder, now, &record).await?;
    if purchase.declined.is_some() {
        return Ok(());
    }
    let id = pending_line(purchase);
    let held = held_by_card(purchase)?;
    let record = if held.is_positive() {
        Record::Transaction(Transaction {
            id,
            account: purchase.card,
            posted_on: purchase.asked_at.to_zoned(app.settings.zone.clone()).date(),
            amount: held.negated(),
            description: purchase.description.clone(),
            memo: Some(purchase.merchant_name.clone()),
            kind: TransactionKind::Purchase,
            state: TransactionState::Pending,
            // Not the id alone: a merchant may call a step of it, or of another purchase, the same, and that is another line.
            source: Some(format!("held:{}", purchase.id)),
        })
    } else {
        Record::Gone(Gone::Transaction { id })
    };
    feed::put(tx, purchase.holder, now, &record).await
}

/// The id of a purchase's pending line: always the same, and none that a merchant could choose to be another line's.
fn pending_line(purchase: &Stored) -> TransactionId {
    TransactionId::from_uuid(Uuid::new_v5(&purchase.holder.as_uuid(), purchase.id.as_uuid().as_bytes()))
}

fn view(purchase: &Stored) -> DbResult<Purchase> {
    let zero = Money::zero(purchase.amount.currency());
    Ok(Purchase {
        id: purchase.id,
        card: purchase.card,
        merchant: purchase.merchant_name.clone(),
        description: purchase.description.clone(),
        amount: purchase.amount,
        declined: purchase.declined,
        held: if purchase.declined.is_none() { held(purchase)? } else { zero },
        held_by_wallet: Some(purchase.held_by_wallet),
        captured: purchase.progress.captured,
        captured_by_wallet: Some(purchase.by_wallet),
        refunded: purchase.progress.refunded,
        asked_at: purchase.asked_at,
        holds_until: purchase.holds_until,
        captured_at: purchase.captured_at,
        disputed_at: None,
        disputable: None,
        disputable_of_wallet: None,
        plan: None,
    })
}

/// What rewards have to know of a step of a purchase.
async fn charged<'a>(tx: &mut Tx, purchase: &'a Stored, step: PurchaseStepId, amount: Money) -> DbResult<Charged<'a>> {
    let paid = purchase.paid().map_err(out_of_range)?;
    Ok(Charged {
        holder: purchase.holder,
        card: purchase.card,
        purchase: purchase.id,
        category: purchase.category,
        description: &purchase.description,
        // What a dispute left with the person does not stay charged.
        stays: disputed_of(tx, purchase, &paid).await?.refundable,
        step,
        amount,
    })
}

/// A dispute was decided for its person: what it left with them earned nothing.
pub(crate) async fn given_up(app: &App, tx: &mut Tx, holder: HolderId, dispute: &Dispute) -> DbResult<()> {
    let found = tx.ask(store::find(holder, dispute.purchase)).await?;
    let purchase = found.ok_or(DbError::Corrupt("a disputed purchase"))?;
    let decision = PurchaseStepId::from_uuid(dispute.id.as_uuid());
    let charged = charged(tx, &purchase, decision, dispute.credited).await?;
    rewards::refunded(app, tx, &charged).await?;
    if charged.stays.is_negative() {
        let card = tx.ask(card::store::find(holder, purchase.card)).await?;
        let card = card.ok_or(DbError::Corrupt("a purchase's card"))?;
        wallet::given_up(app, tx, holder, &card, Uuid::new_v5(&dispute.id.as_uuid(), b"wallet")).await?;
    }
    Ok(())
}

const fn out_of_range(_: MoneyError) -> DbError {
    DbError::Corrupt("a purchase's amounts")
}

impl Stored {
    /// How it was paid so far.
    fn paid(&self) -> Result<Paid, MoneyError> {
        let by_wallet = self.by_wallet.minus(self.back_to_wallet)?;
        let by_card = self.progress.refundable()?.minus(by_wallet)?;
        let given_back = Money::zero(self.amount.currency());
        Ok(Paid { by_card, by_wallet, reserved: self.held_by_wallet, given_back })
    }
}

fn held(purchase: &Stored) -> DbResult<Money> {
    purchase.progress.held().map_err(|_| DbError::Corrupt("a purchase's amounts"))
}

/// What is held on the card, without what its wallet reserved.
fn held_by_card(purchase: &Stored) -> DbResult<Money> {
    held(purchase)?.minus(purchase.held_by_wallet).map_err(out_of_range)
}

fn state(purchase: &Stored) -> Result<PurchaseState, ApiError> {
    let Purchase { id, declined, held, captured, refunded, .. } = view(purchase)?;
    Ok(PurchaseState { id, approved: declined.is_none(), declined, held, captured, refunded })
}

fn reused() -> ApiError {
    ApiError::new(ErrorCode::KeyReused, "this id came with another request")
}

fn refused(error: PurchaseError) -> ApiError {
    let code = match error {
        PurchaseError::Amount | PurchaseError::AboveHeld | PurchaseError::AboveCaptured => ErrorCode::InvalidAmount,
        PurchaseError::NothingHeld => ErrorCode::TooLate,
    };
    ApiError::invalid(code, "amount", &error.to_string())
}

/// A hold's time is over: what was not captured goes back to the credit.
pub(crate) async fn end_hold(app: &App, job: &Job) -> DbResult<()> {
    twice(|moment| end_hold_at(app, job, moment)).await
}

async fn end_hold_at(app: &App, job: &Job, moment: Moment) -> DbResult<()> {
    let id = PurchaseId::from_uuid(job.subject);
    let (mut tx, purchase) = app.db.begin_at(moment, job.holder, store::find(job.holder, id)).await?;
    if let Some(purchase) = purchase
        && let Some(mut seen) = tx.ask(seen(job.holder, purchase.card, id)).await?
    {
        release(app, &mut tx, &mut seen).await?;
    }
    jobs::done(&mut tx, job).await?;
    tx.commit().await
}

/// Removes tokens of merchants that have ended.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    store::sweep(&mut tx, app.clock.now()).await?;
    tx.commit().await
}
