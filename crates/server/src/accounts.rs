//! Accounts: listing them, what a person edits, and the import of another issuer's lines into linked ones.

use std::collections::HashMap;

use api::accounts::{Account, AccountEdit, AccountKind, AccountList, Excess, Keeping, Plan, Transaction};
use api::error::ErrorCode;
use api::import::{CHUNK_MAX, ImportChunk, Imported};
use api::sync::{Gone, Record};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::card::plans::{PLANS_MAX, PlanError};
use domain::ids::{AccountId, HolderId, PlanId, TransactionId};
use domain::money::Currency;
use domain::statements::{Covered, SPANS_MAX, covered_by_lines, merged};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::feed::{self, Key, Kind};
use crate::http::{Json, Path};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::SignedIn;

const ACCOUNTS_MAX: u64 = 500;
const NAME_CHARS_MAX: usize = 120;
const TEXT_CHARS_MAX: usize = 1_000;
const SOURCE_CHARS_MAX: usize = 200;
const MASK_CHARS_MAX: usize = 4;
/// Bytes of an import chunk, unpacked.
const CHUNK_BYTES_MAX: usize = 16 * 1024 * 1024;

pub fn routes() -> OpenApiRouter<App> {
    let import = OpenApiRouter::new().routes(routes!(import)).layer(DefaultBodyLimit::max(CHUNK_BYTES_MAX));
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(edit))
        .routes(routes!(put_plan, remove_plan))
        .merge(import)
}

pub(crate) const fn key(id: AccountId) -> Key {
    Key::new(Kind::Account, id.as_uuid())
}

/// The accounts, served and linked.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", responses((status = 200, body = AccountList)))]
async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<AccountList>, ApiError> {
    let mut tx = app.db.read_once().await?;
    Ok(Json(AccountList { items: feed::all(&mut tx, signed_in.holder, Kind::Account).await? }))
}

/// Changes an account's name or a card's terms.
#[utoipa::path(patch, path = "/api/v1/accounts/{id}", tag = "accounts", params(("id" = AccountId, Path)),
    request_body = AccountEdit,
    responses((status = 200, body = Account), (status = 404, body = api::error::Problem)))]
async fn edit(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<AccountId>,
    Json(edit): Json<AccountEdit>,
) -> Result<Response, ApiError> {
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "accounts.edit", &(id, &edit)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let found: Option<Account> = feed::find(&mut once.tx, signed_in.holder, key(id)).await?;
    let found = found.ok_or_else(ApiError::not_found)?;
    if edit.terms.is_some() && found.card.is_some() {
        return Err(ApiError::invalid(ErrorCode::Forbidden, "terms", "the terms of this card are its issuer's"));
    }
    let account = edit.applied_to(found);
    check(&account)?;
    feed::put(&mut once.tx, signed_in.holder, app.clock.now(), &Record::Account(account.clone())).await?;
    once.answer(StatusCode::OK, &account).await
}

/// Keeps a plan of a linked card, in the place of the one with its id.
#[utoipa::path(put, path = "/api/v1/accounts/{id}/plans/{plan}", tag = "accounts",
    params(("id" = AccountId, Path), ("plan" = PlanId, Path)), request_body = Plan,
    responses((status = 200, body = Account), (status = 404, body = api::error::Problem),
        (status = 422, body = api::error::Problem)))]
async fn put_plan(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path((id, plan_id)): Path<(AccountId, PlanId)>,
    Json(plan): Json<Plan>,
) -> Result<Response, ApiError> {
    if plan.id != plan_id {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "id", "the plan has another id than the address"));
    }
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "accounts.plan.put", &(id, &plan)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let card = find_linked_card(&mut once.tx, signed_in.holder, id).await?;
    plan.check(card.currency).map_err(|error| refused_plan(&error))?;
    let account = card.with_plan(plan);
    if account.plans.len() > PLANS_MAX {
        return Err(ApiError::invalid(ErrorCode::TooMany, "plans", "a card has at most 50 plans"));
    }
    feed::put(&mut once.tx, signed_in.holder, app.clock.now(), &Record::Account(account.clone())).await?;
    once.answer(StatusCode::OK, &account).await
}

/// Removes a plan of a linked card. One that is not there is no error.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}/plans/{plan}", tag = "accounts",
    params(("id" = AccountId, Path), ("plan" = PlanId, Path)),
    responses((status = 200, body = Account), (status = 404, body = api::error::Problem)))]
async fn remove_plan(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path((id, plan_id)): Path<(AccountId, PlanId)>,
) -> Result<Response, ApiError> {
    let fingerprint = (id, plan_id);
    let mut once =
        match idempotency::begin(&app, &signed_in, &idempotency, "accounts.plan.remove", &fingerprint).await? {
            Begun::Again(answer) => return Ok(answer),
            Begun::First(once) => once,
        };
    let card = find_linked_card(&mut once.tx, signed_in.holder, id).await?;
    let account = card.clone().without_plan(plan_id);
    if account != card {
        feed::put(&mut once.tx, signed_in.holder, app.clock.now(), &Record::Account(account.clone())).await?;
    }
    once.answer(StatusCode::OK, &account).await
}

