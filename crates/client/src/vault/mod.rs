//! The keys of a data folder. The data key (DEK) is random and stands in `vault.json` only wrapped: by a key from the
//! system's keyring, from a passphrase, or from both; and once more by the recovery key that the person keeps.
//! A new key is never made where a header exists: what cannot be opened is explained, not replaced.

mod header;
mod passphrase;
mod recovery;
#[cfg(test)]
mod tests;
mod typed;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::HolderId;
use domain::time::Clock;
use zeroize::{Zeroize, Zeroizing};

use crate::folder::{self, FileError, Folder};
use crate::platform::{Chance, Ports, Secret, SecretKind, SecretName, SecretStore, SecretStoreError};
pub use crate::seal::BrokenSeal;
use crate::seal::{SealKey, derive, seal, unseal};
use crate::status::{Place, Protection};
pub use header::Header;
use header::KeyringMark;
use passphrase::{ArgonParams, Guard, stretch_timed, weigh};
pub use recovery::RecoveryKey;
pub use typed::{Typed, TypedKeys};

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("there is no account on this computer yet")]
    NoAccount,
    #[error("this data folder has an account already")]
    AlreadySetUp,
    #[error("this system's keyring does not answer")]
    KeyringAbsent { why: String },
    #[error("this session has no bus on which a keyring could answer")]
    KeyringNoBus { why: String },
    #[error("the system's keyring is locked")]
    KeyringLocked,
    /// The header says there was a key: making another would orphan the data.
    #[error("the keyring no longer holds the key of this data")]
    KeyringItemMissing,
    /// There is one of our name, and it is not the one that was put there.
    #[error("the keyring holds another key than the one of this data")]
    KeyringItemReplaced,
    /// The key was put into another keyring than the one that answers now.
    #[error("another keyring answers than the one that holds the key of this data")]
    KeyringChanged { was: String, is: String },
    #[error("the system's keyring refused")]
    KeyringRefused { why: String },
    #[error("the passphrase is needed")]
    PassphraseNeeded,
    #[error("that did not match")]
    WrongPassphrase,
    #[error("too many tries; wait {seconds} s")]
    TooManyTries { seconds: u32 },
    #[error("the passphrase is too short")]
    PassphraseTooShort,
    #[error("the PIN or passphrase is too short")]
    PinTooShort,
    #[error("the passphrase is too long")]
    PassphraseTooLong,
    #[error("the passphrase is too easy to guess")]
    PassphraseGuessable,
    #[error("the recovery key did not match")]
    WrongRecoveryKey,
    /// Keys in memory alone cannot be kept better, nor brought back.
    #[error("nothing of this account is kept on this computer")]
    NothingKept,
    #[error("the header of the data folder cannot be read")]
    Damaged,
    /// Without it nothing of what lies beside it opens.
    #[error("the header of the data folder is gone")]
    HeaderGone,
    /// Of an account without a keyring: what would lie there.
    #[error("the secrets of the data folder cannot be read")]
    SecretsDamaged,
    #[error("the data folder is from a newer Billfold")]
    Newer,
    #[error("something of this account is still on this computer")]
    NotWiped,
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<SecretStoreError> for VaultError {
    fn from(error: SecretStoreError) -> Self {
        match error {
            SecretStoreError::Absent { why } => Self::KeyringAbsent { why },
            SecretStoreError::NoBus { why } => Self::KeyringNoBus { why },
            SecretStoreError::Locked => Self::KeyringLocked,
            SecretStoreError::Refused { why } => Self::KeyringRefused { why },
        }
    }
}

impl VaultError {
    /// Why there is no header.
    #[must_use]
    pub fn absent(folder: &Folder) -> Self {
        if folder.holds_account() { Self::HeaderGone } else { Self::NoAccount }
    }

    /// Whether the keyring stands in the way: a state that stays until something is done about it.
    #[must_use]
    pub const fn is_of_keyring(&self) -> bool {
        matches!(
            self,
            Self::KeyringAbsent { .. }
                | Self::KeyringNoBus { .. }
                | Self::KeyringLocked
                | Self::KeyringItemMissing
                | Self::KeyringItemReplaced
                | Self::KeyringChanged { .. }
                | Self::KeyringRefused { .. }
        )
    }
}

/// How a new account, or one that is protected anew, is protected.
#[derive(Clone, Debug)]
pub enum Protect {
    Keyring,
    /// A passphrase or PIN on top of the keyring's secret: neither opens anything alone.
    KeyringAndPassphrase(Zeroizing<String>),
    Passphrase(Zeroizing<String>),
    /// Nothing outlives this process.
    Memory,
}

