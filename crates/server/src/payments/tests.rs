use api::accounts::AccountList;
use api::bills::Bill;
use domain::ids::BillId;
use domain::money::Currency;
use domain::schedule::{Every, Schedule};
use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::feed::tests::rent;
use crate::testing::{TestDevice, World, on_each_engine};

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap()
}

fn order(world: &World, amount: &str, reference: Option<&str>) -> PaymentOrder {
    PaymentOrder {
        id: PaymentId::new(world.now(), world.app.chance10()),
        biller: billers::directory()[0].id,
        reference: reference.map(str::to_owned),
        amount: usd(amount),
        bill: None,
        due_on: None,
        send_on: None,
        duplicate_meant: false,
        method: None,
    }
}

async fn pay(device: &TestDevice, order: &PaymentOrder) -> Payment {
    device.post("/api/v1/payments", order).await.ok()
}

async fn state_of(device: &TestDevice, id: PaymentId) -> PaymentState {
    device.get(&format!("/api/v1/payments/{id}")).await.ok::<Payment>().state
}

async fn money(device: &TestDevice) -> (String, String) {
    let accounts: AccountList = device.get("/api/v1/accounts").await.ok();
    let served = accounts.items.into_iter().find(|account| account.keeping == Keeping::Served).unwrap();
    (served.balance.unwrap().to_string(), served.available.unwrap().to_string())
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn a_payment_goes_from_ordered_to_final_and_moves_its_money_once() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let order = order(&world, "40.00", Some("4471"));
        let answer = device.post("/api/v1/payments", &order).await;
        answer.expect(201);
        let payment: Payment = answer.json();
        assert_eq!(payment.state, PaymentState::Scheduled);
        assert_eq!(payment.rail, "sandbox");
        assert_eq!(payment.will_process_on, date(2027, 3, 1));
        world.work().await;
        assert_eq!(state_of(&device, order.id).await, PaymentState::Submitted);
        assert_eq!(money(&device).await, ("9960.00 USD".to_owned(), "9960.00 USD".to_owned()));
        world.advance(SECOND * 2);
        world.work().await;
        assert_eq!(state_of(&device, order.id).await, PaymentState::Settled);
        world.pass(HOUR * 24 * 4, HOUR).await;
        device.refresh().await.expect(200);
        let payment: Payment = device.get(&format!("/api/v1/payments/{}", order.id)).await.ok();
        assert_eq!(payment.state, PaymentState::Final);
        let states: Vec<PaymentState> = payment.history.iter().map(|step| step.state).collect();
        use PaymentState as S;
        assert_eq!(
            states,
            [S::Scheduled, S::Reserved, S::Submitting, S::Submitted, S::Settled, S::Final],
            "every state that it was in, in order"
        );
        assert_eq!(money(&device).await.0, "9960.00 USD");
    })
    .await;
}

#[tokio::test]
async fn the_same_order_ten_times_at_once_is_one_payment() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let order = order(&world, "40.00", None);
        let all = futures_util::future::join_all((0..10).map(|_| device.post("/api/v1/payments", &order))).await;
        let made = all.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        assert_eq!(made, 1);
        assert!(all.iter().all(|answer| answer.status.is_success()));
        world.pass(SECOND * 5, SECOND).await;
        assert_eq!(money(&device).await.0, "9960.00 USD");
        let mut other = order.clone();
        other.amount = usd("41.00");
        assert_eq!(device.post("/api/v1/payments", &other).await.code(), ErrorCode::KeyReused);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_comes_again_after_its_day_is_taken_only_if_it_was_before() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let before = world.now() + HOUR;
        let late = format!("/api/v1/payments?before={before}");
        let (came, lost) = (order(&world, "40.00", None), order(&world, "25.00", None));
        pay(&device, &came).await;
        world.advance(HOUR);
        device.refresh().await.expect(200);
        let known: Payment = device.post(&late, &came).await.expect(200).json();
        assert_eq!(known.order, came, "what was taken in time stands");
        assert_eq!(device.post(&late, &lost).await.expect(409).code(), ErrorCode::DayPassed);
        device.get(&format!("/api/v1/payments/{}", lost.id)).await.expect(404);
        pay(&device, &lost).await;
    })
    .await;
}

