//! Payment methods. `POST /api/v1/methods` answers with the address of the page on which the number is typed; what is left
//! of it comes back in the feed. `PATCH` and `DELETE /api/v1/methods/{id}` need an `Idempotency-Key`; `POST …/replace`
//! moves everything that leaves from one method to another.

use domain::ids::MethodId;
pub use domain::methods::{Expiry, Method, MethodKind};
use serde::{Deserialize, Serialize};

use crate::security::OneTimeAddress;

/// `POST /api/v1/methods`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AddMethod {
    pub id: MethodId,
    pub kind: MethodKind,
}

/// `PATCH /api/v1/methods/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MethodEdit {
    /// At most one method is offered first; another one stops being it.
    pub is_default: bool,
}

/// `POST /api/v1/methods/{id}/replace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReplaceMethod {
    pub with: MethodId,
}

/// One of the two is there.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MethodReplaced {
    /// It is done.
    pub done: Option<Replaced>,
    /// A passkey has to be shown there first.
    pub approve_at: Option<OneTimeAddress>,
}

/// What moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Replaced {
    pub payments: u32,
    /// Bills that are paid by themselves.
    #[serde(default)]
    pub autopays: u32,
    /// The old method is gone: nothing that it began is under way.
    pub removed: bool,
}
