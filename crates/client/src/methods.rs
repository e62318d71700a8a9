//! Payment methods: what payments may be drawn from beside the balance that the server keeps, and what stops when one ends.
//! A number is never typed here: the server's own page takes it, in the browser.

use domain::autopay::{Autopay, AutopayOf};
use domain::ids::{BillerId, MethodId, MutationId, PaymentId};
use domain::methods::{Expiry, Method, MethodHealth, MethodKind};
use domain::money::Money;
use domain::payments::PaymentState;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::book::Book;
use crate::cache::{autopay, methods};
use crate::client::Client;
use crate::error::ClientError;
use crate::http::{Method as Verb, Sending};
use crate::security::VisitStarted;

const METHODS: &str = "/api/v1/methods";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct MethodView {
    pub method: Method,
    /// Brand and last four.
    pub name: String,
    pub health: MethodHealth,
    /// Payments wait until then; absent: it pays at once.
    #[specta(type = Option<String>)]
    pub waits_until: Option<Timestamp>,
    /// What leaves from it and has not left.
    pub leaving: Vec<Leaving>,
    /// The bills and cards that are paid from it by themselves.
    pub autopays: Vec<Drawing>,
}

/// A bill or a card that is paid by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Drawing {
    #[serde(flatten)]
    pub of: AutopayOf,
    pub name: String,
    /// The method ends, or is frozen, before it does: its later payments will fail unless the method is replaced.
    pub stops: bool,
}

/// A payment that has not left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Leaving {
    pub payment: PaymentId,
    pub to: String,
    pub amount: Money,
    #[specta(type = String)]
    pub on: Date,
    /// By then nothing can be drawn from the method any more: it will fail unless the method is replaced.
    pub stops: bool,
}

/// What came of replacing a method: it is done, or a passkey has to be shown first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct MethodReplacedView {
    pub done: Option<MovedView>,
    pub visit: Option<VisitStarted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct MovedView {
    pub payments: u32,
    /// Bills and cards that are paid by themselves from the other one now.
    pub autopays: u32,
    /// The old one is gone.
    pub removed: bool,
}

/// Payment methods of this device's account.
#[derive(Clone)]
pub struct Methods(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn methods(&self) -> Methods {
        Methods(self.clone())
    }
}

impl Methods {
    /// The one that is offered first comes first, then in the order in which they were added.
    pub async fn list(&self) -> Result<Vec<MethodView>, ClientError> {
        let book = self.0.bills().book().await?;
        self.list_in(&book).await
    }

    pub(crate) async fn list_in(&self, book: &Book) -> Result<Vec<MethodView>, ClientError> {
        let (mut all, autopays) = self
            .0
            .with(async |open| {
                let db = open.cache.readers();
                Ok((methods::all(db).await?, autopay::all(db).await?))
            })
            .await?;
        all.sort_by_key(|method| !method.is_default);
        let (today, now) = (self.0.today(), self.0.now());
        Ok(all.into_iter().map(|method| view(book, &autopays, method, today, now)).collect())
    }

    /// Begins to add a method: its number is typed on the server's page, in the browser.
    pub async fn add(&self, kind: MethodKind, open_browser: bool) -> Result<VisitStarted, ClientError> {
        let wish = api::methods::AddMethod { id: self.0.fresh(MethodId::new), kind };
        let answer = self.0.call(Verb::Post, METHODS, self.sending(Sending::json(&wish)?)).await?;
        self.0.security().in_browser(answer.json().await?, open_browser).await
    }

    /// Makes it the one that is offered first, or no longer.
    pub async fn set_default(&self, id: MethodId, is_default: bool) -> Result<(), ClientError> {
        let edit = api::methods::MethodEdit { is_default };
        self.0.call(Verb::Patch, &format!("{METHODS}/{id}"), self.sending(Sending::json(&edit)?)).await?;
        self.0.sync().now().await
    }

    /// Removes one from which nothing leaves.
    pub async fn remove(&self, id: MethodId) -> Result<(), ClientError> {
        self.0.call(Verb::Delete, &format!("{METHODS}/{id}"), self.sending(Sending::default())).await?;
        self.0.sync().now().await
    }