/// An open data folder: its data key is in memory until this is dropped.
pub struct Vault {
    folder: Folder,
    header: Header,
    dek: SealKey,
    kept: Kept,
    secrets: Arc<dyn SecretStore>,
    chance: Arc<dyn Chance>,
    clock: Arc<dyn Clock>,
}

/// Where the device key, tokens and the embedded server's key are.
enum Kept {
    Keyring,
    /// `secrets.sealed`, under a key derived from the data key.
    Sealed,
    Memory(Mutex<BTreeMap<SecretKind, Secret>>),
}

/// What goes along when the keys are kept in another way from now on.
const CARRIED: [SecretKind; 4] = [SecretKind::Device, SecretKind::RefreshToken, SecretKind::Server, SecretKind::Anchor];

impl Vault {
    /// Makes the keys of a new account. The recovery key is given once and kept nowhere.
    pub fn create(
        folder: &Folder,
        protect: &Protect,
        place: Place,
        ports: &Ports,
    ) -> Result<(Self, RecoveryKey), VaultError> {
        if folder.wipe_mark().exists() {
            // A deletion that did not end goes first: the next start would go on with it, over the new account.
            wipe(folder, ports.secrets.as_ref())?;
        }
        if Header::find(folder)?.is_some() {
            return Err(VaultError::AlreadySetUp);
        }
        if folder.cache().exists() {
            return Err(VaultError::HeaderGone);
        }
        let chance = ports.chance.as_ref();
        let header = Header::new(place, chance);
        let dek = SealKey::random(chance);
        let recovery = RecoveryKey::new(chance);
        let mut vault = Self::with(folder, header, dek, Kept::Memory(Mutex::default()), ports);
        vault.set_recovery(&recovery)?;
        vault.protect(protect)?;
        Ok((vault, recovery))
    }

    fn with(folder: &Folder, header: Header, dek: SealKey, kept: Kept, ports: &Ports) -> Self {
        Self {
            folder: folder.clone(),
            header,
            dek,
            kept,
            secrets: Arc::clone(&ports.secrets),
            chance: Arc::clone(&ports.chance),
            clock: Arc::clone(&ports.clock),
        }
    }

    /// Opens by the keyring, the passphrase, or both, as the header says. What the keyring lacks is told before a
    /// passphrase is asked for.
    pub fn open(folder: &Folder, passphrase: Option<&str>, ports: &Ports) -> Result<Self, VaultError> {
        let header = Header::find(folder)?.ok_or_else(|| VaultError::absent(folder))?;
        let kept = match header.mode {
            Protection::Keyring | Protection::KeyringAndPassphrase => Kept::Keyring,
            Protection::Passphrase => Kept::Sealed,
            Protection::Memory => return Err(VaultError::Damaged),
        };
        let opened = unlock_header(&header, passphrase, ports)?;
        let mut vault = Self::with(folder, header, opened.dek, kept, ports);
        if let Err(error) = vault.keep_up(passphrase, opened.params, opened.secret.as_ref()) {
            // It is open all the same; the next opening tries again.
            tracing::warn!(%error, "the header was not brought up to date");
        }
        Ok(vault)
    }

    /// Opens by the recovery key and protects anew. The data stays; what the keyring lost is signed in again.
    pub fn repair(
        folder: &Folder,
        recovery: &RecoveryKey,
        protect: &Protect,
        ports: &Ports,
    ) -> Result<Self, VaultError> {
        let header = Header::find(folder)?.ok_or_else(|| VaultError::absent(folder))?;
        let wrapping = recovery.wrapping_key(&header.salt()?);
        let dek = header.unwrap_with(&header.recovery, &wrapping, "recovery")?.ok_or(VaultError::WrongRecoveryKey)?;
        let kept = match header.mode {
            Protection::Keyring | Protection::KeyringAndPassphrase => Kept::Keyring,
            Protection::Passphrase | Protection::Memory => Kept::Sealed,
        };
        let mut vault = Self::with(folder, header, dek, kept, ports);
        vault.protect(protect)?;
        Ok(vault)
    }

