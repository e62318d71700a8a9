//! Signing in by the command line and a browser.

use serde_json::Value;

use crate::browser::Browser;
use crate::place::Place;
use crate::process::Program;

/// Signs in as a person would: the app gives an address, the browser shows the pages, both show the same two digits.
pub async fn sign_in(place: &Place, url: &str, browser: &Browser, create: bool) -> Value {
    let mut arguments = vec!["sign-in", "--server", url, "--no-browser"];
    if create {
        arguments.push("--create");
    }
    let mut app = place.start(&arguments);
    let address = address_in(&app, url);
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

/// The address that a waiting `billfold sign-in` says.
pub fn address_in(app: &Program, url: &str) -> String {
    let line = app.wait_for(&format!("{url}/oauth/authorize"));
    let address = line.split_whitespace().find(|word| word.starts_with(url)).expect("an address");
    address.trim_end_matches(['.', ',']).to_owned()
}

/// Approves a payment as a person would: the app gives an address, the page there shows the payment, and its button asks
/// for the passkey.
pub async fn approve(place: &Place, url: &str, browser: &Browser, payment: &Value) -> Value {
    let id = payment["id"].as_str().expect("an id");
    let mut app = place.start(&["approve", id, "--no-browser"]);
    let line = app.wait_for(&format!("{url}/sign-in/step-up/open"));
    let address = line.split_whitespace().find(|word| word.starts_with(url)).expect("an address");
    browser.go(address).await;
    browser.click("#step-up").await;
    app.wait_end();
    let said = app.said();
    let json = said.lines().find(|line| line.starts_with("{\"")).unwrap_or_else(|| panic!("a document in {said}"));
    serde_json::from_str::<Value>(json).expect("JSON")["payment"].clone()
}
