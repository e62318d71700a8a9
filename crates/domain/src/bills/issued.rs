//! The due date of a card of the server, which its last statement sets: as if it were a bill, under the card's own id.

use super::{Bill, PaymentOf};
use jiff::civil::Date;

use crate::accounts::Account;
use crate::days;
use crate::ids::BillId;
use crate::money::Money;
use crate::payments::PaymentState;
use crate::schedule::{Every, Schedule};

impl Bill {
    /// Days before a card's due date on which it is reminded.
    const OF_CARD_REMIND_DAYS: [u8; 2] = [3, 1];

    /// What a card of the server asks for on its due date: what is left of its minimum. `payments` are those that go to the
    /// card itself; what is on its way of them covers it, and what has settled is taken off already. Where nothing is asked
    /// for, it is what leaves for the card by itself, on the day it does or on the due date if that is later. None where
    /// there is neither.
    ///
    /// `has_bill`: a bill of the person stands for what the card asks for.
    #[must_use]
    pub fn of_card(card: &Account, payments: &[PaymentOf], has_bill: bool) -> Option<(Self, Vec<PaymentOf>)> {
        let served = card.card.as_ref()?;
        let payments = || payments.iter().filter(|payment| payment.amount.currency() == card.currency);
        let due_on = card.issuer.as_ref().and_then(|issuer| issuer.due_on);
        let asked = served.minimum_left.filter(|left| left.is_positive() && !has_bill);
        let (due_on, asked, covering) = match (asked, due_on) {
            (Some(asked), Some(due_on)) => (due_on, asked, payments().filter(comes).collect::<Vec<_>>()),
            _ => {
                let leaving: Vec<&PaymentOf> = payments().filter(leaves).collect();
                let first = leaving.iter().filter_map(|payment| payment.sends_on).min()?;
                let due_on = due_on.filter(|due_on| *due_on >= first).unwrap_or(first);
                (due_on, Money::zero(card.currency), leaving)
            }
        };
        let covering: Vec<PaymentOf> = covering.into_iter().map(|payment| PaymentOf { due_on, ..*payment }).collect();
        let on_its_way = Money::sum(card.currency, covering.iter().map(|payment| payment.amount)).ok()?;
        // All of what is on its way is what is due: nothing of it is left for the person to pay.
        let amount = if on_its_way.minor() > asked.minor() { on_its_way } else { asked };
        let in_time_until = served.statement_left.filter(|_| asked.is_positive()).and_then(|left| left.in_time_until);
        let bill = Self {
            remind_days: Self::OF_CARD_REMIND_DAYS.to_vec(),
            card: Some(card.id),
            grace_days: in_time_until.map_or(0, |until| grace_days(due_on, until)),
            ..Self::new(
                BillId::from_uuid(card.id.as_uuid()),
                card.label(),
                amount,
                Schedule::new(Every::Once, 1, due_on),
            )
        };
        Some((bill, covering))
    }

    /// It is no bill of the person's, but what the statement of a card of the server asks for.
    #[must_use]
    pub fn is_of_card(&self) -> bool {
        self.card.is_some_and(|card| card.as_uuid() == self.id.as_uuid())
    }
}

/// How long after its due date a payment is still in time.
fn grace_days(due_on: Date, until: Date) -> u8 {
    u8::try_from(days::number_of(until) - days::number_of(due_on)).unwrap_or(0).min(Bill::GRACE_DAYS_MAX)
}

/// On its way, or waiting on a device to be sent.
fn comes(payment: &&PaymentOf) -> bool {
    payment.state.is_none_or(|state| state.leaves_by_itself() || state.has_left())
}

