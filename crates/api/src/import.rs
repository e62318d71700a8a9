//! Import of another issuer's lines: `POST /api/v1/import`, in chunks. The client matched and made the ids; sending a
//! chunk again changes nothing.

use domain::accounts::{Account, Transaction};
use domain::ids::{MutationId, TransactionId};
use serde::{Deserialize, Serialize};

/// At most so many transactions in one chunk.
pub const CHUNK_MAX: usize = 5_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportChunk {
    pub id: MutationId,
    /// Linked accounts to create, or whose balance and issuer figures are newer.
    pub accounts: Vec<Account>,
    pub transactions: Vec<Transaction>,
    /// Pending lines that a posted one replaced.
    pub replaced: Vec<TransactionId>,
}

/// The server's answer: `known` were there already, by id or by (account, source).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Imported {
    pub new: u32,
    pub known: u32,
    pub replaced: u32,
}
