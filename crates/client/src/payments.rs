//! Payments from this device: the order is stored before it is sent, sent once, and followed to its end.

mod draft;

use std::time::Duration;

use api::error::ErrorCode;
use domain::bills::BillError;
use domain::ids::{BillId, BillerId, MethodId, MutationId, PaymentId};
use domain::money::{Currency, Money};
use domain::payments::{PaymentEdit, PaymentOrder, PaymentState, Quote, RailTiming, quote};
use domain::policy::Limits;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::draft::{DraftOf, PaymentDraft};
use crate::accounts::is_served;
use crate::book::{Book, Here};
use crate::cache::bills::{self, DAY_PASSED, PaymentRow, TAKEN_BACK};
use crate::cache::{CacheError, accounts, outbox, state};
use crate::client::{Changed, Client};
use crate::error::ClientError;
use crate::http::{Method, Sending, way_out};
use crate::methods::MethodView;
use crate::outbox::{Change, Entry};
use crate::security::VisitStarted;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PaymentView {
    pub id: PaymentId,
    pub to: String,
    /// What it is drawn from; absent: the balance that the server keeps.
    pub method: Option<MethodId>,
    pub amount: Money,
    pub state: PaymentViewState,
    /// Why it was refused, returned or failed; also why the server did not take it.
    pub reason: Option<String>,
    pub bill: Option<BillId>,
    #[specta(type = Option<String>)]
    pub due_on: Option<Date>,
    /// The day it leaves, as the server said; as asked for while it is not sent.
    #[specta(type = Option<String>)]
    pub sends_on: Option<Date>,
    #[specta(type = Option<String>)]
    pub cutoff_at: Option<Timestamp>,
    #[specta(type = Option<String>)]
    pub expected_by: Option<Date>,
    #[specta(type = String)]
    pub made_at: Timestamp,
    /// It waits until then for its person's approval.
    #[specta(type = Option<String>)]
    pub approve_by: Option<Timestamp>,
    /// It is held until then, by itself.
    #[specta(type = Option<String>)]
    pub held_until: Option<Timestamp>,
    /// An autopay made it, and it leaves without being asked about.
    pub autopay: bool,
    /// Practice money: nothing real moves.
    pub practice: bool,
    /// What moves the money, once the server has said so.
    pub rail: Option<PaymentRail>,
    /// How long it has been on its way, while it is.
    pub travels: Option<TravelView>,
    pub can_cancel: bool,
    /// It waited here past its day and was not sent: what ordering it anew would mean.
    pub again: Option<AgainView>,
    /// Oldest first.
    pub history: Vec<PaymentStepView>,
}

impl PaymentView {
    /// Why the server did not take the order, as any other refusal; `None` for one that it took.
    #[must_use]
    pub fn refusal(&self) -> Option<ClientError> {
        if self.state != PaymentViewState::Refused {
            return None;
        }
        let reason = self.reason.as_deref().unwrap_or_default();
        if reason == DAY_PASSED {
            let message = "it waited here until the day that was agreed had passed; nothing was sent";
            return Some(ClientError::refused(reason, message, "pay it anew, if it is still to be paid"));
        }
        // A newer server's code is passed on with the words of any refusal.
        let known = ErrorCode::ALL.iter().copied().find(|code| code.as_str() == reason);
        let message = match known {
            Some(ErrorCode::PossibleDuplicate) => {
                "the same amount was paid to the same payee a short while ago; nothing was sent".to_owned()
            }
            _ => format!("the account server refused it ({}); nothing was sent", reason.replace('_', " ")),
        };
        Some(ClientError::refused(reason, message, way_out(known.unwrap_or(ErrorCode::InvalidRequest))))
    }
}

/// The ways that money moves, as far as this version knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PaymentRail {
    Practice,
    /// Within the server, to a card that it issues.
    Within,
    /// In a file, over the ACH network.
    Ach,
    /// In a file, as a credit transfer.
    Transfer,
    /// A server newer than this version has others.
    Other,
}

impl PaymentRail {
    fn named(name: &str) -> Self {
        match name {
            "sandbox" => Self::Practice,
            BOOK => Self::Within,
            "nacha" => Self::Ach,
            "iso20022" => Self::Transfer,
            _ => Self::Other,
        }
    }
}

