//! Suggestions as a person meets them: found, accepted once, dismissed for good, and on all devices.

use domain::accounts::{Transaction, TransactionState};
use domain::money::Currency;
use domain::schedule::Every;

use super::*;
use crate::bills::MarkAs;
use crate::testing::{World, day, monthly, usd, with_balance, with_biller};

/// Lines of the account that `with_balance` makes, as an import would have brought them.
async fn spends(client: &Client, lines: &[(&str, &str, &str)], kind: TransactionKind) {
    let account = client.accounts().list().await.unwrap()[0].account.id;
    let open = client.opened().unwrap();
    let mut tx = open.cache.begin().await.unwrap();
    let numbers = accounts::numbers_of(&mut tx, [(account, Currency::USD)].into_iter()).await.unwrap();
    let made: Vec<Transaction> = lines
        .iter()
        .map(|(on, amount, description)| Transaction {
            id: client.fresh(TransactionId::new),
            account,
            posted_on: day(on),
            amount: Money::zero(Currency::USD).minus(usd(amount)).unwrap(),
            description: (*description).to_owned(),
            memo: None,
            kind,
            state: TransactionState::Posted,
            source: None,
        })
        .collect();
    let made: Vec<&Transaction> = made.iter().collect();
    crate::cache::transactions::apply_all(&mut tx, &numbers, &made).await.unwrap();
    tx.commit().await.unwrap();
    open.read_names().await.unwrap();
}

const TV: [(&str, &str, &str); 4] = [
    ("2026-08-08", "11.99", "PAPERKITE TV 8841"),
    ("2026-09-08", "11.99", "POS DEBIT PAPERKITE TV"),
    ("2026-10-08", "11.99", "PAPERKITE TV 1102"),
    ("2026-11-09", "13.99", "PAPERKITE TV 2203"),
];

#[tokio::test]
async fn a_suggestion_shows_its_lines_and_is_accepted_in_one_step_and_once() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "500").await;
    spends(&client, &TV, TransactionKind::Debit).await;
    let found = client.suggestions().list().await.unwrap();
    assert_eq!(found.len(), 1);
    let tv = &found[0];
    assert_eq!((tv.payee.as_str(), tv.amount, tv.varies, tv.lines), ("Paperkite Tv", usd("13.99"), false, 4));
    assert_eq!((tv.cadence, tv.next_on), (Cadence::Monthly, day("2026-12-08")));
    assert_eq!((tv.evidence[0].on, tv.evidence[0].account_name.as_str()), (day("2026-11-09"), "Checking"));
    assert_eq!(tv.evidence[1].description, "PAPERKITE TV 1102");
    let bill = client.suggestions().accept(tv.id).await.unwrap();
    let kept = client.bills().find(bill).await.unwrap();
    assert_eq!((kept.schedule.every, kept.schedule.day, kept.amount), (Every::Month, Some(8), usd("13.99")));
    assert_eq!(kept.origin, Some(tv.id.to_string()));
    assert!(!kept.remind_days.is_empty(), "as the settings say");
    assert!(client.suggestions().list().await.unwrap().is_empty());
    assert_eq!(client.suggestions().accept(tv.id).await.unwrap_err().code, "not_found", "never twice");
    client.bills().remove(bill).await.unwrap();
    assert!(client.suggestions().list().await.unwrap().is_empty(), "a bill that was removed does not come back");
    world.end().await;
}

#[tokio::test]
async fn dismissed_stays_dismissed_until_it_is_taken_back() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "500").await;
    spends(&client, &TV, TransactionKind::Debit).await;
    let id = client.suggestions().list().await.unwrap()[0].id;
    client.suggestions().dismiss(id).await.unwrap();
    assert!(client.suggestions().list().await.unwrap().is_empty());
    spends(&client, &[("2026-11-19", "3", "WINDROW MARKET")], TransactionKind::Debit).await;
    let client = world.restart(client).await;
    assert!(client.suggestions().list().await.unwrap().is_empty(), "also after a new start and more lines");
    client.suggestions().restore(id).await.unwrap();
    assert_eq!(client.suggestions().list().await.unwrap()[0].id, id);
    world.end().await;
}

#[tokio::test]
async fn what_is_a_bill_already_or_stays_the_persons_own_is_not_suggested() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "500").await;
    spends(&client, &TV, TransactionKind::Transfer).await;
    assert!(client.suggestions().list().await.unwrap().is_empty(), "a transfer");
    spends(&client, &TV, TransactionKind::Purchase).await;
    assert_eq!(client.suggestions().list().await.unwrap().len(), 1);
    client.bills().add(monthly("Paperkite TV", "12.99", "2026-12-08")).await.unwrap();
    assert!(client.suggestions().list().await.unwrap().is_empty(), "typed by hand");
    world.end().await;
}

#[tokio::test]
async fn a_biller_of_the_directory_is_taken_along() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "500").await;
    let biller = with_biller(&client).await;
    let lines = ["2026-08-20", "2026-09-20", "2026-10-20", "2026-11-20"].map(|on| (on, "40", "NORTHFOLD PHONE 1200"));
    spends(&client, &lines, TransactionKind::Debit).await;
    let one = client.suggestions().list().await.unwrap().remove(0);
    assert_eq!((one.payee.as_str(), one.biller, one.payable), ("Northfold Phone", Some(biller), true));
    let bill = client.suggestions().accept(one.id).await.unwrap();
    let view = client.bills().view().await.unwrap();
    assert!(view.bills[0].payable);
    client.bills().mark(bill, day("2026-12-20"), MarkAs::Skipped).await.unwrap();
    world.end().await;
}
