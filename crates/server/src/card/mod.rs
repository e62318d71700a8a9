//! Served cards, as an issuer runs them: opened with a limit, frozen at once, and linked to merchants by a code that
//! their person makes. What they owe and what is held is the ledger's; purchases are their neighbour's.

pub(crate) mod credit;
mod links;
pub(crate) mod plans;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use api::accounts::{Account, AccountKind, Keeping};
use api::card::{OpenCard, SetStatus};
use api::error::ErrorCode;
use api::security::OneTimeAddress;
use api::sync::Record;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::accounts::{Transaction, TransactionKind, TransactionState};
use domain::card::{Apr, CardTerms, DueRule, Excess};
use domain::ids::{AccountId, DeviceId, HolderId, TransactionId};
use domain::money::{Currency, Money};
use domain::policy::{self, Approval, Change, Decision, Preset};
use domain::purchases::{CardStatus, LinkedMerchant, ServedCard, credit_left};
use jiff::Timestamp;
use jiff::civil::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::ledger::CardStanding;
use crate::payments::closed_cards;
use crate::sign_in::step_up::{self, Asked, Shown, Subject};
use crate::sign_in::{SignedIn, holder_name};
use crate::{accounts, feed, ledger, rewards, statements, wallet};
pub(crate) use links::{end_all_of, exchange, link_approved, link_shown};
pub(crate) use store::Card;

const CARDS_MAX: i64 = 5;
const NAME_CHARS_MAX: usize = 120;
/// The highest limit of a card, in whole units.
const LIMIT_MAX: i64 = 100_000;
/// Every month has this day, so that the due day which follows from it is the same in every month.
const CLOSING_DAY_MAX: u8 = 28;

// The issuer's agreement: 27.99 %; the minimum is 30 or 1 % and the cycle's charges, due on a day that follows from the
// closing day; a late payment costs 29.
const APR: u32 = 279_900;
const MINIMUM_FLOOR: i64 = 30;
const MINIMUM_SHARE: u32 = 10_000;
const LATE_FEE: i64 = 29;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(open))
        .routes(routes!(set_status))
        .routes(routes!(plans::choose))
        .merge(links::routes())
        .merge(credit::routes())
}

/// Opens a card of practice money, where the server is its owner's own. Sending it again changes nothing.
#[utoipa::path(put, path = "/api/v1/cards/{id}", tag = "card", params(("id" = AccountId, Path)), request_body = OpenCard,
    responses((status = 200, body = Account), (status = 403, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn open(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<AccountId>,
    Json(wanted): Json<OpenCard>,
) -> Result<Json<Account>, ApiError> {
    if app.settings.policy != Preset::Personal {
        return Err(ApiError::new(ErrorCode::Forbidden, "whoever runs this server opens its cards"));
    }
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    let account = open_for(&app, &mut tx, signed_in.holder, id, &wanted).await?;
    tx.commit().await?;
    Ok(Json(account))
}

/// Opens a card of a holder whose row is locked; one that is open already stays as it is.
async fn open_for(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    id: AccountId,
    wanted: &OpenCard,
) -> Result<Account, ApiError> {
    if tx.ask(store::find(holder, id)).await?.is_some() {
        return account_of(tx, holder, id).await;
    }
    check(wanted)?;
    if feed::was_there(tx, holder, accounts::key(id)).await? {
        return Err(ApiError::invalid(ErrorCode::KeyReused, "id", "this id is another account's"));
    }
    if store::count(tx, holder).await? >= CARDS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "a person has at most 5 cards here"));
    }
    let now = app.clock.now();
    let currency = wanted.limit.currency();
    let card = Card {
        id,
        status: CardStatus::Active,
        status_at: now,
        limit: wanted.limit,
        terms: agreement(currency, wanted.closing_day)?,
        opened_on: today(app),
        rewards_at_checkout: false,
        wallet_at_checkout: false,
    };
    store::add(tx, holder, &card).await?;
    let account = Account {
        id,
        keeping: Keeping::Served,
        kind: AccountKind::Card,
        name: wanted.name.trim().to_owned(),
        mask: None,
        currency,
        source: None,
        balance: Some(Money::zero(currency)),
        available: Some(wanted.limit),
        balance_as_of: Some(now),
        terms: Some(card.terms.clone()),
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: Some(served(&card, Vec::new())),
        covered: Vec::new(),
    };
    feed::put(tx, holder, now, &Record::Account(account.clone())).await?;
    statements::await_closing(app, tx, holder, &card).await?;
    for lost in store::not_replaced(tx, holder, currency).await? {
        store::set_replaced(tx, holder, lost, id).await?;
        rewards::replaced(app, tx, holder, lost, id).await?;
    }
    Ok(account)
}

