//! Whether the copy is the one that was closed last. A local writer without the key cannot change a page, but can put an
//! older one back, or the whole file. So the digest of the closed file is kept where its files are not: with the other
//! secrets. Beside the copy stands a sealed note of whether it was closed at all.
//!
//! | secrets say | the note says | the file | it is |
//! | --- | --- | --- | --- |
//! | generation n | n, closed | has the digest | whole |
//! | n | n, closed | has not | rolled back |
//! | n | n, open | – | unsure: the program ended without closing |
//! | n | less, or nothing | has the digest | whole: it ended between the two |
//! | n | less, or nothing | has not | rolled back |
//! | nothing | – | – | unsure: from before, or the keyring lost it |
//!
//! What is unsure must follow, batch by batch, what was applied when it was closed last, and is fetched anew at the next
//! contact. What is rolled back is set aside and rebuilt; what waits for the server is kept beside it in any case.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{CacheError, CacheResult};
use crate::folder::{self, Folder};
use crate::platform::{Chance, Secret, SecretKind};
use crate::seal::{SealKey, seal, unseal};
use crate::vault::{Vault, VaultError};

/// SQLCipher's pages, each ending with what proves it: 16 bytes of nonce and 64 of HMAC-SHA512.
const PAGE: usize = 4_096;
const PROOF: usize = 80;
/// Up to here the file is read before anything of it is shown: some milliseconds. A larger one is read while its first
/// answers are shown already.
const READ_FIRST_BYTES_MAX: u64 = 32 * 1024 * 1024;
const PAGES_PER_READ: usize = 256;
const NOTE: &[u8] = b"billfold cache note";

pub(crate) type Digest = [u8; 32];

/// What is kept with the secrets: nothing secret, but nobody else may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Anchor {
    generation: u64,
    /// Structure, cursor and last batch.
    books: Digest,
    /// The chain's value at the last batch, to be found again after a crash.
    pub head: Option<Digest>,
    pages: Digest,
}

/// What stands beside the copy, sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    generation: u64,
    open: bool,
}

/// What a look at the closed copy comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// There is none yet.
    Fresh,
    Whole,
    /// Nothing speaks against it yet; its pages are still to be read.
    Large(Anchor),
    Unsure(Option<Anchor>),
    RolledBack,
}

/// Everything that looking and closing need, apart from the vault, which may be gone by then.
#[derive(Clone)]
pub(crate) struct Anchoring {
    folder: Folder,
    key: SealKey,
    generation: u64,
}

impl Anchoring {
    /// Looks at the closed copy, before it is opened.
    pub fn look(folder: &Folder, vault: &Vault) -> CacheResult<(Self, Condition)> {
        let key = vault.note_key();
        // A keyring that fails now opened the copy a moment ago: unsure, not rolled back.
        let kept = vault.find(SecretKind::Anchor).ok().flatten();
        let anchor: Option<Anchor> = kept.and_then(|secret| serde_json::from_slice(secret.expose()).ok());
        let note = read_note(folder, &key)?;
        let generation = anchor.map_or_else(|| note.map_or(0, |note| note.generation), |anchor| anchor.generation);
        let anchoring = Self { folder: folder.clone(), key, generation };
        let condition = if folder.cache().exists() { judge(folder, anchor, note)? } else { Condition::Fresh };
        Ok((anchoring, condition))
    }

    /// Before the first change: from now on an end without closing can be told from an older copy.
    pub fn begin_writing(&self, chance: &dyn Chance) -> CacheResult<()> {
        self.write_note(Note { generation: self.generation, open: true }, chance)
    }

    /// After the copy was closed: what to keep with the secrets.
    pub fn close(&self, books: Digest, head: Option<Digest>) -> CacheResult<Anchor> {
        Ok(Anchor { generation: self.generation + 1, books, head, pages: digest_of(&self.folder)? })
    }

    /// Once the anchor is kept.
    pub fn note_closed(&self, anchor: &Anchor, chance: &dyn Chance) -> CacheResult<()> {
        self.write_note(Note { generation: anchor.generation, open: false }, chance)
    }

