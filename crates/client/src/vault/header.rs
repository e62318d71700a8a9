//! `vault.json`: how a data folder is protected. Nothing in it is secret, and no name or amount stands in it.

use data_encoding::BASE64;
use domain::ids::HolderId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::VaultError;
use super::passphrase::ArgonParams;
use crate::folder::{self, Folder};
use crate::platform::{Chance, Secret, SecretStore, random};
use crate::seal::{SealKey, derive, seal, unseal};
use crate::status::{Place, Protection};

/// 2: a passphrase may stand on top of the keyring, and the keyring's secret has a mark.
const VERSION: u32 = 2;
const MARK_BYTES: usize = 16;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    version: u32,
    id: Uuid,
    pub(super) mode: Protection,
    pub(super) place: Place,
    pub(super) holder: Option<HolderId>,
    salt: String,
    pub(super) argon2: Option<ArgonParams>,
    #[serde(default)]
    pub(super) keyring: Option<KeyringMark>,
    pub(super) wrapped: String,
    pub(super) recovery: String,
}

/// What is known of the keyring that holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyringMark {
    /// Which keyring it was, in the system's own words.
    pub kind: String,
    /// Derived from the secret: tells another secret of the same name from the right one, and says nothing of either.
    check: String,
}

impl KeyringMark {
    pub fn new(kind: String, secret: &Secret, salt: &[u8]) -> Self {
        Self { kind, check: check_of(secret, salt) }
    }

    pub fn is_of(&self, secret: &Secret, salt: &[u8]) -> bool {
        self.check == check_of(secret, salt)
    }
}

fn check_of(secret: &Secret, salt: &[u8]) -> String {
    let check = derive(secret.expose(), salt, b"billfold keyring check");
    BASE64.encode(&check.as_slice()[..MARK_BYTES])
}

impl Header {
    pub(super) fn new(place: Place, chance: &dyn Chance) -> Self {
        Self {
            version: VERSION,
            id: uuid::Builder::from_random_bytes(random(chance)).into_uuid(),
            mode: Protection::Memory,
            place,
            holder: None,
            salt: BASE64.encode(&random::<16>(chance)),
            argon2: None,
            keyring: None,
            wrapped: String::new(),
            recovery: String::new(),
        }
    }

    /// `None`: this folder has no account yet.
    pub fn find(folder: &Folder) -> Result<Option<Self>, VaultError> {
        let Some(bytes) = folder::read(&folder.header())? else {
            return Ok(None);
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| VaultError::Damaged)?;
        let version = value["version"].as_u64().ok_or(VaultError::Damaged)?;
        if version > u64::from(VERSION) {
            return Err(VaultError::Newer);
        }
        serde_json::from_value(value).map(Some).map_err(|_| VaultError::Damaged)
    }

    #[must_use]
    pub const fn mode(&self) -> Protection {
        self.mode
    }

    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    #[must_use]
    pub const fn holder(&self) -> Option<HolderId> {
        self.holder
    }

    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn write(&mut self, folder: &Folder) -> Result<(), VaultError> {
        self.version = VERSION;
        let bytes = serde_json::to_vec_pretty(self).map_err(|_| VaultError::Damaged)?;
        folder::replace(&folder.header(), &bytes)?;
        Ok(())
    }

    pub(super) fn salt(&self) -> Result<Vec<u8>, VaultError> {
        BASE64.decode(self.salt.as_bytes()).map_err(|_| VaultError::Damaged)
    }

    pub(super) fn purpose(&self, of: &str) -> Vec<u8> {
        format!("billfold vault {} {of}", self.id).into_bytes()
    }

    pub(super) fn wrap(
        &self,
        dek: &SealKey,
        with: &SealKey,
        of: &str,
        chance: &dyn Chance,
    ) -> Result<String, VaultError> {
        let sealed = seal(with, &self.purpose(of), dek.as_slice(), chance).map_err(|_| VaultError::Damaged)?;
        Ok(BASE64.encode(&sealed))
    }

    /// `None`: not this key.
    pub(super) fn unwrap_with(&self, wrapped: &str, with: &SealKey, of: &str) -> Result<Option<SealKey>, VaultError> {
        let sealed = BASE64.decode(wrapped.as_bytes()).map_err(|_| VaultError::Damaged)?;
        let Ok(plain) = unseal(with, &self.purpose(of), &sealed) else {
            return Ok(None);
        };
        SealKey::read(&plain).map(Some).ok_or(VaultError::Damaged)
    }

    /// The keyring answers and has nothing under our name: gone from it, or it is another keyring than before.
    pub(super) fn missing_from(&self, secrets: &dyn SecretStore) -> VaultError {
        let before = self.keyring.as_ref().map(|mark| &mark.kind);
        match (before, secrets.kind()) {
            (Some(was), Ok(is)) if *was != is => VaultError::KeyringChanged { was: was.clone(), is },
            _ => VaultError::KeyringItemMissing,
        }
    }
}
