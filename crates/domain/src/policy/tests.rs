//! Every row of the matrix as a table, in both presets.

use super::*;
use crate::standing::Restraint;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn now() -> Timestamp {
    "2027-03-01T17:00:00Z".parse().expect("a time")
}

fn ago(hours: i64) -> Timestamp {
    now().checked_sub(HOUR * i32::try_from(hours).expect("few hours")).expect("a time")
}

fn minutes_ago(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).expect("a time")
}

fn ahead(hours: i64) -> Timestamp {
    ago(-hours)
}

fn owner() -> Caller {
    Caller {
        has_passkey: true,
        device_since: None,
        passkey_since: None,
        proved_at: Some(ago(1)),
        money_at: Some(minutes_ago(59)),
        standing: Standing::GOOD,
        risk: RiskVerdict::Allow,
    }
}

/// 40.00 to a payee of long standing, from 10,000.00.
fn usual() -> PayFacts {
    PayFacts {
        currency: Currency::USD,
        caller: owner(),
        payee: Payee { added_at: Some(ago(24 * 90)), established: true },
        amount_minor: 4_000,
        day_minor: 4_000,
        balance_minor: 1_000_000,
        limits: usual::limits(Currency::USD),
        changed: false,
        method_from: None,
    }
}

fn restrained(level: RestraintLevel, reason: RestraintReason, until: Option<Timestamp>) -> Standing {
    Standing { restraint: Some(Restraint { level, reason, since: ago(2), until }) }
}

fn go(approval: Approval) -> Decision {
    Decision::Go { approval, hold: None }
}

fn held(step_up: StepUp, until: Timestamp, reason: HoldReason) -> Decision {
    Decision::Go { approval: Approval::Passkey(step_up), hold: Some(Hold { until, reason }) }
}

