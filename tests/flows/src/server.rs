//! An account server of its own, on loopback.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::place::server_program;
use crate::process::Program;

pub struct Server {
    folder: TempDir,
    port: u16,
    program: Option<Program>,
    arguments: Vec<String>,
}

impl Server {
    /// On SQLite, with any free port, which it keeps.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("billfold-server-").tempdir().expect("a folder");
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { folder, port: 0, program: None, arguments };
        server.go_on();
        server
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts again, on the same port.
    pub fn go_on(&mut self) {
        let mut command = Command::new(server_program());
        command.arg("--data").arg(self.data()).arg("--listen").arg(format!("127.0.0.1:{}", self.port));
        command.args(&self.arguments).env("RUST_BACKTRACE", "0").env("TZ", "UTC").env_remove("BILLFOLD_LOG");
        let program = Program::start(&mut command);
        let line = program.wait_for("listens on");
        let port = line.split("127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next());
        self.port = port.and_then(|port| port.parse().ok()).expect("a port");
        self.program = Some(program);
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

    /// What `billfold-server audit` says; the server must be stopped.
    pub fn audit(&self) -> (bool, String) {
        audit(&self.data())
    }
}

pub fn audit(data: &Path) -> (bool, String) {
    let output = Command::new(server_program()).arg("audit").arg("--data").arg(data).output().expect("it starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}
