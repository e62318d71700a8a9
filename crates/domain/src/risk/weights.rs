//! Every number of the risk score, in one file that is reviewed as a whole. A change of any of them raises `VERSION`;
//! each stored decision names the version that it was made with. The scripted attacks and months of ordinary life in
//! `scenarios` say what a change does.

use jiff::SignedDuration;

use super::{RiskReason, RiskVerdict};

pub const VERSION: u32 = 1;

// ---- what follows ------------------------------------------------------------------------------------------------

pub const STEP_UP_FROM: u32 = 30;
pub const HOLD_FROM: u32 = 60;
pub const LOCK_FROM: u32 = 80;

#[must_use]
pub const fn verdict(score: u32) -> RiskVerdict {
    if score >= LOCK_FROM {
        RiskVerdict::Lock
    } else if score >= HOLD_FROM {
        RiskVerdict::Hold
    } else if score >= STEP_UP_FROM {
        RiskVerdict::StepUp
    } else {
        RiskVerdict::Allow
    }
}

// ---- what counts how much ----------------------------------------------------------------------------------------

#[must_use]
pub const fn points(reason: RiskReason) -> u32 {
    match reason {
        RiskReason::DeviceNew => 20,
        RiskReason::DeviceYoung => 12,
        RiskReason::NetworkNew => 6,
        RiskReason::PlaceNew => 12,
        RiskReason::CountryNew => 24,
        RiskReason::ImpossibleTravel => 30,
        RiskReason::OddHour => 6,
        // Anybody can cause failures, so they may tip a scale and never fill it.
        RiskReason::FailedTries => 5,
        RiskReason::ManyFailedTries => 10,
        RiskReason::TokenReused => 25,
        RiskReason::ForeignProof => 15,
        RiskReason::ManyForeignProofs => 25,
        RiskReason::PasskeyCounter => 20,
        RiskReason::PasskeyChanged => 10,
        RiskReason::Recovered => 15,
        RiskReason::RhythmUnlike => 12,
        RiskReason::PayeeNew => 10,
        RiskReason::PayeeYoung => 5,
        RiskReason::MethodNew => 8,
        RiskReason::AmountAbove => 6,
        RiskReason::AmountFarAbove => 15,
        RiskReason::Burst => 10,
        RiskReason::LargeBurst => 20,
        RiskReason::Drain => 10,
        RiskReason::DrainNearlyAll => 20,
    }
}

// ---- from when on ------------------------------------------------------------------------------------------------

/// From then on a network, place or country counts as usual.
pub const USUAL_AFTER: SignedDuration = SignedDuration::from_hours(24);
pub const DEVICE_YOUNG: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Farther than this from every usual place is a new place.
pub const PLACE_NEW_KM: u32 = 400;
/// Databases of places err by a few hundred kilometres.
pub const TRAVEL_FROM_KM: u32 = 500;
/// An airliner, with no time for airports.
pub const TRAVEL_KM_PER_HOUR: i64 = 1_000;
/// Uses of an account before its hours say anything.
pub const HOURS_KNOWN_FROM: u64 = 40;
/// Less than this share of all uses, with the hour before and after, is odd.
pub const ODD_HOUR_PER_MILLE: u64 = 15;
pub const FAILED_TRIES: u32 = 3;
pub const MANY_FAILED_TRIES: u32 = 10;
pub const FOREIGN_PROOFS: u32 = 1;
pub const MANY_FOREIGN_PROOFS: u32 = 5;
pub const TOKEN_REUSED: SignedDuration = SignedDuration::from_hours(7 * 24);
pub const PASSKEY_COUNTER: SignedDuration = SignedDuration::from_hours(7 * 24);
pub const PASSKEY_CHANGED: SignedDuration = SignedDuration::from_hours(7 * 24);
pub const RECOVERED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Times the usual spread, in thousandths.
pub const RHYTHM_UNLIKE: u32 = 3_000;
pub const PAYEE_YOUNG: SignedDuration = SignedDuration::from_hours(7 * 24);
pub const METHOD_NEW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Payments before amounts say anything.
pub const AMOUNTS_KNOWN_FROM: usize = 5;
/// One part in so many above the largest payment.
pub const AMOUNT_ABOVE_SHARE: i64 = 4;
/// So many times the largest payment.
pub const AMOUNT_FAR_TIMES: i64 = 3;
/// Orders within an hour.
pub const BURST: u32 = 5;
pub const LARGE_BURST: u32 = 10;
/// Shares of what is there, in thousandths.
pub const DRAIN: u32 = 500;
pub const DRAIN_NEARLY_ALL: u32 = 800;
