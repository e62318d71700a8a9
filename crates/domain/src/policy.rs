//! The step-up and hold matrix: what an action needs, and what it must wait for. This is the one reviewed file of its
//! numbers, in two presets; those that are amounts are `usual`, by currency. Facts come in, a decision goes out; nothing here knows a database or a person.

pub mod usual;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::risk::RiskVerdict;
use crate::standing::{RestraintLevel, RestraintReason, Standing};

/// Which numbers a server goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Preset {
    /// A server for others: the whole matrix.
    #[default]
    Standard,
    /// The server of one person, on their own computer: step-up and notices, but nothing waits.
    Personal,
}

/// The numbers of a preset. A duration of zero means that nothing waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// A share of the balance, in percent, above which all that leaves in 24 hours is looked at.
    pub share_percent: i64,
    pub share_hold: SignedDuration,
    /// The first payment to a payee leaves so long after the payee was added, at the earliest.
    pub new_payee_hold: SignedDuration,
    pub risk_hold: SignedDuration,
    /// A new device adds no payee, method or limit so long.
    pub new_device_wait: SignedDuration,
    /// After a new passkey no limit is raised and no payee added so long.
    pub new_passkey_wait: SignedDuration,
    /// A raised limit counts after so long.
    pub raised_limit_wait: SignedDuration,
    /// In so long the old address can take back its change.
    pub address_veto: SignedDuration,
    pub new_method_hold: SignedDuration,
    /// A lock is released from a device that is at least so old.
    pub release_device_age: SignedDuration,
    /// How long a passkey shown on a device counts for small payments; absent: as long as the device is signed in.
    pub session: Option<Session>,
    /// From asking for a recovery to finishing it, in which any device can veto.
    pub recovery_wait: SignedDuration,
    /// A vetoed recovery cannot be asked for again so long.
    pub recovery_veto_rest: SignedDuration,
    /// After a recovery the account is restricted so long.
    pub recovery_restricted: SignedDuration,
}

/// A money session: it begins with a passkey on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// It is over after so long, however it was used.
    pub whole: SignedDuration,
    /// It is over when no money was let go for so long.
    pub idle: SignedDuration,
}

/// What leaves without a passkey, to a payee that is known, in minor units of the account's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Limits {
    pub payment_minor: i64,
    /// All payments of 24 hours together.
    pub day_minor: i64,
}

impl Limits {
    /// Whether one of the two is above what it was.
    #[must_use]
    pub const fn is_raised_from(&self, before: &Self) -> bool {
        self.payment_minor > before.payment_minor || self.day_minor > before.day_minor
    }
}

/// An approval waits so long for its person, then the payment has expired.
pub const APPROVAL_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// What a page showed may be approved so long.
pub const APPROVAL_FRESH: SignedDuration = SignedDuration::from_mins(5);

const HOURS_12: SignedDuration = SignedDuration::from_hours(12);
const HOURS_24: SignedDuration = SignedDuration::from_hours(24);
const HOURS_72: SignedDuration = SignedDuration::from_hours(72);
const DAYS_7: SignedDuration = SignedDuration::from_hours(7 * 24);

const STANDARD: Numbers = Numbers {
    share_percent: 50,
    share_hold: HOURS_24,
    new_payee_hold: HOURS_12,
    risk_hold: HOURS_24,
    new_device_wait: HOURS_12,
    new_passkey_wait: HOURS_24,
    raised_limit_wait: HOURS_12,
    address_veto: HOURS_72,
    new_method_hold: HOURS_24,
    release_device_age: DAYS_7,
    session: Some(Session { whole: HOURS_24, idle: SignedDuration::from_hours(1) }),
    recovery_wait: HOURS_72,
    recovery_veto_rest: DAYS_7,
    recovery_restricted: HOURS_72,
};

const PERSONAL: Numbers = Numbers {
    share_hold: SignedDuration::ZERO,
    new_payee_hold: SignedDuration::ZERO,
    risk_hold: SignedDuration::ZERO,
    new_device_wait: SignedDuration::ZERO,
    new_passkey_wait: SignedDuration::ZERO,
    raised_limit_wait: SignedDuration::ZERO,
    address_veto: SignedDuration::ZERO,
    new_method_hold: SignedDuration::ZERO,
    release_device_age: SignedDuration::ZERO,
    session: None,
    recovery_wait: SignedDuration::ZERO,
    recovery_restricted: SignedDuration::ZERO,
    ..STANDARD
};

