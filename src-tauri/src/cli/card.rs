//! `billfold card open`, `freeze`, `unfreeze`, `lost`, `credit`, `link`, `unlink`, `pay`, `offers`, `choose` and `purchases`: cards of the account server.

use client::card::{NewCard, PlanOfferView, PurchaseView};
use client::pages::PageQuery;
use client::payments::PayBill;
use domain::accounts::Account;
use domain::card::PlanOffer;
use domain::disputes::{Dispute, DisputeReason, DisputeWish};
use domain::ids::{AccountId, PurchaseId};
use domain::purchases::{CardStatus, LinkedMerchant};
use serde_json::json;

use super::arguments::{DisputeReasonArgument, OfferHow, ServedCardCommand};
use super::table::table;
use super::{Answer, Done, Run, amount, currency, more, named, to_json, visit_started, word};
use crate::failure::Failure;

impl Run<'_> {
    pub(super) async fn served_card(&self, what: ServedCardCommand) -> Done {
        match what {
            ServedCardCommand::Open { name, limit, currency: code, closing_day } => {
                let limit = amount(&limit, currency(&code)?)?;
                let id = self.core.client.accounts().open_card(NewCard { name, limit, closing_day }).await?;
                Ok(Answer::new(json!({ "card": id }), "The card is open.\n"))
            }
            ServedCardCommand::Freeze { card } => self.card_becomes(&card, CardStatus::Frozen, false).await,
            ServedCardCommand::Lost { card } => self.card_becomes(&card, CardStatus::Lost, false).await,
            ServedCardCommand::Unfreeze { card, no_browser } => {
                self.card_becomes(&card, CardStatus::Active, !no_browser).await
            }
            ServedCardCommand::Credit { card, to } => self.card_credit(&card, to.as_deref()).await,
            ServedCardCommand::Link { card, no_browser } => self.card_link(&card, !no_browser).await,
            ServedCardCommand::Unlink { card, merchant } => self.card_unlink(&card, &merchant).await,
            ServedCardCommand::Dispute { purchase, reason, words, amount } => {
                self.dispute(purchase, reason, words, amount.as_deref()).await
            }
            ServedCardCommand::Disputes { card } => self.card_disputes(&card).await,
            ServedCardCommand::Withdraw { dispute } => {
                let dispute = self.core.client.accounts().withdraw_dispute(dispute).await?;
                Ok(Answer::new(to_json(&dispute)?, "The dispute is taken back, and the charge is owed again.\n"))
            }
            ServedCardCommand::Pay { card, amount, minimum, statement, current, on, again, no_browser, no_wait } => {
                let chosen = [minimum, statement, current];
                let request = self.card_pays(&card, amount.as_deref(), chosen).await?;
                self.pay(PayBill { send_on: on, duplicate_meant: again, ..request }, !no_browser, !no_wait).await
            }
            ServedCardCommand::Offers { purchase } => self.plan_offers(purchase).await,
            ServedCardCommand::Choose { purchase, offer } => self.plan_choose(purchase, &offer).await,
            ServedCardCommand::Purchases { card, page } => self.card_purchases(&card, page.into()).await,
        }
    }

    pub(super) async fn served(&self, typed: &str) -> Result<Account, Failure> {
        let account = self.account(typed).await?.account;
        if account.card.is_some() {
            return Ok(account);
        }
        Err(Failure::refused("forbidden", "that is no card of this server", "name one that `billfold card list` shows"))
    }

    /// `chosen` is the minimum, the statement or the current balance.
    async fn card_pays(&self, typed: &str, sum: Option<&str>, chosen: [bool; 3]) -> Result<PayBill, Failure> {
        let card = self.served(typed).await?;
        let quote = self.core.client.payments().card_quote(card.id).await?;
        let wanted = match (sum, chosen) {
            (Some(text), _) => Some(amount(text, card.currency)?),
            (None, [true, ..]) => quote.minimum,
            (None, [_, true, _]) => quote.statement,
            (None, [.., true]) => quote.current,
            (None, _) => return Err(Failure::usage("say how much: --minimum, --statement, --current or --amount")),
        };
        let amount = wanted.ok_or_else(|| {
            Failure::refused(
                "invalid_amount",
                "nothing of that is left to pay",
                "see what is owed: `billfold card list`",
            )
        })?;
        Ok(PayBill {
            bill: None,
            due_on: None,
            biller: Some(quote.payee),
            amount,
            send_on: None,
            method: None,
            duplicate_meant: false,
        })
    }

    async fn card_becomes(&self, typed: &str, status: CardStatus, open_browser: bool) -> Done {
        let card = self.served(typed).await?;
        let begun = self.core.client.accounts().set_card_status(card.id, status, open_browser).await?;
        if let Some(begun) = begun {
            return Ok(visit_started(&begun));
        }
        let text = match status {
            CardStatus::Active => "The card is in use again.\n",
            CardStatus::Frozen => {
                "The card is frozen: no new purchase is approved. Use it again with `billfold card unfreeze`.\n"
            }
            CardStatus::Lost => "The card is reported lost: it is asked for nothing new any more.\n",
            CardStatus::Closed => "The card is closed.\n",
        };
        let mut text = text.to_owned();
        if status.is_over() {
            text += &self.still_held(card.id, None).await?;
        }
        Ok(Answer::new(json!({ "card": card.id, "status": to_json(&status)? }), text))
    }

    async fn card_credit(&self, typed: &str, to: Option<&str>) -> Done {
        let card = self.served(typed).await?;
        let to = match to {
            Some(typed) => Some(self.served(typed).await?.id),
            None => None,
        };
        let moved = self.core.client.accounts().move_credit(card.id, to).await?;
        Ok(Answer::new(json!({ "card": card.id, "to": to, "amount": to_json(&moved)? }), format!("{moved} moved.\n")))
    }

    async fn card_link(&self, typed: &str, open_browser: bool) -> Done {
        let card = self.served(typed).await?;
        let made = self.core.client.accounts().link_code(card.id, open_browser).await?;
        let mut text = format!(
            "Give this to the merchant: {}\nIt is good once, until {}. The merchant may then ask {} to pay.\n",
            made.code, made.ends_at, card.name
        );
        if let Some(begun) = &made.approve {
            text += "It counts once a passkey was shown. ";
            text += &visit_started(begun).text;
        }
        Ok(Answer::new(to_json(&made)?, text))
    }

    async fn card_unlink(&self, typed: &str, merchant: &str) -> Done {
        let card = self.served(typed).await?;
        let linked = card.card.map(|served| served.merchants).unwrap_or_default();
        let key = |one: &LinkedMerchant| (one.id.to_string(), one.name.clone());
        let merchant = named(linked, merchant, "merchant", key)?;
        self.core.client.accounts().end_merchant(card.id, merchant.id).await?;
        let json = json!({ "card": card.id, "merchant": merchant.id });
        let mut text = format!("{} can ask this card for nothing new.\n", merchant.name);
        text += &self.still_held(card.id, Some(&merchant.name)).await?;
        Ok(Answer::new(json, text))
    }

    /// What merchants hold on a card, which can be charged all the same.
    async fn still_held(&self, card: AccountId, merchant: Option<&str>) -> Result<String, Failure> {
        let all = self.core.client.accounts().held_purchases(card).await?;
        let held = all.iter().map(|one| &one.purchase);
        let held = held.filter(|one| merchant.is_none_or(|name| name == one.merchant));
        let lines = held.map(|one| {
            format!("{} that {} holds until {} can still be charged.\n", one.held, one.merchant, one.holds_until)
        });
        Ok(lines.collect())
    }

    async fn plan_offers(&self, purchase: PurchaseId) -> Done {
        let offers = self.core.client.accounts().plan_offers(purchase).await?;
        let row = |one: &PlanOfferView| {
            let (way, months) = match one.offer {
                PlanOffer::EqualPayments { months } => ("equal", months),
                PlanOffer::DeferredInterest { months } => ("deferred", months),
            };
            let at_risk = if one.figures.at_risk.is_zero() { String::new() } else { one.figures.at_risk.to_string() };
            vec![
                format!("--{way} {months}"),
                one.plan.amount.to_string(),
                one.figures.each.to_string(),
                one.figures.last.to_string(),
                at_risk,
            ]
        };
        let rows: Vec<_> = offers.iter().map(row).collect();
        let heads = ["Way", ">Amount", ">Each month", ">The last", ">Interest at risk"];
        Ok(Answer::new(json!({ "items": to_json(&offers)? }), table(&heads, &rows)))
    }

    async fn plan_choose(&self, purchase: PurchaseId, how: &OfferHow) -> Done {
        let offer = match (how.equal, how.deferred) {
            (Some(months), _) => PlanOffer::EqualPayments { months },
            (None, Some(months)) => PlanOffer::DeferredInterest { months },
            (None, None) => return Err(Failure::usage("say --equal or --deferred")),
        };
        let plan = self.core.client.accounts().choose_plan(purchase, offer).await?;
        Ok(Answer::new(json!({ "purchase": purchase, "plan": plan }), "The purchase is paid over time.\n"))
    }

    async fn dispute(
        &self,
        purchase: PurchaseId,
        reason: DisputeReasonArgument,
        words: String,
        typed: Option<&str>,
    ) -> Done {
        let accounts = self.core.client.accounts();
        let currency = accounts.purchase(purchase).await?.amount.currency();
        let amount = typed.map(|typed| amount(typed, currency)).transpose()?;
        let reason = match reason {
            DisputeReasonArgument::NotMine => DisputeReason::NotMine,
            DisputeReasonArgument::WrongAmount => DisputeReason::WrongAmount,
            DisputeReasonArgument::ChargedTwice => DisputeReason::ChargedTwice,
            DisputeReasonArgument::NotReceived => DisputeReason::NotReceived,
            DisputeReasonArgument::NotAsAgreed => DisputeReason::NotAsAgreed,
            DisputeReasonArgument::RefundMissing => DisputeReason::RefundMissing,
            DisputeReasonArgument::Other => DisputeReason::Other,
        };
        let dispute = accounts.dispute(&DisputeWish { purchase, reason, words, amount }).await?;
        let frozen = if reason == DisputeReason::NotMine { "The card is frozen. " } else { "" };
        let text = format!(
            "{frozen}{} are in dispute and given back until that is decided, by {} at the latest.\n",
            dispute.amount, dispute.answer_by
        );
        Ok(Answer::new(to_json(&dispute)?, text))
    }

    async fn card_disputes(&self, typed: &str) -> Done {
        let card = self.served(typed).await?;
        let disputes = self.core.client.accounts().disputes(card.id).await?;
        let row = |one: &Dispute| {
            let why = one.decided.as_ref().map(|decided| decided.why.clone()).unwrap_or_default();
            vec![
                one.id.to_string(),
                one.opened_at.to_string(),
                one.merchant.clone(),
                word(&one.reason),
                one.amount.to_string(),
                one.credited.to_string(),
                one.state().to_owned(),
                one.answer_by.to_string(),
                why,
            ]
        };
        let rows: Vec<_> = disputes.iter().map(row).collect();
        let heads = ["Id", "Opened", "Merchant", "Reason", ">In dispute", ">Given back", "State", "Decided by", "Why"];
        Ok(Answer::new(json!({ "items": to_json(&disputes)? }), table(&heads, &rows)))
    }

    async fn card_purchases(&self, typed: &str, query: PageQuery) -> Done {
        let card = self.served(typed).await?;
        let page = self.core.client.accounts().purchases(card.id, query).await?;
        let row = |one: &PurchaseView| {
            let purchase = &one.purchase;
            let state = match purchase.declined {
                Some(reason) => format!("declined: {}", word(&reason)),
                None if purchase.held.is_positive() => "pending".to_owned(),
                None => "posted".to_owned(),
            };
            let state = if purchase.disputed_at.is_some() { format!("{state}, disputed") } else { state };
            vec![
                purchase.id.to_string(),
                purchase.asked_at.to_string(),
                purchase.merchant.clone(),
                purchase.amount.to_string(),
                purchase.held.to_string(),
                purchase.captured.to_string(),
                purchase.refunded.to_string(),
                state,
            ]
        };
        let rows: Vec<_> = page.items.iter().map(row).collect();
        let heads = ["Id", "Asked", "Merchant", ">Asked for", ">Held", ">Charged", ">Refunded", "State"];
        Ok(Answer::new(to_json(&page)?, table(&heads, &rows) + &more(page.next.as_deref())))
    }
}
