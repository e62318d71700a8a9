//! A server for several devices: passkeys in a real browser, the same account on two computers, and a server that goes
//! away and comes back.

use flows::browser::Browser;
use flows::place::Place;
use flows::process::{Program, wait_until};
use flows::server::Server;
use serde_json::Value;

/// Signs in as a person would: the app gives an address, the browser shows the pages, both show the same two digits.
async fn sign_in(place: &Place, server: &Server, browser: &Browser, create: bool) -> Value {
    let url = server.url();
    let mut arguments = vec!["sign-in", "--server", &url, "--no-browser"];
    if create {
        arguments.push("--create");
    }
    let mut app = place.start(&arguments);
    let address = address_in(&app, &url);
    browser.go(&address).await;
    if create {
        browser.element("#name").await.send_keys("Ines Calloway").await.expect("a field");
        browser.click("#create button").await;
    }
    // To sign in, nothing is clicked: the page offers the saved passkey, and the authenticator agrees at once.
    let digits = browser.match_code().await;
    assert!(app.said().contains(&digits), "the app shows {digits} too: {}", app.said());
    browser.click("#yes").await;
    app.wait_end();
    let said = app.said();
    let json = said.lines().find(|line| line.starts_with("{\"")).unwrap_or_else(|| panic!("a document in {said}"));
    serde_json::from_str(json).expect("JSON")
}

fn address_in(app: &Program, url: &str) -> String {
    let line = app.wait_for(&format!("{url}/oauth/authorize"));
    let address = line.split_whitespace().find(|word| word.starts_with(url)).expect("an address");
    address.trim_end_matches(['.', ',']).to_owned()
}

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
async fn two_devices_see_the_same_and_a_lost_server_loses_nothing() {
    let mut server = Server::start();
    let (desk, laptop) = (Place::new(), Place::new());
    let browser = Browser::start().await;
    let first = sign_in(&desk, &server, &browser, true).await;
    assert_eq!((&first["signed_in"], &first["name"]), (&true.into(), &"Ines Calloway".into()));
    assert!(first["recovery_key"].is_string(), "new keys come with a recovery key, once");
    let second = sign_in(&laptop, &server, &browser, false).await;
    assert_eq!(second["name"], "Ines Calloway", "the passkey found the account");
    browser.quit().await;
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
    laptop.billfold(&["sync"]).ok();
    assert_eq!(names(&laptop), ["Phone"]);

    // A clock that is wrong by a day is no reason to be turned away.
    laptop.billfold_at("+1d", &["sync"]).ok();
    laptop.billfold_at("-1d", &["sync"]).ok();

    server.stop();
    assert_eq!(names(&desk), ["Phone"], "everything is readable without the server");
    assert_eq!(desk.billfold(&["sync"]).refused(4), "server_unreachable");
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
async fn a_sign_in_that_the_person_refuses_leaves_nothing_half_made() {
    let server = Server::start();
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
