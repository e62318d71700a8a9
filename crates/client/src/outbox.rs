//! Changes that the server does not have yet. They are the only local truth, so they are kept twice: in the cache,
//! where they are worked through in order, and sealed beside it, where they survive a damaged cache.
//! Import chunks are large: each is a sealed file of its own, written before the change that names it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::accounts::AccountEdit;
use api::bills::{BillEdit, MarkEdit};
use api::import::ImportChunk;
use api::sync::Record;
use domain::accounts::{Transaction, TransactionState};
use domain::billers::OwnBiller;
use domain::bills::{Bill, Mark};
use domain::card::Plan;
use domain::ids::{AccountId, BillId, BillerId, IncomeId, MutationId, PaymentId, PlanId, SuggestionId};
use domain::paydays::Income;
use domain::payments::{PaymentOrder, Quote};
use domain::plan::PlanWishes;
use domain::reminders::ReminderAnswer;
use domain::suggestions::SuggestionAnswer;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::cache::{
    CacheError, CacheResult, Tx, accounts, bills, outbox as rows, paydays, reminders, suggestions, transactions,
};
use crate::folder::{self, Folder};
use crate::own::Own;
use crate::platform::Chance;
use crate::refusals;
use crate::seal::{SealKey, seal, unseal};
use crate::sync::apply_record;

/// Chunk files compress well; more effort than this costs more time than the disk saves.
const COMPRESSION: i32 = 1;
/// No chunk of ours is larger; a file that unpacks to more is not one.
const CHUNK_BYTES_MAX: usize = 64 * 1024 * 1024;
const LIST: &[u8] = b"billfold outbox list";
const CHUNK: &[u8] = b"billfold outbox chunk";
const OWN: &[u8] = b"billfold own";
/// Why the server never gets what waited here: it does not read any more.
pub(crate) const UNREADABLE: &str = "unsent_damaged";
/// What a refusal of the whole list is about.
const ALL: &str = "outbox";

/// One change, with the id that makes sending it twice harmless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub id: MutationId,
    pub made_at: Timestamp,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Change {
    AddBill {
        bill: Bill,
    },
    EditBill {
        bill: BillId,
        edit: BillEdit,
    },
    RemoveBill {
        bill: BillId,
    },
    EditMark {
        bill: BillId,
        due_on: Date,
        edit: MarkEdit,
    },
    /// Of an outbox from before marks were edited field by field, as the next.
    SetMark {
        mark: Mark,
    },
    ClearMark {
        bill: BillId,
        due_on: Date,
    },
    AnswerReminder {
        answer: ReminderAnswer,
    },
    PutBiller {
        biller: OwnBiller,
    },
    RemoveBiller {
        biller: BillerId,
    },
    PutIncome {
        income: Income,
    },
    RemoveIncome {
        income: IncomeId,
    },
    WishPlan {
        wishes: PlanWishes,
    },
    AnswerSuggestion {
        answer: SuggestionAnswer,
    },
    TakeBackSuggestion {
        suggestion: SuggestionId,
    },
    Pay {
        order: PaymentOrder,
        /// What the person said yes to; absent in an outbox from before it was kept.
        #[serde(default)]
        promised: Option<Quote>,
    },
    CancelPayment {
        payment: PaymentId,
    },
    EditAccount {
        account: AccountId,
        edit: AccountEdit,
    },
    PutPlan {
        account: AccountId,
        plan: Plan,
    },
    RemovePlan {
        account: AccountId,
        plan: PlanId,
    },
    /// Of an archive of everything.
    Restore {
        records: Vec<Record>,
    },
    /// The lines are in the chunk file of this name.
    Import {
        chunk: MutationId,
        lines: u32,
    },
}

impl Change {
    /// Its kind, as a refusal names it.
    pub fn what(&self) -> String {
        let what = serde_json::to_value(self).ok().and_then(|value| value["what"].as_str().map(str::to_owned));
        what.unwrap_or_default()
    }
}

/// Where the outbox keeps what stands beside the cache.
#[derive(Clone)]
pub(crate) struct Beside {
    folder: Folder,
    key: SealKey,
}

impl Beside {
    pub const fn new(folder: Folder, key: SealKey) -> Self {
        Self { folder, key }
    }

