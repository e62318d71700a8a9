//! The line between a device and its server, which can be slow, break, or lead to a server that fails.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the line does to the next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Good,
    /// Everything arrives, late.
    Slow(Duration),
    /// The server answers 503 to everything.
    Failing,
    /// A request that begins with these words is done, and its answer lost.
    LosesAnswerTo(&'static str),
}

pub struct Line {
    port: u16,
    way: Arc<Mutex<Way>>,
    heard: Arc<Mutex<BTreeSet<String>>>,
}

struct Way {
    /// Where the server listens.
    to: u16,
    state: State,
}

const FAILURE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

impl Line {
    /// A line that leads nowhere yet.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        let way = Arc::new(Mutex::new(Way { to: 0, state: State::Failing }));
        let shared = Arc::clone(&way);
        let heard = Arc::default();
        let tokens = Arc::clone(&heard);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let way = shared.lock().expect("no line panics");
                let (to, state) = (way.to, way.state);
                drop(way);
                let tokens = Arc::clone(&tokens);
                std::thread::spawn(move || carry(near, to, state, &tokens));
            }
        });
        Self { port, way, heard }
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub fn lead_to(&self, port: u16) {
        self.way.lock().expect("no line panics").to = port;
    }

    /// Every token that a device showed on this line.
    pub fn tokens(&self) -> BTreeSet<String> {
        self.heard.lock().expect("no line panics").clone()
    }

    pub fn turn(&self, state: State) {
        self.way.lock().expect("no line panics").state = state;
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// A broken connection is what the line is for, so its errors only end it.
fn carry(mut near: TcpStream, to: u16, state: State, heard: &Arc<Mutex<BTreeSet<String>>>) {
    if state == State::Failing {
        let _ = near.read(&mut [0; 4_096]);
        let _ = near.write_all(FAILURE);
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else { return };
    let (Ok(from_near), Ok(from_far)) = (near.try_clone(), far.try_clone()) else { return };
    let lost = Arc::new(Mutex::new(false));
    let watched = Arc::clone(&lost);
    let heard = Arc::clone(heard);
    let out = std::thread::spawn(move || {
        pass(from_near, far, |part| {
            if let State::Slow(late) = state {
                std::thread::sleep(late);
            }
            if let State::LosesAnswerTo(words) = state {
                *watched.lock().expect("no line panics") |= part.starts_with(words.as_bytes());
            }
            if let Some(token) = token_in(part) {
                heard.lock().expect("no line panics").insert(token);
            }
            true
        });
    });
    pass(from_far, near, |_| !*lost.lock().expect("no line panics"));
    let _ = out.join();
}

/// The token of a request whose head is in this part.
fn token_in(part: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(part);
    let (_, rest) = text.split_once("authorization: DPoP ")?;
    rest.split("\r\n").next().map(str::to_owned)
}

/// Passes on what comes, as long as it may.
fn pass(mut from: TcpStream, mut to: TcpStream, mut may: impl FnMut(&[u8]) -> bool) {
    let mut part = [0; 16_384];
    while let Ok(length) = from.read(&mut part) {
        let part = part.get(..length).unwrap_or_default();
        if part.is_empty() || !may(part) || to.write_all(part).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
