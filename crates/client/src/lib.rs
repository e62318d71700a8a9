//! The desktop core without a window. See `docs/ARCHITECTURE.md`.

pub mod accounts;
pub mod billers;
pub mod bills;
pub mod card;
pub mod home;
pub mod import;
pub mod payments;
pub mod reminders;
pub mod search;
pub mod settings;
pub mod sign_in;
pub mod statements;
pub mod status;