/// When an order that waited past its day would leave and arrive, if it was made anew now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AgainView {
    #[specta(type = String)]
    pub sends_on: Date,
    #[specta(type = String)]
    pub expected_by: Date,
}

/// A payment on its way: how long, and whether that is longer than its rail promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct TravelView {
    /// Since it left, in days of this computer's calendar.
    pub days: u32,
    pub late: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PaymentStepView {
    pub state: PaymentViewState,
    #[specta(type = String)]
    pub at: Timestamp,
}

/// The server's states, and the one before it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PaymentViewState {
    /// Kept on this device; the server has not answered yet.
    NotSent,
    /// The server refused the order; nothing moved.
    Refused,
    AwaitingApproval,
    Scheduled,
    Held,
    Insufficient,
    Reserved,
    Submitting,
    Unknown,
    Submitted,
    Settled,
    Final,
    Returned,
    Rejected,
    Failed,
    Cancelled,
    Expired,
}

impl From<PaymentState> for PaymentViewState {
    fn from(state: PaymentState) -> Self {
        match state {
            PaymentState::AwaitingApproval => Self::AwaitingApproval,
            PaymentState::Scheduled => Self::Scheduled,
            PaymentState::Held => Self::Held,
            PaymentState::Insufficient => Self::Insufficient,
            PaymentState::Reserved => Self::Reserved,
            PaymentState::Submitting => Self::Submitting,
            PaymentState::Unknown => Self::Unknown,
            PaymentState::Submitted => Self::Submitted,
            PaymentState::Settled => Self::Settled,
            PaymentState::Final => Self::Final,
            PaymentState::Returned => Self::Returned,
            PaymentState::Rejected => Self::Rejected,
            PaymentState::Failed => Self::Failed,
            PaymentState::Cancelled => Self::Cancelled,
            PaymentState::Expired => Self::Expired,
        }
    }
}

/// Pays one occurrence, or a biller outside any bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PayBill {
    pub bill: Option<BillId>,
    #[specta(type = Option<String>)]
    pub due_on: Option<Date>,
    /// Needed when there is no bill: a biller, or a card of the server by its account's id.
    pub biller: Option<BillerId>,
    pub amount: Money,
    #[specta(type = Option<String>)]
    pub send_on: Option<Date>,
    /// Paid already a moment ago, and meant again.
    pub duplicate_meant: bool,
    /// What it is drawn from; absent: the balance that the server keeps.
    #[serde(default)]
    pub method: Option<MethodId>,
}

/// What the pay dialog shows before the person confirms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PayQuote {
    pub to: String,
    pub bill: BillId,
    /// The due date that names the occurrence.
    #[specta(type = String)]
    pub due_on: Date,
    /// The day it is due: show and compare this one.
    #[specta(type = String)]
    pub falls_on: Date,
    pub amount: Money,
    pub left: Money,
    pub estimated: bool,
    /// Why it cannot be paid from here, when it can't.
    pub not_payable: Option<String>,
    #[specta(type = String)]
    pub sends_on: Date,
    /// Until then it can be cancelled, and has to be ordered to leave on that day.
    #[specta(type = String)]
    pub cutoff_at: Timestamp,
    #[specta(type = String)]
    pub expected_by: Date,
    /// The money that payments leave from.
    pub from: Option<String>,
    pub available: Option<Money>,
    /// What it may be drawn from instead, the one that is offered first before the others.
    pub methods: Vec<MethodView>,
    pub practice: bool,
    pub online: bool,
}

/// When a changed payment leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", content = "day", rename_all = "snake_case")]
pub enum SendOn {
    AsBefore,
    Soonest,
    Day(#[specta(type = String)] Date),
}

/// What leaves to known payees without a passkey, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct LimitsView {
    #[specta(type = String)]
    pub currency: Currency,
    /// Those that count now.
    pub limits: Limits,
    /// The server's, where the person has set none.
    pub usual: Limits,
    /// A raise that waits for its time.
    pub next: Option<NextLimitsView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct NextLimitsView {
    pub limits: Limits,
    #[specta(type = String)]
    pub from: Timestamp,
}

impl From<api::payments::LimitsOf> for LimitsView {
    fn from(of: api::payments::LimitsOf) -> Self {
        let next = of.next.map(|next| NextLimitsView { limits: next.limits, from: next.from });
        Self { currency: of.currency, limits: of.limits, usual: of.usual, next }
    }
}

/// What came of setting limits: they are set, or a passkey has to be shown first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct LimitsSet {
    pub set: Option<LimitsView>,
    pub visit: Option<VisitStarted>,
}

