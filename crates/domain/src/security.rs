//! The security log: what happened to the ways into an account, as a chain of hashes that shows when an entry was
//! changed, taken out or put between.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ids::DeviceId;

/// However much a device is used, it signs in anew after so long.
pub const SIGN_IN_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What happened. The names are stored and hashed: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum SecurityEventKind {
    AccountCreated,
    /// A device with a key that was not known before.
    DeviceAdded,
    /// A device that was known signed in again.
    SignedIn,
    DeviceSignedOut,
    /// Whoever showed a way in said no to letting an app in; the entry's name is what the app called itself.
    SignInDeclined,
    /// How the account name is typed is looked at from now on.
    RhythmTurnedOn,
    /// It is not any more, and what was kept is forgotten.
    RhythmTurnedOff,
    /// A token came back after its successor was used, or a code came twice: somebody may hold a copy. What it gave has
    /// ended.
    TokenReused,
    PasskeyAdded,
    PasskeyRenamed,
    PasskeyRemoved,
    /// A passkey's counter did not go forward: there may be a copy of it.
    PasskeyCopied,
    /// Something was unusual enough to ask about; the reasons are with the risk decision of this entry.
    RiskNoticed,
    /// An address was confirmed: notices go there from now on.
    AddressAdded,
    /// An address was removed; it can still object for a while.
    AddressRemoved,
    /// Somebody objected: the new address went, or the one that was removed stays.
    AddressChangeStopped,
    /// An address was made under which whoever has it reads the names and days of what is due.
    CalendarFeedMade,
    CalendarFeedEnded,
    PasswordSet,
    PasswordChanged,
    PasswordRemoved,
    /// Its owner keeps the password beside two passkeys.
    PasswordKept,
    /// Its owner lets the passkeys stand alone.
    PasswordLetGo,
    FactorAdded,
    FactorRenamed,
    FactorRemoved,
    /// Somebody knew the password and not the code.
    FactorRefused,
    /// The person let somebody of support see something. The names of these entries say who and what: "Rowan/payments".
    SupportAllowed,
    SupportLooked,
    /// The person closed what support saw.
    SupportEnded,
    /// One of support asked for something that a second one decides.
    SupportAsked,
    /// Two of support did it: "Rowan/Alder/suspend".
    SupportDid,
    SupportRefused,
    /// A new code for the person's paper; the one before is good for nothing any more.
    RecoveryCodeMade,
    /// Somebody proved enough to get back in, and waits.
    RecoveryStarted,
    /// Somebody who was told of it said that it was not the owner.
    RecoveryStopped,
    /// A new passkey was made at its end.
    RecoveryFinished,
    /// The saved code was typed wrongly too often for now.
    RecoveryBlocked,
    /// The person said that an event was theirs.
    ConfirmedAsMine,
    /// The person said that it was not. Its device was signed out.
    ReportedAsNotMine,
    /// What leaves without a passkey is more, now or after a wait; the entry's name is the currency.
    LimitsRaised,
    LimitsLowered,
    /// A bank account or card that payments may be drawn from; the entry's name is its own.
    MethodAdded,
    MethodRemoved,
    /// What left from it leaves from another one now.
    MethodReplaced,
    /// It ends soon.
    MethodExpiring,
    /// All that the server holds of the person was handed to the device that did it.
    Exported,
    /// A bill is paid by itself from now on, or on other terms; the entry's name is the bill's.
    AutopaySet,
    /// It went on after a pause.
    AutopayResumed,
    /// Nothing of it leaves until its person says so; the bill changed, or payments failed, where nobody paused it.
    AutopayPaused,
    AutopayEnded,
    /// A wallet is reloaded by itself from now on, or on other terms; the entry's name is the card's.
    AutoReloadSet,
    AutoReloadEnded,
    /// It was reloaded by itself.
    AutoReloaded,
    /// It was to be, and was not: the card did not take it, or the month's most was reached.
    AutoReloadWaits,
    /// A charge was disputed; the names of these entries are the merchant's.
    DisputeOpened,
    /// Its person took it back: it is owed again.
    DisputeWithdrawn,
    DisputeDecidedFor,
    /// It is owed again.
    DisputeDecidedAgainst,
    /// The merchant gave all of it back.
    DisputeRefunded,
    /// The server's terms; the entry's name is their version.
    TermsAccepted,
    /// No money leaves and no way in is added; the entry's name is the reason.
    AccountLocked,
    /// Known payees within the limits, nothing new; the entry's name is the reason.
    AccountRestricted,
    /// Support alone lifts it; the entry's name is the reason.
    AccountSuspended,
    /// A lock, restriction or suspension was lifted; the entry's name is its reason.
    AccountReleased,
}

