use api::accounts::{Account, AccountList};
use api::card::{CardStatus, LinkCode, LinkedMerchant, OpenCard, SetStatus};
use api::purchases::Decline;
use api::sync::{Change, Page};
use domain::ids::AccountId;
use domain::money::Currency;
use domain::rewards::PurchaseCategory;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::db::ways;
use crate::testing::{Answer, DeviceKey, TestDevice, TestMerchant, World, on_each_engine, on_sqlite};

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("in range")
}

/// A person with a card, and a merchant that is linked to it.
pub(crate) struct Shop<'a> {
    pub device: TestDevice,
    pub card: AccountId,
    pub merchant: TestMerchant,
    pub token: String,
    world: &'a World,
}

impl<'a> Shop<'a> {
    pub async fn new(world: &'a World, limit: i64) -> Self {
        let device = world.holder().await;
        let card = AccountId::new(world.now(), world.app.chance10());
        let wanted = OpenCard { name: "Store card".to_owned(), limit: usd(limit), closing_day: 25 };
        device.put(&format!("/api/v1/cards/{card}"), &wanted).await.expect(200);
        let merchant = world.merchant("Quillmere").await;
        let mut shop = Self { device, card, merchant, token: String::new(), world };
        let code = shop.code().await.code;
        let token: CardToken = shop.merchant.post("/merchant/v1/cards", &LinkCard { code }).await.ok();
        shop.token = token.card_token;
        shop
    }

    pub fn new_id(&self) -> PurchaseId {
        PurchaseId::new(self.world.now(), self.world.app.chance10())
    }

    pub fn new_step(&self) -> PurchaseStepId {
        PurchaseStepId::new(self.world.now(), self.world.app.chance10())
    }

    pub async fn code(&self) -> LinkCode {
        self.device.post(&format!("/api/v1/cards/{}/codes", self.card), &()).await.expect(201).json()
    }

    pub async fn ask(&self, id: PurchaseId, minor: i64) -> Answer {
        let wanted = Authorize {
            card_token: self.token.clone(),
            amount: usd(minor),
            description: "Lamps".to_owned(),
            category: PurchaseCategory::Other,
        };
        self.merchant.put(&format!("/merchant/v1/purchases/{id}"), &wanted).await
    }

    pub async fn capture(&self, id: PurchaseId, step: PurchaseStepId, minor: i64, last: bool) -> Answer {
        let wanted = Capture { amount: usd(minor), last };
        self.merchant.put(&format!("/merchant/v1/purchases/{id}/captures/{step}"), &wanted).await
    }

    pub async fn refund(&self, id: PurchaseId, step: PurchaseStepId, minor: i64) -> Answer {
        let wanted = Refund { amount: usd(minor) };
        self.merchant.put(&format!("/merchant/v1/purchases/{id}/refunds/{step}"), &wanted).await
    }

    pub async fn void(&self, id: PurchaseId) -> Answer {
        self.merchant.post(&format!("/merchant/v1/purchases/{id}/void"), &()).await
    }

    pub async fn set(&self, status: CardStatus) -> Answer {
        self.device.post(&format!("/api/v1/cards/{}/status", self.card), &SetStatus { status }).await
    }

    pub async fn account(&self) -> Account {
        let list: AccountList = self.device.get("/api/v1/accounts").await.ok();
        list.items.into_iter().find(|account| account.id == self.card).expect("the card")
    }

    pub async fn merchants(&self) -> Vec<LinkedMerchant> {
        self.account().await.card.expect("served").merchants
    }

    /// What is owed and the credit that is left, in cents.
    pub async fn figures(&self) -> (i64, i64) {
        let account = self.account().await;
        let minor = |amount: Option<Money>| amount.expect("said").minor();
        (-minor(account.balance), minor(account.available))
    }

    async fn records(&self) -> Vec<Record> {
        let page: Page = self.device.get("/api/v1/sync").await.ok();
        assert!(!page.more, "one page is enough here");
        page.changes.into_iter().map(|change: Change| change.record).collect()
    }

