//! Payment states and the only legal ways between them (SECURITY decisions, payment states).

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::bills::{Bill, text_fits};
use crate::calendar::Calendar;
use crate::days;
use crate::ids::{AccountId, BillId, BillerId, MethodId, PaymentId};
use crate::money::Money;

/// What the person ordered. The id was made and stored by the client before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PaymentOrder {
    pub id: PaymentId,
    /// Who is paid: a biller of the directory, or a card that the same server issues, by its account's id.
    pub biller: BillerId,
    pub reference: Option<String>,
    /// Above zero.
    pub amount: Money,
    /// The occurrence that this pays, if any.
    pub bill: Option<BillId>,
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub due_on: Option<Date>,
    /// The day it should leave; absent: as soon as possible.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub send_on: Option<Date>,
    /// Same payee, amount and day under another id is meant (answers `possible_duplicate`).
    #[serde(default)]
    pub duplicate_meant: bool,
    /// What it is drawn from; absent: the balance that this server keeps.
    #[serde(default)]
    pub method: Option<MethodId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum PaymentState {
    AwaitingApproval,
    Scheduled,
    Held,
    Insufficient,
    Reserved,
    Submitting,
    /// The rail did not answer. It is being asked and will not be sent twice.
    Unknown,
    Submitted,
    Settled,
    Final,
    Returned,
    Rejected,
    Failed,
    Cancelled,
    Expired,
}

/// Why an order is refused before anything is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("the amount must be above zero")]
    Amount,
    #[error("the reference must have at most 60 characters")]
    Reference,
    #[error("a bill and its due date go together")]
    BillWithoutDate,
}

impl PaymentOrder {
    pub const SEND_DAYS_AHEAD_MAX: i32 = 366;

    pub fn check(&self) -> Result<(), OrderError> {
        if !self.amount.is_positive() {
            return Err(OrderError::Amount);
        }
        if !self.reference.as_deref().is_none_or(|text| text_fits(text, 0, Bill::REFERENCE_CHARS_MAX)) {
            return Err(OrderError::Reference);
        }
        if self.bill.is_some() != self.due_on.is_some() {
            return Err(OrderError::BillWithoutDate);
        }
        Ok(())
    }
}

/// What can happen to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentEvent {
    /// The person approved exactly this payment.
    Approved,
    /// The same, while a hold is on it.
    ApprovedOnHold,
    /// Nobody approved it in time.
    ApprovalExpired,
    HoldPlaced,
    HoldReleased,
    /// Amount, payee, account or date changed: the approval is void.
    Edited,
    Cancelled,
    /// Its day came and the money was set aside.
    FundsReserved,
    /// Its day came and the money was not there.
    FundsMissing,
    /// The last try for the money failed.
    TriesEnded,
    /// Whom it goes to takes no such payment any more.
    PayeeClosed,
    /// The order to the rail was written, in the same transaction as the reservation.
    HandedToRail,
    RailAccepted,
    RailRefused,
    /// A timeout, a server error or a crash: what the rail did is not known.
    RailSilent,
    /// The rail was asked and never saw it: the same order goes again under the same key.
    ProvenAbsent,
    SettledByRail,
    ReturnedByRail,
    /// Returns are no longer expected.
    ReturnWindowOver,
}

impl PaymentEvent {
    pub const ALL: [Self; 19] = [
        Self::Approved,
        Self::ApprovedOnHold,
        Self::ApprovalExpired,
        Self::HoldPlaced,
        Self::HoldReleased,
        Self::Edited,
        Self::Cancelled,
        Self::FundsReserved,
        Self::FundsMissing,
        Self::TriesEnded,
        Self::PayeeClosed,
        Self::HandedToRail,
        Self::RailAccepted,
        Self::RailRefused,
        Self::RailSilent,
        Self::ProvenAbsent,
        Self::SettledByRail,
        Self::ReturnedByRail,
        Self::ReturnWindowOver,
    ];
}

/// There is no such way between states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {from:?} cannot be {event:?}")]
pub struct IllegalMove {
    pub from: PaymentState,
    pub event: PaymentEvent,
}

