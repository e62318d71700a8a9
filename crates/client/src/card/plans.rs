//! Purchases of a card of the server that are paid over time: what is offered for one, what each would mean, and where a
//! payment goes among the card's balances. Choosing asks the server and is not believed before it answered.

use api::card::{ChoosePlan, Purchase};
use domain::accounts::Account;
use domain::card::allocation::{Share, allocate};
use domain::card::closing::{cycle_of, standings};
use domain::card::{Plan, PlanFigures, PlanOffer};
use domain::ids::{AccountId, PlanId, PurchaseId};
use domain::money::{Money, MoneyError};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::accounts::Accounts;
use crate::book::Here;
use crate::error::ClientError;
use crate::http::{Method, Sending};
use crate::payments::Payments;

/// What a purchase may go on to, as it would be if it began today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PlanOfferView {
    pub offer: PlanOffer,
    pub plan: Plan,
    pub figures: PlanFigures,
}

impl Accounts {
    /// The plans that are offered for a purchase; none where it is too small, declined, disputed, on one, or on a statement
    /// already.
    pub async fn plan_offers(&self, purchase: PurchaseId) -> Result<Vec<PlanOfferView>, ClientError> {
        let purchase = self.purchase(purchase).await?;
        let account = self.find(purchase.card).await?;
        offers(&account, &purchase, &self.0.here()).map_err(|_| out_of_range())
    }

    /// Puts a purchase on a plan; done once this answers.
    pub async fn choose_plan(&self, purchase: PurchaseId, offer: PlanOffer) -> Result<PlanId, ClientError> {
        let card = self.purchase(purchase).await?.card;
        let plan = self.0.fresh(PlanId::new);
        let sending = Sending::json(&ChoosePlan { purchase, offer })?;
        self.0.call(Method::Put, &format!("/api/v1/cards/{card}/plans/{plan}"), sending).await?;
        self.0.sync().now().await?;
        Ok(plan)
    }
}

impl Payments {
    /// Where a payment of this amount would go among a card's balances, if it arrived today.
    pub async fn card_shares(&self, card: AccountId, amount: Money) -> Result<Vec<Share>, ClientError> {
        let account = self.0.accounts().find(card).await?;
        if !amount.is_positive() || amount.currency() != account.currency {
            return Err(ClientError::refused(
                "invalid_amount",
                "a payment is above zero, in the card's currency",
                "correct the amount",
            ));
        }
        shares(&account, amount, self.0.today()).map_err(|_| out_of_range())
    }
}

fn out_of_range() -> ClientError {
    ClientError::refused("invalid_amount", "the amounts of this card are too large", "look at its figures")
}

pub(super) fn offers(account: &Account, purchase: &Purchase, here: &Here) -> Result<Vec<PlanOfferView>, MoneyError> {
    let Some(terms) = &account.terms else { return Ok(Vec::new()) };
    let closed = |at: Timestamp| at.to_zoned(here.zone.clone()).date() < cycle_of(terms, here.today()).0;
    let stands = purchase.declined.is_none() && purchase.disputed_at.is_none() && purchase.plan.is_none();
    if !stands || purchase.captured_at.is_some_and(closed) {
        return Ok(Vec::new());
    }
    let today = here.today();
    let amount = of_card(purchase)?;
    let offered = PlanOffer::ALL.into_iter().filter(|offer| offer.is_for(amount));
    let view = |offer: PlanOffer| {
        let id = PlanId::from_uuid(purchase.id.as_uuid());
        let plan = offer.plan(id, purchase.description.clone(), terms, today, amount, (amount, today))?;
        Ok(PlanOfferView { offer, figures: plan.figures_served(terms, &[], today)?, plan })
    };
    offered.map(view).collect()
}

/// What a plan would have of a purchase: what the card pays of it, without what the wallet does and what is given back.
fn of_card(purchase: &Purchase) -> Result<Money, MoneyError> {
    let charged = purchase.disputable.map_or_else(|| purchase.captured.minus(purchase.refunded), Ok)?;
    let by_wallet = purchase.held_by_wallet.unwrap_or(Money::zero(purchase.held.currency()));
    charged.plus(purchase.held)?.minus(by_wallet)
}

fn shares(account: &Account, amount: Money, today: Date) -> Result<Vec<Share>, MoneyError> {
    let zero = Money::zero(account.currency);
    let (Some(terms), Some(served)) = (&account.terms, &account.card) else { return Ok(Vec::new()) };
    let owed = account.balance.map_or(zero, Money::negated);
    let standings = standings(terms, owed, &account.plans, &served.asked, today);
    allocate(amount, served.minimum_left.unwrap_or(zero), account.excess, &standings)
}

#[cfg(test)]
mod tests {
    use domain::money::Currency;

    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect("an amount")
    }

    #[test]
    fn a_plan_is_offered_on_what_the_card_pays_alone() {
        let purchase = Purchase {
            id: PurchaseId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            card: AccountId::new(Timestamp::UNIX_EPOCH, [3; 10]),
            merchant: "Quillmere".to_owned(),
            description: "Lamps".to_owned(),
            amount: usd("200"),
            declined: None,
            held: usd("80"),
            captured: usd("120"),
            captured_by_wallet: None,
            refunded: usd("10"),
            asked_at: Timestamp::UNIX_EPOCH,
            holds_until: Date::MAX,
            captured_at: None,
            disputed_at: None,
            disputable: None,
            disputable_of_wallet: None,
            held_by_wallet: None,
            plan: None,
        };
        assert_eq!(of_card(&purchase), Ok(usd("190")), "an older server does not say who pays");
        let shared = Purchase { disputable: Some(usd("70")), held_by_wallet: Some(usd("30")), ..purchase };
        assert_eq!(of_card(&shared), Ok(usd("120")), "70 were charged to the card, and 50 are held there");
    }
}
