//! Rewards (WA3): each is tied to the charge that earned it, and changes in the transaction of that charge, its refund or
//! its use. A use lowers what is owed on the card. Rates and days are `domain::rewards`; no purchase waits for a reward.

mod store;
#[cfg(test)]
mod tests;

use api::error::ErrorCode;
use api::rewards::{RewardsAtCheckout, UseRewards};
use api::sync::Record;
use axum::extract::State;
use axum::http::StatusCode;
use domain::accounts::TransactionKind;
use domain::ids::{AccountId, HolderId, PurchaseId, PurchaseStepId, StatementId, TransactionId};
use domain::ledger::Entry;
use domain::money::{Money, MoneyError};
use domain::rewards::{
    Charge, Moved, NOTICE_DAYS, PurchaseCategory, Reward, RewardMove, RewardsOfCycle, claw_back, cover, earns, lapse,
    redeem, usable,
};
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::card::{self, Card, Line};
use crate::db::{DbError, DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::sign_in::SignedIn;
use crate::{feed, ledger};
use store::CardRule;

const LINE: &str = "Rewards used";
/// No card has been replaced so often, one after the other.
const REPLACED_MAX: usize = 1_000;

const fn out_of_range(_: MoneyError) -> DbError {
    DbError::Corrupt("a reward's amount")
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(use_now)).routes(routes!(set_at_checkout))
}

