//! Statements of closed cycles: the list, and each as a PDF that reads aloud well. Those of a served card are made by a job
//! at its closing and kept as they were made. All others are worked out from the lines; nothing of them is stored.
//! Either way opening plus lines is the closing, exactly.

mod closing;
mod pdf;
mod store;
#[cfg(test)]
mod tests;
mod without;

use api::error::ErrorCode;
use api::statements::{StatementList, StatementSummary};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::accounts::{Account, Keeping};
use domain::ids::{AccountId, HolderId};
use domain::money::{Money, MoneyError};
use domain::statements::{self as rules, Coverage, Covered, Cycle, Known, Statement, StatementError};
use jiff::civil::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::feed::{self, DaySum, Kind};
use crate::http::{Json, Path};
use crate::paper::PaperError;
use crate::sign_in::SignedIn;
#[cfg(test)]
pub(crate) use closing::tests::{Opened, issued as issued_of, pay, usd};
pub(crate) use closing::{LastBill, await_closing, close, last_bill};
pub(crate) use store::last;
#[cfg(test)]
pub(crate) use tests::pdftotext;
pub(crate) use without::overcharged;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(pdf_of))
}

/// What an account's lines sum to, day by day.
struct Days<'a> {
    account: &'a Account,
    sums: Vec<DaySum>,
}

impl<'a> Days<'a> {
    async fn read(tx: &mut Tx, holder: HolderId, account: &'a Account) -> DbResult<Self> {
        Ok(Self { account, sums: feed::day_sums(tx, holder, account.id.as_uuid()).await? })
    }

    /// The days of which the account is known; its balance carries an imported account to the day of its balance.
    fn coverage(&self) -> Option<Coverage> {
        let ends = self.sums.first().zip(self.sums.last());
        let lines = ends.map(|(first, last)| Covered { first_on: first.day, last_on: last.day });
        Coverage::of(self.account, lines)
    }

    fn sum(&self, within: impl Fn(Date) -> bool) -> Result<(Money, u32), MoneyError> {
        let (mut minor, mut lines) = (0_i128, 0_u32);
        for day in self.sums.iter().filter(|day| within(day.day)) {
            minor += day.minor;
            lines = lines.saturating_add(day.lines);
        }
        let minor = i64::try_from(minor).map_err(|_| MoneyError::OutOfRange)?;
        Ok((Money::new(minor, self.account.currency)?, lines))
    }

    /// The balance that a cycle is worked out from.
    fn known(&self, cycle: &Cycle) -> Result<Known, MoneyError> {
        let days = self.account.apart_from(cycle.closed_on);
        let before = self.sum(|day| day < cycle.opened_on).ok().map(|(moved, _)| moved);
        let apart = self.sum(|day| days.holds(day)).ok().map(|(moved, _)| moved);
        Known::of(self.account, cycle, before, apart).ok_or(MoneyError::OutOfRange)
    }

    fn summary(&self, cycle: &Cycle) -> Result<StatementSummary, MoneyError> {
        let (moved, lines) = self.sum(|day| (cycle.opened_on..=cycle.closed_on).contains(&day))?;
        rules::summary(self.account.id, cycle, self.known(cycle)?, moved, lines)
    }

    /// The closed cycles of which there is a statement, newest first, with its head. A file may say what adds up to no
    /// amount, and more than fits on a statement: such a cycle has none.
    fn listed(&self, today: Date) -> impl Iterator<Item = (Cycle, StatementSummary)> {
        let of_coverage = move |coverage: Coverage| {
            let cycles = rules::closed_cycles(self.account, &coverage, today);
            let listed = cycles.into_iter().filter_map(move |cycle| Some((cycle, self.summary(&cycle).ok()?)));
            let fits = |lines: u32| usize::try_from(lines).is_ok_and(|lines| lines <= rules::LINES_MAX);
            listed.filter(move |(cycle, head)| fits(head.lines) && !coverage.lacks(cycle, head.lines))
        };
        self.coverage().into_iter().flat_map(of_coverage)
    }
}

/// The closed cycles of every account, newest first: every statement of a card of this server, and at most 12 of each
/// other account, without those of which no line is known, with more than 50,000, or sums that are no amount.
#[utoipa::path(get, path = "/api/v1/statements", tag = "statements", responses((status = 200, body = StatementList)))]
async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<StatementList>, ApiError> {
    let today = today(&app);
    let mut tx = app.db.begin_read().await?;
    let accounts: Vec<Account> = feed::all(&mut tx, signed_in.holder, Kind::Account).await?;
    let mut items = store::list(&mut tx, signed_in.holder).await?;
    for account in accounts.iter().filter(|account| account.card.is_none()) {
        let days = Days::read(&mut tx, signed_in.holder, account).await?;
        items.extend(days.listed(today).map(|(_, summary)| summary));
    }
    items.sort_by(|a, b| b.closed_on.cmp(&a.closed_on).then(a.account.cmp(&b.account)));
    Ok(Json(StatementList { items }))
}

