//! Steps that all run, whatever the ones before them did, and what came of each at the end.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Steps {
    done: Vec<(String, Result<Duration, String>)>,
    skipped: Vec<String>,
    testing: Duration,
}

/// A program to run in a folder of the repository.
pub struct Call {
    pub folder: &'static str,
    pub program: &'static str,
    pub arguments: Vec<String>,
}

impl Steps {
    /// Runs a program in a folder of the repository; true when it succeeded.
    pub fn run(&mut self, folder: &str, program: &str, arguments: &[&str]) -> bool {
        self.run_with(&[], folder, program, arguments)
    }

    /// The same with something more in its environment.
    pub fn run_with(&mut self, with: &[(&str, &str)], folder: &str, program: &str, arguments: &[&str]) -> bool {
        let line = format!("{program} {}", arguments.join(" "));
        self.wait_for(line, Command::new(program).args(arguments).envs(with.iter().copied()).current_dir(folder))
    }

    /// Runs a program and keeps what it prints in a file.
    pub fn run_into(&mut self, file: &Path, folder: &str, program: &str, arguments: &[&str]) -> bool {
        let line = format!("{program} {} > {}", arguments.join(" "), file.display());
        match File::create(file) {
            Ok(file) => self.wait_for(line, Command::new(program).args(arguments).current_dir(folder).stdout(file)),
            Err(error) => {
                self.failed(&line, &error.to_string());
                false
            }
        }
    }

    fn wait_for(&mut self, line: String, command: &mut Command) -> bool {
        eprintln!("> {line}");
        let began = Instant::now();
        let outcome = match command.status() {
            Ok(status) if status.success() => Ok(began.elapsed()),
            Ok(status) => Err(status.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let good = outcome.is_ok();
        self.done.push((line, outcome));
        good
    }

    pub fn failed(&mut self, what: &str, why: &str) {
        self.done.push((what.to_owned(), Err(why.to_owned())));
    }

    /// Runs these, so many at a time and in their order. What one prints is shown whole when it ends.
    pub fn run_side_by_side(&mut self, at_once: usize, each: Vec<Call>) {
        let mut waiting = each.into_iter();
        let (waiting, done) = (Mutex::new(&mut waiting), Mutex::new(&mut self.done));
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| {
                    loop {
                        let Some(call) = waiting.lock().expect("no lane failed").next() else { return };
                        let line = format!("{} {}", call.program, call.arguments.join(" "));
                        let began = Instant::now();
                        let mut command = Command::new(call.program);
                        command.args(&call.arguments).current_dir(call.folder).stdin(Stdio::null());
                        let output = command.output();
                        let took = began.elapsed();
                        let mut done = done.lock().expect("no lane failed");
                        eprintln!("> {line}");
                        done.push((
                            line,
                            output.map_err(|error| error.to_string()).and_then(|output| shown(&output, took)),
                        ));
                    }
                });
            }
        });
    }

    /// What these take is the tests' own time.
    pub fn test(&mut self, run: impl FnOnce(&mut Self)) {
        let began = Instant::now();
        run(self);
        self.testing += began.elapsed();
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
                Err(why) => eprintln!("FAILED            {line}: {why}"),
            }
        }
        for why in &self.skipped {
            eprintln!("skipped           {why}");
        }
        let failed = self.done.iter().filter(|(_, outcome)| outcome.is_err()).count();
        if !self.testing.is_zero() {
            eprintln!("the tests themselves took {:.0} s", self.testing.as_secs_f64());
        }
        eprintln!("{} steps, {failed} failed", self.done.len());
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// How many lines of a failed step are said again at the end.
const SAID_AGAIN: usize = 24;

/// Passes on what a program printed, and says how it ended.
fn shown(output: &std::process::Output, took: Duration) -> Result<Duration, String> {
    // Where nobody reads any more, how it ended is still said.
    let _ = std::io::stderr().write_all(&output.stderr);
    let _ = std::io::stdout().write_all(&output.stdout);
    if output.status.success() {
        return Ok(took);
    }
    let printed = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).join("\n");
    Err(format!("{}{}", output.status, what_failed(&printed)))
}

/// The names of the tests that failed, each failed assertion's place and the first line of what it says: who has only the
/// end of a long output learns them from it.
fn what_failed(printed: &str) -> String {
    let mut lines = printed.lines();
    let mut said = String::new();
    let mut count = 0;
    while let (Some(line), true) = (lines.next(), count < SAID_AGAIN) {
        let line = line.trim();
        let failed = (line.starts_with("test ") && line.ends_with("... FAILED")) || line.contains("FAIL  ");
        let panicked = line.starts_with("thread '") && line.contains("panicked at ");
        if failed || panicked {
            said += &format!("\n                    {line}");
            count += 1;
        }
        if panicked {
            said += &format!(" {}", lines.next().unwrap_or_default());
        }
    }
    said
}

/// Whether a program is there and says so.
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    let asked = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
