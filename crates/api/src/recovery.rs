//! Getting back into an account. Without a device it happens on the server's own pages; from a device that is still signed
//! in under `/api/v1/security/recovery`: `GET` says how far it is, `POST …/email` and
//! `POST …/text` send a code, `POST` begins by one of
//! the two codes, `DELETE` stops it from any device, `POST …/passkey` gives the address of the new way in when the wait
//! is over, and `POST …/code` the one at which a new saved code is made.

use domain::addresses::AddressKind;
use domain::ids::CodeId;
use domain::recovery::RecoveryState;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/security/recovery`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecoveryView {
    #[serde(flatten)]
    pub state: RecoveryState,
    /// This device began it, and finishes it.
    pub begun_here: bool,
    /// When the saved code was made; none when there is none.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub code_made_at: Option<Timestamp>,
    /// It was guessed at too often, and is good for nothing any more.
    pub code_spent: bool,
    /// The address that a code would go to, mostly covered; none when there is none that can be used.
    pub email: Option<String>,
    /// The telephone that a code would go to as a text message, mostly covered; none when there is none that can be used.
    #[serde(default)]
    pub phone: Option<String>,
}

/// A code that was sent, if not too many were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SentCode {
    pub id: CodeId,
    pub kind: AddressKind,
    /// Where to, mostly covered.
    pub to: String,
}

/// What stands beside the device.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum RecoveryProof {
    /// The code of the recovery sheet.
    Saved { code: String },
    /// The digits that were sent.
    Sent { id: CodeId, code: String },
}
