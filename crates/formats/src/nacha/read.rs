//! Reading a file: what a bank sends back. Counts, hashes and sums are held against what is there; a record that does
//! not read is refused by its line and all others are taken, but a batch whose own sums are wrong is refused whole.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::{BLOCK, Direction, ENTRIES_MAX, RECORD};
use crate::Rejected;

/// Larger files are not read.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why a whole file is refused. Each message says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NachaError {
    #[error("the file is empty; fetch it again")]
    Empty,
    #[error("this is no ACH file: its first record is no file header")]
    NotNacha,
    #[error("the file is larger than {} MiB; ask the bank for smaller files", BYTES_MAX / 1024 / 1024)]
    TooLarge,
    #[error("the file holds more than {ENTRIES_MAX} entries; ask the bank for smaller files")]
    TooMany,
    #[error("the file ends before its control record; fetch it again")]
    Truncated,
    #[error("line {line}: the file's control record does not fit what is in the file; fetch it again")]
    Control { line: u32 },
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub made_on: Date,
    /// In the order of the file.
    pub received: Vec<Received>,
    /// Records that could not be taken, each named by its line.
    pub rejected: Vec<Rejected>,
}

/// One entry with what its addendum says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// An entry of ours came back.
    Returned {
        entry: ReceivedEntry,
        /// "R01" and so on.
        code: String,
        /// The trace number of the entry that it answers.
        original: String,
    },
    /// The account that an entry went to has other details now; the money arrived. The details stand in the file alone.
    Changed {
        entry: ReceivedEntry,
        /// "C01" and so on.
        code: String,
        original: String,
    },
    /// Neither: an entry to an account of ours.
    Entry(ReceivedEntry),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedEntry {
    /// Counted from 1.
    pub line: u32,
    /// The standard entry class of its batch.
    pub class: String,
    /// Of the entry that it answers, where it answers one.
    pub direction: Direction,
    pub amount_cents: u64,
    /// Its own: the returning bank's.
    pub trace: String,
}

impl Received {
    #[must_use]
    pub const fn entry(&self) -> &ReceivedEntry {
        match self {
            Self::Returned { entry, .. } | Self::Changed { entry, .. } | Self::Entry(entry) => entry,
        }
    }
}

/// Reads a file of any sender.
pub fn read(bytes: &[u8]) -> Result<Incoming, NachaError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(NachaError::Empty);
    }
    if bytes.len() > BYTES_MAX {
        return Err(NachaError::TooLarge);
    }
    let mut reader = Reader::default();
    let mut made_on = None;
    let mut is_over = false;
    for (line, bytes) in lines(bytes) {
        reader.lines += 1;
        let Some(record) = Record::of(bytes, line) else {
            if made_on.is_none() {
                return Err(NachaError::NotNacha);
            }
            reader.reject(line, "a record of 94 letters and digits was expected");
            continue;
        };
        if made_on.is_none() {
            if record.text(1..=1) != "1" || record.text(35..=37) != "094" {
                return Err(NachaError::NotNacha);
            }
            made_on = Some(record.day(24..=29).ok_or(NachaError::NotNacha)?);
            continue;
        }
        if is_over {
            // What fills the last block.
            if record.text(1..=94).bytes().any(|byte| byte != b'9') {
                reader.reject(line, "a record after the file's control record");
            }
            continue;
        }
        if record.text(1..=1) == "9" {
            reader.close_batch();
            reader.check_file(&record)?;
            is_over = true;
            continue;
        }
        reader.take(&record)?;
    }
    let made_on = made_on.ok_or(NachaError::NotNacha)?;
    if !is_over {
        return Err(NachaError::Truncated);
    }
    reader.rejected.sort_by_key(|rejected| rejected.line);
    Ok(Incoming { made_on, received: reader.received, rejected: reader.rejected })
}

/// The records, each with its number: lines, or a stream of 94 characters each.
fn lines(bytes: &[u8]) -> Box<dyn Iterator<Item = (u32, &[u8])> + '_> {
    if bytes.contains(&b'\n') {
        let trimmed = |line: &[u8]| line.len() - usize::from(line.last() == Some(&b'\r'));
        let lines = bytes.split(|byte| *byte == b'\n').map(move |line| &line[..trimmed(line)]);
        return Box::new((1..).zip(lines).filter(|(_, line)| !line.is_empty()));
    }
    Box::new((1..).zip(bytes.chunks(RECORD)))
}

/// A record whose characters are where they belong; positions are counted from 1, as in the rules.
struct Record<'a> {
    line: u32,
    /// Up to 94; a bank may leave out the spaces at its end.
    text: &'a str,
}

