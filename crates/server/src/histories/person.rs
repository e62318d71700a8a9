//! One person of a history: what they do, what the models say of it, and what their device is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api::accounts::AccountEdit;
use api::autopay::AutopaySet;
use api::card::{ChoosePlan, LinkCode, OpenCard, PlanOffer, SetStatus};
use api::disputes::{Dispute, DisputeReason, DisputeWish};
use api::payments::Payment;
use api::purchases::{Authorize, Capture, CardToken, LinkCard, PurchaseState, Refund};
use api::sync::{Gone, Page, Record};
use api::wallet::{ReloadWallet, WalletAtCheckout};
use axum::http::Method;
use domain::accounts::{Account, Transaction, TransactionState};
use domain::autopay::{AutopayAmount, AutopayTerms};
use domain::bills::Bill;
use domain::card::{Excess, Grace, Issued};
use domain::ids::{
    AccountId, BillId, BillerId, DisputeId, PaymentId, PlanId, PurchaseId, PurchaseStepId, TransactionId,
};
use domain::money::{Currency, Money};
use domain::payments::{PaymentOrder, PaymentState};
use domain::purchases::{CardStatus, Decline, HOLD_DAYS, Purchase};
use domain::rewards::PurchaseCategory;
use domain::schedule::{Every, Schedule};
use domain::statements::StatementSummary;
use domain::wallet::{WalletMoveKind, WalletMoved};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::json;

use super::card::{Card, Deal, Said, Wrong};
use super::rent::{Rent, Standing};
use super::wallet::{Payers, Wallet};
use crate::testing::seeds::Dice;
use crate::testing::{Answer, TestDevice, TestMerchant, World};
use crate::{billers, disputes};

/// What a practice account opens with, in cents.
const OPENING: i64 = 1_000_000;
/// A payment is of this much at most: the rules of the risk look at large shares of a balance.
const PAYMENT_MAX: i64 = 9_000;
/// The plans that a card offers, for purchases of so much.
const DEALS: [(PlanOffer, Deal); 4] = [
    (PlanOffer::EqualPayments { months: 6 }, Deal::Equal { months: 6 }),
    (PlanOffer::EqualPayments { months: 12 }, Deal::Equal { months: 12 }),
    (PlanOffer::DeferredInterest { months: 6 }, Deal::Deferred { months: 6 }),
    (PlanOffer::DeferredInterest { months: 12 }, Deal::Deferred { months: 12 }),
];
const PLANNED_LEAST: i64 = 5_000;
/// A statement is made so long after its last day.
const CLOSES_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// A session ends after ninety days, however much it is used.
const SESSION_MAX: SignedDuration = SignedDuration::from_hours(24 * 75);
/// One of so many lets a bill be paid by itself; the others lock their account now and then.
const RENT_ONE_OF: u64 = 3;
/// One of so many disputes what they bought, and puts nothing on plans.
const DISPUTES_ONE_OF: u64 = 3;
const REASONS: [DisputeReason; 3] =
    [DisputeReason::NotReceived, DisputeReason::WrongAmount, DisputeReason::NotAsAgreed];
/// After the statement with the charge.
const SAID_WITHIN_DAYS: i32 = 60;

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
    captured_on: Option<Date>,
    refunded: i64,
    payers: Payers,
    plan: Option<PlanId>,
    captured_last_on: Option<Date>,
    /// What disputes left with the person.
    kept: i64,
    /// Reasons that were decided against them.
    lost: Vec<DisputeReason>,
}

/// An open dispute as the model has it.
struct Disputed {
    id: DisputeId,
    purchase: PurchaseId,
    reason: DisputeReason,
    opened_at: Timestamp,
    opened_on: Date,
    amount: i64,
    /// Of it: given back, and not refunded since.
    credited: i64,
}

impl Disputed {
    fn wrong(&self, cents: i64, over_on: Date) -> Wrong {
        Wrong { dispute: self.id, purchase: self.purchase, opened_at: self.opened_at, cents, over_on }
    }
}

