//! The directory of billers (BI2): who can be paid through this server, with what, and plainly who cannot. It is a signed
//! text: a build believes the one key it holds, whoever hands the text over, and a version that is older than the one it
//! has is not taken. Beside it stand the person's own billers: nobody signed for where their money goes, so they are found
//! and named as the others and never paid from here.

use std::collections::HashSet;
use std::sync::LazyLock;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::bills::{Bill, text_fits};
use crate::calendar::Calendar;
use crate::ids::BillerId;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Biller {
    pub id: BillerId,
    /// 1 to 120 characters.
    pub name: String,
    /// Short words to find it by: "phone", "rent".
    pub category: String,
    /// False: reminders only, the person pays elsewhere.
    pub payable: bool,
    /// By what it is paid, here or elsewhere; empty where nobody knows.
    #[serde(default)]
    pub accepts: Vec<Accepts>,
    /// IANA zone in which its due dates are meant.
    pub zone: String,
    /// There, what arrives on the due date is late from this time on; absent: the whole day is good.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub cutoff: Option<Time>,
    /// Whose banking days count on the way to it.
    #[serde(default)]
    pub calendar: Calendar,
}

/// A way to pay somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Accepts {
    /// What payments from here are.
    BankTransfer,
    DirectDebit,
    Card,
    Check,
    Cash,
}

impl Accepts {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BankTransfer => "bank_transfer",
            Self::DirectDebit => "direct_debit",
            Self::Card => "card",
            Self::Check => "check",
            Self::Cash => "cash",
        }
    }
}

/// A biller that the person added. It is paid elsewhere, in the way that they noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct OwnBiller {
    pub id: BillerId,
    /// 1 to 120 characters.
    pub name: String,
    /// Short words to find it by; up to 200 characters.
    #[serde(default)]
    pub category: String,
    /// By what it is paid, each once; empty where nobody knows.
    #[serde(default)]
    pub accepts: Vec<Accepts>,
    /// How the person pays it, in up to 500 characters; empty where they noted nothing.
    #[serde(default)]
    pub how_to_pay: String,
}

/// Why an own biller is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnBillerError {
    #[error("the name must have 1 to 120 characters")]
    Name,
    #[error("the words to find it by must have at most 200 characters")]
    Category,
    #[error("each way to pay it is named once")]
    Accepts,
    #[error("how to pay it must have at most 500 characters")]
    HowToPay,
}

impl OwnBiller {
    pub const HOW_CHARS_MAX: usize = 500;

    pub fn check(&self) -> Result<(), OwnBillerError> {
        if !text_fits(&self.name, 1, Bill::NAME_CHARS_MAX) {
            return Err(OwnBillerError::Name);
        }
        if !text_fits(&self.category, 0, Directory::CATEGORY_CHARS_MAX) {
            return Err(OwnBillerError::Category);
        }
        let mut seen = HashSet::new();
        if !self.accepts.iter().all(|way| seen.insert(way)) {
            return Err(OwnBillerError::Accepts);
        }
        // It may have lines, so it is only counted.
        if self.how_to_pay.chars().count() > Self::HOW_CHARS_MAX {
            return Err(OwnBillerError::HowToPay);
        }
        Ok(())
    }
}

/// The directory as it is handed over: exactly the text that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignedDirectory {
    /// JSON: `version`, `made_on`, `billers`.
    pub text: String,
    /// Ed25519 over the text's bytes, in base64.
    pub signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Grows with every change.
    pub version: u32,
    pub made_on: Date,
    pub billers: Vec<Biller>,
}

/// Whose signature is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryKey([u8; 32]);

/// Why a directory is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error("its signature is not that of the key which this build of Billfold believes")]
    Signature,
    #[error("it is older than the directory that is here")]
    Older { version: u32, known: u32 },
    #[error("it is larger than a directory may be")]
    TooLarge,
    #[error("its text is no directory")]
    Text,
    #[error("an entry of it is not sound")]
    Entry { place: usize },
}