    /// The card's lines as devices see them: state and amount, in the order of the feed.
    async fn lines(&self) -> Vec<(TransactionState, i64)> {
        let line = |record| match record {
            Record::Transaction(line) if line.account == self.card => Some((line.state, line.amount.minor())),
            _ => None,
        };
        self.records().await.into_iter().filter_map(line).collect()
    }

    /// The purchases as devices see them.
    pub async fn purchases(&self) -> Vec<Purchase> {
        let purchase = |record| if let Record::Purchase(purchase) = record { Some(purchase) } else { None };
        self.records().await.into_iter().filter_map(purchase).collect()
    }
}

#[tokio::test]
async fn pending_becomes_posted_as_parcels_leave_and_the_rest_is_given_back() {
    use TransactionState::{Pending, Posted};
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        let id = shop.new_id();
        let asked: PurchaseState = shop.ask(id, 6_490).await.ok();
        assert_eq!((asked.approved, asked.held), (true, usd(6_490)));
        assert_eq!(shop.figures().await, (0, 393_510));
        assert_eq!(shop.lines().await, [(Pending, -6_490)]);

        shop.capture(id, shop.new_step(), 4_000, false).await.expect(200);
        assert_eq!(shop.figures().await, (4_000, 393_510), "what was held is owed: the credit stays");
        shop.capture(id, shop.new_step(), 2_000, true).await.expect(200);
        assert_eq!(shop.figures().await, (6_000, 394_000), "the last 4.90 are given back");
        assert_eq!(shop.lines().await, [(Posted, -4_000), (Posted, -2_000)]);
        assert_eq!(shop.capture(id, shop.new_step(), 1, false).await.code(), ErrorCode::TooLate);

        let refunded: PurchaseState = shop.refund(id, shop.new_step(), 1_500).await.ok();
        assert_eq!(refunded.refunded, usd(1_500));
        assert_eq!(shop.figures().await, (4_500, 395_500));
        assert_eq!(shop.refund(id, shop.new_step(), 4_501).await.code(), ErrorCode::InvalidAmount);
    })
    .await;
}

#[tokio::test]
async fn a_merchant_may_call_a_step_as_it_calls_a_purchase() {
    use TransactionState::{Pending, Posted};
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 400_000).await;
        let id = shop.new_id();
        shop.ask(id, 6_490).await.expect(200);
        let same = PurchaseStepId::from_uuid(id.as_uuid());
        shop.capture(id, same, 4_000, false).await.expect(200);
        assert_eq!(shop.lines().await, [(Posted, -4_000), (Pending, -2_490)]);
        let step = shop.new_step();
        shop.capture(id, step, 2_490, true).await.expect(200);
        // And the other way round: another purchase, called as a step that was posted.
        shop.ask(PurchaseId::from_uuid(step.as_uuid()), 1_000).await.expect(200);
        assert_eq!(shop.figures().await, (6_490, 400_000 - 6_490 - 1_000));
    })
    .await;
}

