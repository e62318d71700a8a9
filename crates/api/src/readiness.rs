//! What stands between a person and paying: `GET /api/v1/payments/ready`. `PUT /api/v1/terms/accepted` accepts the
//! server's terms.

pub use domain::readiness::{Checked, Met, Prerequisite};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Every prerequisite, in the order in which they are put right.
    pub items: Vec<Checked>,
    /// Absent: this server has none.
    pub terms: Option<Terms>,
}

/// What whoever runs the server asks its people to accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Terms {
    /// As whoever wrote them names it.
    pub version: String,
    /// Where they are read.
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AcceptTerms {
    /// The one that was read.
    pub version: String,
}
