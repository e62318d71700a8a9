//! The desktop core without a window. See `docs/ARCHITECTURE.md`.
//!
//! [`Client`] is the one way in. It owns a data folder: one process at a time, which the shell sees to.

pub mod accounts;
pub mod addresses;
mod archive;
pub mod autopay;
pub mod billers;
pub mod bills;
mod book;
mod cache;
pub mod calendar_feed;
pub mod card;
mod client;
pub mod cover;
#[cfg(test)]
mod damage_tests;
pub mod email_reminders;
mod error;
pub mod export;
mod fold;
pub mod folder;
pub mod home;
mod http;
pub mod import;
#[cfg(test)]
mod kept_tests;
mod lease;
pub mod lock;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod memory_tests;
pub mod methods;
pub mod orders;
mod outbox;
mod own;
pub mod pages;
pub mod past_imports;
pub mod paydays;
pub mod payments;
pub mod plan;
pub mod platform;
pub mod readiness;
mod records;
pub mod recovery;
pub mod refusals;
pub mod reminders;
pub mod restore;
pub mod rewards;
pub mod risk;
mod seal;
pub mod search;
pub mod security;
#[cfg(test)]
mod server_tests;
pub mod settings;
pub mod sign_in;
pub mod statements;
pub mod status;
pub mod suggestions;
pub mod support;
pub mod sync;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tray;
mod unanswered;
pub mod vault;
pub mod wallet;

pub use client::{Changed, Client, OpenOutcome};
pub use error::{CODES, Class, ClientError};

/// As in the program itself: what is given back is wiped.
#[cfg(test)]
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);
