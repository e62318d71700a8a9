//! Risk: `GET /api/v1/risk/decisions` lists what was unusual about the account lately, with the reasons and their points.
//! The reasons are codes; words for people live in the UI.

use domain::ids::{DecisionId, DeviceId};
use domain::risk::{RiskOccasion, RiskPoint, RiskVerdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::devices::CoarsePlace;

/// One answer of the risk score that was not nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RiskDecision {
    pub id: DecisionId,
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// When the same was found again.
    #[schema(value_type = String, format = "date-time")]
    pub last_at: Timestamp,
    pub occasion: RiskOccasion,
    pub device: Option<DeviceId>,
    pub place: Option<CoarsePlace>,
    /// Which weights were used.
    pub version: u32,
    pub score: u32,
    pub verdict: RiskVerdict,
    /// Heaviest first; they add up to the score.
    pub reasons: Vec<RiskPoint>,
    /// The entry of the security log that asks about it.
    pub event: Option<i64>,
    /// What the person said.
    pub mine: Option<bool>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RiskDecisionList {
    /// Newest first.
    pub items: Vec<RiskDecision>,
    /// This server has a database of places.
    pub places_known: bool,
}
