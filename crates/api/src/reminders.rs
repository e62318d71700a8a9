//! Reminders: `PUT /api/v1/bills/{id}/occurrences/{due_on}/reminder` keeps what the person answered to the reminders of
//! one due date, so that other devices need not ask again. Needs an `Idempotency-Key`.
//! `/api/v1/reminders/email` is for who wants reminders by e-mail, too: `GET` says how it stands, `PUT` switches it on or
//! changes it (needs an `Idempotency-Key`), `DELETE` switches it off.

pub use domain::reminders::ReminderAnswer;
use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// How reminders by e-mail are wanted. Without details a message has neither names nor amounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetEmailReminders {
    pub details: bool,
    /// The time of day at which one is sent: `09:00:00`.
    #[schema(value_type = String)]
    pub remind_at: Time,
    /// IANA zone in which that time is meant.
    pub zone: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EmailReminders {
    pub details: bool,
    #[schema(value_type = String)]
    pub remind_at: Time,
    pub zone: String,
    /// When the server looks next; a message leaves then only if something is to be said.
    #[schema(value_type = String, format = "date-time")]
    pub looks_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EmailRemindersState {
    pub reminders: Option<EmailReminders>,
    /// The confirmed address that they go to, with most of it covered; absent while there is none.
    pub to: Option<String>,
    /// This server can send e-mail.
    pub sends_email: bool,
}