/// The rail within the server, which pays its own cards.
const BOOK: &str = "book";
const LIMITS: &str = "/api/v1/payments/limits";
const LIST_MAX: usize = 500;
/// An approval is looked for this often while its page is open.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The address is good for two minutes, the page behind it for five.
const PAGE_LIFE: SignedDuration = SignedDuration::from_mins(7);

/// Payments from this device.
#[derive(Clone)]
pub struct Payments(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn payments(&self) -> Payments {
        Payments(self.clone())
    }
}

impl Payments {
    /// Newest first.
    pub async fn list(&self) -> Result<Vec<PaymentView>, ClientError> {
        let book = self.0.bills().book().await?;
        let untried = self.untried().await?;
        let views = book.payments.iter().take(LIST_MAX);
        Ok(views.map(|row| view(&book, row, &untried)).collect())
    }

    pub async fn find(&self, id: PaymentId) -> Result<PaymentView, ClientError> {
        let book = self.0.bills().book().await?;
        let untried = self.untried().await?;
        let row = self.0.with(async |open| bills::find_payment(open.cache.readers(), id).await).await?;
        let row = row.ok_or_else(|| ClientError::not_found("payment"))?;
        Ok(view(&book, &row, &untried))
    }

    /// What paying an occurrence would mean, before the person confirms: on that day, or as soon as it can.
    pub async fn quote(&self, bill: BillId, due_on: Date, send_on: Option<Date>) -> Result<PayQuote, ClientError> {
        let book = self.0.bills().book().await?;
        let bill = book.bill(bill).ok_or_else(|| ClientError::not_found("bill"))?;
        let occurrence = book.occurrence(bill, due_on).ok_or_else(|| ClientError::not_found("due date"))?;
        let biller = book.biller_of(bill);
        let not_payable = match biller {
            None => Some("this bill has no biller that takes payments here".to_owned()),
            Some(biller) if !biller.payable => Some("this biller takes no payments here".to_owned()),
            Some(_) => None,
        };
        let (me, all) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                let me: Option<api::sign_in::Me> = state::find(db, state::ME).await?;
                Ok((me, accounts::all(db).await?))
            })
            .await?;
        let practice = me.is_some_and(|me| me.practice_money);
        let from = all
            .into_iter()
            .find(|account| is_served(account) && account.card.is_none() && account.currency == bill.amount.currency());
        let promise = self.promise(practice, send_on)?;
        let mut methods = self.0.methods().list_in(&book).await?;
        methods.retain(|one| one.method.drawable(promise.will_process_on).is_ok());
        Ok(PayQuote {
            methods,
            to: biller.map_or_else(|| bill.name.clone(), |biller| biller.name.clone()),
            bill: bill.id,
            due_on,
            falls_on: occurrence.falls_on,
            amount: occurrence.amount,
            left: occurrence.left,
            estimated: occurrence.estimated,
            not_payable,
            sends_on: promise.will_process_on,
            cutoff_at: promise.cutoff_at,
            expected_by: promise.expected_by,
            available: from.as_ref().and_then(|account| account.available.or(account.balance)),
            from: from.map(|account| account.label()),
            practice,
            online: self.0.0.online.load(std::sync::atomic::Ordering::SeqCst),
        })
    }

    /// Keeps the order and sends it when possible. The id was stored before anything left: once, whatever happens.
    pub async fn pay_bill(&self, request: PayBill) -> Result<PaymentView, ClientError> {
        let open = self.0.open_now()?;
        let book = self.0.bills().book().await?;
        let order = self.order(&book, request)?;
        let promised = promise_of(&book, &order)?;
        self.check_method(&book, &order).await?;
        let id = order.id;
        self.drop_draft(&order).await?;
        self.0.change(&open, Change::Pay { order, promised: Some(promised) }).await?;
        self.0.reminders().withdraw_settled().await?;
        self.find(id).await
    }

    /// Orders anew what waited past its day, as soon as it can, in its place. `leaves_on` is what the person was shown.
    pub async fn pay_again(&self, id: PaymentId, leaves_on: Date) -> Result<PaymentView, ClientError> {
        let open = self.0.open_now()?;
        let book = self.0.bills().book().await?;
        let row = self.0.with(async |open| bills::find_payment(open.cache.readers(), id).await).await?;
        let row = row.ok_or_else(|| ClientError::not_found("payment"))?;
        let Some(again) = again(&book, &row) else {
            return Err(too_late(view(&book, &row, &[]).state));
        };
        if again.sends_on != leaves_on {
            let message = "it would leave on another day by now; nothing was ordered";
            return Err(ClientError::refused(DAY_PASSED, message, "look at the payment again"));
        }
        let order = anew(&row.order, self.0.fresh(PaymentId::new));
        let promised = promise_of(&book, &order)?;
        self.check_method(&book, &order).await?;
        let new = order.id;
        let change = Change::Pay { order, promised: Some(promised) };
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                if !bills::remove_passed(&mut tx, id).await? {
                    return Err(CacheError::NotFound("payment"));
                }
                self.0.queue(open, &mut tx, change).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        self.0.queued(&open).await;
        self.0.reminders().withdraw_settled().await?;
        self.find(new).await
    }

    /// The payment of an entry that has not been tried and whose cut-off is over: sent now, it would leave on a day that
    /// nobody agreed to.
    pub(crate) fn past_its_day(&self, entry: &Entry) -> Option<PaymentId> {
        let Change::Pay { order, .. } = &entry.change else { return None };
        self.agreed_until(entry).is_some_and(|until| self.0.now() >= until).then_some(order.id)
    }

    /// Until when an order has to be at the server to leave on the day that was agreed.
    pub(crate) fn agreed_until(&self, entry: &Entry) -> Option<Timestamp> {
        let Change::Pay { order, promised } = &entry.change else { return None };
        let promised = promised.or_else(|| {
            let timing = RailTiming::sandbox(self.0.0.ports.zone.zone());
            quote(entry.made_at, order.send_on, &timing).ok()
        });
        promised.map(|promised| promised.cutoff_at)
    }

    fn order(&self, book: &Book, request: PayBill) -> Result<PaymentOrder, ClientError> {
        let bill = match request.bill {
            None => None,
            Some(id) => Some(book.bill(id).ok_or_else(|| ClientError::not_found("bill"))?),
        };
        let biller = request.biller.or(bill.and_then(|bill| bill.biller));
        let card = biller.filter(|_| bill.is_none()).and_then(|id| book.cards.get(&id).map(|card| (id, card)));
        let paid_in = card.map(|(_, card)| card.currency).or(bill.map(|bill| bill.amount.currency()));
        if paid_in.is_some_and(|currency| currency != request.amount.currency()) {
            let next = way_out(ErrorCode::UnknownCurrency);
            return Err(ClientError::refused("unknown_currency", "this is paid in another currency", next));
        }
        let payable = biller.and_then(|id| book.billers.get(&id)).filter(|biller| biller.payable);
        let payee = card.map(|(id, _)| id).or(payable.map(|biller| biller.id));
        let payee = payee.ok_or_else(|| {
            ClientError::refused(
                "not_payable",
                "this cannot be paid through this server",
                "pay it where you usually do and say so with `billfold mark`, or name its biller: `billfold bills edit`",
            )
        })?;
        if !request.amount.is_positive() {
            return Err(BillError::Amount.into());
        }
        let due_on = match (bill, request.due_on) {
            (None, _) => None,
            (Some(_), Some(due_on)) => Some(due_on),
            (Some(bill), None) => Some(first_open(book, bill).ok_or_else(|| ClientError::not_found("due date"))?),
        };
        if let (Some(bill), Some(due_on)) = (bill, due_on)
            && book.occurrence(bill, due_on).is_none()
        {
            return Err(ClientError::not_found("due date"));
        }
        let order = PaymentOrder {
            id: self.0.fresh(PaymentId::new),
            biller: payee,
            reference: bill.and_then(|bill| bill.reference.clone()),
            amount: request.amount,
            bill: bill.map(|bill| bill.id),
            due_on,
            send_on: request.send_on,
            duplicate_meant: request.duplicate_meant,
            method: request.method,
        };
        let wrong = |error: domain::payments::OrderError| {
            ClientError::refused("invalid_request", error.to_string(), "correct the payment and try again")
        };
        order.check().map_err(wrong)?;
        if request.send_on.is_some_and(|day| day < book.today) {
            return Err(ClientError::refused("invalid_date", "that day has passed", way_out(ErrorCode::InvalidDate)));
        }
        Ok(order)
    }

    /// Something can be drawn from the order's method on its day. One that this device does not know is the server's to
    /// judge.
    async fn check_method(&self, book: &Book, order: &PaymentOrder) -> Result<(), ClientError> {
        let Some(id) = order.method else { return Ok(()) };
        let known = self.0.methods().list_in(book).await?;
        let Some(view) = known.into_iter().find(|view| view.method.id == id) else { return Ok(()) };
        let on = order.send_on.unwrap_or(book.today);
        view.method.drawable(on).map_err(|error| {
            ClientError::refused("method_not_drawable", error.to_string(), way_out(ErrorCode::MethodNotDrawable))
        })
    }

    pub(crate) fn promise(&self, practice: bool, send_on: Option<Date>) -> Result<Quote, ClientError> {
        promise_at(&self.0.here(), practice, send_on)
    }

    /// Begins the approval of a payment that waits for it: the rest happens on the server's page, with a passkey.
    pub async fn approve(&self, id: PaymentId, open_browser: bool) -> Result<VisitStarted, ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::default() };
        let answer = self.0.call(Method::Post, &format!("/api/v1/payments/{id}/approval"), sending).await?;
        self.0.security().in_browser(answer.json().await?, open_browser).await
    }

    /// Waits until a payment's approval was given, or the time for it is over. The person is at the server's page.
    pub async fn approved(&self, id: PaymentId) -> Result<PaymentView, ClientError> {
        let began = self.0.now();
        loop {
            self.0.sync().now().await?;
            let payment = self.find(id).await?;
            let waits = payment.state == PaymentViewState::AwaitingApproval;
            if !waits || self.0.now().duration_since(began) > PAGE_LIFE {
                return Ok(payment);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What leaves without a passkey, in each currency that is paid in; asked of the server.
    pub async fn limits(&self) -> Result<Vec<LimitsView>, ClientError> {
        let answer = self.0.call(Method::Get, LIMITS, Sending::default()).await?;
        let list: api::payments::LimitsList = answer.json().await?;
        Ok(list.items.into_iter().map(LimitsView::from).collect())
    }

    /// Sets the person's own limits: lower ones count at once, higher ones need a passkey where there is one.
    pub async fn set_limits(
        &self,
        currency: Currency,
        limits: Limits,
        open_browser: bool,
    ) -> Result<LimitsSet, ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::json(&limits)? };
        let answer = self.0.call(Method::Put, &format!("{LIMITS}/{currency}"), sending).await?;
        let wish: api::payments::LimitsWish = answer.json().await?;
        let visit = match wish.approve_at {
            Some(address) => Some(self.0.security().in_browser(address, open_browser).await?),
            None => None,
        };
        self.0.sync().now().await?;
        Ok(LimitsSet { set: wish.set.map(LimitsView::from), visit })
    }

    /// Changes the amount or the day of a payment that has not left; what was approved is asked for anew.
    pub async fn edit(
        &self,
        id: PaymentId,
        amount: Option<Money>,
        send_on: SendOn,
    ) -> Result<PaymentView, ClientError> {
        let row = self.0.with(async |open| bills::find_payment(open.cache.readers(), id).await).await?;
        let row = row.ok_or_else(|| ClientError::not_found("payment"))?;
        let Some(answer) = &row.answer else {
            let next = "take it back and pay anew";
            return Err(ClientError::refused("not_found", "the server does not have this payment yet", next));
        };
        if answer.state.is_terminal() {
            return Err(too_late(answer.state.into()));
        }
        let send_on = match send_on {
            SendOn::AsBefore => answer.order.send_on,
            SendOn::Soonest => None,
            SendOn::Day(day) => Some(day),
        };
        let seen = u32::try_from(answer.history.len()).unwrap_or(u32::MAX);
        let edit = PaymentEdit { amount: amount.unwrap_or(answer.order.amount), send_on, seen };
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::json(&edit)? };
        self.0.call(Method::Patch, &format!("/api/v1/payments/{id}"), sending).await?;
        self.0.sync().now().await?;
        self.find(id).await
    }

    /// Takes a payment back: at once while it was never sent, otherwise by asking the server.
    pub async fn cancel(&self, id: PaymentId) -> Result<PaymentView, ClientError> {
        let open = self.0.open_now()?;
        let before = self.find(id).await?;
        if !before.can_cancel {
            return Err(too_late(before.state));
        }
        let taken_back = self.take_back(id).await?;
        if taken_back {
            self.0.save_outbox(&open).await;
            self.0.tell(Changed::Book);
            self.0.tell(Changed::Status);
        } else {
            self.0.change(&open, Change::CancelPayment { payment: id }).await?;
            self.0.sync().soon().await;
        }
        self.find(id).await
    }

    /// Removes an order from the outbox if no request with it was ever begun.
    async fn take_back(&self, id: PaymentId) -> Result<bool, ClientError> {
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                let waiting = outbox::all(&mut *tx).await?;
                let held = waiting.iter().find(|waiting| {
                    matches!(&waiting.entry.change, Change::Pay { order, .. } if order.id == id) && !waiting.tried
                });
                let Some(held) = held else {
                    let row = bills::find_payment(&mut *tx, id).await?;
                    let passed = row.is_some_and(|row| row.refused.as_deref() == Some(DAY_PASSED));
                    if passed {
                        bills::refuse_payment(&mut tx, id, TAKEN_BACK).await?;
                        tx.commit().await?;
                    }
                    return Ok(passed);
                };
                outbox::remove(&mut tx, held.number).await?;
                bills::refuse_payment(&mut tx, id, TAKEN_BACK).await?;
                tx.commit().await?;
                Ok(true)
            })
            .await
    }

    /// Orders of which no request was begun.
    async fn untried(&self) -> Result<Vec<PaymentId>, ClientError> {
        self.0
            .with(async |open| {
                let waiting = outbox::all(open.cache.readers()).await?;
                let untried = waiting.into_iter().filter(|waiting| !waiting.tried);
                Ok::<_, CacheError>(
                    untried
                        .filter_map(|waiting| match waiting.entry.change {
                            Change::Pay { order, .. } => Some(order.id),
                            _ => None,
                        })
                        .collect(),
                )
            })
            .await
    }
}

