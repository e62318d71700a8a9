//! The wallet of a card of this server: what its person put by, as a record of the feed (`Record::Wallet`), with each of its
//! moves as another (`Record::WalletMove`).
//!
//! - `POST /api/v1/cards/{id}/wallet` reloads it from the card, as a charge like any other.
//! - `PUT /api/v1/cards/{id}/wallet/checkout` says whether each charge is paid from it first.
//! - `PUT /api/v1/cards/{id}/wallet/auto-reload` lets it be reloaded by itself, `DELETE` ends that.

use domain::ids::TransactionId;
use domain::money::Money;
pub use domain::wallet::auto_reload::{AutoReload, AutoReloadTerms};
pub use domain::wallet::{Wallet, WalletMoved};
use serde::{Deserialize, Serialize};

use crate::security::OneTimeAddress;

/// `POST /api/v1/cards/{id}/wallet`. The id was made by the device and is its key for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReloadWallet {
    pub id: TransactionId,
    /// 5 to 500 whole units, in the card's currency, and never above a balance of 1,000.
    pub amount: Money,
}

/// `PUT /api/v1/cards/{id}/wallet/checkout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WalletAtCheckout {
    pub on: bool,
}

/// `PUT /api/v1/cards/{id}/wallet/auto-reload`: one of the two is there.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AutoReloadSet {
    /// It is reloaded by itself on these terms.
    pub set: Option<AutoReload>,
    /// A passkey has to be shown there first. Until then everything stays as it was.
    pub approve_at: Option<OneTimeAddress>,
}
