//! P8: the first sync of 100,000 lines to a new device, ready to search, against fetching the same rows as JSON over
//! loopback and loading them bare.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::data;
use crate::jobs::LARGE;
use crate::jobs::import::load;
use crate::jobs::parse::{Scanned, scan};
use crate::pairs::{Work, compare, timed};
use crate::world::{Device, server};
use flows::caller::{Caller, connections};

#[derive(Serialize, Deserialize)]
struct Row {
    date: u32,
    amount: i64,
    fitid: String,
    name: String,
    memo: String,
}

pub fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let file = data::ofx_sgml(LARGE);
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let holder = runtime.block_on(Caller::sign_in(&running, connections()?))?.holder;
    let first = runtime.block_on(Device::new())?;
    runtime.block_on(first.sign_in(&running, holder))?;
    runtime.block_on(first.import(&file, 0))?;
    runtime.block_on(first.sync())?;
    let plain = runtime.block_on(start_plain(&file))?;
    compare(
        "first sync / fetch and bare bulk with full text",
        1.5,
        Box::new(|| {
            let device = runtime.block_on(Device::new())?;
            let began = Instant::now();
            runtime.block_on(device.sign_in(&running, holder))?;
            runtime.block_on(device.sync())?;
            let took = began.elapsed();
            let accounts = runtime.block_on(device.client.accounts().list()).map_err(|e| e.to_string())?;
            let count = accounts.iter().map(|account| account.transactions.unsigned_abs()).sum();
            Ok((took, Work { count, sum: 0 }))
        }),
        Box::new(|| {
            let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
            timed(|| runtime.block_on(fetch(&plain, &folder.path().join("limit.db"))))
        }),
    )?;
    runtime.block_on(first.end())?;
    runtime.block_on(running.shutdown());
    Ok(())
}

/// Answers with the rows as one JSON document.
async fn start_plain(file: &[u8]) -> Result<String, String> {
    let rows: Vec<Row> = scan(file)
        .into_iter()
        .map(|line| Row {
            date: line.date,
            amount: line.amount_minor,
            fitid: line.fitid,
            name: line.name,
            memo: line.memo,
        })
        .collect();
    let body = axum::body::Bytes::from(serde_json::to_vec(&rows).map_err(|e| e.to_string())?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let router = axum::Router::new().fallback(async move || body.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}/"))
}

async fn fetch(url: &str, path: &std::path::Path) -> Result<Work, String> {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().map_err(|e| e.to_string())?;
    let bytes = client.get(url).send().await.map_err(|e| e.to_string())?.bytes().await.map_err(|e| e.to_string())?;
    let rows: Vec<Row> = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    let lines: Vec<Scanned> = rows
        .into_iter()
        .map(|row| Scanned {
            date: row.date,
            amount_minor: row.amount,
            fitid: row.fitid,
            name: row.name,
            memo: row.memo,
        })
        .collect();
    load(&lines, path).map_err(|e| e.to_string())?;
    Ok(Work { count: lines.len() as u64, sum: 0 })
}