impl Preset {
    pub const ALL: [Self; 2] = [Self::Standard, Self::Personal];

    #[must_use]
    pub const fn numbers(self) -> &'static Numbers {
        match self {
            Self::Standard => &STANDARD,
            Self::Personal => &PERSONAL,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Personal => "personal",
        }
    }
}

/// There is no such preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy is standard or personal")]
pub struct NoSuchPreset;

impl std::str::FromStr for Preset {
    type Err = NoSuchPreset;

    fn from_str(text: &str) -> Result<Self, NoSuchPreset> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text).ok_or(NoSuchPreset)
    }
}

// ---- Facts -------------------------------------------------------------------------------------------------------

/// Who asks, on which device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account has a passkey to ask for.
    pub has_passkey: bool,
    /// When the device was added; absent for the one that the account began with.
    pub device_since: Option<Timestamp>,
    /// When the newest passkey was added; absent for the one that the account began with.
    pub passkey_since: Option<Timestamp>,
    /// When a passkey was shown last on this device.
    pub proved_at: Option<Timestamp>,
    /// When this device let money go last.
    pub money_at: Option<Timestamp>,
    pub standing: Standing,
    pub risk: RiskVerdict,
}

/// Who is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payee {
    /// When a payment to them was approved first.
    pub added_at: Option<Timestamp>,
    /// A payment to them has left before.
    pub established: bool,
}

/// A payment as the matrix sees it. Amounts are minor units of the paying account's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayFacts {
    pub currency: Currency,
    pub caller: Caller,
    pub payee: Payee,
    pub amount_minor: i64,
    /// What leaves within 24 hours, this payment included.
    pub day_minor: i64,
    /// The person's own before any of that left.
    pub balance_minor: i64,
    pub limits: Limits,
    /// It was approved, and changed since.
    pub changed: bool,
    /// From when the method it is drawn from may be used; absent: it leaves from the balance kept here.
    pub method_from: Option<Timestamp>,
}

/// A change to what protects the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    AddWayIn,
    RenameWayIn,
    RemoveWayIn,
    SignOutDevice,
    RaiseLimit,
    LowerLimit,
    ChangeAddress,
    NewRecoveryCode,
    AddMethod,
    /// What leaves from one method leaves from another one of the person.
    ReplaceMethod,
    /// A bill is paid by itself from now on, or on other terms.
    SetAutopay,
    /// A wallet is reloaded by itself from now on, or on other terms.
    SetAutoReload,
    LockAccount,
    ReleaseLock,
    Export,
    /// A card takes no purchases from now on: frozen, or lost.
    FreezeCard,
    UnfreezeCard,
    /// A merchant may ask a card to pay.
    LinkMerchant,
}

impl Change {
    pub const ALL: [Self; 18] = [
        Self::AddWayIn,
        Self::RenameWayIn,
        Self::RemoveWayIn,
        Self::SignOutDevice,
        Self::RaiseLimit,
        Self::LowerLimit,
        Self::ChangeAddress,
        Self::NewRecoveryCode,
        Self::AddMethod,
        Self::ReplaceMethod,
        Self::SetAutopay,
        Self::SetAutoReload,
        Self::LockAccount,
        Self::ReleaseLock,
        Self::Export,
        Self::FreezeCard,
        Self::UnfreezeCard,
        Self::LinkMerchant,
    ];
}

// ---- Decisions ---------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Go { approval: Approval, hold: Option<Hold> },
    Refuse(Refusal),
}

/// Who has to say yes once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    None,
    /// There is nothing stronger to ask: the account has no passkey, and the server is its owner's own.
    Device(StepUp),
    Passkey(StepUp),
}

/// Why a passkey is asked for. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUp {
    /// It was approved, and changed since.
    Changed,
    FirstPayment,
    AboveLimit,
    AboveDayLimit,
    LargeShare,
    Risk,
    /// The last passkey on this device was shown too long ago, or too long ago used.
    SessionOver,
    /// The action asks for one always.
    Always,
    /// It is more than the cap of its autopay.
    AboveCap,
}

