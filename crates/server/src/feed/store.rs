//! Rows of the change feed.

use std::sync::LazyLock;

use api::sync::{Gone, Record};
use domain::accounts::{Transaction, TransactionState};
use domain::ids::HolderId;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, write_later};

/// What a record is; the numbers are stored and order a snapshot: an account comes before its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Account = 0,
    Bill = 1,
    Mark = 2,
    Payment = 3,
    Transaction = 4,
    SecurityEvent = 5,
    Standing = 6,
    ReminderAnswer = 7,
    Income = 8,
    PlanWishes = 9,
    SuggestionAnswer = 10,
    Purchase = 11,
    Order = 12,
    Method = 13,
    OwnBiller = 14,
    Autopay = 15,
    Statement = 16,
    Reward = 17,
    Wallet = 18,
    Dispute = 19,
    WalletMove = 20,
}

impl Kind {
    /// In the order of their numbers, none left out: a stored kind that is not here does not read.
    pub const ALL: [Self; 21] = [
        Self::Account,
        Self::Bill,
        Self::Mark,
        Self::Payment,
        Self::Transaction,
        Self::SecurityEvent,
        Self::Standing,
        Self::ReminderAnswer,
        Self::Income,
        Self::PlanWishes,
        Self::SuggestionAnswer,
        Self::Purchase,
        Self::Order,
        Self::Method,
        Self::OwnBiller,
        Self::Autopay,
        Self::Statement,
        Self::Reward,
        Self::Wallet,
        Self::Dispute,
        Self::WalletMove,
    ];

    pub const fn stored(self) -> i64 {
        self as i64
    }

    fn of_stored(stored: i64) -> DbResult<Self> {
        let kind = Self::ALL.into_iter().find(|kind| kind.stored() == stored);
        kind.ok_or(DbError::Corrupt("a record's kind"))
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Bill => "bill",
            Self::Mark => "mark",
            Self::Payment => "payment",
            Self::Transaction => "transaction",
            Self::SecurityEvent => "security_event",
            Self::Standing => "standing",
            Self::ReminderAnswer => "reminder_answer",
            Self::Income => "income",
            Self::PlanWishes => "plan_wishes",
            Self::SuggestionAnswer => "suggestion_answer",
            Self::Purchase => "purchase",
            Self::Order => "order",
            Self::Method => "method",
            Self::OwnBiller => "own_biller",
            Self::Autopay => "autopay",
            Self::Statement => "statement",
            Self::Reward => "reward",
            Self::Wallet => "wallet",
            Self::Dispute => "dispute",
            Self::WalletMove => "wallet_move",
        }
    }
}

/// Which record of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub kind: Kind,
    pub id: Uuid,
    pub day: Option<Date>,
}

impl Key {
    pub const fn new(kind: Kind, id: Uuid) -> Self {
        Self { kind, id, day: None }
    }

    pub const fn of_day(kind: Kind, id: Uuid, day: Date) -> Self {
        Self { kind, id, day: Some(day) }
    }

    fn day_text(&self) -> String {
        self.day.map(|day| day.to_string()).unwrap_or_default()
    }