/// A card whose plans the person enters. Those of a served card are the ledger's.
async fn find_linked_card(tx: &mut Tx, holder: HolderId, id: AccountId) -> Result<Account, ApiError> {
    let found: Option<Account> = feed::find(tx, holder, key(id)).await?;
    let account = found.ok_or_else(ApiError::not_found)?;
    if account.kind != AccountKind::Card || account.keeping != Keeping::Linked {
        return Err(ApiError::invalid(ErrorCode::Forbidden, "id", "plans are entered for linked cards only"));
    }
    Ok(account)
}

fn refused_plan(error: &PlanError) -> ApiError {
    let (code, field) = match error {
        PlanError::Name => (ErrorCode::TooLong, "name"),
        PlanError::Amount => (ErrorCode::InvalidAmount, "amount"),
        PlanError::Left => (ErrorCode::InvalidAmount, "left"),
        PlanError::LeftOn => (ErrorCode::InvalidDate, "left_on"),
        PlanError::EndsOn => (ErrorCode::InvalidDate, "ends_on"),
        PlanError::Monthly => (ErrorCode::InvalidAmount, "monthly"),
    };
    ApiError::invalid(code, field, &error.to_string())
}

/// Takes a chunk of another issuer's lines. What is there already, by id or by account and source, stays as it is, so
/// sending a chunk again changes nothing.
#[utoipa::path(post, path = "/api/v1/import", tag = "accounts", request_body = ImportChunk,
    responses((status = 200, body = Imported), (status = 422, body = api::error::Problem)))]
async fn import(
    State(app): State<App>,
    signed_in: SignedIn,
    Json(chunk): Json<ImportChunk>,
) -> Result<Json<Imported>, ApiError> {
    if chunk.transactions.len() > CHUNK_MAX || chunk.replaced.len() > CHUNK_MAX {
        return Err(ApiError::invalid(ErrorCode::TooMany, "transactions", "at most 5,000 lines in one chunk"));
    }
    let now = app.clock.now();
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    let accounts = put_accounts(&mut tx, signed_in.holder, now, chunk.accounts).await?;
    check_lines(&mut tx, signed_in.holder, accounts, &chunk.transactions).await?;
    let replaced = remove_replaced(&mut tx, signed_in.holder, now, &chunk.replaced).await?;
    let ids: Vec<Uuid> = chunk.transactions.iter().map(|line| line.id.as_uuid()).collect();
    let sent = ids.len() as u64;
    let number = tx.number(signed_in.holder).await?;
    let new = feed::add_lines(&mut tx, signed_in.holder, number, now, chunk.transactions).await?;
    if new < sent {
        feed::tell_gone(&mut tx, signed_in.holder, number, now, Kind::Transaction, &ids).await?;
    }
    tx.commit().await?;
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Json(Imported { new: small(new), known: small(sent - new), replaced }))
}

async fn put_accounts(
    tx: &mut Tx,
    holder: HolderId,
    now: Timestamp,
    accounts: Vec<Account>,
) -> Result<HashMap<AccountId, Currency>, ApiError> {
    let mut currencies = HashMap::new();
    for said in accounts {
        check(&said)?;
        let known: Option<Account> = feed::find(tx, holder, key(said.id)).await?;
        let is_served = said.keeping == Keeping::Served || known.as_ref().is_some_and(|a| a.keeping == Keeping::Served);
        if is_served {
            return Err(ApiError::invalid(
                ErrorCode::Forbidden,
                "accounts",
                "nothing is imported into a served account",
            ));
        }
        if known.is_none() && feed::count(tx, holder, Kind::Account).await? >= ACCOUNTS_MAX {
            return Err(ApiError::invalid(ErrorCode::TooMany, "accounts", "an account has at most 500 accounts"));
        }
        let account = match &known {
            Some(known) => {
                let covered = covered_with(tx, holder, known, &said).await?;
                Account { covered, ..updated(known, said)? }
            }
            // Only this server says what its own cards are.
            None => Account { card: None, covered: merged(said.covered.iter().copied()), ..said },
        };
        currencies.insert(account.id, account.currency);
        if known.as_ref() != Some(&account) {
            feed::put(tx, holder, now, &Record::Account(account)).await?;
        }
    }
    Ok(currencies)
}

