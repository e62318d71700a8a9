//! The directory of billers (BI2): who can be paid through this server, and plainly who cannot.

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::ids::BillerId;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Biller {
    pub id: BillerId,
    pub name: String,
    /// Short words to find it by: "phone", "rent".
    pub category: String,
    /// False: reminders only, the person pays elsewhere.
    pub payable: bool,
    /// IANA zone in which its due dates are meant.
    pub zone: String,
    /// There, what arrives on the due date is late from this time on; absent: the whole day is good.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub cutoff: Option<Time>,
    /// Whose banking days count on the way to it.
    #[serde(default)]
    pub calendar: Calendar,
}
