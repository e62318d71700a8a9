//! Every page speaks one language, the whole of it: what is read on it, by eye or by ear, and what its script says.

use std::collections::{BTreeMap, BTreeSet};

use api::security::OneTimeAddress;
use axum::body::Body;
use axum::http::{Method, Request};
use domain::addresses::Language;
use domain::ids::{AddressId, MethodId};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::password::tests::{PASSWORD, Phone};
use super::tests::{Browser, PASSKEYS, add, by_passkey, prove, pushed, send, with};
use crate::payments::approval::tests::{PAYMENTS, order, pay};
use crate::testing::{Answer, DeviceKey, ORIGIN, TestDevice, World, on_each_engine, on_sqlite};

/// What is the same in two of the languages: names, and words that they share.
const SHARED: &[&str] = &[
    "Ines Calloway",
    "Desk &lt;b&gt;, Debian 12",
    "Billfold",
    "App",
    "Code",
    "Name",
    "Meridian Mobile",
    "40.00 USD",
    "ines@example.org",
    "Test server",
];

/// Everything on a page that a person reads or hears: text, what stands in for text, and what the script says.
fn spoken(page: &str) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    let mut keep = |text: &str| {
        let text = text.trim();
        let shared = SHARED.iter().any(|shared| text.trim_end_matches(": Test server") == *shared);
        // A moment with its zone, and a method by its brand.
        let shared = shared || text.starts_with("2027-") || text.starts_with("Practice ") || text.contains("··");
        if text.chars().any(char::is_alphabetic) && !shared {
            said.insert(text.to_owned());
        }
    };
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        if !tag.starts_with("span class=\"host") {
            keep(text);
        }
        for name in ["placeholder", "aria-label", "data-refused", "data-sent"] {
            if let Some((_, rest)) = tag.split_once(&format!("{name}=\"")) {
                keep(rest.split('"').next().unwrap());
            }
        }
        if let Some((_, rest)) = tag.split_once("data-words=\"") {
            let words = rest.split('"').next().unwrap().replace("&quot;", "\"").replace("&amp;", "&");
            let words: Value = serde_json::from_str(&words).expect("the script reads it");
            let codes = words["codes"].as_object().unwrap().values();
            codes.chain(words.as_object().unwrap().values()).filter_map(Value::as_str).for_each(&mut keep);
        }
    }
    said
}

/// A page loads from this origin alone, and nothing that stands in it runs or dresses it.
fn assert_closed(what: &str, answer: &Answer) {
    let (policy, page) = (answer.header("content-security-policy").unwrap(), answer.text());
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{what}: {policy}");
    assert!(!policy.contains("http") && !policy.contains('*'), "{what}: {policy}");
    assert_eq!(
        page.matches("<script").count(),
        page.matches("<script type=\"module\" src=\"/sign-in/").count(),
        "{what}"
    );
    for open in [" style=", "<style", " onclick=", "src=\"http", "href=\"http", "javascript:"] {
        assert!(!page.contains(open), "{what}: {open}");
    }
}

/// The pages of one language by what they are.
struct Tour<'a> {
    world: &'a World,
    language: Language,
    pages: BTreeMap<&'static str, String>,
}

impl<'a> Tour<'a> {
    fn keep(&mut self, what: &'static str, page: String) {
        assert!(page.contains(&format!("<html lang=\"{}\"", self.language.as_str())), "{what}: {page}");
        assert!(self.pages.insert(what, page).is_none(), "{what} is kept once");
    }

    async fn look(&mut self, what: &'static str, browser: &mut Browser<'_>, path: &str) -> String {
        let answer = browser.get(path).await;
        assert_closed(what, &answer);
        let page = answer.text();
        self.keep(what, page.clone());
        page
    }

