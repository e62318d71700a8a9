//! `billfold`: the window and the command line.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

/// Keys, tokens and passphrases pass through texts and buffers of many libraries: whatever gives memory back, it is wiped.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() {
    let code = desktop::run(std::env::args_os().collect());
    // What C libraries do at a usual exit crashes when a database connection is yet being closed: SQLCipher takes its
    // keys' memory apart, and nobody waits for a connection whose opening failed, as on a full disk.
    signal_hook::low_level::exit(code.into());
}
