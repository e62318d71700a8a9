//! P18: five thousand open event streams of signed-in devices against the plainest stream that axum gives: memory of each
//! idle connection, and the time until one change has reached them all. Each server is a process of its own, so that
//! what its clients take is not counted.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use flows::caller::{Caller, connections};
use futures_util::Stream;
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::broadcast;

use crate::pairs::verdict;
use crate::world::server;

const EVENTS: &str = "/api/v1/events";
const STREAMS: usize = if cfg!(debug_assertions) { 200 } else { 5_000 };
/// Fewer than one account may have: each change adds one.
const DEVICES: usize = 40;
/// Counted changes after one that warms up.
const CHANGES: usize = 5;
/// Each end of each stream, and what else a program has open.
const FILES: u64 = 5_512;
/// One stream of each device in so long keeps within what a device may ask of the server.
const ROUND: Duration = Duration::from_millis(60);
/// Until then a change has reached everybody.
const WITHIN: Duration = Duration::from_secs(60);
/// A server that has just opened its streams is still tidying up.
const RESTS: Duration = Duration::from_secs(3);
const READY: &str = "ready";

type Serve = fn() -> Result<(), String>;

/// The words that make this program one of the two servers.
pub const SERVE: [(&str, Serve); 2] = [("serve-streams", serve_ours), ("serve-plain-streams", serve_plain)];

pub fn run() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        println!("  skipped: the memory of a process is read as Linux shows it");
        return Ok(());
    }
    raise_files()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let ours = runtime.block_on(measure(SERVE[0].0))?;
    let plain = runtime.block_on(measure(SERVE[1].0))?;
    println!(
        "    memory of a stream {:.1} and {:.1} KiB, a change reaches all in {:.0} and {:.0} ms",
        ours.kibibytes, plain.kibibytes, ours.reach_ms, plain.reach_ms,
    );
    verdict("memory of an idle stream / of the plainest", 1.3, &mut [ours.kibibytes / plain.kibibytes]);
    verdict("a change reaches 5,000 / with the plainest", 2.0, &mut [ours.reach_ms / plain.reach_ms]);
    Ok(())
}

/// Other systems have no such limit.
#[cfg(not(unix))]
fn raise_files() -> Result<(), String> {
    Ok(())
}

/// The hard limit is the person's to set.
#[cfg(unix)]
fn raise_files() -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|most| most < FILES) {
        return Err(format!("this needs {FILES} open files: raise the hard limit"));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(FILES), maximum: limit.maximum }).map_err(|e| e.to_string())
}

// ---- the two servers, each in its own process --------------------------------------------------------------------

/// Prints its address and the heads of the requests that open the streams, then makes a change for each line it reads.
fn serve_ours() -> Result<(), String> {
    raise_files()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let place = tempfile::tempdir().map_err(|e| e.to_string())?;
    let running = runtime.block_on(server(&place.path().join("data")))?;
    let devices = runtime.block_on(async {
        let mut devices = vec![Caller::sign_in(&running, connections()?).await?];
        while devices.len() < DEVICES {
            devices.push(Caller::sign_in_to(&running, connections()?, Some(devices[0].holder)).await?);
        }
        Ok::<_, String>(devices)
    })?;
    println!("{}", running.addr);
    for turn in 0..STREAMS {
        let device = &devices[turn % DEVICES];
        println!("authorization: DPoP {}|dpop: {}", device.token, device.proof_of("GET", EVENTS, true));
    }
    println!("{READY}");
    for line in std::io::stdin().lines() {
        line.map_err(|e| e.to_string())?;
        // A new device is a change of the account that every stream hears of.
        runtime.block_on(async { Caller::sign_in_to(&running, connections()?, Some(devices[0].holder)).await })?;
    }
    Ok(())
}

/// The same words with nothing behind them: a number told to everybody who listens.
fn serve_plain() -> Result<(), String> {
    raise_files()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let (tell, _) = broadcast::channel::<u64>(16);
    let router = Router::new().route(EVENTS, get(plain_stream)).with_state(tell.clone());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).map_err(|e| e.to_string())?;
    println!("{}", listener.local_addr().map_err(|e| e.to_string())?);
    for turn in 0..STREAMS {
        println!("x-stream: {turn}|accept: text/event-stream");
    }
    println!("{READY}");
    runtime.spawn(async move { axum::serve(listener, router).await });
    for (number, line) in (1..).zip(std::io::stdin().lines()) {
        line.map_err(|e| e.to_string())?;
        tell.send(number).map_err(|e| e.to_string())?;
    }
    Ok(())
}