type Row = (&'static str, fn(&mut PayFacts), Decision, Decision);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_row_of_the_matrix_of_payments_is_decided_as_written() {
    use Approval::{None as Freely, Passkey};
    let new_device = Refusal::DeviceTooNew { until: ahead(1) };
    let rows: &[Row] = &[
        ("a known payee within both limits", |_| {}, go(Freely), go(Freely)),
        ("exactly the limit", |f| (f.amount_minor, f.day_minor) = (50_000, 100_000), go(Freely), go(Freely)),
        (
            "a cent above the limit of one payment",
            |f| (f.amount_minor, f.day_minor) = (50_001, 50_001),
            go(Passkey(StepUp::AboveLimit)),
            go(Passkey(StepUp::AboveLimit)),
        ),
        (
            "a cent above the limit of a day",
            |f| f.day_minor = 100_001,
            go(Passkey(StepUp::AboveDayLimit)),
            go(Passkey(StepUp::AboveDayLimit)),
        ),
        (
            "the owner's own higher limit",
            |f| {
                (f.amount_minor, f.day_minor) = (80_000, 80_000);
                f.limits = Limits { payment_minor: 90_000, day_minor: 200_000 };
            },
            go(Freely),
            go(Freely),
        ),
        (
            "the owner's own limit of nothing",
            |f| f.limits = Limits { payment_minor: 0, day_minor: 0 },
            go(Passkey(StepUp::AboveLimit)),
            go(Passkey(StepUp::AboveLimit)),
        ),
        (
            "the first payment to a payee",
            |f| f.payee = Payee::default(),
            held(StepUp::FirstPayment, ahead(12), HoldReason::NewPayee),
            go(Passkey(StepUp::FirstPayment)),
        ),
        (
            "a second one while the first has not left",
            |f| f.payee = Payee { added_at: Some(ago(5)), established: false },
            held(StepUp::FirstPayment, ahead(7), HoldReason::NewPayee),
            go(Passkey(StepUp::FirstPayment)),
        ),
        (
            "a payee that was added more than 12 hours ago",
            |f| f.payee = Payee { added_at: Some(ago(13)), established: false },
            go(Passkey(StepUp::FirstPayment)),
            go(Passkey(StepUp::FirstPayment)),
        ),
        (
            "half of the balance",
            |f| (f.amount_minor, f.day_minor, f.balance_minor) = (50_000, 50_000, 100_000),
            go(Freely),
            go(Freely),
        ),
        (
            "more than half of the balance",
            |f| (f.amount_minor, f.day_minor, f.balance_minor) = (10_000, 50_001, 100_000),
            held(StepUp::LargeShare, ahead(24), HoldReason::LargeShare),
            go(Passkey(StepUp::LargeShare)),
        ),
        (
            "more than half of a small balance",
            |f| (f.amount_minor, f.day_minor, f.balance_minor) = (40_000, 40_000, 79_999),
            go(Freely),
            go(Freely),
        ),
        (
            "a large share to a new payee waits for the longer hold",
            |f| {
                f.payee = Payee::default();
                (f.amount_minor, f.day_minor) = (600_000, 600_000);
            },
            held(StepUp::FirstPayment, ahead(24), HoldReason::LargeShare),
            go(Passkey(StepUp::FirstPayment)),
        ),
        (
            "changed after its approval",
            |f| f.changed = true,
            go(Passkey(StepUp::Changed)),
            go(Passkey(StepUp::Changed)),
        ),
        (
            "a passkey that was shown a day ago",
            |f| f.caller.proved_at = Some(ago(24)),
            go(Passkey(StepUp::SessionOver)),
            go(Freely),
        ),
        (
            "a session that was in use all the day is over after it",
            |f| (f.caller.proved_at, f.caller.money_at) = (Some(ago(24)), Some(minutes_ago(1))),
            go(Passkey(StepUp::SessionOver)),
            go(Freely),
        ),
        (
            "a session within its day that let money go within the hour",
            |f| (f.caller.proved_at, f.caller.money_at) = (Some(ago(23)), Some(minutes_ago(59))),
            go(Freely),
            go(Freely),
        ),
        (
            "a session that let no money go for an hour",
            |f| (f.caller.proved_at, f.caller.money_at) = (Some(ago(5)), Some(ago(1))),
            go(Passkey(StepUp::SessionOver)),
            go(Freely),
        ),
        (
            "a passkey an hour ago and nothing since",
            |f| (f.caller.proved_at, f.caller.money_at) = (Some(ago(1)), None),
            go(Passkey(StepUp::SessionOver)),
            go(Freely),
        ),
        (
            "a passkey within the hour begins a session that an older use does not end",
            |f| (f.caller.proved_at, f.caller.money_at) = (Some(minutes_ago(59)), Some(ago(30))),
            go(Freely),
            go(Freely),
        ),
        (
            "no passkey shown on this device yet",
            |f| f.caller.proved_at = None,
            go(Passkey(StepUp::SessionOver)),
            go(Freely),
        ),
        (
            "a risk that asks for more",
            |f| f.caller.risk = RiskVerdict::StepUp,
            go(Passkey(StepUp::Risk)),
            go(Passkey(StepUp::Risk)),
        ),
        (
            "a risk that waits",
            |f| f.caller.risk = RiskVerdict::Hold,
            held(StepUp::Risk, ahead(24), HoldReason::Risk),
            go(Passkey(StepUp::Risk)),
        ),
        (
            "a risk that locks",
            |f| f.caller.risk = RiskVerdict::Lock,
            Decision::Refuse(Refusal::RiskTooHigh),
            Decision::Refuse(Refusal::RiskTooHigh),
        ),
        (
            "a new device and a new payee",
            |f| {
                f.payee = Payee::default();
                f.caller.device_since = Some(ago(11));
            },
            Decision::Refuse(new_device),
            go(Passkey(StepUp::FirstPayment)),
        ),
        ("a new device and a known payee", |f| f.caller.device_since = Some(ago(0)), go(Freely), go(Freely)),
        (
            "a new passkey and a new payee",
            |f| {
                f.payee = Payee::default();
                f.caller.passkey_since = Some(ago(23));
            },
            Decision::Refuse(Refusal::PasskeyTooNew { until: ahead(1) }),
            go(Passkey(StepUp::FirstPayment)),
        ),
        (
            "restricted, a known payee within the limits",
            |f| f.caller.standing = restrained(RestraintLevel::Restricted, RestraintReason::Recovery, Some(ahead(70))),
            go(Freely),
            go(Freely),
        ),
        (
            "restricted, a new payee",
            |f| {
                f.payee = Payee::default();
                f.caller.standing = restrained(RestraintLevel::Restricted, RestraintReason::Recovery, Some(ahead(70)));
            },
            Decision::Refuse(Refusal::Restricted { until: Some(ahead(70)) }),
            Decision::Refuse(Refusal::Restricted { until: Some(ahead(70)) }),
        ),
        (
            "restricted, above the limit",
            |f| {
                f.amount_minor = 50_001;
                f.caller.standing = restrained(RestraintLevel::Restricted, RestraintReason::Recovery, None);
            },
            Decision::Refuse(Refusal::Restricted { until: None }),
            Decision::Refuse(Refusal::Restricted { until: None }),
        ),
        (
            "locked",
            |f| f.caller.standing = restrained(RestraintLevel::Locked, RestraintReason::OwnWish, None),
            Decision::Refuse(Refusal::Locked),
            Decision::Refuse(Refusal::Locked),
        ),
        (
            "suspended",
            |f| f.caller.standing = restrained(RestraintLevel::Suspended, RestraintReason::Review, None),
            Decision::Refuse(Refusal::Suspended),
            Decision::Refuse(Refusal::Suspended),
        ),
        (
            "no passkey, where one is needed",
            |f| {
                f.payee = Payee::default();
                f.caller.has_passkey = false;
            },
            Decision::Refuse(Refusal::NoPasskey),
            go(Approval::Device(StepUp::FirstPayment)),
        ),
    ];
    for (what, change, standard, personal) in rows {
        let mut facts = usual();
        change(&mut facts);
        assert_eq!(pay(Preset::Standard, &facts, now()), *standard, "standard: {what}");
        assert_eq!(pay(Preset::Personal, &facts, now()), *personal, "personal: {what}");
    }
}

