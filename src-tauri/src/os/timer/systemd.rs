//! Linux: a user timer of systemd and the service that it starts.

use std::path::{Path, PathBuf};

use client::reminders::TimerState;

use super::{EVERY_MINUTES, ReminderTimer, remove, run, write};

/// One argument of `ExecStart`: quoted, with systemd's own signs doubled.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '%' | '$' => quoted.extend([c, c]),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

pub fn service_text(timer: &ReminderTimer) -> String {
    format!(
        "[Unit]\nDescription=Billfold reminders\n\n[Service]\nType=simple\nExecStart={} --data {} remind\n",
        quoted(&timer.program),
        quoted(&timer.data),
    )
}

pub fn timer_text() -> String {
    format!(
        "[Unit]\nDescription=Billfold looks for reminders\n\n[Timer]\nOnCalendar=*:0/{EVERY_MINUTES}\nOnStartupSec=2min\n\
         Persistent=true\nAccuracySec=1min\n\n[Install]\nWantedBy=timers.target\n"
    )
}

fn units() -> Result<PathBuf, String> {
    let dirs = directories::BaseDirs::new().ok_or("there is no home folder")?;
    Ok(dirs.config_dir().join("systemd/user"))
}

pub fn state(timer: &ReminderTimer) -> TimerState {
    if let Err(why) = reachable() {
        return TimerState::NotHere { why };
    }
    match run("systemctl", &["--user", "is-enabled", &format!("{}.timer", timer.name())]) {
        Ok(said) if said == "enabled" => TimerState::On,
        _ => TimerState::Off,
    }
}

fn reachable() -> Result<(), String> {
    run("systemctl", &["--user", "show-environment"])
        .map(|_| ())
        .map_err(|why| format!("there is no systemd user session here ({why})"))
}

pub fn install(timer: &ReminderTimer) -> Result<(), String> {
    reachable()?;
    let (units, name) = (units()?, timer.name());
    write(&units.join(format!("{name}.service")), service_text(timer).as_bytes())?;
    write(&units.join(format!("{name}.timer")), timer_text().as_bytes())?;
    run("systemctl", &["--user", "daemon-reload"])?;
    run("systemctl", &["--user", "enable", "--now", &format!("{name}.timer")]).map(|_| ())
}

pub fn uninstall(timer: &ReminderTimer) -> Result<(), String> {
    let (units, name) = (units()?, timer.name());
    let had = units.join(format!("{name}.timer")).exists();
    let disabled = run("systemctl", &["--user", "disable", "--now", &format!("{name}.timer")]);
    remove(&units.join(format!("{name}.service")))?;
    remove(&units.join(format!("{name}.timer")))?;
    if had { disabled.map(|_| ()) } else { Ok(()) }
}
