//! What has due dates of a holder, read at one moment: bills, and cards of this server whose statement asks for something.
//! For calendars and reminders by e-mail; devices work out the same by the same rules.

use std::collections::HashMap;

use api::payments::Payment;
use domain::accounts::Account;
use domain::bills::{Bill, Mark, Occurrence, PaymentOf, occurrences, open_day};
use domain::ids::{BillId, HolderId};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::billers;
use crate::db::{DbResult, Tx};
use crate::feed::{self, Kind};

/// A bill, or what a card asks for, with what is known of its dates.
pub(crate) struct Owed {
    pub bill: Bill,
    marks: Vec<Mark>,
    payments: Vec<PaymentOf>,
}

impl Owed {
    /// All of a holder's.
    pub async fn all(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<Self>> {
        let bills: Vec<Bill> = feed::all(tx, holder, Kind::Bill).await?;
        let mut marks: HashMap<BillId, Vec<Mark>> = HashMap::new();
        for mark in feed::all::<Mark>(tx, holder, Kind::Mark).await? {
            marks.entry(mark.bill).or_default().push(mark);
        }
        let (mut of_bills, mut of_cards) = (HashMap::<BillId, Vec<PaymentOf>>::new(), HashMap::new());
        for payment in feed::all::<Payment>(tx, holder, Kind::Payment).await? {
            let meant = means(&payment);
            match payment.order.bill {
                Some(bill) => of_bills.entry(bill).or_default().push(meant),
                None => of_cards.entry(payment.order.biller.as_uuid()).or_insert_with(Vec::new).push(meant),
            }
        }
        let mut all = Vec::with_capacity(bills.len());
        for card in feed::all::<Account>(tx, holder, Kind::Account).await? {
            let to_it = of_cards.remove(&card.id.as_uuid()).unwrap_or_default();
            let has_bill = bills.iter().any(|bill| bill.card == Some(card.id));
            let asked = Bill::of_card(&card, &to_it, has_bill);
            all.extend(asked.map(|(bill, payments)| Self { bill, marks: Vec::new(), payments }));
        }
        all.extend(bills.into_iter().map(|bill| Self {
            marks: marks.remove(&bill.id).unwrap_or_default(),
            payments: of_bills.remove(&bill.id).unwrap_or_default(),
            bill,
        }));
        Ok(all)
    }

    /// Its dates that fall from `from` to `to`, both included. Where nobody said whose clock counts, this server's does.
    pub fn dates(&self, from: Date, to: Date, now: Timestamp, home: &TimeZone) -> Vec<Occurrence> {
        let biller = self.bill.biller.and_then(billers::find);
        let named = biller.map(|biller| biller.zone.as_str()).or(self.bill.zone.as_deref());
        let zone = named.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| home.clone());
        let open = open_day(now, &zone, biller.and_then(|biller| biller.cutoff));
        occurrences(&self.bill, &self.marks, &self.payments, from, to, open)
    }
}

/// What a payment means for the due date it pays. One that names none pays a card.
fn means(payment: &Payment) -> PaymentOf {
    let order = &payment.order;
    PaymentOf {
        id: order.id,
        due_on: order.due_on.unwrap_or_default(),
        amount: order.amount,
        state: Some(payment.state),
        sends_on: Some(payment.will_process_on),
    }
}
