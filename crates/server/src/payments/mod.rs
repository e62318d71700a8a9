//! Payments: a person's order becomes money that moved, once. The id that the device made is the order's key for ever.

pub(crate) mod approval;
pub(crate) mod by_itself;
pub(crate) mod closed_cards;
mod engine;
mod holds;
pub(crate) mod limits;
pub(crate) mod moving;
#[cfg(test)]
mod races;
pub mod rail;
pub mod rails;
#[cfg(test)]
mod refusals;
mod store;
#[cfg(test)]
mod tests;
mod unusual;

use api::error::ErrorCode;
use api::payments::{Payment, PaymentStep};
use api::sync::Record;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::accounts::{Account, AccountKind, Keeping, Transaction, TransactionKind, TransactionState};
use domain::autopay::AutopayOf;
use domain::bills::{Bill, Mark, PaymentOf, occurrence_named};
use domain::card::Excess;
use domain::ids::{AccountId, HolderId, PaymentId, TransactionId};
use domain::ledger::{Entry, Funds};
use domain::money::{Currency, Money};
use domain::payments::{OrderError, PaymentEdit, PaymentEvent, PaymentOrder, PaymentState, quote};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use sha2::{Digest as _, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};
use crate::error::{ApiError, Untaken};
use crate::feed;
use crate::http::{Json, Path, Query, Source};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::{SignedIn, too_often};
use crate::{autopay, billers, bills, card, ledger, methods, readiness};
use approval::{Asking, Decided, Weighed};
pub(crate) use approval::{distrust, expire, unfounded};
pub(crate) use engine::{ask, follow, process, release, submit};
pub(crate) use holds::{look_at_all, release_held};
pub(crate) use limits::take_raise_back;
use rail::Rail;
use store::Stored;

/// The same payee, amount and day under another id within so long is asked about.
const TWIN_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// What a practice account opens with, in major units.
const PRACTICE_MONEY: i64 = 10_000;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(find, edit))
        .routes(routes!(cancel))
        .routes(routes!(approval::begin))
        .routes(routes!(limits::list))
        .routes(routes!(limits::set))
}

#[derive(serde::Deserialize, utoipa::IntoParams)]
struct Ordering {
    /// An order that is not here before is not taken any more: it would leave on a day that nobody agreed to.
    #[param(value_type = Option<String>, format = "date-time")]
    before: Option<Timestamp>,
}