fn promise_at(here: &Here, practice: bool, send_on: Option<Date>) -> Result<Quote, ClientError> {
    let wrong = |error: domain::payments::QuoteError| {
        ClientError::refused("invalid_date", error.to_string(), "choose another day")
    };
    let timing =
        if practice { RailTiming::sandbox(here.zone.clone()) } else { RailTiming::united_states().map_err(wrong)? };
    quote(here.now, send_on, &timing).map_err(wrong)
}

/// What its person is promised of an order that is made now. A card of the server is paid within it, at any hour.
fn promise_of(book: &Book, order: &PaymentOrder) -> Result<Quote, ClientError> {
    let within = order.bill.is_none() && book.cards.contains_key(&order.biller);
    promise_at(&book.here, book.practice || within, order.send_on)
}

/// The same order under a new id, to leave as soon as it can.
fn anew(order: &PaymentOrder, id: PaymentId) -> PaymentOrder {
    PaymentOrder { id, send_on: None, duplicate_meant: false, ..order.clone() }
}

/// What an order that waited past its day would be promised now; absent for every other, and once nothing is left to pay of
/// its due date.
fn again(book: &Book, row: &PaymentRow) -> Option<AgainView> {
    if row.answer.is_some() || row.refused.as_deref() != Some(DAY_PASSED) {
        return None;
    }
    if let (Some(id), Some(due_on)) = (row.order.bill, row.order.due_on) {
        let date = book.bill(id).and_then(|bill| book.occurrence(bill, due_on))?;
        if !date.left.is_positive() {
            return None;
        }
    }
    let promise = promise_of(book, &anew(&row.order, row.order.id)).ok()?;
    Some(AgainView { sends_on: promise.will_process_on, expected_by: promise.expected_by })
}