    fn of(record: &Record) -> Self {
        match record {
            Record::Account(account) => Self::new(Kind::Account, account.id.as_uuid()),
            Record::Transaction(line) => Self::new(Kind::Transaction, line.id.as_uuid()),
            Record::Bill(bill) => Self::new(Kind::Bill, bill.id.as_uuid()),
            Record::Mark(mark) => Self::of_day(Kind::Mark, mark.bill.as_uuid(), mark.due_on),
            Record::ReminderAnswer(answer) => Self::of_day(Kind::ReminderAnswer, answer.bill.as_uuid(), answer.due_on),
            Record::Payment(payment) => Self::new(Kind::Payment, payment.id().as_uuid()),
            // Its number, which no other of the account has.
            Record::SecurityEvent(event) => {
                Self::new(Kind::SecurityEvent, Uuid::from_u128(event.number.unsigned_abs().into()))
            }
            // There is one of an account.
            Record::Standing(_) => Self::new(Kind::Standing, Uuid::nil()),
            Record::PlanWishes(_) => Self::new(Kind::PlanWishes, Uuid::nil()),
            Record::Income(income) => Self::new(Kind::Income, income.id.as_uuid()),
            Record::SuggestionAnswer(answer) => Self::new(Kind::SuggestionAnswer, answer.id.as_uuid()),
            Record::Purchase(purchase) => Self::new(Kind::Purchase, purchase.id.as_uuid()),
            Record::Order(order) => Self::new(Kind::Order, order.id.as_uuid()),
            Record::Method(method) => Self::new(Kind::Method, method.id.as_uuid()),
            Record::OwnBiller(biller) => Self::new(Kind::OwnBiller, biller.id.as_uuid()),
            Record::Gone(Gone::OwnBiller { id }) => Self::new(Kind::OwnBiller, id.as_uuid()),
            Record::Reward(reward) => Self::new(Kind::Reward, reward.charge.as_uuid()),
            Record::Wallet(wallet) => Self::new(Kind::Wallet, wallet.card.as_uuid()),
            Record::WalletMove(moved) => Self::new(Kind::WalletMove, moved.what.id.as_uuid()),
            Record::Autopay(autopay) => Self::new(Kind::Autopay, autopay.of.as_uuid()),
            Record::Gone(Gone::Autopay { of }) => Self::new(Kind::Autopay, of.as_uuid()),
            Record::Gone(Gone::Method { id }) => Self::new(Kind::Method, id.as_uuid()),
            Record::Statement(statement) => {
                Self::of_day(Kind::Statement, statement.account.as_uuid(), statement.closed_on)
            }
            Record::Dispute(dispute) => Self::new(Kind::Dispute, dispute.id.as_uuid()),
            Record::Gone(Gone::SuggestionAnswer { id }) => Self::new(Kind::SuggestionAnswer, id.as_uuid()),
            Record::Gone(Gone::Income { id }) => Self::new(Kind::Income, id.as_uuid()),
            Record::Gone(Gone::Account { id }) => Self::new(Kind::Account, id.as_uuid()),
            Record::Gone(Gone::Transaction { id }) => Self::new(Kind::Transaction, id.as_uuid()),
            Record::Gone(Gone::Bill { id }) => Self::new(Kind::Bill, id.as_uuid()),
            Record::Gone(Gone::Mark { bill, due_on }) => Self::of_day(Kind::Mark, bill.as_uuid(), *due_on),
            Record::Gone(Gone::ReminderAnswer { bill, due_on }) => {
                Self::of_day(Kind::ReminderAnswer, bill.as_uuid(), *due_on)
            }
        }
    }
}

/// A record as it is stored: the body is the wire's.
struct Row {
    key: Key,
    gone: bool,
    body: String,
    account: Option<Uuid>,
    posted_on: Option<String>,
    amount: Option<i64>,
    source: Option<String>,
}

impl Row {
    fn of(record: &Record) -> DbResult<Self> {
        let key = Key::of(record);
        let gone = matches!(record, Record::Gone(_));
        let body = match record {
            Record::Account(account) => serde_json::to_string(account),
            Record::Transaction(line) => serde_json::to_string(line),
            Record::Bill(bill) => serde_json::to_string(bill),
            Record::Mark(mark) => serde_json::to_string(mark),
            Record::ReminderAnswer(answer) => serde_json::to_string(answer),
            Record::Income(income) => serde_json::to_string(income),
            Record::OwnBiller(biller) => serde_json::to_string(biller),
            Record::PlanWishes(wishes) => serde_json::to_string(wishes),
            Record::SuggestionAnswer(answer) => serde_json::to_string(answer),
            Record::Purchase(purchase) => serde_json::to_string(purchase),
            Record::Order(order) => serde_json::to_string(order),
            Record::Method(method) => serde_json::to_string(method),
            Record::Autopay(autopay) => serde_json::to_string(autopay),
            Record::Statement(statement) => serde_json::to_string(statement),
            Record::Reward(reward) => serde_json::to_string(reward),
            Record::Wallet(wallet) => serde_json::to_string(wallet),
            Record::WalletMove(moved) => serde_json::to_string(moved),
            Record::Dispute(dispute) => serde_json::to_string(dispute),
            Record::Payment(payment) => serde_json::to_string(payment),
            Record::SecurityEvent(event) => serde_json::to_string(event),
            Record::Standing(standing) => serde_json::to_string(standing),
            Record::Gone(gone) => serde_json::to_string(gone),
        };
        let body = body.map_err(|_| DbError::Corrupt("a record that does not serialise"))?;
        let mut row = Self { key, gone, body, account: None, posted_on: None, amount: None, source: None };
        if let Record::Transaction(line) = record {
            row.searched_by(line);
        }
        Ok(row)
    }

