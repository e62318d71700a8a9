//! Steps that all run, whatever the ones before them did, and what came of each at the end.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Steps {
    done: Vec<(String, Result<Duration, String>)>,
    skipped: Vec<String>,
}

impl Steps {
    /// Runs a program in a folder of the repository; true when it succeeded.
    pub fn run(&mut self, folder: &str, program: &str, arguments: &[&str]) -> bool {
        self.run_with(&[], folder, program, arguments)
    }

    /// The same with something more in its environment.
    pub fn run_with(&mut self, with: &[(&str, &str)], folder: &str, program: &str, arguments: &[&str]) -> bool {
        let line = format!("{program} {}", arguments.join(" "));
        eprintln!("> {line}");
        let began = Instant::now();
        let outcome =
            match Command::new(program).args(arguments).envs(with.iter().copied()).current_dir(folder).status() {
                Ok(status) if status.success() => Ok(began.elapsed()),
                Ok(status) => Err(status.to_string()),
                Err(error) => Err(error.to_string()),
            };
        let good = outcome.is_ok();
        self.done.push((line, outcome));
        good
    }

    pub fn skip(&mut self, why: &str) {
        self.skipped.push(why.to_owned());
    }

    /// Says how each went.
    pub fn end(self) -> ExitCode {
        eprintln!();
        for (line, outcome) in &self.done {
            match outcome {
                Ok(took) => eprintln!("ok      {:>6.1} s  {line}", took.as_secs_f64()),
                Err(why) => eprintln!("FAILED            {line} ({why})"),
            }
        }
        for why in &self.skipped {
            eprintln!("skipped           {why}");
        }
        let failed = self.done.iter().filter(|(_, outcome)| outcome.is_err()).count();
        eprintln!("{} steps, {failed} failed", self.done.len());
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Whether a program is there and says so.
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    let asked = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
