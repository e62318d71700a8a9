//! The list of due days beside the cache, for runs without the keys: opaque ids and days, no names, no amounts. It is
//! sealed by a key of its own, which stays at hand while Billfold is locked.

use domain::reminders::{Lead, Need, Preferences, QuietHours, Snooze, Turn};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Reminders, notice_id};
use crate::book::shifted;
use crate::cache::CacheError;
use crate::client::{Client, blocking, lock};
use crate::error::ClientError;
use crate::folder;
use crate::platform::{Secret, SecretKind, SecretName};
use crate::seal::{SealKey, derive, seal, unseal};
use crate::status::Protection;
use crate::vault::{Header, VaultError};

/// How far ahead the list reaches.
pub(super) const DAYS: i32 = 120;
const PURPOSE: &[u8] = b"billfold due list";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DueList {
    /// The person's hour, and the hours in which nothing is shown: moments are worked out where the computer is now.
    remind_at: Time,
    quiet: Option<(Time, Time)>,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The lead, opaque.
    pub id: String,
    /// The due date of its bill, opaque: several leads may be of one.
    pub of: String,
    pub falls_on: Date,
    /// The day on which it is reminded.
    day: Date,
    /// It was snoozed until then.
    not_before: Option<Timestamp>,
    /// It goes out by itself; then `falls_on` is the day on which it does.
    pub goes_out: bool,
    pub shown: bool,
}

impl DueList {
    pub fn new(preferences: &Preferences, entries: Vec<Entry>) -> Self {
        let quiet = preferences.quiet.map(|quiet| quiet.hours());
        Self { remind_at: preferences.remind_at, quiet, entries }
    }

    fn preferences(&self, client: &Client) -> Preferences {
        Preferences {
            remind_at: self.remind_at,
            zone: client.0.ports.zone.zone(),
            quiet: self.quiet.and_then(|(from, until)| QuietHours::new(from, until)),
            again_while_unpaid: true,
        }
    }

    /// What is due to be shown now; nothing within the quiet hours.
    pub fn due(&self, client: &Client) -> Vec<&Entry> {
        let (preferences, now) = (self.preferences(client), client.now());
        if preferences.after_quiet(now) > now {
            return Vec::new();
        }
        self.entries.iter().filter(|entry| !entry.shown && entry.at(&preferences).is_some_and(|at| at <= now)).collect()
    }

    /// When the next one is due.
    pub fn next_at(&self, client: &Client) -> Option<Timestamp> {
        let (preferences, now) = (self.preferences(client), client.now());
        let waiting = self.entries.iter().filter(|entry| !entry.shown);
        waiting.filter_map(|entry| entry.at(&preferences)).min().map(|at| preferences.after_quiet(at.max(now)))
    }
}

impl Entry {
    pub fn of(key: &SealKey, lead: &Lead, day: Date, falls_on: Date, not_before: Option<Timestamp>) -> Self {
        Self {
            id: opaque(key, &notice_id(lead)),
            of: opaque(key, &format!("{}/{}", lead.bill, lead.due_on)),
            falls_on,
            day,
            not_before,
            goes_out: lead.turn == Turn::GoesOut,
            shown: false,
        }
    }

    /// What was put off comes by itself, whether or not another reminder falls on its moment.
    pub fn of_snooze(key: &SealKey, snooze: &Snooze, falls_on: Date, zone: &TimeZone) -> Self {
        Self {
            id: snooze_id(key, snooze),
            of: opaque(key, &format!("{}/{}", snooze.bill, snooze.due_on)),
            falls_on,
            // The hour of the day before is over when it ends, so that its end alone counts.
            day: shifted(snooze.until.to_zoned(zone.clone()).date(), -1),
            not_before: Some(snooze.until),
            goes_out: false,
            shown: false,
        }
    }

    fn at(&self, preferences: &Preferences) -> Option<Timestamp> {
        let at = preferences.moment(self.day)?;
        Some(preferences.after_quiet(self.not_before.map_or(at, |until| until.max(at))))
    }
}

pub(super) fn opaque_id(key: &SealKey, lead: &Lead) -> String {
    opaque(key, &notice_id(lead))
}

pub(super) fn snooze_id(key: &SealKey, snooze: &Snooze) -> String {
    opaque(key, &format!("{}/{}/until {}", snooze.bill, snooze.due_on, snooze.until))
}

