//! Suggestions on this device (BI3): recurring bills found in its copy of the transactions, with the lines they were found
//! in. Accepted in one step; accepted or dismissed once, on any device, a suggestion never comes again.

use domain::accounts::{Account, TransactionKind};
use domain::bills::Bill;
use domain::ids::{AccountId, BillId, BillerId, SuggestionId, TransactionId};
use domain::money::Money;
use domain::schedule::Schedule;
use domain::suggestions::{Cadence, Line, Suggestion, SuggestionAnswer, payee_key, suggestions};
use jiff::civil::Date;
use serde::Serialize;

use crate::bills::NewBill;
use crate::book::{Book, shifted};
use crate::cache::suggestions::SpentLine;
use crate::cache::{accounts, suggestions as stored};
use crate::client::Client;
use crate::error::ClientError;
use crate::outbox::Change;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct SuggestionView {
    pub id: SuggestionId,
    pub payee: String,
    /// The newest amount, or the middle one when they vary.
    pub amount: Money,
    pub varies: bool,
    pub cadence: Cadence,
    /// From the next date on.
    pub schedule: Schedule,
    #[specta(type = String)]
    pub next_on: Date,
    /// In percent.
    pub confidence: u8,
    /// Dates between the first and the last line on which nothing came.
    pub missed: u16,
    /// How many lines it was found in.
    pub lines: u16,
    /// Newest first, at most 12.
    pub evidence: Vec<EvidenceView>,
    /// Of the directory, by its name.
    pub biller: Option<BillerId>,
    pub payable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct EvidenceView {
    pub transaction: TransactionId,
    pub account: AccountId,
    pub account_name: String,
    #[specta(type = String)]
    pub on: Date,
    pub amount: Money,
    /// As the line says it.
    pub description: String,
}

/// Two yearly dates, and some.
const REACH_DAYS: i32 = 830;
/// A bill of the same payee whose amount is within so many percent is the same bill.
const SAME_BILL_PERCENT: i64 = 25;

/// Suggestions of this device.
#[derive(Clone)]
pub struct Suggestions(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn suggestions(&self) -> Suggestions {
        Suggestions(self.clone())
    }
}

impl Suggestions {
    /// What was found and is neither a bill already nor was answered, the surest first.
    pub async fn list(&self) -> Result<Vec<SuggestionView>, ClientError> {
        let book = self.0.bills().book().await?;
        let from = shifted(book.today, -REACH_DAYS);
        let (lines, answers, accounts) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                let lines = stored::spent_lines(db, &open.names(), from).await?;
                Ok((lines, stored::answers(db).await?, accounts::all(db).await?))
            })
            .await?;
        let today = book.today;
        // Years of lines are sorted and compared: not on a thread that others wait for.
        let work = tokio::task::spawn_blocking(move || (found(&lines, today), lines));
        let (mut made, lines) = work.await.map_err(|_| ClientError::locked())?;
        made.retain(|one| !answers.iter().any(|answer| answer.id == one.id) && !is_kept(&book, one));
        let name_of = |id| accounts.iter().find(|account| account.id == id).map(Account::label);
        Ok(made.iter().map(|one| view(one, &book, &lines, name_of)).collect())
    }

    /// Keeps a suggestion as a bill, as it was suggested.
    pub async fn accept(&self, id: SuggestionId) -> Result<BillId, ClientError> {
        let open = self.0.open_now()?;
        let one = self.find(id).await?;
        let settings = self.0.settings().await?;
        let new = NewBill {
            estimated: one.varies,
            biller: one.biller,
            remind_days: settings.remind_days,
            ..NewBill::new(one.payee, one.amount, one.schedule)
        };
        // The bill names its suggestion: even if nothing more comes to be kept, it is not made twice.
        let bill = self.0.bills().add_found(new, id.to_string()).await?;
        self.0.change(&open, Change::AnswerSuggestion { answer: SuggestionAnswer { id, accepted: true } }).await?;
        Ok(bill)
    }

    pub async fn dismiss(&self, id: SuggestionId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        self.find(id).await?;
        self.0.change(&open, Change::AnswerSuggestion { answer: SuggestionAnswer { id, accepted: false } }).await
    }

    /// Takes a dismissal back.
    pub async fn restore(&self, id: SuggestionId) -> Result<(), ClientError> {
        let open = self.0.open_now()?;
        self.0.change(&open, Change::TakeBackSuggestion { suggestion: id }).await
    }

    async fn find(&self, id: SuggestionId) -> Result<SuggestionView, ClientError> {
        let found = self.list().await?.into_iter().find(|one| one.id == id);
        found.ok_or_else(|| ClientError::not_found("suggestion"))
    }
}