impl Bought {
    /// What is held on the card.
    const fn held_by_card(&self) -> i64 {
        self.held - self.payers.reserved
    }
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
    wallet: Option<domain::wallet::Wallet>,
    disputes: HashMap<DisputeId, Dispute>,
    wallet_moves: HashMap<TransactionId, WalletMoved>,
    lines: HashMap<TransactionId, Transaction>,
    statements: BTreeMap<Date, StatementSummary>,
}

pub(super) struct Person<'a> {
    world: &'a World,
    merchant: &'a TestMerchant,
    device: TestDevice,
    signed_in_at: Timestamp,
    card: AccountId,
    token: String,
    dice: Dice,
    /// What failures are told by.
    told: String,
    number: u64,
    limit: i64,
    model: Card,
    wallet: Wallet,
    rent: Option<Rent>,
    frozen: bool,
    locked: bool,
    bought: Vec<Bought>,
    /// Those that are open, the oldest first.
    disputes: Vec<Disputed>,
    /// How many were opened.
    disputed: usize,
    paid: Vec<Paid>,
    copy: Copy,
}

impl<'a> Person<'a> {
    pub async fn new(world: &'a World, merchant: &'a TestMerchant, number: u64, mut dice: Dice) -> Self {
        let device = world.holder().await;
        let card = AccountId::new(world.now(), world.app.chance10());
        let limit = 10_000 + dice.amount(50_000);
        let closing_day = 1 + u8::try_from(dice.roll(28)).expect("small");
        let wanted = OpenCard { name: "Store card".to_owned(), limit: usd(limit), closing_day };
        device.put(&format!("/api/v1/cards/{card}"), &wanted).await.expect(200);
        let code: LinkCode = device.post(&format!("/api/v1/cards/{card}/codes"), &()).await.ok();
        let linked = merchant.post("/merchant/v1/cards", &LinkCard { code: code.code }).await;
        let token = linked.ok::<CardToken>().card_token;
        let today = world.now().to_zoned(world.app.settings.zone.clone()).date();
        let closing_day = i8::try_from(closing_day).expect("small");
        let rent =
            if number.is_multiple_of(RENT_ONE_OF) { Some(rent(world, &device, &mut dice, today).await) } else { None };
        Self {
            world,
            merchant,
            device,
            signed_in_at: world.now(),
            card,
            token,
            dice,
            told: String::new(),
            number,
            limit,
            model: Card::new(closing_day, today),
            wallet: Wallet::default(),
            rent,
            frozen: false,
            locked: false,
            bought: Vec::new(),
            disputes: Vec::new(),
            disputed: 0,
            paid: Vec::new(),
            copy: Copy::default(),
        }
    }

    /// Does one thing, and holds the answer against the model.
    pub async fn step(&mut self, step: usize) {
        self.told = format!("person {}, step {step}", self.number);
        match self.dice.roll(32) {
            13 | 14 | 23 if self.may_dispute() => self.dispute().await,
            15 | 24 if self.may_dispute() => self.decide().await,
            25 if self.may_dispute() => self.withdraw().await,
            0..=3 => self.buy().await,
            4..=6 => self.capture().await,
            7 => self.void().await,
            8 | 9 => self.refund().await,
            10 => self.freeze().await,
            11 | 12 if self.rent.is_some() => self.turn_rent().await,
            11 => self.lock().await,
            13..=16 => self.pay().await,
            17 => self.take_back().await,
            18 => self.buy_again().await,
            19 => self.pay_again().await,
            20..=22 => self.pay_card().await,
            23 | 24 => self.plan().await,
            25 => self.wish().await,
            26..=29 => self.reload().await,
            30 => self.turn_wallet().await,
            _ => {}
        }
    }

    // ---- What they do --------------------------------------------------------------------------------------------

    fn left(&self) -> i64 {
        self.limit - self.model.owed() - self.bought.iter().map(Bought::held_by_card).sum::<i64>()
    }

    /// In the wallet, for purchases that are not captured.
    fn reserved(&self) -> i64 {
        self.bought.iter().map(|one| one.payers.reserved).sum()
    }

