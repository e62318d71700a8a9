//! The keys of a data folder. The data key (DEK) is random and stands in `vault.json` only wrapped: by a key from the
//! system's keyring, or from a passphrase; and once more by the recovery key that the person keeps.
//! A new key is never made where a header exists: what cannot be opened is explained, not replaced.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::{BASE32_NOPAD, BASE64};
use domain::ids::HolderId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use crate::folder::{self, FileError, Folder};
use crate::platform::{Chance, Secret, SecretKind, SecretName, SecretStore, SecretStoreError, random};
use crate::seal::{SealKey, derive, seal, unseal};
use crate::status::{Place, Protection};

const HEADER_VERSION: u32 = 1;
const PASSPHRASE_MIN_CHARS: usize = 12;
/// A passphrase of the same few characters is refused: at least so many must differ.
const PASSPHRASE_MIN_DISTINCT: usize = 5;
const RECOVERY_SYMBOLS: usize = 25;
/// Parameters beyond these are not ours and would only exhaust the computer.
const ARGON_MEMORY_MAX_KIB: u32 = 1024 * 1024;
const ARGON_PASSES_MAX: u32 = 20;

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("there is no account on this computer yet")]
    NoAccount,
    #[error("this data folder has an account already")]
    AlreadySetUp,
    #[error("this system's keyring does not answer")]
    KeyringAbsent { why: String },
    #[error("the system's keyring is locked")]
    KeyringLocked,
    /// The header says there was a key: making another would orphan the data.
    #[error("the keyring no longer holds the key of this data")]
    KeyringItemMissing,
    #[error("the system's keyring refused")]
    KeyringRefused { why: String },
    #[error("the passphrase is needed")]
    PassphraseNeeded,
    #[error("that did not match")]
    WrongPassphrase,
    #[error("too many tries; wait {seconds} s")]
    TooManyTries { seconds: u32 },
    #[error("the passphrase is too easy to guess")]
    PassphraseTooShort,
    #[error("the recovery key did not match")]
    WrongRecoveryKey,
    #[error("the header of the data folder cannot be read")]
    Damaged,
    #[error("the data folder is from a newer Billfold")]
    Newer,
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<SecretStoreError> for VaultError {
    fn from(error: SecretStoreError) -> Self {
        match error {
            SecretStoreError::Absent { why } => Self::KeyringAbsent { why },
            SecretStoreError::Locked => Self::KeyringLocked,
            SecretStoreError::Refused { why } => Self::KeyringRefused { why },
        }
    }
}

/// How a new account, or a repaired one, is protected.
#[derive(Clone, Debug)]
pub enum Protect {
    Keyring,
    Passphrase(Zeroizing<String>),
    /// Nothing outlives this process.
    Memory,
}

/// 25 base32 symbols, 125 bits. Shown once, in five groups; opens the data when keyring or passphrase are lost.
#[derive(Clone)]
pub struct RecoveryKey(Zeroizing<String>);

impl RecoveryKey {
    fn new(chance: &dyn Chance) -> Self {
        let bytes = Zeroizing::new(random::<16>(chance));
        let mut symbols = Zeroizing::new(BASE32_NOPAD.encode(bytes.as_slice()));
        symbols.truncate(RECOVERY_SYMBOLS);
        Self(symbols)
    }

    /// Reads what a person typed: any case, with or without spaces and dashes; 0, 1 and 8 for O, I and B.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let symbols: String = text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .map(|c| match c.to_ascii_uppercase() {
                '0' => 'O',
                '1' => 'I',
                '8' => 'B',
                other => other,
            })
            .collect();
        let known = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
        if symbols.len() != RECOVERY_SYMBOLS || !symbols.chars().all(known) {
            return Err(VaultError::WrongRecoveryKey);
        }
        Ok(Self(Zeroizing::new(symbols)))
    }

    /// For the person's eyes, once: `ABCDE-FGHIJ-…`.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let groups: Vec<&str> = (0..RECOVERY_SYMBOLS / 5).map(|n| &self.0[n * 5..n * 5 + 5]).collect();
        Zeroizing::new(groups.join("-"))
    }

    fn wrapping_key(&self, salt: &[u8]) -> SealKey {
        derive(self.0.as_bytes(), salt, b"billfold recovery")
    }
}

impl std::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

/// `vault.json`. Nothing in it is secret, and no name or amount stands in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    version: u32,
    id: Uuid,
    mode: Protection,
    place: Place,
    holder: Option<HolderId>,
    salt: String,
    argon2: Option<ArgonParams>,
    wrapped: String,
    recovery: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ArgonParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// SECURITY 3.1, mode B.
