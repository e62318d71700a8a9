//! `billfold wallet`: what was put by on a card, reloading it by hand or by itself, and paying from it first.

use client::wallet::{NoReload, WalletView};
use domain::purchases::Decline;
use domain::wallet::auto_reload::{AutoReload, AutoReloadTerms};
use domain::wallet::{WalletMove, WalletMoveKind};
use serde_json::json;

use super::arguments::{OnOff, WalletCommand};
use super::table::table;
use super::{Answer, Done, Run, amount, local, more, to_json, visit_started};
use crate::failure::Failure;

impl Run<'_> {
    pub(super) async fn wallet(&self, what: Option<WalletCommand>) -> Done {
        let wallets = self.core.client.wallets();
        match what {
            None => {}
            Some(WalletCommand::Moves { card, page }) => {
                let page = wallets.moves(self.account(&card).await?.account.id, page.into()).await?;
                let rows: Vec<_> = page.items.iter().map(|moved| row(&moved.what)).collect();
                let text = table(&["On", "What", ">Amount"], &rows) + &more(page.next.as_deref());
                return Ok(Answer::new(to_json(&page)?, text));
            }
            Some(WalletCommand::Reload { card, amount: typed }) => {
                let account = self.account(&card).await?.account;
                wallets.reload(account.id, amount(&typed, account.currency)?, None).await?;
            }
            Some(WalletCommand::Checkout { card, what }) => {
                wallets.set_at_checkout(self.account(&card).await?.account.id, what == OnOff::On).await?;
            }
            Some(WalletCommand::Auto { card, off: true, .. }) => {
                wallets.end_auto_reload(self.account(&card).await?.account.id).await?;
            }
            Some(WalletCommand::Auto { card, below, amount: each, month_most, off: false, no_browser }) => {
                let account = self.account(&card).await?.account;
                let typed = |text: Option<String>| match text {
                    Some(text) => amount(&text, account.currency),
                    None => Err(Failure::usage("say --below, --amount and --month-most, or --off")),
                };
                let terms =
                    AutoReloadTerms { below: typed(below)?, amount: typed(each)?, month_most: typed(month_most)? };
                let set = wallets.set_auto_reload(account.id, terms, !no_browser).await?;
                if let Some(visit) = &set.visit {
                    return Ok(visit_started(visit));
                }
            }
        }
        let all = wallets.list().await?;
        let mut text = String::new();
        for one in &all {
            text.push_str(&shown(one));
        }
        if all.is_empty() {
            "No card of this server has a wallet.\n".clone_into(&mut text);
        }
        Ok(Answer::new(json!({ "items": to_json(&all)? }), text))
    }
}

fn shown(one: &WalletView) -> String {
    let checkout = if one.at_checkout { "pays each charge first" } else { "pays nothing by itself" };
    let mut text = format!("{}: {} in the wallet, {checkout}\n", one.card_name, one.balance);
    if one.held.is_positive() {
        text.push_str(&format!("  {} more are reserved for purchases\n", one.held));
    }
    if let Some(why) = one.no_reload {
        text.push_str(&format!("  no reload now: {}\n", no_reload(why)));
    }
    if let Some(auto) = &one.auto_reload {
        text.push_str(&reloads(auto));
    }
    text
}

const fn no_reload(why: NoReload) -> &'static str {
    match why {
        NoReload::CardOver => "the card is lost or closed",
        NoReload::CardFrozen => "the card is frozen",
        NoReload::WalletFull => "the wallet is full",
        NoReload::CreditUsed => "the card has too little credit left",
    }
}

/// On which terms it is reloaded by itself, and why it was not.
fn reloads(auto: &AutoReload) -> String {
    let AutoReloadTerms { below, amount, month_most } = auto.terms;
    let mut text = format!("  reloaded with {amount} when below {below}, at most {month_most} a month\n");
    if let Some(waits) = auto.waits {
        let why = waits.declined.map_or("the most of this month is reached", why);
        text.push_str(&format!("  not reloaded: {why}; looked at again from {}\n", local(waits.until)));
    }
    text
}

const fn why(declined: Decline) -> &'static str {
    match declined {
        Decline::Frozen => "the card is frozen",
        Decline::Lost => "the card was reported lost",
        Decline::Closed => "the card was closed",
        Decline::Restricted => "the account is restricted",
        Decline::Locked => "the account is locked",
        Decline::Unlinked => "the link has ended",
        Decline::Currency => "the card is kept in another currency",
        Decline::OverLimit => "it is more than the credit that is left",
    }
}

fn row(one: &WalletMove) -> Vec<String> {
    let what = match one.kind {
        WalletMoveKind::Reload => match one.because {
            Some(because) => format!("Reloaded by itself: {} was below {}", because.had, because.below),
            None => "Reloaded from the card".to_owned(),
        },
        WalletMoveKind::Spent => one.description.clone(),
        WalletMoveKind::Refunded => format!("Refund: {}", one.description),
        WalletMoveKind::GivenBack => "Given back to the card".to_owned(),
    };
    vec![one.on.to_string(), what, one.amount.to_string()]
}
