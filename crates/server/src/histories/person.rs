//! One person of a history: what they do, what the model says of it, and what their device is told.

use std::collections::HashMap;

use api::card::{LinkCode, OpenCard, SetStatus};
use api::payments::Payment;
use api::purchases::{Authorize, Capture, CardToken, LinkCard, PurchaseState, Refund};
use api::sync::{Gone, Page, Record};
use domain::accounts::Account;
use domain::accounts::{Transaction, TransactionState};
use domain::ids::{AccountId, PaymentId, PurchaseId, PurchaseStepId, TransactionId};
use domain::money::{Currency, Money};
use domain::payments::{PaymentOrder, PaymentState};
use domain::purchases::{CardStatus, Decline, HOLD_DAYS, Purchase};
use domain::rewards::PurchaseCategory;
use jiff::civil::Date;
use jiff::{SignedDuration, Span};
use serde_json::json;

use crate::billers;
use crate::testing::seeds::Dice;
use crate::testing::{Answer, TestDevice, TestMerchant, World};

/// What a practice account opens with, in cents.
const OPENING: i64 = 1_000_000;
/// A payment is of this much at most: the rules of the risk look at large shares of a balance.
const PAYMENT_MAX: i64 = 9_000;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("in range")
}

/// A purchase as the model has it.
struct Bought {
    id: PurchaseId,
    amount: i64,
    asked_on: Date,
    declined: Option<Decline>,
    held: i64,
    captured: i64,
    refunded: i64,
}

/// How the practice bank was told to behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Settles,
    Declines,
    LosesAnswer,
    LosesOrder,
    Returns,
}

impl Turn {
    const ALL: [Self; 5] = [Self::Settles, Self::Declines, Self::LosesAnswer, Self::LosesOrder, Self::Returns];

    fn reference(self) -> String {
        let turn = match self {
            Self::Settles => "settle",
            Self::Declines => "decline",
            Self::LosesAnswer => "lost-answer",
            Self::LosesOrder => "lost-order",
            Self::Returns => "return",
        };
        format!("practice:{turn}")
    }

    /// Where a payment ends that nobody takes back.
    const fn end(self) -> PaymentState {
        match self {
            Self::Settles | Self::LosesAnswer | Self::LosesOrder => PaymentState::Final,
            Self::Declines => PaymentState::Rejected,
            Self::Returns => PaymentState::Returned,
        }
    }

    /// Where it may be seen before it is there.
    fn may_be(self, state: PaymentState) -> bool {
        use PaymentState as S;
        let on_its_way = match self {
            Self::Settles => matches!(state, S::Submitted | S::Settled),
            Self::Declines => false,
            Self::LosesAnswer | Self::LosesOrder => matches!(state, S::Unknown | S::Submitted | S::Settled),
            // A return that comes before anybody looks is seen at once.
            Self::Returns => matches!(state, S::Submitted | S::Settled),
        };
        on_its_way || state == self.end() || matches!(state, S::Scheduled | S::Held)
    }
}

struct Paid {
    order: PaymentOrder,
    turn: Turn,
    cancelled: bool,
}

/// What a device keeps of the feed.
#[derive(Default)]
struct Copy {
    cursor: Option<String>,
    number: i64,
    accounts: HashMap<AccountId, Account>,
    payments: HashMap<PaymentId, Payment>,
    purchases: HashMap<PurchaseId, Purchase>,
    lines: HashMap<TransactionId, Transaction>,
}

pub(super) struct Person<'a> {
    world: &'a World,
    merchant: &'a TestMerchant,
    device: TestDevice,
    card: AccountId,
    token: String,
    dice: Dice,
    /// What failures are told by.
    told: String,
    number: u64,
    limit: i64,
    owed: i64,
    frozen: bool,
    locked: bool,
    bought: Vec<Bought>,
    paid: Vec<Paid>,
    copy: Copy,
}

