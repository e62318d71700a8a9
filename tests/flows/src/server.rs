//! An account server of its own, on loopback.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use server::testing::postgres;
use tempfile::TempDir;

use crate::caller::connections;
use crate::place::server_program;
use crate::process::{PATIENCE, Program};

/// Where a server keeps its books.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub struct Server {
    folder: TempDir,
    /// `--data DIR` or `--database URL`.
    place: [String; 2],
    port: u16,
    program: Option<Program>,
    arguments: Vec<String>,
    /// How far its clock is off: `-10d`.
    off: Option<String>,
    /// It does not hear the signal of a file that grew too large.
    deaf: bool,
}

impl Server {
    /// With any free port, which it keeps. None, and it says so, where PostgreSQL is asked for and not installed.
    pub fn start(engine: Engine, arguments: &[&str]) -> Option<Self> {
        Self::start_at(None, engine, arguments)
    }

    /// The same, days ago, say: accounts that are made there are old once its clock is right.
    pub fn start_at(off: Option<&str>, engine: Engine, arguments: &[&str]) -> Option<Self> {
        match engine {
            Engine::Sqlite => Some(Self::start_with(off, None, arguments)),
            Engine::Postgres => {
                let Some(cluster) = postgres() else {
                    eprintln!("SKIPPED on PostgreSQL: initdb not found");
                    return None;
                };
                Some(Self::start_with(off, Some(cluster.new_database()), arguments))
            }
        }
    }

    /// On this database, or on a file of its own.
    pub fn start_with(off: Option<&str>, database: Option<String>, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("billfold-server-").tempdir().expect("a folder");
        let place = match database {
            None => ["--data".to_owned(), folder.path().join("data").display().to_string()],
            Some(url) => ["--database".to_owned(), url],
        };
        Self::begin(folder, place, off, false, arguments)
    }

    /// With its books in this folder.
    pub fn start_in(data: &Path, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("billfold-server-").tempdir().expect("a folder");
        Self::begin(folder, ["--data".to_owned(), data.display().to_string()], None, false, arguments)
    }

    /// A write beyond a file's limit fails there and does not end it.
    pub fn start_deaf_to_file_limits(arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("billfold-server-").tempdir().expect("a folder");
        let place = ["--data".to_owned(), folder.path().join("data").display().to_string()];
        Self::begin(folder, place, None, true, arguments)
    }

    fn begin(folder: TempDir, place: [String; 2], off: Option<&str>, deaf: bool, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let off = off.map(str::to_owned);
        let mut server = Self { folder, place, port: 0, program: None, arguments, off, deaf };
        server.go_on();
        server
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.program.as_ref().map(Program::id).expect("it runs")
    }

    /// All it has said so far, its log among it.
    pub fn said(&self) -> String {
        self.program.as_ref().map(Program::said).unwrap_or_default()
    }

    /// Whether it says that it can do its work.
    pub async fn is_ready(&self) -> bool {
        self.why_not_ready().await.is_none()
    }

    /// Waits until it is. When that takes too long, its last reason is said.
    pub async fn wait_until_ready(&self) {
        let began = Instant::now();
        while let Some(why) = self.why_not_ready().await {
            assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for the server to be ready: {why}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn why_not_ready(&self) -> Option<String> {
        let asked = match connections() {
            Ok(connections) => connections.get(format!("{}/ready", self.url())).send().await,
            Err(why) => return Some(why.to_string()),
        };
        match asked {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.text().await.unwrap_or_else(|error| error.to_string())),
            Err(error) => Some(error.to_string()),
        }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Starts again, on the same port.
    pub fn go_on(&mut self) {
        let mut command = match &self.off {
            None if self.deaf => {
                let mut command = Command::new("sh");
                command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(server_program());
                command
            }
            None => Command::new(server_program()),
            Some(off) => {
                let mut command = Command::new("faketime");
                command.arg("-f").arg(off).arg(server_program()).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
                command
            }
        };
        command.args(&self.place).arg("--seal-keys").arg(self.folder.path().join("seal.keys"));
        command.arg("--listen").arg(format!("127.0.0.1:{}", self.port));
        command.args(&self.arguments).env("RUST_BACKTRACE", "0").env("TZ", "UTC").env_remove("BILLFOLD_LOG");
        let (program, line) =
            Program::start_listening(|| Program::start(&mut command), |program| program.line_with("listens on"));
        let port = line.split("127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next());
        self.port = port.and_then(|port| port.parse().ok()).expect("a port");
        self.program = Some(program);
    }

    /// Days pass at once: it is killed, and goes on with the right clock.
    pub fn come_to_today(&mut self) {
        self.kill();
        self.off = None;
        self.go_on();
    }

    pub fn stop(&mut self) {
        if let Some(program) = self.program.take() {
            program.stop();
        }
    }

    /// As when the power goes.
    pub fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.kill();
        }
    }

    /// What `billfold-server support …` says, beside the running server.
    pub fn support(&self, arguments: &[&str]) -> String {
        let output = self.run_support(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Why it is refused.
    pub fn support_refused(&self, arguments: &[&str]) -> String {
        let output = self.run_support(arguments);
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn run_support(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(server_program());
        command.arg("support").args(&self.place).args(arguments).output().expect("it starts")
    }

    /// What another command says beside the running server: its word, then what comes after the place of the books.
    pub fn beside(&self, command: &str, arguments: &[&str]) -> String {
        let mut program = Command::new(server_program());
        let output = program.arg(command).args(&self.place).args(arguments).output().expect("it starts");
        assert!(output.status.success(), "{command} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What `billfold-server audit` says; the server must be stopped.
    pub fn audit(&self) -> (bool, String) {
        let mut command = Command::new(server_program());
        let output = command.arg("audit").args(&self.place).output().expect("it starts");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