impl PaymentState {
    pub const ALL: [Self; 15] = [
        Self::AwaitingApproval,
        Self::Scheduled,
        Self::Held,
        Self::Insufficient,
        Self::Reserved,
        Self::Submitting,
        Self::Unknown,
        Self::Submitted,
        Self::Settled,
        Self::Final,
        Self::Returned,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The states in which a new payment may begin.
    pub const FIRST: [Self; 3] = [Self::AwaitingApproval, Self::Scheduled, Self::Held];

    pub const fn after(self, event: PaymentEvent) -> Result<Self, IllegalMove> {
        use PaymentEvent as E;
        Ok(match (self, event) {
            (Self::AwaitingApproval, E::Approved) => Self::Scheduled,
            (Self::AwaitingApproval, E::ApprovedOnHold) => Self::Held,
            (Self::AwaitingApproval, E::ApprovalExpired) => Self::Expired,
            (Self::Scheduled | Self::Insufficient, E::HoldPlaced) => Self::Held,
            (Self::Held, E::HoldReleased) => Self::Scheduled,
            (Self::AwaitingApproval | Self::Scheduled | Self::Held | Self::Insufficient, E::Edited) => {
                Self::AwaitingApproval
            }
            (state, E::Cancelled) if state.can_cancel() => Self::Cancelled,
            (Self::Scheduled | Self::Insufficient, E::FundsReserved) => Self::Reserved,
            (Self::Scheduled | Self::Insufficient, E::FundsMissing) => Self::Insufficient,
            (Self::Insufficient, E::TriesEnded) => Self::Failed,
            (Self::Scheduled | Self::Held | Self::Insufficient, E::PayeeClosed) => Self::Failed,
            (Self::Reserved, E::HandedToRail) => Self::Submitting,
            // A rail that is asked after a silence answers the same as at once: taken or refused.
            (Self::Submitting | Self::Unknown, E::RailAccepted) => Self::Submitted,
            (Self::Submitting | Self::Unknown, E::RailRefused) => Self::Rejected,
            (Self::Submitting, E::RailSilent) => Self::Unknown,
            (Self::Unknown, E::ProvenAbsent) => Self::Submitting,
            (Self::Submitted, E::SettledByRail) => Self::Settled,
            (Self::Submitted | Self::Settled | Self::Final, E::ReturnedByRail) => Self::Returned,
            (Self::Settled, E::ReturnWindowOver) => Self::Final,
            (from, event) => return Err(IllegalMove { from, event }),
        })
    }

    /// Nothing more happens to it; only a late return may still follow `Final`.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Final | Self::Returned | Self::Rejected | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// The person may still take it back by a cancel; `Reserved` only if the cancel comes before the rail.
    #[must_use]
    pub const fn can_cancel(self) -> bool {
        matches!(self, Self::AwaitingApproval | Self::Scheduled | Self::Held | Self::Insufficient | Self::Reserved)
    }

    /// It was given to the rail, or may have been, and has not settled.
    #[must_use]
    pub const fn has_left(self) -> bool {
        matches!(self, Self::Submitting | Self::Unknown | Self::Submitted)
    }

    /// It has not left and will, without the person doing anything. Neither one that waits for an approval nor one
    /// that found no money is relied on.
    #[must_use]
    pub const fn leaves_by_itself(self) -> bool {
        matches!(self, Self::Scheduled | Self::Held | Self::Reserved)
    }

    #[must_use]
    pub const fn counts_as_paid(self) -> bool {
        matches!(self, Self::Settled | Self::Final)
    }

    /// Money is set aside for it in the ledger.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Submitting | Self::Unknown)
    }
}

/// Everything of a payment that its person approves, as the page shows it.
#[derive(Clone, Copy, Debug)]
pub struct Approvable<'a> {
    pub payment: PaymentId,
    pub payee: BillerId,
    /// What the payee knows the payer by: with another one the money is another's.
    pub reference: Option<&'a str>,
    pub account: AccountId,
    pub amount: Money,
    pub day: Date,
}

