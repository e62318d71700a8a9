//! `billfold`: the window and the command line.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    desktop::run(std::env::args().collect())
}
