//! `billfold methods`: what payments may be drawn from, and what stops when one ends.

use client::methods::MethodView;
use domain::methods::MethodHealth;
use serde_json::json;

use super::arguments::MethodsCommand;
use super::table::table;
use super::{Answer, Done, Run, named, to_json, visit_started};
use crate::failure::Failure;

impl Run<'_> {
    pub(super) async fn methods(&self, what: Option<MethodsCommand>) -> Done {
        let methods = self.core.client.methods();
        match what {
            None => self.methods_shown().await,
            Some(MethodsCommand::Add { kind, no_browser }) => {
                Ok(visit_started(&methods.add(kind.into(), !no_browser).await?))
            }
            Some(MethodsCommand::Default { method, none }) => {
                let one = self.method(&method).await?;
                methods.set_default(one.method.id, !none).await?;
                self.methods_shown().await
            }
            Some(MethodsCommand::Remove { method }) => {
                let one = self.method(&method).await?;
                methods.remove(one.method.id).await?;
                let text = format!("{} is removed.\n", one.name);
                Ok(Answer::new(json!({ "id": one.method.id, "removed": true }), text))
            }
            Some(MethodsCommand::Replace { method, with, no_browser }) => {
                let (old, with) = (self.method(&method).await?, self.method(&with).await?);
                let replaced = methods.replace(old.method.id, with.method.id, !no_browser).await?;
                if let Some(visit) = &replaced.visit {
                    return Ok(visit_started(visit));
                }
                let (payments, bills) = replaced.done.map_or((0, 0), |done| (done.payments, done.autopays));
                let text = format!(
                    "{payments} payments and what pays {bills} bills and cards by itself leave from {} now.\n",
                    with.name
                );
                Ok(Answer::new(to_json(&replaced)?, text))
            }
        }
    }

    async fn methods_shown(&self) -> Done {
        let all = self.core.client.methods().list().await?;
        let rows: Vec<_> = all.iter().map(row).collect();
        let mut text = if rows.is_empty() {
            "There are no payment methods: payments leave from the balance that the server keeps.\n".to_owned()
        } else {
            table(&["Method", "Standing", "Leaves", "First", "Id"], &rows)
        };
        for one in &all {
            for bill in one.autopays.iter().filter(|bill| bill.stops) {
                text.push_str(&format!(
                    "{} is paid from {} by itself, which ends before that does: replace it.\n",
                    bill.name, one.name
                ));
            }
            for stops in one.leaving.iter().filter(|leaving| leaving.stops) {
                text.push_str(&format!(
                    "{} to {} on {} will fail: {} is good no more by then. Replace it.\n",
                    stops.amount, stops.to, stops.on, one.name
                ));
            }
        }
        Ok(Answer::new(json!({ "items": to_json(&all)? }), text))
    }

    pub(super) async fn method(&self, typed: &str) -> Result<MethodView, Failure> {
        let all = self.core.client.methods().list().await?;
        named(all, typed, "payment method", |one| (one.method.id.to_string(), one.method.last_four.clone()))
    }
}

fn row(one: &MethodView) -> Vec<String> {
    let standing = match (&one.health, one.waits_until) {
        (MethodHealth::Frozen, _) => "frozen".to_owned(),
        (MethodHealth::Expired { on }, _) => format!("expired on {on}"),
        (_, Some(until)) => format!("pays from {until}"),
        (MethodHealth::ExpiresSoon { on }, None) => format!("expires on {on}"),
        (MethodHealth::Good, None) => "good".to_owned(),
    };
    let first = if one.method.is_default { "yes" } else { "" };
    vec![one.name.clone(), standing, one.leaving.len().to_string(), first.to_owned(), one.method.id.to_string()]
}
