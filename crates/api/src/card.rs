//! Cards that the account server issues. A card is an account of the feed whose `card` is there, and each purchase on it
//! is a record of its own (`Record::Purchase`).
//!
//! - `PUT /api/v1/cards/{id}` opens a card of practice money, where the server is its owner's own.
//! - `POST /api/v1/cards/{id}/status` freezes a card, reports it lost, or takes a freeze back.
//! - `POST /api/v1/cards/{id}/codes` makes the code that a merchant gets in the place of a card's number;
//!   `DELETE /api/v1/cards/{id}/merchants/{merchant}` ends what the merchant got for it.
//! - `PUT /api/v1/cards/{id}/plans/{plan}` puts a purchase on a plan.
//! - `POST /api/v1/cards/{id}/credit` moves what a card is in credit by to where its person can use it.

pub use domain::card::PlanOffer;
use domain::ids::{AccountId, PurchaseId, TransactionId};
use domain::money::Money;
pub use domain::purchases::{CardStatus, Decline, LinkedMerchant, Purchase, ServedCard};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::security::OneTimeAddress;

/// Opens a card of practice money. Its id was made by the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OpenCard {
    /// 1 to 120 characters.
    pub name: String,
    pub limit: Money,
    /// Day of the month on which a cycle closes, 1 to 28.
    pub closing_day: u8,
}

/// Freezing and reporting lost take effect with the answer, 204. Taking a freeze back may ask for a passkey first: the
/// answer is then 200 with the address for the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetStatus {
    pub status: CardStatus,
}

/// Puts a purchase on a plan, before the statement with it closes. The plan's id was made by the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChoosePlan {
    pub purchase: PurchaseId,
    pub offer: PlanOffer,
}

/// `POST /api/v1/cards/{id}/credit`: all that may be moved of it. The id was made by the device and is its key for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MoveCredit {
    pub id: TransactionId,
    /// Another card that is in use, in the same currency; absent: the account that payments leave from.
    #[serde(default)]
    pub to: Option<AccountId>,
}

/// So much was moved: what a dispute gave back until it is decided stays, and what purchases are approved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreditMoved {
    pub amount: Money,
}

/// What a person gives a merchant in the place of a card's number: good once, for a few minutes, and shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LinkCode {
    pub code: String,
    #[schema(value_type = String, format = "date-time")]
    pub ends_at: Timestamp,
    /// The code counts once a passkey was shown there; absent: it counts already.
    pub approve: Option<OneTimeAddress>,
}
