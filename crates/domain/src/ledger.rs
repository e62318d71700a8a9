//! Double entry: every movement is an entry whose postings sum to zero per currency and never change.
//! Each served account has its own small ledger, so that the rows of one account live together; its sums show where
//! its money stands.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::ids::{AccountId, DisputeId, MethodId, PaymentId, PurchaseId, PurchaseStepId, StatementId, TransactionId};
use crate::money::{Currency, Money, MoneyError};
use crate::payments::{PaymentEvent, PaymentState};
use crate::wallet::Split;

/// Where money of one served account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The person can use it.
    Available,
    /// Set aside for a payment whose day came.
    Reserved,
    /// With the rail, not settled.
    Clearing,
    /// Arrived at billers.
    Settled,
    /// Came from outside: opening deposits and practice money. Negative by what came in.
    Outside,
    /// On a card: approved for purchases that are not captured.
    Held,
    /// On a card: what the person owes; below zero when they are in credit.
    Owed,
    /// On a card: what the person put by from it, and may spend.
    Wallet,
    /// Of what they put by: reserved for purchases that are not captured.
    WalletHeld,
}

impl Place {
    pub const ALL: [Self; 9] = [
        Self::Available,
        Self::Reserved,
        Self::Clearing,
        Self::Settled,
        Self::Outside,
        Self::Held,
        Self::Owed,
        Self::Wallet,
        Self::WalletHeld,
    ];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Reserved => "reserved",
            Self::Clearing => "clearing",
            Self::Settled => "settled",
            Self::Outside => "outside",
            Self::Held => "held",
            Self::Owed => "owed",
            Self::Wallet => "wallet",
            Self::WalletHeld => "wallet_held",
        }
    }

    /// The person's own: what the ledger balance of the account counts. Reserved money has not left yet.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Available | Self::Reserved)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Place {
    type Err = LedgerError;

    fn from_str(name: &str) -> Result<Self, LedgerError> {
        Self::ALL.into_iter().find(|place| place.name() == name).ok_or(LedgerError::UnknownPlace)
    }
}

/// One amount put at one place, or taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    pub account: AccountId,
    pub place: Place,
    pub amount: Money,
}

/// What made an entry. Each cause makes at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    Opening(AccountId),
    /// Real money came in.
    Deposit(TransactionId),
    Reserved(PaymentId),
    Released(PaymentId),
    Submitted(PaymentId),
    Settled(PaymentId),
    Returned(PaymentId),
    /// A purchase was approved.
    Authorized(PurchaseId),
    /// What was approved and not captured was given back.
    HoldReleased(PurchaseId),
    Captured(PurchaseStepId),
    Refunded(PurchaseStepId),
    /// What is in dispute was given back until it is decided.
    DisputeCredited(DisputeId),
    /// What was captured of a purchase that is in dispute was given back too.
    DisputeCaptured(PurchaseStepId),
    /// A merchant gave back what the dispute had given back already: that ends.
    DisputeRefunded(PurchaseStepId),
    /// It was decided against the person, or they took it back: it is owed again.
    DisputeRestored(DisputeId),
    /// It was decided for the person: interest that came of what was in dispute was given back.
    InterestCredited(DisputeId),
    /// And late fees that came of it.
    LateFeeCredited(DisputeId),
    /// Interest that a statement charges.
    Interest(StatementId),
    /// The minimum of the statement before was not paid in time.
    LateFee(StatementId),
    /// Rewards were used.
    Rewarded(TransactionId),
    /// A wallet was reloaded from its card.
    Reloaded(TransactionId),
    /// A card is over: what its wallet had went back to it.
    WalletGivenBack(TransactionId),
    /// What a person had beyond what a card owes went to their account, or to another card of theirs.
    CreditMoved(TransactionId),
}

