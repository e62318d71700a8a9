//! Parts that we did not write meet ours: a certified OAuth client signs in from the server's metadata alone.

use std::path::Path;
use std::process::Command;

use flows::browser::Browser;
use flows::process::Program;
use flows::server::{Engine, Server};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/oauth");

/// Installs what its lock file names, from the package index.
fn install() {
    if Path::new(FOLDER).join("node_modules/.package-lock.json").exists() {
        return;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(FOLDER);
    assert!(npm.status().expect("npm starts").success(), "the client is installed from the package index");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_others_signs_in_from_the_metadata_alone() {
    install();
    let Some(server) = Server::start(Engine::Sqlite, &[]) else { return };
    let browser = Browser::start().await;
    let mut command = Command::new("node");
    command.arg("client.mjs").arg(server.url()).current_dir(FOLDER);
    let mut client = Program::start(&mut command);
    browser.go(&client.wait_for("/oauth/authorize")).await;
    browser.element("#name").await.send_keys("Ines Calloway").await.expect("a field");
    browser.click("#create button").await;
    // It shows no two digits, so the page cannot vouch for it and says so.
    browser.wait_for("shows no number to compare").await;
    browser.click("#yes").await;
    client.wait_end();
    let said = client.said();
    assert!(said.contains(r#"{"name":"Ines Calloway","device":"An app without a name","type":"dpop"}"#), "{said}");
    browser.quit().await;
}
