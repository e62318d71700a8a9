use api::card::{CardStatus, ChoosePlan, OpenCard};
use api::purchases::{CardToken, LinkCard};
use api::statements::StatementList;
use api::sync::Record;
use domain::card::PlanOffer;
use domain::ids::PlanId;
use domain::money::Currency;
use domain::rewards::{RewardState, points, totals};
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::purchases::tests::{Shop, usd};
use crate::statements::{Opened, issued_of, pay, pdftotext};
use crate::testing::seeds::{self, Dice};
use crate::testing::{Answer, World, on_each_engine, on_each_engine_by_seed};

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Shop<'_> {
    /// A charge of so much, posted at once; its purchase.
    async fn charge(&self, minor: i64) -> PurchaseId {
        self.charge_for(PurchaseCategory::Other, minor).await
    }

    async fn charge_for(&self, category: PurchaseCategory, minor: i64) -> PurchaseId {
        let id = self.new_id();
        let wanted =
            json!({"card_token": self.token, "amount": usd(minor), "description": "Lamps", "category": category});
        self.merchant.put(&format!("/merchant/v1/purchases/{id}"), &wanted).await.expect(200);
        self.capture(id, self.new_step(), minor, true).await.expect(200);
        id
    }

    /// As the devices were told, the first charge first.
    pub(crate) async fn rewards(&self) -> Vec<Reward> {
        self.device.refresh().await.expect(200);
        let snapshot = self.device.get("/api/v1/sync/snapshot").await.text();
        let records = snapshot.lines().filter_map(|line| serde_json::from_str(line).ok());
        let mut all: Vec<Reward> =
            records.filter_map(|record| if let Record::Reward(one) = record { Some(one) } else { None }).collect();
        all.sort_by_key(|one| (one.charged_on, one.charge));
        all
    }

    async fn use_rewards(&self, id: TransactionId, minor: i64) -> Answer {
        let path = format!("/api/v1/cards/{}/rewards", self.card);
        self.device.post(&path, &json!({"id": id, "amount": usd(minor)})).await
    }

    async fn at_checkout(&self, on: bool) {
        let path = format!("/api/v1/cards/{}/rewards/checkout", self.card);
        self.device.put(&path, &json!({"on": on})).await.expect(204);
    }
}

fn fresh(world: &World) -> TransactionId {
    TransactionId::new(world.now(), world.app.chance10())
}

async fn days(world: &World, shop: &Shop<'_>, days: u32) {
    for _ in 0..days {
        world.pass(DAY, DAY).await;
        shop.device.refresh().await.expect(200);
    }
    shop.merchant.sign_in().await;
}

/// Earned, used, taken back.
fn stands(all: &[Reward]) -> Vec<(i64, i64, i64)> {
    all.iter().map(|one| (one.earned.minor(), one.redeemed.minor(), one.clawed_back.minor())).collect()
}

#[tokio::test]
async fn a_charge_earns_by_what_was_bought_and_two_parcels_lose_no_point() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        let id = shop.new_id();
        shop.ask(id, 6_490).await.expect(200);
        assert_eq!(shop.rewards().await, [], "what is only held earns nothing");
        shop.capture(id, shop.new_step(), 4_050, false).await.expect(200);
        let last = shop.new_step();
        shop.capture(id, last, 2_450, false).await.expect(422);
        world.advance(SignedDuration::from_secs(1));
        shop.capture(id, last, 2_440, true).await.expect(200);
        shop.capture(id, last, 2_440, true).await.expect(200);
        let all = shop.rewards().await;
        assert_eq!(stands(&all), [(40, 0, 0), (24, 0, 0)], "64 points of 64.90");
        assert!(all.iter().all(|one| one.purchase == Some(id) && one.card == shop.card));
        shop.charge_for(PurchaseCategory::Groceries, 1_000).await;
        shop.charge(99).await;
        let earned: i64 = shop.rewards().await.iter().map(|one| one.earned.minor()).sum();
        assert_eq!(earned, 64 + 30, "less than a hundred of something else earn nothing");
    })
    .await;
}

