//! Autopay: `PUT /api/v1/bills/{id}/autopay` sets its terms, `DELETE` turns it off, `POST …/pause` pauses it or lets it go
//! on. `DELETE` and `POST` need an `Idempotency-Key`; setting the same terms again changes nothing.

pub use domain::autopay::{Autopay, AutopayAmount, AutopayState, AutopayTerms};
use serde::{Deserialize, Serialize};

use crate::security::OneTimeAddress;

/// `PUT /api/v1/bills/{id}/autopay`: one of the two is there.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AutopaySet {
    /// It is on with these terms.
    pub set: Option<Autopay>,
    /// A passkey has to be shown there first. Until then everything stays as it was.
    pub approve_at: Option<OneTimeAddress>,
}

/// `POST /api/v1/bills/{id}/autopay/pause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AutopayPause {
    /// False: it goes on with the same terms.
    pub paused: bool,
}