/// The accounts of people of this name, oldest first.
pub async fn people_named(app: &App, name: &str) -> Result<Vec<HolderId>, ApiError> {
    Ok(store::people_named(&mut app.db.read_once().await?, name.trim()).await?)
}

/// Opens a card for a person, by whoever runs the server.
pub async fn open_by_operator(
    app: &App,
    holder: HolderId,
    id: AccountId,
    wanted: &OpenCard,
) -> Result<Account, ApiError> {
    let mut tx = app.db.begin_write().await?;
    holder_name(&mut tx, holder).await?.ok_or_else(ApiError::not_found)?;
    tx.lock(holder).await?;
    let account = open_for(app, &mut tx, holder, id, wanted).await?;
    tx.commit().await?;
    Ok(account)
}

/// Gives a card another status, by whoever runs the server.
pub async fn set_by_operator(app: &App, holder: HolderId, id: AccountId, status: CardStatus) -> Result<(), ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    become_status(app, &mut tx, holder, id, status).await?;
    Ok(tx.commit().await?)
}

/// Freezes a card, reports it lost, or takes a freeze back: then a passkey may be asked for first. From the answer on
/// nothing new is approved against a card that is not active.
#[utoipa::path(post, path = "/api/v1/cards/{id}/status", tag = "card", params(("id" = AccountId, Path)),
    request_body = SetStatus,
    responses((status = 204, description = "It is so"),
        (status = 200, body = OneTimeAddress, description = "A passkey has to be shown there"),
        (status = 403, body = api::error::Problem), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn set_status(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(id): Path<AccountId>,
    Json(wanted): Json<SetStatus>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if card.status == wanted.status {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    if wanted.status == CardStatus::Closed {
        return Err(ApiError::new(ErrorCode::Forbidden, "whoever runs this server closes its cards"));
    }
    let change = if wanted.status == CardStatus::Active { Change::UnfreezeCard } else { Change::FreezeCard };
    if let Approval::Passkey(_) = may(&app, &mut tx, holder, signed_in.device, change).await? {
        drop(tx);
        let address = step_up::begin(&app, &signed_in, source, Subject::UnfreezeCard { card: id }).await?;
        return Ok(Json(address).into_response());
    }
    become_status(&app, &mut tx, holder, id, wanted.status).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Freezes a card that is in use; the holder's row is locked.
pub(crate) async fn freeze(app: &App, tx: &mut Tx, holder: HolderId, id: AccountId) -> Result<(), ApiError> {
    let card = tx.ask(store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if card.status == CardStatus::Active {
        become_status(app, tx, holder, id, CardStatus::Frozen).await?;
    }
    Ok(())
}

/// What a change of a card needs, by the matrix.
async fn may(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId, change: Change) -> Result<Approval, ApiError> {
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, change, &caller, app.clock.now()) {
        Decision::Go { approval, .. } => Ok(approval),
        Decision::Refuse(refusal) => Err(refusal.into()),
    }
}

/// What the page shows before a card is used again.
pub(crate) async fn unfreeze_shown(app: &App, tx: &mut Tx, asked: &Asked, id: AccountId) -> Result<Shown, ApiError> {
    may(app, tx, asked.holder, asked.device, Change::UnfreezeCard).await?;
    let card = tx.ask(store::find(asked.holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if card.status != CardStatus::Frozen {
        return Err(ApiError::new(ErrorCode::VersionConflict, "the card is not frozen any more"));
    }
    let name = account_of(tx, asked.holder, id).await?.name;
    let since = card.status_at.to_zoned(app.settings.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let words = asked.words();
    let facts = vec![(words.card, name), (words.frozen_since, since)];
    Ok(Shown::new(&words.unfreeze, facts, format!("unfreeze {id} {}", card.status_at)))
}

/// The yes to that.
pub(crate) async fn unfrozen(app: &App, tx: &mut Tx, asked: &Asked, id: AccountId) -> Result<(), ApiError> {
    become_status(app, tx, asked.holder, id, CardStatus::Active).await
}

/// Gives a card another status; the holder's row is locked.
async fn become_status(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    id: AccountId,
    status: CardStatus,
) -> Result<(), ApiError> {
    let card = tx.ask(store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if !card.status.may_become(status) {
        return Err(ApiError::new(ErrorCode::CardOver, "a card that is lost or closed stays so: open another"));
    }
    let now = app.clock.now();
    store::set_status(tx, holder, id, status, now).await?;
    if status.is_over() {
        links::end_all(tx, holder, id, now).await?;
        wallet::give_back(app, tx, holder, &card).await?;
        closed_cards::card_ended(app, tx, holder, &Card { status, ..card.clone() }).await?;
    }
    wallet::auto_reload::card_changed(app, tx, holder, &card, status).await?;
    Ok(refresh(app, tx, holder, id).await?)
}

fn check(wanted: &OpenCard) -> Result<(), ApiError> {
    let name = wanted.name.chars().count();
    if wanted.name.trim().is_empty() || name > NAME_CHARS_MAX || wanted.name.chars().any(char::is_control) {
        return Err(ApiError::invalid(ErrorCode::TooLong, "name", "a name has 1 to 120 characters"));
    }
    let unit = 10_i64.pow(wanted.limit.currency().exponent().into());
    if !(unit..=LIMIT_MAX * unit).contains(&wanted.limit.minor()) {
        return Err(ApiError::invalid(ErrorCode::InvalidAmount, "limit", "a limit is from 1 to 100,000"));
    }
    if !(1..=CLOSING_DAY_MAX).contains(&wanted.closing_day) {
        return Err(ApiError::invalid(ErrorCode::InvalidDate, "closing_day", "a closing day is from 1 to 28"));
    }
    Ok(())
}

fn agreement(currency: Currency, closing_day: u8) -> Result<CardTerms, ApiError> {
    let unit = 10_i64.pow(currency.exponent().into());
    let units = |count: i64| Money::new(count * unit, currency).map_err(|_| DbError::Corrupt("the agreement"));
    Ok(CardTerms {
        closing_day,
        due: DueRule::of_served(closing_day),
        minimum_floor: Some(units(MINIMUM_FLOOR)?),
        minimum_share: Some(MINIMUM_SHARE),
        minimum_adds_charges: true,
        apr: Apr::new(APR).ok(),
        late_fee: Some(units(LATE_FEE)?),
    })
}

pub(crate) fn today(app: &App) -> Date {
    app.clock.now().to_zoned(app.settings.zone.clone()).date()
}

fn served(card: &Card, merchants: Vec<LinkedMerchant>) -> ServedCard {
    ServedCard {
        status: card.status,
        status_at: card.status_at,
        limit: card.limit,
        rewards_at_checkout: card.rewards_at_checkout,
        merchants,
        minimum_left: None,
        asked: Vec::new(),
        statement_left: None,
    }
}

pub(crate) async fn account_of(tx: &mut Tx, holder: HolderId, id: AccountId) -> Result<Account, ApiError> {
    let account: Option<Account> = feed::find(tx, holder, accounts::key(id)).await?;
    account.ok_or_else(ApiError::not_found)
}

/// As its owner calls it.
pub(crate) async fn name_of(tx: &mut Tx, holder: HolderId, id: AccountId) -> DbResult<String> {
    let account: Option<Account> = feed::find(tx, holder, accounts::key(id)).await?;
    Ok(account.ok_or(DbError::Corrupt("a card's record"))?.name)
}

/// The credit that is left now.
pub(crate) async fn left(tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<Money> {
    let standing = tx.ask(ledger::card_standing(holder, card.id, card.limit.currency())).await?;
    credit_left(card.limit, standing.owed, standing.held).map_err(|_| DbError::Corrupt("a card's credit"))
}

/// A card with all that its record says, as they stood at one moment.
pub(crate) struct Picture {
    pub card: Card,
    /// Count what is booked after it was read, see [`CardStanding::count`].
    pub there: CardStanding,
    pub account: Account,
    merchants: Vec<LinkedMerchant>,
}

pub(crate) fn picture(holder: HolderId, id: AccountId) -> impl Read<Answer = Option<Picture>> {
    let reads = (
        store::find(holder, id),
        ledger::card_balances(holder, id),
        feed::found::<Account>(holder, accounts::key(id)),
        store::links(holder, id),
    );
    reads.then(|(card, balances, account, merchants)| {
        let Some(card) = card else { return Ok(None) };
        let account = account.ok_or(DbError::Corrupt("a card's record"))?;
        let there = balances.standing(card.limit.currency());
        Ok(Some(Picture { card, there, account, merchants }))
    })
}

impl Picture {
    /// The card's record, brought up to the ledger and its rows; plans and what is left of the last statement stay as they
    /// were told.
    pub(crate) fn record(&self, now: Timestamp) -> DbResult<Account> {
        let Self { card, there, account, merchants } = self;
        let mut account = account.clone();
        let left = credit_left(card.limit, there.owed, there.held).map_err(|_| DbError::Corrupt("a card's credit"))?;
        account.balance = Some(there.owed.negated());
        account.available = Some(left);
        account.balance_as_of = Some(now);
        account.terms = Some(card.terms.clone());
        let told = account.card.take();
        let mut now = served(card, merchants.clone());
        if let Some(told) = told {
            (now.minimum_left, now.asked, now.statement_left) = (told.minimum_left, told.asked, told.statement_left);
        }
        account.card = Some(now);
        Ok(account)
    }
}

/// Brings the card's record up to the ledger and its rows.
pub(crate) async fn refresh(app: &App, tx: &mut Tx, holder: HolderId, id: AccountId) -> DbResult<()> {
    let picture = tx.ask(picture(holder, id)).await?.ok_or(DbError::Corrupt("a card"))?;
    let now = app.clock.now();
    feed::put(tx, holder, now, &Record::Account(picture.record(now)?)).await
}

/// A posted line of a card.
pub(crate) struct Line<'a> {
    pub account: AccountId,
    pub kind: TransactionKind,
    pub amount: Money,
    pub description: &'a str,
    pub memo: Option<&'a str>,
    /// What made it; one line of an account each.
    pub source: String,
}

pub(crate) async fn add_line(app: &App, tx: &mut Tx, holder: HolderId, line: Line<'_>) -> DbResult<()> {
    let now = app.clock.now();
    let line = Transaction {
        id: TransactionId::new(now, app.chance10()),
        account: line.account,
        posted_on: today(app),
        amount: line.amount,
        description: line.description.to_owned(),
        memo: line.memo.map(str::to_owned),
        kind: line.kind,
        state: TransactionState::Posted,
        source: Some(line.source),
    };
    feed::put(tx, holder, now, &Record::Transaction(line)).await
}
