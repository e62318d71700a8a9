//! Accounts in the cache. An account has a small number here; a transaction may arrive before its account does.

use std::collections::HashMap;

use domain::accounts::Account;
use domain::ids::AccountId;
use domain::money::Currency;
use domain::statements::{Covered, covered_by_lines};
use jiff::civil::Date;
use sqlx::{Executor, Sqlite, SqlitePool};

use super::{CacheResult, Tx, account_id_of, date_of, from_body, to_body, transactions};

/// The account's number, made with no more than its currency when it is not known yet.
pub(crate) async fn number_of(tx: &mut Tx, id: AccountId, currency: Currency) -> CacheResult<i64> {
    if let Some(number) = find_number(&mut **tx, id).await? {
        return Ok(number);
    }
    let number: i64 = sqlx::query_scalar("INSERT INTO account (id, currency) VALUES (?1, ?2) RETURNING number")
        .bind(id.as_uuid())
        .bind(currency.code())
        .fetch_one(&mut **tx)
        .await?;
    Ok(number)
}

pub(crate) async fn numbers_of(
    tx: &mut Tx,
    wanted: impl Iterator<Item = (AccountId, Currency)>,
) -> CacheResult<HashMap<AccountId, i64>> {
    let mut numbers = HashMap::new();
    for (id, currency) in wanted {
        if let std::collections::hash_map::Entry::Vacant(place) = numbers.entry(id) {
            place.insert(number_of(tx, id, currency).await?);
        }
    }
    Ok(numbers)
}

pub(crate) async fn find_number(db: impl Executor<'_, Database = Sqlite>, id: AccountId) -> CacheResult<Option<i64>> {
    Ok(sqlx::query_scalar("SELECT number FROM account WHERE id = ?1").bind(id.as_uuid()).fetch_optional(db).await?)
}

pub(crate) async fn put(tx: &mut Tx, account: &Account) -> CacheResult<()> {
    sqlx::query(
        "INSERT INTO account (id, currency, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    )
    .bind(account.id.as_uuid())
    .bind(account.currency.code())
    .bind(to_body(account)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The account goes with its lines; its number is not used again.
pub(crate) async fn remove(tx: &mut Tx, id: AccountId) -> CacheResult<()> {
    let Some(number) = find_number(&mut **tx, id).await? else {
        return Ok(());
    };
    for sql in [
        "DELETE FROM tx_words WHERE rowid IN (SELECT seq FROM tx WHERE account = ?1)",
        "DELETE FROM tx WHERE account = ?1",
        "DELETE FROM month WHERE account = ?1",
        "DELETE FROM replaced WHERE account = (SELECT id FROM account WHERE number = ?1)",
        "UPDATE account SET body = NULL, lines = 0 WHERE number = ?1",
    ] {
        sqlx::query(sql).bind(number).execute(&mut **tx).await?;
    }
    Ok(())
}

pub(crate) async fn find(db: impl Executor<'_, Database = Sqlite>, id: AccountId) -> CacheResult<Option<Account>> {
    let body: Option<Option<String>> =
        sqlx::query_scalar("SELECT body FROM account WHERE id = ?1").bind(id.as_uuid()).fetch_optional(db).await?;
    body.flatten().map(|body| from_body(&body)).transpose()
}

pub(crate) async fn all(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Vec<Account>> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM account WHERE body IS NOT NULL ORDER BY number").fetch_all(db).await?;
    bodies.iter().map(|body| from_body(body)).collect()
}

/// The spans of days of which an account is known: what its files cover, or what its lines say where none is kept.
pub(crate) async fn covered(tx: &mut Tx, account: &Account) -> CacheResult<Vec<Covered>> {
    if !account.covered.is_empty() {
        return Ok(account.covered.clone());
    }
    let days = transactions::days_of(tx, account.id).await?;
    Ok(covered_by_lines(account, days))
}

/// How many lines an account has, and the days of its first and last.
pub(crate) struct Extent {
    pub lines: i64,
    pub first_on: Option<Date>,
    pub last_on: Option<Date>,
}

pub(crate) async fn extents(db: &SqlitePool) -> CacheResult<HashMap<AccountId, Extent>> {
    type Row = (Vec<u8>, i64, Option<i64>, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, lines, (SELECT min(seq) FROM tx WHERE tx.account = account.number),
                (SELECT max(seq) FROM tx WHERE tx.account = account.number)
         FROM account",
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(id, lines, first, last)| {
            let day = |seq: Option<i64>| seq.map(|seq| date_of(transactions::day_of(seq))).transpose();
            let extent = Extent { lines, first_on: day(first)?, last_on: day(last)? };
            Ok((account_id_of(&id)?, extent))
        })
        .collect()
}
