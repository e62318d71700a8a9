//! Who is signed in, where the account lives, what protects it and how fresh it is.

use domain::standing::Standing;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bills::{LATE_DAYS, SOON_DAYS, needs_person};
use crate::book::{Book, shifted};
use crate::cache::{outbox, state};
use crate::client::Client;
use crate::error::ClientError;
use crate::lock::LockReason;
use crate::refusals::Refusal;
use crate::vault::Header;

/// A second passkey that was put off is asked for again after so long.
const SECOND_PASSKEY_AGAIN: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct StatusView {
    pub phase: Phase,
    /// The person's own name for themselves.
    pub name: Option<String>,
    pub place: Option<Place>,
    pub signed_in: bool,
    pub locked: bool,
    /// Why it is locked.
    pub locked_because: Option<LockReason>,
    /// The code of what stood in the way of opening it: a keyring's trouble, said before anybody asks.
    pub trouble: Option<String>,
    pub protected_by: Option<Protection>,
    /// The last answer from the server was good.
    pub online: bool,
    #[specta(type = Option<String>)]
    pub synced_at: Option<Timestamp>,
    /// Changes kept here that the server does not have yet.
    pub waiting: u32,
    /// Changes that the server did not take, newest first, until the person has seen them.
    pub refused: Vec<Refusal>,
    /// Payments move practice money only.
    pub practice_money: bool,
    /// Occurrences that need the person: late, or due within 7 days without a payment on its way.
    pub needs_you: u32,
    pub overdue: u32,
    /// What restrains the account just now: no money leaves, or nothing new is paid.
    pub standing: Standing,
    /// The account has one passkey, and a second one was not put off these days.
    pub urge_second_passkey: bool,
    /// A recovery key was made and the person never said that they noted it: it may have gone with a lock.
    pub recovery_key_unnoted: bool,
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No account on this computer yet.
    Welcome,
    Locked,
    Ready,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// The account server runs inside the app.
    ThisComputer,
    Server {
        url: String,
        name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Keys in the system's keyring.
    Keyring,
    /// The keyring's secret, and a passphrase or PIN on top of it.
    KeyringAndPassphrase,
    Passphrase,
    /// Nothing is kept: sign in at each start.
    Memory,
}

impl Protection {
    /// Whether the system's keyring holds a part of it.
    #[must_use]
    pub const fn has_keyring(self) -> bool {
        matches!(self, Self::Keyring | Self::KeyringAndPassphrase)
    }

    #[must_use]
    pub const fn has_passphrase(self) -> bool {
        matches!(self, Self::Passphrase | Self::KeyringAndPassphrase)
    }
}

impl Client {
    pub async fn status(&self) -> Result<StatusView, ClientError> {
        let phase = self.phase();
        let mut view = StatusView {
            phase,
            name: None,
            place: self.place()?,
            signed_in: false,
            locked: phase == Phase::Locked,
            locked_because: self.locked_because(),
            trouble: self.trouble().map(|error| error.code),
            protected_by: None,
            online: self.0.online.load(std::sync::atomic::Ordering::SeqCst),
            synced_at: None,
            waiting: 0,
            refused: Vec::new(),
            practice_money: false,
            needs_you: 0,
            overdue: 0,
            standing: Standing::GOOD,
            urge_second_passkey: false,
            recovery_key_unnoted: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        if phase == Phase::Ready {
            self.describe(&mut view).await?;
        } else {
            view.protected_by = Header::find(&self.0.folder)?.map(|header| header.mode());
        }
        Ok(view)
    }

    /// The person does without a second passkey for now, and is asked again in 7 days.
    pub async fn put_second_passkey_off(&self) -> Result<(), ClientError> {
        let now = self.now();
        self.keep_here(state::SECOND_PASSKEY, &now).await
    }

    /// What restrains the account, as this device was told last.
    pub async fn standing(&self) -> Result<Standing, ClientError> {
        let told: Option<Standing> =
            self.with(async |open| state::find(open.cache.readers(), state::STANDING).await).await?;
        Ok(told.unwrap_or_default().at(self.now()))
    }

    async fn describe(&self, view: &mut StatusView) -> Result<(), ClientError> {
        let open = self.open_now()?;
        view.protected_by = Some(open.vault().header().mode());
        view.signed_in = self.is_signed_in(&open).await?;
        let (here, today) = (self.here(), self.today());
        let (me, put_off, unnoted, synced_at, waiting, book) = self
            .with(async |open| {
                let db = open.cache.readers();
                let me: Option<api::sign_in::Me> = state::find(db, state::ME).await?;
                let synced_at: Option<Timestamp> = state::find(db, state::SYNCED_AT).await?;
                let put_off: Option<Timestamp> = state::find(db, state::SECOND_PASSKEY).await?;
                let unnoted: Option<bool> = state::find(db, state::RECOVERY_UNNOTED).await?;
                let (waiting, book) = (outbox::count(db).await?, Book::read(&open.cache, here.clone()).await?);
                Ok((me, put_off, unnoted, synced_at, waiting, book))
            })
            .await?;
        view.practice_money = me.as_ref().is_some_and(|me| me.practice_money);
        let asked_again =
            put_off.is_none_or(|at| at.saturating_add(SECOND_PASSKEY_AGAIN).is_ok_and(|then| then <= self.now()));
        view.urge_second_passkey = me.as_ref().is_some_and(|me| me.passkeys == 1) && asked_again;
        view.recovery_key_unnoted = unnoted.unwrap_or(false);
        view.name = me.map(|me| me.name);
        view.synced_at = synced_at;
        view.standing = self.standing().await?;
        view.refused = self.sync().refusals().await?;
        view.waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        for one in book.between(shifted(today, -LATE_DAYS), shifted(today, SOON_DAYS)) {
            if needs_person(&one) {
                view.needs_you += 1;
                view.overdue += u32::from(one.days < 0);
            }
        }
        Ok(())
    }
}
