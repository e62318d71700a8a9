//! Wallets of the cards of this device's account: what was put by, reloading it, and whether charges are paid from it first.

use domain::accounts::Account;
use domain::ids::{AccountId, MutationId, TransactionId};
use domain::money::Money;
use domain::wallet::{Wallet, WalletMove, reloads};
use serde::Serialize;

use crate::cache::{accounts, wallet};
use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Method, Sending};

/// What was put by on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct WalletView {
    pub card: AccountId,
    pub card_name: String,
    pub balance: Money,
    /// Each charge is paid from it first.
    pub at_checkout: bool,
    /// What a reload may be now, as far as the wallet goes; absent while it is too full for one.
    pub reload_least: Option<Money>,
    pub reload_most: Option<Money>,
    /// The newest first.
    pub recent: Vec<WalletMove>,
}

/// Wallets of this device's account.
#[derive(Clone)]
pub struct Wallets(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn wallets(&self) -> Wallets {
        Wallets(self.clone())
    }
}

impl Wallets {
    /// Of each card that the server issues, in the order in which they were opened.
    pub async fn list(&self) -> Result<Vec<WalletView>, ClientError> {
        let (all, kept) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                Ok((accounts::all(db).await?, wallet::all(db).await?))
            })
            .await?;
        Ok(all.iter().filter(|account| account.card.is_some()).map(|account| view(account, &kept)).collect())
    }

    /// Reloads with so much from the card: it is there once this answers.
    pub async fn reload(&self, card: AccountId, amount: Money) -> Result<(), ClientError> {
        let wish = api::wallet::ReloadWallet { id: self.0.fresh(TransactionId::new), amount };
        let path = format!("/api/v1/cards/{card}/wallet");
        self.0.call(Method::Post, &path, self.once(Sending::json(&wish)?)).await?;
        self.0.sync().now().await
    }

    /// Whether each charge is paid from it first.
    pub async fn set_at_checkout(&self, card: AccountId, on: bool) -> Result<(), ClientError> {
        let wish = api::wallet::WalletAtCheckout { on };
        let path = format!("/api/v1/cards/{card}/wallet/checkout");
        self.0.call(Method::Put, &path, self.once(Sending::json(&wish)?)).await?;
        self.0.sync().now().await
    }

    fn once(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}

/// A card of which nothing was put by yet has an empty one.
fn view(account: &Account, kept: &[Wallet]) -> WalletView {
    let found = kept.iter().find(|one| one.card == account.id);
    let balance = found.map_or(Money::zero(account.currency), |one| one.balance);
    let (reload_least, reload_most) = reloads(balance).unzip();
    WalletView {
        card: account.id,
        card_name: account.name.clone(),
        balance,
        at_checkout: found.is_some_and(|one| one.at_checkout),
        reload_least,
        reload_most,
        recent: found.map_or_else(Vec::new, |one| one.recent.clone()),
    }
}

#[cfg(test)]
mod tests {
    use api::sync::Record;
    use domain::accounts::Keeping;
    use domain::purchases::{CardStatus, ServedCard};
    use domain::wallet::WalletMoveKind;
    use jiff::Timestamp;

    use super::*;
    use crate::client::lock;
    use crate::server_tests::{card, signed_in, start_fake};
    use crate::testing::{World, day, usd};

    #[tokio::test]
    async fn each_served_card_has_a_wallet_which_follows_the_feed() {
        let (world, fake) = (World::new(), start_fake().await);
        let served = ServedCard {
            status: CardStatus::Active,
            status_at: Timestamp::UNIX_EPOCH,
            limit: usd("500"),
            rewards_at_checkout: false,
            merchants: Vec::new(),
            minimum_left: None,
            asked: Vec::new(),
        };
        let account = Account { keeping: Keeping::Served, card: Some(served), ..card() };
        lock(&fake).snapshot = vec![Record::Account(account)];
        let client = signed_in(&world, &fake).await;
        client.sync().now().await.unwrap();
        let only = async || client.wallets().list().await.unwrap().remove(0);
        assert_eq!((only().await.balance, only().await.at_checkout), (usd("0"), false));
        assert_eq!(only().await.reload_most, Some(usd("500")));
        let reload = WalletMove {
            id: TransactionId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            kind: WalletMoveKind::Reload,
            amount: usd("999"),
            description: String::new(),
            on: day("2026-11-10"),
        };
        let wallet = Wallet { card: card().id, balance: usd("999"), at_checkout: true, recent: vec![reload] };
        lock(&fake).feed.push(Record::Wallet(wallet));
        client.sync().now().await.unwrap();
        let view = only().await;
        assert_eq!((view.balance, view.at_checkout, view.recent.len()), (usd("999"), true, 1));
        assert_eq!(view.reload_most, None, "it is too full for a reload");
        world.end().await;
    }
}
