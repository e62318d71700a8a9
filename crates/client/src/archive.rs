//! The archive of everything, as a file: read without trusting it, and written with what this device adds to it. Nothing of it
//! is ever unpacked to disk. What becomes of it is `restore`'s.

use std::io::{Cursor, Read as _, Write as _};

use api::sync::Record;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::ClientError;
use crate::past_imports::PastImport;
use crate::settings::Settings;

/// How every ZIP archive that holds a file begins.
const BEGINNING: &[u8] = b"PK\x03\x04";
const RECORDS: &str = "records.json";
const SETTINGS: &str = "settings.json";
const IMPORTS: &str = "imports.json";
const RECORDS_FORMAT: &str = "billfold-export";
const SETTINGS_FORMAT: &str = "billfold-settings";
const IMPORTS_FORMAT: &str = "billfold-imports";
/// The newest that is read here; older ones are, too.
const VERSION: u32 = 1;
/// Twelve statements of each of 500 accounts, and room.
const ENTRIES_MAX: usize = 10_000;
/// Bytes of all records, unpacked: about half a million lines.
const RECORDS_BYTES_MAX: u64 = 256 * 1024 * 1024;
const SETTINGS_BYTES_MAX: u64 = 64 * 1024;
/// Kinds that this version knows: one that does not read is damage, and no news from the future.
const KINDS: &[&str] = &[
    "account",
    "transaction",
    "bill",
    "mark",
    "payment",
    "reminder_answer",
    "income",
    "plan_wishes",
    "suggestion_answer",
    "own_biller",
];

#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("this is not an archive that Billfold wrote")]
    NotOurs,
    /// Billfold writes no such names; they are made to write elsewhere than where an archive is unpacked.
    #[error("a name in this archive leads out of it, or a file in it is locked: Billfold wrote no such archive")]
    Unsafe,
    #[error("the archive is damaged or cut off")]
    Damaged,
    #[error("a newer Billfold wrote this archive")]
    Newer,
    #[error("the archive unpacks to more than an account holds")]
    TooLarge,
    #[error("an archive of everything goes into no single account")]
    IntoOne,
}

impl From<ArchiveError> for ClientError {
    fn from(error: ArchiveError) -> Self {
        let (code, next) = match error {
            ArchiveError::NotOurs | ArchiveError::Unsafe => {
                ("not_a_known_format", "choose the file that `billfold export` wrote")
            }
            ArchiveError::Damaged => ("file_damaged", "take the archive from another copy of it"),
            ArchiveError::Newer => ("archive_newer", "update Billfold"),
            ArchiveError::TooLarge => ("file_too_large", "choose the file that `billfold export` wrote"),
            ArchiveError::IntoOne => ("invalid_request", "import it without naming an account"),
        };
        Self::refused(code, error.to_string(), next)
    }
}

impl From<ZipError> for ArchiveError {
    fn from(_: ZipError) -> Self {
        // What it says may hold names that somebody else chose.
        Self::Damaged
    }
}

impl From<std::io::Error> for ArchiveError {
    fn from(_: std::io::Error) -> Self {
        Self::Damaged
    }
}

/// What stands in it.
#[derive(Debug)]
pub(crate) struct Archive {
    pub made_at: Timestamp,
    /// The name of the server that made it.
    pub server: String,
    pub records: Vec<Record>,
    /// Records of kinds that are not known here.
    pub unknown: u32,
    pub settings: Option<Settings>,
}

#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
struct Body {
    made_at: Timestamp,
    server: String,
    records: Vec<Kept>,
}

enum Kept {
    Record(Box<Record>),
    Unknown,
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // One at a time: all of them as values would take several times the memory.
        let value = serde_json::Value::deserialize(deserializer)?;
        match Record::deserialize(&value) {
            Ok(record) => Ok(Self::Record(Box::new(record))),
            Err(_) if value["kind"].as_str().is_some_and(|kind| !KINDS.contains(&kind)) => Ok(Self::Unknown),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

/// For the person: it is not read back.
#[derive(Serialize)]
struct ImportsFile<'a> {
    format: &'static str,
    version: u32,
    imports: &'a [PastImport],
}

#[derive(Serialize, Deserialize)]
struct SettingsFile {
    format: String,
    version: u32,
    settings: Settings,
}

/// Whether these bytes are an archive at all, before anything of it is read.
pub(crate) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGINNING)
}

