//! How the copy on this computer is protected: by other means from now on, or again after the keyring lost its key.

use client::vault::{Protect, RecoveryKey};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Answer, Shared};

/// What is to stand guard.
#[derive(Deserialize, specta::Type)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ProtectBy {
    Keyring,
    KeyringAndPassphrase { passphrase: String },
    Passphrase { passphrase: String },
}

impl From<ProtectBy> for Protect {
    fn from(by: ProtectBy) -> Self {
        match by {
            ProtectBy::Keyring => Self::Keyring,
            ProtectBy::KeyringAndPassphrase { passphrase } => Self::KeyringAndPassphrase(Zeroizing::new(passphrase)),
            ProtectBy::Passphrase { passphrase } => Self::Passphrase(Zeroizing::new(passphrase)),
        }
    }
}

/// Protects the open copy by other means; `current` is the passphrase that it has now, if it has one.
#[tauri::command]
#[specta::specta]
pub async fn protect(core: Shared<'_>, current: Option<String>, by: ProtectBy) -> Answer<()> {
    core.touch();
    Ok(core.client.protect(current.map(Zeroizing::new), by.into()).await?)
}

/// Opens with the recovery key what keyring or passphrase no longer open, and protects it anew.
#[tauri::command]
#[specta::specta]
pub async fn repair(core: Shared<'_>, recovery_key: String, by: ProtectBy) -> Answer<()> {
    let recovery_key = Zeroizing::new(recovery_key);
    let recovery = RecoveryKey::parse(&recovery_key)?;
    Ok(core.repair(recovery, by.into()).await?)
}
