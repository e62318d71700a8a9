//! Wallets (WA2): what a person put by on a card of this server. It stands at a place of the card's own ledger, comes from
//! the card by a reload, which is a charge like any other, and pays charges before the card where its person wants that.

pub(crate) mod auto_reload;
mod store;
#[cfg(test)]
mod tests;

use api::error::ErrorCode;
use api::sync::Record;
use api::wallet::{ReloadWallet, WalletAtCheckout};
use axum::extract::State;
use axum::http::StatusCode;
use domain::accounts::TransactionKind;
use domain::ids::{AccountId, HolderId, PurchaseStepId, TransactionId};
use domain::ledger::Entry;
use domain::money::{Currency, Money, MoneyError};
use domain::purchases::{AskFacts, Decline, decide};
use domain::standing::RestraintLevel;
use domain::wallet::auto_reload::ReloadedBecause;
use domain::wallet::{
    self as rules, ReloadError, Split, Wallet, WalletMove, WalletMoveKind, WalletMoved, check_reload,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::card::{self, Card, Line};
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::ledger::CardStanding;
use crate::purchases::StepKind;
use crate::sign_in::SignedIn;
use crate::{feed, ledger, rewards, standing};

const RELOAD_LINE: &str = "Wallet reload";
const GIVEN_BACK_LINE: &str = "Wallet given back";

const fn out_of_range(_: MoneyError) -> DbError {
    DbError::Corrupt("a wallet's amount")
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reload)).routes(routes!(set_at_checkout)).merge(auto_reload::routes())
}