#[tokio::test]
async fn more_than_is_left_of_a_due_date_is_asked_about() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let bill = domain::bills::Bill { biller: Some(billers::directory()[0].id), ..rent(&world) };
        device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
        let (april, may, june, july) = (date(2027, 4, 1), date(2027, 5, 1), date(2027, 6, 1), date(2027, 7, 1));
        let of_date = |amount: &str, due_on| PaymentOrder {
            bill: Some(bill.id),
            due_on: Some(due_on),
            send_on: Some(due_on),
            ..order(&world, amount, None)
        };
        let ordered = async |order: &PaymentOrder| device.post("/api/v1/payments", order).await;
        ordered(&of_date("940.00", april)).await.expect(201);
        assert_eq!(ordered(&of_date("10.01", april)).await.code(), ErrorCode::PossibleDuplicate);
        ordered(&of_date("10.00", april)).await.expect(201);
        assert_eq!(ordered(&of_date("0.01", april)).await.code(), ErrorCode::PossibleDuplicate);
        let meant = PaymentOrder { duplicate_meant: true, ..of_date("0.01", april) };
        ordered(&meant).await.expect(201);
        ordered(&of_date("950.00", may)).await.expect(201);
        // What was said to be paid elsewhere counts.
        let mark = Mark { paid_elsewhere: Some(usd("950.00")), ..Mark::new(bill.id, june) };
        let (path, key) = (format!("/api/v1/bills/{}/occurrences/{june}", bill.id), [("idempotency-key", "june")]);
        device.send(axum::http::Method::PUT, &path, &key, Some(&mark)).await.expect(200);
        assert_eq!(ordered(&of_date("950.00", june)).await.code(), ErrorCode::PossibleDuplicate);
        // The only one may be of more: nobody knows better what is due.
        ordered(&of_date("960.00", july)).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn of_twins_that_come_at_once_one_is_taken_and_the_others_are_asked_about() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        pay(&device, &order(&world, "1.00", None)).await;
        // Each is looked at while none is taken; whoever comes second looks again.
        let twins: Vec<_> = (0..10).map(|_| order(&world, "40.00", None)).collect();
        let all = futures_util::future::join_all(twins.iter().map(|twin| device.post("/api/v1/payments", twin))).await;
        let (made, refused): (Vec<_>, Vec<_>) = all.iter().partition(|answer| answer.status.is_success());
        assert_eq!((made.len(), refused.len()), (1, 9));
        assert!(refused.iter().all(|answer| answer.code() == ErrorCode::PossibleDuplicate));
        world.pass(SECOND * 5, SECOND).await;
        assert_eq!(money(&device).await.0, "9959.00 USD");
    })
    .await;
}

#[tokio::test]
async fn the_practice_bank_can_decline_lose_answers_lose_orders_and_return() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let turns = [
            ("practice:decline", PaymentState::Rejected, Some("declined")),
            ("practice:lost-answer", PaymentState::Settled, None),
            ("practice:lost-order", PaymentState::Settled, None),
            ("practice:return", PaymentState::Returned, Some("R03")),
            ("practice:wait", PaymentState::Submitted, None),
        ];
        let mut orders = Vec::new();
        for (at, (turn, _, _)) in turns.iter().enumerate() {
            let order = order(&world, &format!("{}.00", 10 + at), Some(turn));
            pay(&device, &order).await;
            orders.push(order);
        }
        world.work().await;
        assert_eq!(state_of(&device, orders[1].id).await, PaymentState::Unknown);
        assert_eq!(state_of(&device, orders[2].id).await, PaymentState::Unknown);
        assert_eq!(
            device.post(&format!("/api/v1/payments/{}/cancel", orders[1].id), &()).await.code(),
            ErrorCode::TooLate,
            "what may have left is not taken back"
        );
        world.pass(SECOND * 60, SECOND).await;
        for (order, (turn, state, reason)) in orders.iter().zip(turns) {
            let payment: Payment = device.get(&format!("/api/v1/payments/{}", order.id)).await.ok();
            assert_eq!(payment.state, state, "{turn}");
            assert_eq!(payment.reason.as_deref(), reason, "{turn}");
        }
        // Paid: 11, 12 and 14; the declined 10 and the returned 13 are back.
        assert_eq!(money(&device).await, ("9963.00 USD".to_owned(), "9963.00 USD".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_payment_for_a_later_day_waits_and_can_be_taken_back_until_it_leaves() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let mut first = order(&world, "25.00", None);
        first.send_on = Some(date(2027, 3, 10));
        let mut second = order(&world, "26.00", None);
        second.send_on = Some(date(2027, 3, 10));
        assert_eq!(pay(&device, &first).await.will_process_on, date(2027, 3, 10));
        pay(&device, &second).await;
        world.work().await;
        assert_eq!(state_of(&device, first.id).await, PaymentState::Scheduled);
        let cancelled: Payment = device.post(&format!("/api/v1/payments/{}/cancel", first.id), &()).await.ok();
        assert_eq!(cancelled.state, PaymentState::Cancelled);
        let again: Payment = device.post(&format!("/api/v1/payments/{}/cancel", first.id), &()).await.ok();
        assert_eq!(again.state, PaymentState::Cancelled, "twice is no error");
        world.pass(HOUR * 24 * 9, HOUR * 6).await;
        device.refresh().await.expect(200);
        assert_eq!(state_of(&device, first.id).await, PaymentState::Cancelled);
        assert_eq!(state_of(&device, second.id).await, PaymentState::Settled);
        assert_eq!(
            device.post(&format!("/api/v1/payments/{}/cancel", second.id), &()).await.code(),
            ErrorCode::AlreadySettled
        );
        assert_eq!(money(&device).await.0, "9974.00 USD");
    })
    .await;
}