fn found(lines: &[SpentLine], today: Date) -> Vec<Suggestion> {
    let lines: Vec<Line<'_>> = lines
        .iter()
        .filter(|line| may_be_a_bill(line.kind))
        .map(|line| Line {
            id: line.id,
            account: line.account,
            on: line.on,
            amount: line.amount,
            description: &line.description,
        })
        .collect();
    suggestions(&lines, today)
}

/// Money that stays the person's own, and what the bank takes by itself, are no bills.
const fn may_be_a_bill(kind: TransactionKind) -> bool {
    match kind {
        TransactionKind::Purchase | TransactionKind::Payment | TransactionKind::Debit | TransactionKind::Other => true,
        TransactionKind::Refund | TransactionKind::Credit | TransactionKind::Fee | TransactionKind::Interest => false,
        TransactionKind::Check | TransactionKind::Cash | TransactionKind::Transfer => false,
    }
}

/// Whether it is a bill already: one that was made of it, or one of the same payee and about the same amount.
fn is_kept(book: &Book, one: &Suggestion) -> bool {
    let key = payee_key(&one.payee);
    book.bills.iter().any(|bill| {
        let named = [Some(bill.name.as_str()), book.payee_of(bill)];
        let same_payee = key.is_some() && named.into_iter().flatten().any(|name| payee_key(name) == key);
        bill.origin.as_deref() == Some(one.id.to_string().as_str()) || same_payee && is_near(bill, one)
    })
}

fn is_near(bill: &Bill, one: &Suggestion) -> bool {
    let (is, was) = (one.amount.minor(), bill.amount_on(Date::MAX).minor());
    let near = (is - was).abs().saturating_mul(100) <= SAME_BILL_PERCENT.saturating_mul(is.max(was));
    bill.amount.currency() == one.amount.currency() && (bill.estimated || one.varies || near)
}

fn view(
    one: &Suggestion,
    book: &Book,
    lines: &[SpentLine],
    name_of: impl Fn(AccountId) -> Option<String>,
) -> SuggestionView {
    let key = payee_key(&one.payee);
    let mut billers = book.billers.values().filter(|biller| key.is_some() && payee_key(&biller.name) == key);
    // Where two have that name nobody is paid by guess.
    let biller = billers.next().filter(|_| billers.next().is_none());
    let line_of = |id| lines.iter().find(|line| line.id == id);
    SuggestionView {
        id: one.id,
        payee: biller.map_or_else(|| one.payee.clone(), |biller| biller.name.clone()),
        amount: one.amount,
        varies: one.varies,
        cadence: one.cadence,
        next_on: one.schedule.next_on_or_after(book.today).unwrap_or(one.schedule.starts_on),
        schedule: one.schedule.clone(),
        confidence: one.confidence,
        missed: one.missed,
        lines: one.lines,
        evidence: one
            .evidence
            .iter()
            .filter_map(|seen| {
                let line = line_of(seen.transaction)?;
                Some(EvidenceView {
                    transaction: seen.transaction,
                    account: line.account,
                    account_name: name_of(line.account).unwrap_or_default(),
                    on: seen.on,
                    amount: seen.amount,
                    description: line.description.clone(),
                })
            })
            .collect(),
        biller: biller.map(|biller| biller.id),
        payable: biller.is_some_and(|biller| biller.payable),
    }
}

#[cfg(test)]
mod tests;