impl StepUp {
    pub const ALL: [Self; 9] = [
        Self::Changed,
        Self::FirstPayment,
        Self::AboveLimit,
        Self::AboveDayLimit,
        Self::LargeShare,
        Self::Risk,
        Self::SessionOver,
        Self::Always,
        Self::AboveCap,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::FirstPayment => "first_payment",
            Self::AboveLimit => "above_limit",
            Self::AboveDayLimit => "above_day_limit",
            Self::LargeShare => "large_share",
            Self::Risk => "risk",
            Self::SessionOver => "session_over",
            Self::Always => "always",
            Self::AboveCap => "above_cap",
        }
    }
}

/// It waits, and is cancelled as easily as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    pub until: Timestamp,
    pub reason: HoldReason,
}

/// Why something waits. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    NewPayee,
    LargeShare,
    Risk,
    NewLimit,
    NewAddress,
    NewMethod,
    AccountRestricted,
    AccountLocked,
    /// Payments to this payee came back, and nobody has looked at it yet.
    PayeeStopped,
}

impl HoldReason {
    pub const ALL: [Self; 9] = [
        Self::NewPayee,
        Self::LargeShare,
        Self::Risk,
        Self::NewLimit,
        Self::NewAddress,
        Self::NewMethod,
        Self::AccountRestricted,
        Self::AccountLocked,
        Self::PayeeStopped,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewPayee => "new_payee",
            Self::LargeShare => "large_share",
            Self::Risk => "risk",
            Self::NewLimit => "new_limit",
            Self::NewAddress => "new_address",
            Self::NewMethod => "new_method",
            Self::AccountRestricted => "account_restricted",
            Self::AccountLocked => "account_locked",
            Self::PayeeStopped => "payee_stopped",
        }
    }
}

/// Why something cannot be done, with the way back that each has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Way back: wait, or ask support.
    #[error("the account is restricted for now: known payees within the limits, nothing new")]
    Restricted { until: Option<Timestamp> },
    /// Way back: release the lock.
    #[error("the account is locked: no money leaves and no way in is added")]
    Locked,
    /// Way back: support.
    #[error("the account is suspended: support has to look at it")]
    Suspended,
    /// Way back: an older device, or wait.
    #[error("this device is too new for that")]
    DeviceTooNew { until: Timestamp },
    /// Way back: wait.
    #[error("a passkey was added a short while ago: nothing new until it is older")]
    PasskeyTooNew { until: Timestamp },
    /// Way back: add a passkey.
    #[error("this needs a passkey, and the account has none")]
    NoPasskey,
    /// Way back: the account is locked now; release it.
    #[error("this looks like somebody else: the account is locked")]
    RiskTooHigh,
    /// Way back: support, which proves first that it speaks with the owner.
    #[error("support alone releases this")]
    SupportNeeded,
}

// ---- The matrix --------------------------------------------------------------------------------------------------

