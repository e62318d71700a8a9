//! What left, told by the rail's folder: an older database that was put back learns there which orders are with the bank,
//! and sends none of them again.

use domain::payments::PaymentState;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::store::{self, Batch, BatchState, Kept, Raised};
use super::{FileRail, FilesError, TURN};
use crate::App;
use crate::db::{DbError, DbResult};
use crate::jobs::{self, Kind};
use crate::payments;
use crate::payments::engine;
use crate::payments::rail::Rail as _;

/// A file that leaves, as the folder keeps it: what its batch was, and nothing of anybody.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    pub number: i64,
    pub file_name: String,
    pub made_at: Timestamp,
    pub of_day: i64,
    pub effective_on: Date,
    pub digest: String,
    pub sent_at: Timestamp,
    /// The keys of its orders, each with its place.
    pub orders: Vec<(String, u32)>,
}

/// What the database learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    pub files: usize,
    /// Orders that are with the bank, and that it would have sent again.
    pub orders: usize,
    /// Orders that it cannot know: each is before a person.
    pub unknown: usize,
}

impl FileRail {
    /// Writes down that a batch leaves, before it does.
    pub(super) async fn note_sent(&self, batch: &Batch) -> Result<(), FilesError> {
        let mut tx = self.db.read_once().await?;
        let orders = store::batch_orders(&mut tx, self.name(), batch.number).await?;
        let digest = store::digest_of(&mut tx, self.name(), batch.number).await?;
        drop(tx);
        let sent = Sent {
            number: batch.number,
            file_name: batch.file_name.clone(),
            made_at: batch.made_at,
            of_day: batch.of_day,
            effective_on: batch.effective_on,
            digest: digest.unwrap_or_default(),
            sent_at: self.clock.now(),
            orders: orders.into_iter().filter_map(|order| Some((order.key, order.sequence?))).collect(),
        };
        let bytes = serde_json::to_vec(&sent).map_err(|_| DbError::Corrupt("a batch"))?;
        Ok(self.folder.note_sent(batch.number, bytes).await?)
    }