/// Why it cannot be cancelled. What never left is not to be asked back from anybody.
fn too_late(state: PaymentViewState) -> ClientError {
    let (message, next) = match state {
        PaymentViewState::Cancelled => ("this payment is cancelled already", "nothing is left to do: no money moved"),
        PaymentViewState::Refused | PaymentViewState::Expired => {
            ("this payment was never sent", "nothing is left to do: no money moved")
        }
        PaymentViewState::Rejected | PaymentViewState::Failed | PaymentViewState::Returned => {
            ("this payment did not go through, and its money is back", "pay anew, if it is still to be paid")
        }
        PaymentViewState::NotSent => (
            "this payment is being sent, and the account server has not said yet whether it has it",
            "let it be sent, then look at it again and cancel it there",
        ),
        PaymentViewState::AwaitingApproval
        | PaymentViewState::Scheduled
        | PaymentViewState::Held
        | PaymentViewState::Insufficient
        | PaymentViewState::Reserved
        | PaymentViewState::Submitting
        | PaymentViewState::Unknown
        | PaymentViewState::Submitted
        | PaymentViewState::Settled
        | PaymentViewState::Final => {
            ("this payment can no longer be cancelled", "if it is wrong, ask the biller to return it")
        }
    };
    ClientError::refused("too_late", message, next)
}