    /// Protects the same data key anew, with a new recovery key; the one before opens nothing any more.
    pub fn renew(&mut self, protect: &Protect) -> Result<RecoveryKey, VaultError> {
        let before = self.header.clone();
        let recovery = RecoveryKey::new(self.chance.as_ref());
        let renewed = self.set_recovery(&recovery).and_then(|()| self.protect(protect));
        if let Err(error) = renewed {
            if self.header.wrapped == before.wrapped {
                // Nothing was written: the key that was shown goes on opening it.
                self.header = before;
            }
            return Err(error);
        }
        Ok(recovery)
    }

    /// A new recovery key; everything else stays, and the recovery key before opens nothing any more.
    pub fn replace_recovery(&mut self) -> Result<RecoveryKey, VaultError> {
        let before = self.header.clone();
        let recovery = RecoveryKey::new(self.chance.as_ref());
        let written = self.set_recovery(&recovery).and_then(|()| self.header.write(&self.folder));
        if let Err(error) = written {
            // The key that was shown goes on opening it.
            self.header = before;
            return Err(error);
        }
        Ok(recovery)
    }

    /// Whether this is the passphrase that opens it; true where there is none.
    pub fn knows(&self, passphrase: Option<&str>, ports: &Ports) -> Result<bool, VaultError> {
        match self.header.mode {
            Protection::Keyring | Protection::Memory => return Ok(true),
            Protection::KeyringAndPassphrase | Protection::Passphrase => {}
        }
        match unlock_header(&self.header, passphrase, ports) {
            Ok(_) => Ok(true),
            Err(VaultError::WrongPassphrase) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Protects the same data key by other means; the recovery key stays as it is. What is kept elsewhere from now on is
    /// put there first, then the header says so, and only then the old place is emptied: a crash in between loses
    /// nothing.
    pub fn protect(&mut self, protect: &Protect) -> Result<(), VaultError> {
        let salt = self.header.salt()?;
        let mut next = self.header.clone();
        let (kek, kept) = match protect {
            Protect::Keyring => {
                let secret = self.keyring_secret(&mut next, &salt)?;
                next.mode = Protection::Keyring;
                next.argon2 = None;
                (keyring_key(&secret, &salt), Kept::Keyring)
            }
            Protect::KeyringAndPassphrase(passphrase) => {
                weigh(passphrase, Guard::OnTopOfKeyring)?;
                let secret = self.keyring_secret(&mut next, &salt)?;
                let (stretched, params) = self.stretch_new(passphrase, &salt)?;
                next.mode = Protection::KeyringAndPassphrase;
                next.argon2 = Some(params);
                (both_key(&secret, &stretched, &salt), Kept::Keyring)
            }
            Protect::Passphrase(passphrase) => {
                weigh(passphrase, Guard::Alone)?;
                let (stretched, params) = self.stretch_new(passphrase, &salt)?;
                next.mode = Protection::Passphrase;
                next.argon2 = Some(params);
                next.keyring = None;
                (passphrase_key(&stretched, &salt), Kept::Sealed)
            }
            Protect::Memory => return self.keep_nothing(),
        };
        next.wrapped = next.wrap(&self.dek, &kek, "data key", self.chance.as_ref())?;
        self.carry_to(&kept)?;
        next.write(&self.folder)?;
        // With a header the files are no noise any more.
        folder::remove(&self.folder.memory_mark())?;
        let from = std::mem::replace(&mut self.kept, kept);
        self.header = next;
        self.empty(&from)
    }

    /// From now on the keys are here alone. The mark comes first: whatever ends this process from then on leaves a folder
    /// that says of itself that it is noise.
    fn keep_nothing(&mut self) -> Result<(), VaultError> {
        folder::replace(&self.folder.memory_mark(), b"")?;
        self.header.mode = Protection::Memory;
        if matches!(self.kept, Kept::Memory(_)) {
            return Ok(());
        }
        let kept = Kept::Memory(Mutex::default());
        self.carry_to(&kept)?;
        folder::remove(&self.folder.header())?;
        let from = std::mem::replace(&mut self.kept, kept);
        self.empty(&from)?;
        // The server's key was sealed beside the keyring's, and is in memory now.
        Ok(folder::remove(&self.folder.secrets())?)
    }

    /// A keyring's secret that is there and right is used on: replacing it would leave a header that it does not open
    /// if the program ended now. A wrong or missing one is replaced, since it opens nothing.
    fn keyring_secret(&self, next: &mut Header, salt: &[u8]) -> Result<Secret, VaultError> {
        let name = self.name(SecretKind::Vault);
        let kind = self.secrets.kind()?;
        let kept = match &next.keyring {
            Some(mark) => self.secrets.find(name)?.filter(|secret| mark.is_of(secret, salt)),
            None => None,
        };
        let secret = match kept {
            Some(secret) => secret,
            None => {
                let made = Secret::random(self.chance.as_ref());
                self.secrets.put(name, &made)?;
                made
            }
        };
        next.keyring = Some(KeyringMark::new(kind, &secret, salt));
        Ok(secret)
    }

    fn stretch_new(&self, passphrase: &str, salt: &[u8]) -> Result<(SealKey, ArgonParams), VaultError> {
        let clock = self.clock.as_ref();
        let (key, params) = stretch_timed(passphrase, salt, ArgonParams::FLOOR, clock)?;
        if params == ArgonParams::FLOOR {
            return Ok((key, params));
        }
        Ok((passphrase::stretch(passphrase, salt, params)?, params))
    }

    fn set_recovery(&mut self, recovery: &RecoveryKey) -> Result<(), VaultError> {
        let by_recovery = recovery.wrapping_key(&self.header.salt()?);
        self.header.recovery = self.header.wrap(&self.dek, &by_recovery, "recovery", self.chance.as_ref())?;
        Ok(())
    }

    /// Puts what is kept to where it is kept from now on. What cannot be read now (the keyring may be gone) is made
    /// again at the next sign-in.
    fn carry_to(&self, kept: &Kept) -> Result<(), VaultError> {
        if std::mem::discriminant(&self.kept) == std::mem::discriminant(kept) {
            return Ok(());
        }
        for kind in CARRIED {
            if let Ok(Some(secret)) = self.find(kind) {
                self.put_to(kept, kind, &secret)?;
            }
        }
        Ok(())
    }

    /// Removes what is kept elsewhere now. What stays for a refusal of the keyring opens nothing.
    fn empty(&self, from: &Kept) -> Result<(), VaultError> {
        match (from, &self.kept) {
            (Kept::Keyring, Kept::Sealed | Kept::Memory(_)) => {
                for kind in SecretKind::ALL {
                    if let Err(error) = self.secrets.remove(self.name(*kind)) {
                        tracing::warn!(%error, kind = kind.as_str(), "a keyring entry stays");
                    }
                }
                Ok(())
            }
            (Kept::Sealed, Kept::Keyring | Kept::Memory(_)) => {
                folder::remove(&self.folder.due_key())?;
                let mut all = self.read_sealed()?;
                all.retain(|kind, _| kind == SecretKind::Server.as_str());
                self.write_sealed(all)
            }
            _ => Ok(()),
        }
    }

    /// After an opening: a slower stretch where this computer allows it, and a mark where the keyring's secret has none.
    fn keep_up(
        &mut self,
        passphrase: Option<&str>,
        params: Option<ArgonParams>,
        secret: Option<&Secret>,
    ) -> Result<(), VaultError> {
        let salt = self.header.salt()?;
        let mut next = self.header.clone();
        if let (Some(secret), None) = (secret, &next.keyring) {
            next.keyring = Some(KeyringMark::new(self.secrets.kind()?, secret, &salt));
        }
        if let (Some(passphrase), Some(params)) = (passphrase, params)
            && self.header.argon2 != Some(params)
        {
            let stretched = passphrase::stretch(passphrase, &salt, params)?;
            let kek = match secret {
                Some(secret) => both_key(secret, &stretched, &salt),
                None => passphrase_key(&stretched, &salt),
            };
            next.argon2 = Some(params);
            next.wrapped = next.wrap(&self.dek, &kek, "data key", self.chance.as_ref())?;
        }
        if next.keyring != self.header.keyring || next.argon2 != self.header.argon2 {
            next.write(&self.folder)?;
            self.header = next;
        }
        Ok(())
    }

    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Says where the account is and whose it is, once known.
    pub fn settle(&mut self, place: Place, holder: Option<HolderId>) -> Result<(), VaultError> {
        self.header.place = place;
        self.header.holder = holder.or(self.header.holder);
        if self.header.mode == Protection::Memory {
            return Ok(());
        }
        self.header.write(&self.folder)
    }

    pub fn find(&self, kind: SecretKind) -> Result<Option<Secret>, VaultError> {
        match &self.kept {
            Kept::Keyring if kind == SecretKind::Server => self.find_server_key(),
            Kept::Keyring => Ok(self.secrets.find(self.name(kind))?),
            Kept::Sealed => Ok(self.read_sealed()?.remove(kind.as_str()).map(Secret::new)),
            Kept::Memory(map) => Ok(lock(map).get(&kind).cloned()),
        }
    }

    pub fn put(&self, kind: SecretKind, value: &Secret) -> Result<(), VaultError> {
        self.put_to(&self.kept, kind, value)
    }

    fn put_to(&self, kept: &Kept, kind: SecretKind, value: &Secret) -> Result<(), VaultError> {
        match kept {
            // The key of the embedded server's books is sealed under the data key, not left to the keyring: else the
            // recovery key would bring back the copy and not what it is a copy of.
            Kept::Keyring if kind != SecretKind::Server => Ok(self.secrets.put(self.name(kind), value)?),
            Kept::Keyring | Kept::Sealed => {
                let mut all = self.read_sealed()?;
                all.insert(kind.as_str().to_owned(), value.expose().to_vec());
                self.write_sealed(all)
            }
            Kept::Memory(map) => {
                lock(map).insert(kind, value.clone());
                Ok(())
            }
        }
    }

    pub fn remove(&self, kind: SecretKind) -> Result<(), VaultError> {
        match &self.kept {
            Kept::Keyring => Ok(self.secrets.remove(self.name(kind))?),
            Kept::Sealed => {
                let mut all = self.read_sealed()?;
                all.remove(kind.as_str());
                self.write_sealed(all)
            }
            Kept::Memory(map) => {
                lock(map).remove(&kind);
                Ok(())
            }
        }
    }

    /// Folders made before it was sealed have it in the keyring: it is taken over.
    fn find_server_key(&self) -> Result<Option<Secret>, VaultError> {
        if let Some(sealed) = self.read_sealed()?.remove(SecretKind::Server.as_str()) {
            return Ok(Some(Secret::new(sealed)));
        }
        let kept = self.secrets.find(self.name(SecretKind::Server))?;
        if let Some(secret) = &kept {
            self.put(SecretKind::Server, secret)?;
        }
        Ok(kept)
    }

    /// The raw key of the cache's file. Only `cache/` asks for it.
    pub(crate) fn cache_key(&self) -> SealKey {
        self.dek.clone()
    }

    /// Chains what the cache applied. Only `cache/` asks for it.
    pub(crate) fn chain_key(&self) -> SealKey {
        derive(self.dek.as_slice(), self.header.id().as_bytes(), b"billfold batches")
    }

    /// Seals the note beside the cache. Only `cache/` asks for it.
    pub(crate) fn note_key(&self) -> SealKey {
        derive(self.dek.as_slice(), self.header.id().as_bytes(), b"billfold cache note")
    }

    /// Where the keyring keeps this, to ask it while nobody waits for the vault; `None` where that keeps it.
    pub(crate) fn in_keyring(&self, kind: SecretKind) -> Option<(Arc<dyn SecretStore>, SecretName)> {
        // The server's key is sealed beside it instead.
        let there = matches!(self.kept, Kept::Keyring) && kind != SecretKind::Server;
        there.then(|| (Arc::clone(&self.secrets), self.name(kind)))
    }

    pub(crate) fn outbox_key(&self) -> SealKey {
        derive(self.dek.as_slice(), self.header.id().as_bytes(), b"billfold outbox")
    }

    fn name(&self, kind: SecretKind) -> SecretName {
        SecretName { vault: self.header.id(), kind }
    }

    fn secrets_key(&self) -> SealKey {
        derive(self.dek.as_slice(), self.header.id().as_bytes(), b"billfold secrets")
    }

    fn read_sealed(&self) -> Result<BTreeMap<String, Vec<u8>>, VaultError> {
        let Some(sealed) = folder::read(&self.folder.secrets())? else {
            return Ok(BTreeMap::new());
        };
        let plain = unseal(&self.secrets_key(), &self.header.purpose("secrets"), &sealed)
            .map_err(|_| VaultError::SecretsDamaged)?;
        serde_json::from_slice(&plain).map_err(|_| VaultError::SecretsDamaged)
    }

    fn write_sealed(&self, mut all: BTreeMap<String, Vec<u8>>) -> Result<(), VaultError> {
        if all.is_empty() {
            return Ok(folder::remove(&self.folder.secrets())?);
        }
        let plain = Zeroizing::new(serde_json::to_vec(&all).map_err(|_| VaultError::Damaged)?);
        all.values_mut().for_each(Zeroize::zeroize);
        let sealed = seal(&self.secrets_key(), &self.header.purpose("secrets"), &plain, self.chance.as_ref())
            .map_err(|_| VaultError::Damaged)?;
        folder::replace(&self.folder.secrets(), &sealed)?;
        Ok(())
    }
}

struct Opened {
    dek: SealKey,
    /// How to stretch from now on, where there is a passphrase.
    params: Option<ArgonParams>,
    /// What the keyring holds, where it is asked.
    secret: Option<Secret>,
}

fn unlock_header(header: &Header, passphrase: Option<&str>, ports: &Ports) -> Result<Opened, VaultError> {
    let salt = header.salt()?;
    let (kek, params, secret, wrong) = match header.mode {
        Protection::Keyring => {
            let secret = find_secret(header, &salt, ports)?;
            // A header without a mark cannot tell a changed secret from a changed header; the secret is far likelier.
            let wrong = if header.keyring.is_some() { VaultError::Damaged } else { VaultError::KeyringItemReplaced };
            (keyring_key(&secret, &salt), None, Some(secret), wrong)
        }
        Protection::KeyringAndPassphrase => {
            let secret = find_secret(header, &salt, ports)?;
            let (stretched, params) = stretched(header, passphrase, &salt, ports)?;
            (both_key(&secret, &stretched, &salt), Some(params), Some(secret), VaultError::WrongPassphrase)
        }
        Protection::Passphrase => {
            let (stretched, params) = stretched(header, passphrase, &salt, ports)?;
            (passphrase_key(&stretched, &salt), Some(params), None, VaultError::WrongPassphrase)
        }
        Protection::Memory => return Err(VaultError::NothingKept),
    };
    let dek = header.unwrap_with(&header.wrapped, &kek, "data key")?.ok_or(wrong)?;
    Ok(Opened { dek, params, secret })
}

fn find_secret(header: &Header, salt: &[u8], ports: &Ports) -> Result<Secret, VaultError> {
    let secrets = ports.secrets.as_ref();
    let name = SecretName { vault: header.id(), kind: SecretKind::Vault };
    let secret = secrets.find(name)?.ok_or_else(|| header.missing_from(secrets))?;
    match &header.keyring {
        Some(mark) if !mark.is_of(&secret, salt) => Err(VaultError::KeyringItemReplaced),
        _ => Ok(secret),
    }
}

fn stretched(
    header: &Header,
    passphrase: Option<&str>,
    salt: &[u8],
    ports: &Ports,
) -> Result<(SealKey, ArgonParams), VaultError> {
    let passphrase = passphrase.ok_or(VaultError::PassphraseNeeded)?;
    let params = header.argon2.ok_or(VaultError::Damaged)?;
    stretch_timed(passphrase, salt, params, ports.clock.as_ref())
}

fn keyring_key(secret: &Secret, salt: &[u8]) -> SealKey {
    derive(secret.expose(), salt, b"billfold keyring")
}

fn passphrase_key(stretched: &SealKey, salt: &[u8]) -> SealKey {
    derive(stretched.as_slice(), salt, b"billfold passphrase")
}

fn both_key(secret: &Secret, stretched: &SealKey, salt: &[u8]) -> SealKey {
    let mut both = Zeroizing::new(Vec::with_capacity(secret.expose().len() + stretched.as_slice().len()));
    both.extend_from_slice(secret.expose());
    both.extend_from_slice(stretched.as_slice());
    derive(&both, salt, b"billfold keyring and passphrase")
}

/// Deletes the keys of a folder, then its files: without the keys the files are noise already. Looks that all is gone.
/// The mark lets the next start go on where this one was cut short.
pub(crate) fn wipe(folder: &Folder, secrets: &dyn SecretStore) -> Result<(), VaultError> {
    if let Err(error) = folder::replace(&folder.wipe_mark(), b"") {
        // A full disk keeps nothing alive.
        tracing::warn!(%error, "it is deleted without a mark");
    }
    let header = Header::find(folder).ok().flatten();
    if let Some(header) = &header {
        if header.holder.is_none() {
            // The key of its database goes with the others.
            folder.wipe_server()?;
        }
        for kind in SecretKind::ALL {
            let name = SecretName { vault: header.id(), kind: *kind };
            match secrets.remove(name) {
                Ok(()) | Err(SecretStoreError::Absent { .. } | SecretStoreError::NoBus { .. }) => {}
                // The files go all the same: they are useless without the header.
                Err(error) => tracing::warn!(%error, kind = kind.as_str(), "a keyring entry stays"),
            }
        }
    }
    folder.wipe()?;
    if folder.holds_account() {
        return Err(VaultError::NotWiped);
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
