//! `billfold suggestions`: recurring bills found in transactions, with the lines they were found in.

use client::suggestions::SuggestionView;
use domain::suggestions::Cadence;
use serde_json::json;

use super::arguments::SuggestionsCommand;
use super::table::table;
use super::{Answer, Done, Run, named, to_json};
use crate::failure::Failure;

impl Run<'_> {
    pub(super) async fn suggestions(&self, what: Option<SuggestionsCommand>) -> Done {
        let suggestions = self.core.client.suggestions();
        match what {
            None => self.suggestions_shown().await,
            Some(SuggestionsCommand::Accept { suggestion }) => {
                let one = self.suggestion(&suggestion).await?;
                let bill = suggestions.accept(one.id).await?;
                self.core.send_soon().await;
                let text = format!("{} is a bill now, next due {}.\n", one.payee, one.next_on);
                Ok(Answer::new(json!({ "id": one.id, "bill": bill }), text))
            }
            Some(SuggestionsCommand::Dismiss { suggestion }) => {
                let one = self.suggestion(&suggestion).await?;
                suggestions.dismiss(one.id).await?;
                self.core.send_soon().await;
                let text = format!("{} will not be suggested again.\n", one.payee);
                Ok(Answer::new(json!({ "id": one.id, "dismissed": true }), text))
            }
            Some(SuggestionsCommand::Restore { suggestion }) => {
                let id = suggestion.parse().map_err(|_| Failure::not_found("suggestion"))?;
                suggestions.restore(id).await?;
                self.core.send_soon().await;
                Ok(Answer::new(json!({ "id": id, "dismissed": false }), "It may be suggested again.\n"))
            }
        }
    }

    async fn suggestions_shown(&self) -> Done {
        let all = self.core.client.suggestions().list().await?;
        let rows: Vec<_> = all
            .iter()
            .map(|one| {
                let about = if one.varies { "about " } else { "" };
                vec![
                    one.payee.clone(),
                    format!("{about}{}", one.amount),
                    cadence_words(one.cadence).to_owned(),
                    one.next_on.to_string(),
                    format!("{} %", one.confidence),
                    format!("{} lines", one.lines),
                    one.id.to_string(),
                ]
            })
            .collect();
        let text = if rows.is_empty() {
            "Nothing was found that is not a bill already.\n".to_owned()
        } else {
            table(&["Payee", ">Amount", "Comes", "Next", ">Sure", "Found in", "Id"], &rows)
        };
        Ok(Answer::new(json!({ "items": to_json(&all)? }), text))
    }

    async fn suggestion(&self, typed: &str) -> Result<SuggestionView, Failure> {
        let all = self.core.client.suggestions().list().await?;
        named(all, typed, "suggestion", |one| (one.id.to_string(), one.payee.clone()))
    }
}

const fn cadence_words(cadence: Cadence) -> &'static str {
    match cadence {
        Cadence::Weekly => "each week",
        Cadence::TwoWeekly => "every second week",
        Cadence::FourWeekly => "every fourth week",
        Cadence::Monthly => "each month",
        Cadence::Quarterly => "each quarter",
        Cadence::Yearly => "each year",
    }
}
