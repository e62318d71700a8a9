//! Accounts, cards and transactions.

use api::accounts::AccountEdit;
use client::accounts::{AccountView, TransactionPage, TransactionQuery};
use client::card::{CardView, LinkCodeView, NewCard, PayoffView, PlanEdit, PlanOfferView, PurchasePage, PurchaseView};
use client::pages::PageQuery;
use client::security::VisitStarted;
use domain::card::{CardTerms, Excess, PlanOffer};
use domain::disputes::{Dispute, DisputeWish};
use domain::ids::{AccountId, DisputeId, MerchantId, PlanId, PurchaseId};
use domain::money::Money;
use domain::purchases::CardStatus;

use super::{Answer, Shared};

#[tauri::command]
#[specta::specta]
pub async fn accounts(core: Shared<'_>) -> Answer<Vec<AccountView>> {
    core.touch();
    Ok(core.client.accounts().list().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn cards(core: Shared<'_>) -> Answer<Vec<CardView>> {
    core.touch();
    Ok(core.client.cards().await?)
}

#[tauri::command]
#[specta::specta]
pub async fn account_rename(core: Shared<'_>, account: AccountId, name: String) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().edit(account, AccountEdit { name: Some(name), ..AccountEdit::default() }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_terms(core: Shared<'_>, account: AccountId, terms: CardTerms) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().edit(account, AccountEdit { terms: Some(terms), ..AccountEdit::default() }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_plan(core: Shared<'_>, account: AccountId, plan: PlanEdit) -> Answer<PlanId> {
    core.touch();
    Ok(core.client.accounts().put_plan(account, plan).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_plan_remove(core: Shared<'_>, account: AccountId, plan: PlanId) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().remove_plan(account, plan).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_excess(core: Shared<'_>, account: AccountId, excess: Excess) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().edit(account, AccountEdit { excess: Some(excess), ..AccountEdit::default() }).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_payoff(core: Shared<'_>, account: AccountId, monthly: Option<Money>) -> Answer<PayoffView> {
    core.touch();
    Ok(core.client.payoff(account, monthly).await?)
}

/// Opens a card of practice money on this person's own server.
#[tauri::command]
#[specta::specta]
pub async fn card_open(core: Shared<'_>, card: NewCard) -> Answer<AccountId> {
    core.touch();
    Ok(core.client.accounts().open_card(card).await?)
}

/// Freezes a card, takes that back, or reports it lost.
#[tauri::command]
#[specta::specta]
pub async fn card_status(core: Shared<'_>, account: AccountId, status: CardStatus) -> Answer<Option<VisitStarted>> {
    core.touch();
    Ok(core.client.accounts().set_card_status(account, status, true).await?)
}

/// Moves a card's credit to another card, or else to the account that payments leave from; says how much it was.
#[tauri::command]
#[specta::specta]
pub async fn card_credit(core: Shared<'_>, account: AccountId, to: Option<AccountId>) -> Answer<Money> {
    core.touch();
    Ok(core.client.accounts().move_credit(account, to).await?)
}

/// Makes the code that a merchant gets in the place of the card's number.
#[tauri::command]
#[specta::specta]
pub async fn card_link(core: Shared<'_>, account: AccountId) -> Answer<LinkCodeView> {
    core.touch();
    Ok(core.client.accounts().link_code(account, true).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn card_unlink(core: Shared<'_>, account: AccountId, merchant: MerchantId) -> Answer<()> {
    core.touch();
    Ok(core.client.accounts().end_merchant(account, merchant).await?)
}

/// Disputes a charge; where it was not the person's, the card is frozen too.
#[tauri::command]
#[specta::specta]
pub async fn dispute_open(core: Shared<'_>, wish: DisputeWish) -> Answer<Dispute> {
    core.touch();
    Ok(core.client.accounts().dispute(&wish).await?)
}

/// Takes a dispute back.
#[tauri::command]
#[specta::specta]
pub async fn dispute_withdraw(core: Shared<'_>, dispute: DisputeId) -> Answer<Dispute> {
    core.touch();
    Ok(core.client.accounts().withdraw_dispute(dispute).await?)
}

/// The disputes of a card, the newest first.
#[tauri::command]
#[specta::specta]
pub async fn card_disputes(core: Shared<'_>, account: AccountId) -> Answer<Vec<Dispute>> {
    core.touch();
    Ok(core.client.accounts().disputes(account).await?)
}

/// The plans that are offered for a purchase, and what each would mean.
#[tauri::command]
#[specta::specta]
pub async fn plan_offers(core: Shared<'_>, purchase: PurchaseId) -> Answer<Vec<PlanOfferView>> {
    core.touch();
    Ok(core.client.accounts().plan_offers(purchase).await?)
}

/// Puts a purchase on a plan.
#[tauri::command]
#[specta::specta]
pub async fn plan_choose(core: Shared<'_>, purchase: PurchaseId, offer: PlanOffer) -> Answer<PlanId> {
    core.touch();
    Ok(core.client.accounts().choose_plan(purchase, offer).await?)
}

/// Purchases on a card, declined ones with the reason.
#[tauri::command]
#[specta::specta]
pub async fn card_purchases(core: Shared<'_>, account: AccountId, query: PageQuery) -> Answer<PurchasePage> {
    core.touch();
    Ok(core.client.accounts().purchases(account, query).await?)
}

/// All purchases on a card of which something is held.
#[tauri::command]
#[specta::specta]
pub async fn card_held(core: Shared<'_>, account: AccountId) -> Answer<Vec<PurchaseView>> {
    core.touch();
    Ok(core.client.accounts().held_purchases(account).await?)
}

#[tauri::command]
#[specta::specta]
pub async fn transactions(core: Shared<'_>, query: TransactionQuery) -> Answer<TransactionPage> {
    core.touch();
    Ok(core.client.accounts().transactions(query).await?)
}
