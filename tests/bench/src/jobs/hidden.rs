//! The app in the tray and locked, as it is most of the day: how often it wakes, and what it takes of the processor.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flows::bus::Bus;
use flows::place::{Place, billfold_program};
use flows::process::wait_until;
use flows::window::Display;

use crate::pairs::verdict;

const SETTLES_WITHIN: Duration = Duration::from_secs(30);
/// Long enough for the longest of its naps to come up once.
const WATCHED: Duration = Duration::from_secs(15 * 60);
const HOUR_SECONDS: f64 = 3_600.0;
const WAKES_AN_HOUR: f64 = 30.0;
const PROCESSOR_SECONDS_A_DAY: f64 = 5.0;

/// What the system counted for a process since it began.
#[derive(Clone, Copy)]
struct Counted {
    wakes: u64,
    nanoseconds: u64,
}

pub fn run() -> Result<(), String> {
    if !billfold_program().exists() {
        println!("  skipped: `cargo xtask bench hidden` builds the program first");
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let display = Display::start();
    let bus = Bus::start();
    let place = Place::new().with_bus(&bus.address);
    let _keyring = runtime.block_on(bus.keyring(place.home()));
    let place = place.with_account();
    let mut command = place.command(&["--hidden"]);
    command.env("DISPLAY", &display.name);
    let program = flows::process::Program::start(&mut command);
    // The first command that it answers finds it up.
    wait_until("the app to answer", || {
        let status = place.billfold(&["status"]).ok();
        (status["phase"] == "ready").then_some(())
    });
    place.billfold(&["lock"]).ok();
    std::thread::sleep(SETTLES_WITHIN);
    let (before, began) = (counted(program.id())?, Instant::now());
    std::thread::sleep(WATCHED);
    let (after, took) = (counted(program.id())?, began.elapsed().as_secs_f64());
    program.stop();
    let wakes = f64::from(u32::try_from(after.wakes - before.wakes).unwrap_or(u32::MAX)) * HOUR_SECONDS / took;
    let busy = Duration::from_nanos(after.nanoseconds - before.nanoseconds).as_secs_f64();
    let processor = busy * 24.0 * HOUR_SECONDS / took;
    println!("    {wakes:.0} wake-ups an hour, {processor:.1} s of the processor a day");
    verdict("wake-ups an hour while hidden and locked / of thirty", 1.0, &mut [wakes / WAKES_AN_HOUR]);
    verdict("processor a day while hidden and locked / of 5 s", 1.0, &mut [processor / PROCESSOR_SECONDS_A_DAY]);
    Ok(())
}

/// Over all threads: a thread that waits and goes on has woken once.
fn counted(process: u32) -> Result<Counted, String> {
    let threads = PathBuf::from(format!("/proc/{process}/task"));
    let mut all = Counted { wakes: 0, nanoseconds: 0 };
    for thread in std::fs::read_dir(threads).map_err(|e| e.to_string())?.flatten() {
        all.wakes += field(&thread.path().join("status"), "voluntary_ctxt_switches:", 1).unwrap_or(0);
        // Nanoseconds on the processor stand first.
        all.nanoseconds += field(&thread.path().join("schedstat"), "", 0).unwrap_or(0);
    }
    Ok(all)
}

/// A number in a file of the system: the word at this place of the line that begins so.
fn field(file: &Path, begins: &str, place: usize) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(begins))?;
    line.split_whitespace().nth(place)?.parse().ok()
}
