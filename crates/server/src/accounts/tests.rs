use axum::http::Method;
use domain::card::{Apr, CardTerms, DueRule};
use domain::money::Money;
use jiff::civil::date;

use super::*;
use crate::feed::tests::{card, import, line};
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

const fn span(first_on: jiff::civil::Date, last_on: jiff::civil::Date) -> Covered {
    Covered { first_on, last_on }
}

#[tokio::test]
async fn what_the_files_of_several_devices_cover_is_added_and_an_older_device_takes_none_of_it() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let of = |covered: &[Covered], card: &Account| Account { covered: covered.to_vec(), ..card.clone() };
        let card = card(&world);
        let january = span(date(2027, 1, 1), date(2027, 1, 31));
        import(&device, &world, &of(&[january], &card), Vec::new()).await;
        let autumn = span(date(2026, 9, 1), date(2026, 10, 5));
        let february = span(date(2027, 2, 1), date(2027, 2, 20));
        import(&device, &world, &of(&[autumn, february], &card), Vec::new()).await;
        let all = [autumn, span(date(2027, 1, 1), date(2027, 2, 20))];
        assert_eq!(only(&device).await.covered, all);
        // One that does not know of spans sends the account without.
        import(&device, &world, &of(&[], &card), vec![line(&world, &card, 0)]).await;
        assert_eq!(only(&device).await.covered, all);
        let many = vec![january; SPANS_MAX + 1];
        let chunk = ImportChunk {
            id: domain::ids::MutationId::new(world.now(), world.app.chance10()),
            accounts: vec![of(&many, &card)],
            transactions: Vec::new(),
            replaced: Vec::new(),
        };
        assert_eq!(device.post("/api/v1/import", &chunk).await.code(), ErrorCode::TooMany);
    })
    .await;
}

#[tokio::test]
async fn an_account_from_before_spans_keeps_what_its_lines_say_beside_the_first_one() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let card = card(&world);
        let at = |number, posted_on| Transaction { posted_on, ..line(&world, &card, number) };
        let lines = vec![at(0, date(2026, 11, 5)), at(1, date(2027, 1, 9))];
        import(&device, &world, &card, lines).await;
        assert_eq!(only(&device).await.covered, []);
        let february = span(date(2027, 2, 1), date(2027, 2, 28));
        let newer = Account { covered: vec![february], ..card.clone() };
        for _ in 0..2 {
            import(&device, &world, &newer, vec![at(2, date(2027, 2, 9))]).await;
            let expected =
                [span(date(2026, 11, 5), date(2026, 11, 30)), span(date(2027, 1, 1), date(2027, 1, 9)), february];
            assert_eq!(only(&device).await.covered, expected, "December stays a gap");
        }
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
