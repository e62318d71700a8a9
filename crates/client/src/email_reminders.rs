//! Reminders by e-mail from the server (RE7), for who wants them. The server keeps the wish and sends; this device only
//! asks.

use api::reminders::{EmailReminders as Served, EmailRemindersState, SetEmailReminders};
use domain::ids::MutationId;
use jiff::Timestamp;
use serde::Serialize;

use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Method, Sending};
use crate::settings::time_of;

const EMAIL: &str = "/api/v1/reminders/email";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct EmailRemindersView {
    pub on: Option<EmailRemindersOnView>,
    /// The confirmed address that they go to, with most of it covered; absent while there is none.
    pub to: Option<String>,
    /// The server can send e-mail.
    pub sends_email: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct EmailRemindersOnView {
    /// Names and amounts stand in them.
    pub details: bool,
    /// `HH:MM`, in `zone`.
    pub remind_at: String,
    pub zone: String,
    /// When the server looks next.
    #[specta(type = String)]
    pub looks_at: Timestamp,
}

impl From<Served> for EmailRemindersOnView {
    fn from(served: Served) -> Self {
        let Served { details, remind_at, zone, looks_at } = served;
        Self { details, remind_at: remind_at.strftime("%H:%M").to_string(), zone, looks_at }
    }
}

impl From<EmailRemindersState> for EmailRemindersView {
    fn from(state: EmailRemindersState) -> Self {
        let EmailRemindersState { reminders, to, sends_email } = state;
        Self { on: reminders.map(EmailRemindersOnView::from), to, sends_email }
    }
}

/// Reminders by e-mail.
#[derive(Clone)]
pub struct EmailReminders(Client);

impl Client {
    #[must_use]
    pub fn email_reminders(&self) -> EmailReminders {
        EmailReminders(self.clone())
    }
}

impl EmailReminders {
    pub async fn view(&self) -> Result<EmailRemindersView, ClientError> {
        let answer = self.0.call(Method::Get, EMAIL, Sending::default()).await?;
        Ok(answer.json::<EmailRemindersState>().await?.into())
    }

    /// Switches them on or changes them: at this hour of the day where the person is now.
    pub async fn set(&self, details: bool, remind_at: &str) -> Result<EmailRemindersView, ClientError> {
        let wrong =
            || ClientError::refused("invalid_request", "the time of reminders is HH:MM", "correct it and try again");
        let remind_at = time_of(remind_at).ok_or_else(wrong)?;
        let zone = self.0.0.ports.zone.zone().iana_name().unwrap_or("UTC").to_owned();
        let wish = SetEmailReminders { details, remind_at, zone };
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::json(&wish)? };
        let answer = self.0.call(Method::Put, EMAIL, sending).await?;
        Ok(answer.json::<EmailRemindersState>().await?.into())
    }

    pub async fn end(&self) -> Result<(), ClientError> {
        Ok(self.0.call(Method::Delete, EMAIL, Sending::default()).await.map(drop)?)
    }
}