/// One statement as a tagged PDF (PDF/UA-1) with its fonts embedded.
#[utoipa::path(get, path = "/api/v1/statements/{account}/{file}", tag = "statements",
    params(("account" = AccountId, Path), ("file" = String, Path, description = "The closing date and `.pdf`")),
    responses((status = 200, content_type = "application/pdf", body = Vec<u8>),
        (status = 404, body = api::error::Problem)))]
async fn pdf_of(
    State(app): State<App>,
    signed_in: SignedIn,
    Path((id, file)): Path<(AccountId, String)>,
) -> Result<Response, ApiError> {
    let closed_on: Option<Date> = file.strip_suffix(".pdf").and_then(|day| day.parse().ok());
    let closed_on = closed_on.ok_or_else(ApiError::not_found)?;
    let holder = signed_in.holder;
    let mut tx = app.db.begin_read().await?;
    let account: Option<Account> = feed::find(&mut tx, holder, crate::accounts::key(id)).await?;
    let account = account.ok_or_else(ApiError::not_found)?;
    let statement = if account.card.is_some() {
        let made = store::find(&mut tx, holder, id, closed_on).await?.ok_or_else(ApiError::not_found)?;
        Statement { summary: made.0, lines: made.1 }
    } else {
        worked_out(&mut tx, holder, &account, closed_on, today(&app)).await?
    };
    drop(tx);
    let by = app.settings.server_name.clone();
    let drawable = Drawable { account, statement };
    let made = tokio::task::spawn_blocking(move || drawable.draw(&by));
    let pdf = made.await.map_err(|_| failed())?.map_err(|error| {
        tracing::error!(error = %error, "a statement could not be drawn");
        failed()
    })?;
    let name = format!("attachment; filename=\"statement-{closed_on}.pdf\"");
    Ok(([(header::CONTENT_TYPE, "application/pdf".to_owned()), (header::CONTENT_DISPOSITION, name)], pdf)
        .into_response())
}

/// A statement that nobody issued, from the lines of its cycle.
async fn worked_out(
    tx: &mut Tx,
    holder: HolderId,
    account: &Account,
    closed_on: Date,
    today: Date,
) -> Result<Statement, ApiError> {
    let days = Days::read(tx, holder, account).await?;
    let coverage = days.coverage().ok_or_else(ApiError::not_found)?;
    let cycle = rules::cycle_closed_on(account, closed_on, &coverage, today).ok_or_else(ApiError::not_found)?;
    built(tx, holder, &days, &cycle).await
}

async fn built(tx: &mut Tx, holder: HolderId, days: &Days<'_>, cycle: &Cycle) -> Result<Statement, ApiError> {
    let id = days.account.id;
    let known = days.known(cycle).map_err(|_| out_of_range())?;
    let lines = feed::posted_lines(tx, holder, id.as_uuid(), cycle.opened_on, cycle.closed_on).await?;
    rules::build(id, cycle, known, lines).map_err(|error| match error {
        StatementError::TooManyLines => ApiError::new(ErrorCode::TooMany, "this cycle has more than 50,000 lines"),
        StatementError::StrayLine | StatementError::Money(_) => out_of_range(),
    })
}

/// A statement that is read and still to be drawn.
pub(crate) struct Drawable {
    pub account: Account,
    pub statement: Statement,
}

impl Drawable {
    pub fn closed_on(&self) -> Date {
        self.statement.summary.closed_on
    }

    /// Takes a while: not on a thread that others wait for.
    pub fn draw(&self, by: &str) -> Result<Vec<u8>, PaperError> {
        let Self { account, statement } = self;
        let practice = account.keeping == Keeping::Served;
        pdf::render(&pdf::Sheet { account, statement, by, practice })
    }
}

/// The statements of these accounts that the list names.
pub(crate) async fn all(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    accounts: &[Account],
) -> Result<Vec<Drawable>, ApiError> {
    let today = today(app);
    let issued = store::list(tx, holder).await?;
    let mut all = Vec::new();
    for account in accounts {
        if account.card.is_some() {
            for summary in issued.iter().filter(|summary| summary.account == account.id) {
                let made = store::find(tx, holder, account.id, summary.closed_on).await?;
                let (summary, lines) = made.ok_or(DbError::Corrupt("a statement that is listed"))?;
                all.push(Drawable { account: account.clone(), statement: Statement { summary, lines } });
            }
            continue;
        }
        let days = Days::read(tx, holder, account).await?;
        for (cycle, _) in days.listed(today) {
            let statement = built(tx, holder, &days, &cycle).await?;
            all.push(Drawable { account: account.clone(), statement });
        }
    }
    Ok(all)
}

fn today(app: &App) -> Date {
    app.clock.now().to_zoned(app.settings.zone.clone()).date()
}

fn out_of_range() -> ApiError {
    ApiError::new(ErrorCode::InvalidAmount, "the amounts of this account are out of range")
}

fn failed() -> ApiError {
    ApiError::new(ErrorCode::Internal, "the statement could not be made")
}