#[tokio::test]
async fn a_card_declines_by_name_and_the_person_sees_why() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 10_000).await;
        let declined = async |minor| shop.ask(shop.new_id(), minor).await.ok::<PurchaseState>().declined;
        assert_eq!(declined(10_001).await, Some(Decline::OverLimit));
        shop.set(CardStatus::Frozen).await.expect(204);
        assert_eq!(shop.account().await.card.expect("served").status, CardStatus::Frozen);
        assert_eq!(declined(100).await, Some(Decline::Frozen));
        shop.set(CardStatus::Active).await.expect(204);
        assert_eq!(declined(100).await, None);
        let euro = Authorize {
            card_token: shop.token.clone(),
            amount: Money::new(100, Currency::EUR).expect("in range"),
            description: "Lamps".to_owned(),
            category: PurchaseCategory::Other,
        };
        let path = format!("/merchant/v1/purchases/{}", shop.new_id());
        assert_eq!(shop.merchant.put(&path, &euro).await.ok::<PurchaseState>().declined, Some(Decline::Currency));
        shop.device.post("/api/v1/security/lock", &json!({})).await.expect(200);
        assert_eq!(declined(100).await, Some(Decline::Locked));
        assert_eq!(shop.set(CardStatus::Frozen).await.status.as_u16(), 204, "a lock never stops a freeze");
        assert_eq!(shop.set(CardStatus::Active).await.code(), ErrorCode::AccountLocked);
        shop.device.delete("/api/v1/security/lock").await.expect(204);
        shop.set(CardStatus::Lost).await.expect(204);
        assert_eq!(declined(100).await, Some(Decline::Lost));
        assert_eq!(shop.set(CardStatus::Active).await.code(), ErrorCode::CardOver);
        assert_eq!(shop.set(CardStatus::Closed).await.code(), ErrorCode::Forbidden);
        let seen: Vec<Option<Decline>> = shop.purchases().await.iter().map(|purchase| purchase.declined).collect();
        let expected = [
            Some(Decline::OverLimit),
            Some(Decline::Frozen),
            None,
            Some(Decline::Currency),
            Some(Decline::Locked),
            Some(Decline::Lost),
        ];
        assert_eq!(seen, expected);
        assert_eq!(shop.figures().await, (0, 9_900), "only what was approved is held");
        let path = format!("/merchant/v1/purchases/{}/captures/{}", shop.purchases().await[0].id, shop.new_step());
        let answer = shop.merchant.put(&path, &Capture { amount: usd(1), last: true }).await;
        assert_eq!(answer.code(), ErrorCode::CardDeclined, "what was declined is not captured");
    })
    .await;
}

#[tokio::test]
async fn a_freeze_stops_new_purchases_and_nothing_else() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let (first, second) = (shop.new_id(), shop.new_id());
        shop.ask(first, 5_000).await.expect(200);
        shop.ask(second, 3_000).await.expect(200);
        shop.set(CardStatus::Frozen).await.expect(204);
        shop.capture(first, shop.new_step(), 5_000, true).await.expect(200);
        shop.refund(first, shop.new_step(), 1_000).await.expect(200);
        shop.void(second).await.expect(200);
        assert_eq!(shop.figures().await, (4_000, 96_000));
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_sent_again_is_done_once_and_another_under_its_id_is_refused() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let (id, step, back) = (shop.new_id(), shop.new_step(), shop.new_step());
        for _ in 0..3 {
            shop.ask(id, 5_000).await.expect(200);
            shop.capture(id, step, 3_000, false).await.expect(200);
            shop.refund(id, back, 1_000).await.expect(200);
        }
        assert_eq!(shop.figures().await, (2_000, 96_000));
        assert_eq!(shop.ask(id, 5_001).await.code(), ErrorCode::KeyReused);
        assert_eq!(shop.capture(id, step, 3_001, false).await.code(), ErrorCode::KeyReused);
        assert_eq!(shop.refund(id, step, 3_000).await.code(), ErrorCode::KeyReused, "a capture is no refund");
        let euro = Refund { amount: Money::new(1_000, Currency::EUR).expect("in range") };
        let answer = shop.merchant.put(&format!("/merchant/v1/purchases/{id}/refunds/{back}"), &euro).await;
        assert_eq!(answer.code(), ErrorCode::InvalidAmount, "as many cents of another currency are another step");
        for _ in 0..2 {
            shop.void(id).await.expect(200);
        }
        assert_eq!(shop.figures().await, (2_000, 98_000));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_captured_within_thirty_days_is_given_back() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let id = shop.new_id();
        shop.ask(id, 5_000).await.expect(200);
        world.pass(SignedDuration::from_hours(24 * 30), SignedDuration::from_hours(24)).await;
        shop.merchant.sign_in().await;
        assert_eq!(shop.ask(id, 5_000).await.ok::<PurchaseState>().held, usd(5_000), "the last day is one of them");
        world.pass(SignedDuration::from_hours(48), SignedDuration::from_hours(24)).await;
        shop.merchant.sign_in().await;
        assert_eq!(shop.ask(id, 5_000).await.ok::<PurchaseState>().held, usd(0));
        assert_eq!(shop.capture(id, shop.new_step(), 1, true).await.code(), ErrorCode::TooLate);
        let device = world.device(shop.device.holder).await;
        let list: AccountList = device.get("/api/v1/accounts").await.ok();
        let card = list.items.into_iter().find(|account| account.id == shop.card).expect("the card");
        assert_eq!(card.available, Some(usd(100_000)));
    })
    .await;
}

