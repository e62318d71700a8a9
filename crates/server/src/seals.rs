//! Seals what the server must read again and nobody else may: the keys of authenticator apps. The keys that seal never stand
//! in the database. A server of its own keeps them in a file, the newest first: that one seals, the others still open. An
//! embedded server makes its one from the key of its database.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::HEXLOWER_PERMISSIVE;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::Chance;

const KEY_BYTES: usize = 32;
/// Keys that a file holds at most: those before the last few have sealed nothing for long.
const KEYS_MAX: usize = 16;
/// The name of the file in the folder of a server with SQLite.
const FILE: &str = "seal.keys";
/// What the key of an embedded server's database is used for here.
const DERIVED: &[u8] = b"billfold server seal 1";

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the file of keys that seal cannot be used: {0}")]
    File(#[source] std::io::Error),
    #[error("the file of keys that seal has lines that are no key, none, or more than 16")]
    NoKeys,
    #[error(
        "say where the keys are that seal what people's authenticator apps hold: --seal-keys FILE; it is made when it is not there"
    )]
    NotSaid,
    #[error("something is sealed with a key that is not there; bring back the file of keys that seal")]
    UnknownKey,
    #[error("something that was sealed does not open: it was changed, or moved from elsewhere")]
    DoesNotOpen,
}

/// Which key sealed something: the beginning of the key's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(pub i64);

/// Something sealed, with the key that did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub key: KeyId,
    pub bytes: Vec<u8>,
}

/// The keys, newest first. None: nothing can be sealed or opened. Those of a file are read again when something is sealed with
/// one that is not among them: another node began with a file that has one more.
#[derive(Clone, Default)]
pub struct Seals(Arc<Kept>);

#[derive(Default)]
struct Kept {
    keys: RwLock<Vec<Arc<Key>>>,
    file: Option<PathBuf>,
}

struct Key {
    id: KeyId,
    aead: LessSafeKey,
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Result<Self, SealError> {
        let digest = Sha256::digest(bytes);
        let id = KeyId(i64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])));
        let aead = UnboundKey::new(&CHACHA20_POLY1305, bytes).map_err(|_| SealError::NoKeys)?;
        Ok(Self { id, aead: LessSafeKey::new(aead) })
    }
}

impl Seals {
    /// Keys as they are, newest first.
    pub fn of(keys: &[[u8; KEY_BYTES]]) -> Result<Self, SealError> {
        Self::kept(keys, None)
    }

    fn kept(keys: &[[u8; KEY_BYTES]], file: Option<PathBuf>) -> Result<Self, SealError> {
        Ok(Self(Arc::new(Kept { keys: RwLock::new(read_in(keys)?), file })))
    }

    /// The keys as they are now.
    fn keys(&self) -> Vec<Arc<Key>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file again. Keys that it has no more still open what they sealed, until the server ends.
    fn read_again(&self) -> Result<(), SealError> {
        let Some(file) = &self.0.file else { return Ok(()) };
        let text = Zeroizing::new(std::fs::read_to_string(file).map_err(SealError::File)?);
        let mut now = read_in(&read_keys(&text)?)?;
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        let gone = keys.iter().filter(|old| now.iter().all(|key| key.id != old.id)).cloned().collect::<Vec<_>>();
        now.extend(gone);
        *keys = now;
        Ok(())
    }

