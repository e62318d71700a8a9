use api::purchases::{CardToken, LinkCard};
use api::sync::{Change, Page};
use domain::ids::{PurchaseId, TransactionId};
use domain::orders::{OrderItem, Parcel, ParcelItem};
use jiff::civil::date;

use super::*;
use crate::purchases::tests::{Shop, usd};
use crate::testing::{Answer, TestMerchant, World, on_each_engine};

fn parcel(item: u16, step: Option<PurchaseStepId>) -> Parcel {
    Parcel {
        contents: vec![ParcelItem { item, quantity: 1 }],
        on: date(2027, 3, 1),
        arrived_on: None,
        carrier: None,
        tracking: None,
        step,
    }
}

fn told(world: &World, purchase: PurchaseId) -> OrderTold {
    let item = |name: &str, minor| OrderItem { name: name.to_owned(), quantity: 1, amount: usd(minor) };
    OrderTold {
        revision: 1,
        purchase,
        number: "Q-20881".to_owned(),
        placed_at: world.now(),
        address: vec!["Ines Calloway".to_owned(), "12 Alder Court".to_owned()],
        items: vec![item("Lamp", 4_000), item("Chair", 6_000)],
        shipping: usd(0),
        tax: usd(0),
        discount: usd(0),
        cancelled: false,
        shipments: Vec::new(),
        returns: Vec::new(),
    }
}

fn new_id(world: &World) -> OrderId {
    OrderId::new(world.now(), world.app.chance10())
}

async fn tell(merchant: &TestMerchant, id: OrderId, told: &OrderTold) -> Answer {
    merchant.put(&format!("/merchant/v1/orders/{id}"), told).await
}

async fn orders(shop: &Shop<'_>) -> Vec<Order> {
    let page: Page = shop.device.get("/api/v1/sync").await.ok();
    let order = |change: Change| if let Record::Order(order) = change.record { Some(order) } else { None };
    page.changes.into_iter().filter_map(order).collect()
}

#[tokio::test]
async fn each_shipment_is_tied_to_its_charge_and_each_return_to_its_refund() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let (purchase, id) = (shop.new_id(), new_id(&world));
        shop.ask(purchase, 10_000).await.expect(200);
        let mut order = told(&world, purchase);
        for _ in 0..2 {
            tell(&shop.merchant, id, &order).await.expect(200);
        }
        let (first, second, back) = (shop.new_step(), shop.new_step(), shop.new_step());
        shop.capture(purchase, first, 4_000, false).await.expect(200);
        shop.capture(purchase, second, 6_000, true).await.expect(200);
        shop.refund(purchase, back, 6_000).await.expect(200);
        order.revision = 2;
        order.shipments = vec![parcel(0, Some(first)), parcel(1, Some(second))];
        order.returns = vec![parcel(1, Some(back))];
        tell(&shop.merchant, id, &order).await.expect(200);
        let seen = orders(&shop).await;
        assert_eq!(seen.len(), 1, "one order, as it is now");
        assert_eq!((seen[0].merchant.as_str(), seen[0].told.clone()), ("Quillmere", order));
        let mut amounts: Vec<i64> = seen[0].charges.iter().map(|charge| charge.amount.minor()).collect();
        amounts.sort_unstable();
        assert_eq!(amounts, [-6_000, 4_000, 6_000]);
        assert_eq!(shop.figures().await, (4_000, 96_000), "telling of an order moves nothing");
    })
    .await;
}

#[tokio::test]
async fn what_comes_late_or_otherwise_changes_nothing() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let (purchase, id) = (shop.new_id(), new_id(&world));
        shop.ask(purchase, 10_000).await.expect(200);
        let first = told(&world, purchase);
        let second = OrderTold { revision: 2, cancelled: true, ..first.clone() };
        tell(&shop.merchant, id, &second).await.expect(200);
        assert_eq!(tell(&shop.merchant, id, &first).await.code(), ErrorCode::VersionConflict);
        let other = OrderTold { cancelled: false, ..second.clone() };
        assert_eq!(tell(&shop.merchant, id, &other).await.code(), ErrorCode::KeyReused);
        assert_eq!(orders(&shop).await[0].told, second);
        let too_much = OrderTold { revision: 3, shipments: vec![parcel(0, None), parcel(0, None)], ..first };
        assert_eq!(tell(&shop.merchant, id, &too_much).await.code(), ErrorCode::InvalidRequest);
    })
    .await;
}

#[tokio::test]
async fn a_merchant_tells_of_its_own_purchases_and_of_their_own_steps() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let (purchase, other_purchase) = (shop.new_id(), shop.new_id());
        shop.ask(purchase, 4_000).await.expect(200);
        shop.ask(other_purchase, 4_000).await.expect(200);
        let (step, other_step) = (shop.new_step(), shop.new_step());
        shop.capture(purchase, step, 4_000, true).await.expect(200);
        shop.capture(other_purchase, other_step, 4_000, true).await.expect(200);
        let with = |step| OrderTold { shipments: vec![parcel(0, Some(step))], ..told(&world, purchase) };
        let foreign = tell(&shop.merchant, new_id(&world), &with(other_step)).await;
        assert_eq!(foreign.code(), ErrorCode::InvalidRequest, "it is another purchase's");
        let refunded =
            OrderTold { returns: vec![parcel(0, Some(step))], shipments: vec![parcel(0, None)], ..with(step) };
        let wrong = tell(&shop.merchant, new_id(&world), &refunded).await;
        assert_eq!(wrong.code(), ErrorCode::InvalidRequest, "a capture pays nothing back");
        tell(&shop.merchant, new_id(&world), &with(step)).await.expect(200);
        let twice = tell(&shop.merchant, new_id(&world), &with(step)).await;
        assert_eq!(twice.code(), ErrorCode::KeyReused, "a charge belongs to one order");

        let other = world.merchant("Halden").await;
        let code = shop.code().await.code;
        let _: CardToken = other.post("/merchant/v1/cards", &LinkCard { code }).await.ok();
        assert_eq!(tell(&other, new_id(&world), &told(&world, purchase)).await.code(), ErrorCode::NotFound);
        assert_eq!(orders(&shop).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_charge_says_what_the_wallet_paid_of_it() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(TransactionId::new(world.now(), world.app.chance10()), 6_000).await.expect(204);
        shop.wallet_first(true).await;
        let (purchase, id) = (shop.new_id(), new_id(&world));
        shop.ask(purchase, 10_000).await.expect(200);
        let (first, second, back) = (shop.new_step(), shop.new_step(), shop.new_step());
        shop.capture(purchase, first, 4_000, false).await.expect(200);
        shop.capture(purchase, second, 6_000, true).await.expect(200);
        shop.refund(purchase, back, 6_000).await.expect(200);
        let shipments = vec![parcel(0, Some(first)), parcel(1, Some(second))];
        let order = OrderTold { shipments, returns: vec![parcel(1, Some(back))], ..told(&world, purchase) };
        tell(&shop.merchant, id, &order).await.expect(200);
        let seen = orders(&shop).await;
        let paid = |step| seen[0].charges.iter().find(|charge| charge.step == step).and_then(|charge| charge.by_wallet);
        assert_eq!([first, second, back].map(paid), [usd(4_000), usd(2_000), usd(-2_000)].map(Some));
        let bought = shop.purchases().await;
        assert_eq!((bought[0].captured, bought[0].captured_by_wallet), (usd(10_000), Some(usd(6_000))));
    })
    .await;
}
