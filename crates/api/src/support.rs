//! Support: `POST /api/v1/support/checks` proves whoever calls by the code that they read out, `…/{id}/answer` lets them
//! see something or not, `GET /api/v1/support` shows who sees what and every case, `DELETE /api/v1/support/views/{id}`
//! closes a view early.

use domain::ids::{SupportCheckId, SupportRequestId, SupportViewId};
use domain::support::{SupportCaseKind, SupportOperation, SupportScope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The code that somebody on the telephone reads out.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SupportCode {
    /// Eight digits; spaces between them do not count.
    pub code: String,
}

/// The code is support's own: who they are and what they ask to see. Nothing is shown to them yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SupportCheck {
    pub id: SupportCheckId,
    pub agent: String,
    pub scope: SupportScope,
    /// How many minutes they would see it.
    pub minutes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SupportAnswer {
    pub allow: bool,
}

/// What somebody of support sees just now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SupportView {
    pub id: SupportViewId,
    pub agent: String,
    pub scope: SupportScope,
    #[schema(value_type = String, format = "date-time")]
    pub began_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    pub ends_at: Timestamp,
}

/// What one of them asked for and another one decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SupportRequest {
    pub id: SupportRequestId,
    pub operation: SupportOperation,
    pub asked_by: String,
    #[schema(value_type = String, format = "date-time")]
    pub asked_at: Timestamp,
    pub decided_by: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub decided_at: Option<Timestamp>,
    pub granted: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SupportCase {
    /// What both sides call it by.
    pub number: i64,
    pub kind: SupportCaseKind,
    #[schema(value_type = String, format = "date-time")]
    pub opened_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub closed_at: Option<Timestamp>,
    /// Newest first.
    pub requests: Vec<SupportRequest>,
}

/// `GET /api/v1/support`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Support {
    pub views: Vec<SupportView>,
    /// Newest first.
    pub cases: Vec<SupportCase>,
}