async fn plain_stream(
    State(tell): State<broadcast::Sender<u64>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let heard = futures_util::stream::unfold((tell.subscribe(), Some(0)), async |(mut heard, first)| {
        let number = match first {
            Some(number) => number,
            None => heard.recv().await.ok()?,
        };
        Some((Ok(Event::default().event("number").data(number.to_string())), (heard, None)))
    });
    Sse::new(heard).keep_alive(KeepAlive::default())
}

// ---- the listeners -----------------------------------------------------------------------------------------------

struct Measured {
    kibibytes: f64,
    reach_ms: f64,
}

async fn measure(serve: &str) -> Result<Measured, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut child = Command::new(program)
        .arg(serve)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let measured = listen(&mut child).await;
    // It has nothing to save; a server that ended by itself has said why.
    let _ = child.kill();
    let _ = child.wait();
    measured
}

async fn listen(child: &mut Child) -> Result<Measured, String> {
    let (address, heads) = greet(child)?;
    let before = memory_of(child.id())?;
    let mut streams = Vec::with_capacity(STREAMS);
    for round in heads.chunks(DEVICES) {
        let next = tokio::time::Instant::now() + ROUND;
        for head in round {
            streams.push(open(&address, head).await?);
        }
        tokio::time::sleep_until(next).await;
    }
    tokio::time::sleep(RESTS).await;
    let grown = memory_of(child.id())?.saturating_sub(before);
    let mut times = Vec::with_capacity(CHANGES);
    for change in 0..=CHANGES {
        let began = Instant::now();
        let stdin = child.stdin.as_mut().ok_or("the server does not listen")?;
        stdin.write_all(b"\n").and_then(|()| stdin.flush()).map_err(|e| e.to_string())?;
        for stream in &mut streams {
            let heard = tokio::time::timeout(WITHIN, next_number(stream)).await;
            heard.map_err(|_| "a change did not reach everybody")??;
        }
        if change > 0 {
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few gibibytes at most")]
    let kibibytes = grown as f64 / STREAMS as f64;
    Ok(Measured { kibibytes, reach_ms: crate::pairs::median(&mut times) })
}

/// The server's address and the heads that open its streams.
fn greet(child: &mut Child) -> Result<(String, Vec<String>), String> {
    let mut lines = BufReader::new(child.stdout.take().ok_or("the server says nothing")?).lines();
    let mut next = || lines.next().ok_or("the server ended early")?.map_err(|e| e.to_string());
    let address = next()?;
    let mut heads = Vec::with_capacity(STREAMS);
    loop {
        match next()? {
            line if line == READY => return Ok((address, heads)),
            line => heads.push(line.replace('|', "\r\n")),
        }
    }
}

type Listening = tokio::io::BufReader<TcpStream>;

/// Opens a stream and reads its first number.
async fn open(address: &str, head: &str) -> Result<Listening, String> {
    let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
    let mut stream = tokio::io::BufReader::with_capacity(512, stream);
    let request = format!("GET {EVENTS} HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())?;
    let mut status = String::new();
    stream.read_line(&mut status).await.map_err(|e| e.to_string())?;
    if !status.contains(" 200 ") {
        return Err(format!("a stream was refused: {}", status.trim()));
    }
    next_number(&mut stream).await?;
    Ok(stream)
}

/// Reads on to the next number. Signs of life and the lengths of chunks stand between.
async fn next_number(stream: &mut Listening) -> Result<u64, String> {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.map_err(|e| e.to_string())? == 0 {
            return Err("a stream ended".to_owned());
        }
        if let Some(number) = line.strip_prefix("data:") {
            return number.trim().parse().map_err(|_| format!("no number: {line}"));
        }
    }
}

/// KiB of a process's own memory.
fn memory_of(process: u32) -> Result<u64, String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).map_err(|e| e.to_string())?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|resident| resident.split_whitespace().next()?.parse().ok());
    resident.ok_or_else(|| "the process shows no memory".to_owned())
}
