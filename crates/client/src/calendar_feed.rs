//! The calendar feed: an address under which other calendars read the due dates, and the same as a file. The server
//! writes both. The address' secret is made here and shown once; nothing keeps it, neither this device nor the server.

use std::path::PathBuf;

use api::calendar_feed::{
    CALENDAR_PATH, CalendarFeed as Served, CalendarFeedState, FILE_ENDING, SECRET_BYTES, SetCalendarFeed,
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use domain::ids::MutationId;
use jiff::Timestamp;
use jiff::civil::Time;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::client::{Client, blocking};
use crate::error::ClientError;
use crate::http::{CallError, Method, Sending};
use crate::platform::random;
use crate::settings::time_of;
use crate::status::Place;

const CALENDAR: &str = "/api/v1/calendar";
/// A longer text is no calendar of ours.
const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CalendarFeedView {
    pub feed: Option<CalendarFeedOnView>,
    /// The account lives on this computer: its addresses are read here alone, and while Billfold runs.
    pub only_here: bool,
}

/// An address that a calendar may be subscribed to. What it is was shown when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CalendarFeedOnView {
    pub amounts: bool,
    /// `HH:MM`, at which its alarms ring.
    pub remind_at: String,
    #[specta(type = String)]
    pub made_at: Timestamp,
    #[specta(type = Option<String>)]
    pub read_at: Option<Timestamp>,
}

impl From<Served> for CalendarFeedOnView {
    fn from(served: Served) -> Self {
        let Served { amounts, remind_at, made_at, read_at } = served;
        Self { amounts, remind_at: remind_at.strftime("%H:%M").to_string(), made_at, read_at }
    }
}

/// Due dates in other calendars.
#[derive(Clone)]
pub struct CalendarFeed(Client);

impl Client {
    #[must_use]
    pub fn calendar_feed(&self) -> CalendarFeed {
        CalendarFeed(self.clone())
    }
}

impl CalendarFeed {
    pub async fn view(&self) -> Result<CalendarFeedView, ClientError> {
        let answer = self.0.call(Method::Get, CALENDAR, Sending::default()).await?;
        let state: CalendarFeedState = answer.json().await?;
        let only_here = matches!(self.0.place()?, Some(Place::ThisComputer));
        Ok(CalendarFeedView { feed: state.feed.map(CalendarFeedOnView::from), only_here })
    }

    /// Makes an address; one of before ends. It is given this once.
    pub async fn make_address(&self, amounts: bool, remind_at: &str) -> Result<String, ClientError> {
        let remind_at = read_time(remind_at)?;
        let origin = self.0.origin(&*self.0.open_now()?).ok_or(CallError::Unreachable)?;
        let secret = Zeroizing::new(random::<SECRET_BYTES>(self.0.0.ports.chance.as_ref()));
        let secret = Zeroizing::new(BASE64URL_NOPAD.encode(secret.as_slice()));
        let secret_hash = Some(HEXLOWER.encode(&Sha256::digest(secret.as_bytes())));
        self.set(&SetCalendarFeed { amounts, remind_at, secret_hash }).await?;
        Ok(format!("{origin}{CALENDAR_PATH}{}{FILE_ENDING}", secret.as_str()))
    }

    /// Changes what stands under the address that is there.
    pub async fn change(&self, amounts: bool, remind_at: &str) -> Result<(), ClientError> {
        self.set(&SetCalendarFeed { amounts, remind_at: read_time(remind_at)?, secret_hash: None }).await
    }

    async fn set(&self, wish: &SetCalendarFeed) -> Result<(), ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::json(wish)? };
        self.0.call(Method::Put, CALENDAR, sending).await.map(drop)?;
        Ok(())
    }

    /// Ends the address: calendars that read it find nothing any more.
    pub async fn end(&self) -> Result<(), ClientError> {
        Ok(self.0.call(Method::Delete, CALENDAR, Sending::default()).await.map(drop)?)
    }

    /// Writes the calendar to a file that the person chose, with what was changed here until now.
    pub async fn save(&self, to: PathBuf) -> Result<(), ClientError> {
        self.0.sync().now().await?;
        let answer = self.0.call(Method::Get, &format!("{CALENDAR}/file"), Sending::default()).await?;
        let text = answer.bytes_within(FILE_BYTES_MAX).await?;
        blocking(move || std::fs::write(&to, text)).await?.map_err(ClientError::not_written)?;
        Ok(())
    }
}

fn read_time(text: &str) -> Result<Time, ClientError> {
    let wrong = || ClientError::refused("invalid_request", "the time of alarms is HH:MM", "correct it and try again");
    time_of(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::lock;
    use crate::server_tests::{signed_in, start_fake};
    use crate::testing::World;

    #[tokio::test]
    async fn the_server_learns_the_hash_of_an_address_and_each_address_is_another() {
        let world = World::new();
        let fake = start_fake().await;
        let client = signed_in(&world, &fake).await;
        let feed = client.calendar_feed();
        let first = feed.make_address(true, "08:30").await.unwrap();
        let second = feed.make_address(true, "08:30").await.unwrap();
        assert_ne!(first, second);
        let writes = lock(&fake).writes.clone();
        let origin = lock(&fake).origin().to_owned();
        for (address, (method, path, key, body)) in [&first, &second].into_iter().zip(&writes) {
            let secret =
                address.strip_prefix(&format!("{origin}/calendar/")).and_then(|rest| rest.strip_suffix(".ics"));
            let secret = secret.unwrap();
            assert_eq!(secret.len(), 43, "256 bits");
            assert_eq!((method.as_str(), path.as_str(), key.is_empty()), ("PUT", CALENDAR, false));
            assert_eq!(body["secret_hash"], HEXLOWER.encode(&Sha256::digest(secret)));
            assert!(!body.to_string().contains(secret), "the secret itself stays here");
            assert_eq!((&body["amounts"], &body["remind_at"]), (&true.into(), &"08:30:00".into()));
        }
        let refused = feed.make_address(true, "half past").await.unwrap_err();
        assert_eq!(refused.code, "invalid_request");
        assert_eq!(lock(&fake).writes.len(), 2);
        world.end().await;
    }
}
