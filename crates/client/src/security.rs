//! The security log on this device: readable offline, held to its chain, and "Was this you?".

use std::sync::Arc;

use api::devices::DeviceList;
use api::security::EventAnswer;
use domain::ids::{DeviceId, FactorId, MutationId, PasskeyId};
use domain::security::{SecurityEvent, may_answer_beside, open_questions, signed_in, signed_in_since};
use domain::ways_in::{FactorKind, PasswordState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cache::{security as rows, state};
use crate::client::{Changed, Client, blocking};
use crate::error::ClientError;
use crate::http::{Method, Sending};
use crate::records::Unread;

const PASSKEYS: &str = "/api/v1/security/passkeys";
const DEVICES: &str = "/api/v1/devices";
const LOCK: &str = "/api/v1/security/lock";
const WAYS_IN: &str = "/api/v1/security/ways-in";
const PASSWORD: &str = "/api/v1/security/password";
const FACTORS: &str = "/api/v1/security/factors";

/// The devices that the server listed when the log here reached an entry.
#[derive(Serialize, Deserialize)]
struct Listed {
    number: i64,
    devices: Vec<DeviceId>,
}

/// The log as the person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SecurityView {
    /// Newest first.
    pub events: Vec<SecurityEvent>,
    /// The entries that ask "Was this you?" here, oldest first.
    pub questions: Vec<SecurityEvent>,
    /// The first entry that is not as it was written: the server's log was changed behind everybody's back.
    pub broken_at: Option<i64>,
}

/// A passkey of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PasskeyView {
    pub id: PasskeyId,
    pub name: String,
    #[specta(type = String)]
    pub created_at: Timestamp,
    #[specta(type = Option<String>)]
    pub last_used_at: Option<Timestamp>,
    /// Kept in several places: losing one device does not lose it.
    pub synced: bool,
    /// It cannot be removed.
    pub last: bool,
}

/// The password of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PasswordView {
    /// The account's name at sign-in.
    pub name: String,
    pub state: PasswordState,
    /// It stays a way in beside two passkeys.
    pub kept: bool,
    #[specta(type = String)]
    pub changed_at: Timestamp,
    #[specta(type = Option<String>)]
    pub last_used_at: Option<Timestamp>,
    /// It cannot be removed.
    pub last: bool,
}

/// What is shown beside the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct FactorView {
    pub id: FactorId,
    pub kind: FactorKind,
    pub name: String,
    #[specta(type = String)]
    pub created_at: Timestamp,
    #[specta(type = Option<String>)]
    pub last_used_at: Option<Timestamp>,
    /// It cannot be removed.
    pub last: bool,
}

/// What the account has beside its passkeys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct WaysInView {
    pub password: Option<PasswordView>,
    /// Oldest first.
    pub factors: Vec<FactorView>,
    /// Where a code goes beside the password while there is no authenticator app: the first of them.
    pub codes_to: Vec<CodesToView>,
}

/// A confirmed address as a second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct CodesToView {
    pub kind: FactorKind,
    pub to: String,
}

/// Where the browser goes to add or change a way in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct VisitStarted {
    pub address: String,
    pub browser_opened: bool,
}

