//! Home: what needs the person, what is pending, what changed, and the next 30 days.

use domain::money::Money;
use jiff::civil::Date;
use serde::Serialize;

use crate::accounts::TransactionView;
use crate::bills::OccurrenceView;
use crate::card::CardView;
use crate::payments::PaymentView;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct HomeView {
    #[specta(type = String)]
    pub today: Date,
    /// Late, or due within 7 days and nothing on its way; soonest first.
    pub needs_you: Vec<OccurrenceView>,
    /// The sum of what is left of `needs_you`, one amount a currency.
    pub needs_you_total: Vec<Money>,
    #[specta(type = String)]
    pub needs_you_by: Date,
    /// Due within the same days, with a payment on its way.
    pub on_their_way: u32,
    pub on_their_way_total: Vec<Money>,
    /// Payments that left and have not settled, or wait here to be sent; newest first.
    pub pending: Vec<PaymentView>,
    /// Settled, returned or refused in the last 7 days; newest first, at most 10.
    pub changed: Vec<PaymentView>,
    /// From today, 30 days; late ones stand on the first day.
    pub timeline: Vec<TimelineDay>,
    pub timeline_total: Vec<Money>,
    pub timeline_count: u32,
    pub cards: Vec<CardView>,
    /// Newest first, at most 5.
    pub recent: Vec<TransactionView>,
    pub has_bills: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct TimelineDay {
    #[specta(type = String)]
    pub on: Date,
    pub weekend: bool,
    /// The name of the bank holiday, if it is one.
    pub holiday: Option<String>,
    pub items: Vec<OccurrenceView>,
}