impl<'a> Person<'a> {
    pub async fn new(world: &'a World, merchant: &'a TestMerchant, number: u64, mut dice: Dice) -> Self {
        let device = world.holder().await;
        let card = AccountId::new(world.now(), world.app.chance10());
        let limit = 10_000 + dice.amount(50_000);
        let wanted = OpenCard { name: "Store card".to_owned(), limit: usd(limit), closing_day: 25 };
        device.put(&format!("/api/v1/cards/{card}"), &wanted).await.expect(200);
        let code: LinkCode = device.post(&format!("/api/v1/cards/{card}/codes"), &()).await.ok();
        let linked = merchant.post("/merchant/v1/cards", &LinkCard { code: code.code }).await;
        let token = linked.ok::<CardToken>().card_token;
        Self {
            world,
            merchant,
            device,
            card,
            token,
            dice,
            told: String::new(),
            number,
            limit,
            owed: 0,
            frozen: false,
            locked: false,
            bought: Vec::new(),
            paid: Vec::new(),
            copy: Copy::default(),
        }
    }

    /// Does one thing, and holds the answer against the model.
    pub async fn step(&mut self, step: usize) {
        self.told = format!("person {}, step {step}", self.number);
        match self.dice.roll(20) {
            0..=3 => self.buy().await,
            4..=6 => self.capture().await,
            7 => self.void().await,
            8 | 9 => self.refund().await,
            10 => self.freeze().await,
            11 => self.lock().await,
            12..=15 => self.pay().await,
            16 => self.take_back().await,
            17 => self.buy_again().await,
            18 => self.pay_again().await,
            _ => {}
        }
    }

    // ---- What they do --------------------------------------------------------------------------------------------

    fn left(&self) -> i64 {
        self.limit - self.owed - self.bought.iter().map(|one| one.held).sum::<i64>()
    }

    /// One of the purchases, if there is any.
    fn some_purchase(&mut self) -> Option<usize> {
        let count = self.bought.len() as u64;
        (count > 0).then(|| usize::try_from(self.dice.roll(count)).expect("small"))
    }

    fn declines(&self, minor: i64) -> Option<Decline> {
        if self.frozen {
            return Some(Decline::Frozen);
        }
        if self.locked {
            return Some(Decline::Locked);
        }
        (minor > self.left()).then_some(Decline::OverLimit)
    }

    async fn ask(&self, id: PurchaseId, minor: i64) -> Answer {
        let wanted = Authorize {
            card_token: self.token.clone(),
            amount: usd(minor),
            description: "Lamps".to_owned(),
            category: PurchaseCategory::Other,
        };
        self.merchant.put(&format!("/merchant/v1/purchases/{id}"), &wanted).await
    }

    async fn buy(&mut self) {
        let (id, amount) = (PurchaseId::new(self.world.now(), self.world.app.chance10()), self.dice.amount(self.limit));
        let declined = self.declines(amount);
        let answer: PurchaseState = self.ask(id, amount).await.ok();
        assert_eq!(answer.declined, declined, "{}", self.told);
        let asked_on = self.today();
        let held = if declined.is_none() { amount } else { 0 };
        self.bought.push(Bought { id, amount, asked_on, declined, held, captured: 0, refunded: 0 });
    }

    /// The merchant heard no answer and asks again.
    async fn buy_again(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let one = &self.bought[at];
        let answer: PurchaseState = self.ask(one.id, one.amount).await.ok();
        assert_eq!((answer.declined, answer.held), (one.declined, usd(one.held)), "{}", self.told);
        self.ask(one.id, one.amount + 1).await.expect(422);
    }

    fn new_step(&self) -> PurchaseStepId {
        PurchaseStepId::new(self.world.now(), self.world.app.chance10())
    }

    async fn capture(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let (amount, last) = (self.dice.amount(self.limit / 2), self.dice.happens(50));
        let one = &self.bought[at];
        let fits = one.declined.is_none() && amount <= one.held;
        let path = format!("/merchant/v1/purchases/{}/captures/{}", one.id, self.new_step());
        // Each is sent twice: the second changes nothing.
        for _ in 0..2 {
            let answer = self.merchant.put(&path, &Capture { amount: usd(amount), last }).await;
            assert_eq!(answer.status.is_success(), fits, "{}: {}", self.told, answer.text());
        }
        if fits {
            let one = &mut self.bought[at];
            one.captured += amount;
            one.held = if last { 0 } else { one.held - amount };
            self.owed += amount;
        }
    }

