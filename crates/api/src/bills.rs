//! Bills: `PUT /api/v1/bills/{id}` creates (idempotent by the client's id), `PATCH` edits fields, `DELETE` removes;
//! `PATCH /api/v1/bills/{id}/occurrences/{due_on}` edits a mark, `PUT` sets it whole, `DELETE` takes it back.

use domain::bills::sorted_remind_days;
pub use domain::bills::{Bill, Mark, Pause, PriceStep, Seen};
use domain::ids::{AccountId, BillerId, TransactionId};
use domain::money::Money;
use domain::schedule::Schedule;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The fields that changed; what other devices changed of the rest stays. An inner `null` clears. Without `instead_of` the
/// last one the server receives wins, field by field. Needs an `Idempotency-Key`.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<PriceStep>>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    pub cap: Option<Option<Money>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Vec<Schedule>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pauses: Option<Vec<Pause>>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u8>)]
    pub issue_days: Option<Option<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_days: Option<u8>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub zone: Option<Option<String>>,
    /// The bill as it stood: when a field of this edit reads differently by now, nothing is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Bill>)]
    pub instead_of: Option<Box<Bill>>,
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
        bill.steps = self.steps.unwrap_or(bill.steps);
        bill.cap = self.cap.unwrap_or(bill.cap);
        bill.earlier = self.earlier.unwrap_or(bill.earlier);
        bill.pauses = self.pauses.unwrap_or(bill.pauses);
        bill.issue_days = self.issue_days.unwrap_or(bill.issue_days);
        bill.grace_days = self.grace_days.unwrap_or(bill.grace_days);
        bill.lead_days = self.lead_days.unwrap_or(bill.lead_days);
        bill.zone = self.zone.unwrap_or(bill.zone);
        bill
    }

    /// What differs between a bill and the same bill as it shall be, so that an edit of another field stays.
    #[must_use]
    pub fn between(before: &Bill, after: Bill) -> Self {
        fn changed<T: PartialEq>(before: &T, after: T) -> Option<T> {
            (*before != after).then_some(after)
        }
        Self {
            name: changed(&before.name, after.name),
            amount: changed(&before.amount, after.amount),
            estimated: changed(&before.estimated, after.estimated),
            schedule: changed(&before.schedule, after.schedule),
            biller: changed(&before.biller, after.biller),
            reference: changed(&before.reference, after.reference),
            card: changed(&before.card, after.card),
            remind_days: changed(&before.remind_days, after.remind_days),
            note: changed(&before.note, after.note),
            steps: changed(&before.steps, after.steps),
            cap: changed(&before.cap, after.cap),
            earlier: changed(&before.earlier, after.earlier),
            pauses: changed(&before.pauses, after.pauses),
            issue_days: changed(&before.issue_days, after.issue_days),
            grace_days: changed(&before.grace_days, after.grace_days),
            lead_days: changed(&before.lead_days, after.lead_days),
            zone: changed(&before.zone, after.zone),
            instead_of: None,
        }
    }

    /// The fields of this edit that were changed meanwhile: they read neither as they stood nor as it says.
    #[must_use]
    pub fn changed_meanwhile(&self, now: &Bill) -> Vec<String> {
        let Some(stood) = self.instead_of.as_deref() else { return Vec::new() };
        let since = Self::between(now, stood.clone()).named();
        let mut fields = Self::between(now, self.clone().applied_to(now.clone())).named();
        fields.retain(|field| since.contains(field));
        fields
    }

    /// The fields that it says something of, by name.
    fn named(&self) -> Vec<String> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => fields.into_iter().map(|(field, _)| field).collect(),
            _ => Vec::new(),
        }
    }
}

/// What is said anew about one due date; what another device said of the rest stays. An inner `null` clears.
/// Needs an `Idempotency-Key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MarkEdit {
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    pub amount: Option<Option<Money>>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Money>)]
    pub paid_elsewhere: Option<Option<Money>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<bool>,
    #[serde(default, with = "clearable", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    pub moved_to: Option<Option<Date>>,
    /// Payments that were recognised, beside those of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// Lines in which no payment of it is seen any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<TransactionId>,
    /// The mark as it stood: a field that reads differently by now was said anew meanwhile, and stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Mark>)]
    pub instead_of: Option<Box<Mark>>,
}