/// What a payment needs, and from when it may leave.
#[must_use]
pub fn pay(preset: Preset, facts: &PayFacts, now: Timestamp) -> Decision {
    let numbers = preset.numbers();
    let caller = &facts.caller;
    let within = facts.amount_minor <= facts.limits.payment_minor && facts.day_minor <= facts.limits.day_minor;
    if let Some(refusal) = stopped_by(&caller.standing, facts.payee.established && within) {
        return Decision::Refuse(refusal);
    }
    if caller.risk == RiskVerdict::Lock {
        return Decision::Refuse(Refusal::RiskTooHigh);
    }
    if !facts.payee.established
        && let Some(refusal) = too_new(numbers, caller, now)
    {
        return Decision::Refuse(refusal);
    }
    let share_is_large = facts.balance_minor >= usual::share_from_minor(facts.currency)
        && i128::from(facts.day_minor) * 100 > i128::from(facts.balance_minor) * i128::from(numbers.share_percent);
    let session_is_over = numbers.session.is_some_and(|session| {
        let ends = caller.proved_at.map(|began| {
            let used = caller.money_at.map_or(began, |used| used.max(began));
            later(began, session.whole).min(later(used, session.idle))
        });
        ends.is_none_or(|ends| ends <= now)
    });
    let step_up = [
        (facts.changed, StepUp::Changed),
        (!facts.payee.established, StepUp::FirstPayment),
        (share_is_large, StepUp::LargeShare),
        (facts.amount_minor > facts.limits.payment_minor, StepUp::AboveLimit),
        (facts.day_minor > facts.limits.day_minor, StepUp::AboveDayLimit),
        (caller.risk >= RiskVerdict::StepUp, StepUp::Risk),
        (session_is_over, StepUp::SessionOver),
    ];
    let step_up = step_up.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason);
    let added_at = facts.payee.added_at.unwrap_or(now);
    let holds = [
        (!facts.payee.established, later(added_at, numbers.new_payee_hold), HoldReason::NewPayee),
        (share_is_large, later(now, numbers.share_hold), HoldReason::LargeShare),
        (caller.risk == RiskVerdict::Hold, later(now, numbers.risk_hold), HoldReason::Risk),
        (true, facts.method_from.unwrap_or(now), HoldReason::NewMethod),
    ];
    let holds = holds.into_iter().filter(|(applies, until, _)| *applies && *until > now);
    let hold = holds.max_by_key(|(_, until, _)| *until).map(|(_, until, reason)| Hold { until, reason });
    approved(preset, caller, step_up, hold)
}

/// Why no payment like this is ordered under this standing.
#[must_use]
pub fn payment_stopped(standing: &Standing, known_and_small: bool) -> Option<Refusal> {
    stopped_by(standing, known_and_small)
}

/// What holds a payment that was ordered before the account was restrained.
#[must_use]
pub fn payment_held(standing: &Standing, known_and_small: bool) -> Option<HoldReason> {
    stopped_by(standing, known_and_small).map(|refusal| match refusal {
        Refusal::Restricted { .. } => HoldReason::AccountRestricted,
        _ => HoldReason::AccountLocked,
    })
}

/// Why a change of the account's protection stops under this standing; nothing that reduces power or reads does.
#[must_use]
pub fn stopped(change: Change, standing: &Standing) -> Option<Refusal> {
    // Who has just got back in removes what somebody else may hold.
    let clears_up = change == Change::RemoveWayIn
        && standing.restraint.is_some_and(|restraint| restraint.level == RestraintLevel::Restricted);
    if adds_power(change) && !clears_up { stopped_by(standing, false) } else { None }
}

/// Why a recovery cannot be finished now. Its end restricts the account itself, so a restriction takes nobody's way back;
/// what stops all money stops it as well. Where two people of support began it, the owner's lock and that of the risk
/// rules let it through and stay: nobody is left on a device from which they could be released.
#[must_use]
pub fn stops_recovery(standing: &Standing, by_support: bool) -> Option<Refusal> {
    let restraint = standing.restraint.filter(|_| standing.stops_all_money())?;
    let lets_through = by_support
        && restraint.level == RestraintLevel::Locked
        && matches!(restraint.reason, RestraintReason::OwnWish | RestraintReason::Risk);
    if lets_through { None } else { stopped_by(standing, false) }
}

/// Whether nothing but a passkey is missing for the release of the account's lock. Its first one may then be made under
/// the lock: otherwise support alone would give the owner's own account back.
#[must_use]
pub fn needs_first_passkey_to_release(preset: Preset, caller: &Caller, now: Timestamp) -> bool {
    matches!(change(preset, Change::ReleaseLock, caller, now), Decision::Refuse(Refusal::NoPasskey))
}

