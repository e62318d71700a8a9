//! Everything out (IM4): one archive of all that the server holds of a person. It leaves only to a device on which a passkey
//! was shown a few minutes ago; before it is read it stands in the security log, and every confirmed address is told. What is
//! in it is read at one moment. Nothing is deleted by it.

mod archive;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use api::security::OneTimeAddress;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::accounts::Account;
use domain::ids::{DeviceId, HolderId};
use domain::policy::{self, APPROVAL_FRESH, Approval, Change, Decision};
use domain::security::{Happened, SecurityEventKind};
use tokio::runtime::Handle;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::Tx;
use crate::error::ApiError;
use crate::feed::{self, Kind};
use crate::http::{Json, Source};
use crate::sign_in::SignedIn;
use crate::sign_in::step_up::{self, Asked, Shown, Subject};
use crate::transfer::{Parts, Places};
use crate::{addresses, devices, security, statements};
use archive::Everything;

/// Archives that one process makes at once: each holds an account in memory.
const AT_ONCE: usize = 2;
const PART_BYTES: usize = 64 * 1024;

/// The places of one server where archives are made.
pub(crate) fn places() -> Places {
    Places::new(AT_ONCE)
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(make))
}

/// Everything that the server holds of this person, as one archive. Where the last passkey on this device is older than five
/// minutes, first the address at which one is shown; then it is asked for again.
#[utoipa::path(post, path = "/api/v1/export", tag = "export",
    responses((status = 200, content_type = "application/zip", body = Vec<u8>),
        (status = 202, body = OneTimeAddress, description = "A passkey has to be shown there"),
        (status = 403, body = api::error::Problem), (status = 503, body = api::error::Problem)))]
async fn make(State(app): State<App>, signed_in: SignedIn, Source(source): Source) -> Result<Response, ApiError> {
    let (holder, device) = (signed_in.holder, signed_in.device);
    // Before anything is held that others wait for.
    let place = app.archives.take(holder).await?;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    if !may(&app, &mut tx, holder, device).await? {
        drop(tx);
        let address = step_up::begin(&app, &signed_in, source, Subject::Export).await?;
        return Ok((StatusCode::ACCEPTED, Json(address)).into_response());
    }
    let now = app.clock.now();
    let happened = Happened {
        at: now,
        kind: SecurityEventKind::Exported,
        by: Some(device),
        device: None,
        name: None,
        about: None,
    };
    security::record(&mut tx, holder, happened).await?;
    tx.commit().await?;
    app.jobs.wake();
    let mut tx = app.db.begin_read().await?;
    let everything = read(&app, &mut tx, holder, device).await?;
    drop(tx);
    let (parts, body) = Parts::new(&app, &signed_in);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut out = Packed { parts, runtime, kept: Vec::with_capacity(PART_BYTES) };
        let written = archive::write(&everything, &mut out).and_then(|()| Ok(out.flush()?));
        drop(place);
        match written {
            Ok(()) => out.parts.end(),
            Err(error) => tracing::warn!(%error, "an archive broke off"),
        }
    });
    let head = [
        (header::CONTENT_TYPE, "application/zip"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"billfold.zip\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((head, body).into_response())
}

/// Whether it may leave now. Where nothing stronger can be asked for, the device is enough.
async fn may(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> Result<bool, ApiError> {
    let now = app.clock.now();
    let caller = tx.ask(step_up::caller(app, holder, device)).await?;
    match policy::change(app.settings.policy, Change::Export, &caller, now) {
        Decision::Refuse(refusal) => Err(refusal.into()),
        Decision::Go { approval: Approval::None | Approval::Device(_), .. } => Ok(true),
        Decision::Go { approval: Approval::Passkey(_), .. } => {
            Ok(caller.proved_at.is_some_and(|shown| now.duration_since(shown) <= APPROVAL_FRESH))
        }
    }
}

async fn read(app: &App, tx: &mut Tx, holder: HolderId, device: DeviceId) -> Result<Everything, ApiError> {
    let mut records = Vec::new();
    for kind in Kind::ALL {
        let bodies = feed::all::<serde_json::Value>(tx, holder, kind).await?;
        records.push((kind.name(), bodies));
    }
    let accounts: Vec<Account> = feed::all(tx, holder, Kind::Account).await?;
    Ok(Everything {
        made_at: app.clock.now(),
        server: app.settings.server_name.clone(),
        lines: feed::all(tx, holder, Kind::Transaction).await?,
        bills: feed::all(tx, holder, Kind::Bill).await?,
        payments: feed::all(tx, holder, Kind::Payment).await?,
        events: feed::all(tx, holder, Kind::SecurityEvent).await?,
        devices: devices::of(tx, holder, device, app.clock.now()).await?,
        addresses: addresses::all(tx, holder, app.clock.now()).await?,
        statements: statements::all(app, tx, holder, &accounts).await?,
        accounts,
        records,
    })
}

/// What the page shows before everything leaves.
pub(crate) async fn shown(app: &App, tx: &mut Tx, asked: &Asked) -> Result<Shown, ApiError> {
    may(app, tx, asked.holder, asked.device).await?;
    let devices = devices::of(tx, asked.holder, asked.device, app.clock.now()).await?;
    let name = devices.into_iter().find(|one| one.id == asked.device).map(|one| one.name);
    let words = asked.words();
    let facts = vec![(words.to, name.ok_or_else(ApiError::not_found)?), (words.what, words.everything.to_owned())];
    Ok(Shown::new(&words.export, facts, format!("export {}", asked.device)))
}

/// What is written goes to the network in parts, and waits for it.
struct Packed {
    parts: Parts,
    runtime: Handle,
    kept: Vec<u8>,
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.extend_from_slice(bytes);
        if self.kept.len() >= PART_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let part = Bytes::from(std::mem::take(&mut self.kept));
        self.runtime.block_on(self.parts.send(part)).map_err(io::Error::other)
    }
}