#[test]
fn each_change_of_the_protection_is_decided_as_written() {
    use Approval::{None as Freely, Passkey};
    let always = Passkey(StepUp::Always);
    let waits = |hours, reason| Decision::Go { approval: always, hold: Some(Hold { until: ahead(hours), reason }) };
    let rows = [
        (Change::AddWayIn, go(always), go(always)),
        (Change::RenameWayIn, go(Freely), go(Freely)),
        (Change::RemoveWayIn, go(Freely), go(Freely)),
        (Change::SignOutDevice, go(Freely), go(Freely)),
        (Change::RaiseLimit, waits(12, HoldReason::NewLimit), go(always)),
        (Change::LowerLimit, go(Freely), go(Freely)),
        (Change::ChangeAddress, waits(72, HoldReason::NewAddress), go(always)),
        (Change::NewRecoveryCode, go(always), go(always)),
        (Change::AddMethod, waits(24, HoldReason::NewMethod), go(always)),
        (Change::ReplaceMethod, go(always), go(always)),
        (Change::SetAutopay, go(always), go(always)),
        (Change::SetAutoReload, go(always), go(always)),
        (Change::LockAccount, go(Freely), go(Freely)),
        (Change::ReleaseLock, go(always), go(always)),
        (Change::Export, go(always), go(always)),
        (Change::FreezeCard, go(Freely), go(Freely)),
        (Change::UnfreezeCard, go(always), go(always)),
        (Change::LinkMerchant, go(always), go(always)),
    ];
    assert_eq!(rows.map(|(change, ..)| change), Change::ALL, "every change has its row");
    for (what, standard, personal) in rows {
        assert_eq!(change(Preset::Standard, what, &owner(), now()), standard, "standard: {what:?}");
        assert_eq!(change(Preset::Personal, what, &owner(), now()), personal, "personal: {what:?}");
    }
}

#[test]
fn the_first_passkey_is_the_way_back_from_the_owners_lock_on_an_old_device_alone() {
    let locked = |reason| restrained(RestraintLevel::Locked, reason, None);
    let caller = Caller { has_passkey: false, standing: locked(RestraintReason::OwnWish), ..owner() };
    let may = |caller: &Caller| needs_first_passkey_to_release(Preset::Standard, caller, now());
    assert!(may(&caller));
    assert!(!may(&Caller { has_passkey: true, ..caller }));
    assert!(!may(&Caller { device_since: Some(ahead(-24 * 7 + 1)), ..caller }), "a device of less than a week");
    assert!(may(&Caller { device_since: Some(ahead(-24 * 7)), ..caller }));
    assert!(!may(&Caller { standing: locked(RestraintReason::Risk), ..caller }));
    assert!(!needs_first_passkey_to_release(Preset::Personal, &caller, now()), "its device is enough");
}

#[test]
fn a_restraint_stops_what_adds_power_and_nothing_that_reduces_it_or_reads() {
    for level in RestraintLevel::ALL {
        let caller = Caller { standing: restrained(level, RestraintReason::OwnWish, None), ..owner() };
        for preset in Preset::ALL {
            for what in Change::ALL {
                let refused = matches!(change(preset, what, &caller, now()), Decision::Refuse(_));
                let released_by_support =
                    what == Change::ReleaseLock && preset == Preset::Standard && level == RestraintLevel::Suspended;
                let expected = match what {
                    Change::SignOutDevice
                    | Change::LowerLimit
                    | Change::LockAccount
                    | Change::Export
                    | Change::FreezeCard => false,
                    Change::ReleaseLock => released_by_support,
                    Change::RemoveWayIn => level != RestraintLevel::Restricted,
                    _ => true,
                };
                assert_eq!(refused, expected, "{preset:?} {level:?} {what:?}");
            }
        }
    }
}

#[test]
fn a_lock_stops_a_recovery_unless_support_began_it_and_a_restriction_stops_none() {
    use RestraintLevel::{Locked, Restricted, Suspended};
    let stopped = |level, reason, by_support| stops_recovery(&restrained(level, reason, None), by_support).is_some();
    for reason in RestraintReason::ALL {
        assert!(!stopped(Restricted, reason, false), "{reason:?}");
        assert!(stopped(Locked, reason, false), "{reason:?}");
        assert!(stopped(Suspended, reason, true), "{reason:?}");
        let may_go_on = matches!(reason, RestraintReason::OwnWish | RestraintReason::Risk);
        assert_eq!(stopped(Locked, reason, true), !may_go_on, "{reason:?}");
    }
    assert_eq!(stops_recovery(&Standing::GOOD, false), None);
}

