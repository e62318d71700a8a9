//! Where a person can be written to, as it is kept: an e-mail address or a telephone number, checked, compared without
//! regard to how it was typed, and shown with most of it covered.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// RFC 5321 4.5.3.1.
const EMAIL_MAX: usize = 254;
const LOCAL_MAX: usize = 64;
const LABEL_MAX: usize = 63;
/// E.164: country code and number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Digits of a telephone number that stay to be seen.
const PHONE_SHOWN: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum AddressKind {
    Email,
    /// Gets text messages.
    Phone,
}

impl AddressKind {
    /// The stored name; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// The language that a person reads: on screens and pages, in messages and reminders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Language {
    #[default]
    En,
    Es,
    De,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::En, Self::Es, Self::De];

    /// The stored name; it never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::De => "de",
        }
    }

    /// None when we have no words in it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == name)
    }

    /// The first of these language tags that we have words in, whatever country goes with it.
    pub fn first_of(tags: impl IntoIterator<Item = impl AsRef<str>>) -> Option<Self> {
        let known = |tag: &str| Self::named(&tag.split(['-', '_']).next()?.to_ascii_lowercase());
        tags.into_iter().find_map(|tag| known(tag.as_ref()))
    }
}

/// Why something is no address. What was typed is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("an e-mail address looks like name@example.org, in letters without accents")]
    Email,
    #[error("a telephone number begins with + and the country, and has 8 to 15 digits")]
    Phone,
}

/// An address that a message can be sent to. It is somebody's: it reaches no log, and `Debug` covers it.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressValue {
    kind: AddressKind,
    text: String,
}

impl AddressValue {
    /// Reads what a person typed.
    pub fn parse(kind: AddressKind, typed: &str) -> Result<Self, AddressError> {
        let text = match kind {
            AddressKind::Email => email(typed.trim()).ok_or(AddressError::Email)?,
            AddressKind::Phone => phone(typed.trim()).ok_or(AddressError::Phone)?,
        };
        Ok(Self { kind, text })
    }

    #[must_use]
    pub const fn kind(&self) -> AddressKind {
        self.kind
    }

    /// As it is written to.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What two spellings of one address have in common.
    #[must_use]
    pub fn folded(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// Enough for its owner to know it again: `i•••@example.org`, `••• 123`.
    #[must_use]
    pub fn covered(&self) -> String {
        match self.kind {
            AddressKind::Email => {
                let (local, domain) = self.text.split_once('@').unwrap_or((&self.text, ""));
                let first: String = local.chars().take(1).collect();
                format!("{first}•••@{domain}")
            }
            AddressKind::Phone => {
                let from = self.text.len().saturating_sub(PHONE_SHOWN);
                format!("••• {}", self.text.get(from..).unwrap_or_default())
            }
        }
    }
}

impl std::fmt::Debug for AddressValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AddressValue({})", self.kind.as_str())
    }
}

/// The part before the @ is kept as typed, the domain in lower case. Quoted names, comments and addresses of machines by
/// number are none that a person has.
fn email(typed: &str) -> Option<String> {
    let (local, domain) = typed.rsplit_once('@')?;
    let local_char = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let local_good = (1..=LOCAL_MAX).contains(&local.len())
        && local.chars().all(local_char)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label_good = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_a_name = domain.rsplit('.').next().is_some_and(|last| last.chars().any(|c| c.is_ascii_alphabetic()));
    let domain_good = domain.contains('.') && domain.split('.').all(label_good) && last_is_a_name;
    let good = typed.len() <= EMAIL_MAX && local_good && domain_good;
    good.then(|| format!("{local}@{}", domain.to_ascii_lowercase()))
}

/// Spaces, dashes, dots and brackets are how people write numbers down.
fn phone(typed: &str) -> Option<String> {
    let rest = typed.strip_prefix('+')?;
    let digits: String = rest.chars().filter(|c| !" -./()\u{a0}".contains(*c)).collect();
    let good =
        PHONE_DIGITS.contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit()) && !digits.starts_with('0');
    good.then(|| format!("+{digits}"))
}

/// How far an address has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum AddressState {
    /// A code was sent; until it is typed the address counts for nothing.
    Unconfirmed,
    /// It gets notices. Until then an older address can object; after it the address can be used to get back in.
    Waiting {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        usable_at: Timestamp,
    },
    Confirmed,
    /// It was removed. Until then it still gets notices and can object.
    Leaving {
        #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
        #[cfg_attr(feature = "bindings", specta(type = String))]
        leaves_at: Timestamp,
    },
}

/// The times from which the state follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressTimes {
    pub confirmed_at: Option<Timestamp>,
    pub usable_at: Option<Timestamp>,
    pub leaves_at: Option<Timestamp>,
}

