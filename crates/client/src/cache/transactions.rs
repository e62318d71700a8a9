//! Transactions in the cache: bulk load, the words index, month totals kept on write, and lists by page.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use domain::accounts::{Apart, Transaction, TransactionKind, TransactionState};
use domain::ids::{AccountId, TransactionId};
use domain::money::{Currency, Money};
use jiff::civil::Date;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _, SqlitePool};
use uuid::Uuid;

use super::{
    CacheError, CacheResult, Tx, account_id_of, currency_of, date_of, day_number, from_body, state, to_body, uuid_of,
};
use crate::accounts::TransactionView;
use crate::fold::fold;

/// Rows of one insert statement; 9 values each, and SQLite takes 32,766.
const ROWS_PER_STATEMENT: usize = 500;
/// Sources or ids looked up by one query.
const LOOKUP_MAX: usize = 5_000;
const LINE_BITS: u32 = 32;

/// A row to be added. The running number makes lines of one day keep their order.
pub(crate) struct NewLine {
    pub seq: i64,
    pub id: TransactionId,
    pub account: i64,
    pub amount_minor: i64,
    pub kind: TransactionKind,
    pub state: TransactionState,
    pub description: Arc<str>,
    pub memo: Option<Arc<str>>,
    pub source: Option<Arc<str>>,
}

pub(crate) fn seq_of(date: Date, line: i64) -> i64 {
    (day_number(date) << LINE_BITS) | line
}

pub(crate) fn first_seq_of(date: Date) -> i64 {
    day_number(date) << LINE_BITS
}

/// After every line of a day.
fn seq_after(date: Date) -> i64 {
    (day_number(date) + 1) << LINE_BITS
}

pub(crate) const fn day_of(seq: i64) -> i64 {
    seq >> LINE_BITS
}

fn date_of_seq(seq: i64) -> CacheResult<Date> {
    date_of(day_of(seq))
}

/// Takes `count` running numbers and returns the first.
pub(crate) async fn take_lines(tx: &mut Tx, count: usize) -> CacheResult<i64> {
    let next: i64 = state::find(&mut **tx, state::NEXT_LINE).await?.unwrap_or(0);
    let after = next + i64::try_from(count).map_err(|_| CacheError::TooMany)?;
    if after >= 1 << LINE_BITS {
        return Err(CacheError::TooMany);
    }
    state::put(&mut **tx, state::NEXT_LINE, &after).await?;
    Ok(next)
}

