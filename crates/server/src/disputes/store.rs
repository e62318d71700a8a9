//! Rows of disputes.

use domain::disputes::Dispute;
use domain::ids::{AccountId, DisputeId, HolderId, PurchaseId};
use domain::money::Money;
use jiff::Timestamp;
use uuid::Uuid;

use super::FoundWrong;
use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, one, rows, write_later};

const CORRUPT: DbError = DbError::Corrupt("a dispute");

fn read(body: &str) -> DbResult<Dispute> {
    serde_json::from_str(body).map_err(|_| CORRUPT)
}

fn text_of(dispute: &Dispute) -> DbResult<String> {
    serde_json::to_string(dispute).map_err(|_| CORRUPT)
}

/// Adds a dispute; the table refuses a second one of its id.
pub(super) async fn add(tx: &mut Tx, holder: HolderId, dispute: &Dispute) -> DbResult<()> {
    const ADD: &str = "INSERT INTO dispute (holder_id, dispute_id, purchase_id, state, credited_minor, opened_at, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let body = text_of(dispute)?;
    on_engine!(tx, |db| {
        sqlx::query(ADD)
            .bind(holder.as_uuid())
            .bind(dispute.id.as_uuid())
            .bind(dispute.purchase.as_uuid())
            .bind(dispute.state())
            .bind(dispute.credited.minor())
            .bind(dispute.opened_at.as_microsecond())
            .bind(body)
            .execute(db)
            .await
            .map(drop)
            .map_err(DbError::from)
    })
}

pub(super) async fn update(tx: &mut Tx, holder: HolderId, dispute: &Dispute) -> DbResult<()> {
    const UPDATE: &str = "UPDATE dispute SET state = $3, credited_minor = $4, body = $5
                           WHERE holder_id = $1 AND dispute_id = $2";
    let body = text_of(dispute)?;
    write_later!(tx, UPDATE, holder.as_uuid(), dispute.id.as_uuid(), dispute.state(), dispute.credited.minor(), body,)
}

pub(super) async fn find(tx: &mut Tx, holder: HolderId, id: DisputeId) -> DbResult<Option<Dispute>> {
    const FIND: &str = "SELECT body FROM dispute WHERE holder_id = $1 AND dispute_id = $2";
    let body: Option<String> = one!(tx, FIND, holder.as_uuid(), id.as_uuid())?;
    body.as_deref().map(read).transpose()
}

/// All disputes of a purchase, the oldest first.
pub(super) async fn of_purchase(tx: &mut Tx, holder: HolderId, purchase: PurchaseId) -> DbResult<Vec<Dispute>> {
    const LIST: &str = "SELECT body FROM dispute WHERE holder_id = $1 AND purchase_id = $2
                         ORDER BY opened_at, dispute_id";
    let bodies: Vec<(String,)> = rows!(tx, LIST, holder.as_uuid(), purchase.as_uuid())?;
    bodies.iter().map(|(body,)| read(body)).collect()
}

/// Those of a card that are over, of which something was charged and wrong.
pub(crate) fn found_wrong(holder: HolderId, card: AccountId) -> impl Read<Answer = Vec<FoundWrong>> + use<> {
    const LIST: &str = "SELECT d.body, u.captured_at, CAST(COALESCE((SELECT SUM(p.amount_minor) FROM ledger_entry e
            JOIN ledger_posting p ON p.holder_id = e.holder_id AND p.entry_id = e.entry_id
            WHERE e.holder_id = d.holder_id AND e.cause = 'dispute_restored' AND e.subject_id = d.dispute_id
            AND p.place = 'owed'), 0) AS BIGINT)
        FROM dispute d
        JOIN purchase u ON u.holder_id = d.holder_id AND u.purchase_id = d.purchase_id
        WHERE d.holder_id = $1 AND u.card_id = $2 AND d.state NOT IN ('open', 'acknowledged')
          AND u.captured_at IS NOT NULL
        ORDER BY d.opened_at, d.dispute_id";
    let found = |(body, charged_at, restored): (String, i64, i64)| {
        let dispute = read(&body)?;
        let at = dispute.decided.as_ref().ok_or(CORRUPT)?.at;
        let charged_at = Timestamp::from_microsecond(charged_at).map_err(|_| CORRUPT)?;
        let restored = Money::new(restored, dispute.amount.currency());
        let wrong = restored.and_then(|restored| dispute.amount.minus(restored)).map_err(|_| CORRUPT)?;
        Ok(FoundWrong { dispute, wrong, at, charged_at })
    };
    let values = [holder.as_uuid().into(), card.as_uuid().into()];
    db::read_rows(LIST, values, move |rows: Vec<(String, i64, i64)>| {
        let all: DbResult<Vec<FoundWrong>> = rows.into_iter().map(found).collect();
        Ok(all?.into_iter().filter(|one| one.wrong.is_positive()).collect())
    })
}

/// What open disputes of a card gave back until they are decided, in minor units.
pub(super) async fn until_decided(tx: &mut Tx, holder: HolderId, card: AccountId) -> DbResult<i64> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(d.credited_minor), 0) AS BIGINT) FROM dispute d
        JOIN purchase p ON p.holder_id = d.holder_id AND p.purchase_id = d.purchase_id
        WHERE d.holder_id = $1 AND p.card_id = $2 AND d.state IN ('open', 'acknowledged')";
    let sum: Option<i64> = one!(tx, SUM, holder.as_uuid(), card.as_uuid())?;
    Ok(sum.unwrap_or(0))
}

/// Disputes that a list shows.
const LISTED_MAX: i64 = 200;

/// Those that are not decided, oldest first, with whose they are; of everybody.
pub(super) async fn open(tx: &mut Tx) -> DbResult<Vec<(HolderId, Dispute)>> {
    const LIST: &str = "SELECT holder_id, body FROM dispute WHERE state IN ('open', 'acknowledged')
                         ORDER BY opened_at, holder_id, dispute_id LIMIT $1";
    let rows: Vec<(Uuid, String)> =
        on_engine!(tx, |db| { sqlx::query_as(LIST).bind(LISTED_MAX).fetch_all(db).await.map_err(DbError::from) })?;
    rows.iter().map(|(holder, body)| Ok((HolderId::from_uuid(*holder), read(body)?))).collect()
}

/// Whose a dispute is.
pub(super) async fn holder_of(tx: &mut Tx, id: DisputeId) -> DbResult<Option<HolderId>> {
    const FIND: &str = "SELECT holder_id FROM dispute WHERE dispute_id = $1 AND state IN ('open', 'acknowledged')";
    let holders: Vec<Uuid> = on_engine!(tx, |db| {
        sqlx::query_scalar(FIND).bind(id.as_uuid()).fetch_all(db).await.map_err(DbError::from)
    })?;
    // Devices make the ids: what two people have under one is nobody's to guess.
    Ok(match holders.as_slice() {
        [only] => Some(HolderId::from_uuid(*only)),
        _ => None,
    })
}
