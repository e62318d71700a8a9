//! How a merchant gets to ask a card: its person makes a code, the merchant exchanges it for a token that is good for
//! this card and this merchant alone, and the person ends it again. No number of a card is ever told to anybody.

use api::card::LinkCode;
use api::error::ErrorCode;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE32_NOPAD;
use domain::ids::{AccountId, HolderId, MerchantId};
use domain::policy::{Approval, Change};
use domain::purchases::CardStatus;
use jiff::{SignedDuration, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Card, account_of, may, refresh, store};
use crate::App;
use crate::db::{DbResult, Tx};
use crate::error::ApiError;
use crate::http::{Json, Path, Source};
use crate::sign_in::step_up::{self, Asked, Shown, Subject};
use crate::sign_in::{SignedIn, hash, new_secret};

/// A person reads it to a merchant, or types it at the checkout.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// 60 random bits: enough for a code that lives minutes and is asked for by merchants alone.
const CODE_SYMBOLS: usize = 12;
const CODE_GROUP: usize = 4;
const MERCHANTS_MAX: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(make_code)).routes(routes!(end))
}

/// Makes the code that a merchant gets in the place of a card's number, in the place of one made before.
#[utoipa::path(post, path = "/api/v1/cards/{id}/codes", tag = "card", params(("id" = AccountId, Path)),
    responses((status = 201, body = LinkCode), (status = 403, body = api::error::Problem),
        (status = 404, body = api::error::Problem), (status = 422, body = api::error::Problem)))]
async fn make_code(
    State(app): State<App>,
    signed_in: SignedIn,
    Source(source): Source,
    Path(id): Path<AccountId>,
) -> Result<Response, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    let card = tx.ask(store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    takes_links(&mut tx, holder, &card).await?;
    let approval = may(&app, &mut tx, holder, signed_in.device, Change::LinkMerchant).await?;
    let needs_passkey = matches!(approval, Approval::Passkey(_));
    let mut code = BASE32_NOPAD.encode(&app.random::<8>());
    code.truncate(CODE_SYMBOLS);
    let ends_at = app.clock.now() + CODE_LIFE;
    store::put_code(&mut tx, holder, id, &hash(&code), ends_at, !needs_passkey).await?;
    tx.commit().await?;
    let approve = if needs_passkey {
        Some(step_up::begin(&app, &signed_in, source, Subject::LinkMerchant { card: id }).await?)
    } else {
        None
    };
    let code = LinkCode { code: in_groups(&code), ends_at, approve };
    Ok((StatusCode::CREATED, Json(code)).into_response())
}

async fn takes_links(tx: &mut Tx, holder: HolderId, card: &Card) -> Result<(), ApiError> {
    if card.status.is_over() {
        return Err(ApiError::new(
            ErrorCode::CardOver,
            "a card that is lost or closed is linked no more: open another",
        ));
    }
    if card.status != CardStatus::Active {
        return Err(ApiError::new(ErrorCode::CardDeclined, "the card takes no purchases now"));
    }
    if tx.ask(store::links(holder, card.id)).await?.len() >= MERCHANTS_MAX {
        return Err(ApiError::new(ErrorCode::TooMany, "a card is linked to at most 100 merchants"));
    }
    Ok(())
}

fn in_groups(code: &str) -> String {
    let groups: Vec<&str> =
        (0..CODE_SYMBOLS).step_by(CODE_GROUP).filter_map(|at| code.get(at..at + CODE_GROUP)).collect();
    groups.join("-")
}

/// As it was made, whatever way somebody typed it.
fn as_made(typed: &str) -> String {
    typed.chars().filter(|symbol| !symbol.is_whitespace() && *symbol != '-').collect::<String>().to_ascii_uppercase()
}