    /// The list as the cache has it now.
    pub fn save(&self, entries: &[Entry], chance: &dyn Chance) -> CacheResult<()> {
        if entries.is_empty() {
            return Ok(folder::remove(&self.folder.outbox())?);
        }
        let plain = serde_json::to_vec(entries).map_err(|_| CacheError::Damaged)?;
        let sealed = seal(&self.key, LIST, &plain, chance).map_err(|_| CacheError::Damaged)?;
        Ok(folder::replace(&self.folder.outbox(), &sealed)?)
    }

    /// What was waiting when the cache was last whole.
    pub fn load(&self) -> CacheResult<Vec<Entry>> {
        let Some(sealed) = folder::read(&self.folder.outbox())? else {
            return Ok(Vec::new());
        };
        let plain = unseal(&self.key, LIST, &sealed).map_err(|_| CacheError::Damaged)?;
        serde_json::from_slice(&plain).map_err(|_| CacheError::Damaged)
    }

    pub fn write_chunk(&self, chunk: &ImportChunk, chance: &dyn Chance) -> CacheResult<()> {
        folder::make_private_dir(&self.folder.chunks())?;
        let plain = serde_json::to_vec(chunk).map_err(|_| CacheError::Damaged)?;
        let packed = zstd::bulk::compress(&plain, COMPRESSION).map_err(|_| CacheError::Damaged)?;
        let sealed = seal(&self.key, CHUNK, &packed, chance).map_err(|_| CacheError::Damaged)?;
        Ok(folder::replace(&self.chunk_path(chunk.id), &sealed)?)
    }

    pub fn read_chunk(&self, id: MutationId) -> CacheResult<ImportChunk> {
        self.read_lines(&self.chunk_path(id))
    }

    /// The same of one that the server did not take.
    pub fn read_refused(&self, id: MutationId) -> CacheResult<ImportChunk> {
        self.read_lines(&self.refused_path(id))
    }

    /// Those that are here, in the order in which they were made.
    pub fn refused_chunks(&self) -> Vec<MutationId> {
        let files = std::fs::read_dir(self.folder.refused()).into_iter().flatten().filter_map(Result::ok);
        let mut ids: Vec<MutationId> =
            files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".sealed")?.parse().ok()).collect();
        ids.sort_unstable();
        ids
    }

    /// Makes a refused chunk one that waits again; the refused one goes after the change that names it is kept.
    pub fn bring_back_refused(&self, id: MutationId) -> CacheResult<()> {
        folder::make_private_dir(&self.folder.chunks())?;
        Ok(folder::keep_also(&self.refused_path(id), &self.chunk_path(id))?)
    }

    pub fn remove_refused(&self, id: MutationId) -> CacheResult<()> {
        Ok(folder::remove(&self.refused_path(id))?)
    }

    fn read_lines(&self, path: &Path) -> CacheResult<ImportChunk> {
        let sealed = folder::read(path)?.ok_or(CacheError::Damaged)?;
        let packed = unseal(&self.key, CHUNK, &sealed).map_err(|_| CacheError::Damaged)?;
        let plain = zstd::bulk::decompress(&packed, CHUNK_BYTES_MAX).map_err(|_| CacheError::Damaged)?;
        serde_json::from_slice(&plain).map_err(|_| CacheError::Damaged)
    }

    pub fn remove_chunk(&self, id: MutationId) -> CacheResult<()> {
        Ok(folder::remove(&self.chunk_path(id))?)
    }

    /// Keeps the chunk of an import that the server did not take, before the change that names it goes.
    pub fn keep_refused(&self, id: MutationId) -> CacheResult<()> {
        folder::make_private_dir(&self.folder.refused())?;
        Ok(folder::keep_also(&self.chunk_path(id), &self.refused_path(id))?)
    }

    /// Moves a chunk that does not read to where damaged files are.
    pub fn set_chunk_aside(&self, id: MutationId, at: Timestamp) -> CacheResult<()> {
        Ok(self.folder.set_aside(&self.chunk_path(id), at.as_second())?)
    }

    /// The same for a list that does not read. Nothing names the chunks any more: they are kept as what was not sent.
    pub async fn set_list_aside(&self, tx: &mut Tx, at: Timestamp) -> CacheResult<()> {
        self.folder.set_aside(&self.folder.outbox(), at.as_second())?;
        if let Ok(files) = std::fs::read_dir(self.folder.chunks()) {
            folder::make_private_dir(&self.folder.refused())?;
            for file in files.filter_map(Result::ok) {
                folder::keep_also(&file.path(), &self.folder.refused().join(file.file_name()))?;
            }
        }
        refusals::note(tx, ALL, UNREADABLE, at, None).await
    }

    /// What only this device knows, as the cache has it now. Written when it is different.
    pub fn save_own(&self, own: &Own, chance: &dyn Chance) -> CacheResult<()> {
        if self.load_own()?.as_ref() == Some(own) {
            return Ok(());
        }
        let plain = serde_json::to_vec(own).map_err(|_| CacheError::Damaged)?;
        let sealed = seal(&self.key, OWN, &plain, chance).map_err(|_| CacheError::Damaged)?;
        Ok(folder::replace(&self.folder.own(), &sealed)?)
    }

    /// `None` also when it does not read: then settings begin anew, which is worth no refusal.
    pub fn load_own(&self) -> CacheResult<Option<Own>> {
        let Some(sealed) = folder::read(&self.folder.own())? else { return Ok(None) };
        let plain = unseal(&self.key, OWN, &sealed).ok();
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    /// Deletes chunk files that no change names: an import that was cut short before its commit.
    pub fn sweep(&self, entries: &[Entry]) -> CacheResult<()> {
        let Ok(files) = std::fs::read_dir(self.folder.chunks()) else {
            return Ok(());
        };
        let named: Vec<PathBuf> = entries
            .iter()
            .filter_map(|entry| match &entry.change {
                Change::Import { chunk, .. } => Some(self.chunk_path(*chunk)),
                _ => None,
            })
            .collect();
        for file in files.filter_map(Result::ok) {
            if !named.contains(&file.path()) {
                folder::remove(&file.path())?;
            }
        }
        Ok(())
    }

    fn refused_path(&self, id: MutationId) -> PathBuf {
        self.folder.refused().join(format!("{id}.sealed"))
    }

    fn chunk_path(&self, id: MutationId) -> PathBuf {
        self.folder.chunks().join(format!("{id}.sealed"))
    }
}

