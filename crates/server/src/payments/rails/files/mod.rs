//! Rails that work by files. Orders are kept until the day's cut-off and go out as one file; what a bank sends back
//! comes in as files. A file leaves by one rename, so a crash at any moment sends it once: its bytes follow from the
//! batch, it stands in full beside the outbox before it leaves, and if it is not there any more it has left.

pub mod folder;
mod intake;
mod reconcile;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::calendar::Calendar;
use domain::ids::{BillerId, HolderId};
use domain::money::{Currency, Money};
use domain::payments::{PaymentOrder, RailTiming};
use domain::rails::{Again, PRESENTED_AGAIN_DAYS, Presented, RATE_DAYS, RateAlarm, ReturnClass, ReturnCounts};
use domain::time::Clock;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::db::{Db, DbError, DbResult, Read, Tx};
use crate::payments::rail::{Answer, Rail, RailOrder, Unfit};
use crate::payments::store::Stored;
use folder::{Folder, FolderError, HandedOver};
pub use intake::{Taken, take_in};
pub use reconcile::Reconciled;
pub use store::Exception;
use store::{Batch, BatchState, Kept, Raised};

/// After the cut-off, money that was missing is looked for once more; then the file is made.
const LAST_RUN_AFTER: SignedDuration = SignedDuration::from_mins(20);
/// So long after the cut-off a file takes the day's orders along.
const CLOSES_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// The bank's own cut-off is at least so long after ours: what it gets later is of its next day.
const BANK_CLOSES_AFTER: SignedDuration = SignedDuration::from_mins(45);
/// An order that waits for its file, or for the bank, is looked at so often.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// A node that has the turn and dies gives it up after so long.
const TURN: SignedDuration = SignedDuration::from_mins(2);
/// One file takes at most so many orders; the others go with the next one, at once.
const BATCH_ORDERS_MAX: i64 = 50_000;
/// So many files a day can be told apart.
const FILES_OF_A_DAY_MAX: i64 = 36;
/// The exceptions and silent orders that are looked at in one turn, or shown.
const LIST_MAX: i64 = 1_000;
/// Trace numbers end in seven digits.
const SEQUENCE_MAX: i64 = 9_999_999;
/// What a bank says of an order's state, and not of its account, is named so.
pub(super) const OF_STATUS: &str = "status ";
/// Credits settle in the morning of their day.
const SETTLES_AT: Time = Time::constant(8, 30, 0, 0);

/// How one format writes orders and reads answers.
pub(super) trait Format: Send + Sync {
    /// The rail's stored name: "nacha".
    fn name(&self) -> &'static str;
    fn extension(&self) -> &'static str;
    /// Whether an order can be written at all.
    fn takes(&self, biller: BillerId, amount: Money) -> Result<(), Unfit>;
    /// What the bank's answers will call an order.
    fn trace(&self, key: &str, sequence: u32) -> String;
    /// The file; the same batch gives the same bytes.
    fn write(&self, batch: &Writing<'_>) -> Result<Vec<u8>, String>;
    fn read(&self, bytes: &[u8]) -> Result<Incoming, String>;
    /// Whether the bank says that it took an order. Where it does not, a file that was handed over counts as taken.
    fn tells_acceptance(&self) -> bool;
}

/// A batch as a format writes it.
pub(super) struct Writing<'a> {
    pub message: &'a str,
    pub number: i64,
    /// In the rail's zone: orders leave on its day.
    pub made_at: DateTime,
    /// A to Z, then 0 to 9.
    pub modifier: char,
    /// The banking day on which the bank has it.
    pub leaves_on: Date,
    pub effective_on: Date,
    pub orders: &'a [Kept],
    /// Comes after the last order's.
    pub next_sequence: u32,
}

/// What a file of a bank says.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub records: Vec<Record>,
    pub rejected: Vec<formats::Rejected>,
}

/// One thing that a bank says.
#[derive(Debug)]
pub(super) struct Record {
    pub line: u32,
    pub about: About,
    pub what: What,
    pub amount: Option<Money>,
    /// The bank's own name for it.
    pub trace: String,
}