/// Adds rows that are known to be new, with their words and month totals. Rows must be in the order of `seq`: the
/// words index is built far faster that way.
pub(crate) async fn add_all(tx: &mut Tx, lines: &[NewLine]) -> CacheResult<()> {
    debug_assert!(lines.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    for group in lines.chunks(ROWS_PER_STATEMENT) {
        let mut rows = SqliteArguments::default();
        let mut words = SqliteArguments::default();
        for line in group {
            bind_row(&mut rows, line).map_err(CacheError::Sql)?;
            bind_words(&mut words, line).map_err(CacheError::Sql)?;
        }
        insert(tx, &ROWS_SQL, ROWS_HEAD, ROW_VALUES, group.len(), rows).await?;
        insert(tx, &WORDS_SQL, WORDS_HEAD, WORDS_VALUES, group.len(), words).await?;
    }
    count_in(tx, lines, 1).await
}

const ROWS_HEAD: &str = "INSERT INTO tx (seq, id, account, amount, kind, state, description, memo, source) VALUES ";
const ROW_VALUES: &str = "(?,?,?,?,?,?,?,?,?)";
const WORDS_HEAD: &str = "INSERT INTO tx_words (rowid, description, memo) VALUES ";
const WORDS_VALUES: &str = "(?,?,?)";
static ROWS_SQL: LazyLock<Arc<str>> = LazyLock::new(|| statement(ROWS_HEAD, ROW_VALUES, ROWS_PER_STATEMENT));
static WORDS_SQL: LazyLock<Arc<str>> = LazyLock::new(|| statement(WORDS_HEAD, WORDS_VALUES, ROWS_PER_STATEMENT));

fn statement(head: &str, values: &str, rows: usize) -> Arc<str> {
    let mut sql = String::with_capacity(head.len() + rows * (values.len() + 1));
    sql.push_str(head);
    for row in 0..rows {
        if row > 0 {
            sql.push(',');
        }
        sql.push_str(values);
    }
    sql.into()
}

async fn insert(
    tx: &mut Tx,
    full: &Arc<str>,
    head: &str,
    values: &str,
    rows: usize,
    arguments: SqliteArguments,
) -> CacheResult<()> {
    let whole = rows == ROWS_PER_STATEMENT;
    let sql = if whole { Arc::clone(full) } else { statement(head, values, rows) };
    sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(whole).execute(&mut **tx).await?;
    Ok(())
}

fn bind_row(to: &mut SqliteArguments, line: &NewLine) -> Result<(), sqlx::Error> {
    let mut bind = || -> Result<(), sqlx::error::BoxDynError> {
        to.add(line.seq)?;
        to.add(line.id.as_uuid())?;
        to.add(line.account)?;
        to.add(line.amount_minor)?;
        to.add(kind_code(line.kind))?;
        to.add(state_code(line.state))?;
        to.add(Arc::clone(&line.description))?;
        to.add(line.memo.clone())?;
        to.add(line.source.clone())
    };
    bind().map_err(sqlx::Error::Encode)
}

fn bind_words(to: &mut SqliteArguments, line: &NewLine) -> Result<(), sqlx::Error> {
    let mut bind = || -> Result<(), sqlx::error::BoxDynError> {
        to.add(line.seq)?;
        to.add(Arc::clone(&line.description))?;
        to.add(line.memo.clone())
    };
    bind().map_err(sqlx::Error::Encode)
}

#[derive(Default)]
struct Totals {
    money_in: i64,
    money_out: i64,
    lines: i64,
}

/// A month's total goes no further, far beyond what is an amount: no file can make a sum that the library refuses.
const TOTAL_MAX: i64 = i64::MAX / 4;

/// Adds lines to the month totals and counts, or with -1 takes them out.
async fn count_in(tx: &mut Tx, lines: &[NewLine], sign: i64) -> CacheResult<()> {
    let mut months: BTreeMap<(i64, i64), Totals> = BTreeMap::new();
    let mut last = (i64::MIN, 0);
    for line in lines {
        let day = day_of(line.seq);
        if day != last.0 {
            let date = date_of(day)?;
            last = (day, month_number(date));
        }
        let totals = months.entry((line.account, last.1)).or_default();
        if line.amount_minor > 0 {
            totals.money_in = totals.money_in.saturating_add(line.amount_minor).min(TOTAL_MAX);
        } else {
            totals.money_out = totals.money_out.saturating_sub(line.amount_minor).min(TOTAL_MAX);
        }
        totals.lines += 1;
    }
    for ((account, month), totals) in months {
        sqlx::query(
            "INSERT INTO month (account, month, money_in, money_out, lines) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (account, month) DO UPDATE SET money_in = min(money_in + excluded.money_in, ?6),
                money_out = min(money_out + excluded.money_out, ?6), lines = lines + excluded.lines",
        )
        .bind(account)
        .bind(month)
        .bind(sign * totals.money_in)
        .bind(sign * totals.money_out)
        .bind(sign * totals.lines)
        .bind(TOTAL_MAX)
        .execute(&mut **tx)
        .await?;
        sqlx::query("UPDATE account SET lines = lines + ?2 WHERE number = ?1")
            .bind(account)
            .bind(sign * totals.lines)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

pub(crate) fn month_number(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

pub(crate) fn first_of_month(number: i64) -> CacheResult<Date> {
    let year = i16::try_from(number.div_euclid(12)).map_err(|_| CacheError::Damaged)?;
    let month = i8::try_from(number.rem_euclid(12) + 1).map_err(|_| CacheError::Damaged)?;
    Date::new(year, month, 1).map_err(|_| CacheError::Damaged)
}

/// A line of this account has this source.
pub(crate) async fn has_source(db: &SqlitePool, account: AccountId, source: &str) -> CacheResult<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM tx JOIN account ON account.number = tx.account
                WHERE account.id = ?1 AND tx.source = ?2)";
    Ok(sqlx::query_scalar(sql).bind(account.as_uuid()).bind(source).fetch_one(db).await?)
}

/// Which of these sources an account has already, by their position. What is known of a pending line that gave way says
/// nothing of a posted one.
pub(crate) async fn known_sources(
    tx: &mut Tx,
    account: i64,
    sources: &[Arc<str>],
    is_pending: impl Fn(usize) -> bool,
) -> CacheResult<HashSet<usize>> {
    let mut known = HashSet::new();
    for (group, part) in sources.chunks(LOOKUP_MAX).enumerate() {
        let list = serde_json::to_string(&part.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
            .map_err(|_| CacheError::Damaged)?;
        // One row comes back, whatever the file's size: rows cost more than lookups.
        let found: Option<String> = sqlx::query_scalar(
            "SELECT group_concat(CASE
                WHEN EXISTS (SELECT 1 FROM tx WHERE account = ?1 AND source = j.value) THEN j.key
                ELSE (SELECT iif(state = 0, 'p', '') || j.key FROM replaced
                       WHERE account = (SELECT id FROM account WHERE number = ?1) AND source = j.value)
             END) FROM json_each(?2) j",
        )
        .bind(account)
        .bind(list)
        .fetch_one(&mut **tx)
        .await?;
        let keys = found.as_deref().unwrap_or("");
        for key in keys.split(',') {
            let plain = key.trim_start_matches('p');
            let Ok(at) = plain.parse::<usize>() else { continue };
            let at = group * LOOKUP_MAX + at;
            if plain == key || is_pending(at) {
                known.insert(at);
            }
        }
    }
    Ok(known)
}

/// Keeps the sources of lines that are about to be taken out for what the issuer said of them.
pub(crate) async fn remember_replaced(tx: &mut Tx, ids: &[TransactionId]) -> CacheResult<()> {
    for part in ids.chunks(LOOKUP_MAX) {
        sqlx::query(
            "INSERT INTO replaced (account, source, state)
             SELECT account.id, tx.source, tx.state FROM json_each(?1) j
             CROSS JOIN tx ON tx.id = unhex(j.value) JOIN account ON account.number = tx.account
             WHERE tx.source IS NOT NULL
             ON CONFLICT (account, source) DO UPDATE SET state = max(state, excluded.state)",
        )
        .bind(hex_list(part.iter().map(TransactionId::as_uuid)))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Keeps sources of lines that were never here, since the file that has them takes them back.
pub(crate) async fn remember_sources(tx: &mut Tx, account: AccountId, sources: &[Arc<str>]) -> CacheResult<()> {
    if sources.is_empty() {
        return Ok(());
    }
    let list: Vec<&str> = sources.iter().map(AsRef::as_ref).collect();
    sqlx::query(
        "INSERT INTO replaced (account, source) SELECT ?1, value FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(account.as_uuid())
    .bind(to_body(&list)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A line as far as it tells whether another is the same purchase.
#[derive(Clone, Debug)]
pub(crate) struct KnownLine {
    pub id: TransactionId,
    pub date: Date,
    pub amount_minor: i64,
    pub description: String,
    pub source: Option<String>,
}

/// Lines that have not posted yet.
pub(crate) async fn pending_of(tx: &mut Tx, account: i64) -> CacheResult<Vec<KnownLine>> {
    let rows = sqlx::query(
        "SELECT seq, id, amount, description, source FROM tx WHERE account = ?1 AND state = 0 ORDER BY seq",
    )
    .bind(account)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(known_line).collect()
}

/// Lines of these amounts that posted from one day to another, both included.
pub(crate) async fn posted_of(
    tx: &mut Tx,
    account: i64,
    amounts: &[i64],
    from: Date,
    to: Date,
) -> CacheResult<Vec<KnownLine>> {
    let rows = sqlx::query(
        "SELECT seq, id, amount, description, source FROM tx
         WHERE account = ?1 AND state = 1 AND seq >= ?2 AND seq < ?3 AND amount IN (SELECT value FROM json_each(?4))
         ORDER BY seq",
    )
    .bind(account)
    .bind(first_seq_of(from))
    .bind(first_seq_of(to.tomorrow().unwrap_or(Date::MAX)))
    .bind(to_body(&amounts)?)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(known_line).collect()
}

fn known_line(row: &SqliteRow) -> CacheResult<KnownLine> {
    Ok(KnownLine {
        date: date_of_seq(row.try_get(0)?)?,
        id: TransactionId::from_uuid(row.try_get(1)?),
        amount_minor: row.try_get(2)?,
        description: row.try_get(3)?,
        source: row.try_get(4)?,
    })
}

/// The newest line of each account whose source has one of these hashes of an issuer's id behind its day. Rare: it reads
/// all sources, once for all hashes.
pub(crate) async fn by_issuer_parts(
    tx: &mut Tx,
    parts: &HashSet<String>,
) -> CacheResult<HashMap<(AccountId, String), TransactionId>> {
    let rows: Vec<(Vec<u8>, String, Vec<u8>)> = sqlx::query_as(
        "SELECT account.id, substr(tx.source, 9, 14), tx.id FROM tx JOIN account ON account.number = tx.account
         WHERE substr(tx.source, 9, 14) IN (SELECT value FROM json_each(?1)) ORDER BY tx.seq",
    )
    .bind(to_body(parts)?)
    .fetch_all(&mut **tx)
    .await?;
    let line = |(account, part, id): (Vec<u8>, String, Vec<u8>)| {
        Ok(((account_id_of(&account)?, part), TransactionId::from_uuid(uuid_of(&id)?)))
    };
    rows.into_iter().map(line).collect()
}

/// Takes lines out, with their words and totals. Ids that are not there are passed over.
pub(crate) async fn remove_all(tx: &mut Tx, ids: &[TransactionId]) -> CacheResult<()> {
    for part in ids.chunks(LOOKUP_MAX) {
        let found = find_all(tx, part).await?;
        let lines: Vec<NewLine> = found.into_values().collect();
        let list = serde_json::to_string(&lines.iter().map(|line| line.seq).collect::<Vec<_>>())
            .map_err(|_| CacheError::Damaged)?;
        for sql in [
            "DELETE FROM tx_words WHERE rowid IN (SELECT value FROM json_each(?1))",
            "DELETE FROM tx WHERE seq IN (SELECT value FROM json_each(?1))",
        ] {
            sqlx::query(sql).bind(&list).execute(&mut **tx).await?;
        }
        count_in(tx, &lines, -1).await?;
    }
    Ok(())
}

/// The lines of these ids as they are stored.
pub(crate) async fn find_all(tx: &mut Tx, ids: &[TransactionId]) -> CacheResult<HashMap<TransactionId, NewLine>> {
    let mut found = HashMap::new();
    for part in ids.chunks(LOOKUP_MAX) {
        let list = hex_list(part.iter().map(TransactionId::as_uuid));
        let rows = sqlx::query(
            "SELECT tx.seq, tx.id, account, amount, kind, state, description, memo, source FROM json_each(?1) j
             CROSS JOIN tx ON tx.id = unhex(j.value)",
        )
        .bind(list)
        .fetch_all(&mut **tx)
        .await?;
        for row in &rows {
            let line = line_of(row)?;
            found.insert(line.id, line);
        }
    }
    Ok(found)
}

fn hex_list(ids: impl Iterator<Item = Uuid>) -> String {
    let quoted: Vec<String> = ids.map(|id| format!("\"{}\"", id.simple())).collect();
    format!("[{}]", quoted.join(","))
}

fn line_of(row: &SqliteRow) -> CacheResult<NewLine> {
    Ok(NewLine {
        seq: row.try_get(0)?,
        id: TransactionId::from_uuid(row.try_get(1)?),
        account: row.try_get(2)?,
        amount_minor: row.try_get(3)?,
        kind: kind_of(row.try_get(4)?)?,
        state: state_of(row.try_get(5)?)?,
        description: row.try_get::<String, _>(6)?.into(),
        memo: row.try_get::<Option<String>, _>(7)?.map(Into::into),
        source: row.try_get::<Option<String>, _>(8)?.map(Into::into),
    })
}

/// Brings in lines as the server has them: new ones are added, changed ones replaced, and a line that this device
/// knew by the same source under another id gives way.
pub(crate) async fn apply_all(
    tx: &mut Tx,
    numbers: &HashMap<AccountId, i64>,
    incoming: &[&Transaction],
) -> CacheResult<()> {
    let ids: Vec<TransactionId> = incoming.iter().map(|line| line.id).collect();
    let present = find_all(tx, &ids).await?;
    let mut fresh = Vec::new();
    let mut outdated = Vec::new();
    for line in incoming {
        let number = *numbers.get(&line.account).ok_or(CacheError::Damaged)?;
        match present.get(&line.id) {
            Some(there) if is_same(there, line, number)? => {}
            Some(_) => {
                outdated.push(line.id);
                fresh.push((number, *line));
            }
            None => fresh.push((number, *line)),
        }
    }
    outdated.extend(same_source(tx, &fresh).await?);
    remove_all(tx, &outdated).await?;
    let first = take_lines(tx, fresh.len()).await?;
    let mut lines: Vec<NewLine> = (first..)
        .zip(&fresh)
        .map(|(line, (number, transaction))| new_line((*transaction).clone(), *number, line))
        .collect();
    lines.sort_unstable_by_key(|line| line.seq);
    add_all(tx, &lines).await
}

pub(crate) fn new_line(transaction: Transaction, account: i64, line: i64) -> NewLine {
    NewLine {
        seq: seq_of(transaction.posted_on, line),
        id: transaction.id,
        account,
        amount_minor: transaction.amount.minor(),
        kind: transaction.kind,
        state: transaction.state,
        description: transaction.description.into(),
        memo: transaction.memo.map(Into::into),
        source: transaction.source.map(Into::into),
    }
}

pub(crate) fn line_at(seq: i64, line: &Transaction, account: i64) -> NewLine {
    NewLine {
        seq,
        id: line.id,
        account,
        amount_minor: line.amount.minor(),
        kind: line.kind,
        state: line.state,
        description: line.description.as_str().into(),
        memo: line.memo.as_deref().map(Into::into),
        source: line.source.as_deref().map(Into::into),
    }
}

fn is_same(there: &NewLine, line: &Transaction, number: i64) -> CacheResult<bool> {
    Ok(there.account == number
        && date_of_seq(there.seq)? == line.posted_on
        && there.amount_minor == line.amount.minor()
        && there.kind == line.kind
        && there.state == line.state
        && *there.description == *line.description
        && there.memo.as_deref() == line.memo.as_deref()
        && there.source.as_deref() == line.source.as_deref())
}

async fn same_source(tx: &mut Tx, fresh: &[(i64, &Transaction)]) -> CacheResult<Vec<TransactionId>> {
    let pairs: Vec<(i64, &str)> =
        fresh.iter().filter_map(|(number, line)| line.source.as_deref().map(|source| (*number, source))).collect();
    let list = serde_json::to_string(&pairs).map_err(|_| CacheError::Damaged)?;
    let ids: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT tx.id FROM json_each(?1) j
         CROSS JOIN tx ON tx.account = j.value ->> 0 AND tx.source = j.value ->> 1",
    )
    .bind(list)
    .fetch_all(&mut **tx)
    .await?;
    ids.iter().map(|id| Ok(TransactionId::from_uuid(uuid_of(id)?))).collect()
}

/// Empties everything about transactions, before a snapshot is loaded.
pub(crate) async fn clear(tx: &mut Tx) -> CacheResult<()> {
    for sql in [
        "DELETE FROM tx",
        "INSERT INTO tx_words (tx_words) VALUES ('delete-all')",
        "DELETE FROM month",
        "UPDATE account SET lines = 0",
    ] {
        sqlx::query(sql).execute(&mut **tx).await?;
    }
    state::remove(&mut **tx, state::NEXT_LINE).await
}

// ---- Lists ------------------------------------------------------------------------------------------------------

/// A page's bounds, in `seq`: from `from` up to but not with `below`.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub account: Option<i64>,
    pub words: Option<Words>,
    pub from: i64,
    pub below: i64,
    pub limit: i64,
}

/// A page comes as one value: the driver copies each value of each row by itself, which took longer than the query.
macro_rules! page_of {
    ($lines:literal) => {
        concat!(
            "SELECT json_group_array(json_array(t.seq, hex(t.id), t.account, t.amount, t.kind, t.state, t.description,
                t.memo) ORDER BY t.seq DESC) FROM (",
            $lines,
            ") w CROSS JOIN tx t ON t.seq = w.seq"
        )
    };
}

/// One line of it: `seq`, id, account, amount, kind, state, description, memo.
type PageLine = (i64, Uuid, i64, i64, i64, i64, String, Option<String>);

const PAGE: &str = page_of!("SELECT seq FROM tx WHERE seq < ?1 AND seq >= ?2 ORDER BY seq DESC LIMIT ?3");
const PAGE_OF_ACCOUNT: &str =
    page_of!("SELECT seq FROM tx WHERE account = ?4 AND seq < ?1 AND seq >= ?2 ORDER BY seq DESC LIMIT ?3");
// Where no term begins with the last word, the query is an empty phrase: it matches nothing, and nothing is no error.
const PAGE_BY_WORDS: &str = page_of!(
    "WITH RECURSIVE found (term) AS (
        SELECT (SELECT term FROM tx_terms WHERE term >= ?5 LIMIT 1)
        UNION ALL
        SELECT (SELECT term FROM tx_terms WHERE term >= found.term || char(1) LIMIT 1) FROM found
        WHERE found.term < ?6 LIMIT 33
     )
     SELECT l.seq FROM tx_words w CROSS JOIN tx l ON l.seq = w.rowid
     WHERE w.tx_words MATCH coalesce(?7, (
        SELECT CASE count(*) WHEN 33 THEN ?8 ELSE ?9 || '(' || group_concat('\"' || term || '\"', ' OR ') || ')' END
        FROM found WHERE term < ?6
     ), '\"\"')
     AND (?4 IS NULL OR l.account = ?4) AND w.rowid < ?1 AND w.rowid >= ?2 ORDER BY w.rowid DESC LIMIT ?3"
);

/// Accounts by their number in this cache.
pub(crate) type Names = HashMap<i64, (AccountId, Currency)>;

/// Lines of a window, newest first, each with its `seq`.
pub(crate) async fn page(db: &SqlitePool, names: &Names, window: &Window) -> CacheResult<Vec<(i64, TransactionView)>> {
    let sql = match (window.account, &window.words) {
        (None, None) => PAGE,
        (Some(_), None) => PAGE_OF_ACCOUNT,
        (_, Some(_)) => PAGE_BY_WORDS,
    };
    let mut query = sqlx::query_scalar(sql).bind(window.below).bind(window.from).bind(window.limit);
    if window.account.is_some() || window.words.is_some() {
        query = query.bind(window.account);
    }
    if let Some(words) = &window.words {
        query = query
            .bind(&words.first_term)
            .bind(&words.beyond)
            .bind(&words.plain)
            .bind(&words.by_beginning)
            .bind(&words.others);
    }
    let text: String = query.fetch_one(db).await?;
    let lines: Vec<PageLine> = from_body(&text)?;
    lines.into_iter().map(|line| view_of(line, names)).collect()
}

fn view_of(line: PageLine, names: &Names) -> CacheResult<(i64, TransactionView)> {
    let (seq, id, number, minor, kind, state, description, memo) = line;
    let (account, currency) = *names.get(&number).ok_or(CacheError::Damaged)?;
    let amount = Money::new(minor, currency).map_err(|_| CacheError::Damaged)?;
    let view = TransactionView {
        id: TransactionId::from_uuid(id),
        account,
        posted_on: date_of_seq(seq)?,
        amount,
        description,
        memo,
        kind: kind_of(kind)?,
        state: state_of(state)?,
    };
    Ok((seq, view))
}

/// Accounts are few and never forgotten, so callers keep this map.
pub(crate) async fn names(db: &SqlitePool) -> CacheResult<Names> {
    let rows: Vec<(i64, Vec<u8>, String)> =
        sqlx::query_as("SELECT number, id, currency FROM account").fetch_all(db).await?;
    rows.into_iter().map(|(number, id, code)| Ok((number, (account_id_of(&id)?, currency_of(&code)?)))).collect()
}

/// What a person typed, as queries of the words index. Each word in quotes is a plain word, never an operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// Terms from here, and below `beyond`, begin with the last word.
    first_term: Option<String>,
    beyond: Option<String>,
    /// The whole query, where the terms cannot tell.
    plain: Option<String>,
    /// The whole query with the last word as a beginning, for when too many terms begin with it.
    by_beginning: String,
    /// All words but the last, to be followed by its terms.
    others: String,
}

/// Beginnings of two and three letters have an index of their own.
const BEGINNING_INDEXED_MAX: usize = 3;
const WORDS_MAX: usize = 16;

/// `None` when no word is in it.
pub(crate) fn words_of(typed: &str) -> Option<Words> {
    let typed = fold(typed);
    let split = typed.split(|c: char| !c.is_alphanumeric());
    let mut words: Vec<&str> = split.filter(|word| !word.is_empty()).take(WORDS_MAX).collect();
    let last = words.pop()?;
    let others: String = words.iter().map(|word| format!("\"{word}\" AND ")).collect();
    let by_beginning = format!("{others}\"{last}\"*");
    // The index folds as is done here; what else it does is known for plain letters.
    let known_folding = last.is_ascii();
    let mut words = Words { by_beginning, others, ..Words::default() };
    if last.len() == 1 {
        // Nearly every line has a word that begins with it: one letter is a word of its own.
        words.plain = Some(format!("{}\"{last}\"", words.others));
    } else if last.len() <= BEGINNING_INDEXED_MAX || !known_folding {
        words.plain = Some(words.by_beginning.clone());
    } else {
        let lower = last.to_ascii_lowercase();
        let mut beyond = lower.clone();
        // Letters and digits have a successor that is ASCII too.
        let end = beyond.pop().map(|c| char::from(c as u8 + 1));
        beyond.extend(end);
        words.first_term = Some(lower);
        words.beyond = Some(beyond);
    }
    Some(words)
}

/// A sum in two halves, which cannot leave the library's range whatever a file says: above and below 2^20.
const HALVES: (&str, &str) = ("coalesce(sum(amount >> 20), 0)", "coalesce(sum(amount & 1048575), 0)");

/// `None` when it is no amount: too large for every screen.
fn whole(halves: (i64, i64)) -> Option<i64> {
    let sum = (i128::from(halves.0) << 20) + i128::from(halves.1);
    i64::try_from(sum).ok().filter(|sum| sum.unsigned_abs() <= Money::MINOR_MAX.unsigned_abs())
}

/// What a card's figures are worked out from: what posted between its balance and its closing, what was paid since, and
/// what is pending. A sum that is no amount is absent.
pub(crate) struct Sums {
    pub apart_minor: Option<i64>,
    pub paid_minor: Option<i64>,
    pub pending_minor: Option<i64>,
    pub pending_count: i64,
}

/// `closing` is the card's last, and the days between that and its balance.
pub(crate) async fn sums(db: &SqlitePool, account: i64, closing: Option<(Date, Apart)>) -> CacheResult<Sums> {
    let (upper, lower) = HALVES;
    let (apart, paid) = match closing {
        None => (Some(0), Some(0)),
        Some((closed_on, days)) => {
            let halves = |of: &str| {
                format!(
                    "coalesce(sum(amount >> 20) FILTER ({of}), 0), coalesce(sum(amount & 1048575) FILTER ({of}), 0)"
                )
            };
            let apart = halves("WHERE seq >= ?2 AND seq < ?3");
            let paid = halves("WHERE seq >= ?4 AND kind = 1 AND amount > 0");
            let sql = format!("SELECT {apart}, {paid} FROM tx WHERE account = ?1 AND seq >= min(?2, ?4) AND state = 1");
            let row: (i64, i64, i64, i64) = sqlx::query_as(AssertSqlSafe(sql))
                .bind(account)
                .bind(first_seq_of(days.from))
                .bind(days.to.map_or(i64::MAX, seq_after))
                .bind(seq_after(closed_on))
                .fetch_one(db)
                .await?;
            (whole((row.0, row.1)), whole((row.2, row.3)))
        }
    };
    let sql = format!("SELECT {upper}, {lower}, count(*) FROM tx WHERE account = ?1 AND state = 0");
    let row: (i64, i64, i64) = sqlx::query_as(AssertSqlSafe(sql)).bind(account).fetch_one(db).await?;
    Ok(Sums { apart_minor: apart, paid_minor: paid, pending_minor: whole((row.0, row.1)), pending_count: row.2 })
}

/// What posted on an account from a day on until before another, and how many lines that were; without a day, from the
/// first line or to the last. A sum that is no amount is absent.
pub(crate) async fn posted_within(
    db: &SqlitePool,
    account: AccountId,
    from: Option<Date>,
    until: Option<Date>,
) -> CacheResult<(Option<i64>, i64)> {
    let (upper, lower) = HALVES;
    let sql = format!(
        "SELECT {upper}, {lower}, count(*) FROM tx
         WHERE account = (SELECT number FROM account WHERE id = ?1) AND seq >= ?2 AND seq < ?3 AND state = 1"
    );
    let row: (i64, i64, i64) = sqlx::query_as(AssertSqlSafe(sql))
        .bind(account.as_uuid())
        .bind(from.map_or(i64::MIN, first_seq_of))
        .bind(until.map_or(i64::MAX, first_seq_of))
        .fetch_one(db)
        .await?;
    Ok((whole((row.0, row.1)), row.2))
}

/// The days on which lines of an account posted; as one value, as a page is.
pub(crate) async fn days_of(tx: &mut Tx, account: AccountId) -> CacheResult<Vec<Date>> {
    let sql = format!(
        "SELECT json_group_array(DISTINCT seq >> {LINE_BITS}) FROM tx
         WHERE account = (SELECT number FROM account WHERE id = ?1) AND state = 1"
    );
    let text: String = sqlx::query_scalar(AssertSqlSafe(sql)).bind(account.as_uuid()).fetch_one(&mut **tx).await?;
    let days: Vec<i64> = from_body(&text)?;
    days.into_iter().map(date_of).collect()
}

/// Whether interest was charged since a day.
pub(crate) async fn has_interest(db: &SqlitePool, account: i64, from: Date) -> CacheResult<bool> {
    let sql =
        "SELECT EXISTS (SELECT 1 FROM tx WHERE account = ?1 AND seq >= ?2 AND state = 1 AND kind = ?3 AND amount < 0)";
    let kind = kind_code(TransactionKind::Interest);
    Ok(sqlx::query_scalar(sql).bind(account).bind(first_seq_of(from)).bind(kind).fetch_one(db).await?)
}

/// Money out of an account by month, from `first` on; as one value, as a page is.
pub(crate) async fn months_out(db: &SqlitePool, account: i64, first: i64) -> CacheResult<Vec<(i64, i64)>> {
    let text: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(month, money_out) ORDER BY month) FROM month
         WHERE account = ?1 AND month >= ?2",
    )
    .bind(account)
    .bind(first)
    .fetch_one(db)
    .await?;
    from_body(&text)
}

