//! Any bytes: an answer without a panic, and what was read can be written and read again.
#![no_main]

use formats::ofx::{Dialect, read, write};
use formats::{ReadOptions, read_any};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions::default();
    let Ok(file) = read_any(bytes, &options) else { return };
    let made_at = noon();
    for dialect in [Dialect::Sgml, Dialect::Xml] {
        let written = write(&file.statements, dialect, made_at);
        let again = read(&written, &options).expect("our own file reads");
        assert!(again.rejected.is_empty(), "our own lines are all taken");
    }
});

fn noon() -> jiff::civil::DateTime {
    jiff::civil::date(2026, 11, 20).at(12, 0, 0, 0)
}
