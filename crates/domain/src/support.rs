//! Help from people who run a server, without trust in any one of them. Whoever calls proves themselves first by a code
//! that the person types into the app; what they may see is scoped, masked and ends by itself; what changes something
//! takes a second one of them. Nobody of support sets a way in, moves money, or shortens a wait: no operation does.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A code is read out on the telephone and typed within so long.
pub const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
pub const CODE_DIGITS: usize = 8;
/// Codes that one account may try in an hour; then it waits.
pub const TRIES_IN_HOUR: u32 = 5;
/// What the person let somebody see is closed after so long.
pub const VIEW_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// The second one decides within so long, or it is asked anew.
pub const REQUEST_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// A session of support ends when it is not used so long, and after a shift in any case.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_mins(15);
pub const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(10);
/// How far a hold is lengthened at once, and how long a case may restrict an account without being looked at again.
pub const HOLD_LONGER: SignedDuration = SignedDuration::from_hours(72);
pub const AGENT_NAME_MAX: usize = 40;

/// What a look is about. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum SupportScope {
    /// Standing, and how many ways in and devices there are.
    Account,
    /// Ways in, devices, what was unusual, and the kinds of the security log.
    Security,
    /// The newest payments: their states and days, with masked payees and amounts in bands.
    Payments,
}

impl SupportScope {
    pub const ALL: [Self; 3] = [Self::Account, Self::Security, Self::Payments];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Security => "security",
            Self::Payments => "payments",
        }
    }
}

/// What takes two people of support: each either takes power away, or gives back what support, a rule or
/// the owner took. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum SupportOperation {
    /// Lifts the lock that the risk rules set.
    ReleaseRiskLock,
    /// Lifts the lock that the owner set and cannot lift any more.
    ReleaseOwnLock,
    /// Ends the careful time after a recovery, once the person was called back.
    ReleaseRecovery,
    /// No money leaves and no way in is added until it is lifted.
    Suspend,
    LiftSuspension,
    /// Known payees within the limits are paid, nothing new.
    Restrict,
    LiftRestriction,
    /// What the risk rules hold waits longer. Nothing makes it shorter.
    LengthenHold,
    /// Signs all devices out; their owner signs in again.
    SignOutDevices,
    /// Takes back one payment that has not left, at the owner's wish.
    CancelPayment,
    /// Notes that what was unusual was the owner's doing, for who has no second device to say so.
    ConfirmUnusual,
    /// Begins a recovery for somebody who has lost every way in and their saved code. It waits for a week, everybody is told,
    /// and the person goes on by themselves.
    StartRecovery,
    /// Closes a case: nothing more is done under it.
    CloseCase,
}

impl SupportOperation {
    pub const ALL: [Self; 13] = [
        Self::ReleaseRiskLock,
        Self::ReleaseOwnLock,
        Self::ReleaseRecovery,
        Self::Suspend,
        Self::LiftSuspension,
        Self::Restrict,
        Self::LiftRestriction,
        Self::LengthenHold,
        Self::SignOutDevices,
        Self::CancelPayment,
        Self::ConfirmUnusual,
        Self::StartRecovery,
        Self::CloseCase,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReleaseRiskLock => "release_risk_lock",
            Self::ReleaseOwnLock => "release_own_lock",
            Self::ReleaseRecovery => "release_recovery",
            Self::Suspend => "suspend",
            Self::LiftSuspension => "lift_suspension",
            Self::Restrict => "restrict",
            Self::LiftRestriction => "lift_restriction",
            Self::LengthenHold => "lengthen_hold",
            Self::SignOutDevices => "sign_out_devices",
            Self::CancelPayment => "cancel_payment",
            Self::ConfirmUnusual => "confirm_unusual",
            Self::StartRecovery => "start_recovery",
            Self::CloseCase => "close_case",
        }
    }

    /// Whether it is asked for only while the person lets whoever asks see something: what gives power back, and what is
    /// done at their wish. What only takes power away does not wait for them, and who has lost every way in cannot answer.
    #[must_use]
    pub const fn needs_the_person(self) -> bool {
        match self {
            Self::ReleaseRiskLock
            | Self::ReleaseOwnLock
            | Self::ReleaseRecovery
            | Self::LiftSuspension
            | Self::LiftRestriction
            | Self::ConfirmUnusual
            | Self::SignOutDevices
            | Self::CancelPayment => true,
            Self::Suspend | Self::Restrict | Self::LengthenHold | Self::StartRecovery | Self::CloseCase => false,
        }
    }
}

