//! Wallets of the cards of this device's account: what was put by, reloading it by hand or by itself, and whether charges are
//! paid from it first.

use domain::accounts::Account;
use domain::ids::{AccountId, MutationId, TransactionId};
use domain::money::{Money, MoneyError};
use domain::purchases::CardStatus;
use domain::wallet::auto_reload::{AutoReload, AutoReloadLimits, AutoReloadTerms};
use domain::wallet::{Wallet, WalletMoved, reloads};
use serde::Serialize;

use crate::cache::{accounts, wallet};
use crate::client::{Client, Open};
use crate::error::ClientError;
use crate::http::{Method, Sending};
use crate::pages::{self, PageQuery};
use crate::security::VisitStarted;
use crate::unanswered::Deed;

/// What was put by on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct WalletView {
    pub card: AccountId,
    pub card_name: String,
    pub status: CardStatus,
    /// What may be spent.
    pub balance: Money,
    /// Beside it: reserved for purchases that are not captured.
    pub held: Money,
    /// Each charge is paid from it first.
    pub at_checkout: bool,
    /// What a reload may be now, as far as wallet and card go; absent while there can be none.
    pub reload_least: Option<Money>,
    pub reload_most: Option<Money>,
    /// Why there can be none.
    pub no_reload: Option<NoReload>,
    /// It is reloaded by itself.
    pub auto_reload: Option<AutoReload>,
    /// What the terms of that may say.
    pub auto_limits: AutoReloadLimits,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct WalletMovePage {
    /// Newest first.
    pub items: Vec<WalletMoved>,
    pub next: Option<String>,
}

/// Why a wallet cannot be reloaded now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum NoReload {
    /// The card is lost or closed: for good.
    CardOver,
    CardFrozen,
    WalletFull,
    /// The card has too little credit left for the least reload.
    CreditUsed,
}

/// What came of setting the terms of an automatic reload: they count, or a passkey has to be shown first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AutoReloadSetView {
    pub on: bool,
    pub visit: Option<VisitStarted>,
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
        let views = all.iter().filter_map(|account| view(account, &kept).transpose());
        views.collect::<Result<_, MoneyError>>().map_err(|_| out_of_range())
    }

    /// What moved in a card's wallet, newest first, by pages.
    pub async fn moves(&self, card: AccountId, query: PageQuery) -> Result<WalletMovePage, ClientError> {
        let (limit, behind) = (query.limit(), query.place()?);
        let rows = pages::rows_for(limit);
        let read = async |open: &Open| wallet::newest_moves(open.cache.readers(), card, behind, rows).await;
        let (items, next) = pages::cut(self.0.with(read).await?, limit, |one| wallet::place(one).to_mark());
        Ok(WalletMovePage { items, next })
    }

    /// Reloads with so much from the card: it is there once this answers, and once however often the same `id` is sent.
    pub async fn reload(&self, card: AccountId, amount: Money, id: Option<TransactionId>) -> Result<(), ClientError> {
        self.0.do_once(Deed::WalletReload, card, amount, id).await
    }

    /// Whether each charge is paid from it first.
    pub async fn set_at_checkout(&self, card: AccountId, on: bool) -> Result<(), ClientError> {
        let wish = api::wallet::WalletAtCheckout { on };
        let path = format!("/api/v1/cards/{card}/wallet/checkout");
        self.0.call(Method::Put, &path, self.once(Sending::json(&wish)?)).await?;
        self.0.sync().soon().await;
        Ok(())
    }

    /// Lets it be reloaded by itself on these terms.
    pub async fn set_auto_reload(
        &self,
        card: AccountId,
        terms: AutoReloadTerms,
        open_browser: bool,
    ) -> Result<AutoReloadSetView, ClientError> {
        let answer = self.0.call(Method::Put, &auto_path(card), Sending::json(&terms)?).await?;
        let answer: api::wallet::AutoReloadSet = answer.json().await?;
        let visit = match answer.approve_at {
            Some(address) => Some(self.0.security().in_browser(address, open_browser).await?),
            None => None,
        };
        self.0.sync().soon().await;
        Ok(AutoReloadSetView { on: answer.set.is_some(), visit })
    }

    /// Nothing is reloaded by itself once this answers.
    pub async fn end_auto_reload(&self, card: AccountId) -> Result<(), ClientError> {
        self.0.call(Method::Delete, &auto_path(card), self.once(Sending::default())).await?;
        self.0.sync().soon().await;
        Ok(())
    }

    fn once(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}

fn out_of_range() -> ClientError {
    ClientError::refused("invalid_amount", "the amounts of this wallet are too large", "look at its figures")
}

fn auto_path(card: AccountId) -> String {
    format!("/api/v1/cards/{card}/wallet/auto-reload")
}

