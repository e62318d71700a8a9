//! The power goes at any moment: what was acknowledged is there, and nothing is doubled.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::payments::{PayBill, PaymentViewState};
use domain::ids::{BillerId, PaymentId};
use domain::money::{Currency, Money};
use flows::browser::Browser;
use flows::device::Device;
use flows::process::wait_for;
use flows::server::Server;
use server::testing::seeds::how_many;
use server::testing::{Cluster, durable_postgres};

const DEVICES: usize = 3;
/// Longer than so many seconds a server does not take to come back: in every run of the tests, where others are at work
/// beside it, and in a soak.
const READY_WITHIN_SECONDS: (u64, u64) = (10, 2);

/// The smallest payment.
fn cent(biller: BillerId) -> PayBill {
    PayBill {
        bill: None,
        due_on: None,
        biller: Some(biller),
        amount: Money::new(1, Currency::USD).expect("a cent"),
        send_on: None,
        duplicate_meant: true,
        method: None,
    }
}

/// Orders one payment after another until told to stop. Gives the ids of all, and of those that the server took.
async fn pay(device: &Device, biller: BillerId, stop: &AtomicBool) -> (Vec<PaymentId>, HashSet<PaymentId>) {
    let (mut ordered, mut taken) = (Vec::new(), HashSet::new());
    while !stop.load(Ordering::SeqCst) {
        let payment = device.client.payments().pay_bill(cent(biller)).await.expect("an order is always kept");
        ordered.push(payment.id);
        // With the server away this fails, and the order waits.
        let _ = device.client.sync().now().await;
        let payments = device.client.payments().list().await.expect("a list");
        let answered = payments.iter().filter(|payment| payment.state != PaymentViewState::NotSent);
        taken.extend(answered.map(|payment| payment.id));
    }
    (ordered, taken)
}

/// SplitMix64: the same moments in every run, as far as the machine allows.
fn moment(number: u64) -> Duration {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Duration::from_millis(40 + (z >> 33) % 360)
}

/// What is killed, as when its power goes.
enum Killed<'a> {
    Server,
    /// And every second time the database below it.
    ServerAndDatabase(&'a Cluster),
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_payment_load_lose_and_double_nothing_on_sqlite() {
    let server = Server::start_with(Some(DAYS_AGO), None, &ARGUMENTS);
    kills_under_payment_load_lose_and_double_nothing(server, &Killed::Server, how_many(50, 500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_server_and_database_under_payment_load_lose_and_double_nothing_on_postgresql() {
    let Some(cluster) = durable_postgres() else {
        eprintln!("SKIPPED on PostgreSQL: initdb not found");
        return;
    };
    let server = Server::start_with(Some(DAYS_AGO), Some(cluster.new_database()), &ARGUMENTS);
    let killed = Killed::ServerAndDatabase(&cluster);
    kills_under_payment_load_lose_and_double_nothing(server, &killed, how_many(20, 100)).await;
}

/// People of ten days ago: nobody who has just come orders payments by the hundred without being asked about it.
const DAYS_AGO: &str = "-10d";
const ARGUMENTS: [&str; 8] = [
    "--practice-settles-after",
    "0",
    "--policy",
    "personal",
    "--calls-per-second",
    "1000",
    "--payments-per-day",
    "100000",
];

async fn kills_under_payment_load_lose_and_double_nothing(mut server: Server, killed: &Killed<'_>, kills: u64) {
    let browser = Browser::start().await;
    let mut devices = Vec::new();
    for at in 0..DEVICES {
        devices.push(Arc::new(Device::sign_in(&server, &browser, at == 0).await));
    }
    let billers = devices[0].client.billers().search("Meridian").await.expect("a directory");
    let biller = billers[0].id;
    // The first payment to a biller needs the passkey; once it has left, the load needs none.
    let first = devices[0].client.payments().pay_bill(cent(biller)).await.expect("an order").id;
    devices[0].approve(first, &browser).await;
    browser.quit().await;
    wait_for("the first payment to leave", async || {
        devices[0].client.sync().now().await.expect("in step");
        let state = devices[0].client.payments().find(first).await.expect("a payment").state;
        (state == PaymentViewState::Settled).then_some(())
    })
    .await;
    server.come_to_today();
    for device in &devices {
        device.client.sync().now().await.expect("in step");
    }
    let stop = Arc::new(AtomicBool::new(false));
    let paying: Vec<_> = devices
        .iter()
        .map(|device| {
            let (device, stop) = (Arc::clone(device), Arc::clone(&stop));
            tokio::spawn(async move { pay(&device, biller, &stop).await })
        })
        .collect();
    let mut longest = Duration::ZERO;
    for kill in 0..kills {
        tokio::time::sleep(moment(kill)).await;
        let began = match killed {
            Killed::ServerAndDatabase(cluster) if kill % 2 == 0 => {
                cluster.die_and_come_back();
                Instant::now()
            }
            _ => {
                server.kill();
                let began = Instant::now();
                server.go_on();
                began
            }
        };
        server.wait_until_ready().await;
        longest = longest.max(began.elapsed());
    }
    stop.store(true, Ordering::SeqCst);
    let (mut ordered, mut taken) = (HashSet::new(), HashSet::new());
    for task in paying {
        let (mine, answered) = task.await.expect("no panic");
        ordered.extend(mine);
        taken.extend(answered);
    }
    // Whatever still waits goes out now, and everything settles.
    for device in &devices {
        for _ in 0..5 {
            let _ = device.client.sync().now().await;
        }
        assert_eq!(device.client.status().await.expect("a status").waiting, 0);
    }
    ordered.insert(first);
    let total = ordered.len();
    let began = Instant::now();
    let accounts = loop {
        devices[0].client.sync().now().await.expect("in step");
        let accounts = devices[0].client.accounts().list().await.expect("a list");
        let left = accounts[0].account.available.map_or(0, Money::minor);
        if left == 1_000_000 - i64::try_from(total).expect("few") || began.elapsed() > Duration::from_secs(90) {
            break accounts;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    // How much there is in so short a time depends on the machine.
    assert!(total > 20, "there was load: {total} payments");
    assert!(taken.is_subset(&ordered) && taken.len() > 10, "{} were acknowledged on the way", taken.len());
    let available = accounts[0].account.available.map(Money::minor);
    assert_eq!(available, Some(1_000_000 - i64::try_from(total).expect("few")), "each of {total} left once");
    for device in &devices {
        device.end().await;
    }
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
    eprintln!("{total} payments through {kills} kills, {} of them acknowledged on the way: {report}", taken.len());
    eprintln!("after a kill it was ready within {} ms", longest.as_millis());
    let limit = Duration::from_secs(how_many(READY_WITHIN_SECONDS.0, READY_WITHIN_SECONDS.1));
    assert!(longest < limit, "it was ready after {longest:?}");
}
