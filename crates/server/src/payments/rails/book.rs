//! The rail within this server: it pays the cards that the server issues, at once. It keeps no book of its own. The card is
//! credited by the engine, in the transaction that settles the payment, so a key moves money once however often it is
//! handed over.

use domain::money::Money;
use domain::payments::RailTiming;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::db::{Db, DbResult};
use crate::payments::rail::{Answer, Rail, RailOrder};
use crate::payments::store;

/// The stored name; it never changes.
pub const NAME: &str = "book";

pub struct Book {
    db: Db,
    zone: TimeZone,
}

impl Book {
    #[must_use]
    pub const fn new(db: Db, zone: TimeZone) -> Self {
        Self { db, zone }
    }

    async fn find(&self, key: &str) -> DbResult<Answer> {
        let mut tx = self.db.read_once().await?;
        Ok(store::ordered(&mut tx, key).await?.map_or(Answer::Absent, |amount| settled(key, amount)))
    }
}

fn settled(key: &str, amount: Money) -> Answer {
    Answer::Settled { reference: format!("BK{key}"), trace: format!("set-{key}"), amount }
}

impl Rail for Book {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Every day until its end, there at once.
    fn timing(&self) -> RailTiming {
        RailTiming::sandbox(self.zone.clone())
    }

    /// What it moves is as real as the money of the account that pays.
    fn is_practice(&self) -> bool {
        false
    }

    /// No other bank has it that could send it back.
    fn may_return_late(&self) -> bool {
        false
    }

    fn visible_after(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    fn submit(&self, order: RailOrder) -> BoxFuture<'_, Answer> {
        async move { settled(&order.key, order.amount) }.boxed()
    }

    fn look(&self, key: String) -> BoxFuture<'_, Answer> {
        // Books that cannot be read do not answer.
        async move { self.find(&key).await.unwrap_or(Answer::Silent) }.boxed()
    }
}

#[cfg(test)]
mod tests;