/// What an issuer's file says anew about a known account. Name, terms and plans are the person's; an older balance than the
/// known one says nothing.
fn updated(known: &Account, said: Account) -> Result<Account, ApiError> {
    if known.currency != said.currency {
        return Err(ApiError::invalid(ErrorCode::UnknownCurrency, "accounts", "an account keeps its currency"));
    }
    let mut account = known.clone();
    if said.balance_as_of >= known.balance_as_of && said.balance.is_some() {
        account.balance = said.balance;
        account.available = said.available;
        account.balance_as_of = said.balance_as_of;
    }
    let closed = |issuer: &Option<domain::card::IssuerFigures>| issuer.as_ref().map(|issuer| issuer.closed_on);
    if closed(&said.issuer) >= closed(&known.issuer) {
        account.issuer = said.issuer;
    }
    account.source = account.source.or(said.source);
    account.mask = account.mask.or(said.mask);
    Ok(account)
}

/// What is covered with what a file covers beside it. Of an account that was imported before spans were kept, its lines say
/// what is.
async fn covered_with(tx: &mut Tx, holder: HolderId, known: &Account, said: &Account) -> DbResult<Vec<Covered>> {
    let mut covered = known.covered.clone();
    if covered.is_empty() && !said.covered.is_empty() {
        let days = feed::day_sums(tx, holder, known.id.as_uuid()).await?;
        covered = covered_by_lines(known, days.into_iter().map(|day| day.day));
    }
    Ok(merged(covered.into_iter().chain(said.covered.iter().copied())))
}

async fn check_lines(
    tx: &mut Tx,
    holder: HolderId,
    mut currencies: HashMap<AccountId, Currency>,
    lines: &[Transaction],
) -> Result<(), ApiError> {
    for line in lines {
        let currency = match currencies.get(&line.account) {
            Some(currency) => *currency,
            None => {
                let found: Option<Account> = feed::find(tx, holder, key(line.account)).await?;
                let linked = found.filter(|account| account.keeping == Keeping::Linked);
                let account = linked.ok_or_else(|| {
                    ApiError::invalid(ErrorCode::InvalidRequest, "transactions", "a line names no linked account")
                })?;
                currencies.insert(account.id, account.currency);
                account.currency
            }
        };
        if line.amount.currency() != currency {
            return Err(ApiError::invalid(ErrorCode::UnknownCurrency, "transactions", "a line is in another currency"));
        }
        let texts = [Some(&line.description), line.memo.as_ref()];
        let long = texts.into_iter().flatten().any(|text| text.chars().count() > TEXT_CHARS_MAX);
        if long || line.source.as_ref().is_some_and(|source| source.chars().count() > SOURCE_CHARS_MAX) {
            return Err(ApiError::invalid(ErrorCode::TooLong, "transactions", "a line's text is too long"));
        }
    }
    Ok(())
}

async fn remove_replaced(tx: &mut Tx, holder: HolderId, now: Timestamp, replaced: &[TransactionId]) -> DbResult<u32> {
    let mut removed = 0;
    for id in replaced {
        let known: Option<Transaction> = feed::find(tx, holder, Key::new(Kind::Transaction, id.as_uuid())).await?;
        let Some(line) = known else { continue };
        // A served account's lines are the ledger's.
        let account: Option<Account> = feed::find(tx, holder, key(line.account)).await?;
        if account.is_some_and(|account| account.keeping == Keeping::Linked) {
            feed::put(tx, holder, now, &Record::Gone(Gone::Transaction { id: *id })).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn check(account: &Account) -> Result<(), ApiError> {
    let wrong = |code, field, title| Err(ApiError::invalid(code, field, title));
    let name = account.name.chars().count();
    if account.name.trim().is_empty() || name > NAME_CHARS_MAX || account.name.chars().any(char::is_control) {
        return wrong(ErrorCode::TooLong, "name", "a name has 1 to 120 characters");
    }
    if account.mask.as_ref().is_some_and(|mask| mask.chars().count() > MASK_CHARS_MAX) {
        return wrong(ErrorCode::TooLong, "mask", "at most the last 4 characters of a number are kept");
    }
    if account.source.as_ref().is_some_and(|source| source.chars().count() > SOURCE_CHARS_MAX) {
        return wrong(ErrorCode::TooLong, "source", "the source is too long");
    }
    let said = [account.balance, account.available];
    if said.iter().flatten().any(|amount| amount.currency() != account.currency) {
        return wrong(ErrorCode::UnknownCurrency, "balance", "a balance is in the account's currency");
    }
    if let Excess::Plan(id) = account.excess
        && !account.plans.iter().any(|plan| plan.id == id)
    {
        return wrong(ErrorCode::InvalidRequest, "excess", "there is no such plan");
    }
    if account.covered.len() > SPANS_MAX {
        return wrong(ErrorCode::TooMany, "covered", "an account has at most 100 spans of days");
    }
    if account.plans.len() > PLANS_MAX {
        return wrong(ErrorCode::TooMany, "plans", "a card has at most 50 plans");
    }
    if let Some(error) = account.plans.iter().find_map(|plan| plan.check(account.currency).err()) {
        return Err(refused_plan(&error));
    }
    match account.terms.as_ref().map(|terms| terms.check(account.currency)) {
        Some(Err(error)) => Err(ApiError::invalid(ErrorCode::InvalidRequest, "terms", &error.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
