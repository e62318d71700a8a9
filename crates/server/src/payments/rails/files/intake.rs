//! Files that a bank sends: each is taken in once, record by record, each record once. A record moves its order on and
//! wakes its payment, in one transaction; what fits nothing goes to the exception queue and moves no money.

use domain::ids::{HolderId, PaymentId};
use domain::money::Money;
use jiff::Timestamp;

use super::folder::{Content, FolderError};
use super::store::{self, Kept, Raised, Said};
use super::{About, FileRail, FilesError, Moment, Record, What, digest};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::payments::engine;
use crate::payments::rail::Rail as _;

/// Larger files are refused unread.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// So many lines of one file that do not read are named one by one.
const REJECTED_MAX: usize = 100;

/// What came of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// So many records, and so many of them before a person now.
    New { records: usize, exceptions: usize },
    /// The same bytes were taken in before.
    Before,
    /// It could not be read, and is before a person.
    Refused,
}

/// Takes in whatever waits in the rail's inbox. A file that cannot be read or moved stays, and keeps no other out.
pub(super) async fn take_in_all(rail: &FileRail, app: &App) -> Result<(), FilesError> {
    for name in rail.folder.waiting().await? {
        match take_waiting(rail, app, &name).await {
            Err(FilesError::Folder(_)) => {
                let words = "the file cannot be read or moved; once the server's user may, it is taken in by itself";
                refuse(rail, &name, &format!("{name} {}", rail.today()), words).await?;
            }
            done => done?,
        }
    }
    Ok(())
}

async fn take_waiting(rail: &FileRail, app: &App, name: &str) -> Result<(), FilesError> {
    rail.reach(Moment::Reading).map_err(|_| FolderError::Cut)?;
    let (taken, digest) = match rail.folder.read(name, BYTES_MAX).await? {
        Content::Whole(bytes) => (take(rail, app, name, &bytes).await?, digest(&bytes)),
        Content::TooLarge => (refuse(rail, name, name, "the file is too large").await?, String::from("large")),
        Content::Gone => return Ok(()),
    };
    let into = if taken == Taken::Refused { "refused" } else { "taken" };
    Ok(rail.folder.put_away(name, into, &digest).await?)
}

/// Takes in one file that an operator gives.
pub async fn take_in(rail: &FileRail, app: &App, name: &str, bytes: &[u8]) -> Result<Taken, FilesError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > BYTES_MAX {
        return refuse(rail, name, name, "the file is too large").await;
    }
    take(rail, app, name, bytes).await
}

async fn take(rail: &FileRail, app: &App, name: &str, bytes: &[u8]) -> Result<Taken, FilesError> {
    let digest = digest(bytes);
    let incoming = match rail.format.read(bytes) {
        Ok(incoming) => incoming,
        Err(reason) => return refuse(rail, name, &digest, &reason).await,
    };
    let mut tx = app.db.begin_write().await?;
    let fresh = store::begin_file(&mut tx, rail.name(), &digest, name, app.clock.now()).await?;
    tx.commit().await?;
    if !fresh {
        return Ok(Taken::Before);
    }
    let file = InFile { rail, app, name, digest: &digest };
    let mut exceptions = incoming.rejected.len().min(REJECTED_MAX + 1);
    for (place, rejected) in incoming.rejected.iter().take(REJECTED_MAX).enumerate() {
        file.queue_line(place, rejected.line, &rejected.reason).await?;
    }
    if let Some(next) = incoming.rejected.get(REJECTED_MAX) {
        let words = "from this line on more does not read; ask the bank for the file anew";
        file.queue_line(REJECTED_MAX, next.line, words).await?;
    }
    for (place, record) in incoming.records.iter().enumerate() {
        exceptions += file.take_record(place, record).await?;
    }
    let records = incoming.records.len() + incoming.rejected.len();
    let counted = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut tx = app.db.begin_write().await?;
    let now = app.clock.now();
    store::end_file(&mut tx, rail.name(), &digest, counted(records), counted(exceptions), now).await?;
    tx.commit().await?;
    app.jobs.wake();
    tracing::info!(rail = rail.name(), records, exceptions, "a file of a bank was taken in");
    Ok(Taken::New { records, exceptions })
}

async fn refuse(rail: &FileRail, name: &str, about: &str, reason: &str) -> Result<Taken, FilesError> {
    let mut tx = rail.db.begin_write().await?;
    let about = format!("file {about}");
    let raised = Raised { about, kind: "file_refused", file_name: Some(name), words: reason, ..Raised::default() };
    rail.raise(&mut tx, &raised).await?;
    tx.commit().await?;
    Ok(Taken::Refused)
}