impl<'a> Record<'a> {
    fn of(bytes: &'a [u8], line: u32) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let good = text.len() <= RECORD && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        (good && !text.is_empty()).then_some(Self { line, text })
    }

    fn text(&self, at: std::ops::RangeInclusive<usize>) -> &'a str {
        let end = (*at.end()).min(self.text.len());
        self.text.get(at.start() - 1..end).unwrap_or_default()
    }

    /// Digits alone, and all of them.
    fn number(&self, at: std::ops::RangeInclusive<usize>) -> Option<u64> {
        let width = at.end() + 1 - at.start();
        let text = self.text(at);
        (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    }

    fn day(&self, at: std::ops::RangeInclusive<usize>) -> Option<Date> {
        let number = self.number(at)?;
        let part = |by: u64| i8::try_from(number / by % 100).ok();
        let year = i16::try_from(number / 10_000).ok()?.checked_add(2_000)?;
        let (month, day) = (part(100)?, part(1)?);
        let in_month =
            (1..=12).contains(&month) && (1..=date(year, month.clamp(1, 12), 1).days_in_month()).contains(&day);
        in_month.then(|| date(year, month, day))
    }
}

/// What was counted within a batch, or a file.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Counted {
    records: u64,
    hash: u64,
    debit_cents: u64,
    credit_cents: u64,
}

impl Counted {
    fn of(record: &Record<'_>, records: std::ops::RangeInclusive<usize>, sums_at: usize) -> Option<Self> {
        let field = |from: usize, width: usize| record.number(from..=from + width - 1);
        Some(Self {
            records: record.number(records)?,
            hash: field(sums_at, 10)?,
            debit_cents: field(sums_at + 10, 12)?,
            credit_cents: field(sums_at + 22, 12)?,
        })
    }

    fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.hash = self.hash.saturating_add(other.hash) % 10_000_000_000;
        self.debit_cents = self.debit_cents.saturating_add(other.debit_cents);
        self.credit_cents = self.credit_cents.saturating_add(other.credit_cents);
    }
}

struct Open {
    class: String,
    counted: Counted,
    /// Where in the lists its entries, and what was refused of them, begin.
    from: usize,
    rejected_from: usize,
    /// The lines of all its entries: those that go when its sums are wrong.
    lines: Vec<u32>,
    waiting: Option<Waiting>,
}

/// An entry whose addendum is expected next.
struct Waiting {
    entry: ReceivedEntry,
    /// A return or a change, by its transaction code.
    answers: bool,
}

#[derive(Default)]
struct Reader {
    /// Records so far, whatever they are.
    lines: usize,
    batch: Option<Open>,
    batches: u64,
    /// What the batches say of themselves.
    said: Counted,
    records: u64,
    received: Vec<Received>,
    rejected: Vec<Rejected>,
}

impl Reader {
    fn reject(&mut self, line: u32, reason: &str) {
        self.rejected.push(Rejected { line, reason: reason.to_owned() });
    }

    fn take(&mut self, record: &Record<'_>) -> Result<(), NachaError> {
        match record.text(1..=1) {
            "5" => {
                self.close_batch();
                self.batches += 1;
                let class = record.text(51..=53).to_owned();
                self.batch = Some(Open {
                    class,
                    counted: Counted::default(),
                    from: self.received.len(),
                    rejected_from: self.rejected.len(),
                    lines: Vec::new(),
                    waiting: None,
                });
            }
            "6" => self.take_entry(record)?,
            "7" => self.take_addendum(record),
            "8" => self.check_batch(record),
            _ => self.reject(record.line, "a record of no known type"),
        }
        Ok(())
    }

