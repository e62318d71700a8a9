//! Rows of wallets: each move, kept for ever, and whether a card's charges are paid from its wallet first.

use domain::ids::{AccountId, HolderId, PurchaseStepId, TransactionId};
use domain::money::{Currency, Money};
use domain::wallet::{SHOWN_MAX, WalletMove, WalletMoveKind};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, row, rows, run, write_later};

const CORRUPT: DbError = DbError::Corrupt("a wallet's move");

/// Adds a move; the table refuses a second one of the same id, or of the same step.
pub(super) async fn add(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    moved: &WalletMove,
    step: Option<PurchaseStepId>,
    now: Timestamp,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO wallet_move
        (holder_id, move_id, card_id, kind, step_id, amount_minor, description, moved_on, moved_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    run!(
        tx,
        ADD,
        holder.as_uuid(),
        moved.id.as_uuid(),
        card.as_uuid(),
        moved.kind.name(),
        step.map(|id| id.as_uuid()),
        moved.amount.minor(),
        &moved.description,
        moved.on.to_string(),
        now.as_microsecond(),
    )
    .map(drop)
}

type MoveRow = (Uuid, String, i64, String, String);

/// The newest moves of a card's wallet.
pub(super) async fn recent(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    currency: Currency,
) -> DbResult<Vec<WalletMove>> {
    const LIST: &str = "SELECT move_id, kind, amount_minor, description, moved_on FROM wallet_move
        WHERE holder_id = $1 AND card_id = $2 ORDER BY moved_at DESC, move_id DESC LIMIT $3";
    let shown = i64::try_from(SHOWN_MAX).unwrap_or(i64::MAX);
    let found: Vec<MoveRow> = rows!(tx, LIST, holder.as_uuid(), card.as_uuid(), shown)?;
    found
        .into_iter()
        .map(|(id, kind, minor, description, on)| {
            Ok(WalletMove {
                id: TransactionId::from_uuid(id),
                kind: WalletMoveKind::named(&kind).ok_or(CORRUPT)?,
                amount: Money::new(minor, currency).map_err(|_| CORRUPT)?,
                description,
                on: on.parse().map_err(|_| CORRUPT)?,
            })
        })
        .collect()
}

/// The card and the amount of a move of this id.
pub(super) async fn find(tx: &mut Tx, holder: HolderId, id: TransactionId) -> DbResult<Option<(AccountId, i64)>> {
    const FIND: &str = "SELECT card_id, amount_minor FROM wallet_move WHERE holder_id = $1 AND move_id = $2";
    let found: Option<(Uuid, i64)> = row!(tx, FIND, holder.as_uuid(), id.as_uuid())?;
    Ok(found.map(|(card, minor)| (AccountId::from_uuid(card), minor)))
}

pub(super) async fn set_at_checkout(tx: &mut Tx, holder: HolderId, card: AccountId, on: bool) -> DbResult<()> {
    const SET: &str = "UPDATE card SET wallet_at_checkout = $3 WHERE holder_id = $1 AND card_id = $2";
    write_later!(tx, SET, holder.as_uuid(), card.as_uuid(), i64::from(on))
}
