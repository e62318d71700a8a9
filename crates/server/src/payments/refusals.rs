//! Orders that cannot be: each kind is refused by its own name with the field that is wrong, at ordering and at a later
//! change alike, and leaves nothing of itself.

use api::error::{ErrorCode, Problem};
use api::payments::Payment;
use domain::card::closing::MoveKind;
use domain::ids::{AccountId, BillerId, MethodId, PaymentId};
use domain::payments::{PaymentOrder, PaymentState};
use domain::purchases::CardStatus;
use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::{Value, json};

use crate::billers;
use crate::card::set_by_operator;
use crate::methods::tests::add_card;
use crate::statements::{Opened, usd};
use crate::testing::{Answer, TestDevice, World, on_each_engine};

const PAYMENTS: &str = "/api/v1/payments";
/// One more than an amount can be.
const OVERFLOW: i64 = (1 << 53) + 1;
/// What is owed on the card when it is closed.
const OWED: i64 = 40_000;
/// A practice card, which ends with March.
const HERON: &str = "9990 0000 4403 4471";

/// The kinds of bad orders that every way of ordering refuses.
const KINDS: [&str; 9] = [
    "negative",
    "zero",
    "overflow",
    "foreign currency",
    "past date",
    "closed account",
    "expired method",
    "unknown payee",
    "duplicate",
];

/// A person with a card that is closed while something is owed on it, and a method that ends soon.
struct Person<'a> {
    opened: Opened<'a>,
    method: MethodId,
}

impl<'a> Person<'a> {
    async fn new(world: &'a World) -> Self {
        let opened = Opened::new(world).await;
        opened.moves(MoveKind::Purchase, OWED).await;
        let method = add_card(world, &opened.shop.device, HERON, "03/2027").await;
        Self { opened, method }
    }

    fn device(&self) -> &TestDevice {
        &self.opened.shop.device
    }

    fn card(&self) -> AccountId {
        self.opened.shop.card
    }

    async fn close_card(&self) {
        set_by_operator(&self.opened.world.app, self.device().holder, self.card(), CardStatus::Closed)
            .await
            .expect("closed");
    }

    /// A good order to somebody of the directory.
    fn order(&self, minor: i64) -> PaymentOrder {
        let world = self.opened.world;
        PaymentOrder {
            id: PaymentId::new(world.now(), world.app.chance10()),
            biller: billers::directory()[0].id,
            reference: None,
            amount: usd(minor),
            bill: None,
            due_on: None,
            send_on: None,
            duplicate_meant: false,
            method: None,
        }
    }

    fn to_card(&self, minor: i64) -> PaymentOrder {
        PaymentOrder { biller: BillerId::from_uuid(self.card().as_uuid()), ..self.order(minor) }
    }

    /// All that devices know of this person.
    async fn known(&self) -> String {
        self.device().get("/api/v1/sync/snapshot").await.expect(200).text()
    }
}

fn body(order: &PaymentOrder) -> Value {
    serde_json::to_value(order).expect("serialises")
}

fn with(order: &PaymentOrder, field: &str, value: Value) -> Value {
    let mut body = body(order);
    body[field] = value;
    body
}

fn amount(minor: impl Into<Value>, currency: &str) -> Value {
    json!({"minor": minor.into(), "currency": currency})
}

/// The name of a refusal, and the field that it says is wrong.
fn named(answer: &Answer) -> (ErrorCode, Option<String>) {
    let problem: Problem = answer.json();
    assert_eq!(answer.status.as_u16(), problem.code.status());
    (problem.code, problem.field)
}

