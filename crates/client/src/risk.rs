//! What was unusual about the account lately, with the reasons: asked of the server, which works it out.

use domain::ids::{DecisionId, DeviceId};
use domain::risk::{RiskOccasion, RiskPoint, RiskVerdict};
use jiff::Timestamp;
use serde::Serialize;

use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Method, Sending};

/// A town or a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CoarsePlaceView {
    /// ISO 3166, two letters.
    pub country: String,
    pub city: Option<String>,
}

impl From<api::devices::CoarsePlace> for CoarsePlaceView {
    fn from(place: api::devices::CoarsePlace) -> Self {
        Self { country: place.country, city: place.city }
    }
}

impl std::fmt::Display for CoarsePlaceView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.city {
            Some(city) => write!(f, "{city}, {}", self.country),
            None => f.write_str(&self.country),
        }
    }
}

/// One answer of the risk score that was not nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RiskDecisionView {
    pub id: DecisionId,
    #[specta(type = String)]
    pub at: Timestamp,
    #[specta(type = String)]
    pub last_at: Timestamp,
    pub occasion: RiskOccasion,
    pub device: Option<DeviceId>,
    pub place: Option<CoarsePlaceView>,
    pub score: u32,
    pub verdict: RiskVerdict,
    /// Heaviest first; they add up to the score.
    pub reasons: Vec<RiskPoint>,
    /// The entry of the security log that asks about it.
    pub event: Option<i64>,
    pub mine: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RiskView {
    /// Newest first.
    pub decisions: Vec<RiskDecisionView>,
    /// The server has a database of places.
    pub places_known: bool,
}

impl Client {
    pub async fn risk(&self) -> Result<RiskView, ClientError> {
        let answer = self.call(Method::Get, "/api/v1/risk/decisions", Sending::default()).await?;
        let list: api::risk::RiskDecisionList = answer.json().await?;
        let view = |decision: api::risk::RiskDecision| RiskDecisionView {
            id: decision.id,
            at: decision.at,
            last_at: decision.last_at,
            occasion: decision.occasion,
            device: decision.device,
            place: decision.place.map(Into::into),
            score: decision.score,
            verdict: decision.verdict,
            reasons: decision.reasons,
            event: decision.event,
            mine: decision.mine,
        };
        Ok(RiskView { decisions: list.items.into_iter().map(view).collect(), places_known: list.places_known })
    }
}
