//! Accounts: `GET /api/v1/accounts`,
//! `PATCH /api/v1/accounts/{id}`, `PUT` and `DELETE /api/v1/accounts/{id}/plans/{plan}`.

pub use domain::accounts::{Account, AccountKind, Keeping, Transaction, TransactionKind, TransactionState};
pub use domain::card::{CardTerms, DueRule, Excess, IssuerFigures, Plan, PlanKind};
use serde::{Deserialize, Serialize};

/// The fields that a person edits; absent fields stay. Needs an `Idempotency-Key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<CardTerms>,
    /// Where what is above a card's minimum is to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excess: Option<Excess>,
}

impl AccountEdit {
    /// The account with these fields changed.
    #[must_use]
    pub fn applied_to(self, mut account: Account) -> Account {
        account.name = self.name.unwrap_or(account.name);
        account.terms = self.terms.or(account.terms);
        account.excess = self.excess.unwrap_or(account.excess);
        account
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountList {
    pub items: Vec<Account>,
}
