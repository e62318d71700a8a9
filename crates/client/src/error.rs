//! Every refusal of the core in one shape for the shell: a stable code, words for a log, the next step, an exit class.

use crate::cache::CacheError;
use crate::vault::VaultError;

/// What the shell shows, prints and exits with. `message` and `next` hold no names or amounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{message}")]
pub struct ClientError {
    /// Stable; see [`CODES`].
    pub code: String,
    pub message: String,
    /// What the person can do about it.
    pub next: String,
    #[serde(skip)]
    pub class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The request cannot be done as it is.
    Refused,
    /// Not signed in, or locked.
    NotOpen,
    /// The server did not answer.
    Unreachable,
    /// A file or key of this computer is damaged or missing.
    Damaged,
}

impl Class {
    /// The exit code of the command line.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Refused | Self::Damaged => 1,
            Self::NotOpen => 3,
            Self::Unreachable => 4,
        }
    }
}

/// Every code that starts here. A server's own codes (`api::error::ErrorCode`) pass through unchanged.
pub const CODES: &[&str] = &[
    "not_signed_in",
    "locked",
    "already_set_up",
    "session_left",
    "no_account",
    "keyring_absent",
    "keyring_no_bus",
    "keyring_locked",
    "keyring_item_missing",
    "keyring_item_replaced",
    "keyring_changed",
    "keyring_refused",
    "wrong_passphrase",
    "passphrase_needed",
    "passphrase_too_short",
    "pin_too_short",
    "passphrase_too_long",
    "passphrase_guessable",
    "nothing_kept",
    "not_wiped",
    "contact_needed",
    "wrong_recovery_key",
    "too_many_tries",
    "vault_damaged",
    "vault_gone",
    "secrets_damaged",
    "unsent_damaged",
    "vault_newer",
    "cache_damaged",
    "cache_newer",
    "cache_failed",
    "not_encrypted",
    "disk_full",
    "read_only",
    "file_failed",
    "not_found",
    "invalid_request",
    "invalid_amount",
    "unknown_currency",
    "invalid_date",
    "too_long",
    "not_one_line",
    "too_many",
    "not_payable",
    "method_not_drawable",
    "day_passed",
    "too_late",
    "last_way_in",
    "answer_elsewhere",
    "not_support",
    "unusual",
    "invalid_address",
    "address_not_added",
    "not_a_known_format",
    "file_too_large",
    "file_empty",
    "file_damaged",
    "archive_newer",
    "account_needed",
    "token_unknown",
    "insecure_address",
    "sign_in_cancelled",
    "sign_in_replaced",
    "sign_in_refused",
    "sign_in_timed_out",
    "sign_in_not_started",
    "port_refused",
    "wrong_server",
    "device_revoked",
    "lives_here",
    "changes_waiting",
    "server_unreachable",
    "certificate_refused",
    "server_failed",
    "answer_lost",
    "done_before",
    "upgrade_required",
];

impl ClientError {
    pub(crate) fn new(class: Class, code: &str, message: impl Into<String>, next: &str) -> Self {
        Self { code: code.to_owned(), message: message.into(), next: next.to_owned(), class }
    }

    pub(crate) fn refused(code: &str, message: impl Into<String>, next: &str) -> Self {
        Self::new(Class::Refused, code, message, next)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::refused("not_found", format!("there is no such {what}"), "look at the list again")
    }

    /// A text that belongs on one line.
    pub(crate) fn one_line(what: &str, text: &str) -> Result<(), Self> {
        if text.chars().any(char::is_control) {
            let message = format!("the {what} has a line break or another control character");
            return Err(Self::refused("not_one_line", message, "write it on one line, without tabs"));
        }
        Ok(())
    }

    /// A name that is there, on one line.
    pub(crate) fn name(text: &str) -> Result<(), Self> {
        if text.trim().is_empty() {
            return Err(Self::refused("invalid_request", "the name is empty", "say a name"));
        }
        Self::one_line("name", text)
    }

    pub(crate) fn locked() -> Self {
        Self::new(Class::NotOpen, "locked", "Billfold is locked", "unlock it")
    }

