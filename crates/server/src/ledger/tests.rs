use domain::ids::PaymentId;
use domain::payments::{PaymentEvent, PaymentState};

use super::*;
use crate::testing::on_each_engine;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).unwrap()
}

#[tokio::test]
async fn one_cause_books_once_and_no_place_falls_below_zero() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let app = &world.app;
        let account = AccountId::new(world.now(), app.chance10());
        let payment = PaymentId::new(world.now(), app.chance10());
        let opening = Entry::opening(account, usd(1_000)).unwrap();
        let mut tx = app.db.begin_write().await.unwrap();
        book(app, &mut tx, device.holder, &opening).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = app.db.begin_write().await.unwrap();
        let again = match book(app, &mut tx, device.holder, &opening).await {
            // What nobody waits for is written with the commit.
            Ok(()) => tx.commit().await,
            refused => refused,
        };
        assert!(again.is_err_and(|error| error.is_duplicate()));
        let reserve = |minor| {
            Entry::of_payment(
                PaymentState::Scheduled,
                PaymentEvent::FundsReserved,
                payment,
                domain::ledger::Funds::Balance(account),
                None,
                usd(minor),
            )
            .unwrap()
            .unwrap()
        };
        let mut tx = app.db.begin_write().await.unwrap();
        let more = match book(app, &mut tx, device.holder, &reserve(1_001)).await {
            Ok(()) => tx.commit().await,
            refused => refused,
        };
        assert!(more.is_err(), "there is not so much");
        let mut tx = app.db.begin_write().await.unwrap();
        book(app, &mut tx, device.holder, &reserve(400)).await.unwrap();
        let standing = tx.ask(standing(device.holder, account, Currency::USD)).await.unwrap();
        assert_eq!((standing.own, standing.available), (usd(1_000), usd(600)));
    })
    .await;
}