const ARGON: ArgonParams = ArgonParams { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

impl Header {
    /// `None`: this folder has no account yet.
    pub fn find(folder: &Folder) -> Result<Option<Self>, VaultError> {
        let Some(bytes) = folder::read(&folder.header())? else {
            return Ok(None);
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| VaultError::Damaged)?;
        let version = value["version"].as_u64().ok_or(VaultError::Damaged)?;
        if version > u64::from(HEADER_VERSION) {
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

    fn write(&self, folder: &Folder) -> Result<(), VaultError> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|_| VaultError::Damaged)?;
        folder::replace(&folder.header(), &bytes)?;
        Ok(())
    }

    fn salt(&self) -> Result<Vec<u8>, VaultError> {
        BASE64.decode(self.salt.as_bytes()).map_err(|_| VaultError::Damaged)
    }

    fn purpose(&self, of: &str) -> Vec<u8> {
        format!("billfold vault {} {of}", self.id).into_bytes()
    }

    fn wrap(&self, dek: &SealKey, with: &SealKey, of: &str, chance: &dyn Chance) -> Result<String, VaultError> {
        let sealed = seal(with, &self.purpose(of), dek.as_slice(), chance).map_err(|_| VaultError::Damaged)?;
        Ok(BASE64.encode(&sealed))
    }

    /// `None`: not this key.
    fn unwrap_with(&self, wrapped: &str, with: &SealKey, of: &str) -> Result<Option<SealKey>, VaultError> {
        let sealed = BASE64.decode(wrapped.as_bytes()).map_err(|_| VaultError::Damaged)?;
        let Ok(plain) = unseal(with, &self.purpose(of), &sealed) else {
            return Ok(None);
        };
        let mut dek = Zeroizing::new([0; 32]);
        if plain.len() != dek.len() {
            return Err(VaultError::Damaged);
        }
        dek.copy_from_slice(&plain);
        Ok(Some(dek))
    }
}

/// An open data folder: its data key is in memory until this is dropped.
pub struct Vault {
    folder: Folder,
    header: Header,
    dek: SealKey,
    kept: Kept,
    chance: Arc<dyn Chance>,
}

/// Where the device key, tokens and the embedded server's key are.
enum Kept {
    Keyring(Arc<dyn SecretStore>),
    /// `secrets.sealed`, under a key derived from the data key.
    Sealed,
    Memory(Mutex<BTreeMap<SecretKind, Secret>>),
}

impl Vault {
    /// Makes the keys of a new account. The recovery key is given once and kept nowhere.
    pub fn create(
        folder: &Folder,
        protect: &Protect,
        place: Place,
        secrets: &Arc<dyn SecretStore>,
        chance: &Arc<dyn Chance>,
    ) -> Result<(Self, RecoveryKey), VaultError> {
        if Header::find(folder)?.is_some() || folder.cache().exists() {
            return Err(VaultError::AlreadySetUp);
        }
        let id = uuid::Builder::from_random_bytes(random(chance.as_ref())).into_uuid();
        let dek: SealKey = Zeroizing::new(random(chance.as_ref()));
        let recovery = RecoveryKey::new(chance.as_ref());
        let header = Header {
            version: HEADER_VERSION,
            id,
            mode: Protection::Memory,
            place,
            holder: None,
            salt: BASE64.encode(&random::<16>(chance.as_ref())),
            argon2: None,
            wrapped: String::new(),
            recovery: String::new(),
        };
        let mut vault = Self {
            folder: folder.clone(),
            header,
            dek,
            kept: Kept::Memory(Mutex::default()),
            chance: Arc::clone(chance),
        };
        vault.protect(protect, &recovery, secrets)?;
        Ok((vault, recovery))
    }

    /// Opens by the keyring, or by the passphrase when that is the header's mode.
    pub fn open(
        folder: &Folder,
        passphrase: Option<&str>,
        secrets: &Arc<dyn SecretStore>,
        chance: &Arc<dyn Chance>,
    ) -> Result<Self, VaultError> {
        let header = Header::find(folder)?.ok_or(VaultError::NoAccount)?;
        let salt = header.salt()?;
        let (kek, kept, wrong) = match header.mode {
            Protection::Keyring => {
                let name = SecretName { vault: header.id, kind: SecretKind::Vault };
                let secret = secrets.find(name)?.ok_or(VaultError::KeyringItemMissing)?;
                let kek = derive(secret.expose(), &salt, b"billfold keyring");
                (kek, Kept::Keyring(Arc::clone(secrets)), VaultError::Damaged)
            }
            Protection::Passphrase => {
                let passphrase = passphrase.ok_or(VaultError::PassphraseNeeded)?;
                let params = header.argon2.ok_or(VaultError::Damaged)?;
                let kek = stretch(passphrase, &salt, params)?;
                (kek, Kept::Sealed, VaultError::WrongPassphrase)
            }
            Protection::Memory => return Err(VaultError::Damaged),
        };
        let dek = header.unwrap_with(&header.wrapped, &kek, "data key")?.ok_or(wrong)?;
        Ok(Self { folder: folder.clone(), header, dek, kept, chance: Arc::clone(chance) })
    }

    /// Opens by the recovery key and protects anew. The data stays; what the keyring lost is signed in again.
    pub fn repair(
        folder: &Folder,
        recovery: &RecoveryKey,
        protect: &Protect,
        secrets: &Arc<dyn SecretStore>,
        chance: &Arc<dyn Chance>,
    ) -> Result<Self, VaultError> {
        let header = Header::find(folder)?.ok_or(VaultError::NoAccount)?;
        let wrapping = recovery.wrapping_key(&header.salt()?);
        let dek = header.unwrap_with(&header.recovery, &wrapping, "recovery")?.ok_or(VaultError::WrongRecoveryKey)?;
        let kept = match header.mode {
            Protection::Keyring => Kept::Keyring(Arc::clone(secrets)),
            Protection::Passphrase | Protection::Memory => Kept::Sealed,
        };
        let mut vault = Self { folder: folder.clone(), header, dek, kept, chance: Arc::clone(chance) };
        let mut carried = Vec::new();
        for kind in [SecretKind::Device, SecretKind::RefreshToken, SecretKind::Server] {
            // What cannot be read now (the keyring may be gone) is made again at the next sign-in.
            if let Ok(Some(secret)) = vault.find(kind) {
                carried.push((kind, secret));
            }
        }
        vault.protect(protect, recovery, secrets)?;
        for (kind, secret) in carried {
            vault.put(kind, &secret)?;
        }
        Ok(vault)
    }

    /// Protects the same data key anew, with a new recovery key; the one before opens nothing any more.
    pub fn renew(&mut self, protect: &Protect, secrets: &Arc<dyn SecretStore>) -> Result<RecoveryKey, VaultError> {
        let recovery = RecoveryKey::new(self.chance.as_ref());
        let mut carried = Vec::new();
        for kind in [SecretKind::Device, SecretKind::RefreshToken, SecretKind::Server] {
            if let Some(secret) = self.find(kind)? {
                carried.push((kind, secret));
            }
        }
        self.protect(protect, &recovery, secrets)?;
        for (kind, secret) in carried {
            self.put(kind, &secret)?;
        }
        Ok(recovery)
    }

    fn protect(
        &mut self,
        protect: &Protect,
        recovery: &RecoveryKey,
        secrets: &Arc<dyn SecretStore>,
    ) -> Result<(), VaultError> {
        let chance = self.chance.as_ref();
        let salt = self.header.salt()?;
        let kek = match protect {
            Protect::Keyring => {
                let secret = Secret::new(random::<32>(chance).to_vec());
                let name = SecretName { vault: self.header.id, kind: SecretKind::Vault };
                secrets.put(name, &secret)?;
                self.header.mode = Protection::Keyring;
                self.header.argon2 = None;
                self.kept = Kept::Keyring(Arc::clone(secrets));
                derive(secret.expose(), &salt, b"billfold keyring")
            }
            Protect::Passphrase(passphrase) => {
                check_strength(passphrase)?;
                self.header.mode = Protection::Passphrase;
                self.header.argon2 = Some(ARGON);
                self.kept = Kept::Sealed;
                stretch(passphrase, &salt, ARGON)?
            }
            Protect::Memory => {
                self.header.mode = Protection::Memory;
                return Ok(());
            }
        };
        self.header.wrapped = self.header.wrap(&self.dek, &kek, "data key", chance)?;
        let by_recovery = recovery.wrapping_key(&salt);
        self.header.recovery = self.header.wrap(&self.dek, &by_recovery, "recovery", chance)?;
        self.header.write(&self.folder)
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
            Kept::Keyring(store) => Ok(store.find(self.name(kind))?),
            Kept::Sealed => Ok(self.read_sealed()?.remove(kind.as_str()).map(Secret::new)),
            Kept::Memory(map) => Ok(lock(map).get(&kind).cloned()),
        }
    }

    pub fn put(&self, kind: SecretKind, value: &Secret) -> Result<(), VaultError> {
        match &self.kept {
            Kept::Keyring(store) => Ok(store.put(self.name(kind), value)?),
            Kept::Sealed => {
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
            Kept::Keyring(store) => Ok(store.remove(self.name(kind))?),
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

    /// The raw key of the cache's file. Only `cache/` asks for it.
    pub(crate) fn cache_key(&self) -> SealKey {
        self.dek.clone()
    }

    pub(crate) fn outbox_key(&self) -> SealKey {
        derive(self.dek.as_slice(), self.header.id.as_bytes(), b"billfold outbox")
    }

    fn name(&self, kind: SecretKind) -> SecretName {
        SecretName { vault: self.header.id, kind }
    }

    fn secrets_key(&self) -> SealKey {
        derive(self.dek.as_slice(), self.header.id.as_bytes(), b"billfold secrets")
    }

    fn read_sealed(&self) -> Result<BTreeMap<String, Vec<u8>>, VaultError> {
        let Some(sealed) = folder::read(&self.folder.secrets())? else {
            return Ok(BTreeMap::new());
        };
        let plain =
            unseal(&self.secrets_key(), &self.header.purpose("secrets"), &sealed).map_err(|_| VaultError::Damaged)?;
        serde_json::from_slice(&plain).map_err(|_| VaultError::Damaged)
    }

    fn write_sealed(&self, mut all: BTreeMap<String, Vec<u8>>) -> Result<(), VaultError> {
        let plain = Zeroizing::new(serde_json::to_vec(&all).map_err(|_| VaultError::Damaged)?);
        all.values_mut().for_each(Zeroize::zeroize);
        let sealed = seal(&self.secrets_key(), &self.header.purpose("secrets"), &plain, self.chance.as_ref())
            .map_err(|_| VaultError::Damaged)?;
        folder::replace(&self.folder.secrets(), &sealed)?;
        Ok(())
    }
}

/// Deletes the keys of a folder, then its files: without the keys the files are noise already.
pub(crate) fn wipe(folder: &Folder, secrets: &dyn SecretStore) -> Result<(), VaultError> {
    if let Ok(Some(header)) = Header::find(folder) {
        if header.holder.is_none() {
            // The key of its database goes with the others.
            folder.wipe_server()?;
        }
        for kind in SecretKind::ALL {
            let name = SecretName { vault: header.id, kind: *kind };
            match secrets.remove(name) {
                Ok(()) | Err(SecretStoreError::Absent { .. }) => {}
                // The files go all the same: they are useless without the header.
                Err(error) => tracing::warn!(%error, kind = kind.as_str(), "a keyring entry stays"),
            }
        }
    }
    folder.wipe()?;
    Ok(())
}

fn check_strength(passphrase: &str) -> Result<(), VaultError> {
    let mut distinct: Vec<char> = passphrase.chars().collect();
    let length = distinct.len();
    distinct.sort_unstable();
    distinct.dedup();
    if length < PASSPHRASE_MIN_CHARS || distinct.len() < PASSPHRASE_MIN_DISTINCT {
        return Err(VaultError::PassphraseTooShort);
    }
    Ok(())
}

fn stretch(passphrase: &str, salt: &[u8], params: ArgonParams) -> Result<SealKey, VaultError> {
    if params.memory_kib > ARGON_MEMORY_MAX_KIB || params.passes > ARGON_PASSES_MAX {
        return Err(VaultError::Damaged);
    }
    let mut stretched = Zeroizing::new([0; 32]);
    let chosen =
        Params::new(params.memory_kib, params.passes, params.lanes, Some(32)).map_err(|_| VaultError::Damaged)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, chosen)
        .hash_password_into(passphrase.as_bytes(), salt, stretched.as_mut_slice())
        .map_err(|_| VaultError::Damaged)?;
    Ok(derive(stretched.as_slice(), salt, b"billfold passphrase"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{MemorySecrets, NoSecrets, SeededChance};

    const PHRASE: &str = "quiet harbour 17";

    struct World {
        dir: tempfile::TempDir,
        memory: Arc<MemorySecrets>,
        secrets: Arc<dyn SecretStore>,
        chance: Arc<dyn Chance>,
    }

    impl World {
        fn new() -> Self {
            let memory = Arc::new(MemorySecrets::default());
            Self {
                dir: tempfile::tempdir().unwrap(),
                secrets: memory.clone(),
                memory,
                chance: Arc::new(SeededChance::new(7)),
            }
        }

        fn folder(&self) -> Folder {
            Folder::at(self.dir.path().join("data")).unwrap()
        }

        fn create(&self, protect: &Protect) -> (Vault, RecoveryKey) {
            Vault::create(&self.folder(), protect, Place::ThisComputer, &self.secrets, &self.chance).unwrap()
        }

        fn open(&self, passphrase: Option<&str>) -> Result<Vault, VaultError> {
            Vault::open(&self.folder(), passphrase, &self.secrets, &self.chance)
        }
    }

    #[test]
    fn the_keyring_opens_what_it_protected() {
        let world = World::new();
        let (made, _) = world.create(&Protect::Keyring);
        assert_eq!(world.open(None).unwrap().cache_key(), made.cache_key());
    }

    #[test]
    fn keyring_absent_locked_and_item_missing_are_told_apart_and_make_no_new_key() {
        let world = World::new();
        world.create(&Protect::Keyring);
        let before = std::fs::read(world.folder().header()).unwrap();
        world.memory.fail_with(Some(SecretStoreError::Locked));
        assert!(matches!(world.open(None), Err(VaultError::KeyringLocked)));
        world.memory.fail_with(Some(SecretStoreError::Absent { why: String::new() }));
        assert!(matches!(world.open(None), Err(VaultError::KeyringAbsent { .. })));
        world.memory.fail_with(None);
        world.memory.forget(SecretKind::Vault);
        assert!(matches!(world.open(None), Err(VaultError::KeyringItemMissing)));
        let again =
            Vault::create(&world.folder(), &Protect::Keyring, Place::ThisComputer, &world.secrets, &world.chance);
        assert!(matches!(again, Err(VaultError::AlreadySetUp)));
        assert_eq!(std::fs::read(world.folder().header()).unwrap(), before);
    }

    #[test]
    fn a_passphrase_protects_where_there_is_no_keyring() {
        let mut world = World::new();
        world.secrets = Arc::new(NoSecrets);
        let (made, _) = world.create(&Protect::Passphrase(Zeroizing::new(PHRASE.to_owned())));
        made.put(SecretKind::RefreshToken, &Secret::new(b"token-canary".to_vec())).unwrap();
        assert!(matches!(world.open(None), Err(VaultError::PassphraseNeeded)));
        assert!(matches!(world.open(Some("quiet harbour 18")), Err(VaultError::WrongPassphrase)));
        let opened = world.open(Some(PHRASE)).unwrap();
        assert_eq!(opened.find(SecretKind::RefreshToken).unwrap().unwrap().expose(), b"token-canary");
        let on_disk = std::fs::read(world.folder().secrets()).unwrap();
        assert!(!on_disk.windows(6).any(|w| w == b"canary"), "sealed on disk");
    }

    #[test]
    fn a_short_or_monotonous_passphrase_is_refused_before_anything_is_written() {
        let world = World::new();
        for phrase in ["eleven chrs", "aaaaaaaaaaaaaaaaaaaa"] {
            let refused = Vault::create(
                &world.folder(),
                &Protect::Passphrase(Zeroizing::new(phrase.to_owned())),
                Place::ThisComputer,
                &world.secrets,
                &world.chance,
            );
            assert!(matches!(refused, Err(VaultError::PassphraseTooShort)));
        }
        assert!(!world.folder().header().exists());
    }

    #[test]
    fn the_recovery_key_opens_what_the_keyring_lost_and_protects_it_anew() {
        let world = World::new();
        let (made, recovery) = world.create(&Protect::Keyring);
        world.memory.forget(SecretKind::Vault);
        let typed = recovery.expose().to_lowercase().replace('-', " ");
        let repaired = Vault::repair(
            &world.folder(),
            &RecoveryKey::parse(&typed).unwrap(),
            &Protect::Passphrase(Zeroizing::new(PHRASE.to_owned())),
            &world.secrets,
            &world.chance,
        )
        .unwrap();
        assert_eq!(repaired.cache_key(), made.cache_key());
        assert_eq!(world.open(Some(PHRASE)).unwrap().cache_key(), made.cache_key());
        let wrong = RecoveryKey::parse(&"A".repeat(25)).unwrap();
        let refused = Vault::repair(&world.folder(), &wrong, &Protect::Keyring, &world.secrets, &world.chance);
        assert!(matches!(refused, Err(VaultError::WrongRecoveryKey)));
    }

    #[test]
    fn a_header_from_a_newer_version_is_left_alone() {
        let world = World::new();
        std::fs::write(world.folder().header(), br#"{"version":2}"#).unwrap();
        assert!(matches!(world.open(None), Err(VaultError::Newer)));
        std::fs::write(world.folder().header(), b"{").unwrap();
        assert!(matches!(world.open(None), Err(VaultError::Damaged)));
    }
}
