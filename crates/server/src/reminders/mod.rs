//! Answers to reminders: what was read or put off on one device is settled on all of them. The reminders themselves are
//! each device's own.

pub(crate) mod email;

use api::error::ErrorCode;
use api::reminders::ReminderAnswer;
use api::sync::{Gone, Record};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::{AccountId, BillId, HolderId};
use jiff::Timestamp;
use jiff::civil::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::feed::{self, Key, Kind};
use crate::http::{Json, Path};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::SignedIn;

/// Decades of bills, each answered every time.
const ANSWERS_MAX: u64 = 50_000;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(answer)).merge(email::routes())
}

/// Keeps what the person answered, together with what was answered before: answers come from several devices and in any
/// order.
#[utoipa::path(put, path = "/api/v1/bills/{id}/occurrences/{due_on}/reminder", tag = "reminders",
    params(("id" = BillId, Path), ("due_on" = String, Path)), request_body = ReminderAnswer,
    responses((status = 200, body = ReminderAnswer), (status = 404, body = api::error::Problem)))]
async fn answer(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path((id, due_on)): Path<(BillId, Date)>,
    Json(answer): Json<ReminderAnswer>,
) -> Result<Response, ApiError> {
    if answer.bill != id || answer.due_on != due_on || !answer.is_sound() {
        return Err(ApiError::invalid(
            ErrorCode::InvalidRequest,
            "due_on",
            "the answer is to no reminder of this date",
        ));
    }
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "reminders.answer", &answer).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    // A card of this server is reminded of under its own id, when a payment will leave for it.
    let card = AccountId::from_uuid(id.as_uuid());
    if crate::bills::find(&mut once.tx, holder, id).await?.is_none()
        && once.tx.ask(crate::card::store::find(holder, card)).await?.is_none()
    {
        return Err(ApiError::not_found());
    }
    let (both, _) = put(&mut once.tx, holder, app.clock.now(), answer).await?;
    once.answer(StatusCode::OK, &both).await
}

/// Puts an answer of an archive back, to a reminder of a bill that is there. False when it says nothing new.
pub(crate) async fn restore(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    answer: ReminderAnswer,
) -> Result<bool, ApiError> {
    let wrong = || ApiError::invalid(ErrorCode::InvalidRequest, "records", "an answer is to no reminder of a bill");
    if !answer.is_sound() {
        return Err(wrong());
    }
    crate::bills::find(tx, holder, answer.bill).await?.ok_or_else(wrong)?;
    put(tx, holder, app.clock.now(), answer).await.map(|(_, changed)| changed)
}

/// Lays an answer over what was answered before; the answer as it stands then, and whether that is news.
async fn put(
    tx: &mut Tx,
    holder: HolderId,
    now: Timestamp,
    answer: ReminderAnswer,
) -> Result<(ReminderAnswer, bool), ApiError> {
    let key = Key::of_day(Kind::ReminderAnswer, answer.bill.as_uuid(), answer.due_on);
    let before: Option<ReminderAnswer> = feed::find(tx, holder, key).await?;
    if before.is_none() && feed::count(tx, holder, Kind::ReminderAnswer).await? >= ANSWERS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 50,000 answers to reminders"));
    }
    let both = before.map_or(answer, |before| before.with(answer));
    let changed = before != Some(both);
    if changed {
        feed::put(tx, holder, now, &Record::ReminderAnswer(both)).await?;
    }
    Ok((both, changed))
}

/// Forgets the answers of a bill that is removed.
pub(crate) async fn forget(tx: &mut Tx, holder: HolderId, now: Timestamp, bill: BillId) -> DbResult<()> {
    let answers: Vec<ReminderAnswer> = feed::all_of(tx, holder, Kind::ReminderAnswer, bill.as_uuid()).await?;
    for answer in answers {
        let gone = Record::Gone(Gone::ReminderAnswer { bill, due_on: answer.due_on });
        feed::put(tx, holder, now, &gone).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use domain::reminders::{Lead, Turn};

    use super::*;
    use crate::feed::tests::rent;
    use crate::testing::{Answer, TestDevice, on_each_engine};

    async fn send(device: &TestDevice, path: &str, key: &str, answer: &ReminderAnswer) -> Answer {
        device.send(Method::PUT, path, &[("idempotency-key", key)], Some(answer)).await
    }

    #[tokio::test]
    async fn answers_of_two_devices_add_up_and_reach_both() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let bill = rent(&world);
            device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
            let due_on = jiff::civil::date(2027, 3, 1);
            let path = format!("/api/v1/bills/{}/occurrences/{due_on}/reminder", bill.id);
            let lead = |turn| Lead { bill: bill.id, due_on, falls_on: due_on, turn };
            let snoozed = Some("2027-02-27T09:00:00Z".parse().expect("an instant"));
            let (nine, ten) = ("2027-02-26T09:00:00Z", "2027-02-26T10:00:00Z");
            let late = ReminderAnswer::to(&lead(Turn::Before(1)), ten.parse().expect("an instant"), snoozed);
            send(&device, &path, "one", &late).await.expect(200);
            let early = ReminderAnswer::to(&lead(Turn::Before(7)), nine.parse().expect("an instant"), None);
            let both: ReminderAnswer = send(&device, &path, "two", &early).await.expect(200).json();
            assert_eq!(both, late, "an answer that arrives late takes nothing back");
            let feed = device.get("/api/v1/sync").await.text();
            assert!(feed.contains("\"kind\":\"reminder_answer\"") && feed.contains("\"through_days\":1"), "{feed}");
            let remove = format!("/api/v1/bills/{}", bill.id);
            device.send(Method::DELETE, &remove, &[("idempotency-key", "three")], None::<&()>).await.expect(204);
            let snapshot = device.get("/api/v1/sync/snapshot").await.text();
            assert!(!snapshot.contains("reminder_answer"), "they go with their bill: {snapshot}");
        })
        .await;
    }

    #[tokio::test]
    async fn an_answer_to_another_date_or_an_unknown_bill_is_refused() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let bill = rent(&world);
            device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
            let due_on = jiff::civil::date(2027, 3, 1);
            let answer = ReminderAnswer::to(
                &Lead { bill: bill.id, due_on, falls_on: due_on, turn: Turn::Before(1) },
                world.now(),
                None,
            );
            let other = format!("/api/v1/bills/{}/occurrences/2027-04-01/reminder", bill.id);
            send(&device, &other, "one", &answer).await.expect(400);
            let far = ReminderAnswer { through_days: Some(9_999), ..answer };
            let path = format!("/api/v1/bills/{}/occurrences/{due_on}/reminder", bill.id);
            send(&device, &path, "two", &far).await.expect(400);
            let unknown = rent(&world).id;
            let path = format!("/api/v1/bills/{unknown}/occurrences/{due_on}/reminder");
            send(&device, &path, "three", &ReminderAnswer { bill: unknown, ..answer }).await.expect(404);
        })
        .await;
    }
}