#[tokio::test]
async fn rewards_are_used_after_their_wait_once_and_lower_what_is_owed() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        shop.charge(20_000).await;
        let id = fresh(&world);
        assert_eq!(shop.use_rewards(id, 1).await.code(), ErrorCode::RewardsShort, "it is pending");
        days(&world, &shop, 30).await;
        assert_eq!(shop.use_rewards(id, 201).await.code(), ErrorCode::RewardsShort);
        assert_eq!(shop.use_rewards(id, 0).await.code(), ErrorCode::InvalidAmount);
        assert_eq!(shop.use_rewards(id, -1).await.code(), ErrorCode::InvalidAmount);
        let minimum = async || shop.account().await.card.expect("served").minimum_left.expect("a statement");
        let asked = minimum().await.minor();
        shop.use_rewards(id, 150).await.expect(204);
        shop.use_rewards(id, 150).await.expect(204);
        assert_eq!(shop.use_rewards(id, 149).await.code(), ErrorCode::KeyReused);
        assert_eq!(shop.figures().await, (19_850, 400_000 - 19_850), "once");
        assert_eq!(minimum().await.minor(), asked - 150, "it counts for the minimum, as a refund does");
        assert_eq!(stands(&shop.rewards().await), [(200, 150, 0)]);
        let stranger = world.holder().await;
        let path = format!("/api/v1/cards/{}/rewards", shop.card);
        let theirs = stranger.post(&path, &json!({"id": fresh(&world), "amount": usd(1)})).await;
        assert_eq!(theirs.code(), ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn no_more_is_used_than_is_owed_on_the_card() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        let first = shop.charge(20_000).await;
        shop.charge(20_000).await;
        days(&world, &shop, 30).await;
        // What is left of the second purchase is paid but for 0.30.
        shop.refund(first, shop.new_step(), 20_000).await.expect(200);
        pay(&world, shop.card, shop.device.holder, 19_970).await;
        assert_eq!(shop.figures().await.0, 30);
        assert_eq!(shop.use_rewards(fresh(&world), 31).await.code(), ErrorCode::RewardsShort);
        shop.use_rewards(fresh(&world), 30).await.expect(204);
        assert_eq!(shop.figures().await.0, 0);
    })
    .await;
}

#[tokio::test]
async fn at_checkout_each_charge_uses_what_may_be_used_by_then() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        shop.charge(20_000).await;
        assert!(!shop.account().await.card.expect("served").rewards_at_checkout, "nothing is used unasked");
        shop.at_checkout(true).await;
        shop.charge(10_000).await;
        assert_eq!(shop.figures().await.0, 30_000, "nothing may be used yet");
        days(&world, &shop, 30).await;
        shop.charge(120).await;
        assert_eq!(shop.figures().await.0, 30_000, "never more than the charge");
        let (id, step) = (shop.new_id(), shop.new_step());
        shop.ask(id, 5_000).await.expect(200);
        shop.capture(id, step, 5_000, true).await.expect(200);
        shop.capture(id, step, 5_000, true).await.expect(200);
        assert_eq!(shop.figures().await.0, 35_000 - 180, "the rest of it, once");
        assert!(shop.account().await.card.expect("served").rewards_at_checkout);
        shop.at_checkout(false).await;
        shop.charge(5_000).await;
        assert_eq!(shop.figures().await.0, 40_000 - 180);
    })
    .await;
}

