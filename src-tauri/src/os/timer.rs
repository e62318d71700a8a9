//! The system's own timer: it runs `billfold remind` while the app is closed. A systemd user timer on Linux, a
//! LaunchAgent on macOS, the Task Scheduler on Windows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use client::reminders::TimerState;

/// Which program reminds for which data folder.
#[derive(Clone, Debug)]
pub struct ReminderTimer {
    pub program: PathBuf,
    pub data: PathBuf,
    /// The person's usual folder has the plain name; others carry a number made from their path.
    pub usual: bool,
}

impl ReminderTimer {
    #[must_use]
    pub fn name(&self) -> String {
        if self.usual {
            return "billfold-remind".to_owned();
        }
        format!("billfold-remind-{:08x}", fingerprint(&self.data.to_string_lossy()))
    }

    #[must_use]
    pub fn state(&self) -> TimerState {
        system::state(self)
    }

    pub fn set(&self, on: bool) -> Result<(), String> {
        if on { system::install(self) } else { system::remove(self) }
    }
}

/// FNV-1a, the same on every computer and in every version.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Runs a tool of the system; its last line of complaint is the reason.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| format!("{program} is not installed"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let reason = said.trim().lines().last().unwrap_or("it gave no reason").to_owned();
    Err(format!("{program}: {reason}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().ok_or("there is no folder for it")?;
    fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).map_err(|error| error.to_string())
}

fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use super::*;

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
            "[Unit]\nDescription=Billfold reminders\n\n[Service]\nType=oneshot\n\
             ExecStart={} --data {} remind\nTimeoutStartSec=900\n",
            quoted(&timer.program),
            quoted(&timer.data),
        )
    }

    pub fn timer_text() -> String {
        "[Unit]\nDescription=Billfold looks for reminders\n\n[Timer]\nOnCalendar=*:0/15\nOnStartupSec=2min\n\
         Persistent=true\nAccuracySec=1min\n\n[Install]\nWantedBy=timers.target\n"
            .to_owned()
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
        write(&units.join(format!("{name}.service")), &service_text(timer))?;
        write(&units.join(format!("{name}.timer")), &timer_text())?;
        run("systemctl", &["--user", "daemon-reload"])?;
        run("systemctl", &["--user", "enable", "--now", &format!("{name}.timer")]).map(|_| ())
    }

    pub fn remove(timer: &ReminderTimer) -> Result<(), String> {
        let (units, name) = (units()?, timer.name());
        let had = units.join(format!("{name}.timer")).exists();
        let disabled = run("systemctl", &["--user", "disable", "--now", &format!("{name}.timer")]);
        super::remove(&units.join(format!("{name}.service")))?;
        super::remove(&units.join(format!("{name}.timer")))?;
        if had { disabled.map(|_| ()) } else { Ok(()) }
    }
}

#[cfg(target_os = "macos")]
mod system {
    use super::*;

    fn label(timer: &ReminderTimer) -> String {
        format!("org.billfold.{}", timer.name())
    }

    fn path(timer: &ReminderTimer) -> Result<PathBuf, String> {
        let dirs = directories::BaseDirs::new().ok_or("there is no home folder")?;
        Ok(dirs.home_dir().join("Library/LaunchAgents").join(format!("{}.plist", label(timer))))
    }

    fn escaped(path: &Path) -> String {
        path.to_string_lossy().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }

    fn plist_text(timer: &ReminderTimer) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\
             <key>Label</key><string>{}</string>\
             <key>ProgramArguments</key><array><string>{}</string><string>--data</string><string>{}</string>\
             <string>remind</string></array>\
             <key>StartInterval</key><integer>900</integer><key>RunAtLoad</key><true/></dict></plist>\n",
            label(timer),
            escaped(&timer.program),
            escaped(&timer.data),
        )
    }

    fn domain() -> Result<String, String> {
        Ok(format!("gui/{}", run("id", &["-u"])?))
    }

    pub fn state(timer: &ReminderTimer) -> TimerState {
        let known = domain().and_then(|domain| run("launchctl", &["print", &format!("{domain}/{}", label(timer))]));
        if known.is_ok() { TimerState::On } else { TimerState::Off }
    }

    pub fn install(timer: &ReminderTimer) -> Result<(), String> {
        let path = path(timer)?;
        write(&path, &plist_text(timer))?;
        let _ = run("launchctl", &["bootout", &format!("{}/{}", domain()?, label(timer))]);
        run("launchctl", &["bootstrap", &domain()?, &path.to_string_lossy()]).map(|_| ())
    }

    pub fn remove(timer: &ReminderTimer) -> Result<(), String> {
        let _ = run("launchctl", &["bootout", &format!("{}/{}", domain()?, label(timer))]);
        super::remove(&path(timer)?)
    }
}

#[cfg(windows)]
mod system {
    use super::*;

    pub fn state(timer: &ReminderTimer) -> TimerState {
        match run("schtasks", &["/Query", "/TN", &timer.name()]) {
            Ok(_) => TimerState::On,
            Err(_) => TimerState::Off,
        }
    }

    pub fn install(timer: &ReminderTimer) -> Result<(), String> {
        let command = format!("\"{}\" --data \"{}\" remind", timer.program.display(), timer.data.display());
        let arguments = ["/Create", "/F", "/SC", "MINUTE", "/MO", "15", "/TN", &timer.name(), "/TR", &command];
        run("schtasks", &arguments).map(|_| ())
    }

    pub fn remove(timer: &ReminderTimer) -> Result<(), String> {
        if matches!(state(timer), TimerState::Off) {
            return Ok(());
        }
        run("schtasks", &["/Delete", "/F", "/TN", &timer.name()]).map(|_| ())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn timer(data: &str, usual: bool) -> ReminderTimer {
        ReminderTimer { program: "/opt/My Apps/billfold".into(), data: data.into(), usual }
    }

    #[test]
    fn the_unit_runs_remind_for_its_data_folder_whatever_signs_the_path_holds() {
        let text = system::service_text(&timer("/home/a \"b\"/100%$", false));
        let line = text.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        assert_eq!(line, r#"ExecStart="/opt/My Apps/billfold" --data "/home/a \"b\"/100%%$$" remind"#);
        assert!(system::timer_text().contains("Persistent=true"), "a missed quarter of an hour is made up for");
    }

    #[test]
    fn two_data_folders_have_two_timers() {
        assert_eq!(timer("/a", true).name(), "billfold-remind");
        assert_ne!(timer("/a", false).name(), timer("/b", false).name());
        assert_eq!(timer("/a", false).name(), timer("/a", false).name());
    }
}