#[tokio::test]
async fn every_kind_of_order_that_cannot_be_is_refused_by_its_name_and_leaves_nothing() {
    on_each_engine(async |world| {
        let person = Person::new(&world).await;
        person.device().post(PAYMENTS, &person.order(4_000)).await.expect(201);
        world.work().await;
        person.close_card().await;
        let good = person.order(4_100);
        let unknown = BillerId::from_uuid(good.id.as_uuid());
        let after = PaymentOrder { method: Some(person.method), send_on: Some(date(2027, 4, 1)), ..good.clone() };
        let money = |value| with(&good, "amount", value);
        use ErrorCode as E;
        let cases = [
            ("negative", money(amount(-1, "USD")), E::InvalidAmount, Some("amount")),
            ("zero", money(amount(0, "USD")), E::InvalidAmount, Some("amount")),
            ("overflow", money(amount(OVERFLOW, "USD")), E::InvalidAmount, Some("amount")),
            ("overflow", money(amount(-OVERFLOW, "USD")), E::InvalidAmount, Some("amount")),
            ("overflow", money(amount(1e30, "USD")), E::InvalidAmount, Some("amount")),
            ("overflow", money(amount(0.5, "USD")), E::InvalidAmount, Some("amount")),
            ("foreign currency", money(amount(100, "QQQ")), E::UnknownCurrency, Some("amount")),
            (
                "foreign currency",
                with(&person.to_card(100), "amount", amount(100, "EUR")),
                E::UnknownCurrency,
                Some("amount"),
            ),
            ("past date", with(&good, "send_on", "2027-02-01".into()), E::InvalidDate, Some("send_on")),
            ("past date", with(&good, "send_on", "2029-02-01".into()), E::InvalidDate, Some("send_on")),
            ("closed account", body(&person.to_card(OWED + 1)), E::AccountClosed, Some("biller")),
            ("expired method", body(&after), E::MethodNotDrawable, Some("method")),
            ("unknown payee", body(&PaymentOrder { biller: unknown, ..good.clone() }), E::NotPayable, Some("biller")),
            ("duplicate", body(&person.order(4_000)), E::PossibleDuplicate, None),
        ];
        let mut walked: Vec<&str> = cases.iter().map(|case| case.0).collect();
        walked.dedup();
        assert_eq!(walked, KINDS, "every kind is walked");
        let before = person.known().await;
        for (kind, body, code, field) in cases {
            let answer = person.device().post(PAYMENTS, &body).await;
            assert_eq!(named(&answer), (code, field.map(str::to_owned)), "{kind}: {body}");
            let id = body["id"].as_str().expect("an id");
            person.device().get(&format!("{PAYMENTS}/{id}")).await.expect(404);
        }
        world.work().await;
        assert_eq!(person.known().await, before, "nothing of what was refused is kept");
    })
    .await;
}

#[tokio::test]
async fn what_is_owed_on_a_card_that_is_over_is_still_paid_to_the_last_cent() {
    on_each_engine(async |world| {
        let person = Person::new(&world).await;
        // While it is in use more may be paid than is owed; the rest stays as a credit.
        let order = PaymentOrder { send_on: Some(date(2027, 3, 10)), ..person.to_card(OWED + 1) };
        person.device().post(PAYMENTS, &order).await.expect(201);
        person.device().post(&format!("{PAYMENTS}/{}/cancel", order.id), &()).await.expect(200);
        person.close_card().await;
        person.device().post(PAYMENTS, &person.to_card(OWED)).await.expect(201);
        world.work().await;
        assert_eq!(person.opened.shop.figures().await.0, 0, "all of it is paid");
        let more = person.device().post(PAYMENTS, &person.to_card(1)).await;
        assert_eq!(named(&more).0, ErrorCode::AccountClosed, "nothing is owed any more");
    })
    .await;
}

#[tokio::test]
async fn what_was_ordered_before_its_card_was_closed_and_is_more_than_is_owed_ends_by_name_and_moves_nothing() {
    on_each_engine(async |world| {
        let person = Person::new(&world).await;
        let later = |minor| PaymentOrder { send_on: Some(date(2027, 3, 10)), ..person.to_card(minor) };
        let (beyond, all) = (later(OWED + 1), later(OWED));
        let one_more = PaymentOrder { send_on: Some(date(2027, 3, 11)), ..person.to_card(1) };
        for order in [&beyond, &all, &one_more] {
            person.device().post(PAYMENTS, order).await.expect(201);
        }
        let found = async |order: &PaymentOrder| {
            let payment: Payment = person.device().get(&format!("{PAYMENTS}/{}", order.id)).await.ok();
            (payment.state, payment.reason)
        };
        let ended = (PaymentState::Failed, Some("account_closed".to_owned()));
        let accounts = async || person.device().get("/api/v1/accounts").await.text();
        let before = person.opened.shop.figures().await;
        person.close_card().await;
        assert_eq!(found(&beyond).await, ended, "it is said when the card is closed, not on the day");
        assert_eq!(found(&all).await, (PaymentState::Scheduled, None), "what is owed is still paid");
        assert_eq!(found(&one_more).await, (PaymentState::Scheduled, None));
        assert_eq!(person.opened.shop.figures().await.0, before.0, "nothing moved");
        world.pass(SignedDuration::from_hours(24 * 10), SignedDuration::from_hours(6)).await;
        person.device().refresh().await.expect(200);
        assert!(found(&all).await.0.counts_as_paid());
        assert_eq!(found(&one_more).await, ended, "by its day nothing was owed any more");
        assert_eq!(person.opened.shop.figures().await.0, 0);
        let now = accounts().await;
        world.pass(SignedDuration::from_hours(48), SignedDuration::from_hours(6)).await;
        person.device().refresh().await.expect(200);
        assert_eq!(accounts().await, now, "what ended is not tried again");
    })
    .await;
}

