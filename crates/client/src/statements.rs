//! Statements of closed cycles; PDFs come from the server and are kept in the cache once opened.

use api::error::ErrorCode;
use domain::statements::StatementSummary;
use jiff::civil::Date;
use serde::Serialize;

use domain::accounts::Account;
use domain::ids::AccountId;
use domain::money::Money;
use domain::statements::{CYCLES_MAX, Coverage, Covered, Cycle, Known, closed_cycles, next_closing_on, summary};
use jiff::ToSpan as _;

use crate::cache::{CacheResult, accounts, bills, transactions};
use crate::client::{Client, Open, blocking};
use crate::error::ClientError;
use crate::http::{CallError, Method, Sending};

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
    /// Closing dates of cycles among the last 12 of which nothing is here: no line, and no file that covers all of it. A card of
    /// the server has none.
    #[specta(type = Vec<String>)]
    pub gaps: Vec<Date>,
    /// When the next cycle closes.
    #[specta(type = Option<String>)]
    pub next_closing_on: Option<Date>,
}

/// What became of writing all statements of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, specta::Type)]
pub struct SavedStatements {
    /// Files in the folder, those included that were there already.
    pub saved: u32,
    /// Closing days of those that are on the server alone, while it cannot be asked.
    #[specta(type = Vec<String>)]
    pub left: Vec<Date>,
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
/// Other files of one name that a new one stands beside.
const NAMES_MAX: u32 = 100;
const NAME_CHARS_MAX: usize = 80;
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
            let mut statements: Vec<StatementRow> = rows
                .iter()
                .filter(|(summary, _)| summary.account == account.id)
                .take(if account.card.is_some() { ISSUED_MAX } else { CYCLES_MAX })
                .map(|(summary, kept)| StatementRow { summary: summary.clone(), kept: *kept })
                .collect();
            let extent = extents.remove(&account.id);
            let lines =
                extent.and_then(|extent| Some(Covered { first_on: extent.first_on?, last_on: extent.last_on? }));
            let coverage = Coverage::of(&account, lines);
            let mut gaps = Vec::new();
            if let Some(coverage) = coverage.filter(|_| account.card.is_none()) {
                // The server may not have been asked yet, or not have all lines: those that are here are as good.
                for cycle in closed_cycles(&account, &coverage, today) {
                    let at = statements.iter().position(|row| row.summary.closed_on == cycle.closed_on);
                    let kept = match at {
                        Some(at) if statements[at].summary.lines > 0 => {
                            // Files may have come since, also while the server cannot be asked.
                            if coverage.is_stated() {
                                statements[at].summary.complete = cycle.complete;
                            }
                            continue;
                        }
                        Some(at) => statements.remove(at).kept,
                        None => false,
                    };
                    let worked_out =
                        self.0.with(async |open| worked_out(open, &account, &cycle, &coverage).await).await?;
                    match worked_out {
                        Some(summary) => statements.push(StatementRow { summary, kept }),
                        None => gaps.push(cycle.closed_on),
                    }
                }
                statements.sort_by_key(|row| std::cmp::Reverse(row.summary.closed_on));
                statements.truncate(CYCLES_MAX);
            }
            views.push(AccountStatements {
                gaps,
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
        let answer = self.0.call(Method::Get, &path, Sending::default()).await.map_err(|error| match error {
            CallError::Refused(problem) if problem.code == ErrorCode::NotFound => ClientError::refused(
                "not_found",
                "no cycle of this account closed on that day",
                "look at the list of statements again",
            ),
            other => other.into(),
        })?;
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
        blocking(move || std::fs::write(&to, pdf)).await?.map_err(ClientError::not_written)?;
        Ok(())
    }

    /// Writes every statement of an account into a folder that the person chose. A file that is there is never written
    /// over, and the same statement is not written twice.
    pub async fn save_all(
        &self,
        account: AccountId,
        folder: std::path::PathBuf,
    ) -> Result<SavedStatements, ClientError> {
        let view = self.view().await?.accounts.into_iter().find(|view| view.account == account);
        let view = view.ok_or_else(|| ClientError::not_found("account"))?;
        let mut done = SavedStatements::default();
        let mut first_failure = None;
        for row in view.statements {
            let closed_on = row.summary.closed_on;
            match self.pdf(account, closed_on).await {
                Ok(pdf) => {
                    let (folder, name) = (folder.clone(), format!("{} {closed_on}", file_words(&view.name)));
                    blocking(move || keep_beside(&folder, &name, &pdf)).await?.map_err(ClientError::not_written)?;
                    done.saved += 1;
                }
                Err(failure) => {
                    done.left.push(closed_on);
                    first_failure.get_or_insert(failure);
                }
            }
        }
        match first_failure {
            Some(failure) if done.saved == 0 => Err(failure),
            _ => Ok(done),
        }
    }
}

/// Under the name, or under the next free one when another file has it.
fn keep_beside(folder: &std::path::Path, name: &str, pdf: &[u8]) -> std::io::Result<()> {
    use std::io::{ErrorKind, Write as _};
    for number in 1..=NAMES_MAX {
        let path = folder.join(if number == 1 { format!("{name}.pdf") } else { format!("{name} ({number}).pdf") });
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(pdf).and_then(|()| file.sync_all());
                // Half a statement is none.
                return written.inspect_err(|_| drop(std::fs::remove_file(&path)));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if std::fs::read(&path).is_ok_and(|there| there == pdf) {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// An account's name as a part of a file's name, on every system.
fn file_words(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | ' ') { c } else { '_' };
    let words: String = name.chars().map(plain).take(NAME_CHARS_MAX).collect();
    words.trim().to_owned()
}

/// A statement of an account that others keep, from the lines that are here; none of a cycle of which nothing is.
async fn worked_out(
    open: &Open,
    account: &Account,
    cycle: &Cycle,
    coverage: &Coverage,
) -> CacheResult<Option<StatementSummary>> {
    let db = open.cache.readers();
    let (opened_on, after_on) = (cycle.opened_on, cycle.closed_on.saturating_add(1.day()));
    let (moved, lines) = transactions::posted_within(db, account.id, Some(opened_on), Some(after_on)).await?;
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    if coverage.lacks(cycle, lines) {
        return Ok(None);
    }
    let (before, _) = transactions::posted_within(db, account.id, None, Some(opened_on)).await?;
    let days = account.apart_from(cycle.closed_on);
    let until = days.to.map(|to| to.saturating_add(1.day()));
    let (apart, _) = transactions::posted_within(db, account.id, Some(days.from), until).await?;
    let money = |minor: Option<i64>| minor.and_then(|minor| Money::new(minor, account.currency).ok());
    // Lines that add up to no amount make no statement.
    let known = Known::of(account, cycle, money(before), money(apart));
    let (Some(moved), Some(known)) = (money(moved), known) else { return Ok(None) };
    Ok(summary(account.id, cycle, known, moved, lines).ok())
}

#[cfg(test)]
mod tests {
    use api::accounts::AccountEdit;
    use domain::card::{CardTerms, DueRule};

    use super::*;
    use crate::search::SearchHit;
    use crate::testing::{World, day, usd, with_balance};
    use crate::tests::ofx;

    fn summary(account: AccountId, closed_on: &str) -> StatementSummary {
        StatementSummary {
            account,
            opened_on: day("2026-01-01"),
            closed_on: day(closed_on),
            due_on: None,
            opening: usd("0"),
            closing: usd("-94.17"),
            lines: 3,
            complete: true,
            issued: None,
        }
    }

    /// An account with three statements, of which the PDF of the last is not on this computer.
    async fn with_statements(client: &Client) -> AccountId {
        with_balance(client, "1000").await;
        let account = client.accounts().list().await.unwrap()[0].account.id;
        let open = client.opened().unwrap();
        let mut tx = open.cache.begin().await.unwrap();
        let all = ["2026-11-15", "2026-10-15", "2026-09-15"].map(|closed_on| summary(account, closed_on));
        bills::replace_statements(&mut tx, &all).await.unwrap();
        for (closed_on, pdf) in [("2026-11-15", b"%PDF november"), ("2026-10-15", b"%PDF october ")] {
            bills::keep_pdf(&mut tx, account, day(closed_on), pdf).await.unwrap();
        }
        tx.commit().await.unwrap();
        account
    }

    fn files(folder: &std::path::Path) -> Vec<String> {
        let all = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn all_statements_are_written_beside_what_is_there_and_the_absent_ones_are_named() {
        let world = World::new();
        let client = world.start().await;
        let account = with_statements(&client).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Checking 2026-10-15.pdf"), b"somebody's own").unwrap();
        for _ in 0..2 {
            let done = client.statements().save_all(account, folder.path().to_owned()).await.unwrap();
            assert_eq!(done, SavedStatements { saved: 2, left: vec![day("2026-09-15")] });
        }
        let written = ["Checking 2026-10-15 (2).pdf", "Checking 2026-10-15.pdf", "Checking 2026-11-15.pdf"];
        assert_eq!(files(folder.path()), written, "the second time nothing is written again");
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(read("Checking 2026-10-15.pdf"), b"somebody's own");
        assert_eq!(read("Checking 2026-10-15 (2).pdf"), b"%PDF october ");
        world.end().await;
    }

    #[tokio::test]
    async fn statements_are_found_by_account_day_and_month_in_any_language_of_the_screens() {
        let world = World::new();
        let client = world.start().await;
        let account = with_statements(&client).await;
        for (typed, expected) in [
            ("checking statement", vec!["2026-11-15", "2026-10-15", "2026-09-15"]),
            ("extracto octubre", vec!["2026-10-15"]),
            ("kontoauszug september 2026", vec!["2026-09-15"]),
            ("2026-11-15", vec!["2026-11-15"]),
            ("savings statement", vec![]),
        ] {
            let hits = client.search(typed).await.unwrap().hits;
            let found: Vec<String> = hits
                .iter()
                .map(|hit| match hit {
                    SearchHit::Statement { account: of, closed_on, .. } if *of == account => closed_on.to_string(),
                    other => panic!("{typed} finds {other:?}"),
                })
                .collect();
            assert_eq!(found, expected, "{typed}");
        }
        world.end().await;
    }

    #[test]
    fn an_account_has_a_name_that_every_system_can_write() {
        assert_eq!(file_words("Card: 50/50 \"joint\" "), "Card_ 50_50 _joint_");
        assert_eq!(file_words("Tern Harbor ··2086"), "Tern Harbor __2086");
    }

    /// One line of a card's export: its day and amount; the id is the day.
    fn export(lines: &[(&str, &str)]) -> Vec<u8> {
        ofx(&lines.iter().map(|(on, amount)| (*on, *amount, *on, "Shop")).collect::<Vec<_>>())
    }

    /// The same of a file that says of which days it is.
    fn covering(first: &str, last: &str, lines: &[(&str, &str)]) -> Vec<u8> {
        let text = String::from_utf8(export(lines)).unwrap();
        let days = format!("<DTSTART>{first}<DTEND>{last}");
        text.replace("<DTSTART>20261001<DTEND>20261120", &days).into_bytes()
    }

    async fn rows(client: &Client) -> (Vec<(Date, u32, bool)>, Vec<Date>) {
        let said = client.statements().view().await.unwrap().accounts.remove(0);
        let row = |row: &StatementRow| (row.summary.closed_on, row.summary.lines, row.summary.complete);
        (said.statements.iter().map(row).collect(), said.gaps)
    }

    #[tokio::test]
    async fn cycles_are_whole_missing_or_not_complete_by_what_imported_files_cover() {
        let world = World::new();
        let client = world.start().await;
        let files = [
            covering("20260501", "20260710", &[("20260504", "-5.00"), ("20260702", "-6.00")]),
            covering("20260720", "20260831", &[("20260725", "-7.00")]),
            // What is still to come is covered by none.
            covering("20261001", "20271231", &[("20261005", "-8.00")]),
        ];
        client.import().preview(files[0].clone()).await.unwrap();
        assert!(client.accounts().list().await.unwrap().is_empty(), "a preview keeps nothing");
        for file in &files {
            client.import().import(file.clone(), None).await.unwrap();
        }
        let expected = [
            (day("2026-10-31"), 1, true),
            (day("2026-08-31"), 0, true),
            (day("2026-07-31"), 2, false),
            (day("2026-06-30"), 0, true),
            (day("2026-05-31"), 1, true),
        ];
        assert_eq!(rows(&client).await, (expected.to_vec(), vec![day("2026-09-30")]));
        let covered = client.accounts().list().await.unwrap()[0].account.covered.clone();
        assert_eq!(covered.last().unwrap().last_on, client.today());
        let waiting = client.status().await.unwrap().waiting;
        client.import().import(files[1].clone(), None).await.unwrap();
        assert_eq!(client.status().await.unwrap().waiting, waiting, "the same file again says nothing new");
        // A file in the hole, in which nothing happened.
        client.import().import(covering("20260711", "20260719", &[]), None).await.unwrap();
        assert!(rows(&client).await.0.iter().all(|(_, _, complete)| *complete));
        world.end().await;
    }

    #[tokio::test]
    async fn an_account_from_before_spans_is_known_by_its_lines_until_its_next_file() {
        let world = World::new();
        let client = world.start().await;
        client.import().import(export(&[("20260610", "-5.00"), ("20260803", "-6.00")]), None).await.unwrap();
        let account = client.accounts().list().await.unwrap().remove(0).account;
        let open = client.opened().unwrap();
        let mut tx = open.cache.begin().await.unwrap();
        accounts::put(&mut tx, &Account { covered: Vec::new(), ..account }).await.unwrap();
        tx.commit().await.unwrap();
        let before = [(day("2026-08-31"), 1, false), (day("2026-06-30"), 1, false)];
        assert_eq!(rows(&client).await, (before.to_vec(), vec![day("2026-07-31")]));
        client.import().import(covering("20260804", "20261031", &[("20261005", "-8.00")]), None).await.unwrap();
        let after = [
            (day("2026-10-31"), 1, true),
            (day("2026-09-30"), 0, true),
            (day("2026-08-31"), 1, true),
            (day("2026-06-30"), 1, false),
        ];
        assert_eq!(rows(&client).await, (after.to_vec(), vec![day("2026-07-31")]));
        drop(open);
        world.end().await;
    }

    fn terms() -> CardTerms {
        CardTerms {
            closing_day: 25,
            due: DueRule::DaysAfterClosing(25),
            minimum_floor: None,
            minimum_share: None,
            minimum_adds_charges: false,
            apr: None,
            late_fee: None,
        }
    }

    #[tokio::test]
    async fn a_balance_is_carried_from_its_own_day() {
        let world = World::new();
        let client = world.start().await;
        client.import().import(export(&[("20261010", "-8.00"), ("20261026", "-9.00")]), None).await.unwrap();
        let account = client.accounts().list().await.unwrap().remove(0).account;
        let account = Account { terms: Some(terms()), ..account };
        // 120.00 were owed on that day.
        for (as_of, owed) in [("2026-10-09", "128"), ("2026-10-25", "120"), ("2026-11-20", "111")] {
            let balance_as_of = Some(format!("{as_of}T00:00:00Z").parse().unwrap());
            let account = Account { balance_as_of, ..account.clone() };
            let open = client.opened().unwrap();
            let mut tx = open.cache.begin().await.unwrap();
            accounts::put(&mut tx, &account).await.unwrap();
            tx.commit().await.unwrap();
            let october = client.statements().view().await.unwrap().accounts.remove(0).statements.remove(0).summary;
            assert_eq!((october.closed_on, october.closing), (day("2026-10-25"), usd(owed).negated()), "{as_of}");
            let figures = client.cards().await.unwrap().remove(0).figures;
            assert_eq!(figures.statement_balance, Some(usd(owed)), "{as_of}");
        }
        world.end().await;
    }

    #[tokio::test]
    async fn before_the_server_was_asked_statements_and_the_cycles_that_are_missing_are_said_from_the_lines() {
        let world = World::new();
        let client = world.start().await;
        let lines = [
            ("20260610", "-5.00"),
            ("20260701", "-6.00"),
            ("20260901", "-7.00"),
            ("20261010", "-8.00"),
            ("20261103", "-9.00"),
        ];
        client.import().import(export(&lines), None).await.unwrap();
        let account = client.accounts().list().await.unwrap().remove(0).account.id;
        let edit = AccountEdit { terms: Some(terms()), ..AccountEdit::default() };
        client.accounts().edit(account, edit).await.unwrap();
        let of_account = async || client.statements().view().await.unwrap().accounts.remove(0);
        let said = of_account().await;
        // Of August nothing was imported. What lies before the first line or is still open is no gap.
        assert_eq!(said.gaps, [day("2026-08-25")]);
        let rows: Vec<(Date, Money, Money, u32)> = said
            .statements
            .iter()
            .map(|row| (row.summary.closed_on, row.summary.opening, row.summary.closing, row.summary.lines))
            .collect();
        // The file says that 120.00 are owed on 20 November.
        let expected = [
            (day("2026-10-25"), usd("-103"), usd("-111"), 1),
            (day("2026-09-25"), usd("-96"), usd("-103"), 1),
            (day("2026-07-25"), usd("-90"), usd("-96"), 1),
            (day("2026-06-25"), usd("-85"), usd("-90"), 1),
        ];
        assert_eq!(rows, expected);
        assert!(client.statements().pdf(account, day("2026-10-25")).await.is_err(), "its paper is the server's");
        // What the server said of a cycle stays as it said it, and fills no gap that it left.
        let open = client.opened().unwrap();
        let mut tx = open.cache.begin().await.unwrap();
        let listed = summary(account, "2026-09-25");
        bills::replace_statements(&mut tx, std::slice::from_ref(&listed)).await.unwrap();
        tx.commit().await.unwrap();
        let said = of_account().await;
        assert_eq!(said.gaps, [day("2026-08-25")]);
        assert_eq!(said.statements.len(), 4);
        // Which days files cover is known here.
        assert_eq!(said.statements[1].summary, StatementSummary { complete: false, ..listed });
        world.end().await;
    }
}
