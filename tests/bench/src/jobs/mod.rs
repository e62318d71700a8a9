//! The list of jobs, one file each.

mod autopay;
mod closes;
mod dates;
mod hidden;
mod import;
mod parse;
mod payments;
mod purchases;
mod queries;
mod recurring;
mod sign_ins;
mod signatures;
mod statements;
pub mod streams;
mod sync;
mod window;

pub struct Job {
    pub name: &'static str,
    pub about: &'static str,
    pub run: fn() -> Result<(), String>,
}

pub const ALL: &[Job] = &[
    Job { name: "parse", about: "P1, OFX 1.02 to checked records against one pass over the bytes", run: parse::run },
    Job {
        name: "import",
        about: "P3 and P4, file to committed encrypted cache, and the same file again",
        run: import::run,
    },
    Job {
        name: "queries",
        about: "P6, first screens at a million lines against prepared statements",
        run: queries::run,
    },
    Job { name: "sync", about: "P8, the first sync of a new device against fetching and bare loading", run: sync::run },
    Job {
        name: "payments",
        about: "P12, the payment API with proofs against a bare loop of one payment a commit",
        run: payments::run,
    },
    Job {
        name: "payments_postgres",
        about: "P13, the payment API on PostgreSQL against one payment a statement of pgbench",
        run: payments::run_on_postgres,
    },
    Job {
        name: "autopay",
        about: "P15, a night of payments by themselves against a bare loop, and how it grows",
        run: autopay::run,
    },
    Job {
        name: "purchases",
        about: "purchases of 64 cards over HTTP against a bare loop of one purchase a commit",
        run: purchases::run,
    },
    Job {
        name: "closes",
        about: "a night of closings of cards' cycles against a bare loop of the same statements",
        run: closes::run,
    },
    Job {
        name: "statements",
        about: "P16, a statement of 40 lines as a tagged PDF against a bare prototype and its peers",
        run: statements::run,
    },
    Job {
        name: "signatures",
        about: "P14, proof and token of a call against two bare verifications",
        run: signatures::run,
    },
    Job {
        name: "sign_ins",
        about: "sign-ins by passkey and refreshes against bare verifications and statements",
        run: sign_ins::run,
    },
    Job {
        name: "streams",
        about: "P18, five thousand open event streams against the plainest that axum gives",
        run: streams::run,
    },
    Job { name: "dates", about: "P17, due dates against integers, and a plan of 5,000 occurrences", run: dates::run },
    Job { name: "recurring", about: "recurring bills found in 200 labelled households", run: recurring::run },
    Job { name: "hidden", about: "how often the locked app in the tray wakes, and what it takes", run: hidden::run },
    Job { name: "window", about: "P10 and P11, start and memory of the app against a bare page", run: window::run },
];

/// Transactions in the large file.
pub const LARGE: usize = 100_000;

/// Transactions in the largest cache.
pub const MILLION: usize = 1_000_000;
