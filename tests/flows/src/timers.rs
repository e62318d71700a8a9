//! The systemd of a person who is logged in: the real manager of their units, in a place of its own, started and ended
//! by a flow. It wants a computer that was booted with systemd; one folder in a private view of `/run` says so.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::place::Place;
use crate::process::{PATIENCE, Program, signal, wait_until};

const MANAGER: &str = "/lib/systemd/systemd";

/// Ends with everything it started when it is dropped.
pub struct Timers {
    program: Program,
}

impl Timers {
    /// Why it cannot run on this computer; `None` where it can.
    pub fn missing() -> Option<String> {
        if !std::path::Path::new(MANAGER).exists() {
            return Some(format!("{MANAGER} is not installed"));
        }
        let tried = private_view().arg("true").output();
        match tried {
            Ok(done) if done.status.success() => None,
            Ok(done) => Some(String::from_utf8_lossy(&done.stderr).into_owned()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// The manager of the person at this place; it is there for `systemctl --user` when this returns.
    pub fn start(place: &Place) -> Self {
        // Services use this place's session bus; the manager's own would be named to them instead.
        let units = place.home().join("config/systemd/user");
        std::fs::create_dir_all(&units).expect("a folder");
        let masked = std::os::unix::fs::symlink("/dev/null", units.join("dbus.socket"));
        assert!(masked.is_ok() || units.join("dbus.socket").is_symlink(), "{masked:?}");
        let mut command = private_view();
        let script = format!(
            "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec {MANAGER} --user --log-target=console"
        );
        command.args(["sh", "-c", &script]);
        place.dress(&mut command);
        let started = Self { program: Program::start(&mut command) };
        wait_until("the manager of units", || systemctl(place, &["show-environment"]).map(drop));
        started
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        // Asked to end, it ends its services first; killed, it would leave them behind.
        signal(self.program.id(), "-TERM");
        let began = Instant::now();
        while self.program.runs() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn private_view() -> Command {
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0)
}

/// What `systemctl --user …` says; `None` when it refuses.
pub fn systemctl(place: &Place, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(arguments);
    place.dress(&mut command);
    let done = command.output().expect("systemctl is installed with its manager");
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Where the manager notes when a timer ran last: to set it back is to have been away.
pub fn stamp(place: &Place, timer: &str) -> PathBuf {
    place.home().join("share/systemd/timers").join(format!("stamp-{timer}"))
}