/// The first due date that still needs the person.
fn first_open(book: &Book, bill: &domain::bills::Bill) -> Option<Date> {
    let from = crate::book::shifted(book.today, -crate::bills::LATE_DAYS);
    let to = crate::book::shifted(book.today, 2 * crate::bills::LATE_DAYS);
    let open = book.occurrences(bill, from, to);
    open.into_iter().find(domain::bills::Occurrence::needs_person).map(|occurrence| occurrence.due_on)
}

pub(crate) fn view(book: &Book, row: &PaymentRow, untried: &[PaymentId]) -> PaymentView {
    let order = &row.order;
    let answer = row.answer.as_ref();
    let state = match (&row.refused, answer) {
        (_, Some(answer)) => answer.state.into(),
        (Some(reason), None) if reason == TAKEN_BACK => PaymentViewState::Cancelled,
        (Some(_), None) => PaymentViewState::Refused,
        (None, None) => PaymentViewState::NotSent,
    };
    let again = again(book, row);
    let reason = answer.map_or_else(|| row.refused.clone(), |answer| answer.reason.clone());
    let first = PaymentStepView { state: PaymentViewState::NotSent, at: row.made_at };
    let steps = answer.map_or(&[][..], |answer| answer.history.as_slice());
    PaymentView {
        id: order.id,
        to: payee(book, order),
        method: order.method,
        amount: order.amount,
        state,
        reason: reason.filter(|reason| reason != TAKEN_BACK),
        bill: order.bill,
        due_on: order.due_on,
        sends_on: answer.map_or(order.send_on, |answer| Some(answer.will_process_on)),
        cutoff_at: answer.map(|answer| answer.cutoff_at),
        expected_by: answer.map(|answer| answer.expected_by),
        made_at: row.made_at,
        approve_by: answer
            .filter(|answer| answer.state == PaymentState::AwaitingApproval)
            .and_then(|answer| answer.approve_by),
        held_until: answer.and_then(|answer| answer.held_until),
        autopay: answer.is_some_and(|answer| answer.autopay),
        practice: answer.is_some_and(|answer| answer.rail == "sandbox" || (answer.rail == BOOK && book.practice)),
        rail: answer.map(|answer| PaymentRail::named(&answer.rail)),
        travels: answer.and_then(|answer| travels(book, answer)),
        can_cancel: match answer {
            Some(answer) => answer.state.can_cancel(),
            None => again.is_some() || row.refused.is_none() && untried.contains(&order.id),
        },
        again,
        history: if steps.is_empty() {
            vec![first]
        } else {
            steps.iter().map(|step| PaymentStepView { state: step.state.into(), at: step.at }).collect()
        },
    }
}

/// How long it has been on its way: it left when its order was first handed over.
fn travels(book: &Book, payment: &api::payments::Payment) -> Option<TravelView> {
    if !payment.state.has_left() {
        return None;
    }
    let left = payment.history.iter().find(|step| step.state == PaymentState::Submitting)?;
    let left_on = left.at.to_zoned(book.here.zone.clone()).date();
    let days = crate::book::days_between(left_on, book.today);
    Some(TravelView { days: u32::try_from(days).unwrap_or(0), late: book.today > payment.expected_by })
}

pub(crate) fn payee(book: &Book, order: &PaymentOrder) -> String {
    let biller = book.payee(order.biller).map(str::to_owned);
    let bill = || order.bill.and_then(|id| book.bill(id)).map(|bill| bill.name.clone());
    biller.or_else(bill).unwrap_or_default()
}
