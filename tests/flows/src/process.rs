//! Child processes that end with the flow, and all of theirs with them.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long anything in a flow may take to come, also on a machine that is busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A port that was taken is taken again hardly ever.
const STARTS_MAX: u32 = 5;

/// A program in a process group of its own; dropping it ends the group.
pub struct Program {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it; what it says on both outputs is kept.
    pub fn start(command: &mut Command) -> Self {
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let said = Arc::default();
        listen(child.stdout.take().expect("a pipe"), &said);
        listen(child.stderr.take().expect("a pipe"), &said);
        Self { child, said }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All it has said so far.
    pub fn said(&self) -> String {
        self.said.lock().expect("no listener panics").clone()
    }

    /// Waits until it says something, and gives the line. When that does not come, what it said instead is shown.
    #[track_caller]
    pub fn wait_for(&self, what: &str) -> String {
        self.wait_until(&format!("{what:?}"), || self.line_with(what))
    }

    /// Waits for something that this program brings about. When that does not come, what it said instead is shown.
    #[track_caller]
    pub fn wait_until<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        wait_until_or(|| format!("{what} of a program that {}", self.state()), ask)
    }

    /// Whether it is still there, what each of its threads does, and what it said.
    fn state(&self) -> String {
        let folder = format!("/proc/{}", self.id());
        let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).unwrap_or_default();
        let kind = read("stat").rsplit(')').next().and_then(|rest| rest.split_whitespace().next().map(str::to_owned));
        let threads = std::fs::read_dir(format!("{folder}/task")).into_iter().flatten().flatten().map(|thread| {
            let of = |name: &str| std::fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            format!("{}: {}", of("comm").trim(), of("wchan"))
        });
        let threads = threads.collect::<Vec<_>>().join(", ");
        format!("is in state {} ({threads}) and said: {}", kind.unwrap_or_default(), self.said())
    }

    /// The first line so far that holds these words.
    pub fn line_with(&self, what: &str) -> Option<String> {
        self.said().lines().find(|line| line.contains(what)).map(str::to_owned)
    }

    /// Starts one that listens on a port which somebody else may take first: it ends then instead of coming up, and is
    /// started again. A driver of a browser finds a port that is free on one version of the loopback and gives up where
    /// it is taken on the other.
    #[track_caller]
    pub fn start_listening<T>(mut start: impl FnMut() -> Self, mut is_up: impl FnMut(&Self) -> Option<T>) -> (Self, T) {
        for _ in 0..STARTS_MAX {
            let mut program = start();
            let up = wait_until("a program to come up or end", || {
                let runs = program.runs();
                let up = is_up(&program);
                (up.is_some() || !runs).then_some(up.filter(|_| runs))
            });
            if let Some(up) = up {
                return (program, up);
            }
            eprintln!("a program ended before it listened and is started again; it said: {}", program.said());
        }
        panic!("{STARTS_MAX} programs ended before they listened");
    }

    /// Asks it to end and waits until it did.
    pub fn stop(mut self) {
        signal(self.id(), "-TERM");
        self.wait_end();
    }

    pub fn wait_end(&mut self) {
        wait_until("the end of a program", || self.child.try_wait().expect("a child").map(drop));
    }

    pub fn kill(mut self) {
        signal_group(self.id(), "-KILL");
        self.child.wait().expect("a child");
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        signal_group(self.id(), "-KILL");
        let _ = self.child.wait();
    }
}

fn listen(pipe: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut said = said.lock().expect("no listener panics");
            said.push_str(&line);
            said.push('\n');
        }
    });
}

pub fn signal(id: u32, which: &str) {
    let _ = Command::new("kill").args([which, &id.to_string()]).stderr(Stdio::null()).status();
}

fn signal_group(id: u32, which: &str) {
    let _ = Command::new("kill").args([which, "--", &format!("-{id}")]).stderr(Stdio::null()).status();
}

/// Asks again and again until there is an answer.
#[track_caller]
pub fn wait_until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_until_or(|| what.to_owned(), ask)
}

/// The same; what was waited for is said at the end, as it is then.
#[track_caller]
fn wait_until_or<T>(what: impl Fn() -> String, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {}", what());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for what is asked over a connection.
pub async fn wait_for<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_ends_before_it_listens_is_started_again() {
        let mut words = ["echo the port is taken", "echo listens; exec sleep 60"].into_iter();
        let start = || Program::start(Command::new("sh").arg("-c").arg(words.next().expect("no third start")));
        let (mut program, line) = Program::start_listening(start, |program| program.line_with("listens"));
        assert_eq!(line, "listens");
        assert!(program.runs());
    }
}