impl Record {
    /// What it is noted as with an order: a record of several orders counts once for each.
    fn trace_for(&self, key: &str) -> String {
        format!("{} {key}", self.trace)
    }
}

/// Which order it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum About {
    Trace(String),
    Key(String),
    /// All orders of a file of which nothing else is said.
    Message(String),
    /// None that it names.
    Nothing,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Pending,
    Accepted,
    Refused {
        code: String,
    },
    Settled,
    Returned {
        code: String,
    },
    /// The payee's account has other details now.
    Changed {
        code: String,
    },
    /// Money that no order of ours moved.
    Unasked,
}

/// When a rail works, and where its files are.
#[derive(Clone, Debug)]
pub struct FileRailSettings {
    pub currency: Currency,
    pub folder: std::path::PathBuf,
    pub calendar: Calendar,
    pub cutoff: Time,
    pub zone: TimeZone,
    pub banking_days_to_arrive: u16,
}

/// A moment at which a test lets the server die, or a folder fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Closing,
    Staging,
    NotingStaged,
    HandingOver,
    NotingHanded,
    Reading,
}

/// Why a turn did not come to its end; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("the rail's folder is not there, or is another one")]
    Away,
    #[error("files left that the database does not know: it is an older one that was put back; run `rails reconcile`")]
    Behind,
    #[error("what the folder says of file {0} does not read")]
    Unreadable(i64),
    #[error("another node works on the rail; try again")]
    Busy,
    #[error("a test ends the server here")]
    Ended,
}

/// One rail that works by files.
pub struct FileRail {
    db: Db,
    clock: Arc<dyn Clock>,
    settings: FileRailSettings,
    timing: RailTiming,
    folder: Folder,
    /// As this node saw it last.
    folder_is_away: AtomicBool,
    format: Box<dyn Format>,
    #[cfg(test)]
    ends_before: std::sync::Mutex<Option<Moment>>,
}

