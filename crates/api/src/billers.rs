//! The directory: `GET /api/v1/billers` is a `SignedDirectory`, the same for everyone on a server. `PUT` and `DELETE
//! /api/v1/billers/{id}` keep a biller that the person added, which comes with the feed; each needs an `Idempotency-Key`.

pub use domain::billers::{Accepts, Biller, OwnBiller, SignedDirectory};
