//! Rewards of the cards of this device's account: what each charge earned, what may be used, and using it.

use domain::accounts::Account;
use domain::ids::{AccountId, MutationId, TransactionId};
use domain::money::{Money, MoneyError};
use domain::purchases::CardStatus;
use domain::rewards::{Reward, RewardState, totals};
use jiff::civil::Date;
use serde::Serialize;

use crate::bills::amount_refused;
use crate::cache::{accounts, rewards};
use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Method, Sending};
use crate::unanswered::Deed;

/// What a card's charges earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RewardsView {
    pub card: AccountId,
    pub card_name: String,
    pub status: CardStatus,
    /// Not yet to be used: what is returned meanwhile earns nothing.
    pub pending: Money,
    pub available: Money,
    /// Of what is available: it expires within a month.
    pub expiring: Money,
    /// The first day after which some of that is gone.
    #[specta(type = Option<String>)]
    pub expires_after: Option<Date>,
    /// Used before its charge was refunded: the next rewards pay it first.
    pub owed: Money,
    /// What may be used now: never more than is owed on the card apart from plans.
    pub usable: Money,
    /// Each charge uses what may be used by then.
    pub at_checkout: bool,
    /// What may be used, the first to expire first, then the rest with the newest charge first; at most 200.
    pub items: Vec<RewardView>,
    /// How many there are in all.
    pub items_count: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RewardView {
    pub reward: Reward,
    pub state: RewardState,
    /// What is left of it; below zero when more was taken back than was left.
    pub left: Money,
    pub expires_soon: bool,
}

const SHOWN_MAX: usize = 200;

/// Rewards of this device's account.
#[derive(Clone)]
pub struct Rewards(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn rewards(&self) -> Rewards {
        Rewards(self.clone())
    }
}

impl Rewards {
    /// Of each card that the server issues, in the order in which they were opened.
    pub async fn list(&self) -> Result<Vec<RewardsView>, ClientError> {
        let (all, earned) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                Ok((accounts::all(db).await?, rewards::all(db).await?))
            })
            .await?;
        let today = self.0.today();
        let views = all.iter().filter_map(|account| view(account, &earned, today).transpose());
        views.collect::<Result<_, MoneyError>>().map_err(|_| amount_refused())
    }

    /// Uses so much: what is owed on the card is less once this answers, and once however often the same `id` is sent.
    pub async fn use_now(&self, card: AccountId, amount: Money, id: Option<TransactionId>) -> Result<(), ClientError> {
        self.0.do_once(Deed::RewardsUse, card, amount, id).await
    }

    /// Whether each charge uses what may be used by then.
    pub async fn set_at_checkout(&self, card: AccountId, on: bool) -> Result<(), ClientError> {
        let wish = api::rewards::RewardsAtCheckout { on };
        let path = format!("/api/v1/cards/{card}/rewards/checkout");
        self.0.call(Method::Put, &path, self.once(Sending::json(&wish)?)).await?;
        self.0.sync().soon().await;
        Ok(())
    }

    fn once(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}

/// None of an account that is no card of the server.
fn view(account: &Account, earned: &[Reward], today: Date) -> Result<Option<RewardsView>, MoneyError> {
    let Some(card) = &account.card else { return Ok(None) };
    let currency = account.currency;
    let mine: Vec<Reward> = earned.iter().filter(|one| one.card == account.id).cloned().collect();
    let sums = totals(&mine, currency, today)?;
    let owed = account.balance.map_or(Money::zero(currency), Money::negated);
    let on_plans = Money::sum(currency, account.plans.iter().map(|plan| plan.left))?;
    let apart = owed.minus(on_plans)?.minor().max(0);
    let items_count = u32::try_from(mine.len()).unwrap_or(u32::MAX);
    let items = in_order(mine, today).into_iter().take(SHOWN_MAX).map(|reward| {
        let left = Money::new(reward.left_minor(), currency)?;
        let (state, expires_soon) = (reward.state(today), reward.expires_soon(today));
        Ok(RewardView { state, left, expires_soon, reward })
    });
    Ok(Some(RewardsView {
        card: account.id,
        card_name: account.label(),
        status: card.status,
        pending: sums.pending,
        available: sums.available,
        expiring: sums.expiring,
        expires_after: sums.expires_after,
        owed: sums.owed,
        usable: Money::new(sums.available.minor().min(apart), currency)?,
        at_checkout: card.rewards_at_checkout,
        items: items.collect::<Result<_, MoneyError>>()?,
        items_count,
    }))
}

