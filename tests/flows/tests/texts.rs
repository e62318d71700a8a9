//! Text messages for real: the server posts to an operator's gateway, and a person confirms their telephone, signs in and
//! gets back in by the digits that came there. And the gateway fails: nothing is lost, nothing follows where it leads, and
//! no digit reaches the log.

use flows::browser::Browser;
use flows::gateway::{Gateway, Mood, Text};
use flows::place::Place;
use flows::server::{Engine, Server};
use flows::sign_in::{address_in, sign_in};
use tempfile::TempDir;
use thirtyfour::Key;

const PHONE: &str = "+15550107788";
/// Long enough for a code that is sent to go with it.
const PASSWORD: &str = "hollow reed lantern by the river";
const TOKEN: &str = "gateway-token-of-a-test";

struct World {
    server: Server,
    gateway: Gateway,
    _folder: TempDir,
}

fn world(engine: Engine) -> Option<World> {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Gateway::start(TOKEN);
    let file = folder.path().join("token");
    std::fs::write(&file, gateway.token()).expect("a file");
    let (address, file) = (gateway.address(), file.display().to_string());
    let server =
        Server::start(engine, &["--policy", "personal", "--text-gateway", &address, "--text-token-file", &file])?;
    Some(World { server, gateway, _folder: folder })
}

impl World {
    /// What came and its digits are in no word that the server said, and nothing went where it must not.
    fn end(mut self) {
        assert_eq!(self.gateway.strange(), Vec::<String>::new(), "one address, with the token and the message's id");
        let said = self.server.said();
        assert!(self.gateway.came().iter().all(|text| text.to == PHONE), "to nobody else");
        for text in self.gateway.codes() {
            assert!(!said.contains(&text.code()), "digits in {said}");
        }
        for secret in [PHONE, &PHONE[1..], TOKEN, PASSWORD] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        self.server.stop();
        let (clean, report) = self.server.audit();
        assert!(clean, "{report}");
    }

    /// An account with a passkey, whose telephone is confirmed by what the gateway got.
    async fn enrol(&self, place: &Place, browser: &Browser) {
        sign_in(place, &self.server.url(), browser, true).await;
        let begun = place.billfold(&["security", "add-address", PHONE, "--no-browser"]).ok();
        browser.go(begun["address"].as_str().expect("an address")).await;
        browser.click("#prove").await;
        browser.wait_for("Add this address?").await;
        browser.assert_accessible().await;
        let seen = self.gateway.codes().len();
        browser.click("button[type=submit]").await;
        browser.wait_for("A code is on its way").await;
        let text = self.gateway.after(seen);
        place.billfold(&["security", "confirm-address", PHONE, &text.code()]).ok();
    }

    /// A password, on the server's page; the account's name.
    async fn set_password(&self, place: &Place, browser: &Browser) -> String {
        let begun = place.billfold(&["security", "set-password", "--no-browser"]).ok();
        browser.go(begun["address"].as_str().expect("an address")).await;
        browser.click("#prove").await;
        browser.wait_for("Choose a password").await;
        let name = browser.element("#account").await.value().await.expect("a field").expect("a name");
        browser.element("#password").await.send_keys(PASSWORD).await.expect("a field");
        browser.click("button[type=submit]").await;
        browser.wait_for("That is done").await;
        name
    }

    /// A browser without the passkey, by which it would sign in, of an account that has a password and a telephone. A
    /// telephone gets three codes at once and then one now and then, of which one is used here.
    async fn with_a_password(&self) -> (Browser, String) {
        let desk = Place::new();
        let mut browser = Browser::start().await;
        self.enrol(&desk, &browser).await;
        let name = self.set_password(&desk, &browser).await;
        browser.other_authenticator().await;
        (browser, name)
    }

    /// To the page that asks for the code; the app waits.
    async fn show_password(&self, place: &Place, browser: &Browser, name: &str) -> flows::process::Program {
        let url = self.server.url();
        let app = place.start(&["sign-in", "--server", &url, "--no-browser"]);
        browser.go(&address_in(&app, &url)).await;
        browser.go(&format!("{url}/sign-in/password")).await;
        browser.element("#name").await.send_keys(name).await.expect("a field");
        browser.element("#password").await.send_keys(PASSWORD).await.expect("a field");
        browser.click("button[type=submit]").await;
        browser.wait_for("Enter the code").await;
        app
    }
}

async fn type_code(browser: &Browser, text: &Text) {
    browser.element("#code").await.send_keys(text.code() + Key::Enter).await.expect("a field");
}

