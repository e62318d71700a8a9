//! The directory: `GET /api/v1/billers` is a `SignedDirectory`, the same for everyone on a server.

pub use domain::billers::{Accepts, Biller, SignedDirectory};