    async fn void(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let one = &mut self.bought[at];
        let answer = self.merchant.post(&format!("/merchant/v1/purchases/{}/void", one.id), &()).await;
        assert_eq!(answer.status.is_success(), one.declined.is_none(), "{}: {}", self.told, answer.text());
        one.held = 0;
    }

    async fn refund(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let amount = self.dice.amount(self.limit / 3);
        let one = &self.bought[at];
        let fits = one.declined.is_none() && amount <= one.captured - one.refunded;
        let path = format!("/merchant/v1/purchases/{}/refunds/{}", one.id, self.new_step());
        for _ in 0..2 {
            let answer = self.merchant.put(&path, &Refund { amount: usd(amount) }).await;
            assert_eq!(answer.status.is_success(), fits, "{}: {}", self.told, answer.text());
        }
        if fits {
            self.bought[at].refunded += amount;
            self.owed -= amount;
        }
    }

    async fn freeze(&mut self) {
        let status = if self.frozen { CardStatus::Active } else { CardStatus::Frozen };
        let answer = self.device.post(&format!("/api/v1/cards/{}/status", self.card), &SetStatus { status }).await;
        // A lock never stops a freeze, and always its end.
        let taken = !self.frozen || !self.locked;
        assert_eq!(answer.status.is_success(), taken, "{}: {}", self.told, answer.text());
        if taken {
            self.frozen = !self.frozen;
        }
    }

    async fn lock(&mut self) {
        if self.locked {
            self.device.delete("/api/v1/security/lock").await.expect(204);
        } else {
            self.device.post("/api/v1/security/lock", &json!({})).await.expect(200);
        }
        self.locked = !self.locked;
    }

    async fn pay(&mut self) {
        let turn = *self.dice.pick(&Turn::ALL);
        let days = i32::try_from(self.dice.roll(6)).expect("small");
        let order = PaymentOrder {
            id: PaymentId::new(self.world.now(), self.world.app.chance10()),
            biller: billers::directory()[0].id,
            reference: Some(turn.reference()),
            amount: usd(self.dice.amount(PAYMENT_MAX)),
            bill: None,
            due_on: None,
            send_on: (days > 2).then(|| self.today().saturating_add(Span::new().days(days))),
            duplicate_meant: true,
            method: None,
        };
        let answer = self.device.post("/api/v1/payments", &order).await;
        assert_eq!(answer.status.is_success(), !self.locked, "{}: {}", self.told, answer.text());
        if answer.status.is_success() {
            self.paid.push(Paid { order, turn, cancelled: false });
        }
    }

    /// The answer was lost, and the device sends again; then something else under the same id.
    async fn pay_again(&mut self) {
        let Some(last) = self.paid.last() else { return };
        self.device.post("/api/v1/payments", &last.order).await.expect(200);
        let other = PaymentOrder { amount: usd(PAYMENT_MAX + 1), ..last.order.clone() };
        self.device.post("/api/v1/payments", &other).await.expect(422);
    }

    async fn take_back(&mut self) {
        let Some(last) = self.paid.last_mut() else { return };
        let answer = self.device.post(&format!("/api/v1/payments/{}/cancel", last.order.id), &()).await;
        last.cancelled |= answer.status.is_success();
    }

    // ---- What they are told --------------------------------------------------------------------------------------

    fn today(&self) -> Date {
        self.world.now().to_zoned(self.world.app.settings.zone.clone()).date()
    }

    /// Reads what is new after time has passed, and holds all of it against the model.
    pub async fn look(&mut self, pause: SignedDuration) {
        if pause >= SignedDuration::from_mins(2) {
            self.device.refresh().await.expect(200);
        }
        let today = self.today();
        for one in &mut self.bought {
            if today > one.asked_on.saturating_add(Span::new().days(HOLD_DAYS)) {
                one.held = 0;
            }
        }
        self.read().await;
        self.card_is_as_the_model_says();
        self.payments_are_as_the_model_says();
    }

