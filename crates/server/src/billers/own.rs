//! Billers that a person added (BI2): kept for their devices, known to nobody else. No payment ever goes to one.

use api::billers::OwnBiller;
use api::bills::Bill;
use api::error::ErrorCode;
use api::sync::{Gone, Record};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::billers::OwnBillerError;
use domain::ids::{BillerId, HolderId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::feed::{self, Key, Kind};
use crate::http::{Json, Path};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::SignedIn;

const OWN_BILLERS_MAX: u64 = 500;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put, remove))
}

const fn key(id: BillerId) -> Key {
    Key::new(Kind::OwnBiller, id.as_uuid())
}

/// Whether this person has or had that biller. A bill that was made on another device before the removal got there is not
/// lost for it.
pub(crate) async fn was_there(tx: &mut Tx, holder: HolderId, id: BillerId) -> DbResult<bool> {
    feed::was_there(tx, holder, key(id)).await
}

/// Makes a biller of the person's own or changes it as a whole; the last one received wins. One that was removed stays
/// away.
#[utoipa::path(put, path = "/api/v1/billers/{id}", tag = "billers", params(("id" = BillerId, Path)),
    request_body = OwnBiller, responses((status = 200, body = OwnBiller), (status = 422, body = api::error::Problem)))]
async fn put(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<BillerId>,
    Json(biller): Json<OwnBiller>,
) -> Result<Response, ApiError> {
    if biller.id != id {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "id", "the biller has another id than the address"));
    }
    check(&biller)?;
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "billers.put", &biller).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let known: Option<OwnBiller> = feed::find(&mut once.tx, holder, key(id)).await?;
    if known.is_none() {
        if was_there(&mut once.tx, holder, id).await? {
            return Err(ApiError::new(ErrorCode::VersionConflict, "this biller was removed on another device"));
        }
        demand_room(&mut once.tx, holder).await?;
    }
    if known.as_ref() != Some(&biller) {
        feed::put(&mut once.tx, holder, app.clock.now(), &Record::OwnBiller(biller.clone())).await?;
    }
    once.answer(StatusCode::OK, &biller).await
}

/// Puts a biller of an archive back. False when one of this id is there.
pub(crate) async fn restore(app: &App, tx: &mut Tx, holder: HolderId, biller: &OwnBiller) -> Result<bool, ApiError> {
    check(biller)?;
    let known: Option<OwnBiller> = feed::find(tx, holder, key(biller.id)).await?;
    if known.is_some() {
        return Ok(false);
    }
    demand_room(tx, holder).await?;
    feed::put(tx, holder, app.clock.now(), &Record::OwnBiller(biller.clone())).await?;
    Ok(true)
}

fn check(biller: &OwnBiller) -> Result<(), ApiError> {
    biller.check().map_err(|error| refused(&error))?;
    if super::find(biller.id).is_some() {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "id", "a biller of the directory has this id"));
    }
    Ok(())
}

async fn demand_room(tx: &mut Tx, holder: HolderId) -> Result<(), ApiError> {
    if feed::count(tx, holder, Kind::OwnBiller).await? >= OWN_BILLERS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 500 billers of its own"));
    }
    Ok(())
}

/// Removes a biller of the person's own; its bills stay and are with no biller.
#[utoipa::path(delete, path = "/api/v1/billers/{id}", tag = "billers", params(("id" = BillerId, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem)))]
async fn remove(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<BillerId>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "billers.remove", &id).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let known: Option<OwnBiller> = feed::find(&mut once.tx, holder, key(id)).await?;
    known.ok_or_else(ApiError::not_found)?;
    let now = app.clock.now();
    let bills: Vec<Bill> = feed::all(&mut once.tx, holder, Kind::Bill).await?;
    for bill in bills.into_iter().filter(|bill| bill.biller == Some(id)) {
        feed::put(&mut once.tx, holder, now, &Record::Bill(Bill { biller: None, ..bill })).await?;
    }
    feed::put(&mut once.tx, holder, now, &Record::Gone(Gone::OwnBiller { id })).await?;
    once.answer(StatusCode::NO_CONTENT, &()).await
}

fn refused(error: &OwnBillerError) -> ApiError {
    let (code, field) = match error {
        OwnBillerError::Name => (ErrorCode::TooLong, "name"),
        OwnBillerError::Category => (ErrorCode::TooLong, "category"),
        OwnBillerError::Accepts => (ErrorCode::InvalidRequest, "accepts"),
        OwnBillerError::HowToPay => (ErrorCode::TooLong, "how_to_pay"),
    };
    ApiError::invalid(code, field, &error.to_string())
}

