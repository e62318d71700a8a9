//! The list of jobs, one file each.

mod import;
mod parse;

pub struct Job {
    pub name: &'static str,
    pub about: &'static str,
    pub run: fn() -> Result<(), String>,
}

pub const ALL: &[Job] = &[
    Job { name: "parse", about: "P1, OFX 1.02 to checked records against one pass over the bytes", run: parse::run },
    Job { name: "import", about: "P3 and P4, file to committed encrypted cache, and the same file again", run: import::run },
];

/// Transactions in the large file.
pub const LARGE: usize = 100_000;
