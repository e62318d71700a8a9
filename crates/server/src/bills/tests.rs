use api::error::Problem;
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
async fn of_two_devices_that_edit_one_field_of_a_bill_the_later_one_is_told_what_changed_meanwhile() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let late = world.device(device.holder).await;
        let stood = rent(&world);
        let path = format!("/api/v1/bills/{}", stood.id);
        device.put(&path, &stood).await.expect(200);
        device.patch(&path, "one", &json!({"name": "Flat", "instead_of": stood})).await.expect(200);
        let mine = json!({"name": "Home", "note": "by post", "instead_of": stood});
        let problem: Problem = late.patch(&path, "two", &mine).await.expect(409).json();
        assert_eq!((problem.code, problem.field.as_deref()), (ErrorCode::ChangedMeanwhile, Some("name")));
        let other: Bill = late.patch(&path, "three", &json!({"note": "by post", "instead_of": stood})).await.ok();
        assert_eq!((other.name.as_str(), other.note.as_deref()), ("Flat", Some("by post")), "another field");
        let same: Bill = late.patch(&path, "four", &json!({"name": "Flat", "instead_of": stood})).await.ok();
        assert_eq!(same, other, "the same was said");
        let seen: Bill = late.patch(&path, "two again", &json!({"name": "Home", "instead_of": same})).await.ok();
        assert_eq!(seen.name, "Home", "made from what stands there");
        let answer = late.patch(&path, "two again", &json!({"name": "Home", "instead_of": same})).await;
        assert_eq!(answer.ok::<Bill>(), seen, "sent again it is the same answer");
        let older: Bill = device.patch(&path, "five", &json!({"name": "Room"})).await.ok();
        assert_eq!(older.name, "Room", "one that says not what it was made from");
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