pub(crate) fn read(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    let mut zip = ZipArchive::new(Cursor::new(bytes))?;
    if zip.len() > ENTRIES_MAX {
        return Err(ArchiveError::TooLarge);
    }
    for at in 0..zip.len() {
        let entry = zip.by_index_raw(at)?;
        if !stays_within(entry.name()) || entry.is_symlink() || entry.encrypted() {
            return Err(ArchiveError::Unsafe);
        }
    }
    let records = file(&mut zip, RECORDS, RECORDS_BYTES_MAX)?.ok_or(ArchiveError::NotOurs)?;
    let head: Head = serde_json::from_slice(&records).map_err(|_| ArchiveError::NotOurs)?;
    check(&head.format, RECORDS_FORMAT, head.version)?;
    let body: Body = serde_json::from_slice(&records).map_err(|_| ArchiveError::Damaged)?;
    let settings = match file(&mut zip, SETTINGS, SETTINGS_BYTES_MAX)? {
        None => None,
        Some(bytes) => {
            let kept: SettingsFile = serde_json::from_slice(&bytes).map_err(|_| ArchiveError::Damaged)?;
            check(&kept.format, SETTINGS_FORMAT, kept.version)?;
            Some(kept.settings)
        }
    };
    let mut archive = Archive { made_at: body.made_at, server: body.server, records: Vec::new(), unknown: 0, settings };
    for kept in body.records {
        match kept {
            Kept::Record(record) if !is_sound(&record) => return Err(ArchiveError::Damaged),
            Kept::Record(record) => archive.records.push(*record),
            Kept::Unknown => archive.unknown = archive.unknown.saturating_add(1),
        }
    }
    Ok(archive)
}

/// Whether a file of that name lies below the folder that an archive is unpacked to, on every system.
fn stays_within(name: &str) -> bool {
    let strange = name.chars().any(|c| matches!(c, '\\' | ':') || c.is_control());
    !strange && !name.starts_with('/') && name.split('/').all(|part| part != "..")
}

/// Whether it is one that Billfold would have kept. Marks are looked at beside their bills.
fn is_sound(record: &Record) -> bool {
    match record {
        Record::Bill(bill) => bill.check().is_ok(),
        Record::OwnBiller(biller) => biller.check().is_ok(),
        Record::Income(income) => income.check().is_ok(),
        Record::PlanWishes(wishes) => wishes.check().is_ok(),
        Record::ReminderAnswer(answer) => answer.is_sound(),
        _ => true,
    }
}

fn check(format: &str, wanted: &str, version: u32) -> Result<(), ArchiveError> {
    match version {
        _ if format != wanted => Err(ArchiveError::NotOurs),
        0 => Err(ArchiveError::Damaged),
        1..=VERSION => Ok(()),
        _ => Err(ArchiveError::Newer),
    }
}

/// A file of it. What it says of its size is believed where it says too much, and counted where it says less.
fn file(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &str, most: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
    let entry = match zip.by_name(name) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if entry.size() > most {
        return Err(ArchiveError::TooLarge);
    }
    let mut bytes = Vec::new();
    entry.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(ArchiveError::TooLarge);
    }
    Ok(Some(bytes))
}

