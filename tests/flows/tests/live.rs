//! Two devices that are open at once: what one changes stands on the other through the event stream, and when both take
//! the same payment back, it is cancelled once.

use client::payments::{PayBill, PaymentViewState};
use domain::money::{Currency, Money};
use flows::browser::Browser;
use flows::device::Device;
use flows::process::wait_for;
use flows::server::{Engine, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_on_one_device_is_seen_on_the_other_at_once_and_cancelled_once_on_sqlite() {
    a_payment_on_one_device_is_seen_on_the_other_at_once_and_cancelled_once(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_on_one_device_is_seen_on_the_other_at_once_and_cancelled_once_on_postgresql() {
    a_payment_on_one_device_is_seen_on_the_other_at_once_and_cancelled_once(Engine::Postgres).await;
}

async fn a_payment_on_one_device_is_seen_on_the_other_at_once_and_cancelled_once(engine: Engine) {
    let Some(mut server) = Server::start(engine, &["--policy", "personal"]) else { return };
    let browser = Browser::start().await;
    let desk = Device::sign_in(&server, &browser, true).await;
    let laptop = Device::sign_in(&server, &browser, false).await;
    // Both run as the app does while it is open.
    let running: Vec<_> = [&desk, &laptop]
        .map(|device| {
            let sync = device.client.sync();
            tokio::spawn(async move { sync.run().await })
        })
        .into();
    let biller = desk.client.billers().search("Meridian").await.expect("a directory")[0].id;
    let next_week = flows::world::today().saturating_add(jiff::Span::new().days(7));
    let order = PayBill {
        bill: None,
        due_on: None,
        biller: Some(biller),
        amount: Money::new(4_000, Currency::USD).expect("an amount"),
        send_on: Some(next_week),
        duplicate_meant: false,
        method: None,
    };
    // Without the event stream it would come with the next look, a minute later: longer than this waits.
    for minor in [4_000, 4_100] {
        let amount = Money::new(minor, Currency::USD).expect("an amount");
        let payment = desk.client.payments().pay_bill(PayBill { amount, ..order.clone() }).await.expect("an order");
        desk.approve(payment.id, &browser).await;
        wait_for("the payment on the other device", async || {
            let seen = laptop.client.payments().list().await.expect("a list");
            seen.iter().any(|one| one.id == payment.id && one.state == PaymentViewState::Scheduled).then_some(())
        })
        .await;
    }
    browser.quit().await;
    // Both take the same payment back at once: it is cancelled, and neither is told anything else.
    let id = laptop.client.payments().list().await.expect("a list")[0].id;
    let (here, there) = (desk.client.payments(), laptop.client.payments());
    let (one, other) = tokio::join!(here.cancel(id), there.cancel(id));
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    for device in [&desk, &laptop] {
        wait_for("the cancelled payment", async || {
            let payments = device.client.payments().list().await.expect("a list");
            payments.iter().any(|one| one.id == id && one.state == PaymentViewState::Cancelled).then_some(())
        })
        .await;
    }
    for task in running {
        task.abort();
    }
    desk.end().await;
    laptop.end().await;
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}
