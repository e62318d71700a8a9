use domain::card::closing::LandedInterest;
use domain::card::{Grace, Issued, PlanOffer};
use jiff::ToSpan as _;
use jiff::civil::date;

use super::*;
use crate::purchases::tests::{Shop, usd};
use crate::statements::{issued_of, pay};
use crate::testing::{Answer, TestDevice, World, on_each_engine};

const EQUAL: PlanOffer = PlanOffer::EqualPayments { months: 12 };
const DEFERRED: PlanOffer = PlanOffer::DeferredInterest { months: 6 };

impl Shop<'_> {
    async fn choose(&self, plan: PlanId, purchase: PurchaseId, offer: PlanOffer) -> Answer {
        self.device.put(&format!("/api/v1/cards/{}/plans/{plan}", self.card), &ChoosePlan { purchase, offer }).await
    }

    /// Bought and charged in one.
    async fn bought(&self, minor: i64) -> PurchaseId {
        let id = self.new_id();
        self.ask(id, minor).await.expect(200);
        self.capture(id, self.new_step(), minor, true).await.expect(200);
        id
    }
}

fn new_plan(world: &World) -> PlanId {
    PlanId::new(world.now(), world.app.chance10())
}

fn at_noon_of(world: &World, day: Date) {
    let noon = day.at(12, 0, 0, 0).to_zoned(world.app.settings.zone.clone()).unwrap().timestamp();
    world.advance(noon.duration_since(world.now()));
}

async fn account(device: &TestDevice, card: AccountId) -> Account {
    let list: api::accounts::AccountList = device.get("/api/v1/accounts").await.ok();
    list.items.into_iter().find(|account| account.id == card).expect("the card")
}

async fn last_statement(device: &TestDevice, card: AccountId) -> Issued {
    let list: api::statements::StatementList = device.get("/api/v1/statements").await.ok();
    // The account that pays has statements too.
    let newest = list.items.iter().find(|made| made.account == card).expect("a statement of the card");
    issued_of(newest).clone()
}

#[tokio::test]
async fn a_purchase_goes_on_a_plan_once_and_is_owed_as_before() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let sofa = shop.bought(60_000).await;
        let plan = new_plan(&world);
        shop.choose(plan, sofa, EQUAL).await.expect(200);
        shop.choose(plan, sofa, EQUAL).await.expect(200);
        assert_eq!(shop.choose(plan, sofa, DEFERRED).await.expect(422).code(), ErrorCode::KeyReused);
        let again = shop.choose(new_plan(&world), sofa, EQUAL).await;
        assert_eq!(again.expect(409).code(), ErrorCode::VersionConflict);
        let account = shop.account().await;
        assert_eq!((account.balance, account.plans.len()), (Some(usd(-60_000)), 1));
        let on = &account.plans[0];
        assert_eq!((on.id, on.amount, on.left, on.installment()), (plan, usd(60_000), usd(60_000), Some(usd(5_000))));
        assert_eq!(shop.purchases().await[0].plan, Some(plan));
    })
    .await;
}

#[tokio::test]
async fn what_goes_on_no_plan_is_refused_by_name() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let small = shop.bought(4_999).await;
        let refused = shop.choose(new_plan(&world), small, EQUAL).await;
        assert_eq!(refused.expect(422).code(), ErrorCode::InvalidAmount);
        let lamps = shop.bought(60_000).await;
        let odd = PlanOffer::EqualPayments { months: 7 };
        assert_eq!(shop.choose(new_plan(&world), lamps, odd).await.expect(422).code(), ErrorCode::InvalidAmount);
        shop.choose(new_plan(&world), shop.new_id(), EQUAL).await.expect(404);
        let other = Shop::new(&world, 500_000).await;
        other.choose(new_plan(&world), lamps, EQUAL).await.expect(404);
        at_noon_of(&world, date(2027, 3, 26));
        let device = world.device(shop.device.holder).await;
        let path = format!("/api/v1/cards/{}/plans/{}", shop.card, new_plan(&world));
        let late = device.put(&path, &ChoosePlan { purchase: lamps, offer: EQUAL }).await;
        assert_eq!(late.expect(409).code(), ErrorCode::PlanTooLate, "its statement has closed");
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_is_chosen_at_the_purchase_grows_with_each_parcel_and_shrinks_with_what_goes_back() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let id = shop.new_id();
        shop.ask(id, 60_000).await.expect(200);
        shop.choose(new_plan(&world), id, EQUAL).await.expect(200);
        assert!(shop.account().await.plans.is_empty(), "nothing of it is charged yet");
        shop.capture(id, shop.new_step(), 20_000, false).await.expect(200);
        shop.capture(id, shop.new_step(), 40_000, true).await.expect(200);
        let step = shop.new_step();
        shop.refund(id, step, 12_000).await.expect(200);
        shop.refund(id, step, 12_000).await.expect(200);
        let plan = shop.account().await.plans.remove(0);
        assert_eq!((plan.amount, plan.left), (usd(60_000), usd(48_000)));
        assert_eq!(shop.figures().await.0, 48_000);
    })
    .await;
}