    fn searched_by(&mut self, line: &Transaction) {
        let posted = line.state == TransactionState::Posted;
        self.account = Some(line.account.as_uuid());
        self.posted_on = posted.then(|| line.posted_on.to_string());
        self.amount = Some(line.amount.minor());
        self.source.clone_from(&line.source);
    }
}

const COLUMNS: &str = "INSERT INTO record (holder_id, kind, item_id, item_day, number, changed_at, gone, body,
    account_id, posted_on, amount_minor, source) ";

/// Writes a record over what was there.
pub(crate) async fn put(tx: &mut Tx, holder: HolderId, number: i64, now: Timestamp, record: &Record) -> DbResult<()> {
    const PUT: &str = "INSERT INTO record (holder_id, kind, item_id, item_day, number, changed_at, gone, body,
            account_id, posted_on, amount_minor, source)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (holder_id, kind, item_id, item_day) DO UPDATE SET
            number = excluded.number, changed_at = excluded.changed_at, gone = excluded.gone, body = excluded.body,
            account_id = excluded.account_id, posted_on = excluded.posted_on,
            amount_minor = excluded.amount_minor, source = excluded.source";
    let row = Row::of(record)?;
    write_later!(
        tx,
        PUT,
        holder.as_uuid(),
        row.key.kind.stored(),
        row.key.id,
        row.key.day_text(),
        number,
        now.as_microsecond(),
        i64::from(row.gone),
        row.body,
        row.account,
        row.posted_on,
        row.amount,
        row.source,
    )
}

/// Rows of one statement: far below what either engine binds at most.
const ROWS_AT_ONCE: usize = 500;

/// Adds lines that are not there yet, by id or by (account, source), and says how many they were.
pub(crate) async fn add_lines(
    tx: &mut Tx,
    holder: HolderId,
    number: i64,
    now: Timestamp,
    lines: Vec<Transaction>,
) -> DbResult<u64> {
    let mut added = 0;
    let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        rows.push(Row::of(&Record::Transaction(line))?);
        if rows.len() == ROWS_AT_ONCE || lines.peek().is_none() {
            added += add_rows(tx, holder, number, now, std::mem::take(&mut rows)).await?;
        }
    }
    Ok(added)
}

async fn add_rows(tx: &mut Tx, holder: HolderId, number: i64, now: Timestamp, rows: Vec<Row>) -> DbResult<u64> {
    on_engine!(tx, |db| {
        let mut query = sqlx::QueryBuilder::new(COLUMNS);
        query.push_values(rows, |mut to, row| {
            to.push_bind(holder.as_uuid())
                .push_bind(row.key.kind.stored())
                .push_bind(row.key.id)
                .push_bind(row.key.day_text())
                .push_bind(number)
                .push_bind(now.as_microsecond())
                .push_bind(i64::from(row.gone))
                .push_bind(row.body)
                .push_bind(row.account)
                .push_bind(row.posted_on)
                .push_bind(row.amount)
                .push_bind(row.source);
        });
        query.push(" ON CONFLICT DO NOTHING");
        query.build().execute(db).await.map(|done| done.rows_affected()).map_err(DbError::from)
    })
}

/// Tells again which of these records are gone, for a device that has them yet.
pub(crate) async fn tell_gone(
    tx: &mut Tx,
    holder: HolderId,
    number: i64,
    now: Timestamp,
    kind: Kind,
    ids: &[Uuid],
) -> DbResult<()> {
    for part in ids.chunks(ROWS_AT_ONCE) {
        on_engine!(tx, |db| {
            let mut query = sqlx::QueryBuilder::new("UPDATE record SET number = ");
            query.push_bind(number).push(", changed_at = ").push_bind(now.as_microsecond());
            query.push(" WHERE gone = 1 AND holder_id = ").push_bind(holder.as_uuid());
            query.push(" AND kind = ").push_bind(kind.stored()).push(" AND item_id IN (");
            let mut list = query.separated(", ");
            for id in part {
                list.push_bind(*id);
            }
            query.push(")");
            query.build().execute(db).await.map(drop).map_err(DbError::from)
        })?;
    }
    Ok(())
}

