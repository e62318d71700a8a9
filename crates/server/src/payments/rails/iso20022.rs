//! Credit transfers as ISO 20022 messages: each file is one pain.001 of orders that leave the operator's own account.
//! The bank says in pain.002 what it takes and refuses, and in camt.053 what it booked and what came back.

use domain::ids::BillerId;
use domain::money::Money;
use formats::iso20022::{Booking, Order, OrderState, Outgoing, Party, Received, read, write};

use super::files::{About, Format, Incoming, OF_STATUS, Record, What, Writing};
use super::settings::Iso20022Settings;
use crate::payments::rail::Unfit;

/// The most that one transfer carries, in minor units: nine digits before the point.
const AMOUNT_MINOR_MAX: i64 = 99_999_999_999;
/// Where a bank gives no reason.
const NO_REASON: &str = "NARR";

pub(super) struct Iso20022 {
    settings: Iso20022Settings,
}

impl Iso20022 {
    pub const fn new(settings: Iso20022Settings) -> Self {
        Self { settings }
    }

    fn payee(&self, biller: BillerId) -> Option<&Party> {
        self.settings.payees.get(&biller)
    }
}

impl Format for Iso20022 {
    fn name(&self) -> &'static str {
        "iso20022"
    }

    fn extension(&self) -> &'static str {
        "xml"
    }

    fn takes(&self, biller: BillerId, amount: Money) -> Result<(), Unfit> {
        let fits =
            amount.currency() == self.settings.files.currency && (1..=AMOUNT_MINOR_MAX).contains(&amount.minor());
        if !fits {
            return Err(Unfit::Amount);
        }
        self.payee(biller).map(drop).ok_or(Unfit::Payee)
    }

    fn trace(&self, key: &str, _: u32) -> String {
        key.to_owned()
    }

    fn write(&self, writing: &Writing<'_>) -> Result<Vec<u8>, String> {
        let mut orders = Vec::with_capacity(writing.orders.len());
        for order in writing.orders {
            let payee = self.payee(order.biller).ok_or("a payee of this file has no account in the file of rails")?;
            orders.push(Order {
                end_to_end: order.key.clone(),
                amount: order.amount,
                payee: payee.clone(),
                payer: order.payer_name.clone(),
                remittance: order.payer_reference.clone(),
            });
        }
        let message = Outgoing {
            message: writing.message.to_owned(),
            made_at: writing.made_at,
            sender: self.settings.debtor.name.clone(),
            debtor: self.settings.debtor.clone(),
            // Ordered for the bank's day of the file; it arrives on the day that the payment promises.
            execute_on: writing.leaves_on,
            service_level: self.settings.service_level.clone(),
            orders,
        };
        write(&message).map(String::into_bytes).map_err(|error| error.to_string())
    }

    fn read(&self, bytes: &[u8]) -> Result<Incoming, String> {
        let read = read(bytes).map_err(|error| error.to_string())?;
        let mut records = Vec::with_capacity(read.received.len());
        for received in read.received {
            records.push(match received {
                Received::Order { line, end_to_end, state, code } => {
                    let trace = format!("{OF_STATUS}{end_to_end}");
                    Record { line, about: About::Key(end_to_end), what: said(state, code), amount: None, trace }
                }
                Received::Message { line, message, state, code } => {
                    let trace = format!("{OF_STATUS}{message}");
                    Record { line, about: About::Message(message), what: said(state, code), amount: None, trace }
                }
                Received::Booked(booking) => booked(booking),
            });
        }
        Ok(Incoming { records, rejected: read.rejected })
    }

    fn tells_acceptance(&self) -> bool {
        true
    }
}

fn said(state: OrderState, code: Option<String>) -> What {
    match state {
        OrderState::Pending => What::Pending,
        OrderState::Accepted => What::Accepted,
        OrderState::Refused => What::Refused { code: code.unwrap_or_else(|| NO_REASON.to_owned()) },
    }
}

/// A movement on the account: out for an order it is settled, in for one it came back.
fn booked(booking: Booking) -> Record {
    let what = match (booking.is_credit, booking.is_return) {
        (false, false) => What::Settled,
        (true, true) => What::Returned { code: booking.code.unwrap_or_else(|| NO_REASON.to_owned()) },
        _ => What::Unasked,
    };
    let about = match (booking.end_to_end, booking.message) {
        _ if what == What::Unasked => About::Nothing,
        (Some(key), _) => About::Key(key),
        (None, Some(message)) => About::Message(message),
        (None, None) => About::Nothing,
    };
    let what = if about == About::Nothing { What::Unasked } else { what };
    Record { line: booking.line, about, what, amount: Some(booking.amount), trace: booking.reference }
}