/// What the page shows before a code counts.
pub(crate) async fn link_shown(app: &App, tx: &mut Tx, asked: &Asked, id: AccountId) -> Result<Shown, ApiError> {
    may(app, tx, asked.holder, asked.device, Change::LinkMerchant).await?;
    let code = store::code_of(tx, asked.holder, id, app.clock.now()).await?.ok_or_else(over)?;
    let name = account_of(tx, asked.holder, id).await?.name;
    let words = asked.words();
    let digest = format!("link {id} {}", data_encoding::HEXLOWER.encode(&code));
    Ok(Shown::new(&words.link, vec![(words.card, name)], digest))
}

/// The yes to that.
pub(crate) async fn link_approved(app: &App, tx: &mut Tx, asked: &Asked, id: AccountId) -> Result<(), ApiError> {
    store::code_of(tx, asked.holder, id, app.clock.now()).await?.ok_or_else(over)?;
    Ok(store::approve_code(tx, asked.holder, id).await?)
}

fn over() -> ApiError {
    ApiError::new(ErrorCode::CodeOver, "the code is too old or was used: make another")
}

/// Ends what a merchant holds for a card: it asks for nothing more from the answer on. What it was granted before goes on.
#[utoipa::path(delete, path = "/api/v1/cards/{id}/merchants/{merchant}", tag = "card",
    params(("id" = AccountId, Path), ("merchant" = MerchantId, Path)),
    responses((status = 204, description = "It holds nothing"), (status = 404, body = api::error::Problem)))]
async fn end(
    State(app): State<App>,
    signed_in: SignedIn,
    Path((id, merchant)): Path<(AccountId, MerchantId)>,
) -> Result<StatusCode, ApiError> {
    let holder = signed_in.holder;
    let mut tx = app.db.begin_write().await?;
    tx.lock(holder).await?;
    tx.ask(store::find(holder, id)).await?.ok_or_else(ApiError::not_found)?;
    if store::end_link(&mut tx, holder, id, merchant, app.clock.now()).await? {
        refresh(&app, &mut tx, holder, id).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all links of a card, and the code that was made last.
pub(super) async fn end_all(tx: &mut Tx, holder: HolderId, id: AccountId, now: Timestamp) -> DbResult<()> {
    store::end_links(tx, holder, id, now).await?;
    store::remove_code(tx, holder, id).await
}

/// Ends what a merchant holds for every card, when it ends itself: a card each in a transaction of its own, so that it
/// may be begun again where it broke off.
pub(crate) async fn end_all_of(app: &App, merchant: MerchantId) -> DbResult<()> {
    let mut tx = app.db.begin_read().await?;
    let cards = store::cards_of(&mut tx, merchant).await?;
    drop(tx);
    for (holder, card) in cards {
        let mut tx = app.db.begin_write().await?;
        tx.lock(holder).await?;
        if store::end_link(&mut tx, holder, card, merchant, app.clock.now()).await? {
            refresh(app, &mut tx, holder, card).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Uses a code up and answers the merchant's token. A code that is wrong, too old, used or not approved is the same to it.
pub(crate) async fn exchange(app: &App, merchant: MerchantId, typed: &str) -> Result<String, ApiError> {
    let now = app.clock.now();
    let code = hash(&as_made(typed));
    let mut tx = app.db.begin_write().await?;
    let (holder, card) = store::card_of_code(&mut tx, &code, now).await?.ok_or_else(over)?;
    tx.lock(holder).await?;
    // Once more under the lock: another merchant may have been quicker, or the card frozen.
    let still = store::card_of_code(&mut tx, &code, now).await?;
    let card = tx.ask(store::find(holder, card)).await?.filter(|card| still == Some((holder, card.id)));
    let card = card.ok_or_else(over)?;
    takes_links(&mut tx, holder, &card).await?;
    store::remove_code(&mut tx, holder, card.id).await?;
    store::end_link(&mut tx, holder, card.id, merchant, now).await?;
    let token = new_secret(app);
    store::add_link(&mut tx, holder, card.id, merchant, &hash(&token), now).await?;
    refresh(app, &mut tx, holder, card.id).await?;
    tx.commit().await?;
    Ok(token)
}