/// Reloads the wallet of a card from the card. The id was made by the device; sending it again changes nothing.
#[utoipa::path(post, path = "/api/v1/cards/{id}/wallet", tag = "card", params(("id" = AccountId, Path)),
    request_body = ReloadWallet,
    responses((status = 204, description = "It is so"), (status = 404, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn reload(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<AccountId>,
    Json(wish): Json<ReloadWallet>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(card::store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if let Some(before) = store::find(&mut tx, holder, wish.id).await? {
        let reused = || ApiError::new(ErrorCode::KeyReused, "this id came with another request");
        return if before == (id, wish.amount.minor()) { Ok(StatusCode::NO_CONTENT) } else { Err(reused()) };
    }
    if rewards::is_known(&mut tx, holder, wish.id.as_uuid()).await? {
        return Err(ApiError::new(ErrorCode::KeyReused, "this id is another charge's"));
    }
    let there = tx.ask(ledger::card_standing(holder, id, card.limit.currency())).await?;
    check_reload(wish.amount, there.wallet.plus(there.wallet_held).map_err(out_of_range)?)?;
    let facts = AskFacts {
        status: card.status,
        standing: tx.ask(standing::of(holder, app.clock.now())).await?,
        is_linked: true,
        credit_left: card::left(&mut tx, holder, &card).await?,
        amount: wish.amount,
    };
    if let Err(decline) = decide(&facts) {
        let title = format!("the card does not take this charge: {}", decline.name());
        return Err(ApiError::invalid(code_of(decline, facts.standing.level()), "amount", &title));
    }
    put_by(&app, &mut tx, holder, &card, (wish.id, wish.amount), None).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the person is told of a reload that is declined.
const fn code_of(decline: Decline, level: Option<RestraintLevel>) -> ErrorCode {
    match decline {
        Decline::OverLimit => ErrorCode::OverLimit,
        Decline::Lost | Decline::Closed => ErrorCode::CardOver,
        Decline::Frozen | Decline::Unlinked => ErrorCode::CardDeclined,
        Decline::Currency => ErrorCode::UnknownCurrency,
        Decline::Restricted => ErrorCode::AccountRestricted,
        Decline::Locked if matches!(level, Some(RestraintLevel::Suspended)) => ErrorCode::AccountSuspended,
        Decline::Locked => ErrorCode::AccountLocked,
    }
}

/// Charges a reload to a card that takes it and puts it by: by hand, or else because there was too little.
async fn put_by(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    (id, amount): (TransactionId, Money),
    because: Option<ReloadedBecause>,
) -> DbResult<()> {
    let entry = Entry::reloaded(id, card.id, amount).map_err(|_| DbError::Corrupt("a reload's entry"))?;
    ledger::book(app, tx, holder, &entry).await?;
    let moved = WalletMove { because, ..moved(app, id, WalletMoveKind::Reload, amount, "") };
    keep(app, tx, holder, card.id, moved, None).await?;
    let line = Line {
        account: card.id,
        kind: TransactionKind::Purchase,
        amount: amount.negated(),
        description: RELOAD_LINE,
        memo: None,
        source: format!("wallet:{id}"),
    };
    card::add_line(app, tx, holder, line).await?;
    rewards::reloaded(app, tx, holder, card, id, amount, RELOAD_LINE).await?;
    card::plans::tell(app, tx, holder, card).await?;
    tell(app, tx, holder, card).await
}

/// Whether each charge of a card is paid from its wallet first.
#[utoipa::path(put, path = "/api/v1/cards/{id}/wallet/checkout", tag = "card", params(("id" = AccountId, Path)),
    request_body = WalletAtCheckout,
    responses((status = 204, description = "It is so"), (status = 404, body = api::error::Problem)))]
async fn set_at_checkout(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<AccountId>,
    Json(wish): Json<WalletAtCheckout>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(card::store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if card.wallet_at_checkout != wish.on {
        store::set_at_checkout(&mut tx, holder, id, wish.on).await?;
        let card = Card { wallet_at_checkout: wish.on, ..card };
        tell(&app, &mut tx, holder, &card).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

impl From<ReloadError> for ApiError {
    fn from(error: ReloadError) -> Self {
        let code = match error {
            ReloadError::Currency => ErrorCode::UnknownCurrency,
            ReloadError::Amount => ErrorCode::InvalidAmount,
            ReloadError::Full => ErrorCode::WalletFull,
        };
        Self::invalid(code, "amount", &error.to_string())
    }
}

// ---- What purchases do -------------------------------------------------------------------------------------------

/// What card and wallet have of a purchase that is asked for: the wallet what may be spent, where its person wants that.
pub(crate) fn reserves(card: &Card, there: &CardStanding, amount: Money) -> DbResult<Split> {
    if !card.wallet_at_checkout || amount.currency() != there.wallet.currency() {
        return Ok(Split::of_card(amount));
    }
    rules::charge(amount, there.wallet).map_err(out_of_range)
}

/// So much was reserved in a wallet, or is reserved no more; and nothing stays in that of a card that is over.
pub(crate) async fn held(app: &App, tx: &mut Tx, holder: HolderId, card: &Card, wallet: Money) -> DbResult<()> {
    if wallet.is_zero() {
        return Ok(());
    }
    tell(app, tx, holder, card).await?;
    if card.status.is_over() {
        give_back(app, tx, holder, card).await?;
    }
    Ok(())
}

/// What card and wallet have of a step of a purchase: of what is captured, the wallet what it reserved. A refund of a card
/// that is over is the card's alone, for nothing is spent from its wallet any more; and a refund that takes the place of what
/// disputes gave back goes there, to the card.
pub(crate) fn split(card: &Card, kind: StepKind, amount: Money, of: &Paid) -> DbResult<Split> {
    let split = match kind {
        StepKind::Capture => rules::charge(amount, of.reserved),
        StepKind::Refund if of.by_wallet.is_positive() && !card.status.is_over() => {
            of.by_card.greater(of.given_back).and_then(|to_card| rules::refund(amount, to_card))
        }
        StepKind::Refund => Ok(Split::of_card(amount)),
    };
    split.map_err(out_of_range)
}

/// How a purchase was paid so far.
pub(crate) struct Paid {
    /// By the card, less what it got back.
    pub by_card: Money,
    /// By the wallet, less what it got back.
    pub by_wallet: Money,
    /// What the wallet reserved and has not paid.
    pub reserved: Money,
    /// What open disputes gave back on the card, also of the wallet's part.
    pub given_back: Money,
}

/// A step of a purchase was booked with a part of the wallet.
pub(crate) async fn stepped(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    (kind, step): (StepKind, PurchaseStepId),
    wallet: Money,
    description: &str,
) -> DbResult<()> {
    if wallet.is_zero() {
        return Ok(());
    }
    // The same always, and none that a person or a merchant could choose.
    let id = TransactionId::from_uuid(Uuid::new_v5(&card.id.as_uuid(), step.as_uuid().as_bytes()));
    let moved = match kind {
        StepKind::Capture => moved(app, id, WalletMoveKind::Spent, wallet.negated(), description),
        StepKind::Refund => moved(app, id, WalletMoveKind::Refunded, wallet, description),
    };
    keep(app, tx, holder, card.id, moved, Some(step)).await?;
    tell(app, tx, holder, card).await
}

/// What a wallet paid of a step: below zero of a refund.
pub(crate) async fn paid_of_step(
    tx: &mut Tx,
    holder: HolderId,
    step: PurchaseStepId,
    currency: Currency,
) -> DbResult<Money> {
    let moved = store::of_step(tx, holder, step).await?.unwrap_or(0);
    Money::new(moved, currency).map(Money::negated).map_err(out_of_range)
}

/// A card is lost or closed: what its wallet has lowers what is owed on it.
pub(crate) async fn give_back(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<()> {
    let there = tx.ask(ledger::card_standing(holder, card.id, card.limit.currency())).await?.wallet;
    if !there.is_positive() {
        return Ok(());
    }
    let id = TransactionId::new(app.clock.now(), app.chance10());
    let entry = Entry::wallet_given_back(id, card.id, there).map_err(|_| DbError::Corrupt("a wallet's entry"))?;
    ledger::book(app, tx, holder, &entry).await?;
    let moved = moved(app, id, WalletMoveKind::GivenBack, there.negated(), "");
    keep(app, tx, holder, card.id, moved, None).await?;
    let line = Line {
        account: card.id,
        kind: TransactionKind::Credit,
        amount: there,
        description: GIVEN_BACK_LINE,
        memo: None,
        source: format!("wallet:{id}"),
    };
    card::add_line(app, tx, holder, line).await?;
    given_up(app, tx, holder, card, id.as_uuid()).await?;
    card::plans::credited(app, tx, holder, card, id.as_uuid()).await?;
    tell(app, tx, holder, card).await
}

/// What a wallet was reloaded with, or paid, came back to its card: that earned nothing.
pub(crate) async fn given_up(app: &App, tx: &mut Tx, holder: HolderId, card: &Card, cause: Uuid) -> DbResult<()> {
    let spent = store::spent_for_good(tx, holder, card.id, card.limit.currency()).await?;
    rewards::reloads_given_back(app, tx, holder, card.id, spent, cause).await
}

fn moved(app: &App, id: TransactionId, kind: WalletMoveKind, amount: Money, description: &str) -> WalletMove {
    WalletMove { id, kind, amount, description: description.to_owned(), because: None, on: card::today(app) }
}

/// Keeps a move, and tells devices of it.
async fn keep(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    what: WalletMove,
    step: Option<PurchaseStepId>,
) -> DbResult<()> {
    let at = app.clock.now();
    store::add(tx, holder, card, &what, step, at).await?;
    feed::put(tx, holder, at, &Record::WalletMove(WalletMoved { card, at, what })).await
}

/// Tells devices how a wallet stands, and watches whether it is to be reloaded.
async fn tell(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<()> {
    let currency = card.limit.currency();
    let there = tx.ask(ledger::card_standing(holder, card.id, currency)).await?;
    let kept = store::auto_reload(tx, holder, card.id, currency).await?;
    let auto_reload = match &kept {
        Some(kept) => Some(auto_reload::watch(app, tx, holder, card.id, kept, there.wallet).await?),
        None => None,
    };
    let wallet = Wallet {
        card: card.id,
        balance: there.wallet,
        held: Some(there.wallet_held),
        at_checkout: card.wallet_at_checkout,
        auto_reload,
        recent: store::recent(tx, holder, card.id, currency).await?,
    };
    feed::put(tx, holder, app.clock.now(), &Record::Wallet(wallet)).await
}
