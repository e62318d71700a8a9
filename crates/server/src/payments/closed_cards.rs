//! Payments to cards of this server that are lost or closed: what is owed there is still paid, and nothing beyond it. One
//! that was ordered before and is of more by now ends by name, when the card does or at the latest on its day, and no money
//! of it moves.

use domain::ids::{BillerId, HolderId};
use domain::money::Money;
use domain::payments::PaymentEvent;

use super::store::{self, ApprovedBy, Stored};
use super::{engine, paid_by_hand};
use crate::App;
use crate::card::{self, Card};
use crate::db::{DbError, DbResult, Tx};
use crate::ledger;

/// The payment's reason, as an order is refused.
const CLOSED: &str = "account_closed";

/// Whether so much may be paid to a card as it stands, beside what is on its way there.
pub(super) async fn takes(tx: &mut Tx, holder: HolderId, card: &Card, amount: Money) -> DbResult<bool> {
    if !card.status.is_over() {
        return Ok(true);
    }
    let currency = card.limit.currency();
    let reads = (
        ledger::card_standing(holder, card.id, currency),
        store::on_the_way_to(holder, BillerId::from_uuid(card.id.as_uuid()), currency),
    );
    let (standing, on_the_way) = tx.ask(reads).await?;
    let owed = standing.owed.minus(on_the_way).map_err(|_| DbError::Corrupt("an amount"))?;
    Ok(card.status.takes_payment(owed, amount))
}

/// The day of a payment came: ends it where its card takes it no more, and says so.
pub(super) async fn stops(app: &App, tx: &mut Tx, payment: &mut Stored) -> DbResult<bool> {
    let Some(id) = engine::card_of(payment) else { return Ok(false) };
    let card = tx.ask(card::store::find(payment.holder, id)).await?.ok_or(DbError::Corrupt("a payment's card"))?;
    if takes(tx, payment.holder, &card, payment.order.amount).await? {
        return Ok(false);
    }
    end(app, tx, payment).await?;
    Ok(true)
}

/// A card is lost or closed from now on: ends what was ordered for it and is more than it takes, so that its person hears of
/// it before the day. What autopay makes is brought to what is owed by its own look.
pub(crate) async fn card_ended(app: &App, tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<()> {
    for mut payment in store::not_left(tx, holder).await? {
        let by_hand = engine::card_of(&payment) == Some(card.id) && payment.approval != ApprovedBy::Autopay;
        if by_hand && !takes(tx, holder, card, payment.order.amount).await? {
            end(app, tx, &mut payment).await?;
        }
    }
    Ok(())
}

async fn end(app: &App, tx: &mut Tx, payment: &mut Stored) -> DbResult<()> {
    engine::step(app, tx, payment, PaymentEvent::PayeeClosed, Some(CLOSED)).await?;
    engine::end_jobs(tx, payment).await?;
    paid_by_hand(app, tx, payment).await?;
    engine::tell(app, tx, payment).await
}