/// The security log, and the ways into the account.
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
        let (log, changed, here, listed, unread) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                let me: Option<api::sign_in::Me> = state::find(db, state::ME).await?;
                let listed: Option<Listed> = state::find(db, state::DEVICES).await?;
                let unread: Unread = state::find(db, state::UNREAD).await?.unwrap_or_default();
                let here = me.map(|me| me.device);
                Ok((rows::log(db).await?, rows::changed(db).await?, here, listed, unread.entries))
            })
            .await?;
        // A device is not asked about itself while another one can be.
        let there = match listed {
            Some(listed) => signed_in_since(&log, &listed.devices, listed.number, self.0.now()),
            None => signed_in(&log, self.0.now()),
        };
        let asked = |event: &&SecurityEvent| here.is_none_or(|here| may_answer_beside(&log, event, here, &there));
        let questions = open_questions(&log).into_iter().filter(asked).cloned().collect();
        // An entry that this version does not know is not one that was taken out.
        let before = std::iter::once(None).chain(log.iter().map(Some));
        let follows = |(event, before): &(&SecurityEvent, Option<&SecurityEvent>)| {
            unread.contains(&event.number.saturating_sub(1)) || event.follows(*before)
        };
        let broken = log.iter().zip(before).find(|pair| !follows(pair)).map(|(event, _)| event.number);
        let broken_at = changed.into_iter().chain(broken).min();
        let mut events = log;
        events.reverse();
        Ok(SecurityView { events, questions, broken_at })
    }

    /// The devices of this account, as the server says now. Who may be asked "Was this you?" follows it: a sign-in that ended
    /// without a word is not in the log.
    pub(crate) async fn list_devices(&self) -> Result<DeviceList, ClientError> {
        // What the log tells from here on may not be in the answer.
        let log = self.0.with(async |open| rows::log(open.cache.readers()).await).await?;
        let number = log.last().map_or(0, |event| event.number);
        let answer = self.0.call(Method::Get, DEVICES, Sending::default()).await?;
        let list: DeviceList = answer.json().await?;
        let listed = Listed { number, devices: list.items.iter().map(|device| device.id).collect() };
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                state::put(&mut *tx, state::DEVICES, &listed).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        Ok(list)
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

    /// The account's passkeys, oldest first; asked of the server.
    pub async fn passkeys(&self) -> Result<Vec<PasskeyView>, ClientError> {
        let answer = self.0.call(Method::Get, PASSKEYS, Sending::default()).await?;
        let list: api::security::PasskeyList = answer.json().await?;
        let view = |passkey: api::security::Passkey| PasskeyView {
            id: passkey.id,
            name: passkey.name,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
            synced: passkey.synced,
            last: passkey.last,
        };
        Ok(list.items.into_iter().map(view).collect())
    }

    /// Begins to add a passkey: the rest happens on the server's page, in the browser.
    pub async fn add_passkey(&self, open_browser: bool) -> Result<VisitStarted, ClientError> {
        self.begin_visit(PASSKEYS, open_browser).await
    }

    /// Begins a visit of the browser to the server's own page.
    async fn begin_visit(&self, path: &str, open_browser: bool) -> Result<VisitStarted, ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::default() };
        let answer = self.0.call(Method::Post, path, sending).await?;
        let begun: api::security::OneTimeAddress = answer.json().await?;
        let (browser, address) = (Arc::clone(&self.0.0.ports.browser), begun.address.clone());
        let browser_opened = open_browser && blocking(move || browser.open(&address)).await?;
        Ok(VisitStarted { address: begun.address, browser_opened })
    }

    /// Locks the account at once: no money leaves, no way in is added. What is scheduled is held.
    pub async fn lock_account(&self) -> Result<(), ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::default() };
        self.0.call(Method::Post, LOCK, sending).await?;
        self.0.sync().now().await
    }

    /// Releases the lock: at once where there is nothing stronger to ask for, else on the server's page, with a passkey.
    pub async fn release_account(&self, open_browser: bool) -> Result<Option<VisitStarted>, ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..Sending::default() };
        let answer = self.0.call(Method::Delete, LOCK, sending).await?;
        if answer.is_empty() {
            self.0.sync().now().await?;
            return Ok(None);
        }
        self.in_browser(answer.json().await?, open_browser).await.map(Some)
    }

    /// Opens the address in the system's browser, unless the person opens it themselves.
    pub(crate) async fn in_browser(
        &self,
        begun: api::security::OneTimeAddress,
        open_browser: bool,
    ) -> Result<VisitStarted, ClientError> {
        let (browser, address) = (Arc::clone(&self.0.0.ports.browser), begun.address.clone());
        let browser_opened = open_browser && blocking(move || browser.open(&address)).await?;
        Ok(VisitStarted { address: begun.address, browser_opened })
    }

    pub async fn rename_passkey(&self, id: PasskeyId, name: &str) -> Result<(), ClientError> {
        let sending = Sending::json(&api::security::PasskeyName { name: name.to_owned() })?;
        self.change(Method::Patch, &format!("{PASSKEYS}/{id}"), sending).await
    }

    /// Removes a passkey. The account's other devices are signed out unless they are to be kept.
    pub async fn remove_passkey(&self, id: PasskeyId, keep_devices: bool) -> Result<(), ClientError> {
        let path = format!("{PASSKEYS}/{id}?keep_devices={keep_devices}");
        self.change(Method::Delete, &path, Sending::default()).await
    }

    /// The password and the second factors; asked of the server.
    pub async fn ways_in(&self) -> Result<WaysInView, ClientError> {
        let answer = self.0.call(Method::Get, WAYS_IN, Sending::default()).await?;
        let ways: api::security::WaysIn = answer.json().await?;
        let password = |password: api::security::Password| PasswordView {
            name: password.name,
            state: password.state,
            kept: password.kept,
            changed_at: password.changed_at,
            last_used_at: password.last_used_at,
            last: password.last,
        };
        let factor = |factor: api::security::Factor| FactorView {
            id: factor.id,
            kind: factor.kind,
            name: factor.name,
            created_at: factor.created_at,
            last_used_at: factor.last_used_at,
            last: factor.last,
        };
        Ok(WaysInView {
            password: ways.password.map(password),
            factors: ways.factors.into_iter().map(factor).collect(),
            codes_to: ways.codes_to.into_iter().map(|one| CodesToView { kind: one.kind, to: one.to }).collect(),
        })
    }

    /// Begins to set or change the password: the rest happens on the server's page, in the browser.
    pub async fn set_password(&self, open_browser: bool) -> Result<VisitStarted, ClientError> {
        self.begin_visit(PASSWORD, open_browser).await
    }

    /// Removes the password. The account's other devices are signed out unless they are to be kept.
    pub async fn remove_password(&self, keep_devices: bool) -> Result<(), ClientError> {
        let path = format!("{PASSWORD}?keep_devices={keep_devices}");
        self.change(Method::Delete, &path, Sending::default()).await
    }

    /// Begins to keep the password beside two passkeys: the person says so on the server's page, in the browser.
    pub async fn keep_password(&self, open_browser: bool) -> Result<VisitStarted, ClientError> {
        self.begin_visit(&format!("{PASSWORD}/kept"), open_browser).await
    }

    /// Lets the passkeys stand alone where there are two.
    pub async fn let_password_go(&self) -> Result<(), ClientError> {
        self.change(Method::Delete, &format!("{PASSWORD}/kept"), Sending::default()).await
    }

    /// Begins to set up an authenticator app: the rest happens on the server's page, in the browser.
    pub async fn add_authenticator(&self, open_browser: bool) -> Result<VisitStarted, ClientError> {
        self.begin_visit(FACTORS, open_browser).await
    }

    pub async fn rename_factor(&self, id: FactorId, name: &str) -> Result<(), ClientError> {
        let sending = Sending::json(&api::security::FactorName { name: name.to_owned() })?;
        self.change(Method::Patch, &format!("{FACTORS}/{id}"), sending).await
    }

    /// Removes a second factor. The account's other devices are signed out unless they are to be kept.
    pub async fn remove_factor(&self, id: FactorId, keep_devices: bool) -> Result<(), ClientError> {
        let path = format!("{FACTORS}/{id}?keep_devices={keep_devices}");
        self.change(Method::Delete, &path, Sending::default()).await
    }

    async fn change(&self, method: Method, path: &str, sending: Sending) -> Result<(), ClientError> {
        let sending = Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending };
        self.0.call(method, path, sending).await?;
        self.0.sync().now().await
    }

    /// Writes the log as a CSV table, oldest first, with the chain's hashes. Gives how many entries it has.
    pub async fn save(&self, to: std::path::PathBuf) -> Result<usize, ClientError> {
        let text = self.table().await?;
        blocking(move || std::fs::write(&to, text)).await?.map_err(ClientError::not_written)?;
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
