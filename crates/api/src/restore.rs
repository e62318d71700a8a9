//! Putting back what an archive of everything holds: `POST /api/v1/restore`, in parts. Accounts and their lines come first, by
//! `POST /api/v1/import`; here come own billers, bills, what was said about their dates, answers to reminders and suggestions,
//! incomes and the wishes for the plan. What is there already stays as it is; what was removed since comes back. Everything
//! else of an archive is history: no payment is ever made of it.

use serde::{Deserialize, Serialize};

use crate::sync::Record;

/// At most so many records in one part.
pub const PART_MAX: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RestorePart {
    /// A bill stands before what is said about it, in this part or an earlier one.
    pub records: Vec<Record>,
}

/// The server's answer: `known` were there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Restored {
    pub new: u32,
    pub known: u32,
}
