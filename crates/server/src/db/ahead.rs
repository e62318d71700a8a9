//! A transaction that looks ahead (docs/decisions/0021): what it asks is asked of a reader, beside the writer, and what it
//! writes goes whole, in one way, if the holder's feed is still at the number that was read first. Once it has written,
//! a question begins it for real, after what it wrote. On PostgreSQL it is a transaction under its holder's lock.

use std::sync::Arc;

use domain::ids::HolderId;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::readers::SqliteOnce;
use super::reads::{EngineRow, Read, Statement, read_row};
use super::{Batch, Db, DbError, DbResult, Engine, HOLD_NUMBER, Inner, PlannedTx, TAKE_NEXT, Tx};

/// More than there are holders at once, nearly always.
const TURNS: usize = 256;

/// When what a transaction decides is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before the writer is taken: when something of the holder's changes meanwhile it is a [`DbError::Conflict`].
    Ahead,
    /// While nothing of others comes between.
    Within,
}

/// An error that may say that somebody else was quicker.
pub(crate) trait MaybeOvertaken {
    fn is_overtaken(&self) -> bool;
}

impl MaybeOvertaken for DbError {
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Conflict)
    }
}

/// Does something that looks ahead, and where that was in vain once more, where nothing comes between.
pub(crate) async fn twice<T, E: MaybeOvertaken, F: Future<Output = Result<T, E>>>(
    run: impl Fn(Moment) -> F,
) -> Result<T, E> {
    match run(Moment::Ahead).await {
        Err(error) if error.is_overtaken() => run(Moment::Within).await,
        done => done,
    }
}

/// Those who look ahead for one holder do it one after the other, so that none of them looks in vain.
pub(super) struct Turns(Vec<Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..TURNS).map(|_| Arc::default()).collect())
    }
}

impl Turns {
    async fn take(&self, holder: HolderId) -> OwnedMutexGuard<()> {
        // The last byte of an id is chance.
        let at = usize::from(holder.as_uuid().as_bytes()[15]) % TURNS;
        Arc::clone(&self.0[at]).lock_owned().await
    }
}

/// Where a transaction that looks ahead stands.
pub(super) struct Look {
    once: SqliteOnce,
    holder: HolderId,
    /// Of the holder's feed when it looked first.
    number: i64,
    /// From here on what is asked might be what was written.
    pub(super) has_written: bool,
    pub(super) turn: OwnedMutexGuard<()>,
}

impl Look {
    pub(super) async fn ask(&self, statements: Vec<Statement>) -> DbResult<Vec<Vec<EngineRow>>> {
        self.once.ask(statements).await
    }
}

impl Db {
    /// Begins a transaction that decides something of a holder's by what is read at that moment, and reads what it needs
    /// first. A [`DbError::Conflict`] at its end, or at a question after it wrote, says that it looked in vain.
    pub(crate) async fn begin_at<R: Read>(
        &self,
        moment: Moment,
        holder: HolderId,
        read: R,
    ) -> DbResult<(Tx, R::Answer)> {
        if let (Moment::Ahead, Engine::Sqlite { writer, readers, turns }) = (moment, &self.engine) {
            let turn = turns.take(holder).await;
            let once = SqliteOnce::new(readers);
            let mut tx = Tx { inner: Inner::SqliteOnce(once), numbers: std::collections::BTreeMap::new() };
            let (number, answer) = tx.ask((number_of(holder), read)).await?;
            let mut batch = Batch::of_member();
            batch.add(HOLD_NUMBER);
            batch.bind(holder.as_uuid());
            batch.bind(number);
            let look = Look { once: SqliteOnce::new(readers), holder, number, has_written: false, turn };
            tx.inner = Inner::Planned(PlannedTx { writer: Arc::clone(writer), batch, look: Some(Box::new(look)) });
            return Ok((tx, answer));
        }
        let mut tx = self.begin_write().await?;
        tx.lock(holder).await?;
        let answer = tx.ask(read).await?;
        Ok((tx, answer))
    }
}

fn number_of(holder: HolderId) -> impl Read<Answer = i64> {
    const FIND: &str = "SELECT feed_number FROM holder WHERE holder_id = $1";
    read_row(FIND, [holder.as_uuid().into()], |row: Option<(i64,)>| {
        row.map(|(number,)| number).ok_or(DbError::Corrupt("a holder"))
    })
}

impl Tx {
    /// Where to ask, while nothing was written that might be asked for.
    pub(super) fn looks_ahead(&self) -> Option<&Look> {
        match &self.inner {
            Inner::Planned(PlannedTx { look: Some(look), .. }) if !look.has_written => Some(&**look),
            _ => None,
        }
    }
}

impl PlannedTx {
    /// Takes the number after the one that was read, for the holder that was looked at.
    pub(super) fn take_next(&mut self, holder: HolderId) -> Option<i64> {
        let look = self.look.as_ref().filter(|look| look.holder == holder)?;
        let next = look.number.checked_add(1)?;
        self.batch.instead_of(HOLD_NUMBER, TAKE_NEXT);
        Some(next)
    }
}
