//! `billfold paydays` and `billfold plan`: what comes in, which payment leaves when and why, and what is safe to spend.

use client::paydays::NewIncome;
use client::plan::{PayPlanFigures, PayPlanView, PlanMissing, PlannedView};
use domain::calendar::{Calendar, Roll};
use domain::plan::Why;
use serde_json::json;

use super::arguments::{CalendarWord, IncomeArguments, PaydaysCommand, PlanCommand, PlanSettings, RollWord};
use super::table::table;
use super::{Answer, Done, Run, amount, currency, named, to_json};
use crate::failure::Failure;

impl Run<'_> {
    pub(super) async fn paydays(&self, what: Option<PaydaysCommand>) -> Done {
        match what {
            None | Some(PaydaysCommand::Show) => self.paydays_shown().await,
            Some(PaydaysCommand::Set(income)) => self.payday_set(income).await,
            Some(PaydaysCommand::Remove { income }) => {
                let all = self.core.client.paydays().list().await?;
                let key = |one: &client::paydays::IncomeView| (one.income.id.to_string(), one.income.name.clone());
                let income = named(all, &income, "income", key)?.income;
                self.core.client.paydays().remove(income.id).await?;
                self.core.send_soon().await;
                Ok(Answer::new(json!({ "id": income.id }), format!("{} is removed.\n", income.name)))
            }
        }
    }

    async fn paydays_shown(&self) -> Done {
        let all = self.core.client.paydays().list().await?;
        let rows: Vec<_> = all
            .iter()
            .map(|one| {
                let next: Vec<String> = one.next.iter().map(ToString::to_string).collect();
                vec![one.income.name.clone(), one.income.amount.to_string(), next.join(", ")]
            })
            .collect();
        Ok(Answer::new(json!({ "items": to_json(&all)? }), table(&["Income", ">Amount", "Next"], &rows)))
    }

    /// The income of this name is changed; without one it is added.
    async fn payday_set(&self, typed: IncomeArguments) -> Done {
        let paydays = self.core.client.paydays();
        let known = paydays.list().await?;
        let key = |one: &client::paydays::IncomeView| (one.income.id.to_string(), one.income.name.clone());
        let before = match named(known, &typed.name, "income", key) {
            Ok(one) => Some(one.income),
            Err(failure) if failure.code == "not_found" => None,
            Err(failure) => return Err(failure),
        };
        let new = NewIncome {
            amount: amount(&typed.amount, currency(&typed.currency)?)?,
            cycle: typed.cycle.cycle()?,
            calendar: typed.calendar.map_or_else(
                || before.as_ref().map_or(Calendar::FederalReserve, |before| before.calendar),
                CalendarWord::calendar,
            ),
            roll: typed
                .roll
                .map_or_else(|| before.as_ref().map_or(Roll::Preceding, |before| before.roll), RollWord::roll),
            name: before.as_ref().map_or(typed.name, |before| before.name.clone()),
        };
        let id = paydays.put(before.map(|before| before.id), new).await?;
        self.core.send_soon().await;
        let all = paydays.list().await?;
        let kept = all.into_iter().find(|one| one.income.id == id).ok_or_else(|| Failure::not_found("income"))?;
        let next = kept.next.first().map_or_else(String::new, |on| format!(" Next pay day: {on}."));
        Ok(Answer::new(to_json(&kept)?, format!("{} is kept.{next}\n", kept.income.name)))
    }

    pub(super) async fn plan(&self, what: Option<PlanCommand>) -> Done {
        match what {
            None => self.plan_shown().await,
            Some(PlanCommand::Set(set)) => self.plan_set(set).await,
        }
    }

    async fn plan_shown(&self) -> Done {
        let view = self.core.client.plan().await?;
        let text = plan_words(&view);
        Ok(Answer::new(to_json(&view)?, text))
    }

    async fn plan_set(&self, set: PlanSettings) -> Done {
        let before = self.core.client.paydays().wishes().await?;
        let account = match set.account.as_deref() {
            None => before.account,
            Some("any") => None,
            Some(typed) => Some(self.account(typed).await?.account.id),
        };
        let view = self.core.client.plan().await?;
        let keep = match &set.keep {
            None => before.keep,
            Some(text) => {
                let of = account.and_then(|id| view.accounts.iter().find(|one| one.id == id)).or(view.account.as_ref());
                let of = of.ok_or_else(|| {
                    Failure::refused("not_found", "no account has a balance yet", "import a file of the account first")
                })?;
                Some(amount(text, of.balance.currency())?)
            }
        };
        let pace = set.pace.map_or(before.pace, super::arguments::PaceWord::pace);
        self.core.client.paydays().wish(account, keep, pace).await?;
        self.core.send_soon().await;
        let kept = self.core.client.paydays().wishes().await?;
        Ok(Answer::new(json!({ "wishes": to_json(&kept)? }), "The plan is made with that from now on.\n"))
    }
}

