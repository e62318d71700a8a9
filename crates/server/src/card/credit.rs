//! The credit of a card: what its person paid or got back beyond what is owed there. It goes to the account that payments leave
//! from, or to another card of theirs: when they say so, and by itself where the card is over, for nothing is bought with it
//! there (12 CFR 1026.11(a)). Each move is one entry, with a line on both.

use api::card::{CreditMoved, MoveCredit};
use api::error::ErrorCode;
use axum::extract::State;
use domain::accounts::TransactionKind;
use domain::ids::{AccountId, HolderId, TransactionId};
use domain::ledger::{CreditTo, Entry};
use domain::money::Money;
use domain::purchases::{CardStatus, credit_left};
use jiff::{SignedDuration, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Card, Line, add_line, name_of, plans, store};
use crate::App;
use crate::db::{DbError, DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path};
use crate::sign_in::SignedIn;
use crate::{disputes, ledger, payments};

pub(crate) const OUT_LINE: &str = "Credit moved out";
pub(crate) const IN_LINE: &str = "Credit of another card";
const TO_ACCOUNT_LINE: &str = "Credit of a card";

/// So long a card that is over keeps its credit, for its person to say where it goes.
const STAYS: SignedDuration = SignedDuration::from_hours(7 * 24);

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(move_credit))
}

