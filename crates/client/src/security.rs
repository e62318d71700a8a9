//! The security log on this device: readable offline, held to its chain, and "Was this you?".

use api::security::EventAnswer;
use domain::ids::MutationId;
use domain::security::{SecurityEvent, first_break, open_questions};
use serde::Serialize;

use crate::cache::security as rows;
use crate::client::{Changed, Client, blocking};
use crate::error::ClientError;
use crate::http::{Method, Sending};

/// The log as the person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SecurityView {
    /// Newest first.
    pub events: Vec<SecurityEvent>,
    /// The entries that ask "Was this you?", oldest first.
    pub questions: Vec<SecurityEvent>,
    /// The first entry that is not as it was written: the server's log was changed behind everybody's back.
    pub broken_at: Option<i64>,
}

/// The security log.
#[derive(Clone)]
pub struct Security(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn security(&self) -> Security {
        Security(self.clone())
    }
}

impl Security {
    /// What this device knows of it, also offline.
    pub async fn log(&self) -> Result<SecurityView, ClientError> {
        let (log, changed) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                Ok((rows::log(db).await?, rows::changed(db).await?))
            })
            .await?;
        let questions = open_questions(&log).into_iter().cloned().collect();
        let broken_at = changed.into_iter().chain(first_break(&log)).min();
        let mut events = log;
        events.reverse();
        Ok(SecurityView { events, questions, broken_at })
    }

    /// Answers "Was this you?" about an entry. A no signs the device of that entry out.
    pub async fn answer(&self, number: i64, mine: bool) -> Result<(), ClientError> {
        let sending = Sending::json(&EventAnswer { mine })?;
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending };
        self.0.call(Method::Post, &format!("/api/v1/security/events/{number}/answer"), sending).await?;
        self.0.sync().now().await?;
        self.0.tell(Changed::Status);
        Ok(())
    }

    /// Writes the log as a CSV table, oldest first, with the chain's hashes. Gives how many entries it has.
    pub async fn save(&self, to: std::path::PathBuf) -> Result<usize, ClientError> {
        let text = self.table().await?;
        blocking(move || std::fs::write(&to, text)).await?.map_err(crate::folder::FileError::from)?;
        Ok(self.log().await?.events.len())
    }

    async fn table(&self) -> Result<String, ClientError> {
        let view = self.log().await?;
        let rows: Vec<Vec<String>> = view
            .events
            .iter()
            .rev()
            .map(|event| {
                let id = |id: Option<domain::ids::DeviceId>| id.map(|id| id.to_string()).unwrap_or_default();
                vec![
                    event.number.to_string(),
                    event.at.to_string(),
                    event.kind.as_str().to_owned(),
                    event.name.clone().unwrap_or_default(),
                    id(event.device),
                    id(event.by),
                    event.about.map(|about| about.to_string()).unwrap_or_default(),
                    event.hash.clone(),
                ]
            })
            .collect();
        Ok(formats::csv::table(&["number", "at", "kind", "name", "device", "by", "about", "hash"], &rows))
    }
}
