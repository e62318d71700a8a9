//! Answers to suggestions in the cache, and the lines that suggestions are found in.

use domain::accounts::TransactionKind;
use domain::ids::{AccountId, SuggestionId, TransactionId};
use domain::money::Money;
use domain::suggestions::SuggestionAnswer;
use jiff::civil::Date;
use sqlx::{Executor, Sqlite, SqlitePool};

use super::transactions::{Names, day_of, first_seq_of, kind_of};
use super::{CacheError, CacheResult, Tx, date_of, from_body, to_body, uuid_of};

/// Lines beyond this are older than any rhythm that is looked for.
const LINES_MAX: i64 = 50_000;

pub(crate) async fn answer(tx: &mut Tx, answer: &SuggestionAnswer) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO suggestion_answer (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    )
    .bind(answer.id.as_uuid())
    .bind(to_body(answer)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(crate) async fn take_back(tx: &mut Tx, id: SuggestionId) -> CacheResult<()> {
    sqlx::query("DELETE FROM suggestion_answer WHERE id = ?1").bind(id.as_uuid()).execute(&mut **tx).await?;
    Ok(())
}

pub(crate) async fn answers(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<SuggestionAnswer>> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM suggestion_answer").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// Empties what a snapshot brings again.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    sqlx::query("DELETE FROM suggestion_answer").execute(&mut **tx).await?;
    Ok(())
}

/// A posted line by which money went out.
pub(crate) struct SpentLine {
    pub id: TransactionId,
    pub account: AccountId,
    pub on: Date,
    pub amount: Money,
    pub kind: TransactionKind,
    pub description: String,
}

/// From that day on, the newest.
pub(crate) async fn spent_lines(db: &SqlitePool, names: &Names, from: Date) -> CacheResult<Vec<SpentLine>> {
    type Row = (i64, Vec<u8>, i64, i64, i64, String);
    const LINES: &str = "SELECT seq, id, account, amount, kind, description FROM tx
                          WHERE seq >= ?1 AND amount < 0 AND state = 1 ORDER BY seq DESC LIMIT ?2";
    let rows: Vec<Row> = sqlx::query_as(LINES).bind(first_seq_of(from)).bind(LINES_MAX).fetch_all(db).await?;
    rows.into_iter()
        .map(|(seq, id, number, minor, kind, description)| {
            let (account, currency) = *names.get(&number).ok_or(CacheError::Damaged)?;
            Ok(SpentLine {
                id: TransactionId::from_uuid(uuid_of(&id)?),
                account,
                on: date_of(day_of(seq))?,
                amount: Money::new(minor, currency).map_err(|_| CacheError::Damaged)?,
                kind: kind_of(kind)?,
                description,
            })
        })
        .collect()
}