    /// A browser that an app of this language sent to sign in.
    async fn visit(&self) -> Browser<'a> {
        self.world.advance(SignedDuration::from_mins(1));
        let key = DeviceKey::new();
        let form = with(pushed(&key), "ui_locales", self.language.as_str());
        let answer: api::sign_in::PushedResponse = send(self.world, &key, api::sign_in::PAR_PATH, &form).await.ok();
        let mut browser = Browser::new(self.world);
        let client = api::sign_in::CLIENT_ID;
        let path = format!("/oauth/authorize?client_id={client}&request_uri={}", answer.request_uri);
        browser.get(&path).await.expect(303);
        browser
    }

    /// A browser at an address that a device of this language was given.
    async fn opened(&self, device: &TestDevice, path: &str, body: &Value) -> Browser<'a> {
        self.asked(device, Method::POST, path, Some(body)).await
    }

    async fn asked(&self, device: &TestDevice, method: Method, path: &str, body: Option<&Value>) -> Browser<'a> {
        // Beginning a visit is limited by the minute.
        self.world.advance(SignedDuration::from_mins(1));
        device.refresh().await.expect(200);
        let said = [("accept-language", self.language.as_str())];
        let begun: OneTimeAddress = device.send(method, path, &said, body).await.json();
        let mut browser = Browser::new(self.world);
        browser.get(begun.address.strip_prefix(ORIGIN).unwrap()).await.expect(303);
        browser
    }

    async fn sign_in(&mut self) {
        let mut browser = self.visit().await;
        let page = browser.get("/sign-in").await.text();
        let recovery = format!("/sign-in/recovery?ui_locales={}", self.language.as_str());
        assert!(page.contains(&recovery), "recovery goes on in this language");
        self.keep("sign in", page);
        self.look("recovery", &mut browser, &recovery).await;
        for (what, path) in [
            ("create", "/sign-in/create"),
            ("password", "/sign-in/password"),
            ("create with a password", "/sign-in/create/password"),
        ] {
            self.look(what, &mut browser, path).await;
        }
        browser.create("Ines Calloway").await.expect(200);
        self.look("confirm", &mut browser, "/sign-in/confirm").await;
    }

    async fn with_a_password(&mut self) {
        let mut browser = self.visit().await;
        let names = json!({"name": "Ines Calloway", "account_name": "Ines"});
        browser.post("/sign-in/create/password", &names).await.expect(200);
        let page = self.look("choose", &mut browser, "/sign-in/create/password/choose").await;
        let name = page.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        browser.post("/sign-in/create/password/choose", &json!({"password": PASSWORD})).await.expect(200);
        let phone = Phone::from_page(&self.look("set up", &mut browser, "/sign-in/create/password/code").await);
        let code = json!({"code": phone.code(self.world)});
        browser.post("/sign-in/create/password/code", &code).await.expect(200);
        let mut browser = self.visit().await;
        browser.post("/sign-in/password", &json!({"name": name, "password": PASSWORD})).await.expect(200);
        self.look("code", &mut browser, "/sign-in/password/code").await;
    }

    async fn ways_in(&mut self, device: &TestDevice, holds: &mut Browser<'_>) {
        let mut browser = self.opened(device, PASSKEYS, &json!({})).await;
        self.look("prove", &mut browser, "/sign-in/passkeys").await;
        prove(&browser, holds).await.expect(200);
        self.look("add a passkey", &mut browser, "/sign-in/passkeys").await;
        let next: Value = add(&mut browser, "Key").await.ok();
        self.look("passkey added", &mut browser, next["location"].as_str().unwrap()).await;

        let mut browser = self.opened(device, "/api/v1/security/password", &json!({})).await;
        prove(&browser, holds).await.expect(200);
        self.look("set a password", &mut browser, "/sign-in/ways-in/password").await;
        browser.post("/sign-in/ways-in/password", &json!({"password": PASSWORD})).await.expect(200);
        let phone = Phone::from_page(&self.look("name an app", &mut browser, "/sign-in/ways-in/code").await);
        let new = json!({"name": "Phone", "code": phone.code(self.world)});
        let next: Value = browser.post("/sign-in/ways-in/code", &new).await.ok();
        self.look("way in added", &mut browser, next["location"].as_str().unwrap()).await;

        let mut browser = self.opened(device, "/api/v1/security/password", &json!({})).await;
        prove(&browser, holds).await.expect(200);
        self.look("change the password", &mut browser, "/sign-in/ways-in/password").await;
        let mut browser = self.opened(device, "/api/v1/security/password/kept", &json!({})).await;
        prove(&browser, holds).await.expect(200);
        self.look("keep the password", &mut browser, "/sign-in/ways-in/keep").await;
        let mut browser = self.opened(device, "/api/v1/security/recovery/code", &json!({})).await;
        prove(&browser, holds).await.expect(200);
        self.look("saved code", &mut browser, "/sign-in/ways-in/saved-code").await;

        let id = AddressId::new(self.world.now(), self.world.app.chance10());
        // The language of messages is a choice of its own, and not that of the page.
        let wish = json!({"id": id, "kind": "email", "value": "ines@example.org", "language": "en"});
        let mut browser = self.opened(device, "/api/v1/security/addresses", &wish).await;
        prove(&browser, holds).await.expect(200);
        self.look("add an address", &mut browser, "/sign-in/ways-in/address").await;
        let next: Value = browser.post("/sign-in/ways-in/address", &json!({})).await.ok();
        self.look("address added", &mut browser, next["location"].as_str().unwrap()).await;
    }

    async fn approvals(&mut self, device: &TestDevice, holds: &mut Browser<'_>) {
        // The passkey that made the account is good for five minutes.
        self.world.advance(SignedDuration::from_mins(6));
        device.refresh().await.expect(200);
        let mut browser = self.opened(device, "/api/v1/export", &json!({})).await;
        self.look("take everything out", &mut browser, "/sign-in/step-up").await;
        let payment = order(self.world, 4_000, 0);
        pay(device, &payment).await;
        let path = format!("{PAYMENTS}/{}/approval", payment.id);
        let mut browser = self.opened(device, &path, &json!({})).await;
        let page = self.look("approve a payment", &mut browser, "/sign-in/step-up").await;
        for fact in ["Meridian Mobile", "4471", "40.00 USD", "2027-03-0"] {
            assert!(page.contains(fact), "{fact} is told alike in every language: {page}");
        }
        let shown = browser.shown().await.expect("a button");
        let next: Value = browser.say_yes(holds, &shown).await.ok();
        self.look("approved", &mut browser, next["location"].as_str().unwrap()).await;

        for (what, kind, typed) in [
            ("type a card", "card", json!({"number": "9990000000000003", "expiry": "08/2029"})),
            ("type an account", "bank_account", json!({"number": "000123456789", "routing": "999000001"})),
        ] {
            let id = MethodId::new(self.world.now(), self.world.app.chance10());
            let mut browser = self.opened(device, "/api/v1/methods", &json!({"id": id, "kind": kind})).await;
            self.look(what, &mut browser, "/sign-in/step-up").await;
            browser.post("/sign-in/step-up/number", &typed).await.expect(200);
            if kind == "card" {
                self.look("add a method", &mut browser, "/sign-in/step-up").await;
            }
        }
        device.post("/api/v1/security/lock", &json!({})).await.expect(200);
        let mut browser = self.asked(device, Method::DELETE, "/api/v1/security/lock", None).await;
        self.look("release", &mut browser, "/sign-in/step-up").await;
        // Nothing to say yes to any more.
        let shown = browser.shown().await.expect("a button");
        browser.say_yes(holds, &shown).await.expect(200);
        let ended = Request::get("/sign-in/step-up").header("accept-language", self.language.as_str());
        self.keep("ended", self.world.call(ended.body(Body::empty()).unwrap()).await.text());
    }
}