#[tokio::test]
async fn of_many_at_once_no_more_are_approved_than_the_credit_carries() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 10_000).await;
        let asked = (0..20).map(|_| shop.ask(shop.new_id(), 3_000));
        let answers = futures_util::future::join_all(asked).await;
        let approved = answers.iter().filter(|answer| answer.ok::<PurchaseState>().approved).count();
        assert_eq!(approved, 3);
        assert_eq!(shop.figures().await, (0, 1_000));
    })
    .await;
}

#[tokio::test]
async fn a_no_to_was_this_you_freezes_the_card_and_stays_with_the_purchase() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let id = shop.new_id();
        shop.ask(id, 5_000).await.expect(200);
        let path = format!("/api/v1/purchases/{id}/dispute");
        for _ in 0..2 {
            shop.device.post(&path, &json!({})).await.expect(204);
            world.advance(SignedDuration::from_secs(1));
        }
        let seen = &shop.purchases().await[0];
        assert_eq!(seen.disputed_at, world.now().checked_sub(SignedDuration::from_secs(2)).ok());
        assert_eq!(shop.account().await.card.expect("served").status, CardStatus::Frozen);
        let stranger = world.holder().await;
        assert_eq!(stranger.post(&path, &json!({})).await.code(), ErrorCode::NotFound);
        let listed = disputes::waiting(&world.app).await.expect("a list");
        assert_eq!(listed.iter().map(|(_, one)| one.purchase).collect::<Vec<_>>(), [id]);
        // What is charged all the same is given back at once, and a refund takes its place.
        shop.capture(id, shop.new_step(), 5_000, true).await.expect(200);
        assert_eq!(shop.figures().await, (0, 100_000));
        shop.refund(id, shop.new_step(), 5_000).await.expect(200);
        assert_eq!(shop.figures().await, (0, 100_000));
        assert!(disputes::waiting(&world.app).await.expect("a list").is_empty(), "and it is over");
    })
    .await;
}