    async fn read(&mut self) {
        loop {
            let path = match &self.copy.cursor {
                Some(cursor) => format!("/api/v1/sync?cursor={cursor}"),
                None => "/api/v1/sync".to_owned(),
            };
            let page: Page = self.device.get(&path).await.ok();
            for change in page.changes {
                assert!(change.number >= self.copy.number, "{}: numbers only grow", self.told);
                self.copy.number = change.number;
                match change.record {
                    Record::Account(account) => drop(self.copy.accounts.insert(account.id, account)),
                    Record::Payment(payment) => drop(self.copy.payments.insert(payment.order.id, payment)),
                    Record::Purchase(purchase) => drop(self.copy.purchases.insert(purchase.id, purchase)),
                    Record::Transaction(line) => drop(self.copy.lines.insert(line.id, line)),
                    Record::Gone(Gone::Transaction { id }) => drop(self.copy.lines.remove(&id)),
                    _ => {}
                }
            }
            self.copy.cursor = Some(page.cursor);
            if !page.more {
                return;
            }
        }
    }

    fn lines(&self, account: AccountId, state: TransactionState) -> i64 {
        let there = self.copy.lines.values().filter(|line| line.account == account && line.state == state);
        there.map(|line| line.amount.minor()).sum()
    }

    fn card_is_as_the_model_says(&self) {
        let told = &self.told;
        let card = &self.copy.accounts[&self.card];
        assert_eq!(card.balance, Some(usd(-self.owed)), "{told}: what is owed");
        assert_eq!(card.available, Some(usd(self.left())), "{told}: the credit");
        let held: i64 = self.bought.iter().map(|one| one.held).sum();
        assert_eq!(self.lines(self.card, TransactionState::Posted), -self.owed, "{told}: the posted lines");
        assert_eq!(self.lines(self.card, TransactionState::Pending), -held, "{told}: the pending lines");
        let status = card.card.as_ref().map(|card| card.status);
        let expected = if self.frozen { CardStatus::Frozen } else { CardStatus::Active };
        assert_eq!(status, Some(expected), "{told}");
        assert_eq!(self.copy.purchases.len(), self.bought.len(), "{told}: every purchase is told once");
        for one in &self.bought {
            let seen = &self.copy.purchases[&one.id];
            let seen = (seen.declined, seen.held.minor(), seen.captured.minor(), seen.refunded.minor());
            assert_eq!(seen, (one.declined, one.held, one.captured, one.refunded), "{told}: a purchase");
        }
    }

    fn payments_are_as_the_model_says(&self) {
        use PaymentState as S;
        let told = &self.told;
        assert_eq!(self.copy.payments.len(), self.paid.len(), "{told}: every payment is told once");
        let (mut set_aside, mut gone) = (0, 0);
        for one in &self.paid {
            let state = self.copy.payments[&one.order.id].state;
            let may_be = if one.cancelled { state == S::Cancelled } else { one.turn.may_be(state) };
            assert!(may_be, "{told}: {:?} is {state:?}", one.turn);
            let amount = one.order.amount.minor();
            match state {
                S::Unknown => set_aside += amount,
                S::Submitted | S::Settled | S::Final => gone += amount,
                _ => {}
            }
        }
        let Some(account) = self.copy.accounts.values().find(|account| account.id != self.card) else {
            assert!(self.paid.is_empty(), "{told}: payments leave from an account");
            return;
        };
        assert_eq!(account.balance, Some(usd(OPENING - gone)), "{told}: the balance");
        assert_eq!(account.available, Some(usd(OPENING - gone - set_aside)), "{told}: what is available");
        assert_eq!(self.lines(account.id, TransactionState::Posted), OPENING - gone, "{told}: the account's lines");
    }

    /// Long after the last step: nothing is under way, but what a lock holds. Answers how many payments arrived.
    pub fn ended(&self) -> usize {
        for one in &self.paid {
            let state = self.copy.payments[&one.order.id].state;
            let expected = if one.cancelled { PaymentState::Cancelled } else { one.turn.end() };
            let is_held = self.locked && state == PaymentState::Held;
            assert!(state == expected || is_held, "{}: {:?} ended as {state:?}", self.told, one.turn);
        }
        self.copy.payments.values().filter(|payment| payment.state == PaymentState::Final).count()
    }
}