    fn write_note(&self, note: Note, chance: &dyn Chance) -> CacheResult<()> {
        let plain = serde_json::to_vec(&note).map_err(|_| CacheError::Damaged)?;
        let sealed = seal(&self.key, NOTE, &plain, chance).map_err(|_| CacheError::Damaged)?;
        Ok(folder::replace(&self.folder.cache_note(), &sealed)?)
    }
}

impl Anchor {
    pub fn as_secret(&self) -> Result<Secret, VaultError> {
        Ok(Secret::new(serde_json::to_vec(self).map_err(|_| VaultError::Damaged)?))
    }

    /// Whether structure, cursor and last batch are those of the closing.
    pub fn holds_books(&self, books: &Digest) -> bool {
        self.books == *books
    }

    /// Reads the whole file. Nothing may be moved from the log into it meanwhile.
    pub fn holds_pages(&self, folder: &Folder) -> CacheResult<bool> {
        let mut digest = Context::new(&SHA256);
        add_pages(&mut digest, &folder.cache())?;
        Ok(self.pages == finish(digest))
    }
}

/// A note that does not read is none.
fn read_note(folder: &Folder, key: &SealKey) -> CacheResult<Option<Note>> {
    let Some(sealed) = folder::read(&folder.cache_note())? else { return Ok(None) };
    Ok(unseal(key, NOTE, &sealed).ok().and_then(|plain| serde_json::from_slice(&plain).ok()))
}

fn judge(folder: &Folder, anchor: Option<Anchor>, note: Option<Note>) -> CacheResult<Condition> {
    let Some(anchor) = anchor else { return Ok(Condition::Unsure(None)) };
    match note {
        Some(note) if note.generation > anchor.generation => Ok(Condition::RolledBack),
        Some(note) if note.generation == anchor.generation && note.open => Ok(Condition::Unsure(Some(anchor))),
        _ => {
            let beside = folder.cache_logs().iter().any(|log| std::fs::metadata(log).is_ok_and(|file| file.len() > 0));
            let large = std::fs::metadata(folder.cache()).is_ok_and(|file| file.len() > READ_FIRST_BYTES_MAX);
            if large && !beside {
                return Ok(Condition::Large(anchor));
            }
            let whole = digest_of(folder)? == anchor.pages;
            Ok(if whole { Condition::Whole } else { Condition::RolledBack })
        }
    }
}

/// Of every page's proof and the length; and of a log beside it, which a closed copy has only when there was no room to
/// move it in. An old log that somebody puts there is a copy rolled back as well.
fn digest_of(folder: &Folder) -> CacheResult<Digest> {
    let mut digest = Context::new(&SHA256);
    add_pages(&mut digest, &folder.cache())?;
    for log in folder.cache_logs() {
        if let Some(bytes) = folder::read(&log)?.filter(|bytes| !bytes.is_empty()) {
            digest.update(&bytes);
        }
    }
    Ok(finish(digest))
}

fn add_pages(digest: &mut Context, path: &Path) -> CacheResult<()> {
    let mut file = File::open(path).map_err(folder::FileError::from)?;
    let length = file.metadata().map_err(folder::FileError::from)?.len();
    digest.update(&length.to_le_bytes());
    let mut pages = vec![0; PAGE * PAGES_PER_READ];
    loop {
        let read = read_full(&mut file, &mut pages)?;
        let (whole, rest) = pages[..read].as_chunks::<PAGE>();
        for page in whole {
            digest.update(&page[PAGE - PROOF..]);
        }
        digest.update(rest);
        if read < pages.len() {
            return Ok(());
        }
    }
}

fn read_full(file: &mut File, buffer: &mut [u8]) -> CacheResult<usize> {
    let mut at = 0;
    while at < buffer.len() {
        match file.read(&mut buffer[at..]).map_err(folder::FileError::from)? {
            0 => break,
            read => at += read,
        }
    }
    Ok(at)
}

fn finish(digest: Context) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.finish().as_ref());
    bytes
}
