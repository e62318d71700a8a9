//! Payments from this device: the order is stored before it is sent, sent once, and followed to its end.

use domain::ids::{BillId, BillerId, PaymentId};
use domain::money::Money;
use domain::payments::PaymentState;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PaymentView {
    pub id: PaymentId,
    pub to: String,
    pub amount: Money,
    pub state: PaymentViewState,
    /// Why it was refused, returned or failed; also why the server did not take it.
    pub reason: Option<String>,
    pub bill: Option<BillId>,
    #[specta(type = Option<String>)]
    pub due_on: Option<Date>,
    /// The day it leaves, as the server said; as asked for while it is not sent.
    #[specta(type = Option<String>)]
    pub sends_on: Option<Date>,
    #[specta(type = Option<String>)]
    pub cutoff_at: Option<Timestamp>,
    #[specta(type = Option<String>)]
    pub expected_by: Option<Date>,
    #[specta(type = String)]
    pub made_at: Timestamp,
    /// Practice money: nothing real moves.
    pub practice: bool,
    pub can_cancel: bool,
    /// Oldest first.
    pub history: Vec<PaymentStepView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PaymentStepView {
    pub state: PaymentViewState,
    #[specta(type = String)]
    pub at: Timestamp,
}

/// The server's states, and the one before it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PaymentViewState {
    /// Kept on this device; the server has not answered yet.
    NotSent,
    /// The server refused the order; nothing moved.
    Refused,
    AwaitingApproval,
    Scheduled,
    Held,
    Insufficient,
    Reserved,
    Submitting,
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

impl From<PaymentState> for PaymentViewState {
    fn from(state: PaymentState) -> Self {
        match state {
            PaymentState::AwaitingApproval => Self::AwaitingApproval,
            PaymentState::Scheduled => Self::Scheduled,
            PaymentState::Held => Self::Held,
            PaymentState::Insufficient => Self::Insufficient,
            PaymentState::Reserved => Self::Reserved,
            PaymentState::Submitting => Self::Submitting,
            PaymentState::Unknown => Self::Unknown,
            PaymentState::Submitted => Self::Submitted,
            PaymentState::Settled => Self::Settled,
            PaymentState::Final => Self::Final,
            PaymentState::Returned => Self::Returned,
            PaymentState::Rejected => Self::Rejected,
            PaymentState::Failed => Self::Failed,
            PaymentState::Cancelled => Self::Cancelled,
            PaymentState::Expired => Self::Expired,
        }
    }
}

/// Pays one occurrence, or a biller outside any bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PayBill {
    pub bill: Option<BillId>,
    #[specta(type = Option<String>)]
    pub due_on: Option<Date>,
    /// Needed when there is no bill.
    pub biller: Option<BillerId>,
    pub amount: Money,
    #[specta(type = Option<String>)]
    pub send_on: Option<Date>,
    /// Paid already a moment ago, and meant again.
    pub duplicate_meant: bool,
}

/// What the pay dialog shows before the person confirms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PayQuote {
    pub to: String,
    pub bill: BillId,
    #[specta(type = String)]
    pub due_on: Date,
    pub amount: Money,
    pub left: Money,
    pub estimated: bool,
    /// Why it cannot be paid from here, when it can't.
    pub not_payable: Option<String>,
    #[specta(type = String)]
    pub sends_on: Date,
    #[specta(type = String)]
    pub expected_by: Date,
    /// The money that payments leave from.
    pub from: Option<String>,
    pub available: Option<Money>,
    pub practice: bool,
    pub online: bool,
}
