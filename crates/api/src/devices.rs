//! Devices: `GET /api/v1/devices`, `DELETE /api/v1/devices/{id}` signs one out (its tokens end at once).

use domain::ids::DeviceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Device {
    pub id: DeviceId,
    pub name: String,
    #[schema(value_type = String, format = "date-time")]
    pub added_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    pub last_seen_at: Timestamp,
    pub this_one: bool,
    /// Where it was last seen, where the server knows places.
    #[serde(default)]
    pub place: Option<CoarsePlace>,
}

/// A town or a country: no closer than a network tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CoarsePlace {
    /// ISO 3166, two letters.
    pub country: String,
    /// Its English name.
    pub city: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeviceList {
    pub items: Vec<Device>,
}