/// Shows a change in the cache before the server has it. Doing it again changes nothing.
pub(crate) async fn apply(tx: &mut Tx, entry: &Entry, beside: &Beside) -> CacheResult<()> {
    match &entry.change {
        Change::AddBill { bill } => bills::put_bill(tx, bill).await,
        Change::EditBill { bill, edit } => match bills::find_bill(&mut **tx, *bill).await? {
            Some(bill) => bills::put_bill(tx, &edit.clone().applied_to(bill)).await,
            None => Ok(()),
        },
        Change::RemoveBill { bill } => bills::remove_bill(tx, *bill).await,
        Change::EditMark { bill, due_on, edit } => {
            let known = bills::find_mark(&mut **tx, *bill, *due_on).await?;
            bills::put_mark(tx, &edit.clone().applied_to(known.unwrap_or_else(|| Mark::new(*bill, *due_on)))).await
        }
        Change::SetMark { mark } => bills::put_mark(tx, mark).await,
        Change::ClearMark { bill, due_on } => bills::remove_mark(tx, *bill, *due_on).await,
        Change::AnswerReminder { answer } => reminders::answered(tx, answer).await,
        Change::PutBiller { biller } => bills::put_own_biller(tx, biller).await,
        Change::RemoveBiller { biller } => bills::end_own_biller(tx, *biller).await,
        Change::PutIncome { income } => paydays::put(tx, income).await,
        Change::RemoveIncome { income } => paydays::remove(tx, *income).await,
        Change::WishPlan { wishes } => paydays::wish(tx, *wishes).await,
        Change::AnswerSuggestion { answer } => suggestions::answer(tx, answer).await,
        Change::TakeBackSuggestion { suggestion } => suggestions::take_back(tx, *suggestion).await,
        Change::Pay { order, .. } => bills::put_order(tx, order, entry.made_at).await,
        // Only the server knows whether it is still in time.
        Change::CancelPayment { .. } => Ok(()),
        Change::EditAccount { account, edit } => match accounts::find(&mut **tx, *account).await? {
            Some(account) => accounts::put(tx, &edit.clone().applied_to(account)).await,
            None => Ok(()),
        },
        Change::PutPlan { account, plan } => match accounts::find(&mut **tx, *account).await? {
            Some(account) => accounts::put(tx, &account.with_plan(plan.clone())).await,
            None => Ok(()),
        },
        Change::RemovePlan { account, plan } => match accounts::find(&mut **tx, *account).await? {
            Some(account) => accounts::put(tx, &account.without_plan(*plan)).await,
            None => Ok(()),
        },
        Change::Restore { records } => {
            for record in records {
                apply_record(tx, record).await?;
            }
            Ok(())
        }
        Change::Import { chunk, .. } => apply_chunk(tx, &beside.read_chunk(*chunk)?).await,
    }
}

