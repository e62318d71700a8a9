//! Rewards of cards of this server. Each is a record of the feed (`Record::Reward`), tied to the charge that earned it.
//!
//! - `POST /api/v1/cards/{id}/rewards` uses some: what is owed on the card is so much less.
//! - `PUT /api/v1/cards/{id}/rewards/checkout` says whether each charge uses what may be used by then.

use domain::ids::TransactionId;
use domain::money::Money;
pub use domain::rewards::{PurchaseCategory, Reward};
use serde::{Deserialize, Serialize};

/// `POST /api/v1/cards/{id}/rewards`. The id was made by the device and is its key for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UseRewards {
    pub id: TransactionId,
    /// Above zero, in the card's currency.
    pub amount: Money,
}

/// `PUT /api/v1/cards/{id}/rewards/checkout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RewardsAtCheckout {
    pub on: bool,
}