/// A record that is there and not gone.
pub(crate) async fn find<T: DeserializeOwned>(tx: &mut Tx, holder: HolderId, key: Key) -> DbResult<Option<T>> {
    tx.ask(found(holder, key)).await
}

pub(crate) fn found<T: DeserializeOwned>(holder: HolderId, key: Key) -> impl Read<Answer = Option<T>> {
    state(holder, key).then(|state| match state {
        Some((false, body)) => read(&body).map(Some),
        _ => Ok(None),
    })
}

/// Whether a record was there at any time, gone or not.
pub(crate) async fn was_there(tx: &mut Tx, holder: HolderId, key: Key) -> DbResult<bool> {
    Ok(tx.ask(state(holder, key)).await?.is_some())
}

fn state(holder: HolderId, key: Key) -> impl Read<Answer = Option<(bool, String)>> {
    const FIND: &str =
        "SELECT gone, body FROM record WHERE holder_id = $1 AND kind = $2 AND item_id = $3 AND item_day = $4";
    let values = [holder.as_uuid().into(), key.kind.stored().into(), key.id.into(), key.day_text().into()];
    db::read_row(FIND, values, |row: Option<(i64, String)>| Ok(row.map(|(gone, body)| (gone != 0, body))))
}

/// All records of a kind, by id.
pub(crate) async fn all<T: DeserializeOwned>(tx: &mut Tx, holder: HolderId, kind: Kind) -> DbResult<Vec<T>> {
    const ALL: &str = "SELECT body FROM record WHERE holder_id = $1 AND kind = $2 AND gone = 0
                        ORDER BY item_id, item_day";
    let bodies: Vec<String> = on_engine!(tx, |db| {
        sqlx::query_scalar(ALL).bind(holder.as_uuid()).bind(kind.stored()).fetch_all(db).await.map_err(DbError::from)
    })?;
    bodies.iter().map(|body| read(body)).collect()
}

/// All records of a kind with one id: the marks of a bill.
pub(crate) async fn all_of<T: DeserializeOwned>(
    tx: &mut Tx,
    holder: HolderId,
    kind: Kind,
    id: Uuid,
) -> DbResult<Vec<T>> {
    tx.ask(each_of(holder, kind, id)).await
}

pub(crate) fn each_of<T: DeserializeOwned>(holder: HolderId, kind: Kind, id: Uuid) -> impl Read<Answer = Vec<T>> {
    const ALL: &str = "SELECT body FROM record WHERE holder_id = $1 AND kind = $2 AND item_id = $3 AND gone = 0
                        ORDER BY item_day";
    let values = [holder.as_uuid().into(), kind.stored().into(), id.into()];
    db::read_rows(ALL, values, |bodies: Vec<(String,)>| bodies.iter().map(|(body,)| read(body)).collect())
}

pub(crate) async fn count(tx: &mut Tx, holder: HolderId, kind: Kind) -> DbResult<u64> {
    const COUNT: &str = "SELECT COUNT(*) FROM record WHERE holder_id = $1 AND kind = $2 AND gone = 0";
    let count: i64 = on_engine!(tx, |db| {
        sqlx::query_scalar(COUNT).bind(holder.as_uuid()).bind(kind.stored()).fetch_one(db).await.map_err(DbError::from)
    })?;
    Ok(count.unsigned_abs())
}

fn read<T: DeserializeOwned>(body: &str) -> DbResult<T> {
    serde_json::from_str(body).map_err(|_| DbError::Corrupt("a record"))
}

// ---- Reading on ------------------------------------------------------------------------------------------------

/// Where a reader of the feed stands: behind this record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub number: i64,
    pub kind: i64,
    pub id: Uuid,
    pub day: String,
}

impl Place {
    /// Before everything.
    pub const START: Self = Self { number: 0, kind: -1, id: Uuid::nil(), day: String::new() };

    /// Behind all of a commit.
    pub const fn after(number: i64) -> Self {
        Self { number, kind: i64::MAX, id: Uuid::nil(), day: String::new() }
    }
}