/// The key of the directory in this repository. Who publishes another one builds with their own key and file:
/// `docs/decisions/0014-the-directory-of-billers-is-signed.md`.
const PINNED: &str = match option_env!("BILLFOLD_BILLERS_KEY") {
    Some(key) => key,
    None => "0bdd816c0fa74af4476cfa38d268c3f158b1f41e0cd311dba362ee259a974ca1",
};
const BUILT_IN: (&str, &str) =
    (include_str!("../billers/directory.json"), include_str!("../billers/directory.json.sig"));

static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let opened = DirectoryKey::pinned().and_then(|key| SignedDirectory::built_in().open(&key).ok());
    // A build whose file and key do not belong together has no directory, and the next one that is signed replaces it.
    opened.unwrap_or(Directory { version: 0, made_on: Date::constant(1970, 1, 1), billers: Vec::new() })
});

impl DirectoryKey {
    /// The one that was given to this build.
    #[must_use]
    pub fn pinned() -> Option<Self> {
        Self::parse(PINNED)
    }

    /// From 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl SignedDirectory {
    const BYTES_MAX: usize = 4 * 1024 * 1024;

    /// The one that came with this build: there from the first start on, without any connection.
    #[must_use]
    pub fn built_in() -> Self {
        let (text, signature) = BUILT_IN;
        Self { text: text.to_owned(), signature: signature.trim().to_owned() }
    }

    /// What it says, when it is signed by that key and sound.
    pub fn open(&self, key: &DirectoryKey) -> Result<Directory, DirectoryError> {
        if self.text.len() > Self::BYTES_MAX {
            return Err(DirectoryError::TooLarge);
        }
        let signature = BASE64.decode(self.signature.trim().as_bytes()).map_err(|_| DirectoryError::Signature)?;
        let key = UnparsedPublicKey::new(&ED25519, key.0);
        key.verify(self.text.as_bytes(), &signature).map_err(|_| DirectoryError::Signature)?;
        Directory::read(&self.text)
    }

    /// As `open`, for who has a directory of that version already: the same one again is fine, an older one is not.
    pub fn open_after(&self, key: &DirectoryKey, known: u32) -> Result<Directory, DirectoryError> {
        let directory = self.open(key)?;
        if directory.version < known {
            return Err(DirectoryError::Older { version: directory.version, known });
        }
        Ok(directory)
    }
}

impl Directory {
    pub const BILLERS_MAX: usize = 20_000;
    const CATEGORY_CHARS_MAX: usize = 200;

