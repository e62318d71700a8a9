//! Payment states and the only legal ways between them (SECURITY decisions, payment states).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{BillId, BillerId, PaymentId};
use crate::money::Money;

/// What the person ordered. The id was made and stored by the client before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PaymentOrder {
    pub id: PaymentId,
    pub biller: BillerId,
    pub reference: Option<String>,
    /// Above zero.
    pub amount: Money,
    /// The occurrence that this pays, if any.
    pub bill: Option<BillId>,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub due_on: Option<Date>,
    /// The day it should leave; absent: as soon as possible.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub send_on: Option<Date>,
    /// Same payee, amount and day under another id is meant (answers `possible_duplicate`).
    #[serde(default)]
    pub duplicate_meant: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum PaymentState {
    AwaitingApproval,
    Scheduled,
    Held,
    Insufficient,
    Reserved,
    Submitting,
    /// The rail did not answer. It is being asked and will not be sent twice.
    Unknown,
    Submitted,
    Settled,
    Final,
    Returned,
    Rejected,
    Failed,
    Cancelled,
    Expired,
}
