//! The devices that are signed in to an account, and signing one out.

mod store;

use api::devices::{Device, DeviceList};
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{DeviceId, HolderId};
use jiff::Timestamp;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::risk;
use crate::sign_in::{SignedIn, sign_device_out};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(remove))
}

/// The devices that are signed in, newest first.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", responses((status = 200, body = DeviceList)))]
async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<DeviceList>, ApiError> {
    let mut tx = app.db.begin_read().await?;
    let mut items = store::list(&mut tx, signed_in.holder, Some(signed_in.device), app.clock.now()).await?;
    for (device, place) in risk::last_places(&mut tx, signed_in.holder).await? {
        if let Some(item) = items.iter_mut().find(|item| item.id == device) {
            item.place = Some(place);
        }
    }
    Ok(Json(DeviceList { items }))
}

/// The devices that are signed in, newest first, for who is none of them.
pub(crate) async fn signed_in(tx: &mut Tx, holder: HolderId, now: Timestamp) -> DbResult<Vec<Device>> {
    store::list(tx, holder, None, now).await
}

/// As this device sees them.
pub(crate) async fn of(tx: &mut Tx, holder: HolderId, this: DeviceId, now: Timestamp) -> DbResult<Vec<Device>> {
    store::list(tx, holder, Some(this), now).await
}

/// Signs a device out: its tokens end at once. Signing out twice is no error.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices", params(("id" = DeviceId, Path)),
    responses((status = 204, description = "Signed out"), (status = 404, body = api::error::Problem)))]
async fn remove(State(app): State<App>, signed_in: SignedIn, Path(id): Path<DeviceId>) -> Result<StatusCode, ApiError> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(signed_in.holder).await?;
    if !store::exists(&mut tx, signed_in.holder, id).await? {
        return Err(ApiError::not_found());
    }
    sign_device_out(&mut tx, signed_in.holder, id, app.clock.now(), Some(signed_in.device)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