/// A card of which nothing was put by yet has an empty one.
/// None of an account that is no card of the server.
fn view(account: &Account, kept: &[Wallet]) -> Result<Option<WalletView>, MoneyError> {
    let Some(card) = &account.card else { return Ok(None) };
    let found = kept.iter().find(|one| one.card == account.id);
    let balance = found.map_or(Money::zero(account.currency), |one| one.balance);
    let held = found.and_then(|one| one.held).unwrap_or(Money::zero(account.currency));
    let may = may_reload(card.status, balance.plus(held)?, account.available);
    let (reload_least, reload_most) = may.ok().unzip();
    Ok(Some(WalletView {
        card: account.id,
        card_name: account.label(),
        status: card.status,
        balance,
        held,
        at_checkout: found.is_some_and(|one| one.at_checkout),
        reload_least,
        reload_most,
        no_reload: may.err(),
        auto_reload: found.and_then(|one| one.auto_reload),
        auto_limits: AutoReloadLimits::of(account.currency)?,
    }))
}

/// From the least to the most that a wallet with so much in it may be reloaded with. The server decides in the end.
fn may_reload(status: CardStatus, there: Money, credit_left: Option<Money>) -> Result<(Money, Money), NoReload> {
    match status {
        CardStatus::Lost | CardStatus::Closed => return Err(NoReload::CardOver),
        CardStatus::Frozen => return Err(NoReload::CardFrozen),
        CardStatus::Active => {}
    }
    let (least, most) = reloads(there).ok_or(NoReload::WalletFull)?;
    let most = credit_left.filter(|left| left.minor() < most.minor()).unwrap_or(most);
    if most.minor() < least.minor() { Err(NoReload::CreditUsed) } else { Ok((least, most)) }
}

#[cfg(test)]
mod tests {
    use api::sync::Record;
    use domain::accounts::Keeping;
    use domain::purchases::{Decline, ServedCard};
    use domain::wallet::auto_reload::{AutoReloadWaits, ReloadedBecause};
    use domain::wallet::{WalletMove, WalletMoveKind};
    use jiff::Timestamp;

    use super::*;
    use crate::client::lock;
    use crate::server_tests::{card, signed_in, start_fake};
    use crate::testing::{World, day, usd};

    #[test]
    fn a_reload_is_offered_as_far_as_card_and_wallet_take_it() {
        let may = |status, there, left: Option<&str>| may_reload(status, usd(there), left.map(usd));
        let active = CardStatus::Active;
        assert_eq!(may(active, "0", None), Ok((usd("5"), usd("500"))));
        assert_eq!(may(active, "0", Some("40")), Ok((usd("5"), usd("40"))), "no more than the credit that is left");
        assert_eq!(may(active, "900", Some("900")), Ok((usd("5"), usd("100"))));
        assert_eq!(may(active, "0", Some("4.99")), Err(NoReload::CreditUsed));
        assert_eq!(may(active, "999", Some("500")), Err(NoReload::WalletFull));
        assert_eq!(may(CardStatus::Frozen, "0", Some("500")), Err(NoReload::CardFrozen));
        for over in [CardStatus::Lost, CardStatus::Closed] {
            assert_eq!(may(over, "0", Some("500")), Err(NoReload::CardOver));
        }
    }

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
            statement_left: None,
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
            because: Some(ReloadedBecause { had: usd("0"), below: usd("20") }),
            on: day("2026-11-10"),
        };
        let terms = AutoReloadTerms { below: usd("20"), amount: usd("50"), month_most: usd("200") };
        let waits = AutoReloadWaits { declined: Some(Decline::Frozen), until: Timestamp::UNIX_EPOCH };
        let auto_reload = Some(AutoReload { terms, waits: Some(waits) });
        let wallet = Wallet {
            card: card().id,
            balance: usd("900"),
            held: Some(usd("99")),
            at_checkout: true,
            auto_reload,
            recent: vec![reload.clone()],
        };
        let moved = |second: i64, id: u8| WalletMoved {
            card: card().id,
            at: Timestamp::from_second(second).unwrap(),
            what: WalletMove { id: TransactionId::new(Timestamp::UNIX_EPOCH, [id; 10]), ..reload.clone() },
        };
        // Two of one moment among them.
        let moves: Vec<WalletMoved> = [(9, 1), (7, 3), (7, 2), (5, 4)].map(|(at, id)| moved(at, id)).into();
        lock(&fake).feed.push(Record::Wallet(wallet));
        lock(&fake).feed.extend(moves.iter().rev().cloned().map(Record::WalletMove));
        client.sync().now().await.unwrap();
        let view = only().await;
        assert_eq!((view.balance, view.held), (usd("900"), usd("99")));
        assert!(view.at_checkout);
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let query = PageQuery { limit: Some(2), after };
            let page = client.wallets().moves(card().id, query).await.unwrap();
            read.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(read, moves, "page by page all of them, the newest first");
        assert_eq!(view.reload_most, None, "it is too full for a reload");
        assert_eq!(view.auto_reload, auto_reload);
        assert_eq!((view.auto_limits.least, view.auto_limits.month_most), (usd("5"), usd("2000")));
        world.end().await;
    }
}
