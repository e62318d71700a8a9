//! Sync: the outbox is sent in order, each change once by its id; then the change feed is read from the cursor. The
//! server wins; what it does not have yet is laid over its view again. Nothing is ever dropped in silence.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::error::ErrorCode;
use api::restore::{RestorePart, Restored};
use api::sign_in::Me;
use api::sync::{Change as Fed, Gone, LINE_MAX, Page, Record, SnapshotHead};
use domain::accounts::Transaction;
use domain::billers::DirectoryKey;
use domain::bills::{Bill, Mark};
use domain::ids::{BillId, MutationId};
use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc;

use crate::cache::anchor::Digest;
use crate::cache::bills::DAY_PASSED;
use crate::cache::outbox::{self as rows, Waiting};
use crate::cache::{
    self, CacheError, CacheResult, Tx, accounts, autopay, bills, disputes, methods, orders, paydays, purchases,
    reminders, rewards, security, state, suggestions, transactions, wallet,
};
use crate::client::{Changed, Client, Open};
use crate::error::ClientError;
use crate::http::{CallError, Method, Sending};
use crate::lease::Lease;
use crate::outbox::{self, Change};
use crate::platform::random;
use crate::records::{self, PageTold, Told, Unread};
use crate::refusals;

/// A command waits so long for the network before it goes on without.
const SOON: Duration = Duration::from_secs(10);
/// The feed is read at least this often, also when no event comes.
const EVERY: Duration = Duration::from_secs(60);
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// The server's limit is waited for in the middle of a queue, up to so long and so often for one change.
const PAUSE_MAX: Duration = Duration::from_secs(5);
const PAUSES_MAX: u32 = 5;
/// Pages of one pull: 500 changes each.
const PAGES_MAX: usize = 100_000;
/// Transactions of a snapshot that are added at once.
const BATCH: usize = 20_000;
/// Batches that are read ahead of the disk.
const BATCHES_AHEAD: usize = 2;
/// Chunk bodies compress well; the server unpacks them.
const COMPRESSION: i32 = 1;
const LISTS_READ_AT: &str = "lists_read_at";
const LISTS_EVERY: SignedDuration = SignedDuration::from_hours(1);

#[derive(Clone)]
pub struct Sync(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn sync(&self) -> Sync {
        Sync(self.clone())
    }

    /// The computer woke up, or the network changed: look at once.
    pub fn wake(&self) {
        self.0.wake.notify_waiters();
        self.0.wake.notify_one();
        // Reminders reckon with the clock anew.
        self.tell(Changed::Status);
    }
}

