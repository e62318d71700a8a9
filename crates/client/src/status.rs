//! Who is signed in, where the account lives, what protects it and how fresh it is.

use jiff::Timestamp;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct StatusView {
    pub phase: Phase,
    /// The person's own name for themselves.
    pub name: Option<String>,
    pub place: Option<Place>,
    pub signed_in: bool,
    pub locked: bool,
    pub protected_by: Option<Protection>,
    /// The last answer from the server was good.
    pub online: bool,
    #[specta(type = Option<String>)]
    pub synced_at: Option<Timestamp>,
    /// Changes kept here that the server does not have yet.
    pub waiting: u32,
    /// Payments move practice money only.
    pub practice_money: bool,
    /// Occurrences that need the person: late, or due within 7 days without a payment on its way.
    pub needs_you: u32,
    pub overdue: u32,
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No account on this computer yet.
    Welcome,
    Locked,
    Ready,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// The account server runs inside the app.
    ThisComputer,
    Server { url: String, name: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Keys in the system's keyring.
    Keyring,
    Passphrase,
    /// Nothing is kept: sign in at each start.
    Memory,
}
