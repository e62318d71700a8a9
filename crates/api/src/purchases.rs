//! What merchants may call, with client credentials (RFC 6749, 4.4) and DPoP (RFC 9449).
//!
//! - `POST /merchant/v1/token` gives a token for five minutes, bound to the key of its proof.
//! - `POST /merchant/v1/cards` exchanges a person's code for a token of their card, which is good for this merchant alone.
//! - `PUT /merchant/v1/purchases/{id}` asks a card for an amount, `PUT …/captures/{step}` takes some of what is held,
//!   `POST …/void` gives the rest back, `PUT …/refunds/{step}` pays back what was captured, `GET` says how it stands.
//!
//! Ids are made by the merchant: sent again, a call is done once and answered with how the purchase stands.

use domain::ids::PurchaseId;
use domain::money::Money;
pub use domain::purchases::Decline;
pub use domain::rewards::PurchaseCategory;
use serde::{Deserialize, Serialize};

pub const TOKEN_PATH: &str = "/merchant/v1/token";

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MerchantTokenRequest {
    /// `client_credentials`.
    pub grant_type: String,
    pub client_id: String,
    pub client_secret: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MerchantToken {
    pub access_token: String,
    /// `DPoP`.
    pub token_type: String,
    /// Seconds.
    pub expires_in: u32,
}

/// The code that a person made for their card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LinkCard {
    pub code: String,
}

/// What the merchant keeps in the place of a card's number. It is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CardToken {
    pub card_token: String,
}

/// Asks a card for an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Authorize {
    pub card_token: String,
    pub amount: Money,
    /// 1 to 120 characters, as it stands on the statement.
    pub description: String,
    /// What is bought; it decides what the person earns, and nothing else.
    #[serde(default)]
    pub category: PurchaseCategory,
}

/// Takes some of what is held, as goods leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Capture {
    pub amount: Money,
    /// Nothing more will be captured: the rest is given back.
    #[serde(default)]
    pub last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Refund {
    pub amount: Money,
}

/// How a purchase stands. Nothing of the card or its holder is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PurchaseState {
    pub id: PurchaseId,
    pub approved: bool,
    pub declined: Option<Decline>,
    pub held: Money,
    pub captured: Money,
    pub refunded: Money,
}