/// What a change to the account's protection needs. Reducing power is always easy.
#[must_use]
pub fn change(preset: Preset, change: Change, caller: &Caller, now: Timestamp) -> Decision {
    let numbers = preset.numbers();
    let always = Some(StepUp::Always);
    let waits = |wait, reason| Some(Hold { until: later(now, wait), reason }).filter(|hold| hold.until > now);
    let (step_up, hold) = match change {
        Change::SignOutDevice | Change::LowerLimit | Change::LockAccount | Change::FreezeCard => (None, None),
        Change::ReleaseLock => return release(preset, caller, now),
        Change::RenameWayIn | Change::RemoveWayIn => (None, None),
        Change::Export => (always, None),
        Change::AddWayIn
        | Change::NewRecoveryCode
        | Change::UnfreezeCard
        | Change::LinkMerchant
        | Change::ReplaceMethod
        | Change::SetAutopay
        | Change::SetAutoReload => (always, None),
        Change::RaiseLimit => (always, waits(numbers.raised_limit_wait, HoldReason::NewLimit)),
        Change::ChangeAddress => (always, waits(numbers.address_veto, HoldReason::NewAddress)),
        Change::AddMethod => (always, waits(numbers.new_method_hold, HoldReason::NewMethod)),
    };
    if let Some(refusal) = stopped(change, &caller.standing) {
        return Decision::Refuse(refusal);
    }
    if adds_power(change) && caller.risk == RiskVerdict::Lock {
        return Decision::Refuse(Refusal::RiskTooHigh);
    }
    if matches!(
        change,
        Change::RaiseLimit
            | Change::AddMethod
            | Change::ReplaceMethod
            | Change::SetAutopay
            | Change::SetAutoReload
            | Change::LinkMerchant
    ) && let Some(refusal) = too_new(numbers, caller, now)
    {
        return Decision::Refuse(refusal);
    }
    // An account's first passkey has no older one to ask for.
    let first_passkey = change == Change::AddWayIn && !caller.has_passkey;
    approved(preset, caller, step_up.filter(|_| !first_passkey), hold)
}

/// The owner's own lock is released by an older device with a passkey; other locks by support, where there is one.
fn release(preset: Preset, caller: &Caller, now: Timestamp) -> Decision {
    let numbers = preset.numbers();
    let supported = preset == Preset::Standard;
    match caller.standing.restraint {
        Some(restraint) if supported && restraint.level == RestraintLevel::Suspended => {
            return Decision::Refuse(Refusal::Suspended);
        }
        Some(restraint) if supported && restraint.reason != RestraintReason::OwnWish => {
            return Decision::Refuse(Refusal::SupportNeeded);
        }
        _ => {}
    }
    let until = caller.device_since.map(|since| later(since, numbers.release_device_age));
    if let Some(until) = until.filter(|until| *until > now) {
        return Decision::Refuse(Refusal::DeviceTooNew { until });
    }
    approved(preset, caller, Some(StepUp::Always), None)
}

/// Whether a change can give a stranger more than they had, and so stops while the account is restrained. Taking a
/// passkey away can where the account is locked: it may be the owner's. Reading never stops.
const fn adds_power(change: Change) -> bool {
    !matches!(
        change,
        Change::SignOutDevice
            | Change::LowerLimit
            | Change::LockAccount
            | Change::ReleaseLock
            | Change::Export
            | Change::FreezeCard
    )
}

fn stopped_by(standing: &Standing, known_and_small: bool) -> Option<Refusal> {
    let restraint = standing.restraint?;
    match restraint.level {
        RestraintLevel::Restricted if known_and_small => None,
        RestraintLevel::Restricted => Some(Refusal::Restricted { until: restraint.until }),
        RestraintLevel::Locked => Some(Refusal::Locked),
        RestraintLevel::Suspended => Some(Refusal::Suspended),
    }
}

/// A device or passkey that is too new for payees, methods and limits.
fn too_new(numbers: &Numbers, caller: &Caller, now: Timestamp) -> Option<Refusal> {
    let device = caller.device_since.map(|since| later(since, numbers.new_device_wait));
    if let Some(until) = device.filter(|until| *until > now) {
        return Some(Refusal::DeviceTooNew { until });
    }
    let passkey = caller.passkey_since.map(|since| later(since, numbers.new_passkey_wait));
    passkey.filter(|until| *until > now).map(|until| Refusal::PasskeyTooNew { until })
}

/// Says who approves what needs approval.
const fn approved(preset: Preset, caller: &Caller, step_up: Option<StepUp>, hold: Option<Hold>) -> Decision {
    let approval = match (step_up, preset) {
        (None, _) => Approval::None,
        (Some(reason), _) if caller.has_passkey => Approval::Passkey(reason),
        (Some(reason), Preset::Personal) => Approval::Device(reason),
        (Some(_), Preset::Standard) => return Decision::Refuse(Refusal::NoPasskey),
    };
    Decision::Go { approval, hold }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