impl MarkEdit {
    /// The mark with these fields changed: the same on a device that shows it in advance and on the server that decides.
    #[must_use]
    pub fn applied_to(self, mut mark: Mark) -> Mark {
        fn said<T: PartialEq>(new: Option<T>, now: T, stood: Option<T>) -> T {
            new.filter(|_| stood.is_none_or(|stood| stood == now)).unwrap_or(now)
        }
        let stood = self.instead_of.as_deref();
        mark.amount = said(self.amount, mark.amount, stood.map(|stood| stood.amount));
        mark.paid_elsewhere = said(self.paid_elsewhere, mark.paid_elsewhere, stood.map(|stood| stood.paid_elsewhere));
        mark.skipped = said(self.skipped, mark.skipped, stood.map(|stood| stood.skipped));
        mark.moved_to = said(self.moved_to, mark.moved_to, stood.map(|stood| stood.moved_to));
        mark.seen.retain(|seen| !self.unseen.contains(&seen.transaction));
        for new in self.seen {
            if mark.seen.iter().all(|seen| seen.transaction != new.transaction) {
                mark.seen.push(new);
            }
        }
        mark
    }

    /// Takes back what this mark says, and nothing that it does not know of.
    #[must_use]
    pub fn taking_back(mark: &Mark) -> Self {
        Self {
            amount: mark.amount.map(|_| None),
            paid_elsewhere: mark.paid_elsewhere.map(|_| None),
            skipped: mark.skipped.then_some(false),
            moved_to: mark.moved_to.map(|_| None),
            seen: Vec::new(),
            unseen: mark.seen.iter().map(|seen| seen.transaction).collect(),
            instead_of: None,
        }
    }

    /// Puts back what an edit changed, and nothing that was said anew since.
    #[must_use]
    pub fn undoing(before: &Mark, after: &Mark) -> Self {
        fn changed<T: PartialEq + Copy>(before: &T, after: &T) -> Option<T> {
            (before != after).then_some(*before)
        }
        let only_in = |one: &Mark, other: &Mark| -> Vec<Seen> {
            let mut seen = one.seen.clone();
            seen.retain(|seen| other.seen.iter().all(|known| known.transaction != seen.transaction));
            seen
        };
        Self {
            amount: changed(&before.amount, &after.amount),
            paid_elsewhere: changed(&before.paid_elsewhere, &after.paid_elsewhere),
            skipped: changed(&before.skipped, &after.skipped),
            moved_to: changed(&before.moved_to, &after.moved_to),
            seen: only_in(before, after),
            unseen: only_in(after, before).iter().map(|seen| seen.transaction).collect(),
            instead_of: Some(Box::new(after.clone())),
        }
    }

