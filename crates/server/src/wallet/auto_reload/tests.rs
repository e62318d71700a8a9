use api::card::{CardStatus, OpenCard};
use api::error::ErrorCode;
use api::sync::Record;
use domain::ids::AccountId;
use domain::policy::Preset;
use domain::purchases::Decline;
use domain::wallet::WalletMoveKind;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::payments::approval::tests::hosted;
use crate::purchases::tests::{Shop, usd};
use crate::sign_in::tests::asked_at;
use crate::testing::{Answer, World, on_each_engine};
use crate::wallet::tests::fresh;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn terms(below: i64, amount: i64, month_most: i64) -> AutoReloadTerms {
    AutoReloadTerms { below: usd(below), amount: usd(amount), month_most: usd(month_most) }
}

impl Shop<'_> {
    fn auto_path(&self) -> String {
        format!("/api/v1/cards/{}/wallet/auto-reload", self.card)
    }

    async fn set_auto(&self, terms: AutoReloadTerms) -> Answer {
        self.device.put(&self.auto_path(), &terms).await
    }

    async fn turn_off(&self) {
        self.device.delete(&self.auto_path()).await.expect(204);
    }

    /// What waits, as the devices were told.
    async fn waits(&self) -> Option<AutoReloadWaits> {
        self.wallet().await.auto_reload.expect("it is on").waits
    }

    async fn happened(&self, kind: SecurityEventKind) -> usize {
        let told = self.told().await;
        told.iter().filter(|record| matches!(record, Record::SecurityEvent(event) if event.kind == kind)).count()
    }

    /// How often it was reloaded by itself.
    async fn reloaded(&self) -> usize {
        let recent = self.wallet().await.recent;
        recent.iter().filter(|one| one.kind == WalletMoveKind::Reload && one.because.is_some()).count()
    }
}

/// A day with the work of it, on a device that is in use.
async fn a_day(world: &World, shop: &Shop<'_>) {
    world.pass(HOUR * 24, HOUR * 6).await;
    shop.device.refresh().await.expect(200);
}

#[tokio::test]
async fn a_wallet_with_too_little_is_reloaded_once_and_says_why() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.reload(fresh(&world), 3_000).await.expect(204);
        shop.wallet_first(true).await;
        let set: AutoReloadSet = shop.set_auto(terms(2_000, 5_000, 20_000)).await.ok();
        assert!(set.set.is_some() && set.approve_at.is_none(), "the device is all there is to ask");
        shop.set_auto(terms(2_000, 5_000, 20_000)).await.expect(200);
        assert_eq!(shop.happened(SecurityEventKind::AutoReloadSet).await, 1, "the same terms change nothing");
        world.work().await;
        assert_eq!((shop.figures().await.0, shop.reloaded().await), (3_000, 0), "there is enough");
        shop.buy(1_000).await;
        world.work().await;
        assert_eq!((shop.wallet().await.balance, shop.reloaded().await), (usd(2_000), 0), "not less than its mark");
        shop.buy(500).await;
        world.work().await;
        world.work().await;
        let wallet = shop.wallet().await;
        assert_eq!((wallet.balance, shop.figures().await.0), (usd(6_500), 8_000), "once, charged to the card");
        let because = wallet.recent.iter().find_map(|one| one.because).expect("it says why");
        assert_eq!((because.had, because.below), (usd(1_500), usd(2_000)));
        assert_eq!(shop.happened(SecurityEventKind::AutoReloaded).await, 1);
        assert_eq!(shop.earned().await, 30 + 50, "it earns as a reload does");
        for _ in 0..3 {
            a_day(&world, &shop).await;
        }
        assert_eq!(shop.reloaded().await, 1, "and not by the clock");
    })
    .await;
}