    /// Moves everything that has not left from one method to another, in one step.
    pub async fn replace(
        &self,
        old: MethodId,
        with: MethodId,
        open_browser: bool,
    ) -> Result<MethodReplacedView, ClientError> {
        let wish = api::methods::ReplaceMethod { with };
        let path = format!("{METHODS}/{old}/replace");
        let answer = self.0.call(Verb::Post, &path, self.sending(Sending::json(&wish)?)).await?;
        let answer: api::methods::MethodReplaced = answer.json().await?;
        let visit = match answer.approve_at {
            Some(address) => Some(self.0.security().in_browser(address, open_browser).await?),
            None => None,
        };
        self.0.sync().now().await?;
        let done = answer.done.map(|done| MovedView {
            payments: done.payments,
            autopays: done.autopays,
            removed: done.removed,
        });
        Ok(MethodReplacedView { done, visit })
    }

    fn sending(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}

fn view(book: &Book, autopays: &[Autopay], method: Method, today: Date, now: Timestamp) -> MethodView {
    let leaving = book.payments.iter().filter(|row| row.order.method == Some(method.id));
    let leaving = leaving.filter_map(|row| {
        let answer = row.answer.as_ref()?;
        let has_not_left = answer.state.leaves_by_itself()
            || matches!(answer.state, PaymentState::AwaitingApproval | PaymentState::Insufficient);
        let on = answer.will_process_on;
        has_not_left.then(|| Leaving {
            payment: row.order.id,
            to: crate::payments::payee(book, &row.order),
            amount: row.order.amount,
            on,
            stops: method.drawable(on.max(today)).is_err(),
        })
    });
    let mut leaving: Vec<Leaving> = leaving.collect();
    leaving.sort_by_key(|one| one.on);
    let ends = method.frozen.then_some(today).or_else(|| method.expiry.and_then(Expiry::last_day));
    let drawing = autopays.iter().filter(|one| one.terms.method == Some(method.id));
    let drawing = drawing.filter_map(|one| {
        // A card may be used in any month to come, so there is always a statement after this one.
        let (name, goes_on) = match one.of {
            AutopayOf::Bill(id) => {
                let bill = book.bill(id)?;
                (bill.name.clone(), ends.is_some_and(|ends| book.falls_after(bill, ends)))
            }
            AutopayOf::Card(id) => (book.cards.get(&BillerId::from_uuid(id.as_uuid()))?.label(), true),
        };
        let stops = ends.is_some_and(|ends| goes_on && one.terms.ends_on.is_none_or(|on| on > ends));
        Some(Drawing { of: one.of, name, stops })
    });
    MethodView {
        name: method.name(),
        health: method.health(today),
        waits_until: Some(method.usable_from).filter(|from| *from > now),
        leaving,
        autopays: drawing.collect(),
        method,
    }
}

#[cfg(test)]
mod tests {
    use api::sync::Record;
    use domain::autopay::{AutopayAmount, AutopayState, AutopayTerms};

    use super::*;
    use crate::client::lock;
    use crate::server_tests::{signed_in, start_fake, store_card};
    use crate::testing::{World, day, usd, with_method};

    #[tokio::test]
    async fn a_card_that_is_paid_by_itself_is_listed_with_the_method_it_is_paid_from() {
        let (world, fake) = (World::new(), start_fake().await);
        let store = store_card();
        lock(&fake).snapshot = vec![Record::Account(store.clone())];
        let client = signed_in(&world, &fake).await;
        client.sync().now().await.unwrap();
        let method = with_method(&client, Expiry { year: 2027, month: 1 }).await;
        let of = AutopayOf::Card(store.id);
        for (ends_on, stops) in [(None, true), (Some(day("2027-01-20")), false), (Some(day("2027-03-01")), true)] {
            let terms = AutopayTerms {
                amount: AutopayAmount::Statement,
                cap: usd("500"),
                warn_above: None,
                method: Some(method),
                days_before: 0,
                ends_on,
                payments: None,
            };
            let autopay = Autopay { of, terms, state: AutopayState::On, failures: 0 };
            lock(&fake).feed.push(Record::Autopay(autopay));
            client.sync().now().await.unwrap();
            let listed = client.methods().list().await.unwrap().remove(0).autopays;
            assert_eq!(listed, [Drawing { of, name: store.label(), stops }], "ends on {ends_on:?}");
        }
        world.end().await;
    }
}