/// Why there is a case. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum SupportCaseKind {
    /// The person called, and let somebody see something.
    Call,
    /// The risk rules locked the account.
    Risk,
    /// The person has a code by e-mail and nothing else: no way in, no saved code.
    LostWaysIn,
}

impl SupportCaseKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Risk => "risk",
            Self::LostWaysIn => "lost_ways_in",
        }
    }
}

/// A name as support may see it: how each word begins.
#[must_use]
pub fn masked(name: &str) -> String {
    let word = |word: &str| word.chars().next().map(|first| format!("{first}…"));
    name.split_whitespace().filter_map(word).collect::<Vec<_>>().join(" ")
}

/// How much, roughly: the hundreds, thousands and so on that an amount lies in. In minor units of any currency.
#[must_use]
pub fn band(minor: i64) -> (i64, i64) {
    let mut to = 1_000_i64;
    while minor.unsigned_abs() >= to.unsigned_abs() && to < i64::MAX / 10 {
        to *= 10;
    }
    if to == 1_000 { (0, to) } else { (to / 10, to) }
}

/// An agent's name as the person reads it: short, and nothing that looks like something else.
#[must_use]
pub fn agent_name(typed: &str) -> Option<&str> {
    let name = typed.trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '\'' | '’');
    let good = !name.is_empty() && name.chars().count() <= AGENT_NAME_MAX && name.chars().all(plain);
    good.then_some(name)
}

/// Whether something that was given at that time is still good.
#[must_use]
pub fn is_good(given_at: Timestamp, life: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(given_at) < life
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_name_tells_how_it_begins_and_no_more() {
        for (name, shown) in
            [("Ines Calloway", "I… C…"), ("  Ó  Briain ", "Ó… B…"), ("", ""), ("X", "X…"), ("日本 太郎", "日… 太…")]
        {
            assert_eq!(masked(name), shown);
        }
    }

    #[test]
    fn a_band_holds_its_amount_and_says_nothing_closer() {
        for minor in [0, 1, 999, 1_000, 4_999, 95_000, 100_000, -95_000, i64::MAX, i64::MIN] {
            let (from, to) = band(minor);
            assert!(from < to, "{minor}");
            assert!(from.unsigned_abs() <= minor.unsigned_abs() || from == 0, "{minor}");
        }
        assert_eq!(band(95_000), (10_000, 100_000));
        assert_eq!(band(12_345), band(98_765));
    }

    #[test]
    fn an_agents_name_is_plain() {
        assert_eq!(agent_name("  Rowan "), Some("Rowan"));
        assert_eq!(agent_name("J. O’Neil-Smith"), Some("J. O’Neil-Smith"));
        let long = "x".repeat(AGENT_NAME_MAX + 1);
        for bad in ["", "  ", "Ro/wan", "Row\nan", "Rowan <b>", "a\u{202e}b", &long] {
            assert_eq!(agent_name(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn thirteen_operations_have_names_and_none_is_about_credentials_or_moving_money() {
        let mut names: Vec<&str> = SupportOperation::ALL.iter().map(|operation| operation.as_str()).collect();
        for operation in SupportOperation::ALL {
            let text = serde_json::to_value(operation).expect("serialises");
            assert_eq!(text, operation.as_str());
        }
        for word in ["passkey", "password", "code", "pay_", "shorten", "address", "limit"] {
            assert!(!names.iter().any(|name| name.contains(word)), "{word}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 13);
        for scope in SupportScope::ALL {
            assert_eq!(serde_json::to_value(scope).expect("serialises"), scope.as_str());
        }
    }

    #[test]
    fn what_was_given_ends_by_itself() {
        let given: Timestamp = "2027-03-01T17:00:00Z".parse().expect("a time");
        assert!(is_good(given, CODE_LIFE, given + SignedDuration::from_secs(599)));
        assert!(!is_good(given, CODE_LIFE, given + CODE_LIFE));
    }
}