/// Orders a payment. The id in the body is its key for ever: the same order again answers with the payment as it is.
#[utoipa::path(post, path = "/api/v1/payments", tag = "payments", params(Ordering), request_body = PaymentOrder,
    responses((status = 201, body = Payment), (status = 200, body = Payment, description = "It was ordered before"),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn create(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Query(Ordering { before }): Query<Ordering>,
    Json(order): Json<PaymentOrder>,
) -> Result<Response, ApiError> {
    order.check().map_err(|error| refused(&error))?;
    let holder = signed_in.holder;
    let asking = Asking { device: signed_in.device, source };
    let looked = match look(&app, &mut app.db.read_once().await?, holder, &order, before, asking).await? {
        Found::Known(payment) => return Ok(Json(payment).into_response()),
        Found::New(looked) => Some(*looked),
        Found::WithoutAccount => None,
    };
    let now = app.clock.now();
    app.limits.orders.take_for(signed_in.device, now).map_err(too_often)?;
    app.limits.orders_of_a_day.take_for(signed_in.device, now).map_err(too_often)?;
    if let Some(looked) = looked {
        match take_as_looked(&app, holder, looked, asking).await {
            Err(Untaken::Overtaken) => {}
            Err(Untaken::Refused(refusal)) => return Err(refusal),
            Ok(payment) => return Ok((StatusCode::CREATED, Json(payment)).into_response()),
        }
    }
    // Something of the holder's changed since, or there is no account yet. Now nothing comes between.
    let mut tx = app.db.begin_write().await?;
    tx.number(holder).await?;
    if order.method.is_none() {
        practice_account(&app, &mut tx, holder, order.amount.currency()).await?;
    }
    let looked = match look(&app, &mut tx, holder, &order, before, asking).await? {
        Found::Known(payment) => return Ok(Json(payment).into_response()),
        Found::New(looked) => *looked,
        Found::WithoutAccount => return Err(DbError::Corrupt("an account to pay from").into()),
    };
    let payment = take(&app, tx, looked, asking).await.map_err(ApiError::from)?;
    Ok((StatusCode::CREATED, Json(payment)).into_response())
}

/// Takes an order by what was found, unless something of its holder's changed since.
async fn take_as_looked(app: &App, holder: HolderId, looked: Looked, asking: Asking) -> Result<Payment, Untaken> {
    let tx = app.db.begin_write_after(holder, looked.number).await?;
    take(app, tx, looked, asking).await
}

/// Decides about an order by what was found, and writes it down.
async fn take(app: &App, mut tx: Tx, looked: Looked, asking: Asking) -> Result<Payment, Untaken> {
    let Looked { mut payment, weighed, .. } = looked;
    if !weighed.is_usual() {
        // What follows reads as well, and what it reads must belong to this moment.
        tx.connection().await?;
    }
    let approval = match approval::decide(app, &mut tx, &mut payment, weighed, asking).await? {
        Decided::Needs(approval) => approval,
        Decided::Stopped(refusal) => {
            tx.commit().await?;
            return Err(Untaken::Refused(refusal.into()));
        }
    };
    approval::enter(app, &mut payment, approval, asking.device);
    let step = PaymentStep { state: payment.state, at: app.clock.now(), reason: payment.reason.clone() };
    payment.history.push(step);
    store::add(&mut tx, &payment).await?;
    store::add_step(&mut tx, &payment, None, 0).await?;
    approval::entered(app, &mut tx, &payment).await?;
    engine::tell(app, &mut tx, &payment).await?;
    paid_by_hand(app, &mut tx, &payment).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(engine::view(&payment))
}

/// What stands about an order before it is taken.
enum Found {
    /// It was taken before.
    Known(Box<Payment>),
    New(Box<Looked>),
    /// The account that it would leave from is not open yet.
    WithoutAccount,
}

/// An order that nothing speaks against, as things stood at a number of its holder's feed. Whatever decides about it goes
/// with a new number, so all of it still holds where the number right after it is taken.
struct Looked {
    number: i64,
    payment: Stored,
    weighed: Weighed,
}

/// Reads all that decides about an order, and writes nothing: most orders need the one that writes for a moment only.
async fn look(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    order: &PaymentOrder,
    before: Option<Timestamp>,
    asking: Asking,
) -> Result<Found, ApiError> {
    let now = app.clock.now();
    let rail = app.rails.for_order(order);
    let promise = quote(now, order.send_on, &rail.timing())
        .map_err(|error| ApiError::invalid(ErrorCode::InvalidDate, "send_on", &error.to_string()));
    let since = now.saturating_sub(TWIN_WITHIN).unwrap_or(now);
    let day = promise.as_ref().ok().map(|promise| promise.will_process_on);
    let device = asking.device;
    let reads = (
        // First of all: what changes from here on shows in the number.
        store::as_of(holder, order.id),
        readiness::missing(app, holder),
        day.filter(|_| !order.duplicate_meant).map(|day| store::has_twin(holder, order, day, since)),
        day.filter(|_| !order.duplicate_meant).and_then(|day| said_of_date(holder, order, day)),
        order.method.is_none().then(|| store::served_account(holder, order.amount.currency())),
        day.map(|day| approval::about(app, holder, order, day, device, Some(device))),
    );
    let ((number, known), missing, twin, of_date, account, about) = tx.ask(reads).await?;
    if known {
        let known = store::find(tx, holder, order.id).await?.ok_or(DbError::Corrupt("a payment that was found"))?;
        if known.order != *order {
            return Err(ApiError::new(ErrorCode::KeyReused, "this payment's id came with another order"));
        }
        return Ok(Found::Known(Box::new(engine::view(&known))));
    }
    if before.is_some_and(|before| now >= before) {
        return Err(ApiError::new(ErrorCode::DayPassed, "the order came after the day that was agreed"));
    }
    check(tx, holder, order, rail, now).await?;
    let promise = promise?;
    not_passed(app, rail, order.send_on)?;
    rails::check(app, tx, holder, order, rail, promise.will_process_on).await?;
    readiness::demand(missing)?;
    if twin.unwrap_or(false) {
        return Err(ApiError::new(ErrorCode::PossibleDuplicate, "the same payee, amount and day was ordered before"));
    }
    if of_date.is_some_and(|said| is_beyond(order, &said)) {
        return Err(ApiError::new(ErrorCode::PossibleDuplicate, "that is more than is left to pay of that due date"));
    }
    let account = order.method.map(|method| Funds::Method(method).ledger()).or(account.flatten());
    let Some(account) = account else { return Ok(Found::WithoutAccount) };
    let ordered = Stored::new(holder, order.clone(), account, &promise, rail.name(), now);
    let payment = Stored { device: Some(device), ..ordered };
    let about = about.ok_or(DbError::Corrupt("what was asked about an order"))?;
    let weighed = about.weigh(app, &payment, asking, false)?;
    Ok(Found::New(Box::new(Looked { number, payment, weighed })))
}

/// The bill of an order's due date, what was said about its dates, and what its person ordered for them.
type SaidOfDate = (Option<Bill>, Vec<Mark>, Vec<PaymentOf>);

fn said_of_date(holder: HolderId, order: &PaymentOrder, day: Date) -> Option<impl Read<Answer = SaidOfDate> + use<>> {
    let bill = order.bill.filter(|_| order.due_on.is_some())?;
    let since = day.checked_sub(PaymentOrder::SEND_DAYS_AHEAD_MAX.days()).unwrap_or(Date::MIN);
    let marks = feed::each_of(holder, feed::Kind::Mark, bill.as_uuid());
    Some((bills::found(holder, bill), marks, by_itself::by_hand_of_bill(holder, bill, since)))
}

/// Whether something was paid or ordered for its due date already, and with this order it would be more than is due.
fn is_beyond(order: &PaymentOrder, (bill, marks, others): &SaidOfDate) -> bool {
    let (Some(bill), Some(due_on)) = (bill, order.due_on) else { return false };
    let Some(date) = occurrence_named(bill, marks, others, due_on, due_on) else { return false };
    let begun = date.paid.is_positive() || date.on_its_way.is_positive();
    begun && order.amount.currency() == date.left.currency() && order.amount.minor() > date.left.minor()
}

/// A payment as it is now.
#[utoipa::path(get, path = "/api/v1/payments/{id}", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, body = Payment), (status = 404, body = api::error::Problem)))]
async fn find(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<PaymentId>,
) -> Result<Json<Payment>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let payment = store::find(&mut tx, signed_in.holder, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(engine::view(&payment)))
}