/// One record on its way out.
pub(crate) struct Line {
    pub place: Place,
    name: &'static str,
    body: String,
}

impl Line {
    /// `{"kind":"bill","body":{…}}` without its opening brace, so that a number can stand before it.
    pub fn push_to(&self, out: &mut String) {
        out.push_str("\"kind\":\"");
        out.push_str(self.name);
        out.push_str("\",\"body\":");
        out.push_str(&self.body);
        out.push('}');
    }
}

type LineRow = (i64, i64, Uuid, String, i64, String);

fn line((number, kind, id, day, gone, body): LineRow) -> DbResult<Line> {
    let name = if gone == 0 { Kind::of_stored(kind)?.name() } else { "gone" };
    Ok(Line { place: Place { number, kind, id, day }, name, body })
}

/// The records that changed after `from`, in the order of their commits.
pub(crate) async fn page(tx: &mut Tx, holder: HolderId, from: &Place, limit: usize) -> DbResult<Vec<Line>> {
    const PAGE: &str = "SELECT number, kind, item_id, item_day, gone, body FROM record
                         WHERE holder_id = $1 AND number >= $2
                           AND (number, kind, item_id, item_day) > ($2, $3, $4, $5)
                         ORDER BY number, kind, item_id, item_day LIMIT $6";
    let rows: Vec<LineRow> = on_engine!(tx, |db| {
        sqlx::query_as(PAGE)
            .bind(holder.as_uuid())
            .bind(from.number)
            .bind(from.kind)
            .bind(from.id)
            .bind(&from.day)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })?;
    rows.into_iter().map(line).collect()
}

/// Some records of a snapshot as the text that goes out, a line each, and the place of the last.
pub(crate) struct SnapshotPart {
    pub text: String,
    pub last: Place,
}

/// A part comes as one value: the driver copies each value of each row by itself, which took longer than the query.
static SNAPSHOT_PART: LazyLock<String> = LazyLock::new(|| {
    let names: String =
        Kind::ALL.iter().map(|kind| format!(" WHEN {} THEN '{}'", kind.stored(), kind.name())).collect();
    format!(
        "WITH part AS MATERIALIZED (
            SELECT kind, item_id, item_day, body FROM record
             WHERE holder_id = $1 AND kind >= $2 AND (kind, item_id, item_day) > ($2, $3, $4) AND gone = 0
             ORDER BY kind, item_id, item_day LIMIT $5),
         last AS (SELECT kind, item_id, item_day FROM part ORDER BY kind DESC, item_id DESC, item_day DESC LIMIT 1)
         SELECT kind, item_id, item_day,
            (SELECT string_agg('{{\"kind\":\"' || CASE kind{names} END || '\",\"body\":' || body || '}}', CAST($6 AS TEXT)
                    ORDER BY kind, item_id, item_day) FROM part)
         FROM last"
    )
});

/// The records after `from`, by kind and id, at most `limit`; `None` behind the last.
pub(crate) async fn snapshot_part(
    tx: &mut Tx,
    holder: HolderId,
    from: &Place,
    limit: i64,
) -> DbResult<Option<SnapshotPart>> {
    let row: Option<(i64, Uuid, String, String)> = on_engine!(tx, |db| {
        sqlx::query_as(AssertSqlSafe(SNAPSHOT_PART.as_str()))
            .bind(holder.as_uuid())
            .bind(from.kind)
            .bind(from.id)
            .bind(&from.day)
            .bind(limit)
            .bind("\n")
            .fetch_optional(db)
            .await
            .map_err(DbError::from)
    })?;
    Ok(row.map(|(kind, id, day, text)| SnapshotPart { text, last: Place { number: 0, kind, id, day } }))
}

/// How far a holder's feed is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub epoch: i64,
    pub number: i64,
    pub floor: i64,
}

pub(crate) async fn head(tx: &mut Tx, holder: HolderId) -> DbResult<Head> {
    const HEAD: &str = "SELECT server_state.epoch, holder.feed_number, holder.feed_floor
                          FROM holder, server_state WHERE holder.holder_id = $1";
    let (epoch, number, floor): (i64, i64, i64) = on_engine!(tx, |db| {
        sqlx::query_as(HEAD).bind(holder.as_uuid()).fetch_one(db).await.map_err(DbError::from)
    })?;
    Ok(Head { epoch, number, floor })
}

