//! Reminders: `PUT /api/v1/bills/{id}/occurrences/{due_on}/reminder` keeps what the person answered to the reminders of
//! one due date, so that other devices need not ask again. Needs an `Idempotency-Key`.

pub use domain::reminders::ReminderAnswer;
