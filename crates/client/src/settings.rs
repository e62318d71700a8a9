//! What the person chose for this device.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Settings {
    /// Minutes without use until it locks, 1 to 15.
    pub lock_after_minutes: u8,
    pub theme: Theme,
    /// Local time of day at which reminders are shown, `HH:MM`.
    pub remind_at: String,
    /// Days before, for new bills.
    pub remind_days: Vec<u8>,
    /// Names and amounts may stand in notifications; otherwise "1 payment is due tomorrow".
    pub details_in_notifications: bool,
    pub start_hidden_at_sign_in: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lock_after_minutes: 5,
            theme: Theme::System,
            remind_at: "09:00".to_owned(),
            remind_days: vec![3, 1],
            details_in_notifications: true,
            start_hidden_at_sign_in: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    System,
    Light,
    Dark,
}
