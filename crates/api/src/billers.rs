//! The directory: `GET /api/v1/billers`, the same for everyone on a server.

pub use domain::billers::Biller;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BillerList {
    pub items: Vec<Biller>,
}
