//! The window's pages: built before the app, which carries them.

use std::path::Path;
use std::time::SystemTime;

use crate::steps::{Call, Steps};

/// Installs what `package-lock.json` names, when it changed, and builds the pages, when they did.
pub fn build(steps: &mut Steps) {
    let lock = Path::new("ui/package-lock.json");
    let installed = Path::new("ui/node_modules/.package-lock.json");
    if newest(installed) < newest(lock) {
        steps.run("ui", "npm", &["ci", "--no-audit", "--no-fund"]);
    }
    let sources = ["ui/src", "ui/static", "ui/package-lock.json", "ui/svelte.config.js", "ui/vite.config.ts"];
    let built = newest(Path::new("ui/build/index.html"));
    if sources.iter().any(|source| newest(Path::new(source)) > built) {
        steps.run("ui", "npm", &["run", "build"]);
    }
}

pub fn check(steps: &mut Steps) {
    steps.run("ui", "npm", &["run", "check"]);
    steps.run("ui", "npm", &["run", "lint"]);
}

/// The tests of the pages, which run beside others.
pub fn tests() -> Call {
    Call { folder: "ui", program: "npm", arguments: vec!["test".to_owned()] }
}

/// When the newest file there was changed; the beginning of time when there is none.
fn newest(path: &Path) -> SystemTime {
    let own = path.metadata().and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let inside = path.read_dir().into_iter().flatten().flatten().map(|entry| newest(&entry.path()));
    inside.fold(own, SystemTime::max)
}
