//! Getting back in, in a real browser and with the messages that the server sends: a passkey and its device are lost; and
//! somebody else tries, and its owner says no from the message.
#![expect(clippy::disallowed_methods, reason = "real programs live in real time")]

use std::path::Path;
use std::time::SystemTime;

use flows::browser::Browser;
use flows::place::Place;
use flows::process::wait_for;
use flows::server::{Engine, Server};
use flows::sign_in::sign_in;
use tempfile::TempDir;
use thirtyfour::Key;

const INES: &str = "ines@example.org";

fn server(engine: Engine, policy: &str, mail: &TempDir) -> Option<Server> {
    let folder = mail.path().display().to_string();
    Server::start(engine, &["--policy", policy, "--mail-from", "accounts@example.org", "--mail-folder", &folder])
}

/// The newest message with these words that came since.
async fn letter(folder: &Path, words: &str, since: SystemTime) -> String {
    wait_for(words, async || {
        let files = std::fs::read_dir(folder).expect("a folder").flatten();
        let came =
            |file: &std::fs::DirEntry| file.metadata().and_then(|about| about.modified()).is_ok_and(|at| at >= since);
        let texts = files.filter(came).filter_map(|file| std::fs::read_to_string(file.path()).ok());
        // As a mail program reads it (RFC 2045 6.7).
        let texts = texts.map(|text| text.replace("=\r\n", "").replace("=3D", "="));
        texts.filter(|text| text.contains(words)).last()
    })
    .await
}

/// The eight digits of the newest message.
async fn digits(folder: &Path, words: &str, since: SystemTime) -> String {
    let text = letter(folder, words, since).await;
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| line.len() == 9 && line.chars().all(|c| c.is_ascii_digit() || c == ' ') && line.contains(' '));
    line.unwrap_or_else(|| panic!("a code in {text}")).to_owned()
}

/// An account with a confirmed address and a code on paper.
async fn enrol(place: &Place, url: &str, browser: &Browser, mail: &Path) -> String {
    sign_in(place, url, browser, true).await;
    let since = SystemTime::now();
    let begun = place.billfold(&["security", "add-address", INES, "--no-browser"]).ok();
    browser.go(begun["address"].as_str().expect("an address")).await;
    browser.click("#prove").await;
    browser.wait_for("Add this address?").await;
    browser.assert_accessible().await;
    browser.tab_to("button[type=submit]").await;
    browser.type_keys(Key::Enter).await;
    browser.wait_for("A code is on its way").await;
    browser.assert_accessible().await;
    let code = digits(mail, "confirm that this address", since).await;
    place.billfold(&["security", "confirm-address", INES, &code]).ok();
    let begun = place.billfold(&["security", "recovery", "make-code", "--no-browser"]).ok();
    browser.go(begun["address"].as_str().expect("an address")).await;
    browser.click("#prove").await;
    browser.wait_for("Make a recovery sheet").await;
    browser.assert_accessible().await;
    browser.click("#make-code").await;
    let code = browser.element("#code").await.text().await.expect("a code");
    browser.focused("#code").await;
    browser.assert_accessible().await;
    let sheet = browser.element("#sheet").await.attr("href").await.expect("a link").expect("an address");
    assert!(sheet.starts_with("blob:"), "{sheet}");
    code
}

/// Types an address and both codes.
async fn ask(url: &str, browser: &Browser, mail: &Path, saved: &str) {
    browser.go(&format!("{url}/sign-in/recovery")).await;
    browser.wait_for("Get back in").await;
    browser.assert_accessible().await;
    let since = SystemTime::now();
    browser.element("#address").await.send_keys(INES).await.expect("a field");
    browser.click("button[type=submit]").await;
    browser.wait_for("Type both codes").await;
    browser.assert_accessible().await;
    let code = digits(mail, "get back into your account", since).await;
    browser.element("#sent-code").await.send_keys(&code).await.expect("a field");
    browser.element("#saved-code").await.send_keys(saved).await.expect("a field");
    browser.click("button[type=submit]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_passkey_is_replaced_and_everything_else_signed_out_on_sqlite() {
    a_lost_passkey_is_replaced_and_everything_else_signed_out(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_passkey_is_replaced_and_everything_else_signed_out_on_postgresql() {
    a_lost_passkey_is_replaced_and_everything_else_signed_out(Engine::Postgres).await;
}

async fn a_lost_passkey_is_replaced_and_everything_else_signed_out(engine: Engine) {
    let mail = tempfile::tempdir().expect("a folder");
    // On a server for others the same takes three days.
    let Some(mut server) = server(engine, "personal", &mail) else { return };
    let (desk, laptop) = (Place::new(), Place::new());
    let mut browser = Browser::start().await;
    let saved = enrol(&desk, &server.url(), &browser, mail.path()).await;
    browser.other_authenticator().await;

    // A slip is said at once, and both codes are asked for again.
    ask(&server.url(), &browser, mail.path(), "ABCDE").await;
    browser.wait_for("has a slip in it").await;
    browser.assert_accessible().await;
    let field = browser.element("#saved-code").await;
    field.clear().await.expect("a field");
    field.send_keys(saved.to_lowercase().replace('-', " ")).await.expect("a field");
    browser.click("button[type=submit]").await;
    browser.wait_for("Make a new passkey").await;
    browser.assert_accessible().await;
    browser.click("#create button").await;
    browser.wait_for("You are back in").await;
    browser.assert_accessible().await;
    let code = browser.element("#code").await.text().await.expect("a code");
    assert_ne!(code, saved, "another code takes its place");

    desk.billfold(&["sync"]).refused(3);
    sign_in(&laptop, &server.url(), &browser, false).await;
    browser.quit().await;
    let log = laptop.billfold(&["security", "log"]).ok();
    let kinds: Vec<&str> =
        log["items"].as_array().expect("a list").iter().filter_map(|one| one["kind"].as_str()).collect();
    for kind in ["recovery_started", "recovery_finished", "recovery_code_made", "device_signed_out"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert_eq!(laptop.billfold(&["security", "passkeys"]).ok()["items"].as_array().map(Vec::len), Some(2));
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_says_no_from_the_message_and_it_is_over_on_sqlite() {
    let mail = tempfile::tempdir().expect("a folder");
    let Some(mut server) = server(Engine::Sqlite, "standard", &mail) else { return };
    let desk = Place::new();
    let mut browser = Browser::start().await;
    let saved = enrol(&desk, &server.url(), &browser, mail.path()).await;
    browser.other_authenticator().await;
    let since = SystemTime::now();
    ask(&server.url(), &browser, mail.path(), &saved).await;
    browser.wait_for("Your way back in has begun").await;
    browser.assert_accessible().await;
    assert_eq!(desk.billfold(&["security", "recovery"]).ok()["state"]["state"], "waiting");

    let told = letter(mail.path(), "Somebody is getting back into your account", since).await;
    let address = told.split_whitespace().find(|word| word.contains("/sign-in/notice?key=")).expect("an address");
    browser.go(address).await;
    browser.wait_for("Was this you?").await;
    browser.assert_accessible().await;
    browser.click("#not-me").await;
    browser.wait_for("It is stopped").await;
    browser.assert_accessible().await;
    browser.go(&format!("{}/sign-in/recovery/state", server.url())).await;
    browser.wait_for("It was stopped").await;
    browser.assert_accessible().await;
    browser.quit().await;
    assert_eq!(desk.billfold(&["security", "recovery"]).ok()["state"]["state"], "stopped");
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}
