//! Bills: `PUT /api/v1/bills/{id}` creates (idempotent by the client's id), `PATCH` edits fields, `DELETE` removes;
//! `PUT /api/v1/bills/{id}/occurrences/{due_on}` sets a mark, `DELETE` takes it back.

use domain::bills::sorted_remind_days;
pub use domain::bills::{Bill, Mark};
use domain::ids::{AccountId, BillerId};
use domain::money::Money;
use domain::schedule::Schedule;
use serde::{Deserialize, Serialize};

/// The fields that changed; the last one the server receives wins, field by field. An inner `null` clears.
/// Needs an `Idempotency-Key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BillEdit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BillerId>)]
    pub biller: Option<Option<BillerId>>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reference: Option<Option<String>>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AccountId>)]
    pub card: Option<Option<AccountId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_days: Option<Vec<u8>>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub note: Option<Option<String>>,
}

impl BillEdit {
    /// The bill with these fields changed: the same on a device that shows it in advance and on the server that decides.
    #[must_use]
    pub fn applied_to(self, mut bill: Bill) -> Bill {
        bill.name = self.name.unwrap_or(bill.name);
        bill.amount = self.amount.unwrap_or(bill.amount);
        bill.estimated = self.estimated.unwrap_or(bill.estimated);
        bill.schedule = self.schedule.unwrap_or(bill.schedule);
        bill.biller = self.biller.unwrap_or(bill.biller);
        bill.reference = self.reference.unwrap_or(bill.reference);
        bill.card = self.card.unwrap_or(bill.card);
        bill.remind_days = self.remind_days.map_or(bill.remind_days, sorted_remind_days);
        bill.note = self.note.unwrap_or(bill.note);
        bill
    }
}

/// Tells "absent" from `null`: absent keeps, `null` clears.
mod clearable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(value: &Option<Option<T>>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(to)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keeps_and_null_clears() {
        let edit: BillEdit = serde_json::from_str(r#"{"note":null}"#).expect("reads");
        assert_eq!(edit.note, Some(None));
        assert_eq!(edit.reference, None);
        assert_eq!(serde_json::to_string(&edit).expect("writes"), r#"{"note":null}"#);
    }
}