#[tokio::test]
async fn a_payment_goes_to_the_installment_and_then_to_purchases_and_keeps_the_grace() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let sofa = shop.bought(60_000).await;
        shop.bought(10_000).await;
        shop.choose(new_plan(&world), sofa, EQUAL).await.expect(200);
        at_noon_of(&world, date(2027, 3, 26));
        world.work().await;
        let device = world.device(shop.device.holder).await;
        let bill = last_statement(&device, shop.card).await.bill;
        assert_eq!((bill.balance, bill.minimum), (usd(70_000), usd(8_000)));
        assert_eq!((bill.purchases, bill.in_full), (usd(10_000), usd(15_000)));
        let served = account(&device, shop.card).await.card.expect("served");
        assert_eq!((served.minimum_left, served.asked.len()), (Some(usd(8_000)), 1));
        at_noon_of(&world, date(2027, 4, 10));
        let (device, _) = pay(&world, shop.card, shop.device.holder, 15_000).await;
        let account = account(&device, shop.card).await;
        assert_eq!((account.balance, account.plans[0].left), (Some(usd(-55_000)), usd(55_000)));
        let served = account.card.expect("served");
        assert_eq!((served.minimum_left, served.asked.len()), (Some(usd(0)), 0));
        at_noon_of(&world, date(2027, 4, 26));
        world.work().await;
        let next = last_statement(&world.device(shop.device.holder).await, shop.card).await;
        assert_eq!((next.grace, next.totals.interest, next.bill.balance), (Grace::Kept, usd(0), usd(55_000)));
        assert_eq!(next.bill.minimum, usd(5_000), "the next installment");
    })
    .await;
}

#[tokio::test]
async fn what_is_left_of_a_statement_is_told_with_what_was_paid_given_back_and_went_to_plans() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let sofa = shop.bought(60_000).await;
        let lamps = shop.bought(10_000).await;
        shop.choose(new_plan(&world), sofa, EQUAL).await.expect(200);
        assert_eq!(shop.account().await.card.expect("served").statement_left, None, "no statement was made yet");
        at_noon_of(&world, date(2027, 3, 26));
        world.work().await;
        let device = world.device(shop.device.holder).await;
        let left = async || {
            let left = account(&device, shop.card).await.card.expect("served").statement_left.expect("a statement");
            assert_eq!(left.grace, Grace::Kept);
            (left.balance.minor(), left.purchases.minor(), left.in_full.minor())
        };
        assert_eq!(left().await, (70_000, 10_000, 15_000));
        // What is bought since is of the next statement, on a plan or not.
        shop.merchant.sign_in().await;
        let desk = shop.bought(120_000).await;
        let path = format!("/api/v1/cards/{}/plans/{}", shop.card, new_plan(&world));
        device.put(&path, &ChoosePlan { purchase: desk, offer: EQUAL }).await.expect(200);
        assert_eq!(left().await, (70_000, 10_000, 15_000));
        shop.refund(lamps, shop.new_step(), 4_000).await.expect(200);
        assert_eq!(left().await, (66_000, 6_000, 11_000));
        drop(pay(&world, shop.card, shop.device.holder, 11_000).await);
        assert_eq!(left().await, (55_000, 0, 0), "5,000 of it went to plans");
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_was_paid_off_asks_for_nothing_more() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let sofa = shop.bought(60_000).await;
        shop.choose(new_plan(&world), sofa, EQUAL).await.expect(200);
        at_noon_of(&world, date(2027, 3, 26));
        world.work().await;
        let (device, _) = pay(&world, shop.card, shop.device.holder, 60_000).await;
        let account = account(&device, shop.card).await;
        assert!(account.plans.is_empty(), "nothing is left of it");
        assert_eq!(account.card.expect("served").asked, [], "nor does it ask for its installment");
    })
    .await;
}

