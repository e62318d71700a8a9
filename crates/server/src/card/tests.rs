use api::accounts::{AccountEdit, AccountList};
use api::card::LinkCode;
use api::purchases::{Authorize, CardToken, Decline, LinkCard, PurchaseState};
use domain::ids::PurchaseId;
use jiff::SignedDuration;

use super::*;
use crate::purchases::tests::{Shop, usd};
use crate::sign_in::tests::{asked_at, by_passkey};
use crate::testing::{World, on_each_engine};

fn wanted() -> OpenCard {
    OpenCard { name: "Store card".to_owned(), limit: usd(400_000), closing_day: 25 }
}

fn new_id(world: &World) -> AccountId {
    AccountId::new(world.now(), world.app.chance10())
}

#[tokio::test]
async fn a_card_is_opened_once_with_its_limit_and_terms() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let path = format!("/api/v1/cards/{}", new_id(&world));
        for _ in 0..2 {
            let account: Account = device.put(&path, &wanted()).await.ok();
            assert_eq!((account.balance, account.available), (Some(usd(0)), Some(usd(400_000))));
            assert_eq!(account.terms.expect("an agreement").apr, Apr::new(APR).ok());
            assert_eq!(account.card.expect("served").status, CardStatus::Active);
        }
        let list: AccountList = device.get("/api/v1/accounts").await.ok();
        assert_eq!(list.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_card_that_cannot_be_is_refused_by_name() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let cases = [
            (OpenCard { name: " ".to_owned(), ..wanted() }, ErrorCode::TooLong),
            (OpenCard { limit: usd(0), ..wanted() }, ErrorCode::InvalidAmount),
            (OpenCard { limit: usd(10_000_001), ..wanted() }, ErrorCode::InvalidAmount),
            (OpenCard { closing_day: 29, ..wanted() }, ErrorCode::InvalidDate),
        ];
        for (card, code) in cases {
            assert_eq!(device.put(&format!("/api/v1/cards/{}", new_id(&world)), &card).await.code(), code);
        }
        let last = new_id(&world);
        for id in (1..CARDS_MAX).map(|_| new_id(&world)).chain([last]) {
            device.put(&format!("/api/v1/cards/{id}"), &wanted()).await.expect(200);
        }
        let more = device.put(&format!("/api/v1/cards/{}", new_id(&world)), &wanted()).await;
        assert_eq!(more.code(), ErrorCode::TooMany);
        let lost = SetStatus { status: CardStatus::Lost };
        device.post(&format!("/api/v1/cards/{last}/status"), &lost).await.expect(204);
        device.put(&format!("/api/v1/cards/{}", new_id(&world)), &wanted()).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn on_a_server_for_others_its_operator_opens_and_closes_cards() {
    on_each_engine(async |world| {
        let others = world.under(Preset::Standard);
        let device = others.holder().await;
        let id = new_id(&world);
        let own = device.put(&format!("/api/v1/cards/{id}"), &wanted()).await;
        assert_eq!(own.code(), ErrorCode::Forbidden);
        let nobody = open_by_operator(&others.app, others.app.new_holder_id(), id, &wanted()).await;
        assert_eq!(nobody.expect_err("nobody").code(), ErrorCode::NotFound);
        open_by_operator(&others.app, device.holder, id, &wanted()).await.expect("opened");
        set_by_operator(&others.app, device.holder, id, CardStatus::Closed).await.expect("closed");
        let list: AccountList = device.get("/api/v1/accounts").await.ok();
        assert_eq!(list.items[0].card.as_ref().expect("served").status, CardStatus::Closed);
        let again = device.post(&format!("/api/v1/cards/{id}/status"), &SetStatus { status: CardStatus::Frozen }).await;
        assert_eq!(again.code(), ErrorCode::CardOver, "what is closed stays closed");
    })
    .await;
}

#[tokio::test]
async fn the_terms_of_a_served_card_are_the_issuers_and_its_name_is_the_persons() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let id = new_id(&world);
        device.put(&format!("/api/v1/cards/{id}"), &wanted()).await.expect(200);
        let mut terms = agreement(Currency::USD, 25).expect("an agreement");
        terms.apr = Some(Apr::ZERO);
        let edit = AccountEdit { terms: Some(terms), ..Default::default() };
        let answer = device.patch(&format!("/api/v1/accounts/{id}"), "1", &edit).await;
        assert_eq!(answer.code(), ErrorCode::Forbidden);
        let named = AccountEdit { name: Some("Mine".to_owned()), ..Default::default() };
        device.patch(&format!("/api/v1/accounts/{id}"), "2", &named).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_code_links_one_merchant_once() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let code = shop.code().await;
        assert_eq!(code.approve, None, "nothing stronger can be asked for");
        let other = world.merchant("Halden").await;
        // However it is typed.
        let typed = LinkCard { code: format!(" {} ", code.code.to_lowercase().replace('-', " ")) };
        let token: CardToken = other.post("/merchant/v1/cards", &typed).await.ok();
        let again = shop.merchant.post("/merchant/v1/cards", &typed).await;
        assert_eq!(again.code(), ErrorCode::CodeOver, "a code is good once");
        let names: Vec<String> = shop.merchants().await.into_iter().map(|merchant| merchant.name).collect();
        assert_eq!(names, ["Halden", "Quillmere"]);
        // In another merchant's hands the token is none.
        let wanted = Authorize {
            card_token: token.card_token,
            amount: usd(1),
            description: "Lamps".to_owned(),
            category: domain::rewards::PurchaseCategory::Other,
        };
        let path = format!("/merchant/v1/purchases/{}", PurchaseId::new(world.now(), world.app.chance10()));
        assert_eq!(shop.merchant.put(&path, &wanted).await.code(), ErrorCode::NotFound);
        assert!(other.put(&path, &wanted).await.ok::<PurchaseState>().approved);
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_old_replaced_or_unknown_links_nobody() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let link = async |code: &LinkCode| {
            shop.merchant.post("/merchant/v1/cards", &LinkCard { code: code.code.clone() }).await
        };
        let replaced = shop.code().await;
        let code = shop.code().await;
        assert_eq!(link(&replaced).await.code(), ErrorCode::CodeOver);
        let unknown = LinkCode { code: "AAAA-AAAA-AAAA".to_owned(), ..code.clone() };
        assert_eq!(link(&unknown).await.code(), ErrorCode::CodeOver);
        world.advance(SignedDuration::from_mins(15));
        shop.merchant.sign_in().await;
        assert_eq!(link(&code).await.code(), ErrorCode::CodeOver, "it is good for a quarter of an hour");
        shop.device.refresh().await.expect(200);
        shop.set(CardStatus::Frozen).await.expect(204);
        let frozen = shop.device.post(&format!("/api/v1/cards/{}/codes", shop.card), &()).await;
        assert_eq!(frozen.code(), ErrorCode::CardDeclined);
    })
    .await;
}

