//! Rows of the ledger: entries and postings are only ever added; the balance of each place goes with them.

use domain::ids::{AccountId, EntryId, HolderId, TransactionId};
use domain::ledger::{Cause, CreditTo, Entry, Place};
use domain::money::{Currency, Money};
use jiff::Timestamp;
use uuid::Uuid;

use super::MovedCredit;
use crate::db::{self, DbError, DbResult, Read, Tx, on_engine, rows, write_later};

fn subject(cause: Cause) -> Uuid {
    match cause {
        Cause::Opening(account) => account.as_uuid(),
        Cause::Deposit(id) => id.as_uuid(),
        Cause::Reserved(id) | Cause::Released(id) | Cause::Submitted(id) | Cause::Settled(id) | Cause::Returned(id) => {
            id.as_uuid()
        }
        Cause::Authorized(id) | Cause::HoldReleased(id) => id.as_uuid(),
        Cause::Captured(id) | Cause::Refunded(id) => id.as_uuid(),
        Cause::DisputeCredited(id) | Cause::DisputeRestored(id) => id.as_uuid(),
        Cause::InterestCredited(id) | Cause::LateFeeCredited(id) => id.as_uuid(),
        Cause::DisputeCaptured(id) | Cause::DisputeRefunded(id) => id.as_uuid(),
        Cause::Interest(id) | Cause::LateFee(id) => id.as_uuid(),
        Cause::Rewarded(id) | Cause::Reloaded(id) | Cause::WalletGivenBack(id) | Cause::CreditMoved(id) => id.as_uuid(),
    }
}

/// Adds an entry. A cause that has one already is refused by the table, at the latest with the commit.
pub(super) async fn add(tx: &mut Tx, holder: HolderId, id: EntryId, entry: &Entry, now: Timestamp) -> DbResult<()> {
    const ADD: &str = "INSERT INTO ledger_entry (holder_id, entry_id, cause, subject_id, made_at)
                       VALUES ($1, $2, $3, $4, $5)";
    let (cause, subject) = (entry.cause().name(), subject(entry.cause()));
    write_later!(tx, ADD, holder.as_uuid(), id.as_uuid(), cause, subject, now.as_microsecond())?;
    for (position, posting) in (0_i64..).zip(entry.postings()) {
        add_posting(tx, holder, id, position, posting).await?;
    }
    Ok(())
}

async fn add_posting(
    tx: &mut Tx,
    holder: HolderId,
    entry: EntryId,
    position: i64,
    posting: &domain::ledger::Posting,
) -> DbResult<()> {
    const ADD: &str = "INSERT INTO ledger_posting
        (holder_id, entry_id, position, account_id, place, amount_minor, currency) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    // Two statements: a check looks at the row that is offered before the conflict is seen.
    const MOVE: &str = "UPDATE place_balance SET amount_minor = amount_minor + $4
                         WHERE holder_id = $1 AND account_id = $2 AND place = $3 AND currency = $5";
    const OPEN: &str = "INSERT INTO place_balance (holder_id, account_id, place, amount_minor, currency)
                        SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM place_balance
                            WHERE holder_id = $1 AND account_id = $2 AND place = $3 AND currency = $5)";
    let (holder, account, place) = (holder.as_uuid(), posting.account.as_uuid(), posting.place.name());
    let (minor, currency) = (posting.amount.minor(), posting.amount.currency());
    write_later!(tx, ADD, holder, entry.as_uuid(), position, account, place, minor, currency.code())?;
    if !tx.is_postgres() {
        write_later!(tx, MOVE, holder, account, place, minor, currency.code())?;
        return write_later!(tx, OPEN, holder, account, place, minor, currency.code());
    }
    // Each is a way there and back: the second only where it is needed.
    let mut moved = 0;
    for statement in [MOVE, OPEN] {
        if moved == 0 {
            moved = on_engine!(tx, |db| {
                sqlx::query(statement)
                    .bind(holder)
                    .bind(account)
                    .bind(place)
                    .bind(minor)
                    .bind(currency.code())
                    .execute(db)
                    .await
                    .map(|done| done.rows_affected())
                    .map_err(DbError::from)
            })?;
        }
    }
    Ok(())
}

/// The credit of a card that was moved under an id: what is owed more there, and where it went.
pub(super) async fn credit_moved(tx: &mut Tx, holder: HolderId, id: TransactionId) -> DbResult<Option<MovedCredit>> {
    const LIST: &str = "SELECT p.account_id, p.place, p.amount_minor, p.currency FROM ledger_entry e
        JOIN ledger_posting p ON p.holder_id = e.holder_id AND p.entry_id = e.entry_id
        WHERE e.holder_id = $1 AND e.cause = 'credit_moved' AND e.subject_id = $2 AND p.place <> 'outside'
        ORDER BY p.position";
    let found: Vec<(Uuid, String, i64, String)> = rows!(tx, LIST, holder.as_uuid(), id.as_uuid())?;
    let [(card, _, minor, currency), (to, place, ..)] = found.as_slice() else { return Ok(None) };
    let currency = currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
    let to = AccountId::from_uuid(*to);
    Ok(Some(MovedCredit {
        card: AccountId::from_uuid(*card),
        to: if place == Place::Owed.name() { CreditTo::Card(to) } else { CreditTo::Account(to) },
        amount: Money::new(*minor, currency).map_err(|_| DbError::Corrupt("an amount"))?,
    }))
}

/// What stands at the places of an account.
pub(super) fn balances(holder: HolderId, account: AccountId) -> impl Read<Answer = Vec<(Place, Money)>> {
    const BALANCES: &str =
        "SELECT place, amount_minor, currency FROM place_balance WHERE holder_id = $1 AND account_id = $2";
    let read = |(place, minor, currency): (String, i64, String)| {
        let place = place.parse().map_err(|_| DbError::Corrupt("a place"))?;
        let currency = currency.parse().map_err(|_| DbError::Corrupt("a currency"))?;
        Ok((place, Money::new(minor, currency).map_err(|_| DbError::Corrupt("an amount"))?))
    };
    db::read_rows(BALANCES, [holder.as_uuid().into(), account.as_uuid().into()], move |rows| {
        rows.into_iter().map(read).collect()
    })
}

/// What stands at the places of all accounts in a currency.
pub(super) fn balances_in(
    holder: HolderId,
    currency: Currency,
) -> impl Read<Answer = Vec<(AccountId, Place, Money)>> + use<> {
    const BALANCES: &str =
        "SELECT account_id, place, amount_minor FROM place_balance WHERE holder_id = $1 AND currency = $2";
    let read = move |(account, place, minor): (Uuid, String, i64)| {
        let place = place.parse().map_err(|_| DbError::Corrupt("a place"))?;
        let amount = Money::new(minor, currency).map_err(|_| DbError::Corrupt("an amount"))?;
        Ok((AccountId::from_uuid(account), place, amount))
    };
    db::read_rows(BALANCES, [holder.as_uuid().into(), currency.code().into()], move |rows| {
        rows.into_iter().map(read).collect()
    })
}