#[tokio::test]
async fn an_empty_wallet_is_filled_at_the_yes_and_nothing_happens_once_it_is_off() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.wallet_first(true).await;
        shop.set_auto(terms(2_000, 2_000, 20_000)).await.expect(200);
        world.work().await;
        assert_eq!(shop.wallet().await.balance, usd(2_000));
        shop.buy(100).await;
        // The look was put, and its person is faster.
        shop.turn_off().await;
        shop.turn_off().await;
        world.work().await;
        a_day(&world, &shop).await;
        assert_eq!((shop.wallet().await.balance, shop.figures().await.0), (usd(1_900), 2_000));
        assert_eq!(shop.wallet().await.auto_reload, None);
        assert_eq!(shop.happened(SecurityEventKind::AutoReloadEnded).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_the_card_does_not_take_is_told_once_and_tried_again_a_day_later() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 12_000).await;
        let held = shop.new_id();
        shop.ask(held, 8_000).await.expect(200);
        shop.set_auto(terms(1_000, 5_000, 50_000)).await.expect(200);
        world.work().await;
        assert_eq!(shop.waits().await.map(|waits| waits.declined), Some(Some(Decline::OverLimit)));
        assert_eq!(shop.figures().await.0, 0);
        // A void makes room at once, and still nothing is tried by the minute.
        shop.void(held).await.expect(200);
        world.pass(HOUR * 23, HOUR).await;
        shop.device.refresh().await.expect(200);
        assert_eq!(shop.reloaded().await, 0);
        world.pass(HOUR * 2, HOUR).await;
        shop.device.refresh().await.expect(200);
        assert_eq!((shop.reloaded().await, shop.waits().await), (1, None));
        assert_eq!(shop.happened(SecurityEventKind::AutoReloadWaits).await, 1);
        // Frozen for three days: said once, and a thaw is looked at at once.
        shop.set(CardStatus::Frozen).await.expect(204);
        shop.set_auto(terms(5_500, 5_500, 50_000)).await.expect(200);
        for _ in 0..3 {
            a_day(&world, &shop).await;
        }
        assert_eq!((shop.reloaded().await, shop.happened(SecurityEventKind::AutoReloadWaits).await), (1, 2));
        assert_eq!(shop.waits().await.map(|waits| waits.declined), Some(Some(Decline::Frozen)));
        shop.set(CardStatus::Active).await.expect(204);
        world.work().await;
        assert_eq!((shop.reloaded().await, shop.waits().await), (2, None));
        assert_eq!(shop.wallet().await.balance, usd(10_500));
    })
    .await;
}

#[tokio::test]
async fn a_wallet_that_is_full_again_says_no_more_that_it_was_not_reloaded() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.wallet_first(true).await;
        shop.set_auto(terms(2_000, 5_000, 5_000)).await.expect(200);
        world.work().await;
        shop.buy(4_000).await;
        world.work().await;
        assert_eq!(shop.waits().await.map(|waits| waits.declined), Some(None), "the month is over");
        shop.reload(fresh(&world), 500).await.expect(204);
        assert!(shop.waits().await.is_some(), "there is still too little");
        shop.reload(fresh(&world), 500).await.expect(204);
        assert_eq!(shop.waits().await, None);
        let mut tx = world.app.db.begin_read().await.expect("a transaction");
        let looks = jobs::subjects(&mut tx, Kind::AutoReload).await.expect("the jobs");
        assert!(looks.is_empty(), "and nothing is looked at");
        drop(tx);
        shop.buy(1_000).await;
        world.work().await;
        assert!(shop.waits().await.is_some(), "too little again is said again");
        assert_eq!(shop.reloaded().await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_locked_or_restricted_account_is_not_charged_by_itself() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.wallet_first(true).await;
        shop.set_auto(terms(1_000, 5_000, 50_000)).await.expect(200);
        shop.device.post("/api/v1/security/lock", &json!({})).await.expect(200);
        world.work().await;
        assert_eq!(shop.waits().await.map(|waits| waits.declined), Some(Some(Decline::Locked)));
        assert_eq!(shop.set_auto(terms(900, 5_000, 50_000)).await.code(), ErrorCode::AccountLocked);
        assert_eq!(shop.reload(fresh(&world), 1_000).await.code(), ErrorCode::AccountLocked, "by hand neither");
        // Turning it off is always easy.
        shop.turn_off().await;
        assert_eq!(shop.figures().await.0, 0);
    })
    .await;
}

#[tokio::test]
async fn in_a_month_no_more_is_reloaded_than_its_person_said() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        shop.wallet_first(true).await;
        shop.set_auto(terms(1_000, 5_000, 10_000)).await.expect(200);
        world.work().await;
        for _ in 0..4 {
            shop.buy(4_500).await;
            world.work().await;
        }
        assert_eq!(shop.reloaded().await, 2, "a hundred in March, and not a cent more");
        assert_eq!(shop.wallet().await.balance, usd(0));
        let waits = shop.waits().await.expect("it waits");
        assert_eq!((waits.declined, waits.until.to_string().as_str()), (None, "2027-04-01T04:00:00Z"));
        assert_eq!(shop.happened(SecurityEventKind::AutoReloadWaits).await, 1);
        // By hand it is not counted.
        shop.reload(fresh(&world), 500).await.expect(204);
        while world.now() < waits.until {
            assert_eq!(shop.reloaded().await, 2);
            a_day(&world, &shop).await;
        }
        assert_eq!((shop.reloaded().await, shop.wallet().await.balance), (3, usd(5_500)), "April begins anew");
    })
    .await;
}