#[tokio::test]
async fn of_two_payments_of_one_day_a_card_that_is_over_takes_what_is_owed() {
    on_each_engine(async |world| {
        let person = Person::new(&world).await;
        person.close_card().await;
        let day = Some(date(2027, 3, 10));
        let orders = [(); 2].map(|()| PaymentOrder { send_on: day, duplicate_meant: true, ..person.to_card(OWED) });
        for order in &orders {
            person.device().post(PAYMENTS, order).await.expect(201);
        }
        world.pass(SignedDuration::from_hours(24 * 11), SignedDuration::from_hours(6)).await;
        person.device().refresh().await.expect(200);
        let mut states = Vec::new();
        for order in &orders {
            let payment: Payment = person.device().get(&format!("{PAYMENTS}/{}", order.id)).await.ok();
            states.push((payment.state.counts_as_paid(), payment.reason));
        }
        states.sort();
        assert_eq!(states, [(false, Some("account_closed".to_owned())), (true, None)]);
        assert_eq!(person.opened.shop.figures().await.0, 0, "nothing beyond it");
    })
    .await;
}

#[tokio::test]
async fn a_change_that_cannot_be_is_refused_as_the_order_would_be_and_changes_nothing() {
    on_each_engine(async |world| {
        let person = Person::new(&world).await;
        let later = Some(date(2027, 3, 10));
        let plain = PaymentOrder { send_on: later, method: Some(person.method), ..person.order(4_000) };
        let to_card = PaymentOrder { send_on: later, ..person.to_card(OWED) };
        for order in [&plain, &to_card] {
            person.device().post(PAYMENTS, order).await.expect(201);
        }
        person.close_card().await;
        let edit = |minor: Value, currency: &str, send_on: &str| json!({"amount": amount(minor, currency), "send_on": send_on, "seen": 1});
        use ErrorCode as E;
        let cases = [
            ("negative", &plain, edit((-1).into(), "USD", "2027-03-10"), E::InvalidAmount),
            ("zero", &plain, edit(0.into(), "USD", "2027-03-10"), E::InvalidAmount),
            ("overflow", &plain, edit(OVERFLOW.into(), "USD", "2027-03-10"), E::InvalidAmount),
            ("foreign currency", &plain, edit(4_000.into(), "EUR", "2027-03-10"), E::UnknownCurrency),
            ("foreign currency", &plain, edit(4_000.into(), "QQQ", "2027-03-10"), E::UnknownCurrency),
            ("past date", &plain, edit(4_000.into(), "USD", "2027-02-01"), E::InvalidDate),
            ("closed account", &to_card, edit((OWED + 1).into(), "USD", "2027-03-10"), E::AccountClosed),
            ("expired method", &plain, edit(4_000.into(), "USD", "2027-04-01"), E::MethodNotDrawable),
        ];
        let before = person.known().await;
        for (number, (kind, order, edit, code)) in cases.into_iter().enumerate() {
            let path = format!("{PAYMENTS}/{}", order.id);
            let answer = person.device().patch(&path, &format!("edit-{number}"), &edit).await;
            assert_eq!(named(&answer).0, code, "{kind}: {edit}");
            let payment: Payment = person.device().get(&path).await.ok();
            assert_eq!((payment.state, &payment.order), (PaymentState::Scheduled, order), "{kind}");
        }
        assert_eq!(person.known().await, before);
        let less = edit((OWED - 1).into(), "USD", "2027-03-11");
        person.device().patch(&format!("{PAYMENTS}/{}", to_card.id), "less", &less).await.expect(200);
    })
    .await;
}
