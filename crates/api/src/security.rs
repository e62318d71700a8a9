//! The security log comes with the change feed (`Record::SecurityEvent`), so that every device keeps a copy of the chain.
//! `POST /api/v1/security/events/{number}/answer` answers "Was this you?".

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventAnswer {
    /// `false` signs out the device that the event is about.
    pub mine: bool,
}
