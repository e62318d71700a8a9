//! A person without passkeys: an account with a password and an authenticator app, made and used in a real browser by
//! keyboard alone, with axe on each page.
#![expect(clippy::disallowed_methods, reason = "real programs live in real time")]

use std::time::{SystemTime, UNIX_EPOCH};

use flows::browser::Browser;
use flows::place::Place;
use flows::server::{Engine, Server};
use flows::sign_in::address_in;
use serde_json::Value;
use thirtyfour::Key;
use totp_rs::{Builder, Secret, Totp};

const PASSWORD: &str = "hollow reed lantern";
/// Seconds that one code stands.
const STEP: u64 = 30;

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// What the person's authenticator app holds once they typed the key from the page.
async fn authenticator(browser: &Browser) -> Totp {
    let key = browser.element(".key").await.text().await.expect("a key").replace(' ', "");
    Builder::new().with_secret(Secret::try_from_base32(key).expect("a key")).build().expect("an authenticator")
}

/// Goes to the address that the app says, and gives the app that waits.
async fn begin(place: &Place, url: &str, browser: &Browser, more: &[&str]) -> flows::process::Program {
    let app = place.start(&[&["sign-in", "--server", url, "--no-browser"], more].concat());
    browser.go(&address_in(&app, url)).await;
    app
}

/// Says yes by keyboard; the app ends.
async fn confirm(browser: &Browser, mut app: flows::process::Program) -> Value {
    let digits = browser.match_code().await;
    assert!(app.said().contains(&digits), "the app shows {digits} too: {}", app.said());
    browser.assert_accessible().await;
    browser.tab_to("#yes").await;
    browser.type_keys(Key::Enter).await;
    app.wait_end();
    let said = app.said();
    let json = said.lines().find(|line| line.starts_with("{\"")).unwrap_or_else(|| panic!("a document in {said}"));
    serde_json::from_str(json).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_password_by_keyboard_alone_on_sqlite() {
    an_account_with_a_password_by_keyboard_alone(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_password_by_keyboard_alone_on_postgresql() {
    an_account_with_a_password_by_keyboard_alone(Engine::Postgres).await;
}

async fn an_account_with_a_password_by_keyboard_alone(engine: Engine) {
    let Some(mut server) = Server::start(engine, &[]) else { return };
    let (desk, laptop) = (Place::new(), Place::new());
    let browser = Browser::start().await;

    let app = begin(&desk, &server.url(), &browser, &["--create"]).await;
    browser.wait_for("Create your account").await;
    browser.assert_accessible().await;
    browser.tab_to("a[href='/sign-in/create/password']").await;
    browser.type_keys(Key::Enter).await;
    browser.focused("#name").await;
    browser.assert_accessible().await;
    browser.type_keys("Ines Calloway").await;
    browser.tab_to("#account").await;
    browser.type_keys("Ines" + Key::Enter).await;
    browser.wait_for("Choose a password").await;
    browser.focused("#password").await;
    browser.assert_accessible().await;
    let name = browser.element("#account").await.value().await.expect("a field").expect("a name");
    browser.type_keys("iloveyou22" + Key::Enter).await;
    browser.wait_for("easily guessed").await;
    browser.assert_accessible().await;
    browser.focused("#password").await;
    browser.type_keys(PASSWORD).await;
    browser.tab_to("button[data-shows]").await;
    browser.type_keys(Key::Enter).await;
    let shown = browser.element("#password").await.value().await.expect("a field");
    assert_eq!(shown.as_deref(), Some(PASSWORD), "what was typed replaces what was refused");
    browser.tab_to("button[type=submit]").await;
    browser.type_keys(Key::Enter).await;
    browser.wait_for("Set up an authenticator app").await;
    browser.focused("#code").await;
    browser.assert_accessible().await;
    let phone = authenticator(&browser).await;
    browser.type_keys(phone.generate(seconds()).to_string() + Key::Enter).await;
    let made = confirm(&browser, app).await;
    assert_eq!(made["name"], "Ines Calloway");
    assert_eq!(desk.billfold(&["security", "rhythm"]).ok()["on"], false, "nobody is measured unasked");
    desk.billfold(&["security", "rhythm", "on"]).ok();

    let app = begin(&laptop, &server.url(), &browser, &[]).await;
    browser.wait_for("Use a password instead").await;
    browser.assert_accessible().await;
    browser.tab_to("a[href='/sign-in/password']").await;
    browser.type_keys(Key::Enter).await;
    browser.focused("#name").await;
    browser.assert_accessible().await;
    browser.type_keys(name.to_uppercase()).await;
    browser.tab_to("#password").await;
    browser.type_keys("Hollow Reed Lantern" + Key::Enter).await;
    browser.wait_for("Often it is Caps Lock").await;
    browser.assert_accessible().await;
    browser.focused("#password").await;
    browser.type_keys(PASSWORD.to_owned() + Key::Enter).await;
    browser.wait_for("Enter the code").await;
    browser.focused("#code").await;
    browser.assert_accessible().await;
    // A code counts once: the phone's next one is a little ahead, which a clock may be.
    browser.type_keys(phone.generate(seconds() + STEP).to_string() + Key::Enter).await;
    assert_eq!(confirm(&browser, app).await["name"], "Ines Calloway");
    browser.quit().await;

    let rhythm = laptop.billfold(&["security", "rhythm"]).ok();
    assert_eq!((&rhythm["on"], &rhythm["known"]), (&true.into(), &1.into()), "the name was typed once");
    assert_eq!(laptop.billfold(&["security", "rhythm", "off"]).ok()["known"], 0);
    let ways = laptop.billfold(&["security", "ways-in"]).ok();
    assert_eq!((&ways["password"]["state"], &ways["password"]["last"]), (&"on".into(), &true.into()));
    assert_eq!(ways["password"]["name"].as_str(), Some(name.as_str()));
    let phone = ways["factors"][0]["name"].as_str().expect("a name").to_owned();
    assert_eq!(laptop.billfold(&["security", "remove-password"]).refused(1), "last_way_in");
    assert_eq!(laptop.billfold(&["security", "remove-factor", &phone]).refused(1), "last_way_in");
    laptop.billfold(&["security", "rename-factor", &phone, "Phone"]).ok();
    assert_eq!(laptop.billfold(&["security", "ways-in"]).ok()["factors"][0]["name"], "Phone");
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}