/// What may be used comes first, the first to expire before the others, so that a long list never hides it. The rest stays
/// as it came: the newest charge first.
fn in_order(mut rewards: Vec<Reward>, today: Date) -> Vec<Reward> {
    rewards.sort_by_key(|reward| match reward.state(today) {
        RewardState::Available => (false, Some(reward.good_through)),
        _ => (true, None),
    });
    rewards
}

#[cfg(test)]
mod tests {
    use api::sync::Record;
    use domain::accounts::Keeping;
    use domain::ids::{PurchaseId, PurchaseStepId};
    use domain::purchases::ServedCard;
    use domain::rewards::Charge;
    use jiff::Timestamp;

    use super::*;
    use crate::client::lock;
    use crate::server_tests::{card, signed_in, start_fake};
    use crate::testing::{World, day, usd};

    fn reward(number: u8, earned: &str, charged_on: &str) -> Reward {
        let charge = Charge {
            id: PurchaseStepId::new(Timestamp::UNIX_EPOCH, [number; 10]),
            purchase: Some(PurchaseId::new(Timestamp::UNIX_EPOCH, [number; 10])),
            card: card().id,
            description: "Lamps".to_owned(),
            amount: usd("100"),
        };
        Reward::of_charge(charge, usd(earned), day(charged_on))
    }

    #[test]
    fn what_expires_first_comes_first_however_much_was_earned_since() {
        let today = day("2026-11-20");
        let newest_first = vec![
            reward(1, "1", "2026-11-10"),
            reward(2, "1", "2026-11-05"),
            reward(3, "1", "2026-09-01"),
            reward(4, "1", "2026-03-01"),
        ];
        let charged: Vec<Date> = in_order(newest_first, today).iter().map(|one| one.charged_on).collect();
        assert_eq!(charged, ["2026-03-01", "2026-09-01", "2026-11-10", "2026-11-05"].map(day));
    }

    #[tokio::test]
    async fn rewards_stand_by_card_with_what_may_be_used_and_follow_the_feed() {
        let (world, fake) = (World::new(), start_fake().await);
        let served = ServedCard {
            status: CardStatus::Active,
            status_at: Timestamp::UNIX_EPOCH,
            limit: usd("500"),
            rewards_at_checkout: true,
            merchants: Vec::new(),
            minimum_left: None,
            asked: Vec::new(),
            statement_left: None,
        };
        let owes = Account { keeping: Keeping::Served, balance: Some(usd("-3")), card: Some(served), ..card() };
        lock(&fake).snapshot = vec![
            Record::Account(owes),
            Record::Reward(reward(1, "5", "2026-09-01")),
            Record::Reward(reward(2, "1", "2026-11-10")),
        ];
        let client = signed_in(&world, &fake).await;
        client.sync().now().await.unwrap();
        let only = async || client.rewards().list().await.unwrap().remove(0);
        let view = only().await;
        assert_eq!((view.pending, view.available, view.expiring), (usd("1"), usd("5"), usd("0")));
        assert_eq!((view.usable, view.at_checkout), (usd("3"), true), "never more than is owed");
        let states: Vec<_> = view.items.iter().map(|one| one.state).collect();
        assert_eq!(states, [RewardState::Available, RewardState::Pending], "what may be used comes first");
        assert_eq!(view.items_count, 2);
        let used = Reward { redeemed: usd("3"), ..reward(1, "5", "2026-09-01") };
        lock(&fake).feed.push(Record::Reward(used));
        client.sync().now().await.unwrap();
        assert_eq!(only().await.available, usd("2"));
        world.end().await;
    }
}
