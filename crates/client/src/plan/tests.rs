//! The plan as a person sees it: from what is kept on this device, online or not.

use domain::calendar::Roll;
use domain::paydays::PayCycle;
use domain::plan::Pace;

use super::*;
use crate::bills::{MarkAs, NewBill};
use crate::paydays::NewIncome;
use crate::payments::PayBill;
use crate::testing::{World, day, monthly, usd, with_balance, with_biller};

fn clinic() -> NewIncome {
    NewIncome {
        name: "Tern Harbor Clinic".to_owned(),
        amount: usd("1486"),
        cycle: PayCycle::TwoWeekly { anchor: day("2026-12-04") },
        calendar: Calendar::FederalReserve,
        roll: Roll::Preceding,
    }
}

async fn figures(client: &Client) -> PayPlanFigures {
    client.plan().await.unwrap().figures.unwrap()
}

#[tokio::test]
async fn safe_until_pay_day_adds_up_and_names_its_lines() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "1100").await;
    client.paydays().put(None, clinic()).await.unwrap();
    client.bills().add(monthly("Rent", "950", "2026-12-01")).await.unwrap();
    client.bills().add(monthly("Phone", "40", "2026-12-10")).await.unwrap();
    let made = figures(&client).await;
    let safe = &made.safe;
    assert_eq!((safe.until, safe.pay_on), (day("2026-12-03"), Some(day("2026-12-04"))));
    assert_eq!((safe.balance, safe.takes, safe.count, safe.left), (usd("1100"), usd("950"), 1, usd("150")));
    assert_eq!(made.periods[1].closing, usd("1596"), "150 and 1,486 less 40");
    let phone = made.payments.iter().find(|one| one.name == "Phone").unwrap();
    let income = client.paydays().list().await.unwrap()[0].income.id;
    assert_eq!(phone.why, Why::AfterPay { pay_day: day("2026-12-04"), income });
    assert_eq!((phone.leaves_on, phone.falls_on), (day("2026-12-04"), day("2026-12-10")), "the due date never moves");
    assert_eq!((made.lowest.amount, &made.short), (usd("150"), &None));
    assert!(made.balances.windows(2).all(|pair| pair[0].on < pair[1].on));
    world.end().await;
}

#[tokio::test]
async fn an_estimated_bill_is_planned_with_the_most_that_it_did_cost() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "1100").await;
    client.paydays().put(None, clinic()).await.unwrap();
    let bill = NewBill { estimated: true, ..monthly("Power", "60", "2026-08-28") };
    let power = client.bills().add(bill).await.unwrap();
    for (due_on, amount) in [("2026-08-28", "55"), ("2026-09-28", "88"), ("2026-10-28", "61")] {
        let paid = MarkAs::Paid { amount: Some(usd(amount)) };
        client.bills().mark(power, day(due_on), MarkAs::Amount { amount: usd(amount) }).await.unwrap();
        client.bills().mark(power, day(due_on), paid).await.unwrap();
    }
    let made = figures(&client).await;
    let next = &made.payments[0];
    assert_eq!((next.due_on, next.amount, next.usually), (Some(day("2026-11-28")), usd("88"), Some(usd("60"))));
    assert_eq!(made.safe.left, usd("1012"));
    // Once the bill has arrived, its amount is known.
    client.bills().mark(power, day("2026-11-28"), MarkAs::Amount { amount: usd("70") }).await.unwrap();
    let made = figures(&client).await;
    assert_eq!((made.payments[0].amount, made.payments[0].usually), (usd("70"), None));
    world.end().await;
}

#[tokio::test]
async fn without_pay_days_or_a_balance_it_says_what_is_missing() {
    let world = World::new();
    let client = world.start().await;
    assert_eq!(client.plan().await.unwrap().missing, Some(PlanMissing::PayDays));
    client.paydays().put(None, clinic()).await.unwrap();
    let view = client.plan().await.unwrap();
    assert_eq!((view.missing, view.figures), (Some(PlanMissing::Balance), None));
    assert_eq!(view.incomes[0].next[0], day("2026-11-20"), "today counts");
    with_balance(&client, "10").await;
    assert_eq!(client.plan().await.unwrap().missing, None);
    world.end().await;
}

