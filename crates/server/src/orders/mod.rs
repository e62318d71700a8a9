//! Orders that merchants tell of: kept as a whole under the merchant's id, each shipment tied to its capture and each
//! return to its refund, and told to the person's devices. They move no money.

mod store;
#[cfg(test)]
mod tests;

use api::error::ErrorCode;
use api::orders::{Order, OrderCharge, OrderKept, OrderTold};
use api::sync::Record;
use axum::extract::State;
use domain::ids::{OrderId, PurchaseStepId};
use domain::money::Money;
use domain::orders::OrderError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbError, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::purchases::merchants::Merchant;
use crate::purchases::{self, PaidBy, StepKind};
use crate::{feed, wallet};
use store::Stored;

/// Orders that one purchase pays.
const ORDERS_MAX: i64 = 20;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put))
}

/// Keeps what a merchant says of an order. The same again changes nothing, and an earlier revision is refused.
#[utoipa::path(put, path = "/merchant/v1/orders/{id}", tag = "merchant", params(("id" = OrderId, Path)),
    request_body = OrderTold,
    responses((status = 200, body = OrderKept), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn put(
    State(app): State<App>,
    merchant: Merchant,
    Path(id): Path<OrderId>,
    Json(told): Json<OrderTold>,
) -> Result<Json<OrderKept>, ApiError> {
    let (mut tx, paid_by) = purchases::paid_by(&app, &merchant, told.purchase).await?;
    let holder = paid_by.holder;
    told.check(paid_by.currency).map_err(refused)?;
    let kept = OrderKept { id, revision: told.revision };
    match store::find(&mut tx, holder, id).await? {
        Some(known) if known.merchant != merchant.id || known.told.purchase != told.purchase => return Err(reused()),
        Some(known) if known.told == told => return Ok(Json(kept)),
        Some(known) if known.told.revision == told.revision => return Err(reused()),
        Some(known) if known.told.revision > told.revision => {
            return Err(ApiError::new(ErrorCode::VersionConflict, "a later revision of this order is known"));
        }
        None if store::count(&mut tx, holder, told.purchase).await? >= ORDERS_MAX => {
            return Err(ApiError::new(ErrorCode::TooMany, "a purchase pays at most 20 orders"));
        }
        _ => {}
    }
    let charges = charges(&app, &mut tx, &paid_by, &told).await?;
    let stored = Stored { holder, id, merchant: merchant.id, told };
    match store::put(&mut tx, &stored, app.clock.now()).await {
        Ok(()) => {}
        // A step is another order's, or the id another person's order of this merchant.
        Err(error) if error.is_duplicate() => return Err(reused()),
        Err(error) => return Err(error.into()),
    }
    let order = Order { id, card: paid_by.card, merchant: paid_by.merchant_name, told: stored.told, charges };
    feed::put(&mut tx, holder, app.clock.now(), &Record::Order(order)).await?;
    tx.commit().await?;
    Ok(Json(kept))
}

/// What moved on the card for the parcels: a shipment names a capture, a return a refund, both of this purchase.
async fn charges(app: &App, tx: &mut Tx, paid_by: &PaidBy, told: &OrderTold) -> Result<Vec<OrderCharge>, ApiError> {
    let mut charges = Vec::new();
    let ways = [(&told.shipments, StepKind::Capture, "shipments"), (&told.returns, StepKind::Refund, "returns")];
    for (parcels, kind, field) in ways {
        for step in parcels.iter().filter_map(|parcel| parcel.step) {
            charges.push(charge(app, tx, paid_by, told, step, kind).await?.ok_or_else(|| {
                ApiError::invalid(ErrorCode::InvalidRequest, field, "a parcel names a step that its purchase has not")
            })?);
        }
    }
    charges.sort_by_key(|charge| (charge.on, charge.step));
    Ok(charges)
}

async fn charge(
    app: &App,
    tx: &mut Tx,
    paid_by: &PaidBy,
    told: &OrderTold,
    step: PurchaseStepId,
    kind: StepKind,
) -> Result<Option<OrderCharge>, ApiError> {
    let found = purchases::step_of(tx, paid_by.holder, told.purchase, step).await?;
    let Some(found) = found.filter(|found| found.kind == kind) else { return Ok(None) };
    let amount = Money::new(found.amount_minor, paid_by.currency).map_err(|_| DbError::Corrupt("an amount"))?;
    let amount = if kind == StepKind::Refund { amount.negated() } else { amount };
    let by_wallet = wallet::paid_of_step(tx, paid_by.holder, step, paid_by.currency).await?;
    let on = found.made_at.to_zoned(app.settings.zone.clone()).date();
    Ok(Some(OrderCharge { step, amount, by_wallet: Some(by_wallet), on }))
}

fn reused() -> ApiError {
    ApiError::new(ErrorCode::KeyReused, "this id or revision came with something else")
}

fn refused(error: OrderError) -> ApiError {
    let (code, field) = match error {
        OrderError::Text => (ErrorCode::TooLong, "number"),
        OrderError::Count => (ErrorCode::TooMany, "items"),
        OrderError::Quantity => (ErrorCode::InvalidRequest, "items"),
        OrderError::Amount => (ErrorCode::InvalidAmount, "items"),
        OrderError::Contents => (ErrorCode::InvalidRequest, "shipments"),
        OrderError::Returned => (ErrorCode::InvalidRequest, "returns"),
        OrderError::Step => (ErrorCode::InvalidRequest, "shipments"),
    };
    ApiError::invalid(code, field, &error.to_string())
}
