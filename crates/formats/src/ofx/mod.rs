//! OFX and QFX: 1.x (SGML, values without end tags) and 2.x (XML), and what banks really write: an XML header over
//! unclosed tags, no header, no blank line, a charset that is not the declared one, empty tags, commas in amounts.
//! Sources: OFX 1.0.3 and 2.3 specifications, chapters 2 (structure), 3 (common elements), 11 (statements).
//!
//! One pass over the bytes and no tree: nesting costs nothing, so depth needs no limit.

mod elements;
mod fields;
mod header;
mod line;
mod scan;
mod statement;
#[cfg(test)]
mod tests;
mod write;

use crate::records::{ImportedFile, ReadError, ReadOptions};
use header::Header;
use scan::Scanner;
use statement::Reading;

pub use header::looks_like;
pub use write::{Dialect, write};

pub const BYTES_MAX: usize = 256 << 20;
pub const TRANSACTIONS_MAX: usize = 2_000_000;
/// A text field longer than this is cut; the specification's longest is 255.
pub const TEXT_MAX: usize = 1_000;
/// Statements of one file; each is an account and a period.
pub const STATEMENTS_MAX: usize = 10_000;
/// Rejected lines that a report names; more are counted in a warning.
pub const REJECTED_MAX: usize = 1_000;
/// Warnings that a report gives.
pub const WARNINGS_MAX: usize = 100;

pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<ImportedFile, ReadError> {
    if bytes.len() > BYTES_MAX {
        return Err(ReadError::TooLarge { limit_mib: (BYTES_MAX >> 20) as u32 });
    }
    if !looks_like(bytes) {
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        return Err(if blank { ReadError::Empty } else { ReadError::UnknownFormat });
    }
    let header = Header::of(bytes);
    let text = header.decode(bytes);
    let mut reading = Reading::new(*options);
    let mut scanner = Scanner::new(&text);
    while let Some(tag) = scanner.next() {
        reading.take(tag, &mut scanner)?;
    }
    reading.finish(scanner.line_of(text.len()), header.label())
}
