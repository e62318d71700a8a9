//! What stands between a person and paying: each prerequisite, whether it is met, and so exactly which one blocks. The
//! words for its fix live in the UI.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::Preset;
use crate::standing::Standing;

/// In the order in which they are put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Prerequisite {
    /// Nothing restrains the account so far that no money leaves.
    GoodStanding,
    /// The server's terms, as they are now, were accepted.
    AcceptedTerms,
    /// An address where notices arrive.
    ConfirmedEmail,
    /// A passkey to approve with.
    Passkey,
    /// An account of this server that money leaves from, or a payment method.
    FundingAccount,
    /// There is some in it.
    Money,
}

impl Prerequisite {
    pub const ALL: [Self; 6] = [
        Self::GoodStanding,
        Self::AcceptedTerms,
        Self::ConfirmedEmail,
        Self::Passkey,
        Self::FundingAccount,
        Self::Money,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GoodStanding => "good_standing",
            Self::AcceptedTerms => "accepted_terms",
            Self::ConfirmedEmail => "confirmed_email",
            Self::Passkey => "passkey",
            Self::FundingAccount => "funding_account",
            Self::Money => "money",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Met {
    Yes,
    /// Paying is blocked by this.
    No,
    /// This server does not ask for it, or it cannot be said before another one is met.
    NotAsked,
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub preset: Preset,
    pub standing: Standing,
    /// None: the server has no terms.
    pub terms_accepted: Option<bool>,
    /// None: the server sends no mail.
    pub email_confirmed: Option<bool>,
    pub has_passkey: bool,
    /// The money of the account that pays; none: there is no such account.
    pub available_minor: Option<i64>,
    /// There is a payment method that something can be drawn from.
    pub has_method: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Checked {
    pub what: Prerequisite,
    pub met: Met,
    /// It is met by itself from then on.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub until: Option<Timestamp>,
}

/// Every prerequisite with its answer, in order.
#[must_use]
pub fn check(facts: &Facts) -> Vec<Checked> {
    let yes_or_no = |met| if met { Met::Yes } else { Met::No };
    let asked = |answer: Option<bool>| answer.map_or(Met::NotAsked, yes_or_no);
    let stopped = facts.standing.stops_all_money();
    let met = |what| match what {
        Prerequisite::GoodStanding => yes_or_no(!stopped),
        Prerequisite::AcceptedTerms => asked(facts.terms_accepted),
        Prerequisite::ConfirmedEmail => asked(facts.email_confirmed),
        // On the server of one person the device approves where there is no passkey.
        Prerequisite::Passkey if facts.preset == Preset::Personal && !facts.has_passkey => Met::NotAsked,
        Prerequisite::Passkey => yes_or_no(facts.has_passkey),
        Prerequisite::FundingAccount => yes_or_no(facts.has_method || facts.available_minor.is_some()),
        // What is drawn from a method is asked of the bank when it leaves.
        Prerequisite::Money if facts.has_method => Met::Yes,
        Prerequisite::Money => asked(facts.available_minor.map(|minor| minor > 0)),
    };
    let until = facts.standing.restraint.filter(|_| stopped).and_then(|restraint| restraint.until);
    let checked = |what| Checked { what, met: met(what), until: until.filter(|_| what == Prerequisite::GoodStanding) };
    Prerequisite::ALL.map(checked).to_vec()
}

/// Those that block paying.
#[must_use]
pub fn blocking(checked: &[Checked]) -> Vec<Prerequisite> {
    checked.iter().filter(|one| one.met == Met::No).map(|one| one.what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standing::{Restraint, RestraintLevel, RestraintReason};

    fn good() -> Facts {
        Facts {
            preset: Preset::Standard,
            standing: Standing::GOOD,
            terms_accepted: Some(true),
            email_confirmed: Some(true),
            has_passkey: true,
            available_minor: Some(1),
            has_method: false,
        }
    }

    fn restrained(level: RestraintLevel, until: Option<Timestamp>) -> Standing {
        let since = Timestamp::UNIX_EPOCH;
        Standing { restraint: Some(Restraint { level, reason: RestraintReason::Risk, since, until }) }
    }

    #[test]
    fn each_prerequisite_blocks_by_itself_and_is_the_only_one_named() {
        type Row = (Prerequisite, fn(&mut Facts));
        let rows: [Row; 6] = [
            (Prerequisite::GoodStanding, |facts| facts.standing = restrained(RestraintLevel::Locked, None)),
            (Prerequisite::AcceptedTerms, |facts| facts.terms_accepted = Some(false)),
            (Prerequisite::ConfirmedEmail, |facts| facts.email_confirmed = Some(false)),
            (Prerequisite::Passkey, |facts| facts.has_passkey = false),
            (Prerequisite::FundingAccount, |facts| facts.available_minor = None),
            (Prerequisite::Money, |facts| facts.available_minor = Some(0)),
        ];
        assert_eq!(rows.map(|(what, _)| what), Prerequisite::ALL, "every one has its row");
        assert_eq!(blocking(&check(&good())), []);
        for (what, spoil) in rows {
            let mut facts = good();
            spoil(&mut facts);
            assert_eq!(blocking(&check(&facts)), [what]);
        }
    }

    #[test]
    fn what_a_server_does_not_ask_for_blocks_nobody() {
        let facts = Facts {
            preset: Preset::Personal,
            terms_accepted: None,
            email_confirmed: None,
            has_passkey: false,
            ..good()
        };
        assert_eq!(blocking(&check(&facts)), []);
    }

    #[test]
    fn a_method_that_can_be_drawn_from_stands_in_for_money_that_is_here() {
        for available_minor in [None, Some(0)] {
            let facts = Facts { available_minor, has_method: true, ..good() };
            assert_eq!(blocking(&check(&facts)), []);
        }
    }

    #[test]
    fn a_restriction_pays_known_payees_and_a_lock_says_until_when() {
        let until = Some(Timestamp::MAX);
        let restricted = Facts { standing: restrained(RestraintLevel::Restricted, until), ..good() };
        assert_eq!(blocking(&check(&restricted)), []);
        let locked = check(&Facts { standing: restrained(RestraintLevel::Locked, until), ..good() });
        assert_eq!((locked[0].what, locked[0].until), (Prerequisite::GoodStanding, until));
        assert!(locked[1..].iter().all(|one| one.until.is_none()));
    }
}
