//! Import of files that other issuers export, and of our own archive (`restore`). The same file again adds nothing; twins
//! within a file are both kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use api::bills::MarkEdit;
use api::import::{CHUNK_MAX, ImportChunk};
use domain::accounts::{Account, AccountKind, Keeping, Transaction, TransactionState};
use domain::bills::{EARLY_DAYS, LATE_DAYS, Mark, recognised};
use domain::card::Excess;
use domain::ids::{AccountId, BillId, HolderId, MutationId, TransactionId};
use domain::money::Money;
use domain::reminders::LOOK_BACK_DAYS;
use domain::statements::{Covered, merged};
use formats::records::Correction;
use formats::{ImportedAccount, ImportedFile, ImportedStatement, ImportedTransaction, ReadError, ReadOptions};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::archive::{self, ArchiveError};
use crate::book::{Book, shifted};
use crate::cache::transactions::{self, KnownLine};
use crate::cache::{CacheError, CacheResult, Tx, accounts, outbox as rows};
use crate::client::{Changed, Client, Open, blocking, lock};
use crate::error::ClientError;
use crate::outbox::{self, Change, Entry};
use crate::past_imports;
use crate::platform::random;
use crate::restore::ArchiveView;

/// The outcome, or with `preview` what it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ImportReport {
    /// "OFX 1.02 (SGML)".
    pub format: String,
    pub new: u32,
    pub known: u32,
    pub replaced: u32,
    pub rejected: Vec<RejectedLine>,
    pub accounts: Vec<AccountId>,
    pub account_names: Vec<String>,
    /// The first 200 lines and why each is new, known or replaced.
    pub lines: Vec<ImportLine>,
    /// Due dates that lines of it pay.
    pub settles: Vec<SettlesView>,
    /// What was odd and taken all the same.
    pub warnings: Vec<String>,
    /// The file is an archive of everything: what stands in it.
    pub archive: Option<ArchiveView>,
    pub preview: bool,
}

