//! Pure rules of Billfold: money, dates, cards, bills, payments, reminders.
//! Nothing here reads a clock, a file, a random number or the network: time and chance come in as arguments.

pub mod accounts;
pub mod addresses;
pub mod autopay;
pub mod billers;
pub mod bills;
pub mod calendar;
pub mod calendar_feed;
pub mod card;
mod days;
pub mod disputes;
pub mod ids;
pub mod ledger;
pub mod methods;
pub mod money;
pub mod orders;
pub mod paydays;
pub mod payments;
pub mod plan;
pub mod policy;
pub mod purchases;
pub mod rails;
pub mod readiness;
pub mod recovery;
pub mod reminders;
pub mod rewards;
pub mod risk;
pub mod schedule;
pub mod security;
pub mod standing;
pub mod statements;
pub mod suggestions;
pub mod support;
pub mod time;
pub mod wallet;
pub mod ways_in;
