//! Back in (IM4): what an archive of everything holds goes into this account, once. What is here stays as it is; what the
//! server says or does by itself (payments, statements, methods, autopay, the security log) is history and is never sent. So
//! that nothing is paid twice, due dates that were paid there are marked paid here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use api::import::{CHUNK_MAX, ImportChunk};
use api::payments::Payment;
use api::restore::PART_MAX;
use api::sync::Record;
use domain::accounts::{Account, Keeping, Transaction, TransactionState};
use domain::bills::{Bill, Mark};
use domain::ids::{AccountId, BillId, BillerId, IncomeId, MutationId, SuggestionId};
use domain::plan::PlanWishes;
use domain::reminders::ReminderAnswer;
use domain::statements::{Covered, covered_by_lines, merged};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::archive::{self, Archive};
use crate::cache::{
    CacheError, CacheResult, Tx, accounts, bills, outbox as rows, paydays, state, suggestions, transactions,
};
use crate::client::{Client, Open, blocking};
use crate::error::ClientError;
use crate::import::{Import, ImportReport};
use crate::outbox::{self, Change, Entry};
use crate::settings::Settings;

/// What an archive holds, and how much of it is not here yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ArchiveView {
    #[specta(type = String)]
    pub made_at: Timestamp,
    /// The server that it was taken from.
    pub server: String,
    /// What comes back, a kind each; kinds of which there is nothing are left out.
    pub parts: Vec<ArchivePart>,
    /// Records of what was: they stay in the archive.
    pub history: u32,
    /// Payments that were still under way when it was made. They are where they were ordered, and not here.
    pub under_way: u32,
    /// Bills whose biller is not known here: they come without one.
    pub without_biller: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ArchivePart {
    pub what: ArchiveKind,
    pub new: u32,
    pub known: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveKind {
    Accounts,
    Lines,
    Billers,
    Bills,
    /// What was said about due dates.
    Marks,
    Reminders,
    Incomes,
    Plan,
    Suggestions,
    Settings,
}

impl ArchiveKind {
    pub const ALL: [Self; 10] = [
        Self::Accounts,
        Self::Lines,
        Self::Billers,
        Self::Bills,
        Self::Marks,
        Self::Reminders,
        Self::Incomes,
        Self::Plan,
        Self::Suggestions,
        Self::Settings,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Lines => "lines",
            Self::Billers => "billers",
            Self::Bills => "bills",
            Self::Marks => "marks",
            Self::Reminders => "reminders",
            Self::Incomes => "incomes",
            Self::Plan => "plan",
            Self::Suggestions => "suggestions",
            Self::Settings => "settings",
        }
    }
}

const FORMAT: &str = "Billfold archive";
/// Bytes of the records of one part; the server takes several times as many.
const PART_BYTES_MAX: usize = 1024 * 1024;

impl Import {
    /// Puts an archive back, or with `preview` says what that would do.
    pub(crate) async fn restore(&self, bytes: Vec<u8>, preview: bool) -> Result<ImportReport, ClientError> {
        // The packed bytes are gone once they are read.
        let archive = blocking(move || archive::read(&bytes)).await??;
        // What other devices and earlier archives brought is known first, so that nothing comes twice.
        self.0.sync().soon().await;
        let open = self.0.open_now()?;
        let result = self.keep_archive(&open, archive, preview).await;
        self.0.watch(&result);
        Ok(result?)
    }

    /// All of it in one transaction: either everything is here and queued for the server, or nothing.
    async fn keep_archive(&self, open: &Open, archive: Archive, preview: bool) -> CacheResult<ImportReport> {
        let mut tx = open.cache.begin().await?;
        let here = Here::read(&mut tx, open).await?;
        let mut decided = Decided::of(archive, here);
        for (account, more) in std::mem::take(&mut decided.covering) {
            let known = accounts::covered(&mut tx, &account).await?;
            let covered = merged(known.into_iter().chain(more));
            if covered != account.covered {
                decided.covered.push(Account { covered, ..account });
            }
        }
        // Lines are looked up where they would go, part by part.
        for part in std::mem::take(&mut decided.lines).chunks(CHUNK_MAX) {
            let fresh = unknown_lines(&mut tx, part).await?;
            decided.counts.add(ArchiveKind::Lines, fresh.len(), part.len() - fresh.len());
            decided.lines.extend(fresh);
        }
        let report = decided.report(preview);
        if preview {
            return Ok(report);
        }
        self.keep_decided(open, tx, decided).await?;
        Ok(report)
    }

