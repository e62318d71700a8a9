//! Builds and starts the app. Where there is no display it is started in a virtual one, with a session bus and a keyring
//! of its own, and a picture of its window is kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::machine;
use crate::steps::Steps;
use crate::ui;

const APP: &str = "target/debug/billfold";
/// As large as the window opens, so that the picture has no margin.
const SCREEN: &str = "1200x800x24";
const PICTURE: &str = "target/billfold.png";
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(arguments: &[String]) -> ExitCode {
    let keep = arguments.first().is_some_and(|argument| argument == "--keep");
    let passed: Vec<&str> =
        arguments.iter().map(String::as_str).skip_while(|argument| *argument != "--").skip(1).collect();
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let headless = cfg!(target_os = "linux") && !has_display;
    let mut packages = vec![machine::BUILD, machine::RUN];
    if headless {
        packages.push(machine::DISPLAY);
    }
    if let Err(missing) = machine::prepare(&packages) {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    let mut steps = Steps::default();
    ui::build(&mut steps);
    if !steps.run(".", "cargo", &["build", "-p", "desktop", "--bin", "billfold"]) {
        return steps.end();
    }
    if !headless {
        steps.run(".", APP, &passed);
        return steps.end();
    }
    eprintln!("xtask: there is no display here: the app is started in a virtual one");
    match in_virtual_display(&passed, keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// A program that this one started, and ends.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Result<Started, String> {
    command.spawn().map(Started).map_err(|error| format!("{} does not start: {error}", command.get_program().display()))
}

/// The first line that a program says.
fn first_line(started: &mut Started) -> Result<String, String> {
    let pipe = started.0.stdout.take().ok_or("no pipe")?;
    let mut line = String::new();
    BufReader::new(pipe).read_line(&mut line).map_err(|error| error.to_string())?;
    Ok(line.trim().to_owned())
}

fn in_virtual_display(passed: &[&str], keep: bool) -> Result<(), String> {
    let runtime = PathBuf::from("target/run");
    std::fs::create_dir_all(&runtime).map_err(|error| error.to_string())?;
    let runtime = runtime.canonicalize().map_err(|error| error.to_string())?;
    #[cfg(unix)]
    {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&runtime, private).map_err(|error| error.to_string())?;
    }
    let mut display = start(
        Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    )?;
    let name = format!(":{}", first_line(&mut display)?);
    let mut bus = start(
        Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .env("XDG_RUNTIME_DIR", &runtime)
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    )?;
    let address = first_line(&mut bus)?;
    let mut keyring = start(
        Command::new("gnome-keyring-daemon")
            .args(["--unlock", "--components=secrets", "--foreground"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .env("XDG_RUNTIME_DIR", &runtime)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    // Any words unlock a keyring that is made for them; an empty input would unlock nothing.
    if let Some(mut input) = keyring.0.stdin.take() {
        input.write_all(b"billfold\n").map_err(|error| error.to_string())?;
    }
    let mut app = start(
        Command::new(APP)
            .args(passed)
            .env("DISPLAY", &name)
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .stdin(Stdio::null()),
    )?;
    wait("the window", || {
        if let Ok(Some(status)) = app.0.try_wait() {
            return Err(format!("the app ended early: {status}"));
        }
        Ok(window_is_there(&name))
    })?;
    wait("the page", || {
        take_picture(&name, Path::new(PICTURE))?;
        Ok(colours(Path::new(PICTURE)) > 64)
    })?;
    // The last pieces of the page, and its fonts.
    sleep(Duration::from_secs(2));
    take_picture(&name, Path::new(PICTURE))?;
    eprintln!("xtask: the window is in {PICTURE}");
    if keep {
        eprintln!("xtask: it goes on in display {name}, until Ctrl-C");
        let _ = app.0.wait();
    }
    Ok(())
}

fn wait(what: &str, mut ask: impl FnMut() -> Result<bool, String>) -> Result<(), String> {
    let began = Instant::now();
    while !ask()? {
        if began.elapsed() > PATIENCE {
            return Err(format!("waited {} s for {what}", PATIENCE.as_secs()));
        }
        sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn window_is_there(display: &str) -> bool {
    let mut search = Command::new("xdotool");
    search.args(["search", "--onlyvisible", "--name", "Billfold"]).env("DISPLAY", display);
    search.stderr(Stdio::null()).output().is_ok_and(|answer| !answer.stdout.is_empty())
}

fn take_picture(display: &str, to: &Path) -> Result<(), String> {
    let taken = Command::new("import").args(["-window", "root"]).arg(to).env("DISPLAY", display).status();
    match taken {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("no picture could be taken: {status}")),
        Err(error) => Err(format!("no picture could be taken: {error}")),
    }
}

/// How many colours a picture has: an empty window has few.
fn colours(picture: &Path) -> u32 {
    let counted = Command::new("identify").args(["-format", "%k"]).arg(picture).output();
    counted.ok().and_then(|answer| String::from_utf8(answer.stdout).ok()?.trim().parse().ok()).unwrap_or(0)
}