#[tokio::test]
async fn a_charge_that_goes_on_to_a_plan_uses_no_rewards() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        let first = shop.charge(20_000).await;
        days(&world, &shop, 30).await;
        shop.at_checkout(true).await;
        let id = shop.new_id();
        shop.ask(id, 60_000).await.expect(200);
        let plan = PlanId::new(world.now(), world.app.chance10());
        let offer = PlanOffer::EqualPayments { months: 6 };
        let path = format!("/api/v1/cards/{}/plans/{plan}", shop.card);
        shop.device.put(&path, &ChoosePlan { purchase: id, offer }).await.expect(200);
        // All that is owed apart from the plan is given back.
        shop.refund(first, shop.new_step(), 19_900).await.expect(200);
        pay(&world, shop.card, shop.device.holder, 100).await;
        shop.capture(id, shop.new_step(), 60_000, true).await.expect(200);
        assert_eq!(shop.figures().await.0, 60_000);
        assert_eq!(shop.use_rewards(fresh(&world), 1).await.code(), ErrorCode::RewardsShort);
    })
    .await;
}

#[tokio::test]
async fn a_refund_takes_back_what_its_charge_earned_and_what_was_used_is_owed_by_the_next() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        let first = shop.charge(20_000).await;
        let refund = shop.new_step();
        shop.refund(first, refund, 5_000).await.expect(200);
        shop.refund(first, refund, 5_000).await.expect(200);
        assert_eq!(stands(&shop.rewards().await), [(200, 0, 50)], "once");
        days(&world, &shop, 30).await;
        shop.use_rewards(fresh(&world), 150).await.expect(204);
        shop.refund(first, shop.new_step(), 15_000).await.expect(200);
        let all = shop.rewards().await;
        assert_eq!(stands(&all), [(200, 150, 200)]);
        assert_eq!(all[0].state(card::today(&world.app)), RewardState::Owes);
        // What comes later pays for it first, while it is still pending.
        shop.charge(40_000).await;
        let all = shop.rewards().await;
        assert_eq!((all[0].left_minor(), all[1].left_minor()), (0, 250));
        assert_eq!((all[0].covered, all[1].given), (usd(150), usd(150)));
        days(&world, &shop, 30).await;
        assert_eq!(shop.use_rewards(fresh(&world), 251).await.code(), ErrorCode::RewardsShort);
        shop.use_rewards(fresh(&world), 250).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn the_rewards_of_a_lost_card_go_to_the_card_in_its_place_once_and_what_is_owed_too() {
    on_each_engine(async |world| {
        let mut shop = Shop::new(&world, 400_000).await;
        let lost = shop.card;
        let first = shop.charge(20_000).await;
        days(&world, &shop, 30).await;
        shop.use_rewards(fresh(&world), 150).await.expect(204);
        let pending = shop.charge(10_000).await;
        shop.set(CardStatus::Lost).await.expect(204);
        assert!(shop.rewards().await.iter().all(|one| one.card == lost), "none is in its place yet");
        let next = AccountId::new(world.now(), world.app.chance10());
        let wanted = OpenCard { name: "Next card".to_owned(), limit: usd(400_000), closing_day: 25 };
        for _ in 0..2 {
            shop.device.put(&format!("/api/v1/cards/{next}"), &wanted).await.expect(200);
        }
        let all = shop.rewards().await;
        assert!(all.iter().all(|one| one.card == next));
        assert_eq!(all.iter().map(Reward::left_minor).collect::<Vec<_>>(), [50, 100]);
        // What is refunded on the lost card is taken back there, and what was used of it is owed.
        shop.refund(first, shop.new_step(), 20_000).await.expect(200);
        assert_eq!(shop.rewards().await.iter().map(Reward::left_minor).collect::<Vec<_>>(), [-50, 0]);
        shop.refund(pending, shop.new_step(), 10_000).await.expect(200);
        assert_eq!(shop.rewards().await.iter().map(Reward::left_minor).sum::<i64>(), -150);
        shop.card = next;
        let code = shop.code().await.code;
        let token: CardToken = shop.merchant.post("/merchant/v1/cards", &LinkCard { code }).await.ok();
        shop.token = token.card_token;
        shop.charge(40_000).await;
        assert_eq!(shop.rewards().await.iter().map(Reward::left_minor).sum::<i64>(), 250, "it is paid there first");
        days(&world, &shop, 31).await;
        let list: StatementList = shop.device.get("/api/v1/statements").await.ok();
        let closing = |card| {
            let mut said = list.items.iter().filter(|one| one.account == card);
            said.find_map(|one| issued_of(one).rewards).map(|said| (said.transferred.is_some(), said.closing.minor()))
        };
        assert_eq!((closing(lost), closing(next)), (Some((true, 0)), Some((true, 250))));
    })
    .await;
}