#[tokio::test]
async fn a_payment_moves_a_plan_once_and_is_left_of_it_again_once_when_it_comes_back() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let (card, holder) = (shop.card, shop.device.holder);
        let sofa = shop.bought(60_000).await;
        let plan = new_plan(&world);
        shop.choose(plan, sofa, EQUAL).await.expect(200);
        at_noon_of(&world, date(2027, 4, 10));
        world.work().await;
        let (device, payment) = pay(&world, card, holder, 15_000).await;
        let left = async || account(&device, card).await.plans[0].left;
        assert_eq!(left().await, usd(45_000));
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(holder).await.unwrap();
        let cause = payment.as_uuid();
        let again = Moved { plan, kind: Kind::Payment, amount: usd(-1), at: world.now(), cause };
        let added = store::add_move(&mut tx, holder, card, &again).await;
        assert!(added.is_err() || tx.commit().await.is_err(), "it was counted");
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(holder).await.unwrap();
        paid_back(&world.app, &mut tx, holder, card, payment).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(left().await, usd(60_000));
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(holder).await.unwrap();
        assert!(paid_back(&world.app, &mut tx, holder, card, payment).await.is_err(), "it came back once");
        drop(tx);
        assert_eq!(left().await, usd(60_000));
    })
    .await;
}

/// What a plan at 27.99 % kept aside, day for day: left at the end of each day, from the first to the last.
fn kept_aside(first: Date, last: Date, amount: i64, payments: &[(Date, i64)]) -> i64 {
    let mut left = i128::from(amount);
    let mut day_cents = 0;
    for day in first.series(1.day()).take_while(|day| *day <= last) {
        left -= payments.iter().filter(|payment| payment.0 == day).map(|payment| i128::from(payment.1)).sum::<i128>();
        day_cents += left;
    }
    i64::try_from((day_cents * 279_900 * 2 + 365_000_000) / 730_000_000).unwrap()
}

#[tokio::test]
async fn deferred_interest_is_told_from_the_first_day_and_lands_when_the_deadline_passes() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let fridge = shop.bought(60_000).await;
        let plan = new_plan(&world);
        shop.choose(plan, fridge, DEFERRED).await.expect(200);
        let begun = super::super::today(&world.app);
        let ends_on = begun.checked_add(6.months()).unwrap();
        let mut paid = Vec::new();
        for month in 4..=8 {
            let day = date(2027, month, 10);
            at_noon_of(&world, day);
            let (device, _) = pay(&world, shop.card, shop.device.holder, 3_000).await;
            paid.push((day, 3_000));
            let on = account(&device, shop.card).await.plans.remove(0);
            let so_far = kept_aside(begun, day, 60_000, &paid);
            assert_eq!(on.left, usd(60_000 - 3_000 * i64::from(month - 3)), "the minimum goes to the lowest rate");
            assert_eq!(on.kind, domain::card::PlanKind::DeferredInterest { ends_on, accrued: Some(usd(so_far)) });
            let said = last_statement(&device, shop.card).await;
            assert_eq!((said.totals.interest, said.totals.fees), (usd(0), usd(0)));
        }
        at_noon_of(&world, date(2027, 9, 26));
        world.work().await;
        let device = world.device(shop.device.holder).await;
        let said = last_statement(&device, shop.card).await;
        let amount = usd(kept_aside(begun, ends_on, 60_000, &paid));
        assert_eq!(said.landed, [LandedInterest { plan, name: "Lamps".to_owned(), on: ends_on, amount }]);
        assert_eq!(said.totals.interest, amount);
        assert!(said.plans.is_empty());
        let account = account(&device, shop.card).await;
        assert_eq!(account.balance, Some(said.bill.balance.negated()));
        assert!(account.plans.is_empty(), "what was left goes on as purchases");
        let pdf = device.get(&format!("/api/v1/statements/{}/2027-09-25.pdf", shop.card)).await;
        pdf.expect(200);
    })
    .await;
}

