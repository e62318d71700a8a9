//! `billfold autopay`: which bills and cards are paid by themselves, on what terms, and what leaves next.

use client::ClientError;
use client::autopay::{AutopayAsks, AutopayNext, AutopayView};
use client::cover::Cover;
use domain::autopay::{AutopayAmount, AutopayOf, AutopayState, AutopayTerms};
use domain::money::{Currency, Money};
use serde_json::json;

use super::arguments::{AutopayCommand, AutopaySettings, OfCard, PaidByItself};
use super::table::table;
use super::{Answer, Done, Run, amount, to_json, visit_started};
use crate::failure::Failure;

impl Run<'_> {
    pub(super) async fn autopay(&self, what: Option<AutopayCommand>) -> Done {
        let autopays = self.core.client.autopays();
        match what {
            None => {}
            Some(AutopayCommand::Set(settings)) => return self.autopay_set(settings).await,
            Some(AutopayCommand::Pause { what }) => {
                autopays.pause(self.paid_by_itself(&what).await?.0, true).await.map_err(missed)?
            }
            Some(AutopayCommand::Resume { what }) => {
                autopays.pause(self.paid_by_itself(&what).await?.0, false).await.map_err(missed)?
            }
            Some(AutopayCommand::Off { what }) => {
                autopays.off(self.paid_by_itself(&what).await?.0).await.map_err(missed)?
            }
        }
        self.autopays_shown().await
    }

    /// What is meant, and its currency.
    async fn paid_by_itself(&self, what: &PaidByItself) -> Result<(AutopayOf, Currency), Failure> {
        if let Some(typed) = &what.card {
            let card = self.served(typed).await?;
            return Ok((AutopayOf::Card(card.id), card.currency));
        }
        let bill = self.bill(what.bill.as_deref().unwrap_or_default()).await?;
        Ok((AutopayOf::Bill(bill.id), bill.amount.currency()))
    }

    async fn autopay_set(&self, settings: AutopaySettings) -> Done {
        let (of, currency) = self.paid_by_itself(&settings.what).await?;
        let typed = |text: &Option<String>| text.as_deref().map(|text| amount(text, currency)).transpose();
        let method = match &settings.from {
            Some(typed) => Some(self.method(typed).await?.method.id),
            None => None,
        };
        let terms = AutopayTerms {
            amount: each(of, settings.pay, typed(&settings.amount)?)?,
            cap: amount(&settings.cap, currency)?,
            warn_above: typed(&settings.warn_above)?,
            method,
            days_before: settings.days_before,
            ends_on: settings.until,
            payments: settings.times,
        };
        let set = self.core.client.autopays().set(of, terms, !settings.no_browser).await?;
        match &set.visit {
            Some(visit) => Ok(visit_started(visit)),
            None => self.autopays_shown().await,
        }
    }

    async fn autopays_shown(&self) -> Done {
        let all = self.core.client.autopays().list().await?;
        let rows: Vec<_> = all.iter().map(row).collect();
        let mut text = if rows.is_empty() {
            "No bill and no card is paid by itself.\n".to_owned()
        } else {
            table(&["Name", "Standing", "Each time", ">Cap", "From", "Next"], &rows)
        };
        for (one, next) in all.iter().filter_map(|one| Some((one, one.next.as_ref()?))) {
            if let Some(trouble) = trouble(next) {
                text.push_str(&format!("{} on {} for {}: {trouble}\n", next.amount, next.leaves_on, one.name));
            }
        }
        Ok(Answer::new(json!({ "items": to_json(&all)? }), text))
    }
}

/// What was found by its name is there: the server misses its autopay.
fn missed(error: ClientError) -> Failure {
    match error.code.as_str() {
        "not_found" => Failure::refused("not_found", "this is not paid by itself", "see what is: `billfold autopay`"),
        _ => error.into(),
    }
}

/// What is paid each time.
fn each(of: AutopayOf, pay: Option<OfCard>, amount: Option<Money>) -> Result<AutopayAmount, Failure> {
    if pay.is_some() && of.card().is_none() {
        return Err(Failure::usage("--pay is for a card: name it with --card"));
    }
    Ok(match (pay, amount, of) {
        (Some(OfCard::Minimum), ..) => AutopayAmount::Minimum,
        (Some(OfCard::Statement), ..) => AutopayAmount::Statement,
        (Some(OfCard::Current), ..) => AutopayAmount::Current,
        (None, Some(amount), _) => AutopayAmount::Fixed { amount },
        (None, None, AutopayOf::Bill(_)) => AutopayAmount::Left,
        (None, None, AutopayOf::Card(_)) => {
            return Err(Failure::usage("say how much of the card: --pay minimum, statement or current, or --amount"));
        }
    })
}

fn row(one: &AutopayView) -> Vec<String> {
    let standing = match one.state {
        AutopayState::On => "on",
        AutopayState::Paused => "paused",
        AutopayState::Failing => "stopped: payments failed",
        AutopayState::Changed => "stopped: the bill changed",
    };
    let each = match one.terms.amount {
        AutopayAmount::Left => "what is left".to_owned(),
        AutopayAmount::Fixed { amount } => amount.to_string(),
        AutopayAmount::Minimum => "the minimum".to_owned(),
        AutopayAmount::Statement => "the statement".to_owned(),
        AutopayAmount::Current => "all that is owed".to_owned(),
    };
    let from = one.method_name.clone().unwrap_or_else(|| "balance".to_owned());
    let next = one.next.as_ref().map_or_else(String::new, |next| format!("{} on {}", next.amount, next.leaves_on));
    vec![one.name.clone(), standing.to_owned(), each, one.terms.cap.to_string(), from, next]
}

/// What its person has to know of what leaves next.
fn trouble(next: &AutopayNext) -> Option<String> {
    Some(match (next.asks, &next.cover) {
        (AutopayAsks::Asks, _) => format!("it waits for your yes: billfold approve {}", next.payment),
        (AutopayAsks::WillAsk, _) => "it is above the cap and will be asked about before it leaves".to_owned(),
        (_, Cover::Short { from, by }) => format!("{from} is {by} short"),
        (_, Cover::MethodEnds { from }) => format!("{from} is good no more by then: replace it"),
        (AutopayAsks::Warns, _) => "it is above your warning".to_owned(),
        (AutopayAsks::Nothing, Cover::Bears { .. } | Cover::Drawn { .. } | Cover::Unknown) => return None,
    })
}
