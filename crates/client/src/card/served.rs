//! Cards that the account server issues: opened, frozen at once, linked to merchants, their charges disputed. These ask the server and are not
//! believed before it answered; what was bought is in this device's copy.

use api::card::{CardStatus, CreditMoved, LinkCode, MoveCredit, OpenCard, Purchase, SetStatus};
use api::disputes::{Dispute, DisputeWish};
use domain::ids::{AccountId, DisputeId, MerchantId, MutationId, PurchaseId, TransactionId};
use domain::money::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plans::offers;
use crate::accounts::Accounts;
use crate::cache::{disputes, purchases};
use crate::client::Open;
use crate::error::ClientError;
use crate::http::{Method, Sending};
use crate::pages::{self, PageQuery};
use crate::security::VisitStarted;

/// What a person types to open a card here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct NewCard {
    pub name: String,
    pub limit: Money,
    /// 1 to 28.
    pub closing_day: u8,
}

/// What a person gives a merchant. It is shown this once and kept nowhere here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct LinkCodeView {
    pub code: String,
    #[specta(type = String)]
    pub ends_at: Timestamp,
    /// It counts once a passkey was shown there.
    pub approve: Option<VisitStarted>,
}

/// A purchase, and what may be done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PurchaseView {
    #[serde(flatten)]
    pub purchase: Purchase,
    /// It may be paid over time.
    pub plan_offered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PurchasePage {
    /// Newest first.
    pub items: Vec<PurchaseView>,
    pub next: Option<String>,
}

/// Disputes of a card that are listed.
const DISPUTES_MAX: i64 = 100;

impl Accounts {
    /// Opens a card of practice money, where the server is its owner's own.
    pub async fn open_card(&self, new: NewCard) -> Result<AccountId, ClientError> {
        let id = self.0.fresh(AccountId::new);
        let NewCard { name, limit, closing_day } = new;
        let sending = Sending::json(&OpenCard { name: name.trim().to_owned(), limit, closing_day })?;
        self.0.call(Method::Put, &format!("/api/v1/cards/{id}"), sending).await?;
        self.0.sync().now().await?;
        Ok(id)
    }

    /// Freezes a card, takes that back, or reports it lost. Done when this answers `None`; else a passkey has to be
    /// shown on the server's page first.
    pub async fn set_card_status(
        &self,
        card: AccountId,
        status: CardStatus,
        open_browser: bool,
    ) -> Result<Option<VisitStarted>, ClientError> {
        let sending = self.once(Sending::json(&SetStatus { status })?);
        let answer = self.0.call(Method::Post, &format!("/api/v1/cards/{card}/status"), sending).await?;
        if answer.is_empty() {
            self.0.sync().now().await?;
            return Ok(None);
        }
        self.0.security().in_browser(answer.json().await?, open_browser).await.map(Some)
    }

    /// Moves all that may be moved of a card's credit, to another card or else to the account that payments leave from; says
    /// how much that was. Nothing is left to move a second time.
    pub async fn move_credit(&self, card: AccountId, to: Option<AccountId>) -> Result<Money, ClientError> {
        let wish = MoveCredit { id: self.0.fresh(TransactionId::new), to };
        let path = format!("/api/v1/cards/{card}/credit");
        let answer = self.0.call(Method::Post, &path, self.once(Sending::json(&wish)?)).await?;
        let moved: CreditMoved = answer.json().await?;
        self.0.sync().now().await?;
        Ok(moved.amount)
    }

    /// Makes the code that a merchant gets in the place of a card's number.
    pub async fn link_code(&self, card: AccountId, open_browser: bool) -> Result<LinkCodeView, ClientError> {
        let sending = self.once(Sending::default());
        let answer = self.0.call(Method::Post, &format!("/api/v1/cards/{card}/codes"), sending).await?;
        let LinkCode { code, ends_at, approve } = answer.json().await?;
        let approve = match approve {
            Some(begun) => Some(self.0.security().in_browser(begun, open_browser).await?),
            None => None,
        };
        Ok(LinkCodeView { code, ends_at, approve })
    }

    /// Ends what a merchant holds for a card: it asks for nothing more once this answers.
    pub async fn end_merchant(&self, card: AccountId, merchant: MerchantId) -> Result<(), ClientError> {
        let path = format!("/api/v1/cards/{card}/merchants/{merchant}");
        self.0.call(Method::Delete, &path, self.once(Sending::default())).await?;
        self.0.sync().now().await
    }

    /// Purchases of a card, newest first, by pages; declined ones with the reason.
    pub async fn purchases(&self, card: AccountId, query: PageQuery) -> Result<PurchasePage, ClientError> {
        let (limit, behind) = (query.limit(), query.place()?);
        let rows = pages::rows_for(limit);
        let read = async |open: &Open| purchases::newest(open.cache.readers(), card, behind, rows).await;
        let (all, next) = pages::cut(self.0.with(read).await?, limit, |one| purchases::place(one).to_mark());
        Ok(PurchasePage { items: self.views(card, all).await?, next })
    }

    /// All purchases of a card of which something is held.
    pub async fn held_purchases(&self, card: AccountId) -> Result<Vec<PurchaseView>, ClientError> {
        let all = self.0.with(async |open| purchases::held(open.cache.readers(), card).await).await?;
        self.views(card, all).await
    }

    async fn views(&self, card: AccountId, all: Vec<Purchase>) -> Result<Vec<PurchaseView>, ClientError> {
        let (account, here) = (self.find(card).await?, self.0.here());
        let view = |purchase| {
            // Amounts that cannot be reckoned with are offered nothing.
            let plan_offered = offers(&account, &purchase, &here).is_ok_and(|offers| !offers.is_empty());
            PurchaseView { purchase, plan_offered }
        };
        Ok(all.into_iter().map(view).collect())
    }

    /// Disputes a charge: once this answers it is given back until it is decided, and where it was not the person's the
    /// card is frozen.
    pub async fn dispute(&self, wish: &DisputeWish) -> Result<Dispute, ClientError> {
        let id = self.0.fresh(DisputeId::new);
        let answer = self.0.call(Method::Put, &format!("/api/v1/disputes/{id}"), Sending::json(wish)?).await?;
        let dispute = answer.json().await?;
        self.0.sync().now().await?;
        Ok(dispute)
    }

    /// Takes a dispute back: what it gave back is owed again once this answers.
    pub async fn withdraw_dispute(&self, id: DisputeId) -> Result<Dispute, ClientError> {
        let path = format!("/api/v1/disputes/{id}/withdraw");
        let dispute = self.0.call(Method::Post, &path, self.once(Sending::default())).await?.json().await?;
        self.0.sync().now().await?;
        Ok(dispute)
    }

    /// The disputes of a card, the newest first.
    pub async fn disputes(&self, card: AccountId) -> Result<Vec<Dispute>, ClientError> {
        self.0.with(async |open| disputes::newest(open.cache.readers(), card, DISPUTES_MAX).await).await
    }

    pub async fn purchase(&self, id: PurchaseId) -> Result<Purchase, ClientError> {
        let found = self.0.with(async |open| purchases::find(open.cache.readers(), id).await).await?;
        found.ok_or_else(|| ClientError::not_found("purchase"))
    }

    fn once(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}