#[tokio::test]
async fn who_pays_a_plan_off_in_time_by_their_own_wish_pays_no_interest() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let fridge = shop.bought(60_000).await;
        let other = shop.bought(30_000).await;
        let plan = new_plan(&world);
        shop.choose(plan, fridge, DEFERRED).await.expect(200);
        shop.choose(new_plan(&world), other, EQUAL).await.expect(200);
        at_noon_of(&world, date(2027, 3, 26));
        world.work().await;
        let device = world.device(shop.device.holder).await;
        let wish = api::accounts::AccountEdit { excess: Some(Excess::Plan(plan)), ..Default::default() };
        device.patch(&format!("/api/v1/accounts/{}", shop.card), "wish", &wish).await.expect(200);
        at_noon_of(&world, date(2027, 4, 10));
        // 25 for the installment, 30 of the minimum for the lowest rate, and all above it where it was wished.
        let (device, _) = pay(&world, shop.card, shop.device.holder, 62_500).await;
        let account = account(&device, shop.card).await;
        let left: Vec<Money> = account.plans.iter().map(|plan| plan.left).collect();
        assert_eq!(left, [usd(27_500)], "the wished one is paid off");
        assert_eq!(account.excess, Excess::ByRate, "the wish has come true");
        at_noon_of(&world, date(2027, 9, 26));
        world.work().await;
        let said = last_statement(&world.device(shop.device.holder).await, shop.card).await;
        assert!(said.landed.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_goes_back_to_a_card_lowers_its_plans_where_purchases_owe_nothing() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let (card, holder) = (shop.card, shop.device.holder);
        let lamp = shop.bought(20_000).await;
        let fridge = shop.bought(60_000).await;
        shop.choose(new_plan(&world), fridge, DEFERRED).await.expect(200);
        let reload = serde_json::json!({"id": new_plan(&world), "amount": usd(30_000)});
        shop.device.post(&format!("/api/v1/cards/{card}/wallet"), &reload).await.expect(204);
        // All of it to purchases, which bear the higher rate.
        pay(&world, card, holder, 50_000).await;
        let left = async || shop.account().await.plans.iter().map(|plan| plan.left.minor()).collect::<Vec<_>>();
        assert_eq!((left().await, shop.figures().await.0), (vec![60_000], 60_000));
        shop.refund(lamp, shop.new_step(), 15_000).await.expect(200);
        assert_eq!((left().await, shop.figures().await.0), (vec![45_000], 45_000));
        shop.set(api::card::CardStatus::Lost).await.expect(204);
        assert_eq!((left().await, shop.figures().await.0), (vec![15_000], 15_000), "with what its wallet had");
        pay(&world, card, holder, 15_000).await;
        at_noon_of(&world, date(2027, 9, 26));
        world.work().await;
        let said = last_statement(&world.device(holder).await, card).await;
        assert_eq!((said.landed.len(), said.bill.balance), (0, usd(0)), "nothing was owed for half a year");
    })
    .await;
}

#[tokio::test]
async fn a_capture_and_a_dispute_may_be_called_as_their_purchase_on_a_plan() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        let id = shop.new_id();
        shop.ask(id, 60_000).await.expect(200);
        shop.capture(id, shop.new_step(), 20_000, false).await.expect(200);
        shop.choose(new_plan(&world), id, EQUAL).await.expect(200);
        shop.capture(id, PurchaseStepId::from_uuid(id.as_uuid()), 40_000, true).await.expect(200);
        assert_eq!(shop.account().await.plans[0].amount, usd(60_000));
        let wish = serde_json::json!({"purchase": id, "reason": "not_received"});
        shop.device.put(&format!("/api/v1/disputes/{}", id.as_uuid()), &wish).await.expect(200);
        assert!(shop.account().await.plans.is_empty());
    })
    .await;
}
