//! Recurring dates. A rule is anchored at its first date; month ends clamp and return to their anchor day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// When something recurs. On the wire: `{"every":"month","interval":1,"day":31,"starts_on":"2026-12-31","ends_on":null}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Schedule {
    pub every: Every,
    /// Every how many units, from 1 to 120.
    pub interval: u16,
    /// Anchor day of the month, 1 to 31, for months, quarters and years; 29 to 31 clamp to a shorter month's end
    /// and return to their day. Absent for days and weeks.
    pub day: Option<u8>,
    /// The first date is the first one on or after this that the rule allows.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub starts_on: Date,
    /// Nothing falls after this date.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub ends_on: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Every {
    Once,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}
