//! `cargo xtask check` and `cargo xtask test`: runs every step, then says which failed.
use std::process::{Command, ExitCode};

const PACKAGES: [&str; 6] = ["domain", "formats", "api", "client", "desktop", "server"];

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let mut failed = Vec::new();
    match task.as_str() {
        "check" => {
            step(&mut failed, ".", "cargo", &["fmt", "--all", "--check"]);
            for package in PACKAGES {
                step(&mut failed, ".", "cargo", &["clippy", "-p", package, "--all-targets", "--", "-D", "warnings"]);
            }
        }
        "test" => {
            step(&mut failed, "ui", "npm", &["ci"]);
            step(&mut failed, "ui", "npm", &["run", "build"]);
            // Each package alone, so that the server is tested on the SQLite it ships with.
            for package in PACKAGES {
                step(&mut failed, ".", "cargo", &["test", "-p", package]);
            }
            step(&mut failed, "ui", "npm", &["run", "check"]);
            step(&mut failed, "ui", "npm", &["test"]);
        }
        _ => {
            eprintln!("usage: cargo xtask check|test");
            return ExitCode::from(2);
        }
    }
    for line in &failed {
        eprintln!("failed: {line}");
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one step and remembers it when it did not succeed, so that later steps still report.
fn step(failed: &mut Vec<String>, folder: &str, program: &str, arguments: &[&str]) {
    let line = format!("{program} {}", arguments.join(" "));
    eprintln!("> {line}");
    match Command::new(program).args(arguments).current_dir(folder).status() {
        Ok(status) if status.success() => {}
        Ok(status) => failed.push(format!("{line} ({status})")),
        Err(error) => failed.push(format!("{line} ({error})")),
    }
}
