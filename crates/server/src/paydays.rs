//! Pay days and what the person wants of the plan. Both are kept for the devices: the server works nothing out of them.

use api::error::ErrorCode;
use api::paydays::{Income, PlanWishes};
use api::sync::{Gone, Record};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::accounts::Account;
use domain::ids::{HolderId, IncomeId};
use domain::paydays::IncomeError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::Tx;
use crate::error::ApiError;
use crate::feed::{self, Key, Kind};
use crate::http::{Json, Path};
use crate::idempotency::{self, Begun, IdempotencyKey};
use crate::sign_in::SignedIn;

const INCOMES_MAX: u64 = 50;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put, remove)).routes(routes!(wish))
}

const fn key(id: IncomeId) -> Key {
    Key::new(Kind::Income, id.as_uuid())
}

/// Makes an income or changes it as a whole; the last one received wins. One that was removed stays away.
#[utoipa::path(put, path = "/api/v1/incomes/{id}", tag = "paydays", params(("id" = IncomeId, Path)),
    request_body = Income, responses((status = 200, body = Income), (status = 422, body = api::error::Problem)))]
async fn put(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<IncomeId>,
    Json(income): Json<Income>,
) -> Result<Response, ApiError> {
    if income.id != id {
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "id", "the income has another id than the address"));
    }
    income.check().map_err(|error| refused(&error))?;
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "incomes.put", &income).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let known: Option<Income> = feed::find(&mut once.tx, holder, key(id)).await?;
    if known.is_none() {
        if feed::was_there(&mut once.tx, holder, key(id)).await? {
            return Err(ApiError::new(ErrorCode::VersionConflict, "this income was removed on another device"));
        }
        demand_room(&mut once.tx, holder).await?;
    }
    if known.as_ref() != Some(&income) {
        feed::put(&mut once.tx, holder, app.clock.now(), &Record::Income(income.clone())).await?;
    }
    once.answer(StatusCode::OK, &income).await
}

#[utoipa::path(delete, path = "/api/v1/incomes/{id}", tag = "paydays", params(("id" = IncomeId, Path)),
    responses((status = 204, description = "Removed"), (status = 404, body = api::error::Problem)))]
async fn remove(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Path(id): Path<IncomeId>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "incomes.remove", &id).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    let known: Option<Income> = feed::find(&mut once.tx, holder, key(id)).await?;
    known.ok_or_else(ApiError::not_found)?;
    feed::put(&mut once.tx, holder, app.clock.now(), &Record::Gone(Gone::Income { id })).await?;
    once.answer(StatusCode::NO_CONTENT, &()).await
}

/// Puts an income of an archive back. False when one of this id is there.
pub(crate) async fn restore(app: &App, tx: &mut Tx, holder: HolderId, income: &Income) -> Result<bool, ApiError> {
    income.check().map_err(|error| refused(&error))?;
    let known: Option<Income> = feed::find(tx, holder, key(income.id)).await?;
    if known.is_some() {
        return Ok(false);
    }
    demand_room(tx, holder).await?;
    feed::put(tx, holder, app.clock.now(), &Record::Income(income.clone())).await?;
    Ok(true)
}

/// Puts the wishes for the plan of an archive back. False when something is wished here.
pub(crate) async fn restore_wishes(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    wishes: PlanWishes,
) -> Result<bool, ApiError> {
    let known: Vec<PlanWishes> = feed::all(tx, holder, Kind::PlanWishes).await?;
    if !known.is_empty() {
        return Ok(false);
    }
    check_wishes(tx, holder, wishes).await?;
    feed::put(tx, holder, app.clock.now(), &Record::PlanWishes(wishes)).await?;
    Ok(true)
}

async fn demand_room(tx: &mut Tx, holder: HolderId) -> Result<(), ApiError> {
    if feed::count(tx, holder, Kind::Income).await? >= INCOMES_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "an account has at most 50 incomes"));
    }
    Ok(())
}

async fn check_wishes(tx: &mut Tx, holder: HolderId, wishes: PlanWishes) -> Result<(), ApiError> {
    wishes.check().map_err(|error| ApiError::invalid(ErrorCode::InvalidAmount, "keep", &error.to_string()))?;
    if let Some(id) = wishes.account {
        let account: Option<Account> = feed::find(tx, holder, crate::accounts::key(id)).await?;
        account.ok_or_else(|| ApiError::invalid(ErrorCode::InvalidRequest, "account", "there is no such account"))?;
    }
    Ok(())
}

/// Keeps what the person wants of the plan; the last one received wins.
#[utoipa::path(put, path = "/api/v1/plan", tag = "paydays", request_body = PlanWishes,
    responses((status = 200, body = PlanWishes), (status = 422, body = api::error::Problem)))]
async fn wish(
    State(app): State<App>,
    signed_in: SignedIn,
    idempotency: IdempotencyKey,
    Json(wishes): Json<PlanWishes>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut once = match idempotency::begin(&app, &signed_in, &idempotency, "plan.wish", &wishes).await? {
        Begun::Again(answer) => return Ok(answer),
        Begun::First(once) => once,
    };
    check_wishes(&mut once.tx, holder, wishes).await?;
    feed::put(&mut once.tx, holder, app.clock.now(), &Record::PlanWishes(wishes)).await?;
    once.answer(StatusCode::OK, &wishes).await
}

