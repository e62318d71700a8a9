//! Ways into an account: a second passkey in a real browser, a device that nobody knows, and the log that says so.

use flows::browser::Browser;
use flows::place::Place;
use flows::server::{Engine, Server};
use flows::sign_in::sign_in;
use serde_json::Value;

fn kinds(place: &Place) -> Vec<String> {
    let log = place.billfold(&["security", "log"]).ok();
    assert_eq!(log["broken_at"], Value::Null, "{log}");
    let items = log["items"].as_array().expect("a list").iter().rev();
    items.map(|event| event["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_passkey_a_stranger_and_a_lost_key_on_sqlite() {
    a_second_passkey_a_stranger_and_a_lost_key(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_passkey_a_stranger_and_a_lost_key_on_postgresql() {
    a_second_passkey_a_stranger_and_a_lost_key(Engine::Postgres).await;
}

async fn a_second_passkey_a_stranger_and_a_lost_key(engine: Engine) {
    let Some(mut server) = Server::start(engine, &[]) else { return };
    let (desk, laptop, stranger) = (Place::new(), Place::new(), Place::new());
    let mut browser = Browser::start().await;
    sign_in(&desk, &server.url(), &browser, true).await;
    let only = desk.billfold(&["security", "passkeys"]).ok()["items"].clone();
    assert_eq!((only.as_array().map(Vec::len), &only[0]["last"]), (Some(1), &true.into()));
    assert_eq!(desk.billfold(&["security", "remove-passkey", "Passkey"]).refused(1), "last_way_in");

    // One more, in the browser: first the one that is there, then the new one on another key.
    let begun = desk.billfold(&["security", "add-passkey", "--no-browser"]).ok();
    let address = begun["address"].as_str().expect("an address").to_owned();
    browser.go(&address).await;
    browser.click("#prove").await;
    let name = browser.element("#add #name").await;
    browser.other_authenticator().await;
    name.clear().await.expect("a field");
    name.send_keys("Blue security key").await.expect("a field");
    browser.click("#add button").await;
    browser.wait_for("The passkey is added").await;
    browser.go(&address).await;
    browser.wait_for("has ended").await;

    // The new key lets two more devices in: the person's own, and one they do not know.
    sign_in(&laptop, &server.url(), &browser, false).await;
    sign_in(&stranger, &server.url(), &browser, false).await;
    browser.quit().await;
    desk.billfold(&["sync"]).ok();
    let asked = desk.billfold(&["security", "log"]).ok()["questions"].clone();
    let numbers: Vec<i64> = asked.as_array().expect("a list").iter().filter_map(|one| one["number"].as_i64()).collect();
    assert_eq!(numbers.len(), 2, "both devices; the desk does not vouch for what it did itself: {asked}");
    for (number, answer) in numbers.iter().zip(["--mine", "--not-mine"]) {
        desk.billfold(&["security", "answer", &number.to_string(), answer]).ok();
    }
    laptop.billfold(&["sync"]).ok();
    let asked = laptop.billfold(&["security", "log"]).ok()["questions"].clone();
    assert_eq!((asked[0]["kind"].as_str(), asked[1].as_str()), (Some("passkey_added"), None), "{asked}");
    let own = asked[0]["number"].to_string();
    assert_eq!(desk.billfold(&["security", "answer", &own, "--mine"]).refused(1), "answer_elsewhere");
    laptop.billfold(&["security", "answer", &own, "--mine"]).ok();
    stranger.billfold(&["sync"]).refused(3);
    assert_eq!(stranger.billfold(&["status"]).ok()["phase"], "welcome", "its copy is gone");
    laptop.billfold(&["sync"]).ok();

    // The first key is lost: what it let in is signed out with it, but not the device that says so.
    desk.billfold(&["security", "remove-passkey", "Passkey"]).ok();
    assert_eq!(desk.billfold(&["security", "passkeys"]).ok()["items"].as_array().map(Vec::len), Some(1));
    laptop.billfold(&["sync"]).refused(3);
    let kinds = kinds(&desk);
    assert_eq!(kinds[..4], ["account_created", "passkey_added", "device_added", "passkey_added"]);
    assert_eq!(kinds[4..6], ["device_added", "device_added"]);
    let answers = ["confirmed_as_mine", "reported_as_not_mine", "device_signed_out", "confirmed_as_mine"];
    assert_eq!(kinds[6..10], answers);
    assert_eq!(kinds[10..], ["passkey_removed", "device_signed_out"]);
    let file = desk.home().join("log.csv").display().to_string();
    assert_eq!(desk.billfold(&["security", "log", "--out", &file]).ok()["entries"], 12);
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}
