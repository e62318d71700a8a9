//! Billfold's shell: the window, the tray, notifications, the keyring and the `billfold` command line. It translates
//! between the system, the person and the client core, and decides nothing. See `docs/ARCHITECTURE.md`.

mod app;
mod check;
pub mod cli;
pub mod commands;
mod core;
mod embedded;
mod failure;
pub mod os;
pub mod owner;
mod screens;
mod tray;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use client::ClientError;
use client::folder::FileError;
use tokio::sync::{Notify, RwLock, mpsc};

use cli::arguments::{Arguments, Command};
pub use core::Core;
pub use failure::Failure;
use owner::{Answers, Call, Claim, Outcome, Owner, OwnerError};

/// What one piece of work of the core or its server may take of a thread's stack, also where nothing is optimised.
const WORK_STACK: usize = 16 * 1024 * 1024;

/// Runs what was typed and gives the exit code, with all that was said written out. `argv` begins with the program's own name.
#[must_use]
pub fn run(argv: Vec<OsString>) -> u8 {
    start_log();
    os::harden::harden();
    // One TLS body for the whole process; a second choice would be refused.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = match Arguments::try_parse_from(&argv) {
        Ok(arguments) => arguments,
        Err(error) => return finish(&cli::not_a_command(&error, &argv)),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(WORK_STACK).build() {
        Ok(runtime) => runtime,
        Err(_) => return finish(&cli::failed(Failure::system("no threads could be started"), arguments.json)),
    };
    if let Some(Command::ExportBindings { path }) = &arguments.command {
        let done = commands::export(path).map_err(Failure::system);
        return finish(&done.map_or_else(|failure| cli::failed(failure, arguments.json), |()| Outcome::default()));
    }
    let started = runtime.block_on(begin(&arguments, argv));
    let code = match started {
        Err(failure) => finish(&cli::failed(failure, arguments.json)),
        Ok(Begun::Answered(outcome)) => finish(&outcome),
        Ok(Begun::Window(window)) if !os::opens_display() => {
            runtime.block_on(window.core.close());
            finish(&cli::failed(no_display(), arguments.json))
        }
        Ok(Begun::Window(window)) => app::run(&runtime, window, arguments.hidden)
            .unwrap_or_else(|failure| finish(&cli::failed(failure, arguments.json))),
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    code
}

/// What the app needs once it owns the data folder.
pub(crate) struct Window {
    pub owner: Owner,
    pub core: Arc<Core>,
    pub answers: os::notify::Answers,
    /// Where it opens; at Home unless told.
    pub screen: Option<String>,
}

enum Begun {
    Answered(Outcome),
    Window(Window),
}

/// A command runs here when the data folder is free, and in its owner otherwise.
async fn begin(arguments: &Arguments, argv: Vec<OsString>) -> Result<Begun, Failure> {
    let data = data_dir(arguments)?;
    let call = call(arguments, argv)?;
    if arguments.command.is_none() && !os::has_display() {
        return Err(no_display());
    }
    let owner = match owner::claim(&data, &call, tell).await {
        Ok(Claim::Answered(outcome)) => return Ok(Begun::Answered(outcome)),
        Ok(Claim::Owner(owner)) => owner,
        Err(OwnerError::Folder(error)) => {
            return not_opened(ClientError::from(FileError::from(error)).into(), arguments).await;
        }
        Err(error @ OwnerError::Silent) => return not_opened(Failure::system(error.to_string()), arguments).await,
    };
    let (ports, answers) = os::ports();
    let core = match Core::open(&data, ports).await {
        Ok(core) => core,
        Err(failure) => return not_opened(failure, arguments).await,
    };
    if arguments.command.is_none() {
        return Ok(Begun::Window(Window { owner, core, answers, screen: None }));
    }
    Ok(command_alone(owner, core, answers, arguments, call).await)
}

fn no_display() -> Failure {
    Failure::refused(
        "no_display",
        "there is no display to open a window on",
        "start it in a desktop session, or use the commands: see `billfold help`",
    )
}

/// The data folder cannot be used: of that `check` reports, and every other command fails.
async fn not_opened(failure: Failure, arguments: &Arguments) -> Result<Begun, Failure> {
    match arguments.command {
        Some(Command::Check) => Ok(Begun::Answered(cli::check_without_folder(failure, arguments.json).await)),
        _ => Err(failure),
    }
}

/// Runs one command as the owner, answering other processes meanwhile, and leaves. What it reminded of may lead into the
/// window: then this process opens it.
async fn command_alone(
    owner: Owner,
    core: Arc<Core>,
    mut answers: os::notify::Answers,
    arguments: &Arguments,
    call: Call,
) -> Begun {
    let leave = Arc::new(Notify::new());
    let without_window =
        Arc::new(WithoutWindow { core: Arc::clone(&core), leave: Arc::clone(&leave), closed: RwLock::new(false) });
    let (say, mut said) = mpsc::unbounded_channel::<String>();
    let reminds = matches!(arguments.command, Some(Command::Remind { dry_run: false }));
    let (outcome, screen) = {
        let work = async {
            let (outcome, mut screen) = core.answering(&mut answers, cli::run(&core, call, say)).await;
            let shows = reminds && outcome.exit == 0;
            screen = screen.filter(|_| shows && os::has_display());
            if shows && screen.is_none() {
                screen = core.answer_notices(&mut answers, &leave).await;
            }
            (outcome, screen)
        };
        tokio::pin!(work);
        let serving = owner.serve(Arc::clone(&without_window));
        tokio::pin!(serving);
        loop {
            tokio::select! {
                biased;
                Some(words) = said.recv() => tell(&words),
                done = &mut work => break done,
                () = &mut serving => {}
            }
        }
    };
    // Calls that have begun end first; whoever comes later is answered by the window, or becomes the next owner.
    *without_window.closed.write().await = true;
    if screen.is_some() {
        finish(&outcome);
        return Begun::Window(Window { owner, core, answers, screen });
    }
    core.close().await;
    Begun::Answered(outcome)
}

/// For the person, at once. Nobody may be reading any more: the work goes on all the same.
fn tell(words: &str) {
    let _ = std::io::stderr().write_all(words.as_bytes());
}

/// How an owner without a window answers others.
struct WithoutWindow {
    core: Arc<Core>,
    leave: Arc<Notify>,
    /// Read while a call runs; true once this owner takes no more.
    closed: RwLock<bool>,
}

impl Answers for WithoutWindow {
    async fn answer(&self, call: Call, say: mpsc::UnboundedSender<String>) -> Option<Outcome> {
        let wants_window = Arguments::try_parse_from(&call.argv).is_ok_and(|arguments| arguments.command.is_none());
        if wants_window {
            self.leave.notify_waiters();
            return None;
        }
        let closed = self.closed.read().await;
        if *closed {
            return None;
        }
        Some(cli::run(&self.core, call, say).await)
    }
}

fn data_dir(arguments: &Arguments) -> Result<PathBuf, Failure> {
    let told = arguments.data.clone().or_else(os::data_dir);
    let folder = told.ok_or_else(|| Failure::usage("there is no home folder: say --data DIR"))?;
    let path = std::path::absolute(folder).ok().filter(|path| path.to_str().is_some());
    path.ok_or_else(|| Failure::usage("the data folder's path cannot be used: name one in plain letters with --data"))
}

fn call(arguments: &Arguments, argv: Vec<OsString>) -> Result<Call, Failure> {
    let cwd = std::env::current_dir().map_err(|_| Failure::system("the current folder is gone"))?;
    let passphrase = match &arguments.passphrase_file {
        None => None,
        Some(file) => Some(owner::read_passphrase(file).map_err(|error| cli::unread("the passphrase file", &error))?),
    };
    Ok(Call { argv, cwd: cwd.into_os_string(), passphrase })
}

fn finish(outcome: &Outcome) -> u8 {
    outcome.write(&mut std::io::stdout(), &mut std::io::stderr())
}

/// Logs to standard error: warnings, or what `BILLFOLD_LOG` says.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BILLFOLD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let _ = log.try_init();
}