impl SecurityEventKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountCreated => "account_created",
            Self::DeviceAdded => "device_added",
            Self::SignedIn => "signed_in",
            Self::DeviceSignedOut => "device_signed_out",
            Self::SignInDeclined => "sign_in_declined",
            Self::RhythmTurnedOn => "rhythm_turned_on",
            Self::RhythmTurnedOff => "rhythm_turned_off",
            Self::TokenReused => "token_reused",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRenamed => "passkey_renamed",
            Self::PasskeyRemoved => "passkey_removed",
            Self::RiskNoticed => "risk_noticed",
            Self::AddressAdded => "address_added",
            Self::AddressRemoved => "address_removed",
            Self::AddressChangeStopped => "address_change_stopped",
            Self::CalendarFeedMade => "calendar_feed_made",
            Self::CalendarFeedEnded => "calendar_feed_ended",
            Self::PasskeyCopied => "passkey_copied",
            Self::PasswordSet => "password_set",
            Self::PasswordChanged => "password_changed",
            Self::PasswordRemoved => "password_removed",
            Self::PasswordKept => "password_kept",
            Self::PasswordLetGo => "password_let_go",
            Self::FactorAdded => "factor_added",
            Self::FactorRenamed => "factor_renamed",
            Self::FactorRemoved => "factor_removed",
            Self::FactorRefused => "factor_refused",
            Self::SupportAllowed => "support_allowed",
            Self::SupportLooked => "support_looked",
            Self::SupportEnded => "support_ended",
            Self::SupportAsked => "support_asked",
            Self::SupportDid => "support_did",
            Self::SupportRefused => "support_refused",
            Self::RecoveryCodeMade => "recovery_code_made",
            Self::RecoveryStarted => "recovery_started",
            Self::RecoveryStopped => "recovery_stopped",
            Self::RecoveryFinished => "recovery_finished",
            Self::RecoveryBlocked => "recovery_blocked",
            Self::ConfirmedAsMine => "confirmed_as_mine",
            Self::ReportedAsNotMine => "reported_as_not_mine",
            Self::LimitsRaised => "limits_raised",
            Self::LimitsLowered => "limits_lowered",
            Self::MethodAdded => "method_added",
            Self::MethodRemoved => "method_removed",
            Self::MethodReplaced => "method_replaced",
            Self::MethodExpiring => "method_expiring",
            Self::Exported => "exported",
            Self::AutopaySet => "autopay_set",
            Self::AutopayResumed => "autopay_resumed",
            Self::AutopayPaused => "autopay_paused",
            Self::AutopayEnded => "autopay_ended",
            Self::AutoReloadSet => "auto_reload_set",
            Self::AutoReloadEnded => "auto_reload_ended",
            Self::AutoReloaded => "auto_reloaded",
            Self::AutoReloadWaits => "auto_reload_waits",
            Self::DisputeOpened => "dispute_opened",
            Self::DisputeWithdrawn => "dispute_withdrawn",
            Self::DisputeDecidedFor => "dispute_decided_for",
            Self::DisputeDecidedAgainst => "dispute_decided_against",
            Self::DisputeRefunded => "dispute_refunded",
            Self::TermsAccepted => "terms_accepted",
            Self::AccountLocked => "account_locked",
            Self::AccountRestricted => "account_restricted",
            Self::AccountSuspended => "account_suspended",
            Self::AccountReleased => "account_released",
        }
    }

    /// Whether the person is asked "Was this you?".
    const fn asks(self) -> bool {
        matches!(
            self,
            Self::DeviceAdded
                | Self::TokenReused
                | Self::PasskeyAdded
                | Self::AddressAdded
                | Self::AddressRemoved
                | Self::CalendarFeedMade
                | Self::PasskeyCopied
                | Self::PasswordSet
                | Self::PasswordChanged
                | Self::PasswordKept
                | Self::FactorAdded
                | Self::FactorRefused
                | Self::RiskNoticed
                | Self::RecoveryCodeMade
                | Self::RecoveryStarted
                | Self::MethodAdded
        )
    }

    /// Whether it gave a way in, took one or let the account go on: when that was somebody else, the owner's ways in are
    /// to be looked at before money leaves.
    #[must_use]
    pub const fn changes_ways_in(self) -> bool {
        matches!(
            self,
            Self::PasskeyAdded
                | Self::PasskeyRemoved
                | Self::PasskeyCopied
                | Self::PasswordSet
                | Self::PasswordChanged
                | Self::PasswordRemoved
                | Self::PasswordKept
                | Self::FactorAdded
                | Self::FactorRemoved
                | Self::RecoveryFinished
                | Self::AccountReleased
        )
    }

    /// Whether it answers such a question.
    const fn answers(self) -> bool {
        matches!(self, Self::ConfirmedAsMine | Self::ReportedAsNotMine)
    }
}