/// Changes a payment that has not left. What was approved is void; what the change needs is decided anew.
#[utoipa::path(patch, path = "/api/v1/payments/{id}", tag = "payments", params(("id" = PaymentId, Path)),
    request_body = PaymentEdit,
    responses((status = 200, body = Payment), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn edit(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    idempotency: IdempotencyKey,
    Path(id): Path<PaymentId>,
    Json(edit): Json<PaymentEdit>,
) -> Result<Response, ApiError> {
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "payments.edit", &(id, &edit)).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let found = store::find(&mut once.tx, signed_in.holder, id).await?;
    let mut payment = found.ok_or_else(ApiError::not_found)?;
    if payment.state.after(PaymentEvent::Edited).is_err() {
        return Err(ApiError::new(ErrorCode::TooLate, "the payment has left or is over"));
    }
    if usize::try_from(edit.seen).ok() != Some(payment.history.len()) {
        return Err(ApiError::new(ErrorCode::VersionConflict, "the payment changed meanwhile"));
    }
    let order = PaymentOrder { amount: edit.amount, send_on: edit.send_on, ..payment.order.clone() };
    order.check().map_err(|error| refused(&error))?;
    if order.amount.currency() != payment.order.amount.currency() {
        return Err(ApiError::invalid(ErrorCode::UnknownCurrency, "amount", "a payment stays in its currency"));
    }
    let rail = app.rails.named(&payment.rail)?;
    not_passed(&app, rail, order.send_on)?;
    let promise = quote(app.clock.now(), order.send_on, &rail.timing())
        .map_err(|error| ApiError::invalid(ErrorCode::InvalidDate, "send_on", &error.to_string()))?;
    check_ends(&mut once.tx, signed_in.holder, &order, rail, app.clock.now()).await?;
    rails::check(&app, &mut once.tx, signed_in.holder, &order, rail, promise.will_process_on).await?;
    payment.order = order;
    let asking = Asking { device: signed_in.device, source };
    if let Decided::Stopped(refusal) = approval::change(&app, &mut once.tx, &mut payment, asking).await? {
        once.tx.commit().await?;
        return Err(refusal.into());
    }
    paid_by_hand(&app, &mut once.tx, &payment).await?;
    let view = engine::view(&payment);
    let answer = once.answer(StatusCode::OK, &view).await?;
    app.jobs.wake();
    Ok(answer)
}

