//! The one place where flows look at the clock: real programs live in real time.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "real programs live in real time")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Today, in the zone that the flows' programs are given.
#[expect(clippy::disallowed_methods, reason = "real programs live in real time")]
pub fn today() -> Date {
    jiff::Zoned::now().with_time_zone(TimeZone::UTC).date()
}
