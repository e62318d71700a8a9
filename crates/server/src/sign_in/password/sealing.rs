//! The keys of authenticator apps as they are kept: each sealed for its account and its place, those that are being set up
//! for their visit. What an older key sealed, or nobody, is sealed by the newest one when a server starts.

use data_encoding::BASE32_NOPAD;
use domain::ids::{FactorId, HolderId};
use zeroize::Zeroizing;

use super::store;
use super::totp::SECRET_BYTES;
use crate::App;
use crate::Chance;
use crate::config::ConfigError;
use crate::db::Db;
use crate::error::ApiError;
use crate::seals::{KeyId, SealError, Sealed, Seals};

/// Keys that are sealed anew in one transaction.
const AT_ONCE: i64 = 200;

impl From<SealError> for ApiError {
    fn from(error: SealError) -> Self {
        tracing::error!(error = %error, "an authenticator's key cannot be sealed or opened");
        Self::new(api::error::ErrorCode::Internal, "the key could not be sealed or opened")
    }
}

fn place(holder: HolderId, id: FactorId) -> Vec<u8> {
    [b"totp", holder.as_uuid().as_bytes().as_slice(), id.as_uuid().as_bytes().as_slice()].concat()
}

fn place_of_visit(visit: &[u8; 32]) -> Vec<u8> {
    [b"visit", visit.as_slice()].concat()
}

pub fn seal(app: &App, holder: HolderId, id: FactorId, secret: &[u8]) -> Result<Sealed, SealError> {
    app.settings.seals.seal(secret, &place(holder, id), app.chance.as_ref())
}

pub fn unseal(app: &App, holder: HolderId, totp: &store::KeptTotp) -> Result<Zeroizing<Vec<u8>>, SealError> {
    app.settings.seals.unseal(&totp.secret, &place(holder, totp.id))
}

/// A new key of an app that is set up in this visit, as the visit's row keeps it.
pub fn new_key(app: &App, visit: &[u8; 32]) -> Result<String, SealError> {
    let secret = Zeroizing::new(app.random::<SECRET_BYTES>());
    let Sealed { key: KeyId(key), bytes } =
        app.settings.seals.seal(secret.as_slice(), &place_of_visit(visit), app.chance.as_ref())?;
    Ok(format!("{key}:{}", BASE32_NOPAD.encode(&bytes)))
}

/// The key that a visit's row keeps.
pub fn key_of(app: &App, visit: &[u8; 32], kept: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (key, bytes) = kept.split_once(':').ok_or(SealError::DoesNotOpen)?;
    let key = KeyId(key.parse().map_err(|_| SealError::DoesNotOpen)?);
    let bytes = BASE32_NOPAD.decode(bytes.as_bytes()).map_err(|_| SealError::DoesNotOpen)?;
    app.settings.seals.unseal(&Sealed { key, bytes }, &place_of_visit(visit))
}

/// Seals by the newest key whatever is not. A key that is missing stops the start: people could not sign in.
pub async fn bring_up(db: &Db, seals: &Seals, chance: &dyn Chance) -> Result<(), ConfigError> {
    let Some(newest) = seals.newest() else { return Ok(()) };
    loop {
        let mut tx = db.begin_write().await?;
        let old = store::old_totps(&mut tx, newest, AT_ONCE).await?;
        if old.is_empty() {
            return Ok(());
        }
        for old in &old {
            let place = place(old.holder, old.id);
            let plain = match old.sealed_by {
                Some(key) => seals.unseal(&Sealed { key, bytes: old.secret.clone() }, &place)?,
                None => Zeroizing::new(old.secret.clone()),
            };
            store::reseal_totp(&mut tx, old, &seals.seal(&plain, &place, chance)?).await?;
        }
        tx.commit().await?;
    }
}
