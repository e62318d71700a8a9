//! A device as the app is one, in the flow's own process: the same core, with a keyring in memory.

use std::sync::Arc;

use client::Client;
use client::payments::PaymentViewState;
use client::platform::{
    FixedZone, Language, MemoryNotifier, MemorySecrets, NoBrowser, Ports, SystemChance, SystemClock,
};
use client::sign_in::Connect;
use client::vault::Protect;
use domain::ids::PaymentId;
use jiff::tz::TimeZone;

use crate::browser::Browser;
use crate::server::Server;

pub struct Device {
    pub client: Client,
    _folder: tempfile::TempDir,
}

impl Device {
    /// Signs in at a server, through its pages in a real browser.
    pub async fn sign_in(server: &Server, browser: &Browser, create: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ports = Ports {
            secrets: Arc::new(MemorySecrets::default()),
            notifier: Arc::new(MemoryNotifier::default()),
            browser: Arc::new(NoBrowser::default()),
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance),
            zone: Arc::new(FixedZone(TimeZone::UTC)),
            language: Language::En.into(),
        };
        let client = Client::open(folder.path(), ports).await.expect("a client").client;
        let wish = Connect {
            url: server.url(),
            create,
            open_browser: false,
            protect: Protect::Keyring,
            device_name: "Desk".to_owned(),
        };
        let started = client.sign_in().begin(wish).await.expect("a beginning");
        let finishing = tokio::spawn({
            let client = client.clone();
            async move { client.sign_in().finish().await.map(drop) }
        });
        browser.go(&started.address).await;
        if create {
            browser.element("#name").await.send_keys("Ines Calloway").await.expect("a field");
            browser.click("#create button").await;
        }
        assert_eq!(browser.match_code().await, started.match_code);
        browser.click("#yes").await;
        finishing.await.expect("no panic").expect("signed in");
        client.sync().now().await.expect("in step");
        Self { client, _folder: folder }
    }

    /// Waits until the server asks for an approval of a payment, and gives it on the page.
    pub async fn approve(&self, payment: PaymentId, browser: &Browser) {
        self.client.sync().now().await.expect("in step");
        let started = self.client.payments().approve(payment, false).await.expect("an address");
        browser.go(&started.address).await;
        browser.click("#step-up").await;
        let approved = self.client.payments().approved(payment).await.expect("an approval");
        assert_ne!(approved.state, PaymentViewState::AwaitingApproval);
    }

    /// Closes its copy: the library below it clears up when a process ends, and must find nothing at work.
    pub async fn end(&self) {
        self.client.lock().await.expect("it closes");
    }
}