async fn let_in(browser: &Browser, mut app: flows::process::Program) {
    browser.click("#yes").await;
    app.wait_end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_signs_its_owner_in_and_lets_them_back_in_on_sqlite() {
    a_telephone_signs_its_owner_in_and_lets_them_back_in(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_signs_its_owner_in_and_lets_them_back_in_on_postgresql() {
    a_telephone_signs_its_owner_in_and_lets_them_back_in(Engine::Postgres).await;
}

async fn a_telephone_signs_its_owner_in_and_lets_them_back_in(engine: Engine) {
    let Some(world) = world(engine) else { return };
    let (desk, laptop, other) = (Place::new(), Place::new(), Place::new());
    let mut browser = Browser::start().await;
    world.enrol(&desk, &browser).await;
    let name = world.set_password(&desk, &browser).await;
    let begun = desk.billfold(&["security", "recovery", "make-code", "--no-browser"]).ok();
    browser.go(begun["address"].as_str().expect("an address")).await;
    browser.click("#prove").await;
    browser.click("#make-code").await;
    let saved = browser.element("#code").await.text().await.expect("a code");

    // The passkey is lost; password, telephone and sheet are there.
    browser.other_authenticator().await;
    let seen = world.gateway.codes().len();
    let app = world.show_password(&laptop, &browser, &name).await;
    assert!(browser.text().await.contains("788") && !browser.text().await.contains(PHONE), "the number is covered");
    browser.assert_accessible().await;
    type_code(&browser, &world.gateway.after(seen)).await;
    let_in(&browser, app).await;
    assert_eq!(laptop.billfold(&["security", "addresses"]).ok()["items"].as_array().map(Vec::len), Some(1));

    browser.go(&format!("{}/sign-in/recovery", world.server.url())).await;
    browser.wait_for("E-mail address or phone number").await;
    browser.assert_accessible().await;
    let seen = world.gateway.codes().len();
    browser.element("#address").await.send_keys(PHONE).await.expect("a field");
    browser.click("button[type=submit]").await;
    browser.wait_for("Type both codes").await;
    let text = world.gateway.after(seen);
    browser.element("#sent-code").await.send_keys(text.code()).await.expect("a field");
    browser.element("#saved-code").await.send_keys(&saved).await.expect("a field");
    browser.click("button[type=submit]").await;
    browser.wait_for("Make a new passkey").await;
    browser.click("#create button").await;
    browser.wait_for("You are back in").await;
    desk.billfold(&["sync"]).refused(3);
    sign_in(&other, &world.server.url(), &browser, false).await;
    browser.quit().await;
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_could_not_take_comes_again_by_itself_on_sqlite() {
    let Some(world) = world(Engine::Sqlite) else { return };
    let (browser, name) = world.with_a_password().await;

    // What could not be taken, or may have been, is sent again by itself; the newest digits count.
    for mood in [Mood::Fails, Mood::Breaks] {
        let laptop = Place::new();
        world.gateway.turn(mood);
        let seen = world.gateway.codes().len();
        let app = world.show_password(&laptop, &browser, &name).await;
        browser.wait_for("on its way").await;
        let first = world.gateway.after(seen);
        assert_eq!(first.mood, mood);
        world.gateway.turn(Mood::Takes);
        let second = world.gateway.after(seen + 1);
        assert_eq!((second.mood, &second.id), (Mood::Takes, &first.id), "the same message goes again");
        assert_ne!(first.code(), second.code());
        type_code(&browser, &first).await;
        browser.wait_for("The newest message counts").await;
        browser.assert_accessible().await;
        browser.element("#code").await.clear().await.expect("a field");
        type_code(&browser, &second).await;
        let_in(&browser, app).await;
        laptop.billfold(&["sync"]).ok();
    }
    browser.quit().await;
    world.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_gateway_leads_nothing_goes_and_the_page_says_what_to_do_on_sqlite() {
    let Some(world) = world(Engine::Sqlite) else { return };
    let (browser, name) = world.with_a_password().await;
    let laptop = Place::new();
    world.gateway.turn(Mood::LeadsElsewhere);
    let seen = world.gateway.codes().len();
    let mut app = world.show_password(&laptop, &browser, &name).await;
    assert_eq!(world.gateway.after(seen).mood, Mood::LeadsElsewhere);
    browser.element("#code").await.send_keys("00000000" + Key::Enter).await.expect("a field");
    browser.wait_for("begin again for another one").await;
    assert!(app.runs(), "nothing was let in");
    app.kill();
    world.gateway.turn(Mood::Takes);
    let app = world.show_password(&laptop, &browser, &name).await;
    type_code(&browser, &world.gateway.after(seen + 1)).await;
    let_in(&browser, app).await;
    browser.quit().await;
    assert!(world.server.said().contains("a message could not be sent and is given up"), "the operator hears of it");
    world.end();
}