/// A payment that was recognised in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SettlesView {
    pub bill: BillId,
    pub name: String,
    /// The due date that names it.
    #[specta(type = String)]
    pub due_on: Date,
    #[specta(type = String)]
    pub falls_on: Date,
    #[specta(type = String)]
    pub posted_on: Date,
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct RejectedLine {
    /// Counted from 1 in the file.
    pub line: u32,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ImportLine {
    #[specta(type = String)]
    pub posted_on: Date,
    pub amount: Money,
    pub description: String,
    pub verdict: ImportVerdict,
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ImportVerdict {
    New,
    Known,
    Replaces,
}

/// A file that was chosen or dropped, read and not yet kept. `token` confirms it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ImportOffer {
    pub token: String,
    pub file_name: String,
    pub report: ImportReport,
}

/// Readers refuse earlier; this only keeps a wrong file out of memory.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
const LINES_SHOWN: usize = 200;
/// Files that were looked at and not decided on.
const OFFERS_MAX: usize = 4;
/// A pending line and the posted one that replaces it are at most so far apart.
const PENDING_DAYS_MAX: i32 = 7;
/// The words of a line are compared with those of so many others of its amount.
const COMPARED_MAX: usize = 50;
/// And so many words of each.
const WORDS_MAX: usize = 32;
/// Payments of due dates are looked for in lines of so many days; older dates are no longer reminded.
const RECOGNISED_DAYS: i32 = LOOK_BACK_DAYS + EARLY_DAYS + LATE_DAYS;
/// And in so many lines, the oldest first.
const RECOGNISED_LINES_MAX: usize = 5_000;

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Format(#[from] ReadError),
    #[error("the file could not be read")]
    Unreadable(#[source] std::io::Error),
    #[error("the file is too large to be an export")]
    TooLarge,
    #[error("the file's amounts are in another currency than the account's")]
    OtherCurrency,
    #[error("the file holds several accounts, so it cannot go into one")]
    SeveralAccounts,
    /// Its ledger is the server's own.
    #[error("this account is kept by the server; nothing is imported into it")]
    Served,
    #[error("this file was put aside meanwhile")]
    TokenUnknown,
}

impl From<ImportError> for ClientError {
    fn from(error: ImportError) -> Self {
        let message = error.to_string();
        let make = |code, next| Self::refused(code, message.clone(), next);
        match error {
            ImportError::Format(ReadError::Empty) => make("file_empty", "export the file again"),
            ImportError::Format(ReadError::UnknownFormat) => make("not_a_known_format", "export it as OFX or QFX"),
            ImportError::Format(ReadError::TooLarge { .. } | ReadError::TooMany { .. }) | ImportError::TooLarge => {
                make("file_too_large", "export a shorter period")
            }
            ImportError::Format(ReadError::Truncated) => make("file_damaged", "download the file again"),
            ImportError::Format(ReadError::IssuerError { .. }) => make("file_damaged", "export it again later"),
            ImportError::Format(ReadError::UnknownCurrency { .. }) => {
                make("unknown_currency", "export the account in a currency of ISO 4217")
            }
            ImportError::Format(ReadError::NoCurrency) => {
                make("account_needed", "say into which account it goes; its currency is taken")
            }
            ImportError::Unreadable(_) => make("file_failed", "check that the file is there and can be read"),
            ImportError::OtherCurrency | ImportError::SeveralAccounts | ImportError::Served => {
                make("invalid_request", "import it without naming an account, or name another")
            }
            ImportError::TokenUnknown => make("token_unknown", "choose the file again"),
        }
    }
}

/// A file that was looked at.
pub(crate) struct Held {
    token: String,
    bytes: Vec<u8>,
}

#[derive(Clone)]
pub struct Import(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn import(&self) -> Import {
        Import(self.clone())
    }
}

impl Import {
    /// Imports a file, or with `preview` says what that would do.
    pub async fn file(&self, path: &Path, into: Option<AccountId>, preview: bool) -> Result<ImportReport, ClientError> {
        let bytes = read_file(path).await?;
        self.run(bytes, into, preview).await
    }

    /// What importing these bytes would do.
    pub async fn preview(&self, bytes: Vec<u8>) -> Result<ImportReport, ClientError> {
        self.run(bytes, None, true).await
    }

    pub async fn import(&self, bytes: Vec<u8>, into: Option<AccountId>) -> Result<ImportReport, ClientError> {
        self.run(bytes, into, false).await
    }

    /// Reads a chosen or dropped file and holds it until the person decides.
    pub async fn offer(&self, path: &Path) -> Result<ImportOffer, ClientError> {
        let bytes = read_file(path).await?;
        let report = self.run(bytes.clone(), None, true).await?;
        let token = data_encoding::HEXLOWER.encode(&random::<16>(self.0.0.ports.chance.as_ref()));
        let mut offers = lock(&self.0.0.offers);
        // A lock closes first and empties then: what was read until after that is not held any more.
        self.0.open_now()?;
        if offers.len() >= OFFERS_MAX {
            offers.remove(0);
        }
        offers.push(Held { token: token.clone(), bytes });
        let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        Ok(ImportOffer { token, file_name, report })
    }

    pub async fn confirm(&self, token: &str) -> Result<ImportReport, ClientError> {
        let held = self.take(token).ok_or(ImportError::TokenUnknown)?;
        self.run(held.bytes, None, false).await
    }

    pub fn discard(&self, token: &str) {
        self.take(token);
    }

    fn take(&self, token: &str) -> Option<Held> {
        let mut offers = lock(&self.0.0.offers);
        let at = offers.iter().position(|held| held.token == token)?;
        Some(offers.remove(at))
    }

    async fn run(&self, bytes: Vec<u8>, into: Option<AccountId>, preview: bool) -> Result<ImportReport, ClientError> {
        let report = if archive::is_one(&bytes) {
            if into.is_some() {
                return Err(ArchiveError::IntoOne.into());
            }
            self.restore(bytes, preview).await?
        } else {
            self.take_file(bytes, into, preview).await?
        };
        if !preview {
            let open = self.0.open_now()?;
            self.0.save_own(&open).await;
            self.0.queued(&open).await;
            open.read_names().await?;
            // Names may be new.
            self.0.tell(Changed::Book);
            self.0.reminders().withdraw_settled().await?;
        }
        Ok(report)
    }

    /// A file of another issuer.
    async fn take_file(
        &self,
        bytes: Vec<u8>,
        into: Option<AccountId>,
        preview: bool,
    ) -> Result<ImportReport, ClientError> {
        let open = self.0.open_now()?;
        let known = self.0.with(async |open| accounts::all(open.cache.readers()).await).await?;
        let target = match into {
            None => None,
            Some(id) => Some(target_of(&known, id)?),
        };
        let options = ReadOptions { default_currency: target.as_ref().map(|account| account.currency) };
        // The bytes are gone once they are read: a large file and its records are never both kept.
        let file = blocking(move || formats::read_any(&bytes, &options)).await?.map_err(ImportError::from)?;
        if let Some(target) = &target {
            check_target(&file, target)?;
        }
        let book = self.0.bills().book().await?;
        let result = self.keep(&open, file, known, target, book, preview).await;
        self.0.watch(&result);
        Ok(result?)
    }

    /// All of it in one transaction: either the whole file is here, searchable and queued for the server, or nothing.
    async fn keep(
        &self,
        open: &Open,
        file: ImportedFile,
        known: Vec<Account>,
        target: Option<Account>,
        book: Book,
        preview: bool,
    ) -> CacheResult<ImportReport> {
        let mut tx = open.cache.begin().await?;
        let corrected = Corrected::by(&file, &mut tx).await?;
        let mut work = Work {
            client: &self.0,
            open,
            tx,
            known,
            target,
            book,
            recent: Vec::new(),
            report: ImportReport {
                format: file.label,
                new: 0,
                known: 0,
                replaced: 0,
                rejected: file.rejected.into_iter().map(rejected).collect(),
                accounts: Vec::new(),
                account_names: Vec::new(),
                lines: Vec::new(),
                settles: Vec::new(),
                warnings: file.warnings,
                archive: None,
                preview,
            },
            holder: open.vault().header().holder(),
            corrected,
            gone: HashSet::new(),
            seen: (preview && file.statements.len() > 1).then(HashSet::new),
            packing: None,
        };
        for statement in file.statements {
            work.take_statement(statement).await?;
        }
        work.finish().await
    }
}

/// One import while it is decided and kept, part by part: a large file is never in memory twice.
struct Work<'a> {
    client: &'a Client,
    open: &'a Open,
    tx: Tx,
    known: Vec<Account>,
    target: Option<Account>,
    book: Book,
    /// New lines in which a payment of a due date may be recognised.
    recent: Vec<Transaction>,
    report: ImportReport,
    holder: Option<HolderId>,
    corrected: Corrected,
    /// Lines that other lines of the file replaced or took back.
    gone: HashSet<TransactionId>,
    /// Sources by account, where nothing is written that a later statement could find.
    seen: Option<HashSet<(AccountId, Arc<str>)>>,
    /// The chunk file that is being packed beside the work on the cache.
    packing: Option<JoinHandle<CacheResult<()>>>,
}

impl Work<'_> {
    async fn take_statement(&mut self, mut statement: ImportedStatement) -> CacheResult<()> {
        let lines = by_day(std::mem::take(&mut statement.transactions));
        let (account, mut changed) = self.account_of(&statement, &lines).await?;
        if changed && !self.report.preview {
            accounts::put(&mut self.tx, &account).await?;
        }
        let number = accounts::find_number(&mut *self.tx, account.id).await?;
        let mut matches = match number {
            None => Matches::default(),
            Some(number) => self.matches_of(number, &lines).await?,
        };
        let corrections = corrections_in(&lines);
        let mut sources = Sources::default();
        let mut lines = lines.into_iter();
        loop {
            let part: Vec<ImportedTransaction> = lines.by_ref().take(CHUNK_MAX).collect();
            if part.is_empty() {
                break;
            }
            let sources: Vec<Arc<str>> = part.iter().map(|line| sources.of(line)).collect();
            let known = match number {
                None => HashSet::new(),
                Some(number) => {
                    transactions::known_sources(&mut self.tx, number, &sources, |at| part[at].pending).await?
                }
            };
            let mut chunk = Chunk::default();
            for (at, (line, source)) in part.into_iter().zip(sources).enumerate() {
                let known = known.contains(&at) || self.saw(account.id, &source);
                let correction = line.corrects.as_ref().filter(|_| !known);
                let verdict = correction.and_then(|correction| self.corrected.judge(account.id, correction));
                let mut verdict = verdict.unwrap_or_else(|| matches.judge(&line, &source, known));
                if !known && is_corrected(&line, &corrections) {
                    verdict = verdict.but_corrected();
                    chunk.left_out.push(Arc::clone(&source));
                }
                self.take_line(&account, line, source, verdict, &mut chunk);
            }
            if self.keep_chunk(&account, changed, chunk).await? {
                changed = false;
            }
        }
        if changed {
            // No line is new, and still the balance is.
            self.write_chunk(Some(&account), Chunk::default()).await?;
        }
        Ok(())
    }

    /// What is here that lines of a statement may be.
    async fn matches_of(&mut self, account: i64, lines: &[ImportedTransaction]) -> CacheResult<Matches> {
        let mut matches = Matches::default();
        let pending = transactions::pending_of(&mut self.tx, account).await?;
        let days: HashSet<Date> = pending.iter().map(|line| line.date).collect();
        let stated = sources_on(lines, |day| days.contains(&day));
        for line in pending {
            match line.source {
                Some(source) if stated.contains(source.as_str()) => drop(matches.stated.insert(source, line.id)),
                _ => matches.pending.add(line),
            }
        }
        for line in self.posted_since(account, lines).await? {
            matches.posted.add(line);
        }
        Ok(matches)
    }

    /// What pending lines of an older file may have become meanwhile: lines that posted after them and stand elsewhere than
    /// in this file. What stands beside a pending line in one file is another purchase.
    async fn posted_since(&mut self, account: i64, lines: &[ImportedTransaction]) -> CacheResult<Vec<KnownLine>> {
        let waiting = || lines.iter().filter(|line| line.pending);
        let days = waiting().map(|line| line.posted_on);
        let (Some(from), Some(last)) = (days.clone().min(), days.max()) else { return Ok(Vec::new()) };
        let to = shifted(last, PENDING_DAYS_MAX);
        let amounts: Vec<i64> = waiting().map(|line| line.amount.minor()).collect();
        let mut found = transactions::posted_of(&mut self.tx, account, &amounts, from, to).await?;
        let stated = sources_on(lines, |day| (from..=to).contains(&day));
        found.retain(|known| known.source.as_deref().is_none_or(|source| !stated.contains(source)));
        Ok(found)
    }

    fn saw(&mut self, account: AccountId, source: &Arc<str>) -> bool {
        self.seen.as_mut().is_some_and(|seen| !seen.insert((account, Arc::clone(source))))
    }

    /// Puts a part into the cache and the outbox. False when there was nothing in it.
    async fn keep_chunk(&mut self, account: &Account, changed: bool, chunk: Chunk) -> CacheResult<bool> {
        self.gone.extend(&chunk.replaced);
        if self.report.preview || (chunk.fresh.is_empty() && chunk.replaced.is_empty()) {
            return Ok(false);
        }
        let number = accounts::number_of(&mut self.tx, account.id, account.currency).await?;
        transactions::remember_replaced(&mut self.tx, &chunk.replaced).await?;
        transactions::remember_sources(&mut self.tx, account.id, &chunk.left_out).await?;
        transactions::remove_all(&mut self.tx, &chunk.replaced).await?;
        let first = transactions::take_lines(&mut self.tx, chunk.fresh.len()).await?;
        let lines: Vec<transactions::NewLine> = (first..)
            .zip(&chunk.fresh)
            .map(|(line, transaction)| {
                transactions::line_at(transactions::seq_of(transaction.posted_on, line), transaction, number)
            })
            .collect();
        self.write_chunk(changed.then_some(account), chunk).await?;
        transactions::add_all(&mut self.tx, &lines).await?;
        Ok(true)
    }

    /// Queues a chunk. Its file is packed and written beside the work on the cache, and is on disk before the commit.
    async fn write_chunk(&mut self, account: Option<&Account>, chunk: Chunk) -> CacheResult<()> {
        if self.report.preview {
            return Ok(());
        }
        let chunk = ImportChunk {
            id: self.client.fresh(MutationId::new),
            accounts: account.into_iter().cloned().collect(),
            transactions: chunk.fresh,
            replaced: chunk.replaced,
        };
        let lines = u32::try_from(chunk.transactions.len()).unwrap_or(u32::MAX);
        let change = Change::Import { chunk: chunk.id, lines };
        let entry = Entry { id: chunk.id, made_at: self.client.now(), change };
        rows::add(&mut self.tx, &entry).await?;
        self.packed().await?;
        let (beside, chance) = (self.open.beside.clone(), Arc::clone(&self.client.0.ports.chance));
        self.packing = Some(tokio::task::spawn_blocking(move || beside.write_chunk(&chunk, chance.as_ref())));
        Ok(())
    }

    async fn packed(&mut self) -> CacheResult<()> {
        match self.packing.take() {
            Some(packing) => packing.await.map_err(|_| CacheError::Closed)?,
            None => Ok(()),
        }
    }

    async fn finish(mut self) -> CacheResult<ImportReport> {
        self.packed().await?;
        self.settle().await?;
        if !self.report.preview {
            past_imports::keep(&mut self.tx, &self.report, self.client.now()).await?;
            self.tx.commit().await?;
        }
        Ok(self.report)
    }

    /// Marks the due dates that new lines pay, so that their reminders go (RE3). In the import's own transaction: a line
    /// is looked at once, and what the person takes back later stays so.
    async fn settle(&mut self) -> CacheResult<()> {
        // Each mark as it will be, and what is new of it. What a line no longer pays may be paid by the one in its place.
        let mut marks: Vec<(Mark, MarkEdit)> = self.book.unsee(&self.gone);
        let mut lines = std::mem::take(&mut self.recent);
        lines.retain(|line| !self.gone.contains(&line.id));
        let book = &self.book;
        let found = recognised(crate::bills::owed(book, RECOGNISED_DAYS), &lines);
        for one in found {
            let Some(bill) = book.bill(one.bill) else { continue };
            let at = marks.iter().position(|(mark, _)| (mark.bill, mark.due_on) == (one.bill, one.due_on));
            let at = at.unwrap_or_else(|| {
                let before = book.marks_of(one.bill).iter().find(|mark| mark.due_on == one.due_on);
                let before = before.cloned().unwrap_or_else(|| Mark::new(one.bill, one.due_on));
                marks.push((before, MarkEdit::default()));
                marks.len() - 1
            });
            let (mark, edit) = &mut marks[at];
            let mut after = mark.clone();
            after.seen.push(one.seen);
            // One that recognises more than can be kept stays as it was.
            if after.check(bill).is_ok() {
                *mark = after;
                edit.seen.push(one.seen);
                self.report.settles.push(SettlesView {
                    bill: bill.id,
                    name: bill.name.clone(),
                    due_on: one.due_on,
                    falls_on: book.occurrence(bill, one.due_on).map_or(one.due_on, |occurrence| occurrence.falls_on),
                    posted_on: one.posted_on,
                    amount: one.seen.amount,
                });
            }
        }
        for (mark, edit) in marks.into_iter().filter(|(_, edit)| !self.report.preview && *edit != MarkEdit::default()) {
            let change = Change::EditMark { bill: mark.bill, due_on: mark.due_on, edit };
            let entry = Entry { id: self.client.fresh(MutationId::new), made_at: self.client.now(), change };
            outbox::apply(&mut self.tx, &entry, &self.open.beside).await?;
            rows::add(&mut self.tx, &entry).await?;
        }
        Ok(())
    }

    fn take_line(
        &mut self,
        account: &Account,
        line: ImportedTransaction,
        source: Arc<str>,
        verdict: Judged,
        chunk: &mut Chunk,
    ) {
        let (shown, why) = match verdict {
            Judged::New => (ImportVerdict::New, "not here yet"),
            Judged::Known(why) => (ImportVerdict::Known, why),
            Judged::LeftOut => (ImportVerdict::Known, "the issuer corrected it in the same file"),
            Judged::Replaces(_, why) => (ImportVerdict::Replaces, why),
            Judged::Deletes(_) => (ImportVerdict::Replaces, "the issuer took an earlier line back"),
        };
        let count = match shown {
            ImportVerdict::New => &mut self.report.new,
            ImportVerdict::Known => &mut self.report.known,
            ImportVerdict::Replaces => &mut self.report.replaced,
        };
        *count = count.saturating_add(1);
        if self.report.lines.len() < LINES_SHOWN {
            self.report.lines.push(ImportLine {
                posted_on: line.posted_on,
                amount: line.amount,
                description: line.description.clone(),
                verdict: shown,
                why: why.to_owned(),
            });
        }
        match verdict {
            Judged::Replaces(old, _) | Judged::Deletes(old) => chunk.replaced.push(old),
            // Another device may have sent it from an older file.
            Judged::LeftOut => chunk.replaced.push(self.line_id(account.id, &line, &source)),
            Judged::New | Judged::Known(_) => {}
        }
        if matches!(verdict, Judged::New | Judged::Replaces(..)) {
            let id = self.line_id(account.id, &line, &source);
            self.corrected.note(account.id, &source, id);
            let transaction = Transaction {
                id,
                account: account.id,
                posted_on: line.posted_on,
                amount: line.amount,
                description: line.description,
                memo: line.memo,
                kind: line.kind,
                state: if line.pending { TransactionState::Pending } else { TransactionState::Posted },
                source: Some((*source).to_owned()),
            };
            let recent = transaction.posted_on >= shifted(self.book.today, -RECOGNISED_DAYS);
            if recent && self.recent.len() < RECOGNISED_LINES_MAX {
                self.recent.push(transaction.clone());
            }
            chunk.fresh.push(transaction);
        }
    }

    /// One account has one id, whichever device of its owner reads a file of it first: two that do so without a word
    /// between them have made one.
    fn id_of(&self, fingerprint: &str, statement: &ImportedStatement) -> AccountId {
        let named = format!("{fingerprint} {}", statement.account.currency);
        let id = self.holder.map(|holder| AccountId::from_uuid(Uuid::new_v5(&holder.as_uuid(), named.as_bytes())));
        id.filter(|id| self.known.iter().all(|account| account.id != *id))
            .unwrap_or_else(|| self.client.fresh(AccountId::new))
    }

    /// And so has one line: two devices that read it make one of it. A pending line and the posted one of its source are two.
    fn line_id(&self, account: AccountId, line: &ImportedTransaction, source: &str) -> TransactionId {
        let mut hash = Sha256::new();
        hash.update(self.holder.map_or(Uuid::nil(), |holder| holder.as_uuid()));
        hash.update(account.as_uuid());
        hash.update(source);
        hash.update([u8::from(line.pending)]);
        let digest = hash.finalize();
        let day = midnight(line.posted_on).unwrap_or(Timestamp::UNIX_EPOCH);
        TransactionId::new(day, std::array::from_fn(|at| digest[at]))
    }

    /// The account of a statement: named by the person, known by its fingerprint, or new.
    /// With it, whether the server must hear of it.
    async fn account_of(
        &mut self,
        statement: &ImportedStatement,
        lines: &[ImportedTransaction],
    ) -> CacheResult<(Account, bool)> {
        let fingerprint = fingerprint(&statement.account);
        let before = match &self.target {
            Some(target) => self.known.iter().find(|account| account.id == target.id),
            // One number may be kept in several currencies: each is an account of its own.
            None => self.known.iter().find(|account| {
                account.source.as_ref() == Some(&fingerprint) && account.currency == statement.account.currency
            }),
        };
        let before = before.cloned();
        let mut account = match &before {
            Some(account) => newer_figures(account.clone(), statement),
            None => newer_figures(new_account(self.id_of(&fingerprint, statement), statement, fingerprint), statement),
        };
        if let Some(span) = span_of(statement, lines, self.book.today) {
            let known = accounts::covered(&mut self.tx, &account).await?;
            account.covered = merged(known.into_iter().chain([span]));
        }
        let changed = before.as_ref() != Some(&account);
        if changed {
            self.known.retain(|other| other.id != account.id);
            self.known.push(account.clone());
        }
        if !self.report.accounts.contains(&account.id) {
            self.report.accounts.push(account.id);
            self.report.account_names.push(account.name.clone());
        }
        Ok((account, changed))
    }
}