fn opaque(key: &SealKey, text: &str) -> String {
    data_encoding::HEXLOWER.encode(&derive(key.as_slice(), text.as_bytes(), b"billfold due id").as_slice()[..16])
}

impl Reminders {
    /// Brings the list up to the cache's. What is kept in memory alone has none.
    pub(crate) async fn write_due_list(&self) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        if open.vault().header().mode() == Protection::Memory {
            return Ok(());
        }
        let desk = self.desk().await?;
        let key = self.list_key(true).await?.ok_or_else(ClientError::locked)?;
        let candidates = super::candidates(&desk.book, &desk.settings, &desk.snoozes, DAYS);
        let known = desk.known(&candidates);
        let mut entries = Vec::new();
        for candidate in candidates {
            let snoozed = desk.snoozes.iter().find(|s| s.bill == candidate.bill && s.due_on == candidate.due_on);
            let falls_on = super::goes_out_on(&candidate).unwrap_or(candidate.falls_on);
            let leads = candidate.leads(&desk.preferences).into_iter();
            for (lead, day) in leads.filter(|(lead, _)| !known.contains(lead)) {
                entries.push(Entry::of(&key, &lead, day, falls_on, snoozed.map(|snooze| snooze.until)));
            }
            if let Some(snooze) = snoozed.filter(|_| candidate.need == Need::Person) {
                entries.push(Entry::of_snooze(&key, snooze, falls_on, &desk.preferences.zone));
            }
        }
        entries.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
        let list = DueList::new(&desk.preferences, entries);
        if self.read_list().await?.as_ref() == Some(&list) {
            return Ok(());
        }
        self.save_list(&list).await
    }

    pub(super) async fn read_list(&self) -> Result<Option<DueList>, ClientError> {
        let Some(sealed) = folder::read(&self.0.0.folder.due())? else { return Ok(None) };
        let Some(key) = self.list_key(false).await? else { return Ok(None) };
        // A list that does not read is written anew at the next unlocking.
        let plain = unseal(&key, PURPOSE, &sealed).ok();
        let list: Option<DueList> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        // What was shown while the list could not be written was shown all the same.
        let told = lock(&self.0.0.told).clone();
        Ok(list.map(|mut list| {
            list.entries.iter_mut().filter(|entry| told.contains(&entry.id)).for_each(|entry| entry.shown = true);
            list
        }))
    }

    pub(super) async fn save_list(&self, list: &DueList) -> Result<(), ClientError> {
        let Some(key) = self.list_key(true).await? else { return Ok(()) };
        let plain = serde_json::to_vec(list).map_err(|_| CacheError::Damaged)?;
        let sealed = seal(&key, PURPOSE, &plain, self.0.0.ports.chance.as_ref()).map_err(|_| CacheError::Damaged)?;
        Ok(folder::replace(&self.0.0.folder.due(), &sealed)?)
    }

    /// The list's own key: in the keyring; where there is none, in a file for its owner alone, since a reminder must
    /// come without the passphrase. What it guards is days, nothing else.
    pub(super) async fn list_key(&self, make: bool) -> Result<Option<SealKey>, ClientError> {
        if let Some(key) = lock(&self.0.0.list_key).clone() {
            return Ok(Some(key));
        }
        let client = self.0.clone();
        let key = blocking(move || find_key(&client, make)).await??;
        lock(&self.0.0.list_key).clone_from(&key);
        Ok(key)
    }
}

fn find_key(client: &Client, make: bool) -> Result<Option<SealKey>, ClientError> {
    let (folder, ports) = (&client.0.folder, &client.0.ports);
    let Some(header) = Header::find(folder)? else { return Ok(None) };
    let name = SecretName { vault: header.id(), kind: SecretKind::DueList };
    let in_keyring = header.mode().has_keyring();
    let kept = if in_keyring {
        let found = ports.secrets.find(name).map_err(VaultError::from)?;
        found.map(|secret| secret.expose().to_vec())
    } else {
        folder::read(&folder.due_key())?
    };
    if let Some(bytes) = kept {
        return Ok(SealKey::read(&Zeroizing::new(bytes)));
    }
    if !make {
        return Ok(None);
    }
    let key = SealKey::random(ports.chance.as_ref());
    if in_keyring {
        ports.secrets.put(name, &Secret::new(key.as_slice().to_vec())).map_err(VaultError::from)?;
    } else {
        folder::replace(&folder.due_key(), key.as_slice())?;
    }
    Ok(Some(key))
}
