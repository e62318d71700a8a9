//! How long the copy may be read without its server: a device that was signed out elsewhere and is kept off the network
//! must not be readable for ever. Sealed like the rest of the copy, so that nobody lengthens it from outside.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// After so long without an answer of the server the copy stays closed until there is one.
pub const LEASE_DAYS: i64 = 30;
/// What was seen of the clock is written down again after so long.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(24);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    /// When the server answered last.
    contact_at: Timestamp,
    /// The latest that the clock showed since: setting it back gains nothing.
    seen_at: Timestamp,
}

impl Lease {
    /// The server answered just now. A clock that was wrong before is forgiven.
    pub const fn from_contact(at: Timestamp) -> Self {
        Self { contact_at: at, seen_at: at }
    }

    pub fn is_over(&self, now: Timestamp) -> bool {
        self.seen_at.max(now).duration_since(self.contact_at) > SignedDuration::from_hours(24 * LEASE_DAYS)
    }

    /// With another look at the clock.
    pub fn seen(&self, now: Timestamp) -> Self {
        Self { seen_at: self.seen_at.max(now), ..*self }
    }

    /// What is to be kept of another look at the clock, when it is worth a write.
    pub fn noted(&self, now: Timestamp) -> Option<Self> {
        let later = now.duration_since(self.seen_at) >= NOTED_EVERY;
        later.then(|| self.seen(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + number * 86_400).unwrap()
    }

    #[test]
    fn the_copy_is_readable_for_thirty_days_to_the_second() {
        let lease = Lease::from_contact(day(0));
        let last = day(LEASE_DAYS);
        assert!(!lease.is_over(day(0)));
        assert!(!lease.is_over(last));
        assert!(lease.is_over(last.checked_add(SignedDuration::from_secs(1)).unwrap()));
        assert!(!Lease::from_contact(last).is_over(day(2 * LEASE_DAYS)), "each answer begins it anew");
    }

    #[test]
    fn a_clock_that_is_set_back_gains_nothing() {
        let mut lease = Lease::from_contact(day(0));
        for on in 1..=31 {
            lease = lease.noted(day(on)).unwrap_or(lease);
        }
        assert!(lease.is_over(day(0)), "day 31 was seen");
        assert!(lease.is_over(day(-400)));
        assert_eq!(lease.noted(day(-400)), None);
        assert!(
            !Lease::from_contact(day(-400)).is_over(day(-400)),
            "the server's answer forgives a clock that was wrong"
        );
    }

    #[test]
    fn a_look_at_the_clock_is_written_once_a_day() {
        let lease = Lease::from_contact(day(0));
        assert_eq!(lease.noted(day(0)), None);
        let hour = SignedDuration::from_hours(23);
        assert_eq!(lease.noted(day(0).checked_add(hour).unwrap()), None);
        assert!(lease.noted(day(1)).is_some());
    }
}