#[tokio::test]
async fn a_cancel_and_the_day_at_once_end_in_one_of_the_two() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        for _ in 0..8 {
            let order = order(&world, "5.00", None);
            let order = PaymentOrder { duplicate_meant: true, ..order };
            pay(&device, &order).await;
            let path = format!("/api/v1/payments/{}/cancel", order.id);
            let (cancel, ()) = tokio::join!(device.post(&path, &()), world.work());
            world.pass(SECOND * 4, SECOND).await;
            let state = state_of(&device, order.id).await;
            let expected = if cancel.status.is_success() { PaymentState::Cancelled } else { PaymentState::Settled };
            assert_eq!(state, expected, "{}", cancel.text());
        }
    })
    .await;
}

#[tokio::test]
async fn without_the_money_it_is_tried_again_and_then_given_up() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let large = order(&world, "9000.00", None);
        let larger = order(&world, "9001.00", None);
        pay(&device, &large).await;
        world.work().await;
        pay(&device, &larger).await;
        world.work().await;
        assert_eq!(state_of(&device, larger.id).await, PaymentState::Insufficient);
        world.pass(HOUR * 48, HOUR).await;
        device.refresh().await.expect(200);
        let payment: Payment = device.get(&format!("/api/v1/payments/{}", larger.id)).await.ok();
        assert_eq!((payment.state, payment.reason.as_deref()), (PaymentState::Failed, Some("insufficient_funds")));
        assert_eq!(money(&device).await.0, "1000.00 USD");
    })
    .await;
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_before_anything_is_kept() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let good = order(&world, "40.00", None);
        let refused = async |change: &dyn Fn(&mut PaymentOrder)| {
            let mut order = order(&world, "40.00", None);
            change(&mut order);
            device.post("/api/v1/payments", &order).await.code()
        };
        let unpayable = billers::directory().iter().find(|biller| !biller.payable).unwrap().id;
        assert_eq!(refused(&|order| order.biller = unpayable).await, ErrorCode::NotPayable);
        let unknown = |order: &mut PaymentOrder| order.biller = domain::ids::BillerId::from_uuid(order.id.as_uuid());
        assert_eq!(refused(&unknown).await, ErrorCode::NotPayable, "an unknown payee");
        assert_eq!(refused(&|order| order.amount = usd("0")).await, ErrorCode::InvalidAmount);
        assert_eq!(refused(&|order| order.amount = usd("-1")).await, ErrorCode::InvalidAmount);
        assert_eq!(refused(&|order| order.reference = Some("x".repeat(61))).await, ErrorCode::TooLong);
        assert_eq!(refused(&|order| order.send_on = Some(date(2027, 2, 1))).await, ErrorCode::InvalidDate);
        assert_eq!(refused(&|order| order.send_on = Some(date(2029, 2, 1))).await, ErrorCode::InvalidDate);
        assert_eq!(
            refused(&|order| order.bill = Some(BillId::from_uuid(order.id.as_uuid()))).await,
            ErrorCode::InvalidRequest
        );
        let no_bill = |order: &mut PaymentOrder| {
            order.bill = Some(BillId::from_uuid(order.id.as_uuid()));
            order.due_on = Some(date(2027, 3, 9));
        };
        assert_eq!(refused(&no_bill).await, ErrorCode::NotFound);
        let mut text = serde_json::to_value(&good).unwrap();
        text["amount"] = json!({"currency": "USD"});
        assert_eq!(device.post("/api/v1/payments", &text).await.code(), ErrorCode::InvalidRequest);
        world.work().await;
        let page: api::sync::Page = device.get("/api/v1/sync").await.ok();
        let half_done = page.changes.iter().filter(|change| matches!(change.record, Record::Payment(_))).count();
        assert_eq!(half_done, 0, "nothing of what was refused is kept");
        pay(&device, &good).await;
        assert_eq!(refused(&|_| ()).await, ErrorCode::PossibleDuplicate);
        let meant = PaymentOrder { duplicate_meant: true, ..order(&world, "40.00", None) };
        device.post("/api/v1/payments", &meant).await.expect(201);
        let stranger = world.holder().await;
        stranger.get(&format!("/api/v1/payments/{}", good.id)).await.expect(404);
        stranger.post(&format!("/api/v1/payments/{}/cancel", good.id), &()).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn a_payment_of_a_bill_names_its_date_and_is_in_the_feed() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let id = BillId::new(world.now(), world.app.chance10());
        let schedule = Schedule::new(Every::Month, 1, date(2027, 1, 9));
        let biller = Some(billers::directory()[0].id);
        let bill = Bill { estimated: true, biller, ..Bill::new(id, "Phone".to_owned(), usd("40"), schedule) };
        let path = format!("/api/v1/bills/{}", bill.id);
        device.put(&path, &bill).await.expect(200);
        let mut order = order(&world, "41.20", None);
        (order.bill, order.due_on) = (Some(bill.id), Some(date(2027, 3, 9)));
        pay(&device, &order).await;
        world.pass(SECOND * 3, SECOND).await;
        let page: api::sync::Page = device.get("/api/v1/sync").await.ok();
        let payment = page.changes.iter().find_map(|change| match &change.record {
            Record::Payment(payment) => Some(payment),
            _ => None,
        });
        let payment = payment.expect("the payment is told to devices");
        assert_eq!((payment.state, payment.order.due_on), (PaymentState::Settled, order.due_on));
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_refuses_an_illegal_step_and_a_changed_posting() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let order = order(&world, "40.00", None);
        pay(&device, &order).await;
        world.work().await;
        let mut tx = world.app.db.begin_write().await.unwrap();
        let mut payment = store::find(&mut tx, device.holder, order.id).await.unwrap().unwrap();
        payment.history.push(PaymentStep { state: PaymentState::Scheduled, at: world.now(), reason: None });
        let position = payment.history.len() - 1;
        let added = store::add_step(&mut tx, &payment, Some(PaymentState::Submitted), position).await;
        // On SQLite the step is written with the commit.
        let refused = if added.is_ok() { tx.commit().await } else { added };
        assert!(refused.is_err(), "submitted never becomes scheduled again");
        for statement in ["UPDATE ledger_posting SET amount_minor = 1", "DELETE FROM ledger_entry"] {
            let mut tx = world.app.db.begin_write().await.unwrap();
            assert!(store::run_raw(&mut tx, statement).await.is_err(), "{statement}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_table_of_moves_is_the_rules_of_the_domain() {
    on_each_engine(async |world| {
        let mut tx = world.app.db.begin_read().await.unwrap();
        let mut stored = store::moves(&mut tx).await.unwrap();
        stored.sort();
        let name = |state| store::state_name(state).unwrap();
        let mut legal: Vec<(String, String)> =
            PaymentState::FIRST.iter().map(|first| (String::new(), name(*first))).collect();
        for from in PaymentState::ALL {
            let reached = PaymentEvent::ALL.iter().filter_map(|event| from.after(*event).ok());
            legal.extend(reached.map(|to| (name(from), name(to))));
        }
        legal.sort();
        legal.dedup();
        assert_eq!(stored, legal);
    })
    .await;
}
