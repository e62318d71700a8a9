//! Autopay on this device: which bills and cards are paid by themselves, on what terms, and what leaves next. Setting it
//! needs the server, which asks for a passkey where there is one; the terms come back in the feed.

use domain::autopay::{Autopay, AutopayOf, AutopayState, AutopayTerms};
use domain::ids::{MutationId, PaymentId};
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

/// A bill or card that is paid by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AutopayView {
    #[serde(flatten)]
    pub of: AutopayOf,
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
    /// By name.
    pub async fn list(&self) -> Result<Vec<AutopayView>, ClientError> {
        let book = self.0.bills().book().await?;
        let (all, sources) = self
            .0
            .with(async |open| Ok((rows::all(open.cache.readers()).await?, Sources::read(&open.cache).await?)))
            .await?;
        let mut views: Vec<AutopayView> = all.iter().filter_map(|one| view(&book, &sources, one)).collect();
        views.sort_by_cached_key(|one| (one.name.to_lowercase(), one.of));
        Ok(views)
    }

    /// Lets a bill or card be paid by itself on these terms.
    pub async fn set(
        &self,
        of: AutopayOf,
        terms: AutopayTerms,
        open_browser: bool,
    ) -> Result<AutopaySetView, ClientError> {
        let answer = self.0.call(Verb::Put, &path(of), Sending::json(&terms)?).await?;
        let answer: api::autopay::AutopaySet = answer.json().await?;
        let visit = match answer.approve_at {
            Some(address) => Some(self.0.security().in_browser(address, open_browser).await?),
            None => None,
        };
        self.0.sync().now().await?;
        Ok(AutopaySetView { on: answer.set.is_some(), visit })
    }

    /// Nothing of it leaves until it goes on; with `false` it goes on.
    pub async fn pause(&self, of: AutopayOf, paused: bool) -> Result<(), ClientError> {
        let wish = api::autopay::AutopayPause { paused };
        let path = format!("{}/pause", path(of));
        self.0.call(Verb::Post, &path, self.sending(Sending::json(&wish)?)).await?;
        self.0.sync().now().await
    }

    /// Turns it off: what has not left is taken back.
    pub async fn off(&self, of: AutopayOf) -> Result<(), ClientError> {
        self.0.call(Verb::Delete, &path(of), self.sending(Sending::default())).await?;
        self.0.sync().now().await
    }

    fn sending(&self, sending: Sending) -> Sending {
        Sending { idempotency: Some(self.0.fresh(MutationId::new)), ..sending }
    }
}

fn path(of: AutopayOf) -> String {
    match of {
        AutopayOf::Bill(bill) => format!("/api/v1/bills/{bill}/autopay"),
        AutopayOf::Card(card) => format!("/api/v1/cards/{card}/autopay"),
    }
}

/// None where what it pays is gone on this device already.
fn view(book: &Book, sources: &Sources, autopay: &Autopay) -> Option<AutopayView> {
    let of = autopay.of;
    let name = match of {
        AutopayOf::Bill(id) => book.bill(id)?.name.clone(),
        AutopayOf::Card(id) => book.cards.get(&AutopayOf::payee_of_card(id))?.label(),
    };
    let terms = autopay.terms;
    let waiting = |row: &&PaymentRow| {
        let made = |answer: &api::payments::Payment| {
            let asks = answer.state == PaymentState::AwaitingApproval && answer.reason.as_deref() == Some("above_cap");
            let waits = answer.state.leaves_by_itself() || answer.state == PaymentState::Insufficient;
            asks || (answer.autopay && waits)
        };
        AutopayOf::of_order(&row.order) == of && row.answer.as_ref().is_some_and(made)
    };
    let mut waiting: Vec<&PaymentRow> = book.payments.iter().filter(waiting).collect();
    waiting.sort_by_key(|row| row.answer.as_ref().map(|answer| answer.will_process_on));
    let method = terms.method.and_then(|id| sources.methods.iter().find(|method| method.id == id));
    Some(AutopayView {
        of,
        name,
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
        due_on: due_on(book, row)?,
        asks,
        cover: sources.cover(book, &row.order, answer.will_process_on),
    })
}

/// Of a card: the day that its last statement names.
fn due_on(book: &Book, row: &PaymentRow) -> Option<Date> {
    let of_card = || book.cards.get(&row.order.biller)?.issuer.as_ref()?.due_on;
    row.order.due_on.or_else(of_card)
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
    use crate::server_tests::{bill, card, signed_in, start_fake, store_card};
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

    #[test]
    fn an_account_is_told_from_another_of_its_name_by_its_last_digits() {
        let mut account = domain::accounts::Account { name: "Store card".to_owned(), ..card() };
        account.mask = Some("4417".to_owned());
        assert_eq!(account.label(), "Store card ··4417");
        account.name = "Store card 4417".to_owned();
        assert_eq!(account.label(), "Store card 4417", "once");
    }

    #[tokio::test]
    async fn a_card_that_is_paid_by_itself_says_what_its_statement_will_take() {
        let (world, fake) = (World::new(), start_fake().await);
        let store = store_card();
        let of = AutopayOf::Card(store.id);
        let autopay = Autopay {
            of,
            terms: AutopayTerms { amount: AutopayAmount::Statement, cap: usd("500"), warn_above: None, ..terms() },
            state: AutopayState::On,
            failures: 0,
        };
        let mut leaves = payment(1, usd("385"), PaymentState::Scheduled, "2026-11-30");
        leaves.order =
            PaymentOrder { biller: AutopayOf::payee_of_card(store.id), bill: None, due_on: None, ..leaves.order };
        let held = Account { keeping: Keeping::Served, available: Some(usd("300")), ..card() };
        lock(&fake).snapshot =
            vec![Record::Account(held), Record::Account(store), Record::Payment(leaves), Record::Autopay(autopay)];
        let client = signed_in(&world, &fake).await;
        client.sync().now().await.unwrap();
        let all = client.autopays().list().await.unwrap();
        assert_eq!(all.iter().map(|one| (one.of, one.name.as_str())).collect::<Vec<_>>(), [(of, "Store card")]);
        let next = all[0].next.clone().unwrap();
        assert_eq!((next.amount, next.leaves_on), (usd("385"), day("2026-11-30")));
        assert_eq!(next.due_on, day("2026-12-02"), "as its statement says");
        assert_eq!(next.cover, Cover::Short { from: card().name, by: usd("85") });
        // The day before it leaves, its person hears what will be taken and that it is not borne, once.
        world.at("2026-11-29T09:00:00Z");
        let told = client.reminders().run_once(false).await.unwrap();
        assert_eq!(told[0].title, "385.00 USD goes out by itself tomorrow");
        assert!(
            told[0].body.starts_with("Store card, from Card.") && told[0].body.contains("85.00 USD short"),
            "{told:?}"
        );
        assert!(told[0].urgent && client.reminders().run_once(false).await.unwrap().is_empty());
        world.end().await;
    }

    #[tokio::test]
    async fn a_bill_that_is_paid_by_itself_says_what_leaves_next_and_whether_that_is_borne() {
        let (world, fake) = (World::new(), start_fake().await);
        let phone = bill(1, "Phone");
        let autopay = Autopay { of: AutopayOf::Bill(phone.id), terms: terms(), state: AutopayState::On, failures: 0 };
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
        lock(&fake).feed.push(Record::Gone(Gone::Autopay { of: AutopayOf::Bill(phone.id) }));
        client.sync().now().await.unwrap();
        assert_eq!(client.autopays().list().await.unwrap(), []);
        world.end().await;
    }
}