// ---- Codes ------------------------------------------------------------------------------------------------------

const KINDS: [TransactionKind; 11] = [
    TransactionKind::Purchase,
    TransactionKind::Payment,
    TransactionKind::Refund,
    TransactionKind::Credit,
    TransactionKind::Debit,
    TransactionKind::Fee,
    TransactionKind::Interest,
    TransactionKind::Check,
    TransactionKind::Cash,
    TransactionKind::Transfer,
    TransactionKind::Other,
];

fn kind_code(kind: TransactionKind) -> i64 {
    KINDS.iter().position(|known| *known == kind).and_then(|at| i64::try_from(at).ok()).unwrap_or(10)
}

pub(super) fn kind_of(code: i64) -> CacheResult<TransactionKind> {
    let kind = usize::try_from(code).ok().and_then(|at| KINDS.get(at));
    kind.copied().ok_or(CacheError::Damaged)
}

const fn state_code(state: TransactionState) -> i64 {
    match state {
        TransactionState::Pending => 0,
        TransactionState::Posted => 1,
    }
}

const fn state_of(code: i64) -> CacheResult<TransactionState> {
    match code {
        0 => Ok(TransactionState::Pending),
        1 => Ok(TransactionState::Posted),
        _ => Err(CacheError::Damaged),
    }
}
