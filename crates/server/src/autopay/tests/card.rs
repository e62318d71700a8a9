//! A card of this server that is paid by itself: from the closing of its statement to the payment of its due date.

use domain::card::closing::MoveKind;
use domain::purchases::CardStatus;

use super::*;
use crate::statements::Opened;

/// The statement of 25 March is due then.
const DUE: Date = date(2027, 4, 19);

fn of(amount: AutopayAmount) -> AutopayTerms {
    AutopayTerms { amount, ..terms() }
}

fn path(opened: &Opened<'_>) -> String {
    format!("/api/v1/cards/{}/autopay", opened.shop.card)
}

/// Turns it on where the device is all there is to ask.
async fn set_card(opened: &Opened<'_>, terms: &AutopayTerms) {
    let answer: AutopaySet = opened.shop.device.put(&path(opened), terms).await.ok();
    assert!(answer.set.is_some(), "it is on at once");
    opened.world.work().await;
}

/// 400 dollars were bought on 1 March; the statement of 25 March was made, and it is noon of the 26th.
async fn with_statement(world: &World) -> Opened<'_> {
    let opened = Opened::new(world).await;
    opened.moves(MoveKind::Purchase, 40_000).await;
    days(world, &opened.shop.device, 25).await;
    assert_eq!(opened.statements().await.len(), 1);
    opened
}

/// State, day and amount of each payment of the card that was not taken back, in order.
async fn of_card(opened: &Opened<'_>) -> Vec<(S, Date, i64)> {
    let all = all_of_card(opened).await.into_iter().filter(|one| one.state != S::Cancelled);
    all.map(|one| (one.state, one.will_process_on, one.order.amount.minor())).collect()
}

async fn all_of_card(opened: &Opened<'_>) -> Vec<Payment> {
    let payee = AutopayOf::payee_of_card(opened.shop.card);
    let of_card = |record| match record {
        Record::Payment(payment) => Some(payment).filter(|payment: &Payment| payment.order.biller == payee),
        _ => None,
    };
    let mut all: Vec<Payment> = records(&opened.shop.device).await.into_iter().filter_map(of_card).collect();
    all.sort_by_key(|payment| (payment.will_process_on, payment.id()));
    all
}

async fn owed(opened: &Opened<'_>) -> i64 {
    opened.account().await.balance.unwrap().negated().minor()
}

/// A payment by hand, on its day.
async fn by_hand(opened: &Opened<'_>, minor: i64, on: Date) -> domain::ids::PaymentId {
    let order = domain::payments::PaymentOrder {
        biller: AutopayOf::payee_of_card(opened.shop.card),
        reference: None,
        send_on: Some(on),
        ..order(opened.world, minor, 0)
    };
    pay(&opened.shop.device, &order).await;
    opened.world.work().await;
    order.id
}

#[tokio::test]
async fn what_a_statement_asks_for_is_seen_when_it_closes_and_leaves_on_its_due_date_once() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        opened.moves(MoveKind::Purchase, 40_000).await;
        set_card(&opened, &of(AutopayAmount::Statement)).await;
        assert_eq!(of_card(&opened).await, [], "no statement asks for anything yet");
        days(&world, &opened.shop.device, 25).await;
        assert_eq!(of_card(&opened).await, [(S::Scheduled, DUE, 40_000)], "with the closing");
        // Bought since: of the next statement.
        opened.moves(MoveKind::Purchase, 5_000).await;
        set_card(&opened, &of(AutopayAmount::Statement)).await;
        days(&world, &opened.shop.device, 31).await;
        let made = of_card(&opened).await;
        assert_eq!(made.len(), 2, "{made:?}");
        assert!(made[0].0.counts_as_paid() && made[0].1 == DUE && made[0].2 == 40_000, "{made:?}");
        assert_eq!(made[1], (S::Scheduled, date(2027, 5, 19), 5_000), "of the statement of 25 April, without interest");
        assert_eq!(owed(&opened).await, 5_000);
    })
    .await;
}

