//! Statements of closed cycles; PDFs come from the server and are kept in the cache once opened.

use domain::statements::StatementSummary;
use jiff::civil::Date;
use serde::Serialize;

use domain::accounts::Account;
use domain::ids::AccountId;
use domain::statements::{CYCLES_MAX, Covered, closed_cycles, next_closing_on};

use crate::cache::{accounts, bills};
use crate::client::{Client, blocking};
use crate::error::ClientError;
use crate::http::{Method, Sending};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct StatementsView {
    pub accounts: Vec<AccountStatements>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AccountStatements {
    pub account: domain::ids::AccountId,
    pub name: String,
    /// Newest first: of a card of the server all of ten years, otherwise at most the last 12 cycles.
    pub statements: Vec<StatementRow>,
    /// Closing dates of cycles among the last 12 with no lines at all; a card of the server has none.
    #[specta(type = Vec<String>)]
    pub gaps: Vec<Date>,
    /// When the next cycle closes.
    #[specta(type = Option<String>)]
    pub next_closing_on: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct StatementRow {
    pub summary: StatementSummary,
    /// The PDF is on this computer.
    pub kept: bool,
}

/// Statements of a card of the server: ten years of them.
const ISSUED_MAX: usize = 120;
/// A larger document is not a statement of ours.
const PDF_BYTES_MAX: usize = 32 * 1024 * 1024;
/// The screen waits so long for the newest list.
const ASK_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);

/// Statements of closed cycles.
#[derive(Clone)]
pub struct Statements(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn statements(&self) -> Statements {
        Statements(self.clone())
    }
}

impl Statements {
    /// As the server says, or said last when it cannot be asked.
    pub async fn view(&self) -> Result<StatementsView, ClientError> {
        self.0.open_now()?;
        if self.0.0.online.load(std::sync::atomic::Ordering::SeqCst) {
            let asking = tokio::time::timeout(ASK_WITHIN, self.0.sync().read_statements()).await;
            if !matches!(asking, Ok(Ok(()))) {
                tracing::info!("the list of statements is the one of before");
            }
        }
        let today = self.0.today();
        let (all, mut extents, rows) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                Ok((accounts::all(db).await?, accounts::extents(db).await?, bills::statements(db).await?))
            })
            .await?;
        let mut views = Vec::with_capacity(all.len());
        for account in all {
            let statements: Vec<StatementRow> = rows
                .iter()
                .filter(|(summary, _)| summary.account == account.id)
                .take(if account.card.is_some() { ISSUED_MAX } else { CYCLES_MAX })
                .map(|(summary, kept)| StatementRow { summary: summary.clone(), kept: *kept })
                .collect();
            let extent = extents.remove(&account.id);
            let covered =
                extent.and_then(|extent| Some(Covered { first_on: extent.first_on?, last_on: extent.last_on? }));
            views.push(AccountStatements {
                gaps: covered
                    .filter(|_| account.card.is_none())
                    .map_or_else(Vec::new, |covered| gaps(&account, covered, &statements, today)),
                next_closing_on: Some(next_closing_on(&account, today)),
                account: account.id,
                name: account.name,
                statements,
            });
        }
        Ok(StatementsView { accounts: views })
    }

    /// The PDF of a closed cycle: from the cache once opened, otherwise from the server.
    pub async fn pdf(&self, account: AccountId, closed_on: Date) -> Result<Vec<u8>, ClientError> {
        let kept = self.0.with(async |open| bills::find_pdf(open.cache.readers(), account, closed_on).await).await?;
        if let Some(pdf) = kept {
            return Ok(pdf);
        }
        let path = format!("/api/v1/statements/{account}/{closed_on}.pdf");
        let answer = self.0.call(Method::Get, &path, Sending::default()).await?;
        let pdf = answer.bytes_within(PDF_BYTES_MAX).await?;
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                bills::keep_pdf(&mut tx, account, closed_on, &pdf).await?;
                Ok(tx.commit().await?)
            })
            .await?;
        Ok(pdf)
    }

    /// Writes the PDF to a file that the person chose.
    pub async fn save_pdf(
        &self,
        account: AccountId,
        closed_on: Date,
        to: std::path::PathBuf,
    ) -> Result<(), ClientError> {
        let pdf = self.pdf(account, closed_on).await?;
        blocking(move || std::fs::write(&to, pdf)).await?.map_err(crate::folder::FileError::from)?;
        Ok(())
    }
}

/// Cycles of which no line is known, between the first and the last that are.
fn gaps(account: &Account, covered: Covered, statements: &[StatementRow], today: Date) -> Vec<Date> {
    let has_lines = |closed_on: Date| {
        let found = statements.iter().find(|row| row.summary.closed_on == closed_on);
        found.is_some_and(|row| row.summary.lines > 0)
    };
    let closed = closed_cycles(account, covered, today).into_iter().map(|cycle| cycle.closed_on);
    closed.filter(|closed_on| !has_lines(*closed_on)).collect()
}
