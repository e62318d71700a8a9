//! Tools of others that are written in Python, each in an environment of its own below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the programs of such an environment, in which what the list of that folder names is installed. None,
/// and it says so, without Python.
#[must_use]
pub fn environment(folder: &str) -> Option<PathBuf> {
    let name = Path::new(folder).file_name().expect("a name").to_string_lossy().into_owned();
    let target = std::env::current_exe().expect("a path");
    let home = target.ancestors().nth(3).expect("the target folder").join(format!("interop-{name}"));
    // Tests of both engines come here at once; the first one installs.
    let turn = std::fs::File::create(home.with_extension("lock")).expect("a file");
    turn.lock().expect("a turn");
    let list = Path::new(folder).join("requirements.txt");
    let wanted = std::fs::read_to_string(&list).expect("a list");
    let marker = home.join("installed.txt");
    let programs = home.join("bin");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Some(programs);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&home).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: python3 with venv not found");
        return None;
    }
    let mut install = Command::new(programs.join("pip"));
    install.args(["install", "--quiet", "--requirement"]).arg(list);
    assert!(install.status().expect("pip starts").success(), "the tool is installed from the package index");
    std::fs::write(marker, wanted).expect("a file");
    Some(programs)
}
