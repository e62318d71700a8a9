//! `cargo xtask bench [JOB …]`: each job times the product's step and its limit or peer in turn, A B A B, in one run,
//! checks that both did the same work, and prints the median of the pair ratios with the smallest and largest.
//! The jobs and their goals are described in `docs/PERFORMANCE.md`.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

mod data;
mod jobs;
mod pairs;
mod world;

use std::process::{Command, ExitCode};

/// As the app: what is given back of memory is wiped.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    // The HTTP library wants its cryptography named once, also for plain connections.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [word] = &wanted[..]
        && let Some((_, serve)) = jobs::streams::SERVE.iter().find(|(name, _)| name == word)
    {
        return match serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("bench: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let known: Vec<&str> = jobs::ALL.iter().map(|job| job.name).collect();
    if let Some(stranger) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("bench: no job is called {stranger}; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    // Each job in a process of its own: what one switches on in a library must not slow the next.
    if wanted.len() != 1 {
        let chosen = known.iter().filter(|name| wanted.is_empty() || wanted.iter().any(|one| one == *name));
        let failed = chosen.filter(|name| !run_alone(name)).count();
        return if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    for job in jobs::ALL.iter().filter(|job| job.name == wanted[0]) {
        println!("{}: {}", job.name, job.about);
        if let Err(error) = (job.run)() {
            println!("  FAILED: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run_alone(job: &str) -> bool {
    let program = std::env::current_exe();
    program.is_ok_and(|program| Command::new(program).arg(job).status().is_ok_and(|status| status.success()))
}