impl Approvable<'_> {
    /// SHA-256 as 64 hexadecimal digits; every field with its length before it, so that no two payments read alike.
    #[must_use]
    pub fn digest(&self) -> String {
        let reference = self.reference.map_or_else(|| vec![0], |text| [&[1], text.as_bytes()].concat());
        let fields = [
            self.payment.as_uuid().as_bytes().to_vec(),
            self.payee.as_uuid().as_bytes().to_vec(),
            reference,
            self.account.as_uuid().as_bytes().to_vec(),
            self.amount.minor().to_be_bytes().to_vec(),
            self.amount.currency().code().as_bytes().to_vec(),
            self.day.to_string().into_bytes(),
        ];
        let mut hash = Sha256::new_with_prefix(b"billfold approval 1");
        for field in fields {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a person changes of a payment that has not left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PaymentEdit {
    /// Above zero, in the payment's own currency.
    pub amount: Money,
    /// The day it should leave; absent: as soon as possible.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date"))]
    #[cfg_attr(feature = "bindings", specta(type = Option<String>))]
    pub send_on: Option<Date>,
    /// How many steps its history had when the person looked at it: another number means that it changed meanwhile.
    pub seen: u32,
}

/// When a rail takes orders and how long its money travels.
#[derive(Clone, Debug, PartialEq)]
pub struct RailTiming {
    pub calendar: Calendar,
    /// Orders of a day must be here before; absent: the whole day, to its end.
    pub cutoff: Option<Time>,
    /// Where the calendar's days and the cut-off are meant.
    pub zone: TimeZone,
    pub banking_days_to_arrive: u16,
}

impl RailTiming {
    /// 16:00 in New York on Federal Reserve days, there on the next banking day.
    pub fn united_states() -> Result<Self, QuoteError> {
        let zone = TimeZone::get("America/New_York").map_err(|_| QuoteError::NoZone)?;
        let cutoff = Some(Time::constant(16, 0, 0, 0));
        Ok(Self { calendar: Calendar::FederalReserve, cutoff, zone, banking_days_to_arrive: 1 })
    }

    /// Practice money: every day, every hour, there on the same day.
    #[must_use]
    pub const fn sandbox(zone: TimeZone) -> Self {
        Self { calendar: Calendar::EveryDay, cutoff: None, zone, banking_days_to_arrive: 0 }
    }

    /// The last day on which a payment can leave to be there on the due date.
    #[must_use]
    pub fn leave_by(&self, due_on: Date) -> Date {
        self.calendar.subtract_banking_days(due_on, self.banking_days_to_arrive)
    }

    /// Until when orders of a day must be here.
    pub fn cutoff_at(&self, day: Date) -> Result<Timestamp, QuoteError> {
        let (day, time) = match self.cutoff {
            Some(cutoff) => (day, cutoff),
            None => (day.tomorrow().map_err(|_| QuoteError::TooFarAhead)?, Time::midnight()),
        };
        // A time that a clock change skips moves forward; one that it doubles is the first.
        let at = day.to_datetime(time).to_zoned(self.zone.clone()).map_err(|_| QuoteError::TooFarAhead)?;
        Ok(at.timestamp())
    }
}

/// What a payment can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub will_process_on: Date,
    /// The last moment to cancel, and before which the order must be here for that day.
    pub cutoff_at: Timestamp,
    pub expected_by: Date,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    #[error("a payment can be ordered at most 366 days ahead")]
    TooFarAhead,
    #[error("the time zone of the rail is not known on this machine")]
    NoZone,
}

/// The day a payment leaves: the wished day, or the banking day before it when that is closed, but never before the
/// first day whose cut-off lies ahead. Without a wish, that first day.
pub fn quote(now: Timestamp, send_on: Option<Date>, timing: &RailTiming) -> Result<Quote, QuoteError> {
    let today = now.to_zoned(timing.zone.clone()).date();
    let calendar = timing.calendar;
    let mut earliest = calendar.on_or_after(today);
    if now >= timing.cutoff_at(earliest)? {
        earliest = calendar.next_banking_day(earliest);
    }
    let wished = send_on.unwrap_or(earliest);
    if days::number_of(wished) - days::number_of(today) > PaymentOrder::SEND_DAYS_AHEAD_MAX {
        return Err(QuoteError::TooFarAhead);
    }
    let will_process_on = calendar.on_or_before(wished).max(earliest);
    let expected_by = calendar.add_banking_days(will_process_on, timing.banking_days_to_arrive);
    Ok(Quote { will_process_on, cutoff_at: timing.cutoff_at(will_process_on)?, expected_by })
}

#[cfg(test)]
mod tests;
