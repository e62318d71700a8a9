use axum::http::Method;
use domain::card::{Apr, CardTerms, DueRule};
use domain::money::Money;
use jiff::civil::date;

use super::*;
use crate::feed::tests::{card, import};
use crate::testing::{TestDevice, World, on_each_engine};

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).expect("in range")
}

fn plan(world: &World) -> Plan {
    Plan {
        id: PlanId::new(world.now(), world.app.chance10()),
        name: "Refrigerator".to_owned(),
        kind: api::accounts::PlanKind::DeferredInterest { ends_on: date(2028, 1, 20), accrued: Some(usd(16_795)) },
        apr: Apr::new(279_900).expect("a rate"),
        amount: usd(89_900),
        opened_on: date(2027, 1, 20),
        left: usd(54_000),
        left_on: date(2027, 2, 1),
    }
}

async fn put(device: &TestDevice, account: &Account, plan: &Plan, key: &str) -> crate::testing::Answer {
    let path = format!("/api/v1/accounts/{}/plans/{}", account.id, plan.id);
    device.send(Method::PUT, &path, &[("idempotency-key", key)], Some(plan)).await
}

async fn only(device: &TestDevice) -> Account {
    let list: AccountList = device.get("/api/v1/accounts").await.ok();
    let mut linked = list.items.into_iter().filter(|account| account.keeping == Keeping::Linked);
    linked.next().expect("a linked account")
}

#[tokio::test]
async fn a_plan_is_kept_edited_wished_for_and_removed() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let account = card(&world);
        import(&device, &world, &account, Vec::new()).await;
        let fridge = plan(&world);
        put(&device, &account, &fridge, "1").await.expect(200);
        assert_eq!(only(&device).await.plans, std::slice::from_ref(&fridge));

        let wish = AccountEdit { excess: Some(Excess::Plan(fridge.id)), ..AccountEdit::default() };
        let path = format!("/api/v1/accounts/{}", account.id);
        device.patch(&path, "2", &wish).await.expect(200);
        let less = Plan { left: usd(36_000), ..fridge.clone() };
        put(&device, &account, &less, "3").await.expect(200);
        let sofa = Plan { id: PlanId::new(world.now(), world.app.chance10()), ..fridge.clone() };
        put(&device, &account, &sofa, "4").await.expect(200);
        let now = only(&device).await;
        assert_eq!(now.plans, [less, sofa.clone()], "an edited plan keeps its place");
        assert_eq!(now.excess, Excess::Plan(fridge.id));

        let gone = format!("{path}/plans/{}", fridge.id);
        device.send(Method::DELETE, &gone, &[("idempotency-key", "5")], None::<&()>).await.expect(200);
        let now = only(&device).await;
        assert_eq!((now.plans, now.excess), (vec![sofa], Excess::ByRate), "a wish for what is gone is void");
    })
    .await;
}

#[tokio::test]
async fn importing_a_newer_file_keeps_terms_plans_and_the_wish() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let account = card(&world);
        import(&device, &world, &account, Vec::new()).await;
        let fridge = plan(&world);
        put(&device, &account, &fridge, "1").await.expect(200);
        let terms = CardTerms {
            closing_day: 25,
            due: DueRule::DaysAfterClosing(25),
            minimum_floor: None,
            minimum_share: None,
            minimum_adds_charges: true,
            apr: Some(fridge.apr),
            late_fee: Some(usd(3_000)),
        };
        let edit = AccountEdit { terms: Some(terms.clone()), excess: Some(Excess::Plan(fridge.id)), name: None };
        device.patch(&format!("/api/v1/accounts/{}", account.id), "2", &edit).await.expect(200);
        import(&device, &world, &account, Vec::new()).await;
        let now = only(&device).await;
        assert_eq!((now.terms, now.plans, now.excess), (Some(terms), vec![fridge.clone()], Excess::Plan(fridge.id)));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let account = card(&world);
        import(&device, &world, &account, Vec::new()).await;
        let fridge = plan(&world);
        let cases = [
            (Plan { name: "  ".to_owned(), ..fridge.clone() }, ErrorCode::TooLong),
            (Plan { amount: usd(0), ..fridge.clone() }, ErrorCode::InvalidAmount),
            (Plan { left: usd(89_901), ..fridge.clone() }, ErrorCode::InvalidAmount),
            (Plan { left_on: date(2027, 1, 19), ..fridge.clone() }, ErrorCode::InvalidDate),
            (
                Plan { opened_on: date(2028, 1, 20), left_on: date(2028, 1, 20), ..fridge.clone() },
                ErrorCode::InvalidDate,
            ),
            (
                Plan { left: Money::new(1, Currency::EUR).expect("in range"), ..fridge.clone() },
                ErrorCode::InvalidAmount,
            ),
        ];
        for (at, (wrong, code)) in cases.iter().enumerate() {
            assert_eq!(put(&device, &account, wrong, &format!("w{at}")).await.code(), *code, "case {at}");
        }
        let unknown = AccountEdit { excess: Some(Excess::Plan(fridge.id)), ..AccountEdit::default() };
        let path = format!("/api/v1/accounts/{}", account.id);
        assert_eq!(device.patch(&path, "x", &unknown).await.code(), ErrorCode::InvalidRequest);
        let checking = Account { kind: AccountKind::Checking, source: None, ..card(&world) };
        import(&device, &world, &checking, Vec::new()).await;
        assert_eq!(put(&device, &checking, &fridge, "y").await.code(), ErrorCode::Forbidden);
        let now: AccountList = device.get("/api/v1/accounts").await.ok();
        assert!(now.items.iter().all(|account| account.plans.is_empty() && account.excess == Excess::ByRate));
    })
    .await;
}

#[tokio::test]
async fn a_card_has_at_most_fifty_plans() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let account = card(&world);
        import(&device, &world, &account, Vec::new()).await;
        for at in 0..PLANS_MAX {
            put(&device, &account, &plan(&world), &at.to_string()).await.expect(200);
        }
        assert_eq!(put(&device, &account, &plan(&world), "more").await.code(), ErrorCode::TooMany);
        assert_eq!(only(&device).await.plans.len(), PLANS_MAX);
    })
    .await;
}
