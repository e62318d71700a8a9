//! Risk: `GET /api/v1/risk/decisions` lists what was unusual about the account lately, with the reasons and their points.
//! The reasons are codes; words for people live in the UI. `GET` and `PUT /api/v1/risk/rhythm`: whether the rhythm in which
//! the account name is typed at sign-in is looked at, which it is only when its owner turns it on.

use domain::ids::{DecisionId, DeviceId, PaymentId};
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
    /// The payment that it was about.
    #[serde(default)]
    pub payment: Option<PaymentId>,
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

/// `GET` and `PUT /api/v1/risk/rhythm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TypingRhythm {
    /// Times between keys are kept and compared.
    pub on: bool,
    /// How often it was typed so far.
    pub known: u32,
    /// Before so often nothing is compared.
    pub needed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetTypingRhythm {
    /// Off: what was kept is forgotten at once.
    pub on: bool,
}
