//! What an account may do just now. Its owner, a recovery, the risk rules or support restrain it; each restraint lasts
//! until it is lifted or its time is over, and the strictest counts. Reading and reducing power are never restrained.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far an account is restrained; a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RestraintLevel {
    /// Known payees within the limits are paid; nothing new.
    Restricted,
    /// No money leaves and no way in is added. Its owner may release it where the policy lets them.
    Locked,
    /// The same, and support alone lifts it.
    Suspended,
}

/// Why. At most one restraint stands for each reason. The names are stored: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum RestraintReason {
    /// The owner locked the account.
    OwnWish,
    /// The account was recovered a short while ago.
    Recovery,
    /// What happened looks like somebody else.
    Risk,
    /// Support looks at it.
    Review,
}

impl RestraintLevel {
    pub const ALL: [Self; 3] = [Self::Restricted, Self::Locked, Self::Suspended];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Locked => "locked",
            Self::Suspended => "suspended",
        }
    }
}

impl RestraintReason {
    pub const ALL: [Self; 4] = [Self::OwnWish, Self::Recovery, Self::Risk, Self::Review];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnWish => "own_wish",
            Self::Recovery => "recovery",
            Self::Risk => "risk",
            Self::Review => "review",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Restraint {
    pub level: RestraintLevel,
    pub reason: RestraintReason,
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub since: Timestamp,
    /// It ends by itself then; absent: when it is lifted.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub until: Option<Timestamp>,
}

impl Restraint {
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Good without a restraint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Standing {
    /// The strictest of those that hold.
    pub restraint: Option<Restraint>,
}

impl Standing {
    pub const GOOD: Self = Self { restraint: None };

    /// The strictest that holds; of equals the one that lasts longest.
    #[must_use]
    pub fn of(restraints: &[Restraint], now: Timestamp) -> Self {
        let holding = restraints.iter().filter(|restraint| restraint.holds_at(now));
        let lasts = |restraint: &Restraint| restraint.until.unwrap_or(Timestamp::MAX);
        Self { restraint: holding.max_by_key(|restraint| (restraint.level, lasts(restraint))).copied() }
    }

    /// The same standing at a later time: a restraint whose time is over is gone.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { restraint: self.restraint.filter(|restraint| restraint.holds_at(now)) }
    }

    #[must_use]
    pub fn level(&self) -> Option<RestraintLevel> {
        self.restraint.map(|restraint| restraint.level)
    }

    /// No money may leave, whoever it is for.
    #[must_use]
    pub fn stops_all_money(&self) -> bool {
        self.level() >= Some(RestraintLevel::Locked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn restraint(level: RestraintLevel, reason: RestraintReason, until: Option<i64>) -> Restraint {
        Restraint { level, reason, since: at(0), until: until.map(at) }
    }

    #[test]
    fn the_strictest_restraint_counts_and_what_is_over_does_not() {
        let recovery = restraint(RestraintLevel::Restricted, RestraintReason::Recovery, Some(100));
        let own = restraint(RestraintLevel::Locked, RestraintReason::OwnWish, None);
        let review = restraint(RestraintLevel::Suspended, RestraintReason::Review, Some(50));
        assert_eq!(Standing::of(&[], at(10)), Standing::GOOD);
        assert_eq!(Standing::of(&[recovery, review, own], at(10)).restraint, Some(review));
        assert_eq!(Standing::of(&[recovery, review, own], at(50)).restraint, Some(own));
        assert_eq!(Standing::of(&[recovery], at(99)).restraint, Some(recovery));
        assert_eq!(Standing::of(&[recovery], at(100)), Standing::GOOD);
        let longer = restraint(RestraintLevel::Restricted, RestraintReason::Risk, Some(300));
        assert_eq!(Standing::of(&[longer, recovery], at(10)).restraint, Some(longer));
        assert_eq!(Standing::of(&[recovery], at(10)).at(at(100)), Standing::GOOD);
    }

    #[test]
    fn a_lock_and_a_suspension_stop_all_money_and_a_restriction_does_not() {
        let stops = RestraintLevel::ALL
            .map(|level| Standing { restraint: Some(restraint(level, RestraintReason::Risk, None)) }.stops_all_money());
        assert_eq!(stops, [false, true, true]);
        assert!(!Standing::GOOD.stops_all_money());
    }

    #[test]
    fn names_are_those_on_the_wire() {
        for level in RestraintLevel::ALL {
            assert_eq!(serde_json::to_value(level).expect("JSON"), level.as_str());
        }
        for reason in RestraintReason::ALL {
            assert_eq!(serde_json::to_value(reason).expect("JSON"), reason.as_str());
        }
    }
}
