//! What this machine must have. On Debian and Ubuntu missing packages are installed, as root or by sudo; elsewhere their
//! names are said.

use std::process::{Command, Stdio};

use crate::steps::answers;

/// To build the app and the server.
pub const BUILD: &[&str] =
    &["build-essential", "pkg-config", "libwebkit2gtk-4.1-dev", "libgtk-3-dev", "libdbus-1-dev", "libssl-dev"];

/// To start the app as well: the tray's library, a session bus, a keyring, the typeface.
pub const RUN: &[&str] = &["libayatana-appindicator3-1", "dbus", "gnome-keyring", "fonts-inter"];

/// To start it where there is no display.
pub const DISPLAY: &[&str] = &["xvfb", "xdotool", "imagemagick"];

/// For the tests as well: a database, browsers and their drivers, a display and hands on its keyboard, a wrong clock, the
/// system's timers, a reader of PDF, one of journals, and what outside tools in Python need.
pub const TEST: &[&str] = &[
    "xvfb",
    "xdotool",
    "chromium",
    "chromium-driver",
    "webkit2gtk-driver",
    "faketime",
    "strace",
    "systemd",
    "postgresql",
    "poppler-utils",
    "hledger",
    "python3-venv",
];

/// Installs what is missing, or says what to type.
pub fn prepare(lists: &[&[&'static str]]) -> Result<(), String> {
    let packages = lists.concat();
    if !cfg!(target_os = "linux") {
        // The systems' own web view and keyring are there.
        return node();
    }
    if !answers("dpkg", &["--version"]) {
        eprintln!("xtask: this is no Debian or Ubuntu; if something is missing, these packages there give it:");
        eprintln!("  {}", packages.join(" "));
        return node();
    }
    let missing: Vec<&str> = packages.into_iter().filter(|package| !is_installed(package)).collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    node()
}

fn is_installed(package: &str) -> bool {
    let asked =
        Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]).stderr(Stdio::null()).output();
    asked.is_ok_and(|answer| answer.stdout == b"installed")
}

fn install(missing: &[&str]) -> Result<(), String> {
    let by_hand = format!("sudo apt-get install {}", missing.join(" "));
    let root = Command::new("id").arg("-u").output().is_ok_and(|answer| answer.stdout.trim_ascii() == b"0");
    if !root && !answers("sudo", &["-n", "true"]) {
        return Err(format!("xtask: packages are missing; type this and try again:\n  {by_hand}"));
    }
    eprintln!("xtask: installs {}", missing.join(" "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if root { "apt-get" } else { "sudo" });
        if !root {
            command.arg("apt-get");
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    // An outdated list is tried all the same: the packages may be the same.
    apt(&["update", "-q"]);
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(missing);
    if apt(&arguments) {
        Ok(())
    } else {
        Err(format!("xtask: the packages could not be installed; type:\n  {by_hand}"))
    }
}

fn node() -> Result<(), String> {
    if answers("npm", &["--version"]) {
        return Ok(());
    }
    Err("xtask: Node 20 or newer is missing: https://nodejs.org, or your system's package".to_owned())
}
