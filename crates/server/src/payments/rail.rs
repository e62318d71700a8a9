//! What moves the money: one rail behind one trait. A rail knows an order by its key alone; the same key never moves
//! money twice. Nothing here is called within a transaction.

use domain::money::Money;
use domain::payments::RailTiming;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

/// An order as a rail gets it: no names of holders.
#[derive(Clone, Debug)]
pub struct RailOrder {
    pub key: String,
    pub amount: Money,
    /// What the biller knows the payer by.
    pub payer_reference: Option<String>,
}

/// What became of an order, as far as the rail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
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

pub trait Rail: Send + Sync {
    /// The stored name: "sandbox".
    fn name(&self) -> &'static str;
    fn timing(&self) -> RailTiming;
    /// After so long an order that was taken can be seen by asking.
    fn visible_after(&self) -> SignedDuration;
    /// Hands an order over. Handing over a key again answers as before and moves nothing.
    fn submit(&self, order: RailOrder) -> BoxFuture<'_, Answer>;
    /// What became of an order.
    fn look(&self, key: String) -> BoxFuture<'_, Answer>;
}
