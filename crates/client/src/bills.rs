//! Bills on this device: templates, their occurrences and marks. Works offline; changes wait in the outbox.

use domain::bills::{Bill, OccurrenceState};
use domain::ids::{BillId, BillerId, PaymentId};
use domain::money::Money;
use domain::schedule::Schedule;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// One due date of a bill, as every screen shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct OccurrenceView {
    pub bill: BillId,
    pub name: String,
    #[specta(type = String)]
    pub due_on: Date,
    /// What is owed for this date in all.
    pub amount: Money,
    /// What no payment covers yet, on its way or settled; never below zero.
    pub left: Money,
    pub estimated: bool,
    pub state: OccurrenceState,
    /// From today; negative when late.
    pub days: i32,
    /// It can be paid through this server.
    pub payable: bool,
    /// The newest payment of this occurrence.
    pub payment: Option<PaymentId>,
    /// The day that payment leaves.
    #[specta(type = Option<String>)]
    pub sends_on: Option<Date>,
    /// The payment is kept here and was not sent yet.
    pub not_sent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BillsView {
    #[specta(type = String)]
    pub today: Date,
    /// Unsettled ones of the past year, and all of the last 30 and next 60 days; by due date.
    pub occurrences: Vec<OccurrenceView>,
    /// By name.
    pub bills: Vec<BillView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BillView {
    pub bill: Bill,
    pub biller_name: Option<String>,
    pub payable: bool,
    #[specta(type = Option<String>)]
    pub next_due_on: Option<Date>,
    /// Its last 12 settled or skipped occurrences, newest first.
    pub history: Vec<OccurrenceView>,
}

/// What a person types to add a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct NewBill {
    pub name: String,
    pub amount: Money,
    pub estimated: bool,
    pub schedule: Schedule,
    pub biller: Option<BillerId>,
    pub reference: Option<String>,
    pub remind_days: Vec<u8>,
    pub note: Option<String>,
}

/// What a person says about one occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MarkAs {
    /// Paid outside Billfold, in full when no amount is given.
    Paid { amount: Option<Money> },
    Skipped,
    /// This once another amount is owed.
    Amount { amount: Money },
    /// Takes back every mark.
    Unmarked,
}