/// What an entry is about, before it has its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub at: Timestamp,
    pub kind: SecurityEventKind,
    /// The device that did it; none where nobody was signed in yet.
    pub by: Option<DeviceId>,
    /// The device that it happened to.
    pub device: Option<DeviceId>,
    /// How the device or passkey was called then.
    pub name: Option<String>,
    /// The number of the entry that this one answers.
    pub about: Option<i64>,
}

/// One entry of an account's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SecurityEvent {
    /// From 1, without gaps.
    pub number: i64,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub at: Timestamp,
    pub kind: SecurityEventKind,
    pub by: Option<DeviceId>,
    pub device: Option<DeviceId>,
    pub name: Option<String>,
    pub about: Option<i64>,
    /// SHA-256 over the hash of the entry before and everything above, as 64 hexadecimal digits.
    pub hash: String,
}

impl SecurityEvent {
    /// The entry that comes after another, or the first. Its time is kept to the microsecond.
    #[must_use]
    pub fn after(before: Option<&Self>, happened: Happened) -> Self {
        let number = before.map_or(0, |before| before.number).saturating_add(1);
        let Happened { at, kind, by, device, name, about } = happened;
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let mut event = Self { number, at, kind, by, device, name, about, hash: String::new() };
        event.hash = event.hash_after(before);
        event
    }

    /// Whether this is, unchanged, what was written after that entry.
    #[must_use]
    pub fn follows(&self, before: Option<&Self>) -> bool {
        let number = before.map_or(0, |before| before.number).saturating_add(1);
        self.number == number && self.hash == self.hash_after(before)
    }

