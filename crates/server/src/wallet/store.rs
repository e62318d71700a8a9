//! Rows of wallets: each move, kept for ever, whether a card's charges are paid from its wallet first, and the terms on which
//! a wallet is reloaded by itself.

use domain::ids::{AccountId, DeviceId, HolderId, PurchaseStepId, TransactionId};
use domain::money::{Currency, Money};
use domain::purchases::Decline;
use domain::wallet::auto_reload::{AutoReload, AutoReloadTerms, AutoReloadWaits, ReloadedBecause};
use domain::wallet::{RECENT_MAX, WalletMove, WalletMoveKind};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::db::{DbError, DbResult, Tx, one, row, rows, run, write_later};

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
        (holder_id, move_id, card_id, kind, step_id, amount_minor, description, moved_on, moved_at, had_minor,
            below_minor)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
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
        moved.because.map(|because| because.had.minor()),
        moved.because.map(|because| because.below.minor()),
    )
    .map(drop)
}

type MoveRow = (Uuid, String, i64, String, String, Option<i64>, Option<i64>);

/// The newest moves of a card's wallet.
pub(super) async fn recent(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    currency: Currency,
) -> DbResult<Vec<WalletMove>> {
    const LIST: &str =
        "SELECT move_id, kind, amount_minor, description, moved_on, had_minor, below_minor FROM wallet_move
        WHERE holder_id = $1 AND card_id = $2 ORDER BY moved_at DESC, move_id DESC LIMIT $3";
    let most = i64::try_from(RECENT_MAX).unwrap_or(i64::MAX);
    let found: Vec<MoveRow> = rows!(tx, LIST, holder.as_uuid(), card.as_uuid(), most)?;
    found
        .into_iter()
        .map(|(id, kind, minor, description, on, had, below)| {
            let money = |minor| Money::new(minor, currency).map_err(|_| CORRUPT);
            let because = match had.zip(below) {
                Some((had, below)) => Some(ReloadedBecause { had: money(had)?, below: money(below)? }),
                None => None,
            };
            Ok(WalletMove {
                id: TransactionId::from_uuid(id),
                kind: WalletMoveKind::named(&kind).ok_or(CORRUPT)?,
                amount: money(minor)?,
                description,
                because,
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

/// The amount of the move of a step of a purchase.
pub(super) async fn of_step(tx: &mut Tx, holder: HolderId, step: PurchaseStepId) -> DbResult<Option<i64>> {
    const FIND: &str = "SELECT amount_minor FROM wallet_move WHERE holder_id = $1 AND step_id = $2";
    let found: Option<(i64,)> = row!(tx, FIND, holder.as_uuid(), step.as_uuid())?;
    Ok(found.map(|(minor,)| minor))
}

/// What a card's wallet was reloaded with and did not give back, less what refunds gave to the card though the wallet had
/// paid it, and beyond what decisions of disputes left with the person.
pub(super) async fn spent_for_good(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    currency: Currency,
) -> DbResult<Money> {
    const SUM: &str = "SELECT CAST(COALESCE((SELECT SUM(amount_minor) FROM wallet_move WHERE holder_id = $1
            AND card_id = $2 AND kind IN ('reload', 'given_back')), 0)
        + COALESCE((SELECT SUM(w.by_card) FROM (SELECT captured_minor - refunded_minor - wallet_minor + wallet_refunded_minor
              - COALESCE((SELECT SUM(d.credited_minor) FROM dispute d WHERE d.holder_id = p.holder_id
                    AND d.purchase_id = p.purchase_id AND d.state = 'for'), 0) AS by_card
            FROM purchase p WHERE p.holder_id = $1 AND p.card_id = $2 AND p.wallet_minor > 0) w WHERE w.by_card < 0), 0)
        AS BIGINT)";
    let sum: Option<i64> = one!(tx, SUM, holder.as_uuid(), card.as_uuid())?;
    Money::new(sum.unwrap_or(0), currency).map_err(|_| CORRUPT)
}

pub(super) async fn set_at_checkout(tx: &mut Tx, holder: HolderId, card: AccountId, on: bool) -> DbResult<()> {
    const SET: &str = "UPDATE card SET wallet_at_checkout = $3 WHERE holder_id = $1 AND card_id = $2";
    write_later!(tx, SET, holder.as_uuid(), card.as_uuid(), i64::from(on))
}

// ---- Automatic reload --------------------------------------------------------------------------------------------

/// The terms of a wallet's automatic reload, with the yes that they rest on.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptAutoReload {
    pub auto_reload: AutoReload,
    /// Where the yes was begun.
    pub device: DeviceId,
    /// Since when these terms count.
    pub set_at: Timestamp,
}

/// Keeps terms in the place of those before; they wait for nothing yet.
pub(super) async fn put_auto_reload(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    kept: &KeptAutoReload,
) -> DbResult<()> {
    const PUT: &str = "INSERT INTO auto_reload
        (holder_id, card_id, below_minor, amount_minor, month_most_minor, device_id, set_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (holder_id, card_id) DO UPDATE SET below_minor = excluded.below_minor,
            amount_minor = excluded.amount_minor, month_most_minor = excluded.month_most_minor,
            device_id = excluded.device_id, set_at = excluded.set_at, waits_until = NULL, declined = NULL";
    let AutoReloadTerms { below, amount, month_most } = kept.auto_reload.terms;
    run!(
        tx,
        PUT,
        holder.as_uuid(),
        card.as_uuid(),
        below.minor(),
        amount.minor(),
        month_most.minor(),
        kept.device.as_uuid(),
        kept.set_at.as_microsecond(),
    )
    .map(drop)
}

type AutoReloadRow = (i64, i64, i64, Uuid, i64, Option<i64>, Option<String>);

pub(super) async fn auto_reload(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    currency: Currency,
) -> DbResult<Option<KeptAutoReload>> {
    const FIND: &str = "SELECT below_minor, amount_minor, month_most_minor, device_id, set_at, waits_until, declined
        FROM auto_reload WHERE holder_id = $1 AND card_id = $2";
    const WRONG: DbError = DbError::Corrupt("an automatic reload");
    let found: Option<AutoReloadRow> = row!(tx, FIND, holder.as_uuid(), card.as_uuid())?;
    let Some((below, amount, month_most, device, set_at, waits_until, declined)) = found else { return Ok(None) };
    let money = |minor| Money::new(minor, currency).map_err(|_| WRONG);
    let time = |micros| Timestamp::from_microsecond(micros).map_err(|_| WRONG);
    let declined = declined.map(|name| Decline::named(&name).ok_or(WRONG)).transpose()?;
    let waits = match waits_until {
        Some(until) => Some(AutoReloadWaits { declined, until: time(until)? }),
        None => None,
    };
    let terms = AutoReloadTerms { below: money(below)?, amount: money(amount)?, month_most: money(month_most)? };
    let auto_reload = AutoReload { terms, waits };
    Ok(Some(KeptAutoReload { auto_reload, device: DeviceId::from_uuid(device), set_at: time(set_at)? }))
}

/// The cards whose wallets are reloaded by themselves.
pub(super) async fn auto_reloads(tx: &mut Tx, holder: HolderId) -> DbResult<Vec<AccountId>> {
    const LIST: &str = "SELECT card_id FROM auto_reload WHERE holder_id = $1 ORDER BY card_id";
    let found: Vec<(Uuid,)> = rows!(tx, LIST, holder.as_uuid())?;
    Ok(found.into_iter().map(|(card,)| AccountId::from_uuid(card)).collect())
}

pub(super) async fn set_waits(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    waits: Option<AutoReloadWaits>,
) -> DbResult<()> {
    const SET: &str = "UPDATE auto_reload SET waits_until = $3, declined = $4 WHERE holder_id = $1 AND card_id = $2";
    run!(
        tx,
        SET,
        holder.as_uuid(),
        card.as_uuid(),
        waits.map(|waits| waits.until.as_microsecond()),
        waits.and_then(|waits| waits.declined).map(Decline::name),
    )
    .map(drop)
}

/// Ends it; false when there is none.
pub(super) async fn remove_auto_reload(tx: &mut Tx, holder: HolderId, card: AccountId) -> DbResult<bool> {
    const REMOVE: &str = "DELETE FROM auto_reload WHERE holder_id = $1 AND card_id = $2";
    Ok(run!(tx, REMOVE, holder.as_uuid(), card.as_uuid())? > 0)
}

/// What a wallet was reloaded with by itself since a day.
pub(super) async fn reloaded_since(
    tx: &mut Tx,
    holder: HolderId,
    card: AccountId,
    since: Date,
    currency: Currency,
) -> DbResult<Money> {
    const SUM: &str = "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM wallet_move
        WHERE holder_id = $1 AND card_id = $2 AND below_minor IS NOT NULL AND moved_on >= $3";
    let sum: Option<i64> = one!(tx, SUM, holder.as_uuid(), card.as_uuid(), since.to_string())?;
    Money::new(sum.unwrap_or(0), currency).map_err(|_| CORRUPT)
}

/// Changes what is stored, as a program of another time would.
#[cfg(test)]
pub(super) async fn try_to(tx: &mut Tx, statement: &'static str) -> DbResult<()> {
    crate::db::on_engine!(tx, |db| sqlx::query(statement).execute(db).await.map(drop).map_err(DbError::from))
}
