//! `billfold wallet`: what was put by on a card, reloading it, and paying from it first.

use client::wallet::WalletView;
use domain::wallet::{WalletMove, WalletMoveKind};
use serde_json::json;

use super::arguments::{OnOff, WalletCommand};
use super::table::table;
use super::{Answer, Done, Run, amount, to_json};

impl Run<'_> {
    pub(super) async fn wallet(&self, what: Option<WalletCommand>) -> Done {
        let wallets = self.core.client.wallets();
        match what {
            None => {}
            Some(WalletCommand::Reload { card, amount: typed }) => {
                let account = self.account(&card).await?.account;
                wallets.reload(account.id, amount(&typed, account.currency)?).await?;
            }
            Some(WalletCommand::Checkout { card, what }) => {
                wallets.set_at_checkout(self.account(&card).await?.account.id, what == OnOff::On).await?;
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
    let rows: Vec<_> = one.recent.iter().map(row).collect();
    if !rows.is_empty() {
        text.push_str(&table(&["On", "What", ">Amount"], &rows));
    }
    text
}

fn row(one: &WalletMove) -> Vec<String> {
    let what = match one.kind {
        WalletMoveKind::Reload => "Reloaded from the card".to_owned(),
        WalletMoveKind::Spent => one.description.clone(),
        WalletMoveKind::Refunded => format!("Refund: {}", one.description),
        WalletMoveKind::GivenBack => "Given back to the card".to_owned(),
    };
    vec![one.on.to_string(), what, one.amount.to_string()]
}
