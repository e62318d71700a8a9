//! Payments: `POST /api/v1/payments` (the id in the body is the idempotency key, for ever),
//! `GET /api/v1/payments/{id}`, `POST /api/v1/payments/{id}/cancel`.

use domain::ids::PaymentId;
pub use domain::payments::{PaymentOrder, PaymentState};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Payment {
    pub order: PaymentOrder,
    pub state: PaymentState,
    /// Why it was refused, returned or failed: `insufficient_funds`, a return code such as `R01`, …; while it is held
    /// what holds it: `new_payee`, `large_share`, `risk`, `account_locked`, `account_restricted`.
    pub reason: Option<String>,
    #[schema(value_type = String, format = "date")]
    pub will_process_on: Date,
    /// The last moment to cancel, and before which the order had to be here for that day.
    #[schema(value_type = String, format = "date-time")]
    pub cutoff_at: Timestamp,
    #[schema(value_type = String, format = "date")]
    pub expected_by: Date,
    /// "sandbox": practice money.
    pub rail: String,
    /// It is held until then, by itself; absent: it is not, or nobody can say yet.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub held_until: Option<Timestamp>,
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
