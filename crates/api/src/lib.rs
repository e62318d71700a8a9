//! The wire contract between client and server: data only, no behaviour beyond shape.
//! Paths are under the account server's origin. Field names are snake_case; unknown fields are ignored by readers.
//! A change here changes `docs/API.md` and the snapshots under `tests/`.

pub mod accounts;
pub mod addresses;
pub mod autopay;
pub mod billers;
pub mod bills;
pub mod calendar_feed;
pub mod card;
pub mod devices;
pub mod disputes;
pub mod error;
pub mod import;
pub mod methods;
pub mod orders;
pub mod paydays;
pub mod payments;
pub mod purchases;
pub mod readiness;
pub mod recovery;
pub mod reminders;
pub mod restore;
pub mod rewards;
pub mod risk;
pub mod security;
pub mod sign_in;
pub mod statements;
pub mod suggestions;
pub mod support;
pub mod sync;
pub mod wallet;

/// Sent by a client in `Billfold-Protocol`; a server refuses what it no longer speaks with 426.
pub const PROTOCOL: u32 = 1;
