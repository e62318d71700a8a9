//! The calendar feed: due dates for other calendars. `GET /api/v1/calendar` says whether there is an address to subscribe
//! to, `PUT` makes one or changes what stands in it (needs an `Idempotency-Key`), `DELETE` ends it, and
//! `GET /api/v1/calendar/file` is the same text to save. The address itself is `/calendar/{secret}.ics`, for whoever has it.
//! Its secret is made by the caller, who sends only the hash: the server cannot show it again, nor can who reads its
//! database.

use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// Under the server's origin, before the secret and [`FILE_ENDING`].
pub const CALENDAR_PATH: &str = "/calendar/";
pub const FILE_ENDING: &str = ".ics";
/// Random bytes of the secret; in the address they stand as base64url without padding.
pub const SECRET_BYTES: usize = 32;

/// An address that a calendar may be subscribed to, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CalendarFeed {
    /// Amounts stand beside the names.
    pub amounts: bool,
    /// Alarms ring at this time of day: `09:00:00`.
    #[schema(value_type = String)]
    pub remind_at: Time,
    #[schema(value_type = String, format = "date-time")]
    pub made_at: Timestamp,
    /// Absent: nobody has read it yet.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub read_at: Option<Timestamp>,
}

/// `GET /api/v1/calendar`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CalendarFeedState {
    /// Absent: there is no address.
    pub feed: Option<CalendarFeed>,
}

/// `PUT /api/v1/calendar`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetCalendarFeed {
    pub amounts: bool,
    #[schema(value_type = String)]
    pub remind_at: Time,
    /// A new address: SHA-256 of its secret as it stands there, as 64 hexadecimal digits. The one of before ends. Absent:
    /// the address stays.
    pub secret_hash: Option<String>,
}
