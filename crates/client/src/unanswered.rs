//! What charges a card or uses its rewards is sent at once and waits in no outbox. Its id is stored before it leaves and stays
//! until an answer says what came of it, so that a press after a lost answer repeats it and does not charge again.

use api::error::ErrorCode;
use domain::ids::{AccountId, MutationId, TransactionId};
use domain::money::Money;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cache::{state, transactions};
use crate::client::Client;
use crate::error::{Class, ClientError};
use crate::http::{CallError, Method, Sending};

/// A request that a copy of the account does not show so long after it was sent never came, and comes no more: the nonce of
/// its proof is good for no longer.
const UNDER_WAY_MOST: SignedDuration = SignedDuration::from_mins(15);
/// Who sends another one so soon after a lost answer may mean the same: they are told once that it was done.
const MAY_MEAN_THE_SAME: SignedDuration = SignedDuration::from_mins(10);

/// What is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    WalletReload,
    RewardsUse,
}

impl Deed {
    fn path(self, card: AccountId) -> String {
        match self {
            Self::WalletReload => format!("/api/v1/cards/{card}/wallet"),
            Self::RewardsUse => format!("/api/v1/cards/{card}/rewards"),
        }
    }

    /// How its line on the card is known.
    fn source(self, id: TransactionId) -> String {
        match self {
            Self::WalletReload => format!("wallet:{id}"),
            Self::RewardsUse => format!("rewards:{id}"),
        }
    }
}

/// Sent, and not known to be done or refused: at most one of a kind for each card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unanswered {
    deed: Deed,
    card: AccountId,
    id: TransactionId,
    amount: Money,
    sent_at: Timestamp,
}

impl Client {
    /// Does it once, whatever becomes of the answer. `id` is of what the person does now and repeats: a dialog, a command.
    pub(crate) async fn do_once(
        &self,
        deed: Deed,
        card: AccountId,
        amount: Money,
        id: Option<TransactionId>,
    ) -> Result<(), ClientError> {
        let before = self.unanswered(deed, card).await?;
        let id = match before {
            Some(before) if id != Some(before.id) => self.next_to(before, amount, id).await?,
            _ => id.unwrap_or_else(|| self.fresh(TransactionId::new)),
        };
        let repeats = before.is_some_and(|before| before.id == id);
        let sent = Unanswered { deed, card, id, amount, sent_at: self.now() };
        self.note_unanswered(deed, card, Some(sent)).await?;
        let wish = match deed {
            Deed::WalletReload => Sending::json(&api::wallet::ReloadWallet { id, amount })?,
            Deed::RewardsUse => Sending::json(&api::rewards::UseRewards { id, amount })?,
        };
        let wish = Sending { idempotency: Some(self.fresh(MutationId::new)), ..wish };
        let answer = self.call(Method::Post, &deed.path(card), wish).await;
        match answer {
            Ok(_) => {
                if let Err(error) = self.note_unanswered(deed, card, None).await {
                    // Sent again, it would be answered as this one.
                    tracing::info!(code = error.code, "that it was done stands not in the copy");
                }
                // It is done, whether or not this device reads so now.
                self.sync().soon().await;
                Ok(())
            }
            Err(CallError::Refused(problem)) => {
                self.note_unanswered(deed, card, None).await?;
                if problem.code == ErrorCode::KeyReused {
                    self.sync().soon().await;
                    return Err(done_before());
                }
                Err(CallError::Refused(problem).into())
            }
            Err(CallError::Unreachable | CallError::Busy { .. } | CallError::NotAServer) => Err(answer_lost()),
            // The account closed over it, or ended: it may have left.
            Err(error @ (CallError::Locked | CallError::Revoked)) => Err(error.into()),
            Err(CallError::NoConnection) if repeats => Err(answer_lost()),
            // Nothing left, so only what was sent before is still open.
            Err(error) => {
                if !repeats {
                    self.note_unanswered(deed, card, None).await?;
                }
                Err(error.into())
            }
        }
    }

