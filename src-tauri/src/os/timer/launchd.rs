//! macOS: an agent of launchd in the person's own library.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use client::reminders::TimerState;

use super::{EVERY_MINUTES, ReminderTimer, escaped, remove, run, write};

/// An agent that is still ending keeps its name for a moment.
const TRIES_MAX: u32 = 10;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(200);

fn label(timer: &ReminderTimer) -> String {
    format!("org.billfold.{}", timer.name())
}

fn path(timer: &ReminderTimer) -> Result<PathBuf, String> {
    let dirs = directories::BaseDirs::new().ok_or("there is no home folder")?;
    Ok(dirs.home_dir().join("Library/LaunchAgents").join(format!("{}.plist", label(timer))))
}

/// What was missed while the computer slept is made up for once, when it wakes.
pub fn agent_text(timer: &ReminderTimer) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\
         <key>Label</key><string>{}</string>\
         <key>ProgramArguments</key><array><string>{}</string><string>--data</string><string>{}</string>\
         <string>remind</string></array>\
         <key>StartInterval</key><integer>{}</integer><key>RunAtLoad</key><true/></dict></plist>\n",
        escaped(&label(timer)),
        escaped(&timer.program.to_string_lossy()),
        escaped(&timer.data.to_string_lossy()),
        EVERY_MINUTES * 60,
    )
}

/// The person's graphical session.
fn domain() -> Result<String, String> {
    Ok(format!("gui/{}", run("id", &["-u"])?))
}

pub fn state(timer: &ReminderTimer) -> TimerState {
    let known = domain().and_then(|domain| run("launchctl", &["print", &format!("{domain}/{}", label(timer))]));
    if known.is_ok() { TimerState::On } else { TimerState::Off }
}

pub fn install(timer: &ReminderTimer) -> Result<(), String> {
    let (path, domain) = (path(timer)?, domain()?);
    let service = format!("{domain}/{}", label(timer));
    write(&path, agent_text(timer).as_bytes())?;
    // One of an earlier version is let go first, and one that was switched off in the system's settings comes back.
    let _ = run("launchctl", &["bootout", &service]);
    let _ = run("launchctl", &["enable", &service]);
    let path = path.to_string_lossy();
    let begin = || run("launchctl", &["bootstrap", &domain, &path]);
    let mut begun = begin();
    for _ in 1..TRIES_MAX {
        if begun.is_ok() {
            break;
        }
        sleep(TRY_AGAIN_AFTER);
        begun = begin();
    }
    begun.map(|_| ())
}

pub fn uninstall(timer: &ReminderTimer) -> Result<(), String> {
    let _ = run("launchctl", &["bootout", &format!("{}/{}", domain()?, label(timer))]);
    remove(&path(timer)?)
}
