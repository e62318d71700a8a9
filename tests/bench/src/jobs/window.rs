//! P10 and P11: the app with a card of 100,000 lines against a bare page, from start to the mapped window and to the first
//! text, and the memory of both with all their processes.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use flows::bus::Bus;
use flows::place::{Place, billfold_program};
use flows::process::{Program, wait_until};
use flows::window::{Display, Window};

use crate::data;
use crate::jobs::LARGE;
use crate::pairs::verdict;

const PAIRS: usize = 5;
const SETTLES_WITHIN: Duration = Duration::from_secs(10);
const SCREEN_CHANGES: usize = 1_000;

/// Seconds to the mapped window and to the first text; MiB of all processes once it rests.
struct Start {
    mapped: f64,
    text: f64,
    memory: f64,
}

pub fn run() -> Result<(), String> {
    let page = beside("page")?;
    if !page.exists() || !billfold_program().exists() {
        println!("  skipped: `cargo xtask bench window` builds the programs first");
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let display = Display::start();
    let bus = Bus::start();
    let place = Place::new().with_bus(&bus.address);
    let _keyring = runtime.block_on(bus.keyring(place.home()));
    let place = place.with_account();
    let file = place.file("card.ofx", data::ofx_sgml(LARGE));
    place.billfold(&["import", &file]).ok();
    place.billfold(&["sync"]).ok();

    let bare = || Command::new(&page);
    let app = || {
        let mut command = Command::new(billfold_program());
        command.arg("--data").arg(place.data());
        command
    };
    let (mut mapped, mut text, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=PAIRS {
        let ours = start(app(), "Billfold", &place, &display)?;
        let limit = start(bare(), "Page", &place, &display)?;
        if round > 0 {
            mapped.push(ours.mapped / limit.mapped);
            text.push(ours.text / limit.text);
            memory.push(ours.memory / limit.memory);
            println!(
                "    app: window {:.0} ms, text {:.0} ms, {:.0} MiB; page: {:.0} ms, {:.0} ms, {:.0} MiB",
                ours.mapped * 1e3,
                ours.text * 1e3,
                ours.memory,
                limit.mapped * 1e3,
                limit.text * 1e3,
                limit.memory,
            );
        }
    }
    verdict("start to the mapped window / of a bare page", 1.2, &mut mapped);
    verdict("start to the first text of Home / of a bare page", 1.4, &mut text);
    verdict("memory with the window / of a bare page", 0.9, &mut memory);
    let page_memory = start(bare(), "Page", &place, &display)?.memory;
    verdict("memory in the tray / of a bare page", 0.6, &mut [in_the_tray(app(), &place, &display)? / page_memory]);
    runtime.block_on(growth(&place, &display))
}

fn beside(name: &str) -> Result<PathBuf, String> {
    std::env::current_exe().map(|program| program.with_file_name(name)).map_err(|e| e.to_string())
}

fn start(mut command: Command, title: &str, place: &Place, display: &Display) -> Result<Start, String> {
    as_shipped(&mut command, place, display);
    let began = Instant::now();
    let program = Program::start(&mut command);
    let window = wait_until(&format!("the window of {title}"), || display.mapped(title));
    let mapped = began.elapsed().as_secs_f64();
    wait_until("the first text", || display.shows_text(window).then_some(()));
    let text = began.elapsed().as_secs_f64();
    std::thread::sleep(SETTLES_WITHIN);
    let memory = memory_of(place)?;
    program.stop();
    Ok(Start { mapped, text, memory })
}

/// With the web view's own way of drawing, which the flows switch off.
fn as_shipped(command: &mut Command, place: &Place, display: &Display) {
    place.dress(command);
    command.env("DISPLAY", &display.name).env_remove("WEBKIT_DISABLE_DMABUF_RENDERER");
}

fn in_the_tray(mut command: Command, place: &Place, display: &Display) -> Result<f64, String> {
    as_shipped(&mut command, place, display);
    let program = Program::start(&mut command);
    let window = wait_until("the window", || display.mapped("Billfold"));
    wait_until("the first text", || display.shows_text(window).then_some(()));
    display.close_windows("Billfold");
    std::thread::sleep(SETTLES_WITHIN);
    let memory = memory_of(place);
    program.stop();
    memory
}

/// A thousand changes of the screen leave the memory as it was.
async fn growth(place: &Place, display: &Display) -> Result<(), String> {
    let window = Window::open(place, display).await;
    let screens = ["Bills", "Card", "Payments", "Statements", "Home"];
    let change = async |times: usize| {
        for screen in screens.iter().cycle().take(times) {
            window.go(screen).await;
        }
    };
    // The first hundred fill what is filled once.
    change(100).await;
    let before = memory_of(place)?;
    change(SCREEN_CHANGES).await;
    let after = memory_of(place)?;
    window.close().await;
    verdict("memory after 1,000 changes of the screen / before", 1.05, &mut [after / before]);
    Ok(())
}

/// MiB that the programs started in this place take for themselves, shared pages by their share (`Pss`).
fn memory_of(place: &Place) -> Result<f64, String> {
    let home = place.home().display().to_string();
    let mut kilobytes = 0;
    for process in std::fs::read_dir("/proc").map_err(|e| e.to_string())?.flatten() {
        let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        let ours = ["billfold", "page", "WebKit"].iter().any(|known| name.starts_with(known));
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        if ours && String::from_utf8_lossy(&environment).contains(&home) {
            let rollup = std::fs::read_to_string(process.path().join("smaps_rollup")).unwrap_or_default();
            let share = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let share = share.and_then(|share| share.split_whitespace().next()?.parse::<u32>().ok());
            kilobytes += share.unwrap_or(0);
        }
    }
    if kilobytes == 0 {
        Err("no process of the program was found".to_owned())
    } else {
        Ok(f64::from(kilobytes) / 1024.0)
    }
}
