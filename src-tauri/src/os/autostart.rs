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
    AutoLaunchBuilder::new()
        .set_app_name("Billfold")
        .set_app_path(&text(program)?)
        .set_linux_launch_mode(LinuxLaunchMode::XdgAutostart)
        .set_macos_launch_mode(MacOSLaunchMode::LaunchAgent)
        .set_windows_enable_mode(WindowsEnableMode::CurrentUser)
        .set_args(&["--hidden".to_owned(), "--data".to_owned(), text(data)?])
        .build()
        .map_err(|error| error.to_string())
}
