//! A server for several devices: passkeys in a real browser, the same account on two computers, and a server that goes
//! away and comes back.

use flows::browser::Browser;
use flows::place::{Place, card_export};
use flows::process::wait_until;
use flows::server::{Engine, Server};
use flows::sign_in::{address_in, approve, sign_in};

fn names(place: &Place) -> Vec<String> {
    let bills = place.billfold(&["bills", "list"]).ok();
    bills["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|bill| bill["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_see_the_same_and_a_lost_server_loses_nothing_on_sqlite() {
    two_devices_see_the_same_and_a_lost_server_loses_nothing(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_see_the_same_and_a_lost_server_loses_nothing_on_postgresql() {
    two_devices_see_the_same_and_a_lost_server_loses_nothing(Engine::Postgres).await;
}

async fn two_devices_see_the_same_and_a_lost_server_loses_nothing(engine: Engine) {
    let Some(mut server) = Server::start(engine, &["--policy", "personal"]) else { return };
    let (desk, laptop) = (Place::new(), Place::new());
    let browser = Browser::start().await;
    let first = sign_in(&desk, &server.url(), &browser, true).await;
    assert_eq!((&first["signed_in"], &first["name"]), (&true.into(), &"Ines Calloway".into()));
    assert!(first["recovery_key"].is_string(), "new keys come with a recovery key, once");
    let second = sign_in(&laptop, &server.url(), &browser, false).await;
    assert_eq!(second["name"], "Ines Calloway", "the passkey found the account");
    desk.billfold(&[
        "bills",
        "add",
        "--name",
        "Phone",
        "--amount",
        "40",
        "--every",
        "month",
        "--payee",
        "Meridian Mobile",
    ])
    .ok();
    assert_eq!(names(&laptop), ["Phone"], "without being told to look");

    // A card of another issuer, imported on one, stands on the other.
    let lines = [("20261102", "-40.00", "a", "Corner shop"), ("20261103", "-12.34", "b", "Bakery")];
    let file = desk.file("card.ofx", card_export(&lines));
    assert_eq!(desk.billfold(&["import", &file]).ok()["new"], 2);
    assert_eq!(laptop.billfold(&["import", &file]).ok()["known"], 2, "both know it, and it is one account");
    let found = laptop.billfold(&["transactions", "--search", "bakery"]).ok();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));

    // A clock that is wrong by a day is no reason to be turned away.
    laptop.billfold_at("+1d", &["sync"]).ok();
    laptop.billfold_at("-1d", &["sync"]).ok();

    server.stop();
    assert_eq!(names(&desk), ["Phone"], "everything is readable without the server");
    assert_eq!(desk.billfold(&["sync"]).refused(4), "server_unreachable");
    let slip = desk.billfold(&["pay", "Phone", "--amount", "4"]).ok()["payment"].clone();
    assert_eq!((&slip["state"], &slip["can_cancel"]), (&"not_sent".into(), &true.into()), "nothing of it has left");
    desk.billfold(&["cancel", slip["id"].as_str().expect("an id")]).ok();
    let kept = desk.billfold(&["pay", "Phone"]).ok();
    assert_eq!(kept["payment"]["state"], "not_sent", "it does not claim what did not happen");
    desk.billfold(&["bills", "add", "--name", "Rent", "--amount", "950", "--every", "month"]).ok();
    let status = desk.billfold(&["status"]).ok();
    assert_eq!((&status["waiting"], &status["online"]), (&2.into(), &false.into()));
    assert!(status["synced_at"].is_string(), "it says as of when");

    server.go_on();
    for _ in 0..3 {
        desk.billfold(&["sync"]).ok();
    }
    // The first payment to a biller is approved with the passkey, on the server's page.
    let approved = approve(&desk, &server.url(), &browser, &kept["payment"]).await;
    assert_ne!(approved["state"], "awaiting_approval");
    browser.quit().await;
    let settled = wait_until("the payment on the other device", || {
        laptop.billfold(&["sync"]).ok();
        let payments = laptop.billfold(&["payments"]).ok()["items"].clone();
        (payments[0]["state"] == "settled").then_some(payments)
    });
    assert_eq!(settled.as_array().map(Vec::len), Some(1), "it went out once");
    assert_eq!(settled[0]["id"], kept["payment"]["id"]);
    let mut both = names(&laptop);
    both.sort();
    assert_eq!(both, ["Phone", "Rent"]);

    let devices = desk.billfold(&["devices"]).ok();
    assert_eq!(devices["items"].as_array().map(Vec::len), Some(2));
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_the_person_refuses_leaves_nothing_half_made_on_sqlite() {
    a_sign_in_that_the_person_refuses_leaves_nothing_half_made(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_the_person_refuses_leaves_nothing_half_made_on_postgresql() {
    a_sign_in_that_the_person_refuses_leaves_nothing_half_made(Engine::Postgres).await;
}

async fn a_sign_in_that_the_person_refuses_leaves_nothing_half_made(engine: Engine) {
    let Some(server) = Server::start(engine, &[]) else { return };
    let place = Place::new();
    let browser = Browser::start().await;
    let url = server.url();
    let mut app = place.start(&["sign-in", "--server", &url, "--no-browser", "--create"]);
    browser.go(&address_in(&app, &url)).await;
    browser.element("#name").await.send_keys("Ines Calloway").await.expect("a field");
    browser.click("#create button").await;
    browser.match_code().await;
    browser.click("#no").await;
    app.wait_end();
    assert!(app.said().contains("\"error\""), "{}", app.said());
    browser.quit().await;
    assert_eq!(place.billfold(&["status"]).ok()["phase"], "welcome");
}
