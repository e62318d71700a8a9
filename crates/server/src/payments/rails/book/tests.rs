use api::error::ErrorCode;
use api::payments::Payment;
use domain::card::closing::MoveKind;
use domain::ids::{AccountId, BillerId, PaymentId};
use domain::money::{Currency, Money};
use domain::payments::{PaymentOrder, PaymentState};
use jiff::SignedDuration;
use jiff::civil::date;

use crate::billers;
use crate::jobs::{self, Job, Kind};
use crate::ledger;
use crate::payments::{process, submit};
use crate::statements::{Opened, usd};
use crate::testing::{World, on_each_engine};

const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);

fn order(world: &World, card: AccountId, minor: i64) -> PaymentOrder {
    PaymentOrder {
        id: PaymentId::new(world.now(), world.app.chance10()),
        biller: BillerId::from_uuid(card.as_uuid()),
        reference: None,
        amount: usd(minor),
        bill: None,
        due_on: None,
        send_on: None,
        duplicate_meant: false,
        method: None,
    }
}

async fn payment(opened: &Opened<'_>, order: &PaymentOrder) -> Payment {
    opened.shop.device.get(&format!("/api/v1/payments/{}", order.id)).await.ok()
}

async fn owed(opened: &Opened<'_>) -> Money {
    let mut tx = opened.world.app.db.begin_read().await.unwrap();
    tx.ask(ledger::card_standing(opened.shop.device.holder, opened.shop.card, Currency::USD)).await.unwrap().owed
}

#[tokio::test]
async fn a_payment_to_a_card_counts_at_once_and_the_same_order_twice_pays_once() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        let order = order(&world, opened.shop.card, 15_000);
        opened.shop.device.post("/api/v1/payments", &order).await.expect(201);
        opened.shop.device.post("/api/v1/payments", &order).await.expect(200);
        world.work().await;
        opened.shop.device.post("/api/v1/payments", &order).await.expect(200);
        world.work().await;
        let paid = payment(&opened, &order).await;
        assert_eq!((paid.state, paid.rail.as_str()), (PaymentState::Settled, super::NAME));
        assert_eq!(owed(&opened).await, usd(25_000));
        let account = opened.account().await;
        assert_eq!((account.balance, account.available), (Some(usd(-25_000)), Some(usd(475_000))));
        // It stands on the statement, and the minimum of the next is not missed by it.
        opened.at_noon_of(date(2027, 3, 26));
        world.work().await;
        let statement = opened.statements().await.remove(0);
        let issued = statement.issued.expect("its issuer's figures");
        assert_eq!((issued.totals.purchases, issued.totals.payments), (usd(40_000), usd(15_000)));
        assert_eq!(issued.bill.balance, usd(25_000));
    })
    .await;
}

#[tokio::test]
async fn a_node_that_dies_while_it_pays_a_card_pays_it_once() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        let order = order(&world, opened.shop.card, 15_000);
        opened.shop.device.post("/api/v1/payments", &order).await.expect(201);
        let job = |kind, tries| Job { holder: opened.shop.device.holder, kind, subject: order.id.as_uuid(), tries };
        process(&world.app, &job(Kind::Process, 1)).await.unwrap();
        // Handed over before, by a node that is gone: it is asked about, and not handed over again.
        submit(&world.app, &job(Kind::Submit, 2)).await.unwrap();
        assert_eq!(payment(&opened, &order).await.state, PaymentState::Unknown);
        assert_eq!(owed(&opened).await, usd(40_000));
        world.pass(jiff::SignedDuration::from_secs(10), jiff::SignedDuration::from_secs(2)).await;
        assert_eq!(payment(&opened, &order).await.state, PaymentState::Settled);
        assert_eq!(owed(&opened).await, usd(25_000));
    })
    .await;
}

#[tokio::test]
async fn a_payment_to_a_card_is_not_looked_at_once_it_is_final_and_one_to_a_biller_is() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        let within = order(&world, opened.shop.card, 15_000);
        let biller = billers::directory()[0].id;
        let outside = PaymentOrder { id: PaymentId::new(world.now(), world.app.chance10()), biller, ..within.clone() };
        for order in [&within, &outside] {
            opened.shop.device.post("/api/v1/payments", order).await.expect(201);
        }
        world.pass(HALF_A_DAY * 14, HALF_A_DAY).await;
        opened.shop.device.refresh().await.expect(200);
        for order in [&within, &outside] {
            assert_eq!(payment(&opened, order).await.state, PaymentState::Final);
        }
        let mut tx = world.app.db.begin_read().await.unwrap();
        assert_eq!(jobs::subjects(&mut tx, Kind::Follow).await.unwrap(), [outside.id.as_uuid()]);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_payment_to_a_card_of_ones_own_is_refused_by_name() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        let good = order(&world, opened.shop.card, 15_000);
        let fresh = || PaymentId::new(world.now(), world.app.chance10());
        let euros = Money::new(15_000, Currency::EUR).unwrap();
        let refused = [
            (PaymentOrder { id: fresh(), amount: euros, ..good.clone() }, ErrorCode::UnknownCurrency),
            (PaymentOrder { id: fresh(), amount: usd(0), ..good.clone() }, ErrorCode::InvalidAmount),
        ];
        for (order, code) in refused {
            assert_eq!(opened.shop.device.post("/api/v1/payments", &order).await.expect(422).code(), code);
        }
        let stranger = world.holder().await;
        assert_eq!(stranger.post("/api/v1/payments", &good).await.expect(422).code(), ErrorCode::NotPayable);
        opened.shop.device.post("/api/v1/payments", &good).await.expect(201);
        let twin = PaymentOrder { id: fresh(), ..good };
        let answer = opened.shop.device.post("/api/v1/payments", &twin).await;
        assert_eq!(answer.expect(409).code(), ErrorCode::PossibleDuplicate);
    })
    .await;
}
