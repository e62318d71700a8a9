//! The wallet of a card (WA2): what its person put by from the card, to be spent at checkout before the card. This is the one
//! reviewed place of its limits, and of what each pays of a purchase. Nothing here knows a ledger.

pub mod auto_reload;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use self::auto_reload::{AutoReload, ReloadedBecause};
use crate::ids::{AccountId, TransactionId};
use crate::money::{Money, MoneyError};

/// A reload is of so many whole units at least.
pub const RELOAD_LEAST: i64 = 5;
/// And of so many at most.
pub const RELOAD_MOST: i64 = 500;
/// No reload fills a wallet above so many whole units.
pub const BALANCE_MOST: i64 = 1_000;
/// So many moves stand in a wallet itself, the newest first; each is a record of its own besides.
pub const RECENT_MAX: usize = 20;

/// What a person put by on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Wallet {
    pub card: AccountId,
    /// What may be spent; never below zero.
    pub balance: Money,
    /// Beside it: reserved for purchases that are not captured. It comes back where they never are.
    #[serde(default)]
    pub held: Option<Money>,
    /// Each charge is paid from it first.
    pub at_checkout: bool,
    /// It is reloaded by itself.
    #[serde(default)]
    pub auto_reload: Option<AutoReload>,
    /// The newest, for programs that do not read `WalletMoved`; all of them are there.
    pub recent: Vec<WalletMove>,
}

/// What moved in a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct WalletMove {
    pub id: TransactionId,
    pub kind: WalletMoveKind,
    /// Above zero where the wallet has more of it.
    pub amount: Money,
    /// What was bought; empty of a reload.
    pub description: String,
    /// Of a reload that happened by itself: why.
    #[serde(default)]
    pub because: Option<ReloadedBecause>,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub on: Date,
}

/// A move with the card whose wallet it is of, and when it was made: they are kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct WalletMoved {
    pub card: AccountId,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: WalletMove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum WalletMoveKind {
    /// Charged to the card.
    Reload,
    /// Paid some of a charge.
    Spent,
    /// A merchant gave back what it had paid.
    Refunded,
    /// The card is lost or closed: what was left lowered what is owed on it.
    GivenBack,
}

impl WalletMoveKind {
    pub const ALL: [Self; 4] = [Self::Reload, Self::Spent, Self::Refunded, Self::GivenBack];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Spent => "spent",
            Self::Refunded => "refunded",
            Self::GivenBack => "given_back",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Why a wallet is not reloaded with an amount, whatever the card says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    #[error("a reload is in the card's currency")]
    Currency,
    #[error("a reload is of 5 to 500")]
    Amount,
    #[error("a wallet is not filled above 1,000")]
    Full,
}

/// How much a reload may be, with such a balance: the least and the most. None when it is too full for the least.
#[must_use]
pub fn reloads(balance: Money) -> Option<(Money, Money)> {
    let unit = 10_i64.pow(balance.currency().exponent().into());
    let most = (RELOAD_MOST * unit).min(BALANCE_MOST * unit - balance.minor());
    let least = RELOAD_LEAST * unit;
    if most < least {
        return None;
    }
    let money = |minor| Money::new(minor, balance.currency()).ok();
    money(least).zip(money(most))
}

/// Whether a wallet with such a balance may be reloaded with so much.
pub fn check_reload(amount: Money, balance: Money) -> Result<(), ReloadError> {
    if amount.currency() != balance.currency() {
        return Err(ReloadError::Currency);
    }
    let unit = 10_i64.pow(balance.currency().exponent().into());
    if !(RELOAD_LEAST * unit..=RELOAD_MOST * unit).contains(&amount.minor()) {
        return Err(ReloadError::Amount);
    }
    match reloads(balance) {
        Some((_, most)) if amount.minor() <= most.minor() => Ok(()),
        _ => Err(ReloadError::Full),
    }
}

/// What the card and its wallet have of one amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    pub card: Money,
    pub wallet: Money,
}

impl Split {
    /// All of it the card's.
    #[must_use]
    pub const fn of_card(amount: Money) -> Self {
        Self { card: amount, wallet: Money::zero(amount.currency()) }
    }
}

/// A purchase of so much, or what is captured of one: the wallet pays what it has or reserved for it, the card the rest.
pub fn charge(amount: Money, balance: Money) -> Result<Split, MoneyError> {
    let minor = amount.minor().min(balance.minor()).max(0);
    split(amount, minor)
}

/// A refund of so much: the card gets it as far as it paid, the wallet the rest.
pub fn refund(amount: Money, card_paid: Money) -> Result<Split, MoneyError> {
    let to_card = amount.minor().min(card_paid.minor().max(0));
    split(amount, amount.minor() - to_card)
}

fn split(amount: Money, wallet_minor: i64) -> Result<Split, MoneyError> {
    let wallet = Money::new(wallet_minor, amount.currency())?;
    Ok(Split { card: amount.minus(wallet)?, wallet })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).expect("in range")
    }

    #[test]
    fn a_reload_is_within_its_limits_and_never_fills_a_wallet_above_its_own() {
        assert_eq!(check_reload(usd(499), usd(0)), Err(ReloadError::Amount));
        assert_eq!(check_reload(usd(500), usd(0)), Ok(()));
        assert_eq!(check_reload(usd(50_000), usd(50_000)), Ok(()));
        assert_eq!(check_reload(usd(50_001), usd(0)), Err(ReloadError::Amount));
        assert_eq!(check_reload(usd(50_000), usd(50_001)), Err(ReloadError::Full));
        assert_eq!(check_reload(usd(-500), usd(0)), Err(ReloadError::Amount));
        let euro = Money::new(500, Currency::EUR).expect("in range");
        assert_eq!(check_reload(euro, usd(0)), Err(ReloadError::Currency));
        assert_eq!(reloads(usd(60_000)), Some((usd(500), usd(40_000))));
        assert_eq!(reloads(usd(99_501)), None);
        assert_eq!(reloads(usd(150_000)), None, "refunds may fill it above");
        for kind in WalletMoveKind::ALL {
            assert_eq!(WalletMoveKind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn the_wallet_pays_first_and_is_given_back_to_last() {
        assert_eq!(charge(usd(100), usd(30)), Ok(Split { card: usd(70), wallet: usd(30) }));
        assert_eq!(charge(usd(20), usd(30)), Ok(Split { card: usd(0), wallet: usd(20) }));
        assert_eq!(refund(usd(60), usd(70)), Ok(Split { card: usd(60), wallet: usd(0) }));
        assert_eq!(refund(usd(80), usd(70)), Ok(Split { card: usd(70), wallet: usd(10) }));
        assert_eq!(refund(usd(80), usd(-5)), Ok(Split { card: usd(0), wallet: usd(80) }));
    }

    proptest! {
        #[test]
        fn no_part_is_below_zero_and_both_are_the_whole(amount in 1_i64..100_000, there in 0_i64..100_000) {
            for parts in [charge(usd(amount), usd(there)), refund(usd(amount), usd(there))] {
                let parts = parts.expect("in range");
                prop_assert!(!parts.card.is_negative() && !parts.wallet.is_negative());
                prop_assert_eq!(parts.card.plus(parts.wallet), Ok(usd(amount)));
            }
            prop_assert!(charge(usd(amount), usd(there)).expect("in range").wallet.minor() <= there);
        }
    }
}
