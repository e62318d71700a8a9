//! Chromium with a virtual authenticator: passkeys for real, without a finger.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::process::Program;

const FLAGS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--password-store=basic",
    "--lang=en-GB",
    "--window-size=900,700",
];

/// More than any of our pages has.
const TABS_MAX: usize = 20;

pub struct Browser {
    pub driver: WebDriver,
    authenticator: String,
    _program: Program,
    _home: TempDir,
}

impl Browser {
    pub async fn start() -> Self {
        crate::name_cryptography();
        let home = tempfile::Builder::new().prefix("billfold-browser-").tempdir().expect("a folder");
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", home.path()).env("TMPDIR", home.path());
        let (program, line) = Program::start_listening(
            || Program::start(&mut command),
            |program| program.line_with("started successfully on port"),
        );
        let port = line.rsplit(' ').next().map(|port| port.trim_end_matches('.')).expect("a port").to_owned();
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in FLAGS {
            capabilities.add_arg(flag).expect("a flag");
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await.expect("a browser");
        let mut browser = Self { driver, authenticator: String::new(), _program: program, _home: home };
        browser.cdp("WebAuthn.enable", json!({})).await;
        browser.add_authenticator().await;
        browser
    }

    async fn add_authenticator(&mut self) {
        let options = json!({"options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "automaticPresenceSimulation": true,
        }});
        let added = self.cdp("WebAuthn.addVirtualAuthenticator", options).await;
        self.authenticator = added["authenticatorId"].as_str().expect("an authenticator").to_owned();
    }

    /// The person takes another key to hand; the former one, with its passkeys, is away.
    pub async fn other_authenticator(&mut self) {
        self.cdp("WebAuthn.removeVirtualAuthenticator", json!({"authenticatorId": self.authenticator})).await;
        self.add_authenticator().await;
    }

    /// Waits until these words stand on the page.
    pub async fn wait_for(&self, words: &str) {
        crate::process::wait_for(words, async || self.text().await.contains(words).then_some(())).await;
    }

    /// From now on the person is recognised by their authenticator, or not: a wrong finger, or a refusal.
    pub async fn recognise(&self, yes: bool) {
        let parameters = json!({"authenticatorId": self.authenticator, "isUserVerified": yes});
        self.cdp("WebAuthn.setUserVerified", parameters).await;
    }

    async fn cdp(&self, method: &str, parameters: serde_json::Value) -> serde_json::Value {
        self.driver.cdp().send_raw(method, parameters).await.expect("the browser obeys")
    }

    pub async fn go(&self, address: &str) {
        self.driver.goto(address).await.expect("a page");
    }

    /// Waits for an element and clicks it.
    pub async fn click(&self, css: &str) {
        self.element(css).await.click().await.expect("a click");
    }

    pub async fn element(&self, css: &str) -> WebElement {
        let query = self.driver.query(By::Css(css)).wait(Duration::from_secs(20), Duration::from_millis(50));
        match query.and_displayed().first().await {
            Ok(element) => element,
            Err(_) => panic!("no {css} on the page: {}", self.text().await),
        }
    }

    pub async fn text(&self) -> String {
        match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// The two digits on the page that lets an app in.
    pub async fn match_code(&self) -> String {
        self.element("#yes").await;
        let text = self.text().await;
        let digits = text.split(|c: char| !c.is_ascii_digit()).find(|part| part.len() == 2);
        digits.unwrap_or_else(|| panic!("two digits on {text}")).to_owned()
    }

    /// Types into whatever has the focus.
    pub async fn type_keys(&self, keys: impl Into<TypingData>) {
        let focused = self.driver.active_element().await.expect("a focus");
        focused.send_keys(keys).await.expect("keys arrive");
    }

    /// Waits until this has the focus, without moving it.
    pub async fn focused(&self, css: &str) {
        crate::process::wait_for(css, async || self.has_focus(css).await.then_some(())).await;
    }

    /// Goes on by Tab alone until this has the focus.
    pub async fn tab_to(&self, css: &str) {
        self.element(css).await;
        for _ in 0..TABS_MAX {
            self.type_keys(Key::Tab).await;
            if self.has_focus(css).await {
                return;
            }
        }
        panic!("no Tab leads to {css} on {}", self.text().await);
    }

    async fn has_focus(&self, css: &str) -> bool {
        let script = "return document.activeElement !== null && document.activeElement.matches(arguments[0]);";
        let answer = self.driver.execute(script, vec![json!(css)]).await;
        answer.is_ok_and(|answer| answer.json().as_bool() == Some(true))
    }

    /// Looks at the page with axe: nothing may be found on it.
    pub async fn assert_accessible(&self) {
        let axe = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("axe is there after `npm ci` in ui");
        self.driver.execute(axe, Vec::new()).await.expect("axe loads");
        let script = "const done = arguments[0];
            axe.run(document, { resultTypes: ['violations'] }).then(
              (found) => done(found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`)),
              (error) => done([String(error)]));";
        let found = self.driver.execute_async(script, Vec::new()).await.expect("axe looks");
        assert_eq!(found.json(), &json!([]), "on {}", self.text().await);
    }

    /// From now on the page has so many pixels from side to side.
    pub async fn narrow(&self, width: u32) {
        let size = json!({"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Nothing of the page stands beyond its side, and the page says that it speaks this language.
    pub async fn assert_fits_and_speaks(&self, language: &str) {
        let script = "const page = document.documentElement;
            return [page.lang, page.scrollWidth - page.clientWidth];";
        let answer = self.driver.execute(script, Vec::new()).await.expect("the page answers");
        assert_eq!(answer.json(), &json!([language, 0]), "on {}", self.text().await);
    }

    pub async fn quit(self) {
        // The process group ends with the program in any case.
        let _ = self.driver.clone().quit().await;
    }
}
