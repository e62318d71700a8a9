//! `cargo xtask run | test | soak | check | bench | bundle`: sets up what is missing, then does it.

mod machine;
mod parts;
mod run;
mod steps;
mod ui;

use std::process::ExitCode;

use steps::{Call, Steps};

/// Each is linted alone, as it ships: which features a library has must not depend on its neighbours.
const PACKAGES: &[&str] =
    &["domain", "formats", "api", "client", "server", "desktop", "tests", "flows", "scan", "page", "bench", "xtask"];

const USAGE: &str = "usage: cargo xtask COMMAND
  run [--keep] [-- ARGUMENTS]   build and start the app; without a display in a virtual one, with a picture of it
  test [WORDS]                  everything that CI holds; with words only Rust tests whose names hold them
  soak [WORDS]                  the random histories, races, storms and calls in their whole numbers, for hours; BILLFOLD_SEED=N before it
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
    // The programs that flows are played with, each built alone, as it ships.
    steps.run(".", "cargo", &["build", "-p", "server", "--bin", "billfold-server"]);
    steps.run(".", "cargo", &["build", "-p", "desktop", "--bin", "billfold"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if steps.run(".", "cargo", &[TESTED, &["--no-run"]].concat()) {
        steps.test(|steps| units(steps, &words));
        steps.test(|steps| flows(steps, &words));
    }
    if words.is_empty() {
        ui::check(&mut steps);
    }
    steps.end()
}

/// All of them at once, so that what they share is built once. One window to measure against has nothing to test.
const TESTED: &[&str] = &["test", "--workspace", "--exclude", "page"];
/// Many tests wait for a database most of the time, so that more of them run than there are cores.
const THREADS: &str = "--test-threads=4";

/// Everything but the flows: the packages' own tests, and beside them the rules of the repository and of others, whose
/// programs use one core. A file that fails does not keep the others from being tested.
fn units(steps: &mut Steps, words: &[&str]) {
    let rules = names_in("tests/tests");
    let rules: Vec<&str> = rules.iter().flat_map(|name| ["--test", name]).collect();
    let each = [["--lib", "--bins"].as_slice(), &rules].map(|targets| {
        let arguments = TESTED.iter().chain(&["--no-fail-fast"]).chain(targets).chain(&["--", THREADS]).chain(words);
        Call { folder: ".", program: "cargo", arguments: arguments.map(|&one| one.to_owned()).collect() }
    });
    steps.run_side_by_side(2, each.into());
}

/// Flows that take longest, so they begin first.
const LONG_FLOWS: &[&str] = &["schema", "interop", "command_line", "crash", "texts"];
/// So many keep the two cores of CI busy: a flow waits for a browser, a window or a rail for some of its time.
const FLOWS_AT_ONCE: usize = 3;

/// The files of flows, some at a time, and the tests of the pages beside them.
fn flows(steps: &mut Steps, words: &[&str]) {
    let mut names = names_in("tests/flows/tests");
    names.sort_by_key(|name| {
        (LONG_FLOWS.iter().position(|long| long == name).unwrap_or(LONG_FLOWS.len()), name.clone())
    });
    let flows = names.iter().map(|name| {
        let arguments = TESTED.iter().copied().chain(["--test", name, "--"]).chain(words.iter().copied());
        Call { folder: ".", program: "cargo", arguments: arguments.map(str::to_owned).collect() }
    });
    let pages = words.is_empty().then(ui::tests);
    steps.run_side_by_side(FLOWS_AT_ONCE, pages.into_iter().chain(flows).collect());
}

/// The targets whose tests lie in a folder.
fn names_in(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files.filter_map(|file| file.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned)).collect()
}

/// What is played in whole numbers: a package, its target, and where in it the tests are.
const SOAKS: &[(&str, &[&str], &[&str])] = &[
    ("server", &["--lib"], &["histories::"]),
    ("server", &["--lib"], &["races::"]),
    ("server", &["--lib"], &["thousand"]),
    ("flows", &["--test", "simulator"], &[]),
    ("flows", &["--test", "crash"], &[]),
    ("flows", &["--test", "durable"], &[]),
    ("flows", &["--test", "schema"], &[]),
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