impl Sync {
    /// Sends what waits and reads what is new. A copy that turns out damaged on the way is built anew, and read into.
    pub async fn now(&self) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        let done = self.once(&open).await;
        self.0.watch_for(&done);
        if done.is_err() && self.0.is_built_anew(&open).await {
            return self.once(&self.0.open_now()?).await;
        }
        done
    }

    async fn once(&self, open: &Arc<Open>) -> Result<(), ClientError> {
        let _turn = open.syncing.lock().await;
        self.0.save_outbox_late(open).await;
        // What was read already counts even if a change could not be sent.
        let pumped = self.pump(open).await;
        if open.is_closed() {
            return Err(pumped.err().unwrap_or_else(ClientError::locked));
        }
        self.pull(open).await?;
        pumped?;
        self.refresh_lists(open).await?;
        let at = self.0.now();
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                state::put(&mut *tx, state::SYNCED_AT, &at).await?;
                state::put(&mut *tx, state::LEASE, &Lease::from_contact(at)).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        self.0.tell(Changed::Status);
        Ok(())
    }

    /// The same within a moment, for commands that work offline just as well.
    pub async fn soon(&self) {
        match tokio::time::timeout(SOON, self.now()).await {
            Ok(Err(error)) => tracing::info!(code = error.code, "not synced just now"),
            Err(_) => tracing::info!("the sync takes longer"),
            Ok(Ok(())) => {}
        }
    }

    /// Keeps this device in step for as long as the app runs: after each change here, at each event of the server,
    /// and every minute. After a failure it waits longer and longer.
    pub async fn run(&self) {
        let mut wait = RETRY_FIRST;
        loop {
            let before = self.0.0.answered.load(Ordering::SeqCst);
            let result = match self.0.opened() {
                Some(open) if self.0.is_signed_in(&open).await.unwrap_or(false) => {
                    drop(open);
                    self.now().await
                }
                // Unlocking or signing in wakes this up.
                _ => {
                    self.0.0.wake.notified().await;
                    continue;
                }
            };
            match result {
                Ok(()) => {
                    wait = RETRY_FIRST;
                    self.listen().await;
                }
                Err(error) => {
                    tracing::info!(code = error.code, "sync waits");
                    // It goes on, if in steps.
                    if self.0.0.answered.load(Ordering::SeqCst) != before {
                        wait = RETRY_FIRST;
                    }
                    tokio::select! {
                        () = tokio::time::sleep(self.jittered(wait)) => {}
                        () = self.0.0.wake.notified() => {}
                    }
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// Between a half and the whole of a wait, so that devices do not come back all at once.
    fn jittered(&self, wait: Duration) -> Duration {
        let dice = u32::from(u16::from_le_bytes(random::<2>(self.0.0.ports.chance.as_ref())));
        wait / 2 + wait / 2 * dice / u32::from(u16::MAX)
    }

    /// Returns when there is something to do: an event with a new number, a change here, or a minute over.
    async fn listen(&self) {
        let answer = tokio::select! {
            answer = self.0.call(Method::Get, "/api/v1/events", Sending::default()) => answer,
            () = self.0.0.wake.notified() => return,
        };
        let Ok(answer) = answer else {
            tokio::select! {
                () = tokio::time::sleep(RETRY_FIRST) => {}
                () = self.0.0.wake.notified() => {}
            }
            return;
        };
        let mut events = answer.into_response().bytes_stream().eventsource();
        // The stream begins with the number as it is; what came between the last read and now is read at once.
        let mut known: Option<String> = None;
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) if event.event == "number" => {
                        if known.as_ref() != Some(&event.data) {
                            known = Some(event.data);
                            if self.now().await.is_err() {
                                return;
                            }
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => {
                        self.0.set_online(false);
                        return;
                    }
                },
                () = self.0.0.wake.notified() => {
                    if self.now().await.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep(EVERY) => {
                    if self.now().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    pub(crate) async fn read_me(&self, open: &Open) -> Result<Me, ClientError> {
        let answer = self.0.call(Method::Get, "/api/v1/me", Sending::default()).await?;
        let me: Me = answer.json().await?;
        let known: Option<Me> = state::find(open.cache.readers(), state::ME).await?;
        if known.as_ref() != Some(&me) {
            let mut tx = open.cache.begin().await?;
            state::put(&mut *tx, state::ME, &me).await?;
            tx.commit().await.map_err(CacheError::from)?;
            self.0.tell(Changed::Status);
        }
        Ok(me)
    }

    /// Who is signed in, the directory and the list of statements, which are not in the feed: once an hour.
    async fn refresh_lists(&self, open: &Open) -> Result<(), ClientError> {
        let now = self.0.now();
        let read_at: Option<Timestamp> = state::find(open.cache.readers(), LISTS_READ_AT).await?;
        if read_at.is_some_and(|at| now.duration_since(at).abs() < LISTS_EVERY) {
            return Ok(());
        }
        self.read_me(open).await?;
        let answer = self.0.call(Method::Get, "/api/v1/billers", Sending::default()).await?;
        self.0.billers().take(&answer.json().await?, DirectoryKey::pinned()).await?;
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                state::put(&mut *tx, LISTS_READ_AT, &now).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        self.read_statements().await?;
        // Who else may be asked can wait for the next time.
        if let Err(error) = self.0.security().list_devices().await {
            tracing::info!(code = error.code, "the devices were not listed");
        }
        self.0.tell(Changed::Book);
        Ok(())
    }

    /// The list of statements as the server has it now.
    pub(crate) async fn read_statements(&self) -> Result<(), ClientError> {
        let answer = self.0.call(Method::Get, "/api/v1/statements", Sending::default()).await?;
        let statements: api::statements::StatementList = answer.json().await?;
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                bills::replace_statements(&mut tx, &statements.items).await?;
                Ok(tx.commit().await?)
            })
            .await
    }
}

// ---- Sending ----------------------------------------------------------------------------------------------------

/// How long the server's limit is waited for within a round; a longer one ends it.
fn pause(retry_after: Option<u32>) -> Option<Duration> {
    let asked = retry_after.map_or(RETRY_FIRST, |seconds| Duration::from_secs(seconds.into()));
    (asked <= PAUSE_MAX).then_some(asked.max(Duration::from_millis(100)))
}

/// What the server made of a change that it took.
enum Taken {
    AsSent,
    Payment(Box<api::payments::Payment>),
    /// It has the same by another id, which stays.
    InAnother(BillId),
    /// A part of it stays as another device said it meanwhile.
    InPart,
    /// Of an archive, but for these records: each with an id of its own, its place and why.
    But(Vec<(MutationId, usize, String)>),
}

impl Sync {
    /// Sends what waits, in order, until the outbox is empty or the server cannot be reached.
    async fn pump(&self, open: &Open) -> Result<(), ClientError> {
        let mut pauses = 0;
        while let Some(waiting) = self.next(open).await? {
            let lines = match waiting.entry.change {
                Change::Import { chunk, .. } => match packed_chunk(open, chunk).await {
                    // It would keep back everything behind it for ever.
                    Err(CacheError::Damaged) => {
                        self.done(open, &waiting, Err(outbox::UNREADABLE)).await?;
                        continue;
                    }
                    lines => lines?,
                },
                _ => Sending::default(),
            };
            let sent = self.send(&waiting, lines).await;
            match sent {
                Ok(taken) => self.done(open, &waiting, Ok(taken)).await?,
                // A program that is too old for the server was not judged: what waits goes with the newer one.
                Err(CallError::Refused(problem)) if problem.code != ErrorCode::UpgradeRequired => {
                    self.done(open, &waiting, Err(problem.code.as_str())).await?;
                }
                Err(CallError::Wait { retry_after }) if pauses < PAUSES_MAX && pause(retry_after).is_some() => {
                    pauses += 1;
                    tokio::select! {
                        // A lock waits for no server.
                        () = open.until_closed() => return Err(ClientError::locked()),
                        () = tokio::time::sleep(pause(retry_after).unwrap_or(RETRY_FIRST)) => {}
                    }
                    continue;
                }
                Err(error) => {
                    if matches!(error, CallError::NoConnection) && !waiting.tried {
                        self.not_begun(open, waiting.number).await?;
                    }
                    return Err(error.into());
                }
            }
            pauses = 0;
        }
        Ok(())
    }

    /// Nothing of it left this computer: it can be taken back here as before.
    async fn not_begun(&self, open: &Open, number: i64) -> CacheResult<()> {
        let mut tx = open.cache.begin().await?;
        rows::mark_untried(&mut tx, number).await?;
        Ok(tx.commit().await?)
    }

    /// The first that waits, marked as begun: from here on only the server can say that it did not happen. A payment that
    /// waited past its cut-off is not begun: the person says yes to another day, or does not.
    async fn next(&self, open: &Open) -> Result<Option<Waiting>, ClientError> {
        while let Some(first) = rows::first(open.cache.readers()).await? {
            if first.tried {
                return Ok(Some(first));
            }
            // The write lock decides against a cancel at the same moment.
            let mut tx = open.cache.begin().await?;
            let current = rows::first(&mut *tx).await?;
            if current.as_ref().map(|current| current.number) != Some(first.number) {
                return Ok(current.filter(|current| current.tried));
            }
            let Some(late) = self.0.payments().past_its_day(&first.entry) else {
                rows::mark_tried(&mut tx, first.number).await?;
                tx.commit().await.map_err(CacheError::from)?;
                return Ok(Some(first));
            };
            bills::refuse_payment(&mut tx, late, DAY_PASSED).await?;
            rows::remove(&mut tx, first.number).await?;
            tx.commit().await.map_err(CacheError::from)?;
            tracing::info!("a payment waited past its day and is asked about anew");
            self.0.save_outbox(open).await;
            self.0.tell(Changed::Book);
            self.0.tell(Changed::Status);
        }
        Ok(None)
    }

    /// Sends one change; `lines` are those of an import.
    async fn send(&self, waiting: &Waiting, lines: Sending) -> Result<Taken, CallError> {
        let id = waiting.entry.id;
        let keyed = |sending: Sending| Sending { idempotency: Some(id), ..sending };
        let (method, path, sending) = match &waiting.entry.change {
            Change::AddBill { bill } => (Method::Put, format!("/api/v1/bills/{}", bill.id), Sending::json(bill)?),
            Change::EditBill { bill, edit } => (Method::Patch, format!("/api/v1/bills/{bill}"), Sending::json(edit)?),
            Change::RemoveBill { bill } => (Method::Delete, format!("/api/v1/bills/{bill}"), Sending::default()),
            Change::EditMark { bill, due_on, edit } => {
                (Method::Patch, format!("/api/v1/bills/{bill}/occurrences/{due_on}"), Sending::json(edit)?)
            }
            Change::SetMark { mark } => {
                let path = format!("/api/v1/bills/{}/occurrences/{}", mark.bill, mark.due_on);
                (Method::Put, path, Sending::json(mark)?)
            }
            Change::ClearMark { bill, due_on } => {
                (Method::Delete, format!("/api/v1/bills/{bill}/occurrences/{due_on}"), Sending::default())
            }
            Change::AnswerReminder { answer } => {
                let path = format!("/api/v1/bills/{}/occurrences/{}/reminder", answer.bill, answer.due_on);
                (Method::Put, path, Sending::json(answer)?)
            }
            Change::PutBiller { biller } => {
                (Method::Put, format!("/api/v1/billers/{}", biller.id), Sending::json(biller)?)
            }
            Change::RemoveBiller { biller } => {
                (Method::Delete, format!("/api/v1/billers/{biller}"), Sending::default())
            }
            Change::PutIncome { income } => {
                (Method::Put, format!("/api/v1/incomes/{}", income.id), Sending::json(income)?)
            }
            Change::RemoveIncome { income } => {
                (Method::Delete, format!("/api/v1/incomes/{income}"), Sending::default())
            }
            Change::WishPlan { wishes } => (Method::Put, "/api/v1/plan".to_owned(), Sending::json(wishes)?),
            Change::AnswerSuggestion { answer } => {
                (Method::Put, format!("/api/v1/suggestions/{}", answer.id), Sending::json(answer)?)
            }
            Change::TakeBackSuggestion { suggestion } => {
                (Method::Delete, format!("/api/v1/suggestions/{suggestion}"), Sending::default())
            }
            Change::Pay { order, .. } => {
                // The server may have it from an earlier request. If not, it is not taken for a later day.
                let before = self.0.payments().agreed_until(&waiting.entry).filter(|_| waiting.tried);
                let before = before.map(|before| format!("?before={before}")).unwrap_or_default();
                (Method::Post, format!("/api/v1/payments{before}"), Sending::json(order)?)
            }
            Change::CancelPayment { payment } => {
                (Method::Post, format!("/api/v1/payments/{payment}/cancel"), Sending::default())
            }
            Change::EditAccount { account, edit } => {
                (Method::Patch, format!("/api/v1/accounts/{account}"), Sending::json(edit)?)
            }
            Change::PutPlan { account, plan } => {
                (Method::Put, format!("/api/v1/accounts/{account}/plans/{}", plan.id), Sending::json(plan)?)
            }
            Change::RemovePlan { account, plan } => {
                (Method::Delete, format!("/api/v1/accounts/{account}/plans/{plan}"), Sending::default())
            }
            Change::Restore { records } => {
                let part = RestorePart { records: records.clone(), each: true };
                (Method::Post, "/api/v1/restore".to_owned(), Sending::json(&part)?)
            }
            Change::Import { .. } => (Method::Post, "/api/v1/import".to_owned(), lines),
        };
        let creates = matches!(
            waiting.entry.change,
            Change::AddBill { .. }
                | Change::Import { .. }
                | Change::Restore { .. }
                | Change::PutBiller { .. }
                | Change::PutIncome { .. }
                | Change::WishPlan { .. }
                | Change::AnswerSuggestion { .. }
        );
        let answer = match self.0.call(method, &path, keyed(sending)).await {
            // A server that lacks the address cannot have judged the change: it waits for one that can.
            Err(CallError::Refused(problem)) if creates && problem.code == ErrorCode::NotFound => {
                return Err(CallError::NotAServer);
            }
            other => other?,
        };
        match &waiting.entry.change {
            Change::Pay { .. } | Change::CancelPayment { .. } => Ok(Taken::Payment(answer.json().await?)),
            Change::AddBill { bill } if bill.origin.is_some() => {
                let kept: Bill = answer.json().await?;
                Ok(if kept.id == bill.id { Taken::AsSent } else { Taken::InAnother(kept.id) })
            }
            Change::EditMark { edit, .. } if edit.instead_of.is_some() => {
                let kept: Mark = answer.json().await?;
                Ok(if edit.stands_in(&kept) { Taken::AsSent } else { Taken::InPart })
            }
            Change::Restore { .. } => {
                let restored: Restored = answer.json().await?;
                let refused = restored.refused.into_iter().map(|one| {
                    (self.0.fresh(MutationId::new), usize::try_from(one.at).unwrap_or(usize::MAX), one.code)
                });
                Ok(Taken::But(refused.collect()))
            }
            _ => Ok(Taken::AsSent),
        }
    }

    /// Takes a change off the queue with what the server said about it.
    async fn done(&self, open: &Open, waiting: &Waiting, answer: Result<Taken, &str>) -> Result<(), ClientError> {
        let at = self.0.now();
        let in_part = match &answer {
            Ok(Taken::InPart) => true,
            Ok(Taken::But(refused)) => !refused.is_empty(),
            _ => false,
        };
        let import = match waiting.entry.change {
            Change::Import { chunk, .. } => Some(chunk),
            _ => None,
        };
        // The lines stay here, and so does what would be sent: kept before the change that names it goes.
        match (import, &answer) {
            (Some(chunk), Err(outbox::UNREADABLE)) => open.beside.set_chunk_aside(chunk, at)?,
            (Some(chunk), Err(_)) => open.beside.keep_refused(chunk)?,
            _ => {}
        }
        let result = settle(open, waiting, &answer, at).await;
        self.0.watch(&result);
        result?;
        self.0.0.answered.fetch_add(1, Ordering::SeqCst);
        if let Some(chunk) = import {
            open.beside.remove_chunk(chunk)?;
        }
        self.0.save_outbox(open).await;
        if answer.is_err() || in_part {
            self.0.save_own(open).await;
        }
        self.0.tell(Changed::Book);
        self.0.tell(Changed::Status);
        Ok(())
    }
}

async fn packed_chunk(open: &Open, chunk: MutationId) -> CacheResult<Sending> {
    let beside = open.beside.clone();
    let packing = tokio::task::spawn_blocking(move || {
        let chunk = beside.read_chunk(chunk)?;
        let plain = serde_json::to_vec(&chunk).map_err(|_| CacheError::Damaged)?;
        zstd::bulk::compress(&plain, COMPRESSION).map_err(|_| CacheError::Damaged)
    });
    let packed = packing.await.map_err(|_| CacheError::Closed)??;
    Ok(Sending { body: Some(packed), content_type: Some("application/json"), packed: true, idempotency: None })
}

async fn settle(open: &Open, waiting: &Waiting, answer: &Result<Taken, &str>, at: Timestamp) -> CacheResult<()> {
    let mut tx = open.cache.begin().await?;
    if let (Ok(Taken::InAnother(kept)), Change::AddBill { bill }) = (answer, &waiting.entry.change) {
        outbox::rename_bill(&mut tx, bill.id, *kept).await?;
    }
    match (answer, &waiting.entry.change) {
        // What was shown in advance may be known by another id or gone for good: read everything again.
        (Ok(Taken::InAnother(_)), _) => state::remove(&mut *tx, state::CURSOR).await?,
        (Ok(taken), Change::Restore { records }) => {
            state::remove(&mut *tx, state::CURSOR).await?;
            let refused = if let Taken::But(refused) = taken { refused.as_slice() } else { &[] };
            for (id, at_place, code) in refused {
                if let Some(record) = records.get(*at_place) {
                    let alone = Change::Restore { records: vec![record.clone()] };
                    refusals::note(&mut tx, &alone.what(), code, at, Some((*id, &alone))).await?;
                }
            }
        }
        (Ok(Taken::InPart), change) => {
            state::remove(&mut *tx, state::CURSOR).await?;
            refusals::note(&mut tx, &change.what(), ErrorCode::VersionConflict.as_str(), at, None).await?;
        }
        (Ok(Taken::Payment(payment)), _) => bills::put_payment(&mut tx, payment).await?,
        (Ok(Taken::AsSent | Taken::But(_)), _) => {}
        (Err(code), Change::Pay { order, .. }) => bills::refuse_payment(&mut tx, order.id, code).await?,
        (Err(code), change @ Change::Import { .. }) => {
            refusals::note(&mut tx, &change.what(), code, at, Some((waiting.entry.id, change))).await?;
        }
        (Err(code), change) => {
            // What was shown in advance is not so: read everything again.
            state::remove(&mut *tx, state::CURSOR).await?;
            refusals::note(&mut tx, &change.what(), code, at, Some((waiting.entry.id, change))).await?;
        }
    }
    rows::remove(&mut tx, waiting.number).await?;
    Ok(tx.commit().await?)
}

// ---- Reading ----------------------------------------------------------------------------------------------------

impl Sync {
    /// Reads the feed to its end.
    async fn pull(&self, open: &Arc<Open>) -> Result<(), ClientError> {
        let unread: Option<Unread> = state::find(open.cache.readers(), state::UNREAD).await?;
        if unread.is_some_and(|unread| unread.is_of_another_version()) {
            // This version may know what the one before did not.
            let mut tx = open.cache.begin().await?;
            state::remove(&mut *tx, state::CURSOR).await?;
            state::remove(&mut *tx, state::UNREAD).await?;
            tx.commit().await.map_err(CacheError::from)?;
        }
        for _ in 0..PAGES_MAX {
            let Some(cursor) = state::find::<String>(open.cache.readers(), state::CURSOR).await? else {
                self.load_snapshot(open).await?;
                continue;
            };
            let answer = self.0.call(Method::Get, &feed_from(&cursor), Sending::default()).await;
            let PageTold { page, unread } = match answer {
                Err(CallError::Refused(problem)) if problem.code == ErrorCode::CursorExpired => {
                    self.load_snapshot(open).await?;
                    continue;
                }
                other => other?.json().await?,
            };
            if !page.changes.is_empty() || page.cursor != cursor {
                let result = apply_page(open, &page, unread).await;
                self.0.watch(&result);
                result?;
            }
            if !page.changes.is_empty() {
                self.told(open).await?;
            }
            if !page.more {
                break;
            }
        }
        Ok(())
    }

    async fn told(&self, open: &Open) -> Result<(), ClientError> {
        open.read_names().await?;
        self.0.tell(Changed::Book);
        self.0.tell(Changed::Status);
        self.0.reminders().withdraw_settled().await
    }

    /// Replaces the whole copy by the server's state of one moment, in one transaction.
    async fn load_snapshot(&self, open: &Arc<Open>) -> Result<(), ClientError> {
        let answer = self.0.call(Method::Get, "/api/v1/sync/snapshot", Sending::default()).await?;
        let (batches, incoming) = mpsc::channel(BATCHES_AHEAD);
        // Reading and writing at the same time: parsing is half of the work.
        let reading = tokio::spawn(read_snapshot(Arc::clone(open), answer.into_response(), batches));
        let written = write_snapshot(open, incoming, self.0.now()).await;
        let read = reading.await.map_err(|_| ClientError::locked())?;
        self.0.watch(&written);
        // A broken transfer is the cause, not its consequence.
        read?;
        written?;
        self.0.save_outbox(open).await;
        self.told(open).await
    }
}

/// The cursor is opaque: whatever stands in it arrives as it was given.
fn feed_from(cursor: &str) -> String {
    let mut path = "/api/v1/sync?cursor=".to_owned();
    for byte in cursor.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// What the reader of a snapshot hands over.
enum Part {
    Head(SnapshotHead),
    Lines(Vec<Transaction>),
    Other(Box<Record>),
    /// Of a newer server; an entry of the security log with its number.
    Unread(Option<i64>),
    /// All records of the head's number came; what they were, in one value.
    End(Digest),
}

async fn read_snapshot(open: Arc<Open>, response: reqwest::Response, to: mpsc::Sender<Part>) -> Result<(), CallError> {
    let mut stream = response.bytes_stream();
    let mut buffer: Vec<u8> = Vec::new();
    let mut lines: Vec<Transaction> = Vec::new();
    let mut left: Option<u64> = None;
    let mut came = Context::new(&SHA256);
    loop {
        let next = tokio::select! {
            biased;
            // The writer is let go with this end: a lock waits for no network.
            () = open.until_closed() => return Err(CallError::Locked),
            next = stream.next() => next,
        };
        let Some(bytes) = next else { break };
        buffer.extend_from_slice(&bytes?);
        let mut start = 0;
        while let Some(length) = buffer[start..].iter().position(|byte| *byte == b'\n') {
            let line = &buffer[start..start + length];
            start += length + 1;
            if line.is_empty() {
                continue;
            }
            came.update(line);
            let Some(count) = &mut left else {
                let head: SnapshotHead = serde_json::from_slice(line).map_err(|_| CallError::NotAServer)?;
                left = Some(head.records);
                hand(&to, Part::Head(head)).await?;
                continue;
            };
            *count = count.checked_sub(1).ok_or(CallError::NotAServer)?;
            match records::told(line)? {
                Told::Known(record) => match *record {
                    Record::Transaction(line) => lines.push(line),
                    other => hand(&to, Part::Other(Box::new(other))).await?,
                },
                Told::Unread(entry) => hand(&to, Part::Unread(entry)).await?,
            }
            if lines.len() >= BATCH {
                hand(&to, Part::Lines(std::mem::take(&mut lines))).await?;
            }
        }
        buffer.drain(..start);
        if buffer.len() > LINE_MAX {
            return Err(CallError::NotAServer);
        }
    }
    if left != Some(0) || !buffer.is_empty() {
        return Err(CallError::Unreachable);
    }
    hand(&to, Part::Lines(lines)).await?;
    hand(&to, Part::End(digest_of(came))).await
}

async fn hand(to: &mpsc::Sender<Part>, part: Part) -> Result<(), CallError> {
    to.send(part).await.map_err(|_| CallError::Locked)
}

async fn write_snapshot(open: &Open, mut parts: mpsc::Receiver<Part>, now: Timestamp) -> CacheResult<()> {
    let mut tx = open.cache.begin().await?;
    transactions::clear(&mut tx).await?;
    bills::clear(&mut tx).await?;
    methods::clear(&mut tx).await?;
    autopay::clear(&mut tx).await?;
    paydays::clear(&mut tx).await?;
    purchases::clear(&mut tx).await?;
    disputes::clear(&mut tx).await?;
    orders::clear(&mut tx).await?;
    rewards::clear(&mut tx).await?;
    wallet::clear(&mut tx).await?;
    suggestions::clear(&mut tx).await?;
    state::remove(&mut *tx, state::STANDING).await?;
    state::remove(&mut *tx, state::UNREAD).await?;
    let (mut cursor, mut came, mut unread) = (String::new(), None, Unread::default());
    while let Some(part) = parts.recv().await {
        if open.is_closed() {
            // A lock does not wait for the rest.
            return Err(CacheError::Closed);
        }
        match part {
            Part::Head(head) => {
                state::put(&mut *tx, state::CURSOR, &head.cursor).await?;
                cursor = head.cursor;
            }
            Part::Lines(lines) => add_fresh(&mut tx, lines).await?,
            Part::Other(record) => apply_record(&mut tx, &record).await?,
            Part::Unread(entry) => unread.add(entry),
            Part::End(digest) => came = Some(digest),
        }
    }
    // The reader says why; this transaction is undone.
    let came = came.ok_or(CacheError::Closed)?;
    open.cache.chain(&mut tx, &cursor, &came).await?;
    unread.keep_beside(&mut tx).await?;
    outbox::reapply_all(&mut tx, &open.beside, now).await?;
    Ok(tx.commit().await?)
}

/// Adds lines to tables that held none: nothing is looked up.
async fn add_fresh(tx: &mut Tx, lines: Vec<Transaction>) -> CacheResult<()> {
    let wanted = lines.iter().map(|line| (line.account, line.amount.currency()));
    let numbers = accounts::numbers_of(tx, wanted).await?;
    let first = transactions::take_lines(tx, lines.len()).await?;
    let mut rows = Vec::with_capacity(lines.len());
    for (number, line) in (first..).zip(lines) {
        let account = *numbers.get(&line.account).ok_or(CacheError::Damaged)?;
        rows.push(transactions::new_line(line, account, number));
    }
    rows.sort_unstable_by_key(|row| row.seq);
    transactions::add_all(tx, &rows).await
}

async fn apply_page(open: &Open, page: &Page, unread: Unread) -> CacheResult<()> {
    let mut tx = open.cache.begin().await?;
    let lines: Vec<&Transaction> = page
        .changes
        .iter()
        .filter_map(|Fed { record, .. }| match record {
            Record::Transaction(line) => Some(line),
            _ => None,
        })
        .collect();
    let wanted = lines.iter().map(|line| (line.account, line.amount.currency()));
    let numbers = accounts::numbers_of(&mut tx, wanted).await?;
    transactions::apply_all(&mut tx, &numbers, &lines).await?;
    for change in &page.changes {
        apply_record(&mut tx, &change.record).await?;
    }
    unread.keep_beside(&mut tx).await?;
    outbox::reapply(&mut tx, &open.beside).await?;
    state::put(&mut *tx, state::CURSOR, &page.cursor).await?;
    let mut came = Context::new(&SHA256);
    came.update(&serde_json::to_vec(&page.changes).map_err(|_| CacheError::Damaged)?);
    open.cache.chain(&mut tx, &page.cursor, &digest_of(came)).await?;
    Ok(tx.commit().await?)
}

fn digest_of(came: Context) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(came.finish().as_ref());
    digest
}

/// Everything but transactions, which go in batches.
pub(crate) async fn apply_record(tx: &mut Tx, record: &Record) -> CacheResult<()> {
    match record {
        Record::Transaction(_) => Ok(()),
        Record::Account(account) => accounts::put(tx, account).await,
        Record::Bill(bill) => bills::put_bill(tx, bill).await,
        Record::Mark(mark) => bills::put_mark(tx, mark).await,
        Record::ReminderAnswer(answer) => reminders::answered(tx, answer).await,
        Record::OwnBiller(biller) => bills::put_own_biller(tx, biller).await,
        Record::Income(income) => paydays::put(tx, income).await,
        Record::PlanWishes(wishes) => paydays::wish(tx, *wishes).await,
        Record::SuggestionAnswer(answer) => suggestions::answer(tx, answer).await,
        Record::Purchase(purchase) => purchases::put(tx, purchase).await,
        Record::Dispute(dispute) => disputes::put(tx, dispute).await,
        Record::Order(order) => orders::put(tx, order).await,
        Record::Method(method) => methods::put(tx, method).await,
        Record::Autopay(one) => autopay::put(tx, one).await,
        Record::Statement(summary) => bills::put_statement(tx, summary).await,
        Record::Reward(reward) => rewards::put(tx, reward).await,
        Record::Wallet(one) => wallet::put(tx, one).await,
        Record::WalletMove(moved) => wallet::put_move(tx, moved).await,
        Record::Payment(payment) => bills::put_payment(tx, payment).await,
        Record::SecurityEvent(event) => security::put(tx, event).await,
        Record::Standing(standing) => state::put(&mut **tx, state::STANDING, standing).await,
        Record::Gone(gone) => match gone {
            Gone::Account { id } => accounts::remove(tx, *id).await,
            // An older file does not bring it back on this device either.
            Gone::Transaction { id } => {
                transactions::remember_replaced(tx, &[*id]).await?;
                transactions::remove_all(tx, &[*id]).await
            }
            Gone::Bill { id } => bills::remove_bill(tx, *id).await,
            Gone::Mark { bill, due_on } => bills::remove_mark(tx, *bill, *due_on).await,
            Gone::ReminderAnswer { bill, due_on } => reminders::forget_answer(tx, *bill, *due_on).await,
            Gone::Income { id } => paydays::remove(tx, *id).await,
            Gone::OwnBiller { id } => bills::remove_own_biller(tx, *id).await,
            Gone::Method { id } => methods::remove(tx, *id).await,
            Gone::Autopay { of } => autopay::remove(tx, *of).await,
            Gone::SuggestionAnswer { id } => suggestions::take_back(tx, *id).await,
        },
    }
}

/// Says how the copy stands, for `check`.
impl Client {
    pub async fn cache_is_sound(&self) -> Result<bool, ClientError> {
        let sound = self.with(async |open| Ok(open.cache.is_sound().await)).await?;
        if !sound {
            self.watch::<()>(&Err(cache::CacheError::Damaged));
        }
        Ok(sound)
    }

    /// The version of the library that encrypts the copy.
    pub async fn cipher_version(&self) -> Result<String, ClientError> {
        self.with(async |open| open.cache.cipher_version().await).await
    }
}
