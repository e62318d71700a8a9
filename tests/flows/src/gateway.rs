//! An operator's gateway for text messages: a small HTTP server that takes what the account server posts, or does to it
//! what gateways do when they fail.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::process::wait_until;

/// What the gateway does with the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes it.
    Takes,
    /// It cannot just now.
    Fails,
    /// It took it, and the connection broke before it said so.
    Breaks,
    /// It says that another address takes it.
    LeadsElsewhere,
}

/// One call as it came.
#[derive(Clone, Debug)]
pub struct Text {
    pub to: String,
    pub text: String,
    /// The id that is the same at each try.
    pub id: String,
    pub mood: Mood,
}

pub struct Gateway {
    port: u16,
    token: String,
    shared: Arc<Shared>,
}

struct Shared {
    mood: Mutex<Mood>,
    came: Mutex<Vec<Text>>,
    /// Calls to the other address, or with another token: there must be none.
    strange: Mutex<Vec<String>>,
}

impl Gateway {
    /// It knows its callers by this token.
    pub fn start(token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        let shared =
            Arc::new(Shared { mood: Mutex::new(Mood::Takes), came: Mutex::default(), strange: Mutex::default() });
        let (taking, expected) = (Arc::clone(&shared), format!("Bearer {token}"));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One at a time: what came is in the order in which it came.
                let _ = taking.take(stream, &expected, port);
            }
        });
        Self { port, token: token.to_owned(), shared }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/texts", self.port)
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn turn(&self, mood: Mood) {
        *self.shared.mood.lock().expect("no gateway panics") = mood;
    }

    /// All that came so far, in whatever mood.
    pub fn came(&self) -> Vec<Text> {
        self.shared.came.lock().expect("no gateway panics").clone()
    }

    pub fn strange(&self) -> Vec<String> {
        self.shared.strange.lock().expect("no gateway panics").clone()
    }

    /// Those of them that hold a code.
    pub fn codes(&self) -> Vec<Text> {
        self.came().into_iter().filter(|text| text.find_code().is_some()).collect()
    }

    /// Waits for a code beyond the first so many.
    #[track_caller]
    pub fn after(&self, seen: usize) -> Text {
        wait_until("a text message with a code", || self.codes().get(seen).cloned())
    }
}

impl Text {
    /// The eight digits in it.
    #[track_caller]
    pub fn code(&self) -> String {
        self.find_code().unwrap_or_else(|| panic!("a code in {}", self.text))
    }

    fn find_code(&self) -> Option<String> {
        let digits: Vec<char> = self.text.chars().filter(|c| !c.is_whitespace()).collect();
        let code = digits.windows(8).find(|window| window.iter().all(char::is_ascii_digit))?;
        Some(code.iter().collect())
    }
}

impl Shared {
    fn take(&self, mut stream: TcpStream, token: &str, port: u16) -> std::io::Result<()> {
        let (head, body) = read(&mut stream)?;
        let lower = head.to_ascii_lowercase();
        let good =
            head.starts_with("POST /texts ") && lower.contains(&format!("authorization: {}", token.to_lowercase()));
        let posted = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let part = |name: &str| posted[name].as_str().unwrap_or_default().to_owned();
        let text = |mood| Text { to: part("to"), text: part("text"), id: part("id"), mood };
        let mood = *self.mood.lock().expect("no gateway panics");
        if !good || !lower.contains(&format!("idempotency-key: {}", part("id"))) {
            self.strange.lock().expect("no gateway panics").push(head);
            return answer(&mut stream, "403 Forbidden", "");
        }
        self.came.lock().expect("no gateway panics").push(text(mood));
        match mood {
            Mood::Takes => answer(&mut stream, "202 Accepted", ""),
            Mood::Fails => answer(&mut stream, "503 Service Unavailable", ""),
            Mood::Breaks => Ok(()),
            Mood::LeadsElsewhere => {
                answer(&mut stream, "307 Elsewhere", &format!("Location: http://127.0.0.1:{port}/elsewhere\r\n"))
            }
        }
    }
}

fn answer(stream: &mut TcpStream, status: &str, more: &str) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
}

/// The head of a request and its body, whose length it says.
fn read(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
            });
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Ok((head, bytes.split_off(end + 4)));
            }
        }
        let length = stream.read(&mut part)?;
        if length == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&part[..length]);
    }
}
