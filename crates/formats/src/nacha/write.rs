//! Writing a file: fields of fixed width, counts, hashes and sums.

use jiff::civil::Date;

use super::{
    AMOUNT_CENTS_MAX, BLOCK, Batch, Direction, ENTRIES_MAX, Entry, EntryClass, Outgoing, RECORD, SUM_CENTS_MAX, trace,
    transaction_code,
};
use crate::latin::spelt;

/// Why a file cannot be written. Nothing of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("a file has at least one batch, and a batch at least one entry")]
    Empty,
    #[error("a file has too many entries")]
    TooMany,
    #[error("the amount of an entry is zero or has more than ten digits")]
    Amount,
    #[error("the amounts of a file sum to more than twelve digits")]
    Sum,
    #[error("the entries of a batch are not in the order of their trace numbers")]
    Order,
    #[error("a CIE batch holds credits alone")]
    CreditsOnly,
    #[error("a file's modifier is a letter A to Z or a digit")]
    Modifier,
    #[error("a name or a description that the file must have is empty")]
    Nameless,
}

/// What is counted of entries.
#[derive(Clone, Copy, Default)]
struct Totals {
    /// Entries and their addenda.
    records: u64,
    /// The banks' numbers, added up.
    hash: u64,
    debit_cents: u64,
    credit_cents: u64,
}

impl Totals {
    fn add(&mut self, other: Self) -> Result<(), WriteError> {
        self.records += other.records;
        self.hash += other.hash;
        self.debit_cents += other.debit_cents;
        self.credit_cents += other.credit_cents;
        if self.debit_cents.max(self.credit_cents) > SUM_CENTS_MAX { Err(WriteError::Sum) } else { Ok(()) }
    }

    /// The last ten digits of the sum.
    const fn hash(&self) -> u64 {
        self.hash % 10_000_000_000
    }
}

/// Writes the file; lines end in a line feed.
pub fn write(file: &Outgoing) -> Result<String, WriteError> {
    if file.batches.is_empty() {
        return Err(WriteError::Empty);
    }
    if !file.modifier.is_ascii_uppercase() && !file.modifier.is_ascii_digit() {
        return Err(WriteError::Modifier);
    }
    if file.batches.iter().map(|batch| batch.entries.len()).sum::<usize>() > ENTRIES_MAX {
        return Err(WriteError::TooMany);
    }
    let mut out = String::new();
    record(
        &mut out,
        &[
            "101",
            &format!(" {}", file.bank),
            &text(&file.origin, 10, Align::Right),
            &file.made_at.strftime("%y%m%d%H%M").to_string(),
            &file.modifier.to_string(),
            "094101",
            &text(&file.bank_name, 23, Align::Left),
            &needed(&file.origin_name, 23)?,
            &text(&file.reference, 8, Align::Left),
        ],
    );
    let mut totals = Totals::default();
    for (batch, number) in file.batches.iter().zip(1_u32..) {
        totals.add(write_batch(&mut out, file, batch, number)?)?;
    }
    let lines = out.len() / (RECORD + 1) + 1;
    record(
        &mut out,
        &[
            "9",
            &format!("{:06}", file.batches.len()),
            &format!("{:06}", lines.div_ceil(BLOCK)),
            &format!("{:08}", totals.records),
            &format!("{:010}", totals.hash()),
            &format!("{:012}", totals.debit_cents),
            &format!("{:012}", totals.credit_cents),
            &" ".repeat(39),
        ],
    );
    for _ in lines..lines.next_multiple_of(BLOCK) {
        record(&mut out, &[&"9".repeat(RECORD)]);
    }
    Ok(out)
}

