//! Autopay on this device: which bills are paid by themselves, on what terms, and what leaves next. Setting it needs the
//! server, which asks for a passkey where there is one; the terms come back in the feed.

use domain::autopay::{Autopay, AutopayState, AutopayTerms};
use domain::ids::{BillId, MutationId, PaymentId};
use domain::money::Money;
use domain::payments::PaymentState;
use jiff::civil::Date;
use serde::Serialize;

use crate::book::Book;
use crate::cache::autopay as rows;
use crate::cache::bills::PaymentRow;
use crate::client::Client;
use crate::cover::{Cover, Sources};
use crate::error::ClientError;
use crate::http::{Method as Verb, Sending};
use crate::security::VisitStarted;

/// A bill that is paid by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AutopayView {
    pub bill: BillId,
    pub name: String,
    pub terms: AutopayTerms,
    pub state: AutopayState,
    /// What it leaves from, as its owner calls it; absent: the balance that the server keeps.
    pub method_name: Option<String>,
    /// What leaves next, or waits for its person; none when nothing is ordered.
    pub next: Option<AutopayNext>,
    /// It was ordered, and has not left.
    pub ordered: u32,
}

/// The next payment of an autopay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AutopayNext {
    pub payment: PaymentId,
    /// What is expected to leave; worked out once more when its day comes.
    pub amount: Money,
    #[specta(type = String)]
    pub leaves_on: Date,
    #[specta(type = String)]
    pub due_on: Date,
    pub asks: AutopayAsks,
    /// Whether what it leaves from bears it.
    pub cover: Cover,
}

/// What a payment wants of its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AutopayAsks {
    /// It leaves by itself.
    Nothing,
    /// It leaves by itself, and is above what its person wanted to be warned of.
    Warns,
    /// It is above the cap, and will be asked about before its day.
    WillAsk,
    /// It waits for a yes.
    Asks,
}

/// What came of setting terms: they count, or a passkey has to be shown first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AutopaySetView {
    pub on: bool,
    pub visit: Option<VisitStarted>,
}

/// Autopay of this device's account.
#[derive(Clone)]
pub struct Autopays(pub(crate) Client);

impl Client {
    #[must_use]
    pub fn autopays(&self) -> Autopays {
        Autopays(self.clone())
    }
}

impl Autopays {
    /// By the name of the bill.
    pub async fn list(&self) -> Result<Vec<AutopayView>, ClientError> {
        let book = self.0.bills().book().await?;
        let (all, sources) = self
            .0
            .with(async |open| Ok((rows::all(open.cache.readers()).await?, Sources::read(&open.cache).await?)))
            .await?;
        let mut views: Vec<AutopayView> = all.iter().filter_map(|one| view(&book, &sources, one)).collect();
        views.sort_by_cached_key(|one| (one.name.to_lowercase(), one.bill));
        Ok(views)
    }

    /// Lets a bill be paid by itself on these terms.
    pub async fn set(
        &self,
        bill: BillId,
        terms: AutopayTerms,
        open_browser: bool,
    ) -> Result<AutopaySetView, ClientError> {
        let answer = self.0.call(Verb::Put, &path(bill), Sending::json(&terms)?).await?;
        let answer: api::autopay::AutopaySet = answer.json().await?;
        let visit = match answer.approve_at {
            Some(address) => Some(self.0.security().in_browser(address, open_browser).await?),
            None => None,
        };
        self.0.sync().now().await?;
        Ok(AutopaySetView { on: answer.set.is_some(), visit })
    }

    /// Nothing of it leaves until it goes on; with `false` it goes on.
    pub async fn pause(&self, bill: BillId, paused: bool) -> Result<(), ClientError> {
        let wish = api::autopay::AutopayPause { paused };
        let path = format!("{}/pause", path(bill));
        self.0.call(Verb::Post, &path, self.sending(Sending::json(&wish)?)).await?;
        self.0.sync().now().await
    }

    /// Turns it off: what has not left is taken back.
    pub async fn off(&self, bill: BillId) -> Result<(), ClientError> {
        self.0.call(Verb::Delete, &path(bill), self.sending(Sending::default())).await?;
        self.0.sync().now().await
    }