impl Cause {
    /// The stored name; it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening(_) => "opening",
            Self::Deposit(_) => "deposit",
            Self::Reserved(_) => "reserved",
            Self::Released(_) => "released",
            Self::Submitted(_) => "submitted",
            Self::Settled(_) => "settled",
            Self::Returned(_) => "returned",
            Self::Authorized(_) => "authorized",
            Self::HoldReleased(_) => "hold_released",
            Self::Captured(_) => "captured",
            Self::Refunded(_) => "refunded",
            Self::DisputeCredited(_) => "dispute_credited",
            Self::DisputeCaptured(_) => "dispute_captured",
            Self::DisputeRefunded(_) => "dispute_refunded",
            Self::DisputeRestored(_) => "dispute_restored",
            Self::InterestCredited(_) => "interest_credited",
            Self::LateFeeCredited(_) => "late_fee_credited",
            Self::Interest(_) => "interest",
            Self::LateFee(_) => "late_fee",
            Self::Rewarded(_) => "rewarded",
            Self::Reloaded(_) => "reloaded",
            Self::WalletGivenBack(_) => "wallet_given_back",
            Self::CreditMoved(_) => "credit_moved",
        }
    }

    /// The payment over a rail that made it.
    #[must_use]
    pub const fn payment(self) -> Option<PaymentId> {
        match self {
            Self::Opening(_)
            | Self::Deposit(_)
            | Self::Authorized(_)
            | Self::HoldReleased(_)
            | Self::Captured(_)
            | Self::Refunded(_)
            | Self::DisputeCredited(_)
            | Self::DisputeCaptured(_)
            | Self::DisputeRefunded(_)
            | Self::DisputeRestored(_)
            | Self::InterestCredited(_)
            | Self::LateFeeCredited(_)
            | Self::Interest(_)
            | Self::LateFee(_)
            | Self::Rewarded(_)
            | Self::Reloaded(_)
            | Self::WalletGivenBack(_)
            | Self::CreditMoved(_) => None,
            Self::Reserved(id) | Self::Released(id) | Self::Submitted(id) | Self::Settled(id) | Self::Returned(id) => {
                Some(id)
            }
        }
    }
}

/// What a payment is paid from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funds {
    /// The balance of an account of this server.
    Balance(AccountId),
    /// A payment method: what is drawn comes from outside, and goes back there. Each has a ledger of its own.
    Method(MethodId),
}

impl Funds {
    /// Whose ledger the movement is in.
    #[must_use]
    pub const fn ledger(self) -> AccountId {
        match self {
            Self::Balance(account) => account,
            Self::Method(method) => AccountId::from_uuid(method.as_uuid()),
        }
    }

    /// Where the money comes from.
    #[must_use]
    pub const fn source(self) -> Place {
        match self {
            Self::Balance(_) => Place::Available,
            Self::Method(_) => Place::Outside,
        }
    }
}

/// Where the credit of a card goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditTo {
    /// What payments leave from.
    Account(AccountId),
    /// Another card of the person: so much less is owed there.
    Card(AccountId),
}

/// A movement whose postings sum to zero in every currency. There is no other way to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    cause: Cause,
    postings: Vec<Posting>,
}

