//! `billfold`: the window and the command line.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

/// Keys, tokens and passphrases pass through texts and buffers of many libraries: whatever gives memory back, it is wiped.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    desktop::run(std::env::args().collect())
}