    /// The id to send under while something of the kind has no answer yet.
    async fn next_to(
        &self,
        before: Unanswered,
        amount: Money,
        id: Option<TransactionId>,
    ) -> Result<TransactionId, ClientError> {
        self.sync().soon().await;
        let Unanswered { deed, card, sent_at, .. } = before;
        let source = deed.source(before.id);
        let (is_done, synced_at) = self
            .with(async |open| {
                let db = open.cache.readers();
                let synced_at: Option<Timestamp> = state::find(db, state::SYNCED_AT).await?;
                Ok((transactions::has_source(db, card, &source).await?, synced_at))
            })
            .await?;
        let new = || id.unwrap_or_else(|| self.fresh(TransactionId::new));
        if is_done {
            self.note_unanswered(deed, card, None).await?;
            let lately = self.now().duration_since(sent_at) < MAY_MEAN_THE_SAME;
            return if lately { Err(done_before()) } else { Ok(new()) };
        }
        if synced_at.is_some_and(|at| at.duration_since(sent_at) > UNDER_WAY_MOST) {
            return Ok(new());
        }
        // The same wish again: the server does it once.
        if before.amount == amount { Ok(before.id) } else { Err(answer_lost()) }
    }

    async fn unanswered(&self, deed: Deed, card: AccountId) -> Result<Option<Unanswered>, ClientError> {
        let all: Option<Vec<Unanswered>> =
            self.with(async |open| state::find(open.cache.readers(), state::UNANSWERED).await).await?;
        Ok(all.unwrap_or_default().into_iter().find(|one| (one.deed, one.card) == (deed, card)))
    }

    async fn note_unanswered(&self, deed: Deed, card: AccountId, sent: Option<Unanswered>) -> Result<(), ClientError> {
        self.with(async |open| {
            let mut tx = open.cache.begin().await?;
            let all: Option<Vec<Unanswered>> = state::find(&mut *tx, state::UNANSWERED).await?;
            let mut all = all.unwrap_or_default();
            all.retain(|one| (one.deed, one.card) != (deed, card));
            all.extend(sent);
            state::put(&mut *tx, state::UNANSWERED, &all).await?;
            tx.commit().await?;
            self.save_own(open).await;
            Ok(())
        })
        .await
    }
}

fn answer_lost() -> ClientError {
    let message = "no answer came: whether it was done is not known";
    let next = "repeat it with the same amount: it is done once; or look first whether it was done";
    ClientError::new(Class::Unreachable, "answer_lost", message, next)
}

fn done_before() -> ClientError {
    let next = "look at the card; repeat it only if it is meant once more";
    ClientError::refused("done_before", "what was sent before, and had no answer, was done", next)
}

#[cfg(test)]
mod tests {
    use api::sync::Record;
    use domain::accounts::{Transaction, TransactionKind, TransactionState};

    use super::*;
    use crate::client::lock;
    use crate::server_tests::{Shared, card, signed_in, start_fake};
    use crate::testing::{World, day, usd};

    /// The ids that reached the server, as numbers in the order in which they came first.
    fn sent(fake: &Shared) -> Vec<usize> {
        let writes = lock(fake).writes.clone();
        let ids: Vec<_> = writes.iter().map(|write| write.3["id"].clone()).collect();
        ids.iter().map(|id| ids.iter().position(|one| one == id).unwrap()).collect()
    }

    fn booked(fake: &Shared, source: &str) {
        let id = lock(fake).writes.last().unwrap().3["id"].as_str().unwrap().parse().unwrap();
        let line = Transaction {
            id: TransactionId::new(Timestamp::UNIX_EPOCH, [7; 10]),
            account: card().id,
            posted_on: day("2026-11-20"),
            amount: usd("-100"),
            description: "Wallet reload".to_owned(),
            memo: None,
            kind: TransactionKind::Purchase,
            state: TransactionState::Posted,
            source: Some(format!("{source}:{}", TransactionId::from_uuid(id))),
        };
        lock(fake).feed.push(Record::Transaction(line));
    }