    /// One of the purchases, if there is any.
    fn some_purchase(&mut self) -> Option<usize> {
        let count = self.bought.len() as u64;
        (count > 0).then(|| usize::try_from(self.dice.roll(count)).expect("small"))
    }

    /// Why the card declines to pay so much; nothing of it is nothing to pay.
    fn declines(&self, minor: i64) -> Option<Decline> {
        if self.frozen {
            return Some(Decline::Frozen);
        }
        if self.locked {
            return Some(Decline::Locked);
        }
        (minor > 0 && minor > self.left()).then_some(Decline::OverLimit)
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
        let of_wallet = self.wallet.part_of(amount);
        let declined = self.declines(amount - of_wallet);
        let answer: PurchaseState = self.ask(id, amount).await.ok();
        assert_eq!(answer.declined, declined, "{}", self.told);
        let asked_on = self.today();
        let held = if declined.is_none() { amount } else { 0 };
        let payers = self.wallet.reserve(if declined.is_none() { of_wallet } else { 0 });
        self.bought.push(Bought {
            id,
            amount,
            asked_on,
            declined,
            held,
            captured: 0,
            captured_on: None,
            refunded: 0,
            payers,
            plan: None,
            captured_last_on: None,
            kept: 0,
            lost: Vec::new(),
        });
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
            let today = self.today();
            let one = &mut self.bought[at];
            one.captured += amount;
            one.captured_on.get_or_insert(today);
            one.captured_last_on = Some(today);
            one.held = if last { 0 } else { one.held - amount };
            let of_card = self.wallet.captured(&mut one.payers, amount);
            if last {
                self.wallet.release(&mut one.payers);
            }
            if of_card > 0 {
                self.model.captured((today, self.world.now()), one.id, of_card);
            }
        }
    }

    async fn void(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let one = &mut self.bought[at];
        let answer = self.merchant.post(&format!("/merchant/v1/purchases/{}/void", one.id), &()).await;
        assert_eq!(answer.status.is_success(), one.declined.is_none(), "{}: {}", self.told, answer.text());
        one.held = 0;
        self.wallet.release(&mut one.payers);
    }

    async fn refund(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let amount = self.dice.amount(self.limit / 3);
        let one = &self.bought[at];
        // What a dispute left with the person is not given back once more.
        let fits = one.declined.is_none() && amount <= one.captured - one.refunded - one.kept;
        let path = format!("/merchant/v1/purchases/{}/refunds/{}", one.id, self.new_step());
        for _ in 0..2 {
            let answer = self.merchant.put(&path, &Refund { amount: usd(amount) }).await;
            assert_eq!(answer.status.is_success(), fits, "{}: {}", self.told, answer.text());
        }
        if fits {
            let given_back = self.given_back(self.bought[at].id);
            let (today, one) = (self.today(), &mut self.bought[at]);
            one.refunded += amount;
            let to_card = self.wallet.refunded(&mut one.payers, amount, (one.kept, given_back));
            let id = one.id;
            if to_card > 0 {
                self.model.given_back(today, id, to_card);
                self.refund_takes_the_place(id, to_card);
            }
        }
    }

    /// What open disputes of a purchase gave back.
    fn given_back(&self, purchase: PurchaseId) -> i64 {
        self.disputes.iter().filter(|one| one.purchase == purchase).map(|one| one.credited).sum()
    }

    /// As much of what open disputes gave back ends, the oldest first; one of which nothing is left is over.
    fn refund_takes_the_place(&mut self, purchase: PurchaseId, cents: i64) {
        let (today, ends) = (self.today(), cents.min(self.given_back(purchase)));
        if ends == 0 {
            return;
        }
        self.model.refund_took_its_place(today, ends);
        let mut left = ends;
        for one in self.disputes.iter_mut().filter(|one| one.purchase == purchase) {
            let of_one = left.min(one.credited);
            one.credited -= of_one;
            left -= of_one;
            if one.credited == 0 {
                self.model.found_wrong(one.wrong(one.amount, today));
            }
        }
        self.disputes.retain(|one| one.credited > 0);
    }

    const fn may_dispute(&self) -> bool {
        self.number % DISPUTES_ONE_OF == 1
    }

    /// Says that a charge is wrong, all that is left of it or a part.
    async fn dispute(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let (reason, part) = (*self.dice.pick(&REASONS), self.dice.amount(self.limit / 2));
        let wants_all = self.dice.happens(50);
        let (one, today) = (&self.bought[at], self.today());
        let left = one.captured - one.refunded - one.kept - self.given_back(one.id);
        let amount = if wants_all { left } else { part };
        let in_time = one.captured_last_on.is_some_and(|day| {
            today <= self.model.end_of_cycle(day).saturating_add(Span::new().days(SAID_WITHIN_DAYS))
        });
        let fits = in_time && (1..=left).contains(&amount) && !one.lost.contains(&reason);
        let (id, purchase) = (DisputeId::new(self.world.now(), self.world.app.chance10()), one.id);
        let wish = DisputeWish { purchase, reason, words: String::new(), amount: (!wants_all).then(|| usd(amount)) };
        for _ in 0..2 {
            let answer = self.device.put(&format!("/api/v1/disputes/{id}"), &wish).await;
            assert_eq!(answer.status.is_success(), fits, "{}: {}", self.told, answer.text());
        }
        if fits {
            self.model.disputed(today, id, amount);
            let (opened_at, opened_on) = (self.world.now(), today);
            self.disputes.push(Disputed { id, purchase, reason, opened_at, opened_on, amount, credited: amount });
            // Those of one moment are in the order of their ids.
            self.disputes.sort_by_key(|one| (one.opened_at, one.id));
            self.disputed += 1;
        }
    }

    /// One of the open disputes, which ends now.
    fn some_dispute(&mut self) -> Option<Disputed> {
        let count = self.disputes.len() as u64;
        (count > 0).then(|| self.disputes.remove(usize::try_from(self.dice.roll(count)).expect("small")))
    }

    /// Whoever runs the server decides.
    async fn decide(&mut self) {
        let (for_person, today) = (self.dice.happens(60), self.today());
        let Some(one) = self.some_dispute() else { return };
        disputes::decide(&self.world.app, one.id, for_person, "So it is").await.expect("open");
        if !for_person {
            self.model.owed_again(today, one.credited, None);
        }
        let bought = self.bought.iter_mut().find(|bought| bought.id == one.purchase).expect("bought");
        if for_person {
            bought.kept += one.credited;
        } else {
            bought.lost.push(one.reason);
        }
        // What the merchant gave back meanwhile was wrong in any case.
        let wrong = if for_person { one.amount } else { one.amount - one.credited };
        if wrong > 0 {
            self.model.found_wrong(one.wrong(wrong, today));
        }
    }

    async fn withdraw(&mut self) {
        let today = self.today();
        let Some(one) = self.some_dispute() else { return };
        let path = format!("/api/v1/disputes/{}/withdraw", one.id);
        for _ in 0..2 {
            self.device.post(&path, &json!({})).await.expect(200);
        }
        self.model.owed_again(today, one.credited, Some(one.opened_on));
        if one.amount > one.credited {
            self.model.found_wrong(one.wrong(one.amount - one.credited, today));
        }
    }

    /// How many disputes they opened.
    pub const fn disputes(&self) -> usize {
        self.disputed
    }

    /// Puts something by from the card.
    async fn reload(&mut self) {
        let minor = 400 + self.dice.amount(self.limit / 2);
        let fits = self.wallet.may_take(minor, self.reserved()) && self.declines(minor).is_none();
        let id = TransactionId::new(self.world.now(), self.world.app.chance10());
        let path = format!("/api/v1/cards/{}/wallet", self.card);
        for _ in 0..2 {
            let answer = self.device.post(&path, &ReloadWallet { id, amount: usd(minor) }).await;
            assert_eq!(answer.status.is_success(), fits, "{}: {}", self.told, answer.text());
        }
        if fits {
            self.model.charged(self.today(), minor);
            self.wallet.reloaded(minor);
            // Who puts something by mostly wants it spent.
            if !self.wallet.at_checkout && self.dice.happens(75) {
                self.turn_wallet().await;
            }
        }
    }

    /// Lets purchases be paid from the wallet first, or no more: what is approved already stays as it was settled.
    async fn turn_wallet(&mut self) {
        let on = !self.wallet.at_checkout;
        let path = format!("/api/v1/cards/{}/wallet/checkout", self.card);
        self.device.put(&path, &WalletAtCheckout { on }).await.expect(204);
        self.wallet.at_checkout = on;
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

    /// Puts a purchase on a plan, as long as the statement with it has not closed.
    async fn plan(&mut self) {
        let Some(at) = self.some_purchase() else { return };
        let (offer, deal) = *self.dice.pick(&DEALS);
        let plan = PlanId::new(self.world.now(), self.world.app.chance10());
        let (today, one) = (self.today(), &self.bought[at]);
        // What the wallet pays goes on no plan.
        let net = one.payers.by_card;
        let is_closed = one.captured_on.is_some_and(|day| day < self.model.cycle_of(today));
        let expected = match one.declined {
            Some(_) => 404,
            None if one.plan.is_some() || is_closed => 409,
            None if net + one.held_by_card() < PLANNED_LEAST => 422,
            None => 200,
        };
        let path = format!("/api/v1/cards/{}/plans/{plan}", self.card);
        for _ in 0..2 {
            let answer = self.device.put(&path, &ChoosePlan { purchase: one.id, offer }).await;
            assert_eq!(answer.status.as_u16(), expected, "{}: {}", self.told, answer.text());
        }
        if expected == 200 {
            self.model.planned(today, plan, one.id, deal, net);
            self.bought[at].plan = Some(plan);
        }
    }

    /// Pays the card: its minimum, a part, all of it, or more.
    async fn pay_card(&mut self) {
        let owed = self.model.owed().max(1);
        let minimum = self.model.minimum_left().unwrap_or(0).max(1);
        let minor = *self.dice.pick(&[minimum, minimum, 1 + owed / 2, owed, owed + 500]);
        let order = PaymentOrder {
            id: PaymentId::new(self.world.now(), self.world.app.chance10()),
            biller: BillerId::from_uuid(self.card.as_uuid()),
            reference: None,
            amount: usd(minor),
            bill: None,
            due_on: None,
            send_on: None,
            duplicate_meant: true,
            method: None,
        };
        let answer = self.device.post("/api/v1/payments", &order).await;
        assert_eq!(answer.status.is_success(), !self.locked, "{}: {}", self.told, answer.text());
        if answer.status.is_success() {
            self.model.paid(self.today(), minor);
            self.paid.push(Paid { order, turn: Turn::Settles, cancelled: false });
        }
    }

    /// Wants what is above the minimum to go to a plan first, or no more.
    async fn wish(&mut self) {
        let open: Vec<PlanId> = self.model.plans.iter().filter(|plan| plan.left() > 0).map(|plan| plan.id).collect();
        if open.is_empty() || self.locked {
            return;
        }
        let wish = (!self.dice.happens(25)).then(|| *self.dice.pick(&open));
        let edit = AccountEdit { excess: Some(wish.map_or(Excess::ByRate, Excess::Plan)), ..AccountEdit::default() };
        let key = format!("wish-{}", self.dice.roll(u64::MAX));
        self.device.patch(&format!("/api/v1/accounts/{}", self.card), &key, &edit).await.expect(200);
        self.model.wishes(wish);
    }

    /// Lets the bill be paid by itself, or no more, or not for now.
    async fn turn_rent(&mut self) {
        let (today, pauses) = (self.today(), self.dice.happens(50));
        let key = format!("rent-{}", self.dice.roll(u64::MAX));
        let Some(rent) = &mut self.rent else { return };
        let path = format!("/api/v1/bills/{}/autopay", rent.bill.id);
        let headers = [("idempotency-key", key.as_str())];
        match rent.standing {
            Standing::Off => {
                let set: AutopaySet = self.device.put(&path, &terms()).await.ok();
                assert!(set.set.is_some(), "{}: it is on at once", self.told);
                rent.goes_on(today);
            }
            Standing::On if pauses => {
                let body = json!({ "paused": true });
                self.device.send(Method::POST, &format!("{path}/pause"), &headers, Some(&body)).await.expect(200);
                rent.standing = Standing::Paused;
            }
            Standing::Paused if pauses => {
                let body = json!({ "paused": false });
                self.device.send(Method::POST, &format!("{path}/pause"), &headers, Some(&body)).await.expect(200);
                rent.goes_on(today);
            }
            Standing::On | Standing::Paused => {
                self.device.send(Method::DELETE, &path, &headers, Some(&json!({}))).await.expect(204);
                rent.standing = Standing::Off;
            }
        }
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

    /// Renews the session, or begins another before this one ends.
    pub async fn look_in(&mut self) {
        let now = self.world.now();
        if now.duration_since(self.signed_in_at) > SESSION_MAX {
            self.device = self.world.device(self.device.holder).await;
            self.signed_in_at = now;
        } else {
            self.device.refresh().await.expect(200);
        }
    }

    /// Reads what is new after time has passed, and holds all of it against the models.
    pub async fn look(&mut self) {
        let (today, now, zone) = (self.today(), self.world.now(), self.world.app.settings.zone.clone());
        self.model.close(|last| {
            let over = last.tomorrow().and_then(|day| day.to_datetime(Time::midnight()).to_zoned(zone.clone()));
            over.expect("a day").timestamp() + CLOSES_AFTER <= now
        });
        if let Some(rent) = &mut self.rent {
            rent.time_passed(today);
        }
        for one in &mut self.bought {
            if today > one.asked_on.saturating_add(Span::new().days(HOLD_DAYS)) {
                one.held = 0;
                self.wallet.release(&mut one.payers);
            }
        }
        self.read().await;
        self.card_is_as_the_model_says();
        self.wallet_is_as_the_model_says();
        self.disputes_are_as_the_model_says();
        self.statements_are_as_the_model_says();
        self.payments_are_as_the_model_says();
        self.rent_is_as_the_model_says();
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
                    Record::Wallet(wallet) => self.copy.wallet = Some(wallet),
                    Record::Dispute(dispute) => drop(self.copy.disputes.insert(dispute.id, dispute)),
                    Record::WalletMove(moved) => drop(self.copy.wallet_moves.insert(moved.what.id, moved)),
                    Record::Transaction(line) => drop(self.copy.lines.insert(line.id, line)),
                    Record::Statement(made) if made.account == self.card => {
                        drop(self.copy.statements.insert(made.closed_on, made));
                    }
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
        assert_eq!(card.balance, Some(usd(-self.model.owed())), "{told}: what is owed");
        assert_eq!(card.available, Some(usd(self.left())), "{told}: the credit");
        let held: i64 = self.bought.iter().map(Bought::held_by_card).sum();
        assert_eq!(self.lines(self.card, TransactionState::Posted), -self.model.owed(), "{told}: the posted lines");
        assert_eq!(self.lines(self.card, TransactionState::Pending), -held, "{told}: the pending lines");
        let served = card.card.as_ref().expect("a card of this server");
        let expected = if self.frozen { CardStatus::Frozen } else { CardStatus::Active };
        assert_eq!(served.status, expected, "{told}");
        let minimum_left = served.minimum_left.map(Money::minor);
        assert_eq!(minimum_left, self.model.minimum_left(), "{told}: what is left of the minimum");
        let asked: BTreeSet<(PlanId, i64)> = served.asked.iter().map(|one| (one.plan, one.amount.minor())).collect();
        assert_eq!(asked, self.model.asked().into_iter().collect(), "{told}: what plans still ask for");
        let plans: BTreeSet<(PlanId, i64)> = card.plans.iter().map(|plan| (plan.id, plan.left.minor())).collect();
        let left = self.model.plans.iter().map(|plan| (plan.id, plan.left())).filter(|plan| plan.1 > 0);
        assert_eq!(plans, left.collect(), "{told}: what is left of plans");
        let wish = self.model.wish().map_or(Excess::ByRate, Excess::Plan);
        assert_eq!(card.excess, wish, "{told}: what the person wishes");
        assert_eq!(self.copy.purchases.len(), self.bought.len(), "{told}: every purchase is told once");
        for one in &self.bought {
            let seen = &self.copy.purchases[&one.id];
            let seen = (seen.declined, seen.held.minor(), seen.captured.minor(), seen.refunded.minor(), seen.plan);
            let expected = (one.declined, one.held, one.captured, one.refunded, one.plan);
            assert_eq!(seen, expected, "{told}: a purchase");
            let reserved = self.copy.purchases[&one.id].held_by_wallet;
            assert_eq!(reserved, Some(usd(one.payers.reserved)), "{told}: what the wallet reserved for a purchase");
        }
    }

    fn wallet_is_as_the_model_says(&self) {
        let told = &self.told;
        let Some(seen) = &self.copy.wallet else {
            assert!(self.wallet.moves.is_empty() && !self.wallet.at_checkout, "{told}: a wallet is told of");
            return;
        };
        assert_eq!(seen.balance, usd(self.wallet.there), "{told}: what may be spent");
        assert_eq!(seen.held, Some(usd(self.reserved())), "{told}: what is reserved");
        assert_eq!(seen.at_checkout, self.wallet.at_checkout, "{told}");
        // Those of one moment are in no order.
        let mut moved: Vec<(WalletMoveKind, i64)> =
            self.copy.wallet_moves.values().map(|one| (one.what.kind, one.what.amount.minor())).collect();
        let mut moves = self.wallet.moves.clone();
        let order = |one: &(WalletMoveKind, i64)| (one.0.name(), one.1);
        moved.sort_by_key(order);
        moves.sort_by_key(order);
        assert_eq!(moved, moves, "{told}: what moved, all of it");
        let spent: i64 = self.wallet.moves.iter().map(|one| one.1).sum();
        assert_eq!(spent, self.wallet.there + self.reserved(), "{told}: its moves are what it has");
    }

    fn disputes_are_as_the_model_says(&self) {
        let told = &self.told;
        assert_eq!(self.copy.disputes.len(), self.disputed, "{told}: every dispute is told once");
        let open = self.copy.disputes.values().filter(|one| one.is_open());
        let open: BTreeSet<_> = open.map(|one| (one.id, one.amount.minor(), one.credited.minor())).collect();
        let expected = self.disputes.iter().map(|one| (one.id, one.amount, one.credited)).collect();
        assert_eq!(open, expected, "{told}: what is in dispute");
    }

    /// Purchases that card and wallet paid together.
    pub fn shared(&self) -> usize {
        self.bought.iter().filter(|one| one.payers.by_card > 0 && one.payers.by_wallet > 0).count()
    }

    fn statements_are_as_the_model_says(&self) {
        let told = &self.told;
        let seen: Vec<Said> = self.copy.statements.values().map(said).collect();
        assert_eq!(seen, self.model.said, "{told}: the statements");
        if let Some(last) = self.copy.statements.values().next_back() {
            let in_full = issued(last).bill.in_full.minor();
            assert!(self.model.is_smallest_in_full(in_full), "{told}: {in_full} is not what avoids interest");
        }
    }

    fn rent_is_as_the_model_says(&self) {
        let Some(rent) = &self.rent else { return };
        let mut paid: BTreeMap<Date, Vec<PaymentState>> = BTreeMap::new();
        for payment in self.copy.payments.values().filter(|payment| payment.state != PaymentState::Cancelled) {
            if let Some(due_on) = payment.order.due_on {
                paid.entry(due_on).or_default().push(payment.state);
            }
        }
        let (told, waiting) = (&self.told, rent.waiting(self.today()));
        let expected: BTreeSet<Date> = rent.paid().union(&waiting).copied().collect();
        assert_eq!(paid.keys().copied().collect::<BTreeSet<Date>>(), expected, "{told}: {:?}", rent.standing);
        for (due_on, states) in paid {
            let [state] = states.as_slice() else { panic!("{told}: {due_on} is paid more than once: {states:?}") };
            let has_left = matches!(state, PaymentState::Submitted | PaymentState::Settled | PaymentState::Final);
            assert!(has_left || *state == PaymentState::Scheduled, "{told}: {due_on} is {state:?}");
            assert_eq!(has_left, rent.paid().contains(&due_on), "{told}: {due_on} is {state:?}");
        }
    }

    fn payments_are_as_the_model_says(&self) {
        use PaymentState as S;
        let told = &self.told;
        let ordered = self.copy.payments.values().filter(|payment| payment.order.bill.is_none());
        assert_eq!(ordered.count(), self.paid.len(), "{told}: every payment is told once");
        for one in &self.paid {
            let state = self.copy.payments[&one.order.id].state;
            let may_be = if one.cancelled { state == S::Cancelled } else { one.turn.may_be(state) };
            assert!(may_be, "{told}: {:?} is {state:?}", one.turn);
        }
        let (mut set_aside, mut gone) = (0, 0);
        for payment in self.copy.payments.values() {
            let amount = payment.order.amount.minor();
            match payment.state {
                S::Unknown => set_aside += amount,
                S::Submitted | S::Settled | S::Final => gone += amount,
                _ => {}
            }
        }
        let Some(account) = self.copy.accounts.values().find(|account| account.id != self.card) else {
            assert!(self.copy.payments.is_empty(), "{told}: payments leave from an account");
            return;
        };
        assert_eq!(account.balance, Some(usd(OPENING - gone)), "{told}: the balance");
        assert_eq!(account.available, Some(usd(OPENING - gone - set_aside)), "{told}: what is available");
        assert_eq!(self.lines(account.id, TransactionState::Posted), OPENING - gone, "{told}: the account's lines");
    }

    pub const fn statements(&self) -> usize {
        self.model.said.len()
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

/// A bill of each month, which is not paid by itself yet.
async fn rent(world: &World, device: &TestDevice, dice: &mut Dice, today: Date) -> Rent {
    let day = 1 + i8::try_from(dice.roll(28)).expect("small");
    let id = BillId::new(world.now(), world.app.chance10());
    let schedule = Schedule::new(Every::Month, 1, today.with().day(day).build().expect("every month has that day"));
    let bill = Bill::new(id, "Rent".to_owned(), usd(dice.amount(PAYMENT_MAX)), schedule);
    let bill = Bill { biller: Some(billers::directory()[0].id), reference: Some("4471".to_owned()), ..bill };
    device.put(&format!("/api/v1/bills/{id}"), &bill).await.expect(200);
    Rent::new(bill, today)
}

/// All that is left of a due date, on its day.
fn terms() -> AutopayTerms {
    AutopayTerms {
        amount: AutopayAmount::Left,
        cap: usd(PAYMENT_MAX),
        warn_above: None,
        method: None,
        days_before: 0,
        ends_on: None,
        payments: None,
    }
}

fn issued(made: &StatementSummary) -> &Issued {
    made.issued.as_deref().expect("its issuer's figures")
}

/// A statement in the words of the model.
fn said(made: &StatementSummary) -> Said {
    let issued = issued(made);
    let (bill, totals) = (&issued.bill, &issued.totals);
    let mut plans: Vec<(PlanId, i64)> = issued.plans.iter().map(|plan| (plan.id, plan.left.minor())).collect();
    plans.sort_unstable();
    Said {
        opened_on: made.opened_on,
        closed_on: made.closed_on,
        opening: -made.opening.minor(),
        interest: totals.interest.minor(),
        landed: issued.landed.iter().map(|landed| landed.amount.minor()).sum(),
        fee: totals.fees.minor(),
        balance: bill.balance.minor(),
        minimum: bill.minimum.minor(),
        past_due: bill.past_due.minor(),
        purchases: bill.purchases.minor(),
        free: issued.grace == Grace::Kept,
        plans,
    }
}