    /// Every field with its length before it, so that no two entries are written alike.
    fn hash_after(&self, before: Option<&Self>) -> String {
        let device = |id: Option<DeviceId>| id.map(|id| id.as_uuid().as_bytes().to_vec()).unwrap_or_default();
        let fields = [
            before.map(|before| before.hash.clone().into_bytes()).unwrap_or_default(),
            self.number.to_be_bytes().to_vec(),
            self.at.as_microsecond().to_be_bytes().to_vec(),
            self.kind.as_str().as_bytes().to_vec(),
            device(self.by),
            device(self.device),
            self.name.clone().unwrap_or_default().into_bytes(),
            self.about.map(|about| about.to_be_bytes().to_vec()).unwrap_or_default(),
        ];
        let mut hash = Sha256::new_with_prefix(b"billfold security log 1");
        for field in fields {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The number of the first entry that does not follow the one before it; entries come oldest first, from the first.
#[must_use]
pub fn first_break(events: &[SecurityEvent]) -> Option<i64> {
    let before = std::iter::once(None).chain(events.iter().map(Some));
    events.iter().zip(before).find(|(event, before)| !event.follows(*before)).map(|(event, _)| event.number)
}

/// The entries that the person has not answered yet, oldest first. An account's own beginning asks nothing.
#[must_use]
pub fn open_questions(events: &[SecurityEvent]) -> Vec<&SecurityEvent> {
    let first_device = events.iter().find(|event| event.kind == SecurityEventKind::DeviceAdded);
    let begun = first_device.map_or(i64::MAX, |event| event.number);
    let answered = |number| events.iter().any(|event| event.kind.answers() && event.about == Some(number));
    events.iter().filter(|event| event.kind.asks() && event.number > begun && !answered(event.number)).collect()
}

/// Whether that device may answer a question, beside those that are there. While there is one that was signed in before
/// what is asked about, and about which nothing is asked, only such a one may: otherwise whoever got in, on two devices
/// perhaps, would answer for the owner. Else not a device about itself, nor about what it did, while there is another one
/// that can be asked.
#[must_use]
pub fn may_answer_beside(events: &[SecurityEvent], question: &SecurityEvent, by: DeviceId, there: &[DeviceId]) -> bool {
    let concerned = |device: DeviceId| question.device == Some(device) || question.by == Some(device);
    let doubted: Vec<DeviceId> = open_questions(events).into_iter().filter_map(|event| event.device).collect();
    let before = events.iter().take_while(|event| event.number < question.number);
    let before: Vec<DeviceId> = before.filter_map(|event| event.device).collect();
    let trusted = |device: &DeviceId| before.contains(device) && !concerned(*device) && !doubted.contains(device);
    if there.iter().any(trusted) {
        return there.contains(&by) && trusted(&by);
    }
    !concerned(by) || !there.iter().any(|device| *device != by && question.device != Some(*device))
}

/// Whether a question that was answered with yes may be answered with no: by another device than the one that said yes,
/// which could have been asked as well.
#[must_use]
pub fn may_take_back(events: &[SecurityEvent], question: &SecurityEvent, by: DeviceId, there: &[DeviceId]) -> bool {
    let mut answers = events.iter().filter(|event| event.about == Some(question.number));
    let yes_of_another =
        answers.clone().any(|answer| answer.kind == SecurityEventKind::ConfirmedAsMine && answer.by != Some(by));
    let no = answers.any(|answer| answer.kind == SecurityEventKind::ReportedAsNotMine);
    yes_of_another && !no && may_answer_beside(events, question, by, there)
}

/// The devices that are signed in: those that the server listed when the log reached an entry, and what the log tells of
/// since. The list knows of a sign-in that ended without a word, of which the log says nothing.
#[must_use]
pub fn signed_in_since(events: &[SecurityEvent], listed: &[DeviceId], number: i64, now: Timestamp) -> Vec<DeviceId> {
    let since: Vec<SecurityEvent> = events.iter().filter(|event| event.number > number).cloned().collect();
    let out = |device: &DeviceId| {
        let left = |event: &SecurityEvent| event.kind == SecurityEventKind::DeviceSignedOut;
        since.iter().any(|event| left(event) && event.device == Some(*device))
    };
    let mut there = signed_in(&since, now);
    there.extend(listed.iter().filter(|device| !out(device)));
    there
}

/// The devices that are signed in, as the log tells it: nobody signed them out, and they came no longer ago than a sign-in
/// lasts. One that was given away without a word is not waited for.
#[must_use]
pub fn signed_in(events: &[SecurityEvent], now: Timestamp) -> Vec<DeviceId> {
    let since = now.saturating_sub(SIGN_IN_LIFE).unwrap_or(Timestamp::MIN);
    let mut devices = Vec::new();
    for event in events {
        let Some(device) = event.device else { continue };
        match event.kind {
            SecurityEventKind::DeviceAdded | SecurityEventKind::SignedIn
                if event.at > since && !devices.contains(&device) =>
            {
                devices.push(device);
            }
            SecurityEventKind::DeviceSignedOut => devices.retain(|known| *known != device),
            _ => {}
        }
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happened(second: i64, kind: SecurityEventKind, name: &str, about: Option<i64>) -> Happened {
        let at = Timestamp::from_second(second).expect("a time");
        let device = DeviceId::new(at, [u8::try_from(name.len()).expect("short"); 10]);
        Happened { at, kind, by: None, device: Some(device), name: Some(name.to_owned()), about }
    }

    fn log(entries: &[(SecurityEventKind, &str, Option<i64>)]) -> Vec<SecurityEvent> {
        let mut log: Vec<SecurityEvent> = Vec::new();
        for (second, (kind, name, about)) in (1_000..).zip(entries) {
            let next = SecurityEvent::after(log.last(), happened(second, *kind, name, *about));
            log.push(next);
        }
        log
    }

    fn usual() -> Vec<SecurityEvent> {
        use SecurityEventKind::*;
        log(&[
            (AccountCreated, "", None),
            (PasskeyAdded, "Passkey", None),
            (DeviceAdded, "Desk", None),
            (DeviceAdded, "Laptop", None),
            (SignedIn, "Laptop", None),
        ])
    }

    #[test]
    fn any_change_of_any_entry_breaks_the_chain() {
        let whole = usual();
        assert_eq!(first_break(&whole), None);
        type Change = fn(&mut Vec<SecurityEvent>);
        let changes: [(&str, Change, i64); 8] = [
            ("a name", |log| log[3].name = Some("Other".to_owned()), 4),
            ("no name instead of an empty one", |log| log[2].name = Some("Des".to_owned()), 3),
            ("a time", |log| log[1].at = Timestamp::from_second(7).expect("a time"), 2),
            ("a kind", |log| log[4].kind = SecurityEventKind::DeviceSignedOut, 5),
            ("a device", |log| log[3].device = None, 4),
            ("one taken out", |log| drop(log.remove(2)), 4),
            ("two exchanged", |log| log.swap(1, 2), 3),
            ("the first taken out", |log| drop(log.remove(0)), 2),
        ];
        for (what, change, broken) in changes {
            let mut log = usual();
            change(&mut log);
            assert_eq!(first_break(&log), Some(broken), "{what}");
        }
    }

    #[test]
    fn a_field_cannot_lend_its_end_to_the_next() {
        let at = Timestamp::from_second(1).expect("a time");
        let entry = |by, device| {
            let kind = SecurityEventKind::SignedIn;
            SecurityEvent::after(None, Happened { at, kind, by, device, name: None, about: None }).hash
        };
        let id = Some(DeviceId::new(at, [7; 10]));
        assert_ne!(entry(id, None), entry(None, id));
    }

    #[test]
    fn a_new_device_is_asked_about_until_it_is_answered() {
        use SecurityEventKind::*;
        let numbers = |log: &[SecurityEvent]| open_questions(log).iter().map(|event| event.number).collect::<Vec<_>>();
        assert_eq!(numbers(&usual()), [4], "the first device is the person's own");
        let mut answered: Vec<_> = usual();
        answered.push(SecurityEvent::after(answered.last(), happened(2_000, ConfirmedAsMine, "Laptop", Some(4))));
        assert_eq!(numbers(&answered), [0_i64; 0]);
        assert_eq!(numbers(&[]), [0_i64; 0]);
    }

    /// As far as the log alone tells who else is there.
    fn may_answer(events: &[SecurityEvent], question: &SecurityEvent, by: DeviceId, now: Timestamp) -> bool {
        may_answer_beside(events, question, by, &signed_in(events, now))
    }

    #[test]
    fn a_device_does_not_answer_for_itself_while_another_can() {
        use SecurityEventKind::*;
        let now = Timestamp::from_second(3_000).expect("a time");
        let mut log = usual();
        log.truncate(4);
        let [desk, laptop] = [2, 3].map(|at: usize| log[at].device.expect("a device"));
        let question = log[3].clone();
        assert!(may_answer(&log, &question, desk, now));
        assert!(!may_answer(&log, &question, laptop, now), "the desk can be asked");
        let by_laptop = SecurityEvent { kind: PasskeyAdded, device: None, by: Some(laptop), ..log[3].clone() };
        assert!(!may_answer(&log, &by_laptop, laptop, now));
        assert!(may_answer(&log, &by_laptop, desk, now));
        let mut two = log.clone();
        two.push(SecurityEvent::after(two.last(), happened(1_900, DeviceAdded, "Thin client", None)));
        let third = two[4].device.expect("a device");
        assert!(!may_answer(&two, &question, third, now), "it came after what is asked about");
        assert!(!may_answer(&two, &two[4], laptop, now), "something is asked about it");
        let yes = Happened { by: Some(third), ..happened(1_950, ConfirmedAsMine, "Laptop", Some(4)) };
        two.push(SecurityEvent::after(two.last(), yes));
        let there = signed_in(&two, now);
        assert!(may_take_back(&two, &question, desk, &there) && !may_take_back(&two, &question, third, &there));
        two.push(SecurityEvent::after(two.last(), happened(1_960, ReportedAsNotMine, "Laptop", Some(4))));
        assert!(!may_take_back(&two, &question, desk, &there), "once");
        let gone = Happened { device: Some(desk), ..happened(2_000, DeviceSignedOut, "Desk", None) };
        log.push(SecurityEvent::after(log.last(), gone));
        assert!(may_answer(&log, &question, laptop, now), "nobody else is there");
    }

    #[test]
    fn a_computer_that_was_given_away_without_a_word_is_not_waited_for() {
        use SecurityEventKind::*;
        let mut log = usual();
        log.truncate(4);
        let [desk, laptop] = [2, 3].map(|at: usize| log[at].device.expect("a device"));
        let over = log[2].at + SIGN_IN_LIFE;
        assert!(!may_answer(&log, &log[3], laptop, over - SignedDuration::from_secs(1)), "the desk can be asked");
        assert!(may_answer(&log, &log[3], laptop, over), "the desk's sign-in is over");
        assert!(!may_answer_beside(&log, &log[3], laptop, &[desk, laptop]));
        assert!(may_answer_beside(&log, &log[3], laptop, &[laptop]), "the server knows that nobody else is there");
        let again = Happened { at: over, device: Some(desk), ..happened(0, SignedIn, "Desk", None) };
        log.push(SecurityEvent::after(log.last(), again));
        assert!(!may_answer(&log, &log[3], laptop, over), "it came again");
    }

    #[test]
    fn who_is_there_is_what_the_server_listed_and_what_the_log_tells_since() {
        use SecurityEventKind::*;
        let mut log = usual();
        log.truncate(4);
        let now = Timestamp::from_second(3_000).expect("a time");
        let [desk, laptop] = [2, 3].map(|at: usize| log[at].device.expect("a device"));
        assert_eq!(signed_in(&log, now), [desk, laptop]);
        assert_eq!(signed_in_since(&log, &[laptop], 4, now), [laptop], "the desk's sign-in ended without a word");
        let again = Happened { device: Some(desk), ..happened(2_000, SignedIn, "Desk", None) };
        log.push(SecurityEvent::after(log.last(), again));
        let gone = Happened { device: Some(laptop), ..happened(2_100, DeviceSignedOut, "Laptop", None) };
        log.push(SecurityEvent::after(log.last(), gone));
        assert_eq!(signed_in_since(&log, &[laptop], 4, now), [desk]);
    }
}