fn refused(error: &IncomeError) -> ApiError {
    let (code, field) = match error {
        IncomeError::Name => (ErrorCode::TooLong, "name"),
        IncomeError::Amount => (ErrorCode::InvalidAmount, "amount"),
        IncomeError::Day | IncomeError::AnchorOutOfRange => (ErrorCode::InvalidDate, "cycle"),
    };
    ApiError::invalid(code, field, &error.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use axum::http::Method;
    use domain::calendar::{Calendar, Roll};
    use domain::money::{Currency, Money};
    use domain::paydays::PayCycle;
    use domain::plan::Pace;
    use jiff::civil::date;

    use super::*;
    use crate::feed::tests::{card, import};
    use crate::testing::{Answer, TestDevice, World, on_each_engine};

    pub(crate) fn salary(world: &World) -> Income {
        Income {
            id: IncomeId::new(world.now(), world.app.chance10()),
            name: "Tern Harbor Clinic".to_owned(),
            amount: Money::new(148_600, Currency::USD).expect("in range"),
            cycle: PayCycle::TwoWeekly { anchor: date(2027, 3, 5) },
            calendar: Calendar::FederalReserve,
            roll: Roll::Preceding,
        }
    }

    async fn send(device: &TestDevice, method: Method, path: &str, key: &str, body: &impl serde::Serialize) -> Answer {
        device.send(method, path, &[("idempotency-key", key)], Some(body)).await
    }

    #[tokio::test]
    async fn an_income_is_kept_changed_and_removed_and_does_not_come_back() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let salary = salary(&world);
            let path = format!("/api/v1/incomes/{}", salary.id);
            send(&device, Method::PUT, &path, "one", &salary).await.expect(200);
            send(&device, Method::PUT, &path, "one", &salary).await.expect(200);
            let dearer = Income { cycle: PayCycle::LastWorkingDay, ..salary.clone() };
            send(&device, Method::PUT, &path, "two", &dearer).await.expect(200);
            let snapshot = device.get("/api/v1/sync/snapshot").await.text();
            assert!(snapshot.contains("\"kind\":\"income\"") && snapshot.contains("last_working_day"), "{snapshot}");
            assert!(!snapshot.contains("two_weekly"), "one record an income: {snapshot}");
            send(&device, Method::DELETE, &path, "three", &()).await.expect(204);
            send(&device, Method::PUT, &path, "four", &salary).await.expect(409);
            let feed = device.get("/api/v1/sync").await.text();
            assert!(feed.contains("\"what\":\"income\""), "{feed}");
        })
        .await;
    }

    #[tokio::test]
    async fn an_income_that_means_nothing_is_refused() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let salary = salary(&world);
            let path = format!("/api/v1/incomes/{}", salary.id);
            let nothing = Income { amount: Money::zero(Currency::USD), ..salary.clone() };
            assert_eq!(send(&device, Method::PUT, &path, "one", &nothing).await.code(), ErrorCode::InvalidAmount);
            let never = Income { cycle: PayCycle::SemiMonthly { first: 15, second: 15 }, ..salary.clone() };
            assert_eq!(send(&device, Method::PUT, &path, "two", &never).await.code(), ErrorCode::InvalidDate);
            let other = format!("/api/v1/incomes/{}", super::tests::salary(&world).id);
            send(&device, Method::PUT, &other, "three", &salary).await.expect(400);
            send(&device, Method::DELETE, &path, "four", &()).await.expect(404);
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_wanted_of_the_plan_is_one_record_and_names_an_own_account() {
        on_each_engine(async |world| {
            let device = world.holder().await;
            let card = card(&world);
            import(&device, &world, &card, Vec::new()).await;
            let keep = Some(Money::new(5_000, Currency::USD).expect("in range"));
            let wishes = PlanWishes { account: Some(card.id), keep, pace: Pace::AtTheLast };
            send(&device, Method::PUT, "/api/v1/plan", "one", &wishes).await.expect(200);
            let later = PlanWishes { pace: Pace::AfterPay, ..wishes };
            send(&device, Method::PUT, "/api/v1/plan", "two", &later).await.expect(200);
            let snapshot = device.get("/api/v1/sync/snapshot").await.text();
            assert_eq!(snapshot.matches("\"kind\":\"plan_wishes\"").count(), 1, "{snapshot}");
            assert!(snapshot.contains("after_pay"), "{snapshot}");
            let stranger = world.holder().await;
            send(&stranger, Method::PUT, "/api/v1/plan", "three", &wishes).await.expect(400);
            let below = PlanWishes { keep: Some(Money::new(-1, Currency::USD).expect("in range")), ..wishes };
            assert_eq!(
                send(&device, Method::PUT, "/api/v1/plan", "four", &below).await.code(),
                ErrorCode::InvalidAmount
            );
        })
        .await;
    }
}
