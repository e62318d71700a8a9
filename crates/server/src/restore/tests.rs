use api::bills::{Bill, Mark};
use api::error::ErrorCode;
use api::sync::{Page, Record};
use axum::http::Method;
use domain::billers::OwnBiller;
use domain::calendar::{Calendar, Roll};
use domain::ids::{BillId, BillerId, IncomeId, PaymentId, SuggestionId};
use domain::money::{Currency, Money};
use domain::paydays::{Income, PayCycle};
use domain::plan::PlanWishes;
use domain::reminders::{Lead, ReminderAnswer, Turn};
use domain::suggestions::SuggestionAnswer;
use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::json;

use crate::feed::tests::rent;
use crate::testing::{Answer, TestDevice, World, on_each_engine, on_sqlite};

use super::*;

const PATH: &str = "/api/v1/restore";

async fn put_back(device: &TestDevice, key: &str, records: &[Record]) -> Answer {
    device.send(Method::POST, PATH, &[("idempotency-key", key)], Some(&json!({ "records": records }))).await
}

async fn restored(device: &TestDevice, key: &str, records: &[Record]) -> (u32, u32) {
    let Restored { new, known, .. } = put_back(device, key, records).await.ok();
    (new, known)
}

/// The live records of the kinds that come back, in no order.
async fn there(device: &TestDevice) -> Vec<Record> {
    let page: Page = device.get("/api/v1/sync").await.ok();
    let kept = page.changes.into_iter().map(|change| change.record);
    kept.filter(|record| !matches!(record, Record::SecurityEvent(_) | Record::Gone(_))).collect()
}

/// One of each kind, a bill before what is said about it.
fn one_of_each(world: &World) -> Vec<Record> {
    let biller = OwnBiller {
        id: BillerId::new(world.now(), world.app.chance10()),
        name: "Window cleaner".to_owned(),
        category: String::new(),
        accepts: Vec::new(),
        how_to_pay: "In cash".to_owned(),
    };
    let bill = Bill { biller: Some(biller.id), ..rent(world) };
    let due_on = date(2027, 3, 1);
    let paid = Money::new(95_000, Currency::USD).expect("in range");
    let mark = Mark { paid_elsewhere: Some(paid), ..Mark::new(bill.id, due_on) };
    let lead = Lead { bill: bill.id, due_on, falls_on: due_on, turn: Turn::Before(3) };
    let income = Income {
        id: IncomeId::new(world.now(), world.app.chance10()),
        name: "Pay".to_owned(),
        amount: Money::new(200_000, Currency::USD).expect("in range"),
        cycle: PayCycle::Monthly { day: 31 },
        calendar: Calendar::FederalReserve,
        roll: Roll::Preceding,
    };
    let suggestion = SuggestionId::from_uuid(bill.id.as_uuid());
    vec![
        Record::OwnBiller(biller),
        Record::Bill(bill),
        Record::Mark(mark),
        Record::ReminderAnswer(ReminderAnswer::to(&lead, world.now(), None)),
        Record::Income(income),
        Record::PlanWishes(PlanWishes { keep: Some(paid), ..PlanWishes::default() }),
        Record::SuggestionAnswer(SuggestionAnswer { id: suggestion, accepted: false }),
    ]
}

#[tokio::test]
async fn an_empty_account_gets_all_of_it_and_the_same_again_adds_nothing() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let records = one_of_each(&world);
        assert_eq!(restored(&device, "one", &records).await, (7, 0));
        assert_eq!(restored(&device, "one", &records).await, (7, 0), "a lost answer comes again");
        let kept = there(&device).await;
        assert_eq!(kept.len(), records.len());
        assert!(records.iter().all(|record| kept.contains(record)), "{kept:?}");
        assert_eq!(restored(&device, "two", &records).await, (0, 7));
        assert_eq!(there(&device).await, kept);
    })
    .await;
}

#[tokio::test]
async fn what_stands_here_stays_and_what_was_removed_comes_back() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let records = one_of_each(&world);
        restored(&device, "one", &records).await;
        let Record::Bill(bill) = &records[1] else { panic!("a bill") };
        let path = format!("/api/v1/bills/{}", bill.id);
        device.patch(&path, "two", &json!({"name": "Rent and water"})).await.expect(200);
        restored(&device, "three", &records).await;
        let named = |kept: &[Record], name: &str| {
            kept.iter().any(|record| matches!(record, Record::Bill(bill) if bill.name == name))
        };
        assert!(named(&there(&device).await, "Rent and water"), "a newer word counts");
        device.send(Method::DELETE, &path, &[("idempotency-key", "four")], None::<&()>).await.expect(204);
        assert_eq!(restored(&device, "five", &records).await, (3, 4), "the bill, its mark and its answer");
        assert!(named(&there(&device).await, "Rent"));
    })
    .await;
}

