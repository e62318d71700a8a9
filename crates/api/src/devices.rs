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
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeviceList {
    pub items: Vec<Device>,
}
