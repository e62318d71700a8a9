//! What the person chose for this device.

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::cache::state;
use crate::client::{Changed, Client};
use crate::error::ClientError;
use crate::lock::{IDLE_MINUTES_MAX, IDLE_MINUTES_MIN};

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

impl Settings {
    /// The hour of reminders; nine when the text is not a time.
    #[must_use]
    pub fn remind_time(&self) -> Time {
        Time::strptime("%H:%M", &self.remind_at).unwrap_or(Time::constant(9, 0, 0, 0))
    }

    fn check(&self) -> Result<(), ClientError> {
        let wrong =
            |message: &str| Err(ClientError::refused("invalid_request", message, "correct the setting and try again"));
        if !(IDLE_MINUTES_MIN..=IDLE_MINUTES_MAX).contains(&self.lock_after_minutes) {
            return wrong("Billfold locks after 1 to 15 minutes");
        }
        if Time::strptime("%H:%M", &self.remind_at).is_err() {
            return wrong("the time of reminders is HH:MM");
        }
        let days = &self.remind_days;
        if days.len() > domain::bills::Bill::REMINDERS_MAX
            || days.iter().any(|day| *day > domain::bills::Bill::REMIND_DAYS_MAX)
        {
            return wrong("at most 5 reminders, each 0 to 60 days before");
        }
        Ok(())
    }
}

impl Client {
    pub async fn settings(&self) -> Result<Settings, ClientError> {
        self.with(async |open| self.settings_now(open).await).await
    }

    pub async fn set_settings(&self, mut settings: Settings) -> Result<(), ClientError> {
        settings.check()?;
        settings.remind_days = domain::bills::sorted_remind_days(settings.remind_days);
        self.with(async |open| {
            let mut tx = open.cache.begin().await?;
            state::put(&mut *tx, state::SETTINGS, &settings).await?;
            Ok(tx.commit().await?)
        })
        .await?;
        self.tell(Changed::Status);
        self.0.wake.notify_one();
        Ok(())
    }
}
