//! Statements: `GET /api/v1/statements`, `GET /api/v1/statements/{account}/{closed_on}.pdf` (`application/pdf`).

pub use domain::statements::StatementSummary;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementList {
    /// Newest first.
    pub items: Vec<StatementSummary>,
}