    fn sending(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}

fn path(bill: BillId) -> String {
    format!("/api/v1/bills/{bill}/autopay")
}

/// None where the bill is gone on this device already.
fn view(book: &Book, sources: &Sources, autopay: &Autopay) -> Option<AutopayView> {
    let bill = book.bill(autopay.bill)?;
    let terms = autopay.terms;
    let waiting = |row: &&PaymentRow| {
        let made = |answer: &api::payments::Payment| {
            let asks = answer.state == PaymentState::AwaitingApproval && answer.reason.as_deref() == Some("above_cap");
            let waits = answer.state.leaves_by_itself() || answer.state == PaymentState::Insufficient;
            asks || (answer.autopay && waits)
        };
        row.order.bill == Some(bill.id) && row.answer.as_ref().is_some_and(made)
    };
    let mut waiting: Vec<&PaymentRow> = book.payments.iter().filter(waiting).collect();
    waiting.sort_by_key(|row| row.answer.as_ref().map(|answer| answer.will_process_on));
    let method = terms.method.and_then(|id| sources.methods.iter().find(|method| method.id == id));
    Some(AutopayView {
        bill: bill.id,
        name: bill.name.clone(),
        terms,
        state: autopay.state,
        method_name: method.map(domain::methods::Method::name),
        next: waiting.first().and_then(|row| next(book, sources, &terms, row)),
        ordered: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
    })
}

fn next(book: &Book, sources: &Sources, terms: &AutopayTerms, row: &PaymentRow) -> Option<AutopayNext> {
    let answer = row.answer.as_ref()?;
    let amount = row.order.amount;
    let asks = match answer.state {
        PaymentState::AwaitingApproval => AutopayAsks::Asks,
        _ if !terms.covers(amount) => AutopayAsks::WillAsk,
        _ if terms.warns_of(amount) => AutopayAsks::Warns,
        _ => AutopayAsks::Nothing,
    };
    Some(AutopayNext {
        payment: row.order.id,
        amount,
        leaves_on: answer.will_process_on,
        due_on: row.order.due_on?,
        asks,
        cover: sources.cover(book, &row.order, answer.will_process_on),
    })
}

#[cfg(test)]
mod tests {
    use api::payments::{Payment, PaymentOrder};
    use api::sync::{Gone, Record};
    use domain::accounts::{Account, Keeping};
    use domain::autopay::AutopayAmount;
    use domain::ids::BillerId;
    use jiff::Timestamp;

    use super::*;
    use crate::client::lock;
    use crate::server_tests::{bill, card, signed_in, start_fake};
    use crate::testing::{World, day, usd};

    fn terms() -> AutopayTerms {
        AutopayTerms {
            amount: AutopayAmount::Left,
            cap: usd("50"),
            warn_above: Some(usd("30")),
            method: None,
            days_before: 0,
            ends_on: None,
            payments: None,
        }
    }

    fn payment(number: u8, amount: Money, state: PaymentState, leaves_on: &str) -> Payment {
        Payment {
            order: PaymentOrder {
                id: PaymentId::new(Timestamp::UNIX_EPOCH, [number; 10]),
                biller: BillerId::new(Timestamp::UNIX_EPOCH, [1; 10]),
                reference: None,
                amount,
                bill: Some(bill(1, "Phone").id),
                due_on: Some(day(leaves_on)),
                send_on: None,
                duplicate_meant: true,
                method: None,
            },
            state,
            reason: (state == PaymentState::AwaitingApproval).then(|| "above_cap".to_owned()),
            will_process_on: day(leaves_on),
            cutoff_at: Timestamp::UNIX_EPOCH,
            expected_by: day(leaves_on),
            rail: "sandbox".to_owned(),
            approve_by: None,
            held_until: None,
            autopay: state != PaymentState::AwaitingApproval,
            history: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_bill_that_is_paid_by_itself_says_what_leaves_next_and_whether_that_is_borne() {
        let (world, fake) = (World::new(), start_fake().await);
        let phone = bill(1, "Phone");
        let autopay = Autopay { bill: phone.id, terms: terms(), state: AutopayState::On, failures: 0 };
        let held = Account { keeping: Keeping::Served, available: Some(usd("60")), ..card() };
        let [next, later] = [(1, "2026-12-05"), (2, "2027-01-05")]
            .map(|(number, on)| payment(number, usd("40"), PaymentState::Scheduled, on));
        lock(&fake).snapshot = vec![
            Record::Account(held),
            Record::Bill(phone.clone()),
            Record::Payment(later),
            Record::Payment(next.clone()),
            Record::Autopay(autopay),
        ];
        let client = signed_in(&world, &fake).await;
        client.sync().now().await.unwrap();
        let only = async || {
            let mut all = client.autopays().list().await.unwrap();
            assert_eq!(all.len(), 1);
            all.remove(0)
        };
        let one = only().await;
        assert_eq!((one.name.as_str(), one.ordered, one.state), ("Phone", 2, AutopayState::On));
        let first = one.next.unwrap();
        assert_eq!((first.payment, first.leaves_on, first.asks), (next.id(), day("2026-12-05"), AutopayAsks::Warns));
        assert_eq!(first.cover, Cover::Bears { from: card().name });
        // It costs more now than there is, and than may leave by itself.
        lock(&fake).feed.push(Record::Payment(payment(1, usd("70"), PaymentState::Scheduled, "2026-12-05")));
        client.sync().now().await.unwrap();
        let first = only().await.next.unwrap();
        assert_eq!(first.asks, AutopayAsks::WillAsk);
        assert_eq!(first.cover, Cover::Short { from: card().name, by: usd("10") });
        lock(&fake).feed.push(Record::Payment(payment(1, usd("70"), PaymentState::AwaitingApproval, "2026-12-05")));
        client.sync().now().await.unwrap();
        assert_eq!(only().await.next.unwrap().asks, AutopayAsks::Asks);
        lock(&fake).feed.push(Record::Gone(Gone::Autopay { bill: phone.id }));
        client.sync().now().await.unwrap();
        assert_eq!(client.autopays().list().await.unwrap(), []);
        world.end().await;
    }
}
