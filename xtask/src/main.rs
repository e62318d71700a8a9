//! `cargo xtask run | test | soak | check | bench | bundle`: sets up what is missing, then does it.

mod machine;
mod parts;
mod run;
mod steps;
mod ui;

use std::process::ExitCode;

use steps::{Call, Steps};

/// Each is built and tested alone, as it ships: which features a library has must not depend on its neighbours.
const PACKAGES: &[&str] =
    &["domain", "formats", "api", "client", "server", "desktop", "tests", "flows", "page", "bench", "xtask"];

const USAGE: &str = "usage: cargo xtask COMMAND
  run [--keep] [-- ARGUMENTS]   build and start the app; without a display in a virtual one, with a picture of it
  test [WORDS]                  everything that CI holds; with words only Rust tests whose names hold them
  soak [WORDS]                  the random histories, races and storms in their whole numbers, for hours; BILLFOLD_SEED=N before it
                                plays that seed alone, BILLFOLD_SEED=N..M a part of them, and BILLFOLD_ENGINE=sqlite
                                or postgres on one engine
  check                         format, lints, types
  bench [JOB …]                 measure, in release, as ratios within one run
  bundle                        release builds of the app and the server, with their bills of materials";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let command = if arguments.is_empty() { String::new() } else { arguments.remove(0) };
    // Paths are the repository's, wherever this is called from.
    if let Err(error) = std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")) {
        eprintln!("xtask: the repository is not where it was built: {error}");
        return ExitCode::FAILURE;
    }
    match command.as_str() {
        "run" => run::run(&arguments),
        "test" => test(&arguments),
        "soak" => soak(&arguments),
        "check" => check(),
        "bench" => bench(&arguments),
        "bundle" => bundle(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn test(words: &[String]) -> ExitCode {
    let mut steps = Steps::default();
    if let Err(missing) = machine::prepare(&[machine::BUILD, machine::RUN, machine::TEST]) {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    ui::build(&mut steps);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for package in PACKAGES {
        match *package {
            // The programs that flows are played with, each built alone.
            "flows" => {
                steps.run(".", "cargo", &["build", "-p", "server", "--bin", "billfold-server"]);
                steps.run(".", "cargo", &["build", "-p", "desktop", "--bin", "billfold"]);
            }
            // One window to measure against: nothing to test.
            "page" => continue,
            "xtask" | "bench" if !words.is_empty() => continue,
            _ => {}
        }
        let are_built = steps.run(".", "cargo", &["test", "-p", package, "--no-run"]);
        if *package == "flows" {
            flows(&mut steps, are_built, &words);
            continue;
        }
        let mut arguments = vec!["test", "-p", package];
        arguments.extend(&words);
        let threads = [("RUST_TEST_THREADS", THREADS)];
        let with: &[_] = if WAITING.contains(package) { &threads } else { &[] };
        if are_built {
            steps.test(|steps| {
                steps.run_with(with, ".", "cargo", &arguments);
            });
        }
    }
    if words.is_empty() {
        ui::check(&mut steps);
    }
    steps.end()
}

/// Their tests wait for a database most of the time, so that more of them run than there are cores.
const WAITING: &[&str] = &["client", "server"];
const THREADS: &str = "4";

/// Flows that take longest, so they begin first.
const LONG_FLOWS: &[&str] = &["schema", "crash", "command_line"];
/// A flow waits for a window, a browser or a clock half of its time.
const FLOWS_AT_ONCE: usize = 2;

/// The files of flows, some at a time, and the tests of the pages beside them.
fn flows(steps: &mut Steps, are_built: bool, words: &[&str]) {
    let mut names: Vec<String> = std::fs::read_dir("tests/flows/tests")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort_by_key(|name| {
        (LONG_FLOWS.iter().position(|long| long == name).unwrap_or(LONG_FLOWS.len()), name.clone())
    });
    let targets =
        std::iter::once(vec!["--lib".to_owned()]).chain(names.into_iter().map(|name| vec!["--test".to_owned(), name]));
    let flows = targets.map(|target| {
        let mut arguments = vec!["test".to_owned(), "-p".to_owned(), "flows".to_owned()];
        arguments.extend(target);
        arguments.extend(words.iter().map(|word| (*word).to_owned()));
        Call { folder: ".", program: "cargo", arguments }
    });
    let pages = words.is_empty().then(ui::tests);
    let calls = pages.into_iter().chain(flows.filter(|_| are_built)).collect();
    steps.test(|steps| steps.run_side_by_side(FLOWS_AT_ONCE, calls));
}

/// What is played in whole numbers: a package, its target, and where in it the tests are.
const SOAKS: &[(&str, &[&str], &[&str])] = &[
    ("server", &["--lib"], &["histories::"]),
    ("server", &["--lib"], &["races::"]),
    ("flows", &["--test", "simulator"], &[]),
    ("flows", &["--test", "crash"], &[]),
    ("flows", &["--test", "durable"], &[]),
];

fn soak(words: &[String]) -> ExitCode {
    let mut steps = Steps::default();
    if let Err(missing) = machine::prepare(&[machine::BUILD, machine::TEST]) {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    // For hours of it, all is worth optimising.
    steps.run(".", "cargo", &["build", "--release", "-p", "server", "--bin", "billfold-server"]);
    for (package, target, tests) in SOAKS {
        let is_meant = |word: &String| target.iter().chain(*tests).any(|name| name.contains(word.as_str()));
        if !words.is_empty() && !words.iter().any(is_meant) {
            continue;
        }
        let mut arguments = vec!["test", "--release", "-p", package];
        arguments.extend(*target);
        arguments.push("--");
        arguments.extend(*tests);
        arguments.extend(["--nocapture", "--test-threads", "1"]);
        steps.run_with(&[("BILLFOLD_SOAK", "1")], ".", "cargo", &arguments);
    }
    steps.end()
}

fn check() -> ExitCode {
    let mut steps = Steps::default();
    if let Err(missing) = machine::prepare(&[machine::BUILD]) {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    steps.run(".", "cargo", &["fmt", "--all", "--check"]);
    ui::build(&mut steps);
    for package in PACKAGES {
        steps.run(".", "cargo", &["clippy", "-p", package, "--all-targets", "--", "-D", "warnings"]);
    }
    ui::check(&mut steps);
    steps.run(".", "cargo", &["test", "-p", "tests"]);
    if steps::answers("cargo", &["deny", "--version"]) {
        steps.run(".", "cargo", &["deny", "check"]);
    } else {
        steps.skip("cargo deny check: `cargo install --locked cargo-deny` first");
    }
    steps.end()
}

fn bench(jobs: &[String]) -> ExitCode {
    let mut steps = Steps::default();
    if jobs.is_empty() || jobs.iter().any(|job| job == "window" || job == "hidden") {
        // What that job starts, as it ships.
        if let Err(missing) = machine::prepare(&[machine::BUILD, machine::RUN, machine::TEST]) {
            eprintln!("{missing}");
            return ExitCode::FAILURE;
        }
        ui::build(&mut steps);
        for (package, program) in [("desktop", "billfold"), ("page", "page")] {
            steps.run(".", "cargo", &["build", "--release", "-p", package, "--bin", program]);
        }
    }
    let mut arguments = vec!["run", "--release", "-p", "bench", "--"];
    arguments.extend(jobs.iter().map(String::as_str));
    steps.run_with(&[("BILLFOLD_ON_DISK", "1")], ".", "cargo", &arguments);
    steps.end()
}

fn bundle() -> ExitCode {
    let mut steps = Steps::default();
    if let Err(missing) = machine::prepare(&[machine::BUILD]) {
        eprintln!("{missing}");
        return ExitCode::FAILURE;
    }
    ui::build(&mut steps);
    steps.run(".", "cargo", &["build", "--release", "-p", "server", "--bin", "billfold-server"]);
    steps.run(".", "cargo", &["build", "--release", "-p", "desktop", "--bin", "billfold"]);
    if steps::answers("cargo", &["tauri", "--version"]) {
        steps.run("src-tauri", "cargo", &["tauri", "bundle"]);
    } else {
        steps.skip("installers: `cargo install --locked tauri-cli` first; the programs are in target/release");
    }
    parts::write(&mut steps);
    steps.end()
}
