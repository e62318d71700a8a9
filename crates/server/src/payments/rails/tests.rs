//! What the rails of a server are to the payments on them, whichever rail that is.

use super::*;
use crate::payments::approval::tests::{order, pay};
use crate::payments::store;
use crate::testing::on_each_engine;

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