#[tokio::test]
async fn each_way_to_pay_a_card_is_worked_out_on_its_day() {
    let fixed = |minor| AutopayAmount::Fixed { amount: usd(minor) };
    // 400 on the statement, 30 at least; given back 20 and bought 70 since.
    let cases = [
        (AutopayAmount::Minimum, 3_000, 1_000),
        (AutopayAmount::Statement, 40_000, 38_000),
        (AutopayAmount::Current, 40_000, 45_000),
        (fixed(5_000), 5_000, 5_000),
        (fixed(500), 3_000, 1_000),
    ];
    for (amount, at_first, on_the_day) in cases {
        on_each_engine(async |world| {
            let opened = with_statement(&world).await;
            set_card(&opened, &of(amount)).await;
            assert_eq!(of_card(&opened).await, [(S::Scheduled, DUE, at_first)], "{amount:?}");
            days(&world, &opened.shop.device, 20).await;
            opened.moves(MoveKind::Refund, 2_000).await;
            opened.moves(MoveKind::Purchase, 7_000).await;
            let before = owed(&opened).await;
            days(&world, &opened.shop.device, 5).await;
            let made = of_card(&opened).await;
            assert!(made.len() == 1 && made[0].0.counts_as_paid(), "{amount:?} {made:?}");
            assert_eq!(made[0].2, on_the_day, "{amount:?}");
            assert_eq!(owed(&opened).await, before - on_the_day, "{amount:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_paid_by_hand_is_not_paid_again() {
    on_each_engine(async |world| {
        let opened = with_statement(&world).await;
        set_card(&opened, &of(AutopayAmount::Statement)).await;
        // One that leaves before the due date is taken off at once, and put back when it is taken back.
        let early = by_hand(&opened, 10_000, date(2027, 4, 10)).await;
        assert_eq!(of_card(&opened).await, [(S::Scheduled, date(2027, 4, 10), 10_000), (S::Scheduled, DUE, 30_000)]);
        opened.shop.device.post(&format!("/api/v1/payments/{early}/cancel"), &json!({})).await.expect(200);
        world.work().await;
        assert_eq!(of_card(&opened).await, [(S::Scheduled, DUE, 40_000)]);
        by_hand(&opened, 39_000, date(2027, 4, 10)).await;
        days(&world, &opened.shop.device, 16).await;
        assert_eq!(of_card(&opened).await.last(), Some(&(S::Scheduled, DUE, 1_000)), "what is left");
        by_hand(&opened, 1_000, date(2027, 4, 12)).await;
        days(&world, &opened.shop.device, 10).await;
        let paid: i64 = of_card(&opened).await.iter().map(|one| one.2).sum();
        assert_eq!((paid, owed(&opened).await), (40_000, 0), "and no cent more");
    })
    .await;
}

#[tokio::test]
async fn no_more_is_taken_than_is_owed() {
    on_each_engine(async |world| {
        let opened = with_statement(&world).await;
        set_card(&opened, &of(AutopayAmount::Fixed { amount: usd(90_000) })).await;
        assert_eq!(of_card(&opened).await, [(S::Scheduled, DUE, 40_000)]);
        opened.moves(MoveKind::Refund, 40_000).await;
        days(&world, &opened.shop.device, 27).await;
        assert_eq!((of_card(&opened).await, owed(&opened).await), (Vec::new(), 0), "everything was given back");
    })
    .await;
}

#[tokio::test]
async fn a_card_that_is_frozen_or_lost_is_paid_all_the_same() {
    for status in [CardStatus::Frozen, CardStatus::Lost] {
        on_each_engine(async |world| {
            let opened = with_statement(&world).await;
            set_card(&opened, &of(AutopayAmount::Current)).await;
            opened.shop.set(status).await.expect(204);
            days(&world, &opened.shop.device, 26).await;
            let made = of_card(&opened).await;
            assert!(made.len() == 1 && made[0].0.counts_as_paid(), "{status:?} {made:?}");
            assert_eq!(owed(&opened).await, 0, "{status:?}");
            assert_eq!(state(&opened.shop.device).await, Some(AutopayState::On));
        })
        .await;
    }
}

#[tokio::test]
async fn off_and_paused_take_the_payment_of_a_card_back() {
    on_each_engine(async |world| {
        let opened = with_statement(&world).await;
        let device = &opened.shop.device;
        set_card(&opened, &of(AutopayAmount::Minimum)).await;
        let pause = format!("{}/pause", path(&opened));
        send(device, Verb::POST, &pause, "1", &json!({"paused": true})).await.expect(200);
        assert_eq!((of_card(&opened).await, state(device).await), (Vec::new(), Some(AutopayState::Paused)));
        send(device, Verb::POST, &pause, "2", &json!({"paused": false})).await.expect(200);
        world.work().await;
        assert_eq!(of_card(&opened).await, [(S::Scheduled, DUE, 3_000)]);
        send(device, Verb::DELETE, &path(&opened), "off", &json!({})).await.expect(204);
        assert_eq!((of_card(&opened).await, state(device).await), (Vec::new(), None));
        days(&world, device, 40).await;
        assert_eq!(of_card(&opened).await, [], "off is off, at the next closing too");
    })
    .await;
}

#[tokio::test]
async fn above_its_cap_a_card_is_not_paid_and_its_person_hears_of_it_in_time() {
    on_each_engine(async |world| {
        let opened = with_statement(&world).await;
        set_card(&opened, &AutopayTerms { cap: usd(39_999), ..of(AutopayAmount::Statement) }).await;
        assert_eq!(of_card(&opened).await, [(S::Scheduled, DUE, 40_000)], "there is time to change it");
        days(&world, &opened.shop.device, 22).await;
        let all = all_of_card(&opened).await;
        assert_eq!((all.len(), all[0].state, all[0].reason.clone()), (1, S::Cancelled, why("above_cap")));
        days(&world, &opened.shop.device, 5).await;
        assert_eq!(owed(&opened).await, 40_000);
    })
    .await;
}

#[tokio::test]
async fn what_was_above_the_cap_is_made_anew_once_the_cap_is_raised_or_less_is_due() {
    for is_raised in [true, false] {
        on_each_engine(async |world| {
            let opened = with_statement(&world).await;
            let low = AutopayTerms { cap: usd(39_999), payments: Some(1), ..of(AutopayAmount::Statement) };
            set_card(&opened, &low).await;
            days(&world, &opened.shop.device, 22).await;
            assert_eq!(of_card(&opened).await, [], "the server took it back");
            let due = if is_raised {
                set_card(&opened, &AutopayTerms { cap: usd(40_000), ..low }).await;
                40_000
            } else {
                opened.moves(MoveKind::Refund, 1_000).await;
                world.work().await;
                39_000
            };
            assert_eq!(of_card(&opened).await, [(S::Scheduled, DUE, due)]);
            days(&world, &opened.shop.device, 4).await;
            let made = of_card(&opened).await;
            assert!(made.len() == 1 && made[0].0.counts_as_paid(), "{made:?}");
            assert_eq!(owed(&opened).await, 0);
        })
        .await;
    }
}

#[tokio::test]
async fn what_its_person_took_back_is_not_made_anew_on_new_terms() {
    on_each_engine(async |world| {
        let opened = with_statement(&world).await;
        set_card(&opened, &of(AutopayAmount::Statement)).await;
        let made = all_of_card(&opened).await.remove(0).id();
        opened.shop.device.post(&format!("/api/v1/payments/{made}/cancel"), &json!({})).await.expect(200);
        world.work().await;
        set_card(&opened, &AutopayTerms { cap: usd(90_000), ..of(AutopayAmount::Statement) }).await;
        assert_eq!(of_card(&opened).await, []);
    })
    .await;
}

#[tokio::test]
async fn the_terms_of_a_card_are_said_yes_to_by_passkey_and_end_after_so_many() {
    on_each_engine(async |world| {
        let opened = with_statement(&world).await;
        // What it would be asked to say yes to is what the page would show.
        let device = &opened.shop.device;
        let asked = Asked {
            holder: device.holder,
            device: device.device,
            subject: Subject::Autopay { of: AutopayOf::Card(opened.shop.card), terms: of(AutopayAmount::Minimum) },
            language: None,
        };
        let mut tx = world.app.db.begin_write().await.unwrap();
        let page = shown(&world.app, &mut tx, &asked, AutopayOf::Card(opened.shop.card), terms_of_once()).await;
        drop(tx);
        let page = page.unwrap();
        assert_eq!(page.title, "Pay this card automatically?");
        let said: Vec<&str> = page.facts.iter().map(|(_, fact)| fact.as_str()).collect();
        for fact in ["what is left of the statement's minimum", "1000.00 USD", "after 1 payment"] {
            assert!(said.contains(&fact), "{fact} in {said:?}");
        }
        set_card(&opened, &terms_of_once()).await;
        days(&world, device, 60).await;
        let made = of_card(&opened).await;
        assert!(made.len() == 1 && made[0].2 == 3_000, "{made:?}");
    })
    .await;
}

fn terms_of_once() -> AutopayTerms {
    AutopayTerms { payments: Some(1), ..of(AutopayAmount::Minimum) }
}

#[tokio::test]
async fn terms_that_no_card_can_have_are_refused_by_name() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        let device = &opened.shop.device;
        let refused = async |terms: AutopayTerms| device.put(&path(&opened), &terms).await.code();
        assert_eq!(refused(terms()).await, ErrorCode::InvalidRequest, "nothing of a card is `left`");
        let low = AutopayTerms { cap: usd(0), ..of(AutopayAmount::Current) };
        assert_eq!(refused(low).await, ErrorCode::InvalidAmount);
        let bank = add_card(&world, device, HERON, "08/2029").await;
        let drawn = AutopayTerms { method: Some(bank), ..of(AutopayAmount::Current) };
        assert_eq!(
            refused(drawn).await,
            ErrorCode::MethodNotDrawable,
            "a card of this server is paid from its accounts"
        );
        let stranger = world.holder().await;
        let other = stranger.put(&path(&opened), &of(AutopayAmount::Current)).await;
        assert_eq!(other.code(), ErrorCode::NotFound);
        // A bill under the id of the card, which is paid by itself already.
        let bill = Bill { id: BillId::from_uuid(opened.shop.card.as_uuid()), ..payable(&world, device).await };
        device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
        set(&world, device, &bill, &terms()).await;
        assert_eq!(refused(of(AutopayAmount::Current)).await, ErrorCode::KeyReused);
        let off = send(device, Verb::DELETE, &path(&opened), "off", &json!({})).await;
        assert_eq!(off.code(), ErrorCode::NotFound, "and the bill's is left alone");
    })
    .await;
}