    fn take_entry(&mut self, record: &Record<'_>) -> Result<(), NachaError> {
        self.records += 1;
        if self.records > u64::try_from(ENTRIES_MAX).unwrap_or(u64::MAX) {
            return Err(NachaError::TooMany);
        }
        self.end_waiting();
        let Some(batch) = &mut self.batch else {
            self.reject(record.line, "an entry outside a batch");
            return Ok(());
        };
        batch.lines.push(record.line);
        batch.counted.records += 1;
        let kind = record.text(2..=3);
        // The second digit tells: 1 answers a credit and 6 a debit; 2 and 7 are such entries themselves.
        let (direction, answers) = match kind.as_bytes() {
            [b'2' | b'3' | b'4' | b'5', b'1'] => (Direction::Credit, true),
            [b'2' | b'3' | b'4' | b'5', b'6'] => (Direction::Debit, true),
            [b'2' | b'3' | b'4' | b'5', b'2' | b'3' | b'4'] => (Direction::Credit, false),
            [b'2' | b'3' | b'4' | b'5', b'7' | b'8' | b'9'] => (Direction::Debit, false),
            _ => {
                self.reject(record.line, "an entry with no known transaction code");
                return Ok(());
            }
        };
        let fields = (record.number(4..=11), record.number(30..=39), record.number(80..=94));
        let (Some(bank), Some(amount_cents), Some(_)) = fields else {
            self.reject(record.line, "an entry whose bank, amount or trace number is not made of digits");
            return Ok(());
        };
        let (debit_cents, credit_cents) = match direction {
            Direction::Debit => (amount_cents, 0),
            Direction::Credit => (0, amount_cents),
        };
        batch.counted.add(Counted { records: 0, hash: bank, debit_cents, credit_cents });
        let trace = record.text(80..=94).to_owned();
        let entry = ReceivedEntry { line: record.line, class: batch.class.clone(), direction, amount_cents, trace };
        if record.text(79..=79) == "1" {
            batch.waiting = Some(Waiting { entry, answers });
        } else if answers {
            self.reject(record.line, "a return or a change without the addendum that says why");
        } else {
            self.received.push(Received::Entry(entry));
        }
        Ok(())
    }

    fn take_addendum(&mut self, record: &Record<'_>) {
        let Some(batch) = &mut self.batch else {
            return self.reject(record.line, "an addendum outside a batch");
        };
        batch.lines.push(record.line);
        batch.counted.records += 1;
        let kind = record.text(2..=3);
        let Some(waiting) = batch.waiting.take() else {
            // A payment may have several of the plain kind; what they say is not needed here.
            if kind != "05" {
                self.reject(record.line, "an addendum without its entry");
            }
            return;
        };
        if kind != "98" && kind != "99" {
            if waiting.answers {
                self.reject(record.line, "a return or a change whose addendum does not say why");
            } else {
                self.received.push(Received::Entry(waiting.entry));
            }
            return;
        }
        let code = record.text(4..=6).to_owned();
        let original = record.text(7..=21).to_owned();
        let letter = if kind == "99" { b'R' } else { b'C' };
        let reads = code.len() == 3
            && code.as_bytes()[0] == letter
            && code.bytes().skip(1).all(|byte| byte.is_ascii_digit())
            && record.number(7..=21).is_some();
        if !reads {
            return self.reject(record.line, "an addendum whose code or original trace number does not read");
        }
        let entry = waiting.entry;
        self.received.push(match kind {
            "99" => Received::Returned { entry, code, original },
            _ => Received::Changed { entry, code, original },
        });
    }

    /// The entry before had announced an addendum that did not come.
    fn end_waiting(&mut self) {
        let waiting = self.batch.as_mut().and_then(|batch| batch.waiting.take());
        if let Some(waiting) = waiting {
            self.reject(waiting.entry.line, "the addendum that this entry announces is missing");
        }
    }

    fn check_batch(&mut self, record: &Record<'_>) {
        self.end_waiting();
        let Some(batch) = self.batch.take() else {
            return self.reject(record.line, "a batch's control record without its batch");
        };
        let said = Counted::of(record, 5..=10, 11);
        if let Some(said) = said {
            self.said.add(said);
        }
        if said != Some(batch.counted) {
            self.refuse(&batch, "this batch's control record does not fit what is in it");
        }
    }

    /// A batch that another one, or the file's end, cuts off.
    fn close_batch(&mut self) {
        self.end_waiting();
        if let Some(batch) = self.batch.take() {
            self.refuse(&batch, "this batch has no control record");
        }
    }

    fn refuse(&mut self, batch: &Open, reason: &str) {
        self.received.truncate(batch.from);
        let known: BTreeSet<u32> = self.rejected[batch.rejected_from..].iter().map(|rejected| rejected.line).collect();
        for line in batch.lines.iter().filter(|line| !known.contains(line)) {
            self.reject(*line, reason);
        }
    }

    fn check_file(&self, record: &Record<'_>) -> Result<(), NachaError> {
        let wrong = NachaError::Control { line: record.line };
        let said = Counted::of(record, 14..=21, 22).ok_or(wrong)?;
        let blocks = self.lines.div_ceil(BLOCK);
        let blocks_fit = record.number(8..=13) == u64::try_from(blocks).ok();
        if record.number(2..=7) != Some(self.batches) || !blocks_fit || said != self.said {
            return Err(wrong);
        }
        Ok(())
    }
}