#[derive(Clone, Copy, Debug)]
enum Judged {
    New,
    Known(&'static str),
    Replaces(TransactionId, &'static str),
    Deletes(TransactionId),
    /// New, and another line of the file stands in its place.
    LeftOut,
}

impl Judged {
    /// What becomes of a line that another of its statement corrects: it stays away, and so does what it replaces.
    const fn but_corrected(self) -> Self {
        match self {
            Self::New => Self::LeftOut,
            Self::Replaces(old, _) => Self::Deletes(old),
            Self::Known(_) | Self::Deletes(_) | Self::LeftOut => self,
        }
    }
}

/// What an account holds that lines of a statement may be.
#[derive(Default)]
struct Matches {
    /// Pending lines that stand in the statement, by source: as they are, or posted.
    stated: HashMap<String, TransactionId>,
    /// Pending lines that the statement no longer has.
    pending: Alike,
    /// Lines that posted after pending ones of the statement.
    posted: Alike,
}

impl Matches {
    /// New, known, or the posted form of a pending line. A pending line is used up by the first that fits, and so is a
    /// posted one that an older file says was pending.
    fn judge(&mut self, line: &ImportedTransaction, source: &str, known: bool) -> Judged {
        let day = line.posted_on;
        if !line.pending {
            let (from, to) = (shifted(day, -PENDING_DAYS_MAX), shifted(day, PENDING_DAYS_MAX));
            let alike = || if known { None } else { self.pending.take(line, from, to) };
            if let Some(old) = self.stated.remove(source).or_else(alike) {
                return Judged::Replaces(old, "it was pending and has posted");
            }
        } else if !known && self.posted.take(line, day, shifted(day, PENDING_DAYS_MAX)).is_some() {
            return Judged::Known("it has posted already");
        }
        if known { Judged::Known("it is here already") } else { Judged::New }
    }
}

/// Amount, day and number: lines of one day in their order.
type Place = (i64, Date, usize);

/// Lines among which one of the same purchase is found without looking at all of them.
#[derive(Default)]
struct Alike {
    lines: BTreeMap<Place, KnownLine>,
    /// By the hash of the issuer's id.
    by_issuer: BTreeSet<(String, Place)>,
}

impl Alike {
    fn add(&mut self, line: KnownLine) {
        let place = (line.amount_minor, line.date, self.lines.len());
        if let Some(part) = line.source.as_deref().and_then(issuer_part_of) {
            self.by_issuer.insert((part.to_owned(), place));
        }
        self.lines.insert(place, line);
    }

    /// Takes the first of these days that has the line's amount, and the issuer's id or like words.
    fn take(&mut self, line: &ImportedTransaction, from: Date, to: Date) -> Option<TransactionId> {
        let amount = line.amount.minor();
        let near = (amount, from, 0)..=(amount, to, usize::MAX);
        let mut alike = self.lines.range(near.clone()).take(COMPARED_MAX).peekable();
        alike.peek()?;
        let place = line.issuer_id.as_deref().and_then(|id| self.find_issued(id, near)).or_else(|| {
            let words = words_of(&line.description);
            alike.find(|(_, other)| are_similar(&words, &words_of(&other.description))).map(|(place, _)| *place)
        })?;
        let taken = self.lines.remove(&place)?;
        if let Some(part) = taken.source.as_deref().and_then(issuer_part_of) {
            self.by_issuer.remove(&(part.to_owned(), place));
        }
        Some(taken.id)
    }

    fn find_issued(&self, id: &str, near: RangeInclusive<Place>) -> Option<Place> {
        let part = issuer_part(id);
        let (from, to) = near.into_inner();
        self.by_issuer.range((part.clone(), from)..=(part, to)).next().map(|(_, place)| *place)
    }
}

fn words_of(text: &str) -> HashSet<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
    words.take(WORDS_MAX).map(str::to_owned).collect()
}

/// Half of the words of the shorter one stand in the other; banks add a place or a number when a line posts.
fn are_similar(left: &HashSet<String>, right: &HashSet<String>) -> bool {
    let shorter = left.len().min(right.len());
    let shared = left.intersection(right).count();
    shorter > 0 && shared * 2 >= shorter
}

/// The lines that corrections of a file name, by account and the hash of the issuer's id: those that are here, and those
/// of the file's own statements as they are taken.
struct Corrected {
    named: HashSet<String>,
    found: HashMap<(AccountId, String), TransactionId>,
}

impl Corrected {
    async fn by(file: &ImportedFile, tx: &mut Tx) -> CacheResult<Self> {
        let lines = file.statements.iter().flat_map(|statement| &statement.transactions);
        let named: HashSet<String> =
            lines.filter_map(|line| line.corrects.as_ref()).map(|correction| issuer_part(correction.id())).collect();
        let found = if named.is_empty() { HashMap::new() } else { transactions::by_issuer_parts(tx, &named).await? };
        Ok(Self { named, found })
    }

