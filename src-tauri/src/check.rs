//! `billfold check`: one line each for what Billfold stands on.

use client::platform::SystemClock;
use client::status::{Phase, Place};
use domain::calendar::Calendar;
use domain::time::Clock;
use serde::Serialize;

use crate::core::Core;
use crate::os;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CheckLine {
    pub name: String,
    pub good: bool,
    pub about: String,
}

fn line(name: &str, found: Result<String, String>) -> CheckLine {
    let good = found.is_ok();
    CheckLine { name: name.to_owned(), good, about: found.unwrap_or_else(|why| why) }
}

pub async fn lines(core: &Core) -> Vec<CheckLine> {
    let keyring = tokio::task::spawn_blocking(|| os::keyring::SystemKeyring.about()).await;
    let keyring = keyring.map_err(|_| "it did not answer".to_owned());
    let notifier = tokio::task::spawn_blocking(os::notify::about).await;
    let notifier = notifier.map_err(|_| "it did not answer".to_owned());
    vec![
        line("version", Ok(format!("Billfold {}", env!("CARGO_PKG_VERSION")))),
        line("keyring", keyring.and_then(|found| found.map_err(|error| error.to_string()))),
        line("server", server(core).await),
        line("cache", cache(core).await),
        line("clock", clock()),
        line("holidays", holidays()),
        line("billers", billers(core).await),
        line("notifier", notifier.and_then(|found| found)),
    ]
}

async fn server(core: &Core) -> Result<String, String> {
    let place = match core.client.place() {
        Ok(Some(Place::ThisComputer)) => "on this computer".to_owned(),
        Ok(Some(Place::Server { url, .. })) => url,
        Ok(None) => return Ok("none yet".to_owned()),
        Err(error) => return Err(error.message),
    };
    if core.client.phase() != Phase::Ready {
        return Ok(format!("{place}, not asked while locked"));
    }
    match core.sync().await {
        Ok(()) => Ok(format!("{place}, answers")),
        Err(failure) => Err(format!("{place}: {}", failure.message)),
    }
}

async fn cache(core: &Core) -> Result<String, String> {
    match core.client.phase() {
        Phase::Welcome => Ok("none yet".to_owned()),
        Phase::Locked => Ok("encrypted, locked".to_owned()),
        Phase::Ready => {
            core.client.accounts().list().await.map_or_else(
                |error| Err(error.message),
                |accounts| Ok(format!("encrypted, {} accounts", accounts.len())),
            )
        }
    }
}

async fn billers(core: &Core) -> Result<String, String> {
    if core.client.phase() != Phase::Ready {
        return Ok("not asked while locked".to_owned());
    }
    let directory = core.client.billers().directory().await.map_err(|error| error.message)?;
    match directory.refused {
        None => Ok(format!("{} billers, version {}, signed", directory.billers, directory.version)),
        Some(why) => Err(format!("{}; version {} stays", why.as_str(), directory.version)),
    }
}

/// Lists of holidays are published some years ahead; beyond them a decree may add a day that this build does not know.
fn holidays() -> Result<String, String> {
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::system()).date();
    let ends = Calendar::ALL.into_iter().filter_map(Calendar::published_to).min();
    let until = ends.map_or_else(|| "for ever".to_owned(), |end| format!("until {end}"));
    if Calendar::ending_soon(today).next().is_some() {
        return Err(format!("known {until}: update Billfold before then"));
    }
    Ok(format!("known {until}"))
}

fn clock() -> Result<String, String> {
    let now = SystemClock.now();
    let year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
    if (2025..2200).contains(&year) { Ok(now.to_string()) } else { Err(format!("it says {now}")) }
}