#[test]
fn a_lock_is_released_by_an_older_device_and_what_support_set_by_support_alone() {
    let locked = |reason, device_since| Caller {
        standing: restrained(RestraintLevel::Locked, reason, None),
        device_since,
        ..owner()
    };
    let week = 7 * 24;
    let released = |preset, caller: &Caller| change(preset, Change::ReleaseLock, caller, now());
    let by_passkey = go(Approval::Passkey(StepUp::Always));
    for since in [None, Some(ago(week))] {
        assert_eq!(released(Preset::Standard, &locked(RestraintReason::OwnWish, since)), by_passkey);
    }
    assert_eq!(
        released(Preset::Standard, &locked(RestraintReason::OwnWish, Some(ago(week - 1)))),
        Decision::Refuse(Refusal::DeviceTooNew { until: ahead(1) })
    );
    assert_eq!(
        released(Preset::Standard, &locked(RestraintReason::Risk, None)),
        Decision::Refuse(Refusal::SupportNeeded)
    );
    // On the server of one person there is nobody to ask.
    assert_eq!(released(Preset::Personal, &locked(RestraintReason::Risk, Some(ago(1)))), by_passkey);
    let alone = Caller { has_passkey: false, ..locked(RestraintReason::OwnWish, None) };
    assert_eq!(released(Preset::Personal, &alone), go(Approval::Device(StepUp::Always)));
    assert_eq!(released(Preset::Standard, &alone), Decision::Refuse(Refusal::NoPasskey));
}

#[test]
fn a_new_device_or_passkey_raises_no_limit_and_adds_no_method() {
    let changes = [
        Change::RaiseLimit,
        Change::AddMethod,
        Change::ReplaceMethod,
        Change::SetAutopay,
        Change::SetAutoReload,
        Change::LinkMerchant,
    ];
    for what in changes {
        let device = Caller { device_since: Some(ago(11)), ..owner() };
        let refused = Decision::Refuse(Refusal::DeviceTooNew { until: ahead(1) });
        assert_eq!(change(Preset::Standard, what, &device, now()), refused);
        let passkey = Caller { passkey_since: Some(ago(23)), ..owner() };
        let refused = Decision::Refuse(Refusal::PasskeyTooNew { until: ahead(1) });
        assert_eq!(change(Preset::Standard, what, &passkey, now()), refused);
    }
}

#[test]
fn the_first_passkey_is_added_without_one() {
    let caller = Caller { has_passkey: false, ..owner() };
    for preset in Preset::ALL {
        assert_eq!(change(preset, Change::AddWayIn, &caller, now()), go(Approval::None));
    }
}

#[test]
fn sums_at_the_end_of_the_range_do_not_wrap() {
    let mut facts = usual();
    (facts.day_minor, facts.balance_minor) = (i64::MAX, i64::MAX);
    assert!(matches!(pay(Preset::Standard, &facts, now()), Decision::Go { hold: Some(_), .. }));
    facts.payee = Payee { added_at: Some(Timestamp::MAX), established: false };
    assert!(matches!(pay(Preset::Standard, &facts, now()), Decision::Go { hold: Some(_), .. }));
}

#[test]
fn only_personal_waits_for_nothing() {
    let numbers = Preset::Personal.numbers();
    let waits = [
        numbers.share_hold,
        numbers.new_payee_hold,
        numbers.risk_hold,
        numbers.new_device_wait,
        numbers.new_passkey_wait,
        numbers.raised_limit_wait,
        numbers.address_veto,
        numbers.new_method_hold,
        numbers.recovery_wait,
    ];
    assert!(waits.iter().all(|wait| wait.is_zero()));
    for preset in Preset::ALL {
        assert_eq!(preset.as_str().parse(), Ok(preset));
        assert_eq!(serde_json::to_value(preset).expect("JSON"), preset.as_str());
    }
    assert_eq!("loose".parse::<Preset>(), Err(NoSuchPreset));
}

#[test]
fn a_limit_is_raised_when_either_figure_is() {
    let before = Limits { payment_minor: 100, day_minor: 200 };
    assert!(!before.is_raised_from(&before));
    assert!(Limits { payment_minor: 101, day_minor: 0 }.is_raised_from(&before));
    assert!(Limits { payment_minor: 0, day_minor: 201 }.is_raised_from(&before));
    assert!(!Limits { payment_minor: 99, day_minor: 200 }.is_raised_from(&before));
}