    pub(crate) fn no_account() -> Self {
        Self::new(
            Class::NotOpen,
            "no_account",
            "there is no account on this computer yet",
            "create one with `billfold account create --local`, or sign in to a server",
        )
    }
}

impl ClientError {
    /// A file at a place that the person chose was not written. The data folder has no part in it.
    #[expect(clippy::needless_pass_by_value, reason = "it ends a chain of `map_err`")]
    pub(crate) fn not_written(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (code, message, next) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                ("disk_full", "the disk is full; the file was not written", "free some space, or choose another disk")
            }
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                ("read_only", "no file can be written there", "choose another folder")
            }
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                ("file_failed", "the folder for the file is not there", "make the folder, or choose another")
            }
            ErrorKind::IsADirectory => {
                ("file_failed", "a folder is there, and not a file", "name the file in it, such as statement.pdf")
            }
            _ => ("file_failed", "the file could not be written", "choose another place for it"),
        };
        Self::refused(code, message, next)
    }
}

impl From<VaultError> for ClientError {
    fn from(error: VaultError) -> Self {
        let message = error.to_string();
        let make = |class, code, next| Self::new(class, code, message.clone(), next);
        match error {
            VaultError::NoAccount => Self::no_account(),
            VaultError::AlreadySetUp => {
                make(Class::Refused, "already_set_up", "sign out first, or choose another data folder")
            }
            VaultError::KeyringAbsent { .. } => make(
                Class::NotOpen,
                "keyring_absent",
                "start the system's keyring, or repair with the recovery key and choose a passphrase",
            ),
            VaultError::KeyringNoBus { .. } => make(
                Class::NotOpen,
                "keyring_no_bus",
                "start Billfold inside a desktop session, or repair with the recovery key and choose a passphrase",
            ),
            VaultError::KeyringLocked => {
                make(Class::NotOpen, "keyring_locked", "unlock the system's keyring and try again")
            }
            VaultError::KeyringItemMissing => make(
                Class::NotOpen,
                "keyring_item_missing",
                "repair with the recovery key; nothing was deleted and no new key was made",
            ),
            VaultError::KeyringItemReplaced => make(
                Class::NotOpen,
                "keyring_item_replaced",
                "repair with the recovery key; nothing was deleted and no new key was made",
            ),
            VaultError::KeyringChanged { .. } => make(
                Class::NotOpen,
                "keyring_changed",
                "start the keyring that was used before, or repair with the recovery key",
            ),
            VaultError::KeyringRefused { .. } => make(
                Class::NotOpen,
                "keyring_refused",
                "allow Billfold in the system's keyring and try again, or repair with the recovery key",
            ),
            VaultError::PassphraseNeeded => make(Class::NotOpen, "passphrase_needed", "unlock with the passphrase"),
            VaultError::WrongPassphrase => {
                make(Class::NotOpen, "wrong_passphrase", "try again; often it is Caps Lock or the keyboard layout")
            }
            VaultError::TooManyTries { .. } => make(Class::NotOpen, "too_many_tries", "wait, then try again"),
            VaultError::PassphraseTooShort => make(
                Class::Refused,
                "passphrase_too_short",
                "choose at least 12 characters; four words are easy to keep",
            ),
            VaultError::PinTooShort => {
                make(Class::Refused, "pin_too_short", "choose at least 6 digits or letters that are not in a row")
            }
            VaultError::PassphraseTooLong => make(Class::Refused, "passphrase_too_long", "choose a shorter one"),
            VaultError::PassphraseGuessable => make(
                Class::Refused,
                "passphrase_guessable",
                "choose words that do not belong together; no names, dates, rows of keys or repetitions",
            ),
            VaultError::NothingKept => make(
                Class::Refused,
                "nothing_kept",
                "sign out, and sign in again without \"not my computer\", to keep a copy here",
            ),
            VaultError::NotWiped => make(
                Class::Damaged,
                "not_wiped",
                "close programs that hold files of the data folder, then delete the folder by hand",
            ),
            VaultError::WrongRecoveryKey => {
                make(Class::Refused, "wrong_recovery_key", "check the 25 letters and digits of the recovery key")
            }
            VaultError::Damaged => make(
                Class::Damaged,
                "vault_damaged",
                "restore the file vault.json from a backup, or start with a new data folder",
            ),
            VaultError::HeaderGone => make(
                Class::Damaged,
                "vault_gone",
                "put the file vault.json back into the data folder, or choose another folder with --data",
            ),
            VaultError::SecretsDamaged => make(
                Class::Damaged,
                "secrets_damaged",
                "put the file secrets.sealed back into the data folder, from a backup; nothing was changed",
            ),
            VaultError::Newer => make(Class::Damaged, "vault_newer", "update Billfold; the data was not touched"),
            VaultError::File(error) => Self::from(error),
        }
    }
}