    fn note(&mut self, account: AccountId, source: &str, id: TransactionId) {
        if let Some(part) = issuer_part_of(source).filter(|part| self.named.contains(*part)) {
            self.found.insert((account, part.to_owned()), id);
        }
    }

    /// `None`: it corrects nothing that is here, and is a line like others.
    fn judge(&mut self, account: AccountId, correction: &Correction) -> Option<Judged> {
        let found = self.found.remove(&(account, issuer_part(correction.id())));
        match (correction, found) {
            (Correction::Deletes(_), Some(old)) => Some(Judged::Deletes(old)),
            (Correction::Deletes(_), None) => Some(Judged::Known("it takes back a line that is not here")),
            (Correction::Replaces(_), Some(old)) => Some(Judged::Replaces(old, "the issuer corrected an earlier line")),
            (Correction::Replaces(_), None) => None,
        }
    }
}

/// The issuer's ids that corrections of a statement name, with where in the file the last of them begins.
fn corrections_in(lines: &[ImportedTransaction]) -> HashMap<String, u32> {
    let mut last = HashMap::new();
    for line in lines {
        if let Some(correction) = &line.corrects {
            let at = last.entry(correction.id().to_owned()).or_insert(line.line);
            *at = line.line.max(*at);
        }
    }
    last
}

/// A correction that keeps the id of what it corrects gives way to a later one alone.
fn is_corrected(line: &ImportedTransaction, corrections: &HashMap<String, u32>) -> bool {
    let Some(id) = &line.issuer_id else { return false };
    let keeps = line.corrects.as_ref().is_some_and(|correction| correction.id() == id);
    corrections.get(id).is_some_and(|last| !keeps || line.line < *last)
}

/// What a part of a file comes to.
#[derive(Default)]
struct Chunk {
    fresh: Vec<Transaction>,
    replaced: Vec<TransactionId>,
    /// Sources of lines that another line of the file corrects.
    left_out: Vec<Arc<str>>,
}

/// Oldest first, so that every index grows at its end. Lines of one day keep their order.
fn by_day(mut lines: Vec<ImportedTransaction>) -> Vec<ImportedTransaction> {
    if lines.is_sorted_by_key(|line| std::cmp::Reverse(line.posted_on)) {
        lines.reverse();
    } else if !lines.is_sorted_by_key(|line| line.posted_on) {
        lines.sort_by_key(|line| line.posted_on);
    }
    lines
}

/// What makes a repeated import find each line again: day, the issuer's own id or a hash of the words, the amount, and
/// the ordinal among identical twins of one file. An issuer that uses an id twice is caught by day and amount.
#[derive(Default)]
struct Sources {
    day: Option<Date>,
    /// How often each came on this day.
    twins: HashMap<String, u32>,
}

impl Sources {
    /// Lines must come by day.
    fn of(&mut self, line: &ImportedTransaction) -> Arc<str> {
        let date = line.posted_on;
        if self.day != Some(date) {
            self.day = Some(date);
            self.twins.clear();
        }
        let middle = match &line.issuer_id {
            Some(id) => issuer_part(id),
            None => words_part(line),
        };
        let base = format!("{:04}{:02}{:02}{middle}{}", date.year(), date.month(), date.day(), line.amount.minor());
        match self.twins.get_mut(&base) {
            None => {
                let source = base.as_str().into();
                self.twins.insert(base, 1);
                source
            }
            Some(ordinal) => {
                let source = format!("{base}#{ordinal}").into();
                *ordinal += 1;
                source
            }
        }
    }
}

/// Sources of the lines of some days. Lines must come by day.
fn sources_on(lines: &[ImportedTransaction], wanted: impl Fn(Date) -> bool) -> HashSet<Arc<str>> {
    let mut sources = Sources::default();
    lines.iter().filter(|line| wanted(line.posted_on)).map(|line| sources.of(line)).collect()
}

fn issuer_part(id: &str) -> String {
    short_hash('i', &[id])
}

/// The same of a source: behind its day.
fn issuer_part_of(source: &str) -> Option<&str> {
    source.get(8..22).filter(|part| part.starts_with('i'))
}

fn words_part(line: &ImportedTransaction) -> String {
    let memo = line.memo.as_deref().unwrap_or_default();
    short_hash('w', &[&line.description, memo, line.check_number.as_deref().unwrap_or_default()])
}

fn short_hash(kind: char, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    format!("{kind}{}.", data_encoding::BASE64URL_NOPAD.encode(&digest[..9]))
}

/// Names an account without holding its number.
fn fingerprint(account: &ImportedAccount) -> String {
    let mut hash = Sha256::new();
    let parts = [account.issuer.as_deref(), account.bank.as_deref(), account.branch.as_deref(), Some(&*account.number)];
    for part in parts {
        hash.update(part.unwrap_or_default().trim().as_bytes());
        hash.update([0]);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

fn new_account(id: AccountId, statement: &ImportedStatement, fingerprint: String) -> Account {
    let of = &statement.account;
    let mask = of.mask();
    let what = match of.kind {
        AccountKind::Card => "Card",
        AccountKind::Checking => "Checking",
        AccountKind::Savings => "Savings",
        AccountKind::Loan => "Loan",
        AccountKind::Other => "Account",
    };
    let mut name: String = of.issuer.as_deref().map_or_else(|| what.to_owned(), |issuer| format!("{issuer} {what}"));
    name.retain(|c| !c.is_control());
    let mut name: String = name.chars().take(100).collect();
    if let Some(mask) = &mask {
        name.push_str(&format!(" ··{mask}"));
    }
    Account {
        id,
        keeping: Keeping::Linked,
        kind: of.kind,
        name,
        mask,
        currency: of.currency,
        source: Some(fingerprint),
        balance: None,
        available: None,
        balance_as_of: None,
        terms: None,
        issuer: None,
        plans: Vec::new(),
        excess: Excess::ByRate,
        card: None,
        covered: Vec::new(),
    }
}

/// Takes over what the file says about balances, unless something newer is known.
fn newer_figures(mut account: Account, statement: &ImportedStatement) -> Account {
    if let Some(balance) = &statement.ledger_balance {
        let as_of = balance.as_of.or(statement.ends_on).and_then(midnight);
        if as_of >= account.balance_as_of {
            account.balance = Some(balance.amount);
            account.balance_as_of = as_of;
            account.available = statement.available.as_ref().map(|available| available.amount);
        }
    }
    if let Some(figures) = &statement.issuer
        && account.issuer.as_ref().is_none_or(|known| known.closed_on <= figures.closed_on)
    {
        account.issuer = Some(figures.clone());
    }
    account
}

/// The days that a file covers: as it says, otherwise from its first posted line to its last. What is still to come is not
/// covered yet.
fn span_of(statement: &ImportedStatement, lines: &[ImportedTransaction], today: Date) -> Option<Covered> {
    let days = || lines.iter().filter(|line| !line.pending).map(|line| line.posted_on);
    let said = statement.starts_on.zip(statement.ends_on).filter(|(starts_on, ends_on)| starts_on <= ends_on);
    let (first_on, last_on) = said.or_else(|| days().min().zip(days().max()))?;
    Some(Covered { first_on, last_on: last_on.min(today) }).filter(|span| span.first_on <= span.last_on)
}

fn midnight(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

fn target_of(known: &[Account], id: AccountId) -> Result<Account, ClientError> {
    let account = known.iter().find(|account| account.id == id);
    let account = account.ok_or_else(|| ClientError::not_found("account"))?;
    if account.keeping == Keeping::Served {
        return Err(ImportError::Served.into());
    }
    Ok(account.clone())
}

fn check_target(file: &ImportedFile, target: &Account) -> Result<(), ImportError> {
    if file.statements.len() > 1 {
        return Err(ImportError::SeveralAccounts);
    }
    if file.statements.iter().any(|statement| statement.account.currency != target.currency) {
        return Err(ImportError::OtherCurrency);
    }
    Ok(())
}

fn rejected(line: formats::Rejected) -> RejectedLine {
    RejectedLine { line: line.line, reason: line.reason }
}

async fn read_file(path: &Path) -> Result<Vec<u8>, ClientError> {
    let path = path.to_owned();
    let read = blocking(move || {
        // A device or a pipe may have no end, and no length to see before.
        if !std::fs::metadata(&path).map_err(ImportError::Unreadable)?.is_file() {
            return Err(ImportError::Unreadable(std::io::Error::other("not a file")));
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(ImportError::Unreadable)?;
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(ImportError::Unreadable)?;
        if bytes.len() as u64 > FILE_BYTES_MAX { Err(ImportError::TooLarge) } else { Ok(bytes) }
    });
    Ok(read.await??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::TransactionQuery;
    use crate::testing::{World, day, usd};
    use domain::accounts::TransactionKind;
    use domain::money::Currency;

    fn line(on: &str, amount: &str, id: Option<&str>, description: &str) -> ImportedTransaction {
        ImportedTransaction {
            line: 1,
            posted_on: day(on),
            amount: usd(amount),
            kind: TransactionKind::Purchase,
            description: description.to_owned(),
            memo: None,
            issuer_id: id.map(str::to_owned),
            check_number: None,
            pending: false,
            corrects: None,
        }
    }

    fn file(lines: Vec<ImportedTransaction>) -> ImportedFile {
        let account = ImportedAccount {
            kind: AccountKind::Card,
            currency: Currency::USD,
            issuer: Some("Cobalt".to_owned()),
            bank: None,
            branch: None,
            number: "4111222233334444".to_owned(),
        };
        let statement = ImportedStatement {
            account,
            ledger_balance: None,
            available: None,
            issuer: None,
            starts_on: None,
            ends_on: None,
            transactions: lines,
        };
        ImportedFile { label: "test".to_owned(), statements: vec![statement], rejected: vec![], warnings: vec![] }
    }

    async fn keep(client: &Client, lines: Vec<ImportedTransaction>) -> ImportReport {
        let open = client.opened().unwrap();
        let known = accounts::all(open.cache.readers()).await.unwrap();
        let book = client.bills().book().await.unwrap();
        let report = client.import().keep(&open, file(lines), known, None, book, false).await.unwrap();
        open.read_names().await.unwrap();
        report
    }

    async fn shown(client: &Client) -> Vec<(String, TransactionState)> {
        let page = client.accounts().transactions(TransactionQuery::default()).await.unwrap();
        page.items.into_iter().map(|line| (line.description, line.state)).collect()
    }

    #[tokio::test]
    async fn a_pending_line_gives_way_to_its_posted_one() {
        let world = World::new();
        let client = world.start().await;
        let pending = ImportedTransaction { pending: true, ..line("2026-11-01", "-5", None, "HARBOUR BOOKS") };
        let other = ImportedTransaction { pending: true, ..line("2026-11-01", "-5", None, "Garden Supply") };
        keep(&client, vec![pending, other]).await;
        let report = keep(&client, vec![line("2026-11-03", "-5", Some("x1"), "Harbour Books #12 Springfield")]).await;
        assert_eq!((report.new, report.replaced), (0, 1));
        assert_eq!(
            shown(&client).await,
            [
                ("Harbour Books #12 Springfield".to_owned(), TransactionState::Posted),
                ("Garden Supply".to_owned(), TransactionState::Pending)
            ]
        );
        let far = keep(&client, vec![line("2026-11-20", "-5", Some("x2"), "Garden Supply")]).await;
        assert_eq!((far.new, far.replaced), (1, 0), "too far apart to be the same");
        world.end().await;
    }

    fn hold(on: &str, amount: &str, id: &str, description: &str) -> ImportedTransaction {
        ImportedTransaction { pending: true, ..line(on, amount, Some(id), description) }
    }

    fn right(of: &str, line: ImportedTransaction) -> ImportedTransaction {
        ImportedTransaction { corrects: Some(Correction::Replaces(of.to_owned())), ..line }
    }

    fn void(of: &str, line: ImportedTransaction) -> ImportedTransaction {
        ImportedTransaction { corrects: Some(Correction::Deletes(of.to_owned())), ..line }
    }

    #[tokio::test]
    async fn a_pending_line_goes_to_the_posted_one_of_its_source_and_never_to_a_like_one() {
        let world = World::new();
        let client = world.start().await;
        keep(&client, vec![hold("2026-11-02", "-2.90", "a", "TRANSIT FARE")]).await;
        let like = line("2026-11-01", "-2.90", Some("c"), "TRANSIT FARE");
        let own = line("2026-11-02", "-2.90", Some("a"), "TRANSIT FARE");
        let report = keep(&client, vec![like.clone(), own.clone()]).await;
        assert_eq!((report.new, report.replaced, report.known), (1, 1, 0));
        assert_eq!(shown(&client).await, vec![("TRANSIT FARE".to_owned(), TransactionState::Posted); 2]);
        let again = keep(&client, vec![like, own]).await;
        assert_eq!((again.new, again.replaced, again.known), (0, 0, 2));
        world.end().await;
    }

    #[tokio::test]
    async fn a_pending_line_that_the_file_still_has_stays_beside_a_like_one_that_posted() {
        let world = World::new();
        let client = world.start().await;
        let waiting = hold("2026-11-02", "-4", "a", "Morning Coffee");
        keep(&client, vec![waiting.clone()]).await;
        let report = keep(&client, vec![line("2026-11-01", "-4", Some("c"), "Morning Coffee"), waiting]).await;
        assert_eq!((report.new, report.replaced, report.known), (1, 0, 1));
        let report = keep(&client, vec![line("2026-11-02", "-4", Some("a"), "Morning Coffee")]).await;
        assert_eq!((report.new, report.replaced), (0, 1));
        assert_eq!(shown(&client).await, vec![("Morning Coffee".to_owned(), TransactionState::Posted); 2]);
        world.end().await;
    }

    #[tokio::test]
    async fn of_two_like_pending_lines_the_one_that_posted_gives_way() {
        let world = World::new();
        let client = world.start().await;
        let (north, south) =
            (hold("2026-11-02", "-4", "n", "Coffee North"), hold("2026-11-02", "-4", "s", "Coffee South"));
        keep(&client, vec![north, south]).await;
        let report = keep(&client, vec![line("2026-11-02", "-4", Some("s"), "Coffee South")]).await;
        assert_eq!((report.new, report.replaced), (0, 1));
        let left = shown(&client).await;
        assert_eq!(left[1], ("Coffee North".to_owned(), TransactionState::Pending));
        assert_eq!(left[0], ("Coffee South".to_owned(), TransactionState::Posted));
        world.end().await;
    }

    #[tokio::test]
    async fn what_posts_under_the_source_of_a_hold_that_a_like_line_took_is_not_lost() {
        let world = World::new();
        let client = world.start().await;
        keep(&client, vec![hold("2026-11-02", "-2.90", "a", "TRANSIT FARE")]).await;
        // A file without pending lines: the hold may be this one.
        let report = keep(&client, vec![line("2026-11-01", "-2.90", Some("c"), "TRANSIT FARE")]).await;
        assert_eq!(report.replaced, 1);
        let report = keep(&client, vec![line("2026-11-02", "-2.90", Some("a"), "TRANSIT FARE")]).await;
        assert_eq!((report.new, report.known), (1, 0));
        let older = keep(&client, vec![hold("2026-11-02", "-2.90", "a", "TRANSIT FARE")]).await;
        assert_eq!((older.new, older.known), (0, 1), "and the hold does not come back");
        world.end().await;
    }

    #[tokio::test]
    async fn a_line_and_its_correction_in_one_file_are_one_line() {
        let world = World::new();
        let client = world.start().await;
        let wrong = line("2026-11-02", "-5", Some("a"), "Wrong");
        let void_b = void("b", line("2026-11-01", "-6", Some("d"), "Void"));
        // The correction stands before what it corrects, and is corrected itself.
        let lines = vec![
            right("a", line("2026-11-01", "-7", Some("c"), "Better")),
            wrong.clone(),
            right("c", line("2026-11-03", "-8", Some("e"), "Right")),
            line("2026-11-02", "-6", Some("b"), "Void"),
            void_b,
        ];
        let open = client.opened().unwrap();
        let book = client.bills().book().await.unwrap();
        let preview = client.import().keep(&open, file(lines.clone()), vec![], None, book, true).await.unwrap();
        let report = keep(&client, lines.clone()).await;
        assert_eq!((preview.new, preview.known, preview.replaced), (1, 4, 0));
        assert_eq!((report.new, report.known, report.replaced), (1, 4, 0));
        assert_eq!(shown(&client).await, [("Right".to_owned(), TransactionState::Posted)]);
        let again = keep(&client, lines).await;
        assert_eq!((again.new, again.known), (0, 5));
        let older = keep(&client, vec![wrong]).await;
        assert_eq!((older.new, older.known), (0, 1), "an older file does not bring it back");
        drop(open);
        world.end().await;
    }

    #[tokio::test]
    async fn a_correction_takes_the_place_of_its_line_wherever_a_file_is_cut() {
        let world = World::new();
        let client = world.start().await;
        let shops = |from, to| (from..to).map(|n| line("2026-11-02", "-1", None, &format!("Shop {n}")));
        let mut lines = vec![line("2026-11-01", "-5", Some("a"), "Wrong")];
        lines.extend(shops(0, CHUNK_MAX));
        lines.push(right("a", line("2026-11-03", "-7", Some("c"), "Right")));
        assert_eq!(keep(&client, lines).await.new as usize, CHUNK_MAX + 1);
        // The same in two statements of one account.
        let mut two = file(vec![line("2026-11-04", "-5", Some("f"), "Wrong")]);
        let late = right("f", line("2026-11-05", "-7", Some("g"), "Right"));
        two.statements.extend(file(vec![late]).statements);
        for preview in [true, false] {
            let open = client.opened().unwrap();
            let known = accounts::all(open.cache.readers()).await.unwrap();
            let book = client.bills().book().await.unwrap();
            let report = client.import().keep(&open, two.clone(), known, None, book, preview).await.unwrap();
            assert_eq!((report.new, report.replaced), (1, 1));
        }
        for (words, count) in [("wrong", 0), ("right", 2)] {
            let found = TransactionQuery { search: Some(words.to_owned()), ..TransactionQuery::default() };
            assert_eq!(client.accounts().transactions(found).await.unwrap().items.len(), count, "{words}");
        }
        world.end().await;
    }

    #[tokio::test]
    async fn a_correction_of_an_earlier_line_that_is_corrected_at_once_leaves_the_last_one() {
        let world = World::new();
        let client = world.start().await;
        keep(&client, vec![line("2026-11-01", "-5", Some("a"), "Wrong")]).await;
        let better = right("a", line("2026-11-01", "-6", Some("b"), "Better"));
        keep(&client, vec![better, right("b", line("2026-11-01", "-7", Some("c"), "Right"))]).await;
        assert_eq!(shown(&client).await, [("Right".to_owned(), TransactionState::Posted)]);
        world.end().await;
    }

    #[tokio::test]
    async fn what_is_corrected_or_taken_back_pays_no_due_date_any_more() {
        use crate::testing::monthly;
        let world = World::new();
        let client = world.start().await;
        let rent = client.bills().add(monthly("Alder Court Rent", "950.00", "2026-11-21")).await.unwrap();
        let paid = |amount, id| line("2026-11-18", amount, Some(id), "ALDER COURT RENT 0042");
        assert_eq!(keep(&client, vec![paid("-950", "a")]).await.settles.len(), 1);
        assert!(client.bills().due(7).await.unwrap().is_empty());
        assert!(keep(&client, vec![void("a", paid("-950", "b"))]).await.settles.is_empty());
        assert_eq!(client.bills().due(7).await.unwrap().len(), 1, "it is owed again");
        keep(&client, vec![paid("-950", "c")]).await;
        let report =
            keep(&client, vec![right("c", line("2026-11-19", "-950", Some("d"), "ALDER COURT RENT 0042"))]).await;
        assert_eq!(report.settles.len(), 1, "the line in its place pays");
        let book = client.bills().book().await.unwrap();
        assert_eq!(book.marks_of(rent)[0].seen.len(), 1);
        world.end().await;
    }

    #[test]
    fn a_line_is_compared_with_few_others_however_many_there_are() {
        let waiting = |n: u8| KnownLine {
            id: TransactionId::new(Timestamp::UNIX_EPOCH, [n; 10]),
            date: day("2026-11-01"),
            amount_minor: -500,
            description: format!("Shop {n}"),
            source: None,
        };
        let mut alike = Alike::default();
        (0..=200).for_each(|n| alike.add(waiting(n)));
        let mut take = |words: &str| {
            let line = line("2026-11-01", "-5", Some("x"), words);
            alike.take(&line, line.posted_on, line.posted_on)
        };
        let compared = u8::try_from(COMPARED_MAX).unwrap();
        assert_eq!(take(&format!("{compared}")), None, "beyond what is looked at");
        let last = compared - 1;
        assert_eq!(take(&format!("{last}")), Some(waiting(last).id));
        assert_eq!(take(&format!("{compared}")), Some(waiting(compared).id), "what is taken is not looked at again");
        assert_eq!(words_of(&"a1 b2 c3 ".repeat(WORDS_MAX)).len(), 3);
        let many: String = (0..1_000).map(|n| format!("word{n} ")).collect();
        assert_eq!(words_of(&many).len(), WORDS_MAX);
    }

    #[tokio::test]
    async fn the_issuers_id_finds_a_pending_line_among_any_number_of_its_amount() {
        let world = World::new();
        let client = world.start().await;
        let many: Vec<ImportedTransaction> =
            (0..200).map(|n| hold("2026-11-01", "-5", &format!("p{n}"), &format!("Machine {n}"))).collect();
        keep(&client, many).await;
        let report = keep(&client, vec![line("2026-11-03", "-5", Some("p150"), "Elsewhere")]).await;
        assert_eq!((report.new, report.replaced), (0, 1));
        world.end().await;
    }

    #[tokio::test]
    async fn many_corrections_of_one_file_are_looked_up_at_once() {
        let world = World::new();
        let client = world.start().await;
        let wrong = |n| line("2026-11-01", "-5", Some(&format!("a{n}")), "Wrong");
        keep(&client, (0..500).map(wrong).collect()).await;
        let good = |n| right(&format!("a{n}"), line("2026-11-01", "-6", Some(&format!("b{n}")), "Right"));
        let lines: Vec<ImportedTransaction> = (0..500).map(good).collect();
        let open = client.opened().unwrap();
        let mut tx = open.cache.begin().await.unwrap();
        let corrected = Corrected::by(&file(lines.clone()), &mut tx).await.unwrap();
        assert_eq!((corrected.named.len(), corrected.found.len()), (500, 500));
        drop(tx);
        assert_eq!(keep(&client, lines).await.replaced, 500);
        drop(open);
        world.end().await;
    }

    #[tokio::test]
    async fn an_older_file_again_brings_no_line_back_that_posted_or_was_corrected() {
        let world = World::new();
        let client = world.start().await;
        let pending = ImportedTransaction { pending: true, ..line("2026-11-01", "-5", Some("p"), "HARBOUR BOOKS") };
        let posted = line("2026-11-03", "-5", Some("x1"), "Harbour Books #12");
        keep(&client, vec![pending.clone(), line("2026-11-02", "-6", Some("b"), "Wrong")]).await;
        let right = ImportedTransaction {
            corrects: Some(Correction::Replaces("b".to_owned())),
            ..line("2026-11-02", "-7", Some("c"), "Right")
        };
        keep(&client, vec![posted.clone(), right]).await;
        let again = keep(&client, vec![pending.clone(), line("2026-11-02", "-6", Some("b"), "Wrong")]).await;
        assert_eq!((again.new, again.known), (0, 2));
        assert_eq!(shown(&client).await.len(), 2);
        // The same on a device that has the posted line from the server alone.
        let open = client.opened().unwrap();
        let mut tx = open.cache.begin().await.unwrap();
        sqlx::query("DELETE FROM replaced").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let elsewhere = keep(&client, vec![pending]).await;
        assert_eq!((elsewhere.new, elsewhere.known), (0, 1));
        // Another purchase of the same kind, beside the posted one in one file, or after it.
        let more = |on: &str, id| ImportedTransaction { pending: true, ..line(on, "-5", Some(id), "HARBOUR BOOKS") };
        let beside = keep(&client, vec![posted, more("2026-11-02", "q"), more("2026-11-05", "r")]).await;
        assert_eq!((beside.new, beside.known), (2, 1));
        drop(open);
        world.end().await;
    }

    #[tokio::test]
    async fn a_line_that_posts_under_the_same_id_and_day_is_replaced_in_place() {
        let world = World::new();
        let client = world.start().await;
        keep(&client, vec![ImportedTransaction { pending: true, ..line("2026-11-01", "-5", Some("a"), "Shop") }]).await;
        let report = keep(&client, vec![line("2026-11-01", "-5", Some("a"), "Shop")]).await;
        assert_eq!((report.replaced, report.known), (1, 0));
        assert_eq!(shown(&client).await, [("Shop".to_owned(), TransactionState::Posted)]);
        let again = keep(&client, vec![line("2026-11-01", "-5", Some("a"), "Shop")]).await;
        assert_eq!((again.replaced, again.known, again.new), (0, 1, 0));
        world.end().await;
    }

    #[tokio::test]
    async fn the_issuer_may_correct_a_line_or_take_it_back() {
        let world = World::new();
        let client = world.start().await;
        keep(&client, vec![line("2026-11-01", "-5", Some("a"), "Wrong"), line("2026-11-02", "-6", Some("b"), "Void")])
            .await;
        let right = ImportedTransaction {
            corrects: Some(Correction::Replaces("a".to_owned())),
            ..line("2026-11-01", "-7", Some("c"), "Right")
        };
        let void = ImportedTransaction {
            corrects: Some(Correction::Deletes("b".to_owned())),
            ..line("2026-11-02", "-6", Some("d"), "Void")
        };
        let report = keep(&client, vec![right, void]).await;
        assert_eq!(report.replaced, 2);
        assert_eq!(shown(&client).await, [("Right".to_owned(), TransactionState::Posted)]);
        world.end().await;
    }

    #[tokio::test]
    async fn a_large_file_goes_in_parts_and_again_adds_nothing() {
        let world = World::new();
        let client = world.start().await;
        let lines: Vec<ImportedTransaction> = (0..12_001)
            .map(|n| line(&format!("2026-{:02}-{:02}", n % 10 + 1, n % 28 + 1), "-1", None, &format!("Shop {n}")))
            .collect();
        let report = keep(&client, lines.clone()).await;
        assert_eq!(report.new, 12_001);
        assert_eq!(client.status().await.unwrap().waiting, 3, "5,000 lines a chunk at most");
        let again = keep(&client, lines).await;
        assert_eq!((again.new, again.known), (0, 12_001));
        assert_eq!(client.status().await.unwrap().waiting, 3);
        let found = TransactionQuery { search: Some("shop 12000".to_owned()), ..TransactionQuery::default() };
        assert_eq!(client.accounts().transactions(found).await.unwrap().items.len(), 1);
        world.end().await;
    }

    #[tokio::test]
    async fn only_a_new_balance_is_told_to_the_server_too() {
        let world = World::new();
        let client = world.start().await;
        keep(&client, vec![line("2026-11-01", "-5", Some("a"), "Shop")]).await;
        let mut file = file(vec![line("2026-11-01", "-5", Some("a"), "Shop")]);
        file.statements[0].ledger_balance =
            Some(formats::records::Balance { amount: usd("-50"), as_of: Some(day("2026-11-10")) });
        let open = client.opened().unwrap();
        let known = accounts::all(open.cache.readers()).await.unwrap();
        let book = client.bills().book().await.unwrap();
        client.import().keep(&open, file, known, None, book, false).await.unwrap();
        assert_eq!(client.status().await.unwrap().waiting, 2);
        assert_eq!(client.accounts().list().await.unwrap()[0].account.balance, Some(usd("-50")));
        world.end().await;
    }
}
