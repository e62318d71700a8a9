//! Any bytes: an answer without a panic, and never more than the file's own sums say.
#![no_main]

use formats::nacha::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(incoming) = read(bytes) else { return };
    assert!(incoming.received.len() + incoming.rejected.len() <= bytes.len());
});