/// The file that records are taken from.
struct InFile<'a> {
    rail: &'a FileRail,
    app: &'a App,
    name: &'a str,
    digest: &'a str,
}

/// What a record does to its order.
enum Effect<'a> {
    Nothing,
    Note(Said<'a>),
    /// It is before a person, for this kind and these words.
    Person(&'static str, &'static str),
}

const UNASKED: (&str, &str) = ("unasked", "a movement that no order of this server made");

impl InFile<'_> {
    /// Gives how many exceptions came of it. Its place tells it apart from the others of its line.
    async fn take_record(&self, place: usize, record: &Record) -> Result<usize, FilesError> {
        let unmatched = ("unmatched", "no order of this rail fits this record");
        let found = match &record.about {
            About::Message(message) => match self.of_message(message).await? {
                orders if orders.is_empty() => Err(unmatched),
                orders => meant(&orders, record),
            },
            About::Key(key) => self.known(key, false).await?.ok_or(unmatched).map(|key| vec![key]),
            About::Trace(trace) => self.known(trace, true).await?.ok_or(unmatched).map(|key| vec![key]),
            // Money that came in by itself is not about an order; it is still somebody's to look at.
            About::Nothing => Err(UNASKED),
        };
        let keys = match found {
            Ok(keys) => keys,
            Err((kind, words)) => {
                self.queue_record(kind, place, record, None, words).await?;
                return Ok(1);
            }
        };
        let mut exceptions = 0;
        for key in keys {
            exceptions += usize::from(self.take_for(&key, place, record).await?);
        }
        Ok(exceptions)
    }

    async fn known(&self, name: &str, traced: bool) -> DbResult<Option<String>> {
        let mut tx = self.app.db.read_once().await?;
        let rail = self.rail.name();
        let found = if traced {
            store::find_traced(&mut tx, rail, name).await?
        } else {
            store::find_order(&mut tx, rail, name).await?
        };
        // An order that has not left cannot be answered.
        Ok(found.filter(|order| order.batch.is_some()).map(|order| order.key))
    }

    async fn of_message(&self, message: &str) -> DbResult<Vec<Kept>> {
        let file_name = format!("{message}.{}", self.rail.format.extension());
        let mut tx = self.app.db.read_once().await?;
        store::file_orders(&mut tx, self.rail.name(), &file_name).await
    }

    /// One record for one order; true when it is before a person now.
    async fn take_for(&self, key: &str, place: usize, record: &Record) -> Result<bool, FilesError> {
        let (rail, now) = (self.rail.name(), self.app.clock.now());
        let mut tx = self.app.db.begin_write().await?;
        let payment = store::payment_of(&mut tx, key).await?;
        if let Some((holder, _)) = payment {
            tx.lock(holder).await?;
        }
        let Some(order) = store::find_order(&mut tx, rail, key).await? else { return Ok(false) };
        let trace = record.trace_for(key);
        match effect(&order, record, &trace) {
            Effect::Nothing => Ok(false),
            Effect::Note(said) => {
                store::note(&mut tx, rail, key, said, now).await?;
                self.wake(&mut tx, payment, now).await?;
                tx.commit().await?;
                Ok(false)
            }
            Effect::Person(kind, words) => {
                drop(tx);
                self.queue_record(kind, place, record, Some(key), words).await?;
                Ok(true)
            }
        }
    }

    async fn wake(&self, tx: &mut Tx, payment: Option<(HolderId, PaymentId)>, now: Timestamp) -> DbResult<()> {
        let Some((holder, id)) = payment else { return Ok(()) };
        engine::wake(tx, holder, id, now).await
    }

    async fn queue_record(
        &self,
        kind: &'static str,
        place: usize,
        record: &Record,
        key: Option<&str>,
        words: &str,
    ) -> Result<(), FilesError> {
        let code = match &record.what {
            What::Refused { code } | What::Returned { code } | What::Changed { code } => Some(code.as_str()),
            _ => None,
        };
        let raised = Raised {
            about: format!("record {} {place} {kind} {}", self.digest, key.unwrap_or_default()),
            kind,
            file_name: Some(self.name),
            line: Some(record.line),
            code,
            key,
            amount: record.amount,
            words,
        };
        let mut tx = self.app.db.begin_write().await?;
        self.rail.raise(&mut tx, &raised).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn queue_line(&self, place: usize, line: u32, words: &str) -> Result<(), FilesError> {
        let raised = Raised {
            about: format!("line {} {place}", self.digest),
            kind: "unreadable",
            file_name: Some(self.name),
            line: Some(line),
            words,
            ..Raised::default()
        };
        let mut tx = self.app.db.begin_write().await?;
        self.rail.raise(&mut tx, &raised).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The orders of a message that a record of it is about: of the others something else is said. What was booked as one
/// sum is that of these orders, or nobody's guess; those that it was noted for before it was broken off count too.
fn meant(orders: &[Kept], record: &Record) -> Result<Vec<String>, (&'static str, &'static str)> {
    let is_meant = |order: &&Kept| {
        let is_this = |trace: &str| trace == record.trace_for(&order.key);
        match &record.what {
            What::Settled => order.settled.as_deref().map_or(!order.was_refused(), is_this),
            What::Returned { .. } => match &order.returned {
                Some((trace, _)) => is_this(trace),
                None => order.refused.is_none(),
            },
            _ => !order.has_moved() && !order.was_refused(),
        }
    };
    let list: Vec<&Kept> = orders.iter().filter(is_meant).collect();
    let has_moved = orders.iter().any(Kept::has_moved);
    match &record.what {
        What::Refused { .. } if list.is_empty() && has_moved => {
            Err(("contradiction", "the bank refuses a file that it has carried out; nothing is changed"))
        }
        What::Settled | What::Returned { .. } if list.is_empty() && has_moved => {
            Err(("twice", "the sum of a file moved a second time; ask the bank about it"))
        }
        What::Settled | What::Returned { .. } if list.is_empty() => {
            Err(("contradiction", "money moved for a file that the bank had refused; nothing is changed"))
        }
        _ if record.amount.is_some_and(|booked| !is_sum(booked, &list)) => {
            Err(("amount", "the sum of a file's orders is another than was booked; nothing is changed"))
        }
        _ => Ok(list.into_iter().map(|order| order.key.clone()).collect()),
    }
}

fn is_sum(booked: Money, orders: &[&Kept]) -> bool {
    Money::sum(booked.currency(), orders.iter().map(|order| order.amount)) == Ok(booked)
}

/// What a record does to its order, as far as that has come. What was said before is never unsaid.
fn effect<'a>(order: &'a Kept, record: &'a Record, trace: &'a str) -> Effect<'a> {
    let of_one = !matches!(record.about, About::Message(_));
    let other_amount = of_one && record.amount.is_some_and(|amount| amount != order.amount);
    match &record.what {
        What::Pending => Effect::Nothing,
        What::Accepted if order.refused.is_some() => {
            Effect::Person("contradiction", "the bank accepts an order that it had refused; nothing is changed")
        }
        What::Accepted if order.accepted || order.has_moved() => Effect::Nothing,
        What::Accepted => Effect::Note(Said::Accepted),
        What::Refused { .. } if order.was_refused() => Effect::Nothing,
        What::Refused { .. } if order.has_moved() => {
            Effect::Person("contradiction", "the bank refuses an order that it has carried out; nothing is changed")
        }
        // It said yes before: what it set aside comes back as a return.
        What::Refused { code } if order.accepted => Effect::Note(Said::Returned { trace, code }),
        What::Refused { code } => Effect::Note(Said::Refused { code }),
        What::Settled | What::Returned { .. } if other_amount => {
            Effect::Person("amount", "another amount than was ordered; the payment waits as it is")
        }
        What::Settled if order.was_refused() => {
            Effect::Person("contradiction", "money left for an order that the bank had refused; nothing is changed")
        }
        What::Returned { .. } if order.was_refused() => Effect::Person(
            "contradiction",
            "money came back for an order that the bank had refused; compare it with what left for that order",
        ),
        What::Settled => match &order.settled {
            Some(before) if before == trace => Effect::Nothing,
            Some(_) => Effect::Person("twice", "this order was carried out twice; ask the bank for the second sum"),
            None => Effect::Note(Said::Settled { trace }),
        },
        What::Returned { code } => match &order.returned {
            Some((before, _)) if before == trace => Effect::Nothing,
            Some(_) => Effect::Person("twice", "this order came back twice; the second sum belongs to the bank"),
            None => Effect::Note(Said::Returned { trace, code }),
        },
        What::Changed { .. } => Effect::Person(
            "details_changed",
            "the payee's account has other details now, which the file gives on this line; correct them within six \
             banking days",
        ),
        What::Unasked => Effect::Person(UNASKED.0, UNASKED.1),
    }
}
