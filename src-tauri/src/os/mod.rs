//! Everything that touches the desktop: keyring, notifications, timers, sessions, browser, files. Each is a small body
//! behind a port or a function; nothing here decides.

pub mod autostart;
pub mod badge;
pub mod browser;
pub mod clipboard;
pub mod dialogs;
pub mod harden;
pub mod keyring;
pub mod notify;
pub mod session;
pub mod theme;
pub mod timer;
pub mod viewer;
pub mod webview;

use std::path::PathBuf;
use std::sync::Arc;

use client::platform::{Language, Ports, Spoken, SystemChance, SystemClock, SystemZone};

/// The bodies of the client's ports on this computer, and where answers to notices arrive.
#[must_use]
pub fn ports() -> (Ports, notify::Answers) {
    let language = Spoken::from(language());
    let (notifier, answers) = notify::DesktopNotifier::new(language.clone());
    let ports = Ports {
        secrets: Arc::new(keyring::SystemKeyring),
        notifier: Arc::new(notifier),
        browser: Arc::new(browser::SystemBrowser),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        zone: Arc::new(SystemZone),
        language,
    };
    (ports, answers)
}

/// The person's own data folder, unless the command line names another. It is of this computer: on Windows one that goes
/// along to others would take a copy there whose device is this one.
#[must_use]
pub fn data_dir() -> Option<PathBuf> {
    let project = directories::ProjectDirs::from("org", "Billfold", "billfold")?;
    Some(project.data_local_dir().to_path_buf())
}

/// A folder that only this person reads, for what is too long or too short-lived for the data folder.
#[must_use]
pub fn runtime_dir() -> PathBuf {
    directories::BaseDirs::new()
        .and_then(|dirs| dirs.runtime_dir().map(PathBuf::from))
        .unwrap_or_else(std::env::temp_dir)
}

/// Whether a display is named that a window could be shown on.
#[must_use]
pub fn has_display() -> bool {
    if cfg!(all(unix, not(target_os = "macos"))) {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        return set("DISPLAY") || set("WAYLAND_DISPLAY");
    }
    true
}

/// Whether windows can be shown, with a display that is really there. Asked on the main thread, which has the windows.
#[must_use]
pub fn opens_display() -> bool {
    #[cfg(target_os = "linux")]
    return gtk::init().is_ok();
    #[cfg(not(target_os = "linux"))]
    true
}

/// The first of the person's languages that there are words in, as the screens choose; English when there is none.
fn language() -> Language {
    Language::first_of(sys_locale::get_locales()).unwrap_or_default()
}

/// What this computer is called in the list of devices.
#[must_use]
pub fn device_name() -> String {
    let told = ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name = told.or_else(own_name).unwrap_or_default();
    let name: String = name.trim().trim_end_matches(".local").chars().filter(|c| !c.is_control()).take(60).collect();
    if name.is_empty() { "This computer".to_owned() } else { name }
}

/// What the system calls the computer. Who starts a program from the desktop tells it nothing.
fn own_name() -> Option<String> {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_str().ok().map(str::to_owned);
    #[cfg(not(unix))]
    None
}

#[cfg(all(test, unix))]
mod tests {
    #[test]
    fn a_computer_has_a_name_also_where_nobody_told_it() {
        let name = super::own_name().unwrap();
        assert!(!name.is_empty());
    }
}
