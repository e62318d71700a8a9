//! `/live`: the process answers. `/ready`: it can do its work, and if not, why not. Neither says anything of anybody.

mod store;
#[cfg(test)]
mod tests;

use std::path::Path;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::db::{Db, DbError, DbResult};
use crate::{App, jobs};

/// Less free space than this share of the disk, in percent, and no new work is taken.
const DISK_FREE_PERCENT: u64 = 5;
/// So much room is enough on a disk of any size.
const DISK_FREE_ENOUGH: u64 = 2 << 30;
/// Work that is due for so long and that nobody took: the nodes do not keep up, or stand.
const WORK_LATE: SignedDuration = SignedDuration::from_mins(5);
/// Clocks of several nodes differ a little; one that stands further behind what was written was set back.
const CLOCK_BEHIND: SignedDuration = SignedDuration::from_secs(60);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// Notes where the days of a server are meant that starts, for what is done beside it.
pub async fn note_zone(app: &App) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    store::note_zone(&mut tx, app.settings.zone.iana_name()).await?;
    tx.commit().await
}

/// Where the days are meant of the server that keeps this database, when it said so.
pub async fn zone(db: &Db) -> DbResult<Option<TimeZone>> {
    let name = store::zone(&mut db.read_once().await?).await?;
    name.map(|name| TimeZone::get(&name).map_err(|_| DbError::Corrupt("the server's zone"))).transpose()
}

/// Why a server takes no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Unready {
    /// It was told to stop.
    Stopping,
    /// A write does not reach the disk.
    NoWrite,
    /// The disk is nearly full.
    DiskNearlyFull,
    /// Work waits too long.
    WorkLate,
    /// The clock stands before what was written already.
    ClockSetBack,
}

#[derive(Serialize, utoipa::ToSchema)]
struct NodeReadiness {
    ready: bool,
    /// Empty when it is ready.
    reasons: Vec<Unready>,
}

/// The process runs.
#[utoipa::path(get, path = "/live", tag = "health", responses((status = 200, description = "The process runs")))]
async fn live() -> StatusCode {
    StatusCode::OK
}

/// The server takes requests: it is not stopping, a write reaches the disk, the disk has room, work is done in time and
/// the clock was not set back.
#[utoipa::path(get, path = "/ready", tag = "health",
    responses((status = 200, body = NodeReadiness), (status = 503, body = NodeReadiness)))]
async fn ready(State(app): State<App>) -> (StatusCode, axum::Json<NodeReadiness>) {
    let reasons = reasons(&app).await;
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(NodeReadiness { ready: reasons.is_empty(), reasons }))
}

async fn reasons(app: &App) -> Vec<Unready> {
    if app.ending.is_cancelled() {
        return vec![Unready::Stopping];
    }
    // A stopped database begins to write again with this.
    if !app.db.can_write().await {
        return vec![Unready::NoWrite];
    }
    let now = app.clock.now();
    let mut reasons = Vec::new();
    if app.db.file().is_some_and(disk_is_nearly_full) {
        reasons.push(Unready::DiskNearlyFull);
    }
    match jobs::waiting_since(app).await {
        Ok(Some(since)) if now.duration_since(since) > WORK_LATE => reasons.push(Unready::WorkLate),
        Ok(_) => {}
        Err(_) => return vec![Unready::NoWrite],
    }
    match note(app, now).await {
        Ok(latest) if latest.duration_since(now) > CLOCK_BEHIND => reasons.push(Unready::ClockSetBack),
        Ok(_) => {}
        Err(_) => return vec![Unready::NoWrite],
    }
    reasons
}

/// Writes that this moment was seen; the answer is the latest that any node saw.
async fn note(app: &App, now: Timestamp) -> DbResult<Timestamp> {
    let mut tx = app.db.begin_write().await?;
    let latest = store::note(&mut tx, now).await?;
    tx.commit().await?;
    Ok(latest)
}

/// A disk that does not say how full it is counts as having room: writing is tried by itself.
fn disk_is_nearly_full(file: &Path) -> bool {
    let folder = file.parent().unwrap_or(file);
    match (fs4::available_space(folder), fs4::total_space(folder)) {
        (Ok(free), Ok(total)) => is_nearly_full(free, total),
        _ => false,
    }
}

const fn is_nearly_full(free: u64, total: u64) -> bool {
    let share = total / 100 * DISK_FREE_PERCENT;
    free < if share < DISK_FREE_ENOUGH { share } else { DISK_FREE_ENOUGH }
}