#[tokio::test]
async fn terms_that_cannot_be_are_refused_by_name_and_a_lost_card_ends_them() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let refused = async |terms| shop.set_auto(terms).await;
        for (wrong, field) in [
            (terms(0, 5_000, 20_000), "below"),
            (terms(2_000, 499, 20_000), "amount"),
            (terms(5_001, 5_000, 20_000), "amount"),
            (terms(2_000, 5_000, 4_999), "month_most"),
            (terms(2_000, 5_000, 200_001), "month_most"),
        ] {
            let answer = refused(wrong).await;
            assert_eq!(answer.code(), ErrorCode::InvalidAmount);
            assert!(answer.text().contains(&format!("\"{field}\"")), "{field}: {}", answer.text());
        }
        let euro = Money::new(5_000, domain::money::Currency::EUR).expect("in range");
        let foreign = AutoReloadTerms { amount: euro, ..terms(2_000, 5_000, 20_000) };
        assert_eq!(refused(foreign).await.code(), ErrorCode::InvalidAmount);
        shop.set_auto(terms(2_000, 5_000, 20_000)).await.expect(200);
        shop.set(CardStatus::Lost).await.expect(204);
        world.work().await;
        assert_eq!((shop.wallet().await.auto_reload, shop.figures().await.0), (None, 0));
        assert_eq!(refused(terms(2_000, 5_000, 20_000)).await.code(), ErrorCode::CardOver);
    })
    .await;
}

#[tokio::test]
async fn the_terms_are_said_yes_to_by_passkey_are_told_and_end_when_that_was_somebody_else() {
    on_each_engine(async |world| {
        let world = world.under(Preset::Standard);
        let (mut holds, device) = hosted(&world).await;
        let card = AccountId::new(world.now(), world.app.chance10());
        let wanted = OpenCard { name: "Store card".to_owned(), limit: usd(100_000), closing_day: 25 };
        card::open_by_operator(&world.app, device.holder, card, &wanted).await.expect("opened");
        let path = format!("/api/v1/cards/{card}/wallet/auto-reload");
        let wish = terms(2_000, 5_000, 20_000);
        let answer: AutoReloadSet = device.put(&path, &wish).await.ok();
        assert_eq!(answer.set, None, "nothing counts before the yes");
        let (mut browser, shown) = asked_at(&world, &answer.approve_at.expect("an address").address).await;
        let page = browser.get("/sign-in/step-up").await.text();
        for fact in ["Store card", "20.00 USD", "50.00 USD", "200.00 USD", "when you turn it off"] {
            assert!(page.contains(fact), "{fact}");
        }
        world.work().await;
        let wallet = async || {
            let snapshot = device.get("/api/v1/sync/snapshot").await.text();
            snapshot.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(|record| match record {
                Record::Wallet(wallet) => Some(wallet),
                _ => None,
            })
        };
        assert_eq!(wallet().await, None);
        browser.say_yes(&mut holds, &shown).await.expect(200);
        world.work().await;
        assert_eq!(wallet().await.expect("told").balance, usd(5_000));
        let sent: Vec<String> = world.mail.take().into_iter().map(|letter| letter.text).collect();
        assert!(sent.iter().any(|text| text.contains("reloaded by itself from now on: Store card")), "{sent:?}");
        assert!(sent.iter().any(|text| text.contains("was reloaded by itself, on your terms: Store card")), "{sent:?}");
        let log =
            crate::security::newest(&mut world.app.db.begin_read().await.unwrap(), device.holder, 50).await.unwrap();
        let set = log.iter().find(|event| event.kind == SecurityEventKind::AutoReloadSet).expect("logged");
        let mut tx = world.app.db.begin_write().await.unwrap();
        tx.lock(device.holder).await.unwrap();
        crate::security::deny(&mut tx, &world.app, device.holder, set, None).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = world.app.db.begin_read().await.unwrap();
        assert_eq!(store::auto_reloads(&mut tx, device.holder).await.unwrap(), [], "it ended");
    })
    .await;
}

#[tokio::test]
async fn what_is_reserved_counts_for_the_most_that_a_wallet_has() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 500_000).await;
        shop.reload(fresh(&world), 50_000).await.expect(204);
        shop.reload(fresh(&world), 49_000).await.expect(204);
        shop.wallet_first(true).await;
        let id = shop.new_id();
        shop.ask(id, 98_000).await.expect(200);
        shop.set_auto(terms(2_000, 50_000, 100_000)).await.expect(200);
        world.work().await;
        a_day(&world, &shop).await;
        assert_eq!((shop.wallet().await.balance, shop.reloaded().await), (usd(1_000), 0), "it may come back");
        assert_eq!((shop.waits().await, shop.happened(SecurityEventKind::AutoReloadWaits).await), (None, 0));
        shop.merchant.sign_in().await;
        shop.capture(id, shop.new_step(), 98_000, true).await.expect(200);
        world.work().await;
        assert_eq!((shop.wallet().await.balance, shop.reloaded().await), (usd(51_000), 1));
    })
    .await;
}