    /// The one key of a server whose whole database is encrypted with this key.
    pub fn derived(database_key: &[u8; KEY_BYTES]) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(database_key);
        let filled = secret.expand(&[DERIVED], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(key.as_mut()));
        filled.map_err(|_| SealError::NoKeys)?;
        Self::of(&[*key])
    }

    /// Reads the file; one that is not there is made, with one key.
    pub fn open(file: &Path, chance: &dyn Chance) -> Result<Self, SealError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::kept(&read_keys(&Zeroizing::new(text))?, Some(file.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let keys = [new_key(chance)];
                write_keys(file, &keys)?;
                Self::kept(&keys, Some(file.to_owned()))
            }
            Err(error) => Err(SealError::File(error)),
        }
    }

    /// The file beside a database of SQLite.
    #[must_use]
    pub fn beside(database: &Path) -> PathBuf {
        database.with_file_name(FILE)
    }

    /// The key that seals from now on.
    #[must_use]
    pub fn newest(&self) -> Option<KeyId> {
        self.keys().first().map(|key| key.id)
    }

    /// Seals for one place alone: what is opened elsewhere does not open.
    pub fn seal(&self, plain: &[u8], place: &[u8], chance: &dyn Chance) -> Result<Sealed, SealError> {
        let keys = self.keys();
        let key = keys.first().ok_or(SealError::NotSaid)?;
        let mut nonce = [0; NONCE_LEN];
        chance.fill(&mut nonce);
        let mut bytes = nonce.to_vec();
        let mut sealed = plain.to_vec();
        key.aead
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(|_| SealError::DoesNotOpen)?;
        bytes.append(&mut sealed);
        Ok(Sealed { key: key.id, bytes })
    }

    pub fn unseal(&self, sealed: &Sealed, place: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let known = || self.keys().into_iter().find(|key| key.id == sealed.key);
        let key = match known() {
            Some(key) => key,
            None => {
                self.read_again()?;
                known().ok_or(SealError::UnknownKey)?
            }
        };
        let (nonce, rest) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or(SealError::DoesNotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::DoesNotOpen)?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = key
            .aead
            .open_in_place(nonce, Aad::from(place), plain.as_mut_slice())
            .map_err(|_| SealError::DoesNotOpen)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seals({} keys)", self.keys().len())
    }
}

/// Puts a new key before those that a file has: from the next start on it seals, and what older ones sealed is sealed anew.
/// How many keys the file has then.
pub fn add_key(file: &Path, chance: &dyn Chance) -> Result<usize, SealError> {
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(SealError::File)?);
    let mut keys = read_keys(&text)?;
    keys.insert(0, new_key(chance));
    if keys.len() > KEYS_MAX {
        return Err(SealError::NoKeys);
    }
    write_keys(file, &keys)?;
    Ok(keys.len())
}

/// Keys that can be used, newest first.
fn read_in(keys: &[[u8; KEY_BYTES]]) -> Result<Vec<Arc<Key>>, SealError> {
    if keys.is_empty() || keys.len() > KEYS_MAX {
        return Err(SealError::NoKeys);
    }
    keys.iter().map(|key| Key::new(key).map(Arc::new)).collect()
}

fn new_key(chance: &dyn Chance) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    chance.fill(&mut key);
    key
}

fn read_keys(text: &str) -> Result<Vec<[u8; KEY_BYTES]>, SealError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let key = |line: &str| {
        let bytes = HEXLOWER_PERMISSIVE.decode(line.as_bytes()).map_err(|_| SealError::NoKeys)?;
        bytes.try_into().map_err(|_| SealError::NoKeys)
    };
    lines.map(key).collect()
}