#[tokio::test]
async fn every_page_speaks_the_language_of_the_app_and_no_other() {
    on_sqlite(async |world| {
        let mut all = Vec::new();
        for language in Language::ALL {
            let mut tour = Tour { world: &world, language, pages: BTreeMap::new() };
            tour.sign_in().await;
            tour.with_a_password().await;
            let (mut holds, device) = by_passkey(&world).await;
            tour.ways_in(&device, &mut holds).await;
            let (mut holds, device) = by_passkey(&world).await;
            tour.approvals(&device, &mut holds).await;
            all.push(tour.pages);
        }
        let [english, spanish, german] = all.try_into().unwrap();
        assert!(english.len() >= 28, "{}", english.len());
        for (what, english) in english {
            let said = [spoken(&english), spoken(&spanish[what]), spoken(&german[what])];
            for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                let same: Vec<_> = said[one].intersection(&said[other]).collect();
                assert!(same.is_empty(), "{what}: {same:?} is said in two languages");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn where_the_app_says_nothing_the_browser_chooses_and_where_neither_does_it_is_english() {
    on_each_engine(async |world| {
        let at = async |locales: Option<&str>, accepts: Option<&str>| {
            let key = DeviceKey::new();
            let form = match locales {
                Some(locales) => with(pushed(&key), "ui_locales", locales),
                None => pushed(&key),
            };
            let answer: api::sign_in::PushedResponse = send(&world, &key, api::sign_in::PAR_PATH, &form).await.ok();
            let mut browser = Browser::new(&world);
            let client = api::sign_in::CLIENT_ID;
            let path = format!("/oauth/authorize?client_id={client}&request_uri={}", answer.request_uri);
            browser.get(&path).await.expect(303);
            let mut request = Request::get("/sign-in").header("cookie", &browser.cookie);
            if let Some(accepts) = accepts {
                request = request.header("accept-language", accepts);
            }
            let page = world.call(request.body(Body::empty()).unwrap()).await.text();
            page.split("lang=\"").nth(1).unwrap().get(..2).unwrap().to_owned()
        };
        for (locales, accepts, speaks) in [
            (Some("de-CH"), Some("es"), "de"),
            (Some("fr es"), Some("de"), "es"),
            (Some("fr"), Some("de-AT,de;q=0.9"), "de"),
            (None, Some("es-MX"), "es"),
            (None, Some("fr"), "en"),
            (Some(""), None, "en"),
            (None, None, "en"),
        ] {
            assert_eq!(at(locales, accepts).await, speaks, "{locales:?} {accepts:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_yes_is_to_the_same_thing_in_every_language() {
    on_each_engine(async |world| {
        let (mut holds, device) = by_passkey(&world).await;
        let payment = order(&world, 4_000, 0);
        pay(&device, &payment).await;
        let path = format!("{PAYMENTS}/{}/approval", payment.id);
        let mut shown = Vec::new();
        for language in Language::ALL {
            let tour = Tour { world: &world, language, pages: BTreeMap::new() };
            let mut browser = tour.opened(&device, &path, &json!({})).await;
            shown.push(browser.shown().await.expect("a button"));
        }
        assert!(shown.windows(2).all(|two| two[0] == two[1]), "{shown:?}");
        let tour = Tour { world: &world, language: Language::De, pages: BTreeMap::new() };
        let browser = tour.opened(&device, &path, &json!({})).await;
        browser.say_yes(&mut holds, &shown[0]).await.expect(200);
    })
    .await;
}
