//! Home: what needs the person, what is pending, what changed, and the next 30 days.

use domain::bills::OccurrenceState;
use domain::money::Money;
use jiff::civil::{Date, Weekday};
use serde::Serialize;

use crate::accounts::{TransactionQuery, TransactionView};
use crate::bills::{
    HolidayView, LATE_DAYS, OccurrenceView, RiseView, SOON_DAYS, is_kept, is_over, needs_person, owed_now, rises,
};
use crate::book::{Book, days_between, shifted, sums};
use crate::card::CardView;
use crate::client::Client;
use crate::error::ClientError;
use crate::orders::OrderView;
use crate::payments::{PaymentView, PaymentViewState};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct HomeView {
    #[specta(type = String)]
    pub today: Date,
    /// Late, or due within 7 days and nothing on its way; soonest first.
    pub needs_you: Vec<OccurrenceView>,
    /// What has to be paid yet of `needs_you`, one amount a currency.
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
    /// The newest orders, at most 3.
    pub orders: Vec<OrderView>,
    /// Newest first, at most 5.
    pub recent: Vec<TransactionView>,
    pub has_bills: bool,
    /// Bills that cost more than they did, and nothing explains it; newest first.
    pub rises: Vec<RiseView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct TimelineDay {
    #[specta(type = String)]
    pub on: Date,
    pub weekend: bool,
    /// The bank holidays on it, of the bills' own calendars.
    pub holidays: Vec<HolidayView>,
    pub items: Vec<OccurrenceView>,
}

const TIMELINE_DAYS: i32 = 30;
const CHANGED_DAYS: i64 = 7;
const CHANGED_MAX: usize = 10;
const RECENT_MAX: u16 = 5;

impl Client {
    /// What is due, what is pending, what changed.
    pub async fn home(&self) -> Result<HomeView, ClientError> {
        let book = self.bills().book().await?;
        let today = book.today;
        let last = shifted(today, TIMELINE_DAYS - 1);
        let mut open = book.between(shifted(today, -LATE_DAYS), last);
        open.retain(|view| !is_over(view.state));
        let needs_you: Vec<OccurrenceView> = open.iter().filter(|view| needs_person(view)).cloned().collect();
        let on_their_way: Vec<&OccurrenceView> =
            open.iter().filter(|view| view.days <= SOON_DAYS && travels(view)).collect();
        let payments = self.payments().list().await?;
        let recent = TransactionQuery { limit: Some(RECENT_MAX), ..TransactionQuery::default() };
        Ok(HomeView {
            today,
            needs_you_total: sums(needs_you.iter().map(owed_now)),
            needs_you_by: shifted(today, SOON_DAYS),
            on_their_way: u32::try_from(on_their_way.len()).unwrap_or(u32::MAX),
            on_their_way_total: sums(on_their_way.iter().map(|view| covered(view))),
            pending: payments.iter().filter(|payment| is_pending(payment.state)).cloned().collect(),
            changed: self.changed_lately(&payments),
            timeline_total: sums(open.iter().map(|view| view.amount)),
            timeline_count: u32::try_from(open.len()).unwrap_or(u32::MAX),
            timeline: timeline(&book, open),
            cards: self.cards().await?,
            orders: self.latest_orders().await?,
            recent: self.accounts().transactions(recent).await?.items,
            has_bills: !book.bills.is_empty(),
            rises: rises(&book),
            needs_you,
        })
    }

    fn changed_lately(&self, payments: &[PaymentView]) -> Vec<PaymentView> {
        let since = self.now().as_second() - CHANGED_DAYS * 86_400;
        let changed_at = |payment: &PaymentView| {
            let step = payment.history.last().map_or(payment.made_at, |step| step.at);
            step.as_second()
        };
        let mut changed: Vec<PaymentView> = payments
            .iter()
            // What waits for another yes is said however old it is.
            .filter(|payment| payment.again.is_some() || has_ended(payment.state) && changed_at(payment) >= since)
            .cloned()
            .collect();
        changed.sort_by_key(|payment| std::cmp::Reverse((payment.again.is_some(), changed_at(payment))));
        changed.truncate(CHANGED_MAX);
        changed
    }
}

fn travels(view: &OccurrenceView) -> bool {
    matches!(view.state, OccurrenceState::Scheduled | OccurrenceState::Pending) && !is_kept(view)
}

/// What payments on their way cover.
fn covered(view: &OccurrenceView) -> Money {
    view.amount.minus(view.left).unwrap_or(view.amount)
}

const fn is_pending(state: PaymentViewState) -> bool {
    use PaymentViewState as S;
    match state {
        S::NotSent | S::AwaitingApproval | S::Scheduled | S::Held | S::Insufficient => true,
        S::Reserved | S::Submitting | S::Unknown | S::Submitted => true,
        S::Refused | S::Settled | S::Final | S::Returned | S::Rejected | S::Failed | S::Cancelled | S::Expired => false,
    }
}

const fn has_ended(state: PaymentViewState) -> bool {
    use PaymentViewState as S;
    matches!(state, S::Settled | S::Final | S::Returned | S::Rejected | S::Failed | S::Refused | S::Expired)
}

fn timeline(book: &Book, open: Vec<OccurrenceView>) -> Vec<TimelineDay> {
    let mut days: Vec<TimelineDay> = (0..TIMELINE_DAYS)
        .map(|ahead| {
            let on = shifted(book.today, ahead);
            TimelineDay {
                on,
                weekend: matches!(on.weekday(), Weekday::Saturday | Weekday::Sunday),
                holidays: book.holidays(on, on),
                items: Vec::new(),
            }
        })
        .collect();
    for view in open {
        let at = usize::try_from(days_between(book.today, view.falls_on)).unwrap_or(0);
        if let Some(day) = days.get_mut(at) {
            day.items.push(view);
        }
    }
    days
}
