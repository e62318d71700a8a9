//! Windows: a task of the Task Scheduler. It is given as a file, because a task that is made by words alone does not start
//! on battery and forgets what it missed in sleep.

use std::path::Path;

use client::reminders::TimerState;

use super::{EVERY_MINUTES, ReminderTimer, escaped, remove, run, write};

/// Repeats begin on this day; any day that is over will do.
const SINCE: &str = "2026-01-01T00:00:00";

/// One argument: within quotes, where a sign `\` at the end would otherwise belong to the closing one.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let at_end = text.len() - text.trim_end_matches('\\').len();
    format!("\"{text}{}\"", "\\".repeat(at_end))
}

/// All people of a computer share one list of tasks.
pub fn name(timer: &ReminderTimer) -> String {
    timer.numbered_name()
}

/// Who is signed in, by the number that the system knows them by. Their name would come in the letters of the console, which
/// has not all of them.
pub fn person_of(answer: &str) -> Option<&str> {
    let last = answer.trim().rsplit(',').next()?.trim_matches('"');
    last.starts_with("S-1-").then_some(last)
}

/// For this person alone, while they are signed in. It ends by itself: what it showed may be answered much later, and lead
/// into the window.
pub fn task_text(timer: &ReminderTimer, person: &str) -> String {
    let arguments = format!("--data {} remind", quoted(&timer.data));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\n\
         <RegistrationInfo><Description>Billfold looks for reminders</Description></RegistrationInfo>\n\
         <Triggers><TimeTrigger><Repetition><Interval>PT{EVERY_MINUTES}M</Interval>\
         <StopAtDurationEnd>false</StopAtDurationEnd></Repetition>\
         <StartBoundary>{SINCE}</StartBoundary><Enabled>true</Enabled></TimeTrigger></Triggers>\n\
         <Principals><Principal id=\"Author\"><UserId>{}</UserId><LogonType>InteractiveToken</LogonType>\
         <RunLevel>LeastPrivilege</RunLevel></Principal></Principals>\n\
         <Settings><MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\
         <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\
         <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\
         <StartWhenAvailable>true</StartWhenAvailable><Enabled>true</Enabled>\
         <ExecutionTimeLimit>PT0S</ExecutionTimeLimit></Settings>\n\
         <Actions Context=\"Author\"><Exec><Command>{}</Command><Arguments>{}</Arguments></Exec></Actions>\n\
         </Task>\n",
        escaped(person),
        escaped(&timer.program.to_string_lossy()),
        escaped(&arguments),
    )
}

/// UTF-16 with its mark, as the text says of itself: the scheduler refuses any other.
pub fn file_of(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

pub fn is_enabled(task: &str) -> bool {
    !task.contains("<Enabled>false</Enabled>")
}

pub fn state(timer: &ReminderTimer) -> TimerState {
    match run("schtasks", &["/Query", "/XML", "/TN", &name(timer)]) {
        Ok(task) if is_enabled(&task) => TimerState::On,
        _ => TimerState::Off,
    }
}

pub fn install(timer: &ReminderTimer) -> Result<(), String> {
    let answer = run("whoami", &["/USER", "/FO", "CSV", "/NH"])?;
    let person = person_of(&answer).ok_or("whoami: it does not say who is signed in")?;
    let path = timer.data.join("reminder-task.xml");
    write(&path, &file_of(&task_text(timer, person)))?;
    let made = run("schtasks", &["/Create", "/F", "/TN", &name(timer), "/XML", &path.to_string_lossy()]);
    remove(&path)?;
    made.map(|_| ())
}

pub fn uninstall(timer: &ReminderTimer) -> Result<(), String> {
    // Also one that somebody disabled; none at all is what was wanted.
    if run("schtasks", &["/Query", "/TN", &name(timer)]).is_err() {
        return Ok(());
    }
    run("schtasks", &["/Delete", "/F", "/TN", &name(timer)]).map(|_| ())
}