async fn apply_chunk(tx: &mut Tx, chunk: &ImportChunk) -> CacheResult<()> {
    for account in &chunk.accounts {
        accounts::put(tx, account).await?;
    }
    transactions::remove_all(tx, &chunk.replaced).await?;
    let wanted = chunk.transactions.iter().map(|line| (line.account, line.amount.currency()));
    let numbers = accounts::numbers_of(tx, wanted).await?;
    let mut lines: Vec<&Transaction> = Vec::new();
    for (account, number) in &numbers {
        let mine: Vec<&Transaction> = chunk.transactions.iter().filter(|line| line.account == *account).collect();
        let sources: Vec<Arc<str>> =
            mine.iter().map(|line| line.source.as_deref().unwrap_or_default().into()).collect();
        let is_pending = |at: usize| mine[at].state == TransactionState::Pending;
        // What the server has by another id stays as it is there.
        let known = transactions::known_sources(tx, *number, &sources, is_pending).await?;
        lines.extend(mine.into_iter().enumerate().filter(|(at, _)| !known.contains(at)).map(|(_, line)| line));
    }
    transactions::apply_all(tx, &numbers, &lines).await
}

/// The server has a bill by another id: what waits behind it, and what was ordered for it, names that one.
pub(crate) async fn rename_bill(tx: &mut Tx, from: BillId, to: BillId) -> CacheResult<()> {
    for waiting in rows::all(&mut **tx).await? {
        let renamed = renamed(&waiting.entry, from, to)?;
        if renamed != waiting.entry {
            rows::replace(tx, waiting.number, &renamed).await?;
        }
    }
    bills::move_orders(tx, from, to).await
}

/// An id stands for itself wherever it stands: it is looked for in every field that a change has or will have.
fn renamed(entry: &Entry, from: BillId, to: BillId) -> CacheResult<Entry> {
    let (from, to) = (from.to_string(), to.to_string());
    let mut value = serde_json::to_value(entry).map_err(|_| CacheError::Damaged)?;
    rename_in(&mut value, &from, &to);
    serde_json::from_value(value).map_err(|_| CacheError::Damaged)
}

fn rename_in(value: &mut serde_json::Value, from: &str, to: &str) {
    use serde_json::Value;
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(all) => all.iter_mut().for_each(|one| rename_in(one, from, to)),
        Value::Object(fields) => fields.values_mut().for_each(|one| rename_in(one, from, to)),
        _ => {}
    }
}

/// Brings back over the server's view what it does not have yet. Imports were applied once and stay: the server's
/// records never remove them.
pub(crate) async fn reapply(tx: &mut Tx, beside: &Beside) -> CacheResult<()> {
    for waiting in rows::all(&mut **tx).await? {
        if !matches!(waiting.entry.change, Change::Import { .. }) {
            apply(tx, &waiting.entry, beside).await?;
        }
    }
    Ok(())
}

/// The same in a copy that holds nothing yet, imports among it. One whose lines do not read is taken off the queue and
/// said, so that it keeps back nothing else.
pub(crate) async fn reapply_all(tx: &mut Tx, beside: &Beside, now: Timestamp) -> CacheResult<()> {
    for waiting in rows::all(&mut **tx).await? {
        let Change::Import { chunk, .. } = waiting.entry.change else {
            apply(tx, &waiting.entry, beside).await?;
            continue;
        };
        match beside.read_chunk(chunk) {
            Ok(chunk) => apply_chunk(tx, &chunk).await?,
            Err(CacheError::Damaged) => {
                beside.set_chunk_aside(chunk, now)?;
                refusals::note(tx, &waiting.entry.change.what(), UNREADABLE, now, None).await?;
                rows::remove(tx, waiting.number).await?;
            }
            Err(error) => return Err(error),
        }
    }
    // What the server did not take is on this device all the same, until the person decides.
    for chunk in beside.refused_chunks() {
        match beside.read_refused(chunk) {
            Ok(chunk) => apply_chunk(tx, &chunk).await?,
            Err(CacheError::Damaged) => tracing::warn!("lines that the server did not take do not read"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