/// The archive of the server with what only this device knows: how it is set, and what came of the last imports.
pub(crate) fn with_own(archive: Vec<u8>, settings: &Settings, imports: &[PastImport]) -> Result<Vec<u8>, ArchiveError> {
    let settings = SettingsFile { format: SETTINGS_FORMAT.to_owned(), version: VERSION, settings: settings.clone() };
    let imports = ImportsFile { format: IMPORTS_FORMAT, version: VERSION, imports };
    let settings = serde_json::to_vec_pretty(&settings).map_err(|_| ArchiveError::Damaged)?;
    let imports = serde_json::to_vec_pretty(&imports).map_err(|_| ArchiveError::Damaged)?;
    let mut zip = ZipWriter::new_append(Cursor::new(archive))?;
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(0o600);
    for (name, text) in [(SETTINGS, settings), (IMPORTS, imports)] {
        zip.start_file(name, packed)?;
        zip.write_all(&text)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// An archive with these files.
    pub(crate) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// As a server writes it.
    pub(crate) fn archive_of(records: &[Record]) -> Vec<u8> {
        with_records(&json!(records), 1)
    }

    fn with_records(records: &Value, version: u32) -> Vec<u8> {
        let whole = json!({"format": RECORDS_FORMAT, "version": version, "made_at": "2026-11-01T09:00:00Z",
            "server": "Household", "devices": [], "addresses": [], "records": records});
        packed(&[("README.txt", b"Everything"), (RECORDS, &serde_json::to_vec(&whole).unwrap())])
    }

    fn refused(bytes: &[u8]) -> &'static str {
        match read(bytes).expect_err("it is refused") {
            ArchiveError::NotOurs => "not ours",
            ArchiveError::Unsafe => "unsafe",
            ArchiveError::Damaged => "damaged",
            ArchiveError::Newer => "newer",
            ArchiveError::TooLarge => "too large",
            ArchiveError::IntoOne => "into one",
        }
    }

    #[test]
    fn a_name_that_leads_out_is_refused_even_where_nothing_is_unpacked() {
        let good = serde_json::to_vec(&json!({})).unwrap();
        for name in ["../away.txt", "/etc/away", "statements/../../away", "..\\away", "C:\\away"] {
            assert_eq!(refused(&packed(&[(RECORDS, &good), (name, b"x")])), "unsafe", "{name}");
        }
        let mut zip = ZipWriter::new(Cursor::new(archive_of(&[])));
        zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        assert_eq!(refused(&zip.finish().unwrap().into_inner()), "unsafe");
    }

    #[test]
    fn a_file_that_unpacks_to_too_much_is_refused_whatever_it_says_of_its_size() {
        let bomb = vec![b' '; usize::try_from(SETTINGS_BYTES_MAX).unwrap() * 100];
        let records = with_records(&json!([]), 1);
        let mut zip = ZipWriter::new_append(Cursor::new(records)).unwrap();
        zip.start_file(SETTINGS, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        zip.write_all(&bomb).unwrap();
        let mut honest = zip.finish().unwrap().into_inner();
        assert!(honest.len() < 20_000, "it is small while it is packed");
        assert_eq!(refused(&honest), "too large");
        // The same with a small size in the directory at its end.
        let size = u32::try_from(bomb.len()).unwrap().to_le_bytes();
        let directory = honest.windows(4).rposition(|window| window == size).expect("the size in the directory");
        honest[directory..directory + 4].copy_from_slice(&10_u32.to_le_bytes());
        assert!(matches!(refused(&honest), "too large" | "damaged"));
        let many: Vec<String> = (0..=ENTRIES_MAX).map(|at| at.to_string()).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
        assert_eq!(refused(&packed(&many)), "too large");
    }

    #[test]
    fn what_is_cut_off_or_changed_is_damaged_wherever() {
        let whole = archive_of(&[]);
        read(&whole).unwrap();
        for length in 4..whole.len() {
            assert_eq!(refused(&whole[..length]), "damaged", "cut at {length}");
        }
        let (_, records) = (whole.len(), whole.windows(4).position(|at| at == b"PK\x01\x02").unwrap());
        let mut seen = 0;
        for at in 60..records {
            let mut changed = whole.clone();
            changed[at] ^= 0x40;
            seen += usize::from(read(&changed).is_err());
        }
        assert!(seen * 2 > records - 60, "most of the bytes are those of the records, and those are summed: {seen}");
        assert_eq!(refused(&with_records(&json!([{"kind": "bill", "body": {"id": 7}}]), 1)), "damaged");
    }

    #[test]
    fn another_archive_is_none_of_ours_and_a_newer_one_is_said_to_be_newer() {
        assert_eq!(refused(&packed(&[("photo.jpg", b"x")])), "not ours");
        assert_eq!(refused(&packed(&[(RECORDS, b"[1, 2]")])), "not ours");
        assert_eq!(refused(&packed(&[(RECORDS, br#"{"format": "other", "version": 1}"#)])), "not ours");
        // Whatever a later one means by its records, it is not guessed at.
        assert_eq!(refused(&with_records(&json!("in another way"), VERSION + 1)), "newer");
        assert_eq!(refused(&with_records(&json!([]), 0)), "damaged");
    }

    #[test]
    fn kinds_of_a_later_server_are_counted_and_settings_go_with_it() {
        let later = with_records(&json!([{"kind": "a_kind_of_later", "body": {"id": 7}}]), 1);
        let settings = Settings { lock_after_minutes: 3, ..Settings::default() };
        let archive = read(&with_own(later, &settings, &[]).unwrap()).unwrap();
        assert_eq!((archive.unknown, archive.records.len()), (1, 0));
        assert_eq!((archive.settings, archive.server.as_str()), (Some(settings), "Household"));
        assert!(!is_one(b"OFXHEADER:100") && is_one(&archive_of(&[])));
    }
}
