//! The ACH network: each file is one batch of CIE credits, bill payments that consumers ordered themselves, and one
//! entry that takes their sum from the operator's own account. Returns and notifications of change come back.

use domain::ids::BillerId;
use domain::money::Money;
use formats::nacha::{
    AMOUNT_CENTS_MAX, Batch, Direction, Entry, EntryClass, Outgoing, Party, Received, read, trace, write,
};

use super::files::{About, Format, Incoming, Record, What, Writing};
use super::settings::NachaSettings;
use crate::payments::rail::Unfit;

/// What stands on the receiver's statement.
const DESCRIPTION: &str = "BILL PMT";
const BALANCING: &str = "BILL PMTS";

pub(super) struct Nacha {
    settings: NachaSettings,
}

impl Nacha {
    pub const fn new(settings: NachaSettings) -> Self {
        Self { settings }
    }

    fn payee(&self, biller: BillerId) -> Option<&Party> {
        self.settings.payees.get(&biller)
    }

    fn batch(&self, writing: &Writing<'_>, class: EntryClass, description: &str, entries: Vec<Entry>) -> Batch {
        Batch {
            class,
            company_name: self.settings.company_name.clone(),
            company_id: self.settings.company_id.clone(),
            description: description.to_owned(),
            effective_on: writing.effective_on,
            entries,
        }
    }
}

fn cents(amount: Money) -> Option<u64> {
    u64::try_from(amount.minor()).ok().filter(|cents| (1..=AMOUNT_CENTS_MAX).contains(cents))
}

impl Format for Nacha {
    fn name(&self) -> &'static str {
        "nacha"
    }

    fn extension(&self) -> &'static str {
        "ach"
    }

    fn takes(&self, biller: BillerId, amount: Money) -> Result<(), Unfit> {
        if amount.currency() != self.settings.files.currency || cents(amount).is_none() {
            return Err(Unfit::Amount);
        }
        self.payee(biller).map(drop).ok_or(Unfit::Payee)
    }

    fn trace(&self, _: &str, sequence: u32) -> String {
        trace(self.settings.bank, sequence)
    }

    fn write(&self, writing: &Writing<'_>) -> Result<Vec<u8>, String> {
        let mut entries = Vec::with_capacity(writing.orders.len());
        let mut sum = 0_u64;
        for order in writing.orders {
            let party = self.payee(order.biller).ok_or("a payee of this file has no account in the file of rails")?;
            let amount_cents = cents(order.amount).ok_or("an amount that no entry can hold")?;
            sum = sum.checked_add(amount_cents).ok_or("the amounts do not sum")?;
            entries.push(Entry {
                direction: Direction::Credit,
                party: party.clone(),
                amount_cents,
                reference: order.payer_reference.clone().unwrap_or_default(),
                name: order.payer_name.clone(),
                sequence: order.sequence.ok_or("an order without its place")?,
                addendum: None,
            });
        }
        let mut sequence = writing.next_sequence;
        let mut balancing = Vec::new();
        // The sum may be more than one entry can hold.
        while sum > 0 {
            let amount_cents = sum.min(AMOUNT_CENTS_MAX);
            balancing.push(Entry {
                direction: Direction::Debit,
                party: self.settings.settlement.clone(),
                amount_cents,
                reference: writing.message.to_owned(),
                name: self.settings.company_name.clone(),
                sequence,
                addendum: None,
            });
            sum -= amount_cents;
            sequence += 1;
        }
        let file = Outgoing {
            bank: self.settings.bank,
            bank_name: self.settings.bank_name.clone(),
            origin: self.settings.origin.clone(),
            origin_name: self.settings.company_name.clone(),
            made_at: writing.made_at,
            modifier: writing.modifier,
            reference: format!("{:08}", writing.number % 100_000_000),
            batches: vec![
                self.batch(writing, EntryClass::Cie, DESCRIPTION, entries),
                self.batch(writing, EntryClass::Ccd, BALANCING, balancing),
            ],
        };
        write(&file).map(String::into_bytes).map_err(|error| error.to_string())
    }

    fn read(&self, bytes: &[u8]) -> Result<Incoming, String> {
        let read = read(bytes).map_err(|error| error.to_string())?;
        let currency = self.settings.files.currency;
        let mut incoming = Incoming { records: Vec::with_capacity(read.received.len()), rejected: read.rejected };
        for received in read.received {
            let entry = received.entry();
            let amount = i64::try_from(entry.amount_cents).ok().and_then(|cents| Money::new(cents, currency).ok());
            let (line, trace) = (entry.line, entry.trace.clone());
            let (about, what) = match received {
                Received::Returned { code, original, .. } => (About::Trace(original), What::Returned { code }),
                Received::Changed { code, original, .. } => (About::Trace(original), What::Changed { code }),
                Received::Entry(_) => (About::Nothing, What::Unasked),
            };
            incoming.records.push(Record { line, about, what, amount, trace });
        }
        Ok(incoming)
    }

    fn tells_acceptance(&self) -> bool {
        false
    }
}