    #[must_use]
    pub fn built_in() -> &'static Self {
        &DIRECTORY
    }

    /// Reads a text that is about to be signed, or whose signature is good.
    pub fn read(text: &str) -> Result<Self, DirectoryError> {
        let directory: Self = serde_json::from_str(text).map_err(|_| DirectoryError::Text)?;
        directory.check()?;
        Ok(directory)
    }

    fn check(&self) -> Result<(), DirectoryError> {
        if self.billers.len() > Self::BILLERS_MAX {
            return Err(DirectoryError::TooLarge);
        }
        let mut known = HashSet::new();
        for (place, biller) in self.billers.iter().enumerate() {
            let fits = text_fits(&biller.name, 1, Bill::NAME_CHARS_MAX)
                && text_fits(&biller.category, 0, Self::CATEGORY_CHARS_MAX);
            let paid = !biller.payable || biller.accepts.is_empty() || biller.accepts.contains(&Accepts::BankTransfer);
            let fresh = known.insert(biller.id);
            if !fits || !paid || !fresh || TimeZone::get(&biller.zone).is_err() {
                return Err(DirectoryError::Entry { place });
            }
        }
        Ok(())
    }

    #[must_use]
    pub fn find(&self, id: BillerId) -> Option<&Biller> {
        self.billers.iter().find(|biller| biller.id == id)
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    /// A key of the tests alone.
    fn signer() -> (Ed25519KeyPair, DirectoryKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = DirectoryKey(pair.public_key().as_ref().try_into().unwrap());
        (pair, key)
    }

    fn signed(text: &str) -> SignedDirectory {
        let signature = BASE64.encode(signer().0.sign(text.as_bytes()).as_ref());
        SignedDirectory { text: text.to_owned(), signature }
    }

    fn text(version: u32, change: impl FnOnce(&mut Directory)) -> String {
        let mut directory = Directory { version, ..Directory::built_in().clone() };
        change(&mut directory);
        serde_json::to_string(&directory).unwrap()
    }

    #[test]
    fn the_directory_of_this_build_is_signed_by_its_key_and_sound() {
        let opened = SignedDirectory::built_in().open(&DirectoryKey::pinned().unwrap()).unwrap();
        assert_eq!(&opened, Directory::built_in());
        assert!(opened.version > 0);
        assert!(
            opened.billers.iter().any(|biller| biller.payable) && opened.billers.iter().any(|biller| !biller.payable)
        );
        // Bills on every device name it: it must never change.
        assert_eq!(opened.billers[0].id.to_string(), "346fde54-bdf7-57bf-94b4-18066a7e5c44");
        assert_eq!(opened.find(opened.billers[3].id), Some(&opened.billers[3]));
    }

    #[test]
    fn a_wrong_signature_a_changed_letter_and_another_key_are_refused() {
        let good = signed(&text(2, |_| ()));
        let (_, key) = signer();
        assert_eq!(good.open(&key).unwrap().version, 2);
        assert_eq!(good.open(&DirectoryKey::pinned().unwrap()), Err(DirectoryError::Signature));
        for at in [0, good.text.len() / 2, good.text.len() - 1] {
            let mut bytes = good.text.clone().into_bytes();
            bytes[at] ^= 1;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(SignedDirectory { text, ..good.clone() }.open(&key), Err(DirectoryError::Signature));
        }
        for signature in ["", "AAAA", "not base64!"] {
            let bad = SignedDirectory { signature: signature.to_owned(), ..good.clone() };
            assert_eq!(bad.open(&key), Err(DirectoryError::Signature));
        }
    }

    #[test]
    fn an_own_biller_has_a_name_of_one_line_and_each_way_once() {
        let good = OwnBiller {
            id: Directory::built_in().billers[0].id,
            name: "Harbor Row Piano Lessons".to_owned(),
            category: "music".to_owned(),
            accepts: vec![Accepts::Cash, Accepts::Check],
            how_to_pay: "In an envelope,\non the first Monday".to_owned(),
        };
        assert_eq!(good.check(), Ok(()));
        for (bad, why) in [
            (OwnBiller { name: String::new(), ..good.clone() }, OwnBillerError::Name),
            (OwnBiller { name: "two\nlines".to_owned(), ..good.clone() }, OwnBillerError::Name),
            (OwnBiller { category: "x".repeat(201), ..good.clone() }, OwnBillerError::Category),
            (OwnBiller { accepts: vec![Accepts::Cash, Accepts::Cash], ..good.clone() }, OwnBillerError::Accepts),
            (OwnBiller { how_to_pay: "x".repeat(501), ..good.clone() }, OwnBillerError::HowToPay),
        ] {
            assert_eq!(bad.check(), Err(why));
        }
    }

    #[test]
    fn an_older_version_is_refused_and_the_same_one_is_not() {
        let (_, key) = signer();
        let second = signed(&text(2, |_| ()));
        assert_eq!(second.open_after(&key, 2).unwrap().version, 2);
        assert_eq!(second.open_after(&key, 3), Err(DirectoryError::Older { version: 2, known: 3 }));
    }

    #[test]
    fn a_signed_text_that_is_not_sound_is_refused_with_its_place() {
        let (_, key) = signer();
        let broken: [fn(&mut Directory); 4] = [
            |directory| directory.billers[4].name = String::new(),
            |directory| directory.billers[4].zone = "Nowhere/At_All".to_owned(),
            |directory| directory.billers[4].id = directory.billers[3].id,
            |directory| directory.billers[4].accepts = vec![Accepts::Cash],
        ];
        for change in broken {
            assert_eq!(signed(&text(2, change)).open(&key), Err(DirectoryError::Entry { place: 4 }));
        }
        assert_eq!(signed("{}").open(&key), Err(DirectoryError::Text));
        let many = "x".repeat(SignedDirectory::BYTES_MAX + 1);
        assert_eq!(signed(&many).open(&key), Err(DirectoryError::TooLarge));
    }
}