#[tokio::test]
async fn of_a_capture_and_a_void_at_once_one_comes_first_and_the_other_finds_what_it_left() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        for _ in 0..20 {
            let id = shop.new_id();
            shop.ask(id, 5_000).await.expect(200);
            let (captured, voided) = tokio::join!(shop.capture(id, shop.new_step(), 5_000, true), shop.void(id));
            voided.expect(200);
            let state: PurchaseState = shop.merchant.get(&format!("/merchant/v1/purchases/{id}")).await.ok();
            assert_eq!(state.held, usd(0));
            let expected = if captured.status.is_success() { 5_000 } else { 0 };
            assert_eq!(state.captured, usd(expected), "{}", captured.text());
        }
        let captured: i64 = shop.purchases().await.iter().map(|purchase| purchase.captured.minor()).sum();
        assert_eq!(shop.figures().await, (captured, 100_000 - captured));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_approved_after_a_freeze_was_answered() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 1_000_000).await;
        for _ in 0..10 {
            let asked = (0..8).map(|_| shop.ask(shop.new_id(), 100));
            let race = async { futures_util::future::join_all(asked).await };
            let frozen = async {
                shop.set(CardStatus::Frozen).await.expect(204);
                // Asked when the freeze was answered.
                shop.ask(shop.new_id(), 100).await.ok::<PurchaseState>().declined
            };
            let (race, after) = tokio::join!(race, frozen);
            assert_eq!(after, Some(Decline::Frozen));
            for answer in race {
                let state: PurchaseState = answer.ok();
                assert!(state.approved || state.declined == Some(Decline::Frozen), "{state:?}");
            }
            shop.set(CardStatus::Active).await.expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn a_merchant_sees_its_own_purchases_and_needs_its_secret_and_key() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let id = shop.new_id();
        shop.ask(id, 5_000).await.expect(200);
        let other = world.merchant("Halden").await;
        let path = format!("/merchant/v1/purchases/{id}/void");
        assert_eq!(other.post(&path, &()).await.code(), ErrorCode::NotFound);
        let wrong = Authorize {
            card_token: "x".repeat(43),
            amount: usd(1),
            description: "Lamps".to_owned(),
            category: PurchaseCategory::Other,
        };
        let answer = shop.merchant.put(&format!("/merchant/v1/purchases/{}", shop.new_id()), &wrong).await;
        assert_eq!(answer.code(), ErrorCode::NotFound);

        assert_eq!(other.get(&format!("/merchant/v1/purchases/{id}")).await.code(), ErrorCode::NotFound);
        let form = |id: &str, secret: &str, grant: &str| {
            [("grant_type", grant.to_owned()), ("client_id", id.to_owned()), ("client_secret", secret.to_owned())]
        };
        let (client, secret) = (shop.merchant.id.to_string(), shop.merchant.client_secret.clone());
        let cases = [
            (form(&client, "wrong", "client_credentials"), "invalid_client"),
            (form("nobody", &secret, "client_credentials"), "invalid_client"),
            (form(&client, &secret, "password"), "unsupported_grant_type"),
        ];
        for (form, error) in cases {
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = world.oauth(&DeviceKey::new(), api::purchases::TOKEN_PATH, &form).await;
            answer.expect(400);
            assert!(answer.text().contains(error), "{}", answer.text());
        }
        // The token is good with its own key alone, and no device's token is good here.
        let stolen = shop.merchant.with_key(DeviceKey::new());
        assert_eq!(stolen.post(&path, &()).await.code(), ErrorCode::InvalidProof);
        assert_eq!(shop.device.post(&path, &()).await.code(), ErrorCode::NotSignedIn);
        assert_eq!(shop.merchant.put("/api/v1/cards/x", &()).await.code(), ErrorCode::NotSignedIn);
        world.advance(SignedDuration::from_mins(5));
        assert_eq!(shop.void(id).await.code(), ErrorCode::NotSignedIn, "a token lives five minutes");
        shop.merchant.sign_in().await;
        shop.void(id).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_purchase_takes_few_ways_to_the_database() {
    on_sqlite(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        // Who the merchant is, whose card it asks, all about that card, what is written, and the commit that others share.
        let (id, before) = (shop.new_id(), ways::so_far());
        shop.ask(id, 4_000).await.expect(200);
        assert_eq!(ways::so_far() - before, 5, "to authorise");
        let before = ways::so_far();
        shop.capture(id, shop.new_step(), 3_000, true).await.expect(200);
        assert_eq!(ways::so_far() - before, 5, "to capture");
    })
    .await;
}

#[tokio::test]
async fn an_id_that_two_cards_are_asked_under_is_one_purchase() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let other = world.holder().await;
        let card = AccountId::new(world.now(), world.app.chance10());
        let wanted = OpenCard { name: "Store card".to_owned(), limit: usd(100_000), closing_day: 25 };
        other.put(&format!("/api/v1/cards/{card}"), &wanted).await.expect(200);
        let code: LinkCode = other.post(&format!("/api/v1/cards/{card}/codes"), &()).await.expect(201).json();
        let code = LinkCard { code: code.code };
        let token: CardToken = shop.merchant.post("/merchant/v1/cards", &code).await.ok();
        let id = shop.new_id();
        let wanted = Authorize {
            card_token: token.card_token,
            amount: usd(4_000),
            description: "Lamps".to_owned(),
            category: PurchaseCategory::Other,
        };
        let path = format!("/merchant/v1/purchases/{id}");
        let both = tokio::join!(shop.ask(id, 4_000), shop.merchant.put(&path, &wanted));
        let mut codes =
            [both.0, both.1].map(|answer| if answer.status.is_success() { None } else { Some(answer.code()) });
        codes.sort_unstable_by_key(Option::is_some);
        assert_eq!(codes, [None, Some(ErrorCode::KeyReused)]);
    })
    .await;
}