#[tokio::test]
async fn what_rewards_of_a_lost_card_owe_when_another_is_opened_is_owed_there() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        let first = shop.charge(20_000).await;
        days(&world, &shop, 30).await;
        shop.use_rewards(fresh(&world), 150).await.expect(204);
        shop.refund(first, shop.new_step(), 20_000).await.expect(200);
        shop.set(CardStatus::Lost).await.expect(204);
        let next = AccountId::new(world.now(), world.app.chance10());
        let wanted = OpenCard { name: "Next card".to_owned(), limit: usd(400_000), closing_day: 25 };
        shop.device.put(&format!("/api/v1/cards/{next}"), &wanted).await.expect(200);
        let all = shop.rewards().await;
        assert_eq!(all.iter().map(|one| (one.card, one.left_minor())).collect::<Vec<_>>(), [(next, -150)]);
    })
    .await;
}

#[tokio::test]
async fn statements_say_what_was_earned_used_taken_back_and_what_expires() {
    on_each_engine(async |world| {
        let opened = Opened::new(&world).await;
        let shop = &opened.shop;
        let first = shop.charge(20_000).await;
        shop.charge_for(PurchaseCategory::Groceries, 10_000).await;
        days(&world, shop, 40).await;
        shop.use_rewards(fresh(&world), 150).await.expect(204);
        shop.refund(first, shop.new_step(), 20_000).await.expect(200);
        days(&world, shop, 20).await;
        let figures = async || -> Vec<Option<RewardsOfCycle>> {
            opened.statements().await.iter().map(|statement| issued_of(statement).rewards).collect()
        };
        let sums = |said: &RewardsOfCycle| {
            [said.opening, said.earned, said.redeemed, said.clawed_back, said.lapsed, said.closing].map(Money::minor)
        };
        let said = figures().await;
        let told: Vec<_> = said.iter().map(|said| sums(&said.expect("there were rewards"))).collect();
        assert_eq!(told, [[0, 500, 0, 0, 0, 500], [500, 0, 150, 200, 0, 150]]);
        let statement = opened.statements().await[1].clone();
        let path = format!("/api/v1/statements/{}/{}.pdf", shop.card, statement.closed_on);
        let pdf = world.device(shop.device.holder).await.get(&path).await.expect(200).body.clone();
        let text = pdftotext(&pdf);
        assert!(text.contains("Rewards at closing") && text.contains("−2.00 USD"), "{text}");

        // Two years later what is left has expired, and was said to before.
        world.advance(DAY * 731);
        world.work().await;
        let said = figures().await;
        let warned: Vec<_> = said.iter().flatten().filter(|said| said.expires_after.is_some()).collect();
        assert_eq!(warned.iter().map(|said| said.expiring.minor()).collect::<Vec<_>>(), [150]);
        let last = said.iter().flatten().next_back().expect("a statement");
        assert_eq!(sums(last), [150, 0, 0, 0, 150, 0]);
        let mut tx = world.app.db.begin_write().await.unwrap();
        assert_eq!(tx.ask(store::open_of_card(shop.device.holder, shop.card)).await.unwrap(), []);
    })
    .await;
}

// ---- Random histories --------------------------------------------------------------------------------------------

const STEPS: usize = 60;
/// A history stays within a device's session.
const DAYS_MAX: u32 = 80;

/// A purchase as the model has it.
struct Bought {
    id: PurchaseId,
    category: PurchaseCategory,
    captured: i64,
    refunded: i64,
}