/// Why postings are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("an entry has 2 to 64 postings")]
    PostingCount,
    #[error("a posting moves something")]
    ZeroPosting,
    #[error("the postings do not sum to zero")]
    Unbalanced,
    #[error("the amount must be above zero")]
    Amount,
    #[error("no such place in the ledger")]
    UnknownPlace,
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Entry {
    pub const POSTINGS_MAX: usize = 64;

    pub fn new(cause: Cause, postings: Vec<Posting>) -> Result<Self, LedgerError> {
        if !(2..=Self::POSTINGS_MAX).contains(&postings.len()) {
            return Err(LedgerError::PostingCount);
        }
        if postings.iter().any(|posting| posting.amount.is_zero()) {
            return Err(LedgerError::ZeroPosting);
        }
        if !is_balanced(&postings) {
            return Err(LedgerError::Unbalanced);
        }
        Ok(Self { cause, postings })
    }

    /// Money that comes in from outside: the practice account's opening deposit.
    pub fn opening(account: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::Opening(account), account, amount, Place::Outside, Place::Available)
    }

    /// Real money that came in for an account.
    pub fn deposit(id: TransactionId, account: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::Deposit(id), account, amount, Place::Outside, Place::Available)
    }

    /// What a payment's event moves in the ledger of what pays it; `None` when it moves nothing.
    /// `from` is the state before the event, which must be legal. A payment to a card of this server takes from what that
    /// card owes when it settles, in the same entry, and gives it back when it returns.
    pub fn of_payment(
        from: PaymentState,
        event: PaymentEvent,
        payment: PaymentId,
        funds: Funds,
        card: Option<AccountId>,
        amount: Money,
    ) -> Result<Option<Self>, LedgerError> {
        use PaymentState as S;
        let (account, source) = (funds.ledger(), funds.source());
        let (cause, out_of, into) = match (from, event) {
            (_, PaymentEvent::FundsReserved) => (Cause::Reserved(payment), source, Place::Reserved),
            (S::Reserved, PaymentEvent::Cancelled) | (_, PaymentEvent::RailRefused) => {
                (Cause::Released(payment), Place::Reserved, source)
            }
            (_, PaymentEvent::RailAccepted) => (Cause::Submitted(payment), Place::Reserved, Place::Clearing),
            (_, PaymentEvent::SettledByRail) => (Cause::Settled(payment), Place::Clearing, Place::Settled),
            // The mirror of all that the payment moved so far.
            (S::Submitted, PaymentEvent::ReturnedByRail) => (Cause::Returned(payment), Place::Clearing, source),
            (_, PaymentEvent::ReturnedByRail) => (Cause::Returned(payment), Place::Settled, source),
            _ => return Ok(None),
        };
        let mut entry = Self::moving(cause, account, amount, out_of, into)?;
        let (owed, outside) = match (out_of, into) {
            (_, Place::Settled) => (amount.negated(), amount),
            (Place::Settled, _) => (amount, amount.negated()),
            _ => return Ok(Some(entry)),
        };
        if let Some(card) = card {
            entry.postings.push(Posting { account: card, place: Place::Owed, amount: owed });
            entry.postings.push(Posting { account: card, place: Place::Outside, amount: outside });
        }
        Ok(Some(entry))
    }

    /// A purchase was approved: its amount is held on the card, as far as the wallet does not reserve it.
    pub fn authorized(purchase: PurchaseId, card: AccountId, of: Split) -> Result<Self, LedgerError> {
        let parts = [
            (Place::Outside, of.card.negated()),
            (Place::Held, of.card),
            (Place::Wallet, of.wallet.negated()),
            (Place::WalletHeld, of.wallet),
        ];
        Self::of_parts(Cause::Authorized(purchase), card, parts, of)
    }

    /// What was held and not captured is given back: once a purchase, for nothing is held afterwards.
    pub fn hold_released(purchase: PurchaseId, card: AccountId, of: Split) -> Result<Self, LedgerError> {
        let parts = [
            (Place::Held, of.card.negated()),
            (Place::Outside, of.card),
            (Place::WalletHeld, of.wallet.negated()),
            (Place::Wallet, of.wallet),
        ];
        Self::of_parts(Cause::HoldReleased(purchase), card, parts, of)
    }

    /// Some of what was held is owed, as far as the wallet does not pay it; what that reserved leaves it.
    pub fn captured(step: PurchaseStepId, card: AccountId, of: Split) -> Result<Self, LedgerError> {
        let parts = [
            (Place::Held, of.card.negated()),
            (Place::Owed, of.card),
            (Place::WalletHeld, of.wallet.negated()),
            (Place::Outside, of.wallet),
        ];
        Self::of_parts(Cause::Captured(step), card, parts, of)
    }

    /// A merchant paid something back.
    pub fn refunded(step: PurchaseStepId, card: AccountId, of: Split) -> Result<Self, LedgerError> {
        let parts = [
            (Place::Owed, of.card.negated()),
            (Place::Outside, of.card),
            (Place::Wallet, of.wallet),
            (Place::Outside, of.wallet.negated()),
        ];
        Self::of_parts(Cause::Refunded(step), card, parts, of)
    }

    /// A wallet is reloaded: so much more is owed on its card, and so much more is in it.
    pub fn reloaded(id: TransactionId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        let parts = [(Place::Owed, amount), (Place::Wallet, amount), (Place::Outside, twice(amount)?.negated())];
        let of = Split { card: amount, wallet: amount };
        Self::of_parts(Cause::Reloaded(id), card, parts, of)
    }

    /// What a wallet has lowers what is owed on its card.
    pub fn wallet_given_back(id: TransactionId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        let gone = amount.negated();
        let parts = [(Place::Owed, gone), (Place::Wallet, gone), (Place::Outside, twice(amount)?)];
        let of = Split { card: amount, wallet: amount };
        Self::of_parts(Cause::WalletGivenBack(id), card, parts, of)
    }

    /// What is in dispute is owed no more for now.
    pub fn dispute_credited(dispute: DisputeId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::DisputeCredited(dispute), card, amount, Place::Owed, Place::Outside)
    }

    /// What was captured of a purchase that is in dispute is owed no more for now.
    pub fn dispute_captured(step: PurchaseStepId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::DisputeCaptured(step), card, amount, Place::Owed, Place::Outside)
    }

    /// A merchant's refund takes the place of what a dispute gave back.
    pub fn dispute_refunded(step: PurchaseStepId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::DisputeRefunded(step), card, amount, Place::Outside, Place::Owed)
    }

    /// What a dispute gave back is owed again.
    pub fn dispute_restored(dispute: DisputeId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::DisputeRestored(dispute), card, amount, Place::Outside, Place::Owed)
    }

    /// Statements charged interest that came of what was disputed: it is owed no more.
    pub fn interest_credited(dispute: DisputeId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::InterestCredited(dispute), card, amount, Place::Owed, Place::Outside)
    }

    /// Statements charged late fees that came of what was disputed: they are owed no more.
    pub fn late_fee_credited(dispute: DisputeId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::LateFeeCredited(dispute), card, amount, Place::Owed, Place::Outside)
    }

    /// A statement charges interest.
    pub fn interest(statement: StatementId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::Interest(statement), card, amount, Place::Outside, Place::Owed)
    }

    /// A statement charges a late fee.
    pub fn late_fee(statement: StatementId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::LateFee(statement), card, amount, Place::Outside, Place::Owed)
    }

    /// Rewards lower what is owed.
    pub fn rewarded(id: TransactionId, card: AccountId, amount: Money) -> Result<Self, LedgerError> {
        Self::moving(Cause::Rewarded(id), card, amount, Place::Owed, Place::Outside)
    }

    /// What a card is in credit by goes where its person can use it.
    pub fn credit_moved(id: TransactionId, card: AccountId, to: CreditTo, amount: Money) -> Result<Self, LedgerError> {
        let (account, place, there) = match to {
            CreditTo::Account(account) => (account, Place::Available, amount),
            CreditTo::Card(card) => (card, Place::Owed, amount.negated()),
        };
        let mut entry = Self::moving(Cause::CreditMoved(id), card, amount, Place::Outside, Place::Owed)?;
        entry.postings.push(Posting { account, place, amount: there });
        entry.postings.push(Posting { account, place: Place::Outside, amount: there.negated() });
        Ok(entry)
    }

    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// Of several places of one card; what moves nothing is left out.
    fn of_parts(
        cause: Cause,
        card: AccountId,
        parts: impl IntoIterator<Item = (Place, Money)>,
        of: Split,
    ) -> Result<Self, LedgerError> {
        if of.card.is_negative() || of.wallet.is_negative() || !of.card.plus(of.wallet)?.is_positive() {
            return Err(LedgerError::Amount);
        }
        let postings = parts.into_iter().filter(|(_, amount)| !amount.is_zero());
        Self::new(cause, postings.map(|(place, amount)| Posting { account: card, place, amount }).collect())
    }

    fn moving(
        cause: Cause,
        account: AccountId,
        amount: Money,
        out_of: Place,
        into: Place,
    ) -> Result<Self, LedgerError> {
        if !amount.is_positive() {
            return Err(LedgerError::Amount);
        }
        let taken = Posting { account, place: out_of, amount: amount.negated() };
        let given = Posting { account, place: into, amount };
        Self::new(cause, vec![taken, given])
    }
}

fn twice(amount: Money) -> Result<Money, MoneyError> {
    amount.plus(amount)
}

/// Whether postings sum to zero in each currency; also for an audit of stored ones.
#[must_use]
pub fn is_balanced<'a>(postings: impl IntoIterator<Item = &'a Posting>) -> bool {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for posting in postings {
        *sums.entry(posting.amount.currency()).or_default() += i128::from(posting.amount.minor());
    }
    sums.values().all(|sum| *sum == 0)
}

/// What stands at one place of one account.
pub fn balance<'a>(
    postings: impl IntoIterator<Item = &'a Posting>,
    account: AccountId,
    place: Place,
    currency: Currency,
) -> Result<Money, MoneyError> {
    let there = |posting: &&Posting| posting.account == account && posting.place == place;
    Money::sum(currency, postings.into_iter().filter(there).map(|posting| posting.amount))
}

#[cfg(test)]
mod tests;