#[cfg(test)]
mod tests {
    use api::billers::Accepts;
    use axum::http::Method;
    use domain::ids::PaymentId;
    use domain::money::{Currency, Money};
    use domain::payments::PaymentOrder;

    use super::*;
    use crate::feed::tests::rent;
    use crate::testing::{Answer, TestDevice, World, on_each_engine};

    fn piano(world: &World) -> OwnBiller {
        OwnBiller {
            id: BillerId::new(world.now(), world.app.chance10()),
            name: "Harbor Row Piano Lessons".to_owned(),
            category: "music".to_owned(),
            accepts: vec![Accepts::Cash],
            how_to_pay: "In an envelope on the first Monday".to_owned(),
        }
    }

    async fn send(device: &TestDevice, method: Method, path: &str, key: &str, body: &impl serde::Serialize) -> Answer {
        device.send(method, path, &[("idempotency-key", key)], Some(body)).await
    }

    #[tokio::test]
    async fn an_own_biller_is_kept_changed_and_removed_and_its_bills_stay() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let piano = piano(&world);
            let path = format!("/api/v1/billers/{}", piano.id);
            send(&device, Method::PUT, &path, "one", &piano).await.expect(200);
            send(&device, Method::PUT, &path, "one", &piano).await.expect(200);
            let renamed = OwnBiller { name: "Harbor Row Music".to_owned(), ..piano.clone() };
            send(&device, Method::PUT, &path, "two", &renamed).await.expect(200);
            let bill = Bill { biller: Some(piano.id), ..rent(&world) };
            device.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(200);
            let snapshot = device.get("/api/v1/sync/snapshot").await.text();
            assert_eq!(snapshot.matches("\"kind\":\"own_biller\"").count(), 1, "{snapshot}");
            assert!(snapshot.contains("Harbor Row Music") && !snapshot.contains("Piano"), "{snapshot}");
            send(&device, Method::DELETE, &path, "three", &()).await.expect(204);
            send(&device, Method::PUT, &path, "four", &piano).await.expect(409);
            let feed = device.get("/api/v1/sync").await.text();
            assert!(feed.contains("\"what\":\"own_biller\""), "{feed}");
            assert!(feed.contains(&bill.name) && !feed.contains(&format!("\"biller\":\"{}\"", piano.id)), "{feed}");
            // One that was made elsewhere before the removal got there is kept.
            let late = Bill { biller: Some(piano.id), ..rent(&world) };
            device.put(&format!("/api/v1/bills/{}", late.id), &late).await.expect(200);
        })
        .await;
    }

    #[tokio::test]
    async fn nothing_is_paid_to_an_own_biller_and_nobody_else_has_it() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let piano = piano(&world);
            send(&device, Method::PUT, &format!("/api/v1/billers/{}", piano.id), "one", &piano).await.expect(200);
            let order = PaymentOrder {
                id: PaymentId::new(world.now(), world.app.chance10()),
                bill: None,
                due_on: None,
                biller: piano.id,
                reference: None,
                amount: Money::new(1_000, Currency::USD).expect("in range"),
                send_on: None,
                duplicate_meant: false,
                method: None,
            };
            send(&device, Method::POST, "/api/v1/payments", "two", &order).await.expect(422);
            let stranger = world.holder().await;
            let bill = Bill { biller: Some(piano.id), ..rent(&world) };
            stranger.put(&format!("/api/v1/bills/{}", bill.id), &bill).await.expect(400);
            assert!(!stranger.get("/api/v1/sync/snapshot").await.text().contains("Piano"));
        })
        .await;
    }

    #[tokio::test]
    async fn one_that_is_not_sound_or_has_an_id_of_the_directory_is_refused() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let piano = piano(&world);
            let path = format!("/api/v1/billers/{}", piano.id);
            let nameless = OwnBiller { name: String::new(), ..piano.clone() };
            assert_eq!(send(&device, Method::PUT, &path, "one", &nameless).await.code(), ErrorCode::TooLong);
            let signed = OwnBiller { id: super::super::directory()[0].id, ..piano.clone() };
            let path = format!("/api/v1/billers/{}", signed.id);
            assert_eq!(send(&device, Method::PUT, &path, "two", &signed).await.code(), ErrorCode::InvalidRequest);
            send(&device, Method::DELETE, &format!("/api/v1/billers/{}", piano.id), "three", &()).await.expect(404);
        })
        .await;
    }
}
