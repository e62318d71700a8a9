//! Where a person can be written to. `GET /api/v1/security/addresses` lists them; `POST` begins to add one under an id that
//! the caller makes: its owner says yes on the server's page, and a code is sent there. Where the account has nothing to
//! show for it, that is done at once. `POST …/{id}/code` sends another, `POST …/{id}/confirm` takes the code, and
//! `DELETE …/{id}` removes the address. A changed address is a new one and the old one removed.

use domain::addresses::{AddressKind, AddressState, Language};
use domain::ids::AddressId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An address as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Address {
    pub id: AddressId,
    pub kind: AddressKind,
    pub value: String,
    #[serde(flatten)]
    pub state: AddressState,
    #[schema(value_type = String, format = "date-time")]
    pub added_at: Timestamp,
}

/// `GET /api/v1/security/addresses`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AddressList {
    /// Oldest first.
    pub items: Vec<Address>,
    /// Whether this server sends e-mail. Without it no address can be confirmed.
    pub sends_email: bool,
    /// Whether it sends text messages.
    pub sends_texts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AddAddress {
    /// Made by the caller: adding it again changes nothing.
    pub id: AddressId,
    pub kind: AddressKind,
    pub value: String,
    /// From now on the person is written to in this language.
    #[serde(default)]
    pub language: Language,
}

/// The digits that came in a message.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TypedCode {
    pub code: String,
}
