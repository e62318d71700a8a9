//! Disputes of charges on cards of this server; each is a record of its own (`Record::Dispute`).
//!
//! - `PUT /api/v1/disputes/{id}` disputes a charge: it is given back until it is decided. The id was made by the device.
//! - `POST /api/v1/disputes/{id}/withdraw` takes it back: it is owed again.

pub use domain::disputes::{Dispute, DisputeDecision, DisputeOutcome, DisputeReason, DisputeWish};