fn write_batch(out: &mut String, file: &Outgoing, batch: &Batch, number: u32) -> Result<Totals, WriteError> {
    if batch.entries.is_empty() {
        return Err(WriteError::Empty);
    }
    let has = |direction| batch.entries.iter().any(|entry| entry.direction == direction);
    let service = match (has(Direction::Credit), has(Direction::Debit)) {
        (true, true) => "200",
        (true, false) => "220",
        _ => "225",
    };
    if batch.class == EntryClass::Cie && service != "220" {
        return Err(WriteError::CreditsOnly);
    }
    let company_id = text(&batch.company_id, 10, Align::Left);
    let bank = file.bank.bank();
    record(
        out,
        &[
            "5",
            service,
            &needed(&batch.company_name, 16)?,
            &" ".repeat(20),
            &company_id,
            batch.class.code(),
            &needed(&batch.description, 10)?,
            &" ".repeat(6),
            &day(batch.effective_on),
            "   1",
            &bank,
            &format!("{number:07}"),
        ],
    );
    let mut totals = Totals::default();
    let mut before = None;
    for entry in &batch.entries {
        if before.is_some_and(|before| before >= entry.sequence) || entry.sequence > 9_999_999 {
            return Err(WriteError::Order);
        }
        before = Some(entry.sequence);
        totals.add(write_entry(out, file, batch, entry)?)?;
    }
    record(
        out,
        &[
            "8",
            service,
            &format!("{:06}", totals.records),
            &format!("{:010}", totals.hash()),
            &format!("{:012}", totals.debit_cents),
            &format!("{:012}", totals.credit_cents),
            &company_id,
            &" ".repeat(25),
            &bank,
            &format!("{number:07}"),
        ],
    );
    Ok(totals)
}

fn write_entry(out: &mut String, file: &Outgoing, batch: &Batch, entry: &Entry) -> Result<Totals, WriteError> {
    if entry.amount_cents == 0 || entry.amount_cents > AMOUNT_CENTS_MAX {
        return Err(WriteError::Amount);
    }
    let (first, second) = match batch.class {
        EntryClass::Cie => {
            let name = needed(&entry.name, 15).or_else(|_| needed(&batch.company_name, 15))?;
            (name, text(&entry.reference, 22, Align::Left))
        }
        _ => (text(&entry.reference, 15, Align::Left), needed(&entry.name, 22)?),
    };
    record(
        out,
        &[
            "6",
            transaction_code(entry.direction, entry.party.kind),
            &entry.party.routing.to_string(),
            &format!("{:<17}", entry.party.account.0),
            &format!("{:010}", entry.amount_cents),
            &first,
            &second,
            // A single payment; other classes leave it to the sender.
            if batch.class == EntryClass::Web { "S " } else { "  " },
            if entry.addendum.is_some() { "1" } else { "0" },
            &trace(file.bank, entry.sequence),
        ],
    );
    if let Some(addendum) = &entry.addendum {
        record(out, &["705", &text(addendum, 80, Align::Left), "0001", &format!("{:07}", entry.sequence)]);
    }
    let (debit_cents, credit_cents) = match entry.direction {
        Direction::Debit => (entry.amount_cents, 0),
        Direction::Credit => (0, entry.amount_cents),
    };
    let records = 1 + u64::from(entry.addendum.is_some());
    Ok(Totals { records, hash: entry.party.routing.bank_number(), debit_cents, credit_cents })
}

/// A line of its fields, which fill it exactly.
fn record(out: &mut String, fields: &[&str]) {
    let begins = out.len();
    fields.iter().for_each(|field| out.push_str(field));
    debug_assert_eq!(out.len() - begins, RECORD, "the fields of a record fill it");
    out.push('\n');
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || " .,/()&'-*#:;?!+=%@$".contains(c)
}

/// Text in the letters that the network carries, cut and filled to its width.
fn text(text: &str, width: usize, align: Align) -> String {
    let spelt = spelt(text, is_allowed, width);
    match align {
        Align::Left => format!("{spelt:<width$}"),
        Align::Right => format!("{spelt:>width$}"),
    }
}

fn needed(field: &str, width: usize) -> Result<String, WriteError> {
    let written = text(field, width, Align::Left);
    if written.trim().is_empty() { Err(WriteError::Nameless) } else { Ok(written) }
}

fn day(date: Date) -> String {
    date.strftime("%y%m%d").to_string()
}
