//! The double-entry ledger of served accounts. Entries come from the rules of `domain::ledger` and never change.

mod store;
#[cfg(test)]
mod tests;

use domain::ids::{AccountId, EntryId, HolderId, TransactionId};
use domain::ledger::{CreditTo, Entry, Place};
use domain::money::{Currency, Money};

use crate::App;
use crate::db::{DbError, DbResult, Read, Tx};

/// Books an entry; the database refuses a second one of the same cause, and any place that would fall below zero.
pub(crate) async fn book(app: &App, tx: &mut Tx, holder: HolderId, entry: &Entry) -> DbResult<()> {
    let now = app.clock.now();
    store::add(tx, holder, EntryId::new(now, app.chance10()), entry, now).await
}

/// A credit of a card that was moved.
pub(crate) struct MovedCredit {
    pub card: AccountId,
    pub to: CreditTo,
    pub amount: Money,
}

/// What was moved under an id.
pub(crate) async fn credit_moved(tx: &mut Tx, holder: HolderId, id: TransactionId) -> DbResult<Option<MovedCredit>> {
    store::credit_moved(tx, holder, id).await
}

/// Where the money of one served account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The person's own: available and reserved.
    pub own: Money,
    pub available: Money,
}

/// Where the money of one card stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CardStanding {
    /// Below zero when the person is in credit.
    pub owed: Money,
    /// Approved and not captured.
    pub held: Money,
    /// What the person put by, and may spend.
    pub wallet: Money,
    /// Of what they put by: reserved for purchases that are not captured.
    pub wallet_held: Money,
}

/// What stands at the places of one card.
pub(crate) struct CardBalances(Vec<(Place, Money)>);

impl CardBalances {
    pub(crate) fn standing(&self, currency: Currency) -> CardStanding {
        let at = |wanted: Place| {
            let there = self.0.iter().find(|(place, amount)| *place == wanted && amount.currency() == currency);
            there.map_or(Money::zero(currency), |(_, amount)| *amount)
        };
        CardStanding {
            owed: at(Place::Owed),
            held: at(Place::Held),
            wallet: at(Place::Wallet),
            wallet_held: at(Place::WalletHeld),
        }
    }
}

impl CardStanding {
    /// Counts an entry that was booked after it was read.
    pub(crate) fn count(&mut self, card: AccountId, entry: &Entry) -> DbResult<()> {
        for posting in entry.postings().iter().filter(|posting| posting.account == card) {
            let balance = match posting.place {
                Place::Owed => &mut self.owed,
                Place::Held => &mut self.held,
                Place::Wallet => &mut self.wallet,
                Place::WalletHeld => &mut self.wallet_held,
                _ => continue,
            };
            *balance = balance.plus(posting.amount).map_err(|_| DbError::Corrupt("a balance"))?;
        }
        Ok(())
    }
}

pub(crate) fn card_balances(holder: HolderId, card: AccountId) -> impl Read<Answer = CardBalances> {
    store::balances(holder, card).then(|balances| Ok(CardBalances(balances)))
}

pub(crate) fn card_standing(holder: HolderId, card: AccountId, currency: Currency) -> impl Read<Answer = CardStanding> {
    card_balances(holder, card).then(move |balances| Ok(balances.standing(currency)))
}

/// Where the money of the served accounts in one currency stands.
pub(crate) struct Standings {
    currency: Currency,
    balances: Vec<(AccountId, Place, Money)>,
}

impl Standings {
    /// Counts an entry that was booked after they were read.
    pub(crate) fn count(&mut self, entry: &Entry) -> DbResult<()> {
        for posting in entry.postings().iter().filter(|posting| posting.amount.currency() == self.currency) {
            let (account, place, amount) = (posting.account, posting.place, posting.amount);
            match self.balances.iter_mut().find(|(at, stands, _)| *at == account && *stands == place) {
                Some((.., balance)) => {
                    *balance = balance.plus(amount).map_err(|_| DbError::Corrupt("a balance"))?;
                }
                None => self.balances.push((account, place, amount)),
            }
        }
        Ok(())
    }

    pub(crate) fn of(&self, account: AccountId) -> DbResult<Standing> {
        let sum = |wanted: &dyn Fn(Place) -> bool| {
            let there = self.balances.iter().filter(|(at, place, _)| *at == account && wanted(*place));
            Money::sum(self.currency, there.map(|(.., amount)| *amount)).map_err(|_| DbError::Corrupt("a balance"))
        };
        Ok(Standing { own: sum(&Place::is_own)?, available: sum(&|place| place == Place::Available)? })
    }
}

pub(crate) fn standings(holder: HolderId, currency: Currency) -> impl Read<Answer = Standings> {
    store::balances_in(holder, currency).then(move |balances| Ok(Standings { currency, balances }))
}

pub(crate) fn standing(holder: HolderId, account: AccountId, currency: Currency) -> impl Read<Answer = Standing> {
    standings(holder, currency).then(move |standings| standings.of(account))
}