impl AddressTimes {
    #[must_use]
    pub fn state(self, now: Timestamp) -> AddressState {
        match (self.confirmed_at, self.usable_at, self.leaves_at) {
            (None, _, _) => AddressState::Unconfirmed,
            (Some(_), _, Some(leaves_at)) => AddressState::Leaving { leaves_at },
            (Some(_), Some(usable_at), None) if usable_at > now => AddressState::Waiting { usable_at },
            (Some(_), _, None) => AddressState::Confirmed,
        }
    }

    /// Whether a notice is sent there.
    #[must_use]
    pub fn is_told(self, now: Timestamp) -> bool {
        self.confirmed_at.is_some() && self.leaves_at.is_none_or(|leaves_at| leaves_at > now)
    }

    /// Whether it helps somebody to get back in: confirmed, and nobody objected while they could.
    #[must_use]
    pub fn lets_back_in(self, now: Timestamp) -> bool {
        self.is_told(now) && self.usable_at.is_none_or(|usable_at| usable_at <= now)
    }
}

/// When a newly confirmed address can be used, given how long others may object. Where there is no other to ask, at once.
#[must_use]
pub fn usable_at(confirmed_at: Timestamp, others_are_told: bool, objection: SignedDuration) -> Timestamp {
    if others_are_told { confirmed_at.saturating_add(objection).unwrap_or(Timestamp::MAX) } else { confirmed_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_is_read_kept_and_compared() {
        for (typed, kept) in [
            (" Ines.Calloway@Example.ORG ", "Ines.Calloway@example.org"),
            ("a@b.co", "a@b.co"),
            ("first+bills@mail.example-shop.net", "first+bills@mail.example-shop.net"),
            ("name@xn--bcher-kva.example", "name@xn--bcher-kva.example"),
        ] {
            let read = AddressValue::parse(AddressKind::Email, typed).expect("an address");
            assert_eq!(read.text(), kept);
            assert_eq!(read.folded(), kept.to_lowercase());
        }
        let long = format!("{}@example.org", "x".repeat(65));
        for bad in [
            "",
            "name",
            "@example.org",
            "name@",
            "name@example",
            "na me@example.org",
            "name@exa mple.org",
            ".name@example.org",
            "name.@example.org",
            "na..me@example.org",
            "name@-example.org",
            "name@example..org",
            "name@192.0.2.1",
            "name@[192.0.2.1]",
            "\"na me\"@example.org",
            "name@example.org\r\nBcc: x@example.org",
            "näme@example.org",
            "name@exämple.org",
            "a@b@example.org",
            &long,
        ] {
            assert_eq!(AddressValue::parse(AddressKind::Email, bad), Err(AddressError::Email), "{bad:?}");
        }
    }

    #[test]
    fn a_telephone_number_is_read_however_it_is_grouped() {
        let read = AddressValue::parse(AddressKind::Phone, "+1 (555) 010-7788").expect("a number");
        assert_eq!(read.text(), "+15550107788");
        for bad in ["", "555 010 7788", "+0155501077", "+1555010", "+1234567890123456", "+1 555 O1O 7788", "+"] {
            assert_eq!(AddressValue::parse(AddressKind::Phone, bad), Err(AddressError::Phone), "{bad:?}");
        }
    }

    #[test]
    fn what_is_shown_covers_most_of_it_and_debug_all() {
        let email = AddressValue::parse(AddressKind::Email, "ines@example.org").expect("an address");
        let phone = AddressValue::parse(AddressKind::Phone, "+15550107788").expect("a number");
        assert_eq!((email.covered().as_str(), phone.covered().as_str()), ("i•••@example.org", "••• 788"));
        assert_eq!(format!("{email:?}{phone:?}"), "AddressValue(email)AddressValue(phone)");
    }

    #[test]
    fn a_new_address_waits_while_the_old_ones_may_object_and_an_old_one_is_told_until_it_leaves() {
        let at = |hour: i64| Timestamp::from_second(1_700_000_000 + hour * 3_600).expect("a time");
        let wait = SignedDuration::from_hours(72);
        assert_eq!(usable_at(at(0), false, wait), at(0), "there is nobody to ask");
        let new =
            AddressTimes { confirmed_at: Some(at(0)), usable_at: Some(usable_at(at(0), true, wait)), leaves_at: None };
        assert_eq!(new.state(at(71)), AddressState::Waiting { usable_at: at(72) });
        assert!(new.is_told(at(0)) && !new.lets_back_in(at(71)) && new.lets_back_in(at(72)));
        assert_eq!(new.state(at(72)), AddressState::Confirmed);
        let old = AddressTimes { confirmed_at: Some(at(0)), usable_at: Some(at(0)), leaves_at: Some(at(100)) };
        assert_eq!(old.state(at(99)), AddressState::Leaving { leaves_at: at(100) });
        assert!(old.is_told(at(99)) && !old.is_told(at(100)) && !old.lets_back_in(at(100)));
        let typed = AddressTimes::default();
        assert_eq!(typed.state(at(0)), AddressState::Unconfirmed);
        assert!(!typed.is_told(at(0)) && !typed.lets_back_in(at(0)));
    }
}
