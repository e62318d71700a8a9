//! What the person chose for this device.

use domain::reminders::{Preferences, QuietHours};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::cache::state;
use crate::client::{Changed, Client, blocking};
use crate::error::ClientError;
use crate::lock::{IDLE_MINUTES_MAX, IDLE_MINUTES_MIN};
use crate::platform::Language;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Settings {
    /// Minutes without use until it locks, 1 to 15.
    pub lock_after_minutes: u8,
    pub theme: Theme,
    /// Local time of day at which reminders are shown, `HH:MM`.
    pub remind_at: String,
    /// Nothing is shown within these hours; what would be comes at their end.
    pub quiet: Option<Quiet>,
    /// Remind on the due day and after it, too, while it is unpaid.
    pub again_while_unpaid: bool,
    /// Tell of a payment the day before it goes out by itself.
    pub tell_of_payments: bool,
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
            quiet: None,
            again_while_unpaid: true,
            tell_of_payments: true,
            remind_days: vec![3, 1],
            details_in_notifications: true,
            start_hidden_at_sign_in: false,
        }
    }
}

/// Local times of day, `HH:MM`; over midnight when the end is the earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Quiet {
    pub from: String,
    pub until: String,
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
        time_of(&self.remind_at).unwrap_or(Time::constant(9, 0, 0, 0))
    }

    /// What the rules of reminders need to know, in the zone the person is in.
    #[must_use]
    pub(crate) fn reminders(&self, zone: TimeZone) -> Preferences {
        Preferences {
            remind_at: self.remind_time(),
            zone,
            quiet: self.quiet.as_ref().and_then(Quiet::hours),
            again_while_unpaid: self.again_while_unpaid,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ClientError> {
        let wrong =
            |message: &str| Err(ClientError::refused("invalid_request", message, "correct the setting and try again"));
        if !(IDLE_MINUTES_MIN..=IDLE_MINUTES_MAX).contains(&self.lock_after_minutes) {
            return wrong("Billfold locks after 1 to 15 minutes");
        }
        if time_of(&self.remind_at).is_none() {
            return wrong("the time of reminders is HH:MM");
        }
        if self.quiet.as_ref().is_some_and(|quiet| quiet.hours().is_none()) {
            return wrong("quiet hours are HH:MM to HH:MM, and not the same");
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

impl Quiet {
    fn hours(&self) -> Option<QuietHours> {
        QuietHours::new(time_of(&self.from)?, time_of(&self.until)?)
    }
}

pub(crate) fn time_of(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
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
            tx.commit().await?;
            self.save_own(open).await;
            Ok(())
        })
        .await?;
        self.tell(Changed::Status);
        self.0.wake.notify_one();
        Ok(())
    }

    /// What is said outside the window's pages is said in this language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.0.ports.language.now()
    }

    /// Speaks this language from now on, `None` the system's: at once, also while locked, and after each start.
    pub async fn set_language(&self, chosen: Option<Language>) -> Result<(), ClientError> {
        let before = self.language();
        self.0.ports.language.choose(chosen);
        if self.language() != before {
            self.tell(Changed::Status);
        }
        let folder = self.0.folder.clone();
        Ok(blocking(move || folder.keep_language(chosen)).await??)
    }
}