#[tokio::test]
async fn a_payment_that_was_ordered_counts_once_and_keeps_its_day() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "500").await;
    client.paydays().put(None, clinic()).await.unwrap();
    let biller = with_biller(&client).await;
    let bill = NewBill { biller: Some(biller), ..monthly("Phone", "40", "2026-12-10") };
    let bill = client.bills().add(bill).await.unwrap();
    let send_on = Some(day("2026-12-02"));
    let order = PayBill {
        bill: Some(bill),
        due_on: None,
        biller: None,
        amount: usd("40"),
        send_on,
        duplicate_meant: false,
        method: None,
    };
    let payment = client.payments().pay_bill(order).await.unwrap();
    let made = figures(&client).await;
    let of_december: Vec<_> = made.payments.iter().filter(|one| one.falls_on == day("2026-12-10")).collect();
    assert_eq!(of_december.len(), 1);
    assert_eq!((of_december[0].why, of_december[0].payment), (Why::Ordered, Some(payment.id)));
    assert_eq!(of_december[0].leaves_on, day("2026-12-02"));
    assert_eq!((made.safe.takes, made.safe.left), (usd("40"), usd("460")));
    world.end().await;
}

#[tokio::test]
async fn what_is_wanted_of_the_plan_changes_it_and_is_checked() {
    let world = World::new();
    let client = world.start().await;
    with_balance(&client, "1000").await;
    client.paydays().put(None, clinic()).await.unwrap();
    client.bills().add(monthly("Rent", "980", "2026-12-01")).await.unwrap();
    let account = client.plan().await.unwrap().account.unwrap().id;
    client.paydays().wish(Some(account), Some(usd("100")), Pace::AtTheLast).await.unwrap();
    let made = figures(&client).await;
    assert_eq!((made.payments[0].leaves_on, made.payments[0].why), (day("2026-12-01"), Why::AtTheLast));
    assert_eq!(made.safe.left, usd("-80"));
    let short = made.short.unwrap();
    assert_eq!((short.on, short.by, short.next_pay_on), (day("2026-12-01"), usd("80"), Some(day("2026-12-04"))));
    assert_eq!(short.would_help, ["Rent"]);
    let below = client.paydays().wish(None, Some(usd("-1")), Pace::AfterPay).await;
    assert_eq!(below.unwrap_err().code, "invalid_amount");
    let nobodys = AccountId::new("2026-01-01T00:00:00Z".parse().unwrap(), [9; 10]);
    let unknown = client.paydays().wish(Some(nobodys), None, Pace::AfterPay).await;
    assert_eq!(unknown.unwrap_err().code, "not_found");
    world.end().await;
}

#[tokio::test]
async fn an_income_is_changed_and_removed_and_bad_ones_are_refused() {
    let world = World::new();
    let client = world.start().await;
    let id = client.paydays().put(None, clinic()).await.unwrap();
    let last = NewIncome { cycle: PayCycle::LastWorkingDay, ..clinic() };
    client.paydays().put(Some(id), last.clone()).await.unwrap();
    let all = client.paydays().list().await.unwrap();
    assert_eq!((all.len(), all[0].next[0]), (1, day("2026-11-30")));
    let next = client.paydays().next_days(clinic()).unwrap();
    assert_eq!(next[..3], ["2026-11-20", "2026-12-04", "2026-12-18"].map(day));
    let nothing = NewIncome { amount: usd("0"), ..clinic() };
    assert_eq!(client.paydays().put(None, nothing).await.unwrap_err().code, "invalid_amount");
    client.paydays().remove(id).await.unwrap();
    assert_eq!(client.paydays().put(Some(id), last).await.unwrap_err().code, "not_found");
    assert_eq!(client.paydays().remove(id).await.unwrap_err().code, "not_found");
    world.end().await;
}
