//! Bills (BI1). A template, an occurrence and a payment are three things: the template says what recurs,
//! an occurrence is one due date of it, and payments and marks decide how that occurrence stands.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, BillId, BillerId};
use crate::money::Money;
use crate::schedule::Schedule;

/// The template of a recurring or single bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Bill {
    pub id: BillId,
    /// 1 to 120 characters.
    pub name: String,
    pub amount: Money,
    /// The amount is a guess until the bill arrives; shown as "about".
    pub estimated: bool,
    pub schedule: Schedule,
    /// The biller in the directory, when the bill can be paid through the server.
    pub biller: Option<BillerId>,
    /// What the biller knows the person by, 0 to 60 characters.
    pub reference: Option<String>,
    /// The linked card whose payment this bill is.
    pub card: Option<AccountId>,
    /// Days before the due date on which a reminder is shown, largest first, at most 5, each 0 to 60.
    pub remind_days: Vec<u8>,
    /// 0 to 2,000 characters.
    pub note: Option<String>,
}

/// What the person said about one occurrence, named by its bill and nominal due date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Mark {
    pub bill: BillId,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub due_on: Date,
    /// The amount of this one occurrence, when it differs from the template's.
    pub amount: Option<Money>,
    /// Paid outside Billfold; the amount said to be paid, in full or in part.
    pub paid_elsewhere: Option<Money>,
    pub skipped: bool,
}

/// How an occurrence stands, worked out and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum OccurrenceState {
    Due,
    Overdue,
    /// A payment will leave by itself.
    Scheduled,
    /// A payment left and has not settled.
    Pending,
    PartlyPaid,
    Paid,
    Skipped,
}
