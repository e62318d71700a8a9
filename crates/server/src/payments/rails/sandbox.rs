//! The practice rail: a small bank that takes orders, settles them after a while, and on request declines, loses its
//! answer, loses the order or returns the money late. No real money moves. It keeps a book of its own, which knows keys
//! and amounts only, so that what it did can be held against what the ledger says.

use std::sync::Arc;

use domain::payments::RailTiming;
use domain::time::Clock;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::db::{Db, DbResult};
use crate::methods::tokeniser;
use crate::payments::rail::{Answer, Rail, RailOrder};
use crate::payments::store::{self, SandboxOrder};

/// How the practice bank behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Practice {
    /// From taking an order to settling it.
    pub settles_after: SignedDuration,
    /// From settling to a return, where one comes.
    pub returns_after: SignedDuration,
    /// What happens to an order whose reference asks for nothing.
    pub usual: Turn,
}

impl Default for Practice {
    fn default() -> Self {
        Self {
            settles_after: SignedDuration::from_secs(2),
            returns_after: SignedDuration::from_secs(10),
            usual: Turn::Settles,
        }
    }
}

/// What happens to one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Settles,
    /// Refused at once.
    Declines,
    /// Taken, and the answer is lost.
    LosesAnswer,
    /// Lost on the way, once: it never arrives, and nobody answers.
    LosesOrder,
    /// Settled, and returned later.
    Returns,
    /// Taken, and not settled for a day.
    Waits,
}

impl Turn {
    /// A payer's reference that asks for something, such as `practice:decline`.
    #[must_use]
    pub fn asked_for(reference: &str) -> Option<Self> {
        match reference.trim() {
            "practice:decline" => Some(Self::Declines),
            "practice:lost-answer" => Some(Self::LosesAnswer),
            "practice:lost-order" => Some(Self::LosesOrder),
            "practice:return" => Some(Self::Returns),
            "practice:wait" => Some(Self::Waits),
            _ => None,
        }
    }
}

impl std::str::FromStr for Turn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "settle" {
            return Ok(Self::Settles);
        }
        Self::asked_for(&format!("practice:{text}"))
            .ok_or_else(|| "settle, decline, lost-answer, lost-order, return or wait".to_owned())
    }
}

/// Nacha's code for an account that does not exist: the details are wrong.
const RETURN_CODE: &str = "R03";
const REFUSED_CODE: &str = "declined";
const WAITS: SignedDuration = SignedDuration::from_hours(24);
const VISIBLE_AFTER: SignedDuration = SignedDuration::from_secs(2);

pub struct Sandbox {
    db: Db,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    practice: Practice,
}

impl Sandbox {
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, zone: TimeZone, practice: Practice) -> Self {
        Self { db, clock, zone, practice }
    }

    async fn take(&self, order: &RailOrder) -> DbResult<Answer> {
        let now = self.clock.now();
        let asked = order.payer_reference.as_deref().and_then(Turn::asked_for);
        let turn = asked.unwrap_or(self.practice.usual);
        if let Some(known) = self.db.read_once().await?.ask(store::sandbox_order(&order.key)).await? {
            return Ok(self.answer(&known, now));
        }
        if turn == Turn::LosesOrder {
            let mut tx = self.db.begin_write().await?;
            if store::note_lost_order(&mut tx, &order.key, now).await? {
                tx.commit().await?;
                return Ok(Answer::Silent);
            }
        }
        let settles_after = if turn == Turn::Waits { WAITS } else { self.practice.settles_after };
        let settles_at = now.saturating_add(settles_after).unwrap_or(now);
        let returns = turn == Turn::Returns;
        let declines = turn == Turn::Declines || order.drawn_by.as_deref().is_some_and(tokeniser::declines);
        let taken = SandboxOrder {
            key: order.key.clone(),
            reference: reference_of(&order.key),
            amount: order.amount,
            refused: declines.then(|| REFUSED_CODE.to_owned()),
            received_at: now,
            settles_at,
            returns_at: returns.then(|| settles_at.saturating_add(self.practice.returns_after).unwrap_or(settles_at)),
        };
        // The book refuses a second order of a key: whoever comes at the same time hears nothing, and asks.
        let mut tx = self.db.begin_whole().await?;
        store::add_sandbox_order(&mut tx, &taken).await?;
        tx.commit().await?;
        if turn == Turn::LosesAnswer {
            return Ok(Answer::Silent);
        }
        Ok(self.answer(&taken, now))
    }

    async fn find(&self, key: &str) -> DbResult<Answer> {
        let found = self.db.read_once().await?.ask(store::sandbox_order(key)).await?;
        Ok(found.map_or(Answer::Absent, |order| self.answer(&order, self.clock.now())))
    }

    fn answer(&self, order: &SandboxOrder, now: Timestamp) -> Answer {
        let reference = order.reference.clone();
        let trace = |what: &str| format!("{what}-{reference}");
        if let Some(code) = &order.refused {
            return Answer::Refused { code: code.clone() };
        }
        if order.returns_at.is_some_and(|at| at <= now) {
            let (trace, amount) = (trace("ret"), order.amount);
            return Answer::Returned { reference, trace, amount, code: RETURN_CODE.to_owned() };
        }
        if order.settles_at <= now {
            return Answer::Settled { trace: trace("set"), reference, amount: order.amount };
        }
        Answer::Accepted { reference, look_at: order.settles_at }
    }
}

/// The bank's own number for an order.
fn reference_of(key: &str) -> String {
    let digest = Sha256::digest(format!("practice bank {key}"));
    format!("PB{}", data_encoding::HEXUPPER.encode(&digest[..8]))
}

impl Rail for Sandbox {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn timing(&self) -> RailTiming {
        RailTiming::sandbox(self.zone.clone())
    }

    fn is_practice(&self) -> bool {
        true
    }

    fn draws(&self) -> bool {
        true
    }

    fn visible_after(&self) -> SignedDuration {
        VISIBLE_AFTER
    }

    fn submit(&self, order: RailOrder) -> BoxFuture<'_, Answer> {
        // A book that cannot be written is a bank that does not answer.
        async move { self.take(&order).await.unwrap_or(Answer::Silent) }.boxed()
    }

    fn look(&self, key: String) -> BoxFuture<'_, Answer> {
        async move { self.find(&key).await.unwrap_or(Answer::Silent) }.boxed()
    }
}
