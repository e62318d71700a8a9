//! Other people's formats: bytes in, records out. Pure. Every reader has named limits, and never panics on any input.

pub mod csv;
pub mod icalendar;
pub mod iso20022;
pub mod journal;
mod latin;
pub mod nacha;
pub mod ofx;
pub mod records;
pub mod rrule;

pub use records::{
    ImportedAccount, ImportedFile, ImportedStatement, ImportedTransaction, ReadError, ReadOptions, Rejected,
};

/// One format that can be read. Adding one means a file of its own and a line in [`FORMATS`].
struct Format {
    /// Whether the bytes look like it, judged by their beginning.
    looks_like: fn(&[u8]) -> bool,
    read: fn(&[u8], &ReadOptions) -> Result<ImportedFile, ReadError>,
}

const FORMATS: &[Format] = &[Format { looks_like: ofx::looks_like, read: ofx::read }];

/// Reads a file of any format in the list, told by its content and never by its name.
pub fn read_any(bytes: &[u8], options: &ReadOptions) -> Result<ImportedFile, ReadError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::Empty);
    }
    let format = FORMATS.iter().find(|format| (format.looks_like)(bytes)).ok_or(ReadError::UnknownFormat)?;
    (format.read)(bytes, options)
}
