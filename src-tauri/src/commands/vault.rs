//! How the copy on this computer is protected: by other means from now on, or again after the keyring lost its key.
//! Whatever is typed for it crosses the window system sealed.

use client::vault::{Protect, RecoveryKey, Typed};
use serde::Deserialize;

use super::sign_in::Started;
use super::{Answer, Shared};
use crate::core::Core;
use crate::failure::Failure;

/// What is to stand guard.
#[derive(Deserialize, specta::Type)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ProtectBy {
    Keyring,
    KeyringAndPassphrase { passphrase: Typed },
    Passphrase { passphrase: Typed },
}

impl ProtectBy {
    fn opened(&self, core: &Core) -> Result<Protect, Failure> {
        Ok(match self {
            Self::Keyring => Protect::Keyring,
            Self::KeyringAndPassphrase { passphrase } => Protect::KeyringAndPassphrase(core.typed(passphrase)?),
            Self::Passphrase { passphrase } => Protect::Passphrase(core.typed(passphrase)?),
        })
    }
}

/// A key that the window seals one text to.
#[tauri::command]
#[specta::specta]
pub async fn typed_key(core: Shared<'_>) -> Answer<String> {
    Ok(core.typed_key()?)
}

/// Protects the open copy by other means; `current` is the passphrase that it has now, if it has one.
#[tauri::command]
#[specta::specta]
pub async fn protect(core: Shared<'_>, current: Option<Typed>, by: ProtectBy) -> Answer<()> {
    core.touch();
    let current = current.map(|typed| core.typed(&typed)).transpose()?;
    Ok(core.client.protect(current, by.opened(&core)?).await?)
}

/// A new recovery key, shown this once; the one before opens nothing any more. `current` as with `protect`.
#[tauri::command]
#[specta::specta]
pub async fn recovery_key_new(core: Shared<'_>, current: Option<Typed>) -> Answer<Started> {
    core.touch();
    let current = current.map(|typed| core.typed(&typed)).transpose()?;
    let made = core.client.new_recovery_key(current).await?;
    Ok(Started { recovery_key: made.expose().as_str().to_owned() })
}

/// The person says that they noted the recovery key that was shown.
#[tauri::command]
#[specta::specta]
pub async fn recovery_key_noted(core: Shared<'_>) -> Answer<()> {
    core.touch();
    Ok(core.client.recovery_key_noted().await?)
}

/// Opens with the recovery key what keyring or passphrase no longer open, and protects it anew.
#[tauri::command]
#[specta::specta]
pub async fn repair(core: Shared<'_>, recovery_key: Typed, by: ProtectBy) -> Answer<()> {
    let recovery = RecoveryKey::parse(&core.typed(&recovery_key)?)?;
    Ok(core.repair(recovery, by.opened(&core)?).await?)
}