    async fn with_card() -> (World, Shared, Client) {
        let (world, fake) = (World::new(), start_fake().await);
        lock(&fake).snapshot = vec![Record::Account(card())];
        let client = signed_in(&world, &fake).await;
        client.sync().now().await.unwrap();
        (world, fake, client)
    }

    #[tokio::test]
    async fn what_is_sent_again_after_a_lost_answer_has_the_same_id() {
        let (world, fake, client) = with_card().await;
        for of_rewards in [false, true] {
            lock(&fake).writes.clear();
            let press = async |amount: &str| {
                let amount = usd(amount);
                let done = if of_rewards {
                    client.rewards().use_now(card().id, amount, None).await
                } else {
                    client.wallets().reload(card().id, amount, None).await
                };
                done.map_err(|error| error.code)
            };
            lock(&fake).lose_answer = true;
            assert_eq!(press("100").await, Err("answer_lost".to_owned()));
            assert_eq!(press("50").await, Err("answer_lost".to_owned()), "another amount would be a second charge");
            assert_eq!(press("100").await, Ok(()));
            assert_eq!(press("100").await, Ok(()), "once it was answered, this is a new one");
            assert_eq!(sent(&fake), [0, 0, 2]);
        }
        world.end().await;
    }

    #[tokio::test]
    async fn one_dialog_charges_once_also_when_the_first_answer_was_lost_and_the_charge_was_seen() {
        let (world, fake, client) = with_card().await;
        let dialog = Some(TransactionId::new(Timestamp::UNIX_EPOCH, [3; 10]));
        let press = async |id| client.wallets().reload(card().id, usd("100"), id).await.map_err(|error| error.code);
        lock(&fake).lose_answer = true;
        assert_eq!(press(dialog).await, Err("answer_lost".to_owned()));
        booked(&fake, "wallet");
        client.sync().now().await.unwrap();
        assert_eq!(press(dialog).await, Ok(()));
        assert_eq!(sent(&fake), [0, 0]);
        world.end().await;
    }

    #[tokio::test]
    async fn who_comes_back_after_a_lost_answer_hears_once_that_it_was_done() {
        let (world, fake, client) = with_card().await;
        let press = async || client.wallets().reload(card().id, usd("100"), None).await.map_err(|error| error.code);
        lock(&fake).lose_answer = true;
        assert_eq!(press().await, Err("answer_lost".to_owned()));
        booked(&fake, "wallet");
        assert_eq!(press().await, Err("done_before".to_owned()));
        assert_eq!(press().await, Ok(()), "it was meant once more");
        assert_eq!(sent(&fake), [0, 1]);
        world.end().await;
    }

    #[tokio::test]
    async fn what_never_came_keeps_no_other_amount_back() {
        let (world, fake, client) = with_card().await;
        let press =
            async |amount| client.wallets().reload(card().id, usd(amount), None).await.map_err(|error| error.code);
        lock(&fake).lose_answer = true;
        assert_eq!(press("100").await, Err("answer_lost".to_owned()));
        world.later(890);
        assert_eq!(press("50").await, Err("answer_lost".to_owned()), "it may come yet");
        world.later(20);
        assert_eq!(press("50").await, Ok(()));
        assert_eq!(sent(&fake), [0, 1]);
        world.end().await;
    }

    #[tokio::test]
    async fn a_sync_that_fails_makes_no_failed_reload() {
        let (world, fake, client) = with_card().await;
        lock(&fake).feed_down = true;
        client.wallets().reload(card().id, usd("100"), None).await.unwrap();
        client.rewards().use_now(card().id, usd("5"), None).await.unwrap();
        world.end().await;
    }
}
