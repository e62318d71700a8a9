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
    /// Each record is taken or refused by itself; otherwise one that is refused refuses all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each: bool,
}

/// The server's answer: `known` were there already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Restored {
    pub new: u32,
    pub known: u32,
    /// Where each record was to be taken by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefusedRecord {
    /// Its place in the part, from 0.
    pub at: u32,
    /// As in problem details.
    pub code: String,
}