/// It leaves by itself on a day that is known.
fn leaves(payment: &&PaymentOf) -> bool {
    payment.state.is_some_and(PaymentState::leaves_by_itself)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::accounts::{AccountKind, Keeping};
    use crate::bills::{OccurrenceState, occurrence};
    use crate::card::{Excess, Grace, IssuerFigures, StatementLeft};
    use crate::ids::{AccountId, PaymentId};
    use crate::money::Currency;
    use crate::purchases::{CardStatus, ServedCard};

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD).unwrap()
    }

    fn card(minimum_left: Option<i64>) -> Account {
        let served = ServedCard {
            status: CardStatus::Active,
            status_at: jiff::Timestamp::UNIX_EPOCH,
            limit: usd(500_000),
            rewards_at_checkout: false,
            merchants: Vec::new(),
            minimum_left: minimum_left.map(usd),
            asked: Vec::new(),
            statement_left: None,
        };
        Account {
            id: AccountId::from_uuid(uuid::Uuid::from_u128(7)),
            keeping: Keeping::Served,
            kind: AccountKind::Card,
            name: "Store card".to_owned(),
            mask: Some("4471".to_owned()),
            currency: Currency::USD,
            source: None,
            balance: None,
            available: None,
            balance_as_of: None,
            terms: None,
            issuer: Some(IssuerFigures {
                closed_on: date(2026, 11, 1),
                due_on: Some(date(2026, 11, 25)),
                statement_balance: None,
                minimum_due: None,
                credit_limit: None,
            }),
            plans: Vec::new(),
            excess: Excess::ByRate,
            card: Some(served),
            covered: Vec::new(),
        }
    }

    fn payment(id: u128, minor: i64, state: Option<PaymentState>, sends_on: Date) -> PaymentOf {
        let id = PaymentId::from_uuid(uuid::Uuid::from_u128(id));
        PaymentOf { id, due_on: Date::MIN, amount: usd(minor), state, sends_on: Some(sends_on) }
    }

    /// What is owed, what is left, and how it stands.
    fn stands(card: &Account, payments: &[PaymentOf]) -> Option<(Date, i64, i64, OccurrenceState)> {
        let (bill, covering) = Bill::of_card(card, payments, false)?;
        assert!(bill.is_of_card() && bill.check().is_ok(), "{bill:?}");
        let due_on = bill.schedule.starts_on;
        let one = occurrence(&bill, due_on, None, &covering, date(2026, 11, 20));
        Some((due_on, one.amount.minor(), one.left.minor(), one.state))
    }

    #[test]
    fn what_is_left_of_the_minimum_is_due_and_what_is_on_its_way_covers_it() {
        use OccurrenceState as S;
        let (due, sent) = (date(2026, 11, 25), date(2026, 11, 22));
        assert_eq!(stands(&card(Some(3_000)), &[]), Some((due, 3_000, 3_000, S::Due)));
        let part = [payment(1, 1_000, Some(PaymentState::Submitted), sent)];
        assert_eq!(stands(&card(Some(3_000)), &part), Some((due, 3_000, 2_000, S::PartlyPaid)));
        let more = [payment(1, 40_000, Some(PaymentState::Scheduled), sent)];
        assert_eq!(stands(&card(Some(3_000)), &more), Some((due, 40_000, 0, S::Scheduled)));
        let kept = [payment(1, 3_000, None, sent)];
        assert_eq!(stands(&card(Some(3_000)), &kept), Some((due, 3_000, 0, S::Scheduled)));
        // What has settled is taken off the minimum already; what came to nothing covers nothing.
        for state in
            [PaymentState::Settled, PaymentState::Final, PaymentState::Returned, PaymentState::AwaitingApproval]
        {
            let over = [payment(1, 1_000, Some(state), sent)];
            assert_eq!(stands(&card(Some(2_000)), &over), Some((due, 2_000, 2_000, S::Due)), "{state:?}");
        }
    }

    #[test]
    fn without_a_minimum_it_is_what_leaves_by_itself() {
        let leaves = [payment(1, 5_000, Some(PaymentState::Scheduled), date(2026, 11, 27))];
        let found = stands(&card(Some(0)), &leaves);
        assert_eq!(found, Some((date(2026, 11, 27), 5_000, 0, OccurrenceState::Scheduled)));
        assert_eq!(stands(&card(None), &[]), None);
        let left = [payment(1, 5_000, Some(PaymentState::Submitted), date(2026, 11, 19))];
        assert_eq!(stands(&card(Some(0)), &left), None);
        assert_eq!(stands(&Account { card: None, ..card(None) }, &leaves), None, "a linked one");
    }

    #[test]
    fn what_a_late_statement_asks_for_has_no_late_fee_until_its_time_is_over() {
        let mut late = card(Some(3_000));
        let left = StatementLeft {
            balance: usd(3_000),
            purchases: usd(3_000),
            in_full: usd(3_000),
            grace: Grace::Kept,
            in_time_until: Some(date(2026, 12, 2)),
        };
        late.card.as_mut().expect("served").statement_left = Some(left);
        for (card, until) in [(late, date(2026, 12, 2)), (card(Some(3_000)), date(2026, 11, 25))] {
            let (bill, covering) = Bill::of_card(&card, &[], false).expect("it is due");
            let due_on = bill.schedule.starts_on;
            let one = occurrence(&bill, due_on, None, &covering, date(2026, 11, 20));
            assert_eq!((one.falls_on, one.grace_until), (date(2026, 11, 25), until));
        }
    }

    #[test]
    fn a_bill_of_the_persons_stands_for_it() {
        assert_eq!(Bill::of_card(&card(Some(3_000)), &[], true), None);
    }
}