/// Moves what a card is in credit by to the account that payments leave from, or to another card of its person. The id was
/// made by the device; sending it again changes nothing.
#[utoipa::path(post, path = "/api/v1/cards/{id}/credit", tag = "card", params(("id" = AccountId, Path)),
    request_body = MoveCredit,
    responses((status = 200, body = CreditMoved), (status = 404, body = api::error::Problem),
        (status = 409, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn move_credit(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<AccountId>,
    Json(wish): Json<MoveCredit>,
) -> Result<Json<CreditMoved>, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if let Some(before) = ledger::credit_moved(&mut tx, holder, wish.id).await? {
        let same_way = match (wish.to, before.to) {
            (None, CreditTo::Account(_)) => true,
            (Some(wanted), CreditTo::Card(card)) => wanted == card,
            _ => false,
        };
        let reused = || ApiError::new(ErrorCode::KeyReused, "this id came with another request");
        let again = Json(CreditMoved { amount: before.amount });
        return if before.card == id && same_way { Ok(again) } else { Err(reused()) };
    }
    let amount = movable(&mut tx, holder, &card).await?;
    if !amount.is_positive() {
        let title = "this card is in credit by nothing that may be moved";
        return Err(ApiError::invalid(ErrorCode::InsufficientFunds, "id", title));
    }
    let to = match wish.to {
        Some(to) => CreditTo::Card(other_card(&mut tx, holder, &card, to).await?),
        None => CreditTo::Account(payments::practice_account(&app, &mut tx, holder, card.limit.currency()).await?),
    };
    go(&app, &mut tx, holder, &card, to, (wish.id, amount)).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(Json(CreditMoved { amount }))
}

/// Another card that is in use, in the same currency.
async fn other_card(tx: &mut Tx, holder: HolderId, card: &Card, to: AccountId) -> Result<AccountId, ApiError> {
    let found = tx.ask(store::find(holder, to)).await?.ok_or_else(ApiError::not_found)?;
    let takes = found.status == CardStatus::Active && found.limit.currency() == card.limit.currency();
    if to == card.id || !takes {
        let title = "credit goes to another card in use, in the same currency";
        return Err(ApiError::invalid(ErrorCode::InvalidRequest, "to", title));
    }
    Ok(to)
}

/// What may be moved of a card's credit: not what a dispute gave back until it is decided, and not what purchases are
/// approved on.
async fn movable(tx: &mut Tx, holder: HolderId, card: &Card) -> DbResult<Money> {
    let there = tx.ask(ledger::card_standing(holder, card.id, card.limit.currency())).await?;
    let until_decided = disputes::until_decided(tx, holder, card).await?;
    let out_of_range = |_| DbError::Corrupt("a card's credit");
    let credit = there.owed.negated().minus(until_decided).map_err(out_of_range)?;
    let unused = credit_left(card.limit, there.owed, there.held).map_err(out_of_range)?;
    let most = credit.lesser(unused).map_err(out_of_range)?;
    Ok(if most.is_positive() { most } else { Money::zero(card.limit.currency()) })
}

async fn go(
    app: &App,
    tx: &mut Tx,
    holder: HolderId,
    card: &Card,
    to: CreditTo,
    (id, amount): (TransactionId, Money),
) -> DbResult<()> {
    let entry = Entry::credit_moved(id, card.id, to, amount).map_err(|_| DbError::Corrupt("a credit's entry"))?;
    ledger::book(app, tx, holder, &entry).await?;
    let (account, description) = match to {
        CreditTo::Account(account) => (account, TO_ACCOUNT_LINE),
        CreditTo::Card(other) => (other, IN_LINE),
    };
    let (from_name, to_name) = (name_of(tx, holder, card.id).await?, name_of(tx, holder, account).await?);
    let lines = [
        (card.id, TransactionKind::Transfer, amount.negated(), OUT_LINE, to_name),
        (account, TransactionKind::Transfer, amount, description, from_name),
    ];
    for (account, kind, amount, description, memo) in lines {
        let source = format!("credit:{id}");
        add_line(app, tx, holder, Line { account, kind, amount, description, memo: Some(&memo), source }).await?;
    }
    plans::tell(app, tx, holder, card).await?;
    match to {
        CreditTo::Account(account) => payments::refresh_account(app, tx, holder, account, amount.currency()).await,
        CreditTo::Card(other) => {
            let other = tx.ask(store::find(holder, other)).await?.ok_or(DbError::Corrupt("a card"))?;
            plans::credited(app, tx, holder, &other, id.as_uuid()).await
        }
    }
}

/// Gives their people the credit of cards that are over.
pub(crate) async fn sweep(app: &App) -> DbResult<()> {
    let before = app.clock.now().checked_sub(STAYS).unwrap_or(Timestamp::UNIX_EPOCH);
    let waiting = store::over_in_credit(&mut app.db.read_once().await?, before).await?;
    for (holder, card) in waiting {
        if let Err(error) = give(app, holder, card).await {
            tracing::error!(kind = error.kind(), "the credit of a card that is over stays there for now");
        }
    }
    Ok(())
}

async fn give(app: &App, holder: HolderId, card: AccountId) -> DbResult<()> {
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    // Read again under the lock: its person may have moved it meanwhile.
    let card = tx.ask(store::find(holder, card)).await?.ok_or(DbError::Corrupt("a card"))?;
    let amount = movable(&mut tx, holder, &card).await?;
    if !card.status.is_over() || !amount.is_positive() {
        return Ok(());
    }
    let account = payments::practice_account(app, &mut tx, holder, card.limit.currency()).await?;
    let id = TransactionId::new(app.clock.now(), app.chance10());
    go(app, &mut tx, holder, &card, CreditTo::Account(account), (id, amount)).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

#[cfg(test)]
mod tests {
    use api::accounts::AccountList;
    use api::sync::Record;
    use domain::ids::PurchaseId;
    use serde_json::json;

    use super::*;
    use crate::purchases::tests::{Shop, usd};
    use crate::statements::pay;
    use crate::testing::{Answer, World, on_each_engine};

    fn fresh(world: &World) -> TransactionId {
        TransactionId::new(world.now(), world.app.chance10())
    }

    async fn moves(shop: &Shop<'_>, id: TransactionId, to: Option<AccountId>) -> Answer {
        shop.device.post(&format!("/api/v1/cards/{}/credit", shop.card), &json!({"id": id, "to": to})).await
    }

    /// What is there to pay with; nothing before the account is opened.
    async fn paid_from(shop: &Shop<'_>) -> i64 {
        let list: AccountList = shop.device.get("/api/v1/accounts").await.ok();
        let account = list.items.into_iter().find(|one| one.card.is_none());
        account.and_then(|one| one.available).map_or(0, Money::minor)
    }

    async fn bought(shop: &Shop<'_>, minor: i64) -> PurchaseId {
        let id = shop.new_id();
        shop.ask(id, minor).await.expect(200);
        shop.capture(id, shop.new_step(), minor, true).await.expect(200);
        id
    }

    async fn pays(world: &World, shop: &Shop<'_>, minor: i64) {
        drop(pay(world, shop.card, shop.device.holder, minor).await);
    }

    #[tokio::test]
    async fn what_a_wallet_of_a_lost_card_gave_back_beyond_what_was_owed_is_no_more_stuck_there() {
        on_each_engine(async |world| {
            let shop = Shop::new(&world, 100_000).await;
            let path = format!("/api/v1/cards/{}/wallet", shop.card);
            shop.device.post(&path, &json!({"id": fresh(&world), "amount": usd(20_000)})).await.expect(204);
            pays(&world, &shop, 20_000).await;
            shop.set(CardStatus::Lost).await.expect(204);
            assert_eq!(shop.figures().await.0, -20_000);
            let before = paid_from(&shop).await;
            moves(&shop, fresh(&world), None).await.expect(200);
            assert_eq!((shop.figures().await.0, paid_from(&shop).await), (0, before + 20_000));
        })
        .await;
    }

    #[tokio::test]
    async fn what_comes_back_to_a_card_that_is_over_and_paid_is_moved_on_once() {
        on_each_engine(async |world| {
            let shop = Shop::new(&world, 100_000).await;
            let id = bought(&shop, 9_000).await;
            pays(&world, &shop, 9_000).await;
            shop.set(CardStatus::Lost).await.expect(204);
            shop.refund(id, shop.new_step(), 9_000).await.expect(200);
            assert_eq!(shop.figures().await.0, -9_000);
            let before = paid_from(&shop).await;
            let key = fresh(&world);
            for _ in 0..2 {
                let moved: CreditMoved = moves(&shop, key, None).await.ok();
                assert_eq!(moved.amount, usd(9_000));
            }
            assert_eq!((shop.figures().await.0, paid_from(&shop).await), (0, before + 9_000), "once");
            assert_eq!(moves(&shop, key, Some(shop.card)).await.code(), ErrorCode::KeyReused);
            assert_eq!(moves(&shop, fresh(&world), None).await.code(), ErrorCode::InsufficientFunds);
            let snapshot = shop.device.get("/api/v1/sync/snapshot").await.text();
            let lines = snapshot.lines().filter_map(|line| serde_json::from_str(line).ok()).filter_map(
                |one: Record| match one {
                    Record::Transaction(line) if line.source == Some(format!("credit:{key}")) => {
                        Some(line.amount.minor())
                    }
                    _ => None,
                },
            );
            let mut lines: Vec<i64> = lines.collect();
            lines.sort_unstable();
            assert_eq!(lines, [-9_000, 9_000]);
        })
        .await;
    }

    #[tokio::test]
    async fn credit_goes_to_a_card_in_use_and_no_dispute_lends_it() {
        on_each_engine(async |world| {
            let shop = Shop::new(&world, 100_000).await;
            let id = bought(&shop, 9_000).await;
            pays(&world, &shop, 9_000).await;
            shop.device.post(&format!("/api/v1/purchases/{id}/dispute"), &json!({})).await.expect(204);
            assert_eq!(shop.figures().await.0, -9_000);
            assert_eq!(moves(&shop, fresh(&world), None).await.code(), ErrorCode::InsufficientFunds);
            let waiting = disputes::waiting(&world.app).await.expect("a list");
            disputes::decide(&world.app, waiting[0].1.id, true, "It was not you").await.expect("decided");
            shop.set(CardStatus::Lost).await.expect(204);
            assert_eq!(moves(&shop, fresh(&world), Some(shop.card)).await.code(), ErrorCode::InvalidRequest);
            let next = AccountId::new(world.now(), world.app.chance10());
            let wanted = api::card::OpenCard { name: "Next card".to_owned(), limit: usd(50_000), closing_day: 25 };
            shop.device.put(&format!("/api/v1/cards/{next}"), &wanted).await.expect(200);
            moves(&shop, fresh(&world), Some(next)).await.expect(200);
            let list: AccountList = shop.device.get("/api/v1/accounts").await.ok();
            let balance = |id| list.items.iter().find(|one| one.id == id).and_then(|one| one.balance);
            assert_eq!((balance(shop.card), balance(next)), (Some(usd(0)), Some(usd(9_000))));
        })
        .await;
    }

    #[tokio::test]
    async fn a_card_that_is_over_keeps_its_credit_a_week_and_gives_it_by_itself_then() {
        on_each_engine(async |world| {
            let shop = Shop::new(&world, 100_000).await;
            let id = bought(&shop, 9_000).await;
            pays(&world, &shop, 9_000).await;
            shop.set(CardStatus::Lost).await.expect(204);
            shop.refund(id, shop.new_step(), 9_000).await.expect(200);
            let before = paid_from(&shop).await;
            sweep(&world.app).await.expect("swept");
            assert_eq!(shop.figures().await.0, -9_000, "its person may say where it goes");
            world.advance(STAYS);
            for _ in 0..2 {
                sweep(&world.app).await.expect("swept");
            }
            let device = world.device(shop.device.holder).await;
            let list: AccountList = device.get("/api/v1/accounts").await.ok();
            let card = list.items.iter().find(|one| one.id == shop.card).expect("the card");
            let account = list.items.iter().find(|one| one.card.is_none()).expect("an account");
            assert_eq!((card.balance, account.available), (Some(usd(0)), Some(usd(before + 9_000))));
        })
        .await;
    }
}
