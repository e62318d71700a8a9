//! The security log comes with the change feed (`Record::SecurityEvent`), so that every device keeps a copy of the chain.
//! `POST /api/v1/security/events/{number}/answer` answers "Was this you?". `/api/v1/security/passkeys` lists an account's
//! passkeys, names them, removes them, and begins the browser's visit that makes one more. `/api/v1/security/ways-in`
//! tells of the password and second factors; `/password` and `/factors` beside it change them.

use domain::ids::{FactorId, PasskeyId};
use domain::ways_in::{FactorKind, PasswordState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventAnswer {
    /// `false` signs out the device that the event is about.
    pub mine: bool,
}

/// A passkey of the account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passkey {
    pub id: PasskeyId,
    pub name: String,
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub last_used_at: Option<Timestamp>,
    /// It is kept in several places by whoever keeps it, so that losing one device does not lose it.
    pub synced: bool,
    /// It cannot be removed: nobody could sign in any more.
    #[serde(default)]
    pub last: bool,
}

/// `GET /api/v1/security/passkeys`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PasskeyList {
    /// Oldest first.
    pub items: Vec<Passkey>,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PasskeyName {
    /// 1 to 80 characters.
    pub name: String,
}

/// `GET /api/v1/security/ways-in`: what an account has beside its passkeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WaysIn {
    pub password: Option<Password>,
    /// Oldest first.
    pub factors: Vec<Factor>,
    /// Where a code goes beside the password while there is no authenticator app: the first of them.
    #[serde(default)]
    pub codes_to: Vec<CodesTo>,
}

/// A confirmed address as a second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CodesTo {
    pub kind: FactorKind,
    pub to: String,
}

/// The account's password, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Password {
    /// The account's name at sign-in.
    pub name: String,
    pub state: PasswordState,
    /// It stays a way in beside two passkeys.
    pub kept: bool,
    #[schema(value_type = String, format = "date-time")]
    pub changed_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub last_used_at: Option<Timestamp>,
    /// It cannot be removed: nobody could sign in any more.
    pub last: bool,
}

/// Something that is shown beside the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Factor {
    pub id: FactorId,
    pub kind: FactorKind,
    pub name: String,
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub last_used_at: Option<Timestamp>,
    /// It cannot be removed: nobody could sign in any more.
    pub last: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FactorName {
    /// 1 to 80 characters.
    pub name: String,
}

/// An address for the system's browser, good once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OneTimeAddress {
    pub address: String,
    pub expires_in: u32,
}
