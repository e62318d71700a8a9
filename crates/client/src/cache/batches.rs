//! Batches that were applied from the server, as a chain: each value is a keyed hash over the one before and what came.
//! Whoever cannot read the copy can neither add one nor take one out of the middle.

use ring::digest::{Context, SHA256};
use ring::hmac;
use sqlx::{Executor, Sqlite};

use super::anchor::Digest;
use super::{CacheError, CacheResult, Tx, state};
use crate::seal::SealKey;

/// Far more than are applied between two closings.
const KEPT: i64 = 10_000;

/// Adds what was just applied, in the same transaction.
pub(crate) async fn add(tx: &mut Tx, key: &SealKey, cursor: &str, content: &Digest) -> CacheResult<()> {
    let before = last(&mut **tx).await?;
    let number = before.as_ref().map_or(1, |(number, _)| number + 1);
    let chain = value(key, number, before.map(|(_, chain)| chain).as_ref(), cursor, content);
    sqlx::query("INSERT INTO batch (number, cursor, content, chain) VALUES (?1, ?2, ?3, ?4)")
        .bind(number)
        .bind(cursor)
        .bind(content.as_slice())
        .bind(chain.as_slice())
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM batch WHERE number <= ?1").bind(number - KEPT).execute(&mut **tx).await?;
    Ok(())
}

/// The chain's value now.
pub(crate) async fn head(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Option<Digest>> {
    Ok(last(db).await?.map(|(_, chain)| chain))
}

/// Whether every batch that is here follows from the one before, and the copy was at `head` once.
pub(crate) async fn follow(
    db: impl Executor<'_, Database = Sqlite>,
    key: &SealKey,
    head: Option<&Digest>,
) -> CacheResult<bool> {
    type Row = (i64, String, Vec<u8>, Vec<u8>);
    let rows: Vec<Row> =
        sqlx::query_as("SELECT number, cursor, content, chain FROM batch ORDER BY number").fetch_all(db).await?;
    let mut before: Option<(i64, Digest)> = None;
    let mut seen = head.is_none();
    for (number, cursor, content, chain) in rows {
        let (content, chain) = (digest(&content)?, digest(&chain)?);
        // The first that is kept may follow one that is not.
        if let Some((last, last_chain)) = &before
            && (number != last + 1 || value(key, number, Some(last_chain), &cursor, &content) != chain)
        {
            return Ok(false);
        }
        if number == 1 && value(key, number, None, &cursor, &content) != chain {
            return Ok(false);
        }
        seen |= head == Some(&chain);
        before = Some((number, chain));
    }
    Ok(seen)
}

/// Structure, cursor and last batch in one value.
pub(crate) async fn books(tx: &mut Tx) -> CacheResult<(Digest, Option<Digest>)> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut **tx).await?;
    let cursor: Option<String> = state::find(&mut **tx, state::CURSOR).await?;
    let head = head(&mut **tx).await?;
    let mut all = Context::new(&SHA256);
    all.update(&version.to_le_bytes());
    all.update(cursor.unwrap_or_default().as_bytes());
    all.update(head.as_ref().map_or(&[], |head| head.as_slice()));
    Ok((digest(all.finish().as_ref())?, head))
}

async fn last(db: impl Executor<'_, Database = Sqlite>) -> CacheResult<Option<(i64, Digest)>> {
    let row: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT number, chain FROM batch ORDER BY number DESC LIMIT 1").fetch_optional(db).await?;
    row.map(|(number, chain)| Ok((number, digest(&chain)?))).transpose()
}

fn value(key: &SealKey, number: i64, before: Option<&Digest>, cursor: &str, content: &Digest) -> Digest {
    let mut sum = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()));
    sum.update(&number.to_le_bytes());
    sum.update(before.map_or(&[0; 32], |before| before));
    // Of one length each but this one, which stands last.
    sum.update(content);
    sum.update(cursor.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(sum.sign().as_ref());
    bytes
}

fn digest(bytes: &[u8]) -> CacheResult<Digest> {
    Digest::try_from(bytes).map_err(|_| CacheError::Damaged)
}
