//! What was unusual about the account lately, with the reasons: asked of the server, which works it out.

use domain::ids::{DecisionId, DeviceId, MutationId, PaymentId};
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
    /// The payment that it was about.
    pub payment: Option<PaymentId>,
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

/// Whether the rhythm in which the account name is typed is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RhythmView {
    pub on: bool,
    /// How often it was typed so far.
    pub known: u32,
    /// Before so often nothing is compared.
    pub needed: u32,
}

impl From<api::risk::TypingRhythm> for RhythmView {
    fn from(rhythm: api::risk::TypingRhythm) -> Self {
        Self { on: rhythm.on, known: rhythm.known, needed: rhythm.needed }
    }
}

const RHYTHM: &str = "/api/v1/risk/rhythm";

impl Client {
    pub async fn rhythm(&self) -> Result<RhythmView, ClientError> {
        let answer = self.call(Method::Get, RHYTHM, Sending::default()).await?;
        Ok(answer.json::<api::risk::TypingRhythm>().await?.into())
    }

    /// Turns it on, or off: then what was kept is forgotten.
    pub async fn set_rhythm(&self, on: bool) -> Result<RhythmView, ClientError> {
        let sending = Sending::json(&api::risk::SetTypingRhythm { on })?;
        let sending = Sending { idempotency: Some(self.fresh(MutationId::new)), ..sending };
        let answer = self.call(Method::Put, RHYTHM, sending).await?;
        Ok(answer.json::<api::risk::TypingRhythm>().await?.into())
    }

    pub async fn risk(&self) -> Result<RiskView, ClientError> {
        let answer = self.call(Method::Get, "/api/v1/risk/decisions", Sending::default()).await?;
        let list: api::risk::RiskDecisionList = answer.json().await?;
        let view = |decision: api::risk::RiskDecision| RiskDecisionView {
            id: decision.id,
            at: decision.at,
            last_at: decision.last_at,
            occasion: decision.occasion,
            device: decision.device,
            payment: decision.payment,
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
