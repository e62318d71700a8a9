//! The system's own timer: it runs `billfold remind` while the app is closed. A systemd user timer on Linux, a
//! LaunchAgent on macOS, the Task Scheduler on Windows. All three are built and their files tested on every system; only
//! which of them is asked depends on where the program runs.

mod launchd;
mod scheduler;
mod systemd;

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
        self.numbered_name()
    }

    /// A name that no other data folder of this computer has, the usual one of another person among them.
    fn numbered_name(&self) -> String {
        format!("billfold-remind-{:08x}", fingerprint(&self.data.to_string_lossy()))
    }

    #[must_use]
    pub fn state(&self) -> TimerState {
        match HERE {
            System::Systemd => systemd::state(self),
            System::Launchd => launchd::state(self),
            System::Scheduler => scheduler::state(self),
        }
    }

    pub fn set(&self, on: bool) -> Result<(), String> {
        match (HERE, on) {
            (System::Systemd, true) => systemd::install(self),
            (System::Systemd, false) => systemd::uninstall(self),
            (System::Launchd, true) => launchd::install(self),
            (System::Launchd, false) => launchd::uninstall(self),
            (System::Scheduler, true) => scheduler::install(self),
            (System::Scheduler, false) => scheduler::uninstall(self),
        }
    }
}

enum System {
    Systemd,
    Launchd,
    Scheduler,
}

const HERE: System = if cfg!(windows) {
    System::Scheduler
} else if cfg!(target_os = "macos") {
    System::Launchd
} else {
    System::Systemd
};

/// A reminder that is a quarter of an hour late is still in time.
const EVERY_MINUTES: u32 = 15;

/// FNV-1a, the same on every computer and in every version.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Runs a tool of the system; its last line of complaint is the reason.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    without_console(&mut command);
    let done = command.output().map_err(|_| format!("{program} is not installed"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let reason = said.trim().lines().last().unwrap_or("it gave no reason").to_owned();
    Err(format!("{program}: {reason}"))
}

/// A program with a window would flash a black one for each tool that it asks.
#[cfg(windows)]
fn without_console(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
const fn without_console(_: &mut Command) {}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let folder = path.parent().ok_or("there is no folder for it")?;
    fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes)).map_err(|error| error.to_string())
}

fn remove(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// Text between the tags of an XML file.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(data: &str, usual: bool) -> ReminderTimer {
        ReminderTimer { program: "/opt/My Apps/billfold".into(), data: data.into(), usual }
    }

    /// The text of each element of this name, as a program that reads XML hears it.
    fn texts(xml: &str, name: &str) -> Vec<String> {
        use quick_xml::events::Event;
        let mut reader = quick_xml::Reader::from_str(xml);
        let (mut found, mut inside) = (Vec::new(), false);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) if tag.local_name().into_inner() == name => {
                    found.push(String::new());
                    inside = true;
                }
                Event::Text(text) if inside => found.last_mut().unwrap().push_str(&text),
                Event::GeneralRef(sign) if inside => {
                    let sign = match &*sign {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        other => panic!("an unknown sign: {other}"),
                    };
                    found.last_mut().unwrap().push(sign);
                }
                Event::End(_) => inside = false,
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn the_unit_runs_remind_for_its_data_folder_whatever_signs_the_path_holds() {
        let text = systemd::service_text(&timer("/home/a \"b\"/100%$", false));
        let line = text.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        assert_eq!(line, r#"ExecStart="/opt/My Apps/billfold" --data "/home/a \"b\"/100%%$$" remind"#);
        assert!(!text.contains("TimeoutStartSec") && text.contains("Type=simple"), "it may become the window");
        assert!(systemd::timer_text().contains("Persistent=true"), "a missed quarter of an hour is made up for");
    }

    #[test]
    fn the_launch_agent_runs_remind_every_quarter_of_an_hour_whatever_signs_the_path_holds() {
        let timer = timer("/Users/a/R&D <new>", false);
        let text = launchd::agent_text(&timer);
        let label = format!("org.billfold.{}", timer.name());
        let expected = [&label, "/opt/My Apps/billfold", "--data", "/Users/a/R&D <new>", "remind"];
        assert_eq!(texts(&text, "string"), expected);
        assert_eq!(texts(&text, "key"), ["Label", "ProgramArguments", "StartInterval", "RunAtLoad"]);
        assert_eq!(texts(&text, "integer"), ["900"]);
    }

    #[test]
    fn the_task_runs_remind_every_quarter_of_an_hour_also_on_battery_and_after_sleep() {
        let timer = timer(r"C:\Users\R&D One\Billfold\", false);
        let text = scheduler::task_text(&timer, "S-1-5-21-1-2-3-1001");
        assert_eq!(texts(&text, "Command"), ["/opt/My Apps/billfold"]);
        assert_eq!(texts(&text, "Arguments"), [r#"--data "C:\Users\R&D One\Billfold\\" remind"#]);
        assert_eq!(texts(&text, "Interval"), ["PT15M"]);
        assert_eq!(texts(&text, "UserId"), ["S-1-5-21-1-2-3-1001"]);
        for (rule, wanted) in [
            ("DisallowStartIfOnBatteries", "false"),
            ("StopIfGoingOnBatteries", "false"),
            ("StartWhenAvailable", "true"),
            ("MultipleInstancesPolicy", "IgnoreNew"),
            ("ExecutionTimeLimit", "PT0S"),
        ] {
            assert_eq!(texts(&text, rule), [wanted], "{rule}");
        }
    }

    #[test]
    fn the_scheduler_reads_the_task_in_the_encoding_that_it_names() {
        let bytes = scheduler::file_of("<a encoding=\"UTF-16\">ü</a>");
        assert_eq!(bytes[..4], [0xff, 0xfe, b'<', 0]);
        let units: Vec<u16> = bytes[2..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(String::from_utf16(&units).unwrap(), "<a encoding=\"UTF-16\">ü</a>");
    }

    #[test]
    fn a_task_that_somebody_disabled_is_off() {
        let text = scheduler::task_text(&timer(r"C:\b", true), "S-1-5-21-1-2-3-1001");
        assert!(scheduler::is_enabled(&text));
        assert!(!scheduler::is_enabled(&text.replace("<Enabled>true</Enabled>", "<Enabled>false</Enabled>")));
    }

    #[test]
    fn the_task_is_of_a_person_whatever_letters_their_name_has() {
        // As the console gives "HOME\Inés" where its letters are not those of the file.
        let answer = String::from_utf8_lossy(b"\"home\\in\x82s, ana\",\"S-1-5-21-1-2-3-1001\"\r\n").into_owned();
        assert_eq!(scheduler::person_of(&answer), Some("S-1-5-21-1-2-3-1001"));
        assert_eq!(scheduler::person_of(r"home\ines"), None);
    }

    #[test]
    fn two_people_of_one_computer_have_two_tasks() {
        let (one, other) = (timer(r"C:\Users\ines\Billfold", true), timer(r"C:\Users\ana\Billfold", true));
        assert_ne!(scheduler::name(&one), scheduler::name(&other), "the list of tasks is the whole computer's");
    }

    #[test]
    fn two_data_folders_have_two_timers() {
        assert_eq!(timer("/a", true).name(), "billfold-remind");
        assert_ne!(timer("/a", false).name(), timer("/b", false).name());
        assert_eq!(timer("/a", false).name(), timer("/a", false).name());
    }
}
