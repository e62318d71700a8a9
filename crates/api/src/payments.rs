//! Payments: `POST /api/v1/payments` (the id in the body is the idempotency key, for ever),
//! `GET` and `PATCH /api/v1/payments/{id}`, `POST /api/v1/payments/{id}/cancel`, and `POST …/approval`, which answers
//! with the address of the page on which the person approves.

use domain::ids::PaymentId;
use domain::money::Currency;
pub use domain::payments::{PaymentEdit, PaymentOrder, PaymentState};
pub use domain::policy::Limits;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::security::OneTimeAddress;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Payment {
    pub order: PaymentOrder,
    pub state: PaymentState,
    /// Why it was refused, returned or failed: `insufficient_funds`, a return code such as `R01`, …; while it is held
    /// what holds it: `new_payee`, `large_share`, `risk`, `account_locked`, `account_restricted`,
    /// `payee_stopped`; while it waits for an
    /// approval what asks for one: `first_payment`, `above_limit`, `above_day_limit`, `large_share`, `changed`, `risk`,
    /// `session_over`, `above_cap`; of one that autopay took back `nothing_due` or `above_cap`.
    pub reason: Option<String>,
    #[schema(value_type = String, format = "date")]
    pub will_process_on: Date,
    /// The last moment to cancel, and before which the order had to be here for that day.
    #[schema(value_type = String, format = "date-time")]
    pub cutoff_at: Timestamp,
    #[schema(value_type = String, format = "date")]
    pub expected_by: Date,
    /// "sandbox": practice money; "nacha" or "iso20022": real money, by files of a bank.
    pub rail: String,
    /// It waits until then for its person's approval.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub approve_by: Option<Timestamp>,
    /// It is held until then, by itself; absent: it is not, or nobody can say yet.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub held_until: Option<Timestamp>,
    /// An autopay made it, and nobody was asked about it.
    #[serde(default)]
    pub autopay: bool,
    pub history: Vec<PaymentStep>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentStep {
    pub state: PaymentState,
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    pub reason: Option<String>,
}

impl Payment {
    #[must_use]
    pub const fn id(&self) -> PaymentId {
        self.order.id
    }
}

/// `GET /api/v1/payments/limits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LimitsList {
    pub items: Vec<LimitsOf>,
}

/// What leaves to known payees without a passkey, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LimitsOf {
    #[schema(value_type = String, min_length = 3, max_length = 3, example = "USD")]
    pub currency: Currency,
    /// Those that count now.
    pub limits: Limits,
    /// The server's, where the owner has set none.
    pub usual: Limits,
    /// A raise that waits for its time.
    pub next: Option<NextLimits>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NextLimits {
    pub limits: Limits,
    #[schema(value_type = String, format = "date-time")]
    pub from: Timestamp,
}

/// `PUT /api/v1/payments/limits/{currency}`: one of the two is there.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LimitsWish {
    /// They are set, now or from a later time.
    pub set: Option<LimitsOf>,
    /// A passkey has to be shown there first.
    pub approve_at: Option<OneTimeAddress>,
}
