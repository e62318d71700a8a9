//! Starting hidden when the person signs in to the computer.

use std::path::Path;

use auto_launch::{AutoLaunch, AutoLaunchBuilder, LinuxLaunchMode, MacOSLaunchMode, WindowsEnableMode};

/// Switches it on or off. The reason comes back in words when the system refuses.
pub fn set(on: bool, program: &Path, data: &Path) -> Result<(), String> {
    let launch = described(program, data)?;
    let known = launch.is_enabled().unwrap_or(false);
    match (on, known) {
        (true, _) => launch.enable(),
        (false, true) => launch.disable(),
        (false, false) => return Ok(()),
    }
    .map_err(|error| error.to_string())
}

fn described(program: &Path, data: &Path) -> Result<AutoLaunch, String> {
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or("the path is not plain text");
    let (program, data) = (text(program)?, text(data)?);
    // macOS looks whether the program is there, by its plain path, and keeps words apart by itself.
    let program = if HERE == System::MacOs { program } else { HERE.word(&program) };
    AutoLaunchBuilder::new()
        .set_app_name("Billfold")
        .set_app_path(&program)
        .set_linux_launch_mode(LinuxLaunchMode::XdgAutostart)
        .set_macos_launch_mode(MacOSLaunchMode::LaunchAgent)
        .set_windows_enable_mode(WindowsEnableMode::CurrentUser)
        .set_args(&["--hidden".to_owned(), "--data".to_owned(), HERE.word(&data)])
        .build()
        .map_err(|error| error.to_string())
}

/// The line that starts the program is put together from words as they are, so each is quoted here in its system's way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    Desktop,
    MacOs,
    Windows,
}

const HERE: System = if cfg!(windows) {
    System::Windows
} else if cfg!(target_os = "macos") {
    System::MacOs
} else {
    System::Desktop
};

impl System {
    fn word(self, text: &str) -> String {
        match self {
            Self::Desktop => desktop_word(text),
            Self::MacOs => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
            // A sign `\` before the closing quote would belong to it.
            Self::Windows => {
                format!("\"{text}{}\"", "\\".repeat(text.len() - text.trim_end_matches('\\').len()))
            }
        }
    }
}

/// One argument of a desktop entry's `Exec`: quoted, and then written as a text of that file.
fn desktop_word(text: &str) -> String {
    let mut word = String::from("\"");
    for c in text.chars() {
        match c {
            '\\' => word.push_str("\\\\\\\\"),
            '"' | '`' | '$' => word.extend(['\\', '\\', c]),
            '%' => word.push_str("%%"),
            _ => word.push(c),
        }
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_stays_one_word_on_every_system() {
        assert_eq!(System::Desktop.word("/home/a b/100%"), r#""/home/a b/100%%""#);
        assert_eq!(System::Desktop.word(r#"/a"$\"#), r#""/a\\"\\$\\\\""#);
        assert_eq!(System::Windows.word(r"C:\Users\Ines C\Billfold"), r#""C:\Users\Ines C\Billfold""#);
        assert_eq!(System::Windows.word(r"D:\"), r#""D:\\""#);
        assert_eq!(System::MacOs.word("/Users/R&D/Application Support"), "/Users/R&amp;D/Application Support");
    }
}
