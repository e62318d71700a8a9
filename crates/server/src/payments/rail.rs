//! What moves the money: one rail behind one trait. A rail knows an order by its key alone; the same key never moves
//! money twice. Nothing here is called within a transaction.

use domain::ids::BillerId;
use domain::money::Money;
use domain::payments::RailTiming;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

/// Before the cut-off of its day, money is looked for once more.
const LAST_RUN: SignedDuration = SignedDuration::from_hours(1);

/// An order as a rail gets it.
#[derive(Clone, Debug)]
pub struct RailOrder {
    pub key: String,
    pub biller: BillerId,
    pub amount: Money,
    /// Whose money it is, as the payee will read it. A rail that tells nobody does not keep it.
    pub payer_name: String,
    /// What the biller knows the payer by.
    pub payer_reference: Option<String>,
    /// The token of the payment method that it is drawn from; absent: the money is here.
    pub drawn_by: Option<String>,
}

/// What became of an order, as far as the rail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The rail has it and nobody else does: it goes out with the next file, or is with a bank that has not answered.
    Queued {
        look_at: Timestamp,
    },
    /// Taken; `look_at` is when it is worth asking again.
    Accepted {
        reference: String,
        look_at: Timestamp,
    },
    /// Refused for good; nothing moved.
    Refused {
        code: String,
    },
    Settled {
        reference: String,
        trace: String,
        amount: Money,
    },
    Returned {
        reference: String,
        trace: String,
        amount: Money,
        code: String,
    },
    /// The rail never saw this key.
    Absent,
    /// No answer: nothing is known.
    Silent,
}

/// Why a rail cannot carry an order at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has no account of this payee.
    Payee,
    /// The amount is more than its files can say, or in another currency.
    Amount,
}

impl Unfit {
    /// The payment's reason, where it shows only when the order is handed over.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Payee => "no_payee_account",
            Self::Amount => "amount_too_large",
        }
    }
}

pub trait Rail: Send + Sync {
    /// The stored name: "sandbox".
    fn name(&self) -> &'static str;
    fn timing(&self) -> RailTiming;
    /// It moves no real money.
    fn is_practice(&self) -> bool;
    /// When the orders of a day are handed over: as its day begins, unless they can be taken back for longer.
    fn hands_over_at(&self, _cutoff_at: Timestamp, day_begins: Timestamp) -> Timestamp {
        day_begins
    }
    /// When money that was missing is looked for once more on the same day.
    fn last_run_at(&self, cutoff_at: Timestamp) -> Timestamp {
        cutoff_at.saturating_sub(LAST_RUN).unwrap_or(cutoff_at)
    }
    /// Until when an order still goes with those of the cut-off's day.
    fn takes_until(&self, cutoff_at: Timestamp) -> Timestamp {
        cutoff_at
    }
    /// Whether it can carry such an order.
    fn takes(&self, _biller: BillerId, _amount: Money) -> Result<(), Unfit> {
        Ok(())
    }
    /// Whether it can draw from payment methods. A rail that cannot is never handed such an order.
    fn draws(&self) -> bool {
        false
    }
    /// Whether money that it moved may come back after its payment is final.
    fn may_return_late(&self) -> bool {
        true
    }
    /// After so long an order that was taken can be seen by asking.
    fn visible_after(&self) -> SignedDuration;
    /// Hands an order over. Handing over a key again answers as before and moves nothing.
    fn submit(&self, order: RailOrder) -> BoxFuture<'_, Answer>;
    /// What became of an order.
    fn look(&self, key: String) -> BoxFuture<'_, Answer>;
}
