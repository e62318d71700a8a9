//! What the rails of a server are to the payments on them, whichever rail that is.

use std::sync::Arc;

use api::payments::Payment;
use domain::money::Money;
use domain::payments::PaymentState;
use jiff::SignedDuration;

use super::settings::tests as settings_tests;
use super::*;
use crate::payments::approval::tests::{order, pay};
use crate::payments::rails::sandbox::Sandbox;
use crate::payments::{self, store};
use crate::testing::{TestDevice, World, on_each_engine};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("an amount")
}

#[tokio::test]
async fn a_server_does_not_start_while_payments_are_open_on_a_rail_that_it_has_not() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let order = pay(&device, &order(&world, 4_000, 0)).await.order;
        let started = async || world.app.rails.demand_all_in_use(&world.app.db).await;
        started().await.expect("a rail that it has");
        let on_rail = async |statement| {
            let mut tx = world.app.db.begin_write().await.expect("begins");
            store::run_raw(&mut tx, statement).await.expect("runs");
            tx.commit().await.expect("commits");
        };
        on_rail("UPDATE payment SET rail = 'nacha'").await;
        let refused = started().await.expect_err("it waits for ever");
        assert!(matches!(&refused, ConfigError::RailMissing(name) if name == "nacha"), "{refused}");
        device.post(&format!("/api/v1/payments/{}/cancel", order.id), &()).await.expect(200);
        started().await.expect("what is over needs no rail");
    })
    .await;
}

/// Dollars over files, from an account that is empty.
async fn over_files(world: &World, folder: &tempfile::TempDir) -> (World, TestDevice) {
    let settings = settings::RailSettings::read(&settings_tests::text(folder.path())).expect("reads");
    let world = world.with_rails(|app| {
        let (clock, zone) = (Arc::clone(&app.clock), app.settings.zone.clone());
        let sandbox = Sandbox::new(app.db.clone(), Arc::clone(&clock), zone.clone(), app.settings.practice.clone());
        Rails::new(Arc::new(sandbox), &settings, &app.db, &clock, zone)
    });
    let device = world.holder().await.at(&world);
    (world, device)
}

#[tokio::test]
async fn on_a_rail_of_files_money_is_waited_for_until_the_next_cut_off() {
    on_each_engine(async |world| {
        let folder = tempfile::tempdir().expect("a folder");
        let (world, device) = over_files(&world, &folder).await;
        let meridian = billers::named("Meridian Mobile").expect("a biller").id;
        let ordered = |minor| PaymentOrder { biller: meridian, ..order(&world, minor, 0) };
        let (small, large) = (ordered(4_000), ordered(9_000));
        for order in [&small, &large] {
            pay(&device, order).await;
        }
        let payment = async |order: &PaymentOrder| -> Payment {
            device.refresh().await.expect(200);
            device.get(&format!("/api/v1/payments/{}", order.id)).await.ok()
        };
        let states = async || (payment(&small).await.state, payment(&large).await.state);
        // From noon on a Monday to nine on Tuesday: the cut-off, the last look and midnight passed.
        world.pass(HOUR * 21, HOUR / 4).await;
        assert_eq!(states().await, (PaymentState::Insufficient, PaymentState::Insufficient));
        let mut tx = world.app.db.begin_read().await.expect("begins");
        let account = tx.ask(store::served_account(device.holder, Currency::USD)).await.expect("reads");
        drop(tx);
        assert!(payments::deposit(&world.app, account.expect("opened"), usd(5_000), "wire 1").await.expect("books"));
        world.pass(HOUR * 6, HOUR / 4).await;
        assert_eq!(states().await.0, PaymentState::Insufficient, "it can be taken back until the cut-off");
        world.pass(HOUR + HOUR / 4, HOUR / 4).await;
        assert_eq!(states().await, (PaymentState::Submitting, PaymentState::Failed));
        let left = payment(&small).await;
        assert_eq!(left.will_process_on, jiff::civil::date(2027, 3, 2), "it goes with the file of that day");
        world.pass(HOUR / 2, HOUR / 4).await;
        assert_eq!(states().await.0, PaymentState::Submitted);
    })
    .await;
}