fn plan_words(view: &PayPlanView) -> String {
    let (Some(made), Some(account)) = (&view.figures, &view.account) else {
        return match view.missing {
            Some(PlanMissing::Balance) => {
                "No account has a balance: import a file of the one that bills are paid from.\n"
            }
            _ => "No pay days are known: say them with `paydays set`.\n",
        }
        .to_owned();
    };
    let safe = &made.safe;
    let until = safe.pay_on.map_or_else(|| format!("until {}", safe.until), |pay| format!("until pay day, {pay}"));
    let bills = if safe.count == 1 { "1 payment".to_owned() } else { format!("{} payments", safe.count) };
    let mut sum = vec![vec![account.name.clone(), safe.balance.to_string()]];
    let mut less = |what: String, money: domain::money::Money| {
        if !money.is_zero() {
            sum.push(vec![what, format!("-{money}")]);
        }
    };
    less("Sent, not taken yet".to_owned(), safe.on_its_way);
    less(format!("{bills} by {}", safe.until), safe.takes);
    less("Needed later".to_owned(), safe.held_back);
    less("Kept".to_owned(), safe.keep);
    sum.push(vec!["Safe".to_owned(), safe.left.to_string()]);
    let mut text = format!("Safe {until}: {}\n", safe.left);
    text += &table(&["", ">"], &sum);
    text += &fit_words(made);
    let rows: Vec<_> = made
        .payments
        .iter()
        .map(|one| {
            let about = if one.estimated { "about " } else { "" };
            vec![
                one.leaves_on.to_string(),
                one.name.clone(),
                format!("{about}{}", one.amount),
                one.falls_on.to_string(),
                why_words(one, view),
            ]
        })
        .collect();
    text + &table(&["Leaves", "Payment", ">Amount", "Due", "Why"], &rows)
}

fn fit_words(made: &PayPlanFigures) -> String {
    let Some(short) = &made.short else {
        return format!("Lowest: {} on {}.\n", made.lowest.amount, made.lowest.on);
    };
    let wait = match (short.would_help.as_slice(), short.next_pay_on) {
        ([], _) | (_, None) => String::new(),
        (names, Some(pay)) => format!(" It would fit if one of these could wait for {pay}: {}.", names.join(", ")),
    };
    format!("No plan fits: {} is missing from {} on.{wait}\n", short.by, short.on)
}

fn why_words(one: &PlannedView, view: &PayPlanView) -> String {
    match one.why {
        Why::Ordered => "ordered for that day".to_owned(),
        Why::AfterPay { pay_day, income } => {
            let from = view.incomes.iter().find(|known| known.income.id == income);
            from.map_or_else(
                || format!("after pay on {pay_day}"),
                |known| format!("after pay on {pay_day}, {}", known.income.name),
            )
        }
        Why::NoPayBefore => "no pay comes before it must leave".to_owned(),
        Why::AtTheLast => "the last day that is in time".to_owned(),
        Why::TooLate => "late: as soon as can be".to_owned(),
    }
}
