//! `billfold rewards`: what charges earned, what may be used of it, and using it.

use client::rewards::{RewardView, RewardsView};
use domain::rewards::RewardState;
use serde_json::json;

use super::arguments::{OnOff, RewardsCommand};
use super::table::table;
use super::{Answer, Done, Run, amount, to_json};

impl Run<'_> {
    pub(super) async fn rewards(&self, what: Option<RewardsCommand>) -> Done {
        let rewards = self.core.client.rewards();
        match what {
            None => {}
            Some(RewardsCommand::Use { card, amount: typed }) => {
                let account = self.account(&card).await?.account;
                rewards.use_now(account.id, amount(&typed, account.currency)?, None).await?;
            }
            Some(RewardsCommand::Checkout { card, what }) => {
                rewards.set_at_checkout(self.account(&card).await?.account.id, what == OnOff::On).await?;
            }
        }
        let all = rewards.list().await?;
        let mut text = String::new();
        for one in &all {
            text.push_str(&shown(one));
        }
        if all.is_empty() {
            "No card of this server earns rewards.\n".clone_into(&mut text);
        }
        Ok(Answer::new(json!({ "items": to_json(&all)? }), text))
    }
}

fn shown(one: &RewardsView) -> String {
    let checkout = if one.at_checkout { "used at each charge" } else { "used when you say so" };
    let mut text = format!("{}: {} available, {} pending, {checkout}\n", one.card_name, one.available, one.pending);
    if let Some(day) = one.expires_after {
        text.push_str(&format!("{} of it begins to expire after {day}, unless you use it.\n", one.expiring));
    }
    if !one.owed.is_zero() {
        text.push_str(&format!("{} were used and their charge refunded: the next rewards pay that first.\n", one.owed));
    }
    let rows: Vec<_> = one.items.iter().map(row).collect();
    if !rows.is_empty() {
        if one.items.len() < usize::try_from(one.items_count).unwrap_or(usize::MAX) {
            text.push_str(&format!("{} of {} are shown.\n", one.items.len(), one.items_count));
        }
        text.push_str(&table(&["Charged", "For", ">Charge", ">Earned", ">Left", "Standing"], &rows));
    }
    text
}

fn row(one: &RewardView) -> Vec<String> {
    let standing = match one.state {
        RewardState::Pending => format!("pending until {}", one.reward.available_on),
        RewardState::Available => format!("good through {}", one.reward.good_through),
        RewardState::Spent => "spent".to_owned(),
        RewardState::Owes => "owed by the next".to_owned(),
        RewardState::Expired => "expired".to_owned(),
    };
    let reward = &one.reward;
    vec![
        reward.charged_on.to_string(),
        reward.description.clone(),
        reward.charged.to_string(),
        reward.earned.to_string(),
        one.left.to_string(),
        standing,
    ]
}