    /// What the folder says of a batch that left.
    pub(super) async fn sent(&self, number: i64) -> Result<Option<Sent>, FilesError> {
        let Some(bytes) = self.folder.sent(number).await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| FilesError::Unreadable(number))
    }

    /// Refuses a database that is older than what left: its orders may be with the bank.
    pub(super) async fn demand_not_behind(&self) -> Result<(), FilesError> {
        let last = self.folder.last_sent().await?;
        let (next, _) = store::next_numbers(&mut self.db.read_once().await?, self.name()).await?;
        if last >= next { Err(FilesError::Behind) } else { Ok(()) }
    }

    /// Marks the orders of files that left, and that an older database does not know of, as handed over.
    pub async fn reconcile(&self, app: &App) -> Result<Reconciled, FilesError> {
        let mut tx = self.db.begin_write().await?;
        let now = self.clock.now();
        let until = now.saturating_add(TURN).unwrap_or(now);
        let mine = store::take_turn(&mut tx, self.name(), now, until).await?;
        let folder = store::folder_id(&mut tx, self.name()).await?;
        tx.commit().await?;
        if !mine {
            return Err(FilesError::Busy);
        }
        let done = self.reconcile_in(app, folder).await;
        let mut tx = self.db.begin_write().await?;
        store::end_turn(&mut tx, self.name(), until).await?;
        tx.commit().await?;
        done
    }

    async fn reconcile_in(&self, app: &App, folder: Option<String>) -> Result<Reconciled, FilesError> {
        if let Some(id) = folder
            && !self.folder.prepare(&id).await?
        {
            return Err(FilesError::Away);
        }
        let last = self.folder.last_sent().await?;
        let (next, _) = store::next_numbers(&mut self.db.read_once().await?, self.name()).await?;
        let mut reconciled = Reconciled::default();
        for number in next..=last {
            // One that never left has no entry.
            let Some(sent) = self.sent(number).await? else { continue };
            let waits = self.folder.is_staged(&sent.file_name).await?;
            let mut known = Vec::new();
            for (key, place) in &sent.orders {
                if self.learn(app, key).await? {
                    known.push((key.as_str(), *place));
                } else {
                    reconciled.unknown += 1;
                }
            }
            reconciled.orders += known.len();
            reconciled.files += 1;
            self.learn_batch(&sent, &known, waits).await?;
        }
        app.jobs.wake();
        Ok(reconciled)
    }

    /// Has the order in the rail's book, and its payment look there; false when no payment is known by that key.
    async fn learn(&self, app: &App, key: &str) -> DbResult<bool> {
        let now = self.clock.now();
        let mut tx = app.db.begin_write().await?;
        let payment = store::payment_of(&mut tx, key).await?;
        if let Some((holder, _)) = payment {
            tx.lock(holder).await?;
        }
        let found = match payment {
            Some((holder, id)) => payments::store::find(&mut tx, holder, id).await?,
            None => None,
        };
        let Some(payment) = found else {
            let words = "its money left by a file that this database is too old to know; ask whose payment it was";
            self.raise_left(&mut tx, key, words).await?;
            tx.commit().await?;
            return Ok(false);
        };
        if store::find_order(&mut tx, self.name(), key).await?.is_none() {
            let order = Kept {
                key: key.to_owned(),
                biller: payment.order.biller,
                amount: payment.order.amount,
                payer_name: String::new(),
                payer_reference: payment.order.reference.clone(),
                leaves_at: now,
                sequence: None,
                trace: None,
                accepted: false,
                refused: None,
                settled: None,
                returned: None,
                batch: None,
            };
            store::add_order(&mut tx, self.name(), &order, now).await?;
        }
        let subject = payment.order.id;
        match payment.state {
            // It is carried out at once, and finds itself carried out.
            PaymentState::Scheduled | PaymentState::Insufficient => {
                jobs::put(&mut tx, payment.holder, Kind::Process, subject.as_uuid(), now).await?;
            }
            PaymentState::Reserved | PaymentState::Submitting | PaymentState::Unknown => {
                engine::wake(&mut tx, payment.holder, subject, now).await?;
            }
            PaymentState::Submitted | PaymentState::Settled | PaymentState::Final | PaymentState::Returned => {}
            PaymentState::AwaitingApproval
            | PaymentState::Held
            | PaymentState::Rejected
            | PaymentState::Failed
            | PaymentState::Cancelled
            | PaymentState::Expired => {
                let words = "its money left, and the payment stands as one that did not; compare the books";
                self.raise_left(&mut tx, key, words).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn raise_left(&self, tx: &mut crate::db::Tx, key: &str, words: &str) -> DbResult<()> {
        let raised = Raised { about: format!("left {key}"), kind: "left", key: Some(key), words, ..Raised::default() };
        self.raise(tx, &raised).await.map(drop)
    }

    /// The batch as it was, and its orders in it. One whose file still stands beside the outbox leaves with the next turn.
    async fn learn_batch(&self, sent: &Sent, known: &[(&str, u32)], waits: bool) -> DbResult<()> {
        let rail = self.name();
        let count = i64::try_from(sent.orders.len()).unwrap_or(i64::MAX);
        let first = sent.orders.iter().map(|(_, place)| i64::from(*place)).min().unwrap_or(1);
        let batch = Batch {
            number: sent.number,
            state: BatchState::Closed,
            file_name: sent.file_name.clone(),
            made_at: sent.made_at,
            of_day: sent.of_day,
            effective_on: sent.effective_on,
            orders: count,
        };
        let mut tx = self.db.begin_write().await?;
        store::add_batch(&mut tx, rail, &batch, first + 2 * count).await?;
        for (key, place) in known {
            store::place(&mut tx, rail, key, sent.number, *place, &self.format.trace(key, *place)).await?;
        }
        let staged = (BatchState::Closed, BatchState::Staged);
        store::step_batch(&mut tx, rail, sent.number, staged, Some(&sent.digest), sent.sent_at).await?;
        if !waits {
            let handed = (BatchState::Staged, BatchState::Handed);
            store::step_batch(&mut tx, rail, sent.number, handed, None, sent.sent_at).await?;
        }
        tx.commit().await
    }
}
