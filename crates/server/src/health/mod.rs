//! `/live`: the process answers. `/ready`: it can do its work, and if not, why not. Neither says anything of anybody.

mod store;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use domain::time::Clock;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::db::{Db, DbError, DbResult, Tx};
use crate::payments::rails::files::FileRail;
use crate::{App, jobs};

/// Less free space than this share of the disk, in percent, and no new work is taken.
const DISK_FREE_PERCENT: u64 = 5;
/// So much room is enough on a disk of any size.
const DISK_FREE_ENOUGH: u64 = 2 << 30;
/// Work that is due for so long and that nobody took: the nodes do not keep up, or stand.
const WORK_LATE: SignedDuration = SignedDuration::from_mins(5);
/// Clocks of several nodes, and that of their database, differ a little; one that stands further behind was set back.
const CLOCK_BEHIND: SignedDuration = SignedDuration::from_secs(60);
/// What was written by a clock that was wrong is no measure for ever: one that stands behind it for so long is right.
const FOLLOWED_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Whoever asks within so long is told what was found last: anybody may ask, and each look writes.
const KEPT: Duration = Duration::from_secs(2);

/// What a node remembers of itself.
#[derive(Default)]
pub struct Health {
    part_ended: AtomicBool,
    /// Since when the clock stands behind what was written.
    behind_since: Mutex<Option<Timestamp>>,
    last: tokio::sync::Mutex<Option<(Instant, Vec<Unready>)>>,
    /// The database's clock, where it is not its own: in a frozen world.
    database_clock: Option<Arc<dyn Clock>>,
}

impl Health {
    /// In a frozen world, whose database has the same clock.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn by_clock(clock: Arc<dyn Clock>) -> Self {
        Self { database_clock: Some(clock), ..Self::default() }
    }

    /// Work that runs until the server ends has ended before: nobody does it any more.
    pub(crate) fn note_part_ended(&self) {
        self.part_ended.store(true, Ordering::SeqCst);
    }

    /// Whether the clock has stood behind what was written for so long that it is right.
    fn is_followed(&self, is_behind: bool, now: Timestamp) -> bool {
        let mut since = self.behind_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = since.filter(|since| is_behind && *since <= now).or(is_behind.then_some(now));
        since.is_some_and(|since| now.duration_since(since) >= FOLLOWED_AFTER)
    }

    /// What the database's own clock says, where it has one.
    async fn database_time(&self, tx: &mut Tx) -> DbResult<Option<Timestamp>> {
        if !tx.is_postgres() {
            return Ok(None);
        }
        if let Some(clock) = &self.database_clock {
            return Ok(Some(clock.now()));
        }
        store::database_time(tx).await.map(Some)
    }
}

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
    /// The clock stands before that of the database, or before what was written already.
    ClockSetBack,
    /// The clock stands after that of the database.
    ClockAhead,
    /// A part of it has ended by a fault, and only a new start brings it back.
    PartEnded,
    /// The folder of a rail is not there, or is another one.
    RailFolderAway,
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

/// The server takes requests: it is not stopping, a write reaches the disk, the disk has room, work is done in time, the
/// clock is right, all of its parts run and the folders of its rails are there. Mail that waits for its carrier does not count.
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
    // Whoever asks meanwhile waits for the same look.
    let mut last = app.health.last.lock().await;
    if let Some((_, reasons)) = last.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
        return reasons.clone();
    }
    let reasons = look(app).await;
    *last = Some((Instant::now(), reasons.clone()));
    reasons
}

async fn look(app: &App) -> Vec<Unready> {
    let now = app.clock.now();
    let clock = match note(app, now).await {
        // A stopped database begins to write again with this.
        Err(error) if !matches!(error, DbError::Busy | DbError::Away) && app.db.can_write().await => {
            note(app, now).await
        }
        noted => noted,
    };
    let Ok(clock) = clock else { return vec![Unready::NoWrite] };
    let mut reasons = Vec::new();
    if app.db.file().is_some_and(disk_is_nearly_full) {
        reasons.push(Unready::DiskNearlyFull);
    }
    match jobs::waiting_since(app).await {
        Ok(Some(since)) if now.duration_since(since) > WORK_LATE => reasons.push(Unready::WorkLate),
        Ok(_) => {}
        Err(_) => return vec![Unready::NoWrite],
    }
    reasons.extend(clock);
    if app.health.part_ended.load(Ordering::SeqCst) {
        reasons.push(Unready::PartEnded);
    }
    if app.rails.all_of_files().any(FileRail::folder_is_away) {
        reasons.push(Unready::RailFolderAway);
    }
    reasons
}

/// Writes that this moment was seen; the answer is what is wrong with the clock. Where nodes share a database its clock says
/// which of them is wrong, so that one that is ahead makes no other one wait.
async fn note(app: &App, now: Timestamp) -> DbResult<Option<Unready>> {
    let mut tx = app.db.begin_write().await?;
    let told = app.health.database_time(&mut tx).await?.unwrap_or(now);
    let latest = store::note(&mut tx, told).await?;
    let is_behind = latest.duration_since(told) > CLOCK_BEHIND;
    let is_followed = app.health.is_followed(is_behind, told);
    if is_followed {
        tracing::warn!("the clock stands before what was written, and has for minutes: it is followed from now on");
        store::follow(&mut tx, told).await?;
    }
    tx.commit().await?;
    Ok(if told.duration_since(now) > CLOCK_BEHIND || (is_behind && !is_followed) {
        Some(Unready::ClockSetBack)
    } else if now.duration_since(told) > CLOCK_BEHIND {
        Some(Unready::ClockAhead)
    } else {
        None
    })
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
