//! `cargo xtask bench [JOB …]`: each job times the product's step and its limit or peer in turn, A B A B, in one run,
//! checks that both did the same work, and prints the median of the pair ratios with the smallest and largest.
//! The jobs and their goals are described in `docs/PERFORMANCE.md`.

mod caller;
mod data;
mod jobs;
mod pairs;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The HTTP library wants its cryptography named once, also for plain connections.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let known: Vec<&str> = jobs::ALL.iter().map(|job| job.name).collect();
    if let Some(stranger) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("bench: no job is called {stranger}; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    let mut failed = false;
    for job in jobs::ALL.iter().filter(|job| wanted.is_empty() || wanted.iter().any(|name| name == job.name)) {
        println!("{}: {}", job.name, job.about);
        if let Err(error) = (job.run)() {
            println!("  FAILED: {error}");
            failed = true;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