pub(crate) async fn count_all(tx: &mut Tx, holder: HolderId) -> DbResult<u64> {
    const COUNT: &str = "SELECT COUNT(*) FROM record WHERE holder_id = $1 AND gone = 0";
    let count: i64 = on_engine!(tx, |db| {
        sqlx::query_scalar(COUNT).bind(holder.as_uuid()).fetch_one(db).await.map_err(DbError::from)
    })?;
    Ok(count.unsigned_abs())
}

/// Forgets tombstones that went before, and raises the floor of their holders.
pub(crate) async fn sweep(tx: &mut Tx, before: Timestamp) -> DbResult<()> {
    const RAISE: &str = "UPDATE holder SET feed_floor = (SELECT MAX(record.number) FROM record
                           WHERE record.holder_id = holder.holder_id AND record.gone = 1 AND record.changed_at < $1)
                         WHERE EXISTS (SELECT 1 FROM record WHERE record.holder_id = holder.holder_id
                           AND record.gone = 1 AND record.changed_at < $1)";
    const FORGET: &str = "DELETE FROM record WHERE gone = 1 AND changed_at < $1";
    for statement in [RAISE, FORGET] {
        on_engine!(tx, |db| {
            sqlx::query(statement).bind(before.as_microsecond()).execute(db).await.map(drop).map_err(DbError::from)
        })?;
    }
    Ok(())
}

// ---- Sums of posted lines ----------------------------------------------------------------------------------------

/// What posted on one day of one account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DaySum {
    pub day: Date,
    /// Wide: the lines of a file may add up to more than any amount.
    pub minor: i128,
    pub lines: u32,
}

/// By day, in order.
pub(crate) async fn day_sums(tx: &mut Tx, holder: HolderId, account: Uuid) -> DbResult<Vec<DaySum>> {
    // In two halves, which no number of lines brings out of the range: above and below 2^20.
    const SUMS: &str = "SELECT posted_on, CAST(SUM(amount_minor >> 20) AS BIGINT),
            CAST(SUM(amount_minor & 1048575) AS BIGINT), COUNT(*) FROM record
        WHERE holder_id = $1 AND account_id = $2 AND posted_on IS NOT NULL AND gone = 0
        GROUP BY posted_on ORDER BY posted_on";
    let rows: Vec<(String, i64, i64, i64)> = on_engine!(tx, |db| {
        sqlx::query_as(SUMS).bind(holder.as_uuid()).bind(account).fetch_all(db).await.map_err(DbError::from)
    })?;
    rows.into_iter()
        .map(|(day, upper, lower, lines)| {
            let day = day.parse().map_err(|_| DbError::Corrupt("a day"))?;
            let minor = (i128::from(upper) << 20) + i128::from(lower);
            Ok(DaySum { day, minor, lines: u32::try_from(lines).unwrap_or(u32::MAX) })
        })
        .collect()
}

/// The posted lines of an account within these days, both included.
pub(crate) async fn posted_lines(
    tx: &mut Tx,
    holder: HolderId,
    account: Uuid,
    from: Date,
    to: Date,
) -> DbResult<Vec<Transaction>> {
    const LINES: &str = "SELECT body FROM record
                          WHERE holder_id = $1 AND account_id = $2 AND posted_on >= $3 AND posted_on <= $4 AND gone = 0
                          ORDER BY posted_on, item_id";
    let bodies: Vec<String> = on_engine!(tx, |db| {
        sqlx::query_scalar(LINES)
            .bind(holder.as_uuid())
            .bind(account)
            .bind(from.to_string())
            .bind(to.to_string())
            .fetch_all(db)
            .await
            .map_err(DbError::from)
    })?;
    bodies.iter().map(|body| read(body)).collect()
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds_stand_in_the_order_of_their_numbers() {
        let stored = Kind::ALL.map(Kind::stored);
        assert!(stored.is_sorted_by(|one, next| one < next), "{stored:?}");
        for kind in Kind::ALL {
            assert_eq!(Kind::of_stored(kind.stored()).unwrap(), kind);
        }
    }
}
