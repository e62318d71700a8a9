//! Any bytes: an answer without a panic, and no movement below zero.
#![no_main]

use formats::iso20022::{Received, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(incoming) = read(bytes) else { return };
    for received in incoming.received {
        if let Received::Booked(booking) = received {
            assert!(!booking.amount.is_negative());
        }
    }
});