    /// The mark reads in each field as this edit says.
    #[must_use]
    pub fn stands_in(&self, mark: &Mark) -> bool {
        Self { instead_of: None, ..self.clone() }.applied_to(mark.clone()) == *mark
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

    #[test]
    fn an_edit_says_what_differs_and_clears_what_was_emptied() {
        let before: Bill = serde_json::from_value(serde_json::json!({
            "id": "01890000-0000-7000-8000-000000000000", "name": "Rent",
            "amount": { "minor": 95000, "currency": "USD" }, "estimated": false,
            "schedule": { "every": "month", "interval": 1, "day": 1, "starts_on": "2026-01-01", "ends_on": null },
            "biller": null, "reference": null, "card": null, "remind_days": [3, 1], "note": "by post",
        }))
        .expect("a bill from before steps and pauses were there reads");
        assert_eq!(BillEdit::between(&before, before.clone()), BillEdit::default());
        let pauses = vec![Pause { from: before.schedule.starts_on, until: None }];
        let after = Bill { note: None, name: "Home".to_owned(), pauses, grace_days: 5, ..before.clone() };
        let edit = BillEdit::between(&before, after.clone());
        assert_eq!((edit.note.as_ref(), edit.amount), (Some(&None), None));
        assert_eq!(edit.applied_to(before), after);
    }

    #[test]
    fn an_edit_meets_another_one_only_in_the_same_field() {
        let bill: Bill = serde_json::from_value(serde_json::json!({
            "id": "01890000-0000-7000-8000-000000000000", "name": "Rent",
            "amount": { "minor": 95000, "currency": "USD" }, "estimated": false,
            "schedule": { "every": "month", "interval": 1, "day": 1, "starts_on": "2026-01-01", "ends_on": null },
            "biller": null, "reference": null, "card": null, "remind_days": [3, 1], "note": "by post",
        }))
        .expect("reads");
        let edit = |text: &str| {
            let edit: BillEdit = serde_json::from_str(text).expect("reads");
            BillEdit { instead_of: Some(Box::new(bill.clone())), ..edit }
        };
        let mine = edit(r#"{"name":"Home","note":null,"remind_days":[1,5]}"#);
        let text = serde_json::to_string(&mine).expect("writes");
        let mine: BillEdit = serde_json::from_str(&text).expect("reads");
        let now = |change: fn(&mut Bill)| {
            let mut now = bill.clone();
            change(&mut now);
            now
        };
        let none: [&str; 0] = [];
        assert_eq!(mine.changed_meanwhile(&bill), none);
        assert_eq!(mine.changed_meanwhile(&now(|bill| bill.estimated = true)), none, "another field");
        assert_eq!(mine.changed_meanwhile(&now(|bill| bill.note = None)), none, "the same was said there");
        let both = now(|bill| (bill.name, bill.note) = ("Flat".to_owned(), Some("by hand".to_owned())));
        assert_eq!(mine.changed_meanwhile(&both), ["name", "note"]);
        assert_eq!(mine.changed_meanwhile(&now(|bill| bill.remind_days = vec![5, 1])), none, "as a bill keeps them");
        assert_eq!(mine.changed_meanwhile(&now(|bill| bill.remind_days = vec![7])), ["remind_days"]);
        let older = BillEdit { instead_of: None, ..mine };
        assert_eq!(
            older.changed_meanwhile(&both),
            none,
            "one that says not what it was made from counts as the last word"
        );
    }

    #[test]
    fn an_edit_of_a_mark_keeps_what_it_says_nothing_of() {
        let ten = Money::new(1_000, domain::money::Currency::USD).expect("in range");
        let [bill, one, two] = [1, 2, 3].map(uuid::Uuid::from_u128);
        let [one, two] = [one, two].map(|id| Seen { transaction: TransactionId::from_uuid(id), amount: ten });
        let blank = Mark::new(domain::ids::BillId::from_uuid(bill), Date::constant(2026, 12, 1));
        let paid = Mark { paid_elsewhere: Some(ten), seen: vec![one], ..blank.clone() };
        let edit = MarkEdit { amount: Some(Some(ten)), seen: vec![one, two], ..MarkEdit::default() };
        let text = serde_json::to_string(&edit).expect("writes");
        let edit: MarkEdit = serde_json::from_str(&text).expect("reads");
        let both = edit.applied_to(paid.clone());
        assert_eq!(both, Mark { amount: Some(ten), seen: vec![one, two], ..paid.clone() });
        assert_eq!(MarkEdit::taking_back(&both).applied_to(both.clone()), blank);
        let left = MarkEdit::taking_back(&paid).applied_to(both);
        assert_eq!(left, Mark { amount: Some(ten), seen: vec![two], ..blank }, "what came meanwhile stays");
    }

    #[test]
    fn undoing_an_edit_puts_back_what_stood_before_and_leaves_what_was_said_since() {
        let ten = Money::new(1_000, domain::money::Currency::USD).expect("in range");
        let [bill, line] = [1, 2].map(uuid::Uuid::from_u128);
        let seen = vec![Seen { transaction: TransactionId::from_uuid(line), amount: ten }];
        let blank = Mark::new(domain::ids::BillId::from_uuid(bill), Date::constant(2026, 12, 1));
        let before = Mark { amount: Some(ten), skipped: true, seen, ..blank };
        let paid = Mark { paid_elsewhere: Some(ten), skipped: false, ..before.clone() };
        let emptied = MarkEdit::taking_back(&before).applied_to(before.clone());
        for after in [paid.clone(), emptied] {
            let undo = MarkEdit::undoing(&before, &after);
            let text = serde_json::to_string(&undo).expect("writes");
            let undo: MarkEdit = serde_json::from_str(&text).expect("reads");
            assert_eq!(undo.clone().applied_to(after), before);
            assert_eq!(undo.clone().applied_to(before.clone()), before, "a second time changes nothing");
            assert!(undo.stands_in(&before));
        }
        let five = Money::new(500, domain::money::Currency::USD).expect("in range");
        let anew = Mark { paid_elsewhere: Some(five), ..paid.clone() };
        let undo = MarkEdit::undoing(&before, &paid);
        let left = undo.clone().applied_to(anew.clone());
        assert_eq!(left, Mark { skipped: true, ..anew }, "another word about the same field stays");
        assert!(!undo.stands_in(&left));
    }
}