impl From<crate::folder::FileError> for ClientError {
    fn from(error: crate::folder::FileError) -> Self {
        match error.0.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::new(
                Class::Refused,
                "disk_full",
                "the disk is full; nothing was changed",
                "free some space and try again",
            ),
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => Self::new(
                Class::Refused,
                "read_only",
                "the data folder cannot be written",
                "make the folder writable, or choose another with --data",
            ),
            std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => Self::new(
                Class::Refused,
                "file_failed",
                "a file is where the data folder should be",
                "choose another folder with --data",
            ),
            _ => Self::new(
                Class::Damaged,
                "file_failed",
                "a file of the data folder could not be read or written",
                "check the disk and try again",
            ),
        }
    }
}

impl From<CacheError> for ClientError {
    fn from(error: CacheError) -> Self {
        let message = error.to_string();
        let make = |class, code, next| Self::new(class, code, message.clone(), next);
        match error {
            CacheError::DiskFull => make(Class::Refused, "disk_full", "free some space and try again"),
            CacheError::ReadOnly => {
                make(Class::Refused, "read_only", "make the folder writable, or choose another with --data")
            }
            CacheError::NotEncrypted => {
                make(Class::Damaged, "not_encrypted", "install a Billfold that was built with SQLCipher")
            }
            CacheError::Damaged => make(
                Class::Damaged,
                "cache_damaged",
                "unlock again: the copy is rebuilt from the server and unsent work is kept",
            ),
            CacheError::Newer => make(Class::Damaged, "cache_newer", "update Billfold; the data was not touched"),
            CacheError::TooMany => {
                make(Class::Refused, "too_many", "connect to the server so that waiting changes can be sent")
            }
            CacheError::NotFound(what) => Self::not_found(what),
            CacheError::Closed => Self::locked(),
            CacheError::Sql(_) => {
                make(Class::Damaged, "cache_failed", "lock and unlock; if it comes again, run `billfold check`")
            }
            CacheError::File(error) => Self::from(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_name_is_there_and_on_one_line() {
        assert!(ClientError::name("Käse & Söhne").is_ok());
        for empty in ["", " ", "\n"] {
            assert_eq!(ClientError::name(empty).unwrap_err().code, "invalid_request");
        }
        for broken in ["a\nb", "a\tb", "a\u{1b}", "a\u{7f}", "a\u{85}"] {
            let error = ClientError::name(broken).unwrap_err();
            assert_eq!(error.code, "not_one_line");
            assert!(error.message.contains("control character"), "{}", error.message);
        }
        assert!(ClientError::one_line("reference", "").is_ok());
    }

    #[test]
    fn a_file_of_the_persons_own_that_is_not_written_says_what_to_do_there() {
        let cases = [
            (ErrorKind::NotFound, "file_failed", "make the folder"),
            (ErrorKind::IsADirectory, "file_failed", "name the file in it"),
            (ErrorKind::PermissionDenied, "read_only", "choose another folder"),
            (ErrorKind::StorageFull, "disk_full", "free some space"),
            (ErrorKind::Other, "file_failed", "choose another place"),
        ];
        for (kind, code, next) in cases {
            let error = ClientError::not_written(Error::from(kind));
            assert_eq!(error.code, code);
            assert!(error.next.starts_with(next), "{kind}: {}", error.next);
            assert!(!error.message.contains("data folder"), "{kind}: it is another folder");
        }
    }
}