    async fn keep_decided(&self, open: &Open, mut tx: Tx, decided: Decided) -> CacheResult<()> {
        let Decided { mut accounts, covered, lines, records, settings, .. } = decided;
        accounts.extend(covered);
        let something = !(accounts.is_empty() && lines.is_empty() && records.is_empty());
        let mut accounts = Some(accounts).filter(|accounts| !accounts.is_empty());
        let mut lines = lines.into_iter();
        loop {
            let part: Vec<Transaction> = lines.by_ref().take(CHUNK_MAX).collect();
            if part.is_empty() && accounts.is_none() {
                break;
            }
            let chunk = ImportChunk {
                id: self.0.fresh(MutationId::new),
                accounts: accounts.take().unwrap_or_default(),
                transactions: part,
                replaced: Vec::new(),
            };
            let count = u32::try_from(chunk.transactions.len()).unwrap_or(u32::MAX);
            let change = Change::Import { chunk: chunk.id, lines: count };
            let (id, beside, chance) = (chunk.id, open.beside.clone(), Arc::clone(&self.0.0.ports.chance));
            // The file is on disk before the commit.
            let writing = tokio::task::spawn_blocking(move || beside.write_chunk(&chunk, chance.as_ref()));
            writing.await.map_err(|_| CacheError::Closed)??;
            let entry = Entry { id, made_at: self.0.now(), change };
            outbox::apply(&mut tx, &entry, &open.beside).await?;
            rows::add(&mut tx, &entry).await?;
        }
        // The last part also tells this device to read the server's word on all of it, so one goes in any case.
        let mut parts = parts_of(records)?;
        if parts.is_empty() && something {
            parts.push(Vec::new());
        }
        for records in parts {
            let change = Change::Restore { records };
            let entry = Entry { id: self.0.fresh(MutationId::new), made_at: self.0.now(), change };
            outbox::apply(&mut tx, &entry, &open.beside).await?;
            rows::add(&mut tx, &entry).await?;
        }
        if let Some(settings) = settings {
            state::put(&mut *tx, state::SETTINGS, &settings).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// So many at once that the server takes them: neither too many nor too large.
fn parts_of(records: Vec<Record>) -> CacheResult<Vec<Vec<Record>>> {
    let mut parts: Vec<Vec<Record>> = Vec::new();
    let mut bytes = 0;
    for record in records {
        let length = serde_json::to_vec(&record).map_err(|_| CacheError::Damaged)?.len();
        match parts.last_mut().filter(|part| part.len() < PART_MAX && bytes + length <= PART_BYTES_MAX) {
            Some(part) => part.push(record),
            None => {
                parts.push(vec![record]);
                bytes = 0;
            }
        }
        bytes += length;
    }
    Ok(parts)
}

/// What of these lines is not here, by id or by where it came from.
async fn unknown_lines(tx: &mut Tx, lines: &[Transaction]) -> CacheResult<Vec<Transaction>> {
    let ids: Vec<_> = lines.iter().map(|line| line.id).collect();
    let by_id = transactions::find_all(tx, &ids).await?;
    let mut by_account: HashMap<AccountId, Vec<&Transaction>> = HashMap::new();
    for line in lines.iter().filter(|line| !by_id.contains_key(&line.id)) {
        by_account.entry(line.account).or_default().push(line);
    }
    let mut known = HashSet::new();
    for (account, lines) in &by_account {
        let Some(number) = accounts::find_number(&mut **tx, *account).await? else { continue };
        let sourced: Vec<&&Transaction> = lines.iter().filter(|line| line.source.is_some()).collect();
        let sources: Vec<Arc<str>> = sourced.iter().filter_map(|line| line.source.as_deref()).map(Arc::from).collect();
        let is_pending = |at: usize| sourced[at].state == TransactionState::Pending;
        let found = transactions::known_sources(tx, number, &sources, is_pending).await?;
        known.extend(found.into_iter().map(|at| sourced[at].id));
    }
    let fresh = lines.iter().filter(|line| !by_id.contains_key(&line.id) && !known.contains(&line.id));
    Ok(fresh.cloned().collect())
}

/// What this device knows of the account at this moment.
struct Here {
    accounts: Vec<Account>,
    bills: HashSet<BillId>,
    billers: HashSet<BillerId>,
    own_billers: HashSet<BillerId>,
    incomes: HashSet<IncomeId>,
    suggestions: HashSet<SuggestionId>,
    wishes: PlanWishes,
    settings: Option<Settings>,
}

impl Here {
    async fn read(tx: &mut Tx, open: &Open) -> CacheResult<Self> {
        Ok(Self {
            accounts: accounts::all(&mut **tx).await?,
            bills: bills::all_bills(&mut **tx).await?.into_iter().map(|bill| bill.id).collect(),
            billers: bills::all_billers(tx).await?.into_iter().map(|biller| biller.id).collect(),
            own_billers: bills::own_billers(&mut **tx).await?.into_iter().map(|biller| biller.id).collect(),
            incomes: paydays::all(&mut **tx).await?.into_iter().map(|income| income.id).collect(),
            suggestions: suggestions::answers(&mut **tx).await?.into_iter().map(|answer| answer.id).collect(),
            wishes: paydays::wishes(&mut **tx).await?,
            settings: state::find(open.cache.readers(), state::SETTINGS).await?,
        })
    }
}

impl Here {
    /// The account of an archive as it is here.
    fn same_as(&self, account: &Account) -> Option<&Account> {
        self.accounts.iter().find(|known| {
            let same_source = account.source.is_some() && known.source == account.source;
            known.id == account.id || (same_source && known.currency == account.currency)
        })
    }
}

#[derive(Default)]
struct Counts(HashMap<ArchiveKind, (usize, usize)>);

impl Counts {
    fn add(&mut self, what: ArchiveKind, new: usize, known: usize) {
        let (all_new, all_known) = self.0.entry(what).or_default();
        (*all_new, *all_known) = (*all_new + new, *all_known + known);
    }

    /// Whether it is new, counted.
    fn note(&mut self, what: ArchiveKind, new: bool) -> bool {
        self.add(what, usize::from(new), usize::from(!new));
        new
    }
}

/// What an archive comes to in this account.
struct Decided {
    made_at: Timestamp,
    server: String,
    /// That are not here.
    accounts: Vec<Account>,
    /// That are here, and the spans of days that the archive covers beside theirs.
    covering: Vec<(Account, Vec<Covered>)>,
    /// Those of them that are known for more days by it.
    covered: Vec<Account>,
    /// Of accounts that are not the server's own.
    lines: Vec<Transaction>,
    /// In an order in which each finds what it names.
    records: Vec<Record>,
    settings: Option<Settings>,
    counts: Counts,
    history: usize,
    under_way: usize,
    without_biller: usize,
}

/// An archive's records by their kinds.
#[derive(Default)]
struct Sorted {
    accounts: Vec<Account>,
    lines: Vec<Transaction>,
    bills: Vec<Bill>,
    marks: Vec<Mark>,
    answers: Vec<ReminderAnswer>,
    payments: Vec<Payment>,
    others: Vec<Record>,
}

impl Sorted {
    fn of(records: Vec<Record>) -> Self {
        let mut sorted = Self::default();
        for record in records {
            match record {
                Record::Account(account) => sorted.accounts.push(account),
                Record::Transaction(line) => sorted.lines.push(line),
                Record::Bill(bill) => sorted.bills.push(bill),
                Record::Mark(mark) => sorted.marks.push(mark),
                Record::ReminderAnswer(answer) => sorted.answers.push(answer),
                Record::Payment(payment) => sorted.payments.push(payment),
                other => sorted.others.push(other),
            }
        }
        sorted
    }
}

impl Decided {
    fn of(archive: Archive, here: Here) -> Self {
        let Archive { made_at, server, records, unknown, settings } = archive;
        let sorted = Sorted::of(records);
        let mut decided = Self {
            made_at,
            server,
            accounts: Vec::new(),
            covering: Vec::new(),
            covered: Vec::new(),
            lines: Vec::new(),
            records: Vec::new(),
            settings: None,
            counts: Counts::default(),
            history: usize::try_from(unknown).unwrap_or(usize::MAX).saturating_add(sorted.payments.len()),
            under_way: 0,
            without_biller: 0,
        };
        decided.take_covered(&sorted, &here);
        let places = decided.take_accounts(sorted.accounts, &here);
        decided.take_lines(sorted.lines, &places, &here);
        let mut others = sorted.others;
        others.retain(|record| !decided.take_biller(record, &here));
        let bills = decided.take_bills(sorted.bills, &places, &here);
        decided.take_marks(sorted.marks, &sorted.payments, &bills);
        decided.take_answers(sorted.answers, &bills);
        for record in others {
            decided.take_other(record, &places, &here);
        }
        decided.take_settings(settings, here.settings);
        decided
    }

    /// What the archive covers of accounts that others keep and that are here. Where neither says a span, the lines go on
    /// saying it.
    fn take_covered(&mut self, sorted: &Sorted, here: &Here) {
        for account in &sorted.accounts {
            let known = here.same_as(account).filter(|known| known.keeping == Keeping::Linked);
            let Some(known) = known.filter(|known| !(known.covered.is_empty() && account.covered.is_empty())) else {
                continue;
            };
            let mut more = account.covered.clone();
            if more.is_empty() {
                let lines = sorted.lines.iter().filter(|line| line.account == account.id);
                let posted = lines.filter(|line| line.state == TransactionState::Posted);
                more = covered_by_lines(account, posted.map(|line| line.posted_on));
            }
            self.covering.push((known.clone(), more));
        }
    }

    /// Where each account of the archive is here. The same issuer's account may be here under another id.
    fn take_accounts(&mut self, accounts: Vec<Account>, here: &Here) -> HashMap<AccountId, AccountId> {
        let mut places = HashMap::new();
        for account in accounts {
            let (id, known) = (account.id, here.same_as(&account));
            let place = match (known, account.keeping, &account.card) {
                (Some(known), _, _) => known.id,
                (None, Keeping::Linked, _) => {
                    self.accounts.push(account);
                    id
                }
                // A card of another server is that server's: here it is what any issuer's card is.
                (None, Keeping::Served, Some(_)) => {
                    self.accounts.push(Account { keeping: Keeping::Linked, card: None, ..account });
                    id
                }
                // The balance that a server keeps stays there.
                (None, Keeping::Served, None) => {
                    self.history += 1;
                    continue;
                }
            };
            self.counts.note(ArchiveKind::Accounts, known.is_none());
            places.insert(id, place);
        }
        places
    }

    fn take_lines(&mut self, lines: Vec<Transaction>, places: &HashMap<AccountId, AccountId>, here: &Here) {
        let known: HashMap<AccountId, Keeping> =
            here.accounts.iter().map(|account| (account.id, account.keeping)).collect();
        for line in lines {
            let Some(place) = places.get(&line.account).copied() else {
                self.history += 1;
                continue;
            };
            match known.get(&place) {
                // The server has its own lines already.
                Some(Keeping::Served) => self.counts.add(ArchiveKind::Lines, 0, 1),
                // It may have posted since, under another name.
                Some(Keeping::Linked) if line.state == TransactionState::Pending => {
                    self.counts.add(ArchiveKind::Lines, 0, 1);
                }
                Some(Keeping::Linked) | None => self.lines.push(Transaction { account: place, ..line }),
            }
        }
    }

    fn take_biller(&mut self, record: &Record, here: &Here) -> bool {
        let Record::OwnBiller(biller) = record else { return false };
        let is_new = !here.own_billers.contains(&biller.id) && !here.billers.contains(&biller.id);
        if self.counts.note(ArchiveKind::Billers, is_new) {
            self.records.push(record.clone());
        }
        true
    }

    /// The bills that come; of one that is here nothing is said anew.
    fn take_bills(
        &mut self,
        bills: Vec<Bill>,
        places: &HashMap<AccountId, AccountId>,
        here: &Here,
    ) -> HashMap<BillId, Bill> {
        let coming: HashSet<BillerId> = self.records.iter().filter_map(own_biller).collect();
        let mut taken = HashMap::new();
        for mut bill in bills {
            if !self.counts.note(ArchiveKind::Bills, !here.bills.contains(&bill.id)) {
                continue;
            }
            let knows =
                |id: &BillerId| here.billers.contains(id) || here.own_billers.contains(id) || coming.contains(id);
            let biller = bill.biller.filter(knows);
            self.without_biller += usize::from(biller != bill.biller);
            bill.biller = biller;
            bill.card = bill.card.and_then(|card| places.get(&card).copied());
            self.records.push(Record::Bill(bill.clone()));
            taken.insert(bill.id, bill);
        }
        taken
    }

    /// What was said of the dates of bills that come, and what was paid for them where the archive is from.
    fn take_marks(&mut self, marks: Vec<Mark>, payments: &[Payment], bills: &HashMap<BillId, Bill>) {
        let mut taken: HashMap<(BillId, Date), Mark> = HashMap::new();
        for mark in marks {
            let sound = bills.get(&mark.bill).is_some_and(|bill| mark.check(bill).is_ok());
            if sound && !mark.is_blank() {
                taken.insert((mark.bill, mark.due_on), mark);
            } else {
                self.counts.add(ArchiveKind::Marks, 0, 1);
            }
        }
        for payment in payments {
            self.under_way += usize::from(!payment.state.is_terminal() && !payment.state.counts_as_paid());
            let order = &payment.order;
            let paid = order.bill.zip(order.due_on).filter(|_| payment.state.counts_as_paid());
            let Some((bill, due_on)) = paid.filter(|(bill, _)| bills.contains_key(bill)) else { continue };
            let mark = taken.get(&(bill, due_on)).cloned().unwrap_or_else(|| Mark::new(bill, due_on));
            let marked = mark.with_paid_elsewhere(order.amount).ok();
            let sound = marked.filter(|mark| bills.get(&bill).is_some_and(|bill| mark.check(bill).is_ok()));
            if let Some(mark) = sound {
                taken.insert((bill, due_on), mark);
            }
        }
        let mut marks: Vec<Mark> = taken.into_values().collect();
        marks.sort_by_key(|mark| (mark.bill, mark.due_on));
        self.counts.add(ArchiveKind::Marks, marks.len(), 0);
        self.records.extend(marks.into_iter().map(Record::Mark));
    }

    fn take_answers(&mut self, answers: Vec<ReminderAnswer>, bills: &HashMap<BillId, Bill>) {
        for answer in answers {
            let is_new = bills.contains_key(&answer.bill);
            if self.counts.note(ArchiveKind::Reminders, is_new) {
                self.records.push(Record::ReminderAnswer(answer));
            }
        }
    }

    fn take_other(&mut self, record: Record, places: &HashMap<AccountId, AccountId>, here: &Here) {
        match record {
            Record::Income(income) => {
                let is_new = !here.incomes.contains(&income.id);
                if self.counts.note(ArchiveKind::Incomes, is_new) {
                    self.records.push(Record::Income(income));
                }
            }
            Record::PlanWishes(wishes) => {
                let account = wishes.account.and_then(|id| places.get(&id).copied());
                let wishes = PlanWishes { account, ..wishes };
                let is_new = here.wishes == PlanWishes::default() && wishes != here.wishes;
                if self.counts.note(ArchiveKind::Plan, is_new) {
                    self.records.push(Record::PlanWishes(wishes));
                }
            }
            Record::SuggestionAnswer(answer) => {
                let is_new = !here.suggestions.contains(&answer.id);
                if self.counts.note(ArchiveKind::Suggestions, is_new) {
                    self.records.push(Record::SuggestionAnswer(answer));
                }
            }
            _ => self.history += 1,
        }
    }

    /// Settings are taken where the person has set nothing yet. What the system does at sign-in is this computer's.
    fn take_settings(&mut self, settings: Option<Settings>, here: Option<Settings>) {
        let Some(settings) = settings.filter(|settings| settings.check().is_ok()) else { return };
        let here = here.unwrap_or_default();
        let first = Settings { start_hidden_at_sign_in: here.start_hidden_at_sign_in, ..Settings::default() };
        let settings = Settings { start_hidden_at_sign_in: here.start_hidden_at_sign_in, ..settings };
        let is_new = here == first && settings != here;
        if self.counts.note(ArchiveKind::Settings, is_new) {
            self.settings = Some(settings);
        }
    }

    fn report(&self, preview: bool) -> ImportReport {
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let count = |what: ArchiveKind| self.counts.0.get(&what).copied().unwrap_or_default();
        let parts = ArchiveKind::ALL.into_iter().filter_map(|what| {
            let (new, known) = count(what);
            (new + known > 0).then(|| ArchivePart { what, new: small(new), known: small(known) })
        });
        let (new, known) = self.counts.0.values().fold((0, 0), |(new, known), (n, k)| (new + n, known + k));
        ImportReport {
            format: FORMAT.to_owned(),
            new: small(new),
            known: small(known),
            replaced: 0,
            rejected: Vec::new(),
            accounts: self.accounts.iter().map(|account| account.id).collect(),
            account_names: self.accounts.iter().map(|account| account.name.clone()).collect(),
            lines: Vec::new(),
            settles: Vec::new(),
            warnings: Vec::new(),
            archive: Some(ArchiveView {
                made_at: self.made_at,
                server: self.server.clone(),
                parts: parts.collect(),
                history: small(self.history),
                under_way: small(self.under_way),
                without_biller: small(self.without_biller),
            }),
            preview,
        }
    }
}

fn own_biller(record: &Record) -> Option<BillerId> {
    match record {
        Record::OwnBiller(biller) => Some(biller.id),
        _ => None,
    }
}

impl Client {
    /// What only this device knows goes with the archive that the server made.
    pub(crate) async fn archive_with_own(&self, archive: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let (settings, imports) = (self.settings().await?, self.import().past().await?);
        Ok(blocking(move || archive::with_own(archive, &settings, &imports)).await??)
    }
}

#[cfg(test)]
mod tests;