impl FileRail {
    pub(super) fn new(db: Db, clock: Arc<dyn Clock>, settings: FileRailSettings, format: Box<dyn Format>) -> Self {
        let timing = RailTiming {
            calendar: settings.calendar,
            cutoff: Some(settings.cutoff),
            zone: settings.zone.clone(),
            banking_days_to_arrive: settings.banking_days_to_arrive,
        };
        Self {
            db,
            clock,
            timing,
            folder: Folder::new(settings.folder.clone()),
            folder_is_away: AtomicBool::new(false),
            settings,
            format,
            #[cfg(test)]
            ends_before: std::sync::Mutex::default(),
        }
    }

    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.settings.currency
    }

    #[cfg(test)]
    fn reach(&self, moment: Moment) -> Result<(), FilesError> {
        let mut ends_before = self.ends_before.lock().expect("no test panicked here");
        if *ends_before == Some(moment) {
            *ends_before = None;
            return Err(FilesError::Ended);
        }
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests alone end a server")]
    const fn reach(&self, _: Moment) -> Result<(), FilesError> {
        Ok(())
    }

    fn today(&self) -> Date {
        self.clock.now().to_zoned(self.settings.zone.clone()).date()
    }

    fn moment(&self, day: Date, time: Time) -> DbResult<Timestamp> {
        let zoned = day.to_datetime(time).to_zoned(self.settings.zone.clone());
        zoned.map(|zoned| zoned.timestamp()).map_err(|_| DbError::Corrupt("a day"))
    }

    /// The banking day of which a file is that the bank gets at this moment.
    fn bank_day(&self, at: Timestamp) -> DbResult<Date> {
        let calendar = self.settings.calendar;
        let day = at.to_zoned(self.settings.zone.clone()).date();
        let closes = self.moment(day, self.settings.cutoff)?.saturating_add(BANK_CLOSES_AFTER);
        let is_late = at > closes.map_err(|_| DbError::Corrupt("a day"))?;
        Ok(if is_late { calendar.next_banking_day(day) } else { calendar.on_or_after(day) })
    }

    /// When the next file is made that an order of now goes with.
    fn closes_next(&self, now: Timestamp) -> DbResult<Timestamp> {
        let calendar = self.settings.calendar;
        let mut day = calendar.on_or_after(now.to_zoned(self.settings.zone.clone()).date());
        loop {
            let closes = self.moment(day, self.settings.cutoff)?.saturating_add(CLOSES_AFTER);
            let closes = closes.map_err(|_| DbError::Corrupt("a day"))?;
            if closes > now {
                return Ok(closes);
            }
            day = calendar.next_banking_day(day);
        }
    }

    // ---- Orders --------------------------------------------------------------------------------------------------

    /// An order that is here already is answered as it stands: it may be with the bank, whatever the rail could not carry
    /// since.
    async fn take(&self, order: RailOrder) -> DbResult<Answer> {
        let now = self.clock.now();
        let mut tx = self.db.begin_write().await?;
        if let Some(kept) = store::find_order(&mut tx, self.name(), &order.key).await? {
            return self.answer(&kept);
        }
        if let Err(unfit) = self.format.takes(order.biller, order.amount) {
            return Ok(Answer::Refused { code: unfit.code().to_owned() });
        }
        let kept = Kept {
            key: order.key.clone(),
            biller: order.biller,
            amount: order.amount,
            payer_name: order.payer_name,
            payer_reference: order.payer_reference,
            leaves_at: self.closes_next(now)?,
            sequence: None,
            trace: None,
            accepted: false,
            refused: None,
            settled: None,
            returned: None,
            batch: None,
        };
        store::add_order(&mut tx, self.name(), &kept, now).await?;
        let kept = store::find_order(&mut tx, self.name(), &order.key).await?;
        tx.commit().await?;
        self.answer(&kept.ok_or(DbError::Corrupt("an order of a rail"))?)
    }

    async fn find(&self, key: &str) -> DbResult<Answer> {
        let mut tx = self.db.read_once().await?;
        let kept = store::find_order(&mut tx, self.name(), key).await?;
        kept.map_or(Ok(Answer::Absent), |kept| self.answer(&kept))
    }

    /// What is known of an order, from its row alone.
    fn answer(&self, order: &Kept) -> DbResult<Answer> {
        let now = self.clock.now();
        if let Some(code) = &order.refused {
            return Ok(Answer::Refused { code: code.clone() });
        }
        let later = now.saturating_add(LOOK_EVERY).unwrap_or(now);
        let Some(batch) = &order.batch else {
            return Ok(Answer::Queued { look_at: later.max(order.leaves_at) });
        };
        // The trace number alone is used anew after ten million orders.
        let reference = format!("{}/{}", batch.number, order.trace.as_deref().unwrap_or_default());
        if let Some((trace, code)) = &order.returned {
            // A bank may give the movement back the name of the one before.
            let trace = format!("back {trace}");
            return Ok(Answer::Returned { reference, trace, amount: order.amount, code: code.clone() });
        }
        // A file that was handed over late arrives late, whatever day it names.
        let arrives_on = batch.handed_at.map_or(Ok::<_, DbError>(batch.effective_on), |at| {
            let days = self.settings.banking_days_to_arrive;
            Ok(self.settings.calendar.add_banking_days(self.bank_day(at)?, days).max(batch.effective_on))
        })?;
        let settles_at = self.moment(arrives_on, SETTLES_AT)?;
        let has_arrived = !self.format.tells_acceptance() && settles_at <= now;
        match (&order.settled, batch.handed_at) {
            (Some(trace), _) => Ok(Answer::Settled { reference, trace: trace.clone(), amount: order.amount }),
            // Credits that nobody returns settle on their day; no file says so.
            (None, Some(_)) if has_arrived => {
                Ok(Answer::Settled { trace: format!("set {reference}"), reference, amount: order.amount })
            }
            (None, Some(_)) if order.accepted || !self.format.tells_acceptance() => {
                Ok(Answer::Accepted { reference, look_at: settles_at.max(later) })
            }
            _ => Ok(Answer::Queued { look_at: later }),
        }
    }

    // ---- The turn ------------------------------------------------------------------------------------------------

    /// Does everything that is due on this rail, unless another node is at it.
    pub(crate) async fn turn(&self, app: &App) -> Result<(), FilesError> {
        let done = self.turn_in_folder(app).await;
        match done {
            Err(FilesError::Away) => {
                self.folder_is_away.store(true, Ordering::SeqCst);
                let words = "the rail's folder is not there, or is another one; no file leaves until it is mounted";
                self.say_daily("folder_away", words).await?;
            }
            Err(FilesError::Behind) => {
                let words =
                    "files left that the database does not know; no file leaves until `rails reconcile` was run";
                self.say_daily("database_behind", words).await?;
            }
            Ok(()) => self.folder_is_away.store(false, Ordering::SeqCst),
            Err(
                FilesError::Db(_)
                | FilesError::Folder(_)
                | FilesError::Unreadable(_)
                | FilesError::Busy
                | FilesError::Ended,
            ) => {}
        }
        done
    }

    /// Whether this node found no folder of the rail when it looked last: nothing goes out from here.
    pub(crate) fn folder_is_away(&self) -> bool {
        self.folder_is_away.load(Ordering::SeqCst)
    }

    /// A node without the rail's folder leaves the turn to others.
    async fn turn_in_folder(&self, app: &App) -> Result<(), FilesError> {
        let known = store::folder_id(&mut self.db.read_once().await?, self.name()).await?;
        if let Some(id) = &known
            && !self.folder.prepare(id).await?
        {
            return Err(FilesError::Away);
        }
        let now = self.clock.now();
        let mut tx = self.db.begin_write().await?;
        let until = now.saturating_add(TURN).unwrap_or(now);
        let mine = store::take_turn(&mut tx, self.name(), now, until).await?;
        tx.commit().await?;
        if !mine {
            return Ok(());
        }
        let done = match known {
            Some(id) => self.work(app, &id).await,
            None => self.begin(app).await,
        };
        let mut tx = self.db.begin_write().await?;
        store::end_turn(&mut tx, self.name(), until).await?;
        tx.commit().await?;
        done
    }

    /// The first turn: notes which folder is the rail's. One of a rail that made files already must be there.
    async fn begin(&self, app: &App) -> Result<(), FilesError> {
        let id = data_encoding::HEXLOWER.encode(&app.chance10());
        let mut tx = self.db.read_once().await?;
        let is_new = store::last_batches(&mut tx, self.name(), 1).await?.is_empty();
        drop(tx);
        let id = self.folder.begin(id, is_new).await?.ok_or(FilesError::Away)?;
        let mut tx = self.db.begin_write().await?;
        store::note_folder(&mut tx, self.name(), &id).await?;
        let id = store::folder_id(&mut tx, self.name()).await?.ok_or(DbError::Corrupt("a rail's folder"))?;
        tx.commit().await?;
        if !self.folder.prepare(&id).await? {
            return Err(FilesError::Away);
        }
        self.work(app, &id).await
    }

    /// Puts before a person, once a day, why no file leaves.
    async fn say_daily(&self, kind: &'static str, words: &str) -> DbResult<()> {
        let raised = Raised { about: format!("{kind} {}", self.today()), kind, words, ..Raised::default() };
        let mut tx = self.db.begin_write().await?;
        self.raise(&mut tx, &raised).await?;
        tx.commit().await
    }

    async fn work(&self, app: &App, folder: &str) -> Result<(), FilesError> {
        self.demand_not_behind().await?;
        while self.close().await? {}
        let mut tx = self.db.read_once().await?;
        let batches = store::open_batches(&mut tx, self.name()).await?;
        drop(tx);
        for batch in batches {
            self.send(folder, &batch).await?;
        }
        intake::take_in_all(self, app).await?;
        self.look_for_silence().await?;
        self.look_at_rates().await
    }

    /// Makes a batch of the orders that are due; false when there are none, or today's files are used up.
    async fn close(&self) -> Result<bool, FilesError> {
        self.reach(Moment::Closing)?;
        let (rail, now) = (self.name(), self.clock.now());
        let mut tx = self.db.begin_write().await?;
        let keys = store::due_orders(&mut tx, rail, now, BATCH_ORDERS_MAX).await?;
        if keys.is_empty() {
            return Ok(false);
        }
        let day = self.today();
        let of_day = store::made_since(&mut tx, rail, self.moment(day, Time::midnight())?).await?;
        if of_day >= FILES_OF_A_DAY_MAX {
            return Ok(false);
        }
        let (number, mut sequence) = store::next_numbers(&mut tx, rail).await?;
        let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        // As many again are for what balances the batch; within a batch numbers only grow.
        if sequence + 2 * count > SEQUENCE_MAX {
            sequence = 1;
        }
        let name = format!("{rail}-{}-{number:06}.{}", day.strftime("%Y%m%d"), self.format.extension());
        let batch = Batch {
            number,
            state: BatchState::Closed,
            file_name: name,
            made_at: now,
            of_day,
            effective_on: self
                .settings
                .calendar
                .add_banking_days(self.bank_day(now)?, self.settings.banking_days_to_arrive),
            orders: count,
        };
        store::add_batch(&mut tx, rail, &batch, sequence + 2 * count).await?;
        for (key, place) in keys.iter().zip(sequence..) {
            let place = u32::try_from(place).map_err(|_| DbError::Corrupt("a sequence"))?;
            store::place(&mut tx, rail, key, number, place, &self.format.trace(key, place)).await?;
        }
        tx.commit().await?;
        tracing::info!(rail, batch = number, orders = count, "a file of orders is closed");
        Ok(true)
    }

    /// The bytes of a batch's file: always the same.
    async fn bytes_of(&self, batch: &Batch) -> DbResult<Result<Vec<u8>, String>> {
        let mut tx = self.db.read_once().await?;
        let orders = store::batch_orders(&mut tx, self.name(), batch.number).await?;
        drop(tx);
        let last = orders.last().and_then(|order| order.sequence).ok_or(DbError::Corrupt("a batch"))?;
        let modifier = u8::try_from(batch.of_day).ok().and_then(modifier).ok_or(DbError::Corrupt("a batch's place"))?;
        Ok(self.format.write(&Writing {
            message: message_of(&batch.file_name),
            number: batch.number,
            made_at: batch.made_at.to_zoned(self.settings.zone.clone()).datetime(),
            modifier,
            leaves_on: self.bank_day(batch.made_at)?,
            effective_on: batch.effective_on,
            orders: &orders,
            next_sequence: last + 1,
        }))
    }

    /// Takes a batch's file to the outbox, from wherever a crash left it.
    async fn send(&self, folder: &str, batch: &Batch) -> Result<(), FilesError> {
        if batch.state == BatchState::Closed {
            // An older database that was put back may know a batch as not yet written that has left.
            match self.sent(batch.number).await? {
                Some(sent) => {
                    let step = (BatchState::Closed, BatchState::Staged);
                    let mut tx = self.db.begin_write().await?;
                    let digest = Some(sent.digest.as_str());
                    store::step_batch(&mut tx, self.name(), batch.number, step, digest, self.clock.now()).await?;
                    tx.commit().await?;
                }
                None if self.stage(batch).await? => {}
                None => return Ok(()),
            }
        }
        self.note_sent(batch).await?;
        self.reach(Moment::HandingOver)?;
        // Gone from beside the outbox: it left before a crash, and is never made again.
        match self.folder.hand_over(folder, &batch.file_name).await? {
            HandedOver::Now | HandedOver::Before => {}
            HandedOver::Away => return Err(FilesError::Away),
            HandedOver::Blocked => {
                let words = "another file of that name is in the outbox; this one waits beside it";
                return self.stuck(batch, BatchState::Staged, words).await;
            }
        }
        self.reach(Moment::NotingHanded)?;
        let now = self.clock.now();
        let mut tx = self.db.begin_write().await?;
        let step = (BatchState::Staged, BatchState::Handed);
        store::step_batch(&mut tx, self.name(), batch.number, step, None, now).await?;
        tx.commit().await?;
        tracing::info!(rail = self.name(), batch = batch.number, "a file of orders was handed over");
        Ok(())
    }

    /// Writes the file in full beside the outbox; false when it cannot be, or another node was first. Whoever takes the
    /// step alone touches the folder: the row is theirs until the file stands there.
    async fn stage(&self, batch: &Batch) -> Result<bool, FilesError> {
        self.reach(Moment::Staging)?;
        let bytes = match self.bytes_of(batch).await? {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.stuck(batch, BatchState::Closed, &reason).await?;
                return Ok(false);
            }
        };
        let digest = digest(&bytes);
        let mut tx = self.db.begin_write().await?;
        let step = (BatchState::Closed, BatchState::Staged);
        if !store::step_batch(&mut tx, self.name(), batch.number, step, Some(&digest), self.clock.now()).await? {
            return Ok(false);
        }
        self.folder.stage(&batch.file_name, bytes).await?;
        self.reach(Moment::NotingStaged)?;
        tx.commit().await?;
        Ok(true)
    }

    /// A batch that cannot go by itself is put before a person; its orders keep their money set aside.
    async fn stuck(&self, batch: &Batch, from: BatchState, words: &str) -> Result<(), FilesError> {
        let now = self.clock.now();
        let mut tx = self.db.begin_write().await?;
        store::step_batch(&mut tx, self.name(), batch.number, (from, BatchState::Stuck), None, now).await?;
        let raised = Raised {
            about: format!("stuck {} {now}", batch.number),
            kind: "file_stuck",
            file_name: Some(&batch.file_name),
            words,
            ..Raised::default()
        };
        self.raise(&mut tx, &raised).await?;
        tx.commit().await?;
        Ok(())
    }

    /// An order of which the bank says nothing for more than a banking day is for a person to ask about.
    async fn look_for_silence(&self) -> Result<(), FilesError> {
        if !self.format.tells_acceptance() {
            return Ok(());
        }
        let days = self.settings.banking_days_to_arrive.saturating_add(1);
        let before = self.settings.calendar.subtract_banking_days(self.today(), days);
        let before = self.moment(before, Time::midnight())?;
        let mut tx = self.db.begin_write().await?;
        for key in store::unanswered(&mut tx, self.name(), before, LIST_MAX).await? {
            let raised = Raised {
                about: format!("silent {key}"),
                kind: "silent",
                key: Some(&key),
                words: "the bank has not said what became of this order; ask it, and never send the order anew",
                ..Raised::default()
            };
            self.raise(&mut tx, &raised).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Too many returns are put before a person, once a day and rate.
    async fn look_at_rates(&self) -> Result<(), FilesError> {
        let mut tx = self.db.begin_write().await?;
        for alarm in self.rates(&mut tx).await?.alarms() {
            let raised = Raised {
                about: format!("rate {alarm:?} {}", self.today()),
                kind: "rate",
                words: alarm.words(),
                ..Raised::default()
            };
            self.raise(&mut tx, &raised).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn rates(&self, tx: &mut Tx) -> DbResult<ReturnCounts> {
        let now = self.clock.now();
        let since = now.saturating_sub(SignedDuration::from_hours(24 * RATE_DAYS)).unwrap_or(now);
        let (sent, back) = store::returns_since(tx, self.name(), since).await?;
        let mut counts = ReturnCounts { sent: u64::try_from(sent).unwrap_or(0), ..ReturnCounts::default() };
        for (code, count) in back {
            counts.add(&code, u64::try_from(count).unwrap_or(0));
        }
        Ok(counts)
    }

    /// Puts something before a person; it is answered within a banking day. Gives its number where it is new.
    async fn raise(&self, tx: &mut Tx, raised: &Raised<'_>) -> DbResult<Option<i64>> {
        let due_on = self.settings.calendar.add_banking_days(self.today(), 1);
        let number = store::raise(tx, self.name(), raised, self.clock.now(), due_on).await?;
        if let Some(number) = number {
            tracing::warn!(rail = self.name(), number, kind = raised.kind, "a rail needs a person");
        }
        Ok(number)
    }

    // ---- For operators -------------------------------------------------------------------------------------------

    /// How the rail stands.
    pub async fn status(&self) -> DbResult<Status> {
        let mut tx = self.db.read_once().await?;
        let (waiting, open, overdue) = store::counts(&mut tx, self.name(), self.today()).await?;
        let counts = self.rates(&mut tx).await?;
        let files = store::last_batches(&mut tx, self.name(), STATUS_FILES).await?;
        let folder_id = store::folder_id(&mut tx, self.name()).await?;
        drop(tx);
        let folder_away = match folder_id {
            Some(id) if !self.folder.is_of(&id).await.unwrap_or(false) => Some(id),
            _ => None,
        };
        Ok(Status {
            rail: self.name(),
            currency: self.settings.currency,
            next_file_at: self.closes_next(self.clock.now())?,
            waiting,
            open,
            overdue,
            sent: counts.sent,
            returned: counts.all,
            alarms: counts.alarms().collect(),
            folder_away,
            files: files.into_iter().map(|batch| (batch.file_name, batch.state.name(), batch.orders)).collect(),
        })
    }

    // ---- What follows for a payment ------------------------------------------------------------------------------

    /// Whether an order like one that came back for want of money may be made for this day.
    pub(super) async fn again(
        &self,
        tx: &mut Tx,
        holder: HolderId,
        order: &PaymentOrder,
    ) -> DbResult<Option<(Again, Timestamp)>> {
        let now = self.clock.now();
        let Some(presented) = self.presented(tx, holder, order, now).await? else { return Ok(None) };
        let again = presented.again(now, self.settings.calendar);
        let from = if let Again::From(day) = again { self.moment(day, Time::midnight())? } else { now };
        Ok(Some((again, from)))
    }

    async fn presented(
        &self,
        tx: &mut Tx,
        holder: HolderId,
        order: &PaymentOrder,
        now: Timestamp,
    ) -> DbResult<Option<Presented>> {
        // Beyond twice the days, what came back is another matter.
        let since = now.saturating_sub(SignedDuration::from_hours(24 * 2 * PRESENTED_AGAIN_DAYS)).unwrap_or(now);
        let mut alike = Vec::new();
        for (code, at, earlier) in crate::payments::store::returned_alike(tx, holder, self.name(), order, since).await?
        {
            let same =
                earlier.reference == order.reference && earlier.bill == order.bill && earlier.due_on == order.due_on;
            if same && ReturnClass::of(&code) == ReturnClass::Retry {
                alike.push(at);
            }
        }
        let (Some(first_at), Some(last_at)) = (alike.first(), alike.last()) else { return Ok(None) };
        Ok(Some(Presented {
            returned: u32::try_from(alike.len()).unwrap_or(u32::MAX),
            first_at: *first_at,
            last_on: last_at.to_zoned(self.settings.zone.clone()).date(),
        }))
    }

    /// A payment came back: what its class asks for, in the transaction of the return.
    pub(in crate::payments) async fn returned(&self, tx: &mut Tx, payment: &Stored, code: &str) -> DbResult<()> {
        let class = ReturnClass::of(code);
        if !class.needs_person() {
            return Ok(());
        }
        let words = match class {
            ReturnClass::FixDetails => "the payee's details are wrong: nothing goes there until they were checked",
            ReturnClass::Stop => "the receiver says no: nothing more goes there from this account; open a case",
            ReturnClass::Duplicate => "returned as the second of two: compare the books, and send nothing again",
            ReturnClass::Retry | ReturnClass::Person => "returned for a reason that a person has to look at",
        };
        let raised = Raised {
            about: format!("returned {}", payment.rail_key),
            kind: class.as_str(),
            code: Some(code),
            key: Some(&payment.rail_key),
            amount: Some(payment.order.amount),
            words,
            ..Raised::default()
        };
        let Some(number) = self.raise(tx, &raised).await? else { return Ok(()) };
        if class.stops_payee() {
            // Wrong details are the operator's own, and so wrong for everyone.
            let whose = (class == ReturnClass::Stop).then_some(payment.holder);
            let (biller, now) = (payment.order.biller, self.clock.now());
            store::stop(tx, self.name(), biller, whose, (class.as_str(), code), number, now).await?;
        }
        Ok(())
    }
}

/// The files that a status lists.
const STATUS_FILES: i64 = 10;

/// How a rail stands, for operators.
#[derive(Clone, Debug)]
pub struct Status {
    pub rail: &'static str,
    pub currency: Currency,
    pub next_file_at: Timestamp,
    /// Orders that wait for it.
    pub waiting: i64,
    /// Open entries of the exception queue, and those of them that are late.
    pub open: i64,
    pub overdue: i64,
    /// Within the days over which returns are counted.
    pub sent: u64,
    pub returned: u64,
    pub alarms: Vec<RateAlarm>,
    /// The id of the rail's folder, where the one at its place is not there or is another one.
    pub folder_away: Option<String>,
    /// Newest first: name, state, orders.
    pub files: Vec<(String, &'static str, i64)>,
}

/// What names a file in the bank's answers: its name without its ending.
fn message_of(file_name: &str) -> &str {
    file_name.split_once('.').map_or(file_name, |(message, _)| message)
}

/// A to Z, then 0 to 9.
fn modifier(of_day: u8) -> Option<char> {
    match of_day {
        0..26 => Some(char::from(b'A' + of_day)),
        26..36 => Some(char::from(b'0' + of_day - 26)),
        _ => None,
    }
}

fn digest(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Everything that nobody has resolved, on all rails.
pub async fn exceptions(db: &Db) -> DbResult<Vec<Exception>> {
    let mut tx = db.read_once().await?;
    store::open_exceptions(&mut tx, LIST_MAX).await
}

/// Somebody says what was done about an entry of the queue; what it held is looked at again. False when it is not open.
pub async fn resolve(app: &App, rail: &str, number: i64, note: &str) -> DbResult<bool> {
    let mut tx = app.db.begin_write().await?;
    let now = app.clock.now();
    let resolved = store::resolve(&mut tx, rail, number, note, now).await?;
    if resolved {
        crate::payments::release_held(&mut tx, rail, now).await?;
    }
    tx.commit().await?;
    app.jobs.wake();
    Ok(resolved)
}

/// Whether nothing goes to this payee on this rail for now.
pub(crate) fn is_stopped(rail: &str, holder: HolderId, biller: BillerId) -> impl Read<Answer = bool> + use<> {
    store::is_stopped(rail, holder, biller)
}

impl Rail for FileRail {
    fn name(&self) -> &'static str {
        self.format.name()
    }

    fn timing(&self) -> RailTiming {
        self.timing.clone()
    }

    fn visible_after(&self) -> SignedDuration {
        SignedDuration::ZERO
    }

    fn is_practice(&self) -> bool {
        false
    }

    /// Orders are handed over at the cut-off itself, so that they can be taken back until then.
    fn hands_over_at(&self, cutoff_at: Timestamp, _: Timestamp) -> Timestamp {
        cutoff_at
    }

    fn last_run_at(&self, cutoff_at: Timestamp) -> Timestamp {
        cutoff_at.saturating_add(LAST_RUN_AFTER).unwrap_or(cutoff_at)
    }

    fn takes_until(&self, cutoff_at: Timestamp) -> Timestamp {
        cutoff_at.saturating_add(CLOSES_AFTER).unwrap_or(cutoff_at)
    }

    fn takes(&self, biller: BillerId, amount: Money) -> Result<(), Unfit> {
        self.format.takes(biller, amount)
    }

    fn submit(&self, order: RailOrder) -> BoxFuture<'_, Answer> {
        // A book that cannot be written is a rail that does not answer.
        async move { self.take(order).await.unwrap_or(Answer::Silent) }.boxed()
    }

    fn look(&self, key: String) -> BoxFuture<'_, Answer> {
        async move { self.find(&key).await.unwrap_or(Answer::Silent) }.boxed()
    }
}
