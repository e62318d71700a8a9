//! Accounts and their transactions, told apart by whose ledger holds them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::card::{CardTerms, Excess, IssuerFigures, Plan};
use crate::days;
use crate::ids::{AccountId, PlanId, TransactionId};
use crate::money::{Currency, Money};
use crate::purchases::ServedCard;
use crate::statements::Covered;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Account {
    pub id: AccountId,
    pub keeping: Keeping,
    pub kind: AccountKind,
    /// 1 to 120 characters.
    pub name: String,
    /// The last characters of the number, at most 4; never the whole number.
    pub mask: Option<String>,
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub currency: Currency,
    /// A stable fingerprint of the issuer and number, so that a second file finds its account (hex of a keyed or plain
    /// SHA-256 made by the importer; opaque here).
    pub source: Option<String>,
    /// Ledger balance as the issuer or this server last said. For a card, what is owed is negative, as in OFX.
    pub balance: Option<Money>,
    pub available: Option<Money>,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub balance_as_of: Option<Timestamp>,
    /// Set by the person, for cards.
    pub terms: Option<CardTerms>,
    /// What the issuer's file said about the last closed cycle.
    pub issuer: Option<IssuerFigures>,
    /// Of a card, in the order in which they were entered.
    #[serde(default)]
    pub plans: Vec<Plan>,
    /// Where the person wants what is above a card's minimum to go.
    #[serde(default)]
    pub excess: Excess,
    /// A card that this server issues.
    #[serde(default)]
    pub card: Option<ServedCard>,
    /// The spans of days that imported files cover, in order, none beside another. Empty where no file said one: then its
    /// lines are all that is known.
    #[serde(default)]
    pub covered: Vec<Covered>,
}

impl Account {
    /// Its name for people, by which two of one name are told apart: "Harbor Card ··4417", never more of the number than
    /// its last characters. An imported account may bear them in its name already.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.mask {
            Some(mask) if !self.name.contains(mask) => format!("{} ··{mask}", self.name),
            _ => self.name.clone(),
        }
    }

    /// The last day whose posted lines are in its balance; `None` where all of them are. A file's balance is of a day, which
    /// is kept as its midnight in UTC; of any other moment it is the latest day that is anywhere.
    #[must_use]
    pub fn balance_through(&self) -> Option<Date> {
        let as_of = self.balance_as_of.filter(|_| self.keeping == Keeping::Linked)?;
        let furthest_east = as_of.saturating_add(SignedDuration::from_hours(14)).unwrap_or(as_of);
        Some(furthest_east.to_zoned(TimeZone::UTC).date())
    }

    /// What lies between its balance and what it was at the end of a day.
    #[must_use]
    pub fn apart_from(&self, day: Date) -> Apart {
        match self.balance_through() {
            Some(through) if through < day => {
                Apart { from: days::shifted(through, 1), to: Some(day), balance_is_older: true }
            }
            through => Apart { from: days::shifted(day, 1), to: through, balance_is_older: false },
        }
    }

    /// With this plan, in the place of the one with its id.
    #[must_use]
    pub fn with_plan(mut self, plan: Plan) -> Self {
        match self.plans.iter_mut().find(|known| known.id == plan.id) {
            Some(known) => *known = plan,
            None => self.plans.push(plan),
        }
        self
    }

    /// Without this plan; a wish for it is void.
    #[must_use]
    pub fn without_plan(mut self, id: PlanId) -> Self {
        self.plans.retain(|plan| plan.id != id);
        if self.excess == Excess::Plan(id) {
            self.excess = Excess::ByRate;
        }
        self
    }
}

/// The days whose posted lines lie between the balance of an account and another day; none where the last is before the
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    pub from: Date,
    /// The last of them; absent: all that come after.
    pub to: Option<Date>,
    balance_is_older: bool,
}

impl Apart {
    #[must_use]
    pub fn holds(&self, day: Date) -> bool {
        self.from <= day && self.to.is_none_or(|to| day <= to)
    }

    /// By how much the balance is above that of the other day. `moved` is the sum of the lines.
    #[must_use]
    pub const fn difference(&self, moved: Money) -> Money {
        if self.balance_is_older { moved.negated() } else { moved }
    }
}

/// Who holds the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Keeping {
    /// This server: it can move this money.
    Served,
    /// A bank or issuer elsewhere: Billfold reads, reminds and recognises, and never claims to have paid.
    Linked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum AccountKind {
    Card,
    Checking,
    Savings,
    Loan,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Transaction {
    pub id: TransactionId,
    pub account: AccountId,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub posted_on: Date,
    /// Money in is positive. On a card, a charge is negative and a payment positive, as in OFX.
    pub amount: Money,
    pub description: String,
    pub memo: Option<String>,
    pub kind: TransactionKind,
    pub state: TransactionState,
    /// What makes a repeated import find this line again: the issuer's own id or a hash of its content, with the
    /// ordinal among identical twins of one file. Unique within the account.
    pub source: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum TransactionKind {
    Purchase,
    Payment,
    Refund,
    Credit,
    Debit,
    Fee,
    Interest,
    Check,
    Cash,
    Transfer,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum TransactionState {
    Pending,
    Posted,
}