#[tokio::test]
async fn a_merchant_that_was_ended_asks_for_nothing_more_and_the_person_sees_that_it_tried() {
    on_each_engine(async |world| {
        let shop = Shop::new(&world, 100_000).await;
        let kept = shop.new_id();
        shop.ask(kept, 5_000).await.expect(200);
        let path = format!("/api/v1/cards/{}/merchants/{}", shop.card, shop.merchant.id);
        for _ in 0..2 {
            shop.device.delete(&path).await.expect(204);
        }
        assert!(shop.merchants().await.is_empty());
        assert_eq!(shop.ask(shop.new_id(), 100).await.ok::<PurchaseState>().declined, Some(Decline::Unlinked));
        // What was granted before goes on.
        shop.capture(kept, shop.new_step(), 5_000, true).await.expect(200);
        // A merchant that its operator ends is not even let in.
        crate::purchases::merchants::end(&world.app, shop.merchant.id).await.expect("ended");
        assert_eq!(shop.ask(shop.new_id(), 100).await.code(), ErrorCode::NotSignedIn);
        shop.merchant.ask_token().await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn with_a_passkey_a_freeze_is_taken_back_and_a_merchant_linked_on_the_servers_page() {
    on_each_engine(async |world| {
        let others = world.under(Preset::Standard);
        let (mut holds, device) = by_passkey(&others).await;
        let id = new_id(&world);
        open_by_operator(&others.app, device.holder, id, &wanted()).await.expect("opened");
        let status = format!("/api/v1/cards/{id}/status");
        let now_is = async || {
            let list: AccountList = device.get("/api/v1/accounts").await.ok();
            let card = list.items.into_iter().find(|account| account.id == id).expect("the card");
            card.card.expect("served").status
        };
        device.post(&status, &SetStatus { status: CardStatus::Frozen }).await.expect(204);
        let answer = device.post(&status, &SetStatus { status: CardStatus::Active }).await;
        let address: OneTimeAddress = answer.expect(200).json();
        assert_eq!(now_is().await, CardStatus::Frozen, "asking changes nothing");
        let (page, shown) = asked_at(&others, &address.address).await;
        page.say_yes(&mut holds, &shown).await.expect(200);
        assert_eq!(now_is().await, CardStatus::Active);

        let code: LinkCode = device.post(&format!("/api/v1/cards/{id}/codes"), &()).await.expect(201).json();
        let merchant = others.merchant("Quillmere").await;
        let link = async || merchant.post("/merchant/v1/cards", &LinkCard { code: code.code.clone() }).await;
        assert_eq!(link().await.code(), ErrorCode::CodeOver, "it does not count yet");
        let address = code.approve.as_ref().expect("a passkey is asked for").address.clone();
        let (page, shown) = asked_at(&others, &address).await;
        page.say_yes(&mut holds, &shown).await.expect(200);
        link().await.expect(200);
    })
    .await;
}