/// What a card's rewards must come to: all that charges earn by what stays of them, less what was used.
struct Model<'a> {
    shop: &'a Shop<'a>,
    world: &'a World,
    dice: Dice,
    bought: Vec<Bought>,
    used: i64,
    at_checkout: bool,
    days: u32,
}

impl Model<'_> {
    fn balance(&self) -> i64 {
        let kept = self.bought.iter().map(|one| points(one.category, one.captured - one.refunded));
        kept.sum::<i64>() - self.used
    }

    /// What may be used now, as the device was told.
    async fn usable(&self) -> i64 {
        let available = usable(&self.shop.rewards().await, card::today(&self.world.app));
        available.min(self.shop.figures().await.0.max(0))
    }

    async fn step(&mut self) {
        match self.dice.roll(10) {
            0..=3 => self.buy().await,
            4 | 5 => self.refund().await,
            6 => self.redeem().await,
            7 => {
                self.at_checkout = !self.at_checkout;
                self.shop.at_checkout(self.at_checkout).await;
            }
            _ => {
                let count = u32::try_from(self.dice.roll(12)).expect("small") + 1;
                let count = count.min(DAYS_MAX - self.days);
                self.days += count;
                days(self.world, self.shop, count).await;
            }
        }
    }

    async fn buy(&mut self) {
        let category = *self.dice.pick(&PurchaseCategory::ALL);
        let (amount, usable) = (self.dice.amount(9_000), self.usable().await);
        let before = usable.min(amount);
        let id = self.shop.charge_for(category, amount).await;
        self.bought.push(Bought { id, category, captured: amount, refunded: 0 });
        if self.at_checkout {
            // What may be used is never less than before the charge; what was owed less than that is more now.
            let told = self.shop.rewards().await.iter().map(|one| one.redeemed.minor()).sum::<i64>();
            assert!(told - self.used >= before && told - self.used <= amount, "{told} used, {} before", self.used);
            self.used = told;
        }
    }

    async fn refund(&mut self) {
        if self.bought.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.roll(self.bought.len() as u64)).expect("small");
        let amount = self.dice.amount(9_000);
        let one = &mut self.bought[at];
        let fits = amount <= one.captured - one.refunded;
        let answer = self.shop.refund(one.id, self.shop.new_step(), amount).await;
        assert_eq!(answer.status.is_success(), fits, "{}", answer.text());
        if fits {
            one.refunded += amount;
        }
    }

    async fn redeem(&mut self) {
        let (most, wanted) = (self.usable().await, self.dice.amount(200));
        let answer = self.shop.use_rewards(fresh(self.world), wanted).await;
        assert_eq!(answer.status.is_success(), wanted <= most, "{wanted} of {most}: {}", answer.text());
        if wanted <= most {
            self.used += wanted;
        }
    }

    async fn look(&self) {
        let today = card::today(&self.world.app);
        let told = totals(&self.shop.rewards().await, Currency::USD, today).expect("in range");
        let left = told.pending.minor() + told.available.minor();
        assert_eq!(left - told.owed.minor(), self.balance(), "what is there, less what is owed");
        assert!(left == 0 || told.owed.is_zero(), "nothing is owed while something is left");
        let charged = self.bought.iter().map(|one| one.captured - one.refunded).sum::<i64>();
        // Statements add interest and fees.
        assert!(self.shop.figures().await.0 >= charged - self.used, "each use was booked once");
    }
}

#[test]
fn random_histories_of_rewards_agree_with_a_model() {
    let seeds = seeds::seeds(3, 400);
    on_each_engine_by_seed(seeds, async |world, seed| {
        let shop = Shop::new(world, 9_000_000).await;
        let dice = Dice::new(seed);
        let mut model = Model { shop: &shop, world, dice, bought: Vec::new(), used: 0, at_checkout: false, days: 0 };
        for step in 0..STEPS {
            model.step().await;
            model.look().await;
            let report = crate::audit::run(&world.app.db).await.expect("the audit runs");
            assert!(report.faults.is_empty(), "seed {seed}, step {step}: {:?}", report.faults);
        }
    });
}
