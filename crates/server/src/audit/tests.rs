use domain::ids::PaymentId;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;

use super::*;
use crate::billers;
use crate::purchases::tests::Shop;
use crate::testing::on_each_engine;

/// Each spoils the books in one way that the database itself cannot see.
const SPOILED: &[(&str, &str)] = &[
    ("UPDATE place_balance SET amount_minor = amount_minor + 1 WHERE place = 'available'", "a place's balance"),
    ("UPDATE payment SET state = 'settled'", "a payment's state is its last step's"),
    ("UPDATE payment SET state = 'returned'", "leaves every place as it found it"),
    (
        "INSERT INTO ledger_entry (holder_id, entry_id, cause, subject_id, made_at)
         SELECT holder_id, holder_id, 'settled', holder_id, 0 FROM holder",
        "each entry has what caused it",
    ),
    (
        "INSERT INTO ledger_posting (holder_id, entry_id, position, account_id, place, amount_minor, currency)
         SELECT holder_id, entry_id, 9, account_id, place, 9007199254740992, currency FROM ledger_posting WHERE position = 0",
        "one that every program reads exactly",
    ),
    ("DELETE FROM job", "has a job"),
    ("UPDATE place_balance SET currency = 'EUR' WHERE place = 'available'", "holds its one currency"),
    (
        "UPDATE payment SET amount_minor = 4001, order_body = REPLACE(order_body, '4000', '4001')",
        "is what was approved",
    ),
    ("UPDATE payment_approval SET used_at = NULL", "was set aside on one, once"),
    (
        "INSERT INTO restraint (holder_id, number, reason, level, since)
         SELECT holder_id, 1, 'risk', 'locked', 0 FROM holder",
        "while the account was locked",
    ),
    ("UPDATE device SET revoked_at = 1", "on a device after it was signed out"),
    ("DELETE FROM sandbox_order", "the practice bank has an order for each payment"),
    ("UPDATE sandbox_order SET rail_key = 'other'", "no order that no payment sent"),
    ("UPDATE record SET number = 1000000", "ahead of its holder's feed"),
    ("DELETE FROM record WHERE kind = 3", "each payment is in the feed"),
    ("UPDATE record SET amount_minor = 1 WHERE kind = 4", "its lines sum to it"),
    ("DELETE FROM record WHERE kind = 5", "each entry of the security log"),
    (
        "INSERT INTO security_event (holder_id, number, at, kind, hash)
         SELECT holder_id, MAX(number) + 1, 0, 'signed_in', 'made up' FROM security_event GROUP BY holder_id",
        "the chain that was written",
    ),
];

#[tokio::test]
async fn the_audit_finds_what_was_spoiled_and_nothing_in_good_books() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let order = PaymentOrder {
            id: PaymentId::new(world.now(), world.app.chance10()),
            biller: billers::directory()[0].id,
            reference: None,
            amount: Money::new(4_000, Currency::USD).unwrap(),
            bill: None,
            due_on: None,
            send_on: None,
            duplicate_meant: false,
            method: None,
        };
        device.post("/api/v1/payments", &order).await.expect(201);
        world.work().await;
        let report = run(&world.app.db).await.unwrap();
        assert!(report.faults.is_empty() && report.questions > 15, "{report:?}");
        for (statement, found) in SPOILED {
            // Spoiled and asked within one transaction, which is undone.
            let mut tx = world.app.db.begin_write().await.unwrap();
            store::spoil(&mut tx, statement).await.unwrap();
            let report = look(&mut tx, None).await.unwrap();
            assert!(report.faults.iter().any(|fault| fault.contains(found)), "{statement}: {:?}", report.faults);
        }
    })
    .await;
}

/// As above, on a card whose charge earned rewards.
const SPOILED_CARD: &[(&str, &str)] = &[
    ("UPDATE reward SET redeemed_minor = 1", "what became of a reward is what moved of it"),
    ("UPDATE reward SET given_minor = 1", "what rewards give to others"),
    (
        "INSERT INTO reward_move (holder_id, step_id, kind, cause_id, card_id, amount_minor, moved_at)
         SELECT holder_id, step_id, 'redeemed', step_id, card_id, 1, 0 FROM reward",
        "each use of rewards is booked",
    ),
    (
        "INSERT INTO ledger_entry (holder_id, entry_id, cause, subject_id, made_at)
         SELECT holder_id, holder_id, 'rewarded', holder_id, 0 FROM holder",
        "nothing is booked that was not used",
    ),
    ("UPDATE purchase SET category = 'groceries'", "keeps the rewards of what stays charged"),
    ("UPDATE reward SET charged_minor = charged_minor + 1", "a reward is of a charge of its card"),
    ("DELETE FROM record WHERE kind = 17", "devices are told of each reward"),
    (
        "INSERT INTO wallet_move (holder_id, move_id, card_id, kind, amount_minor, description, moved_on, moved_at)
         SELECT holder_id, holder_id, card_id, 'reload', 1, '', '2027-03-01', 0 FROM card",
        "each move of a wallet is booked",
    ),
    (
        "INSERT INTO wallet_move (holder_id, move_id, card_id, kind, amount_minor, description, moved_on, moved_at)
         SELECT holder_id, holder_id, card_id, 'reload', 1, '', '2027-03-01', 0 FROM card",
        "devices are told of each wallet that",
    ),
    (
        "INSERT INTO wallet_move (holder_id, move_id, card_id, kind, amount_minor, description, moved_on, moved_at)
         SELECT holder_id, holder_id, card_id, 'reload', 1, '', '2027-03-01', 0 FROM card",
        "devices are told of each move",
    ),
    ("UPDATE place_balance SET place = 'wallet' WHERE place = 'owed'", "what a wallet has is what moved in it"),
    ("UPDATE purchase SET wallet_minor = 1", "what a wallet paid of a purchase"),
    (
        "INSERT INTO auto_reload (holder_id, card_id, below_minor, amount_minor, month_most_minor, device_id, set_at)
         SELECT holder_id, card_id, 500, 500, 500, holder_id, 0 FROM card",
        "a wallet that is to be reloaded is looked at",
    ),
];

#[tokio::test]
async fn the_audit_finds_what_was_spoiled_on_a_card() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let id = shop.new_id();
        shop.ask(id, 10_000).await.expect(200);
        shop.capture(id, shop.new_step(), 10_000, true).await.expect(200);
        for (statement, found) in SPOILED_CARD {
            let mut tx = world.app.db.begin_write().await.unwrap();
            store::spoil(&mut tx, statement).await.unwrap();
            let report = look(&mut tx, None).await.unwrap();
            assert!(report.faults.iter().any(|fault| fault.contains(found)), "{statement}: {:?}", report.faults);
        }
    })
    .await;
}