/// Uses rewards of a card: what is owed on it is so much less. The id was made by the device; sending it again changes
/// nothing.
#[utoipa::path(post, path = "/api/v1/cards/{id}/rewards", tag = "card", params(("id" = AccountId, Path)),
    request_body = UseRewards,
    responses((status = 204, description = "It is so"), (status = 404, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn use_now(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<AccountId>,
    Json(wish): Json<UseRewards>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(card::store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if let Some(before) = store::used(&mut tx, holder, wish.id.as_uuid()).await? {
        let same = before == (id, wish.amount.minor());
        let reused = || ApiError::new(ErrorCode::KeyReused, "this id came with another request");
        return if same { Ok(StatusCode::NO_CONTENT) } else { Err(reused()) };
    }
    if !wish.amount.is_positive() || wish.amount.currency() != card.limit.currency() {
        let title = "an amount is above zero, in the card's currency";
        return Err(ApiError::invalid(ErrorCode::InvalidAmount, "amount", title));
    }
    let rewards = tx.ask(store::open_of_card(holder, id)).await?;
    let most = usable(&rewards, card::today(&app)).min(card::plans::owed_apart(&mut tx, holder, &card).await?.minor());
    if wish.amount.minor() > most {
        let title = "more than may be used now, or than is owed on the card apart from plans";
        return Err(ApiError::invalid(ErrorCode::RewardsShort, "amount", title));
    }
    spend(&app, &mut tx, holder, &card, wish.id, wish.amount, rewards).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether each charge of a card uses what may be used by then.
#[utoipa::path(put, path = "/api/v1/cards/{id}/rewards/checkout", tag = "card", params(("id" = AccountId, Path)),
    request_body = RewardsAtCheckout,
    responses((status = 204, description = "It is so"), (status = 404, body = api::error::Problem)))]
async fn set_at_checkout(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<AccountId>,
    Json(wish): Json<RewardsAtCheckout>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(card::store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if card.rewards_at_checkout != wish.on {
        store::set_at_checkout(&mut tx, holder, id, wish.on).await?;
        card::refresh(&app, &mut tx, holder, id).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

// ---- What purchases do -------------------------------------------------------------------------------------------

/// A purchase as it stands after a capture or a refund.
pub(crate) struct Charged<'a> {
    pub holder: HolderId,
    pub card: AccountId,
    pub purchase: PurchaseId,
    pub category: PurchaseCategory,
    pub description: &'a str,
    /// Captured and not refunded, of what the card paid: the wallet's part earned with its reload. Below zero when the
    /// card got back more.
    pub stays: Money,
    /// The capture or the refund.
    pub step: PurchaseStepId,
    /// The card's part of it.
    pub amount: Money,
}

/// What a charge finds.
pub(crate) struct BeforeCharge {
    of_purchase: Vec<Reward>,
    rule: CardRule,
}

pub(crate) fn before_charge(
    holder: HolderId,
    card: AccountId,
    purchase: PurchaseId,
) -> impl Read<Answer = BeforeCharge> {
    let reads = (store::of_purchase(holder, purchase), store::rule(holder, card));
    reads.then(|(of_purchase, rule)| Ok(BeforeCharge { of_purchase, rule }))
}

/// A charge posted: it earns, and where its person wants that, it uses what may be used by now. A charge that went on to
/// a plan uses nothing, for it lowers no plan.
pub(crate) async fn charged(app: &App, tx: &mut Tx, of: &Charged<'_>, before: &BeforeCharge) -> DbResult<()> {
    let earned = earns(of.category, of.stays.minor(), &before.of_purchase);
    if earned > 0 {
        let charge = Charge {
            id: of.step,
            purchase: Some(of.purchase),
            card: of.card,
            description: of.description.to_owned(),
            amount: of.amount,
        };
        earn(app, tx, of.holder, charge, earned).await?;
    }
    if before.rule.replaced_by.is_some() {
        // It is of use there alone.
        cover_if_owed(app, tx, of.holder, of.card, of.step.as_uuid()).await?;
    } else if before.rule.owes {
        cover_what_is_owed(app, tx, of.holder, of.card, of.step.as_uuid()).await?;
    }
    if !before.rule.at_checkout {
        return Ok(());
    }
    let card = tx.ask(card::store::find(of.holder, of.card)).await?.ok_or(DbError::Corrupt("a purchase's card"))?;
    let rewards = tx.ask(store::open_of_card(of.holder, of.card)).await?;
    let apart = card::plans::owed_apart(tx, of.holder, &card).await?;
    let minor = usable(&rewards, card::today(app)).min(of.amount.minor()).min(apart.minor());
    if minor > 0 {
        let amount = Money::new(minor, of.amount.currency()).map_err(out_of_range)?;
        spend(app, tx, of.holder, &card, checkout_use(of.holder, of.step), amount, rewards).await?;
    }
    Ok(())
}

/// Some of a purchase was refunded: what that earned is taken back, from what is left first. What was used already is
/// owed, and paid by what other rewards have left or will have.
pub(crate) async fn refunded(app: &App, tx: &mut Tx, of: &Charged<'_>) -> DbResult<()> {
    let mut rewards = tx.ask(store::of_purchase(of.holder, of.purchase)).await?;
    let moves = claw_back(of.category, of.stays.minor(), &rewards);
    if moves.is_empty() {
        return Ok(());
    }
    note(app, tx, of.holder, &mut rewards, &moves, of.step.as_uuid()).await?;
    cover_if_owed(app, tx, of.holder, of.card, of.step.as_uuid()).await
}

/// A wallet was reloaded from a card: a charge that earns as others do, and uses nothing.
pub(crate) async fn reloaded(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    id: TransactionId,
    amount: Money,
    description: &str,
) -> DbResult<()> {
    let earned = earns(PurchaseCategory::Other, amount.minor(), &[]);
    if earned > 0 {
        let id = PurchaseStepId::from_uuid(id.as_uuid());
        let charge = Charge { id, purchase: None, card: card.id, description: description.to_owned(), amount };
        earn(app, tx, holder, charge, earned).await?;
        cover_if_owed(app, tx, holder, card.id, id.as_uuid()).await?;
    }
    Ok(())
}

/// So much of what a card's wallet was reloaded with was spent for good; the rest went back to the card, and earned nothing.
pub(crate) async fn reloads_given_back(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    spent: Money,
    cause: Uuid,
) -> DbResult<()> {
    let mut rewards = tx.ask(store::of_reloads(holder, card)).await?;
    let moves = claw_back(PurchaseCategory::Other, spent.minor(), &rewards);
    if moves.is_empty() {
        return Ok(());
    }
    note(app, tx, holder, &mut rewards, &moves, cause).await?;
    cover_if_owed(app, tx, holder, card, cause).await
}

/// Whether a charge of this id earned something already.
pub(crate) async fn is_known(tx: &mut Tx, holder: HolderId, charge: Uuid) -> DbResult<bool> {
    store::is_known(tx, holder, charge).await
}

/// The id of what a charge used: always the same, and none that a person or a merchant could choose.
fn checkout_use(holder: HolderId, charge: PurchaseStepId) -> TransactionId {
    TransactionId::from_uuid(Uuid::new_v5(&holder.as_uuid(), charge.as_uuid().as_bytes()))
}

async fn earn(app: &App, tx: &mut Tx, holder: HolderId, charge: Charge, earned_minor: i64) -> DbResult<()> {
    let now = app.clock.now();
    let earned = Money::new(earned_minor, charge.amount.currency()).map_err(out_of_range)?;
    let reward = Reward::of_charge(charge, earned, card::today(app));
    store::add(tx, holder, &reward, now).await?;
    feed::put(tx, holder, now, &Record::Reward(reward)).await
}

/// Pays what rewards of a card owe from what others of it have left.
async fn cover_what_is_owed(app: &App, tx: &mut Tx, holder: HolderId, card: AccountId, cause: Uuid) -> DbResult<()> {
    let mut rewards = tx.ask(store::open_of_card(holder, card)).await?;
    let moves = cover(&rewards, card::today(app));
    note(app, tx, holder, &mut rewards, &moves, cause).await
}

/// The same where some may owe. Of a card that was lost, it is the card in its place that owes, and has what is left.
async fn cover_if_owed(app: &App, tx: &mut Tx, holder: HolderId, card: AccountId, cause: Uuid) -> DbResult<()> {
    let mut card = card;
    for _ in 0..REPLACED_MAX {
        let rule = tx.ask(store::rule(holder, card)).await?;
        match rule.replaced_by {
            Some(next) => {
                go_to(app, tx, holder, (card, next), cause).await?;
                card = next;
            }
            None if rule.owes => return cover_what_is_owed(app, tx, holder, card, cause).await,
            None => return Ok(()),
        }
    }
    Err(DbError::Corrupt("a card's place"))
}

/// All that may count for one card counts for another from now on, what is owed too.
async fn go_to(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    (from, to): (AccountId, AccountId),
    cause: Uuid,
) -> DbResult<()> {
    let now = app.clock.now();
    let open = tx.ask(store::open_of_card(holder, from)).await?;
    let left: i64 = open.iter().map(Reward::left_minor).sum();
    for mut reward in open {
        store::set_card(tx, holder, &reward, to).await?;
        reward.card = to;
        feed::put(tx, holder, now, &Record::Reward(reward)).await?;
    }
    if left != 0 {
        store::add_transfer(tx, holder, (from, to), left, cause, now).await?;
    }
    Ok(())
}

/// A card was opened in the place of one that was lost, which is noted: its rewards go there.
pub(crate) async fn replaced(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    lost: AccountId,
    card: AccountId,
) -> DbResult<()> {
    let cause = Uuid::new_v5(&lost.as_uuid(), card.as_uuid().as_bytes());
    cover_if_owed(app, tx, holder, lost, cause).await
}

/// Uses so much of a card's rewards and lowers what is owed by it. No more than may be used is asked for.
async fn spend(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    id: TransactionId,
    amount: Money,
    mut rewards: Vec<Reward>,
) -> DbResult<()> {
    let moves = redeem(&rewards, amount.minor(), card::today(app));
    note(app, tx, holder, &mut rewards, &moves, id.as_uuid()).await?;
    let entry = Entry::rewarded(id, card.id, amount).map_err(|_| DbError::Corrupt("a reward's entry"))?;
    ledger::book(app, tx, holder, &entry).await?;
    let line = Line {
        account: card.id,
        kind: TransactionKind::Credit,
        amount,
        description: LINE,
        memo: None,
        source: format!("rewards:{id}"),
    };
    card::add_line(app, tx, holder, line).await?;
    // It counts for the minimum, as a refund does.
    card::plans::tell(app, tx, holder, card).await
}

/// Notes what moved, and tells the devices.
async fn note(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    rewards: &mut [Reward],
    moves: &[Moved],
    cause: Uuid,
) -> DbResult<()> {
    let now = app.clock.now();
    for moved in moves {
        let reward = rewards.get_mut(moved.at).ok_or(DbError::Corrupt("a reward's place"))?;
        reward.note(moved.kind, moved.minor).map_err(out_of_range)?;
        store::update(tx, holder, reward).await?;
        store::add_move(tx, holder, reward, (moved.kind, moved.minor), cause, now).await?;
        feed::put(tx, holder, now, &Record::Reward(reward.clone())).await?;
    }
    Ok(())
}

// ---- At a closing ------------------------------------------------------------------------------------------------

/// A cycle that closes.
pub(crate) struct ClosingCycle {
    pub statement: StatementId,
    pub closed_on: Date,
    /// What there was at the closing before.
    pub opening: Money,
}

/// A card's rewards as a closing finds them.
pub(crate) struct AtClosing {
    open: Vec<Reward>,
    earned_minor: i64,
    redeemed_minor: i64,
    clawed_back_minor: i64,
    transferred_minor: i64,
}

/// Those that count, and what moved from one moment until before another.
pub(crate) fn at_closing(
    holder: HolderId,
    card: AccountId,
    between: (Timestamp, Timestamp),
) -> impl Read<Answer = AtClosing> {
    let reads = (
        store::open_of_card(holder, card),
        store::earned_between(holder, card, between),
        store::moved_between(holder, card, RewardMove::Redeemed, between),
        store::moved_between(holder, card, RewardMove::ClawedBack, between),
        store::transferred_between(holder, card, between),
    );
    reads.then(|(open, earned_minor, redeemed_minor, clawed_back_minor, transferred_minor)| {
        Ok(AtClosing { open, earned_minor, redeemed_minor, clawed_back_minor, transferred_minor })
    })
}

/// Ends what has expired by the end of a cycle, and says what the cycle did to a card's rewards; none where there is
/// nothing to say.
pub(crate) async fn close(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    cycle: &ClosingCycle,
    found: AtClosing,
) -> DbResult<Option<RewardsOfCycle>> {
    let mut rewards = found.open;
    let ended = lapse(&rewards, cycle.closed_on);
    note(app, tx, holder, &mut rewards, &ended, cycle.statement.as_uuid()).await?;
    let money = |minor| Money::new(minor, cycle.opening.currency()).map_err(out_of_range);
    let lapsed = money(ended.iter().map(|moved| moved.minor).sum())?;
    let sums = [money(found.redeemed_minor)?, money(found.clawed_back_minor)?, lapsed];
    let transferred = money(found.transferred_minor)?;
    let said =
        RewardsOfCycle::of(cycle.opening, money(found.earned_minor)?, sums, transferred).map_err(out_of_range)?;
    if said.is_empty() {
        return Ok(None);
    }
    let notice = cycle.closed_on.saturating_add(Span::new().days(NOTICE_DAYS));
    let soon = || rewards.iter().filter(|one| one.good_through <= notice && one.left_minor() > 0);
    let expiring = money(soon().map(Reward::left_minor).sum())?;
    Ok(Some(RewardsOfCycle { expiring, expires_after: soon().map(|one| one.good_through).min(), ..said }))
}
