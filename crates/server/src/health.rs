//! `/live`: the process answers. `/ready`: it can write.

use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// The process runs.
#[utoipa::path(get, path = "/live", tag = "health", responses((status = 200, description = "The process runs")))]
async fn live() -> StatusCode {
    StatusCode::OK
}

/// The server takes requests: it is not stopping, and a write reaches the disk.
#[utoipa::path(get, path = "/ready", tag = "health", responses(
    (status = 200, description = "Ready"), (status = 503, description = "Stopping, or the database cannot write")))]
async fn ready(State(app): State<App>) -> StatusCode {
    if !app.ending.is_cancelled() && app.db.can_write().await {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
