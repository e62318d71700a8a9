//! A payment that the person is entering, kept in the encrypted copy while they do: a lock ends the web view that shows it.
//! Nothing of it is ever sent.

use domain::ids::{AccountId, BillId};
use domain::payments::PaymentOrder;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Payments;
use crate::cache::state;
use crate::error::ClientError;

const DRAFT: &str = "payment_draft";
/// No amount, day or path that a person enters is longer.
const CHARS_MAX: usize = 200;

/// What a payment is entered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DraftOf {
    Bill {
        bill: BillId,
        #[specta(type = String)]
        due_on: Date,
    },
    /// A card of the server.
    Card { card: AccountId },
}

/// What was chosen and typed so far, as it stands in the form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PaymentDraft {
    pub of: DraftOf,
    /// The screen that it is entered over.
    pub path: String,
    /// Which of the amounts is chosen; absent while nothing is.
    pub how: Option<String>,
    /// Another amount, as it is typed.
    pub typed: String,
    /// The day that is chosen; absent: the soonest.
    pub day: Option<String>,
    /// The method that it is drawn from, as it was chosen; empty: the balance that the server keeps.
    pub source: Option<String>,
}

impl Payments {
    pub async fn draft(&self) -> Result<Option<PaymentDraft>, ClientError> {
        let kept: Option<Option<PaymentDraft>> =
            self.0.with(async |open| state::find(open.cache.readers(), DRAFT).await).await?;
        Ok(kept.flatten())
    }

    /// Keeps what is entered in the place of what was kept before; nothing drops it.
    pub async fn keep_draft(&self, draft: Option<PaymentDraft>) -> Result<(), ClientError> {
        if let Some(draft) = &draft {
            let chosen = [&draft.how, &draft.day, &draft.source].map(Option::as_ref);
            let texts = [Some(&draft.path), Some(&draft.typed)].into_iter().chain(chosen);
            if texts.flatten().any(|text| text.chars().count() > CHARS_MAX) {
                return Err(ClientError::refused("too_long", "what was typed is too long", "shorten it"));
            }
        }
        self.0
            .with(async |open| {
                let mut tx = open.cache.begin().await?;
                state::put(&mut *tx, DRAFT, &draft).await?;
                Ok(tx.commit().await?)
            })
            .await
    }

    /// Drops the draft of what is about to be ordered: it may not come back as if it had not been.
    pub(super) async fn drop_draft(&self, order: &PaymentOrder) -> Result<(), ClientError> {
        let ordered = |draft: &PaymentDraft| match draft.of {
            DraftOf::Bill { bill, due_on } => order.bill == Some(bill) && order.due_on == Some(due_on),
            DraftOf::Card { card } => order.bill.is_none() && order.biller.as_uuid() == card.as_uuid(),
        };
        match self.draft().await? {
            Some(draft) if ordered(&draft) => self.keep_draft(None).await,
            _ => Ok(()),
        }
    }
}