/// Takes a payment back while it has not left. Taking it back twice is no error.
#[utoipa::path(post, path = "/api/v1/payments/{id}/cancel", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, body = Payment), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem)))]
async fn cancel(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<PaymentId>,
) -> Result<Json<Payment>, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    let payment = cancel_for(&app, &mut tx, signed_in.holder, id).await?;
    tx.commit().await?;
    Ok(Json(payment))
}

/// Takes a payment back that has not left; the holder's row is locked. Twice is no error.
pub(crate) async fn cancel_for(app: &App, tx: &mut Tx, holder: HolderId, id: PaymentId) -> Result<Payment, ApiError> {
    let mut payment = store::find(tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    if payment.state == PaymentState::Cancelled {
        return Ok(engine::view(&payment));
    }
    if !payment.state.can_cancel() {
        let code = if payment.state.counts_as_paid() { ErrorCode::AlreadySettled } else { ErrorCode::TooLate };
        return Err(ApiError::new(code, "the payment has left and cannot be taken back"));
    }
    engine::step(app, tx, &mut payment, PaymentEvent::Cancelled, None).await?;
    engine::end_jobs(tx, &payment).await?;
    engine::tell(app, tx, &payment).await?;
    paid_by_hand(app, tx, &payment).await?;
    Ok(engine::view(&payment))
}

/// What its person ordered, changed or took back for a bill or card, or what of it moves nothing after all, changes what is
/// left for its autopay.
async fn paid_by_hand(app: &App, tx: &mut Tx, payment: &Stored) -> DbResult<()> {
    if payment.order.bill.is_none() && engine::card_of(payment).is_none() {
        return Ok(());
    }
    autopay::changed(app, tx, payment.holder, AutopayOf::of_order(&payment.order)).await
}

/// A day that has passed means that the order waited on a device for too long: the person confirms a new one, nothing
/// is moved in silence. One day is left for people west of the server.
fn not_passed(app: &App, rail: &dyn Rail, send_on: Option<Date>) -> Result<(), ApiError> {
    let today = app.clock.now().to_zoned(rail.timing().zone).date();
    if send_on.is_some_and(|day| day.tomorrow().is_ok_and(|after| after < today)) {
        return Err(ApiError::invalid(ErrorCode::InvalidDate, "send_on", "the day to send it on has passed"));
    }
    Ok(())
}

async fn check(
    tx: &mut Tx,
    holder: HolderId,
    order: &PaymentOrder,
    rail: &dyn Rail,
    now: Timestamp,
) -> Result<(), ApiError> {
    check_ends(tx, holder, order, rail, now).await?;
    let Some(id) = order.bill else { return Ok(()) };
    let bill = bills::find(tx, holder, id).await?.ok_or_else(ApiError::not_found)?;
    if bill.amount.currency() != order.amount.currency() {
        return Err(ApiError::invalid(ErrorCode::UnknownCurrency, "amount", "a bill is paid in its own currency"));
    }
    Ok(())
}

/// Whom an order goes to, and what it is drawn from.
async fn check_ends(
    tx: &mut Tx,
    holder: HolderId,
    order: &PaymentOrder,
    rail: &dyn Rail,
    now: Timestamp,
) -> Result<(), ApiError> {
    match billers::find(order.biller) {
        Some(biller) if biller.payable => {}
        Some(_) => {
            return Err(ApiError::invalid(ErrorCode::NotPayable, "biller", "this biller takes no payments here"));
        }
        None => check_card(tx, holder, order).await?,
    }
    if let Some(method) = order.method {
        let wrong = |title: &str| ApiError::invalid(ErrorCode::MethodNotDrawable, "method", title);
        if !rail.draws() {
            return Err(wrong("payments of this server leave from its own accounts alone"));
        }
        let today = now.to_zoned(rail.timing().zone).date();
        let on = order.send_on.map_or(today, |day| day.max(today));
        methods::drawable(tx, holder, method, on).await?.map_err(|error| wrong(&error.to_string()))?;
    }
    Ok(())
}

/// Who is not in the directory must be a card of this person's.
async fn check_card(tx: &mut Tx, holder: HolderId, order: &PaymentOrder) -> Result<(), ApiError> {
    let card = tx.ask(card::store::find(holder, AccountId::from_uuid(order.biller.as_uuid()))).await?;
    let card = card.ok_or_else(|| ApiError::invalid(ErrorCode::NotPayable, "biller", "there is no such biller"))?;
    if card.limit.currency() != order.amount.currency() {
        return Err(ApiError::invalid(ErrorCode::UnknownCurrency, "amount", "a card is paid in its own currency"));
    }
    if order.bill.is_some() {
        return Err(ApiError::invalid(ErrorCode::NotPayable, "bill", "a card of this server is paid by itself"));
    }
    if !closed_cards::takes(tx, holder, &card, order.amount).await? {
        let title = "the card is lost or closed, and less than that is owed on it";
        return Err(ApiError::invalid(ErrorCode::AccountClosed, "biller", title));
    }
    Ok(())
}

fn refused(error: &OrderError) -> ApiError {
    let (code, field) = match error {
        OrderError::Amount => (ErrorCode::InvalidAmount, "amount"),
        OrderError::Reference => (ErrorCode::TooLong, "reference"),
        OrderError::BillWithoutDate => (ErrorCode::InvalidRequest, "due_on"),
    };
    ApiError::invalid(code, field, &error.to_string())
}

/// What the rail knows the order by: always the same for one order, and nothing of the holder can be read from it.
fn rail_key(holder: HolderId, payment: PaymentId) -> String {
    let digest = Sha256::digest(format!("billfold rail key 1 {holder} {payment}"));
    data_encoding::HEXLOWER.encode(&digest[..16])
}

// ---- The practice account ----------------------------------------------------------------------------------------

/// The account that payments in this currency leave from, opened when it is first needed: with practice money where no
/// real money moves, and empty where some does.
pub(crate) async fn practice_account(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    currency: Currency,
) -> DbResult<AccountId> {
    match tx.ask(store::served_account(holder, currency)).await? {
        Some(account) => Ok(account),
        None => open_practice_account(app, tx, holder, currency).await,
    }
}

async fn open_practice_account(app: &App, tx: &mut Tx, holder: HolderId, currency: Currency) -> DbResult<AccountId> {
    let now = app.clock.now();
    let id = AccountId::new(now, app.chance10());
    let rail = app.rails.of(currency);
    let scale = 10_i64.pow(u32::from(currency.exponent()));
    let money = Money::new(PRACTICE_MONEY * scale, currency).map_err(|_| DbError::Corrupt("practice money"))?;
    store::add_served_account(tx, holder, currency, id).await?;
    let practice = rail.is_practice();
    let opens_with = if practice { money } else { Money::zero(currency) };
    let account = Account {
        id,
        keeping: Keeping::Served,
        kind: AccountKind::Checking,
        name: if practice { format!("Practice money {currency}") } else { format!("Account {currency}") },
        mask: None,
        currency,
        source: None,
        balance: Some(opens_with),
        available: Some(opens_with),
        balance_as_of: Some(now),
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    };
    feed::put(tx, holder, now, &Record::Account(account)).await?;
    if !practice {
        return Ok(id);
    }
    let entry = Entry::opening(id, money).map_err(|_| DbError::Corrupt("an opening entry"))?;
    ledger::book(app, tx, holder, &entry).await?;
    let opening = Transaction {
        id: TransactionId::new(now, app.chance10()),
        account: id,
        posted_on: now.to_zoned(rail.timing().zone).date(),
        amount: money,
        description: "Practice money".to_owned(),
        memo: None,
        kind: TransactionKind::Credit,
        state: TransactionState::Posted,
        source: Some(format!("opening:{id}")),
    };
    feed::put(tx, holder, now, &Record::Transaction(opening)).await?;
    Ok(id)
}

/// Money that came in for an account on a real rail, booked once for each reference. False when it was booked before.
pub async fn deposit(app: &App, account: AccountId, amount: Money, reference: &str) -> Result<bool, DepositError> {
    let mut tx = app.db.begin_write().await?;
    let (holder, currency) = store::account_holder(&mut tx, account).await?.ok_or(DepositError::NoAccount)?;
    let rail = app.rails.of(currency);
    if rail.is_practice() {
        return Err(DepositError::Practice);
    }
    if amount.currency() != currency || !amount.is_positive() {
        return Err(DepositError::Amount);
    }
    tx.lock(holder).await?;
    let id = TransactionId::from_uuid(uuid::Uuid::new_v5(&account.as_uuid(), reference.as_bytes()));
    let known: Option<Transaction> =
        feed::find(&mut tx, holder, feed::Key::new(feed::Kind::Transaction, id.as_uuid())).await?;
    if known.is_some() {
        return Ok(false);
    }
    let entry = Entry::deposit(id, account, amount).map_err(|_| DepositError::Amount)?;
    ledger::book(app, &mut tx, holder, &entry).await?;
    let now = app.clock.now();
    let line = Transaction {
        id,
        account,
        posted_on: now.to_zoned(rail.timing().zone).date(),
        amount,
        description: "Deposit".to_owned(),
        memo: None,
        kind: TransactionKind::Credit,
        state: TransactionState::Posted,
        source: Some(format!("deposit:{id}")),
    };
    feed::put(&mut tx, holder, now, &Record::Transaction(line)).await?;
    refresh_account(app, &mut tx, holder, account, currency).await?;
    tx.commit().await?;
    Ok(true)
}

/// Why a deposit is not booked.
#[derive(Debug, thiserror::Error)]
pub enum DepositError {
    #[error("no payments leave from such an account")]
    NoAccount,
    #[error("the account holds practice money; real money is never added to it")]
    Practice,
    #[error("the amount is above zero, in the account's currency")]
    Amount,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The currencies in which accounts of this server were opened with practice money.
pub(crate) async fn practice_currencies(tx: &mut Tx) -> DbResult<Vec<Currency>> {
    store::practice_currencies(tx).await
}

/// The most that is there to pay with, in minor units, over the accounts of this server. A practice account that is not
/// opened yet is full, and where real money moves nothing is there before it came in.
pub(crate) async fn most_money(app: &App, tx: &mut Tx, holder: HolderId) -> DbResult<Option<i64>> {
    let accounts = store::served_accounts(tx, holder).await?;
    if accounts.is_empty() {
        let practice = app.rails.all_of_files().next().is_none();
        return Ok(Some(if practice { PRACTICE_MONEY } else { 0 }));
    }
    let mut most = 0;
    for (currency, account) in accounts {
        most = tx.ask(ledger::standing(holder, account, currency)).await?.available.minor().max(most);
    }
    Ok(Some(most))
}

/// How its owner calls what a payment leaves from.
async fn source_name(tx: &mut Tx, payment: &Stored) -> DbResult<String> {
    if let Some(method) = payment.order.method {
        let method = methods::find(tx, payment.holder, method).await?;
        return Ok(method.ok_or(DbError::Corrupt("a payment's method"))?.name());
    }
    let account: Option<Account> = feed::find(tx, payment.holder, crate::accounts::key(payment.account)).await?;
    Ok(account.ok_or(DbError::Corrupt("a served account"))?.name)
}

/// Brings the account's record up to the ledger.
pub(crate) async fn refresh_account(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    id: AccountId,
    currency: Currency,
) -> DbResult<()> {
    let account: Option<Account> = feed::find(tx, holder, crate::accounts::key(id)).await?;
    let account = account.ok_or(DbError::Corrupt("a served account"))?;
    let standing = tx.ask(ledger::standing(holder, id, currency)).await?;
    tell_account(app, tx, holder, account, standing).await
}

/// Tells the devices how an account kept here stands.
async fn tell_account(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    mut account: Account,
    standing: ledger::Standing,
) -> DbResult<()> {
    account.balance = Some(standing.own);
    account.available = Some(standing.available);
    account.balance_as_of = Some(app.clock.now());
    feed::put(tx, holder, app.clock.now(), &Record::Account(account)).await
}
