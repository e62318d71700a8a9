//! Reminders from this device: what was delivered, what comes next, and why none.

use domain::ids::BillId;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct RemindersView {
    /// The system's own timer runs `billfold remind` while the app is closed.
    pub timer: TimerState,
    pub delivered: Vec<DeliveredView>,
    pub next: Option<NextReminderView>,
    /// Why none will come, in plain words, when none will.
    pub why_none: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TimerState {
    On,
    Off,
    /// This system has none that Billfold can use; the reason.
    NotHere {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct DeliveredView {
    pub bill: BillId,
    pub name: String,
    #[specta(type = String)]
    pub due_on: Date,
    #[specta(type = String)]
    pub at: Timestamp,
    pub days_before: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct NextReminderView {
    pub bill: BillId,
    pub name: String,
    #[specta(type = String)]
    pub due_on: Date,
    #[specta(type = String)]
    pub at: Timestamp,
}
