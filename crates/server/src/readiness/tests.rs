use api::error::Problem;
use api::readiness::Terms;
use domain::addresses::AddressKind;
use domain::money::{Currency, Money};
use domain::payments::PaymentOrder;
use domain::readiness::{Met, blocking};
use serde_json::json;

use super::*;
use crate::addresses::tests::confirmed_by;
use crate::sign_in::tests::{by_passkey, prove};
use crate::testing::{TestDevice, World, on_each_engine};

const READY: &str = "/api/v1/payments/ready";
const ACCEPTED: &str = "/api/v1/terms/accepted";

fn terms(version: &str) -> Terms {
    Terms { version: version.to_owned(), address: "https://accounts.example.org/terms".to_owned() }
}

/// The same server with terms.
fn with_terms(world: &World, version: &str) -> World {
    world.with_settings(|settings| settings.terms = Some(terms(version)))
}

async fn missing(device: &TestDevice) -> Vec<Prerequisite> {
    blocking(&device.get(READY).await.ok::<Readiness>().items)
}

fn order(world: &World) -> PaymentOrder {
    PaymentOrder {
        id: domain::ids::PaymentId::new(world.now(), world.app.chance10()),
        biller: crate::billers::directory()[0].id,
        reference: None,
        amount: Money::new(100, Currency::USD).unwrap(),
        bill: None,
        due_on: None,
        send_on: None,
        duplicate_meant: true,
        method: None,
    }
}

/// What a payment is refused for.
async fn refused_for(world: &World, device: &TestDevice) -> Option<String> {
    let answer = device.post("/api/v1/payments", &order(world)).await;
    if answer.status.is_success() {
        return None;
    }
    let problem: Problem = answer.json();
    assert_eq!(problem.code, ErrorCode::NotReady);
    problem.field
}

#[tokio::test]
async fn the_list_names_what_is_missing_and_a_payment_is_refused_for_exactly_that() {
    on_each_engine(async |world| {
        let world = with_terms(&world.under(Preset::Standard), "2027-02");
        let (mut holds, device) = by_passkey(&world).await;
        assert_eq!(missing(&device).await, [Prerequisite::AcceptedTerms, Prerequisite::ConfirmedEmail]);
        assert_eq!(refused_for(&world, &device).await.as_deref(), Some("accepted_terms"));
        assert_eq!(device.get(READY).await.ok::<Readiness>().terms, Some(terms("2027-02")));
        assert_eq!(device.put(ACCEPTED, &json!({"version": "2026-01"})).await.code(), ErrorCode::VersionConflict);
        for _ in 0..2 {
            device.put(ACCEPTED, &json!({"version": "2027-02"})).await.expect(204);
        }
        assert_eq!(missing(&device).await, [Prerequisite::ConfirmedEmail]);
        assert_eq!(refused_for(&world, &device).await.as_deref(), Some("confirmed_email"));
        let ines = (AddressKind::Email, "ines@example.org");
        confirmed_by(&world, &device, ines, async |browser| prove(browser, &mut holds).await).await;
        assert_eq!(missing(&device).await, []);
        assert_eq!(refused_for(&world, &device).await, None);
        // Other terms are accepted anew.
        let world = with_terms(&world, "2027-03");
        let device = device.at(&world);
        assert_eq!(missing(&device).await, [Prerequisite::AcceptedTerms]);
        assert_eq!(refused_for(&world, &device).await.as_deref(), Some("accepted_terms"));
    })
    .await;
}

#[tokio::test]
async fn a_lock_and_an_empty_account_are_named_too() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        assert_eq!(missing(&device).await, [], "on a server of one's own, money is opened with the first payment");
        let all = PaymentOrder { amount: Money::new(1_000_000, Currency::USD).unwrap(), ..order(&world) };
        device.post("/api/v1/payments", &all).await.expect(201);
        world.work().await;
        assert_eq!(missing(&device).await, [Prerequisite::Money]);
        device.post("/api/v1/security/lock", &json!({})).await.expect(200);
        assert_eq!(missing(&device).await, [Prerequisite::GoodStanding, Prerequisite::Money]);
        assert_eq!(device.put(ACCEPTED, &json!({"version": "1"})).await.code(), ErrorCode::NotFound);
        let items = device.get(READY).await.ok::<Readiness>().items;
        let not_asked = items.iter().filter(|one| one.met == Met::NotAsked).count();
        assert_eq!(not_asked, 3, "neither terms nor address nor passkey: {items:?}");
    })
    .await;
}
