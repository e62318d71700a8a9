use axum::http::Method;
use domain::money::{Currency, Money};
use serde_json::{Value, json};

use super::*;
use crate::feed::tests::rent;
use crate::testing::{TestDevice, on_each_engine};

async fn marks(device: &TestDevice) -> Vec<Mark> {
    let snapshot = device.get("/api/v1/sync/snapshot").await.text();
    let records = snapshot.lines().filter_map(|line| serde_json::from_str(line).ok());
    records.filter_map(|record| if let Record::Mark(mark) = record { Some(mark) } else { None }).collect()
}

#[tokio::test]
async fn what_one_device_says_of_a_due_date_stays_when_another_says_something_else_later() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let late = world.device(device.holder).await;
        let bill = rent(&world);
        device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
        let path = format!("/api/v1/bills/{}/occurrences/2027-03-01", bill.id);
        let rent = Money::new(95_000, Currency::USD).unwrap();
        device.patch(&path, "paid", &json!({"paid_elsewhere": rent})).await.expect(200);
        let edit = json!({"amount": Money::new(90_000, Currency::USD).unwrap(), "moved_to": "2027-03-04"});
        let said: Mark = late.patch(&path, "moved", &edit).await.ok();
        assert_eq!((said.paid_elsewhere, said.moved_to), (Some(rent), Some("2027-03-04".parse().unwrap())));
        assert_eq!(marks(&device).await, std::slice::from_ref(&said));
        // Sent again it is the same answer; a whole one still takes the place of all.
        assert_eq!(late.patch(&path, "moved", &edit).await.ok::<Mark>(), said);
        let far = json!({"moved_to": "2029-03-04"});
        assert_eq!(late.patch(&path, "far", &far).await.code(), ErrorCode::InvalidDate);
        let whole = json!({"bill": bill.id, "due_on": "2027-03-01", "skipped": true});
        late.send(Method::PUT, &path, &[("idempotency-key", "whole")], Some(&whole)).await.expect(200);
        let back: Value = late.patch(&path, "back", &json!({"skipped": false})).await.ok();
        assert_eq!(back["skipped"], false);
        assert!(marks(&device).await.is_empty(), "a mark that says nothing is gone");
    })
    .await;
}

#[tokio::test]
async fn a_suggestion_that_two_devices_take_is_one_bill() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let late = world.device(device.holder).await;
        let found = || Bill { origin: Some("a suggestion".to_owned()), ..rent(&world) };
        let (first, second, third) = (found(), found(), found());
        let put = async |device: &TestDevice, bill: &Bill| -> Bill {
            device.put(&format!("/api/v1/bills/{}", bill.id), bill).await.ok()
        };
        assert_eq!(put(&device, &first).await.id, first.id);
        assert_eq!(put(&late, &second).await.id, first.id, "the one that is there");
        assert_eq!(put(&late, &second).await.id, first.id, "also when it is sent again");
        late.patch(&format!("/api/v1/bills/{}", second.id), "edit", &json!({"name": "Flat"})).await.expect(404);
        let key = [("idempotency-key", "remove")];
        device.send(Method::DELETE, &format!("/api/v1/bills/{}", first.id), &key, None::<&()>).await.expect(204);
        assert_eq!(put(&late, &third).await.id, third.id, "once it is removed there may be another");
    })
    .await;
}
