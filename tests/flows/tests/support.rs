//! Support, from both sides, with real passkeys: two agents in two browsers, and a person with the command line.

use flows::browser::Browser;
use flows::place::Place;
use flows::server::{Engine, Server};
use flows::sign_in::sign_in;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn two_of_support_help_a_person_who_lets_them_on_sqlite() {
    two_of_support_help_a_person_who_lets_them(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_support_help_a_person_who_lets_them_on_postgresql() {
    two_of_support_help_a_person_who_lets_them(Engine::Postgres).await;
}

/// Opens the address that the command gave, makes the passkey, and signs in with it.
async fn on_duty(server: &Server, name: &str, code_file: &str) -> Browser {
    let url = server.url();
    let said = server.support(&["--public-url", &url, "add", name, "--code-file", code_file]);
    let address = said.split_whitespace().find(|word| word.starts_with(&url)).expect("an address").to_owned();
    let browser = Browser::start().await;
    browser.go(&address).await;
    accessible(&browser).await;
    browser.click("#make").await;
    browser.click("#passkey").await;
    browser.wait_for("Somebody is on the line").await;
    browser.go(&address).await;
    browser.wait_for("not accepted").await;
    browser.go(&format!("{url}/support")).await;
    browser
}

/// No finding of axe on the page that is open.
async fn accessible(browser: &Browser) {
    let axe = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/node_modules/axe-core/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(axe) else {
        eprintln!("SKIPPED: the packages of the window are not installed, so that axe is not here");
        return;
    };
    browser.driver.execute(axe.as_str(), vec![]).await.expect("axe loads");
    let look = "const done = arguments[arguments.length - 1];
        axe.run(document).then((found) => done(found.violations.map((one) => one.id + ' ' + one.nodes[0].html)));";
    let found = browser.driver.execute_async(look, vec![]).await.expect("axe looks");
    assert_eq!(found.json(), &json!([]), "{}", browser.text().await);
}

async fn two_of_support_help_a_person_who_lets_them(engine: Engine) {
    let Some(mut server) = Server::start(engine, &["--support"]) else { return };
    let person = Place::new();
    let browser = Browser::start().await;
    sign_in(&person, &server.url(), &browser, true).await;
    browser.quit().await;
    let (first, second) = (person.file("rowan", ""), person.file("alder", ""));
    for file in [&first, &second] {
        std::fs::remove_file(file).expect("a name for a new file");
    }
    let rowan = on_duty(&server, "Rowan", &first).await;
    let alder = on_duty(&server, "Alder", &second).await;
    accessible(&rowan).await;

    // Somebody who is not support is told apart, and somebody who is sees nothing before the yes.
    assert_eq!(person.billfold(&["security", "support", "check", "00000000"]).refused(1), "not_support");
    rowan.click("form[action='/support/codes'] button").await;
    let code = rowan.element(".code").await.text().await.expect("a code");
    accessible(&rowan).await;
    let check = person.billfold(&["security", "support", "check", &code]).ok();
    assert_eq!((check["agent"].as_str(), check["scope"].as_str()), (Some("Rowan"), Some("account")));
    let id = check["id"].as_str().expect("an id");
    let sight = person.billfold(&["security", "support", "allow", id]).ok();
    assert_eq!(sight["sight"]["agent"], "Rowan");
    rowan.go(&format!("{}/support/cases/1001", server.url())).await;
    rowan.click("form[action$=looks] button").await;
    rowan.wait_for("I… C…").await;
    accessible(&rowan).await;
    assert!(!rowan.text().await.contains("Calloway"), "the name is masked");

    // One asks, the other one does it; the person's account stands still until they lift it again.
    let ask = async |operation: &str| {
        rowan.go(&format!("{}/support/cases/1001", server.url())).await;
        rowan.click(&format!("#operation option[value={operation}]")).await;
        rowan.click("form[action$=requests] button").await;
        rowan.wait_for("Somebody else decides what you asked for.").await;
        alder.go(&format!("{}/support", server.url())).await;
        alder.click("form[action^='/support/requests/'] button[value=true]").await;
        alder.wait_for("Nothing waits.").await;
    };
    ask("suspend").await;
    assert_eq!(person.billfold(&["security", "add-passkey", "--no-browser"]).refused(1).as_str(), "account_suspended");
    ask("lift_suspension").await;
    person.billfold(&["security", "add-passkey", "--no-browser"]).ok();

    // The command line does the same, by the code in the file.
    let said = server.support(&["--agent-file", &first, "look", "1001", "account"]);
    assert!(said.contains("Standing: good"), "{said}");
    person.billfold(&["security", "support", "end", sight["sight"]["id"].as_str().expect("an id")]).ok();
    let asked = server.support_refused(&["--agent-file", &first, "look", "1001", "account"]);
    assert!(asked.contains("does not let you see that"), "{asked}");
    server.support(&["remove", "Alder"]);
    alder.go(&format!("{}/support", server.url())).await;
    alder.wait_for("Sign in with your passkey").await;
    accessible(&alder).await;
    for browser in [rowan, alder] {
        browser.quit().await;
    }

    person.billfold(&["sync"]).ok();
    let log = person.billfold(&["security", "log"]).ok();
    assert_eq!(log["broken_at"], Value::Null);
    let of_support = log["items"].as_array().expect("a list").iter().rev();
    let of_support: Vec<&str> = of_support
        .filter(|event| event["kind"].as_str().is_some_and(|kind| kind.starts_with("support_")))
        .filter_map(|event| event["name"].as_str())
        .collect();
    let looks = ["Rowan/account", "Rowan/account"];
    let suspend = ["Rowan/suspend", "Rowan/Alder/suspend"];
    let lift = ["Rowan/lift_suspension", "Rowan/Alder/lift_suspension"];
    let end = ["Rowan/account", "Rowan/account"];
    assert_eq!(of_support, [looks, suspend, lift, end].concat());
    server.stop();
    let (clean, report) = server.audit();
    assert!(clean, "{report}");
}