/// The whole file, readable by its owner alone, in one step: a crash leaves the old one or the new one.
fn write_keys(file: &Path, keys: &[[u8; KEY_BYTES]]) -> Result<(), SealError> {
    let mut text = Zeroizing::new(String::new());
    for key in keys {
        text.push_str(&Zeroizing::new(HEXLOWER_PERMISSIVE.encode(key)));
        text.push('\n');
    }
    let new = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&new).map_err(SealError::File)?;
    written.write_all(text.as_bytes()).and_then(|()| written.sync_all()).map_err(SealError::File)?;
    std::fs::rename(&new, file).map_err(SealError::File)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededChance;

    const PLACE: &[u8] = b"totp of somebody";

    #[test]
    fn what_is_sealed_opens_in_its_place_alone_and_shows_nothing() {
        let chance = SeededChance::new(1);
        let seals = Seals::of(&[[7; 32]]).unwrap();
        let sealed = seals.seal(b"an authenticator's key", PLACE, &chance).unwrap();
        assert_eq!(*seals.unseal(&sealed, PLACE).unwrap(), b"an authenticator's key");
        assert!(!sealed.bytes.windows(13).any(|part| part == b"authenticator"));
        assert!(matches!(seals.unseal(&sealed, b"totp of another"), Err(SealError::DoesNotOpen)));
        let mut changed = sealed.clone();
        for place in 0..changed.bytes.len() {
            changed.bytes[place] ^= 1;
            assert!(matches!(seals.unseal(&changed, PLACE), Err(SealError::DoesNotOpen)), "byte {place}");
            changed.bytes[place] ^= 1;
        }
        changed.bytes.truncate(NONCE_LEN - 1);
        assert!(matches!(seals.unseal(&changed, PLACE), Err(SealError::DoesNotOpen)));
        let again = seals.seal(b"an authenticator's key", PLACE, &chance).unwrap();
        assert_ne!(sealed.bytes, again.bytes, "a nonce is used once");
    }

    #[test]
    fn the_newest_key_seals_and_the_older_ones_still_open() {
        let chance = SeededChance::new(2);
        let old = Seals::of(&[[1; 32]]).unwrap();
        let sealed = old.seal(b"key", PLACE, &chance).unwrap();
        let both = Seals::of(&[[2; 32], [1; 32]]).unwrap();
        assert_eq!(*both.unseal(&sealed, PLACE).unwrap(), b"key");
        assert_ne!(both.newest(), old.newest());
        assert_eq!(both.seal(b"key", PLACE, &chance).unwrap().key, both.newest().unwrap());
        let new = Seals::of(&[[2; 32]]).unwrap();
        assert!(matches!(new.unseal(&sealed, PLACE), Err(SealError::UnknownKey)));
        assert!(matches!(Seals::default().seal(b"key", PLACE, &chance), Err(SealError::NotSaid)));
    }

    #[test]
    fn the_file_is_made_once_read_again_and_gets_a_key_more() {
        let chance = SeededChance::new(3);
        let folder = tempfile::tempdir().unwrap();
        let file = Seals::beside(&folder.path().join("server.sqlite"));
        let first = Seals::open(&file, &chance).unwrap().newest();
        assert_eq!(Seals::open(&file, &chance).unwrap().newest(), first);
        assert_eq!(add_key(&file, &chance).unwrap(), 2);
        let both = Seals::open(&file, &chance).unwrap();
        assert_ne!(both.newest(), first);
        assert!(both.keys().iter().any(|key| Some(key.id) == first), "what it sealed still opens");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for bad in ["", "not a key", "00ff", &"00".repeat(33)] {
            std::fs::write(&file, bad).unwrap();
            assert!(matches!(Seals::open(&file, &chance), Err(SealError::NoKeys)), "{bad:?}");
        }
    }

    #[test]
    fn a_node_that_was_not_started_anew_opens_what_a_newer_key_sealed() {
        let chance = SeededChance::new(4);
        let folder = tempfile::tempdir().unwrap();
        let file = Seals::beside(&folder.path().join("server.sqlite"));
        let running = Seals::open(&file, &chance).unwrap();
        let old = running.seal(b"key", PLACE, &chance).unwrap();
        add_key(&file, &chance).unwrap();
        let anew = Seals::open(&file, &chance).unwrap();
        let sealed = anew.seal(b"key", PLACE, &chance).unwrap();
        assert_eq!(*running.unseal(&sealed, PLACE).unwrap(), b"key");
        assert_eq!(running.newest(), anew.newest(), "from here on it seals by it, too");
        // The older line goes, while this node still has that key.
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.lines().next().unwrap()).unwrap();
        add_key(&file, &chance).unwrap();
        let newest = Seals::open(&file, &chance).unwrap().seal(b"key", PLACE, &chance).unwrap();
        assert_eq!(*running.unseal(&newest, PLACE).unwrap(), b"key");
        assert_eq!(*running.unseal(&old, PLACE).unwrap(), b"key");
        // Of a key that no file has, that is said; so is a file that is away.
        let other = Seals::of(&[[9; 32]]).unwrap().seal(b"key", PLACE, &chance).unwrap();
        assert!(matches!(running.unseal(&other, PLACE), Err(SealError::UnknownKey)));
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(running.unseal(&other, PLACE), Err(SealError::File(_))));
        assert_eq!(*running.unseal(&newest, PLACE).unwrap(), b"key", "what it knows still opens");
    }

    #[test]
    fn an_embedded_server_has_its_key_from_its_databases() {
        let one = Seals::derived(&[5; 32]).unwrap();
        assert_eq!(one.newest(), Seals::derived(&[5; 32]).unwrap().newest());
        assert_ne!(one.newest(), Seals::derived(&[6; 32]).unwrap().newest());
        assert_ne!(one.newest(), Seals::of(&[[5; 32]]).unwrap().newest(), "it is not the database's own");
    }
}
