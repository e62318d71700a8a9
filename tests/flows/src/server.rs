//! An account server of its own, on loopback.

use std::process::Command;

use server::testing::postgres;
use tempfile::TempDir;

use crate::place::server_program;
use crate::process::Program;

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
}

impl Server {
    /// With any free port, which it keeps. None, and it says so, where PostgreSQL is asked for and not installed.
    pub fn start(engine: Engine, arguments: &[&str]) -> Option<Self> {
        Self::start_at(None, engine, arguments)
    }

    /// The same, days ago, say: accounts that are made there are old once its clock is right.
    pub fn start_at(off: Option<&str>, engine: Engine, arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("billfold-server-").tempdir().expect("a folder");
        let place = match engine {
            Engine::Sqlite => ["--data".to_owned(), folder.path().join("data").display().to_string()],
            Engine::Postgres => {
                let Some(cluster) = postgres() else {
                    eprintln!("SKIPPED on PostgreSQL: initdb not found");
                    return None;
                };
                ["--database".to_owned(), cluster.new_database()]
            }
        };
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let off = off.map(str::to_owned);
        let mut server = Self { folder, place, port: 0, program: None, arguments, off };
        server.go_on();
        Some(server)
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
        let program = Program::start(&mut command);
        let line = program.wait_for("listens on");
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

    /// What `billfold-server audit` says; the server must be stopped.
    pub fn audit(&self) -> (bool, String) {
        let mut command = Command::new(server_program());
        let output = command.arg("audit").args(&self.place).output().expect("it starts");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