#[tokio::test]
async fn a_part_with_something_wrong_in_it_leaves_nothing_behind() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let records = one_of_each(&world);
        let Record::Bill(bill) = &records[1] else { panic!("a bill") };
        let nameless =
            Record::Bill(Bill { name: String::new(), id: BillId::new(world.now(), [7; 10]), ..bill.clone() });
        let of_no_bill =
            Record::Mark(Mark { skipped: true, ..Mark::new(BillId::new(world.now(), [8; 10]), date(2027, 3, 1)) });
        let with_nobody = Record::Bill(Bill { biller: Some(BillerId::new(world.now(), [9; 10])), ..bill.clone() });
        for (key, wrong, code) in [
            ("one", nameless, ErrorCode::TooLong),
            ("two", of_no_bill, ErrorCode::InvalidRequest),
            ("three", with_nobody, ErrorCode::InvalidRequest),
        ] {
            let part = [records[0].clone(), wrong];
            assert_eq!(put_back(&device, key, &part).await.code(), code, "{key}");
        }
        let many = vec![records[0].clone(); PART_MAX + 1];
        assert_eq!(put_back(&device, "four", &many).await.code(), ErrorCode::TooMany);
        assert!(there(&device).await.is_empty(), "not even what was right");
    })
    .await;
}

#[tokio::test]
async fn one_record_that_is_refused_takes_no_other_with_it_where_each_is_asked_for() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let records = one_of_each(&world);
        let Record::Bill(bill) = &records[1] else { panic!("a bill") };
        let nameless = Bill { name: String::new(), id: BillId::new(world.now(), [7; 10]), ..bill.clone() };
        let of_it = Mark { skipped: true, ..Mark::new(nameless.id, date(2027, 3, 1)) };
        let mut part = records.clone();
        part.splice(2..2, [Record::Bill(nameless), Record::Mark(of_it)]);
        let body = json!({ "records": part, "each": true });
        let send = async |key: &str| -> Restored {
            device.send(Method::POST, PATH, &[("idempotency-key", key)], Some(&body)).await.ok()
        };
        let first = send("one").await;
        assert_eq!((first.new, first.known), (7, 0));
        let refused = |at, code: ErrorCode| RefusedRecord { at, code: code.as_str().to_owned() };
        assert_eq!(first.refused, [refused(2, ErrorCode::TooLong), refused(3, ErrorCode::InvalidRequest)]);
        assert_eq!(send("one").await, first, "a lost answer comes again");
        let kept = there(&device).await;
        assert!(kept.len() == records.len() && records.iter().all(|record| kept.contains(record)), "{kept:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_said_about_due_dates_fills_no_account_without_end() {
    on_sqlite(async |world| {
        let device = world.holder().await;
        let bill = rent(&world);
        assert_eq!(restored(&device, "bill", &[Record::Bill(bill.clone())]).await, (1, 0));
        let mut day = date(2000, 1, 1);
        let mut mark = || {
            day = day.tomorrow().expect("a day");
            Mark { skipped: true, ..Mark::new(bill.id, day) }
        };
        for part in 0..40 {
            let records: Vec<Record> = (0..PART_MAX).map(|_| Record::Mark(mark())).collect();
            world.advance(SignedDuration::from_secs(1));
            assert_eq!(restored(&device, &format!("part {part}"), &records).await, (500, 0));
        }
        let more = mark();
        let part = [Record::Mark(more.clone())];
        assert_eq!(put_back(&device, "one more", &part).await.code(), ErrorCode::TooMany);
        let path = format!("/api/v1/bills/{}/occurrences/{}", bill.id, more.due_on);
        let said = device.send(Method::PUT, &path, &[("idempotency-key", "said")], Some(&more)).await;
        assert_eq!(said.code(), ErrorCode::TooMany);
        let known = Mark { skipped: true, ..Mark::new(bill.id, date(2000, 1, 2)) };
        assert_eq!(restored(&device, "known", &[Record::Mark(known.clone())]).await, (0, 1));
        let path = format!("/api/v1/bills/{}/occurrences/{}", bill.id, known.due_on);
        device.send(Method::DELETE, &path, &[("idempotency-key", "away")], None::<&()>).await.expect(204);
        assert_eq!(restored(&device, "room again", &part).await, (1, 0));
    })
    .await;
}

#[tokio::test]
async fn what_the_server_does_or_says_itself_is_not_said_to_it() {
    on_each_engine(async |world| {
        let device = world.holder().await;
        let other = world.holder().await;
        let order = json!({
            "id": PaymentId::new(world.now(), world.app.chance10()), "biller": crate::billers::directory()[0].id,
            "amount": Money::new(4_000, Currency::USD).expect("in range"),
        });
        other.post("/api/v1/payments", &order).await.expect(201);
        world.work().await;
        let page: Page = other.get("/api/v1/sync").await.ok();
        let history: Vec<Record> = page
            .changes
            .into_iter()
            .map(|change| change.record)
            .filter(|record| matches!(record, Record::Payment(_) | Record::Account(_) | Record::SecurityEvent(_)))
            .collect();
        assert!(history.iter().any(|record| matches!(record, Record::Payment(_))), "{history:?}");
        for (at, record) in history.into_iter().enumerate() {
            assert_eq!(put_back(&device, &at.to_string(), &[record]).await.code(), ErrorCode::InvalidRequest);
        }
        assert!(there(&device).await.is_empty(), "no payment, and no account for one");
    })
    .await;
}
